/* module: phi */
/* Redaction writes the text with exactly the findings replaced: what stands
 * between them is unchanged, and of a finding itself nothing is left but what
 * the style allows. */
#include "phi.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct text { char *p; size_t n, cap; };

static int
add(void *arg, const char *p, size_t n)
{
	struct text *t = arg;
	if (n == 0)
		return 0;
	if (t->n + n > t->cap) {
		t->cap = (t->n + n) * 2;
		t->p = realloc(t->p, t->cap);
		assert(t->p);
	}
	memcpy(t->p + t->n, p, n);
	t->n += n;
	return 0;
}

struct expect { const struct phi *phi; const struct phi_redact_opts *o; const char *text; size_t size, at; struct text out; };

static int
piece(void *arg, const struct phi_finding *f)
{
	struct expect *e = arg;
	struct text one = { 0 };
	add(&e->out, e->text + e->at, f->at - e->at);
	assert(phi_replace(e->phi, e->o, e->text, e->size, f, add, &one) == PHI_OK);
	if (e->o->style == PHI_STYLE_MASK)
		for (size_t i = 0; i < one.n; i++)
			assert(one.p[i] == 'X' || !((one.p[i] >= '0' && one.p[i] <= '9') || (one.p[i] >= 'A' && one.p[i] <= 'Z') ||
			    (one.p[i] >= 'a' && one.p[i] <= 'z') || (unsigned char)one.p[i] >= 0x80));
	if (e->o->style == PHI_STYLE_LABEL && !e->o->safe_harbor)
		assert(one.n > 2 && one.p[0] == '[' && one.p[one.n - 1] == ']');
	add(&e->out, one.p, one.n);
	free(one.p);
	e->at = f->at + f->len;
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct phi *p;
	if (!p && phi_open(NULL, &p, NULL, 0) != PHI_OK)
		abort();
	if (size < 2)
		return 0;
	struct phi_redact_opts o = { .size = sizeof o, .style = (enum phi_style)(data[0] % 5), .safe_harbor = data[0] >> 7, .key = data[1] };
	struct text got = { 0 };
	struct expect e = { .phi = p, .o = &o, .text = (const char *)data + 2, .size = size - 2 };
	assert(phi_redact(p, &o, e.text, e.size, add, &got) == PHI_OK);
	assert(phi_scan(p, e.text, e.size, piece, &e) == PHI_OK);
	add(&e.out, e.text + e.at, e.size - e.at);
	assert(got.n == e.out.n && (got.n == 0 || !memcmp(got.p, e.out.p, got.n)));
	free(got.p);
	free(e.out.p);
	return 0;
}
