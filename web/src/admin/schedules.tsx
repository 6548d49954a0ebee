// Business hours: a week and its holidays, for SLA targets and conditions in hours of work.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import { useEffect, useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { call, get, post, put, wrongs } from "../api";
import { Empty, Fault, Loading, Name } from "../ui/bits";
import { Box } from "../ui/box";
import { useSays } from "../ui/says";
import { date } from "../words";
import { Typed } from "./records";

interface Interval { start_time: number; end_time: number }
interface Schedule { id: number; name: string; time_zone: string; intervals: Interval[] }
interface Holiday { id: number; name: string; start_date: string; end_date: string }
const DAY = 1440;
const two = (n: number) => String(n).padStart(2, "0");
const clock = (m: number) => two(Math.floor(m / 60)) + ":" + two(m % 60);
const dayName = (i: number) => date(new Date(Date.UTC(2026, 0, 4 + i)), { weekday: "long", timeZone: "UTC" });
interface Span { from: string; to: string }

// The API counts minutes from Sunday 00:00; people think of a day with one or more spans.
function week(list: Interval[]): Span[][] {
	const out: Span[][] = Array.from({ length: 7 }, () => []);
	for (const i of list) for (let d = Math.floor(i.start_time / DAY); d < 7 && d * DAY < i.end_time; d++)
		out[d].push({ from: clock(Math.max(i.start_time, d * DAY) - d * DAY), to: clock(Math.min(i.end_time, (d + 1) * DAY) - d * DAY) });
	return out;
}

function Holidays({ schedule }: { schedule: Schedule }) {
	const { t } = useTranslation();
	const { say, fault } = useSays();
	const cache = useQueryClient();
	const path = "/api/v2/business_hours/schedules/" + schedule.id + "/holidays";
	const list = useQuery({ queryKey: ["holidays", schedule.id], queryFn: () => get<{ holidays: Holiday[] }>(path + ".json") });
	const [v, setV] = useState({ name: "", start_date: "", end_date: "" });
	const reload = () => cache.invalidateQueries({ queryKey: ["holidays", schedule.id] });
	const add = (e: FormEvent) => { e.preventDefault(); post(path + ".json", { holiday: { ...v, end_date: v.end_date || v.start_date } }).then(() => { say(t("records.saved")); setV({ name: "", start_date: "", end_date: "" }); reload(); }, fault); };
	const day = (d: string) => date(new Date(d + "T00:00:00Z"), { dateStyle: "medium", timeZone: "UTC" });
	if (list.error) return <Fault error={list.error} />;
	return (
		<div className="stack">
			<h3>{t("schedules.holidays")}</h3>
			{list.data?.holidays.length ? <ul style={{ paddingInlineStart: 18 }}>{list.data.holidays.map((h) => <li key={h.id}><Name>{h.name}</Name>: {day(h.start_date)}{h.end_date !== h.start_date ? " – " + day(h.end_date) : ""} <Button size="small" isBasic isDanger aria-label={t("schedules.removeHoliday", { name: h.name })} onClick={() => call("DELETE", path + "/" + h.id + ".json").then(reload, fault)}>×</Button></li>)}</ul> : <p className="soft">{t("schedules.noHolidays")}</p>}
			<form className="row" onSubmit={add}>
				<label className="field"><span>{t("schedules.holiday")}</span><input required value={v.name} onChange={(e) => setV({ ...v, name: e.target.value })} /></label>
				<label className="field"><span>{t("schedules.from")}</span><input required type="date" value={v.start_date} onChange={(e) => setV({ ...v, start_date: e.target.value })} /></label>
				<label className="field"><span>{t("schedules.to")}</span><input type="date" min={v.start_date} value={v.end_date} onChange={(e) => setV({ ...v, end_date: e.target.value })} /></label>
				<Button size="small" type="submit">{t("schedules.addHoliday")}</Button>
			</form>
		</div>
	);
}

function Editor({ schedule, onClose, onDone }: { schedule: Schedule | null; onClose(): void; onDone(s: Schedule): void }) {
	const { t } = useTranslation();
	const { say, fault } = useSays();
	const [name, setName] = useState(schedule?.name || "");
	const [zone, setZone] = useState(schedule?.time_zone || Intl.DateTimeFormat().resolvedOptions().timeZone);
	const [days, setDays] = useState<Span[][]>(() => schedule ? week(schedule.intervals) : Array.from({ length: 7 }, (_, d) => d > 0 && d < 6 ? [{ from: "09:00", to: "17:00" }] : []));
	const [wrong, setWrong] = useState<string[]>([]);
	const zones: string[] = (Intl as any).supportedValuesOf?.("timeZone") || [];
	const setDay = (d: number, list: Span[]) => setDays(days.map((x, i) => i === d ? list : x));
	const submit = async (e: FormEvent) => {
		e.preventDefault();
		const at = (s: string) => Number(s.slice(0, 2)) * 60 + Number(s.slice(3, 5)), intervals: Interval[] = [], bad: string[] = [];
		days.forEach((list, d) => [...list].sort((a, b) => at(a.from) - at(b.from)).forEach((s, i, sorted) => {
			const end = s.to === "00:00" ? DAY : at(s.to);
			if (!s.from || !s.to || end <= at(s.from) || (i > 0 && at(s.from) < at(sorted[i - 1].to))) bad.push(t("schedules.badSpan", { day: dayName(d) }));
			else intervals.push({ start_time: d * DAY + at(s.from), end_time: d * DAY + end });
		}));
		setWrong(bad);
		if (bad.length) return;
		const body = { schedule: { name, time_zone: zone, intervals } };
		try {
			const r = await (schedule ? put("/api/v2/business_hours/schedules/" + schedule.id + ".json", body) : post("/api/v2/business_hours/schedules.json", body));
			say(t("records.saved"));
			onDone(r.schedule);
		} catch (err) {
			const list = wrongs(err);
			if (list) setWrong(list);
			else fault(err);
		}
	};
	return (
		<Box title={schedule ? t("records.change") : t("schedules.new")} onClose={onClose} large>
			<form className="stack" onSubmit={submit}>
				{wrong.length ? <div className="leaving" role="alert">{wrong.map((w) => <p key={w}>{w}</p>)}</div> : null}
				<label className="field"><span>{t("person.name")}</span><input required value={name} onChange={(e) => setName(e.target.value)} /></label>
				<label className="field"><span>{t("schedules.zone")}</span><input required list="zones" value={zone} onChange={(e) => setZone(e.target.value)} /><datalist id="zones">{zones.map((z) => <option key={z} value={z} />)}</datalist></label>
				<fieldset className="lined stack"><legend><strong>{t("schedules.week")}</strong></legend>
					{days.map((list, d) => { const label = dayName(d); return (
						<div key={d} className="row"><strong style={{ width: 110 }}>{label}</strong>
							{list.length === 0 ? <span className="soft">{t("schedules.closed")}</span> : list.map((s, i) => (
								<span key={i} className="row"><input className="plain-input" type="time" aria-label={label + ", " + t("schedules.opens", { n: i + 1 })} value={s.from} onChange={(e) => setDay(d, list.map((x, k) => k === i ? { ...x, from: e.target.value } : x))} /> – <input className="plain-input" type="time" aria-label={label + ", " + t("schedules.closes", { n: i + 1 })} value={s.to} onChange={(e) => setDay(d, list.map((x, k) => k === i ? { ...x, to: e.target.value } : x))} />
									<Button size="small" isBasic type="button" aria-label={label + ", " + t("schedules.remove", { n: i + 1 })} onClick={() => setDay(d, list.filter((_, k) => k !== i))}>×</Button></span>
							))}
							<Button size="small" isBasic type="button" aria-label={label + ", " + t("schedules.add")} onClick={() => setDay(d, [...list, list.length ? { from: "13:00", to: "17:00" } : { from: "09:00", to: "17:00" }])}>+</Button></div>
					); })}
				</fieldset>
				<div className="row"><Button isPrimary type="submit">{t("records.save")}</Button><Button type="button" onClick={onClose}>{t("close")}</Button></div>
			</form>
			{schedule ? <Holidays schedule={schedule} /> : null}
		</Box>
	);
}

export default function Schedules() {
	const { t } = useTranslation();
	const cache = useQueryClient();
	const [open, setOpen] = useState<Schedule | null | undefined>(undefined);
	const [gone, setGone] = useState<Schedule | null>(null);
	const list = useQuery({ queryKey: ["schedules"], queryFn: () => get<{ schedules: Schedule[] }>("/api/v2/business_hours/schedules.json") });
	useEffect(() => { document.title = t("admin.schedules") + " - Ward"; }, [t]);
	if (list.error) return <Fault error={list.error} />;
	if (!list.data) return <Loading />;
	const reload = () => cache.invalidateQueries({ queryKey: ["schedules"] });
	const says = (s: Schedule) => week(s.intervals).map((l, d) => l.length ? dayName(d).slice(0, 3) + " " + l.map((x) => x.from + "–" + x.to).join(", ") : "").filter(Boolean).join("; ");
	return (
		<>
			<div className="row between"><h1>{t("admin.schedules")}</h1><Button isPrimary size="small" onClick={() => setOpen(null)}>{t("records.new")}</Button></div>
			<p className="soft">{t("schedules.about")}</p>
			{list.data.schedules.length === 0 ? <Empty title={t("schedules.empty")}><p>{t("schedules.next")}</p><Button onClick={() => setOpen(null)}>{t("schedules.new")}</Button></Empty> : (
				<div className="scroll"><table className="list"><caption className="sr">{t("admin.schedules")}</caption><thead><tr><th scope="col">{t("person.name")}</th><th scope="col" style={{ width: "22%" }}>{t("schedules.zone")}</th><th scope="col" className="wide">{t("schedules.week")}</th><th scope="col" style={{ width: 170 }}><span className="sr">{t("records.acts")}</span></th></tr></thead>
					<tbody>{list.data.schedules.map((s, i) => <tr key={s.id}><td className="wrap"><Name>{s.name}</Name>{i === 0 ? <span className="soft"> ({t("schedules.default")})</span> : null}</td><td className="wrap">{s.time_zone}</td><td className="wrap wide soft">{says(s)}</td><td><div className="row"><Button size="small" isBasic onClick={() => setOpen(s)}>{t("records.change")}</Button><Button size="small" isBasic isDanger onClick={() => setGone(s)}>{t("records.delete")}</Button></div></td></tr>)}</tbody></table></div>
			)}
			{open !== undefined ? <Editor key={open?.id || "new"} schedule={open} onClose={() => setOpen(undefined)} onDone={(s) => { reload(); setOpen(open ? undefined : s); }} /> : null}
			{gone ? <Typed title={t("records.delete")} warn={t("schedules.deleteWarn")} word={gone.name} onClose={() => setGone(null)} go={async () => { await call("DELETE", "/api/v2/business_hours/schedules/" + gone.id + ".json"); reload(); }} /> : null}
		</>
	);
}
