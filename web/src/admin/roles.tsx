// Roles of agents: what each may, in one matrix; who has it.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import { useEffect, useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { call, get, post, put, wrongs, type User } from "../api";
import { Fault, Loading, Name } from "../ui/bits";
import { Box } from "../ui/box";
import { useSays } from "../ui/says";
import { PersonPick } from "./person-pick";
import { Typed } from "./records";

type Value = boolean | string;
interface Role { ward_built_in?: string | null; id: number; name: string; description: string | null; role_type: number; configuration: Record<string, Value> }
type Member = User & { custom_role_id?: number | null };
// Of the vendor's keys, those that take something away here; the others are kept for clients. `null`: yes or no.
const PARTS: [string, [string, string[] | null][]][] = [
	["tickets", [["ticket_access", ["all", "within-groups-and-public-groups", "within-groups", "within-organization", "assigned-only"]], ["ticket_comment_access", ["public", "none"]], ["light_agent", null], ["ticket_editing", null], ["ticket_tag_editing", null], ["ticket_merge", null], ["assign_tickets_to_any_group", null]]],
	["phi", [["ticket_redaction", null], ["ticket_deletion", null], ["view_deleted_tickets", null], ["manage_suspended_tickets", null]]],
	["people", [["end_user_profile_access", ["readonly", "edit-within-org", "edit", "full"]], ["end_user_list_access", ["full", "none"]]]],
	["work", [["view_access", ["readonly", "playonly", "manage-personal", "manage-group", "manage-team", "full"]], ["macro_access", ["readonly", "manage-personal", "manage-group", "full"]], ["report_access", ["none", "readonly", "full"]]]],
];
function useWords() {
	const { t } = useTranslation();
	return { title: (r: Role) => r.ward_built_in ? t("roles.officer") : r.name, about: (r: Role) => r.ward_built_in ? t("roles.officerAbout") : r.description, name: (k: string) => t("roles.key." + k, k.replace(/_/g, " ")), value: (v: Value | undefined) => v === true ? t("roles.allowed") : v === false || v === undefined ? t("roles.denied") : t("roles.value." + v, String(v).replace(/-/g, " ")) };
}

function Editor({ role, onClose, onDone }: { role: Role | null; onClose(): void; onDone(): void }) {
	const { t } = useTranslation();
	const { say, fault } = useSays();
	const words = useWords();
	const [name, setName] = useState(role?.name || "");
	const [about, setAbout] = useState(role?.description || "");
	const [conf, setConf] = useState<Record<string, Value>>(role?.configuration || { ticket_access: "within-groups", ticket_comment_access: "public", ticket_editing: true, ticket_tag_editing: true, view_filter_tickets: true, end_user_list_access: "full", end_user_profile_access: "readonly", view_access: "readonly", macro_access: "readonly", report_access: "none", manage_roles: "none" });
	const [wrong, setWrong] = useState<string[]>([]);
	const set = (k: string, v: Value) => setConf({ ...conf, [k]: v });
	const submit = async (e: FormEvent) => {
		e.preventDefault();
		setWrong([]);
		const body = { custom_role: { name, description: about, configuration: conf } };
		try {
			await (role ? put("/api/v2/custom_roles/" + role.id + ".json", body) : post("/api/v2/custom_roles.json", body));
			say(t("records.saved"));
			onDone();
		} catch (err) {
			const list = wrongs(err);
			if (list) setWrong(list);
			else fault(err);
		}
	};
	const one = (k: string, values: string[] | null) => values ? (
		<label key={k} className="field"><span>{words.name(k)}</span><select value={String(conf[k] ?? values[0])} onChange={(e) => set(k, e.target.value)}>{values.map((v) => <option key={v} value={v}>{words.value(v)}</option>)}</select></label>
	) : <label key={k} className="row"><input type="checkbox" checked={conf[k] === true} onChange={(e) => set(k, e.target.checked)} /> {words.name(k)}</label>;
	return (
		<Box title={role ? t("records.change") : t("roles.new")} onClose={onClose} large>
			<form className="stack" onSubmit={submit}>
				{wrong.length ? <div className="leaving" role="alert">{wrong.map((w) => <p key={w}>{w}</p>)}</div> : null}
				<label className="field"><span>{t("person.name")}</span><input required value={name} onChange={(e) => setName(e.target.value)} /></label>
				<label className="field"><span>{t("groups.description")}</span><input value={about || ""} onChange={(e) => setAbout(e.target.value)} /></label>
				{PARTS.map(([part, list]) => <fieldset key={part} className="lined stack"><legend><strong>{t("roles.part." + part)}</strong></legend><div className="tiles">{list.map(([k, v]) => one(k, v))}</div></fieldset>)}
				<p className="soft">{t("roles.notes")}</p>
				<div className="row"><Button isPrimary type="submit">{t("records.save")}</Button><Button type="button" onClick={onClose}>{t("cancel")}</Button></div>
			</form>
		</Box>
	);
}

function Has({ role, members, onClose, onDone }: { role: Role; members: Member[]; onClose(): void; onDone(): void }) {
	const { t } = useTranslation();
	const { say, fault } = useSays();
	const words = useWords();
	const [pick, setPick] = useState(0);
	const give = (id: number, to: number | null) => put<{ user: Member }>("/api/v2/users/" + id + ".json", { user: { custom_role_id: to } }).then((r) => { say((r.user.custom_role_id || null) === to ? t("records.saved") : t("roles.notTaken")); onDone(); }, fault);
	return (
		<Box title={t("roles.has") + ": " + words.title(role)} onClose={onClose}>
			{members.length ? <ul style={{ paddingInlineStart: 18 }}>{members.map((u) => <li key={u.id}><Link href={"/agent/people/" + u.id}><Name>{u.name}</Name></Link> <Button size="small" isBasic aria-label={t("roles.takeFrom", { name: u.name })} onClick={() => give(u.id, null)}>×</Button></li>)}</ul> : <p>{t("roles.nobody")}</p>}
			<form className="row at-end" onSubmit={(e) => { e.preventDefault(); if (pick) give(pick, role.id); }}><PersonPick label={t("roles.giveTo")} value={pick} onChange={setPick} /><Button type="submit" size="small" disabled={!pick}>{t("roles.giveGo")}</Button></form>
			<div><Button onClick={onClose}>{t("close")}</Button></div>
		</Box>
	);
}

export default function Roles() {
	const { t } = useTranslation();
	const cache = useQueryClient();
	const words = useWords();
	const [open, setOpen] = useState<Role | null | undefined>(undefined);
	const [has, setHas] = useState<Role | null>(null);
	const [gone, setGone] = useState<Role | null>(null);
	const roles = useQuery({ queryKey: ["roles"], queryFn: () => get<{ custom_roles: Role[] }>("/api/v2/custom_roles.json") });
	const agents = useQuery({ queryKey: ["role-members"], queryFn: async () => {
		const out: Member[] = [];
		for (let page = 1; page <= 10; page++) {
			const r = await get<{ users: Member[]; next_page: string | null }>("/api/v2/users.json?role%5B%5D=agent&role%5B%5D=admin&per_page=100&page=" + page);
			out.push(...r.users);
			if (!r.next_page) break;
		}
		return out;
	} });
	useEffect(() => { document.title = t("admin.roles") + " - Ward"; }, [t]);
	if (roles.error || agents.error) return <Fault error={roles.error || agents.error} />;
	if (!roles.data || !agents.data) return <Loading />;
	const list = roles.data.custom_roles, of = (r: Role) => agents.data.filter((u) => u.custom_role_id === r.id), reload = () => { cache.invalidateQueries({ queryKey: ["roles"] }); cache.invalidateQueries({ queryKey: ["role-members"] }); };
	return (
		<>
			<div className="row between"><h1>{t("admin.roles")}</h1><Button isPrimary size="small" onClick={() => setOpen(null)}>{t("records.new")}</Button></div>
			<p className="soft">{t("roles.about")}</p>
			<>
					<div className="scroll"><table className="list"><caption className="sr">{t("admin.roles")}</caption><thead><tr><th scope="col">{t("person.name")}</th><th scope="col" style={{ width: 130 }}>{t("roles.has")}</th><th scope="col" style={{ width: 170 }}><span className="sr">{t("records.acts")}</span></th></tr></thead>
						<tbody>{list.map((r) => <tr key={r.id}><td className="wrap"><Name>{words.title(r)}</Name>{words.about(r) ? <><br /><span className="soft">{words.about(r)}</span></> : null}</td><td><Button size="small" isBasic aria-label={t("roles.who", { count: of(r).length }) + ": " + words.title(r)} onClick={() => setHas(r)}>{t("roles.who", { count: of(r).length })}</Button></td>
							<td>{r.ward_built_in ? <span className="soft">{t("roles.builtIn")}</span> : <div className="row"><Button size="small" isBasic onClick={() => setOpen(r)}>{t("records.change")}</Button><Button size="small" isBasic isDanger onClick={() => setGone(r)}>{t("records.delete")}</Button></div>}</td></tr>)}</tbody></table></div>
					<h2>{t("roles.matrix")}</h2>
					<div className="scroll" tabIndex={0} role="region" aria-label={t("roles.matrix")}><table className="matrix" id="role-matrix"><caption className="sr">{t("roles.matrix")}</caption><thead><tr><th scope="col">{t("roles.may")}</th>{list.map((r) => <th key={r.id} scope="col"><Name>{words.title(r)}</Name></th>)}</tr></thead>
						{PARTS.map(([part, keys]) => <tbody key={part}><tr><th scope="rowgroup" colSpan={list.length + 1}><strong>{t("roles.part." + part)}</strong></th></tr>{keys.map(([k]) => <tr key={k}><th scope="row">{words.name(k)}</th>{list.map((r) => <td key={r.id}>{r.configuration[k] === true ? <strong>✓ <span className="sr">{t("roles.allowed")}</span></strong> : r.configuration[k] === false || r.configuration[k] === undefined ? <span className="soft">– <span className="sr">{t("roles.denied")}</span></span> : words.value(r.configuration[k])}</td>)}</tr>)}</tbody>)}</table></div>
			</>
			{open !== undefined ? <Editor role={open} onClose={() => setOpen(undefined)} onDone={() => { setOpen(undefined); reload(); }} /> : null}
			{has ? <Has role={has} members={of(has)} onClose={() => setHas(null)} onDone={() => { setHas(null); reload(); }} /> : null}
			{gone ? <Typed title={t("records.delete")} warn={t("roles.deleteWarn")} word={gone.name} onClose={() => setGone(null)} facts={async () => t("roles.deleteCount", { count: of(gone).length })} go={async () => { await call("DELETE", "/api/v2/custom_roles/" + gone.id + ".json"); reload(); }} /> : null}
		</>
	);
}
