/* serve.c - the desk as a service: listens, works in the background, ends cleanly. */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"

static atomic_bool ending;

/* A long read ends when the server does. */
static void
step_ctx(struct ward *w, struct ctx *cx)
{
	ward_ctx(w, cx, "system");
	cx->stop = &ending;
}

/* Search segments, checkpoints, erasures: every second, in small steps. */
static void *
background(void *arg)
{
	struct ward *w = arg;
	usec last = time_mono(), ticked = last, trimmed = last, hourly = 0;
	usec counted = 0, retired = 0;
	bool settling = false, hours = false, retiring = false, counting = false, turning = false;      /* there is more to do at once */
	int64_t seen = -1;

	while (!atomic_load(&ending)) {
		bool more = false;
		struct ctx cx;
		step_ctx(w, &cx);
		if (search_step(&cx, &more) != OK)
			log_line(LOG_LV_WARN, "search", "a step failed and will be tried again: %s", cx.fail.why ? cx.fail.why : "");
		ctx_done(&cx);
		step_ctx(w, &cx);
		if (password_reset_step(&cx, &more) != OK)
			log_line(LOG_LV_WARN, "gate", "a link for a new password was not sent: %s", cx.fail.why ? cx.fail.why : "");
		ctx_done(&cx);
		keys_step(w, &turning);
		if (counting || time_mono() - counted >= 2 * SECOND) {
			step_ctx(w, &cx);
			if (report_step(&cx, &counting) != OK)
				counting = false;       /* again in two seconds */
			counted = time_mono();
			ctx_done(&cx);
		}
		more = more || turning || counting;
		if (time_mono() - last >= 5 * SECOND) {
			int64_t n;
			step_ctx(w, &cx);
			if (trail_count(&cx, &n) == OK && (n - seen >= 10000 || time_mono() - last >= 60 * SECOND || seen < 0)) {
				if (trail_checkpoint(&cx) != OK)
					log_line(LOG_LV_ERROR, "trail", "no checkpoint could be written: %s", cx.fail.why ? cx.fail.why : "");
				seen = n;
				last = time_mono();
			}
			ctx_done(&cx);
		}
		if (hours || time_mono() - hourly >= 20 * SECOND) {
			step_ctx(w, &cx);
			if (automations_step(&cx, 0, NULL, &hours) != OK) {
				log_line(LOG_LV_WARN, "desk", "the automations will go on in a while: %s", cx.fail.why ? cx.fail.why : "");
				hours = false;
			}
			hourly = time_mono();
			more = more || hours;
			ctx_done(&cx);
		}
		step_ctx(w, &cx);
		if (schedules_step(&cx, &settling) != OK)
			log_line(LOG_LV_WARN, "desk", "targets will be counted anew in a while: %s", cx.fail.why ? cx.fail.why : "");
		more = more || settling;
		ctx_done(&cx);
		if (retiring || time_mono() - retired >= 20 * SECOND) {
			step_ctx(w, &cx);
			if (retention_step(&cx, false, &retiring) != OK) {
				log_line(LOG_LV_WARN, "desk", "the deletion schedules will go on in a while: %s", cx.fail.why ? cx.fail.why : "");
				retiring = false;
			}
			retired = time_mono();
			more = more || retiring;
			ctx_done(&cx);
		}
		/* The holes that many large answers at once have left in the heaps go back. */
		if (time_mono() - trimmed >= 15 * SECOND) {
			malloc_trim(1 << 20);
			trimmed = time_mono();
		}
		if (time_mono() - ticked >= 60 * SECOND) {
			step_ctx(w, &cx);
			if (gate_tick(&cx) != OK)
				log_line(LOG_LV_WARN, "gate", "the minute's housekeeping will be tried again");
			ctx_done(&cx);
			ticked = time_mono();
		}
		for (int i = 0; i < 10 && !more && !atomic_load(&ending); i++)
			usleep(100000);
	}
	return NULL;
}

static void
metric(struct buf *b, const char *name, const char *type, const char *help, uint64_t v)
{
	buf_fmt(b, "# HELP %s %s\n# TYPE %s %s\n%s %llu\n", name, help, name, type, name, (unsigned long long)v);
}

/* What only the wiring knows, for /metrics: the store and the wire. */
static void
metrics(struct ctx *cx, struct buf *b)
{
	struct flow_counts f = { { 0 } };
	struct store_stats s;

	if (flow_count(cx, &f) == OK)
		buf_fmt(b, "# HELP ward_outbox Messages of the outbox by state.\n# TYPE ward_outbox gauge\n");
	for (int i = FLOW_QUEUED; i <= FLOW_DEAD; i++)
		if (i != FLOW_SENT)
			buf_fmt(b, "ward_outbox{state=\"%s\"} %lld\n", flow_state_name((enum flow_state)i), (long long)f.of[i]);
	store_stats(cx->sys->store, &s);
	metric(b, "ward_store_transactions_total", "counter", "Transactions since start.", s.transactions);
	metric(b, "ward_store_commits_total", "counter", "Commits (groups of transactions) since start.", s.commits);
	metric(b, "ward_store_rollbacks_total", "counter", "Transactions rolled back since start.", s.rollbacks);
	metric(b, "ward_store_queue", "gauge", "Transactions waiting for the writer.", s.queue);
	metric(b, "ward_store_bytes", "gauge", "Size of the main database.", s.bytes_main);
	metric(b, "ward_keyring_bytes", "gauge", "Size of the keyring.", s.bytes_keys);
}

static bool
is_loopback(const char *listen)
{
	return strncmp(listen, "127.", 4) == 0 || strncmp(listen, "localhost:", 10) == 0 || strncmp(listen, "[::1]:", 6) == 0;
}

/* Only the user to become is needed before anything is opened. */
static const char *
user_of(const char *dir, struct arena *a)
{
	struct ctx cx = { .arena = a };
	struct conf c = { 0 };
	char path[4200];

	snprintf(path, sizeof path, "%s/ward.conf", dir);
	return conf_read(&cx, path, conf_rows, conf_count, &c) == OK && c.user && *c.user ? c.user : NULL;
}

static str
passphrase_of(struct arena *a, const char *file)
{
	struct ctx cx = { .arena = a };
	str text;

	if (file == NULL)
		file = getenv("WARD_PASSPHRASE_FILE");
	if (file != NULL && file_read(&cx, file, 4096, &text) == OK)
		return str_trim(text);
	return S("");
}

int
cmd_serve(int argc, char **argv)
{
	const char *dir = data_dir(&argc, argv), *listen = option(&argc, argv, "--listen"),
	    *user = option(&argc, argv, "--user"), *pass = option(&argc, argv, "--passphrase-file");
	bool plain = flag(&argc, argv, "--http");
	CLEANUP(arena_free) struct arena *a = arena_new();
	usec began = time_mono();
	struct control *control;
	struct http_conf hc;
	struct api *api;
	struct ward w;
	struct ctx cx;
	pthread_t back;
	pthread_attr_t attr;
	sigset_t set;
	str print = S("");
	int code, sig;
	enum err e;

	if (dir == NULL)
		return 64;
	if (flag(&argc, argv, "--help")) {
		puts("usage: ward serve [-d DIR] [--listen ADDR:PORT] [--http] [--user NAME] [--passphrase-file FILE]\n"
		    "Serves the desk over HTTPS. --http serves without TLS, on loopback or behind a declared proxy only.");
		return 0;
	}
	if (argc > 0) {
		fprintf(stderr, "ward: serve takes no argument \"%s\"\n", argv[0]);
		return 64;
	}
	if (user == NULL)
		user = user_of(dir, a);
	if (user != NULL && geteuid() == 0 && !become_user(user)) {
		fprintf(stderr, "ward: cannot become user %s\n", user);
		return 77;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	if ((code = ward_open(&w, dir, false, passphrase_of(a, pass), 2)) != 0) {
		return code;
	}
	if (w.altered) {
		fprintf(stderr, "ward: the trail was altered, so nothing may be written and nothing is served; `ward trail verify` says where\n");
		ward_close(&w);
		return 78;
	}
	w.serving = true;
	if (listen == NULL)
		listen = w.conf.listen;
	if (plain && !is_loopback(listen) && (w.conf.trusted_proxy == NULL || *w.conf.trusted_proxy == '\0')) {
		fprintf(stderr, "ward: --http is for loopback, or behind a proxy named by trusted_proxy in ward.conf\n");
		ward_close(&w);
		return 64;
	}
	ward_ctx(&w, &cx, "system");
	api = api_new(&w.sys, &(struct api_conf){ .open_requests = w.conf.open_requests, .version = WARD_VERSION, .rate_limit = w.conf.rate_limit, .metrics = metrics,
	    .keys_state = keys_state, .keys_rotate = keys_rotate }, web_page);
	if (jobs_open(&cx, api_job_item, &w.sys.jobs) != OK || scans_open(&cx, &w.sys.scans) != OK || views_open(&cx) != OK || checks_open(&cx, &w.sys.checks) != OK) {
		fprintf(stderr, "ward: %s\n", cx.fail.why);
		return 74;
	}
	if (flow_start(&cx, gate_as_system) != OK) {
		fprintf(stderr, "ward: %s\n", cx.fail.why);
		return 74;
	}
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 1024 * 1024);
	if (pthread_create(&back, &attr, background, &w) != 0)
		return 74;
	hc = (struct http_conf){ .listen = listen, .plain = plain, .cert_file = conf_path(&w, w.conf.tls_cert),
	    .key_file = conf_path(&w, w.conf.tls_key), .workers = w.conf.workers > 0 ? (int)w.conf.workers : 64, .admit = api_admit,
	    .handle = api_handle, .arg = api,
	    .trusted_proxy = w.conf.trusted_proxy && *w.conf.trusted_proxy ? w.conf.trusted_proxy : NULL };
	e = plain ? OK : file_guarded(&cx, hc.key_file, w.conf.tls_key, 027);
	if (e == OK)
		e = http_start(&cx, &hc, &w.http);
	control = e == OK ? control_start(&w) : NULL;
	if (e != OK || control == NULL) {
		fprintf(stderr, "ward: cannot serve on %s: %s%s%s\n", listen, e != OK && cx.fail.field ? cx.fail.field : "",
		    e != OK && cx.fail.field ? ": " : "", e != OK && cx.fail.why ? cx.fail.why : "no control socket");
		code = e != OK ? exit_of(e) : 74;
	} else {
		if (!plain && cert_fingerprint(&cx, hc.cert_file, &print) == OK)
			printf("certificate " STR_F "\n", STR_A(print));
		printf("serving %s://%s (port %d), ready in %lld ms\n", plain ? "http" : "https", listen, http_port(w.http),
		    (long long)((time_mono() - began) / 1000));
		fflush(stdout);
		log_line(LOG_LV_INFO, "cli", "serving port=%d", http_port(w.http));
		while (sigwait(&set, &sig) == 0 && sig == SIGHUP)
			if (http_reload(&cx, w.http) != OK) {
				log_line(LOG_LV_WARN, "cli", "the certificate cannot be read again; the old one stays");
				fail_clear(&cx);
			}
		log_line(LOG_LV_INFO, "cli", "ending");
		code = 0;
	}
	http_stop(&w.http, 5 * SECOND);
	control_stop(&control);
	atomic_store(&ending, true);
	pthread_join(back, NULL);
	checks_close(&w.sys.checks);
	scans_close(&w.sys.scans);
	views_close(&w.sys);
	jobs_close(&w.sys.jobs);
	flow_stop(w.sys.flow);
	api_free(&api);
	ctx_done(&cx);
	{
		char sock[4200];
		snprintf(sock, sizeof sock, "%s/ward.sock", w.dir);
		(void)unlink(sock);
	}
	ward_close(&w);
	return code;
}
