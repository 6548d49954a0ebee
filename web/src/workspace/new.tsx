// A ticket that an agent writes for somebody: the ticket page's own pieces, of a ticket that is not there yet.
import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation } from "wouter";
import { call, get, Refused, type Ticket, type User } from "../api";
import { Name, Status } from "../ui/bits";
import { Combo } from "../ui/combo";
import { Marked } from "../ui/marked";
import { useMe } from "../session";
import { useSays } from "../ui/says";
import { Composer, useScan, type Making } from "./composer";
import { shownFields, useFields, valuesOf } from "./custom";
import { findPeople, Properties } from "./properties";

interface Asker { id?: number; name: string; email: string }
interface Begun { requester?: Asker; subject?: string; ticket?: Partial<Ticket> }

const NOBODY: Asker = { name: "", email: "" };
const BLANK: Ticket = { id: 0, subject: "", status: "new", priority: null, type: null, requester_id: 0, assignee_id: null, group_id: null, organization_id: null, tags: [], created_at: "", updated_at: "", due_at: null, via: { channel: "web" },
	email_cc_ids: [], follower_ids: [], custom_fields: [] };
const NO_USERS = new Map<number, User>();

// Lists of who came and went, as the API takes them, on top of those that stand here.
function among(have: number[] = [], change: unknown): number[] {
	const said = change as { user_id: number; action: string }[];
	return [...have.filter((i) => !said.some((c) => c.user_id === i)), ...said.filter((c) => c.action === "put").map((c) => c.user_id)];
}

export default function NewTicket() {
	const { t } = useTranslation();
	const { say } = useSays();
	const [, go] = useLocation();
	const me = useMe();
	const [requester, setRequester] = useState<Asker>(NOBODY);
	const [subject, setSubject] = useState("");
	const [ticket, setTicket] = useState<Ticket>(BLANK);
	const [wrong, setWrong] = useState<Record<string, string>>({});
	const once = useRef(crypto.getRandomValues(new Uint32Array(4)).join("-"));
	const inSubject = useScan(subject, true);
	const { fields, forms } = useFields();
	const form = forms.find((f) => f.id === ticket.ticket_form_id) || forms.find((f) => f.default) || forms[0];
	const others = useQuery({ queryKey: ["others", requester.id], enabled: !!requester.id, queryFn: () =>
		get<{ results: Ticket[] }>("/api/v2/search.json?per_page=10&sort_by=updated_at&sort_order=desc&query=" + encodeURIComponent("type:ticket requester:" + requester.id)) });
	useEffect(() => { document.title = t("new.title") + " - Ward"; }, [t]);

	const change = useCallback(async (c: Record<string, any>) => setTicket((was) => {
		const { custom_fields, email_ccs, followers, ...rest } = c;
		return { ...was, ...rest, ...(email_ccs ? { email_cc_ids: among(was.email_cc_ids, email_ccs) } : {}), ...(followers ? { follower_ids: among(was.follower_ids, followers) } : {}),
			...(custom_fields ? { custom_fields: [...(was.custom_fields || []).filter((f) => !custom_fields.some((x: any) => x.id === f.id)), ...custom_fields] } : {}) };
	}), []);

	const making: Making = {
		fields: useMemo(() => {
			const set = Object.fromEntries(Object.entries(ticket).filter(([k, v]) => JSON.stringify(v) !== JSON.stringify((BLANK as any)[k])));
			return { ...(requester.name || requester.email ? { requester } : {}), ...(subject ? { subject } : {}), ...(Object.keys(set).length ? { ticket: set } : {}) };
		}, [requester, subject, ticket]),
		taken(kept: Begun) {
			setRequester(kept.requester || NOBODY);
			setSubject(kept.subject || "");
			setTicket({ ...BLANK, ...(kept.ticket || {}) });
		},
		holders: { "current_user.name": me.name, "current_user.first_name": me.name.split(" ")[0], "current_user.email": me.email || "",
			...(requester.name ? { "ticket.requester.name": requester.name, "ticket.requester.first_name": requester.name.split(" ")[0] } : {}), ...(requester.email ? { "ticket.requester.email": requester.email } : {}), ...(subject.trim() ? { "ticket.title": subject.trim() } : {}) },
		missing() {
			if (!requester.id && !/^[^\s@]+@[^\s@]+$/.test(requester.email)) return t("new.whose");
			if (!subject.trim()) return t("new.noSubject");
			return "";
		},
		apply({ subject: words, tags, ...rest }) {
			if (typeof words === "string") setSubject(words);
			change({ ...rest, ...(tags ? { tags: [...new Set([...ticket.tags, ...tags])] } : {}) });      // it was asked about a ticket without any
		},
		async make({ comment, status }) {
			setWrong({});
			const values = valuesOf(ticket), shown = shownFields(fields, form, { ...ticket, status: String(status || "new") }, values, me, false).filter((x) => x.write && values[x.field.id] !== undefined);
			const number = (type: string, v: unknown) => type === "integer" && /^-?\d+$/.test(String(v)) ? Number(v) : v;
			const put = (ids?: number[]) => ids?.map((user_id) => ({ user_id, action: "put" }));
			const body = { ticket: { subject: subject.trim(), comment, ...(status ? { status } : {}), ...(ticket.priority ? { priority: ticket.priority } : {}), ...(ticket.type ? { type: ticket.type } : {}), ...(ticket.group_id ? { group_id: ticket.group_id } : {}),
				...(ticket.assignee_id ? { assignee_id: ticket.assignee_id } : {}), tags: ticket.tags, ...(ticket.email_cc_ids?.length ? { email_ccs: put(ticket.email_cc_ids) } : {}), ...(ticket.follower_ids?.length ? { followers: put(ticket.follower_ids) } : {}),
				...(form ? { ticket_form_id: form.id } : {}), custom_fields: shown.map((x) => ({ id: x.field.id, value: number(x.field.type, values[x.field.id]) })),
				...(requester.id ? { requester_id: requester.id } : { requester: { name: requester.name.trim() || requester.email, email: requester.email } }) } };
			try {
				// Sent twice, for the first answer was lost: one ticket.
				const r = await call<{ ticket?: Ticket }>("POST", "/api/v2/tickets.json", body, undefined, { "Idempotency-Key": once.current });
				say(r.ticket ? t("new.made", { id: r.ticket.id }) : t("ticket.held"));
				go(r.ticket ? "/agent/tickets/" + r.ticket.id : "/agent/views");
			} catch (e) {
				if (e instanceof Refused && e.status !== 0) once.current = crypto.getRandomValues(new Uint32Array(4)).join("-");
				if (e instanceof Refused && e.status === 422 && Object.keys(e.fields).length) setWrong(e.fields);
				throw e;
			}
		},
	};
	const find = async (text: string) => {
		const list = await findPeople("any")(text);
		if (/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text) && !list.some((o) => o.hint === text.toLowerCase())) list.push({ id: "new:" + text.toLowerCase(), words: text, hint: t("new.somebodyNew") });
		return list;
	};
	const take = (id: string, words: string, hint: string) => setRequester(id.startsWith("new:") ? { name: "", email: id.slice(4) } : { id: Number(id), name: words, email: hint });
	return (
		<div className="ticket" id="new-ticket">
			<aside aria-label={t("ticket.properties")}>
				<Properties ticket={ticket} users={NO_USERS} masked={false} save={change} />
			</aside>
			<section className="talk" aria-label={t("new.title")}>
				<div className="pad stack">
					<h1>{t("new.title")}</h1>
					{Object.keys(wrong).length ? <div className="leaving" role="alert">{Object.entries(wrong).map(([f, w]) => <p key={f}>{w}</p>)}</div> : null}
					<Combo label={t("new.requester")} placeholder={t("new.requesterHint")} value={requester.id ? requester.name + (requester.email ? " <" + requester.email + ">" : "") : requester.email} find={find} onPick={(o) => take(o.id, o.words, o.hint || "")}
						free={(text) => /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text) && text.toLowerCase() !== requester.email ? [{ id: "new:" + text.toLowerCase(), words: text }] : []} />
					{requester.email && !requester.id ? <label className="field"><span>{t("new.name")}</span><input dir="auto" value={requester.name} onChange={(e) => setRequester({ ...requester, name: e.target.value })} /></label> : null}
					<label className="field"><span>{t("field.subject")}</span><input dir="auto" value={subject} onChange={(e) => setSubject(e.target.value)} /></label>
					{inSubject.length ? <p className="leaving" role="status">{t("new.subjectHolds")} <span className="pre"><Marked text={subject} findings={inSubject} /></span></p> : null}
				</div>
				<Composer making={making} requester={{ name: requester.name || requester.email }} onSent={async () => undefined} />
			</section>
			<aside aria-label={t("workspace.beside")}>
				<section className="stack" aria-label={t("ticket.others")} id="others">
					<h2>{t("ticket.others")}</h2>
					{requester.id && others.data?.results.length ? <ul className="plain-list">{others.data.results.map((o) => <li key={o.id} className="row"><Status status={o.status} /><Link className="grow wrap" href={"/agent/tickets/" + o.id} dir="auto">{o.subject || t("ticket.noSubject")}</Link></li>)}</ul>
						: <p className="soft">{requester.id && others.isLoading ? t("loading") : t("ticket.noOthers")}</p>}
					{requester.id ? <Link href={"/agent/people/" + requester.id}><Name>{requester.name}</Name></Link> : null}
				</section>
			</aside>
		</div>
	);
}
