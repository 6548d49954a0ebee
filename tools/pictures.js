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
	await page.click("#copy-view");
	await page.waitForSelector("#view-editor");
	await page.getByLabel("Title").fill("Refills, by group");
	await page.getByLabel("Group by").selectOption("group");
	await page.click("#view-preview button");
	await page.waitForSelector("#view-preview li");
	await page.locator("#view-columns").scrollIntoViewIfNeeded();
	await shot("view-edit");
	await page.keyboard.press("Escape");
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
	for (const [name, at] of [["triggers", "/admin/triggers"], ["policy", "/admin/policy"], ["trail", "/admin/trail"], ["looks", "/admin/looks"], ["sessions", "/admin/sessions"], ["reports", "/reports/phi"], ["articles", "/admin/articles"]]) {
		await page.goto(U + at);
		await page.waitForSelector("h1");
		await page.waitForFunction(() => !document.querySelector("section [role=status]"));
		await shot(name);
	}
	await page.evaluate(async () => {
		const token = (await (await fetch("/api/v2/users/me.json")).json()).user.authenticity_token;
		const post = (path, body) => fetch(path, { method: "POST", headers: { "Content-Type": "application/json", "X-CSRF-Token": token }, body: JSON.stringify(body) }).then((r) => r.json());
		const { user } = await post("/api/v2/users.json", { user: { name: "Noor Haddad", email: "noor@lakeside.example", role: "agent", skip_verify_email: true } });
		await post("/api/ward/v1/invitations", { invitation: { user_id: user.id, by: "hand" } });
	});
	await page.goto(U + "/admin/people");
	await page.click("#waiting summary");
	await page.waitForSelector("table.list tr");
	await shot("people");
	await page.goto(U + "/admin/setup");
	await page.waitForSelector("#step-team");
	await shot("setup");
	const confirm = async (word, button) => {
		await page.locator("dialog[open] input").last().fill(word);
		await page.locator("dialog[open]").getByRole("button", { name: button, exact: true }).click();
	};
	await page.goto(U + "/admin/keys");
	await page.getByRole("button", { name: "Rotate the account key" }).click();
	await confirm("ROTATE", "Rotate the account key");
	await page.waitForSelector("#rotation:has-text('every key is wrapped by the newest')");
	await shot("keys");
	await page.goto(U + "/admin/policy");
	await page.getByRole("button", { name: "Draft a change" }).click();
	await page.getByRole("button", { name: "Add rule" }).click();
	const last = page.locator("ol > li").last();
	await last.locator("summary").first().click();
	await last.getByLabel("Record number").check();
	await last.locator("details").first().getByLabel("Name", { exact: true }).uncheck();
	for (let i = 0; i < 6; i++) await page.locator("ol > li").nth(6 - i).getByRole("button", { name: "Move up" }).click({ timeout: 1000 }).catch(() => undefined);
	await page.getByLabel("Why").fill("Record numbers are not needed here.");
	await page.getByRole("button", { name: "Save as draft" }).click();
	await page.getByRole("button", { name: "Try", exact: true }).click();
	await page.waitForSelector("[data-trial] :text('would be treated otherwise')");
	await page.click("[data-trial] summary:has-text('Examples')");
	await page.locator("[data-trial]").scrollIntoViewIfNeeded();
	await shot("policy-trial");
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
