/* gate_world.h - for gate's tests: a store with trail and gate open, and a few
 * invented people. Keyed hashes and Argon2id are the vault's; sealing is the
 * toy codec's. */
#ifndef GATE_WORLD_H
#define GATE_WORLD_H

#include "rows.h"

#include <stdio.h>

#include "db.h"
#include "gate/gate.h"
#include "gate/inside.h"
#include "trail/trail.h"
#include "vault/vault.h"

#define T0        ((usec)1767607200 * SECOND)   /* 2026-01-05T10:00:00Z */
#define PASSWORD  "correct horse battery"

struct world {
	struct testdb d;
	usec          now;
	int64_t       admin;                     /* Ada Admin, ada@clinic.example */
};

static void
world_mac(struct sys *sys UNUSED, str bytes, unsigned char out[32])
{
	hmac_sha256(S("the tests' token key"), bytes, out);
}

static void
world_sign(struct sys *sys UNUSED, str bytes, unsigned char sig[64])
{
	hmac_sha256(S("one half"), bytes, sig);
	hmac_sha256(S("the other"), bytes, sig + 32);
}

static void
world_public(struct sys *sys UNUSED, unsigned char pub[32])
{
	memset(pub, 7, 32);
}

static bool
world_verify(const unsigned char pub[32] UNUSED, str bytes, const unsigned char sig[64])
{
	unsigned char right[64];

	world_sign(NULL, bytes, right);
	return memcmp(right, sig, 64) == 0;
}

static const struct trail_crypto world_trail = { sha256, world_mac, world_sign, world_public, world_verify };
static const struct gate_crypto world_crypto = { password_hash, password_check, password_waste, world_mac };

/* A context as a request would have it. */
static inline void
ask(struct world *w, struct ctx *cx)
{
	ctx_init(cx, &w->d.sys, 1);
	cx->now = w->now;
	cx->address = S("192.0.2.10");
	cx->client = S("tests");
	cx->request_id = S("r-1");
	cx->via = "api";
}

/* Puts the context back to before the last call's failure. */
static inline void
again(struct ctx *cx)
{
	fail_clear(cx);
}

/* cmocka's fail_msg() calls a fail() that base.h has another of. */
#define BROKEN(...) do { print_error(__VA_ARGS__); print_error("\n"); assert_true(false); } while (0)

static inline void
must(struct ctx *cx, enum err e, const char *what)
{
	if (e != OK)
		BROKEN("%s: %s %s: %s", what, err_name(e), cx->fail.field != NULL ? cx->fail.field : "-",
		    cx->fail.why != NULL ? cx->fail.why : "-");
}
#define MUST(cx, call) must(cx, call, #call)

static inline void
be_system(struct ctx *cx)
{
	gate_as_system(cx, "cli");
}

static inline void
be(struct ctx *cx, int64_t user_id)
{
	MUST(cx, gate_as_user(cx, user_id, "cli"));
}

/* A user made by the system. `email` may be NULL. */
static inline int64_t
person(struct world *w, const char *name, const char *email, enum role role)
{
	struct user_change in = { .has = USER_NAME | USER_ROLE };
	struct user u;
	struct ctx cx;

	ask(w, &cx);
	be_system(&cx);
	in.u.name = HIDE(str_of(name));
	in.u.role = role;
	if (email != NULL) {
		in.has |= USER_EMAIL;
		in.u.email = HIDE(str_of(email));
	}
	MUST(&cx, user_create(&cx, &in, &u));
	ctx_done(&cx);
	return u.id;
}

static inline int64_t
make_group(struct world *w, const char *name, bool is_public)
{
	struct group in = { .name = str_of(name), .is_public = is_public }, g;
	struct ctx cx;

	ask(w, &cx);
	be_system(&cx);
	MUST(&cx, group_create(&cx, GROUP_NAME | GROUP_PUBLIC, &in, &g));
	ctx_done(&cx);
	return g.id;
}

static inline int64_t
make_org(struct world *w, const char *name, bool shared)
{
	struct organization in = { .name = HIDE(str_of(name)), .shared_tickets = shared }, o;
	struct ctx cx;

	ask(w, &cx);
	be_system(&cx);
	MUST(&cx, org_create(&cx, ORG_NAME | ORG_SHARED_TICKETS, &in, &o));
	ctx_done(&cx);
	return o.id;
}

static inline int64_t
join(struct world *w, int64_t user_id, int64_t group_id)
{
	struct membership m;
	struct ctx cx;

	ask(w, &cx);
	be_system(&cx);
	MUST(&cx, membership_create(&cx, user_id, group_id, false, &m));
	ctx_done(&cx);
	return m.id;
}

/* Changes a user as the system. */
static inline void
set(struct world *w, int64_t id, struct user_change in)
{
	struct user u;
	struct ctx cx;

	ask(w, &cx);
	be_system(&cx);
	MUST(&cx, user_update(&cx, id, &in, &u));
	ctx_done(&cx);
}
#define SET(w, id, bit, ...) set(w, id, (struct user_change){ .has = (bit), .u = { __VA_ARGS__ } })

static inline void
set_password(struct world *w, int64_t id, const char *password)
{
	set(w, id, (struct user_change){ .has = USER_PASSWORD, .password = HIDE(str_of(password)) });
}

/* The token in clear; lives in the world's folder's life: static, four of them. */
static inline const char *
token_for(struct world *w, int64_t user_id, bool bearer, bool read_only)
{
	static char kept[4][64];
	static int next;
	struct api_token t;
	struct ctx cx;
	str clear;
	char *p = kept[next++ % 4];

	ask(w, &cx);
	be_system(&cx);
	MUST(&cx, token_create(&cx, user_id, S("for a test"), bearer, read_only, &clear, &t));
	assert_true(clear.n < 64);
	memcpy(p, clear.p, clear.n);
	p[clear.n] = 0;
	ctx_done(&cx);
	return p;
}

static inline str
basic(struct ctx *cx, const char *user, const char *secret)
{
	str text = str_printf(cx->arena, "%s:%s", user, secret);

	return str_printf(cx->arena, "Basic " STR_F, STR_A(base64_of(cx->arena, text)));
}

static inline void
world_start(struct world *w)
{
	struct ctx cx;

	ask(w, &cx);
	MUST(&cx, store_prepare(&cx, w->d.sys.store, trail_stmts));
	MUST(&cx, store_prepare(&cx, w->d.sys.store, gate_stmts));
	MUST(&cx, trail_open(&cx, &world_trail, NULL, &w->d.sys.trail));
	MUST(&cx, gate_open(&cx, &world_crypto, &w->d.sys.gate));
	ctx_done(&cx);
}

static inline void
world_open(struct world *w)
{
	*w = (struct world){ .now = T0 };
	db_open(&w->d, "trail gate");
	world_start(w);
	w->admin = person(w, "Ada Admin", "ada@clinic.example", ROLE_ADMIN);
}

static inline void
world_stop(struct world *w)
{
	gate_close(&w->d.sys.gate);
	trail_close(&w->d.sys.trail);
}

static inline void
world_close(struct world *w)
{
	world_stop(w);
	db_close(&w->d);
}

/* As a restart of the server would. */
static inline void UNUSED
world_restart(struct world *w)
{
	world_stop(w);
	db_reopen(&w->d, "trail gate");
	world_start(w);
}

/* Was this field refused with this code? */
static inline bool
refused(const struct ctx *cx, const char *field, const char *error)
{
	for (const struct bad_field *b = cx->bad; b != NULL; b = b->next)
		if (strcmp(b->field, field) == 0 && strcmp(b->error, error) == 0)
			return true;
	return false;
}

static inline int
bad_count(const struct ctx *cx)
{
	int n = 0;

	for (const struct bad_field *b = cx->bad; b != NULL; b = b->next)
		n++;
	return n;
}

/* How many events with this action are in the trail. */
static inline int
events(struct world *w, const char *action)
{
	struct trail_filter f = { .action = str_of(action), .limit = 1000 };
	struct trail_event *e;
	struct ctx cx;
	int count;

	ask(w, &cx);
	MUST(&cx, trail_list(&cx, &f, &e, &count));
	ctx_done(&cx);
	return count;
}

/* The value after of the newest event of this action, or "". */
static inline bool
last_event_says(struct world *w, const char *action, const char *field, const char *after)
{
	struct trail_filter f = { .action = str_of(action), .limit = 1 };
	struct trail_event *e;
	bool yes = false;
	struct ctx cx;
	int count;

	ask(w, &cx);
	MUST(&cx, trail_list(&cx, &f, &e, &count));
	for (int i = 0; count == 1 && i < e[0].field_count; i++)
		if (str_eq(e[0].field[i].name, str_of(field)) && str_eq(e[0].field[i].after.hidden, str_of(after)))
			yes = true;
	ctx_done(&cx);
	return yes;
}

/* Whether these bytes stand in any file of the data folder. */
static inline bool
in_files(struct world *w, const char *bytes)
{
	struct dirent *f;
	bool found = false;
	struct ctx cx;
	DIR *dir = opendir(w->d.dir);

	assert_non_null(dir);
	ask(w, &cx);
	while ((f = readdir(dir)) != NULL) {
		const char *path = str_printf(cx.arena, "%s/%s", w->d.dir, f->d_name).p;
		str text;

		if (f->d_name[0] != '.' && file_read(&cx, path, 256 * MiB, &text) == OK)
			found |= str_find(text, str_of(bytes)) != SIZE_MAX;
	}
	closedir(dir);
	ctx_done(&cx);
	return found;
}

#endif
