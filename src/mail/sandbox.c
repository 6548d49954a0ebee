/* sandbox.c - the parser process: no files, no network, no keys, one job.
 *
 * What a message that takes this process over would find:
 *
 *   no_new_privs     nothing it executes could gain rights; it executes nothing
 *   dumpable 0       not traced by others of its user, no core dump
 *   parent's death   ends it; so does the closed socket, it has nothing to serve
 *   rlimits          512 MiB, no file to grow, no new descriptor, no process
 *   Landlock         no path in the file system, no TCP, as far as this kernel
 *                    knows (ABI 1 files, 4 network, 6 signals): a second wall
 *   seccomp          the calls below; any other kills the process. Of memory,
 *                    none that is executable.
 *
 * File calls are refused (EACCES) and do not kill: iconv and glib try a file
 * when they meet a name they do not know, and cope. Everything iconv will need
 * is loaded before the wall goes up (charset_warm), and a first message parsed,
 * so that lazily bound and lazily initialised code has run once.
 *
 * The environment is empty and every descriptor but the socket is closed by
 * the parent. The time of a job is the parent's business (parser.c): it kills.
 */
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mail/mime.h"
#include "mail/parser.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

void (*parser_before_job)(str raw);

/* ---- Landlock --------------------------------------------------------------------------------- */

/* linux/landlock.h of Debian 12 knows ABI 2; the kernel may know more, and the
 * struct only ever grows at its end, by the size that is passed. */
struct ruleset {
	uint64_t fs, net, scoped;
};
enum { CREATE_RULESET = 444, RESTRICT_SELF = 446, QUERY_ABI = 1 };

/* Rights handled, hence refused, by ABI: all of the file system's, TCP bind and
 * connect from 4 on, abstract sockets and signals from 6 on. */
static struct ruleset
everything(long abi, size_t *size)
{
	static const uint64_t fs[] = { 0, 0x1FFF, 0x3FFF, 0x7FFF, 0x7FFF, 0xFFFF };
	struct ruleset r = { .fs = fs[abi < 5 ? abi : 5] };

	*size = sizeof(r.fs);
	if (abi >= 4) {
		r.net = 3;
		*size = 2 * sizeof(uint64_t);
	}
	if (abi >= 6) {
		r.scoped = 3;
		*size = 3 * sizeof(uint64_t);
	}
	return r;
}

/* The ABI in force, 0 when this kernel has none. */
static long
landlock(void)
{
	long abi = syscall(CREATE_RULESET, NULL, 0, QUERY_ABI);
	size_t size;
	struct ruleset all;
	CLEANUP(fd_close) int fd = -1;

	if (abi < 1)
		return 0;
	all = everything(abi, &size);
	fd = (int)syscall(CREATE_RULESET, &all, size, 0);
	if (fd < 0 || syscall(RESTRICT_SELF, fd, 0) != 0)
		return 0;
	return abi;
}

/* ---- seccomp ---------------------------------------------------------------------------------- */

static const int allowed[] = {
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(close),
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
	SCMP_SYS(futex), SCMP_SYS(sched_yield), SCMP_SYS(getrandom),
	SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(time),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(exit), SCMP_SYS(exit_group),
};

/* Looked for by libraries, never needed: told that they may not. */
static const int refused[] = {
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(newfstatat), SCMP_SYS(statx),
	SCMP_SYS(fstat), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink), SCMP_SYS(readlinkat),
};

static bool
filter(void)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_KILL_PROCESS);
	bool ok = f != NULL;

	for (size_t i = 0; i < COUNT(allowed) && ok; i++)
		ok = seccomp_rule_add(f, SCMP_ACT_ALLOW, allowed[i], 0) == 0;
	for (size_t i = 0; i < COUNT(refused) && ok; i++)
		ok = seccomp_rule_add(f, SCMP_ACT_ERRNO(EACCES), refused[i], 0) == 0;
	/* Memory to write to, never to run. */
	ok = ok && seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) == 0;
	ok = ok && seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) == 0;
	ok = ok && seccomp_load(f) == 0;
	if (f != NULL)
		seccomp_release(f);
	return ok;
}

/* ---- limits ------------------------------------------------------------------------------------ */

static bool
limit(int what, rlim_t max)
{
	struct rlimit r = { max, max };

	return setrlimit((__rlimit_resource_t)what, &r) == 0;
}

bool
parser_sandbox(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 ||
	    !limit(RLIMIT_CORE, 0))
		return false;
	if (SANITIZED)
		return landlock() >= 0;
	/* stderr still works here; what libraries might print later could quote a message. */
	if (landlock() == 0)
		log_line(LOG_LV_WARN, "mail", "parser landlock=missing seccomp=on");
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		(void)close(fd);
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 && limit(RLIMIT_AS, PARSER_MEMORY) && limit(RLIMIT_FSIZE, 0) &&
	    limit(RLIMIT_NOFILE, 0) && limit(RLIMIT_NPROC, 0) && filter();
}

/* ---- serving ----------------------------------------------------------------------------------- */

/* Reads n bytes. False when the parent is gone. */
static bool
read_all(int fd, void *p, size_t n)
{
	for (char *at = p; n > 0;) {
		ssize_t got = read(fd, at, n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		at += got;
		n -= (size_t)got;
	}
	return true;
}

/* Something of everything the parser uses, so that it has all run once. */
static void
warm_up(void)
{
	static const char message[] =
	    "From: =?utf-8?q?Ada?= <ada@clinic.example>\r\nTo: g: b@clinic.example;\r\n"
	    "Date: Mon, 5 Jan 2026 10:00:00 +0000\r\nMessage-ID: <a@clinic.example>\r\nReferences: <b@clinic.example>\r\n"
	    "Subject: =?iso-8859-1?q?caf=E9?= =?shift_jis?b?grA=?=\r\n"
	    "Content-Type: multipart/mixed; boundary=b; name*=iso-8859-15''x%a4\r\n\r\n"
	    "--b\r\nContent-Type: text/html; charset=iso-8859-2\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
	    "<p>=E9 &eacute; <a href=3D\"https://clinic.example\">x</a>\r\n"
	    "--b\r\nContent-Type: text/plain; charset=gb18030; format=flowed\r\n\r\nx\xC4\xE3 \r\ny\r\n"
	    "--b\r\nContent-Type: image/png; name=x.png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--b--\r\n";
	struct ctx cx;
	struct mail m;
	struct buf b;

	ctx_init(&cx, NULL, 0);
	if (mail_parse(&cx, (str){ message, sizeof(message) - 1 }, &m) == OK) {
		buf_init(&b, cx.arena, mail_packed_max(&m));
		mail_pack(&b, &m);
	}
	ctx_done(&cx);
}

static bool
serve_one(int fd, struct arena *a)
{
	struct ctx cx = { .arena = a, .account = 1 };
	struct parser_answer answer = { 0 };
	struct parser_ask ask;
	struct buf b;
	struct mail m;
	str raw = { 0 };
	enum err e;
	char *p;

	if (!read_all(fd, &ask, sizeof(ask)) || ask.n > MAIL_MAX)
		return false;
	p = arena_alloc(a, 1, (size_t)ask.n + 1, 1);
	if (!read_all(fd, p, (size_t)ask.n))
		return false;
	raw = (str){ p, (size_t)ask.n };
	if (parser_before_job != NULL)
		parser_before_job(raw);
	cx.now = time_now();
	buf_init(&b, a, PARSER_ANSWER_MAX);
	e = mail_parse(&cx, raw, &m);
	if (e == OK) {
		/* Room for all of it at once, or the arena keeps every smaller try. */
		(void)buf_room(&b, mail_packed_max(&m));
		b.n = 0;
		mail_pack(&b, &m);
		if (b.over)
			return false;
	}
	answer.err = (uint32_t)e;
	answer.n = b.n;
	return fd_write_all(fd, &answer, sizeof(answer)) && (b.n == 0 || fd_write_all(fd, b.p, b.n));
}

int
parser_main(int fd)
{
	struct arena *a;
	char hello = PARSER_HELLO;

	(void)charset_warm();        /* what a machine lacks is an unknown charset */
	warm_up();
	if (!parser_sandbox())
		return 78;           /* EX_CONFIG: never work outside of it */
	if (!fd_write_all(fd, &hello, 1))
		return 0;
	a = arena_new();
	while (serve_one(fd, a))
		arena_reset(a);
	arena_free(&a);
	if (SANITIZED)
		_exit(0);            /* the leak check at exit would want /proc */
	return 0;
}
