import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { Button } from "@zendeskgarden/react-buttons";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { call, del, get, put, type User } from "../api";
import { Acting, Choice, Name, Time } from "../ui/bits";
import { useSays } from "../ui/says";
import { number } from "../words";
import { INVITATIONS, invite, Invite, Invited, NewPassword, Waiting, type Invitation } from "./invite";
import { Records, Typed } from "./records";

export default function People() {
	const { t } = useTranslation();
	const { say, fault } = useSays();
	const cache = useQueryClient();
	const [reset, setReset] = useState<User | null>(null);
	const [password, setPassword] = useState<User | null>(null);
	const [inviting, setInviting] = useState(false);
	const [again, setAgain] = useState<{ email: string; invitation: Invitation } | null>(null);
	const waiting = useQuery(INVITATIONS);
	const waits = (u: User) => waiting.data?.invitations.find((v) => v.user_id === u.id);
	const stateOf = (u: User) => u.suspended ? "suspended" : u.role === "end-user" ? "active" : waits(u)?.state || (waiting.data?.uninvited_user_ids.includes(u.id) ? "none" : "active");
	const reload = () => cache.invalidateQueries({ queryKey: ["invitations"] });
	const masked = (u: User, setting: boolean | null) => put("/api/ward/v1/phi/users/" + u.id, { setting }).then(() => say(t("records.saved")), fault);
	const [role, setRole] = useState("staff");
	const custom = useQuery({ queryKey: ["roles"], queryFn: () => get<{ custom_roles: { id: number; name: string; ward_built_in: string | null }[] }>("/api/v2/custom_roles.json") });
	const roleOf = (u: User) => { const r = u.custom_role_id ? custom.data?.custom_roles.find((x) => x.id === u.custom_role_id) : undefined; return r ? r.ward_built_in ? t("roles.officer") : r.name : t("role." + u.role); };
	const roles: [string, string][] = ["end-user", "agent", "admin"].map((r) => [r, t("role." + r)]);
	return <><Records<User> source={{
		above: <Waiting onSent={(email, invitation) => setAgain({ email, invitation })} />, path: "/api/v2/users", many: "users", one: "user", query: role === "staff" ? "role[]=agent&role[]=admin" : "role[]=" + role, title: t("admin.people"), empty: t("people.empty"),
		next: <Button onClick={() => setInviting(true)}>{t("invite.title")}</Button>,
		tools: <><Button size="small" onClick={() => setInviting(true)}>{t("invite.title")}</Button><Choice label={t("person.role")} hideLabel value={role} onChange={setRole} options={[["staff", t("people.staff")], ...roles]} /></>,
		columns: [
			{ words: t("person.name"), show: (u) => <Link href={"/agent/people/" + u.id}><Name>{u.name}</Name></Link>, width: 160 },
			{ words: t("person.email"), show: (u) => u.email || "", wide: true },
			{ words: t("person.role"), show: (u) => <Name>{roleOf(u)}</Name>, width: 116 },
			{ words: t("field.status"), show: (u) => { const s = stateOf(u); return <span className={"state " + (s === "active" ? "good" : s === "invited" ? "wait" : "bad")}>{t("invite.state." + s)}</span>; }, width: 96 },
			{ words: t("people.lastSeen"), show: (u) => <Time at={u.last_login_at} />, width: 124, rare: true },
		],
		fields: [
			{ name: "name", words: t("person.name"), required: true }, { name: "email", words: t("person.email"), kind: "email", required: true, onlyNew: true },
			{ name: "role", words: t("person.role"), kind: "choice", options: roles }, { name: "phone", words: t("person.phone") },
			{ name: "ticket_restriction", words: t("people.sees"), kind: "choice", options: [["", t("people.all")], ["groups", t("people.groups")], ["organization", t("people.organization")], ["assigned", t("people.assigned")]], hint: t("people.seesHint") },
			{ name: "suspended", words: t("people.suspended"), kind: "check" }, { name: "notes", words: t("people.notes"), kind: "long" },
		],
		actions: (u) => u.role === "end-user" ? null : (
			<Acting menu className="plain-select" aria-label={t("people.more", { name: u.name })} value="" style={{ width: 90 }} onAct={(what) => {
				if (what === "reset") setReset(u);
				else if (what === "password") setPassword(u);
				else if (what === "invite") invite(u.id).then((invitation) => { setAgain({ email: u.email || "", invitation }); reload(); }, fault);
				else if (what === "withdraw") del("/api/ward/v1/invitations/" + u.id).then(() => { say(t("invite.withdrawn")); reload(); }, fault);
				else masked(u, what === "role" ? null : what === "clear");
			}}>
				<option value="">{t("people.moreShort")}</option>{waits(u) ? <><option value="invite">{t("invite.again")}</option><option value="withdraw">{t("invite.withdraw")}</option></> : stateOf(u) !== "none" ? null : <option value="invite">{t("invite.send")}</option>}<option value="mask">{t("people.mask")}</option><option value="clear">{t("people.clear")}</option><option value="role">{t("people.byRole")}</option><option value="reset">{t("people.resetFactor")}</option><option value="password">{t("invite.reset")}</option>
			</Acting>
		),
		remove: { warn: () => t("people.deleteWarn"), word: (u) => u.email || String(u.id), facts: async (u) => {
			const [r, open] = await Promise.all([get("/api/v2/users/" + u.id + "/related.json"), get<{ count: number }>("/api/v2/search/count.json?query=" + encodeURIComponent("type:ticket status<solved assignee:" + u.id))]);
			return t("people.deleteCount", { requested: number(r.user_related.requested_tickets), assigned: number(r.user_related.assigned_tickets), open: number(open.count) });
		} },
	}} />
		{inviting ? <Invite onClose={() => { setInviting(false); cache.invalidateQueries(); }} /> : null}
		{again ? <Invited email={again.email} invitation={again.invitation} onClose={() => setAgain(null)} /> : null}
		{password ? <NewPassword user={password} onClose={() => setPassword(null)} /> : null}
		{reset ? <Typed title={t("people.resetFactor")} warn={t("people.resetWarn")} word={reset.email || String(reset.id)} onClose={() => setReset(null)} go={async () => { await call("DELETE", "/api/ward/v1/users/" + reset.id + "/factors"); say(t("people.resetDone")); }} /> : null}
	</>;
}
