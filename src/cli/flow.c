/* flow.c - ward outbox, ward destination: what leaves the house, on the command line; ward api describe. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"

int
cmd_outbox_list(struct ward *w, int argc, char **argv, int in, int out, int err)
{
	const char *state = option(&argc, argv, "--state"), *kind = option(&argc, argv, "--kind"), *before = option(&argc, argv, "--before");
	struct outbox_filter f = { .limit = 100 };
	struct outbox_row *o;
	struct ctx cx;
	int n, code = 0;
	enum err e;

	(void)in;
	if (argc > 0 || (state != NULL && !flow_state_of(str_of(state), &f.state))
	    || (kind != NULL && !flow_kind_of(str_of(kind), &f.kind)) || (before != NULL && !str_int(str_of(before), &f.before_id)))
		return usage_of(err, "outbox list");
	ward_ctx(w, &cx, "cli");
	if ((e = flow_list(&cx, &f, &o, &n)) != OK)
		code = failed(&cx, err, e);
	for (int i = 0; code == 0 && i < n; i++) {
		dprintf(out, "%lld %s %s " STR_F " %s tries=%d", (long long)o[i].id, flow_kind_name(o[i].kind), flow_state_name(o[i].state),
		    STR_A(o[i].event), time_iso(cx.arena, o[i].created_at).p, o[i].attempts);
		if (o[i].ticket_id)
			dprintf(out, " ticket=%lld", (long long)o[i].ticket_id);
		if (o[i].status)
			dprintf(out, " status=%d", o[i].status);
		if (o[i].uncertain)
			dprintf(out, " uncertain");
		if (o[i].reason.n)
			dprintf(out, ": " STR_F, STR_A(o[i].reason));
		dprintf(out, "\n");
	}
	if (code == 0 && n == 0)
		dprintf(out, "nothing\n");
	else if (code == 0 && n == f.limit)
		dprintf(out, "older ones: ward outbox list --before %lld\n", (long long)o[n - 1].id);
	ctx_done(&cx);
	return code;
}

int
cmd_outbox_show(struct ward *w, int argc, char **argv, int in, int out, int err)
{
	struct outbox_row o;
	struct ctx cx;
	int64_t id;
	int code = 0;
	enum err e;

	(void)in;
	if (argc != 1 || !str_int(str_of(argv[0]), &id))
		return usage_of(err, "outbox show");
	ward_ctx(w, &cx, "cli");
	if ((e = flow_get(&cx, id, &o)) != OK || (e = trail_look(&cx, "outbox", &id, 1, "to,subject,text,body")) != OK)
		code = failed(&cx, err, e);
	else {
		str to = reveal(&cx, o.to, TO_SHOW_ACTOR), subject = reveal(&cx, o.subject, TO_SHOW_ACTOR),
		    text = reveal(&cx, o.text, TO_SHOW_ACTOR), body = reveal(&cx, o.body, TO_SHOW_ACTOR);
		dprintf(out, "id         %lld\nkind       %s\nstate      %s\nreason     " STR_F "\nevent      " STR_F "\nattempts   %d\n"
		    "status     %d\nuncertain  %s\ncreated    %s\n", (long long)o.id, flow_kind_name(o.kind), flow_state_name(o.state),
		    STR_A(o.reason), STR_A(o.event), o.attempts, o.status, o.uncertain ? "yes" : "no",
		    time_iso(cx.arena, o.created_at).p);
		if (o.ticket_id)
			dprintf(out, "ticket     %lld\n", (long long)o.ticket_id);
		if (o.erased)
			dprintf(out, "its content was destroyed\n");
		if (to.n)
			dprintf(out, "to         " STR_F "\n", STR_A(to));
		if (subject.n)
			dprintf(out, "subject    " STR_F "\n", STR_A(subject));
		if (text.n + body.n)
			dprintf(out, "\n" STR_F STR_F "\n", STR_A(text), STR_A(body));
	}
	ctx_done(&cx);
	return code;
}

static int
step(struct ward *w, int argc, char **argv, int err, const char *name, bool again, bool drop)
{
	struct ctx cx;
	int64_t id;
	int code = 0;

	if (argc < 1)
		return usage_of(err, name);
	for (int i = 0; i < argc; i++)
		if (!str_int(str_of(argv[i]), &id))
			return usage_of(err, name);
	for (int i = 0; i < argc; i++) {
		enum err e;
		(void)str_int(str_of(argv[i]), &id);
		ward_ctx(w, &cx, "cli");
		e = drop ? flow_drop(&cx, id) : flow_retry(&cx, id, again);
		if (e != OK) {
			dprintf(err, "ward: message %lld: ", (long long)id);
			code = failed(&cx, err, e);
		}
		ctx_done(&cx);
	}
	return code;
}

int
cmd_outbox_retry(struct ward *w, int argc, char **argv, int in, int out, int err)
{
	bool again = flag(&argc, argv, "--again");

	(void)in;
	(void)out;
	return step(w, argc, argv, err, "outbox retry", again, false);
}

int
cmd_outbox_drop(struct ward *w, int argc, char **argv, int in, int out, int err)
{
	(void)in;
	(void)out;
	return step(w, argc, argv, err, "outbox drop", false, true);
}

int
cmd_dest_list(struct ward *w, int argc, char **argv, int in, int out, int err)
{
	struct destination *d;
	struct ctx cx;
	int64_t after = 0;
	int n, code = 0, all = 0;

	(void)in;
	(void)argv;
	if (argc > 0)
		return usage_of(err, "destination list");
	do {
		enum err e;
		ward_ctx(w, &cx, "cli");
		if ((e = flow_dest_list(&cx, after, 100, &d, &n)) != OK)
			code = failed(&cx, err, e);
		for (int i = 0; code == 0 && i < n; i++) {
			str p = reveal(&cx, d[i].pattern, TO_SHOW_ACTOR), note = reveal(&cx, d[i].note, TO_SHOW_ACTOR);
			dprintf(out, "%lld %s " STR_F "%s%s%s" STR_F " " STR_F "\n", (long long)d[i].id,
			    d[i].kind == DEST_RECIPIENT ? "recipient" : "webhook", STR_A(p), d[i].content ? " content" : "",
			    d[i].plain_http ? " http" : "", d[i].ranges.n ? " addresses=" : "", STR_A(d[i].ranges), STR_A(note));
			after = d[i].id;
			all++;
		}
		if (code == 0 && n > 0 && trail_look(&cx, "destination", &after, 1, "pattern,note") != OK)
			code = 74;
		ctx_done(&cx);
	} while (code == 0 && n == 100);
	if (code == 0 && all == 0)
		dprintf(out, "no destination is listed, so nothing leaves; list one with: ward destination add recipient '*'\n");
	return code;
}

int
cmd_dest_add(struct ward *w, int argc, char **argv, int in, int out, int err)
{
	const char *note = option(&argc, argv, "--note"), *ranges = option(&argc, argv, "--allow-addresses"),
	    *ca = option(&argc, argv, "--ca-file");
	bool content = flag(&argc, argv, "--content"), http = flag(&argc, argv, "--allow-http");
	struct destination d = { .content = content, .plain_http = http }, made;
	unsigned has = DEST_KIND | DEST_PATTERN | DEST_NOTE | DEST_CONTENT | DEST_PLAIN | DEST_RANGES | DEST_CA;
	struct ctx cx;
	int code = 0;
	enum err e = OK;

	(void)in;
	if (argc != 2 || (strcmp(argv[0], "recipient") != 0 && strcmp(argv[0], "webhook") != 0))
		return usage_of(err, "destination add");
	ward_ctx(w, &cx, "cli");
	d.kind = strcmp(argv[0], "recipient") == 0 ? DEST_RECIPIENT : DEST_WEBHOOK;
	d.pattern = HIDE(str_of(argv[1]));
	d.note = HIDE(str_of(note));
	d.ranges = str_of(ranges);
	if (ca != NULL && file_read(&cx, ca, 128 * KiB, &d.ca_pem) != OK) {
		dprintf(err, "ward: --ca-file: cannot be read\n");
		ctx_done(&cx);
		return 66;
	}
	if ((e = flow_dest_create(&cx, has, &d, &made)) != OK)
		code = failed(&cx, err, e);
	else
		dprintf(out, "%lld\n", (long long)made.id);
	ctx_done(&cx);
	return code;
}

int
cmd_dest_remove(struct ward *w, int argc, char **argv, int in, int out, int err)
{
	struct ctx cx;
	int64_t id;
	int code = 0;
	enum err e;

	(void)in;
	(void)out;
	if (argc != 1 || !str_int(str_of(argv[0]), &id))
		return usage_of(err, "destination remove");
	ward_ctx(w, &cx, "cli");
	if ((e = flow_dest_delete(&cx, id)) != OK)
		code = failed(&cx, err, e);
	ctx_done(&cx);
	return code;
}

/* ---- how mail leaves ------------------------------------------------------------------------------------------------- */

int
cmd_mail_show(struct ward *w, int argc, char **argv, int in, int out, int err)
{
	struct flow_conf c;
	struct ctx cx;
	int code = 0;
	enum err e;

	(void)in;
	(void)argv;
	if (argc > 0)
		return usage_of(err, "mail show");
	ward_ctx(w, &cx, "cli");
	if ((e = flow_conf_get(&cx, &c)) != OK)
		code = failed(&cx, err, e);
	else if (c.host.n == 0)
		dprintf(out, "mail is not set up; set it with: ward mail set --host HOST --from ADDRESS\n");
	else
		dprintf(out, "host     " STR_F ":%lld (%s%s)\nfrom     " STR_F "\nname     " STR_F "\nuser     %s\npassword %s\n", STR_A(c.host),
		    (long long)c.port, c.tls == FLOW_TLS ? "tls" : c.tls == FLOW_PLAIN ? "none" : "starttls",
		    c.ca_pem.n ? ", own certificates" : "", STR_A(c.from), STR_A(c.name), c.user.hidden.n ? "set" : "none",
		    c.password.hidden.n ? "set" : w->conf.smtp_password_file && *w->conf.smtp_password_file ? "in smtp_password_file" : "none");
	ctx_done(&cx);
	return code;
}

int
cmd_mail_set(struct ward *w, int argc, char **argv, int in, int out, int err)
{
	const char *host = option(&argc, argv, "--host"), *port = option(&argc, argv, "--port"), *tls = option(&argc, argv, "--tls"),
	    *ca = option(&argc, argv, "--ca-file"), *user = option(&argc, argv, "--user"), *pass = option(&argc, argv, "--password-file"),
	    *from = option(&argc, argv, "--from"), *name = option(&argc, argv, "--name");
	struct flow_conf c = { 0 }, done;
	unsigned has = 0;
	struct ctx cx;
	str file;
	int code = 0;
	enum err e;

	(void)in;
	(void)out;
	if (argc > 0 || (port != NULL && !str_int(str_of(port), &c.port)) || (tls != NULL && strcmp(tls, "starttls") != 0
	    && strcmp(tls, "tls") != 0 && strcmp(tls, "none") != 0))
		return usage_of(err, "mail set");
	ward_ctx(w, &cx, "cli");
	if (host != NULL)
		c.host = str_of(host), has |= CONF_HOST;
	if (port != NULL)
		has |= CONF_PORT;
	if (tls != NULL)
		c.tls = strcmp(tls, "tls") == 0 ? FLOW_TLS : strcmp(tls, "none") == 0 ? FLOW_PLAIN : FLOW_STARTTLS, has |= CONF_TLS;
	if (user != NULL)
		c.user = HIDE(str_of(user)), has |= CONF_USER;
	if (from != NULL)
		c.from = str_of(from), has |= CONF_FROM;
	if (name != NULL)
		c.name = str_of(name), has |= CONF_NAME;
	if (ca != NULL) {
		has |= CONF_CA;
		if (*ca && file_read(&cx, ca, 128 * KiB, &c.ca_pem) != OK) {
			dprintf(err, "ward: --ca-file: cannot be read\n");
			code = 66;
		}
	}
	if (pass != NULL) {
		has |= CONF_PASSWORD;
		if (*pass && file_read(&cx, pass, 4096, &file) != OK) {
			dprintf(err, "ward: --password-file: cannot be read\n");
			code = 66;
		} else if (*pass)
			c.password = HIDE(str_trim(file));
	}
	if (code == 0 && (e = flow_conf_set(&cx, has, &c, &done)) != OK)
		code = failed(&cx, err, e);
	ctx_done(&cx);
	return code;
}

/* ---- the API ------------------------------------------------------------------------------------------------------------ */

int
cmd_api_describe(void)
{
	CLEANUP(arena_free) struct arena *a = arena_new();
	const char *wrong = api_describe_wrong(a);
	struct buf b;

	if (wrong != NULL) {
		fprintf(stderr, "ward: the description names a route that does not exist: %s\n", wrong);
		return 70;
	}
	buf_init(&b, a, 16 * MiB);
	api_describe(a, WARD_VERSION, &b);
	buf_byte(&b, '\n');
	return fd_write_all(1, b.p, b.n) ? 0 : 74;
}
