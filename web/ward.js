// One page over the public API: sign in, read the list, read a ticket with its
// findings marked, reply, redact. Text from people is only ever set as text,
// and none of it is put where the browser keeps it: not into addresses or
// titles (history), not into the cache (no-store).
"use strict";

const $ = (id) => document.getElementById(id);
const IDLE_FOR = 15 * 60 * 1000;    // 45 CFR 164.312(a)(2)(iii): nobody there, nothing on the screen
let csrf = null, me = null, ticket = null, comments = [], draft = null;
let turn = 0;                       // counts navigations: an answer that comes late is not shown
let more = null;                    // how the list goes on: fetches the next page

function say(text) {
	$("notice").textContent = text || "";
	$("notice").hidden = !text;
}

function el(tag, props, ...children) {
	const e = document.createElement(tag);
	Object.assign(e, props || {});
	e.append(...children);
	return e;
}

// A name or subject inside a line of ours: direction marks in it cannot reorder that line.
function quoted(text) {
	return el("bdi", { textContent: text });
}

class Refused extends Error {
	constructor(message, status) {
		super(message);
		this.status = status;
	}
}

function words(body, status, id) {
	const first = body && body.details ? Object.values(body.details).flat().map((d) => d.description).join(" ") : "";
	const text = first || (body && (body.description || (body.error && body.error.message) || body.error)) || "HTTP " + status;
	return text + (status >= 500 && id ? " (request " + id + ")" : "");
}

async function call(method, path, body) {
	// X-Requested-With: a 401 is ours to show, the browser must not ask for a password itself.
	const head = { "Accept": "application/json", "X-Requested-With": "XMLHttpRequest" };
	if (body !== undefined) head["Content-Type"] = "application/json";
	if (csrf) head["X-CSRF-Token"] = csrf;
	let res;
	try {
		res = await fetch(path, { method, headers: head, credentials: "same-origin", cache: "no-store",
			body: body === undefined ? undefined : JSON.stringify(body) });
	} catch {
		throw new Refused("The server cannot be reached. Try again; what you typed is still here.", 0);
	}
	const data = res.status === 204 ? null : await res.json().catch(() => null);
	if (!res.ok) throw new Refused(words(data, res.status, res.headers.get("X-Request-Id")), res.status);
	return data;
}

function show(page, title) {
	for (const id of ["page-sign-in", "page-list", "page-ticket"]) $(id).hidden = id !== page;
	document.title = title ? title + " - Ward" : "Ward";
	$("main").focus({ preventScroll: true });
	window.scrollTo(0, 0);
}

function staff() {
	return me && me.role !== "end-user";
}

function home() {
	return staff() ? "/agent" : "/requests";
}

function when(iso) {
	const d = new Date(iso), day = { month: "short", day: "numeric" };
	if (d.getFullYear() !== new Date().getFullYear()) day.year = "numeric";
	return el("time", { dateTime: iso, title: d.toLocaleString() }, d.toLocaleDateString(undefined, day) + " " +
		d.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" }));
}

/* ---- list ---- */

const TABS = [["", "All"], ["new", "New"], ["open", "Open"], ["pending", "Pending"], ["hold", "On hold"], ["solved", "Solved"]];

function tabs(status, query) {
	$("tabs").replaceChildren(...TABS.map(([value, label]) => {
		const a = el("a", { href: "/agent" + (value && "?status=" + value), textContent: label });
		if (value === status && !query) a.setAttribute("aria-current", "page");
		return a;
	}));
	$("tabs").hidden = !staff();
}

function row(t, names) {
	const href = (staff() ? "/agent/tickets/" : "/requests/") + t.id;
	return el("tr", {}, el("td", { textContent: "#" + t.id }),
		el("td", {}, el("a", { href, dir: "auto", textContent: t.subject || "(no subject)" })),
		el("td", { dir: "auto", className: "asker", textContent: names.get(t.requester_id) || "" }),
		el("td", {}, el("span", { className: "status " + t.status, textContent: t.status === "hold" ? "on hold" : t.status })),
		el("td", { textContent: t.priority || "" }), el("td", {}, when(t.updated_at)));
}

// Each gives a function that fetches the next page: { rows, users, last }.
function allTickets() {
	let cursor = null;
	return async () => {
		const page = await call("GET", "/api/v2/tickets.json?include=users&page%5Bsize%5D=50&sort=-updated_at" +
			(cursor ? "&page%5Bafter%5D=" + encodeURIComponent(cursor) : ""));
		cursor = page.meta.after_cursor;
		return { rows: page.tickets, users: page.users || [], last: !page.meta.has_more };
	};
}

function foundTickets(q) {
	let n = 0;
	return async () => {
		const page = await call("GET", "/api/v2/search.json?per_page=50&page=" + ++n + "&sort_by=updated_at&sort_order=desc&query=" +
			encodeURIComponent("type:ticket " + q));
		const ids = [...new Set(page.results.map((t) => t.requester_id))];
		const users = ids.length ? (await call("GET", "/api/v2/users/show_many.json?ids=" + ids.join(","))).users : [];
		return { rows: page.results, users, last: !page.next_page };
	};
}

function ownRequests() {
	let n = 0;
	return async () => {
		const page = await call("GET", "/api/v2/requests.json?per_page=50&page=" + ++n + "&sort_by=updated_at&sort_order=desc");
		return { rows: page.requests, users: [], last: !page.next_page };
	};
}

function addRows(page) {
	const names = new Map(page.users.map((u) => [u.id, u.name]));
	$("tickets").tBodies[0].append(...page.rows.map((t) => row(t, names)));
	$("older").hidden = page.last;
}

async function list(status, query) {
	const mine = turn, next = !staff() ? ownRequests() : query ? foundTickets(query) : status ? foundTickets("status:" + status) : allTickets();
	const page = await next();
	if (mine !== turn) return;
	more = next;
	forget();
	$("list-title").textContent = query ? "Found" : staff() ? "Tickets" : "My requests";
	$("query").value = query;
	$("tickets").classList.toggle("own", !staff());
	addRows(page);
	const none = page.rows.length === 0;
	$("tickets").hidden = none;
	$("empty").hidden = !none;
	$("empty").textContent = query ? "Nothing found. Try fewer words, or a field such as status:open or requester:name." :
		status ? "No " + TABS.find((t) => t[0] === status)?.[1].toLowerCase() + " tickets." :
		staff() ? "No tickets here. They arrive by e-mail (ward mail deliver) and through the API (POST /api/v2/tickets.json)." :
		"You have not asked for anything yet.";
	tabs(status, query);
	show("page-list", $("list-title").textContent);
}

async function older() {
	const mine = turn, rows = $("tickets").rows, first = rows.length, page = await more();
	if (mine !== turn) return;
	addRows(page);
	rows[first]?.querySelector("a").focus();
}

/* ---- ticket ---- */

// Findings come as byte offsets of the UTF-8 text.
function marked(text, findings) {
	const bytes = new TextEncoder().encode(text), dec = new TextDecoder("utf-8", { ignoreBOM: true }), out = [];
	let at = 0;
	for (const f of [...findings].sort((a, b) => a.start - b.start)) {
		if (f.start < at || f.end > bytes.length) continue;
		out.push(dec.decode(bytes.slice(at, f.start)));
		const m = el("mark", { textContent: dec.decode(bytes.slice(f.start, f.end)), title: f.label + ", confidence " + f.score + " (" + f.rule + ")" });
		m.dataset.label = f.label;
		out.push(m);
		at = f.end;
	}
	out.push(dec.decode(bytes.slice(at)));
	return out;
}

async function talk(base) {
	const all = { comments: [], users: [] };
	for (let n = 1, next = true; next; n++) {
		const page = await call("GET", base + "/comments.json?include=users&per_page=100&page=" + n);
		all.comments.push(...page.comments);
		all.users.push(...(page.users || []));
		next = page.next_page;
	}
	return all;
}

// A direction mark in a file name hides what kind of file it is, so it is shown as a sign.
function attachment(a) {
	const name = a.file_name.replace(/[\u202a-\u202e\u2066-\u2069\u200e\u200f]/g, "\ufffd");
	return el("p", {}, el("a", { href: new URL(a.content_url).pathname, download: "" }, quoted(name)),
		" " + Math.ceil(a.size / 1024) + " KB");
}

function comment(c, names, findings) {
	const body = el("p", { className: "body", dir: "auto" }, ...marked(c.body, findings));
	body.dataset.comment = c.id;
	return el("li", { className: c.public ? "" : "note" }, el("p", { className: "by" }, quoted(names.get(c.author_id) || "Somebody"),
		(c.public ? "" : " (internal note)") + " · ", when(c.created_at)), body, ...(c.attachments || []).map(attachment));
}

async function open(id) {
	const mine = turn, base = (staff() ? "/api/v2/tickets/" : "/api/v2/requests/") + id;
	const [one, said, found] = await Promise.all([call("GET", base + ".json" + (staff() ? "?include=users" : "")), talk(base),
		staff() ? call("GET", "/api/ward/v1/tickets/" + id + "/findings") : { ticket: [], comments: [] }]);
	if (mine !== turn) return;
	const names = new Map([...said.users, ...(one.users || [])].map((u) => [u.id, u.name]));
	const of = new Map(found.comments.map((c) => [c.comment_id, c.findings.filter((f) => f.field === "body")]));
	forget();
	ticket = one.ticket || one.request;
	comments = said.comments;
	$("subject").replaceChildren("#" + ticket.id + " ", el("bdi", {}, ...marked(ticket.subject || "(no subject)",
		found.ticket.filter((f) => f.field === "subject"))));
	const from = names.get(ticket.requester_id), by = ticket.assignee_id && names.get(ticket.assignee_id);
	$("facts").replaceChildren(el("span", { className: "status " + ticket.status, textContent: ticket.status === "hold" ? "on hold" : ticket.status }),
		...(ticket.priority ? [" · " + ticket.priority] : []), ...(from ? [" · from ", quoted(from)] : []), ...(by ? [" · with ", quoted(by)] : []));
	$("conversation").replaceChildren(...comments.map((c) => comment(c, names, of.get(c.id) || [])));
	const count = document.querySelectorAll("#subject mark, #conversation mark").length;
	$("legend").hidden = count === 0;
	$("legend").textContent = count + (count === 1 ? " identifier was" : " identifiers were") + " found in this ticket and marked.";
	for (const part of ["kind", "redact", "status", "status-label"]) $(part).hidden = !staff();
	$("reply").hidden = ticket.status === "closed";
	$("closed").hidden = !$("reply").hidden;
	$("back").textContent = staff() ? "All tickets" : "My requests";
	$("back").href = home();
	if (draft && draft.ticket === ticket.id && draft.user === me.id) {
		$("text").value = draft.text;
		document.querySelector("input[value=" + draft.kind + "]").checked = true;
		draft = null;
	}
	show("page-ticket", "#" + ticket.id);
}

function kind() {
	return staff() ? document.querySelector("input[name=kind]:checked").value : "public";
}

async function send(anyway) {
	const text = $("text").value, isPublic = kind() === "public", status = $("status").value;
	const id = ticket.id, mine = turn;
	$("leaving").hidden = true;
	if (!text.trim() && !(staff() && status)) {
		say("Write something first.");
		$("text").focus();
		return;
	}
	if (text.trim() && staff() && isPublic && !anyway) {
		const found = (await call("POST", "/api/ward/v1/phi/scan", { text })).findings;
		if (found.length) {
			warn(text, found);
			return;
		}
	}
	if (staff()) {
		const t = {};
		if (text.trim()) t.comment = { body: text, public: isPublic };
		if (status) t.status = status;
		await call("PUT", "/api/v2/tickets/" + id + ".json", { ticket: t });
	} else
		await call("PUT", "/api/v2/requests/" + id + ".json", { request: { comment: { body: text } } });
	if (mine !== turn) return;
	$("text").value = "";
	await open(id);
	say(!text.trim() ? "Saved." : isPublic ? "Sent." : "Note added.");
}

function warn(text, found) {
	const go = el("button", { type: "button", textContent: "Send it all the same" });
	go.addEventListener("click", () => attempt(() => send(true)));
	const note = el("button", { type: "button", textContent: "Make it an internal note" });
	note.addEventListener("click", () => {
		document.querySelector("input[value=note]").checked = true;
		$("leaving").hidden = true;
		$("send").focus();
		say("It is an internal note now. Press Send to add it.");
	});
	$("leaving").replaceChildren(el("p", { textContent: "This public reply would carry " +
		(found.length === 1 ? "an identifier:" : found.length + " identifiers:") }),
		el("p", { className: "body", dir: "auto" }, ...marked(text, found)), el("div", { className: "bar" }, go, note));
	$("leaving").hidden = false;
	go.focus();
}

// What is selected inside one message, else nothing.
function selected() {
	const s = document.getSelection(), text = s.toString();
	const inside = (node) => (node instanceof Element ? node : node?.parentElement)?.closest("#conversation .body");
	return text.trim() && inside(s.anchorNode) && inside(s.anchorNode) === inside(s.focusNode) ? text : "";
}

function sure() {
	const text = $("what").value, n = text.trim() ? comments.reduce((k, c) => k + c.body.split(text).length - 1, 0) : 0;
	$("sure-text").textContent = !text.trim() ? "Select words in a message before you press Redact, or type here what must go." :
		n === 0 ? "No message of this ticket has this text." :
		"It stands in the messages of this ticket " + (n === 1 ? "once" : n + " times") + ". It will be replaced for good: in the " +
		"messages, in the subject, in the ticket's history and in the search index; mail that brought it is destroyed. This cannot be undone.";
	$("sure-yes").disabled = n === 0;
}

function redact() {
	$("what").value = selected();
	sure();
	$("sure").showModal();
}

// The server redacts one message at a time, so each that has the text is named.
async function redactNow() {
	const text = $("what").value, id = ticket.id, mine = turn;
	const has = comments.filter((c) => c.body.includes(text));
	$("sure").close();
	keepDraft();
	try {
		for (const c of has)
			await call("PUT", "/api/v2/tickets/" + id + "/comments/" + c.id + "/redact.json", { text });
	} catch (e) {
		if (e.status === 403) e.message = "Nothing was redacted: administrators may redact, agents only if the account's settings let them.";
		throw e;
	} finally {
		if (mine === turn) await open(id);
	}
	say("Redacted.");
}

/* ---- where we are ---- */

// One thing at a time: a second press while the first is under way does nothing.
let busy = false;
async function attempt(fn) {
	if (busy) return;
	busy = true;
	document.body.setAttribute("aria-busy", "true");
	await guarded(fn);
	busy = false;
	document.body.removeAttribute("aria-busy");
}

async function guarded(fn) {
	say("");
	try {
		await fn();
	} catch (e) {
		if (e instanceof Refused && e.status === 401) {
			const was = csrf;
			signedOut();
			say(was ? "You were signed out. Sign in again to go on." : "E-mail or password is wrong.");
		} else
			say(e.message);
	}
}

// Nothing of a ticket or list stays in the page behind what is shown.
function forget() {
	ticket = null;
	comments = [];
	for (const id of ["subject", "facts", "conversation", "leaving", "sure-text"]) $(id).replaceChildren();
	$("tickets").tBodies[0].replaceChildren();
	$("text").value = $("status").value = $("what").value = $("query").value = "";
	document.querySelector("input[value=public]").checked = true;
	$("leaving").hidden = $("older").hidden = true;
	if ($("sure").open) $("sure").close();
}

// What was typed outlives a session that ended, for the same person only.
function keepDraft() {
	if (ticket && $("text").value) draft = { ticket: ticket.id, user: me.id, text: $("text").value, kind: kind() };
}

function signedOut() {
	turn++;
	keepDraft();
	forget();
	csrf = me = more = null;
	$("find").hidden = $("leave").hidden = true;
	$("who").textContent = $("password").value = "";
	show("page-sign-in", "Sign in");
	$($("email").value ? "password" : "email").focus();
}

function route() {
	const m = location.pathname.match(/^\/(?:agent\/tickets|requests)\/(\d+)$/);
	turn++;
	if (m) return open(m[1]);
	const status = new URLSearchParams(location.search).get("status");
	return list(TABS.some((t) => t[0] === status) ? status : "", (history.state && history.state.query) || "");
}

// Words of a search stay out of the address: they may name a patient.
function go(href, query) {
	if (ticket && $("text").value && !confirm("Leave this ticket? The reply you began is not sent.")) return;
	history.pushState(query ? { query } : null, "", href);
	arrive();
}

function arrive() {
	guarded(async () => {
		if (!me) return start();
		try {
			await route();
		} catch (e) {
			forget();
			show(null);
			throw e;
		}
	});
}

async function start() {
	const user = (await call("GET", "/api/v2/users/me.json")).user;
	if (!user.id) {
		signedOut();
		return;
	}
	me = user;
	if (draft && draft.user !== me.id) draft = null;
	csrf = user.authenticity_token;
	$("who").textContent = user.name;
	$("leave").hidden = false;
	$("find").hidden = !staff();
	await route();
}

async function leave() {
	await call("DELETE", "/api/ward/v1/session");
	forget();
	draft = null;
	$("email").value = "";
	history.pushState(null, "", "/");
	signedOut();
}

let idle = 0;
function stir() {
	clearTimeout(idle);
	idle = setTimeout(async () => {
		if (!me) return;
		await call("DELETE", "/api/ward/v1/session").catch(() => null);
		signedOut();
		say("You were signed out because nothing happened for a while. Sign in again to go on.");
	}, IDLE_FOR);
}

document.addEventListener("DOMContentLoaded", () => {
	$("sign-in").addEventListener("submit", (e) => {
		e.preventDefault();
		attempt(async () => {
			csrf = null;
			await call("POST", "/api/ward/v1/session", { email: $("email").value, password: $("password").value });
			$("password").value = "";
			await start();
		});
	});
	$("leave").addEventListener("click", () => attempt(leave));
	$("find").addEventListener("submit", (e) => { e.preventDefault(); go("/agent", $("query").value.trim()); });
	$("older").addEventListener("click", () => attempt(older));
	$("reply").addEventListener("submit", (e) => { e.preventDefault(); attempt(() => send(false)); });
	$("text").addEventListener("input", () => { $("leaving").hidden = true; });
	$("kind").addEventListener("change", () => { $("leaving").hidden = true; });
	$("redact").addEventListener("click", redact);
	$("what").addEventListener("input", sure);
	$("sure-yes").addEventListener("click", () => attempt(redactNow));
	$("sure-no").addEventListener("click", () => $("sure").close());
	// A click on a mark selects it, ready for Redact.
	$("conversation").addEventListener("click", (e) => {
		if (e.target.matches("mark") && document.getSelection().isCollapsed) document.getSelection().selectAllChildren(e.target);
	});
	// The page's own addresses, unless the reader wants another tab.
	document.addEventListener("click", (e) => {
		const a = e.target.closest("a[href]");
		if (!a || e.button || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey || !/^\/(agent|requests)(\/|\?|$)/.test(a.getAttribute("href"))) return;
		e.preventDefault();
		go(a.classList.contains("brand") && me ? home() : a.getAttribute("href"));
	});
	for (const what of ["keydown", "pointerdown", "pointermove", "wheel"]) document.addEventListener(what, stir, { passive: true });
	window.addEventListener("beforeunload", (e) => { if (ticket && $("text").value) e.preventDefault(); });
	window.addEventListener("popstate", () => { keepDraft(); arrive(); });
	stir();
	guarded(start);
});
