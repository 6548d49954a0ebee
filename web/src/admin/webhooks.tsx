import { Button } from "@zendeskgarden/react-buttons";
import { useTranslation } from "react-i18next";
import { post } from "../api";
import { Name } from "../ui/bits";
import { useSays } from "../ui/says";
import { Records } from "./records";

interface Webhook { id: string; name: string; status: string; endpoint: string; http_method: string; request_format: string; subscriptions: string[] }

export default function Webhooks() {
	const { t } = useTranslation();
	const { say, fault } = useSays();
	return <Records<Webhook> source={{
		path: "/api/v2/webhooks", many: "webhooks", one: "webhook", cursor: true, title: t("admin.webhooks"), empty: t("webhooks.empty"),
		columns: [{ words: t("person.name"), show: (w) => <Name>{w.name}</Name> }, { words: t("webhooks.endpoint"), show: (w) => w.http_method + " " + w.endpoint }, { words: t("webhooks.when"), show: (w) => w.subscriptions.join(", "), wide: true }, { words: t("field.status"), show: (w) => t("webhooks." + w.status, w.status), width: 100 }],
		fields: [{ name: "name", words: t("person.name"), required: true }, { name: "endpoint", words: t("webhooks.endpoint"), required: true, hint: t("webhooks.endpointHint") },
			{ name: "http_method", words: t("webhooks.method"), kind: "choice", options: ["POST", "PUT", "PATCH", "GET", "DELETE"].map((m) => [m, m]) }, { name: "request_format", words: t("webhooks.format"), kind: "choice", options: ["json", "xml", "form_encoded"].map((m) => [m, m]) },
			{ name: "status", words: t("field.status"), kind: "choice", options: [["active", t("webhooks.active")], ["inactive", t("webhooks.inactive")]] },
			{ name: "subscriptions", words: t("webhooks.when"), kind: "list", hint: "conditional_ticket_events, zen:event-type:ticket.created" }],
		actions: (w) => <Button size="small" isBasic onClick={() => post("/api/v2/webhooks/test?webhook_id=" + w.id, { request: {} }).then((r) => say(t("webhooks.tested", { status: r.response?.status ?? "?" })), fault)}>{t("webhooks.test")}</Button>,
		remove: { warn: () => t("webhooks.deleteWarn"), word: (w) => w.name },
	}} />;
}
