/* serve.c - `phi serve`: the JSON of Presidio's analyzer and anonymizer, for
 * programs on the same machine.
 *
 *   GET  /health                          "ok"
 *   GET  /supportedentities               the kinds, under Presidio's names
 *   POST /analyze    {"text","language"[,"entities","score_threshold"]}
 *                    -> [{"entity_type","start","end","score"}]
 *   POST /anonymize  {"text"[,"analyzer_results"][,"anonymizers"]}
 *                    -> {"text","items":[{"start","end","entity_type","text","operator"}]}
 *
 * Offsets are code points, as Presidio's are. Only loopback addresses are
 * accepted to listen on: it knows no users and no TLS. A thread per
 * connection, at most 32, one request at a time, HTTP/1.1 with Content-Length,
 * bodies to 4 MB, ten seconds to send one. What does not scan is an error 500,
 * never an empty list.
 */
#include "command.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define BODY_MAX ((size_t)4 << 20)

static struct phi *engine;
static sem_t slots;

static const struct { enum phi_kind kind; const char *name; } names[] = {
	{ PHI_NAME, "PERSON" }, { PHI_LOCATION, "LOCATION" }, { PHI_FACILITY, "ORGANIZATION" }, { PHI_DATE, "DATE_TIME" },
	{ PHI_AGE90, "AGE" }, { PHI_PHONE, "PHONE_NUMBER" }, { PHI_FAX, "PHONE_NUMBER" }, { PHI_EMAIL, "EMAIL_ADDRESS" },
	{ PHI_SSN, "US_SSN" }, { PHI_MRN, "MEDICAL_RECORD_NUMBER" }, { PHI_HEALTHPLAN, "HEALTH_PLAN" },
	{ PHI_ACCOUNT, "CREDIT_CARD" }, { PHI_LICENSE, "MEDICAL_LICENSE" }, { PHI_VEHICLE, "VEHICLE" }, { PHI_DEVICE, "DEVICE" },
	{ PHI_URL, "URL" }, { PHI_IP, "IP_ADDRESS" }, { PHI_BIOMETRIC, "BIOMETRIC" }, { PHI_PHOTO, "PHOTO" }, { PHI_OTHERID, "ID" },
};

static size_t
points(const char *p, size_t n)
{
	size_t k = 0;
	for (size_t i = 0; i < n; i++)
		k += ((unsigned char)p[i] & 0xc0) != 0x80;
	return k;
}

/* The byte at which code point `k` begins. */
static size_t
byte_of(const char *p, size_t n, size_t k)
{
	size_t i = 0;
	while (i < n && k > 0) {
		i++;
		while (i < n && ((unsigned char)p[i] & 0xc0) == 0x80)
			i++;
		k--;
	}
	return i;
}

struct list { json_t *out; const char *text; size_t at, point; double least; const json_t *only; };

static int
add_result(void *arg, const struct phi_finding *f)
{
	struct list *l = arg;
	const char *name = names[f->kind].name;
	size_t start = l->point + points(l->text + l->at, f->at - l->at), end = start + points(l->text + f->at, f->len);
	l->at = f->at + f->len, l->point = end;
	if (f->score / 100.0 < l->least)
		return 0;
	bool wanted = !json_is_array(l->only) || json_array_size(l->only) == 0;
	for (size_t i = 0; !wanted && i < json_array_size(l->only); i++) {
		const char *z = json_string_value(json_array_get(l->only, i));
		wanted = z && !strcmp(z, name);
	}
	if (wanted)
		json_array_append_new(l->out, json_pack("{s:s, s:I, s:I, s:f}", "entity_type", name, "start", (json_int_t)start, "end",
		    (json_int_t)end, "score", f->score / 100.0));
	return 0;
}

static json_t *
analyze(json_t *in, int *status)
{
	json_t *text = json_object_get(in, "text"), *least = json_object_get(in, "score_threshold");
	if (!json_is_string(text)) {
		*status = 400;
		return json_pack("{s:s}", "error", "text: a string is needed");
	}
	struct list l = { .out = json_array(), .text = json_string_value(text), .least = json_number_value(least),
		.only = json_object_get(in, "entities") };
	enum phi_err e = phi_scan(engine, l.text, json_string_length(text), add_result, &l);
	if (e != PHI_OK) {
		json_decref(l.out);
		*status = e == PHI_LIMIT ? 413 : 500;
		return json_pack("{s:s}", "error", phi_err_text(e));
	}
	return l.out;
}

struct made { char *p; size_t n, cap; };

static int
put(void *arg, const char *p, size_t n)
{
	struct made *m = arg;
	if (m->n + n + 1 > m->cap) {
		size_t cap = (m->n + n + 1) * 2;
		char *q = realloc(m->p, cap);
		if (!q)
			return 1;
		m->p = q, m->cap = cap;
	}
	memcpy(m->p + m->n, p, n);
	m->n += n;
	m->p[m->n] = 0;
	return 0;
}

/* The replacement that `anonymizers` asks for: Presidio's default is <TYPE>. */
static const char *
replacement(const json_t *how, const char *type, const char *value, size_t len, char *b, size_t n, const char **op)
{
	const json_t *a = json_object_get(how, type);
	if (!a)
		a = json_object_get(how, "DEFAULT");
	const char *kind = json_string_value(json_object_get(a, "type")), *v = json_string_value(json_object_get(a, "new_value"));
	*op = "replace";
	if (kind && !strcmp(kind, "redact"))
		return *op = "redact", "";
	if (v)
		return v;
	if (kind && !strcmp(kind, "mask")) {
		const char *with = json_string_value(json_object_get(a, "masking_char"));
		json_t *count = json_object_get(a, "chars_to_mask");
		size_t total = points(value, len), masked = json_is_integer(count) ? (size_t)json_integer_value(count) : total, k = 0;
		bool tail = json_is_true(json_object_get(a, "from_end"));
		if (total * 4 + 1 < n) {
			*op = "mask";
			for (size_t i = 0, c = 0; i < len; c++) {
				bool hide = masked >= total || (tail ? c + masked >= total : c < masked);
				size_t from = i++;
				while (i < len && ((unsigned char)value[i] & 0xc0) == 0x80)
					i++;
				if (hide)
					b[k++] = with && *with && (unsigned char)*with < 0x80 ? *with : '*';
				else
					memcpy(b + k, value + from, i - from), k += i - from;
			}
			b[k] = 0;
			return b;
		}
	}
	/* Other operators are not known here: the value goes all the same. */
	snprintf(b, n, "<%s>", type);
	return b;
}

static int
by_start(const void *a, const void *b)
{
	json_int_t x = json_integer_value(json_object_get(*(json_t *const *)a, "start")),
	    y = json_integer_value(json_object_get(*(json_t *const *)b, "start"));
	return x < y ? -1 : x > y;
}

static json_t *
anonymize(json_t *in, int *status)
{
	json_t *text = json_object_get(in, "text"), *found = json_object_get(in, "analyzer_results"), *own = NULL;
	const json_t *how = json_object_get(in, "anonymizers");
	if (!json_is_string(text)) {
		*status = 400;
		return json_pack("{s:s}", "error", "text: a string is needed");
	}
	if (!json_is_array(found)) {
		own = found = analyze(in, status);
		if (*status != 200)
			return own;
	}
	const char *t = json_string_value(text);
	size_t n = json_string_length(text), at = 0, k = json_array_size(found), total = points(t, n);
	json_t **sorted = calloc(k + 1, sizeof *sorted), *items = json_array(), *out = NULL;
	struct made m = { 0 };
	bool ok = sorted && put(&m, "", 0) == 0;
	for (size_t i = 0; ok && i < k; i++)
		sorted[i] = json_array_get(found, i);
	if (ok)
		qsort(sorted, k, sizeof *sorted, by_start);
	for (size_t i = 0; ok && i < k; i++) {
		json_int_t s = json_integer_value(json_object_get(sorted[i], "start")), e = json_integer_value(json_object_get(sorted[i], "end"));
		const char *type = json_string_value(json_object_get(sorted[i], "entity_type")), *op;
		if (!type || s < 0 || e <= s || (size_t)e > total) {
			*status = 400;
			ok = false;
			break;
		}
		size_t from = byte_of(t, n, (size_t)s), to = byte_of(t, n, (size_t)e);
		if (to <= at)
			continue;
		if (from < at)
			from = at;
		char b[2000];
		const char *z = replacement(how, type, t + from, to - from, b, sizeof b, &op);
		if (put(&m, t + at, from - at))
			ok = false;
		size_t start = points(m.p, m.n);
		if (ok && put(&m, z, strlen(z)))
			ok = false;
		json_array_append_new(items, json_pack("{s:I, s:I, s:s, s:s, s:s}", "start", (json_int_t)start, "end",
		    (json_int_t)points(m.p, m.n), "entity_type", type, "text", z, "operator", op));
		at = to;
	}
	if (ok && put(&m, t + at, n - at) == 0)
		out = json_pack("{s:s%, s:O}", "text", m.p, m.n, "items", items);
	else if (*status == 200)
		*status = 500;
	json_decref(items);
	json_decref(own);
	free(sorted);
	free(m.p);
	return out ? out : json_pack("{s:s}", "error", *status == 400 ? "analyzer_results: start, end or entity_type is wrong" : "out of memory");
}

static bool
send_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
		if (k <= 0)
			return false;
		p += k, n -= (size_t)k;
	}
	return true;
}

static bool
answer(int fd, int status, json_t *body, const char *plain, bool keep)
{
	char head[300];
	char *z = body ? json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(4)) : NULL;
	const char *b = z ? z : plain ? plain : "";
	int n = snprintf(head, sizeof head, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: %s\r\n\r\n", status,
	    status == 200 ? "OK" : "Error", z ? "application/json" : "text/plain", strlen(b), keep ? "keep-alive" : "close");
	bool ok = send_all(fd, head, (size_t)n) && send_all(fd, b, strlen(b));
	if (z)
		explicit_bzero(z, strlen(z));
	free(z);
	json_decref(body);
	return ok && keep;
}

/* One request; false when the connection is to be closed. */
static bool
request(int fd, char *b, size_t cap)
{
	size_t n = 0, length = 0;
	char *end = NULL;
	while (!end) {
		if (n >= 16384)
			return answer(fd, 431, NULL, "headers too large", false);
		ssize_t k = recv(fd, b + n, 16384 - n, 0);
		if (k <= 0)
			return false;
		n += (size_t)k;
		b[n] = 0;
		end = strstr(b, "\r\n\r\n");
	}
	size_t body = (size_t)(end - b) + 4;
	bool has_length = false;
	for (char *l = strstr(b, "\r\n"); l && l < end; l = strstr(l + 2, "\r\n")) {
		if (!strncasecmp(l + 2, "Transfer-Encoding:", 18))
			return answer(fd, 501, NULL, "Content-Length is needed", false);
		if (strncasecmp(l + 2, "Content-Length:", 15))
			continue;
		char *stop;
		unsigned long long v = strtoull(l + 17, &stop, 10);
		if (has_length || stop == l + 17 || (*stop != '\r' && *stop != ' '))
			return answer(fd, 400, NULL, "Content-Length is wrong", false);
		if (v > BODY_MAX)
			return answer(fd, 413, NULL, "the body is too large", false);
		length = (size_t)v;
		has_length = true;
	}
	if (n > body + length)
		return answer(fd, 400, NULL, "one request at a time", false);
	while (n < body + length) {
		ssize_t k = recv(fd, b + n, body + length - n < cap - n ? body + length - n : cap - n, 0);
		if (k <= 0)
			return false;
		n += (size_t)k;
	}
	if (!strncmp(b, "GET /health ", 12))
		return answer(fd, 200, NULL, "ok", true);
	if (!strncmp(b, "GET /supportedentities", 22)) {
		json_t *a = json_array();
		for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
			if (names[i].kind != PHI_FAX)
				json_array_append_new(a, json_string(names[i].name));
		return answer(fd, 200, a, NULL, true);
	}
	bool an = !strncmp(b, "POST /analyze ", 14), re = !strncmp(b, "POST /anonymize ", 16);
	if (!an && !re)
		return answer(fd, 404, json_pack("{s:s}", "error", "no such path"), NULL, true);
	json_t *in = json_loadb(b + body, length, JSON_REJECT_DUPLICATES, NULL);
	explicit_bzero(b + body, length);
	if (!json_is_object(in)) {
		json_decref(in);
		return answer(fd, 400, json_pack("{s:s}", "error", "the body is not a JSON object"), NULL, true);
	}
	int status = 200;
	json_t *out = an ? analyze(in, &status) : anonymize(in, &status);
	json_decref(in);
	return answer(fd, status, out, NULL, true);
}

static void *
connection(void *arg)
{
	int fd = (int)(intptr_t)arg;
	size_t cap = BODY_MAX + 16400;
	char *b = malloc(cap + 1);
	struct timeval limit = { .tv_sec = 10 };
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	while (b && request(fd, b, cap))
		;
	free(b);
	close(fd);
	sem_post(&slots);
	return NULL;
}

int
command_serve(const struct options *o)
{
	const char *where = o->listen;
	struct phi *p = NULL;
	if (phi_open(o->rules, &p, NULL, 0) != PHI_OK)
		return 3;
	struct sockaddr_in a = { .sin_family = AF_INET };
	char host[64];
	const char *colon = where ? strrchr(where, ':') : NULL;
	int one = 1;
	socklen_t len = sizeof a;
	if (where && (!colon || colon - where >= (long)sizeof host)) {
		fputs("phi: --listen needs ADDRESS:PORT\n", stderr);
		return 2;
	}
	snprintf(host, sizeof host, "%.*s", where ? (int)(colon - where) : 9, where ? where : "127.0.0.1");
	long port = where ? strtol(colon + 1, NULL, 10) : 5002;
	if (inet_pton(AF_INET, host, &a.sin_addr) != 1 || ntohl(a.sin_addr.s_addr) >> 24 != 127 || port < 0 || port > 65535) {
		fputs("phi: serve listens on loopback only (127.x.x.x:PORT)\n", stderr);
		return 2;
	}
	a.sin_port = htons((uint16_t)port);
	signal(SIGPIPE, SIG_IGN);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) < 0 ||
	    listen(fd, 64) < 0 || getsockname(fd, (struct sockaddr *)&a, &len) < 0) {
		perror("phi: serve");
		return 3;
	}
	engine = p;
	sem_init(&slots, 0, 32);
	printf("listening on http://%s:%d\n", host, ntohs(a.sin_port));
	fflush(stdout);
	for (;;) {
		sem_wait(&slots);
		int c = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		pthread_t t;
		if (c < 0) {
			sem_post(&slots);
			if (errno == EINTR || errno == ECONNABORTED)
				continue;
			perror("phi: serve");
			return 1;
		}
		if (pthread_create(&t, NULL, connection, (void *)(intptr_t)c) != 0) {
			close(c);
			sem_post(&slots);
			continue;
		}
		pthread_detach(t);
	}
}
