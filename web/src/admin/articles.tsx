// The help centre: its articles in both languages, and how its pages look. Whoever writes here sees what the page will keep.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import { lazy, Suspense, useEffect, useRef, useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { call, can, get, post, put, Refused } from "../api";
import { useMe } from "../session";
import { Empty, Fault, Loading, Name, Time } from "../ui/bits";
import { Box } from "../ui/box";
import { useSays } from "../ui/says";
import { Typed } from "./records";

const Frame = lazy(() => import("../workspace/frame"));
const HC = "/api/v2/help_center";
const LOCALES = ["en-us", "es"];

interface Place { id: number; name: string; description: string; position: number; category_id?: number }
interface Article { id: number; title: string; section_id: number; draft: boolean; promoted: boolean; user_segment_id: number | null; updated_at: string; label_names: string[] }
interface Translation { locale: string; title: string; body: string; draft: boolean }
interface Brand { id: number; name: string; default: boolean; active: boolean; subdomain: string; host_mapping: string | null; color: string | null; logo: { content_url: string } | null }

async function every<T>(path: string, key: string): Promise<T[]> {
	const all: T[] = [];
	for (let n = 1, next: unknown = true; next; n++) {
		const p: any = await get(HC + path + ".json?per_page=100&page=" + n);
		all.push(...p[key]);
		next = p.next_page;
	}
	return all;
}

// Marks for who does not write HTML: what is chosen is put between them.
const MARKS: [string, string, string][] = [["Heading", "<h2>", "</h2>"], ["Bold", "<b>", "</b>"], ["Italic", "<em>", "</em>"], ["List", "<ul>\n<li>", "</li>\n</ul>"], ["Paragraph", "<p>", "</p>"], ["Link", "<a href=\"https://\">", "</a>"]];

function Editor({ article, section, sections, onClose, onDone }: { article: Article | null; section: number; sections: Place[]; onClose(): void; onDone(): void }) {
	const { t } = useTranslation();
	const { say, fault } = useSays();
	const [locale, setLocale] = useState(LOCALES[0]);
	const [texts, setTexts] = useState<Record<string, Translation>>({});
	const [known, setKnown] = useState<string[]>([]);
	const [ready, setReady] = useState(!article);
	const [where, setWhere] = useState(section);
	const [signedIn, setSignedIn] = useState(!!article?.user_segment_id);
	const [labels, setLabels] = useState((article?.label_names || []).join(", "));
	const [wrong, setWrong] = useState("");
	const [warn, setWarn] = useState<string[]>([]);
	const [shown, setShown] = useState(false);
	const [busy, setBusy] = useState(false);
	const area = useRef<HTMLTextAreaElement>(null);
	useEffect(() => {
		if (article) get<{ translations: Translation[] }>(HC + "/articles/" + article.id + "/translations.json").then((r) => {
			setTexts(Object.fromEntries(r.translations.map((x) => [x.locale, x])));
			setKnown(r.translations.map((x) => x.locale));
			setReady(true);
		}, fault);
	}, []);
	const now = texts[locale] || { locale, title: "", body: "", draft: true };
	const set = (change: Partial<Translation>) => setTexts((x) => ({ ...x, [locale]: { ...now, ...change } }));
	// What is published is read by everybody: what may identify somebody is said while one writes.
	useEffect(() => {
		const text = now.title + "\n" + now.body.replace(/<[^>]*>/g, " ");
		if (!text.trim()) return setWarn([]);
		const later = setTimeout(() => post<{ findings: { label: string }[] }>("/api/ward/v1/phi/scan", { text }).then((r) => setWarn([...new Set(r.findings.map((f) => f.label))]), () => undefined), 600);
		return () => clearTimeout(later);
	}, [now.title, now.body]);
	const mark = (before: string, after: string) => {
		const e = area.current!, from = e.selectionStart, to = e.selectionEnd;
		set({ body: e.value.slice(0, from) + before + e.value.slice(from, to) + after + e.value.slice(to) });
		requestAnimationFrame(() => { e.focus(); e.setSelectionRange(from + before.length, to + before.length); });
	};
	const submit = async (e: FormEvent) => {
		e.preventDefault();
		setBusy(true);
		setWrong("");
		const words = LOCALES.filter((l) => texts[l] && (texts[l].title.trim() || texts[l].body.trim()));
		try {
			const rest = { user_segment_id: signedIn ? 1 : null, label_names: labels.split(",").map((x) => x.trim()).filter(Boolean) };
			let id = article?.id, have = known;
			if (!id) {
				const first = words[0] || locale;
				const made = await post<{ article: Article }>(HC + "/" + first + "/sections/" + where + "/articles.json", { article: { ...rest, title: texts[first]?.title || "", body: texts[first]?.body || "", draft: texts[first]?.draft ?? true } });
				id = made.article.id;
				have = [first];
			} else await put(HC + "/articles/" + id + ".json", { article: { ...rest, section_id: where } });
			for (const l of words) {
				const translation = { title: texts[l].title, body: texts[l].body, draft: texts[l].draft };
				if (have.includes(l)) await put(HC + "/articles/" + id + "/translations/" + l + ".json", { translation });
				else await post(HC + "/articles/" + id + "/translations.json", { translation: { ...translation, locale: l } });
			}
			say(t("records.saved"));
			onDone();
		} catch (err) {
			if (err instanceof Refused && err.status === 422) setWrong(err.message);
			else fault(err);
			setBusy(false);
		}
	};
	return (
		<Box title={article ? t("articles.change") : t("articles.new")} onClose={onClose}>
			{!ready ? <Loading /> : (
				<form className="stack" onSubmit={submit}>
					{wrong ? <p className="leaving" role="alert">{wrong}</p> : null}
					<div className="row">
						<label className="field"><span>{t("articles.section")}</span><select value={where} onChange={(e) => setWhere(Number(e.target.value))}>{sections.map((s) => <option key={s.id} value={s.id}>{s.name}</option>)}</select></label>
						<label className="field"><span>{t("articles.language")}</span><select value={locale} onChange={(e) => setLocale(e.target.value)}>{LOCALES.map((l) => <option key={l} value={l}>{t(l === "es" ? "articles.inEs" : "articles.inEn") + (known.includes(l) ? "" : " – " + t("articles.untranslated"))}</option>)}</select></label>
					</div>
					<label className="field"><span>{t("articles.title")}</span><input dir="auto" lang={locale} maxLength={255} value={now.title} onChange={(e) => set({ title: e.target.value })} /></label>
					<div className="row" role="group" aria-label={t("articles.marks")}>{MARKS.map(([name, a, b]) => <Button key={name} type="button" size="small" onClick={() => mark(a, b)}>{t("articles.mark" + name)}</Button>)}
						<Button type="button" size="small" isBasic aria-pressed={shown} onClick={() => setShown(!shown)}>{t("articles.preview")}</Button></div>
					{shown ? <Suspense fallback={null}><Frame html={now.body} /></Suspense>
						: <label className="field"><span>{t("articles.body")}</span><textarea ref={area} rows={12} dir="auto" lang={locale} value={now.body} onChange={(e) => set({ body: e.target.value })} aria-describedby="article-hint" /></label>}
					<p id="article-hint" className="soft">{t("articles.bodyHint")}</p>
					{warn.length ? <p className="leaving" role="status">{t("articles.phi", { kinds: warn.map((k) => t("phi." + k, k)).join(", ") })}</p> : null}
					<label className="field"><span>{t("articles.labels")}</span><input value={labels} onChange={(e) => setLabels(e.target.value)} /></label>
					<label className="row"><input type="checkbox" style={{ width: "auto", minHeight: 0 }} checked={!now.draft} onChange={(e) => set({ draft: !e.target.checked })} /> {t("articles.published")}</label>
					<label className="row"><input type="checkbox" style={{ width: "auto", minHeight: 0 }} checked={signedIn} onChange={(e) => setSignedIn(e.target.checked)} /> {t("articles.signedIn")}</label>
					<div className="row"><Button isPrimary type="submit" disabled={busy}>{t("records.save")}</Button><Button type="button" onClick={onClose}>{t("cancel")}</Button></div>
				</form>
			)}
		</Box>
	);
}

function PlaceForm({ kind, category, categories, onClose, onDone }: { kind: "category" | "section"; category?: number; categories: Place[]; onClose(): void; onDone(): void }) {
	const { t } = useTranslation();
	const { fault } = useSays();
	const [name, setName] = useState("");
	const [words, setWords] = useState("");
	const [where, setWhere] = useState(category);
	const [busy, setBusy] = useState(false);
	const submit = (e: FormEvent) => {
		e.preventDefault();
		setBusy(true);
		post(kind === "category" ? HC + "/categories.json" : HC + "/categories/" + where + "/sections.json", { [kind]: { name, description: words } }).then(onDone, (err) => { fault(err); setBusy(false); });
	};
	return (
		<Box title={t(kind === "category" ? "articles.newCategory" : "articles.newSection")} onClose={onClose}>
			<form className="stack" onSubmit={submit}>
				{kind === "section" ? <label className="field"><span>{t("articles.category")}</span><select value={where} onChange={(e) => setWhere(Number(e.target.value))}>{categories.map((c) => <option key={c.id} value={c.id}>{c.name}</option>)}</select></label> : null}
				<label className="field"><span>{t("person.name")}</span><input required dir="auto" maxLength={255} value={name} onChange={(e) => setName(e.target.value)} /></label>
				<label className="field"><span>{t("articles.description")}</span><textarea rows={2} dir="auto" value={words} onChange={(e) => setWords(e.target.value)} /></label>
				<div className="row"><Button isPrimary type="submit" disabled={busy}>{t("records.save")}</Button><Button type="button" onClick={onClose}>{t("cancel")}</Button></div>
			</form>
		</Box>
	);
}

function Look() {
	const { t } = useTranslation();
	const { say, fault } = useSays();
	const cache = useQueryClient();
	const all = useQuery({ queryKey: ["brands"], queryFn: () => get<{ brands: Brand[] }>("/api/v2/brands.json") });
	const [id, setId] = useState(0);
	const [change, setChange] = useState<Partial<Brand>>({});
	const [wrong, setWrong] = useState("");
	const brands = all.data?.brands.filter((b) => b.active) || [], brand = brands.find((b) => id ? b.id === id : b.default);
	if (!brand) return null;
	const now = { ...brand, ...change };
	const done = () => { cache.invalidateQueries({ queryKey: ["brands"] }); say(t("records.saved")); setWrong(""); setChange({}); };
	const refused = (err: unknown) => err instanceof Refused && err.status === 422 ? setWrong(err.message) : fault(err);
	const submit = (e: FormEvent) => {
		e.preventDefault();
		put("/api/v2/brands/" + brand.id + ".json", { brand: { name: now.name, color: now.color, subdomain: now.subdomain, host_mapping: now.host_mapping || null } }).then(done, refused);
	};
	const another = () => post<{ brand: Brand }>("/api/v2/brands.json", { brand: { name: t("articles.newBrand"), subdomain: "brand-" + (brands.length + 1) } }).then((r) => { done(); setId(r.brand.id); }, refused);
	return (
		<form className="stack panel" onSubmit={submit}>
			<div className="row between"><h2>{t("articles.look")}</h2><div className="row">
				{brands.length > 1 ? <label className="row"><span>{t("articles.brand")}</span><select className="plain-select" id="brand" value={brand.id} onChange={(e) => { setId(Number(e.target.value)); setChange({}); }}>{brands.map((b) => <option key={b.id} value={b.id}>{b.name}</option>)}</select></label> : null}
				<Button size="small" type="button" onClick={another}>{t("articles.addBrand")}</Button></div></div>
			{wrong ? <p className="leaving" role="alert">{wrong}</p> : null}
			<div className="row">
				<label className="field"><span>{t("person.name")}</span><input required value={now.name} onChange={(e) => setChange({ ...change, name: e.target.value })} /></label>
				<label className="field"><span>{t("articles.color")}</span><input type="color" value={now.color || "#03363d"} onChange={(e) => setChange({ ...change, color: e.target.value })} /></label>
				<label className="field"><span>{t("articles.logo")}</span><input type="file" accept="image/png,image/jpeg" onChange={(e) => { const f = e.target.files?.[0]; if (f) call("PUT", "/api/v2/brands/" + brand.id + "/logo", undefined, { type: f.type, data: f }).then(done, refused); }} /></label>
				<label className="field"><span>{t("articles.subdomain")}</span><input required autoComplete="off" value={now.subdomain} onChange={(e) => setChange({ ...change, subdomain: e.target.value })} /></label>
				<label className="field"><span>{t("articles.host")}</span><input autoComplete="off" placeholder="help.clinic.example" value={now.host_mapping || ""} onChange={(e) => setChange({ ...change, host_mapping: e.target.value })} /></label>
			</div>
			<p className="soft">{t("articles.lookHint")} {t("articles.hostHint")}</p>
			<div className="row"><Button isPrimary size="small" type="submit">{t("records.save")}</Button>
				{brand.logo ? <Button size="small" type="button" onClick={() => call("DELETE", "/api/v2/brands/" + brand.id + "/logo").then(done, fault)}>{t("articles.noLogo")}</Button> : null}
				<a href="/help" target="_blank" rel="noreferrer">{t("articles.open")}</a></div>
		</form>
	);
}

type Open = { what: "article"; article: Article | null; section: number } | { what: "category" } | { what: "section"; category: number } | { what: "archive"; article: Article } | { what: "drop"; kind: "sections" | "categories"; place: Place };

export default function Articles() {
	const { t } = useTranslation();
	const cache = useQueryClient();
	const { fault } = useSays();
	const me = useMe();
	const all = useQuery({ queryKey: ["guide"], queryFn: async () => ({ categories: await every<Place>("/categories", "categories"), sections: await every<Place>("/sections", "sections"), articles: await every<Article>("/articles", "articles") }) });
	const [open, setOpen] = useState<Open | null>(null);
	useEffect(() => { document.title = t("admin.articles") + " - Ward"; }, [t]);
	const close = () => setOpen(null);
	const done = () => { cache.invalidateQueries({ queryKey: ["guide"] }); close(); };
	const publish = (a: Article) => put(HC + "/articles/" + a.id + ".json", { article: { draft: !a.draft } }).then(done, fault);
	if (all.error) return <Fault error={all.error} />;
	if (!all.data) return <Loading />;
	const { categories, sections, articles } = all.data;
	return (
		<>
			<div className="row between"><h1>{t("admin.articles")}</h1><Button isPrimary size="small" onClick={() => setOpen({ what: "category" })}>{t("articles.newCategory")}</Button></div>
			{categories.length === 0 ? <Empty title={t("articles.empty")}><p>{t("articles.emptyHint")}</p></Empty> : categories.map((c) => (
				<section key={c.id} className="stack">
					<div className="row between"><h2><Name>{c.name}</Name></h2><div className="row"><Button size="small" onClick={() => setOpen({ what: "section", category: c.id })}>{t("articles.newSection")}</Button>
						{sections.some((s) => s.category_id === c.id) ? null : <Button size="small" isBasic isDanger onClick={() => setOpen({ what: "drop", kind: "categories", place: c })}>{t("records.delete")}</Button>}</div></div>
					{sections.filter((s) => s.category_id === c.id).map((s) => {
						const own = articles.filter((a) => a.section_id === s.id);
						return (
							<div key={s.id} className="stack">
								<div className="row between"><h3><Name>{s.name}</Name></h3><div className="row"><Button size="small" onClick={() => setOpen({ what: "article", article: null, section: s.id })}>{t("articles.new")}</Button>
									{own.length ? null : <Button size="small" isBasic isDanger onClick={() => setOpen({ what: "drop", kind: "sections", place: s })}>{t("records.delete")}</Button>}</div></div>
								{own.length ? (
									<div className="scroll"><table className="list"><caption className="sr">{s.name}</caption>
										<thead><tr><th scope="col">{t("articles.title")}</th><th scope="col" style={{ width: 170 }}>{t("articles.who")}</th><th scope="col" style={{ width: 130 }}>{t("field.updated")}</th><th scope="col" style={{ width: 260 }}><span className="sr">{t("records.acts")}</span></th></tr></thead>
										<tbody>{own.map((a) => (
											<tr key={a.id}><td className="wrap"><Name>{a.title}</Name></td><td>{a.draft ? t("articles.draft") : a.user_segment_id ? t("articles.toSignedIn") : t("articles.toAll")}</td><td><Time at={a.updated_at} /></td>
												<td><div className="row"><Button size="small" isBasic onClick={() => setOpen({ what: "article", article: a, section: s.id })}>{t("records.change")}</Button>
													<Button size="small" isBasic onClick={() => publish(a)}>{a.draft ? t("articles.publish") : t("articles.withdraw")}</Button>
													<Button size="small" isBasic isDanger onClick={() => setOpen({ what: "archive", article: a })}>{t("articles.archive")}</Button></div></td></tr>
										))}</tbody></table></div>
								) : <p className="soft">{t("articles.sectionEmpty")}</p>}
							</div>
						);
					})}
				</section>
			))}
			{can(me, "admin") ? <Look /> : null}
			{open?.what === "article" ? <Editor article={open.article} section={open.section} sections={sections} onClose={close} onDone={done} /> : null}
			{open?.what === "category" || open?.what === "section" ? <PlaceForm kind={open.what} category={open.what === "section" ? open.category : undefined} categories={categories} onClose={close} onDone={done} /> : null}
			{open?.what === "archive" ? <Typed title={t("articles.archive")} warn={t("articles.archiveWarn", { title: open.article.title })} word={String(open.article.id)} onClose={close} go={async () => { await call("DELETE", HC + "/articles/" + open.article.id + ".json"); done(); }} /> : null}
			{open?.what === "drop" ? <Typed title={t("records.delete")} warn={t("articles.dropWarn", { name: open.place.name })} word={open.place.name} onClose={close} go={async () => { await call("DELETE", HC + "/" + open.kind + "/" + open.place.id + ".json"); done(); }} /> : null}
		</>
	);
}
