// Two tickets become one, or one message a ticket of its own: seen before it is done.
import { useQuery } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { get, people, post, type Comment, type Ticket, type User } from "../api";
import { Name, Status, Time } from "../ui/bits";
import { Box } from "../ui/box";
import { useSays } from "../ui/says";
import { waitFor } from "./job";

type WithUsers = { ticket: Ticket & { comment_count?: number }; users: User[] };

function Card({ title, of }: { title: string; of: WithUsers }) {
	const { t } = useTranslation();
	const who = people(of.users).get(of.ticket.requester_id);
	return (
		<div className="card stack grow"><strong>{title}</strong>
			<div className="row"><Status status={of.ticket.status} /><span className="soft">#{of.ticket.id}</span></div>
			<div className="wrap" dir="auto">{of.ticket.subject || t("ticket.noSubject")}</div>
			<div className="soft"><Name>{who?.name || ""}</Name> · <Time at={of.ticket.updated_at} /></div>
		</div>
	);
}

export function Merge({ ticket, requester, onClose }: { ticket: Ticket; requester?: User; onClose(): void }) {
	const { t } = useTranslation();
	const [, go] = useLocation();
	const { say, fault } = useSays();
	const [number, setNumber] = useState("");
	const [comment, setComment] = useState<string | null>(null);
	const [isPublic, setPublic] = useState(false);
	const [busy, setBusy] = useState(false);
	const id = Number(number.trim().replace("#", ""));
	const others = useQuery({ queryKey: ["others", ticket.requester_id], queryFn: () =>
		get<{ results: Ticket[] }>("/api/v2/search.json?per_page=10&sort_by=updated_at&sort_order=desc&query=" + encodeURIComponent("type:ticket requester:" + ticket.requester_id)) });
	const target = useQuery({ queryKey: ["merge", id], enabled: id > 0 && id !== ticket.id, retry: false, queryFn: () => get<WithUsers>("/api/v2/tickets/" + id + ".json?include=users,comment_count") });
	const into = target.data?.ticket, closed = into?.status === "closed", stranger = into && into.requester_id !== ticket.requester_id;
	const words = comment ?? t("workspace.mergeComment", { id: ticket.id });
	const merge = async () => {
		setBusy(true);
		try {
			const { job_status } = await post("/api/v2/tickets/" + into!.id + "/merge.json", { ids: [ticket.id], target_comment: words, target_comment_is_public: isPublic, source_comment: t("workspace.mergedInto", { id: into!.id }), source_comment_is_public: isPublic });
			const done = await waitFor(job_status.id);
			if (done.status !== "completed" || (done.results || []).some((r: any) => r.success === false)) throw new Error("merge");
			say(t("workspace.merged", { id: ticket.id, into: into!.id }));
			onClose();
			go("/agent/tickets/" + into!.id);
		} catch (e) {
			fault(e);
			setBusy(false);
		}
	};
	return (
		<Box title={t("workspace.merge")} onClose={onClose}>
			<label className="field"><span>{t("workspace.mergeInto")}</span><input id="merge-into" autoFocus inputMode="numeric" value={number} placeholder="#123" onChange={(e) => setNumber(e.target.value)} /></label>
			{!into && others.data ? (
				<ul className="plain-list" aria-label={t("ticket.others")}>{others.data.results.filter((o) => o.id !== ticket.id && o.status !== "closed").slice(0, 5).map((o) => (
					<li key={o.id} className="row"><Status status={o.status} /><span className="grow wrap" dir="auto">{o.subject || t("ticket.noSubject")}</span><button type="button" className="tag" onClick={() => setNumber(String(o.id))}>#{o.id}</button></li>
				))}</ul>
			) : null}
			{target.error ? <p className="leaving" role="alert">{t("error.absent")}</p> : null}
			{id === ticket.id ? <p className="leaving" role="alert">{t("workspace.mergeSelf")}</p> : null}
			{into ? (
				<div className="stack" id="merge-preview">
					<div className="row top-aligned"><Card title={t("workspace.mergeCloses")} of={{ ticket, users: requester ? [requester] : [] }} /><span aria-hidden="true">→</span><Card title={t("workspace.mergeStays")} of={target.data!} /></div>
					{stranger ? <p className="leaving" role="alert">{t("workspace.mergeStranger")}</p> : null}
					{closed ? <p className="leaving" role="alert">{t("ticket.closed")}</p> : null}
					<p>{t("workspace.mergeWhat", { id: ticket.id, into: into.id })}</p>
					<label className="field"><span>{t("workspace.mergeSays", { id: into.id })}</span><textarea rows={3} value={words} onChange={(e) => setComment(e.target.value)} /></label>
					<label className="row"><input type="checkbox" checked={isPublic} onChange={(e) => setPublic(e.target.checked)} /> {t("workspace.mergePublic")}</label>
				</div>
			) : null}
			<div className="row"><Button isPrimary isDanger id="merge-go" disabled={!into || closed || busy} onClick={merge}>{t("workspace.mergeGo")}</Button><Button onClick={onClose}>{t("cancel")}</Button></div>
		</Box>
	);
}

export function Split({ ticket, comment, author, onClose }: { ticket: Ticket; comment: Comment; author?: User; onClose(): void }) {
	const { t } = useTranslation();
	const [, go] = useLocation();
	const { say, fault } = useSays();
	const [subject, setSubject] = useState(ticket.subject || "");
	const [busy, setBusy] = useState(false);
	const split = async () => {
		setBusy(true);
		try {
			const r = await post<{ ticket: Ticket }>("/api/ward/v1/tickets/" + ticket.id + "/split", { comment_id: comment.id, subject });
			say(t("workspace.splitDone", { id: r.ticket.id }));
			onClose();
			go("/agent/tickets/" + r.ticket.id);
		} catch (e) {
			fault(e);
			setBusy(false);
		}
	};
	return (
		<Box title={t("workspace.split")} onClose={onClose}>
			<p>{t("workspace.splitWhat", { id: ticket.id })}</p>
			<div className="card stack"><span className="soft"><Name>{author?.name || t("ticket.somebody")}</Name> · <Time at={comment.created_at} /></span><div className="pre clip" dir="auto">{comment.body}</div>
				{comment.attachments?.length ? <span className="soft">{t("workspace.files", { count: comment.attachments.length })}</span> : null}</div>
			<label className="field"><span>{t("field.subject")}</span><input id="split-subject" autoFocus value={subject} dir="auto" onChange={(e) => setSubject(e.target.value)} /></label>
			<div className="row"><Button isPrimary id="split-go" disabled={busy || !subject.trim()} onClick={split}>{t("workspace.splitGo")}</Button><Button onClick={onClose}>{t("cancel")}</Button></div>
		</Box>
	);
}
