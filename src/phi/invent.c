/* invent.c - people who do not exist, and what identifies them.
 *
 * A person has one name, one telephone, one address, one set of numbers in a
 * ticket; a slot writes them in some form, so that the e-mail, the signature
 * and the chart agree as they do in real tickets. Names are drawn by frequency
 * from the lexicon's lists, three in ten from their tails, some put together
 * from parts of two so that nobody and no list has them. Identifiers come in
 * many forms, with valid and invalid check digits.
 */
#include "invent.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- random ------------------------------------------------------------------------------------- */

static uint64_t state;

static uint64_t
rnd(void)
{
	uint64_t z = (state += 0x9e3779b97f4a7c15ull);
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

unsigned below(unsigned n) { return (unsigned)(rnd() % n); }
bool chance(unsigned percent) { return below(100) < percent; }
#define PICK(a) ((a)[below((unsigned)LEN(a))])

/* ---- lists --------------------------------------------------------------------------------------- */

struct names { char **name; double *upto; size_t n; };
struct list { char **line; size_t n; };
static struct names given, family;
static struct list places, hospitals, counties, carrier;

char *
slurp(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	if (!f) {
		perror(path);
		exit(1);
	}
	char *p = malloc(8u << 20);
	if (!p)
		exit(3);
	*n = fread(p, 1, (8u << 20) - 1, f);
	p[*n] = 0;
	fclose(f);
	return p;
}

static void
read_list(const char *dir, const char *name, struct list *l)
{
	char path[4096];
	size_t n;
	snprintf(path, sizeof path, "%s/%s", dir, name);
	char *p = slurp(path, &n), *nl;
	l->line = malloc(200000 * sizeof *l->line);
	for (; l->line && *p && l->n < 200000; p = nl + 1) {
		nl = strchr(p, '\n');
		if (nl)
			*nl = 0;
		if (*p)
			l->line[l->n++] = p;
		if (!nl)
			break;
	}
}

static void
read_names(const char *dir, const char *name, struct names *v, double least)
{
	struct list l = { 0 };
	read_list(dir, name, &l);
	v->name = malloc(l.n * sizeof *v->name);
	v->upto = malloc(l.n * sizeof *v->upto);
	double sum = 0;
	for (size_t i = 0; i < l.n; i++) {
		char *tab = strchr(l.line[i], '\t');
		if (!tab)
			continue;
		*tab = 0;
		double c = strtod(tab + 1, NULL);
		if (c < least)
			continue;
		sum += c;
		v->name[v->n] = l.line[i];
		v->upto[v->n++] = sum;
	}
}

static const char *
draw(const struct names *v)
{
	if (chance(30))
		return v->name[below((unsigned)v->n)];
	double x = (double)(rnd() >> 11) / 9007199254740992.0 * v->upto[v->n - 1];
	size_t lo = 0, hi = v->n - 1;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (v->upto[mid] < x)
			lo = mid + 1;
		else
			hi = mid;
	}
	return v->name[lo];
}

static const char *const ambiguous_given[] = { "Will", "May", "April", "June", "Summer", "Chase", "Paris", "Hope", "Faith", "Grace",
	"Mark", "Bill", "Rose", "Dawn", "Joy", "Autumn", "Art", "Rich", "Frank", "Drew", "Pat", "Sue", "Jack", "Virginia", "Georgia",
	"Austin", "Dallas", "Jordan", "Houston", "Madison", "Sydney", "Carmen", "Olive", "Iris", "Ruby", "Pearl", "Sandy", "Cliff",
	"Dean", "Earl", "Guy", "Miles", "Wade", "Heath", "Skip", "Chance", "Destiny", "Harmony", "Melody", "Angel", "Christian",
	"Geneva", "Florence", "Victoria", "Charlotte", "Savannah", "Brooklyn", "London", "Holly", "Ivy", "Daisy", "Violet", "Amber" };
static const char *const ambiguous_family[] = { "Young", "Long", "Green", "Brown", "White", "Black", "Short", "Small", "Price", "Cash",
	"Banks", "Fields", "Rivers", "Stone", "Wood", "Woods", "Hill", "Lake", "Park", "Parks", "Day", "Weeks", "Monday", "Friday", "May",
	"March", "Summer", "Winters", "Snow", "Rain", "Frost", "Cook", "Baker", "Cooper", "Mason", "Carpenter", "Fisher", "Hunter",
	"Parker", "Page", "Case", "Chambers", "Hall", "House", "Church", "Temple", "Bishop", "Pope", "King", "Prince", "Knight", "Duke",
	"Sharp", "Wise", "Love", "Hope", "Moody", "Savage", "Strong", "Armstrong", "Best", "Good", "Power", "Powers", "Rich", "Grant",
	"Bond", "Ford", "Bell", "Graves", "Addison", "Parkinson", "Hodgkin", "Foley", "Crohn", "Down", "Cushing", "Gray", "Bush", "Rose",
	"Reading", "Bend", "Mobile", "Rochester", "Lincoln", "Washington", "Jackson", "Houston", "Austin", "Cleveland", "Wells", "Stanford" };

/* Front of one, back of another: a name that is in no list. */
static void
invent(char *out, const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b), k = n / 2 + 1, j = m / 2;
	snprintf(out, 48, "%.*s%s", (int)(k < 20 ? k : 20), a, b + j);
	for (char *q = out + 1; *q; q++)
		if (*q >= 'A' && *q <= 'Z' && q[-1] != '-' && q[-1] != '\'')
			*q = (char)(*q | 32);
}

struct person {
	char     first[48], last[100], nick[48], middle;
	int      dob_y, dob_m, dob_d;
	unsigned area, exchange, line, mobile;      /* telephones: of the house; the last four of the other */
	char     street[200], city[80], state[4], zip[12];
	char     mail[200], user[140], mrn[24], plan[24], acct[24];
};

/* ---- the text being made ----------------------------------------------------------------------------- */

struct made made;

void
put(const char *z)
{
	size_t n = strlen(z);
	if (made.n + n >= MADE_CAP)
		return;
	memcpy(made.text + made.n, z, n + 1);
	made.n += n;
}

static void
mark(size_t at, const char *label)
{
	if (made.spans < LEN(made.span) && made.n > at)
		made.span[made.spans].at = at, made.span[made.spans].end = made.n, made.span[made.spans++].label = label;
}

static void
value(const char *z, const char *label)
{
	size_t at = made.n;
	put(z);
	mark(at, label);
}

static void
upper(char *z)
{
	for (; *z; z++)
		if (*z >= 'a' && *z <= 'z')
			*z = (char)(*z - 32);
}

/* ---- values -------------------------------------------------------------------------------------------- */

static const char *
digits(char *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		b[i] = (char)('0' + below(10));
	if (b[0] == '0' && chance(80))
		b[0] = (char)('1' + below(9));
	b[n] = 0;
	return b;
}

/* A is a letter, 9 a digit, X either, the rest stands for itself. */
static const char *
form(char *b, const char *pattern)
{
	size_t i = 0;
	for (; pattern[i]; i++) {
		char c = pattern[i];
		b[i] = c == 'A' ? (char)('A' + below(26)) : c == 'a' ? (char)('a' + below(26)) : c == '9' ? (char)('0' + below(10)) :
		    c == 'X' ? (chance(50) ? (char)('A' + below(26)) : (char)('0' + below(10))) : c;
	}
	b[i] = 0;
	return b;
}

static const char *const month_names[] = { "January", "February", "March", "April", "May", "June", "July", "August", "September",
	"October", "November", "December" };
static const char *const day_names[] = { "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday" };

static const char *
ordinal(int d)
{
	return d == 1 || d == 21 || d == 31 ? "st" : d == 2 || d == 22 ? "nd" : d == 3 || d == 23 ? "rd" : "th";
}

static void
date(char *b, int y, int m, int d, bool year)
{
	const char *mon = month_names[m - 1];
	char s3[4] = { mon[0], mon[1], mon[2], 0 };
	int y2 = y % 100;
	if (!year) {
		switch (below(9)) {
		case 0: case 1: snprintf(b, 64, "%d/%d", m, d); break;
		case 2: snprintf(b, 64, "%02d/%02d", m, d); break;
		case 3: snprintf(b, 64, "%s %d", mon, d); break;
		case 4: snprintf(b, 64, "%s %d%s", mon, d, ordinal(d)); break;
		case 5: snprintf(b, 64, "%s %d", s3, d); break;
		case 6: snprintf(b, 64, "%s, %s %d", PICK(day_names), mon, d); break;
		case 7: snprintf(b, 64, "%d%s of %s", d, ordinal(d), mon); break;
		default: {
			static const char *const words[] = { "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
				"eleventh", "twelfth" };
			if (d <= 12 && chance(40))
				snprintf(b, 64, chance(50) ? "%s of %s" : "the %s of %s", words[d - 1], mon);
			else
				snprintf(b, 64, "%s %d/%d", PICK(day_names), m, d);
		}
		}
		return;
	}
	switch (below(18)) {
	case 0: case 1: case 2: snprintf(b, 64, "%02d/%02d/%d", m, d, y); break;
	case 3: snprintf(b, 64, "%d/%d/%02d", m, d, y2); break;
	case 4: snprintf(b, 64, "%d-%d-%d", m, d, y); break;
	case 5: snprintf(b, 64, "%d-%d-%02d", m, d, y2); break;
	case 6: case 7: snprintf(b, 64, "%d-%02d-%02d", y, m, d); break;
	case 8: case 9: snprintf(b, 64, "%s %d, %d", mon, d, y); break;
	case 10: snprintf(b, 64, "%s %d%s, %d", mon, d, ordinal(d), y); break;
	case 11: snprintf(b, 64, "%d %s %d", d, s3, y); break;
	case 12: snprintf(b, 64, "%s %d %d", s3, d, y); break;
	case 13: snprintf(b, 64, "%d.%d.%d", d, m, y); break;
	case 14: snprintf(b, 64, "%02d-%s-%d", d, s3, y); break;
	case 15: snprintf(b, 64, "%d%s of %s %d", d, ordinal(d), mon, y); break;
	case 16: snprintf(b, 64, "%s, %s %d, %d", PICK(day_names), mon, d, y); break;
	default: snprintf(b, 64, "%s %d, '%02d", mon, d, y2);
	}
}

/* A number of the house or of the pocket, in one of the ways people write it. */
static void
phone_as(char *b, unsigned a, unsigned e, unsigned l)
{
	switch (below(26)) {
	case 0: case 1: case 2: case 3: case 4: case 5: snprintf(b, 96, "%03u-%03u-%04u", a, e, l); break;
	case 6: case 7: case 8: case 9: snprintf(b, 96, "(%03u) %03u-%04u", a, e, l); break;
	case 10: case 11: snprintf(b, 96, "%03u.%03u.%04u", a, e, l); break;
	case 12: case 13: snprintf(b, 96, "%03u %03u %04u", a, e, l); break;
	case 14: case 15: snprintf(b, 96, "%03u%03u%04u", a, e, l); break;
	case 16: snprintf(b, 96, "+1 %03u-%03u-%04u", a, e, l); break;
	case 17: snprintf(b, 96, "1-%03u-%03u-%04u", a, e, l); break;
	case 18: snprintf(b, 96, "(%03u)%03u-%04u", a, e, l); break;
	case 19: snprintf(b, 96, "%03u/%03u-%04u", a, e, l); break;
	case 20: snprintf(b, 96, "+1%03u%03u%04u", a, e, l); break;
	case 21: snprintf(b, 96, "%03u-%03u %04u", a, e, l); break;
	case 22: snprintf(b, 96, "1 (%03u) %03u %04u", a, e, l); break;
	case 23: snprintf(b, 96, "%03u-%03u-%04u ext. %u", a, e, l, 10 + below(900)); break;
	case 24: snprintf(b, 96, "(%03u) %03u-%04u x%u", a, e, l, 10 + below(9000)); break;
	default: snprintf(b, 96, "%03u-%04u", e, l);
	}
}

static void
phone(char *b)
{
	unsigned a = 201 + below(780), e = 200 + below(790), l = below(10000);
	if (chance(60))
		e = 555, l = 100 + below(100);
	if (chance(8)) {
		static const char *const abroad[] = { "+44 20 7946 0%u", "+44 7700 900%u", "+91 98%u 12345", "+52 55 1234 %u", "+63 917 555 %u",
			"+353 1 555 %u", "+49 30 901%u", "+33 1 99 00 %u", "+61 491 570 %u", "01632 960%u", "+234 803 555 %u", "+55 11 95555-%u" };
		snprintf(b, 96, PICK(abroad), 100 + below(900));
		return;
	}
	phone_as(b, a, e, l);
}

/* Digits as they are read out loud. */
static void
say_digits(char *b, size_t cap, const char *d)
{
	static const char *const w[] = { "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine" };
	bool oh = chance(70), comma = chance(25);
	*b = 0;
	for (size_t i = 0; d[i]; i++) {
		size_t n = strlen(b);
		unsigned v = (unsigned)(d[i] - '0');
		if (d[i] == d[i + 1] && v && chance(15)) {
			snprintf(b + n, cap - n, "%sdouble %s", n ? " " : "", w[v]);
			i++;
		} else
			snprintf(b + n, cap - n, "%s%s", !n ? "" : comma && i % 3 == 0 ? ", " : " ", v == 0 && oh ? "oh" : w[v]);
	}
}

static const char *const day_words[] = { "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
	"eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth", "twentieth",
	"twenty first", "twenty second", "twenty third", "twenty fourth", "twenty fifth", "twenty sixth", "twenty seventh", "twenty eighth" };

static void
say_number(char *b, size_t cap, int v)
{
	static const char *const small[] = { "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
		"twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen" };
	static const char *const tens[] = { "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety" };
	if (v < 20)
		snprintf(b, cap, "%s", small[v]);
	else
		snprintf(b, cap, v % 10 ? "%s%s%s" : "%s", tens[v / 10], chance(50) ? " " : "-", small[v % 10]);
}

static void
say_date(char *b, size_t cap, int y, int m, int d, bool year)
{
	char yy[48], t[24], u[24];
	say_number(t, sizeof t, y % 100);
	if (y >= 2000 && y < 2010)
		snprintf(yy, sizeof yy, y == 2000 ? "two thousand" : "two thousand %s%s", chance(50) ? "and " : "", t);
	else {
		say_number(u, sizeof u, y / 100);
		snprintf(yy, sizeof yy, y % 100 < 10 ? "%s oh %s" : "%s %s", u, t);
	}
	switch (below(4)) {
	case 0: snprintf(b, cap, "%s the %s", month_names[m - 1], day_words[d - 1]); break;
	case 1: snprintf(b, cap, "the %s of %s", day_words[d - 1], month_names[m - 1]); break;
	default: snprintf(b, cap, "%s %s", month_names[m - 1], day_words[d - 1]);
	}
	if (year) {
		size_t n = strlen(b);
		snprintf(b + n, cap - n, chance(30) ? ", %s" : " %s", yy);
	}
	for (char *q = b; chance(60) && *q; q++)
		*q = (char)tolower((unsigned char)*q);
}

/* The first letter; names that begin with another than ours lend one. */
static char
initial(const char *z)
{
	return isalpha((unsigned char)*z) ? *z : 'E';
}

static void
name_of(const char *how, const struct person *p, char *b)
{
	char first[48], last[100];
	snprintf(first, sizeof first, "%s", p->first);
	snprintf(last, sizeof last, "%s", p->last);
	if (!strcmp(how, "f"))
		snprintf(b, 200, "%s", first);
	else if (!strcmp(how, "nick"))
		snprintf(b, 200, "%s", p->nick);
	else if (!strcmp(how, "l"))
		snprintf(b, 200, "%s", last);
	else if (!strcmp(how, "fi"))
		snprintf(b, 200, chance(70) ? "%s %c." : "%s %c", first, initial(last));
	else if (!strcmp(how, "il"))
		snprintf(b, 200, chance(80) ? "%c. %s" : "%c %s", initial(first), last);
	else if (!strcmp(how, "lf")) {
		if (chance(25))
			upper(first), upper(last);
		switch (below(5)) {
		case 0: snprintf(b, 200, "%s, %s %c", last, first, p->middle); break;
		case 1: snprintf(b, 200, "%s, %s %c.", last, first, p->middle); break;
		default: snprintf(b, 200, "%s, %s", last, first);
		}
	} else if (!strcmp(how, "hl7")) {
		upper(first), upper(last);
		snprintf(b, 200, chance(50) ? "%s^%s^%c" : "%s^%s", last, first, p->middle);
	} else if (!strcmp(how, "init"))
		snprintf(b, 200, "%c%c", initial(first), initial(last));
	else if (!strcmp(how, "spell")) {
		/* m-a-c-k: the letters of the last name */
		const char *sep = chance(50) ? "-" : chance(50) ? " " : ", ";
		size_t n = 0;
		for (const char *q = last; *q && n < 90; q++)
			if (isalpha((unsigned char)*q))
				n += (size_t)snprintf(b + n, 200 - n, "%s%c", n ? sep : "", *q & ~32);
		if (!n)
			snprintf(b, 200, "%s", last);
	} else if (!strcmp(how, "fl"))
		snprintf(b, 200, "%s %s", first, last);
	else if (!strcmp(how, "up"))
		upper(first), upper(last), chance(30) ? snprintf(b, 200, "%s %c %s", first, p->middle, last) : snprintf(b, 200, "%s %s", first, last);
	else if (!strcmp(how, "inits"))
		snprintf(b, 200, chance(50) ? "%c.%c." : "%c%c", initial(first), initial(last));
	else
		switch (below(16)) {
		case 4: snprintf(b, 200, "%s \"%s\" %s", first, p->nick, last); break;
		case 5: snprintf(b, 200, "%s %s-%s", first, last, draw(&family)); break;
		case 0: snprintf(b, 200, "%s %c. %s", first, p->middle, last); break;
		case 1: snprintf(b, 200, "%s %c %s", first, p->middle, last); break;
		case 2: snprintf(b, 200, chance(50) ? "%s %s Jr." : "%s %s III", first, last); break;
		case 3: snprintf(b, 200, "%s %s %s", first, draw(&given), last); break;
		default: snprintf(b, 200, "%s %s", first, last);
		}
}

static void
word_of(char *b, const char *z)
{
	size_t k = 0;
	for (; *z && k < 30; z++)
		if (isalpha((unsigned char)*z))
			b[k++] = (char)tolower((unsigned char)*z);
	b[k] = 0;
}

static void
email_of(const struct person *p, char *b)
{
	static const char *const hosts[] = { "freemail.example", "postbox.example", "quickmail.example", "mail.example.org",
		"example.com", "example.net", "inbox.example", "webmail.example" };
	char f[48], l[48];
	word_of(f, p->first), word_of(l, p->last);
	const char *h = PICK(hosts);
	switch (below(7)) {
	case 0: snprintf(b, 200, "%s.%s@%s", f, l, h); break;
	case 1: snprintf(b, 200, "%c%s@%s", initial(f), l, h); break;
	case 2: snprintf(b, 200, "%s%u@%s", f, below(100), h); break;
	case 3: snprintf(b, 200, "%s_%s@%s", f, l, h); break;
	case 4: snprintf(b, 200, "%s%c%02u@%s", f, l[0], below(100), h); break;
	case 5: snprintf(b, 200, "%s.%s%u@%s", l, f, below(1000), h); break;
	default: snprintf(b, 200, "%s%s@%s", f, l, h);
	}
}

static void
place(char *city, char *st)
{
	char *l = places.line[below((unsigned)places.n)], *tab = strchr(l, '\t');
	snprintf(city, 80, "%.*s", (int)(tab ? tab - l : 20), l);
	snprintf(st, 4, "%s", tab ? tab + 1 : "OH");
	if (chance(25)) {
		static const char *const big[][2] = { { "Boston", "MA" }, { "Chicago", "IL" }, { "Houston", "TX" }, { "Phoenix", "AZ" },
			{ "Seattle", "WA" }, { "Denver", "CO" }, { "Atlanta", "GA" }, { "Miami", "FL" }, { "Dallas", "TX" }, { "San Diego", "CA" },
			{ "New York", "NY" }, { "Los Angeles", "CA" }, { "Portland", "OR" }, { "Cleveland", "OH" }, { "Nashville", "TN" },
			{ "San Francisco", "CA" }, { "Philadelphia", "PA" }, { "Minneapolis", "MN" }, { "St. Louis", "MO" }, { "Reading", "PA" },
			{ "Mobile", "AL" }, { "Bend", "OR" }, { "Tampa", "FL" }, { "Austin", "TX" }, { "Newark", "NJ" }, { "Orlando", "FL" } };
		size_t i = below((unsigned)LEN(big));
		snprintf(city, 80, "%s", big[i][0]), snprintf(st, 4, "%s", big[i][1]);
	}
}

static const char *const street_words[] = { "Oak", "Maple", "Cedar", "Pine", "Elm", "Washington", "Lake", "Hill", "Walnut", "Spring",
	"North", "Ridge", "Church", "Willow", "Mill", "River", "Highland", "Sunset", "Jackson", "Park", "Main", "Market", "Franklin",
	"Larkspur", "Sycamore", "Juniper", "Magnolia", "Meadow", "Orchard", "Prospect", "Union", "Center", "Cherry", "Dogwood", "1st",
	"2nd", "3rd", "5th", "14th", "42nd", "King", "Queen", "Broad", "Canal", "Harbor", "Old Mill", "Martin Luther King", "Country Club" };
static const char *const street_kinds[] = { "St", "Street", "Ave", "Avenue", "Rd", "Road", "Dr", "Drive", "Ln", "Lane", "Ct", "Court",
	"Blvd", "Boulevard", "Way", "Place", "Pl", "Circle", "Terrace", "Pkwy", "Parkway", "Trail", "Loop", "Highway" };

static void
street(char *b)
{
	static const char *const dirs[] = { "N", "S", "E", "W", "NE", "SW", "North", "South", "East", "West" };
	char name[64], unit[40] = "", dir[16] = "";
	snprintf(name, sizeof name, "%s", chance(55) ? PICK(street_words) : draw(&family));
	if (chance(20))
		snprintf(dir, sizeof dir, "%s ", PICK(dirs));
	if (chance(30)) {
		static const char *const units[] = { "Apt", "Apt.", "Unit", "Suite", "Ste", "#", "apartment", "Floor", "Fl", "Room", "Bldg" };
		const char *u = PICK(units);
		snprintf(unit, sizeof unit, "%s%s%s%u%s", chance(60) ? ", " : " ", u, *u == '#' ? "" : " ", 1 + below(chance(50) ? 20 : 900),
		    chance(20) ? "B" : "");
	}
	unsigned n = chance(50) ? 100 + below(900) : chance(50) ? 1 + below(99) : 1000 + below(30000);
	switch (below(16)) {
	case 0: snprintf(b, 200, "PO Box %u", 1 + below(9999)); break;
	case 1: snprintf(b, 200, "P.O. Box %u", 1 + below(9999)); break;
	case 2: snprintf(b, 200, chance(50) ? "RR %u Box %u" : "HC %u Box %u", 1 + below(9), 1 + below(400)); break;
	case 3: snprintf(b, 200, "%u County Road %u", n, 1 + below(900)); break;
	case 4: snprintf(b, 200, "%u Highway %u%s", n, 1 + below(400), unit); break;
	default: snprintf(b, 200, "%u %s%s %s%s%s", n, dir, name, PICK(street_kinds), chance(15) ? "." : "", unit);
	}
}

static void
address(char *b, bool block)
{
	char s[200], city[80], st[4], zip[12];
	if (chance(10)) {
		/* odd ones */
		place(city, st);
		switch (below(6)) {
		case 0: snprintf(b, 400, "Flat %u, %u %s Row, %s", 1 + below(30), 1 + below(200), draw(&family), city); break;
		case 1: snprintf(b, 400, "Lot %u, %s Acres MHP, %s %s %05u", 1 + below(90), PICK(street_words), city, st, 10000 + below(80000)); break;
		case 2: snprintf(b, 400, "N%u Cty Rd %c, %s %s %05u", 1000 + below(8000), (char)('A' + below(26)), city, st, 10000 + below(80000)); break;
		case 3: snprintf(b, 400, "%u Rue %s Ouest, %s H2X 1X%u", 1 + below(2000), draw(&family), city, below(10)); break;
		case 4: snprintf(b, 400, "corner of %s and %s", PICK(street_words), PICK(street_words)); break;
		default: snprintf(b, 400, "%u %s, %s, %s", 1 + below(300), PICK(street_words), city, st);
		}
		return;
	}
	if (chance(14)) {
		/* abroad */
		static const char *const kinds[] = { "Rua", "Avenida", "Calle", "Via", "rue de", "Rue", "Karl-", "Avenue de", "Plaza" };
		static const char *const ends[] = { "straat", "laan", "weg", "strasse", "gatan", "tie", "katu", "vej", "vagen", "gasse", " Str.",
			" utca", " u.", " vei", "stigur" };
		char w[48], w2[48];
		invent(w, draw(&family), draw(&family));
		invent(w2, draw(&family), draw(&family));
		const char *sep = block ? "\n" : ", ";
		unsigned n = 1 + below(chance(40) ? 99999 : 200), m = 1 + below(999);
		switch (below(6)) {
		case 0: snprintf(b, 400, "%u %s %s%s%s %u", n, PICK(kinds), w, sep, w2, 1000 + below(90000)); break;
		case 1: snprintf(b, 400, "%s%s %u%s%u %s", w, PICK(ends), n % 300 + 1, sep, 1000 + below(90000), w2); break;
		case 2: snprintf(b, 400, "%u %s%s %u%sSuite %u%s%s", n, w, PICK(ends), m, sep, 1 + below(900), sep, w2); break;
		case 3: snprintf(b, 400, "%u %s %s %u%sApt. %u%s%s", n, PICK(kinds), w, m, sep, 1 + below(900), sep, w2); break;
		case 4: snprintf(b, 400, "%s %s %u, %05u %s", PICK(kinds), w, n % 400 + 1, below(99999), w2); break;
		default: snprintf(b, 400, "%u %s%s%s%s", n, w, PICK(ends), sep, w2);
		}
		return;
	}
	street(s);
	place(city, st);
	if (chance(25))
		snprintf(zip, sizeof zip, "%05u-%04u", 1000 + below(98000), below(10000));
	else
		snprintf(zip, sizeof zip, "%05u", 1000 + below(98000));
	if (block) {
		snprintf(b, 400, "%s\n%s, %s %s", s, city, st, zip);
		return;
	}
	switch (below(10)) {
	case 0: snprintf(b, 400, "%s", s); break;
	case 1: snprintf(b, 400, "%s %s %s %s", s, city, st, zip); break;
	case 2: snprintf(b, 400, "%s, %s", s, city); break;
	case 3: snprintf(b, 400, "%s, %s, %s", s, city, zip); break;
	case 4: snprintf(b, 400, "%s, %s %s", s, city, st); break;
	case 5: snprintf(b, 400, "%s in %s", s, city); break;
	default: snprintf(b, 400, "%s, %s, %s %s", s, city, st, zip);
	}
}

static void
facility(char *b)
{
	static const char *const shorts[] = { "Mayo Clinic", "Cleveland Clinic", "Mass General", "Johns Hopkins", "UCSF", "UCLA", "Kaiser",
		"Kaiser Permanente", "Mount Sinai", "NYU Langone", "Cedars-Sinai", "Duke", "Stanford Health", "UPMC", "Geisinger", "Banner",
		"MD Anderson", "Sloan Kettering", "Intermountain", "Ochsner", "Scripps", "Sutter", "Sharp", "Mercy", "Providence", "Emory",
		"NY-Presbyterian", "Brigham and Women's", "Tufts", "Rush", "Walgreens on Main", "Mount Carmel", "St. Jude" };
	static const char *const heads[] = { "Hospital", "Medical Center", "Clinic", "General Hospital", "Community Hospital",
		"Regional Medical Center", "Memorial Hospital", "Pediatrics", "Family Practice", "Health", "Healthcare", "Pharmacy", "Dental",
		"Orthopedic Hospital", "Cancer Center", "Surgery Center", "Urgent Care", "Nursing Home", "Rehab", "Elementary", "High School",
		"Middle School", "Preschool", "Health System", "Women's Clinic", "Dermatology", "Cardiology Associates", "Eye Center",
		"Imaging", "Hospice", "Assisted Living", "Children's Hospital", "Medical Group", "University Hospital", "Heart Institute",
		"Health Center", "Care Center", "Physical Therapy", "Behavioral Health", "Internal Medicine", "Lab" };
	static const char *const nature[] = { "Bayview", "Riverside", "Lakeside", "Pine Ridge", "Palm Coast", "Green Valley", "Sunrise",
		"Oakwood", "Maple Grove", "Cedar Hills", "Harborview", "Northside", "Eastgate", "Summit", "Valley", "Sunny Acres", "Bright Smiles",
		"Good Samaritan", "Sacred Heart", "Holy Cross", "Mercy", "Grace", "Hope", "Trinity", "Unity", "Blue Ridge", "Silver Lake" };
	static const char *const saints[] = { "Mary", "Joseph", "Luke", "Patrick", "Francis", "Vincent", "Anthony", "Michael", "John", "Jude",
		"Agnes", "Elizabeth", "Thomas", "Peter", "Paul", "Anne", "Clare", "Raphael" };
	static const char *const nets[] = { "Baptist", "Mercy", "Providence", "Kaiser", "VA", "Methodist", "Sutter", "Banner", "Trinity",
		"Adventist", "Ascension", "Dignity", "Novant", "Atrium", "Essentia", "Sanford", "Prisma", "Lakeside", "St. Luke's", "Sacred Heart" };
	static const char *const kinds[] = { "Dialysis", "Spine", "Ortho", "Endocrine Associates", "Kidney Care", "Gastroenterology",
		"ENT", "OB/GYN", "Allergy & Asthma", "Vein Clinic", "Foot & Ankle", "Eye Care", "Oral Surgery", "Fertility", "Pain Management",
		"Sleep Medicine", "Wound Care", "Infusion", "Counseling", "Recovery", "Pediatric Dentistry", "Hearing Center", "Birth Center",
		"Family Medicine", "Walk-In", "Neurology", "Podiatry", "Veterans Home", "Convalescent Home", "Nursing & Rehab", "Memory Care" };
	char city[80], st[4];
	place(city, st);
	switch (below(16)) {
	case 11: snprintf(b, 200, "%s %s", PICK(nets), city); break;
	case 12: snprintf(b, 200, "%s %s", chance(50) ? draw(&family) : PICK(nature), PICK(kinds)); break;
	case 13: snprintf(b, 200, "%s %s", city, PICK(kinds)); break;
	case 14: snprintf(b, 200, chance(50) ? "Our Lady of %s" : "%s Bldg", PICK(nature)); break;
	case 15: snprintf(b, 200, chance(50) ? "%s & %s %s" : "%s-%s %s", draw(&family), draw(&family), chance(50) ? PICK(heads) : PICK(kinds)); break;
	case 0: case 1: snprintf(b, 200, "%s", PICK(shorts)); break;
	case 2: snprintf(b, 200, "%s", hospitals.line[below((unsigned)hospitals.n)]); break;
	case 3: snprintf(b, 200, "St. %s's %s", PICK(saints), chance(60) ? "Hospital" : PICK(heads)); break;
	case 4: snprintf(b, 200, "St %s %s", PICK(saints), PICK(heads)); break;
	case 5: snprintf(b, 200, "%s %s", draw(&family), PICK(heads)); break;
	case 6: snprintf(b, 200, "University of %s %s", city, chance(60) ? "Medical Center" : "Hospital"); break;
	case 7: snprintf(b, 200, "%s %s %s", city, chance(50) ? "Regional" : "General", chance(50) ? "Hospital" : "Medical Center"); break;
	case 8: snprintf(b, 200, "%s Children's Hospital", city); break;
	default: snprintf(b, 200, "%s %s", PICK(nature), PICK(heads));
	}
}

/* Some letters of a name with the marks of other languages. */
static void
marks(char *z, size_t cap)
{
	static const struct { char c; const char *as[6]; } table[] = {
		{ 'a', { "á", "ä", "å", "ã", "à", "ă" } }, { 'e', { "é", "è", "ê", "ë", "ę", "ė" } }, { 'i', { "í", "î", "ï", "ì", "ı", "ī" } },
		{ 'o', { "ö", "ø", "ó", "ô", "õ", "ő" } }, { 'u', { "ü", "ú", "û", "ů", "ū", "ű" } }, { 'n', { "ñ", "ń", "ň", "ñ", "ņ", "ñ" } },
		{ 'c', { "ç", "č", "ć", "ç", "č", "ć" } }, { 's', { "š", "ś", "ş", "ș", "š", "ß" } }, { 'z', { "ž", "ż", "ź", "ž", "ž", "ż" } },
		{ 'l', { "ł", "ľ", "ł", "ł", "ļ", "ł" } }, { 'r', { "ř", "ŕ", "ř", "ř", "ř", "ř" } }, { 'd', { "đ", "ď", "đ", "ð", "đ", "ð" } },
		{ 'g', { "ğ", "ģ", "ğ", "ğ", "ğ", "ğ" } }, { 'y', { "ý", "ÿ", "ý", "ỳ", "ý", "ý" } }, { 't', { "ț", "ť", "ţ", "ț", "ť", "þ" } },
	};
	char b[200];
	size_t n = 0, language = below(6), changed = 0;
	for (const char *q = z; *q && n + 4 < sizeof b; q++) {
		const char *as = NULL;
		for (size_t i = 0; i < LEN(table) && changed < 3; i++)
			if (table[i].c == *q && q > z && chance(30))
				as = table[i].as[language];
		if (as)
			n += (size_t)snprintf(b + n, sizeof b - n, "%s", as), changed++;
		else
			b[n++] = *q;
	}
	b[n] = 0;
	if (n < cap)
		memcpy(z, b, n + 1);
}

/* ---- people --------------------------------------------------------------------------------------- */

static struct person who[4];            /* p q d a */

static void
new_name(struct person *p)
{
	/* By hand: of many peoples, of whom the US lists know few. */
	static const char *const far_given[] = { "Oluwaseun", "Chinedu", "Nkechi", "Kwame", "Akosua", "Thandiwe", "Sipho", "Wanjiru", "Otieno",
		"Abebe", "Selam", "Fatoumata", "Mamadou", "Aissatou", "Rajesh", "Sunita", "Lakshmi", "Venkatesh", "Harpreet", "Gurpreet", "Anjali",
		"Siddharth", "Farhana", "Tahmina", "Imran", "Ayesha", "Zainab", "Khadija", "Yusuf", "Mehmet", "Ayşe", "Emre", "Reza", "Parisa",
		"Shirin", "Dariush", "Xiaoming", "Meiling", "Jianhua", "Wei", "Yuki", "Haruto", "Sakura", "Min-jun", "Ji-woo", "Seo-yeon", "Thuy",
		"Quang", "Ngoc", "Somchai", "Siriporn", "Maricel", "Jomar", "Rodelio", "Luningning", "Budi", "Siti", "Nurul", "Svetlana", "Dmitri",
		"Oksana", "Bohdan", "Zbigniew", "Agnieszka", "Małgorzata", "Jiří", "Zdeněk", "Katalin", "László", "Ștefan", "Ioana", "Dragan",
		"Snežana", "Ljubica", "Giovanna", "Pierluigi", "Étienne", "Anaïs", "Thaïs", "Björn", "Sigrún", "Guðrún", "Eoghan", "Caoimhe",
		"Siobhán", "Niamh", "Aneirin", "Ximena", "Itzel", "Cuauhtémoc", "Guadalupe", "José Luis", "María Elena", "Ana Sofía", "João",
		"Conceição", "Thiago", "Keanu", "Leilani", "Nalani", "Tevita", "Sione", "Moana", "Aroha", "D'Andre", "La'Shawn", "Ta'Niyah" };
	static const char *const far_family[] = { "Okonkwo", "Adeyemi", "Oyelaran", "Mensah", "Boateng", "Dlamini", "Nkosi", "Kamau", "Odhiambo",
		"Tesfaye", "Haile", "Diallo", "Traoré", "Subramaniam", "Venkataraman", "Krishnamurthy", "Chakraborty", "Bhattacharya", "Gill",
		"Kaur", "Chowdhury", "Rahman", "Siddiqui", "Al-Hashimi", "El-Sayed", "Haddad", "Yılmaz", "Öztürk", "Hosseini", "Rezaei", "Zhao",
		"Xu", "Ouyang", "Tanaka", "Watanabe", "Kobayashi", "Bae", "Kwon", "Hwang", "Nguyễn", "Trần", "Phạm", "Srisuk", "Dimaculangan",
		"Macaraeg", "Bautista", "Pangilinan", "Wijaya", "Suharto", "Petrov", "Kuznetsova", "Shevchenko", "Kowalczyk", "Wiśniewska",
		"Dvořák", "Novotná", "Nagy", "Szabó", "Popescu", "Jovanović", "Đorđević", "Papadopoulos", "Moretti", "D'Angelo", "Lefèvre",
		"Beauchamp", "Müller", "Schröder", "Söderström", "Lindqvist", "Jónsdóttir", "Ó Súilleabháin", "Mac Giolla", "Llewellyn", "Ibáñez",
		"Muñoz", "Quiñones", "Peña", "Núñez", "Gonçalves", "Guimarães", "Kealoha", "Kahananui", "Tuilagi", "Faleolo", "Ngata" };
	static const char *const nicks[] = { "Bob", "Bobby", "Liz", "Betty", "Peg", "Chuck", "Hank", "Ted", "Gus", "Sal", "Trish", "Mandy", "Kat",
		"Deb", "Barb", "Vicky", "Jo", "Lou", "Bo", "Skip", "Butch", "Junior", "Bubba", "Mimi", "Nana", "Dee", "Tito", "Chuy", "Pepe", "Lupe",
		"Nacho", "Beto", "Xan", "Raj", "Sunny", "Jun", "Bong", "Mo", "Ali", "Yoli", "Cookie", "Red", "Ace", "TJ", "JR", "DJ", "AJ", "CJ" };
	unsigned r = below(100);
	if (r < 12)
		snprintf(p->first, sizeof p->first, "%s", PICK(ambiguous_given));
	else if (r < 19)
		invent(p->first, draw(&given), draw(&given));
	else if (r < 31)
		snprintf(p->first, sizeof p->first, "%s", PICK(far_given));
	else
		snprintf(p->first, sizeof p->first, "%s", draw(&given));
	r = below(100);
	if (r < 12)
		snprintf(p->last, sizeof p->last, "%s", PICK(ambiguous_family));
	else if (r < 24)
		invent(p->last, draw(&family), draw(&family));
	else if (r < 29)
		snprintf(p->last, sizeof p->last, "%s-%s", draw(&family), draw(&family));
	else if (r < 34) {
		static const char *const pre[] = { "O'", "Mc", "Mac", "de ", "van ", "van der ", "De La ", "St. ", "el-", "Al-", "Le", "di ", "von " };
		snprintf(p->last, sizeof p->last, "%s%s", PICK(pre), draw(&family));
	} else if (r < 37)
		snprintf(p->last, sizeof p->last, "%s %s", draw(&family), draw(&family));
	else if (r < 48)
		snprintf(p->last, sizeof p->last, "%s", PICK(far_family));
	else
		snprintf(p->last, sizeof p->last, "%s", draw(&family));
	if (chance(9))
		marks(p->first, sizeof p->first);
	if (chance(11))
		marks(p->last, sizeof p->last);
	/* Called by a part of the name, or by something else altogether. */
	size_t n = strlen(p->first);
	if (chance(35) && n > 4 && (unsigned char)p->first[3] < 0x80 && (unsigned char)p->first[4] < 0x80)
		snprintf(p->nick, sizeof p->nick, "%.*s%s", chance(60) ? 3 : 4, p->first, chance(40) ? "y" : chance(20) ? "ie" : "");
	else
		snprintf(p->nick, sizeof p->nick, "%s", chance(70) ? PICK(nicks) : draw(&given));
	p->middle = (char)('A' + below(26));
	p->dob_y = 1925 + (int)below(95), p->dob_m = 1 + (int)below(12), p->dob_d = 1 + (int)below(28);
}

static const char *const mrn_forms[] = { "9999999", "99999999", "999999", "MR-999999", "AA-999999", "A9999999", "999-9999", "99-99-99",
	"AAA-99999", "9999999-A", "AA9999999", "99999-AAA", "99999-99999", "#AA-999999", "999-99-999", "AAA999999", "99999", "0099999",
	"00999999", "9999 9999", "99-999-999", "MRN999999", "E999999", "AA-99-99999" };
static const char *const plan_forms[] = { "AAA999999999", "A99999999", "MBR99999999", "9AX9-A99-AA99", "999999999", "HMO-999999", "AA-99999",
	"W999999999", "99999-99999", "CLM-9999-999-9", "PA9999999", "GRP-99999", "INS-999999", "HPN-999999999", "A9A999999", "99999999901",
	"#99999-AA", "PPO-AA99999", "1AG4-TA5-MK73", "9999-999-99999", "0099999", "A9999 99999", "999 999 999", "AAA9999999999",
	"E99A9999999", "99999999A", "2024-999-99999", "AA 999999" };
static const char *const acct_forms[] = { "9999-9999-999", "99-999-9999", "99999999999", "999999", "A999999", "00-999-9999", "9999999999",
	"ACC-99999", "99999999A", "9999 9999 99", "9999 99 9999", "#AA-9999999", "99-9999-9999", "AA-999-9999", "99999999-9" };

static void
new_person(struct person *p)
{
	*p = (struct person){ 0 };
	new_name(p);
	p->area = 201 + below(780), p->exchange = chance(60) ? 555 : 200 + below(790);
	p->line = chance(60) ? 100 + below(100) : below(10000), p->mobile = chance(60) ? 100 + below(100) : below(10000);
	street(p->street);
	place(p->city, p->state);
	snprintf(p->zip, sizeof p->zip, chance(15) ? "%05u-%04u" : "%05u", 1000 + below(98000), below(10000));
	email_of(p, p->mail);
	char c[100];
	word_of(c, p->last);
	switch (below(5)) {
	case 0: snprintf(p->user, sizeof p->user, "%c_%s%u", initial(p->first) | 32, c, below(100)); break;
	case 1: snprintf(p->user, sizeof p->user, "%s.%c", c, initial(p->first) | 32); break;
	case 2: snprintf(p->user, sizeof p->user, "%.4s%c%02u", c, initial(p->first) | 32, below(100)); break;
	default: snprintf(p->user, sizeof p->user, "%c%s%u", initial(p->first) | 32, c, below(100));
	}
	form(p->mrn, PICK(mrn_forms)), form(p->plan, PICK(plan_forms)), form(p->acct, PICK(acct_forms));
}

void
people_new(void)
{
	for (size_t i = 0; i < LEN(who); i++)
		new_person(&who[i]);
	/* Relatives often share a name and a house. */
	if (chance(60))
		snprintf(who[1].last, sizeof who[1].last, "%s", who[0].last);
	if (chance(60)) {
		memcpy(who[1].street, who[0].street, sizeof who[0].street), memcpy(who[1].city, who[0].city, sizeof who[0].city);
		memcpy(who[1].state, who[0].state, sizeof who[0].state), memcpy(who[1].zip, who[0].zip, sizeof who[0].zip);
		who[1].area = who[0].area;
	}
}

/* Where a person lives: the same house in another form each time. */
static void
home(const struct person *p, char *b, size_t cap, bool block)
{
	if (block) {
		snprintf(b, cap, chance(85) ? "%s\n%s, %s %s" : "%s\n%s %s %s", p->street, p->city, p->state, p->zip);
		return;
	}
	switch (below(9)) {
	case 0: snprintf(b, cap, "%s", p->street); break;
	case 1: snprintf(b, cap, "%s %s %s %s", p->street, p->city, p->state, p->zip); break;
	case 2: snprintf(b, cap, "%s, %s", p->street, p->city); break;
	case 3: snprintf(b, cap, "%s, %s %s", p->street, p->city, p->state); break;
	case 4: snprintf(b, cap, "%s, %s %s", p->street, p->city, p->zip); break;
	default: snprintf(b, cap, "%s, %s, %s %s", p->street, p->city, p->state, p->zip);
	}
}

static void
strcat_to(char *b, size_t cap, const char *sep, const char *more)
{
	size_t n = strlen(b);
	snprintf(b + n, cap - n, "%s%s", sep, more);
}

/* The pattern with its %s filled in. */
static void
fill(char *b, size_t cap, const char *pattern, const char *word)
{
	const char *at = strstr(pattern, "%s");
	snprintf(b, cap, "%.*s%s%s", (int)(at - pattern), pattern, word, at + 2);
}

static unsigned
luhn_digit(const char *d, unsigned n, unsigned carry)
{
	unsigned sum = carry;
	for (unsigned i = 0; i < n; i++) {
		unsigned v = (unsigned)(d[n - 1 - i] - '0');
		if (i % 2 == 0)
			v = v * 2 > 9 ? v * 2 - 9 : v * 2;
		sum += v;
	}
	return (10 - sum % 10) % 10;
}

bool
slot(const char *name)
{
	static const char *const drugs[] = { "lisinopril", "metformin", "Lipitor", "atorvastatin", "Ozempic", "albuterol", "prednisone",
		"Coumadin", "gabapentin", "Zoloft", "insulin", "Eliquis", "levothyroxine", "amoxicillin", "Humira", "Adderall", "Tylenol",
		"Jardiance", "Farxiga", "Wegovy", "Mounjaro", "Entresto", "Xarelto", "Plavix", "clopidogrel", "losartan", "amlodipine",
		"hydrochlorothiazide", "furosemide", "Lasix", "spironolactone", "carvedilol", "metoprolol", "propranolol", "sertraline",
		"Lexapro", "escitalopram", "bupropion", "Wellbutrin", "trazodone", "quetiapine", "Seroquel", "lamotrigine", "Keppra",
		"levetiracetam", "topiramate", "sumatriptan", "Imitrex", "Nurtec", "Botox", "Enbrel", "Stelara", "Skyrizi", "methotrexate",
		"hydroxychloroquine", "Plaquenil", "tamoxifen", "anastrozole", "Herceptin", "Keytruda", "Gleevec", "Synthroid", "Armour Thyroid",
		"Lantus", "Humalog", "Novolog", "Tresiba", "glipizide", "Januvia", "Trulicity", "omeprazole", "Prilosec", "pantoprazole",
		"famotidine", "Pepcid", "ondansetron", "Zofran", "MiraLAX", "Colace", "senna", "Flonase", "Zyrtec", "Claritin", "Singulair",
		"montelukast", "Advair", "Symbicort", "Spiriva", "azithromycin", "Augmentin", "cephalexin", "Keflex", "doxycycline", "Bactrim",
		"nitrofurantoin", "fluconazole", "valacyclovir", "Paxlovid", "tramadol", "oxycodone", "Percocet", "Suboxone", "naloxone",
		"Narcan", "melatonin", "Ambien", "clonazepam", "Xanax", "Ativan", "Ritalin", "Vyvanse", "Strattera", "Depo-Provera", "Nexplanon",
		"EpiPen", "Prolia", "Fosamax", "allopurinol", "colchicine", "warfarin", "heparin", "Lovenox", "aspirin", "Advil", "Aleve" };
	static const char *const lic[] = { "D-99999", "A9999999", "A999-999-99-999", "C99A99A99", "999999999", "RN999999", "S99999999", "AA9999999",
		"99-AAA-9999", "LP9999999", "99999999" };
	static const char *const serial[] = { "AA-99999999", "AA9999-99", "9999-999-9999", "AA9-99999-A", "SN99999999", "A99A999999", "99A9999", "XXXXXXXXX" };
	static const char *const other[] = { "A99-999999", "E9999999", "A99999999", "A 99 999 999", "STU-9999-99", "999-AAA", "AAA9999",
		"RX9999999", "9999999-99", "S99-99999", "AA99999", "9999999", "P-999-99" };
	static const char *const states[] = { "Texas", "Ohio", "California", "Pennsylvania", "Alabama", "New York", "Florida", "Georgia",
		"Virginia", "Washington", "Nevada", "Maine", "Indiana", "Iowa", "TX", "OH", "WA", "OR", "IN", "ME" };
	static const char *const countries[] = { "Mexico", "Canada", "India", "Poland", "Brazil", "Finland", "Jordan", "Turkey", "France", "China" };
	char b[512], c[100], st[4];
	struct person x;
	size_t dot = strcspn(name, ".");
	const struct person *p = NULL;
	if (dot == 1 || name[1] == 0)
		switch (name[0]) {
		case 'p': p = &who[0]; break;
		case 'q': p = &who[1]; break;
		case 'd': p = &who[2]; break;
		case 'a': p = &who[3]; break;
		case 'x': new_person(&x), p = &x; break;
		}
	if (p) {
		const char *how = name[1] ? name + 2 : "";
		if (!strcmp(how, "email"))
			return value(p->mail, "EMAIL"), true;
		if (!strcmp(how, "user"))
			return value(p->user, "OTHERID"), true;
		if (!strcmp(how, "dob"))
			return date(b, p->dob_y, p->dob_m, p->dob_d, true), value(b, "DATE"), true;
		if (!strcmp(how, "dob-said"))
			return say_date(b, sizeof b, p->dob_y, p->dob_m, p->dob_d, true), value(b, "DATE"), true;
		if (!strcmp(how, "dob-iso"))
			return snprintf(b, sizeof b, "%d-%02d-%02d", p->dob_y, p->dob_m, p->dob_d), value(b, "DATE"), true;
		if (!strcmp(how, "dob-us"))
			return snprintf(b, sizeof b, "%02d/%02d/%d", p->dob_m, p->dob_d, p->dob_y), value(b, "DATE"), true;
		if (!strcmp(how, "dob8"))
			return snprintf(b, sizeof b, "%d%02d%02d", p->dob_y, p->dob_m, p->dob_d), value(b, "DATE"), true;
		if (!strcmp(how, "birthday"))
			return date(b, p->dob_y, p->dob_m, p->dob_d, false), value(b, "DATE"), true;
		if (!strcmp(how, "phone"))
			return phone_as(b, p->area, p->exchange, p->line), value(b, "PHONE"), true;
		if (!strcmp(how, "cell"))
			return phone_as(b, p->area, 555, p->mobile), value(b, "PHONE"), true;
		if (!strcmp(how, "phone10"))
			return snprintf(b, sizeof b, "%03u%03u%04u", p->area, p->exchange, p->line), value(b, "PHONE"), true;
		if (!strcmp(how, "phone-said")) {
			snprintf(c, sizeof c, "%03u%03u%04u", p->area, p->exchange, p->line);
			return say_digits(b, sizeof b, c), value(b, "PHONE"), true;
		}
		if (!strcmp(how, "addr"))
			return home(p, b, sizeof b, false), value(b, "LOCATION"), true;
		if (!strcmp(how, "block"))
			return home(p, b, sizeof b, true), value(b, "LOCATION"), true;
		if (!strcmp(how, "street"))
			return value(p->street, "LOCATION"), true;
		if (!strcmp(how, "city"))
			return value(p->city, "LOCATION"), true;
		if (!strcmp(how, "city-state"))
			return snprintf(b, sizeof b, chance(80) ? "%s, %s" : "%s %s", p->city, p->state), value(b, "LOCATION"), true;
		if (!strcmp(how, "zip"))
			return value(p->zip, "LOCATION"), true;
		if (!strcmp(how, "hl7-addr"))
			return snprintf(b, sizeof b, "%s^^%s^%s^%s", p->street, p->city, p->state, p->zip), upper(b), value(b, "LOCATION"), true;
		if (!strcmp(how, "mrn"))
			return value(p->mrn, "MRN"), true;
		if (!strcmp(how, "plan"))
			return value(p->plan, "HEALTHPLAN"), true;
		if (!strcmp(how, "acct"))
			return value(p->acct, "ACCOUNT"), true;
		if (!strcmp(how, "age"))
			return snprintf(b, sizeof b, "%d", 2024 - p->dob_y), p->dob_y < 1935 ? value(b, "AGE90") : put(b), true;
		if (!strcmp(how, "photo")) {
			static const char *const ends[] = { "photo.jpg", "face.png", "badge.jpeg", "rash.heic", "id_front.jpg", "selfie.png", "eye.jpg" };
			word_of(c, p->last);
			snprintf(b, sizeof b, chance(50) ? "%s_%c_%s" : "%s%c-%s", c, initial(p->first) | 32, PICK(ends));
			return value(b, "PHOTO"), true;
		}
		if (!strcmp(how, "email-said")) {
			char f[48], l[48];
			static const char *const hosts[] = { "quickmail dot example", "mailbox dot com", "my mail dot org", "home post dot net" };
			word_of(f, p->first), word_of(l, p->last);
			snprintf(b, sizeof b, chance(50) ? "%s dot %s at %s" : "%.1s %s at %s", f, l, PICK(hosts));
			return value(b, "EMAIL"), true;
		}
		name_of(how, p, b);
		return value(b, "NAME"), true;
	}
#define IS(z) (!strcmp(name, z))
	if (IS("date")) date(b, 2015 + (int)below(11), 1 + (int)below(12), 1 + (int)below(28), true), value(b, "DATE");
	else if (IS("md")) date(b, 2024, 1 + (int)below(12), 1 + (int)below(28), false), value(b, "DATE");
	else if (IS("month-year")) snprintf(b, sizeof b, "%s %u", PICK(month_names), 2005 + below(20)), value(b, "DATE");
	else if (IS("date8")) snprintf(b, sizeof b, "%u%02u%02u", 1930 + below(90), 1 + below(12), 1 + below(28)), value(b, "DATE");
	else if (IS("stamp")) snprintf(b, sizeof b, "%u%02u%02u%02u%02u", 2015 + below(10), 1 + below(12), 1 + below(28), below(24), below(60)), value(b, "DATE");
	else if (IS("mail-date")) snprintf(b, sizeof b, "%.3s, %u %.3s %u", PICK(day_names), 1 + below(28), PICK(month_names), 2001 + below(24)), value(b, "DATE");
	else if (IS("year")) snprintf(b, sizeof b, "%u", 1950 + below(76)), put(b);
	else if (IS("weekday")) put(PICK(day_names));
	else if (IS("month")) put(PICK(month_names));
	else if (IS("time")) snprintf(b, sizeof b, chance(50) ? "%u:%02u" : "%u:%02u PM", 1 + below(12), below(60)), put(b);
	else if (IS("phone")) phone(b), value(b, "PHONE");
	else if (IS("fax")) phone(b), value(b, "FAX");
	else if (IS("ssn")) value(form(b, chance(80) ? "999-99-9999" : chance(50) ? "999 99 9999" : "999999999"), "SSN");
	else if (IS("ssn4")) value(form(b, "9999"), "SSN");
	else if (IS("ssn-said")) {
		digits(c, 9);
		say_digits(b, sizeof b, c), value(b, "SSN");
	} else if (IS("phone-said")) {
		snprintf(c, sizeof c, "%03u%03u%04u", 201 + below(700), 555, 100 + below(100));
		say_digits(b, sizeof b, c), value(b, "PHONE");
	} else if (IS("date-said")) say_date(b, sizeof b, 1990 + (int)below(35), 1 + (int)below(12), 1 + (int)below(28), true), value(b, "DATE");
	else if (IS("md-said")) say_date(b, sizeof b, 2024, 1 + (int)below(12), 1 + (int)below(28), false), value(b, "DATE");
	else if (IS("age90-said")) {
		if (chance(15))
			snprintf(b, sizeof b, "a hundred%s", chance(50) ? "" : " and one");
		else
			say_number(b, sizeof b, 90 + (int)below(10));
		value(b, "AGE90");
	} else if (IS("plan-said") || IS("mrn-said")) {
		digits(c, 7);
		say_digits(b, sizeof b, c), value(b, IS("mrn-said") ? "MRN" : "HEALTHPLAN");
	} else if (IS("iso")) snprintf(b, sizeof b, "%u-%02u-%02u", 2012 + below(13), 1 + below(12), 1 + below(28)), value(b, "DATE");
	else if (IS("us")) snprintf(b, sizeof b, "%02u/%02u/%u", 1 + below(12), 1 + below(28), 2012 + below(13)), value(b, "DATE");
	else if (IS("iso-time")) snprintf(b, sizeof b, "%u-%02u-%02uT%02u:%02u:%02uZ", 2012 + below(13), 1 + below(12), 1 + below(28), below(24), below(60), below(60)), value(b, "DATE");
	else if (IS("mac")) {
		static const char *const forms[] = { "%02X:%02X:%02X:%02X:%02X:%02X", "%02x-%02x-%02x-%02x-%02x-%02x", "%02x%02x.%02x%02x.%02x%02x" };
		snprintf(b, sizeof b, PICK(forms), below(256), below(256), below(256), below(256), below(256), below(256)), value(b, "DEVICE");
	} else if (IS("iban")) value(form(b, chance(50) ? "GB99 AAAA 9999 9999 9999 99" : "DE99 9999 9999 9999 9999 99"), "ACCOUNT");
	else if (IS("drug2")) put(PICK(drugs));
	else if (IS("mrn")) value(form(b, PICK(mrn_forms)), "MRN");
	else if (IS("plan")) value(form(b, PICK(plan_forms)), "HEALTHPLAN");
	else if (IS("acct")) value(form(b, PICK(acct_forms)), "ACCOUNT");
	else if (IS("license")) value(form(b, PICK(lic)), "LICENSE");
	else if (IS("serial")) value(form(b, PICK(serial)), "DEVICE");
	else if (IS("code")) value(form(b, PICK(other)), "OTHERID");
	else if (IS("plate")) value(form(b, chance(50) ? "9AAA999" : "AAA-9999"), "VEHICLE");
	else if (IS("vin")) value(form(b, "1AG99A99AK9999999"), "VEHICLE");
	else if (IS("bio")) value(form(b, chance(50) ? "FPR-999999" : "BIO99999"), "BIOMETRIC");
	else if (IS("ip")) snprintf(b, sizeof b, "192.0.2.%u", below(255)), value(b, "IP");
	else if (IS("card")) {
		digits(b, 15), b[0] = '4';
		b[15] = (char)('0' + luhn_digit(b, 15, 0)), b[16] = 0;
		if (chance(20))
			b[15] = '7';
		if (chance(60)) {
			snprintf(c, sizeof c, "%.4s %.4s %.4s %.4s", b, b + 4, b + 8, b + 12);
			value(c, "ACCOUNT");
		} else
			value(b, "ACCOUNT");
	} else if (IS("npi")) {
		digits(b, 9), b[0] = '1';
		b[9] = (char)('0' + luhn_digit(b, 9, 24)), b[10] = 0;
		value(b, "LICENSE");
	} else if (IS("dea")) value(form(b, "AA9999999"), "LICENSE");
	else if (IS("aba")) value(form(b, "026009593"), "ACCOUNT");
	else if (IS("url")) snprintf(b, sizeof b, "https://my.clinic.example/%s/%u", chance(50) ? "results" : "visit", below(99999)), value(b, "URL");
	else if (IS("addr")) address(b, false), value(b, "LOCATION");
	else if (IS("block")) address(b, true), value(b, "LOCATION");
	else if (IS("street")) street(b), value(b, "LOCATION");
	else if (IS("city")) place(b, st), value(b, "LOCATION");
	else if (IS("foreign-city")) {
		invent(b, draw(&family), draw(&family));
		if (chance(20)) {
			invent(c, draw(&family), draw(&family));
			strcat_to(b, sizeof b, " ", c);
		}
		if (chance(30))
			upper(b);
		else if (chance(40))
			marks(b, sizeof b);
		value(b, "LOCATION");
	} else if (IS("foreign-street")) {
		static const char *const ends[] = { "straat", "laan", "weg", "strasse", "gatan", "tie", "katu", "vej", "gata", "vagen", " utca", "gasse",
			"plein", "gracht", "brücke", "allee", "platz", "dreef", "stien", "veien", "bakken", "kroken", " útja", " tér" };
		static const char *const starts[] = { "Rua ", "Via ", "Calle ", "C. ", "ul. ", "Rue de ", "Avenida ", "Plaza ", "Lange ", "Am ",
			"C/ ", "Rúa ", "Carrer de ", "R ", "Cité ", "Quai ", "Chemin de ", "Viale ", "Largo ", "Praça ", "Ulica ", "Allée des " };
		invent(c, draw(&family), draw(&family));
		if (chance(40))
			marks(c, sizeof c);
		switch (below(7)) {
		case 4: snprintf(b, sizeof b, "%s%s %u", PICK(starts), c, 1 + below(300)); break;
		case 5: snprintf(b, sizeof b, chance(50) ? "%s u. %u." : "%s ulica %u", c, 1 + below(120)); break;
		case 6: snprintf(b, sizeof b, "%u, %s%s", 1 + below(300), PICK(starts), c); break;
		case 0: snprintf(b, sizeof b, "%s%s %u", c, PICK(ends), 1 + below(200)); break;
		case 1: snprintf(b, sizeof b, "%s%s %u", PICK(starts), c, 1 + below(1900)); break;
		case 2: snprintf(b, sizeof b, "%s %s %u", draw(&given), c, 1 + below(900)); break;
		default: snprintf(b, sizeof b, "%s%s %s %u", PICK(starts), draw(&given), c, 1 + below(900));
		}
		value(b, "LOCATION");
	} else if (IS("corner")) {
		char s1[200], s2[200];
		street(s1), street(s2);
		snprintf(b, sizeof b, chance(50) ? "the corner of %s and %s" : "%s and %s", s1 + strspn(s1, "0123456789 "), s2 + strspn(s2, "0123456789 "));
		value(b, "LOCATION");
	}
	else if (IS("city-state")) {
		place(c, st);
		if (chance(70)) {
			snprintf(b, sizeof b, "%s, %s", c, st);
			value(b, "LOCATION");
		} else {
			value(c, "LOCATION");
			put(", ");
			value(PICK(states), "X_GPE");
		}
	} else if (IS("road")) {
		static const char *const forms[] = { "%s Rd", "%s Road", "%s St", "%s Street", "%s Ave", "%s Lane", "Old %s Rd", "Route 9 near %s",
			"%s Pike", "%s Hwy", "County Road %s", "%s Blvd", "%s Dr" };
		fill(b, sizeof b, PICK(forms), chance(50) ? PICK(street_words) : draw(&family));
		value(b, "LOCATION");
	} else if (IS("school")) {
		static const char *const forms[] = { "%s Elementary", "%s Middle", "%s High", "%s Academy", "%s Prep", "%s Montessori",
			"%s Charter School", "%s Daycare", "%s Day School", "PS %s", "%s Head Start", "%s University", "%s Community College",
			"Little %s Preschool" };
		const char *f = PICK(forms);
		if (!strncmp(f, "PS", 2))
			snprintf(c, sizeof c, "%u", 1 + below(300));
		else
			snprintf(c, sizeof c, "%s", chance(60) ? draw(&family) : PICK(street_words));
		fill(b, sizeof b, f, c);
		value(b, "FACILITY");
	} else if (IS("store")) {
		static const char *const forms[] = { "%s Drugs", "%s's Drugs", "%s Pharmacy", "Kroger #%s", "Walgreens #%s", "CVS #%s",
			"%s Apothecary", "Rite Aid on %s", "Walgreens on %s", "%s Family Pharmacy" };
		const char *f = PICK(forms);
		if (strchr(f, '#'))
			snprintf(c, sizeof c, "%u", 10 + below(9000));
		else
			snprintf(c, sizeof c, "%s", draw(&family));
		fill(b, sizeof b, f, c);
		value(b, "FACILITY");
	} else if (IS("home")) {
		static const char *const forms[] = { "%s Manor", "Shady %ss", "%s House", "%s Assisted Living", "the %s Home",
			"Golden Years of %s", "%s Gardens", "%s Place", "%s Village", "%s Care Center", "%s Rehab", "Bldg %s Ward C", "%s Estates",
			"the %s office" };
		fill(b, sizeof b, PICK(forms), chance(50) ? draw(&family) : PICK(street_words));
		value(b, "FACILITY");
	} else if (IS("center")) {
		static const char *const forms[] = { "%s Endoscopy Center", "%s Surgical Center", "%s Imaging", "%s Sleep Center", "%s Spine",
			"%s Ortho", "%s Women's Health", "%s Eye Associates", "%s Kidney Center", "%s Wellness", "%s Infusion Center",
			"%s Breast Center" };
		fill(b, sizeof b, PICK(forms), chance(50) ? draw(&family) : PICK(street_words));
		value(b, "FACILITY");
	} else if (IS("num-id")) value(form(b, "9999999"), "OTHERID");
	else if (IS("zip")) value(form(b, chance(80) ? "99999" : "99999-9999"), "LOCATION");
	else if (IS("county")) {
		char *l = counties.line[below((unsigned)counties.n)];
		snprintf(b, sizeof b, "%.*s County", (int)strcspn(l, "\t"), l);
		value(b, "LOCATION");
	} else if (IS("facility")) facility(b), value(b, "FACILITY");
	else if (IS("thing")) {
		/* A product, a car, a brand that no list has: a capital is not yet a person. */
		static const char *const front[] = { "Ro", "Ze", "Car", "Al", "Ni", "Tru", "Vi", "Pro", "Ultra", "Medi", "Derma", "Opti", "Cer", "Lum",
			"Nex", "Hydro", "Sen", "Fle", "Ther", "Aqua", "Bio", "Glu", "Xi", "Om", "Tri", "Quad", "Cam", "Cor", "Sub", "Ten", "Dre", "Pep", "Or" };
		static const char *const middle[] = { "ba", "lo", "ti", "ra", "xi", "ve", "mo", "ni", "do", "se", "ga", "" , "", "" };
		static const char *const end[] = { "vex", "line", "dil", "pro", "med", "care", "fix", "max", "zol", "tab", "jel", "derm", "flex", "track",
			"ium", "ide", "ora", "ect", "ity", "go", "soft", "wave", "nix", "tra", "ola", "eze", "um", "ax", "ry", "ft", "to" };
		snprintf(b, sizeof b, "%s%s%s%s", PICK(front), PICK(middle), PICK(end), chance(8) ? " Plus" : chance(8) ? " XR" : chance(6) ? " 2" : "");
		put(b);
	} else if (IS("bare")) {
		/* A house known by one or two words. */
		static const char *const forms[] = { "%s", "%s", "%s", "%s of {}", "Fort %s", "Camp %s", "The %s", "%s House", "%s Terrace",
			"%s Court", "Autumn %s", "%s Leaves of {}", "Mt. %s", "St. %s", "%s Square", "%s Tower", "%sview", "%swood" };
		static const char *const stems[] = { "Briar", "Cedar", "Cedars", "Heritage", "Brook", "Brookdale", "Liberty", "Pavilion", "Willow",
			"Magnolia", "Sunny", "Silver", "Golden", "Evergreen", "Harbor", "Haven", "Hearth", "Lark", "Meadow", "Olive", "Oak", "Pine", "Rose",
			"Shady", "Spring", "Stone", "Sycamore", "Villa", "Wind", "West", "North", "Kings", "Belle", "Fair", "Glen", "Arbor", "Chestnut" };
		char f[64], town[80];
		place(town, st);
		snprintf(c, sizeof c, "%s", chance(70) ? PICK(stems) : draw(&family));
		fill(f, sizeof f, PICK(forms), c);
		char *hole = strstr(f, "{}");
		if (hole)
			snprintf(b, sizeof b, "%.*s%s", (int)(hole - f), f, town);
		else
			snprintf(b, sizeof b, "%s", f);
		value(b, "FACILITY");
	} else if (IS("age90")) snprintf(b, sizeof b, "%u", 90 + below(14)), value(b, "AGE90");
	else if (IS("age")) snprintf(b, sizeof b, "%u", 1 + below(89)), put(b);
	else if (IS("num")) snprintf(b, sizeof b, "%u", 1 + below(chance(50) ? 20 : 500)), put(b);
	else if (IS("big")) snprintf(b, sizeof b, "%u", 1000 + below(90000)), put(b);
	else if (IS("drug")) put(PICK(drugs));
	else if (IS("dose")) {
		static const char *const forms[] = { "%u mg", "%umg", "%u mcg", "%u units", "%u mL", "%u.5 mg", "%u mg/kg", "%u IU", "%u meq" };
		snprintf(b, sizeof b, chance(60) ? "%u mg" : PICK(forms), 5 * (1 + below(60))), put(b);
	} else if (IS("icd")) put(form(b, chance(50) ? "A99.9" : chance(50) ? "A99" : "A99.999"));
	else if (IS("cpt")) put(form(b, chance(70) ? "99999" : chance(50) ? "A9999" : "99999-99"));
	else if (IS("err")) {
		static const char *const forms[] = { "E99", "ERR-9999", "0x8007000A", "404", "503", "AUTH_99", "E-9999", "9999", "P0-999", "X99", "HTTP 502", "A999" };
		put(form(b, PICK(forms)));
	} else if (IS("ref")) put(form(b, chance(30) ? "99999" : chance(50) ? "999999" : "99-9999"));       /* of the desk itself */
	else if (IS("dx")) {
		static const char *const names[] = { "Parkinson's disease", "Crohn's disease", "Hashimoto thyroiditis", "Graves disease",
			"Bell's palsy", "Lou Gehrig's disease", "Hodgkin lymphoma", "Raynaud's", "Sjogren's", "Marfan syndrome", "Down syndrome",
			"Turner syndrome", "Tourette's", "Huntington's", "Alzheimer's", "Addison's disease", "Cushing's", "Barrett's esophagus",
			"Meniere's disease", "Kawasaki disease", "Guillain-Barre", "Ehlers-Danlos", "Wilson disease", "a Baker's cyst", "Asperger's",
			"Dupuytren's contracture", "Peyronie's", "Paget's disease", "Still's disease", "Charcot-Marie-Tooth", "Lyme disease" };
		put(PICK(names));
	} else if (IS("gear")) {
		static const char *const names[] = { "Foley catheter", "Hickman line", "Holter monitor", "Jackson-Pratt drain", "Swan-Ganz catheter",
			"Kirschner wire", "Bovie", "Mayo scissors", "Kelly clamp", "Ambu bag", "Yankauer", "Penrose drain", "Hoyer lift", "Salem sump",
			"Steri-Strips", "Ace wrap", "Kerlix", "Mepilex", "Unna boot", "Miami J collar", "Thomas splint", "Quinton catheter" };
		put(PICK(names));
	} else if (IS("scale")) {
		static const char *const names[] = { "Glasgow", "Braden", "Morse", "Apgar", "Mallampati", "Framingham", "Wells", "CHADS2-VASc",
			"Ranson", "Child-Pugh", "Gleason", "Norton", "Aldrete", "Karnofsky", "Barthel", "Katz", "Beck", "Hamilton", "Rankin" };
		put(PICK(names));
	} else if (IS("app")) {
		static const char *const names[] = { "MyChart", "Epic", "Cerner", "Outlook", "Teams", "Zoom", "Chrome", "Safari", "Firefox", "Edge",
			"Windows 11", "macOS", "iOS", "Android", "Okta", "Citrix", "Duo", "Excel", "Adobe Reader", "Slack", "Apple Health", "Google Fit",
			"Fitbit", "Dexcom", "FreeStyle Libre", "Omnipod", "Apple Pay", "PayPal", "Venmo", "GoodRx", "Alexa", "Siri", "Samsung Galaxy" };
		put(PICK(names));
	} else if (IS("payer")) {
		static const char *const names[] = { "Aetna", "Cigna", "Humana", "UnitedHealthcare", "Anthem", "Blue Cross", "Tricare", "Medicare",
			"Medicaid", "Molina", "Centene", "Oscar", "Ambetter", "Medi-Cal", "BCBS", "Optum", "Express Scripts", "CVS Caremark", "Delta Dental" };
		value(PICK(names), "X_ORG");
	} else if (IS("lab")) {
		static const char *const forms[] = { "WBC 9.9", "Hgb 99.9", "Plt 999", "Na 139", "K 9.9", "Cr 9.99", "A1c 9.9", "INR 9.9", "TSH 9.99",
			"LDL 999", "SpO2 9A%", "BUN 99", "glucose 999", "eGFR 99", "BNP 999", "ALT 99", "AST 99", "ESR 99", "CRP 9.9", "PSA 9.9" };
		snprintf(b, sizeof b, "%s", PICK(forms));
		for (char *q = b; *q; q++)
			if (*q == '9')
				*q = (char)('1' + below(9));
			else if (*q == 'A' && q[1] == '%')
				*q = (char)('0' + below(9));
		put(b);
	} else if (IS("version4")) snprintf(b, sizeof b, "%u.%u.%u.%u", 1 + below(20), below(20), below(200), below(200)), put(b);
	else if (IS("money")) snprintf(b, sizeof b, "$%u.%02u", 5 + below(900), below(100)), put(b);
	else if (IS("bp")) snprintf(b, sizeof b, "%u/%u", 95 + below(80), 55 + below(45)), put(b);
	else if (IS("version")) snprintf(b, sizeof b, "%u.%u.%u", 1 + below(12), below(20), below(9)), put(b);
	else if (IS("org")) {
		static const char *const ends[] = { "Industries", "Logistics", "Inc", "LLC", "& Sons", "Insurance", "Bank", "Technologies", "Group" };
		snprintf(b, sizeof b, "%s %s", draw(&family), PICK(ends));
		value(b, "X_ORG");
	} else if (IS("state")) value(PICK(states), "X_GPE");
	else if (IS("country")) value(PICK(countries), "X_GPE");
	else if (IS("carrier")) {
		/* One to three sentences of a line without capitals inside that could be names. */
		char *l = carrier.n ? carrier.line[below((unsigned)carrier.n)] : (char *)(uintptr_t)"Thank you.";
		put(l);
	} else
		return false;
	return true;
}

void
invent_open(const char *dir, uint64_t seed)
{
	char lex[4096];
	snprintf(lex, sizeof lex, "%s/lexicon", dir);
	read_names(lex, "given.tsv", &given, 500);
	read_names(lex, "surnames.tsv", &family, 200);
	read_list(lex, "places.tsv", &places);
	read_list(lex, "hospitals.txt", &hospitals);
	read_list(lex, "counties.tsv", &counties);
	read_list(dir, "carrier.txt", &carrier);
	made.text = malloc(MADE_CAP + 16);
	if (!made.text)
		exit(3);
	state = seed * 0x5851f42d4c957f2dull;
}
