/* tape.h - SQLite's WAL with writes that lie behind one another gathered. */
#ifndef WARD_STORE_TAPE_H
#define WARD_STORE_TAPE_H

/* The name for sqlite3_open_v2() of a connection that writes, or NULL (the
 * default, nothing gathered) when it cannot be had. After sqlite3_config(). */
const char *tape_vfs(void);

#endif
