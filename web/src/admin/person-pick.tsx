// Somebody, by name or e-mail. Value: the id, or 0.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { get, type User } from "../api";

export function PersonPick({ label, value, onChange }: { label: string; value: number; onChange(id: number, name: string): void }) {
	const { t } = useTranslation();
	const id = useId();
	const [text, setText] = useState("");
	const asked = text.trim();
	const found = useQuery({ queryKey: ["person-pick", asked], enabled: asked.length > 1 && value === 0, staleTime: 30000, queryFn: () => get<{ users: User[] }>("/api/v2/users/search.json?per_page=10&query=" + encodeURIComponent(asked)) });
	const words = (u: User) => u.name + (u.email ? " <" + u.email + ">" : "") + " #" + u.id;
	// Who typed all of an address, or the name of the only one, need not pick from the list.
	const same = (u: User) => [words(u), u.name, u.email || ""].some((w) => w.toLowerCase() === asked.toLowerCase());
	useEffect(() => {
		const them = (found.data?.users || []).filter(same);
		if (value === 0 && asked && them.length === 1) onChange(them[0].id, them[0].name);
	}, [found.data, asked]);
	const type = (s: string) => {
		setText(s);
		const u = (found.data?.users || []).find((x) => words(x) === s), n = s.match(/^#?(\d+)$/);
		onChange(u ? u.id : n ? Number(n[1]) : 0, u ? u.name : s);
	};
	return (
		<div className="field"><label htmlFor={id}>{label}</label>
			<input id={id} list={id + "-l"} autoComplete="off" placeholder={t("trail.personHint")} value={text} onChange={(e) => type(e.target.value)} />
			<datalist id={id + "-l"}>{(found.data?.users || []).map((u) => <option key={u.id} value={words(u)} />)}</datalist></div>
	);
}
