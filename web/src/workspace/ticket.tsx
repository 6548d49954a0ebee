// A ticket: properties, conversation with findings marked, the person who asks.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { get, people, put, Refused, type Comment, type Finding, type Group, type Organization, type Ticket, type User } from "../api";
import { useMe } from "../session";
import { Choice, Fault, Loading, Name, Status, Time } from "../ui/bits";
import { Marked } from "../ui/marked";
import { useSays } from "../ui/says";
import { useCommands } from "../ui/tools";
import { Composer, type ComposerHandle } from "./composer";
import { Said } from "./comment";
import { Redact } from "./redact";
import { Unmask } from "./unmask";
import { Timeline } from "./timeline";

interface Loaded { ticket: Ticket; users?: User[]; groups?: Group[]; organizations?: Organization[] }
export interface Found { masked?: boolean; ticket: Finding[]; comments: { comment_id: number; findings: Finding[] }[] }

async function talk(id: number) {
	const all = { comments: [] as Comment[], users: [] as User[] };
	for (let n = 1, next: string | null = "1"; next; n++) {
		const p: any = await get("/api/v2/tickets/" + id + "/comments.json?include=users&per_page=100&page=" + n);
		all.comments.push(...p.comments);
		all.users.push(...(p.users || []));
		next = p.next_page;
	}
	return all;
}

function Properties({ ticket, groups, onSaved }: { ticket: Ticket; groups: Group[]; onSaved(): void }) {
	const { t } = useTranslation();
	const me = useMe();
	const { say, fault } = useSays();
	const cache = useQueryClient();
	const agents = useQuery({ queryKey: ["agents"], staleTime: 60000, queryFn: () => get<{ users: User[] }>("/api/v2/users.json?role[]=agent&role[]=admin&per_page=100") });
	const everyGroup = useQuery({ queryKey: ["groups"], staleTime: 60000, queryFn: () => get<{ groups: Group[] }>("/api/v2/groups.json?per_page=100") });
	const [tags, setTags] = useState(ticket.tags.join(" "));
	useEffect(() => setTags(ticket.tags.join(" ")), [ticket.tags]);
	const closed = ticket.status === "closed";

	const save = async (change: Partial<Ticket>, back: Partial<Ticket>) => {
		try {
			await put("/api/v2/tickets/" + ticket.id + ".json", { ticket: { ...change, safe_update: true, updated_stamp: ticket.updated_at } });
			onSaved();
			say(t("ticket.saved"), () => put("/api/v2/tickets/" + ticket.id + ".json", { ticket: back }).then(onSaved).catch(fault));
		} catch (e) {
			if (e instanceof Refused && e.status === 409) say(t("ticket.conflict"));
			else fault(e);
			cache.invalidateQueries({ queryKey: ["ticket", ticket.id] });
		}
	};
	const list = (everyGroup.data?.groups || groups).filter((g) => !g.deleted);
	const staffList = agents.data?.users || [];
	return (
		<>
			<Choice label={t("field.assignee")} disabled={closed} value={String(ticket.assignee_id || "")}
				options={[["", t("ticket.nobody")], ...staffList.map((u) => [String(u.id), u.name] as [string, string]),
					...(ticket.assignee_id && !staffList.some((u) => u.id === ticket.assignee_id) ? [[String(ticket.assignee_id), "#" + ticket.assignee_id] as [string, string]] : [])]}
				onChange={(v) => save({ assignee_id: v ? Number(v) : null }, { assignee_id: ticket.assignee_id })} />
			{!closed && ticket.assignee_id !== me.id ? <Button size="small" onClick={() => save({ assignee_id: me.id }, { assignee_id: ticket.assignee_id })}>{t("ticket.take")}</Button> : null}
			<Choice label={t("field.group")} disabled={closed} value={String(ticket.group_id || "")} options={[["", "–"], ...list.map((g) => [String(g.id), g.name] as [string, string])]}
				onChange={(v) => save({ group_id: v ? Number(v) : null, assignee_id: null }, { group_id: ticket.group_id, assignee_id: ticket.assignee_id })} />
			<Choice label={t("field.priority")} disabled={closed} value={ticket.priority || ""}
				options={[["", "–"], ...["low", "normal", "high", "urgent"].map((p) => [p, t("priority." + p)] as [string, string])]}
				onChange={(v) => v && save({ priority: v }, { priority: ticket.priority })} />
			<Choice label={t("field.type")} disabled={closed} value={ticket.type || ""}
				options={[["", "–"], ...["question", "incident", "problem", "task"].map((p) => [p, t("type." + p)] as [string, string])]}
				onChange={(v) => v && save({ type: v }, { type: ticket.type })} />
			<label className="field"><span>{t("field.tags")}</span>
				<input value={tags} disabled={closed} onChange={(e) => setTags(e.target.value)} onKeyDown={(e) => { if (e.key === "Enter") e.currentTarget.blur(); }}
					onBlur={() => { const next = tags.trim() ? tags.trim().split(/[\s,]+/) : []; if (next.join(" ") !== ticket.tags.join(" ")) save({ tags: next }, { tags: ticket.tags }); }} /></label>
			<dl className="facts">
				<dt>{t("field.channel")}</dt><dd>{t("via." + ticket.via.channel, ticket.via.channel)}</dd>
				<dt>{t("field.created")}</dt><dd><Time at={ticket.created_at} /></dd>
				<dt>{t("field.updated")}</dt><dd><Time at={ticket.updated_at} /></dd>
				{ticket.due_at ? <><dt>{t("field.due")}</dt><dd><Time at={ticket.due_at} /></dd></> : null}
			</dl>
		</>
	);
}

function Requester({ user, organization, ticket }: { user?: User; organization?: Organization; ticket: Ticket }) {
	const { t } = useTranslation();
	const others = useQuery({ queryKey: ["others", ticket.requester_id], queryFn: () =>
		get<{ results: Ticket[]; count: number }>("/api/v2/search.json?per_page=10&sort_by=updated_at&sort_order=desc&query=" + encodeURIComponent("type:ticket requester:" + ticket.requester_id)) });
	const list = (others.data?.results || []).filter((o) => o.id !== ticket.id);
	return (
		<>
			<h2>{t("field.requester")}</h2>
			{user ? (
				<dl className="facts">
					<dt>{t("person.name")}</dt><dd><Link href={"/agent/people/" + user.id}><Name>{user.name}</Name></Link></dd>
					{user.email ? <><dt>{t("person.email")}</dt><dd>{user.email}</dd></> : null}
					{user.phone ? <><dt>{t("person.phone")}</dt><dd>{user.phone}</dd></> : null}
					{organization ? <><dt>{t("field.organization")}</dt><dd><Name>{organization.name}</Name></dd></> : null}
				</dl>
			) : null}
			<h2>{t("ticket.others")}</h2>
			{list.length === 0 ? <p className="soft">{others.isLoading ? t("loading") : t("ticket.noOthers")}</p> : (
				<ul className="stack" style={{ listStyle: "none", padding: 0 }}>
					{list.map((o) => <li key={o.id} className="row"><Status status={o.status} /><Link className="grow wrap" href={"/agent/tickets/" + o.id} dir="auto">{o.subject || t("ticket.noSubject")}</Link></li>)}
				</ul>
			)}
		</>
	);
}

export default function TicketPage({ id }: { id: number }) {
	const { t } = useTranslation();
	const me = useMe();
	const cache = useQueryClient();
	const one = useQuery({ queryKey: ["ticket", id], queryFn: () => get<Loaded>("/api/v2/tickets/" + id + ".json?include=users,groups,organizations"), refetchInterval: 20000 });
	const said = useQuery({ queryKey: ["talk", id, one.data?.ticket.updated_at], enabled: !!one.data, queryFn: () => talk(id), placeholderData: (p) => p });
	const found = useQuery({ queryKey: ["found", id, one.data?.ticket.updated_at], enabled: !!one.data, queryFn: () => get<Found>("/api/ward/v1/tickets/" + id + "/findings"), placeholderData: (p) => p });
	const [tab, setTab] = useState<"talk" | "events">("talk");
	const [redact, setRedact] = useState<string | null>(null);
	const composer = useRef<ComposerHandle>(null);
	const [unmasking, setUnmasking] = useState(false);
	const [clear, setClear] = useState<{ ticket: Ticket; comments: Comment[] } | null>(null);

	const reload = useCallback(() => Promise.all([cache.invalidateQueries({ queryKey: ["ticket", id] }), cache.invalidateQueries({ queryKey: ["talk", id] }),
		cache.invalidateQueries({ queryKey: ["found", id] }), cache.invalidateQueries({ queryKey: ["tickets"] }), cache.invalidateQueries({ queryKey: ["counts"] })]), [cache, id]);
	useEffect(() => { document.title = "#" + id + " - Ward"; }, [id]);
	const commands = useMemo(() => [
		{ id: "reply", words: t("keys.reply"), keys: "r", run: () => composer.current?.focus(true) },
		{ id: "note", words: t("keys.note"), keys: "n", run: () => composer.current?.focus(false) },
		{ id: "redact", words: t("redact.button"), keys: "d", run: () => setRedact(document.getSelection()?.toString() || "") },
		{ id: "events", words: t("ticket.events"), keys: "e", run: () => setTab("events") },
		{ id: "talk", words: t("ticket.talk"), keys: "t", run: () => setTab("talk") },
	], [t]);
	useCommands(commands);

	const names = useMemo(() => people([...(said.data?.users || []), ...(one.data?.users || [])]), [said.data, one.data]);
	const findings = useMemo(() => new Map((found.data?.comments || []).map((c) => [c.comment_id, c.findings.filter((f) => f.field === "body")])), [found.data]);
	if (one.error) return <Fault error={one.error} />;
	if (!one.data) return <Loading />;
	const { ticket } = one.data;
	// Offsets are of the original: in a masked text there is nothing to mark.
	const masked = !!found.data?.masked && !clear;
	const comments = (said.data?.comments || []).map((c) => clear?.comments.find((x) => x.id === c.id) || c);
	const onSubject = masked ? [] : (found.data?.ticket || []).filter((f) => f.field === "subject");
	const count = onSubject.length + (found.data?.comments || []).reduce((n, c) => n + c.findings.filter((f) => f.field === "body").length, 0);
	return (
		<div className="ticket">
			<aside aria-label={t("ticket.properties")}>
				<div className="row"><Status status={ticket.status} /><span className="soft">#{ticket.id}</span></div>
				<Properties ticket={ticket} groups={one.data.groups || []} onSaved={reload} />
			</aside>
			<section className="talk" aria-label={t("ticket.talk")}>
				<header className="pad stack" style={{ paddingBottom: 8 }}>
					<h1 id="subject" dir="auto" className="wrap"><Marked text={clear?.ticket.subject || ticket.subject || t("ticket.noSubject")} findings={onSubject} onPick={setRedact} /></h1>
					<div className="row between">
						<div className="row" role="tablist" aria-label={t("ticket.parts")}>
							<Button size="small" isBasic={tab !== "talk"} role="tab" aria-selected={tab === "talk"} onClick={() => setTab("talk")}>{t("ticket.talk")}</Button>
							<Button size="small" isBasic={tab !== "events"} role="tab" aria-selected={tab === "events"} onClick={() => setTab("events")}>{t("ticket.events")}</Button>
						</div>
						<div className="row">
							{count ? <span className="soft" id="legend">{t("phi.count", { count })}</span> : null}
							<Button size="small" id="redact" onMouseDown={(e) => e.preventDefault()} onClick={() => setRedact(document.getSelection()?.toString().trim() || "")}>{t("redact.button")}</Button>
						</div>
					</div>
				</header>
				{found.data?.masked ? (
					<div className="leaving row" style={{ margin: "0 20px 8px" }} id="masked"><span className="grow">{clear ? t("mask.clear") : t("mask.masked")}</span>
						{clear ? <Button size="small" onClick={() => setClear(null)}>{t("mask.again")}</Button> : <Button size="small" onClick={() => setUnmasking(true)}>{t("mask.show")}</Button>}</div>
				) : null}
				{tab === "events" ? <Timeline id={id} names={names} /> : said.data ? (
					<ol className="said" id="conversation">
						{comments.map((c) => <Said key={c.id} comment={c} author={names.get(c.author_id)} findings={masked ? [] : findings.get(c.id) || []} onPick={setRedact} />)}
					</ol>
				) : said.error ? <Fault error={said.error} /> : <Loading />}
				{ticket.status === "closed" ? <p className="pad soft" id="closed">{t("ticket.closed")}</p> : (
					<Composer ref={composer} ticket={ticket} requester={names.get(ticket.requester_id)} onSent={reload} />
				)}
			</section>
			<aside aria-label={t("field.requester")}>
				<Requester user={names.get(ticket.requester_id)} organization={one.data.organizations?.find((o) => o.id === ticket.organization_id)} ticket={ticket} />
			</aside>
			{unmasking ? <Unmask id={id} onClose={() => setUnmasking(false)} onClear={(c) => { setClear(c); setUnmasking(false); }} /> : null}
			{redact !== null ? <Redact ticket={ticket} text={redact} comments={said.data?.comments || []} allowed={me.role === "admin"} onClose={() => setRedact(null)} onDone={reload} /> : null}
		</div>
	);
}
