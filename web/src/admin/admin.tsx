// The admin centre: a row here and a file beside it make a new page. `may`: whose page it is, where not an administrator's alone.
import { lazy, Suspense, type ComponentType, type LazyExoticComponent } from "react";
import { useTranslation } from "react-i18next";
import { Link, Redirect, Route, Switch, useLocation } from "wouter";
import { can } from "../api";
import { useMe } from "../session";
import { Empty, Loading } from "../ui/bits";
import "./office.css";

interface Page { path: string; part: string; may?: string; page: LazyExoticComponent<ComponentType> }
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
	{ path: "retention", part: "work", page: lazy(() => import("./retention")) },
	{ path: "deleted", part: "work", page: lazy(() => import("./deleted")) },
	{ path: "articles", part: "help", may: "write_articles", page: lazy(() => import("./articles")) },
	{ path: "policy", part: "phi", may: "read_posture", page: lazy(() => import("./policy")) },
	{ path: "scan", part: "phi", page: lazy(() => import("./scan")) },
	{ path: "mail", part: "out", page: lazy(() => import("./mail")) },
	{ path: "destinations", part: "out", page: lazy(() => import("./destinations")) },
	{ path: "outbox", part: "out", page: lazy(() => import("./outbox")) },
	{ path: "webhooks", part: "out", page: lazy(() => import("./webhooks")) },
	{ path: "trail", part: "proof", may: "read_trail", page: lazy(() => import("./trail")) },
	{ path: "looks", part: "proof", may: "read_trail", page: lazy(() => import("./looks-page")) },
	{ path: "keys", part: "system", may: "read_posture", page: lazy(() => import("./keys")) },
	{ path: "tokens", part: "system", page: lazy(() => import("./tokens")) },
	{ path: "suspended", part: "system", page: lazy(() => import("./suspended")) },
	{ path: "jobs", part: "system", page: lazy(() => import("./jobs")) },
	{ path: "health", part: "system", may: "read_posture", page: lazy(() => import("./health")) },
];

export default function Admin() {
	const { t } = useTranslation();
	const me = useMe();
	const [where, go] = useLocation();
	const pages = PAGES.filter((p) => can(me, p.may || "admin")), parts = [...new Set(pages.map((p) => p.part))];
	if (!pages.length) return <Empty title={t("error.denied")} />;
	return (
		<div className="split office">
			<label className="pick"><span className="sr">{t("admin.title")}</span><select className="plain-select" value={pages.find((p) => where.startsWith("/admin/" + p.path))?.path || ""} onChange={(e) => go("/admin/" + e.target.value)}>
				{parts.map((part) => <optgroup key={part} label={t("admin.part." + part)}>{pages.filter((p) => p.part === part).map((p) => <option key={p.path} value={p.path}>{t("admin." + p.path)}</option>)}</optgroup>)}</select></label>
			<nav className="side" aria-label={t("admin.title")}>
				{parts.map((part) => (
					<div key={part}>
						<h2>{t("admin.part." + part)}</h2>
						<ul style={{ listStyle: "none", padding: 0 }}>
							{pages.filter((p) => p.part === part).map((p) => (
								<li key={p.path}><Link href={"/admin/" + p.path} aria-current={where.startsWith("/admin/" + p.path) ? "page" : undefined}>{t("admin." + p.path)}</Link></li>
							))}
						</ul>
					</div>
				))}
			</nav>
			<section className="pad stack">
				<Suspense fallback={<Loading />}>
					<Switch>
						{pages.map((p) => <Route key={p.path} path={"/admin/" + p.path}><p.page /></Route>)}
						<Route path="/admin"><Redirect to={"/admin/" + (pages.find((p) => p.path === "people") || pages[0]).path} replace /></Route>
						<Route><Empty title={t(PAGES.some((p) => where === "/admin/" + p.path) ? "error.denied" : "error.nowhere")} /></Route>
					</Switch>
				</Suspense>
			</section>
		</div>
	);
}
