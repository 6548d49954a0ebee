// Small pieces that every page uses.
import { useTranslation } from "react-i18next";
import { useEffect, useRef, useState, type ReactNode, type SelectHTMLAttributes } from "react";
import { exactly, when } from "../words";
import { words } from "./says";

// A name inside a line of ours: direction marks in it cannot reorder that line.
export const Name = ({ children }: { children: string }) => <bdi>{children}</bdi>;

export function Time({ at }: { at: string | null | undefined }) {
	return at ? <time dateTime={at} title={exactly(at)}>{when(at)}</time> : null;
}

export function Status({ status }: { status: string }) {
	const { t } = useTranslation();
	return <span className={"badge st-" + status}>{t("status." + status, status)}</span>;
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
	return <div className="empty"><h2>{title}</h2>{children}</div>;
}

export function Fault({ error }: { error: unknown }) {
	const { t } = useTranslation();
	return <div className="empty" role="alert"><h2>{t("error.title")}</h2><p>{words(error, t)}</p></div>;
}

export function Loading() {
	const { t } = useTranslation();
	return <div className="empty" role="status"><span>{t("loading")}</span></div>;
}

// A list that acts: while one passes over it with arrow keys nothing is done yet; Enter does it, and so does leaving it
// unless it is a `menu`, which then forgets what was passed.
export function Acting({ value, menu, onAct, ...rest }: { value: string; menu?: boolean; onAct(value: string): void } & Omit<SelectHTMLAttributes<HTMLSelectElement>, "value" | "onChange">) {
	const [at, setAt] = useState(value);
	const passing = useRef(false);
	useEffect(() => setAt(value), [value]);
	const act = (v: string) => {
		passing.current = false;
		setAt(value);
		if (v !== value) onAct(v);
	};
	return <select {...rest} value={at} onPointerDown={() => { passing.current = false; }} onBlur={() => act(menu ? value : at)}
		onChange={(e) => { if (passing.current) setAt(e.target.value); else act(e.target.value); }}
		onKeyDown={(e) => {
			if (e.key === "Enter" && at !== value) {
				e.preventDefault();
				act(at);
			} else if (e.key === "Escape") act(value);
			else passing.current = e.key !== " " && !e.altKey && e.key !== "Enter";
		}} />;
}

// Our own short labelled select: the browser's, which phones and screen readers know.
export function Choice({ label, value, options, onChange, disabled, hideLabel, acts }: { label: string; value: string; disabled?: boolean; hideLabel?: boolean; acts?: boolean;
	options: [string, string][]; onChange(value: string): void }) {
	const list = options.map(([v, words]) => <option key={v} value={v}>{words}</option>);
	return (
		<label className="field">
			<span className={hideLabel ? "sr" : undefined}>{label}</span>
			{acts ? <Acting value={value} disabled={disabled} onAct={onChange}>{list}</Acting> : <select value={value} disabled={disabled} onChange={(e) => onChange(e.target.value)}>{list}</select>}
		</label>
	);
}
