/* phi.h - find what identifies a person in text, and take it out.
 *
 * The public header of libphi: C11 and C++, includes nothing of ours, every
 * name is phi_ or PHI_, all else is hidden. A struct phi is read-only once open,
 * so any number of threads may share it. Each thread keeps its own working memory
 * (about 1 MB after a few 2 KB texts, at most 24 MB), made at its first scan,
 * reused without allocation, given back when the thread ends or by
 * phi_thread_done(). A scan needs less than 32 KiB of stack.
 *
 * Source of the kinds: 45 CFR 164.514(b)(2)(i)(A)-(R).
 */
#ifndef PHI_H
#define PHI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define PHI_API __attribute__((visibility("default")))
#else
#define PHI_API
#endif

#define PHI_VERSION_MAJOR 1
#define PHI_VERSION_MINOR 0
#define PHI_TEXT_MAX ((size_t)16 << 20)       /* bytes one scan accepts; a phi_stream has no limit */

/*
 * The ABI of libphi.so.1: functions are only added; enum values are only added
 * at the end; a struct of options begins with its size and only grows at its
 * end, so that a program built against an older header goes on working. A
 * struct phi_finding and a struct phi_moved never change.
 */

/* Everything but PHI_OK means: treat the text as full of PHI (fail closed). */
enum phi_err {
	PHI_OK = 0,
	PHI_STOPPED,    /* the callback, or the caller's stop flag, ended it */
	PHI_LIMIT,      /* the text is above PHI_TEXT_MAX, or holds too many findings; nothing reported */
	PHI_NOMEM,      /* out of memory; nothing reported */
	PHI_BAD,        /* rules, lexicon, model or an argument are malformed */
	PHI_IO          /* a file could not be read */
};

/* The classes; in comments the letter of 164.514(b)(2)(i). */
enum phi_kind {
	PHI_NAME = 0,   /* A */
	PHI_LOCATION,   /* B  street, city, county, ZIP */
	PHI_FACILITY,   /* B  hospital, clinic, school, home */
	PHI_DATE,       /* C  more exact than a year */
	PHI_AGE90,      /* C  age of 90 or more */
	PHI_PHONE,      /* D */
	PHI_FAX,        /* E */
	PHI_EMAIL,      /* F */
	PHI_SSN,        /* G  also its last four, ITIN */
	PHI_MRN,        /* H */
	PHI_HEALTHPLAN, /* I  member, group, policy, claim, authorisation, MBI */
	PHI_ACCOUNT,    /* J  bank, card, IBAN, guarantor */
	PHI_LICENSE,    /* K  driver, passport, NPI, DEA, certificate */
	PHI_VEHICLE,    /* L  VIN, plate */
	PHI_DEVICE,     /* M  serial, lot, MAC, IMEI */
	PHI_URL,        /* N */
	PHI_IP,         /* O */
	PHI_BIOMETRIC,  /* P */
	PHI_PHOTO,      /* Q  file name of a full-face photograph */
	PHI_OTHERID,    /* R  user name, handle, study, specimen, Rx number */
	PHI_KINDS
};

struct phi;         /* compiled rules, lexicon, tagger; opaque */
struct phi_known;   /* values known beforehand; opaque */

struct phi_finding {
	enum phi_kind kind;
	size_t        at;     /* offset of the first byte in the text */
	size_t        len;    /* bytes, never 0, always whole UTF-8 characters */
	int           score;  /* confidence, 0 to 100 */
	int           rule;   /* what found it; phi_rule_name() */
};

/* Opens the built-in rules, lexicon and model (`folder` NULL), and on top of
 * them every *.rules file of `folder`, in the order of their names; a
 * phi.lex or phi.model there replaces the built-in one. On failure *out is
 * NULL and `why` (`n` bytes, may be NULL) holds file, line and reason. Takes
 * milliseconds. phi_close(NULL) is fine; nobody may be scanning. */
PHI_API enum phi_err phi_open(const char *folder, struct phi **out, char *why, size_t n);
PHI_API void phi_close(struct phi *p);
PHI_API const char *phi_version(void);                         /* "1.0" */

/* Called once per finding, by ascending `at`; findings never overlap. `f` is
 * valid during the call only. Return non-zero to stop the scan. */
typedef int phi_found(void *arg, const struct phi_finding *f);

/* Scans `len` bytes of UTF-8 at `text` (NULL if len is 0), which are only read
 * and not kept; invalid UTF-8 is scanned bytewise. Linear in len. Findings are
 * reported only when the whole text has been scanned, so an error never leaves
 * a half-known text behind. */
PHI_API enum phi_err phi_scan(const struct phi *p, const char *text, size_t len,
    phi_found *found, void *arg);

/* The same with choices. Set `size` to sizeof(struct phi_opts), rest to 0. */
struct phi_opts {
	size_t      size;
	int         min_score;          /* report findings of this score up; 0: 50 */
	int         recall;             /* the dial, -100 (precision) to 100 (recall); 0: as trained */
	uint32_t    skip_kinds;         /* bit 1u << kind: do not report it */
	unsigned    flags;              /* PHI_NO_* */
	const struct phi_known *known;  /* values to find besides; may be NULL */
	const volatile int *stop;       /* non-zero: end with PHI_STOPPED within some ms; may be NULL */
};
#define PHI_NO_TAGGER  1u           /* rules and lexicon alone */
#define PHI_NO_MEMORY  2u           /* do not look for found names again */
PHI_API enum phi_err phi_scan_opts(const struct phi *p, const struct phi_opts *o,
    const char *text, size_t len, phi_found *found, void *arg);

/* Known values of a ticket or an account: matched in any case and spacing.
 * Only keyed hashes are kept (SipHash-2-4, a random key for each set), never a
 * value. Filling is not thread-safe, scanning is. phi_known_add of a PHI_NAME
 * teaches its parts of three letters or more as well, which suits the people
 * of one ticket; phi_known_add_whole teaches the whole value only (a name also
 * as "Last, First", without or with an initial for the names between), which
 * suits the patient list of a house: a million people with a number and a telephone each take 34 MB. */
PHI_API struct phi_known *phi_known_new(void);                 /* NULL: out of memory */
PHI_API enum phi_err phi_known_add(struct phi_known *k, enum phi_kind kind, const char *value, size_t len);
PHI_API enum phi_err phi_known_add_whole(struct phi_known *k, enum phi_kind kind, const char *value, size_t len);
PHI_API enum phi_err phi_known_allow(struct phi_known *k, const char *value, size_t len); /* never report exactly this */
PHI_API size_t phi_known_count(const struct phi_known *k);     /* hashes kept */
PHI_API void phi_known_free(struct phi_known *k);
/* What `more` knows counts as well where `k` is given (an account's list behind
 * a ticket's people). Not owned: it must outlive k. NULL: no more. */
PHI_API void phi_known_also(struct phi_known *k, const struct phi_known *more);
/* A set as bytes, without `also`, for keeping it; `out` has room for
 * phi_known_size(). The key is in it: who has the bytes can try values on them,
 * so they are to be kept sealed. Loading checks all of it: PHI_BAD. The bytes
 * belong to this kind of machine. */
PHI_API size_t phi_known_size(const struct phi_known *k);
PHI_API void phi_known_save(const struct phi_known *k, void *out);
PHI_API enum phi_err phi_known_load(const void *bytes, size_t n, struct phi_known **out);

/* Redaction: writes the text with its findings replaced, in pieces, to `out`
 * (non-zero ends it with PHI_STOPPED). Nothing is written before the whole
 * text has been scanned. */
enum phi_style {
	PHI_STYLE_LABEL = 0,  /* [NAME] */
	PHI_STYLE_MASK,       /* every letter and digit becomes X, same length in characters */
	PHI_STYLE_LAST4,      /* mask, but the last four digits of numbers stay */
	PHI_STYLE_HASH,       /* [NAME:9f31c2a0b4de] keyed, the same for the same value */
	PHI_STYLE_SURROGATE   /* an invented value of the same form, the same for the same value and key */
};
/* Where one replacement stands: `old_*` in the text, `new_*` in what is
 * written. Between two of them the bytes are the same, only moved. */
struct phi_moved {
	enum phi_kind kind;
	int           score;
	uint64_t      old_at, old_len, new_at, new_len;
};
struct phi_redact_opts {
	size_t          size;
	enum phi_style  style;
	int             safe_harbor;    /* keep years, lawful ZIP3, "90+"; label style only */
	uint64_t        key;            /* of hash and surrogate, one per ticket; 0 is a key too */
	const struct phi_opts *scan;    /* may be NULL */
	/* since 1.0's first builds: */
	const unsigned char *secret;    /* 32 bytes, in place of `key`: nobody can try all of them; may be NULL */
	unsigned        flags;          /* PHI_ONCE */
	int             reserved;       /* 0 */
	int           (*moved)(void *arg, const struct phi_moved *m);  /* per replacement, ascending; may be NULL */
	void           *moved_arg;
};
#define PHI_ONCE 1u                 /* replace just what phi_scan reports */
typedef int phi_write(void *arg, const char *bytes, size_t n);

/* What was found is replaced, and what is left is scanned again: a name that
 * only shows once its neighbour is gone goes as well (PHI_ONCE leaves that
 * out), and no value that was found is left elsewhere for the same rules to
 * find. */
PHI_API enum phi_err phi_redact(const struct phi *p, const struct phi_redact_opts *o,
    const char *text, size_t len, phi_write *out, void *arg);

/* The replacement of one finding alone, as phi_redact would write it. */
PHI_API enum phi_err phi_replace(const struct phi *p, const struct phi_redact_opts *o,
    const char *text, size_t len, const struct phi_finding *f, phi_write *out, void *arg);

/*
 * A text of any length, given in pieces, in bounded memory (about 1 MB). Finds
 * and writes what phi_scan and phi_redact with PHI_ONCE would of the same text
 * in one (offsets count from its beginning), with two differences: a finding
 * above 64 KB comes in several, one behind the other; and what has been written
 * before an error stays written, so drop the output then. `found`, `out` may
 * be NULL. One thread at a time; `p`, the sets of known values and `secret` must
 * outlive it.
 */
struct phi_stream;
PHI_API enum phi_err phi_stream_new(const struct phi *p, const struct phi_redact_opts *o, phi_found *found, phi_write *out,
    void *arg, struct phi_stream **s);
PHI_API enum phi_err phi_stream_write(struct phi_stream *s, const char *bytes, size_t n);
PHI_API enum phi_err phi_stream_end(struct phi_stream *s);     /* the rest; afterwards only phi_stream_free */
PHI_API void phi_stream_free(struct phi_stream *s);            /* NULL is fine */

/*
 * Rules that change while threads scan. phi_live_take gives the engine of now,
 * to be given back by phi_live_give, which any number of threads may do at any
 * time; phi_live_reload opens the folder anew and puts it in place, and a
 * failure leaves the old one there. The old engine closes when its last taker
 * has given it back. Free it when nobody holds an engine.
 */
struct phi_live;
PHI_API enum phi_err phi_live_new(const char *folder, struct phi_live **out, char *why, size_t n);
PHI_API const struct phi *phi_live_take(struct phi_live *l);
PHI_API void phi_live_give(struct phi_live *l, const struct phi *p);
PHI_API enum phi_err phi_live_reload(struct phi_live *l, char *why, size_t n);
PHI_API void phi_live_free(struct phi_live *l);

PHI_API const char *phi_kind_name(enum phi_kind k);            /* "NAME"; NULL outside the range */
PHI_API int phi_kind_of(const char *name, size_t len);         /* -1: no such kind; any case */
PHI_API const char *phi_rule_name(const struct phi *p, int rule); /* "ssn.dashed"; lives as long as p */
PHI_API const char *phi_err_text(enum phi_err e);              /* fixed words */

/* Checks the text of a rules file as phi_open would, and runs its examples.
 * Returns PHI_OK, or PHI_BAD with line and reason in `why`. */
PHI_API enum phi_err phi_rules_check(const char *rules, size_t len, char *why, size_t n);

/* Gives back what the calling thread's scans keep. */
PHI_API void phi_thread_done(void);

#ifdef __cplusplus
}
#endif
#endif
