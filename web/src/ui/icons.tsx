// A few line icons of our own, 24 units square.
const I = ({ d }: { d: string }) => (
	<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.8" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true"><path d={d} /></svg>
);
export const Views = () => <I d="M4 6h16M4 12h16M4 18h10" />;
export const Find = () => <I d="M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM20 20l-4-4" />;
export const People = () => <I d="M9 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM2 21c0-4 3-6 7-6s7 2 7 6M17 5a3.500 3.500 0 0 1 0 6M18 15c2.500.5 4 2.500 4 6" />;
export const Chart = () => <I d="M4 20V4M4 20h16M8 16v-4M13 16V8M18 16v-6" />;
export const Gear = () => <I d="M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M5 19l2-2M17 7l2-2" />;
export const Plus = () => <I d="M12 5v14M5 12h14" />;
