// Requests as zcli makes them: request.requestAPI(path, axios options) of the unmodified @zendesk/zcli-core.
// node zcli_steps.js EMAIL, with NODE_PATH, NODE_EXTRA_CA_CERTS and the tool's own ZENDESK_* variables set.
"use strict";
const assert = require("node:assert/strict");
const { request, getBaseUrl } = require("@zendesk/zcli-core");

const email = process.argv[2];
const mark = "z" + process.pid;                    // the suite runs more than once against one desk
const api = (method, url, data, more) => request.requestAPI(url, { method, data, ...more });
const get = (url) => api("get", url);

async function want(status, promise, what) {
	const r = await promise;                          // the tool lets everything below 500 through
	assert.equal(r.status, status, `${what ?? ""} ${r.status} ${JSON.stringify(r.data).slice(0, 400)}`);
	return r.data;
}

async function walk(url, key) {
	const rows = [];
	for (let n = 0; n < 50; n++) {
		const page = await want(200, get(url), url);
		rows.push(...page[key]);
		if (page.meta ? !page.meta.has_more : page.end_of_stream ?? !page.next_page)
			return rows;
		const next = page.links?.next ?? page.after_url ?? page.next_page;
		assert.ok(next.startsWith(getBaseUrl(process.env.ZENDESK_SUBDOMAIN, process.env.ZENDESK_DOMAIN)), next);
		url = next;                                      // axios leaves the base out of a whole URL
	}
	assert.fail("no end of " + url);
}

async function job(data) {
	for (let n = 0; n < 500; n++) {
		const { job_status: j } = await want(200, get(data.job_status.url));
		if (["completed", "failed", "killed"].includes(j.status))
			return j;
		await new Promise((r) => setTimeout(r, 20));
	}
	assert.fail("the job does not end");
}

async function main() {
	let n = 0, ticket, user, org;
	const step = async (what, fn) => { await fn(); n++; console.log("ok", what); };

	await step("who am I", async () => {
		const { user: me } = await want(200, get("api/v2/users/me.json"));
		assert.equal(me.email, email);
		assert.equal(me.role, "admin");
		await want(200, get("/api/v2/account/settings.json"));
	});
	await step("organizations", async () => {
		({ organization: org } = await want(201, api("post", "api/v2/organizations.json", { organization: { name: "Clinic " + mark, external_id: mark } })));
		assert.equal((await want(200, api("put", `api/v2/organizations/${org.id}.json`, { organization: { notes: "by the river" } }))).organization.notes, "by the river");
		assert.equal((await want(200, get(`api/v2/organizations/search.json?external_id=${mark}`))).organizations[0].id, org.id);
		assert.ok((await walk("api/v2/organizations.json?page[size]=1", "organizations")).some((o) => o.id === org.id));
	});
	await step("users", async () => {
		({ user } = await want(201, api("post", "api/v2/users.json", { user: { name: "Zia Zcli", email: `${mark}@patients.example`, organization_id: org.id } })));
		assert.equal((await want(200, api("put", `api/v2/users/${user.id}.json`, { user: { phone: "+13125550188" } }))).user.phone, "+13125550188");
		assert.equal((await want(200, get(`api/v2/users/search.json?query=${mark}@patients.example`))).users[0].id, user.id);
		assert.equal((await want(200, api("post", "api/v2/users/create_or_update.json", { user: { name: "Zia Z. Cli", email: `${mark}@patients.example` } }))).user.id, user.id);
		await want(422, api("post", "api/v2/users.json", { user: { name: "Double", email: `${mark}@patients.example` } }), "a double");
		assert.ok((await walk("api/v2/users.json?page[size]=2", "users")).some((u) => u.id === user.id));
	});
	await step("a ticket: create, show, update", async () => {
		({ ticket } = await want(201, api("post", "api/v2/tickets.json", { ticket: { subject: "Spacer " + mark, comment: { body: `The ${mark}word of my inhaler broke.` }, requester_id: user.id, tags: [mark] } })));
		assert.equal(ticket.status, "new");
		assert.equal((await want(200, get(`api/v2/tickets/${ticket.id}.json`))).ticket.organization_id, org.id);
		const up = await want(200, api("put", `api/v2/tickets/${ticket.id}.json`, { ticket: { status: "open", priority: "high", comment: { body: "On its way.", public: true } } }));
		assert.deepEqual([up.ticket.status, up.ticket.priority], ["open", "high"]);
		assert.ok(up.audit.events.some((e) => e.type === "Comment"));
	});
	await step("a comment with an attachment", async () => {
		const bytes = Buffer.from(Array.from({ length: 70000 }, (_, i) => (i * 7) % 256));
		const { upload } = await want(201, api("post", "api/v2/uploads.json?filename=plan%20of%20care.bin", bytes, { headers: { "Content-Type": "application/octet-stream" } }));
		await want(200, api("put", `api/v2/tickets/${ticket.id}.json`, { ticket: { comment: { body: "See the file.", public: false, uploads: [upload.token] } } }));
		const at = (await want(200, get(`api/v2/tickets/${ticket.id}/comments.json`))).comments.at(-1).attachments[0];
		assert.deepEqual([at.file_name, at.size], ["plan of care.bin", 70000]);
		const r = await request.requestAPI(at.content_url, { method: "get", responseType: "arraybuffer" });
		assert.deepEqual(Buffer.from(r.data), bytes);
	});
	await step("bulk creation and pages to the end", async () => {
		const made = await job(await want(200, api("post", "api/v2/tickets/create_many.json", { tickets: Array.from({ length: 23 }, (_, i) => ({ subject: `Page ${i}`, comment: { body: "one of many" }, tags: [mark + "many"], requester_id: user.id })) })));
		assert.equal(made.status, "completed");
		assert.deepEqual(made.results.map((r) => r.success), Array(23).fill(true));
		const ids = made.results.map((r) => r.id);
		for (const url of ["api/v2/tickets.json?page[size]=7", "api/v2/tickets.json?per_page=7"]) {
			const rows = (await walk(url, "tickets")).map((t) => t.id);
			assert.equal(new Set(rows).size, rows.length, url);
			assert.ok(ids.every((id) => rows.includes(id)), url);
		}
		const ended = await job(await want(200, api("put", `api/v2/tickets/update_many.json?ids=${ids.join()}`, { ticket: { status: "solved" } })));
		assert.ok(ended.results.every((r) => r.success));
	});
	await step("search", async () => {
		assert.deepEqual((await want(200, get(`api/v2/search.json?query=${encodeURIComponent(`type:ticket ${mark}word`)}`))).results.map((t) => t.id), [ticket.id]);
		assert.equal((await want(200, get(`api/v2/search/count.json?query=${encodeURIComponent(`type:ticket tags:${mark}many`)}`))).count, 23);
		assert.equal((await walk(`api/v2/search/export.json?query=tags:${mark}many&filter[type]=ticket&page[size]=5`, "results")).length, 23);
		await want(422, get("api/v2/search.json?query=" + encodeURIComponent("type:ticket created>never")), "a wrong query");
	});
	await step("incremental exports to the end", async () => {
		const all = (await walk("api/v2/tickets.json?page[size]=100", "tickets")).length;
		for (const url of ["api/v2/incremental/tickets/cursor.json?start_time=1&per_page=10", "api/v2/incremental/tickets.json?start_time=1"]) {
			const ids = new Set((await walk(url, "tickets")).filter((t) => t.status !== "deleted").map((t) => t.id));
			assert.equal(ids.size, all, url);
		}
		assert.ok((await walk("api/v2/incremental/users/cursor.json?start_time=1", "users")).some((u) => u.id === user.id));
		assert.ok((await walk("api/v2/incremental/organizations.json?start_time=1", "organizations")).some((o) => o.id === org.id));
		await want(400, get("api/v2/incremental/tickets.json?start_time=9999999999"), "a start in the future");
	});
	await step("views", async () => {
		const { view } = await want(201, api("post", "api/v2/views.json", { view: { title: "View " + mark, all: [{ field: "current_tags", operator: "includes", value: mark }, { field: "status", operator: "less_than", value: "solved" }] } }));
		assert.deepEqual((await want(200, get(`api/v2/views/${view.id}/tickets.json`))).tickets.map((t) => t.id), [ticket.id]);
		assert.equal((await want(200, get(`api/v2/views/${view.id}/count.json`))).view_count.value, 1);
		assert.equal((await want(200, get(`api/v2/views/${view.id}/execute.json`))).rows.length, 1);
		await want(204, api("delete", `api/v2/views/${view.id}.json`));
		await want(404, get(`api/v2/views/${view.id}.json`));
	});
	await step("macros", async () => {
		const { macro } = await want(201, api("post", "api/v2/macros.json", { macro: { title: "Macro " + mark, actions: [{ field: "status", value: "pending" }, { field: "comment_value", value: "Which day?" }] } }));
		const { result } = await want(200, get(`api/v2/tickets/${ticket.id}/macros/${macro.id}/apply.json`));
		assert.equal(result.ticket.status, "pending");
		await want(200, api("put", `api/v2/tickets/${ticket.id}.json`, { ticket: { status: result.ticket.status, comment: result.ticket.comment } }));
		assert.equal((await want(200, get(`api/v2/tickets/${ticket.id}.json`))).ticket.status, "pending");
		await want(204, api("delete", `api/v2/macros/${macro.id}.json`));
	});
	await step("triggers", async () => {
		const { trigger } = await want(201, api("post", "api/v2/triggers.json", { trigger: { title: "Trigger " + mark,
			conditions: { all: [{ field: "priority", operator: "is", value: "urgent" }, { field: "current_tags", operator: "includes", value: mark }], any: [] }, actions: [{ field: "current_tags", value: mark + "hot" }] } }));
		assert.ok((await walk("api/v2/triggers.json?page[size]=3", "triggers")).some((t) => t.id === trigger.id));
		assert.ok((await want(200, api("put", `api/v2/tickets/${ticket.id}.json`, { ticket: { priority: "urgent" } }))).ticket.tags.includes(mark + "hot"));
		assert.equal((await want(200, api("put", `api/v2/triggers/${trigger.id}.json`, { trigger: { active: false } }))).trigger.active, false);
		await want(204, api("delete", `api/v2/triggers/${trigger.id}.json`));
	});
	await step("errors", async () => {
		const wrong = await want(422, api("post", "api/v2/tickets.json", { ticket: { subject: "x", comment: { body: "" }, priority: "soon" } }));
		assert.equal(wrong.error, "RecordInvalid");
		assert.ok(wrong.details.priority[0].description);
		assert.equal((await want(404, get("api/v2/tickets/99999999.json"))).error, "RecordNotFound");
		await want(400, api("post", "api/v2/tickets.json", "{not json", { headers: { "Content-Type": "application/json" } }), "no JSON");
		await want(409, api("put", `api/v2/tickets/${ticket.id}.json`, { ticket: { priority: "low", safe_update: true, updated_stamp: "2001-01-01T00:00:00Z" } }), "a stale stamp");
		const anyone = await request.requestRaw(getBaseUrl(process.env.ZENDESK_SUBDOMAIN, process.env.ZENDESK_DOMAIN) + `/api/v2/tickets/${ticket.id}.json`, { method: "get", headers: { Authorization: "Basic " + Buffer.from(email + "/token:wrong").toString("base64") } });
		assert.equal(anyone.status, 401);
	});
	await step("deletions", async () => {
		await want(204, api("delete", `api/v2/tickets/${ticket.id}.json`));
		await want(404, get(`api/v2/tickets/${ticket.id}.json`));
		assert.ok((await want(200, get("api/v2/deleted_tickets.json?sort_order=desc"))).deleted_tickets.some((t) => t.id === ticket.id));
		await want(200, api("put", `api/v2/deleted_tickets/${ticket.id}/restore.json`, {}));
		await want(204, api("delete", `api/v2/tickets/${ticket.id}.json`));
		await want(204, api("delete", `api/v2/organizations/${org.id}.json`));
	});
	console.log(n + " steps");
}

main().catch((e) => {
	console.log("FAIL", e.stack, JSON.stringify(e.response?.data ?? null));
	process.exit(1);
});
