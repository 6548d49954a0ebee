/* open.c - the engine put together; names of kinds, rules and errors. */
#include "engine.h"

#include <dirent.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const kinds[PHI_KINDS] = {
	"NAME", "LOCATION", "FACILITY", "DATE", "AGE90", "PHONE", "FAX", "EMAIL", "SSN", "MRN", "HEALTHPLAN", "ACCOUNT",
	"LICENSE", "VEHICLE", "DEVICE", "URL", "IP", "BIOMETRIC", "PHOTO", "OTHERID",
};

const char *
phi_version(void)
{
	return "1.0";
}

const char *
phi_kind_name(enum phi_kind k)
{
	return (unsigned)k < PHI_KINDS ? kinds[k] : NULL;
}

int
phi_kind_of(const char *name, size_t len)
{
	for (int i = 0; i < PHI_KINDS; i++) {
		size_t j = 0;
		while (j < len && kinds[i][j] && (name[j] & ~0x20) == (kinds[i][j] & ~0x20))
			j++;
		if (j == len && !kinds[i][j])
			return i;
	}
	return -1;
}

const char *
phi_err_text(enum phi_err e)
{
	static const char *const text[] = {
		[PHI_OK] = "done", [PHI_STOPPED] = "stopped", [PHI_LIMIT] = "the text is too large to scan",
		[PHI_NOMEM] = "out of memory", [PHI_BAD] = "malformed rules, data or argument",
		[PHI_IO] = "a file could not be read",
	};
	return (unsigned)e < COUNTOF(text) ? text[e] : "unknown error";
}

/* Detectors written in C have names as rules have. */
static const char *const c_rules[] = {
	"tagger.name", "tagger.location", "tagger.facility", "tagger.date", "tagger.id", "name.lexicon", "name.title",
	"name.form", "name.greeting", "name.signature", "name.speaker", "name.again", "known.value", "place.address",
	"place.facility", "place.city", "place.city-state", "name.last-first", "place.hospital", "paste.hl7",
	"paste.table", "paste.key", "name.relative", "name.number-beside", "name.subject", "number.again",
};

const char *
phi_rule_name(const struct phi *p, int rule)
{
	if (rule < 0)
		return "unknown";
	if ((unsigned)rule < p->rules.count)
		return p->rules.rule[rule].id;
	unsigned k = (unsigned)rule - p->rules.count;
	return k < COUNTOF(c_rules) ? c_rules[k] : "unknown";
}

static void
say(char *why, size_t n, const char *file, const char *what)
{
	if (why && n)
		snprintf(why, n, "%s%s%s", file ? file : "", file ? ": " : "", what);
}

static void *
map_file(const char *path, size_t *n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *p = NULL;
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 && st.st_size < 1 << 29) {
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (p == MAP_FAILED)
			p = NULL;
		*n = (size_t)st.st_size;
	}
	close(fd);
	return p;
}

static int
only_rules(const struct dirent *d)
{
	size_t n = strlen(d->d_name);
	return n > 6 && d->d_name[0] != '.' && !strcmp(d->d_name + n - 6, ".rules");
}

static enum phi_err
open_folder(struct phi *p, const char *folder, char *why, size_t wn)
{
	struct dirent **list;
	char path[4096];
	size_t n = 0;
	int count = scandir(folder, &list, only_rules, alphasort);
	if (count < 0) {
		say(why, wn, folder, "cannot be read as a folder");
		return PHI_IO;
	}
	enum phi_err e = PHI_OK;
	for (int i = 0; i < count; i++) {
		if (e == PHI_OK) {
			if (snprintf(path, sizeof path, "%s/%s", folder, list[i]->d_name) >= (int)sizeof path)
				e = PHI_IO;
			void *m = e == PHI_OK ? map_file(path, &n) : NULL;
			if (!m) {
				say(why, wn, list[i]->d_name, "cannot be read");
				e = PHI_IO;
			} else {
				p->rules.adds = true;
				if (!phi_rules_read(&p->rules, m, n, list[i]->d_name, NULL, why, wn))
					e = PHI_BAD;
				munmap(m, n);
			}
		}
		free(list[i]);
	}
	free(list);
	if (e != PHI_OK)
		return e;
	if (snprintf(path, sizeof path, "%s/phi.lex", folder) < (int)sizeof path && access(path, F_OK) == 0) {
		p->lex_map = map_file(path, &p->lex_len);
		if (!p->lex_map || !phi_lex_open(&p->lex, p->lex_map, p->lex_len)) {
			say(why, wn, "phi.lex", "damaged, or not a lexicon");
			return PHI_BAD;
		}
	}
	if (snprintf(path, sizeof path, "%s/phi.model", folder) < (int)sizeof path && access(path, F_OK) == 0) {
		p->model_map = map_file(path, &p->model_len);
		if (!p->model_map || !phi_tagger_open(&p->tagger, p->model_map, p->model_len)) {
			say(why, wn, "phi.model", "damaged, or not a model");
			return PHI_BAD;
		}
		p->has_tagger = true;
	}
	return PHI_OK;
}

enum phi_err
phi_open(const char *folder, struct phi **out, char *why, size_t wn)
{
	static _Atomic uint64_t ids;
	static const char *const wc_names[W_COUNT] = {
		"title", "namelabel", "role", "degree", "greet", "sign", "street", "unit", "direction", "fachead", "facprep",
		"month", "weekday", "notname", "speaker", "addrlabel", "lives", "suffix", "particle", "kin", "says", "faclabel",
		"pobox", "brand", "code", "quantity", "company", "notdate", "deed",
	};
	enum phi_err e = PHI_NOMEM;
	*out = NULL;
	if (sodium_init() < 0)
		return PHI_NOMEM;
	say(why, wn, NULL, "out of memory");
	struct phi *p = aligned_alloc(64, (sizeof *p + 63) & ~(size_t)63);
	if (!p)
		return PHI_NOMEM;
	memset(p, 0, sizeof *p);
	p->id = ++ids;
	phi_paste_keys(p);
#ifdef __x86_64__
	p->cpu = (__builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") ? CPU_BMI : 0u) |
	    (__builtin_cpu_supports("avx2") ? CPU_AVX2 : 0u);
#endif
	if (!phi_rules_read(&p->rules, (const char *)phi_rules_start, (size_t)(phi_rules_end - phi_rules_start), "built-in rules",
	        NULL, why, wn)) {
		e = PHI_BAD;
		goto fail;
	}
	if (!phi_lex_open(&p->lex, phi_lex_start, (size_t)(phi_lex_end - phi_lex_start))) {
		say(why, wn, "built-in lexicon", "damaged");
		e = PHI_BAD;
		goto fail;
	}
	if (phi_model_end - phi_model_start > 0) {
		if (!phi_tagger_open(&p->tagger, phi_model_start, (size_t)(phi_model_end - phi_model_start))) {
			say(why, wn, "built-in model", "damaged");
			e = PHI_BAD;
			goto fail;
		}
		p->has_tagger = true;
	}
	if (folder && (e = open_folder(p, folder, why, wn)) != PHI_OK)
		goto fail;
	if (!phi_rules_done(&p->rules)) {
		e = PHI_NOMEM;
		goto fail;
	}
	for (int i = 0; i < W_COUNT; i++)
		p->wc[i] = phi_class(&p->rules, wc_names[i]);
	static const char *const labels[] = { "mrn", "plan", "acct", "license", "userid", "device", "vehicle", "biometric", "ssn", "empword" };
	for (size_t i = 0; i < COUNTOF(labels); i++)
		p->id_words |= phi_class(&p->rules, labels[i]);
	phi_number_rules(p);
	say(why, wn, NULL, "");
	*out = p;
	return PHI_OK;
fail:
	phi_close(p);
	return e;
}

/* What is written in C has the numbers behind those of the rules. */
void
phi_number_rules(struct phi *p)
{
	int n = (int)p->rules.count;
	for (int i = 0; i < 5; i++)
		p->r_tag[i] = n + i;
	p->r_name = n + 5, p->r_title = n + 6, p->r_form = n + 7, p->r_greet = n + 8, p->r_sign = n + 9, p->r_speaker = n + 10;
	p->r_memory = n + 11, p->r_known = n + 12, p->r_address = n + 13, p->r_facility = n + 14, p->r_city = n + 15;
	p->r_citystate = n + 16, p->r_lastfirst = n + 17, p->r_hospital = n + 18;
	p->r_hl7 = n + 19, p->r_table = n + 20, p->r_pair = n + 21, p->r_kin = n + 22, p->r_beside = n + 23, p->r_subject = n + 24, p->r_memory_number = n + 25;
}

void
phi_close(struct phi *p)
{
	if (!p)
		return;
	phi_rules_free(&p->rules);
	if (p->lex_map)
		munmap(p->lex_map, p->lex_len);
	if (p->model_map)
		munmap(p->model_map, p->model_len);
	free(p);
}
