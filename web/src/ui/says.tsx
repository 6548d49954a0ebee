// Words to the person: short notices that also a screen reader reads.
import type { TFunction } from "i18next";
import { createContext, useCallback, useContext, useEffect, useMemo, useRef, useState, type ReactNode } from "react";
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
interface Says { say(text: string, undo?: () => void, label?: string): void; fault(e: unknown): void; undo(): void; hush(): void }
const Context = createContext<Says>(null as unknown as Says);
const Shown = createContext<{ all: Said[]; drop(id: number): void }>({ all: [], drop: () => undefined });
export const useSays = () => useContext(Context);

// A dialog has its own: what is outside of it is neither read nor reached while it is open.
export function Notices({ id }: { id?: string }) {
	const { t } = useTranslation();
	const { all, drop } = useContext(Shown);
	const ref = useRef<HTMLDivElement>(null);
	// They never lie on what has the focus: then they move to the other end of the page.
	useEffect(() => {
		const box = ref.current!, dodge = () => {
			const at = document.activeElement;
			if (!at || box.contains(at)) return;
			const a = at.getBoundingClientRect(), b = box.getBoundingClientRect();
			const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left), high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
			if (wide > 0 && high > 0 && wide * high * 2 > a.width * a.height) box.classList.toggle("down");
		};
		dodge();
		document.addEventListener("focusin", dodge);
		return () => document.removeEventListener("focusin", dodge);
	}, [all]);
	return (
		<div ref={ref} className="toasts" role="status" aria-live="polite" id={id}>
			{all.map((s) => (
				<div key={s.id} className={"toast" + (s.bad ? " bad" : "")}>
					<span className="grow">{s.text}</span>
					{s.undo ? <button type="button" onClick={() => { s.undo!(); drop(s.id); }}>{s.label || t("undo")}</button> : null}
					<button type="button" onClick={() => drop(s.id)} aria-label={t("shut")}>×</button>
				</div>
			))}
		</div>
	);
}

export function SaysProvider({ children }: { children: ReactNode }) {
	const { t } = useTranslation();
	const [all, setAll] = useState<Said[]>([]);
	const next = useRef(1), now = useRef(all);
	now.current = all;
	const drop = useCallback((id: number) => setAll((a) => a.filter((s) => s.id !== id)), []);
	// Nobody is hurried: a notice that is pointed at or has the focus stays.
	const later = useCallback((id: number, after: number) => {
		window.setTimeout(() => document.querySelector(".toasts:hover, .toasts:focus-within") ? later(id, 2000) : drop(id), after);
	}, [drop]);
	const add = useCallback((text: string, bad: boolean, undo?: () => void, label?: string) => {
		const id = next.current++;
		setAll((a) => [...a.slice(-2), { id, text, bad, undo, label }]);
		if (!bad) later(id, label ? 60000 : undo ? 12000 : 6000);
	}, [later]);
	const says = useMemo<Says>(() => ({ say: (text, undo, label) => add(text, false, undo, label), fault: (e) => add(words(e, t), true),
		undo() {
			const last = [...now.current].reverse().find((s) => s.undo && !s.label);
			last?.undo!();
			if (last) drop(last.id);
		},
		hush: () => setAll([]) }), [add, drop, t]);
	const shown = useMemo(() => ({ all, drop }), [all, drop]);
	return <Context.Provider value={says}><Shown.Provider value={shown}>{children}<Notices id="notice" /></Shown.Provider></Context.Provider>;
}
