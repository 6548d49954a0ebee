// A person: who they are, what they asked, and who looked at them.
import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { can, get, type Ticket, type User } from "../api";
import { useMe } from "../session";
import { Empty, Fault, Loading, Name, Status, Time } from "../ui/bits";
import { Looks } from "../admin/looks";

export default function Person({ id }: { id: number }) {
	const { t } = useTranslation();
	const me = useMe();
	const user = useQuery({ queryKey: ["user", id], queryFn: () => get<{ user: User }>("/api/v2/users/" + id + ".json") });
	const tickets = useQuery({ queryKey: ["others", id, "all"], enabled: can(me, "search"), queryFn: () =>
		get<{ results: Ticket[]; count: number }>("/api/v2/search.json?per_page=50&sort_by=updated_at&sort_order=desc&query=" + encodeURIComponent("type:ticket requester:" + id)) });
	useEffect(() => { document.title = t("person.title") + " - Ward"; }, [t]);
	if (user.error) return <Fault error={user.error} />;
	if (!user.data) return <Loading />;
	const u = user.data.user;
	return (
		<div className="pad stack" style={{ maxWidth: 980 }}>
			<h1><Name>{u.name}</Name></h1>
			<dl className="facts card">
				<dt>{t("person.email")}</dt><dd>{u.email || "–"}</dd>
				<dt>{t("person.phone")}</dt><dd>{u.phone || "–"}</dd>
				<dt>{t("person.role")}</dt><dd>{t("role." + u.role)}</dd>
				<dt>{t("field.created")}</dt><dd><Time at={u.created_at} /></dd>
			</dl>
			{!can(me, "search") ? null : <><h2>{t("person.tickets")}</h2>
			{tickets.data?.results.length ? (
				<table className="list"><caption className="sr">{t("person.tickets")}</caption>
					<thead><tr><th scope="col" style={{ width: 110 }}>{t("field.status")}</th><th scope="col">{t("field.subject")}</th><th scope="col" style={{ width: 160 }}>{t("field.updated")}</th></tr></thead>
					<tbody>{tickets.data.results.map((o) => <tr key={o.id}><td><Status status={o.status} /></td><td className="wrap"><Link href={"/agent/tickets/" + o.id} dir="auto">{o.subject || t("ticket.noSubject")}</Link></td><td><Time at={o.updated_at} /></td></tr>)}</tbody></table>
			) : tickets.isLoading ? <Loading /> : <Empty title={t("person.noTickets")} />}</>}
			{can(me, "read_trail") ? <><h2>{t("looks.of")}</h2><Looks person={id} /></> : null}
		</div>
	);
}
