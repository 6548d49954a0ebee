// A ticket: properties, conversation with findings marked, the person who asks.
import { useQuery, useQueryClient, type InfiniteData, type QueryClient } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import { lazy, Suspense, useCallback, useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation } from "wouter";
import { can, get, people, put, Refused, type Comment, type Finding, type Ticket, type User } from "../api";
import { every, usePresence, type Present } from "../live";
import { useMe } from "../session";
import { Fault, Loading, Status } from "../ui/bits";
import { Marked } from "../ui/marked";
import { Roving } from "../ui/roving";
import { useSays } from "../ui/says";
import { useCommands } from "../ui/tools";
import { Beside } from "./aside";
import { Composer, type Came, type ComposerHandle } from "./composer";
import { Said, type Treated } from "./comment";
import type { Page } from "./list";
import { Properties, type Save } from "./properties";
import { AGENTS, foundOf, talkOf, ticketOf, type Loaded } from "./ready";
import { Redact } from "./redact";
import { after, around } from "./round";
import { Unmask } from "./unmask";
import { Timeline } from "./timeline";

export interface Found { masked?: boolean; ticket: Finding[]; comments: { comment_id: number; findings: Finding[]; policy?: Treated[] }[] }
const Merge = lazy(() => import("./merge").then((m) => ({ default: m.Merge })));
const Split = lazy(() => import("./merge").then((m) => ({ default: m.Split })));

const NONE: Finding[] = [];

// What the list that it was opened from showed of it, until it is here itself.
function listed(cache: QueryClient, id: number): Loaded | undefined {
	let best: Loaded | undefined;
	for (const [, list] of cache.getQueriesData<InfiniteData<Page>>({ queryKey: ["tickets"] }))
		for (const p of list?.pages || []) {
			const ticket = p.rows.find((r) => r.id === id);
			if (ticket && (!best || ticket.updated_at > best.ticket.updated_at)) best = { ticket, users: p.users };
		}
	return best;
}

const SEEN = ["subject", "status", "priority", "type", "assignee_id", "group_id", "tags", "custom_fields"];

// Saves what was changed on top of what was seen, and can take it back.
function useSave(ticket: Ticket | undefined, onSaved: () => Promise<unknown>): Save {
	const { t } = useTranslation();
	const { say, fault } = useSays();
	const cache = useQueryClient();
	const now = useRef(ticket);
	now.current = ticket;
	return useCallback(async (change, back) => {
		const was = now.current!;
		const path = "/api/v2/tickets/" + was.id + ".json";
		const conflict = async (e: unknown, again?: () => Promise<unknown>) => {
			if (!(e instanceof Refused && e.status === 409)) fault(e);
			else {
				const { ticket: is } = await get<Loaded>(path).catch(() => ({ ticket: was }));
				const what = SEEN.filter((f) => JSON.stringify((is as any)[f]) !== JSON.stringify((was as any)[f])).map((f) => t("field." + f.replace(/_id$/, "")));
				say(what.length ? t("ticket.conflictIn", { what: what.join(", ") }) : t("ticket.conflict"), again, again && t("ticket.again"));
			}
			return onSaved();
		};
		try {
			const r = await put<{ ticket?: Ticket }>(path, { ticket: { ...change, safe_update: true, updated_stamp: was.updated_at } });
			if (!r.ticket) {
				say(t("ticket.held"));
				return void onSaved();
			}
			const saved = r.ticket;
			cache.setQueryData<Loaded>(["ticket", was.id], (o) => o && { ...o, ticket: saved });
			onSaved();
			// Taken back only while nobody changed it again.
			say(t("ticket.saved"), () => put(path, { ticket: { ...back, safe_update: true, updated_stamp: saved.updated_at } }).then(onSaved, conflict));
		} catch (e) {
			await conflict(e, () => put(path, { ticket: change }).then(onSaved, conflict));
		}
	}, [cache, onSaved, say, fault, t]);
}

// Who else has this ticket open.
function Others({ present, names }: { present: Present[]; names: Map<number, User> }) {
	const { t } = useTranslation();
	const agents = useQuery(AGENTS);
	const name = (id: number) => agents.data?.users.find((u) => u.id === id)?.name || names.get(id)?.name || t("ticket.somebody");
	return (
		<div role="status" aria-live="polite" id="present" className={present.length ? "present" : "sr"}>
			{present.map((p) => <span key={p.user_id} className={"tag " + p.state}>{t("workspace." + p.state, { name: name(p.user_id) })}</span>)}
		</div>
	);
}

export default function TicketPage({ id }: { id: number }) {
	const { t } = useTranslation();
	const me = useMe();
	const cache = useQueryClient();
	const one = useQuery({ ...ticketOf(id), refetchInterval: every(20000), placeholderData: () => listed(cache, id) });
	const said = useQuery({ ...talkOf(id, one.data?.ticket.updated_at), enabled: !!one.data, placeholderData: (p) => p });
	const found = useQuery({ ...foundOf(id, one.data?.ticket.updated_at), enabled: !!one.data, placeholderData: (p) => p });
	// The conversation is what was opened: all else is made behind its first picture.
	const rest = useDeferredValue(!!said.data || !!said.error);
	const [tab, setTab] = useState<"talk" | "events">("talk");
	const [redact, setRedact] = useState<string | null>(null);
	const composer = useRef<ComposerHandle>(null);
	const [unmasking, setUnmasking] = useState(false);
	const [clear, setClear] = useState<{ ticket: Ticket; comments: Comment[] } | null>(null);
	const [merging, setMerging] = useState(false);
	const [splitting, setSplitting] = useState<Comment | null>(null);
	const [typing, setTyping] = useState(false);
	const present = usePresence(useCallback((state) => put<{ presence: Present[] }>("/api/ward/v1/tickets/" + id + "/presence", { state }).then((r) => r.presence), [id]), one.data ? id : 0, typing);

	const reload = useCallback(() => Promise.all([cache.invalidateQueries({ queryKey: ["ticket", id] }), cache.invalidateQueries({ queryKey: ["talk", id] }),
		cache.invalidateQueries({ queryKey: ["found", id] }), cache.invalidateQueries({ queryKey: ["tickets"] }), cache.invalidateQueries({ queryKey: ["counts"] })]), [cache, id]);
	const save = useSave(one.data?.ticket, reload);
	useEffect(() => { document.title = "#" + id + " - Ward"; }, [id]);
	const [, go] = useLocation();
	const { say, fault } = useSays();
	const round = useMemo(() => around(id), [id]);
	const copy = useCallback(() => { navigator.clipboard.writeText(location.origin + "/agent/tickets/" + id).then(() => say(t("ticket.copied")), fault); }, [id, say, fault, t]);
	const toNewest = useCallback(() => { document.querySelector("#conversation > li:last-child")?.scrollIntoView({ block: "center" }); }, []);
	const sent = useCallback(async () => {
		const then = after(), r = around(id);
		await reload();
		if (then === "next" && r?.behind) go("/agent/tickets/" + r.behind);
		else if (then !== "stay" && r) go(r.path, { state: r.state });
	}, [id, reload, go]);
	const works = can(me, "update_ticket");
	const commands = useMemo(() => [
		...(!works ? [] : [
		{ id: "reply", words: t("keys.reply"), keys: "r", run: () => composer.current?.focus(true) },
		{ id: "note", words: t("keys.note"), keys: "n", run: () => composer.current?.focus(false) },
		{ id: "redact", words: t("redact.button"), keys: "d", run: () => setRedact(document.getSelection()?.toString() || "") },
		{ id: "merge", words: t("workspace.merge"), keys: "m", run: () => setMerging(true) },
		{ id: "take", words: t("ticket.take"), keys: "a", run: () => { const now = cache.getQueryData<Loaded>(["ticket", id])?.ticket; if (now && now.assignee_id !== me.id && now.status !== "closed") save({ assignee_id: me.id }, { assignee_id: now.assignee_id }); } },
		]),
		...(round?.behind ? [{ id: "next", words: t("round.next"), keys: "g n", run: () => go("/agent/tickets/" + round.behind) }] : []),
		...(round?.before ? [{ id: "before", words: t("round.before"), keys: "g p", run: () => go("/agent/tickets/" + round.before) }] : []),
		{ id: "copy", words: t("ticket.copy"), keys: "l", run: copy },
		{ id: "newest", words: t("ticket.newest"), keys: "b", run: toNewest },
		{ id: "events", words: t("ticket.events"), keys: "e", run: () => setTab("events") },
		{ id: "talk", words: t("ticket.talk"), keys: "t", run: () => setTab("talk") },
	], [t, cache, id, round, go, copy, toNewest, me.id, save, works]);
	useCommands(commands);

	// What others wrote since somebody began to write here.
	const [came, setCame] = useState<Came[]>([]);
	useEffect(() => { if (!typing) setCame([]); }, [typing]);
	// What came while the page was open is said, not only shown.
	const [told, setTold] = useState("");
	const heard = useRef<number | null>(null);
	const newest = said.data?.comments.length ? Math.max(...said.data.comments.map((c) => c.id)) : null;
	useEffect(() => {
		if (newest === null) return;
		const c = said.data!.comments.find((x) => x.id === newest)!;
		if (heard.current !== null && newest > heard.current && c.author_id !== me.id) {
			const name = said.data!.users.find((u) => u.id === c.author_id)?.name || t("ticket.somebody");
			setTold(t(c.public ? "workspace.newReply" : "workspace.newNote", { name }));
			if (typing) setCame((all) => [...all, { id: c.id, name, text: c.plain_body || c.body, isPublic: c.public }]);
		}
		heard.current = newest;
	}, [newest, said.data, me.id, typing, t]);

	const names = useMemo(() => people([...(said.data?.users || []), ...(one.data?.users || [])]), [said.data, one.data]);
	const findings = useMemo(() => new Map((found.data?.comments || []).map((c) => [c.comment_id, c.findings.filter((f) => f.field === "body")])), [found.data]);
	const treated = useMemo(() => new Map((found.data?.comments || []).map((c) => [c.comment_id, c.policy || []])), [found.data]);
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
				{rest ? <Properties ticket={ticket} users={names} masked={!!found.data?.masked} save={save} /> : null}
			</aside>
			<section className="talk" aria-label={t("ticket.talk")}>
				<header className="pad stack" style={{ paddingBottom: 8 }}>
					{round ? <nav className="row" aria-label={t("round.title")}>
						<Link href={round.path} state={round.state}>{t("round.list")}</Link>
						{round.before ? <Link href={"/agent/tickets/" + round.before}>{t("round.before")}</Link> : null}
						<span className="soft">{t("round.at", { at: round.at, count: round.count })}</span>
						{round.behind ? <Link href={"/agent/tickets/" + round.behind}>{t("round.next")}</Link> : null}
					</nav> : null}
					<h1 id="subject" dir="auto" className="wrap"><Marked text={clear?.ticket.subject || ticket.subject || t("ticket.noSubject")} findings={onSubject} onPick={works ? setRedact : undefined} /></h1>
					<div className="row between">
						<Roving role="tablist" className="row" label={t("ticket.parts")}>
							{(["talk", "events"] as const).map((p) => <Button key={p} size="small" id={"tab-" + p} isBasic={tab !== p} role="tab" aria-selected={tab === p} aria-controls="part" onClick={() => setTab(p)}>{t("ticket." + p)}</Button>)}
						</Roving>
						<div className="row">
							{comments.length > 8 && tab === "talk" ? <Button size="small" isBasic id="newest" onClick={toNewest}>{t("ticket.newest")}</Button> : null}
							<Button size="small" isBasic id="copy-link" onClick={copy}>{t("ticket.copy")}</Button>
							{works && ticket.status !== "closed" ? <Button size="small" isBasic id="merge" onClick={() => setMerging(true)}>{t("workspace.mergeShort")}</Button> : null}
							{count ? <span className="soft" id="legend">{t("phi.count", { count })}</span> : null}
							{works ? <Button size="small" id="redact" onMouseDown={(e) => e.preventDefault()} onClick={() => setRedact(document.getSelection()?.toString().trim() || "")}>{t("redact.button")}</Button> : null}
						</div>
					</div>
					<Others present={present} names={names} />
					<p className="sr" role="status" aria-live="polite" id="told">{told}</p>
				</header>
				{found.data?.masked ? (
					<div className="leaving row" style={{ margin: "0 20px 8px" }} id="masked"><span className="grow" role="status">{clear ? t("mask.clear") : t("mask.masked")}</span>
						{clear ? <Button size="small" onClick={() => setClear(null)}>{t("mask.again")}</Button> : <Button size="small" onClick={() => setUnmasking(true)}>{t("mask.show")}</Button>}</div>
				) : null}
				<div role="tabpanel" id="part" className="part" aria-labelledby={"tab-" + tab}>
				{tab === "events" ? <Timeline id={id} names={names} /> : said.data ? (
					<ol className="said" id="conversation">
						{comments.map((c) => <Said key={c.id} masked={!!found.data?.masked} comment={c} author={names.get(c.author_id)} findings={masked ? NONE : findings.get(c.id) || NONE} policy={treated.get(c.id)} onPick={works ? setRedact : undefined}
							onSplit={works && said.data!.comments.length > 1 && ticket.status !== "closed" ? () => setSplitting(c) : undefined} />)}
					</ol>
				) : said.error ? <Fault error={said.error} /> : <Loading />}
				</div>
				{ticket.status === "closed" ? <p className="pad soft" id="closed">{t("ticket.closed")}</p> : !rest || !works ? null : (
					<Composer key={ticket.id} ref={composer} ticket={ticket} requester={names.get(ticket.requester_id)} onSent={reload} onLeft={round ? sent : undefined} came={came} onTyping={setTyping} />
				)}
			</section>
			<aside aria-label={t("workspace.beside")}>
				{rest ? <Beside user={names.get(ticket.requester_id)} organization={one.data.organizations?.find((o) => o.id === ticket.organization_id)} ticket={ticket} save={save} /> : null}
			</aside>
			{merging ? <Suspense fallback={null}><Merge ticket={ticket} requester={names.get(ticket.requester_id)} onClose={() => setMerging(false)} /></Suspense> : null}
			{splitting ? <Suspense fallback={null}><Split ticket={ticket} comment={splitting} author={names.get(splitting.author_id)} onClose={() => setSplitting(null)} /></Suspense> : null}
			{unmasking ? <Unmask id={id} onClose={() => setUnmasking(false)} onClear={(c) => { setClear(c); setUnmasking(false); }} /> : null}
			{redact !== null ? <Redact ticket={ticket} text={redact} comments={said.data?.comments || []} allowed={me.role === "admin"} onClose={() => setRedact(null)} onDone={reload} /> : null}
		</div>
	);
}
