// PHI policy: what happens to which kind of identifier, where. The matrix shows
// what is in force or drafted; a draft is a new version and takes effect only
// when it is switched on.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import { useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { can, del, get, post, Refused } from "../api";
import { useMe } from "../session";
import { Fault, Loading, Time } from "../ui/bits";
import { number } from "../words";
import { useSays } from "../ui/says";
import { Typed } from "./records";
import { Trial } from "./trial";

interface Rule { kinds: "any" | string[]; places: "any" | string[]; channels: "any" | string[]; min_score: number; treatment: string }
interface Policy { version: number; state: string; created_at: string | null; activated_at: string | null; why: string; style: string; allow: string[]; rules: Rule[] }
interface Kinds { kinds: { name: string; words: string }[]; places: string[]; channels: string[]; treatments: string[] }

const COLOUR: Record<string, string> = { keep: "transparent", move: "var(--name)", redact: "var(--id)", hold: "var(--time)", block: "#f5b5ba" };
const has = (m: "any" | string[], x: string) => m === "any" || m.includes(x);

function treatment(rules: Rule[], kind: string, place: string, channels: string[]) {
	const found = channels.map((c) => rules.find((r) => has(r.kinds, kind) && has(r.places, place) && has(r.channels, c))?.treatment || "keep");
	return found.every((f) => f === found[0]) ? found[0] : found.join("/");
}

function Matrix({ rules, facts, onPick }: { rules: Rule[]; facts: Kinds; onPick?(kind: string, place: string): void }) {
	const { t } = useTranslation();
	return (
		<div className="scroll"><table className="list" style={{ tableLayout: "auto" }} id="matrix"><caption className="sr">{t("policy.matrix")}</caption>
			<thead><tr><th scope="col">{t("policy.kind")}</th>{facts.places.map((p) => <th key={p} scope="col">{t("place." + p, p)}</th>)}</tr></thead>
			<tbody>{facts.kinds.map((k) => (
				<tr key={k.name}><th scope="row">{t("kind." + k.name, k.words)}</th>{facts.places.map((p) => {
					const what = treatment(rules, k.name, p, facts.channels), words = what.split("/").map((w) => t("treatment." + w, w)).filter((w, i, a) => a.indexOf(w) === i).join(" / ");
					return <td key={p} style={{ background: COLOUR[what.split("/").find((w) => w !== "keep") || "keep"] }}>{onPick ? <button type="button" style={{ all: "unset", cursor: "pointer" }} onClick={() => onPick(k.name, p)} aria-label={t("kind." + k.name, k.words) + ", " + t("place." + p, p) + ": " + words}>{words}</button> : words}</td>;
				})}</tr>
			))}</tbody></table></div>
	);
}

function Many({ label, all, value, words, onChange }: { label: string; all: string[]; value: "any" | string[]; words(x: string): string; onChange(v: "any" | string[]): void }) {
	const { t } = useTranslation();
	return (
		<details><summary>{label}: {value === "any" ? t("policy.any") : value.map(words).join(", ") || "–"}</summary>
			<div className="row card" style={{ marginTop: 6 }}>
				<label className="row"><input type="checkbox" checked={value === "any"} onChange={(e) => onChange(e.target.checked ? "any" : [])} /> {t("policy.any")}</label>
				{all.map((x) => <label key={x} className="row"><input type="checkbox" checked={has(value, x)} onChange={(e) => { const now = value === "any" ? all : value; onChange(e.target.checked ? [...now, x] : now.filter((y) => y !== x)); }} /> {words(x)}</label>)}
			</div></details>
	);
}

export default function PolicyPage() {
	const { t } = useTranslation();
	const { say, fault } = useSays();
	const may = can(useMe(), "admin");
	const cache = useQueryClient();
	const facts = useQuery({ queryKey: ["phi-kinds"], staleTime: Infinity, queryFn: () => get<Kinds>("/api/ward/v1/phi/kinds") });
	const now = useQuery({ queryKey: ["phi-policy"], queryFn: () => get<{ policy: Policy }>("/api/ward/v1/phi/policy") });
	const all = useQuery({ queryKey: ["phi-policies"], queryFn: () => get<{ policies: Policy[] }>("/api/ward/v1/phi/policies") });
	const [rules, setRules] = useState<Rule[] | null>(null);
	const [why, setWhy] = useState("");
	const [wrong, setWrong] = useState<string[]>([]);
	const [sure, setSure] = useState<Policy | null>(null);
	useEffect(() => { document.title = t("admin.policy") + " - Ward"; }, [t]);
	const draft = useMemo(() => all.data?.policies.filter((p) => p.state === "draft") || [], [all.data]);
	if (facts.error || now.error || all.error) return <Fault error={facts.error || now.error || all.error} />;
	if (!facts.data || !now.data || !all.data) return <Loading />;
	const f = facts.data, reload = () => cache.invalidateQueries();
	const kindWords = (k: string) => t("kind." + k, f.kinds.find((x) => x.name === k)?.words || k);
	const save = async () => {
		setWrong([]);
		try {
			await post("/api/ward/v1/phi/policies", { policy: { rules, why, style: now.data!.policy.style, allow: now.data!.policy.allow } });
			say(t("policy.drafted"));
			setRules(null);
			setWhy("");
			await reload();
		} catch (e) {
			if (e instanceof Refused && e.status === 422) setWrong(Object.values(e.fields));
			else fault(e);
		}
	};
	const activate = async (p: Policy) => {
		try {
			await post("/api/ward/v1/phi/policies/" + p.version + "/activate", { expected: now.data!.policy.version });
			say(t("policy.on"));
			setSure(null);
			await reload();
		} catch (e) {
			if (e instanceof Refused && e.status === 409) say(t("policy.conflict"));
			else fault(e);
		}
	};
	return (
		<>
			<div className="row between"><h1>{t("admin.policy")}</h1>{rules || !may ? null : <Button isPrimary size="small" onClick={() => setRules(now.data!.policy.rules)}>{t("policy.draft")}</Button>}</div>
			<p className="soft">{t("policy.about")}</p>
			{rules ? (
				<div className="stack">
					<h2>{t("policy.drafting")}</h2>
					{wrong.length ? <div className="leaving" role="alert">{wrong.map((w) => <p key={w}>{w}</p>)}</div> : null}
					<ol className="stack" style={{ paddingInlineStart: 24 }}>{rules.map((r, i) => {
						const set = (c: Partial<Rule>) => setRules(rules.map((x, k) => k === i ? { ...x, ...c } : x));
						return <li key={i}><div className="card stack" style={{ padding: 10 }}>
							<Many label={t("policy.kinds")} all={f.kinds.map((k) => k.name)} value={r.kinds} words={kindWords} onChange={(kinds) => set({ kinds })} />
							<Many label={t("policy.places")} all={f.places} value={r.places} words={(p) => t("place." + p, p)} onChange={(places) => set({ places })} />
							<Many label={t("policy.channels")} all={f.channels} value={r.channels} words={(c) => t("via." + c, c)} onChange={(channels) => set({ channels })} />
							<div className="row"><label className="row">{t("policy.score")} <input className="plain-input" style={{ width: 70 }} type="number" min={0} max={100} value={r.min_score} onChange={(e) => set({ min_score: Number(e.target.value) })} /></label>
								<label className="row">{t("policy.treatment")} <select className="plain-select" value={r.treatment} onChange={(e) => set({ treatment: e.target.value })}>{f.treatments.map((x) => <option key={x} value={x}>{t("treatment." + x, x)}</option>)}</select></label>
								<Button size="small" isBasic type="button" disabled={i === 0} aria-label={t("policy.up")} onClick={() => setRules(rules.map((x, k) => k === i - 1 ? r : k === i ? rules[i - 1] : x))}>↑</Button>
								<Button size="small" isBasic isDanger type="button" onClick={() => setRules(rules.filter((_, k) => k !== i))}>{t("records.delete")}</Button></div>
						</div></li>;
					})}</ol>
					<div><Button size="small" onClick={() => setRules([...rules, { kinds: [f.kinds[0].name], places: "any", channels: "any", min_score: 0, treatment: "redact" }])}>{t("policy.addRule")}</Button></div>
					<Matrix rules={rules} facts={f} />
					<label className="field"><span>{t("policy.why")}</span><textarea rows={2} value={why} onChange={(e) => setWhy(e.target.value)} /></label>
					<div className="row"><Button isPrimary onClick={save}>{t("policy.save")}</Button><Button onClick={() => setRules(null)}>{t("cancel")}</Button></div>
				</div>
			) : (
				<>
					{draft.map((p) => (
						<div key={p.version} className="leaving stack"><strong>{t("policy.waiting", { version: p.version })}</strong>{p.why ? <p>{p.why}</p> : null}
							<details><summary>{t("policy.matrix")}</summary><Matrix rules={p.rules} facts={f} /></details>
							{may ? <Trial version={p.version} /> : null}
							{may ? <div className="row"><Button size="small" isPrimary onClick={() => setSure(p)}>{t("policy.activate")}</Button><Button size="small" isDanger onClick={() => del("/api/ward/v1/phi/policies/" + p.version).then(reload, fault)}>{t("policy.discard")}</Button></div> : null}</div>
					))}
					<h2>{t("policy.now", { version: now.data.policy.version })}</h2>
					<Matrix rules={now.data.policy.rules} facts={f} />
					<h2>{t("policy.past")}</h2>
					<table className="list"><caption className="sr">{t("policy.past")}</caption><thead><tr><th scope="col" style={{ width: 90 }}>{t("health.version")}</th><th scope="col" style={{ width: 130 }}>{t("field.status")}</th><th scope="col">{t("policy.why")}</th><th scope="col" style={{ width: 150 }}>{t("field.created")}</th><th scope="col" style={{ width: 130 }}><span className="sr">{t("records.acts")}</span></th></tr></thead>
						<tbody>{all.data.policies.map((p) => <tr key={p.version}><td>{p.version}</td><td>{t("policy.state." + p.state, p.state)}</td><td className="wrap">{p.why}</td><td><Time at={p.created_at} /></td><td>{may && p.state === "past" ? <Button size="small" isBasic onClick={() => setSure(p)}>{t("policy.again")}</Button> : null}</td></tr>)}</tbody></table>
				</>
			)}
			{sure ? (
				<Typed title={t("policy.activate")} warn={t("policy.sure")} word={String(sure.version)} onClose={() => setSure(null)} go={() => activate(sure)}
					facts={async () => {
						const jobs = (await get<{ jobs: { id: number; kind: string; version?: number; state: string }[] }>("/api/ward/v1/phi/jobs")).jobs, j = jobs.find((x) => x.kind === "trial" && x.version === sure.version && x.state === "completed");
						const cells = f.kinds.flatMap((k) => f.places.map((pl) => treatment(now.data!.policy.rules, k.name, pl, f.channels) !== treatment(sure.rules, k.name, pl, f.channels))).filter(Boolean).length;
						const tried = j ? await get<{ findings_that_change: number; job: { done: number } }>("/api/ward/v1/phi/jobs/" + j.id) : null;
						return t("policy.cells", { count: cells, all: f.kinds.length * f.places.length }) + " " + (tried ? t("policy.triedBefore", { changes: number(tried.findings_that_change), tickets: number(tried.job.done) }) : t("policy.notTried"));
					}} />
			) : null}
		</>
	);
}
