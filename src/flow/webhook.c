/* webhook.c - webhooks: kept, signed, called.
 *
 * A call is a message of the outbox; its id as clients see it is a ULID whose
 * time is the message's and whose last 64 bits are its number, the same for
 * every try. Signature: base64(HMAC-SHA256(secret, timestamp + body)).
 *
 * Tried again: no connection, no answer within 12 s, 409, 429, 5xx; the peer's
 * Retry-After counts. Every other answer ends it. When of at least ten calls
 * within five minutes seven tenths failed, the webhook pauses for a minute
 * (its messages wait and no try is counted), then one window starts anew.
 */
#include <jansson.h>
#include <stdlib.h>

#include "flow/in.h"
#include "http/http.h"
#include "vault/vault.h"

enum { HOOKS_MAX = 200, WINDOW_S = 300, PAUSE_S = 60, WINDOW_LEAST = 10 };
enum { WDOC_NAME = 1, WDOC_DESCRIPTION, WDOC_ENDPOINT, WDOC_METHOD, WDOC_FORMAT, WDOC_SUBSCRIPTIONS, WDOC_AUTH_TYPE,
       WDOC_AUTH_DATA, WDOC_HEADERS, WDOC_SECRET };                                                           /* webhook.doc */
enum { TDOC_REQUEST_HEAD = 1, TDOC_REQUEST_BODY, TDOC_ANSWER_HEAD, TDOC_ANSWER_BODY };                        /* webhook_attempt.doc */

#define W_COLS "id, uid, key_id, active, created_at, created_by, updated_at, updated_by, doc"
#define W_OUT "itiiiiiiS"
#define W_SEAL { { "webhook", "doc", 0 } }

static const struct stmt insert = {
	.name = "webhook.insert",
	.sql  = "INSERT INTO webhook (account_id, id, uid, key_id, active, created_at, created_by, updated_at, updated_by, doc)"
	        " VALUES ($1, $2, $3, $4, $5, $6, $7, $6, $7, $8)",
	.in   = "iitiiiiS", .seal_in = { { "webhook", "doc", 1 } },
};
static const struct stmt update = {
	.name = "webhook.update",
	.sql  = "UPDATE webhook SET key_id = $3, active = $4, updated_at = $5, updated_by = $6, doc = $7"
	        " WHERE account_id = $1 AND id = $2",
	.in   = "iiiiiiS", .seal_in = { { "webhook", "doc", 1 } },
};
static const struct stmt get = {
	.name = "webhook.get",
	.sql  = "SELECT " W_COLS " FROM webhook WHERE account_id = $1 AND id = $2",
	.in   = "ii", .out = W_OUT, .seal_out = W_SEAL,
};
static const struct stmt by_uid = {
	.name = "webhook.by_uid",
	.sql  = "SELECT " W_COLS " FROM webhook WHERE account_id = $1 AND uid = $2",
	.in   = "it", .out = W_OUT, .seal_out = W_SEAL,
};
static const struct stmt all = {
	.name = "webhook.all",
	.sql  = "SELECT " W_COLS " FROM webhook WHERE account_id = $1 ORDER BY id",
	.in   = "i", .out = W_OUT, .seal_out = W_SEAL,
};
static const struct stmt delete = {
	.name = "webhook.delete",
	.sql  = "DELETE FROM webhook WHERE account_id = $1 AND id = $2",
	.in   = "ii",
};
static const struct stmt insert_attempt = {
	.name = "webhook_attempt.insert",
	.sql  = "INSERT INTO webhook_attempt (account_id, id, outbox_id, status, ended, completed_at, reason, doc)"
	        " SELECT $1, $2, $3, $4, $5, $6, $7, $8 FROM outbox WHERE account_id = $1 AND id = $3 AND doc IS NOT NULL",
	.in   = "iiiiiit?S", .seal_in = { { "webhook_attempt", "doc", 1 } },
};
static const struct stmt list_attempts = {
	.name = "webhook_attempt.list",
	.sql  = "SELECT id, status, ended, completed_at, reason, doc FROM webhook_attempt WHERE account_id = $1 AND outbox_id = $2"
	        " ORDER BY id LIMIT 100",
	.in   = "ii", .out = "iiiit?S", .seal_out = { { "webhook_attempt", "doc", 0 } },
};
static const struct stmt delete_attempts = {
	.name = "webhook_attempt.delete",
	.sql  = "DELETE FROM webhook_attempt WHERE account_id = $1 AND outbox_id = $2",
	.in   = "ii",
};

const struct stmt *const webhook_stmts[] = {
	&insert, &update, &get, &by_uid, &all, &delete, &insert_attempt, &list_attempts, &delete_attempts, NULL
};

/* ---- rows --------------------------------------------------------------------------------------------------- */

static void
hook_of(const struct row *r, struct webhook *w, int64_t *key)
{
	str rest, v;
	uint8_t tag;

	*w = (struct webhook){ .id = row_int(r, 0), .uid = row_str(r, 1), .active = row_int(r, 3) != 0, .created_at = row_int(r, 4),
	    .created_by = row_int(r, 5), .updated_at = row_int(r, 6), .updated_by = row_int(r, 7) };
	if (key != NULL)
		*key = row_int(r, 2);
	for (rest = row_sensitive(r, 8).hidden; pack_next(&rest, &tag, &v);)
		switch (tag) {
		case WDOC_NAME:          w->name = HIDE(v); break;
		case WDOC_DESCRIPTION:   w->description = HIDE(v); break;
		case WDOC_ENDPOINT:      w->endpoint = HIDE(v); break;
		case WDOC_METHOD:        w->method = v; break;
		case WDOC_FORMAT:        w->format = v; break;
		case WDOC_SUBSCRIPTIONS: w->subscriptions = v; break;
		case WDOC_AUTH_TYPE:     w->auth_type = v; break;
		case WDOC_AUTH_DATA:     w->auth_data = HIDE(v); break;
		case WDOC_HEADERS:       w->custom_headers = HIDE(v); break;
		case WDOC_SECRET:        w->secret = HIDE(v); break;
		default: break;
		}
}

static str
hook_doc(struct ctx *cx, const struct webhook *w)
{
	struct buf b;

	buf_init(&b, cx->arena, 1 * MiB);
	pack_put(&b, WDOC_NAME, w->name.hidden);
	pack_put(&b, WDOC_DESCRIPTION, w->description.hidden);
	pack_put(&b, WDOC_ENDPOINT, w->endpoint.hidden);
	pack_put(&b, WDOC_METHOD, w->method);
	pack_put(&b, WDOC_FORMAT, w->format);
	pack_put(&b, WDOC_SUBSCRIPTIONS, w->subscriptions);
	pack_put(&b, WDOC_AUTH_TYPE, w->auth_type);
	pack_put(&b, WDOC_AUTH_DATA, w->auth_data.hidden);
	pack_put(&b, WDOC_HEADERS, w->custom_headers.hidden);
	pack_put(&b, WDOC_SECRET, w->secret.hidden);
	return buf_str(&b);
}

/* Crockford's alphabet, 26 digits of 5 bits for 128 bits (github.com/ulid/spec). */
static str
ulid(struct ctx *cx, usec at, uint64_t high16, uint64_t low)
{
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	uint64_t high = (uint64_t)(at / 1000) << 16 | (high16 & 0xFFFF);
	char *z = arena_alloc(cx->arena, 1, 27, 1);

	for (int i = 25; i >= 0; i--) {
		z[i] = digits[low & 31];
		low = low >> 5 | high << 59;
		high >>= 5;
	}
	return (str){ z, 26 };
}

str
flow_invocation_uid(struct ctx *cx, int64_t id, usec created_at)
{
	return ulid(cx, created_at, 0, (uint64_t)id);
}

int64_t
flow_invocation_id(str uid)
{
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	uint64_t low = 0;

	if (uid.n != 26)
		return 0;
	for (size_t i = 0; i < uid.n; i++) {
		const char *d = uid.p[i] ? strchr(digits, uid.p[i]) : NULL;
		if (d == NULL)
			return 0;
		low = low << 5 | (uint64_t)(d - digits);
	}
	return low > 0 && low < (uint64_t)1 << 62 ? (int64_t)low : 0;
}

/* ---- checking ------------------------------------------------------------------------------------------------- */

static bool
is_one_of(str s, const char *const *list)
{
	for (; *list; list++)
		if (str_eq(s, str_of(*list)))
			return true;
	return false;
}

static const char *const methods[] = { "GET", "POST", "PUT", "PATCH", "DELETE", NULL };
static const char *const formats[] = { "json", "xml", "form_encoded", NULL };
static const char *const auths[] = { "basic_auth", "bearer_token", "api_key", NULL };
const char *const flow_event_types[] = {
	"conditional_ticket_events", "zen:event-type:ticket.created", "zen:event-type:ticket.comment_added",
	"zen:event-type:ticket.status_changed", "zen:event-type:ticket.updated", "zen:event-type:ticket.soft_deleted",
	"zen:event-type:ticket.undeleted", "zen:event-type:ticket.permanently_deleted", NULL
};

static bool
token_ok(str s)
{
	if (s.n == 0 || s.n > 128)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c <= ' ' || c >= 127 || strchr("()<>@,;:\\\"/[]?={}", c) != NULL)
			return false;
	}
	return true;
}

static bool
value_ok(str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 127)
			return false;
	return s.n <= 4096;
}

/* Headers that are ours to set. */
static bool
reserved(str name)
{
	static const char *const ours[] = { "host", "content-length", "transfer-encoding", "connection", "content-type", "expect",
	    "upgrade", "te", "trailer", "proxy-authorization", "user-agent", NULL };

	return is_one_of(name, ours) || str_starts(name, S("x-zendesk-"));
}

static str
member(struct ctx *cx, str object, const char *name)
{
	json_t *o = json_loadb(object.p ? object.p : "", object.n, 0, NULL);
	const json_t *v = json_object_get(o, name);
	str s = json_is_string(v) ? str_dup(cx->arena, (str){ json_string_value(v), json_string_length(v) }) : S("");

	json_decref(o);
	return s;
}

static void
check(struct ctx *cx, const struct webhook *w)
{
	struct http_url u;
	json_t *list, *v;
	const char *k;
	size_t i;

	if (str_trim(w->name.hidden).n == 0)
		bad(cx, "name", "BlankValue", "Name: cannot be blank");
	else if (w->name.hidden.n > 255 || w->description.hidden.n > 4096)
		bad(cx, "name", "TooLong", "Name and description: are too long");
	if (w->endpoint.hidden.n == 0)
		bad(cx, "endpoint", "BlankValue", "Endpoint: cannot be blank");
	else if (!http_url(cx, w->endpoint.hidden, &u))
		bad(cx, "endpoint", "InvalidFormat", "Endpoint: must be an https URL without user name and fragment");
	if (!is_one_of(w->method, methods))
		bad(cx, "http_method", "InvalidValue", "Http method: must be one of GET, POST, PUT, PATCH, DELETE");
	if (!is_one_of(w->format, formats))
		bad(cx, "request_format", "InvalidValue", "Request format: must be one of json, xml, form_encoded");
	list = json_loadb(w->subscriptions.p ? w->subscriptions.p : "[]", w->subscriptions.n ? w->subscriptions.n : 2, 0, NULL);
	json_array_foreach(list, i, v)
		if (!json_is_string(v) || !is_one_of(str_of(json_string_value(v)), flow_event_types)) {
			bad(cx, "subscriptions", "InvalidValue", "Subscriptions: names an event type that is not known here");
			break;
		}
	if (!json_is_array(list) || json_array_size(list) > 50)
		bad(cx, "subscriptions", "InvalidValue", "Subscriptions: must be a list of at most 50 event types");
	json_decref(list);
	if (w->auth_type.n) {
		str d = w->auth_data.hidden;
		if (!is_one_of(w->auth_type, auths))
			bad(cx, "authentication", "InvalidValue", "Authentication: type must be one of basic_auth, bearer_token, api_key");
		else if (str_eq(w->auth_type, S("basic_auth")) && (member(cx, d, "username").n == 0
		    || str_find(member(cx, d, "username"), S(":")) != SIZE_MAX))
			bad(cx, "authentication", "BlankValue", "Authentication: data.username cannot be blank or hold a colon");
		else if (str_eq(w->auth_type, S("bearer_token")) && (member(cx, d, "token").n == 0 || !value_ok(member(cx, d, "token"))))
			bad(cx, "authentication", "BlankValue", "Authentication: data.token cannot be blank");
		else if (str_eq(w->auth_type, S("api_key")) && (!token_ok(member(cx, d, "name")) || !value_ok(member(cx, d, "value"))
		    || reserved(str_lower(cx->arena, member(cx, d, "name")))))
			bad(cx, "authentication", "InvalidValue", "Authentication: data.name and data.value must make a header that is not ours");
	}
	if (w->custom_headers.hidden.n) {
		json_t *o = json_loadb(w->custom_headers.hidden.p, w->custom_headers.hidden.n, 0, NULL);
		if (!json_is_object(o) || json_object_size(o) > 20)
			bad(cx, "custom_headers", "InvalidValue", "Custom headers: must be an object of at most 20 strings");
		json_object_foreach(o, k, v)
			if (!token_ok(str_of(k)) || !json_is_string(v) || !value_ok(str_of(json_string_value(v)))
			    || reserved(str_lower(cx->arena, str_of(k)))) {
				bad(cx, "custom_headers", "InvalidValue", "Custom headers: hold a name or value that cannot be sent");
				break;
			}
		json_decref(o);
	}
}

/* ---- changing --------------------------------------------------------------------------------------------------- */

/* Which event types anybody subscribed to: a bit per row of flow_event_types. */
static void
want(struct ctx *cx, const struct webhook *w, unsigned *bits)
{
	for (unsigned i = 0; flow_event_types[i] != NULL && w->active; i++)
		if (str_find(w->subscriptions, str_printf(cx->arena, "\"%s\"", flow_event_types[i])) != SIZE_MAX)
			*bits |= 1u << i;
}

static void
use_wanted(struct sys *sys, void *arg)
{
	atomic_store(&sys->flow->wanted, *(unsigned *)arg);
}

static enum err
recount(struct ctx *cx, unsigned *bits)
{
	struct rows rs;
	struct webhook w;

	*bits = 0;
	TRY(store_all(cx, &all, ARGS(INT(cx->account)), &rs));
	for (int i = 0; i < rs.count; i++) {
		hook_of(&rs.row[i], &w, NULL);
		want(cx, &w, bits);
	}
	return OK;
}

enum err
webhooks_load(struct ctx *cx, struct flow *f)
{
	unsigned bits;

	TRY(recount(cx, &bits));
	atomic_store(&f->wanted, bits);
	return OK;
}

struct edit { str uid; unsigned has; const struct webhook *in; struct webhook out; bool remove; };

static enum err
edit_tx(struct ctx *cx, void *arg)
{
	struct edit *ed = arg;
	const struct webhook *in = ed->in;
	struct webhook w = { .active = true, .method = S("POST"), .format = S("json"), .subscriptions = S("[]") }, was = { 0 };
	struct trail_field f[4];
	unsigned *bits = NEW(cx->arena, unsigned, 1);
	int64_t key = 0, fresh, by = cx->actor ? cx->actor->user_id : 0;
	struct rows rs;
	struct row r;
	int n = 0;

	if (ed->uid.n) {
		TRY(store_one(cx, &by_uid, ARGS(INT(cx->account), TEXT(ed->uid)), &r));
		hook_of(&r, &w, &key);
		was = w;
	}
	if (ed->remove) {
		TRY(store_exec(cx, &delete, ARGS(INT(cx->account), INT(w.id)), NULL));
		TRY(store_key_destroy(cx, key));
	} else {
		if (ed->has & HOOK_NAME)
			w.name = in->name;
		if (ed->has & HOOK_DESCRIPTION)
			w.description = in->description;
		if (ed->has & HOOK_ENDPOINT)
			w.endpoint = in->endpoint;
		if (ed->has & HOOK_METHOD)
			w.method = in->method;
		if (ed->has & HOOK_FORMAT)
			w.format = in->format;
		if (ed->has & HOOK_STATUS)
			w.active = in->active;
		if (ed->has & HOOK_SUBSCRIPTIONS)
			w.subscriptions = in->subscriptions;
		if (ed->has & HOOK_AUTH) {
			w.auth_type = in->auth_type;
			w.auth_data = in->auth_data;
		}
		if (ed->has & HOOK_HEADERS)
			w.custom_headers = in->custom_headers;
		if (ed->uid.n == 0 || (ed->has & HOOK_SECRET)) {
			unsigned char s[32];
			rand_bytes(s, sizeof s);
			w.secret = HIDE(base64_of(cx->arena, (str){ (char *)s, sizeof s }));
			wipe(s, sizeof s);
		}
		check(cx, &w);
		TRY(store_all(cx, &all, ARGS(INT(cx->account)), &rs));
		if (ed->uid.n == 0 && rs.count >= HOOKS_MAX)
			bad(cx, "base", "TooManyValues", "At most 200 webhooks can exist");
		TRY(bad_check(cx));
		w.updated_at = cx->now;
		w.updated_by = by;
		TRY(store_key_new(cx, &fresh));
		if (ed->uid.n == 0) {
			w.created_at = cx->now;
			w.created_by = by;
			TRY(store_next_id(cx, "webhook", &w.id));
			w.uid = ulid(cx, cx->now, rand_u64(), rand_u64());
			TRY(store_exec(cx, &insert, ARGS(INT(cx->account), INT(w.id), TEXT(w.uid), INT(fresh), INT(w.active), INT(cx->now),
			    INT(by), SEALED(fresh, HIDE(hook_doc(cx, &w)))), NULL));
		} else {
			/* A new key each time: an older secret is gone with the old one. */
			TRY(store_exec(cx, &update, ARGS(INT(cx->account), INT(w.id), INT(fresh), INT(w.active), INT(cx->now), INT(by),
			    SEALED(fresh, HIDE(hook_doc(cx, &w)))), NULL));
			TRY(store_key_destroy(cx, key));
		}
		TRY(outbox_release(cx));
	}
	ed->out = w;
	TRY(recount(cx, bits));
	store_after(cx, use_wanted, bits);
	f[n++] = (struct trail_field){ .name = "name", .before = was.name, .has_before = ed->uid.n != 0, .after = w.name, .has_after = !ed->remove };
	f[n++] = (struct trail_field){ .name = "endpoint", .before = was.endpoint, .has_before = ed->uid.n != 0, .after = w.endpoint, .has_after = !ed->remove };
	f[n++] = (struct trail_field){ .name = "status", .before = HIDE(was.active ? S("active") : S("inactive")), .has_before = ed->uid.n != 0,
	    .after = HIDE(w.active ? S("active") : S("inactive")), .has_after = !ed->remove };
	if (ed->has & (HOOK_AUTH | HOOK_SECRET))
		f[n++] = (struct trail_field){ .name = "secrets", .after = HIDE(S("changed")), .has_after = true };
	return trail_append(cx, &(struct event){ .action = ed->remove ? "webhook.delete" : ed->uid.n ? "webhook.update" : "webhook.create",
	    .object = "webhook", .id = w.id, .field = f, .count = n });
}

enum err
flow_webhook_create(struct ctx *cx, unsigned has, const struct webhook *in, struct webhook *out)
{
	struct edit ed = { .has = has, .in = in };

	TRY(store_write(cx, edit_tx, &ed));
	*out = ed.out;
	return OK;
}

enum err
flow_webhook_update(struct ctx *cx, str uid, unsigned has, const struct webhook *in, struct webhook *out)
{
	struct edit ed = { .uid = uid, .has = has, .in = in };

	TRY(store_write(cx, edit_tx, &ed));
	*out = ed.out;
	return store_erase(cx);
}

enum err
flow_webhook_delete(struct ctx *cx, str uid)
{
	TRY(store_write(cx, edit_tx, &(struct edit){ .uid = uid, .remove = true }));
	return store_erase(cx);
}

enum err
flow_webhook_get(struct ctx *cx, str uid, struct webhook *out)
{
	struct row r;

	TRY(store_one(cx, &by_uid, ARGS(INT(cx->account), TEXT(uid)), &r));
	hook_of(&r, out, NULL);
	return OK;
}

enum err
flow_webhook_list(struct ctx *cx, struct webhook **out, int *count)
{
	struct rows rs;

	TRY(store_all(cx, &all, ARGS(INT(cx->account)), &rs));
	*out = NEW(cx->arena, struct webhook, rs.count ? rs.count : 1);
	for (int i = 0; i < rs.count; i++)
		hook_of(&rs.row[i], &(*out)[i], NULL);
	*count = rs.count;
	return OK;
}

enum err
flow_webhook_id(struct ctx *cx, str uid, int64_t *id, bool *active)
{
	struct webhook w;

	TRY(flow_webhook_get(cx, uid, &w));
	*id = w.id;
	*active = w.active;
	return OK;
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

bool
flow_event_wanted(struct ctx *cx, const char *type)
{
	unsigned bits = cx->sys->flow != NULL ? atomic_load(&cx->sys->flow->wanted) : 0;

	for (unsigned i = 0; bits != 0 && flow_event_types[i] != NULL; i++)
		if ((bits & 1u << i) && strcmp(type, flow_event_types[i]) == 0)
			return true;
	return false;
}

static void
uuid(struct json *j, struct ctx *cx)
{
	unsigned char r[16];
	str h;

	rand_bytes(r, sizeof r);
	r[6] = (unsigned char)((r[6] & 0x0F) | 0x40);       /* RFC 9562, version 4 */
	r[8] = (unsigned char)((r[8] & 0x3F) | 0x80);
	h = hex_of(cx->arena, (str){ (char *)r, sizeof r });
	jw_kstr(j, "id", str_printf(cx->arena, "%.8s-%.4s-%.4s-%.4s-%.12s", h.p, h.p + 8, h.p + 12, h.p + 16, h.p + 20));
}

enum err
flow_event(struct ctx *cx, const char *type, const char *object, int64_t id, int64_t ticket_id, sensitive detail, sensitive event)
{
	str wanted = str_printf(cx->arena, "\"%s\"", type);
	struct webhook *w;
	int n;

	TRY(flow_webhook_list(cx, &w, &n));
	for (int i = 0; i < n; i++) {
		struct buf b;
		struct json j;
		if (!w[i].active || str_find(w[i].subscriptions, wanted) == SIZE_MAX)
			continue;
		buf_init(&b, cx->arena, OUT_DOC_MAX);
		jw_init(&j, &b);
		jw_obj(&j);
		jw_kint(&j, "account_id", cx->account);
		jw_key(&j, "detail");
		jw_raw(&j, detail.hidden);
		jw_key(&j, "event");
		jw_raw(&j, event.hidden.n ? event.hidden : S("{}"));
		uuid(&j, cx);
		jw_kstr(&j, "subject", str_printf(cx->arena, "zen:%s:%lld", object, (long long)id));
		jw_ktime(&j, "time", cx->now);
		jw_kz(&j, "type", type);
		jw_kz(&j, "zendesk_event_version", "2022-11-06");
		jw_end_obj(&j);
		TRY(flow_enqueue(cx, &(struct outgoing){ .kind = FLOW_WEBHOOK, .event = "event", .event_type = type,
		    .ticket_id = ticket_id, .webhook_id = w[i].id, .body = HIDE(buf_str(&b)) }, NULL));
	}
	return OK;
}

/* ---- masking -------------------------------------------------------------------------------------------------------- */

/* In an event's body only these members keep their text where content may not go. */
static bool
plain_member(const char *key, int depth)
{
	static const char *const keep[] = { "id", "type", "time", "zendesk_event_version", "status", "priority", "created_at",
	    "updated_at", "channel", "role", "current", "previous", NULL };
	size_t n = strlen(key);

	if (strcmp(key, "subject") == 0)
		return depth == 1;               /* "zen:ticket:35"; deeper it is the ticket's */
	return is_one_of(str_of(key), keep) || (n > 3 && strcmp(key + n - 3, "_id") == 0);
}

static json_t *
mask(struct ctx *cx, json_t *v, const char *key, bool event, int depth)
{
	json_t *out, *one;
	const char *k;
	size_t i;
	str s;

	switch (json_typeof(v)) {
	case JSON_OBJECT:
		out = json_object();
		json_object_foreach(v, k, one)
			json_object_set_new(out, str_z(cx->arena, flow_mask(cx, str_of(k))), mask(cx, one, k, event, depth + 1));
		return out;
	case JSON_ARRAY:
		out = json_array();
		json_array_foreach(v, i, one)
			json_array_append_new(out, mask(cx, one, key, event, depth));
		return out;
	case JSON_STRING:
		if (event && !plain_member(key, depth))
			return json_null();
		s = flow_mask(cx, (str){ json_string_value(v), json_string_length(v) });
		return json_stringn(s.p ? s.p : "", s.n);
	case JSON_INTEGER:
	case JSON_REAL:
		/* A number can be a phone number; what is named an id is one. */
		if (event ? plain_member(key, depth) : strstr(key, "id") != NULL)
			return json_incref(v);
		s = str_printf(cx->arena, "%s: %.0f", key, json_number_value(v));
		return flow_finds(cx, s) ? json_null() : json_incref(v);
	default:
		return json_incref(v);
	}
}

static str
masked(struct ctx *cx, const struct message *m)
{
	json_t *v = json_loadb(m->body.p ? m->body.p : "", m->body.n, JSON_DECODE_ANY, NULL), *out;
	str s = S("");
	char *z;

	if (v == NULL)
		return flow_mask(cx, m->body);
	out = mask(cx, v, "", m->event_type.n != 0, 0);
	z = json_dumps(out, JSON_COMPACT | JSON_ENCODE_ANY);
	if (z != NULL) {
		s = str_dup(cx->arena, str_of(z));
		wipe(z, s.n);
		free(z);
	}
	json_decref(out);
	json_decref(v);
	return s;
}

/* ---- calling ---------------------------------------------------------------------------------------------------------- */

static void
add_head(struct http_param *h, int *n, str name, str value)
{
	h[*n].name = name;
	h[(*n)++].value = value;
}

static void
heads_of(struct ctx *cx, const struct webhook *w, str body, str invocation, struct http_param *h, int *n)
{
	unsigned char mac[32];
	str now = time_iso(cx->arena, time_now()), d = w->auth_data.hidden, head, both;
	json_t *o, *v;
	const char *k;

	add_head(h, n, S("Content-Type"), str_eq(w->format, S("json")) ? S("application/json; charset=utf-8")
	    : str_eq(w->format, S("xml")) ? S("application/xml; charset=utf-8") : S("application/x-www-form-urlencoded"));
	add_head(h, n, S("User-Agent"), S("Zendesk Webhook"));
	add_head(h, n, S("X-Zendesk-Account-Id"), str_printf(cx->arena, "%lld", (long long)cx->account));
	if (w->uid.n)
		add_head(h, n, S("X-Zendesk-Webhook-Id"), w->uid);
	add_head(h, n, S("X-Zendesk-Webhook-Invocation-Id"), invocation);
	add_head(h, n, S("X-Zendesk-Webhook-Signature-Timestamp"), now);
	both = str_printf(cx->arena, STR_F STR_F, STR_A(now), STR_A(body));
	hmac_sha256(w->secret.hidden, both, mac);
	add_head(h, n, S("X-Zendesk-Webhook-Signature"), base64_of(cx->arena, (str){ (char *)mac, 32 }));
	if (str_eq(w->auth_type, S("basic_auth"))) {
		str pair = str_printf(cx->arena, STR_F ":" STR_F, STR_A(member(cx, d, "username")), STR_A(member(cx, d, "password")));
		head = base64_of(cx->arena, pair);
		add_head(h, n, S("Authorization"), str_printf(cx->arena, "Basic " STR_F, STR_A(head)));
	} else if (str_eq(w->auth_type, S("bearer_token")))
		add_head(h, n, S("Authorization"), str_printf(cx->arena, "Bearer " STR_F, STR_A(member(cx, d, "token"))));
	else if (str_eq(w->auth_type, S("api_key")))
		add_head(h, n, member(cx, d, "name"), member(cx, d, "value"));
	o = json_loadb(w->custom_headers.hidden.p ? w->custom_headers.hidden.p : "", w->custom_headers.hidden.n, 0, NULL);
	json_object_foreach(o, k, v)
		if (*n < 31)
			add_head(h, n, str_dup(cx->arena, str_of(k)), str_dup(cx->arena, str_of(json_string_value(v) ? json_string_value(v) : "")));
	json_decref(o);
}

/* Heads as lines; what signs us in somewhere is not kept in the log of calls. */
static str
head_lines(struct ctx *cx, struct http_param *h, int n)
{
	struct buf b;

	buf_init(&b, cx->arena, 256 * KiB);
	for (int i = 0; i < n; i++)
		buf_fmt(&b, STR_F ": " STR_F "\n", STR_A(h[i].name),
		    STR_A(str_eqi(h[i].name, S("authorization")) ? S("[hidden]") : h[i].value));
	return buf_str(&b);
}

/* Is it allowed, and how? *why: what is in the way, NULL when nothing. */
static enum err
allowed(struct ctx *cx, const struct webhook *w, struct allowed *a, const char **why)
{
	struct http_url u = { 0 };

	*why = NULL;
	*a = (struct allowed){ 0 };
	if (!http_url(cx, w->endpoint.hidden, &u)) {
		*why = "the endpoint is not a URL that can be called";
		return OK;
	}
	TRY(destination_for_host(cx, u.host, u.port, a));
	if (!a->found)
		*why = "its host is not on the list; an administrator may add it: POST /api/ward/v1/destinations";
	else if (!u.secure && !a->plain_http)
		*why = "http is not allowed for this destination; use https, or allow_http for the destination";
	return OK;
}

static enum err
call(struct ctx *cx, const struct webhook *w, const struct allowed *a, str body, str invocation, struct http_answer *out,
    str *head, str *sent)
{
	struct http_param h[40];
	bool bodyless = str_eq(w->method, S("GET")) || str_eq(w->method, S("DELETE"));
	struct http_call c = { .url = w->endpoint.hidden, .method = w->method, .head = h, .ranges = a->ranges,
	    .plain = a->plain_http, .ca_pem = a->ca_pem, .stop = cx->sys->flow != NULL ? &cx->sys->flow->stopping : NULL };

	if (bodyless && body.n && str_eq(w->format, S("form_encoded"))) {
		c.url = str_printf(cx->arena, STR_F "%s" STR_F, STR_A(c.url), str_find(c.url, S("?")) == SIZE_MAX ? "?" : "&", STR_A(body));
		body = S("");
	} else if (bodyless)
		body = S("");
	c.body = body;
	heads_of(cx, w, body, invocation, c.head, &c.head_count);
	*head = head_lines(cx, c.head, c.head_count);
	*sent = body;
	/* Nobody waits for a database connection of ours while we wait for them. */
	if (cx->reader != NULL && ctx_release_reader != NULL)
		ctx_release_reader(cx);
	return http_fetch(cx, &c, out);
}

static bool
breaker_open(struct flow *f, int64_t id, usec now, usec *until)
{
	struct breaker *b = &f->breaker[id % (int64_t)COUNT(f->breaker)];
	bool open;

	pthread_mutex_lock(&f->lock);
	open = b->webhook_id == id && b->open_until > now;
	*until = b->open_until;
	pthread_mutex_unlock(&f->lock);
	return open;
}

static void
breaker_note(struct flow *f, int64_t id, usec now, bool failed)
{
	struct breaker *b = &f->breaker[id % (int64_t)COUNT(f->breaker)];

	pthread_mutex_lock(&f->lock);
	if (b->webhook_id != id || now - b->from > WINDOW_S * SECOND)
		*b = (struct breaker){ .webhook_id = id, .from = now };
	b->calls++;
	b->failed += failed;
	if (b->calls >= WINDOW_LEAST && b->failed * 10 >= b->calls * 7)
		*b = (struct breaker){ .webhook_id = id, .from = now, .open_until = now + PAUSE_S * SECOND };
	pthread_mutex_unlock(&f->lock);
}

enum err
webhook_try(struct ctx *cx, const struct message *m, struct outcome *out)
{
	struct http_answer an;
	struct allowed a;
	struct webhook w;
	struct row r;
	struct buf b;
	const char *why;
	str head, sent, body;
	enum err e = store_one(cx, &get, ARGS(INT(cx->account), INT(m->webhook_id)), &r);

	if (e == E_ABSENT) {
		fail_forget(cx);
		*out = (struct outcome){ .what = TRIED_NEVER, .reason = "the webhook was deleted" };
		return OK;
	}
	TRY(e);
	hook_of(&r, &w, NULL);
	*out = (struct outcome){ .what = TRIED_HOLD };
	if (!w.active) {
		out->reason = "the webhook is switched off; it goes on when it is active again";
		return OK;
	}
	TRY(allowed(cx, &w, &a, &why));
	if (why != NULL) {
		out->reason = why;
		return OK;
	}
	out->what = TRIED_LATER;
	if (breaker_open(cx->sys->flow, w.id, time_now(), &out->paused_until)) {
		out->reason = "most calls of this webhook failed; it pauses for a minute";
		return OK;
	}
	out->paused_until = 0;
	out->masked = !a.content;
	body = a.content || m->body.n == 0 ? m->body : masked(cx, m);
	TRY(call(cx, &w, &a, body, flow_invocation_uid(cx, m->id, m->created_at), &an, &head, &sent));
	if (an.end == HTTP_STOPPED && !an.sent) {
		out->reason = an.reason;
		out->paused_until = time_now();
		return OK;
	}
	out->status = an.status;
	out->reason = an.reason;
	out->uncertain = an.end != HTTP_ANSWERED && an.sent;
	out->wait_for = an.retry_after;
	if (an.end == HTTP_ANSWERED) {
		if (an.status >= 200 && an.status < 300)
			out->what = TRIED_SENT;
		else if (an.status == 409 || an.status == 429 || an.status >= 500)
			out->reason = an.status == 429 ? "too many calls, says the endpoint" : "the endpoint failed";
		else {
			out->what = TRIED_NEVER;
			out->reason = an.status >= 300 && an.status < 400 ? "the endpoint redirects, which is not followed" : "refused by the endpoint";
		}
	} else if (an.end == HTTP_FORBIDDEN) {
		out->what = TRIED_HOLD;
		out->uncertain = false;
	}
	breaker_note(cx->sys->flow, w.id, time_now(), out->what != TRIED_SENT);
	buf_init(&b, cx->arena, OUT_DOC_MAX + 1 * MiB);
	pack_put(&b, TDOC_REQUEST_HEAD, head);
	pack_put(&b, TDOC_REQUEST_BODY, sent);
	pack_put(&b, TDOC_ANSWER_HEAD, head_lines(cx, an.head, an.head_count));
	pack_put(&b, TDOC_ANSWER_BODY, utf8_mend(cx->arena, str_sub(an.body, 0, 16 * KiB)));
	out->attempt = buf_str(&b);
	return OK;
}

enum err
attempt_save(struct ctx *cx, const struct message *m, const struct outcome *o, bool ended)
{
	int64_t id;

	if (o->attempt.n == 0)
		return OK;
	TRY(store_next_id(cx, "webhook_attempt", &id));
	return store_exec(cx, &insert_attempt, ARGS(INT(cx->account), INT(id), INT(m->id), INT(o->status), INT(ended), INT(cx->now),
	    o->reason ? TEXT(str_of(o->reason)) : NIL, SEALED(m->key, HIDE(o->attempt))), NULL);
}

enum err
attempts_forget(struct ctx *cx, int64_t outbox_id)
{
	return store_exec(cx, &delete_attempts, ARGS(INT(cx->account), INT(outbox_id)), NULL);
}

enum err
flow_attempts(struct ctx *cx, int64_t outbox_id, struct attempt **out, int *count)
{
	struct rows rs;

	TRY(store_all(cx, &list_attempts, ARGS(INT(cx->account), INT(outbox_id)), &rs));
	*out = NEW(cx->arena, struct attempt, rs.count ? rs.count : 1);
	for (int i = 0; i < rs.count; i++) {
		struct attempt *t = &(*out)[i];
		str rest, v;
		uint8_t tag;
		*t = (struct attempt){ .id = row_int(&rs.row[i], 0), .status = (int)row_int(&rs.row[i], 1), .ended = row_int(&rs.row[i], 2) != 0,
		    .completed_at = row_int(&rs.row[i], 3), .reason = row_str(&rs.row[i], 4) };
		for (rest = row_sensitive(&rs.row[i], 5).hidden; pack_next(&rest, &tag, &v);)
			switch (tag) {
			case TDOC_REQUEST_HEAD: t->request_head = HIDE(v); break;
			case TDOC_REQUEST_BODY: t->request_body = HIDE(v); break;
			case TDOC_ANSWER_HEAD:  t->answer_head = HIDE(v); break;
			case TDOC_ANSWER_BODY:  t->answer_body = HIDE(v); break;
			default: break;
			}
	}
	*count = rs.count;
	return OK;
}

static enum err
test_tx(struct ctx *cx, void *arg)
{
	const struct webhook *w = arg;
	struct trail_field f = { .name = "endpoint", .after = w->endpoint, .has_after = true };

	return trail_append(cx, &(struct event){ .action = "webhook.test", .object = "webhook", .id = w->id, .field = &f, .count = 1 });
}

enum err
flow_webhook_test(struct ctx *cx, const struct webhook *hook, str body, struct http_answer *out)
{
	struct webhook w = *hook;
	struct message m = { .body = body };
	struct allowed a;
	const char *why;
	str head, sent;

	if (w.method.n == 0)
		w.method = S("POST");
	if (w.format.n == 0)
		w.format = S("json");
	if (w.subscriptions.n == 0)
		w.subscriptions = S("[]");
	if (w.name.hidden.n == 0)
		w.name = HIDE(S("test"));
	check(cx, &w);
	TRY(bad_check(cx));
	TRY(allowed(cx, &w, &a, &why));
	if (why != NULL)
		return fail(cx, E_DENIED, "endpoint", why);
	TRY(store_write(cx, test_tx, &w));
	if (!a.content && body.n)
		body = masked(cx, &m);
	return call(cx, &w, &a, body, ulid(cx, cx->now, rand_u64(), rand_u64()), out, &head, &sent);
}
