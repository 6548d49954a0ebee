// Jobs that run, and the dead letters: what could not be done and waits for a person.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { call, get, post } from "../api";
import { Fault, Time } from "../ui/bits";
import { useSays } from "../ui/says";
import { number } from "../words";
import { Records, Typed } from "./records";

interface Job { id: string; job_type: string; total: number; progress: number | null; status: string; message: string | null }
interface Dead { id: string; job_type: string; status: string; total: number; failed: number; created_at: string }

function DeadLetters() {
	const { t } = useTranslation();
	const { say, fault } = useSays();
	const cache = useQueryClient();
	const [gone, setGone] = useState<Dead | null>(null);
	const dead = useQuery({ queryKey: ["dead-jobs"], refetchInterval: 10000, queryFn: () => get<{ jobs: Dead[] }>("/api/ward/v1/jobs?failed=true") });
	const box = useQuery({ queryKey: ["records", "outbox-counts"], refetchInterval: 10000, queryFn: () => get<{ counts: Record<string, number> }>("/api/ward/v1/outbox?page%5Bsize%5D=1") });
	if (dead.error || box.error) return <Fault error={dead.error || box.error} />;
	const rows = dead.data?.jobs || [], letters = box.data?.counts.dead || 0, held = box.data?.counts.held || 0, reload = () => cache.invalidateQueries({ queryKey: ["dead-jobs"] });
	return (
		<section className="stack" aria-labelledby="dead"><h2 id="dead">{t("jobs.dead")}</h2>
			<p className="soft">{t("jobs.deadAbout")}</p>
			{letters + held > 0 ? <p className="leaving">{t("jobs.letters", { dead: number(letters), held: number(held) })} <Link href="/admin/outbox">{t("admin.outbox")}</Link></p> : null}
			{rows.length === 0 ? <p>{t("jobs.noDead")}</p> : (
				<table className="list"><caption className="sr">{t("jobs.dead")}</caption><thead><tr><th scope="col">{t("jobs.what")}</th><th scope="col" style={{ width: 160 }}>{t("jobs.failedItems")}</th><th scope="col" className="wide" style={{ width: 150 }}>{t("field.created")}</th><th scope="col" style={{ width: 200 }}><span className="sr">{t("records.acts")}</span></th></tr></thead>
					<tbody>{rows.map((j) => <tr key={j.id}><td className="wrap">{j.job_type}</td><td>{t("jobs.ofTotal", { failed: number(j.failed), total: number(j.total) })}</td><td className="wide"><Time at={j.created_at} /></td>
						<td><div className="row"><Button size="small" onClick={() => post("/api/ward/v1/jobs/" + j.id + "/retry").then(() => { say(t("jobs.again")); reload(); cache.invalidateQueries({ queryKey: ["records"] }); }, fault)}>{t("jobs.retry")}</Button><Button size="small" isBasic isDanger onClick={() => setGone(j)}>{t("jobs.giveUp")}</Button></div></td></tr>)}</tbody></table>
			)}
			{gone ? <Typed title={t("jobs.giveUp")} warn={t("jobs.giveUpWarn", { count: gone.failed })} word={String(gone.failed)} onClose={() => setGone(null)} go={async () => { await call("DELETE", "/api/ward/v1/jobs/" + gone.id); reload(); }} /> : null}
		</section>
	);
}

export default function Jobs() {
	const { t } = useTranslation();
	return (
		<>
			<Records<Job> source={{
				path: "/api/v2/job_statuses", many: "job_statuses", one: "job_status", live: true, title: t("admin.jobs"), empty: t("jobs.empty"), next: <p>{t("jobs.next")}</p>,
				columns: [{ words: t("jobs.what"), show: (j) => j.job_type || j.id }, { words: t("field.status"), show: (j) => t("jobs." + j.status, j.status), width: 120 },
					{ words: t("jobs.progress"), show: (j) => <progress max={j.total || 1} value={j.status === "completed" ? j.total || 1 : j.progress || 0} aria-label={t("jobs.progress")} />, width: 200 }, { words: t("jobs.says"), show: (j) => j.message || "", wide: true }],
			}} />
			<DeadLetters />
		</>
	);
}
