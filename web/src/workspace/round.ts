// The list that somebody works through, in the order they saw it: numbers only, and in memory only.
export interface Round { path: string; state?: unknown; ids: number[] }
let now: Round | null = null;

export const setRound = (r: Round) => { now = r; };

// What stands before and behind a ticket in it.
export function around(id: number): { path: string; state?: unknown; at: number; count: number; before?: number; behind?: number } | null {
	const at = now ? now.ids.indexOf(id) : -1;
	return now && at >= 0 ? { path: now.path, state: now.state, at: at + 1, count: now.ids.length, before: now.ids[at - 1], behind: now.ids[at + 1] } : null;
}

// Where to go after something was sent; the browser remembers it.
export type After = "stay" | "next" | "list";
export const after = (): After => {
	const v = localStorage.getItem("ward.after");
	return v === "next" || v === "list" ? v : "stay";
};
export const setAfter = (v: After) => localStorage.setItem("ward.after", v);
