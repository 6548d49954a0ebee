/* ahead.h - a database is read ahead of who walks through it. */
#ifndef WARD_STORE_AHEAD_H
#define WARD_STORE_AHEAD_H

/* The name for sqlite3_open_v2() of a connection that only reads, or NULL (the
 * default, nothing read ahead) when it cannot be had. After sqlite3_config(). */
const char *ahead_vfs(void);

#endif
