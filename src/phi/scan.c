/* scan.c - one text through all stages, in windows, and out.
 *
 * A text up to PHI_PART bytes is one window. A longer one is cut at blanks into
 * parts of about PHI_PART bytes; a window is its part with PHI_BACK bytes before and
 * PHI_AHEAD bytes behind, so that context and identifiers across a cut are seen. A
 * part reports what begins in it. A finding that reaches the end of its window
 * is carried on to the next blank of the original, PHI_CARRY bytes at most.
 * stream.c feeds the same parts from a text that is never in memory whole.
 * What a thread keeps for its scans hangs on a thread-specific key.
 */
#include "engine.h"

#include <pthread.h>
#include <stdlib.h>

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
	free(s->map), free(s->bits), free(s->near), free(s->own), free(s->list), free(s->before), free(s->tok), free(s->cover), free(s->hint), free(s->cand), free(s->sorted), free(s->emit), free(s->score), free(s->tag);
	free(s->out), free(s->memory), free(s->words), free(s->vecs);
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
			if (q->score > h[k])    /* as merge.c will choose */
				c[k] = (uint8_t)(q->kind + 1), h[k] = (uint8_t)q->score;
	}
	memset(h, 0, s->ntok + 1);
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

/* A finding that touches the end of a window, or bytes that are no UTF-8, may
 * have to be carried on behind it; the next part goes on from there. */
static size_t
carry(const char *text, size_t end, size_t len, bool to_blank)
{
	size_t most = len - end > PHI_CARRY ? end + PHI_CARRY : len;
	while (end < most && ((unsigned char)text[end] & 0xc0) == 0x80)
		end++;
	while (to_blank && end < most && (unsigned char)text[end] > ' ')
		end++;
	return end;
}

/* Is it only what a redaction has put there: [NAME], [DATE 2021], [MRN:0a1b2c3d4e5f], XXX-XX? */
static bool
placeholder(const char *text, size_t len, size_t at, size_t end)
{
	size_t x = 0, i = at, k;
	for (; i < end && (text[i] == 'X' || !is_alnum_((unsigned char)text[i])); i++)
		x += text[i] == 'X';
	if (i == end && x > 0)
		return true;
	/* Inside of one pair of brackets that begins with the name of a kind. The
	 * closing one is near, and looked for first: mostly there is none. */
	size_t far = at + 28 < len ? at + 28 : len;
	if (end > far || !memchr(text + end - 1, ']', far - end + 1))
		return false;
	for (i = at; i < end; i++)
		if (text[i] == '[' || text[i] == ']')
			break;
	size_t lo = at, from = at;
	if (i < end && text[i] == '[') {
		if (i != at)
			return false;
	} else {
		while (from > 0 && lo - from < 40 && text[from - 1] != '[' && text[from - 1] != ']')
			from--;
		if (from == 0 || text[from - 1] != '[')
			return false;
		from--;
	}
	for (k = from + 1; k < len && k - from < 14 && ((text[k] >= 'A' && text[k] <= 'Z') || is_digit((unsigned char)text[k]));)
		k++;
	int kind = phi_kind_of(text + from + 1, k - from - 1);
	if (kind < 0)
		return false;
	/* A year, a ZIP's first three, a hash: nothing else that somebody may have written there. */
	if (k < len && text[k] == ' ' && (kind == PHI_DATE || kind == PHI_LOCATION)) {
		size_t z = ++k;
		while (k < len && is_digit((unsigned char)text[k]))
			k++;
		if (k - z != (kind == PHI_DATE ? 4 : 3))
			return false;
	} else if (k < len && text[k] == ':') {
		size_t z = ++k, letters = 0;
		for (; k < len && (is_digit((unsigned char)text[k]) || (text[k] >= 'a' && text[k] <= 'f')); k++)
			letters += text[k] >= 'a';
		if (k - z != 12 || letters == 0)
			return false;
	}
	return k < len && text[k] == ']' && end <= k + 1;
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
	/* Characters without width in front go with it: they may be what was to hide it. */
	while (!s->identity && at >= base + 3 && (!memcmp(text + at - 3, "\xef\xbb\xbf", 3) || (!memcmp(text + at - 3, "\xe2\x80", 2) &&
	    (((unsigned char)text[at - 1] >= 0x8b && (unsigned char)text[at - 1] <= 0x8f) ||
	    ((unsigned char)text[at - 1] >= 0xaa && (unsigned char)text[at - 1] <= 0xae))) || (!memcmp(text + at - 3, "\xe2\x81", 2) &&
	    (unsigned char)text[at - 1] >= 0xa0 && (unsigned char)text[at - 1] <= 0xaf)))
		at -= 3;
	/* Whole characters, also where the text is no UTF-8 to begin with. */
	while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80 && at > base)
		at--;
	bool to_blank = c->end == s->tn && !last;
	size_t was = end;
	end = carry(text, end, len, to_blank);
	bool open = to_blank && end - was == PHI_CARRY;
	/* What the part before has begun and carried on into this one may go on here. */
	bool on = at < lo && s->nout && s->out[s->nout - 1].at + s->out[s->nout - 1].len > lo;
	if ((at < lo && !on) || at >= hi)
		return true;
	if (s->nout && at < s->out[s->nout - 1].at + s->out[s->nout - 1].len) {
		struct phi_finding *f = &s->out[s->nout - 1];
		if (end > f->at + f->len)
			f->len = end - f->at, s->open = open;
		return true;
	}
	if (on)
		return true;
	if (s->o.skip_kinds >> c->kind & 1 || placeholder(text, len, at, end))
		return true;
	if (s->o.known && phi_known_allowed(s->o.known, s->t + c->at, c->end - c->at))
		return true;
	if (s->nout >= FINDINGS_MAX || !grow((void **)&s->out, &s->outcap, s->nout + 1, sizeof *s->out))
		return false;
	s->out[s->nout++] = (struct phi_finding){ (enum phi_kind)c->kind, at, end - at, c->score, c->rule };
	s->open = open;
	return true;
}

/* Where the part that begins at `from` ends: where a line ends, else at a
 * blank, else anywhere between characters. Asks for no byte above from +
 * PHI_PART. */
size_t
phi_part_end(const char *text, size_t len, size_t from)
{
	if (len - from <= PHI_PART + PHI_AHEAD)
		return len;
	size_t to = from + PHI_PART, cut = 0;
	for (size_t i = to; i > to - PHI_PART / 8; i--)
		if (text[i - 1] == '\n')
			return i;
		else if (!cut && text[i - 1] == ' ')
			cut = i;
	if (cut)
		return cut;
	/* A character has three such bytes at most; more are no UTF-8. */
	for (cut = 0; cut < 4; cut++)
		if (((unsigned char)text[to - cut] & 0xc0) != 0x80)
			return to - cut;
	return to;
}

/* Scans the part from..to of the text; what begins in it is added to s->out.
 * Reads at most 2 * PHI_BACK bytes before it, PHI_AHEAD + PHI_CARRY behind. */
enum phi_err
phi_part_scan(struct scan *s, const char *text, size_t len, size_t from, size_t to)
{
	size_t lo = from > PHI_BACK ? from - PHI_BACK : 0, hi = len - to > PHI_AHEAD ? to + PHI_AHEAD : len;
	if (s->o.stop && *s->o.stop)
		return PHI_STOPPED;
	while (lo > 0 && (unsigned char)text[lo] > ' ' && from - lo < 2 * PHI_BACK)
		lo--;
	/* A finding that no blank has ended yet. */
	if (s->open && s->nout) {
		struct phi_finding *f = &s->out[s->nout - 1];
		size_t end = f->at + f->len;
		while (end < hi && (unsigned char)text[end] > ' ')
			end++;
		f->len = end - f->at;
		s->open = end == hi && hi < len;
	}
	if (!phi_window(s, text + lo, hi - lo))
		return PHI_NOMEM;
	if (s->phi->has_tagger && !(s->o.flags & PHI_NO_TAGGER))
		phi_tag(s);
	phi_known_find(s);
	phi_beside(s);
	phi_memory(s);
	if (s->nomem)
		return PHI_NOMEM;
	phi_merge(s);
	if (s->nomem)
		return PHI_NOMEM;
	for (size_t i = 0; i < s->ncand; i++)
		if (!report(s, &s->cand[i], text, len, lo, from, to, hi == len))
			return s->nout >= FINDINGS_MAX ? PHI_LIMIT : PHI_NOMEM;
	return PHI_OK;
}

static enum phi_err
scan_all(struct scan *s, const char *text, size_t len)
{
	s->nout = 0;
	s->open = false;
	if (s->memory)
		phi_memory_wipe(s->memory);
	for (size_t from = 0, to; from < len; from = to) {
		to = phi_part_end(text, len, from);
		enum phi_err e = phi_part_scan(s, text, len, from, to);
		if (e != PHI_OK)
			return e;
	}
	return PHI_OK;
}

/* Options of an older caller are shorter, of a newer one longer: what we do not know must be 0. */
bool
phi_options(void *to, size_t ours, size_t least, const void *from, size_t theirs)
{
	memset(to, 0, ours);
	if (theirs < least || theirs > 4096)
		return false;
	memcpy(to, from, theirs < ours ? theirs : ours);
	for (size_t i = ours; i < theirs; i++)
		if (((const char *)from)[i])
			return false;
	return true;
}

enum phi_err
phi_scan_any(const struct phi *p, const struct phi_opts *o, const char *text, size_t len, phi_found *found, void *arg)
{
	struct phi_opts mine_o = { .size = sizeof mine_o };
	if (!p || (len && !text) || (o && !phi_options(&mine_o, sizeof mine_o, PHI_OPTS_V1, o, o->size)))
		return PHI_BAD;
	struct scan *s = phi_scratch(p);
	if (!s)
		return PHI_NOMEM;
	s->o = mine_o;
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
phi_scan_opts(const struct phi *p, const struct phi_opts *o, const char *text, size_t len, phi_found *found, void *arg)
{
	return len > PHI_TEXT_MAX ? PHI_LIMIT : phi_scan_any(p, o, text, len, found, arg);
}

enum phi_err
phi_scan(const struct phi *p, const char *text, size_t len, phi_found *found, void *arg)
{
	return phi_scan_opts(p, NULL, text, len, found, arg);
}
