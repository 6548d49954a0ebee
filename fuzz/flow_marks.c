/* module: flow */
/* The input is an address or Message-ID from outside, then a URL an administrator typed (after a line feed), ranges after another.
 * A mark that is found stands in the text in full, signed; one that is put in is found, whatever stands around it; a URL that is
 * taken has a host without what could hide another one; an id of a call comes back as it was. */
#include <assert.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "flow/in.h"
#include "http/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum err
blind(struct ctx *cx, const char *column, str text, unsigned char out[16])
{
	uint64_t h = 0xCBF29CE484222325u;

	(void)cx;
	for (; *column; column++)
		h = (h ^ (unsigned char)*column) * 0x100000001B3u;
	for (size_t i = 0; i < text.n; i++)
		h = (h ^ (unsigned char)text.p[i]) * 0x100000001B3u;
	memcpy(out, &h, 8);
	memcpy(out + 8, &h, 8);
	return OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct codec codec = { .blind = blind };
	struct sys sys = { .codec = &codec };
	struct sockaddr_in sin = { .sin_family = AF_INET };
	struct http_url u;
	struct ctx cx;
	str rest = { (const char *)data, size }, address, url, mark, text;
	int64_t id, again;

	ctx_init(&cx, &sys, 1);
	address = str_cut(&rest, '\n');
	url = str_cut(&rest, '\n');
	assert(flow_marked(&cx, 't', address, &id) == OK);
	assert(id >= 0);
	if (id > 0) {
		assert(flow_mark(&cx, 't', id, &mark) == OK);
		assert(str_findi(address, mark) != SIZE_MAX);
	}
	/* Put in behind what came, if that leaves room. */
	id = 1 + (int64_t)size * 7919;
	assert(flow_mark(&cx, 't', id, &mark) == OK);
	text = str_printf(cx.arena, "a+" STR_F "@" STR_F, STR_A(mark), STR_A(str_sub(address, 0, 100)));
	assert(flow_marked(&cx, 't', text, &again) == OK && again == id);
	assert(flow_marked(&cx, 'b', str_printf(cx.arena, "a+" STR_F "@b", STR_A(mark)), &again) == OK && again == 0);
	assert(flow_invocation_id(flow_invocation_uid(&cx, id, (usec)size * SECOND)) == id);
	again = flow_invocation_id(address);
	assert(again >= 0);
	if (http_url(&cx, url, &u)) {
		assert(u.host.n > 0 && u.port > 0 && u.port < 65536);
		for (size_t i = 0; i < u.host.n; i++)
			assert(strchr("@/\\?# ", u.host.p[i]) == NULL && (unsigned char)u.host.p[i] > ' ');
		assert(str_starts(url, u.secure ? S("https:") : S("http:")) || str_findi(url, S("http")) == 0);
	}
	(void)address_ok(address);
	/* Ranges that are not well formed allow nothing that is well formed and refused. */
	sin.sin_addr.s_addr = htonl(0x7F000001);
	if (addr_in((struct sockaddr *)(void *)&sin, rest))
		assert(rest.n > 0);
	(void)ranges_ok(rest);
	ctx_done(&cx);
	return 0;
}
