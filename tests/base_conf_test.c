/* The configuration file, and files as a whole. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rows.h"
#include "base/base.h"

static char folder[] = "/tmp/ward-base-XXXXXX";
static char path[64];

struct settings {
	const char *listen, *greeting, *absent;
	int64_t     workers, body_max;
	bool        fips;
};

static const struct conf_row rows[] = {
	{ "listen",   CONF_TEXT, offsetof(struct settings, listen),   "127.0.0.1:8443", "where" },
	{ "greeting", CONF_TEXT, offsetof(struct settings, greeting), "hello",          "words" },
	{ "absent",   CONF_TEXT, offsetof(struct settings, absent),   NULL,             "none" },
	{ "workers",  CONF_INT,  offsetof(struct settings, workers),  "4",              "how many" },
	{ "body_max", CONF_SIZE, offsetof(struct settings, body_max), "1 MiB",          "bytes" },
	{ "fips",     CONF_BOOL, offsetof(struct settings, fips),     "off",            "FIPS provider" },
};

static void
put(str text)
{
	struct ctx cx;

	ctx_init(&cx, NULL, 1);
	assert_int_equal(file_write(&cx, path, text, 0600), OK);
	ctx_done(&cx);
}

static const struct {
	const char *why;
	str text;
	const char *listen, *greeting;
	int64_t workers, body_max;
	bool fips;
} good[] = {
	{ "nothing: the defaults", S(""), "127.0.0.1:8443", "hello", 4, 1048576, false },
	{ "every type", S("listen = 0.0.0.0:443\nworkers=-3\nbody_max = 512 KiB\nfips = on\n"),
	  "0.0.0.0:443", "hello", -3, 524288, true },
	{ "comments, blank lines, line ends of Windows", S("# fips = on\r\n\r\n  workers = 9  \r\n\t# x\r\n"),
	  "127.0.0.1:8443", "hello", 9, 1048576, false },
	{ "a comment behind a value", S("workers = 2 # was 4\nlisten = a#b\n"), "a#b", "hello", 2, 1048576, false },
	{ "no line end at the end", S("workers = 5"), "127.0.0.1:8443", "hello", 5, 1048576, false },
	{ "quotes keep blanks and #", S("greeting = \" a # b=c \" # not this\n"), "127.0.0.1:8443", " a # b=c ", 4, 1048576, false },
	{ "an empty text", S("greeting =\nlisten = \"\""), "", "", 4, 1048576, false },
	{ "= inside a value", S("greeting = a = b"), "127.0.0.1:8443", "a = b", 4, 1048576, false },
	{ "units", S("body_max = 2G"), "127.0.0.1:8443", "hello", 4, 2147483648, false },
	{ "no unit", S("body_max = 77"), "127.0.0.1:8443", "hello", 4, 77, false },
	{ "UTF-8", S("greeting = Gr\xC3\xBC\xC3\x9F Gott"), "127.0.0.1:8443", "Gr\xC3\xBC\xC3\x9F Gott", 4, 1048576, false },
};

static void
good_row(void **state)
{
	size_t i = ROW(state);
	struct ctx cx;
	struct settings s = { .absent = "not yet", .workers = 99 };

	put(good[i].text);
	ctx_init(&cx, NULL, 1);
	assert_int_equal(conf_read(&cx, path, rows, COUNT(rows), &s), OK);
	assert_string_equal(s.listen, good[i].listen);
	assert_string_equal(s.greeting, good[i].greeting);
	assert_null(s.absent);
	assert_int_equal(s.workers, good[i].workers);
	assert_int_equal(s.body_max, good[i].body_max);
	assert_int_equal(s.fips, good[i].fips);
	ctx_done(&cx);
}

static const struct {
	const char *why;
	str text;
	const char *says, *field;
} wrong[] = {
	{ "an unknown key",              S("\n# x\nhunter2 = 1\n"), "line 3: unknown key", NULL },
	{ "no equals sign",              S("workers 4"), "line 1: expected key = value", NULL },
	{ "no key",                      S("= 4"), "line 1: unknown key", NULL },
	{ "a key in another case",       S("Workers = 4"), "line 1: unknown key", NULL },
	{ "not a number",                S("fips=on\nworkers = four"), "line 2: must be a whole number", "workers" },
	{ "a number with a unit",        S("workers = 4K"), "line 1: must be a whole number", "workers" },
	{ "a number too large",          S("workers = 9223372036854775808"), "line 1: must be a whole number", "workers" },
	{ "an empty number",             S("workers ="), "line 1: must be a whole number", "workers" },
	{ "not a switch",                S("fips = perhaps"), "line 1: must be on or off", "fips" },
	{ "an empty switch",             S("fips = "), "line 1: must be on or off", "fips" },
	{ "a negative size",             S("body_max = -1"), "line 1: must be a size such as 512 KiB", "body_max" },
	{ "a size beyond 63 bits",       S("body_max = 9007199254740992 GiB"), "line 1: must be a size such as 512 KiB", "body_max" },
	{ "a unit we do not know",       S("body_max = 1 TB"), "line 1: must be a size such as 512 KiB", "body_max" },
	{ "given twice",                 S("workers = 1\nworkers = 2"), "line 2: given a second time", "workers" },
	{ "quotes that do not close",    S("greeting = \"abc"), "line 1: the quotes do not match", "greeting" },
	{ "words behind the quotes",     S("greeting = \"abc\" def"), "line 1: the quotes do not match", "greeting" },
	{ "a NUL",                       S("workers = 1\ngreeting = a\0b"), "line 2: not text", NULL },
	{ "bytes that are not UTF-8",    S("greeting = \xFF"), "line 1: not text", NULL },
};

static void
wrong_row(void **state)
{
	size_t i = ROW(state);
	struct ctx cx;
	struct settings s;

	put(wrong[i].text);
	ctx_init(&cx, NULL, 1);
	assert_int_equal(conf_read(&cx, path, rows, COUNT(rows), &s), E_INVALID);
	assert_string_equal(cx.fail.why, wrong[i].says);
	if (wrong[i].field != NULL)
		assert_string_equal(cx.fail.field, wrong[i].field);
	else
		assert_null(cx.fail.field);
	ctx_done(&cx);
}

static void
no_file_leaves_the_defaults(void **state)
{
	struct ctx cx;
	struct settings s;

	(void)state;
	unlink(path);
	ctx_init(&cx, NULL, 1);
	assert_int_equal(conf_read(&cx, path, rows, COUNT(rows), &s), E_ABSENT);
	assert_int_equal(s.workers, 4);
	assert_string_equal(s.listen, "127.0.0.1:8443");
	ctx_done(&cx);
}

/* ---- files ---------------------------------------------------------------------------------- */

static size_t
count_files(void)
{
	DIR *d = opendir(folder);
	size_t n = 0;

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d)) != NULL; )
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void
writing_replaces_whole_files(void **state)
{
	struct ctx cx;
	struct stat st;
	str back;

	(void)state;
	ctx_init(&cx, NULL, 1);
	unlink(path);
	umask(077);
	assert_int_equal(file_write(&cx, path, S("one\0two"), 0644), OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);      /* whatever the umask */
	assert_int_equal(file_read(&cx, path, 100, &back), OK);
	assert_true(str_eq(back, S("one\0two")));
	assert_int_equal(back.p[back.n], 0);
	assert_int_equal(file_write(&cx, path, S(""), 0400), OK);
	assert_int_equal(file_read(&cx, path, 0, &back), OK);
	assert_int_equal(back.n, 0);
	assert_int_equal(count_files(), 1);              /* no temporary left */
	ctx_done(&cx);
}

static void
writing_refuses_cleanly(void **state)
{
	struct ctx cx;
	char other[128];

	(void)state;
	ctx_init(&cx, NULL, 1);
	snprintf(other, sizeof(other), "%s/none/file", folder);
	assert_int_equal(file_write(&cx, other, S("x"), 0600), E_ABSENT);
	fail_clear(&cx);
	/* A folder stands where the file should go: the rename fails. */
	snprintf(other, sizeof(other), "%s/sub", folder);
	assert_int_equal(mkdir(other, 0700), 0);
	size_t before = count_files();
	assert_int_equal(file_write(&cx, other, S("x"), 0600), E_FAULT);
	assert_int_equal(count_files(), before);
	assert_int_equal(rmdir(other), 0);
	ctx_done(&cx);
}

static const struct {
	const char *why;
	size_t size, max;
	enum err err;
} reads[] = {
	{ "as long as the ceiling",     5000, 5000, OK },
	{ "one byte above the ceiling", 5001, 5000, E_LIMIT },
	{ "large",                      300000, MiB, OK },
	{ "large, without a ceiling",   300000, SIZE_MAX, OK },
	{ "far above the ceiling",      300000, 10, E_LIMIT },
	{ "empty",                      0, 10, OK },
	{ "nothing may be read",        1, 0, E_LIMIT },
};

static void
read_row(void **state)
{
	size_t i = ROW(state), n = reads[i].size;
	struct ctx cx;
	char *bytes;
	str back = S("kept");
	int ends[2];
	pid_t child;

	ctx_init(&cx, NULL, 1);
	bytes = arena_alloc(cx.arena, 1, n + 1, 1);
	rand_bytes(bytes, n);
	put((str){ bytes, n });
	assert_int_equal(file_read(&cx, path, reads[i].max, &back), reads[i].err);
	assert_true(str_eq(back, reads[i].err == OK ? (str){ bytes, n } : S("kept")));

	/* The same through a pipe, which does not tell its length. */
	fail_clear(&cx);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	if ((child = fork()) == 0) {
		signal(SIGPIPE, SIG_DFL);
		close(ends[0]);
		_exit(!fd_write_all(ends[1], bytes, n));
	}
	fd_close(&ends[1]);
	assert_int_equal(ends[1], -1);
	fd_close(&ends[1]);
	back = S("kept");
	assert_int_equal(fd_read_all(&cx, ends[0], reads[i].max, &back), reads[i].err);
	assert_true(str_eq(back, reads[i].err == OK ? (str){ bytes, n } : S("kept")));
	fd_close(&ends[0]);
	waitpid(child, NULL, 0);
	ctx_done(&cx);
}

static void
reading_what_is_no_file(void **state)
{
	struct ctx cx;
	str back;

	(void)state;
	ctx_init(&cx, NULL, 1);
	unlink(path);
	assert_int_equal(file_read(&cx, path, 10, &back), E_ABSENT);
	fail_clear(&cx);
	assert_int_equal(file_read(&cx, folder, 10, &back), E_FAULT);
	fail_clear(&cx);
	assert_int_equal(fd_read_all(&cx, -1, 10, &back), E_FAULT);
	assert_false(fd_write_all(-1, "x", 1));
	assert_true(fd_write_all(-1, NULL, 0));
	ctx_done(&cx);
}

int
main(void)
{
	struct CMUnitTest t[64];
	size_t n = 0;
	int failed;

	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/ward.conf", folder);
	ADD_ROWS(t, n, good, good_row);
	ADD_ROWS(t, n, wrong, wrong_row);
	ADD(t, n, no_file_leaves_the_defaults);
	ADD(t, n, writing_replaces_whole_files);
	ADD(t, n, writing_refuses_cleanly);
	ADD_ROWS(t, n, reads, read_row);
	ADD(t, n, reading_what_is_no_file);
	failed = RUN_ROWS("base conf", t, n);
	unlink(path);
	rmdir(folder);
	return failed;
}
