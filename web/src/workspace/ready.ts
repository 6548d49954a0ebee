// What each ticket's page needs and names no patient, asked for once a minute; it
// is got ready, with the page's code, while somebody reads a list. Of a ticket
// nothing is asked before it is opened: showing it is a look, and looks are in
// the trail.
import { queryOptions, type QueryClient } from "@tanstack/react-query";
import { get, type Comment, type Group, type Organization, type Ticket, type User } from "../api";
import type { Macro } from "./composer";
import type { Field, Form } from "./custom";
import type { Found } from "./ticket";

const KEPT = { staleTime: 60000, gcTime: 300000 };

// Of a large clinic the first thousand.
async function all<T>(key: keyof T, path: string): Promise<T> {
	const list: unknown[] = [];
	for (let n = 1, next: unknown = path; next && n <= 10; n++) {
		const r: any = await get(path + (path.includes("?") ? "&" : "?") + "per_page=100&page=" + n);
		list.push(...r[key]);
		next = r.next_page;
	}
	return { [key]: list } as T;
}

export const AGENTS = queryOptions({ ...KEPT, queryKey: ["agents"], queryFn: () => all<{ users: User[] }>("users", "/api/v2/users.json?role[]=agent&role[]=admin") });
export const GROUPS = queryOptions({ ...KEPT, queryKey: ["groups"], queryFn: () => all<{ groups: Group[] }>("groups", "/api/v2/groups.json") });
export const MEMBERS = queryOptions({ ...KEPT, queryKey: ["members"], queryFn: () => all<{ group_memberships: { user_id: number; group_id: number }[] }>("group_memberships", "/api/v2/group_memberships/assignable.json") });
export const FIELDS = queryOptions({ ...KEPT, queryKey: ["ticket_fields"], queryFn: () => get<{ ticket_fields: Field[] }>("/api/v2/ticket_fields.json?per_page=100") });
export const FORMS = queryOptions({ ...KEPT, queryKey: ["ticket_forms"], queryFn: () => get<{ ticket_forms: Form[] }>("/api/v2/ticket_forms.json?active=true") });
export const WORKSPACES = queryOptions({ ...KEPT, queryKey: ["workspaces"], queryFn: () => get<{ workspaces: { activated: boolean }[] }>("/api/v2/workspaces.json?per_page=100") });
export const MACROS = queryOptions({ ...KEPT, queryKey: ["macros"], queryFn: () => get<{ macros: Macro[] }>("/api/v2/macros/active.json?per_page=100") });

// ---- a ticket that somebody opens

export interface Loaded { ticket: Ticket; users?: User[]; groups?: Group[]; organizations?: Organization[] }

async function talk(id: number) {
	const all = { comments: [] as Comment[], users: [] as User[] };
	for (let n = 1, next: string | null = "1"; next; n++) {
		const p: any = await get("/api/v2/tickets/" + id + "/comments.json?include=users&per_page=100&page=" + n);
		all.comments.push(...p.comments);
		all.users.push(...(p.users || []));
		next = p.next_page;
	}
	return all;
}

export const ticketOf = (id: number) => queryOptions({ queryKey: ["ticket", id], queryFn: () => get<Loaded>("/api/v2/tickets/" + id + ".json?include=users,groups,organizations") });
export const talkOf = (id: number, stamp?: string) => queryOptions({ queryKey: ["talk", id, stamp], queryFn: () => talk(id) });
export const foundOf = (id: number, stamp?: string) => queryOptions({ queryKey: ["found", id, stamp], queryFn: () => get<Found>("/api/ward/v1/tickets/" + id + "/findings") });

// Asked for in the click that opens it, while its page is still being made.
export function opened(cache: QueryClient, t: Ticket) {
	cache.prefetchQuery(ticketOf(t.id));
	cache.prefetchQuery(talkOf(t.id, t.updated_at));
	cache.prefetchQuery(foundOf(t.id, t.updated_at));
}

// ---- what can be got ready before

const idle = (fn: () => void) => "requestIdleCallback" in window ? requestIdleCallback(fn, { timeout: 2000 }) : setTimeout(fn, 300);

export function getReady(cache: QueryClient) {
	const code = [() => import("./ticket"), () => import("./editor"), () => import("./rich")];
	const next = () => {
		const load = code.shift();
		if (load) return void load().then(() => idle(next), () => undefined);
		for (const q of [AGENTS, GROUPS, MEMBERS, FIELDS, FORMS, MACROS]) cache.prefetchQuery(q as typeof AGENTS);
	};
	idle(next);
}
