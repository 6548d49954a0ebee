/* control.c - commands against a running server.
 *
 * A unix socket DIR/ward.sock, mode 0600. One connection is one command: the
 * caller sends, in one message, its argument strings (each NUL-terminated,
 * 64 KiB at most) together with its descriptors 0, 1 and 2 (SCM_RIGHTS); the
 * server runs the command with these and answers with one byte, the exit code.
 * Only the same user and root are heard (SO_PEERCRED).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/cli.h"

#define ARGS_MAX 65536
#define WORDS_MAX 256
#define AT_ONCE 16

struct control {
	struct ward *w;
	int          fd, wake[2];
	pthread_t    thread;
	atomic_int   running;
	char         path[sizeof((struct sockaddr_un *)0)->sun_path];
};

/* Socket paths are short (108 bytes): a long folder is reached through /proc. */
static bool
address(const char *dir, struct sockaddr_un *a, int *dirfd)
{
	int n;

	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	*dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*dirfd < 0)
		return false;
	n = snprintf(a->sun_path, sizeof a->sun_path, "/proc/self/fd/%d/ward.sock", *dirfd);
	return n > 0 && (size_t)n < sizeof a->sun_path;
}

struct call { struct control *c; int fd; };

static void *
serve_call(void *arg)
{
	struct call *call = arg;
	struct control *c = call->c;
	char *text = calloc(1, ARGS_MAX + 1), *argv[WORDS_MAX + 1], control[CMSG_SPACE(3 * sizeof(int))];
	struct iovec iov = { text, ARGS_MAX };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
	struct ucred peer;
	socklen_t len = sizeof peer;
	const struct command *cmd;
	int fds[3] = { -1, -1, -1 }, argc = 0, words = 0;
	unsigned char code = 75;
	ssize_t n;

	if (text == NULL || getsockopt(call->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0
	    || (peer.uid != geteuid() && peer.uid != 0))
		goto out;
	n = recvmsg(call->fd, &m, MSG_CMSG_CLOEXEC);
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h != NULL; h = CMSG_NXTHDR(&m, h))
		if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS && h->cmsg_len == CMSG_LEN(sizeof fds))
			memcpy(fds, CMSG_DATA(h), sizeof fds);
	if (n <= 0 || fds[2] < 0 || text[n - 1] != '\0')
		goto out;
	for (char *p = text; p < text + n && argc < WORDS_MAX; p += strlen(p) + 1)
		argv[argc++] = p;
	argv[argc] = NULL;
	cmd = command_find(argc, argv, &words);
	if (cmd != NULL && cmd->remote)
		code = (unsigned char)cmd->run(c->w, argc - words, argv + words, fds[0], fds[1], fds[2]);
	else
		code = 64;
out:
	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	if (send(call->fd, &code, 1, MSG_NOSIGNAL) < 0)
		log_line(LOG_LV_DEBUG, "cli", "a caller went away before its exit code");
	close(call->fd);
	if (text != NULL)
		wipe(text, ARGS_MAX);
	free(text);
	free(call);
	atomic_fetch_sub(&c->running, 1);
	return NULL;
}

static void *
control_main(void *arg)
{
	struct control *c = arg;
	struct pollfd p[2] = { { .fd = c->fd, .events = POLLIN }, { .fd = c->wake[0], .events = POLLIN } };

	for (;;) {
		pthread_attr_t attr;
		struct call *call;
		pthread_t t;
		int fd;
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			break;
		if (p[1].revents)
			break;
		if (!(p[0].revents & POLLIN) || (fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC)) < 0)
			continue;
		while (atomic_load(&c->running) >= AT_ONCE)
			usleep(2000);
		if ((call = malloc(sizeof *call)) == NULL) {
			close(fd);
			continue;
		}
		*call = (struct call){ c, fd };
		atomic_fetch_add(&c->running, 1);
		pthread_attr_init(&attr);
		pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
		pthread_attr_setstacksize(&attr, 1024 * 1024);
		if (pthread_create(&t, &attr, serve_call, call) != 0) {
			close(fd);
			free(call);
			atomic_fetch_sub(&c->running, 1);
		}
		pthread_attr_destroy(&attr);
	}
	return NULL;
}

struct control *
control_start(struct ward *w)
{
	struct control *c = calloc(1, sizeof *c);
	struct sockaddr_un a;
	int dirfd;

	if (c == NULL)
		return NULL;
	c->w = w;
	if (!address(w->dir, &a, &dirfd)) {
		free(c);
		return NULL;
	}
	(void)unlinkat(dirfd, "ward.sock", 0);
	c->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || bind(c->fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(c->fd, 64) != 0
	    || pipe2(c->wake, O_CLOEXEC) != 0 || pthread_create(&c->thread, NULL, control_main, c) != 0) {
		if (c->fd >= 0)
			close(c->fd);
		close(dirfd);
		free(c);
		return NULL;
	}
	close(dirfd);
	return c;
}

void
control_stop(struct control **cp)
{
	struct control *c = *cp;

	if (c == NULL)
		return;
	if (write(c->wake[1], "x", 1) == 1)
		pthread_join(c->thread, NULL);
	close(c->fd);
	while (atomic_load(&c->running) > 0)
		usleep(2000);
	close(c->wake[0]);
	close(c->wake[1]);
	free(c);
	*cp = NULL;
}

int
control_call(const char *dir, int argc, char **argv)
{
	char *text = malloc(ARGS_MAX), control[CMSG_SPACE(3 * sizeof(int))] = { 0 };
	struct iovec iov = { text, 0 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	struct sockaddr_un a;
	int fds[3] = { 0, 1, 2 }, fd = -1, dirfd = -1, code = -1;
	unsigned char answer;

	if (text == NULL)
		return -1;
	for (int i = 0; i < argc; i++) {
		size_t n = strlen(argv[i]) + 1;
		if (iov.iov_len + n > ARGS_MAX)
			goto out;
		memcpy(text + iov.iov_len, argv[i], n);
		iov.iov_len += n;
	}
	if (!address(dir, &a, &dirfd) || (fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)) < 0
	    || connect(fd, (struct sockaddr *)&a, sizeof a) != 0)
		goto out;
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof fds);
	memcpy(CMSG_DATA(h), fds, sizeof fds);
	code = 75;
	if (sendmsg(fd, &m, MSG_NOSIGNAL) == (ssize_t)iov.iov_len && recv(fd, &answer, 1, 0) == 1)
		code = answer;
	else
		fprintf(stderr, "ward: the server went away before it answered; try again\n");
out:
	if (fd >= 0)
		close(fd);
	if (dirfd >= 0)
		close(dirfd);
	free(text);
	return code;
}
