// What a patient sees: their own requests, and a way to ask.
import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import { useEffect, useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { Link, Route, Switch, useLocation } from "wouter";
import { get, people, post, put, Refused, type Comment, type Ticket, type User } from "../api";
import { Empty, Fault, Loading, Status, Time } from "../ui/bits";
import { useSays } from "../ui/says";
import { Said } from "../workspace/comment";

function Own() {
	const { t } = useTranslation();
	const all = useInfiniteQuery({ queryKey: ["requests"], initialPageParam: 1, getNextPageParam: (last: any, p) => last.next_page ? p.length + 1 : null,
		queryFn: ({ pageParam }) => get("/api/v2/requests.json?per_page=50&sort_by=updated_at&sort_order=desc&page=" + pageParam) });
	const rows = (all.data?.pages.flatMap((p: any) => p.requests) || []) as Ticket[];
	useEffect(() => { document.title = t("requests.title") + " - Ward"; }, [t]);
	return (
		<div className="pad stack" style={{ maxWidth: 860 }}>
			<div className="row between"><h1 id="list-title">{t("requests.title")}</h1><Link href="/requests/new"><Button isPrimary tabIndex={-1}>{t("requests.ask")}</Button></Link></div>
			{all.error ? <Fault error={all.error} /> : all.isLoading ? <Loading /> : rows.length === 0 ? <Empty title={t("requests.empty")}><Link href="/requests/new">{t("requests.ask")}</Link></Empty> : (
				<table className="list" id="tickets"><caption className="sr">{t("requests.title")}</caption>
					<thead><tr><th scope="col" style={{ width: 110 }}>{t("field.status")}</th><th scope="col">{t("field.subject")}</th><th scope="col" style={{ width: 130 }}>{t("field.updated")}</th></tr></thead>
					<tbody>{rows.map((r) => <tr key={r.id}><td><Status status={r.status} /></td><td className="wrap"><Link href={"/requests/" + r.id} dir="auto">{r.subject || t("ticket.noSubject")}</Link></td><td><Time at={r.updated_at} /></td></tr>)}</tbody></table>
			)}
			{all.hasNextPage ? <div><Button onClick={() => all.fetchNextPage()}>{t("more")}</Button></div> : null}
		</div>
	);
}

async function talk(id: number) {
	const all = { comments: [] as Comment[], users: [] as User[] };
	for (let n = 1, next: unknown = true; next; n++) {
		const p: any = await get("/api/v2/requests/" + id + "/comments.json?include=users&per_page=100&page=" + n);
		all.comments.push(...p.comments);
		all.users.push(...(p.users || []));
		next = p.next_page;
	}
	return all;
}

function One({ id }: { id: number }) {
	const { t } = useTranslation();
	const { say, fault } = useSays();
	const cache = useQueryClient();
	const one = useQuery({ queryKey: ["request", id], queryFn: () => get<{ request: Ticket }>("/api/v2/requests/" + id + ".json"), refetchInterval: 20000 });
	const said = useQuery({ queryKey: ["requestTalk", id, one.data?.request.updated_at], enabled: !!one.data, queryFn: () => talk(id), placeholderData: (p) => p });
	const [text, setText] = useState("");
	const [busy, setBusy] = useState(false);
	useEffect(() => { document.title = "#" + id + " - Ward"; }, [id]);
	if (one.error) return <Fault error={one.error} />;
	if (!one.data || !said.data) return <Loading />;
	const r = one.data.request, names = people(said.data.users);
	const send = async (e: FormEvent, solved = false) => {
		e.preventDefault();
		if (!text.trim() && !solved) return say(t("compose.empty"));
		setBusy(true);
		try {
			await put("/api/v2/requests/" + id + ".json", { request: { ...(text.trim() ? { comment: { body: text } } : {}), ...(solved ? { solved: true } : {}) } });
			setText("");
			await cache.invalidateQueries();
			say(t("compose.sent"));
		} catch (err) {
			fault(err);
		}
		setBusy(false);
	};
	return (
		<div className="pad stack" style={{ maxWidth: 860 }}>
			<p><Link href="/requests" id="back">{t("requests.title")}</Link></p>
			<div className="row"><h1 id="subject" className="grow wrap" dir="auto">{r.subject || t("ticket.noSubject")}</h1><Status status={r.status} /></div>
			<ol className="said" id="conversation" style={{ padding: 0 }}>{said.data.comments.map((c) => <Said key={c.id} comment={c} author={names.get(c.author_id)} findings={[]} />)}</ol>
			{r.status === "closed" ? <p className="soft" id="closed">{t("ticket.closed")}</p> : (
				<form id="reply" className="stack" onSubmit={send}>
					<label className="field"><span>{t("requests.reply")}</span><textarea id="text" rows={5} dir="auto" value={text} onChange={(e) => setText(e.target.value)} /></label>
					<div className="row"><Button isPrimary type="submit" id="send" disabled={busy}>{t("compose.send")}</Button>
						{r.status !== "solved" ? <Button type="button" disabled={busy} onClick={(e) => send(e, true)}>{t("requests.solved")}</Button> : null}</div>
				</form>
			)}
		</div>
	);
}

function Ask() {
	const { t } = useTranslation();
	const { say, fault } = useSays();
	const [, go] = useLocation();
	const cache = useQueryClient();
	const [subject, setSubject] = useState("");
	const [body, setBody] = useState("");
	const [wrong, setWrong] = useState("");
	const [busy, setBusy] = useState(false);
	const submit = async (e: FormEvent) => {
		e.preventDefault();
		setBusy(true);
		setWrong("");
		try {
			const r = await post<{ request: Ticket }>("/api/v2/requests.json", { request: { subject, comment: { body } } });
			await cache.invalidateQueries({ queryKey: ["requests"] });
			say(t("requests.asked"));
			go("/requests/" + r.request.id);
		} catch (err) {
			if (err instanceof Refused && err.status === 422) setWrong(err.message);
			else fault(err);
			setBusy(false);
		}
	};
	return (
		<form className="pad stack" style={{ maxWidth: 720 }} onSubmit={submit}>
			<h1>{t("requests.ask")}</h1>
			{wrong ? <p className="leaving" role="alert">{wrong}</p> : null}
			<label className="field"><span>{t("field.subject")}</span><input required dir="auto" value={subject} onChange={(e) => setSubject(e.target.value)} aria-describedby="ask-subject" /></label>
			<p id="ask-subject" className="soft">{t("requests.subjectHint")}</p>
			<label className="field"><span>{t("new.text")}</span><textarea required rows={8} dir="auto" value={body} onChange={(e) => setBody(e.target.value)} /></label>
			<div><Button isPrimary type="submit" disabled={busy}>{t("compose.send")}</Button></div>
		</form>
	);
}

export default function Requests() {
	return (
		<Switch>
			<Route path="/requests/new"><Ask /></Route>
			<Route path="/requests/:id">{(p) => <One key={p.id} id={Number(p.id)} />}</Route>
			<Route><Own /></Route>
		</Switch>
	);
}
