#!/usr/bin/env python3
"""What leaves by mail: held until a destination is listed, content-free unless it is open, threaded, retried, never lost, resent by a person."""
import email, email.policy, os, re, subprocess, time
from desk import SLOW, Desk, check, done
from peers import Authority, HangUp, Relay, until

BODY = "Zebedee Quux, born 03/04/1971, MRN 12345678, takes lithium"
SUBJECT = "Lithium for Zebedee Quux, SSN 219-09-9999"


def rows(c, **q):
    return c.get("/api/ward/v1/outbox.json?" + "&".join("%s=%s" % i for i in q.items())).json["outbox"]


def settle(c, tid=None, seconds=20):
    """Waits until nothing is on its way."""
    q = {"ticket_id": tid} if tid else {}
    return until(lambda: not any(r["state"] in ("queued", "sending") for r in rows(c, **q)), seconds * SLOW) and rows(c, **q)


def parse(m):
    return email.message_from_bytes(m["data"], policy=email.policy.default)


def mail_in(desk, sender, text, to="support@clinic.example", subject="Hello", **head):
    raw = "From: %s\r\nTo: %s\r\nSubject: %s\r\nDate: Mon, 05 Jan 2026 10:00:00 +0000\r\n%s\r\n%s\r\n" % (
        sender, to, subject, "".join("%s: %s\r\n" % (k.replace("_", "-"), v) for k, v in head.items()), text)
    r = desk.deliver(raw.encode(), "-v", "--rcpt", to)
    return r.stdout.decode().strip()


with Desk() as desk:
    ca = Authority(os.path.join(desk.dir, "ca"))
    good, wrong = ca.sign("localhost", "DNS:localhost"), ca.sign("other.example")
    c = desk.admin()
    desk.keep_all(c)                          # whether a subject is clean is asked of the outbox here
    relay = Relay(good)
    # Nothing is set up: nothing is queued, and nothing heaps up.
    pat, _ = desk.person(c, "Pat Ient", "pat@patients.example")
    cc, _ = desk.person(c, "Cora Copy", "cora@elsewhere.example")
    fol, _ = desk.person(c, "Fay Follower", "fay@clinic.example", "agent")
    t0 = c.post("/api/v2/tickets.json", {"ticket": {"subject": SUBJECT, "requester_id": pat, "comment": {"body": BODY}}}).json["ticket"]["id"]
    check(rows(c) == [], "a desk without mail queues none")

    # Settings: all that is wrong at once; the password is never shown.
    r = c.put("/api/ward/v1/mail.json", {"mail": {"host": "relay host", "from": "nobody", "port": 0, "tls": "sometimes", "retry_seconds": 99999, "nonsense": 1, "ca_pem": "x"}})
    check(r.status == 422 and {"host", "from", "port", "tls", "retry_seconds", "base", "ca_pem"} <= set(r.json["details"]) | {"tls"}, "each wrong setting is named: %r" % r)
    r = c.put("/api/ward/v1/mail.json", {"mail": {"host": "relay.example", "from": "a@b.example", "tls": "none"}})
    check(r.status == 422 and "tls" in r.json["details"], "no TLS only on loopback: %r" % r)
    r = c.put("/api/ward/v1/mail.json", {"mail": {"host": "localhost", "port": relay.port, "from": "support@clinic.example", "name": "Elm Clinic", "ca_pem": ca.pem(), "retry_seconds": 1, "password": "hunter2secret"}})
    check(r.status == 200 and b"hunter2secret" not in r.body and r.json["mail"]["password_set"], "mail is set up: %r" % r)
    c.put("/api/ward/v1/mail.json", {"mail": {"password": None}})

    # P5: no destination is listed, so it is held, and says what to do.
    t = c.post("/api/v2/tickets.json", {"ticket": {"subject": SUBJECT, "requester_id": pat, "email_ccs": [{"user_id": cc}], "followers": [{"user_id": fol}], "comment": {"body": BODY}}}).json["ticket"]["id"]
    got = settle(c, t)
    check(len(got) == 3 and all(g["state"] == "held" and "destinations" in g["reason"] for g in got), "held without a destination: %s" % got)
    check(not relay.steps, "and nobody was connected to")
    for wrong_one in ({"kind": "recipient", "pattern": "not a domain"}, {"kind": "recipient", "pattern": "x@"}, {"kind": "pigeon", "pattern": "*"}, {"kind": "recipient"}, {"kind": "recipient", "pattern": "*", "allow_http": True},
                      {"kind": "webhook", "pattern": "https://a.example/x"}, {"kind": "webhook", "pattern": "a.example:99999"}, {"kind": "webhook", "pattern": "a.example", "allow_addresses": "10.0.0.0/99"}, {"kind": "recipient", "pattern": "*", "extra": 1}):
        r = c.post("/api/ward/v1/destinations.json", {"destination": wrong_one})
        check(r.status == 422, "a wrong destination is refused: %s %r" % (wrong_one, r))
    r = c.post("/api/ward/v1/destinations.json", {"destination": {"kind": "recipient", "pattern": "patients.example", "note": "patients"}})
    check(r.status == 201, "a domain is listed: %r" % r)
    check(c.post("/api/ward/v1/destinations.json", {"destination": {"kind": "recipient", "pattern": "Patients.example"}}).status == 422, "and not twice")
    until(lambda: relay.got, 20 * SLOW)
    got = settle(c, t)
    check(sorted(g["state"] for g in got) == ["held", "held", "sent"], "who is listed now gets it, the others wait: %s" % got)
    desk.ward("destination", "add", "recipient", "*")
    until(lambda: len(relay.got) == 3, 20 * SLOW)
    got = settle(c, t)
    check([g["state"] for g in got] == ["sent"] * 3, "and then all: %s" % got)

    # Content-free, clean, threaded.
    ids = set()
    for m in relay.got:
        p, text = parse(m), m["data"].decode()
        body = p.get_content()
        check(m["secure"], "over TLS")
        check(not any(w in text for w in ("Zebedee", "lithium", "Lithium", "219-09", "12345678", "1971")), "no content leaves: %r" % text)
        check(p["Subject"] == "[Elm Clinic] %s #%d updated" % ("Ticket" if "fay" in p["To"] else "Request", t), "a clean subject: %r" % p["Subject"])
        check(p["Auto-Submitted"] == "auto-generated" and p["X-Ward-Loop"], "it says that it is automatic")
        check(re.fullmatch(r"support\+b\d+-[0-9a-f]{16}@clinic\.example", m["from"]), "a bounce address of its own: %r" % m["from"])
        check("## Please reply above" in body and max(len(l) for l in m["data"].split(b"\r\n")) <= 998 and b"\r\n" in m["data"] and b"\n" not in m["data"].replace(b"\r\n", b""), "lines as SMTP wants them")
        ids.add(p["Message-ID"])
    check(len(ids) == 3, "each has a Message-ID: %s" % ids)
    to_pat = parse([m for m in relay.got if m["to"] == ["pat@patients.example"]][0])

    # The answer lands in its ticket: by the address, by In-Reply-To; and in nobody else's.
    out = mail_in(desk, "pat@patients.example", "My answer to that\r\n\r\n" + "".join("> %s\r\n" % l for l in to_pat.get_content().splitlines()), to=str(to_pat["Reply-To"].addresses[0].addr_spec), Message_ID="<a1@patients.example>")
    check(out == "comment on ticket %d" % t, "an answer to the Reply-To: %r" % out)
    out = mail_in(desk, "pat@patients.example", "Another", In_Reply_To=to_pat["Message-ID"], Message_ID="<a2@patients.example>")
    check(out == "comment on ticket %d" % t, "an answer by In-Reply-To alone: %r" % out)
    forged = re.sub(r"\+t\d+-", "+t%d-" % t0, str(to_pat["Reply-To"].addresses[0].addr_spec))
    out = mail_in(desk, "pat@patients.example", "Forged", to=forged, Message_ID="<a3@patients.example>")
    check(out.startswith("ticket "), "a mark of another ticket opens nothing: %r" % out)
    n = int(out.split()[1])
    texts = [x["body"] for x in c.get("/api/v2/tickets/%d/comments.json" % t).json["comments"]]
    check(texts[1:] == ["My answer to that", "Another"], "without the quoted mail: %s" % texts)
    settle(c)

    # A request that came by mail is received, and the answer names the mail.
    mine = [m for m in relay.got if m["to"] == ["pat@patients.example"] and b"received" in m["data"]]
    check(len(mine) == 1 and parse(mine[0])["In-Reply-To"] == "<a3@patients.example>" and parse(mine[0])["Auto-Submitted"] == "auto-replied", "a receipt that names the mail it answers")
    check(parse(mine[0])["Subject"] == "[Elm Clinic] Request #%d received" % n, "its subject: %r" % parse(mine[0])["Subject"])
    # Automatic mail, lists and bounces are never answered.
    before = len(relay.got)
    for i, head in enumerate(({"Auto_Submitted": "auto-replied"}, {"Precedence": "bulk"}, {"List_Id": "<l.example>"}, {"X_Ward_Loop": "x"}, {"Return_Path": "<>"})):
        out = mail_in(desk, "robot@robots.example", "beep", Message_ID="<r%d@robots.example>" % i, **head)
        check(out.startswith("suspended"), "kept aside: %r" % out)
        if i == 0:
            r = c.put("/api/v2/suspended_tickets/%s/recover.json" % out.split()[-1])
            check(r.status == 200, "and recovered by a person: %r" % r)
    # A robot that does not say what it is: after the tenth receipt within an hour none follows.
    for i in range(14):
        mail_in(desk, "loop@robots.example", "beep %d" % i, Message_ID="<l%d@robots.example>" % i)
    settle(c)
    check(len([m for m in relay.got[before:] if m["to"] == ["robot@robots.example"]]) == 0, "no automatic mail is answered")
    check(len([m for m in relay.got[before:] if m["to"] == ["loop@robots.example"]]) == 10, "a loop ends by itself: %d" % len(relay.got[before:]))
    check(len([e for e in c.get("/api/v2/audit_logs.json?page[size]=100").json["audit_logs"] if "suppress" in str(e)]) >= 1, "which the trail says")

    # Open for content: the text goes, the subject only when it is clean.
    d = c.post("/api/ward/v1/destinations.json", {"destination": {"kind": "recipient", "pattern": "pat@patients.example", "content": True}}).json["destination"]["id"]
    relay.got.clear()
    c.put("/api/v2/tickets/%d.json" % t, {"ticket": {"comment": {"body": "Please take it at night, Zebedee.\n.\n..\nßüß"}}})
    settle(c)
    by = {m["to"][0]: parse(m) for m in relay.got}
    check("at night, Zebedee.\n.\n..\nßüß" in by["pat@patients.example"].get_content().replace("\r\n", "\n"), "what was written goes where it may: %r" % by["pat@patients.example"].get_content())
    check(by["pat@patients.example"]["Subject"] == "[Elm Clinic] Request #%d updated" % t, "a subject in which something is found stays home")
    check(by["pat@patients.example"]["Auto-Submitted"] is None, "a person wrote it")
    check("Zebedee" not in by["cora@elsewhere.example"].get_content(), "and to others it does not go")
    c.put("/api/v2/tickets/%d.json" % t, {"ticket": {"subject": "Opening hours", "comment": {"body": "Nine to five"}}})
    settle(c)
    check(parse([m for m in relay.got if m["to"] == ["pat@patients.example"]][-1])["Subject"] == "[Elm Clinic] Opening hours (#%d)" % t, "a clean subject goes")
    # A private note goes to no requester and no CC.
    relay.got.clear()
    c.put("/api/v2/tickets/%d.json" % t, {"ticket": {"comment": {"body": "a note", "public": False}}})
    settle(c)
    check([m["to"] for m in relay.got] == [["fay@clinic.example"]], "a note is told to followers alone: %s" % [m["to"] for m in relay.got])

    # Later, never, broken, slow: each by its rule.
    def one(tid=t):
        relay.got.clear()
        relay.steps.clear()
        c.put("/api/v2/tickets/%d.json" % tid, {"ticket": {"comment": {"body": "again"}}})
        return max(r["id"] for r in rows(c, ticket_id=tid))

    t2 = c.post("/api/v2/tickets.json", {"ticket": {"subject": "s", "requester_id": pat, "comment": {"body": "b"}}}).json["ticket"]["id"]
    settle(c)

    def message(i):
        return c.get("/api/ward/v1/outbox/%d.json" % i).json["message"]

    tries = []
    relay.says = lambda step, arg: "450 4.2.0 greylisted for pat@patients.example" if step == "RCPT" and len(tries) < 2 and not tries.append(1) else None
    i = one(t2)
    until(lambda: relay.got, 30 * SLOW)
    m = until(lambda: message(i)["state"] == "sent" and message(i), 20 * SLOW)
    check(m and m["attempts"] == 3 and len(relay.got) == 1 and not m["uncertain"], "greylisted twice, then taken once: %s" % m)
    relay.says = lambda step, arg: "550 5.1.1 no such user pat@patients.example" if step == "RCPT" else None
    i = one(t2)
    m = until(lambda: message(i)["state"] == "dead" and message(i), 20 * SLOW)
    check(m and m["status_code"] == 550 and "RCPT" in m["reason"] and "pat@" not in m["reason"], "refused for good: %s" % m)
    relay.says = lambda step, arg: None
    check(c.delete("/api/ward/v1/outbox/%d.json" % (i + 1000)).status == 404, "an unknown one")
    check(desk.ward("outbox", "retry", str(i)).returncode == 0, "a person resends it")
    m = until(lambda: message(i)["state"] == "sent" and message(i), 20 * SLOW)
    check(m and len(relay.got) == 1, "and it goes: %s" % m)
    check(c.post("/api/ward/v1/outbox/%d/retry.json" % i).status == 409, "not twice by accident")
    check(c.post("/api/ward/v1/outbox/%d/retry.json?again=true" % i).status == 200, "but when asked expressly")
    until(lambda: len(relay.got) == 2, 20 * SLOW)
    check(parse(relay.got[0])["Message-ID"] == parse(relay.got[1])["Message-ID"], "under the same Message-ID")
    hung = []

    def hang(step, arg):
        if step == "END" and not hung:
            hung.append(arg)
            raise HangUp()
    relay.says = hang
    i = one(t2)
    m = until(lambda: message(i)["state"] == "sent" and message(i), 30 * SLOW)
    check(m and m["uncertain"] and m["attempts"] == 2, "cut off after the last byte: sent again and marked so: %s" % m)
    check(parse(hung[0])["Message-ID"] == parse(relay.got[0])["Message-ID"], "recognisable by its Message-ID")
    early = []

    def hang_early(step, arg):
        if step == "DATA" and not early:
            early.append(1)
            raise HangUp()
    relay.says = hang_early
    i = one(t2)
    m = until(lambda: message(i)["state"] == "sent" and message(i), 30 * SLOW)
    check(m and not m["uncertain"] and m["attempts"] == 2, "cut off before: certainly not taken: %s" % m)
    relay.says = lambda step, arg: None

    # TLS: a certificate of another name, one of nobody, none at all: no mail.
    for why, other, words in (("another name", Relay(wrong), "certificate"), ("no TLS", Relay(None), "no TLS")):
        c.put("/api/ward/v1/mail.json", {"mail": {"port": other.port}})
        i = one(t2)
        m = until(lambda: message(i)["attempts"] > 0 and message(i)["state"] == "retry" and message(i), 20 * SLOW)
        check(m and words in m["reason"] and not other.got and "MAIL" not in other.steps, "refused, %s: %s %s" % (why, m, other.steps))
        check(c.delete("/api/ward/v1/outbox/%d.json" % i).status == 204 and message(i)["state"] == "dropped" and message(i)["erased"], "dropped, and its key destroyed")
        other.close()
    c.put("/api/ward/v1/mail.json", {"mail": {"port": relay.port, "ca_pem": None}})
    i = one(t2)
    m = until(lambda: message(i)["state"] == "retry" and message(i), 20 * SLOW)
    check(m and "certificate" in m["reason"], "an authority that nobody knows: %s" % m)
    # TLS from the first byte, with AUTH out of a file.
    relay2 = Relay(good, implicit=True, user=("desk", "pw with spaces"))
    pw = os.path.join(desk.dir, "relay-pw")
    open(pw, "w").write("pw with spaces\n")
    r = desk.ward("mail", "set", "--port", str(relay2.port), "--tls", "tls", "--user", "desk", "--password-file", pw, "--ca-file", ca.ca)
    check(r.returncode == 0, "set on the command line: %s" % r.stderr)
    m = until(lambda: message(i)["state"] == "sent" and message(i), 20 * SLOW)
    check(m and relay2.got and "AUTH" in relay2.steps, "signed in over TLS: %s" % m)
    c.put("/api/ward/v1/mail.json", {"mail": {"password": "wrong"}})
    i = one(t2)
    m = until(lambda: message(i)["state"] == "retry" and message(i), 20 * SLOW)
    check(m and "credentials" in m["reason"] and m["status_code"] == 535, "a wrong password is no reason to give up: %s" % m)
    c.put("/api/ward/v1/mail.json", {"mail": {"password": "pw with spaces"}})
    until(lambda: message(i)["state"] == "sent", 20 * SLOW)
    c.put("/api/ward/v1/mail.json", {"mail": {"port": relay.port, "tls": "starttls", "user": None, "password": None}})

    # A bounce marks the address; forged ones do not.
    i = one(t2)
    until(lambda: message(i)["state"] == "sent", 20 * SLOW)
    vp = relay.got[-1]["from"]
    dsn = ("From: MAILER-DAEMON@relay.test\r\nTo: %s\r\nSubject: Undelivered\r\nMessage-ID: <%s>\r\nMIME-Version: 1.0\r\n"
           "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nSorry.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
           "Reporting-MTA: dns; relay.test\r\n\r\nFinal-Recipient: rfc822; pat@patients.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n")
    forged = re.sub(r"-[0-9a-f]{16}", "-" + "0" * 16, vp)
    desk.deliver((dsn % (forged, "d1@relay.test")).encode(), "--rcpt", forged)
    check(message(i)["state"] == "sent", "a forged bounce marks nobody")
    desk.deliver((dsn % (vp, "d2@relay.test")).encode(), "--rcpt", vp)
    m = message(i)
    check(m["state"] == "dead" and "came back" in m["reason"], "it came back: %s" % m)
    who = c.get("/api/v2/users/%d/identities.json" % pat).json["identities"][0]
    check(who["deliverable_state"] == "undeliverable", "the person's address says so: %s" % who)
    i = one(t2)
    check(message(i)["state"] == "dead" and "came back" in message(i)["reason"] and not relay.got, "no further mail to that address: %s" % message(i))
    c.post("/api/ward/v1/outbox/%d/retry.json" % i)
    check(until(lambda: message(i)["state"] == "sent", 20 * SLOW), "until a person says so")

    # Redaction reaches what waits and what was sent.
    c.put("/api/ward/v1/mail.json", {"mail": {"port": 1}})
    r = c.put("/api/v2/tickets/%d.json" % t2, {"ticket": {"comment": {"body": "The secret is Xyzzy-42"}}})
    cid = [e["id"] for e in r.json["audit"]["events"] if e["type"] == "Comment"][0]
    i = max(x["id"] for x in rows(c, ticket_id=t2))
    check(message(i)["content"] and "Xyzzy-42" in message(i)["text"], "it waits with its text")
    check(c.put("/api/v2/tickets/%d/comments/%d/redact.json" % (t2, cid), {"text": "Xyzzy-42"}).status == 200, "redacted")
    check(not message(i)["content"] and "Xyzzy" not in str(message(i)), "gone from what waits: %s" % message(i))
    relay.got.clear()
    c.put("/api/ward/v1/mail.json", {"mail": {"port": relay.port}})
    c.post("/api/ward/v1/outbox/%d/retry.json" % i)
    until(lambda: message(i)["state"] == "sent", 20 * SLOW)
    check(relay.got and b"Xyzzy" not in relay.got[-1]["data"] and b"new answer" in relay.got[-1]["data"], "the notice goes without it")

    # Erased people: nothing addressed to them stays.
    gone, _ = desk.person(c, "Gone Soon", "gone@patients.example")
    c.post("/api/v2/tickets.json", {"ticket": {"subject": "s", "requester_id": gone, "comment": {"body": "b"}}})
    settle(c)
    i = rows(c)[0]["id"]
    check("gone@" in str(message(i)), "a mail to somebody")
    check(c.delete("/api/v2/users/%d.json" % gone).status == 200 and c.delete("/api/v2/deleted_users/%d.json" % gone).status == 200, "who is erased")
    check(message(i)["erased"] and "gone@" not in str(message(i)), "and with them what was sent to them: %s" % message(i))
    # A comment made private while its mail waits.
    c.put("/api/ward/v1/mail.json", {"mail": {"port": 1}})
    r = c.put("/api/v2/tickets/%d.json" % t2, {"ticket": {"comment": {"body": "Wrong window, Wibble-7"}}})
    cid = [e["id"] for e in r.json["audit"]["events"] if e["type"] == "Comment"][0]
    i = max(x["id"] for x in rows(c, ticket_id=t2))
    check("Wibble" in message(i)["text"], "it waits")
    check(c.put("/api/v2/tickets/%d/comments/%d/make_private.json" % (t2, cid)).status == 200 and "Wibble" not in str(message(i)), "its words do not go any more")
    c.put("/api/ward/v1/mail.json", {"mail": {"port": relay.port}})
    until(lambda: message(i)["state"] == "sent", 20 * SLOW)

    # A test of the way.
    relay.got.clear()
    r = c.post("/api/ward/v1/mail/test.json")
    check(r.status == 200 and until(lambda: relay.got, 20 * SLOW) and relay.got[0]["to"] == [desk.ADMIN] and b"test of outgoing mail" in relay.got[0]["data"], "a test goes to who asks: %r" % r)
    check(b'ward_outbox{state="dead"}' in c.get("/metrics").body, "and the numbers are told")

    # Who may: administrators.
    _, agent = desk.person(c, "Al Agent", "al@clinic.example", "agent")
    check(agent.get("/api/ward/v1/outbox.json").status == 403 and agent.get("/api/ward/v1/mail.json").status == 403, "not an agent's business")

    # kill -9 at random moments: everything once, and where it cannot be known, marked.
    relay.got.clear()
    d2 = c.get("/api/ward/v1/destinations.json").json["destinations"]
    relay.says = lambda step, arg: time.sleep(0.01)
    tid = c.post("/api/v2/tickets.json", {"ticket": {"subject": "s", "requester_id": pat, "comment": {"body": "b"}}}).json["ticket"]["id"]
    made = 0
    for round_ in range(6):
        for k in range(6):
            try:
                r = c.put("/api/v2/tickets/%d.json" % tid, {"ticket": {"comment": {"body": "Round %d-%d end" % (round_, k)}}})
                made += r.status == 200
            except OSError:
                break
        time.sleep(0.02 * round_ * SLOW)
        desk.kill()
        c.close()
        desk.start()
    settle(c, tid, 60)
    got = until(lambda: all(r["state"] == "sent" for r in rows(c, ticket_id=tid, **{"page[size]": 100})), 60 * SLOW)
    listed = rows(c, ticket_id=tid, **{"page[size]": 100})
    check(got and len(listed) >= made + 1, "each acknowledged change has its mail sent (%d of %d): %s" % (made, len(listed), [r["state"] for r in listed]))
    seen = {}
    for m in relay.got:
        seen.setdefault(parse(m)["Message-ID"], []).append(m)
    unsure = sum(r["uncertain"] for r in listed)
    ours = {k: v for k, v in seen.items() if "+t%d-" % tid in k}
    doubled = sum(len(v) - 1 for v in ours.values())
    check(len(ours) == len(listed), "nothing is lost (%d of %d)" % (len(ours), len(listed)))
    check(doubled <= unsure, "and nothing doubled that is not marked uncertain (%d, %d)" % (doubled, unsure))
    print("%d mails over 6 kills, %d in doubt, %d twice" % (len(listed), unsure, doubled))

    # P1: nothing of it in clear, anywhere.
    desk.stop()
    log = open(desk.log, "rb").read()
    for canary in (b"Zebedee", b"pat@patients.example", b"cora@elsewhere", b"at night", b"219-09-9999", b"hunter2secret", b"pw with spaces", b"Xyzzy", b"Wibble"):
        check(canary not in log, "no %r in the log" % canary)
        for p in desk.files():
            check(canary not in open(p, "rb").read(), "no %r in %s" % (canary, p))
    desk.start()
    relay.close()
    relay2.close()
done("outbox")
