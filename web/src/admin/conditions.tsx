// Conditions of a rule, built from the server's one table of what can be asked.
import { Button } from "@zendeskgarden/react-buttons";
import { useState } from "react";
import { useTranslation } from "react-i18next";

interface Value { value: string; title: string }
interface Operator { value: string; title: string; terminal: boolean }
export interface Definition { title: string; subject: string; type: string; group: string; operators?: Operator[]; values?: Value[] }
export interface Definitions { conditions_all: Definition[]; conditions_any: Definition[]; actions: Definition[] }
export interface Condition { field: string; operator: string; value: unknown }

export const asText = (v: unknown) => Array.isArray(v) ? v.join("\n") : v === null || v === undefined ? "" : String(v);

export function ValueField({ def, value, onChange, label }: { def?: Definition; value: unknown; onChange(v: unknown): void; label: string }) {
	const { t } = useTranslation();
	const { fields } = parts(def);
	if (fields.length > 1) {
		const list = Array.isArray(value) ? value.map(asText) : [asText(value)];
		return <>{fields.map((f, i) => f.values ? (
			<select key={i} className="plain-select" aria-label={label + " " + f.words(t)} value={list[i] || ""} onChange={(e) => onChange(fields.map((_, k) => k === i ? e.target.value : list[k] || ""))}><option value="">–</option>{f.values.map((v) => <option key={v.value} value={v.value}>{v.title}</option>)}</select>
		) : f.long ? <textarea key={i} className="plain-input" style={{ flexBasis: "100%" }} rows={3} aria-label={label + " " + f.words(t)} placeholder={f.words(t)} value={list[i] || ""} onChange={(e) => onChange(fields.map((_, k) => k === i ? e.target.value : list[k] || ""))} />
			: <input key={i} className="plain-input grow" aria-label={label + " " + f.words(t)} placeholder={f.words(t)} value={list[i] || ""} onChange={(e) => onChange(fields.map((_, k) => k === i ? e.target.value : list[k] || ""))} />)}</>;
	}
	if (def?.values?.length) {
		const known = def.values.some((v) => v.value === asText(value));
		return <select className="plain-select grow" aria-label={label} value={asText(value)} onChange={(e) => onChange(e.target.value)}>
			<option value="">–</option>{!known && asText(value) ? <option value={asText(value)}>{asText(value)}</option> : null}{def.values.map((v) => <option key={v.value} value={v.value}>{v.title}</option>)}</select>;
	}
	return def?.subject === "comment_value" ? <textarea className="plain-input" style={{ flexBasis: "100%" }} rows={4} aria-label={label} value={asText(value)} onChange={(e) => onChange(e.target.value)} />
		: <input className="plain-input grow" aria-label={label} value={asText(value)} onChange={(e) => onChange(e.target.value)} />;
}

// A notification has three values: to whom, subject, text.
function parts(def?: Definition) {
	const three = def && /^notification_(user|group|sms_user)$/.test(def.subject);
	return { fields: three ? [{ words: (t: any) => t("rules.toWhom"), values: def.values }, { words: (t: any) => t("field.subject") }, { words: (t: any) => t("new.text"), long: true }] as { words(t: any): string; values?: Value[]; long?: boolean }[] : [] };
}

export function grouped(defs: Definition[]) {
	const out = new Map<string, Definition[]>();
	for (const d of defs) out.set(d.group, [...(out.get(d.group) || []), d]);
	return [...out].map(([g, list]) => <optgroup key={g} label={g}>{list.map((d) => <option key={d.subject} value={d.subject}>{d.title}</option>)}</optgroup>);
}

export function Conditions({ title, defs, list, onChange }: { title: string; defs: Definition[]; list: Condition[]; onChange(l: Condition[]): void }) {
	const { t } = useTranslation();
	const [fresh, setFresh] = useState(-1);      // the row that was added has the focus
	const set = (i: number, c: Partial<Condition>) => onChange(list.map((x, k) => k === i ? { ...x, ...c } : x));
	return (
		<fieldset className="stack" style={{ border: 0, padding: 0, margin: 0 }}>
			<legend><strong>{title}</strong></legend>
			{list.map((c, i) => {
				const def = defs.find((d) => d.subject === c.field), op = def?.operators?.find((o) => o.value === c.operator);
				return (
					<div key={i} className="row card" style={{ padding: 8 }}>
						<select className="plain-select" autoFocus={i === fresh} aria-label={t("rules.condition", { n: i + 1 })} value={c.field} onChange={(e) => { const d = defs.find((x) => x.subject === e.target.value); set(i, { field: e.target.value, operator: d?.operators?.[0]?.value || "is", value: "" }); }}>
							{!def ? <option value={c.field}>{c.field}</option> : null}{grouped(defs)}</select>
						<select className="plain-select" aria-label={t("rules.operator", { n: i + 1 })} value={c.operator} onChange={(e) => set(i, { operator: e.target.value })}>{!op ? <option value={c.operator}>{c.operator}</option> : null}{def?.operators?.map((o) => <option key={o.value} value={o.value}>{o.title}</option>)}</select>
						{op?.terminal ? null : <ValueField def={def} value={c.value} label={t("rules.value", { n: i + 1 })} onChange={(value) => set(i, { value })} />}
						<Button size="small" isBasic type="button" aria-label={t("rules.removeCondition", { n: i + 1 })} onClick={() => onChange(list.filter((_, k) => k !== i))}>×</Button>
					</div>
				);
			})}
			<div><Button size="small" type="button" onClick={() => { setFresh(list.length); if (defs[0]) onChange([...list, { field: defs[0].subject, operator: defs[0].operators?.[0]?.value || "is", value: "" }]); }}>{t("rules.addCondition")}</Button></div>
		</fieldset>
	);
}
