// Setting up the second factor: scan, type the code, keep the recovery codes.
import { useQueryClient } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import qrcode from "qrcode-generator";
import { useEffect, useMemo, useRef, useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { post, Refused } from "./api";
import { useSays } from "./ui/says";

export function Qr({ text }: { text: string }) {
	const { t } = useTranslation();
	const path = useMemo(() => {
		const q = qrcode(0, "M");
		q.addData(text);
		q.make();
		let d = "";
		for (let y = 0; y < q.getModuleCount(); y++) for (let x = 0; x < q.getModuleCount(); x++) if (q.isDark(y, x)) d += "M" + x + " " + y + "h1v1h-1z";
		return { d, n: q.getModuleCount() };
	}, [text]);
	return (
		<svg viewBox={`-3 -3 ${path.n + 6} ${path.n + 6}`} width="200" height="200" role="img" aria-label={t("enrol.qr")} shapeRendering="crispEdges" style={{ background: "#fff", borderRadius: 8 }}>
			<path d={path.d} fill="#000" />
		</svg>
	);
}

export default function Enrol({ onDone, leave }: { onDone(): void; leave(): void }) {
	const { t } = useTranslation();
	const { fault } = useSays();
	const cache = useQueryClient();
	const [totp, setTotp] = useState<{ secret: string; uri: string } | null>(null);
	const [code, setCode] = useState("");
	const [wrong, setWrong] = useState("");
	const [codes, setCodes] = useState<string[] | null>(null);
	const [kept, setKept] = useState(false);
	const begun = useRef(false);
	useEffect(() => {
		document.title = t("enrol.title") + " - Ward";
		if (begun.current) return;
		begun.current = true;
		post("/api/ward/v1/factors/totp").then((r) => setTotp(r.totp), fault);
	}, [t, fault]);
	const confirm = async (e: FormEvent) => {
		e.preventDefault();
		setWrong("");
		try {
			setCodes((await post("/api/ward/v1/factors/totp/confirm", { code })).recovery_codes);
			cache.invalidateQueries();
		} catch (err) {
			if (err instanceof Refused && err.status === 422) setWrong(t("sign.wrongCode"));
			else fault(err);
		}
	};
	const save = () => {
		const a = document.createElement("a");
		a.href = URL.createObjectURL(new Blob([codes!.join("\n") + "\n"], { type: "text/plain" }));
		a.download = "ward-recovery-codes.txt";
		a.click();
		URL.revokeObjectURL(a.href);
		setKept(true);
	};
	return (
		<main className="sign stack" id="main" style={{ maxWidth: 480 }}>
			<h1>{t("enrol.title")}</h1>
			{codes ? (
				<>
					<p>{t("enrol.keep")}</p>
					<ul className="card" id="recovery" style={{ columns: 2, listStyle: "none", fontFamily: "ui-monospace, monospace" }}>{codes.map((c) => <li key={c}>{c}</li>)}</ul>
					<div className="row"><Button onClick={save}>{t("enrol.save")}</Button></div>
					<label className="row"><input type="checkbox" checked={kept} onChange={(e) => setKept(e.target.checked)} /> {t("enrol.kept")}</label>
					<Button isPrimary disabled={!kept} onClick={onDone}>{t("enrol.go")}</Button>
				</>
			) : (
				<>
					<p>{t("enrol.why")}</p>
					<ol className="stack" style={{ paddingInlineStart: 20 }}>
						<li>{t("enrol.scan")}
							<div style={{ marginTop: 8 }}>{totp ? <Qr text={totp.uri} /> : <span className="soft">{t("loading")}</span>}</div>
							{totp ? <details><summary>{t("enrol.typeIt")}</summary><code className="wrap" id="totp-secret">{totp.secret.replace(/(.{4})/g, "$1 ").trim()}</code></details> : null}</li>
						<li>
							<form className="stack" onSubmit={confirm}>
								<label className="field"><span>{t("enrol.code")}</span><input name="code" inputMode="numeric" autoComplete="one-time-code" required value={code} aria-invalid={!!wrong} aria-describedby="enrol-wrong" onChange={(e) => setCode(e.target.value)} /></label>
								<p id="enrol-wrong" role="alert" style={{ color: "var(--bad)" }}>{wrong}</p>
								<div className="row"><Button isPrimary type="submit" disabled={!totp}>{t("enrol.confirm")}</Button><Button type="button" onClick={leave}>{t("sign.out")}</Button></div>
							</form>
						</li>
					</ol>
				</>
			)}
		</main>
	);
}
