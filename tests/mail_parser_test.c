/* The parser processes: what the sandbox takes away, what a child that crashes,
 * hangs, grows or lies costs, and that a message reads the same inside.
 *
 * This program is its own child: with "parser" it serves jobs as ward does, and
 * obeys an X-Test field of the message first; with "probe" it closes the
 * sandbox and tries one thing; with "orphan" it is a parent that dies. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <dirent.h>
#include <unistd.h>

#include "mail_test.h"
#include "mail_charsets.h"
#include "mail/parser.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#define FROM "From: Ada Example <ada@clinic.example>\n"

extern char **environ;

/* ---- the child's part -------------------------------------------------------------------------- */

/* 1: refused with an errno. 0: done, the sandbox has a hole. Killed otherwise. */
static int
refused(bool done)
{
	return done ? 0 : 1;
}

static int try_read(void)     { return refused(open("/etc/passwd", O_RDONLY) >= 0); }
static int try_own(void)      { return refused(open("/proc/self/mem", O_RDWR) >= 0); }
static int try_create(void)   { return refused(open("/tmp/ward-parser-probe", O_CREAT | O_WRONLY, 0600) >= 0); }
static int try_stat(void)     { return refused(access("/etc/passwd", F_OK) == 0); }
static int try_unlink(void)   { return refused(unlink("/tmp/ward-parser-probe") == 0); }
static int try_socket(void)   { return refused(socket(AF_INET, SOCK_STREAM, 0) >= 0); }
static int try_unix(void)     { return refused(socket(AF_UNIX, SOCK_STREAM, 0) >= 0); }
static int try_fork(void)     { return refused(fork() >= 0); }
static int try_trace(void)    { return refused(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0); }
static int try_signal(void)   { return refused(kill(getppid(), 0) == 0); }
static int try_dup(void)      { return refused(dup(PARSER_FD) >= 0); }
static int try_prctl(void)    { return refused(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0); }
static int try_limits(void)
{
	struct rlimit r = { RLIM_INFINITY, RLIM_INFINITY };

	return refused(setrlimit(RLIMIT_AS, &r) == 0);
}
static int try_grow(void)     { return refused(mmap(NULL, PARSER_MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED); }
static int try_run(void)      { return refused(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED); }
static int try_make_run(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return refused(mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0);
}
static int try_exec(void)
{
	char name[] = "true";
	char *argv[] = { name, NULL };

	return refused(execve("/bin/true", argv, environ) == 0);
}
static int try_modify(void)   { return refused(syscall(SYS_memfd_create, "x", 0) >= 0); }

static const struct {
	const char *why;
	int       (*attempt)(void);
	bool        killed;        /* else refused */
	bool        always;        /* also under a sanitizer, where only Landlock holds */
} probes[] = {
	{ "reading a file is refused", try_read, false, true },
	{ "reading its own memory as a file is refused", try_own, false, true },
	{ "making a file is refused", try_create, false, true },
	{ "asking for a file is refused", try_stat, false, false },
	{ "removing a file ends it", try_unlink, true, false },
	{ "a network socket ends it", try_socket, true, false },
	{ "a local socket ends it", try_unix, true, false },
	{ "forking ends it", try_fork, true, false },
	{ "running a program ends it", try_exec, true, false },
	{ "tracing its parent ends it", try_trace, true, false },
	{ "signalling its parent ends it", try_signal, true, false },
	{ "a new descriptor ends it", try_dup, true, false },
	{ "a file in memory ends it", try_modify, true, false },
	{ "becoming traceable ends it", try_prctl, true, false },
	{ "raising its limits ends it", try_limits, true, false },
	{ "memory above its limit is refused", try_grow, false, false },
	{ "executable memory ends it", try_run, true, false },
	{ "making memory executable ends it", try_make_run, true, false },
};

static bool
asks(str raw, const char *what)
{
	char field[64];

	snprintf(field, sizeof(field), "\nX-Test: %s\n", what);
	return str_find(raw, str_of(field)) != SIZE_MAX;
}

enum { LIES = 16 };

/* What a parser that was taken over could answer. Each has its own way to be
 * wrong, but the last. */
static void
lie(int which)
{
	struct arena *a = arena_new();
	struct parser_answer head = { OK, 0, 0 };
	struct buf b;

	buf_init(&b, a, MiB);
	switch (which) {
	case 0: head.err = 77; break;                                     /* no such outcome */
	case 1: head.n = (uint64_t)1 << 62; break;                        /* more than there can be */
	case 2: head.n = 100; break;                                      /* less than promised */
	case 3: buf_add(&b, S("\x10\xFF\xFF\xFF\xFF\x0F")); break;        /* a field longer than all */
	case 4: pack_put(&b, 16, S("subject\r\nBcc: x@y.example")); break;
	case 5: pack_put(&b, 5, S("not an address")); break;              /* from */
	case 6: pack_int(&b, 18, 99); break;                              /* kind */
	case 7: pack_int(&b, 23, -1); break;                              /* problem */
	case 8: pack_put(&b, 20, S("text \xFF")); break;
	case 9: pack_put(&b, 28, S("bytes of no attachment")); break;
	case 10:
		pack_put(&b, 24, S("../../etc/passwd"));
		pack_put(&b, 25, S("text/plain"));
		pack_put(&b, 28, S("x"));
		break;
	case 11: pack_put(&b, 99, S("no such field")); break;
	case 12: pack_put(&b, 1, S("id with blanks")); break;
	case 13: head.err = E_FAULT; break;                               /* not its to say */
	case 14: head.err = E_INVALID; head.n = 1; break;                 /* refused, with something behind */
	case 15: for (int i = 0; i < 101; i++) pack_put(&b, 13, S("a@x.example")); break;   /* to */
	case LIES:                                                        /* the truth */
		pack_put(&b, 16, S("subject"));
		pack_put(&b, 24, S("passwd"));
		pack_put(&b, 25, S("text/plain"));
		pack_put(&b, 28, S("x"));
		break;
	}
	if (b.n > 0)
		head.n = b.n;
	if (fd_write_all(PARSER_FD, &head, sizeof(head)) && b.n > 0)
		(void)fd_write_all(PARSER_FD, b.p, b.n);
	if (which != 2)
		for (;;)
			;              /* the parent has to end it */
	_exit(0);
}
static void
misbehave(str raw)
{
	if (asks(raw, "crash"))
		abort();
	if (asks(raw, "leave"))
		_exit(0);
	if (asks(raw, "hang"))
		for (;;)
			;
	if (asks(raw, "grow"))
		for (struct arena *a = arena_new();;)
			memset(arena_alloc(a, 1, MiB, 1), 1, MiB);
	for (int i = 0; i <= LIES; i++) {
		char name[16];

		snprintf(name, sizeof(name), "lie %d", i);
		if (asks(raw, name))
			lie(i);
	}
}

/* What a child must be started with; 99 makes the parent see no hello. */
static int
child_main(void)
{
	if (environ != NULL && environ[0] != NULL)
		return 99;
	for (int fd = PARSER_FD + 1; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			return 99;
	parser_before_job = misbehave;
	return parser_main(PARSER_FD);
}

/* ---- helpers ------------------------------------------------------------------------------------ */

static pid_t
start(const char *role, const char *arg, int fd, int out)
{
	char name[] = "test", r[32], a[32];
	char *argv[] = { name, r, a, NULL }, *envp[] = { NULL };
	posix_spawn_file_actions_t fa;
	pid_t pid = -1;

	snprintf(r, sizeof(r), "%s", role);
	snprintf(a, sizeof(a), "%s", arg);
	posix_spawn_file_actions_init(&fa);
	if (fd >= 0)
		posix_spawn_file_actions_adddup2(&fa, fd, PARSER_FD);
	if (out >= 0)
		posix_spawn_file_actions_adddup2(&fa, out, STDOUT_FILENO);
	posix_spawn_file_actions_addclosefrom_np(&fa, PARSER_FD + 1);
	assert_int_equal(posix_spawn(&pid, "/proc/self/exe", &fa, NULL, argv, envp), 0);
	posix_spawn_file_actions_destroy(&fa);
	return pid;
}

/* The newest child of this process, -1 if none. */
static pid_t
a_child(void)
{
	DIR *d = opendir("/proc/self/task");
	struct dirent *e;
	long found = -1;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		char path[300];
		FILE *f;
		long pid;

		snprintf(path, sizeof(path), "/proc/self/task/%s/children", e->d_name);
		if (e->d_name[0] == '.' || (f = fopen(path, "r")) == NULL)
			continue;
		while (fscanf(f, "%ld", &pid) == 1)
			found = pid > found ? pid : found;
		fclose(f);
	}
	closedir(d);
	return (pid_t)found;
}

static int
descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static struct parser *
pool(int count)
{
	struct ctx cx;
	struct parser *p = NULL;

	ctx_init(&cx, NULL, 1);
	assert_int_equal(parser_start(&cx, count, &p), OK);
	ctx_done(&cx);
	return p;
}

static enum err
parse(struct parser *p, const char *raw, const char *text)
{
	struct ctx cx;
	struct mail m = { 0 };
	enum err e;

	ctx_init(&cx, NULL, 1);
	e = parser_mail(&cx, p, str_of(raw), &m);
	if (e == OK && text != NULL)
		assert_string_equal(str_z(cx.arena, m.text), text);
	if (e == E_FAULT)
		assert_string_equal(cx.fail.why, "the parser gave up on this message");
	ctx_done(&cx);
	return e;
}

/* ---- tests -------------------------------------------------------------------------------------- */

static void
probe(void **state)
{
	size_t i = ROW(state);
	char number[16];
	int status;
	pid_t pid;

	if (SANITIZED && !probes[i].always)
		skip();
	snprintf(number, sizeof(number), "%zu", i);
	pid = start("probe", number, -1, -1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (probes[i].killed) {
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGSYS);
	} else {
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 1);
	}
}

static void
charset_in_the_sandbox(void **state)
{
	static struct parser *p;
	size_t i = ROW(state);
	struct ctx cx;
	struct mail m;

	if (p == NULL)
		p = pool(1);
	ctx_init(&cx, NULL, 1);
	assert_int_equal(parser_mail(&cx, p, charset_message(cx.arena, i), &m), OK);
	charset_expect(cx.arena, i, &m);
	ctx_done(&cx);
	if (i + 1 == COUNT(charsets))
		parser_stop(&p);
}

static const char rich[] =
    "Return-Path: <ada@clinic.example>\nMessage-ID: <1@clinic.example>\nIn-Reply-To: <0@clinic.example>\n"
    "References: <a@x.example> <0@clinic.example>\n"
    "From: =?iso-8859-2?q?=A3=F3d=BC?= <ada@clinic.example>\nSender: bo@clinic.example\nReply-To: Desk <desk@clinic.example>\n"
    "To: One <one@x.example>, two@x.example\nCc: Three <three@x.example>\n"
    "Subject: =?gb2312?B?xOO6ww==?= =?koi8-r?q?=F0=D2?= =?x-no?q?=E4?=\nDate: Mon, 5 Jan 2026 10:00:00 +0100\n"
    "Content-Type: multipart/mixed; boundary=b\n\n"
    "--b\nContent-Type: multipart/alternative; boundary=a\n\n--a\nContent-Type: text/plain; charset=iso-2022-jp\n\n"
    "\x1B$BF|K\\8l\x1B(B\n\nOn Mon, 5 Jan 2026 at 10:00, Bo <bo@x.example> wrote:\n> old\n"
    "--a\nContent-Type: text/html; charset=big5\n\n<p>\xA7\x41\xA6\x6E\n--a--\n"
    "--b\nContent-Type: image/png; name*=iso-8859-15''%a4.png\nContent-ID: <i@x>\nContent-Disposition: inline\n"
    "Content-Transfer-Encoding: base64\n\nAAECAwQF\n"
    "--b\nContent-Type: message/rfc822\n\nSubject: inner\n\nx\n--b--\n";

static void
reads_the_same_inside(void **state)
{
	struct parser *p = pool(1);
	struct ctx cx;
	struct mail inside, here;

	(void)state;
	ctx_init(&cx, NULL, 1);
	assert_int_equal(mail_parse(&cx, str_of(rich), &here), OK);
	assert_int_equal(parser_mail(&cx, p, str_of(rich), &inside), OK);
	assert_string_equal(str_z(cx.arena, dump(cx.arena, &inside)), str_z(cx.arena, dump(cx.arena, &here)));
	/* And it is the message, not two empty ones. */
	expect_lines(dump(cx.arena, &inside), "subject=你好Прä\nfrom=Łódź <ada@clinic.example>\ntext=日本語\nhtml=<p>你好\n"
	    "attachment=€.png|image/png|i@x|inline|6\nattachment=inner.eml|message/rfc822|||17\nproblem=unknown charset");
	ctx_done(&cx);
	parser_stop(&p);
}

static void
refusals_come_through(void **state)
{
	struct parser *p = pool(1);
	struct ctx cx;
	struct mail m;
	char *big = calloc(1, MAIL_MAX + 1);

	(void)state;
	assert_non_null(big);
	ctx_init(&cx, NULL, 1);
	assert_int_equal(parser_mail(&cx, p, S("no message"), &m), E_INVALID);
	assert_int_equal(parser_mail(&cx, p, S(""), &m), E_INVALID);
	assert_int_equal(parser_mail(&cx, p, (str){ big, MAIL_MAX + 1 }, &m), E_LIMIT);
	ctx_done(&cx);
	assert_int_equal(parse(p, FROM "\nfine", "fine"), OK);
	parser_stop(&p);
	free(big);
}

static void
survives(const char *what, usec patience, usec at_most)
{
	struct parser *p;
	usec was = parser_patience, began;
	char raw[256];

	parser_patience = patience;
	p = pool(1);
	snprintf(raw, sizeof(raw), FROM "X-Test: %s\n\nx", what);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(parse(p, FROM "\nbefore", "before"), OK);
		began = time_mono();
		assert_int_equal(parse(p, raw, NULL), E_FAULT);
		assert_true(time_mono() - began < at_most);
		assert_int_equal(parse(p, FROM "\nafter", "after"), OK);
	}
	parser_stop(&p);
	parser_patience = was;
	assert_int_equal(a_child(), -1);
}

static void
a_crash_costs_one_job(void **state)
{
	(void)state;
	survives("crash", 60 * SECOND, 30 * SECOND);
}

static void
an_exit_costs_one_job(void **state)
{
	(void)state;
	survives("leave", 60 * SECOND, 30 * SECOND);
}

static void
a_hang_costs_one_job(void **state)
{
	(void)state;
	survives("hang", 2 * SECOND, 10 * SECOND);
}

static void
growth_costs_one_job(void **state)
{
	(void)state;
	if (SANITIZED)
		skip();
	survives("grow", 60 * SECOND, 30 * SECOND);
}

static void
lies_are_refused(void **state)
{
	struct parser *p;
	usec was = parser_patience;
	char raw[256];

	(void)state;
	parser_patience = 2 * SECOND;
	p = pool(1);
	for (int i = 0; i < LIES; i++) {
		snprintf(raw, sizeof(raw), FROM "X-Test: lie %d\n\nx", i);
		if (parse(p, raw, NULL) != E_FAULT) {
			print_error("lie %d was believed\n", i);
			_fail(__FILE__, __LINE__);
		}
	}
	assert_int_equal(parse(p, FROM "\nafter", "after"), OK);
	/* What is no lie is believed: the refusals above had the reason they were written for. */
	snprintf(raw, sizeof(raw), FROM "X-Test: lie %d\n\nx", LIES);
	assert_int_equal(parse(p, raw, ""), OK);
	parser_stop(&p);
	parser_patience = was;
}

static void
a_dead_idle_child_costs_nothing(void **state)
{
	struct parser *p = pool(1);
	pid_t pid;

	(void)state;
	assert_int_equal(parse(p, FROM "\none", "one"), OK);
	pid = a_child();
	assert_true(pid > 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	usleep(200000);
	assert_int_equal(parse(p, FROM "\ntwo", "two"), OK);
	assert_true(a_child() > 0 && a_child() != pid);
	parser_stop(&p);
}

static void
a_child_is_replaced_in_time(void **state)
{
	struct parser *p = pool(1);
	pid_t first;

	(void)state;
	assert_int_equal(parse(p, FROM "\nx", "x"), OK);
	first = a_child();
	for (int i = 1; i < PARSER_JOBS_MAX; i++)
		assert_int_equal(parse(p, FROM "\nx", "x"), OK);
	assert_int_equal(a_child(), first);
	assert_int_equal(parse(p, FROM "\nx", "x"), OK);
	assert_true(a_child() != first);
	parser_stop(&p);
}

static void
nothing_stays_open(void **state)
{
	int before = descriptors();
	struct parser *p = pool(3);

	(void)state;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(parse(p, FROM "\nx", "x"), OK);
		assert_int_equal(parse(p, FROM "X-Test: crash\n\nx", NULL), E_FAULT);
	}
	parser_stop(&p);
	assert_null(p);
	parser_stop(&p);
	assert_int_equal(descriptors(), before);
	assert_int_equal(a_child(), -1);
}

static void
without_descriptors_it_is_busy(void **state)
{
	struct parser *p = pool(1);
	struct rlimit was, few = { 3, 0 };

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	few.rlim_max = was.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(parse(p, FROM "\nx", "x"), E_BUSY);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_int_equal(parse(p, FROM "\nx", "x"), OK);
	parser_stop(&p);
}

static void
a_message_of_the_largest_size(void **state)
{
	static const char head[] = FROM "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nsee\n"
	    "--b\nContent-Type: application/dicom; name=a.dcm\nContent-Transfer-Encoding: base64\n\n";
	struct parser *p = pool(1);
	struct ctx cx;
	struct mail m;
	char *raw = malloc(MAIL_MAX);

	(void)state;
	assert_non_null(raw);
	memset(raw, 'A', MAIL_MAX);
	memcpy(raw, head, sizeof(head) - 1);
	for (size_t i = sizeof(head) + 75; i < MAIL_MAX; i += 77)
		raw[i] = '\n';
	ctx_init(&cx, NULL, 1);
	assert_int_equal(parser_mail(&cx, p, (str){ raw, MAIL_MAX }, &m), OK);
	assert_int_equal(m.attachment_count, 1);
	assert_true(m.attachment[0].bytes.n > MAIL_MAX / 4 * 3 / 100 * 97);
	ctx_done(&cx);
	/* The same without an encoding: nothing becomes smaller. */
	raw[str_find(str_of(head), S("base64"))] = 'x';
	ctx_init(&cx, NULL, 1);
	assert_int_equal(parser_mail(&cx, p, (str){ raw, MAIL_MAX }, &m), OK);
	assert_true(m.attachment[0].bytes.n > MAIL_MAX - KiB);
	ctx_done(&cx);
	parser_stop(&p);
	free(raw);
}

struct work { struct parser *p; int number, wrong; };

static void *
work(void *arg)
{
	struct work *w = arg;

	for (int i = 0; i < 40; i++) {
		struct ctx cx;
		struct mail m;
		str raw;

		ctx_init(&cx, NULL, 1);
		raw = str_printf(cx.arena, FROM "Subject: %d.%d\n%s\nbody %d.%d", w->number, i,
		    i % 10 == 9 ? "X-Test: crash\n" : "", w->number, i);
		if (i % 10 == 9)
			w->wrong += parser_mail(&cx, w->p, raw, &m) != E_FAULT;
		else if (parser_mail(&cx, w->p, raw, &m) != OK ||
		    !str_eq(m.subject, str_printf(cx.arena, "%d.%d", w->number, i)) ||
		    !str_eq(m.text, str_printf(cx.arena, "body %d.%d", w->number, i)))
			w->wrong++;
		ctx_done(&cx);
	}
	return NULL;
}

static void
threads_share_a_pool(void **state)
{
	struct parser *p = pool(2);
	struct work w[8];
	pthread_t t[8];

	(void)state;
	for (int i = 0; i < 8; i++) {
		w[i] = (struct work){ p, i, 0 };
		assert_int_equal(pthread_create(&t[i], NULL, work, &w[i]), 0);
	}
	for (int i = 0; i < 8; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(w[i].wrong, 0);
	}
	parser_stop(&p);
}

/* Whether process `pid` is gone, or dead and waiting for init, within 10 s. */
static bool
ends(long pid)
{
	for (int i = 0; i < 100; i++) {
		char path[64], line[512] = "";
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
		f = fopen(path, "r");
		if (f == NULL)
			return true;
		if (fgets(line, sizeof(line), f) == NULL)
			line[0] = 0;
		fclose(f);
		if (strstr(line, ") Z") != NULL)
			return true;
		usleep(100000);
	}
	return false;
}

static void
a_closed_socket_ends_the_child(void **state)
{
	int pair[2], status;
	char hello;
	pid_t pid;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	pid = start("parser", "", pair[1], -1);
	close(pair[1]);
	assert_int_equal(read(pair[0], &hello, 1), 1);
	assert_int_equal(hello, PARSER_HELLO);
	close(pair[0]);
	assert_true(ends(pid));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* A parent that starts a parser, tells its number, and is killed. With `hang`
 * while the child works, so that only the signal can end it. */
static int
orphan_main(const char *how)
{
	struct parser *p = pool(1);
	char line[32];
	int n;

	if (parse(p, FROM "\nx", "x") != OK)
		return 1;
	n = snprintf(line, sizeof(line), "%d\n", (int)a_child());
	if (write(STDOUT_FILENO, line, (size_t)n) != n)
		return 1;
	if (how[0] == 'h') {
		alarm(1);
		(void)parse(p, FROM "X-Test: hang\n\nx", NULL);
	}
	raise(SIGKILL);
	return 0;
}

static void
orphan(const char *how)
{
	int pipes[2], status;
	char line[32] = "";
	pid_t pid;
	long child;

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	pid = start("orphan", how, -1, pipes[1]);
	close(pipes[1]);
	assert_true(read(pipes[0], line, sizeof(line) - 1) > 1);
	close(pipes[0]);
	child = strtol(line, NULL, 10);
	assert_true(child > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_true(ends(child));
}

static void
a_dead_parent_ends_an_idle_child(void **state)
{
	(void)state;
	orphan("idle");
}

static void
a_dead_parent_ends_a_busy_child(void **state)
{
	(void)state;
	orphan("hang");
}

int
main(int argc, char **argv)
{
	struct CMUnitTest t[COUNT(probes) + COUNT(charsets) + 20];
	size_t n = 0;

	if (argc > 1 && strcmp(argv[1], "parser") == 0)
		return child_main();
	if (argc > 2 && strcmp(argv[1], "orphan") == 0)
		return orphan_main(argv[2]);
	if (argc > 2 && strcmp(argv[1], "probe") == 0)
		_exit(parser_sandbox() ? probes[strtoul(argv[2], NULL, 10)].attempt() : 98);
	ADD_ROWS(t, n, probes, probe);
	ADD_ROWS(t, n, charsets, charset_in_the_sandbox);
	ADD(t, n, reads_the_same_inside);
	ADD(t, n, refusals_come_through);
	ADD(t, n, a_crash_costs_one_job);
	ADD(t, n, an_exit_costs_one_job);
	ADD(t, n, a_hang_costs_one_job);
	ADD(t, n, growth_costs_one_job);
	ADD(t, n, lies_are_refused);
	ADD(t, n, a_dead_idle_child_costs_nothing);
	ADD(t, n, a_child_is_replaced_in_time);
	ADD(t, n, nothing_stays_open);
	ADD(t, n, without_descriptors_it_is_busy);
	ADD(t, n, a_message_of_the_largest_size);
	ADD(t, n, threads_share_a_pool);
	ADD(t, n, a_closed_socket_ends_the_child);
	ADD(t, n, a_dead_parent_ends_an_idle_child);
	ADD(t, n, a_dead_parent_ends_a_busy_child);
	return RUN_ROWS("mail parser", t, n);
}
