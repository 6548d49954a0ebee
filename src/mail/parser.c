/* parser.c - the pool of parser processes, seen from the one that uses them.
 *
 *   parser_mail()                spawner thread              child
 *   takes a slot                                             parser_main()
 *     empty? asks for a child →  posix_spawn /proc/self/exe
 *                                waits for the hello       ← sandbox is closed
 *   sends length, message   ───────────────────────────────→ parses
 *   reads outcome, length, bytes ←──────────────────────────
 *   checks them (wire.c)
 *   gives the slot back
 *
 * A child is started by executing this program again, so nothing of this
 * process's memory (keys, other people's mail) is in it; it gets the socket as
 * descriptor 3, /dev/null as 0 and 1, stderr until its sandbox closes, and an
 * empty environment.
 *
 * Whatever goes wrong during a job (the socket ends, an answer that breaks the
 * rules, parser_patience is over) the child is killed and the slot emptied; the
 * next job gets a fresh one. That is the message's fault: E_FAULT. A child that
 * cannot be started, or died while it was idle, is not: the first is E_BUSY,
 * the second is replaced before the job begins.
 *
 * The spawner is a thread of its own because PR_SET_PDEATHSIG means the death of
 * the thread that made the child, and the threads that parse come and go.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mail/mime.h"
#include "mail/parser.h"

usec parser_patience = 20 * SECOND;

enum { SLOTS_MAX = 64 };
enum state { EMPTY, WANTED, REFUSED, READY };

struct slot {
	enum state state;       /* WANTED: the spawner is to fill it */
	bool       busy;        /* a thread has it */
	pid_t      pid;
	int        fd;          /* our end; -1 when empty */
	int        jobs;        /* done by this child */
};

struct parser {
	pthread_mutex_t lock;
	pthread_cond_t  changed;    /* a slot was given back, filled, wanted, or we stop */
	pthread_t       spawner;
	bool            stopping;
	int             users;      /* threads inside parser_mail */
	int             count;
	struct slot     slot[SLOTS_MAX];
};

/* ---- one child --------------------------------------------------------------------------------- */

/* Waits until fd can be read or written. False when `until` is over. */
static bool
wait_for(int fd, short events, usec until)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		usec left = until - time_mono();
		int n;

		if (left <= 0)
			return false;
		n = poll(&p, 1, (int)(left / 1000) + 1);
		if (n > 0)
			return true;
		if (n < 0 && errno != EINTR)
			return false;
	}
}

static bool
send_all(int fd, const void *p, size_t n, usec until)
{
	for (const char *at = p; n > 0;) {
		ssize_t put;

		if (!wait_for(fd, POLLOUT, until))
			return false;
		put = send(fd, at, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (put < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (put <= 0)
			return false;
		at += put;
		n -= (size_t)put;
	}
	return true;
}

static bool
receive_all(int fd, void *p, size_t n, usec until)
{
	for (char *at = p; n > 0;) {
		ssize_t got;

		if (!wait_for(fd, POLLIN, until))
			return false;
		got = recv(fd, at, n, MSG_DONTWAIT);
		if (got < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (got <= 0)
			return false;
		at += got;
		n -= (size_t)got;
	}
	return true;
}

static void
reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* Starts a child and waits until its sandbox is closed. */
static bool
spawn(pid_t *pid, int *fd)
{
	char name[] = "ward", role[] = "parser";
	char *const argv[] = { name, role, NULL }, *const envp[] = { NULL };
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	sigset_t none;
	int pair[2], failed;
	char hello = 0;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return false;
	if (posix_spawn_file_actions_init(&fa) != 0) {
		close(pair[0]);
		close(pair[1]);
		return false;
	}
	(void)posix_spawnattr_init(&attr);
	sigemptyset(&none);
	/* What the parent blocks or ignores must not outlive the exec. */
	failed = posix_spawnattr_setsigmask(&attr, &none);
	sigfillset(&none);
	sigdelset(&none, SIGKILL);
	sigdelset(&none, SIGSTOP);
	failed |= posix_spawnattr_setsigdefault(&attr, &none);
	failed |= posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	/* The socket first: /dev/null could otherwise land on what it stands on. */
	failed |= posix_spawn_file_actions_adddup2(&fa, pair[1], PARSER_FD);
	failed |= posix_spawn_file_actions_addopen(&fa, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	failed |= posix_spawn_file_actions_addopen(&fa, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	failed |= posix_spawn_file_actions_addclosefrom_np(&fa, PARSER_FD + 1);
	if (failed == 0)
		failed = posix_spawn(pid, "/proc/self/exe", &fa, &attr, argv, envp);
	posix_spawn_file_actions_destroy(&fa);
	posix_spawnattr_destroy(&attr);
	close(pair[1]);
	if (failed != 0) {
		close(pair[0]);
		return false;
	}
	if (!receive_all(pair[0], &hello, 1, time_mono() + parser_patience) || hello != PARSER_HELLO) {
		kill(*pid, SIGKILL);
		reap(*pid);
		close(pair[0]);
		return false;
	}
	*fd = pair[0];
	return true;
}

/* Ends the slot's child at once. The lock is held; it is given up while the
 * kernel takes the process apart, and the slot stays the caller's. */
static void
slot_kill(struct parser *p, struct slot *s)
{
	pid_t pid = s->pid;
	int fd = s->fd;

	s->fd = -1;
	s->state = EMPTY;
	if (fd < 0)
		return;
	pthread_mutex_unlock(&p->lock);
	kill(pid, SIGKILL);
	close(fd);
	reap(pid);
	pthread_mutex_lock(&p->lock);
}

static void *
spawner_main(void *arg)
{
	struct parser *p = arg;

	pthread_mutex_lock(&p->lock);
	while (!p->stopping) {
		struct slot *s = NULL;
		pid_t pid = -1;
		int fd = -1;
		bool ok;

		for (int i = 0; i < p->count && s == NULL; i++)
			if (p->slot[i].state == WANTED)
				s = &p->slot[i];
		if (s == NULL) {
			pthread_cond_wait(&p->changed, &p->lock);
			continue;
		}
		pthread_mutex_unlock(&p->lock);
		ok = spawn(&pid, &fd);
		pthread_mutex_lock(&p->lock);
		if (ok) {
			s->pid = pid;
			s->fd = fd;
			s->jobs = 0;
		}
		s->state = ok ? READY : REFUSED;
		pthread_cond_broadcast(&p->changed);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* ---- the pool ---------------------------------------------------------------------------------- */

enum err
parser_start(struct ctx *cx, int count, struct parser **out)
{
	struct parser *p;

	if (count < 1)
		count = 1;
	if (count > SLOTS_MAX)
		count = SLOTS_MAX;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return fail(cx, E_FAULT, NULL, "out of memory");
	p->count = count;
	for (int i = 0; i < count; i++)
		p->slot[i].fd = -1;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->changed, NULL);
	if (pthread_create(&p->spawner, NULL, spawner_main, p) != 0) {
		pthread_cond_destroy(&p->changed);
		pthread_mutex_destroy(&p->lock);
		free(p);
		return fail(cx, E_FAULT, NULL, "no thread for the mail parser");
	}
	*out = p;
	return OK;
}

void
parser_stop(struct parser **pp)
{
	struct parser *p = *pp;

	if (p == NULL)
		return;
	*pp = NULL;
	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	pthread_cond_broadcast(&p->changed);
	while (p->users > 0)
		pthread_cond_wait(&p->changed, &p->lock);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->spawner, NULL);
	pthread_mutex_lock(&p->lock);
	for (int i = 0; i < p->count; i++)
		slot_kill(p, &p->slot[i]);
	pthread_mutex_unlock(&p->lock);
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* Whether an idle child is still there and has nothing to say. */
static bool
is_sound(const struct slot *s)
{
	struct pollfd p = { .fd = s->fd, .events = POLLIN };

	return poll(&p, 1, 0) == 0;
}

/* A slot with a child in it, for the calling thread alone; NULL when none can
 * be started or the pool stops. */
static struct slot *
slot_take(struct parser *p)
{
	struct slot *s = NULL;

	pthread_mutex_lock(&p->lock);
	p->users++;
	while (!p->stopping) {
		/* One that runs rather than one that would have to be started. */
		for (int i = 0; i < p->count; i++)
			if (!p->slot[i].busy && (s == NULL || p->slot[i].state == READY))
				s = &p->slot[i];
		if (s != NULL)
			break;
		pthread_cond_wait(&p->changed, &p->lock);
	}
	if (s == NULL) {
		p->users--;
		pthread_cond_broadcast(&p->changed);
		pthread_mutex_unlock(&p->lock);
		return NULL;
	}
	s->busy = true;
	if (s->state == READY && (s->jobs >= PARSER_JOBS_MAX || !is_sound(s)))
		slot_kill(p, s);
	if (s->state != READY) {
		s->state = WANTED;
		pthread_cond_broadcast(&p->changed);
		while (s->state == WANTED && !p->stopping)
			pthread_cond_wait(&p->changed, &p->lock);
	}
	if (s->state != READY) {
		s->state = EMPTY;
		s->busy = false;
		p->users--;
		pthread_cond_broadcast(&p->changed);
		s = NULL;
	}
	pthread_mutex_unlock(&p->lock);
	return s;
}

static void
slot_give(struct parser *p, struct slot *s, bool sound)
{
	pthread_mutex_lock(&p->lock);
	if (!sound)
		slot_kill(p, s);
	s->jobs++;
	s->busy = false;
	p->users--;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
}

/* One job. False when the child did not answer as it must. */
static bool
ask(struct ctx *cx, struct slot *s, str raw, enum err *outcome, struct mail *out)
{
	usec until = time_mono() + parser_patience;
	struct parser_ask head = { raw.n };
	struct parser_answer answer;
	char *packed;

	if (!send_all(s->fd, &head, sizeof(head), until) || !send_all(s->fd, raw.p, raw.n, until) ||
	    !receive_all(s->fd, &answer, sizeof(answer), until))
		return false;
	*outcome = (enum err)answer.err;
	if (answer.err != OK)
		return answer.n == 0 && (answer.err == E_INVALID || answer.err == E_LIMIT);
	if (answer.n > PARSER_ANSWER_MAX)
		return false;
	packed = arena_alloc(cx->arena, 1, (size_t)answer.n + 1, 1);
	return receive_all(s->fd, packed, (size_t)answer.n, until) &&
	    mail_unpack(cx->arena, (str){ packed, (size_t)answer.n }, out);
}

enum err
parser_mail(struct ctx *cx, struct parser *p, str raw, struct mail *out)
{
	enum err outcome = E_FAULT;
	struct mail m;
	struct slot *s;
	bool sound;

	if (raw.n > MAIL_MAX)
		return fail(cx, E_LIMIT, NULL, "the message is too large");
	s = slot_take(p);
	if (s == NULL)
		return fail(cx, E_BUSY, NULL, "the mail parser cannot be started");
	sound = ask(cx, s, raw, &outcome, &m);
	slot_give(p, s, sound);
	if (!sound)
		return fail(cx, E_FAULT, NULL, "the parser gave up on this message");
	if (outcome == E_LIMIT)
		return fail(cx, E_LIMIT, NULL, "the message is too large");
	if (outcome != OK)
		return fail(cx, E_INVALID, NULL, "not an e-mail message: it has no header");
	*out = m;
	return OK;
}
