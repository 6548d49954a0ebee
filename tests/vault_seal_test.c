/* Sealed values, data keys and their cache, blind indexes, signatures, tokens,
 * passwords. The layouts of vault.h are checked by taking them apart here with
 * nothing but GCM and HMAC. */
#include <openssl/evp.h>

#include "vault_ring.h"

static const struct where here = { "comment", "body", 42 };

#define BYTES(p, n) ((str){ (const char *)(p), (n) })

static void
key_new(struct fix *f, int64_t id)
{
	FINE_CALL(f, vault_key_new(&f->cx, f->v, id));
}

/* ---- round trip --------------------------------------------------------------------------------------- */

static void
round_trip(void **state)
{
	static const size_t sizes[] = { 0, 1, 2, 15, 16, 17, 31, 32, 33, 255, 256, 300, 1000, 2048, 4095, 4096, 65535, 65536 };
	struct fix *f = *state;
	char *text = arena_alloc(f->cx.arena, 1, 65536, 1);
	str sealed, again, plain;

	key_new(f, 7);
	rand_bytes(text, 65536);
	for (size_t i = 0; i < COUNT(sizes); i++) {
		FINE_CALL(f, vault_seal(&f->cx, f->v, 7, here, BYTES(text, sizes[i]), &sealed));
		assert_int_equal(sealed.n, sizes[i] + SEAL_OVERHEAD);
		assert_int_equal(sealed_key_id(sealed), 7);
		FINE_CALL(f, vault_open_value(&f->cx, f->v, here, sealed, &plain));
		assert_true(str_eq(plain, BYTES(text, sizes[i])));
		FINE_CALL(f, vault_seal(&f->cx, f->v, 7, here, BYTES(text, sizes[i]), &again));
		assert_false(str_eq(sealed, again));
	}
}

/* Every length up to 64 KiB would be slow; every one around the first blocks is not. */
static void
round_trip_small(void **state)
{
	struct fix *f = *state;
	char text[600];
	str sealed, plain;

	key_new(f, 1);
	rand_bytes(text, sizeof(text));
	for (size_t n = 0; n <= sizeof(text); n++) {
		FINE_CALL(f, vault_seal(&f->cx, f->v, 1, here, BYTES(text, n), &sealed));
		if (n > 16)              /* nothing of it is to be seen */
			assert_null(memmem(sealed.p, sealed.n, text, n < 24 ? n : 24));
		FINE_CALL(f, vault_open_value(&f->cx, f->v, here, sealed, &plain));
		assert_true(str_eq(plain, BYTES(text, n)));
	}
}

/* ---- altered and moved --------------------------------------------------------------------------------- */

static void
flipped(void **state)
{
	struct fix *f = *state;
	str sealed, plain = S("untouched"), copy;
	enum err e;

	key_new(f, 5);
	FINE_CALL(f, vault_seal(&f->cx, f->v, 5, here, S("Ada Example, born 1970-01-01"), &sealed));
	for (size_t bit = 0; bit < 8 * sealed.n; bit++) {
		copy = str_dup(f->cx.arena, sealed);
		((char *)copy.p)[bit / 8] ^= (char)(1 << bit % 8);
		e = vault_open_value(&f->cx, f->v, here, copy, &plain);
		/* A flipped key id names a key that is not there, all else does not open. */
		if (bit >= 8 && bit < 72)
			assert_true(e == E_FAULT || e == E_ABSENT);
		else
			assert_int_equal(e, E_FAULT);
		assert_string_equal(plain.p, "untouched");
		fail_clear(&f->cx);
	}
	for (size_t n = 0; n < sealed.n; n++) {
		e = vault_open_value(&f->cx, f->v, here, str_sub(sealed, 0, n), &plain);
		assert_int_equal(e, E_FAULT);
		assert_string_equal(f->cx.fail.why, "sealed value does not open");
		fail_clear(&f->cx);
	}
	copy = (str){ arena_alloc(f->cx.arena, 1, sealed.n + 1, 1), sealed.n + 1 };
	memcpy((char *)copy.p, sealed.p, sealed.n);
	assert_int_equal(vault_open_value(&f->cx, f->v, here, copy, &plain), E_FAULT);
}

static const struct { const char *why; struct where at; bool opens; } places[] = {
	{ "its own place",                 { "comment", "body", 42 }, true },
	{ "another row",                   { "comment", "body", 43 }, false },
	{ "row 0",                         { "comment", "body", 0 }, false },
	{ "a negative row",                { "comment", "body", -42 }, false },
	{ "another column",                { "comment", "subject", 42 }, false },
	{ "another table",                 { "ticket", "body", 42 }, false },
	{ "a letter from column to table", { "commentb", "ody", 42 }, false },
	{ "a letter from table to column", { "commen", "tbody", 42 }, false },
	{ "all in the table",              { "commentbody", "", 42 }, false },
	{ "a letter more",                 { "comment", "bodyy", 42 }, false },
	{ "capitals",                      { "COMMENT", "BODY", 42 }, false },
};

static void
run_place(void **state)
{
	size_t i = ROW(state);
	void *s;
	struct fix *f;
	str sealed, plain;

	fix_new_open(&s);
	f = s;
	key_new(f, 9);
	FINE_CALL(f, vault_seal(&f->cx, f->v, 9, here, S("text"), &sealed));
	assert_int_equal(vault_open_value(&f->cx, f->v, places[i].at, sealed, &plain), places[i].opens ? OK : E_FAULT);
	fix_free(&s);
}

static void
other_account(void **state)
{
	struct fix *f = *state;
	str sealed, plain;

	key_new(f, 5);
	FINE_CALL(f, vault_seal(&f->cx, f->v, 5, here, S("text"), &sealed));
	f->cx.account = 2;
	assert_int_equal(vault_open_value(&f->cx, f->v, here, sealed, &plain), E_FAULT);
	assert_int_equal(vault_seal(&f->cx, f->v, 5, here, S("text"), &sealed), E_FAULT);
	assert_int_equal(vault_key_new(&f->cx, f->v, 6), E_FAULT);
	assert_int_equal(vault_key_destroy(&f->cx, f->v, 5), E_FAULT);
	f->cx.account = 1;
	fail_clear(&f->cx);
	FINE_CALL(f, vault_open_value(&f->cx, f->v, here, sealed, &plain));

	/* The same keyring, opened as another account's: nothing unwraps. */
	vault_close(&f->v);
	f->cx.account = 2;
	assert_int_equal(vault_open(&f->cx, f->k, &f->keyring, false, &f->v), E_DENIED);
	f->cx.account = 1;
}

static void
long_names(void **state)
{
	struct fix *f = *state;
	char name[260];
	str sealed;

	memset(name, 'x', sizeof(name));
	name[199] = 0;
	key_new(f, 5);
	FINE_CALL(f, vault_seal(&f->cx, f->v, 5, (struct where){ name, "y", 1 }, S("t"), &sealed));
	name[199] = 'x';
	name[sizeof(name) - 1] = 0;
	assert_int_equal(vault_seal(&f->cx, f->v, 5, (struct where){ name, "y", 1 }, S("t"), &sealed), E_FAULT);
}

/* ---- the layouts, taken apart ----------------------------------------------------------------------------- */

struct parts { char b[512]; size_t n; };

static void
part(struct parts *p, const void *b, size_t n)
{
	p->b[p->n++] = (char)(n >> 8);
	p->b[p->n++] = (char)n;
	memcpy(p->b + p->n, b, n);
	p->n += n;
}

static void
part_int(struct parts *p, int64_t v)
{
	unsigned char b[8];

	for (int i = 0; i < 8; i++)
		b[i] = (unsigned char)((uint64_t)v >> (56 - 8 * i));
	part(p, b, 8);
}

static void
account_key_of(struct fix *f, int version, unsigned char key[KEY_BYTES])
{
	struct parts aad = { .n = 0 };

	part(&aad, "account", 7);
	part_int(&aad, 1);
	part_int(&aad, version);
	FINE_CALL(f, keeper_unwrap(&f->cx, f->k, BYTES(aad.b, aad.n), BYTES(f->ring.now.account[version].w, 65), key));
}

static void
unwrapped(struct fix *f, const char *purpose, int64_t id, const unsigned char w[65], unsigned char key[KEY_BYTES])
{
	unsigned char kek[KEY_BYTES];
	struct parts aad = { .n = 0 };

	assert_int_equal(w[0], 1);
	assert_int_equal(w[1] << 24 | w[2] << 16 | w[3] << 8 | w[4], 1);
	account_key_of(f, 1, kek);
	part(&aad, purpose, strlen(purpose));
	part_int(&aad, 1);
	part_int(&aad, id);
	assert_int_equal(gcm_open(kek, w + 5, BYTES(aad.b, aad.n), BYTES(w + 17, 48), key), OK);
}

static void
layout(void **state)
{
	struct fix *f = *state;
	unsigned char key[KEY_BYTES], named[KEY_BYTES], use[KEY_BYTES], column[KEY_BYTES], mac[32], got[32], out[64];
	struct parts aad = { .n = 0 };
	str sealed;
	EVP_PKEY *pkey;
	size_t n = 32;
	uint64_t term = 0;

	key_new(f, 5);
	FINE_CALL(f, vault_seal(&f->cx, f->v, 5, here, S("some text"), &sealed));
	unwrapped(f, "data", 5, f->ring.now.data[5].w, key);
	assert_memory_equal(sealed.p, "\1\0\0\0\0\0\0\0\5", 9);
	part(&aad, "\1", 1);
	part_int(&aad, 5);
	part_int(&aad, 1);
	part(&aad, "comment", 7);
	part(&aad, "body", 4);
	part_int(&aad, 42);
	assert_int_equal(gcm_open(key, (const unsigned char *)sealed.p + 9, BYTES(aad.b, aad.n),
	    BYTES(sealed.p + 21, sealed.n - 21), out), OK);
	assert_memory_equal(out, "some text", 9);
	/* The account is in there: with another number the same bytes do not open. */
	aad.b[3 + 10 + 2 + 7] = 2;
	assert_int_equal(gcm_open(key, (const unsigned char *)sealed.p + 9, BYTES(aad.b, aad.n),
	    BYTES(sealed.p + 21, sealed.n - 21), out), E_FAULT);

	unwrapped(f, "named", KEY_BLIND, f->ring.now.named[KEY_BLIND].w, named);
	hmac_sha256(BYTES(named, 32), S("ward blind index 1"), use);
	hmac_sha256(BYTES(use, 32), S("user.email"), column);
	hmac_sha256(BYTES(column, 32), S("ada@clinic.example"), mac);
	vault_blind(f->v, "user.email", S("ada@clinic.example"), got);
	assert_memory_equal(got, mac, BLIND_BYTES);

	unwrapped(f, "named", KEY_INDEX, f->ring.now.named[KEY_INDEX].w, named);
	hmac_sha256(BYTES(named, 32), S("ward search term 1"), use);
	hmac_sha256(BYTES(use, 32), S("headache"), mac);
	for (int i = 0; i < 8; i++)
		term = term << 8 | mac[i];
	assert_true(vault_term(f->v, S("headache")) == term);

	unwrapped(f, "named", KEY_TRAIL, f->ring.now.named[KEY_TRAIL].w, named);
	hmac_sha256(BYTES(named, 32), S("ward mac 1"), use);
	hmac_sha256(BYTES(use, 32), S("event"), mac);
	vault_mac(f->v, KEY_TRAIL, S("event"), got);
	assert_memory_equal(got, mac, 32);

	unwrapped(f, "named", KEY_SIGN, f->ring.now.named[KEY_SIGN].w, named);
	hmac_sha256(BYTES(named, 32), S("ward ed25519 1"), use);
	pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, use, 32);
	assert_int_equal(EVP_PKEY_get_raw_public_key(pkey, mac, &n), 1);
	EVP_PKEY_free(pkey);
	vault_public(f->v, got);
	assert_memory_equal(got, mac, 32);
}

/* ---- data keys and their cache ------------------------------------------------------------------------------ */

static void
destroyed(void **state)
{
	struct fix *f = *state;
	str a, b, plain;

	key_new(f, 5);
	key_new(f, 6);
	FINE_CALL(f, vault_seal(&f->cx, f->v, 5, here, S("goes"), &a));
	FINE_CALL(f, vault_seal(&f->cx, f->v, 6, here, S("stays"), &b));
	FINE_CALL(f, vault_key_destroy(&f->cx, f->v, 5));
	assert_int_equal(vault_open_value(&f->cx, f->v, here, a, &plain), E_ABSENT);
	assert_non_null(strstr(f->cx.fail.why, "erased"));
	fail_clear(&f->cx);
	assert_int_equal(vault_seal(&f->cx, f->v, 5, here, S("new"), &a), E_ABSENT);
	fail_clear(&f->cx);
	FINE_CALL(f, vault_open_value(&f->cx, f->v, here, b, &plain));
	assert_int_equal(vault_seal(&f->cx, f->v, 999, here, S("new"), &a), E_ABSENT);
	fail_clear(&f->cx);
	assert_int_equal(vault_seal(&f->cx, f->v, 0, here, S("new"), &a), E_FAULT);
	fail_clear(&f->cx);
	assert_int_equal(vault_key_new(&f->cx, f->v, 0), E_FAULT);
}

/* A reader whose snapshot is older than the destruction still opens, and
 * leaves nothing behind: what it loaded must not outlive the key here. */
static void
destroyed_but_seen(void **state)
{
	struct fix *f = *state;
	str a, plain;
	struct kept was;

	key_new(f, 5);
	FINE_CALL(f, vault_seal(&f->cx, f->v, 5, here, S("goes"), &a));
	was = f->ring.now.data[5];
	FINE_CALL(f, vault_key_destroy(&f->cx, f->v, 5));
	f->ring.now.data[5] = was;               /* what the older snapshot shows */
	FINE_CALL(f, vault_open_value(&f->cx, f->v, here, a, &plain));
	f->ring.now.data[5].there = false;       /* committed */
	assert_int_equal(vault_open_value(&f->cx, f->v, here, a, &plain), E_ABSENT);
}

/* The same with a mass deletion, which is more than the cache remembers singly. */
static void
destroyed_but_seen_many(void **state)
{
	struct fix *f = *state;
	static str a[6001];
	str plain;

	for (int i = 1; i <= 6000; i++) {
		key_new(f, i);
		FINE_CALL(f, vault_seal(&f->cx, f->v, i, here, S("goes"), &a[i]));
	}
	ring_begin(&f->ring);
	for (int i = 1; i <= 6000; i++)
		FINE_CALL(f, vault_key_destroy(&f->cx, f->v, i));
	ring_undo(&f->ring);
	for (int i = 1; i <= 6000; i++)
		FINE_CALL(f, vault_open_value(&f->cx, f->v, here, a[i], &plain));
	for (int i = 1; i <= 6000; i++)
		f->ring.now.data[i].there = false;
	for (int i = 1; i <= 6000; i++) {
		assert_int_equal(vault_open_value(&f->cx, f->v, here, a[i], &plain), E_ABSENT);
		fail_clear(&f->cx);
	}
}

/* What another process destroyed is forgotten after ten minutes. */
static void
stale(void **state)
{
	struct fix *f = *state;
	str a, plain;

	key_new(f, 5);
	FINE_CALL(f, vault_seal(&f->cx, f->v, 5, here, S("goes"), &a));
	f->ring.now.data[5].there = false;
	f->cx.now += 599 * SECOND;
	FINE_CALL(f, vault_open_value(&f->cx, f->v, here, a, &plain));
	f->cx.now += 2 * SECOND;
	assert_int_equal(vault_open_value(&f->cx, f->v, here, a, &plain), E_ABSENT);
}

static void
rolled_back(void **state)
{
	struct fix *f = *state;
	str a, plain;

	ring_begin(&f->ring);
	key_new(f, 5);
	FINE_CALL(f, vault_seal(&f->cx, f->v, 5, here, S("never"), &a));
	ring_undo(&f->ring);
	vault_key_forget(f->v, 5);
	assert_int_equal(vault_open_value(&f->cx, f->v, here, a, &plain), E_ABSENT);
	fail_clear(&f->cx);
	key_new(f, 5);                           /* the id is used again, for another key */
	assert_int_equal(vault_open_value(&f->cx, f->v, here, a, &plain), E_FAULT);
	fail_clear(&f->cx);
	FINE_CALL(f, vault_seal(&f->cx, f->v, 5, here, S("now"), &a));
	FINE_CALL(f, vault_open_value(&f->cx, f->v, here, a, &plain));

	f->ring.fail_in = 1;
	assert_int_equal(vault_key_new(&f->cx, f->v, 6), E_FAULT);
	fail_clear(&f->cx);
	assert_int_equal(vault_seal(&f->cx, f->v, 6, here, S("never"), &a), E_ABSENT);   /* not in the cache */
}

static void
altered_wrapped(void **state)
{
	struct fix *f = *state;
	str a, plain;

	key_new(f, 5);
	key_new(f, 6);
	FINE_CALL(f, vault_seal(&f->cx, f->v, 5, here, S("text"), &a));
	for (size_t bit = 0; bit < 8 * WRAPPED_BYTES; bit++) {
		vault_key_forget(f->v, 5);
		f->ring.now.data[5].w[bit / 8] ^= (unsigned char)(1 << bit % 8);
		assert_int_equal(vault_open_value(&f->cx, f->v, here, a, &plain), E_FAULT);
		fail_clear(&f->cx);
		f->ring.now.data[5].w[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	FINE_CALL(f, vault_open_value(&f->cx, f->v, here, a, &plain));
	/* Another key's wrapping in its place. */
	vault_key_forget(f->v, 5);
	memcpy(f->ring.now.data[5].w, f->ring.now.data[6].w, WRAPPED_BYTES);
	assert_int_equal(vault_open_value(&f->cx, f->v, here, a, &plain), E_FAULT);
}

static void
eviction(void **state)
{
	enum { KEYS = 20000, HOT = 1000 };
	struct fix *f = *state;
	static str a[KEYS + 1];
	str plain;
	int before;

	for (int i = 1; i <= KEYS; i++) {
		key_new(f, i);
		FINE_CALL(f, vault_seal(&f->cx, f->v, i, here, S("text"), &a[i]));
	}
	assert_int_equal(f->ring.loads, 0);      /* each was there when it was needed */
	/* At most 8,192 can be there: the others have to be loaded. */
	for (int i = 1; i <= KEYS; i++)
		FINE_CALL(f, vault_open_value(&f->cx, f->v, here, a[i], &plain));
	assert_true(f->ring.loads >= KEYS - 8192);
	/* What is used stays while others pass through. */
	for (int i = 1; i <= HOT; i++)
		FINE_CALL(f, vault_open_value(&f->cx, f->v, here, a[i], &plain));
	before = f->ring.loads;
	for (int i = HOT + 1; i <= KEYS; i++) {
		FINE_CALL(f, vault_open_value(&f->cx, f->v, here, a[i], &plain));
		FINE_CALL(f, vault_open_value(&f->cx, f->v, here, a[1 + i % HOT], &plain));
		assert_true(str_eq(plain, S("text")));
	}
	assert_in_range(f->ring.loads - before, 0, KEYS - HOT + HOT / 10);
	before = f->ring.loads;
	for (int i = 1; i <= HOT; i++)
		FINE_CALL(f, vault_open_value(&f->cx, f->v, here, a[i], &plain));
	assert_in_range(f->ring.loads - before, 0, HOT / 10);
}

/* While one thread loads a key, another replaces it: what was loaded must not
 * take the place of what is newer. Here the loading itself does the other's part. */
static struct vault *meddled;
static int meddle_with;

static enum err
meddling_load(struct ctx *cx, void *arg, int64_t id, str *wrapped)
{
	TRY(ring_load_data(cx, arg, id, wrapped));
	if (meddle_with == 1) {
		meddle_with = 0;
		TRY(vault_key_new(cx, meddled, id));
	}
	return OK;
}

static void
replaced_while_loading(void **state)
{
	struct fix *f = *state;
	str a, b, plain;

	f->keyring.load_data = meddling_load;
	fix_open(f);
	meddled = f->v;
	key_new(f, 5);
	FINE_CALL(f, vault_seal(&f->cx, f->v, 5, here, S("old"), &a));
	vault_key_forget(f->v, 5);
	meddle_with = 1;
	FINE_CALL(f, vault_open_value(&f->cx, f->v, here, a, &plain));
	assert_true(str_eq(plain, S("old")));    /* it read the older snapshot, rightly */
	FINE_CALL(f, vault_seal(&f->cx, f->v, 5, here, S("new"), &b));
	vault_key_forget(f->v, 5);
	FINE_CALL(f, vault_open_value(&f->cx, f->v, here, b, &plain));   /* under what the keyring has */
}

/* ---- opening the vault ---------------------------------------------------------------------------------------- */

static void
open_again(void **state)
{
	struct fix *f = *state;
	unsigned char blind[BLIND_BYTES], blind2[BLIND_BYTES], mac[32], mac2[32], pub[32], pub2[32];
	uint64_t term;
	str a, plain, token;

	assert_int_equal(vault_open(&f->cx, NULL, &f->keyring, false, &f->v), E_ABSENT);
	assert_non_null(strstr(f->cx.fail.why, "put keyring.db back"));
	fail_clear(&f->cx);
	fix_open(f);
	assert_true(vault_memory_locked(f->v));
	key_new(f, 5);
	FINE_CALL(f, vault_seal(&f->cx, f->v, 5, here, S("text"), &a));
	vault_blind(f->v, "user.email", S("x"), blind);
	vault_mac(f->v, KEY_TRAIL, S("x"), mac);
	vault_public(f->v, pub);
	term = vault_term(f->v, S("x"));
	token = token_seal(&f->cx, f->v, "cursor", S("x"));
	vault_close(&f->v);
	assert_null(f->v);
	keeper_stop(&f->k);

	FINE_CALL(f, keeper_start(&f->cx, &f->conf, &f->k));
	FINE_CALL(f, vault_open(&f->cx, f->k, &f->keyring, false, &f->v));
	FINE_CALL(f, vault_open_value(&f->cx, f->v, here, a, &plain));
	assert_true(str_eq(plain, S("text")));
	vault_blind(f->v, "user.email", S("x"), blind2);
	vault_mac(f->v, KEY_TRAIL, S("x"), mac2);
	vault_public(f->v, pub2);
	assert_memory_equal(blind, blind2, sizeof(blind));
	assert_memory_equal(mac, mac2, sizeof(mac));
	assert_memory_equal(pub, pub2, sizeof(pub));
	assert_true(term == vault_term(f->v, S("x")));
	assert_true(token_open(&f->cx, f->v, "cursor", token, &plain));
	vault_close(&f->v);

	f->ring.now.named[KEY_BLIND].there = false;
	assert_int_equal(vault_open(&f->cx, f->k, &f->keyring, false, &f->v), E_ABSENT);
	assert_non_null(strstr(f->cx.fail.why, "lacks"));
	fail_clear(&f->cx);
	f->ring.now.named[KEY_BLIND].there = true;
	for (size_t bit = 0; bit < 8 * WRAPPED_BYTES; bit += 3) {
		f->ring.now.named[KEY_BLIND].w[bit / 8] ^= (unsigned char)(1 << bit % 8);
		assert_int_equal(vault_open(&f->cx, f->k, &f->keyring, true, &f->v), E_FAULT);
		assert_null(f->v);
		f->ring.now.named[KEY_BLIND].w[bit / 8] ^= (unsigned char)(1 << bit % 8);
		fail_clear(&f->cx);
		f->ring.now.account[1].w[bit / 8] ^= (unsigned char)(1 << bit % 8);
		assert_int_equal(vault_open(&f->cx, f->k, &f->keyring, true, &f->v), E_DENIED);
		f->ring.now.account[1].w[bit / 8] ^= (unsigned char)(1 << bit % 8);
		fail_clear(&f->cx);
	}
	FINE_CALL(f, vault_open(&f->cx, f->k, &f->keyring, false, &f->v));
	vault_close(&f->v);

	/* Another root key: said as such, and nothing is made anew. */
	keeper_stop(&f->k);
	unlink(f->path);
	FINE_CALL(f, root_create(&f->cx, &f->conf));
	FINE_CALL(f, keeper_start(&f->cx, &f->conf, &f->k));
	assert_int_equal(vault_open(&f->cx, f->k, &f->keyring, true, &f->v), E_DENIED);
	assert_non_null(strstr(f->cx.fail.why, "another root key"));
}

/* Searches all memory of this process that can be read and written for the
 * first half of the key that is `x` XOR 0x5A, so that the test's own copy is
 * not one; what the search itself needs is not counted. */
static int
seen(const unsigned char x[KEY_BYTES])
{
	enum { STEP = 1 << 20, PART = 16 };
	static unsigned char part[PART];
	FILE *maps = fopen("/proc/self/maps", "r");
	FILE *mem = fopen("/proc/self/mem", "r");
	char line[512], mode[8];
	unsigned long from, to;
	int count = 0;
	unsigned char *chunk = malloc(STEP), *hit;

	assert_non_null(maps);
	assert_non_null(mem);
	assert_non_null(chunk);
	for (int i = 0; i < PART; i++)
		part[i] = x[i] ^ 0x5A;
	while (fgets(line, sizeof(line), maps) != NULL) {
		/* Sanitizers map terabytes of shadow: nothing above a gigabyte is ours. */
		if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3 || strncmp(mode, "rw", 2) != 0 || to - from > 1ul << 30)
			continue;
		for (unsigned long at = from; at < to; at += STEP - PART) {
			size_t n = to - at < STEP ? to - at : STEP;

			if (pread(fileno(mem), chunk, n, (off_t)at) != (ssize_t)n)
				break;
			for (size_t i = 0; (hit = memmem(chunk + i, n - i, part, PART)) != NULL; i = (size_t)(hit - chunk) + 1) {
				unsigned long place = at + (unsigned long)(hit - chunk);

				if (place != (unsigned long)part &&
				    (place < (unsigned long)chunk || place >= (unsigned long)chunk + STEP))
					count++;
			}
			wipe(chunk, n);
		}
	}
	wipe(part, sizeof(part));
	free(chunk);
	fclose(mem);
	fclose(maps);
	return count;
}

static void
wiped(void **state)
{
	struct fix *f = *state;
	unsigned char key[4][KEY_BYTES];
	str a, plain;
	uint64_t term;

	for (int i = 1; i <= 20; i++)
		key_new(f, i);
	FINE_CALL(f, vault_seal(&f->cx, f->v, 5, here, S("text"), &a));
	FINE_CALL(f, vault_open_value(&f->cx, f->v, here, a, &plain));
	term = vault_term(f->v, S("x"));
	(void)term;
	account_key_of(f, 1, key[0]);
	unwrapped(f, "data", 5, f->ring.now.data[5].w, key[1]);
	unwrapped(f, "data", 19, f->ring.now.data[19].w, key[2]);
	unwrapped(f, "named", KEY_INDEX, f->ring.now.named[KEY_INDEX].w, key[3]);
	hmac_sha256(BYTES(key[3], 32), S("ward search term 1"), key[3]);
	for (int i = 0; i < 4; i++)
		for (int b = 0; b < KEY_BYTES; b++)
			key[i][b] ^= 0x5A;
	for (int i = 0; i < 4; i++)
		assert_in_range(seen(key[i]), 1, 100);   /* so the search does find them */
	vault_close(&f->v);
	for (int i = 0; i < 4; i++)
		assert_int_equal(seen(key[i]), 0);
}

/* A destroyed data key is gone from memory, too, but for the context that used it last. */
static void
wiped_on_destroy(void **state)
{
	struct fix *f = *state;
	unsigned char key[KEY_BYTES];
	str a;

	key_new(f, 5);
	key_new(f, 6);
	FINE_CALL(f, vault_seal(&f->cx, f->v, 5, here, S("text"), &a));
	unwrapped(f, "data", 5, f->ring.now.data[5].w, key);
	for (int b = 0; b < KEY_BYTES; b++)
		key[b] ^= 0x5A;
	assert_in_range(seen(key), 1, 100);
	FINE_CALL(f, vault_key_destroy(&f->cx, f->v, 5));
	FINE_CALL(f, vault_seal(&f->cx, f->v, 6, here, S("text"), &a));
	assert_int_equal(seen(key), 0);
}

/* ---- keyed hashes, signatures ---------------------------------------------------------------------------------- */

static void
hashes(void **state)
{
	struct fix *f = *state;
	unsigned char a[32], b[32], long_a[BLIND_BYTES], long_b[BLIND_BYTES];
	char columns[20][24], name[100];

	vault_blind(f->v, "user.email", S("ada@clinic.example"), a);
	vault_blind(f->v, "user.email", S("ada@clinic.example"), b);
	assert_memory_equal(a, b, BLIND_BYTES);
	vault_blind(f->v, "user.email", S("bob@clinic.example"), b);
	assert_memory_not_equal(a, b, BLIND_BYTES);
	vault_blind(f->v, "user.phone", S("ada@clinic.example"), b);
	assert_memory_not_equal(a, b, BLIND_BYTES);
	/* More columns than a thread keeps ready, in turns. */
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 20; i++) {
			snprintf(columns[i], sizeof(columns[i]), "table.column%d", i);
			vault_blind(f->v, columns[i], S("x"), b);
			assert_memory_not_equal(a, b, BLIND_BYTES);
		}
		vault_blind(f->v, "user.email", S("ada@clinic.example"), b);
		assert_memory_equal(a, b, BLIND_BYTES);
	}
	memset(name, 'c', sizeof(name));
	name[99] = 0;
	vault_blind(f->v, name, S("x"), long_a);
	vault_blind(f->v, name, S("x"), long_b);
	assert_memory_equal(long_a, long_b, BLIND_BYTES);
	name[98] = 'd';
	vault_blind(f->v, name, S("x"), long_b);
	assert_memory_not_equal(long_a, long_b, BLIND_BYTES);

	assert_true(vault_term(f->v, S("headache")) == vault_term(f->v, S("headache")));
	assert_true(vault_term(f->v, S("headache")) != vault_term(f->v, S("headaches")));
	(void)vault_term(f->v, S(""));
	for (enum named_key i = 0; i < NAMED_KEYS; i++) {
		vault_mac(f->v, i, S("x"), a);
		for (enum named_key j = 0; j < NAMED_KEYS; j++) {
			vault_mac(f->v, j, S("x"), b);
			assert_true((memcmp(a, b, 32) == 0) == (i == j));
		}
	}
}

static void
two_vaults(void **state)
{
	struct fix *f = *state, *g;
	void *s;
	unsigned char a[32], b[32], again[32];
	uint64_t ta, tb;

	fix_new_open(&s);
	g = s;
	for (int round = 0; round < 3; round++) {
		vault_mac(f->v, KEY_TRAIL, S("x"), a);
		vault_mac(g->v, KEY_TRAIL, S("x"), b);
		assert_memory_not_equal(a, b, 32);
		vault_blind(f->v, "c", S("x"), again);
		vault_blind(g->v, "c", S("x"), b);
		assert_memory_not_equal(again, b, BLIND_BYTES);
		ta = vault_term(f->v, S("x"));
		tb = vault_term(g->v, S("x"));
		assert_true(ta != tb);
		assert_true(ta == vault_term(f->v, S("x")));
	}
	fix_free(&s);
	vault_mac(f->v, KEY_TRAIL, S("x"), again);
	assert_memory_equal(a, again, 32);
}

static void
signatures(void **state)
{
	struct fix *f = *state;
	unsigned char pub[32], sig[64];

	vault_public(f->v, pub);
	vault_sign(f->v, S("head 1\n"), sig);
	assert_true(ed25519_verify(pub, S("head 1\n"), sig));
	assert_false(ed25519_verify(pub, S("head 2\n"), sig));
	vault_sign(f->v, S(""), sig);
	assert_true(ed25519_verify(pub, S(""), sig));
}

/* ---- tokens -------------------------------------------------------------------------------------------------------- */

static void
tokens(void **state)
{
	struct fix *f = *state, *g;
	char text[300];
	str token, plain, twin;
	void *s;

	rand_bytes(text, sizeof(text));
	for (size_t n = 0; n <= sizeof(text); n++) {
		token = token_seal(&f->cx, f->v, "cursor", BYTES(text, n));
		assert_true(token_open(&f->cx, f->v, "cursor", token, &plain));
		assert_true(str_eq(plain, BYTES(text, n)));
		for (size_t i = 0; i < token.n; i++)
			assert_non_null(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", token.p[i]));
	}
	token = token_seal(&f->cx, f->v, "reply", S("12345678"));
	assert_true(token.n <= 56);              /* fits a mail address: 64 before the @ */
	twin = token_seal(&f->cx, f->v, "reply", S("12345678"));
	assert_false(str_eq(token, twin));

	assert_false(token_open(&f->cx, f->v, "cursor", token, &plain));
	assert_false(token_open(&f->cx, f->v, "repl", token, &plain));
	assert_false(token_open(&f->cx, f->v, "reply2", token, &plain));
	assert_false(token_open(&f->cx, f->v, "", token, &plain));
	assert_false(token_open(&f->cx, f->v, "reply", S(""), &plain));
	for (size_t n = 0; n < token.n; n++)
		assert_false(token_open(&f->cx, f->v, "reply", str_sub(token, 0, n), &plain));
	for (size_t i = 0; i < token.n; i++) {
		for (int c = 1; c < 256; c++) {
			str copy = str_dup(f->cx.arena, token);

			if ((char)c == token.p[i])
				continue;
			((char *)copy.p)[i] = (char)c;
			assert_false(token_open(&f->cx, f->v, "reply", copy, &plain));
		}
	}
	assert_false(token_open(&f->cx, f->v, "reply", str_printf(f->cx.arena, STR_F "=", STR_A(token)), &plain));
	assert_true(token_open(&f->cx, f->v, "reply", token, &plain));

	fix_new_open(&s);                        /* another vault's */
	g = s;
	assert_false(token_open(&g->cx, g->v, "reply", token, &plain));
	fix_free(&s);
}

/* ---- passwords ------------------------------------------------------------------------------------------------------ */

#define HASH "$argon2id$v=19$m=19456,t=2,p=1$"
static const struct { const char *why; str encoded; } bad_hashes[] = {
	{ "password: empty hash",           { "", 0 } },
	{ "password: no hash",              S("password1234") },
	{ "password: argon2i",              S("$argon2i$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$c2FsdHNhbHRzYWx0c2FsdA") },
	{ "password: no version",           S("$argon2id$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$c2FsdHNhbHRzYWx0c2FsdA") },
	{ "password: 4 GiB",                S("$argon2id$v=19$m=4194304,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$c2FsdHNhbHRzYWx0c2FsdA") },
	{ "password: a million passes",     S("$argon2id$v=19$m=19456,t=1000000,p=1$c2FsdHNhbHRzYWx0c2FsdA$c2FsdHNhbHQ") },
	{ "password: many lanes",           S("$argon2id$v=19$m=19456,t=2,p=64$c2FsdHNhbHRzYWx0c2FsdA$c2FsdHNhbHRzYWx0c2FsdA") },
	{ "password: negative memory",      S("$argon2id$v=19$m=-1,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$c2FsdHNhbHRzYWx0c2FsdA") },
	{ "password: cut after the costs",  S(HASH) },
	{ "password: cut after the salt",   S(HASH "c2FsdHNhbHRzYWx0c2FsdA") },
	{ "password: NUL inside",           S(HASH "c2FsdHNhbHRzYWx0\0FsdA$c2FsdHNhbHRzYWx0c2FsdA") },
	{ "password: too long",             S(HASH "c2FsdHNhbHRzYWx0c2FsdA$c2FsdHNhbHRzYWx0c2FsdAc2FsdHNhbHRzYWx0c2FsdAc2FsdHNhbHRzYWx0c2FsdA"
	                                      "c2FsdHNhbHRzYWx0c2FsdAc2FsdHNhbHRzYWx0c2FsdAc2FsdHNhbHRzYWx0c2FsdA") },
};

static void
run_bad_hash(void **state)
{
	assert_false(password_check(bad_hashes[ROW(state)].encoded, S("password1234")));
}

static void
passwords(void **state)
{
	/* Made by the reference implementation: its src/test.c, version 19. */
	static const char known[] = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
	struct fix *f = *state;
	char big[4097];
	str a, b;

	FINE_CALL(f, password_hash(&f->cx, S("correct horse"), &a));
	FINE_CALL(f, password_hash(&f->cx, S("correct horse"), &b));
	assert_true(str_starts(a, S("$argon2id$v=19$m=19456,t=2,p=1$")));
	assert_int_equal(a.p[a.n], 0);
	assert_false(str_eq(a, b));
	assert_true(password_check(a, S("correct horse")));
	assert_true(password_check(b, S("correct horse")));
	assert_false(password_check(a, S("correct horsf")));
	assert_false(password_check(a, S("correct horse ")));
	assert_false(password_check(a, S("")));
	assert_false(password_check(a, S("correct horse\0")));
	assert_true(password_check(str_of(known), S("password")));
	assert_false(password_check(str_of(known), S("passwore")));

	FINE_CALL(f, password_hash(&f->cx, S(""), &a));
	assert_true(password_check(a, S("")));
	assert_false(password_check(a, S("x")));
	memset(big, 'x', sizeof(big));
	assert_int_equal(password_hash(&f->cx, BYTES(big, 4097), &a), E_LIMIT);
	FINE_CALL(f, (fail_clear(&f->cx), password_hash(&f->cx, BYTES(big, 4096), &a)));
	assert_true(password_check(a, BYTES(big, 4096)));
	assert_false(password_check(a, BYTES(big, 4097)));
	password_waste(S("whatever"));
	password_waste(S(""));
}

int
main(int argc, char **argv)
{
	struct CMUnitTest t[64];
	size_t n = 0;

	KEEPER_CHILD(argc, argv);
	ADD_ROWS(t, n, places, run_place);
	ADD_ROWS(t, n, bad_hashes, run_bad_hash);
#define FIX(fn, setup) t[n++] = (struct CMUnitTest){ #fn, fn, setup, fix_free, NULL }
	FIX(round_trip, fix_new_open);
	FIX(round_trip_small, fix_new_open);
	FIX(flipped, fix_new_open);
	FIX(other_account, fix_new_open);
	FIX(long_names, fix_new_open);
	FIX(layout, fix_new_open);
	FIX(destroyed, fix_new_open);
	FIX(destroyed_but_seen, fix_new_open);
	FIX(destroyed_but_seen_many, fix_new_open);
	FIX(stale, fix_new_open);
	FIX(rolled_back, fix_new_open);
	FIX(altered_wrapped, fix_new_open);
	FIX(eviction, fix_new_open);
	FIX(replaced_while_loading, fix_new);
	FIX(open_again, fix_new);
	FIX(wiped, fix_new_open);
	FIX(wiped_on_destroy, fix_new_open);
	FIX(hashes, fix_new_open);
	FIX(two_vaults, fix_new_open);
	FIX(signatures, fix_new_open);
	FIX(tokens, fix_new_open);
	FIX(passwords, fix_new);
	if (n > COUNT(t))
		abort();
	return RUN_ROWS("vault seal", t, n);
}
