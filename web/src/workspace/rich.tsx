// An agent's rich text, shown in place: washed, made into elements by us, with the
// findings marked in it. They are known by what they say, since their places are
// of the plain text.
import { createElement, useMemo, type ReactNode } from "react";
import type { Finding } from "../api";
import { Mark, pieces } from "../ui/marked";
import { wash } from "./wash";

export default function Rich({ html, body, findings, onPick }: { html: string; body: string; findings: Finding[]; onPick?(text: string): void }) {
	const shown = useMemo(() => {
		const said = new Map<string, Finding>();
		for (const p of pieces(body, findings)) if (p.finding && p.text.trim()) said.set(p.text.trim(), p.finding);
		const words = [...said.keys()].sort((a, b) => b.length - a.length);
		const marked = (text: string, key: string): ReactNode => {
			const out: ReactNode[] = [];
			let rest = text, n = 0;
			while (rest) {
				let at = -1, word = "";
				for (const w of words) {
					const i = rest.indexOf(w);
					if (i >= 0 && (at < 0 || i < at)) { at = i; word = w; }
				}
				if (at < 0) break;
				if (at) out.push(rest.slice(0, at));
				out.push(<Mark key={key + n++} text={word} finding={said.get(word)!} onPick={onPick ? (w) => onPick(w) : undefined} />);
				rest = rest.slice(at + word.length);
			}
			out.push(rest);
			return out;
		};
		const make = (node: Node, key: string): ReactNode => {
			if (node.nodeType === Node.TEXT_NODE) return marked(node.nodeValue || "", key + "t");
			if (node.nodeType !== Node.ELEMENT_NODE) return null;
			const e = node as HTMLElement, tag = e.tagName.toLowerCase(), kids = [...e.childNodes].map((c, i) => make(c, key + "." + i));
			if (tag === "br" || tag === "hr") return createElement(tag, { key });
			if (tag === "a") return <a key={key} href={e.getAttribute("href") || undefined} rel="noopener noreferrer" target="_blank">{kids}</a>;
			return createElement(tag === "h1" || tag === "h2" ? "h3" : tag, { key }, ...kids);
		};
		return [...wash(html).childNodes].map((c, i) => make(c, String(i)));
	}, [html, body, findings, onPick]);
	return <div className="rich body" dir="auto">{shown}</div>;
}
