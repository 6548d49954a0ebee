// A field that suggests while one types: one value, or several as chips. The list
// is the page's own (role listbox), so that phones and screen readers get the same.
import { useEffect, useId, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Name } from "./bits";

export interface Option { id: string; words: string; hint?: string }

interface Asking { label: string; disabled?: boolean; placeholder?: string; find(text: string): Promise<Option[]> | Option[] }

// What is found for a text, asked when it rests; an older answer never replaces a newer one.
function useFound(text: string | null, find: Asking["find"]) {
	const [found, setFound] = useState<{ text: string | null; list: Option[] }>({ text: null, list: [] });
	const how = useRef(find);
	how.current = find;
	useEffect(() => {
		if (text === null) return setFound({ text, list: [] });
		let gone = false;
		const timer = setTimeout(() => {
			Promise.resolve(how.current(text.trim())).then((list) => { if (!gone) setFound({ text, list }); }, () => { if (!gone) setFound({ text, list: [] }); });
		}, text ? 150 : 0);
		return () => {
			gone = true;
			clearTimeout(timer);
		};
	}, [text]);
	return found;
}

function Asked({ id, shown, disabled, placeholder, find, onPick, onBack, free }: Omit<Asking, "label"> & { id: string; shown: string; onPick(o: Option): void; onBack?(): void; free?(text: string): Option[] }) {
	const { t } = useTranslation();
	const [text, setText] = useState<string | null>(null);       // null: nobody is typing
	const [at, setAt] = useState(-1);
	const answer = useFound(text, find), found = answer.list, fresh = answer.text === text;
	const hurry = useRef(false);                                 // Enter came before the answer
	const open = text !== null && found.length > 0;
	const take = (o?: Option | null) => {
		if (!o) return;
		setText(null);
		setAt(-1);
		onPick(o);
	};
	useEffect(() => {
		if (!fresh || !hurry.current) return;
		hurry.current = false;
		if (found.length) take(found[0]);
		else if (document.activeElement?.id !== id) setText(null);
		// eslint-disable-next-line react-hooks/exhaustive-deps
	}, [fresh]);
	// What was typed as it is, where that may be.
	const own = () => {
		const list = text && free ? free(text.trim()) : [];
		if (list.length) setText(null);
		list.forEach(onPick);
		return list.length > 0;
	};
	return (
		<div className="suggest">
			<input id={id} className="plain-input" autoComplete="off" role="combobox" aria-autocomplete="list" aria-expanded={open} aria-controls={open ? id + "-list" : undefined} aria-activedescendant={open && found[at] ? id + "-" + at : undefined}
				disabled={disabled} placeholder={placeholder} value={text ?? shown}
				onFocus={(e) => { e.target.select(); }} onClick={() => setText((x) => x ?? "")}
				onChange={(e) => { setText(e.target.value); setAt(-1); hurry.current = false; }}
				onBlur={() => { own(); if (!hurry.current) setText(null); setAt(-1); }}
				onKeyDown={(e) => {
					if (e.key === "ArrowDown" || e.key === "ArrowUp") {
						e.preventDefault();
						if (text === null) return setText("");
						if (found.length && fresh) setAt((n) => e.key === "ArrowDown" ? (n + 1) % found.length : (n <= 0 ? found.length : n) - 1);
					}
					if (e.key === "Escape" && text !== null) { e.preventDefault(); e.stopPropagation(); setText(null); }
					if (e.key === "Enter" && text !== null) { e.preventDefault(); if (found[at]) take(found[at]); else if (!own() && text.trim()) { if (fresh) take(found[0]); else hurry.current = true; } }
					if (e.key === "Tab" && found[at]) take(found[at]);
					if ((e.key === "," || e.key === " ") && own()) e.preventDefault();
					if (e.key === "Backspace" && !text && onBack) onBack();
				}} />
			{open ? <ul id={id + "-list"} role="listbox" aria-label={t("workspace.suggestions")} className="palette hints">
				{found.map((o, i) => <li key={o.id} id={id + "-" + i} role="option" aria-selected={i === at} onMouseDown={(e) => { e.preventDefault(); take(o); }}><span className="row between"><Name>{o.words}</Name>{o.hint ? <span className="soft wrap">{o.hint}</span> : null}</span></li>)}
			</ul> : null}
			<span className="sr" role="status">{open ? t("combo.found", { count: found.length }) : ""}</span>
		</div>
	);
}

export function Combo({ value, extra, ...rest }: Asking & { value: string; extra?: ReactNode; onPick(o: Option): void; free?(text: string): Option[] }) {
	const id = useId();
	return <div className="field"><label htmlFor={id}>{rest.label}</label><Asked id={id} shown={value} {...rest} />{extra}</div>;
}

export function Chips({ label, chosen, onChange, free, disabled, ...rest }: Asking & { chosen: Option[]; onChange(list: Option[]): void; free?(text: string): Option[] }) {
	const { t } = useTranslation();
	const id = useId();
	const now = useRef(chosen);                                  // several may be added at once
	now.current = chosen;
	const drop = (o: Option) => onChange(chosen.filter((x) => x.id !== o.id));
	return (
		<div className="field"><label htmlFor={id}>{label}</label>
			{chosen.length ? <ul className="files chips">{chosen.map((o) => <li key={o.id} className="tag"><Name>{o.words}</Name>{disabled ? null : <button type="button" aria-label={t("combo.drop", { name: o.words })} onClick={() => drop(o)}>×</button>}</li>)}</ul> : null}
			{disabled && chosen.length ? null : <Asked id={id} shown="" disabled={disabled} free={free} {...rest} onPick={(o) => { if (!now.current.some((x) => x.id === o.id)) onChange(now.current = [...now.current, o]); }}
				onBack={chosen.length ? () => drop(chosen[chosen.length - 1]) : undefined} />}
		</div>
	);
}
