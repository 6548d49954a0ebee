/* password.c - Argon2id through libsodium, two at a time.
 *
 * A hash takes 19 MiB and about 10 ms. Sign-ins come from strangers, so their
 * number is bounded here: the third waits, and memory stays where it was.
 */
#include <sodium.h>

#include "vault/inside.h"

enum { PASSES = 2, AT_ONCE = 2, PASSWORD_MOST = 4096 };
#define MEMORY (19 * MiB)
/* What a stored hash may ask for: twice the passes and memory of today, so
 * that neither a damaged row nor a planted one costs a gigabyte. */
enum { PASSES_MOST = 8, KIBIBYTES_MOST = 64 * 1024 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t freed = PTHREAD_COND_INITIALIZER;
static int busy;

static void
enter(void)
{
	crypto_up();
	pthread_mutex_lock(&lock);
	while (busy == AT_ONCE)
		pthread_cond_wait(&freed, &lock);
	busy++;
	pthread_mutex_unlock(&lock);
}

static void
leave(void)
{
	pthread_mutex_lock(&lock);
	busy--;
	pthread_cond_signal(&freed);
	pthread_mutex_unlock(&lock);
}

static bool
hash(str password, char out[crypto_pwhash_STRBYTES])
{
	bool done;

	enter();
	done = crypto_pwhash_str(out, password.n > 0 ? password.p : "", password.n, PASSES, MEMORY) == 0;
	leave();
	return done;
}

enum err
password_hash(struct ctx *cx, str password, str *encoded)
{
	char out[crypto_pwhash_STRBYTES];

	if (password.n > PASSWORD_MOST)
		return fail(cx, E_LIMIT, "password", "a password has at most 4,096 bytes");
	if (!hash(password, out))
		return fail(cx, E_BUSY, "password", "not enough memory to hash a password");
	*encoded = str_dup(cx->arena, str_of(out));
	wipe(out, sizeof(out));
	return OK;
}

/* $argon2id$v=19$m=19456,t=2,p=1$salt$hash, within bounds. */
static bool
sane(str encoded)
{
	str rest = encoded, costs, m, t;
	int64_t kib, passes;

	if (encoded.n >= crypto_pwhash_STRBYTES || memchr(encoded.p, 0, encoded.n) != NULL ||
	    !str_starts(encoded, S("$argon2id$v=19$")))
		return false;
	rest = str_sub(rest, 15, rest.n);
	costs = str_cut(&rest, '$');
	m = str_cut(&costs, ',');
	t = str_cut(&costs, ',');
	return str_starts(m, S("m=")) && str_int(str_sub(m, 2, m.n), &kib) && kib >= 8 && kib <= KIBIBYTES_MOST &&
	    str_starts(t, S("t=")) && str_int(str_sub(t, 2, t.n), &passes) && passes >= 1 &&
	    passes <= PASSES_MOST && str_eq(costs, S("p=1"));
}

bool
password_check(str encoded, str password)
{
	char z[crypto_pwhash_STRBYTES] = "";
	bool good;

	if (encoded.n == 0 || !sane(encoded) || password.n > PASSWORD_MOST)
		return false;
	memcpy(z, encoded.p, encoded.n);
	enter();
	good = crypto_pwhash_str_verify(z, password.n > 0 ? password.p : "", password.n) == 0;
	leave();
	wipe(z, sizeof(z));
	return good;
}

static char nobodys[crypto_pwhash_STRBYTES];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
make_nobodys(void)
{
	char random[32];

	rand_bytes(random, sizeof(random));
	if (!hash((str){ random, sizeof(random) }, nobodys))
		nobodys[0] = 0;          /* no memory; then a real check fails as fast */
}

void
password_waste(str password)
{
	pthread_once(&once, make_nobodys);
	(void)password_check(str_of(nobodys), password);
}
