// From an empty desk to a safe one. What is done, the server works out from what
// is so; what is put off needs a reason, which goes into the trail.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import { useEffect, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { get, post, put, Refused } from "../api";
import { Fault, Loading, Time } from "../ui/bits";
import { useSays } from "../ui/says";
import { Invite } from "./invite";

export interface Step { name: string; state: "open" | "done" | "deferred"; proven_at: string | null; deferred: { user_id: number; at: string; reason: string } | null; facts: Record<string, any> }
export interface Setup { steps: Step[]; open: number; deferred: number; finished: boolean }
type Send = (body: object) => Promise<boolean>;

function Later({ step, send }: { step: Step; send: Send }) {
	const { t } = useTranslation();
	const [reason, setReason] = useState("");
	if (step.state === "done") return null;
	if (step.deferred) return <p className="soft">{t("setup.putOff")} <Time at={step.deferred.at} />: “{step.deferred.reason}” <Button size="small" isBasic onClick={() => send({ reopen: true })}>{t("setup.reopen")}</Button></p>;
	return (
		<details><summary>{t("setup.later")}</summary>
			<form className="stack narrow" onSubmit={(e) => { e.preventDefault(); send({ reason }); }}>
				<p className="soft">{t("setup.laterAbout")}</p>
				<label className="field"><span>{t("setup.reason")}</span><textarea rows={2} required minLength={10} value={reason} onChange={(e) => setReason(e.target.value)} /></label>
				<div><Button size="small" type="submit">{t("setup.defer")}</Button></div>
			</form></details>
	);
}

function Backup({ step, send }: { step: Step; send: Send }) {
	const { t } = useTranslation();
	const [print, setPrint] = useState("");
	const f = step.facts, phrase = f.root_kind === "passphrase", file = String(f.root_path).split("/").pop();
	return (
		<div className="stack">
			<p>{t(phrase ? "setup.backup.phrase" : "setup.backup.what")}</p>
			<pre className="code" aria-label={t("setup.backup.commands")}>{"cp " + f.root_path + " /media/SAFE/\nsha256sum /media/SAFE/" + file}</pre>
			<p className="soft">{t("setup.backup.data", { folder: f.data_folder })}</p>
			{f.in_data_folder ? <p className="leaving">{t("setup.backup.inside")}</p> : null}
			{step.state === "done" ? null : (
				<form className="row" onSubmit={(e) => { e.preventDefault(); send({ fingerprint: print }); }}>
					<label className="field grow"><span>{t("setup.backup.type", { digits: f.digits })}</span><input required autoComplete="off" spellCheck={false} value={print} onChange={(e) => setPrint(e.target.value)} /></label>
					<Button type="submit" isPrimary>{t("setup.check")}</Button>
				</form>
			)}
		</div>
	);
}

function MailTest({ step, send }: { step: Step; send: Send }) {
	const { t } = useTranslation();
	const { fault } = useSays();
	const [says, setSays] = useState("");
	const timer = useRef(0);
	useEffect(() => () => clearTimeout(timer.current), []);
	const watch = async (id: number, left: number) => {
		try {
			const { message: m } = await get("/api/ward/v1/outbox/" + id);
			if (m.state === "sent") {
				if (await send({ outbox_id: id })) setSays(t("setup.mail.sent"));
			} else if (left === 0 || m.state === "dead" || m.state === "held") setSays(t("setup.mail.not", { state: m.state, reason: m.reason || "–" }));
			else timer.current = window.setTimeout(() => watch(id, left - 1), 1000);
		} catch (e) {
			fault(e);
		}
	};
	const test = () => { setSays(t("setup.mail.going")); post("/api/ward/v1/mail/test").then(({ message }) => watch(message.id, 30), (e) => { setSays(""); fault(e); }); };
	return (
		<div className="stack">
			<p>{step.facts.configured ? t("setup.mail.relay", { relay: step.facts.relay }) : t("setup.mail.none")}</p>
			<div className="row"><Link href="/admin/mail">{t("setup.mail.set")}</Link><Link href="/admin/destinations">{t("admin.destinations")}</Link>{step.facts.configured ? <Button size="small" isPrimary={step.state !== "done"} onClick={test}>{t("setup.mail.test")}</Button> : null}</div>
			{says ? <p role="status">{says}</p> : null}
		</div>
	);
}

export default function SetupPage() {
	const { t } = useTranslation();
	const { say, fault } = useSays();
	const cache = useQueryClient();
	const setup = useQuery({ queryKey: ["setup"], queryFn: () => get<{ setup: Setup }>("/api/ward/v1/setup") });
	const [wrong, setWrong] = useState<Record<string, string>>({});
	const [inviting, setInviting] = useState(false);
	useEffect(() => { document.title = t("admin.setup") + " - Ward"; }, [t]);
	if (setup.error) return <Fault error={setup.error} />;
	if (!setup.data) return <Loading />;
	const s = setup.data.setup, done = s.steps.filter((x) => x.state === "done").length;
	const send = (name: string): Send => async (body) => {
		setWrong((w) => ({ ...w, [name]: "" }));
		try {
			cache.setQueryData(["setup"], await put("/api/ward/v1/setup/" + name, body));
			say(t("records.saved"));
			return true;
		} catch (e) {
			if (e instanceof Refused && e.status === 422) setWrong((w) => ({ ...w, [name]: e.message }));
			else fault(e);
			return false;
		}
	};
	const body: Record<string, (x: Step) => ReactNode> = {
		factor: (x) => <p>{x.state === "done" ? t("setup.factor.done", { count: x.facts.recovery_codes_left }) : t(x.facts.set ? "setup.factor.off" : "setup.factor.none")}</p>,
		backup: (x) => <Backup step={x} send={send("backup")} />,
		mail: (x) => <MailTest step={x} send={send("mail")} />,
		team: (x) => <div className="stack"><p>{t("setup.team.now", { admins: x.facts.administrators, agents: x.facts.agents })}</p><div><Button size="small" isPrimary={x.state !== "done"} onClick={() => setInviting(true)}>{t("invite.title")}</Button></div></div>,
		policy: (x) => (
			<div className="stack"><p>{t(x.facts.version > 0 ? "setup.policy.own" : "setup.policy.defaults", { version: x.facts.version })}</p>
				<div className="row"><Link href="/admin/policy">{t("setup.policy.look")}</Link>{x.state === "done" ? null : <Button size="small" isPrimary onClick={() => send("policy")({ version: x.facts.version })}>{t("setup.policy.choose")}</Button>}</div></div>
		),
	};
	return (
		<div className="stack narrow">
			<h1>{t("setup.title")}</h1>
			<p className="soft">{t("setup.about")}</p>
			<div className="row"><progress max={s.steps.length} value={done} aria-label={t("setup.progress")} /><span role="status">{t("setup.of", { done, all: s.steps.length })}</span></div>
			{s.finished ? <p className="fine">{t(s.deferred ? "setup.finishedBut" : "setup.finished", { count: s.deferred })}</p> : null}
			<ol className="steps">
				{s.steps.map((x) => (
					<li key={x.name} data-state={x.state} id={"step-" + x.name} aria-label={t("setup.step." + x.name)}>
						<div className="stack">
							<div className="row between"><h2>{t("setup.step." + x.name)}</h2><span className={"state " + (x.state === "done" ? "good" : x.state === "deferred" ? "wait" : "")}>{t("setup.state." + x.state)}</span></div>
							<p className="soft">{t("setup.why." + x.name)}</p>
							{body[x.name]?.(x)}
							{wrong[x.name] ? <p role="alert" className="leaving">{wrong[x.name]}</p> : null}
							<Later step={x} send={send(x.name)} />
						</div>
					</li>
				))}
			</ol>
			{inviting ? <Invite onClose={() => { setInviting(false); cache.invalidateQueries(); }} /> : null}
		</div>
	);
}
