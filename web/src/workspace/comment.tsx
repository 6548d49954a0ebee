// One message. HTML from a mail is shown only when asked for, washed, in a
// frame that may do nothing and load nothing.
import { Avatar } from "@zendeskgarden/react-avatars";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Comment, Finding, User } from "../api";
import { Name, Time } from "../ui/bits";
import { Marked } from "../ui/marked";
import { number } from "../words";

const Frame = lazy(() => import("./frame"));

// A direction mark in a file name hides what kind of file it is, so it is shown as a sign.
export const fileName = (name: string) => name.replace(/[\u202a-\u202e\u2066-\u2069\u200e\u200f]/g, "\ufffd");

const plainHtml = (html?: string) => !html || !/<(?!\/?(p|br|div|span)\b)[a-z]/i.test(html);

export function Said({ comment: c, author, findings, onPick }: { comment: Comment; author?: User; findings: Finding[]; onPick?(text: string): void }) {
	const { t } = useTranslation();
	const [html, setHtml] = useState(false);
	const name = author?.name || t("ticket.somebody");
	return (
		<li className={c.public ? undefined : "note"} data-comment={c.id}>
			<Avatar size="small" aria-hidden="true" backgroundColor={author?.role === "end-user" ? "#5c6970" : "#03363d"}><Avatar.Text>{name.slice(0, 1).toUpperCase()}</Avatar.Text></Avatar>
			<div>
				<div className="by"><strong><Name>{name}</Name></strong>{c.public ? null : <span className="tag">{t("ticket.note")}</span>}
					<span className="soft"><Time at={c.created_at} />{c.via ? " · " + t("via." + c.via.channel, c.via.channel) : ""}</span>
					{!plainHtml(c.html_body) ? <button type="button" className="tag" aria-pressed={html} onClick={() => setHtml(!html)}>{html ? t("ticket.asText") : t("ticket.asHtml")}</button> : null}
				</div>
				{html ? <Suspense fallback={null}><Frame html={c.html_body!} /></Suspense>
					: <div className="pre body" dir="auto"><Marked text={c.plain_body && !c.body ? c.plain_body : c.body} findings={findings} onPick={onPick ? (text) => onPick(text) : undefined} /></div>}
				{c.attachments?.length ? (
					<ul className="files">{c.attachments.map((a) => (
						<li key={a.id} className="tag"><a href={new URL(a.content_url, location.href).pathname + new URL(a.content_url, location.href).search} download=""><Name>{fileName(a.file_name)}</Name></a> {number(Math.ceil(a.size / 1024))} KB</li>
					))}</ul>
				) : null}
			</div>
		</li>
	);
}
