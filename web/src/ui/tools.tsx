// Keys, their cheat sheet and the command palette.
import { createContext, useContext, useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { can } from "../api";
import { useMe } from "../session";
import { NAVIGATION } from "../navigation";
import { Box } from "./box";
import { useSays } from "./says";

export interface Command { id: string; words: string; keys?: string; run(): void }
interface ToolSet { keys(): void; palette(): void; offer(list: Command[]): () => void }
const Context = createContext<ToolSet>({ keys: () => undefined, palette: () => undefined, offer: () => () => undefined });
export const useTools = () => useContext(Context);

// Commands of the page that is open; `keys` of one letter work outside of fields.
export function useCommands(list: Command[]) {
	const { offer } = useTools();
	useEffect(() => offer(list), [offer, list]);
}

// Second letters behind g, as in Zendesk where it has one.
const SECOND: Record<string, string> = { tickets: "g h", reports: "g r", admin: "g a" };
// Keys of one letter can be switched off: a voice that is taken for typing, or a hand that trembles, presses many (WCAG 2.1.4).
const LETTERS = "ward.letters";
const letters = () => localStorage.getItem(LETTERS) !== "off";

const typing = (e: KeyboardEvent) => {
	const el = e.target as HTMLElement;
	return el.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName) || !!document.querySelector("dialog[open]");
};

function Palette({ commands, onClose }: { commands: Command[]; onClose(): void }) {
	const { t } = useTranslation();
	const [, go] = useLocation();
	const me = useMe();
	const [text, setText] = useState("");
	const [at, setAt] = useState(0);
	const found = useMemo(() => {
		const w = text.trim().toLowerCase(), list = commands.filter((c) => w.split(/\s+/).every((p) => c.words.toLowerCase().includes(p)));
		const n = w.match(/^#?(\d+)$/);
		if (n) list.unshift({ id: "go", words: t("palette.ticket", { id: n[1] }), run: () => go("/agent/tickets/" + n[1]) });
		else if (w && can(me, "search")) list.push({ id: "find", words: t("palette.find", { text }), run: () => go("/agent/search", { state: { query: text } }) });
		return list;
	}, [text, commands, t, go, me]);
	const run = (c?: Command) => {
		if (!c) return;
		onClose();
		c.run();
	};
	return (
		<Box title={t("palette.title")} onClose={onClose}>
			<input className="plain-input" style={{ width: "100%" }} role="combobox" aria-expanded="true" aria-controls="palette-list" aria-activedescendant={found[at] ? "cmd-" + found[at].id : undefined}
				aria-label={t("palette.title")} value={text} placeholder={t("palette.hint")} autoFocus
				onChange={(e) => { setText(e.target.value); setAt(0); }}
				onKeyDown={(e) => {
					if (e.key === "ArrowDown") { e.preventDefault(); setAt((n) => Math.min(n + 1, found.length - 1)); }
					if (e.key === "ArrowUp") { e.preventDefault(); setAt((n) => Math.max(n - 1, 0)); }
					if (e.key === "Enter") { e.preventDefault(); run(found[at]); }
				}} />
			<ul className="palette" id="palette-list" role="listbox" aria-label={t("palette.title")}>
				{found.map((c, i) => (
					<li key={c.id} id={"cmd-" + c.id} role="option" aria-selected={i === at} onMouseEnter={() => setAt(i)} onClick={() => run(c)}>
						<span className="row between"><span>{c.words}</span>{c.keys ? <kbd>{c.keys}</kbd> : null}</span>
					</li>
				))}
			</ul>
		</Box>
	);
}

export function Tools({ children }: { children: ReactNode }) {
	const { t } = useTranslation();
	const me = useMe();
	const [, go] = useLocation();
	const { undo } = useSays();
	const [on, setOn] = useState(letters);
	const [shown, setShown] = useState<"" | "keys" | "palette">("");
	const [page, setPage] = useState<Command[]>([]);
	const wide = useMemo<Command[]>(() => [
		...NAVIGATION.filter((n) => n.who(me)).map((n) => ({ id: "nav-" + n.name, words: t("nav." + n.name), keys: SECOND[n.name], run: () => go(n.path) })),
		...(!can(me, "update_ticket") ? [] : [
			{ id: "find", words: t("keys.find"), keys: "/", run: () => document.getElementById("query")?.focus() },
			{ id: "new", words: t("new.button"), keys: "c", run: () => go("/agent/new") },
			{ id: "views", words: t("keys.views"), keys: "v", run: () => go("/agent/views") },
		]),
		{ id: "undo", words: t("keys.undo"), keys: "z", run: undo },
		{ id: "keys", words: t("keys.title"), keys: "?", run: () => setShown("keys") },
	], [me, t, go, undo]);
	const all = useRef<Command[]>([]), begun = useRef(0);
	all.current = [...page, ...wide];
	useEffect(() => {
		const down = (e: KeyboardEvent) => {
			if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === "k") {
				e.preventDefault();
				setShown("palette");
				return;
			}
			if (e.ctrlKey || e.metaKey || e.altKey || typing(e) || !letters()) return;
			if (e.key === "Shift") return;
			const keys = begun.current && Date.now() - begun.current < 1500 ? "g " + e.key : e.key;
			begun.current = keys === "g" ? Date.now() : 0;
			const c = all.current.find((x) => x.keys === keys);
			if (c) {
				e.preventDefault();
				c.run();
			}
		};
		document.addEventListener("keydown", down);
		return () => document.removeEventListener("keydown", down);
	}, []);
	const tools = useMemo<ToolSet>(() => ({ keys: () => setShown("keys"), palette: () => setShown("palette"),
		offer: (list) => { setPage(list); return () => setPage((now) => now === list ? [] : now); } }), []);
	return (
		<Context.Provider value={tools}>
			{children}
			{shown === "palette" ? <Palette commands={all.current} onClose={() => setShown("")} /> : null}
			{shown === "keys" ? (
				<Box title={t("keys.title")} onClose={() => setShown("")}>
					<dl className="facts">
						<dt><kbd>Ctrl K</kbd></dt><dd>{t("palette.title")}</dd>
						{all.current.filter((c) => c.keys).map((c) => [<dt key={c.id}><kbd>{c.keys}</kbd></dt>, <dd key={c.id + "w"}>{c.words}</dd>])}
						<dt><kbd>Ctrl Enter</kbd></dt><dd>{t("keys.send")}</dd>
						{[["Ctrl B", "bold"], ["Ctrl I", "italic"], ["Ctrl E", "code"], ["Ctrl Shift 8", "bullets"], ["Ctrl Shift 7", "numbers"], ["Ctrl Shift 9", "quote"], ["Ctrl Shift L", "link"]].map(([k, w]) => [<dt key={w}><kbd>{k}</kbd></dt>, <dd key={w + "w"}>{t("composer.tool." + w)}</dd>])}
						<dt><kbd>↑</kbd> <kbd>↓</kbd></dt><dd>{t("workspace.keys.suggest")}</dd>
						<dt><kbd>Tab</kbd> <kbd>Enter</kbd></dt><dd>{t("workspace.keys.mark")}</dd>
						<dt><kbd>Esc</kbd></dt><dd>{t("keys.close")}</dd>
					</dl>
					<label className="row"><input type="checkbox" checked={on} onChange={(e) => { setOn(e.target.checked); localStorage.setItem(LETTERS, e.target.checked ? "on" : "off"); }} /> {t("keys.letters")}</label>
				</Box>
			) : null}
		</Context.Provider>
	);
}
