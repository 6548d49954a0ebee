// Deletion schedules: closed tickets that are old enough are erased for good. What one would delete is counted before it is
// switched on, and switching it on asks for its name.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import { useEffect, useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { call, get, post, put, wrongs } from "../api";
import { Empty, Fault, Loading, Name, Time } from "../ui/bits";
import { Box } from "../ui/box";
import { useSays } from "../ui/says";
import { number } from "../words";
import { Typed } from "./records";
import { Conditions, type Condition, type Definitions } from "./conditions";

interface Schedule { id: number; object: string; title: string; description: string | null; active: boolean; conditions: { all: Condition[]; any: Condition[] }; ward_paused: string | null; updated_at: string }
interface Preview { count: number; complete: boolean; can_be_active: boolean; object: string; ticket_ids?: number[]; user_ids?: number[] }
interface Run { at: string | null; status: string; deleted: number; next_at: string }
const AGE = "duration_since_last_update";
const QUIET = "duration_since_last_activity";      // of people; such schedules are made over the API
const UNITS: Record<string, string> = { D: "days", M: "months", Y: "years" };
const preview = (id: number) => get<{ deletion_preview: Preview }>("/api/ward/v1/deletion_schedules/" + id + "/preview").then((r) => r.deletion_preview);

function Editor({ schedule, defs, onClose, onDone }: { schedule: Schedule | null; defs: Definitions; onClose(): void; onDone(): void }) {
	const { t } = useTranslation();
	const { say, fault } = useSays();
	const age = String(schedule?.conditions.all.find((c) => c.field === AGE)?.value || "P1Y").match(/^P(\d+)([DMY])$/);
	const [title, setTitle] = useState(schedule?.title || "");
	const [about, setAbout] = useState(schedule?.description || "");
	const [n, setN] = useState(age ? age[1] : "");
	const [unit, setUnit] = useState(age ? age[2] : "Y");
	const [all, setAll] = useState<Condition[]>(schedule?.conditions.all.filter((c) => c.field !== AGE) || []);
	const [any, setAny] = useState<Condition[]>(schedule?.conditions.any || []);
	const [wrong, setWrong] = useState<string[]>([]);
	const submit = async (e: FormEvent) => {
		e.preventDefault();
		setWrong([]);
		const body = { deletion_schedule: { title, description: about, ...(schedule ? {} : { active: false, object: "zen:ticket" }),
			conditions: { all: [{ field: AGE, operator: "greater_than", value: "P" + n.trim() + unit }, ...all], any } } };
		try {
			await (schedule ? put("/api/v2/deletion_schedules/" + schedule.id + ".json", body) : post("/api/v2/deletion_schedules.json", body));
			say(t("records.saved"));
			onDone();
		} catch (err) {
			const list = wrongs(err);
			if (list) setWrong(list);
			else fault(err);
		}
	};
	return (
		<Box title={schedule ? t("records.change") : t("retention.new")} onClose={onClose} large>
			<form className="stack" onSubmit={submit}>
				{wrong.length ? <div className="leaving" role="alert">{wrong.map((w) => <p key={w}>{w}</p>)}</div> : null}
				{schedule?.active ? <p className="leaving">{t("retention.changesActive")}</p> : null}
				<label className="field"><span>{t("rules.title")}</span><input required value={title} onChange={(e) => setTitle(e.target.value)} /></label>
				<label className="field"><span>{t("groups.description")}</span><input value={about} onChange={(e) => setAbout(e.target.value)} /></label>
				<div className="row"><label className="field"><span>{t("retention.age")}</span><input required inputMode="numeric" value={n} onChange={(e) => setN(e.target.value.replace(/\D/g, ""))} /></label>
					<label className="field"><span>{t("retention.unit")}</span><select value={unit} onChange={(e) => setUnit(e.target.value)}>{Object.entries(UNITS).map(([u, w]) => <option key={u} value={u}>{t("retention." + w)}</option>)}</select></label></div>
				<Conditions title={t("retention.all")} defs={defs.conditions_all} list={all} onChange={setAll} />
				<Conditions title={t("retention.any")} defs={defs.conditions_any} list={any} onChange={setAny} />
				<div className="row"><Button isPrimary type="submit">{t("records.save")}</Button><Button type="button" onClick={onClose}>{t("cancel")}</Button></div>
			</form>
		</Box>
	);
}

export default function Retention() {
	const { t } = useTranslation();
	const { say, fault } = useSays();
	const cache = useQueryClient();
	const [open, setOpen] = useState<Schedule | null | undefined>(undefined);
	const [look, setLook] = useState<{ schedule: Schedule; preview: Preview } | null>(null);
	const [sure, setSure] = useState<Schedule | null>(null);
	const [running, setRunning] = useState(false);
	const [gone, setGone] = useState<Schedule | null>(null);
	const list = useQuery({ queryKey: ["retention"], queryFn: () => get<{ deletion_schedules: Schedule[] }>("/api/v2/deletion_schedules.json") });
	const run = useQuery({ queryKey: ["retention-run"], refetchInterval: 15000, queryFn: () => get<{ deletion_run: Run }>("/api/ward/v1/deletion_schedules/run") });
	const defs = useQuery({ queryKey: ["definitions", "view"], staleTime: 60000, queryFn: () => get<{ definitions: Definitions }>("/api/v2/views/definitions.json") });
	useEffect(() => { document.title = t("admin.retention") + " - Ward"; }, [t]);
	if (list.error || run.error || defs.error) return <Fault error={list.error || run.error || defs.error} />;
	if (!list.data || !run.data || !defs.data) return <Loading />;
	const rows = list.data.deletion_schedules, r = run.data.deletion_run, reload = () => { cache.invalidateQueries({ queryKey: ["retention"] }); cache.invalidateQueries({ queryKey: ["retention-run"] }); };
	const says = (p: Preview) => p.object === "zen:user" ? t("retention.people", { n: (p.complete ? "" : "≥ ") + number(p.count) }) : p.complete ? t("retention.would", { count: p.count, n: number(p.count) }) : t("retention.wouldAtLeast", { n: number(p.count) });
	const set = (s: Schedule, active: boolean) => put("/api/v2/deletion_schedules/" + s.id + ".json", { deletion_schedule: { active } }).then(() => { say(t(active ? "retention.isOn" : "retention.isOff")); reload(); });
	return (
		<>
			<div className="row between"><h1>{t("admin.retention")}</h1><Button isPrimary size="small" onClick={() => setOpen(null)}>{t("records.new")}</Button></div>
			<p className="soft">{t("retention.about")}</p>
			{rows.some((s) => s.ward_paused) ? <p className="leaving" role="note" id="paused">{t("retention.paused")}</p> : null}
			{rows.length === 0 ? <Empty title={t("retention.empty")}><p>{t("retention.next")}</p><Button onClick={() => setOpen(null)}>{t("retention.new")}</Button></Empty> : (
				<>
					<div className="card row between" id="run"><span>{r.at ? <>{t("retention.last")} <Time at={r.at} />: {t("retention.deleted", { count: r.deleted, n: number(r.deleted) })}{r.status === "working" ? " " + t("retention.working") : ""}. </> : <>{t("retention.never")} </>}{t("retention.nextRun")} <Time at={r.next_at} />.</span>
						<Button size="small" isDanger disabled={!rows.some((s) => s.active)} onClick={() => setRunning(true)}>{t("retention.run")}</Button></div>
					<div className="scroll"><table className="list"><caption className="sr">{t("admin.retention")}</caption><thead><tr><th scope="col">{t("rules.title")}</th><th scope="col" style={{ width: 120 }}>{t("field.status")}</th><th scope="col" className="wide" style={{ width: 130 }}>{t("retention.age")}</th><th scope="col" style={{ width: 390 }}><span className="sr">{t("records.acts")}</span></th></tr></thead>
						<tbody>{rows.map((s) => { const age = String(s.conditions.all.find((c) => c.field === AGE || c.field === QUIET)?.value || "").match(/^P(\d+)([DMY])$/); return (
							<tr key={s.id}><td className="wrap"><Name>{s.title}</Name>{s.description ? <><br /><span className="soft">{s.description}</span></> : null}</td>
								<td><span className={"state " + (s.active ? "good" : s.ward_paused ? "bad" : "")}>{t(s.active ? "retention.on" : s.ward_paused ? "retention.isPaused" : "retention.off")}</span></td>
								<td className="wide">{age ? age[1] + " " + t("retention." + UNITS[age[2]]) : "–"}</td>
								<td><div className="row"><Button size="small" isBasic onClick={() => preview(s.id).then((p) => setLook({ schedule: s, preview: p }), fault)}>{t("retention.preview")}</Button>
									{s.active ? <Button size="small" isBasic onClick={() => set(s, false).catch(fault)}>{t("retention.switchOff")}</Button> : <Button size="small" isBasic onClick={() => setSure(s)}>{t("retention.switchOn")}</Button>}
									{s.object === "zen:ticket" ? <Button size="small" isBasic onClick={() => setOpen(s)}>{t("records.change")}</Button> : null}<Button size="small" isBasic isDanger onClick={() => setGone(s)}>{t("records.delete")}</Button></div></td></tr>
						); })}</tbody></table></div>
				</>
			)}
			{open !== undefined ? <Editor schedule={open} defs={defs.data.definitions} onClose={() => setOpen(undefined)} onDone={() => { setOpen(undefined); reload(); }} /> : null}
			{look ? <Box title={t("retention.preview")} onClose={() => setLook(null)}><p id="would">{says(look.preview)}</p>{look.preview.can_be_active ? null : <p className="leaving">{t("retention.noAge")}</p>}
				{look.preview.count ? <p className="wrap">{(look.preview.ticket_ids || look.preview.user_ids || []).slice(0, 20).map((id) => <span key={id}><Link href={(look.preview.user_ids ? "/agent/people/" : "/agent/tickets/") + id}>#{id}</Link> </span>)}{look.preview.count > 20 ? "…" : ""}</p> : null}
				<div><Button onClick={() => setLook(null)}>{t("close")}</Button></div></Box> : null}
			{sure ? <Typed title={t("retention.switchOn")} warn={t("retention.sure")} word={sure.title} facts={() => preview(sure.id).then(says)} onClose={() => setSure(null)} go={() => set(sure, true)} /> : null}
			{running ? <Typed title={t("retention.run")} warn={t("retention.sureRun")} word={t("retention.word")} onClose={() => setRunning(false)}
				facts={() => Promise.all(rows.filter((s) => s.active).map((s) => preview(s.id).then((p) => s.title + ": " + says(p)))).then((all) => all.join(" "))}
				go={async () => { const d = await post<{ deletion_run: Run }>("/api/ward/v1/deletion_schedules/run"); say(t("retention.deleted", { count: d.deletion_run.deleted, n: number(d.deletion_run.deleted) })); reload(); }} /> : null}
			{gone ? <Typed title={t("records.delete")} warn={t("retention.deleteWarn")} word={gone.title} onClose={() => setGone(null)} go={async () => { await call("DELETE", "/api/v2/deletion_schedules/" + gone.id + ".json"); reload(); }} /> : null}
		</>
	);
}
