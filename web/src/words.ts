// Languages: one file of words each, the second is fetched only when it is spoken.
import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import en from "./locales/en.json";

export const LANGUAGES = ["en", "es"] as const;
type Language = (typeof LANGUAGES)[number];
const KEPT = "ward.language";

function wanted(): Language {
	const kept = localStorage.getItem(KEPT);
	for (const l of [kept, ...navigator.languages]) {
		const two = (l || "").slice(0, 2);
		if ((LANGUAGES as readonly string[]).includes(two)) return two as Language;
	}
	return "en";
}

// Words of a part that is fetched when it is needed (the admin centre, reports).
const parts = new Map<string, (l: Language) => Promise<{ default: object }>>([
	["office", (l) => l === "es" ? import("./locales/office.es.json") : import("./locales/office.en.json")],
]);
const wantedParts = new Set<string>();

async function loadPart(name: string, language: Language) {
	for (const l of new Set<Language>(["en", language]))
		i18next.addResourceBundle(l, "translation", (await parts.get(name)!(l)).default, true, true);
}

export async function moreWords(name: string) {
	wantedParts.add(name);
	await loadPart(name, i18next.language as Language);
}

async function load(language: Language) {
	for (const name of wantedParts) await loadPart(name, language);
	if (language === "es" && !i18next.hasResourceBundle("es", "translation"))
		i18next.addResourceBundle("es", "translation", (await import("./locales/es.json")).default);
	await i18next.changeLanguage(language);
	document.documentElement.lang = language;
	document.documentElement.dir = i18next.dir(language);
}

export async function startWords() {
	await i18next.use(initReactI18next).init({ lng: "en", fallbackLng: "en", resources: { en: { translation: en } },
		interpolation: { escapeValue: false }, returnNull: false });
	await load(wanted());
}

export async function speak(language: Language) {
	localStorage.setItem(KEPT, language);
	await load(language);
}

const here = () => i18next.language;

// Making a formatter costs a hundred times what it is used for: each is made once.
const made = new Map<string, unknown>();
function once<T>(kind: string, options: object, make: (language: string) => T): T {
	const name = kind + here() + JSON.stringify(options);
	if (!made.has(name)) made.set(name, make(here()));
	return made.get(name) as T;
}
export const date = (d: Date, options: Intl.DateTimeFormatOptions) => once("date", options, (l) => new Intl.DateTimeFormat(l, options)).format(d);
const AGO: Intl.RelativeTimeFormatOptions = { numeric: "auto" };
const day: Intl.DateTimeFormatOptions = { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" };

export function when(iso: string | null | undefined): string {
	if (!iso) return "";
	const d = new Date(iso), ago = Date.now() - d.getTime();
	if (ago >= 0 && ago < 60 * 60 * 1000) return once("ago", AGO, (l) => new Intl.RelativeTimeFormat(l, AGO)).format(-Math.floor(ago / 60000), "minute");
	return date(d, d.getFullYear() !== new Date().getFullYear() ? { ...day, year: "numeric" } : day);
}

export const exactly = (iso: string) => date(new Date(iso), { dateStyle: "full", timeStyle: "medium" });
export const number = (n: number) => once("number", {}, (l) => new Intl.NumberFormat(l)).format(n);
