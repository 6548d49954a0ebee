/* cli.h - the program: opens the parts, wires them, runs commands. Internal to cli. */
#ifndef WARD_CLI_H
#define WARD_CLI_H

#include "api/api.h"
#include "base/base.h"
#include "comply/comply.h"
#include "desk/desk.h"
#include "flow/flow.h"
#include "gate/gate.h"
#include "http/http.h"
#include "mail/mail.h"
#include "phi.h"
#include "store/store.h"
#include "trail/trail.h"
#include "vault/vault.h"

#ifndef WARD_VERSION
#define WARD_VERSION "0.1.0"
#endif

/* DIR/ward.conf; every row has its help in main.c's table. */
struct conf {
	const char *listen, *root_key, *root_kind, *passphrase_salt, *passphrase_file, *tls_cert, *tls_key, *base_url,
	           *trusted_proxy, *user, *phi_folder, *smtp_password_file;
	bool        open_requests, fips;
	int64_t     workers, readers, parsers, rate_limit;
};
extern const struct conf_row conf_rows[];
extern const size_t conf_count;

/* Everything that is open while a command or the server runs. */
struct ward {
	struct sys     sys;
	struct conf    conf;
	struct keeper *keeper;
	char           dir[4096];
	bool           serving;
	bool           altered;      /* the trail does not match its head: read and verify only */
	struct http   *http;
	struct arena  *arena;        /* of the configuration's texts */
};

/* Wiring (wire.c). `create`: make keys and tables first. Failure: said on
 * `err`, exit code returned (0: fine). What is half open is closed. */
int  ward_open(struct ward *w, const char *dir, bool create, str passphrase, int err);
void ward_close(struct ward *w);
void ward_ctx(struct ward *w, struct ctx *cx, const char *how);     /* acts as the system */
int  exit_of(enum err e);
const char *conf_path(struct ward *w, const char *value);           /* relative to the data folder */
/* Made by `ward init` and gone at its end: a folder with it is none yet. */
#define INIT_MARK "init.unfinished"
#define CONF_LOST "Put ward.conf back from your copy, or write it anew: an empty one has every default (root_key = FILE where the" \
    " root key is elsewhere, root_kind = passphrase where there is a passphrase)"
const char *data_in(const char *dir);       /* the first file there that holds a desk's data; NULL: none */
enum err file_guarded(struct ctx *cx, const char *path, const char *name, unsigned not) MUST_CHECK;   /* E_DENIED: its mode has a bit of `not` */

/* FILE.new takes the place of FILE, which becomes FILE.old; durable. */
bool root_settle(const char *path);

extern const struct codec   ward_codec;
extern const struct keyring ward_keyring;
extern const struct stmt *const keyring_stmts[];
extern const struct trail_crypto ward_trail_crypto;
extern const struct gate_crypto  ward_gate_crypto;
/* Fills `out` (room for 64) with the migrations this program carries; how many. */
int  ward_migrations(struct migration *out);

/* Makes a self-signed certificate (cert.c); fingerprint as "SHA256:AB:CD..". */
enum err cert_make(struct ctx *cx, const char *cert_path, const char *key_path, const char *host) MUST_CHECK;
enum err cert_fingerprint(struct ctx *cx, const char *cert_path, str *out) MUST_CHECK;

/* A command that may run inside the server: its three descriptors are the
 * caller's own, whoever runs it. Returns the exit code. */
typedef int command_fn(struct ward *w, int argc, char **argv, int in, int out, int err);
struct command {
	const char *name;            /* "token create" */
	command_fn *run;
	const char *args, *help;
	bool        remote;          /* may run inside a running server */
};
extern const struct command commands[];
/* Says on `err` why; the exit code. */
int  failed(struct ctx *cx, int err, enum err e);
int  usage_of(int err, const char *name);
/* flow.c */
command_fn cmd_outbox_list, cmd_outbox_show, cmd_outbox_retry, cmd_outbox_drop, cmd_dest_list, cmd_dest_add, cmd_dest_remove,
    cmd_mail_show, cmd_mail_set;
const struct command *command_find(int argc, char **argv, int *words);

/* web.c: what is outside /api, for api_new(). */
bool web_page(struct ctx *cx, struct http_req *rq, struct http_reply *rp);

/* phi.c */
command_fn cmd_scan, cmd_redact, cmd_known_import, cmd_known_status;

/* keys.c: rotation. A step of what the server does about it, in the background; what the API shows and asks. */
command_fn cmd_key_rotate;
void keys_step(struct ward *w, bool *more);
enum err keys_state(struct ctx *cx, struct key_state *out) MUST_CHECK;
enum err keys_rotate(struct ctx *cx, bool root, int64_t expected) MUST_CHECK;

/* become.c: gives up root for good. */
bool become_user(const char *user);

int  cmd_init(int argc, char **argv);
int  cmd_serve(int argc, char **argv);
int  cmd_api_describe(void);                     /* needs no data folder */
/* `ward trail verify FILE`: true when the words are that; then it was done. */
bool offline_verify(int argc, char **argv, int *code);
int  demo_fill(struct ward *w, int out, int err);

/* The control socket DIR/ward.sock (control.c): commands against a running server. */
struct control;
struct control *control_start(struct ward *w);
void control_stop(struct control **c);
/* -1: no server there; else the command's exit code. */
int  control_call(const char *dir, int argc, char **argv);

/* "-d DIR" anywhere, else $WARD_DATA; removes it from argv. NULL: said on stderr. */
const char *data_dir(int *argc, char **argv);
/* The value of "--name V"; removes both. NULL: not there. */
const char *option(int *argc, char **argv, const char *name);
bool        flag(int *argc, char **argv, const char *name);

#endif
