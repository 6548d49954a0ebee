/* ctx.c - the context of one piece of work, and how failures travel in it. */
#include "base/base.h"

void (*ctx_release_reader)(struct ctx *cx);
str (*reveal_masked)(struct ctx *cx, sensitive s);

const char *
err_name(enum err e)
{
	static const char *const names[] = {
		[OK] = "OK", [E_INVALID] = "E_INVALID", [E_WHO] = "E_WHO", [E_DENIED] = "E_DENIED",
		[E_ABSENT] = "E_ABSENT", [E_CONFLICT] = "E_CONFLICT", [E_LIMIT] = "E_LIMIT",
		[E_BUSY] = "E_BUSY", [E_FAULT] = "E_FAULT",
	};

	return (size_t)e < COUNT(names) ? names[e] : "E_UNKNOWN";
}

str
reveal(struct ctx *cx, sensitive s, enum reason why)
{
	cx->revealed |= 1u << why;
	if (why == TO_SHOW_ACTOR && !actor_sees_phi(cx->actor) && s.hidden.n > 0)
		return reveal_masked != NULL ? reveal_masked(cx, s) : S("[hidden]");
	return s.hidden;
}

str
reveal_clear(struct ctx *cx, sensitive s)
{
	cx->revealed |= 1u << TO_SHOW_ACTOR;
	return s.hidden;
}

void
ctx_init(struct ctx *cx, struct sys *sys, int64_t account)
{
	*cx = (struct ctx){ .arena = arena_new(), .sys = sys, .account = account, .now = time_now() };
	cx->bad_end = &cx->bad;
}

/* The connection goes first: its statements may still point into the arena. */
void
ctx_done(struct ctx *cx)
{
	if (cx == NULL)
		return;
	if (cx->reader != NULL && ctx_release_reader != NULL)
		ctx_release_reader(cx);
	cx->reader = NULL;
	arena_free(&cx->arena);
	wipe(cx, sizeof(*cx));
}

enum err
fail(struct ctx *cx, enum err code, const char *field, const char *why)
{
	if (cx->fail.code == OK) {
		cx->fail.code = code;
		cx->fail.field = field;
		cx->fail.why = why;
	}
	return code;
}

void
bad(struct ctx *cx, const char *field, const char *error, const char *why)
{
	struct bad_field *b = NEW(cx->arena, struct bad_field, 1);

	*b = (struct bad_field){ NULL, field, error, why };
	if (cx->bad_end == NULL)       /* a context that was filled by hand */
		cx->bad_end = &cx->bad;
	*cx->bad_end = b;
	cx->bad_end = &b->next;
}

enum err
bad_check(struct ctx *cx)
{
	return cx->bad == NULL ? OK : fail(cx, E_INVALID, cx->bad->field, cx->bad->why);
}

void
fail_forget(struct ctx *cx)
{
	cx->fail.code = OK;
	cx->fail.field = cx->fail.why = NULL;
}

void
fail_clear(struct ctx *cx)
{
	fail_forget(cx);
	cx->bad = NULL;
	cx->bad_end = &cx->bad;
}
