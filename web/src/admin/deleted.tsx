// Deleted tickets: have them back, or destroy them for good.
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { call, get, put } from "../api";
import { Empty, Fault, Loading, Name, Time } from "../ui/bits";
import { useSays } from "../ui/says";
import { number } from "../words";
import { Typed } from "./records";

interface Gone { id: number; subject: string; description?: string; actor: { id: number; name: string } | null; deleted_at: string; previous_state: string }

export default function Deleted() {
	const { t } = useTranslation();
	const { say, fault } = useSays();
	const cache = useQueryClient();
	const [picked, setPicked] = useState<number[]>([]);
	const [sure, setSure] = useState(false);
	const all = useInfiniteQuery({ queryKey: ["deleted"], initialPageParam: "/api/v2/deleted_tickets.json?per_page=100", getNextPageParam: (last: any) => last.next_page ? new URL(last.next_page).pathname + new URL(last.next_page).search : null, queryFn: ({ pageParam }) => get(pageParam) });
	useEffect(() => { document.title = t("admin.deleted") + " - Ward"; }, [t]);
	if (all.error) return <Fault error={all.error} />;
	if (!all.data) return <Loading />;
	const rows = all.data.pages.flatMap((p: any) => p.deleted_tickets) as Gone[], total = all.data.pages[0].count as number;
	const reload = () => { setPicked([]); cache.invalidateQueries(); };
	return (
		<>
			<h1>{t("admin.deleted")}</h1>
			<p className="soft">{t("deleted.about")}</p>
			{rows.length === 0 ? <Empty title={t("deleted.empty")}><p>{t("deleted.next")}</p></Empty> : (
				<>
					<div className="row"><span role="status">{t("deleted.chosen", { count: picked.length, of: number(total) })}</span>
						<Button size="small" disabled={!picked.length} onClick={() => put("/api/v2/deleted_tickets/restore_many?ids=" + picked.join(","), {}).then(() => { say(t("deleted.restored")); reload(); }, fault)}>{t("deleted.restore")}</Button>
						<Button size="small" isDanger disabled={!picked.length} onClick={() => setSure(true)}>{t("deleted.destroy")}</Button></div>
					<div className="scroll"><table className="list"><caption className="sr">{t("admin.deleted")}</caption>
						<thead><tr><th scope="col" style={{ width: 40 }}><input type="checkbox" aria-label={t("deleted.all")} checked={picked.length === rows.length} onChange={(e) => setPicked(e.target.checked ? rows.slice(0, 100).map((r) => r.id) : [])} /></th><th scope="col" style={{ width: 90 }}>{t("tokens.number")}</th><th scope="col">{t("field.subject")}</th><th scope="col" className="wide" style={{ width: "20%" }}>{t("deleted.by")}</th><th scope="col" style={{ width: 150 }}>{t("deleted.when")}</th></tr></thead>
						<tbody>{rows.map((r) => <tr key={r.id}><td><input type="checkbox" aria-label={"#" + r.id} checked={picked.includes(r.id)} onChange={(e) => setPicked(e.target.checked ? [...picked, r.id].slice(0, 100) : picked.filter((x) => x !== r.id))} /></td><td>#{r.id}</td><td className="wrap" dir="auto">{r.subject}</td><td className="wrap wide">{r.actor ? <Name>{r.actor.name}</Name> : t("ticket.system")}</td><td><Time at={r.deleted_at} /></td></tr>)}</tbody></table></div>
					{all.hasNextPage ? <div><Button onClick={() => all.fetchNextPage()}>{t("more")}</Button></div> : null}
				</>
			)}
			{sure ? <Typed title={t("deleted.destroy")} warn={t("deleted.warn")} word={String(picked.length)} onClose={() => setSure(false)} facts={async () => t("deleted.count", { count: picked.length })}
				go={async () => { await call("DELETE", "/api/v2/deleted_tickets/destroy_many.json?ids=" + picked.join(",")); say(t("deleted.gone")); reload(); }} /> : null}
		</>
	);
}
