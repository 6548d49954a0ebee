// Findings where they stand. They come as byte offsets of the UTF-8 text.
import { useMemo, type KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";
import type { Finding } from "../api";

export const KIND: Record<string, string> = { NAME: "who", LOCATION: "where", FACILITY: "where", DATE: "when", AGE90: "when" };

export interface Piece { text: string; finding?: Finding }

export function pieces(text: string, findings: Finding[]): Piece[] {
	if (findings.length === 0) return [{ text }];
	const bytes = new TextEncoder().encode(text), dec = new TextDecoder("utf-8", { ignoreBOM: true }), out: Piece[] = [];
	let at = 0;
	for (const f of [...findings].sort((a, b) => a.start - b.start)) {
		// Findings of the text before, for a moment after it was changed: never half a character.
		if (f.start < at || f.end > bytes.length || (bytes[f.start] & 0xc0) === 0x80 || (bytes[f.end] & 0xc0) === 0x80) continue;
		if (f.start > at) out.push({ text: dec.decode(bytes.slice(at, f.start)) });
		out.push({ text: dec.decode(bytes.slice(f.start, f.end)), finding: f });
		at = f.end;
	}
	if (at < bytes.length) out.push({ text: dec.decode(bytes.slice(at)) });
	return out;
}

// Why a mark was made is shown to pointer and keyboard alike, inside of the window, until Escape sends it away, which
// moves neither.
export function hush() {
	const told = () => document.querySelectorAll<HTMLElement>("mark.phi:hover, mark.phi:focus-visible");
	const place = () => { for (const m of told()) m.style.setProperty("--shift", Math.min(0, document.documentElement.clientWidth - 256 - m.getBoundingClientRect().left) + "px"); };
	document.addEventListener("keydown", (e) => { if (e.key === "Escape") for (const m of told()) m.dataset.hushed = ""; });
	for (const what of ["mouseover", "focusin"]) document.addEventListener(what, (e) => { if ((e.target as Element).matches?.("mark.phi")) place(); });
	for (const what of ["mouseout", "focusout"]) document.addEventListener(what, (e) => { delete (e.target as HTMLElement).dataset?.hushed; });
	window.addEventListener("resize", place);
}

export function Mark({ text, finding: f, onPick }: { text: string; finding: Finding; onPick?(text: string, f: Finding): void }) {
	const { t } = useTranslation();
	const why = t("phi.why", { kind: t("kind." + f.label, f.label), score: f.score, rule: f.rule });
	const act = onPick ? { role: "button", tabIndex: 0, "aria-label": text + ": " + why, onClick: () => onPick(text, f),
		onKeyDown: (e: KeyboardEvent) => { if (e.key === "Enter" || e.key === " ") { e.preventDefault(); onPick(text, f); } } } : {};
	return <mark className="phi" data-label={f.label} data-kind={KIND[f.label] || "id"} data-why={why} {...act}>{text}</mark>;
}

export function Marked({ text, findings, onPick }: { text: string; findings: Finding[]; onPick?(text: string, f: Finding): void }) {
	const parts = useMemo(() => pieces(text, findings), [text, findings]);
	return <>{parts.map((p, i) => p.finding ? <Mark key={i} text={p.text} finding={p.finding} onPick={onPick} /> : p.text)}</>;
}
