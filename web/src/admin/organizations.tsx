import { useTranslation } from "react-i18next";
import { get, type Organization } from "../api";
import { Name, Time } from "../ui/bits";
import { number } from "../words";
import { Records } from "./records";

export default function Organizations() {
	const { t } = useTranslation();
	return <Records<Organization> source={{
		path: "/api/v2/organizations", many: "organizations", one: "organization", title: t("admin.organizations"), empty: t("organizations.empty"),
		columns: [{ words: t("person.name"), show: (o) => <Name>{o.name}</Name> }, { words: t("organizations.domains"), show: (o) => (o.domain_names || []).join(", "), wide: true },
			{ words: t("field.tags"), show: (o) => (o.tags || []).join(" "), wide: true }, { words: t("field.created"), show: (o) => <Time at={o.created_at} />, width: 150, wide: true }],
		fields: [{ name: "name", words: t("person.name"), required: true }, { name: "domain_names", words: t("organizations.domains"), kind: "list", hint: t("organizations.domainsHint") },
			{ name: "details", words: t("organizations.details"), kind: "long" }, { name: "notes", words: t("people.notes"), kind: "long" }],
		remove: { warn: () => t("organizations.deleteWarn"), word: (o) => o.name, facts: async (o) => { const r = await get("/api/v2/organizations/" + o.id + "/related.json"); return t("organizations.deleteCount", { users: number(r.organization_related.users_count), tickets: number(r.organization_related.tickets_count) }); } },
	}} />;
}
