// A list of records of the API with a form to make, change and delete one: what
// most pages of the admin centre are. A page says columns and fields, no more.
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import { useEffect, useState, type FormEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { call, get, post, put, Refused } from "../api";
import { Empty, Fault, Loading } from "../ui/bits";
import { Box } from "../ui/box";
import { useSays } from "../ui/says";

export interface Column<R> { words: string; show(r: R): ReactNode; width?: number | string; wide?: boolean; rare?: boolean }
export interface FormField { name: string; words: string; kind?: "text" | "long" | "email" | "check" | "list" | "choice" | "password" | "options"; options?: [string, string][]; hint?: string; required?: boolean; onlyNew?: boolean }
// The address of the next page, in either of the API's two ways, or null.
const following = (page: any): string | null => {
	const next: string | null = page.meta ? (page.meta.has_more ? page.links.next : null) : page.next_page;
	return next ? new URL(next).pathname + new URL(next).search : null;
};

// "Follow-up visit": follow_up_visit
const tagOf = (name: string) => name.toLowerCase().normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/[^a-z0-9]+/g, "_").replace(/^_|_$/g, "");

export interface Source<R> {
	path: string;                    // "/api/v2/groups"
	many: string; one: string;       // keys of the envelopes
	query?: string;
	cursor?: boolean;                // pages by cursor
	live?: boolean;                  // asked again every few seconds
	title: string; empty: string;
	columns: Column<R>[];
	fields?: FormField[];
	remove?: { warn(r: R): string; word(r: R): string; facts?(r: R): Promise<string> };    // facts: in numbers, asked when it is opened
	next?: ReactNode;                // what to do when there is none
	tools?: ReactNode;
	above?: ReactNode;
	actions?(r: R, reload: () => void): ReactNode;
	canEdit?(r: R): boolean;
}

function Form<R extends { id: number | string }>({ source, record, onClose, onDone }: { source: Source<R>; record: R | null; onClose(): void; onDone(): void }) {
	const { t } = useTranslation();
	const { say, fault } = useSays();
	const fields = source.fields!.filter((f) => !f.onlyNew || !record);
	const first = (f: FormField) => {
		const v = record ? (record as any)[f.name] : undefined;
		return f.kind === "options" ? (v || []).map((o: { name: string; value: string }) => o.name + " = " + o.value).join("\n") : f.kind === "list" ? (v || []).join(", ") : f.kind === "check" ? !!v : v ?? (f.kind === "choice" ? f.options![0][0] : "");
	};
	const [values, setValues] = useState<Record<string, any>>(() => Object.fromEntries(fields.map((f) => [f.name, first(f)])));
	const [wrong, setWrong] = useState<Record<string, string>>({});
	const [busy, setBusy] = useState(false);
	const set = (name: string, v: unknown) => setValues((x) => ({ ...x, [name]: v }));
	const submit = async (e: FormEvent) => {
		e.preventDefault();
		setBusy(true);
		setWrong({});
		const out: Record<string, unknown> = {};
		for (const f of fields) {
			const v = values[f.name];
			if (record && v === first(f)) continue;
			if (f.kind === "list") out[f.name] = String(v).split(/[\s,]+/).filter(Boolean);
			else if (f.kind === "options") {
				const lines = String(v).split("\n").map((l) => l.trim()).filter(Boolean);
				if (lines.length || record) out[f.name] = lines.map((l) => { const [name, value] = l.split(/\s*=\s*/); return { name, value: value || tagOf(name) }; });
			} else if (v !== "" || record) out[f.name] = v;
		}
		try {
			if (record) await put(source.path + "/" + record.id + ".json", { [source.one]: out });
			else await post(source.path + ".json", { [source.one]: out });
			say(t("records.saved"));
			onDone();
		} catch (err) {
			if (err instanceof Refused && err.status === 422) setWrong(Object.keys(err.fields).length ? err.fields : { base: err.message });
			else fault(err);
			setBusy(false);
		}
	};
	const named = new Set(fields.map((f) => f.name));
	return (
		<Box title={record ? t("records.change") : t("records.new")} onClose={onClose}>
			<form className="stack" onSubmit={submit}>
				{Object.entries(wrong).filter(([f]) => !named.has(f)).map(([f, w]) => <p key={f} className="leaving" role="alert">{w}</p>)}
				{fields.map((f) => {
					const id = "f-" + f.name, common = { id, required: f.required, "aria-invalid": wrong[f.name] ? true : undefined, "aria-describedby": wrong[f.name] || f.hint ? id + "-says" : undefined };
					return (
						<div key={f.name} className="field">
							{f.kind === "check" ? <label className="row" style={{ fontWeight: 400 }}><input type="checkbox" style={{ width: "auto", minHeight: 0 }} checked={values[f.name]} onChange={(e) => set(f.name, e.target.checked)} /> {f.words}</label> : (
								<>
									<label htmlFor={id}>{f.words}</label>
									{f.kind === "long" || f.kind === "options" ? <textarea {...common} rows={4} value={values[f.name]} onChange={(e) => set(f.name, e.target.value)} />
										: f.kind === "choice" ? <select {...common} value={values[f.name]} onChange={(e) => set(f.name, e.target.value)}>{f.options!.map(([v, w]) => <option key={v} value={v}>{w}</option>)}</select>
											: <input {...common} type={f.kind === "email" ? "email" : f.kind === "password" ? "password" : "text"} autoComplete={f.kind === "password" ? "new-password" : "off"} value={values[f.name]} onChange={(e) => set(f.name, e.target.value)} />}
								</>
							)}
							{wrong[f.name] || f.hint ? <p id={id + "-says"} className={wrong[f.name] ? "" : "soft"} style={wrong[f.name] ? { color: "var(--bad)" } : undefined}>{wrong[f.name] || f.hint}</p> : null}
						</div>
					);
				})}
				<div className="row"><Button isPrimary type="submit" disabled={busy}>{t("records.save")}</Button><Button type="button" onClick={onClose}>{t("cancel")}</Button></div>
			</form>
		</Box>
	);
}

// Dangerous acts say what will happen and wait for a typed confirmation.
export function Typed({ title, warn, word, facts, go, onClose }: { title: string; warn: string; word: string; facts?(): Promise<string>; go(): Promise<void>; onClose(): void }) {
	const { t } = useTranslation();
	const { fault } = useSays();
	const [typed, setTyped] = useState("");
	const [busy, setBusy] = useState(false);
	const [counted, setCounted] = useState<string | null>(facts ? null : "");
	useEffect(() => { facts?.().then(setCounted, (e) => { fault(e); onClose(); }); }, []);
	return (
		<Box title={title} onClose={onClose}>
			<p>{warn}</p>
			{counted === null ? <p role="status">{t("loading")}</p> : counted ? <p className="leaving" id="counted">{counted}</p> : null}
			<label className="field"><span>{t("records.type", { word })}</span><input value={typed} autoFocus autoComplete="off" onChange={(e) => setTyped(e.target.value)} /></label>
			<div className="row"><Button isPrimary isDanger disabled={busy || counted === null || typed !== word} onClick={() => { setBusy(true); go().then(onClose, (e) => { fault(e); setBusy(false); }); }}>{title}</Button><Button onClick={onClose}>{t("cancel")}</Button></div>
		</Box>
	);
}

const classOf = (c: Column<any>) => c.rare ? "wide spare" : c.wide ? "wide" : undefined;

export function Records<R extends { id: number | string }>({ source }: { source: Source<R> }) {
	const { t } = useTranslation();
	const cache = useQueryClient();
	const key = ["records", source.path, source.query || ""];
	const all = useInfiniteQuery({ queryKey: key, initialPageParam: source.path + ".json?" + (source.cursor ? "page%5Bsize%5D=50" : "per_page=50") + (source.query ? "&" + source.query : ""),
		getNextPageParam: (last: any) => following(last), queryFn: ({ pageParam }) => get(pageParam), refetchInterval: source.live ? 5000 : false });
	const [form, setForm] = useState<R | null | undefined>(undefined);
	const [gone, setGone] = useState<R | null>(null);
	useEffect(() => { document.title = source.title + " - Ward"; }, [source.title]);
	const rows = (all.data?.pages.flatMap((p: any) => p[source.many] || []) || []) as R[];
	const reload = () => { cache.invalidateQueries({ queryKey: ["records"] }); };
	const acts = source.fields || source.remove || source.actions;
	return (
		<>
			<div className="row between"><h1>{source.title}</h1><div className="row">{source.tools}{source.fields ? <Button isPrimary size="small" onClick={() => setForm(null)}>{t("records.new")}</Button> : null}</div></div>
			{source.above}
			{all.error ? <Fault error={all.error} /> : all.isLoading ? <Loading /> : rows.length === 0 ? <Empty title={source.empty}>{source.next ?? (source.fields ? <Button onClick={() => setForm(null)}>{t("records.first")}</Button> : null)}</Empty> : (
				<div className="scroll"><table className="list">
					<caption className="sr">{source.title}</caption>
					<thead><tr>{source.columns.map((c) => <th key={c.words} scope="col" className={classOf(c)} style={{ width: c.width }}>{c.words}</th>)}{acts ? <th scope="col" style={{ width: source.actions ? 276 : 170 }}><span className="sr">{t("records.acts")}</span></th> : null}</tr></thead>
					<tbody>{rows.map((r) => (
						<tr key={r.id}>{source.columns.map((c) => <td key={c.words} className={"wrap " + (classOf(c) || "")}>{c.show(r)}</td>)}
							{acts ? <td><div className="row">{source.actions?.(r, reload)}
								{source.fields && (!source.canEdit || source.canEdit(r)) ? <Button size="small" isBasic onClick={() => setForm(r)}>{t("records.change")}</Button> : null}
								{source.remove && (!source.canEdit || source.canEdit(r)) ? <Button size="small" isBasic isDanger onClick={() => setGone(r)}>{t("records.delete")}</Button> : null}</div></td> : null}</tr>
					))}</tbody>
				</table></div>
			)}
			{all.hasNextPage ? <div><Button onClick={() => all.fetchNextPage()} disabled={all.isFetchingNextPage}>{t("more")}</Button></div> : null}
			{form !== undefined ? <Form source={source} record={form} onClose={() => setForm(undefined)} onDone={() => { setForm(undefined); reload(); }} /> : null}
			{gone ? <Typed title={t("records.delete")} warn={source.remove!.warn(gone)} word={source.remove!.word(gone)} facts={source.remove!.facts ? () => source.remove!.facts!(gone) : undefined} onClose={() => setGone(null)}
				go={async () => { await call("DELETE", source.path + "/" + gone.id + ".json"); reload(); }} /> : null}
		</>
	);
}
