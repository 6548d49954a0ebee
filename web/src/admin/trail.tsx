// The trail: what was changed, by whom, from where.
import { useInfiniteQuery } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { get } from "../api";
import { Empty, Fault, Loading, Name, Time } from "../ui/bits";

interface Entry { id: number; actor_name: string; actor_id: number | null; ward_action: string; action_label: string; source_type: string; source_label: string; change_description: string; ip_address: string; created_at: string }

export default function Trail() {
	const { t } = useTranslation();
	const [type, setType] = useState("");
	const [source, setSource] = useState("");
	const [actor, setActor] = useState("");
	const query = (type ? "&filter[source_type]=" + encodeURIComponent(type) : "") + (type && source ? "&filter[source_id]=" + encodeURIComponent(source) : "") + (actor ? "&filter[actor_id]=" + encodeURIComponent(actor) : "");
	const all = useInfiniteQuery({ queryKey: ["trail", query], initialPageParam: "", getNextPageParam: (last: any) => last.meta?.has_more ? last.meta.after_cursor : null,
		queryFn: ({ pageParam }) => get("/api/v2/audit_logs.json?page[size]=50" + (pageParam ? "&page[after]=" + encodeURIComponent(pageParam) : "") + query.replace(/\[/g, "%5B").replace(/\]/g, "%5D")) });
	useEffect(() => { document.title = t("admin.trail") + " - Ward"; }, [t]);
	const rows = (all.data?.pages.flatMap((p: any) => p.audit_logs) || []) as Entry[];
	return (
		<>
			<h1>{t("admin.trail")}</h1>
			<p className="soft">{t("trail.what")}</p>
			<div className="row">
				<label className="field"><span>{t("trail.type")}</span><select value={type} onChange={(e) => setType(e.target.value)}><option value="">{t("trail.any")}</option>{["ticket", "user", "group", "organization", "api_token", "session", "key", "setting"].map((k) => <option key={k} value={k}>{k}</option>)}</select></label>
				<label className="field"><span>{t("trail.number")}</span><input inputMode="numeric" value={source} disabled={!type} onChange={(e) => setSource(e.target.value.replace(/\D/g, ""))} /></label>
				<label className="field"><span>{t("trail.actor")}</span><input inputMode="numeric" value={actor} onChange={(e) => setActor(e.target.value.replace(/\D/g, ""))} /></label>
			</div>
			{all.error ? <Fault error={all.error} /> : all.isLoading ? <Loading /> : rows.length === 0 ? <Empty title={t("trail.empty")} /> : (
				<div className="scroll"><table className="list"><caption className="sr">{t("admin.trail")}</caption>
					<thead><tr><th scope="col" style={{ width: 80 }}>{t("tokens.number")}</th><th scope="col" style={{ width: 150 }}>{t("trail.when")}</th><th scope="col" style={{ width: "18%" }}>{t("trail.who")}</th><th scope="col" style={{ width: "20%" }}>{t("trail.did")}</th><th scope="col">{t("trail.change")}</th><th scope="col" className="wide" style={{ width: 130 }}>{t("trail.from")}</th></tr></thead>
					<tbody>{rows.map((e) => <tr key={e.id}><td className="num">{e.id}</td><td><Time at={e.created_at} /></td><td className="wrap"><Name>{e.actor_name || t("ticket.system")}</Name></td><td className="wrap">{e.ward_action}<br /><span className="soft">{e.source_label}</span></td><td className="wrap">{e.change_description}</td><td className="wide wrap">{e.ip_address}</td></tr>)}</tbody></table></div>
			)}
			{all.hasNextPage ? <div><Button onClick={() => all.fetchNextPage()}>{t("more")}</Button></div> : null}
		</>
	);
}
