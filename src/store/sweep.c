/* sweep.c - zeroes what SQLite leaves behind in the free room of its pages.
 *
 * secure_delete zeroes a deleted cell where it lies, but not the copies of it
 * that splitting and merging pages have left: a page that gave cells to its
 * neighbour is built again without clearing the room between its pointers and
 * its cells. (Seen in tests/store_erase_test.c: of 3,000 keys deleted in three
 * rounds, six could still be read in the file.) A destroyed key must be gone,
 * so the free room of every page written since the last time is zeroed in the
 * file itself, behind SQLite's back:
 *
 *   - The WAL is empty then, the file is the database.
 *   - Only bytes that no b-tree page uses are written, so a reader meanwhile, or
 *     a crash in the middle, sees the same database; SQLite itself relies on a
 *     write not harming the bytes beside it ("powersafe overwrite").
 *   - The page cache of the one connection that writes is dropped: it holds the
 *     old room and would write it again with the page's next change.
 *
 * A b-tree page (https://sqlite.org/fileformat2.html, 1.6): type 2, 5, 10 or 13;
 * first free block, 2 bytes; cells, 2; start of the cells' content, 2 (0 means
 * 65536); loose bytes, 1; in types 2 and 5 a page number, 4; then 2 bytes for
 * each cell; free room; the content, with free blocks in it: next block, 2
 * bytes, size of this one with its head, 2. Page 1 has the file's head, 100
 * bytes, before that. Other pages begin with a page number, or in a file with
 * auto_vacuum with such a type byte, which is why that must be off.
 */
#include "store/sweep.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_MAX = 65536, FILE_HEAD = 100, WAL_HEAD = 32, FRAME_HEAD = 24 };
#define PAGES_MAX ((int64_t)0x02000000)   /* above it a page number could look like a type */

static uint32_t
be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static size_t
be16(const unsigned char *p)
{
	return (size_t)p[0] << 8 | p[1];
}

static bool
note(struct sweep *s, size_t page)
{
	if (page >= s->pages) {
		size_t pages = (page * 2 + 1024) & ~(size_t)7;
		unsigned char *grown = realloc(s->written, pages / 8);
		if (grown == NULL)
			return false;
		memset(grown + s->pages / 8, 0, (pages - s->pages) / 8);
		s->written = grown;
		s->pages = pages;
	}
	s->written[page / 8] |= (unsigned char)(1u << page % 8);
	return true;
}

/* The WAL: a head with the page size at 8, then frames: a head, which begins
 * with the page's number, and the page. */
void
sweep_note(struct sweep *s, sqlite3 *h, int frames)
{
	unsigned char head[WAL_HEAD], frame[FRAME_HEAD];
	sqlite3_file *wal = NULL;
	int64_t size;

	if (s->all || frames <= 0)
		return;
	s->all = true;                  /* unless every frame can be read */
	sqlite3_file_control(h, NULL, SQLITE_FCNTL_JOURNAL_POINTER, &wal);
	if (wal == NULL || wal->pMethods == NULL || wal->pMethods->xRead(wal, head, WAL_HEAD, 0) != SQLITE_OK)
		return;
	size = be32(head + 8);
	for (int i = 0; i < frames; i++)
		if (wal->pMethods->xRead(wal, frame, FRAME_HEAD, WAL_HEAD + i * (size + FRAME_HEAD)) != SQLITE_OK ||
		    !note(s, be32(frame)))
			return;
	s->all = false;
}

static bool
zero(sqlite3_file *db, int64_t at, const unsigned char *page, size_t from, size_t to, bool *changed)
{
	static const unsigned char zeros[PAGE_MAX];

	while (from < to && page[from] == 0)
		from++;
	while (to > from && page[to - 1] == 0)
		to--;
	if (from == to)
		return true;
	*changed = true;
	return db->pMethods->xWrite(db, zeros, (int)(to - from), at + (int64_t)from) == SQLITE_OK;
}

/* A page that does not look as it should is left alone. */
static bool
clean(sqlite3_file *db, int64_t at, const unsigned char *page, size_t size, size_t head, bool *changed)
{
	unsigned type = page[head];
	size_t block = be16(page + head + 1), content = be16(page + head + 5);
	size_t room = head + (type == 2 || type == 5 ? 12 : 8) + 2 * be16(page + head + 3);

	if (content == 0)
		content = PAGE_MAX;
	if ((type != 2 && type != 5 && type != 10 && type != 13) || room > content || content > size)
		return true;
	if (!zero(db, at, page, room, content, changed))
		return false;
	while (block >= content && block + 4 <= size) {
		size_t next = be16(page + block), len = be16(page + block + 2);
		if (len < 4 || block + len > size)
			break;
		if (!zero(db, at, page, block + 4, block + len, changed))
			return false;
		if (next <= block)
			break;
		block = next;
	}
	return true;
}

bool
sweep_run(struct sweep *s, sqlite3 *h)
{
	unsigned char page[PAGE_MAX];
	sqlite3_file *db = NULL;
	sqlite3_int64 bytes = 0;
	bool changed = false;
	int64_t count, size;

	sqlite3_file_control(h, NULL, SQLITE_FCNTL_FILE_POINTER, &db);
	if (db == NULL || db->pMethods == NULL || db->pMethods->xFileSize(db, &bytes) != SQLITE_OK ||
	    db->pMethods->xRead(db, page, FILE_HEAD, 0) != SQLITE_OK)
		return false;
	size = be16(page + 16) == 1 ? PAGE_MAX : (int64_t)be16(page + 16);
	count = size >= 512 ? bytes / size : 0;
	if (count == 0 || count >= PAGES_MAX || be32(page + 52) != 0)   /* 52: with auto_vacuum, a page number */
		return false;
	for (int64_t i = 1; i <= count; i++) {
		int64_t at = (i - 1) * size;
		if (!s->all && (i >= (int64_t)s->pages || (s->written[i / 8] >> i % 8 & 1) == 0))
			continue;
		if (db->pMethods->xRead(db, page, (int)size, at) != SQLITE_OK ||
		    !clean(db, at, page, (size_t)size, i == 1 ? FILE_HEAD : 0, &changed))
			return false;
	}
	if (changed && db->pMethods->xSync(db, SQLITE_SYNC_NORMAL) != SQLITE_OK)
		return false;
	sqlite3_db_release_memory(h);
	if (s->pages > 0)
		memset(s->written, 0, s->pages / 8);
	s->all = false;
	return true;
}

void
sweep_done(struct sweep *s)
{
	free(s->written);
	s->written = NULL;
	s->pages = 0;
}
