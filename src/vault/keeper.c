/* keeper.c - the process that holds the root key, and the way to talk to it.
 *
 * Why a process: whoever can make the server read its own memory still does
 * not get the root key, only account keys in use, which can be rotated.
 *
 * The keeper is this same program executed again as `ward keeper`, with an
 * empty environment, /dev/null for input and output, a SOCK_SEQPACKET socket
 * as descriptor 3 and nothing else open. It takes the place of the root key
 * from the first message, reads the key, drops what it does not need (dumps,
 * ptrace by its own user, every system call but those of the loop) and answers
 * until the socket is closed from the other side; terminal and service signals
 * it ignores, so that it outlives the server's orderly end and not the server.
 *
 * One message is one packet. Request: 4 bytes sequence, 1 byte op, then
 *   'C'  1 byte fips, 1 byte kind, then path, passphrase, salt path
 *   'W'  aad, key              'U'  aad, wrapped key
 *   'F'  nothing, nothing: SHA-256 of the key file (passphrase: of the salt file)
 * each part 2 bytes length, then the bytes. Answer: 4 bytes sequence, 1 byte
 * enum err, 1 byte enum why, then the bytes asked for. Integers are big
 * endian. An answer that comes after its question was given up is known by
 * its sequence and skipped.
 *
 * Root key file: 64 hex digits and a newline. Salt file, one line:
 *   ward-salt-1 argon2id PASSES KIBIBYTES SALT CHECK
 * SALT is 16 bytes in hex; CHECK the first 8 bytes in hex of HMAC-SHA-256
 * under the derived key of "ward passphrase check 1": it tells a wrong
 * passphrase from the right one at once, and helps a guesser no more than any
 * wrapped key does. Both files: mode 0600 or 0400, ours, no symbolic link.
 *
 * A key wrapped by the root carries, where others carry a version, the first 4
 * bytes of HMAC-SHA-256 under the root key of "ward root fingerprint 1".
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vault/inside.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif

#if defined(__x86_64__)
#define THIS_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCH AUDIT_ARCH_AARCH64
#else
#error "keeper.c: add this architecture to the system call filter"
#endif

enum { PATH_MOST = 4095, PASSPHRASE_LEAST = 12, PASSPHRASE_MOST = 1024, AAD_MOST = 512, MESSAGE = 10 * 1024 };
enum { HEAD = 5, ANSWER_HEAD = 6, SALT_BYTES = 16, CHECK_BYTES = 8, FILE_MOST = 256 };
/* Argon2id for the passphrase: RFC 9106 section 4, the second choice. */
enum { PASSES = 3, KIBIBYTES = 64 * 1024, PASSES_MOST = 64, KIBIBYTES_MOST = 4 * 1024 * 1024 };
#define START_FOR  (120 * SECOND)        /* Argon2id on a small busy machine */
#define ANSWER_FOR (10 * SECOND)

enum why {
	NO_WHY, FILE_MISSING, FILE_LINK, FILE_MODE, FILE_OWNER, FILE_CLOSED, FILE_KIND, FILE_BAD, SALT_MISSING,
	SALT_OPEN, SALT_BAD, PHRASE_SHORT, PHRASE_WRONG, PHRASE_MEMORY, ROOT_OTHER, WRAPPED_BAD, ASKED_BAD, NO_SANDBOX,
	NO_FIPS, CRYPTO_BAD, WHYS
};
static const char *const words[WHYS] = {
	[NO_WHY]        = "the keeper refused",
	[FILE_MISSING]  = "the root key file is missing: put it back from your copy, or correct its path",
	[FILE_LINK]     = "the root key file is a symbolic link: name the file itself",
	[FILE_MODE]     = "the root key file's mode must be 0600 or 0400: run chmod 600 on it",
	[FILE_OWNER]    = "the root key file belongs to another user: run chown to the user that Ward runs as",
	[FILE_CLOSED]   = "the root key file cannot be opened by the user that Ward runs as",
	[FILE_KIND]     = "the root key file is not a regular file",
	[FILE_BAD]      = "the root key file holds no key: it must be 64 hex digits and a newline",
	[SALT_MISSING]  = "the salt file of the passphrase is missing: put it back from your copy, or correct its path",
	[SALT_OPEN]     = "the salt file of the passphrase must be a regular file of mode 0600 or 0400 of Ward's user",
	[SALT_BAD]      = "the salt file of the passphrase is damaged: put it back from your copy",
	[PHRASE_SHORT]  = "the passphrase must have 12 to 1,024 bytes",
	[PHRASE_WRONG]  = "wrong passphrase",
	[PHRASE_MEMORY] = "not enough memory to check the passphrase",
	[ROOT_OTHER]    = "these keys are wrapped by another root key: put back the root key they were made with",
	[WRAPPED_BAD]   = "a wrapped key was altered",
	[ASKED_BAD]     = "the keeper was asked something malformed",
	[NO_SANDBOX]    = "the keeper could not drop its rights: this system refuses seccomp filters",
	[NO_FIPS]       = "OpenSSL's FIPS module is not installed or failed its self-test",
	[CRYPTO_BAD]    = "the keeper's cryptography failed",
};

/* ---- the root key, read in the keeper ------------------------------------------------------------- */

struct root {
	bool          phrase;            /* from a passphrase */
	unsigned char key[KEY_BYTES], fingerprint[4];
	unsigned char print[32];         /* SHA-256 of the file, as sha256sum says it */
};

struct says { enum err e; enum why why; };
#define FINE        ((struct says){ OK, NO_WHY })
#define SAY(e, why) ((struct says){ e, why })

static const char fingerprint_label[] = "ward root fingerprint 1", check_label[] = "ward passphrase check 1";

/* The whole file, if it is one that nobody else can read or replace. */
static struct says
read_private(const char *path, bool salt, char *out, size_t max, size_t *n)
{
	/* O_NONBLOCK: a FIFO would let us wait for ever. */
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	ssize_t got;

	if (fd < 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return SAY(E_ABSENT, salt ? SALT_MISSING : FILE_MISSING);
		return SAY(E_DENIED, salt ? SALT_OPEN : errno == ELOOP ? FILE_LINK : FILE_CLOSED);
	}
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return SAY(E_DENIED, salt ? SALT_OPEN : FILE_KIND);
	if (st.st_uid != geteuid())
		return SAY(E_DENIED, salt ? SALT_OPEN : FILE_OWNER);
	if ((st.st_mode & 07777) != 0600 && (st.st_mode & 07777) != 0400)
		return SAY(E_DENIED, salt ? SALT_OPEN : FILE_MODE);
	for (*n = 0; *n < max; *n += (size_t)got) {
		while ((got = read(fd, out + *n, max - *n)) < 0 && errno == EINTR)
			;
		if (got < 0)
			return SAY(E_INVALID, salt ? SALT_BAD : FILE_BAD);
		if (got == 0)
			break;
	}
	return FINE;
}

static struct says
root_from_file(const char *path, unsigned char key[KEY_BYTES])
{
	char text[FILE_MOST];
	size_t n;
	struct says said = read_private(path, false, text, sizeof(text), &n);
	unsigned char odd = 0;

	if (said.e == OK) {
		if (n == 2 * KEY_BYTES + 1 && text[n - 1] == '\n')
			n--;
		if (n != 2 * KEY_BYTES || !hex_to((str){ text, n }, key, KEY_BYTES))
			said = SAY(E_INVALID, FILE_BAD);
		else {
			/* 64 times the same digit is a place-holder, not a key. */
			for (size_t i = 1; i < KEY_BYTES; i++)
				odd |= key[i] ^ key[0];
			if (odd == 0)
				said = SAY(E_INVALID, FILE_BAD);
		}
	}
	wipe(text, sizeof(text));
	return said;
}

static void
labelled(const unsigned char key[KEY_BYTES], const char *label, unsigned char out[32])
{
	hmac_sha256((str){ (const char *)key, KEY_BYTES }, str_of(label), out);
}

static bool
stretch(str passphrase, const unsigned char salt[SALT_BYTES], int64_t passes, int64_t kib,
    unsigned char key[KEY_BYTES])
{
	return crypto_pwhash(key, KEY_BYTES, passphrase.p, passphrase.n, salt, (unsigned long long)passes,
	    (size_t)kib * 1024, crypto_pwhash_ALG_ARGON2ID13) == 0;
}

static struct says
root_from_phrase(const char *path, str passphrase, unsigned char key[KEY_BYTES])
{
	char text[FILE_MOST];
	size_t n;
	str rest, salt_hex;
	int64_t passes, kib;
	unsigned char salt[SALT_BYTES], check[CHECK_BYTES], is[32];
	struct says said = read_private(path, true, text, sizeof(text), &n);

	if (said.e != OK)
		return said;
	rest = (str){ text, n };
	if (str_ends(rest, S("\n")))
		rest.n--;
	if (!str_eq(str_cut(&rest, ' '), S("ward-salt-1")) || !str_eq(str_cut(&rest, ' '), S("argon2id")) ||
	    !str_int(str_cut(&rest, ' '), &passes) || passes < 1 || passes > PASSES_MOST ||
	    !str_int(str_cut(&rest, ' '), &kib) || kib < 8 || kib > KIBIBYTES_MOST ||
	    (salt_hex = str_cut(&rest, ' ')).n == 0 || !hex_to(salt_hex, salt, sizeof(salt)) ||
	    !hex_to(rest, check, sizeof(check)))
		return SAY(E_INVALID, SALT_BAD);
	if (!stretch(passphrase, salt, passes, kib, key))
		return SAY(E_BUSY, PHRASE_MEMORY);
	labelled(key, check_label, is);
	return same_bytes(is, check, sizeof(check)) ? FINE : SAY(E_DENIED, PHRASE_WRONG);
}

/* What whoever has a copy of the file can work out from it without Ward. */
static struct says
file_print(const char *path, bool salt, unsigned char out[32])
{
	char text[FILE_MOST];
	size_t n;
	struct says said = read_private(path, salt, text, sizeof(text), &n);

	if (said.e == OK)
		sha256((str){ text, n }, out);
	wipe(text, sizeof(text));
	return said;
}

/* ---- messages --------------------------------------------------------------------------------------- */

static bool
take(str *rest, str *part)
{
	size_t n;

	if (rest->n < 2 || (n = (size_t)get_be(rest->p, 2)) > rest->n - 2)
		return false;
	*part = (str){ rest->p + 2, n };
	*rest = (str){ rest->p + 2 + n, rest->n - 2 - n };
	return true;
}

static size_t
put_part(unsigned char *to, str part)
{
	put_be(to, part.n, 2);
	if (part.n > 0)
		memcpy(to + 2, part.p, part.n);
	return 2 + part.n;
}

/* ---- the keeper's side ------------------------------------------------------------------------------ */

/* What the loop, malloc and OpenSSL need once all is set up; no memory that
 * could be executed. Under a sanitizer the run-time needs more: no filter. */
static bool
sandbox(void)
{
#ifdef SANITIZED
	return true;
#else
#define ALLOW(call) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##call, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
/* Allowed unless the third argument asks for PROT_EXEC (its low half is read: little endian). */
#define ALLOW_DATA(call) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##call, 0, 4), \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])), \
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 1, 0), \
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW), \
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
	static struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCH, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		ALLOW(recvfrom), ALLOW(sendto), ALLOW(read), ALLOW(write), ALLOW(getrandom), ALLOW(futex),
		ALLOW(brk), ALLOW(munmap), ALLOW(munlock), ALLOW(madvise), ALLOW(getpid), ALLOW(clock_gettime),
		ALLOW(rt_sigreturn), ALLOW(exit), ALLOW(exit_group),
		ALLOW_DATA(mmap), ALLOW_DATA(mprotect),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog prog = { COUNT(filter), filter };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0;
#endif
}

static struct says
begin(str body, struct root *root)
{
	char path[PATH_MOST + 1] = "";
	str file, passphrase, salt, part;
	struct ctx cx = { .arena = NULL };       /* only for fail(), which keeps fixed words */
	unsigned char is[32], out[WRAPPED_BYTES];
	struct says said;
	bool phrase, with_fips;

	if (body.n < 2)
		return SAY(E_INVALID, ASKED_BAD);
	with_fips = body.p[0] != 0;
	phrase = body.p[1] == ROOT_PASSPHRASE;
	body = str_sub(body, 2, body.n);
	if (!take(&body, &file) || !take(&body, &passphrase) || !take(&body, &salt) || body.n != 0)
		return SAY(E_INVALID, ASKED_BAD);
	if (with_fips && vault_fips(&cx) != OK)
		return SAY(E_ABSENT, NO_FIPS);
	crypto_up();
	part = phrase ? salt : file;
	if (part.n > PATH_MOST || memchr(part.p, 0, part.n) != NULL)
		return SAY(E_INVALID, ASKED_BAD);
	memcpy(path, part.p, part.n);
	said = phrase ? root_from_phrase(path, passphrase, root->key) : root_from_file(path, root->key);
	if (said.e == OK)
		said = file_print(path, phrase, root->print);
	if (said.e != OK)
		return said;
	root->phrase = phrase;
	labelled(root->key, fingerprint_label, is);
	memcpy(root->fingerprint, is, sizeof(root->fingerprint));
	/* Once through everything, so that nothing is opened or loaded later. */
	if (!wrap_with(root->key, 0, S(""), root->key, out) ||
	    !unwrap_with(root->key, S(""), (str){ (char *)out, sizeof(out) }, is))
		return SAY(E_FAULT, CRYPTO_BAD);
	wipe(is, sizeof(is));
	return sandbox() ? FINE : SAY(E_FAULT, NO_SANDBOX);
}

static struct says
work(const struct root *root, char op, str body, unsigned char *out, size_t *n)
{
	str aad, part;

	if (!take(&body, &aad) || !take(&body, &part) || body.n != 0)
		return SAY(E_INVALID, ASKED_BAD);
	if (op == 'W' && part.n == KEY_BYTES) {
		if (!wrap_with(root->key, (uint32_t)get_be(root->fingerprint, 4), aad,
		    (const unsigned char *)part.p, out))
			return SAY(E_FAULT, CRYPTO_BAD);
		*n = WRAPPED_BYTES;
		return FINE;
	}
	if (op == 'F') {
		memcpy(out, root->print, sizeof(root->print));
		*n = sizeof(root->print);
		return FINE;
	}
	if (op == 'U') {
		if (part.n != WRAPPED_BYTES || part.p[0] != WRAP_VERSION)
			return SAY(E_DENIED, WRAPPED_BAD);
		if (memcmp(part.p + 1, root->fingerprint, sizeof(root->fingerprint)) != 0)
			return SAY(E_DENIED, ROOT_OTHER);
		if (!unwrap_with(root->key, aad, part, out))
			return SAY(E_DENIED, WRAPPED_BAD);
		*n = KEY_BYTES;
		return FINE;
	}
	return SAY(E_INVALID, ASKED_BAD);
}

/* Ends the process itself once it has read a key: nothing that would run at
 * exit needs to, and the filter would not let it. */
int
keeper_main(int fd)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2 };
	static const struct rlimit none = { 0, 0 };
	struct place { struct root root; unsigned char in[MESSAGE], out[ANSWER_HEAD + WRAPPED_BYTES]; } *m;
	bool begun = false;
	int type = 0;
	socklen_t len = sizeof(type);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0 || type != SOCK_SEQPACKET)
		return 64;               /* somebody typed `ward keeper` */
	for (size_t i = 0; i < COUNT(ignored); i++)
		signal(ignored[i], SIG_IGN);
	if (prctl(PR_SET_DUMPABLE, 0) != 0 || setrlimit(RLIMIT_CORE, &none) != 0)
		return 71;
	(void)prctl(PR_SET_NAME, "ward-keeper");
	if ((m = secret_alloc(sizeof(*m), NULL)) == NULL)
		return 71;

	for (;;) {
		struct says said;
		size_t n = 0;
		ssize_t got = recv(fd, m->in, sizeof(m->in), 0);
		str body;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < HEAD)
			break;           /* closed, or no friend of ours */
		body = (str){ (const char *)m->in + HEAD, (size_t)got - HEAD };
		if (m->in[4] == 'C' && !begun) {
			said = begin(body, &m->root);
			begun = said.e == OK;
		} else if (begun) {
			said = work(&m->root, (char)m->in[4], body, m->out + ANSWER_HEAD, &n);
		} else {
			said = SAY(E_INVALID, ASKED_BAD);
		}
		memcpy(m->out, m->in, 4);
		m->out[4] = (unsigned char)said.e;
		m->out[5] = (unsigned char)said.why;
		wipe(m->in, (size_t)got);
		got = send(fd, m->out, ANSWER_HEAD + n, MSG_NOSIGNAL);
		wipe(m->out, sizeof(m->out));
		if (got < 0 || !begun)
			break;
	}
	tools_drop();
	secret_free(m);
	_exit(begun ? 0 : 1);
}

/* ---- the server's side ------------------------------------------------------------------------------ */

struct keeper {
	pthread_mutex_t lock;            /* one question at a time */
	int             fd;
	pid_t           pid;
	uint32_t        sequence;
	enum root_kind  kind;
};

static const char gone[] = "the keeper process has ended or does not answer: restart ward to unlock it again";

/* Sends what is in m (room for the head in front) and waits for its answer,
 * which is put there too; *n is its length behind the head. */
static enum err
ask(struct ctx *cx, struct keeper *k, char op, unsigned char m[MESSAGE], size_t *n, usec wait_for)
{
	struct pollfd p = { k->fd, POLLIN, 0 };
	size_t len = HEAD + *n;
	usec until, left;
	ssize_t got;
	enum err e = OK;
	enum why why = NO_WHY;
	bool answered = false;

	pthread_mutex_lock(&k->lock);
	put_be(m, ++k->sequence, 4);
	m[4] = (unsigned char)op;
	while ((got = send(k->fd, m, len, MSG_NOSIGNAL)) < 0 && errno == EINTR)
		;
	wipe(m, len);
	until = time_mono() + wait_for;
	while (got >= 0 && !answered && (left = until - time_mono()) > 0) {
		if (poll(&p, 1, (int)(left / 1000) + 1) <= 0)
			continue;
		got = recv(k->fd, m, MESSAGE, MSG_DONTWAIT);
		if (got < 0 && (errno == EINTR || errno == EAGAIN)) {
			got = 0;
			continue;
		}
		if (got < ANSWER_HEAD)
			break;
		answered = get_be(m, 4) == k->sequence;
	}
	pthread_mutex_unlock(&k->lock);
	if (!answered)
		return fail(cx, E_BUSY, "keeper", gone);
	e = (enum err)m[4];
	why = m[5] < WHYS ? (enum why)m[5] : NO_WHY;
	*n = (size_t)got - ANSWER_HEAD;
	if (e == OK)
		return OK;
	if (why == ROOT_OTHER && k->kind == ROOT_PASSPHRASE)
		return fail(cx, e, "passphrase", "wrong passphrase, or the salt file of another one");
	return fail(cx, e, why == PHRASE_WRONG ? "passphrase" : "root_key", words[why]);
}

static enum err
spawn(struct ctx *cx, struct keeper *k)
{
	static char name[] = "ward", role[] = "keeper";
	char *const argv[] = { name, role, NULL }, *const envp[] = { NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t all, none;
	int sv[2] = { -1, -1 }, wrong;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) != 0)
		return fail(cx, E_FAULT, "keeper", "no socket for the keeper process");
	sigfillset(&all);
	sigemptyset(&none);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	wrong = posix_spawn_file_actions_adddup2(&files, sv[1], 3) != 0 ||
	    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0) != 0 ||
	    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0) != 0 ||
	    posix_spawn_file_actions_addclosefrom_np(&files, 4) != 0 ||
	    posix_spawnattr_setsigdefault(&attr, &all) != 0 || posix_spawnattr_setsigmask(&attr, &none) != 0 ||
	    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK) != 0 ||
	    posix_spawn(&k->pid, "/proc/self/exe", &files, &attr, argv, envp) != 0;
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	fd_close(&sv[1]);
	if (wrong) {
		fd_close(&sv[0]);
		return fail(cx, E_FAULT, "keeper", "the keeper process does not start");
	}
	k->fd = sv[0];
	return OK;
}

enum err
keeper_start(struct ctx *cx, const struct root_conf *conf, struct keeper **out)
{
	bool phrase = conf->kind == ROOT_PASSPHRASE;
	str path = str_of(conf->path), salt = str_of(conf->salt_path);
	unsigned char m[MESSAGE];
	size_t n = 0;
	struct keeper *k;
	enum err e;

	if (phrase && (conf->passphrase.n < PASSPHRASE_LEAST || conf->passphrase.n > PASSPHRASE_MOST))
		return fail(cx, E_INVALID, "passphrase", words[PHRASE_SHORT]);
	if (path.n > PATH_MOST || salt.n > PATH_MOST || (phrase ? salt : path).n == 0)
		return fail(cx, E_INVALID, "root_key", "the path of the root key file or salt file is empty or too long");
	if ((k = calloc(1, sizeof(*k))) == NULL)
		return fail(cx, E_FAULT, "keeper", "no memory for the keeper");
	pthread_mutex_init(&k->lock, NULL);
	k->fd = -1;
	k->kind = conf->kind;
	if ((e = spawn(cx, k)) == OK) {
		m[HEAD + n++] = crypto_fips();
		m[HEAD + n++] = (unsigned char)conf->kind;
		n += put_part(m + HEAD + n, phrase ? S("") : path);
		n += put_part(m + HEAD + n, phrase ? conf->passphrase : S(""));
		n += put_part(m + HEAD + n, phrase ? salt : S(""));
		e = ask(cx, k, 'C', m, &n, START_FOR);
	}
	if (e != OK) {
		keeper_stop(&k);
		return e;
	}
	*out = k;
	return OK;
}

void
keeper_stop(struct keeper **k)
{
	struct timespec ms = { 0, 1000000 };
	int waited = 0, status;

	if (*k == NULL)
		return;
	fd_close(&(*k)->fd);
	if ((*k)->pid > 0) {
		/* It ends when the socket does. One that is stopped or stuck is killed. */
		while (waitpid((*k)->pid, &status, WNOHANG) == 0) {
			if (waited++ == 2000)
				kill((*k)->pid, SIGKILL);
			nanosleep(&ms, NULL);
		}
	}
	pthread_mutex_destroy(&(*k)->lock);
	free(*k);
	*k = NULL;
}

static enum err
two_parts(struct ctx *cx, struct keeper *k, char op, str aad, str part, unsigned char *out, size_t want)
{
	unsigned char m[MESSAGE];
	size_t n = 0;
	enum err e;

	if (aad.n > AAD_MOST || part.n > AAD_MOST)
		return fail(cx, E_DENIED, "root_key", words[WRAPPED_BAD]);
	n += put_part(m + HEAD + n, aad);
	n += put_part(m + HEAD + n, part);
	e = ask(cx, k, op, m, &n, ANSWER_FOR);
	if (e == OK && n != want)
		e = fail(cx, E_FAULT, "keeper", "the keeper gave a malformed answer");
	if (e == OK)
		memcpy(out, m + ANSWER_HEAD, want);
	wipe(m, sizeof(m));
	return e;
}

enum err
keeper_wrap(struct ctx *cx, struct keeper *k, str aad, const unsigned char key[KEY_BYTES],
    unsigned char out[WRAPPED_BYTES])
{
	return two_parts(cx, k, 'W', aad, (str){ (const char *)key, KEY_BYTES }, out, WRAPPED_BYTES);
}

enum err
keeper_unwrap(struct ctx *cx, struct keeper *k, str aad, str wrapped, unsigned char key[KEY_BYTES])
{
	return two_parts(cx, k, 'U', aad, wrapped, key, KEY_BYTES);
}

enum err
keeper_print(struct ctx *cx, struct keeper *k, unsigned char out[32])
{
	return two_parts(cx, k, 'F', S(""), S(""), out, 32);
}

int
keeper_pid(const struct keeper *k)
{
	return (int)k->pid;
}

/* ---- making a root key ------------------------------------------------------------------------------ */

/* A new file, whole and durable or not at all, and never over another: written
 * beside its place, then linked there, which fails where there is one. */
static enum err
write_new(struct ctx *cx, const char *path, str text)
{
	str tmp = str_printf(cx->arena, "%s.new-%016jx", path, (uintmax_t)rand_u64());
	const char *slash = strrchr(path, '/');
	char *folder = slash == NULL ? str_z(cx->arena, S(".")) :
	    str_z(cx->arena, (str){ path, slash == path ? 1 : (size_t)(slash - path) });
	CLEANUP(fd_close) int dir = -1;
	CLEANUP(fd_close) int fd = -1;
	bool written;
	int linked = 0;

	fd = open(tmp.p, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR
		    ? fail(cx, E_ABSENT, "root_key", "the folder for the root key does not exist")
		    : fail(cx, E_FAULT, "root_key", "cannot make the root key file there");
	written = fchmod(fd, 0600) == 0 && fd_write_all(fd, text.p, text.n) && fsync(fd) == 0;
	if (written)
		linked = link(tmp.p, path) == 0 ? 0 : errno;
	unlink(tmp.p);
	if (written && linked == EEXIST)
		return fail(cx, E_CONFLICT, "root_key", "there is a file already; it is never overwritten");
	if (!written || linked != 0)
		return fail(cx, E_FAULT, "root_key", "cannot write the root key file");
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || fsync(dir) != 0)
		return fail(cx, E_FAULT, "root_key", "cannot sync the folder of the root key");
	return OK;
}

enum err
root_create(struct ctx *cx, const struct root_conf *conf)
{
	unsigned char key[KEY_BYTES], salt[SALT_BYTES], check[32];
	const char *path = conf->kind == ROOT_PASSPHRASE ? conf->salt_path : conf->path;
	struct stat st;
	str text;
	enum err e;

	if (path == NULL || *path == 0)
		return fail(cx, E_INVALID, "root_key", "no path for the root key");
	if (lstat(path, &st) == 0)       /* before the slow part; write_new() is what decides */
		return fail(cx, E_CONFLICT, "root_key", "there is a file already; it is never overwritten");
	crypto_up();
	if (conf->kind == ROOT_PASSPHRASE) {
		if (conf->passphrase.n < PASSPHRASE_LEAST || conf->passphrase.n > PASSPHRASE_MOST)
			return fail(cx, E_INVALID, "passphrase", words[PHRASE_SHORT]);
		rand_bytes(salt, sizeof(salt));
		if (!stretch(conf->passphrase, salt, PASSES, KIBIBYTES, key))
			return fail(cx, E_BUSY, "passphrase", words[PHRASE_MEMORY]);
		labelled(key, check_label, check);
		text = str_printf(cx->arena, "ward-salt-1 argon2id %d %d " STR_F " " STR_F "\n", PASSES, KIBIBYTES,
		    STR_A(hex_of(cx->arena, (str){ (char *)salt, sizeof(salt) })),
		    STR_A(hex_of(cx->arena, (str){ (char *)check, CHECK_BYTES })));
	} else {
		rand_bytes(key, sizeof(key));
		text = str_printf(cx->arena, STR_F "\n", STR_A(hex_of(cx->arena, (str){ (char *)key, sizeof(key) })));
	}
	wipe(key, sizeof(key));
	e = write_new(cx, path, text);
	return e;
}
