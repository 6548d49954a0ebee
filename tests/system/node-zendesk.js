// The unmodified node-zendesk client against a running desk: what people's scripts do.
// node node-zendesk.js PORT EMAIL TOKEN, with NODE_PATH and NODE_EXTRA_CA_CERTS set.
"use strict";
const assert = require("node:assert/strict");
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
