// Mail that could not be used, kept: read it, make a ticket of it, or destroy it.
import { Button } from "@zendeskgarden/react-buttons";
import { useTranslation } from "react-i18next";
import { put } from "../api";
import { Name, Time } from "../ui/bits";
import { useSays } from "../ui/says";
import { Records } from "./records";

interface Suspended { id: number; cause: string; subject: string; author: { name: string; email: string }; created_at: string; content: string }

export default function SuspendedTickets() {
	const { t } = useTranslation();
	const { say, fault } = useSays();
	return <Records<Suspended> source={{
		path: "/api/v2/suspended_tickets", many: "suspended_tickets", one: "suspended_ticket", title: t("admin.suspended"), empty: t("suspended.empty"), next: <p>{t("suspended.next")}</p>,
		columns: [{ words: t("suspended.cause"), show: (s) => s.cause, width: "22%" }, { words: t("suspended.from"), show: (s) => <Name>{s.author?.name || s.author?.email || ""}</Name>, wide: true },
			{ words: t("field.subject"), show: (s) => <details><summary dir="auto">{s.subject || t("ticket.noSubject")}</summary><div className="pre" dir="auto">{s.content}</div></details> }, { words: t("field.created"), show: (s) => <Time at={s.created_at} />, width: 150, wide: true }],
		actions: (s, reload) => <Button size="small" onClick={() => put("/api/v2/suspended_tickets/" + s.id + "/recover.json", {}).then(() => { say(t("suspended.recovered")); reload(); }, fault)}>{t("suspended.recover")}</Button>,
		remove: { warn: () => t("suspended.deleteWarn"), word: (s) => String(s.id) },
	}} />;
}
