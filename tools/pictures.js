// The pictures of README and docs, of the demo's own people. node pictures.js FACTS.json (written by tools/pictures)
"use strict";
const crypto = require("node:crypto"), fs = require("node:fs"), path = require("node:path");
const { chromium } = require("playwright-core");

const F = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const U = "https://localhost:" + F.port;
const spki = crypto.createHash("sha256").update(new crypto.X509Certificate(fs.readFileSync(F.cert)).publicKey.export({ type: "spki", format: "der" })).digest("base64");
const who = (role) => F.people.find((p) => p.role.startsWith(role));

function totp(secret) {
	const bits = [...secret].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
	const at = Buffer.alloc(8);
	at.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000)));
	const d = crypto.createHmac("sha1", Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)))).update(at).digest(), o = d[19] & 15;
	return String((d.readUInt32BE(o) & 0x7fffffff) % 1000000).padStart(6, "0");
}

async function main() {
	const context = await chromium.launchPersistentContext(path.join(F.folder, "profile"), { executablePath: F.chromium, headless: true, viewport: { width: 1280, height: 800 }, locale: "en-US",
		args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--ignore-certificate-errors-spki-list=" + spki] });
	const page = context.pages()[0] || await context.newPage();
	page.setDefaultTimeout(30000);
	const shot = async (name) => {
		await page.waitForTimeout(600);
		await page.screenshot({ path: path.join(F.out, name + ".png") });
		console.log(name + ".png");
	};
	const signIn = async (p) => {
		await page.goto(U + "/");
		await page.fill("input[name=email]", p.email);
		await page.fill("input[name=password]", p.password);
		await page.press("input[name=password]", "Enter");
		await page.waitForSelector("input[name=code]");
		await page.fill("input[name=code]", totp(p.secret));
		await page.press("input[name=code]", "Enter");
		await page.waitForSelector(".shell");
	};
	await signIn(who("agent"));
	await page.click("nav.side a:has-text('All unsolved tickets')");
	await page.waitForSelector("#tickets tbody tr");
	await shot("views");
	await page.fill("#query", "lisinopril status:open");
	await page.press("#query", "Enter");
	await page.waitForSelector("#tickets tbody a");
	await page.click("#tickets tbody a");
	await page.waitForSelector("#conversation mark");
	await page.fill("#text", "We will call you at (312) 555-0148 this afternoon.");
	await page.click("#send");
	await page.waitForSelector("#leaving");
	await shot("ticket");
	await context.clearCookies();
	await signIn(who("administrator"));
	for (const [name, at] of [["triggers", "/admin/triggers"], ["policy", "/admin/policy"], ["trail", "/admin/trail"], ["looks", "/admin/looks"], ["reports", "/reports"], ["articles", "/admin/articles"]]) {
		await page.goto(U + at);
		await page.waitForSelector("h1");
		await page.waitForFunction(() => !document.querySelector("section [role=status]"));
		await shot(name);
	}
	await page.goto(U + "/admin/scan");
	await page.getByRole("button", { name: "Start a scan" }).click();
	await page.waitForSelector("figure canvas");
	await page.waitForTimeout(1500);
	await shot("scan");
	await context.clearCookies();
	await page.setViewportSize({ width: 1000, height: 760 });
	await page.goto(U + "/help/articles");
	await shot("help");
	await context.close();
}

main().catch((e) => { console.error(e); process.exit(1); });
