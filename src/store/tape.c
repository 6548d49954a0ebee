/* tape.c - SQLite's WAL with writes that lie behind one another gathered.
 *
 * SQLite appends a page to its WAL by two writes, 24 bytes and the page. A
 * ticket changes a dozen pages, and most of a batch's stand in one row in the
 * WAL: hence more time went into system calls than into copying. So this VFS,
 * which leaves everything else to the one it stands on, keeps what is written to
 * a WAL until
 *
 *   - something is written that does not lie right behind it, or ROOM is full;
 *   - the file is synced, measured, cut or closed, or read where only a part is
 *     kept.
 *
 * Nothing is seen or promised too early by that: a commit with synchronous=FULL
 * syncs the WAL before it tells of its frames in the shared memory, and what is
 * not synced may be lost by the rules of the file system as well. A write that
 * fails is reported by the call that needed it done, a write or a sync, and the
 * gathered bytes are dropped: SQLite gives up the whole transaction then, and
 * writes from the same place again. A read must not be that call, as after one
 * that fails SQLite goes on with the transaction: so it is answered from here.
 *
 * A database's own writes are not gathered, though a copy back writes many that
 * lie in one row. When only a part of the WAL can be copied, as somebody reads or
 * more was appended meanwhile, SQLite neither syncs nor cuts the database before
 * it tells how far it got, and who begins to read then takes those pages from
 * the database: they must be there. Nor could a failure be reported any more.
 *
 * The exception is a WAL on a device that may harm what lies beside a write:
 * there SQLite pads behind the sync, so nothing is gathered.
 */
#include "store/tape.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

enum { ROOM = 124 << 10 };           /* the VFS for unix cannot write 128 KB at once */

struct tape {
	sqlite3_file   base;           /* first: SQLite sees this */
	unsigned char *p;              /* ROOM bytes; NULL until the first write */
	sqlite3_int64  at;             /* where the first of them belongs */
	int            n;
	_Alignas(8) unsigned char real[];      /* the sqlite3_file of the VFS below */
};

static sqlite3_vfs *below;

static sqlite3_file *
real_of(sqlite3_file *f)
{
	return (sqlite3_file *)(void *)((struct tape *)f)->real;
}

/* Hands over what was gathered. */
static int
flush(sqlite3_file *f)
{
	struct tape *t = (struct tape *)f;
	int n = t->n;

	t->n = 0;
	return n == 0 ? SQLITE_OK : real_of(f)->pMethods->xWrite(real_of(f), t->p, n, t->at);
}

#define AFTER_FLUSH(f, call) do { int rc_ = flush(f); return rc_ != SQLITE_OK ? rc_ : (call); } while (0)

static int
tape_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	struct tape *t = (struct tape *)f;
	int rc;

	if (t->n > 0 && (at != t->at + t->n || n > ROOM - t->n)) {
		rc = flush(f);
		if (rc != SQLITE_OK)
			return rc;
	}
	if (t->p == NULL)
		t->p = malloc(ROOM);
	if (t->p == NULL || n > ROOM)
		return real_of(f)->pMethods->xWrite(real_of(f), p, n, at);
	if (t->n == 0)
		t->at = at;
	memcpy(t->p + t->n, p, (size_t)n);
	t->n += n;
	return SQLITE_OK;
}

static int
tape_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	const struct tape *t = (struct tape *)f;
	int rc;

	if (at >= t->at && at + n <= t->at + t->n) {
		memcpy(p, t->p + (at - t->at), (size_t)n);
		return SQLITE_OK;
	}
	if (t->n > 0 && at < t->at + t->n && at + n > t->at) {
		rc = flush(f);
		if (rc != SQLITE_OK)
			return rc;
	}
	rc = real_of(f)->pMethods->xRead(real_of(f), p, n, at);
	return rc == SQLITE_IOERR_SHORT_READ && t->n > 0 && at + n <= t->at ? SQLITE_OK : rc;   /* a gap: zeros */
}

static int
tape_close(sqlite3_file *f)
{
	struct tape *t = (struct tape *)f;
	int rc = flush(f), closed = real_of(f)->pMethods->xClose(real_of(f));

	free(t->p);
	return rc != SQLITE_OK ? rc : closed;
}

static int
tape_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	AFTER_FLUSH(f, real_of(f)->pMethods->xTruncate(real_of(f), size));
}

static int
tape_sync(sqlite3_file *f, int flags)
{
	AFTER_FLUSH(f, real_of(f)->pMethods->xSync(real_of(f), flags));
}

static int
tape_size(sqlite3_file *f, sqlite3_int64 *size)
{
	AFTER_FLUSH(f, real_of(f)->pMethods->xFileSize(real_of(f), size));
}

/* What follows needs the file alone, not its bytes. A WAL is never locked: that is the database's. */

static int tape_lock(sqlite3_file *f, int how)                { return real_of(f)->pMethods->xLock(real_of(f), how); }
static int tape_unlock(sqlite3_file *f, int how)              { return real_of(f)->pMethods->xUnlock(real_of(f), how); }
static int tape_reserved(sqlite3_file *f, int *out)           { return real_of(f)->pMethods->xCheckReservedLock(real_of(f), out); }
static int tape_control(sqlite3_file *f, int what, void *arg) { return real_of(f)->pMethods->xFileControl(real_of(f), what, arg); }
static int tape_sector(sqlite3_file *f)                       { return real_of(f)->pMethods->xSectorSize(real_of(f)); }
static int tape_device(sqlite3_file *f)                       { return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f)); }

/* Version 1: without shared memory, which is the database's, and without xFetch, as nothing is mapped. */
static const sqlite3_io_methods methods = {
	.iVersion = 1,
	.xClose = tape_close, .xRead = tape_read, .xWrite = tape_write, .xTruncate = tape_truncate, .xSync = tape_sync,
	.xFileSize = tape_size, .xLock = tape_lock, .xUnlock = tape_unlock, .xCheckReservedLock = tape_reserved,
	.xFileControl = tape_control, .xSectorSize = tape_sector, .xDeviceCharacteristics = tape_device,
};

/* Files of other kinds become those of the VFS below, in the same memory. */
static int
tape_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
	struct tape *t = (struct tape *)f;
	sqlite3_file *real = real_of(f);
	int rc;

	(void)vfs;
	if ((flags & SQLITE_OPEN_WAL) == 0)
		return below->xOpen(below, name, f, flags, out);
	memset(t, 0, sizeof(*t));
	rc = below->xOpen(below, name, real, flags, out);
	if (rc != SQLITE_OK)
		return rc;
	if ((real->pMethods->xDeviceCharacteristics(real) & SQLITE_IOCAP_POWERSAFE_OVERWRITE) == 0) {
		real->pMethods->xClose(real);
		return below->xOpen(below, name, f, flags, out);
	}
	t->base.pMethods = &methods;
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
	vfs.zName = "ward-tape";
	vfs.szOsFile = (int)sizeof(struct tape) + below->szOsFile;
	vfs.xOpen = tape_open;
	if (sqlite3_vfs_register(&vfs, 0) != SQLITE_OK)
		below = NULL;
}

const char *
tape_vfs(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, start);
	return below != NULL ? vfs.zName : NULL;
}
