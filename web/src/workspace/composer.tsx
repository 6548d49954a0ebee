// Where an agent writes. What would leave is scanned while it is typed.
import { useQuery } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import { forwardRef, useCallback, useEffect, useImperativeHandle, useMemo, useRef, useState, type DragEvent } from "react";
import { useTranslation } from "react-i18next";
import { call, get, post, put, Refused, type Finding, type Ticket, type User } from "../api";
import { useMe } from "../session";
import { Choice, Name } from "../ui/bits";
import { Marked, pieces } from "../ui/marked";
import { useSays } from "../ui/says";
import { fileName } from "./comment";

export interface ComposerHandle { focus(isPublic: boolean): void }
interface Upload { token: string; name: string; size: number }
interface Macro { id: number; title: string; actions: { field: string; value: unknown }[] }

// What was begun stays while the page is open, for the same person and ticket only.
const drafts = new Map<string, { text: string; isPublic: boolean }>();
const STATUSES = ["open", "pending", "hold", "solved"];

export function useScan(text: string, on: boolean) {
	const [found, setFound] = useState<{ text: string; findings: Finding[] }>({ text: "", findings: [] });
	useEffect(() => {
		if (!on || !text.trim()) {
			setFound({ text: "", findings: [] });
			return;
		}
		let gone = false;
		const timer = setTimeout(() => {
			post("/api/ward/v1/phi/scan", { text }).then((r) => { if (!gone) setFound({ text, findings: r.findings }); }, () => undefined);
		}, 300);
		return () => {
			gone = true;
			clearTimeout(timer);
		};
	}, [text, on]);
	return found.text === text ? found.findings : [];
}

export const Composer = forwardRef<ComposerHandle, { ticket: Ticket; requester?: User; onSent(): Promise<unknown> }>(function Composer({ ticket, requester, onSent }, ref) {
	const { t } = useTranslation();
	const me = useMe();
	const { say, fault } = useSays();
	const key = me.id + "/" + ticket.id;
	const [text, setText] = useState(() => drafts.get(key)?.text || "");
	const [isPublic, setPublic] = useState(() => drafts.get(key)?.isPublic ?? true);
	const [status, setStatus] = useState("");
	const [uploads, setUploads] = useState<Upload[]>([]);
	const [asked, setAsked] = useState(false);
	const [busy, setBusy] = useState(false);
	const [macro, setMacro] = useState<{ title: string; result: any } | null>(null);
	const area = useRef<HTMLTextAreaElement>(null), behind = useRef<HTMLDivElement>(null), file = useRef<HTMLInputElement>(null);
	const found = useScan(text, true);
	const macros = useQuery({ queryKey: ["macros"], staleTime: 60000, queryFn: () => get<{ macros: Macro[] }>("/api/v2/macros/active.json?per_page=100") });

	useImperativeHandle(ref, () => ({ focus(pub) { setPublic(pub); area.current?.focus(); } }), []);
	useEffect(() => {
		if (text) drafts.set(key, { text, isPublic });
		else drafts.delete(key);
	}, [key, text, isPublic]);
	useEffect(() => {
		const leave = (e: BeforeUnloadEvent) => { if (text) e.preventDefault(); };
		window.addEventListener("beforeunload", leave);
		return () => window.removeEventListener("beforeunload", leave);
	}, [text]);

	const add = useCallback(async (files: FileList | File[]) => {
		for (const f of Array.from(files)) {
			try {
				const r = await call("POST", "/api/v2/uploads.json?filename=" + encodeURIComponent(f.name || "file"), undefined, { type: f.type || "application/octet-stream", data: f });
				setUploads((u) => [...u, { token: r.upload.token, name: f.name || "file", size: f.size }]);
			} catch (e) {
				fault(e);
			}
		}
	}, [fault]);

	const send = async (anyway = false) => {
		if (busy) return;
		if (!text.trim() && !status && !uploads.length) {
			say(t("compose.empty"));
			area.current?.focus();
			return;
		}
		setBusy(true);
		try {
			if (isPublic && text.trim() && !anyway) {
				const { findings } = await post("/api/ward/v1/phi/scan", { text });
				if (findings.length) {
					setAsked(true);
					setBusy(false);
					return;
				}
			}
			const change: Record<string, unknown> = {};
			if (text.trim() || uploads.length) change.comment = { body: text.trim() ? text : t("compose.attached"), public: isPublic, ...(uploads.length ? { uploads: uploads.map((u) => u.token) } : {}) };
			if (status) change.status = status;
			await put("/api/v2/tickets/" + ticket.id + ".json", { ticket: change });
			drafts.delete(key);
			setText("");
			setUploads([]);
			setStatus("");
			setAsked(false);
			await onSent();
			say(!change.comment ? t("ticket.saved") : isPublic ? t("compose.sent") : t("compose.noted"));
			setPublic(true);
		} catch (e) {
			if (!(e instanceof Refused && e.status === 401)) fault(e);
		}
		setBusy(false);
	};
	const mask = () => {
		setText(pieces(text, found).map((p) => p.finding ? "[" + p.finding.label + "]" : p.text).join(""));
		setAsked(false);
		area.current?.focus();
	};
	const drop = (e: DragEvent) => {
		e.preventDefault();
		if (e.dataTransfer.files.length) add(e.dataTransfer.files);
	};
	const pickMacro = async (id: string) => {
		if (!id) return;
		try {
			const r = await get("/api/v2/tickets/" + ticket.id + "/macros/" + id + "/apply.json");
			setMacro({ title: macros.data!.macros.find((m) => String(m.id) === id)!.title, result: r.result });
		} catch (e) {
			fault(e);
		}
	};
	const useMacro = async () => {
		const { ticket: change } = macro!.result;
		if (change.comment?.body) {
			setText((now) => (now ? now + "\n" : "") + change.comment.body);
			if (change.comment.public !== undefined) setPublic(!!change.comment.public);
		}
		if (STATUSES.includes(change.status)) setStatus(change.status);
		const rest: Record<string, unknown> = {};
		for (const f of ["priority", "type", "assignee_id", "group_id", "tags"]) if (change[f] !== undefined && JSON.stringify(change[f]) !== JSON.stringify((ticket as any)[f])) rest[f] = change[f];
		setMacro(null);
		if (Object.keys(rest).length) {
			try {
				await put("/api/v2/tickets/" + ticket.id + ".json", { ticket: rest });
				await onSent();
			} catch (e) {
				fault(e);
			}
		}
		area.current?.focus();
	};
	const kinds = useMemo(() => [...new Set(found.map((f) => t("kind." + f.label, f.label)))].join(", "), [found, t]);
	return (
		<form className={"compose" + (isPublic ? "" : " note")} id="reply" onSubmit={(e) => { e.preventDefault(); send(); }} onDragOver={(e) => e.preventDefault()} onDrop={drop}>
			<div className="row between">
				<div className="row" role="radiogroup" aria-label={t("compose.who")}>
					<label className="row"><input type="radio" name="kind" value="public" checked={isPublic} onChange={() => { setPublic(true); setAsked(false); }} /> {t("compose.public")}</label>
					<label className="row"><input type="radio" name="kind" value="note" checked={!isPublic} onChange={() => { setPublic(false); setAsked(false); }} /> {t("compose.note")}</label>
					{isPublic && requester ? <span className="soft">{t("compose.to")} <Name>{requester.name}</Name></span> : null}
				</div>
				{macros.data?.macros.length ? (
					<select className="plain-select" aria-label={t("macro.apply")} value="" onChange={(e) => pickMacro(e.target.value)}>
						<option value="">{t("macro.apply")}</option>
						{macros.data.macros.map((m) => <option key={m.id} value={m.id}>{m.title}</option>)}
					</select>
				) : null}
			</div>
			{macro ? (
				<div className="card stack" role="region" aria-label={t("macro.preview", { title: macro.title })} style={{ marginTop: 8 }}>
					<strong>{t("macro.preview", { title: macro.title })}</strong>
					{macro.result.ticket.comment?.body ? <div className="pre" dir="auto">{macro.result.ticket.comment.body}</div> : null}
					<dl className="facts">
						{["status", "priority", "type"].filter((f) => macro.result.ticket[f] && macro.result.ticket[f] !== (ticket as any)[f]).map((f) => [<dt key={f}>{t("field." + f)}</dt>, <dd key={f + "v"}>{String(macro.result.ticket[f])}</dd>])}
						{macro.result.ticket.tags && macro.result.ticket.tags.join(" ") !== ticket.tags.join(" ") ? <><dt>{t("field.tags")}</dt><dd>{macro.result.ticket.tags.join(" ")}</dd></> : null}
					</dl>
					<div className="row"><Button size="small" isPrimary onClick={useMacro}>{t("macro.use")}</Button><Button size="small" onClick={() => setMacro(null)}>{t("cancel")}</Button></div>
				</div>
			) : null}
			<div className="typed">
				<div className="behind" aria-hidden="true" ref={behind}><Marked text={text + "\n"} findings={found} /></div>
				<textarea id="text" ref={area} dir="auto" aria-label={isPublic ? t("compose.public") : t("compose.note")} aria-describedby="typed-says" value={text}
					onChange={(e) => { setText(e.target.value); setAsked(false); }}
					onScroll={(e) => { if (behind.current) behind.current.scrollTop = e.currentTarget.scrollTop; }}
					onPaste={(e) => { if (e.clipboardData.files.length) { e.preventDefault(); add(e.clipboardData.files); } }}
					onKeyDown={(e) => { if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) { e.preventDefault(); send(); } }} />
			</div>
			<p id="typed-says" className="soft" aria-live="polite">{found.length && !asked ? (isPublic ? t("compose.leaves", { count: found.length, kinds }) : t("compose.holds", { count: found.length, kinds })) : ""}</p>
			{uploads.length ? <ul className="files">{uploads.map((u) => <li key={u.token} className="tag"><Name>{fileName(u.name)}</Name> <button type="button" aria-label={t("compose.drop", { name: u.name })} onClick={() => { setUploads(uploads.filter((x) => x !== u)); call("DELETE", "/api/v2/uploads/" + u.token + ".json").catch(() => undefined); }}>×</button></li>)}</ul> : null}
			{asked ? (
				<div className="leaving stack" role="alert" id="leaving">
					<strong>{t("compose.stop", { count: found.length })}</strong>
					<div className="pre" dir="auto"><Marked text={text} findings={found} /></div>
					<div className="row">
						<Button size="small" onClick={mask}>{t("compose.mask")}</Button>
						<Button size="small" onClick={() => { setPublic(false); setAsked(false); }}>{t("compose.toNote")}</Button>
						<Button size="small" isDanger onClick={() => send(true)}>{t("compose.anyway")}</Button>
					</div>
				</div>
			) : null}
			<div className="row between">
				<div className="row">
					<input ref={file} type="file" multiple hidden onChange={(e) => { if (e.target.files) add(e.target.files); e.target.value = ""; }} />
					<Button size="small" isBasic onClick={() => file.current?.click()}>{t("compose.attach")}</Button>
				</div>
				<div className="row">
					<Choice label={t("field.status")} hideLabel value={status} onChange={setStatus} options={[["", t("compose.asItIs")], ...STATUSES.map((s) => [s, t("compose.as", { status: t("status." + s) })] as [string, string])]} />
					<Button isPrimary type="submit" id="send" disabled={busy}>{isPublic ? t("compose.send") : t("compose.addNote")}</Button>
				</div>
			</div>
		</form>
	);
});
