/* The keeper: which root key files it takes, what it says of others, what it
 * answers, and what happens when it is gone. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "vault_ring.h"

#define HEX64 "00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef"

static void
put_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

/* ---- root key files --------------------------------------------------------------------------------- */

enum twist { PLAIN, GONE, LINK, FOLDER, FIFO, OTHERS };
static const struct {
	const char *why, *text;
	mode_t mode;
	enum twist twist;
	enum err e;
	const char *says;
} files[] = {
	{ "64 digits and a newline",          HEX64 "\n",     0600, PLAIN, OK, NULL },
	{ "read-only",                        HEX64 "\n",     0400, PLAIN, OK, NULL },
	{ "without the newline",              HEX64,          0600, PLAIN, OK, NULL },
	{ "capital digits",                   "00112233445566778899AABBCCDDEEFF0123456789ABCDEF0123456789ABCDEF\n",
	  0600, PLAIN, OK, NULL },
	{ "missing",                          "",             0600, GONE, E_ABSENT, "missing" },
	{ "readable by the group",            HEX64 "\n",     0640, PLAIN, E_DENIED, "chmod 600" },
	{ "readable by all",                  HEX64 "\n",     0604, PLAIN, E_DENIED, "chmod 600" },
	{ "writable by the group",            HEX64 "\n",     0620, PLAIN, E_DENIED, "chmod 600" },
	{ "executable",                       HEX64 "\n",     0700, PLAIN, E_DENIED, "chmod 600" },
	{ "set-user-id",                      HEX64 "\n",    04600, PLAIN, E_DENIED, "chmod 600" },
	{ "owned by another",                 HEX64 "\n",     0600, OTHERS, E_DENIED, "chown" },
	{ "a symbolic link to a good one",    HEX64 "\n",     0600, LINK, E_DENIED, "symbolic link" },
	{ "a folder",                         "",             0600, FOLDER, E_DENIED, "regular" },
	{ "a pipe nobody writes to",          "",             0600, FIFO, E_DENIED, "regular" },
	{ "empty",                            "",             0600, PLAIN, E_INVALID, "64 hex" },
	{ "a digit short",                    "0112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef\n",
	  0600, PLAIN, E_INVALID, "64 hex" },
	{ "two digits more",                  HEX64 "00\n",   0600, PLAIN, E_INVALID, "64 hex" },
	{ "two newlines",                     HEX64 "\n\n",   0600, PLAIN, E_INVALID, "64 hex" },
	{ "not hex",                          "x0112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef\n",
	  0600, PLAIN, E_INVALID, "64 hex" },
	{ "all zeros",                        "0000000000000000000000000000000000000000000000000000000000000000\n",
	  0600, PLAIN, E_INVALID, "64 hex" },
	{ "far too long",                     HEX64 HEX64 HEX64 HEX64 HEX64, 0600, PLAIN, E_INVALID, "64 hex" },
};

static void
run_file(void **state)
{
	size_t i = ROW(state);
	void *s;
	struct fix *f;
	char other[96];
	enum err e;

	fix_new(&s);
	f = s;
	unlink(f->path);
	put_file(f->path, files[i].text, files[i].mode);
	snprintf(other, sizeof(other), "%s/other.key", f->dir);
	if (files[i].twist != PLAIN && files[i].twist != OTHERS)
		assert_int_equal(rename(f->path, other), 0);
	switch (files[i].twist) {
	case PLAIN: case GONE: break;
	case LINK:   assert_int_equal(symlink(other, f->path), 0); break;
	case FOLDER: assert_int_equal(mkdir(f->path, 0600), 0); break;
	case FIFO:   assert_int_equal(mkfifo(f->path, 0600), 0); break;
	case OTHERS:
		if (geteuid() != 0 || chown(f->path, 12345, (gid_t)-1) != 0) {
			fix_free(&s);
			print_message("not root: another user's file cannot be made\n");
			skip();
		}
	}
	e = keeper_start(&f->cx, &f->conf, &f->k);
	assert_string_equal(err_name(e), err_name(files[i].e));
	if (e != OK) {
		assert_null(f->k);
		assert_int_equal(f->cx.fail.code, e);
		assert_non_null(strstr(f->cx.fail.why, files[i].says));
		assert_null(strstr(f->cx.fail.why, f->dir));
	}
	if (files[i].twist == FOLDER)
		rmdir(f->path);
	fix_free(&s);
}

/* ---- passphrases ------------------------------------------------------------------------------------- */

#define SALT "ward-salt-1 argon2id 1 8 00112233445566778899aabbccddeeff"
static const struct { const char *why, *text; mode_t mode; enum err e; const char *says; } salts[] = {
	{ "salt: right shape, wrong check",   SALT " 0123456789abcdef\n", 0600, E_DENIED, "wrong passphrase" },
	{ "salt: readable by all",            SALT " 0123456789abcdef\n", 0644, E_DENIED, "0600" },
	{ "salt: empty",                      "", 0600, E_INVALID, "damaged" },
	{ "salt: cut",                        SALT "\n", 0600, E_INVALID, "damaged" },
	{ "salt: another version",            "ward-salt-2 argon2id 1 8 00112233445566778899aabbccddeeff 0123456789abcdef\n",
	  0600, E_INVALID, "damaged" },
	{ "salt: another hash",               "ward-salt-1 scrypt 1 8 00112233445566778899aabbccddeeff 0123456789abcdef\n",
	  0600, E_INVALID, "damaged" },
	{ "salt: no passes",                  "ward-salt-1 argon2id 0 8 00112233445566778899aabbccddeeff 0123456789abcdef\n",
	  0600, E_INVALID, "damaged" },
	{ "salt: a million passes",           "ward-salt-1 argon2id 1000000 8 00112233445566778899aabbccddeeff"
	  " 0123456789abcdef\n", 0600, E_INVALID, "damaged" },
	{ "salt: a terabyte of memory",       "ward-salt-1 argon2id 1 1073741824 00112233445566778899aabbccddeeff"
	  " 0123456789abcdef\n", 0600, E_INVALID, "damaged" },
	{ "salt: short salt",                 "ward-salt-1 argon2id 1 8 00112233 0123456789abcdef\n", 0600, E_INVALID,
	  "damaged" },
	{ "salt: more behind",                SALT " 0123456789abcdef more\n", 0600, E_INVALID, "damaged" },
};

static void
run_salt(void **state)
{
	size_t i = ROW(state);
	void *s;
	struct fix *f;

	fix_new(&s);
	f = s;
	f->conf.kind = ROOT_PASSPHRASE;
	f->conf.passphrase = S("correct horse battery");
	put_file(f->salt, salts[i].text, salts[i].mode);
	assert_string_equal(err_name(keeper_start(&f->cx, &f->conf, &f->k)), err_name(salts[i].e));
	assert_non_null(strstr(f->cx.fail.why, salts[i].says));
	fix_free(&s);
}

static void
passphrase(void **state)
{
	struct fix *f = *state;
	unsigned char key[KEY_BYTES], got[KEY_BYTES], w[WRAPPED_BYTES];
	str ws = { (char *)w, sizeof(w) };
	struct keeper *k2;

	f->conf.kind = ROOT_PASSPHRASE;
	f->conf.passphrase = S("too short!!");
	assert_int_equal(root_create(&f->cx, &f->conf), E_INVALID);
	fail_clear(&f->cx);
	f->conf.passphrase = S("correct horse battery");
	assert_int_equal(keeper_start(&f->cx, &f->conf, &f->k), E_ABSENT);       /* no salt file yet */
	assert_non_null(strstr(f->cx.fail.why, "salt file"));
	fail_clear(&f->cx);
	FINE_CALL(f, root_create(&f->cx, &f->conf));
	assert_int_equal(root_create(&f->cx, &f->conf), E_CONFLICT);
	fail_clear(&f->cx);

	FINE_CALL(f, keeper_start(&f->cx, &f->conf, &f->k));
	rand_bytes(key, sizeof(key));
	FINE_CALL(f, keeper_wrap(&f->cx, f->k, S("aad"), key, w));
	keeper_stop(&f->k);
	f->conf.passphrase = S("correct horse batterx");
	assert_int_equal(keeper_start(&f->cx, &f->conf, &f->k), E_DENIED);
	assert_string_equal(f->cx.fail.why, "wrong passphrase");
	fail_clear(&f->cx);

	f->conf.passphrase = S("correct horse battery");
	FINE_CALL(f, keeper_start(&f->cx, &f->conf, &f->k));
	FINE_CALL(f, keeper_unwrap(&f->cx, f->k, S("aad"), ws, got));
	assert_memory_equal(got, key, sizeof(key));

	/* The same passphrase with another salt is another root key. */
	unlink(f->salt);
	FINE_CALL(f, root_create(&f->cx, &f->conf));
	FINE_CALL(f, keeper_start(&f->cx, &f->conf, &k2));
	assert_int_equal(keeper_unwrap(&f->cx, k2, S("aad"), ws, got), E_DENIED);
	assert_non_null(strstr(f->cx.fail.why, "wrong passphrase"));
	keeper_stop(&k2);
}

/* ---- making ------------------------------------------------------------------------------------------- */

static void
create(void **state)
{
	struct fix *f = *state;
	struct stat st;
	str text, other;
	DIR *d;
	int n = 0;

	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	FINE_CALL(f, file_read(&f->cx, f->path, 4096, &text));
	assert_int_equal(text.n, 65);
	assert_int_equal(text.p[64], '\n');

	assert_int_equal(root_create(&f->cx, &f->conf), E_CONFLICT);
	fail_clear(&f->cx);
	FINE_CALL(f, file_read(&f->cx, f->path, 4096, &other));
	assert_true(str_eq(text, other));

	unlink(f->path);
	FINE_CALL(f, root_create(&f->cx, &f->conf));
	FINE_CALL(f, file_read(&f->cx, f->path, 4096, &other));
	assert_false(str_eq(text, other));

	/* Nothing else is left in the folder. */
	d = opendir(f->dir);
	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(d);
	assert_int_equal(n, 1);

	f->conf.path = "/nonexistent-folder/root.key";
	assert_int_equal(root_create(&f->cx, &f->conf), E_ABSENT);
	fail_clear(&f->cx);
	/* A dangling link is not followed either. */
	snprintf(f->salt, sizeof(f->salt), "%s/link", f->dir);
	assert_int_equal(symlink("other.key", f->salt), 0);
	f->conf.path = f->salt;
	assert_int_equal(root_create(&f->cx, &f->conf), E_CONFLICT);
}

/* ---- answers ------------------------------------------------------------------------------------------ */

static void
wrap_and_unwrap(void **state)
{
	struct fix *f = *state;
	unsigned char key[KEY_BYTES], got[KEY_BYTES], w[WRAPPED_BYTES], w2[WRAPPED_BYTES], zero[KEY_BYTES] = {0};
	str ws = { (char *)w, sizeof(w) };
	char big[1024] = {0};

	FINE_CALL(f, keeper_start(&f->cx, &f->conf, &f->k));
	rand_bytes(key, sizeof(key));
	FINE_CALL(f, keeper_wrap(&f->cx, f->k, S("account 1"), key, w));
	FINE_CALL(f, keeper_wrap(&f->cx, f->k, S("account 1"), key, w2));
	assert_int_equal(w[0], 1);
	assert_memory_equal(w + 1, w2 + 1, 4);           /* the same root */
	assert_memory_not_equal(w + 5, w2 + 5, 12);      /* another nonce */
	FINE_CALL(f, keeper_unwrap(&f->cx, f->k, S("account 1"), ws, got));
	assert_memory_equal(got, key, sizeof(key));

	assert_int_equal(keeper_unwrap(&f->cx, f->k, S("account 2"), ws, got), E_DENIED);
	assert_non_null(strstr(f->cx.fail.why, "altered"));
	fail_clear(&f->cx);
	for (size_t n = 0; n < sizeof(w); n++) {
		assert_int_equal(keeper_unwrap(&f->cx, f->k, S("account 1"), str_sub(ws, 0, n), got), E_DENIED);
		fail_clear(&f->cx);
	}
	memset(got, 0, sizeof(got));
	for (size_t bit = 0; bit < 8 * sizeof(w); bit++) {
		w[bit / 8] ^= (unsigned char)(1 << bit % 8);
		assert_int_equal(keeper_unwrap(&f->cx, f->k, S("account 1"), ws, got), E_DENIED);
		assert_memory_equal(got, zero, sizeof(got));
		w[bit / 8] ^= (unsigned char)(1 << bit % 8);
		fail_clear(&f->cx);
	}
	assert_int_equal(keeper_unwrap(&f->cx, f->k, (str){ big, sizeof(big) }, ws, got), E_DENIED);
	fail_clear(&f->cx);
	FINE_CALL(f, keeper_unwrap(&f->cx, f->k, S("account 1"), ws, got));
	assert_memory_equal(got, key, sizeof(key));
}

static void
other_root(void **state)
{
	struct fix *f = *state;
	unsigned char key[KEY_BYTES] = {1}, w[WRAPPED_BYTES];

	FINE_CALL(f, keeper_start(&f->cx, &f->conf, &f->k));
	FINE_CALL(f, keeper_wrap(&f->cx, f->k, S("a"), key, w));
	keeper_stop(&f->k);
	put_file(f->path, HEX64 "\n", 0600);
	FINE_CALL(f, keeper_start(&f->cx, &f->conf, &f->k));
	assert_int_equal(keeper_unwrap(&f->cx, f->k, S("a"), (str){ (char *)w, sizeof(w) }, key), E_DENIED);
	assert_non_null(strstr(f->cx.fail.why, "another root key"));
}

static void
killed(void **state)
{
	struct fix *f = *state;
	unsigned char key[KEY_BYTES] = {1}, w[WRAPPED_BYTES];
	str ws = { (char *)w, sizeof(w) };

	FINE_CALL(f, keeper_start(&f->cx, &f->conf, &f->k));
	FINE_CALL(f, keeper_wrap(&f->cx, f->k, S("a"), key, w));
	assert_int_equal(kill(keeper_pid(f->k), SIGKILL), 0);
	assert_int_equal(keeper_wrap(&f->cx, f->k, S("a"), key, w), E_BUSY);
	assert_non_null(strstr(f->cx.fail.why, "restart ward"));
	fail_clear(&f->cx);
	assert_int_equal(keeper_unwrap(&f->cx, f->k, S("a"), ws, key), E_BUSY);
	keeper_stop(&f->k);
	assert_null(f->k);
}

/* What a terminal or a service manager sends to all of them must not take the
 * keeper away from a server that is still finishing its work. */
static void
signals_ignored(void **state)
{
	static const int sent[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct fix *f = *state;
	unsigned char key[KEY_BYTES] = {1}, w[WRAPPED_BYTES];

	FINE_CALL(f, keeper_start(&f->cx, &f->conf, &f->k));
	for (size_t i = 0; i < COUNT(sent); i++)
		assert_int_equal(kill(keeper_pid(f->k), sent[i]), 0);
	FINE_CALL(f, keeper_wrap(&f->cx, f->k, S("a"), key, w));
}

static str
proc(struct fix *f, const char *what)
{
	str path = str_printf(f->cx.arena, "/proc/%d/%s", keeper_pid(f->k), what), text;

	return file_read(&f->cx, path.p, 65536, &text) == OK ? text : S("");
}

/* Only three descriptors and the socket; no environment; no way to dump or
 * trace it; a filter, unless a sanitizer needs more. */
static void
confined(void **state)
{
	struct fix *f = *state;
	str status, line;
	char path[64], target[128];
	int fds = 0, spare = open("/dev/null", O_RDONLY);        /* not CLOEXEC, to be closed all the same */
	DIR *d;

	assert_true(spare >= 0);
	setenv("WARD_TEST_CANARY", "yes", 1);
	FINE_CALL(f, keeper_start(&f->cx, &f->conf, &f->k));
	close(spare);
	if (geteuid() != 0) {
		print_message("not root: the keeper's /proc entries are (rightly) closed to us\n");
		skip();
	}
	assert_true(str_find(proc(f, "environ"), S("CANARY")) == SIZE_MAX);
	snprintf(path, sizeof(path), "/proc/%d/fd", keeper_pid(f->k));
	d = opendir(path);
	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		ssize_t n;

		if (e->d_name[0] == '.')
			continue;
		fds++;
		n = readlinkat(dirfd(d), e->d_name, target, sizeof(target) - 1);
		assert_true(n > 0);
		target[n] = 0;
		if (strcmp(e->d_name, "3") == 0)
			assert_non_null(strstr(target, "socket:"));
		if (strcmp(e->d_name, "0") == 0 || strcmp(e->d_name, "1") == 0)
			assert_string_equal(target, "/dev/null");
	}
	closedir(d);
	assert_int_equal(fds, 4);
	assert_true(str_starts(proc(f, "cmdline"), S("ward\0keeper\0")));
	assert_true(str_starts(proc(f, "comm"), S("ward-keeper")));
	status = proc(f, "status");
	line = str_sub(status, str_find(status, S("\nSeccomp:")), 64);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	(void)line;
#elif defined(__clang__)
	(void)line;              /* perhaps with a sanitizer */
#else
	assert_true(str_starts(line, S("\nSeccomp:\t2")));
	assert_true(str_find(status, S("NoNewPrivs:\t1")) != SIZE_MAX);
#endif
	assert_true(str_find(proc(f, "limits"), S("Max core file size        0                    0")) != SIZE_MAX);
}

/* Ends by itself, and well, when the server is gone without a word. */
static void
ends_with_server(void **state)
{
	struct fix *f = *state;
	int p[2], status;
	pid_t pid, kid = 0;

	assert_int_equal(pipe(p), 0);
	pid = fork();
	if (pid == 0) {
		if (keeper_start(&f->cx, &f->conf, &f->k) != OK)
			_exit(1);
		kid = keeper_pid(f->k);
		if (write(p[1], &kid, sizeof(kid)) != sizeof(kid))
			_exit(1);
		_exit(0);                /* without keeper_stop() */
	}
	close(p[1]);
	assert_int_equal(read(p[0], &kid, sizeof(kid)), sizeof(kid));
	close(p[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	for (int i = 0; i < 2000; i++) {
		char path[48], c;
		int fd;

		/* Whoever adopts orphans here may be slow to bury them: dead is enough. */
		snprintf(path, sizeof(path), "/proc/%d/maps", (int)kid);
		if ((fd = open(path, O_RDONLY)) < 0 || read(fd, &c, 1) <= 0) {
			if (fd >= 0)
				close(fd);
			return;
		}
		close(fd);
		usleep(1000);
	}
	print_error("keeper %d is still there\n", (int)kid);
	_fail(__FILE__, __LINE__);
}

/* Stopped, it does not answer; that ends in words, too, and not in waiting. */
static void
stop_of_a_stuck_one(void **state)
{
	struct fix *f = *state;

	FINE_CALL(f, keeper_start(&f->cx, &f->conf, &f->k));
	assert_int_equal(kill(keeper_pid(f->k), SIGSTOP), 0);
	keeper_stop(&f->k);
	assert_null(f->k);
}

/* What speaks to it is only the server, but it judges what it hears. */
static void
malformed(void **state)
{
	static const struct { const char *bytes; size_t n; } said[] = {
		{ "\0\0\0\1W", 5 }, { "\0\0\0\1W\377\377", 7 }, { "\0\0\0\1W\0\0\0\1x", 10 }, { "\0\0\0\1U\0\0\0\0", 9 },
		{ "\0\0\0\1C\0\0", 7 }, { "\0\0\0\1Z\0\0\0\0", 9 },
	};
	int sv[2], status;
	char in[64];
	struct fix *f = *state;
	pid_t pid;
	str hello;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv), 0);
	pid = fork();
	if (pid == 0) {
		close(sv[0]);
		_exit(keeper_main(sv[1]));
	}
	close(sv[1]);
	hello = str_printf(f->cx.arena, "0000C00%c%c%s%c%c%c%c", 0, (int)strlen(f->path), f->path, 0, 0, 0, 0);
	memset((char *)hello.p, 0, 4);
	((char *)hello.p)[5] = 0;
	((char *)hello.p)[6] = ROOT_FILE;
	assert_int_equal(send(sv[0], hello.p, hello.n, 0), (ssize_t)hello.n);
	assert_int_equal(recv(sv[0], in, sizeof(in), 0), 6);
	assert_int_equal(in[4], OK);
	for (size_t i = 0; i < COUNT(said); i++) {
		assert_int_equal(send(sv[0], said[i].bytes, said[i].n, 0), (ssize_t)said[i].n);
		assert_int_equal(recv(sv[0], in, sizeof(in), 0), 6);
		assert_true(in[4] == E_INVALID || in[4] == E_DENIED);
	}
	close(sv[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Without the server's socket there is no keeper: `ward keeper` typed by hand. */
static void
by_hand(void **state)
{
	int fd = open("/dev/null", O_RDWR);

	(void)state;
	assert_int_equal(keeper_main(fd), 64);
	assert_int_equal(keeper_main(-1), 64);
	close(fd);
}

int
main(int argc, char **argv)
{
	struct CMUnitTest t[64];
	size_t n = 0;

	KEEPER_CHILD(argc, argv);
	ADD_ROWS(t, n, files, run_file);
	ADD_ROWS(t, n, salts, run_salt);
#define FIX(fn) t[n++] = (struct CMUnitTest){ #fn, fn, fix_new, fix_free, NULL }
	FIX(passphrase);
	FIX(create);
	FIX(wrap_and_unwrap);
	FIX(other_root);
	FIX(killed);
	FIX(signals_ignored);
	FIX(confined);
	FIX(ends_with_server);
	FIX(stop_of_a_stuck_one);
	FIX(malformed);
	ADD(t, n, by_hand);
	if (n > COUNT(t))
		abort();
	return RUN_ROWS("vault keeper", t, n);
}
