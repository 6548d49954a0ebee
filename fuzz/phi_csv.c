/* module: phi */
/* A CSV record that is accepted, put together again cell by cell, is cut into
 * the same cells; the reader's rows are the input, in order. */
#include "phi/command.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct row a = { 0 }, b = { 0 };
	struct text t = { 0 }, row = { 0 }, all = { 0 };
	if (size == 0)
		return 0;
	char delimiter = ",;\t|"[data[0] & 3];
	FILE *f = fmemopen((void *)(uintptr_t)data, size, "rb");
	struct reader r = { .f = f };
	assert(f);
	for (enum got g; (g = read_row(&r, &row)) != GOT_NONE;) {
		assert(g == GOT_ONE && row.n > 0);
		text_add(&all, row.p, row.n);
		if (csv_cut(&a, row.p, row.n, delimiter))
			continue;
		t.n = 0;
		for (unsigned i = 0; i < a.cells; i++) {
			if (i)
				text_add(&t, &delimiter, 1);
			csv_put(&t, a.cell[i].p, a.cell[i].n, a.cell[i].quoted, delimiter);
		}
		text_add(&t, "\r\n", 2);
		assert(!csv_cut(&b, t.p, t.n, delimiter) && b.cells == a.cells);
		for (unsigned i = 0; i < a.cells; i++)
			assert(a.cell[i].n == b.cell[i].n && !memcmp(a.cell[i].p, b.cell[i].p, a.cell[i].n));
	}
	assert(all.n == size && !memcmp(all.p, data, size) && r.at == size);
	reader_done(&r);
	fclose(f);
	csv_done(&a), csv_done(&b);
	text_free(&t), text_free(&row), text_free(&all);
	return 0;
}
