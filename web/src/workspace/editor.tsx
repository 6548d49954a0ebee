// Rich text, loaded when somebody writes: ProseMirror, which needs neither inline
// script nor text as HTML. Pasted HTML goes through the same washing as a mail's.
import { baseKeymap, chainCommands, exitCode, setBlockType, toggleMark, wrapIn, lift } from "prosemirror-commands";
import { history, redo, undo } from "prosemirror-history";
import { inputRules, textblockTypeInputRule, wrappingInputRule } from "prosemirror-inputrules";
import { keymap } from "prosemirror-keymap";
import { DOMParser, DOMSerializer, Schema, type Node } from "prosemirror-model";
import { liftListItem, sinkListItem, splitListItem, wrapInList } from "prosemirror-schema-list";
import { EditorState, Plugin, PluginKey, TextSelection, type Command } from "prosemirror-state";
import { Decoration, DecorationSet, EditorView } from "prosemirror-view";
import { forwardRef, useEffect, useImperativeHandle, useLayoutEffect, useRef, useState, type FC, type FormEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@zendeskgarden/react-buttons";
import type { Finding } from "../api";
import { Box } from "../ui/box";
import { Roving } from "../ui/roving";
import * as icon from "../ui/icons";
import { KIND, pieces } from "../ui/marked";
import { wash, washPasted } from "./wash";

const schema = new Schema({
	nodes: {
		doc: { content: "block+" },
		paragraph: { content: "inline*", group: "block", parseDOM: [{ tag: "p" }, { tag: "div" }, { tag: "h1" }, { tag: "h2" }, { tag: "h3" }, { tag: "h4" }, { tag: "tr" }], toDOM: () => ["p", 0] },
		blockquote: { content: "block+", group: "block", defining: true, parseDOM: [{ tag: "blockquote" }], toDOM: () => ["blockquote", 0] },
		code_block: { content: "text*", marks: "", group: "block", code: true, defining: true, parseDOM: [{ tag: "pre", preserveWhitespace: "full" }], toDOM: () => ["pre", ["code", 0]] },
		ordered_list: { content: "list_item+", group: "block", parseDOM: [{ tag: "ol" }], toDOM: () => ["ol", 0] },
		bullet_list: { content: "list_item+", group: "block", parseDOM: [{ tag: "ul" }], toDOM: () => ["ul", 0] },
		list_item: { content: "paragraph block*", defining: true, parseDOM: [{ tag: "li" }], toDOM: () => ["li", 0] },
		text: { group: "inline" },
		hard_break: { inline: true, group: "inline", selectable: false, parseDOM: [{ tag: "br" }], toDOM: () => ["br"] },
	},
	marks: {
		link: { attrs: { href: {} }, inclusive: false, parseDOM: [{ tag: "a[href]", getAttrs: (e) => ({ href: (e as HTMLElement).getAttribute("href") }) }], toDOM: (m) => ["a", { href: m.attrs.href, rel: "noopener noreferrer" }, 0] },
		em: { parseDOM: [{ tag: "i" }, { tag: "em" }], toDOM: () => ["em", 0] },
		strong: { parseDOM: [{ tag: "strong" }, { tag: "b" }], toDOM: () => ["strong", 0] },
		code: { parseDOM: [{ tag: "code" }], toDOM: () => ["code", 0] },
	},
});
const { nodes: N, marks: M } = schema;

// The text as it is scanned, and where each piece of it stands in the document.
interface Place { at: number; pos: number; n: number }
function textOf(doc: Node): { text: string; places: Place[] } {
	const places: Place[] = [];
	let text = "";
	doc.descendants((node, pos) => {
		if (node.isTextblock && text !== "" && !text.endsWith("\n")) text += "\n";
		if (node.isText) {
			places.push({ at: text.length, pos, n: node.text!.length });
			text += node.text;
		} else if (node.type === N.hard_break) text += "\n";
		return true;
	});
	return { text, places };
}

// As people see it: an empty paragraph is an empty line.
const plainOf = (doc: Node) => doc.textBetween(0, doc.content.size, "\n", "\n");

function isRich(doc: Node): boolean {
	let rich = false;
	doc.descendants((n) => { rich = rich || n.marks.length > 0 || (n.isBlock && n.type !== N.paragraph); return !rich; });
	return rich;
}

function htmlOf(doc: Node): string {
	const div = document.createElement("div");
	div.append(DOMSerializer.fromSchema(schema).serializeFragment(doc.content));
	return div.innerHTML;
}

function docOf(text: string): Node {
	return schema.node("doc", null, text.split(/\r?\n/).map((line) => schema.node("paragraph", null, line ? [schema.text(line)] : [])));
}

const parse = (html: string) => DOMParser.fromSchema(schema).parse(wash(html));

// Where findings stand, in positions of the document. They come as byte offsets of the UTF-8 text.
function spots(doc: Node, findings: Finding[]) {
	const { text, places } = textOf(doc), out: { from: number; to: number; finding: Finding }[] = [];
	let at = 0;
	for (const p of pieces(text, findings)) {
		const end = at + p.text.length;
		if (p.finding)
			for (const pl of places) {
				const from = Math.max(at, pl.at), to = Math.min(end, pl.at + pl.n);
				if (from < to) out.push({ from: pl.pos + from - pl.at, to: pl.pos + to - pl.at, finding: p.finding });
			}
		at = end;
	}
	return out;
}

const marksKey = new PluginKey<DecorationSet>("phi");
function marksPlugin(why: (f: Finding) => string) {
	return new Plugin<DecorationSet>({
		key: marksKey,
		state: {
			init: () => DecorationSet.empty,
			apply(tr, set) {
				const findings = tr.getMeta(marksKey) as Finding[] | undefined;
				if (!findings) return set.map(tr.mapping, tr.doc);
				return DecorationSet.create(tr.doc, spots(tr.doc, findings).map((s) => Decoration.inline(s.from, s.to,
					{ class: "phi", "data-kind": KIND[s.finding.label] || "id", "data-label": s.finding.label, title: why(s.finding) })));
			},
		},
		props: { decorations(state) { return marksKey.getState(state); } },
	});
}

// {{placeholders}} look like what they are.
const holders = new Plugin({ props: { decorations(state) {
	const out: Decoration[] = [];
	state.doc.descendants((n, pos) => {
		if (n.isText) for (const m of n.text!.matchAll(/\{\{[^{}]{1,80}\}\}/g)) out.push(Decoration.inline(pos + m.index!, pos + m.index! + m[0].length, { class: "holder" }));
	});
	return DecorationSet.create(state.doc, out);
} } });

const inList = (state: EditorState) => {
	for (let d = state.selection.$from.depth; d > 0; d--) if (state.selection.$from.node(d).type === N.list_item) return state.selection.$from.node(d - 1).type;
	return null;
};
const inBlock = (state: EditorState, type: unknown) => {
	for (let d = state.selection.$from.depth; d > 0; d--) if (state.selection.$from.node(d).type === type) return true;
	return false;
};
const hasMark = (state: EditorState, type: (typeof M)[string]) => {
	const { from, to, empty, $from } = state.selection;
	return empty ? !!type.isInSet(state.storedMarks || $from.marks()) : state.doc.rangeHasMark(from, to, type);
};
const list = (type: (typeof N)[string]): Command => (state, dispatch) => inList(state) === type ? liftListItem(N.list_item)(state, dispatch) : wrapInList(type)(state, dispatch);
const quote: Command = (state, dispatch) => inBlock(state, N.blockquote) ? lift(state, dispatch) : wrapIn(N.blockquote)(state, dispatch);
const codeBlock: Command = (state, dispatch) => inBlock(state, N.code_block) ? setBlockType(N.paragraph)(state, dispatch) : setBlockType(N.code_block)(state, dispatch);
const newLine: Command = chainCommands(exitCode, (state, dispatch) => { dispatch?.(state.tr.replaceSelectionWith(N.hard_break.create()).scrollIntoView()); return true; });

export interface EditorHandle {
	focus(): void;
	text(): string;                 // as it is scanned
	plain(): string;
	html(): string;
	rich(): boolean;
	insert(text: string): void;     // where the cursor is
	append(text: string): void;     // behind all
	load(html: string, text: string): void;
	clear(): void;
	mask(findings: Finding[], as: (f: Finding) => string): void;
	fill(values: Map<string, string>): void;
}

export const Editor = forwardRef<EditorHandle, { label: string; describedBy: string; findings: Finding[]; first: { html: string; text: string } | null; extra?: ReactNode; onChange(): void; onSend(): void; onFiles(files: File[]): void }>(
	function Editor({ label, describedBy, findings, first, extra, onChange, onSend, onFiles }, ref) {
		const { t } = useTranslation();
		const box = useRef<HTMLDivElement>(null), view = useRef<EditorView | null>(null);
		const [, redraw] = useState(0);
		const [link, setLink] = useState<string | null>(null);
		const calls = useRef({ onChange, onSend, onFiles });
		calls.current = { onChange, onSend, onFiles };

		// Before the handle is given out: who waits for it may use it at once.
		useLayoutEffect(() => {
			const why = (f: Finding) => t("phi.why", { kind: t("kind." + f.label, f.label), score: f.score, rule: f.rule });
			const files = (list?: FileList | null) => {
				if (!list?.length) return false;
				calls.current.onFiles([...list]);
				return true;
			};
			const put = (v: EditorView, data: DataTransfer, at?: number) => {
				const html = data.getData("text/html"), text = data.getData("text/plain");
				let tr = v.state.tr;
				if (at !== undefined) tr = tr.setSelection(TextSelection.near(tr.doc.resolve(at)));
				if (inBlock(v.state, N.code_block)) tr = tr.insertText(text);
				else if (html) tr = tr.replaceSelection(DOMParser.fromSchema(schema).parseSlice(washPasted(html)));
				else tr = tr.replaceSelection(docOf(text).slice(1, docOf(text).content.size - 1));
				v.dispatch(tr.scrollIntoView());
			};
			const state = EditorState.create({
				doc: first ? (first.html ? parse(first.html) : docOf(first.text)) : docOf(""),
				plugins: [
					inputRules({ rules: [wrappingInputRule(/^\s*([-*])\s$/, N.bullet_list), wrappingInputRule(/^(\d+)\.\s$/, N.ordered_list), wrappingInputRule(/^\s*>\s$/, N.blockquote), textblockTypeInputRule(/^```$/, N.code_block)] }),
					keymap({ "Mod-Enter": () => { calls.current.onSend(); return true; }, "Mod-b": toggleMark(M.strong), "Mod-i": toggleMark(M.em), "Mod-e": toggleMark(M.code), "Mod-z": undo, "Mod-y": redo, "Shift-Mod-z": redo,
						"Shift-Mod-8": list(N.bullet_list), "Shift-Mod-7": list(N.ordered_list), "Shift-Mod-9": quote, "Shift-Mod-l": () => { setLink(""); return true; },
						"Shift-Enter": newLine, Enter: splitListItem(N.list_item), "Mod-[": liftListItem(N.list_item), "Mod-]": sinkListItem(N.list_item) }),
					keymap(baseKeymap), history(), marksPlugin(why), holders,
				],
			});
			const v = new EditorView(box.current!, {
				state,
				attributes: { id: "text", role: "textbox", "aria-multiline": "true", dir: "auto", spellcheck: "true" },
				dispatchTransaction(tr) {
					v.updateState(v.state.apply(tr));
					redraw((n) => n + 1);
					if (tr.docChanged) calls.current.onChange();
				},
				handleDOMEvents: {
					paste(pv, e) {
						e.preventDefault();
						if (e.clipboardData && !files(e.clipboardData.files)) put(pv, e.clipboardData);
						return true;
					},
					drop(pv, e) {
						if (pv.dragging) return false;
						e.preventDefault();
						if (!e.dataTransfer || files(e.dataTransfer.files)) return true;
						put(pv, e.dataTransfer, pv.posAtCoords({ left: e.clientX, top: e.clientY })?.pos);
						return true;
					},
				},
			});
			view.current = v;
			return () => { v.destroy(); view.current = null; };
			// eslint-disable-next-line react-hooks/exhaustive-deps
		}, []);

		useEffect(() => { const d = view.current?.dom; d?.setAttribute("aria-label", label); d?.setAttribute("aria-describedby", describedBy); }, [label, describedBy]);
		useEffect(() => { const v = view.current; v?.dispatch(v.state.tr.setMeta(marksKey, findings).setMeta("addToHistory", false)); }, [findings]);

		useImperativeHandle(ref, () => {
			const v = () => view.current!;
			const all = (doc: Node) => v().dispatch(v().state.tr.replaceWith(0, v().state.doc.content.size, doc.content));
			return {
				focus: () => v().focus(),
				text: () => textOf(v().state.doc).text,
				plain: () => plainOf(v().state.doc),
				html: () => htmlOf(v().state.doc),
				rich: () => isRich(v().state.doc),
				insert: (text) => { v().dispatch(v().state.tr.insertText(text)); v().focus(); },
				append(text) {
					const doc = v().state.doc, more = docOf(text).content;
					if (plainOf(doc).trim() === "") v().dispatch(v().state.tr.replaceWith(0, doc.content.size, more));
					else v().dispatch(v().state.tr.insert(doc.content.size, more));
				},
				load: (html, text) => all(html ? parse(html) : docOf(text)),
				clear: () => all(docOf("")),
				mask(list, as) {
					const tr = v().state.tr, seen = new Set<Finding>();
					// A finding may lie across marks: the first piece becomes the label, the others go.
					for (const s of spots(tr.doc, list).reverse()) tr.delete(s.from, s.to);
					for (const s of spots(v().state.doc, list)) if (!seen.has(s.finding)) { seen.add(s.finding); tr.insertText(as(s.finding), tr.mapping.map(s.from, -1)); }
					v().dispatch(tr);
				},
				fill(values) {
					const tr = v().state.tr, found: { from: number; to: number; value: string }[] = [];
					tr.doc.descendants((n, pos) => {
						if (n.isText) for (const m of n.text!.matchAll(/\{\{[^{}]{1,80}\}\}/g)) if (values.has(m[0])) found.push({ from: pos + m.index!, to: pos + m.index! + m[0].length, value: values.get(m[0])! });
					});
					for (const f of found.reverse()) if (f.value) tr.insertText(f.value, f.from, f.to); else tr.delete(f.from, f.to);
					v().dispatch(tr);
				},
			};
		}, []);

		const state = view.current?.state;
		const run = (c: Command) => () => { const v = view.current!; c(v.state, v.dispatch, v); v.focus(); };
		const tool = (name: string, Sign: FC, on: boolean, act: () => void) => (
			<button type="button" className={"tool tool-" + name} aria-pressed={on} aria-label={t("composer.tool." + name)} title={t("composer.tool." + name)} onMouseDown={(e) => e.preventDefault()} onClick={act}><Sign /></button>
		);
		const setHref = (e: FormEvent) => {
			e.preventDefault();
			e.stopPropagation();
			const v = view.current!, { from, to, empty } = v.state.selection;
			let href = link!.trim();
			if (/^[^\s@:/]+@[^\s@]+$/.test(href)) href = "mailto:" + href;
			else if (!/^[a-z]+:/i.test(href)) href = "https://" + href;
			if (!/^(https?:\/\/[^\s]+|mailto:[^\s]+)$/i.test(href)) return;
			if (empty) v.dispatch(v.state.tr.replaceSelectionWith(schema.text(link!.trim(), [M.link.create({ href })]), false));
			else v.dispatch(v.state.tr.addMark(from, to, M.link.create({ href })));
			setLink(null);
			v.focus();
		};
		return (
			<div className="editor">
				<Roving role="toolbar" className="tools" label={t("composer.tools")}>
					{tool("bold", icon.Bold, !!state && hasMark(state, M.strong), run(toggleMark(M.strong)))}
					{tool("italic", icon.Italic, !!state && hasMark(state, M.em), run(toggleMark(M.em)))}
					{tool("bullets", icon.Bullets, !!state && inList(state) === N.bullet_list, run(list(N.bullet_list)))}
					{tool("numbers", icon.Numbers, !!state && inList(state) === N.ordered_list, run(list(N.ordered_list)))}
					{tool("quote", icon.Quote, !!state && inBlock(state, N.blockquote), run(quote))}
					{tool("code", icon.Code, !!state && (inBlock(state, N.code_block) || hasMark(state, M.code)), run((s, d, v) => s.selection.empty ? codeBlock(s, d, v) : toggleMark(M.code)(s, d, v)))}
					{tool("link", icon.Chain, !!state && hasMark(state, M.link), () => state && hasMark(state, M.link) ? run(toggleMark(M.link))() : setLink(""))}
					<span className="grow" />
					{extra}
				</Roving>
				<div ref={box} className="typed" />
				{link !== null ? (
					<Box title={t("composer.tool.link")} onClose={() => setLink(null)}>
						<form className="stack" onSubmit={setHref}>
							<label className="field"><span>{t("composer.linkTo")}</span><input id="link-to" autoFocus required value={link} placeholder="https://" onChange={(e) => setLink(e.target.value)} /></label>
							<div className="row"><Button isPrimary type="submit">{t("composer.linkGo")}</Button><Button type="button" onClick={() => setLink(null)}>{t("cancel")}</Button></div>
						</form>
					</Box>
				) : null}
			</div>
		);
	});
export default Editor;
