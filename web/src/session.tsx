// Who is signed in; ends when nobody is there (45 CFR 164.312(a)(2)(iii)).
import { useQueryClient } from "@tanstack/react-query";
import { createContext, useCallback, useContext, useEffect, useRef, useState, type ReactNode } from "react";
import { del, forget, get, post, sayLastWords, setCsrf, whenSignedOut, type User } from "./api";
import { useSays } from "./ui/says";

export type Why = "" | "ended" | "idle";
interface Session { me: User | null; ready: boolean; why: Why; enrolling: boolean; enrolled(): void; enter(email: string, password: string, code?: string): Promise<void>; leave(): Promise<void>; over(): void; anew(): Promise<User | null> }
const Context = createContext<Session>(null as unknown as Session);
export const useSession = () => useContext(Context);
export const useMe = () => useContext(Context).me!;

export function SessionProvider({ children }: { children: ReactNode }) {
	const [me, setMe] = useState<User | null>(null);
	const [ready, setReady] = useState(false);
	const [why, setWhy] = useState<Why>("");
	const [enrolling, setEnrolling] = useState(false);
	const cache = useQueryClient();
	const { hush } = useSays();
	const timer = useRef(0), inside = useRef(false);      // inside: a refusal that comes after one left says nothing new

	const out = useCallback((reason: Why) => {
		inside.current = false;
		setCsrf(null);
		forget(cache);
		hush();                                          // what was said to one person is not for the next
		setMe(null);
		setWhy(reason);
	}, [cache, hush]);

	// The page stops asking before the server ends the session: what it asked for after that would be refused, all of it.
	const end = useCallback(async (reason: Why) => {
		await sayLastWords();
		inside.current = false;
		setReady(false);
		forget(cache);
		setMe(null);
		await del("/api/ward/v1/session").catch(() => undefined);
		out(reason);
		setReady(true);
	}, [cache, out]);

	const load = useCallback(async () => {
		const { user } = await get<{ user: User }>("/api/v2/users/me.json");
		setCsrf(user.id ? user.authenticity_token || null : null);
		const missing = user.id && user.role !== "end-user" ? (await get<{ missing: boolean }>("/api/ward/v1/factors")).missing : false;
		const mine = user.id && !missing ? (await get<{ me: { permissions: string[]; idle_minutes: number } }>("/api/ward/v1/me")).me : {};
		inside.current = !!user.id;
		setEnrolling(missing);
		setMe(user.id ? { ...user, ...mine } : null);
		if (user.id) setWhy("");
		return user.id ? { ...user, ...mine } as User : null;
	}, []);

	// Other rights than before: what was loaded goes, what is shown is asked for again.
	const anew = useCallback(async () => {
		await Promise.race([sayLastWords(), new Promise((r) => setTimeout(r, 400))]);
		if (!inside.current) return null;
		const me = load();
		cache.resetQueries().catch(() => undefined);
		return me;
	}, [cache, load]);

	const over = useCallback(() => { if (inside.current) out("ended"); }, [out]);

	useEffect(() => {
		whenSignedOut(over);
		load().catch(() => undefined).finally(() => setReady(true));
	}, [load, over]);

	useEffect(() => {
		if (!me) return;
		const stir = () => {
			clearTimeout(timer.current);
			timer.current = window.setTimeout(() => end("idle"), (me.idle_minutes || 15) * 60000);
		};
		const what = ["keydown", "pointerdown", "pointermove", "wheel"];
		for (const w of what) document.addEventListener(w, stir, { passive: true });
		stir();
		return () => {
			clearTimeout(timer.current);
			for (const w of what) document.removeEventListener(w, stir);
		};
	}, [me, end]);

	const enter = useCallback(async (email: string, password: string, code?: string) => {
		setCsrf(null);
		await post("/api/ward/v1/session", code ? { email, password, code } : { email, password });
		await load();
	}, [load]);
	const leave = useCallback(() => end(""), [end]);

	return <Context.Provider value={{ me, ready, why, enrolling, enrolled: () => { load().catch(() => out("ended")); }, enter, leave, over, anew }}>{children}</Context.Provider>;
}
