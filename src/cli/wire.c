/* wire.c - opens the parts in their order and ties them together; the only
 * place that knows all of them. */
#include <errno.h>
#include <stdlib.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

#define AT(m) offsetof(struct conf, m)
const struct conf_row conf_rows[] = {
	{ "listen",          CONF_TEXT, AT(listen),          "localhost:8443", "address and port to serve on" },
	{ "root_key",        CONF_TEXT, AT(root_key),        "root.key",       "file of the root key (root_kind = file)" },
	{ "root_kind",       CONF_TEXT, AT(root_kind),       "file",           "file, or passphrase" },
	{ "passphrase_salt", CONF_TEXT, AT(passphrase_salt), "root.salt",      "salt of the passphrase" },
	{ "passphrase_file", CONF_TEXT, AT(passphrase_file), "",               "file with the passphrase, e.g. a systemd credential" },
	{ "tls_cert",        CONF_TEXT, AT(tls_cert),        "tls.crt",        "certificate, PEM" },
	{ "tls_key",         CONF_TEXT, AT(tls_key),         "tls.key",        "its private key, PEM, mode 0600 or 0640" },
	{ "base_url",        CONF_TEXT, AT(base_url),        "",               "how people reach this desk, https://desk.example" },
	{ "trusted_proxy",   CONF_TEXT, AT(trusted_proxy),   "",               "address of the proxy whose X-Forwarded headers count" },
	{ "user",            CONF_TEXT, AT(user),            "",               "user to become when started as root" },
	{ "phi_folder",      CONF_TEXT, AT(phi_folder),      "",               "folder of the house's own PHI rules" },
	{ "smtp_password_file", CONF_TEXT, AT(smtp_password_file), "",         "file with the mail relay's password" },
	{ "open_requests",   CONF_BOOL, AT(open_requests),   "off",            "may anybody make a request without signing in" },
	{ "fips",            CONF_BOOL, AT(fips),            "off",            "use OpenSSL's FIPS provider" },
	{ "rate_limit",      CONF_INT,  AT(rate_limit),      "0",              "requests to the API per minute, single endpoints by Zendesk's limits; 0: no limit" },
	{ "workers",         CONF_INT,  AT(workers),         "0",              "threads that run requests; 0: by itself" },
	{ "readers",         CONF_INT,  AT(readers),         "0",              "database connections that read; 0: by itself" },
	{ "parsers",         CONF_INT,  AT(parsers),         "2",              "sandboxed parser processes" },
};
const size_t conf_count = COUNT(conf_rows);

int
exit_of(enum err e)
{
	switch (e) {
	case OK:         return 0;
	case E_INVALID:  return 65;          /* sysexits: data error */
	case E_ABSENT:   return 66;
	case E_BUSY:     return 75;          /* try again */
	case E_DENIED:
	case E_WHO:      return 77;
	case E_CONFLICT: return 73;
	default:         return 74;          /* I/O and the like */
	}
}

const char *
conf_path(struct ward *w, const char *value)
{
	if (value == NULL || *value == '\0')
		return NULL;
	if (*value == '/')
		return value;
	return str_z(w->arena, str_printf(w->arena, "%s/%s", w->dir, value));
}

void
ward_ctx(struct ward *w, struct ctx *cx, const char *how)
{
	ctx_init(cx, &w->sys, 1);
	cx->via = "system";
	gate_as_system(cx, how);
}

static void
log_trouble(int code, const char *where)
{
	log_line(LOG_LV_ERROR, "store", "sqlite code=%d: %s", code, where);
}

static int
refuse(struct ctx *cx, int fd, const char *what, enum err e)
{
	dprintf(fd, "ward: %s: %s%s%s%s\n", what, cx->fail.field ? cx->fail.field : "", cx->fail.field ? ": " : "",
	    cx->fail.why ? cx->fail.why : err_name(e),
	    cx->fail.why == store_full ? "; nothing is lost: make room on it and start again" : "");
	return exit_of(e);
}

bool
root_settle(const char *path)
{
	char next[4400], old[4400], folder[4400];
	char *slash;
	int fd;

	snprintf(next, sizeof next, "%s.new", path);
	snprintf(old, sizeof old, "%s.old", path);
	snprintf(folder, sizeof folder, "%s", path);
	if ((slash = strrchr(folder, '/')) == NULL)
		return false;
	*slash = '\0';
	if (rename(path, old) != 0 || rename(next, path) != 0)
		return false;
	fd = open(*folder ? folder : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		(void)fsync(fd);
		close(fd);
	}
	return true;
}

/* The keeper and the keys. After a root rotation that a crash interrupted, the
 * key in use may be in FILE.new; what is not needed any more is removed. */
static enum err
unlock(struct ward *w, struct ctx *cx, const struct root_conf *root)
{
	struct root_conf fresh = *root;
	char next[4400];
	bool left;
	enum err e;

	snprintf(next, sizeof next, "%s.new", root->path ? root->path : "");
	left = root->kind == ROOT_FILE && access(next, F_OK) == 0;
	e = keeper_start(cx, root, &w->keeper);
	if (e == OK)
		e = vault_open(cx, w->keeper, &ward_keyring, false, &w->sys.vault);
	if (!left)
		return e;
	if (e == OK) {
		(void)unlink(next);
		return OK;
	}
	keeper_stop(&w->keeper);
	fail_clear(cx);
	fresh.path = next;
	TRY(keeper_start(cx, &fresh, &w->keeper));
	TRY(vault_open(cx, w->keeper, &ward_keyring, false, &w->sys.vault));
	if (!root_settle(root->path))
		return fail(cx, E_FAULT, "root_key", "the new root key cannot take the place of the old one");
	return OK;
}

static enum err
vault_tx(struct ctx *cx, void *arg)
{
	struct ward *w = arg;

	return vault_open(cx, w->keeper, &ward_keyring, true, &w->sys.vault);
}

/* Desk's answers to what happens in gate, and the index's key. */
static enum err
membership_removed(struct ctx *cx, int64_t user_id, int64_t group_id)
{
	return desk_unassign(cx, user_id, group_id);
}

static enum err
group_deleted(struct ctx *cx, int64_t group_id)
{
	return desk_group_gone(cx, group_id);
}

static enum err
org_deleted(struct ctx *cx, int64_t organization_id)
{
	struct terms none = { 0 };

	TRY(search_replace(cx, 'o', organization_id, &none));
	return desk_org_gone(cx, organization_id);
}

/* No content, a link only: it goes where mail goes at all. */
static enum err
send_verification(struct ctx *cx, const struct user *u, const struct identity *i, str token)
{
	if (!flow_mail_on(cx))
		return fail(cx, E_BUSY, NULL, "mail is not set up; an administrator can verify the address");
	return flow_enqueue(cx, &(struct outgoing){ .kind = FLOW_MAIL, .automatic = true, .event = "verification", .user_id = u->id, .to = i->value,
	    .to_name = u->name, .link = HIDE(str_printf(cx->arena, "/api/ward/v1/verify/" STR_F, STR_A(token))) }, NULL);
}

/* The same for signing in: the page shows the code that the link asks for. */
static enum err
send_login_link(struct ctx *cx, const struct user *u, str token)
{
	return flow_enqueue(cx, &(struct outgoing){ .kind = FLOW_MAIL, .automatic = true, .event = "login", .user_id = u->id, .to = u->email, .to_name = u->name,
	    .link = HIDE(str_printf(cx->arena, "/help/link/" STR_F, STR_A(token))) }, NULL);
}

static enum err
send_reset(struct ctx *cx, const struct user *u, str token)
{
	if (!flow_mail_on(cx) || cx->sys->base_url == NULL || *cx->sys->base_url == 0)
		return fail(cx, E_BUSY, NULL, "mail or base_url is not set up");
	return flow_enqueue(cx, &(struct outgoing){ .kind = FLOW_MAIL, .automatic = true, .event = "password_reset", .user_id = u->id, .to = u->email,
	    .to_name = u->name, .link = HIDE(str_printf(cx->arena, "/password/reset?token=" STR_F, STR_A(token))) }, NULL);
}

static enum err
send_invitation(struct ctx *cx, const struct user *u, str token)
{
	return flow_enqueue(cx, &(struct outgoing){ .kind = FLOW_MAIL, .automatic = true, .event = "invitation", .user_id = u->id, .to = u->email,
	    .to_name = u->name, .link = HIDE(str_printf(cx->arena, "/password/reset?token=" STR_F, STR_A(token))) }, NULL);
}

static enum err
send_password_changed(struct ctx *cx, const struct user *u)
{
	if (!flow_mail_on(cx))
		return OK;
	return flow_enqueue(cx, &(struct outgoing){ .kind = FLOW_MAIL, .automatic = true, .event = "password_changed", .user_id = u->id, .to = u->email,
	    .to_name = u->name }, NULL);
}

static uint64_t
term_key(struct sys *sys, str term)
{
	return vault_term(sys->vault, term);
}

const char *
data_in(const char *dir)
{
	static const char *const names[] = { "ward.conf", "ward.db", "keyring.db", "trail.witness", "root.key", "root.salt", "tls.key" };
	char path[4400];

	for (size_t i = 0; i < COUNT(names); i++) {
		snprintf(path, sizeof path, "%s/%s", dir, names[i]);
		if (access(path, F_OK) == 0)
			return names[i];
	}
	return NULL;
}

enum err
file_guarded(struct ctx *cx, const char *path, const char *name, unsigned not)
{
	struct stat st;

	if (stat(path, &st) != 0 || (st.st_mode & not) == 0)
		return OK;               /* what is missing is told by who opens it */
	return fail(cx, E_DENIED, name, (not & 04) ? "others may read it: run chmod 600 on it" : "others may write to it: run chmod go-w on it");
}

/* A database that is not there is not made anew beside the other: an empty desk would take in mail and give numbers twice. */
static enum err
file_there(struct ctx *cx, const char *path, const char *name)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_size > 0 ? OK :
	    fail(cx, E_ABSENT, name, "is missing or empty: put it back from your copy, together with the other database of the same time");
}

/* Who may write here could put another database, key or setting in the place of ours. */
static enum err
folder_guarded(struct ward *w, struct ctx *cx)
{
	static const char *const names[] = { "ward.conf", "ward.db", "keyring.db", "trail.witness" };

	TRY(file_guarded(cx, w->dir, "the folder itself", 022));
	for (size_t i = 0; i < COUNT(names); i++)
		TRY(file_guarded(cx, conf_path(w, names[i]), names[i], 022));
	return OK;
}

static int
open_parts(struct ward *w, struct ctx *cx, bool create, str passphrase, int err)
{
	struct root_conf root = { .kind = strcmp(w->conf.root_kind, "passphrase") == 0 ? ROOT_PASSPHRASE : ROOT_FILE,
	    .path = conf_path(w, w->conf.root_key), .passphrase = passphrase,
	    .salt_path = conf_path(w, w->conf.passphrase_salt) };
	struct migration migrations[64];
	struct store_conf sc = {
		.main_path = conf_path(w, "ward.db"), .keys_path = conf_path(w, "keyring.db"),
		.lock_path = conf_path(w, "lock"), .readers = (int)w->conf.readers, .migrations = migrations,
		.migration_count = ward_migrations(migrations),
	};
	char why[512] = "";
	bool behind;
	enum err e;

	if (w->conf.fips && (e = vault_fips(cx)) != OK)
		return refuse(cx, err, "locked", e);
	if (!create && ((e = file_there(cx, sc.main_path, "ward.db")) != OK || (e = file_there(cx, sc.keys_path, "keyring.db")) != OK))
		return refuse(cx, err, "cannot open the data folder", e);
	if ((e = folder_guarded(w, cx)) != OK)
		return refuse(cx, err, "cannot open the data folder", e);
	store_trouble = log_trouble;
	/* The lock comes first, so that a running server is named before the key is asked for. */
	if ((e = store_open(cx, &sc, &w->sys.store)) != OK)
		return refuse(cx, err, "cannot open the data folder", e);
	w->sys.codec = (struct codec *)(uintptr_t)&ward_codec;
	if (create) {
		if ((e = keeper_start(cx, &root, &w->keeper)) == OK)
			e = store_write(cx, vault_tx, w);
	} else
		e = unlock(w, cx, &root);
	if (e != OK)
		return refuse(cx, err, "locked", e);
	if ((e = store_keys_behind(cx, &behind)) != OK)
		return refuse(cx, err, "cannot open the data folder", e);
	if (behind)
		log_line(LOG_LV_WARN, "cli", "keyring.db is older than ward.db: what was sealed in between cannot be read and looks erased;"
		    " end ward and put back the keyring.db that belongs to it");
	search_term_key = term_key;
	reveal_masked = desk_mask;
	gate_on_membership_removed = membership_removed;
	gate_on_group_deleted = group_deleted;
	gate_on_org_deleted = org_deleted;
	gate_fields = fields_of_person;
	gate_on_user_merged = desk_user_merged;
	gate_on_org_merged = desk_org_merged;
	flow_sender = address_sender;
	gate_on_verification = send_verification;
	gate_on_login_link = send_login_link;
	gate_on_reset = send_reset;
	gate_on_invited = send_invitation;
	gate_on_password_changed = send_password_changed;
	gate_on_user_changed = desk_user_changed;
	gate_on_org_changed = search_org_changed;
	if ((e = store_prepare(cx, w->sys.store, keyring_stmts)) != OK
	    || (e = store_prepare(cx, w->sys.store, trail_stmts)) != OK
	    || (e = flow_prepare(cx)) != OK
	    || (e = store_prepare(cx, w->sys.store, gate_stmts)) != OK || (e = store_prepare(cx, w->sys.store, comply_stmts)) != OK || (e = desk_prepare(cx)) != OK)
		return refuse(cx, err, "the database does not fit this program", e);
	if ((e = trail_open(cx, &ward_trail_crypto, conf_path(w, "trail.witness"), &w->sys.trail)) != OK) {
		if (e != E_FAULT || w->sys.trail == NULL)
			return refuse(cx, err, "the trail cannot be opened", e);
		/* An altered trail can be read and verified; nothing can be written beside it. */
		w->altered = true;
		fail_clear(cx);
	}
	if ((e = flow_open(cx, conf_path(w, w->conf.smtp_password_file), &w->sys.flow)) != OK
	    || (e = gate_open(cx, &ward_gate_crypto, &w->sys.gate)) != OK)
		return refuse(cx, err, "cannot open", e);
	if (phi_open(conf_path(w, w->conf.phi_folder), &w->sys.phi, why, sizeof why) != PHI_OK) {
		dprintf(err, "ward: the PHI engine cannot be opened: %s\n", why);
		return 78;
	}
	if ((e = defs_open(cx, &w->sys.defs)) != OK || (!w->altered && ((e = defs_seed(cx)) != OK || (e = tags_seed(cx)) != OK)))
		return refuse(cx, err, "the fields and forms cannot be read", e);
	if ((e = rules_open(cx, &w->sys.rules)) != OK)
		return refuse(cx, err, "the rules cannot be opened", e);
	if ((e = policy_open(cx, &w->sys.policy)) != OK)
		return refuse(cx, err, "the PHI policy cannot be opened", e);
	if ((e = search_open(cx, &w->sys.search)) != OK)
		return refuse(cx, err, "the search index cannot be opened", e);
	if ((e = parser_start(cx, w->conf.parsers > 0 ? (int)w->conf.parsers : 2, &w->sys.parser)) != OK)
		return refuse(cx, err, "the parser cannot be started", e);
	/* Keys noted for destruction before a crash are destroyed now. On a full disk later: what they sealed is out of every
	 * table since they were noted, and who cannot read cannot make room either. */
	if (!w->altered && (e = store_erase(cx)) != OK) {
		if (cx->fail.why != store_full)
			return refuse(cx, err, "erasing what was to be erased", e);
		log_line(LOG_LV_WARN, "cli", "erasing what was to be erased will be tried again: %s", store_full);
		fail_forget(cx);
	}
	return 0;
}

int
ward_open(struct ward *w, const char *dir, bool create, str passphrase, int err)
{
	struct ctx cx;
	struct stat st;
	str kept;
	int code;
	enum err e;

	*w = (struct ward){ .arena = arena_new() };
	if (dir == NULL || strlen(dir) >= sizeof w->dir - 64) {
		dprintf(err, "ward: the data folder's name is too long\n");
		return 64;
	}
	if (realpath(dir, w->dir) == NULL || stat(w->dir, &st) != 0 || !S_ISDIR(st.st_mode)) {
		dprintf(err, "ward: %s is not a folder; make one with: ward init -d %s --admin EMAIL --password-file FILE\n", dir, dir);
		arena_free(&w->arena);
		return 66;
	}
	if (!create && access(conf_path(w, INIT_MARK), F_OK) == 0) {
		dprintf(err, "ward: making %s was broken off: run ward init again\n", dir);
		arena_free(&w->arena);
		return 66;
	}
	w->sys.data = w->dir;
	ctx_init(&cx, &w->sys, 1);
	/* The configuration's texts live as long as w: its own arena holds them. */
	{
		struct ctx own = { .arena = w->arena, .sys = &w->sys, .account = 1 };
		e = conf_read(&own, conf_path(w, "ward.conf"), conf_rows, conf_count, &w->conf);
		if (e != OK) {
			code = e == E_ABSENT ? 66 : refuse(&own, err, "ward.conf", e);
			if (e == E_ABSENT && data_in(w->dir) != NULL)
				dprintf(err, "ward: %s holds no ward.conf, but a desk's %s. " CONF_LOST "\n", dir, data_in(w->dir));
			else if (e == E_ABSENT)
				dprintf(err, "ward: %s holds no ward.conf; make a data folder with: ward init -d %s --admin EMAIL"
				    " --password-file FILE\n", dir, dir);
			ctx_done(&cx);
			arena_free(&w->arena);
			return code;
		}
	}
	w->sys.base_url = w->conf.base_url;
	if (passphrase.n == 0 && w->conf.passphrase_file != NULL && *w->conf.passphrase_file
	    && file_read(&cx, conf_path(w, w->conf.passphrase_file), 4096, &kept) == OK)
		passphrase = str_trim(kept);
	cx.via = "system";
	code = open_parts(w, &cx, create, passphrase, err);
	ctx_done(&cx);
	if (code != 0)
		ward_close(w);
	return code;
}

void
ward_close(struct ward *w)
{
	if (w->arena == NULL)
		return;
	if (w->sys.trail != NULL && w->sys.store != NULL && w->sys.gate != NULL) {
		struct ctx cx;
		ward_ctx(w, &cx, "system");
		if (trail_checkpoint(&cx) != OK)
			log_line(LOG_LV_WARN, "cli", "no last checkpoint was written");
		ctx_done(&cx);
	}
	parser_stop(&w->sys.parser);
	search_close(&w->sys.search);
	defs_close(&w->sys.defs);
	rules_close(&w->sys.rules);
	policy_close(&w->sys.policy);
	phi_close(w->sys.phi);
	w->sys.phi = NULL;
	gate_close(&w->sys.gate);
	flow_close(&w->sys.flow);
	trail_close(&w->sys.trail);
	store_close(&w->sys.store);
	vault_close(&w->sys.vault);
	keeper_stop(&w->keeper);
	arena_free(&w->arena);
}
