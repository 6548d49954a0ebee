// Who saw what; asked for one person, it is the answer to "who saw my record?".
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Looks } from "./looks";
import { PersonPick } from "./person-pick";

export default function LooksPage() {
	const { t } = useTranslation();
	const [seen, setSeen] = useState({ id: 0, name: "" });
	const [type, setType] = useState("");
	const [id, setId] = useState("");
	const [user, setUser] = useState(0);
	useEffect(() => { document.title = t("admin.looks") + " - Ward"; }, [t]);
	const object = !seen.id && type ? { type, id: id ? Number(id) : undefined } : undefined;
	const filter = (seen.id ? "&filter%5Bperson_id%5D=" + seen.id : "") + (object ? "&filter%5Bobject%5D=" + object.type + (object.id ? "&filter%5Bobject_id%5D=" + object.id : "") : "") + (user ? "&filter%5Buser_id%5D=" + user : "");
	return (
		<>
			<div className="row between"><h1>{t("admin.looks")}</h1><a href={"/api/ward/v1/looks/csv?x=1" + filter} download>{t("trail.csv")}</a></div>
			<p className="soft">{t("looks.about")}</p>
			<div className="card stack"><h2>{t("looks.whoSaw")}</h2>
				<PersonPick label={t("looks.person")} value={seen.id} onChange={(n, name) => setSeen({ id: n, name })} />
				{seen.id ? <p role="status">{t("looks.showing", { name: seen.name })}</p> : null}</div>
			<div className="row" role="group" aria-label={t("trail.filters")}>
				<label className="field"><span>{t("trail.type")}</span><select value={seen.id ? "user" : type} disabled={!!seen.id} onChange={(e) => setType(e.target.value)}><option value="">{t("trail.any")}</option><option value="user">{t("field.requester")}</option><option value="ticket">{t("nav.tickets")}</option><option value="attachment">{t("looks.attachment")}</option><option value="audit_log">{t("admin.trail")}</option><option value="outbox">{t("admin.outbox")}</option></select></label>
				<label className="field"><span>{t("trail.number")}</span><input inputMode="numeric" disabled={!type || !!seen.id} value={id} onChange={(e) => setId(e.target.value.replace(/\D/g, ""))} /></label>
				<PersonPick label={t("looks.by")} value={user} onChange={setUser} />
			</div>
			<Looks object={object || undefined} person={seen.id || undefined} user={user || undefined} />
		</>
	);
}
