/* Signed notes and RFC 6962 trees against other people's vectors; the canonical line. */
#include "rows.h"
#include "trail.h"
#include "trail/part.h"

static struct ctx cx;
static struct sys sys;

/* ---- trees ----------------------------------------------------------------------------------------- */

/* The leaves and roots that Certificate Transparency's own tests use. */
static const str leaves[] = {
	S(""), S("\x00"), S("\x10"), S("\x20\x21"), S("\x30\x31"), S("\x40\x41\x42\x43"),
	S("\x50\x51\x52\x53\x54\x55\x56\x57"), S("\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f"),
};
static const struct { const char *why; size_t leaves; const char *root; } trees[] = {
	{ "no leaf",      0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "one leaf",     1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d" },
	{ "two leaves",   2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125" },
	{ "three leaves", 3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77" },
	{ "four leaves",  4, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7" },
	{ "five leaves",  5, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4" },
	{ "six leaves",   6, "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef" },
	{ "seven leaves", 7, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c" },
	{ "eight leaves", 8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328" },
};

static void
tree_row(void **state)
{
	size_t i = ROW(state);
	hash32 root;

	tree_head(&t_crypto, cx.arena, leaves, trees[i].leaves, root);
	assert_string_equal(hex_of(cx.arena, (str){ (char *)root, 32 }).p, trees[i].root);
}

/* ---- notes ----------------------------------------------------------------------------------------- */

/* From the documentation of golang.org/x/mod/sumdb/note. */
static void
somebody_elses_note(void **state UNUSED)
{
	str text = S("If you think cryptography is the answer to your problem,\n"
	    "then you don't know what your problem is.\n\n"
	    "\xE2\x80\x94 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n");
	str key, body, name;

	assert_true(base64_to(cx.arena, S("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"), &key));
	assert_int_equal(key.n, 33);
	assert_true(note_verify(&t_crypto, cx.arena, (const unsigned char *)key.p + 1, text, &body, &name));
	assert_true(str_eq(name, S("PeterNeumann")));
	assert_true(str_ends(body, S("your problem is.\n")));
	for (size_t i = 0; i < text.n; i++) {
		str copy = str_dup(cx.arena, text);
		((char *)copy.p)[i] ^= 1;
		assert_false(note_verify(&t_crypto, cx.arena, (const unsigned char *)key.p + 1, copy, &body, &name));
	}
}

static void
note_round_trip(void **state UNUSED)
{
	struct note n = { .origin = S("ward/trail/1/00112233445566ff"), .number = 12, .at = T0, .seq = 12345 }, got;
	unsigned char pub[32];
	str text;

	t_public(NULL, pub);
	for (int closing = 0; closing < 2; closing++) {
		n.closing = closing != 0;
		t_sha256(S("head"), n.hash);
		if (n.closing)
			t_sha256(S("file"), n.file);
		text = note_sign(&cx, &t_crypto, &n);
		assert_true(note_open(&t_crypto, cx.arena, pub, text, &got));
		assert_true(got.closing == n.closing && got.number == 12 && got.at == T0 && got.seq == 12345 &&
		    str_eq(got.origin, n.origin));
		assert_memory_equal(got.hash, n.hash, 32);
		assert_memory_equal(got.file, n.file, 32);
		for (size_t i = 0; i < text.n; i++)
			for (int bit = 0; bit < 8; bit++) {
				str copy = str_dup(cx.arena, text);
				((char *)copy.p)[i] ^= (char)(1 << bit);
				assert_false(note_open(&t_crypto, cx.arena, pub, copy, &got));
			}
		for (size_t i = 0; i < text.n; i++)
			assert_false(note_open(&t_crypto, cx.arena, pub, str_sub(text, 0, i), &got));
		arena_reset(cx.arena);
	}
}

/* Text of exactly the documented shape. */
static void
note_shape(void **state UNUSED)
{
	struct note n = { .origin = S("ward/trail/1/00112233445566ff"), .number = 3, .at = 5, .seq = 7 };
	str text = note_sign(&cx, &t_crypto, &n), leaf = S("lane 1 7 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
	hash32 root;

	tree_head(&t_crypto, cx.arena, &leaf, 1, root);
	str want = str_printf(cx.arena, "ward/trail/1/00112233445566ff\n1\n%s\nnumber 3\nat 5\n%s\n\n\xE2\x80\x94 "
	    "ward/trail/1/00112233445566ff ", base64_of(cx.arena, (str){ (char *)root, 32 }).p, leaf.p);
	assert_true(str_starts(text, want));
	assert_int_equal(text.n, want.n + 92 + 1);        /* base64 of 68 bytes, a line end */
}

/* ---- canonical lines ------------------------------------------------------------------------------- */

#define LINE "{\"v\":1,\"account\":1,\"lane\":1,\"seq\":17,\"at\":1767607200000000,\"kind\":\"change\",\"actor\":5," \
	"\"role\":\"agent\",\"how\":\"token\",\"token\":9,\"action\":\"ticket.update\",\"object\":\"ticket\",\"id\":42," \
	"\"cause\":\"a \\\"b\\\" [c] \\u0001\",\"fields\":[{\"name\":\"x\",\"cause\":\"rule:1\",\"a\":\"" H "\"},{\"name\":\"y]\",\"b\":\"" H "\"," \
	"\"elsewhere\":true}],\"key\":3,\"vals\":\"" H "\",\"resealed\":[[1,\"" H "\"],[2,null]]}"
#define H "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static const struct { const char *why; str from, to; } bad_lines[] = {
	{ "a blank",                      S("\"v\":1"),         S("\"v\": 1") },
	{ "another version",              S("\"v\":1"),         S("\"v\":2") },
	{ "a leading zero",               S("\"seq\":17"),      S("\"seq\":017") },
	{ "minus zero",                   S("\"seq\":17"),      S("\"seq\":-0") },
	{ "a fraction",                   S("\"seq\":17"),      S("\"seq\":17.0") },
	{ "beyond 63 bits",               S("\"seq\":17"),      S("\"seq\":9223372036854775808") },
	{ "an unknown kind",              S("\"change\""),      S("\"delete\"") },
	{ "a zero that is left out else", S("\"token\":9"),     S("\"token\":0") },
	{ "an empty text that is left out else", S("\"a \\\"b\\\" [c] \\u0001\""), S("\"\"") },
	{ "an escape with a shorter form", S("\\u0001"),        S("\\u0009") },
	{ "an escape not needed",         S("\\u0001"),         S("\\u0041") },
	{ "capital hex",                  S("\\u0001"),         S("\\u001F") },
	{ "a slash escaped",              S("\\u0001"),         S("\\/") },
	{ "a raw control",                S("\\u0001"),         S("\x01") },
	{ "invalid UTF-8",                S("\\u0001"),         S("\xC0\x80") },
	{ "base64 with spare bits",       S("AAA=\"},"),        S("AAB=\"},") },
	{ "base64 without padding",       S("AAA=\"},"),        S("AAAA\"},") },
	{ "members in another order",     S("\"actor\":5,\"role\":\"agent\""), S("\"role\":\"agent\",\"actor\":5") },
	{ "an unknown member",            S("\"key\":3"),       S("\"key\":3,\"x\":1") },
	{ "an empty list",                S("[[1,\"" H "\"],[2,null]]"), S("[]") },
	{ "a comma at a list's end",      S("[2,null]]"),       S("[2,null],]") },
	{ "a field without a name",       S("{\"name\":\"x\","), S("{") },
	{ "a field's empty cause",        S("\"rule:1\""),      S("\"\"") },
	{ "a field's cause in another place", S("\"name\":\"x\",\"cause\":\"rule:1\""), S("\"cause\":\"rule:1\",\"name\":\"x\"") },
	{ "something behind the end",     S("null]]}"),         S("null]]} ") },
	{ "an end too early",             S("null]]}"),         S("null]]") },
};

static void
bad_line_row(void **state)
{
	size_t i = ROW(state), at;
	str line = S(LINE);
	struct canon c;
	struct buf b;

	at = str_find(line, bad_lines[i].from);
	assert_true(at != SIZE_MAX);
	buf_init(&b, cx.arena, MiB);
	buf_add(&b, str_sub(line, 0, at));
	buf_add(&b, bad_lines[i].to);
	buf_add(&b, str_sub(line, at + bad_lines[i].from.n, line.n));
	assert_false(canon_read(buf_str(&b), &c));
}

static void
good_line(void **state UNUSED)
{
	struct canon c;
	struct canon_field f;
	str rest;

	assert_true(canon_read(S(LINE), &c));
	assert_true(c.seq == 17 && c.actor == 5 && c.token == 9 && c.id == 42 && c.key == 3 && c.has_vals && !c.has_note);
	assert_true(str_eq(text_of(cx.arena, c.cause), S("a \"b\" [c] \x01")));
	rest = c.fields;
	assert_true(canon_field(&rest, &f) && f.has_after && !f.has_before && !f.elsewhere && str_eq(f.cause, S("rule:1")));
	assert_true(canon_field(&rest, &f) && f.has_before && f.elsewhere && f.cause.n == 0 && str_eq(f.name, S("y]")));
	assert_int_equal(rest.n, 0);
	for (size_t i = 0; i < sizeof(LINE) - 1; i++)
		assert_false(canon_read(str_sub(S(LINE), 0, i), &c));
}

static void
written_lines_read_back(void **state UNUSED)
{
	static const int64_t ids[] = { 5, -7, INT64_MIN, INT64_MAX };
	struct draft d = { .kind = TRAIL_LOOK, .who = { .actor = 4, .token = INT64_MAX, .session = 1, .role = "admin",
	    .how = "session", .request = S("r-1"), .via = S("web") }, .action = S("a.look"), .object = S("a\n\"\\\x7f\xC3\xBC"),
	    .shown = S("x,y"), .cause = S("bad \xFF utf-8"), .ids = ids, .id_count = 4, .parent = -5, .now = 99 * SECOND };
	struct canon c;
	struct buf b;

	buf_init(&b, cx.arena, MiB);
	canon_write(&b, &d, 1, INT64_MAX, 42, NULL);
	assert_true(canon_read(buf_str(&b), &c));
	assert_true(c.kind == TRAIL_LOOK && c.seq == INT64_MAX && c.at == 42 && c.clock == 99 * SECOND && c.parent == -5);
	assert_true(str_eq(text_of(cx.arena, c.object), d.object));
	assert_true(str_eq(text_of(cx.arena, c.cause), S("bad \xEF\xBF\xBD utf-8")));
	assert_true(str_eq(c.ids, S("5,-7,-9223372036854775808,9223372036854775807")));
}

/* ---- postings -------------------------------------------------------------------------------------- */

struct found { str term; int64_t id; int level; int64_t *seq; size_t n; bool there, good; };
static enum err
look_up(struct ctx *c, void *arg, str term, int64_t bucket, str blob)
{
	struct found *f = arg;

	assert_in_range(bucket, 0, (1 << 3 * f->level) - 1);
	if (str_eq(term, f->term) && bucket == bucket_of(f->level, f->id)) {
		f->there = true;
		f->good = postings_find(c->arena, str_dup(c->arena, blob), 100, 400, f->id, &f->seq, &f->n);
	}
	return OK;
}

static void
postings_are_found(void **state UNUSED)
{
	static const int64_t id[] = { 1, 2, 5, 6, 7, -3, INT64_MAX, INT64_MIN, 1000000 };
	struct postings ps = {0};

	for (int64_t seq = 100; seq <= 400; seq++)
		assert_true(postings_add(&ps, seq, seq % 2 ? TRAIL_LOOK : TRAIL_CHANGE, 7 + seq % 3, S("t.x"), S("t"),
		    id[(size_t)seq % COUNT(id)], S("")));
	for (size_t i = 0; i < COUNT(id); i++) {
		struct found f = { .term = S("object/t"), .id = id[i], .level = (int)i % LEVELS };
		size_t n = 0;
		assert_int_equal(postings_each(&cx, &ps, true, f.level, 100, 400, look_up, &f), OK);
		assert_true(f.there && f.good);
		for (int64_t seq = 100; seq <= 400; seq++)
			if ((size_t)seq % COUNT(id) == i)
				assert_true(n < f.n && f.seq[n++] == seq);
		assert_int_equal(n, f.n);
	}
	struct found none = { .term = S("object/t"), .id = 4 }, change = { .term = S("change") };
	assert_int_equal(postings_each(&cx, &ps, true, 0, 100, 400, look_up, &none), OK);
	assert_true(none.there && none.good && none.n == 0);
	assert_int_equal(postings_each(&cx, &ps, true, 0, 100, 400, look_up, &change), OK);
	assert_int_equal(change.n, 151);
	postings_back(&ps, 300);
	postings_drop(&ps, 200);
	assert_true(ps.base == 201 && ps.p[0].off == 0 && ps.base + ps.p[ps.n - 1].off == 300);
	postings_drop(&ps, 300);
	assert_true(ps.n == 0 && postings_add(&ps, 7, TRAIL_LOOK, 0, S("t.x"), S("t"), 0, S("")) && ps.base == 7);
	postings_done(&ps);
}

int
main(void)
{
	struct CMUnitTest t[COUNT(trees) + COUNT(bad_lines) + 8];
	size_t n = 0;

	ctx_init(&cx, &sys, 1);
	ADD_ROWS(t, n, trees, tree_row);
	ADD_ROWS(t, n, bad_lines, bad_line_row);
	ADD(t, n, somebody_elses_note);
	ADD(t, n, note_round_trip);
	ADD(t, n, note_shape);
	ADD(t, n, good_line);
	ADD(t, n, written_lines_read_back);
	ADD(t, n, postings_are_found);
	n = (size_t)RUN_ROWS("trail notes and lines", t, n);
	ctx_done(&cx);
	return (int)n;
}
