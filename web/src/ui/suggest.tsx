// The search field: fields, comparisons and values are suggested for the word under the cursor.
import { useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

const STATUS = ["new", "open", "pending", "hold", "solved", "closed"], PRIORITY = ["low", "normal", "high", "urgent"], TIME = ["1hour", "4hours", "1day", "1week", "1month"];
const PEOPLE = ["me", "none"];
// Each field with the comparisons it knows and the values that are words.
const FIELDS: [string, string, string[]][] = [["status", ":<>", STATUS], ["priority", ":<>", PRIORITY], ["assignee", ":", PEOPLE], ["requester", ":", ["me"]], ["group", ":", ["none"]], ["organization", ":", ["none"]], ["tags", ":", ["none"]],
	["subject", ":", []], ["description", ":", []], ["created", "><:", TIME], ["updated", "><:", TIME], ["solved", "><:", TIME], ["due_date", "><:", []], ["ticket_type", ":", ["question", "incident", "problem", "task"]],
	["via", ":", ["mail", "api", "web"]], ["submitter", ":", ["me"]], ["cc", ":", ["me"]], ["commenter", ":", ["me"]], ["has_attachment", ":", ["true"]], ["order_by", ":", ["created_at", "updated_at", "priority", "status"]], ["sort", ":", ["asc", "desc"]]];

interface Hint { text: string; words: string; more: boolean }

export function suggestions(before: string, say: (k: string) => string): Hint[] {
	const token = before.match(/\S*$/)![0], minus = token.startsWith("-") ? "-" : "", word = token.slice(minus.length);
	const m = word.match(/^([a-z_]+)([:<>]=?)(.*)$/i);
	if (m) {
		const f = FIELDS.find(([n]) => n === m[1].toLowerCase());
		return (f?.[2] || []).filter((v) => v.startsWith(m[3].toLowerCase()) && v !== m[3]).map((v) => ({ text: minus + m[1] + m[2] + v, words: "", more: false }));
	}
	if (!word) return [];
	return FIELDS.filter(([n]) => n.startsWith(word.toLowerCase())).flatMap(([n, ops]) => [...ops].map((o) => ({ text: minus + n + o, words: say(n) + (o === ">" ? " " + say("after") : o === "<" ? " " + say("before") : ""), more: true }))).slice(0, 10);
}

export function SearchInput({ value, onChange }: { value: string; onChange(v: string): void }) {
	const { t } = useTranslation();
	const ref = useRef<HTMLInputElement>(null);
	const [open, setOpen] = useState(false);
	const [at, setAt] = useState(-1);
	const [cursor, setCursor] = useState(0);
	const list = useMemo(() => open ? suggestions(value.slice(0, cursor), (k) => t("workspace.search." + k, k)) : [], [open, value, cursor, t]);
	const take = (h: Hint) => {
		const begin = value.slice(0, cursor).replace(/\S*$/, "") + h.text + (h.more ? "" : " ");
		onChange(begin + value.slice(cursor).replace(h.more ? /^\S*/ : /^\S*\s?/, ""));
		setAt(-1);
		setOpen(h.more);
		setCursor(begin.length);
		setTimeout(() => { ref.current?.focus(); ref.current?.setSelectionRange(begin.length, begin.length); }, 0);
	};
	return (
		<div className="suggest">
			<input ref={ref} id="query" type="search" className="plain-input" autoComplete="off" placeholder={t("search.hint")} value={value} role="combobox" aria-label={t("search.label")} aria-expanded={list.length > 0} aria-controls={list.length ? "query-words" : undefined}
				aria-autocomplete="list" aria-activedescendant={list[at] ? "query-word-" + at : undefined} onChange={(e) => { onChange(e.target.value); setCursor(e.target.selectionStart ?? e.target.value.length); setOpen(true); setAt(-1); }} onBlur={() => setOpen(false)}
				onKeyDown={(e) => {
					if (!list.length) return;
					if (e.key === "ArrowDown") { e.preventDefault(); setAt((n) => (n + 1) % list.length); }
					if (e.key === "ArrowUp") { e.preventDefault(); setAt((n) => (n <= 0 ? list.length : n) - 1); }
					if (e.key === "Escape") { e.preventDefault(); setOpen(false); }
					if ((e.key === "Enter" || e.key === "Tab") && list[at]) { e.preventDefault(); take(list[at]); }
				}} />
			{list.length ? <ul id="query-words" role="listbox" aria-label={t("workspace.suggestions")} className="palette hints">
				{list.map((h, i) => <li key={h.text} id={"query-word-" + i} role="option" aria-selected={i === at} onMouseDown={(e) => { e.preventDefault(); take(h); }}><span className="row between"><code>{h.text}</code><span className="soft">{h.words}</span></span></li>)}
			</ul> : null}
		</div>
	);
}
