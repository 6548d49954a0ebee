// Words to the person: short notices that also a screen reader reads.
import type { TFunction } from "i18next";
import { createContext, useCallback, useContext, useMemo, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Refused } from "../api";

export function words(e: unknown, t: TFunction): string {
	if (!(e instanceof Refused)) return t("error.page");
	if (e.status === 0) return t("error.unreachable");
	if (e.status === 403) return t("error.denied");
	if (e.status === 404) return t("error.absent");
	if (e.status === 503) return e.message;        // what is wanted, for now: mail is not set up, the disk is full
	if (e.status >= 500) return t("error.server", { id: e.requestId });
	return e.message;
}

interface Said { id: number; text: string; bad: boolean; undo?: () => void; label?: string }
interface Says { say(text: string, undo?: () => void, label?: string): void; fault(e: unknown): void }
const Context = createContext<Says>(null as unknown as Says);
export const useSays = () => useContext(Context);

export function SaysProvider({ children }: { children: ReactNode }) {
	const { t } = useTranslation();
	const [all, setAll] = useState<Said[]>([]);
	const next = useRef(1);
	const drop = useCallback((id: number) => setAll((a) => a.filter((s) => s.id !== id)), []);
	const add = useCallback((text: string, bad: boolean, undo?: () => void, label?: string) => {
		const id = next.current++;
		setAll((a) => [...a.slice(-2), { id, text, bad, undo, label }]);
		if (!bad) window.setTimeout(() => drop(id), label ? 60000 : undo ? 12000 : 6000);
	}, [drop]);
	const says = useMemo<Says>(() => ({ say: (text, undo, label) => add(text, false, undo, label), fault: (e) => add(words(e, t), true) }), [add, t]);
	return (
		<Context.Provider value={says}>
			{children}
			<div className="toasts" role="status" aria-live="polite" id="notice">
				{all.map((s) => (
					<div key={s.id} className={"toast" + (s.bad ? " bad" : "")}>
						<span className="grow">{s.text}</span>
						{s.undo ? <button type="button" onClick={() => { s.undo!(); drop(s.id); }}>{s.label || t("undo")}</button> : null}
						<button type="button" onClick={() => drop(s.id)} aria-label={t("close")}>×</button>
					</div>
				))}
			</div>
		</Context.Provider>
	);
}
