// A view, made or changed: what is in it, what one sees of each ticket, in which order, and what that gives now.
import { useQuery } from "@tanstack/react-query";
import { Button } from "@zendeskgarden/react-buttons";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { get, people, post, put, wrongs, type User, type View } from "../api";
import { useMe } from "../session";
import { Choice, Fault, Loading, Name, Status } from "../ui/bits";
import { Box } from "../ui/box";
import { useSays } from "../ui/says";
import { COLUMNS, type ColumnId } from "../workspace/columns";
import { FIELDS, GROUPS } from "../workspace/ready";
import { number } from "../words";
import { Conditions, type Condition, type Definitions } from "./conditions";

interface Column { value: string; title: string }
interface ViewDefinitions extends Definitions { groupables: Column[]; sortables: Column[]; output: Column[] }
interface Row { ticket: { id: number; subject: string; status: string }; requester_id: number }
interface Preview { rows: Row[]; users?: User[]; count: number | null }

const SHOWN = 8, MOST = 30;
const USUAL: ColumnId[] = ["status", "subject", "requester", "created", "updated", "group", "assignee"];

function Columns({ chosen, onChange, choice }: { chosen: ColumnId[]; onChange(l: ColumnId[]): void; choice: [ColumnId, string][] }) {
	const { t } = useTranslation();
	const words = (id: ColumnId) => choice.find((c) => c[0] === id)?.[1] || String(id);
	const move = (i: number, by: number) => {
		const list = [...chosen];
		list.splice(i + by, 0, ...list.splice(i, 1));
		onChange(list);
	};
	const rest = choice.filter(([id]) => !chosen.includes(id));
	return (
		<fieldset className="stack plain" id="view-columns">
			<legend>{t("views.columns")}</legend>
			<ol className="columns">{chosen.map((id, i) => (
				<li key={id} className="row"><span className="grow"><Name>{words(id)}</Name></span>
					<Button size="small" isBasic type="button" disabled={i === 0} aria-label={t("views.earlier", { column: words(id) })} onClick={() => move(i, -1)}>↑</Button>
					<Button size="small" isBasic type="button" disabled={i === chosen.length - 1} aria-label={t("views.later", { column: words(id) })} onClick={() => move(i, 1)}>↓</Button>
					<Button size="small" isBasic type="button" disabled={chosen.length === 1} aria-label={t("views.without", { column: words(id) })} onClick={() => onChange(chosen.filter((c) => c !== id))}>×</Button></li>
			))}</ol>
			{rest.length && chosen.length < MOST ? <select className="plain-select" aria-label={t("views.addColumn")} value="" onChange={(e) => { const c = rest.find(([id]) => String(id) === e.target.value); if (c) onChange([...chosen, c[0]]); }}>
				<option value="">{t("views.addColumn")}</option>{rest.map(([id, w]) => <option key={id} value={String(id)}>{w}</option>)}</select> : null}
		</fieldset>
	);
}

function Shared({ value, onChange }: { value: View["restriction"]; onChange(v: View["restriction"]): void }) {
	const { t } = useTranslation();
	const me = useMe();
	const groups = (useQuery(GROUPS).data?.groups || []).filter((g) => !g.deleted);
	const ids = value?.type === "Group" ? value.ids || (value.id ? [value.id] : []) : [];
	if (me.view_access !== "full") return <p className="soft" id="view-own">{t("views.yours")}</p>;
	return (
		<>
			<Choice label={t("views.who")} value={!value ? "all" : value.type} onChange={(w) => onChange(w === "all" ? null : w === "User" ? { type: "User", id: me.id } : { type: "Group", ids: [] })}
				options={[["all", t("views.everybody")], ["Group", t("views.groups")], ["User", t("views.onlyMe")]]} />
			{value?.type === "Group" ? <fieldset className="field plain"><legend>{t("views.whichGroups")}</legend>
				<div className="row">{groups.map((g) => <label key={g.id} className="row"><input type="checkbox" checked={ids.includes(g.id)} onChange={(e) => onChange({ type: "Group", ids: e.target.checked ? [...ids, g.id] : ids.filter((x) => x !== g.id) })} /> <Name>{g.name}</Name></label>)}</div></fieldset> : null}
		</>
	);
}

// What the view gives now: how many, and the first of them. Asked for, not by itself: showing tickets is a look.
function Result({ view }: { view: object }) {
	const { t } = useTranslation();
	const { fault } = useSays();
	const [shown, setShown] = useState<{ of: string; result: Preview } | null>(null);
	const [busy, setBusy] = useState(false);
	const of = JSON.stringify(view), now = shown?.of === of ? shown.result : null;
	const go = async () => {
		setBusy(true);
		try {
			const [page, count] = await Promise.all([post("/api/v2/views/preview.json?per_page=" + SHOWN, { view }), post("/api/v2/views/preview/count.json", { view })]);
			setShown({ of, result: { rows: page.rows, users: page.users, count: count.view_count.value } });
		} catch (e) {
			fault(e);
		}
		setBusy(false);
	};
	const names = people(now?.users);
	return (
		<section className="card stack" id="view-preview" aria-label={t("views.preview")}>
			<div className="row"><Button size="small" type="button" disabled={busy} onClick={go}>{t("views.preview")}</Button>
				<span role="status">{busy ? t("loading") : now ? now.count === null ? t("views.counting") : t("views.would", { count: now.count, shown: number(now.count) }) : t("views.previewHint")}</span></div>
			{now?.rows.length ? <ul className="plain-list">{now.rows.map((r) => <li key={r.ticket.id} className="row"><Status status={r.ticket.status} /><span className="grow wrap" dir="auto">{r.ticket.subject || t("ticket.noSubject")} <span className="soft">#{r.ticket.id}{names.get(r.requester_id) ? " · " + names.get(r.requester_id)!.name : ""}</span></span></li>)}</ul>
				: now ? <p className="soft">{t("views.nothing")}</p> : null}
		</section>
	);
}

export function ViewEditor({ view, onClose, onDone }: { view: Partial<View> | null; onClose(): void; onDone(view: View): void }) {
	const { t } = useTranslation();
	const { say, fault } = useSays();
	const me = useMe();
	const defs = useQuery({ queryKey: ["definitions", "view"], staleTime: 60000, queryFn: () => get<{ definitions: ViewDefinitions }>("/api/v2/views/definitions.json") });
	const custom = (useQuery(FIELDS).data?.ticket_fields || []).filter((f) => f.removable && f.active);
	const was = view?.execution;
	const [title, setTitle] = useState(view?.title || "");
	const [active, setActive] = useState(view?.active ?? true);
	const [restriction, setRestriction] = useState<View["restriction"]>(view ? view.restriction : me.view_access === "full" ? null : { type: "User", id: me.id });
	const [all, setAll] = useState<Condition[]>(view?.conditions?.all || [{ field: "status", operator: "less_than", value: "solved" }]);
	const [any, setAny] = useState<Condition[]>(view?.conditions?.any || []);
	const [columns, setColumns] = useState<ColumnId[]>(was?.columns.map((c) => c.id) || USUAL);
	const [order, setOrder] = useState({ group_by: was?.group?.id || "", group_order: was?.group_order || "asc", sort_by: was?.sort?.id || "updated", sort_order: was?.sort_order || "desc" });
	const [wrong, setWrong] = useState<string[]>([]);
	const [busy, setBusy] = useState(false);
	const what = { all, any, output: { columns, ...order, group_by: order.group_by || null } };
	const submit = async (e: FormEvent) => {
		e.preventDefault();
		setBusy(true);
		setWrong([]);
		const body = { view: { title, active, restriction: restriction || null, ...what } };
		try {
			const done = view?.id ? await put<{ view: View }>("/api/v2/views/" + view.id + ".json", body) : await post<{ view: View }>("/api/v2/views.json", body);
			say(t("records.saved"));
			onDone(done.view);
		} catch (err) {
			const list = wrongs(err);
			if (list) setWrong(list);
			else fault(err);
			setBusy(false);
		}
	};
	const words = (list: Column[] | undefined) => (list || []).map((c) => [c.value, t("views.column." + c.value, c.title)] as [string, string]);
	const choice: [ColumnId, string][] = [...words(defs.data?.definitions.output).filter(([id]) => COLUMNS[id]), ...custom.map((f) => [f.id, f.title] as [ColumnId, string])];
	const ways: [string, string][] = [["asc", t("views.up")], ["desc", t("views.down")]];
	const set = (change: Partial<typeof order>) => setOrder((o) => ({ ...o, ...change }));
	return (
		<Box large title={view?.id ? t("views.change") : t("views.new")} onClose={onClose}>
			{defs.error ? <Fault error={defs.error} /> : !defs.data ? <Loading /> : (
				<form className="stack" id="view-editor" onSubmit={submit}>
					{wrong.length ? <div className="leaving" role="alert">{wrong.map((w) => <p key={w}>{w}</p>)}</div> : null}
					<label className="field"><span>{t("rules.title")}</span><input required autoFocus value={title} onChange={(e) => setTitle(e.target.value)} /></label>
					<Shared value={restriction} onChange={setRestriction} />
					<Conditions title={t("rules.all")} defs={defs.data.definitions.conditions_all} list={all} onChange={setAll} />
					<Conditions title={t("rules.any")} defs={defs.data.definitions.conditions_any} list={any} onChange={setAny} />
					<Columns chosen={columns} onChange={setColumns} choice={choice} />
					<div className="row at-end">
						<Choice label={t("views.groupBy")} value={order.group_by} onChange={(group_by) => set({ group_by })} options={[["", t("views.ungrouped")], ...words(defs.data.definitions.groupables)]} />
						{order.group_by ? <Choice label={t("views.groupOrder")} value={order.group_order} onChange={(w) => set({ group_order: w as "asc" })} options={ways} /> : null}
						<Choice label={t("views.sortBy")} value={order.sort_by} onChange={(sort_by) => set({ sort_by })} options={words(defs.data.definitions.sortables)} />
						<Choice label={t("views.sortOrder")} value={order.sort_order} onChange={(w) => set({ sort_order: w as "asc" })} options={ways} />
					</div>
					<Result view={what} />
					<label className="row"><input type="checkbox" checked={active} onChange={(e) => setActive(e.target.checked)} /> {t("rules.active")}</label>
					<div className="row"><Button isPrimary type="submit" disabled={busy}>{t("records.save")}</Button><Button type="button" onClick={onClose}>{t("cancel")}</Button></div>
				</form>
			)}
		</Box>
	);
}
