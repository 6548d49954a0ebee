/* The mails of tests/mails/generate.py through the parser processes: each is
 * read as the outcome that its manifest expects needs it to be, with its word
 * where it was put. What the desk makes of them is tests/system/mail.py's. */
#include <jansson.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mail_test.h"
#include "mail/parser.h"

extern char **environ;

static int
run(const char *program, const char *arg1, const char *arg2, const char *arg3)
{
	char *argv[] = { strdup(program), strdup(arg1), strdup(arg2), arg3 != NULL ? strdup(arg3) : NULL, NULL };
	int status = -1;
	pid_t pid;

	if (posix_spawnp(&pid, program, NULL, NULL, argv, environ) != 0)
		status = -1;
	else if (waitpid(pid, &status, 0) != pid)
		status = -1;
	for (int i = 0; i < 4; i++)
		free(argv[i]);
	return status;
}

static str
text_of(json_t *row, const char *key)
{
	json_t *v = json_object_get(row, key);

	return json_is_string(v) ? (str){ json_string_value(v), json_string_length(v) } : (str){ 0 };
}

static bool
holds(const struct mail *m, str where, str word)
{
	if (str_eq(where, S("subject")))
		return str_find(m->subject, word) != SIZE_MAX;
	if (str_eq(where, S("body")))
		return str_find(m->text, word) != SIZE_MAX || str_find(m->quoted, word) != SIZE_MAX;
	if (str_eq(where, S("attachment"))) {
		for (int i = 0; i < m->attachment_count; i++)
			if (str_find(m->attachment[i].bytes, word) != SIZE_MAX)
				return true;
		return false;
	}
	return true;
}

/* Why a mail is not what its manifest says; NULL when it is. */
static const char *
wrong(enum err e, const struct mail *m, json_t *row)
{
	str expect = text_of(row, "expect"), subject = text_of(row, "subject"), canary = text_of(row, "canary");
	bool usable = e == OK && m->kind == MAIL_NORMAL && m->from.addr.n > 0;

	if (e != OK && e != E_INVALID)
		return "the parser gave up on it";
	if (str_eq(expect, S("suspended"))) {
		/* One that answers or repeats another is suspended for that. */
		if (usable && json_object_get(row, "of") == NULL)
			return "nothing is wrong with it";
	} else if (!str_eq(expect, S("duplicate")) && !usable) {
		return "it cannot become a ticket or comment";
	}
	if (e != OK)
		return canary.n > 0 ? "it is no message" : NULL;
	if (subject.n > 0 && !str_eq(subject, m->subject))
		return "it has another subject";
	if (canary.n > 0 && !holds(m, text_of(row, "canary_in"), canary))
		return "its word is not where it was put";
	/* A reply's own word is fresh, the older message's is not. */
	if (str_eq(expect, S("comment")) && str_find(m->text, canary) == SIZE_MAX)
		return "its word was taken for a quote";
	return NULL;
}

static void
every_mail_is_read_as_expected(void **state)
{
	char folder[] = "/tmp/ward-mails-XXXXXX", path[512];
	struct parser *p = NULL;
	struct ctx cx;
	str text;
	json_t *manifest, *mails, *row;
	size_t i;
	int bad_ones = 0, outcomes = 0;

	(void)state;
	if (access("tests/mails/generate.py", R_OK) != 0 || run("python3", "-c", "pass", NULL) != 0) {
		print_message("no python3 or no tests/mails here: skipped\n");
		skip();
	}
	assert_non_null(mkdtemp(folder));
	assert_int_equal(run("python3", "tests/mails/generate.py", folder, NULL), 0);
	ctx_init(&cx, NULL, 1);
	snprintf(path, sizeof(path), "%s/manifest.json", folder);
	assert_int_equal(file_read(&cx, path, 4 * MiB, &text), OK);
	assert_int_equal(json_parse(&cx, text, &manifest), OK);
	mails = json_object_get(manifest, "mails");
	assert_true(json_array_size(mails) > 300);
	assert_int_equal(parser_start(&cx, 1, &p), OK);
	json_array_foreach(mails, i, row) {
		struct ctx one;
		struct mail m = { 0 };
		const char *why;
		usec start = time_mono();
		enum err e;

		ctx_init(&one, NULL, 1);
		snprintf(path, sizeof(path), "%s/%s", folder, json_string_value(json_object_get(row, "file")));
		assert_int_equal(file_read(&one, path, MAIL_MAX, &text), OK);
		e = parser_mail(&one, p, text, &m);
		why = wrong(e, &m, row);
		if (why == NULL && time_mono() - start > 10 * SECOND)
			why = "it took more than ten seconds";
		if (why != NULL) {
			print_error("%s: %s\n", path, why);
			if (e == OK)
				print_error("%.1500s\n", str_z(one.arena, dump(one.arena, &m)));
			bad_ones++;
		}
		outcomes |= str_eq(text_of(row, "expect"), S("ticket")) ? 1 : str_eq(text_of(row, "expect"), S("comment")) ? 2 :
		    str_eq(text_of(row, "expect"), S("suspended")) ? 4 : 8;
		ctx_done(&one);
	}
	assert_int_equal(outcomes, 15);
	parser_stop(&p);
	ctx_done(&cx);
	assert_int_equal(run("rm", "-r", folder, NULL), 0);
	assert_int_equal(bad_ones, 0);
}

int
main(int argc, char **argv)
{
	struct CMUnitTest t[1];
	size_t n = 0;

	if (argc > 1 && strcmp(argv[1], "parser") == 0)
		return parser_main(PARSER_FD);
	ADD(t, n, every_mail_is_read_as_expected);
	return RUN_ROWS("mail corpus", t, n);
}
