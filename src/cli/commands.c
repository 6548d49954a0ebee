/* commands.c - what `ward COMMAND` can do besides init and serve. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"

int
failed(struct ctx *cx, int err, enum err e)
{
	if (cx->bad != NULL)
		for (struct bad_field *b = cx->bad; b != NULL; b = b->next)
			dprintf(err, "ward: %s: %s\n", b->field, b->why);
	else
		dprintf(err, "ward: %s\n", cx->fail.why ? cx->fail.why : err_name(e));
	return exit_of(e);
}

int
usage_of(int err, const char *name)
{
	for (const struct command *c = commands; c->name != NULL; c++)
		if (strcmp(c->name, name) == 0)
			dprintf(err, "usage: ward %s [-d DIR] %s\n", c->name, c->args);
	return 64;
}

/* ---- init ------------------------------------------------------------------------------------------------------- */

static const char conf_head[] =
    "# Ward's configuration. `ward conf check` checks it. Paths are relative to this folder.\n"
    "# A setting that is commented out has the value shown.\n";

static enum err
conf_write(struct ctx *cx, const char *path, const char *root_kind, const char *root_key)
{
	struct buf b;

	buf_init(&b, cx->arena, 64 * KiB);
	buf_add(&b, str_of(conf_head));
	for (size_t i = 0; i < conf_count; i++) {
		const char *v = conf_rows[i].def;
		bool set = false;
		if (strcmp(conf_rows[i].key, "root_kind") == 0 && strcmp(root_kind, "file") != 0)
			v = root_kind, set = true;
		if (strcmp(conf_rows[i].key, "root_key") == 0 && root_key != NULL)
			v = root_key, set = true;
		buf_fmt(&b, "\n# %s\n%s%s = %s\n", conf_rows[i].help, set ? "" : "# ", conf_rows[i].key, v);
	}
	return file_write(cx, path, buf_str(&b), 0600);
}

/* What is made in the folder. */
static const char *const files_made[] = { "ward.conf", "ward.db", "ward.db-wal", "ward.db-shm", "keyring.db", "keyring.db-wal", "keyring.db-shm",
    "root.key", "root.salt", "tls.crt", "tls.key", "lock", "trail.witness" };

/* NAME, or a temporary NAME.new-... of it. */
static bool
is_made(const char *name)
{
	for (size_t i = 0; i < COUNT(files_made); i++) {
		size_t n = strlen(files_made[i]);

		if (strncmp(name, files_made[i], n) == 0 && (name[n] == '\0' || strncmp(name + n, ".new-", 5) == 0))
			return true;
	}
	return false;
}

/* Half a data folder would only confuse: what was made goes again, the mark last. */
static void
unmake(const char *dir)
{
	DIR *d = opendir(dir);

	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL; )
		if (is_made(e->d_name))
			(void)unlinkat(dirfd(d), e->d_name, 0);
	if (d != NULL)
		closedir(d);
}

/* The folder is marked and locked while it is being made, so that what a crash leaves is known as worth nothing, and made
 * again; a folder without the mark that holds anything of a desk is never touched. Returns the mark's descriptor, or -1. */
static int
init_begin(const char *dir)
{
	char path[4400];
	const char *has;
	struct stat st;
	bool fresh;
	int fd;

	snprintf(path, sizeof path, "%s/" INIT_MARK, dir);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	fresh = fd >= 0;
	if (fd < 0 && errno == EEXIST)
		fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		fprintf(stderr, "ward: %s: cannot be written to: %s\n", dir, strerror(errno));
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0 || fstat(fd, &st) != 0 || st.st_nlink == 0)
		fprintf(stderr, "ward: another ward init is at work in %s\n", dir);
	else if (!fresh) {
		unmake(dir);
		return fd;
	} else if ((has = data_in(dir)) == NULL)
		return fd;
	else {
		(void)unlink(path);
		if (strcmp(has, "ward.conf") == 0)
			fprintf(stderr, "ward: %s is a data folder already; nothing was changed\n", dir);
		else
			fprintf(stderr, "ward: %s holds a desk's %s; nothing was changed. " CONF_LOST "\n", dir, has);
	}
	close(fd);
	return -1;
}

/* The last step that makes it a data folder. */
static bool
init_end(const char *dir)
{
	CLEANUP(fd_close) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 && fsync(fd) == 0 && unlinkat(fd, INIT_MARK, 0) == 0 && fsync(fd) == 0;
}

static int
init_failed(const char *dir, int code)
{
	char path[4400];

	unmake(dir);
	snprintf(path, sizeof path, "%s/" INIT_MARK, dir);
	(void)unlink(path);
	return code;
}

struct first { sensitive email, password; struct user out; };

static enum err
first_admin(struct ctx *cx, void *arg)
{
	struct first *f = arg;
	struct user_change ch = { .has = USER_NAME | USER_EMAIL | USER_ROLE | USER_PASSWORD | USER_VERIFIED };
	struct group g = { .name = S("Support"), .description = S("The first group"), .is_public = true, .is_default = true }, made;
	str local = f->email.hidden;

	TRY(group_create(cx, GROUP_NAME | GROUP_DESCRIPTION | GROUP_PUBLIC | GROUP_DEFAULT, &g, &made));
	ch.u.name = HIDE(str_cut(&local, '@'));
	ch.u.email = f->email;
	ch.u.role = ROLE_ADMIN;
	ch.u.verified = true;
	ch.password = f->password;
	TRY(user_create(cx, &ch, &f->out));
	return rules_seed(cx);
}

int
cmd_init(int argc, char **argv)
{
	const char *dir = data_dir(&argc, argv), *admin = option(&argc, argv, "--admin"),
	    *password_file = option(&argc, argv, "--password-file"), *host = option(&argc, argv, "--host"),
	    *pass = option(&argc, argv, "--passphrase-file"), *key_path = option(&argc, argv, "--root-key");
	CLEANUP(arena_free) struct arena *a = arena_new();
	CLEANUP(fd_close) int mark = -1;
	struct ctx cx = { .arena = a };
	struct root_conf root = { .kind = ROOT_FILE };
	struct ward w;
	char path[4400], second[4400], real[PATH_MAX];
	str password, phrase = S(""), print;
	struct first f;
	enum err e;
	int code;

	if (flag(&argc, argv, "--help") || dir == NULL || admin == NULL || password_file == NULL || argc > 0) {
		fprintf(stderr, "usage: ward init -d DIR --admin EMAIL --password-file FILE [--host NAME]\n"
		    "                 [--root-key FILE | --passphrase-file FILE]\n");
		return 64;
	}
	if (strlen(dir) > 4000)
		return 64;
	if (!email_valid(str_of(admin))) {
		fprintf(stderr, "ward: --admin: not an e-mail address\n");
		return 65;
	}
	if (file_read(&cx, password_file, 4096, &password) != OK) {
		fprintf(stderr, "ward: --password-file: cannot be read\n");
		return 66;
	}
	password = str_trim(password);
	if (password.n < 8) {
		fprintf(stderr, "ward: --password-file: a password has at least 8 characters\n");
		return 65;
	}
	if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
		fprintf(stderr, "ward: %s: cannot be made: %s\n", dir, strerror(errno));
		return 73;
	}
	if (pass != NULL && file_read(&cx, pass, 4096, &phrase) != OK) {
		fprintf(stderr, "ward: --passphrase-file: cannot be read\n");
		return 66;
	}
	if ((mark = init_begin(dir)) < 0)
		return 73;
	if (chmod(dir, 0700) != 0) {
		fprintf(stderr, "ward: %s: cannot be made private: %s\n", dir, strerror(errno));
		return init_failed(dir, 73);
	}
	if (pass != NULL) {
		phrase = str_trim(phrase);
		root.kind = ROOT_PASSPHRASE;
		root.passphrase = phrase;
		snprintf(second, sizeof second, "%s/root.salt", dir);
		root.salt_path = second;
	} else {
		snprintf(second, sizeof second, "%s/root.key", dir);
		root.path = key_path ? key_path : second;
	}
	if ((e = root_create(&cx, &root)) != OK)
		return init_failed(dir, failed(&cx, 2, e));
	snprintf(path, sizeof path, "%s/tls.crt", dir);
	snprintf(second, sizeof second, "%s/tls.key", dir);
	if ((e = cert_make(&cx, path, second, host)) != OK || (e = cert_fingerprint(&cx, path, &print)) != OK)
		return init_failed(dir, failed(&cx, 2, e));
	/* An absolute key path stays absolute. */
	snprintf(path, sizeof path, "%s/ward.conf", dir);
	if (key_path != NULL && (key_path = realpath(key_path, real)) == NULL)
		return init_failed(dir, 73);
	if ((e = conf_write(&cx, path, pass ? "passphrase" : "file", key_path)) != OK)
		return init_failed(dir, failed(&cx, 2, e));
	if ((code = ward_open(&w, dir, true, phrase, 2)) == 0) {
		struct ctx one;
		ward_ctx(&w, &one, "cli");
		f = (struct first){ .email = HIDE(str_of(admin)), .password = HIDE(password) };
		e = store_write(&one, first_admin, &f);
		code = e == OK ? 0 : failed(&one, 2, e);
		ctx_done(&one);
		ward_close(&w);
	}
	if (code == 0 && !init_end(dir)) {
		fprintf(stderr, "ward: %s: cannot be synced: %s\n", dir, strerror(errno));
		code = 74;
	}
	if (code != 0)
		return init_failed(dir, code);
	printf("data folder  %s\nadministrator %s\ncertificate  " STR_F "\n", dir, admin, STR_A(print));
	if (pass != NULL)
		printf("root key     from the passphrase; without it nobody can read anything, and nobody can restore it\n");
	else
		printf("root key     %s (keep a copy apart from the data: without it nothing can be read;\n"
		    "             with it and the data everything can, so do not keep both in one place)\n",
		    key_path ? key_path : "root.key in the data folder");
	printf("\nnext: ward serve -d %s --listen localhost:8443\n", dir);
	return 0;
}

/* ---- tokens, users --------------------------------------------------------------------------------------------------- */

static int
cmd_token_create(struct ward *w, int argc, char **argv, int in, int out, int err)
{
	const char *email = option(&argc, argv, "--user"), *description = option(&argc, argv, "--description");
	bool bearer = flag(&argc, argv, "--bearer"), read_only = flag(&argc, argv, "--read-only");
	struct api_token t;
	struct user u;
	struct ctx cx;
	str clear;
	enum err e;
	int code = 0;

	(void)in;
	if (email == NULL || argc > 0)
		return usage_of(err, "token create");
	ward_ctx(w, &cx, "cli");
	e = user_by_email(&cx, str_of(email), &u);
	if (e == E_ABSENT) {
		dprintf(err, "ward: --user: nobody has this e-mail address\n");
		code = 66;
	} else if (e != OK || (e = token_create(&cx, u.id, description ? str_of(description) : S("command line"), bearer, read_only,
	    &clear, &t)) != OK)
		code = failed(&cx, err, e);
	else
		dprintf(out, STR_F "\n", STR_A(clear));
	ctx_done(&cx);
	return code;
}

static int
cmd_token_list(struct ward *w, int argc, char **argv, int in, int out, int err)
{
	struct api_token *t;
	struct ctx cx;
	int n, code = 0;
	enum err e;

	(void)in;
	(void)argv;
	if (argc > 0)
		return usage_of(err, "token list");
	ward_ctx(w, &cx, "cli");
	if ((e = token_list(&cx, &t, &n)) != OK)
		code = failed(&cx, err, e);
	for (int i = 0; code == 0 && i < n; i++)
		dprintf(out, "%lld user=%lld %s %s created=" STR_F " " STR_F "\n", (long long)t[i].id, (long long)t[i].user_id,
		    t[i].bearer ? "bearer" : "api", t[i].active ? "active" : "revoked", STR_A(time_iso(cx.arena, t[i].created_at)),
		    STR_A(t[i].description));
	if (code == 0 && n == 0)
		dprintf(out, "no tokens yet; make one with: ward token create --user EMAIL\n");
	ctx_done(&cx);
	return code;
}

static int
cmd_token_revoke(struct ward *w, int argc, char **argv, int in, int out, int err)
{
	struct ctx cx;
	int64_t id;
	int code = 0;
	enum err e;

	(void)in;
	(void)out;
	if (argc != 1 || !str_int(str_of(argv[0]), &id))
		return usage_of(err, "token revoke");
	ward_ctx(w, &cx, "cli");
	if ((e = token_revoke(&cx, id)) != OK)
		code = failed(&cx, err, e);
	ctx_done(&cx);
	return code;
}

static int
cmd_user_create(struct ward *w, int argc, char **argv, int in, int out, int err)
{
	const char *email = option(&argc, argv, "--email"), *name = option(&argc, argv, "--name"), *role = option(&argc, argv, "--role"),
	    *file = option(&argc, argv, "--password-file");
	struct user_change ch = { .has = USER_NAME | USER_EMAIL | USER_ROLE | USER_VERIFIED };
	struct user u;
	struct ctx cx;
	str password;
	int code = 0;
	enum err e;

	(void)in;
	if (email == NULL || name == NULL || argc > 0)
		return usage_of(err, "user create");
	ch.u.role = role == NULL || strcmp(role, "end-user") == 0 ? ROLE_END_USER : strcmp(role, "agent") == 0 ? ROLE_AGENT : ROLE_ADMIN;
	if (role != NULL && strcmp(role, "admin") != 0 && ch.u.role == ROLE_ADMIN) {
		dprintf(err, "ward: --role: one of end-user, agent, admin\n");
		return 64;
	}
	ward_ctx(w, &cx, "cli");
	ch.u.email = HIDE(str_of(email));
	ch.u.name = HIDE(str_of(name));
	ch.u.verified = true;
	if (file != NULL) {
		if ((e = file_read(&cx, file, 4096, &password)) != OK) {
			dprintf(err, "ward: --password-file: cannot be read\n");
			ctx_done(&cx);
			return 66;
		}
		ch.password = HIDE(str_trim(password));
		ch.has |= USER_PASSWORD;
	}
	if ((e = user_create(&cx, &ch, &u)) != OK)
		code = failed(&cx, err, e);
	else
		dprintf(out, "%lld\n", (long long)u.id);
	ctx_done(&cx);
	return code;
}

/* For who lost theirs, and for the first administrator. */
static int
cmd_user_factor(struct ward *w, int argc, char **argv, int in, int out, int err)
{
	const char *email = option(&argc, argv, "--email");
	bool end = flag(&argc, argv, "--reset");
	str secret, uri, *codes;
	struct user u;
	struct ctx cx;
	int code = 0, n;
	enum err e;

	(void)in;
	if (email == NULL || argc > 0)
		return usage_of(err, "user factor");
	ward_ctx(w, &cx, "cli");
	if ((e = user_by_email(&cx, str_of(email), &u)) != OK)
		code = failed(&cx, err, e);
	else if (end) {
		if ((e = factor_reset(&cx, u.id)) != OK)
			code = failed(&cx, err, e);
	} else if ((e = factor_issue(&cx, u.id, &secret, &uri, &codes, &n)) != OK)
		code = failed(&cx, err, e);
	else {
		dprintf(out, "secret         " STR_F "\nuri            " STR_F "\n", STR_A(secret), STR_A(uri));
		for (int i = 0; i < n; i++)
			dprintf(out, "recovery code  " STR_F "\n", STR_A(codes[i]));
	}
	ctx_done(&cx);
	return code;
}

/* ---- mail ----------------------------------------------------------------------------------------------------------------- */

/* A large message costs about two and a half times its size while it is taken:
 * its bytes, what the parser makes of them, and the parser. A mail server that
 * brings many at once waits in line here, its pipe full; after a minute it is
 * told to come again. */
#define MAIL_LARGE (1 * MiB)
enum { LARGE_AT_ONCE = 2, LARGE_WAIT_S = 60 };

static pthread_mutex_t large_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t large_ended = PTHREAD_COND_INITIALIZER;
static int large;

static enum err
large_enter(struct ctx *cx)
{
	struct timespec until;
	int rc = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += LARGE_WAIT_S;
	pthread_mutex_lock(&large_lock);
	while (large == LARGE_AT_ONCE && rc == 0)
		rc = pthread_cond_timedwait(&large_ended, &large_lock, &until);
	if (rc == 0)
		large++;
	pthread_mutex_unlock(&large_lock);
	return rc == 0 ? OK : fail(cx, E_BUSY, NULL, "too many large messages at once");
}

static void
large_leave(void)
{
	pthread_mutex_lock(&large_lock);
	large--;
	pthread_cond_signal(&large_ended);
	pthread_mutex_unlock(&large_lock);
}

/* *is_large: large_leave() has to follow, also after a failure. */
static enum err
read_mail(struct ctx *cx, int fd, str *raw, bool *is_large)
{
	struct buf b;
	enum err e;

	*is_large = false;
	buf_init(&b, cx->arena, MAIL_MAX + 2);
	e = fd_read_on(cx, fd, MAIL_LARGE, &b);
	if (e == E_LIMIT) {
		fail_forget(cx);
		TRY(large_enter(cx));
		*is_large = true;
		e = fd_read_on(cx, fd, MAIL_MAX + 1, &b);
	}
	*raw = buf_str(&b);
	return e;
}

static int
cmd_mail_deliver(struct ward *w, int argc, char **argv, int in, int out, int err)
{
	const char *rcpt = option(&argc, argv, "--rcpt");
	bool verbose = flag(&argc, argv, "-v");
	static const char *const words[] = { [IN_TICKET] = "ticket", [IN_COMMENT] = "comment on ticket",
	    [IN_SUSPENDED] = "suspended ticket", [IN_DUPLICATE] = "duplicate of ticket", [IN_REFUSED] = "refused", [IN_CHECK] = "check of support address" };
	enum inbound_outcome outcome;
	struct ctx cx;
	bool is_large;
	int64_t id;
	str raw;
	enum err e;
	int code;

	if (argc > 0)
		return usage_of(err, "mail deliver");
	ward_ctx(w, &cx, "mail");
	e = read_mail(&cx, in, &raw, &is_large);
	if (e == E_LIMIT) {
		dprintf(err, "ward: the message is larger than %zu MiB\n", (size_t)(MAIL_MAX / MiB));
		code = 65;
	} else if (e != OK) {
		dprintf(err, "ward: the message cannot be read%s\n", e == E_BUSY ? " now" : "");
		code = 75;
	} else if (raw.n == 0) {
		dprintf(err, "ward: there is no message on standard input\n");
		code = 65;
	} else if ((e = inbound_mail(&cx, raw, rcpt ? str_of(rcpt) : S(""), &outcome, &id)) != OK) {
		(void)failed(&cx, err, e);
		/* Nothing was kept: whoever delivers must try again, whatever the reason. */
		code = 75;
	} else if (outcome == IN_REFUSED) {
		/* The mail server takes this line into its bounce (EX_DATAERR is a permanent failure). */
		dprintf(err, "5.7.1 The message was not taken. %s\n", cx.fail.why ? cx.fail.why : "");
		code = 65;
	} else {
		if (verbose)
			dprintf(out, "%s %lld\n", words[outcome], (long long)id);
		code = 0;
	}
	ctx_done(&cx);
	if (is_large)
		large_leave();
	return code;
}

/* ---- trail ----------------------------------------------------------------------------------------------------------------- */

static void
print_verdict(int out, const struct trail_verdict *v)
{
	char head[65];

	for (int i = 0; i < 32; i++)
		snprintf(head + 2 * i, 3, "%02x", v->head[i]);
	if (v->ok)
		dprintf(out, "ok: %lld events, %lld checkpoints, head %s\n", (long long)v->events, (long long)v->checkpoints, head);
	else if (v->bad_seq)
		dprintf(out, "NOT ok: event %lld: %s\n", (long long)v->bad_seq, v->why ? v->why : "wrong");
	else
		dprintf(out, "NOT ok: %s\n", v->why ? v->why : "wrong");
}

static int
verify_file(const char *path, const char *key, int out, int err)
{
	struct trail_verdict v = { 0 };
	struct ctx cx;
	struct sys sys = { 0 };
	unsigned char pub[32];
	str bytes, clear;
	enum err e;
	int code;

	ctx_init(&cx, &sys, 1);
	if (key != NULL && (!base64_to(cx.arena, str_of(key), &bytes) || bytes.n != 32)) {
		dprintf(err, "ward: --public-key: 32 bytes in base64, as `ward trail verify` shows them\n");
		ctx_done(&cx);
		return 64;
	}
	if (key != NULL)
		memcpy(pub, bytes.p, 32);
	e = trail_verify_file(&cx, &ward_trail_crypto, path, key ? pub : NULL, &v);
	if (e != OK && v.why == NULL)
		code = failed(&cx, err, e);
	else {
		print_verdict(out, &v);
		clear = base64_of(cx.arena, (str){ (char *)v.public_key, 32 });
		/* A file that is no export names no key. */
		if (memcmp(v.public_key, (unsigned char[32]){ 0 }, 32) != 0)
			dprintf(out, "signed by %s%s\n", clear.p, key ? "" : " (the key that the file itself names)");
		code = v.ok ? 0 : 1;
	}
	ctx_done(&cx);
	return code;
}

static int
cmd_trail_verify(struct ward *w, int argc, char **argv, int in, int out, int err)
{
	struct trail_verdict v = { 0 };
	struct ctx cx;
	enum err e;
	int code;

	(void)in;
	(void)argv;
	if (argc > 0)
		return usage_of(err, "trail verify");
	ward_ctx(w, &cx, "cli");
	e = trail_verify(&cx, &v);
	if (e != OK && v.why == NULL)
		code = failed(&cx, err, e);
	else {
		print_verdict(out, &v);
		code = v.ok ? 0 : 1;
	}
	ctx_done(&cx);
	return code;
}

static int
cmd_trail_export(struct ward *w, int argc, char **argv, int in, int out, int err)
{
	const char *format = option(&argc, argv, "--format");
	bool values = flag(&argc, argv, "--values");
	struct ctx cx;
	int64_t n;
	enum err e;
	int code = 0;

	(void)in;
	if (argc > 0 || (format != NULL && strcmp(format, "jsonl") != 0 && strcmp(format, "csv") != 0))
		return usage_of(err, "trail export");
	ward_ctx(w, &cx, "cli");
	e = trail_export(&cx, out, format != NULL && strcmp(format, "csv") == 0 ? TRAIL_CSV : TRAIL_JSONL, values, &n);
	if (e != OK)
		code = failed(&cx, err, e);
	ctx_done(&cx);
	return code;
}

/* ---- status, keys, configuration ----------------------------------------------------------------------------------------------- */

static int
cmd_status(struct ward *w, int argc, char **argv, int in, int out, int err)
{
	bool json = flag(&argc, argv, "--json");
	struct ticket_filter all = { 0 };
	struct user_filter people = { 0 };
	struct store_stats s;
	struct ctx cx;
	struct buf b;
	struct json j;
	struct flow_counts out_of = { { 0 } };
	int64_t tickets = 0, users = 0, suspended = 0, events = 0;
	bool pending = false;
	enum err e;
	int code = 0;

	(void)in;
	if (argc > 0)
		return usage_of(err, "status");
	ward_ctx(w, &cx, "cli");
	store_stats(w->sys.store, &s);
	if ((e = ticket_count(&cx, &all, &tickets)) != OK || (e = user_count(&cx, &people, &users)) != OK
	    || (e = suspended_count(&cx, &suspended)) != OK || (e = trail_count(&cx, &events)) != OK
	    || (e = vault_rewrap_pending(&cx, w->sys.vault, &pending)) != OK) {
		code = failed(&cx, err, e);
	} else {
		const char *root = strcmp(w->conf.root_kind, "passphrase") == 0 ? "passphrase"
		    : w->conf.root_key[0] == '/' ? "file outside the data folder" : "file in the data folder";
		buf_init(&b, cx.arena, 16 * KiB);
		if (json) {
			jw_init(&j, &b);
			jw_obj(&j);
			jw_kz(&j, "version", WARD_VERSION);
			jw_kbool(&j, "running", w->serving);
			jw_kint(&j, "tickets", tickets);
			jw_kint(&j, "users", users);
			jw_kint(&j, "suspended_tickets", suspended);
			jw_kint(&j, "trail_events", events);
			jw_kint(&j, "outbox_waiting", out_of.of[FLOW_QUEUED] + out_of.of[FLOW_SENDING] + out_of.of[FLOW_RETRY]);
			jw_kint(&j, "outbox_held", out_of.of[FLOW_HELD]);
			jw_kint(&j, "outbox_dead", out_of.of[FLOW_DEAD]);
			jw_kz(&j, "root_key", root);
			jw_kbool(&j, "key_rotation_pending", pending);
			jw_kint(&j, "database_bytes", (int64_t)s.bytes_main);
			jw_kint(&j, "keyring_bytes", (int64_t)s.bytes_keys);
			jw_end_obj(&j);
			buf_byte(&b, '\n');
		} else
			buf_fmt(&b, "ward %s, %s\ntickets            %lld\nusers              %lld\nsuspended tickets  %lld\n"
			    "trail events       %lld\noutbox             %lld waiting, %lld held, %lld dead\nroot key           %s%s\ndatabase           %.1f MB\nkeyring            %.1f MB\n",
			    WARD_VERSION, w->serving ? "running" : "not running", (long long)tickets, (long long)users,
			    (long long)suspended, (long long)events,
			    (long long)(out_of.of[FLOW_QUEUED] + out_of.of[FLOW_SENDING] + out_of.of[FLOW_RETRY]),
			    (long long)out_of.of[FLOW_HELD], (long long)out_of.of[FLOW_DEAD], root, pending ? " (rotation is not finished: ward key rotate --resume)" : "",
			    (double)s.bytes_main / 1e6, (double)s.bytes_keys / 1e6);
		if (!fd_write_all(out, b.p, b.n))
			code = 74;
	}
	ctx_done(&cx);
	return code;
}

static int
cmd_conf_check(struct ward *w, int argc, char **argv, int in, int out, int err)
{
	(void)in;
	(void)argv;
	if (argc > 0)
		return usage_of(err, "conf check");
	dprintf(out, "%s/ward.conf: ok\n", w->dir);
	return 0;
}

static int
cmd_demo_fill(struct ward *w, int argc, char **argv, int in, int out, int err)
{
	(void)in;
	(void)argv;
	if (argc > 0)
		return usage_of(err, "demo fill");
	return demo_fill(w, out, err);
}

const struct command commands[] = {
	{ "status",       cmd_status,       "[--json]",                            "what there is and how it is",                  true },
	{ "token create", cmd_token_create, "--user EMAIL [--bearer] [--read-only] [--description TEXT]", "make an API token and print it", true },
	{ "token list",   cmd_token_list,   "",                                    "list API tokens",                              true },
	{ "token revoke", cmd_token_revoke, "ID",                                  "end an API token at once",                     true },
	{ "user create",  cmd_user_create,  "--email EMAIL --name NAME [--role ROLE] [--password-file FILE]", "make a user", true },
	{ "user factor",  cmd_user_factor,  "--email EMAIL [--reset]",             "give somebody a second factor, print its secret", true },
	{ "mail deliver", cmd_mail_deliver, "[--rcpt ADDRESS] [-v] < message.eml", "take one e-mail from standard input",          true },
	{ "mail show",    cmd_mail_show,    "",                                    "how mail leaves",                              true },
	{ "mail set",     cmd_mail_set,     "[--host HOST] [--port N] [--tls starttls|tls|none] [--ca-file FILE] [--user NAME] [--password-file FILE] [--from ADDRESS] [--name TEXT]", "set how mail leaves", true },
	{ "outbox list",  cmd_outbox_list,  "[--state STATE] [--kind mail|webhook] [--before ID]", "what leaves, and what is in its way", true },
	{ "outbox show",  cmd_outbox_show,  "ID",                                  "one message with its content",                 true },
	{ "outbox retry", cmd_outbox_retry, "ID... [--again]",                     "send now what is dead, held or waits",         true },
	{ "outbox drop",  cmd_outbox_drop,  "ID...",                               "give up messages, their keys are destroyed",   true },
	{ "destination list",   cmd_dest_list,   "",                               "where something may go",                       true },
	{ "destination add",    cmd_dest_add,    "recipient|webhook PATTERN [--content] [--note TEXT] [--allow-http] [--allow-addresses RANGES] [--ca-file FILE]", "let something go there", true },
	{ "destination remove", cmd_dest_remove, "ID",                             "let nothing go there any more",                true },
	{ "scan",         cmd_scan,         "[--query QUERY] [--json] [--detach] | --list | --show|--pause|--resume|--cancel ID", "look for PHI in tickets that are here", true },
	{ "redact",       cmd_redact,       "--scan ID --kinds KIND,... [--places ...] [--min-score N] [--yes TICKETS]", "take out for good what a scan found", true },
	{ "phi known import", cmd_known_import, "FILE.csv [--replace] [--json]",   "teach the scans a list of people, as keyed hashes", true },
	{ "phi known",    cmd_known_status, "[--clear] [--json]",                  "how many people the scans know",               true },
	{ "trail verify", cmd_trail_verify, "| FILE [--public-key KEY]",           "check the trail, or an export of it offline",  true },
	{ "trail export", cmd_trail_export, "[--format jsonl|csv] [--values]",     "write the trail to standard output",           true },
	{ "key rotate",   cmd_key_rotate,   "--root | --account | --resume",       "rewrap keys under a new one",                  true },
	{ "conf check",   cmd_conf_check,   "",                                    "check the configuration",                      true },
	{ "demo fill",    cmd_demo_fill,    "",                                    "fill an empty desk with an invented clinic",   true },
	{ NULL, NULL, NULL, NULL, false }
};

/* `ward trail verify FILE` needs no data folder at all. */
bool
offline_verify(int argc, char **argv, int *code)
{
	const char *key;

	if (argc < 3 || strcmp(argv[0], "trail") != 0 || strcmp(argv[1], "verify") != 0)
		return false;
	key = option(&argc, argv, "--public-key");
	if (argc != 3 || argv[2][0] == '-')
		return false;
	*code = verify_file(argv[2], key, 1, 2);
	return true;
}
