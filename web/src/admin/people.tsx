import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import type { User } from "../api";
import { Choice, Name, Time } from "../ui/bits";
import { Records } from "./records";

export default function People() {
	const { t } = useTranslation();
	const [role, setRole] = useState("staff");
	const roles: [string, string][] = ["end-user", "agent", "admin"].map((r) => [r, t("role." + r)]);
	return <Records<User> source={{
		path: "/api/v2/users", many: "users", one: "user", query: role === "staff" ? "role[]=agent&role[]=admin" : "role[]=" + role, title: t("admin.people"), empty: t("people.empty"),
		tools: <Choice label={t("person.role")} hideLabel value={role} onChange={setRole} options={[["staff", t("people.staff")], ...roles]} />,
		columns: [
			{ words: t("person.name"), show: (u) => <Link href={"/agent/people/" + u.id}><Name>{u.name}</Name></Link> },
			{ words: t("person.email"), show: (u) => u.email || "", wide: true },
			{ words: t("person.role"), show: (u) => t("role." + u.role), width: 120 },
			{ words: t("people.lastSeen"), show: (u) => <Time at={u.last_login_at} />, width: 150, wide: true },
		],
		fields: [
			{ name: "name", words: t("person.name"), required: true }, { name: "email", words: t("person.email"), kind: "email", required: true, onlyNew: true },
			{ name: "role", words: t("person.role"), kind: "choice", options: roles }, { name: "phone", words: t("person.phone") },
			{ name: "ticket_restriction", words: t("people.sees"), kind: "choice", options: [["", t("people.all")], ["groups", t("people.groups")], ["organization", t("people.organization")], ["assigned", t("people.assigned")]], hint: t("people.seesHint") },
			{ name: "suspended", words: t("people.suspended"), kind: "check" }, { name: "notes", words: t("people.notes"), kind: "long" },
		],
		remove: { warn: () => t("people.deleteWarn"), word: (u) => u.email || String(u.id) },
	}} />;
}
