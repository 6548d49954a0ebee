/* conf.c - flow's settings, the signed marks in its addresses, and how it is opened. */
#include <stdlib.h>

#include "flow/in.h"

/* Tags of the packed settings; never reuse a number. */
enum { K_HOST = 1, K_PORT, K_TLS, K_CA, K_USER, K_PASSWORD, K_FROM, K_NAME, K_RETRY, K_GIVE_UP, K_KEEP, K_DEAD, K_AUTO,
       K_WEBHOOK_RETRY, K_WEBHOOK_TRIES };

static const struct stmt load = {
	.name = "flow_conf.get",
	.sql  = "SELECT id, key_id, doc FROM flow_conf WHERE account_id = $1 AND id = 1",
	.in   = "i", .out = "iiS", .seal_out = { { "flow_conf", "doc", 0 } },
};
static const struct stmt save = {
	.name = "flow_conf.put",
	.sql  = "INSERT INTO flow_conf (account_id, id, key_id, updated_at, doc) VALUES ($1, $2, $3, $4, $5)"
	        " ON CONFLICT (account_id, id) DO UPDATE SET key_id = excluded.key_id, updated_at = excluded.updated_at,"
	        " doc = excluded.doc",
	.in   = "iiiiS", .seal_in = { { "flow_conf", "doc", 1 } },
};

const struct stmt *const conf_stmts[] = { &load, &save, NULL };

static const struct { const char *name; size_t at; int64_t def, least, most; unsigned bit; uint8_t tag; } numbers[] = {
#define N(tag, member, def, least, most, bit) { #member, offsetof(struct flow_conf, member), def, least, most, bit, tag }
	N(K_PORT,          port,                  587, 1, 65535, CONF_PORT),
	N(K_RETRY,         retry_seconds,         60,  1, 3600,  CONF_RETRY),
	N(K_GIVE_UP,       give_up_hours,         72,  1, 240,   CONF_GIVE_UP),
	N(K_KEEP,          keep_days,             7,   0, 365,   CONF_KEEP),
	N(K_DEAD,          dead_days,             30,  1, 365,   CONF_DEAD),
	N(K_AUTO,          auto_limit,            10,  1, 1000,  CONF_AUTO),
	N(K_WEBHOOK_RETRY, webhook_retry_seconds, 5,   1, 3600,  CONF_WEBHOOK_RETRY),
	N(K_WEBHOOK_TRIES, webhook_tries,         6,   1, 20,    CONF_WEBHOOK_TRIES),
#undef N
};

static int64_t *
number_in(struct flow_conf *c, size_t i)
{
	return (int64_t *)(void *)((char *)c + numbers[i].at);
}

static void
conf_from(str packed, struct flow_conf *c)
{
	str rest, v;
	uint8_t tag;

	*c = (struct flow_conf){ 0 };
	for (size_t i = 0; i < COUNT(numbers); i++)
		*number_in(c, i) = numbers[i].def;
	for (rest = packed; pack_next(&rest, &tag, &v);) {
		switch (tag) {
		case K_HOST:     c->host = v; break;
		case K_TLS:      c->tls = (enum flow_tls)pack_get_int(v); break;
		case K_CA:       c->ca_pem = v; break;
		case K_USER:     c->user = HIDE(v); break;
		case K_PASSWORD: c->password = HIDE(v); break;
		case K_FROM:     c->from = v; break;
		case K_NAME:     c->name = v; break;
		default: break;
		}
		for (size_t i = 0; i < COUNT(numbers); i++)
			if (numbers[i].tag == tag)
				*number_in(c, i) = pack_get_int(v);
	}
}

static str
conf_pack(struct ctx *cx, const struct flow_conf *c)
{
	struct flow_conf copy = *c;
	struct buf b;

	buf_init(&b, cx->arena, 256 * KiB);
	pack_put(&b, K_HOST, c->host);
	pack_int(&b, K_TLS, c->tls);
	pack_put(&b, K_CA, c->ca_pem);
	pack_put(&b, K_USER, c->user.hidden);
	pack_put(&b, K_PASSWORD, c->password.hidden);
	pack_put(&b, K_FROM, c->from);
	pack_put(&b, K_NAME, c->name);
	for (size_t i = 0; i < COUNT(numbers); i++)
		pack_int(&b, numbers[i].tag, *number_in(&copy, i));
	return buf_str(&b);
}

struct fresh { struct flow *f; char *p; size_t n; bool on; };

/* Also after the commit, on the writer thread. */
static void
conf_use(struct sys *sys UNUSED, void *arg)
{
	struct fresh *n = arg;
	char *was;
	size_t was_n;

	pthread_mutex_lock(&n->f->lock);
	was = n->f->conf;
	was_n = n->f->conf_n;
	n->f->conf = n->p;
	n->f->conf_n = n->n;
	pthread_mutex_unlock(&n->f->lock);
	atomic_store(&n->f->mail_on, n->on);
	if (was != NULL) {
		wipe(was, was_n);
		free(was);
	}
}

static void
conf_unuse(struct sys *sys UNUSED, void *arg)
{
	struct fresh *n = arg;

	wipe(n->p, n->n);
	free(n->p);
}

static enum err
fresh_of(struct ctx *cx, struct flow *f, str packed, struct fresh *out)
{
	struct flow_conf c;

	conf_from(packed, &c);
	*out = (struct fresh){ .f = f, .p = malloc(packed.n ? packed.n : 1), .n = packed.n,
	    .on = c.host.n != 0 && c.from.n != 0 };
	if (out->p == NULL)
		return fail(cx, E_FAULT, NULL, "out of memory");
	if (packed.n)
		memcpy(out->p, packed.p, packed.n);
	return OK;
}

enum err
conf_load(struct ctx *cx, struct flow *f)
{
	struct fresh n;
	struct row r;
	enum err e = store_one(cx, &load, ARGS(INT(cx->account)), &r);

	if (e == E_ABSENT) {
		fail_forget(cx);
		TRY(fresh_of(cx, f, S(""), &n));
	} else {
		TRY(e);
		TRY(fresh_of(cx, f, row_sensitive(&r, 2).hidden, &n));
	}
	conf_use(NULL, &n);
	return OK;
}

enum err
flow_conf_get(struct ctx *cx, struct flow_conf *out)
{
	struct flow *f = cx->sys->flow;
	str packed = { 0 };

	if (f != NULL) {
		pthread_mutex_lock(&f->lock);
		packed = str_dup(cx->arena, (str){ f->conf, f->conf_n });
		pthread_mutex_unlock(&f->lock);
	}
	conf_from(packed, out);
	return OK;
}

bool
flow_mail_on(struct ctx *cx)
{
	return cx->sys->flow != NULL && atomic_load(&cx->sys->flow->mail_on);
}

static bool
host_ok(str h)
{
	if (h.n > 253)
		return false;
	for (size_t i = 0; i < h.n; i++) {
		char c = h.p[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-'
		    || c == ':' || c == '[' || c == ']'))
			return false;
	}
	return true;
}

static bool
is_loopback(str h)
{
	return str_starts(h, S("127.")) || str_eq(h, S("localhost")) || str_eq(h, S("[::1]")) || str_eq(h, S("::1"));
}

static bool
one_line(str s, size_t most)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 127)
			return false;
	return s.n <= most && utf8_valid(s);
}

struct change { unsigned has; const struct flow_conf *in; struct flow_conf out; };

static enum err
set_tx(struct ctx *cx, void *arg)
{
	struct change *ch = arg;
	const struct flow_conf *in = ch->in;
	struct flow_conf *c = &ch->out, was, asked = *in;
	struct fresh *n = NEW(cx->arena, struct fresh, 1);
	struct trail_field f[COUNT(numbers) + 8];
	int64_t key, old = 0;
	int count = 0;
	struct row r;
	str packed;
	enum err e;

	e = store_one(cx, &load, ARGS(INT(cx->account)), &r);
	if (e == E_ABSENT) {
		fail_forget(cx);
		conf_from(S(""), &was);
	} else {
		TRY(e);
		old = row_int(&r, 1);
		conf_from(row_sensitive(&r, 2).hidden, &was);
	}
	*c = was;
#define TEXT_OF(bit, member, name_) do { if (ch->has & (bit)) { \
	f[count++] = (struct trail_field){ .name = name_, .has_before = true, .has_after = true, \
	    .before = HIDE(was.member), .after = HIDE(in->member) }; c->member = in->member; } } while (0)
	TEXT_OF(CONF_HOST, host, "host");
	TEXT_OF(CONF_FROM, from, "from");
	TEXT_OF(CONF_NAME, name, "name");
	TEXT_OF(CONF_CA, ca_pem, "ca_pem");
#undef TEXT_OF
	if (ch->has & CONF_TLS) {
		c->tls = in->tls;
		f[count++] = (struct trail_field){ .name = "tls", .has_after = true,
		    .after = HIDE(in->tls == FLOW_TLS ? S("tls") : in->tls == FLOW_PLAIN ? S("none") : S("starttls")) };
	}
	if (ch->has & CONF_USER) {
		c->user = in->user;
		f[count++] = (struct trail_field){ .name = "user", .has_after = true, .after = in->user };
	}
	if (ch->has & CONF_PASSWORD) {
		/* That it changed, and never what it is. */
		c->password = in->password;
		f[count++] = (struct trail_field){ .name = "password", .has_after = true, .after = HIDE(S("changed")) };
	}
	for (size_t i = 0; i < COUNT(numbers); i++)
		if (ch->has & numbers[i].bit) {
			int64_t v = *number_in(&asked, i);
			if (v < numbers[i].least || v > numbers[i].most)
				bad(cx, numbers[i].name, "InvalidValue", str_z(cx->arena, str_printf(cx->arena,
				    "%s: must be from %lld to %lld", numbers[i].name, (long long)numbers[i].least, (long long)numbers[i].most)));
			f[count++] = (struct trail_field){ .name = numbers[i].name, .has_before = true, .has_after = true,
			    .before = HIDE(str_printf(cx->arena, "%lld", (long long)*number_in(&was, i))),
			    .after = HIDE(str_printf(cx->arena, "%lld", (long long)v)) };
			*number_in(c, i) = v;
		}
	if (!host_ok(c->host))
		bad(cx, "host", "InvalidValue", "Host: must be the name or address of a mail server");
	if (c->from.n && !address_ok(c->from))
		bad(cx, "from", "InvalidFormat", "From: is not an e-mail address");
	if (c->host.n && c->from.n == 0)
		bad(cx, "from", "BlankValue", "From: cannot be blank when there is a host; it is the desk's own address");
	if (!one_line(c->name, 100))
		bad(cx, "name", "InvalidValue", "Name: must be one line of at most 100 bytes");
	if (!one_line(c->user.hidden, 255) || !one_line(c->password.hidden, 1024))
		bad(cx, "user", "InvalidValue", "User and password: must be one line each");
	if (c->tls == FLOW_PLAIN && !is_loopback(c->host))
		bad(cx, "tls", "InvalidValue", "Tls: none is for a relay on this machine's loopback only; use starttls or tls");
	if (c->ca_pem.n > 128 * KiB || (c->ca_pem.n && str_find(c->ca_pem, S("-----BEGIN CERTIFICATE-----")) == SIZE_MAX))
		bad(cx, "ca_pem", "InvalidFormat", "Ca pem: must be certificates in PEM, at most 128 KiB");
	if (c->dead_days < c->keep_days)
		c->dead_days = c->keep_days;
	TRY(bad_check(cx));
	TRY(store_key_new(cx, &key));
	if (old)
		TRY(store_key_destroy(cx, old));
	packed = conf_pack(cx, c);
	TRY(store_exec(cx, &save, ARGS(INT(cx->account), INT(1), INT(key), INT(cx->now), SEALED(key, HIDE(packed))), NULL));
	TRY(outbox_release(cx));
	TRY(trail_append(cx, &(struct event){ .action = "mail_settings.update", .object = "mail_settings", .id = 1, .field = f,
	    .count = count }));
	TRY(fresh_of(cx, cx->sys->flow, packed, n));
	store_after(cx, conf_use, n);
	store_undo(cx, conf_unuse, n);
	return OK;
}

enum err
flow_conf_set(struct ctx *cx, unsigned has, const struct flow_conf *in, struct flow_conf *out)
{
	struct change ch = { .has = has, .in = in };

	TRY(store_write(cx, set_tx, &ch));
	*out = ch.out;
	return store_erase(cx);
}

/* ---- marks --------------------------------------------------------------------------------------------------- */

/* Ticket marks are what the intake has made since it began: 8 bytes of the
 * blind index of the id; other kinds have their letter in front. */
enum err
flow_mark(struct ctx *cx, char what, int64_t id, str *out)
{
	unsigned char x[16];
	str text = what == 't' ? str_printf(cx->arena, "%lld", (long long)id)
	    : str_printf(cx->arena, "%c%lld", what, (long long)id);

	TRY(cx->sys->codec->blind(cx, "ticket.reply_address", text, x));
	*out = str_printf(cx->arena, "%c%lld-" STR_F, what, (long long)id, STR_A(hex_of(cx->arena, (str){ (char *)x, 8 })));
	return OK;
}

enum err
flow_marked(struct ctx *cx, char what, str address, int64_t *id)
{
	const char plus[2] = { '+', what };
	str rest = str_sub(address, 0, 512);
	size_t at;

	*id = 0;
	while ((at = str_find(rest, (str){ plus, 2 })) != SIZE_MAX) {
		str part = str_sub(rest, at + 1, rest.n), digits, mine;
		int64_t n;

		rest = part;
		for (size_t i = 0; i < part.n; i++)
			if (part.p[i] == '@' || part.p[i] == '+')
				part.n = i;
		digits = str_sub(part, 1, part.n);
		digits = str_cut(&digits, '-');
		if (digits.n == 0 || digits.n > 15 || !str_int(digits, &n) || n <= 0)
			continue;
		TRY(flow_mark(cx, what, n, &mine));
		if (str_eqi(mine, part)) {
			*id = n;
			return OK;
		}
	}
	return OK;
}

/* ---- opening -------------------------------------------------------------------------------------------------- */

enum err
flow_prepare(struct ctx *cx)
{
	const struct stmt *const *const lists[] = { outbox_stmts, dest_stmts, conf_stmts, webhook_stmts };

	for (size_t i = 0; i < COUNT(lists); i++)
		TRY(store_prepare(cx, cx->sys->store, lists[i]));
	return OK;
}

enum err
flow_open(struct ctx *cx, const char *password_file, struct flow **out)
{
	struct flow *f = calloc(1, sizeof *f);
	enum err e;

	if (f == NULL)
		return fail(cx, E_FAULT, NULL, "out of memory");
	f->sys = cx->sys;
	f->password_file = password_file;
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->wake, NULL);
	if ((e = conf_load(cx, f)) == OK)
		e = webhooks_load(cx, f);
	if (e != OK) {
		flow_close(&f);
		return e;
	}
	*out = f;
	return OK;
}

void
flow_close(struct flow **fp)
{
	struct flow *f = *fp;

	if (f == NULL)
		return;
	if (f->conf != NULL) {
		wipe(f->conf, f->conf_n);
		free(f->conf);
	}
	pthread_cond_destroy(&f->wake);
	pthread_mutex_destroy(&f->lock);
	free(f);
	*fp = NULL;
}
