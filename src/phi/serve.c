/* serve.c - `phi serve`: the JSON of Presidio's analyzer and anonymizer, for
 * programs on the same machine.
 *
 *   GET  /health                          200, some words
 *   GET  /supportedentities[?language=en] the kinds, under Presidio's names
 *   GET  /recognizers[?language=en]       the detectors
 *   GET  /anonymizers, /deanonymizers     the operators
 *   POST /analyze    {"text" (a string or a list of them), "language", and: "entities", "score_threshold",
 *                    "return_decision_process", "allow_list"}
 *                    -> [{"entity_type","start","end","score","analysis_explanation","recognition_metadata"}]
 *   POST /anonymize  {"text"[,"analyzer_results"][,"anonymizers"]}   without results it analyzes first
 *                    -> {"text","items":[{"start","end","entity_type","text","operator"}]}
 *
 * Offsets are code points, as Presidio's are. What is asked for and not done
 * here is an error {"error": words}, never done by half: ad_hoc_recognizers,
 * other languages, encrypt, custom, allow lists of regular expressions. What
 * does not scan is an error 500 or 413, never an empty list.
 *
 * Loopback addresses or a unix socket only: it knows no users and no TLS. A
 * thread per connection, at most 32, one request at a time, HTTP/1.1 with
 * Content-Length; headers to 16 KB, bodies to 4 MB, 30 seconds for a request to
 * arrive, 10 between two. SIGHUP reads the rules again.
 */
#include "command.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define HEAD_MAX ((size_t)16 << 10)
#define BODY_MAX ((size_t)4 << 20)
#define COUNTOF(a) (sizeof(a) / sizeof((a)[0]))

static struct phi_live *live;
static sem_t slots;
static char socket_path[108];

/* ---- names ------------------------------------------------------------------------------------------ */

static const char *const names[PHI_KINDS] = {
	[PHI_NAME] = "PERSON", [PHI_LOCATION] = "LOCATION", [PHI_FACILITY] = "ORGANIZATION", [PHI_DATE] = "DATE_TIME",
	[PHI_AGE90] = "AGE", [PHI_PHONE] = "PHONE_NUMBER", [PHI_FAX] = "PHONE_NUMBER", [PHI_EMAIL] = "EMAIL_ADDRESS",
	[PHI_SSN] = "US_SSN", [PHI_MRN] = "MEDICAL_RECORD_NUMBER", [PHI_HEALTHPLAN] = "HEALTH_PLAN", [PHI_ACCOUNT] = "US_BANK_NUMBER",
	[PHI_LICENSE] = "MEDICAL_LICENSE", [PHI_VEHICLE] = "VEHICLE", [PHI_DEVICE] = "DEVICE", [PHI_URL] = "URL", [PHI_IP] = "IP_ADDRESS",
	[PHI_BIOMETRIC] = "BIOMETRIC", [PHI_PHOTO] = "PHOTO", [PHI_OTHERID] = "ID",
};
/* Kinds that Presidio parts further: told by the value or by the rule's name. */
static const struct { const char *name; enum phi_kind kind; const char *rule; } finer[] = {
	{ "CREDIT_CARD", PHI_ACCOUNT, "card" }, { "IBAN_CODE", PHI_ACCOUNT, "iban" }, { "US_ITIN", PHI_SSN, "itin" },
	{ "US_DRIVER_LICENSE", PHI_LICENSE, "driver" }, { "US_PASSPORT", PHI_LICENSE, "passport" }, { "US_NPI", PHI_LICENSE, "npi" },
	{ "US_MBI", PHI_HEALTHPLAN, "mbi" }, { "MAC_ADDRESS", PHI_DEVICE, "mac" },
};

static bool
luhn(const char *p, size_t n)
{
	unsigned sum = 0, k = 0;
	for (size_t i = n; i-- > 0;)
		if (p[i] >= '0' && p[i] <= '9') {
			unsigned d = (unsigned)(p[i] - '0') << (k++ & 1);
			sum += d > 9 ? d - 9 : d;
		} else if (p[i] != ' ' && p[i] != '-')
			return false;
	return k >= 13 && k <= 19 && sum % 10 == 0;
}

static const char *
name_of(const struct phi *p, const struct phi_finding *f, const char *value)
{
	const char *rule = phi_rule_name(p, f->rule);
	for (size_t i = 0; i < COUNTOF(finer); i++)
		if (finer[i].kind == f->kind && strstr(rule, finer[i].rule))
			return finer[i].name;
	if (f->kind == PHI_ACCOUNT && luhn(value, f->len))
		return "CREDIT_CARD";
	if (f->kind == PHI_SSN && value[0] == '9')
		return "US_ITIN";
	return names[f->kind];
}

/* Does the caller's word name this finding? Presidio's name, or ours. */
static bool
called(const char *z, const char *name, enum phi_kind kind)
{
	return !strcmp(z, name) || !strcmp(z, names[kind]) || !strcmp(z, phi_kind_name(kind));
}

static bool
is_name(const char *z)
{
	for (int k = 0; k < PHI_KINDS; k++)
		if (!strcmp(z, names[k]) || !strcmp(z, phi_kind_name((enum phi_kind)k)))
			return true;
	for (size_t i = 0; i < COUNTOF(finer); i++)
		if (!strcmp(z, finer[i].name))
			return true;
	return false;
}

static json_t *
entities(void)
{
	json_t *a = json_array();
	for (int k = 0; k < PHI_KINDS; k++)
		if (k != PHI_FAX)
			json_array_append_new(a, json_string(names[k]));
	for (size_t i = 0; i < COUNTOF(finer); i++)
		json_array_append_new(a, json_string(finer[i].name));
	return a;
}

static json_t *
recognizers(void)
{
	const struct phi *p = phi_live_take(live);
	json_t *a = json_array();
	for (int r = 0;; r++) {
		const char *z = phi_rule_name(p, r);
		if (!strcmp(z, "unknown"))
			break;
		json_array_append_new(a, json_string(z));
	}
	phi_live_give(live, p);
	return a;
}

/* ---- code points ---------------------------------------------------------------------------------------- */

static size_t
points(const char *p, size_t n)
{
	size_t k = 0;
	for (size_t i = 0; i < n; i++)
		k += ((unsigned char)p[i] & 0xc0) != 0x80;
	return k;
}

/* ---- /analyze ---------------------------------------------------------------------------------------------- */

static json_t *
wrong(int *status, int code, const char *words)
{
	*status = code;
	return json_pack("{s:s}", "error", words);
}

struct list {
	const struct phi *phi;
	json_t           *out;
	const char       *text;
	size_t            at, point;
	double            least;
	const json_t     *only, *allow;
	bool              explain;
};

static bool
among(const json_t *list, const char *p, size_t n)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *z = json_array_get(list, i);
		if (json_string_length(z) == n && !memcmp(json_string_value(z), p, n))
			return true;
	}
	return false;
}

static int
add_result(void *arg, const struct phi_finding *f)
{
	struct list *l = arg;
	const char *value = l->text + f->at, *name = name_of(l->phi, f, value), *rule = phi_rule_name(l->phi, f->rule);
	size_t start = l->point + points(l->text + l->at, f->at - l->at), end = start + points(value, f->len);
	double score = f->score / 100.0;
	l->at = f->at + f->len, l->point = end;
	if (score < l->least || among(l->allow, value, f->len))
		return 0;
	bool wanted = json_array_size(l->only) == 0;
	for (size_t i = 0; !wanted && i < json_array_size(l->only); i++)
		wanted = called(json_string_value(json_array_get(l->only, i)), name, f->kind);
	if (!wanted)
		return 0;
	json_t *why = !l->explain ? json_null() : json_pack("{s:s, s:s, s:n, s:f, s:f, s:s, s:i, s:s, s:n}", "recognizer", rule,
	    "pattern_name", rule, "pattern", "original_score", score, "score", score, "textual_explanation",
	    "the detector that was surest", "score_context_improvement", 0, "supportive_context_word", "", "validation_result");
	json_array_append_new(l->out, json_pack("{s:s, s:I, s:I, s:f, s:o, s:{s:s, s:s}}", "entity_type", name, "start", (json_int_t)start,
	    "end", (json_int_t)end, "score", score, "analysis_explanation", why, "recognition_metadata", "recognizer_name", rule,
	    "recognizer_identifier", rule));
	return 0;
}

static bool
strings(const json_t *a)
{
	if (!json_is_array(a))
		return false;
	for (size_t i = 0; i < json_array_size(a); i++)
		if (!json_is_string(json_array_get(a, i)))
			return false;
	return true;
}

static bool
given(const json_t *v)
{
	return v && !json_is_null(v);
}

static json_t *
analyze_one(struct list *l, const json_t *text, int *status)
{
	l->out = json_array();
	l->text = json_string_value(text);
	l->at = l->point = 0;
	enum phi_err e = phi_scan(l->phi, l->text, json_string_length(text), add_result, l);
	if (e == PHI_OK)
		return l->out;
	json_decref(l->out);
	return wrong(status, e == PHI_LIMIT ? 413 : 500, phi_err_text(e));
}

static json_t *
analyze(const struct phi *p, const json_t *in, int *status, bool own)
{
	const json_t *text = json_object_get(in, "text"), *language = json_object_get(in, "language"),
	    *least = json_object_get(in, "score_threshold"), *only = json_object_get(in, "entities"),
	    *allow = json_object_get(in, "allow_list"), *match = json_object_get(in, "allow_list_match"),
	    *hoc = json_object_get(in, "ad_hoc_recognizers"), *why = json_object_get(in, "return_decision_process");
	if (!given(text) || (json_is_string(text) && json_string_length(text) == 0) || (json_is_array(text) && json_array_size(text) == 0))
		return wrong(status, 400, "No text provided");
	if (!json_is_string(text) && !strings(text))
		return wrong(status, 400, "text must be a string or a list of strings");
	if (!own && !given(language))
		return wrong(status, 400, "No language provided");
	if (given(language) && (!json_is_string(language) || strcmp(json_string_value(language), "en")))
		return wrong(status, 400, "No matching recognizers were found to serve the request: the language is en");
	if (given(least) && (!json_is_number(least) || json_number_value(least) < 0 || json_number_value(least) > 1))
		return wrong(status, 400, "score_threshold must be a number from 0 to 1");
	if (given(only) && !strings(only))
		return wrong(status, 400, "entities must be a list of strings");
	bool any = json_array_size(only) == 0;
	for (size_t i = 0; i < json_array_size(only); i++)
		any |= is_name(json_string_value(json_array_get(only, i)));
	if (!any)
		return wrong(status, 400, "No matching recognizers were found to serve the request: see /supportedentities");
	if (given(allow) && !strings(allow))
		return wrong(status, 400, "allow_list must be a list of strings");
	if (given(match) && (!json_is_string(match) || strcmp(json_string_value(match), "exact")))
		return wrong(status, 400, "allow_list_match: only exact is supported");
	if (given(hoc) && (!json_is_array(hoc) || json_array_size(hoc) > 0))
		return wrong(status, 400, "ad_hoc_recognizers are not supported: put rules into a folder and start phi serve --rules FOLDER");
	if (given(why) && !json_is_boolean(why))
		return wrong(status, 400, "return_decision_process must be true or false");
	struct list l = { .phi = p, .least = json_number_value(least), .only = only, .allow = allow, .explain = json_is_true(why) };
	if (json_is_string(text))
		return analyze_one(&l, text, status);
	json_t *all = json_array();
	for (size_t i = 0; i < json_array_size(text); i++) {
		json_t *one = analyze_one(&l, json_array_get(text, i), status);
		if (*status != 200) {
			json_decref(all);
			return one;
		}
		json_array_append_new(all, one);
	}
	return all;
}

/* ---- /anonymize ------------------------------------------------------------------------------------------------ */

static const char *const operators[] = { "hash", "keep", "mask", "redact", "replace" };

struct operator { const char *kind, *value, *salt; size_t value_n, salt_n, chars; char with[5]; bool from_end, sha512; };

/* Reads the operator for a type: NULL and *o filled, or words for what is wrong. */
static const char *
operator_of(const json_t *how, const char *type, struct operator *o)
{
	const json_t *a = json_object_get(how, type), *v;
	*o = (struct operator){ .kind = "replace" };
	if (!a)
		a = json_object_get(how, "DEFAULT");
	if (!a)
		return NULL;
	if (!json_is_object(a) || !json_is_string(json_object_get(a, "type")))
		return "Invalid input, an anonymizer needs a type";
	o->kind = json_string_value(json_object_get(a, "type"));
	bool known = false;
	for (size_t i = 0; i < COUNTOF(operators); i++)
		known |= !strcmp(o->kind, operators[i]);
	if (!strcmp(o->kind, "encrypt") || !strcmp(o->kind, "decrypt"))
		return "Invalid operator class: encrypt is not supported; phi redact --sealed-map makes what can be taken back";
	if (!known)
		return "Invalid operator class: hash, keep, mask, redact and replace are known";
	if (!strcmp(o->kind, "replace") && given(v = json_object_get(a, "new_value"))) {
		if (!json_is_string(v))
			return "Invalid parameter value for new_value, expected a string";
		o->value = json_string_value(v), o->value_n = json_string_length(v);
	} else if (!strcmp(o->kind, "mask")) {
		v = json_object_get(a, "masking_char");
		if (!json_is_string(v) || json_string_length(v) == 0 || json_string_length(v) > 4 ||
		    points(json_string_value(v), json_string_length(v)) != 1)
			return "Invalid input, masking_char must be a single character";
		snprintf(o->with, sizeof o->with, "%s", json_string_value(v));
		v = json_object_get(a, "chars_to_mask");
		if (!json_is_integer(v))
			return "Invalid parameter value for chars_to_mask, expected an integer";
		o->chars = json_integer_value(v) > 0 ? (size_t)json_integer_value(v) : 0;
		v = json_object_get(a, "from_end");
		if (given(v) && !json_is_boolean(v))
			return "Invalid parameter value for from_end, expected true or false";
		o->from_end = json_is_true(v);
	} else if (!strcmp(o->kind, "hash")) {
		v = json_object_get(a, "hash_type");
		if (given(v) && (!json_is_string(v) || (strcmp(json_string_value(v), "sha256") && strcmp(json_string_value(v), "sha512"))))
			return "Invalid parameter value for hash_type, expected sha256 or sha512";
		o->sha512 = given(v) && !strcmp(json_string_value(v), "sha512");
		v = json_object_get(a, "salt");
		if (given(v) && !json_is_string(v))
			return "Invalid parameter value for salt, expected a string";
		o->salt = json_string_value(v), o->salt_n = json_string_length(v);
	}
	return NULL;
}

static void
operate(const struct operator *o, const char *type, const char *value, size_t n, struct text *to)
{
	if (!strcmp(o->kind, "keep"))
		text_add(to, value, n);
	else if (!strcmp(o->kind, "replace") && o->value)
		text_add(to, o->value, o->value_n);
	else if (!strcmp(o->kind, "replace")) {
		text_z(to, "<");
		text_z(to, type);
		text_z(to, ">");
	} else if (!strcmp(o->kind, "mask")) {
		size_t total = points(value, n), k = 0;
		for (size_t i = 0; i < n; k++) {
			size_t from = i++;
			while (i < n && ((unsigned char)value[i] & 0xc0) == 0x80)
				i++;
			if (o->chars >= total || (o->from_end ? k >= total - o->chars : k < o->chars))
				text_z(to, o->with);
			else
				text_add(to, value + from, i - from);
		}
	} else if (!strcmp(o->kind, "hash")) {
		unsigned char sum[64];
		char hex[129];
		struct text t = { 0 };
		text_add(&t, value, n);
		if (o->salt)
			text_add(&t, o->salt, o->salt_n);
		if (o->sha512)
			crypto_hash_sha512(sum, (unsigned char *)t.p, t.n);
		else
			crypto_hash_sha256(sum, (unsigned char *)t.p, t.n);
		sodium_bin2hex(hex, sizeof hex, sum, o->sha512 ? 64 : 32);
		text_z(to, hex);
		text_free(&t);
	}
}

static int
by_start(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	json_int_t m = json_integer_value(json_object_get(x, "start")), n = json_integer_value(json_object_get(y, "start"));
	if (m != n)
		return m < n ? -1 : 1;
	m = json_integer_value(json_object_get(x, "end")), n = json_integer_value(json_object_get(y, "end"));
	return m > n ? -1 : m < n;
}

static json_t *
replace_all(const json_t *how, const char *t, size_t n, json_t **sorted, size_t k, int *status)
{
	/* Where each code point begins. */
	size_t total = 0;
	uint32_t *at = malloc((n + 2) * sizeof *at);
	if (!at)
		return wrong(status, 500, "out of memory");
	for (size_t i = 0; i < n; i++)
		if (((unsigned char)t[i] & 0xc0) != 0x80)
			at[total++] = (uint32_t)i;
	at[total] = (uint32_t)n;
	struct text out = { 0 }, one = { 0 };
	json_t *items = json_array();
	const char *why = NULL;
	size_t done = 0, point = 0;
	text_add(&out, "", 0);
	for (size_t i = 0; i < k && !why; i++) {
		const json_t *s = json_object_get(sorted[i], "start"), *e = json_object_get(sorted[i], "end");
		const char *type = json_string_value(json_object_get(sorted[i], "entity_type"));
		struct operator o;
		if (!type || !json_is_integer(s) || !json_is_integer(e) || json_integer_value(s) < 0 ||
		    json_integer_value(e) <= json_integer_value(s) || (size_t)json_integer_value(e) > total) {
			why = "Invalid analyzer result: start, end or entity_type is missing or not within the text";
			break;
		}
		if ((why = operator_of(how, type, &o)) != NULL)
			break;
		/* What another result has covered already is gone. */
		size_t from = at[json_integer_value(s)], to = at[json_integer_value(e)];
		if (to <= done)
			continue;
		if (from < done)
			from = done;
		one.n = 0;
		text_add(&one, "", 0);
		operate(&o, type, t + from, to - from, &one);
		text_add(&out, t + done, from - done);
		point += points(t + done, from - done);
		size_t start = point;
		text_add(&out, one.p, one.n);
		point += points(one.p, one.n);
		/* Presidio's order is from the end. */
		json_array_insert_new(items, 0, json_pack("{s:I, s:I, s:s, s:s%, s:s}", "start", (json_int_t)start, "end", (json_int_t)point,
		    "entity_type", type, "text", one.p, one.n, "operator", o.kind));
		done = to;
	}
	json_t *answer = NULL;
	if (!why) {
		text_add(&out, t + done, n - done);
		answer = json_pack("{s:s%, s:O}", "text", out.p, out.n, "items", items);
	}
	json_decref(items);
	free(at);
	text_free(&out);
	text_free(&one);
	return why ? wrong(status, 422, why) : answer ? answer : wrong(status, 500, "the result is no text");
}

static json_t *
anonymize(const struct phi *p, const json_t *in, int *status)
{
	json_t *text = json_object_get(in, "text"), *found = json_object_get(in, "analyzer_results"), *own = NULL, *out;
	const json_t *how = json_object_get(in, "anonymizers");
	if (!json_is_string(text) || json_string_length(text) == 0)
		return wrong(status, 422, "Invalid input, text can not be empty");
	if (given(how) && !json_is_object(how))
		return wrong(status, 422, "Invalid input, anonymizers must be an object");
	if (given(found) && !json_is_array(found))
		return wrong(status, 422, "Invalid input, analyzer_results must be a list");
	if (!given(found)) {
		json_t *only_text = json_pack("{s:O}", "text", text);
		own = found = analyze(p, only_text, status, true);
		json_decref(only_text);
		if (*status != 200)
			return own;
	}
	/* Operators are checked also where nothing was found. */
	const char *key, *why = NULL;
	json_t *v;
	struct operator o;
	json_object_foreach((json_t *)(uintptr_t)how, key, v)
		if (!why)
			why = operator_of(how, key, &o);
	size_t k = json_array_size(found);
	json_t **sorted = calloc(k + 1, sizeof *sorted);
	for (size_t i = 0; sorted && i < k; i++)
		sorted[i] = json_array_get(found, i);
	if (sorted)
		qsort(sorted, k, sizeof *sorted, by_start);
	out = why ? wrong(status, 422, why) : !sorted ? wrong(status, 500, "out of memory") :
	    replace_all(how, json_string_value(text), json_string_length(text), sorted, k, status);
	free(sorted);
	json_decref(own);
	return out;
}

/* ---- HTTP ---------------------------------------------------------------------------------------------------------- */

static double
clock_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct conn { int fd; char *b; size_t n, cap; double until; };

static bool
wait_for(struct conn *c, short what)
{
	for (;;) {
		double left = c->until - clock_now();
		struct pollfd p = { c->fd, what, 0 };
		if (left <= 0)
			return false;
		int k = poll(&p, 1, (int)(left * 1000) + 1);
		if (k > 0)
			return true;
		if (k < 0 && errno != EINTR)
			return false;
	}
}

static bool
send_all(struct conn *c, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t k = send(c->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (k < 0 && (errno == EAGAIN || errno == EINTR)) {
			if (!wait_for(c, POLLOUT))
				return false;
			continue;
		}
		if (k <= 0)
			return false;
		p += k, n -= (size_t)k;
	}
	return true;
}

/* More bytes, room for `want` in all; false at the end, on an error, or when time is up. */
static bool
more(struct conn *c, size_t want)
{
	if (want + 1 > c->cap) {
		size_t cap = want + 1 < 65536 ? 65536 : want + 1;
		char *q = malloc(cap);
		if (!q)
			return false;
		if (c->b) {
			memcpy(q, c->b, c->n);
			explicit_bzero(c->b, c->n);
			free(c->b);
		}
		c->b = q, c->cap = cap;
	}
	for (;;) {
		if (!wait_for(c, POLLIN))
			return false;
		ssize_t k = recv(c->fd, c->b + c->n, want - c->n, MSG_DONTWAIT);
		if (k < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (k <= 0)
			return false;
		c->n += (size_t)k;
		c->b[c->n] = 0;
		return true;
	}
}

static bool
answer(struct conn *c, int status, json_t *body, const char *plain, bool keep)
{
	static const struct { int status; const char *words; } reason[] = { { 200, "OK" }, { 400, "Bad Request" }, { 404, "Not Found" },
		{ 405, "Method Not Allowed" }, { 408, "Request Timeout" }, { 411, "Length Required" }, { 413, "Content Too Large" },
		{ 422, "Unprocessable Content" }, { 431, "Request Header Fields Too Large" }, { 500, "Internal Server Error" },
		{ 501, "Not Implemented" } };
	char head[300];
	const char *words = "";
	for (size_t i = 0; i < COUNTOF(reason); i++)
		if (reason[i].status == status)
			words = reason[i].words;
	char *z = body ? json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(4)) : NULL;
	json_decref(body);
	if (!z && !plain)
		plain = "", status = 500, keep = false;
	const char *b = z ? z : plain;
	c->until = clock_now() + 30;
	int n = snprintf(head, sizeof head, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nCache-Control: no-store\r\nConnection: %s\r\n\r\n",
	    status, words, z ? "application/json" : "text/plain", strlen(b), keep ? "keep-alive" : "close");
	bool ok = send_all(c, head, (size_t)n) && send_all(c, b, strlen(b));
	if (z)
		explicit_bzero(z, strlen(z));
	free(z);
	return ok && keep;
}

static bool
error(struct conn *c, int status, const char *words, bool keep)
{
	return answer(c, status, json_pack("{s:s}", "error", words), NULL, keep);
}

/* The value of a header, NULL if it is not there; *twice when it is more often. */
static const char *
header(const char *b, const char *end, const char *name, size_t *len, bool *twice)
{
	size_t n = strlen(name);
	const char *found = NULL;
	for (const char *l = strstr(b, "\r\n"); l && l < end; l = strstr(l + 2, "\r\n")) {
		const char *p = l + 2, *stop = strstr(p, "\r\n");
		if (!stop || strncasecmp(p, name, n) || p[n] != ':')
			continue;
		if (found)
			*twice = true;
		for (p += n + 1; p < stop && (*p == ' ' || *p == '\t'); p++)
			;
		while (stop > p && (stop[-1] == ' ' || stop[-1] == '\t'))
			stop--;
		found = p, *len = (size_t)(stop - p);
	}
	return found;
}

static bool
path_is(const char *target, size_t n, const char *path)
{
	size_t k = strlen(path);
	return n >= k && !memcmp(target, path, k) && (n == k || target[k] == '?');
}

static bool
route(struct conn *c, bool post, const char *t, size_t n, const char *body, size_t length, bool keep)
{
	static const char *const gets[] = { "/health", "/supportedentities", "/recognizers", "/anonymizers", "/deanonymizers" };
	static const char *const posts[] = { "/analyze", "/anonymize", "/deanonymize" };
	int is_get = -1, is_post = -1, status = 200;
	for (int i = 0; i < (int)COUNTOF(gets); i++)
		is_get = path_is(t, n, gets[i]) ? i : is_get;
	for (int i = 0; i < (int)COUNTOF(posts); i++)
		is_post = path_is(t, n, posts[i]) ? i : is_post;
	if (is_get < 0 && is_post < 0)
		return error(c, 404, "no such path", keep);
	if (post != (is_post >= 0))
		return error(c, 405, post ? "GET it" : "POST it", keep);
	if (!post) {
		const char *q = memchr(t, '?', n), *l = q ? memmem(q, n - (size_t)(q - t), "language=", 9) : NULL;
		if (l && (size_t)(t + n - l) != 11 && (l[11] != '&' || strncmp(l + 9, "en", 2)))
			return error(c, 400, "No matching recognizers were found to serve the request: the language is en", keep);
		if (l && strncmp(l + 9, "en", 2))
			return error(c, 400, "No matching recognizers were found to serve the request: the language is en", keep);
		json_t *a = NULL;
		switch (is_get) {
		case 0: return answer(c, 200, NULL, "phi serve is up", keep);
		case 1: return answer(c, 200, entities(), NULL, keep);
		case 2: return answer(c, 200, recognizers(), NULL, keep);
		default:
			a = json_array();
			for (size_t i = 0; is_get == 3 && i < COUNTOF(operators); i++)
				json_array_append_new(a, json_string(operators[i]));
			return answer(c, 200, a, NULL, keep);
		}
	}
	if (is_post == 2)
		return error(c, 422, "deanonymize is not supported: phi redact --sealed-map makes what can be taken back", keep);
	json_t *in = json_loadb(body, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	if (!json_is_object(in)) {
		json_decref(in);
		return error(c, 400, "Invalid request json", keep);
	}
	const struct phi *p = phi_live_take(live);
	json_t *out = is_post == 0 ? analyze(p, in, &status, false) : anonymize(p, in, &status);
	phi_live_give(live, p);
	json_decref(in);
	return answer(c, status, out, NULL, keep);
}

/* One request; false when the connection is to be closed. */
static bool
request(struct conn *c)
{
	char *end = NULL;
	size_t length = 0, len;
	bool twice = false;
	c->until = clock_now() + 10;
	while (!(end = c->n ? strstr(c->b, "\r\n\r\n") : NULL)) {
		if (c->n && strlen(c->b) != c->n)
			return error(c, 400, "a NUL in the headers", false);
		if (c->n >= HEAD_MAX)
			return error(c, 431, "the headers are too large", false);
		bool first = c->n == 0;
		if (!more(c, HEAD_MAX))
			return c->n ? error(c, 408, "the request took too long", false) : false;
		if (first)
			c->until = clock_now() + 30;
	}
	size_t body = (size_t)(end - c->b) + 4;
	bool post = !strncmp(c->b, "POST ", 5), get = !strncmp(c->b, "GET ", 4);
	if (!post && !get)
		return error(c, 405, "GET or POST", false);
	char *target = c->b + (post ? 5 : 4), *space = memchr(target, ' ', (size_t)(end - target));
	if (!space || (strncmp(space, " HTTP/1.1\r\n", 11) && strncmp(space, " HTTP/1.0\r\n", 11)))
		return error(c, 400, "no HTTP/1.1 request", false);
	if (header(c->b, end + 2, "Transfer-Encoding", &len, &twice))
		return error(c, 501, "a body needs a Content-Length", false);
	const char *v = header(c->b, end + 2, "Content-Length", &len, &twice);
	if (v) {
		char *stop;
		errno = 0;
		unsigned long long k = strtoull(v, &stop, 10);
		if (twice || len == 0 || v[0] < '0' || v[0] > '9' || stop != v + len)
			return error(c, 400, "Content-Length is wrong", false);
		if (errno || k > BODY_MAX)
			return error(c, 413, "the body is above 4 MB", false);
		length = (size_t)k;
	} else if (post)
		return error(c, 411, "a body needs a Content-Length", false);
	bool keep = !strncmp(space, " HTTP/1.1", 9);
	v = header(c->b, end + 2, "Connection", &len, &twice);
	if (v && len == 5 && !strncasecmp(v, "close", 5))
		keep = false;
	if (header(c->b, end + 2, "Expect", &len, &twice) && c->n == body && length && !send_all(c, "HTTP/1.1 100 Continue\r\n\r\n", 25))
		return false;
	size_t target_at = (size_t)(target - c->b), target_n = (size_t)(space - target);
	while (c->n < body + length)
		if (!more(c, body + length))
			return error(c, 408, "the request took too long", false);
	bool on = route(c, post, c->b + target_at, target_n, c->b + body, length, keep);
	/* What came behind is the next request. */
	size_t rest = c->n - body - length;
	memmove(c->b, c->b + body + length, rest);
	explicit_bzero(c->b + rest, c->n - rest);
	c->n = rest;
	c->b[rest] = 0;
	return on;
}

static void *
connection(void *arg)
{
	struct conn c = { .fd = (int)(intptr_t)arg };
	while (request(&c))
		;
	if (c.b)
		explicit_bzero(c.b, c.cap);
	free(c.b);
	/* An answer that says why is not lost to bytes that were never read. */
	char b[4096];
	shutdown(c.fd, SHUT_WR);
	c.until = clock_now() + 1;
	while (wait_for(&c, POLLIN) && recv(c.fd, b, sizeof b, MSG_DONTWAIT) > 0)
		;
	close(c.fd);
	phi_thread_done();
	sem_post(&slots);
	return NULL;
}

/* SIGHUP reads the rules again; SIGTERM and SIGINT end. */
static void *
signals(void *arg)
{
	sigset_t *set = arg;
	char why[400];
	for (int s; sigwait(set, &s) == 0;) {
		if (s != SIGHUP) {
			if (socket_path[0])
				unlink(socket_path);
			_exit(DONE);
		}
		enum phi_err e = phi_live_reload(live, why, sizeof why);
		fprintf(stderr, "phi: %s%s\n", e == PHI_OK ? "rules read again" : "the rules stay as they were: ", e == PHI_OK ? "" : why);
	}
	return NULL;
}

static int
listen_unix(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct stat st;
	if (strlen(path) >= sizeof a.sun_path) {
		fputs("phi: --unix: the path is too long\n", stderr);
		return -1;
	}
	memcpy(a.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* A socket that nobody listens on any more is of a server that was killed. */
	if (fd >= 0 && lstat(path, &st) == 0 && S_ISSOCK(st.st_mode)) {
		int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (probe >= 0 && connect(probe, (struct sockaddr *)&a, sizeof a) != 0 && errno == ECONNREFUSED)
			unlink(path);
		if (probe >= 0)
			close(probe);
	}
	mode_t was = umask(0177);
	bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0;
	umask(was);
	if (!ok || listen(fd, 64) != 0) {
		fprintf(stderr, "phi: %s: %s\n", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	snprintf(socket_path, sizeof socket_path, "%s", path);
	printf("listening on unix:%s\n", path);
	return fd;
}

static int
listen_loopback(const char *where)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	char host[64], *end;
	const char *colon = strrchr(where, ':');
	int one = 1;
	socklen_t len = sizeof a;
	snprintf(host, sizeof host, "%.*s", colon ? (int)(colon - where) : 0, where);
	long port = colon ? strtol(colon + 1, &end, 10) : -1;
	if (!colon || !colon[1] || *end || inet_pton(AF_INET, host, &a.sin_addr) != 1 || ntohl(a.sin_addr.s_addr) >> 24 != 127 ||
	    port < 0 || port > 65535) {
		fputs("phi: serve listens on loopback only (--listen 127.0.0.1:PORT) or on --unix PATH\n", stderr);
		return -2;
	}
	a.sin_port = htons((uint16_t)port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) < 0 ||
	    listen(fd, 64) < 0 || getsockname(fd, (struct sockaddr *)&a, &len) < 0) {
		fprintf(stderr, "phi: %s: %s\n", where, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	printf("listening on http://%s:%d\n", host, ntohs(a.sin_port));
	return fd;
}

int
command_serve(const struct options *o)
{
	char why[400] = "";
	static sigset_t set;
	pthread_t t;
	if (o->files || (o->listen && o->socket)) {
		fputs(o->files ? "phi: serve takes no files\n" : "phi: --listen or --unix, not both\n", stderr);
		return WRONG_USE;
	}
	if (phi_live_new(o->rules, &live, why, sizeof why) != PHI_OK) {
		fprintf(stderr, "phi: %s\n", why);
		return CANNOT_START;
	}
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP), sigaddset(&set, SIGTERM), sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	int fd = o->socket ? listen_unix(o->socket) : listen_loopback(o->listen ? o->listen : "127.0.0.1:5002");
	if (fd < 0)
		return fd == -2 ? WRONG_USE : CANNOT_START;
	if (sem_init(&slots, 0, 32) != 0 || pthread_create(&t, NULL, signals, &set) != 0)
		return CANNOT_START;
	pthread_detach(t);
	fflush(stdout);
	for (;;) {
		sem_wait(&slots);
		int c = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		if (c < 0 || pthread_create(&t, NULL, connection, (void *)(intptr_t)c) != 0) {
			if (c >= 0)
				close(c);
			sem_post(&slots);
			/* Out of descriptors or threads: others will end. */
			if (c >= 0 || errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
				usleep(50000);
			else if (errno != EINTR && errno != ECONNABORTED) {
				fprintf(stderr, "phi: serve: %s\n", strerror(errno));
				return SOME_BAD;
			}
			continue;
		}
		pthread_detach(t);
	}
}
