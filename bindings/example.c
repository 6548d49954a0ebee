/* example.c - libphi from a program of yours, in C or C++:
 *
 *     cc example.c $(pkg-config --cflags --libs libphi) -o example
 *     echo "SSN 123-45-6789" | ./example
 */
#include <phi.h>

#include <stdio.h>
#include <string.h>

static int
found(void *arg, const struct phi_finding *f)
{
	const struct phi *p = (const struct phi *)arg;
	fprintf(stderr, "%s at %zu, %zu bytes, %d %% sure, by %s\n", phi_kind_name(f->kind), f->at, f->len, f->score,
	    phi_rule_name(p, f->rule));
	return 0;
}

static int
to_stdout(void *arg, const char *bytes, size_t n)
{
	(void)arg;
	return fwrite(bytes, 1, n, stdout) != n;
}

int
main(void)
{
	static char text[65536];
	char why[300];
	struct phi *p;
	size_t n = fread(text, 1, sizeof text, stdin);
	if (phi_open(NULL, &p, why, sizeof why) != PHI_OK) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}
	struct phi_redact_opts o;
	memset(&o, 0, sizeof o);
	o.size = sizeof o;
	o.style = PHI_STYLE_MASK;
	/* Anything but PHI_OK: treat the text as full of PHI. */
	enum phi_err e = phi_scan(p, text, n, found, p);
	if (e == PHI_OK)
		e = phi_redact(p, &o, text, n, to_stdout, NULL);
	phi_close(p);
	phi_thread_done();
	if (e != PHI_OK)
		fprintf(stderr, "%s\n", phi_err_text(e));
	return e != PHI_OK;
}
