// How the desk is: from the metrics that a monitor reads as well.
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { get } from "../api";
import { Fault, Loading } from "../ui/bits";
import { number } from "../words";

const parse = (text: string) => text.split("\n").filter((l) => l && !l.startsWith("#")).map((l) => { const i = l.lastIndexOf(" "); return [l.slice(0, i), Number(l.slice(i + 1))] as [string, number]; });

export default function Health() {
	const { t } = useTranslation();
	const health = useQuery({ queryKey: ["health"], queryFn: () => get<{ status: string; version: string }>("/healthz"), refetchInterval: 10000 });
	const metrics = useQuery({ queryKey: ["metrics"], refetchInterval: 10000, queryFn: async () => parse(await (await fetch("/metrics", { credentials: "same-origin", cache: "no-store" })).text()) });
	if (health.error) return <Fault error={health.error} />;
	if (!health.data) return <Loading />;
	return (
		<>
			<h1>{t("admin.health")}</h1>
			<div className="tiles">
				<div className="tile"><span className="soft">{t("health.state")}</span><div className="big">{health.data.status}</div></div>
				<div className="tile"><span className="soft">{t("health.version")}</span><div className="big">{health.data.version}</div></div>
			</div>
			<table className="list"><caption className="sr">{t("admin.health")}</caption><thead><tr><th scope="col">{t("health.figure")}</th><th scope="col" className="num">{t("health.value")}</th></tr></thead>
				<tbody>{(metrics.data || []).map(([n, v]) => <tr key={n}><td>{n}</td><td className="num">{number(v)}</td></tr>)}</tbody></table>
		</>
	);
}
