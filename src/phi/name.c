/* name.c - people, by the frames names stand in.
 *
 *   Dr. Webster, mr pruitt      title
 *   Name: Ana Lopez             form field; also "my name is", "this is"
 *   Hi Pat,                     greeting
 *   Thanks,\nHarold             signature: a short line of names behind a closing, or last
 *   Luis: hello                 speaker tag at the head of a line
 *   Kuehl, Toby                 last, first
 *   Harold Pinkerton            lexicon: given name and surname by frequency
 *
 * Then memory: a name found once is found again in the same text, in any case,
 * whole or by its parts of three letters and more.
 */
#include "engine.h"

#include <stdlib.h>

#define HAS(k, c) ((k)->ctx & s->phi->wc[c])

static inline bool
punct(const struct scan *s, size_t i, char c)
{
	return i < s->ntok && s->tok[i].type == T_PUNCT && s->t[s->tok[i].at] == c;
}

static inline bool
word(const struct scan *s, size_t i)
{
	return i < s->ntok && s->tok[i].type == T_WORD;
}

static inline bool
line_start(const struct scan *s, size_t i)
{
	return i == 0 || s->tok[i].flags & F_NL || (punct(s, i - 1, '>') && i > 0);
}

static inline bool
line_end(const struct scan *s, size_t i)
{
	return i >= s->ntok || s->tok[i].flags & F_NL;
}

/* Is token i this word of at most eight small letters? One comparison. */
static inline __attribute__((always_inline)) bool
is_word(const struct scan *s, size_t i, const char *z, size_t n)
{
	uint64_t want = 0, w;
	if (i >= s->ntok || s->tok[i].len != n)
		return false;
	memcpy(&want, z, n);
	memcpy(&w, s->t + s->tok[i].at, 8);     /* the window is padded */
	uint64_t mask = n == 8 ? ~0ull : (1ull << (n * 8)) - 1;
	return ((w | 0x2020202020202020ull) & mask) == (want | (0x2020202020202020ull & mask));
}
#define is_z(s, i, z) is_word(s, i, z, sizeof(z) - 1)

/* How much a word is like a part of a name, on its own: below 0 no, above 2 yes. */
static int
likeness(const struct scan *s, size_t i)
{
	const struct tok *k = &s->tok[i];
	uint64_t x = k->lex;
	int v = 0;
	int g = (int)LEX_GIVEN(x), u = (int)LEX_SUR(x), m = g > u ? g : u;
	if (k->type != T_WORD)
		return -9;
	if (k->flags & F_UP)
		v += k->flags & F_ALLUP && k->len > 1 ? 1 : 2;
	else
		v -= 2;
	v += m >= 5 ? 3 : m >= 3 ? 2 : m >= 1 ? 1 : 0;
	if (LEX_COMMON(x))
		v -= LEX_COMMON(x) == 3 ? 6 : LEX_COMMON(x) == 2 ? (m >= 5 ? 2 : 4) : m >= 4 ? 1 : 3;
	else if (x & LEX_MEDICAL)
		v -= 4;
	if (HAS(k, W_NOTNAME))
		v -= 4;
	if (HAS(k, W_MONTH) || HAS(k, W_WEEKDAY))
		v -= 2;
	if (x & LEX_EPONYM && i + 1 < s->ntok && s->tok[i + 1].lex & LEX_EPO_HEAD)
		v -= 9;
	if (k->lex & (LEX_STATE | LEX_COUNTRY))
		v -= 2;
	return v;
}

/* The words of a name that begins at token i: capitals (or, with `loose`, any
 * words that may be names), initials, particles, suffixes. Returns the token
 * behind it, i for none. */
static size_t
name_run(const struct scan *s, size_t i, size_t max, bool loose)
{
	size_t j = i, words = 0;
	while (j < s->ntok && words < max) {
		const struct tok *k = &s->tok[j];
		/* Dr Whitfield Tue Nov 12 */
		if (j > i && (k->flags & F_NL || column(s, j) || (HAS(k, W_WEEKDAY) | HAS(k, W_MONTH) && s->cover[j] == PHI_DATE + 1)))
			break;
		if (k->type == T_PUNCT) {
			char c = s->t[k->at];
			if (c == '.' && j > i && s->tok[j - 1].len == 1 && word(s, j + 1) && s->tok[j + 1].flags & F_UP) {
				j++;
				continue;
			}
			if (c == '-' && j > i && word(s, j + 1) && !(k->flags & F_SPACE) && !(s->tok[j + 1].flags & F_SPACE)) {
				j++;
				continue;
			}
			break;
		}
		if (k->type != T_WORD)
			break;
		bool ok;
		if (k->flags & F_UP)
			ok = !(LEX_COMMON(k->lex) == 3 && LEX_SUR(k->lex) < 4 && k->len > 1) && !(words && HAS(k, W_DEGREE) && k->len < 4 &&
			    !HAS(k, W_SUFFIX));
		else
			ok = (HAS(k, W_PARTICLE) && word(s, j + 1) && s->tok[j + 1].flags & F_UP && words) ||
			    (loose && (likeness(s, j) > -2 || !(k->lex & (LEX_TABLE | LEX_DOTTED))) && !HAS(k, W_NOTNAME) && LEX_COMMON(k->lex) < 2);
		if (!ok)
			break;
		words++, j++;
		if (k->flags & F_POSS)
			break;
	}
	while (j > i && s->tok[j - 1].type == T_PUNCT)
		j--;
	/* An initial at the end keeps its full stop out: it carries no letters. */
	return j;
}

static void
add_run(struct scan *s, size_t i, size_t j, int score, int rule)
{
	if (j > i)
		cand_add(s, s->tok[i].at, s->tok[j - 1].at + s->tok[j - 1].len, PHI_NAME, score, rule);
}

static bool
blocked(const struct scan *s, size_t i)
{
	return s->cover[i] != 0 && s->cover[i] != PHI_NAME + 1;
}

static void
title(struct scan *s, size_t i)
{
	size_t j = i + 1;
	if (punct(s, j, '.'))
		j++;
	if (is_z(s, j, "med") && punct(s, j + 1, '.'))
		j += 2;                 /* Dr. med. */
	if (!word(s, j) || s->tok[j].flags & F_NL || blocked(s, j))
		return;
	bool up = s->tok[j].flags & F_UP;
	const struct tok *k = &s->tok[j];
	/* 8 ms. Printer */
	if (!(s->tok[i].flags & F_UP) && i > 0 && s->tok[i - 1].type == T_NUM)
		return;
	/* 12 Oak Dr. Boise; sr, judge and sister need a capital. */
	if (s->cover[i] == PHI_LOCATION + 1)
		return;
	/* is dr k in on friday */
	if (!up && k->len == 1 && s->tok[i].len == 2 && !strchr("aimnesw", s->t[k->at]) && k->flags & F_SPACE) {
		add_run(s, j, j + 1, 64, s->phi->r_title);
		return;
	}
	if (!up && (LEX_COMMON(k->lex) == 3 || (LEX_COMMON(k->lex) == 2 && LEX_SUR(k->lex) < 4) ||
	    (LEX_COMMON(k->lex) && LEX_SUR(k->lex) < 3 && LEX_GIVEN(k->lex) < 3) || HAS(k, W_SAYS) || k->lex & LEX_MEDICAL))
		return;
	if (up && (HAS(k, W_NOTNAME) || (LEX_COMMON(k->lex) == 3 && LEX_SUR(k->lex) < 3)))
		return;
	size_t len = s->tok[i].len;
	bool strong = len <= 3 || s->tok[i].h == phi_word_hash("doctor", 6) || s->tok[i].h == phi_word_hash("miss", 4);
	size_t end = name_run(s, j, up ? 4 : 2, !up);
	if (end == j)
		end = j + 1;
	if (k->len == 1 && up && punct(s, j + 1, '.'))
		end = end > j + 1 ? end : j + 1;
	add_run(s, j, end, strong ? 92 : up ? 78 : 45, s->phi->r_title);
}

static void
form(struct scan *s, size_t i)
{
	/* i: the separator behind a label. */
	size_t j = i + 1;
	if (j >= s->ntok || s->tok[j].flags & F_PARA || (s->tok[j].flags & F_NL && j + 4 < s->ntok && !line_end(s, j + 1) &&
	    !line_end(s, j + 2) && !line_end(s, j + 3)))
		return;
	while (word(s, j) && HAS(&s->tok[j], W_TITLE)) {
		j++;
		if (punct(s, j, '.'))
			j++;
	}
	if (!word(s, j) || blocked(s, j))
		return;
	bool up = s->tok[j].flags & F_UP;
	size_t end = name_run(s, j, 5, !up);
	if (end == j)
		return;
	/* Last, First M. */
	if (punct(s, end, ',') && word(s, end + 1) && s->tok[end + 1].flags & F_UP && !HAS(&s->tok[end + 1], W_DEGREE) &&
	    !(s->tok[end + 1].flags & F_NL) && end - j <= 2) {
		size_t more = name_run(s, end + 1, 3, false);
		if (more > end + 1 && likeness(s, end + 1) > 1)
			end = more;
	}
	int best = -9, n = 0;
	for (size_t k = j; k < end; k++)
		if (word(s, k)) {
			int v = likeness(s, k);
			best = v > best ? v : best;
			n++;
		}
	int score = 60 + best * 6 + (n > 1 ? 8 : 0);
	if (line_end(s, end) || punct(s, end, ',') || punct(s, end, '(') || punct(s, end, '|') || punct(s, end, ';'))
		score += 8;
	else
		score -= 14;
	if (best >= 0)
		add_run(s, j, end, score > 95 ? 95 : score, s->phi->r_form);
}

static void
introduction(struct scan *s, size_t i)
{
	/* name is X, this is X, I'm X, I am X, named X, called X */
	size_t j = 0;
	int base = 0;
	if (is_z(s, i, "name") && (is_z(s, i + 1, "is") || is_z(s, i + 1, "was")))
		j = i + 2, base = 84;
	else if (is_z(s, i, "name") && s->tok[i].flags & F_POSS)
		j = i + 1, base = 78;
	else if (is_z(s, i, "this") && is_z(s, i + 1, "is"))
		j = i + 2, base = 62;
	else if (is_z(s, i, "i'm") || is_z(s, i, "im"))
		j = i + 1, base = 56;
	else if (is_z(s, i, "i") && is_z(s, i + 1, "am"))
		j = i + 2, base = 56;
	else if ((s->tok[i].flags & F_POSS && (is_z(s, i, "he") || is_z(s, i, "she") || is_z(s, i, "it"))) || is_z(s, i, "its"))
		j = i + 1, base = 51;
	else if (is_z(s, i, "named"))
		j = i + 1, base = 72;
	else if (is_z(s, i, "surname") || (is_z(s, i, "name") && i > 0 && (is_z(s, i - 1, "last") || is_z(s, i - 1, "first") ||
	    is_z(s, i - 1, "maiden") || is_z(s, i - 1, "middle") || is_z(s, i - 1, "legal"))))
		j = i + 1, base = word(s, i + 1) && s->tok[i + 1].flags & F_UP ? 66 : 0;
	if (!base || !word(s, j) || s->tok[j].flags & F_NL || blocked(s, j))
		return;
	bool up = s->tok[j].flags & F_UP;
	int v = likeness(s, j);
	/* its mo from the gym */
	if (base == 51 && !up && LEX_GIVEN(s->tok[j].lex) > 1 && !LEX_COMMON(s->tok[j].lex) && !HAS(&s->tok[j], W_NOTNAME) &&
	    !(s->tok[j].lex & LEX_MEDICAL) && (is_z(s, j + 1, "from") || is_z(s, j + 1, "here") || is_z(s, j + 1, "again"))) {
		add_run(s, j, j + 1, 64, s->phi->r_form);
		return;
	}
	/* hi its bex, hey this is dru */
	size_t hello = i > 0 && punct(s, i - 1, ',') ? i - 1 : i;
	if (!up && hello > 0 && HAS(&s->tok[hello - 1], W_GREET) && s->tok[j].len > 1 && !LEX_COMMON(s->tok[j].lex) && !(s->tok[j].lex & LEX_MEDICAL) &&
	    !HAS(&s->tok[j], W_NOTNAME)) {
		add_run(s, j, j + 1, 62, s->phi->r_form);
		return;
	}
	/* He's Cass. */
	if (base == 51 && !(up && LEX_GIVEN(s->tok[j].lex) && !LEX_COMMON(s->tok[j].lex) && (line_end(s, j + 1) || punct(s, j + 1, '.') ||
	    punct(s, j + 1, ','))))
		return;
	if (!up && (base < 60 || v < 0))
		return;
	if (v < (base >= 78 ? -1 : 1))
		return;
	size_t end = name_run(s, j, 4, !up && base > 70);
	if (end > j)
		add_run(s, j, end, base + (v > 3 ? 10 : v * 3), s->phi->r_form);
}

static void
greeting(struct scan *s, size_t i)
{
	size_t j = i + 1;
	if (punct(s, j, ',') && !(is_z(s, i, "dear")))
		j++;
	while (word(s, j) && HAS(&s->tok[j], W_TITLE)) {
		j++;
		if (punct(s, j, '.'))
			j++;
	}
	if (!word(s, j) || s->tok[j].flags & F_NL || HAS(&s->tok[j], W_NOTNAME) || blocked(s, j))
		return;
	bool up = s->tok[j].flags & F_UP;
	int v = likeness(s, j);
	size_t end = name_run(s, j, 3, !up && v > -1);
	if (end == j)
		return;
	/* Hi Ward team: a desk has a name too. */
	if (word(s, end) && !(s->tok[end].flags & F_NL) && (is_z(s, end, "team") || is_z(s, end, "support") || is_z(s, end, "staff") ||
	    is_z(s, end, "desk") || is_z(s, end, "billing") || is_z(s, end, "folks")))
		return;
	bool stops = line_end(s, end) || punct(s, end, ',') || punct(s, end, '!') || punct(s, end, '.') || punct(s, end, '-') ||
	    punct(s, end, ':');
	int score = up ? 50 + v * 6 : 36 + v * 8;
	if (stops)
		score += 20;
	if (v >= 1 || (up && stops && v > -2))
		add_run(s, j, end, score > 94 ? 94 : score, s->phi->r_greet);
}

/* A line that is nothing but a name: behind a closing, or the last of a text. */
static void
signature(struct scan *s, size_t i, size_t end)
{
	size_t j = i;
	while (j < end && (punct(s, j, '-') || punct(s, j, '~') || punct(s, j, '*') || punct(s, j, '>')))
		j++;
	if (j >= end || !word(s, j) || blocked(s, j) || HAS(&s->tok[j], W_NOTNAME) || (HAS(&s->tok[j], W_ROLE) && punct(s, j + 1, '(')))
		return;
	while (word(s, j) && j < end && HAS(&s->tok[j], W_TITLE)) {
		j++;
		if (punct(s, j, '.'))
			j++;
	}
	if (j >= end || !word(s, j))
		return;
	bool up = s->tok[j].flags & F_UP;
	/* The closing in front: up to two lines back; a line of dashes behind is one too. */
	bool closing = end + 1 < s->ntok && punct(s, end, '-') && punct(s, end + 1, '-'), last = end >= s->ntok || (end + 12 > s->ntok);
	size_t back = i;
	for (unsigned lines = 0, n = 0; back > 0 && lines < 2 && n < 6; n++) {
		back--;
		closing |= HAS(&s->tok[back], W_SIGN) != 0;
		lines += (s->tok[back].flags & F_NL) != 0;
	}
	bool dash = i < j;
	size_t stop = name_run(s, j, 4, !up);
	if (stop == j)
		return;
	size_t n = stop - j;
	if (n > 1 && (HAS(&s->tok[stop - 1], W_COMPANY) || (word(s, stop) && HAS(&s->tok[stop], W_COMPANY))))
		return;
	if (punct(s, stop, '|') && !(s->tok[stop].flags & F_SPACE))
		return;                 /* OBR|1| */
	bool whole = stop >= end || punct(s, stop, ',') || punct(s, stop, '|') || punct(s, stop, '(') || punct(s, stop, '.');
	if (!whole)
		return;
	int v = likeness(s, j), w = n > 1 ? likeness(s, stop - 1) : v;
	int score = 20 + (v + w) * 5 + (closing ? 34 : 0) + (last ? 14 : 0) + (dash ? 16 : 0) + (n > 1 ? 6 : 0) + (up ? 6 : 0);
	if (n == 1 && LEX_COMMON(s->tok[j].lex) && !closing)
		score -= 14;
	if (v < -1 && !closing)
		return;
	if (score >= 50)
		add_run(s, j, stop, score > 93 ? 93 : score, s->phi->r_sign);
}

static void
speaker(struct scan *s, size_t i)
{
	/* [10:02] Agent Luis: / Luis R.: at the head of a line. */
	size_t j = i, n = 0;
	if (punct(s, j, '[') || punct(s, j, '('))
		while (j < s->ntok && !punct(s, j, ']') && !punct(s, j, ')') && j - i < 12 && !(j > i && s->tok[j].flags & F_NL))
			j++;
	if (punct(s, j, ']') || punct(s, j, ')'))
		j++;
	while (word(s, j) && (HAS(&s->tok[j], W_SPEAKER) || HAS(&s->tok[j], W_TITLE)) && n < 3) {
		j++, n++;
		if (punct(s, j, '.'))
			j++;
	}
	if (punct(s, j, '('))
		j++;
	if (!word(s, j) || (j > i && s->tok[j].flags & F_NL) || blocked(s, j))
		return;
	/* jen (support): */
	if (j == i && punct(s, j + 1, '(') && word(s, j + 2) && HAS(&s->tok[j + 2], W_SPEAKER) && punct(s, j + 3, ')') && punct(s, j + 4, ':') &&
	    likeness(s, j) >= -1) {
		add_run(s, j, j + 1, 84, s->phi->r_speaker);
		return;
	}
	/* tyler_w [8:41 PM]: */
	if (j == i && !HAS(&s->tok[j], W_SPEAKER)) {
		size_t q = j + 1;
		while (q < s->ntok && q < j + 5 && !(s->tok[q].flags & F_SPACE) && (punct(s, q, '_') || punct(s, q, '.') || s->tok[q].type != T_PUNCT))
			q++;
		if ((punct(s, q, '[') || punct(s, q, '(')) && q + 3 < s->ntok && s->tok[q + 1].type == T_NUM && punct(s, q + 2, ':')) {
			size_t z = q + 3;
			while (z < s->ntok && z < q + 8 && !punct(s, z, ']') && !punct(s, z, ')'))
				z++;
			if (z + 1 < s->ntok && punct(s, z + 1, ':')) {
				add_run(s, j, q, 78, s->phi->r_speaker);
				return;
			}
		}
	}
	size_t end = name_run(s, j, 3, false);
	if (end == j && word(s, j) && likeness(s, j) >= 1)
		end = j + 1;
	if (end == j)
		return;
	size_t colon = end;
	while (punct(s, colon, '.') || punct(s, colon, ')'))
		colon++;
	if (!punct(s, colon, ':') || (colon + 1 < s->ntok && punct(s, colon + 1, '/')))
		return;
	int v = likeness(s, j);
	if (HAS(&s->tok[j], W_NAMELABEL) || HAS(&s->tok[j], W_NOTNAME) || HAS(&s->tok[j], W_ADDRLABEL) || HAS(&s->tok[j], W_SPEAKER))
		return;
	if (end - j == 1 && !n && LEX_GIVEN(s->tok[j].lex) < (s->tok[j].flags & F_ALLUP ? 3 : 2))
		return;
	int score = (n ? 72 : 40) + v * 5 + (end - j > 1 ? 6 : 0);
	if (v >= 1 && score >= 50)
		add_run(s, j, end, score > 93 ? 93 : score, s->phi->r_speaker);
}

static void
last_first(struct scan *s, size_t i)
{
	/* i: the comma. Kuehl, Toby; NAKAMURA, KENJI; O'Brien-Lee, Ann M. */
	if (i == 0 || !word(s, i - 1) || !word(s, i + 1) || s->tok[i + 1].flags & F_NL)
		return;
	const struct tok *a = &s->tok[i - 1], *b = &s->tok[i + 1];
	if (!(a->flags & F_UP) || !(b->flags & F_UP) || blocked(s, i - 1) || blocked(s, i + 1) || HAS(b, W_DEGREE) || HAS(b, W_MONTH) ||
	    HAS(a, W_MONTH) || HAS(a, W_NOTNAME) || HAS(a, W_SIGN) || HAS(a, W_GREET) || HAS(b, W_NOTNAME) || HAS(a, W_WEEKDAY))
		return;
	if (b->lex & (LEX_STATE | LEX_ABBR | LEX_COUNTRY))
		return;
	int g = (int)LEX_GIVEN(b->lex), u = (int)LEX_SUR(a->lex);
	if (b->len == 1 && u && !LEX_COMMON(a->lex) && !punct(s, i + 2, ','))
		g = 3;          /* Lindo, K */
	size_t from = i - 1;
	while (from > 1 && punct(s, from - 1, '-') && word(s, from - 2) && s->tok[from - 2].flags & F_UP)
		from -= 2;
	if (from > 0 && word(s, from - 1) && HAS(&s->tok[from - 1], W_PARTICLE) && !(s->tok[from].flags & F_NL))
		from--;
	size_t end = name_run(s, i + 1, 3, false);
	if (end == i + 1)
		return;
	bool list = line_start(s, from) || (from > 0 && s->tok[from - 1].type == T_PUNCT);
	bool stops = line_end(s, end) || s->tok[end].type == T_PUNCT;
	int score = 22 + g * 6 + u * 5 + (list ? 12 : 0) + (stops ? 10 : 0);
	if (a->lex & b->lex & LEX_EPONYM)
		return;
	if (LEX_COMMON(a->lex) > 1 && u < 5)
		score -= 12;
	if (LEX_COMMON(b->lex) > 1 && g < 5)
		score -= 15;
	/* Anna, Ben, Carol: a list of given names is names as well. */
	if (score >= 50)
		cand_add(s, s->tok[from].at, s->tok[end - 1].at + s->tok[end - 1].len, PHI_NAME, score > 92 ? 92 : score, s->phi->r_lastfirst);
}

/* my son Brayden, lives w/ dtr Precious, wife jo */
static void
relative(struct scan *s, size_t i)
{
	size_t j = i + 1;
	if (punct(s, j, '(') || punct(s, j, ','))
		j++;
	if (!word(s, j) || s->tok[j].flags & F_NL || blocked(s, j) || s->tok[i].flags & F_POSS)
		return;
	const struct tok *k = &s->tok[j];
	if (HAS(k, W_NOTNAME) || HAS(k, W_KIN) || HAS(k, W_SAYS) || k->lex & LEX_MEDICAL || LEX_COMMON(k->lex) == 3)
		return;
	int v = likeness(s, j), g = (int)LEX_GIVEN(k->lex);
	bool up = k->flags & F_UP;
	if (j == i + 2 && (!up || v < 2))
		return;
	/* uncle Rooster: a word of the language, but no one else is meant. */
	bool named = up && v < 0 && v > -3 && !(s->tok[i].flags & F_UP) && !HAS(k, W_MONTH) && !HAS(k, W_WEEKDAY) && !(k->flags & F_ALLUP) &&
	    s->caps_lower > s->caps_upper && !(k->lex & (LEX_STATE | LEX_COUNTRY | LEX_EPONYM)) && !HAS(k, W_FACHEAD);
	if (named)
		add_run(s, j, j + 1, 54, s->phi->r_kin);
	else if (up && v >= 0) {
		int score = 54 + v * 5;
		add_run(s, j, name_run(s, j, 3, false), score > 90 ? 90 : score, s->phi->r_kin);
	} else if (!up && g >= 4 && LEX_COMMON(k->lex) == 0)
		add_run(s, j, j + 1, 50 + g * 2, s->phi->r_kin);
}

/* Hospitalist Chua took orders: in an office, a surname alone. */
static void
in_office(struct scan *s, size_t i)
{
	size_t j = i + 1;
	if (!word(s, j) || s->tok[i].flags & F_POSS || s->tok[i].len < 5)
		return;
	const struct tok *k = &s->tok[j];
	if (!(k->flags & F_UP) || k->flags & (F_NL | F_ALLUP) || !LEX_SUR(k->lex) || LEX_COMMON(k->lex) || k->lex & (LEX_MEDICAL | LEX_STATE | LEX_COUNTRY) ||
	    k->len < 3 || HAS(k, W_NOTNAME) || HAS(k, W_ROLE) || HAS(k, W_MONTH) || HAS(k, W_WEEKDAY) || HAS(k, W_FACHEAD) || HAS(k, W_BRAND) || blocked(s, j))
		return;
	add_run(s, j, name_run(s, j, 3, false), 58, s->phi->r_form);
}

/* Wells managed the migration; Leek submitted his thesis: who does such things is a person, at the head of a sentence. */
static void
subject(struct scan *s, size_t i)
{
	const struct tok *k = &s->tok[i];
	size_t end = i + 1;
	if (k->type != T_WORD || !(k->flags & F_UP) || blocked(s, i) || HAS(k, W_NOTNAME) || LEX_COMMON(k->lex) == 3 || k->lex & LEX_MEDICAL ||
	    k->len < 3 || k->lex & (LEX_COUNTRY | LEX_ABBR) || (LEX_SUR(k->lex) < 2 && LEX_GIVEN(k->lex) < 2 && LEX_COMMON(k->lex)))
		return;
	if (word(s, end) && s->tok[end].flags & F_UP && !(s->tok[end].flags & F_NL) && LEX_SUR(s->tok[end].lex) && !HAS(&s->tok[end], W_COMPANY) &&
	    !HAS(&s->tok[end], W_FACHEAD))
		end++;
	if (!word(s, end) || !HAS(&s->tok[end], W_DEED) || s->tok[end].flags & (F_UP | F_NL) || !word(s, end + 1))
		return;
	size_t o = end + 1;
	bool own = is_z(s, o, "his") || is_z(s, o, "her") || is_z(s, o, "hers");
	if (own || is_z(s, o, "the") || is_z(s, o, "a") || is_z(s, o, "an") || is_z(s, o, "their") || is_z(s, o, "our") || is_z(s, o, "that"))
		add_run(s, i, end, own ? 70 : LEX_COMMON(k->lex) ? 56 : 64, s->phi->r_subject);
}

/* MK, P.L. or jt as the whole last line of a message, or behind a closing. */
static void
initials(struct scan *s, size_t i, size_t end)
{
	size_t j = i, letters = 0;
	while (j < end && (punct(s, j, '-') || punct(s, j, '~') || punct(s, j, '*')))
		j++;
	size_t from = j;
	for (; j < end; j++) {
		const struct tok *k = &s->tok[j];
		if (k->type == T_PUNCT && s->t[k->at] == '.' && letters)
			continue;
		if (k->type != T_WORD || !(k->flags & F_UP) || (k->len > 1 && !(k->flags & F_ALLUP)) || k->len > 3 || HAS(k, W_NOTNAME) ||
		    k->lex & (LEX_MEDICAL | LEX_COUNTRY) || HAS(k, W_DEGREE) || LEX_COMMON(k->lex) > 1)
			return;
		letters += k->len;
	}
	if (letters < 2 || letters > 3 || blocked(s, from))
		return;
	bool closing = false, dash = from > i, last = end >= s->ntok;
	for (size_t b = i, n = 0; b > 0 && n < 5; n++)
		closing |= HAS(&s->tok[--b], W_SIGN) != 0;
	bool alone = s->tok[i].flags & F_PARA || (end < s->ntok && s->tok[end].flags & F_PARA) || (i > 0 && s->tok[i - 1].type == T_PUNCT);
	if (i > 0 && (closing || dash || last || alone))
		add_run(s, from, end, closing || dash ? 72 : last ? 62 : 54, s->phi->r_sign);
}

/* logged in as dkowalczyk, username was mgarrity, login is p_osei: a word that no language has. */
static void
login(struct scan *s, size_t i)
{
	size_t j = i + 1;
	if (is_z(s, i, "logged") || is_z(s, i, "signed") || is_z(s, i, "log") || is_z(s, i, "sign")) {
		if (!(is_z(s, j, "in") || is_z(s, j, "on")) || !is_z(s, j + 1, "as"))
			return;
		j += 2;
	} else if (is_z(s, i, "user") || is_z(s, i, "username") || is_z(s, i, "login")) {
		if (is_z(s, j, "id") || is_z(s, j, "name"))
			j++;
		if (!is_z(s, j, "is") && !is_z(s, j, "was") && !punct(s, j, ':') && !punct(s, j, '='))
			return;
		j++;
	} else
		return;
	if (!word(s, j) || s->tok[j].len < 4 || s->tok[j].flags & (F_UP | F_NL) || LEX_COMMON(s->tok[j].lex) || s->tok[j].lex & LEX_MEDICAL ||
	    HAS(&s->tok[j], W_NOTNAME) || HAS(&s->tok[j], W_SAYS) || HAS(&s->tok[j], W_ROLE) || blocked(s, j))
		return;
	size_t end = s->tok[j].at + s->tok[j].len;
	while (end < s->tn && (is_alnum_((unsigned char)s->t[end]) || (strchr("._-", s->t[end]) && is_alnum_((unsigned char)s->t[end + 1]))))
		end++;
	cand_add(s, s->tok[j].at, end, PHI_OTHERID, 64, s->phi->r_form);
}

/* rm 214B Hosseini - fall 0340: who lies there. */
static void
room(struct scan *s, size_t i)
{
	if (!is_z(s, i, "rm") && !is_z(s, i, "room") && !is_z(s, i, "bed"))
		return;
	size_t j = i + 1;
	if (j >= s->ntok || s->tok[j].type == T_WORD || s->tok[j].type == T_PUNCT || s->tok[j].len > 5 || s->tok[j].flags & F_NL)
		return;
	j++;
	if (word(s, j) && s->tok[j].len == 1)
		j++;
	if (punct(s, j, '-') || punct(s, j, ':') || punct(s, j, ','))
		j++;
	if (word(s, j) && !(s->tok[j].flags & F_NL) && s->tok[j].flags & F_UP && s->tok[j].len > 2 && LEX_COMMON(s->tok[j].lex) < 2 &&
	    !(s->tok[j].lex & LEX_MEDICAL) && likeness(s, j) > 0 && !HAS(&s->tok[j], W_FACHEAD) && !blocked(s, j))
		add_run(s, j, name_run(s, j, 3, false), 62, s->phi->r_form);
}

static void
lexicon_name(struct scan *s, size_t i)
{
	const struct tok *k = &s->tok[i];
	if (blocked(s, i) || (i > 0 && s->cover[i - 1] && !(k->flags & F_SPACE)))
		return;
	int g = (int)LEX_GIVEN(k->lex);
	if (k->flags & F_POSS || (g < 2 && !(k->len == 1 && punct(s, i + 1, '.'))))
		return;
	size_t j = i + 1;
	if (k->len == 1)
		j++;
	/* middle initial */
	if (word(s, j) && s->tok[j].len == 1 && s->tok[j].flags & F_UP && !(s->tok[j].flags & F_NL)) {
		if (punct(s, j + 1, '.') && word(s, j + 2) && s->tok[j + 2].flags & F_UP && !(s->tok[j + 2].flags & F_NL))
			j += 2;
		else if (word(s, j + 1) && s->tok[j + 1].flags & F_UP && !(s->tok[j + 1].flags & F_NL))
			j++;
		else if (punct(s, j + 1, '.') && g >= 3 && k->flags & F_UP) {
			/* Dianne L. */
			add_run(s, i, j + 1, 58 + g * 4 - (LEX_COMMON(k->lex) ? 8 : 0), s->phi->r_name);
			return;
		}
	}
	if (!word(s, j) || s->tok[j].flags & F_NL || !(s->tok[j].flags & F_SPACE) || blocked(s, j))
		return;
	const struct tok *m = &s->tok[j];
	int u = (int)LEX_SUR(m->lex);
	bool up = k->flags & F_UP, up2 = m->flags & F_UP;
	if ((k->lex & m->lex & LEX_EPONYM) || (m->lex & LEX_EPONYM && j + 1 < s->ntok && s->tok[j + 1].lex & LEX_EPO_HEAD))
		return;
	if (HAS(m, W_NOTNAME) || HAS(m, W_MONTH) || m->lex & LEX_EPO_HEAD || HAS(m, W_FACHEAD))
		return;
	int score;
	if (up && up2) {
		score = 30 + g * 6 + u * 4 - (int)LEX_COMMON(k->lex) * 8 - (int)LEX_COMMON(m->lex) * 6;
		if (!(m->lex & (LEX_TABLE | LEX_DOTTED)))
			score += 8;
		if (k->len == 1)
			score = 40 + u * 6 - (int)LEX_COMMON(m->lex) * 10;
	} else if (!up && !up2 && g >= 3 && u >= 3 && LEX_COMMON(k->lex) == 0 && LEX_COMMON(m->lex) < 2)
		score = 12 + g * 5 + u * 4 - (int)LEX_COMMON(m->lex) * 14;
	else
		return;
	if (score < 50 || (HAS(m, W_COMPANY) && up2))
		return;
	size_t end = up ? name_run(s, j, 3, false) : j + 1;
	add_run(s, i, end > j ? end : j + 1, score > 92 ? 92 : score, s->phi->r_name);
}

/* The tokens at which a frame may begin: most are none, and to find that out
 * must not cost a wrong guess of the processor each. What a new frame begins
 * with must be asked for here, or be among the words that open one in rules.c. */
static size_t
frames(struct scan *s)
{
	const uint64_t classes = s->phi->wc[W_TITLE] | s->phi->wc[W_GREET] | s->phi->wc[W_KIN] | s->phi->wc[W_ROLE];
	uint64_t line = 1;
	static const uint8_t sign[256] = { [':'] = 1, ['='] = 1, [','] = 1, ['/'] = 1, ['>'] = 2, ['a' ... 'z'] = 4, ['A' ... 'Z'] = 4,
		[0x80 ... 0xff] = 4 };
	const struct tok *k = s->tok, *end = k + s->ntok;
	const char *t = s->t;
	uint32_t *list = s->list, *to = list;
	for (; k < end; k++) {
		uint64_t c = sign[(unsigned char)t[k->at]];
		/* Given names that count, single letters, and some words too many. */
		uint64_t take = line | (k->flags & F_NL) | (c & 1) | (k->ctx & classes) | (k->lex & (6 | LEX_OPENS | LEX_OWNS)) |
		    (c & (uint64_t)(k->len == 1) << 2);
		*to = (uint32_t)(k - s->tok);
		to += take != 0;
		line = c & 2;
	}
	return (size_t)(to - list);
}

void
phi_names(struct scan *s)
{
	size_t line = 0, count = frames(s);
	for (size_t q = 0; q < count; q++) {
		size_t i = s->list[q];
		const struct tok *k = &s->tok[i];
		if (line_start(s, i)) {
			line = i;
			speaker(s, i);
			subject(s, i);
			/* the line as a whole */
			size_t end = i + 1;
			while (end < s->ntok && !(s->tok[end].flags & F_NL) && end - i < 12)
				end++;
			if (end >= s->ntok || s->tok[end].flags & F_NL) {
				signature(s, i, end);
				if (end - i < 8)
					initials(s, i, end);
			}
		}
		if (k->type == T_PUNCT) {
			char c = s->t[k->at];
			if ((c == ':' || c == '=') && i > 0 && word(s, i - 1) && HAS(&s->tok[i - 1], W_NAMELABEL))
				form(s, i);
			else if (c == ',')
				last_first(s, i);
			else if (c == '/' && i > 0 && is_z(s, i - 1, "c") && is_z(s, i + 1, "o") && word(s, i + 2) && s->tok[i + 2].flags & F_UP &&
			    !blocked(s, i + 2)) {
				/* c/o Benitez, 55 Water St; but c/o Headache */
				size_t end = name_run(s, i + 2, 4, false);
				if (punct(s, end, ',') && end + 1 < s->ntok && s->tok[end + 1].type == T_NUM)
					add_run(s, i + 2, end, 74, s->phi->r_form);
			}
			continue;
		}
		if (k->type != T_WORD)
			continue;
		if (HAS(k, W_TITLE))
			title(s, i);
		if (HAS(k, W_GREET) && (i - line < 3 || k->flags & F_UP))
			greeting(s, i);
		if (HAS(k, W_KIN))
			relative(s, i);
		if (HAS(k, W_ROLE))
			in_office(s, i);
		if (k->lex & LEX_OWNS && !(k->flags & F_UP) && word(s, i + 1) && !(s->tok[i + 1].flags & (F_UP | F_NL)) &&
		    LEX_COMMON(s->tok[i + 1].lex) && !HAS(&s->tok[i + 1], W_SAYS) && !blocked(s, i))
			cand_add(s, k->at, k->at + k->len, PHI_NAME, 56, s->phi->r_name);
		if (k->lex & LEX_OPENS)
			login(s, i), room(s, i);
		/* user mgarrity locked out */
		if (i + 1 < s->ntok && word(s, i + 1) && (!(k->flags & F_NL) || !(s->tok[i + 1].lex & LEX_TABLE)) && (is_z(s, i, "user") || is_z(s, i, "username") || is_z(s, i, "login")) &&
		    s->tok[i + 1].len > 4 && !(s->tok[i + 1].flags & (F_UP | F_NL)) && !LEX_COMMON(s->tok[i + 1].lex) &&
		    !(s->tok[i + 1].lex & LEX_MEDICAL) && !HAS(&s->tok[i + 1], W_NOTNAME) && !HAS(&s->tok[i + 1], W_SAYS) && !blocked(s, i + 1))
			cand_add(s, s->tok[i + 1].at, s->tok[i + 1].at + s->tok[i + 1].len, PHI_OTHERID, 60, s->phi->r_form);
		/* Hargrove bed 6 */
		if (i > 0 && k->len < 5 && !(k->flags & (F_UP | F_NL)) && (is_z(s, i, "bed") || is_z(s, i, "rm") || is_z(s, i, "room")) &&
		    i + 1 < s->ntok && is_digit((unsigned char)s->t[s->tok[i + 1].at]) && word(s, i - 1) && LEX_SUR(s->tok[i - 1].lex) > 1 &&
		    !LEX_COMMON(s->tok[i - 1].lex) && likeness(s, i - 1) > 1 && !blocked(s, i - 1))
			add_run(s, i - 1, i, 62, s->phi->r_form);
		char c = (char)(s->t[k->at] | 32);
		if (k->len <= 5 && (c == 'i' || c == 'n' || c == 't' || c == 'h' || c == 's'))
			introduction(s, i);
		if (LEX_GIVEN(k->lex) || k->len == 1)
			lexicon_name(s, i);
	}
}

/* Linde, Karl 310-88-4: a number right behind a person is that person's. */
void
phi_beside(struct scan *s)
{
	size_t n = s->ncand;
	for (size_t c = 0; c < n; c++) {
		if (s->cand[c].kind != PHI_NAME || s->cand[c].score < 60)
			continue;
		size_t i = token_from(s, s->cand[c].end);
		/* Horace Tibbets, 98, lives alone */
		if (punct(s, i, ',') && i + 2 < s->ntok && s->tok[i + 1].type == T_NUM && !s->cover[i + 1] && !(s->tok[i + 1].flags & F_NL) &&
		    (punct(s, i + 2, ',') || punct(s, i + 2, '.') || punct(s, i + 2, ';')) && s->tok[i + 1].len < 4 &&
		    phi_check_of("age90", 5)(s->t + s->tok[i + 1].at, s->tok[i + 1].len) != CHECK_NO)
			cand_add(s, s->tok[i + 1].at, s->tok[i + 1].at + s->tok[i + 1].len, PHI_AGE90, 64, s->phi->r_beside);
		/* my mother, Irene Castellano, is 94 and lives */
		size_t z = punct(s, i, ',') ? i + 1 : i;
		if (word(s, z) && (is_z(s, z, "is") || is_z(s, z, "was") || is_z(s, z, "turned") || is_z(s, z, "turns") || is_z(s, z, "aged")) &&
		    z + 1 < s->ntok && s->tok[z + 1].type == T_NUM && !s->cover[z + 1] && s->tok[z + 1].len < 4 &&
		    phi_check_of("age90", 5)(s->t + s->tok[z + 1].at, s->tok[z + 1].len) != CHECK_NO && (z + 2 >= s->ntok ||
		    s->tok[z + 2].flags & F_NL || (s->tok[z + 2].type == T_PUNCT && !strchr("/%:$", s->t[s->tok[z + 2].at])) ||
		    is_z(s, z + 2, "and") || is_z(s, z + 2, "now") || is_z(s, z + 2, "but") || is_z(s, z + 2, "with") || is_z(s, z + 2, "years")))
			cand_add(s, s->tok[z + 1].at, s->tok[z + 1].at + s->tok[z + 1].len, PHI_AGE90, 66, s->phi->r_beside);
		/* F/u w/ Dr. Prakash 7/19 wt chk */
		if (i + 2 < s->ntok && s->tok[i].type == T_NUM && punct(s, i + 1, '/') && s->tok[i + 2].type == T_NUM && !s->cover[i] &&
		    !((s->tok[i].flags & F_NL) | ((s->tok[i + 1].flags | s->tok[i + 2].flags) & F_SPACE))) {
			size_t at = s->tok[i].at, end = s->tok[i + 2].at + s->tok[i + 2].len;
			if (!punct(s, i + 3, '/') && !punct(s, i + 3, '%') && !(i + 3 < s->ntok && s->tok[i + 3].ctx & (s->phi->wc[W_QUANTITY] | s->phi->wc[W_NOTDATE])) &&
			    phi_check_of("daymonth", 8)(s->t + at, end - at) != CHECK_NO)
				cand_add(s, at, end, PHI_DATE, 58, s->phi->r_beside);
		}
		if (i < s->ntok && (punct(s, i, '(') || punct(s, i, '#') || punct(s, i, ',')))
			i++;
		if (i >= s->ntok || s->tok[i].flags & F_NL || s->tok[i].type == T_WORD || s->tok[i].type == T_PUNCT || s->cover[i] ||
		    !is_digit((unsigned char)s->t[s->tok[i].at]))
			continue;
		size_t j = i, digits = 0;
		for (; j < s->ntok && (j == i || !(s->tok[j].flags & F_SPACE)); j++) {
			if (s->tok[j].type == T_PUNCT && s->t[s->tok[j].at] != '-')
				break;
			digits += s->tok[j].type != T_PUNCT ? s->tok[j].len : 0;
		}
		while (j > i && s->tok[j - 1].type == T_PUNCT)
			j--;
		if (digits >= 6 && digits <= 14 && !(j < s->ntok && !(s->tok[j].flags & F_SPACE) && strchr("/%:", s->t[s->tok[j].at])))
			cand_add(s, s->tok[i].at, s->tok[j - 1].at + s->tok[j - 1].len, PHI_OTHERID, 62, s->phi->r_beside);
	}
}

/* ---- memory --------------------------------------------------------------------------------------- */

static void
learn(struct memory *m, uint64_t h, uint8_t strict)
{
	size_t mask = LEARNED_SLOTS - 1, i = (size_t)(h >> 7) & mask;
	while (m->slot[i].h) {
		if (m->slot[i].h == h)
			return;
		i = (i + 1) & mask;
	}
	m->slot[i] = (struct learned){ .h = h, .words = strict };
	m->at[m->count++] = (uint16_t)i;
	m->bits[h >> 48 & 63] |= 1ull << (h >> 54 & 63);
}

void
phi_memory_wipe(struct memory *m)
{
	for (size_t i = 0; i < m->count; i++)
		m->slot[m->at[i]] = (struct learned){ 0 };
	memset(m->bits, 0, sizeof m->bits);
	memset(m->number, 0, m->numbers * sizeof m->number[0]);
	memset(m->begins, 0, sizeof m->begins);
	m->count = m->numbers = m->sums = 0;
}

static const struct learned *
recall(const struct memory *m, uint64_t h)
{
	size_t mask = LEARNED_SLOTS - 1;
	for (size_t i = (size_t)(h >> 7) & mask; m->slot[i].h; i = (i + 1) & mask)
		if (m->slot[i].h == h)
			return &m->slot[i];
	return NULL;
}

/* A number that was found with its word beside it is found again without, in
 * any spacing: MRN 55-82013, later 5582013. Fewer than five characters, or
 * letters alone, say too little. */
enum { NUMBER_LEAST = 5, NUMBER_MOST = 24 };
#define NUMBER_KINDS (1u << PHI_SSN | 1u << PHI_MRN | 1u << PHI_HEALTHPLAN | 1u << PHI_ACCOUNT | 1u << PHI_LICENSE | 1u << PHI_PHONE | \
	1u << PHI_FAX | 1u << PHI_DEVICE | 1u << PHI_VEHICLE | 1u << PHI_OTHERID | 1u << PHI_LOCATION)

static uint64_t
number_step(uint64_t h, unsigned char c)
{
	return (h ^ (c >= 'A' && c <= 'Z' ? c | 32u : c)) * 0x100000001b3u;
}

/* Letters of either case as 0 to 31, digits from 32 on. */
static inline unsigned
pair_bit(unsigned char c)
{
	return c & 0x40 ? c & 31 : 32 + (c & 15);
}

static inline uint64_t
sum_bit(uint64_t h, unsigned count)
{
	return 1ull << ((h ^ h >> 23 ^ h >> 41 ^ count) & 63);
}

static void
learn_numbers(struct scan *s, size_t n)
{
	struct memory *m = s->memory;

	for (size_t c = 0; c < n && m->numbers < NUMBERS_MAX; c++) {
		const struct cand *q = &s->cand[c];
		uint64_t h = 0xcbf29ce484222325u;
		unsigned count = 0, digits = 0, first[2] = { 0 };
		if (q->score < 60 || !(NUMBER_KINDS >> q->kind & 1) || q->end - q->at > 2 * NUMBER_MOST)
			continue;
		for (uint32_t i = q->at; i < q->end; i++) {
			unsigned char b = (unsigned char)s->t[i];
			if (!is_alnum_(b))
				continue;
			first[count > 0] = count < 2 ? pair_bit(b) : first[1];
			count++;
			digits += is_digit(b);
			h = number_step(h, b);
		}
		/* Of a place its ZIP alone. */
		if (count < NUMBER_LEAST || count > NUMBER_MOST || digits * 2 < count || (q->kind == PHI_LOCATION && (count != 5 || digits != 5)))
			continue;
		size_t k = 0;
		while (k < m->numbers && m->number[k].h != h)
			k++;
		if (k == m->numbers) {
			m->number[m->numbers].h = h;
			m->number[m->numbers].n = (uint8_t)count;
			m->number[m->numbers++].kind = q->kind;
			m->begins[first[0]] |= 1ull << first[1];
			m->sums |= sum_bit(h, count);
		}
	}
}

static void
recall_numbers(struct scan *s)
{
	const struct memory *m = s->memory;

	for (size_t i = 0; i < s->ntok; i++) {
		const struct tok *k = &s->tok[i];
		const unsigned char *p = (const unsigned char *)s->t + k->at;
		uint64_t seconds = m->begins[pair_bit(*p)];
		if (!seconds || k->type == T_PUNCT || s->cover[i] || !(seconds >> pair_bit(p[is_alnum_(p[1]) ? 1 : 2]) & 1))
			continue;
		uint64_t h = 0xcbf29ce484222325u;
		unsigned count = 0;
		uint32_t end = k->at;
		if (k->at > 0 && is_alnum_((unsigned char)s->t[k->at - 1]))
			continue;
		while (count < NUMBER_MOST && end < s->tn) {
			unsigned char b = (unsigned char)s->t[end];
			if (is_alnum_(b)) {
				h = number_step(h, b);
				count++;
				end++;
				if (count < NUMBER_LEAST || !(m->sums & sum_bit(h, count)) || is_alnum_((unsigned char)s->t[end]))
					continue;
				for (size_t q = 0; q < m->numbers; q++)
					if (m->number[q].h == h && m->number[q].n == count) {
						cand_add(s, k->at, end, m->number[q].kind, 60, s->phi->r_memory_number);
						count = NUMBER_MOST;
						break;
					}
			} else if (count && (b == ' ' || b == '-' || b == '.' || b == '/') && is_alnum_((unsigned char)s->t[end + 1]))
				end++;
			else
				break;
		}
	}
}

void
phi_memory(struct scan *s)
{
	if (s->o.flags & PHI_NO_MEMORY)
		return;
	if (!s->memory && !(s->memory = calloc(1, sizeof *s->memory))) {
		s->nomem = true;
		return;
	}
	struct memory *m = s->memory;
	size_t n = s->ncand, i = 0, count = 0;
	learn_numbers(s, n);
	if (m->numbers)
		recall_numbers(s);
	for (size_t c = 0; c < n; c++) {
		const struct cand *q = &s->cand[c];
		if (q->kind != PHI_NAME || q->score < 62)
			continue;
		for (i = token_from(s, q->at); i < s->ntok && s->tok[i].at < q->end; i++) {
			const struct tok *k = &s->tok[i];
			if (k->type != T_WORD || k->len < 3 || m->count > LEARNED_MAX || HAS(k, W_TITLE))
				continue;
			/* A word of the language is a name again only in the same clothes. */
			uint8_t strict = LEX_COMMON(k->lex) || HAS(k, W_NOTNAME) || k->lex & (LEX_PLACE | LEX_EPONYM) ? 1 : 0;
			if (LEX_COMMON(k->lex) == 3 || (HAS(k, W_NOTNAME) && LEX_COMMON(k->lex)))
				continue;
			learn(m, k->h, strict);
		}
	}
	if (m->count == 0)
		return;
	/* Nearly all words are none of them, which one look at a bit tells. */
	for (i = 0; i < s->ntok; i++) {
		const struct tok *k = &s->tok[i];
		s->list[count] = (uint32_t)i;
		count += m->bits[k->h >> 48 & 63] >> (k->h >> 54 & 63) & (k->type == T_WORD) & (k->len > 2) & !s->cover[i];
	}
	for (size_t q = 0; q < count; q++) {
		i = s->list[q];
		const struct tok *k = &s->tok[i];
		const struct learned *l = recall(m, k->h);
		if (!l || (l->words && !(k->flags & F_UP)))
			continue;
		if (k->lex & LEX_EPONYM && i + 1 < s->ntok && s->tok[i + 1].lex & LEX_EPO_HEAD)
			continue;
		cand_add(s, k->at, k->at + k->len, PHI_NAME, l->words ? 58 : 66, s->phi->r_memory);
	}
}
