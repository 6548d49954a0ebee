import DOMPurify from "dompurify";
import { useEffect, useMemo, useRef } from "react";
import { useTranslation } from "react-i18next";

// sandbox="": no script, no form, no same origin; the washing drops what would
// load from elsewhere, and the page's policy would refuse it once more. What
// came with the mail as a picture is shown where the mail puts it: the frame has
// no session, so only an address that the server signed serves.
const WASH = { RETURN_TRUSTED_TYPE: true, FORBID_TAGS: ["style", "form", "input", "button", "textarea", "select", "svg", "math", "video", "audio", "link", "meta", "base", "picture", "source"],
	FORBID_ATTR: ["style", "srcset", "background", "poster", "action", "formaction", "ping", "target"], ALLOW_DATA_ATTR: false } as const;

/** The address without its signature, which is another one every few minutes. */
export const unsigned = (url: string) => url.replace(/\?link=[^"&]*/g, "");

const NONE: string[] = [];

function washed(html: string, pictures: Set<string>): string {
	DOMPurify.addHook("afterSanitizeAttributes", (node) => {
		const src = node.getAttribute("src");
		if (src === null && node.nodeName !== "IMG") return;
		if (node.nodeName !== "IMG" || !pictures.has(src || "")) node.remove();
	});
	try {
		return DOMPurify.sanitize(html, WASH as any) as unknown as string;
	} finally {
		DOMPurify.removeHook("afterSanitizeAttributes");
	}
}

export default function Frame({ html, pictures = NONE }: { html: string; pictures?: string[] }) {
	const { t } = useTranslation();
	const ref = useRef<HTMLIFrameElement>(null);
	const same = unsigned(html);
	const first = useMemo(() => ({ html, pictures }), [same]);      // a new signature alone is no reason to load anew
	useEffect(() => {
		if (ref.current) ref.current.srcdoc = washed(first.html, new Set(first.pictures));
	}, [first]);
	return <iframe ref={ref} sandbox="" title={t("ticket.asHtml")} referrerPolicy="no-referrer" />;
}
