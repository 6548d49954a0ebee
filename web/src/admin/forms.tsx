// Ticket forms: which fields, in which order, and which of them only then, when another has a value.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import { useEffect, useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { call, get, post, put, wrongs } from "../api";
import { Acting, Fault, Loading, Name } from "../ui/bits";
import { Box } from "../ui/box";
import { useSays } from "../ui/says";
import { Typed } from "./records";

interface Field { id: number; title: string; type: string; active: boolean; removable: boolean; phi: boolean; custom_field_options?: { name: string; value: string }[] }
interface Child { id: number; is_required: boolean; required_on_statuses?: unknown }
interface Rule { parent_field_id: number; parent_field_type?: string; value: string | boolean; child_fields: Child[] }
interface Form { id: number; name: string; display_name: string; active: boolean; end_user_visible: boolean; default: boolean; ticket_field_ids: number[]; agent_conditions: Rule[]; end_user_conditions: Rule[] }
const VALUES: Record<string, string[]> = { priority: ["urgent", "high", "normal", "low"], basic_priority: ["normal", "high"], tickettype: ["question", "incident", "problem", "task"] };

function choices(f: Field | undefined): [string, string][] {
	if (!f) return [];
	if (f.type === "checkbox") return [["true", "✓"], ["false", "–"]];
	if (f.custom_field_options?.length) return f.custom_field_options.map((o) => [o.value, o.name]);
	return (VALUES[f.type] || []).map((v) => [v, v]);
}

function Conditional({ title, list, fields, onChange }: { title: string; list: Rule[]; fields: Field[]; onChange(l: Rule[]): void }) {
	const { t } = useTranslation();
	const parents = fields.filter((f) => choices(f).length > 0 || f.type === "text"), set = (i: number, r: Partial<Rule>) => onChange(list.map((x, k) => k === i ? { ...x, ...r } : x));
	return (
		<fieldset className="lined stack"><legend><strong>{title}</strong></legend>
			{list.map((r, i) => {
				const parent = fields.find((f) => f.id === r.parent_field_id), values = choices(parent), n = i + 1;
				return (
					<div key={i} className="card stack" style={{ padding: 10 }}>
						<div className="row"><span>{t("forms.when")}</span>
							<select className="plain-select" aria-label={t("forms.parent", { title, n })} value={r.parent_field_id} onChange={(e) => { const f = fields.find((x) => x.id === Number(e.target.value)); set(i, { parent_field_id: Number(e.target.value), parent_field_type: undefined, value: f?.type === "checkbox" ? true : choices(f)[0]?.[0] || "", child_fields: r.child_fields.filter((c) => c.id !== f?.id) }); }}>{parents.map((f) => <option key={f.id} value={f.id}>{f.title}</option>)}</select>
							<span>{t("forms.is")}</span>
							{values.length ? <select className="plain-select" aria-label={t("forms.value", { title, n })} value={String(r.value)} onChange={(e) => set(i, { value: parent?.type === "checkbox" ? e.target.value === "true" : e.target.value })}>{values.map(([v, w]) => <option key={v} value={v}>{parent?.type === "checkbox" ? (v === "true" ? t("yes") : t("no")) : w}</option>)}</select>
								: <input className="plain-input" aria-label={t("forms.value", { title, n })} value={String(r.value)} onChange={(e) => set(i, { value: e.target.value })} />}
							<Button size="small" isBasic isDanger type="button" aria-label={t("forms.removeRule", { title, n })} onClick={() => onChange(list.filter((_, k) => k !== i))}>×</Button></div>
						<div role="group" aria-label={t("forms.show", { n })} className="stack" style={{ gap: 4 }}><span className="soft">{t("forms.thenShow")}</span>
							{fields.filter((f) => f.id !== r.parent_field_id && f.removable).map((f) => { const c = r.child_fields.find((x) => x.id === f.id); return (
								<div key={f.id} className="row"><label className="row"><input type="checkbox" checked={!!c} onChange={(e) => set(i, { child_fields: e.target.checked ? [...r.child_fields, { id: f.id, is_required: false }] : r.child_fields.filter((x) => x.id !== f.id) })} /> <Name>{f.title}</Name></label>
									{c ? <label className="row soft"><input type="checkbox" checked={c.is_required} onChange={(e) => set(i, { child_fields: r.child_fields.map((x) => x.id === f.id ? { ...x, is_required: e.target.checked } : x) })} /> {t("forms.must")}</label> : null}</div>
							); })}
							{fields.filter((f) => f.id !== r.parent_field_id && f.removable).length === 0 ? <p className="soft">{t("forms.noChildren")}</p> : null}</div>
					</div>
				);
			})}
			<div><Button size="small" type="button" disabled={!parents.length} onClick={() => onChange([...list, { parent_field_id: parents[0].id, value: parents[0].type === "checkbox" ? true : choices(parents[0])[0]?.[0] || "", child_fields: [] }])}>{t("forms.addRule")}</Button></div>
		</fieldset>
	);
}

function Editor({ form, fields, onClose, onDone }: { form: Form | null; fields: Field[]; onClose(): void; onDone(): void }) {
	const { t } = useTranslation();
	const { say, fault } = useSays();
	const system = fields.filter((f) => !f.removable && f.active).map((f) => f.id);
	const [v, setV] = useState<Omit<Form, "id">>(form || { name: "", display_name: "", active: true, end_user_visible: false, default: false, ticket_field_ids: system, agent_conditions: [], end_user_conditions: [] });
	const [wrong, setWrong] = useState<string[]>([]);
	const ids = v.ticket_field_ids, by = (id: number) => fields.find((f) => f.id === id), inForm = ids.map(by).filter((f): f is Field => !!f), rest = fields.filter((f) => f.active && !ids.includes(f.id));
	const move = (i: number, to: number) => { const next = [...ids]; next.splice(to, 0, next.splice(i, 1)[0]); setV({ ...v, ticket_field_ids: next }); };
	const submit = async (e: FormEvent) => {
		e.preventDefault();
		setWrong([]);
		const clean = (l: Rule[]) => l.map(({ parent_field_id, value, child_fields }) => ({ parent_field_id, value, child_fields }));
		const body = { ticket_form: { name: v.name, display_name: v.display_name, active: v.active, end_user_visible: v.end_user_visible, ...(v.default && !form?.default ? { default: true } : {}), ticket_field_ids: ids, agent_conditions: clean(v.agent_conditions), end_user_conditions: clean(v.end_user_conditions) } };
		try {
			await (form ? put("/api/v2/ticket_forms/" + form.id + ".json", body) : post("/api/v2/ticket_forms.json", body));
			say(t("records.saved"));
			onDone();
		} catch (err) {
			const list = wrongs(err);
			if (list) setWrong(list);
			else fault(err);
		}
	};
	return (
		<Box title={form ? t("records.change") : t("forms.new")} onClose={onClose} large>
			<form className="stack" onSubmit={submit}>
				{wrong.length ? <div className="leaving" role="alert">{wrong.map((w) => <p key={w}>{w}</p>)}</div> : null}
				<label className="field"><span>{t("person.name")}</span><input required value={v.name} onChange={(e) => setV({ ...v, name: e.target.value })} /></label>
				<label className="field"><span>{t("forms.display")}</span><input value={v.display_name || ""} onChange={(e) => setV({ ...v, display_name: e.target.value })} /></label>
				<div className="row">{(["active", "end_user_visible", "default"] as const).map((k) => <label key={k} className="row"><input type="checkbox" checked={v[k]} disabled={k === "default" && !!form?.default} onChange={(e) => setV({ ...v, [k]: e.target.checked })} /> {t("forms." + k)}</label>)}</div>
				<fieldset className="lined stack"><legend><strong>{t("forms.fields")}</strong></legend>
					<ol style={{ paddingInlineStart: 24 }}>{inForm.map((f, i) => <li key={f.id}><span className="row"><Name>{f.title}</Name> <span className="soft">{f.type}{f.phi ? ", PHI" : ""}</span>
						<Button size="small" isBasic type="button" disabled={i === 0} aria-label={t("slas.up", { title: f.title })} onClick={() => move(i, i - 1)}>↑</Button><Button size="small" isBasic type="button" disabled={i === inForm.length - 1} aria-label={t("slas.down", { title: f.title })} onClick={() => move(i, i + 1)}>↓</Button>
						{f.removable ? <Button size="small" isBasic isDanger type="button" aria-label={t("forms.takeOut", { title: f.title })} onClick={() => setV({ ...v, ticket_field_ids: ids.filter((x) => x !== f.id) })}>×</Button> : null}</span></li>)}</ol>
					{rest.length ? <Acting menu className="plain-select" aria-label={t("forms.addField")} value="" onAct={(id) => setV({ ...v, ticket_field_ids: [...ids, Number(id)] })}><option value="">{t("forms.addField")}</option>{rest.map((f) => <option key={f.id} value={f.id}>{f.title}</option>)}</Acting> : <p className="soft">{t("forms.allIn")}</p>}
				</fieldset>
				<Conditional title={t("forms.agents")} list={v.agent_conditions} fields={inForm} onChange={(agent_conditions) => setV({ ...v, agent_conditions })} />
				<Conditional title={t("forms.endUsers")} list={v.end_user_conditions} fields={inForm} onChange={(end_user_conditions) => setV({ ...v, end_user_conditions })} />
				<div className="row"><Button isPrimary type="submit">{t("records.save")}</Button><Button type="button" onClick={onClose}>{t("cancel")}</Button></div>
			</form>
		</Box>
	);
}

export default function Forms() {
	const { t } = useTranslation();
	const cache = useQueryClient();
	const [open, setOpen] = useState<Form | null | undefined>(undefined);
	const [gone, setGone] = useState<Form | null>(null);
	const forms = useQuery({ queryKey: ["forms"], queryFn: () => get<{ ticket_forms: Form[] }>("/api/v2/ticket_forms.json") });
	const fields = useQuery({ queryKey: ["all-fields"], queryFn: () => get<{ ticket_fields: Field[] }>("/api/v2/ticket_fields.json?per_page=100") });
	useEffect(() => { document.title = t("admin.forms") + " - Ward"; }, [t]);
	if (forms.error || fields.error) return <Fault error={forms.error || fields.error} />;
	if (!forms.data || !fields.data) return <Loading />;
	const reload = () => cache.invalidateQueries({ queryKey: ["forms"] });
	return (
		<>
			<div className="row between"><h1>{t("admin.forms")}</h1><Button isPrimary size="small" onClick={() => setOpen(null)}>{t("records.new")}</Button></div>
			<p className="soft">{t("forms.about")}</p>
			<div className="scroll"><table className="list"><caption className="sr">{t("admin.forms")}</caption><thead><tr><th scope="col">{t("person.name")}</th><th scope="col" className="wide" style={{ width: 90 }}>{t("forms.fields")}</th><th scope="col" className="wide" style={{ width: 120 }}>{t("forms.conditions")}</th><th scope="col" style={{ width: 140 }}>{t("field.status")}</th><th scope="col" style={{ width: 170 }}><span className="sr">{t("records.acts")}</span></th></tr></thead>
				<tbody>{forms.data.ticket_forms.map((f) => <tr key={f.id}><td className="wrap"><Name>{f.name}</Name>{f.default ? <> <span className="state">{t("groups.default")}</span></> : null}</td><td className="wide">{f.ticket_field_ids.length}</td><td className="wide">{f.agent_conditions.length + f.end_user_conditions.length || ""}</td><td>{f.active ? t(f.end_user_visible ? "forms.forAll" : "forms.forAgents") : t("forms.off")}</td>
					<td><div className="row"><Button size="small" isBasic onClick={() => setOpen(f)}>{t("records.change")}</Button>{f.default ? null : <Button size="small" isBasic isDanger onClick={() => setGone(f)}>{t("records.delete")}</Button>}</div></td></tr>)}</tbody></table></div>
			{open !== undefined ? <Editor form={open} fields={fields.data.ticket_fields} onClose={() => setOpen(undefined)} onDone={() => { setOpen(undefined); reload(); }} /> : null}
			{gone ? <Typed title={t("records.delete")} warn={t("forms.deleteWarn")} word={gone.name} onClose={() => setGone(null)} facts={async () => t("forms.deleteCount", { count: (await get<{ count: number }>("/api/v2/search/count.json?query=" + encodeURIComponent("type:ticket form:" + gone.id))).count })}
				go={async () => { await call("DELETE", "/api/v2/ticket_forms/" + gone.id + ".json"); reload(); }} /> : null}
		</>
	);
}
