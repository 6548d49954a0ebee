// Keys: what there are, how old, where; rotation as a job of the server.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { can, get, post } from "../api";
import { useMe } from "../session";
import { Fault, Loading, Time } from "../ui/bits";
import { useSays } from "../ui/says";
import { exactly, number } from "../words";
import { Typed } from "./records";

interface Keys { root: { kind: string; path: string; in_data_folder: boolean; rotated_at: string | null; copy_checked_at: string | null }; account: { version: number; versions: number; rotated_at: string | null };
	data: { count: number; named: number; counted_at: string | null }; made_at: string | null; memory_locked: boolean; fips: boolean; signing_key: string;
	rotation: { state: string; total: number; left: number; percent: number; started_at: string | null; ended_at: string | null; why: string | null } }

export default function KeysPage() {
	const { t } = useTranslation();
	const { say } = useSays();
	const may = can(useMe(), "admin");
	const cache = useQueryClient();
	const [sure, setSure] = useState<"account" | "root" | null>(null);
	const keys = useQuery({ queryKey: ["keyring"], queryFn: () => get<{ keys: Keys }>("/api/ward/v1/keys"), refetchInterval: (q) => q.state.data?.keys.rotation.state === "running" ? 1000 : 15000 });
	useEffect(() => { document.title = t("admin.keys") + " - Ward"; }, [t]);
	if (keys.error) return <Fault error={keys.error} />;
	if (!keys.data) return <Loading />;
	const k = keys.data.keys, r = k.rotation, running = r.state === "running", phrase = k.root.kind === "passphrase";
	const age = (at: string | null) => { const since = at || k.made_at; return since ? t("keyring.days", { count: Math.floor((Date.now() - Date.parse(since)) / 86400000) }) : "–"; };
	const rows: [string, string, string, string][] = [
		[t("keyring.root"), phrase ? t("keyring.phrase") : k.root.path, age(k.root.rotated_at), t("keyring.rootDoes")],
		[t("keyring.account"), t("keyring.version", { version: k.account.version, count: k.account.versions }), age(k.account.rotated_at), t("keyring.accountDoes")],
		[t("keyring.data"), t("keyring.many", { count: k.data.count, n: number(k.data.count) }), "", t("keyring.dataDoes")],
		[t("keyring.named"), number(k.data.named), age(null), t("keyring.namedDoes")],
	];
	return (
		<>
			<h1>{t("admin.keys")}</h1>
			<p className="soft">{t("keyring.about")}</p>
			{k.root.copy_checked_at ? <p>{t("keyring.copied")} <Time at={k.root.copy_checked_at} />.</p> : <p className="leaving" role="note">{t("keyring.notCopied")} {may ? <Link href="/admin/setup">{t("keyring.copyNow")}</Link> : null}</p>}
			{k.root.in_data_folder ? <p className="leaving" role="note">{t("setup.backup.inside")}</p> : null}
			{running ? (
				<div className="card stack" id="rotation"><strong>{t("keyring.running")}</strong><progress max={100} value={r.percent} style={{ width: "100%" }} aria-label={t("keyring.running")} /><span role="status">{t("keyring.left", { n: number(r.left), of: number(r.total) })}</span><p className="soft">{t("keyring.goesOn")}</p></div>
			) : r.state === "failed" ? <p className="leaving" role="alert">{t("keyring.failed")} {r.why}</p> : r.state === "done" ? <p className="fine" id="rotation" role="status">{t("keyring.done", { at: exactly(r.ended_at!) })}</p> : null}
			<div className="scroll"><table className="list"><caption className="sr">{t("admin.keys")}</caption>
				<thead><tr><th scope="col" style={{ width: 150 }}>{t("keyring.key")}</th><th scope="col">{t("keyring.where")}</th><th scope="col" style={{ width: 120 }}>{t("keyring.age")}</th><th scope="col" className="wide">{t("keyring.does")}</th></tr></thead>
				<tbody>{rows.map(([a, b, c, d]) => <tr key={a}><td><strong>{a}</strong></td><td className="wrap">{b}</td><td>{c}</td><td className="wrap wide soft">{d}</td></tr>)}</tbody></table></div>
			{may ? <div className="row"><Button disabled={running} onClick={() => setSure("account")}>{t("keyring.rotateAccount")}</Button><Button isDanger disabled={running || phrase} onClick={() => setSure("root")}>{t("keyring.rotateRoot")}</Button></div> : null}
			{phrase ? <p className="soft">{t("keyring.phraseStays")}</p> : null}
			<dl className="facts"><dt>{t("keyring.memory")}</dt><dd>{k.memory_locked ? t("keyring.locked") : t("keyring.notLocked")}</dd><dt>FIPS</dt><dd>{k.fips ? t("yes") : t("no")}</dd><dt>{t("keyring.signing")}</dt><dd><code>{k.signing_key}</code></dd></dl>
			{sure ? <Typed title={t(sure === "root" ? "keyring.rotateRoot" : "keyring.rotateAccount")} word={t("keyring.word")} onClose={() => setSure(null)}
				warn={sure === "root" ? t("keyring.rootWarn", { versions: k.account.versions, path: k.root.path }) : t("keyring.accountWarn", { n: number(k.data.count), version: k.account.version + 1 })}
				go={async () => { cache.setQueryData(["keyring"], await post("/api/ward/v1/keys/rotations", { key: sure, expected_version: k.account.version })); say(t(sure === "root" ? "keyring.rootDone" : "keyring.begun")); cache.invalidateQueries({ queryKey: ["setup"] }); }} /> : null}
		</>
	);
}
