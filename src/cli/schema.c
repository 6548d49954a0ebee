/* schema.c - the numbered migrations of data/schema, carried inside the program. */
#include "cli/cli.h"

/* The text of a file becomes bytes of the program; the assembler reads it. */
#define FILE_TEXT(name, path) \
	__asm__(".section .rodata\n.global " #name "\n.global " #name "_end\n" #name ":\n.incbin \"" path "\"\n" \
	        #name "_end:\n.byte 0\n.previous\n"); \
	extern const char name[], name##_end[]

FILE_TEXT(schema_0005, "data/schema/0005-keyring.keys.sql");
FILE_TEXT(schema_0010, "data/schema/0010-trail.sql");
FILE_TEXT(schema_0020, "data/schema/0020-gate.sql");
FILE_TEXT(schema_0030, "data/schema/0030-desk.sql");
FILE_TEXT(schema_0031, "data/schema/0031-search.sql");
FILE_TEXT(schema_0032, "data/schema/0032-search-filter.sql");
FILE_TEXT(schema_0040, "data/schema/0040-gate-phi.sql");
FILE_TEXT(schema_0041, "data/schema/0041-desk-phi.sql");
FILE_TEXT(schema_0050, "data/schema/0050-rules.sql");
FILE_TEXT(schema_0051, "data/schema/0051-sla.sql");
FILE_TEXT(schema_0052, "data/schema/0052-views.sql");
FILE_TEXT(schema_0060, "data/schema/0060-definition.sql");
FILE_TEXT(schema_0061, "data/schema/0061-tag.sql");
FILE_TEXT(schema_0062, "data/schema/0062-ticket-links.sql");
FILE_TEXT(schema_0063, "data/schema/0063-gate-people.sql");
FILE_TEXT(schema_0064, "data/schema/0064-desk-rating.sql");
FILE_TEXT(schema_0065, "data/schema/0065-desk-bookmark.sql");
FILE_TEXT(schema_0070, "data/schema/0070-outbox.sql");
FILE_TEXT(schema_0071, "data/schema/0071-webhook.sql");
FILE_TEXT(schema_0072, "data/schema/0072-threads.sql");
FILE_TEXT(schema_0073, "data/schema/0073-exports.sql");
FILE_TEXT(schema_0074, "data/schema/0074-job.sql");
FILE_TEXT(schema_0075, "data/schema/0075-outbox-user.sql");
FILE_TEXT(schema_0140, "data/schema/0140-reports.sql");
FILE_TEXT(schema_0141, "data/schema/0141-comply.sql");
FILE_TEXT(schema_0091, "data/schema/0091-gate-link.sql");
FILE_TEXT(schema_0130, "data/schema/0130-draft.sql");
FILE_TEXT(schema_0150, "data/schema/0150-secure-link.sql");
FILE_TEXT(schema_0151, "data/schema/0151-guide.sql");
FILE_TEXT(schema_0160, "data/schema/0160-retention.sql");
FILE_TEXT(schema_0165, "data/schema/0165-gate-reset.sql");
FILE_TEXT(schema_0190, "data/schema/0190-desk-attachment-part.sql");
FILE_TEXT(schema_0210, "data/schema/0210-desk-draft-files.sql");
FILE_TEXT(schema_0220, "data/schema/0220-desk-write.sql");
FILE_TEXT(schema_0240, "data/schema/0240-desk-rule-use.sql");
FILE_TEXT(schema_0241, "data/schema/0241-desk-skill.sql");
FILE_TEXT(schema_0242, "data/schema/0242-desk-skill-gone.sql");
FILE_TEXT(schema_0090, "data/schema/0090-gate-factor.sql");
FILE_TEXT(schema_0100, "data/schema/0100-desk-aside.sql");
FILE_TEXT(schema_0101, "data/schema/0101-desk-macro-file.sql");
FILE_TEXT(schema_0110, "data/schema/0110-gate-oauth.sql");
FILE_TEXT(schema_0111, "data/schema/0111-gate-role.sql");
FILE_TEXT(schema_0112, "data/schema/0112-gate-user-setting.sql");
FILE_TEXT(schema_0200, "data/schema/0200-gate-officer.sql");
FILE_TEXT(schema_0201, "data/schema/0201-gate-invitation.sql");
FILE_TEXT(schema_0102, "data/schema/0102-gate-identity.sql");
FILE_TEXT(schema_0103, "data/schema/0103-desk-clock.sql");
FILE_TEXT(schema_0180, "data/schema/0180-desk-schedule.sql");

/* Ends are addresses that only the linker knows, so lengths are made when asked for. */
struct migration_text { const char *begin, *end; };
static const struct { int number; enum db db; const char *name; struct migration_text t; } rows[] = {
	{ 5,  DB_KEYS, "keyring", { schema_0005, schema_0005_end } },
	{ 10, DB_MAIN, "trail",   { schema_0010, schema_0010_end } },
	{ 20, DB_MAIN, "gate",    { schema_0020, schema_0020_end } },
	{ 30, DB_MAIN, "desk",    { schema_0030, schema_0030_end } },
	{ 31, DB_MAIN, "search",  { schema_0031, schema_0031_end } },
	{ 32, DB_MAIN, "search-filter", { schema_0032, schema_0032_end } },
	{ 40, DB_MAIN, "gate-phi", { schema_0040, schema_0040_end } },
	{ 41, DB_MAIN, "desk-phi", { schema_0041, schema_0041_end } },
	{ 50, DB_MAIN, "rules",   { schema_0050, schema_0050_end } },
	{ 51, DB_MAIN, "sla",     { schema_0051, schema_0051_end } },
	{ 52, DB_MAIN, "views",   { schema_0052, schema_0052_end } },
	{ 60, DB_MAIN, "definition", { schema_0060, schema_0060_end } },
	{ 61, DB_MAIN, "tag",     { schema_0061, schema_0061_end } },
	{ 62, DB_MAIN, "ticket-links", { schema_0062, schema_0062_end } },
	{ 63, DB_MAIN, "gate-people", { schema_0063, schema_0063_end } },
	{ 64, DB_MAIN, "desk-rating", { schema_0064, schema_0064_end } },
	{ 65, DB_MAIN, "desk-bookmark", { schema_0065, schema_0065_end } },
	{ 70, DB_MAIN, "outbox",  { schema_0070, schema_0070_end } },
	{ 71, DB_MAIN, "webhook", { schema_0071, schema_0071_end } },
	{ 72, DB_MAIN, "threads", { schema_0072, schema_0072_end } },
	{ 73, DB_MAIN, "exports", { schema_0073, schema_0073_end } },
	{ 74, DB_MAIN, "job",     { schema_0074, schema_0074_end } },
	{ 75, DB_MAIN, "outbox-user", { schema_0075, schema_0075_end } },
	{ 90, DB_MAIN, "factor",  { schema_0090, schema_0090_end } },
	{ 91, DB_MAIN, "link",    { schema_0091, schema_0091_end } },
	{ 100, DB_MAIN, "desk-aside", { schema_0100, schema_0100_end } },
	{ 101, DB_MAIN, "desk-macro-file", { schema_0101, schema_0101_end } },
	{ 102, DB_MAIN, "gate-identity", { schema_0102, schema_0102_end } },
	{ 103, DB_MAIN, "desk-clock", { schema_0103, schema_0103_end } },
	{ 110, DB_MAIN, "oauth",  { schema_0110, schema_0110_end } },
	{ 111, DB_MAIN, "gate-role", { schema_0111, schema_0111_end } },
	{ 112, DB_MAIN, "gate-user-setting", { schema_0112, schema_0112_end } },
	{ 130, DB_MAIN, "draft",  { schema_0130, schema_0130_end } },
	{ 140, DB_MAIN, "reports", { schema_0140, schema_0140_end } },
	{ 141, DB_MAIN, "comply", { schema_0141, schema_0141_end } },
	{ 150, DB_MAIN, "secure-link", { schema_0150, schema_0150_end } },
	{ 151, DB_MAIN, "guide",  { schema_0151, schema_0151_end } },
	{ 160, DB_MAIN, "retention", { schema_0160, schema_0160_end } },
	{ 165, DB_MAIN, "gate-reset", { schema_0165, schema_0165_end } },
	{ 180, DB_MAIN, "desk-schedule", { schema_0180, schema_0180_end } },
	{ 190, DB_MAIN, "desk-attachment-part", { schema_0190, schema_0190_end } },
	{ 200, DB_MAIN, "gate-officer", { schema_0200, schema_0200_end } },
	{ 201, DB_MAIN, "gate-invitation", { schema_0201, schema_0201_end } },
	{ 210, DB_MAIN, "desk-draft-files", { schema_0210, schema_0210_end } },
	{ 220, DB_MAIN, "desk-write", { schema_0220, schema_0220_end } },
	{ 240, DB_MAIN, "desk-rule-use", { schema_0240, schema_0240_end } },
	{ 241, DB_MAIN, "desk-skill", { schema_0241, schema_0241_end } },
	{ 242, DB_MAIN, "desk-skill-gone", { schema_0242, schema_0242_end } },
};

int
ward_migrations(struct migration *out)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		out[i] = (struct migration){ rows[i].number, rows[i].db, rows[i].name,
		    { rows[i].t.begin, (size_t)(rows[i].t.end - rows[i].t.begin) } };
	return (int)COUNT(rows);
}
