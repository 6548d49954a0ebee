/* Which addresses a client may connect to, and how a URL is read. */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "rows.h"
#include "http/http.h"

static const struct {
	const char *why, *addr;
	bool open;
	const char *ranges;
	bool allowed;
} addrs[] = {
	{ "a public address",                     "8.8.8.8",              true,  "10.0.0.0/8", false },
	{ "the last one before ten",              "9.255.255.255",        true,  "", false },
	{ "private, ten",                         "10.0.0.1",             false, "10.0.0.0/8", true },
	{ "private, another range allowed",       "10.0.0.1",             false, "192.168.0.0/16, 172.16.0.0/12", false },
	{ "private, 172.16 begins",               "172.16.0.0",           false, "172.16.0.0/12", true },
	{ "private, 172.31 ends",                 "172.31.255.255",       false, "", false },
	{ "after 172.31",                         "172.32.0.0",           true,  "", false },
	{ "private, 192.168",                     "192.168.1.1",          false, "192.168.1.1", true },
	{ "one address is not its neighbour",     "192.168.1.2",          false, "192.168.1.1", false },
	{ "loopback",                             "127.0.0.1",            false, "127.0.0.0/8", true },
	{ "loopback elsewhere",                   "127.255.255.254",      false, "", false },
	{ "this host",                            "0.0.0.0",              false, "", false },
	{ "metadata of clouds",                   "169.254.169.254",      false, "", false },
	{ "carrier NAT begins",                   "100.64.0.0",           false, "", false },
	{ "before carrier NAT",                   "100.63.255.255",       true,  "", false },
	{ "after carrier NAT",                    "100.128.0.0",          true,  "", false },
	{ "protocol assignments",                 "192.0.0.8",            false, "", false },
	{ "documentation",                        "192.0.2.1",            false, "", false },
	{ "benchmarks",                           "198.19.255.255",       false, "", false },
	{ "multicast",                            "224.0.0.1",            false, "", false },
	{ "broadcast",                            "255.255.255.255",      false, "", false },
	{ "public IPv6",                          "2606:4700::1111",      true,  "", false },
	{ "IPv6 loopback",                        "::1",                  false, "::1/128", true },
	{ "IPv6 unspecified",                     "::",                   false, "", false },
	{ "unique local",                         "fd00::1",              false, "fc00::/7", true },
	{ "link local",                           "fe80::1",              false, "", false },
	{ "site local of old",                    "fec0::1",              false, "", false },
	{ "IPv6 multicast",                       "ff02::1",              false, "", false },
	{ "documentation, IPv6",                  "2001:db8::1",          false, "", false },
	{ "Teredo",                               "2001:0:1::1",          false, "", false },
	{ "mapped loopback",                      "::ffff:127.0.0.1",     false, "127.0.0.0/8", true },
	{ "mapped public",                        "::ffff:8.8.8.8",       true,  "", false },
	{ "mapped, and all of IPv6 allowed",      "::ffff:10.0.0.1",      false, "::/0", false },
	{ "translated private",                   "64:ff9b::a00:1",       false, "", false },
	{ "translated public",                    "64:ff9b::808:808",     true,  "", false },
	{ "6to4 of a private address",            "2002:c0a8:101::1",     false, "", false },
	{ "6to4 of a public address",             "2002:808:808::1",      true,  "", false },
	{ "IPv4-compatible, of old",              "::127.0.0.1",          false, "", false },
};

static void
address(void **state)
{
	size_t i = (size_t)(uintptr_t)*state;
	struct sockaddr_storage ss = { 0 };

	if (inet_pton(AF_INET, addrs[i].addr, &((struct sockaddr_in *)(void *)&ss)->sin_addr) == 1)
		ss.ss_family = AF_INET;
	else {
		assert_int_equal(inet_pton(AF_INET6, addrs[i].addr, &((struct sockaddr_in6 *)(void *)&ss)->sin6_addr), 1);
		ss.ss_family = AF_INET6;
	}
	assert_int_equal(addr_public((struct sockaddr *)(void *)&ss), addrs[i].open);
	assert_int_equal(addr_in((struct sockaddr *)(void *)&ss, str_of(addrs[i].ranges)), addrs[i].allowed);
}

static const struct { const char *ranges; bool ok; } ranges[] = {
	{ "", true }, { "10.0.0.0/8", true }, { "10.0.0.1", true }, { "10.0.0.0/8, fd00::/8 ,::1", true }, { "10.0.0.0/33", false },
	{ "10.0.0/8", false }, { "fd00::/129", false }, { "10.0.0.0/", true }, { "10.0.0.0/-1", false }, { "all", false },
	{ "10.0.0.0/8,,", false }, { "10.0.0.0/8;11.0.0.0/8", false }, { "10.0.0.0/8/8", false },
};

static void
range(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(ranges); i++)
		if (ranges_ok(str_of(ranges[i].ranges)) != ranges[i].ok) {
			print_message("%s\n", ranges[i].ranges);
			assert_true(false);
		}
}

static const struct { const char *url, *host; int port; bool secure; } urls[] = {
	{ "https://a.example/x?y=1", "a.example", 443, true },
	{ "https://A.Example:8443", "a.example", 8443, true },
	{ "http://a.example", "a.example", 80, false },
	{ "https://a.example./", "a.example", 443, true },
	{ "https://[::1]:9/", "[::1]", 9, true },
	{ "https://127.1/", "127.0.0.1", 443, true },         /* as it is connected to */
	{ "https://2130706433/", "127.0.0.1", 443, true },
	{ "https://0x7f000001/", "127.0.0.1", 443, true },
	{ "https://u:p@a.example/", NULL, 0, false },
	{ "https://a.example/#f", NULL, 0, false },
	{ "ftp://a.example/", NULL, 0, false },
	{ "file:///etc/passwd", NULL, 0, false },
	{ "//a.example/", NULL, 0, false },
	{ "a.example", NULL, 0, false },
	{ "https:///a.example", NULL, 0, false },
	{ "https:/a.example", NULL, 0, false },
	{ "https://", NULL, 0, false },
	{ "https://a example/", NULL, 0, false },
	{ "https://a.example\\@b.example/", NULL, 0, false },
	{ "https://a.example:0/", NULL, 0, false },
	{ "https://a.example:65536/", NULL, 0, false },
	{ "https://a.example/\r\nHost: b", NULL, 0, false },
};

static void
url(void **state)
{
	size_t i = (size_t)(uintptr_t)*state;
	struct sys sys = { 0 };
	struct http_url u = { 0 };
	struct ctx cx;
	bool ok;

	ctx_init(&cx, &sys, 1);
	ok = http_url(&cx, str_of(urls[i].url), &u);
	assert_int_equal(ok, urls[i].host != NULL);
	if (ok) {
		assert_true(str_eq(u.host, str_of(urls[i].host)));
		assert_int_equal(u.port, urls[i].port);
		assert_int_equal(u.secure, urls[i].secure);
	}
	ctx_done(&cx);
}

int
main(void)
{
	struct CMUnitTest t[COUNT(addrs) + COUNT(urls) + 1];
	size_t n = 0;

	ADD_ROWS(t, n, addrs, address);
	for (size_t i = 0; i < COUNT(urls); i++)
		t[n++] = (struct CMUnitTest){ .name = urls[i].url, .test_func = url, .initial_state = (void *)(uintptr_t)i };
	t[n++] = (struct CMUnitTest){ .name = "ranges that are well formed", .test_func = range };
	return RUN_ROWS("http guard", t, n);
}
