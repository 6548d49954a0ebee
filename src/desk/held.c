/* held.c - changes that wait for a person: what the PHI policy holds.
 *
 * A held mail waits with its message (inbound.c). A change that came through
 * the API waits here: packed, sealed in a suspended ticket's doc, and carried
 * out as its author when it is recovered, past the policy's "hold" but past
 * nothing else. Uploads stay claimed by nobody until then, for half a year.
 */
#include "desk/in.h"

#define FILES_HELD_FOR ((usec)183 * 86400 * SECOND)

enum { H_NUMBERS = 1, H_SUBJECT, H_EXTERNAL, H_RECIPIENT, H_REQUESTER_NAME, H_REQUESTER_EMAIL, H_ASSIGNEE_EMAIL, H_TAG,
       H_CUSTOM, H_CC, H_FOLLOWER, H_BODY, H_HTML, H_TOKEN, H_METADATA, H_CHANNEL, H_VIA, H_DROP_TAG };
enum { C_NAME = 1, C_EMAIL, C_ID, C_REMOVE, C_VALUE, C_ALL };

static const struct stmt insert_held = {
	.name = "suspended_ticket.hold",
	.sql  = "INSERT INTO suspended_ticket (account_id, id, key_id, raw_id, ticket_id, cause_id, created_at, updated_at, doc)"
	        " VALUES ($1, $2, $3, 0, $4, $5, $6, $7, $8)",
	.in   = "iiii?iiiS", .seal_in = { { "suspended_ticket", "doc", 1 } },
};

const struct stmt *const held_stmts[] = { &insert_held, NULL };

/* In this order, for ever; new ones at the end. */
#define NUMBERS(X) \
	X(has) X(status) X(priority) X(type) X(requester_id) X(submitter_id) X(assignee_id) X(group_id) X(organization_id) \
	X(problem_id) X(brand_id) X(form_id) X(followup_source_id) X(due_at) X(safe_stamp) X(author_id) X(comment_public) \
	X(comment_public_set) X(created_at) X(as_request) X(custom_status_id)

struct held { struct ticket_change ch; int64_t ticket_id, actor_id; };

static void
pack_people(struct ctx *cx, struct buf *b, uint8_t tag, const struct cc_change *c, int n)
{
	for (int i = 0; i < n; i++) {
		struct buf one;
		buf_init(&one, cx->arena, 4 * KiB);
		pack_put(&one, C_NAME, reveal(cx, c[i].name, TO_STORE));
		pack_put(&one, C_EMAIL, reveal(cx, c[i].email, TO_STORE));
		pack_int(&one, C_ID, c[i].user_id);
		pack_int(&one, C_REMOVE, c[i].remove);
		pack_int(&one, C_ALL, c[i].all);
		pack_put(b, tag, buf_str(&one));
	}
}

static str
pack(struct ctx *cx, const struct ticket_change *ch, int64_t ticket_id)
{
	struct buf b, one;

	buf_init(&b, cx->arena, DOC_MAX);
	buf_init(&one, cx->arena, 1 * KiB);
#define PUT(m) put_varint(&one, (uint64_t)ch->m);
	NUMBERS(PUT)
	put_varint(&one, (uint64_t)ticket_id);
	put_varint(&one, (uint64_t)(cx->actor != NULL ? cx->actor->user_id : 0));
	pack_put(&b, H_NUMBERS, buf_str(&one));
	pack_put(&b, H_SUBJECT, reveal(cx, ch->subject, TO_STORE));
	pack_put(&b, H_EXTERNAL, reveal(cx, ch->external_id, TO_STORE));
	pack_put(&b, H_RECIPIENT, reveal(cx, ch->recipient, TO_STORE));
	pack_put(&b, H_REQUESTER_NAME, reveal(cx, ch->requester_name, TO_STORE));
	pack_put(&b, H_REQUESTER_EMAIL, reveal(cx, ch->requester_email, TO_STORE));
	pack_put(&b, H_ASSIGNEE_EMAIL, reveal(cx, ch->assignee_email, TO_STORE));
	for (int i = 0; i < ch->tag_count; i++)
		pack_put(&b, H_TAG, reveal(cx, ch->tag[i], TO_STORE));
	for (int i = 0; i < ch->drop_count; i++)
		pack_put(&b, H_DROP_TAG, reveal(cx, ch->drop_tag[i], TO_STORE));
	for (int i = 0; i < ch->custom_count; i++) {
		buf_init(&one, cx->arena, 1 * MiB);
		pack_int(&one, C_ID, ch->custom[i].id);
		pack_put(&one, C_VALUE, ch->custom[i].value_json);
		pack_put(&b, H_CUSTOM, buf_str(&one));
	}
	pack_people(cx, &b, H_CC, ch->cc, ch->cc_count);
	pack_people(cx, &b, H_FOLLOWER, ch->follower, ch->follower_count);
	pack_put(&b, H_BODY, reveal(cx, ch->body, TO_STORE));
	pack_put(&b, H_HTML, reveal(cx, ch->html, TO_STORE));
	for (int i = 0; i < ch->token_count; i++)
		pack_put(&b, H_TOKEN, ch->upload_token[i]);
	pack_put(&b, H_METADATA, ch->metadata_json);
	pack_put(&b, H_CHANNEL, str_of(ch->channel));
	pack_put(&b, H_VIA, ch->via_source_json);
	return buf_str(&b);
}

static void
unpack_person(str v, struct cc_change *c)
{
	uint8_t tag;
	str w;

	while (pack_next(&v, &tag, &w))
		switch (tag) {
		case C_NAME:   c->name = HIDE(w); break;
		case C_EMAIL:  c->email = HIDE(w); break;
		case C_ID:     c->user_id = pack_get_int(w); break;
		case C_REMOVE: c->remove = pack_get_int(w) != 0; break;
		case C_ALL:    c->all = pack_get_int(w) != 0; break;
		default: break;
		}
}

static void
unpack(struct ctx *cx, str packed, struct held *h)
{
	struct ticket_change *ch = &h->ch;
	str rest, v, w;
	uint8_t tag, t2;
	uint64_t n;
	int count[H_DROP_TAG + 1] = { 0 };

	for (rest = packed; pack_next(&rest, &tag, &v);)
		if (tag <= H_DROP_TAG)
			count[tag]++;
	ch->tag = NEW(cx->arena, sensitive, count[H_TAG] + 1);
	ch->drop_tag = NEW(cx->arena, sensitive, count[H_DROP_TAG] + 1);
	ch->custom = arena_alloc(cx->arena, sizeof *ch->custom, (size_t)count[H_CUSTOM] + 1, 16);
	ch->cc = NEW(cx->arena, struct cc_change, count[H_CC] + 1);
	ch->follower = NEW(cx->arena, struct cc_change, count[H_FOLLOWER] + 1);
	ch->upload_token = NEW(cx->arena, str, count[H_TOKEN] + 1);
	for (rest = packed; pack_next(&rest, &tag, &v);)
		switch (tag) {
		case H_NUMBERS:
#define GET(m) if (get_varint(&v, &n)) ch->m = (__typeof__(ch->m))n;
			NUMBERS(GET)
			if (get_varint(&v, &n))
				h->ticket_id = (int64_t)n;
			if (get_varint(&v, &n))
				h->actor_id = (int64_t)n;
			break;
		case H_SUBJECT:         ch->subject = HIDE(v); break;
		case H_EXTERNAL:        ch->external_id = HIDE(v); break;
		case H_RECIPIENT:       ch->recipient = HIDE(v); break;
		case H_REQUESTER_NAME:  ch->requester_name = HIDE(v); break;
		case H_REQUESTER_EMAIL: ch->requester_email = HIDE(v); break;
		case H_ASSIGNEE_EMAIL:  ch->assignee_email = HIDE(v); break;
		case H_TAG:             ch->tag[ch->tag_count++] = HIDE(v); break;
		case H_DROP_TAG:        ch->drop_tag[ch->drop_count++] = HIDE(v); break;
		case H_CUSTOM:
			while (pack_next(&v, &t2, &w))
				if (t2 == C_ID)
					ch->custom[ch->custom_count].id = pack_get_int(w);
				else if (t2 == C_VALUE)
					ch->custom[ch->custom_count].value_json = w;
			ch->custom_count++;
			break;
		case H_CC:              unpack_person(v, &ch->cc[ch->cc_count++]); break;
		case H_FOLLOWER:        unpack_person(v, &ch->follower[ch->follower_count++]); break;
		case H_BODY:            ch->body = HIDE(v); break;
		case H_HTML:            ch->html = HIDE(v); break;
		case H_TOKEN:           ch->upload_token[ch->token_count++] = v; break;
		case H_METADATA:        ch->metadata_json = v; break;
		case H_CHANNEL:         ch->channel = v.n ? str_z(cx->arena, v) : NULL; break;
		case H_VIA:             ch->via_source_json = v; break;
		default: break;
		}
}

struct holding { const struct ticket_change *ch; int64_t ticket_id, id; const struct verdict *v; };

static enum err
hold_tx(struct ctx *cx, void *arg)
{
	struct holding *h = arg;
	struct trail_field f;
	struct user u;
	struct buf b;
	int64_t key;

	TRY(store_next_id(cx, "suspended_ticket", &h->id));
	TRY(store_key_new(cx, &key));
	buf_init(&b, cx->arena, DOC_MAX);
	if (cx->actor != NULL && cx->actor->user_id != 0) {
		TRY(user_load(cx, cx->actor->user_id, &u));
		pack_put(&b, SDOC_NAME, reveal(cx, u.name, TO_STORE));
		pack_put(&b, SDOC_ADDRESS, reveal(cx, u.email, TO_STORE));
	} else {
		pack_put(&b, SDOC_NAME, reveal(cx, h->ch->requester_name, TO_STORE));
		pack_put(&b, SDOC_ADDRESS, reveal(cx, h->ch->requester_email, TO_STORE));
	}
	pack_put(&b, SDOC_SUBJECT, reveal(cx, h->ch->subject, TO_STORE));
	pack_put(&b, SDOC_CONTENT, reveal(cx, h->ch->body, TO_STORE));
	pack_put(&b, SDOC_CHANGE, pack(cx, h->ch, h->ticket_id));
	for (int i = 0; i < h->ch->token_count; i++)
		TRY(attachments_extend(cx, h->ch->upload_token[i], cx->now + FILES_HELD_FOR));
	/* Sent from the screen: the draft waits here now, its files with it. */
	if (cx->actor != NULL && cx->actor->session_id != 0)
		TRY(draft_end(cx, h->ticket_id, false));
	TRY(store_exec(cx, &insert_held, ARGS(INT(cx->account), INT(h->id), INT(key), ID(h->ticket_id), INT(CAUSE_HELD),
	    INT(cx->now), INT(cx->now), SEALED(key, HIDE(buf_str(&b)))), NULL));
	TRY(desk_counter_add(cx, "suspended", 1));
	f = (struct trail_field){ .name = "phi_policy", .after = HIDE(h->v->note), .has_after = true };
	return trail_append(cx, &(struct event){ .action = "suspended_ticket.create", .object = "suspended_ticket", .id = h->id,
	    .parent = h->ticket_id, .key = key, .field = &f, .count = 1, .cause = CAUSE_HELD_WORDS });
}

enum err
held_keep(struct ctx *cx, const struct ticket_change *ch, int64_t ticket_id, const struct verdict *v)
{
	struct holding h = { .ch = ch, .ticket_id = ticket_id, .v = v };

	TRY(store_write(cx, hold_tx, &h));
	cx->held = h.id;
	return fail(cx, E_INVALID, POLICY_HELD, CAUSE_HELD_WORDS);
}

enum err
held_discard(struct ctx *cx, str change)
{
	struct held h = { .ticket_id = 0 };

	unpack(cx, change, &h);
	for (int i = 0; i < h.ch.token_count; i++)
		TRY(attachments_discard(cx, h.ch.upload_token[i]));
	return OK;
}

struct release { const struct suspended *s; struct held h; const struct actor *by; struct ticket out; };

static enum err
release_tx(struct ctx *cx, void *arg)
{
	struct release *r = arg;
	struct suspended again;
	enum err e;

	TRY(suspended_get(cx, r->s->id, &again));       /* two people at once: the second finds nothing */
	r->h.ch.nobody = r->h.actor_id == 0;
	if (r->h.actor_id == 0)
		gate_as_system(cx, "form");
	else if ((e = gate_as_user(cx, r->h.actor_id, "held")) == E_WHO)
		fail_forget(cx);                        /* gone meanwhile: then in the name of who decides */
	else
		TRY(e);
	e = r->h.ticket_id ? ticket_update(cx, r->h.ticket_id, &r->h.ch, &r->out, NULL)
		    : ticket_create(cx, &r->h.ch, &r->out, NULL);
	cx->actor = r->by;
	TRY(e);
	TRY(suspended_gone(cx, r->s));
	return trail_append(cx, &(struct event){ .action = "suspended_ticket.recover", .object = "suspended_ticket",
	    .id = r->s->id, .parent = r->out.id });
}

enum err
held_recover(struct ctx *cx, const struct suspended *s, str change, struct ticket *out)
{
	struct release r = { .s = s, .by = cx->actor };

	TRY(gate_may(cx, MAY_SEE_PHI, NULL));
	unpack(cx, change, &r.h);
	r.h.ch.released = true;
	r.h.ch.has &= ~(unsigned)T_SAFE;
	TRY(store_write(cx, release_tx, &r));
	TRY(store_erase(cx));
	*out = r.out;
	return OK;
}
