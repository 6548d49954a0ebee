/* seal.c - the reversible map of a redaction, in a file of its own, sealed.
 *
 * libsodium's secretstream (XChaCha20-Poly1305): "PHIMAP1\n", the stream's
 * header, then frames of a length (32 bits, little endian) and that many bytes
 * of ciphertext. A frame's plain text is JSON:
 *
 *   {"id": ..., "items": [[new_at, new_len, "base64 of what stood there"], ...]}
 *
 * The last frame carries the stream's final tag, so a file cut short is seen.
 * The key is 32 random bytes in a file of 64 hex digits, made by `phi key`.
 * Without it the map is noise; with map and key, `phi restore` gives back
 * the text. Whoever redacts keeps the two apart from what was redacted.
 */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char magic[8] = "PHIMAP1\n";

bool
key_read(const char *path, unsigned char key[32])
{
	char b[66] = "";
	size_t n = 0;
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t k = fd < 0 ? -1 : read(fd, b, 65);
	bool open_to_all = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_mode & 077;
	int e = errno;
	if (fd >= 0)
		close(fd);
	if (k < 0) {
		fprintf(stderr, "phi: %s: %s\n", path, strerror(e));
		return false;
	}
	bool ok = k >= 64 && (k == 64 || b[64] == '\n') && sodium_hex2bin(key, 32, b, 64, NULL, &n, NULL) == 0 && n == 32;
	explicit_bzero(b, sizeof b);
	if (!ok)
		fprintf(stderr, "phi: %s: no key (64 hex digits; phi key FILE makes one)\n", path);
	else if (open_to_all)
		fprintf(stderr, "phi: %s: others may read this key; chmod 600\n", path);
	return ok && !open_to_all;
}

int
command_key(const struct options *o)
{
	unsigned char key[32];
	char hex[66];
	if (o->files != 1) {
		fputs("phi: key: one FILE to make\n", stderr);
		return WRONG_USE;
	}
	if (sodium_init() < 0)
		return CANNOT_START;
	int fd = open(o->file[0], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		fprintf(stderr, "phi: %s: %s\n", o->file[0], strerror(errno));
		return SOME_BAD;
	}
	randombytes_buf(key, sizeof key);
	sodium_bin2hex(hex, 65, key, sizeof key);
	hex[64] = '\n';
	bool ok = write(fd, hex, 65) == 65 && fsync(fd) == 0;
	ok &= close(fd) == 0;
	explicit_bzero(key, sizeof key);
	explicit_bzero(hex, sizeof hex);
	if (!ok)
		fprintf(stderr, "phi: %s: %s\n", o->file[0], strerror(errno));
	return ok ? DONE : SOME_BAD;
}

/* ---- writing ------------------------------------------------------------------------------------------ */

struct sealed {
	FILE *f;
	char  path[4096], temp[4104];
	crypto_secretstream_xchacha20poly1305_state st;
};

struct sealed *
sealed_new(const char *path, const char *key_path)
{
	unsigned char key[32], head[crypto_secretstream_xchacha20poly1305_HEADERBYTES];
	struct sealed *s = sodium_init() < 0 ? NULL : calloc(1, sizeof *s);
	if (!s || !key_read(key_path, key)) {
		free(s);
		return NULL;
	}
	snprintf(s->path, sizeof s->path, "%s", path);
	snprintf(s->temp, sizeof s->temp, "%s.part", path);
	int fd = open(s->temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	s->f = fd >= 0 ? fdopen(fd, "wb") : NULL;
	crypto_secretstream_xchacha20poly1305_init_push(&s->st, head, key);
	explicit_bzero(key, sizeof key);
	if (!s->f || fwrite(magic, 1, 8, s->f) != 8 || fwrite(head, 1, sizeof head, s->f) != sizeof head) {
		fprintf(stderr, "phi: %s: %s\n", s->temp, strerror(errno));
		if (s->f)
			fclose(s->f);
		free(s);
		return NULL;
	}
	return s;
}

static bool
frame(struct sealed *s, const char *p, size_t n, unsigned char tag)
{
	unsigned long long m = 0;
	unsigned char *c = malloc(n + crypto_secretstream_xchacha20poly1305_ABYTES);
	if (!c || n > UINT32_MAX / 2) {
		free(c);
		return false;
	}
	crypto_secretstream_xchacha20poly1305_push(&s->st, c, &m, (const unsigned char *)p, n, NULL, 0, tag);
	unsigned char len[4] = { (unsigned char)m, (unsigned char)(m >> 8), (unsigned char)(m >> 16), (unsigned char)(m >> 24) };
	bool ok = fwrite(len, 1, 4, s->f) == 4 && fwrite(c, 1, m, s->f) == m;
	free(c);
	return ok;
}

bool
sealed_add(struct sealed *s, const char *json, size_t n)
{
	return frame(s, json, n, 0);
}

bool
sealed_end(struct sealed **sp, bool keep)
{
	struct sealed *s = *sp;
	bool ok = true;
	if (!s)
		return true;
	*sp = NULL;
	if (keep)
		ok = frame(s, "", 0, crypto_secretstream_xchacha20poly1305_TAG_FINAL) && fflush(s->f) == 0 && fsync(fileno(s->f)) == 0;
	ok &= fclose(s->f) == 0;
	if (keep && ok)
		ok = rename(s->temp, s->path) == 0;
	else
		unlink(s->temp);
	explicit_bzero(s, sizeof *s);
	free(s);
	return ok;
}

/* ---- reading ---------------------------------------------------------------------------------------------- */

struct opened { FILE *f; crypto_secretstream_xchacha20poly1305_state st; bool last; };

/* The next frame's JSON; NULL at the end, and *bad when it is none. */
static json_t *
next(struct opened *s, bool *bad)
{
	unsigned char len[4], tag = 0;
	unsigned long long m = 0;
	if (s->last || *bad)
		return NULL;
	*bad = true;
	if (fread(len, 1, 4, s->f) != 4)
		return NULL;
	size_t n = len[0] | (size_t)len[1] << 8 | (size_t)len[2] << 16 | (size_t)len[3] << 24;
	if (n < crypto_secretstream_xchacha20poly1305_ABYTES || n > (size_t)1 << 30)
		return NULL;
	unsigned char *c = malloc(n), *p = malloc(n);
	json_t *j = NULL;
	if (c && p && fread(c, 1, n, s->f) == n && crypto_secretstream_xchacha20poly1305_pull(&s->st, p, &m, &tag, c, n, NULL, 0) == 0) {
		if (tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL) {
			s->last = true;
			*bad = fgetc(s->f) != EOF;
		} else if ((j = json_loadb((char *)p, m, 0, NULL)) != NULL)
			*bad = false;
	}
	if (p)
		explicit_bzero(p, n);
	free(c), free(p);
	return j;
}

/* Puts the items back into the text that `in` gives; `at` counts its bytes. */
static bool
put_back(json_t *items, uint64_t *at, bool (*copy)(void *arg, uint64_t n, bool write), void *arg, struct text *out)
{
	json_t *i;
	size_t k;
	json_array_foreach(items, k, i) {
		uint64_t where = (uint64_t)json_integer_value(json_array_get(i, 0)), len = (uint64_t)json_integer_value(json_array_get(i, 1));
		const char *z = json_string_value(json_array_get(i, 2));
		if (!z || where < *at || !copy(arg, where - *at, true) || !copy(arg, len, false))
			return false;
		size_t n = strlen(z), got = 0;
		unsigned char *b = malloc(n + 1);
		if (!b || sodium_base642bin(b, n + 1, z, n, NULL, &got, NULL, sodium_base64_VARIANT_ORIGINAL) != 0) {
			free(b);
			return false;
		}
		text_add(out, (char *)b, got);
		explicit_bzero(b, n);
		free(b);
		*at = where + len;
	}
	return true;
}

struct file_copy { FILE *in; struct text *out; };

static bool
flush(struct text *t, size_t above)
{
	bool ok = t->n <= above || fwrite(t->p, 1, t->n, stdout) == t->n;
	if (t->n > above)
		t->n = 0;
	return ok;
}

static bool
copy_file(void *arg, uint64_t n, bool write)
{
	struct file_copy *c = arg;
	char b[65536];
	while (n > 0) {
		size_t k = fread(b, 1, n < sizeof b ? (size_t)n : sizeof b, c->in);
		if (k == 0)
			return false;
		if (write)
			text_add(c->out, b, k);
		n -= k;
		if (!flush(c->out, 1 << 20))
			return false;
	}
	return true;
}

struct string_copy { const char *p; size_t n; struct text *out; };

static bool
copy_string(void *arg, uint64_t n, bool write)
{
	struct string_copy *c = arg;
	if (n > c->n)
		return false;
	if (write)
		text_add(c->out, c->p, (size_t)n);
	c->p += n, c->n -= (size_t)n;
	return true;
}

static bool
restore_plain(struct opened *s, FILE *in)
{
	struct text out = { 0 };
	struct file_copy c = { in, &out };
	uint64_t at = 0;
	bool bad = false;
	json_t *j;
	while ((j = next(s, &bad)) != NULL) {
		bad = !put_back(json_object_get(j, "items"), &at, copy_file, &c, &out);
		json_decref(j);
		if (bad)
			break;
	}
	char b[65536];
	size_t k;
	while (!bad && (k = fread(b, 1, sizeof b, in)) > 0) {
		text_add(&out, b, k);
		bad = !flush(&out, 1 << 20);
	}
	bad |= !flush(&out, 0);
	text_free(&out);
	return !bad;
}

static bool
restore_lines(struct opened *s, FILE *in, const char *field)
{
	struct reader r = { .f = in };
	struct text line = { 0 }, out = { 0 };
	bool bad = false;
	enum got g;
	while (!bad && (g = read_line(&r, &line)) != GOT_NONE) {
		json_t *j = g == GOT_ONE ? next(s, &bad) : NULL, *doc = g == GOT_ONE ? json_loadb(line.p, line.n, JSON_ALLOW_NUL, NULL) : NULL;
		json_t *text = json_object_get(doc, field);
		struct text t = { 0 };
		struct string_copy c = { json_string_value(text), json_string_length(text), &t };
		uint64_t at = 0;
		text_add(&t, "", 0);
		bad = bad || !j || !json_is_string(text) || !json_equal(json_object_get(j, "id"), json_object_get(doc, "id")) ||
		    !put_back(json_object_get(j, "items"), &at, copy_string, &c, &t);
		if (!bad) {
			text_add(&t, c.p, c.n);
			char *id = json_dumps(json_object_get(doc, "id"), JSON_ENCODE_ANY);
			text_z(&out, "{\"id\": ");
			text_z(&out, id ? id : "null");
			text_z(&out, ", ");
			text_json(&out, field, strlen(field));
			text_z(&out, ": ");
			text_json(&out, t.p, t.n);
			text_z(&out, "}\n");
			free(id);
			bad = !flush(&out, 0);
		}
		text_free(&t);
		json_decref(j);
		json_decref(doc);
	}
	if (!bad)
		bad = next(s, &bad) != NULL || bad;
	reader_done(&r);
	text_free(&line);
	text_free(&out);
	return !bad;
}

int
command_restore(const struct options *o)
{
	unsigned char key[32], head[crypto_secretstream_xchacha20poly1305_HEADERBYTES];
	char m[8];
	struct opened s = { 0 };
	if (!o->sealed || !o->map_key || o->files > 1) {
		fputs("phi: restore needs --sealed-map FILE, --map-key FILE and one redacted file\n", stderr);
		return WRONG_USE;
	}
	if (sodium_init() < 0 || !key_read(o->map_key, key))
		return CANNOT_START;
	s.f = fopen(o->sealed, "rb");
	FILE *in = !o->files || !strcmp(o->file[0], "-") ? stdin : fopen(o->file[0], "rb");
	if (!s.f || !in) {
		fprintf(stderr, "phi: %s: %s\n", s.f ? o->file[0] : o->sealed, strerror(errno));
		if (s.f)
			fclose(s.f);
		return SOME_BAD;
	}
	bool ok = fread(m, 1, 8, s.f) == 8 && !memcmp(m, magic, 8) && fread(head, 1, sizeof head, s.f) == sizeof head &&
	    crypto_secretstream_xchacha20poly1305_init_pull(&s.st, head, key) == 0;
	explicit_bzero(key, sizeof key);
	ok = ok && (o->format == JSONL ? restore_lines(&s, in, o->field ? o->field : "text") : restore_plain(&s, in));
	explicit_bzero(&s.st, sizeof s.st);
	fclose(s.f);
	if (in != stdin)
		fclose(in);
	if (fflush(stdout) != 0)
		ok = false;
	if (!ok)
		fputs("phi: restore: the map is damaged, not of this file, or under another key; drop the output\n", stderr);
	return ok ? DONE : SOME_BAD;
}
