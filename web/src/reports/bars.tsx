// A bar chart with the same figures as a table behind it, and as CSV.
import { BarController, BarElement, CategoryScale, Chart, Legend, LinearScale, Tooltip } from "chart.js";
import { Button } from "@zendeskgarden/react-buttons";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { number } from "../words";

Chart.register(BarController, BarElement, CategoryScale, LinearScale, Legend, Tooltip);
const COLOURS = ["#1f73b7", "#f79a3e", "#038153", "#7c3aad"];
const quote = (v: string | number) => { const s = String(v), safe = /^[=+\-@\t\r]/.test(s) && typeof v === "string" ? "'" + s : s; return '"' + safe.replace(/"/g, '""') + '"'; };

export function Bars({ title, labels, series, file }: { title: string; labels: string[]; series: { words: string; data: number[] }[]; file: string }) {
	const { t } = useTranslation();
	const canvas = useRef<HTMLCanvasElement>(null);
	useEffect(() => {
		const style = getComputedStyle(document.documentElement), fg = style.getPropertyValue("--soft").trim(), line = style.getPropertyValue("--line").trim();
		const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
		const chart = new Chart(canvas.current!, { type: "bar", data: { labels, datasets: series.map((s, i) => ({ label: s.words, data: s.data, backgroundColor: COLOURS[i], borderRadius: 3 })) },
			options: { responsive: true, maintainAspectRatio: false, animation: still ? false : { duration: 300 }, plugins: { legend: { display: series.length > 1, labels: { color: fg } } },
				scales: { x: { ticks: { color: fg }, grid: { display: false } }, y: { beginAtZero: true, ticks: { color: fg, precision: 0 }, grid: { color: line } } } } });
		return () => chart.destroy();
	}, [labels, series]);
	const csv = () => {
		const rows = [["", ...series.map((s) => s.words)], ...labels.map((l, i) => [l, ...series.map((s) => s.data[i])])];
		const a = document.createElement("a");
		a.href = URL.createObjectURL(new Blob([rows.map((r) => r.map(quote).join(",")).join("\r\n") + "\r\n"], { type: "text/csv" }));
		a.download = file + ".csv";
		a.click();
		URL.revokeObjectURL(a.href);
	};
	return (
		<figure className="card stack">
			<figcaption className="row between"><h2>{title}</h2><Button size="small" isBasic onClick={csv}>CSV</Button></figcaption>
			<div style={{ height: 240, position: "relative" }}><canvas ref={canvas} role="img" aria-label={title} /></div>
			<details><summary>{t("report.table")}</summary>
				<table className="list"><caption className="sr">{title}</caption><thead><tr><th scope="col" />{series.map((s) => <th key={s.words} scope="col" className="num">{s.words}</th>)}</tr></thead>
					<tbody>{labels.map((l, i) => <tr key={l}><th scope="row">{l}</th>{series.map((s) => <td key={s.words} className="num">{number(s.data[i])}</td>)}</tr>)}</tbody></table></details>
		</figure>
	);
}
