/* A stream finds and writes what one scan of the whole text does, whatever the
 * pieces it is given in; its memory does not grow; redaction reports where
 * things went; known sets, rules that change while threads scan. */
#include "phi.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static struct phi *phi;

struct text { char *p; size_t n, cap; struct phi_finding *f; size_t fn, fcap; };

static void
room(void **p, size_t *cap, size_t need, size_t size)
{
	if (need > *cap) {
		*cap = need * 2;
		*p = realloc(*p, *cap * size);
		assert_non_null(*p);
	}
}

static int
add(void *arg, const char *p, size_t n)
{
	struct text *t = arg;
	room((void **)&t->p, &t->cap, t->n + n + 1, 1);
	memcpy(t->p + t->n, p, n);
	t->n += n;
	t->p[t->n] = 0;
	return 0;
}

static int
note(void *arg, const struct phi_finding *f)
{
	struct text *t = arg;
	room((void **)&t->f, &t->fcap, t->fn + 1, sizeof *t->f);
	t->f[t->fn++] = *f;
	return 0;
}

static void
drop(struct text *t)
{
	free(t->p);
	free(t->f);
	memset(t, 0, sizeof *t);
}

/* A text of about `n` bytes with something in every line, now and then a line that is very long. */
static struct text
sample(size_t n, uint64_t seed, int long_lines)
{
	static const char *const part[] = { "Please call Ana Lopez at 208-555-0117 about it. ", "her SSN is 123-45-6789\n", "no change, ",
		"DOB 03/14/1961 ", "the office is open from nine to five and the parking is free. ", "Dr. Benedikt Kirchner\n",
		"write to ana.lopez@mail.example, ", "MRN 00412233\n\n", "3900 Lake Dr SE, Suite 6, Grand Rapids, MI 49546\n", "Gr\xc3\xbcnewald ",
		"see https://portal.example/a/b?patient=77 ", "\xe2\x80\x8b", "lopez said ", "fax (208) 555-0199; " };
	struct text t = { 0 };
	while (t.n < n) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		const char *p = part[(seed >> 33) % (sizeof part / sizeof part[0])];
		add(&t, p, strlen(p));
		if (long_lines && (seed >> 20) % 400 == 0) {
			add(&t, "https://x.example/", 18);
			for (unsigned i = 0; i < (seed >> 40) % 90000; i++)
				add(&t, &"abcdefgh01234567"[i & 15], 1);
			add(&t, " ", 1);
		}
	}
	return t;
}

static void
same(void **state)
{
	(void)state;
	static const size_t sizes[] = { 0, 1, 100, 33000, 33800, 34000, 38000, 70000, 400000, 2000000 };
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		for (int kind = 0; kind < 2; kind++) {
			struct text in = sample(sizes[i], 7 + i, kind), whole = { 0 }, pieces = { 0 };
			struct phi_redact_opts o = { .size = sizeof o, .flags = PHI_ONCE, .style = PHI_STYLE_HASH };
			struct phi_stream *s;
			add(&in, "", 0);
			if (sizes[i] == 0)
				in.n = 0;
			assert_int_equal(phi_scan(phi, in.p, in.n, note, &whole), PHI_OK);
			assert_int_equal(phi_stream_new(phi, &o, note, add, &pieces, &s), PHI_OK);
			uint64_t seed = i;
			for (size_t at = 0; at < in.n;) {
				seed = seed * 6364136223846793005u + 1442695040888963407u;
				size_t k = (seed >> 33) % (seed & 0x40000000 ? 7 : 300000) + 1;
				if (k > in.n - at)
					k = in.n - at;
				assert_int_equal(phi_stream_write(s, in.p + at, k), PHI_OK);
				/* Another text in between, by the same thread. */
				if (k % 16 == 0)
					assert_int_equal(phi_scan(phi, "Mr. Zorander", 12, NULL, NULL), PHI_OK);
				at += k;
			}
			assert_int_equal(phi_stream_end(s), PHI_OK);
			phi_stream_free(s);
			/* Those above 64 KB come in pieces: joined, they are the same. */
			size_t k = 0;
			for (size_t j = 0; j < whole.fn; j++) {
				size_t at = whole.f[j].at;
				assert_true(k < pieces.fn);
				do {
					assert_int_equal(pieces.f[k].at, at);
					assert_int_equal(pieces.f[k].kind, whole.f[j].kind);
					at += pieces.f[k++].len;
				} while (at < whole.f[j].at + whole.f[j].len);
				assert_int_equal(at, whole.f[j].at + whole.f[j].len);
			}
			assert_int_equal(k, pieces.fn);
			if (!kind) {
				struct text one = { 0 };
				assert_int_equal(phi_redact(phi, &o, in.p, in.n, add, &one), PHI_OK);
				assert_int_equal(one.n, pieces.n);
				assert_true(one.n == 0 || !memcmp(one.p, pieces.p, one.n));
				drop(&one);
			}
			drop(&in), drop(&whole), drop(&pieces);
		}
}

static size_t
resident(void)
{
	size_t pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");
	if (!f || fscanf(f, "%*u %zu", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* Counts what is written and looks for what must not be there. */
struct seen { size_t n; int bad; char last; };
static int
watch(void *arg, const char *p, size_t n)
{
	struct seen *s = arg;
	s->n += n;
	if (n >= 11)
		s->bad |= memmem(p, n, "123-45-6789", 11) != NULL;
	return 0;
}

static void
bounded(void **state)
{
	(void)state;
	/* Lines; one line without a blank; one endless address; continuation bytes alone. */
	for (int kind = 0; kind < 4; kind++) {
		struct text in = { 0 };
		if (kind == 0)
			in = sample(1 << 20, 3, 0);
		else
			for (int i = 0; i < 1 << 20; i++)
				add(&in, kind == 3 ? "\x80" : &"abc-4567,"[i % 9], 1);
		struct seen out = { 0 };
		struct phi_stream *s;
		assert_int_equal(phi_stream_new(phi, NULL, NULL, watch, &out, &s), PHI_OK);
		size_t before = 0;
		(void)before;
		if (kind == 2)
			assert_int_equal(phi_stream_write(s, "see https://x.example/", 22), PHI_OK);
		for (int i = 0; i < 8; i++) {
			assert_int_equal(phi_stream_write(s, in.p, in.n), PHI_OK);
			if (i == 2)
				before = resident();
		}
		assert_int_equal(phi_stream_end(s), PHI_OK);
		phi_stream_free(s);
		assert_int_equal(out.bad, 0);
		assert_true(out.n > 0);
		if (kind == 2)
			assert_true(out.n < 100000);     /* [URL] a piece */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
		assert_true(resident() < before + ((size_t)4 << 20));
#endif
		drop(&in);
	}
}

/* ---- where things went -------------------------------------------------------------------------------- */

struct moves { struct phi_moved m[64]; int n; };
static int
move(void *arg, const struct phi_moved *m)
{
	struct moves *v = arg;
	if (v->n < 64)
		v->m[v->n++] = *m;
	return 0;
}

static void
moved(void **state)
{
	(void)state;
	static const char in[] = "Ana Lopez (DOB 03/14/1961) called from 208-555-0117 about Mr. Kirchner.";
	struct moves v = { .n = 0 };
	struct text out = { 0 };
	struct phi_redact_opts o = { .size = sizeof o, .moved = move, .moved_arg = &v };
	assert_int_equal(phi_redact(phi, &o, in, sizeof in - 1, add, &out), PHI_OK);
	assert_true(v.n >= 4);
	size_t at = 0, to = 0;
	for (int i = 0; i <= v.n; i++) {
		size_t end = i < v.n ? v.m[i].old_at : sizeof in - 1, new_end = i < v.n ? v.m[i].new_at : out.n;
		assert_int_equal(end - at, new_end - to);
		assert_memory_equal(in + at, out.p + to, end - at);
		if (i < v.n)
			at = v.m[i].old_at + v.m[i].old_len, to = v.m[i].new_at + v.m[i].new_len;
	}
	drop(&out);
}

/* ---- surrogates ------------------------------------------------------------------------------------------ */

static const struct { const char *why, *text, *part; int fixed; } forms[] = {
	{ "an SSN keeps its form and was never issued", "her SSN is 123-45-6789 ok", "000-00-", 1 },
	{ "a surname alone agrees with the full name", "Patient: Ana Lopez. Mrs. Lopez called", NULL, 0 },
	{ "an ISO date stays one", "seen on 2024-03-05 again", "seen on 202", 1 },
	{ "a month in words stays one", "DOB March 14th, 1961.", "1960", 0 },
	{ "a number of nine digits is no SSN", "MRN 123-45-6789", "MRN 000", 1 },
};

static void
surrogates(void **state)
{
	(void)state;
	for (uint64_t key = 0; key < 40; key++) {
		struct phi_redact_opts o = { .size = sizeof o, .style = PHI_STYLE_SURROGATE, .key = key };
		struct text out[5] = { { 0 } };
		for (int i = 0; i < 5; i++) {
			assert_int_equal(phi_redact(phi, &o, forms[i].text, strlen(forms[i].text), add, &out[i]), PHI_OK);
			if (forms[i].fixed && !strstr(out[i].p, forms[i].part))
				fail_msg("%s: %s", forms[i].why, out[i].p);
		}
		char a[40] = "", b[40] = "", c[40] = "";
		assert_int_equal(sscanf(out[1].p, "Patient: %39s %39[A-Za-z]. Mrs. %39s", a, b, c), 3);
		assert_string_equal(b, c);
		assert_string_not_equal(b, "Lopez");
		assert_true(strstr(out[3].p, "1960") || strstr(out[3].p, "1961"));
		/* The same offset for all dates of a key. */
		struct text d = { 0 };
		static const char two[] = "seen 01/10/2024 and 01/11/2024 then";
		int m1, d1, y1, m2, d2, y2;
		assert_int_equal(phi_redact(phi, &o, two, sizeof two - 1, add, &d), PHI_OK);
		assert_int_equal(sscanf(d.p, "seen %d/%d/%d and %d/%d/%d", &m1, &d1, &y1, &m2, &d2, &y2), 6);
		assert_true((m1 == m2 && d2 == d1 + 1) || d2 == 1);
		assert_true(y1 == 2023 || y1 == 2024);
		drop(&d);
		/* No card whose check digit fits. */
		static const char card[] = "card number 4111 1111 1111 1111 please";
		assert_int_equal(phi_redact(phi, &o, card, sizeof card - 1, add, &d), PHI_OK);
		unsigned sum = 0, k = 0;
		for (size_t i = d.n; i-- > 0;)
			if (d.p[i] >= '0' && d.p[i] <= '9') {
				unsigned x = (unsigned)(d.p[i] - '0') << (k++ & 1);
				sum += x > 9 ? x - 9 : x;
			}
		assert_int_equal(k, 16);
		assert_int_not_equal(sum % 10, 0);
		drop(&d);
		for (int i = 0; i < 5; i++)
			drop(&out[i]);
	}
}

/* ---- a patient list ----------------------------------------------------------------------------------------- */

static size_t
person(char *b, size_t n, unsigned i)
{
	/* Unlike each other, and like no word. */
	static const char *const syl[] = { "ba", "do", "ki", "lu", "me", "no", "pra", "qui", "ros", "tha", "vel", "wy", "xan", "yul", "zer", "gos" };
	return (size_t)snprintf(b, n, "%s%s%s %s%s%s", syl[i & 15], syl[i >> 4 & 15], syl[i >> 8 & 15], syl[i >> 12 & 15], syl[i >> 16 & 15], "ster");
}

static void
million(void **state)
{
	(void)state;
	struct phi_known *k = phi_known_new();
	char b[80];
	size_t before = resident();
	assert_non_null(k);
	for (unsigned i = 0; i < 1000000; i++) {
		size_t n = person(b, sizeof b, i);
		assert_int_equal(phi_known_add_whole(k, PHI_NAME, b, n), PHI_OK);
		n = (size_t)snprintf(b, sizeof b, "QX%07u", i);
		assert_int_equal(phi_known_add_whole(k, PHI_MRN, b, n), PHI_OK);
		n = (size_t)snprintf(b, sizeof b, "(%03u) 555-%04u", 200 + i / 10000, i % 10000);
		assert_int_equal(phi_known_add_whole(k, PHI_PHONE, b, n), PHI_OK);
	}
	assert_true(phi_known_count(k) > 3900000);
	assert_true(phi_known_size(k) < (size_t)64 << 20);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	assert_true(resident() - before < (size_t)64 << 20);
	print_message("a million people: %zu MB, %zu hashes\n", (resident() - before) >> 20, phi_known_count(k));
#else
	(void)before;
#endif
	struct phi_opts o = { .size = sizeof o, .known = k };
	struct text t = { 0 };
	size_t n = person(b, sizeof b, 777777);
	add(&t, "we think that ", 14);
	add(&t, b, n);
	add(&t, " has asked, see qx0123456 and 208.555.1234", 42);
	struct text found = { 0 };
	assert_int_equal(phi_scan_opts(phi, &o, t.p, t.n, note, &found), PHI_OK);
	assert_true(found.fn >= 3);
	assert_int_equal(found.f[0].at, 14);
	assert_true(found.f[0].len >= n);
	assert_string_equal(phi_rule_name(phi, found.f[0].rule), "known.value");
	drop(&t), drop(&found);

	/* To bytes and back: the same; no value in them; damaged ones are refused. */
	room((void **)&t.p, &t.cap, phi_known_size(k), 1);
	t.n = phi_known_size(k);
	phi_known_save(k, t.p);
	assert_null(memmem(t.p, t.n, "QX0123456", 9));
	for (unsigned i = 0; i < 1000000; i += 100003) {
		n = person(b, sizeof b, i);
		assert_null(memmem(t.p, t.n, b, n));
	}
	struct phi_known *again;
	assert_int_equal(phi_known_load(t.p, t.n, &again), PHI_OK);
	assert_int_equal(phi_known_count(again), phi_known_count(k));
	o.known = again;
	assert_int_equal(phi_scan_opts(phi, &o, "the value qx0999999 here", 24, note, &found), PHI_OK);
	assert_int_equal(found.fn, 1);
	assert_int_equal(found.f[0].kind, PHI_MRN);
	phi_known_free(again);
	assert_int_equal(phi_known_load(t.p, t.n - 1, &again), PHI_BAD);
	assert_int_equal(phi_known_load(t.p, 100, &again), PHI_BAD);
	assert_null(again);
	drop(&t), drop(&found);
	phi_known_free(k);
}

static const struct { const char *why, *add, *text, *part; int kind; } persons[] = {
	{ "both words", "Quill Zorander", "then quill zorander came", "quill zorander", PHI_NAME },
	{ "last name first", "Quill Zorander", "ZORANDER, QUILL", "ZORANDER, QUILL", PHI_NAME },
	{ "given as last, first", "Zorander, Quill", "then quill zorander came", "quill zorander", PHI_NAME },
	{ "without the middle name", "Quill Mondo Zorander", "then quill zorander came", "quill zorander", PHI_NAME },
	{ "with an initial", "Quill Mondo Zorander", "then quill m. zorander came", "quill m. zorander", PHI_NAME },
	{ "one word of it is not the person", "Quill Walker", "take a quill and a walker home", NULL, 0 },
	{ "marks given, none written", "J\xc3\xb6rg M\xc3\xbcngersdorf", "then jorg mungersdorf came", "jorg mungersdorf", PHI_NAME },
	{ "marks written too", "J\xc3\xb6rg M\xc3\xbcngersdorf", "then j\xc3\xb6rg m\xc3\xbcngersdorf came", "j\xc3\xb6rg m\xc3\xbcngersdorf", PHI_NAME },
};

static void
whole_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof persons / sizeof persons[0]; i++) {
		struct phi_known *k = phi_known_new();
		struct text found = { 0 };
		struct phi_opts o = { .size = sizeof o, .known = k };
		assert_int_equal(phi_known_add_whole(k, PHI_NAME, persons[i].add, strlen(persons[i].add)), PHI_OK);
		assert_int_equal(phi_scan_opts(phi, &o, persons[i].text, strlen(persons[i].text), note, &found), PHI_OK);
		int known = 0;
		for (size_t j = 0; j < found.fn; j++)
			if (!strcmp(phi_rule_name(phi, found.f[j].rule), "known.value")) {
				known = 1;
				if (!persons[i].part || found.f[j].at > (size_t)(strstr(persons[i].text, persons[i].part) - persons[i].text) ||
				    found.f[j].at + found.f[j].len < (size_t)(strstr(persons[i].text, persons[i].part) - persons[i].text) + strlen(persons[i].part))
					fail_msg("%s", persons[i].why);
			}
		if (known != (persons[i].part != NULL))
			fail_msg("%s", persons[i].why);
		drop(&found);
		phi_known_free(k);
	}
}

/* ---- rules that change ------------------------------------------------------------------------------------------- */

static struct phi_live *live;
static atomic_int enough, scans;

static void *
scanner(void *arg)
{
	int *bad = arg;
	while (!atomic_load(&enough)) {
		const struct phi *p = phi_live_take(live);
		struct text f = { 0 };
		if (phi_scan(p, "SSN 123-45-6789 of Ana Lopez, our ref CR-2210-07", 48, note, &f) != PHI_OK || f.fn < 2)
			++*bad;
		for (size_t i = 0; i < f.fn; i++)
			if (!phi_rule_name(p, f.f[i].rule)[0])
				++*bad;
		free(f.f);
		phi_live_give(live, p);
		atomic_fetch_add(&scans, 1);
	}
	phi_thread_done();
	return NULL;
}

static void
write_file(const char *folder, const char *text)
{
	char path[200];
	snprintf(path, sizeof path, "%s/house.rules", folder);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int
house(void *arg, const struct phi_finding *f)
{
	const struct phi *p = ((const void **)arg)[0];
	if (!strcmp(phi_rule_name(p, f->rule), "house.case"))
		((const void **)arg)[1] = arg;
	return 0;
}

static void
reload(void **state)
{
	(void)state;
	static const char rule[] = "rule house.case\n  kind OTHERID\n  pattern CR-[0-9]{4}-[0-9]{2}\n"
	    "  start code\n  score 95\n  yes \"our ref [[CR-2210-07]] of Monday\"\n";
	char folder[] = "/tmp/phi-live-XXXXXX", why[300] = "", path[200];
	assert_non_null(mkdtemp(folder));
	assert_int_equal(phi_live_new(folder, &live, why, sizeof why), PHI_OK);
	pthread_t t[4];
	int bad[4] = { 0 };
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, scanner, &bad[i]), 0);
	write_file(folder, rule);
	for (int i = 0; i < 12; i++) {
		assert_int_equal(phi_live_reload(live, why, sizeof why), PHI_OK);
		usleep(2000);
	}
	const struct phi *p = phi_live_take(live);
	const void *got[2] = { p, NULL };
	assert_int_equal(phi_scan(p, "our ref CR-2210-07 of Monday", 28, house, got), PHI_OK);
	assert_non_null(got[1]);
	/* A bad file leaves what is there. */
	write_file(folder, "rule house.bad\n  kind NOSUCH\n");
	assert_int_equal(phi_live_reload(live, why, sizeof why), PHI_BAD);
	assert_non_null(strstr(why, "house.rules"));
	const struct phi *q = phi_live_take(live);
	assert_ptr_equal(p, q);
	phi_live_give(live, q);
	phi_live_give(live, p);
	atomic_store(&enough, 1);
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(bad[i], 0);
	}
	assert_true(atomic_load(&scans) > 0);
	phi_live_free(live);
	snprintf(path, sizeof path, "%s/house.rules", folder);
	unlink(path);
	rmdir(folder);
	assert_int_equal(phi_live_new("/nonexistent-folder", &live, why, sizeof why), PHI_IO);
}

/* ---- what a redaction has written, and what only looks so ------------------------------------------------------------- */

static const struct { const char *why, *text; int found; } ours[] = {
	{ "a label", "seen by Dr. [NAME] on [DATE]", 0 }, { "a year", "DOB [DATE 1961]", 0 }, { "a ZIP", "Zip: [LOCATION 770]", 0 },
	{ "a hash", "Patient: [NAME:9f31c2a0b4de]", 0 }, { "a mask", "call XXX-XXX-XXXX, XXXXXX said", 0 },
	{ "a name in brackets", "seen by [NAME Dr. Webster] today", 1 }, { "a number in brackets", "[MRN 00412233]", 1 },
	{ "an SSN behind its label", "[SSN:123-45-6789]", 1 }, { "a date in brackets", "[DATE 03/14/1961]", 1 },
	{ "last four behind a mask", "SSN XXX-XX-6789", 1 },
};

static void
placeholders(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
		struct text f = { 0 };
		assert_int_equal(phi_scan(phi, ours[i].text, strlen(ours[i].text), note, &f), PHI_OK);
		if ((f.fn > 0) != ours[i].found)
			fail_msg("%s: %zu found", ours[i].why, f.fn);
		drop(&f);
	}
}

/* ---- options of other builds ----------------------------------------------------------------------------------------- */

static void
sizes(void **state)
{
	(void)state;
	struct { struct phi_opts o; char more[16]; } newer = { .o = { .size = sizeof newer } };
	struct text f = { 0 };
	assert_int_equal(phi_scan_opts(phi, &newer.o, "SSN 123-45-6789", 15, note, &f), PHI_OK);
	assert_int_equal(f.fn, 1);
	newer.more[3] = 1;
	assert_int_equal(phi_scan_opts(phi, &newer.o, "SSN 123-45-6789", 15, note, &f), PHI_BAD);
	struct phi_opts old = { .size = 4 };
	assert_int_equal(phi_scan_opts(phi, &old, "SSN 123-45-6789", 15, note, &f), PHI_BAD);
	struct phi_redact_opts r = { .size = sizeof r, .flags = 8 };
	assert_int_equal(phi_redact(phi, &r, "x", 1, add, &f), PHI_BAD);
	r.size = offsetof(struct phi_redact_opts, secret);     /* what lies behind its end is not looked at */
	assert_int_equal(phi_redact(phi, &r, "x", 1, add, &f), PHI_OK);
	drop(&f);
}

static int setup(void **s) { (void)s; return phi_open(NULL, &phi, NULL, 0) != PHI_OK; }
static int teardown(void **s) { (void)s; phi_close(phi); phi_thread_done(); return 0; }

int
main(void)
{
	const struct CMUnitTest t[] = {
		{ "a stream is one text", same, NULL, NULL, NULL }, { "a stream's memory is bounded", bounded, NULL, NULL, NULL },
		{ "offsets of what stays", moved, NULL, NULL, NULL }, { "surrogates keep the form", surrogates, NULL, NULL, NULL },
		{ "a million people", million, NULL, NULL, NULL }, { "people of a house", whole_names, NULL, NULL, NULL },
		{ "rules that change", reload, NULL, NULL, NULL }, { "placeholders", placeholders, NULL, NULL, NULL },
		{ "options of older and newer callers", sizes, NULL, NULL, NULL },
	};
	return cmocka_run_group_tests_name("phi stream", t, setup, teardown);
}
