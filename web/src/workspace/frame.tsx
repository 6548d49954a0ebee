import DOMPurify from "dompurify";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";

// sandbox="": no script, no form, no same origin; the washing drops what would
// load from elsewhere, and the page's policy would refuse it once more.
const WASH = { RETURN_TRUSTED_TYPE: true, FORBID_TAGS: ["style", "form", "input", "button", "textarea", "select", "svg", "math", "video", "audio", "link", "meta", "base", "img", "picture", "source"],
	FORBID_ATTR: ["style", "src", "srcset", "background", "poster", "action", "formaction", "ping", "target"], ALLOW_DATA_ATTR: false } as const;

export default function Frame({ html }: { html: string }) {
	const { t } = useTranslation();
	const ref = useRef<HTMLIFrameElement>(null);
	useEffect(() => {
		if (ref.current) ref.current.srcdoc = DOMPurify.sanitize(html, WASH as any) as unknown as string;
	}, [html]);
	return <iframe ref={ref} sandbox="" title={t("ticket.asHtml")} referrerPolicy="no-referrer" />;
}
