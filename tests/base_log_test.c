/* The log: one line per call, which nothing in the words can break or forge. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rows.h"
#include "base/base.h"

static int log_fd = -1;       /* what stderr is while a test runs */

/* Sends stderr into an empty file. */
static int
catch(void)
{
	int was = dup(STDERR_FILENO);

	assert_int_equal(ftruncate(log_fd, 0), 0);
	assert_int_equal(lseek(log_fd, 0, SEEK_SET), 0);
	dup2(log_fd, STDERR_FILENO);
	return was;
}

static str
caught(struct arena *a, int was)
{
	off_t n = lseek(log_fd, 0, SEEK_END);
	char *p = arena_alloc(a, 1, (size_t)n + 1, 1);

	dup2(was, STDERR_FILENO);
	close(was);
	assert_int_equal(pread(log_fd, p, (size_t)n, 0), n);
	return (str){ p, (size_t)n };
}

static const struct {
	const char *why, *words, *line;
} cases[] = {
	{ "plain",                 "started port=8443", "info api started port=8443\n" },
	{ "nothing to say",        "", "info api \n" },
	{ "a forged line",         "x\nerror gate login ok", "info api x\\nerror gate login ok\n" },
	{ "carriage return",       "x\rinfo", "info api x\\rinfo\n" },
	{ "tab",                   "a\tb", "info api a\\tb\n" },
	{ "terminal escape",       "\x1b[2J", "info api \\x1b[2J\n" },
	{ "DEL and backspace",     "\x7f\b", "info api \\x7f\\x08\n" },
	{ "a written-out escape",  "a\\nb", "info api a\\\\nb\n" },
	{ "C1 escape in UTF-8",    "\xC2\x9B" "2J", "info api \\u009b2J\n" },
	{ "C1 escape raw",         "\x9B" "2J", "info api \\x9b2J\n" },
	{ "next line, U+0085",     "a\xC2\x85" "b", "info api a\\u0085b\n" },
	{ "line separator",        "a\xE2\x80\xA8" "b", "info api a\\u2028b\n" },
	{ "right-to-left trick",   "a\xE2\x80\xAE" "b", "info api a\\u202eb\n" },
	{ "invisible space",       "a\xE2\x80\x8B" "b", "info api a\\u200bb\n" },
	{ "UTF-8 stays",           "Gr\xC3\xBC\xC3\x9F", "info api Gr\xC3\xBC\xC3\x9F\n" },
	{ "U+FFFD itself stays",   "a\xEF\xBF\xBD", "info api a\xEF\xBF\xBD\n" },
	{ "truncated UTF-8",       "a\xE2\x82", "info api a\\xe2\\x82\n" },
};

static void
row(void **state)
{
	size_t i = ROW(state);
	struct arena *a = arena_new();
	int was = catch();

	log_line(LOG_LV_INFO, "api", "%s", cases[i].words);
	assert_string_equal(caught(a, was).p, cases[i].line);
	arena_free(&a);
}

static void
levels_are_kept(void **state)
{
	struct arena *a = arena_new();
	int was = catch();

	(void)state;
	log_line(LOG_LV_DEBUG, "t", "no");
	log_set_level(LOG_LV_WARN);
	log_line(LOG_LV_INFO, "t", "no");
	log_line(LOG_LV_WARN, "t", "yes");
	log_line(LOG_LV_ERROR, "t", "yes %d", 2);
	log_set_level(LOG_LV_DEBUG);
	log_line(LOG_LV_DEBUG, "t", "yes %d", 3);
	log_set_level(LOG_LV_INFO);
	assert_string_equal(caught(a, was).p, "warn t yes\nerror t yes 2\ndebug t yes 3\n");
	arena_free(&a);
}

static void
the_journal_gets_its_prefix(void **state)
{
	struct arena *a = arena_new();
	struct stat st;
	char stream[64];
	int was;

	(void)state;
	assert_int_equal(fstat(log_fd, &st), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	was = catch();
	log_line(LOG_LV_WARN, "t", "x");
	assert_string_equal(caught(a, was).p, "<4>warn t x\n");
	/* Set, but for another descriptor: stderr was redirected. */
	setenv("JOURNAL_STREAM", "1:1", 1);
	was = catch();
	log_line(LOG_LV_WARN, "t", "x");
	assert_string_equal(caught(a, was).p, "warn t x\n");
	unsetenv("JOURNAL_STREAM");
	arena_free(&a);
}

/* Whatever its length and wherever escapes fall, a line fits and ends. */
static void
long_lines_are_cut(void **state)
{
	struct arena *a = arena_new();
	char *words = arena_alloc(a, 1, 20001, 1);

	(void)state;
	for (size_t n = 4060; n <= 20000; n += n < 4110 ? 1 : 5000) {
		for (int kind = 0; kind < 4; kind++) {
			int was;
			str line;

			for (size_t i = 0; i < n; i++)
				words[i] = kind == 0 ? 'x' : kind == 1 ? '\x01' : "\xE2\x80\xA8"[(i + (size_t)kind) % 3];
			words[n] = 0;
			was = catch();
			log_line(LOG_LV_INFO, "api", "%s", words);
			line = caught(a, was);
			assert_true(line.n <= 4096);
			assert_true(str_find(line, S("\n")) == line.n - 1);
			if (n > 4096 || kind != 0)
				assert_true(str_ends(line, S("...\n")));
			if (kind == 0 && n <= 4083)
				assert_int_equal(line.n, n + 10);
		}
	}
	arena_free(&a);
}

static void *
chatter(void *arg)
{
	for (int i = 0; i < 500; i++)
		log_line(LOG_LV_INFO, "t", "%s %0200d", (const char *)arg, i);
	return NULL;
}

static void
threads_do_not_mix(void **state)
{
	struct arena *a = arena_new();
	pthread_t th[4];
	int was = catch();
	size_t lines = 0;
	str all;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		pthread_create(&th[i], NULL, chatter, "word");
	for (size_t i = 0; i < 4; i++)
		pthread_join(th[i], NULL);
	all = caught(a, was);
	while (all.n > 0) {
		str line = str_cut(&all, '\n');

		assert_int_equal(line.n, 212);
		assert_true(str_starts(line, S("info t word 0000")));
		lines++;
	}
	assert_int_equal(lines, 2000);
	arena_free(&a);
}

int
main(void)
{
	char name[] = "/tmp/ward-log-XXXXXX";
	struct CMUnitTest t[32];
	size_t n = 0;

	if ((log_fd = mkostemp(name, O_APPEND)) < 0)
		return 1;
	unlink(name);
	unsetenv("JOURNAL_STREAM");
	ADD_ROWS(t, n, cases, row);
	ADD(t, n, levels_are_kept);
	ADD(t, n, the_journal_gets_its_prefix);
	ADD(t, n, long_lines_are_cut);
	ADD(t, n, threads_do_not_mix);
	return RUN_ROWS("base log", t, n);
}
