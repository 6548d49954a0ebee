// For administrators, on every page until the desk is safe: what is left of the first-run guide.
import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation } from "wouter";
import { get } from "../api";
import { useMe } from "../session";
import type { Setup } from "./setup";
import "./office.css";

const SHOWN = "ward.guide";

export default function SetupNote() {
	const { t } = useTranslation();
	const me = useMe();
	const [where, go] = useLocation();
	const setup = useQuery({ queryKey: ["setup"], staleTime: 30000, queryFn: () => get<{ setup: Setup }>("/api/ward/v1/setup") });
	const open = setup.data?.setup.open || 0;
	// Once after signing in, from where people arrive; who goes to a page of choice stays there.
	useEffect(() => {
		const signIn = me.id + " " + (me.last_login_at || "");
		if (!setup.data || sessionStorage.getItem(SHOWN) === signIn) return;
		sessionStorage.setItem(SHOWN, signIn);
		if (open > 0 && /^\/(agent\/views)?$/.test(where)) go("/admin/setup", { replace: true });
	}, [setup.data, open, where, go, me]);
	if (!open || where.startsWith("/admin/setup")) return null;
	return <div className="notice" role="region" aria-label={t("setup.title")}><span className="grow">{t("setup.left", { count: open })}</span><Link href="/admin/setup">{t("setup.go")}</Link></div>;
}
