/* Exports: what they hold, and that nothing in them can be changed unseen. */
#include <fcntl.h>
#include <sys/mman.h>

#include "rows.h"
#include "trail.h"
#include "trail/part.h"

static struct env v;
static struct arena *kept;
static struct ctx cx;                          /* offline: no store, no keys */
static struct sys nothing;
static char path[96];
static unsigned char pub[32];

static const struct { const char *name; enum trail_format format; bool values; } kinds[] = {
	{ "jsonl",             TRAIL_JSONL, false },
	{ "jsonl with values", TRAIL_JSONL, true },
	{ "csv",               TRAIL_CSV,   false },
	{ "csv with values",   TRAIL_CSV,   true },
};
static struct { str text; int64_t events; } file[COUNT(kinds)];

static void
must(enum err e)
{
	if (e == OK)
		return;
	print_message("%s %s: %s\n", err_name(e), v.cx.fail.field, v.cx.fail.why);
	exit(1);
}

static str
swap_knee(struct ctx *c UNUSED, void *arg UNUSED, const char *field UNUSED, str value)
{
	return str_eq(value, S("knee")) ? S("[redacted]") : value;
}

static enum err
reseal_in(struct ctx *c, void *arg)
{
	int64_t *keys = arg;

	return trail_reseal(c, keys[0], keys[1], keys[1] != 0 ? swap_knee : NULL, NULL);
}

static void
export_all(void)
{
	for (size_t i = 0; i < COUNT(kinds); i++) {
		int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		str text;
		must(trail_export(&v.cx, fd, kinds[i].format, kinds[i].values, &file[i].events));
		close(fd);
		must(file_read(&v.cx, path, 64 * MiB, &text));
		file[i].text = str_dup(kept, text);
	}
}

/* For the fuzzer's corpus: the exports, and those of a short trail. */
static void
write_corpus(const char *folder)
{
	struct env was = v;

	for (size_t i = 0; i < COUNT(kinds); i++)
		file_write(&cx, str_printf(kept, "%s/%zu", folder, i).p, file[i].text, 0644) == OK ? (void)0 : exit(1);
	env_open(&v);
	must(t_change(&v.cx, 42, 0, S("=a"), S("\xFF")));
	must(trail_look(&v.cx, "ticket", (int64_t[]){ 42, 43 }, 2, "subject"));
	export_all();
	for (size_t i = 0; i < COUNT(kinds); i++)
		file_write(&cx, str_printf(kept, "%s/short-%zu", folder, i).p, file[i].text, 0644) == OK ? (void)0 : exit(1);
	env_close(&v);
	v = was;
}

static void
make_files(void)
{
	int64_t keys[4];

	kept = arena_new();
	ctx_init(&cx, &nothing, 1);
	t_public(NULL, pub);
	env_open(&v);
	snprintf(path, sizeof(path), "%s/export", v.d.dir);
	for (int i = 0; i < 4; i++)
		keys[i] = t_new_key(&v.cx);
	must(t_change(&v.cx, 42, keys[0], S("=1+2"), S("Canary-Quince, \"left\"\r\nknee")));
	must(trail_look(&v.cx, "ticket", (int64_t[]){ 42 }, 1, "subject,comments"));
	v.cx.client = S("@SUM(A1)\t-x");
	must(t_change(&v.cx, 43, keys[1], S("bytes \xFF\xFE"), S("\x00\x01")));
	must(trail_look(&v.cx, "ticket", (int64_t[]){ -42, 43, 44 }, 3, "+subject"));
	must(trail_checkpoint(&v.cx));
	v.cx.actor = &bruno;
	must(t_change(&v.cx, 44, keys[2], S("knee"), S("elbow")));
	must(t_append(&v.cx, &(struct event){ .action = "user.login", .object = "user", .id = 8, .parent = 3, .cause = "=job" }));
	must(store_write(&v.cx, reseal_in, (int64_t[]){ keys[1], 0 }));
	must(store_write(&v.cx, reseal_in, (int64_t[]){ keys[2], keys[3] }));
	v.cx.address = S("");
	for (int i = 0; i < 10; i++)
		must(t_append(&v.cx, &(struct event){ .action = "ticket.touch", .object = "ticket", .id = i }));
	must(trail_checkpoint(&v.cx));
	must(t_change(&v.cx, 42, 0, S("before"), S("\xF0\x9F\xA6\xB5 after")));
	v.cx.client = S("");
	must(t_append(&v.cx, &(struct event){ .action = "ticket.touch", .object = "ticket", .id = 1 }));
	export_all();
}

static struct trail_verdict
verdict_of(str text, const unsigned char *key)
{
	struct trail_verdict out = {0};

	static char shm[40];
	static int fd = -1;

	if (fd < 0)
		snprintf(shm, sizeof(shm), "/proc/self/fd/%d", fd = memfd_create("export", MFD_CLOEXEC));
	assert_true(ftruncate(fd, 0) == 0 && pwrite(fd, text.p, text.n, 0) == (ssize_t)text.n);
	assert_int_equal(trail_verify_file(&cx, &t_crypto, shm, key, &out), OK);
	return out;
}

/* ---- what they hold -------------------------------------------------------------------------------- */

static void
exports_are_ok(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT(kinds); i++) {
		struct trail_verdict o = verdict_of(file[i].text, i % 2 ? pub : NULL);
		if (!o.ok)
			print_message("%s: %lld %s\n", kinds[i].name, (long long)o.bad_seq, o.why);
		assert_true(o.ok);
		assert_int_equal(o.events, file[i].events);
		assert_memory_equal(o.public_key, pub, 32);
		assert_int_equal(o.checkpoints, 3 + i);
	}
	assert_int_equal(file[1].events, file[0].events + 2);     /* the export itself, its checkpoint */
	struct trail_verdict o;
	assert_int_equal(trail_verify(&v.cx, &o), OK);
	assert_true(o.ok);
}

static size_t
lines_in(str text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	return n;
}

static void
exports_hold_what_was_asked_for(void **state UNUSED)
{
	static const str secret[] = { S("Canary-Quince"), S("192.0.2.17"), S("Browser"), S("SUM(A1)"), S("after"), S("kept elsewhere") };

	for (size_t i = 0; i < COUNT(kinds); i++) {
		str t = file[i].text;
		for (size_t k = 0; k < COUNT(secret); k++)
			if (k != 4)              /* "after" is a key of the values */
				assert_true((str_find(t, secret[k]) != SIZE_MAX) == (kinds[i].values && k != 5));
		assert_true(str_find(t, S("knee\"")) == SIZE_MAX || kinds[i].values);
		assert_int_equal(lines_in(t), file[i].events + (int64_t)i + 3 + (kinds[i].format == TRAIL_CSV ? 3 : 2));
	}
	str t = file[1].text;
	assert_true(str_find(t, S("{\"name\":\"subject\",\"salt\":\"")) != SIZE_MAX);
	assert_true(str_find(t, S("\"values\":{\"erased\":true,\"sum\":\"")) != SIZE_MAX);
	assert_true(str_find(t, S("\"before\":\"[redacted]\",\"after\":\"elbow\",\"redacted\":\"b\"}")) != SIZE_MAX);
	assert_true(str_find(t, S("\"elsewhere\":true}")) != SIZE_MAX);
	assert_true(str_find(t, S("\xF0\x9F\xA6\xB5 after")) != SIZE_MAX);
	t = file[3].text;
	assert_true(str_find(t, S("status: open -> solved; subject: =1+2 -> Canary-Quince, \"\"left\"\"  knee\"")) != SIZE_MAX);
	assert_true(str_find(t, S(",\"'@SUM(A1) -x\",")) != SIZE_MAX);
	assert_true(str_find(t, S(",'=job,")) != SIZE_MAX);
	assert_true(str_find(t, S(",'-42 43 44,")) != SIZE_MAX);
	assert_true(str_find(t, S(",'+subject,")) != SIZE_MAX);
	assert_true(str_find(t, S("event,1,2026-01-05T10:00:00Z,change,7,agent,token,ticket.update,ticket,42,,"
	    "\"status, subject, comment.public\",")) != SIZE_MAX);
	assert_true(str_find(t, S("(erased)")) != SIZE_MAX);
}

/* No cell of a CSV begins as a formula does. */
static void
csv_is_safe(void **state UNUSED)
{
	for (size_t i = 2; i < 4; i++) {
		str t = file[i].text;
		bool quoted = false, start = true;
		size_t cells = 0;
		for (size_t at = 0; at < t.n; at++) {
			char c = t.p[at];
			if (start && c == '"' && !quoted) {
				quoted = true;
				c = t.p[++at];
				if (c == '"')
					quoted = t.p[at + 1] == '"';
			} else if (!start && c == '"')
				quoted = !quoted;
			if (start) {
				assert_null(memchr("=+-@\t", c, 5));
				cells++;
			}
			assert_true(c != '\n' || !quoted);
			start = !quoted && (c == ',' || c == '\n');
		}
		assert_int_equal(cells, lines_in(t) * 21);
	}
}

/* ---- mutations ------------------------------------------------------------------------------------- */

struct cut { str line[128]; int64_t seq[128]; int kind[128]; size_t count; };   /* kind: 0 top, 1 event, 2 checkpoint, 3 end */

static void
cut_lines(size_t i, struct cut *c)
{
	str rest = file[i].text;
	int64_t seq = 0;

	c->count = 0;
	while (rest.n > 0) {
		str l = str_cut(&rest, '\n');
		bool csv = kinds[i].format == TRAIL_CSV;
		l.n++;
		int kind = str_starts(l, csv ? S("event,") : S("{\"canonical\"")) ? 1
		    : str_starts(l, csv ? S("checkpoint,") : S("{\"checkpoint\"")) ? 2 : str_starts(l, csv ? S("end,") : S("{\"end\"")) ? 3 : 0;
		seq += kind == 1;
		c->line[c->count] = l;
		c->kind[c->count] = kind;
		c->seq[c->count++] = seq;
	}
}

static str
joined(const struct cut *c)
{
	struct buf b;

	buf_init(&b, cx.arena, 64 * MiB);
	for (size_t i = 0; i < c->count; i++)
		buf_add(&b, c->line[i]);
	return buf_str(&b);
}

static void
caught(size_t i, str text, int64_t bad_seq, const char *what, size_t where)
{
	struct trail_verdict o = verdict_of(text, pub);

	if (o.ok || o.bad_seq != bad_seq)
		print_message("%s: %s at %zu: %s %lld %s, wanted %lld\n", kinds[i].name, what, where, o.ok ? "ok" : "wrong",
		    (long long)o.bad_seq, o.why != NULL ? o.why : "-", (long long)bad_seq);
	assert_false(o.ok);
	assert_int_equal(o.bad_seq, bad_seq);
	arena_reset(cx.arena);
}

/* The event that stands where line `at` does, or should. */
static int64_t
place(const struct cut *c, size_t at)
{
	return c->kind[at] == 0 ? 0 : c->seq[at];
}

static void
every_line(void **state UNUSED)
{
	static struct cut c, m;

	for (size_t i = 0; i < COUNT(kinds); i++) {
		cut_lines(i, &c);
		for (size_t at = 0; at < c.count; at++) {
			size_t n = c.count;
			bool last = at + 1 == n;

			m = c;                       /* taken away */
			memmove(m.line + at, m.line + at + 1, sizeof(str) * (n - at - 1));
			m.count--;
			caught(i, joined(&m), c.kind[at] == 3 ? c.seq[at] + 1 : place(&c, at), "line taken away", at);

			m = c;                       /* twice */
			memmove(m.line + at + 1, m.line + at, sizeof(str) * (n - at));
			m.count++;
			caught(i, joined(&m), c.kind[at] == 1 ? c.seq[at] + 1 : c.kind[at] == 0 && at + 1 < n && c.kind[at + 1] == 1 ? 1
			    : place(&c, at), "line twice", at);

			if (!last) {                 /* swapped with the next one */
				m = c;
				m.line[at] = c.line[at + 1];
				m.line[at + 1] = c.line[at];
				int64_t bad = place(&c, at);
				if (c.kind[at + 1] == 3)      /* the end too early */
					bad = c.seq[at];
				caught(i, joined(&m), bad, "lines swapped", at);
			}

			m = c;                       /* nothing behind it */
			m.count = at;
			caught(i, joined(&m), at == 0 ? 0 : (c.kind[at - 1] == 0 ? c.kind[at] == 0 ? 1 : 1 : c.seq[at - 1] + 1), "cut", at);

			m = c;                       /* half of it */
			m.line[at].n /= 2;
			m.count = at + 1;
			caught(i, joined(&m), at == 0 ? 0 : c.kind[at - 1] == 0 ? 1 : c.seq[at - 1] + 1, "cut within", at);

			m = c;                       /* without its line end */
			m.line[at].n--;
			if (last)
				caught(i, joined(&m), c.seq[at] + 1, "no line end", at);
			else
				caught(i, joined(&m), place(&c, at), "no line end", at);

			m = c;                       /* something between */
			memmove(m.line + at + 1, m.line + at, sizeof(str) * (n - at));
			m.line[at] = S("\n");
			m.count++;
			caught(i, joined(&m), at == 0 || c.kind[at] == 0 ? 0 : c.kind[at - 1] == 0 ? 1 : c.seq[at - 1] + 1, "empty line", at);
		}
		m = c;
		m.line[m.count++] = S("\n");
		caught(i, joined(&m), c.seq[c.count - 1], "something behind the end", c.count);
		m.line[c.count] = S("x");
		caught(i, joined(&m), c.seq[c.count - 1], "something behind the end", c.count);
	}
}

/* A byte changed, added, taken away at 200 places of each file, and at every place of some lines. */
static void
byte_at(size_t i, const struct cut *c, size_t at, int ways)
{
	str t = file[i].text;
	size_t line = 0, from = 0;

	while (from + c->line[line].n <= at)
		from += c->line[line++].n;
	for (int how = 0; how < ways; how++) {
		struct trail_verdict o;
		struct buf b;
		buf_init(&b, cx.arena, 64 * MiB);
		buf_add(&b, str_sub(t, 0, at));
		if (how < 3)
			buf_byte(&b, (char)(t.p[at] ^ (how == 0 ? 1 : how == 1 ? 0x20 : 0x80)));
		if (how == 3)
			buf_byte(&b, t.p[at] == '0' ? '1' : '0'), buf_byte(&b, t.p[at]);
		buf_add(&b, str_sub(t, at + 1, t.n));
		o = verdict_of(buf_str(&b), pub);
		if (o.ok)
			print_message("%s: byte %zu (line %zu) how %d is not seen\n", kinds[i].name, at, line, how);
		assert_false(o.ok);
		/* A checkpoint or an end that cannot be recognised stands where the next event should. */
		int64_t most = c->kind[line] == 0 ? 5 : c->seq[line] + (c->kind[line] != 1);
		if (o.bad_seq < place(c, line) || o.bad_seq > most)
			print_message("%s: byte %zu (line %zu) how %d: %lld %s\n", kinds[i].name, at, line, how,
			    (long long)o.bad_seq, o.why);
		assert_in_range(o.bad_seq, place(c, line), most);
		arena_reset(cx.arena);
	}
}

static void
every_byte(void **state UNUSED)
{
	static struct cut c;

	for (size_t i = 0; i < COUNT(kinds); i++) {
		size_t n = file[i].text.n, from = 0;
		cut_lines(i, &c);
		for (size_t k = 0; k < 200; k++)
			byte_at(i, &c, k * n / 200, 5);
		for (size_t k = 0; k < 4; from += c.line[k++].n)      /* the top and the first event */
			for (size_t at = from; at < from + c.line[k].n; at += 3)
				byte_at(i, &c, at, 1);
		for (size_t at = n - c.line[c.count - 1].n; at < n; at += 2)
			byte_at(i, &c, at, 1);
	}
}

/* ---- with purpose ---------------------------------------------------------------------------------- */

static str
replaced(str text, str from, str to)
{
	size_t at = str_find(text, from);
	struct buf b;

	assert_true(at != SIZE_MAX);
	buf_init(&b, kept, 64 * MiB);
	buf_add(&b, str_sub(text, 0, at));
	buf_add(&b, to);
	buf_add(&b, str_sub(text, at + from.n, text.n));
	return buf_str(&b);
}

/* Who knows the format can make the sums of values again; then the closing note tells. */
static void
values_forged_with_their_sum(void **state UNUSED)
{
	static struct cut c;
	struct trail_verdict o;

	cut_lines(1, &c);
	for (size_t at = 0; at < c.count; at++) {
		struct out_event e;
		struct buf b;
		size_t i;
		if (str_find(c.line[at], S("[redacted]")) == SIZE_MAX)
			continue;
		assert_true(export_event_read(cx.arena, &t_crypto, TRAIL_JSONL, c.line[at], &e));
		e.vals = str_dup(kept, e.vals);
		assert_true((i = str_find(e.vals, S("[redacted]"))) != SIZE_MAX);
		memcpy((char *)e.vals.p + i, "[innocent]", 10);
		buf_init(&b, kept, MiB);
		export_event(&b, &t_crypto, TRAIL_JSONL, &e);
		c.line[at] = buf_str(&b);
		o = verdict_of(joined(&c), pub);
		assert_false(o.ok);
		assert_string_equal(o.why, "a line was altered");
		/* Not redacted, it is the commitment that tells. */
		str line = replaced(c.line[at], S(",\"redacted\":\"b\""), S(""));
		assert_false(export_event_read(cx.arena, &t_crypto, TRAIL_JSONL, line, &e));
		return;
	}
	assert_true(false);
}

/* Cut behind a checkpoint, with its note as the closing one. */
static void
a_checkpoint_is_no_end(void **state UNUSED)
{
	static struct cut c;

	cut_lines(0, &c);
	for (size_t at = 0; at < c.count; at++) {
		struct note n;
		struct buf b;
		str note;
		if (c.kind[at] != 2)
			continue;
		assert_true(export_checkpoint_read(cx.arena, TRAIL_JSONL, c.line[at], &note));
		assert_true(note_open(&t_crypto, cx.arena, pub, note, &n));
		buf_init(&b, kept, MiB);
		export_end(&b, TRAIL_JSONL, &(struct out_end){ n.seq, { (char *)n.hash, 32 }, note });
		c.line[at] = buf_str(&b);
		c.count = at + 1;
		caught(0, joined(&c), c.seq[at], "a checkpoint's note at the end", at);
		return;
	}
}

/* An earlier export's end under a later one, and the reverse. */
static void
another_exports_end(void **state UNUSED)
{
	static struct cut a, b;

	cut_lines(0, &a);
	export_all();
	cut_lines(0, &b);
	str end = a.line[a.count - 1];
	a.line[a.count - 1] = b.line[b.count - 1];
	caught(0, joined(&a), a.seq[a.count - 1] + 1, "a later end", 0);
	b.line[b.count - 1] = end;
	caught(0, joined(&b), b.seq[b.count - 1], "an earlier end", 0);
}

static void
other_keys(void **state UNUSED)
{
	unsigned char other[32] = { 1 };
	struct trail_verdict o = verdict_of(file[0].text, other);

	assert_false(o.ok);
	assert_string_equal(o.why, "signed with another key");
	/* The header names another key: the first note does not fit. */
	str key = base64_of(kept, (str){ (char *)pub, 32 }), forged = base64_of(kept, (str){ (char *)other, 32 });
	o = verdict_of(replaced(file[0].text, key, forged), NULL);
	assert_false(o.ok);
	assert_int_equal(o.bad_seq, 4);
	assert_string_equal(o.why, "checkpoint altered");
}

/* ---- hostile files --------------------------------------------------------------------------------- */

static const struct { const char *why; str text; int64_t bad_seq; const char *says; } hostile[] = {
	{ "nothing",             S(""),                0, "not an export of a trail" },
	{ "a line end",          S("\n"),              0, "not an export of a trail" },
	{ "other JSON",          S("{\"a\":1}\n"),     0, "not an export of a trail" },
	{ "a CSV",               S("a,b,c\r\n1,2,3\r\n"), 0, "not an export of a trail" },
	{ "NULs",                S("\0\0\0\0\n"),      0, "not an export of a trail" },
	{ "a header alone",      S("{\"ward_trail\":1,\"account\":1,\"origin\":\"x\",\"public_key\":"
	                           "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"values\":false}\n"), 1, "truncated" },
	{ "a header without origin", S("{\"ward_trail\":1,\"account\":1,\"origin\":\"\",\"public_key\":"
	                           "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"values\":false}\n"), 0, "header altered" },
	{ "a header cut",        S("{\"ward_trail\":1,\"account\":1}\n"), 0, "header altered" },
	{ "an account too large", S("{\"ward_trail\":1,\"account\":99999999999999999999,\"origin\":\"x\"}\n"), 0, "header altered" },
};

static void
hostile_row(void **state)
{
	size_t i = ROW(state);
	struct trail_verdict o = verdict_of(hostile[i].text, NULL);

	assert_false(o.ok);
	assert_int_equal(o.bad_seq, hostile[i].bad_seq);
	assert_string_equal(o.why, hostile[i].says);
}

static void
files_that_are_none(void **state UNUSED)
{
	struct trail_verdict o;

	assert_int_equal(trail_verify_file(&cx, &t_crypto, "/nonexistent/file", NULL, &o), E_ABSENT);
	fail_clear(&cx);
	assert_int_equal(trail_verify_file(&cx, &t_crypto, v.d.dir, NULL, &o), E_FAULT);
	fail_clear(&cx);
}

/* A line that never ends costs its limit, and not more. */
static void
endless_line(void **state UNUSED)
{
	struct trail_verdict o = {0};
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	str top = str_sub(file[0].text, 0, str_find(file[0].text, S("\n")) + 1);

	assert_true(fd_write_all(fd, top.p, top.n));
	assert_int_equal(ftruncate(fd, (off_t)300 << 20), 0);
	close(fd);
	assert_int_equal(trail_verify_file(&cx, &t_crypto, path, NULL, &o), OK);
	assert_false(o.ok);
	assert_int_equal(o.bad_seq, 1);
	assert_string_equal(o.why, "a line is too long");
	unlink(path);
}

/* A whole event as large as it can be goes through both formats. */
static void
a_large_event(void **state UNUSED)
{
	struct trail_field f = { .name = "blob", .has_after = true };
	struct trail_verdict o;
	char *p = NEW(v.cx.arena, char, 4 * MiB - 1024);
	str text;

	memset(p, '\x01', 4 * MiB - 1024);           /* six bytes each in JSON */
	f.after = HIDE(((str){ p, 4 * MiB - 1024 }));
	must(t_append(&v.cx, &(struct event){ .action = "a.b", .object = "a", .field = &f, .count = 1 }));
	for (int i = 0; i < 2; i++) {
		int64_t n;
		int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		must(trail_export(&v.cx, fd, i == 0 ? TRAIL_JSONL : TRAIL_CSV, true, &n));
		close(fd);
		must(file_read(&v.cx, path, 128 * MiB, &text));
		assert_true(text.n > 24 * MiB);
		assert_int_equal(trail_verify_file(&cx, &t_crypto, path, pub, &o), OK);
		if (!o.ok)
			print_message("%lld %s\n", (long long)o.bad_seq, o.why);
		assert_true(o.ok && o.events == n);
	}
}

static void
a_full_disk_is_told(void **state UNUSED)
{
	int fd = open("/dev/full", O_WRONLY);
	int64_t n;

	assert_int_equal(trail_export(&v.cx, fd, TRAIL_JSONL, false, &n), E_FAULT);
	assert_string_equal(v.cx.fail.why, "the export cannot be written");
	fail_clear(&v.cx);
	close(fd);
}

int
main(int argc, char **argv)
{
	struct CMUnitTest t[COUNT(hostile) + 16];
	size_t n = 0;

	make_files();
	if (argc == 2) {
		write_corpus(argv[1]);
		return 0;
	}
	ADD(t, n, exports_are_ok);
	ADD(t, n, exports_hold_what_was_asked_for);
	ADD(t, n, csv_is_safe);
	ADD(t, n, every_line);
	ADD(t, n, every_byte);
	ADD(t, n, values_forged_with_their_sum);
	ADD(t, n, a_checkpoint_is_no_end);
	ADD(t, n, other_keys);
	ADD_ROWS(t, n, hostile, hostile_row);
	ADD(t, n, files_that_are_none);
	ADD(t, n, endless_line);
	ADD(t, n, another_exports_end);
	ADD(t, n, a_large_event);
	ADD(t, n, a_full_disk_is_told);
	n = (size_t)RUN_ROWS("trail files", t, n);
	env_close(&v);
	ctx_done(&cx);
	arena_free(&kept);
	return (int)n;
}
