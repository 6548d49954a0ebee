// A dialog: the browser's own, which keeps the focus inside and Escape working. The
// first field has the focus when it opens; notices are said inside of it while it is open.
import { useEffect, useRef, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Notices } from "./says";

export function Box({ title, children, onClose, large }: { title: string; children: ReactNode; onClose(): void; large?: boolean }) {
	const { t } = useTranslation();
	const ref = useRef<HTMLDialogElement>(null), body = useRef<HTMLDivElement>(null);
	useEffect(() => {
		const d = ref.current!, before = document.activeElement as HTMLElement | null;
		d.showModal();
		body.current!.querySelector<HTMLElement>("input:not(:disabled), select:not(:disabled), textarea:not(:disabled), button:not(:disabled), a[href], summary")?.focus();
		return () => {
			d.close();
			before?.focus?.();
		};
	}, []);
	return (
		<dialog ref={ref} className={large ? "box large" : "box"} aria-label={title} onCancel={(e) => { e.preventDefault(); onClose(); }} onClose={onClose}>
			<div className="stack">
				<div className="row between top-aligned"><h2 className="grow">{title}</h2><button type="button" className="shut" aria-label={t("shut")} onClick={onClose}>×</button></div>
				<div className="stack" ref={body}>{children}</div>
			</div>
			<Notices />
		</dialog>
	);
}
