/* web.c - the page of web/, as it was built and embedded (tools/embed-web). */
#include "cli/cli.h"

/* In a generated assembler file; ends with a row whose path is NULL. */
extern const struct web_file {
	const char *path, *type;
	const char *text; size_t n;          /* as it is */
	const char *gz;   size_t gz_n;       /* the same, compressed */
} web_files[];

/* Where the page itself reads the address. */
static const char *const places[] = { "/agent", "/requests", "/admin", "/reports" };

static bool
is_place(str path)
{
	for (size_t i = 0; i < COUNT(places); i++) {
		str p = str_of(places[i]);
		if (str_starts(path, p) && (path.n == p.n || path.p[p.n] == '/'))
			return true;
	}
	return str_eq(path, S("/"));
}

/* Empty style elements may be made (the hash is of nothing): what stands in
 * them is put there rule by rule, which is not inline text. */
#define POLICY "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' blob:; base-uri 'none'; form-action 'none';" \
	" style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='; frame-ancestors 'none';" \
	" require-trusted-types-for 'script'; trusted-types dompurify"

bool
web_page(struct ctx *cx, struct http_req *rq, struct http_reply *rp)
{
	str path = is_place(rq->path) ? S("/index.html") : rq->path;

	(void)cx;
	if (rq->method != GET && rq->method != HEAD)
		return false;
	for (const struct web_file *f = web_files; f->path != NULL; f++)
		if (str_eq(path, str_of(f->path))) {
			rp->status = 200;
			rp->type = f->type;
			buf_add(&rp->body, (str){ f->text, f->n });
			rp->gz = (str){ f->gz, f->gz_n };
			http_head(rp, "Content-Security-Policy", S(POLICY));
			/* Names of assets carry a hash of their content. */
			http_head(rp, "Cache-Control", str_starts(path, S("/assets/")) ? S("public, max-age=31536000, immutable") : S("no-cache"));
			return true;
		}
	return false;
}
