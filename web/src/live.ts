// What happens now: one stream of events for all tabs of a browser. The tab that
// holds the lock reads it and tells the others; when it closes, another one gets
// the lock and goes on behind the last event. Events are ids, never texts.
import { useEffect, useRef, useState } from "react";
import { beforeLeaving, signedIn } from "./api";

export interface TicketNews { kind: "ticket"; type: string; ticket_id: number; comment_id: number | null; public?: boolean; actor_id: number | null }
export interface PresenceNews { kind: "presence"; ticket_id: number; presence: Present[] }
export interface Present { user_id: number; state: "viewing" | "replying" }
type News = TicketNews | PresenceNews | { kind: "reset"; rights: boolean } | { kind: "ended" } | { kind: "up"; up: boolean };
type Told = { news: News; last: number };

const PATH = "/api/ward/v1/events";
const listeners = new Set<(n: News) => void>();
const channel = typeof BroadcastChannel === "function" ? new BroadcastChannel("ward-live") : null;
let last = 0, up = false, rights = "", running: AbortController | null = null;

// Polls are rare while the stream tells of everything.
export const every = (ms: number) => () => up ? Math.max(ms, 120000) : ms;

function hear(n: News) {
	if (n.kind === "up") up = n.up;
	for (const fn of [...listeners]) fn(n);
}

function tell(news: News) {
	hear(news);
	channel?.postMessage({ news, last } satisfies Told);
}

if (channel) channel.onmessage = (e: MessageEvent<Told | "ask">) => {
	if (e.data === "ask") {
		if (reading) channel.postMessage({ news: { kind: "up", up }, last } satisfies Told);
		return;
	}
	if (!running) return;
	last = Math.max(last, e.data.last);
	hear(e.data.news);
};

let reading = false;

// Reads until the stop; what the browser does not try again by itself is tried here.
function read(stop: AbortSignal): Promise<void> {
	return new Promise((done) => {
		let source: EventSource | null = null, timer = 0, pause = 2000;
		const end = () => {
			clearTimeout(timer);
			source?.close();
			reading = false;
			done();
		};
		const begin = () => {
			source = new EventSource(PATH + (last ? "?since=" + last : ""));
			const on = (name: string, fn: (data: any) => News) => source!.addEventListener(name, (e) => {
				const m = e as MessageEvent<string>;
				if (m.lastEventId) last = Math.max(last, Number(m.lastEventId));
				tell(fn(JSON.parse(m.data)));
			});
			on("hello", (d) => {
				if (rights && rights !== d.rights) tell({ kind: "reset", rights: true });      // changed while nobody heard
				rights = d.rights;
				return { kind: "up", up: true };
			});
			on("ticket", (d) => ({ kind: "ticket", ...d }));
			on("presence", (d) => ({ kind: "presence", ...d }));
			on("reset", (d) => {
				if (d.rights) rights = d.rights;
				return { kind: "reset", rights: !!d.rights };
			});
			on("ended", () => { source!.close(); return { kind: "ended" }; });
			source.onopen = () => { pause = 2000; };
			source.onerror = () => {
				if (up) tell({ kind: "up", up: false });
				if (source!.readyState !== EventSource.CLOSED || stop.aborted) return;
				timer = window.setTimeout(begin, pause);
				pause = Math.min(pause * 2, 60000);
			};
		};
		reading = true;
		stop.addEventListener("abort", end);
		begin();
	});
}

// From sign-in to sign-out.
export function listen(): () => void {
	const stop = new AbortController();
	running = stop;
	last = 0;
	rights = "";
	channel?.postMessage("ask");
	if (navigator.locks && channel) navigator.locks.request("ward-live", { signal: stop.signal }, () => read(stop.signal)).catch(() => undefined);
	else read(stop.signal);
	return () => {
		stop.abort();
		running = null;
		up = false;
	};
}

export function useNews(fn: (n: News) => void) {
	const now = useRef(fn);
	now.current = fn;
	useEffect(() => {
		const mine = (n: News) => now.current(n);
		listeners.add(mine);
		return () => { listeners.delete(mine); };
	}, []);
}

const AGAIN = 20000;

// Says that this ticket (0: none yet) is open here, and who else has it open.
export function usePresence(put: (state: "viewing" | "replying" | "gone") => Promise<Present[]>, ticket: number, replying: boolean): Present[] {
	const [others, setOthers] = useState<Present[]>([]);
	const say = useRef(put);
	say.current = put;
	useNews((n) => { if (n.kind === "presence" && n.ticket_id === ticket) setOthers(n.presence); });
	useEffect(() => {
		let gone = false;
		if (!ticket) return;
		const now = () => { if (!document.hidden) say.current(replying ? "replying" : "viewing").then((p) => { if (!gone) setOthers(p); }, () => undefined); };
		now();
		const timer = setInterval(now, AGAIN);
		document.addEventListener("visibilitychange", now);
		return () => {
			gone = true;
			clearInterval(timer);
			document.removeEventListener("visibilitychange", now);
		};
	}, [ticket, replying]);
	useEffect(() => {
		if (!ticket) return;
		const leave = () => signedIn() ? say.current("gone").catch(() => undefined) : Promise.resolve();
		const forget = beforeLeaving(leave);
		window.addEventListener("pagehide", leave);
		return () => {
			forget();
			window.removeEventListener("pagehide", leave);
			leave();
		};
	}, [ticket]);
	return others;
}
