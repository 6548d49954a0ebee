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

/* What is said where content may not go, and whether the link shows it; in English and Spanish. */
enum { EN, ES };
static const struct { const char *event, *subject[2], *line[2]; } words[] = {
	{ "received",       { "Request #%lld received", "Solicitud #%lld recibida" },
	  { "We have received your request. You can follow it at the address below.", "Hemos recibido su solicitud. Puede seguirla en la dirección de abajo." } },
	{ "comment",        { "Request #%lld updated", "Solicitud #%lld actualizada" },
	  { "There is a new answer to your request.", "Hay una nueva respuesta a su solicitud." } },
	{ "password_reset", { "Reset your password", "Restablezca su contraseña" },
	  { "Somebody, probably you, asked to set a new password. The link is good for 30 minutes and works once. If it was not you, do nothing.",
	    "Alguien, probablemente usted, pidió una contraseña nueva. El enlace vale 30 minutos y funciona una vez. Si no fue usted, no haga nada." } },
	{ "invitation",     { "Your account at the help desk", "Su cuenta en el servicio de ayuda" },
	  { "An administrator made an account for you. The link sets your password, once and for some days; then you sign in and set up a second factor.",
	    "Un administrador le ha creado una cuenta. El enlace fija su contraseña, una vez y por unos días; después entra y configura un segundo factor." } },
	{ "password_changed", { "Your password was changed", "Su contraseña fue cambiada" },
	  { "Your password was changed, and you were signed out everywhere. If it was not you, tell the help desk at once.",
	    "Su contraseña fue cambiada y se cerraron todas sus sesiones. Si no fue usted, avise al servicio de inmediato." } },
	{ "verification",   { "Confirm your address", "Confirme su dirección" },
	  { "Please confirm that this is your address. The link is good for one day.", "Confirme que esta dirección es suya. El enlace vale un día." } },
	{ "login",          { "Your link to sign in", "Su enlace para entrar" },
	  { "You asked to sign in. Open this link, it is good for 15 minutes; it asks for the code on the page where you asked. If you did not ask, do nothing.",
	    "Pidió entrar. Abra este enlace, vale 15 minutos; pide el código de la página donde lo pidió. Si no lo pidió, no haga nada." } },
	{ "secure",         { "A secure message for you", "Un mensaje seguro para usted" },
	  { "There is a secure message for you. Open the link to read it; it asks for a second proof that it is you.",
	    "Hay un mensaje seguro para usted. Abra el enlace para leerlo; pide una segunda prueba de que es usted." } },
	{ "secure_code",    { "Your code", "Su código" },
	  { "Somebody, probably you, opened a secure message.", "Alguien, probablemente usted, abrió un mensaje seguro." } },
	{ "satisfaction",   { "How did we do?", "¿Cómo lo hicimos?" },
	  { "Your request was solved. Would you tell us how it was?", "Su solicitud fue resuelta. ¿Nos dice qué tal fue?" } },
	{ "test",           { "A test of outgoing mail", "Una prueba del correo saliente" },
	  { "Outgoing mail of this help desk works.", "El correo saliente de este servicio funciona." } },
	{ "bounce",         { "Your message was not accepted", "Su mensaje no fue aceptado" },
	  { "Your message could not be accepted.", "Su mensaje no pudo aceptarse." } },
	{ "forwarding",     { "A check of forwarding", "Una comprobación del reenvío" },
	  { "This checks that mail to this address reaches the help desk. Nobody needs to do anything.",
	    "Esto comprueba que el correo a esta dirección llega al servicio. Nadie tiene que hacer nada." } },
};
enum say { TICKET_UPDATED, REQUEST_UPDATED, A_MESSAGE, NEWS_TICKET, NEWS_REQUEST, A_MESSAGE_LINE, ABOVE, NO_DETAILS, SIGN_IN };
static const char *const says[][2] = {
	[TICKET_UPDATED] = { "Ticket #%lld updated", "Ticket #%lld actualizado" },
	[REQUEST_UPDATED] = { "Request #%lld updated", "Solicitud #%lld actualizada" },
	[A_MESSAGE] = { "A message for you", "Un mensaje para usted" },
	[NEWS_TICKET] = { "There is news about a ticket.", "Hay novedades sobre un ticket." },
	[NEWS_REQUEST] = { "There is news about your request.", "Hay novedades sobre su solicitud." },
	[A_MESSAGE_LINE] = { "There is a message for you.", "Hay un mensaje para usted." },
	[ABOVE] = { "## Please reply above this line ##\n\n", "## Please reply above this line / Responda por encima de esta línea ##\n\n" },
	[NO_DETAILS] = { "To protect your privacy this message holds no details.\n\n", "Para proteger su privacidad, este mensaje no lleva detalles.\n\n" },
	[SIGN_IN] = { "Please sign in to the help desk to read it.\n\n", "Entre en el servicio para leerlo.\n\n" },
};

static str
subject_of(struct ctx *cx, const struct message *m, str brand, bool content)
{
	int in = m->spanish ? ES : EN;
	const char *fixed = says[m->ticket_id ? m->staff ? TICKET_UPDATED : REQUEST_UPDATED : A_MESSAGE][in];

	if (content && m->subject.n && !flow_finds(cx, m->subject))
		return m->ticket_id && str_find(m->subject, str_printf(cx->arena, "#%lld", (long long)m->ticket_id)) == SIZE_MAX
		    ? str_printf(cx->arena, "[" STR_F "] " STR_F " (#%lld)", STR_A(brand), STR_A(m->subject), (long long)m->ticket_id)
		    : str_printf(cx->arena, "[" STR_F "] " STR_F, STR_A(brand), STR_A(m->subject));
	for (size_t i = 0; i < COUNT(words); i++)
		if (!m->staff && str_eq(m->event, str_of(words[i].event))
		    && (m->ticket_id || strchr(words[i].subject[in], '#') == NULL))
			fixed = words[i].subject[in];
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
	int in = m->spanish ? ES : EN;
	const char *line = says[m->staff ? NEWS_TICKET : m->ticket_id ? NEWS_REQUEST : A_MESSAGE_LINE][in];
	struct buf b;
	str link = m->link;

	buf_init(&b, cx->arena, OUT_DOC_MAX + 64 * KiB);
	if (m->ticket_id && !str_eq(m->event, S("bounce")) && !str_eq(m->event, S("secure")) && !str_eq(m->event, S("satisfaction")))
		buf_add(&b, str_of(says[ABOVE][in]));
	if (content && m->text.n) {
		buf_add(&b, m->text);
		buf_add(&b, S("\n\n"));
	} else {
		for (size_t i = 0; i < COUNT(words); i++)
			if (!m->staff && str_eq(m->event, str_of(words[i].event)))
				line = words[i].line[in];
		if (m->line.n)
			buf_add(&b, m->line);
		else
			buf_add(&b, str_of(line));
		buf_add(&b, S("\n\n"));
		if (m->ticket_id && !str_eq(m->event, S("bounce")))
			buf_add(&b, str_of(says[NO_DETAILS][in]));
	}
	if (link.n == 0 && m->ticket_id)
		link = str_printf(cx->arena, m->staff ? "/agent/tickets/%lld" : "/requests/%lld", (long long)m->ticket_id);
	if (link.n && base != NULL && *base)
		buf_fmt(&b, "%s" STR_F "\n\n", base, STR_A(link));
	else if (link.n)
		buf_add(&b, str_of(says[SIGN_IN][in]));
	buf_fmt(&b, "-- \n" STR_F "\n", STR_A(brand));
	return buf_str(&b);
}

static str
with_mark(struct ctx *cx, str address, str mark)
{
	str domain = address, local = str_cut(&domain, '@');

	return str_printf(cx->arena, STR_F "+" STR_F "@" STR_F, STR_A(local), STR_A(mark), STR_A(domain));
}

static str
domain_of(const struct flow_conf *conf)
{
	str domain = conf->from;

	(void)str_cut(&domain, '@');
	return domain;
}

static enum err
message_id(struct ctx *cx, const struct flow_conf *conf, int64_t id, int64_t ticket_id, str *out)
{
	str domain = domain_of(conf), mark, thread;

	TRY(flow_mark(cx, 'o', id, &mark));
	if (ticket_id == 0) {
		*out = str_printf(cx->arena, STR_F "@" STR_F, STR_A(mark), STR_A(domain));
		return OK;
	}
	TRY(flow_mark(cx, 't', ticket_id, &thread));
	*out = str_printf(cx->arena, STR_F "+" STR_F "@" STR_F, STR_A(mark), STR_A(thread), STR_A(domain));
	return OK;
}

enum err
flow_message_id(struct ctx *cx, const struct outbox_row *o, str *out)
{
	struct flow_conf conf;

	TRY(flow_conf_get(cx, &conf));
	return message_id(cx, &conf, o->id, o->ticket_id, out);
}

static enum err
compose(struct ctx *cx, const struct message *m, const struct flow_conf *conf, bool content, str *raw, str *bounce_to)
{
	str domain = domain_of(conf), mark, from = m->from.n ? m->from : conf->from;
	str brand = m->from_name.n ? m->from_name : conf->name.n ? conf->name : domain;
	struct mail_out o = { .from = { brand, from }, .to = { m->to_name, m->to }, .date = m->created_at,
	    .in_reply_to = m->in_reply_to };

	TRY(flow_mark(cx, 'b', m->id, &mark));
	*bounce_to = with_mark(cx, conf->from, mark);
	TRY(flow_mark(cx, 'o', m->id, &mark));
	TRY(message_id(cx, conf, m->id, m->ticket_id, &o.message_id));
	if (m->ticket_id) {
		str thread;
		TRY(flow_mark(cx, 't', m->ticket_id, &thread));
		o.references[0] = str_printf(cx->arena, "thread+" STR_F "@" STR_F, STR_A(thread), STR_A(domain));
		o.reply_to = (struct mail_addr){ brand, with_mark(cx, from, thread) };
		if (o.in_reply_to.n == 0)
			o.in_reply_to = o.references[0];
	} else if (m->check_id) {
		str check;
		TRY(flow_mark(cx, 'v', m->check_id, &check));
		o.message_id = str_printf(cx->arena, STR_F "+" STR_F "@" STR_F, STR_A(mark), STR_A(check), STR_A(domain));
	}
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
	domain = domain_of(&conf);
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
