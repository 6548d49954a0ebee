import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Looks } from "./looks";

export default function LooksPage() {
	const { t } = useTranslation();
	const [type, setType] = useState("");
	const [id, setId] = useState("");
	const [user, setUser] = useState("");
	useEffect(() => { document.title = t("admin.looks") + " - Ward"; }, [t]);
	return (
		<>
			<h1>{t("admin.looks")}</h1>
			<p className="soft">{t("looks.about")}</p>
			<div className="row">
				<label className="field"><span>{t("trail.type")}</span><select value={type} onChange={(e) => setType(e.target.value)}><option value="">{t("trail.any")}</option><option value="user">{t("field.requester")}</option><option value="ticket">{t("nav.tickets")}</option><option value="attachment">{t("looks.attachment")}</option></select></label>
				<label className="field"><span>{t("trail.number")}</span><input inputMode="numeric" disabled={!type} value={id} onChange={(e) => setId(e.target.value.replace(/\D/g, ""))} /></label>
				<label className="field"><span>{t("trail.actor")}</span><input inputMode="numeric" value={user} onChange={(e) => setUser(e.target.value.replace(/\D/g, ""))} /></label>
			</div>
			<Looks object={type ? { type, id: id ? Number(id) : undefined } : undefined} user={user ? Number(user) : undefined} />
		</>
	);
}
