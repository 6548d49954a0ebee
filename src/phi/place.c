/* place.c - addresses and facilities, by their grammar.
 *
 *   address   number [direction] word{1,5} suffix [direction] [, unit] tail
 *             PO Box n, RR n Box n, HC n Box n       tail
 *   tail      [, town] [, state] [, ZIP]             also over line breaks
 *   town      capitals before ", ST", or a known place before a state's name
 *   facility  [the] Capital{1,6} head [of Capital...], or a hospital of the list
 *
 * Scores rise with each part that fits, so that a number, a word and "way"
 * alone stay below 50, in small letters too.
 */
#include "engine.h"

#define HAS(k, c) ((k)->ctx & s->phi->wc[c])

static inline bool
punct(const struct scan *s, size_t i, char c)
{
	return i < s->ntok && s->tok[i].type == T_PUNCT && s->t[s->tok[i].at] == c;
}

static inline size_t
end_of(const struct scan *s, size_t i)
{
	return s->tok[i].at + s->tok[i].len + (s->tok[i].flags & F_POSS ? 2u : 0u);
}

static bool
is_zip(const struct scan *s, size_t i)
{
	return i < s->ntok && s->tok[i].type == T_NUM && s->tok[i].len == 5;
}

static bool
is_state(const struct scan *s, size_t i, size_t *took)
{
	if (i >= s->ntok)
		return false;
	const struct tok *k = &s->tok[i];
	*took = 1;
	if (k->lex & LEX_ABBR && k->len == 2 && k->flags & F_ALLUP)
		return true;
	if (k->lex & LEX_STATE && k->flags & F_UP && !(k->flags & F_POSS))
		return true;
	if (k->flags & F_UP && i + 1 < s->ntok && s->tok[i + 1].flags & F_UP && !(s->tok[i + 1].flags & F_NL)) {
		uint64_t got = 0;
		size_t n = phi_phrase(s, i, LEX_STATE, &got);
		if (n && got & LEX_STATE) {
			*took = n;
			return true;
		}
	}
	return false;
}

/* Town, state, ZIP behind an address that ends with token i - 1. Returns the
 * first token behind them, adds to *score. */
static size_t
tail(const struct scan *s, size_t i, int *score)
{
	size_t j = i, took, best = i;
	if (punct(s, j, ',') || punct(s, j, '.') || punct(s, j, '-') || punct(s, j, ';'))
		j++;
	if (j >= s->ntok || s->tok[j].flags & F_PARA)
		return i;
	if (is_state(s, j, &took) && (j + took >= s->ntok || is_zip(s, j + took) || punct(s, j + took, ','))) {
		/* no town */
	} else {
		size_t words = 0, k = j;
		bool caps = s->tok[j].type == T_WORD && s->tok[j].flags & F_UP;
		size_t known = phi_phrase(s, j, LEX_PLACES, NULL);
		bool one = s->tok[j].type == T_WORD && s->tok[j].lex & (LEX_PLACE | LEX_WORLD);
		while (k < s->ntok && words < 4 && s->tok[k].type == T_WORD && (k == j || !(s->tok[k].flags & F_NL)) &&
		    (!caps || s->tok[k].flags & F_UP) && !(k > j && is_state(s, k, &took))) {
			words++, k++;
			if (punct(s, k, '.') && s->tok[k - 1].len <= 2)
				k++;
		}
		size_t after = k + (punct(s, k, ',') ? 1u : 0u);
		bool tells = words && after < s->ntok && !(s->tok[after].flags & F_PARA) &&
		    ((s->tok[after].lex & LEX_ABBR && s->tok[after].len == 2) || is_state(s, after, &took) || is_zip(s, after));
		if (tells)
			j = k;
		else if (known)
			j += known;
		else if (one && (caps || punct(s, j + 1, ',')))
			j++;
		else if (caps && words && i < s->ntok && s->tok[j].flags & F_NL && words <= 3 &&
		    (k >= s->ntok || s->tok[k].flags & F_NL || punct(s, k, ',')))
			j = k;
		else if (!is_zip(s, j))
			return i;
		if (j > i)
			best = j, *score += tells ? 25 : 12;
		if (punct(s, j, ','))
			j++;
	}
	if (j < s->ntok && (is_state(s, j, &took) || (s->tok[j].lex & LEX_ABBR && s->tok[j].len == 2 && (took = 1)))) {
		j += took;
		best = j;
		*score += 12;
		if (punct(s, j, '.') || punct(s, j, ','))
			j++;
	}
	if (is_zip(s, j) && !(s->tok[j].flags & F_PARA)) {
		*score += 25;
		best = ++j;
		if (punct(s, j, '-') && j + 1 < s->ntok && s->tok[j + 1].type == T_NUM && s->tok[j + 1].len == 4)
			best = j + 2;
	}
	return best;
}

static size_t
unit(const struct scan *s, size_t i, int *score)
{
	size_t j = i;
	if (punct(s, j, '.'))
		j++;
	if (punct(s, j, ','))
		j++;
	if (j >= s->ntok || s->tok[j].flags & F_PARA)
		return i;
	bool hash = punct(s, j, '#');
	if (!hash && !(s->tok[j].type == T_WORD && HAS(&s->tok[j], W_UNIT)))
		return i;
	j++;
	if (punct(s, j, '.'))
		j++;
	if (punct(s, j, '#'))
		j++;
	if (j >= s->ntok || s->tok[j].type == T_PUNCT || s->tok[j].flags & F_NL)
		return i;
	if (s->tok[j].type == T_WORD && s->tok[j].len > 2 && s->tok[j].lex & (LEX_TABLE | LEX_DOTTED))
		return i;
	*score += 15;
	j++;
	/* 4-B, 12 C */
	if (punct(s, j, '-') && j + 1 < s->ntok && s->tok[j + 1].len <= 4 && s->tok[j + 1].type != T_PUNCT)
		j += 2;
	return j;
}

static bool
strong_suffix(const struct tok *k)
{
	static uint64_t h[16];
	static const char *const z[] = { "street", "avenue", "ave", "road", "rd", "lane", "ln", "drive", "boulevard", "blvd",
		"parkway", "pkwy", "terrace", "highway", "hwy", "circle" };
	if (!h[15])
		for (size_t i = 0; i < COUNTOF(z); i++)
			h[i] = phi_word_hash(z[i], strlen(z[i]));
	for (size_t i = 0; i < COUNTOF(z); i++)
		if (h[i] == k->h)
			return true;
	return false;
}

static size_t
address(struct scan *s, size_t i)
{
	const struct tok *k = &s->tok[i];
	size_t j = i + 1, words = 0, suffix = 0, caps = 0;
	if (k->len > 6 || (k->type == T_MIX && k->len > 5))
		return 0;
	/* 80 mg sq */
	if (i + 1 < s->ntok && HAS(&s->tok[i + 1], W_QUANTITY))
		return 0;
	if (i > 0 && s->tok[i - 1].type == T_PUNCT && !(k->flags & F_SPACE) && strchr("./:$-", s->t[s->tok[i - 1].at]))
		return 0;
	/* 1 2 9 North Sycamore; 123-45 */
	while (j < s->ntok && s->tok[j].type == T_NUM && s->tok[j].len == 1 && k->len == 1 && j - i < 6)
		j++;
	if (punct(s, j, '-') && j + 1 < s->ntok && s->tok[j + 1].type == T_NUM && s->tok[j + 1].len < 5)
		j += 2;
	if (punct(s, j, '/') && j + 1 < s->ntok && s->tok[j + 1].type == T_NUM && s->tok[j + 1].len == 1)
		j += 2;
	bool dir = j < s->ntok && HAS(&s->tok[j], W_DIR);
	for (; j < s->ntok && words < 6; j++) {
		const struct tok *q = &s->tok[j];
		if (q->flags & F_NL)
			break;
		if (q->type == T_PUNCT) {
			if (s->t[q->at] == '.' && words && s->tok[j - 1].len <= 2)
				continue;
			break;
		}
		if (q->type == T_NUM && q->len > 3)
			break;
		words++;
		caps += (q->flags & F_UP) != 0 || q->type != T_WORD;
		/* The last suffix counts: 12 Park Place Drive; the first word alone is no suffix. */
		/* on the 14 to see Dr. Harlan */
		bool title = q->len == 2 && q->h == phi_word_hash("dr", 2) && punct(s, j + 1, '.') && j + 2 < s->ntok && s->tok[j + 2].flags & F_UP &&
		    !(s->tok[j + 2].flags & F_NL) && !(s->tok[j - 1].flags & F_UP) && s->tok[j - 1].type == T_WORD;
		if (HAS(q, W_STREET) && !title && (words > 1 || (q->flags & F_UP && strong_suffix(q) && j + 1 < s->ntok)))
			suffix = j;
	}
	int score;
	size_t end;
	if (suffix) {
		bool all = caps >= words || caps >= suffix - i;
		score = all ? 52 : 26;
		if (strong_suffix(&s->tok[suffix]))
			score += 14;
		if (suffix - i > 4)
			score -= 10;
		end = suffix + 1;
		/* Highway 61 */
		if (end < s->ntok && s->tok[end].type == T_NUM && s->tok[end].len <= 4 && !(s->tok[end].flags & F_NL))
			end++;
		/* 17 old quarry rd: in small letters a plain word costs little, "the" much */
		for (size_t q = i + 1; !all && q < suffix; q++)
			if (LEX_COMMON(s->tok[q].lex) > 1 && !HAS(&s->tok[q], W_DIR) && s->tok[q].h != phi_word_hash("old", 3) &&
			    s->tok[q].h != phi_word_hash("new", 3))
				score -= LEX_COMMON(s->tok[q].lex) == 3 ? 22 : 5;
		if (!all && k->len > 1 && LEX_COMMON(s->tok[suffix - 1].lex) < 2 && strong_suffix(&s->tok[suffix]))
			score += 12;
	} else if (dir && words >= 2 && s->tok[i + (j > i + 1 ? 1 : 0)].at) {
		/* 129 North Sycamore, apartment 3 */
		size_t q = i + 1;
		while (q < s->ntok && s->tok[q].type == T_NUM)
			q++;
		end = q + 2;
		if (end > s->ntok)
			return 0;
		score = s->tok[q + 1].flags & F_UP ? 36 : 15;
	} else
		return 0;
	if (punct(s, end, '.') && end < s->ntok && !(s->tok[end].flags & F_SPACE) && s->tok[end - 1].len <= 4 &&
	    end + 1 < s->ntok && (punct(s, end + 1, ',') || !(s->tok[end + 1].flags & F_UP)))
		end++;
	if (end < s->ntok && HAS(&s->tok[end], W_DIR) && !(s->tok[end].flags & F_NL) && s->tok[end].len <= 2)
		end++;
	end = unit(s, end, &score);
	end = unit(s, end, &score);
	end = tail(s, end, &score);
	if (phi_context(s, i, 4, 0) & s->phi->wc[W_ADDRLABEL])
		score += 25;
	if (score < 30)
		return 0;
	cand_add(s, k->at, end_of(s, end - 1), PHI_LOCATION, score > 97 ? 97 : score, s->phi->r_address);
	return score >= 50 ? end : 0;
}

static size_t
box(struct scan *s, size_t i)
{
	/* The class is set on "box" of PO Box, on RR, HC. */
	size_t j = i + 1, from = i;
	int score = 40;
	if (punct(s, j, '#') || punct(s, j, '.'))
		j++;
	if (j >= s->ntok || (s->tok[j].type != T_NUM && s->tok[j].type != T_MIX))
		return 0;
	while (from > 0 && !(s->tok[from].flags & F_NL) && i - from < 6 && (s->tok[from - 1].type == T_PUNCT ?
	    s->t[s->tok[from - 1].at] == '.' : ((s->tok[from - 1].len <= 2 && s->tok[from - 1].flags & F_UP) ||
	    s->tok[from - 1].h == phi_word_hash("po", 2) || s->tok[from - 1].h == phi_word_hash("office", 6) ||
	    s->tok[from - 1].h == phi_word_hash("post", 4)))) {
		from--;
		score = 86;
	}
	if (s->tok[i].len == 2)
		score = 20;              /* RR 16 is a rate of breathing until a box follows */
	j++;
	if (j + 1 < s->ntok && s->tok[j].h == phi_word_hash("box", 3) && s->tok[j + 1].type != T_PUNCT)
		j += 2, score = 88;
	j = tail(s, j, &score);
	if (score < 50)
		return 0;
	cand_add(s, s->tok[from].at, end_of(s, j - 1), PHI_LOCATION, score, s->phi->r_address);
	return j;
}

/* Town, ST 12345 around a state at token i. */
static void
town(struct scan *s, size_t i, size_t took)
{
	size_t from = i, words = 0;
	bool comma = i > 0 && punct(s, i - 1, ',');
	if (comma)
		from--;
	if (s->tok[i].flags & F_NL && !comma)
		from = i;
	else
		while (from > 0 && words < 3 && s->tok[from - 1].type == T_WORD && s->tok[from - 1].flags & F_UP &&
		    !HAS(&s->tok[from - 1], W_STREET) && !(s->tok[from - 1].ctx & s->phi->wc[W_ADDRLABEL])) {
			from--, words++;
			if (s->tok[from].flags & F_NL)
				break;
			if (from > 1 && punct(s, from - 1, '.') && s->tok[from - 2].len == 2 && s->tok[from - 2].flags & F_UP)
				from -= 2, words++;
		}
	size_t end = i + took;
	int score = 0;
	bool zip = is_zip(s, end);
	if (zip) {
		end++;
		if (punct(s, end, '-') && end + 1 < s->ntok && s->tok[end + 1].type == T_NUM && s->tok[end + 1].len == 4)
			end += 2;
	}
	bool abbr = s->tok[i].len == 2 && took == 1;
	if (words) {
		bool place = s->tok[from].lex & (LEX_PLACE | LEX_BIGPLACE) || phi_phrase(s, from, LEX_PLACES, NULL);
		score = place ? 70 : 40;
		if (comma && abbr)
			score += 20;
		else if (!comma && !zip)
			score -= abbr ? 10 : 30;
	} else if (zip)
		score = 60;
	if (zip)
		score += 25;
	if (score >= 50)
		cand_add(s, s->tok[from].at, words && !zip && !abbr ? end_of(s, i - (comma ? 2 : 1)) : end_of(s, end - 1), PHI_LOCATION,
		    score > 96 ? 96 : score, s->phi->r_citystate);
}

static void
facility(struct scan *s, size_t i)
{
	/* Token i is a capitalised head word. Left over capitals, of, the, &. */
	if (s->tok[i].h == phi_word_hash("children", 8) && !(s->tok[i].flags & F_POSS))
		return;
	size_t from = i, caps = 0, plain = 0;
	while (from > 0 && i - from < 10) {
		const struct tok *q = &s->tok[from - 1];
		if (s->tok[from].flags & F_NL)
			break;
		if (q->type == T_PUNCT) {
			char c = s->t[q->at];
			if (c == '&' || c == '-' || c == '\'' || (c == '.' && from > 1 && s->tok[from - 2].len <= 3 &&
			    s->tok[from - 2].flags & F_UP)) {
				from--;
				continue;
			}
			break;
		}
		if (q->type == T_WORD && (capital(s, q, 3) || (q->flags & F_UP && HAS(q, W_FACHEAD)))) {
			if (HAS(q, W_TITLE) && q->h != phi_word_hash("st", 2))
				break;
			from--;
			if (!HAS(q, W_FACHEAD) && !HAS(q, W_FACLABEL) && (LEX_COMMON(q->lex) < 3 || s->tok[from].len > 3) && !HAS(q, W_NOTNAME))
				caps++;
			else
				plain++;
			continue;
		}
		/* University of Utah Hospital: small words only between capitals. */
		if (q->len <= 3 && from > 1 && s->tok[from - 2].flags & F_UP && s->tok[from - 2].type == T_WORD &&
		    (q->h == phi_word_hash("of", 2) || q->h == phi_word_hash("the", 3) || q->h == phi_word_hash("and", 3)) &&
		    !(q->flags & F_NL)) {
			from--;
			continue;
		}
		break;
	}
	while (from < i && (s->tok[from].type == T_PUNCT || HAS(&s->tok[from], W_NOTNAME) ||
	    (LEX_COMMON(s->tok[from].lex) == 3 && s->tok[from].h != phi_word_hash("st", 2))))
		from++;
	size_t end = i + 1;
	while (end < s->ntok && !(s->tok[end].flags & F_NL) && s->tok[end].type == T_WORD && capital(s, &s->tok[end], 3) &&
	    end - i < 6 && !HAS(&s->tok[end], W_MONTH))
		end++;
	if (end + 1 < s->ntok && s->tok[end].h == phi_word_hash("of", 2) && s->tok[end + 1].flags & F_UP &&
	    s->tok[end + 1].type == T_WORD && !(s->tok[end].flags & F_NL)) {
		end += 2;
		while (end < s->ntok && s->tok[end].type == T_WORD && s->tok[end].flags & F_UP && !(s->tok[end].flags & F_NL) && end - i < 8)
			end++;
	}
	if (HAS(&s->tok[end - 1], W_COMPANY) && end - 1 > i)
		return;                 /* Johnson Medical Supply */
	bool behind = end > i + 1;
	int score = caps ? 64 : behind ? 42 : 20;
	(void)plain;
	if (s->tok[i].ctx & s->phi->wc[W_FACHEAD] && caps && s->tok[i].len > 5)
		score += 10;
	if (phi_context(s, from, 2, 0) & (s->phi->wc[W_FACPREP] | s->phi->wc[W_FACLABEL]))
		score += 12;
	if (from == i && !behind)
		return;
	if (score >= 45)
		cand_add(s, s->tok[from].at, end_of(s, end - 1), PHI_FACILITY, score, s->phi->r_facility);
}

/* at northwest orthopedic hospital: behind a preposition, in small letters, with a word that is not plain. */
static void
facility_small(struct scan *s, size_t i)
{
	size_t from = i, odd = 0;
	while (from > 0 && i - from < 4) {
		const struct tok *q = &s->tok[from - 1];
		if (s->tok[from].flags & F_NL || q->type != T_WORD || q->flags & (F_UP | F_POSS) || LEX_COMMON(q->lex) == 3)
			break;
		odd += !HAS(q, W_FACHEAD) && ((!LEX_COMMON(q->lex) && !(q->lex & LEX_MEDICAL)) || HAS(q, W_DIR));
		from--;
	}
	if (from == i || from == 0 || !odd || s->tok[from].flags & F_NL || s->tok[from - 1].type != T_WORD)
		return;
	uint64_t h = s->tok[from - 1].h;
	if (h == phi_word_hash("at", 2) || h == phi_word_hash("from", 4) || h == phi_word_hash("to", 2))
		cand_add(s, s->tok[from].at, end_of(s, i), PHI_FACILITY, 58, s->phi->r_facility);
}

/* Publix on Kirkman, Walgreens #4471, the Quest in Merced: which of many. */
static void
branch(struct scan *s, size_t i)
{
	size_t j = i + 1, end;
	while (j < s->ntok && s->tok[j].type == T_WORD && HAS(&s->tok[j], W_FACHEAD) && !(s->tok[j].flags & F_NL))
		j++;
	if (j >= s->ntok || s->tok[j].flags & F_NL)
		return;
	if ((punct(s, j, '#') && j + 1 < s->ntok && s->tok[j + 1].type == T_NUM) || (s->tok[j].type == T_NUM && s->tok[j].len > 2 &&
	    s->tok[j].len < 6 && s->tok[i].flags & F_UP && !(j + 1 < s->ntok && HAS(&s->tok[j + 1], W_QUANTITY))))
		end = j + (punct(s, j, '#') ? 2 : 1);
	else if (s->tok[j].type == T_WORD && s->tok[j].len == 2 && (s->tok[j].h == phi_word_hash("on", 2) ||
	    s->tok[j].h == phi_word_hash("in", 2) || s->tok[j].h == phi_word_hash("at", 2))) {
		const struct tok *k = &s->tok[j + 1];
		if (j + 1 >= s->ntok || k->flags & F_NL || k->type == T_PUNCT || k->ctx & (s->phi->wc[W_MONTH] | s->phi->wc[W_WEEKDAY]))
			return;
		bool ordinal = k->type == T_MIX && is_digit((unsigned char)s->t[k->at]) && k->len < 6;
		bool street_ = j + 2 < s->ntok && HAS(&s->tok[j + 2], W_STREET) && !(s->tok[j + 2].flags & F_NL) && k->type == T_WORD &&
		    LEX_COMMON(k->lex) < 3;
		if (!ordinal && !street_ && !(k->type == T_WORD && (k->flags & F_UP || k->lex & (LEX_PLACE | LEX_WORLD)) && LEX_COMMON(k->lex) < 2))
			return;
		end = j + 2;
		while (end < s->ntok && end < j + 4 && s->tok[end].type == T_WORD && !(s->tok[end].flags & F_NL) &&
		    (s->tok[end].flags & F_UP || HAS(&s->tok[end], W_STREET)))
			end++;
	} else
		return;
	cand_add(s, s->tok[i].at, end_of(s, end - 1), PHI_FACILITY, 72, s->phi->r_facility);
}

/* The tokens at which something may begin, some too many: see frames() of name.c. */
static size_t
starts(struct scan *s)
{
	const uint64_t classes = s->phi->wc[W_POBOX] | s->phi->wc[W_BRAND] | s->phi->wc[W_FACHEAD];
	static const uint64_t lex[2] = { LEX_PLACE_SOME, LEX_PLACE_SOME | LEX_PLACE_UP };
	_Static_assert(F_UP == 8 && T_NUM == 1 && T_MIX == 2, "as below");
	size_t n = 0;
	for (size_t i = 0; i < s->ntok; i++) {
		const struct tok *k = &s->tok[i];
		s->list[n] = (uint32_t)i;
		n += ((k->ctx & classes) | (k->lex & lex[k->flags >> 3 & 1]) | ((k->type + 1u) & 2)) != 0;      /* numbers and mixtures */
	}
	return n;
}

void
phi_places(struct scan *s)
{
	size_t skip = 0, took, count = starts(s);
	for (size_t q = 0; q < count; q++) {
		size_t i = s->list[q];
		const struct tok *k = &s->tok[i];
		if (k->type == T_PUNCT)
			continue;
		if (is_digit((unsigned char)s->t[k->at])) {
			if (i >= skip) {
				size_t end = address(s, i);
				if (end)
					skip = end;
			}
			continue;
		}
		if (HAS(k, W_POBOX)) {
			size_t end = box(s, i);
			if (end && end > skip)
				skip = end;
		}
		if (HAS(k, W_BRAND))
			branch(s, i);
		if (!(k->flags & F_UP) && HAS(k, W_FACHEAD) && k->len > 3 && !(i + 1 < s->ntok && HAS(&s->tok[i + 1], W_FACHEAD)))
			facility_small(s, i);
		/* the cedar falls clinic, in new bedford */
		if (!(k->flags & F_UP) && k->lex & LEX_PLACE_HEAD && i > 0 && !(k->flags & F_NL) && i + 1 < s->ntok && !(s->tok[i + 1].flags & F_UP) &&
		    (s->tok[i - 1].type == T_PUNCT ? s->t[s->tok[i - 1].at] == ',' : s->tok[i - 1].h == phi_word_hash("in", 2) ||
		    s->tok[i - 1].h == phi_word_hash("from", 4) || s->tok[i - 1].h == phi_word_hash("near", 4) ||
		    s->tok[i - 1].h == phi_word_hash("the", 3))) {
			size_t n = phi_phrase(s, i, LEX_PLACES, NULL);
			if (n > 1 && LEX_COMMON(s->tok[i + n - 1].lex) < 3 && !(LEX_COMMON(k->lex) > 1 && LEX_COMMON(s->tok[i + n - 1].lex) > 1))
				cand_add(s, k->at, end_of(s, i + n - 1), PHI_LOCATION, 56, s->phi->r_city);
		}
		/* im in yuma */
		if (!(k->flags & F_UP) && k->lex & (LEX_PLACE | LEX_WORLD | LEX_BIGPLACE) && k->len > 3 && i > 0 && !LEX_COMMON(k->lex) &&
		    !(k->lex & (LEX_STATE | LEX_COUNTRY | LEX_MEDICAL)) && (k->lex & LEX_BIGPLACE || (LEX_GIVEN(k->lex) < 3 && LEX_SUR(k->lex) < 4)) &&
		    s->tok[i - 1].type == T_WORD && !(k->flags & F_NL) && !(k->ctx & s->phi->wc[W_NOTNAME]) &&
		    (s->tok[i - 1].h == phi_word_hash("in", 2) || s->tok[i - 1].h == phi_word_hash("from", 4) ||
		    s->tok[i - 1].h == phi_word_hash("near", 4)))
			cand_add(s, k->at, k->at + k->len, PHI_LOCATION, 56, s->phi->r_city);
		if (!(k->flags & F_UP))
			continue;
		if (k->lex & (LEX_ABBR | LEX_STATE) || (k->lex & LEX_PLACE_HEAD && i + 1 < s->ntok && s->tok[i + 1].flags & F_UP))
			if (is_state(s, i, &took) && i >= skip)
				town(s, i, took);
		if (HAS(k, W_FACHEAD) && !(i + 1 < s->ntok && HAS(&s->tok[i + 1], W_FACHEAD) && s->tok[i + 1].flags & F_UP &&
		    !(s->tok[i + 1].flags & F_NL)))
			facility(s, i);
		if (k->lex & LEX_HOSP_HEAD) {
			size_t n = phi_phrase(s, i, LEX_HOSPITAL, NULL);
			if (n)
				cand_add(s, k->at, end_of(s, i + n - 1), PHI_FACILITY, 84, s->phi->r_hospital);
		}
		if (i >= skip && k->lex & LEX_PLACE_HEAD) {
			uint64_t got = 0;
			size_t n = phi_phrase(s, i, LEX_PLACES | LEX_STATE, &got);
			if (n && got & (LEX_BIGPLACE | LEX_WORLD))
				cand_add(s, k->at, end_of(s, i + n - 1), PHI_LOCATION, got & LEX_STATE ? 45 : 72, s->phi->r_city);
			else if (n && !(got & LEX_STATE) && s->tok[i + n - 1].flags & F_UP && phi_context(s, i, 2, 0) & s->phi->wc[W_LIVES])
				cand_add(s, k->at, end_of(s, i + n - 1), PHI_LOCATION, 64, s->phi->r_city);
		} else if (i >= skip && k->lex & (LEX_PLACE | LEX_WORLD | LEX_BIGPLACE) && !(k->lex & LEX_STATE && !(k->lex & LEX_BIGPLACE))) {
			int score = k->lex & LEX_BIGPLACE ? 60 : k->lex & LEX_WORLD ? 52 : 20;
			if (LEX_GIVEN(k->lex) > 3 || LEX_SUR(k->lex) > 4)
				score -= 20;
			if (LEX_COMMON(k->lex))
				score -= 25;
			if (i + 1 < s->ntok && s->tok[i + 1].type == T_NUM && !(s->tok[i + 1].flags & F_NL))
				score -= 25;    /* Glasgow 15 */
			if (phi_context(s, i, 2, 0) & s->phi->wc[W_LIVES])
				score += 30;
			if (score >= 50 && !(k->flags & F_POSS) && !HAS(k, W_NOTNAME))
				cand_add(s, k->at, k->at + k->len, PHI_LOCATION, score, s->phi->r_city);
		}
	}
}
