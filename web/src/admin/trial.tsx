// A draft tried on the tickets that are here: what would be other than it is now, in numbers and examples.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { get, post } from "../api";
import { Fault } from "../ui/bits";
import { useSays } from "../ui/says";
import { number } from "../words";
import type { Finding, Ticket, Comment } from "../api";
import { pieces } from "../ui/marked";

interface Count { kind: string; place: string; channel: string; treatment: string; treatment_now: string; count: number }
interface Job { id: number; kind: string; state: string; version?: number; total: number; done: number; findings: number; seconds_left: number | null }
interface Result { job: Job; counts: Count[]; findings_that_change: number; sample_ticket_ids: number[] }

// What was found stands as its kind: an example shows where, never what.
const masked = (text: string, f: Finding[]) => pieces(text, f).map((p) => p.finding ? "[" + p.finding.label + "]" : p.text).join("").slice(0, 240);

function Example({ id }: { id: number }) {
	const { t } = useTranslation();
	const one = useQuery({ queryKey: ["example", id], queryFn: async () => {
		const [tk, cs, fs] = await Promise.all([get<{ ticket: Ticket }>("/api/v2/tickets/" + id + ".json"), get<{ comments: Comment[] }>("/api/v2/tickets/" + id + "/comments.json?per_page=5"), get<{ ticket: Finding[]; comments: { comment_id: number; findings: Finding[] }[] }>("/api/ward/v1/tickets/" + id + "/findings")]);
		const c = cs.comments[0];
		return { subject: masked(tk.ticket.subject || "", fs.ticket.filter((f) => f.field === "subject")), body: c ? masked(c.body, fs.comments.find((x) => x.comment_id === c.id)?.findings.filter((f) => f.field === "body") || []) : "" };
	} });
	return <li className="wrap"><Link href={"/agent/tickets/" + id}>#{id}</Link> {one.data ? <><strong dir="auto">{one.data.subject}</strong> <span className="soft" dir="auto">{one.data.body}</span></> : one.error ? t("error.absent") : t("loading")}</li>;
}

export function Trial({ version }: { version: number }) {
	const { t } = useTranslation();
	const { fault } = useSays();
	const cache = useQueryClient();
	const [query, setQuery] = useState("");
	const [job, setJob] = useState<number | null>(null);
	const past = useQuery({ queryKey: ["phi-jobs", "trial", version], queryFn: () => get<{ jobs: Job[] }>("/api/ward/v1/phi/jobs") });
	const shown = job ?? past.data?.jobs.find((j) => j.kind === "trial" && j.version === version)?.id ?? null;
	const one = useQuery({ queryKey: ["trial", shown], enabled: shown !== null, queryFn: () => get<Result>("/api/ward/v1/phi/jobs/" + shown), refetchInterval: (q) => q.state.data && !["queued", "working"].includes(q.state.data.job.state) ? false : 800 });
	const r = one.data, ended = r && !["queued", "working", "paused"].includes(r.job.state), changes = (r?.counts || []).filter((c) => c.treatment !== c.treatment_now).sort((a, b) => b.count - a.count);
	const go = () => post("/api/ward/v1/phi/policies/" + version + "/trial", query.trim() ? { query: query.trim() } : {}).then((d) => { setJob(d.job.id); cache.invalidateQueries({ queryKey: ["phi-jobs"] }); }, fault);
	return (
		<div className="card stack" data-trial={version}>
			<div className="row"><strong>{t("policy.try")}</strong><input className="plain-input grow" aria-label={t("scan.query")} placeholder={t("scan.query")} value={query} onChange={(e) => setQuery(e.target.value)} /><Button size="small" onClick={go}>{t("policy.tryGo")}</Button></div>
			<p className="soft">{t("policy.tryAbout")}</p>
			{one.error ? <Fault error={one.error} /> : r && !ended ? <><progress max={r.job.total || 1} value={r.job.done} style={{ width: "100%" }} aria-label={t("policy.try")} /><p role="status">{t("scan.done", { done: number(r.job.done), total: number(r.job.total) })}</p></> : r ? (
				<div role="status" className="stack">
					<p>{t("policy.tried", { tickets: number(r.job.done), findings: number(r.job.findings), changes: number(r.findings_that_change) })}</p>
					{changes.length ? <div className="scroll"><table className="list free"><caption className="sr">{t("policy.try")}</caption><thead><tr><th scope="col">{t("policy.kind")}</th><th scope="col">{t("policy.places")}</th><th scope="col" className="wide">{t("policy.channels")}</th><th scope="col">{t("policy.nowIs")}</th><th scope="col">{t("policy.wouldBe")}</th><th scope="col" className="num" style={{ width: 80 }}>{t("scan.findings")}</th></tr></thead>
						<tbody>{changes.slice(0, 40).map((c, i) => <tr key={i}><td className="wrap">{t("kind." + c.kind, c.kind)}</td><td className="wrap">{t("place." + c.place, c.place)}</td><td className="wide">{t("via." + c.channel, c.channel)}</td><td>{t("treatment." + c.treatment_now, c.treatment_now)}</td><td><strong>{t("treatment." + c.treatment, c.treatment)}</strong></td><td className="num">{number(c.count)}</td></tr>)}</tbody></table></div> : <p>{t("policy.noChange")}</p>}
					{r.sample_ticket_ids.length ? <details><summary>{t("policy.examples")}</summary><p className="soft">{t("policy.examplesAbout")}</p><ul className="stack" style={{ paddingInlineStart: 18 }}>{r.sample_ticket_ids.slice(0, 8).map((id) => <Example key={id} id={id} />)}</ul></details> : null}
				</div>
			) : null}
		</div>
	);
}
