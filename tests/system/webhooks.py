#!/usr/bin/env python3
"""Webhooks: kept, signed, called only where an administrator allows it, tried again, paused, masked; against an independent HTTPS receiver."""
import base64, hashlib, hmac, json, os, re, time
from desk import SLOW, Desk, Client, check, done
from peers import Authority, HangUp, Receiver, until

NAME, TEXT, PHONE = "Zebedee Quux", "Zebedee Quux, SSN 219-09-9999, takes lithium", "555-867-5309"


def expect(what, r, status, *words):
    return check(r.status == status and all(w.encode() in r.body for w in words), "%s: wanted %d %s, got %r" % (what, status, words, r))


with Desk() as desk:
    ca = Authority(os.path.join(desk.dir, "ca"))
    good = Receiver(ca.sign("localhost", "DNS:localhost"))
    plain = Receiver(None)
    c = desk.admin()
    c.put("/api/ward/v1/mail.json", {"mail": {"webhook_retry_seconds": 1}})
    url = "https://localhost:%d/hook" % good.port

    # Bad input: every wrong field at once, and no half-made webhook.
    r = c.post("/api/v2/webhooks", {"webhook": {"name": " ", "endpoint": "ftp://x/", "http_method": "BREW", "request_format": "yaml", "status": "asleep", "subscriptions": ["nonsense"],
                                                "authentication": {"type": "magic", "data": {}}, "custom_headers": {"Host": "x"}}})
    expect("wrong fields", r, 422)
    if r.status == 422:
        check({"name", "endpoint", "http_method", "request_format", "subscriptions", "authentication", "custom_headers"} - set(r.json["details"]) == set() or "status" in r.json["details"], "each is named: %s" % list(r.json["details"]))
    for bad in ("https://user:pw@h.example/", "https://h.example/#x", "http:///x", "https://h.example:99999/", "javascript:alert(1)", "https://h exam/", "https://", "https://h.example/\r\nX: y", 7, None, ["a"]):
        check(c.post("/api/v2/webhooks", {"webhook": {"name": "n", "endpoint": bad, "http_method": "POST", "request_format": "json"}}).status == 422, "no endpoint: %r" % (bad,))
    check(c.get("/api/v2/webhooks").json["webhooks"] == [], "none was made")

    # Made, shown without secrets, changed, cloned, deleted.
    r = c.post("/api/v2/webhooks", {"webhook": {"name": "Chart sync", "description": "d", "endpoint": url, "http_method": "POST", "request_format": "json", "status": "active",
                                                "subscriptions": ["zen:event-type:ticket.created", "zen:event-type:ticket.comment_added", "zen:event-type:ticket.status_changed"],
                                                "authentication": {"type": "basic_auth", "data": {"username": "ward", "password": "sesame-open"}, "add_position": "header"}, "custom_headers": {"X-Clinic": "elm"}}})
    expect("made", r, 201)
    w = r.json["webhook"]
    check(re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{26}", w["id"]) and b"sesame" not in r.body and w["authentication"]["data"] == {"username": "ward"} and w["created_by"], "shown without its secret: %r" % r)
    expect("shown", c.get("/api/v2/webhooks/" + w["id"]), 200, "Chart sync")
    secret = c.get("/api/v2/webhooks/%s/signing_secret" % w["id"]).json["signing_secret"]
    check(secret["algorithm"] == "SHA256" and len(base64.b64decode(secret["secret"])) == 32, "a secret that signs: %s" % secret)
    expect("patched", c.call("PATCH", "/api/v2/webhooks/" + w["id"], {"webhook": {"description": "changed"}}), 204)
    check(c.get("/api/v2/webhooks/" + w["id"]).json["webhook"]["endpoint"] == url, "the rest stays")
    r = c.post("/api/v2/webhooks?clone_webhook_id=" + w["id"])
    expect("cloned", r, 201, "Copy of Chart sync", "inactive")
    twin = r.json["webhook"]["id"]
    check(c.get("/api/v2/webhooks/%s/signing_secret" % twin).json["signing_secret"]["secret"] != secret["secret"], "with a secret of its own")
    check([x["id"] for x in c.get("/api/v2/webhooks?filter[name_contains]=copy").json["webhooks"]] == [twin] and [x["id"] for x in c.get("/api/v2/webhooks?filter[status]=active").json["webhooks"]] == [w["id"]], "filtered")
    j = c.get("/api/v2/webhooks?page[size]=1").json
    check(j["meta"]["has_more"] and [x["id"] for x in c.get("/" + j["links"]["next"].split("/", 3)[3]).json["webhooks"]] == [twin], "paged")
    expect("deleted", c.delete("/api/v2/webhooks/" + twin), 204)
    expect("gone", c.get("/api/v2/webhooks/" + twin), 404, "RecordNotFound")
    expect("unknown", c.get("/api/v2/webhooks/01ARZ3NDEKTSV4RRFFQ69G5FAV"), 404)

    # P5: not listed, so held; listed but internal, so held; allowed, so called.
    pat, _ = desk.person(c, NAME, "zq@patients.example")

    def ticket(**kw):
        r = c.post("/api/v2/tickets.json", {"ticket": dict(dict(subject=TEXT, requester_id=pat, tags=["quux_tag"], comment={"body": TEXT + " call " + PHONE}), **kw)})
        assert r.status == 201, r
        return r.json["ticket"]["id"]

    def calls():
        return c.get("/api/v2/webhooks/%s/invocations?page[size]=100" % w["id"]).json["invocations"]

    def wait(*states):
        return until(lambda: calls() and all(i["status"] in states for i in calls()) and calls(), 20 * SLOW)

    t = ticket()
    got = wait("held")
    check(got and "not on the list" in got[0]["reason"] and len(got) == 2 and not good.got, "held, nothing listed: %s" % calls())
    d = c.post("/api/ward/v1/destinations", {"destination": {"kind": "webhook", "pattern": "localhost:%d" % good.port, "ca_pem": ca.pem()}}).json["destination"]["id"]
    check(until(lambda: calls() and all(i["status"] == "held" and "internal" in i.get("reason", "") for i in calls()), 20 * SLOW) and not good.got, "held, an internal address: %s" % calls())
    c.put("/api/ward/v1/destinations/%d" % d, {"destination": {"allow_addresses": "127.0.0.0/8, ::1/128"}})
    check(wait("success"), "and called when that is allowed: %s" % calls())
    created = [json.loads(g["body"]) for g in good.got if b"ticket.created" in g["body"]][0]
    check(created["type"] == "zen:event-type:ticket.created" and created["subject"] == "zen:ticket:%d" % t and created["detail"]["id"] == str(t) and created["detail"]["requester_id"] == str(pat), "the event: %s" % created)
    for g in good.got:
        h = g["headers"]
        mac = hmac.new(secret["secret"].encode(), h["X-Zendesk-Webhook-Signature-Timestamp"].encode() + g["body"], hashlib.sha256).digest()
        check(base64.b64decode(h["X-Zendesk-Webhook-Signature"]) == mac, "signed")
        check(h["Authorization"] == "Basic " + base64.b64encode(b"ward:sesame-open").decode() and h["X-Clinic"] == "elm" and h["X-Zendesk-Webhook-Id"] == w["id"] and h["Content-Type"] == "application/json; charset=utf-8", "headers: %s" % h)
        check(not any(x in g["body"] for x in (b"Zebedee", b"219-09", b"lithium", b"quux", b"555-867")), "no content where none may go: %s" % g["body"])
    # Open for content.
    good.got.clear()
    c.put("/api/ward/v1/destinations/%d" % d, {"destination": {"content": True}})
    c.put("/api/v2/tickets/%d.json" % t, {"ticket": {"status": "open", "comment": {"body": TEXT}}})
    check(until(lambda: len(good.got) >= 2, 20 * SLOW) and any(b"takes lithium" in g["body"] and b"Zebedee" in g["body"] for g in good.got), "all of it where it may go")
    ev = [json.loads(g["body"]) for g in good.got if b"status_changed" in g["body"]]
    check(ev and ev[0]["event"] == {"current": "OPEN", "previous": "NEW"}, "the change of status: %s" % ev)
    # The log of calls: what was sent and answered, without what signs us in.
    wait("success")
    r = c.get("/api/v2/webhooks/%s/invocations/%s/attempts" % (w["id"], calls()[0]["id"]))
    a = r.json["attempts"][0]
    check(a["status"] == "success" and a["status_code"] == 200 and a["response"]["payload"] == "thanks" and a["request"]["payload"] and b"sesame" not in r.body and base64.b64encode(b"ward:sesame-open") not in r.body, "attempts: %s" % a)
    expect("no such call", c.get("/api/v2/webhooks/%s/invocations/%s/attempts" % (w["id"], "7ZZZZZZZZZZZZZZZZZZZZZZZZZ")), 404)

    # Later, never, and the peer's wish.
    def one():
        good.got.clear()
        ticket(comment={"body": "x"}, subject="y")
        return calls()[0]["id"]

    c.call("PATCH", "/api/v2/webhooks/" + w["id"], {"webhook": {"subscriptions": ["zen:event-type:ticket.created"]}})
    state = {"n": 0}

    def flaky(rq):
        state["n"] += 1
        return (503, {}, b"busy") if state["n"] < 3 else (200, {}, b"ok")
    good.answers = flaky
    i = one()
    check(wait("success") and len(good.got) == 3, "503 twice, then taken: %s" % calls()[:1])
    check(len({g["headers"]["X-Zendesk-Webhook-Invocation-Id"] for g in good.got}) == 1 and good.got[0]["headers"]["X-Zendesk-Webhook-Invocation-Id"] == i, "under one invocation id")
    for status, words in ((404, "refused"), (410, "refused"), (302, "redirect")):
        good.answers = lambda rq: (status, {"Location": "http://127.0.0.1:%d/" % plain.port}, b"")
        i = one()
        last = until(lambda: calls()[0]["status"] == "failed" and calls()[0], 20 * SLOW)
        check(last and last["status_code"] == status and words in last["reason"] and len(good.got) == 1 and not plain.got, "%d ends it: %s" % (status, last))
    good.answers = lambda rq: (429, {"Retry-After": "2"}, b"") if len(good.got) == 1 else (200, {}, b"")
    began = time.time()
    one()
    check(until(lambda: calls()[0]["status"] == "success", 20 * SLOW) and time.time() - began >= 2, "Retry-After is kept")

    def hang(rq):
        if len(good.got) == 1:
            raise HangUp()
        return 200, {}, b""
    good.answers = hang
    one()
    check(until(lambda: calls()[0]["status"] == "success", 20 * SLOW), "a broken connection is tried again")
    row = c.get("/api/ward/v1/outbox?kind=webhook&page[size]=1").json["outbox"][0]
    check(row["uncertain"], "and marked, since they may have it: %s" % row)
    good.answers = lambda rq: (200, {}, b"z" * 1000000)
    one()
    m = until(lambda: calls()[0]["status"] == "retrying" and calls()[0], 20 * SLOW)
    check(m and "too large" in m["reason"], "an endless answer is not read: %s" % m)
    c.delete("/api/ward/v1/outbox/%d" % c.get("/api/ward/v1/outbox?kind=webhook&page[size]=1").json["outbox"][0]["id"])
    # The breaker: an endpoint that fails all the time is left alone for a minute.
    good.answers = lambda rq: (500, {}, b"no")
    good.got.clear()
    for k in range(12):
        ticket(comment={"body": "x"}, subject="y")
    paused = until(lambda: [x for x in calls() if "pauses" in (x.get("reason") or "")], 30 * SLOW)
    check(paused, "it pauses: %s" % [x.get("reason") for x in calls()][:12])
    n = len(good.got)
    time.sleep(2)
    check(len(good.got) == n, "and is not called meanwhile")
    for x in c.get("/api/ward/v1/outbox?kind=webhook&state=retry&page[size]=100").json["outbox"]:
        c.delete("/api/ward/v1/outbox/%d" % x["id"])
    good.answers = lambda rq: (200, {}, b"ok")

    # The test button passes the same gate.
    r = c.post("/api/v2/webhooks/test?webhook_id=" + w["id"], {"request": {"payload": "{\"a\":\"Zebedee Quux SSN 219-09-9999\"}"}})
    expect("tested", r, 200, "\"status_code\":200", "\"payload\":\"ok\"")
    for endpoint, words in (("https://localhost:%d/" % plain.port, "not on the list"), ("https://example.com/", "not on the list"), ("http://localhost:%d/" % good.port, "http is not allowed"), ("https://169.254.169.254/latest", "not on the list")):
        expect("not by the test button: " + endpoint, c.post("/api/v2/webhooks/test", {"request": {"endpoint": endpoint, "http_method": "GET", "request_format": "json"}}), 403, words)
    for host in ("127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "169.254.169.254", "10.0.0.1", "2130706433", "0x7f.1", "localhost"):
        port = plain.port
        rr = c.post("/api/ward/v1/destinations", {"destination": {"kind": "webhook", "pattern": "%s:%d" % (host, port), "allow_http": True}})
        rt = c.post("/api/v2/webhooks/test", {"request": {"endpoint": "http://%s:%d/" % (host, port), "http_method": "POST", "request_format": "json", "payload": "{}"}})
        check(rt.status == 403, "no way inside by %s: %r %r" % (host, rr.status, rt))
        if rr.status == 201:
            c.delete("/api/ward/v1/destinations/%d" % rr.json["destination"]["id"])
    check(not plain.got, "nothing reached the inside")
    d2 = c.post("/api/ward/v1/destinations", {"destination": {"kind": "webhook", "pattern": "127.0.0.1:%d" % plain.port, "allow_http": True, "allow_addresses": "127.0.0.1"}}).json["destination"]["id"]
    r = c.post("/api/v2/webhooks/test", {"request": {"endpoint": "http://127.0.0.1:%d/x" % plain.port, "http_method": "PUT", "request_format": "json", "payload": "{\"phone\":5558675309,\"ticket_id\":12,\"note\":\"SSN 219-09-9999\",\"a\":[true,null,1.5]}"}})
    expect("http where it is allowed", r, 200)
    sent = json.loads(plain.got[-1]["body"]) if plain.got else {}
    check(plain.got and plain.got[-1]["method"] == "PUT" and sent["ticket_id"] == 12 and "219-09" not in sent["note"] and sent["a"] == [True, None, 1.5], "masked and still JSON: %s" % sent)
    # A certificate that does not verify.
    c.put("/api/ward/v1/destinations/%d" % d, {"destination": {"ca_pem": None}})
    r = c.post("/api/v2/webhooks/test?webhook_id=" + w["id"], {"request": {"payload": "{}"}})
    expect("a certificate of nobody", r, 400, "certificate")
    c.put("/api/ward/v1/destinations/%d" % d, {"destination": {"ca_pem": ca.pem()}})
    old = secret["secret"]
    expect("a fresh secret", c.post("/api/v2/webhooks/%s/signing_secret" % w["id"]), 201, "SHA256")
    check(c.get("/api/v2/webhooks/%s/signing_secret" % w["id"]).json["signing_secret"]["secret"] != old, "the old one is gone")

    # kill -9 while calls are made: each event at least once, twice only when marked.
    time.sleep(0.5)
    good.got.clear()
    good.answers = lambda rq: (time.sleep(0.02), (200, {}, b"ok"))[1]
    made = []
    until(lambda: not [x for x in calls() if x["status"] in ("pending", "retrying")], 30 * SLOW)
    desk.stop(); c.close(); desk.start()             # the breaker forgets
    for k in range(5):
        for n in range(8):
            try:
                made.append(ticket(comment={"body": "x"}, subject="y"))
            except (OSError, AssertionError):
                break
        time.sleep(0.02 * k)
        desk.kill(); c.close(); desk.start()
    def seen():
        out = {}
        for g in good.got:
            out.setdefault(json.loads(g["body"])["subject"], []).append(g["headers"]["X-Zendesk-Webhook-Invocation-Id"])
        return out
    until(lambda: all("zen:ticket:%d" % m in seen() for m in made) and not [x for x in calls() if x["status"] in ("pending", "retrying")], 40 * SLOW)
    s = seen()
    check(all("zen:ticket:%d" % m in s for m in made), "no event is lost (%d of %d)" % (len(s), len(made)))
    check(all(len(set(v)) == 1 for v in s.values()), "a repeated one has its first id")
    unsure = [x for x in c.get("/api/ward/v1/outbox?kind=webhook&page[size]=100").json["outbox"] if x["uncertain"]]
    twice = [k for k, v in s.items() if len(v) > 1]
    check(len(twice) <= len(unsure), "twice only where it is marked: %s %s" % (twice, len(unsure)))
    print("%d events over 5 kills, %d twice" % (len(s), len(twice)))

    # Who may, and P1.
    _, agent = desk.person(c, "Al Agent", "al@clinic.example", "agent")
    check(agent.get("/api/v2/webhooks").status == 403 and Client(desk).get("/api/v2/webhooks").status == 401, "administrators only")
    desk.stop()
    log = open(desk.log, "rb").read()
    for canary in (b"Zebedee", b"sesame-open", b"219-09-9999", b"quux_tag", b"/hook", old.encode(), b"Chart sync"):
        check(canary not in log, "no %r in the log" % canary)
        for p in desk.files():
            check(canary not in open(p, "rb").read(), "no %r in %s" % (canary, p))
    desk.start()
    good.close()
    plain.close()
done("webhooks")
