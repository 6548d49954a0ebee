// Focus is never lost. When what had it goes away (a button that was pressed and is gone, a row that was deleted, a page
// that was left) or is switched off for a moment, the browser drops the focus on the page as a whole, and who works by
// keyboard or by ear stands at its beginning again. Here it goes back to where it was, or to the nearest thing around it.

const REACHED = "a[href], button:not(:disabled), input:not(:disabled), select:not(:disabled), textarea:not(:disabled), summary, [tabindex], [contenteditable=true]";
const NAMED = "dialog, form[aria-label], fieldset, li[aria-label], [role=region], [role=group], section[aria-label], aside, nav, main";
const PASSING = "dialog, .toasts";           // what is there for a while: behind it lies where one came from

const alive = (e: Element) => e.isConnected && e.getClientRects().length > 0;

// A heading or a part of the page takes the focus for a moment.
export function focusOn(e: HTMLElement) {
	if (!e.matches(REACHED)) {
		e.tabIndex = -1;
		e.addEventListener("blur", () => e.removeAttribute("tabindex"), { once: true });
	}
	e.focus({ preventScroll: true });
}

const heading = () => [...document.querySelectorAll<HTMLElement>("main h1, main .empty h2")].find((h) => alive(h) && h.textContent!.trim());

// Another page was opened: its heading gets the focus once it is there, unless somebody went elsewhere meanwhile.
let left: Element | null = null;
export function arrive() {
	left = document.activeElement;
	settle();
}
function settle() {
	const h = left && heading();
	if (left && document.activeElement !== left && document.activeElement !== document.body) left = null;
	else if (h) {
		left = null;
		focusOn(h);
	}
}

export function keepFocus() {
	interface Place { at: HTMLElement; around: HTMLElement[]; page: string }
	let places: Place[] = [], off = false;       // newest first; off: what has the focus cannot be used for a moment

	// Where to go for a place that is gone: what came back under its id, the part of the page around it, or the page's heading.
	const instead = ({ at, around, page }: Place) => {
		const again = at.id ? document.getElementById(at.id) : null, part = around.find(alive)?.closest<HTMLElement>(NAMED);
		if (page === location.pathname && again?.matches(REACHED) && alive(again)) return again;
		if (page === location.pathname && part && !part.matches("main")) return part;
		return heading();
	};
	const rescue = () => {
		settle();
		const last = places[0];
		if (!last) return;
		if (last.at.matches(":disabled")) off = true;
		if (document.activeElement !== document.body) return;
		if (alive(last.at)) {
			if (off && !last.at.matches(":disabled")) last.at.focus();
			return;
		}
		const box = [...document.querySelectorAll<HTMLElement>("dialog[open]")].pop();
		const place = places.find((p) => !p.around.some((a) => a.matches(PASSING) && a !== box)) || last;
		const to = alive(place.at) ? place.at : instead(place);
		if (box && !(to && box.contains(to))) focusOn(box);
		else if (to) focusOn(to);
	};
	document.addEventListener("focusin", (e) => {
		const at = e.target as HTMLElement, around: HTMLElement[] = [];
		for (let a = at.parentElement; a && a !== document.body; a = a.parentElement) around.push(a);
		places = [{ at, around, page: location.pathname }, ...places.filter((p) => p.at !== at)].slice(0, 8);
		off = false;
	});
	// Left on purpose: what was left is there and could have kept it.
	document.addEventListener("focusout", (e) => queueMicrotask(() => {
		const left = e.target as HTMLElement;
		if (left === places[0]?.at && document.activeElement === document.body && document.hasFocus() && alive(left) && !left.matches(":disabled") && !off) places = [];
	}));
	new MutationObserver(rescue).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["disabled", "open", "hidden"] });
}
