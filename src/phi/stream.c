/* stream.c - a text of any length in bounded memory.
 *
 * The text goes through the same parts as in scan.c, so that a seam between
 * two pieces that a caller gave is never seen: a part is scanned once all that
 * it may ask for is there (PHI_PART + PHI_AHEAD + PHI_CARRY bytes from its
 * begin, or the end of the text). Kept in the buffer are 2 * PHI_BACK bytes
 * before the next part, and what the last finding covers as long as the next
 * part may make it longer. A finding above LONG is cut, so that a text of one
 * endless word takes no endless memory.
 */
#include "engine.h"

#include <stdlib.h>

#define LONG ((size_t)64 << 10)
#define NEED (PHI_PART + PHI_AHEAD + PHI_CARRY + 8)

struct phi_stream {
	const struct phi      *p;
	struct phi_redact_opts o;
	struct phi_opts        scan;
	phi_found             *found;
	phi_write             *out;
	void                  *arg;
	enum phi_err           err;       /* the first; stays */
	char                  *b;         /* text from `base` on */
	size_t                 n, cap;
	uint64_t               base, written;
	size_t                 from;      /* in b: where the next part begins */
	size_t                 copied;    /* in b: what has been written up to */
	struct phi_finding     held;      /* offsets in b; len 0: none */
	bool                   open;      /* held goes on to the next blank */
	struct memory         *memory;
};

enum phi_err
phi_stream_new(const struct phi *p, const struct phi_redact_opts *o, phi_found *found, phi_write *out, void *arg,
    struct phi_stream **to)
{
	struct phi_redact_opts r = { .size = sizeof r };
	struct phi_opts q = { .size = sizeof q };
	*to = NULL;
	if (!p || (o && !phi_options(&r, sizeof r, PHI_REDACT_V1, o, o->size)) || (unsigned)r.style > PHI_STYLE_SURROGATE ||
	    (r.scan && !phi_options(&q, sizeof q, PHI_OPTS_V1, r.scan, r.scan->size)))
		return PHI_BAD;
	struct phi_stream *s = calloc(1, sizeof *s);
	if (!s)
		return PHI_NOMEM;
	s->p = p, s->o = r, s->scan = q, s->found = found, s->out = out, s->arg = arg;
	s->o.size = sizeof s->o;
	s->scan.size = sizeof s->scan;
	*to = s;
	return PHI_OK;
}

void
phi_stream_free(struct phi_stream *s)
{
	if (!s)
		return;
	if (s->b)
		explicit_bzero(s->b, s->cap);
	free(s->b);
	free(s->memory);
	free(s);
}

static int
count_out(void *arg, const char *p, size_t n)
{
	struct phi_stream *s = arg;
	s->written += n;
	return s->out ? s->out(s->arg, p, n) : 0;
}

/* Writes the text up to the finding, then what stands for it. */
static enum phi_err
emit(struct phi_stream *s, struct phi_finding f)
{
	struct phi_finding abs = f;
	abs.at += s->base;
	if (s->found && s->found(s->arg, &abs))
		return PHI_STOPPED;
	if (s->out || s->o.moved) {
		if (f.at > s->copied && count_out(s, s->b + s->copied, f.at - s->copied))
			return PHI_STOPPED;
		struct phi_moved m = { f.kind, f.score, abs.at, f.len, s->written, 0 };
		enum phi_err e = phi_replace(s->p, &s->o, s->b, s->n, &f, count_out, s);
		if (e != PHI_OK)
			return e;
		m.new_len = s->written - m.new_at;
		if (s->o.moved && s->o.moved(s->o.moved_arg, &m))
			return PHI_STOPPED;
	}
	s->copied = f.at + f.len;
	return PHI_OK;
}

static enum phi_err
part(struct phi_stream *s, size_t to)
{
	struct scan *c = phi_scratch(s->p);
	if (!c)
		return PHI_NOMEM;
	/* The scratch is the thread's: what the stream remembers goes in and comes out again. */
	struct memory *m = c->memory;
	c->memory = s->memory;
	c->o = s->scan;
	c->nout = 0;
	c->open = s->open;
	enum phi_err e = PHI_OK;
	if (s->held.len) {
		if (grow((void **)&c->out, &c->outcap, 1, sizeof *c->out))
			c->out[c->nout++] = s->held;
		else
			e = PHI_NOMEM;
	}
	if (e == PHI_OK)
		e = phi_part_scan(c, s->b, s->n, s->from, to);
	s->open = c->open;
	s->memory = c->memory;
	c->memory = m;
	if (c->t)
		explicit_bzero(c->t, c->high);
	c->high = 0;
	/* The callbacks may scan as well. */
	struct phi_finding *f = c->out;
	size_t n = c->nout, cap = c->outcap;
	c->out = NULL;
	c->nout = c->outcap = 0;
	s->held.len = 0;
	bool last = to == s->n;
	for (size_t i = 0; e == PHI_OK && i < n; i++) {
		while (e == PHI_OK && f[i].len > LONG) {
			struct phi_finding head = f[i];
			head.len = LONG;
			while (head.len > LONG - 4 && ((unsigned char)s->b[head.at + head.len] & 0xc0) == 0x80)
				head.len--;
			f[i].at += head.len, f[i].len -= head.len;
			e = emit(s, head);
		}
		if (e != PHI_OK)
			break;
		if (!last && i + 1 == n && f[i].at + f[i].len > to)
			s->held = f[i];
		else
			e = emit(s, f[i]);
	}
	if (c->out)
		free(f);
	else
		c->out = f, c->outcap = cap;
	return e;
}

/* Forgets what no part and no held finding needs any more. */
static void
drop(struct phi_stream *s)
{
	size_t back = 2 * PHI_BACK + 8, keep = s->from > back ? s->from - back : 0;
	if (s->held.len && s->held.at < keep)
		keep = s->held.at;
	if (keep > s->copied)
		keep = s->copied;
	memmove(s->b, s->b + keep, s->n - keep);
	s->n -= keep, s->from -= keep, s->copied -= keep, s->base += keep;
	if (s->held.len)
		s->held.at -= keep;
}

static enum phi_err
work(struct phi_stream *s, bool end)
{
	while (s->err == PHI_OK && s->from < s->n && (end || s->n - s->from > NEED)) {
		size_t to = phi_part_end(s->b, s->n, s->from);
		s->err = part(s, to);
		s->from = to;
		if (s->err != PHI_OK)
			break;
		/* What lies before the next part and in no held finding can be written. */
		size_t safe = s->held.len && s->held.at < to ? s->held.at : to;
		if (safe > s->copied) {
			if (count_out(s, s->b + s->copied, safe - s->copied))
				return s->err = PHI_STOPPED;
			s->copied = safe;
		}
		if (!end && s->n > s->cap / 2)
			drop(s);
	}
	return s->err;
}

enum phi_err
phi_stream_write(struct phi_stream *s, const char *bytes, size_t n)
{
	if (!s || (n && !bytes))
		return PHI_BAD;
	while (n > 0 && s->err == PHI_OK) {
		if (s->cap == 0) {
			if (!(s->b = malloc(8 * NEED)))
				return s->err = PHI_NOMEM;
			s->cap = 8 * NEED;
		}
		size_t k = s->cap - s->n < n ? s->cap - s->n : n;
		memcpy(s->b + s->n, bytes, k);
		s->n += k, bytes += k, n -= k;
		work(s, false);
		/* Parts are worked off until less than NEED is left, and a held finding is not LONG. */
		if (s->err == PHI_OK && s->n == s->cap) {
			drop(s);
			if (s->n == s->cap)
				s->err = PHI_LIMIT;
		}
	}
	return s->err;
}

enum phi_err
phi_stream_end(struct phi_stream *s)
{
	if (!s)
		return PHI_BAD;
	if (work(s, true) == PHI_OK && s->copied < s->n && count_out(s, s->b + s->copied, s->n - s->copied))
		s->err = PHI_STOPPED;
	s->copied = s->n;
	return s->err;
}
