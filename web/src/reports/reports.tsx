// Figures of the desk. The server counts as things happen; here they are shown.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { get } from "../api";
import { Empty, Fault, Loading } from "../ui/bits";
import { number } from "../words";
import "../admin/office.css";
import { Figure, span, useReport } from "./chart";

type Kind = "bar" | "stack" | "line";
const PARTS: { path: string; figures: [string, Kind, number[]?][] }[] = [
	{ path: "tickets", figures: [["tickets", "line"], ["backlog", "line"], ["channels", "stack"]] },
	{ path: "times", figures: [["first_reply", "line", [0]], ["first_reply_spans", "bar"], ["resolution", "line", [0]], ["resolution_spans", "bar"]] },
	{ path: "sla", figures: [["sla", "stack", [0, 1]], ["sla_metrics", "stack"]] },
	{ path: "satisfaction", figures: [["satisfaction", "stack", [0, 1]]] },
	{ path: "phi", figures: [["phi_found", "stack"], ["phi_found_kinds", "stack"], ["phi_removed", "stack"], ["phi_removed_kinds", "stack"]] },
	{ path: "looks", figures: [["looks", "line"], ["looks_people", "bar"]] },
	{ path: "sign_ins", figures: [["sign_ins", "line"], ["sign_ins_people", "stack"]] },
];
const day = (back: number) => new Date(Date.now() - back * 86400000).toISOString().slice(0, 10);
const count = (query: string) => get<{ count: number }>("/api/v2/search/count.json?query=" + encodeURIComponent("type:ticket " + query)).then((r) => r.count);

function Tiles({ from, to }: { from: string; to: string }) {
	const { t } = useTranslation();
	const backlog = useReport("backlog", from, to), reply = useReport("first_reply", from, to), sla = useReport("sla", from, to), good = useReport("satisfaction", from, to);
	const now = useQuery({ queryKey: ["report", "now"], staleTime: 60000, queryFn: () => Promise.all([count("status<solved assignee:none"), count("status<solved priority:urgent")]) });
	const tiles: [string, string][] = [
		[t("report.backlog"), backlog.data ? number(backlog.data.whole[0] || 0) : "…"],
		[t("report.unassigned"), now.data ? number(now.data[0]) : "…"], [t("report.urgent"), now.data ? number(now.data[1]) : "…"],
		[t("report.meanReply"), reply.data ? reply.data.whole[0] === null ? "–" : span(t, reply.data.whole[0]) : "…"],
		[t("report.slaKept"), sla.data ? sla.data.whole[2] === null ? "–" : number(sla.data.whole[2]) + " %" : "…"],
		[t("report.satisfied"), good.data ? good.data.whole[2] === null ? "–" : number(good.data.whole[2]) + " %" : "…"],
	];
	return <div className="tiles small">{tiles.map(([w, n]) => <div className="tile" key={w}><span className="soft">{w}</span><div className="big">{n}</div></div>)}</div>;
}

export default function Reports({ part }: { part?: string }) {
	const { t } = useTranslation();
	const [from, setFrom] = useState(day(29));
	const [to, setTo] = useState(day(0));
	const offered = useQuery({ queryKey: ["reports"], staleTime: 60000, queryFn: () => get<{ reports: { name: string }[] }>("/api/ward/v1/reports").then((d) => new Set(d.reports.map((r) => r.name))) });
	useEffect(() => { document.title = t("nav.reports") + " - Ward"; }, [t]);
	const one = useReport("tickets", from, to);
	if (offered.error) return <Fault error={offered.error} />;
	if (!offered.data) return <Loading />;
	const parts = PARTS.filter((p) => p.figures.some(([n]) => offered.data.has(n))), here = parts.find((p) => p.path === (part || "tickets"));
	const spans: [string, number][] = [[t("report.last7"), 6], [t("report.last30"), 29], [t("report.last90"), 89], [t("report.last365"), 364]];
	return (
		<div className="pad stack">
			<div className="row between"><h1>{t("nav.reports")}</h1>
				<div className="row" role="group" aria-label={t("report.time")}>
					<select className="plain-select" aria-label={t("report.time")} value={to === day(0) ? spans.find(([, n]) => day(n) === from)?.[1] ?? "" : ""} onChange={(e) => { if (e.target.value) { setFrom(day(Number(e.target.value))); setTo(day(0)); } }}><option value="">{t("report.own")}</option>{spans.map(([w, n]) => <option key={n} value={n}>{w}</option>)}</select>
					<input className="plain-input" type="date" aria-label={t("schedules.from")} max={to} value={from} onChange={(e) => e.target.value && setFrom(e.target.value)} /> – <input className="plain-input" type="date" aria-label={t("schedules.to")} min={from} max={day(0)} value={to} onChange={(e) => e.target.value && setTo(e.target.value)} />
				</div></div>
			<Tiles from={from} to={to} />
			<nav className="tabs" aria-label={t("nav.reports")}>{parts.map((p) => <Link key={p.path} href={"/reports/" + p.path} aria-current={p === here ? "page" : undefined}>{t("report.part." + p.path)}</Link>)}</nav>
			{here ? <div className="figures">{here.figures.map(([name, kind, columns]) => <Figure key={name} name={name} kind={kind} columns={columns} from={from} to={to} />)}</div> : <Empty title={t("error.nowhere")} />}
			<p className="soft">{t("report.how")} {one.data?.counted_since ? t("report.since", { day: one.data.counted_since }) : ""}</p>
		</div>
	);
}
