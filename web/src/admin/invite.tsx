// A colleague: a link by mail, or handed over, sets the password; the second factor they set up themselves.
import { queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { del, get, post, put, wrongs, type User } from "../api";
import { Name, Time } from "../ui/bits";
import { Box } from "../ui/box";
import { useSays } from "../ui/says";

// 20 characters of 32: 100 bits, none that look alike.
export function newPassword() {
	const from = "abcdefghjkmnpqrstuvwxyz23456789x", r = crypto.getRandomValues(new Uint8Array(20));
	return [...r].map((b, i) => (i && i % 5 === 0 ? "-" : "") + from[b % 32]).join("");
}

export interface Invitation { user_id: number; state: "invited" | "expired"; by: "mail" | "hand"; invited_at: string; expires_at: string; url?: string }
export const invite = (id: number) => post<{ invitation: Invitation }>("/api/ward/v1/invitations", { invitation: { user_id: id } }).then((r) => r.invitation);

function Handover({ email, password, onClose }: { email: string; password: string; onClose(): void }) {
	const { t } = useTranslation();
	return (
		<Box title={t("invite.reset")} onClose={onClose}>
			<p>{t("invite.hand")}</p>
			<pre className="code" id="handover">{location.origin + "/\n" + email + "\n" + password}</pre>
			<p className="soft">{t("invite.once")}</p>
			<div><Button isPrimary onClick={onClose}>{t("invite.kept")}</Button></div>
		</Box>
	);
}

interface Invitations { mail: boolean; invitations: Invitation[]; uninvited_user_ids: number[] }
export const INVITATIONS = queryOptions({ queryKey: ["invitations"], queryFn: () => get<Invitations>("/api/ward/v1/invitations") });

// Who of the staff cannot sign in yet: no password chosen, and what became of the link to it.
export function Waiting({ onSent }: { onSent(email: string, v: Invitation): void }) {
	const { t } = useTranslation();
	const { say, fault } = useSays();
	const cache = useQueryClient();
	const now = useQuery(INVITATIONS).data;
	const ids = [...(now?.invitations.map((v) => v.user_id) || []), ...(now?.uninvited_user_ids || [])].slice(0, 100);
	const users = useQuery({ queryKey: ["names", ids.join(",")], enabled: ids.length > 0, queryFn: () => get<{ users: User[] }>("/api/v2/users/show_many.json?ids=" + ids.join(",")) });
	if (!now || ids.length === 0 || !users.data) return null;
	const reload = () => cache.invalidateQueries({ queryKey: ["invitations"] });
	return (
		<details className="card" id="waiting"><summary>{t("invite.waiting", { count: now.invitations.length + now.uninvited_user_ids.length })}</summary>
			<ul className="plain-list">{users.data.users.map((u) => { const v = now.invitations.find((x) => x.user_id === u.id); return (
				<li key={u.id} className="row many"><span className="grow wrap"><Name>{u.name}</Name> <span className="soft">{u.email}</span></span>
					<span className={"state " + (v?.state === "invited" ? "wait" : "bad")}>{v ? t("invite.state." + v.state) : t("invite.state.none")}</span>
					{v ? <span className="soft wide">{t("invite.ends")} <Time at={v.expires_at} /></span> : null}
					{u.email ? <Button size="small" aria-label={t(v ? "invite.againTo" : "invite.sendTo", { name: u.name })} onClick={() => invite(u.id).then((x) => { onSent(u.email || "", x); reload(); }, fault)}>{t(v ? "invite.again" : "invite.send")}</Button> : null}
					{v ? <Button size="small" isBasic isDanger aria-label={t("invite.withdrawOf", { name: u.name })} onClick={() => del("/api/ward/v1/invitations/" + u.id).then(() => { say(t("invite.withdrawn")); reload(); }, fault)}>{t("invite.withdrawShort")}</Button> : null}</li>
			); })}</ul></details>
	);
}

// What became of an invitation: sent, or a link to hand over, which is shown this once.
export function Invited({ email, invitation: v, onClose }: { email: string; invitation: Invitation; onClose(): void }) {
	const { t } = useTranslation();
	return (
		<Box title={t("invite.done")} onClose={onClose}>
			{v.url ? <><p>{t("invite.handLink")}</p><pre className="code" id="handover">{v.url}</pre><p className="soft">{t("invite.onceLink")}</p></> : <p id="mailed">{t("invite.mailed")} <Name>{email}</Name></p>}
			<p className="soft">{t("invite.until")} <Time at={v.expires_at} />. {t("invite.factor")}</p>
			<div><Button isPrimary onClick={onClose}>{v.url ? t("invite.kept") : t("close")}</Button></div>
		</Box>
	);
}

export function NewPassword({ user, onClose }: { user: User; onClose(): void }) {
	const { t } = useTranslation();
	const { fault } = useSays();
	const [password, setPassword] = useState("");
	if (password) return <Handover email={user.email || ""} password={password} onClose={onClose} />;
	const go = () => { const p = newPassword(); put("/api/v2/users/" + user.id + ".json", { user: { password: p } }).then(() => setPassword(p), fault); };
	return (
		<Box title={t("invite.reset")} onClose={onClose}>
			<p>{t("invite.resetAbout", { name: user.name })}</p>
			<div className="row"><Button isPrimary isDanger onClick={go}>{t("invite.reset")}</Button><Button onClick={onClose}>{t("cancel")}</Button></div>
		</Box>
	);
}

export function Invite({ onClose }: { onClose(): void }) {
	const { t } = useTranslation();
	const { fault } = useSays();
	const [v, setV] = useState({ name: "", email: "", role: "agent", ticket_restriction: "groups" });
	const [wrong, setWrong] = useState<string[]>([]);
	const [done, setDone] = useState<Invitation | null>(null);
	const submit = async (e: FormEvent) => {
		e.preventDefault();
		setWrong([]);
		const { ticket_restriction, role, ...rest } = v, officer = role === "officer";
		try {
			const custom_role_id = officer ? (await get<{ custom_roles: { id: number; ward_built_in: string | null }[] }>("/api/v2/custom_roles.json")).custom_roles.find((r) => r.ward_built_in)?.id : undefined;
			const { user } = await post<{ user: User }>("/api/v2/users.json", { user: { ...rest, skip_verify_email: true, role: officer ? "agent" : role, custom_role_id, ...(v.role === "agent" && ticket_restriction ? { ticket_restriction } : {}) } });
			setDone(await invite(user.id));
		} catch (err) {
			const list = wrongs(err);
			if (list) setWrong(list);
			else fault(err);
		}
	};
	if (done) return <Invited email={v.email} invitation={done} onClose={onClose} />;
	return (
		<Box title={t("invite.title")} onClose={onClose}>
			<form className="stack" onSubmit={submit}>
				{wrong.length ? <div className="leaving" role="alert">{wrong.map((w) => <p key={w}>{w}</p>)}</div> : null}
				<label className="field"><span>{t("person.name")}</span><input required autoComplete="off" value={v.name} onChange={(e) => setV({ ...v, name: e.target.value })} /></label>
				<label className="field"><span>{t("person.email")}</span><input required type="email" autoComplete="off" value={v.email} onChange={(e) => setV({ ...v, email: e.target.value })} /></label>
				<label className="field"><span>{t("person.role")}</span><select value={v.role} onChange={(e) => setV({ ...v, role: e.target.value })}><option value="agent">{t("role.agent")}</option><option value="officer">{t("roles.officer")}</option><option value="admin">{t("role.admin")}</option></select></label>
				{v.role === "agent" ? <label className="field"><span>{t("people.sees")}</span><select value={v.ticket_restriction} onChange={(e) => setV({ ...v, ticket_restriction: e.target.value })}>
					<option value="groups">{t("people.groups")}</option><option value="assigned">{t("people.assigned")}</option><option value="organization">{t("people.organization")}</option><option value="">{t("people.all")}</option></select></label> : <p className="leaving">{t(v.role === "officer" ? "roles.officerAbout" : "invite.admin")}</p>}
				<div className="row"><Button isPrimary type="submit">{t("invite.go")}</Button><Button type="button" onClick={onClose}>{t("cancel")}</Button></div>
			</form>
		</Box>
	);
}
