// One message. Rich text of ours is shown in place; HTML from a mail only when
// asked for, washed, in a frame that may do nothing and load nothing.
import { Avatar } from "@zendeskgarden/react-avatars";
import { lazy, Suspense, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Attachment, Comment, Finding, User } from "../api";
import { Name, Time } from "../ui/bits";
import { Marked } from "../ui/marked";
import { number } from "../words";

const Frame = lazy(() => import("./frame"));
const Rich = lazy(() => import("./rich"));

// A direction mark in a file name hides what kind of file it is, so it is shown as a sign.
export const fileName = (name: string) => name.replace(/[\u202a-\u202e\u2066-\u2069\u200e\u200f]/g, "\ufffd");

// Where what is only quoted begins: the last lines that all are, with the line that says of whom.
export function quotedFrom(text: string): number {
	const lines = text.split("\n");
	let n = lines.length;
	while (n > 0 && (/^\s*>/.test(lines[n - 1]) || !lines[n - 1].trim())) n--;
	if (!lines.slice(n).some((l) => /^\s*>/.test(l))) return text.length;
	if (n > 0 && /:\s*$/.test(lines[n - 1])) n--;
	return n > 0 && lines.slice(0, n).some((l) => l.trim()) ? lines.slice(0, n).join("\n").length : text.length;
}

const plainHtml = (html?: string) => !html || !/<(?!\/?(p|br|div|span)\b)[a-z]/i.test(html);

const path = (a: Attachment) => new URL(a.content_url, location.href).pathname + new URL(a.content_url, location.href).search;

export interface Treated { treatment: string; label: string; field: string }

export function Said({ comment: c, author, findings, policy, masked, onPick, onSplit }: { masked?: boolean; comment: Comment; author?: User; findings: Finding[]; policy?: Treated[]; onPick?(text: string): void; onSplit?(): void }) {
	const { t } = useTranslation();
	const rich = !plainHtml(c.html_body), ours = rich && c.via?.channel !== "email";
	const [html, setHtml] = useState(false);
	// Pictures of a mail stand in it, where they may be seen: the server shows as one only what is one.
	const all = masked ? [] : (c.attachments || []).filter((a) => a.inline && /^image\/(png|jpeg|gif|webp)$/.test(a.content_type));
	// As the mail was sent they stand where it puts them; below stand the others.
	const placed = rich && !ours && html ? all.filter((a) => /\?link=/.test(a.content_url) && c.html_body!.includes(path(a).replace(/\?.*/, "?"))) : [];
	const pictures = all.filter((a) => !placed.includes(a));
	const name = author?.name || t("ticket.somebody");
	const text = c.plain_body && !c.body ? c.plain_body : c.body;
	const [whole, setWhole] = useState(false);
	const cut = useMemo(() => quotedFrom(text), [text]), bytes = useMemo(() => new TextEncoder().encode(text.slice(0, cut)).length, [text, cut]);
	const shown = useMemo(() => whole || cut === text.length ? findings : findings.filter((f) => f.end <= bytes), [whole, cut, text, findings, bytes]);
	const plain = (
		<>
			<div className="pre body" dir="auto"><Marked text={whole ? text : text.slice(0, cut)} findings={shown} onPick={onPick ? (w) => onPick(w) : undefined} /></div>
			{cut < text.length ? <button type="button" className="tag" aria-expanded={whole} onClick={() => setWhole(!whole)}>{whole ? t("ticket.unquote") : t("ticket.quoted")}{!whole && findings.length > shown.length ? " · " + t("phi.count", { count: findings.length - shown.length }) : ""}</button> : null}
		</>
	);
	return (
		<li className={c.public ? undefined : "note"} data-comment={c.id} aria-label={name}>
			<Avatar size="small" aria-hidden="true" backgroundColor={author?.role === "end-user" ? "#5c6970" : "#03363d"}><Avatar.Text>{name.slice(0, 1).toUpperCase()}</Avatar.Text></Avatar>
			<div>
				<div className="by"><strong><Name>{name}</Name></strong>{c.public ? null : <span className="tag">{t("ticket.note")}</span>}
					{c.metadata?.trusted === false ? <span className="tag did did-hold">{t("ticket.unverified")}</span> : null}
					<span className="soft"><Time at={c.created_at} />{c.via ? " · " + t("via." + c.via.channel, c.via.channel) : ""}</span>
					{rich && !ours ? <button type="button" className="tag" aria-pressed={html} onClick={() => setHtml(!html)}>{html ? t("ticket.asText") : t("ticket.asHtml")}</button> : null}
					{(policy || []).map((p, i) => <span key={i} className={"tag did did-" + p.treatment}>{t("workspace.did." + p.treatment, { kind: t("kind." + p.label, p.label) })}</span>)}
					{onSplit ? <button type="button" className="quiet" onClick={onSplit} aria-label={t("workspace.splitOf", { name })}>{t("workspace.splitShort")}</button> : null}
				</div>
				{html && !ours ? <Suspense fallback={null}><Frame html={c.html_body!} pictures={placed.map((a) => a.content_url)} /></Suspense>
					: ours ? <Suspense fallback={plain}><Rich html={c.html_body!} body={text} findings={findings} onPick={onPick} /></Suspense> : plain}
				{pictures.length ? <div className="pictures">{pictures.map((a) => <img key={a.id} src={path(a)} alt={fileName(a.file_name)} loading="lazy" />)}</div> : null}
				{c.attachments?.length ? (
					<ul className="files">{c.attachments.map((a) => (
						<li key={a.id} className="tag"><a href={path(a)} download=""><Name>{fileName(a.file_name)}</Name></a> {number(Math.ceil(a.size / 1024))} KB</li>
					))}</ul>
				) : null}
			</div>
		</li>
	);
}
