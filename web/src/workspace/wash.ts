// HTML of others, washed once more on this side: what may be shown or written is
// a short list of tags without attributes but a link's address.
import DOMPurify from "dompurify";

const TAGS = ["a", "b", "blockquote", "br", "code", "del", "div", "em", "h1", "h2", "h3", "h4", "hr", "i", "li", "ol", "p", "pre", "s", "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "u", "ul"];

export function wash(html: string, keepClass = false): DocumentFragment {
	return DOMPurify.sanitize(html, { RETURN_DOM_FRAGMENT: true, ALLOWED_TAGS: TAGS, ALLOWED_ATTR: keepClass ? ["href", "class"] : ["href"], ALLOW_DATA_ATTR: false, ALLOWED_URI_REGEXP: /^(https?:|mailto:)/i,
		FORBID_CONTENTS: ["style", "script", "title", "head", "xml", "template", "svg", "math", "object", "iframe", "noscript"] }) as unknown as DocumentFragment;
}

// A word processor writes a list as paragraphs that begin with a bullet of their own.
const BULLET = /^\s*(?:[·•§o▪‣-]|(\d+|[a-z])[.)])[\s\u00a0]+/i;

// What the page's policy would complain of while it is parsed, although nothing of it is kept.
const quiet = (html: string) => html.replace(/<!--\[if[\s\S]*?<!\[endif\]-->/g, "").replace(/<style[\s\S]*?<\/style\s*>/gi, "")
	.replace(/<[a-z][^>]*>/gi, (tag) => tag.replace(/\s(?:style|on\w+)\s*=\s*("[^"]*"|'[^']*'|[^\s>]+)/gi, ""));

export function washPasted(html: string): DocumentFragment {
	const all = wash(quiet(html), true);
	for (const p of [...all.querySelectorAll("p[class*='MsoList']")]) {
		const m = (p.textContent || "").match(BULLET), ordered = !!m?.[1];
		let drop = m ? m[0].length : 0;
		const walk = document.createTreeWalker(p, NodeFilter.SHOW_TEXT);
		for (let n = walk.nextNode() as Text | null; n && drop > 0; n = walk.nextNode() as Text | null) {
			const take = Math.min(drop, n.data.length);
			n.data = n.data.slice(take);
			drop -= take;
		}
		const li = document.createElement("li"), before = p.previousElementSibling, name = ordered ? "OL" : "UL";
		li.append(...p.childNodes);
		if (before?.nodeName === name && before.classList.contains("from-word")) {
			before.append(li);
			p.remove();
		} else {
			const list = document.createElement(name);
			list.className = "from-word";
			list.append(li);
			p.replaceWith(list);
		}
	}
	for (const e of all.querySelectorAll("[class]")) e.removeAttribute("class");
	return all;
}
