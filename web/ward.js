// One page over the public API: sign in, read the list, read a ticket with its
// findings marked, reply, redact. Text from people is only ever set as text.
"use strict";

const $ = (id) => document.getElementById(id);
let csrf = null, me = null, ticket = null, comments = [], cursor = null, status = "";

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
	const head = { "Accept": "application/json" };
	if (body !== undefined) head["Content-Type"] = "application/json";
	if (csrf) head["X-CSRF-Token"] = csrf;
	let res;
	try {
		res = await fetch(path, { method, headers: head, credentials: "same-origin", body: body === undefined ? undefined : JSON.stringify(body) });
	} catch {
		throw new Refused("The server cannot be reached. Nothing was changed; try again.", 0);
	}
	const data = res.status === 204 ? null : await res.json().catch(() => null);
	if (!res.ok) throw new Refused(words(data, res.status, res.headers.get("X-Request-Id")), res.status);
	return data;
}

function show(page) {
	for (const id of ["page-sign-in", "page-list", "page-ticket"]) $(id).hidden = id !== page;
	$("main").focus({ preventScroll: true });
	window.scrollTo(0, 0);
}

function staff() {
	return me && me.role !== "end-user";
}

function when(iso) {
	const d = new Date(iso);
	return el("time", { dateTime: iso, title: d.toLocaleString() }, d.toLocaleDateString(undefined, { month: "short", day: "numeric" }) + " " +
		d.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" }));
}

/* ---- list ---- */

function tabs() {
	const list = [["", "All"], ["new", "New"], ["open", "Open"], ["pending", "Pending"], ["solved", "Solved"]];
	$("tabs").replaceChildren(...list.map(([value, label]) => {
		const a = el("a", { href: "/agent?status=" + value, textContent: label });
		if (value === status) a.setAttribute("aria-current", "page");
		a.addEventListener("click", (e) => { e.preventDefault(); status = value; go("/agent?status=" + value); });
		return a;
	}));
	$("tabs").hidden = !staff();
}

function row(t, names) {
	const href = (staff() ? "/agent/tickets/" : "/requests/") + t.id;
	const a = el("a", { href, textContent: t.subject || "(no subject)" });
	a.addEventListener("click", (e) => { if (!e.ctrlKey && !e.metaKey) { e.preventDefault(); go(href); } });
	return el("tr", {}, el("td", { textContent: "#" + t.id }), el("td", {}, a), el("td", { textContent: names.get(t.requester_id) || "" }),
		el("td", { textContent: t.status }), el("td", { textContent: t.priority || "" }), el("td", {}, when(t.updated_at)));
}

async function list(more, query) {
	let rows, users = [];
	if (!more) { cursor = null; $("tickets").tBodies[0].replaceChildren(); }
	$("list-title").textContent = query ? "Found" : staff() ? "Tickets" : "My requests";
	if (!staff()) {
		rows = (await call("GET", "/api/v2/requests.json?per_page=100&sort_by=updated_at&sort_order=desc")).requests;
		users = [me];
		$("older").hidden = true;
	} else if (query || status) {
		const q = "type:ticket " + (query || "") + (status ? " status:" + status : "");
		rows = (await call("GET", "/api/v2/search.json?per_page=100&query=" + encodeURIComponent(q))).results;
		const ids = [...new Set(rows.map((t) => t.requester_id))].slice(0, 100);
		if (ids.length) users = (await call("GET", "/api/v2/users/show_many.json?ids=" + ids.join(","))).users;
		$("older").hidden = true;
	} else {
		const page = await call("GET", "/api/v2/tickets.json?include=users&page%5Bsize%5D=50&sort=-updated_at" +
			(cursor ? "&page%5Bafter%5D=" + encodeURIComponent(cursor) : ""));
		rows = page.tickets;
		users = page.users || [];
		cursor = page.meta.after_cursor;
		$("older").hidden = !page.meta.has_more;
	}
	const names = new Map(users.map((u) => [u.id, u.name]));
	$("tickets").tBodies[0].append(...rows.map((t) => row(t, names)));
	const none = $("tickets").tBodies[0].rows.length === 0;
	$("tickets").hidden = none;
	$("empty").hidden = !none;
	$("empty").textContent = query ? "Nothing found. Try fewer words, or a field such as status:open or requester:name." :
		staff() ? "No tickets here. They arrive by e-mail (ward mail deliver) and through the API (POST /api/v2/tickets.json)." :
		"You have not asked for anything yet.";
	tabs();
	show("page-list");
}

/* ---- ticket ---- */

// Findings come as byte offsets of the UTF-8 text.
function marked(text, findings) {
	const bytes = new TextEncoder().encode(text), dec = new TextDecoder(), out = [];
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

async function open(id) {
	const base = staff() ? "/api/v2/tickets/" : "/api/v2/requests/";
	const one = await call("GET", base + id + ".json" + (staff() ? "?include=users" : ""));
	const talk = await call("GET", base + id + "/comments.json?include=users");
	const names = new Map([...(talk.users || []), ...(one.users || [])].map((u) => [u.id, u.name]));
	const found = staff() ? await call("GET", "/api/ward/v1/tickets/" + id + "/findings") : { ticket: [], comments: [] };
	const of = new Map(found.comments.map((c) => [c.comment_id, c.findings]));
	ticket = one.ticket || one.request;
	comments = talk.comments;
	$("subject").replaceChildren("#" + ticket.id + " ", ...marked(ticket.subject, found.ticket.filter((f) => f.field === "subject")));
	$("facts").textContent = [ticket.status, ticket.priority, names.get(ticket.requester_id) && "from " + names.get(ticket.requester_id),
		ticket.assignee_id && names.get(ticket.assignee_id) && "with " + names.get(ticket.assignee_id)].filter(Boolean).join(" · ");
	let count = found.ticket.length;
	$("conversation").replaceChildren(...comments.map((c) => {
		const f = (of.get(c.id) || []).filter((x) => x.field === "body");
		count += f.length;
		const body = el("p", { className: "body" }, ...marked(c.body, f));
		body.dataset.comment = c.id;
		const li = el("li", { className: c.public ? "" : "note" }, el("p", { className: "by" },
			(names.get(c.author_id) || "Somebody") + (c.public ? "" : " (internal note)") + " · ", when(c.created_at)), body);
		for (const a of c.attachments || []) {
			const path = new URL(a.content_url).pathname;
			li.append(el("p", {}, el("a", { href: path, textContent: a.file_name }), " " + Math.ceil(a.size / 1024) + " KB"));
		}
		return li;
	}));
	$("legend").hidden = count === 0;
	$("legend").textContent = count + (count === 1 ? " identifier was" : " identifiers were") + " found in this ticket and marked.";
	$("kind").hidden = $("redact").hidden = $("status").hidden = $("status-label").hidden = !staff();
	$("reply").hidden = ticket.status === "closed";
	$("text").value = "";
	$("leaving").hidden = true;
	show("page-ticket");
}

async function send(anyway) {
	const text = $("text").value, isPublic = !staff() || document.querySelector("input[name=kind]:checked").value === "public";
	if (staff() && isPublic && !anyway) {
		const found = (await call("POST", "/api/ward/v1/phi/scan", { text })).findings;
		if (found.length) {
			const kinds = [...new Set(found.map((f) => f.label))].join(", ");
			const go = el("button", { type: "button", textContent: "Send it all the same" });
			go.addEventListener("click", () => attempt(() => send(true)));
			const note = el("button", { type: "button", textContent: "Make it an internal note" });
			note.addEventListener("click", () => { document.querySelector("input[value=note]").checked = true; $("leaving").hidden = true; });
			$("leaving").replaceChildren("This public reply would carry " + found.length + " identifier(s): " + kinds + ". ", go, " ", note);
			$("leaving").hidden = false;
			return;
		}
	}
	if (staff()) {
		const t = { comment: { body: text, public: isPublic } };
		if ($("status").value) t.status = $("status").value;
		await call("PUT", "/api/v2/tickets/" + ticket.id + ".json", { ticket: t });
	} else
		await call("PUT", "/api/v2/requests/" + ticket.id + ".json", { request: { comment: { body: text } } });
	$("status").value = "";
	await open(ticket.id);
	say("Sent.");
}

function redact() {
	const s = document.getSelection(), text = s.toString();
	const body = s.anchorNode && s.anchorNode.parentElement && s.anchorNode.parentElement.closest(".body");
	if (!text.trim() || !body) {
		say("Select the words in a message first, then press Redact.");
		return;
	}
	const n = comments.reduce((k, c) => k + c.body.split(text).length - 1, 0);
	$("sure-text").textContent = "“" + text + "” stands in this ticket " + n + (n === 1 ? " time" : " times") +
		". It will be replaced for good, in every message of the ticket, in its history and in the search index; the mail that brought it is destroyed. This cannot be undone.";
	$("sure-yes").onclick = () => { $("sure").close(); attempt(async () => {
		await call("PUT", "/api/v2/tickets/" + ticket.id + "/comments/" + body.dataset.comment + "/redact.json", { text });
		await open(ticket.id);
		say("Redacted.");
	}); };
	$("sure-no").onclick = () => $("sure").close();
	$("sure").showModal();
}

/* ---- where we are ---- */

async function attempt(fn) {
	say("");
	try {
		await fn();
	} catch (e) {
		if (e instanceof Refused && e.status === 401) {
			me = null;
			signedOut();
			say(csrf ? "You were signed out. Sign in again to go on." : "E-mail or password is wrong.");
			csrf = null;
		} else
			say(e.message);
	}
}

function signedOut() {
	$("find").hidden = $("leave").hidden = true;
	$("who").textContent = "";
	show("page-sign-in");
	$("email").focus();
}

function route() {
	const m = location.pathname.match(/^\/(?:agent\/tickets|requests)\/(\d+)$/), p = new URLSearchParams(location.search);
	status = p.get("status") || "";
	return m ? open(m[1]) : list(false, p.get("q") || "");
}

function go(href) {
	history.pushState(null, "", href);
	attempt(route);
}

async function start() {
	const user = (await call("GET", "/api/v2/users/me.json")).user;
	if (!user.id) {
		signedOut();
		return;
	}
	me = user;
	csrf = user.authenticity_token;
	$("who").textContent = user.name;
	$("leave").hidden = false;
	$("find").hidden = !staff();
	await route();
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
	$("leave").addEventListener("click", () => attempt(async () => {
		await call("DELETE", "/api/ward/v1/session");
		csrf = me = null;
		history.pushState(null, "", "/");
		signedOut();
	}));
	$("find").addEventListener("submit", (e) => { e.preventDefault(); go("/agent?q=" + encodeURIComponent($("query").value)); });
	$("older").addEventListener("click", () => attempt(() => list(true)));
	$("back").addEventListener("click", (e) => { e.preventDefault(); go("/agent"); });
	$("reply").addEventListener("submit", (e) => { e.preventDefault(); attempt(() => send(false)); });
	$("text").addEventListener("input", () => { $("leaving").hidden = true; });
	$("redact").addEventListener("click", redact);
	window.addEventListener("popstate", () => attempt(route));
	attempt(start);
});
