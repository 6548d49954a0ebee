// Where anything may leave to. Nothing leaves to a place that is not listed.
import { useTranslation } from "react-i18next";
import { Records } from "./records";

interface Destination { id: number; kind: string; pattern: string; note: string; content: boolean; allow_http: boolean; allow_addresses: string }

export default function Destinations() {
	const { t } = useTranslation();
	return (
		<>
			<Records<Destination> source={{
				path: "/api/ward/v1/destinations", many: "destinations", one: "destination", cursor: true, title: t("admin.destinations"), empty: t("destinations.empty"),
				columns: [{ words: t("destinations.kind"), show: (d) => t("destinations." + d.kind), width: 130 }, { words: t("destinations.pattern"), show: (d) => d.pattern },
					{ words: t("destinations.content"), show: (d) => d.content ? t("yes") : t("destinations.link"), width: 150 }, { words: t("people.notes"), show: (d) => d.note, wide: true }],
				fields: [{ name: "kind", words: t("destinations.kind"), kind: "choice", options: [["recipient", t("destinations.recipient")], ["webhook", t("destinations.webhook")]], onlyNew: true },
					{ name: "pattern", words: t("destinations.pattern"), hint: t("destinations.patternHint"), required: true },
					{ name: "content", words: t("destinations.contentLong"), kind: "check", hint: t("destinations.contentHint") }, { name: "note", words: t("people.notes"), kind: "long" }],
				remove: { warn: () => t("destinations.deleteWarn"), word: (d) => d.pattern },
			}} />
			<p className="soft">{t("destinations.about")}</p>
		</>
	);
}
