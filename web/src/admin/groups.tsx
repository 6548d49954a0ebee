import { useTranslation } from "react-i18next";
import { get, type Group } from "../api";
import { Name } from "../ui/bits";
import { number } from "../words";
import { Records } from "./records";

export default function Groups() {
	const { t } = useTranslation();
	return <Records<Group> source={{
		path: "/api/v2/groups", many: "groups", one: "group", title: t("admin.groups"), empty: t("groups.empty"),
		columns: [{ words: t("person.name"), show: (g) => <Name>{g.name}</Name> }, { words: t("groups.description"), show: (g) => g.description || "", wide: true },
			{ words: t("groups.public"), show: (g) => g.is_public ? t("yes") : t("groups.private"), width: 110 }, { words: t("groups.default"), show: (g) => g.default ? t("yes") : "", width: 100, wide: true }],
		fields: [{ name: "name", words: t("person.name"), required: true }, { name: "description", words: t("groups.description"), kind: "long" }, { name: "is_public", words: t("groups.isPublic"), kind: "check", hint: t("groups.publicHint") }],
		remove: { warn: () => t("groups.deleteWarn"), word: (g) => g.name, facts: async (g) => {
			const [m, n, open] = await Promise.all([get("/api/v2/groups/" + g.id + "/memberships.json?per_page=1"), get<{ count: number }>("/api/v2/search/count.json?query=" + encodeURIComponent("type:ticket group:" + g.id)), get<{ count: number }>("/api/v2/search/count.json?query=" + encodeURIComponent("type:ticket status<solved group:" + g.id))]);
			return t("groups.deleteCount", { members: number(m.count), tickets: number(n.count), open: number(open.count) });
		} }, canEdit: (g) => !g.deleted,
	}} />;
}
