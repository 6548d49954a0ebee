// The administrator's office. node webadmin.js FACTS.json first|office (written by webadmin.py)
"use strict";
const assert = require("node:assert/strict"), fs = require("node:fs"), path = require("node:path");
const { F, U, browser } = require("./browser.js");

const box = (page) => page.locator("dialog[open]");

async function first() {
	const { page, step, text, seen, notice, heading, signIn, look, quiet, end } = await browser();
	let invited = [];
	const state = (name) => page.getAttribute("#step-" + name, "data-state");
	const becomes = (name, s) => page.waitForSelector("#step-" + name + "[data-state=" + s + "]");
	await page.goto(U + "/");
	await step("the first sign-in of an administrator leads to the guide", async () => {
		await signIn(F.admin);
		await heading("To a safe desk");
		assert.equal(page.url(), U + "/admin/setup");
		assert.equal(await state("factor"), "done");
		for (const s of ["backup", "mail", "team", "policy"]) assert.equal(await state(s), "open", s);
		await look("setup-begun");
		await page.goto(U + "/agent/views");
		await page.waitForSelector(".notice:has-text('4 steps to a safe desk')");
		assert.equal(page.url(), U + "/agent/views", "who goes elsewhere is let go");
		await page.click(".notice a");
		await heading("To a safe desk");
	});
	await step("a copy of the key is proven by its fingerprint, not by a click", async () => {
		assert.ok((await text("#step-backup")).includes(F.root));
		await page.fill("#step-backup input", "0123456789abcdef");
		await page.click("#step-backup button:has-text('Check')");
		await page.waitForSelector("#step-backup [role=alert]:has-text('not that of the key in use')");
		await look("setup-wrong");
		await page.fill("#step-backup input", F.print.slice(0, 16));
		await page.click("#step-backup button:has-text('Check')");
		await becomes("backup", "done");
	});
	await step("nothing is skipped silently: a reason is asked for, and can be taken back", async () => {
		await page.click("#step-team summary");
		await page.fill("#step-team textarea", "later");
		await page.click("#step-team button:has-text('Put it off')");
		assert.equal(await state("team"), "open");
		await page.fill("#step-team textarea", "The others begin on Monday.");
		await page.click("#step-team button:has-text('Put it off')");
		await becomes("team", "deferred");
		assert.ok((await text("#step-team")).includes("The others begin on Monday."));
		await page.click("#step-team button:has-text('Take it up again')");
		await becomes("team", "open");
	});
	await step("mail: the relay is set, a test goes through it", async () => {
		await page.click("#step-mail a:has-text('Set the relay')");
		await heading("Mail");
		await page.getByLabel("Relay", { exact: false }).first().fill("localhost");
		await page.fill("#m-port", String(F.relay));
		await page.fill("#m-from", "help@clinic.example");
		await page.locator("textarea").fill(F.ca);
		await page.getByRole("button", { name: "Save" }).click();
		await notice("Saved.");
		await page.goto(U + "/admin/setup");
		await page.click("#step-mail button:has-text('Send a test')");
		await page.waitForSelector("#step-mail [role=status]:has-text('held')");
		await page.click("#step-mail a:has-text('Destinations')");
		await page.getByRole("button", { name: "New", exact: true }).click();
		await box(page).getByLabel("Address or domain").fill("clinic.example");
		await box(page).getByRole("button", { name: "Save" }).click();
		await page.waitForSelector("td:has-text('clinic.example')");
		await page.goto(U + "/admin/setup");
		await page.click("#step-mail button:has-text('Send a test')");
		await becomes("mail", "done");
	});
	await step("the policy is chosen, the team begun", async () => {
		await page.click("#step-policy button:has-text('Keep what is in force')");
		await becomes("policy", "done");
		await page.click("#step-team button:has-text('Invite')");
		await box(page).getByLabel("Name").fill("Ana Second");
		await box(page).getByLabel("E-mail").fill("ana@clinic.example");
		await look("invite");
		await box(page).getByRole("button", { name: "Make the account and invite" }).click();
		await seen("#handover");
		invited = await text("#handover");
		assert.match(invited, /\/password\/reset\?token=[\w-]{43}$/);
		await look("invite-done");
		await box(page).getByRole("button", { name: "I have handed it over" }).click();
		await becomes("team", "done");
		await page.waitForSelector(":text('The desk is safe to begin with.')");
		await look("setup-done");
		await page.goto(U + "/admin/people");
		await heading("People");
		assert.equal((await page.$$(".notice")).length, 0);
		await page.waitForSelector("tr:has-text('Ana Second') .state:has-text('invited')");
		await look("people-invited");
		const old = invited;
		await page.click("#waiting summary");
		await look("people-waiting");
		await page.getByRole("button", { name: "Send again to Ana Second" }).click();
		invited = await page.locator("#handover").textContent();
		assert.notEqual(invited, old);
		await box(page).getByRole("button", { name: "I have handed it over" }).click();
	});
	await step("who was invited sets a password, comes in and sets up a second factor", async () => {
		await page.click("#leave");
		await seen("#sign-in");
		await page.goto(invited);
		await heading("Welcome to the help desk");
		await look("invitation");
		await page.fill("input[name=password]", "a password of her own");
		await page.fill("input[name=again]", "a password of her own");
		await page.click("form button");
		await page.click("a.go");
		await seen("#sign-in");
		await page.fill("input[name=email]", "ana@clinic.example");
		await page.fill("input[name=password]", "a password of her own");
		await page.press("input[name=password]", "Enter");
		await heading("second factor");
	});
	await step("no complaint in the console, nothing from elsewhere", async () => quiet({ refused: 12, denied: 6 }));
	await end();
}

async function office() {
	const { page, step, text, seen, notice, heading, signIn, signOut, look, quiet, end } = await browser();
	const settled = async () => { await page.waitForFunction(() => !document.querySelector("main [role=status]:has(> span:only-child)") && !document.querySelector(".empty[role=status]")); await page.waitForTimeout(120); };
	const open = async (p) => { await page.goto(U + p); await seen("main h1"); await settled(); };
	const confirm = async (word, button) => { const b = box(page); await b.locator("input").last().fill(word); await b.getByRole("button", { name: button, exact: true }).click(); };
	await page.goto(U + "/");
	await signIn(F.admin);
	await step("keys: rotated with a typed word, to the end", async () => {
		await open("/admin/keys");
		await page.getByRole("button", { name: "Rotate the account key" }).click();
		assert.match(await text("dialog[open]"), /version 2 is made, and \d+ data keys/);
		assert.ok(await box(page).getByRole("button", { name: "Rotate the account key" }).isDisabled());
		await look("keys-sure");
		await confirm("ROTATE", "Rotate the account key");
		await page.waitForSelector("#rotation:has-text('every key is wrapped by the newest')");
		await look("keys-rotated");
		await page.getByRole("button", { name: "Rotate the root key" }).click();
		await confirm("ROTATE", "Rotate the root key");
		await notice("The root key is a new one.");
		await page.waitForSelector("main :text('Nobody has proven')");
		await page.waitForSelector(".notice:has-text('1 step to a safe desk')");
	});
	await step("who is signed in; a session is ended", async () => {
		await page.evaluate(async (who) => {
			await fetch("/api/ward/v1/session", { method: "POST", credentials: "omit", headers: { "Content-Type": "application/json", "X-Requested-With": "XMLHttpRequest" }, body: JSON.stringify(who) });
		}, { email: F.staff.agent.email, password: F.staff.agent.password, code: F.staff.agent.codes.pop() });
		await open("/admin/sessions");
		await page.waitForSelector("#sessions tr:has-text('Mara Ostrov')");
		await look("sessions");
		await page.locator("#sessions tr", { hasText: "Mara Ostrov" }).getByRole("button", { name: "End" }).click();
		await confirm("Mara Ostrov", "End");
		await page.waitForSelector("#sessions tr:has-text('Mara Ostrov')", { state: "detached" });
	});
	await step("sign-in settings: less than is safe is refused with the rule", async () => {
		await open("/admin/sessions");
		await page.fill("#l-idle_minutes", "90");
		await page.click("#limits button[type=submit]");
		await page.waitForSelector("#l-idle_minutes-says:has-text('45 CFR 164.312')");
		await look("sign-in-wrong");
		await page.fill("#l-idle_minutes", "20");
		await page.click("#limits button[type=submit]");
		await notice("Saved.");
		assert.equal(await page.inputValue("#l-idle_minutes"), "20");
		await page.locator("#factor select").selectOption("admins");
		await page.waitForSelector("#counted:has-text('with a password alone')");
		await look("sign-in-factor");
		await box(page).getByRole("button", { name: "Change it" }).click();
		await notice("Saved.");
		await page.waitForFunction(() => document.querySelector("#factor select").value === "admins");
		await page.locator("#factor select").selectOption("staff");
		await box(page).getByRole("button", { name: "Change it" }).click();
		await page.waitForFunction(() => document.querySelector("#factor select").value === "staff");
		await look("sign-in");
	});
	await step("a deletion schedule: what would go in numbers, a typed confirmation, a run", async () => {
		await open("/admin/retention");
		await page.getByRole("button", { name: "New schedule" }).click();
		await box(page).getByLabel("Title").fill("Seven years");
		await box(page).getByLabel("Not changed for").fill("7");
		await look("retention-editor");
		await box(page).getByRole("button", { name: "Save" }).click();
		await page.waitForSelector("tr:has-text('Seven years') .state:has-text('off')");
		await page.getByRole("button", { name: "What would go" }).click();
		assert.match(await text("#would"), /0 tickets would be erased/);
		await box(page).getByRole("button", { name: "Close" }).click();
		await page.getByRole("button", { name: "Switch on" }).click();
		await page.waitForSelector("#counted:has-text('0 tickets')");
		await look("retention-sure");
		await confirm("Seven years", "Switch on");
		await page.waitForSelector("tr:has-text('Seven years') .state.good");
		await page.getByRole("button", { name: "Run now" }).click();
		await page.waitForSelector("#counted:has-text('Seven years')");
		await confirm("ERASE", "Run now");
		await notice("0 tickets were erased");
		await look("retention");
	});
	await step("a role with a readable matrix", async () => {
		await open("/admin/roles");
		await page.getByRole("button", { name: "New", exact: true }).click();
		await box(page).getByLabel("Name").fill("Night watch");
		await box(page).getByLabel("Which tickets").selectOption("assigned-only");
		await box(page).getByLabel("Redact", { exact: true }).check();
		await look("role-editor");
		await box(page).getByRole("button", { name: "Save" }).click();
		await page.waitForSelector("#role-matrix th:has-text('Night watch')");
		assert.match(await text("#role-matrix tr:has-text('Which tickets')"), /assigned only/);
		assert.match(await text("#role-matrix tr:has(th:text-is('Redact'))"), /✓/);
		await look("roles-matrix");
	});
	await step("hours of work with a holiday, an SLA policy with targets", async () => {
		await open("/admin/schedules");
		await page.getByRole("button", { name: "New schedule" }).click();
		await box(page).getByLabel("Name").fill("Clinic hours");
		await box(page).getByLabel("Time zone").fill("America/New_York");
		await box(page).getByLabel("Friday, closes 1").fill("08:00");
		await box(page).getByRole("button", { name: "Save" }).click();
		await box(page).locator("[role=alert]:has-text('Friday')").waitFor();
		await box(page).getByLabel("Friday, closes 1").fill("13:00");
		await look("schedule-editor");
		await box(page).getByRole("button", { name: "Save" }).click();
		await box(page).getByLabel("Holiday", { exact: true }).fill("New Year");
		await box(page).getByLabel("From").fill("2027-01-01");
		await box(page).getByRole("button", { name: "Add holiday" }).click();
		await box(page).locator("li:has-text('New Year')").waitFor();
		await page.keyboard.press("Escape");
		await page.waitForSelector("td:has-text('Fri 09:00–13:00')");
		await page.getByRole("button", { name: "New", exact: true }).click();
		await box(page).getByLabel("Name").fill("Night clinic");
		await box(page).getByRole("button", { name: "Save" }).click();
		await box(page).getByLabel("Holiday", { exact: true }).waitFor();
		await page.keyboard.press("Escape");
		await page.waitForSelector("tr:has-text('Night clinic')");
		assert.deepEqual(await page.$$eval("tbody tr td:first-child", (l) => l.map((x) => x.textContent)), ["Clinic hours (Default)", "Night clinic"]);
		await open("/admin/triggers");
		await page.getByRole("button", { name: "New", exact: true }).click();
		await box(page).getByRole("button", { name: "Add action" }).click();
		await box(page).getByLabel("Action 1", { exact: true }).selectOption("set_schedule");
		await box(page).getByLabel("Value 1").selectOption({ label: "Night clinic" });
		await page.keyboard.press("Escape");
		await open("/admin/slas");
		await page.getByRole("button", { name: "New SLA policy" }).click();
		await box(page).getByLabel("Title").fill("Urgent first");
		await box(page).getByRole("button", { name: "Add condition" }).first().click();
		await box(page).getByLabel("Condition 1", { exact: true }).selectOption("priority");
		await box(page).getByLabel("Value 1").selectOption("urgent");
		await box(page).getByLabel("First reply, Urgent").fill("soon");
		await box(page).getByRole("button", { name: "Save" }).click();
		await box(page).locator("[role=alert]:has-text('is no time')").waitFor();
		await box(page).getByLabel("First reply, Urgent").fill("30m");
		await box(page).getByLabel("Total resolution, Urgent").fill("1d");
		await box(page).getByLabel("Hours, Urgent").selectOption("b");
		await look("sla-editor");
		await box(page).getByRole("button", { name: "Save" }).click();
		await page.waitForSelector("td:has-text('Urgent first')");
	});
	await step("a group's policy beside it", async () => {
		await page.getByRole("button", { name: "New group policy" }).first().click();
		await box(page).getByLabel("Title").fill("Leaves the front desk");
		await box(page).getByRole("button", { name: "Add condition" }).first().click();
		await box(page).getByLabel("Condition 1", { exact: true }).selectOption("priority");
		await box(page).getByLabel("Value 1").selectOption("urgent");
		await box(page).getByLabel("Group ownership, Urgent").fill("1h");
		await look("group-sla-editor");
		await box(page).getByRole("button", { name: "Save" }).click();
		await page.waitForSelector("#group-policies td:has-text('Leaves the front desk')");
		await look("group-sla");
	});
	await step("a brand has a host of its own", async () => {
		await open("/admin/articles");
		await page.getByRole("button", { name: "Add a brand" }).click();
		await page.waitForSelector("#brand");
		await page.getByLabel("Own host").fill("help.eyes.example");
		await page.locator("form.panel").getByLabel("Name").fill("Eye clinic");
		await page.locator("form.panel button[type=submit]").click();
		await page.waitForSelector("#brand option:has-text('Eye clinic')", { state: "attached" });
		assert.equal(await page.getByLabel("Own host").inputValue(), "help.eyes.example");
		await look("brands");
	});
	await step("a drop-down is made with its choices", async () => {
		await open("/admin/fields");
		await page.getByRole("button", { name: "New", exact: true }).click();
		await box(page).getByLabel("Type", { exact: true }).selectOption("tagger");
		await box(page).getByLabel("Name", { exact: true }).fill("Ward");
		await box(page).getByLabel(/^Choices/).fill("Follow-up visit\nNew patient = new_one");
		await box(page).getByRole("button", { name: "Save" }).click();
		await page.waitForSelector("tr:has-text('drop-down') >> text=Ward");
		const made = await page.evaluate(async () => (await (await fetch("/api/v2/ticket_fields.json")).json()).ticket_fields.find((f) => f.title === "Ward").custom_field_options.map((o) => [o.name, o.value]));
		assert.deepEqual(made, [["Follow-up visit", "follow_up_visit"], ["New patient", "new_one"]]);
		await page.locator("tr", { hasText: "Ward" }).getByRole("button", { name: "Delete" }).click();
		await seen("#counted");
		assert.match(await text("#counted"), /There are \d+ tickets/);
		await page.keyboard.press("Escape");
	});
	await step("a form whose field appears only then", async () => {
		await open("/admin/forms");
		await page.getByRole("button", { name: "New", exact: true }).click();
		await box(page).getByLabel("Name", { exact: true }).fill("Billing");
		await box(page).getByLabel("Add a field…").selectOption({ label: "Reason" });
		await box(page).getByLabel("Add a field…").selectOption({ label: "Invoice" });
		await box(page).getByRole("button", { name: "Add condition" }).first().click();
		await box(page).getByLabel("For agents, condition 1: field").selectOption({ label: "Reason" });
		await box(page).getByLabel("For agents, condition 1: value").selectOption("billing");
		await box(page).getByRole("group", { name: "Fields of condition 1" }).getByLabel("Invoice").check();
		await box(page).getByLabel("must be filled in").check();
		await look("form-editor");
		await box(page).getByRole("button", { name: "Save" }).click();
		await page.waitForSelector("tr:has-text('Billing')");
	});
	await step("a view for one group, made in the admin centre", async () => {
		await open("/admin/views");
		await page.getByRole("button", { name: "New", exact: true }).click();
		await seen("#view-editor");
		await page.getByLabel("Title").fill("Waiting at the desk");
		await page.getByLabel("Who sees it").selectOption("Group");
		await page.locator("#view-editor fieldset", { hasText: "Which groups" }).locator("input").first().check();
		await page.click("#view-preview button");
		await page.waitForFunction(() => /^[\d,]+ tickets? now$/.test(document.querySelector("#view-preview [role=status]").textContent));
		await page.click("#view-editor button[type=submit]");
		await notice("Saved.");
		await page.waitForSelector("table.list tr:has-text('Waiting at the desk')");
		const made = (await page.evaluate(() => fetch("/api/v2/views.json?per_page=100").then((r) => r.json()))).views.find((v) => v.title === "Waiting at the desk");
		assert.equal(made.restriction.type, "Group");
		await look("admin-views");
	});
	await step("a policy is drafted, tried on past tickets, then switched on", async () => {
		await open("/admin/policy");
		await page.getByRole("button", { name: "Draft a change" }).click();
		await page.getByRole("button", { name: "Add rule" }).click();
		const last = page.locator("ol > li").last();
		await last.locator("summary").first().click();
		await last.getByLabel("Record number").check();
		await last.locator("details").first().getByLabel("Name", { exact: true }).uncheck();
		for (let i = 0; i < 3; i++) await page.locator("ol > li").nth(3 - i).getByRole("button", { name: "Move up" }).click().catch(() => undefined);
		await page.getByLabel("Why").fill("Record numbers are not needed here.");
		await look("policy-draft");
		await page.getByRole("button", { name: "Save as draft" }).click();
		await seen("[data-trial]");
		await page.getByRole("button", { name: "Try", exact: true }).click();
		await page.waitForSelector("[data-trial] :text('would be treated otherwise')");
		assert.match(await text("[data-trial]"), /1[01] tickets, \d+ findings: 9 would/);
		await page.click("[data-trial] summary:has-text('Examples')");
		await page.waitForSelector("[data-trial] li:has-text('[MRN]')");
		assert.doesNotMatch(await text("[data-trial]"), /00482\d{3}|555-0148/);
		await look("policy-trial");
		await page.getByRole("button", { name: "Switch on" }).first().click();
		await seen("#counted");
		assert.match(await text("#counted"), /fields of the matrix change.*Tried: [1-9]/s);
		await look("policy-sure");
		await confirm("1", "Switch on");
		await notice("The policy is in force.");
	});
	await step("the trail is verified, filtered, read before and after, exported", async () => {
		await open("/admin/trail");
		await page.getByRole("button", { name: "Verify now" }).click();
		await page.waitForSelector("#proof .state.good");
		assert.match(await text("#proof"), /events and \d+ checkpoints are as they were written/);
		await page.click("#proof summary:has-text('checkpoint')");
		await page.getByLabel("Kind of object").selectOption("phi_policy");
		await page.waitForSelector("#events td:has-text('phi_policy.activate')");
		await page.getByLabel("What was done").fill("phi_policy.draft");
		await page.waitForFunction(() => { const r = [...document.querySelectorAll("#events tbody tr")]; return r.length === 1 && r[0].textContent.includes("phi_policy.draft"); });
		await page.getByRole("button", { name: /Details of event/ }).click();
		await page.waitForSelector(".diff");
		await look("trail-open");
		const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "As CSV" }).click()]);
		const csv = fs.readFileSync(await file.path(), "utf8");
		assert.match(csv, /^event,at,actor_id/);
		assert.equal(csv.trim().split("\r\n").length, 2);
		const [signed] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Signed export" }).click()]);
		assert.match(fs.readFileSync(await signed.path(), "utf8"), /^\{/);
	});
	await step("who saw this person", async () => {
		await open("/admin/looks");
		await page.getByLabel("Person", { exact: true }).fill("Nadia");
		const option = await page.waitForFunction(() => [...document.querySelectorAll("datalist option")].map((o) => o.value).find((v) => v.startsWith("Nadia Fairbanks")));
		await page.getByLabel("Person", { exact: true }).fill(await option.jsonValue());
		await page.waitForSelector(":text('Every look at Nadia Fairbanks')");
		await page.waitForSelector("table td:has-text('user #')");
		await look("looks-person");
	});
	await step("tickets are destroyed after their number was typed", async () => {
		await open("/admin/deleted");
		await page.getByLabel("Choose all shown").check();
		await page.getByRole("button", { name: "Destroy for good" }).click();
		await seen("#counted");
		assert.match(await text("#counted"), /2 tickets are destroyed/);
		await look("deleted-sure");
		await confirm("2", "Destroy for good");
		await notice("destruction has begun");
		await page.waitForFunction(async () => (await (await fetch("/api/v2/deleted_tickets.json")).json()).deleted_tickets.length === 0, null, { polling: 500 });
	});
	await step("an API token is made, shown once", async () => {
		await open("/admin/tokens");
		await page.getByRole("button", { name: "New token" }).first().click();
		await box(page).getByLabel("For").fill("nightly export");
		await box(page).getByLabel("It may only read").check();
		await look("token-new");
		await box(page).getByRole("button", { name: "Make it" }).click();
		await seen("#token");
		const clear = await text("#token");
		await box(page).getByRole("button", { name: "Close" }).click();
		await page.waitForSelector("td:has-text('nightly export')");
		assert.ok(!(await page.content()).includes(clear));
	});
	await step("deleting somebody says in numbers what follows", async () => {
		await open("/admin/people");
		await page.locator("tr", { hasText: "Mara Ostrov" }).getByRole("button", { name: "Delete" }).click();
		await seen("#counted");
		assert.match(await text("#counted"), /0 requested, 0 assigned/);
		await page.keyboard.press("Escape");
		await open("/admin/groups");
		await page.locator("tr", { hasText: "Support" }).getByRole("button", { name: "Delete" }).click();
		await seen("#counted");
		assert.match(await text("#counted"), /\d+ members, \d+ tickets/);
		await page.keyboard.press("Escape");
	});
	await step("reports: a picture, a table and a CSV of each", async () => {
		await open("/reports");
		const parts = await page.$$eval("nav.tabs a", (a) => a.map((x) => x.getAttribute("href")));
		assert.equal(parts.length, 7);
		for (const p of parts) {
			await open(p);
			await page.waitForFunction(() => [...document.querySelectorAll("figure")].every((f) => f.querySelector("canvas") || f.querySelector("p.soft")));
			await page.waitForTimeout(400);
			for (const s of await page.$$("figure details summary")) await s.click();
			await look("reports" + p.replace(/\//g, "-").replace("-reports", ""));
			for (const href of await page.$$eval("figure figcaption a", (a) => a.map((x) => x.getAttribute("href")))) {
				const r = await page.evaluate(async (h) => { const x = await fetch(h); return [x.status, x.headers.get("content-type"), await x.text()]; }, href);
				assert.equal(r[0], 200, href);
				assert.match(r[1], /^text\/csv/);
			}
		}
		await open("/reports/phi");
		assert.match(await text("#figure-phi_found_kinds table"), /Record number/);
		await page.selectOption("select[aria-label=Time]", { label: "365 days" });
		await page.waitForFunction(() => document.querySelectorAll("#figure-phi_found table tbody tr").length > 300);
	});
	const paths = async () => { await open("/admin/people"); return ["/agent/views", "/agent/search", "/agent/new", "/agent/tickets/" + F.first, "/reports", ...await page.$$eval("nav.side a", (all) => all.map((a) => a.getAttribute("href")))]; };
	const every = await paths();
	await step("every page in dark", async () => {
		await page.emulateMedia({ colorScheme: "dark" });
		for (const p of every) {
			await open(p).catch(() => undefined);
			await look("dark" + p.replace(/\//g, "-"), true);
		}
		await page.emulateMedia({ colorScheme: "light" });
	});
	await step("every page at 200 %, and still for who wants stillness", async () => {
		await page.emulateMedia({ reducedMotion: "reduce" });
		await page.setViewportSize({ width: 720, height: 450 });
		for (const p of every) {
			await page.goto(U + p);
			await seen("main");
			await settled();
			assert.ok(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth) <= 0, p + " at 200 %");
			assert.equal(await page.evaluate(() => document.getAnimations().filter((a) => a.playState === "running").length), 0, p + " is still");
			// What can be pressed is not cut off by the page's side.
			assert.deepEqual(await page.$$eval("main button, main a, main input, main select", (all) => all.filter((e) => { const r = e.getBoundingClientRect(); return r.width > 0 && (r.right > innerWidth + 1 || r.left < -1) && !e.closest(".scroll, .side, nav, .tabs, table"); }).map((e) => e.outerHTML.slice(0, 120))), [], p + " at 200 %");
		}
		await page.emulateMedia({ reducedMotion: "no-preference" });
		await page.setViewportSize({ width: 1440, height: 900 });
	});
	await step("Spanish: every page has its words", async () => {
		await page.evaluate(() => localStorage.setItem("ward.language", "es"));
		for (const p of every.filter((x) => /admin|reports/.test(x))) {
			await page.goto(U + p);
			await seen("main h1");
			await settled();
			// A key without words shows itself: "setup.title".
			assert.deepEqual((await page.textContent("main")).match(/\b(admin|setup|keyring|sessions|slas|schedules|forms|deleted|roles|trail|looks|jobs|policy|report|invite|records|people)\.[a-zA-Z_.]+\b/g)?.filter((w) => !/trail\.(verif|export)|keyring\.db|\.(create|update|redact|prove|defer|reopen|draft|activate)$/.test(w)) || [], [], p);
		}
		await page.goto(U + "/admin/setup");
		await look("setup-es");
		await page.evaluate(() => localStorage.setItem("ward.language", "en"));
		await page.goto(U + "/");
		await seen(".shell");
		await signOut();
	});
	await step("a compliance officer finds proof in two clicks, and can change nothing", async () => {
		await signIn(F.staff.officer);
		await heading("Trail");
		assert.equal(page.url(), U + "/admin/trail");
		assert.deepEqual(await page.$$eval("nav.rail a", (all) => all.map((a) => a.getAttribute("href"))), ["/reports", "/admin"]);
		assert.deepEqual(await page.$$eval("nav.side a", (all) => all.map((a) => a.getAttribute("href").slice(7))), F.proof);
		assert.equal((await page.$$("header [role=search], header a[href='/agent/new']")).length, 0);
		await look("officer-trail");
		await page.getByRole("button", { name: "Verify now" }).click();
		await page.waitForSelector("#proof .state.good");
		await page.click("nav.side a:has-text('Who saw what')");
		await heading("Who saw what");
		await page.getByLabel("Person", { exact: true }).fill("#" + F.nadia);
		await page.waitForSelector("main table tbody tr:has-text('Mara Ostrov')");
		await look("officer-looks");
		for (const p of F.proof) {
			await open("/admin/" + p);
			assert.deepEqual(await page.$$eval("main button", (all) => all.filter((b) => b.offsetParent).map((b) => b.textContent).filter((w) => /^(New|Draft|Save|Change|Delete|Rotate|Switch|Discard|Use this)/.test(w))), [], p + " offers no change");
		}
		await page.goto(U + "/agent/tickets/" + F.first);
		await seen("#masked");
		assert.equal((await page.$$("#reply, #redact, #merge")).length, 0);
		assert.ok(!(await text("#conversation")).includes("00482913"));
		await look("officer-ticket");
		await page.click("#masked button");
		await page.locator("dialog[open] textarea, dialog[open] input").first().fill("Complaint 12: was the number sent to anybody");
		await page.locator("dialog[open] button[type=submit]").click();
		await page.waitForFunction(() => document.querySelector("#conversation").textContent.includes("00482913"));
		await page.goto(U + "/admin/people");
		await seen(".empty");
		assert.equal((await page.$$("main table, main form")).length, 0);
		await page.goto(U + "/");
		await seen(".shell");
		await signOut();
	});
	for (const [role, who] of [["agent", F.staff.agent], ["assigned", F.staff.assigned], ["end", F.end]])
		await step("every page opened by " + role, async () => {
			await page.goto(U + "/");
			await signIn(who);
			for (const p of [...every, "/requests", "/requests/new", "/reports/looks", "/admin/nothing"]) {
				await page.goto(U + p);
				await seen("main");
				await page.waitForFunction(() => document.querySelector("main").textContent.trim().length > 0);
				await settled();
				if (p.startsWith("/admin")) assert.equal((await page.$$("main table, main form")).length, 0, p + " shows nothing to " + role);
			}
			await page.goto(U + "/");
			await seen(".shell");
			await signOut();
		});
	await step("no complaint in the console, nothing from elsewhere", async () => quiet({ refused: 30, denied: 200 }));
	await end();
}

({ first, office })[process.argv[3]]().catch((e) => { console.error(e); process.exit(1); });
