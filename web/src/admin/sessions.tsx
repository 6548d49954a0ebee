// Who is signed in, and what signing in asks for.
import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { call, get, people, put, Refused, type User } from "../api";
import { useMe } from "../session";
import { Choice, Empty, Fault, Loading, Name, Time } from "../ui/bits";
import { Box } from "../ui/box";
import { useSays } from "../ui/says";
import { Typed } from "./records";

interface Row { id: number; user_id: number; authenticated_at: string; last_seen_at: string }
const SWITCHES: [string, string][] = [["tickets", "agents_see_phi"], ["tickets", "agent_ticket_redaction"], ["tickets", "agent_ticket_deletion"], ["tickets", "agents_write_articles"], ["api", "api_password_access_end_users"], ["active_features", "customer_satisfaction"], ["tickets", "assign_tickets_upon_solve"], ["tickets", "is_first_comment_private_enabled"], ["groups", "check_group_name_uniqueness"]];

interface Bound { least: number; most: number; default: number; rule: string }
interface SignIn { sign_in: Record<string, number | boolean | string>; without_second_factor: Record<Whom, number>; bounds: Record<string, Bound> }
type Whom = "staff" | "admins";

// Numbers within bounds that the server keeps: who asks for less is told which rule says so.
function Limits() {
	const { t } = useTranslation();
	const { say, fault } = useSays();
	const cache = useQueryClient();
	const now = useQuery({ queryKey: ["sign-in"], queryFn: () => get<SignIn>("/api/ward/v1/sign_in") });
	const [typed, setTyped] = useState<Record<string, string>>({});
	const [wrong, setWrong] = useState<Record<string, string>>({});
	if (now.error) return <Fault error={now.error} />;
	if (!now.data) return <Loading />;
	const { sign_in: s, bounds } = now.data;
	const send = (change: Record<string, unknown>) => {
		setWrong({});
		put<SignIn>("/api/ward/v1/sign_in", { sign_in: change }).then((d) => { cache.setQueryData(["sign-in"], d); setTyped({}); say(t("records.saved")); },
			(e) => e instanceof Refused && e.status === 422 ? setWrong(e.fields) : fault(e));
	};
	return (
		<form className="stack" id="limits" onSubmit={(e) => { e.preventDefault(); send(Object.fromEntries(Object.entries(typed).map(([k, v]) => [k, v.trim() === "" ? null : Number(v)]))); }}>
			<div className="tiles">{Object.entries(bounds).map(([name, b]) => (
				<div key={name} className="field"><label htmlFor={"l-" + name}>{t("sessions.limit." + name)}</label>
					<input id={"l-" + name} inputMode="numeric" autoComplete="off" value={typed[name] ?? String(s[name])} aria-invalid={wrong[name] ? true : undefined} aria-describedby={"l-" + name + "-says"} onChange={(e) => setTyped({ ...typed, [name]: e.target.value })} />
					<p id={"l-" + name + "-says"} role={wrong[name] ? "alert" : undefined} className={wrong[name] ? "" : "soft"} style={wrong[name] ? { color: "var(--bad)" } : undefined}>{wrong[name] || t("sessions.bounds", { least: b.least, most: b.most, otherwise: b.default })}</p></div>
			))}</div>
			<label className="row"><input type="checkbox" checked={!!s.admins_set_passwords} onChange={(e) => send({ admins_set_passwords: e.target.checked })} /> {t("sessions.admins_set_passwords")}</label>
			<div><Button size="small" isPrimary type="submit" disabled={Object.keys(typed).length === 0}>{t("records.save")}</Button></div>
		</form>
	);
}

// Who must have a second factor: a change says in numbers whom it meets before it is made.
function Factor() {
	const { t } = useTranslation();
	const { say, fault } = useSays();
	const cache = useQueryClient();
	const now = useQuery({ queryKey: ["sign-in"], queryFn: () => get<SignIn>("/api/ward/v1/sign_in") });
	const [next, setNext] = useState<Whom | null>(null);
	if (!now.data) return null;
	const whom = now.data.sign_in.second_factor as Whom, without = now.data.without_second_factor;
	const agents = without.staff - without.admins;
	const go = () => put<SignIn>("/api/ward/v1/sign_in", { sign_in: { second_factor: next } }).then((d) => { cache.setQueryData(["sign-in"], d); setNext(null); say(t("records.saved")); }, fault);
	return (
		<div className="stack narrow" id="factor">
			<Choice acts label={t("sessions.factor")} value={whom} onChange={(w) => setNext(w as Whom)} options={(["staff", "admins"] as Whom[]).map((w) => [w, t("sessions.of." + w)])} />
			<p className="soft">{t("sessions.without", { count: without.staff })} {t("sessions.adminsAlways")}</p>
			{next ? (
				<Box title={t("sessions.factorSure")} onClose={() => setNext(null)}>
					<p className="leaving" id="counted">{next === "staff" ? t("sessions.toStaff", { count: agents }) : t("sessions.toAdmins", { count: agents })}</p>
					<div className="row"><Button isPrimary onClick={go}>{t("sessions.factorGo")}</Button><Button onClick={() => setNext(null)}>{t("cancel")}</Button></div>
				</Box>
			) : null}
		</div>
	);
}

function Rules() {
	const { t } = useTranslation();
	const { say, fault } = useSays();
	const cache = useQueryClient();
	const settings = useQuery({ queryKey: ["settings"], queryFn: () => get("/api/v2/account/settings.json") });
	if (settings.error) return <Fault error={settings.error} />;
	if (!settings.data) return <Loading />;
	const flip = (section: string, key: string, on: boolean) => put("/api/v2/account/settings.json", { settings: { [section]: { [key]: on } } }).then((d) => { cache.setQueryData(["settings"], d); say(t("records.saved")); }, fault);
	return (
		<>
			<h2>{t("sessions.rules")}</h2>
			<Factor />
			<Limits />
			<fieldset className="lined stack"><legend className="sr">{t("sessions.switches")}</legend>
				{SWITCHES.map(([section, key]) => <label key={key} className="row"><input type="checkbox" checked={!!settings.data.settings[section]?.[key]} onChange={(e) => flip(section, key, e.target.checked)} /> {t("sessions." + key)}</label>)}</fieldset>
		</>
	);
}

export default function Sessions() {
	const { t } = useTranslation();
	const { say } = useSays();
	const me = useMe();
	const cache = useQueryClient();
	const [end, setEnd] = useState<Row | null>(null);
	const all = useInfiniteQuery({ queryKey: ["sessions"], initialPageParam: "", refetchInterval: 15000, getNextPageParam: (last: any) => last.meta?.has_more ? last.meta.after_cursor : null,
		queryFn: ({ pageParam }) => get("/api/v2/sessions.json?page%5Bsize%5D=100" + (pageParam ? "&page%5Bafter%5D=" + encodeURIComponent(pageParam) : "")) });
	const mine = useQuery({ queryKey: ["session-mine"], queryFn: () => get<{ session: Row }>("/api/v2/users/me/session.json") });
	const rows = (all.data?.pages.flatMap((p: any) => p.sessions) || []) as Row[];
	const ids = [...new Set(rows.map((r) => r.user_id))].slice(0, 100);
	const users = useQuery({ queryKey: ["names", ids.join(",")], enabled: ids.length > 0, queryFn: () => get<{ users: User[] }>("/api/v2/users/show_many.json?ids=" + ids.join(",")) });
	const names = people(users.data?.users);
	const count = (u: number) => rows.filter((r) => r.user_id === u).length;
	useEffect(() => { document.title = t("admin.sessions") + " - Ward"; }, [t]);
	return (
		<>
			<h1>{t("admin.sessions")}</h1>
			<p className="soft">{t("sessions.about")}</p>
			{all.error ? <Fault error={all.error} /> : all.isLoading ? <Loading /> : rows.length === 0 ? <Empty title={t("sessions.empty")} /> : (
				<div className="scroll"><table className="list" id="sessions"><caption className="sr">{t("admin.sessions")}</caption>
					<thead><tr><th scope="col">{t("trail.who")}</th><th scope="col" className="wide" style={{ width: 120 }}>{t("person.role")}</th><th scope="col" style={{ width: 150 }}>{t("sessions.since")}</th><th scope="col" className="wide" style={{ width: 150 }}>{t("sessions.seen")}</th><th scope="col" style={{ width: 170 }}><span className="sr">{t("records.acts")}</span></th></tr></thead>
					<tbody>{rows.map((r) => { const u = names.get(r.user_id); return (
						<tr key={r.id}><td className="wrap"><Name>{u?.name || "#" + r.user_id}</Name>{mine.data?.session.id === r.id ? <> <span className="state">{t("sessions.mine")}</span></> : null}</td><td className="wide">{u ? t("role." + u.role) : ""}</td><td><Time at={r.authenticated_at} /></td><td className="wide"><Time at={r.last_seen_at} /></td>
							<td>{mine.data?.session.id === r.id ? null : <Button size="small" isBasic isDanger onClick={() => setEnd(r)}>{t("sessions.end")}</Button>}</td></tr>
					); })}</tbody></table></div>
			)}
			{all.hasNextPage ? <div><Button onClick={() => all.fetchNextPage()}>{t("more")}</Button></div> : null}
			<Rules />
			{end ? <Typed title={t("sessions.end")} word={names.get(end.user_id)?.name || String(end.user_id)} onClose={() => setEnd(null)}
				warn={t("sessions.endWarn", { name: names.get(end.user_id)?.name || end.user_id, count: count(end.user_id) - (end.user_id === me.id ? 1 : 0) })}
				go={async () => {
					if (end.user_id === me.id) await call("DELETE", "/api/v2/users/" + end.user_id + "/sessions/" + end.id + ".json");
					else await call("DELETE", "/api/v2/users/" + end.user_id + "/sessions.json");
					say(t("sessions.ended"));
					cache.invalidateQueries({ queryKey: ["sessions"] });
				}} /> : null}
		</>
	);
}
