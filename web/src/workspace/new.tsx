// A ticket that an agent writes for somebody.
import { Button } from "@zendeskgarden/react-buttons";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { get, post, Refused, type Ticket, type User } from "../api";
import { Choice } from "../ui/bits";
import { Marked } from "../ui/marked";
import { useMe } from "../session";
import { useSays } from "../ui/says";
import { useScan } from "./composer";
import { FieldInput, shownFields, useFields, type Values } from "./custom";

export default function NewTicket() {
	const { t } = useTranslation();
	const { say, fault } = useSays();
	const [, go] = useLocation();
	const [email, setEmail] = useState("");
	const [name, setName] = useState("");
	const [found, setFound] = useState<User[]>([]);
	const [subject, setSubject] = useState("");
	const [body, setBody] = useState("");
	const [priority, setPriority] = useState("normal");
	const [isPublic, setPublic] = useState(true);
	const [wrong, setWrong] = useState<Record<string, string>>({});
	const [busy, setBusy] = useState(false);
	const inSubject = useScan(subject, true), inBody = useScan(body, isPublic);
	const me = useMe();
	const { fields, forms } = useFields();
	const [form, setForm] = useState("");
	const [values, setValues] = useState<Values>({});
	const chosen = forms.find((f) => String(f.id) === form) || forms.find((f) => f.default) || forms[0];
	const shown = shownFields(fields, chosen, { status: "new", priority }, values, me, false).filter((x) => x.write);

	const look = async (text: string) => {
		setEmail(text);
		if (text.trim().length < 2) return setFound([]);
		try {
			setFound((await get("/api/v2/users/search.json?per_page=8&query=" + encodeURIComponent(text))).users);
		} catch {
			setFound([]);
		}
	};
	const submit = async (e: FormEvent) => {
		e.preventDefault();
		setBusy(true);
		setWrong({});
		try {
			const known = found.find((u) => u.email === email.trim());
			const r = await post<{ ticket: Ticket }>("/api/v2/tickets.json", { ticket: { subject, priority, comment: { body, public: isPublic }, ...(chosen ? { ticket_form_id: chosen.id } : {}),
				custom_fields: shown.filter((x) => values[x.field.id] !== undefined).map((x) => ({ id: x.field.id, value: x.field.type === "integer" && /^-?\d+$/.test(String(values[x.field.id])) ? Number(values[x.field.id]) : values[x.field.id] })),
				...(known ? { requester_id: known.id } : { requester: { name: name || email, email: email.trim() } }) } });
			say(t("new.made", { id: r.ticket.id }));
			go("/agent/tickets/" + r.ticket.id);
		} catch (err) {
			if (err instanceof Refused && err.status === 422) setWrong(Object.keys(err.fields).length ? err.fields : { base: err.message });
			else fault(err);
			setBusy(false);
		}
	};
	const unknown = email.includes("@") && !found.some((u) => u.email === email.trim());
	return (
		<form className="pad stack" style={{ maxWidth: 720 }} onSubmit={submit}>
			<h1>{t("new.title")}</h1>
			{Object.keys(wrong).length ? <div className="leaving" role="alert">{Object.entries(wrong).map(([f, w]) => <p key={f}>{w}</p>)}</div> : null}
			<label className="field"><span>{t("new.requester")}</span><input required list="new-people" value={email} autoComplete="off" placeholder={t("new.requesterHint")} onChange={(e) => look(e.target.value)} />
				<datalist id="new-people">{found.filter((u) => u.email).map((u) => <option key={u.id} value={u.email!}>{u.name}</option>)}</datalist></label>
			{unknown ? <label className="field"><span>{t("new.name")}</span><input value={name} onChange={(e) => setName(e.target.value)} /></label> : null}
			<label className="field"><span>{t("field.subject")}</span><input required dir="auto" value={subject} onChange={(e) => setSubject(e.target.value)} /></label>
			{inSubject.length ? <p className="leaving" role="status">{t("new.subjectHolds")} <span className="pre"><Marked text={subject} findings={inSubject} /></span></p> : null}
			{forms.length > 1 ? <Choice label={t("workspace.form")} value={String(chosen?.id || "")} onChange={setForm} options={forms.map((f) => [String(f.id), f.name])} /> : null}
			{shown.map((x) => <FieldInput key={x.field.id} shown={x} live value={values[x.field.id]} onSave={(v) => setValues((all) => ({ ...all, [x.field.id]: v }))} />)}
			<label className="field"><span>{t("new.text")}</span><textarea required rows={8} dir="auto" value={body} onChange={(e) => setBody(e.target.value)} /></label>
			{inBody.length ? <p className="leaving" role="status">{t("compose.leaves", { count: inBody.length, kinds: [...new Set(inBody.map((f) => t("kind." + f.label, f.label)))].join(", ") })}</p> : null}
			<div className="row at-end">
				<Choice label={t("field.priority")} value={priority} onChange={setPriority} options={["low", "normal", "high", "urgent"].map((p) => [p, t("priority." + p)])} />
				<label className="row"><input type="checkbox" checked={!isPublic} onChange={(e) => setPublic(!e.target.checked)} /> {t("new.private")}</label>
			</div>
			<div><Button isPrimary type="submit" disabled={busy}>{t("new.go")}</Button></div>
		</form>
	);
}
