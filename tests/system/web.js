// The desk in a browser, as people use it. node web.js FACTS.json (written by web.py)
"use strict";
const assert = require("node:assert/strict");
const crypto = require("node:crypto"), fs = require("node:fs"), path = require("node:path");
const { chromium } = require("playwright-core");

const F = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const U = "https://localhost:" + F.port;
const AXE = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

// Only this desk's certificate is trusted, by its key.
const spki = crypto.createHash("sha256").update(new crypto.X509Certificate(fs.readFileSync(F.cert)).publicKey.export({ type: "spki", format: "der" })).digest("base64");

function totp(secret, step = 0) {
	const bits = [...secret.replace(/\s/g, "")].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
	const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
	const at = Buffer.alloc(8);
	at.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000) + step));
	const d = crypto.createHmac("sha1", key).update(at).digest(), o = d[19] & 15;
	return String((d.readUInt32BE(o) & 0x7fffffff) % 1000000).padStart(6, "0");
}

async function main() {
	const context = await chromium.launchPersistentContext(path.join(F.folder, "profile"), { executablePath: F.chromium, headless: true, bypassCSP: false,
		viewport: { width: 1440, height: 900 }, locale: "en-US", args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
			"--disable-background-networking", "--disable-component-update", "--disable-sync", "--ignore-certificate-errors-spki-list=" + spki] });
	const page = context.pages()[0] || await context.newPage();
	const complaints = [], foreign = [], shots = F.shots;
	let n = 0, refused = 0, denied = 0;
	page.setDefaultTimeout(30000);
	// The browser itself notes each 401 in the console; those we ask for are counted, all else is a fault.
	page.on("console", (m) => { if (/status of 401/.test(m.text())) refused++; else if (/status of (40[34]|422)/.test(m.text())) denied++; else if (m.type() !== "info" && m.type() !== "debug") complaints.push(m.type() + ": " + m.text()); });
	page.on("pageerror", (e) => complaints.push(String(e)));
	page.on("request", (r) => { if (!/^(blob:|data:)/.test(r.url()) && !r.url().startsWith(U + "/")) foreign.push(r.url()); });
	page.on("dialog", (d) => d.accept());

	const step = async (what, fn) => {
		const began = Date.now();
		try {
			await fn();
		} catch (e) {
			console.log("FAIL", what, "at", page.url(), "- the page says:", await page.textContent("#notice").catch(() => "?"), complaints);
			if (shots) await page.screenshot({ path: path.join(shots, "failed.png") }).catch(() => undefined);
			throw e;
		}
		n++;
		console.log("ok", what, Date.now() - began, "ms");
	};
	const text = (s) => page.textContent(s);
	const seen = (s) => page.waitForSelector(s);
	const notice = (words) => page.waitForFunction((w) => document.getElementById("notice").textContent.includes(w), words);
	const heading = (words) => page.waitForFunction((w) => [...document.querySelectorAll("h1")].some((h) => h.textContent.includes(w)), words);
	const rows = () => page.$$eval("#tickets tbody tr", (r) => r.length);
	const signIn = async (who, code) => {
		await seen("#sign-in");
		await page.fill("input[name=email]", who.email);
		await page.fill("input[name=password]", who.password);
		await page.press("input[name=password]", "Enter");
		if (who.secret) {
			await seen("input[name=code]");
			await page.fill("input[name=code]", code || who.codes.pop());      // a recovery code each time: a time's code works once
			await page.press("input[name=code]", "Enter");
		}
		await seen(".shell");
	};
	const signOut = async () => { await page.click("#leave"); await seen("#sign-in"); };
	const search = async (words) => { await page.fill("#query", words); await page.press("#query", "Enter"); await heading("found"); };
	const wide = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

	// Every page: nothing runs out of it at four widths, no violation of WCAG 2.2 AA, a picture for people to look at.
	const looked = new Set();
	const look = async (name, dark) => {
		for (const width of [1440, 768, 390, 320]) {
			await page.setViewportSize({ width, height: 900 });
			await page.waitForTimeout(60);
			assert.ok(await wide() <= 0, name + ": nothing runs out of the page at " + width);
			if (shots && width !== 320) await page.screenshot({ path: path.join(shots, name + "-" + width + (dark ? "-dark" : "") + ".png") });
		}
		await page.setViewportSize({ width: 1440, height: 900 });
		await page.waitForTimeout(60);
		// Through the debugger's door: the page's own policy forbids text as script.
		if (!await page.evaluate(() => !!window.axe)) {
			const cdp = await context.newCDPSession(page);
			await cdp.send("Runtime.evaluate", { expression: AXE + ";0" });
			await cdp.detach();
		}
		const r = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], resultTypes: ["violations"] }));
		assert.deepEqual(r.violations.map((v) => v.id + ": " + v.nodes.map((x) => x.target.join(" ") + " " + (x.failureSummary || "").split("\n")[1]).slice(0, 4).join(" | ")), [], name + " is accessible");
		looked.add(name);
	};

	await page.goto(U + "/");
	await step("sign-in: wrong, then the second factor is set up", async () => {
		await seen("#sign-in");
		assert.equal(await page.getAttribute("input[name=email]", "autocomplete"), "username");
		assert.equal(await page.getAttribute("input[name=password]", "autocomplete"), "current-password");
		await look("sign-in");
		await page.fill("input[name=email]", F.fresh.email);
		await page.fill("input[name=password]", "nonsense");
		await page.press("input[name=password]", "Enter");
		await page.waitForSelector("[role=alert]:has-text('wrong')");
		await page.fill("input[name=password]", F.fresh.password);
		await page.press("input[name=password]", "Enter");
		await heading("second factor");
		await page.click("summary");
		const secret = (await text("#totp-secret")).replace(/\s/g, "");
		await look("second-factor");
		await page.fill("input[name=code]", "000000");
		await page.press("input[name=code]", "Enter");
		await page.waitForSelector("#enrol-wrong:has-text('wrong')");
		await page.fill("input[name=code]", totp(secret));
		await page.press("input[name=code]", "Enter");
		await seen("#recovery");
		assert.equal((await page.$$("#recovery li")).length, 10);
		await look("recovery-codes");
		const go = page.getByRole("button", { name: "Go to the desk" });
		assert.ok(await go.isDisabled());
		await page.check("input[type=checkbox]");
		await go.click();
		await seen(".shell");
		await signOut();
		await page.fill("input[name=email]", F.fresh.email);
		await page.fill("input[name=password]", F.fresh.password);
		await page.press("input[name=password]", "Enter");
		await seen("input[name=code][autocomplete=one-time-code]");
		await page.fill("input[name=code]", totp(secret));                    // used already
		await page.press("input[name=code]", "Enter");
		await page.waitForSelector("[role=alert]:has-text('used already')");
		await page.fill("input[name=code]", totp(secret, 1));
		await page.press("input[name=code]", "Enter");
		await seen(".shell");
		await signOut();
	});
	await step("views with counts, a list with hostile text", async () => {
		await signIn(F.mara);
		await seen(".empty:has-text('No tickets in this view')");           // nothing is hers yet
		await look("view-empty");
		await page.click("nav.side a:has-text('All unsolved tickets')");
		await seen("#tickets tbody tr");
		assert.equal(await text("#who"), "Mara Ostrov");
		assert.ok((await page.$$("nav.side a")).length >= 4);
		await page.waitForFunction(() => [...document.querySelectorAll("nav.side .count")].some((c) => Number(c.textContent) > 0));
		await look("views");
		await search("status:open");
		assert.ok((await text("#tickets")).includes(F.hostileText));
		assert.ok((await text("#tickets")).includes("<b>Odd</b>"));
		await look("search");
		assert.equal(page.url(), U + "/agent/search");
	});
	await step("search keeps its words out of the address, back and forward work", async () => {
		await search("refill friday");
		assert.equal(await rows(), 1);
		await page.click("#tickets tbody a");
		await seen("#conversation mark");
		assert.equal(page.url(), U + "/agent/tickets/" + F.first);
		assert.equal(await page.title(), "#" + F.first + " - Ward");
		await page.goBack();
		await heading("found");
		await page.goForward();
		await seen("#conversation mark");
	});
	await step("a ticket with its findings marked, with kind and confidence", async () => {
		const marks = await page.$$eval("#conversation mark", (m) => m.map((e) => [e.textContent, e.dataset.label]));
		assert.deepEqual(marks.filter((m) => /DATE|MRN|PHONE/.test(m[1])), [["03/14/1968", "DATE"], ["00482913", "MRN"], ["(312) 555-0148", "PHONE"]]);
		assert.match(await page.getAttribute("#conversation mark[data-label=MRN]", "title"), /confidence \d+/);
		await look("ticket");
		await page.emulateMedia({ colorScheme: "dark" });
		await look("ticket-dark", true);
		await page.emulateMedia({ colorScheme: "light" });
	});
	await step("an internal note", async () => {
		await page.check("input[value=note]");
		await page.fill("#text", "Asked the pharmacy.");
		await page.dblclick("#send");
		await notice("Note added.");
		assert.equal(await text("#conversation li.note .body"), "Asked the pharmacy.");
		assert.ok(await page.isChecked("input[value=public]"));
	});
	await step("while typing, what would leave is marked; sending asks; it can be masked, made a note, or sent", async () => {
		await page.fill("#text", "We will call you at (312) 555-0148.");
		await page.waitForSelector("#typed-says:has-text('would carry 1 identifier: Phone')");
		await page.waitForSelector(".behind mark");
		await page.click("#send");
		await seen("#leaving");
		assert.equal(await text("#leaving mark"), "(312) 555-0148");
		await look("reply-with-identifier");
		await page.getByRole("button", { name: "Mask them" }).click();
		assert.equal(await page.inputValue("#text"), "We will call you at [PHONE].");
		await page.fill("#text", "We will call you at (312) 555-0148.");
		await page.click("#send");
		await seen("#leaving");
		await page.getByRole("button", { name: "Send it all the same" }).click();
		await notice("Sent.");
		await page.waitForFunction(() => document.querySelectorAll("#conversation > li").length === 3);
		await page.fill("#text", "Born 03/14/1968, verified.");
		await page.click("#send");
		await seen("#leaving");
		await page.getByRole("button", { name: "Make it an internal note" }).click();
		await page.click("#send");
		await notice("Note added.");
		await page.waitForFunction(() => document.querySelectorAll("#conversation li.note").length === 2);
	});
	await step("an attachment by choosing, a status with the reply", async () => {
		await page.setInputFiles("input[type=file]", { name: "scan <b>.txt", mimeType: "text/plain", buffer: Buffer.from("nothing in here") });
		await page.waitForSelector(".files .tag:has-text('scan <b>.txt')");
		await page.fill("#text", "Here is the form.");
		await page.selectOption("#reply select:not([aria-label='Apply macro'])", "pending");
		await page.click("#send");
		await notice("Sent.");
		await page.waitForSelector("#conversation .files a");
		const [file] = await Promise.all([page.waitForEvent("download"), page.click("#conversation .files a")]);
		assert.equal(fs.readFileSync(await file.path(), "utf8"), "nothing in here");
	});
	await step("properties change at once and can be undone", async () => {
		await page.getByLabel("Priority").selectOption("urgent");
		await notice("Saved.");
		await page.locator("#notice button", { hasText: "Undo" }).last().click();
		await page.waitForFunction(() => [...document.querySelectorAll("aside select")].some((s) => s.value === "high"));
		await page.getByRole("tab", { name: "Events" }).click();
		await page.waitForSelector("ol[aria-label=Events] li li");
		await look("events");
		await page.getByRole("tab", { name: "Conversation" }).click();
	});
	await step("hostile text is text, hostile mail is washed", async () => {
		await page.goto(U + "/agent/tickets/" + F.hostile);
		await seen("#conversation li");
		assert.equal(await text("#subject"), F.hostileText);
		assert.ok((await text("#conversation")).includes("<a href='javascript:alert(1)'>here</a>"));
		assert.equal((await page.$$("main img, main script, #conversation .body a")).length, 0);
		assert.equal(await page.title(), "#" + F.hostile + " - Ward");
		for (const id of F.mails) {
			await page.goto(U + "/agent/tickets/" + id);
			await seen("#conversation li");
			if (await page.$("#conversation button.tag")) {
				await page.click("#conversation button.tag");
				await seen("#conversation iframe");
				await page.waitForTimeout(150);
				const frame = await (await page.$("#conversation iframe")).contentFrame();
				assert.equal(await frame.$$eval("script, iframe, object, embed, form, img, svg, link, style, [style], base, meta[http-equiv]", (e) => e.length), 0, "mail " + id);
				assert.equal(await frame.$$eval("*", (all) => all.filter((e) => [...e.attributes].some((a) => /^on/i.test(a.name) || /^\s*(javascript|data|vbscript):/i.test(a.value))).length), 0, "mail " + id);
			}
			assert.notEqual(await page.title(), "owned");
		}
		await look("mail");
	});
	await step("what is not there is said", async () => {
		await page.goto(U + "/agent/tickets/999999");
		await page.waitForSelector("[role=alert]:has-text('not yours to see')");
		await look("absent");
		await page.goto(U + "/agent/nothing");
		await heading("Nothing is here").catch(() => seen(".empty"));
	});
	await step("by keyboard alone: palette, search, list, reply, redact, cheat sheet", async () => {
		await page.goto(U + "/agent/search");
		await seen("#query");
		await page.keyboard.press("/");
		assert.equal(await page.evaluate(() => document.activeElement.id), "query");
		await page.keyboard.type("parking");
		await page.keyboard.press("Enter");
		await heading("found");
		await seen("#tickets tbody tr");
		await page.evaluate(() => document.activeElement.blur());
		await page.keyboard.press("j");
		await page.keyboard.press("j");
		await page.keyboard.press("x");
		await page.waitForSelector("[role=region]:has-text('1 ticket chosen')");
		await look("bulk");
		await page.keyboard.press("o");
		await seen("#conversation li");
		await page.keyboard.press("n");
		assert.equal(await page.evaluate(() => document.activeElement.id), "text");
		await page.keyboard.type("By keyboard.");
		await page.keyboard.press("Control+Enter");
		await notice("Note added.");
		await page.evaluate(() => document.activeElement.blur());
		await page.keyboard.press("d");
		await seen("dialog[open] #what");
		assert.equal(await page.evaluate(() => document.activeElement.id), "what");
		await look("redact");
		await page.keyboard.press("Escape");
		await page.waitForSelector("dialog[open]", { state: "detached" });
		await page.keyboard.press("?");
		await page.waitForSelector("dialog[open]:has-text('Keys')");
		await look("keys");
		await page.keyboard.press("Escape");
		await page.keyboard.press("Control+k");
		await seen("dialog[open] [role=combobox]");
		await page.keyboard.type(String(F.first));
		await look("palette");
		await page.keyboard.press("Enter");
		await seen("#conversation mark");
		assert.equal(page.url(), U + "/agent/tickets/" + F.first);
	});
	await step("many tickets are changed with a preview", async () => {
		await search("chair");
		await page.check("thead input[type=checkbox]");
		await page.fill("input[aria-label='Tags to add']", "furniture");
		await page.getByRole("button", { name: "Change", exact: true }).first().click();
		await page.waitForSelector("dialog[open]:has-text('furniture')");
		await page.locator("dialog[open]").getByRole("button", { name: "Change", exact: true }).click();
		await notice("changed.");
	});
	await step("a new ticket for somebody new", async () => {
		await page.goto(U + "/agent/new");
		await heading("New ticket");
		await look("new-ticket");
		await page.getByLabel("Requester").fill("zora@patients.example");
		await page.getByLabel("Name of this new person").fill("Zora Kestrel");
		await page.getByLabel("Subject").fill("Born 03/14/1968");
		await page.waitForSelector(".leaving:has-text('Subjects travel')");
		await page.getByLabel("Subject").fill("Wheelchair ramp");
		await page.getByLabel("Message").fill("Is there a ramp at the side door?");
		await page.getByRole("button", { name: "Create ticket" }).click();
		await seen("#conversation li");
		await page.getByRole("link", { name: "Zora Kestrel" }).click();
		await heading("Zora Kestrel");
		await page.waitForSelector("table a:has-text('Wheelchair ramp')");
		await look("person");
	});
	await step("a session that ended: nothing stays, what was typed comes back", async () => {
		await page.goto(U + "/agent/tickets/" + F.first);
		await seen("#conversation mark");
		await page.fill("#text", "Still there after the sign-in.");
		await context.clearCookies();
		await page.click("#send");
		await page.waitForSelector("#sign-in");
		assert.doesNotMatch(await page.content(), /Refill|555-0148|Nadia/);
		await signIn(F.mara);
		await seen("#conversation mark");
		assert.equal(await page.inputValue("#text"), "Still there after the sign-in.");
		await page.click("#send");
		await notice("Sent.");
	});
	await step("an agent may not redact unless the account lets them", async () => {
		await page.click("#conversation mark:text-is('00482913')");
		await seen("dialog[open] #what");
		assert.equal(await page.inputValue("#what"), "00482913");
		await page.fill("#what", "not in there");
		assert.ok(await page.isDisabled("#sure-yes"));
		await page.fill("#what", "00482913");
		await page.waitForSelector("dialog[open] del");
		await page.click("#sure-yes");
		await notice("Nothing was redacted: administrators may");
		await page.keyboard.press("Escape");
		await signOut();
	});
	await step("redaction: previewed, done, gone", async () => {
		await signIn(F.admin);
		await page.goto(U + "/agent/tickets/" + F.first);
		await page.click("#conversation mark:text-is('00482913')");
		await seen("dialog[open] #what");
		assert.match(await text("#sure-text"), /once\. It will be replaced for good/);
		await page.click("#sure-yes");
		await notice("Redacted.");
		await page.waitForFunction(() => !document.body.textContent.includes("00482913"));
		assert.match(await text("#conversation"), /▇{8}/);
	});
	await step("the admin centre: every page", async () => {
		await page.goto(U + "/admin");
		await seen("nav.side a");
		const paths = await page.$$eval("nav.side a", (all) => all.map((a) => a.getAttribute("href")));
		assert.ok(paths.length >= 9);
		for (const p of paths) {
			await page.goto(U + p);
			await seen("section h1");
			await page.waitForFunction(() => !document.querySelector("section [role=status]"));
			await page.waitForTimeout(200);
			assert.equal((await page.$$("section [role=alert]")).length, 0, p);
			await look("admin" + p.replace(/\//g, "-").replace("-admin", ""));
		}
	});
	await step("a trigger is built, tried on a past ticket, and works", async () => {
		await page.goto(U + "/admin/triggers");
		await page.getByRole("button", { name: "New", exact: true }).click();
		await page.getByLabel("Title").fill("Chairs to the carpenter");
		await page.getByRole("button", { name: "Add condition" }).first().click();
		await page.getByLabel("Condition 1", { exact: true }).selectOption("subject_includes_word");
		await page.getByLabel("Value 1").fill("chair");
		await page.getByRole("button", { name: "Add action" }).click();
		await page.getByLabel("Action 1", { exact: true }).selectOption("current_tags");
		await page.getByLabel("Value 1").last().fill("carpenter");
		await page.getByLabel("Ticket number").fill(String(F.chair));
		await page.getByRole("button", { name: "Try", exact: true }).click();
		await page.waitForSelector("#trial:has-text('would')");
		await look("trigger-builder");
		await page.getByRole("button", { name: "Save" }).click();
		await page.waitForSelector("td:has-text('Chairs to the carpenter')");
		const tags = await page.evaluate(async () => {
			const me = await (await fetch("/api/v2/users/me.json")).json();
			const r = await fetch("/api/v2/tickets.json", { method: "POST", headers: { "Content-Type": "application/json", "X-CSRF-Token": me.user.authenticity_token }, body: JSON.stringify({ ticket: { subject: "Another chair", comment: { body: "It wobbles." } } }) });
			return (await r.json()).ticket.tags;
		});
		assert.deepEqual(tags, ["carpenter"]);
	});
	await step("a bulk scan to a redaction, previewed and confirmed by its number", async () => {
		await page.goto(U + "/admin/scan");
		await page.getByRole("button", { name: "Start a scan" }).click();
		await page.waitForSelector("figure canvas");
		await page.waitForTimeout(500);
		await look("scan");
		await page.getByRole("button", { name: "Redact what was found" }).click();
		await page.locator("dialog[open]").getByLabel("Phone").check();
		await page.getByRole("button", { name: "Preview" }).click();
		await page.waitForSelector("dialog[open]:has-text('go for good')");
		const go = page.locator("dialog[open]").getByRole("button", { name: "Redact for good" });
		assert.ok(await go.isDisabled());
		const n = (await page.textContent("dialog[open] .leaving")).match(/in (\d+) tickets/)[1];
		await page.locator("dialog[open] .leaving input").fill(n);
		await look("scan-redaction");
		await go.click();
		await notice("The redaction has begun.");
		await page.waitForSelector("td:has-text('Bulk redaction')");
		await page.goto(U + "/agent/tickets/" + F.first);
		await seen("#conversation li");
		await page.waitForFunction(() => !document.getElementById("conversation").textContent.includes("555-0148"));
	});
	await step("people and groups are made, changed, deleted after a typed word", async () => {
		await page.goto(U + "/admin/groups");
		await page.getByRole("button", { name: "New", exact: true }).click();
		await page.getByLabel("Name").fill("Night shift");
		await page.getByRole("button", { name: "Save" }).click();
		await page.waitForSelector("td:has-text('Night shift')");
		await page.locator("tr", { hasText: "Night shift" }).getByRole("button", { name: "Delete" }).click();
		const sure = page.locator("dialog[open]").getByRole("button", { name: "Delete" });
		assert.ok(await sure.isDisabled());
		await page.locator("dialog[open] input").fill("Night shift");
		await sure.click();
		await page.waitForSelector("td:has-text('Night shift')", { state: "detached" });
		await page.goto(U + "/admin/people");
		await page.getByRole("button", { name: "New", exact: true }).click();
		await page.getByLabel("Name").fill("");
		await page.locator("dialog[open] input").first().fill("Quill Marsh");
		await page.locator("dialog[open] input[type=email]").fill("mara@clinic.example");
		await page.getByRole("button", { name: "Save" }).click();
		await page.waitForSelector("dialog[open] :text('already')");
		await page.keyboard.press("Escape");
	});
	await step("a role taken away takes effect at once", async () => {
		const other = await context.browser()?.newContext?.().catch(() => null);
		if (other) await other.close();
		await page.evaluate(async (id) => {
			const me = await (await fetch("/api/v2/users/me.json")).json();
			await fetch("/api/v2/users/" + id + ".json", { method: "PUT", headers: { "Content-Type": "application/json", "X-CSRF-Token": me.user.authenticity_token }, body: JSON.stringify({ user: { suspended: true } }) });
		}, F.fresh.id);
		await signOut();
		await page.fill("input[name=email]", F.fresh.email);
		await page.fill("input[name=password]", F.fresh.password);
		await page.press("input[name=password]", "Enter");
		await page.waitForSelector("[role=alert]:has-text('wrong')");
		await page.goto(U + "/");
	});
	await step("reports: pictures with tables", async () => {
		await signIn(F.admin);
		await page.goto(U + "/reports");
		await page.waitForSelector("figure canvas");
		await page.waitForTimeout(500);
		await page.click("figure details summary");
		assert.ok((await page.$$("figure table tbody tr")).length >= 6);
		await look("reports");
		await signOut();
	});
	await step("Spanish", async () => {
		await page.goto(U + "/");
		await page.evaluate(() => localStorage.setItem("ward.language", "es"));
		await page.goto(U + "/");
		await heading("Iniciar sesión");
		assert.equal(await page.getAttribute("html", "lang"), "es");
		await page.evaluate(() => localStorage.setItem("ward.language", "en"));
		await page.goto(U + "/");
	});
	await step("an agent who sees only what is theirs", async () => {
		await signIn(F.paul);
		await page.goto(U + "/agent/tickets/" + F.first);
		await page.waitForSelector("[role=alert]:has-text('not yours to see')");
		await search("chair");
		assert.equal(await rows(), 1);
		await search("refill");
		assert.equal(await rows(), 0);
		await page.goto(U + "/admin/people");
		await seen(".empty");
		assert.equal((await page.$$("#main table")).length, 0);
		await signOut();
	});
	await step("an agent who may not see PHI unmasks with a purpose, on record", async () => {
		await page.goto(U + "/");
		await signIn(F.ines);
		await page.goto(U + "/agent/tickets/" + F.first);
		await seen("#masked");
		assert.doesNotMatch(await text("#conversation"), /03\/14\/1968/);
		await look("masked");
		await page.getByRole("button", { name: "Show with a purpose" }).click();
		await page.fill("#purpose", "x");
		await page.getByRole("button", { name: "Show", exact: true }).click();
		await page.waitForSelector("dialog[open] [role=alert]");
		await page.fill("#purpose", "The patient is on the phone and asks for the date.");
		await page.getByRole("button", { name: "Show", exact: true }).click();
		await page.waitForFunction(() => document.getElementById("conversation").textContent.includes("03/14/1968"));
		await page.getByRole("button", { name: "Mask again" }).click();
		await page.waitForFunction(() => !document.getElementById("conversation").textContent.includes("03/14/1968"));
		await signOut();
	});
	await step("a requester sees requests, no notes, no tools; asks and replies", async () => {
		await page.goto(U + "/");
		await signIn(F.nadia);
		await heading("My requests");
		assert.equal((await page.$$("#query, nav.side")).length, 0);
		await look("requests");
		await page.click("#tickets tbody a");
		await seen("#conversation li");
		assert.equal(page.url(), U + "/requests/" + F.first);
		assert.equal((await page.$$("#redact, input[name=kind], mark")).length, 0);
		assert.doesNotMatch(await text("#conversation"), /pharmacy|verified/);
		await look("request");
		await page.fill("#text", "Thank you, I wait for the call.");
		await page.click("#send");
		await notice("Sent.");
		await page.goto(U + "/requests/new");
		await look("ask");
		await page.getByLabel("Subject").fill("A form for school");
		await page.getByLabel("Message").fill("May I have the form for school sports?");
		await page.getByRole("button", { name: "Send" }).click();
		await heading("A form for school");
		await signOut();
		assert.doesNotMatch(await page.content(), /Refill|555-0148|Nadia/);
		await page.goBack();
		await seen("#sign-in");
	});
	await step("nobody there for fifteen minutes", async () => {
		await page.clock.install();
		await page.goto(U + "/agent/tickets/" + F.first);
		await signIn(F.mara);
		await seen("#conversation li");
		await page.clock.fastForward("14:00");
		await page.mouse.move(50, 50);
		await page.clock.fastForward("14:00");
		assert.ok(await page.isVisible("#conversation"));
		const kept = await context.cookies();
		assert.ok(kept.some((c) => c.name === "ward_session" && c.httpOnly && c.secure && c.sameSite === "Strict"));
		await page.clock.fastForward("02:00");
		await page.waitForSelector("text=nothing happened for a while");
		assert.doesNotMatch(await page.content(), /Refill|555-0148|Nadia/);
		await context.addCookies(kept);                         // the server has ended it too, not only the page
		const me = await page.evaluate(() => fetch("/api/v2/users/me.json").then((r) => r.json()));
		assert.equal(me.user.id, null);
	});
	await step("no complaint in the console, nothing from elsewhere", async () => {
		assert.deepEqual(complaints, []);
		assert.deepEqual(foreign, []);
		assert.ok(refused <= 30, "401: " + refused);
		assert.ok(denied <= 20, "403, 404, 422: " + denied);
	});
	await context.close();
	console.log(n + " steps, " + looked.size + " pages looked at");
}

main().catch((e) => { console.error(e); process.exit(1); });
