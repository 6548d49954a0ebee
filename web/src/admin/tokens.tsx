import { useTranslation } from "react-i18next";
import { Time } from "../ui/bits";
import { Records } from "./records";

interface Token { id: number; user_id: number; description: string; active: boolean; bearer: boolean; created_at: string; last_used: string | null }

export default function Tokens() {
	const { t } = useTranslation();
	return <Records<Token> source={{
		path: "/api/ward/v1/api_tokens", many: "api_tokens", one: "api_token", title: t("admin.tokens"), empty: t("tokens.empty"),
		columns: [{ words: t("tokens.number"), show: (k) => k.id, width: 80 }, { words: t("tokens.for"), show: (k) => k.description || "–" }, { words: t("tokens.user"), show: (k) => "#" + k.user_id, width: 90 },
			{ words: t("tokens.state"), show: (k) => k.active ? t("tokens.active") : t("tokens.ended"), width: 100 }, { words: t("field.created"), show: (k) => <Time at={k.created_at} />, width: 150, wide: true }, { words: t("tokens.used"), show: (k) => <Time at={k.last_used} />, width: 150, wide: true }],
		remove: { warn: () => t("tokens.endWarn"), word: (k) => String(k.id) }, canEdit: (k) => k.active,
		tools: <span className="soft">{t("tokens.how")}</span>,
	}} />;
}
