// API tokens: made here, shown once, ended at once.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { people, post, Refused } from "../api";
import { Name, Time } from "../ui/bits";
import { Box } from "../ui/box";
import { useSays } from "../ui/says";
import { AGENTS } from "../workspace/ready";
import { exactly } from "../words";
import { PersonPick } from "./person-pick";
import { Records } from "./records";

interface Token { id: number; user_id: number; description: string; active: boolean; bearer: boolean; created_at: string; last_used: string | null }

function New({ onClose }: { onClose(): void }) {
	const { t } = useTranslation();
	const { fault } = useSays();
	const [user, setUser] = useState(0);
	const [v, setV] = useState({ description: "", bearer: false, read_only: false });
	const [wrong, setWrong] = useState("");
	const [clear, setClear] = useState("");
	const submit = async (e: FormEvent) => {
		e.preventDefault();
		setWrong("");
		try {
			setClear((await post("/api/ward/v1/api_tokens", { api_token: { ...v, ...(user ? { user_id: user } : {}) } })).api_token.token);
		} catch (err) {
			if (err instanceof Refused && err.status === 422) setWrong(err.message);
			else fault(err);
		}
	};
	if (clear) return (
		<Box title={t("tokens.made")} onClose={onClose}><p>{t("tokens.once")}</p><pre className="code" id="token">{clear}</pre><p className="soft">{t(v.bearer ? "tokens.useBearer" : "tokens.useBasic")}</p><div><Button isPrimary onClick={onClose}>{t("close")}</Button></div></Box>
	);
	return (
		<Box title={t("tokens.new")} onClose={onClose}>
			<form className="stack" onSubmit={submit}>
				{wrong ? <p className="leaving" role="alert">{wrong}</p> : null}
				<label className="field"><span>{t("tokens.for")}</span><input required maxLength={255} value={v.description} onChange={(e) => setV({ ...v, description: e.target.value })} /></label>
				<PersonPick label={t("tokens.whose")} value={user} onChange={setUser} />
				<label className="row"><input type="checkbox" checked={v.read_only} onChange={(e) => setV({ ...v, read_only: e.target.checked })} /> {t("tokens.readOnly")}</label>
				<label className="row"><input type="checkbox" checked={v.bearer} onChange={(e) => setV({ ...v, bearer: e.target.checked })} /> {t("tokens.bearer")}</label>
				<p className="soft">{t("tokens.may")}</p>
				<div className="row"><Button isPrimary type="submit">{t("tokens.make")}</Button><Button type="button" onClick={onClose}>{t("cancel")}</Button></div>
			</form>
		</Box>
	);
}

export default function Tokens() {
	const { t } = useTranslation();
	const cache = useQueryClient();
	const [making, setMaking] = useState(false);
	const names = people(useQuery(AGENTS).data?.users);
	return <>
		<Records<Token> source={{
			path: "/api/ward/v1/api_tokens", many: "api_tokens", one: "api_token", title: t("admin.tokens"), empty: t("tokens.none"), next: <Button onClick={() => setMaking(true)}>{t("tokens.new")}</Button>,
			columns: [{ words: t("tokens.number"), show: (k) => k.id, width: 80 }, { words: t("tokens.for"), show: (k) => k.description || "–" }, { words: t("tokens.user"), show: (k) => <Name>{names.get(k.user_id)?.name || "#" + k.user_id}</Name>, width: 180 },
				{ words: t("tokens.state"), show: (k) => k.active ? t("tokens.active") : t("tokens.ended"), width: 100 }, { words: t("field.created"), show: (k) => <Time at={k.created_at} />, width: 150, wide: true }, { words: t("tokens.used"), show: (k) => <Time at={k.last_used} />, width: 150, wide: true }],
			remove: { warn: () => t("tokens.endWarn"), word: (k) => String(k.id), facts: async (k) => t(k.last_used ? "tokens.lastUsed" : "tokens.neverUsed", { at: k.last_used ? exactly(k.last_used) : "" }) }, canEdit: (k) => k.active,
			tools: <Button size="small" isPrimary onClick={() => setMaking(true)}>{t("tokens.new")}</Button>,
		}} />
		{making ? <New onClose={() => { setMaking(false); cache.invalidateQueries({ queryKey: ["records"] }); }} /> : null}
	</>;
}
