// What a ticket is besides its words: of one that exists (each change is saved) and of one that is about to be made.
import { useQuery } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import { memo, useRef } from "react";
import { useTranslation } from "react-i18next";
import { can, get, post, type Ticket, type User } from "../api";
import { useMe } from "../session";
import { Choice, Time } from "../ui/bits";
import { Chips, Combo, type Option } from "../ui/combo";
import { useWorkspace } from "./context";
import { FieldInput, shownFields, useFields, valuesOf } from "./custom";
import { AGENTS, GROUPS, MEMBERS } from "./ready";

export type Save = (change: Record<string, unknown>, back: Record<string, unknown>) => Promise<unknown>;

export function useStaff() {
	const agents = useQuery(AGENTS), groups = useQuery(GROUPS), members = useQuery(MEMBERS);
	return { agents: agents.data?.users || [], groups: (groups.data?.groups || []).filter((g) => !g.deleted), members: members.data?.group_memberships || [] };
}

export const findPeople = (role: string) => async (text: string): Promise<Option[]> => {
	if (text.length < 2) return [];
	const { users } = await post<{ users: User[] }>("/api/v2/users/autocomplete.json", { name: text });
	return users.filter((u) => role === "any" || u.role !== "end-user").slice(0, 10).map((u) => ({ id: String(u.id), words: u.name, hint: u.email || "" }));
};

const findTags = async (text: string): Promise<Option[]> => {
	if (text.length < 2) return [];
	const { tags } = await post<{ tags: string[] }>("/api/v2/autocomplete/tags.json", { name: text });
	return tags.slice(0, 10).map((x) => ({ id: x, words: x }));
};

const has = (o: Option, text: string) => text.toLowerCase().split(/\s+/).every((w) => (o.words + " " + (o.hint || "")).toLowerCase().includes(w));

// Groups, and the agents in each: an agent in two groups stands twice, and who is chosen says which group it goes to.
function Assignee({ ticket, disabled, save, users }: { ticket: Ticket; disabled: boolean; save: Save; users: Map<number, User> }) {
	const { t } = useTranslation();
	const me = useMe();
	const { agents, groups, members } = useStaff();
	const agent = new Map(agents.map((u) => [u.id, u.name])), group = new Map(groups.map((g) => [g.id, g.name]));
	const all: Option[] = groups.flatMap((g) => [{ id: g.id + "/", words: g.name, hint: t("field.group") },
		...members.filter((m) => m.group_id === g.id && agent.has(m.user_id)).map((m) => ({ id: g.id + "/" + m.user_id, words: agent.get(m.user_id)!, hint: g.name }))]);
	for (const u of agents) if (!members.some((m) => m.user_id === u.id)) all.push({ id: "/" + u.id, words: u.name });
	const shown = (ticket.group_id ? group.get(ticket.group_id) || "#" + ticket.group_id : "") + (ticket.assignee_id ? (ticket.group_id ? " › " : "") + (agent.get(ticket.assignee_id) || users.get(ticket.assignee_id)?.name || "#" + ticket.assignee_id) : "");
	const back = { group_id: ticket.group_id ?? null, assignee_id: ticket.assignee_id ?? null };
	const pick = (o: Option) => {
		const [g, a] = o.id.split("/").map((x) => x ? Number(x) : null);
		save(a && !g ? { assignee_id: a } : { group_id: g, assignee_id: a }, back);
	};
	const mine = members.find((m) => m.user_id === me.id && m.group_id === ticket.group_id) || members.find((m) => m.user_id === me.id);
	return (
		<Combo label={t("field.assignee")} value={shown} placeholder={t("ticket.nobody")} disabled={disabled} onPick={pick}
			find={(text) => [...(!text && (ticket.group_id || ticket.assignee_id) ? [{ id: "/", words: t("ticket.nobody") }] : []), ...all.filter((o) => !text || has(o, text))].slice(0, 60)}
			extra={!disabled && ticket.assignee_id !== me.id ? <div style={{ marginTop: 6 }}><Button size="small" type="button" onClick={() => save(mine ? { group_id: mine.group_id, assignee_id: me.id } : { assignee_id: me.id }, back)}>{t("ticket.take")}</Button></div> : null} />
	);
}

export const Properties = memo(function Properties({ ticket, masked, save, users }: { ticket: Ticket; masked: boolean; save: Save; users: Map<number, User> }) {
	const { t } = useTranslation();
	const me = useMe();
	const { fields, forms } = useFields();
	const made = ticket.id > 0, closed = ticket.status === "closed" || (made && !can(me, "update_ticket"));
	const space = useWorkspace(ticket), given = forms.find((f) => f.id === space?.ticket_form_id);
	const form = given || forms.find((f) => f.id === ticket.ticket_form_id) || (made ? undefined : forms.find((f) => f.default) || forms[0]), values = valuesOf(ticket);
	const shown = shownFields(fields, form, ticket, values, me, masked);
	const copied = ticket.email_cc_ids || [], following = ticket.follower_ids || [];
	const ids = [...new Set([...copied, ...following])].sort((a, b) => a - b), picked = useRef(new Map<number, string>());
	const who = useQuery({ queryKey: ["people", ids.join(",")], enabled: ids.length > 0, queryFn: () => get<{ users: User[] }>("/api/v2/users/show_many.json?ids=" + ids.join(",")), placeholderData: (p) => p });
	const name = (i: number) => who.data?.users.find((u) => u.id === i)?.name || users.get(i)?.name || picked.current.get(i) || "#" + i;
	const people = (list: number[]) => list.map((i) => ({ id: String(i), words: name(i) }));
	// CCs and followers are told as what changed: nobody who was added elsewhere meanwhile is lost.
	const among = (field: string, was: number[]) => (list: Option[]) => {
		const now = list.map((o) => Number(o.id)), came = now.filter((i) => !was.includes(i)), went = was.filter((i) => !now.includes(i));
		for (const o of list) picked.current.set(Number(o.id), o.words);
		const say = (put: number[], gone: number[]) => ({ [field]: [...put.map((i) => ({ user_id: i, action: "put" })), ...gone.map((i) => ({ user_id: i, action: "delete" }))] });
		save(say(came, went), say(went, came));
	};
	return (
		<>
			<Assignee ticket={ticket} disabled={closed} save={save} users={users} />
			<Chips label={t("field.ccs")} chosen={people(copied)} disabled={closed} find={findPeople("any")} onChange={among("email_ccs", copied)} />
			<div id="followers">
				<Chips label={t("workspace.followers")} chosen={people(following)} disabled={closed} find={findPeople("staff")} onChange={among("followers", following)} />
				{closed ? null : <div style={{ marginTop: 6 }}><Button size="small" type="button" onClick={() => among("followers", following)(people(following.includes(me.id) ? following.filter((i) => i !== me.id) : [...following, me.id]))}>{t(following.includes(me.id) ? "workspace.unfollow" : "workspace.follow")}</Button></div>}
			</div>
			<Choice acts={made} label={t("field.priority")} disabled={closed} value={ticket.priority || ""}
				options={[["", "–"], ...["low", "normal", "high", "urgent"].map((p) => [p, t("priority." + p)] as [string, string])]}
				onChange={(v) => v && save({ priority: v }, { priority: ticket.priority })} />
			<Choice acts={made} label={t("field.type")} disabled={closed} value={ticket.type || ""}
				options={[["", "–"], ...["question", "incident", "problem", "task"].map((p) => [p, t("type." + p)] as [string, string])]}
				onChange={(v) => v && save({ type: v }, { type: ticket.type })} />
			{forms.length > 1 || (made && forms.length === 1 && ticket.ticket_form_id !== forms[0].id) ? (
				<Choice acts={made} label={t("workspace.form")} disabled={closed || !!given} value={String(form?.id || "")} options={[...(form ? [] : [["", "–"] as [string, string]]), ...forms.map((f) => [String(f.id), f.name] as [string, string])]}
					onChange={(v) => v && save({ ticket_form_id: Number(v) }, { ticket_form_id: ticket.ticket_form_id })} />
			) : null}
			{space ? <div className="soft" id="context">{t("workspace.context", { title: space.title })}</div> : null}
			{shown.filter((x) => made || x.write).map((x) => <FieldInput key={x.field.id} shown={x} value={values[x.field.id]} disabled={closed} live={!made}
				onSave={(v) => save({ custom_fields: [{ id: x.field.id, value: v }] }, { custom_fields: [{ id: x.field.id, value: values[x.field.id] ?? null }] })} />)}
			<Chips label={t("field.tags")} chosen={ticket.tags.map((x) => ({ id: x, words: x }))} disabled={closed} find={async (text) => (await findTags(text)).filter((o) => !ticket.tags.includes(o.id))}
				free={(text) => text.toLowerCase().split(/[\s,]+/).filter(Boolean).map((x) => ({ id: x, words: x }))}
				onChange={(list) => save({ tags: list.map((o) => o.id) }, { tags: ticket.tags })} />
			{made ? (
				<dl className="facts">
					<dt>{t("field.channel")}</dt><dd>{t("via." + ticket.via.channel, ticket.via.channel)}</dd>
					<dt>{t("field.created")}</dt><dd><Time at={ticket.created_at} /></dd>
					<dt>{t("field.updated")}</dt><dd><Time at={ticket.updated_at} /></dd>
					{ticket.due_at ? <><dt>{t("field.due")}</dt><dd><Time at={ticket.due_at} /></dd></> : null}
				</dl>
			) : null}
		</>
	);
});
