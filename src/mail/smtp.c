/* smtp.c - handing a message to a relay (RFC 5321), through libcurl.
 *
 * TLS is demanded, never only tried: with STARTTLS as with TLS from the first
 * byte the certificate must verify and name the host, or no command follows.
 * No proxy of the environment is used. What the server says is looked at for
 * its code only: its words quote addresses.
 *
 * The end of the message is what makes the server take it, so the moment
 * before it is given to the caller, who can note on disk that from now on the
 * message may have been taken.
 */
#include <curl/curl.h>
#include <stdlib.h>

#include "mail/mail.h"

enum stage { AT_CONNECT, AT_MAIL, AT_RCPT, AT_DATA, AT_END };

struct smtp {
	CURL       *easy;
	const _Atomic bool *stop;
	str         message;
	size_t      at;
	enum stage  stage;
	bool        ended, refused;      /* the end may have left; before_last said no */
	usec        ended_at;
	bool      (*before_last)(void *arg);
	void       *arg;
	uint64_t    conf;                /* what the open connection was made with */
};

struct smtp *
smtp_new(const _Atomic bool *stop)
{
	struct smtp *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	s->stop = stop;
	return s;
}

void
smtp_free(struct smtp **sp)
{
	struct smtp *s = *sp;

	if (s == NULL)
		return;
	if (s->easy != NULL)
		curl_easy_cleanup(s->easy);
	free(s);
	*sp = NULL;
}

static size_t
give(char *into, size_t size, size_t n, void *arg)
{
	struct smtp *s = arg;
	size_t take = s->message.n - s->at, room = size * n;

	if (take == 0) {
		if (s->before_last != NULL && !s->before_last(s->arg)) {
			s->refused = true;
			return CURL_READFUNC_ABORT;
		}
		s->ended = true;
		s->ended_at = time_mono();
		s->stage = AT_END;
		return 0;
	}
	if (take > room)
		take = room;
	memcpy(into, s->message.p + s->at, take);
	s->at += take;
	return take;
}

/* Which command went out last: its first four letters, never the rest. */
static int
watch(CURL *easy, curl_infotype type, char *p, size_t n, void *arg)
{
	struct smtp *s = arg;

	(void)easy;
	if (type != CURLINFO_HEADER_OUT || n < 4)
		return 0;
	if (memcmp(p, "MAIL", 4) == 0)
		s->stage = AT_MAIL;
	else if (memcmp(p, "RCPT", 4) == 0)
		s->stage = AT_RCPT;
	else if (memcmp(p, "DATA", 4) == 0)
		s->stage = AT_DATA;
	return 0;
}

static int
progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct smtp *s = arg;

	(void)a, (void)b, (void)c, (void)d;
	if (s->stop == NULL || !*s->stop)
		return 0;
	return !s->ended || time_mono() - s->ended_at > 10 * SECOND;
}

static size_t
nowhere(char *p, size_t size, size_t n, void *arg)
{
	(void)p, (void)arg;
	return size * n;
}

static void
judge(struct smtp *s, CURLcode rc, struct smtp_result *r)
{
	long code = 0;

	(void)curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &code);
	*r = (struct smtp_result){ .end = SMTP_LATER, .status = (int)code, .last_byte = s->ended };
	switch (rc) {
	case CURLE_OK:
		r->end = SMTP_ACCEPTED;
		return;
	case CURLE_ABORTED_BY_CALLBACK:
		r->status = 0;
		r->reason = s->refused ? "could not be noted before its last byte" : "stopped with the server";
		return;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		r->status = 0;
		r->reason = "the relay's certificate does not verify";
		return;
	case CURLE_USE_SSL_FAILED:
		r->reason = "the relay offers no TLS";
		return;
	case CURLE_SSL_CONNECT_ERROR:
		r->status = 0;
		r->reason = "no TLS connection to the relay";
		return;
	case CURLE_LOGIN_DENIED:
		r->reason = "the relay does not take our credentials";
		return;
	case CURLE_COULDNT_RESOLVE_HOST:
		r->status = 0;
		r->reason = "the relay's name cannot be resolved";
		return;
	case CURLE_COULDNT_CONNECT:
		r->status = 0;
		r->reason = "the relay cannot be reached";
		return;
	case CURLE_OPERATION_TIMEDOUT:
		r->status = 0;
		r->reason = s->ended ? "the relay did not answer the end of the message" : "the relay is too slow";
		return;
	default:
		break;
	}
	if (code >= 500 && code != 530 && code != 535 && code != 503 && s->stage >= AT_MAIL) {
		static const char *const where[] = { "", "refused by the relay for its sender (MAIL)",
		    "refused by the relay for its recipient (RCPT)", "refused by the relay (DATA)", "refused by the relay for its content" };
		r->end = SMTP_NEVER;
		r->reason = where[s->stage];
		r->last_byte = false;          /* a clear answer */
	} else if (code >= 400) {
		r->reason = code >= 500 ? "the relay does not serve us" : "the relay says: later";
		r->last_byte = false;
	} else {
		r->status = 0;
		r->reason = s->ended ? "the connection broke before the answer to the end of the message"
		    : "the connection to the relay broke";
	}
}

static void
mix(uint64_t *h, str s)
{
	for (size_t i = 0; i < s.n; i++)
		*h = (*h ^ (unsigned char)s.p[i]) * 0x100000001B3u;
	*h = (*h ^ 0x1FF) * 0x100000001B3u;
}

/* A connection that was trusted under other settings is not one to go on with;
 * libcurl does not tell them apart in every case after STARTTLS. */
static bool
renew(struct smtp *s, const struct smtp_conf *c)
{
	uint64_t h = 0xCBF29CE484222325u ^ (uint64_t)c->port << 8 ^ (uint64_t)c->tls;

	mix(&h, c->host);
	mix(&h, c->ca_pem);
	mix(&h, c->user);
	mix(&h, c->password);
	mix(&h, c->helo);
	if (h == s->conf)
		return true;
	if (s->easy != NULL)
		curl_easy_cleanup(s->easy);
	s->easy = curl_easy_init();
	s->conf = h;
	return s->easy != NULL;
}

void
smtp_send(struct ctx *cx, struct smtp *s, const struct smtp_conf *conf, str from, str to, str message,
    bool (*before_last)(void *arg), void *arg, struct smtp_result *out)
{
	CURL *e;
	struct curl_slist *rcpt;
	struct curl_blob ca = { (void *)conf->ca_pem.p, conf->ca_pem.n, CURL_BLOB_COPY };
	long total = (long)((conf->answer_for ? conf->answer_for : 300 * SECOND) / SECOND);
	CURLcode rc;

	if (!renew(s, conf)) {
		*out = (struct smtp_result){ .end = SMTP_LATER, .reason = "out of memory" };
		return;
	}
	e = s->easy;
	s->message = message;
	s->at = 0;
	s->stage = AT_CONNECT;
	s->ended = s->refused = false;
	s->before_last = before_last;
	s->arg = arg;
	curl_easy_reset(e);          /* options; the connection stays */
	rcpt = curl_slist_append(NULL, str_z(cx->arena, to));
	rc = rcpt == NULL ? CURLE_OUT_OF_MEMORY : CURLE_OK;
#define SET(option, value) do { if (rc == CURLE_OK) rc = curl_easy_setopt(e, option, value); } while (0)
	SET(CURLOPT_URL, str_z(cx->arena, str_printf(cx->arena, "%s://" STR_F ":%d/" STR_F,
	    conf->tls == SMTP_TLS ? "smtps" : "smtp", STR_A(conf->host), conf->port, STR_A(conf->helo))));
	SET(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NOPROXY, "*");
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_USE_SSL, conf->tls == SMTP_PLAIN ? (long)CURLUSESSL_NONE : (long)CURLUSESSL_ALL);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	if (conf->ca_pem.n) {
		SET(CURLOPT_CAINFO_BLOB, &ca);
		SET(CURLOPT_CAPATH, NULL);
	}
	if (conf->user.n) {
		SET(CURLOPT_USERNAME, str_z(cx->arena, conf->user));
		SET(CURLOPT_PASSWORD, str_z(cx->arena, conf->password));
	}
	SET(CURLOPT_CONNECTTIMEOUT, 30L);
	SET(CURLOPT_TIMEOUT, total);
	SET(CURLOPT_SERVER_RESPONSE_TIMEOUT, total);
	SET(CURLOPT_MAIL_FROM, str_z(cx->arena, from));
	SET(CURLOPT_MAIL_RCPT, rcpt);
	SET(CURLOPT_UPLOAD, 1L);
	SET(CURLOPT_READFUNCTION, give);
	SET(CURLOPT_READDATA, s);
	SET(CURLOPT_WRITEFUNCTION, nowhere);
	SET(CURLOPT_VERBOSE, 1L);
	SET(CURLOPT_DEBUGFUNCTION, watch);
	SET(CURLOPT_DEBUGDATA, s);
	SET(CURLOPT_NOPROGRESS, 0L);
	SET(CURLOPT_XFERINFOFUNCTION, progress);
	SET(CURLOPT_XFERINFODATA, s);
#undef SET
	if (rc == CURLE_OK)
		rc = curl_easy_perform(e);
	judge(s, rc, out);
	curl_slist_free_all(rcpt);
	(void)curl_easy_setopt(e, CURLOPT_MAIL_RCPT, NULL);
	s->message = (str){ 0 };
}
