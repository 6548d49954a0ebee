/* form.c - a body of type multipart/form-data (RFC 7578), cut into its parts by libmicrohttpd's own processor. */
#include "http/wire.h"

#define PARTS_MAX 512

struct form { struct arena *a; struct http_part *part; struct buf *bytes; int count; size_t body, left; bool bad; };

/* The processor gives a part in pieces; a new one begins at offset 0. */
static enum MHD_Result
piece(void *arg, enum MHD_ValueKind kind UNUSED, const char *key, const char *file_name, const char *type, const char *coding UNUSED,
    const char *data, uint64_t off, size_t size)
{
	struct form *f = arg;

	if (off == 0) {
		if (f->count == PARTS_MAX) {
			f->bad = true;
			return MHD_NO;
		}
		f->part[f->count] = (struct http_part){ .name = str_dup(f->a, str_of(key ? key : "")),
		    .file_name = str_dup(f->a, str_of(file_name ? file_name : "")), .type = str_dup(f->a, str_of(type ? type : "")) };
		buf_init(&f->bytes[f->count++], f->a, f->body);
	}
	if (f->count > 0 && size > 0) {
		struct buf *b = &f->bytes[f->count - 1];
		if (off > 0)
			buf_expect(b, f->left);  /* more than one piece: room for all that may come, instead of doubling */
		buf_add(b, (str){ data, size });
		f->left -= size;
	}
	return MHD_YES;
}

enum err
http_form(struct ctx *cx, const struct http_req *rq, struct http_part **out, int *count)
{
	static const str multipart = { "multipart/form-data", 19 };
	struct form f = { .a = cx->arena, .body = rq->body.n, .left = rq->body.n,
	    .part = NEW(cx->arena, struct http_part, PARTS_MAX), .bytes = NEW(cx->arena, struct buf, PARTS_MAX) };
	const struct call *w = rq->wire;
	struct MHD_PostProcessor *pp;
	bool whole;

	/* A key of a form that is not multipart may come without an end; those are not taken here. */
	if (w == NULL || !str_eqi(str_sub(http_header(rq, "content-type"), 0, multipart.n), multipart)
	    || (pp = MHD_create_post_processor(w->mc, 64 * KiB, piece, &f)) == NULL)
		return fail(cx, E_INVALID, "body", "is not multipart/form-data");
	whole = MHD_post_process(pp, rq->body.p, rq->body.n) == MHD_YES;
	whole = MHD_destroy_post_processor(pp) == MHD_YES && whole;
	if (!whole || f.bad)
		return fail(cx, E_INVALID, "body", "is a form that is cut short, or has more than 512 parts");
	for (int i = 0; i < f.count; i++) {
		if (f.bytes[i].over)
			return fail(cx, E_LIMIT, "body", "a part is too large");
		f.part[i].bytes = buf_str(&f.bytes[i]);
	}
	*out = f.part;
	*count = f.count;
	return OK;
}
