/* attachments.c - /api/v2/uploads and /attachments: by who is signed in, or by a link of some minutes. */
#include "api/in.h"

static enum err
upload_shown(struct ctx *cx, struct http_req *rq, struct http_reply *rp, str token, const struct attachment *f)
{
	const char *base = z_of(cx, api_base(cx, rq));
	struct attachment *all;
	struct json j;
	int n;

	TRY(upload_files(cx, token, &all, &n));
	api_begin(rp, &j, 201);
	jw_obj(&j);
	jw_key(&j, "upload");
	jw_obj(&j);
	jw_kstr(&j, "token", token);
	jw_ktime(&j, "expires_at", cx->now + (usec)3 * 86400 * SECOND);
	jw_key(&j, "attachment");
	json_attachment(&j, cx, base, f);
	jw_key(&j, "attachments");
	jw_arr(&j);
	for (int i = 0; i < n; i++)
		json_attachment(&j, cx, base, &all[i]);
	jw_end_arr(&j);
	jw_end_obj(&j);
	jw_end_obj(&j);
	for (int i = 0; i < n; i++)
		TRY(look_one(cx, "attachment", all[i].id, "file_name"));
	return OK;
}

static enum err
upload_open(struct ctx *cx, struct http_req *rq)
{
	const str *name = http_query(rq, "filename"), *token = http_query(rq, "token");
	str type = http_header(rq, "content-type");
	struct uploading *u;

	TRY(upload_begin(cx, name ? *name : S(""), type.n ? type : S("application/octet-stream"), token ? *token : S(""), &u));
	rq->own = u;
	rq->piece = upload_piece(u);
	return OK;
}

static bool
is_name(str s)
{
	return utf8_valid(s) && memchr(s.p, 0, s.n) == NULL && s.n <= 500;
}

/* As forms send it (Zendesk's Ruby client does): the file is the part uploaded_data, else the first that is a file. What
 * the query does not say, parts of the same name may. The envelope must be whole before its file is known. */
static enum err
upload_form(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const str *asked = http_query(rq, "filename"), *more = http_query(rq, "token");
	str name = asked ? *asked : S(""), token = more ? *more : S(""), given;
	const struct http_part *file = NULL;
	struct http_part *part;
	struct uploading *u;
	struct attachment f;
	enum err e;
	int n;

	e = http_form(cx, rq, &part, &n);
	if (e == E_INVALID) {
		fail_forget(cx);
		return api_error(rp, 400, "InvalidForm", "The body must be whole multipart/form-data, with the file in its part uploaded_data");
	}
	TRY(e);
	for (int i = 0; i < n; i++)
		if (str_eq(part[i].name, S("uploaded_data")) || (part[i].file_name.n && file == NULL))
			file = &part[i];
		else if (str_eq(part[i].name, S("filename")) && asked == NULL)
			name = part[i].bytes;
		else if (str_eq(part[i].name, S("token")) && more == NULL)
			token = part[i].bytes;
	if (file == NULL)
		return api_error(rp, 400, "ParameterMissing", "Parameter uploaded_data is required: a file in the form");
	if (name.n == 0)
		name = file->file_name;
	if (!is_name(name)) {
		bad(cx, "filename", "InvalidValue", "Filename: must be UTF-8 and at most 500 bytes");
		return bad_check(cx);
	}
	TRY(upload_begin(cx, name, file->type.n ? file->type : S("application/octet-stream"), token, &u));
	e = upload_done(cx, u, file->bytes, &given, &f);
	if (e != OK)
		upload_drop(cx, u);
	return e == OK ? upload_shown(cx, rq, rp, given, &f) : e;
}

/* Sealed and written as it comes: see enum http_stage. */
static enum err
upload(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct uploading *u = rq->own;
	struct attachment f;
	enum err e = OK;
	str given;

	if (rq->stage == HTTP_WHOLE)
		return upload_form(cx, rq, rp);
	if (rq->stage == HTTP_OPEN)
		return upload_open(cx, rq);
	if (rq->stage == HTTP_PIECE) {
		e = upload_write(cx, u, rq->body);
		rq->piece = upload_piece(u);
	} else if (rq->stage == HTTP_LAST)
		e = upload_done(cx, u, rq->body, &given, &f);
	if (rq->stage == HTTP_LOST || e != OK)
		upload_drop(cx, u);
	return e == OK && rq->stage == HTTP_LAST ? upload_shown(cx, rq, rp, given, &f) : e;
}

static enum err
upload_remove(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	TRY(upload_delete(cx, rq->word[0]));
	api_empty(rp, 204);
	return OK;
}

static enum err
show_one(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, const struct attachment *f)
{
	struct json j;

	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "attachment");
	json_attachment(&j, cx, z_of(cx, api_base(cx, rq)), f);
	jw_end_obj(&j);
	return look_one(cx, "attachment", f->id, "file_name");
}

static enum err
show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct attachment f;

	TRY(attachment_get(cx, rq->param[0], &f));
	return show_one(cx, rq, rp, &f);
}

/* What the bytes say they are; only these are shown in place, and only when they are. */
static const char *
image_type(str b)
{
	if (str_starts(b, S("\x89PNG\r\n\x1a\n")))
		return "image/png";
	if (b.n > 3 && (unsigned char)b.p[0] == 0xFF && (unsigned char)b.p[1] == 0xD8 && (unsigned char)b.p[2] == 0xFF)
		return "image/jpeg";
	if (str_starts(b, S("GIF87a")) || str_starts(b, S("GIF89a")))
		return "image/gif";
	if (str_starts(b, S("RIFF")) && str_eq(str_sub(b, 8, 4), S("WEBP")))
		return "image/webp";
	return NULL;
}

struct sending { struct ctx cx; struct attachment f; int64_t from; };

/* Any time after the request was answered. */
static bool
send_more(void *arg, uint64_t at, char *to, size_t n)
{
	const struct sending *s = arg;
	struct ctx cx = s->cx;
	enum err e;

	cx.arena = arena_new();
	cx.now = time_now();
	e = attachment_read(&cx, &s->f, s->from + (int64_t)at, to, n);
	if (e != OK)
		log_line(LOG_LV_WARN, "api", "request=" STR_F " is cut: %s", STR_A(cx.request_id), cx.fail.why ? cx.fail.why : err_name(e));
	ctx_done(&cx);
	return e == OK;
}

enum range { WHOLE, PART, NO_SUCH_PART };

/* One range of bytes (RFC 9110, 14.1.2); what is none, or asks for several, is not heeded. */
static enum range
range_of(str head, int64_t size, int64_t *from, int64_t *n)
{
	str first, last = head;
	int64_t a = 0, b = size - 1;

	if (!str_starts(head, S("bytes=")) || memchr(head.p, ',', head.n) != NULL)
		return WHOLE;
	last = str_sub(head, 6, head.n);
	first = str_trim(str_cut(&last, '-'));
	last = str_trim(last);
	if ((first.n == 0 && last.n == 0) || (first.n && (!str_int(first, &a) || a < 0)) || (last.n && (!str_int(last, &b) || b < 0))
	    || (first.n && last.n && b < a))
		return WHOLE;
	if (first.n == 0) {                          /* the last so many */
		a = b < size ? size - b : 0;
		b = b > 0 ? size - 1 : -1;
	}
	if (b >= size)
		b = size - 1;
	if (a >= size || b < a)
		return NO_SUCH_PART;
	*from = a;
	*n = b - a + 1;
	return PART;
}

/* The file's ETag is strong and new with each change of it, which gives it another key. */
static bool
conditional(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, const struct attachment *f, int64_t *from, int64_t *n)
{
	str tag = str_printf(cx->arena, "\"%lld-%lld\"", (long long)f->id, (long long)f->key);
	str none = http_header(rq, "if-none-match"), if_range = http_header(rq, "if-range");
	enum range r = if_range.n && !str_eq(if_range, tag) ? WHOLE : range_of(http_header(rq, "range"), f->size, from, n);

	http_head(rp, "ETag", tag);
	http_head(rp, "Accept-Ranges", S("bytes"));
	if (none.n && (str_find(none, tag) != SIZE_MAX || str_eq(str_trim(none), S("*")))) {
		api_empty(rp, 304);
		return true;
	}
	if (r == NO_SUCH_PART) {
		http_head(rp, "Content-Range", str_printf(cx->arena, "bytes */%lld", (long long)f->size));
		(void)!api_error(rp, 416, "RangeNotSatisfiable", "The file is shorter than that");
		return true;
	}
	if (r == PART) {
		rp->status = 206;
		http_head(rp, "Content-Range", str_printf(cx->arena, "bytes %lld-%lld/%lld", (long long)*from, (long long)(*from + *n - 1),
		    (long long)f->size));
	}
	return false;
}

enum err
attachment_reply(struct ctx *cx, const struct http_req *rq, struct http_reply *rp, const struct attachment *f)
{
	str name = reveal(cx, f->file_name, TO_SHOW_ACTOR);
	struct sending *s = NEW(cx->arena, struct sending, 1);
	size_t some = f->size < 16 ? (size_t)f->size : 16;
	const char *image = NULL;
	int64_t n = f->size;
	char begin[16];
	struct buf b;

	rp->status = 200;
	*s = (struct sending){ .f = *f };
	if (conditional(cx, rq, rp, f, &s->from, &n))
		return look_one(cx, "attachment", f->id, "content");
	if (f->is_inline) {
		TRY(attachment_read(cx, f, 0, begin, some));
		image = image_type((str){ begin, some });
	}
	buf_init(&b, cx->arena, 8 * KiB);
	buf_add(&b, image ? S("inline; filename=\"image\"; filename*=UTF-8''") : S("attachment; filename=\"download\"; filename*=UTF-8''"));
	buf_percent(&b, name);                       /* RFC 6266, RFC 8187 */
	rp->type = image ? image : "application/octet-stream";
	http_head(rp, "Content-Disposition", buf_str(&b));
	http_head(rp, "Content-Security-Policy", S("default-src 'none'; sandbox"));
	TRY(look_one(cx, "attachment", f->id, "content"));
	s->cx = *cx;
	s->cx.reader = NULL;
	s->cx.address = s->cx.client = S("");        /* of the head, which is gone by then */
	rp->more = send_more;
	rp->more_arg = s;
	rp->size = (uint64_t)n;
	return OK;
}

/* As a download, never as something the browser runs: the type is what a
 * stranger said. An inline image is shown as one when its bytes are one. By
 * the session or token, or by the link that the attachment's JSON had. */
static enum err
content(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const str *link = http_query(rq, "link");
	struct attachment f;

	if (cx->actor == NULL || cx->actor->user_id == 0) {
		if (link == NULL)
			return fail(cx, E_WHO, NULL, "Couldn't authenticate you");
		TRY(link_enter(cx, "attachment", rq->param[0], *link));
	}
	TRY(attachment_open(cx, rq->param[0], &f));
	return attachment_reply(cx, rq, rp, &f);
}

/* An upload of one's own that no comment has claimed goes whole; one that stands in a comment is redacted there. */
static enum err
destroy(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct attachment f;

	TRY(attachment_get(cx, rq->param[0], &f));
	if (f.comment_id != 0) {
		TRY(gate_may(cx, MAY_REDACT, NULL));
		TRY(attachment_redact(cx, f.ticket_id, f.comment_id, f.id, &f));
	} else
		TRY(upload_forget(cx, f.id));
	api_empty(rp, 204);
	return OK;
}

static enum err
update(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct attachment f;
	const json_t *obj, *v;

	TRY(api_body(cx, rq, rp, "attachment", &obj));
	if (obj == NULL)
		return OK;
	TRY(attachment_get(cx, rq->param[0], &f));
	v = json_object_get(obj, "malware_access_override");
	if (v != NULL && !json_is_boolean(v))
		bad(cx, "malware_access_override", "InvalidValue", "Malware access override: must be true or false");
	TRY(bad_check(cx));
	if (v != NULL)
		TRY(attachment_override(cx, f.id, json_is_true(v), &f));
	return show_one(cx, rq, rp, &f);
}

const struct route attachment_routes[] = {
	{ POST,   "/api/v2/uploads",                  MAY_SIGNED_IN, 50 * MiB, upload,        ROUTE_PIECES },
	{ DELETE, "/api/v2/uploads/{word}",           MAY_SIGNED_IN, 0,        upload_remove, 0 },
	{ GET,    "/api/v2/attachments/{id}",         MAY_SIGNED_IN, 0,        show,          0 },
	{ PUT,    "/api/v2/attachments/{id}",         MAY_ADMIN,     16 * KiB, update,        0 },
	{ DELETE, "/api/v2/attachments/{id}",         MAY_SIGNED_IN, 0,        destroy,       0 },
	{ GET,    "/api/v2/attachments/{id}/content", MAY_ANYONE,    0,        content,       ROUTE_ANONYMOUS_OK },
	{ 0 }
};
