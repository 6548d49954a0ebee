/* decode.h - the inner loops of the tagger; tagger.c includes it once for each
 * kind of processor, with DECODE(name) a name of its own.
 */
#ifndef PHI_DECODE
#define PHI_DECODE
typedef int8_t row8 __attribute__((vector_size(16)));
typedef int16_t half __attribute__((vector_size(16)));

#ifdef __SSE2__
#define MAX(a, b) (half)_mm_max_epi16((__m128i)(a), (__m128i)(b))
#else
#define MAX(a, b) (((a) & ((a) > (b))) | ((b) & ~((a) > (b))))
#endif
#endif

/* Macros, since vectors of 32 bytes as arguments have no fixed ABI without AVX. */
#undef ADD
#ifdef DECODE_AVX2
#define ADD(sum, t, r) do { \
	__m128i v8_; \
	memcpy(&v8_, (t)->row + (size_t)((r) & (t)->mask) * TAGS, sizeof v8_); \
	(sum) += (tagvec)_mm256_cvtepi8_epi16(v8_); \
} while (0)
#else
#define ADD(sum, t, r) do { \
	row8 v8_; \
	memcpy(&v8_, (t)->row + (size_t)((r) & (t)->mask) * TAGS, sizeof v8_); \
	(sum) += __builtin_convertvector(v8_, tagvec); \
} while (0)
#endif

#undef FILL
/* `c->at` from the rows of alone_rows(). */
#define FILL(t, r, c) do { \
	static const uint8_t rows_[5] = { 2, 6, 8, 6, 2 }; \
	const uint32_t *r_ = (r); \
	for (int d_ = 0; d_ < 5; d_++) { \
		tagvec sum_ = { 0 }; \
		for (unsigned k_ = rows_[d_]; k_ > 0; k_--) \
			ADD(sum_, t, *r_++); \
		(c)->at[d_] = sum_; \
	} \
} while (0)

/* Eleven adds and maxima a token, on halves of eight lanes, which every
 * processor compares at once. Which tag each score came from is not noted: the
 * scores are kept, and on the way back the one tag that was taken is asked. */
static void
DECODE(viterbi)(struct scan *s, const struct tagger *t)
{
	size_t n = s->ntok;
	half low = { -9000, -9000, -9000, -9000, -9000, -9000, -9000, -9000 }, va, vb, trans[TAG_COUNT][2], e[2], start[2];
	int16_t (*score)[TAGS] = s->score;
	memcpy(e, &s->emit[0], sizeof e);
	memcpy(trans, t->trans, sizeof trans);
	memcpy(start, &t->start, sizeof start);
	va = e[0] + start[0], vb = e[1] + start[1];
	for (size_t i = 1; i < n; i++) {
		int16_t *v = score[i - 1], base = va[0];
		va -= base, vb -= base;
		va = MAX(va, low), vb = MAX(vb, low);
		memcpy(v, &va, 16), memcpy(v + 8, &vb, 16);
		half ba = trans[0][0] + v[0], bb = trans[0][1] + v[0];
#pragma GCC unroll 11
		for (int p = 1; p < TAG_COUNT; p++) {
			half ca = trans[p][0] + v[p], cb = trans[p][1] + v[p];
			ba = MAX(ba, ca), bb = MAX(bb, cb);
		}
		memcpy(e, &s->emit[i], sizeof e);
		va = ba + e[0], vb = bb + e[1];
	}
	int16_t v[TAGS];
	memcpy(v, &va, 16), memcpy(v + 8, &vb, 16);
	int at = 0;
	for (int k = 1; k < TAG_COUNT; k++)
		if (v[k] > v[at])
			at = k;
	/* From each tag, to `at`: transposed. Lanes without a tag never win. */
	half from[TAG_COUNT][2], tags = { -1, -1, -1 };      /* of the second half; the first is full */
	for (int k = 0; k < TAG_COUNT; k++)
		for (int p = 0; p < TAGS; p++)
			from[k][p / 8][p % 8] = p < TAG_COUNT ? t->trans[p][k] : 0;
	for (size_t i = n; i-- > 0;) {
		s->tag[i] = (uint8_t)at;
		if (i == 0)
			break;
		half a, b;
		memcpy(&a, score[i - 1], 16), memcpy(&b, score[i - 1] + 8, 16);
		a += from[at][0], b += from[at][1];
		int16_t c[TAGS];
		memcpy(c, &a, 16), memcpy(c + 8, &b, 16);
		/* The first of the best, nearly always O. */
		half ma = a > c[0], mb = (b > c[0]) & tags;
		uint64_t any[2];
		ma |= mb;
		memcpy(any, &ma, 16);
		int best = 0;
		if (any[0] | any[1])
			for (int k = 1; k < TAG_COUNT; k++)
				best = c[k] > c[best] ? k : best;
		at = best;
	}
}

/* The scores of each token for each tag, then the best sequence of tags.
 *
 * Tokens go through in blocks, each block in several loops: what a loop will
 * need is asked for by the one before it, so that memory works on many rows at
 * once instead of on one after the other. */
static void
DECODE(decode)(struct scan *s, const struct tagger *t)
{
	size_t n = s->ntok;
	tagvec bias = { 0 };
	for (int k = 1; k < TAG_COUNT; k++)
		bias[k] = (int16_t)(s->o.recall * t->unit / 8);
	for (size_t i = 0; i < n; i++)
		s->emit[i] = bias;
	struct sig out, ring[BLOCK + 4];            /* of tokens from - 4 .. from + BLOCK - 1, from its begin */
	uint32_t rows[BLOCK][ALONE > PAIRS ? ALONE : PAIRS];
	uint64_t key[BLOCK];
	bool asked[BLOCK];
	signature(s, SIZE_MAX, &out);
	for (int k = 0; k < 4; k++)
		ring[k] = out;
	/* Beyond the ends of the text stands the same nothing for every text. */
	for (size_t from = 0; from < n + 2; from += BLOCK) {
		struct sig *g = ring + 4;
		size_t to = n - from < BLOCK ? n - from : BLOCK, end = to;
		if (from > n)
			to = end = 0;
		/* Each word gives to itself and its neighbours. */
		for (size_t i = 0; i < to; i++) {
			signature(s, from + i, &g[i]);
			key[i] = phi_mix(phi_mix(g[i].w, g[i].ls), g[i].ctx) | 1;
			const char *c = (const char *)&s->vecs[key[i] >> 30 & (VEC_SLOTS - 1)];
			__builtin_prefetch(c), __builtin_prefetch(c + 64), __builtin_prefetch(c + 128);
		}
		for (; end < BLOCK && from + end < n + 2; end++)
			g[end] = out;
		for (size_t i = 0; i < to; i++) {
			asked[i] = s->vecs[key[i] >> 30 & (VEC_SLOTS - 1)].key != key[i];
			if (asked[i]) {
				alone_rows(&g[i], rows[i]);
				for (unsigned k = 0; k < ALONE; k++)
					PREFETCH(t, rows[i][k]);
			}
		}
		for (size_t i = 0; i < to; i++) {
			struct vcache *c = &s->vecs[key[i] >> 30 & (VEC_SLOTS - 1)];
			if (c->key != key[i]) {
				if (!asked[i])       /* driven out by one of this block */
					alone_rows(&g[i], rows[i]);
				c->key = key[i];
				FILL(t, rows[i], c);
			}
			/* at[d + 2]: as the word d places behind the one looked at. */
			size_t at = from + i;
			if (at >= 2 && at + 2 < n) {
				for (int d = 0; d < 5; d++)
					s->emit[at + 2 - (size_t)d] += c->at[d];
			} else
				for (int d = -2; d <= 2; d++)
					if (at >= (size_t)(d > 0 ? d : 0) && at - (size_t)d < n)
						s->emit[at - (size_t)d] += c->at[d + 2];
		}
		/* Pairs of words, up to the last whose next ones are known: those from - 2 on. */
		size_t first = from >= 2 ? 0 : 2 - from;
		for (size_t i = first; i < end; i++) {
			const struct sig *b = &g[i] - 2;
			pair_rows(s, from + i - 2, b - 2, b - 1, b, b + 1, rows[i]);
			for (unsigned k = 0; k < PAIRS; k++)
				PREFETCH(t, rows[i][k]);
		}
		for (size_t i = first; i < end; i++) {
			tagvec sum = { 0 };
			for (unsigned k = 0; k < PAIRS; k++)
				ADD(sum, t, rows[i][k]);
			s->emit[from + i - 2] += sum;
		}
		memcpy(ring, ring + BLOCK, 4 * sizeof *ring);
	}
	struct vcache nothing;
	alone_rows(&out, rows[0]);
	FILL(t, rows[0], &nothing);
	for (int d = -2; d <= 2; d++)
		for (int q = 1; q <= (d < 0 ? -d : d); q++) {
			size_t i = d < 0 ? (size_t)(q - 1) : n - (size_t)q;
			if (i < n)
				s->emit[i] += nothing.at[d + 2];
		}
	DECODE(viterbi)(s, t);
}
