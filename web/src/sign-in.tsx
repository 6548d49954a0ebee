import { Anchor, Button } from "@zendeskgarden/react-buttons";
import { Field, Input } from "@zendeskgarden/react-forms";
import { Alert } from "@zendeskgarden/react-notifications";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { Refused } from "./api";
import { useSession } from "./session";
import { words } from "./ui/says";

export function SignIn() {
	const { t } = useTranslation();
	const { enter, why } = useSession();
	const [email, setEmail] = useState("");
	const [password, setPassword] = useState("");
	const [code, setCode] = useState("");
	const [askCode, setAskCode] = useState(false);
	const [said, setSaid] = useState("");
	const [busy, setBusy] = useState(false);

	const submit = async (e: FormEvent) => {
		e.preventDefault();
		setBusy(true);
		setSaid("");
		try {
			await enter(email, password, askCode ? code : undefined);
		} catch (err) {
			if (err instanceof Refused && err.status === 401) {
				if (err.fields.code !== undefined || /code/i.test(err.message)) {
					setAskCode(true);
					setSaid(askCode ? t("sign.wrongCode") : "");
				} else setSaid(t("sign.wrong"));
			} else setSaid(words(err, t));
		}
		setBusy(false);
	};
	return (
		<main className="sign stack" id="main">
			<h1>{t("sign.title")}</h1>
			{why && !said ? <Alert type="info">{t("sign." + why)}</Alert> : null}
			{said ? <Alert type="error" role="alert">{said}</Alert> : null}
			<form className="stack" onSubmit={submit} id="sign-in">
				<Field>
					<Field.Label>{t("sign.email")}</Field.Label>
					<Input name="email" type="email" autoComplete="username" required value={email} onChange={(e) => setEmail(e.target.value)} />
				</Field>
				<Field>
					<Field.Label>{t("sign.password")}</Field.Label>
					<Input name="password" type="password" autoComplete="current-password" required value={password} onChange={(e) => setPassword(e.target.value)} />
				</Field>
				{askCode ? (
					<Field>
						<Field.Label>{t("sign.code")}</Field.Label>
						<Field.Hint>{t("sign.codeHint")}</Field.Hint>
						<Input name="code" inputMode="numeric" autoComplete="one-time-code" required autoFocus value={code} onChange={(e) => setCode(e.target.value)} />
					</Field>
				) : null}
				<Button type="submit" isPrimary isStretched disabled={busy}>{t("sign.go")}</Button>
				<p><Anchor href="/password/reset" id="forgot">{t("sign.forgot")}</Anchor></p>
			</form>
		</main>
	);
}
