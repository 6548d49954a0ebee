// The unmodified node-zendesk client against a running desk: what people's scripts do.
// node node-zendesk.js PORT EMAIL TOKEN, with NODE_PATH and NODE_EXTRA_CA_CERTS set.
"use strict";
const assert = require("node:assert/strict");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { createClient } = require("node-zendesk");

const [port, email, token] = process.argv.slice(2);
const client = createClient({ username: email, token, endpointUri: `https://localhost:${port}/api/v2` });

async function refused(promise, status, what) {
	try {
		await promise;
	} catch (e) {
		assert.match(e.message, new RegExp("\\(" + status + "\\)"), what);
		return e;
	}
	assert.fail(what + " was not refused");
}

async function main() {
	let n = 0;
	const step = async (what, fn) => { await fn(); n++; console.log("ok", what); };
	let ticket, user, group, org;

	await step("users.me", async () => {
		const { result } = await client.users.me();
		assert.equal(result.email, email);
		assert.equal(result.role, "admin");
	});
	await step("users.create", async () => {
		({ result: user } = await client.users.create({ user: { name: "Nora Nodeclient", email: "nora@patients.example", phone: "+13125550177" } }));
		assert.ok(user.id > 0);
		assert.equal(user.role, "end-user");
	});
	await step("users.create twice is refused", async () => {
		await refused(client.users.create({ user: { name: "Nora Again", email: "nora@patients.example" } }), 422, "a double");
	});
	await step("users.update", async () => {
		const { result } = await client.users.update(user.id, { user: { notes: "prefers mornings" } });
		assert.equal(result.notes, "prefers mornings");
	});
	await step("users.show", async () => assert.equal((await client.users.show(user.id)).result.name, "Nora Nodeclient"));
	await step("users.createOrUpdate", async () => {
		const { result } = await client.users.createOrUpdate({ user: { name: "Nora N. Client", email: "nora@patients.example" } });
		assert.equal(result.id, user.id);
		assert.equal(result.name, "Nora N. Client");
	});
	await step("users.search", async () => {
		for (const query of ["nora@patients.example", "Nora", "client"])
			assert.deepEqual((await client.users.search({ query })).map((u) => u.id), [user.id], query);
	});
	await step("groups", async () => {
		({ result: group } = await client.groups.create({ group: { name: "Node group" } }));
		assert.equal((await client.groups.show(group.id)).result.name, "Node group");
		const all = await client.groups.list();
		assert.ok(all.some((g) => g.id === group.id));
	});
	await step("organizations", async () => {
		({ result: org } = await client.organizations.create({ organization: { name: "Node Clinic" } }));
		assert.equal((await client.organizations.show(org.id)).result.name, "Node Clinic");
	});
	await step("tickets.create", async () => {
		({ result: ticket } = await client.tickets.create({ ticket: {
			subject: "Inhaler from node", comment: { body: "The spacer of my inhaler is broken." }, requester_id: user.id, priority: "normal", tags: ["node", "device"] } }));
		assert.equal(ticket.status, "new");
		assert.deepEqual(ticket.tags, ["device", "node"]);
	});
	await step("tickets.show", async () => {
		const { result } = await client.tickets.show(ticket.id);
		assert.equal(result.subject, "Inhaler from node");
		assert.ok(Array.isArray(result.fields) && Array.isArray(result.custom_fields));
	});
	await step("tickets.update with a comment", async () => {
		const { result } = await client.tickets.update(ticket.id, { ticket: { status: "open", comment: { body: "A new one is on its way.", public: true } } });
		assert.equal(result.status, "open");
	});
	await step("tickets.getComments", async () => {
		const comments = await client.tickets.getComments(ticket.id);
		assert.equal(comments.length, 2);
		assert.equal(comments[1].body, "A new one is on its way.");
	});
	await step("tickets.exportAudit", async () => {
		const audits = await client.tickets.exportAudit(ticket.id);
		assert.ok(JSON.stringify(audits.result ?? audits).includes("Comment"));
	});
	await step("tickets.list walks every page", async () => {
		for (let i = 0; i < 120; i++)
			await client.tickets.create({ ticket: { subject: "Page " + i, comment: { body: "one of many" } } });
		const all = await client.tickets.list();
		assert.equal(new Set(all.map((t) => t.id)).size, all.length);
		assert.equal(all.length, 121);
	});
	await step("tickets.listByUserRequested", async () => {
		const all = await client.tickets.listByUserRequested(user.id);
		assert.deepEqual(all.map((t) => t.id), [ticket.id]);
	});
	await step("tickets.showMany", async () => {
		const { result } = await client.tickets.showMany([ticket.id, ticket.id + 1]);
		assert.equal((Array.isArray(result) ? result : result.tickets).length, 2);
	});
	await step("search.query", async () => {
		const { result } = await client.search.query("type:ticket spacer");
		const rows = Array.isArray(result) ? result : result.results;
		assert.deepEqual(rows.map((t) => t.id), [ticket.id]);
		assert.equal(rows[0].result_type, "ticket");
	});
	await step("search.queryAll", async () => assert.equal((await client.search.queryAll("type:ticket many")).length, 120));
	await step("tickets.createMany and jobstatuses.watch", async () => {
		const { result } = await client.tickets.createMany({ tickets: [{ subject: "Bulk 1", comment: { body: "b1" } }, { subject: "Bulk 2", comment: { body: "b2" } }] });
		const job = result.job_status ?? result;
		const end = await client.jobstatuses.watch(job.id, 100, 50);
		assert.equal((end.job_status ?? end.result?.job_status ?? end.result ?? end).status, "completed");
	});
	await step("organizations.update, list and delete", async () => {
		assert.equal((await client.organizations.update(org.id, { organization: { notes: "open on Mondays", external_id: "node-1" } })).result.notes, "open on Mondays");
		assert.deepEqual((await client.organizations.list()).map((o) => o.id), [org.id]);
		const found = await client.organizations.search("node-1");
		assert.deepEqual((Array.isArray(found) ? found : found.result.organizations ?? found.result).map((o) => o.id), [org.id]);
		const { result } = await client.organizations.create({ organization: { name: "Short Clinic" } });
		await client.organizations.delete(result.id);
		await refused(client.organizations.show(result.id), 404, "a deleted organization");
	});
	await step("attachments", async () => {
		const file = path.join(os.tmpdir(), `ward-node-${process.pid}.bin`);
		const bytes = Buffer.from(Array.from({ length: 5000 }, (_, i) => i % 256));
		fs.writeFileSync(file, bytes);
		let up;
		try {
			up = await client.attachments.upload(file, { filename: "spacer.bin" });
		} finally {
			fs.unlinkSync(file);
		}
		const uploaded = (up.result?.upload ?? up.upload ?? up.result ?? up).token;
		assert.ok(uploaded, JSON.stringify(up));
		await client.tickets.update(ticket.id, { ticket: { comment: { body: "A picture of it.", public: false, uploads: [uploaded] } } });
		const at = (await client.tickets.getComments(ticket.id)).at(-1).attachments[0];
		assert.equal(at.file_name, "spacer.bin");
		assert.equal(at.size, 5000);
		const { result } = await client.attachments.show(at.id);
		assert.equal((result.attachment ?? result).id, at.id);
		const got = await fetch(at.content_url, { headers: { Authorization: "Basic " + Buffer.from(`${email}/token:${token}`).toString("base64") } });
		assert.deepEqual(Buffer.from(await got.arrayBuffer()), bytes);
	});
	await step("views", async () => {
		const { result: view } = await client.views.create({ view: { title: "Node's", all: [{ field: "current_tags", operator: "includes", value: "node" }, { field: "status", operator: "less_than", value: "solved" }],
			output: { columns: ["subject", "requester"] } } });
		assert.ok((await client.views.list()).some((v) => v.id === view.id));
		assert.ok((await client.views.listActive()).some((v) => v.id === view.id));
		assert.deepEqual((await client.views.tickets(view.id)).flatMap((p) => p.tickets ?? [p]).map((t) => t.id), [ticket.id]);
		const count = (await client.views.showCount(view.id)).result;
		assert.equal((count.view_count ?? count).value, 1);
		const counts = (await client.views.showCounts([view.id])).result;
		assert.deepEqual((counts.view_counts ?? counts).map((c) => c.value), [1]);
		assert.equal((await client.views.update(view.id, { view: { title: "Of node" } })).result.title, "Of node");
		// views.delete() of this version calls itself without end
		assert.equal((await client.views.update(view.id, { view: { active: false } })).result.active, false);
		assert.ok(!(await client.views.listActive()).some((v) => v.id === view.id));
	});
	await step("macros", async () => {
		const made = (await client.macros.create({ macro: { title: "Solve it", actions: [{ field: "status", value: "solved" }] } })).result;
		const macro = made.macro ?? made;
		assert.ok((await client.macros.list()).some((m) => m.id === macro.id));
		const { result } = await client.macros.applyTicket(ticket.id, macro.id);
		assert.equal((result.result ?? result).ticket.status, "solved");
		const changed = (await client.macros.update(macro.id, { macro: { title: "Close it" } })).result;
		assert.equal((changed.macro ?? changed).title, "Close it");
		await client.macros.delete(macro.id);
		await refused(client.macros.show(macro.id), 404, "a deleted macro");
	});
	await step("triggers", async () => {
		const { result: trigger } = await client.triggers.create({ trigger: { title: "Tag the urgent",
			conditions: { all: [{ field: "priority", operator: "is", value: "urgent" }], any: [] }, actions: [{ field: "current_tags", value: "burning" }] } });
		assert.ok((await client.triggers.list()).some((t) => t.id === trigger.id));
		await client.tickets.update(ticket.id, { ticket: { priority: "urgent" } });
		assert.ok((await client.tickets.show(ticket.id)).result.tags.includes("burning"));
		await client.triggers.delete(trigger.id);
		await refused(client.triggers.show(trigger.id), 404, "a deleted trigger");
	});
	await step("tickets.incremental to the end", async () => {
		const ids = (await client.tickets.incremental(1)).map((t) => t.id);
		assert.equal(new Set(ids).size, 123);
		assert.ok(ids.includes(ticket.id));
	});
	await step("ticketexport.exportCursor to the end", async () => {
		const ids = new Set();
		let page = (await client.ticketexport.exportCursor(1, "")).result;
		for (let n = 0; n < 10; n++) {
			page.tickets.forEach((t) => ids.add(t.id));
			if (page.end_of_stream)
				break;
			page = (await client.ticketexport.exportCursor("", page.after_cursor)).result;
		}
		assert.equal(ids.size, 123);
	});
	await step("users.incremental and organizations.incremental", async () => {
		assert.ok((await client.users.incremental(1)).some((u) => u.id === user.id));
		assert.ok((await client.organizations.incremental(1)).some((o) => o.id === org.id));
	});
	await step("too many values", async () => {
		await refused(client.tickets.createMany({ tickets: Array(101).fill({ subject: "x", comment: { body: "x" } }) }), 400, "101 tickets");
		await refused(client.tickets.showMany(Array.from({ length: 101 }, (_, i) => i + 1)), 400, "101 ids");
	});
	await step("requests", async () => {
		const { result } = await client.requests.create({ request: { subject: "From requests", comment: { body: "hello" } } });
		assert.equal((await client.requests.getRequest(result.id)).result.subject, "From requests");
	});
	await step("wrong input is refused", async () => {
		await refused(client.tickets.create({ ticket: { subject: "x", comment: { body: "" }, priority: "soon" } }), 422, "a wrong ticket");
	});
	await step("tickets.delete", async () => {
		await client.tickets.delete(ticket.id);
		await refused(client.tickets.show(ticket.id), 404, "a deleted ticket");
	});
	await step("users.delete", async () => {
		const { result } = await client.users.delete(user.id);
		assert.equal((result?.active ?? result?.user?.active) === true, false);
	});
	await step("a wrong token", async () => {
		const other = createClient({ username: email, token: "wrong", endpointUri: `https://localhost:${port}/api/v2` });
		await refused(other.tickets.show(1), 401, "a wrong token");
	});
	console.log(n + " steps");
}

main().catch((e) => {
	console.log("FAIL", e.stack, JSON.stringify(e.result ?? null));
	process.exit(1);
});
