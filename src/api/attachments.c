/* attachments.c - /api/v2/uploads and /attachments: always signed in, never by a capability URL. */
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
show(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct attachment f;
	struct json j;

	TRY(attachment_get(cx, rq->param[0], &f));
	api_begin(rp, &j, 200);
	jw_obj(&j);
	jw_key(&j, "attachment");
	json_attachment(&j, cx, z_of(cx, api_base(cx, rq)), &f);
	jw_end_obj(&j);
	return look_one(cx, "attachment", f.id, "file_name");
}

/* Always as a download, never as something the browser runs: the type is what
 * a stranger said. */
static enum err
content(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	struct attachment f;
	struct buf b;
	str bytes, name;

	TRY(attachment_get(cx, rq->param[0], &f));
	TRY(attachment_bytes(cx, rq->param[0], &bytes));
	name = reveal(cx, f.file_name, TO_SHOW_ACTOR);
	buf_init(&b, cx->arena, 8 * KiB);
	buf_add(&b, S("attachment; filename=\"download\"; filename*=UTF-8''"));
	buf_percent(&b, name);                       /* RFC 6266, RFC 8187 */
	rp->status = 200;
	rp->type = "application/octet-stream";
	buf_add(&rp->body, bytes);
	http_head(rp, "Content-Disposition", buf_str(&b));
	http_head(rp, "Content-Security-Policy", S("default-src 'none'; sandbox"));
	return look_one(cx, "attachment", f.id, "content");
}

const struct route attachment_routes[] = {
	{ POST,   "/api/v2/uploads",                  MAY_SIGNED_IN, 50 * MiB, upload,        0 },
	{ DELETE, "/api/v2/uploads/{word}",           MAY_SIGNED_IN, 0,        upload_remove, 0 },
	{ GET,    "/api/v2/attachments/{id}",         MAY_SIGNED_IN, 0,        show,          0 },
	{ GET,    "/api/v2/attachments/{id}/content", MAY_SIGNED_IN, 0,        content,       0 },
	{ 0 }
};
