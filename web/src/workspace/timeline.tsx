// What happened to a ticket, newest first.
import { useInfiniteQuery } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import { useTranslation } from "react-i18next";
import { get, people, type User } from "../api";
import { Fault, Loading, Name, Time } from "../ui/bits";

interface Event { id: number; type: string; field_name?: string; value?: unknown; previous_value?: unknown; public?: boolean; via?: { channel: string; source?: { from?: { title?: string } } } }
interface Audit { id: number; author_id: number; created_at: string; events: Event[]; via: { channel: string } }

const shown = (v: unknown) => v === null || v === undefined || v === "" ? "–" : Array.isArray(v) ? v.join(" ") : String(v);

export function Timeline({ id, names }: { id: number; names: Map<number, User> }) {
	const { t } = useTranslation();
	const all = useInfiniteQuery({ queryKey: ["audits", id], initialPageParam: 1, getNextPageParam: (last: any, pages) => last.next_page ? pages.length + 1 : null,
		queryFn: ({ pageParam }) => get("/api/v2/tickets/" + id + "/audits.json?include=users&sort_order=desc&per_page=50&page=" + pageParam) });
	if (all.error) return <Fault error={all.error} />;
	if (!all.data) return <Loading />;
	const who = new Map([...names, ...people(all.data.pages.flatMap((p: any) => p.users || []))]);
	return (
		<ol className="said" aria-label={t("ticket.events")}>
			{all.data.pages.flatMap((p: any) => p.audits as Audit[]).map((a) => (
				<li key={a.id} style={{ gridTemplateColumns: "minmax(0, 1fr)" }}>
					<div>
						<div className="by"><strong><Name>{who.get(a.author_id)?.name || t("ticket.system")}</Name></strong><span className="soft"><Time at={a.created_at} /> · {t("via." + a.via.channel, a.via.channel)}</span></div>
						<ul style={{ paddingInlineStart: 18 }}>
							{a.events.map((e) => <li key={e.id} className="wrap">{e.type === "Change" ? t("event.change", { field: t("field." + e.field_name, e.field_name || ""), from: shown(e.previous_value), to: shown(e.value) })
								: e.type === "Create" ? t("event.create", { field: t("field." + e.field_name, e.field_name || ""), to: shown(e.value) })
									: e.type === "Comment" ? t(e.public ? "event.reply" : "event.note") : e.type}</li>)}
						</ul>
					</div>
				</li>
			))}
			{all.hasNextPage ? <li><Button onClick={() => all.fetchNextPage()}>{t("more")}</Button></li> : null}
		</ol>
	);
}
