/* client.c - one HTTP request to somebody else's server, through libcurl.
 *
 * What keeps it from being a way into the house (server-side request forgery):
 * the socket is opened by us, for the address that was resolved for this very
 * connection and judged then; no redirect, no proxy, no other protocol, no
 * cookie, no credentials in the URL; limits on time and size.
 */
#include <curl/curl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/http.h"

struct talk {
	const struct http_call *call;
	struct http_answer     *out;
	struct ctx             *cx;
	struct buf              body;
	bool                    forbidden, sent;
};

static str
part_of(struct ctx *cx, CURLU *u, CURLUPart part, unsigned flags)
{
	char *z = NULL;
	str s = { 0 };

	if (curl_url_get(u, part, &z, flags) == CURLUE_OK && z != NULL)
		s = str_dup(cx->arena, str_of(z));
	curl_free(z);
	return s;
}

bool
http_url(struct ctx *cx, str url, struct http_url *out)
{
	CURLU *u = curl_url();
	str scheme, port;
	int64_t n;
	bool ok = false;

	if (u == NULL)
		return false;
	for (size_t i = 0; i < url.n; i++)
		if ((unsigned char)url.p[i] <= ' ' || (unsigned char)url.p[i] >= 127 || url.p[i] == '\\')
			goto end;
	/* libcurl takes "http:///host" and "http:/host", too; such a thing is a mistake or worse. */
	{
		size_t at = str_find(url, S("://"));
		if (at == SIZE_MAX || at + 3 >= url.n || url.p[at + 3] == '/')
			goto end;
	}
	if (url.n == 0 || url.n > 2048 || curl_url_set(u, CURLUPART_URL, str_z(cx->arena, url), CURLU_DISALLOW_USER) != CURLUE_OK)
		goto end;
	scheme = part_of(cx, u, CURLUPART_SCHEME, 0);
	out->secure = str_eq(scheme, S("https"));
	out->host = str_lower(cx->arena, part_of(cx, u, CURLUPART_HOST, 0));
	port = part_of(cx, u, CURLUPART_PORT, CURLU_DEFAULT_PORT);
	if (!(out->secure || str_eq(scheme, S("http"))) || out->host.n == 0 || !str_int(port, &n) || n < 1 || n > 65535
	    || part_of(cx, u, CURLUPART_FRAGMENT, 0).n)
		goto end;
	if (str_ends(out->host, S(".")))
		out->host = str_sub(out->host, 0, out->host.n - 1);
	out->port = (int)n;
	ok = out->host.n > 0;
end:
	curl_url_cleanup(u);
	return ok;
}

static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct talk *t = arg;

	if (purpose != CURLSOCKTYPE_IPCXN || (!addr_public(&a->addr) && !addr_in(&a->addr, t->call->ranges))) {
		t->forbidden = true;
		return CURL_SOCKET_BAD;
	}
	t->forbidden = false;
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static size_t
take_body(char *p, size_t size, size_t n, void *arg)
{
	struct talk *t = arg;

	buf_add(&t->body, (str){ p, size * n });
	return t->body.over ? 0 : size * n;
}

static size_t
take_head(char *p, size_t size, size_t n, void *arg)
{
	struct talk *t = arg;
	str line = str_trim((str){ p, size * n }), name;
	struct http_answer *o = t->out;
	int64_t seconds;

	if (str_starts(line, S("HTTP/"))) {
		o->head_count = 0;               /* a 100 Continue came before */
		return size * n;
	}
	if (str_find(line, S(":")) == SIZE_MAX || line.n > 4096)
		return size * n;
	name = str_cut(&line, ':');
	line = str_trim(line);
	if ((size_t)o->head_count < COUNT(o->head)) {
		o->head[o->head_count].name = str_dup(t->cx->arena, name);
		o->head[o->head_count++].value = str_dup(t->cx->arena, line);
	}
	if (str_eqi(name, S("retry-after")) && str_int(line, &seconds) && seconds >= 0 && seconds <= 86400)
		o->retry_after = seconds * SECOND;
	return size * n;
}

static int
watch(CURL *easy, curl_infotype type, char *p, size_t n, void *arg)
{
	struct talk *t = arg;

	(void)easy, (void)p, (void)n;
	if (type == CURLINFO_HEADER_OUT || type == CURLINFO_DATA_OUT)
		t->sent = true;
	return 0;
}

static int
progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct talk *t = arg;

	(void)a, (void)b, (void)c, (void)d;
	return t->call->stop != NULL && *t->call->stop;
}

static void
judge(struct talk *t, CURL *e, CURLcode rc)
{
	struct http_answer *o = t->out;
	long code = 0;

	o->sent = t->sent;
	switch (rc) {
	case CURLE_OK:
		(void)curl_easy_getinfo(e, CURLINFO_RESPONSE_CODE, &code);
		o->end = HTTP_ANSWERED;
		o->status = (int)code;
		o->body = buf_str(&t->body);
		return;
	case CURLE_ABORTED_BY_CALLBACK:
		o->end = HTTP_STOPPED;
		o->reason = "stopped with the server";
		return;
	case CURLE_OPERATION_TIMEDOUT:
		o->end = HTTP_TOO_SLOW;
		o->reason = "no answer in time";
		return;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		o->end = HTTP_BAD_TLS;
		o->reason = "the certificate does not verify";
		return;
	case CURLE_SSL_CONNECT_ERROR:
		o->end = HTTP_BAD_TLS;
		o->reason = "no TLS connection";
		return;
	case CURLE_WRITE_ERROR:
		o->end = HTTP_TOO_LARGE;
		o->reason = "the answer is too large";
		return;
	case CURLE_UNSUPPORTED_PROTOCOL:
		o->end = HTTP_FORBIDDEN;
		o->reason = "only https is allowed";
		return;
	case CURLE_COULDNT_RESOLVE_HOST:
		o->end = HTTP_UNREACHABLE;
		o->reason = "the host's name cannot be resolved";
		return;
	default:
		if (t->forbidden) {
			o->end = HTTP_FORBIDDEN;
			o->reason = "the host has an internal address that no destination allows";
			return;
		}
		o->end = HTTP_UNREACHABLE;
		o->reason = t->sent ? "the connection broke" : "the host cannot be reached";
		return;
	}
}

enum err
http_fetch(struct ctx *cx, const struct http_call *call, struct http_answer *out)
{
	struct talk t = { .call = call, .out = out, .cx = cx };
	struct curl_slist *heads = NULL;
	struct curl_blob ca = { (void *)call->ca_pem.p, call->ca_pem.n, CURL_BLOB_COPY };
	CURLcode rc = CURLE_OK;
	CURL *e = curl_easy_init();

	if (e == NULL)
		return fail(cx, E_FAULT, NULL, "out of memory");
	*out = (struct http_answer){ 0 };
	buf_init(&t.body, cx->arena, call->body_max ? call->body_max : 64 * KiB);
	for (int i = 0; i < call->head_count; i++) {
		char *z = str_z(cx->arena, str_printf(cx->arena, STR_F ": " STR_F, STR_A(call->head[i].name), STR_A(call->head[i].value)));
		struct curl_slist *more;
		for (char *p = z; *p; p++)
			if (*p == '\r' || *p == '\n')
				*p = ' ';
		if (call->head[i].value.n == 0)
			z = str_z(cx->arena, str_printf(cx->arena, STR_F ";", STR_A(call->head[i].name)));
		more = curl_slist_append(heads, z);
		heads = more != NULL ? more : heads;
	}
	{
		struct curl_slist *more = curl_slist_append(heads, "Expect:");
		heads = more != NULL ? more : heads;
	}
#define SET(option, value) do { if (rc == CURLE_OK) rc = curl_easy_setopt(e, option, value); } while (0)
	SET(CURLOPT_URL, str_z(cx->arena, call->url));
	SET(CURLOPT_PROTOCOLS_STR, call->plain ? "http,https" : "https");
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NOPROXY, "*");
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	if (call->ca_pem.n) {
		SET(CURLOPT_CAINFO_BLOB, &ca);
		SET(CURLOPT_CAPATH, NULL);
	}
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
	SET(CURLOPT_OPENSOCKETDATA, &t);
	SET(CURLOPT_CONNECTTIMEOUT, 10L);
	SET(CURLOPT_TIMEOUT_MS, (long)((call->answer_for ? call->answer_for : 12 * SECOND) / 1000));
	SET(CURLOPT_CUSTOMREQUEST, str_z(cx->arena, call->method));
	if (!str_eq(call->method, S("GET")) && !str_eq(call->method, S("HEAD"))) {
		SET(CURLOPT_POSTFIELDS, call->body.n ? call->body.p : "");
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.n);
	}
	if (str_eq(call->method, S("HEAD")))
		SET(CURLOPT_NOBODY, 1L);
	SET(CURLOPT_HTTPHEADER, heads);
	SET(CURLOPT_WRITEFUNCTION, take_body);
	SET(CURLOPT_WRITEDATA, &t);
	SET(CURLOPT_HEADERFUNCTION, take_head);
	SET(CURLOPT_HEADERDATA, &t);
	SET(CURLOPT_VERBOSE, 1L);
	SET(CURLOPT_DEBUGFUNCTION, watch);
	SET(CURLOPT_DEBUGDATA, &t);
	SET(CURLOPT_NOPROGRESS, 0L);
	SET(CURLOPT_XFERINFOFUNCTION, progress);
	SET(CURLOPT_XFERINFODATA, &t);
#undef SET
	if (rc == CURLE_OK)
		rc = curl_easy_perform(e);
	judge(&t, e, rc);
	curl_easy_cleanup(e);
	curl_slist_free_all(heads);
	return OK;
}
