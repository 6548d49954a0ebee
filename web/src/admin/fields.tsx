// Ticket fields: what is asked, and which of it is health information, for what purpose.
import { useTranslation } from "react-i18next";
import { get } from "../api";
import { number } from "../words";
import { Records } from "./records";

interface Field { id: number; title: string; type: string; active: boolean; required: boolean; removable: boolean; phi: boolean; phi_purpose: string | null; visible_in_portal: boolean; editable_in_portal: boolean; regexp_for_validation: string | null; description: string }
const TYPES = ["text", "textarea", "tagger", "multiselect", "checkbox", "date", "integer", "decimal", "regexp", "partialcreditcard"];

export default function Fields() {
	const { t } = useTranslation();
	return <Records<Field> source={{
		path: "/api/v2/ticket_fields", many: "ticket_fields", one: "ticket_field", title: t("admin.fields"), empty: t("fields.empty"),
		columns: [{ words: t("person.name"), show: (f) => f.title }, { words: t("field.type"), show: (f) => t("fields.type." + f.type, f.type), width: 140 }, { words: t("fields.phi"), show: (f) => f.phi ? <><strong>PHI</strong> {f.phi_purpose}</> : "", wide: true },
			{ words: t("fields.required"), show: (f) => f.required ? t("yes") : "", width: 100, wide: true }, { words: t("fields.active"), show: (f) => f.active ? t("yes") : t("no"), width: 80 }],
		fields: [{ name: "type", words: t("field.type"), kind: "choice", options: TYPES.map((x) => [x, t("fields.type." + x, x)]), onlyNew: true }, { name: "title", words: t("person.name"), required: true }, { name: "description", words: t("groups.description"), kind: "long" },
			{ name: "custom_field_options", words: t("fields.options"), kind: "options", hint: t("fields.optionsHint") }, { name: "phi", words: t("fields.isPhi"), kind: "check" }, { name: "phi_purpose", words: t("fields.purpose"), hint: t("fields.purposeHint") }, { name: "required", words: t("fields.requiredLong"), kind: "check" },
			{ name: "visible_in_portal", words: t("fields.visible"), kind: "check" }, { name: "editable_in_portal", words: t("fields.editable"), kind: "check" }, { name: "regexp_for_validation", words: t("fields.regexp") }],
		canEdit: (f) => f.removable, remove: { warn: () => t("fields.deleteWarn"), word: (f) => f.title, facts: async () => t("fields.deleteCount", { n: number((await get("/api/v2/tickets/count.json")).count.value) }) },
	}} />;
}
