/* file.c - whole files, read with a ceiling and written durably; descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"

void
fd_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

/* A larger step copies what was read: four times as much each, so that all
 * copies together are a third of it. */
enum err
fd_read_on(struct ctx *cx, int fd, size_t max, struct buf *b)
{
	struct stat st;
	size_t step = b->cap - b->n > 4 * KiB ? b->cap - b->n : 3 * b->n + 4 * KiB;
	ssize_t got;
	char *p;

	/* One byte beyond the size, so that the end is seen without growing. */
	if (b->n == 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
		step = (size_t)st.st_size < max ? (size_t)st.st_size + 1 : max + 1;
	for (;;) {
		if (b->n > max)
			return fail(cx, E_LIMIT, NULL, "too large");
		if (step - 1 > max - b->n)
			step = max - b->n + 1;
		if ((p = buf_room(b, step)) == NULL)
			return fail(cx, E_LIMIT, NULL, "too large");
		while ((got = read(fd, p, step)) < 0 && errno == EINTR)
			;
		if (got < 0)
			return fail(cx, E_FAULT, NULL, "cannot read");
		b->n -= step - (size_t)got;
		if (got == 0)
			return OK;
		step = b->cap - b->n > 4 * KiB ? b->cap - b->n : 3 * b->n + 4 * KiB;
	}
}

enum err
fd_read_all(struct ctx *cx, int fd, size_t max, str *out)
{
	struct buf b;

	buf_init(&b, cx->arena, max < SIZE_MAX / 8 ? max + 1 : max);
	TRY(fd_read_on(cx, fd, max, &b));
	if (b.p != NULL)
		b.p[b.n] = 0;
	*out = b.n > 0 ? buf_str(&b) : S("");
	return OK;
}

bool
fd_write_all(int fd, const void *p, size_t n)
{
	const char *at = p;
	ssize_t w;

	while (n > 0) {
		if ((w = write(fd, at, n)) < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return false;
		at += w;
		n -= (size_t)w;
	}
	return true;
}

enum err
file_read(struct ctx *cx, const char *path, size_t max, str *out)
{
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR
		    ? fail(cx, E_ABSENT, NULL, "no such file")
		    : fail(cx, E_FAULT, NULL, "cannot open the file");
	return fd_read_all(cx, fd, max, out);
}

/* fsync of the folder that `path` is in: a rename is durable only then. */
static bool
sync_folder(struct ctx *cx, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *dir = slash == NULL ? "." : slash == path ? "/"
	    : str_z(cx->arena, (str){ path, (size_t)(slash - path) });
	CLEANUP(fd_close) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 && fsync(fd) == 0;
}

/* After a crash there is the old file or the new one, whole, and perhaps a
 * temporary NAME.new-XXXXXXXXXXXXXXXX that nobody reads. */
enum err
file_write(struct ctx *cx, const char *path, str bytes, unsigned mode)
{
	str tmp = str_printf(cx->arena, "%s.new-%016jx", path, (uintmax_t)rand_u64());
	CLEANUP(fd_close) int fd = open(tmp.p, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool done;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR
		    ? fail(cx, E_ABSENT, NULL, "no such folder")
		    : fail(cx, E_FAULT, NULL, "cannot make the file");
	done = fchmod(fd, (mode_t)mode) == 0 && fd_write_all(fd, bytes.p, bytes.n) && fsync(fd) == 0;
	fd_close(&fd);
	if (!done || rename(tmp.p, path) != 0) {
		unlink(tmp.p);
		return fail(cx, E_FAULT, NULL, "cannot write the file");
	}
	if (!sync_folder(cx, path))
		return fail(cx, E_FAULT, NULL, "cannot sync the folder");
	return OK;
}
