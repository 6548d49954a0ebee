// Health information is shown to who needs it, for a purpose, on record.
import { Button } from "@zendeskgarden/react-buttons";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { post, Refused, type Comment, type Ticket } from "../api";
import { Box } from "../ui/box";
import { useSays } from "../ui/says";

export function Unmask({ id, onClose, onClear }: { id: number; onClose(): void; onClear(c: { ticket: Ticket; comments: Comment[] }): void }) {
	const { t } = useTranslation();
	const { fault } = useSays();
	const [purpose, setPurpose] = useState("");
	const [wrong, setWrong] = useState("");
	const go = (e: FormEvent) => {
		e.preventDefault();
		post("/api/ward/v1/tickets/" + id + "/unmask", { purpose }).then(onClear, (err) => err instanceof Refused && err.status === 422 ? setWrong(err.message) : fault(err));
	};
	return (
		<Box title={t("mask.show")} onClose={onClose}>
			<form className="stack" onSubmit={go}>
				<p>{t("mask.record")}</p>
				{wrong ? <p className="leaving" role="alert">{wrong}</p> : null}
				<label className="field"><span>{t("mask.purpose")}</span><input id="purpose" autoFocus required value={purpose} onChange={(e) => setPurpose(e.target.value)} /></label>
				<div className="row"><Button isPrimary type="submit">{t("mask.go")}</Button><Button type="button" onClick={onClose}>{t("cancel")}</Button></div>
			</form>
		</Box>
	);
}
