// What leaves: waiting, sent, held, dead. Dead letters are read here and sent again.
import { useQuery } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { del, get, post } from "../api";
import { Choice, Name, Time } from "../ui/bits";
import { Box } from "../ui/box";
import { useSays } from "../ui/says";
import { number } from "../words";
import { Records } from "./records";

interface Message { id: number; kind: string; state: string; reason: string | null; event: string; ticket_id: number | null; attempts: number; created_at: string; due_at: string | null; to?: string; subject?: string; text?: string; body?: string; erased?: boolean }
const STATES = ["queued", "sending", "retry", "held", "sent", "dead", "dropped"];

function Reading({ id, onClose, onDone }: { id: number; onClose(): void; onDone(): void }) {
	const { t } = useTranslation();
	const { say, fault } = useSays();
	const one = useQuery({ queryKey: ["outbox", id], queryFn: () => get<{ message: Message }>("/api/ward/v1/outbox/" + id) });
	const m = one.data?.message;
	return (
		<Box title={t("outbox.one", { id })} onClose={onClose}>
			{m ? (
				<>
					<dl className="facts"><dt>{t("field.status")}</dt><dd>{t("outbox." + m.state)}</dd>{m.reason ? <><dt>{t("suspended.cause")}</dt><dd>{m.reason}</dd></> : null}
						{m.to ? <><dt>{t("outbox.to")}</dt><dd><Name>{m.to}</Name></dd></> : null}{m.subject ? <><dt>{t("field.subject")}</dt><dd>{m.subject}</dd></> : null}</dl>
					<div className="card pre" dir="auto" style={{ maxHeight: 240, overflow: "auto" }}>{m.erased ? t("outbox.erased") : m.text || m.body || ""}</div>
					<div className="row">
						{m.state === "dead" || m.state === "held" ? <Button isPrimary onClick={() => post("/api/ward/v1/outbox/" + id + "/retry").then(() => { say(t("outbox.again")); onDone(); }, fault)}>{t("outbox.resend")}</Button> : null}
						{m.state !== "sent" && m.state !== "dropped" ? <Button isDanger onClick={() => del("/api/ward/v1/outbox/" + id).then(() => { say(t("outbox.gone")); onDone(); }, fault)}>{t("outbox.drop")}</Button> : null}
						<Button onClick={onClose}>{t("close")}</Button>
					</div>
				</>
			) : <p>{t("loading")}</p>}
		</Box>
	);
}

export default function Outbox() {
	const { t } = useTranslation();
	const [state, setState] = useState("");
	const [open, setOpen] = useState<number | null>(null);
	const counts = useQuery({ queryKey: ["records", "outbox-counts"], refetchInterval: 10000, queryFn: () => get<{ counts: Record<string, number> }>("/api/ward/v1/outbox?page%5Bsize%5D=1") });
	return (
		<>
			<Records<Message> source={{
				path: "/api/ward/v1/outbox", many: "outbox", one: "message", cursor: true, live: true, query: state ? "state=" + state : "", title: t("admin.outbox"), empty: t("outbox.empty"), next: <p>{t("outbox.next")}</p>,
				tools: <Choice label={t("field.status")} hideLabel value={state} onChange={setState} options={[["", t("outbox.all")], ...STATES.map((s) => [s, t("outbox." + s) + (counts.data?.counts[s] ? " (" + number(counts.data.counts[s]) + ")" : "")] as [string, string])]} />,
				columns: [{ words: t("tokens.number"), show: (m) => m.id, width: 80 }, { words: t("destinations.kind"), show: (m) => t("outbox.kind." + m.kind, m.kind), width: 100 }, { words: t("outbox.event"), show: (m) => m.event, wide: true },
					{ words: t("field.status"), show: (m) => <>{t("outbox." + m.state)}{m.reason ? <><br /><span className="soft">{m.reason}</span></> : null}</> }, { words: t("outbox.tries"), show: (m) => m.attempts, width: 70, wide: true }, { words: t("field.created"), show: (m) => <Time at={m.created_at} />, width: 140, wide: true }],
				actions: (m) => <Button size="small" isBasic onClick={() => setOpen(m.id)}>{t("outbox.read")}</Button>,
			}} />
			{open ? <Reading id={open} onClose={() => setOpen(null)} onDone={() => setOpen(null)} /> : null}
		</>
	);
}
