// Views and what was found: one list, with selection, bulk changes and keys.
import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import { useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation } from "wouter";
import { useHistoryState } from "wouter/use-browser-location";
import { get, people, put, type Ticket, type User, type View } from "../api";
import { every } from "../live";
import { Choice, Empty, Fault, Loading, Name, Status, Time } from "../ui/bits";
import { Box } from "../ui/box";
import { useSays } from "../ui/says";
import { useCommands } from "../ui/tools";
import { number } from "../words";
import { waitFor } from "./job";
import { setRound } from "./round";
import { AGENTS, getReady, GROUPS, opened } from "./ready";

type Sort = { by: string; down: boolean };
export interface Page { rows: Ticket[]; users: User[]; total: number; next: number | null }

// Without a sort of one's own, a view has its own order.
async function page(view: string | undefined, query: string | null, sort: Sort | null, n: number): Promise<Page> {
	const order = (sort ? "&sort_by=" + sort.by + "&sort_order=" + (sort.down ? "desc" : "asc") : query !== null ? "&sort_by=updated_at&sort_order=desc" : "") + "&per_page=50&page=" + n;
	if (query !== null) {
		const r = await get("/api/v2/search.json?query=" + encodeURIComponent("type:ticket " + query) + order);
		const ids = [...new Set((r.results as Ticket[]).map((t) => t.requester_id))];
		const users = ids.length ? (await get("/api/v2/users/show_many.json?ids=" + ids.join(","))).users : [];
		return { rows: r.results, users, total: r.count, next: r.next_page ? n + 1 : null };
	}
	const r = await get("/api/v2/views/" + view + "/tickets.json?include=users" + order);
	return { rows: r.tickets, users: r.users || [], total: r.count, next: r.next_page ? n + 1 : null };
}

// One question may name twenty views.
async function counted(ids: number[]): Promise<{ view_id: number; value: number }[]> {
	const parts = await Promise.all(Array.from({ length: Math.ceil(ids.length / 20) }, (_, i) => get("/api/v2/views/count_many.json?ids=" + ids.slice(20 * i, 20 * i + 20).join(","))));
	return parts.flatMap((p) => p.view_counts);
}

function Side({ views, current }: { views: View[]; current?: string }) {
	const { t } = useTranslation();
	const ids = views.map((v) => v.id);
	const counts = useQuery({ queryKey: ["counts", ids.join(",")], enabled: ids.length > 0, refetchInterval: every(15000), queryFn: () => counted(ids) });
	const of = new Map<number, number>((counts.data || []).map((c) => [c.view_id, c.value]));
	return (
		<nav className="side" aria-label={t("views.title")}>
			<h2>{t("views.title")}</h2>
			<ul style={{ listStyle: "none", padding: 0 }}>
				{views.map((v) => (
					<li key={v.id}><Link href={"/agent/views/" + v.id} aria-current={String(v.id) === current ? "page" : undefined}>
						<Name>{v.title}</Name><span className="count">{of.has(v.id) && of.get(v.id) !== null ? number(of.get(v.id)!) : ""}</span></Link></li>
				))}
			</ul>
		</nav>
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
	const views = useQuery({ queryKey: ["views"], queryFn: () => get<{ views: View[] }>("/api/v2/views/active.json?per_page=100"), staleTime: 60000 });
	const current = search ? undefined : view || (views.data?.views[0] && String(views.data.views[0].id));
	const tickets = useInfiniteQuery({
		queryKey: ["tickets", search ? "search" : current, query, sort], initialPageParam: 1, enabled: search ? query !== "" : !!current,
		queryFn: ({ pageParam }) => page(current, query, sort, pageParam), getNextPageParam: (last) => last.next, refetchInterval: search ? false : every(20000),
	});
	const rows = useMemo(() => tickets.data?.pages.flatMap((p) => p.rows) || [], [tickets.data]);
	const names = useMemo(() => people(tickets.data?.pages.flatMap((p) => p.users)), [tickets.data]);
	const title = search ? (tickets.data ? t("search.found", { count: tickets.data.pages[0].total }) : t("search.title")) : views.data?.views.find((v) => String(v.id) === current)?.title || "";

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
		document.querySelectorAll<HTMLElement>("#tickets tbody tr")[n]?.querySelector("a")?.focus();
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

	const head = (by: string, words: string, width: number, className?: string) => (
		<th scope="col" className={className} style={{ width }} aria-sort={sort?.by === by ? (sort.down ? "descending" : "ascending") : undefined}>
			<button type="button" onClick={() => setSort((s) => ({ by, down: s?.by === by ? !s.down : true }))}>{words}{sort?.by === by ? (sort.down ? " ↓" : " ↑") : ""}</button>
		</th>
	);
	const all = rows.length > 0 && picked.size === rows.length;
	return (
		<div className="split">
			{views.data ? <Side views={views.data.views} current={current} /> : <div className="side" />}
			<section className="pad stack" aria-label={title}>
				<div className="row between"><h1 id="list-title"><Name>{title}</Name></h1>
					{!search && tickets.data ? <span className="soft">{t("views.count", { count: tickets.data.pages[0].total })}</span> : null}</div>
				<p className="sr" role="status">{search && tickets.data ? title : ""}</p>
				{picked.size ? <Bulk rows={rows.filter((r) => picked.has(r.id))} onDone={() => setPicked(new Set())} /> : null}
				{views.error ? <Fault error={views.error} /> : tickets.error ? <Fault error={tickets.error} /> : null}
				{tickets.isLoading || views.isLoading ? <Loading /> : null}
				{tickets.data && rows.length === 0 ? (
					<Empty title={search ? t("search.none") : t("views.empty")}><p>{search ? t("search.try") : t("views.emptyHint")}</p></Empty>
				) : null}
				{rows.length ? (
					<div className="scroll">
						<table className="list" id="tickets">
							<caption className="sr">{title}</caption>
							<thead><tr>
								<th scope="col" style={{ width: 32 }}><input type="checkbox" aria-label={t("bulk.all")} checked={all} onChange={() => setPicked(all ? new Set() : new Set(rows.map((r) => r.id)))} /></th>
								{head("status", t("field.status"), 108)}
								<th scope="col">{t("field.subject")}</th>
								<th scope="col" className="wide" style={{ width: "22%" }}>{t("field.requester")}</th>
								{head("priority", t("field.priority"), 80, "wide")}
								{head("updated_at", t("field.updated"), 160, "late")}
							</tr></thead>
							<tbody>
								{rows.map((r, i) => (
									<tr key={r.id} className={i === at ? "at" : undefined} onClick={() => setAt(i)} onFocus={() => setAt(i)}>
										<td><input type="checkbox" aria-label={t("bulk.one", { id: r.id })} checked={picked.has(r.id)} onChange={() => toggle(r.id)} /></td>
										<td><Status status={r.status} /></td>
										<td className="wrap"><Link href={"/agent/tickets/" + r.id} dir="auto" onClick={(e) => { if (!(e.ctrlKey || e.metaKey || e.shiftKey || e.altKey)) opened(cache, r); }}>{r.subject || t("ticket.noSubject")}</Link> <span className="soft">#{r.id}</span><span className="soft only-small"> · <Time at={r.updated_at} /></span></td>
										<td className="wide wrap"><Name>{names.get(r.requester_id)?.name || ""}</Name></td>
										<td className="wide">{r.priority ? t("priority." + r.priority) : ""}</td>
										<td className="one late"><Time at={r.updated_at} /></td>
									</tr>
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
