/* codec.c - the store's codec and the vault's keyring, wired to each other.
 *
 * A key may only be saved wrapped under the newest account key version: the
 * statement that saves it looks for itself, in the same transaction, and saves
 * nothing otherwise. So a process that has not heard of a rotation (another
 * one did it) cannot hang a new key on a version that is about to be dropped;
 * it gets E_CONFLICT, and the vault learns and wraps again. On SQLite there is
 * one writing transaction at a time, which makes this exact; PostgreSQL will
 * need to lock the account's row in it.
 */
#include "cli/cli.h"

/* ---- sealing: the store asks, the vault does ------------------------------------------------------------------ */

static enum err
seal(struct ctx *cx, int64_t key, const char *table, const char *column, int64_t row, str plain, str *sealed)
{
	return vault_seal(cx, cx->sys->vault, key, (struct where){ table, column, row }, plain, sealed);
}

static enum err
open_value(struct ctx *cx, const char *table, const char *column, int64_t row, str sealed, str *plain)
{
	return vault_open_value(cx, cx->sys->vault, (struct where){ table, column, row }, sealed, plain);
}

static enum err
blind(struct ctx *cx, const char *column, str text, unsigned char out[16])
{
	vault_blind(cx->sys->vault, column, text, out);
	return OK;
}

static enum err
key_new(struct ctx *cx, int64_t key)
{
	return vault_key_new(cx, cx->sys->vault, key);
}

static enum err
key_destroy(struct ctx *cx, int64_t key)
{
	return vault_key_destroy(cx, cx->sys->vault, key);
}

static void
key_forget(struct ctx *cx, int64_t key)
{
	vault_key_forget(cx->sys->vault, key);
}

const struct codec ward_codec = {
	.seal = seal, .open = open_value, .blind = blind, .key_new = key_new, .key_destroy = key_destroy,
	.key_forget = key_forget,
};

/* ---- the keyring database ---------------------------------------------------------------------------------------- */

static const struct stmt account_newest = {
	.name = "keyring.account_newest",
	.sql  = "SELECT version, wrapped FROM account_key WHERE account_id = $1 ORDER BY version DESC LIMIT 1",
	.in   = "i", .out = "ib", .db = DB_KEYS,
};
static const struct stmt account_version = {
	.name = "keyring.account_version",
	.sql  = "SELECT wrapped FROM account_key WHERE account_id = $1 AND version = $2",
	.in   = "ii", .out = "b", .db = DB_KEYS,
};
static const struct stmt account_save = {
	.name = "keyring.account_save",
	.sql  = "INSERT INTO account_key (account_id, version, wrapped) VALUES ($1, $2, $3)"
	        " ON CONFLICT (account_id, version) DO UPDATE SET wrapped = excluded.wrapped",
	.in   = "iib", .db = DB_KEYS,
};
static const struct stmt account_drop = {
	.name = "keyring.account_drop",
	.sql  = "DELETE FROM account_key WHERE account_id = $1 AND version < $2",
	.in   = "ii", .db = DB_KEYS,
};
static const struct stmt named_load = {
	.name = "keyring.named_load",
	.sql  = "SELECT wrapped FROM named_key WHERE account_id = $1 AND which = $2",
	.in   = "ii", .out = "b", .db = DB_KEYS,
};
static const struct stmt named_save = {
	.name = "keyring.named_save",
	.sql  = "INSERT INTO named_key (account_id, which, wrapped) SELECT $1, $2, $4"
	        " WHERE $3 = (SELECT max(version) FROM account_key WHERE account_id = $1)"
	        " ON CONFLICT (account_id, which) DO UPDATE SET wrapped = excluded.wrapped",
	.in   = "iiib", .db = DB_KEYS,
};
static const struct stmt data_load = {
	.name = "keyring.data_load",
	.sql  = "SELECT wrapped FROM data_key WHERE account_id = $1 AND id = $2",
	.in   = "ii", .out = "b", .db = DB_KEYS,
};
static const struct stmt data_save = {
	.name = "keyring.data_save",
	.sql  = "INSERT INTO data_key (account_id, id, version, wrapped) SELECT $1, $2, $3, $4"
	        " WHERE $3 = (SELECT max(version) FROM account_key WHERE account_id = $1)"
	        " ON CONFLICT (account_id, id) DO UPDATE SET version = excluded.version, wrapped = excluded.wrapped",
	.in   = "iiib", .db = DB_KEYS,
};
static const struct stmt data_delete = {
	.name = "keyring.data_delete",
	.sql  = "DELETE FROM data_key WHERE account_id = $1 AND id = $2",
	.in   = "ii", .db = DB_KEYS,
};
/* No key can be of a newer version than the newest, so "another" is "older".
 * In the order of the index: what is rewrapped leaves its range, so the first
 * of it is always the next, also after a restart; by id, all rewrapped keys
 * would be walked over again. */
static const struct stmt data_next = {
	.name = "keyring.data_next",
	.sql  = "SELECT id, wrapped FROM data_key WHERE account_id = $1 AND version < $2 AND id > $3"
	        " ORDER BY version, id LIMIT 1",
	.in   = "iii", .out = "ib", .db = DB_KEYS,
};
static const struct stmt data_count = {
	.name = "keyring.data_count",
	.sql  = "SELECT count(*) FROM data_key WHERE account_id = $1 AND version < $2",
	.in   = "ii", .out = "i", .db = DB_KEYS,
};

const struct stmt *const keyring_stmts[] = {
	&account_newest, &account_version, &account_save, &account_drop, &named_load, &named_save, &data_load, &data_save,
	&data_delete, &data_next, &data_count, NULL
};

static enum err
one_blob(struct ctx *cx, const struct stmt *st, const struct arg *a, int n, str *wrapped)
{
	struct row r;

	TRY(store_one(cx, st, a, n, &r));
	*wrapped = row_str(&r, 0);
	return OK;
}

static enum err
save_wrapped(struct ctx *cx, const struct stmt *st, int64_t id, str wrapped)
{
	int64_t saved = 0;

	TRY(store_exec(cx, st, ARGS(INT(cx->account), INT(id), INT(wrapped_version(wrapped)), BYTES(wrapped)), &saved));
	return saved == 1 ? OK : fail(cx, E_CONFLICT, "keyring", "the account key was rotated meanwhile");
}

static enum err
load_account(struct ctx *cx, void *arg, int *version, str *wrapped)
{
	struct row r;

	(void)arg;
	TRY(store_one(cx, &account_newest, ARGS(INT(cx->account)), &r));
	*version = (int)row_int(&r, 0);
	*wrapped = row_str(&r, 1);
	return OK;
}

static enum err
load_account_version(struct ctx *cx, void *arg, int version, str *wrapped)
{
	(void)arg;
	return one_blob(cx, &account_version, ARGS(INT(cx->account), INT(version)), wrapped);
}

static enum err
save_account(struct ctx *cx, void *arg, int version, str wrapped)
{
	(void)arg;
	return store_exec(cx, &account_save, ARGS(INT(cx->account), INT(version), BYTES(wrapped)), NULL);
}

static enum err
drop_account(struct ctx *cx, void *arg, int below)
{
	(void)arg;
	return store_exec(cx, &account_drop, ARGS(INT(cx->account), INT(below)), NULL);
}

static enum err
load_named(struct ctx *cx, void *arg, enum named_key which, str *wrapped)
{
	(void)arg;
	return one_blob(cx, &named_load, ARGS(INT(cx->account), INT(which)), wrapped);
}

static enum err
save_named(struct ctx *cx, void *arg, enum named_key which, str wrapped)
{
	(void)arg;
	return save_wrapped(cx, &named_save, which, wrapped);
}

static enum err
load_data(struct ctx *cx, void *arg, int64_t id, str *wrapped)
{
	(void)arg;
	return one_blob(cx, &data_load, ARGS(INT(cx->account), INT(id)), wrapped);
}

static enum err
save_data(struct ctx *cx, void *arg, int64_t id, str wrapped)
{
	(void)arg;
	return save_wrapped(cx, &data_save, id, wrapped);
}

static enum err
delete_data(struct ctx *cx, void *arg, int64_t id)
{
	(void)arg;
	return store_exec(cx, &data_delete, ARGS(INT(cx->account), INT(id)), NULL);
}

static enum err
next_data(struct ctx *cx, void *arg, int version, int64_t after, int64_t *id, str *wrapped)
{
	struct row r;

	(void)arg;
	TRY(store_one(cx, &data_next, ARGS(INT(cx->account), INT(version), INT(after)), &r));
	*id = row_int(&r, 0);
	*wrapped = row_str(&r, 1);
	return OK;
}

static enum err
count_data(struct ctx *cx, void *arg, int version, int64_t *count)
{
	struct row r;

	(void)arg;
	TRY(store_one(cx, &data_count, ARGS(INT(cx->account), INT(version)), &r));
	*count = row_int(&r, 0);
	return OK;
}

const struct keyring ward_keyring = {
	.load_account = load_account, .load_account_version = load_account_version, .save_account = save_account,
	.drop_account = drop_account, .load_named = load_named, .save_named = save_named, .load_data = load_data,
	.save_data = save_data, .delete_data = delete_data, .next_data = next_data, .count_data = count_data,
};

/* ---- the trail's and the gate's cryptography ----------------------------------------------------------------------- */

static void
trail_mac(struct sys *sys, str bytes, unsigned char out[32])
{
	vault_mac(sys->vault, KEY_TRAIL, bytes, out);
}

static void
trail_sign(struct sys *sys, str bytes, unsigned char sig[64])
{
	vault_sign(sys->vault, bytes, sig);
}

static void
trail_public(struct sys *sys, unsigned char pub[32])
{
	vault_public(sys->vault, pub);
}

const struct trail_crypto ward_trail_crypto = {
	.sha256 = sha256, .mac = trail_mac, .sign = trail_sign, .public_key = trail_public, .verify = ed25519_verify,
};

static void
token_mac(struct sys *sys, str bytes, unsigned char out[32])
{
	vault_mac(sys->vault, KEY_TOKEN, bytes, out);
}

const struct gate_crypto ward_gate_crypto = {
	.password_hash = password_hash, .password_check = password_check, .password_waste = password_waste,
	.mac = token_mac,
};
