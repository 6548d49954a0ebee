// The help centre in a browser, first without JavaScript. node web_help.js FACTS.json (written by web_help.py)
"use strict";
const assert = require("node:assert/strict");
const crypto = require("node:crypto"), fs = require("node:fs"), path = require("node:path");
const { chromium } = require("playwright-core");

const F = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const U = "https://localhost:" + F.port;
const AXE = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const spki = crypto.createHash("sha256").update(new crypto.X509Certificate(fs.readFileSync(F.cert)).publicKey.export({ type: "spki", format: "der" })).digest("base64");

// The newest mail that holds this, waited for.
async function mail(want, after = -1) {
	for (let i = 0; i < 200; i++) {
		const all = fs.readdirSync(F.box).filter((n) => n.endsWith(".txt")).sort();
		for (let k = all.length - 1; k > after; k--) {
			const m = fs.readFileSync(path.join(F.box, all[k]), "utf8").match(want);
			if (m) return m;
		}
		await new Promise((r) => setTimeout(r, 100));
	}
	throw new Error("no mail with " + want);
}
const count = () => fs.readdirSync(F.box).filter((n) => n.endsWith(".txt")).length - 1;

async function main() {
	const browser = await chromium.launch({ executablePath: F.chromium, headless: true, args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--ignore-certificate-errors-spki-list=" + spki] });
	const complaints = [], foreign = [], looked = new Set();
	const viewer = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
	let n = 0, page, html = "";
	await viewer.route("**/seen-by-axe", (r) => r.fulfill({ contentType: "text/html; charset=utf-8", body: html }));
	const open = async (options) => {
		const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: "en-US", ...options });
		page = await context.newPage();
		page.setDefaultTimeout(20000);
		page.on("console", (m) => { if (!/status of (400|401|404|422)/.test(m.text()) && m.type() !== "info" && m.type() !== "debug") complaints.push(m.type() + ": " + m.text()); });
		page.on("pageerror", (e) => complaints.push(String(e)));
		page.on("request", (r) => { if (!r.url().startsWith(U + "/") && !/^(blob:|data:)/.test(r.url())) foreign.push(r.url()); });
		page.on("dialog", (d) => { complaints.push("a dialog"); d.dismiss(); });
		return context;
	};
	const step = async (what, fn) => {
		const began = Date.now();
		try {
			await fn();
		} catch (e) {
			console.log("FAIL", what, "at", page.url(), complaints, (await page.textContent("body").catch(() => "")).slice(0, 600));
			if (F.shots) await page.screenshot({ path: path.join(F.shots, "failed.png") }).catch(() => undefined);
			throw e;
		}
		n++;
		console.log("ok", what, Date.now() - began, "ms");
	};
	const body = () => page.textContent("body");
	const button = (name) => page.getByRole("button", { name, exact: true }).first().click();
	const wide = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
	// Four widths, no violation, a picture.
	const look = async (name) => {
		for (const width of [1440, 768, 390, 320]) {
			await page.setViewportSize({ width, height: 900 });
			assert.ok(await wide() <= 0, name + ": nothing runs out of the page at " + width);
			if (F.shots && width !== 320) await page.screenshot({ path: path.join(F.shots, "help-" + name + "-" + width + ".png"), fullPage: true });
		}
		await page.setViewportSize({ width: 1440, height: 900 });
		// Where script is off axe cannot run; it looks at the same HTML in a page of its own.
		html = await page.content();
		await viewer.emulateMedia({ colorScheme: await page.evaluate(() => matchMedia("(prefers-color-scheme: dark)").matches) ? "dark" : "light" });
		await viewer.goto(U + "/help/seen-by-axe");
		const found = await viewer.evaluate((axe) => { eval(axe); return window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], resultTypes: ["violations"] }).then((r) =>
			r.violations.map((v) => v.id + ": " + v.nodes.map((x) => x.target.join(" ") + " " + x.failureSummary).slice(0, 3).join(" | "))); }, AXE);
		assert.deepEqual(found, [], name + " is accessible");
		looked.add(name);
	};

	// ---- without JavaScript, from the question to the rating
	let context = await open({ javaScriptEnabled: false });
	await step("without JavaScript: the front page, answers, a search", async () => {
		await page.goto(U + "/help");
		assert.match(await body(), /Lakeside Clinic/);
		await look("front");
		await page.getByRole("link", { name: "Answers" }).click();
		await page.waitForSelector("a:has-text('Where to park')");
		await look("answers");
		await page.fill("#words", "north garage");
		await button("Search");
		assert.equal(page.url(), U + "/help/articles/search");
		await page.getByRole("link", { name: "Where to park" }).click();
		await page.waitForSelector("article table");
		await look("article");
		await page.getByRole("link", { name: "Español" }).click();
		await page.waitForSelector("h1:has-text('Dónde aparcar')");
		assert.equal(await page.getAttribute("html", "lang"), "es");
		assert.equal(page.url(), U + "/help/articles/" + F.parking);
		await look("article-es");
		await page.getByRole("link", { name: "English" }).click();
		await page.waitForSelector("h1:has-text('Where to park')");
	});
	await step("a forgotten password: the page, in both languages", async () => {
		await page.goto(U + "/password/reset");
		await look("reset");
		await page.getByRole("link", { name: "Español" }).click();
		await page.waitForSelector("h1:has-text('Una contraseña nueva')");
		assert.equal(page.url(), U + "/password/reset");
		await page.getByRole("link", { name: "English" }).click();
		await page.waitForSelector("h1:has-text('A new password')");
		await page.goto(U + "/help");
	});
	await step("signing in by a link and the code of the page", async () => {
		await page.getByRole("link", { name: "Sign in" }).first().click();
		await look("sign-in");
		await page.fill("#email", "nadia@patients.example");
		const before = count();
		await button("Send me a link");
		const code = await page.textContent(".code strong");
		await look("link-sent");
		const m = await mail(/\/help\/link\/[\w-]+/, before);
		await page.goto(U + m[0]);
		await look("link-code");
		await page.fill("#code", code);
		await button("Go on");
		await page.waitForSelector("h1:has-text('My requests')");
		await look("my-requests");
	});
	await step("asking: a choice brings a field, an identifier is warned of, it arrives", async () => {
		await page.goto(U + "/help/ask/" + F.form);
		await look("ask");
		await page.fill("#subject", "About my bill, MRN 00482913");
		await page.fill("#text", "It is twice on it.");
		await page.selectOption("#f" + F.topic, "bill");
		assert.ok(await page.isHidden("#f" + F.number));
		await button("Send");
		await page.waitForSelector("text=asks for a little more");
		await page.fill("#f" + F.number, "A-17");
		await look("ask-more");
		await button("Send");
		await page.waitForSelector("#phi:has-text('a medical record number')");
		await look("ask-warned");
		await page.fill("#subject", "About my bill");
		await page.setInputFiles("#file", { name: "bill.txt", mimeType: "text/plain", buffer: Buffer.from("the bill") });
		await button("Send");
		await page.waitForSelector("h2:has-text('About my bill')");
		assert.match(await body(), /bill\.txt/);
		await look("request");
	});
	await step("a secure message by its link, a second proof, a reply", async () => {
		const m = await mail(/\/help\/secure\/[\w-]+/);
		await page.goto(U + m[0]);
		assert.doesNotMatch(await body(), /potassium/);
		await look("secure-door");
		const before = count();
		await button("Send me a code");
		const code = (await mail(/secure message is (\d{6})/, before))[1];
		await look("secure-code");
		await page.fill("#answer", "000000" === code ? "111111" : "000000");
		await button("Open the message");
		await page.waitForSelector(".wrong");
		await page.fill("#answer", code);
		await button("Open the message");
		await page.waitForSelector("text=potassium 4.1");
		await look("secure-read");
		await page.fill("#text", "Thank you, read it.");
		await button("Send");
		await page.waitForSelector("text=Your reply was sent.");
		await button("Close this message");
		await page.goto(U + m[0]);
		assert.doesNotMatch(await body(), /potassium/);
	});
	await step("reading, replying, rating", async () => {
		await page.goto(U + "/help/requests/" + F.first);
		await page.fill("#text", "One more thing.");
		await button("Send");
		await page.waitForSelector("text=One more thing.");
		await button("This is solved");
		await page.waitForSelector("text=solved");
		const m = await mail(/\/help\/rate\/\S+/);
		await page.goto(U + m[0]);
		await look("rate");
		await page.check("input[value=good]");
		await page.fill("#comment", "Quick and kind.");
		await button("Send rating");
		await page.waitForSelector("text=Thank you");
	});
	await step("hostile mails are text in the help centre", async () => {
		for (const id of F.mails) {
			await page.goto(U + "/help/requests/" + id);
			assert.equal((await page.$$("main img, main script, main svg, main iframe, main style, main object, main embed, main math, main video, main link, .text *")).length, 0, "request " + id);
			assert.notEqual(await page.title(), "owned");
		}
		await page.goto(U + "/help");
		await look("many-requests");
	});
	const cookies = await context.cookies();
	await context.close();

	// ---- with JavaScript
	context = await open({});
	await context.addCookies(cookies);
	await step("with JavaScript fields come and go, and what is typed is looked at", async () => {
		await page.goto(U + "/help/ask/" + F.form);
		assert.ok(await page.isHidden("#f" + F.number) && await page.isDisabled("#f" + F.number));
		await page.selectOption("#f" + F.topic, "bill");
		assert.ok(await page.isVisible("#f" + F.number) && await page.evaluate((id) => document.getElementById(id).required, "f" + F.number));
		await page.selectOption("#f" + F.topic, "refill");
		assert.ok(await page.isHidden("#f" + F.number));
		await page.fill("#subject", "Call (312) 555-0148");
		await page.waitForSelector("#phi:not([hidden]):has-text('Subject')");
		await look("ask-live");
		await page.fill("#subject", "A refill");
		await page.waitForFunction(() => document.getElementById("phi").hidden);
		await page.fill("#text", "Ten days are left.");
		await button("Send");
		await page.waitForSelector("h2:has-text('A refill')");
	});
	await step("hostile articles are washed, with script allowed in the browser", async () => {
		for (const id of F.hostile) {
			await page.goto(U + "/help/articles/" + id);
			assert.equal(await page.$$eval("article *", (all) => all.filter((e) => /^(script|iframe|object|embed|form|img|svg|link|style|base|meta|math|video|audio|input|button|dialog|template)$/i.test(e.tagName)
				|| [...e.attributes].some((a) => /^on|^style$|^src|^id$|^class$/i.test(a.name) || /^[\s\u0000-\u001f]*(javascript|data|vbscript):/i.test(a.value))).length), 0, "article " + id);
			assert.notEqual(await page.title(), "owned");
			assert.ok(await wide() <= 0, "article " + id + " stays in its page");
		}
		await page.setViewportSize({ width: 390, height: 900 });
		await page.goto(U + "/help/articles/" + F.hostile[F.hostile.length - 3]);
		assert.ok(await wide() <= 0, "deep and wide ones too");
	});
	await step("dark, larger letters, by keyboard alone", async () => {
		await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
		await page.goto(U + "/help/articles");
		await look("answers-dark");
		await page.goto(U + "/help/ask/" + F.form);
		await look("ask-dark");
		await page.keyboard.press("Tab");
		assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
		await page.keyboard.press("Enter");
		assert.match(page.url(), /#main$/);
	});
	await context.close();
	context = await open({});
	await step("an administrator writes an answer in two languages, and gives the pages a colour", async () => {
		await page.goto(U + "/");
		await page.fill("input[name=email]", F.admin.email);
		await page.fill("input[name=password]", F.admin.password);
		await page.press("input[name=password]", "Enter");
		await page.waitForSelector("input[name=code]");
		await page.fill("input[name=code]", F.admin.codes.pop());
		await page.press("input[name=code]", "Enter");
		await page.waitForSelector(".shell");
		await page.goto(U + "/admin/articles");
		await button("New category");
		await page.locator("dialog[open]").getByLabel("Name").fill("Bills");
		await page.locator("dialog[open]").getByRole("button", { name: "Save" }).click();
		await page.waitForSelector("h2:has-text('Bills')");
		await page.locator("section.stack", { has: page.locator("h2", { hasText: "Bills" }) }).last().getByRole("button", { name: "New section" }).click();
		await page.locator("dialog[open]").getByLabel("Name").fill("Paying");
		await page.locator("dialog[open]").getByRole("button", { name: "Save" }).click();
		await page.waitForSelector("h3:has-text('Paying')");
		await page.locator("div.stack", { has: page.locator("h3", { hasText: "Paying" }) }).last().getByRole("button", { name: "New answer" }).click();
		const box = page.locator("dialog[open]");
		await box.getByLabel("Title").fill("Paying in parts");
		await box.getByLabel("Text").fill("<p>Up to twelve months. Ask for Walter Quigley, (312) 555-0148.</p><script>document.title='owned'</script>");
		await page.waitForSelector("dialog[open] .leaving:has-text('Everybody would read this')");
		await box.getByLabel("Text").fill("<p>Up to <b>twelve</b> months.</p><script>document.title='owned'</script>");
		await box.getByLabel("Published in this language").check();
		await box.locator("select").nth(1).selectOption("es");
		await box.getByLabel("Title").fill("Pagar a plazos");
		await box.getByLabel("Text").fill("<p>Hasta doce meses.</p>");
		await box.getByLabel("Published in this language").check();
		await box.getByRole("button", { name: "Save" }).click();
		await page.waitForSelector("td:has-text('Paying in parts')");
		await page.getByLabel("Colour of the banner").fill("#ffff00");
		await page.locator("form.panel").getByRole("button", { name: "Save" }).click();
		await page.waitForSelector("form.panel [role=alert]:has-text('too light')");
		await page.getByLabel("Colour of the banner").fill("#5b2a86");
		await page.locator("form.panel").getByRole("button", { name: "Save" }).click();
		await page.waitForSelector("form.panel [role=alert]", { state: "detached" });
		await page.goto(U + "/help/articles");
		await page.getByRole("link", { name: "Paying in parts" }).click();
		await page.waitForSelector("article b:has-text('twelve'), article strong:has-text('twelve')");
		await page.waitForFunction(() => getComputedStyle(document.querySelector("header")).backgroundColor === "rgb(91, 42, 134)");
		await page.getByRole("link", { name: "Español" }).click();
		await page.waitForSelector("h1:has-text('Pagar a plazos')");
	});
	await step("no complaint in the console, nothing from elsewhere", async () => {
		assert.deepEqual(complaints, []);
		assert.deepEqual(foreign, []);
	});
	await browser.close();
	console.log(n + " steps, " + looked.size + " pages looked at");
}

main().catch((e) => { console.error(e); process.exit(1); });
