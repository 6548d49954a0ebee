/* log.c - one line on stderr for one thing that happened.
 *
 * A line is at most 4,096 bytes and written by one write(2), so lines of
 * threads and of processes that share a pipe never mix. What could end a line
 * early, move a terminal's cursor or reorder what is shown is escaped (\n,
 * \x1b, \u202e), and a backslash is doubled: no text that gets into a message
 * can look like a line of its own.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"

enum { LINE = 4096, LONGEST_ESCAPE = 6, CUT_MARK = 3 };

static atomic_int level = LOG_LV_INFO;

void
log_set_level(enum log_level at_most)
{
	atomic_store(&level, (int)at_most);
}

/* Whether stderr is the journal's own socket, systemd.exec(5). */
static bool
to_journal(void)
{
	const char *want = getenv("JOURNAL_STREAM");
	char is[48];
	struct stat st;

	if (want == NULL || fstat(STDERR_FILENO, &st) != 0)
		return false;
	snprintf(is, sizeof(is), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return str_eq(str_of(want), str_of(is));
}

/* Invisible, or steers the display: C1 controls, line and paragraph
 * separators, direction marks and overrides, the byte order mark. */
static bool
steers(uint32_t cp)
{
	return (cp >= 0x80 && cp < 0xA0) || (cp >= 0x200B && cp <= 0x200F) ||
	    (cp >= 0x2028 && cp <= 0x202E) || (cp >= 0x2060 && cp <= 0x2069) || cp == 0xFEFF;
}

/* Appends `msg` escaped to the n bytes in line; keeps room for the mark and
 * the newline. Returns the new length. */
static size_t
escape(char *line, size_t n, str msg)
{
	for (size_t at = 0, took; at < msg.n; at += took) {
		uint32_t cp;
		char e[LONGEST_ESCAPE + 1];
		const char *src = msg.p + at;
		size_t len;

		took = len = utf8_next(msg, at, &cp);
		if (cp == '\n')
			src = "\\n", len = 2;
		else if (cp == '\r')
			src = "\\r", len = 2;
		else if (cp == '\t')
			src = "\\t", len = 2;
		else if (cp == '\\')
			src = "\\\\", len = 2;
		else if (cp < 0x20 || cp == 0x7F || (took == 1 && cp == 0xFFFD))
			src = e, len = (size_t)snprintf(e, sizeof(e), "\\x%02x", (unsigned)(unsigned char)msg.p[at]);
		else if (steers(cp))
			src = e, len = (size_t)snprintf(e, sizeof(e), "\\u%04x", (unsigned)cp & 0xFFFFu);
		if (len > LINE - CUT_MARK - 1 - n) {
			memcpy(line + n, "...", CUT_MARK);
			return n + CUT_MARK;
		}
		memcpy(line + n, src, len);
		n += len;
	}
	return n;
}

void
log_line(enum log_level lv, const char *module, const char *fmt, ...)
{
	static const char *const names[] = {
		[LOG_LV_ERROR] = "error", [LOG_LV_WARN] = "warn",
		[LOG_LV_INFO] = "info", [LOG_LV_DEBUG] = "debug",
	};
	char msg[LINE + 1], line[LINE];
	const char *name;
	size_t n, done = 0;
	ssize_t w;
	int len, saved = errno;
	va_list ap;

	if ((int)lv > atomic_load(&level))
		return;
	name = (size_t)lv < COUNT(names) && names[lv] != NULL ? names[lv] : "notice";
	if (to_journal())
		len = snprintf(line, LINE / 4, "<%d>%s ", (int)lv, name);
	else
		len = snprintf(line, LINE / 4, "%s ", name);
	n = escape(line, (size_t)len, str_of(module));
	n = escape(line, n, S(" "));
	va_start(ap, fmt);
	len = vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	if (len > 0)
		n = escape(line, n, (str){ msg, (size_t)len < sizeof(msg) ? (size_t)len : sizeof(msg) - 1 });
	line[n++] = '\n';
	/* Once, unless a signal came first; a reader that does not read costs the rest of the line. */
	do
		w = write(STDERR_FILENO, line + done, n - done);
	while (w < 0 && errno == EINTR);
	errno = saved;
}
