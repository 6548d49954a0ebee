// Who saw what: the access log, for a person, a ticket or everybody.
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import { useTranslation } from "react-i18next";
import { get, people, type User } from "../api";
import { Empty, Fault, Loading, Name, Time } from "../ui/bits";

interface Look { id: string; timestamp: string; user_id: number | null; ip_address: string; authorization_type: string; summary: string; object: string; object_ids: number[] }

// `person`: looks at the record and at each ticket of somebody.
export function Looks({ object, user, person }: { object?: { type: string; id?: number }; user?: number; person?: number }) {
	const { t } = useTranslation();
	const filter = (person ? "&filter%5Bperson_id%5D=" + person : "") + (object ? "&filter%5Bobject%5D=" + object.type + (object.id ? "&filter%5Bobject_id%5D=" + object.id : "") : "") + (user ? "&filter%5Buser_id%5D=" + user : "");
	const all = useInfiniteQuery({ queryKey: ["looks", filter], initialPageParam: "", getNextPageParam: (last: any) => last.meta?.has_more ? last.meta.after_cursor : null,
		queryFn: ({ pageParam }) => get("/api/v2/access_logs.json?page%5Bsize%5D=50" + (pageParam ? "&page%5Bafter%5D=" + encodeURIComponent(pageParam) : "") + filter) });
	const rows = (all.data?.pages.flatMap((p: any) => p.access_logs) || []) as Look[];
	const ids = [...new Set(rows.map((r) => r.user_id).filter((i): i is number => !!i))].slice(0, 100);
	const users = useQuery({ queryKey: ["names", ids.join(",")], enabled: ids.length > 0, queryFn: () => get<{ users: User[] }>("/api/v2/users/show_many.json?ids=" + ids.join(",")) });
	const names = people(users.data?.users);
	if (all.error) return <Fault error={all.error} />;
	if (all.isLoading) return <Loading />;
	if (!rows.length) return <Empty title={t("looks.empty")} />;
	return (
		<>
			<div className="scroll"><table className="list"><caption className="sr">{t("admin.looks")}</caption>
				<thead><tr><th scope="col" style={{ width: 150 }}>{t("trail.when")}</th><th scope="col" style={{ width: "20%" }}>{t("trail.who")}</th><th scope="col">{t("looks.what")}</th><th scope="col">{t("looks.fields")}</th><th scope="col" className="wide" style={{ width: 130 }}>{t("trail.from")}</th></tr></thead>
				<tbody>{rows.map((r) => <tr key={r.id}><td><Time at={r.timestamp} /></td><td className="wrap">{r.user_id ? <Name>{names.get(r.user_id)?.name || "#" + r.user_id}</Name> : t("ticket.system")}</td>
					<td className="wrap">{r.object} {r.object_ids.slice(0, 12).map((i) => "#" + i).join(", ")}{r.object_ids.length > 12 ? " …" : ""}</td><td className="wrap">{r.summary.replace(/,(?=\S)/g, ", ")}</td><td className="wide wrap">{r.ip_address}</td></tr>)}</tbody></table></div>
			{all.hasNextPage ? <div><Button onClick={() => all.fetchNextPage()}>{t("more")}</Button></div> : null}
		</>
	);
}
