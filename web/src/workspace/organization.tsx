// An organization: what is known of it, its people, what they asked.
import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { can, get, type Organization, type Ticket, type User } from "../api";
import { useMe } from "../session";
import { Empty, Fault, Loading, Name } from "../ui/bits";
import { Asked } from "./person";

export default function OrganizationPage({ id }: { id: number }) {
	const { t } = useTranslation();
	const me = useMe();
	const one = useQuery({ queryKey: ["organization", id], queryFn: () => get<{ organization: Organization }>("/api/v2/organizations/" + id + ".json") });
	const users = useQuery({ queryKey: ["organization", id, "users"], enabled: can(me, "list_users"), queryFn: () => get<{ users: User[]; count: number }>("/api/v2/organizations/" + id + "/users.json?per_page=100") });
	const tickets = useQuery({ queryKey: ["others", "organization", id], queryFn: () => get<{ tickets: Ticket[] }>("/api/v2/organizations/" + id + "/tickets.json?per_page=50&sort_by=updated_at&sort_order=desc") });
	useEffect(() => { document.title = t("field.organization") + " - Ward"; }, [t]);
	if (one.error) return <Fault error={one.error} />;
	if (!one.data) return <Loading />;
	const o = one.data.organization;
	return (
		<div className="pad stack" style={{ maxWidth: 980 }}>
			<h1><Name>{o.name}</Name></h1>
			<dl className="facts card">
				<dt>{t("organization.domains")}</dt><dd>{o.domain_names?.join(", ") || "–"}</dd>
				<dt>{t("person.details")}</dt><dd className="pre" dir="auto">{o.details || "–"}</dd>
				<dt>{t("person.notes")}</dt><dd className="pre" dir="auto">{o.notes || "–"}</dd>
				<dt>{t("field.tags")}</dt><dd>{o.tags?.join(" ") || "–"}</dd>
			</dl>
			{users.data ? <>
				<h2>{t("organization.people")} <span className="soft">{users.data.count}</span></h2>
				{users.data.users.length ? <ul className="plain-list">{users.data.users.map((u) => <li key={u.id} className="row"><Link href={"/agent/people/" + u.id}><Name>{u.name}</Name></Link><span className="soft wrap">{u.email}</span></li>)}</ul> : <Empty title={t("organization.nobody")} />}
			</> : null}
			<h2>{t("organization.tickets")}</h2>
			<Asked tickets={tickets.data?.tickets} caption={t("organization.tickets")} none={t("ticket.noOthers")} />
		</div>
	);
}
