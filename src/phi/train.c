/* train.c - `phi train`: the weights of the tagger from texts with spans.
 *
 *   phi train [--rows N] [--epochs N] [--miss N] [--false N] --out MODEL FILE.jsonl...
 *
 * An averaged structured perceptron with margins: each text is decoded with the
 * present weights, a wrong tag made cheaper by its cost (a missed identifier
 * costs `miss`, a false one `false`), and where the result differs from the best
 * allowed sequence, the features of the latter are raised and those of the
 * former lowered. A token may have several allowed tags (a place that the
 * corpus does not label as PHI may be O or LOCATION): then the best of them
 * under the present weights is the truth. The order of the texts is a fixed
 * shuffle; with the same files the model is the same byte for byte.
 *
 * The averaged weights are cut to int8: the scale puts the 99.98th percentile
 * at 127, larger ones are clipped.
 */
#include "command.h"
#include "engine.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct doc { char *text; size_t n; struct { uint32_t at, end; uint16_t allowed_b, allowed_i; } *span; unsigned spans; };

#define ANY 0x7ffu
#define BIT(t) (1u << (t))

static struct doc *docs;
static size_t ndocs, docs_cap;

static int
tags_of(const char *label, const char *text, uint16_t *b, uint16_t *i)
{
	static const struct { const char *label; uint16_t b, i; } map[] = {
		{ "NAME", BIT(TAG_BNAME), BIT(TAG_INAME) }, { "LOCATION", BIT(TAG_BLOC), BIT(TAG_ILOC) },
		{ "FACILITY", BIT(TAG_BFAC), BIT(TAG_IFAC) }, { "DATE", BIT(TAG_BDATE), BIT(TAG_IDATE) },
		{ "AGE90", BIT(TAG_BDATE), BIT(TAG_IDATE) },
		{ "X_GPE", BIT(TAG_O) | BIT(TAG_BLOC), BIT(TAG_O) | BIT(TAG_ILOC) },
		{ "X_ORG", BIT(TAG_O) | BIT(TAG_BFAC), BIT(TAG_O) | BIT(TAG_IFAC) },
		{ "X_TITLE", BIT(TAG_O), BIT(TAG_O) }, { "X_AGE", BIT(TAG_O), BIT(TAG_O) }, { "X_NRP", BIT(TAG_O), BIT(TAG_O) },
		{ "X_MISC", BIT(TAG_O), BIT(TAG_O) },
		{ "EMAIL", ANY, ANY }, { "URL", ANY, ANY }, { "IP", ANY, ANY }, { "PHONE", ANY, ANY }, { "FAX", ANY, ANY },
		{ "SSN", ANY, ANY }, { "PHOTO", ANY, ANY }, { "X_SECRET", ANY, ANY },
	};
	for (size_t k = 0; k < COUNTOF(map); k++)
		if (!strcmp(map[k].label, label)) {
			*b = map[k].b, *i = map[k].i;
			return 0;
		}
	if (*text == '@')
		*b = *i = ANY;
	else
		*b = BIT(TAG_BID), *i = BIT(TAG_IID);
	return 0;
}

static bool
read_docs(const char *name)
{
	FILE *f = fopen(name, "r");
	char *line = NULL;
	size_t cap = 0;
	if (!f) {
		perror(name);
		return false;
	}
	while (getline(&line, &cap, f) >= 0) {
		json_t *d = json_loads(line, 0, NULL), *t = json_object_get(d, "text"), *ss = json_object_get(d, "spans"), *s;
		size_t k;
		if (!json_is_string(t) || json_string_length(t) == 0 || json_string_length(t) > 30000) {
			json_decref(d);
			continue;
		}
		if (ndocs == docs_cap) {
			docs_cap = docs_cap ? docs_cap * 2 : 4096;
			docs = realloc(docs, docs_cap * sizeof *docs);
			if (!docs)
				return false;
		}
		struct doc *q = &docs[ndocs++];
		*q = (struct doc){ .text = strdup(json_string_value(t)), .n = json_string_length(t) };
		q->span = calloc(json_array_size(ss) + 1, sizeof *q->span);
		json_array_foreach(ss, k, s) {
			const char *label = json_string_value(json_object_get(s, "label"));
			size_t at = (size_t)json_integer_value(json_object_get(s, "start")), end = (size_t)json_integer_value(json_object_get(s, "end"));
			if (!label || end > q->n || at >= end)
				continue;
			q->span[q->spans].at = (uint32_t)at, q->span[q->spans].end = (uint32_t)end;
			tags_of(label, q->text + at, &q->span[q->spans].allowed_b, &q->span[q->spans].allowed_i);
			q->spans++;
		}
		json_decref(d);
	}
	free(line);
	fclose(f);
	return true;
}

static uint32_t rows = 1u << 16;
static float *w, *u;                  /* rows * TAGS: weights, and what averaging subtracts */
static float tw[TAGS][TAGS], tu[TAGS][TAGS], sw[TAGS], su[TAGS];
static double steps = 1;

static bool
may_follow(int a, int b)
{
	return !(b && b % 2 == 0) || a == b || a == b - 1;
}

/* Best path under `allowed` (ANY: all), wrong tags helped by their costs. */
static void
decode(size_t n, const float *emit, const uint16_t *allowed, const uint16_t *gold, float miss, float wrong, uint8_t *path, uint8_t *back)
{
	float v[TAG_COUNT], next[TAG_COUNT];
	for (size_t i = 0; i < n; i++) {
		for (int t = 0; t < TAG_COUNT; t++) {
			float e = emit[i * TAGS + (size_t)t], best = -1e9f;
			int from = 0;
			if (allowed && !(allowed[i] & BIT(t)))
				e -= 1e6f;
			if (gold && !(gold[i] & BIT(t)))
				e += !t ? miss : gold[i] & 1 ? wrong : wrong * 0.7f;
			if (i == 0) {
				best = sw[t] + (t && t % 2 == 0 ? -1e5f : 0);
			} else
				for (int p = 0; p < TAG_COUNT; p++) {
					float c = v[p] + tw[p][t] - (may_follow(p, t) ? 0 : 1e5f);
					if (c > best)
						best = c, from = p;
				}
			next[t] = best + e;
			back[i * TAGS + (size_t)t] = (uint8_t)from;
		}
		memcpy(v, next, sizeof v);
	}
	int at = 0;
	for (int t = 1; t < TAG_COUNT; t++)
		if (v[t] > v[at])
			at = t;
	for (size_t i = n; i-- > 0;) {
		path[i] = (uint8_t)at;
		at = back[i * TAGS + (size_t)at];
	}
}

static void
gold_of(const struct scan *s, const struct doc *d, uint16_t *gold)
{
	unsigned k = 0;
	bool inside = false;
	for (size_t i = 0; i < s->ntok; i++) {
		size_t at = s->identity ? s->tok[i].at : s->map[s->tok[i].at];
		size_t last = s->tok[i].at + s->tok[i].len - 1u, end = (s->identity ? last : s->map[last]) + 1;
		while (k < d->spans && d->span[k].end <= at)
			k++, inside = false;
		if (k < d->spans && d->span[k].at < end) {
			gold[i] = inside ? d->span[k].allowed_i : d->span[k].allowed_b;
			/* The particle before the first token of a don't-care span may go on. */
			if (gold[i] & 1 && gold[i] != 1)
				gold[i] |= d->span[k].allowed_i | d->span[k].allowed_b;
			inside = true;
		} else
			gold[i] = BIT(TAG_O);
		/* Rigid identifiers are the rules' business. */
		if (gold[i] == BIT(TAG_O) && s->cover[i] && (s->cover[i] - 1 == PHI_EMAIL || s->cover[i] - 1 == PHI_URL ||
		    s->cover[i] - 1 == PHI_PHONE || s->cover[i] - 1 == PHI_IP || s->cover[i] - 1 == PHI_SSN || s->cover[i] - 1 == PHI_FAX))
			gold[i] = ANY;
	}
}

static void
update(const uint32_t *r, unsigned n, int tag, float by)
{
	for (unsigned k = 0; k < n; k++) {
		size_t at = (size_t)r[k] * TAGS + (size_t)tag;
		w[at] += by;
		u[at] += by * (float)steps;
	}
}

static int
by_size(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;
	return x < y ? -1 : x > y;
}

static bool
save(const char *name, bool average)
{
	size_t n = (size_t)rows * TAGS;
	float *avg = malloc(n * sizeof *avg), *abs_ = malloc(n * sizeof *abs_);
	size_t used = 0;
	if (!avg || !abs_)
		return false;
	for (size_t i = 0; i < n; i++) {
		avg[i] = average ? w[i] - u[i] / (float)steps : w[i];
		if (avg[i] != 0)
			abs_[used++] = avg[i] < 0 ? -avg[i] : avg[i];
	}
	qsort(abs_, used, sizeof *abs_, by_size);
	float top = used ? abs_[(size_t)((double)(used - 1) * 0.9998)] : 1, scale = 127 / top;
	unsigned char *b = calloc(1, 576 + n);
	if (!b)
		return false;
	memcpy(b, "PHIMOD1\n", 8);
	uint32_t version = 1;
	memcpy(b + 8, &version, 4);
	memcpy(b + 12, &rows, 4);
	int16_t unit = (int16_t)(scale * 2.5f + 0.5f), v;
	if (unit < 1)
		unit = 1;
	memcpy(b + 24, &unit, 2);
	for (int i = 0; i < TAGS; i++) {
		float x = average ? sw[i] - su[i] / (float)steps : sw[i];
		v = i >= TAG_COUNT || (i && i % 2 == 0) ? -6000 : (int16_t)(x * scale);
		memcpy(b + 32 + i * 2, &v, 2);
		for (int j = 0; j < TAGS; j++) {
			x = average ? tw[i][j] - tu[i][j] / (float)steps : tw[i][j];
			v = i >= TAG_COUNT || j >= TAG_COUNT || !may_follow(i, j) ? -6000 : (int16_t)(x * scale);
			memcpy(b + 64 + (i * TAGS + j) * 2, &v, 2);
		}
	}
	for (size_t i = 0; i < n; i++) {
		float x = avg[i] * scale;
		x += x < 0 ? -0.5f : 0.5f;
		b[576 + i] = (unsigned char)(int8_t)(x > 127 ? 127 : x < -127 ? -127 : x);
	}
	uint64_t lane[4] = { 1, 2, 3, 4 }, sum = 1, word;
	for (size_t i = 24; i + 8 <= 576 + n; i += 8) {
		memcpy(&word, b + i, 8);
		lane[i / 8 & 3] = phi_mix(lane[i / 8 & 3], word);
	}
	for (int k = 0; k < 4; k++)
		sum = phi_mix(sum, lane[k]);
	memcpy(b + 16, &sum, 8);
	FILE *f = fopen(name, "wb");
	bool ok = f && fwrite(b, 1, 576 + n, f) == 576 + n;
	if (!f || fclose(f) != 0 || !ok) {
		perror(name);
		ok = false;
	}
	free(avg), free(abs_), free(b);
	return ok;
}

int
command_train(int argc, char **argv)
{
	const char *out = NULL;
	unsigned epochs = 6;
	float miss = 8, wrong = 3;
	for (int i = 0; i < argc; i++) {
		if (argv[i][0] != '-') {
			if (!read_docs(argv[i]))
				return 1;
			continue;
		}
		if (i + 1 == argc)
			return fprintf(stderr, "phi: %s needs a value\n", argv[i]), 2;
		const char *o = argv[i], *v = argv[++i];
		if (!strcmp(o, "--out")) out = v;
		else if (!strcmp(o, "--rows")) rows = (uint32_t)strtoul(v, NULL, 10);
		else if (!strcmp(o, "--epochs")) epochs = (unsigned)strtoul(v, NULL, 10);
		else if (!strcmp(o, "--miss")) miss = strtof(v, NULL);
		else if (!strcmp(o, "--false")) wrong = strtof(v, NULL);
		else
			return fprintf(stderr, "phi: train: unknown option %s\n", o), 2;
	}
	if (!out || ndocs == 0 || rows < 256 || rows & (rows - 1) || rows > 1u << 22 || epochs == 0)
		return fputs("phi: train needs --out MODEL and FILE.jsonl..., --rows a power of two\n", stderr), 2;
	struct phi *p;
	char why[200];
	if (phi_open(NULL, &p, why, sizeof why) != PHI_OK)
		return fprintf(stderr, "phi: %s\n", why), 3;
	size_t n = (size_t)rows * TAGS, cap = 0;
	w = calloc(n, sizeof *w);
	u = calloc(n, sizeof *u);
	uint32_t *order = malloc(ndocs * sizeof *order), *feat = NULL;
	uint8_t *count = NULL, *path = NULL, *truth = NULL, *back = NULL;
	uint16_t *gold = NULL;
	float *emit = NULL;
	if (!w || !u || !order)
		return 3;
	for (size_t i = 0; i < ndocs; i++)
		order[i] = (uint32_t)i;
	uint64_t rnd = 88172645463325252ull;
	struct scan *s = phi_scratch(p);
	for (unsigned e = 0; e < epochs; e++) {
		size_t wrong_tags = 0, tags = 0, bytes = 0;
		clock_t from = clock();
		for (size_t i = ndocs; i > 1; i--) {
			rnd ^= rnd << 13, rnd ^= rnd >> 7, rnd ^= rnd << 17;
			size_t j = rnd % i;
			uint32_t t = order[i - 1];
			order[i - 1] = order[j];
			order[j] = t;
		}
		for (size_t q = 0; q < ndocs; q++) {
			const struct doc *d = &docs[order[q]];
			s->o = (struct phi_opts){ .size = sizeof s->o };
			if (!phi_window(s, d->text, d->n))
				return 3;
			size_t k = s->ntok;
			if (k == 0)
				continue;
			if (k > cap) {
				cap = k * 2;
				free(feat), free(count), free(path), free(truth), free(back), free(gold), free(emit);
				feat = malloc(cap * FEATURES_MAX * sizeof *feat);
				count = malloc(cap), path = malloc(cap), truth = malloc(cap), back = malloc(cap * TAGS);
				gold = malloc(cap * sizeof *gold);
				emit = malloc(cap * TAGS * sizeof *emit);
				if (!feat || !count || !path || !truth || !back || !gold || !emit)
					return 3;
			}
			for (size_t i = 0; i < k; i++) {
				float *x = emit + i * TAGS;
				uint32_t *r = feat + i * FEATURES_MAX;
				count[i] = (uint8_t)phi_features(s, i, r, rows - 1);
				for (int t = 0; t < TAGS; t++)
					x[t] = 0;
				for (unsigned j = 0; j < count[i]; j++)
					for (int t = 0; t < TAGS; t++)
						x[t] += w[(size_t)r[j] * TAGS + (size_t)t];
			}
			gold_of(s, d, gold);
			decode(k, emit, NULL, gold, miss, wrong, path, back);
			decode(k, emit, gold, NULL, 0, 0, truth, back);
			steps++;
			for (size_t i = 0; i < k; i++) {
				tags++;
				if (path[i] != truth[i]) {
					wrong_tags++;
					update(feat + i * FEATURES_MAX, count[i], truth[i], 1);
					update(feat + i * FEATURES_MAX, count[i], path[i], -1);
				}
				int pa = i ? path[i - 1] : -1, ta = i ? truth[i - 1] : -1;
				if (pa == ta && path[i] == truth[i])
					continue;
				if (i == 0) {
					sw[truth[i]] += 1, su[truth[i]] += (float)steps;
					sw[path[i]] -= 1, su[path[i]] -= (float)steps;
				} else {
					tw[ta][truth[i]] += 1, tu[ta][truth[i]] += (float)steps;
					tw[pa][path[i]] -= 1, tu[pa][path[i]] -= (float)steps;
				}
			}
			bytes += d->n;
		}
		double took = (double)(clock() - from) / CLOCKS_PER_SEC;
		fprintf(stderr, "epoch %u: %zu texts, %zu tags, %.3f %% updated, %.1f MB/s\n", e + 1, ndocs, tags,
		    100.0 * (double)wrong_tags / (double)tags, (double)bytes / took / 1e6);
	}
	phi_close(p);
	free(order), free(feat), free(count), free(path), free(truth), free(back), free(gold), free(emit);
	bool ok = save(out, true);
	free(w), free(u);
	return ok ? 0 : 1;
}
