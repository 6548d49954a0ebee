/* ahead.c - a database is read ahead of who walks through it.
 *
 * Rows that were made one after the other lie in the order of their making, but
 * not side by side: between two tickets stand the pages of their comments,
 * audits and search terms. An export reads one page in three or so, always
 * forward. The kernel reads ahead only for who reads all, so that on a database
 * larger than the memory each ticket waited for a page of 4 KiB of its own. This
 * VFS, which leaves everything else to the one it stands on, sees such a walk
 * and tells the kernel what comes next, in pieces that a disk likes. It does not
 * wait for it; where all is in memory already it costs next to nothing.
 *
 * A walk is RUN pages, each behind the last and within STRIDE of it. In between
 * pages of indexes are read, which lie elsewhere: up to MISSES of them in a row
 * do not end it.
 */
#include "store/ahead.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

enum { RUN = 16, MISSES = 6, STRIDE = 128 << 10, WINDOW = 512 << 10 };

struct walk {
	sqlite3_file  base;            /* first: SQLite sees this */
	int           fd;              /* of our own, to give the advice for; -1: none */
	int           run, missed;
	sqlite3_int64 last, told;      /* where the walk is; up to where the kernel knows */
	_Alignas(8) unsigned char real[];      /* the sqlite3_file of the VFS below */
};

static sqlite3_vfs *below;

static sqlite3_file *
real_of(sqlite3_file *f)
{
	return (sqlite3_file *)(void *)((struct walk *)f)->real;
}

static void
follow(struct walk *w, sqlite3_int64 at, int n)
{
	sqlite3_int64 from;

	if (at <= w->last || at - w->last > STRIDE) {
		if (++w->missed <= MISSES)
			return;
		w->run = 0;
		w->told = 0;
	}
	w->missed = 0;
	w->last = at;
	if (++w->run < RUN || w->told > at + WINDOW)
		return;
	from = w->told > at + n ? w->told : at + n;
	posix_fadvise(w->fd, from, WINDOW, POSIX_FADV_WILLNEED);
	w->told = from + WINDOW;
}

static int
ahead_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	struct walk *w = (struct walk *)f;

	if (w->fd >= 0)
		follow(w, at, n);
	return real_of(f)->pMethods->xRead(real_of(f), p, n, at);
}

/* To close a file drops all locks that this process has on it (POSIX). The readers are closed together, the writer right
 * behind them, and no other ward is let in meanwhile (store_conf.lock_path). */
static int
ahead_close(sqlite3_file *f)
{
	struct walk *w = (struct walk *)f;
	int rc = real_of(f)->pMethods->xClose(real_of(f));

	if (w->fd >= 0)
		close(w->fd);
	return rc;
}

static int ahead_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at) { return real_of(f)->pMethods->xWrite(real_of(f), p, n, at); }
static int ahead_truncate(sqlite3_file *f, sqlite3_int64 size) { return real_of(f)->pMethods->xTruncate(real_of(f), size); }
static int ahead_sync(sqlite3_file *f, int flags)              { return real_of(f)->pMethods->xSync(real_of(f), flags); }
static int ahead_size(sqlite3_file *f, sqlite3_int64 *size)    { return real_of(f)->pMethods->xFileSize(real_of(f), size); }
static int ahead_lock(sqlite3_file *f, int how)                { return real_of(f)->pMethods->xLock(real_of(f), how); }
static int ahead_unlock(sqlite3_file *f, int how)              { return real_of(f)->pMethods->xUnlock(real_of(f), how); }
static int ahead_reserved(sqlite3_file *f, int *out)           { return real_of(f)->pMethods->xCheckReservedLock(real_of(f), out); }
static int ahead_control(sqlite3_file *f, int what, void *arg) { return real_of(f)->pMethods->xFileControl(real_of(f), what, arg); }
static int ahead_sector(sqlite3_file *f)                       { return real_of(f)->pMethods->xSectorSize(real_of(f)); }
static int ahead_device(sqlite3_file *f)                       { return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f)); }
static void ahead_barrier(sqlite3_file *f)                     { real_of(f)->pMethods->xShmBarrier(real_of(f)); }
static int ahead_unmap(sqlite3_file *f, int del)               { return real_of(f)->pMethods->xShmUnmap(real_of(f), del); }

static int
ahead_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
	return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, out);
}

static int
ahead_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return real_of(f)->pMethods->xShmLock(real_of(f), offset, n, flags);
}

/* Version 2: without xFetch, as nothing is mapped. */
static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = ahead_close, .xRead = ahead_read, .xWrite = ahead_write, .xTruncate = ahead_truncate, .xSync = ahead_sync,
	.xFileSize = ahead_size, .xLock = ahead_lock, .xUnlock = ahead_unlock, .xCheckReservedLock = ahead_reserved,
	.xFileControl = ahead_control, .xSectorSize = ahead_sector, .xDeviceCharacteristics = ahead_device,
	.xShmMap = ahead_map, .xShmLock = ahead_shm_lock, .xShmBarrier = ahead_barrier, .xShmUnmap = ahead_unmap,
};

/* Files of other kinds become those of the VFS below, in the same memory. */
static int
ahead_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
	struct walk *w = (struct walk *)f;
	sqlite3_file *real = real_of(f);
	int rc;

	(void)vfs;
	if ((flags & SQLITE_OPEN_MAIN_DB) == 0 || name == NULL)
		return below->xOpen(below, name, f, flags, out);
	memset(w, 0, sizeof(*w));
	rc = below->xOpen(below, name, real, flags, out);
	if (rc != SQLITE_OK || real->pMethods->iVersion < 2) {
		f->pMethods = NULL;
		if (real->pMethods != NULL)
			real->pMethods->xClose(real);
		return rc != SQLITE_OK ? rc : SQLITE_CANTOPEN;
	}
	w->fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	w->base.pMethods = &methods;
	return SQLITE_OK;
}

static sqlite3_vfs vfs;

static void
start(void)
{
	below = sqlite3_vfs_find(NULL);
	if (below == NULL)
		return;
	vfs = *below;                   /* all but opening is the same; each gets the VFS that it was written for */
	vfs.pNext = NULL;
	vfs.zName = "ward-ahead";
	vfs.szOsFile = (int)sizeof(struct walk) + below->szOsFile;
	vfs.xOpen = ahead_open;
	if (sqlite3_vfs_register(&vfs, 0) != SQLITE_OK)
		below = NULL;
}

const char *
ahead_vfs(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, start);
	return below != NULL ? vfs.zName : NULL;
}
