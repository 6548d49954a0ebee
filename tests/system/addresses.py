#!/usr/bin/env python3
"""Support addresses: brand and group of what comes in, sender of what goes out, verification; mails in the reader's language."""
import email, email.policy, os
from desk import SLOW, Desk, check, done
from peers import Authority, Relay, until


def parse(m):
    return email.message_from_bytes(m["data"], policy=email.policy.default)


def raw(sender, to, text, subject="Hello", **head):
    return ("From: %s\r\nTo: %s\r\nSubject: %s\r\nDate: Mon, 05 Jan 2026 10:00:00 +0000\r\n%s\r\n%s\r\n" % (
        sender, to, subject, "".join("%s: %s\r\n" % (k.replace("_", "-"), v) for k, v in head.items()), text)).encode()


with Desk() as desk:
    ca = Authority(os.path.join(desk.dir, "ca"))
    relay = Relay(ca.sign("localhost", "DNS:localhost"))
    c = desk.admin()
    ana_id, ana = desk.person(c, "Ana Agent", "ana@clinic.example", "agent")
    brand = c.post("/api/v2/brands.json", {"brand": {"name": "Billing", "subdomain": "billing"}}).json["brand"]["id"]
    group = c.post("/api/v2/groups.json", {"group": {"name": "Billing"}}).json["group"]["id"]
    check(c.get("/api/v2/recipient_addresses.json").json["recipient_addresses"] == [], "none at first")
    c.put("/api/ward/v1/mail.json", {"mail": {"host": "localhost", "port": relay.port, "from": "support@clinic.example", "name": "Elm Clinic", "ca_pem": ca.pem(), "retry_seconds": 1}})
    desk.ward("destination", "add", "recipient", "*")
    own = c.get("/api/v2/recipient_addresses.json").json["recipient_addresses"]
    check(len(own) == 1 and own[0]["email"] == "support@clinic.example" and own[0]["default"] and own[0]["forwarding_status"] == "verified" and own[0]["brand_id"], "the address of the mail settings is one: %s" % own)

    r = c.post("/api/v2/recipient_addresses.json", {"recipient_address": {"email": "Billing@Clinic.example", "name": "Billing Desk", "brand_id": brand, "group_id": group}})
    check(r.status == 201 and r.json["recipient_address"]["email"] == "billing@clinic.example" and r.json["recipient_address"]["forwarding_status"] == "verified", "another of the same domain: %r" % r)
    billing = r.json["recipient_address"]["id"]
    r = c.post("/api/v2/recipient_addresses.json", {"recipient_address": {"email": "help@shop.example"}})
    check(r.status == 201 and r.json["recipient_address"]["forwarding_status"] == "unknown" and r.json["recipient_address"]["default"] is False, "one elsewhere: %r" % r)
    shop = r.json["recipient_address"]["id"]
    for body, field in (({"email": "help@shop.example"}, "email"), ({"email": "no address"}, "email"), ({"email": "a+b@clinic.example"}, "email"), ({}, "email"), ({"email": "x@y.example", "brand_id": 999999}, "brand_id"),
                        ({"email": "x@y.example", "group_id": 999999}, "group_id"), ({"email": "x@y.example", "default": True}, "default")):
        r = c.post("/api/v2/recipient_addresses.json", {"recipient_address": body})
        check(r.status == 422 and field in r.json["details"], "refused: %s %r" % (body, r))
    check(ana.get("/api/v2/recipient_addresses/%d.json" % shop).status == 200 and ana.post("/api/v2/recipient_addresses.json", {"recipient_address": {"email": "q@q.example"}}).status == 403, "agents read them")
    r = c.put("/api/v2/recipient_addresses/%d.json" % billing, {"recipient_address": {"email": "other@clinic.example", "name": "Bills"}})
    check(r.status == 200 and r.json["recipient_address"]["email"] == "billing@clinic.example" and r.json["recipient_address"]["name"] == "Bills", "the name changes, the address does not: %r" % r)
    check(c.put("/api/v2/recipient_addresses/%d.json" % shop, {"recipient_address": {"default": True}}).status == 422, "who is not verified is no default")
    check(c.delete("/api/v2/recipient_addresses/%d.json" % own[0]["id"]).status == 422, "the default stays")

    # ---- in: brand and group; out: from the same address
    desk.deliver(raw("Pat Ient <pat@patients.example>", "Bills <billing@clinic.example>", "My bill is wrong", Cc="help@shop.example, cora@patients.example"), "--rcpt", "support@clinic.example")
    t = c.get("/api/v2/tickets.json?sort_by=created_at&sort_order=desc").json["tickets"][0]
    check(t["recipient"] == "billing@clinic.example" and t["brand_id"] == brand and t["group_id"] == group, "forwarded mail says whom it was written to: %s" % {k: t[k] for k in ("recipient", "brand_id", "group_id")})
    ccs = t["email_cc_ids"]
    check(len(ccs) == 1, "an address of ours is nobody's CC: %s" % ccs)
    until(lambda: relay.got, 20 * SLOW)
    m = parse(relay.got[0])
    check(m["From"].addresses[0].addr_spec == "billing@clinic.example" and m["From"].addresses[0].display_name == "Bills" and m["Reply-To"].startswith("Bills <billing+t"), "the receipt comes from there: %s %s" % (m["From"], m["Reply-To"]))
    check(relay.got[0]["from"].startswith("support+b"), "what cannot be delivered comes back to the desk: %s" % relay.got[0]["from"])
    n = len(relay.got)
    reply = str(m["Reply-To"].addresses[0].addr_spec)
    r = desk.deliver(raw("pat@patients.example", reply, "More about it", In_Reply_To=str(m["Message-ID"])), "-v", "--rcpt", reply)
    check(len(c.get("/api/v2/tickets/%d/comments.json" % t["id"]).json["comments"]) == 2, "an answer to it lands in the ticket: %s" % r.stdout)
    c.put("/api/v2/tickets/%d.json" % t["id"], {"ticket": {"comment": {"body": "We look into it"}}})
    until(lambda: len(relay.got) > n, 20 * SLOW)
    check(all(parse(x)["From"].addresses[0].addr_spec == "billing@clinic.example" for x in relay.got[n:]), "and so does an agent's answer")
    # To an address that is not verified: the ticket keeps it, mail goes from the default.
    n = len(relay.got)
    desk.deliver(raw("quin@patients.example", "help@shop.example", "About shoes"), "--rcpt", "support@clinic.example")
    t2 = c.get("/api/v2/tickets.json?sort_by=created_at&sort_order=desc").json["tickets"][0]
    to_quin = lambda: [x for x in relay.got if x["to"] == ["quin@patients.example"]]
    until(to_quin, 20 * SLOW)
    check(t2["recipient"] == "help@shop.example" and parse(to_quin()[0])["From"].addresses[0].addr_spec == "support@clinic.example", "not verified: the default speaks: %s" % t2["recipient"])
    # A mail from one of our own addresses is a loop.
    desk.deliver(raw("billing@clinic.example", "support@clinic.example", "round and round"), "--rcpt", "support@clinic.example")
    s = c.get("/api/v2/suspended_tickets.json").json["suspended_tickets"]
    check(len(s) == 1 and "loop" in s[0]["cause"].lower(), "own mail is a loop: %s" % [x["cause"] for x in s])

    # ---- verification: the check that was sent comes back by forwarding
    n = len(relay.got)
    check(c.put("/api/v2/recipient_addresses/%d/verify.json" % shop, {"type": "odd"}).status == 422 and ana.put("/api/v2/recipient_addresses/%d/verify.json" % shop).status == 403, "verify: who, what")
    r = c.put("/api/v2/recipient_addresses/%d/verify.json" % shop, {"type": "forwarding"})
    check(r.status == 200 and r.body == b"" and c.get("/api/v2/recipient_addresses/%d.json" % shop).json["recipient_address"]["forwarding_status"] == "waiting", "waiting: %r" % r)
    to_shop = lambda: [x for x in relay.got if x["to"] == ["help@shop.example"]]
    until(to_shop, 20 * SLOW)
    sent = to_shop()[0]["data"]
    tickets = c.get("/api/v2/tickets/count.json").json["count"]["value"]
    forged = sent.replace(b"+v", b"+w", 1)
    desk.deliver(forged, "--rcpt", "support@clinic.example")
    check(c.get("/api/v2/recipient_addresses/%d.json" % shop).json["recipient_address"]["forwarding_status"] == "waiting", "a forged one proves nothing")
    r = desk.deliver(sent, "-v", "--rcpt", "support@clinic.example")
    check(c.get("/api/v2/recipient_addresses/%d.json" % shop).json["recipient_address"]["forwarding_status"] == "verified", "it came back: verified: %s" % r.stdout)
    check(c.get("/api/v2/tickets/count.json").json["count"]["value"] == tickets, "and is no ticket")
    n = len(relay.got)
    c.put("/api/v2/tickets/%d.json" % t2["id"], {"ticket": {"comment": {"body": "About shoes"}}})
    until(lambda: len(to_quin()) > 1, 20 * SLOW)
    check(parse(to_quin()[1])["From"].addresses[0].addr_spec == "help@shop.example", "now it speaks itself")
    r = c.put("/api/v2/recipient_addresses/%d.json" % shop, {"recipient_address": {"default": True}})
    check(r.status == 200 and not c.get("/api/v2/recipient_addresses/%d.json" % own[0]["id"]).json["recipient_address"]["default"], "one default: %r" % r)
    check(c.delete("/api/v2/recipient_addresses/%d.json" % billing).status == 204 and c.get("/api/v2/recipient_addresses/%d.json" % billing).status == 404, "deleted")
    # Delivered for it, as the mail server says, is proof as well.
    other = c.post("/api/v2/recipient_addresses.json", {"recipient_address": {"email": "desk@other.example"}}).json["recipient_address"]["id"]
    desk.deliver(raw("rita@patients.example", "desk@other.example", "Hello there"), "--rcpt", "desk@other.example")
    check(c.get("/api/v2/recipient_addresses/%d.json" % other).json["recipient_address"]["forwarding_status"] == "verified", "delivered: verified")
    # Our own addresses name no patient.
    c.post("/api/ward/v1/phi/policies", {"policy": {"rules": [{"kind": "email", "place": "comment", "treatment": "redact"}], "why": "a test"}})
    r = c.post("/api/v2/tickets.json", {"ticket": {"comment": {"body": "Write to desk@other.example, not to zoe@patients.example"}}})
    d = r.json["ticket"]["description"]
    check("desk@other.example" in d, "our own address is no finding: %s" % d)

    # ---- the reader's language
    es, _ = desk.person(c, "Eva España", "eva@patients.example", locale="es")
    n = len(relay.got)
    t3 = c.post("/api/v2/tickets.json", {"ticket": {"subject": "Consulta", "requester_id": es, "comment": {"body": "Le escribimos"}}}).json["ticket"]["id"]
    until(lambda: [x for x in relay.got if x["to"] == ["eva@patients.example"]], 20 * SLOW)
    m = parse([x for x in relay.got if x["to"] == ["eva@patients.example"]][0])
    check("Solicitud #%d" % t3 in m["Subject"] and "Hay una nueva respuesta" in m.get_content() and "no lleva detalles" in m.get_content(), "in Spanish: %s %s" % (m["Subject"], m.get_content()))
    de, _ = desk.person(c, "Otto Deutsch", "otto@patients.example", locale="de")
    n = len(relay.got)
    c.post("/api/v2/tickets.json", {"ticket": {"subject": "Frage", "requester_id": de, "comment": {"body": "Wir schreiben"}}})
    until(lambda: [x for x in relay.got if x["to"] == ["otto@patients.example"]], 20 * SLOW)
    check("Request #" in parse([x for x in relay.got if x["to"] == ["otto@patients.example"]][0])["Subject"], "others in English")
done("addresses")
