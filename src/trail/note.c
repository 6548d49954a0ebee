/* note.c - checkpoints as C2SP signed notes over an RFC 6962 tree.
 *
 * A checkpoint is text (https://c2sp.org/tlog-checkpoint) with a signature
 * (https://c2sp.org/signed-note):
 *
 *     ward/trail/1/0f1e2d3c4b5a6978       the trail: account, random at its birth
 *     1                                   leaves of the tree: lanes
 *     base64                              RFC 6962 root over the lanes' lines below
 *     number 12                           checkpoints are counted from 1
 *     at 1767607200000000
 *     lane 1 12345 base64                 lane, last seq covered, its hash
 *                                         (an empty line)
 *     — ward/trail/1/0f1e2d3c4b5a6978 base64(key hash, 4 bytes || Ed25519, 64 bytes)
 *
 * Signed is all in front of the empty line, with its line end. The key hash is
 * the start of SHA-256(name || 0x0A || 0x01 || public key). A leaf of the tree
 * is a lane's line without its line end. Under the last line of an export
 * stands a note of the same form that cannot be taken for a checkpoint: in
 * place of `number 12` it has `export 4711`, how many events the file has, and
 * behind the lanes `file base64`, the running hash over its lines.
 */
#include "trail/part.h"

#define DASH "\xE2\x80\x94 "

/* ---- the tree -------------------------------------------------------------------------------------- */

void
tree_head(const struct trail_crypto *c, struct arena *a, const str *leaf, size_t count, hash32 out)
{
	unsigned char node[1 + 2 * HASH_BYTES] = { 1 };
	size_t left = 1;

	if (count == 0) {
		c->sha256((str){0}, out);
	} else if (count == 1) {
		char *p = NEW(a, char, leaf->n + 1);    /* 0x00 || leaf */
		if (leaf->n > 0)
			memcpy(p + 1, leaf->p, leaf->n);
		c->sha256((str){ p, leaf->n + 1 }, out);
	} else {
		while (left * 2 < count)
			left *= 2;
		tree_head(c, a, leaf, left, node + 1);
		tree_head(c, a, leaf + left, count - left, node + 1 + HASH_BYTES);
		c->sha256((str){ (char *)node, sizeof(node) }, out);
	}
}

/* ---- signed notes ---------------------------------------------------------------------------------- */

static void
key_hash(const struct trail_crypto *c, struct arena *a, str name, const unsigned char pub[32], hash32 out)
{
	struct buf b;

	buf_init(&b, a, NOTE_MAX);
	buf_add(&b, name);
	buf_add(&b, S("\n\x01"));
	buf_add(&b, (str){ (const char *)pub, 32 });
	c->sha256(buf_str(&b), out);
}

bool
note_verify(const struct trail_crypto *c, struct arena *a, const unsigned char pub[32], str note, str *body, str *name)
{
	unsigned char sig[4 + 64];
	size_t at = str_find(note, S("\n\n" DASH)), space;
	hash32 kh;
	str rest;
	struct cur k;

	if (at == SIZE_MAX || note.n > NOTE_MAX)
		return false;
	rest = str_sub(note, at + 2 + sizeof(DASH) - 1, note.n);
	if ((space = str_find(rest, S(" "))) == SIZE_MAX || space == 0)
		return false;
	k = cur_of(str_sub(rest, space + 1, rest.n));
	if (!cur_bare_b64(&k, sig, sizeof(sig)) || !cur_lit(&k, S("\n")) || !cur_end(&k))
		return false;
	key_hash(c, a, str_sub(rest, 0, space), pub, kh);
	if (memcmp(sig, kh, 4) != 0 || !c->verify(pub, str_sub(note, 0, at + 1), sig + 4))
		return false;
	*body = str_sub(note, 0, at + 1);
	*name = str_sub(rest, 0, space);
	return true;
}

static str
lane_line(struct arena *a, const struct note *n)
{
	struct buf b;

	buf_init(&b, a, NOTE_MAX);
	buf_add(&b, S("lane "));
	buf_int(&b, LANE);
	buf_byte(&b, ' ');
	buf_int(&b, n->seq);
	buf_byte(&b, ' ');
	put_b64(&b, n->hash, HASH_BYTES);
	return buf_str(&b);
}

static str
note_body(const struct trail_crypto *c, struct arena *a, const struct note *n)
{
	str lane = lane_line(a, n);
	struct buf b;
	hash32 root;

	tree_head(c, a, &lane, 1, root);
	buf_init(&b, a, NOTE_MAX);
	buf_add(&b, n->origin);
	buf_add(&b, S("\n1\n"));
	put_b64(&b, root, HASH_BYTES);
	buf_add(&b, n->closing ? S("\nexport ") : S("\nnumber "));
	buf_int(&b, n->number);
	buf_add(&b, S("\nat "));
	buf_int(&b, n->at);
	buf_byte(&b, '\n');
	buf_add(&b, lane);
	buf_byte(&b, '\n');
	if (n->closing) {
		buf_add(&b, S("file "));
		put_b64(&b, n->file, HASH_BYTES);
		buf_byte(&b, '\n');
	}
	return buf_str(&b);
}

str
note_sign(struct ctx *cx, const struct trail_crypto *c, const struct note *n)
{
	unsigned char pub[32], sig[4 + 64];
	str body = note_body(c, cx->arena, n);
	struct buf b;
	hash32 kh;

	c->public_key(cx->sys, pub);
	key_hash(c, cx->arena, n->origin, pub, kh);
	memcpy(sig, kh, 4);
	c->sign(cx->sys, body, sig + 4);
	buf_init(&b, cx->arena, NOTE_MAX);
	buf_add(&b, body);
	buf_add(&b, S("\n" DASH));
	buf_add(&b, n->origin);
	buf_byte(&b, ' ');
	put_b64(&b, sig, sizeof(sig));
	buf_byte(&b, '\n');
	return buf_str(&b);
}

bool
note_open(const struct trail_crypto *c, struct arena *a, const unsigned char pub[32], str text, struct note *out)
{
	struct note n = {0};
	hash32 root;
	str body, name, rest;
	struct cur k;

	if (!note_verify(c, a, pub, text, &body, &name))
		return false;
	rest = body;
	n.origin = str_cut(&rest, '\n');
	k = cur_of(rest);
	if (!cur_lit(&k, S("1\n")) || !cur_bare_b64(&k, root, HASH_BYTES) || !cur_lit(&k, S("\n")))
		return false;
	n.closing = cur_lit(&k, S("export "));
	if ((!n.closing && !cur_lit(&k, S("number "))) || !cur_num(&k, &n.number) ||
	    !cur_lit(&k, S("\nat ")) || !cur_num(&k, &n.at) ||
	    !cur_lit(&k, S("\nlane 1 ")) || !cur_num(&k, &n.seq) ||
	    !cur_lit(&k, S(" ")) || !cur_bare_b64(&k, n.hash, HASH_BYTES) || !cur_lit(&k, S("\n")) ||
	    (n.closing && (!cur_lit(&k, S("file ")) || !cur_bare_b64(&k, n.file, HASH_BYTES) || !cur_lit(&k, S("\n")))) ||
	    !cur_end(&k) || !str_eq(name, n.origin))
		return false;
	/* Covers the root, which was skipped. */
	if (!str_eq(note_body(c, a, &n), body))
		return false;
	*out = n;
	return true;
}
