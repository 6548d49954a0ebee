// What goes for good is shown before it goes.
import { Button } from "@zendeskgarden/react-buttons";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { put, Refused, type Comment, type Ticket } from "../api";
import { Box } from "../ui/box";
import { useSays } from "../ui/says";

export function Redact({ ticket, text: first, comments, allowed, onClose, onDone }: { ticket: Ticket; text: string; comments: Comment[]; allowed: boolean; onClose(): void; onDone(): Promise<unknown> }) {
	const { t } = useTranslation();
	const { say, fault } = useSays();
	const [text, setText] = useState(first);
	const [busy, setBusy] = useState(false);
	const has = useMemo(() => text.trim() ? comments.filter((c) => c.body.includes(text)) : [], [text, comments]);
	const count = has.reduce((n, c) => n + c.body.split(text).length - 1, 0);
	const go = async () => {
		setBusy(true);
		try {
			for (const c of has) await put("/api/v2/tickets/" + ticket.id + "/comments/" + c.id + "/redact.json", { text });
			say(t("redact.done"));
			onClose();
		} catch (e) {
			if (e instanceof Refused && e.status === 403) say(t("redact.denied"));
			else fault(e);
		}
		setBusy(false);
		await onDone();
	};
	return (
		<Box title={t("redact.title")} onClose={onClose}>
			<label className="field"><span>{t("redact.what")}</span><input id="what" autoFocus autoComplete="off" dir="auto" value={text} onChange={(e) => setText(e.target.value)} /></label>
			<p aria-live="polite" id="sure-text">{!text.trim() ? t("redact.choose") : count === 0 ? t("redact.none") : t("redact.sure", { count })}</p>
			{has.length ? (
				<ul className="stack" style={{ listStyle: "none", padding: 0, maxHeight: 200, overflow: "auto" }} aria-label={t("redact.preview")}>
					{has.map((c) => {
						const i = c.body.indexOf(text), from = Math.max(0, i - 40);
						return <li key={c.id} className="card pre" dir="auto">{from ? "…" : ""}{c.body.slice(from, i)}<del style={{ background: "var(--id)" }}>{text}</del>{c.body.slice(i + text.length, i + text.length + 40)}</li>;
					})}
				</ul>
			) : null}
			{!allowed ? <p className="soft">{t("redact.maybeDenied")}</p> : null}
			<div className="row"><Button isPrimary isDanger id="sure-yes" disabled={busy || count === 0} onClick={go}>{t("redact.go")}</Button><Button onClick={onClose}>{t("redact.keep")}</Button></div>
		</Box>
	);
}
