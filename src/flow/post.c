/* post.c - a message of the outbox as an e-mail, and one try to send it.
 *
 * What goes is decided here, at the moment of sending: the destination may
 * have been closed since the message was queued. Subjects travel in clear
 * through every relay and stand on lock screens, so a subject is fixed words
 * and a number unless the destination is open for content and nothing is
 * found in it.
 */
#include "flow/in.h"
#include "mail/mail.h"
#include "phi.h"

/* ---- masking ------------------------------------------------------------------------------------------------ */

static int
into_buf(void *arg, const char *bytes, size_t n)
{
	buf_add(arg, (str){ bytes, n });
	return 0;
}

str
flow_mask(struct ctx *cx, str text)
{
	struct phi_redact_opts o = { .size = sizeof o, .style = PHI_STYLE_LABEL };
	struct buf b;

	buf_init(&b, cx->arena, 4 * text.n + 64 * KiB);
	if (cx->sys->phi == NULL || phi_redact(cx->sys->phi, &o, text.p, text.n, into_buf, &b) != PHI_OK || b.over)
		return S("");
	return buf_str(&b);
}

static int
found_one(void *arg, const struct phi_finding *f)
{
	(void)f;
	*(bool *)arg = true;
	return 1;
}

bool
flow_finds(struct ctx *cx, str text)
{
	bool found = false;

	if (text.n == 0)
		return false;
	return cx->sys->phi == NULL || phi_scan(cx->sys->phi, text.p, text.n, found_one, &found) != PHI_OK || found;
}

/* ---- writing -------------------------------------------------------------------------------------------------- */

/* What is said where content may not go, and whether the link shows it. */
static const struct { const char *event, *subject, *line; } words[] = {
	{ "received",       "Request #%lld received",  "We have received your request. You can follow it at the address below." },
	{ "comment",        "Request #%lld updated",   "There is a new answer to your request." },
	{ "password_reset", "Reset your password",     "Somebody, probably you, asked to set a new password. If it was not you, do nothing." },
	{ "verification",   "Confirm your address",    "Please confirm that this address is yours." },
	{ "login",          "Your link to sign in",    "You asked to sign in. If it was not you, do nothing." },
	{ "secure",         "A secure message for you", "There is a secure message for you. Open the link to read it; it asks for a second proof that it is you." },
	{ "secure_code",    "Your code",               "Somebody, probably you, opened a secure message." },
	{ "satisfaction",   "How did we do?",          "Your request was solved. Would you tell us how it was?" },
	{ "test",           "A test of outgoing mail", "Outgoing mail of this help desk works." },
	{ "bounce",         "Your message was not accepted", "Your message could not be accepted." },
};

static str
subject_of(struct ctx *cx, const struct message *m, str brand, bool content)
{
	const char *fixed = m->ticket_id ? m->staff ? "Ticket #%lld updated" : "Request #%lld updated" : "A message for you";

	if (content && m->subject.n && !flow_finds(cx, m->subject))
		return m->ticket_id && str_find(m->subject, str_printf(cx->arena, "#%lld", (long long)m->ticket_id)) == SIZE_MAX
		    ? str_printf(cx->arena, "[" STR_F "] " STR_F " (#%lld)", STR_A(brand), STR_A(m->subject), (long long)m->ticket_id)
		    : str_printf(cx->arena, "[" STR_F "] " STR_F, STR_A(brand), STR_A(m->subject));
	for (size_t i = 0; i < COUNT(words); i++)
		if (!m->staff && str_eq(m->event, str_of(words[i].event))
		    && (m->ticket_id || strchr(words[i].subject, '#') == NULL))
			fixed = words[i].subject;
	/* The format is one of ours; what has no number in it ignores the argument. */
	if (strchr(fixed, '#') == NULL)
		return str_printf(cx->arena, "[" STR_F "] %s", STR_A(brand), fixed);
	{
		str head = str_of(fixed), tail = head;
		head = str_cut(&tail, '#');
		(void)str_cut(&tail, 'd');
		return str_printf(cx->arena, "[" STR_F "] " STR_F "#%lld" STR_F, STR_A(brand), STR_A(head), (long long)m->ticket_id, STR_A(tail));
	}
}

static str
text_of(struct ctx *cx, const struct message *m, str brand, bool content)
{
	const char *base = cx->sys->base_url;
	const char *line = m->staff ? "There is news about a ticket." : m->ticket_id ? "There is news about your request."
	    : "There is a message for you.";
	struct buf b;
	str link = m->link;

	buf_init(&b, cx->arena, OUT_DOC_MAX + 64 * KiB);
	if (m->ticket_id && !str_eq(m->event, S("bounce")) && !str_eq(m->event, S("secure")) && !str_eq(m->event, S("satisfaction")))
		buf_add(&b, S("## Please reply above this line ##\n\n"));
	if (content && m->text.n) {
		buf_add(&b, m->text);
		buf_add(&b, S("\n\n"));
	} else {
		for (size_t i = 0; i < COUNT(words); i++)
			if (!m->staff && str_eq(m->event, str_of(words[i].event)))
				line = words[i].line;
		if (m->line.n)
			buf_add(&b, m->line);
		else
			buf_add(&b, str_of(line));
		buf_add(&b, S("\n\n"));
		if (m->ticket_id && !str_eq(m->event, S("bounce")))
			buf_add(&b, S("To protect your privacy this message holds no details.\n\n"));
	}
	if (link.n == 0 && m->ticket_id)
		link = str_printf(cx->arena, m->staff ? "/agent/tickets/%lld" : "/requests/%lld", (long long)m->ticket_id);
	if (link.n && base != NULL && *base)
		buf_fmt(&b, "%s" STR_F "\n\n", base, STR_A(link));
	else if (link.n)
		buf_add(&b, S("Please sign in to the help desk to read it.\n\n"));
	buf_fmt(&b, "-- \n" STR_F "\n", STR_A(brand));
	return buf_str(&b);
}

static str
with_mark(struct ctx *cx, str address, str mark)
{
	str domain = address, local = str_cut(&domain, '@');

	return str_printf(cx->arena, STR_F "+" STR_F "@" STR_F, STR_A(local), STR_A(mark), STR_A(domain));
}

static enum err
compose(struct ctx *cx, const struct message *m, const struct flow_conf *conf, bool content, str *raw, str *bounce_to)
{
	str domain = conf->from, local = str_cut(&domain, '@'), mark, brand = conf->name.n ? conf->name : domain;
	struct mail_out o = { .from = { brand, conf->from }, .to = { m->to_name, m->to }, .date = m->created_at,
	    .in_reply_to = m->in_reply_to };

	(void)local;
	TRY(flow_mark(cx, 'b', m->id, &mark));
	*bounce_to = with_mark(cx, conf->from, mark);
	TRY(flow_mark(cx, 'o', m->id, &mark));
	if (m->ticket_id) {
		str thread;
		TRY(flow_mark(cx, 't', m->ticket_id, &thread));
		o.message_id = str_printf(cx->arena, STR_F "+" STR_F "@" STR_F, STR_A(mark), STR_A(thread), STR_A(domain));
		o.references[0] = str_printf(cx->arena, "thread+" STR_F "@" STR_F, STR_A(thread), STR_A(domain));
		o.reply_to = (struct mail_addr){ brand, with_mark(cx, conf->from, thread) };
		if (o.in_reply_to.n == 0)
			o.in_reply_to = o.references[0];
	} else
		o.message_id = str_printf(cx->arena, STR_F "@" STR_F, STR_A(mark), STR_A(domain));
	o.references[1] = m->in_reply_to;
	o.loop = mark;
	/* What holds nobody's words is automatic, whoever caused it. */
	o.auto_submitted = str_eq(m->event, S("received")) || str_eq(m->event, S("bounce")) ? "auto-replied"
	    : m->automatic || !content ? "auto-generated" : NULL;
	o.subject = subject_of(cx, m, brand, content);
	o.text = text_of(cx, m, brand, content);
	return mail_write(cx, &o, raw);
}

/* ---- sending ---------------------------------------------------------------------------------------------------- */

struct noting { struct ctx *cx; int64_t id; };

static bool
note_last_byte(void *arg)
{
	struct noting *n = arg;
	enum err e = outbox_last_byte(n->cx, n->id);

	fail_clear(n->cx);
	return e == OK;
}

enum err
mail_try(struct ctx *cx, struct smtp *smtp, const struct message *m, struct outcome *out)
{
	struct flow_conf conf;
	struct smtp_conf sc;
	struct smtp_result r;
	struct allowed a;
	str raw, bounce_to, domain;
	bool bounced;

	TRY(flow_conf_get(cx, &conf));
	TRY(destination_for_mail(cx, m->to, &a));
	TRY(address_bounced(cx, m->to, &bounced));
	*out = (struct outcome){ .what = TRIED_HOLD, .masked = !(a.content && m->content) };
	if (conf.host.n == 0 || conf.from.n == 0) {
		out->reason = WHY_NO_RELAY;
		return OK;
	}
	if (!a.found) {
		out->reason = WHY_NO_DEST;
		return OK;
	}
	if (bounced) {
		out->what = TRIED_NEVER;
		out->reason = WHY_BOUNCED;
		return OK;
	}
	TRY(compose(cx, m, &conf, !out->masked, &raw, &bounce_to));
	domain = conf.from;
	(void)str_cut(&domain, '@');
	sc = (struct smtp_conf){ .host = conf.host, .port = (int)conf.port, .ca_pem = conf.ca_pem, .helo = domain,
	    .tls = conf.tls == FLOW_TLS ? SMTP_TLS : conf.tls == FLOW_PLAIN ? SMTP_PLAIN : SMTP_STARTTLS,
	    .user = conf.user.hidden, .password = conf.password.hidden };
	if (sc.user.n && sc.password.n == 0 && cx->sys->flow->password_file != NULL) {
		str file;
		if (file_read(cx, cx->sys->flow->password_file, 4096, &file) == OK)
			sc.password = str_trim(file);
		else
			fail_clear(cx);
	}
	/* Nobody waits for a database connection of ours while we wait for them. */
	if (cx->reader != NULL && ctx_release_reader != NULL)
		ctx_release_reader(cx);
	smtp_send(cx, smtp, &sc, bounce_to, m->to, raw, note_last_byte, &(struct noting){ cx, m->id }, &r);
	*out = (struct outcome){ .status = r.status, .reason = r.reason, .uncertain = r.last_byte, .masked = out->masked,
	    .what = r.end == SMTP_ACCEPTED ? TRIED_SENT : r.end == SMTP_NEVER ? TRIED_NEVER : TRIED_LATER };
	if (out->what == TRIED_LATER && !r.last_byte && cx->sys->flow->stopping)
		out->paused_until = time_now();
	return OK;
}
