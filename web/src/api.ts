// The public API, and nothing else: what the screen can do, a script can.
import type { QueryClient } from "@tanstack/react-query";

// An answer that says no. `fields` has the words for each field that was wrong.
export class Refused extends Error {
	constructor(message: string, readonly status: number, readonly fields: Record<string, string> = {}, readonly requestId = "") {
		super(message);
	}
}
/** What is wrong with the fields that were sent, a sentence each; null: it is something else. */
export const wrongs = (err: unknown): string[] | null =>
	err instanceof Refused && err.status === 422 ? (Object.values(err.fields).length ? Object.values(err.fields) : [err.message]) : null;

type Body = { description?: string; error?: string | { title?: string; message?: string };
	errors?: { title?: string; detail?: string }[]; details?: Record<string, { description: string }[]> };

function refusal(body: Body | null, status: number, id: string): Refused {
	const fields: Record<string, string> = {};
	for (const [name, list] of Object.entries(body?.details || {})) fields[name] = list.map((d) => d.description).join(" ");
	const said = Object.values(fields).join(" ") || body?.description || body?.errors?.[0]?.detail || body?.errors?.[0]?.title ||
		(typeof body?.error === "object" ? body.error.message : body?.error) || "HTTP " + status;
	return new Refused(said, status, fields, status >= 500 ? id : "");
}

let csrf: string | null = null;
export const setCsrf = (token: string | null) => { csrf = token; };

export const signedIn = () => csrf !== null;

// What is still to be said while the session is there: the last words of a draft, that somebody leaves.
const lastWords = new Set<() => Promise<unknown>>();
export function beforeLeaving(fn: () => Promise<unknown>): () => void {
	lastWords.add(fn);
	return () => { lastWords.delete(fn); };
}
export const sayLastWords = () => Promise.race([Promise.allSettled([...lastWords].map((fn) => fn())), new Promise((r) => setTimeout(r, 2000))]);

// Called when the server no longer knows the session.
let onSignedOut: () => void = () => undefined;
export const whenSignedOut = (fn: () => void) => { onSignedOut = fn; };

export async function call<T = any>(method: string, path: string, body?: unknown, raw?: { type: string; data: Blob }, more?: Record<string, string>): Promise<T> {
	const head: Record<string, string> = { Accept: "application/json", "X-Requested-With": "XMLHttpRequest", ...more };
	if (body !== undefined) head["Content-Type"] = "application/json";
	if (raw) head["Content-Type"] = raw.type;
	if (csrf) head["X-CSRF-Token"] = csrf;
	let res: Response;
	try {
		res = await fetch(path, { method, headers: head, credentials: "same-origin", cache: "no-store",
			body: raw ? raw.data : body === undefined ? undefined : JSON.stringify(body) });
	} catch {
		throw new Refused("unreachable", 0);
	}
	const data = res.status === 204 ? null : await res.json().catch(() => null);
	if (!res.ok) {
		const e = refusal(data, res.status, res.headers.get("X-Request-Id") || "");
		if (res.status === 401 && csrf) onSignedOut();
		throw e;
	}
	return data as T;
}

export const get = <T = any>(path: string) => call<T>("GET", path);
export const post = <T = any>(path: string, body?: unknown) => call<T>("POST", path, body ?? {});
export const put = <T = any>(path: string, body: unknown) => call<T>("PUT", path, body);
export const del = <T = any>(path: string, body?: unknown) => call<T>("DELETE", path, body);

// Nothing of a ticket stays in memory when somebody leaves.
export function forget(cache: QueryClient) {
	cache.cancelQueries();
	cache.clear();
}

// ---- what comes back ----------------------------------------------------------------------------

export interface User { id: number; name: string; email: string | null; role: "end-user" | "agent" | "admin"; phone: string | null;
	organization_id: number | null; created_at: string; last_login_at?: string | null; time_zone?: string; locale?: string; notes?: string; details?: string;
	tags?: string[]; suspended?: boolean; active?: boolean; ticket_restriction?: string | null; authenticity_token?: string; verified?: boolean;
	default_group_id?: number | null; two_factor_auth_enabled?: boolean; custom_role_id?: number | null; permissions?: string[]; idle_minutes?: number; view_access?: "readonly" | "manage-personal" | "full" }
export interface Group { id: number; name: string; description?: string; is_public?: boolean; default?: boolean; deleted?: boolean }
export interface Organization { id: number; name: string; domain_names?: string[]; tags?: string[]; details?: string; notes?: string; created_at?: string }
export interface Via { channel: string }
export interface Ticket { id: number; subject: string; raw_subject?: string; description?: string; status: string; priority: string | null; type: string | null;
	requester_id: number; submitter_id?: number; assignee_id: number | null; group_id: number | null; organization_id: number | null; tags: string[];
	created_at: string; updated_at: string; due_at: string | null; via: Via; email_cc_ids?: number[]; follower_ids?: number[]; problem_id?: number | null;
	custom_fields?: { id: number; value: unknown }[]; ticket_form_id?: number | null; satisfaction_rating?: { score: string }; has_incidents?: boolean; custom_status_id?: number | null;
	dates?: Record<string, string | null> | null; slas?: { policy_metrics: { breach_at: string | null }[] } | null }
export interface Attachment { id: number; file_name: string; content_url: string; size: number; content_type: string; inline?: boolean }
export interface Comment { id: number; author_id: number; body: string; html_body?: string; plain_body?: string; public: boolean; created_at: string; via?: Via;
	attachments?: Attachment[]; metadata?: { trusted?: boolean } }
export interface Finding { label: string; start: number; end: number; score: number; rule: string; field: string }
export interface ViewOrder { group_by: string | null; group_order: "asc" | "desc"; sort_by: string; sort_order: "asc" | "desc" }
export interface View { id: number; title: string; active: boolean; position?: number; description?: string | null;
	restriction?: { type: "User" | "Group"; id?: number; ids?: number[] } | null; conditions?: { all: Rule[]; any: Rule[] };
	execution?: ViewOrder & { group?: { id: string } | null; sort?: { id: string } | null; columns: { id: string | number; title: string }[] } }
interface Rule { field: string; operator: string; value: unknown }

export const staff = (u: User | null) => !!u && u.role !== "end-user";
// What the page shows; the server judges each request anew.
export const can = (u: User | null, permission: string) => !!u?.permissions?.includes(permission);
export const people = (list?: User[]) => new Map((list || []).map((u) => [u.id, u]));
