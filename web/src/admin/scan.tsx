// Bulk scan: start, watch, pause; what was found as pictures; then take it out,
// previewed, after the number was typed.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import { lazy, Suspense, useEffect, useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { get, post, Refused } from "../api";
import { Empty, Fault, Loading, Time } from "../ui/bits";
import { Box } from "../ui/box";
import { useSays } from "../ui/says";
import { number } from "../words";

const Bars = lazy(() => import("../reports/bars").then((m) => ({ default: m.Bars })));

interface Job { id: number; kind: string; state: string; query: string; version?: number; total: number; done: number; percent: number; texts: number; bytes: number; findings: number; tickets_with_findings: number; tickets_changed: number; tickets_failed: number;
	tickets_per_second: number; bytes_per_second: number; seconds_left: number | null; created_at: string; ended_at: string | null }
interface Result { job: Job; by_kind?: Record<string, number>; by_place?: Record<string, number>; by_channel?: Record<string, number>; by_age?: Record<string, number> }
const RUNNING = ["queued", "working", "running"];

function Running({ job, reload }: { job: Job; reload(): void }) {
	const { t } = useTranslation();
	const { fault } = useSays();
	const act = (what: string) => post("/api/ward/v1/phi/jobs/" + job.id + "/" + what).then(reload, fault);
	return (
		<div className="card stack">
			<div className="row between"><strong>{t("scan.kind." + job.kind, job.kind)} {job.id}</strong><span>{t("scan.state." + job.state, job.state)}</span></div>
			<progress max={job.total || 1} value={job.done} style={{ width: "100%" }} aria-label={t("jobs.progress")} />
			<div className="row soft"><span>{t("scan.done", { done: number(job.done), total: number(job.total) })}</span><span>{t("scan.rate", { rate: number(job.tickets_per_second) })}</span>{job.seconds_left !== null ? <span>{t("scan.left", { seconds: number(job.seconds_left) })}</span> : null}<span>{t("scan.found", { count: job.findings })}</span></div>
			<div className="row">{job.state === "paused" ? <Button size="small" onClick={() => act("resume")}>{t("scan.resume")}</Button> : <Button size="small" onClick={() => act("pause")}>{t("scan.pause")}</Button>}<Button size="small" isDanger onClick={() => act("cancel")}>{t("scan.cancel")}</Button></div>
		</div>
	);
}

function Redaction({ scan, kinds, onClose, onDone }: { scan: Job; kinds: string[]; onClose(): void; onDone(): void }) {
	const { t } = useTranslation();
	const { say, fault } = useSays();
	const [picked, setPicked] = useState<string[]>([]);
	const [score, setScore] = useState(0);
	const [plan, setPlan] = useState<{ tickets: number; findings: number; sample_ticket_ids: number[] } | null>(null);
	const [typed, setTyped] = useState("");
	const body = { kinds: picked, ...(score ? { min_score: score } : {}) };
	const preview = () => post("/api/ward/v1/phi/scans/" + scan.id + "/redactions/preview", body).then(setPlan, fault);
	const go = async (e: FormEvent) => {
		e.preventDefault();
		try {
			await post("/api/ward/v1/phi/scans/" + scan.id + "/redactions", { ...body, confirm: Number(typed) });
			say(t("scan.begun"));
			onDone();
		} catch (err) {
			if (err instanceof Refused && err.status === 409) { say(t("scan.changed")); preview(); } else fault(err);
		}
	};
	return (
		<Box title={t("scan.redact")} onClose={onClose}>
			<form className="stack" onSubmit={go}>
				<fieldset className="row card" style={{ margin: 0 }}><legend>{t("policy.kinds")}</legend>{kinds.map((k) => <label key={k} className="row"><input type="checkbox" checked={picked.includes(k)} onChange={(e) => { setPicked(e.target.checked ? [...picked, k] : picked.filter((x) => x !== k)); setPlan(null); }} /> {t("kind." + k, k)}</label>)}</fieldset>
				<label className="row">{t("policy.score")} <input className="plain-input" type="number" min={0} max={100} style={{ width: 80 }} value={score} onChange={(e) => { setScore(Number(e.target.value)); setPlan(null); }} /></label>
				<div><Button type="button" disabled={picked.length === 0} onClick={preview}>{t("scan.preview")}</Button></div>
				{plan ? (
					<div className="leaving stack" role="status">
						<strong>{t("scan.plan", { findings: number(plan.findings), tickets: number(plan.tickets) })}</strong>
						<p>{t("scan.gone")}</p>
						{plan.sample_ticket_ids.length ? <p>{t("scan.sample")} {plan.sample_ticket_ids.slice(0, 12).map((i) => <Link key={i} href={"/agent/tickets/" + i} style={{ marginInlineEnd: 8 }}>#{i}</Link>)}</p> : null}
						<label className="field"><span>{t("records.type", { word: plan.tickets })}</span><input inputMode="numeric" autoComplete="off" value={typed} onChange={(e) => setTyped(e.target.value)} /></label>
					</div>
				) : null}
				<div className="row"><Button isPrimary isDanger type="submit" disabled={!plan || plan.tickets === 0 || typed !== String(plan.tickets)}>{t("redact.go")}</Button><Button type="button" onClick={onClose}>{t("cancel")}</Button></div>
			</form>
		</Box>
	);
}

function Results({ id, reload }: { id: number; reload(): void }) {
	const { t } = useTranslation();
	const one = useQuery({ queryKey: ["phi-job", id], queryFn: () => get<Result>("/api/ward/v1/phi/jobs/" + id) });
	const [redact, setRedact] = useState(false);
	if (one.error) return <Fault error={one.error} />;
	if (!one.data) return <Loading />;
	const r = one.data, bars = (by: Record<string, number> | undefined, words: (k: string) => string, title: string, file: string) => by && Object.keys(by).length ? (
		<Suspense fallback={<Loading />}><Bars title={title} labels={Object.keys(by).map(words)} series={[{ words: t("scan.findings"), data: Object.values(by) }]} file={file} /></Suspense>
	) : null;
	return (
		<div className="stack">
			<div className="row between"><h2>{t("scan.kind." + r.job.kind, r.job.kind)} {id}</h2>{r.job.kind === "scan" && r.by_kind && Object.keys(r.by_kind).length ? <Button isDanger size="small" onClick={() => setRedact(true)}>{t("scan.redact")}</Button> : null}</div>
			<p className="soft">{t("scan.summary", { tickets: number(r.job.done), texts: number(r.job.texts), findings: number(r.job.findings), changed: number(r.job.tickets_changed), failed: number(r.job.tickets_failed) })}</p>
			{bars(r.by_kind, (k) => t("kind." + k, k), t("scan.byKind"), "phi-by-kind")}
			{bars(r.by_age, (k) => t("age." + k, k), t("scan.byAge"), "phi-by-age")}
			{bars(r.by_place, (k) => t("place." + k, k), t("scan.byPlace"), "phi-by-place")}
			{redact ? <Redaction scan={r.job} kinds={Object.keys(r.by_kind || {})} onClose={() => setRedact(false)} onDone={() => { setRedact(false); reload(); }} /> : null}
		</div>
	);
}

export default function Scan() {
	const { t } = useTranslation();
	const { say, fault } = useSays();
	const cache = useQueryClient();
	const [query, setQuery] = useState("");
	const [open, setOpen] = useState<number | null>(null);
	const jobs = useQuery({ queryKey: ["phi-jobs"], queryFn: () => get<{ jobs: Job[] }>("/api/ward/v1/phi/jobs"), refetchInterval: (q) => q.state.data?.jobs.some((j) => RUNNING.includes(j.state)) ? 1000 : 15000 });
	useEffect(() => { document.title = t("admin.scan") + " - Ward"; }, [t]);
	if (jobs.error) return <Fault error={jobs.error} />;
	if (!jobs.data) return <Loading />;
	const reload = () => { cache.invalidateQueries(); }, live = jobs.data.jobs.filter((j) => RUNNING.includes(j.state) || j.state === "paused"), past = jobs.data.jobs.filter((j) => !live.includes(j));
	const shown = open ?? past.find((j) => j.kind === "scan")?.id ?? null;
	return (
		<>
			<h1>{t("admin.scan")}</h1>
			<p className="soft">{t("scan.about")}</p>
			<form className="row" onSubmit={(e) => { e.preventDefault(); post("/api/ward/v1/phi/scans", query.trim() ? { query: query.trim() } : {}).then(() => { say(t("scan.started")); reload(); }, fault); }}>
				<input className="plain-input grow" aria-label={t("scan.query")} placeholder={t("scan.query")} value={query} onChange={(e) => setQuery(e.target.value)} />
				<Button isPrimary type="submit">{t("scan.start")}</Button>
			</form>
			{live.map((j) => <Running key={j.id} job={j} reload={reload} />)}
			{past.length === 0 && live.length === 0 ? <Empty title={t("scan.none")}><p>{t("scan.next")}</p></Empty> : null}
			{shown !== null ? <Results key={shown} id={shown} reload={reload} /> : null}
			{past.length ? (
				<table className="list"><caption className="sr">{t("scan.past")}</caption><thead><tr><th scope="col" style={{ width: 70 }}>{t("tokens.number")}</th><th scope="col">{t("jobs.what")}</th><th scope="col">{t("field.status")}</th><th scope="col" className="num wide">{t("scan.findings")}</th><th scope="col" className="wide">{t("field.created")}</th><th scope="col" style={{ width: 90 }}><span className="sr">{t("records.acts")}</span></th></tr></thead>
					<tbody>{past.map((j) => <tr key={j.id}><td>{j.id}</td><td className="wrap">{t("scan.kind." + j.kind, j.kind)} {j.query}</td><td>{t("scan.state." + j.state, j.state)}</td><td className="num wide">{number(j.findings)}</td><td className="wide"><Time at={j.created_at} /></td><td><Button size="small" isBasic onClick={() => setOpen(j.id)}>{t("outbox.read")}</Button></td></tr>)}</tbody></table>
			) : null}
		</>
	);
}
