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
export const Bold = () => <I d="M7 5h6a3.500 3.500 0 0 1 0 7H7zM7 12h7a3.500 3.500 0 0 1 0 7H7z" />;
export const Italic = () => <I d="M10 5h8M6 19h8M14 5l-4 14" />;
export const Bullets = () => <I d="M9 6h11M9 12h11M9 18h11M4 6h.01M4 12h.01M4 18h.01" />;
export const Numbers = () => <I d="M10 6h10M10 12h10M10 18h10M4 4.500L5.500 4v5M4 14.500c2.500-1.500 3 .5 0 4h3" />;
export const Quote = () => <I d="M9 7c-3 1-4 3-4 6v4h5v-5H7M18 7c-3 1-4 3-4 6v4h5v-5h-3" />;
export const Code = () => <I d="M9 7l-5 5 5 5M15 7l5 5-5 5" />;
export const Chain = () => <I d="M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1" />;
