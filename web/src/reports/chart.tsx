// A picture of a report of the server, the same figures as a table behind it, and the server's CSV.
// Told apart by more than colour: lines by dashes and marks, bars by hatching.
import { useQuery } from "@tanstack/react-query";
import { BarController, BarElement, CategoryScale, Chart, Filler, Legend, LinearScale, LineController, LineElement, PointElement, Tooltip } from "chart.js";
import { useEffect, useMemo, useRef, useState } from "react";
import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";
import { get } from "../api";
import { Fault, Loading } from "../ui/bits";
import { date, number } from "../words";

Chart.register(BarController, BarElement, CategoryScale, Filler, Legend, LinearScale, LineController, LineElement, PointElement, Tooltip);

export interface Report { name: string; from: string; to: string; lines: string; events_behind: number; counted_since: string | null; columns: { name: string; unit: "count" | "minutes" | "percent" }[]; rows: { name: string; user_id?: number; values: (number | null)[] }[]; whole: (number | null)[] }
export const useReport = (name: string, from: string, to: string) => useQuery({ queryKey: ["report", name, from, to], staleTime: 30000, queryFn: () => get<{ report: Report }>("/api/ward/v1/reports/" + name + "?from=" + from + "&to=" + to).then((d) => d.report) });

const LIGHT = ["#1f73b7", "#b3541e", "#038153", "#6d28d9"], DARK = ["#86b8e6", "#ffb057", "#51d6a0", "#cfa2f5"];
const POINTS = ["circle", "rect", "triangle", "rectRot"] as const, DASH = [[], [6, 4], [2, 3], [10, 4, 2, 4]];

function hatch(colour: string, i: number): CanvasPattern | string {
	if (i === 0) return colour;
	const c = document.createElement("canvas"), g = c.getContext("2d");
	c.width = c.height = 8;
	if (!g) return colour;
	g.fillStyle = colour;
	g.globalAlpha = 0.35;
	g.fillRect(0, 0, 8, 8);
	g.globalAlpha = 1;
	g.strokeStyle = colour;
	g.lineWidth = 2;
	g.beginPath();
	if (i === 1) { g.moveTo(0, 8); g.lineTo(8, 0); g.moveTo(-2, 2); g.lineTo(2, -2); g.moveTo(6, 10); g.lineTo(10, 6); }
	if (i === 2) { g.moveTo(0, 4); g.lineTo(8, 4); }
	if (i === 3) { g.moveTo(4, 0); g.lineTo(4, 8); g.moveTo(0, 4); g.lineTo(8, 4); }
	g.stroke();
	return g.createPattern(c, "repeat") || colour;
}

export function useDark() {
	const [dark, setDark] = useState(() => matchMedia("(prefers-color-scheme: dark)").matches);
	useEffect(() => {
		const m = matchMedia("(prefers-color-scheme: dark)"), on = () => setDark(m.matches);
		m.addEventListener("change", on);
		return () => m.removeEventListener("change", on);
	}, []);
	return dark;
}

const short = (day: string) => date(new Date(day), { month: "short", day: "numeric", timeZone: "UTC" });

// "95" minutes as people say it.
export function span(t: TFunction, n: number) {
	return n < 120 ? t("report.min", { n: number(n) }) : n < 2880 ? t("report.hours", { n: number(Math.round(n / 6) / 10) }) : t("report.days", { n: number(Math.round(n / 144) / 10) });
}

export function Figure({ name, from, to, kind, columns }: { name: string; from: string; to: string; kind: "bar" | "stack" | "line"; columns?: number[] }) {
	const { t, i18n } = useTranslation();
	const report = useReport(name, from, to);
	const dark = useDark();
	const canvas = useRef<HTMLCanvasElement>(null);
	const r = report.data, title = t("report.of." + name);
	const cols = useMemo(() => columns || (r?.columns || []).map((_, i) => i), [columns, r]);
	const label = (n: string) => !r ? n : r.lines === "days" ? short(n) : r.lines === "kinds" ? t("kind." + n, n) : r.lines === "spans" ? t("report.span." + n, n) : r.lines === "metrics" ? t("slas.metric." + n, n) : n || t("report.gone");
	const show = (unit: string, v: number | null) => v === null ? "–" : unit === "minutes" ? span(t, v) : unit === "percent" ? number(v) + " %" : number(v);
	const nothing = !!r && (r.rows.length === 0 || r.rows.every((x) => x.values.every((v) => !v)));
	const words = useMemo(() => Object.fromEntries((r?.columns || []).map((c) => [c.name, t("report.col." + c.name, c.name)])), [r, t]);
	useEffect(() => {
		if (!canvas.current || !r || nothing) return;
		const style = getComputedStyle(document.documentElement), fg = style.getPropertyValue("--fg").trim(), line = style.getPropertyValue("--line").trim(), bg = style.getPropertyValue("--bg").trim();
		const colours = dark ? DARK : LIGHT, still = matchMedia("(prefers-reduced-motion: reduce)").matches, type = kind === "line" ? "line" : "bar";
		const chart = new Chart(canvas.current, {
			type, data: { labels: r.rows.map((x) => label(x.name)), datasets: cols.map((c, i) => ({ label: words[r.columns[c].name], data: r.rows.map((x) => x.values[c]), borderColor: colours[i % 4], borderWidth: type === "line" ? 2 : 1, backgroundColor: type === "line" ? bg : hatch(colours[i % 4], i % 4),
				pointStyle: POINTS[i % 4], pointRadius: r.rows.length > 60 ? 0 : 3, borderDash: type === "line" ? DASH[i % 4] : [], spanGaps: true, stack: kind === "stack" ? "s" : undefined, maxBarThickness: 48 })) },
			options: { responsive: true, maintainAspectRatio: false, animation: still ? false : { duration: 300 }, interaction: { mode: "index", intersect: false },
				plugins: { legend: { display: cols.length > 1, labels: { color: fg, usePointStyle: type === "line" } }, tooltip: { callbacks: { label: (x) => (x.dataset.label || "") + ": " + show(r.columns[cols[x.datasetIndex]].unit, x.parsed.y as number) } } },
				scales: { x: { stacked: kind === "stack", ticks: { color: fg, maxRotation: 45, autoSkip: r.lines === "days" }, grid: { display: false } }, y: { stacked: kind === "stack", beginAtZero: true, ticks: { color: fg, precision: 0, callback: (v) => show(r.columns[cols[0]].unit, Number(v)) }, grid: { color: line } } } } });
		return () => chart.destroy();
	}, [r, dark, cols, words, kind, nothing, i18n.language]);
	return (
		<figure className="card stack figure" id={"figure-" + name}>
			<figcaption className="row between"><h2>{title}</h2>{r ? <a href={"/api/ward/v1/reports/" + name + "?format=csv&from=" + from + "&to=" + to} download aria-label={t("report.csvOf", { title })}>CSV</a> : null}</figcaption>
			{report.error ? <Fault error={report.error} /> : !r ? <Loading /> : nothing ? <p className="soft">{t("report.nothing")}</p> : (
				<>
					<div className="canvas"><canvas ref={canvas} role="img" aria-label={title + ". " + r.columns.map((c, i) => words[c.name] + ": " + show(c.unit, r.whole[i])).join(", ")} /></div>
					<details><summary>{t("report.table")}</summary>
						<div className="scroll" tabIndex={0} role="region" aria-label={title} style={{ maxHeight: 320, overflow: "auto" }}><table className="list"><caption className="sr">{title}</caption><thead><tr><th scope="col">{t("report.line." + r.lines)}</th>{r.columns.map((c) => <th key={c.name} scope="col" className="num">{words[c.name]}</th>)}</tr></thead>
							<tbody>{r.rows.map((x) => <tr key={x.user_id ?? x.name}><th scope="row">{label(x.name)}</th>{x.values.map((v, i) => <td key={i} className="num">{show(r.columns[i].unit, v)}</td>)}</tr>)}
								<tr><th scope="row">{t(name === "backlog" ? "report.atEnd" : "report.whole")}</th>{r.whole.map((v, i) => <td key={i} className="num"><strong>{show(r.columns[i].unit, v)}</strong></td>)}</tr></tbody></table></div></details>
				</>
			)}
		</figure>
	);
}
