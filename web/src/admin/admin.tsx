// The admin centre: a row here and a file beside it make a new page.
import { lazy, Suspense, type ComponentType, type LazyExoticComponent } from "react";
import { useTranslation } from "react-i18next";
import { Link, Redirect, Route, Switch, useLocation } from "wouter";
import { useMe } from "../session";
import { Empty, Loading } from "../ui/bits";
import "./office.css";

interface Page { path: string; part: string; page: LazyExoticComponent<ComponentType> }
export const PAGES: Page[] = [
	{ path: "setup", part: "first", page: lazy(() => import("./setup")) },
	{ path: "people", part: "team", page: lazy(() => import("./people")) },
	{ path: "groups", part: "team", page: lazy(() => import("./groups")) },
	{ path: "organizations", part: "team", page: lazy(() => import("./organizations")) },
	{ path: "roles", part: "team", page: lazy(() => import("./roles")) },
	{ path: "sessions", part: "team", page: lazy(() => import("./sessions")) },
	{ path: "views", part: "work", page: lazy(() => import("./rules").then((m) => ({ default: m.ViewRules }))) },
	{ path: "macros", part: "work", page: lazy(() => import("./rules").then((m) => ({ default: m.Macros }))) },
	{ path: "triggers", part: "work", page: lazy(() => import("./rules").then((m) => ({ default: m.Triggers }))) },
	{ path: "automations", part: "work", page: lazy(() => import("./rules").then((m) => ({ default: m.Automations }))) },
	{ path: "fields", part: "work", page: lazy(() => import("./fields")) },
	{ path: "forms", part: "work", page: lazy(() => import("./forms")) },
	{ path: "slas", part: "work", page: lazy(() => import("./slas")) },
	{ path: "schedules", part: "work", page: lazy(() => import("./schedules")) },
	{ path: "deleted", part: "work", page: lazy(() => import("./deleted")) },
	{ path: "articles", part: "help", page: lazy(() => import("./articles")) },
	{ path: "policy", part: "phi", page: lazy(() => import("./policy")) },
	{ path: "scan", part: "phi", page: lazy(() => import("./scan")) },
	{ path: "mail", part: "out", page: lazy(() => import("./mail")) },
	{ path: "destinations", part: "out", page: lazy(() => import("./destinations")) },
	{ path: "outbox", part: "out", page: lazy(() => import("./outbox")) },
	{ path: "webhooks", part: "out", page: lazy(() => import("./webhooks")) },
	{ path: "trail", part: "proof", page: lazy(() => import("./trail")) },
	{ path: "looks", part: "proof", page: lazy(() => import("./looks-page")) },
	{ path: "keys", part: "system", page: lazy(() => import("./keys")) },
	{ path: "tokens", part: "system", page: lazy(() => import("./tokens")) },
	{ path: "suspended", part: "system", page: lazy(() => import("./suspended")) },
	{ path: "jobs", part: "system", page: lazy(() => import("./jobs")) },
	{ path: "health", part: "system", page: lazy(() => import("./health")) },
];
const PARTS = [...new Set(PAGES.map((p) => p.part))];

export default function Admin() {
	const { t } = useTranslation();
	const me = useMe();
	const [where, go] = useLocation();
	if (me.role !== "admin") return <Empty title={t("error.denied")} />;
	return (
		<div className="split office">
			<label className="pick"><span className="sr">{t("admin.title")}</span><select className="plain-select" value={PAGES.find((p) => where.startsWith("/admin/" + p.path))?.path || ""} onChange={(e) => go("/admin/" + e.target.value)}>
				{PARTS.map((part) => <optgroup key={part} label={t("admin.part." + part)}>{PAGES.filter((p) => p.part === part).map((p) => <option key={p.path} value={p.path}>{t("admin." + p.path)}</option>)}</optgroup>)}</select></label>
			<nav className="side" aria-label={t("admin.title")}>
				{PARTS.map((part) => (
					<div key={part}>
						<h2>{t("admin.part." + part)}</h2>
						<ul style={{ listStyle: "none", padding: 0 }}>
							{PAGES.filter((p) => p.part === part).map((p) => (
								<li key={p.path}><Link href={"/admin/" + p.path} aria-current={where.startsWith("/admin/" + p.path) ? "page" : undefined}>{t("admin." + p.path)}</Link></li>
							))}
						</ul>
					</div>
				))}
			</nav>
			<section className="pad stack">
				<Suspense fallback={<Loading />}>
					<Switch>
						{PAGES.map((p) => <Route key={p.path} path={"/admin/" + p.path}><p.page /></Route>)}
						<Route path="/admin"><Redirect to="/admin/people" replace /></Route>
						<Route><Empty title={t("error.nowhere")} /></Route>
					</Switch>
				</Suspense>
			</section>
		</div>
	);
}
