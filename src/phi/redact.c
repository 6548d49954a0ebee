/* redact.c - findings taken out of a text.
 *
 * The whole text is scanned before the first byte is written, so a failing
 * scan writes nothing. What stands between findings is copied as it is.
 */
#include "engine.h"

#include <stdio.h>
#include <stdlib.h>

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

static uint64_t
value_hash(uint64_t key, const char *p, size_t n)
{
	/* Letters and digits only, small: the same value however it is written. */
	uint64_t h = phi_mix(0x6a09e667f3bcc909ull, key);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		if (is_alnum_(c))
			h = phi_mix(h, c | (c < 0x80 && is_letter(c) ? 0x20u : 0));
	}
	return phi_mix(h, key >> 7);
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

/* The date moved by the offset of the key, as y-m-d. What cannot be read as a
 * whole date becomes a label: half a shift would be none. */
static bool
shifted_date(const char *p, size_t n, uint64_t key, char *b, size_t bn)
{
	static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";
	int v[3] = { 0 }, len[3] = { 0 }, k = 0, month = 0;
	for (size_t i = 0; i < n && k < 3;) {
		if (is_digit((unsigned char)p[i])) {
			while (i < n && is_digit((unsigned char)p[i]) && len[k] < 8)
				v[k] = v[k] * 10 + p[i++] - '0', len[k]++;
			k++;
			continue;
		}
		if (is_letter((unsigned char)p[i])) {
			size_t from = i;
			while (i < n && is_letter((unsigned char)p[i]))
				i++;
			for (int m = 0; m < 12 && i - from >= 3 && !month; m++)
				if ((p[from] | 32) == months[m * 3] && (p[from + 1] | 32) == months[m * 3 + 1] &&
				    (p[from + 2] | 32) == months[m * 3 + 2])
					month = m + 1;
			continue;
		}
		i++;
	}
	int y, m, d;
	if (month && k >= 2 && len[0] <= 2)
		m = month, d = v[0], y = v[1];
	else if (!month && k == 1 && len[0] == 8)
		y = v[0] / 10000, m = v[0] / 100 % 100, d = v[0] % 100;
	else if (!month && k == 3 && len[0] == 4)
		y = v[0], m = v[1], d = v[2];
	else if (!month && k == 3)
		m = v[0], d = v[1], y = v[2];
	else
		return false;
	if (m > 12 && d <= 12) {
		int t = m;
		m = d, d = t;
	}
	if (y < 100)
		y += y > 40 ? 1900 : 2000;
	if (m < 1 || m > 12 || d < 1 || d > 31 || y < 1800 || y > 2200)
		return false;
	civil_of(days_of(y, m, d) - 30 - (long)(phi_mix(key, 77) % 335), &y, &m, &d);
	snprintf(b, bn, "%02d/%02d/%04d", m, d, y);
	return true;
}

static int
surrogate(const char *p, size_t n, enum phi_kind kind, uint64_t key, phi_write *out, void *arg)
{
	uint64_t h = value_hash(key, p, n);
	char b[200];
	switch (kind) {
	case PHI_NAME: {
		/* Word by word, so that "Ann Lee" and "Ann" agree. */
		size_t i = 0, word = 0, words = 0;
		for (size_t j = 0; j < n; j++)
			words += is_alnum_((unsigned char)p[j]) && (j == 0 || !is_alnum_((unsigned char)p[j - 1]));
		while (i < n) {
			if (!is_alnum_((unsigned char)p[i])) {
				if (out(arg, p + i, 1))
					return 1;
				i++;
				continue;
			}
			size_t from = i;
			while (i < n && is_alnum_((unsigned char)p[i]))
				i++;
			uint64_t w = value_hash(key, p + from, i - from);
			const char *z = words > 1 && word + 1 == words ? family[w % COUNTOF(family)] : given[w % COUNTOF(given)];
			bool lower = p[from] >= 'a' && p[from] <= 'z';
			if (i - from == 1)
				snprintf(b, sizeof b, "%c", z[0] | (lower ? 32 : 0));
			else
				snprintf(b, sizeof b, "%c%s", z[0] | (lower ? 32 : 0), z + 1);
			if (put(out, arg, b))
				return 1;
			word++;
		}
		return 0;
	}
	case PHI_DATE:
		if (!shifted_date(p, n, key, b, sizeof b))
			return put(out, arg, "[DATE]");
		break;
	case PHI_AGE90: snprintf(b, sizeof b, "90+"); break;
	case PHI_LOCATION: snprintf(b, sizeof b, "%u %s St, %s", (unsigned)(h % 900 + 100), family[h >> 20 & 31], towns[h >> 30 & 7]); break;
	case PHI_FACILITY: snprintf(b, sizeof b, "%s Clinic", towns[h >> 30 & 7]); break;
	case PHI_EMAIL: snprintf(b, sizeof b, "person%06u@example.com", (unsigned)(h % 1000000)); break;
	case PHI_PHONE: case PHI_FAX: snprintf(b, sizeof b, "(555) 555-01%02u", (unsigned)(h % 100)); break; /* reserved for fiction */
	case PHI_SSN: snprintf(b, sizeof b, "000-00-%04u", (unsigned)(h % 10000)); break;                    /* never issued */
	case PHI_URL: snprintf(b, sizeof b, "https://example.com/%08x", (unsigned)h); break;
	case PHI_IP: snprintf(b, sizeof b, "192.0.2.%u", (unsigned)(h % 255)); break;                        /* RFC 5737 */
	case PHI_PHOTO: snprintf(b, sizeof b, "image-%06u.jpg", (unsigned)(h % 1000000)); break;
	default: {
		/* The form of the code; digits from the hash, the first one 0, so that no check digit fits by chance. */
		size_t k = 0;
		bool first = true;
		for (size_t i = 0; i < n && k < sizeof b - 1; i++) {
			unsigned char c = (unsigned char)p[i];
			h = phi_mix(h, i + 1);
			if (is_digit(c))
				b[k++] = first ? '0' : (char)('0' + h % 10), first = false;
			else if (c >= 0x80)
				b[k++] = 'Z';
			else
				b[k++] = is_letter(c) ? (char)('A' + h % 26) : (char)c;
		}
		return out(arg, b, k);
	}
	}
	return put(out, arg, b);
}

enum phi_err
phi_replace(const struct phi *p, const struct phi_redact_opts *o, const char *text, size_t len, const struct phi_finding *f,
    phi_write *out, void *arg)
{
	static const struct phi_redact_opts plain = { .size = sizeof plain };
	(void)p;
	if (!o)
		o = &plain;
	if (o->size != sizeof *o || f->at > len || f->len > len - f->at || !phi_kind_name(f->kind))
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
		snprintf(b, sizeof b, "[%s:%012llx]", name, (unsigned long long)(value_hash(o->key, v, f->len) >> 16));
		r = put(out, arg, b);
		break;
	case PHI_STYLE_SURROGATE:
		r = surrogate(v, f->len, f->kind, o->key, out, arg);
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

enum phi_err
phi_redact(const struct phi *p, const struct phi_redact_opts *o, const char *text, size_t len, phi_write *out, void *arg)
{
	struct list l = { 0 };
	if (o && (o->size != sizeof *o || (unsigned)o->style > PHI_STYLE_SURROGATE))
		return PHI_BAD;
	enum phi_err e = phi_scan_opts(p, o ? o->scan : NULL, text, len, keep, &l);
	if (e == PHI_STOPPED && !(o && o->scan && o->scan->stop && *o->scan->stop))
		e = PHI_NOMEM;
	size_t at = 0;
	for (size_t i = 0; e == PHI_OK && i < l.n; i++) {
		if (l.f[i].at > at && out(arg, text + at, l.f[i].at - at))
			e = PHI_STOPPED;
		else
			e = phi_replace(p, o, text, len, &l.f[i], out, arg);
		at = l.f[i].at + l.f[i].len;
	}
	if (e == PHI_OK && at < len && out(arg, text + at, len - at))
		e = PHI_STOPPED;
	free(l.f);
	return e;
}
