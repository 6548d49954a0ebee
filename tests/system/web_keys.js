// Ten paths by keyboard alone. node web_keys.js FACTS.json (written by web_keys.py)
"use strict";
const assert = require("node:assert/strict"), fs = require("node:fs"), https = require("node:https"), path = require("node:path");
const { chromium } = require("playwright-core");
const { F, U, AXE, ARGS, totp } = require("./browser.js");

const WAIT = Number(process.env.WAIT || 20000) * F.slow;
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));

// An agent elsewhere answers by secure link.
const answer = (ticket, body) => new Promise((done, fail) => {
	const r = https.request({ host: "localhost", port: F.port, path: "/api/ward/v1/tickets/" + ticket + "/secure_links", method: "POST", ca: fs.readFileSync(F.cert), headers: { Authorization: "Bearer " + F.bearer, "Content-Type": "application/json" } }, (res) => {
		let text = "";
		res.on("data", (d) => { text += d; });
		res.on("end", () => res.statusCode === 201 ? done() : fail(new Error("the answer: " + res.statusCode + " " + text)));
	});
	r.on("error", fail);
	r.end(JSON.stringify({ secure_link: { comment: { body }, status: "pending" } }));
});

// In the page: what has the focus, whether it can be seen, whether what had it before looked otherwise while it had it.
function inspect(tabbed) {
	const e = document.activeElement, K = window.keysSeen = window.keysSeen || { last: null };
	const ring = (x) => { const s = getComputedStyle(x); return (s.outlineStyle === "none" || parseFloat(s.outlineWidth) === 0 ? "" : s.outline) + "/" + s.boxShadow; };
	const rings = (x) => { const out = []; for (let a = x, i = 0; a && a !== document.body && i < 4; a = a.parentElement, i++) out.push(ring(a)); return out.join(" "); };
	const words = (x) => x.tagName.toLowerCase() + (x.id ? "#" + x.id : "") + " " + (x.getAttribute("aria-label") || x.textContent || x.name || "").trim().slice(0, 40);
	const says = { body: e === document.body || !e, looks: [], wrong: [], at: "", box: null };
	const last = K.last;
	if (last && last.e !== e && last.e.isConnected && last.e.getClientRects().length && rings(last.e) === last.rings) says.looks.push("no sign of the focus on " + words(last.e));
	if (says.body) { K.last = null; return says; }
	says.at = words(e);
	// Visible: of some points of it, one is its own.
	const seen = (x, y) => { const h = document.elementFromPoint(x, y); return !!h && (h === e || e.contains(h) || (e.labels && [...e.labels].some((l) => l.contains(h)))); };
	const can = [...e.getClientRects()].some((r) => { for (const fx of [0.5, 0.06, 0.94]) for (const fy of [0.5, 0.1, 0.9]) {
		const l = Math.max(r.left, 0), t = Math.max(r.top, 0), w = Math.min(r.right, innerWidth) - l, h = Math.min(r.bottom, innerHeight) - t;
		if (w > 0 && h > 0 && seen(l + w * fx, t + h * fy)) return true;
	} return false; });
	if (!can) says.wrong.push("not to be seen: " + says.at + " " + JSON.stringify(e.getBoundingClientRect()));
	if (e.tabIndex > 0) says.wrong.push("a place of its own in the order: " + says.at);
	const box = [...document.querySelectorAll("dialog[open]")].pop();
	if (box && !box.contains(e)) says.wrong.push("outside of the dialog: " + says.at);
	// Down the page, as one reads: nothing wholly above what was left, in the same part and column.
	const part = (x) => x.closest("dialog, form, nav, header, aside, li, section");
	if (tabbed && last && last.e.isConnected && part(last.e) === part(e) && last.e.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING) {
		const a = last.e.getBoundingClientRect(), b = e.getBoundingClientRect();
		if (b.bottom <= a.top - 4 && b.left < a.right && b.right > a.left) says.looks.push("up the page from " + words(last.e) + " to " + says.at);
	}
	says.box = box ? box.getAttribute("aria-label") : null;
	K.last = { e, rings: rings(e) };
	return says;
}

async function main() {
	const browser = await chromium.launch({ executablePath: F.chromium, headless: true, args: ARGS });
	const complaints = [], foreign = [];
	let paths = 0, stops = 0, states = 0;

	// Somebody at a keyboard.
	const seat = async () => {
		const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: "en-US", reducedMotion: "reduce" });
		const page = await context.newPage(), cdp = await context.newCDPSession(page);
		page.setDefaultTimeout(WAIT);
		page.on("console", (m) => { if (!/status of (400|401|40[349]|422)/.test(m.text()) && m.type() !== "info" && m.type() !== "debug") complaints.push(m.type() + ": " + m.text()); });
		page.on("pageerror", (e) => complaints.push(String(e)));
		page.on("request", (r) => { if (!r.url().startsWith(U + "/") && !/^(blob:|data:)/.test(r.url())) foreign.push(r.url()); });
		page.on("dialog", (d) => d.accept());
		// What is asked for and not yet here; the stream of events never ends.
		const asked = new Set();
		page.on("request", (r) => { if (!/\/stream|\/events\/?(\?|$)/.test(r.url())) asked.add(r); });
		for (const over of ["requestfinished", "requestfailed"]) page.on(over, (r) => asked.delete(r));
		const quiet = async () => { for (const end = Date.now() + WAIT; asked.size && Date.now() < end; ) await sleep(20); await sleep(50); };

		const named = async () => {
			const { result } = await cdp.send("Runtime.evaluate", { expression: "document.activeElement" });
			const { nodes } = await cdp.send("Accessibility.getPartialAXTree", { objectId: result.objectId, fetchRelatives: false }).catch(() => ({ nodes: [] }));
			await cdp.send("Runtime.releaseObject", { objectId: result.objectId }).catch(() => undefined);
			const n = nodes[0] || {};
			return { role: n.role ? n.role.value : "", name: n.name ? String(n.name.value).trim() : "" };
		};
		// Where the focus is, each time it may have moved; what is just coming or going is looked at again.
		const stop = async (tabbed) => {
			const odd = [];
			for (const end = Date.now() + 4000 * F.slow; ; await sleep(40)) {
				const s = await page.evaluate(inspect, tabbed).catch((e) => { if (/context was destroyed|navigation/i.test(String(e))) return { body: true, looks: [], wrong: [], at: "another page" }; throw e; });
				odd.push(...s.looks);
				assert.deepEqual(odd, [], "at " + s.at);
				const n = s.body ? { role: "", name: "" } : await named();
				const wrong = s.body ? (tabbed ? [] : ["the focus is lost"]) : [...s.wrong,
					...(!n.role || /^(none|generic|ignored)$/i.test(n.role) ? ["on something without a role: " + s.at] : !n.name && n.role !== "main" ? ["on something without a name: " + s.at + " (" + n.role + ")"] : [])];
				if (!wrong.length) {
					stops += s.body ? 0 : 1;
					return { ...n, ...s };
				}
				if (Date.now() > end) assert.deepEqual(wrong, [], "at " + s.at);
			}
		};
		const press = async (...keys) => {
			let at;
			for (const k of keys) {
				await page.keyboard.press(k);
				at = await stop(/^(Shift\+)?Tab$/.test(k));
			}
			return at;
		};
		// A key that leads to another page, which begins at its beginning.
		const leave = async (key, where) => {
			await Promise.all([page.waitForURL(where), page.keyboard.press(key)]);
			await page.waitForLoadState();
		};
		const is = (at, role, name) => !at.body && (!role || at.role === role) && (name instanceof RegExp ? name.test(at.name) : at.name === name);
		const to = async (role, name, { back = false, most = 70 } = {}) => {
			const passed = [];
			for (let i = 0; i < most; i++) {
				const at = await press(back ? "Shift+Tab" : "Tab");
				if (is(at, role, name)) return at;
				passed.push(at.role + " " + at.name.slice(0, 30));
			}
			throw new Error("the keyboard does not reach " + role + " " + name + ": " + passed.slice(-Number(process.env.PASSED || 12)).join(" > "));
		};
		const back = (role, name, o) => to(role, name, { ...o, back: true });
		const at = async (role, name) => {
			for (const end = Date.now() + 8000 * F.slow; ; await sleep(50)) {
				const s = await stop(false);
				if (is(s, role, name)) return s;
				if (Date.now() > end) throw new Error("the focus is not on " + role + " " + name + " but on " + s.role + " " + s.name);
			}
		};
		const type = async (text) => {
			assert.ok(await page.evaluate(() => { const e = document.activeElement; return e.isContentEditable || (/^(INPUT|TEXTAREA)$/.test(e.tagName) && !e.readOnly); }), "one can type here");
			await page.keyboard.type(text);
			await stop(false);
		};
		const fill = async (role, name, text, o) => { await to(role, name, o); await page.keyboard.press("Control+a"); await type(text); };
		const seen = (s) => page.waitForSelector(s);
		const heading = (words) => page.waitForFunction((w) => [...document.querySelectorAll("h1")].some((h) => h.textContent.includes(w)), words);
		// Said where it is heard: in a live region, in the dialog when one is open.
		const says = (words) => page.waitForFunction((w) => {
			const box = [...document.querySelectorAll("dialog[open]")].pop() || document;
			return [...box.querySelectorAll("[role=status], [role=alert], [aria-live=polite], [aria-live=assertive]")].some((e) => e.textContent.includes(w));
		}, words);
		// With arrows, as far as the option; a list that acts does so on Enter.
		const choose = async (option, enter) => {
			const list = () => page.evaluate(() => { const s = document.activeElement; return { is: s.tagName, at: s.selectedIndex, all: [...s.options].map((o) => o.text) }; });
			const l = await list(), want = l.all.findIndex((o) => o === option);
			assert.equal(l.is, "SELECT");
			assert.ok(want >= 0, option + " is not among " + l.all.join(", "));
			for (let i = l.at; i !== want; i += want > i ? 1 : -1) await page.keyboard.press(want > i ? "ArrowDown" : "ArrowUp");
			await page.waitForFunction((o) => document.activeElement.selectedOptions[0].text === o, option);
			if (enter) await press("Enter");
			else await stop(false);
		};
		const dialog = async (name) => { await page.waitForFunction(() => !!document.querySelector("dialog[open]")); const s = await stop(false); assert.match(s.box || "", name); return s; };
		const shut = () => page.waitForFunction(() => !document.querySelector("dialog[open]"));
		// What is open just now, narrow, light and dark.
		const state = async (name) => {
			const held = await page.evaluateHandle(() => document.activeElement);
			await page.setViewportSize({ width: 320, height: 720 });
			for (const colorScheme of ["light", "dark"]) {
				await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
				await page.waitForTimeout(50);
				assert.deepEqual(await page.evaluate(() => [document.documentElement, document.getElementById("main"), ...document.querySelectorAll("dialog[open]")].filter((e) => e && e.scrollWidth > e.clientWidth)
					.flatMap((e) => [...e.querySelectorAll("*")].filter((x) => x.getBoundingClientRect().right > e.getBoundingClientRect().left + e.clientWidth && !x.closest(".scroll, .sr")).map((x) => x.outerHTML.slice(0, 90)).slice(0, 3))), [], name + ": nothing runs out of the page");
				if (!await page.evaluate(() => !!window.axe)) await cdp.send("Runtime.evaluate", { expression: AXE + ";0" });
				const r = await page.evaluate((runOnly) => window.axe.run(document, { runOnly, resultTypes: ["violations"] }), RULES);
				assert.deepEqual(r.violations.map((v) => v.id + ": " + v.nodes.map((x) => x.target.join(" ") + " " + (x.failureSummary || "").split("\n")[1]).slice(0, 4).join(" | ")), [], name + " is accessible, " + colorScheme);
				if (F.shots) await page.screenshot({ path: path.join(F.shots, "keys-" + name + (colorScheme === "dark" ? "-dark" : "") + ".png") });
			}
			await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
			await page.setViewportSize({ width: 1440, height: 900 });
			await page.waitForTimeout(50);
			assert.ok(await held.evaluate((e) => document.activeElement === e), name + ": the focus stays");
			if (F.shots) await page.screenshot({ path: path.join(F.shots, "keys-" + name + "-1440.png") });
			states++;
		};
		// In, on a page that says which it is.
		const arrived = async () => { await page.waitForFunction(() => [...document.querySelectorAll(".shell main h1")].some((h) => h.textContent.trim())); await quiet(); await at("heading", /./); };
		const signIn = async (who, code) => {
			await seen("#sign-in");
			await fill("textbox", "E-mail", who.email);
			await fill("textbox", "Password", who.password);
			if (who.codes || code) {
				await page.keyboard.press("Enter");
				await seen("input[name=code]");
				await at("textbox", /Code/);
				await type(code || who.codes.pop());
			}
			await page.keyboard.press("Enter");
		};
		const goTo = async (words) => {
			await page.keyboard.press("Control+k");
			await dialog(/Go to or do/);
			await type(words);
			await page.keyboard.press("Enter");
			await shut();
		};
		// A page of the admin centre, by the palette and its list of pages.
		const admin = async (page_, h) => {
			await goTo("Admin");
			await seen(".office nav.side a");
			await to("link", page_, { most: 60 });
			await page.keyboard.press("Enter");
			await heading(h || page_);
			await quiet();
			await stop(false);
		};
		const signOut = async () => { await back("button", "Sign out", { most: 90 }); await page.keyboard.press("Enter"); await seen("#sign-in"); await stop(false); };
		return { context, page, press, leave, to, back, at, type, fill, seen, heading, arrived, says, choose, dialog, shut, state, signIn, signOut, goTo, admin, stop, text: (s) => page.textContent(s) };
	};
	const go = async (what, k, fn) => {
		const began = Date.now(), before = stops;
		try {
			await fn();
		} catch (e) {
			console.log("FAIL", what, "at", k.page.url(), complaints, (await k.page.textContent("#notice").catch(() => "")) || "");
			if (F.shots) for (const [i, c] of browser.contexts().entries()) await c.pages()[0].screenshot({ path: path.join(F.shots, "keys-failed-" + i + ".png") }).catch(() => undefined);
			throw e;
		}
		paths++;
		console.log("ok", what, stops - before, "stops", Date.now() - began, "ms");
	};

	const boss = await seat();
	await go("1: the first run", boss, async () => {
		const { page, press, to, back, at, type, fill, seen, heading, arrived, says, dialog, shut, state, stop } = boss;
		await page.goto(U + "/");
		await seen("#sign-in");
		await fill("textbox", "E-mail", F.admin.email);
		await fill("textbox", "Password", "nonsense");
		await press("Enter");
		await says("wrong");
		await state("sign-in-wrong");
		await page.keyboard.press("Control+a");
		await type(F.admin.password);
		await page.keyboard.press("Enter");
		await heading("second factor");
		await stop(false);
		await to("DisclosureTriangle", /type/i);
		await press("Enter");
		await seen("#totp-secret");
		const secret = (await boss.text("#totp-secret")).replace(/\s/g, "");
		await fill("textbox", /digits/, "000000");
		await press("Enter");
		await says("wrong");
		await state("factor-wrong");
		await page.keyboard.press("Control+a");
		await type(totp(secret));
		await page.keyboard.press("Enter");
		await seen("#recovery");
		await stop(false);
		F.admin.codes = await page.$$eval("#recovery li", (all) => all.map((l) => l.textContent));
		await to("checkbox", /./);
		await press("Space");
		await state("recovery-codes");
		await to("button", "Go to the desk");
		await page.keyboard.press("Enter");
		await heading("To a safe desk");
		await at("heading", /To a safe desk/);
		// The guide: the key's copy is proven, one step put off, the policy chosen, a colleague invited.
		await fill("textbox", /digits/, "0123456789abcdef");
		await press("Enter");
		await says("not that of the key in use");
		await state("guide-wrong");
		await page.keyboard.press("Control+a");
		await type(F.print.slice(0, 16));
		await press("Enter");
		await page.waitForSelector("#step-backup[data-state=done]");
		await says("Saved.");
		await stop(false);
		await to("button", "Send a test to me");
		await press("Enter");
		await page.waitForSelector("#step-mail[data-state=done]");
		await stop(false);
		await to("button", "Invite somebody");
		await press("Enter");
		await dialog(/Invite/);
		await press("Escape");
		await shut();
		await at("button", "Invite somebody");
		await to("button", /Keep what is in force/);
		await press("Enter");
		await page.waitForSelector("#step-policy[data-state=done]");
		await says("Saved.");
		await stop(false);
		await press("?");
		await dialog(/Keys/);
		await state("cheat-sheet");
		await press("Escape");
		await shut();
		await stop(false);
	});

	await go("2: a ticket that holds PHI is answered", boss, async () => {
		const { page, press, to, at, type, fill, seen, heading, arrived, says, choose, state, signIn, signOut, stop } = boss;
		await signOut();
		await signIn(F.mara);
		await arrived();
		await to("link", /Skip/, { back: true });
		await press("Enter");
		await press("/");
		await at("combobox", /Search/);
		await type("ref");
		await press("Escape");
		await page.keyboard.press("Control+a");
		await type("refill friday");
		await page.keyboard.press("Enter");
		await heading("found");
		await stop(false);
		await to("link", /Refill before Friday/);
		await page.keyboard.press("Enter");
		await seen("#conversation mark");
		await at("heading", /Refill/);
		// Why a mark is there: on focus, away with Escape, again when one comes back.
		await to("button", /00482913: Record number/);
		const told = () => page.evaluate(() => getComputedStyle(document.activeElement, "::after").content);
		assert.match(await told(), /confidence/);
		await state("mark-told");
		await press("Escape");
		await at("button", /00482913/);
		assert.doesNotMatch(await told(), /confidence/);
		await press("Tab", "Shift+Tab");
		assert.match(await told(), /confidence/);
		await press("r");
		await at("textbox", "Public reply");
		await type("We will call you at (312) 555-0148.");
		await says("would carry 1 identifier");
		await press("Control+Enter");
		await seen("#leaving");
		await state("leaving");
		await to("button", "Send by secure link…");
		await press("Enter");
		await seen("#secure");
		await to("combobox", "Proof");
		await choose("date of birth");
		await state("secure-link");
		await to("button", "Mask them", { back: true });
		await press("Enter");
		await at("textbox", "Public reply");
		assert.equal(await boss.text("#text"), "We will call you at [PHONE].");
		await press("Control+Enter");
		await says("Sent.");
		await stop(false);
		await state("sent");
		await page.keyboard.press("Escape");
		// A note, sent by its button; a property is taken on Enter, not while one passes over others.
		await to("radio", "Public reply", { back: true });
		await press("ArrowRight");
		await at("radio", "Internal note");
		await to("textbox", "Internal note");
		await type("Asked the pharmacy.");
		await to("button", "Add note");
		await press("Enter");
		await says("Note added.");
		await stop(false);
		await to("combobox", "Priority", { back: true, most: 90 });
		await page.keyboard.press("ArrowUp");
		await page.keyboard.press("ArrowUp");
		await sleep(300);
		const priority = () => page.evaluate((id) => fetch("/api/v2/tickets/" + id + ".json").then((r) => r.json()).then((r) => r.ticket.priority), F.first);
		assert.equal(await priority(), "high");
		await choose("Urgent", true);
		await says("Saved.");
		assert.equal(await priority(), "urgent");
		await page.keyboard.press("Tab");
		await page.keyboard.press("Escape");
		await to("link", /Skip/, { back: true, most: 40 });
		await press("Enter");
		await press("z");
		await page.waitForFunction((id) => fetch("/api/v2/tickets/" + id + ".json").then((r) => r.json()).then((r) => r.ticket.priority === "high"), F.first, { polling: 300 });
		await signOut();
	});

	await go("3: a span is redacted", boss, async () => {
		const { page, press, to, at, seen, heading, arrived, says, dialog, shut, state, signIn, goTo, stop } = boss;
		await signIn(F.admin);
		await arrived();
		await goTo(String(F.first));
		await seen("#conversation mark");
		await at("heading", /Refill/);
		await to("button", /00482913: Record number/);
		await press("Enter");
		await dialog(/Redact/);
		await at("textbox", /./);
		assert.equal(await page.inputValue("#what"), "00482913");
		await state("redact");
		await press("Escape");
		await shut();
		await at("button", /00482913: Record number/);
		await press("Space");
		await dialog(/Redact/);
		await to("button", /Redact/);
		await press("Enter");
		await says("Redacted.");
		await shut();
		await page.waitForFunction(() => !document.getElementById("conversation").textContent.includes("00482913"));
		await sleep(300);
		await stop(false);
	});

	const masked = await seat();
	await go("4: a masked agent unmasks with a purpose", masked, async () => {
		const { page, press, to, at, type, seen, heading, arrived, says, dialog, shut, state, signIn, goTo, stop } = masked;
		await page.goto(U + "/");
		await signIn(F.ines);
		await arrived();
		await goTo(String(F.first));
		await seen("#masked");
		await to("button", "Show with a purpose");
		await press("Enter");
		await dialog(/Show with a purpose/);
		await press("Escape");
		await shut();
		await at("button", "Show with a purpose");
		await press("Enter");
		await at("textbox", /./);
		await type("x");
		await press("Enter");
		await page.waitForSelector("dialog[open] [role=alert]");
		await state("unmask-wrong");
		await page.keyboard.press("Control+a");
		await type("The patient is on the phone and asks for the date.");
		await press("Enter");
		await shut();
		await page.waitForFunction(() => document.getElementById("conversation").textContent.includes("03/14/1968"));
		await says("You see it in clear");
		await at("button", "Mask again");
		await press("Enter");
		await page.waitForFunction(() => !document.getElementById("conversation").textContent.includes("03/14/1968"));
		await at("button", "Show with a purpose");
		await says("masked for you");
	});

	const newcomer = await seat();
	await go("5: a second factor is set up, and asked for", newcomer, async () => {
		const { page, press, to, back, at, type, fill, seen, heading, arrived, says, signIn, signOut, stop } = newcomer;
		await page.goto(U + "/");
		await signIn(F.fresh);
		await heading("second factor");
		await stop(false);
		await to("DisclosureTriangle", /type/i);
		await press("Space");
		const secret = (await newcomer.text("#totp-secret")).replace(/\s/g, ""), used = totp(secret);
		await fill("textbox", /digits/, used);
		await press("Enter");
		await seen("#recovery");
		await to("checkbox", /./);
		await press("Space");
		await to("button", "Go to the desk");
		await page.keyboard.press("Enter");
		await arrived();
		await signOut();
		await signIn(F.fresh, used);
		await says("used already");
		await at("textbox", /Code/);
		await page.keyboard.press("Control+a");
		await type(totp(secret, 1));
		await page.keyboard.press("Enter");
		await arrived();
	});

	const limited = await seat();
	await go("6: a change of role takes effect at once", boss, async () => {
		const { page, press, to, at, type, fill, says, choose, dialog, shut, state, admin, stop } = boss;
		const other = limited;
		await other.page.goto(U + "/");
		await other.signIn(F.paul);
		await other.arrived();
		await other.goTo(String(F.first));
		await other.seen("#conversation mark");
		await admin("Roles");
		await to("button", "New", { most: 20 });
		await press("Enter");
		await dialog(/role/i);
		await at("textbox", "Name");
		await type("Night watch");
		await to("combobox", "Which tickets");
		await choose("assigned only");
		await state("role-editor");
		await to("button", "Save");
		await press("Enter");
		await shut();
		await says("Saved.");
		await page.waitForSelector("td:has-text('Night watch')");
		await at("button", "New");
		await to("button", /people: Night watch/, { most: 20 });
		await press("Enter");
		await dialog(/Night watch/);
		await to("combobox", /./, { most: 6 });
		await type("paul@clinic.example");
		await page.waitForFunction(() => [...document.querySelectorAll("dialog[open] button[type=submit]")].some((b) => !b.disabled));
		await to("button", "Give", { most: 4 });
		await press("Enter");
		await shut();
		await says("Saved.");
		await stop(false);
		await other.goTo("a chair");
		await other.heading("0 ");
		await other.goTo(String(F.chair));
		await other.says("not yours to see");
		await other.stop(false);
	});

	await go("7: a trigger is built and tried", boss, async () => {
		const { page, press, to, at, type, fill, says, choose, dialog, shut, state, admin } = boss;
		await admin("Triggers");
		await to("button", "New", { most: 20 });
		await press("Enter");
		await dialog(/New/);
		await at("textbox", "Title");
		await type("Chairs to the carpenter");
		await to("button", "Add condition");
		await press("Enter");
		await at("combobox", "Condition 1");
		await choose("Subject text");
		await to("combobox", "Comparison 1");
		await choose("Contains at least one of the following");
		await fill("textbox", "Value 1", "chair");
		await to("button", "Add action");
		await press("Enter");
		await at("combobox", "Action 1");
		await choose("Add tags");
		await fill("textbox", "Value 1", "carpenter");
		await fill("textbox", "Ticket number", String(F.chair));
		await to("button", "Try");
		await press("Enter");
		await says("would");
		await state("trigger");
		await to("button", "Save");
		await press("Enter");
		await shut();
		await says("Saved.");
		await page.waitForSelector("td:has-text('Chairs to the carpenter')");
		await at("button", "New");
	});

	await go("8: a bulk scan to a redaction", boss, async () => {
		const { page, press, to, at, type, says, dialog, shut, state, admin, stop } = boss;
		await admin("Bulk scan");
		await to("button", "Start a scan", { most: 20 });
		await press("Enter");
		await says("scan");
		await page.waitForSelector("figure canvas");
		await stop(false);
		await to("button", "Redact what was found…", { most: 20 });
		await press("Enter");
		await dialog(/Redact/);
		await to("checkbox", "Phone", { most: 20 });
		await press("Space");
		await to("button", "Preview");
		await press("Enter");
		await says("go for good");
		const n = (await boss.text("dialog[open] .leaving")).match(/in (\d+) tickets/)[1];
		await to("textbox", /Type/);
		await type(n);
		await state("scan-redaction");
		await to("button", /Redact/);
		await press("Enter");
		await shut();
		await says("The redaction has begun.");
		await page.waitForSelector("td:has-text('Bulk redaction')");
		await stop(false);
	});

	await go("9: the trail is verified", boss, async () => {
		const { page, press, to, at, says, state, admin } = boss;
		await admin("Trail");
		await to("button", "Verify now", { most: 20 });
		await press("Enter");
		await says("as they were written");
		await at("button", "Verify now");
		await to("button", /Details of event/, { most: 40 });
		await press("Enter");
		await page.waitForSelector("tr .facts");
		await state("trail-open");
		await press("Enter");
		await page.waitForSelector("tr .facts", { state: "detached" });
	});

	const patient = await seat();
	await go("10: a patient asks, reads by a secure link, replies", patient, async () => {
		const { page, press, leave, to, at, type, fill, seen, says, state, stop } = patient;
		const count = () => fs.readdirSync(F.box).filter((n) => n.endsWith(".txt")).length;
		const mail = async (want, after) => {
			for (const end = Date.now() + WAIT; Date.now() < end; await sleep(100)) {
				const all = fs.readdirSync(F.box).filter((n) => n.endsWith(".txt")).sort();
				for (let i = all.length - 1; i >= after; i--) {
					const m = fs.readFileSync(path.join(F.box, all[i]), "utf8").match(want);
					if (m) return m;
				}
			}
			throw new Error("no mail with " + want);
		};
		await page.goto(U + "/help");
		await press("Tab");
		await at("link", /Skip/);
		await to("link", "Sign in", { most: 8 });
		await leave("Enter", /sign-in$/);
		await fill("textbox", /mail/, "nadia@patients.example");
		const before = count();
		await page.keyboard.press("Enter");
		await seen(".code strong");
		const code = await patient.text(".code strong");
		await page.goto(U + (await mail(/\/help\/link\/[\w-]+/, before))[0]);
		await fill("textbox", /code/, code === "000000" ? "111111" : "000000");
		await page.keyboard.press("Enter");
		await says("wrong");
		await state("link-wrong");
		await page.goto(U + "/help/sign-in");
		await fill("textbox", /mail/, "nadia@patients.example");
		const again = count();
		await page.keyboard.press("Enter");
		await seen(".code strong");
		const second = await patient.text(".code strong");
		await page.goto(U + (await mail(/\/help\/link\/[\w-]+/, again))[0]);
		await fill("textbox", /code/, second);
		await leave("Enter", /\/help$/);
		await to("link", "Ask for help", { most: 14 });
		await leave("Enter", /ask/);
		await fill("textbox", "Subject", "A form for school, MRN 00482913", { most: 14 });
		await says("Subject");
		await state("ask-live");
		await fill("textbox", "Message", "May I have the form for school sports?");
		await to("button", "Send");
		await page.keyboard.press("Enter");
		await page.waitForSelector("#phi input[name=sure]");
		await state("ask-warned");
		await fill("textbox", "Subject", "A form for school", { most: 20 });
		await to("button", "Send");
		await leave("Enter", /requests\/\d+/);
		await says("We have your request");
		await state("asked");
		const id = Number(page.url().match(/requests\/(\d+)/)[1]);
		// The answer, as an agent writes it; it comes as a link.
		const sent = count();
		await answer(id, "Your result is normal: potassium 4.1.");
		await page.goto(U + (await mail(/\/help\/secure\/[\w-]+/, sent))[0]);
		await to("button", "Send me a code", { most: 14 });
		const asked = count();
		await page.keyboard.press("Enter");
		await seen("#answer");
		const proof = (await mail(/secure message is (\d{6})/, asked))[1];
		await fill("textbox", /code/, proof === "000000" ? "111111" : "000000", { most: 20 });
		await page.keyboard.press("Enter");
		await says("That was not it");
		await state("secure-wrong");
		await fill("textbox", /code/, proof, { most: 20 });
		await page.keyboard.press("Enter");
		await seen("text=potassium 4.1");
		await fill("textbox", "Your reply", "Thank you, read it.", { most: 20 });
		await to("button", "Send");
		await leave("Enter", /replied/);
		await says("Your reply was sent.");
		await state("secure-replied");
		await to("button", "Close this message", { most: 20 });
		await page.keyboard.press("Enter");
		await page.waitForURL(/\/help$/);
		// And among their requests.
		await to("link", "A form for school", { most: 20 });
		await leave("Enter", /requests\/\d+/);
		await fill("textbox", "Your reply", "One more thing.", { most: 20 });
		await to("button", "Send");
		await leave("Enter", /requests\/\d+\?/);
		await says("Your reply was sent.");
	});

	assert.deepEqual(complaints, []);
	assert.deepEqual(foreign, []);
	await browser.close();
	console.log(paths + " paths, " + stops + " stops of the focus, " + states + " states looked at");
}

main().catch((e) => { console.error(e); process.exit(1); });
