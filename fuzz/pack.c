/* module: base */
/* A record has one encoding: what pack_next() reads, pack_put() writes again
 * byte for byte, up to the place where the bytes stop being a record. Values
 * lie inside the input. The other readers of base get the same bytes. */
#include <assert.h>

#include "base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
packs_again_the_same(struct arena *a, str all)
{
	str rest = all, value;
	struct buf b;
	uint8_t tag;

	buf_init(&b, a, all.n);
	while (pack_next(&rest, &tag, &value)) {
		assert(value.n == 0 || (value.p >= all.p && value.p + value.n <= all.p + all.n));
		pack_put(&b, tag, value);
	}
	assert(!b.over);
	assert(b.n + rest.n == all.n);
	assert(str_eq(buf_str(&b), str_sub(all, 0, b.n)));
}

static void
texts_there_and_back(struct arena *a, str all)
{
	struct buf b;
	str out, mended = utf8_mend(a, all);
	usec t, again;
	int64_t v;

	assert(utf8_valid(mended));
	assert(utf8_count(mended) == utf8_count(all));
	assert(base64_to(a, base64_of(a, all), &out) && str_eq(out, all));
	assert(base64_to(a, base64url_of(a, all), &out) && str_eq(out, all));
	if (base64_to(a, all, &out)) {
		/* One text per alphabet, with or without its padding. */
		str plain = base64_of(a, out), url = base64url_of(a, out);

		assert(str_eq(str_sub(plain, 0, url.n), str_sub(all, 0, url.n)) ||
		    str_eq(url, str_sub(all, 0, url.n)));
		assert(all.n == url.n || all.n == plain.n);
	}
	buf_init(&b, a, 3 * all.n);
	buf_percent(&b, all);
	assert(!b.over && percent_to(a, buf_str(&b), false, &out) && str_eq(out, all));
	if (time_parse(all, &t)) {
		/* Years 0 to 9999, less or more an offset of a day. */
		assert(time_unix(t) >= -62167219200 - 86400 && time_unix(t) <= 253402300799 + 86400);
		if (time_unix(t) >= -62167219200 && time_unix(t) <= 253402300799)
			assert(time_parse(time_iso(a, t), &again) && again == time_unix(t) * SECOND);
	}
	if (str_int(all, &v)) {
		buf_init(&b, a, 20);
		buf_int(&b, v);
		assert(!b.over && str_int(buf_str(&b), &t) && t == v);
	}
	for (size_t at = 0; at <= all.n && at < 64; at++) {
		size_t from = utf8_floor(all, at);
		uint32_t cp;

		assert(from <= at && (at == all.n ? from == at : from + utf8_next(all, from, &cp) > at));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	str all = { (const char *)data, size };

	packs_again_the_same(a, all);
	texts_there_and_back(a, all);
	arena_free(&a);
	return 0;
}
