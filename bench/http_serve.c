/* http_serve.c - the http module with a handler that does nothing, to measure
 * what the wire itself costs. Prints the port; on SIGINT or SIGTERM one line
 * of JSON with requests and CPU seconds.
 *
 *   http_serve PORT CERT|- KEY|- WIRE_THREADS WORKERS [HANDLER_US]
 *
 * /small/N answers 2 KB, /large/N 100 KB of JSON; POST anything answers 201
 * with the size of the body. HANDLER_US lets the handler sleep.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "http/http.h"

static long handler_us;

static size_t
admit(void *arg, struct http_req *rq)
{
	(void)arg;
	(void)rq;
	return 32 * MiB;
}

static void
handle(void *arg, struct arena *a, struct http_req *rq, struct http_reply *rp)
{
	size_t want = str_starts(rq->path, S("/large")) ? 100 * KiB : 2 * KiB;

	(void)arg;
	if (handler_us > 0)
		usleep((useconds_t)handler_us);
	rp->status = rq->method == POST ? 201 : 200;
	rp->type = "application/json; charset=utf-8";
	http_head(rp, "X-Request-Id", str_printf(a, "%016llx", (unsigned long long)rand_u64()));
	http_head(rp, "Cache-Control", S("no-store"));
	http_head(rp, "X-Content-Type-Options", S("nosniff"));
	http_head(rp, "Strict-Transport-Security", S("max-age=31536000"));
	if (rq->method == POST) {
		buf_fmt(&rp->body, "{\"bytes\":%zu}", rq->body.n);
		return;
	}
	buf_add(&rp->body, S("{\"rows\":["));
	while (rp->body.n < want) {              /* in small pieces, as a JSON writer does */
		buf_add(&rp->body, S("{\"id\":"));
		buf_uint(&rp->body, rp->body.n);
		buf_add(&rp->body, S(",\"status\":\"open\",\"subject\":\"Question about an appointment\"},"));
	}
	buf_add(&rp->body, S("null]}"));
}

int
main(int argc, char **argv)
{
	struct http_conf conf = { .admit = admit, .handle = handle };
	struct http_stats st;
	struct http *h;
	struct rusage ru;
	struct ctx cx;
	char listen_on[32];
	sigset_t set;
	int sig;

	if (argc < 6)
		return 2;
	snprintf(listen_on, sizeof(listen_on), "127.0.0.1:%s", argv[1]);
	conf.listen = listen_on;
	conf.plain = strcmp(argv[2], "-") == 0;
	conf.cert_file = argv[2];
	conf.key_file = argv[3];
	conf.wire_threads = (int)strtol(argv[4], NULL, 10);
	conf.workers = (int)strtol(argv[5], NULL, 10);
	if (argc > 6)
		handler_us = strtol(argv[6], NULL, 10);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	ctx_init(&cx, NULL, 1);
	if (http_start(&cx, &conf, &h) != OK) {
		fprintf(stderr, "%s %s\n", cx.fail.field != NULL ? cx.fail.field : "", cx.fail.why);
		return 1;
	}
	printf("%d\n", http_port(h));
	fflush(stdout);
	sigwait(&set, &sig);
	http_stats(h, &st);
	http_stop(&h, SECOND);
	getrusage(RUSAGE_SELF, &ru);
	printf("{\"requests\":%llu,\"user_s\":%.3f,\"system_s\":%.3f,\"cpu_us_per_request\":%.1f,\"max_rss_mb\":%ld}\n",
	    (unsigned long long)st.requests, (double)ru.ru_utime.tv_sec + (double)ru.ru_utime.tv_usec / 1e6,
	    (double)ru.ru_stime.tv_sec + (double)ru.ru_stime.tv_usec / 1e6,
	    ((double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1e6 +
	    (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec)) / (double)(st.requests > 0 ? st.requests : 1),
	    ru.ru_maxrss / 1024);
	ctx_done(&cx);
	return 0;
}
