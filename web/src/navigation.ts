// What stands in the rail. A new area is a folder and a row here.
import type { FC } from "react";
import { can, staff, type User } from "./api";
import * as icon from "./ui/icons";

export interface Area { path: string; name: string; icon: FC; who(u: User): boolean }
// Where somebody begins: agents with their tickets, who only proves with the trail.
export const home = (u: User) => !staff(u) ? "/requests" : can(u, "update_ticket") || !can(u, "read_trail") ? "/agent/views" : "/admin/trail";
export const NAVIGATION: Area[] = [
	{ path: "/agent", name: "tickets", icon: icon.Views, who: (u) => staff(u) && can(u, "update_ticket") },
	{ path: "/requests", name: "requests", icon: icon.People, who: (u) => !staff(u) },
	{ path: "/reports", name: "reports", icon: icon.Chart, who: (u) => can(u, "read_reports") },
	{ path: "/admin", name: "admin", icon: icon.Gear, who: (u) => ["admin", "read_posture", "write_articles"].some((p) => can(u, p)) },
];
