/* rows.h - a test program whose cases are rows of a table.
 *
 * Each row becomes a test of its own, named by its first column, the sentence
 * `why`; the test function gets the row's index with ROW. cmocka wants its
 * includes in this order.
 */
#ifndef TESTS_ROWS_H
#define TESTS_ROWS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#undef fail                   /* base.h has its own; cmocka's is fail_msg() */

#define ROW(state) ((size_t)(uintptr_t)*(state))

/* Adds one test per row of `table` to the array t at *n. */
#define ADD_ROWS(t, n, table, fn) \
	for (size_t i_ = 0; i_ < sizeof(table) / sizeof((table)[0]); i_++) \
		(t)[(n)++] = (struct CMUnitTest){ .name = (table)[i_].why, .test_func = (fn), \
		    .initial_state = (void *)(uintptr_t)i_ }

#define ADD(t, n, fn) (t)[(n)++] = (struct CMUnitTest){ .name = #fn, .test_func = (fn) }

#define RUN_ROWS(name, t, n) \
	_cmocka_run_group_tests(name, t, n, NULL, NULL)

#endif
