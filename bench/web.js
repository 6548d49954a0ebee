// Measures in Chromium what bench/web.py writes down. node web.js FACTS.json; one JSON object on the output.
"use strict";
const crypto = require("node:crypto"), fs = require("node:fs"), path = require("node:path");
const { chromium } = require("playwright-core");

const F = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const U = "https://localhost:" + F.port;
const spki = crypto.createHash("sha256").update(new crypto.X509Certificate(fs.readFileSync(F.cert)).publicKey.export({ type: "spki", format: "der" })).digest("base64");

// In the page, before its own script: `measure(start, done)` is the time from an input event to the frame that shows what `done` waits for.
const INSIDE = () => {
	window.measured = (type, selector, done) => new Promise((resolve) => {
		let began = 0;
		const start = (e) => { if (!e.isTrusted) return; began = performance.timeOrigin + e.timeStamp; removeEventListener(type, start, true); };
		addEventListener(type, start, true);
		const look = () => {
			// Two frames: the first may still be in the making when the element is there.
			if (began && document.querySelector(selector) && (!done || document.querySelectorAll(selector).length >= done)) return requestAnimationFrame(() => setTimeout(() => resolve(performance.timeOrigin + performance.now() - began)));
			requestAnimationFrame(look);
		};
		look();
	});
	window.long = [];
	new PerformanceObserver((l) => window.long.push(...l.getEntries().map((e) => e.duration))).observe({ type: "longtask" });
	window.keys = [];
	new PerformanceObserver((l) => window.keys.push(...l.getEntries().filter((e) => e.name === "keydown").map((e) => e.duration))).observe({ type: "event", durationThreshold: 16 });
};

async function main() {
	const context = await chromium.launchPersistentContext(path.join(F.folder, "profile"), { executablePath: F.chromium, headless: true, viewport: { width: 1440, height: 900 }, locale: "en-US",
		args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--ignore-certificate-errors-spki-list=" + spki] });
	await context.addInitScript(INSIDE);
	const page = context.pages()[0] || await context.newPage();
	page.setDefaultTimeout(60000);
	const got = { version: context.browser()?.version() || "", rounds: F.rounds, sign_in: [], list: [], open: [], key: [], long: 0, longest: 0 };
	const timed = async (type, selector, act, done) => {
		const wait = page.evaluate(([t, s, d]) => window.measured(t, s, d), [type, selector, done]);
		await act();
		return wait;
	};
	let bytes = 0;
	const cdp = await context.newCDPSession(page);
	await cdp.send("Network.enable");
	cdp.on("Network.loadingFinished", (e) => { bytes += e.encodedDataLength; });
	await page.goto(U + "/");
	await page.waitForSelector("#sign-in");
	for (let i = 0; i < F.rounds; i++) {
		await page.fill("input[name=email]", F.who.email);
		await page.fill("input[name=password]", F.who.password);
		await page.press("input[name=password]", "Enter");
		await page.waitForSelector("input[name=code]");
		await page.fill("input[name=code]", F.who.codes.pop());
		got.sign_in.push(await timed("keydown", "#tickets tbody tr", () => page.press("input[name=code]", "Enter")));
		if (i === 0) {
			got.kilobytes = bytes / 1024;
			got.paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime || 0);
		}
		if (i < F.rounds - 1) {
			await page.click("#leave");
			await page.waitForSelector("#sign-in");
		}
	}
	// A list as long as the goal says; the page itself asks for fewer at a time.
	await page.route(/per_page=50/, (r) => r.continue({ url: r.request().url().replace("per_page=50", "per_page=100") }));
	// From an empty view, so that rows which are there are the new ones.
	const all = page.locator("nav.side a", { hasText: "All unsolved tickets" }), none = page.locator("nav.side a", { hasText: "Nothing at all" });
	for (let i = 0; i < F.rounds * 2; i++) {
		await none.click();
		await page.waitForSelector("#tickets", { state: "detached" });
		await page.waitForTimeout(300);
		got.list.push(await timed("click", "#tickets tbody tr", () => all.click(), 100));
		got.rows = (await page.$$("#tickets tbody tr")).length;
	}
	const links = await page.$$eval("#tickets tbody a[href^='/agent/tickets/']", (a) => [...new Set(a.map((x) => x.getAttribute("href")))]);
	for (let i = 0; i < Math.min(links.length, F.rounds * 4); i++) {
		got.open.push(await timed("click", "#conversation li", () => page.click("#tickets tbody a[href='" + links[i] + "']")));
		await page.goBack();
		await page.waitForSelector("#tickets tbody a[href='" + links[Math.min(i + 1, links.length - 1)] + "']");
		await page.waitForTimeout(150);
	}
	await page.click("#tickets tbody a[href='" + links[0] + "']");
	await page.waitForSelector("#text");
	await page.waitForTimeout(500);
	await page.click("#text");
	await page.evaluate(() => { window.long.length = window.keys.length = 0; });
	const words = "Thank you for writing. We will call you at (312) 555-0148 on Friday about your visit and the form for school. ";
	for (let i = 0; i < 3; i++) await page.keyboard.type(words, { delay: 45 });
	await page.waitForTimeout(500);
	const typed = await page.evaluate(() => ({ keys: window.keys, long: window.long }));
	// Below 16 ms, the frame that was coming anyway, no entry is made.
	got.key = [...typed.keys, ...Array(Math.max(0, words.length * 3 - typed.keys.length)).fill(16)];
	got.long = typed.long.length;
	got.longest = Math.max(0, ...typed.long);
	await context.close();
	console.log(JSON.stringify(got));
}

main().catch((e) => { console.error(e); process.exit(1); });
