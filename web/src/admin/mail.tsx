// The relay that mail goes through.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import { useEffect, useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { get, post, put, Refused } from "../api";
import { Fault, Loading } from "../ui/bits";
import { useSays } from "../ui/says";

const NUMBERS = ["port", "retry_seconds", "give_up_hours", "keep_days", "dead_days", "auto_limit"];
const TEXTS = ["host", "user", "password", "from", "name"];

export default function Mail() {
	const { t } = useTranslation();
	const { say, fault } = useSays();
	const cache = useQueryClient();
	const conf = useQuery({ queryKey: ["mail"], queryFn: () => get<{ mail: Record<string, any> }>("/api/ward/v1/mail") });
	const [v, setV] = useState<Record<string, string>>({});
	const [wrong, setWrong] = useState<Record<string, string>>({});
	const [tested, setTested] = useState("");
	useEffect(() => {
		document.title = t("admin.mail") + " - Ward";
		if (conf.data) setV(Object.fromEntries(Object.entries(conf.data.mail).map(([k, x]) => [k, String(x)])));
	}, [conf.data, t]);
	if (conf.error) return <Fault error={conf.error} />;
	if (!conf.data) return <Loading />;
	const save = async (e: FormEvent) => {
		e.preventDefault();
		setWrong({});
		const was = conf.data!.mail, out: Record<string, unknown> = {};
		for (const k of [...NUMBERS, ...TEXTS, "tls", "ca_pem"]) if (v[k] !== undefined && v[k] !== String(was[k] ?? "")) out[k] = NUMBERS.includes(k) ? Number(v[k]) : v[k];
		try {
			await put("/api/ward/v1/mail", { mail: out });
			await cache.invalidateQueries({ queryKey: ["mail"] });
			say(t("records.saved"));
		} catch (err) {
			if (err instanceof Refused && err.status === 422) setWrong(err.fields);
			else fault(err);
		}
	};
	// The way that every mail takes: what becomes of it, the outbox knows.
	const test = async () => {
		try {
			let { message: m } = await post("/api/ward/v1/mail/test");
			setTested(t("setup.mail.going"));
			for (let i = 0; i < 20 && !["sent", "dead", "held"].includes(m.state); i++) {
				await new Promise((r) => window.setTimeout(r, 1000));
				m = (await get("/api/ward/v1/outbox/" + m.id)).message;
			}
			setTested(m.state === "sent" ? t("setup.mail.sent") : t("setup.mail.not", { state: m.state, reason: m.reason || "–" }));
		} catch (err) {
			fault(err);
		}
	};
	const field = (k: string, type = "text") => (
		<div className="field" key={k}>
			<label htmlFor={"m-" + k}>{t("mail." + k)}</label>
			<input id={"m-" + k} type={type} autoComplete={type === "password" ? "new-password" : "off"} value={v[k] || ""} placeholder={k === "password" && conf.data!.mail.password_set ? "••••••••" : ""} aria-invalid={!!wrong[k] || undefined} onChange={(e) => setV({ ...v, [k]: e.target.value })} />
			{wrong[k] ? <p style={{ color: "var(--bad)" }}>{wrong[k]}</p> : null}
		</div>
	);
	return (
		<form className="stack" style={{ maxWidth: 560 }} onSubmit={save}>
			<h1>{t("admin.mail")}</h1>
			<p className="soft">{t("mail.about")}</p>
			{field("host")}{field("port", "number")}
			<label className="field"><span>{t("mail.tls")}</span><select value={v.tls || "starttls"} onChange={(e) => setV({ ...v, tls: e.target.value })}><option value="starttls">STARTTLS</option><option value="tls">TLS</option><option value="none">{t("mail.none")}</option></select></label>
			{field("user")}{field("password", "password")}{field("from", "email")}{field("name")}
			<label className="field"><span>{t("mail.ca_pem")}</span><textarea rows={3} value={v.ca_pem || ""} onChange={(e) => setV({ ...v, ca_pem: e.target.value })} /></label>
			<details><summary>{t("mail.more")}</summary><div className="stack" style={{ marginTop: 12 }}>{NUMBERS.slice(1).map((k) => field(k, "number"))}</div></details>
			<div className="row"><Button isPrimary type="submit">{t("records.save")}</Button>{conf.data.mail.host ? <Button type="button" onClick={test}>{t("mail.test")}</Button> : null}</div>
			{tested ? <p role="status">{tested}</p> : null}
		</form>
	);
}
