// A person: who they are (to be corrected here), what they asked, and who looked at them.
import { useQuery } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import { useEffect, useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { can, get, put, type Organization, type Ticket, type User } from "../api";
import { useMe } from "../session";
import { Empty, Fault, Loading, Name, Status, Time } from "../ui/bits";
import { Chips, Combo } from "../ui/combo";
import { useSays } from "../ui/says";
import { Looks } from "../admin/looks";

export function Asked({ tickets, caption, none }: { tickets?: Ticket[]; caption: string; none: string }) {
	const { t } = useTranslation();
	if (!tickets) return <Loading />;
	if (!tickets.length) return <Empty title={none} />;
	return (
		<table className="list"><caption className="sr">{caption}</caption>
			<thead><tr><th scope="col" style={{ width: 110 }}>{t("field.status")}</th><th scope="col">{t("field.subject")}</th><th scope="col" className="late" style={{ width: 160 }}>{t("field.updated")}</th></tr></thead>
			<tbody>{tickets.map((o) => <tr key={o.id}><td><Status status={o.status} /></td><td className="wrap"><Link href={"/agent/tickets/" + o.id} dir="auto">{o.subject || t("ticket.noSubject")}</Link></td><td className="late"><Time at={o.updated_at} /></td></tr>)}</tbody></table>
	);
}

// Only what was changed is sent: a masked text that stays is never written back.
function Edit({ user, organization, onDone }: { user: User; organization?: Organization; onDone(): void }) {
	const { t } = useTranslation();
	const { say, fault } = useSays();
	const [name, setName] = useState(user.name), [phone, setPhone] = useState(user.phone || ""), [details, setDetails] = useState(user.details || ""), [notes, setNotes] = useState(user.notes || "");
	const [tags, setTags] = useState(user.tags || []), [org, setOrg] = useState(organization ? { id: String(organization.id), words: organization.name } : null);
	const [busy, setBusy] = useState(false);
	const save = async (e: FormEvent) => {
		e.preventDefault();
		setBusy(true);
		const was = { name: user.name, phone: user.phone || "", details: user.details || "", notes: user.notes || "" };
		const change: Record<string, unknown> = Object.fromEntries(Object.entries({ name, phone, details, notes }).filter(([k, v]) => v !== (was as any)[k]));
		if (tags.join(" ") !== (user.tags || []).join(" ")) change.tags = tags;
		if (org && Number(org.id) !== user.organization_id) change.organization_id = Number(org.id);
		try {
			if (Object.keys(change).length) await put("/api/v2/users/" + user.id + ".json", { user: change });
			say(t("ticket.saved"));
			onDone();
		} catch (err) {
			fault(err);
			setBusy(false);
		}
	};
	const find = async (text: string) => text.length < 2 ? [] : (await get<{ organizations: Organization[] }>("/api/v2/organizations/autocomplete.json?name=" + encodeURIComponent(text))).organizations.slice(0, 10).map((o) => ({ id: String(o.id), words: o.name }));
	return (
		<form className="card stack" id="person-form" onSubmit={save}>
			<label className="field"><span>{t("person.name")}</span><input required dir="auto" autoComplete="off" value={name} onChange={(e) => setName(e.target.value)} /></label>
			<label className="field"><span>{t("person.phone")}</span><input type="tel" autoComplete="off" value={phone} onChange={(e) => setPhone(e.target.value)} /></label>
			<Combo label={t("field.organization")} value={org?.words || ""} find={find} onPick={setOrg} />
			<label className="field"><span>{t("person.details")}</span><textarea rows={2} dir="auto" value={details} onChange={(e) => setDetails(e.target.value)} /></label>
			<label className="field"><span>{t("person.notes")}</span><textarea rows={2} dir="auto" value={notes} onChange={(e) => setNotes(e.target.value)} /></label>
			<Chips label={t("field.tags")} chosen={tags.map((x) => ({ id: x, words: x }))} find={() => []} free={(text) => text.toLowerCase().split(/[\s,]+/).filter(Boolean).map((x) => ({ id: x, words: x }))} onChange={(list) => setTags(list.map((o) => o.id))} />
			<div className="row"><Button isPrimary type="submit" disabled={busy}>{t("person.save")}</Button><Button onClick={onDone}>{t("cancel")}</Button></div>
		</form>
	);
}

export default function Person({ id }: { id: number }) {
	const { t } = useTranslation();
	const me = useMe();
	const user = useQuery({ queryKey: ["user", id], queryFn: () => get<{ user: User; organizations?: Organization[] }>("/api/v2/users/" + id + ".json?include=organizations") });
	const [editing, setEditing] = useState(false);
	const tickets = useQuery({ queryKey: ["others", id, "all"], enabled: can(me, "search"), queryFn: () =>
		get<{ results: Ticket[]; count: number }>("/api/v2/search.json?per_page=50&sort_by=updated_at&sort_order=desc&query=" + encodeURIComponent("type:ticket requester:" + id)) });
	useEffect(() => { document.title = t("person.title") + " - Ward"; }, [t]);
	if (user.error) return <Fault error={user.error} />;
	if (!user.data) return <Loading />;
	const u = user.data.user, organization = user.data.organizations?.find((o) => o.id === u.organization_id);
	return (
		<div className="pad stack" style={{ maxWidth: 980 }}>
			<div className="row between"><h1><Name>{u.name}</Name></h1>{can(me, "write_user") && !editing && (u.role === "end-user" || me.role === "admin") ? <Button size="small" id="edit-person" onClick={() => setEditing(true)}>{t("person.edit")}</Button> : null}</div>
			{editing ? <Edit user={u} organization={organization} onDone={() => { setEditing(false); user.refetch(); }} /> : <dl className="facts card">
				<dt>{t("person.email")}</dt><dd>{u.email || "–"}</dd>
				<dt>{t("person.phone")}</dt><dd>{u.phone || "–"}</dd>
				<dt>{t("person.role")}</dt><dd>{t("role." + u.role)}</dd>
				{organization ? <><dt>{t("field.organization")}</dt><dd><Link href={"/agent/organizations/" + organization.id}><Name>{organization.name}</Name></Link></dd></> : null}
				{u.details ? <><dt>{t("person.details")}</dt><dd className="pre" dir="auto">{u.details}</dd></> : null}
				{u.notes ? <><dt>{t("person.notes")}</dt><dd className="pre" dir="auto">{u.notes}</dd></> : null}
				{u.tags?.length ? <><dt>{t("field.tags")}</dt><dd>{u.tags.join(" ")}</dd></> : null}
				<dt>{t("field.created")}</dt><dd><Time at={u.created_at} /></dd>
			</dl>}
			{!can(me, "search") ? null : <><h2>{t("person.tickets")}</h2><Asked tickets={tickets.data?.results} caption={t("person.tickets")} none={t("person.noTickets")} /></>}
			{can(me, "read_trail") ? <><h2>{t("looks.of")}</h2><Looks person={id} /></> : null}
		</div>
	);
}
