// Where an agent writes: to a ticket, or the first words of one that is about to
// be made. What would leave is scanned while it is typed, and kept on the server,
// so that any browser goes on with it.
import { useQuery } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import { forwardRef, lazy, memo, Suspense, useCallback, useEffect, useImperativeHandle, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { beforeLeaving, call, del, get, post, put, Refused, signedIn, type Finding, type Ticket } from "../api";
import { useMe } from "../session";
import { Acting, Choice, Name } from "../ui/bits";
import { Marked } from "../ui/marked";
import { useSays } from "../ui/says";
import { fileName } from "./comment";
import type { EditorHandle } from "./editor";
import { useWorkspace } from "./context";
import { MACROS } from "./ready";
import { after, setAfter, type After } from "./round";

const Editor = lazy(() => import("./editor"));

// What somebody else wrote since one began to write.
export interface Came { id: number; name: string; text: string; isPublic: boolean }
const NOBODY_CAME: Came[] = [];

export interface ComposerHandle { focus(isPublic: boolean): void }
interface Upload { token: string; names: string[] }
interface SecureWish { question: string; answer: string; hours: string }
export interface Macro { id: number; title: string; actions: { field: string; value: unknown }[] }
// A ticket that is not there yet: what its page keeps beside the words, and how it is made of them.
export interface Making {
	fields: Record<string, unknown>;                     // {}: nothing was begun
	taken(fields: Record<string, unknown>): void;        // those of the draft that was found
	holders: Record<string, string>;                     // placeholders with a value already
	missing(): string;                                   // what to say when it cannot be made yet
	apply(change: Record<string, any>): void;            // of a macro
	make(change: Record<string, unknown>): Promise<unknown>;
}
interface Draft { fields?: Record<string, unknown>; version: number; public: boolean; body: string; html_body: string; updated_at: string; uploads: { token: string; attachments: { file_name: string }[] }[] }

const filesOf = (d: Draft): Upload[] => d.uploads.map((u) => ({ token: u.token, names: u.attachments.map((a) => a.file_name) }));

// What was typed after the last save, should the session end in between; for the same person and ticket only.
const unsaved = new Map<string, { html: string; text: string; isPublic: boolean; uploads: Upload[]; fields?: Record<string, unknown> }>();
const STATUSES = ["open", "pending", "hold", "solved"];
const CHANGES = ["priority", "type", "assignee_id", "group_id", "tags", "subject", "ticket_form_id", "custom_fields"];
const SAVE_AFTER = 1200, TRY_AGAIN = 4000;
export const PLACEHOLDERS = ["ticket.requester.first_name", "ticket.requester.name", "ticket.requester.email", "ticket.id", "ticket.title", "ticket.status", "ticket.priority", "ticket.url", "ticket.group.name", "ticket.organization.name", "ticket.assignee.name",
	"ticket.created_at", "current_user.name", "current_user.first_name", "current_user.signature"];

const HOLDER = /\{\{[^{}]{1,80}\}\}/g;
const holderOf = (h: string) => h.slice(2, -2).trim();

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
	return useMemo(() => found.text === text ? found.findings : [], [found, text]);
}

export const Composer = memo(forwardRef<ComposerHandle, { ticket?: Ticket; making?: Making; requester?: { name: string }; onSent(): Promise<unknown>; onLeft?(): Promise<unknown>; came?: Came[]; onTyping?(typing: boolean): void }>(function Composer({ ticket, making, requester, onSent, onLeft, came = NOBODY_CAME, onTyping }, ref) {
	const { t } = useTranslation();
	const me = useMe();
	const { say, fault } = useSays();
	const key = me.id + "/" + (ticket?.id || "new"), path = "/api/ward/v1" + (ticket ? "/tickets/" + ticket.id : "");
	const [text, setText] = useState(() => unsaved.get(key)?.text || "");
	const [isPublic, setPublic] = useState(() => unsaved.get(key)?.isPublic ?? true);
	const [first, setFirst] = useState<{ html: string; text: string } | null | undefined>(() => unsaved.get(key));
	const [elsewhere, setElsewhere] = useState<Draft | null>(null);
	const [saved, setSaved] = useState<"" | "saving" | "saved" | "away">("");
	const [then, setThen] = useState<After>(after);
	const [read, setRead] = useState(0);                         // of what came, what was shown before sending
	const [status, setStatus] = useState("");
	const [uploads, setUploads] = useState<Upload[]>(() => unsaved.get(key)?.uploads || []);
	const [asked, setAsked] = useState(false);
	const [busy, setBusy] = useState(false);
	const [macro, setMacro] = useState<{ id: number; title: string; result: any } | null>(null);
	const [link, setLink] = useState<SecureWish | null>(null);
	const [meanwhile, setMeanwhile] = useState(false);
	const [preview, setPreview] = useState<string | null>(null);
	const editor = useRef<EditorHandle>(null), file = useRef<HTMLInputElement>(null);
	const version = useRef(0), timer = useRef(0), state = useRef({ isPublic, uploads, sending: false }), wanted = useRef(false);
	state.current.isPublic = isPublic;
	state.current.uploads = uploads;
	const made = useRef(making), noted = useRef("{}"), fields = JSON.stringify(making?.fields || {});
	made.current = making;
	const [open, setOpen] = useState(false);                     // the editor is there
	const found = useScan(text, true);
	const macros = useQuery(MACROS), space = useWorkspace(ticket);
	const offered = space?.selected_macros.length ? space.selected_macros : macros.data?.macros || [];

	// ---- the draft

	useEffect(() => {
		let gone = false;
		if (unsaved.get(key)?.fields) made.current?.taken(unsaved.get(key)!.fields!);
		get<{ draft: Draft | null }>(path + "/draft").then(({ draft }) => {
			if (gone) return;
			version.current = draft?.version || 0;
			if (unsaved.has(key)) return;
			if (draft) {
				noted.current = JSON.stringify(draft.fields || {});
				made.current?.taken(draft.fields || {});
				setPublic(draft.public);
				setText(draft.body);
				setUploads(filesOf(draft));
				setSaved("saved");
			}
			setFirst(draft ? { html: draft.html_body, text: draft.body } : null);
		}, () => { if (!gone && !unsaved.has(key)) setFirst(null); });
		return () => {
			gone = true;
		};
	}, [path, key]);

	const save = useCallback(async () => {
		clearTimeout(timer.current);
		timer.current = 0;
		const e = editor.current, mine = unsaved.get(key);
		if (state.current.sending || !mine || !e) return;
		const empty = !mine.text.trim() && !mine.uploads.length && !Object.keys(mine.fields || {}).length;
		try {
			if (empty) {
				if (version.current) await del(path + "/draft");
				version.current = 0;
			} else {
				setSaved((s) => s === "away" ? s : "saving");
				const r = await put<{ draft: Draft }>(path + "/draft", { draft: { ...(mine.html ? { html_body: mine.html } : { body: mine.text }), public: mine.isPublic, uploads: mine.uploads.map((u) => u.token), ...(mine.fields ? { fields: mine.fields } : {}), version: version.current } });
				version.current = r.draft.version;
			}
			if (unsaved.get(key) === mine) unsaved.delete(key);
			setSaved(empty ? "" : "saved");
		} catch (err) {
			// Not here, but not lost: it is tried again until the server takes it.
			const away = err instanceof Refused && (err.status === 0 || err.status >= 500);
			setSaved(away ? "away" : "");
			if (away) timer.current = window.setTimeout(save, TRY_AGAIN);
			if (err instanceof Refused && err.status === 409 && !state.current.sending)
				get<{ draft: Draft | null }>(path + "/draft").then(({ draft }) => {
					version.current = draft?.version || 0;
					if (draft) setElsewhere(draft);
					else if (unsaved.has(key)) later();
				}, () => undefined);
		}
		// eslint-disable-next-line react-hooks/exhaustive-deps
	}, [path, key]);
	const later = useCallback(() => {
		clearTimeout(timer.current);
		timer.current = window.setTimeout(save, SAVE_AFTER);
	}, [save]);
	const changed = useCallback(() => {
		const e = editor.current!;
		setText(e.text());
		setAsked(false);
		setPreview(null);
		onTyping?.(e.text().trim() !== "");
		unsaved.set(key, { html: e.rich() ? e.html() : "", text: e.plain(), isPublic: state.current.isPublic, uploads: state.current.uploads, fields: made.current?.fields });
		later();
	}, [key, later, onTyping]);
	useEffect(() => { if (open && unsaved.has(key)) later(); }, [open, key, later]);
	useEffect(() => {
		if (!open || fields === noted.current) return;
		noted.current = fields;
		changed();
	}, [fields, open, changed]);
	const choose = (pub: boolean) => {
		setPublic(pub);
		setAsked(false);
		state.current.isPublic = pub;
		if (editor.current && (text.trim() || uploads.length)) changed();
	};
	const keepFiles = useCallback((next: Upload[]) => {
		setUploads(next);
		state.current.uploads = next;
		if (editor.current) changed();
	}, [changed]);
	useEffect(() => {
		const rest = async () => { if (timer.current && signedIn()) await save(); };
		const forget = beforeLeaving(rest);
		return () => {
			forget();
			rest();
			clearTimeout(timer.current);
		};
	}, [save]);
	useEffect(() => { onTyping?.(text.trim() !== ""); }, [onTyping, text]);
	useEffect(() => {
		const leave = (e: BeforeUnloadEvent) => { if (unsaved.has(key) && text.trim()) { save(); e.preventDefault(); } };
		window.addEventListener("beforeunload", leave);
		return () => window.removeEventListener("beforeunload", leave);
	}, [key, text, save]);

	const ready = (h: EditorHandle | null) => {
		(editor as { current: EditorHandle | null }).current = h;
		setOpen(!!h);
		if (h && wanted.current) {
			wanted.current = false;
			h.focus();
		}
	};
	const setReady = useRef(ready);
	useImperativeHandle(ref, () => ({ focus(pub) { setPublic(pub); if (editor.current) editor.current.focus(); else wanted.current = true; } }), []);

	// ---- files, macros, placeholders

	const [coming, setComing] = useState(0);                     // files on their way to the server
	const add = useCallback(async (files: FileList | File[]) => {
		const all = Array.from(files);                           // the field's own list is emptied meanwhile
		setComing((n) => n + all.length);
		for (const f of all) {
			try {
				const r = await call("POST", "/api/v2/uploads.json?filename=" + encodeURIComponent(f.name || "file"), undefined, { type: f.type || "application/octet-stream", data: f });
				keepFiles([...state.current.uploads, { token: r.upload.token, names: [f.name || "file"] }]);
			} catch (e) {
				fault(e);
			}
			setComing((n) => n - 1);
		}
	}, [fault, keepFiles]);
	// Files of both windows: neither choice loses one.
	const takeFiles = (d: Draft) => {
		const all = [...uploads, ...filesOf(d).filter((x) => !uploads.some((u) => u.token === x.token))];
		setUploads(all);
		state.current.uploads = all;
	};
	const pickMacro = async (id: string) => {
		if (!id) return;
		try {
			const m = offered.find((x) => String(x.id) === id)!;
			const { result } = await get("/api/v2" + (ticket ? "/tickets/" + ticket.id : "") + "/macros/" + id + "/apply.json");
			// Of no ticket there is nothing to fill in yet: its placeholders stay, until it is made.
			const raw = ticket ? undefined : m.actions.find((a) => a.field === "comment_value")?.value;
			if (raw !== undefined && result.ticket.comment) result.ticket.comment.body = Array.isArray(raw) ? raw[raw.length - 1] : raw;
			setMacro({ id: m.id, title: m.title, result });
		} catch (e) {
			fault(e);
		}
	};
	const useMacro = async () => {
		const { ticket: change } = macro!.result;
		if (change.comment?.body) {
			editor.current?.append(change.comment.body);
			if (change.comment.public !== undefined) choose(!!change.comment.public);
		}
		if (STATUSES.includes(change.status)) setStatus(change.status);
		const token = change.comment?.uploads?.[0];
		if (token && !uploads.some((u) => u.token === token)) {
			const { macro_attachments } = await get<{ macro_attachments: { filename: string }[] }>("/api/v2/macros/" + macro!.id + "/attachments.json");
			keepFiles([...state.current.uploads, { token, names: macro_attachments.map((f) => f.filename) }]);
		}
		const rest: Record<string, unknown> = {};
		for (const f of CHANGES) if (change[f] !== undefined && JSON.stringify(change[f]) !== JSON.stringify((ticket as any)?.[f])) rest[f] = change[f];
		setMacro(null);
		if (making) making.apply(rest);
		else if (Object.keys(rest).length) {
			try {
				await put("/api/v2/tickets/" + ticket!.id + ".json", { ticket: { ...rest, macro_ids: [macro!.id] } });
				await onSent();
			} catch (e) {
				fault(e);
			}
		}
		editor.current?.focus();
	};
	const hasHolders = text.search(HOLDER) >= 0;
	const look = async () => {
		try {
			const plain = editor.current!.plain();
			setPreview(making ? plain.replace(HOLDER, (h) => making.holders[holderOf(h)] ?? h) : (await post(path + "/placeholders", { text: plain })).text);
		} catch (e) {
			fault(e);
		}
	};

	const discard = () => {
		const e = editor.current!, was = { html: e.html(), text: e.plain(), fields: making?.fields };
		keepFiles([]);
		making?.taken({});
		e.clear();
		e.focus();
		say(t("composer.discarded"), () => { if (was.fields) made.current?.taken(was.fields); editor.current?.load(was.html, was.text); });
	};

	// ---- sending

	const send = async (anyway = false, secure?: SecureWish) => {
		if (busy) return;
		const e = editor.current;
		if (!e) return;
		if (coming) return say(t("compose.coming", { count: coming }));
		if (!text.trim() && !(status && ticket) && !uploads.length) {
			say(t("compose.empty"));
			e.focus();
			return;
		}
		const missing = making?.missing();
		if (missing) return say(missing);
		const names = e.plain().match(HOLDER) || [], unknown = making ? names.find((h) => making.holders[holderOf(h)] === undefined) : undefined;
		if (unknown) return say(t("composer.unknown", { name: unknown }));
		// What others said meanwhile is shown once before one's own goes out.
		const unread = came[came.length - 1]?.id || 0;
		if (unread > read) {
			setRead(unread);
			return setMeanwhile(true);
		}
		setMeanwhile(false);
		setBusy(true);
		try {
			if (making) e.fill(new Map(names.map((h) => [h, making.holders[holderOf(h)]])));
			else if (names.length) {
				const r = await post<{ placeholders: { placeholder: string; value: string }[] }>(path + "/placeholders", { text: e.plain() });
				e.fill(new Map(r.placeholders.map((p) => [p.placeholder, p.value])));
			}
			const plain = e.plain();
			if (isPublic && plain.trim() && !anyway) {
				const { findings } = await post("/api/ward/v1/phi/scan", { text: e.text() });
				if (findings.length) {
					setAsked(true);
					setBusy(false);
					return;
				}
			}
			const change: Record<string, unknown> = {};
			if (plain.trim() || uploads.length) change.comment = { ...(plain.trim() && e.rich() ? { html_body: e.html() } : { body: plain.trim() ? plain : t("compose.attached") }), public: isPublic, ...(uploads.length ? { uploads: uploads.map((u) => u.token) } : {}) };
			if (status) change.status = status;
			clearTimeout(timer.current);
			timer.current = 0;
			state.current.sending = true;
			let taken: { suspended_ticket?: object } | null = null;
			if (secure)
				await post(path + "/secure_links", { secure_link: { ...change, ...(secure.question ? { proof: "known", question: secure.question, answer: secure.answer } : { proof: "code" }), expires_in_hours: Number(secure.hours) } });
			else if (making) {
				await making.make(change);
				unsaved.delete(key);
				await del(path + "/draft").catch(() => undefined);
				return;
			} else
				taken = await put("/api/v2/tickets/" + ticket!.id + ".json", { ticket: { ...change, ...(status ? { safe_update: true, updated_stamp: ticket!.updated_at } : {}) } });
			if (change.comment) {
				e.clear();
				clearTimeout(timer.current);
				timer.current = 0;
				version.current = 0;
				unsaved.delete(key);
				setSaved("");
				setText("");
			}
			state.current.uploads = [];
			setUploads([]);
			setStatus("");
			setAsked(false);
			setLink(null);
			say(taken?.suspended_ticket ? t("ticket.held") : secure ? t("composer.linkSent") : !change.comment ? t("ticket.saved") : isPublic ? t("compose.sent") : t("compose.noted"));
			setPublic(true);
			await (onLeft || onSent)();
		} catch (err) {
			if (unsaved.has(key)) timer.current = window.setTimeout(save, SAVE_AFTER);
			if (err instanceof Refused && err.status === 409) {
				say(t("ticket.conflictSend"));
				await onSent();
			} else if (!(err instanceof Refused && err.status === 401)) fault(err);
		}
		state.current.sending = false;
		setBusy(false);
	};
	const mask = () => {
		editor.current?.mask(found, (f) => "[" + f.label + "]");
		setAsked(false);
		editor.current?.focus();
	};
	const kinds = useMemo(() => [...new Set(found.map((f) => t("kind." + f.label, f.label)))].join(", "), [found, t]);
	return (
		<form className={"compose" + (isPublic ? "" : " note")} id="reply" onSubmit={(e) => { e.preventDefault(); send(); }} onDragOver={(e) => e.preventDefault()}
			onDrop={(e) => { e.preventDefault(); if (e.dataTransfer.files.length) add(e.dataTransfer.files); }}>
			<div className="row between">
				<div className="row" role="radiogroup" aria-label={t("compose.who")}>
					<label className="row"><input type="radio" name="kind" value="public" checked={isPublic} onChange={() => choose(true)} /> {t("compose.public")}</label>
					<label className="row"><input type="radio" name="kind" value="note" checked={!isPublic} onChange={() => choose(false)} /> {t("compose.note")}</label>
					{isPublic && requester?.name ? <span className="soft to">{t("compose.to")} <Name>{requester.name}</Name></span> : null}
				</div>
				<div className="row">
					{offered.length ? (
						<Acting menu className="plain-select" aria-label={t("macro.apply")} value="" onAct={pickMacro}>
							<option value="">{t("macro.apply")}</option>
							{offered.map((m) => <option key={m.id} value={m.id}>{m.title}</option>)}
						</Acting>
					) : null}
				</div>
			</div>
			{macro ? (
				<div className="card stack" role="region" aria-label={t("macro.preview", { title: macro.title })} style={{ marginTop: 8 }}>
					<strong>{t("macro.preview", { title: macro.title })}</strong>
					{macro.result.ticket.comment?.body ? <div className="pre" dir="auto">{macro.result.ticket.comment.body}</div> : null}
					<dl className="facts">
						{["subject", "status", "priority", "type"].filter((f) => macro.result.ticket[f] && macro.result.ticket[f] !== (ticket as any)?.[f]).map((f) => [<dt key={f}>{t("field." + f)}</dt>, <dd key={f + "v"}>{String(macro.result.ticket[f])}</dd>])}
						{macro.result.ticket.tags && macro.result.ticket.tags.join(" ") !== ticket?.tags.join(" ") ? <><dt>{t("field.tags")}</dt><dd>{macro.result.ticket.tags.join(" ")}</dd></> : null}
					</dl>
					<div className="row"><Button size="small" isPrimary onClick={useMacro}>{t("macro.use")}</Button><Button size="small" onClick={() => setMacro(null)}>{t("cancel")}</Button></div>
				</div>
			) : null}
			{elsewhere ? (
				<div className="leaving stack" role="alert" id="elsewhere">
					<strong>{t("composer.elsewhere")}</strong>
					<div className="pre" dir="auto">{elsewhere.body}</div>
					{elsewhere.uploads.length ? <ul className="files">{filesOf(elsewhere).map((u) => <li key={u.token} className="tag"><Name>{u.names.map(fileName).join(", ")}</Name></li>)}</ul> : null}
					<div className="row">
						<Button size="small" onClick={() => { setPublic(elsewhere.public); takeFiles(elsewhere); editor.current?.load(elsewhere.html_body, elsewhere.body); setElsewhere(null); }}>{t("composer.takeIt")}</Button>
						<Button size="small" onClick={() => { takeFiles(elsewhere); setElsewhere(null); changed(); }}>{t("composer.keepMine")}</Button>
					</div>
				</div>
			) : null}
			{first === undefined ? <div className="editor waiting" /> : (
				<Suspense fallback={<div className="editor waiting" />}>
					<Editor ref={setReady.current} label={isPublic ? t("compose.public") : t("compose.note")} describedBy="typed-says" findings={found} first={first} extra={
						<Acting menu className="plain-select slim" id="placeholders" aria-label={t("composer.insert")} value="" onAct={(v) => editor.current?.insert("{{" + v + "}}")}>
							<option value="">{t("composer.insert")}</option>
							{PLACEHOLDERS.filter((p) => !making || making.holders[p] !== undefined).map((p) => <option key={p} value={p}>{t("composer.holder." + p.replace(/\./g, "-"))}</option>)}
						</Acting>
					} onChange={changed} onSend={() => send()} onFiles={add} />
				</Suspense>
			)}
			<p id="typed-says" className="soft" aria-live="polite">{found.length && !asked ? (isPublic ? t("compose.leaves", { count: found.length, kinds }) : t("compose.holds", { count: found.length, kinds })) : ""}</p>
			{uploads.length ? <ul className="files">{uploads.map((u) => <li key={u.token} className="tag"><Name>{u.names.map(fileName).join(", ")}</Name> <button type="button" aria-label={t("compose.drop", { name: u.names.join(", ") })} onClick={() => keepFiles(uploads.filter((x) => x !== u))}>×</button></li>)}</ul> : null}
			{preview !== null ? (
				<div className="card stack" role="region" aria-label={t("composer.preview")} id="preview">
					<strong>{t("composer.preview")}</strong>
					<div className="pre" dir="auto">{preview}</div>
					<div><Button size="small" onClick={() => setPreview(null)}>{t("close")}</Button></div>
				</div>
			) : null}
			{meanwhile ? (
				<div className="leaving stack" role="alert" id="meanwhile">
					<strong>{t("composer.meanwhile")}</strong>
					{came.map((c) => <div key={c.id}><strong><Name>{c.name}</Name></strong>{c.isPublic ? null : <> <span className="tag">{t("ticket.note")}</span></>}<div className="pre clip" dir="auto">{c.text}</div></div>)}
					<div className="row"><Button size="small" isPrimary onClick={() => send()}>{t("composer.sendMine")}</Button><Button size="small" onClick={() => { setMeanwhile(false); editor.current?.focus(); }}>{t("composer.writeOn")}</Button></div>
				</div>
			) : null}
			{asked ? (
				<div className="leaving stack" role="alert" id="leaving">
					<strong>{t("compose.stop", { count: found.length })}</strong>
					<div className="pre" dir="auto"><Marked text={text} findings={found} /></div>
					<div className="row">
						<Button size="small" onClick={mask}>{t("compose.mask")}</Button>
						<Button size="small" onClick={() => choose(false)}>{t("compose.toNote")}</Button>
						{ticket ? <Button size="small" onClick={() => setLink(link ? null : { question: "", answer: "", hours: "168" })} aria-expanded={!!link}>{t("composer.byLink")}</Button> : null}
						<Button size="small" isDanger onClick={() => send(true)}>{t("compose.anyway")}</Button>
					</div>
					{link ? (
						<div className="stack" id="secure">
							<p className="soft">{t("composer.linkWhat")}</p>
							<div className="row">
								<Choice label={t("composer.proof")} value={link.question} onChange={(question) => setLink({ ...link, question })}
									options={["", "date_of_birth", "phone_last_four", "postal_code", "passphrase"].map((q) => [q, t("composer.question." + (q || "code"))])} />
								{link.question ? <label className="field"><span>{t("composer.answer")}</span><input value={link.answer} autoComplete="off" onChange={(e) => setLink({ ...link, answer: e.target.value })} /></label> : null}
								<Choice label={t("composer.goodFor")} value={link.hours} onChange={(hours) => setLink({ ...link, hours })} options={[["24", t("composer.days", { count: 1 })], ["168", t("composer.days", { count: 7 })], ["720", t("composer.days", { count: 30 })]]} />
							</div>
							<div><Button size="small" isPrimary disabled={busy || (!!link.question && !link.answer.trim())} onClick={() => send(true, link)}>{t("composer.linkSend")}</Button></div>
						</div>
					) : null}
				</div>
			) : null}
			<div className="row between">
				<div className="row">
					<input ref={file} type="file" multiple hidden onChange={(e) => { if (e.target.files) add(e.target.files); e.target.value = ""; }} />
					<Button size="small" isBasic onClick={() => file.current?.click()}>{t("compose.attach")}</Button>
					<span className="soft" role="status" id="coming">{coming ? t("compose.coming", { count: coming }) : ""}</span>
					{hasHolders ? <Button size="small" isBasic onClick={look}>{t("composer.preview")}</Button> : null}
					<span className="soft" id="draft-says">{saved ? t("composer." + saved) : ""}</span>
					{saved === "saved" ? <Button size="small" isBasic isDanger id="discard" onClick={discard}>{t("composer.discard")}</Button> : null}
				</div>
				<div className="row">
					<Choice label={t("field.status")} hideLabel value={status} onChange={setStatus} options={[["", t(ticket ? "compose.asItIs" : "new.asNew")], ...STATUSES.map((s) => [s, t("compose.as", { status: t("status." + s) })] as [string, string])]} />
					{onLeft ? <Choice label={t("round.after")} hideLabel value={then} onChange={(v) => { setAfter(v as After); setThen(v as After); }} options={(["stay", "next", "list"] as After[]).map((a) => [a, t("round.then." + a)])} /> : null}
					<Button isPrimary type="submit" id="send" disabled={busy}>{making ? t("new.go") : isPublic ? t("compose.send") : t("compose.addNote")}</Button>
				</div>
			</div>
		</form>
	);
}));
