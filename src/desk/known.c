/* known.c - people whose values are found in any case: a ticket's requester,
 * the account's list; and what is never PHI here: the desk's own addresses.
 *
 * Three sets of keyed hashes stand behind each other (phi_known_also): a
 * user's, which is cached; the allow list of the policy; the account's list. A
 * set is counted, because a scan may still use one that was replaced: the one
 * in front holds the one behind.
 *
 * The list at rest is one image of phi_known_save(), sealed in chunks whose ids
 * are generation * 65536 + number. A generation counts when its last row
 * (number 65535) is there; older ones are removed after that, so a crash
 * between leaves the list before or the new one.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "desk/in.h"
#include "desk/known.h"
#include "phi.h"

enum { USERS = 512, STEP = 16, LAST = 65535, FIELDS_MAX = 64 };
#define IMAGE_MAX ((size_t)68 << 20)
#define VALUES_MAX 5800000

struct set { atomic_int refs; struct phi_known *k; struct set *next; };

struct known {
	pthread_mutex_t lock;
	uint64_t        gen;                 /* of what stands behind the users */
	struct set     *allow, *list;
	int64_t         list_gen, people, values;
	struct { int64_t id; uint64_t gen; struct set *set; } user[USERS];
};

static const struct stmt insert_chunk = {
	.name = "phi_known.insert",
	.sql  = "INSERT INTO phi_known_chunk (account_id, id, key_id, body) VALUES ($1, $2, $3, $4)",
	.in   = "iiiS", .seal_in = { { "phi_known_chunk", "body", 1 } },
};

static const struct stmt newest = {
	.name = "phi_known.newest",
	.sql  = "SELECT id, key_id, body FROM phi_known_chunk WHERE account_id = $1 AND id % 65536 = 65535 ORDER BY id DESC LIMIT 1",
	.in   = "i", .out = "iiS", .seal_out = { { "phi_known_chunk", "body", 0 } },
};

static const struct stmt chunks = {
	.name = "phi_known.chunks",
	.sql  = "SELECT id, body FROM phi_known_chunk WHERE account_id = $1 AND id >= $2 AND id < $3 ORDER BY id",
	.in   = "iii", .out = "iS", .seal_out = { { "phi_known_chunk", "body", 0 } },
};

static const struct stmt old_keys = {
	.name = "phi_known.old_keys",
	.sql  = "SELECT DISTINCT key_id FROM phi_known_chunk WHERE account_id = $1 AND (id < $2 OR id >= $3)",
	.in   = "iii", .out = "i",
};

static const struct stmt drop_old = {
	.name = "phi_known.drop_old",
	.sql  = "DELETE FROM phi_known_chunk WHERE account_id = $1 AND (id < $2 OR id >= $3)",
	.in   = "iii",
};

const struct stmt *const known_stmts[] = { &insert_chunk, &newest, &chunks, &old_keys, &drop_old, NULL };

/* ---- sets ----------------------------------------------------------------------------------------------- */

static void
unref(void *arg)
{
	struct set *s = arg, *next;

	for (; s != NULL && atomic_fetch_sub(&s->refs, 1) == 1; s = next) {
		next = s->next;
		phi_known_free(s->k);
		free(s);
	}
}

static struct set *
ref(struct set *s)
{
	if (s != NULL)
		atomic_fetch_add(&s->refs, 1);
	return s;
}

/* Takes k and the reference to next. */
static struct set *
set_new(struct phi_known *k, struct set *next)
{
	struct set *s = k != NULL ? calloc(1, sizeof *s) : NULL;

	if (s == NULL) {
		phi_known_free(k);
		unref(next);
		return NULL;
	}
	atomic_store(&s->refs, 1);
	s->k = k;
	s->next = next;
	phi_known_also(k, next != NULL ? next->k : NULL);
	return s;
}

static enum err
no_memory(struct ctx *cx)
{
	return fail(cx, E_FAULT, NULL, "out of memory for known people");
}

/* ---- a person ---------------------------------------------------------------------------------------------- */

/* Words that are somebody's name and everybody's: alone they are not taught. */
static bool
is_common(str w)
{
	static const char *const words[] = { "test", "user", "demo", "support", "help", "desk", "admin", "patient", "clinic", "customer",
	    "client", "team", "office", "info", "service", "sales", "billing", "account", "nurse", "doctor", "end", "agent", "front",
	    "main", "general", "new", "unknown", "example", "sample", "care", "center", "health", "medical", "hospital", "pharmacy",
	    "lab", "may", "will", "mark", "grace", "hope", "faith", "joy", "rose", "page", "young", "long", "short", "white", "black",
	    "brown", "green", "gray", "king", "day", "best", "good", "rich", "art", "bill", "rob", "sue", "pat", "dawn", "summer",
	    "april", "june", "august", "the", "and", "for", "not", "van", "von", "del", "requester", "first", "last", "name", "case",
	    "chase", "price", "cash", "love", "little", "small", "major", "miles", "drew", "grant", "frank", "norm", "chance",
	    "wood", "bush", "field", "hand", "head", "foot", "hall", "house", "rice", "bread", "cook", "baker", "miller", "walker",
	    "hunter", "mason", "bishop", "pope", "parish", "church", "temple", "lane", "street", "park", "west", "north", "east",
	    "south", "monday", "friday", "sunday", "winter", "christian", "guy", "ray", "dean", "ward", "penny", "holly", "ivy",
	    "ruby", "pearl", "amber", "crystal", "iris", "daisy", "violet", "poppy", "basil", "herb", "cherry", "berry", "olive",
	    "melody", "harmony", "star", "sky", "storm", "stone", "rock", "hill", "dale", "brook", "river", "lake", "ford", "bridge" };

	for (size_t i = 0; i < COUNT(words); i++)
		if (str_eqi(w, str_of(words[i])))
			return true;
	return false;
}

static enum phi_err
teach_name(struct phi_known *k, str name)
{
	str rest = str_trim(name), words = rest;
	enum phi_err e = PHI_OK;
	int n = 0;

	if (rest.n > 200 || str_find(rest, S("@")) != SIZE_MAX)
		return PHI_OK;
	while (words.n)
		n += str_trim(str_cut(&words, ' ')).n > 0;
	if (n < 2)
		return PHI_OK;          /* "Reception" is nobody's name */
	e = phi_known_add_whole(k, PHI_NAME, rest.p, rest.n);
	while (rest.n && e == PHI_OK) {
		str w = str_trim(str_cut(&rest, ' '));
		if (w.n >= 3 && !is_common(w))
			e = phi_known_add_whole(k, PHI_NAME, w.p, w.n);
	}
	return e == PHI_BAD ? PHI_OK : e;
}

static enum phi_err
teach(struct phi_known *k, enum phi_kind kind, str v)
{
	enum phi_err e;

	v = str_trim(v);
	if (v.n < 3 || v.n > 1000)
		return PHI_OK;
	e = phi_known_add_whole(k, kind, v.p, v.n);
	return e == PHI_BAD ? PHI_OK : e;
}

static struct phi_known *
person(struct ctx *cx, const struct user *u)
{
	struct phi_known *k = phi_known_new();

	if (k == NULL || teach_name(k, reveal(cx, u->name, TO_SCAN)) != PHI_OK
	    || teach_name(k, reveal(cx, u->alias, TO_SCAN)) != PHI_OK
	    || teach(k, PHI_EMAIL, reveal(cx, u->email, TO_SCAN)) != PHI_OK
	    || teach(k, PHI_PHONE, reveal(cx, u->phone, TO_SCAN)) != PHI_OK
	    || (u->external_id.hidden.n >= 5 && teach(k, PHI_OTHERID, reveal(cx, u->external_id, TO_SCAN)) != PHI_OK)) {
		phi_known_free(k);
		return NULL;
	}
	return k;
}

/* The set of a user, from the cache or made. Staff are known to nobody: their
 * names are not PHI. *out may be NULL: nothing is known. */
static enum err
set_of_user(struct ctx *cx, struct known *kn, int64_t id, struct set **out)
{
	size_t at = (size_t)((uint64_t)id * 0x9E3779B97F4A7C15u >> 32) % USERS;
	struct set *s = NULL, *behind;
	uint64_t gen;
	struct user u;
	enum err e;

	pthread_mutex_lock(&kn->lock);
	gen = kn->gen;
	if (id != 0 && kn->user[at].id == id && kn->user[at].gen == gen)
		s = ref(kn->user[at].set);
	behind = s == NULL ? ref(kn->allow) : NULL;
	pthread_mutex_unlock(&kn->lock);
	*out = s;
	if (s != NULL)
		return OK;
	*out = behind;
	if (id == 0)
		return OK;
	if ((e = user_load(cx, id, &u)) == E_ABSENT) {
		fail_forget(cx);
		return OK;
	}
	if (e != OK) {
		unref(behind);
		*out = NULL;
		return e;
	}
	if (u.role != ROLE_END_USER || u.erased)
		s = behind;
	else if ((s = set_new(person(cx, &u), behind)) == NULL)
		return no_memory(cx);
	pthread_mutex_lock(&kn->lock);
	if (kn->gen == gen) {
		unref(kn->user[at].set);
		kn->user[at].id = id;
		kn->user[at].gen = gen;
		kn->user[at].set = ref(s);
	}
	pthread_mutex_unlock(&kn->lock);
	*out = s;
	return OK;
}

enum err
known_for(struct ctx *cx, const struct known_ticket *t)
{
	struct known *kn = policy_known(cx);
	struct phi_known *k;
	struct set *s, *front;
	str *own;
	int n;

	cx->known = NULL;
	if (kn == NULL)
		return OK;
	TRY(addresses_own(cx, &own, &n));
	TRY(set_of_user(cx, kn, t->user_id, &s));
	if (t->ticket_id != 0 || t->email.hidden.n || t->recipient.hidden.n || n > 0) {
		str number = str_printf(cx->arena, "%lld", (long long)t->ticket_id), to = reveal(cx, t->recipient, TO_SCAN);
		if ((k = phi_known_new()) == NULL) {
			unref(s);
			return no_memory(cx);
		}
		/* Short numbers are no finding, and must not hide one. */
		if (t->ticket_id > 9999)
			(void)phi_known_allow(k, number.p, number.n);
		if (to.n)
			(void)phi_known_allow(k, to.p, to.n);
		for (int i = 0; i < n; i++)
			(void)phi_known_allow(k, own[i].p, own[i].n);
		if (t->email.hidden.n && (teach_name(k, reveal(cx, t->name, TO_SCAN)) != PHI_OK
		    || teach(k, PHI_EMAIL, reveal(cx, t->email, TO_SCAN)) != PHI_OK)) {
			phi_known_free(k);
			unref(s);
			return no_memory(cx);
		}
		if ((front = set_new(k, s)) == NULL)
			return no_memory(cx);
		s = front;
	}
	if (s != NULL) {
		arena_defer(cx->arena, unref, s);
		cx->known = s->k;
	}
	return OK;
}

/* ---- changes ----------------------------------------------------------------------------------------------- */

struct forgetting { int64_t id; };

static void
forget(struct sys *sys, void *arg)
{
	const struct forgetting *f = arg;
	struct ctx cx = { .sys = sys };
	struct known *kn = policy_known(&cx);
	size_t at = (size_t)((uint64_t)f->id * 0x9E3779B97F4A7C15u >> 32) % USERS;

	if (kn == NULL)
		return;
	pthread_mutex_lock(&kn->lock);
	if (kn->user[at].id == f->id) {
		unref(kn->user[at].set);
		kn->user[at].set = NULL;
		kn->user[at].id = 0;
	}
	pthread_mutex_unlock(&kn->lock);
}

enum err
desk_user_changed(struct ctx *cx, const struct user *u)
{
	struct forgetting *f = NEW(cx->arena, struct forgetting, 1);

	f->id = u->id;
	store_after(cx, forget, f);
	return search_user_changed(cx, u);
}

/* What stands behind the users becomes `allow` in front of `list`. */
static void
put_behind(struct known *kn, struct set *allow, struct set *list)
{
	pthread_mutex_lock(&kn->lock);
	unref(kn->allow);
	unref(kn->list);
	kn->allow = allow;
	kn->list = list;
	kn->gen++;
	for (int i = 0; i < USERS; i++) {
		unref(kn->user[i].set);
		kn->user[i].set = NULL;
		kn->user[i].id = 0;
	}
	pthread_mutex_unlock(&kn->lock);
}

static struct set *
allow_set(const sensitive *allow, int n, struct set *list)
{
	struct phi_known *k = phi_known_new();

	for (int i = 0; k != NULL && i < n; i++)
		if (allow[i].hidden.n > 0 && phi_known_allow(k, allow[i].hidden.p, allow[i].hidden.n) == PHI_NOMEM) {
			phi_known_free(k);
			k = NULL;
		}
	return set_new(k, ref(list));
}

void
known_allow(struct known *kn, const struct policy_doc *p)
{
	struct set *s;

	if (kn == NULL)
		return;
	if ((s = allow_set(p->allow, p->allow_count, kn->list)) != NULL)
		put_behind(kn, s, ref(kn->list));
}

/* ---- the list at rest ------------------------------------------------------------------------------------------ */

enum { HEAD_SIZE = 1, HEAD_PEOPLE, HEAD_VALUES };

static enum err
load(struct ctx *cx, struct phi_known **out, int64_t *gen, int64_t *people, int64_t *values)
{
	struct row r;
	struct rows rs;
	str rest, v;
	uint8_t tag;
	char *image;
	size_t size = 0, at = 0;
	enum err e = store_one(cx, &newest, ARGS(INT(cx->account)), &r);

	*out = NULL;
	*gen = *people = *values = 0;
	if (e == E_ABSENT) {
		fail_forget(cx);
		return OK;
	}
	TRY(e);
	*gen = row_int(&r, 0) / 65536;
	for (rest = row_sensitive(&r, 2).hidden; pack_next(&rest, &tag, &v);)
		if (tag == HEAD_SIZE)
			size = (size_t)pack_get_int(v);
		else if (tag == HEAD_PEOPLE)
			*people = pack_get_int(v);
		else if (tag == HEAD_VALUES)
			*values = pack_get_int(v);
	if (size == 0)
		return OK;              /* an empty list */
	if (size > IMAGE_MAX || (image = malloc(size)) == NULL)
		return no_memory(cx);
	for (int64_t from = *gen * 65536; at < size && e == OK; from += STEP) {
		struct ctx part;
		ctx_init(&part, cx->sys, cx->account);
		e = store_all(&part, &chunks, ARGS(INT(cx->account), INT(from), INT(from + STEP)), &rs);
		for (int i = 0; e == OK && i < rs.count; i++) {
			str c = reveal(&part, row_sensitive(&rs.row[i], 1), TO_SCAN);
			if (c.n > size - at || c.n == 0)
				e = E_FAULT;
			else
				memcpy(image + at, c.p, c.n), at += c.n;
		}
		if (e == OK && rs.count == 0)
			e = E_FAULT;
		ctx_done(&part);
	}
	if (e == OK && phi_known_load(image, size, out) != PHI_OK)
		e = E_FAULT;
	wipe(image, size);
	free(image);
	return e == OK ? OK : fail(cx, E_FAULT, NULL, "the list of known people cannot be opened; import it again");
}

enum err
known_open(struct ctx *cx, const struct policy_doc *p, struct known **out)
{
	struct known *kn = calloc(1, sizeof *kn);
	struct phi_known *k = NULL;
	enum err e;

	if (kn == NULL)
		return no_memory(cx);
	pthread_mutex_init(&kn->lock, NULL);
	e = load(cx, &k, &kn->list_gen, &kn->people, &kn->values);
	if (e == OK && k != NULL && (kn->list = set_new(k, NULL)) == NULL)
		e = no_memory(cx);
	if (e == OK && (kn->allow = allow_set(p->allow, p->allow_count, kn->list)) == NULL)
		e = no_memory(cx);
	if (e != OK) {
		known_close(&kn);
		return e;
	}
	*out = kn;
	return OK;
}

void
known_close(struct known **kp)
{
	struct known *kn = *kp;

	if (kn == NULL)
		return;
	put_behind(kn, NULL, NULL);
	pthread_mutex_destroy(&kn->lock);
	free(kn);
	*kp = NULL;
}

/* ---- CSV ------------------------------------------------------------------------------------------------------- */

int
csv_record(struct arena *a, str *rest, bool last, str *field, int max)
{
	size_t i = 0, n = rest->n;
	const char *p = rest->p;
	int count = 0;

	if (n == 0)
		return -1;
	for (;;) {
		struct buf b;
		size_t from = i;
		str v;
		buf_init(&b, a, 64 * KiB);
		if (i < n && p[i] == '"') {
			for (i++; i < n; i++)
				if (p[i] == '"') {
					if (i + 1 < n && p[i + 1] == '"')
						buf_byte(&b, '"'), i++;
					else
						break;
				} else
					buf_byte(&b, p[i]);
			if (i >= n && !last)
				return -1;      /* the quote is still open */
			if (i < n)
				i++;
			while (i < n && p[i] != ',' && p[i] != '\n')
				i++;
			v = buf_str(&b);
		} else {
			while (i < n && p[i] != ',' && p[i] != '\n')
				i++;
			v = (str){ p + from, i - from };
		}
		if (i >= n && !last)
			return -1;
		if (count < max)
			field[count++] = str_trim(v);
		if (i >= n || p[i] == '\n')
			break;
		i++;
	}
	if (i < n)
		i++;
	*rest = str_sub(*rest, i, n - i);
	return count;
}

enum { COL_NONE = -1, COL_FIRST = 100, COL_LAST, COL_NAME };

static int
column_of(str name)
{
	static const struct { const char *name; int what; } rows[] = {
		{ "name", COL_NAME }, { "full_name", COL_NAME }, { "patient", COL_NAME }, { "patient_name", COL_NAME },
		{ "first_name", COL_FIRST }, { "given_name", COL_FIRST }, { "firstname", COL_FIRST }, { "last_name", COL_LAST },
		{ "family_name", COL_LAST }, { "surname", COL_LAST }, { "lastname", COL_LAST }, { "email", PHI_EMAIL },
		{ "e-mail", PHI_EMAIL }, { "phone", PHI_PHONE }, { "telephone", PHI_PHONE }, { "mobile", PHI_PHONE },
		{ "home_phone", PHI_PHONE }, { "work_phone", PHI_PHONE }, { "fax", PHI_FAX }, { "mrn", PHI_MRN },
		{ "medical_record_number", PHI_MRN }, { "member_id", PHI_HEALTHPLAN }, { "policy_number", PHI_HEALTHPLAN },
		{ "account", PHI_ACCOUNT }, { "account_number", PHI_ACCOUNT }, { "ssn", PHI_SSN }, { "date_of_birth", PHI_DATE },
		{ "dob", PHI_DATE }, { "birth_date", PHI_DATE }, { "address", PHI_LOCATION }, { "street", PHI_LOCATION },
		{ "other", PHI_OTHERID }, { "external_id", PHI_OTHERID }, { "id", PHI_OTHERID },
	};
	char z[64];
	size_t n = 0;

	/* A byte order mark, blanks for underscores: as spreadsheets write them. */
	if (str_starts(name, S("\xEF\xBB\xBF")))
		name = str_sub(name, 3, name.n);
	for (size_t i = 0; i < name.n && n + 1 < sizeof z; i++)
		z[n++] = name.p[i] == ' ' ? '_' : name.p[i] >= 'A' && name.p[i] <= 'Z' ? (char)(name.p[i] + 32) : name.p[i];
	for (size_t i = 0; i < COUNT(rows); i++)
		if (str_eq((str){ z, n }, str_of(rows[i].name)))
			return rows[i].what;
	return COL_NONE;
}

static enum phi_err
teach_row(struct arena *a, struct phi_known *k, const int *what, const str *field, int n, struct known_import *out)
{
	str first = S(""), last = S("");
	enum phi_err e = PHI_OK;
	int64_t before = out->values;

	for (int i = 0; i < n && e == PHI_OK; i++) {
		str v = field[i];
		if (v.n < 3 && what[i] < 100)
			continue;
		if (what[i] == COL_FIRST)
			first = v;
		else if (what[i] == COL_LAST)
			last = v;
		else if (what[i] == COL_NAME) {
			/* Whole names only: of a long list, the parts would be half the language. */
			if (str_find(v, S(" ")) == SIZE_MAX && str_find(v, S(",")) == SIZE_MAX)
				continue;
			e = teach(k, PHI_NAME, v);
			out->values++;
		} else if (what[i] != COL_NONE) {
			e = teach(k, (enum phi_kind)what[i], v);
			out->values++;
		}
	}
	if (first.n && last.n && e == PHI_OK) {
		e = teach(k, PHI_NAME, str_printf(a, STR_F " " STR_F, STR_A(first), STR_A(last)));
		if (e == PHI_OK)
			e = teach(k, PHI_NAME, str_printf(a, STR_F ", " STR_F, STR_A(last), STR_A(first)));
		out->values += 2;
	}
	if (out->values > before)
		out->people++;
	else
		out->skipped++;
	return e;
}

#define WINDOW (1 * MiB)

static enum err
read_people(struct ctx *cx, int fd, struct phi_known *k, struct known_import *out)
{
	struct arena *a = arena_new();
	char *window = malloc(WINDOW);
	int what[FIELDS_MAX], columns = -1;
	str field[FIELDS_MAX];
	size_t have = 0;
	bool end = false, some = false;
	enum err e = window != NULL ? OK : no_memory(cx);

	while (e == OK && !end) {
		ssize_t got = read(fd, window + have, WINDOW - have);
		str rest;
		int n;
		if (got < 0) {
			e = fail(cx, E_FAULT, NULL, "the list cannot be read");
			break;
		}
		end = got == 0;
		have += (size_t)got;
		rest = (str){ window, have };
		while (e == OK && (n = csv_record(a, &rest, end, field, FIELDS_MAX)) >= 0) {
			if (n == 1 && field[0].n == 0)
				continue;
			if (columns < 0) {
				for (columns = 0; columns < n; columns++) {
					what[columns] = column_of(field[columns]);
					some = some || what[columns] != COL_NONE;
				}
				if (!some) {
					bad(cx, "file", "InvalidFormat", "File: its first line names none of the columns name, first_name, last_name,"
					    " email, phone, fax, mrn, member_id, account, ssn, date_of_birth, address, other");
					e = bad_check(cx);
				}
				continue;
			}
			if (teach_row(a, k, what, field, n < columns ? n : columns, out) != PHI_OK)
				e = no_memory(cx);
			if (out->values > VALUES_MAX)
				e = fail(cx, E_LIMIT, "file", "the list holds more than 5,800,000 values; nothing was changed");
			arena_reset(a);
		}
		if (rest.n == WINDOW && e == OK) {
			bad(cx, "file", "InvalidFormat", "File: a line is longer than 1 MiB");
			e = bad_check(cx);
		}
		if (rest.n && rest.p != window)
			memmove(window, rest.p, rest.n);
		have = rest.n;
	}
	if (e == OK && columns < 0) {
		bad(cx, "file", "BlankValue", "File: is empty");
		e = bad_check(cx);
	}
	if (window != NULL)
		wipe(window, WINDOW);
	free(window);
	arena_free(&a);
	return e;
}

/* ---- import ---------------------------------------------------------------------------------------------------- */

struct part { int64_t id, key; str body; bool last; int count; const struct known_import *sum; };

/* All but one generation goes. */
static enum err
keep_only(struct ctx *cx, int64_t gen)
{
	struct rows keys;

	TRY(store_all(cx, &old_keys, ARGS(INT(cx->account), INT(gen * 65536), INT((gen + 1) * 65536)), &keys));
	for (int i = 0; i < keys.count; i++)
		TRY(store_key_destroy(cx, row_int(&keys.row[i], 0)));
	return store_exec(cx, &drop_old, ARGS(INT(cx->account), INT(gen * 65536), INT((gen + 1) * 65536)), NULL);
}

static enum err
part_tx(struct ctx *cx, void *arg)
{
	struct part *p = arg;
	struct buf b;
	int64_t gen = p->id / 65536;

	if (p->key == 0) {
		TRY(keep_only(cx, gen - 1));    /* what an import that was cut off left */
		TRY(store_key_new(cx, &p->key));
	}
	for (size_t at = 0, n = 0; at < p->body.n; at += CHUNK, n++)
		TRY(store_exec(cx, &insert_chunk, ARGS(INT(cx->account), INT(p->id + (int64_t)n), INT(p->key),
		    SEALED(p->key, HIDE(str_sub(p->body, at, CHUNK)))), NULL));
	if (!p->last)
		return OK;
	buf_init(&b, cx->arena, 256);
	pack_int(&b, HEAD_SIZE, p->sum->bytes);
	pack_int(&b, HEAD_PEOPLE, p->sum->people);
	pack_int(&b, HEAD_VALUES, p->sum->values);
	TRY(store_exec(cx, &insert_chunk, ARGS(INT(cx->account), INT(gen * 65536 + LAST), INT(p->key),
	    SEALED(p->key, HIDE(buf_str(&b)))), NULL));
	TRY(keep_only(cx, gen));
	return trail_append(cx, &(struct event){ .action = p->sum->bytes ? "phi_known.import" : "phi_known.clear",
	    .object = "phi_known", .id = gen, .cause = str_z(cx->arena, str_printf(cx->arena, "people:%lld values:%lld",
	    (long long)p->sum->people, (long long)p->sum->values)) });
}

/* Takes k (NULL: an empty list). One import at a time. */
static enum err
replace_list(struct ctx *cx, struct known *kn, struct phi_known *k, struct known_import *sum)
{
	size_t size = k != NULL ? phi_known_size(k) : 0, at = 0;
	char *image = size ? malloc(size) : NULL;
	struct part p = { .id = (kn->list_gen + 1) * 65536, .sum = sum };
	struct set *list = NULL, *allow;
	const struct policy_doc *now = policy_current(cx);
	enum err e = OK;

	if ((size && image == NULL) || size > IMAGE_MAX) {
		free(image);
		phi_known_free(k);
		return size > IMAGE_MAX ? fail(cx, E_LIMIT, "file", "the list takes more than 64 MB; nothing was changed") : no_memory(cx);
	}
	if (size)
		phi_known_save(k, image);
	sum->bytes = (int64_t)size;
	do {
		p.body = (str){ image + at, size - at < (size_t)STEP * CHUNK ? size - at : (size_t)STEP * CHUNK };
		p.last = at + p.body.n == size;
		e = store_write(cx, part_tx, &p);
		at += p.body.n;
		p.id += STEP;
	} while (e == OK && !p.last);
	if (image != NULL)
		wipe(image, size);
	free(image);
	if (e == OK && k != NULL && (list = set_new(k, NULL)) == NULL)
		return no_memory(cx);
	if (e != OK) {
		phi_known_free(k);
		return e;
	}
	if ((allow = allow_set(now->allow, now->allow_count, list)) == NULL) {
		unref(list);
		return no_memory(cx);
	}
	put_behind(kn, allow, list);
	kn->list_gen++;
	kn->people = sum->people;
	kn->values = sum->values;
	return store_erase(cx);
}

static pthread_mutex_t importing = PTHREAD_MUTEX_INITIALIZER;

enum err
known_import(struct ctx *cx, int fd, bool replace, struct known_import *out)
{
	struct known *kn = policy_known(cx);
	struct known_import sum = { 0 };
	struct phi_known *k = NULL;
	int64_t gen, people = 0, values = 0;
	enum err e = OK;

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	if (kn == NULL)
		return fail(cx, E_FAULT, NULL, "the PHI policy is not open");
	pthread_mutex_lock(&importing);
	if (!replace)
		e = load(cx, &k, &gen, &people, &values);
	if (e == OK && k == NULL && (k = phi_known_new()) == NULL)
		e = no_memory(cx);
	sum.values = values;
	if (e == OK)
		e = read_people(cx, fd, k, &sum);
	if (e != OK)
		phi_known_free(k);
	else {
		struct known_import all = sum;
		all.people += people;
		e = replace_list(cx, kn, k, &all);
		sum.values -= values;
		sum.bytes = all.bytes;
	}
	pthread_mutex_unlock(&importing);
	if (e == OK)
		*out = sum;
	return e;
}

enum err
known_clear(struct ctx *cx)
{
	struct known *kn = policy_known(cx);
	struct known_import none = { 0 };
	enum err e;

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	if (kn == NULL)
		return fail(cx, E_FAULT, NULL, "the PHI policy is not open");
	pthread_mutex_lock(&importing);
	e = replace_list(cx, kn, NULL, &none);
	pthread_mutex_unlock(&importing);
	return e;
}

enum err
known_status(struct ctx *cx, struct known_import *out)
{
	struct known *kn = policy_known(cx);

	TRY(gate_may(cx, MAY_ADMIN, NULL));
	*out = (struct known_import){ 0 };
	if (kn == NULL)
		return OK;
	pthread_mutex_lock(&kn->lock);
	out->people = kn->people;
	out->values = kn->values;
	if (kn->list != NULL)
		out->bytes = (int64_t)phi_known_size(kn->list->k);
	pthread_mutex_unlock(&kn->lock);
	return OK;
}
