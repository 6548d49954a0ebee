/* witness.c - the file that checkpoints are appended to.
 *
 * One line per checkpoint, {"checkpoint":"note"}, by ascending number. The
 * file is best kept where the server may append but not change. Who cuts the
 * end off the database, or puts an older copy in its place, cannot cut what
 * was written here, and verifying finds a witnessed checkpoint that the
 * database does not have. How far the file goes is noted in the head row, so
 * that a file that was cut or taken away is missed.
 *
 * A checkpoint is in the database before it is here. What a crash kept from
 * being written is written before the next one; a line that it tore stays, and
 * is excused when it is the beginning of the line that follows.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trail/part.h"

enum { TAIL = 64 << 10, STEP = 256 };

const struct stmt trail_checkpoints = {
	.name = "trail.checkpoints",
	.sql  = "SELECT number, note FROM trail_checkpoint WHERE account_id = $1 AND number > $2 ORDER BY number LIMIT $3",
	.in = "iii", .out = "it",
};
const struct stmt trail_checkpoint_one = {
	.name = "trail.checkpoint_one",
	.sql  = "SELECT seq, note FROM trail_checkpoint WHERE account_id = $1 AND number = $2",
	.in = "ii", .out = "it",
};

void
checkpoint_line(struct buf *b, str note)
{
	buf_add(b, S("{\"checkpoint\":"));
	put_text(b, note);
	buf_add(b, S("}\n"));
}

/* The number in the note of a whole line. */
static bool
line_number(struct arena *a, str line, int64_t *number)
{
	struct cur c = cur_of(line), k;
	str raw, text;
	size_t at;

	if (!cur_lit(&c, S("{\"checkpoint\":")) || !cur_text(&c, &raw) || !cur_lit(&c, S("}\n")) || !cur_end(&c))
		return false;
	text = text_of(a, raw);
	if ((at = str_find(text, S("\nnumber "))) == SIZE_MAX)
		return false;
	k = cur_of(str_sub(text, at + 8, text.n));
	return cur_num(&k, number);
}

/* The last checkpoint that the file has whole; *torn: it ends within a line. */
static enum err
last_line(struct ctx *cx, int fd, int64_t *number, bool *torn)
{
	char *p = NEW(cx->arena, char, TAIL);
	struct stat st;
	ssize_t n;
	str tail;

	*number = 0;
	*torn = false;
	if (fstat(fd, &st) < 0)
		return fail(cx, E_FAULT, "witness", "the witness cannot be read");
	if (st.st_size == 0)
		return OK;
	n = pread(fd, p, TAIL, st.st_size > TAIL ? st.st_size - TAIL : 0);
	if (n <= 0)
		return fail(cx, E_FAULT, "witness", "the witness cannot be read");
	tail = (str){ p, (size_t)n };
	*torn = tail.p[tail.n - 1] != '\n';
	for (size_t end = tail.n, from; end > 0; end = from) {
		for (from = end - 1; from > 0 && tail.p[from - 1] != '\n'; from--)
			;
		if (line_number(cx->arena, str_sub(tail, from, end - from), number))
			return OK;
	}
	return *torn && st.st_size <= TAIL && memchr(tail.p, '\n', tail.n) == NULL
	    ? OK : fail(cx, E_FAULT, "witness", "the witness holds something else");
}

enum err
witness_write(struct ctx *cx, const struct trail *t, int64_t *last)
{
	CLEANUP(fd_close) int fd = open(t->witness, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	bool torn, wrote = false;
	int64_t number;
	struct rows rows;

	if (fd < 0)
		return fail(cx, E_FAULT, "witness", "the witness cannot be opened");
	TRY(last_line(cx, fd, &number, &torn));
	do {
		struct buf b;
		TRY(store_all(cx, &trail_checkpoints, ARGS(INT(t->account), INT(number), INT(STEP)), &rows));
		buf_init(&b, cx->arena, (size_t)STEP * 2 * NOTE_MAX);
		if (torn && rows.count > 0)
			buf_byte(&b, '\n');
		torn = false;
		for (int i = 0; i < rows.count; i++) {
			checkpoint_line(&b, row_str(&rows.row[i], 1));
			number = row_int(&rows.row[i], 0);
		}
		if (b.over || (b.n > 0 && !fd_write_all(fd, b.p, b.n)))
			return fail(cx, E_FAULT, "witness", "the witness cannot be written");
		wrote |= b.n > 0;
	} while (rows.count == STEP);
	if (wrote && fsync(fd) < 0 && errno != EINVAL && errno != EROFS)     /* a pipe or a device has none */
		return fail(cx, E_FAULT, "witness", "the witness cannot be written");
	*last = number;
	return OK;
}

/* ---- comparing ------------------------------------------------------------------------------------- */

struct check {
	struct ctx            *cx;
	const struct trail    *t;
	struct trail_verdict  *v;
	int64_t                last;       /* the database's last event */
	int64_t                number;     /* of the line before; 0: none */
};

/* The line that the checkpoint has in the database; empty when it is not there. */
static enum err
expected(struct check *k, int64_t number, int64_t *seq, str *line)
{
	struct rows rows;
	struct buf b;

	*line = (str){0};
	TRY(store_all(k->cx, &trail_checkpoint_one, ARGS(INT(k->t->account), INT(number)), &rows));
	if (rows.count == 0)
		return OK;
	buf_init(&b, k->cx->arena, (size_t)2 * NOTE_MAX * 6);
	checkpoint_line(&b, row_str(&rows.row[0], 1));
	*seq = row_int(&rows.row[0], 0);
	*line = buf_str(&b);
	return OK;
}

static enum err
compare_line(struct check *k, str line)
{
	int64_t number, seq = 0;
	str want, torn;

	if (!line_number(k->cx->arena, line, &number)) {
		TRY(expected(k, k->number + 1, &seq, &want));
		torn = str_ends(line, S("\n")) ? str_sub(line, 0, line.n - 1) : line;
		if (!str_starts(want, torn) || torn.n >= want.n)
			wrong(k->v, k->last, "witness altered");
		return OK;
	}
	TRY(expected(k, number, &seq, &want));
	if (k->number != 0 && number != k->number + 1)
		wrong(k->v, seq, "witness line missing");
	else if (want.n == 0)
		wrong(k->v, k->last + 1, "truncated: the witness has a later checkpoint");
	else if (!str_eq(want, line))
		wrong(k->v, seq, "the witness has another checkpoint");
	k->number = number;
	return OK;
}

static enum err
check_line(struct check *k, struct arena *scratch, str line)
{
	struct arena *own = k->cx->arena;
	enum err e;

	k->cx->arena = scratch;
	e = compare_line(k, line);
	k->cx->arena = own;
	arena_reset(scratch);
	return e;
}

enum err
witness_check(struct ctx *cx, const struct trail *t, int64_t last, int64_t witnessed, struct trail_verdict *v)
{
	struct check k = { .cx = cx, .t = t, .v = v, .last = last };
	CLEANUP(lines_done) struct lines lines = { .fd = open(t->witness, O_RDONLY | O_CLOEXEC) };
	CLEANUP(arena_free) struct arena *scratch = arena_new();
	enum lines_got got = LINES_END;
	str line;

	if (lines.fd < 0 && errno != ENOENT)
		return fail(cx, E_FAULT, "witness", "the witness cannot be opened");
	while (lines.fd >= 0 && v->ok && ((got = lines_next(&lines, &line)) == LINES_LINE || got == LINES_PART))
		TRY(check_line(&k, scratch, line));
	if (got == LINES_FAULT)
		return fail(cx, E_FAULT, "witness", "the witness cannot be read");
	if (got == LINES_LONG)
		wrong(v, last, "witness altered");
	if (k.number < witnessed)
		wrong(v, last, lines.fd < 0 ? "the witness is missing" : "the witness was cut");
	return OK;
}
