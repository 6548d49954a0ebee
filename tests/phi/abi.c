/* abi.c - sizes, offsets and values of phi.h, a line each; C11 and C++. */
#include <phi.h>

#include <stddef.h>
#include <stdio.h>

#define SIZE(s)     printf("sizeof struct %s %zu\n", #s, sizeof(struct s))
#define AT(s, m)    printf("struct %s %s at %zu\n", #s, #m, offsetof(struct s, m))
#define VALUE(v)    printf("%s %llu\n", #v, (unsigned long long)(v))

int
main(void)
{
	SIZE(phi_finding); AT(phi_finding, kind); AT(phi_finding, at); AT(phi_finding, len); AT(phi_finding, score); AT(phi_finding, rule);
	SIZE(phi_moved); AT(phi_moved, kind); AT(phi_moved, score); AT(phi_moved, old_at); AT(phi_moved, old_len); AT(phi_moved, new_at);
	AT(phi_moved, new_len);
	SIZE(phi_opts); AT(phi_opts, size); AT(phi_opts, min_score); AT(phi_opts, recall); AT(phi_opts, skip_kinds); AT(phi_opts, flags);
	AT(phi_opts, known); AT(phi_opts, stop);
	SIZE(phi_redact_opts); AT(phi_redact_opts, size); AT(phi_redact_opts, style); AT(phi_redact_opts, safe_harbor);
	AT(phi_redact_opts, key); AT(phi_redact_opts, scan); AT(phi_redact_opts, secret); AT(phi_redact_opts, flags);
	AT(phi_redact_opts, reserved); AT(phi_redact_opts, moved); AT(phi_redact_opts, moved_arg);
	VALUE(PHI_OK); VALUE(PHI_STOPPED); VALUE(PHI_LIMIT); VALUE(PHI_NOMEM); VALUE(PHI_BAD); VALUE(PHI_IO);
	VALUE(PHI_NAME); VALUE(PHI_LOCATION); VALUE(PHI_FACILITY); VALUE(PHI_DATE); VALUE(PHI_AGE90); VALUE(PHI_PHONE); VALUE(PHI_FAX);
	VALUE(PHI_EMAIL); VALUE(PHI_SSN); VALUE(PHI_MRN); VALUE(PHI_HEALTHPLAN); VALUE(PHI_ACCOUNT); VALUE(PHI_LICENSE); VALUE(PHI_VEHICLE);
	VALUE(PHI_DEVICE); VALUE(PHI_URL); VALUE(PHI_IP); VALUE(PHI_BIOMETRIC); VALUE(PHI_PHOTO); VALUE(PHI_OTHERID); VALUE(PHI_KINDS);
	VALUE(PHI_STYLE_LABEL); VALUE(PHI_STYLE_MASK); VALUE(PHI_STYLE_LAST4); VALUE(PHI_STYLE_HASH); VALUE(PHI_STYLE_SURROGATE);
	VALUE(PHI_NO_TAGGER); VALUE(PHI_NO_MEMORY); VALUE(PHI_ONCE); VALUE(PHI_TEXT_MAX); VALUE(PHI_VERSION_MAJOR);
	return 0;
}
