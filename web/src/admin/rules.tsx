// Views, macros, triggers, automations: one builder over the server's own table
// of conditions and actions, with a trial on a past ticket before it counts.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import { useEffect, useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { del, get, post, put, wrongs } from "../api";
import { Choice, Empty, Fault, Loading, Name } from "../ui/bits";
import { Box } from "../ui/box";
import { useSays } from "../ui/says";
import { Typed } from "./records";

export type Kind = "trigger" | "automation" | "macro" | "view";
interface Value { value: string; title: string }
interface Operator { value: string; title: string; terminal: boolean }
export interface Definition { title: string; subject: string; type: string; group: string; operators?: Operator[]; values?: Value[] }
export interface Definitions { conditions_all: Definition[]; conditions_any: Definition[]; actions: Definition[] }
export interface Condition { field: string; operator: string; value: unknown }
interface Action { field: string; value: unknown }
interface Rule { id: number; title: string; description?: string | null; active: boolean; position?: number; conditions?: { all: Condition[]; any: Condition[] }; all?: Condition[]; any?: Condition[]; actions?: Action[] }

const PATH: Record<Kind, string> = { trigger: "triggers", automation: "automations", macro: "macros", view: "views" };
const asText = (v: unknown) => Array.isArray(v) ? v.join("\n") : v === null || v === undefined ? "" : String(v);

function ValueField({ def, value, onChange, label }: { def?: Definition; value: unknown; onChange(v: unknown): void; label: string }) {
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

function grouped(defs: Definition[]) {
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

function Actions({ defs, list, onChange }: { defs: Definition[]; list: Action[]; onChange(l: Action[]): void }) {
	const { t } = useTranslation();
	const [fresh, setFresh] = useState(-1);
	const set = (i: number, a: Partial<Action>) => onChange(list.map((x, k) => k === i ? { ...x, ...a } : x));
	return (
		<fieldset className="stack" style={{ border: 0, padding: 0, margin: 0 }}>
			<legend><strong>{t("rules.actions")}</strong></legend>
			{list.map((a, i) => {
				const def = defs.find((d) => d.subject === a.field);
				return (
					<div key={i} className="row card" style={{ padding: 8 }}>
						<select className="plain-select" autoFocus={i === fresh} aria-label={t("rules.action", { n: i + 1 })} value={a.field} onChange={(e) => set(i, { field: e.target.value, value: "" })}>{!def ? <option value={a.field}>{a.field}</option> : null}{grouped(defs)}</select>
						<ValueField def={def} value={a.value} label={t("rules.value", { n: i + 1 })} onChange={(value) => set(i, { value })} />
						<Button size="small" isBasic type="button" aria-label={t("rules.removeAction", { n: i + 1 })} onClick={() => onChange(list.filter((_, k) => k !== i))}>×</Button>
					</div>
				);
			})}
			<div><Button size="small" type="button" onClick={() => { setFresh(list.length); if (defs[0]) onChange([...list, { field: defs[0].subject, value: "" }]); }}>{t("rules.addAction")}</Button></div>
		</fieldset>
	);
}

interface Trial { matches: boolean; cycle: boolean; conditions: { list: string; field: string; operator: string; holds: boolean }[]; would: { type: string; field_name?: string; value?: unknown; recipients?: number[] }[] }

function Try({ kind, rule, defs }: { kind: Kind; rule: unknown; defs: Definitions }) {
	const { t } = useTranslation();
	const { fault } = useSays();
	const [id, setId] = useState("");
	const [trial, setTrial] = useState<Trial | null>(null);
	const name = (f: string) => [...(defs.conditions_all || []), ...(defs.actions || [])].find((d) => d.subject === f)?.title || f;
	const go = () => post("/api/ward/v1/rules/dry_run", { kind, ticket_id: Number(id), rule }).then(setTrial, fault);
	return (
		<div className="card stack">
			<div className="row"><strong>{t("rules.try")}</strong>
				<input className="plain-input" style={{ width: 110 }} inputMode="numeric" aria-label={t("rules.tryOn")} placeholder={t("rules.tryOn")} value={id} onChange={(e) => setId(e.target.value.replace(/\D/g, ""))} />
				<Button size="small" type="button" disabled={!id} onClick={go}>{t("rules.tryGo")}</Button></div>
			{trial ? (
				<div role="status" className="stack" id="trial">
					<p>{trial.matches ? t("rules.matches") : t("rules.noMatch")}{trial.cycle ? " " + t("rules.cycle") : ""}</p>
					<ul style={{ listStyle: "none", padding: 0 }}>{trial.conditions.map((c, i) => <li key={i}><span aria-hidden="true">{c.holds ? "✓" : "✗"}</span> {name(c.field)} {c.operator.replace(/_/g, " ")}: {c.holds ? t("rules.holds") : t("rules.holdsNot")}</li>)}</ul>
					{trial.would?.length ? <><strong>{t("rules.would")}</strong><ul style={{ paddingInlineStart: 18 }}>{trial.would.map((w, i) => <li key={i} className="wrap">{w.field_name ? name(w.field_name) + ": " + asText(w.value) : w.recipients ? t("rules.notice", { kind: w.type, count: w.recipients.length }) : w.type}</li>)}</ul></> : null}
				</div>
			) : null}
		</div>
	);
}

function Editor({ kind, rule, defs, onClose, onDone }: { kind: Kind; rule: Rule | null; defs: Definitions; onClose(): void; onDone(): void }) {
	const { t } = useTranslation();
	const { say, fault } = useSays();
	const [title, setTitle] = useState(rule?.title || "");
	const [all, setAll] = useState<Condition[]>(rule?.conditions?.all || []);
	const [any, setAny] = useState<Condition[]>(rule?.conditions?.any || []);
	const [actions, setActions] = useState<Action[]>(rule?.actions || []);
	const [active, setActive] = useState(rule?.active ?? true);
	const [wrong, setWrong] = useState<string[]>([]);
	const [busy, setBusy] = useState(false);
	const conditional = kind !== "macro", acting = kind !== "view";
	const body = { title, active, ...(conditional ? (kind === "view" ? { all, any } : { conditions: { all, any } }) : {}), ...(acting ? { actions } : {}) };
	const submit = async (e: FormEvent) => {
		e.preventDefault();
		setBusy(true);
		setWrong([]);
		try {
			if (rule) await put("/api/v2/" + PATH[kind] + "/" + rule.id + ".json", { [kind]: body });
			else await post("/api/v2/" + PATH[kind] + ".json", { [kind]: body });
			say(t("records.saved"));
			onDone();
		} catch (err) {
			const list = wrongs(err);
			if (list) setWrong(list);
			else fault(err);
			setBusy(false);
		}
	};
	return (
		<Box title={rule ? t("records.change") : t("records.new")} onClose={onClose}>
			<form className="stack" onSubmit={submit}>
				{wrong.length ? <div className="leaving" role="alert">{wrong.map((w) => <p key={w}>{w}</p>)}</div> : null}
				<label className="field"><span>{t("rules.title")}</span><input required value={title} onChange={(e) => setTitle(e.target.value)} /></label>
				{conditional ? <><Conditions title={t("rules.all")} defs={defs.conditions_all || []} list={all} onChange={setAll} /><Conditions title={t("rules.any")} defs={defs.conditions_any || []} list={any} onChange={setAny} /></> : null}
				{acting ? <Actions defs={defs.actions || []} list={actions} onChange={setActions} /> : null}
				<label className="row"><input type="checkbox" checked={active} onChange={(e) => setActive(e.target.checked)} /> {t("rules.active")}</label>
				<Try kind={kind} rule={{ title: title || "–", ...(conditional ? { conditions: { all, any } } : {}), ...(acting ? { actions } : {}) }} defs={defs} />
				<div className="row"><Button isPrimary type="submit" disabled={busy}>{t("records.save")}</Button><Button type="button" onClick={onClose}>{t("cancel")}</Button></div>
			</form>
		</Box>
	);
}

export function Rules({ kind }: { kind: Kind }) {
	const { t } = useTranslation();
	const { fault } = useSays();
	const cache = useQueryClient();
	const path = "/api/v2/" + PATH[kind];
	const [state, setState] = useState("true");
	const [open, setOpen] = useState<Rule | null | undefined>(undefined);
	const [gone, setGone] = useState<Rule | null>(null);
	const list = useQuery({ queryKey: ["rules", kind, state], queryFn: () => get<Record<string, Rule[]>>(path + ".json?per_page=100" + (state ? "&active=" + state : "")) });
	const defs = useQuery({ queryKey: ["definitions", kind], staleTime: 60000, queryFn: () => get<{ definitions: Definitions }>(path + "/definitions.json") });
	useEffect(() => { document.title = t("admin." + PATH[kind]) + " - Ward"; }, [kind, t]);
	const reload = () => { cache.invalidateQueries(); };
	const rows = list.data?.[PATH[kind]] || [];
	const does = (r: Rule) => kind === "view" ? (r.conditions?.all || []).concat(r.conditions?.any || []).map((c) => c.field).join(", ") : (r.actions || []).map((a) => a.field).join(", ");
	const switchTo = (r: Rule, on: boolean) => put(path + "/" + r.id + ".json", { [kind]: { active: on } }).then(reload, fault);
	return (
		<>
			<div className="row between"><h1>{t("admin." + PATH[kind])}</h1><div className="row">
				<Choice label={t("rules.shown")} hideLabel value={state} onChange={setState} options={[["true", t("rules.on")], ["false", t("rules.off")], ["", t("rules.both")]]} />
				<Button isPrimary size="small" disabled={!defs.data} onClick={() => setOpen(null)}>{t("records.new")}</Button></div></div>
			<p className="soft">{t("rules.about." + kind)}</p>
			{list.error || defs.error ? <Fault error={list.error || defs.error} /> : list.isLoading ? <Loading /> : rows.length === 0 ? <Empty title={t("rules.empty")}><Button disabled={!defs.data} onClick={() => setOpen(null)}>{t("records.first")}</Button></Empty> : (
				<div className="scroll"><table className="list"><caption className="sr">{t("admin." + PATH[kind])}</caption>
					<thead><tr><th scope="col">{t("rules.title")}</th><th scope="col" className="wide">{kind === "view" ? t("rules.conditions") : t("rules.actions")}</th><th scope="col" style={{ width: 90 }}>{t("fields.active")}</th><th scope="col" style={{ width: 170 }}><span className="sr">{t("records.acts")}</span></th></tr></thead>
					<tbody>{rows.map((r) => <tr key={r.id}><td className="wrap"><Name>{r.title}</Name></td><td className="wrap wide soft">{does(r)}</td>
						<td><input type="checkbox" checked={r.active} aria-label={t("rules.switch", { title: r.title })} onChange={(e) => switchTo(r, e.target.checked)} /></td>
						<td><div className="row"><Button size="small" isBasic onClick={() => setOpen(r)}>{t("records.change")}</Button><Button size="small" isBasic isDanger onClick={() => setGone(r)}>{t("records.delete")}</Button></div></td></tr>)}</tbody></table></div>
			)}
			{open !== undefined && defs.data ? <Editor kind={kind} rule={open} defs={defs.data.definitions} onClose={() => setOpen(undefined)} onDone={() => { setOpen(undefined); reload(); }} /> : null}
			{gone ? <Typed title={t("records.delete")} warn={t("rules.deleteWarn")} word={gone.title} onClose={() => setGone(null)} go={async () => { await del(path + "/" + gone.id + ".json"); reload(); }} /> : null}
		</>
	);
}

export const Triggers = () => <Rules key="trigger" kind="trigger" />;
export const Automations = () => <Rules key="automation" kind="automation" />;
export const Macros = () => <Rules key="macro" kind="macro" />;
export const ViewRules = () => <Rules key="view" kind="view" />;
