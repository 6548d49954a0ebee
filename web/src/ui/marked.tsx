// Findings where they stand. They come as byte offsets of the UTF-8 text.
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { Finding } from "../api";

const KIND: Record<string, string> = { NAME: "who", LOCATION: "where", FACILITY: "where", DATE: "when", AGE90: "when" };

export interface Piece { text: string; finding?: Finding }

export function pieces(text: string, findings: Finding[]): Piece[] {
	if (findings.length === 0) return [{ text }];
	const bytes = new TextEncoder().encode(text), dec = new TextDecoder("utf-8", { ignoreBOM: true }), out: Piece[] = [];
	let at = 0;
	for (const f of [...findings].sort((a, b) => a.start - b.start)) {
		if (f.start < at || f.end > bytes.length) continue;
		if (f.start > at) out.push({ text: dec.decode(bytes.slice(at, f.start)) });
		out.push({ text: dec.decode(bytes.slice(f.start, f.end)), finding: f });
		at = f.end;
	}
	if (at < bytes.length) out.push({ text: dec.decode(bytes.slice(at)) });
	return out;
}

export function Marked({ text, findings, onPick }: { text: string; findings: Finding[]; onPick?(text: string, f: Finding): void }) {
	const { t } = useTranslation();
	const parts = useMemo(() => pieces(text, findings), [text, findings]);
	return (
		<>
			{parts.map((p, i) => p.finding ? (
				<mark key={i} className="phi" data-label={p.finding.label} data-kind={KIND[p.finding.label] || "id"}
					title={t("phi.why", { kind: t("kind." + p.finding.label, p.finding.label), score: p.finding.score, rule: p.finding.rule })}
					onClick={onPick ? () => onPick(p.text, p.finding!) : undefined}>{p.text}</mark>
			) : p.text)}
		</>
	);
}
