/* mail_charsets.h - texts in the charsets of the world's mail, read once in the
 * test's own process and once in the sandbox, where no converter can be loaded. */
#ifndef TESTS_MAIL_CHARSETS_H
#define TESTS_MAIL_CHARSETS_H

#define Z(lit) lit, sizeof(lit) - 1

static const struct {
	const char *why, *charset, *bytes;
	size_t      n;
	const char *utf8, *problem;
} charsets[] = {
	{ "UTF-8", "UTF-8", Z("K\xC3\xA4se \xF0\x9F\x98\x80"), "Käse 😀", NULL },
	{ "US-ASCII", "us-ascii", Z("plain"), "plain", NULL },
	{ "US-ASCII with eight bits", "us-ascii", Z("K\xE4se"), "Käse", "wrong charset" },
	{ "ISO-8859-1", "ISO-8859-1", Z("K\xE4se"), "Käse", NULL },
	{ "ISO-8859-1 that is windows-1252", "iso-8859-1", Z("\x93x\x94 \x80"), "“x” €", NULL },
	{ "ISO-8859-2", "iso-8859-2", Z("\xA3\xF3" "d\xBC"), "Łódź", NULL },
	{ "ISO-8859-5", "iso-8859-5", Z("\xBF\xE0\xD8\xD2\xD5\xE2"), "Привет", NULL },
	{ "ISO-8859-7", "iso-8859-7", Z("\xC1\xE8\xDE\xED\xE1"), "Αθήνα", NULL },
	{ "ISO-8859-8-I", "iso-8859-8-i", Z("\xF9\xEC\xE5\xED"), "שלום", NULL },
	{ "ISO-8859-9", "iso-8859-9", Z("\xDE\xFD"), "Şı", NULL },
	{ "ISO-8859-15", "iso-8859-15", Z("\xA4 \xBD"), "€ œ", NULL },
	{ "windows-1250", "windows-1250", Z("\xA3\xF3" "d\x9F"), "Łódź", NULL },
	{ "windows-1251", "windows-1251", Z("\xCF\xF0\xE8\xE2\xE5\xF2"), "Привет", NULL },
	{ "windows-1252", "windows-1252", Z("\x80 K\xE4se"), "€ Käse", NULL },
	{ "windows-1253", "windows-1253", Z("\xC1\xE8\xDE\xED\xE1"), "Αθήνα", NULL },
	{ "windows-1254", "windows-1254", Z("\xDE\xFD"), "Şı", NULL },
	{ "windows-1255", "windows-1255", Z("\xF9\xEC\xE5\xED"), "שלום", NULL },
	{ "windows-1256", "windows-1256", Z("\xD3\xE1\xC7\xE3"), "سلام", NULL },
	{ "windows-1257", "windows-1257", Z("\xC2\xFD"), "Āż", NULL },
	{ "KOI8-R", "koi8-r", Z("\xF0\xD2\xC9\xD7\xC5\xD4"), "Привет", NULL },
	{ "KOI8-U", "koi8-u", Z("\xEB\xC9\xA7\xD7"), "Київ", NULL },
	{ "IBM866", "cp866", Z("\x8F\xE0\xA8\xA2\xA5\xE2"), "Привет", NULL },
	{ "IBM437", "cp437", Z("K\x84se"), "Käse", NULL },
	{ "Macintosh", "x-mac-roman", Z("K\x8Ase"), "Käse", NULL },
	{ "TIS-620", "windows-874", Z("\xE4\xB7\xC2"), "ไทย", NULL },
	{ "Shift_JIS", "Shift_JIS", Z("\x93\xFA\x96\x7B\x8C\xEA"), "日本語", NULL },
	{ "Shift_JIS that is windows-31J", "shift-jis", Z("\x87\x40"), "①", NULL },
	{ "EUC-JP", "euc-jp", Z("\xC6\xFC\xCB\xDC\xB8\xEC"), "日本語", NULL },
	{ "ISO-2022-JP", "iso-2022-jp", Z("\x1B$BF|K\\8l\x1B(B"), "日本語", NULL },
	{ "GB2312", "gb2312", Z("\xC4\xE3\xBA\xC3"), "你好", NULL },
	{ "GB18030", "gb18030", Z("\xC4\xE3\x94\x39\xFC\x36"), "你😀", NULL },
	{ "Big5", "big5", Z("\xA7\x41\xA6\x6E"), "你好", NULL },
	{ "EUC-KR", "euc-kr", Z("\xC7\xD1\xB1\xDB"), "한글", NULL },
	{ "EUC-KR that is windows-949", "ks_c_5601-1987", Z("\x8C\x63"), "똠", NULL },
	{ "UTF-16 with a mark", "utf-16", Z("\xFE\xFF\x00K\x00\xE4"), "Kä", NULL },
	{ "UTF-16 without a mark, big end first", "utf-16", Z("\x00K\x00\xE4\x00s"), "Käs", NULL },
	{ "UTF-16 without a mark, little end first", "utf-16", Z("K\x00\xE4\x00s\x00"), "Käs", NULL },
	{ "UTF-16LE", "utf-16le", Z("K\x00=\xD8\x00\xDE"), "K😀", NULL },
	{ "UTF-16 that is not", "utf-16", Z("plain text"), "plain text", "wrong charset" },
	{ "UTF-16 cut in a character", "utf-16le", Z("K\x00\xE4"), "K\xEF\xBF\xBD", "wrong charset" },
	{ "UTF-32", "utf-32", Z("\x00\x00\x00K\x00\x00\x00\xE4"), "Kä", NULL },
	{ "UTF-7 is not read", "utf-7", Z("a +AOQ-"), "a +AOQ-", "unknown charset" },
	{ "unknown, eight bits", "x-nonsense", Z("K\xE4se"), "Käse", "unknown charset" },
	{ "unknown, UTF-8", "x-nonsense", Z("K\xC3\xA4se"), "Käse", "unknown charset" },
	{ "a name too long to be one", "iso-8859-1-and-then-forty-characters-more", Z("K\xE4se"), "Käse", "unknown charset" },
	{ "a name with a path in it", "../../../../tmp/x", Z("K\xE4se"), "Käse", "unknown charset" },
	{ "Shift_JIS with broken bytes", "shift_jis", Z("\x93\xFA\x96\xFFx"), "日\xEF\xBF\xBD\xEF\xBF\xBDx", "wrong charset" },
	{ "windows-1251 named ISO-8859-1 stays that", "iso-8859-1", Z("\xCF\xF0"), "Ïð", NULL },
};

/* A message whose text is row i. */
static inline str
charset_message(struct arena *a, size_t i)
{
	str head = str_printf(a, "From: ada@clinic.example\nContent-Type: text/plain; charset=\"%s\"\n\n", charsets[i].charset);
	struct buf b;

	buf_init(&b, a, 4 * KiB);
	buf_add(&b, head);
	buf_add(&b, (str){ charsets[i].bytes, charsets[i].n });
	return buf_str(&b);
}

static inline void
charset_expect(struct arena *a, size_t i, const struct mail *m)
{
	assert_string_equal(str_z(a, m->text), charsets[i].utf8);
	assert_int_equal(m->problem_count, charsets[i].problem != NULL);
	if (charsets[i].problem != NULL)
		assert_string_equal(m->problem[0], charsets[i].problem);
}

#endif
