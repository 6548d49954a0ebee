/* redact.c - findings taken out of a text.
 *
 * Everything is decided before the first byte is written, so a failing scan
 * writes nothing. What stands between findings is copied as it is. The rounds
 * of phi_redact: the text with labels in place of its findings is scanned
 * again, and what is found in the rest goes too, until nothing is; then the
 * text in the wanted style is, until no value that was found is found again.
 *
 * Surrogates keep the form: digits for digits, the order and the words of a
 * date, capitals. They come from a keyed hash (BLAKE2b, libsodium) of the
 * value's letters and digits, so the same value has the same one everywhere,
 * and are never what they replace, an SSN that could be issued, a card number
 * whose check digit fits, or a telephone number that somebody may have.
 */
#include "engine.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define ROUNDS 8

struct list { struct phi_finding *f; size_t n, cap; };

static int
keep(void *arg, const struct phi_finding *f)
{
	struct list *l = arg;
	if (!grow((void **)&l->f, &l->cap, l->n + 1, sizeof *l->f))
		return 1;
	l->f[l->n++] = *f;
	return 0;
}

/* Letters and digits only, small: the same value however it is written. `salt`
 * tells apart what the hash is for. */
static uint64_t
value_hash(const struct phi_redact_opts *o, unsigned salt, const char *p, size_t n)
{
	unsigned char key[32] = { 0 }, out[16], b[128];
	crypto_generichash_state st;
	uint64_t h;
	size_t k = 1;
	if (o->secret)
		memcpy(key, o->secret, sizeof key);
	else
		memcpy(key, &o->key, sizeof o->key);
	crypto_generichash_init(&st, key, sizeof key, sizeof out);
	b[0] = (unsigned char)salt;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		if (!is_alnum_(c))
			continue;
		if (k == sizeof b) {
			crypto_generichash_update(&st, b, k);
			k = 0;
		}
		b[k++] = c | (c < 0x80 && is_letter(c) ? 0x20u : 0);
	}
	crypto_generichash_update(&st, b, k);
	crypto_generichash_final(&st, out, sizeof out);
	memcpy(&h, out, sizeof h);
	explicit_bzero(key, sizeof key);
	explicit_bzero(b, sizeof b);
	explicit_bzero(&st, sizeof st);
	return h;
}

static int
put(phi_write *out, void *arg, const char *z)
{
	return out(arg, z, strlen(z));
}

/* ---- mask --------------------------------------------------------------------------------------- */

static int
mask(const char *p, size_t n, unsigned keep_digits, phi_write *out, void *arg)
{
	unsigned digits = 0, seen = 0;
	for (size_t i = 0; i < n; i++)
		digits += is_digit((unsigned char)p[i]);
	/* Four of a short number would give it away. */
	if (digits < keep_digits + 3)
		keep_digits = 0;
	char b[256];
	size_t k = 0;
	for (size_t i = 0; i < n;) {
		unsigned char c = (unsigned char)p[i++];
		if (k > sizeof b - 8) {
			if (out(arg, b, k))
				return 1;
			k = 0;
		}
		if (c >= 0x80) {
			while (i < n && ((unsigned char)p[i] & 0xc0) == 0x80)
				i++;
			b[k++] = 'X';
		} else if (is_digit(c)) {
			b[k++] = digits - seen <= keep_digits ? (char)c : 'X';
			seen++;
		} else
			b[k++] = is_letter(c) ? 'X' : (char)c;
	}
	return k ? out(arg, b, k) : 0;
}

/* ---- Safe Harbor: what may stay ---------------------------------------------------------------------- */

/* The first four-digit year, 1800 to 2199, that stands alone. */
static int
year_of(const char *p, size_t n)
{
	for (size_t i = 0; i + 4 <= n; i++) {
		if ((i > 0 && is_digit((unsigned char)p[i - 1])) || (i + 4 < n && is_digit((unsigned char)p[i + 4])))
			continue;
		int y = 0;
		for (size_t j = 0; j < 4; j++)
			y = is_digit((unsigned char)p[i + j]) ? y * 10 + p[i + j] - '0' : -10000;
		if (y >= 1800 && y < 2200)
			return y;
	}
	return 0;
}

/* 45 CFR 164.514(b)(2)(i)(B): areas of 20,000 people or fewer become 000. */
static bool
small_zip3(int z)
{
	static const short small[] = { 36, 59, 102, 202, 203, 204, 205, 369, 556, 692, 753, 772, 821, 823, 878, 879, 884, 893 };
	for (size_t i = 0; i < COUNTOF(small); i++)
		if (small[i] == z)
			return true;
	return z < 5;
}

static int
zip3_of(const char *p, size_t n)
{
	int found = -1;
	for (size_t i = 0; i < n;) {
		if (!is_digit((unsigned char)p[i])) {
			i++;
			continue;
		}
		size_t from = i;
		while (i < n && is_digit((unsigned char)p[i]))
			i++;
		/* The last five digits of an address; a house number stands in front of a word. */
		if (i - from == 5)
			found = (p[from] - '0') * 100 + (p[from + 1] - '0') * 10 + p[from + 2] - '0';
	}
	return found;
}

/* ---- surrogates -------------------------------------------------------------------------------------- */

static const char *const given[] = { "Alma", "Bruno", "Carla", "Dario", "Edith", "Felix", "Greta", "Hugo", "Irma", "Jonas",
	"Klara", "Leon", "Marta", "Nils", "Olga", "Pavel", "Rosa", "Simon", "Tessa", "Ugo", "Vera", "Willem", "Xenia", "Yara",
	"Zeno", "Anton", "Berta", "Cyrus", "Delia", "Emil", "Flora", "Gideon" };
static const char *const family[] = { "Abernathy", "Birkholz", "Castell", "Dunmore", "Ellery", "Farrow", "Grantham", "Hollis",
	"Ibsen", "Jarrow", "Kestrel", "Lindholm", "Marlowe", "Norwood", "Osgood", "Pemberton", "Quimby", "Ravensworth", "Selkirk",
	"Thornbury", "Underhill", "Vandermeer", "Wexford", "Yardley", "Zeller", "Ashdown", "Brackley", "Colefax", "Drayton",
	"Elmhurst", "Fairleigh", "Garrick" };
static const char *const towns[] = { "Elmwood", "Fairview Falls", "Harmon", "Lakemont", "Northfield Park", "Oakhaven",
	"Pinecrest", "Rosedale Springs" };

/* Days since 1970-01-01 of a civil date, and back (Hinnant). */
static long
days_of(int y, int m, int d)
{
	y -= m <= 2;
	long era = (y >= 0 ? y : y - 399) / 400;
	int yoe = (int)(y - era * 400), doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void
civil_of(long z, int *y, int *m, int *d)
{
	z += 719468;
	long era = (z >= 0 ? z : z - 146096) / 146097;
	int doe = (int)(z - era * 146097), yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
	*d = doy - (153 * mp + 2) / 5 + 1;
	*m = mp < 10 ? mp + 3 : mp - 9;
	*y = (int)(yoe + era * 400) + (*m <= 2);
}

/* Days that the dates of a key are moved by. */
static long
shift_of(const struct phi_redact_opts *o)
{
	return 30 + (long)(value_hash(o, 'd', "", 0) % 335);
}

static const char *const month_names[12] = { "January", "February", "March", "April", "May", "June", "July", "August",
	"September", "October", "November", "December" };
static const char *const day_names[7] = { "Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday" };

static int
named(const char *p, size_t n, const char *const *list, int count)
{
	for (int i = 0; n >= 3 && i < count; i++)
		if ((p[0] | 32) == (list[i][0] | 32) && (p[1] | 32) == list[i][1] && (p[2] | 32) == list[i][2])
			return i;
	return -1;
}

/* A word of a list in the clothes of another: MAR, March, march. */
static size_t
dressed(char *b, const char *word, const char *like, size_t n)
{
	size_t k = n <= 4 ? 3 : strlen(word);
	for (size_t i = 0; i < k; i++) {
		bool up = i == 0 ? !(like[0] >= 'a') : !(like[1] >= 'a');
		b[i] = (char)(up ? word[i] & ~0x20 : word[i] | 0x20);
	}
	return k;
}

struct piece { size_t at, n; int what, v; };       /* what: 0 digits, 1 month, 2 weekday, 3 ordinal */

/* The date moved, in its own form. What cannot be read as a date becomes a
 * label: half a shift would be none. */
static size_t
shifted_date(const char *p, size_t n, const struct phi_redact_opts *o, char *b, size_t bn)
{
	struct piece q[12];
	unsigned k = 0, digits = 0, d_at[12];
	int month_at = -1;
	if (n > 80)
		return 0;
	for (size_t i = 0; i < n && k < 12;) {
		size_t from = i;
		if (is_digit((unsigned char)p[i])) {
			int v = 0;
			while (i < n && is_digit((unsigned char)p[i]) && i - from < 8)
				v = v * 10 + p[i++] - '0';
			while (i < n && is_digit((unsigned char)p[i]))
				i++;
			d_at[digits++] = k;
			q[k++] = (struct piece){ from, i - from, 0, v };
		} else if (is_letter((unsigned char)p[i])) {
			while (i < n && is_letter((unsigned char)p[i]))
				i++;
			int m = named(p + from, i - from, month_names, 12), w = named(p + from, i - from, day_names, 7);
			if (m >= 0 && month_at < 0)
				month_at = (int)k, q[k++] = (struct piece){ from, i - from, 1, m + 1 };
			else if (w >= 0)
				q[k++] = (struct piece){ from, i - from, 2, w };
			else if (i - from == 2 && k && q[k - 1].what == 0 && q[k - 1].at + q[k - 1].n == from)
				q[k++] = (struct piece){ from, 2, 3, 0 };
			else if (i - from > 2)
				return 0;             /* "fifth", "spring": not read */
		} else
			i++;
	}
	if (digits == 0 || digits > 6)
		return 0;
	/* Which piece is what: indices into q, -1 none. */
	int y = -1, m = -1, d = -1, packed = 0;
	const struct piece *one = &q[d_at[0]];
	if (month_at >= 0) {
		m = month_at;
		if (one->n == 4)
			y = (int)d_at[0];
		else
			d = (int)d_at[0];
		if (digits > 1 && y < 0 && (q[d_at[1]].n == 4 || q[d_at[1]].n == 2))
			y = (int)d_at[1];
		else if (digits > 1 && y >= 0 && d < 0 && q[d_at[1]].n <= 2)
			d = (int)d_at[1];
	} else if (one->n >= 8)
		packed = 8;
	else if (one->n == 6 && digits == 1)
		packed = 6;
	else if (digits >= 3 && one->n == 4)
		y = (int)d_at[0], m = (int)d_at[1], d = (int)d_at[2];
	else if (digits >= 3)
		m = (int)d_at[0], d = (int)d_at[1], y = (int)d_at[2];
	else if (digits == 2 && q[d_at[1]].n == 4)
		m = (int)d_at[0], y = (int)d_at[1];
	else if (digits == 2 && one->n == 4)
		y = (int)d_at[0], m = (int)d_at[1];
	else if (digits == 2)
		m = (int)d_at[0], d = (int)d_at[1];
	else
		return 0;
	int year, mon, day;
	if (packed == 8)
		year = one->v / 10000, mon = one->v / 100 % 100, day = one->v % 100;
	else if (packed == 6)
		mon = one->v / 10000, day = one->v / 100 % 100, year = one->v % 100;
	else
		year = y >= 0 ? q[y].v : 2001, mon = q[m].v, day = d >= 0 ? q[d].v : 15;
	if (mon > 12 && day <= 12 && d >= 0 && !packed && month_at < 0) {
		int t = m;
		m = d, d = t;
		mon = q[m].v, day = q[d].v;
	}
	if (year < 100)
		year += year > 40 ? 1900 : 2000;
	if (mon < 1 || mon > 12 || day < 1 || day > 31 || year < 1800 || year > 2200)
		return 0;
	long z = days_of(year, mon, day) - shift_of(o);
	civil_of(z, &year, &mon, &day);
	size_t w = 0, at = 0;
	for (unsigned i = 0; i < k; i++) {
		char t[40];
		size_t tn;
		if (q[i].what == 1)
			tn = dressed(t, month_names[mon - 1], p + q[i].at, q[i].n);
		else if (q[i].what == 2)
			tn = dressed(t, day_names[(z % 7 + 7) % 7], p + q[i].at, q[i].n);
		else if (q[i].what == 3)
			tn = (size_t)snprintf(t, sizeof t, "%s", day % 10 == 1 && day != 11 ? "st" : day % 10 == 2 && day != 12 ? "nd" :
			    day % 10 == 3 && day != 13 ? "rd" : "th");
		else if (packed && i == d_at[0]) {
			tn = (size_t)(packed == 8 ? snprintf(t, sizeof t, "%04d%02d%02d", year, mon, day) :
			    snprintf(t, sizeof t, "%02d%02d%02d", mon, day, year % 100));
			while (tn < q[i].n && tn < sizeof t)
				t[tn++] = '0';
		} else if ((int)i == y)
			tn = (size_t)snprintf(t, sizeof t, q[i].n == 4 ? "%04d" : "%02d", q[i].n == 4 ? year : year % 100);
		else if ((int)i == m || (int)i == d)
			tn = (size_t)snprintf(t, sizeof t, q[i].n == 2 ? "%02d" : "%d", (int)i == m ? mon : day);
		else {
			tn = q[i].n < sizeof t ? q[i].n : sizeof t;
			memset(t, '0', tn);               /* a time of day */
		}
		if (w + (q[i].at - at) + tn > bn)
			return 0;
		memcpy(b + w, p + at, q[i].at - at);
		w += q[i].at - at;
		memcpy(b + w, t, tn);
		w += tn, at = q[i].at + q[i].n;
	}
	if (w + (n - at) > bn)
		return 0;
	memcpy(b + w, p + at, n - at);
	return w + (n - at);
}

static size_t
digits_in(const char *p, size_t n)
{
	size_t k = 0;
	for (size_t i = 0; i < n; i++)
		k += is_digit((unsigned char)p[i]);
	return k;
}

/* The text with its last digits replaced by those of `z`, which it has at least as many as. */
static size_t
with_digits(const char *p, size_t n, const char *z, char *b)
{
	size_t all = digits_in(p, n), want = strlen(z), seen = 0;
	for (size_t i = 0; i < n; i++)
		if (is_digit((unsigned char)p[i])) {
			b[i] = seen + want >= all ? z[seen + want - all] : '1';
			seen++;
		} else
			b[i] = p[i];
	return n;
}

static bool
luhn(const char *p, size_t n)
{
	unsigned sum = 0, k = 0;
	for (size_t i = n; i-- > 0;)
		if (is_digit((unsigned char)p[i])) {
			unsigned d = (unsigned)(p[i] - '0') << (k++ & 1);
			sum += d > 9 ? d - 9 : d;
		}
	return sum % 10 == 0;
}

/* The form of a code: a digit for a digit, a letter for a letter. The first
 * digit is 0, the first three of nine (no SSN begins so), and no check digit
 * of a card fits. */
static size_t
coded(const char *p, size_t n, uint64_t h, char *b, size_t bn)
{
	size_t k = 0, digits = digits_in(p, n), seen = 0, last = 0;
	for (size_t i = 0; i < n && k < bn; i++) {
		unsigned char c = (unsigned char)p[i];
		h = phi_mix(h, i + 1);
		if (is_digit(c)) {
			last = k;
			b[k++] = seen == 0 || (digits == 9 && seen < 3) ? '0' : (char)('0' + (h >> 20) % 10);
			seen++;
		} else if (c >= 0x80)
			b[k++] = 'Z';
		else
			b[k++] = (char)(is_letter(c) ? (c & 0x20) | ('A' + (h >> 20) % 26) : c);
	}
	if (digits >= 12 && luhn(b, k))
		b[last] = b[last] == '9' ? '0' : (char)(b[last] + 1);
	return k;
}

/* A word of a name, the same wherever it stands: "Ann Lee", "Lee, Ann", "Ms. Lee". */
static size_t
name_word(const struct phi *p, const struct phi_redact_opts *o, unsigned salt, const char *w, size_t n, char *b)
{
	uint64_t h = value_hash(o, salt, w, n), lex = p ? lex_get(&p->lex, phi_word_hash(w, n)) : 0;
	const char *z = LEX_GIVEN(lex) > LEX_SUR(lex) ? given[h % COUNTOF(given)] : family[h % COUNTOF(family)];
	bool lower = w[0] >= 'a' && w[0] <= 'z', upper = n > 1 && w[1] >= 'A' && w[1] <= 'Z';
	size_t k = n == 1 ? 1 : strlen(z);
	for (size_t i = 0; i < k; i++)
		b[i] = (char)(upper ? z[i] & ~0x20 : i == 0 && !lower ? z[i] : z[i] | 0x20);
	return k;
}

static bool
title(const char *w, size_t n)
{
	static const char *const titles[] = { "mr", "mrs", "ms", "miss", "dr", "prof", "mx", "sir", "rev", "fr", "sr", "jr", "md", "rn" };
	for (size_t i = 0; i < COUNTOF(titles); i++)
		if (strlen(titles[i]) == n && !strncasecmp(titles[i], w, n))
			return true;
	return false;
}

static size_t
invented(const struct phi *p, const struct phi_redact_opts *o, unsigned salt, const char *v, size_t n, enum phi_kind kind,
    char *b, size_t bn)
{
	uint64_t h = value_hash(o, salt, v, n);
	size_t digits = digits_in(v, n), letters = 0;
	char z[32];
	for (size_t i = 0; i < n; i++)
		letters += is_letter((unsigned char)v[i]);
	switch (kind) {
	case PHI_NAME: {
		size_t k = 0;
		for (size_t i = 0; i < n;) {
			if (k + 32 > bn)
				return 0;
			if (!is_alnum_((unsigned char)v[i])) {
				b[k++] = v[i++];
				continue;
			}
			size_t from = i;
			while (i < n && is_alnum_((unsigned char)v[i]))
				i++;
			if (title(v + from, i - from)) {
				memcpy(b + k, v + from, i - from);
				k += i - from;
			} else
				k += name_word(p, o, salt, v + from, i - from, b + k);
		}
		return k;
	}
	case PHI_DATE: return shifted_date(v, n, o, b, bn);
	case PHI_AGE90: return (size_t)snprintf(b, bn, "90+");
	case PHI_LOCATION:
		if (digits && !letters)
			return (size_t)snprintf(b, bn, "000%02u", (unsigned)(h % 100));
		if (!digits)
			return (size_t)snprintf(b, bn, "%s", towns[h >> 30 & 7]);
		return (size_t)snprintf(b, bn, "%u %s St, %s", (unsigned)(h % 900 + 100), family[h >> 20 & 31], towns[h >> 30 & 7]);
	case PHI_FACILITY: return (size_t)snprintf(b, bn, "%s Clinic", towns[h >> 30 & 7]);
	case PHI_EMAIL: return (size_t)snprintf(b, bn, "person%06u@example.com", (unsigned)(h % 1000000));
	case PHI_PHONE: case PHI_FAX:
		/* 555-0100 to 0199 are reserved for fiction. */
		snprintf(z, sizeof z, digits >= 10 ? "55555501%02u" : "55501%02u", (unsigned)(h % 100));
		if (digits >= strlen(z) && letters == 0 && n <= 40 && n <= bn)
			return with_digits(v, n, z, b);
		return (size_t)snprintf(b, bn, "(555) 555-01%02u", (unsigned)(h % 100));
	case PHI_SSN:
		/* Area and group 00 are never issued. */
		snprintf(z, sizeof z, "00000%04u", (unsigned)(h % 10000));
		if (digits == 9 && n <= 40 && n <= bn)
			return with_digits(v, n, z, b);
		if (digits == 4 && letters == 0 && n <= 40 && n <= bn)
			return with_digits(v, n, z + 5, b);
		return (size_t)snprintf(b, bn, "000-00-%04u", (unsigned)(h % 10000));
	case PHI_URL: return (size_t)snprintf(b, bn, "https://example.com/%08x", (unsigned)h);
	case PHI_IP: return (size_t)snprintf(b, bn, "192.0.2.%u", (unsigned)(h % 255));      /* RFC 5737 */
	case PHI_PHOTO: return (size_t)snprintf(b, bn, "image-%06u.jpg", (unsigned)(h % 1000000));
	default: return coded(v, n, h, b, bn);
	}
}

/* Letters and digits compared, small. */
static bool
same_value(const char *a, size_t an, const char *b, size_t bn)
{
	size_t i = 0, j = 0;
	for (;;) {
		while (i < an && !is_alnum_((unsigned char)a[i]))
			i++;
		while (j < bn && !is_alnum_((unsigned char)b[j]))
			j++;
		if (i == an || j == bn)
			return i == an && j == bn;
		unsigned char x = (unsigned char)a[i++], y = (unsigned char)b[j++];
		if (x != y && !(x < 0x80 && is_letter(x) && (x | 0x20) == (y | 0x20)))
			return false;
	}
}

static int
surrogate(const struct phi *p, const struct phi_redact_opts *o, const char *v, size_t n, enum phi_kind kind, phi_write *out, void *arg)
{
	char b[512], label[32];
	for (unsigned salt = 1; salt < 9; salt++) {
		size_t k = invented(p, o, salt, v, n, kind, b, sizeof b);
		if (k == 0 || k > sizeof b)
			break;
		if (!same_value(v, n, b, k))
			return out(arg, b, k);
	}
	snprintf(label, sizeof label, "[%s]", phi_kind_name(kind));
	return put(out, arg, label);
}

/* ---- one finding ------------------------------------------------------------------------------------- */

enum phi_err
phi_replace(const struct phi *p, const struct phi_redact_opts *given_o, const char *text, size_t len, const struct phi_finding *f,
    phi_write *out, void *arg)
{
	struct phi_redact_opts q = { .size = sizeof q }, *o = &q;
	if ((given_o && !phi_options(&q, sizeof q, PHI_REDACT_V1, given_o, given_o->size)) || f->at > len || f->len > len - f->at ||
	    !phi_kind_name(f->kind))
		return PHI_BAD;
	const char *v = text + f->at, *name = phi_kind_name(f->kind);
	char b[64];
	int r;
	switch (o->style) {
	case PHI_STYLE_MASK:
		r = mask(v, f->len, 0, out, arg);
		break;
	case PHI_STYLE_LAST4:
		r = mask(v, f->len, f->kind == PHI_DATE || f->kind == PHI_LOCATION || f->kind == PHI_EMAIL || f->kind == PHI_URL ||
		    f->kind == PHI_IP ? 0 : 4, out, arg);
		break;
	case PHI_STYLE_HASH:
		snprintf(b, sizeof b, "[%s:%012llx]", name, (unsigned long long)(value_hash(o, 'h', v, f->len) >> 16));
		r = put(out, arg, b);
		break;
	case PHI_STYLE_SURROGATE:
		r = surrogate(p, o, v, f->len, f->kind, out, arg);
		break;
	case PHI_STYLE_LABEL:
	default:
		snprintf(b, sizeof b, "[%s]", name);
		if (o->safe_harbor) {
			int y, z;
			if (f->kind == PHI_DATE && (y = year_of(v, f->len)) != 0)
				snprintf(b, sizeof b, "[DATE %d]", y);
			else if (f->kind == PHI_LOCATION && (z = zip3_of(v, f->len)) >= 0)
				snprintf(b, sizeof b, "[LOCATION %03d]", small_zip3(z) ? 0 : z);
			else if (f->kind == PHI_AGE90)
				snprintf(b, sizeof b, "90+");
		}
		r = put(out, arg, b);
	}
	return r ? PHI_STOPPED : PHI_OK;
}

/* ---- the whole text ------------------------------------------------------------------------------------- */

struct made {
	char            *p;
	size_t           n, cap;
	struct phi_moved *m;          /* one per finding */
	size_t           mn, mcap;
};

static int
gather(void *arg, const char *p, size_t n)
{
	struct made *m = arg;
	if (m->n + n + 1 > m->cap) {
		/* Not grow(): what is left behind is a patient's. */
		size_t cap = (m->n + n + 1) * 3 / 2;
		char *q = malloc(cap);
		if (!q)
			return 1;
		if (m->p) {
			memcpy(q, m->p, m->n);
			explicit_bzero(m->p, m->n);
			free(m->p);
		}
		m->p = q, m->cap = cap;
	}
	memcpy(m->p + m->n, p, n);
	m->n += n;
	return 0;
}

static enum phi_err
make(const struct phi *p, const struct phi_redact_opts *o, const char *text, size_t len, const struct list *l, struct made *m)
{
	size_t at = 0;
	m->n = m->mn = 0;
	for (size_t i = 0; i < l->n; i++) {
		const struct phi_finding *f = &l->f[i];
		if (!grow((void **)&m->m, &m->mcap, m->mn + 1, sizeof *m->m) || gather(m, text + at, f->at - at))
			return PHI_NOMEM;
		struct phi_moved v = { f->kind, f->score, f->at, f->len, m->n, 0 };
		enum phi_err e = phi_replace(p, o, text, len, f, gather, m);
		if (e != PHI_OK)
			return e == PHI_STOPPED ? PHI_NOMEM : e;
		v.new_len = m->n - v.new_at;
		m->m[m->mn++] = v;
		at = f->at + f->len;
	}
	return gather(m, text + at, len - at) ? PHI_NOMEM : PHI_OK;
}

struct again {
	const struct made *made;
	const char        *text;
	struct list       *l;         /* grows behind `was` */
	const uint64_t    *values;    /* sorted hashes; NULL: whatever is found */
	size_t             was, next; /* next: the first replacement that may still overlap */
	size_t             count;     /* of values */
};

static int
by_hash(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static uint64_t
plain_hash(const char *p, size_t n)
{
	uint64_t h = 0x6a09e667f3bcc909ull;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		if (is_alnum_(c))
			h = phi_mix(h, c | (c < 0x80 && is_letter(c) ? 0x20u : 0));
	}
	return h;
}

/* A finding in what was made: what of it is text that stayed, goes as well. */
static int
left(void *arg, const struct phi_finding *f)
{
	struct again *a = arg;
	const struct made *m = a->made;
	size_t end = f->at + f->len, at = f->at;
	if (a->values) {
		uint64_t h = plain_hash(m->p + f->at, f->len);
		if (!bsearch(&h, a->values, a->count, sizeof h, by_hash))
			return 0;
	}
	while (a->next < m->mn && m->m[a->next].new_at + m->m[a->next].new_len <= at)
		a->next++;
	for (size_t i = a->next; at < end; i++) {
		/* The kept text before replacement i, or behind the last. */
		size_t stop = i < m->mn && m->m[i].new_at < end ? (size_t)m->m[i].new_at : end;
		size_t lo = at, hi = stop;
		while (lo < hi && !is_alnum_((unsigned char)m->p[lo]))
			lo++;
		while (hi > lo && !is_alnum_((unsigned char)m->p[hi - 1]))
			hi--;
		if (lo < hi) {
			/* Kept text lies as far behind the replacement before it as in the original. */
			size_t old = i ? (size_t)(m->m[i - 1].old_at + m->m[i - 1].old_len) + (lo - (size_t)(m->m[i - 1].new_at + m->m[i - 1].new_len)) : lo;
			struct phi_finding g = { f->kind, old, hi - lo, f->score, f->rule };
			if (keep(a->l, &g))
				return 1;
		}
		if (i >= m->mn || m->m[i].new_at >= end)
			break;
		at = (size_t)(m->m[i].new_at + m->m[i].new_len);
	}
	return 0;
}

static int
by_place(const void *a, const void *b)
{
	const struct phi_finding *x = a, *y = b;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* Scans what was made; *more when findings were added to the list. */
static enum phi_err
look(const struct phi *p, const struct phi_opts *o, struct again *a, bool *more)
{
	a->was = a->l->n;
	a->next = 0;
	enum phi_err e = phi_scan_any(p, o, a->made->p, a->made->n, left, a);
	if (e == PHI_STOPPED && !(o && o->stop && *o->stop))
		e = PHI_NOMEM;
	*more = a->l->n > a->was;
	if (*more)
		qsort(a->l->f, a->l->n, sizeof *a->l->f, by_place);
	return e;
}

static enum phi_err
decide(const struct phi *p, const struct phi_redact_opts *o, const char *text, size_t len, struct list *l, struct made *m)
{
	struct phi_redact_opts label = { .size = sizeof label };
	struct again a = { .made = m, .text = text, .l = l };
	bool more = true;
	enum phi_err e = PHI_OK;
	for (int r = 0; e == PHI_OK && more && !(o->flags & PHI_ONCE) && l->n; r++) {
		if (r == ROUNDS)
			return PHI_LIMIT;
		if ((e = make(p, &label, text, len, l, m)) == PHI_OK)
			e = look(p, o->scan, &a, &more);
	}
	if (e != PHI_OK || (o->style == PHI_STYLE_LABEL && !o->safe_harbor && !(o->flags & PHI_ONCE) && l->n))
		return e;
	e = make(p, o, text, len, l, m);
	if (o->flags & PHI_ONCE || !l->n)
		return e;
	more = true;
	for (int r = 0; e == PHI_OK && more; r++) {
		if (r == ROUNDS)
			return PHI_LIMIT;
		uint64_t *v = malloc((l->n + 1) * sizeof *v);
		if (!v)
			return PHI_NOMEM;
		for (size_t i = 0; i < l->n; i++)
			v[i] = plain_hash(text + l->f[i].at, l->f[i].len);
		qsort(v, l->n, sizeof *v, by_hash);
		a.values = v, a.count = l->n;
		e = look(p, o->scan, &a, &more);
		free(v);
		if (e == PHI_OK && more)
			e = make(p, o, text, len, l, m);
	}
	return e;
}

enum phi_err
phi_redact(const struct phi *p, const struct phi_redact_opts *given_o, const char *text, size_t len, phi_write *out, void *arg)
{
	struct list l = { 0 };
	struct made m = { 0 };
	struct phi_redact_opts o = { .size = sizeof o };
	if (given_o && !phi_options(&o, sizeof o, PHI_REDACT_V1, given_o, given_o->size))
		return PHI_BAD;
	o.size = sizeof o;
	if ((unsigned)o.style > PHI_STYLE_SURROGATE || o.flags & ~PHI_ONCE || o.reserved)
		return PHI_BAD;
	enum phi_err e = phi_scan_opts(p, o.scan, text, len, keep, &l);
	if (e == PHI_STOPPED && !(o.scan && o.scan->stop && *o.scan->stop))
		e = PHI_NOMEM;
	if (e == PHI_OK)
		e = decide(p, &o, text, len, &l, &m);
	for (size_t i = 0; e == PHI_OK && o.moved && i < m.mn; i++)
		if (o.moved(o.moved_arg, &m.m[i]))
			e = PHI_STOPPED;
	if (e == PHI_OK && m.n && out(arg, m.p, m.n))
		e = PHI_STOPPED;
	if (m.p)
		explicit_bzero(m.p, m.n);
	free(m.p);
	free(m.m);
	free(l.f);
	return e;
}
