/* module: phi */
/* Redaction takes out all that a scan finds: the pieces it reports fit
 * together, what stands between them is unchanged, every finding lies in one
 * of them, of what was replaced nothing is left but what the style allows, and
 * the output scanned again finds no value that was found before. With PHI_ONCE
 * it is the scan's findings, exactly, and a stream of it writes the same. */
#include "phi.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct text { char *p; size_t n, cap; };
struct moves { struct phi_moved *m; size_t n, cap; };
struct founds { struct phi_finding *f; size_t n, cap; };

static void
room(void *p, size_t *cap, size_t need, size_t size)
{
	if (need > *cap) {
		*cap = need * 2;
		*(void **)p = realloc(*(void **)p, *cap * size);
		assert(*(void **)p);
	}
}

static int
add(void *arg, const char *p, size_t n)
{
	struct text *t = arg;
	room(&t->p, &t->cap, t->n + n + 1, 1);
	memcpy(t->p + t->n, p, n);
	t->n += n;
	return 0;
}

static int
move(void *arg, const struct phi_moved *m)
{
	struct moves *v = arg;
	room(&v->m, &v->cap, v->n + 1, sizeof *v->m);
	v->m[v->n++] = *m;
	return 0;
}

static int
note(void *arg, const struct phi_finding *f)
{
	struct founds *v = arg;
	room(&v->f, &v->cap, v->n + 1, sizeof *v->f);
	v->f[v->n++] = *f;
	return 0;
}

static int
alnum(unsigned char c)
{
	return c >= 0x80 || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

static size_t
folded(const char *p, size_t n, char *to)
{
	size_t k = 0;
	for (size_t i = 0; i < n; i++)
		if (alnum((unsigned char)p[i]))
			to[k++] = (char)((unsigned char)p[i] < 0x80 && (p[i] | 32) >= 'a' ? p[i] | 32 : p[i]);
	return k;
}

/* The values of the text's pieces: is this one of them? */
static int
was_found(const char *text, const struct moves *v, const char *p, size_t n)
{
	char *a = malloc(n + 1), *b;
	size_t an = folded(p, n, a), hit = 0;
	for (size_t i = 0; i < v->n && !hit; i++) {
		b = malloc(v->m[i].old_len + 1);
		size_t bn = folded(text + v->m[i].old_at, v->m[i].old_len, b);
		hit = an == bn && !memcmp(a, b, an);
		free(b);
	}
	free(a);
	return hit != 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct phi *p;
	if (!p && phi_open(NULL, &p, NULL, 0) != PHI_OK)
		abort();
	if (size < 2)
		return 0;
	const char *text = (const char *)data + 2;
	size -= 2;
	struct text got = { 0 };
	struct moves v = { 0 };
	struct founds f = { 0 }, again = { 0 };
	struct phi_redact_opts o = { .size = sizeof o, .style = (enum phi_style)((data[0] & 0x7f) % 5), .safe_harbor = data[0] >> 7,
		.key = data[1], .flags = data[1] & 1 ? PHI_ONCE : 0, .moved = move, .moved_arg = &v };
	enum phi_err e = phi_redact(p, &o, text, size, add, &got);
	/* So odd a text that rounds do not end it: an error, nothing written. */
	assert(e == PHI_OK || (e == PHI_LIMIT && got.n == 0));
	assert(phi_scan(p, text, size, note, &f) == PHI_OK);
	size_t at = 0, to = 0, k = 0;
	for (size_t i = 0; e == PHI_OK && i <= v.n; i++) {
		size_t end = i < v.n ? v.m[i].old_at : size, new_end = i < v.n ? v.m[i].new_at : got.n;
		assert(end >= at && end <= size && new_end >= to && new_end <= got.n && end - at == new_end - to);
		assert(end == at || !memcmp(text + at, got.p + to, end - at));
		if (i == v.n)
			break;
		at = end + v.m[i].old_len, to = new_end + v.m[i].new_len;
		assert(at <= size && to <= got.n);
		const char *one = got.p + new_end;
		size_t n = v.m[i].new_len;
		if (o.style == PHI_STYLE_MASK)
			for (size_t j = 0; j < n; j++)
				assert(one[j] == 'X' || !alnum((unsigned char)one[j]));
		if (o.style == PHI_STYLE_LABEL && !o.safe_harbor)
			assert(n > 2 && one[0] == '[' && one[n - 1] == ']');
		if (o.style == PHI_STYLE_SURROGATE) {
			struct moves mine = { &v.m[i], 1, 1 };
			char *z = malloc(v.m[i].old_len + 1);
			assert(folded(text + v.m[i].old_at, v.m[i].old_len, z) == 0 || !was_found(text, &mine, one, n));
			free(z);
		}
		/* The scan's findings lie in the pieces, and with PHI_ONCE are them. */
		for (; k < f.n && f.f[k].at < at; k++)
			assert(f.f[k].at >= end && f.f[k].at + f.f[k].len <= at);
		if (o.flags & PHI_ONCE)
			assert(k == i + 1 && f.f[i].at == end && f.f[i].len == v.m[i].old_len);
	}
	assert(e != PHI_OK || k == f.n);
	if (e == PHI_OK && !(o.flags & PHI_ONCE)) {
		/* What stands in a replacement is ours; what touches text that stayed must be new. */
		assert(phi_scan(p, got.p ? got.p : "", got.n, note, &again) == PHI_OK);
		for (size_t i = 0, j = 0; i < again.n; i++) {
			size_t a = again.f[i].at, z = a + again.f[i].len;
			while (j < v.n && v.m[j].new_at + v.m[j].new_len <= a)
				j++;
			if (j < v.n && v.m[j].new_at <= a && v.m[j].new_at + v.m[j].new_len >= z)
				continue;
			assert(!was_found(text, &v, got.p + a, z - a));
		}
	}
	if (e == PHI_OK && o.flags & PHI_ONCE) {
		struct text piece = { 0 };
		struct phi_stream *s;
		o.moved = NULL;
		assert(phi_stream_new(p, &o, NULL, add, &piece, &s) == PHI_OK);
		for (size_t i = 0; i < size;) {
			size_t n = (size_t)data[1] % 97 + 1 < size - i ? (size_t)data[1] % 97 + 1 : size - i;
			assert(phi_stream_write(s, text + i, n) == PHI_OK);
			i += n;
		}
		assert(phi_stream_end(s) == PHI_OK);
		phi_stream_free(s);
		assert(piece.n == got.n && (got.n == 0 || !memcmp(piece.p, got.p, got.n)));
		free(piece.p);
	}
	free(got.p);
	free(v.m);
	free(f.f);
	free(again.f);
	return 0;
}
