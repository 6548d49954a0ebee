// Beside the conversation: who asks, what hangs together with this ticket, who follows.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import { memo, useState, type FormEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { can, del, get, post, type Organization, type Ticket, type User } from "../api";
import { useMe } from "../session";
import { Name, Status, Time } from "../ui/bits";
import { useSays } from "../ui/says";

function Row({ ticket: o, children }: { ticket: Ticket; children?: ReactNode }) {
	const { t } = useTranslation();
	return <li className="row"><Status status={o.status} /><Link className="grow wrap" href={"/agent/tickets/" + o.id} dir="auto">{o.subject || t("ticket.noSubject")}</Link>{children}</li>;
}

function Linked({ ticket, save }: { ticket: Ticket; save(change: Record<string, unknown>, back: Record<string, unknown>): Promise<unknown> }) {
	const { t } = useTranslation();
	const { fault } = useSays();
	const works = can(useMe(), "update_ticket");
	const [text, setText] = useState("");
	const [found, setFound] = useState<Ticket[] | null>(null);
	const problem = useQuery({ queryKey: ["ticket", ticket.problem_id, "linked"], enabled: !!ticket.problem_id, queryFn: () => get<{ ticket: Ticket }>("/api/v2/tickets/" + ticket.problem_id + ".json"), retry: false });
	const incidents = useQuery({ queryKey: ["incidents", ticket.id, ticket.updated_at], enabled: ticket.type === "problem", queryFn: () => get<{ tickets: Ticket[]; count: number }>("/api/v2/tickets/" + ticket.id + "/incidents.json?per_page=20") });
	if (ticket.type !== "problem" && ticket.type !== "incident" && !ticket.problem_id) return null;
	const look = (e: FormEvent) => {
		e.preventDefault();
		if (/^#?\d+$/.test(text.trim())) return void set(Number(text.trim().replace("#", "")));
		post<{ tickets: Ticket[] }>("/api/v2/problems/autocomplete.json", { text }).then((r) => setFound(r.tickets), fault);
	};
	const set = (id: number | null) => save({ problem_id: id, ...(id && ticket.type !== "incident" ? { type: "incident" } : {}) }, { problem_id: ticket.problem_id ?? null }).then(() => { setFound(null); setText(""); });
	const closed = ticket.status === "closed" || !works;
	return (
		<section aria-label={t("workspace.linked")} className="stack" id="linked">
			<h2>{t("workspace.linked")}</h2>
			{ticket.problem_id ? (
				<ul className="plain-list" aria-label={t("workspace.problem")}>{problem.data ? <Row ticket={problem.data.ticket}>{closed ? null : <button type="button" className="tag" onClick={() => set(null)}>{t("workspace.unlink")}</button>}</Row> : <li className="soft">#{ticket.problem_id}</li>}</ul>
			) : ticket.type === "incident" && !closed ? (
				<form className="row" onSubmit={look}>
					<input className="plain-input grow" aria-label={t("workspace.findProblem")} placeholder={t("workspace.findProblem")} value={text} onChange={(e) => setText(e.target.value)} />
					<Button size="small" type="submit" disabled={!text.trim()}>{t("workspace.find")}</Button>
				</form>
			) : null}
			{found ? found.length ? <ul className="plain-list">{found.filter((p) => p.id !== ticket.id).map((p) => <Row key={p.id} ticket={p}><button type="button" className="tag" onClick={() => set(p.id)}>{t("workspace.link")}</button></Row>)}</ul> : <p className="soft" role="status">{t("workspace.noProblem")}</p> : null}
			{ticket.type === "problem" ? incidents.data?.tickets.length ? <ul className="plain-list" aria-label={t("workspace.incidents")}>{incidents.data.tickets.map((i) => <Row key={i.id} ticket={i} />)}</ul> : <p className="soft">{t("workspace.noIncidents")}</p> : null}
		</section>
	);
}

interface SecureLink { id: number; state: string; views: number; created_at: string; expires_at: string; proof: string }
function SecureLinks({ ticket }: { ticket: Ticket }) {
	const { t } = useTranslation();
	const cache = useQueryClient();
	const { fault } = useSays();
	const works = can(useMe(), "update_ticket");
	const links = useQuery({ queryKey: ["secure", ticket.id, ticket.updated_at], queryFn: () => get<{ secure_links: SecureLink[] }>("/api/ward/v1/tickets/" + ticket.id + "/secure_links"), placeholderData: (p) => p, retry: false });
	if (!links.data?.secure_links.length) return null;
	return (
		<section className="stack" aria-label={t("workspace.secure")} id="secure-links">
			<h2>{t("workspace.secure")}</h2>
			<ul className="plain-list">{links.data.secure_links.slice(0, 5).map((l) => (
				<li key={l.id} className="row between"><span><Time at={l.created_at} /> · {t("workspace.secureState." + l.state, l.state)} · {t("workspace.views", { count: l.views })}</span>
					{works && l.state === "active" ? <button type="button" className="tag" onClick={() => del("/api/ward/v1/tickets/" + ticket.id + "/secure_links/" + l.id).then(() => cache.invalidateQueries({ queryKey: ["secure", ticket.id] }), fault)}>{t("workspace.revoke")}</button> : null}</li>
			))}</ul>
		</section>
	);
}

export const Beside = memo(function Beside({ user, organization, ticket, save }: { user?: User; organization?: Organization; ticket: Ticket; save(change: Record<string, unknown>, back: Record<string, unknown>): Promise<unknown> }) {
	const { t } = useTranslation();
	const finds = can(useMe(), "search");
	const others = useQuery({ queryKey: ["others", ticket.requester_id], enabled: finds, queryFn: () =>
		get<{ results: Ticket[]; count: number }>("/api/v2/search.json?per_page=10&sort_by=updated_at&sort_order=desc&query=" + encodeURIComponent("type:ticket requester:" + ticket.requester_id)) });
	const list = (others.data?.results || []).filter((o) => o.id !== ticket.id);
	return (
		<>
			<section className="stack" aria-label={t("field.requester")}>
				<h2>{t("field.requester")}</h2>
				{user ? (
					<dl className="facts">
						<dt>{t("person.name")}</dt><dd><Link href={"/agent/people/" + user.id}><Name>{user.name}</Name></Link></dd>
						{user.email ? <><dt>{t("person.email")}</dt><dd>{user.email}</dd></> : null}
						{user.phone ? <><dt>{t("person.phone")}</dt><dd>{user.phone}</dd></> : null}
						{organization ? <><dt>{t("field.organization")}</dt><dd><Link href={"/agent/organizations/" + organization.id}><Name>{organization.name}</Name></Link></dd></> : null}
						{user.created_at ? <><dt>{t("workspace.since")}</dt><dd><Time at={user.created_at} /></dd></> : null}
					</dl>
				) : null}
			</section>
			<Linked ticket={ticket} save={save} />
			{finds ? <section className="stack" aria-label={t("ticket.others")} id="others">
				<h2>{t("ticket.others")}</h2>
				{list.length === 0 ? <p className="soft">{others.isLoading ? t("loading") : t("ticket.noOthers")}</p> : <ul className="plain-list">{list.map((o) => <Row key={o.id} ticket={o} />)}</ul>}
			</section> : null}
			<SecureLinks ticket={ticket} />
		</>
	);
});
