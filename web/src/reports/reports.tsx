// Figures as pictures, each with its table.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { get } from "../api";
import { Fault, Loading } from "../ui/bits";
import { number } from "../words";
import { Bars } from "./bars";

const count = (query: string) => get<{ count: number }>("/api/v2/search/count.json?query=" + encodeURIComponent("type:ticket " + query)).then((r) => r.count);
const STATUSES = ["new", "open", "pending", "hold", "solved", "closed"];
const day = (back: number) => new Date(Date.now() - back * 86400000).toISOString().slice(0, 10);

export default function Reports() {
	const { t, i18n } = useTranslation();
	const days = useMemo(() => Array.from({ length: 14 }, (_, i) => day(13 - i)), []);
	const byStatus = useQuery({ queryKey: ["report", "status"], staleTime: 60000, queryFn: () => Promise.all(STATUSES.map((s) => count("status:" + s))) });
	const made = useQuery({ queryKey: ["report", "made"], staleTime: 60000, queryFn: () => Promise.all(days.map((d) => count("created:" + d))) });
	const solved = useQuery({ queryKey: ["report", "solved"], staleTime: 60000, queryFn: () => Promise.all(days.map((d) => count("solved:" + d))) });
	const urgent = useQuery({ queryKey: ["report", "urgent"], staleTime: 60000, queryFn: () => Promise.all([count("status<solved assignee:none"), count("status<solved priority:urgent"), count("status<solved updated<" + day(2))]) });
	useEffect(() => { document.title = t("nav.reports") + " - Ward"; }, [t]);
	const short = (d: string) => new Intl.DateTimeFormat(i18n.language, { month: "numeric", day: "numeric", timeZone: "UTC" }).format(new Date(d));
	const error = byStatus.error || made.error || solved.error || urgent.error;
	if (error) return <Fault error={error} />;
	if (!byStatus.data || !made.data || !solved.data || !urgent.data) return <Loading />;
	return (
		<div className="pad stack">
			<h1>{t("nav.reports")}</h1>
			<div className="tiles">
				{[["report.backlog", byStatus.data[0] + byStatus.data[1] + byStatus.data[2] + byStatus.data[3]], ["report.unassigned", urgent.data[0]], ["report.urgent", urgent.data[1]], ["report.stale", urgent.data[2]]].map(([w, n]) => (
					<div className="tile" key={w}><span className="soft">{t(w as string)}</span><div className="big">{number(n as number)}</div></div>
				))}
			</div>
			<Bars title={t("report.flow")} labels={days.map(short)} series={[{ words: t("report.made"), data: made.data }, { words: t("report.solved"), data: solved.data }]} file="tickets-by-day" />
			<Bars title={t("report.byStatus")} labels={STATUSES.map((s) => t("status." + s))} series={[{ words: t("nav.tickets"), data: byStatus.data }]} file="tickets-by-status" />
		</div>
	);
}
