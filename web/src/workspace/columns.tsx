// What stands in a view's columns: of a ticket, by the column's name or a field's id.
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Group, Organization, Ticket, User, View } from "../api";
import { Name, Status, Time } from "../ui/bits";

type Says = ReturnType<typeof useTranslation>["t"];
export type ColumnId = string | number;
export interface Beside { users: Map<number, User>; groups: Map<number, Group>; organizations: Map<number, Organization> }
interface Column { of(r: Ticket, b: Beside, t: Says): ReactNode; sort?: string; width?: number; className?: string; more?: "dates" | "slas" }      // more: what is asked for beside the ticket

const person = (id: number | null | undefined, b: Beside) => id ? <Name>{b.users.get(id)?.name || "#" + id}</Name> : null;
const time = (at: string | null | undefined) => <Time at={at} />;
const WIDE = "wide", LATE = "late";

/** The columns that a list can show; the subject is the row's link and stands in each. */
export const COLUMNS: Record<string, Column> = {
	nice_id: { of: (r) => "#" + r.id, sort: "nice_id", width: 72, className: WIDE },
	status: { of: (r) => <Status status={r.status} />, sort: "status", width: 108 },
	subject: { of: () => null },
	type: { of: (r, _, t) => r.type ? t("type." + r.type) : "", sort: "type", width: 90, className: WIDE },
	priority: { of: (r, _, t) => r.priority ? t("priority." + r.priority) : "", sort: "priority", width: 84, className: WIDE },
	requester: { of: (r, b) => person(r.requester_id, b), width: 150, className: WIDE },
	assignee: { of: (r, b) => person(r.assignee_id, b), width: 140, className: WIDE },
	submitter: { of: (r, b) => person(r.submitter_id, b), width: 140, className: WIDE },
	group: { of: (r, b) => r.group_id ? <Name>{b.groups.get(r.group_id)?.name || "#" + r.group_id}</Name> : null, sort: "group", width: 120, className: WIDE },
	organization: { of: (r, b) => r.organization_id ? <Name>{b.organizations.get(r.organization_id)?.name || "#" + r.organization_id}</Name> : null, sort: "organization", width: 140, className: WIDE },
	created: { of: (r) => time(r.created_at), sort: "created", width: 148, className: WIDE },
	updated: { of: (r) => time(r.updated_at), sort: "updated_at", width: 148, className: LATE },
	solved: { of: (r) => time(r.dates?.solved_at), sort: "solved", width: 148, className: WIDE, more: "dates" },
	assigned: { of: (r) => time(r.dates?.assigned_at), sort: "assigned", width: 148, className: WIDE, more: "dates" },
	updated_requester: { of: (r) => time(r.dates?.requester_updated_at), sort: "updated_requester", width: 148, className: WIDE, more: "dates" },
	updated_assignee: { of: (r) => time(r.dates?.assignee_updated_at), sort: "updated_assignee", width: 148, className: WIDE, more: "dates" },
	sla_next_breach_at: { of: (r) => time(r.slas?.policy_metrics.map((m) => m.breach_at).filter(Boolean).sort()[0]), sort: "sla_next_breach_at", width: 148, className: WIDE, more: "slas" },
	due_date: { of: (r) => time(r.due_at), sort: "due_date", width: 148, className: WIDE },
	via: { of: (r, _, t) => t("via." + r.via.channel, r.via.channel), width: 90, className: WIDE },
	tags: { of: (r) => r.tags.join(" "), width: 140, className: WIDE },
	satisfaction_score: { of: (r, _, t) => r.satisfaction_rating?.score ? t("views.score." + r.satisfaction_rating.score, r.satisfaction_rating.score) : "", width: 110, className: WIDE },
};

const FOUND: ColumnId[] = ["status", "subject", "requester", "priority", "updated"];

/** The columns of a view, of a search without one; nothing that a list cannot show, and always the subject. */
export function columnsOf(view: View | undefined): ColumnId[] {
	const ids = view?.execution ? view.execution.columns.map((c) => c.id).filter((id) => typeof id === "number" || COLUMNS[id]) : FOUND;
	return ids.includes("subject") ? ids : ids[0] === "status" ? ["status", "subject", ...ids.slice(1)] : ["subject", ...ids];
}

const SUBJECT = 240;
/** How wide a list of these columns is at least: what its subjects need beside the others. */
export const leastWidth = (ids: ColumnId[]) => 32 + SUBJECT + ids.reduce<number>((sum, id) => sum + (columnOf(id).width || 0), 0);

export const columnOf = (id: ColumnId): Column => typeof id === "string" ? COLUMNS[id] : {
	of: (r, _, t) => { const v = r.custom_fields?.find((f) => f.id === id)?.value; return v === true ? t("yes") : v === false ? t("no") : Array.isArray(v) ? v.join(", ") : v === null || v === undefined ? "" : String(v); },
	width: 130, className: WIDE };

/** The words above a column. */
export const columnWords = (id: ColumnId, fields: Map<number, string>, t: Says) => typeof id === "string" ? t("views.column." + id) : fields.get(id) || "#" + id;
