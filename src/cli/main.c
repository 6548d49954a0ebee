/* main.c - the command line: finds the command, finds out who runs it.
 *
 * A command that needs the data folder is run by the server when one has the
 * folder, through its control socket and with the caller's own descriptors;
 * otherwise here, with the folder locked.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

const char *
option(int *argc, char **argv, const char *name)
{
	size_t n = strlen(name);

	for (int i = 0; i < *argc; i++) {
		const char *v = NULL;
		int take = 0;
		if (strcmp(argv[i], name) == 0 && i + 1 < *argc) {
			v = argv[i + 1];
			take = 2;
		} else if (n > 2 && strncmp(argv[i], name, n) == 0 && argv[i][n] == '=') {
			v = argv[i] + n + 1;
			take = 1;
		}
		if (take) {
			memmove(argv + i, argv + i + take, sizeof *argv * (size_t)(*argc - i - take + 1));
			*argc -= take;
			return v;
		}
	}
	return NULL;
}

bool
flag(int *argc, char **argv, const char *name)
{
	for (int i = 0; i < *argc; i++)
		if (strcmp(argv[i], name) == 0) {
			memmove(argv + i, argv + i + 1, sizeof *argv * (size_t)(*argc - i));
			--*argc;
			return true;
		}
	return false;
}

const char *
data_dir(int *argc, char **argv)
{
	const char *d = option(argc, argv, "-d");

	if (d == NULL)
		d = getenv("WARD_DATA");
	if (d == NULL || *d == '\0') {
		fprintf(stderr, "ward: which data folder? Give -d DIR or set WARD_DATA\n");
		return NULL;
	}
	return d;
}

/* The longest command name that the words begin with. */
const struct command *
command_find(int argc, char **argv, int *words)
{
	for (const struct command *c = commands; c->name != NULL; c++) {
		str rest = str_of(c->name);
		int n = 0;
		while (rest.n && n < argc && str_eq(str_cut(&rest, ' '), str_of(argv[n])))
			n++;
		if (rest.n == 0 && n > 0) {
			int want = 1;
			for (const char *p = c->name; *p; p++)
				want += *p == ' ';
			if (n == want) {
				*words = n;
				return c;
			}
		}
	}
	return NULL;
}

static void
usage(FILE *to)
{
	fprintf(to, "ward " WARD_VERSION " - a help desk that keeps health information safe\n\nusage: ward COMMAND [-d DIR] ...\n\n"
	    "  %-14s %-46s %s\n  %-14s %-46s %s\n", "init", "--admin EMAIL --password-file FILE", "make a data folder",
	    "serve", "[--listen ADDR:PORT] [--http]", "run the desk");
	fprintf(to, "  %-14s %-46s %s\n", "api describe", "", "print the API as an OpenAPI 3.1 document");
	for (const struct command *c = commands; c->name != NULL; c++)
		fprintf(to, "  %-14s %-46s %s\n", c->name, c->args, c->help);
	fprintf(to, "\n-d defaults to $WARD_DATA. Exit codes: 0 done, 64 wrong usage, 65 wrong input, 66 not there, 75 try again.\n");
}

/* Nothing of what we hold in memory may end in a file. */
static void
no_core(void)
{
	struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	umask(077);
}

/* Descriptors 0 to 2 must be there: a database opened as descriptor 2 would
 * receive log lines. */
static void
standard_fds(void)
{
	int fd;

	while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd <= 2)
		;
	if (fd > 2)
		close(fd);
}

int
main(int argc, char **argv)
{
	const struct command *c;
	const char *dir;
	struct ward w;
	int words = 0, code;

	standard_fds();
	if (argc == 2 && strcmp(argv[1], "keeper") == 0)
		return keeper_main(3);
	if (argc == 2 && strcmp(argv[1], "parser") == 0)
		return parser_main(3);
	no_core();
	/* Answers of 100 KB come and go thousands of times a second: keep their pages instead of giving them back
	 * and faulting them in again. Few malloc arenas, because each keeps pages of its own. */
	(void)mallopt(M_MMAP_THRESHOLD, 4 << 20);
	(void)mallopt(M_TRIM_THRESHOLD, 16 << 20);
	(void)mallopt(M_ARENA_MAX, 4);
	argc--;
	argv++;
	if (argc == 0 || strcmp(argv[0], "help") == 0 || strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0) {
		usage(stdout);
		return 0;
	}
	if (strcmp(argv[0], "--version") == 0 || strcmp(argv[0], "version") == 0) {
		puts("ward " WARD_VERSION);
		return 0;
	}
	if (strcmp(argv[0], "init") == 0)
		return cmd_init(argc - 1, argv + 1);
	if (strcmp(argv[0], "serve") == 0)
		return cmd_serve(argc - 1, argv + 1);
	if (argc == 2 && strcmp(argv[0], "api") == 0 && strcmp(argv[1], "describe") == 0)
		return cmd_api_describe();
	if ((c = command_find(argc, argv, &words)) == NULL) {
		fprintf(stderr, "ward: unknown command; `ward help` lists them\n");
		return 64;
	}
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0) {
			printf("usage: ward %s [-d DIR] %s\n%s\n", c->name, c->args, c->help);
			return 0;
		}
	if (offline_verify(argc, argv, &code))
		return code;
	if ((dir = data_dir(&argc, argv)) == NULL)
		return 64;
	/* A file of the caller's is opened here: the server has other folders, and perhaps other rights. */
	for (int i = words; i < argc && strncmp(c->name, "phi known", 9) == 0; i++) {
		static char dash[] = "-";
		int fd;
		if (argv[i][0] == '-' || strcmp(argv[i], "import") == 0)
			continue;
		if ((fd = open(argv[i], O_RDONLY | O_CLOEXEC)) < 0 || dup2(fd, 0) != 0) {
			fprintf(stderr, "ward: the file cannot be opened: %s\n", strerror(errno));
			return 66;
		}
		argv[i] = dash;
	}
	/* A server that is just starting or ending has the lock but no socket yet: wait a little. */
	for (int tries = 0; ; tries++) {
		char why[4096];
		int p[2], n;
		if ((code = control_call(dir, argc, argv)) >= 0)
			return code;
		if (pipe(p) != 0)
			return 75;
		code = ward_open(&w, dir, false, S(""), p[1]);
		close(p[1]);
		n = (int)read(p[0], why, sizeof why);
		close(p[0]);
		if (code == 75 && tries < 100) {
			usleep(100000);
			continue;
		}
		if (n > 0 && code != 0 && write(2, why, (size_t)n) < 0)
			return code;
		break;
	}
	/* A mail that cannot be taken now must come again, whatever the reason. */
	if (code != 0)
		return strcmp(c->name, "mail deliver") == 0 ? 75 : code;
	code = c->run(&w, argc - words, argv + words, 0, 1, 2);
	ward_close(&w);
	return code;
}
