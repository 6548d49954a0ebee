// Views and what was found: one list, with selection, bulk changes and keys.
import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import { Fragment, lazy, Suspense, useEffect, useMemo, useState, type CSSProperties } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation } from "wouter";
import { useHistoryState } from "wouter/use-browser-location";
import { del, get, people, put, type Group, type Organization, type Ticket, type User, type View } from "../api";
import { every } from "../live";
import { useMe } from "../session";
import { Choice, Empty, Fault, Loading, Name, Time } from "../ui/bits";
import { Box } from "../ui/box";
import { useSays } from "../ui/says";
import { useCommands } from "../ui/tools";
import { moreWords, number } from "../words";
import { COLUMNS, columnOf, columnsOf, columnWords, leastWidth, type Beside, type ColumnId } from "./columns";
import { waitFor } from "./job";
import { setRound } from "./round";
import { AGENTS, FIELDS, getReady, GROUPS, opened } from "./ready";

// The builder is fetched when somebody makes or changes a view.
const editor = () => moreWords("office").then(() => import("../admin/view-editor"));
const ViewEditor = lazy(() => editor().then((m) => ({ default: m.ViewEditor })));

// By what a search can be ordered.
const SEARCHED = ["status", "priority", "updated_at"];

type Sort = { by: string; down: boolean };
export interface Page { rows: Ticket[]; users: User[]; groups?: Group[]; organizations?: Organization[]; total: number; next: number | null }

// Without a sort of one's own, a view has its own order.
async function page(view: string | undefined, query: string | null, sort: Sort | null, more: string, n: number): Promise<Page> {
	const order = (sort ? "&sort_by=" + sort.by + "&sort_order=" + (sort.down ? "desc" : "asc") : query !== null ? "&sort_by=updated_at&sort_order=desc" : "") + "&per_page=50&page=" + n;
	if (query !== null) {
		const r = await get("/api/v2/search.json?query=" + encodeURIComponent("type:ticket " + query) + order);
		const ids = [...new Set((r.results as Ticket[]).map((t) => t.requester_id))];
		const users = ids.length ? (await get("/api/v2/users/show_many.json?ids=" + ids.join(","))).users : [];
		return { rows: r.results, users, total: r.count, next: r.next_page ? n + 1 : null };
	}
	const r = await get("/api/v2/views/" + view + "/tickets.json?include=users" + more + order);
	return { rows: r.tickets, users: r.users || [], groups: r.groups, organizations: r.organizations, total: r.count, next: r.next_page ? n + 1 : null };
}

// One question may name twenty views.
async function counted(ids: number[]): Promise<{ view_id: number; value: number }[]> {
	const parts = await Promise.all(Array.from({ length: Math.ceil(ids.length / 20) }, (_, i) => get("/api/v2/views/count_many.json?ids=" + ids.slice(20 * i, 20 * i + 20).join(","))));
	return parts.flatMap((p) => p.view_counts);
}

// Whether somebody may change a view, or only look at it.
function mayChange(me: User, v: View | undefined) {
	return !!v && (me.view_access === "full" || (me.view_access === "manage-personal" && v.restriction?.type === "User" && v.restriction.id === me.id));
}

// Views that are switched off, to be had back or thrown away.
function Resting({ onClose }: { onClose(): void }) {
	const { t } = useTranslation();
	const me = useMe();
	const { say, fault } = useSays();
	const cache = useQueryClient();
	const list = useQuery({ queryKey: ["views", "off"], queryFn: () => get<{ views: View[] }>("/api/v2/views.json?active=false&per_page=100") });
	const rows = (list.data?.views || []).filter((v) => mayChange(me, v));
	const act = (done: Promise<unknown>, words: string) => done.then(() => { say(words); cache.invalidateQueries({ queryKey: ["views"] }); }, fault);
	return (
		<Box title={t("views.off")} onClose={onClose}>
			{list.error ? <Fault error={list.error} /> : list.isLoading ? <Loading /> : rows.length === 0 ? <Empty title={t("views.noneOff")} /> : (
				<ul className="plain-list" id="views-off">{rows.map((v) => <li key={v.id} className="row"><span className="grow wrap"><Name>{v.title}</Name></span>
					<Button size="small" aria-label={t("views.onOf", { title: v.title })} onClick={() => act(put("/api/v2/views/" + v.id + ".json", { view: { active: true } }), t("views.isOn", { title: v.title }))}>{t("views.switchOn")}</Button>
					<Button size="small" isBasic isDanger aria-label={t("views.deleteOf", { title: v.title })} onClick={() => act(del("/api/v2/views/" + v.id + ".json"), t("views.deleted", { title: v.title }))}>{t("records.delete")}</Button></li>)}</ul>
			)}
		</Box>
	);
}

function Side({ views, current, onNew }: { views: View[]; current?: string; onNew(): void }) {
	const { t } = useTranslation();
	const me = useMe();
	const [off, setOff] = useState(false);
	const ids = views.map((v) => v.id);
	const counts = useQuery({ queryKey: ["counts", ids.join(",")], enabled: ids.length > 0, refetchInterval: every(15000), queryFn: () => counted(ids) });
	const of = new Map<number, number>((counts.data || []).map((c) => [c.view_id, c.value]));
	const items = (list: View[]) => <ul style={{ listStyle: "none", padding: 0 }}>{list.map((v) => (
		<li key={v.id}><Link href={"/agent/views/" + v.id} aria-current={String(v.id) === current ? "page" : undefined}>
			<Name>{v.title}</Name><span className="count">{of.has(v.id) && of.get(v.id) !== null ? number(of.get(v.id)!) : ""}</span></Link></li>
	))}</ul>;
	const own = views.filter((v) => v.restriction?.type === "User");
	return (
		<>
		<nav className="side" aria-label={t("views.title")}>
			<h2>{t("views.title")}</h2>
			{items(views.filter((v) => v.restriction?.type !== "User"))}
			{own.length ? <><h2>{t("views.mine")}</h2>{items(own)}</> : null}
			{me.view_access && me.view_access !== "readonly" ? <div className="side-acts row"><Button size="small" id="new-view" onClick={onNew}>{t("views.newShort")}</Button><Button size="small" isBasic id="off-views" onClick={() => setOff(true)}>{t("views.offShort")}</Button></div> : null}
		</nav>
		{off ? <Resting onClose={() => setOff(false)} /> : null}
		</>
	);
}

// What many tickets were before, to be put back one by one where nobody went on.
async function takeBack(before: Ticket[], names: string[]) {
	const ids = before.map((b) => b.id), now: Ticket[] = [];
	for (let i = 0; i < ids.length; i += 100) now.push(...(await get("/api/v2/tickets/show_many.json?ids=" + ids.slice(i, i + 100).join(","))).tickets);
	const stamp = new Map(now.map((n) => [n.id, n.updated_at]));
	let failed = 0;
	for (let i = 0; i < before.length; i += 100) {
		const { job_status } = await put("/api/v2/tickets/update_many.json", { tickets: before.slice(i, i + 100).map((b) => ({ id: b.id, ...Object.fromEntries(names.map((n) => [n, (b as any)[n]])), safe_update: true, updated_stamp: stamp.get(b.id) })) });
		failed += ((await waitFor(job_status.id)).results || []).filter((r: any) => r.success === false || r.error).length;
	}
	return failed;
}

function Bulk({ rows, onDone }: { rows: Ticket[]; onDone(): void }) {
	const ids = rows.map((r) => r.id);
	const { t } = useTranslation();
	const { say, fault } = useSays();
	const cache = useQueryClient();
	const [status, setStatus] = useState("");
	const [priority, setPriority] = useState("");
	const [tags, setTags] = useState("");
	const [assignee, setAssignee] = useState("");
	const [group, setGroup] = useState("");
	const agents = useQuery(AGENTS);
	const groups = useQuery(GROUPS);
	const staffOf = agents.data?.users || [], groupsOf = (groups.data?.groups || []).filter((g) => !g.deleted);
	const [sure, setSure] = useState(false);
	const [busy, setBusy] = useState(false);
	const change = { ...(status ? { status } : {}), ...(priority ? { priority } : {}), ...(group ? { group_id: Number(group) } : {}), ...(assignee ? { assignee_id: assignee === "none" ? null : Number(assignee) } : {}), ...(tags.trim() ? { additional_tags: tags.trim().split(/[\s,]+/) } : {}) };
	const nothing = Object.keys(change).length === 0;
	const go = async () => {
		setBusy(true);
		try {
			const { job_status } = await put("/api/v2/tickets/update_many.json?ids=" + ids.join(","), { ticket: change });
			const done = await waitFor(job_status.id);
			const failed = (done.results || []).filter((r: any) => r.success === false).length;
			const names = [...(status ? ["status"] : []), ...(priority ? ["priority"] : []), ...(tags.trim() ? ["tags"] : []), ...(group || assignee ? ["group_id", "assignee_id"] : [])];
			say(failed ? t("bulk.some", { failed, count: ids.length }) : t("bulk.done", { count: ids.length }), () => {
				takeBack(rows, names).then((n) => say(n ? t("bulk.some", { failed: n, count: rows.length }) : t("workspace.takenBack", { count: rows.length })), fault).finally(() => cache.invalidateQueries());
			});
			await cache.invalidateQueries();
			onDone();
		} catch (e) {
			fault(e);
		}
		setBusy(false);
		setSure(false);
	};
	return (
		<div className="card row" role="region" aria-label={t("bulk.title", { count: ids.length })}>
			<strong>{t("bulk.title", { count: ids.length })}</strong>
			<Choice label={t("field.status")} hideLabel value={status} onChange={setStatus} options={[["", t("field.status")], ...["open", "pending", "hold", "solved"].map((s) => [s, t("status." + s)] as [string, string])]} />
			<Choice label={t("field.priority")} hideLabel value={priority} onChange={setPriority} options={[["", t("field.priority")], ...["low", "normal", "high", "urgent"].map((s) => [s, t("priority." + s)] as [string, string])]} />
			<Choice label={t("field.assignee")} hideLabel value={assignee} onChange={setAssignee} options={[["", t("field.assignee")], ["none", t("ticket.nobody")], ...staffOf.map((u) => [String(u.id), u.name] as [string, string])]} />
			<Choice label={t("field.group")} hideLabel value={group} onChange={setGroup} options={[["", t("field.group")], ...groupsOf.map((g) => [String(g.id), g.name] as [string, string])]} />
			<input className="plain-input" aria-label={t("bulk.tags")} placeholder={t("bulk.tags")} value={tags} onChange={(e) => setTags(e.target.value)} />
			<Button size="small" isPrimary disabled={nothing || busy} onClick={() => setSure(true)}>{t("bulk.change")}</Button>
			<Button size="small" isBasic onClick={onDone}>{t("bulk.none")}</Button>
			{sure ? (
				<Box title={t("bulk.sure", { count: ids.length })} onClose={() => setSure(false)}>
					<dl className="facts">
						{status ? <><dt>{t("field.status")}</dt><dd>{t("status." + status)}</dd></> : null}
						{priority ? <><dt>{t("field.priority")}</dt><dd>{t("priority." + priority)}</dd></> : null}
						{assignee ? <><dt>{t("field.assignee")}</dt><dd>{assignee === "none" ? t("ticket.nobody") : staffOf.find((u) => String(u.id) === assignee)?.name}</dd></> : null}
						{group ? <><dt>{t("field.group")}</dt><dd>{groupsOf.find((g) => String(g.id) === group)?.name}</dd></> : null}
						{tags.trim() ? <><dt>{t("bulk.tags")}</dt><dd>{tags}</dd></> : null}
					</dl>
					<p className="soft">{ids.slice(0, 20).map((i) => "#" + i).join(", ")}{ids.length > 20 ? " …" : ""}</p>
					<div className="row"><Button isPrimary disabled={busy} onClick={go}>{t("bulk.change")}</Button><Button onClick={() => setSure(false)}>{t("cancel")}</Button></div>
				</Box>
			) : null}
		</div>
	);
}

export default function List({ view, search }: { view?: string; search?: boolean }) {
	const { t } = useTranslation();
	const [, go] = useLocation();
	const state = useHistoryState<{ query?: string } | null>();
	const query = search ? state?.query || "" : null;
	const [sort, setSort] = useState<Sort | null>(null);
	const cache = useQueryClient();
	const [picked, setPicked] = useState<Set<number>>(new Set());
	const [at, setAt] = useState(0);
	const me = useMe();
	const { say, fault } = useSays();
	const [open, setOpen] = useState<Partial<View> | null | undefined>(undefined);      // the view in the builder; null: a new one
	const views = useQuery({ queryKey: ["views"], queryFn: () => get<{ views: View[] }>("/api/v2/views/active.json?per_page=100"), staleTime: 60000 });
	const current = search ? undefined : view || (views.data?.views[0] && String(views.data.views[0].id));
	const shownView = search ? undefined : views.data?.views.find((v) => String(v.id) === current);
	const columns = columnsOf(shownView), spare = columns.filter((c) => columnOf(c).className), groupBy = shownView?.execution?.group?.id;
	const wanted = [...columns, groupBy].map((c) => c ? c === "group" ? ",groups" : c === "organization" ? ",organizations" : typeof c === "string" && COLUMNS[c]?.more ? "," + COLUMNS[c].more : "" : "");
	const more = [...new Set(wanted)].sort().join("");
	const tickets = useInfiniteQuery({
		queryKey: ["tickets", search ? "search" : current, query, sort, more], initialPageParam: 1, enabled: search ? query !== "" : !!current && !!views.data,
		queryFn: ({ pageParam }) => page(current, query, sort, more, pageParam), getNextPageParam: (last) => last.next, refetchInterval: search ? false : every(20000),
	});
	const rows = useMemo(() => tickets.data?.pages.flatMap((p) => p.rows) || [], [tickets.data]);
	const beside = useMemo<Beside>(() => {
		const pages = tickets.data?.pages || [], by = <T extends { id: number }>(list: T[]) => new Map(list.map((x) => [x.id, x]));
		return { users: people(pages.flatMap((p) => p.users)), groups: by(pages.flatMap((p) => p.groups || [])), organizations: by(pages.flatMap((p) => p.organizations || [])) };
	}, [tickets.data]);
	const title = search ? (tickets.data ? t("search.found", { count: tickets.data.pages[0].total }) : t("search.title")) : shownView?.title || "";

	const fields = useQuery({ ...FIELDS, enabled: columns.some((c) => typeof c === "number") });
	const fieldTitles = useMemo(() => new Map((fields.data?.ticket_fields || []).map((f) => [f.id, f.title])), [fields.data]);

	const shown = rows.length > 0;
	useEffect(() => { if (shown) getReady(cache); }, [cache, shown]);
	useEffect(() => { document.title = (search ? t("search.title") : t("views.title")) + " - Ward"; }, [search, t]);
	useEffect(() => { setPicked(new Set()); setAt(0); setSort(null); }, [current, query]);

	const toggle = (id: number) => setPicked((p) => {
		const n = new Set(p);
		if (!n.delete(id)) n.add(id);
		return n;
	});
	// The focus goes along, so that it is heard where one is.
	const walk = (n: number) => {
		setAt(n);
		document.querySelectorAll<HTMLElement>("#tickets tbody tr:not(.group)")[n]?.querySelector("a")?.focus();
	};
	const commands = useMemo(() => [
		{ id: "down", words: t("keys.down"), keys: "j", run: () => walk(Math.min(at + 1, rows.length - 1)) },
		{ id: "up", words: t("keys.up"), keys: "k", run: () => walk(Math.max(at - 1, 0)) },
		{ id: "open", words: t("keys.open"), keys: "o", run: () => { if (rows[at]) { opened(cache, rows[at]); go("/agent/tickets/" + rows[at].id); } } },
		{ id: "pick", words: t("keys.pick"), keys: "x", run: () => rows[at] && toggle(rows[at].id) },
		{ id: "pick-all", words: t("workspace.keys.all"), keys: "*", run: () => setPicked((p) => p.size === rows.length ? new Set() : new Set(rows.map((r) => r.id))) },
	], [rows, at, go, t, cache]);
	useCommands(commands);
	useEffect(() => { if (rows.length) setRound({ path: search ? "/agent/search" : "/agent/views/" + current, state: search ? { query } : undefined, ids: rows.map((r) => r.id) }); }, [rows, search, current, query]);
	useEffect(() => { document.querySelector("tr.at")?.scrollIntoView({ block: "nearest" }); }, [at]);

	const saved = (v: View) => {
		setOpen(undefined);
		cache.invalidateQueries();
		if (v.active) go("/agent/views/" + v.id);
	};
	const copy = (v: View) => setOpen({ ...v, id: undefined, title: t("views.copyOf", { title: v.title }), restriction: me.view_access === "full" ? v.restriction : { type: "User", id: me.id } });
	const switchTo = (v: View, active: boolean) => put("/api/v2/views/" + v.id + ".json", { view: { active } }).then(() => {
		cache.invalidateQueries({ queryKey: ["views"] });
		if (active) say(t("views.isOn", { title: v.title }));
		else {
			say(t("views.isOff", { title: v.title }), () => { switchTo(v, true); });
			go("/agent/views");
		}
	}, fault);
	const classOf = (id: ColumnId) => (columnOf(id).className || "") + (spare.indexOf(id) > 2 ? " spare" : spare.indexOf(id) > 0 ? " scant" : "");
	const groupOf = (r: Ticket) => { const c = groupBy ? COLUMNS[groupBy] : undefined; return c ? c.of(r, beside, t) || t("views.noGroup") : null; };
	const keyOf = (r: Ticket) => groupBy === "status" ? r.status : groupBy === "priority" ? r.priority : groupBy === "type" ? r.type : groupBy === "assignee" ? r.assignee_id : groupBy === "group" ? r.group_id : groupBy === "organization" ? r.organization_id : groupBy === "requester" ? r.requester_id : groupBy === "submitter" ? r.submitter_id : "";
	const head = (by: string, words: string, width: number | undefined, className?: string) => (
		<th key={by} scope="col" className={className} style={{ width }} aria-sort={sort?.by === by ? (sort.down ? "descending" : "ascending") : undefined}>
			<button type="button" onClick={() => setSort((s) => ({ by, down: s?.by === by ? !s.down : true }))}>{words}{sort?.by === by ? (sort.down ? " ↓" : " ↑") : ""}</button>
		</th>
	);
	const all = rows.length > 0 && picked.size === rows.length;
	return (
		<div className="split">
			{views.data ? <Side views={views.data.views} current={current} onNew={() => setOpen(null)} /> : <div className="side" />}
			<section className="pad stack" aria-label={title}>
				<div className="row"><h1 id="list-title"><Name>{title}</Name></h1>
					<div className="row">
						{!search && tickets.data ? <span className="soft">{t("views.count", { count: tickets.data.pages[0].total })}</span> : null}
						{shownView && me.view_access && me.view_access !== "readonly" ? <>
							{mayChange(me, shownView) ? <Button size="small" isBasic id="change-view" onClick={() => setOpen(shownView)}>{t("views.changeShort")}</Button> : null}
							<Button size="small" isBasic id="copy-view" onClick={() => copy(shownView)}>{t("views.copy")}</Button>
							{mayChange(me, shownView) ? <Button size="small" isBasic id="rest-view" onClick={() => switchTo(shownView, false)}>{t("views.switchOff")}</Button> : null}
						</> : null}
					</div></div>
				<p className="sr" role="status">{search && tickets.data ? title : ""}</p>
				{picked.size ? <Bulk rows={rows.filter((r) => picked.has(r.id))} onDone={() => setPicked(new Set())} /> : null}
				{views.error ? <Fault error={views.error} /> : tickets.error ? <Fault error={tickets.error} /> : null}
				{tickets.isLoading || views.isLoading ? <Loading /> : null}
				{tickets.data && rows.length === 0 ? (
					<Empty title={search ? t("search.none") : t("views.empty")}><p>{search ? t("search.try") : t("views.emptyHint")}</p>{mayChange(me, shownView) ? <Button onClick={() => setOpen(shownView!)}>{t("views.change")}</Button> : null}</Empty>
				) : null}
				{!search && views.data?.views.length === 0 ? <Empty title={t("views.none")}><p>{t("views.noneHint")}</p>{me.view_access && me.view_access !== "readonly" ? <Button isPrimary onClick={() => setOpen(null)}>{t("views.first")}</Button> : null}</Empty> : null}
				{open !== undefined ? <Suspense fallback={<Loading />}><ViewEditor view={open} onClose={() => setOpen(undefined)} onDone={saved} /></Suspense> : null}
				{rows.length ? (
					<div className="scroll">
						<table className="list" id="tickets" style={{ "--all": leastWidth(columns) + "px", "--some": leastWidth(columns.filter((c) => spare.indexOf(c) < 3)) + "px" } as CSSProperties}>
							<caption className="sr">{title}</caption>
							<thead><tr>
								<th scope="col" style={{ width: 32 }}><input type="checkbox" aria-label={t("bulk.all")} checked={all} onChange={() => setPicked(all ? new Set() : new Set(rows.map((r) => r.id)))} /></th>
								{columns.map((id) => {
									const c = columnOf(id), words = columnWords(id, fieldTitles, t);
									return c.sort && (!search || SEARCHED.includes(c.sort)) ? head(c.sort, words, c.width, classOf(id)) : <th key={id} scope="col" className={classOf(id)} style={{ width: c.width }}>{words}</th>;
								})}
							</tr></thead>
							<tbody>
								{rows.map((r, i) => (
									<Fragment key={r.id}>
									{groupBy && COLUMNS[groupBy] && (i === 0 || keyOf(rows[i - 1]) !== keyOf(r)) ? <tr className="group"><th colSpan={1 + columns.length - spare.length} scope="colgroup">{columnWords(groupBy, fieldTitles, t)}: {groupOf(r)}</th></tr> : null}
									<tr className={i === at ? "at" : undefined} onClick={() => setAt(i)} onFocus={() => setAt(i)}>
										<td><input type="checkbox" aria-label={t("bulk.one", { id: r.id })} checked={picked.has(r.id)} onChange={() => toggle(r.id)} /></td>
										{columns.map((id) => id === "subject"
											? <td key={id} className="wrap"><Link href={"/agent/tickets/" + r.id} dir="auto" onClick={(e) => { if (!(e.ctrlKey || e.metaKey || e.shiftKey || e.altKey)) opened(cache, r); }}>{r.subject || t("ticket.noSubject")}</Link> <span className="soft">#{r.id}</span><span className="soft only-small"> · <Time at={r.updated_at} /></span></td>
											: <td key={id} className={"wrap " + classOf(id)}>{columnOf(id).of(r, beside, t)}</td>)}
									</tr>
									</Fragment>
								))}
							</tbody>
						</table>
					</div>
				) : null}
				{tickets.hasNextPage ? <div><Button id="older" disabled={tickets.isFetchingNextPage} onClick={() => tickets.fetchNextPage()}>{t("more")}</Button></div> : null}
			</section>
		</div>
	);
}
