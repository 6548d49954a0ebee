// A browser on a desk for web.js and webadmin.js: node NAME.js FACTS.json (written by NAME.py)
"use strict";
const assert = require("node:assert/strict");
const crypto = require("node:crypto"), fs = require("node:fs"), path = require("node:path");
const { chromium } = require("playwright-core");

const F = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const U = "https://localhost:" + F.port;
const AXE = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

// Only this desk's certificate is trusted, by its key.
const spki = crypto.createHash("sha256").update(new crypto.X509Certificate(fs.readFileSync(F.cert)).publicKey.export({ type: "spki", format: "der" })).digest("base64");

const ARGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--ignore-certificate-errors-spki-list=" + spki];

function totp(secret, step = 0) {
	const bits = [...secret.replace(/\s/g, "")].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
	const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
	const at = Buffer.alloc(8);
	at.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000) + step));
	const d = crypto.createHmac("sha1", key).update(at).digest(), o = d[19] & 15;
	return String((d.readUInt32BE(o) & 0x7fffffff) % 1000000).padStart(6, "0");
}

async function browser() {
	const context = await chromium.launchPersistentContext(path.join(F.folder, "profile"), { executablePath: F.chromium, headless: true, bypassCSP: false,
		viewport: { width: 1440, height: 900 }, locale: "en-US", args: ARGS });
	const page = context.pages()[0] || await context.newPage();
	const complaints = [], foreign = [], shots = F.shots;
	let n = 0, refused = 0, denied = 0, away = 0;
	page.setDefaultTimeout(Number(process.env.WAIT || 30000));
	// The browser itself notes each 401 in the console; those we ask for are counted, all else is a fault.
	page.on("console", (m) => { if (/status of 401/.test(m.text())) refused++; else if (/status of (40[349]|422)/.test(m.text())) denied++; else if (/net::ERR_/.test(m.text())) away++; else if (m.type() !== "info" && m.type() !== "debug") complaints.push(m.type() + ": " + m.text()); });
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
	const signOut = async () => { await page.click("#leave"); await seen("#sign-in"); assert.equal(await page.locator(".toast").count(), 0, "what was said to one person is gone"); };
	const search = async (words) => { await page.fill("#query", words); await page.press("#query", "Enter"); await heading("found"); };
	const wide = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

	// Every page: nothing runs out of it at four widths, no violation of WCAG 2.2 AA, a picture for people to look at.
	const looked = new Set();
	const look = async (name, dark) => {
		for (const width of [1440, 768, 390, 320]) {
			await page.setViewportSize({ width, height: 900 });
			await page.waitForTimeout(60);
			assert.ok(await wide() <= 0, name + ": nothing runs out of the page at " + width);
			if (width >= 768 && name.startsWith("admin-")) assert.deepEqual(await page.$$eval("table.list th", (all) => all.filter((h) => h.getClientRects().length && !h.querySelector(".sr") && h.scrollWidth > h.clientWidth + 1).map((h) => h.textContent)), [], name + ": no heading of a list runs into the next at " + width);
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

	// Nothing in the console, nothing from elsewhere; how many refusals were asked for is the caller's to judge.
	const quiet = (most) => {
		assert.deepEqual(complaints, []);
		assert.deepEqual(foreign, []);
		assert.ok(refused <= most.refused, "401: " + refused);
		assert.ok(denied <= most.denied, "403, 404, 422: " + denied);
		assert.ok(away <= (most.away || 0), "nobody there: " + away);
	};
	const end = async () => {
		await context.close();
		console.log(n + " steps, " + looked.size + " pages looked at");
	};
	return { context, page, step, text, seen, notice, heading, rows, signIn, signOut, search, look, quiet, end };
}

module.exports = { F, U, AXE, ARGS, totp, browser };
