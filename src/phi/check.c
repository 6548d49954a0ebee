/* check.c - validators: what the digits of an identifier must satisfy.
 *
 * Each gets the matched text and returns what to add to the rule's score, or
 * CHECK_NO. A failing check digit lowers the score but refuses only where the
 * shape alone says nothing: people mistype, and a mistyped card number beside
 * the word "card" is still a leak. Sources: SSA POMS RM 10201.035 (SSN), ISO
 * 7812 (Luhn), ISO 13616 (IBAN), ABA routing weights 3-7-1, 45 CFR 162.406
 * (NPI: Luhn over 80840 and the number), 21 CFR 1301 (DEA), 49 CFR 565 (VIN),
 * CMS MBI format, NANP (phones), RFC 791, RFC 4291.
 */
#include "engine.h"

static unsigned
digits_of(const char *p, size_t n, uint8_t *d, unsigned max)
{
	unsigned k = 0;
	for (size_t i = 0; i < n && k < max; i++)
		if (is_digit((unsigned char)p[i]))
			d[k++] = (uint8_t)(p[i] - '0');
	return k;
}

static bool
luhn(const uint8_t *d, unsigned n, unsigned carry)
{
	unsigned sum = carry;
	for (unsigned i = 0; i < n; i++) {
		unsigned v = d[n - 1 - i];
		if (i & 1)
			v = v * 2 > 9 ? v * 2 - 9 : v * 2;
		sum += v;
	}
	return sum % 10 == 0;
}

static bool
one_digit(const uint8_t *d, unsigned n)
{
	for (unsigned i = 1; i < n; i++)
		if (d[i] != d[0])
			return false;
	return true;
}

static int
check_ssn(const char *p, size_t n)
{
	uint8_t d[16];
	if (digits_of(p, n, d, 16) != 9)
		return CHECK_NO;
	unsigned area = d[0] * 100u + d[1] * 10u + d[2];
	if (area == 0 || area == 666 || (d[3] == 0 && d[4] == 0) || (d[5] | d[6] | d[7] | d[8]) == 0)
		return CHECK_NO;
	return 0;
}

static int
check_phone(const char *p, size_t n)
{
	uint8_t d[16];
	unsigned k = digits_of(p, n, d, 16), i = 0;
	if (k == 11 && d[0] == 1)
		i = 1;
	if (k - i == 10)
		return (d[i] < 2 ? -12 : 0) + (d[i + 3] < 2 ? -10 : 0) + (one_digit(d + i, 10) ? -40 : 0);
	if (k == 7)
		return d[0] < 2 ? -15 : 0;
	return 0;
}

static int
check_luhn(const char *p, size_t n)
{
	uint8_t d[24];
	unsigned k = digits_of(p, n, d, 24);
	if (k < 12 || k > 19 || one_digit(d, k))
		return CHECK_NO;
	return luhn(d, k, 0) ? 20 : -15;
}

static int
check_imei(const char *p, size_t n)
{
	uint8_t d[24];
	unsigned k = digits_of(p, n, d, 24);
	return k == 15 && luhn(d, k, 0) ? 10 : -10;
}

static int
check_npi(const char *p, size_t n)
{
	uint8_t d[16];
	if (digits_of(p, n, d, 16) != 10)
		return CHECK_NO;
	if (d[0] != 1 && d[0] != 2)
		return -5;
	return luhn(d, 10, 24) ? 15 : -5;        /* 24: the prefix 80840 */
}

static int
check_dea(const char *p, size_t n)
{
	uint8_t d[16];
	if (digits_of(p, n, d, 16) != 7)
		return CHECK_NO;
	unsigned sum = d[0] + d[2] + d[4] + 2u * (d[1] + d[3] + d[5]);
	return sum % 10 == d[6] ? 25 : 0;
}

static int
check_aba(const char *p, size_t n)
{
	uint8_t d[16];
	if (digits_of(p, n, d, 16) != 9)
		return CHECK_NO;
	unsigned sum = 3u * (d[0] + d[3] + d[6]) + 7u * (d[1] + d[4] + d[7]) + d[2] + d[5] + d[8];
	return sum % 10 == 0 ? 15 : 0;
}

static int
check_iban(const char *p, size_t n)
{
	static const char lengths[] = "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BR29BY28CH21CR22CY28CZ24DE22DK18DO28EE20"
		"EG29ES24FI18FO18FR27GB22GE22GI23GL18GR27GT28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21"
		"LT20LU20LV21MC27MD24ME22MK19MR27MT31MU30NL18NO15PK24PL28PS29PT25QA29RO24RS22SA24SC31SE24SI19SK24"
		"SM27ST25SV28TL23TN24TR26UA29VA22VG24XK20";
	char s[40];
	unsigned k = 0;
	for (size_t i = 0; i < n; i++)
		if (is_alnum_((unsigned char)p[i])) {
			if (k >= 36)
				return CHECK_NO;
			s[k++] = (char)(p[i] >= 'a' ? p[i] - 32 : p[i]);
		}
	int want = 0;
	for (size_t i = 0; i + 4 < sizeof lengths; i += 4)
		if (lengths[i] == s[0] && lengths[i + 1] == s[1])
			want = (lengths[i + 2] - '0') * 10 + lengths[i + 3] - '0';
	if (want == 0 || k < 15)
		return CHECK_NO;
	unsigned m = 0;
	for (unsigned i = 0; i < k; i++) {
		char c = s[(i + 4) % k];
		m = c <= '9' ? (m * 10 + (unsigned)(c - '0')) % 97 : (m * 100 + (unsigned)(c - 'A') + 10) % 97;
	}
	return m == 1 && (int)k == want ? 20 : 0;
}

static int
check_vin(const char *p, size_t n)
{
	static const char map[] = "0123456789.ABCDEFGH..JKLMN.P.R..STUVWXYZ";
	static const uint8_t weight[17] = { 8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2 };
	unsigned sum = 0, nd = 0, nl = 0;
	if (n != 17)
		return CHECK_NO;
	for (unsigned i = 0; i < 17; i++) {
		char c = (char)(p[i] >= 'a' ? p[i] - 32 : p[i]);
		const char *at = strchr(map, c);
		if (!at || c == '.')
			return CHECK_NO;
		sum += weight[i] * (unsigned)((at - map) % 10);
		is_digit((unsigned char)c) ? nd++ : nl++;
	}
	if (nd < 4 || nl < 2)
		return CHECK_NO;
	char c = (char)(p[8] >= 'a' ? p[8] - 32 : p[8]), want = sum % 11 == 10 ? 'X' : (char)('0' + sum % 11);
	return c == want ? 25 : -20;
}

static int
check_ipv4(const char *p, size_t n)
{
	unsigned v = 0, parts = 0, len = 0, small = 0;
	for (size_t i = 0; i <= n; i++) {
		if (i < n && is_digit((unsigned char)p[i])) {
			v = v * 10 + (unsigned)(p[i] - '0');
			if (++len > 3)
				return CHECK_NO;
			continue;
		}
		if (i < n && p[i] != '.')
			break;
		if (len == 0 || v > 255)
			return CHECK_NO;
		small += v < 10;
		parts++;
		v = len = 0;
	}
	return parts < 4 ? CHECK_NO : small == 4 ? -25 : 0;   /* 1.2.3.4 may be a version */
}

static int
check_ipv6(const char *p, size_t n)
{
	unsigned groups = 0, len = 0, gaps = 0, digits = 0;
	for (size_t i = 0; i < n; i++) {
		char c = p[i];
		if (c == '/' || c == '%')
			break;
		if (c == ':') {
			if (i + 1 < n && p[i + 1] == ':')
				gaps++;
			groups += len > 0;
			len = 0;
		} else {
			if (++len > 4)
				return CHECK_NO;
			digits += is_digit((unsigned char)c);
		}
	}
	groups += len > 0;
	if (gaps > 1 || groups > 8 || (gaps == 0 && groups != 8) || groups < 2)
		return CHECK_NO;
	/* std::vector is no address: letters only needs four groups. */
	return digits == 0 && groups < 4 ? CHECK_NO : 0;
}

/* The numbers and the month word of a date, in order. */
static int
check_date(const char *p, size_t n)
{
	static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";
	unsigned v[6], len[6], k = 0, month = 0, month_at = 9;
	for (size_t i = 0; i < n;) {
		unsigned char c = (unsigned char)p[i];
		if (is_digit(c)) {
			if (k == 3)
				break;
			v[k] = len[k] = 0;
			while (i < n && is_digit((unsigned char)p[i]) && len[k] < 9)
				v[k] = v[k] * 10 + (unsigned)(p[i++] - '0'), len[k]++;
			k++;
			continue;
		}
		if (is_letter(c)) {
			size_t from = i;
			while (i < n && is_letter((unsigned char)p[i]))
				i++;
			for (unsigned m = 0; m < 12 && i - from >= 3 && month == 0; m++)
				if ((p[from] | 32) == months[m * 3] && (p[from + 1] | 32) == months[m * 3 + 1] &&
				    (p[from + 2] | 32) == months[m * 3 + 2])
					month = m + 1, month_at = k;
			continue;
		}
		i++;
	}
	static const uint8_t last[13] = { 31, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
#define YEAR(y, l) ((l) == 2 || ((l) == 4 && (y) >= 1850 && (y) <= 2150))
	if (month) {
		if (k == 0)
			return 0;
		if (len[0] == 4 && month_at > 0)                  /* 2024 Jan 5 */
			return YEAR(v[0], 4) && k > 1 && v[1] >= 1 && v[1] <= last[month] ? 0 : CHECK_NO;
		if (len[0] == 4)                                  /* Jan 2024 */
			return YEAR(v[0], 4) ? 0 : CHECK_NO;
		if (v[0] < 1 || v[0] > last[month])
			return CHECK_NO;
		return 0;
	}
	if (k == 1) {
		if (len[0] == 8) {
			unsigned y = v[0] / 10000, m = v[0] / 100 % 100, d = v[0] % 100;
			if (y >= 1880 && y <= 2100 && m >= 1 && m <= 12 && d >= 1 && d <= last[m])
				return 0;
			m = v[0] / 1000000, d = v[0] / 10000 % 100, y = v[0] % 10000;
			return y >= 1880 && y <= 2100 && m >= 1 && m <= 12 && d >= 1 && d <= last[m] ? 0 : CHECK_NO;
		}
		if (len[0] == 6) {
			unsigned a = v[0] / 10000, b = v[0] / 100 % 100;
			return a >= 1 && b >= 1 && ((a <= 12 && b <= 31) || (b <= 12 && a <= 31)) ? 0 : CHECK_NO;
		}
		return CHECK_NO;
	}
	if (k >= 3) {
		if (len[0] == 4)
			return YEAR(v[0], 4) && ((v[1] >= 1 && v[1] <= 12 && v[2] >= 1 && v[2] <= last[v[1]]) ||
			    (v[2] >= 1 && v[2] <= 12 && v[1] >= 1 && v[1] <= last[v[2]])) ? 0 : CHECK_NO;
		if (!YEAR(v[2], len[2]) || len[0] > 2 || len[1] > 2)
			return CHECK_NO;
		if (v[0] < 1 || v[1] < 1)
			return CHECK_NO;
		if (v[0] <= 12 && v[1] <= last[v[0]])
			return 0;
		if (v[1] <= 12 && v[0] <= last[v[1]])
			return -5;
		/* April 31st was mistyped, not unsaid. */
		return v[0] <= 12 && v[1] <= 31 ? -12 : CHECK_NO;
	}
	if (k == 2) {
		if (len[1] == 4)                                  /* 03/2024 */
			return v[0] >= 1 && v[0] <= 12 && YEAR(v[1], 4) ? 0 : CHECK_NO;
		if (len[0] == 4)                                  /* 2024-03 */
			return v[1] >= 1 && v[1] <= 12 && YEAR(v[0], 4) ? 0 : CHECK_NO;
		if (v[0] < 1 || v[1] < 1)
			return CHECK_NO;
		if (v[0] <= 12 && v[1] <= last[v[0]])
			return 0;
		return v[1] <= 12 && v[0] <= 31 ? -15 : CHECK_NO;
	}
	return CHECK_NO;
}

/* The day and month in front of a time of day. */
static int
check_daymonth(const char *p, size_t n)
{
	size_t k = 0;
	while (k < n && (is_digit((unsigned char)p[k]) || p[k] == '/'))
		k++;
	return check_date(p, k);
}

/* Days and months one behind another: each must be one. */
static int
check_daylist(const char *p, size_t n)
{
	for (size_t i = 0; i < n;) {
		if (!is_digit((unsigned char)p[i])) {
			i++;
			continue;
		}
		size_t k = i;
		while (k < n && (is_digit((unsigned char)p[k]) || p[k] == '/'))
			k++;
		if (check_date(p + i, k - i) == CHECK_NO)
			return CHECK_NO;
		i = k;
	}
	return 0;
}

/* O for 0, l and I for 1, as a scanner reads them; one true digit at least. */
static int
check_ocrdate(const char *p, size_t n)
{
	char b[16];
	unsigned nd = 0;
	if (n >= sizeof b)
		return CHECK_NO;
	for (size_t i = 0; i < n; i++) {
		nd += is_digit((unsigned char)p[i]);
		b[i] = p[i] == 'O' || p[i] == 'o' ? '0' : p[i] == 'I' || p[i] == 'l' ? '1' : p[i];
	}
	return nd < 3 ? CHECK_NO : check_date(b, n);
}

static int
check_age90(const char *p, size_t n)
{
	uint8_t d[8];
	unsigned k = digits_of(p, n, d, 8);
	unsigned v = 0;
	for (unsigned i = 0; i < k; i++)
		v = v * 10 + d[i];
	return k == 0 || (v >= 90 && v <= 125) ? 0 : CHECK_NO;
}

/* A code has a digit, and is not one of the things that look like one. */
static int
check_code(const char *p, size_t n)
{
	unsigned nd = 0, nl = 0;
	for (size_t i = 0; i < n; i++) {
		nd += is_digit((unsigned char)p[i]);
		nl += is_letter((unsigned char)p[i]);
	}
	if (nd == 0 || nd + nl < 3)
		return CHECK_NO;
	/* 12.4, 3.75: a measure or a section */
	if (n < 6 && nl == 0 && nd + 1 == n && memchr(p, '.', n))
		return CHECK_NO;
	/* v8.3; 06/26 */
	if ((*p | 32) == 'v' && nl == 1 && n > 1 && n < 9 && nd < 5 && (n < 4 || memchr(p, '.', n)))
		return CHECK_NO;
	if (n < 6 && nl == 0 && memchr(p, '/', n))
		return CHECK_NO;
	if (nd + nl < 5)
		return -10;
	/* 10mg, 3rd, 2x, 15min */
	if (nl > 0 && nd <= 3 && nd + nl < 6 && is_digit((unsigned char)p[0]) && nl >= nd && !is_digit((unsigned char)p[n - 1]))
		return -20;
	return 0;
}

static int
check_year(const char *p, size_t n)
{
	uint8_t d[8];
	if (n == 4 && digits_of(p, n, d, 8) == 4) {
		unsigned v = d[0] * 1000u + d[1] * 100u + d[2] * 10u + d[3];
		if (v >= 1900 && v <= 2035)
			return CHECK_NO;
	}
	return 0;
}

static int
check_mac(const char *p, size_t n)
{
	unsigned nd = 0;
	for (size_t i = 0; i < n; i++)
		nd += is_digit((unsigned char)p[i]);
	return nd >= 1 ? 0 : -20;
}

static int
check_zip(const char *p, size_t n)
{
	uint8_t d[12];
	unsigned k = digits_of(p, n, d, 12);
	if (k != 5 && k != 9)
		return CHECK_NO;
	return (d[0] | d[1] | d[2]) == 0 ? CHECK_NO : 0;
}

static const struct { const char *name; check_fn *fn; } checks[] = {
	{ "ssn", check_ssn }, { "phone", check_phone }, { "luhn", check_luhn }, { "npi", check_npi }, { "dea", check_dea },
	{ "aba", check_aba }, { "iban", check_iban }, { "vin", check_vin }, { "ipv4", check_ipv4 }, { "ipv6", check_ipv6 },
	{ "date", check_date }, { "age90", check_age90 }, { "code", check_code }, { "notyear", check_year },
	{ "mac", check_mac }, { "zip", check_zip }, { "imei", check_imei },
	{ "ocrdate", check_ocrdate }, { "daymonth", check_daymonth }, { "daylist", check_daylist },
};

check_fn *
phi_check_of(const char *name, size_t n)
{
	for (size_t i = 0; i < COUNTOF(checks); i++)
		if (strlen(checks[i].name) == n && !memcmp(checks[i].name, name, n))
			return checks[i].fn;
	return NULL;
}
