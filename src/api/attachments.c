/* attachments.c - /api/v2/uploads and /attachments: by who is signed in, or by a link of some minutes. */
#include "api/in.h"

static enum err
upload(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const str *name = http_query(rq, "filename"), *token = http_query(rq, "token");
	const char *base = z_of(cx, api_base(cx, rq));
	str type = http_header(rq, "content-type"), given;
	struct attachment f;
	struct json j;

	if (type.n == 0)
		type = S("application/octet-stream");
	TRY(upload_create(cx, name ? *name : S(""), type, rq->body, token ? *token : S(""), &given, &f));
	api_begin(rp, &j, 201);
	jw_obj(&j);
	jw_key(&j, "upload");
	jw_obj(&j);
	jw_kstr(&j, "token", given);
	jw_ktime(&j, "expires_at", cx->now + (usec)3 * 86400 * SECOND);
	jw_key(&j, "attachment");
	json_attachment(&j, cx, base, &f);
	jw_key(&j, "attachments");
	jw_arr(&j);
	json_attachment(&j, cx, base, &f);
	jw_end_arr(&j);
	jw_end_obj(&j);
	jw_end_obj(&j);
	return look_one(cx, "attachment", f.id, "file_name");
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

enum err
attachment_reply(struct ctx *cx, struct http_reply *rp, const struct attachment *f, str bytes)
{
	str name = reveal(cx, f->file_name, TO_SHOW_ACTOR);
	const char *image = f->is_inline ? image_type(bytes) : NULL;
	struct buf b;

	buf_init(&b, cx->arena, 8 * KiB);
	buf_add(&b, image ? S("inline; filename=\"image\"; filename*=UTF-8''") : S("attachment; filename=\"download\"; filename*=UTF-8''"));
	buf_percent(&b, name);                       /* RFC 6266, RFC 8187 */
	rp->status = 200;
	rp->type = image ? image : "application/octet-stream";
	rp->body.p = (char *)(uintptr_t)bytes.p;     /* the request's arena has them: no second copy */
	rp->body.n = rp->body.cap = bytes.n;
	http_head(rp, "Content-Disposition", buf_str(&b));
	http_head(rp, "Content-Security-Policy", S("default-src 'none'; sandbox"));
	return look_one(cx, "attachment", f->id, "content");
}

/* As a download, never as something the browser runs: the type is what a
 * stranger said. An inline image is shown as one when its bytes are one. By
 * the session or token, or by the link that the attachment's JSON had. */
static enum err
content(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	const str *link = http_query(rq, "link");
	struct attachment f;
	str bytes;

	if (cx->actor == NULL || cx->actor->user_id == 0) {
		if (link == NULL)
			return fail(cx, E_WHO, NULL, "Couldn't authenticate you");
		TRY(link_enter(cx, "attachment", rq->param[0], *link));
	}
	TRY(attachment_get(cx, rq->param[0], &f));
	TRY(attachment_bytes(cx, rq->param[0], &bytes));
	return attachment_reply(cx, rp, &f, bytes);
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
	{ POST,   "/api/v2/uploads",                  MAY_SIGNED_IN, 50 * MiB, upload,        0 },
	{ DELETE, "/api/v2/uploads/{word}",           MAY_SIGNED_IN, 0,        upload_remove, 0 },
	{ GET,    "/api/v2/attachments/{id}",         MAY_SIGNED_IN, 0,        show,          0 },
	{ PUT,    "/api/v2/attachments/{id}",         MAY_ADMIN,     16 * KiB, update,        0 },
	{ DELETE, "/api/v2/attachments/{id}",         MAY_SIGNED_IN, 0,        destroy,       0 },
	{ GET,    "/api/v2/attachments/{id}/content", MAY_ANYONE,    0,        content,       ROUTE_ANONYMOUS_OK },
	{ 0 }
};
