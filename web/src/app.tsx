// The frame: who is in, where we are, what can be reached from everywhere.
import { QueryClient, QueryClientProvider, useQueryClient } from "@tanstack/react-query";
import { ColorSchemeProvider, DEFAULT_THEME, ThemeProvider, useColorScheme } from "@zendeskgarden/react-theming";
import { Button } from "@zendeskgarden/react-buttons";
import { lazy, Suspense, useEffect, useRef, useState, type FormEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link, Redirect, Route, Switch, useLocation } from "wouter";
import { can, Refused, staff } from "./api";
import { listen, useNews } from "./live";
import { home, NAVIGATION } from "./navigation";
import { SessionProvider, useMe, useSession } from "./session";
import { SignIn } from "./sign-in";
import { Empty, Loading, Name } from "./ui/bits";
import { arrive } from "./ui/focus";
import { SaysProvider } from "./ui/says";
import { SearchInput } from "./ui/suggest";
import { Tools, useTools } from "./ui/tools";
import { LANGUAGES, moreWords, speak } from "./words";

const List = lazy(() => import("./workspace/list"));
const TicketPage = lazy(() => import("./workspace/ticket"));
const NewTicket = lazy(() => import("./workspace/new"));
const OrganizationPage = lazy(() => import("./workspace/organization"));
const Person = lazy(() => import("./workspace/person"));
const Admin = lazy(() => moreWords("office").then(() => import("./admin/admin")));
const Reports = lazy(() => moreWords("office").then(() => import("./reports/reports")));
const SetupNote = lazy(() => moreWords("office").then(() => import("./admin/setup-note")));
const Enrol = lazy(() => import("./enrol"));
const Requests = lazy(() => import("./requests/requests"));

const client = new QueryClient({ defaultOptions: { queries: { retry: (n, e) => !(e instanceof Refused && e.status >= 400 && e.status < 500) && n < 2,
	refetchOnWindowFocus: true, staleTime: 5000, gcTime: 60000 } } });

function Language() {
	const { i18n, t } = useTranslation();
	return (
		<select className="plain-select" aria-label={t("language")} value={i18n.language} onChange={(e) => speak(e.target.value as (typeof LANGUAGES)[number])}>
			<option value="en">English</option>
			<option value="es">Español</option>
		</select>
	);
}

function Top() {
	const { t } = useTranslation();
	const me = useMe();
	const { leave } = useSession();
	const tools = useTools();
	const [, go] = useLocation();
	const [query, setQuery] = useState("");
	// The words of a search stay out of the address: they may name a patient.
	const find = (e: FormEvent) => {
		e.preventDefault();
		if (query.trim()) go("/agent/search", { state: { query: query.trim() } });
	};
	return (
		<header className="top">
			{can(me, "search") ? (
				<form role="search" onSubmit={find}>
					<SearchInput value={query} onChange={setQuery} />
				</form>
			) : <Link href={home(me)} className="grow"><strong>Ward</strong></Link>}
			{can(me, "create_ticket") ? <Link href="/agent/new"><Button size="small" tabIndex={-1}>{t("new.button")}</Button></Link> : null}
			{staff(me) ? <Button size="small" isBasic onClick={tools.keys} aria-label={t("keys.title")}>?</Button> : null}
			<span className="grow" />
			<span id="who"><Name>{me.name}</Name></span>
			<Language />
			<Button size="small" id="leave" onClick={() => leave().then(() => go("/"))}>{t("sign.out")}</Button>
		</header>
	);
}

function Rail() {
	const { t } = useTranslation();
	const me = useMe();
	const [where] = useLocation();
	return (
		<nav className="rail" aria-label={t("nav.title")}>
			{NAVIGATION.filter((n) => n.who(me)).map((n) => (
				<Link key={n.path} href={n.path} aria-current={where.startsWith(n.path) ? "page" : undefined}><n.icon />{t("nav." + n.name)}</Link>
			))}
		</nav>
	);
}

// News make stale what they are about; many at once make a list stale once.
function News() {
	const cache = useQueryClient();
	const { over, anew } = useSession();
	const [where, go] = useLocation();
	const timer = useRef(0);
	useEffect(() => listen(), []);
	useEffect(() => () => clearTimeout(timer.current), []);
	useNews((n) => {
		if (n.kind === "reset" && !n.rights) cache.invalidateQueries();
		if (n.kind === "reset" && n.rights) anew().then((me) => {
			const area = NAVIGATION.find((a) => where.startsWith(a.path));
			if (me && area && !area.who(me)) go(home(me), { replace: true });
		}, () => undefined);
		if (n.kind === "ended") over();
		if (n.kind !== "ticket") return;
		cache.invalidateQueries({ queryKey: ["ticket", n.ticket_id] });
		cache.invalidateQueries({ queryKey: ["audits", n.ticket_id] });
		if (n.type === "ticket.redacted") for (const k of ["talk", "found"]) cache.invalidateQueries({ queryKey: [k, n.ticket_id] });
		if (!timer.current) timer.current = window.setTimeout(() => {
			timer.current = 0;
			for (const k of ["tickets", "counts", "others"]) cache.invalidateQueries({ queryKey: [k] });
		}, 1500);
	});
	return null;
}

function Shell({ children }: { children: ReactNode }) {
	const { t } = useTranslation();
	const me = useMe();
	const [where] = useLocation();
	const here = useRef(where);
	useEffect(() => {
		document.getElementById("main")?.scrollTo(0, 0);
		if (here.current !== where) arrive();
		here.current = where;
	}, [where]);
	return (
		<Tools>
			<a className="skip" href="#main">{t("skip")}</a>
			{staff(me) ? <News /> : null}
			<div className="shell">
				<Rail />
				<Top />
				<main className="main" id="main" tabIndex={-1}>{me.role === "admin" ? <Suspense fallback={null}><SetupNote /></Suspense> : null}<Suspense fallback={<Loading />}>{children}</Suspense></main>
			</div>
		</Tools>
	);
}

function Pages() {
	const { me, ready, enrolling, enrolled, leave } = useSession();
	const { t } = useTranslation();
	useEffect(() => { if (!me) document.title = "Ward"; }, [me]);
	if (!ready) return <Loading />;
	if (!me) return <SignIn />;
	if (enrolling) return <Suspense fallback={<Loading />}><Enrol onDone={enrolled} leave={leave} /></Suspense>;
	return (
		<Shell>
			<Switch>
				<Route path="/agent/views/:view?">{(p) => <List key="views" view={p.view} />}</Route>
				<Route path="/agent/search"><List key="search" search /></Route>
				<Route path="/agent/tickets/:id">{(p) => <TicketPage key={p.id} id={Number(p.id)} />}</Route>
				<Route path="/agent/people/:id">{(p) => <Person key={p.id} id={Number(p.id)} />}</Route>
				<Route path="/agent/organizations/:id">{(p) => <OrganizationPage key={p.id} id={Number(p.id)} />}</Route>
				<Route path="/agent/new"><NewTicket /></Route>
				<Route path="/admin/*?"><Admin /></Route>
				<Route path="/reports/:part?">{(p) => <Reports part={p.part} />}</Route>
				<Route path="/requests/*?"><Requests /></Route>
				<Route path="/requests"><Requests /></Route>
				<Route path="/"><Redirect to={home(me)} replace /></Route>
				<Route path="/agent"><Redirect to={home(me)} replace /></Route>
				<Route><Empty title={t("error.nowhere")}><Link href={home(me)}>{t("error.home")}</Link></Empty></Route>
			</Switch>
		</Shell>
	);
}

function Themed({ children }: { children: ReactNode }) {
	const { colorScheme } = useColorScheme();
	return <ThemeProvider theme={{ ...DEFAULT_THEME, colors: { ...DEFAULT_THEME.colors, base: colorScheme } }}>{children}</ThemeProvider>;
}

export function App() {
	return (
		<ColorSchemeProvider initialColorScheme="system">
			<Themed>
				<QueryClientProvider client={client}>
					<SaysProvider><SessionProvider><Pages /></SessionProvider></SaysProvider>
				</QueryClientProvider>
			</Themed>
		</ColorSchemeProvider>
	);
}
