/* scan.c - one text through all stages, in windows, and out.
 *
 * A text up to WINDOW bytes is one window. A longer one is cut at blanks into
 * parts of about WINDOW bytes; a window is its part with BACK bytes before and
 * AHEAD bytes behind, so that context and identifiers across a cut are seen. A
 * part reports what begins in it. A finding that reaches the end of its window
 * is carried on to the next blank of the original. What a thread keeps for its
 * scans hangs on a thread-specific key.
 */
#include "engine.h"

#include <pthread.h>
#include <stdlib.h>

#define WINDOW  ((size_t)32 << 10)
#define BACK    ((size_t)512)
#define AHEAD   ((size_t)1024)
#define FINDINGS_MAX ((size_t)1 << 22)

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool key_made;
static __thread struct scan *mine;

static void
drop(void *arg)
{
	struct scan *s = arg;
	if (!s)
		return;
	if (s->t) {
		explicit_bzero(s->t, s->tcap);
		free(s->t);
	}
	free(s->map), free(s->bits), free(s->near), free(s->list), free(s->before), free(s->tok), free(s->cover), free(s->hint), free(s->cand), free(s->sorted), free(s->emit), free(s->back), free(s->tag);
	free(s->out), free(s->learned), free(s->words), free(s->vecs);
	free(s);
	mine = NULL;
}

static void
make_key(void)
{
	key_made = pthread_key_create(&key, drop) == 0;
}

void
phi_thread_done(void)
{
	if (mine) {
		pthread_setspecific(key, NULL);
		drop(mine);
	}
}

struct scan *
phi_scratch(const struct phi *p)
{
	struct scan *s = mine;
	if (!s) {
		pthread_once(&once, make_key);
		s = calloc(1, sizeof *s);
		if (!key_made || !s || !(s->words = calloc(CACHE_SLOTS, sizeof *s->words)) ||
		    !(s->vecs = aligned_alloc(64, VEC_SLOTS * sizeof *s->vecs)) || pthread_setspecific(key, s) != 0) {
			if (s)
				free(s->words), free(s->vecs);
			free(s);
			return NULL;
		}
		memset(s->vecs, 0, VEC_SLOTS * sizeof *s->vecs);
		mine = s;
	}
	if (s->owner != p->id) {
		memset(s->words, 0, CACHE_SLOTS * sizeof *s->words);
		memset(s->vecs, 0, VEC_SLOTS * sizeof *s->vecs);
		s->owner = p->id;
	}
	s->phi = p;
	return s;
}

/* Which tokens a rule has covered, for the tagger and the name detectors. */
static bool
cover(struct scan *s)
{
	if (!grow((void **)&s->cover, &s->covercap, s->ntok + 1, 1) || !grow((void **)&s->hint, &s->hintcap, s->ntok + 1, 1))
		return false;
	uint8_t *c = s->cover, *h = s->hint;
	memset(c, 0, s->ntok + 1);
	memset(h, 0, s->ntok + 1);
	for (size_t i = 0; i < s->ncand; i++) {
		const struct cand *q = &s->cand[i];
		if (q->score < 50)
			continue;
		for (size_t k = token_from(s, q->at); k < s->ntok && s->tok[k].at < q->end; k++)
			c[k] = (uint8_t)(q->kind + 1);
	}
	return true;
}

static void
hints(struct scan *s)
{
	int first = (int)s->phi->rules.count;
	for (size_t i = 0; i < s->ncand; i++) {
		const struct cand *q = &s->cand[i];
		if (q->rule < first)
			continue;
		int how = (q->score - 20) / 10;
		uint8_t v = (uint8_t)(((q->rule - first) & 31) << 3 | (how < 0 ? 0 : how > 7 ? 7 : how));
		for (size_t k = token_from(s, q->at); k < s->ntok && s->tok[k].at < q->end; k++)
			if ((v & 7) >= (s->hint[k] & 7))
				s->hint[k] = v;
	}
}

bool
phi_window(struct scan *s, const char *text, size_t n)
{
	s->ncand = 0;
	s->nomem = false;
	if (!phi_normalise(s, text, n) || !phi_tokenise(s))
		return false;
	if (s->tn > s->high)
		s->high = s->tn;
	phi_candidates(s);
	phi_pastes(s);
	phi_places(s);
	if (!cover(s))
		return false;
	phi_names(s);
	hints(s);
	return !s->nomem;
}

static bool
report(struct scan *s, const struct cand *c, const char *text, size_t len, size_t base, size_t lo, size_t hi, bool last)
{
	size_t at = c->at, end = c->end;
	if (!s->identity) {
		size_t b = s->map[at], e = end;
		while (e < s->tn && s->map[e] == s->map[end - 1])
			e++;
		size_t last_byte = s->map[end - 1];
		size_t z = e < s->tn ? s->map[e] : s->map[s->tn];
		/* What normalisation dropped behind the span is not part of it: step over the character only. */
		if (z - last_byte > 8 && end < s->tn)
			z = s->map[e];
		at = b, end = z;
	}
	at += base, end += base;
	if (end > len)
		end = len;
	/* Whole characters, also where the text is no UTF-8 to begin with. */
	while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80 && at > base)
		at--;
	while (end < len && ((unsigned char)text[end] & 0xc0) == 0x80)
		end++;
	if (c->end == s->tn && !last)
		while (end < len && (unsigned char)text[end] > ' ')
			end++;
	if (at < lo || at >= hi)
		return true;
	if (s->nout && at < s->out[s->nout - 1].at + s->out[s->nout - 1].len) {
		struct phi_finding *f = &s->out[s->nout - 1];
		if (end > f->at + f->len)
			f->len = end - f->at;
		return true;
	}
	if (s->o.skip_kinds >> c->kind & 1)
		return true;
	if (s->o.known && phi_known_allowed(s->o.known, s->t + c->at, c->end - c->at))
		return true;
	if (s->nout >= FINDINGS_MAX || !grow((void **)&s->out, &s->outcap, s->nout + 1, sizeof *s->out))
		return false;
	s->out[s->nout++] = (struct phi_finding){ (enum phi_kind)c->kind, at, end - at, c->score, c->rule };
	return true;
}

static enum phi_err
scan_all(struct scan *s, const char *text, size_t len)
{
	size_t from = 0;
	s->nout = 0;
	if (s->nlearned)
		memset(s->learned, 0, s->learnedcap * sizeof *s->learned);
	s->nlearned = 0;
	while (from < len) {
		if (s->o.stop && *s->o.stop)
			return PHI_STOPPED;
		size_t to = len - from <= WINDOW + AHEAD ? len : from + WINDOW;
		if (to < len) {
			/* Cut where a line ends, else at a blank, else anywhere between characters. */
			size_t cut = 0;
			for (size_t i = to; i > to - WINDOW / 8; i--)
				if (text[i - 1] == '\n') {
					cut = i;
					break;
				} else if (!cut && text[i - 1] == ' ')
					cut = i;
			if (cut)
				to = cut;
			else
				while (to > from + 1 && ((unsigned char)text[to] & 0xc0) == 0x80)
					to--;
		}
		size_t lo = from > BACK ? from - BACK : 0, hi = len - to > AHEAD ? to + AHEAD : len;
		while (lo > 0 && (unsigned char)text[lo] > ' ' && from - lo < 2 * BACK)
			lo--;
		if (!phi_window(s, text + lo, hi - lo))
			return PHI_NOMEM;
		if (s->phi->has_tagger && !(s->o.flags & PHI_NO_TAGGER))
			phi_tag(s);
		phi_known_find(s);
		phi_memory(s);
		if (s->nomem)
			return PHI_NOMEM;
		phi_merge(s);
		if (s->nomem)
			return PHI_NOMEM;
		for (size_t i = 0; i < s->ncand; i++)
			if (!report(s, &s->cand[i], text, len, lo, from, to, hi == len))
				return s->nout >= FINDINGS_MAX ? PHI_LIMIT : PHI_NOMEM;
		from = to;
	}
	return PHI_OK;
}

enum phi_err
phi_scan_opts(const struct phi *p, const struct phi_opts *o, const char *text, size_t len, phi_found *found, void *arg)
{
	if (!p || (len && !text) || (o && o->size != sizeof *o))
		return PHI_BAD;
	if (len > PHI_TEXT_MAX)
		return PHI_LIMIT;
	struct scan *s = phi_scratch(p);
	if (!s)
		return PHI_NOMEM;
	s->o = o ? *o : (struct phi_opts){ .size = sizeof *o };
	enum phi_err e = scan_all(s, text, len);
	/* A callback may scan as well: take what is ours with us. */
	struct phi_finding *out = s->out;
	size_t n = s->nout, cap = s->outcap;
	s->out = NULL;
	s->outcap = s->nout = 0;
	for (size_t i = 0; e == PHI_OK && found && i < n; i++)
		if (found(arg, &out[i]))
			e = PHI_STOPPED;
	if (s->out)
		free(out);
	else
		s->out = out, s->outcap = cap;
	/* Patient text does not stay behind. */
	if (s->t)
		explicit_bzero(s->t, s->high);
	s->high = 0;
	return e;
}

enum phi_err
phi_scan(const struct phi *p, const char *text, size_t len, phi_found *found, void *arg)
{
	return phi_scan_opts(p, NULL, text, len, found, arg);
}
