// A dialog: the browser's own, which keeps the focus inside and Escape working.
import { useEffect, useRef, type ReactNode } from "react";

export function Box({ title, children, onClose, large }: { title: string; children: ReactNode; onClose(): void; large?: boolean }) {
	const ref = useRef<HTMLDialogElement>(null);
	useEffect(() => {
		const d = ref.current!, before = document.activeElement as HTMLElement | null;
		d.showModal();
		return () => {
			d.close();
			before?.focus?.();
		};
	}, []);
	return (
		<dialog ref={ref} className={large ? "box large" : "box"} aria-label={title} onCancel={(e) => { e.preventDefault(); onClose(); }}>
			<div className="stack">
				<h2>{title}</h2>
				{children}
			</div>
		</dialog>
	);
}
