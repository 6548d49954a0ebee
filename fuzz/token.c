/* module: vault */
/* The input is a token, a sealed value and a text. As a token or a sealed value
 * it never opens, because nobody sealed it; as a text it comes back whole from
 * a token and from a sealed value, and from neither after one byte of it was
 * changed, or under another purpose, or in another row. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "vault/vault.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The keeper is this program executed again; a target has no main of its own. */
static void __attribute__((constructor))
as_keeper(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "keeper") == 0)
		_exit(keeper_main(3));
}

/* A keyring of one version, a few names, one data key. */
struct place { bool there; unsigned char w[WRAPPED_BYTES]; };
static struct place account, named[NAMED_KEYS], data_key;

static enum err
load(struct ctx *cx, const struct place *p, str *wrapped)
{
	if (!p->there)
		return fail(cx, E_ABSENT, NULL, "none");
	*wrapped = str_dup(cx->arena, (str){ (const char *)p->w, WRAPPED_BYTES });
	return OK;
}

static enum err
save(struct place *p, str wrapped)
{
	assert(wrapped.n == WRAPPED_BYTES);
	memcpy(p->w, wrapped.p, wrapped.n);
	p->there = true;
	return OK;
}

static enum err
load_account(struct ctx *cx, void *arg, int *version, str *wrapped)
{
	(void)arg;
	*version = 1;
	return load(cx, &account, wrapped);
}

static enum err
load_account_version(struct ctx *cx, void *arg, int version, str *wrapped)
{
	(void)arg;
	return version == 1 ? load(cx, &account, wrapped) : fail(cx, E_ABSENT, NULL, "none");
}

static enum err
save_account(struct ctx *cx, void *arg, int version, str wrapped)
{
	(void)cx;
	(void)arg;
	assert(version == 1);
	return save(&account, wrapped);
}

static enum err
load_named(struct ctx *cx, void *arg, enum named_key which, str *wrapped)
{
	(void)arg;
	return load(cx, &named[which], wrapped);
}

static enum err
save_named(struct ctx *cx, void *arg, enum named_key which, str wrapped)
{
	(void)cx;
	(void)arg;
	return save(&named[which], wrapped);
}

static enum err
load_data(struct ctx *cx, void *arg, int64_t id, str *wrapped)
{
	(void)arg;
	return id == 1 ? load(cx, &data_key, wrapped) : fail(cx, E_ABSENT, NULL, "none");
}

static enum err
save_data(struct ctx *cx, void *arg, int64_t id, str wrapped)
{
	(void)cx;
	(void)arg;
	assert(id == 1);
	return save(&data_key, wrapped);
}

static struct vault *
the_vault(void)
{
	static struct vault *v;
	struct keyring ring = { .load_account = load_account, .load_account_version = load_account_version,
	    .save_account = save_account, .load_named = load_named, .save_named = save_named, .load_data = load_data,
	    .save_data = save_data };
	char dir[] = "/tmp/ward-fuzz-XXXXXX", path[64];
	struct root_conf conf = { .kind = ROOT_FILE, .path = path };
	struct keeper *k;
	struct ctx cx;
	bool up;

	if (v != NULL)
		return v;
	ctx_init(&cx, NULL, 1);
	up = mkdtemp(dir) != NULL;
	snprintf(path, sizeof(path), "%s/root.key", dir);
	up = up && root_create(&cx, &conf) == OK && keeper_start(&cx, &conf, &k) == OK &&
	    vault_open(&cx, k, &ring, true, &v) == OK && vault_key_new(&cx, v, 1) == OK;
	unlink(path);
	rmdir(dir);
	if (!up) {
		fprintf(stderr, "no vault: %s\n", cx.fail.why);
		abort();
	}
	ctx_done(&cx);
	return v;
}

static str
with_change(struct arena *a, str s, size_t at, uint8_t by)
{
	str copy = str_dup(a, s);

	((char *)copy.p)[at % copy.n] ^= (char)(by == 0 ? 1 : by);
	return copy;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct where at = { "comment", "body", 42 }, elsewhere = { "comment", "body", 43 };
	struct vault *v = the_vault();
	str in = { (const char *)data, size }, token, sealed, plain;
	struct ctx cx;
	size_t place = size > 1 ? (size_t)data[0] << 8 | data[1] : 0;
	uint8_t by = size > 2 ? data[2] : 1;

	ctx_init(&cx, NULL, 1);
	assert(!token_open(&cx, v, "cursor", in, &plain));
	assert(!token_open(&cx, v, "cursor", base64url_of(cx.arena, in), &plain));
	assert(vault_open_value(&cx, v, at, in, &plain) != OK);
	assert(sealed_key_id(in) >= 0 && (size >= SEAL_OVERHEAD || sealed_key_id(in) == 0));
	assert(wrapped_version(in) >= 0 && (size == WRAPPED_BYTES || wrapped_version(in) == 0));
	fail_clear(&cx);

	token = token_seal(&cx, v, "cursor", in);
	assert(token_open(&cx, v, "cursor", token, &plain) && str_eq(plain, in));
	assert(!token_open(&cx, v, "reply", token, &plain));
	assert(!token_open(&cx, v, "cursor", with_change(cx.arena, token, place, by), &plain));

	assert(vault_seal(&cx, v, 1, at, in, &sealed) == OK && sealed_key_id(sealed) == 1);
	assert(vault_open_value(&cx, v, at, sealed, &plain) == OK && str_eq(plain, in));
	assert(vault_open_value(&cx, v, elsewhere, sealed, &plain) != OK);
	assert(vault_open_value(&cx, v, at, with_change(cx.arena, sealed, place, by), &plain) != OK);
	ctx_done(&cx);
	return 0;
}
