// Tabs and toolbars (WAI-ARIA patterns): one stop of the Tab key for all of them, arrow keys within. What had the focus
// last, or is selected, is the stop. Among tabs the one that is reached is shown at once.
import { useLayoutEffect, useRef, type KeyboardEvent, type ReactNode } from "react";

const ITEMS = "button:not(:disabled), select:not(:disabled), [role=tab]";
const NEXT: Record<string, number> = { ArrowRight: 1, ArrowLeft: -1 };

export function Roving({ role, label, className, children }: { role: "tablist" | "toolbar"; label: string; className?: string; children: ReactNode }) {
	const ref = useRef<HTMLDivElement>(null), last = useRef<HTMLElement | null>(null);
	const items = () => [...ref.current!.querySelectorAll<HTMLElement>(ITEMS)];
	const settle = () => {
		const all = items();
		const stop = all.find((e) => e.getAttribute("aria-selected") === "true") || all.find((e) => e === last.current) || all[0];
		for (const e of all) e.tabIndex = e === stop ? 0 : -1;
	};
	useLayoutEffect(settle);
	const walk = (e: KeyboardEvent) => {
		const all = items(), at = all.indexOf(document.activeElement as HTMLElement), way = document.documentElement.dir === "rtl" ? -1 : 1;
		const to = e.key === "Home" ? 0 : e.key === "End" ? all.length - 1 : NEXT[e.key] ? (at + NEXT[e.key] * way + all.length) % all.length : -1;
		if (to < 0 || at < 0 || e.ctrlKey || e.metaKey || e.altKey || e.shiftKey) return;
		e.preventDefault();
		all[to].focus();
		if (role === "tablist") all[to].click();
	};
	return <div ref={ref} role={role} aria-label={label} aria-orientation="horizontal" className={className} onKeyDownCapture={walk}
		onFocus={(e) => { last.current = e.target; settle(); }}>{children}</div>;
}
