// The trail: what was changed, by whom, from where; proof that nothing of it was altered.
import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import { Fragment, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { get, post } from "../api";
import { Empty, Fault, Loading, Name, Time } from "../ui/bits";
import { useSays } from "../ui/says";
import { number } from "../words";
import { PersonPick } from "./person-pick";

interface Change { field: string; cause: string; before: string; after: string; erased: boolean; hidden: boolean }
interface Entry { id: number; actor_name: string; actor_id: number | null; ward_action: string; ward_changes: Change[]; ward_hash: string; source_type: string; source_label: string; change_description: string; ip_address: string; created_at: string }
interface Check { id: number; state: string; started_at: string; ended_at: string | null; done: number; of: number; events: number; checkpoints: number; wrong_from: number | null; why: string | null; head: string | null }
const TYPES = ["ticket", "user", "group", "organization", "group_membership", "identity", "trigger", "automation", "macro", "view", "sla_policy", "schedule", "ticket_field", "ticket_form", "custom_role", "api_token", "session", "webhook", "destination", "mail_settings", "outbox", "phi_policy", "phi_job", "key", "setting", "setup", "trail_check", "job", "attachment", "suspended_ticket"];

function Proof() {
	const { t } = useTranslation();
	const { fault } = useSays();
	const cache = useQueryClient();
	const trail = useQuery({ queryKey: ["trail-state"], queryFn: () => get<{ trail: { events: number; public_key: string; checkpoint: string | null; checkpoint_covers: number } }>("/api/ward/v1/trail") });
	const checks = useQuery({ queryKey: ["trail-checks"], queryFn: () => get<{ verifications: Check[] }>("/api/ward/v1/trail/verifications"), refetchInterval: (q) => q.state.data?.verifications[0]?.state === "running" ? 700 : false });
	if (trail.error || checks.error) return <Fault error={trail.error || checks.error} />;
	const s = trail.data?.trail, all = checks.data?.verifications, last = all?.[0], running = last?.state === "running";
	const go = () => post("/api/ward/v1/trail/verifications").then(() => cache.invalidateQueries({ queryKey: ["trail-checks"] }), fault);
	const says = (c: Check) => c.state === "good" ? t("trail.good", { events: number(c.events), checkpoints: number(c.checkpoints) }) : c.state === "wrong" ? t("trail.wrong", { seq: c.wrong_from ? number(c.wrong_from) : "?", why: c.why }) : c.state === "failed" ? t("trail.unfinished", { why: c.why }) : t("trail.checking", { done: number(c.done), of: number(c.of) });
	return (
		<div className="card stack" id="proof">
			<div className="row between"><h2>{t("trail.proof")}</h2><div className="row"><a href="/api/ward/v1/trail/export" download>{t("trail.export")}</a><Button isPrimary size="small" disabled={running} onClick={go}>{t("trail.verify")}</Button></div></div>
			{s ? <p className="soft">{t("trail.proofAbout", { events: number(s.events) })}</p> : <Loading />}
			{last ? (
				<div role="status" className="stack">
					<p><span className={"state " + (last.state === "good" ? "good" : last.state === "running" ? "" : "bad")}>{t("trail.state." + last.state)}</span> {says(last)} {last.ended_at ? <Time at={last.ended_at} /> : null}</p>
					{running ? <progress max={last.of || 1} value={last.done} style={{ width: "100%" }} aria-label={t("trail.verify")} /> : null}
					{last.head ? <dl className="facts"><dt>{t("trail.head")}</dt><dd><code>{last.head}</code></dd></dl> : null}
				</div>
			) : all ? <p>{t("trail.never")}</p> : null}
			{s ? <details><summary>{t("trail.checkpoint")}</summary><div className="stack">
				<p className="soft">{t("trail.checkpointAbout", { events: number(s.checkpoint_covers) })}</p>
				{s.checkpoint ? <pre className="code" id="checkpoint">{s.checkpoint}</pre> : <p>{t("trail.noCheckpoint")}</p>}
				<dl className="facts"><dt>{t("keyring.signing")}</dt><dd><code>{s.public_key}</code></dd></dl></div></details> : null}
			{all && all.length > 1 ? <details><summary>{t("trail.earlier")}</summary><ul style={{ paddingInlineStart: 18 }}>{all.slice(1).map((c) => <li key={c.id}><Time at={c.started_at} />: {says(c)}</li>)}</ul></details> : null}
		</div>
	);
}

export default function Trail() {
	const { t } = useTranslation();
	const [type, setType] = useState("");
	const [source, setSource] = useState("");
	const [actor, setActor] = useState(0);
	const [action, setAction] = useState("");
	const [from, setFrom] = useState("");
	const [to, setTo] = useState("");
	const [open, setOpen] = useState<number | null>(null);
	const e = encodeURIComponent, time = (s: string, def: string) => "&filter%5Bcreated_at%5D%5B%5D=" + e(s ? new Date(s).toISOString().slice(0, 19) + "Z" : def);
	const query = (type ? "&filter%5Bsource_type%5D=" + e(type) : "") + (type && source ? "&filter%5Bsource_id%5D=" + e(source) : "") + (actor ? "&filter%5Bactor_id%5D=" + actor : "") +
		(/^[a-z_]+\.[a-z_]+$/.test(action.trim()) ? "&filter%5Bward_action%5D=" + e(action.trim()) : "") + (from || to ? time(from, "1970-01-01T00:00:00Z") + (to ? time(to, "") : "") : "");
	const all = useInfiniteQuery({ queryKey: ["trail", query], initialPageParam: "", getNextPageParam: (last: any) => last.meta?.has_more ? last.meta.after_cursor : null,
		queryFn: ({ pageParam }) => get("/api/v2/audit_logs.json?page%5Bsize%5D=50" + (pageParam ? "&page%5Bafter%5D=" + e(pageParam) : "") + query) });
	useEffect(() => { document.title = t("admin.trail") + " - Ward"; }, [t]);
	const rows = (all.data?.pages.flatMap((p: any) => p.audit_logs) || []) as Entry[];
	return (
		<>
			<div className="row between"><h1>{t("admin.trail")}</h1><a href={"/api/ward/v1/trail/csv?x=1" + query} download>{t("trail.csv")}</a></div>
			<p className="soft">{t("trail.what")}</p>
			<Proof />
			<div className="row" role="group" aria-label={t("trail.filters")}>
				<label className="field"><span>{t("trail.type")}</span><select value={type} onChange={(x) => setType(x.target.value)}><option value="">{t("trail.any")}</option>{TYPES.map((k) => <option key={k} value={k}>{k.replace(/_/g, " ")}</option>)}</select></label>
				<label className="field"><span>{t("trail.number")}</span><input inputMode="numeric" style={{ width: 110 }} value={source} disabled={!type} onChange={(x) => setSource(x.target.value.replace(/\D/g, ""))} /></label>
				<PersonPick label={t("trail.who")} value={actor} onChange={setActor} />
				<label className="field"><span>{t("trail.action")}</span><input list="actions" placeholder="ticket.redact" value={action} onChange={(x) => setAction(x.target.value)} /><datalist id="actions">{["ticket.create", "ticket.update", "ticket.redact", "ticket.unmask", "ticket.purge", "user.login", "user.login_failed", "user.set_phi", "phi_policy.activate", "key.rotate_account", "key.rotate_root", "token.create", "trail.export", "trail.verify", "setting.update", "setup.defer"].map((a) => <option key={a} value={a} />)}</datalist></label>
				<label className="field"><span>{t("trail.fromTime")}</span><input type="datetime-local" value={from} onChange={(x) => setFrom(x.target.value)} /></label>
				<label className="field"><span>{t("trail.toTime")}</span><input type="datetime-local" value={to} onChange={(x) => setTo(x.target.value)} /></label>
			</div>
			{all.error ? <Fault error={all.error} /> : all.isLoading ? <Loading /> : rows.length === 0 ? <Empty title={t("trail.empty")}><p>{t("trail.emptyNext")}</p></Empty> : (
				<div className="scroll"><table className="list" id="events"><caption className="sr">{t("admin.trail")}</caption>
					<thead><tr><th scope="col" style={{ width: 80 }}>{t("tokens.number")}</th><th scope="col" style={{ width: 150 }}>{t("trail.when")}</th><th scope="col" className="wide" style={{ width: "16%" }}>{t("trail.who")}</th><th scope="col">{t("trail.did")}</th><th scope="col" className="wide">{t("trail.change")}</th><th scope="col" style={{ width: 90 }}><span className="sr">{t("records.acts")}</span></th></tr></thead>
					<tbody>{rows.map((x) => (
						<Fragment key={x.id}>
							<tr><td className="num">{x.id}</td><td><Time at={x.created_at} /></td><td className="wrap wide"><Name>{x.actor_name || t("ticket.system")}</Name></td><td className="wrap">{x.ward_action}<br /><span className="soft">{x.source_label}</span></td><td className="wrap wide">{[...new Set(x.ward_changes.map((c) => c.field))].slice(0, 8).join(", ")}</td>
								<td><Button size="small" isBasic aria-expanded={open === x.id} aria-label={t("trail.detailsOf", { id: x.id })} onClick={() => setOpen(open === x.id ? null : x.id)}>{t("trail.details")}</Button></td></tr>
							{open === x.id ? <tr><td colSpan={6}>
								<dl className="facts"><dt>{t("trail.who")}</dt><dd><Name>{x.actor_name || t("ticket.system")}</Name></dd><dt>{t("trail.from")}</dt><dd>{x.ip_address || "–"}</dd><dt>{t("trail.hash")}</dt><dd><code>{x.ward_hash}</code></dd></dl>
								{x.ward_changes.length ? <table className="diff"><caption className="sr">{t("trail.change")}</caption><thead><tr><th scope="col" style={{ width: "24%" }}>{t("trail.field")}</th><th scope="col">{t("trail.before")}</th><th scope="col">{t("trail.after")}</th></tr></thead>
									<tbody>{x.ward_changes.map((c, i) => <tr key={i}><th scope="row">{c.field}{c.cause ? <><br /><span className="soft">{c.cause}</span></> : null}</th>{c.erased || c.hidden ? <td colSpan={2} className="soft">{t(c.erased ? "trail.erased" : "trail.hidden")}</td> : <><td className={c.before ? "was" : ""} dir="auto">{c.before}</td><td className={c.after ? "is" : ""} dir="auto">{c.after}</td></>}</tr>)}</tbody></table> : <p className="soft">{t("trail.noValues")}</p>}
							</td></tr> : null}
						</Fragment>
					))}</tbody></table></div>
			)}
			{all.hasNextPage ? <div><Button onClick={() => all.fetchNextPage()}>{t("more")}</Button></div> : null}
		</>
	);
}
