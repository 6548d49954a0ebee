// One message. Rich text of ours is shown in place; HTML from a mail only when
// asked for, washed, in a frame that may do nothing and load nothing.
import { Avatar } from "@zendeskgarden/react-avatars";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Comment, Finding, User } from "../api";
import { Name, Time } from "../ui/bits";
import { Marked } from "../ui/marked";
import { number } from "../words";

const Frame = lazy(() => import("./frame"));
const Rich = lazy(() => import("./rich"));

// A direction mark in a file name hides what kind of file it is, so it is shown as a sign.
export const fileName = (name: string) => name.replace(/[\u202a-\u202e\u2066-\u2069\u200e\u200f]/g, "\ufffd");

const plainHtml = (html?: string) => !html || !/<(?!\/?(p|br|div|span)\b)[a-z]/i.test(html);

export interface Treated { treatment: string; label: string; field: string }

export function Said({ comment: c, author, findings, policy, onPick, onSplit }: { comment: Comment; author?: User; findings: Finding[]; policy?: Treated[]; onPick?(text: string): void; onSplit?(): void }) {
	const { t } = useTranslation();
	const rich = !plainHtml(c.html_body), ours = rich && c.via?.channel !== "email";
	const [html, setHtml] = useState(false);
	const name = author?.name || t("ticket.somebody");
	const text = c.plain_body && !c.body ? c.plain_body : c.body;
	const plain = <div className="pre body" dir="auto"><Marked text={text} findings={findings} onPick={onPick ? (w) => onPick(w) : undefined} /></div>;
	return (
		<li className={c.public ? undefined : "note"} data-comment={c.id}>
			<Avatar size="small" aria-hidden="true" backgroundColor={author?.role === "end-user" ? "#5c6970" : "#03363d"}><Avatar.Text>{name.slice(0, 1).toUpperCase()}</Avatar.Text></Avatar>
			<div>
				<div className="by"><strong><Name>{name}</Name></strong>{c.public ? null : <span className="tag">{t("ticket.note")}</span>}
					<span className="soft"><Time at={c.created_at} />{c.via ? " · " + t("via." + c.via.channel, c.via.channel) : ""}</span>
					{rich && !ours ? <button type="button" className="tag" aria-pressed={html} onClick={() => setHtml(!html)}>{html ? t("ticket.asText") : t("ticket.asHtml")}</button> : null}
					{(policy || []).map((p, i) => <span key={i} className={"tag did did-" + p.treatment}>{t("workspace.did." + p.treatment, { kind: t("kind." + p.label, p.label) })}</span>)}
					{onSplit ? <button type="button" className="quiet" onClick={onSplit} aria-label={t("workspace.splitOf", { name })}>{t("workspace.splitShort")}</button> : null}
				</div>
				{html && !ours ? <Suspense fallback={null}><Frame html={c.html_body!} /></Suspense>
					: ours ? <Suspense fallback={plain}><Rich html={c.html_body!} body={text} findings={findings} onPick={onPick} /></Suspense> : plain}
				{c.attachments?.length ? (
					<ul className="files">{c.attachments.map((a) => (
						<li key={a.id} className="tag"><a href={new URL(a.content_url, location.href).pathname + new URL(a.content_url, location.href).search} download=""><Name>{fileName(a.file_name)}</Name></a> {number(Math.ceil(a.size / 1024))} KB</li>
					))}</ul>
				) : null}
			</div>
		</li>
	);
}
