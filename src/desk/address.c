/* address.c - the desk's own addresses (Zendesk's support addresses).
 *
 * What is written to one of them lands in its brand and group; what goes out of
 * a ticket comes from the address that the ticket came to, else from the
 * default. An address is sent from only when mail to it is known to arrive
 * here: it is one of the desk's own domain (PUT /api/ward/v1/mail), a mail was
 * delivered for it, or a check that was sent to it came back. The check is
 * known by the signed mark in its Message-ID, which forwarding leaves as it is.
 */
#include "desk/in.h"
#include "flow/flow.h"

#define VERIFIED "verified"

/* "help+t35-0123@clinic.example" is help@clinic.example's. */
static bool
is_address(str given, str own)
{
	str domain = given, local = str_cut(&domain, '@'), own_domain = own, own_local = str_cut(&own_domain, '@'), name = local;

	if (domain.n == 0 || !str_eqi(domain, own_domain))
		return false;
	return str_eqi(local, own_local) || str_eqi(str_cut(&name, '+'), own_local);
}

const struct def *
address_find(const struct defs *d, str given)
{
	int n;
	const struct def *const *all = def_all(d, DEF_ADDRESS, &n);

	for (int i = 0; i < n; i++)
		if (is_address(given, def_text(all[i], "email")))
			return all[i];
	return NULL;
}

static bool
verified(const struct def *a)
{
	return str_eq(def_text(a, "forwarding_status"), S(VERIFIED));
}

static str
member(const json_t *doc, const char *name)
{
	const json_t *v = json_object_get(doc, name);

	return json_is_string(v) ? (str){ json_string_value(v), json_string_length(v) } : S("");
}

enum err
address_check(struct ctx *cx, const struct defs *d, const struct def *was, struct def *is, json_t *doc)
{
	str email = str_trim(str_lower(cx->arena, member(doc, "email"))), domain = email, own;
	int64_t brand = json_integer_value(json_object_get(doc, "brand_id")), group = json_integer_value(json_object_get(doc, "group_id"));
	struct flow_conf conf;
	int n;
	const struct def *const *all = def_all(d, DEF_ADDRESS, &n), *const *brands;

	if (was == NULL) {
		if (email.n && (!email_valid(email) || memchr(email.p, '+', email.n) != NULL))
			bad(cx, "email", "InvalidFormat", "Email: is not an address that mail can come to");
		for (int i = 0; i < n; i++)
			if (str_eqi(def_text(all[i], "email"), email))
				bad(cx, "email", "DuplicateValue", "Email: is already a support address");
		TRY(flow_conf_get(cx, &conf));
		own = conf.from;
		(void)str_cut(&own, '@');
		(void)str_cut(&domain, '@');
		json_object_set_new(doc, "email", json_stringn(email.p, email.n));
		if (own.n && str_eqi(own, domain))
			json_object_set_new(doc, "forwarding_status", json_string(VERIFIED));
		if (n == 0 && own.n && str_eqi(conf.from, email))
			json_object_set_new(doc, "default", json_true());
	}
	if (brand != 0 && def_find(d, DEF_BRAND, brand) == NULL)
		bad(cx, "brand_id", "InvalidValue", "Brand: is not a known brand");
	else if (brand == 0) {
		brands = def_all(d, DEF_BRAND, &n);
		for (int i = 0; i < n; i++)
			if (def_bool(brands[i], "default"))
				json_object_set_new(doc, "brand_id", json_integer(brands[i]->id));
	}
	if (group != 0) {
		struct group *g;
		int found;
		TRY(group_many(cx, &group, 1, &g, &found));
		if (found == 0 || g[0].deleted)
			bad(cx, "group_id", "InvalidValue", "Group: is not a known group");
	}
	if (json_is_true(json_object_get(doc, "default")) && !str_eq(member(doc, "forwarding_status"), S(VERIFIED)))
		bad(cx, "default", "InvalidValue", "Default: only an address that is verified can be the default");
	if (was != NULL && def_bool(was, "default") && !json_is_true(json_object_get(doc, "default")))
		bad(cx, "default", "InvalidValue", "Default: another address has to become the default first");
	(void)is;
	return OK;
}

static enum err
status_set(struct ctx *cx, int64_t id, const char *status)
{
	json_t *in = json_pack("{s:s}", "forwarding_status", status);

	arena_defer(cx->arena, (void (*)(void *))json_decref, in);
	return def_set(cx, DEF_ADDRESS, id, in, NULL);
}

enum err
address_own(struct ctx *cx, str email, str name)
{
	const struct defs *d;
	json_t *in;

	TRY(defs_get(cx, &d));
	if (email.n == 0 || address_find(d, email) != NULL)
		return OK;
	in = json_pack("{s:s%,s:s%}", "email", email.p, email.n, "name", name.n ? name.p : "", name.n);
	arena_defer(cx->arena, (void (*)(void *))json_decref, in);
	return def_set(cx, DEF_ADDRESS, 0, in, NULL);
}

struct check_call { struct def d; const char *status; };

static enum err
verify_tx(struct ctx *cx, void *arg)
{
	struct check_call *c = arg;

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	TRY(flow_enqueue(cx, &(struct outgoing){ .kind = FLOW_MAIL, .event = "forwarding", .to = HIDE(def_text(&c->d, "email")), .check_id = c->d.id }, NULL));
	return status_set(cx, c->d.id, "waiting");
}

enum err
address_verify(struct ctx *cx, int64_t id)
{
	struct check_call c;

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	TRY(def_get(cx, DEF_ADDRESS, id, &c.d));
	if (verified(&c.d))
		return OK;
	if (!flow_mail_on(cx))
		return fail(cx, E_BUSY, NULL, "mail is not set up, so nothing can be sent to the address; an administrator sets it up");
	return store_write(cx, verify_tx, &c);
}

enum err
address_came_back(struct ctx *cx, str message_id, int64_t *id)
{
	struct def d;
	enum err e;

	TRY(flow_marked(cx, 'v', message_id, id));
	if (*id == 0)
		return OK;
	if ((e = def_get(cx, DEF_ADDRESS, *id, &d)) == E_ABSENT) {
		fail_forget(cx);
		return OK;
	}
	TRY(e);
	return verified(&d) ? OK : status_set(cx, *id, VERIFIED);
}

enum err
address_arrived(struct ctx *cx, const struct mail *m, str rcpt, const struct def **out)
{
	const struct defs *d;
	int n;

	*out = NULL;
	TRY(defs_get(cx, &d));
	(void)def_all(d, DEF_ADDRESS, &n);
	if (n == 0)
		return OK;
	/* The envelope is what the mail server accepted for us, a header what anybody wrote. */
	if (rcpt.n && (*out = address_find(d, rcpt)) != NULL && !verified(*out))
		TRY(status_set(cx, (*out)->id, VERIFIED));
	/* Forwarded mail still says whom it was written to. */
	for (int k = 0; k < 2; k++)
		for (int i = 0; i < (k ? m->cc_count : m->to_count); i++) {
			const struct def *a = address_find(d, (k ? m->cc : m->to)[i].addr);
			if (a != NULL && (*out == NULL || (def_bool(*out, "default") && a != *out))) {
				*out = a;
				return OK;
			}
		}
	return OK;
}

/* ---- what flow asks for each mail ------------------------------------------------------------------------------ */

enum err
address_sender(struct ctx *cx, const struct outgoing *o, struct sender *out)
{
	const struct def *a = NULL;
	const struct defs *d;
	struct ticket t;
	struct user u;
	enum err e;
	int n;

	TRY(defs_get(cx, &d));
	if (o->user_id != 0) {
		if ((e = user_load(cx, o->user_id, &u)) == E_ABSENT)
			fail_forget(cx);
		else
			TRY(e);
		if (e == OK)
			out->locale = u.locale;
	}
	(void)def_all(d, DEF_ADDRESS, &n);
	if (n == 0)
		return OK;
	if (o->ticket_id != 0) {
		if ((e = ticket_row(cx, o->ticket_id, &t)) == E_ABSENT)
			fail_forget(cx);
		else
			TRY(e);
		if (e == OK && t.recipient.hidden.n)
			a = address_find(d, reveal(cx, t.recipient, TO_SEND));
		if (e == OK && (a == NULL || !verified(a))) {          /* one of its brand */
			const struct def *const *all = def_all(d, DEF_ADDRESS, &n);
			a = NULL;
			for (int i = 0; i < n && t.brand_id != 0; i++)
				if (verified(all[i]) && def_int(all[i], "brand_id") == t.brand_id && (a == NULL || def_bool(all[i], "default")))
					a = all[i];
		}
	}
	if (a == NULL || !verified(a)) {
		const struct def *const *all = def_all(d, DEF_ADDRESS, &n);
		a = NULL;
		for (int i = 0; i < n; i++)
			if (def_bool(all[i], "default"))
				a = all[i];
	}
	if (a == NULL || !verified(a))
		return OK;
	out->from = def_text(a, "email");
	out->name = def_text(a, "name");
	return OK;
}

/* ---- PHI: our own addresses name no patient ---------------------------------------------------------------------- */

enum err
addresses_own(struct ctx *cx, str **out, int *count)
{
	const struct defs *d;
	const struct def *const *all;

	TRY(defs_get(cx, &d));
	all = def_all(d, DEF_ADDRESS, count);
	*out = NEW(cx->arena, str, (size_t)*count + 1);
	for (int i = 0; i < *count; i++)
		(*out)[i] = def_text(all[i], "email");
	return OK;
}
