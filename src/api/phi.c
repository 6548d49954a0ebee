/* phi.c - /api/ward/v1/phi: the policy, its versions and trials; scans and bulk
 * redaction; who sees PHI; unmasking and redaction in one ticket. */
#include "api/in.h"

/* ---- bodies: unknown members are refused here ----------------------------------------------------------------- */

static void
only(struct ctx *cx, const json_t *obj, const char *const *names)
{
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)obj, key, v) {
		bool known = false;
		for (int i = 0; names[i] != NULL && !known; i++)
			known = strcmp(key, names[i]) == 0;
		if (!known)
			bad(cx, "base", "UnknownField", "The body has a member that is not known here");
	}
}

/* ---- the policy as JSON ------------------------------------------------------------------------------------------ */

static void
mask_json(struct json *j, const char *key, uint32_t mask, int n, const char *(*name)(int))
{
	jw_key(j, key);
	if (mask == (1u << n) - 1) {
		jw_str(j, S("any"));
		return;
	}
	jw_arr(j);
	for (int i = 0; i < n; i++)
		if (mask >> i & 1)
			jw_str(j, str_of(name(i)));
	jw_end_arr(j);
}

static const char *place_text(int i) { return place_name((enum phi_place)i); }
static const char *channel_text(int i) { return channel_name((enum phi_channel)i); }

static void
json_policy(struct json *j, struct ctx *cx, const struct policy_doc *p)
{
	static const char *const states[] = { "draft", "in_force", "past" };

	jw_obj(j);
	jw_kint(j, "version", p->version);
	jw_kz(j, "state", states[p->state]);
	jw_kid(j, "author_id", p->author_id);
	jw_ktime(j, "created_at", p->created_at);
	jw_kid(j, "activated_by", p->activated_by);
	jw_ktime(j, "activated_at", p->activated_at);
	jw_kstr(j, "why", reveal_clear(cx, p->why));
	jw_kz(j, "style", p->mask ? "mask" : "label");
	jw_key(j, "allow");
	jw_arr(j);
	for (int i = 0; i < p->allow_count; i++)
		jw_str(j, reveal_clear(cx, p->allow[i]));
	jw_end_arr(j);
	jw_key(j, "rules");
	jw_arr(j);
	for (int i = 0; i < p->rules; i++) {
		const struct policy_rule *r = &p->rule[i];
		jw_obj(j);
		mask_json(j, "kinds", r->kinds, POLICY_KINDS, policy_kind_name);
		mask_json(j, "places", r->places, PLACES, place_text);
		mask_json(j, "channels", r->channels, CHANNELS, channel_text);
		jw_kint(j, "min_score", r->min_score);
		jw_kz(j, "treatment", treatment_name(r->treatment));
		jw_end_obj(j);
	}
	jw_end_arr(j);
	jw_end_obj(j);
}

/* "any", one name, or an array of names. */
static uint32_t
read_mask(struct ctx *cx, const json_t *v, const char *field, const char *why, int n, int (*of)(str))
{
	uint32_t mask = 0;
	json_t *w;
	size_t i;
	int k;

	if (v == NULL || (json_is_string(v) && str_eq(json_text(cx, v), S("any"))))
		return (1u << n) - 1;
	if (json_is_string(v) && (k = of(json_text(cx, v))) >= 0)
		return 1u << k;
	json_array_foreach(v, i, w) {
		if (!json_is_string(w) || (k = of(json_text(cx, w))) < 0) {
			bad(cx, field, "InvalidValue", why);
			return 0;
		}
		mask |= 1u << k;
	}
	if (mask == 0)
		bad(cx, field, "InvalidValue", why);
	return mask;
}

static bool
read_number(const json_t *v, int64_t lo, int64_t hi, int64_t *out)
{
	if (!json_is_integer(v) || json_integer_value(v) < lo || json_integer_value(v) > hi)
		return false;
	*out = json_integer_value(v);
	return true;
}

static const char kinds_why[] = "kinds must be \"any\" or names of kinds (GET /api/ward/v1/phi/kinds)";
static const char places_why[] = "places must be \"any\" or of subject, comment, note, custom_field, attachment_name, attachment_text";
static const char channels_why[] = "channels must be \"any\" or of api, email, form, chat";

static void
read_rule(struct ctx *cx, const json_t *v, int i, struct policy_rule *r)
{
	static const char *const names[] = { "kinds", "places", "channels", "min_score", "treatment", NULL };
	const char *field = z_of(cx, str_printf(cx->arena, "rules.%d", i));
	int64_t score = 0;
	int t;

	if (!json_is_object(v)) {
		bad(cx, field, "InvalidValue", "Rule: must be an object");
		return;
	}
	only(cx, v, names);
	r->kinds = read_mask(cx, json_object_get(v, "kinds"), field, kinds_why, POLICY_KINDS, policy_kind_of);
	r->places = read_mask(cx, json_object_get(v, "places"), field, places_why, PLACES, phi_place_of);
	r->channels = read_mask(cx, json_object_get(v, "channels"), field, channels_why, CHANNELS, phi_channel_of);
	if (json_object_get(v, "min_score") != NULL && !read_number(json_object_get(v, "min_score"), 0, 100, &score))
		bad(cx, field, "InvalidValue", "min_score must be a number from 0 to 100");
	r->min_score = (int)score;
	if ((t = treatment_of(json_text(cx, json_object_get(v, "treatment")))) < 0)
		bad(cx, field, "InvalidValue", "treatment must be keep, move, redact, hold or block");
	r->treatment = (enum treatment)(t < 0 ? 0 : t);
}

static void
read_policy(struct ctx *cx, const json_t *obj, struct policy_doc *p)
{
	static const char *const names[] = { "rules", "why", "style", "allow", NULL };
	const json_t *v;
	json_t *w;
	size_t i;

	*p = (struct policy_doc){ .version = 0 };
	only(cx, obj, names);
	v = json_object_get(obj, "rules");
	if (!json_is_array(v))
		bad(cx, "rules", "BlankValue", "Rules: is required and must be an array (an empty one keeps everything)");
	else if (json_array_size(v) > POLICY_RULES)
		bad(cx, "rules", "TooManyValues", "Rules: at most 100");
	else
		json_array_foreach(v, i, w)
			read_rule(cx, w, (int)i, &p->rule[p->rules++]);
	v = json_object_get(obj, "why");
	if (v != NULL && !json_is_string(v))
		bad(cx, "why", "InvalidValue", "Why: must be a string");
	p->why = HIDE(json_text(cx, v));
	v = json_object_get(obj, "style");
	if (v != NULL && !str_eq(json_text(cx, v), S("label")) && !str_eq(json_text(cx, v), S("mask")))
		bad(cx, "style", "InvalidValue", "Style: must be label or mask");
	p->mask = str_eq(json_text(cx, v), S("mask"));
	v = json_object_get(obj, "allow");
	p->allow = NEW(cx->arena, sensitive, json_array_size(v) + 1);
	if (v != NULL && !json_is_array(v))
		bad(cx, "allow", "InvalidValue", "Allow: must be an array of strings");
	json_array_foreach(v, i, w) {
		if (!json_is_string(w) || json_string_length(w) == 0 || json_string_length(w) > 254) {
			bad(cx, "allow", "InvalidValue", "Allow: must be an array of strings of at most 254 bytes");
			break;
		}
		p->allow[p->allow_count++] = HIDE(json_text(cx, w));
	}
}

static enum err
policy_reply(struct ctx *cx, struct http_reply *rp, int status, const struct policy_doc *p)
{
	struct json j;

	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_key(&j, "policy");
	json_policy(&j, cx, p);
	jw_end_obj(&j);
	return look_one(cx, "phi_policy", p->version, "rules,why,allow");
}

/* ---- policy routes ------------------------------------------------------------------------------------------------ */

static enum err
kinds(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct json j;

	(void)cx;
	(void)rq;
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "kinds");
	jw_arr(&j);
	for (int i = 0; i < POLICY_KINDS; i++) {
		jw_obj(&j);
		jw_kz(&j, "name", policy_kind_name(i));
		jw_kz(&j, "words", policy_kind_words(i));
		jw_end_obj(&j);
	}
	jw_end_arr(&j);
	jw_key(&j, "places");
	jw_arr(&j);
	for (int i = 0; i < PLACES; i++)
		jw_str(&j, str_of(place_text(i)));
	jw_end_arr(&j);
	jw_key(&j, "channels");
	jw_arr(&j);
	for (int i = 0; i < CHANNELS; i++)
		jw_str(&j, str_of(channel_text(i)));
	jw_end_arr(&j);
	jw_key(&j, "treatments");
	jw_arr(&j);
	for (int i = 0; i < TREATMENTS; i++)
		jw_str(&j, str_of(treatment_name((enum treatment)i)));
	jw_end_arr(&j);
	jw_end_obj(&j);
	return OK;
}

static enum err
policy_now(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	(void)rq;
	return policy_reply(cx, rp, 200, policy_current(cx));
}

static enum err
policy_default(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct policy_doc *p = NEW(cx->arena, struct policy_doc, 1);

	(void)rq;
	TRY(policy_get(cx, 0, p));
	return policy_reply(cx, rp, 200, p);
}

static enum err
policies(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct policy_doc *p;
	struct json j;
	int n;

	(void)rq;
	TRY(policy_list(cx, &p, &n));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "policies");
	jw_arr(&j);
	for (int i = 0; i < n; i++)
		json_policy(&j, cx, &p[i]);
	jw_end_arr(&j);
	jw_kint(&j, "count", n);
	jw_end_obj(&j);
	return look_one(cx, "phi_policy", policy_current(cx)->version, "rules,why,allow");
}

static enum err
policy_post(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct policy_doc *in = NEW(cx->arena, struct policy_doc, 1), *out = NEW(cx->arena, struct policy_doc, 1);
	static const char *const outer[] = { "policy", NULL };
	const json_t *obj, *whole;

	TRY(api_body(cx, rq, rp, NULL, &whole));
	if (whole == NULL)
		return OK;
	TRY(api_body(cx, rq, rp, "policy", &obj));
	if (obj == NULL)
		return OK;
	only(cx, whole, outer);
	read_policy(cx, obj, in);
	TRY(bad_check(cx));
	TRY(policy_draft(cx, in, out));
	return policy_reply(cx, rp, 201, out);
}

static enum err
policy_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct policy_doc *p = NEW(cx->arena, struct policy_doc, 1);

	TRY(policy_get(cx, rq->param[0], p));
	return policy_reply(cx, rp, 200, p);
}

static enum err
policy_delete(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	TRY(policy_discard(cx, rq->param[0]));
	api_empty(rp, 204);
	return OK;
}

/* {"expected": version in force}, so that two administrators do not overwrite each other. */
static enum err
switch_to(struct ctx *cx, struct http_req *rq, struct http_reply *rp, int64_t version)
{
	struct policy_doc *p = NEW(cx->arena, struct policy_doc, 1);
	static const char *const names[] = { "expected", NULL };
	const json_t *obj = NULL;
	int64_t expected = -1;

	if (rq->body.n) {
		TRY(api_body(cx, rq, rp, NULL, &obj));
		if (obj == NULL)
			return OK;
		only(cx, obj, names);
		if (json_object_get(obj, "expected") != NULL && !read_number(json_object_get(obj, "expected"), 0, INT64_MAX, &expected))
			bad(cx, "expected", "InvalidValue", "Expected: must be the version that is in force");
		TRY(bad_check(cx));
	}
	TRY(policy_activate(cx, version, expected, p));
	return policy_reply(cx, rp, 200, p);
}

static enum err
activate(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	return switch_to(cx, rq, rp, rq->param[0]);
}

static enum err
activate_defaults(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	return switch_to(cx, rq, rp, 0);
}

/* ---- who sees PHI ----------------------------------------------------------------------------------------------------- */

static enum err
phi_of_user(struct ctx *cx, struct http_reply *rp, int64_t id)
{
	struct json j;
	bool sees;
	int own;

	TRY(user_phi(cx, id, &own, &sees));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_kint(&j, "user_id", id);
	jw_kbool(&j, "sees_phi", sees);
	jw_key(&j, "setting");
	if (own < 0)
		jw_null(&j);
	else
		jw_bool(&j, own != 0);
	jw_end_obj(&j);
	return OK;
}

static enum err
user_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	return phi_of_user(cx, rp, rq->param[0]);
}

static enum err
user_put(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const names[] = { "setting", NULL };
	const json_t *obj, *v;

	TRY(api_body(cx, rq, rp, NULL, &obj));
	if (obj == NULL)
		return OK;
	only(cx, obj, names);
	v = json_object_get(obj, "setting");
	if (v == NULL || (!json_is_boolean(v) && !json_is_null(v)))
		bad(cx, "setting", "InvalidValue", "Setting: must be true, false, or null for what the role says");
	TRY(bad_check(cx));
	TRY(user_set_phi(cx, rq->param[0], json_is_null(v) ? -1 : json_is_true(v)));
	return phi_of_user(cx, rp, rq->param[0]);
}

/* ---- findings of a ticket ------------------------------------------------------------------------------------------- */

#define LOOKED "subject,comments,custom_fields"

static void
json_seen(struct json *j, struct ctx *cx, const struct finding *f, int n, sensitive subject, sensitive body)
{
	jw_arr(j);
	for (int i = 0; i < n; i++) {
		bool in_body = str_eq(f[i].field, S("body")), placed = in_body || str_eq(f[i].field, S("subject"));
		str text = in_body ? body.hidden : subject.hidden, value = placed ? str_sub(text, (size_t)f[i].at, (size_t)f[i].len) : S("");
		const char *kind = policy_kind_name(policy_kind(f[i].label, f[i].rule, value));
		jw_obj(j);
		jw_kstr(j, "field", f[i].field);
		jw_kstr(j, "label", f[i].label);
		jw_kz(j, "kind", kind);
		jw_kstr(j, "rule", f[i].rule);
		jw_kint(j, "start", f[i].at);
		jw_kint(j, "end", f[i].at + f[i].len);
		jw_kint(j, "score", f[i].score);
		if (!placed)
			jw_knull(j, "value");
		else if (actor_sees_phi(cx->actor))
			jw_kstr(j, "value", reveal(cx, HIDE(value), TO_SHOW_ACTOR));
		else
			jw_kstr(j, "value", str_printf(cx->arena, "[%s]", kind));
		jw_end_obj(j);
	}
	jw_end_arr(j);
}

/* What the PHI engine found in a ticket: shown before an agent sends (P2).
 * Offsets are bytes of the original; a stamp says of which. */
/* "redact SSN in body; ..." as a list: what the policy did when the comment came. */
static void
json_treated(struct json *j, str note)
{
	jw_key(j, "policy");
	jw_arr(j);
	while (note.n) {
		size_t end = str_find(note, S("; "));
		str one = end == SIZE_MAX ? note : str_sub(note, 0, end), kind = one, field;
		str what = str_cut(&kind, ' ');
		field = kind;
		kind = str_cut(&field, ' ');
		(void)str_cut(&field, ' ');          /* "in" */
		jw_obj(j);
		jw_kstr(j, "treatment", what);
		jw_kstr(j, "label", kind);
		jw_kstr(j, "field", field);
		jw_end_obj(j);
		note = end == SIZE_MAX ? S("") : str_sub(note, end + 2, note.n);
	}
	jw_end_arr(j);
}

static enum err
findings(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const scans[] = { "not_scanned", "scanned", "not_text", "too_large" };
	struct ticket t;
	struct comment *c;
	struct json j;
	int n;

	TRY(ticket_get(cx, rq->param[0], &t));
	TRY(comment_list(cx, t.id, false, false, 0, 0, 1000, &c, &n));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_kint(&j, "ticket_id", t.id);
	jw_kbool(&j, "masked", !actor_sees_phi(cx->actor));
	jw_kstr(&j, "stamp", text_stamp(cx, t.subject));
	jw_key(&j, "ticket");
	json_seen(&j, cx, t.finding, t.finding_count, t.subject, (sensitive){ 0 });
	jw_key(&j, "comments");
	jw_arr(&j);
	for (int i = 0; i < n; i++) {
		jw_obj(&j);
		jw_kint(&j, "comment_id", c[i].id);
		jw_kstr(&j, "stamp", text_stamp(cx, c[i].body));
		jw_key(&j, "findings");
		json_seen(&j, cx, c[i].finding, c[i].finding_count, (sensitive){ 0 }, c[i].body);
		json_treated(&j, c[i].policy);
		jw_key(&j, "attachments");
		jw_arr(&j);
		for (int k = 0; k < c[i].attachment_count; k++) {
			const struct attachment *f = &c[i].attachment[k];
			jw_obj(&j);
			jw_kint(&j, "attachment_id", f->id);
			jw_kz(&j, "scan", scans[(unsigned)f->scan < COUNT(scans) ? f->scan : 0]);
			jw_key(&j, "findings");
			json_seen(&j, cx, f->finding, f->finding_count, (sensitive){ 0 }, (sensitive){ 0 });
			jw_end_obj(&j);
		}
		jw_end_arr(&j);
		jw_end_obj(&j);
	}
	jw_end_arr(&j);
	jw_end_obj(&j);
	return look_one(cx, "ticket", t.id, "findings");
}

/* ---- unmasking: one ticket, once, for a purpose ------------------------------------------------------------------------ */

struct unmasking { const struct ticket *t; sensitive purpose; };

static enum err
unmask_tx(struct ctx *cx, void *arg)
{
	const struct unmasking *u = arg;
	struct trail_field f = { .name = "purpose", .after = u->purpose, .has_after = true };

	TRY(trail_append(cx, &(struct event){ .action = "ticket.unmask", .object = "ticket", .id = u->t->id, .key = u->t->key,
	    .field = &f, .count = 1 }));
	return trail_look(cx, "ticket", &u->t->id, 1, "unmasked:" LOOKED);
}

static enum err
unmask(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	static const char *const names[] = { "purpose", NULL };
	const char *base = z_of(cx, api_base(cx, rq));
	const struct actor *by = cx->actor;
	struct unmasking u;
	struct actor clear;
	struct comment *c;
	struct ticket t;
	struct json j;
	const json_t *obj;
	int n;

	TRY(api_body(cx, rq, rp, NULL, &obj));
	if (obj == NULL)
		return OK;
	TRY(ticket_get(cx, rq->param[0], &t));
	only(cx, obj, names);
	u = (struct unmasking){ &t, HIDE(json_text(cx, json_object_get(obj, "purpose"))) };
	if (str_trim(u.purpose.hidden).n < 3)
		bad(cx, "purpose", "BlankValue", "Purpose: say what it is needed for");
	if (u.purpose.hidden.n > 1000)
		bad(cx, "purpose", "TooLong", "Purpose: is too long (maximum is 1000 bytes)");
	TRY(bad_check(cx));
	TRY(comment_list(cx, t.id, false, false, 0, 0, 1000, &c, &n));
	/* The event first: nothing is shown that is not on record. */
	TRY(store_write(cx, unmask_tx, &u));
	clear = *by;
	clear.sees_phi = true;
	cx->actor = &clear;
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "ticket");
	json_ticket(&j, cx, base, &t, false);
	jw_key(&j, "comments");
	jw_arr(&j);
	for (int i = 0; i < n; i++)
		json_comment(&j, cx, base, &c[i]);
	jw_end_arr(&j);
	jw_end_obj(&j);
	cx->actor = by;
	return OK;
}

/* ---- redaction ----------------------------------------------------------------------------------------------------------- */

/* {"spans":[{"comment_id","start","end","stamp"}], "comment_id": whole comment}; one of the two. */
static enum err
read_redaction(struct ctx *cx, const json_t *obj, struct redaction *r)
{
	static const char *const names[] = { "spans", "comment_id", NULL };
	static const char *const parts[] = { "comment_id", "start", "end", "stamp", "field", NULL };
	const json_t *v = json_object_get(obj, "spans");
	struct span *spans;
	json_t *w;
	size_t i;

	*r = (struct redaction){ .span_count = 0 };
	only(cx, obj, names);
	if (json_object_get(obj, "comment_id") != NULL && (!json_id(json_object_get(obj, "comment_id"), &r->whole_comment)
	    || r->whole_comment <= 0))
		bad(cx, "comment_id", "InvalidValue", "Comment id: must be the id of a comment that goes whole");
	if (v != NULL && (!json_is_array(v) || json_array_size(v) == 0 || json_array_size(v) > 1000))
		bad(cx, "spans", "InvalidValue", "Spans: must be an array of 1 to 1000 objects");
	else if (v == NULL && r->whole_comment == 0)
		bad(cx, "spans", "BlankValue", "Spans: is required, or comment_id for a whole comment");
	spans = NEW(cx->arena, struct span, json_array_size(v) + 1);
	json_array_foreach(v, i, w) {
		struct span *s = &spans[r->span_count];
		int64_t end = 0;
		str field = json_text(cx, json_object_get(w, "field"));
		if (!json_is_object(w)) {
			bad(cx, "spans", "InvalidValue", "Spans: must be objects with comment_id, start and end");
			break;
		}
		only(cx, w, parts);
		if (json_object_get(w, "comment_id") != NULL && !json_is_null(json_object_get(w, "comment_id"))
		    && !json_id(json_object_get(w, "comment_id"), &s->comment_id))
			bad(cx, "spans", "InvalidValue", "Spans: comment_id must be an id, or null for the subject");
		if (field.n && !str_eq(field, S("body")) && !str_eq(field, S("subject")))
			bad(cx, "spans", "InvalidValue", "Spans: field must be body or subject");
		if (!read_number(json_object_get(w, "start"), 0, DESK_TEXT_MAX, &s->at)
		    || !read_number(json_object_get(w, "end"), 1, DESK_TEXT_MAX, &end) || end <= s->at) {
			bad(cx, "spans", "InvalidValue", "Spans: start and end must be byte offsets, start before end");
			break;
		}
		s->len = end - s->at;
		s->stamp = json_text(cx, json_object_get(w, "stamp"));
		if (s->stamp.n == 0)
			bad(cx, "spans", "BlankValue", "Spans: stamp is required, as GET findings gave it");
		r->span_count++;
	}
	r->span = spans;
	return bad_check(cx);
}

static enum err
redaction(struct ctx *cx, struct http_req *rq, struct http_reply *rp, bool preview)
{
	struct redaction_plan p;
	struct redaction r;
	struct json j;
	const json_t *obj;

	TRY(api_body(cx, rq, rp, NULL, &obj));
	if (obj == NULL)
		return OK;
	TRY(ticket_visible(cx, rq->param[0]));
	TRY(read_redaction(cx, obj, &r));
	TRY(ticket_redact(cx, rq->param[0], &r, &p));
	if (!preview)
		TRY(ticket_redact(cx, rq->param[0], &r, NULL));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_kint(&j, "ticket_id", rq->param[0]);
	jw_kbool(&j, "done", !preview);
	jw_kint(&j, "occurrences", p.occurrences);
	jw_kint(&j, "raw_mails", p.raw_mails);
	jw_kint(&j, "files_not_looked_into", p.files_unread);
	jw_key(&j, "places");
	jw_arr(&j);
	for (int i = 0; i < p.count; i++) {
		jw_obj(&j);
		jw_kz(&j, "place", p.place[i].place);
		jw_kid(&j, "comment_id", p.place[i].comment_id);
		jw_kint(&j, "occurrences", p.place[i].occurrences);
		jw_end_obj(&j);
	}
	jw_end_arr(&j);
	jw_end_obj(&j);
	return look_one(cx, "ticket", rq->param[0], "redaction");
}

static enum err
redaction_preview(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	return redaction(cx, rq, rp, true);
}

static enum err
redaction_post(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	return redaction(cx, rq, rp, false);
}

/* ---- scans, trials, bulk redaction ---------------------------------------------------------------------------------------- */

void
json_phi_job(struct json *j, struct ctx *cx, const struct phi_job *job)
{
	double secs = (double)job->worked_for / 1e6, rate = secs > 0.001 ? (double)job->done / secs : 0;

	jw_obj(j);
	jw_kint(j, "id", job->id);
	jw_kz(j, "kind", phi_job_kind_name(job->kind));
	jw_kz(j, "state", phi_job_state_name(job->state));
	jw_kid(j, "owner_id", job->owner_id);
	if (job->kind == PHI_TRIAL)
		jw_kint(j, "version", job->version);
	if (job->kind == PHI_REDACTION) {
		jw_kint(j, "scan_id", job->parent_id);
		mask_json(j, "kinds", job->choice.kinds, POLICY_KINDS, policy_kind_name);
		mask_json(j, "places", job->choice.places, PLACES, place_text);
		jw_kint(j, "min_score", job->choice.min_score);
	} else
		jw_kstr(j, "query", reveal(cx, job->query, TO_SHOW_ACTOR));
	jw_kint(j, "total", job->total);
	jw_kint(j, "done", job->done);
	jw_kint(j, "percent", job->total > 0 ? job->done * 100 / job->total : job->state == PHI_COMPLETED ? 100 : 0);
	jw_kint(j, "texts", job->texts);
	jw_kint(j, "bytes", job->bytes);
	jw_kint(j, "findings", job->findings);
	jw_kint(j, "tickets_with_findings", job->with_phi);
	jw_kint(j, "tickets_changed", job->changed);
	jw_kint(j, "tickets_failed", job->failed);
	jw_kint(j, "tickets_per_second", (int64_t)rate);
	jw_kint(j, "bytes_per_second", secs > 0.001 ? (int64_t)((double)job->bytes / secs) : 0);
	if (job->state < PHI_COMPLETED && rate > 0)
		jw_kint(j, "seconds_left", (int64_t)((double)(job->total - job->done) / rate) + 1);
	else
		jw_knull(j, "seconds_left");
	jw_ktime(j, "created_at", job->created_at);
	jw_ktime(j, "updated_at", job->updated_at);
	jw_ktime(j, "ended_at", job->ended_at);
	jw_end_obj(j);
}

static enum err
job_reply(struct ctx *cx, struct http_reply *rp, int status, const struct phi_job *job)
{
	struct json j;

	api_begin(rp, &j, status);
	jw_obj(&j);
	jw_key(&j, "job");
	json_phi_job(&j, cx, job);
	jw_end_obj(&j);
	return look_one(cx, "phi_job", job->id, "query,progress");
}

/* The query of a body that may have nothing else; *obj NULL: answered already. */
static enum err
read_query(struct ctx *cx, struct http_req *rq, struct http_reply *rp, str *query, bool *go)
{
	static const char *const names[] = { "query", NULL };
	const json_t *obj = NULL, *v;

	*go = true;
	*query = S("");
	if (rq->body.n == 0)
		return OK;
	TRY(api_body(cx, rq, rp, NULL, &obj));
	*go = obj != NULL;
	if (obj == NULL)
		return OK;
	only(cx, obj, names);
	v = json_object_get(obj, "query");
	if (v != NULL && !json_is_string(v))
		bad(cx, "query", "InvalidValue", "Query: must be a string in the search's language, or left out for all tickets");
	*query = json_text(cx, v);
	return bad_check(cx);
}

static enum err
scan_post(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct phi_job job;
	str query;
	bool go;

	TRY(read_query(cx, rq, rp, &query, &go));
	if (!go)
		return OK;
	TRY(phi_scan_start(cx, query, &job));
	return job_reply(cx, rp, 201, &job);
}

static enum err
trial_post(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct phi_job job;
	str query;
	bool go;

	TRY(read_query(cx, rq, rp, &query, &go));
	if (!go)
		return OK;
	TRY(phi_trial_start(cx, str_find(rq->path, S("/policy/defaults/")) != SIZE_MAX ? 0 : rq->param[0], query, &job));
	return job_reply(cx, rp, 201, &job);
}

static enum err
jobs(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct phi_job *job;
	struct json j;
	int n;

	(void)rq;
	TRY(phi_job_list(cx, &job, &n));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "jobs");
	jw_arr(&j);
	for (int i = 0; i < n; i++)
		json_phi_job(&j, cx, &job[i]);
	jw_end_arr(&j);
	jw_kint(&j, "count", n);
	jw_end_obj(&j);
	return look_one(cx, "phi_job", 0, "query,progress");
}

static void
sums(struct json *j, const char *key, const struct phi_count *c, int n, const char *(*name)(int), int (*of)(const struct phi_count *), int max)
{
	jw_key(j, key);
	jw_obj(j);
	for (int v = 0; v < max; v++) {
		int64_t sum = 0;
		for (int i = 0; i < n; i++)
			sum += of(&c[i]) == v ? c[i].n : 0;
		if (sum > 0)
			jw_kint(j, name(v), sum);
	}
	jw_end_obj(j);
}

static int kind_of(const struct phi_count *c) { return c->kind; }
static int where_of(const struct phi_count *c) { return (int)c->place; }
static int way_of(const struct phi_count *c) { return (int)c->channel; }
static int age_of(const struct phi_count *c) { return c->age; }

/* Progress and counts by kind, place, channel and age (of a trial: by kind,
 * place and treatment, with sample tickets). No values. */
void
json_phi_results(struct json *j, struct ctx *cx, const struct phi_job *job, const struct phi_count *c, int n)
{
	jw_obj(j);
	jw_key(j, "job");
	json_phi_job(j, cx, job);
	sums(j, "by_kind", c, n, policy_kind_name, kind_of, POLICY_KINDS);
	sums(j, "by_place", c, n, place_text, where_of, PLACES);
	sums(j, "by_channel", c, n, channel_text, way_of, CHANNELS);
	sums(j, "by_age", c, n, phi_age_name, age_of, 4);
	jw_key(j, "counts");
	jw_arr(j);
	for (int i = 0; i < n; i++) {
		jw_obj(j);
		jw_kz(j, "kind", policy_kind_name(c[i].kind));
		jw_kz(j, "place", place_name(c[i].place));
		jw_kz(j, "channel", channel_name(c[i].channel));
		jw_kz(j, "age", phi_age_name(c[i].age));
		if (job->kind == PHI_TRIAL) {
			jw_kz(j, "treatment", treatment_name(c[i].treatment));
			jw_kz(j, "treatment_now", treatment_name(c[i].now));
		}
		jw_kint(j, "count", c[i].n);
		jw_end_obj(j);
	}
	jw_end_arr(j);
}

static enum err
job_show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct phi_count *c;
	struct phi_job job;
	struct json j;
	int64_t *ids;
	int n, k;

	TRY(phi_job_get(cx, rq->param[0], &job));
	TRY(phi_job_counts(cx, job.id, &c, &n));
	TRY(phi_job_sample(cx, job.id, NULL, 20, &ids, &k));
	api_begin(rp, &j, 200);
	json_phi_results(&j, cx, &job, c, n);
	if (job.kind == PHI_TRIAL) {
		int64_t would = 0;
		for (int i = 0; i < n; i++)
			would += c[i].treatment != c[i].now ? c[i].n : 0;
		jw_kint(&j, "findings_that_change", would);
	}
	jw_key(&j, "sample_ticket_ids");
	jw_arr(&j);
	for (int i = 0; i < k; i++)
		jw_int(&j, ids[i]);
	jw_end_arr(&j);
	jw_end_obj(&j);
	return look_one(cx, "phi_job", job.id, "query,counts");
}

static enum err
job_pause(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct phi_job job;

	TRY(phi_job_pause(cx, rq->param[0], &job));
	return job_reply(cx, rp, 200, &job);
}

static enum err
job_resume(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct phi_job job;

	TRY(phi_job_resume(cx, rq->param[0], &job));
	return job_reply(cx, rp, 200, &job);
}

static enum err
job_cancel(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct phi_job job;

	TRY(phi_job_cancel(cx, rq->param[0], &job));
	return job_reply(cx, rp, 200, &job);
}

/* {"kinds":[..],"places":[..],"min_score":N} and, to do it, "confirm": tickets. */
static enum err
bulk(struct ctx *cx, struct http_req *rq, struct http_reply *rp, bool preview)
{
	static const char *const names[] = { "kinds", "places", "min_score", "confirm", NULL };
	struct phi_choice w = { 0 };
	struct phi_preview p;
	struct phi_job job;
	struct json j;
	const json_t *obj;
	int64_t score = 0, confirm = -1;

	TRY(api_body(cx, rq, rp, NULL, &obj));
	if (obj == NULL)
		return OK;
	only(cx, obj, names);
	if (json_object_get(obj, "kinds") == NULL)
		bad(cx, "kinds", "BlankValue", "Kinds: is required: \"any\" or names of kinds");
	else
		w.kinds = read_mask(cx, json_object_get(obj, "kinds"), "kinds", kinds_why, POLICY_KINDS, policy_kind_of);
	w.places = read_mask(cx, json_object_get(obj, "places"), "places", places_why, PLACES, phi_place_of);
	if (json_object_get(obj, "min_score") != NULL && !read_number(json_object_get(obj, "min_score"), 0, 100, &score))
		bad(cx, "min_score", "InvalidValue", "Min score: must be a number from 0 to 100");
	w.min_score = (int)score;
	if (!preview && !read_number(json_object_get(obj, "confirm"), 0, INT64_MAX, &confirm))
		bad(cx, "confirm", "BlankValue", "Confirm: is required: the number of tickets that the preview shows");
	TRY(bad_check(cx));
	if (!preview) {
		TRY(phi_redaction_start(cx, rq->param[0], &w, confirm, &job));
		return job_reply(cx, rp, 201, &job);
	}
	TRY(phi_redaction_preview(cx, rq->param[0], &w, &p));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_kint(&j, "scan_id", rq->param[0]);
	jw_kint(&j, "tickets", p.tickets);
	jw_kint(&j, "findings", p.findings);
	jw_key(&j, "sample_ticket_ids");
	jw_arr(&j);
	for (int i = 0; i < p.sample_count; i++)
		jw_int(&j, p.sample[i]);
	jw_end_arr(&j);
	jw_end_obj(&j);
	return look_one(cx, "phi_job", rq->param[0], "counts");
}

static enum err
bulk_preview(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	return bulk(cx, rq, rp, true);
}

static enum err
bulk_post(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	return bulk(cx, rq, rp, false);
}

/* ---- known people: by the command line; here only how many ---------------------------------------------------------------- */

static enum err
known(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct known_import k;
	struct json j;

	(void)rq;
	TRY(known_status(cx, &k));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_kint(&j, "people", k.people);
	jw_kint(&j, "values", k.values);
	jw_kint(&j, "bytes", k.bytes);
	jw_end_obj(&j);
	return OK;
}

static enum err
known_delete(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	(void)rq;
	TRY(known_clear(cx));
	api_empty(rp, 204);
	return OK;
}

#define T "/api/ward/v1/tickets/{id}"
#define V "/api/ward/v1/phi"
const struct route phi_routes[] = {
	{ GET,    T "/findings",                       MAY_READ_TICKET, 0,       findings,          0 },
	{ POST,   T "/unmask",                         MAY_READ_TICKET, 64 * KiB, unmask,           0 },
	{ POST,   T "/redactions/preview",             MAY_REDACT,    256 * KiB, redaction_preview, 0 },
	{ POST,   T "/redactions",                     MAY_REDACT,    256 * KiB, redaction_post,    0 },
	{ GET,    V "/kinds",                          MAY_SIGNED_IN, 0,         kinds,             0 },
	{ GET,    V "/policy",                         MAY_READ_POSTURE,     0,         policy_now,        0 },
	{ GET,    V "/policy/defaults",                MAY_READ_POSTURE,     0,         policy_default,    0 },
	{ POST,   V "/policy/defaults/activate",       MAY_ADMIN,     64 * KiB,  activate_defaults, 0 },
	{ POST,   V "/policy/defaults/trial",          MAY_ADMIN,     64 * KiB,  trial_post,        0 },
	{ GET,    V "/policies",                       MAY_READ_POSTURE,     0,         policies,          0 },
	{ POST,   V "/policies",                       MAY_ADMIN,     256 * KiB, policy_post,       0 },
	{ GET,    V "/policies/{id}",                  MAY_READ_POSTURE,     0,         policy_show,       0 },
	{ DELETE, V "/policies/{id}",                  MAY_ADMIN,     0,         policy_delete,     0 },
	{ POST,   V "/policies/{id}/activate",         MAY_ADMIN,     64 * KiB,  activate,          0 },
	{ POST,   V "/policies/{id}/trial",            MAY_ADMIN,     64 * KiB,  trial_post,        0 },
	{ POST,   V "/scans",                          MAY_ADMIN,     64 * KiB,  scan_post,         0 },
	{ GET,    V "/jobs",                           MAY_ADMIN,     0,         jobs,              0 },
	{ GET,    V "/jobs/{id}",                      MAY_ADMIN,     0,         job_show,          0 },
	{ POST,   V "/jobs/{id}/pause",                MAY_ADMIN,     64 * KiB,  job_pause,         0 },
	{ POST,   V "/jobs/{id}/resume",               MAY_ADMIN,     64 * KiB,  job_resume,        0 },
	{ POST,   V "/jobs/{id}/cancel",               MAY_ADMIN,     64 * KiB,  job_cancel,        0 },
	{ POST,   V "/scans/{id}/redactions/preview",  MAY_ADMIN,     64 * KiB,  bulk_preview,      0 },
	{ POST,   V "/scans/{id}/redactions",          MAY_ADMIN,     64 * KiB,  bulk_post,         0 },
	{ GET,    V "/known",                          MAY_ADMIN,     0,         known,             0 },
	{ DELETE, V "/known",                          MAY_ADMIN,     0,         known_delete,      0 },
	{ GET,    V "/users/{id}",                     MAY_ADMIN,     0,         user_show,         0 },
	{ PUT,    V "/users/{id}",                     MAY_ADMIN,     64 * KiB,  user_put,          0 },
	{ 0 }
};
