// SLA policies: for which tickets, and how soon, by priority.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import { useEffect, useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { call, get, post, put, wrongs } from "../api";
import { Empty, Fault, Loading, Name } from "../ui/bits";
import { Box } from "../ui/box";
import { useSays } from "../ui/says";
import { Typed } from "./records";
import { Conditions, type Condition, type Definitions } from "./conditions";

interface Target { priority: string; metric: string; target: number; business_hours: boolean }
interface Policy { id: number; title: string; description: string | null; position: number; filter: { all: Condition[]; any: Condition[] }; policy_metrics: Target[] }
// The group's policies differ in where they are and what they measure.
const KINDS = {
	sla: { path: "/api/v2/slas/policies", one: "sla_policy", many: "sla_policies", order: "sla_policy_ids", words: "slas" },
	group: { path: "/api/v2/group_slas/policies", one: "group_sla_policy", many: "group_sla_policies", order: "group_sla_policy_ids", words: "slas.group" },
} as const;
type Kind = keyof typeof KINDS;
const METRICS = ["first_reply_time", "next_reply_time", "requester_wait_time", "agent_work_time", "periodic_update_time", "pausable_update_time", "total_resolution_time"];
const PRIORITIES = ["urgent", "high", "normal", "low"];

// "1d 4h 30m", "90" (minutes), "4h": minutes; NaN: neither.
export function minutes(text: string): number {
	const s = text.trim().toLowerCase();
	if (/^\d+$/.test(s)) return Number(s);
	const m = s.match(/^(?:(\d+)\s*d)?\s*(?:(\d+)\s*h)?\s*(?:(\d+)\s*m?)?$/);
	return m && s ? Number(m[1] || 0) * 1440 + Number(m[2] || 0) * 60 + Number(m[3] || 0) : NaN;
}
export const spoken = (n: number) => n ? [[Math.floor(n / 1440), "d"], [Math.floor(n / 60) % 24, "h"], [n % 60, "m"]].filter(([v]) => v).map(([v, u]) => v + "" + u).join(" ") : "";

function Editor({ kind, policy, defs, onClose, onDone }: { kind: Kind; policy: Policy | null; defs: Definitions; onClose(): void; onDone(): void }) {
	const { t } = useTranslation();
	const { say, fault } = useSays();
	const k = KINDS[kind], metrics = kind === "group" ? ["group_ownership_time"] : METRICS;
	const [title, setTitle] = useState(policy?.title || "");
	const [about, setAbout] = useState(policy?.description || "");
	const [all, setAll] = useState<Condition[]>(policy?.filter.all || []);
	const [any, setAny] = useState<Condition[]>(policy?.filter.any || []);
	const [cells, setCells] = useState<Record<string, string>>(() => Object.fromEntries((policy?.policy_metrics || []).map((m) => [m.metric + "/" + m.priority, spoken(m.target)])));
	const [hours, setHours] = useState<Record<string, boolean>>(() => Object.fromEntries(PRIORITIES.map((p) => [p, !!policy?.policy_metrics.find((m) => m.priority === p)?.business_hours])));
	const [wrong, setWrong] = useState<string[]>([]);
	const submit = async (e: FormEvent) => {
		e.preventDefault();
		const targets: Target[] = [], bad: string[] = [];
		for (const metric of metrics) for (const priority of PRIORITIES) {
			const text = cells[metric + "/" + priority] || "", n = minutes(text);
			if (text && !(n > 0)) bad.push(t("slas.badTime", { metric: t("slas.metric." + metric), priority: t("priority." + priority), text }));
			else if (n > 0) targets.push({ metric, priority, target: n, business_hours: hours[priority] });
		}
		if (!targets.length && !bad.length) bad.push(t("slas.noTarget"));
		setWrong(bad);
		if (bad.length) return;
		const body = { [k.one]: { title, description: about, filter: { all, any }, policy_metrics: targets } };
		try {
			await (policy ? put(k.path + "/" + policy.id + ".json", body) : post(k.path + ".json", body));
			say(t("records.saved"));
			onDone();
		} catch (err) {
			const list = wrongs(err);
			if (list) setWrong(list);
			else fault(err);
		}
	};
	return (
		<Box title={policy ? t("records.change") : t(k.words + ".new")} onClose={onClose} large>
			<form className="stack" onSubmit={submit}>
				{wrong.length ? <div className="leaving" role="alert">{wrong.map((w) => <p key={w}>{w}</p>)}</div> : null}
				<label className="field"><span>{t("rules.title")}</span><input required value={title} onChange={(e) => setTitle(e.target.value)} /></label>
				<label className="field"><span>{t("groups.description")}</span><input value={about} onChange={(e) => setAbout(e.target.value)} /></label>
				<Conditions title={t("rules.all")} defs={defs.conditions_all} list={all} onChange={setAll} />
				{defs.conditions_any.length ? <Conditions title={t("rules.any")} defs={defs.conditions_any} list={any} onChange={setAny} /> : null}
				<fieldset className="lined stack"><legend><strong>{t("slas.targets")}</strong></legend><p className="soft">{t("slas.how")}</p>
					<div className="scroll"><table className="grid" id="targets"><caption className="sr">{t("slas.targets")}</caption>
						<thead><tr><th scope="col">{t("slas.measure")}</th>{PRIORITIES.map((p) => <th key={p} scope="col">{t("priority." + p)}</th>)}</tr></thead>
						<tbody>
							{metrics.map((m) => <tr key={m}><th scope="row">{t("slas.metric." + m)}</th>{PRIORITIES.map((p) => <td key={p}><input className="plain-input" aria-label={t("slas.metric." + m) + ", " + t("priority." + p)} placeholder="–" value={cells[m + "/" + p] || ""} onChange={(e) => setCells({ ...cells, [m + "/" + p]: e.target.value })} /></td>)}</tr>)}
							<tr><th scope="row">{t("slas.hours")}</th>{PRIORITIES.map((p) => <td key={p}><select className="plain-select" aria-label={t("slas.hours") + ", " + t("priority." + p)} value={hours[p] ? "b" : "c"} onChange={(e) => setHours({ ...hours, [p]: e.target.value === "b" })}><option value="c">{t("slas.calendar")}</option><option value="b">{t("slas.business")}</option></select></td>)}</tr>
						</tbody></table></div>
				</fieldset>
				<div className="row"><Button isPrimary type="submit">{t("records.save")}</Button><Button type="button" onClick={onClose}>{t("cancel")}</Button></div>
			</form>
		</Box>
	);
}

function Policies({ kind }: { kind: Kind }) {
	const { t } = useTranslation();
	const k = KINDS[kind];
	const { fault } = useSays();
	const cache = useQueryClient();
	const [open, setOpen] = useState<Policy | null | undefined>(undefined);
	const [gone, setGone] = useState<Policy | null>(null);
	const list = useQuery({ queryKey: ["slas", kind], queryFn: () => get<Record<string, Policy[]>>(k.path + ".json") });
	const mine = useQuery({ queryKey: ["sla-definitions", kind], staleTime: 60000, queryFn: () => get(k.path + "/definitions.json") });
	const defs = useQuery({ queryKey: ["definitions", "trigger"], staleTime: 60000, queryFn: () => get<{ definitions: Definitions }>("/api/v2/triggers/definitions.json") });
	if (list.error || defs.error || mine.error) return <Fault error={list.error || defs.error || mine.error} />;
	if (!list.data || !defs.data || !mine.data) return <Loading />;
	const rows = list.data[k.many], reload = () => cache.invalidateQueries({ queryKey: ["slas"] });
	// The words of a value come from the triggers' table; which fields there are, from the policies' own.
	const known = new Set((mine.data.definitions.all as { value: string }[]).map((d) => d.value));
	const usable: Definitions = { ...defs.data.definitions, conditions_all: defs.data.definitions.conditions_all.filter((d) => known.has(d.subject)), conditions_any: defs.data.definitions.conditions_any.filter((d) => known.has(d.subject)) };
	const move = (i: number, by: number) => {
		const ids = rows.map((r) => r.id);
		[ids[i], ids[i + by]] = [ids[i + by], ids[i]];
		put(k.path + "/reorder.json", { [k.order]: ids }).then(reload, fault);
	};
	const says = (p: Policy) => p.policy_metrics.filter((m) => ["first_reply_time", "total_resolution_time", "group_ownership_time"].includes(m.metric)).map((m) => t("slas.metric." + m.metric) + ", " + t("priority." + m.priority) + ": " + spoken(m.target));
	return (
		<>
			<div className="row between">{kind === "group" ? <h2>{t("slas.group.title")}</h2> : <h1>{t("admin.slas")}</h1>}<Button isPrimary={kind === "sla"} size="small" aria-label={kind === "group" ? t("slas.group.new") : undefined} onClick={() => setOpen(null)}>{t("records.new")}</Button></div>
			<p className="soft">{t(k.words + ".about")} {kind === "sla" ? <Link href="/admin/schedules">{t("admin.schedules")}</Link> : null}</p>
			{rows.length === 0 ? <Empty title={t(k.words + ".empty")}><p>{t(k.words + ".next")}</p><Button onClick={() => setOpen(null)}>{t(k.words + ".new")}</Button></Empty> : (
				<div className="scroll"><table className="list" id={kind + "-policies"}><caption className="sr">{t(kind === "group" ? "slas.group.title" : "admin.slas")}</caption><thead><tr><th scope="col" style={{ width: 60 }}>{t("slas.order")}</th><th scope="col">{t("rules.title")}</th><th scope="col" className="wide">{t("slas.targets")}</th><th scope="col" style={{ width: 250 }}><span className="sr">{t("records.acts")}</span></th></tr></thead>
					<tbody>{rows.map((p, i) => <tr key={p.id}><td>{i + 1}</td><td className="wrap"><Name>{p.title}</Name>{p.description ? <><br /><span className="soft">{p.description}</span></> : null}</td><td className="wrap wide soft">{says(p).slice(0, 4).map((x) => <div key={x}>{x}</div>)}</td>
						<td><div className="row"><Button size="small" isBasic disabled={i === 0} aria-label={t("slas.up", { title: p.title })} onClick={() => move(i, -1)}>↑</Button><Button size="small" isBasic disabled={i === rows.length - 1} aria-label={t("slas.down", { title: p.title })} onClick={() => move(i, 1)}>↓</Button><Button size="small" isBasic onClick={() => setOpen(p)}>{t("records.change")}</Button><Button size="small" isBasic isDanger onClick={() => setGone(p)}>{t("records.delete")}</Button></div></td></tr>)}</tbody></table></div>
			)}
			{open !== undefined ? <Editor kind={kind} policy={open} defs={usable} onClose={() => setOpen(undefined)} onDone={() => { setOpen(undefined); reload(); }} /> : null}
			{gone ? <Typed title={t("records.delete")} warn={t("slas.deleteWarn", { count: gone.policy_metrics.length })} word={gone.title} onClose={() => setGone(null)} go={async () => { await call("DELETE", k.path + "/" + gone.id + ".json"); reload(); }} /> : null}
		</>
	);
}

export default function Slas() {
	const { t } = useTranslation();
	useEffect(() => { document.title = t("admin.slas") + " - Ward"; }, [t]);
	return <><Policies kind="sla" /><Policies kind="group" /></>;
}
