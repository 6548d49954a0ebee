/* locale.c - the languages that people may have. */
#include "desk/desk.h"

/* Zendesk's numbers. Pages and fixed words of mails are in English and Spanish; texts in other languages are dynamic content. */
const struct locale desk_locale[LOCALES] = {
	{ 1, "en-US", "English (United States)" }, { 8, "de", "Deutsch" }, { 16, "fr", "Fran\xc3\xa7" "ais" }, { 2, "es", "Espa\xc3\xb1ol" },
	{ 22, "it", "Italiano" }, { 19, "pt-BR", "Portugu\xc3\xaas do Brasil" }, { 4, "nl", "Nederlands" }, { 1176, "en-GB", "English (United Kingdom)" },
	{ 67, "ja", "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e" }, { 10, "zh-CN", "\xe7\xae\x80\xe4\xbd\x93\xe4\xb8\xad\xe6\x96\x87" },
};

int
locale_number(str locale)
{
	for (int i = 0; i < LOCALES; i++)
		if (str_eqi(locale, str_of(desk_locale[i].locale)))
			return desk_locale[i].id;
	return desk_locale[0].id;
}

str
locale_named(int64_t number)
{
	for (int i = 0; i < LOCALES; i++)
		if (desk_locale[i].id == number)
			return str_of(desk_locale[i].locale);
	return S("");
}
