/* phi.c - `ward scan`, `ward redact`, `ward phi known`.
 *
 * A scan is a job of the desk. Where a server runs, its thread does it and the
 * command watches; a command that is interrupted leaves the job running. Where
 * none runs, the command does the work itself, and an interrupted job goes on
 * at the next `ward scan --resume`, or when a server starts.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"

struct watch { struct ward *w; int64_t id; int err; usec told; bool quiet; bool ended; };

static void
print_progress(int fd, const struct phi_job *j)
{
	double secs = (double)j->worked_for / 1e6, rate = secs > 0.001 ? (double)j->done / secs : 0;

	dprintf(fd, "%s %lld %s: %lld of %lld tickets", phi_job_kind_name(j->kind), (long long)j->id, phi_job_state_name(j->state),
	    (long long)j->done, (long long)j->total);
	if (rate > 0)
		dprintf(fd, ", %.0f/s, %.1f MB/s", rate, (double)j->bytes / secs / 1e6);
	if (rate > 0 && j->state < PHI_PAUSED)
		dprintf(fd, ", %.0f s left", (double)(j->total - j->done) / rate);
	dprintf(fd, "\n");
}

/* Tells once a second; false when the job is at rest. */
static bool
look(void *arg)
{
	struct watch *v = arg;
	struct phi_job j;
	struct ctx cx;
	bool on = true;

	ward_ctx(v->w, &cx, "cli");
	if (phi_job_get(&cx, v->id, &j) != OK)
		on = false;
	else {
		on = j.state < PHI_PAUSED;
		v->ended = !on;
		if (!v->quiet && on && time_mono() - v->told >= SECOND) {
			struct pollfd p = { .fd = v->err };
			v->told = time_mono();
			print_progress(v->err, &j);
			if (poll(&p, 1, 0) == 1 && (p.revents & (POLLERR | POLLHUP | POLLNVAL)))
				on = false;     /* whoever watched has gone */
		}
	}
	ctx_done(&cx);
	return on;
}

static void
print_results(struct ctx *cx, int out, const struct phi_job *j, const struct phi_count *c, int n)
{
	static const char *const heads[] = { "kind", "place", "channel", "age" };

	dprintf(out, "%s %lld %s: %lld of %lld tickets, %lld texts, %.1f MB in %.1f s\n", phi_job_kind_name(j->kind), (long long)j->id,
	    phi_job_state_name(j->state), (long long)j->done, (long long)j->total, (long long)j->texts, (double)j->bytes / 1e6,
	    (double)j->worked_for / 1e6);
	if (j->kind == PHI_REDACTION) {
		dprintf(out, "%lld findings in %lld tickets are gone for good; %lld tickets could not be redacted\n", (long long)j->findings,
		    (long long)j->changed, (long long)j->failed);
		return;
	}
	dprintf(out, "%lld findings in %lld tickets; %lld tickets had other findings before; %lld could not be scanned\n",
	    (long long)j->findings, (long long)j->with_phi, (long long)j->changed, (long long)j->failed);
	for (int h = 0; h < 4; h++) {
		dprintf(out, "by %s\n", heads[h]);
		for (int v = 0; v < POLICY_KINDS; v++) {
			int64_t sum = 0;
			for (int i = 0; i < n; i++)
				sum += (h == 0 ? c[i].kind : h == 1 ? (int)c[i].place : h == 2 ? (int)c[i].channel : c[i].age) == v ? c[i].n : 0;
			if (sum)
				dprintf(out, "  %-18s %10lld\n", h == 0 ? policy_kind_name(v) : h == 1 ? place_name((enum phi_place)v)
				    : h == 2 ? channel_name((enum phi_channel)v) : phi_age_name(v), (long long)sum);
		}
	}
	(void)cx;
}

static int
show(struct ward *w, int64_t id, bool json, int out, int err)
{
	struct phi_count *c;
	struct phi_job j;
	struct json js;
	struct ctx cx;
	struct buf b;
	int n, code = 0;
	enum err e;

	ward_ctx(w, &cx, "cli");
	if ((e = phi_job_get(&cx, id, &j)) != OK || (e = phi_job_counts(&cx, id, &c, &n)) != OK)
		code = failed(&cx, err, e);
	else if (json) {
		buf_init(&b, cx.arena, 4 * MiB);
		jw_init(&js, &b);
		json_phi_results(&js, &cx, &j, c, n);
		jw_end_obj(&js);
		buf_byte(&b, '\n');
		if (!fd_write_all(out, b.p, b.n))
			code = 74;
	} else
		print_results(&cx, out, &j, c, n);
	if (code == 0 && j.state == PHI_FAILED)
		code = 74;
	ctx_done(&cx);
	return code;
}

/* Works or watches until the job is at rest. */
static int
until_done(struct ward *w, int64_t id, bool json, int err)
{
	struct watch v = { .w = w, .id = id, .err = err, .quiet = json, .told = time_mono() };
	struct ctx cx;
	enum err e = OK;
	int code = 0;

	if (w->sys.scans == NULL) {
		ward_ctx(w, &cx, "cli");
		if ((e = scans_run(&cx, look, &v)) != OK)
			code = failed(&cx, err, e);
		ctx_done(&cx);
		return code;
	}
	while (look(&v))
		usleep(100000);
	return 0;
}

int
cmd_scan(struct ward *w, int argc, char **argv, int in, int out, int err)
{
	bool json = flag(&argc, argv, "--json"), list = flag(&argc, argv, "--list"), detach = flag(&argc, argv, "--detach");
	const char *show_id = option(&argc, argv, "--show"), *pause = option(&argc, argv, "--pause"),
	    *resume = option(&argc, argv, "--resume"), *cancel = option(&argc, argv, "--cancel"), *query = option(&argc, argv, "--query"),
	    *which = show_id ? show_id : pause ? pause : resume ? resume : cancel;
	struct phi_job j, *all;
	struct ctx cx;
	int64_t id = 0;
	int code = 0, n;
	enum err e = OK;

	(void)in;
	if (argc > 0 || (show_id != NULL) + (pause != NULL) + (resume != NULL) + (cancel != NULL) + list + (query != NULL) > 1
	    || (which != NULL && !str_int(str_of(which), &id))) {
		dprintf(err, "usage: ward scan [-d DIR] [--query QUERY] [--json] [--detach]\n"
		    "       ward scan [-d DIR] --list | --show ID | --pause ID | --resume ID | --cancel ID [--json]\n");
		return 64;
	}
	if (show_id != NULL)
		return show(w, id, json, out, err);
	ward_ctx(w, &cx, "cli");
	if (list) {
		if ((e = phi_job_list(&cx, &all, &n)) == OK)
			for (int i = 0; i < n; i++)
				print_progress(out, &all[i]);
	} else if (pause != NULL)
		e = phi_job_pause(&cx, id, &j);
	else if (cancel != NULL)
		e = phi_job_cancel(&cx, id, &j);
	else if (resume != NULL)
		e = phi_job_resume(&cx, id, &j);
	else
		e = phi_scan_start(&cx, query ? str_of(query) : S(""), &j);
	if (e != OK)
		code = failed(&cx, err, e);
	ctx_done(&cx);
	if (code != 0 || list || pause != NULL || cancel != NULL)
		return code;
	if (detach) {
		dprintf(out, "%lld\n", (long long)j.id);
		return 0;
	}
	code = until_done(w, j.id, json, err);
	return code ? code : show(w, j.id, json, out, err);
}

/* "SSN,CARD": bits; 0: one is not known. */
static uint32_t
bits_of(const char *list, int (*of)(str), int all)
{
	uint32_t mask = 0;
	str rest = str_of(list);

	if (list == NULL || str_eq(rest, S("any")))
		return (1u << all) - 1;
	while (rest.n) {
		int k = of(str_trim(str_cut(&rest, ',')));
		if (k < 0)
			return 0;
		mask |= 1u << k;
	}
	return mask;
}

int
cmd_redact(struct ward *w, int argc, char **argv, int in, int out, int err)
{
	const char *scan = option(&argc, argv, "--scan"), *kinds = option(&argc, argv, "--kinds"), *places = option(&argc, argv, "--places"),
	    *score = option(&argc, argv, "--min-score"), *yes = option(&argc, argv, "--yes");
	bool json = flag(&argc, argv, "--json"), detach = flag(&argc, argv, "--detach");
	struct phi_choice c = { .kinds = kinds ? bits_of(kinds, policy_kind_of, POLICY_KINDS) : 0,
	    .places = bits_of(places, phi_place_of, PLACES) };
	int64_t scan_id = 0, min = 0, confirm = 0;
	struct phi_preview p;
	struct phi_job j;
	struct ctx cx;
	int code = 0;
	enum err e;

	(void)in;
	if (argc > 0 || scan == NULL || kinds == NULL || !str_int(str_of(scan), &scan_id) || (score && (!str_int(str_of(score), &min) || min < 0
	    || min > 100)) || (yes && !str_int(str_of(yes), &confirm))) {
		dprintf(err, "usage: ward redact [-d DIR] --scan ID --kinds KIND,... [--places PLACE,...] [--min-score N] [--yes TICKETS] [--json]\n"
		    "Shows what would go for good; with --yes and the number of tickets shown, it goes.\n");
		return 64;
	}
	if (c.kinds == 0 || c.places == 0) {
		dprintf(err, "ward: --kinds or --places: not a name known here (kinds: ");
		for (int i = 0; i < POLICY_KINDS; i++)
			dprintf(err, "%s%s", i ? "," : "", policy_kind_name(i));
		dprintf(err, "; places: subject,comment,note,custom_field,attachment_name,attachment_text)\n");
		return 64;
	}
	c.min_score = (int)min;
	ward_ctx(w, &cx, "cli");
	if (yes == NULL) {
		if ((e = phi_redaction_preview(&cx, scan_id, &c, &p)) != OK)
			code = failed(&cx, err, e);
		else if (json) {
			dprintf(out, "{\"scan_id\":%lld,\"tickets\":%lld,\"findings\":%lld,\"sample_ticket_ids\":[", (long long)scan_id,
			    (long long)p.tickets, (long long)p.findings);
			for (int i = 0; i < p.sample_count; i++)
				dprintf(out, "%s%lld", i ? "," : "", (long long)p.sample[i]);
			dprintf(out, "]}\n");
		} else {
			dprintf(out, "%lld findings in %lld tickets would go for good", (long long)p.findings, (long long)p.tickets);
			for (int i = 0; i < p.sample_count; i++)
				dprintf(out, "%s%lld", i ? ", " : "; some of them: ", (long long)p.sample[i]);
			dprintf(out, "\nnothing was changed; to do it: --yes %lld\n", (long long)p.tickets);
		}
		ctx_done(&cx);
		return code;
	}
	if ((e = phi_redaction_start(&cx, scan_id, &c, confirm, &j)) != OK)
		code = failed(&cx, err, e);
	ctx_done(&cx);
	if (code != 0)
		return code;
	if (detach) {
		dprintf(out, "%lld\n", (long long)j.id);
		return 0;
	}
	code = until_done(w, j.id, json, err);
	return code ? code : show(w, j.id, json, out, err);
}

static int
known_done(struct ctx *cx, enum err e, const struct known_import *k, bool json, int out, int err)
{
	if (e != OK)
		return failed(cx, err, e);
	if (json)
		dprintf(out, "{\"people\":%lld,\"values\":%lld,\"skipped\":%lld,\"bytes\":%lld}\n", (long long)k->people, (long long)k->values,
		    (long long)k->skipped, (long long)k->bytes);
	else
		dprintf(out, "%lld people with %lld values, kept as keyed hashes in %.1f MB%s\n", (long long)k->people, (long long)k->values,
		    (double)k->bytes / 1e6, k->skipped ? "; lines without a usable value were passed over" : "");
	return 0;
}

/* main() opens FILE for the caller and hands it in as standard input. */
int
cmd_known_import(struct ward *w, int argc, char **argv, int in, int out, int err)
{
	bool json = flag(&argc, argv, "--json"), replace = flag(&argc, argv, "--replace");
	struct known_import k = { 0 };
	struct ctx cx;
	int code;

	if (argc > 1 || (argc == 1 && strcmp(argv[0], "-") != 0)) {
		dprintf(err, "usage: ward phi known import [-d DIR] FILE.csv [--replace] [--json]\n");
		return 64;
	}
	ward_ctx(w, &cx, "cli");
	code = known_done(&cx, known_import(&cx, in, replace, &k), &k, json, out, err);
	ctx_done(&cx);
	return code;
}

int
cmd_known_status(struct ward *w, int argc, char **argv, int in, int out, int err)
{
	bool json = flag(&argc, argv, "--json"), clear = flag(&argc, argv, "--clear");
	struct known_import k = { 0 };
	struct ctx cx;
	enum err e = OK;
	int code;

	if (argc > 0 && strcmp(argv[0], "import") == 0)         /* with -d between the words */
		return cmd_known_import(w, argc - 1, argv + 1, in, out, err);
	if (argc > 0) {
		dprintf(err, "usage: ward phi known [-d DIR] [--clear] [--json]\n");
		return 64;
	}
	ward_ctx(w, &cx, "cli");
	if (clear)
		e = known_clear(&cx);
	if (e == OK)
		e = known_status(&cx, &k);
	code = known_done(&cx, e, &k, json, out, err);
	ctx_done(&cx);
	return code;
}
