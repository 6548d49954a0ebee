/* module: phi max_len=20000 */
/* A set of known values that was damaged on its way is refused; what is
 * accepted can be asked, and saved again to the same bytes. The first byte
 * chooses a good set to be damaged, and that its sum is made right again, so
 * that more than the sum is reached. */
#include "phi.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct text { char *p; size_t n, cap; };

static int
add(void *arg, const char *p, size_t n)
{
	struct text *t = arg;
	if (t->n + n > t->cap) {
		t->cap = (t->n + n) * 2;
		t->p = realloc(t->p, t->cap);
		assert(t->p);
	}
	if (n)
		memcpy(t->p + t->n, p, n);
	t->n += n;
	return 0;
}

static int none(void *arg, const struct phi_finding *f) { (void)arg; return f->len == 0; }

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct phi *p;
	static struct text good;
	if (!p) {
		struct phi_known *k = phi_known_new();
		if (phi_open(NULL, &p, NULL, 0) != PHI_OK || !k || phi_known_add(k, PHI_NAME, "Quill Mondo Zorander", 20) != PHI_OK ||
		    phi_known_add(k, PHI_MRN, "AB-12 34", 8) != PHI_OK || phi_known_allow(k, "desk@clinic.example", 19) != PHI_OK ||
		    !(good.p = malloc(phi_known_size(k))))
			abort();
		good.n = phi_known_size(k);
		phi_known_save(k, good.p);
		phi_known_free(k);
	}
	if (size == 0)
		return 0;
	struct text in = { 0 }, out = { 0 };
	if (data[0] & 1) {
		/* Pairs: how far to go on, what to write there. */
		add(&in, good.p, good.n);
		for (size_t i = 1, at = 0; i + 2 < size; i += 3) {
			at = (at + data[i] + (size_t)data[i + 1] * 256) % in.n;
			in.p[at] = (char)data[i + 2];
		}
		if (data[0] & 2)
			crypto_generichash((unsigned char *)in.p + in.n - 16, 16, (unsigned char *)in.p, in.n - 16, NULL, 0);
	} else
		add(&in, (const char *)data + 1, size - 1);
	struct phi_known *k;
	if (phi_known_load(in.p, in.n, &k) == PHI_OK) {
		struct phi_opts o = { .size = sizeof o, .known = k };
		static const char text[] = "quill m. zorander has ab1234, desk@clinic.example";
		assert(phi_scan_opts(p, &o, text, sizeof text - 1, none, NULL) == PHI_OK);
		out.p = malloc(out.n = phi_known_size(k));
		assert(out.p);
		phi_known_save(k, out.p);
		assert(out.n == in.n && !memcmp(out.p, in.p, in.n));
		phi_known_free(k);
	} else
		assert(!k);
	free(in.p);
	free(out.p);
	return 0;
}
