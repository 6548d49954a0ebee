// Custom fields, as the ticket's form shows them. What holds health information
// and may not be seen in clear, or only read, is not offered for writing.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Ticket, User } from "../api";
import { Choice } from "../ui/bits";
import { FIELDS, FORMS } from "./ready";

export interface Field { id: number; type: string; title: string; description?: string; agent_description?: string; active: boolean; required: boolean; removable: boolean; position: number;
	custom_field_options?: { name: string; value: string }[]; phi?: boolean; phi_purpose?: string | null; phi_access?: Record<string, "none" | "read" | "write"> | null; agent_can_edit?: boolean }
interface Child { id: number; is_required?: boolean; required_on_statuses?: { type: string; statuses?: string[] } }
interface Condition { parent_field_id: number; value: unknown; child_fields: Child[] }
export interface Form { id: number; name: string; active: boolean; default: boolean; ticket_field_ids: number[]; agent_conditions: Condition[] }
export type Values = Record<number, unknown>;

export function useFields() {
	const fields = useQuery(FIELDS);
	const forms = useQuery(FORMS);
	return { fields: fields.data?.ticket_fields || [], forms: (forms.data?.ticket_forms || []).filter((f) => f.active) };
}

export const valuesOf = (ticket: Ticket): Values => Object.fromEntries((ticket.custom_fields || []).map((f) => [f.id, f.value]));
const none = (v: unknown) => v === null || v === undefined || v === "" || (Array.isArray(v) && v.length === 0);

export interface Shown { field: Field; must: boolean; write: boolean }

// The fields of a form with its conditions; without a form, all custom ones.
export function shownFields(fields: Field[], form: Form | undefined, ticket: Partial<Ticket>, values: Values, me: User, masked: boolean): Shown[] {
	const role = me.role === "admin" ? "admin" : "agent", out: Shown[] = [];
	const standard = (f: Field) => f.type === "priority" ? ticket.priority : f.type === "tickettype" ? ticket.type : f.type === "group" ? ticket.group_id : f.type === "assignee" ? ticket.assignee_id : f.type === "status" ? ticket.status : undefined;
	const holds = (c: Condition) => {
		const parent = fields.find((f) => f.id === c.parent_field_id), v = parent?.removable === false ? standard(parent) : values[c.parent_field_id];
		if (parent?.type === "checkbox") return (v === true) === (c.value === true || c.value === "true");
		return Array.isArray(v) ? v.includes(c.value as never) : String(v ?? "") === String(c.value ?? "");
	};
	for (const f of [...fields].sort((a, b) => form ? form.ticket_field_ids.indexOf(a.id) - form.ticket_field_ids.indexOf(b.id) : a.position - b.position)) {
		if (!f.active || !f.removable || (form && !form.ticket_field_ids.includes(f.id))) continue;
		const access = f.phi_access?.[role] || "write";
		if (access === "none") continue;
		const about = (form?.agent_conditions || []).flatMap((c) => c.child_fields.filter((x) => x.id === f.id).map((x) => ({ c, x })));
		const on = about.filter(({ c }) => holds(c));
		if (about.length && !on.length) continue;
		const must = f.required || on.some(({ x }) => x.required_on_statuses?.type === "ALL_STATUSES" || (x.required_on_statuses?.type === "SOME_STATUSES" && x.required_on_statuses.statuses?.includes(ticket.status || "new")) ||
			(x.is_required && x.required_on_statuses?.type !== "NO_STATUSES"));
		const closedText = masked && (f.phi || (!none(values[f.id]) && ["text", "textarea", "regexp"].includes(f.type)));
		out.push({ field: f, must, write: access === "write" && !closedText });
	}
	return out;
}

export function FieldInput({ shown: { field: f, must, write }, value, disabled, onSave, live }: { shown: Shown; value: unknown; disabled?: boolean; live?: boolean; onSave(v: unknown): void }) {
	const { t } = useTranslation();
	const [text, setText] = useState(none(value) ? "" : String(value));
	useEffect(() => setText(none(value) ? "" : String(value)), [value]);
	const label = <>{f.title}{must ? <span aria-hidden="true"> *</span> : null}{f.phi ? <> <span className="tag phi-tag" title={f.phi_purpose || undefined}>PHI</span></> : null}</>;
	const off = disabled || !write;
	const done = (v: string) => {
		if (v === (none(value) ? "" : String(value))) return;
		onSave(v === "" ? null : f.type === "integer" ? (/^-?\d+$/.test(v) ? Number(v) : v) : v);
	};
	if (!write)
		return <div className="field"><span>{label}</span><div className="pre read-only" dir="auto">{none(value) ? "–" : f.type === "checkbox" ? t(value ? "yes" : "no") : f.custom_field_options?.find((o) => o.value === value)?.name || (Array.isArray(value) ? value.join(", ") : String(value))}</div></div>;
	if (f.type === "checkbox") return <label className="row"><input type="checkbox" checked={value === true} disabled={off} onChange={(e) => onSave(e.target.checked)} /> <strong>{label}</strong></label>;
	if (f.type === "tagger") return <Choice acts={!live} label={f.title + (must ? " *" : "") + (f.phi ? " (PHI)" : "")} disabled={off} value={none(value) ? "" : String(value)} onChange={(v) => onSave(v || null)}
		options={[["", "–"], ...(f.custom_field_options || []).map((o) => [o.value, o.name.replace(/::/g, " › ")] as [string, string])]} />;
	if (f.type === "multiselect") {
		const have = Array.isArray(value) ? value as string[] : [];
		return <fieldset className="field plain"><legend>{label}</legend>{(f.custom_field_options || []).map((o) => <label key={o.value} className="row"><input type="checkbox" disabled={off} checked={have.includes(o.value)}
			onChange={(e) => onSave(e.target.checked ? [...have, o.value] : have.filter((x) => x !== o.value))} /> {o.name}</label>)}</fieldset>;
	}
	const common = { value: text, disabled: off, required: live && must, dir: "auto" as const, onBlur: () => done(text.trim()), onChange: (e: { target: { value: string } }) => { setText(e.target.value); if (live) onSave(e.target.value === "" ? null : e.target.value); } };
	return (
		<label className="field"><span>{label}</span>
			{f.type === "textarea" ? <textarea rows={3} {...common} /> : <input type={f.type === "date" ? "date" : "text"} inputMode={f.type === "integer" ? "numeric" : f.type === "decimal" ? "decimal" : undefined} {...common}
				onKeyDown={(e) => { if (e.key === "Enter" && !live) e.currentTarget.blur(); }} />}
		</label>
	);
}
