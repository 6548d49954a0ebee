// What stands in the rail. A new area is a folder and a row here.
import type { FC } from "react";
import { staff, type User } from "./api";
import * as icon from "./ui/icons";

export interface Area { path: string; name: string; icon: FC; who(u: User): boolean }
export const NAVIGATION: Area[] = [
	{ path: "/agent", name: "tickets", icon: icon.Views, who: staff },
	{ path: "/requests", name: "requests", icon: icon.People, who: (u) => !staff(u) },
	{ path: "/reports", name: "reports", icon: icon.Chart, who: (u) => staff(u) && (u.role === "admin" || !u.ticket_restriction) },
	{ path: "/admin", name: "admin", icon: icon.Gear, who: (u) => u.role === "admin" },
];
