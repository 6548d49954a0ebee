/* file.c - is an export what was exported? Needs nothing but the file.
 *
 * The lines must come in exactly the order that export.c writes them, each
 * exactly as line.c writes it, and the events are followed as in the database.
 * The closing note is signed over the head of the chain, how many events there
 * are, and the hash over all lines before it, so nothing can be left out at
 * the end, and nothing that stands beside the chain (values, the columns for
 * people) can be changed. A file is not trusted: lines have a limit, memory is
 * that of one line.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "trail/part.h"

struct reading {
	struct walk       w;
	struct arena     *a;        /* what one line needs */
	struct arena     *kept;     /* the header */
	enum trail_format format;
	struct out_header header;
	hash32            file;
	bool              ended;
};

static bool
event_line(struct reading *r, str line)
{
	struct out_event e;
	int64_t seq = r->w.seq + 1;

	if (!export_event_read(r->a, r->w.crypto, r->format, line, &e))
		return wrong(r->w.v, seq, "event altered");
	if (!walk_event(&r->w, r->a, e.canonical, &e.canon, e.hash))
		return false;
	if ((e.state != VALS_NONE) != (r->header.values && e.canon.has_vals))
		return wrong(r->w.v, seq, "values altered");
	if (e.state == VALS_OPEN && !vals_match(r->w.crypto, r->a, &e.canon, e.vals))
		return wrong(r->w.v, seq, "values altered");
	return true;
}

static bool
end_line(struct reading *r, str line)
{
	struct out_end e;
	struct note n;

	if (!export_end_read(r->a, r->format, line, &e) ||
	    !note_open(r->w.crypto, r->a, r->w.pub, e.note, &n) || !n.closing || !str_eq(n.origin, r->w.origin) ||
	    n.number != e.events || n.seq != e.events || memcmp(n.hash, e.head.p, HASH_BYTES) != 0)
		return wrong(r->w.v, r->w.seq, "end altered");
	if (r->w.noted || n.seq > r->w.seq)
		return wrong(r->w.v, r->w.seq + 1, "event missing");
	if (n.seq != r->w.seq || memcmp(n.hash, r->w.hash, HASH_BYTES) != 0)
		return wrong(r->w.v, r->w.seq, "end altered");
	if (memcmp(n.file, r->file, HASH_BYTES) != 0)
		return wrong(r->w.v, 0, "a line was altered");
	r->ended = true;
	return true;
}

static bool
one_line(struct reading *r, str line)
{
	struct note n;
	str note;

	if (r->ended)
		return wrong(r->w.v, r->w.seq, "something follows the end");
	switch (export_kind(r->format, line)) {
	case LINE_EVENT:
		return event_line(r, line);
	case LINE_CHECKPOINT:
		if (!export_checkpoint_read(r->a, r->format, line, &note))
			return wrong(r->w.v, r->w.seq, "checkpoint altered");
		return walk_checkpoint(&r->w, r->a, note, &n);
	case LINE_END:
		return end_line(r, line);
	default:
		return wrong(r->w.v, r->w.seq + 1, "line altered");
	}
}

/* The lines in front of the events. */
static bool
top_lines(struct reading *r, struct lines *lines, const unsigned char *public_key, enum lines_got *got)
{
	const struct trail_crypto *c = r->w.crypto;
	struct trail_verdict *v = r->w.v;
	str line;

	if ((*got = lines_next(lines, &line)) != LINES_LINE)
		return wrong(v, 0, "not an export of a trail");
	if (str_eq(line, export_top(TRAIL_CSV))) {
		r->format = TRAIL_CSV;
		export_hash(c, r->file, line);
		if ((*got = lines_next(lines, &line)) != LINES_LINE)
			return wrong(v, 1, "truncated");
	} else if (!str_starts(line, export_top(TRAIL_JSONL)))
		return wrong(v, 0, "not an export of a trail");
	if (!export_header_read(r->kept, c, r->format, line, &r->header))
		return wrong(v, 0, "header altered");
	r->header.origin = str_dup(r->kept, r->header.origin);
	memcpy(v->public_key, r->header.public_key, sizeof(v->public_key));
	if (public_key != NULL && memcmp(public_key, r->header.public_key, 32) != 0)
		return wrong(v, 0, "signed with another key");
	trail_walk_init(&r->w, c, v, r->header.account, r->header.origin, r->header.public_key);
	export_hash(c, r->file, line);
	return true;
}

static void
read_all(struct reading *r, struct lines *lines, const unsigned char *public_key, enum lines_got *got)
{
	struct trail_verdict *v = r->w.v;
	str line;

	if (!top_lines(r, lines, public_key, got))
		return;
	while ((*got = lines_next(lines, &line)) == LINES_LINE) {
		if (!one_line(r, line))
			return;
		if (!r->ended)
			export_hash(r->w.crypto, r->file, line);
		arena_reset(r->a);
	}
	if (*got == LINES_LONG)
		wrong(v, r->w.seq + 1, "a line is too long");
	else if (r->ended && *got == LINES_PART)
		wrong(v, r->w.seq, "something follows the end");
	else if (!r->ended)
		wrong(v, r->w.seq + 1, "truncated");
}

enum err
trail_verify_file(struct ctx *cx, const struct trail_crypto *crypto, const char *path, const unsigned char *public_key,
    struct trail_verdict *out)
{
	struct trail_verdict v = { .ok = true };
	struct reading r = { .w = { .crypto = crypto, .v = &v } };
	CLEANUP(lines_done) struct lines lines = { .fd = open(path, O_RDONLY | O_CLOEXEC) };
	enum lines_got got = LINES_END;

	if (lines.fd < 0)
		return fail(cx, errno == ENOENT ? E_ABSENT : E_FAULT, "file", "the file cannot be opened");
	r.a = arena_new();
	r.kept = arena_new();
	read_all(&r, &lines, public_key, &got);
	memcpy(v.head, r.w.hash, sizeof(v.head));
	arena_free(&r.a);
	arena_free(&r.kept);
	if (got == LINES_FAULT)
		return fail(cx, E_FAULT, "file", "the file cannot be read");
	*out = v;
	return OK;
}
