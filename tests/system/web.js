// The page in a browser, as people use it. node web.js PORT CERT CHROMIUM FOLDER PASSWORD FIRST HOSTILE TEXT ADMIN-PASSWORD
"use strict";
const assert = require("node:assert/strict");
const crypto = require("node:crypto"), fs = require("node:fs"), path = require("node:path");
const { chromium } = require("playwright-core");

const [port, cert, browser, folder, password, first, hostile, hostileText, adminPassword] = process.argv.slice(2);
const U = "https://localhost:" + port;

// Only this desk's certificate is trusted, by its key.
const spki = crypto.createHash("sha256").update(new crypto.X509Certificate(fs.readFileSync(cert)).publicKey.export({ type: "spki", format: "der" })).digest("base64");

async function main() {
	const context = await chromium.launchPersistentContext(path.join(folder, "profile"), { executablePath: browser, headless: true,
		viewport: { width: 1440, height: 900 }, locale: "en-US", args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
			"--disable-background-networking", "--disable-component-update", "--disable-sync", "--ignore-certificate-errors-spki-list=" + spki] });
	const page = context.pages()[0] || await context.newPage();
	const complaints = [], foreign = [];
	let n = 0, refused = 0, denied = 0;
	page.setDefaultTimeout(30000);
	// The browser itself notes each 401 in the console; those we ask for are counted, all else is a fault.
	page.on("console", (m) => { if (/status of 401/.test(m.text())) refused++; else if (/status of 40[34]/.test(m.text())) denied++; else complaints.push(m.type() + ": " + m.text()); });
	page.on("pageerror", (e) => complaints.push(String(e)));
	page.on("request", (r) => { if (!r.url().startsWith(U + "/")) foreign.push(r.url()); });
	page.on("dialog", (d) => d.accept());

	const step = async (what, fn) => {
		try {
			await fn();
		} catch (e) {
			console.log("FAIL", what, "- the page says:", await page.textContent("#notice").catch(() => "?"), complaints);
			throw e;
		}
		n++;
		console.log("ok", what);
	};
	const text = (s) => page.textContent(s);
	const seen = (s) => page.waitForSelector(s + ":not([hidden])");
	const notice = (words) => page.waitForFunction((w) => { const e = document.getElementById("notice"); return !e.hidden && e.textContent.includes(w); }, words);
	const title = (words) => page.waitForFunction((w) => !document.getElementById("page-list").hidden && document.getElementById("list-title").textContent === w, words);
	const rows = () => page.$$eval("#tickets tbody tr", (r) => r.length);
	const signIn = async (email, word) => {
		await seen("#page-sign-in");
		await page.fill("#email", email);
		await page.fill("#password", word);
		await page.press("#password", "Enter");
	};
	const signOut = async () => { await page.click("#leave"); await seen("#page-sign-in"); };
	const wide = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
	const narrow = async () => {
		for (const width of [390, 768, 1440]) {
			await page.setViewportSize({ width, height: 900 });
			assert.ok(await wide() <= 0, "nothing runs out of the page at " + width);
		}
	};

	await page.goto(U + "/");
	await step("a wrong password is answered in the page", async () => {
		await signIn("mara@clinic.example", "not the password");
		await notice("E-mail or password is wrong.");
		assert.equal(await page.evaluate(() => document.activeElement.id), "password");
		assert.equal(await page.inputValue("#password"), "");
		assert.equal(refused, 1);
	});
	await step("the right one shows the list", async () => {
		await signIn("mara@clinic.example", password);
		await title("Tickets");
		assert.equal(await text("#who"), "Mara Ostrov");
		assert.equal(await rows(), 50);
	});
	await step("older tickets are added", async () => {
		await page.click("#older");
		await page.waitForFunction(() => document.querySelectorAll("#tickets tbody tr").length === 58);
		assert.ok(await page.isHidden("#older"));
	});
	await step("tabs", async () => {
		await page.click("#tabs a:text-is('Open')");
		await page.waitForSelector("#tabs a[aria-current]:text-is('Open')");
		assert.equal(await rows(), 2);
		await page.click("#tabs a:text-is('On hold')");
		await seen("#empty");
		assert.equal(await text("#empty"), "No on hold tickets.");
	});
	await step("search, its words not in the address", async () => {
		await page.fill("#query", "refill friday");
		await page.press("#query", "Enter");
		await title("Found");
		assert.equal(await rows(), 1);
		assert.equal(await page.inputValue("#query"), "refill friday");
		assert.equal(page.url(), U + "/agent");
	});
	await step("a ticket with its findings marked", async () => {
		await page.click("#tickets tbody a");
		await seen("#page-ticket");
		assert.equal(await text("#subject"), "#" + first + " Refill before Friday");
		const marks = await page.$$eval("#conversation mark", (m) => m.map((x) => x.textContent));
		for (const want of ["03/14/1968", "00482913", "(312) 555-0148"]) assert.ok(marks.includes(want), want + " in " + marks);
		assert.match(await text("#legend"), new RegExp("^" + marks.length + " identifiers were found"));
		assert.equal(await page.title(), "#" + first + " - Ward");
		await narrow();
	});
	await step("an internal note", async () => {
		await page.check("input[value=note]");
		await page.fill("#text", "Asked the pharmacy.");
		await page.dblclick("#send");
		await notice("Note added.");
		assert.equal(await text("#conversation li.note .body"), "Asked the pharmacy.");
		assert.ok(await page.isChecked("input[value=public]"));
	});
	await step("a public reply with an identifier is asked about, then sent", async () => {
		await page.fill("#text", "We will call you at (312) 555-0148.");
		await page.click("#send");
		await seen("#leaving");
		assert.match(await text("#leaving"), /carry an identifier/);
		assert.equal(await text("#leaving mark"), "(312) 555-0148");
		assert.equal((await page.$$("#conversation li")).length, 2);
		await page.click("#leaving button:text-is('Send it all the same')");
		await notice("Sent.");
		assert.equal((await page.$$("#conversation li")).length, 3);
	});
	await step("or made a note", async () => {
		await page.fill("#text", "Born 03/14/1968, verified.");
		await page.click("#send");
		await seen("#leaving");
		await page.click("#leaving button:text-is('Make it an internal note')");
		await page.click("#send");
		await notice("Note added.");
		assert.equal((await page.$$("#conversation li.note")).length, 2);
	});
	await step("back goes to what was found, forward to the ticket", async () => {
		await page.goBack();
		await title("Found");
		assert.equal(await page.inputValue("#query"), "refill friday");
		await page.goForward();
		await seen("#page-ticket");
		assert.match(await text("#subject"), /Refill/);
	});
	await step("redaction is asked about, and done", async () => {
		await page.click("#conversation mark:text-is('00482913')");
		await page.click("#redact");
		await page.waitForSelector("#sure[open]");
		assert.equal(await page.inputValue("#what"), "00482913");
		assert.match(await text("#sure-text"), /once\. It will be replaced for good/);
		await page.keyboard.press("Escape");
		await page.waitForSelector("#sure:not([open])", { state: "attached" });
		assert.match(await text("#conversation"), /00482913/);
		await page.click("#redact");
		await page.fill("#what", "not in there");
		assert.ok(await page.isDisabled("#sure-yes"));
		await page.fill("#what", "00482913");
		await page.click("#sure-yes");
		await notice("Nothing was redacted: administrators may");
		await signOut();
		await signIn("admin@clinic.example", adminPassword);
		await title("Tickets");
		await page.fill("#query", "refill friday");
		await page.press("#query", "Enter");
		await title("Found");
		await page.click("#tickets tbody a");
		await seen("#page-ticket");
		await page.click("#conversation mark:text-is('00482913')");
		await page.click("#redact");
		await page.click("#sure-yes");
		await notice("Redacted.");
		assert.doesNotMatch(await page.content(), /00482913/);
		assert.match(await text("#conversation"), /▇{8}/);
		await signOut();
		await signIn("mara@clinic.example", password);
		await title("Tickets");
	});
	await step("hostile text is text", async () => {
		await page.goto(U + "/agent");
		await title("Tickets");
		await page.click("#tabs a:text-is('Open')");
		await page.waitForSelector("#tabs a[aria-current]:text-is('Open')");
		assert.ok((await text("#tickets")).includes(hostileText));
		assert.ok((await text("#tickets")).includes("<b>Odd</b>"));
		await narrow();
		await page.click("#tickets a[href$='/" + hostile + "']");
		await seen("#page-ticket");
		assert.equal(await text("#subject"), "#" + hostile + " " + hostileText);
		assert.ok((await text("#conversation")).includes(hostileText + "\n<a href='javascript:alert(1)'>here</a>"));
		assert.equal((await page.$$("main img, main script, #conversation a")).length, 0);
		// The marks that turn the direction end with the name: what follows is read as written.
		assert.equal(await page.$eval("#facts bdi", (e) => e.textContent), "<b>Odd</b> \u202eeman");
		await narrow();
		assert.equal(await page.title(), "#" + hostile + " - Ward");
	});
	await step("what is not there is said", async () => {
		await page.goto(U + "/agent/tickets/999999");
		await seen("#notice");
		await page.click(".brand");
		await title("Tickets");
	});
	await step("by keyboard alone", async () => {
		await page.goto(U + "/agent");
		await title("Tickets");
		const tabTo = async (what) => {
			for (let i = 0; i < 40; i++) {
				await page.keyboard.press("Tab");
				const e = await page.evaluate(() => ({ id: document.activeElement.id, text: document.activeElement.textContent,
					ring: getComputedStyle(document.activeElement).outlineStyle !== "none" }));
				if (e.id === what || e.text === what) { assert.ok(e.ring, what + " shows that it has the focus"); return; }
			}
			assert.fail("Tab does not reach " + what);
		};
		await page.focus("#query");
		await page.keyboard.type("refill");
		await page.keyboard.press("Enter");
		await title("Found");
		await tabTo("Refill before Friday");
		await page.keyboard.press("Enter");
		await seen("#page-ticket");
		await tabTo("text");
		await tabTo("redact");
		await page.keyboard.press("Enter");
		await page.waitForSelector("#sure[open]");
		assert.equal(await page.evaluate(() => document.activeElement.id), "what");
		await page.keyboard.press("Escape");
		assert.equal(await page.evaluate(() => document.activeElement.id), "redact");
	});
	await step("a session that ended: nothing stays, what was typed comes back", async () => {
		await page.fill("#text", "Still there after the sign-in.");
		await context.clearCookies();
		await page.click("#send");
		await notice("You were signed out.");
		assert.doesNotMatch(await page.content(), /Refill|555-0148|Nadia/);
		assert.equal(refused, 2);
		await signIn("mara@clinic.example", password);
		await seen("#page-ticket");
		assert.equal(await page.inputValue("#text"), "Still there after the sign-in.");
		await page.click("#send");
		await notice("Sent.");
	});
	await step("nobody there for fifteen minutes", async () => {
		await page.clock.install();
		await page.goto(U + "/agent/tickets/" + first);
		await page.waitForSelector("#conversation li");
		await page.clock.fastForward("14:00");
		await page.mouse.move(50, 50);
		await page.clock.fastForward("14:00");
		assert.ok(await page.isVisible("#page-ticket"));
		const kept = await context.cookies();
		assert.ok(kept.some((c) => c.name === "ward_session" && c.httpOnly && c.secure && c.sameSite === "Strict"));
		await page.clock.fastForward("02:00");
		await notice("nothing happened for a while");
		assert.doesNotMatch(await page.content(), /Refill|555-0148|Nadia/);
		await context.addCookies(kept);                         // the server has ended it too, not only the page
		const me = await page.evaluate(() => fetch("/api/v2/users/me.json").then((r) => r.json()));
		assert.equal(me.user.id, null);
	});
	await step("an agent who sees only what is theirs", async () => {
		await signIn("paul@clinic.example", password);
		await seen("#notice");                                  // the address is still Mara's ticket
		await page.click(".brand");
		await title("Tickets");
		assert.equal(await rows(), 1);
		await page.click("#tabs a:text-is('Open')");
		await page.waitForSelector("#tabs a[aria-current]:text-is('Open')");
		assert.equal(await rows(), 1);
		await page.fill("#query", "refill");
		await page.press("#query", "Enter");
		await title("Found");
		assert.equal(await rows(), 0);
		await signOut();
	});
	await step("a requester sees requests, no notes, no tools", async () => {
		await signIn("nadia@patients.example", password);
		await title("My requests");
		assert.ok(await page.isHidden("#find") && await page.isHidden("#tabs"));
		assert.equal(await rows(), 1);
		await page.click("#tickets tbody a");
		await seen("#page-ticket");
		assert.equal(page.url(), U + "/requests/" + first);
		for (const id of ["kind", "redact", "status", "status-label", "legend"]) assert.ok(await page.isHidden("#" + id), id + " is not theirs");
		assert.doesNotMatch(await text("#conversation"), /pharmacy|verified/);
		await page.fill("#text", "Thank you, I wait for the call.");
		await page.click("#send");
		await notice("Sent.");
		await signOut();
		assert.doesNotMatch(await page.content(), /Refill|555-0148|Nadia/);
		await page.goBack();
		await seen("#page-sign-in");
	});
	await step("no complaint in the console, nothing from elsewhere", async () => {
		assert.deepEqual(complaints, []);
		assert.deepEqual(foreign, []);
		assert.equal(refused, 2);
		assert.ok(denied <= 7, "redaction, the absent and the foreign ticket: " + denied);
	});
	await context.close();
	console.log(n + " steps");
}

main().catch((e) => { console.error(e); process.exit(1); });
