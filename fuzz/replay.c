/* replay.c - gives a fuzz target a main() without libFuzzer: every file of the
 * folders given as arguments goes through it once. A folder that is missing or
 * holds no file is a failure, because a corpus that is not there tests nothing. */
#include <dirent.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* libFuzzer's optional hook, and the sanitizers' word when they end us. */
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));
void __sanitizer_set_death_callback(void (*fn)(void)) __attribute__((weak));

static char current[4096];

static void
tell(void)
{
	static const char words[] = "\nreplay: died on ";

	if (write(STDERR_FILENO, words, sizeof(words) - 1) < 0 ||
	    write(STDERR_FILENO, current, strlen(current)) < 0 || write(STDERR_FILENO, "\n", 1) < 0)
		return;      /* nobody to tell it to */
}

static void
on_signal(int sig)
{
	tell();
	signal(sig, SIG_DFL);
	raise(sig);
}

/* Files are handed over in memory of exactly their size, so that a sanitizer
 * sees the first byte read behind them. */
static int
run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	uint8_t *data;
	size_t n;

	if (f == NULL || fstat(fileno(f), &st) != 0) {
		perror(path);
		return -1;
	}
	n = (size_t)st.st_size;
	data = malloc(n > 0 ? n : 1);
	if (data == NULL || fread(data, 1, n, f) != n) {
		fprintf(stderr, "replay: cannot read %s\n", path);
		return -1;
	}
	fclose(f);
	LLVMFuzzerTestOneInput(data, n);
	free(data);
	return 0;
}

static int
run_folder(const char *folder)
{
	DIR *d = opendir(folder);
	struct stat st;
	int count = 0;

	if (d == NULL) {
		perror(folder);
		return -1;
	}
	for (struct dirent *e; (e = readdir(d)) != NULL; ) {
		snprintf(current, sizeof(current), "%s/%s", folder, e->d_name);
		if (e->d_name[0] == '.' || stat(current, &st) != 0 || !S_ISREG(st.st_mode))
			continue;
		if (run_file(current) != 0)
			return -1;
		count++;
	}
	closedir(d);
	if (count == 0)
		fprintf(stderr, "replay: %s holds no files\n", folder);
	return count > 0 ? count : -1;
}

int
main(int argc, char **argv)
{
	int total = 0, bad = argc < 2;

	if (__sanitizer_set_death_callback != NULL) {
		__sanitizer_set_death_callback(tell);
	} else {
		signal(SIGABRT, on_signal);
		signal(SIGSEGV, on_signal);
	}
	if (LLVMFuzzerInitialize != NULL)
		LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++) {
		int n = run_folder(argv[i]);

		bad |= n < 0;
		total += n > 0 ? n : 0;
	}
	printf("%d inputs\n", total);
	return bad;
}
