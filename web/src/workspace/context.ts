// The contextual workspace of a ticket: which form and macros it is worked with. An account that has none is not asked ticket by ticket.
import { useQuery } from "@tanstack/react-query";
import { get, type Ticket } from "../api";
import type { Macro } from "./composer";
import { WORKSPACES } from "./ready";

export interface Workspace { id: number; title: string; ticket_form_id: number | null; selected_macros: Macro[] }

export function useWorkspace(ticket: Ticket | undefined): Workspace | undefined {
	const all = useQuery(WORKSPACES), id = ticket?.id || 0;
	const mine = useQuery({
		queryKey: ["workspace", id, ticket?.updated_at], enabled: id > 0 && !!all.data?.workspaces.some((w) => w.activated), placeholderData: (p) => p,
		queryFn: () => get<{ workspace: Workspace | null }>("/api/ward/v1/tickets/" + id + "/workspace"),
	});
	return mine.data?.workspace || undefined;
}
