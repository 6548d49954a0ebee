// Small pieces that every page uses.
import { useTranslation } from "react-i18next";
import type { ReactNode } from "react";
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

// Our own short labelled select: the browser's, which phones and screen readers know.
export function Choice({ label, value, options, onChange, disabled, hideLabel }: { label: string; value: string; disabled?: boolean; hideLabel?: boolean;
	options: [string, string][]; onChange(value: string): void }) {
	return (
		<label className="field">
			<span className={hideLabel ? "sr" : undefined}>{label}</span>
			<select value={value} disabled={disabled} onChange={(e) => onChange(e.target.value)}>
				{options.map(([v, words]) => <option key={v} value={v}>{words}</option>)}
			</select>
		</label>
	);
}
