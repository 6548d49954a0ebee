// Views, macros, triggers, automations: one builder over the server's own table
// of conditions and actions, with a trial on a past ticket before it counts.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import { useEffect, useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { del, get, post, put, wrongs, type View } from "../api";
import { Choice, Empty, Fault, Loading, Name } from "../ui/bits";
import { Box } from "../ui/box";
import { useSays } from "../ui/says";
import { asText, Conditions, grouped, ValueField, type Condition, type Definition, type Definitions } from "./conditions";
import { Typed } from "./records";
import { ViewEditor } from "./view-editor";

export type Kind = "trigger" | "automation" | "macro" | "view";
interface Action { field: string; value: unknown }
interface Rule { id: number; title: string; description?: string | null; active: boolean; position?: number; conditions?: { all: Condition[]; any: Condition[] }; all?: Condition[]; any?: Condition[]; actions?: Action[] }

const PATH: Record<Kind, string> = { trigger: "triggers", automation: "automations", macro: "macros", view: "views" };

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
	const conditional = kind !== "macro";
	const body = { title, active, ...(conditional ? { conditions: { all, any } } : {}), actions };
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
				<Actions defs={defs.actions || []} list={actions} onChange={setActions} />
				<label className="row"><input type="checkbox" checked={active} onChange={(e) => setActive(e.target.checked)} /> {t("rules.active")}</label>
				<Try kind={kind} rule={{ title: title || "–", ...(conditional ? { conditions: { all, any } } : {}), actions }} defs={defs} />
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
	const named = new Map([...(defs.data?.definitions.conditions_all || []), ...(defs.data?.definitions.actions || [])].map((d) => [d.subject, d.title]));
	const does = (r: Rule) => [...new Set((kind === "view" ? [...(r.conditions?.all || []), ...(r.conditions?.any || [])] : r.actions || []).map((x) => named.get(x.field) || x.field))].join(", ");
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
			{open !== undefined && kind === "view" ? <ViewEditor view={open as View | null} onClose={() => setOpen(undefined)} onDone={() => { setOpen(undefined); reload(); }} />
				: open !== undefined && defs.data ? <Editor kind={kind} rule={open} defs={defs.data.definitions} onClose={() => setOpen(undefined)} onDone={() => { setOpen(undefined); reload(); }} /> : null}
			{gone ? <Typed title={t("records.delete")} warn={t("rules.deleteWarn")} word={gone.title} onClose={() => setGone(null)} go={async () => { await del(path + "/" + gone.id + ".json"); reload(); }} /> : null}
		</>
	);
}

export const Triggers = () => <Rules key="trigger" kind="trigger" />;
export const Automations = () => <Rules key="automation" kind="automation" />;
export const Macros = () => <Rules key="macro" kind="macro" />;
export const ViewRules = () => <Rules key="view" kind="view" />;
