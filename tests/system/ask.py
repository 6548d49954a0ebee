#!/usr/bin/env python3
"""Asking without script: forms and their conditions, what is not asked for is not kept, a warning before health details go
where they should not, attachments; the rating by a mail's link and signed in; languages."""
import os, quopri, re, urllib.parse, uuid
from desk import Client, Desk, SLOW, check, done, form as plain
from peers import Authority, Relay, until


def form(fields, files=()):
    """As a browser posts it: multipart, repeated names kept."""
    mark = uuid.uuid4().hex
    b = b""
    for name, value in fields:
        b += ("--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n" % (mark, name, value)).encode()
    for name, file_name, type, data in files:
        b += ("--%s\r\nContent-Disposition: form-data; name=\"%s\"; filename=\"%s\"\r\nContent-Type: %s\r\n\r\n" % (mark, name, file_name, type)).encode() + data + b"\r\n"
    return dict(raw=b + ("--%s--\r\n" % mark).encode(), headers={"Content-Type": "multipart/form-data; boundary=" + mark})


with Desk(start=False) as desk:
    with open(os.path.join(desk.data, "ward.conf"), "a") as f:
        f.write("base_url = https://desk.clinic.example\n")
    desk.start()
    admin = desk.admin()
    nadia, _ = desk.person(admin, "Nadia Fairbanks", "nadia@patients.example", password="a password of hers")
    r = Client(desk).post("/api/ward/v1/session", {"email": "nadia@patients.example", "password": "a password of hers"})
    me = Client(desk, cookie=r.headers["Set-Cookie"].split(";")[0].split("=", 1)[1])
    other, _ = desk.person(admin, "Otto Other", "otto@patients.example", password="a password of his")
    r = Client(desk).post("/api/ward/v1/session", {"email": "otto@patients.example", "password": "a password of his"})
    otto = Client(desk, cookie=r.headers["Set-Cookie"].split(";")[0].split("=", 1)[1])
    csrf = lambda c: re.search(rb'name="csrf" value="([^"]+)"', c.get("/help").body).group(1).decode()
    mine, his = csrf(me), csrf(otto)

    def field(title, type, **more):
        r = admin.post("/api/v2/ticket_fields.json", {"ticket_field": dict(title=title, type=type, visible_in_portal=True, editable_in_portal=True, **more)})
        check(r.status == 201, "a field: %r" % r)
        return r.json["ticket_field"]["id"]

    topic = field("Topic", "tagger", required_in_portal=True, custom_field_options=[{"name": "Bill <b>", "value": "bill"}, {"name": "Refill", "value": "refill"}])
    number = field("Invoice <i>number</i>", "text")
    days = field("Days left", "integer")
    proof = field("I have the paper", "checkbox")
    secret = field("Diagnosis", "text", phi=True, phi_purpose="treatment")
    hidden = admin.post("/api/v2/ticket_fields.json", {"ticket_field": {"title": "Internal", "type": "text"}}).json["ticket_field"]["id"]
    stray = field("Not on the form", "text")
    fields = admin.get("/api/v2/ticket_fields.json").json["ticket_fields"]
    system = [f["id"] for f in fields if f["type"] in ("subject", "description")]
    r = admin.post("/api/v2/ticket_forms.json", {"ticket_form": {"name": "Billing", "display_name": "Bills & refills", "end_user_visible": True, "ticket_field_ids": system + [topic, number, days, proof, secret, hidden],
        "end_user_conditions": [{"parent_field_id": topic, "value": "bill", "child_fields": [{"id": number, "is_required": True}, {"id": proof, "is_required": False}]},
                                {"parent_field_id": topic, "value": "refill", "child_fields": [{"id": days, "is_required": False}]}]}})
    check(r.status == 201, "a form: %r" % r)
    bills = r.json["ticket_form"]["id"]
    shown = [f["id"] for f in admin.get("/api/v2/ticket_forms.json").json["ticket_forms"] if f["end_user_visible"] and f["active"]]
    page = me.get("/help/ask")
    if len(shown) > 1:
        check(b"Bills &amp; refills" in page.body and b"<form method=\"post\" enctype" not in page.body, "which form: %r" % page)
    page = me.get("/help/ask/%d" % bills)
    text = page.body.decode()
    check(page.status == 200 and "Bill &lt;b&gt;" in text and "Invoice &lt;i&gt;" in text and "<i>number" not in text, "the form, escaped: %r" % page)
    check("Diagnosis" not in text and "Internal" not in text and "Not on the form" not in text, "what is not for the portal is not asked for")
    check(re.search(r'<div class="field" hidden[^>]*>(?:(?!</div>).)*name="f%d"[^>]* disabled' % number, text) is not None, "what a choice brings waits, disabled")
    check(me.get("/help/ask/99999").status == 404, "no such form")
    url = "/help/ask/%d" % bills
    count = lambda: admin.get("/api/v2/tickets/count.json").json["count"]["value"]
    n = count()

    def send(fields, files=(), client=me, token=None):
        return client.call("POST", url, **form([("csrf", token or mine)] + fields, files))

    base = [("subject", "A question"), ("text", "Please look at it.")]
    r = send(base + [("asked", topic), ("f%d" % topic, "")])
    check(r.status == 422 and b"Topic: is required" in r.body and b"Please look at it." in r.body, "what is required is said, what was typed stays: %r" % r)
    r = send(base + [("asked", topic), ("f%d" % topic, "bill")])
    check(r.status == 422 and b"asks for a little more" in r.body and re.search(rb'name="f%d"[^>]* required' % number, r.body) and b'value="bill" selected' in r.body, "a choice brings more before anything is sent: %r" % r)
    r = send(base + [("f%d" % topic, "bill"), ("step", "fields")])
    check(r.status == 200 and b"asks for a little more" in r.body, "the button does the same: %r" % r)
    r = send(base + [("asked", topic), ("asked", number), ("asked", proof), ("f%d" % topic, "bill"), ("f%d" % number, "")])
    check(r.status == 422 and b"Invoice &lt;i&gt;number&lt;/i&gt;: is required" in r.body, "and it is required: %r" % r)
    check(count() == n, "nothing was made by what was not finished")
    r = send(base + [("asked", topic), ("asked", number), ("asked", proof), ("f%d" % topic, "bill"), ("f%d" % number, "A-17"), ("f%d" % proof, "1"), ("f%d" % days, "5"), ("f%d" % secret, "gout"),
                     ("f%d" % hidden, "x"), ("f%d" % stray, "y"), ("f999", "z"), ("priority", "urgent"), ("status", "solved"), ("tags", "vip")],
             [("file", "paper \u00fc.txt", "text/plain", b"the paper"), ("file", "", "application/octet-stream", b"")])
    check(r.status == 303, "sent: %r" % r)
    t = admin.get("/api/v2/tickets/%s.json" % r.headers["Location"].rsplit("/", 1)[1].split("?")[0]).json["ticket"]
    values = {f["id"]: f["value"] for f in t["custom_fields"] if f["value"] not in (None, False, "")}
    check(values == {topic: "bill", number: "A-17", proof: True}, "only what the form asked for is kept: %r" % values)
    check(t["ticket_form_id"] == bills and t["priority"] is None and t["status"] in ("new", "open") and "vip" not in t["tags"] and t["requester_id"] == nadia, "and nothing else: %r" % t)
    c = admin.get("/api/v2/tickets/%d/comments.json" % t["id"]).json["comments"][0]
    check([a["file_name"] for a in c["attachments"]] == ["paper \u00fc.txt"], "with its attachment: %r" % c["attachments"])
    r = me.get("/help/requests/%d" % t["id"])
    where = re.search(rb"/api/v2/attachments/\d+/content", r.body).group(0).decode()
    check(me.get(where).body == b"the paper" and otto.get(where).status in (401, 403, 404), "which they can read, and others not")
    # Too many files, a body that is no form.
    r = send(base + [("f%d" % topic, "refill"), ("asked", days)], [("file", "%d.txt" % i, "text/plain", b"x") for i in range(6)])
    check(r.status == 422 and b"Attachments: are too large or too many" in r.body, "six files: %r" % r)
    r = me.call("POST", url, raw=b"--x\r\ngarbage", headers={"Content-Type": "multipart/form-data; boundary=x"})
    check(r.status == 400, "a body that is none: %r" % r)
    # What identifies a person, where lists and notices show it.
    n = count()
    good = [("asked", days), ("f%d" % topic, "refill"), ("f%d" % days, "5")]
    r = send([("subject", "My MRN is 00482913"), ("text", "Born 03/14/1968.")] + good)
    check(r.status == 422 and b"a medical record number" in r.body and b'name="sure"' in r.body and count() == n, "a warning first: %r" % r)
    check(b"a date" not in re.search(rb'id="phi".*?</div>', r.body, re.S).group(0), "the message may say it")
    r = send([("subject", "Refill"), ("text", "Please.")] + [("asked", topic), ("asked", number), ("asked", proof), ("f%d" % topic, "bill"), ("f%d" % number, "call (312) 555-0148")])
    check(r.status == 422 and b"a phone number" in r.body and b"Invoice &lt;i&gt;" in r.body and count() == n, "in a field as well: %r" % r)
    r = send([("subject", "My MRN is 00482913"), ("text", "Born 03/14/1968."), ("sure", "1")] + good)
    check(r.status == 303 and count() == n + 1, "it is theirs to say: %r" % r)
    # A conversation: a reply with a file; another's is none.
    r = me.call("POST", "/help/requests/%d/reply" % t["id"], **form([("csrf", mine), ("text", "And this.")], [("file", "more.txt", "text/plain", b"more")]))
    check(r.status == 303, "a reply with a file: %r" % r)
    check(otto.call("POST", "/help/requests/%d/reply" % t["id"], **form([("csrf", his), ("text", "mine?")])).status == 404, "not by another")

    # ---- how it was
    ca = Authority(os.path.join(desk.dir, "ca"))
    relay = Relay(ca.sign("localhost", "DNS:localhost"))
    admin.put("/api/ward/v1/mail", {"mail": {"host": "localhost", "port": relay.port, "from": "help@clinic.example", "ca_pem": ca.pem(), "retry_seconds": 1}})
    admin.post("/api/ward/v1/destinations", {"destination": {"kind": "recipient", "pattern": "*", "content": True}})
    mails = lambda: [quopri.decodestring(m["data"]).decode(errors="replace") for m in list(relay.got)]
    rates = lambda: [m for m in mails() if "/help/rate/" in m]
    check(me.get("/help/requests/%d/rate" % t["id"]).status == 404, "what is not solved is not rated")
    admin.put("/api/v2/tickets/%d.json" % t["id"], {"ticket": {"status": "solved"}})
    check(not until(lambda: rates(), 1), "no mail unless it is switched on")
    r = admin.put("/api/v2/account/settings.json", {"settings": {"active_features": {"customer_satisfaction_survey": True}}})
    check(r.status == 200 and r.json["settings"]["active_features"]["customer_satisfaction_survey"] is True, "switched on: %r" % r)
    admin.put("/api/v2/tickets/%d.json" % t["id"], {"ticket": {"status": "open"}})
    admin.put("/api/v2/tickets/%d.json" % t["id"], {"ticket": {"status": "solved"}})
    check(until(lambda: rates(), 10 * SLOW), "a mail asks how it was")
    m = rates()[0]
    check("A question" not in m and "paper" not in m and "bill" not in m.lower(), "and says nothing of it: %s" % m)
    link = re.search(r"/help/rate/\S+", m).group(0)
    web = Client(desk)
    page = web.get(link)
    check(page.status == 200 and b"A question" not in page.body and b"Nadia" not in page.body and b'value="good"' in page.body, "the page says its number only: %r" % page)
    check(admin.get("/api/v2/satisfaction_ratings.json").json["count"] == 0, "looking at it rates nothing")
    check(web.call("POST", link, **plain()).status == 422, "a score is needed")
    r = web.call("POST", link, **plain(score="bad", reason="1000", comment="Born 03/14/1968, waited long <b>"))
    check(r.status == 200 and b"Thank you" in r.body, "rated: %r" % r)
    got = admin.get("/api/v2/satisfaction_ratings.json").json["satisfaction_ratings"]
    check(len(got) == 1 and got[0]["score"].startswith("bad") and got[0]["reason_code"] == 1000 and got[0]["comment"].endswith("<b>") and got[0]["requester_id"] == nadia, "it is a rating: %r" % got)
    for bad in (link[:-2] + "zz", link.replace("/rate/%d/" % t["id"], "/rate/%d/" % (t["id"] + 1))):
        check(web.get(bad).status == 404 and web.call("POST", bad, **plain(score="good")).status == 404, "a forged link rates nothing")
    token = link.rsplit("/", 1)[1]
    check(web.get(where + "?link=" + urllib.parse.quote(token)).status in (401, 403, 404), "the link opens nothing else")
    page = me.get("/help/requests/%d" % t["id"])
    check(b"/rate" in page.body, "signed in, the request offers it")
    check(otto.get("/help/requests/%d/rate" % t["id"]).status == 404 and otto.call("POST", "/help/requests/%d/rate" % t["id"], **plain(csrf=his, score="bad")).status == 404, "not to others")
    check(me.call("POST", "/help/requests/%d/rate" % t["id"], **plain(csrf="x", score="good")).status == 400, "a forged form")
    r = me.call("POST", "/help/requests/%d/rate" % t["id"], **plain(csrf=mine, score="good"))
    got = admin.get("/api/v2/satisfaction_ratings.json").json["satisfaction_ratings"]
    check(r.status == 200 and len(got) == 1 and got[0]["score"] == "good", "changed: %r" % got)
    admin.put("/api/v2/tickets/%d.json" % t["id"], {"ticket": {"status": "open"}})
    check(web.get(link).status == 404 and web.call("POST", link, **plain(score="bad")).status == 404, "over once it is open again")

    # ---- languages
    r = web.get("/help/sign-in", headers={"Accept-Language": "de, es;q=0.4, en;q=0.8"})
    check(b'lang="en"' in r.body and r.headers["Content-Language"] == "en", "the best of those spoken")
    r = web.get("/help/language/es?back=/help/sign-in", headers={})
    check(r.status == 303 and r.headers["Location"] == "/help/sign-in" and "ward_language=es" in r.headers["Set-Cookie"], "a choice: %r" % r)
    r = web.get("/help/sign-in", headers={"Cookie": "ward_language=es", "Accept-Language": "en"})
    check(b'<html lang="es" dir="ltr">' in r.body and b"Env\xc3\xadenme un enlace" in r.body, "which counts more")
    for back in ("https://evil.example", "//evil.example", "/help//evil.example", "/helpx", "/help/%0d%0aSet-Cookie:x", "/help/../admin"):
        check(web.get("/help/language/es?back=" + urllib.parse.quote(back)).headers["Location"] == "/help", "back to ours only: " + back)
    log = open(desk.log, errors="replace").read()
    check(token not in log and "03/14/1968" not in log and "00482913" not in log, "nothing of it in the log")
with Desk(start=False) as desk:
    # A form of one's own site: the API by nobody, where the desk allows it.
    body = lambda **f: {"request": dict(dict(subject="From the site", comment={"body": "words"}, requester={"name": "Vi Visitor", "email": "vi@patients.example"}), **f)}
    desk.start()
    check(Client(desk).post("/api/v2/requests.json", body()).status == 401, "shut unless it is opened")
    desk.stop()
    with open(os.path.join(desk.data, "ward.conf"), "a") as f:
        f.write("open_requests = on\n")
    desk.start()
    admin, nobody = desk.admin(), Client(desk)
    made = lambda **f: admin.post("/api/v2/ticket_fields.json", {"ticket_field": f}).json["ticket_field"]["id"]
    seen, hidden = made(type="text", title="Room", visible_in_portal=True, editable_in_portal=True), made(type="text", title="Staff's")
    phi = made(type="text", title="MRN", phi=True, phi_purpose="treatment")
    closed = admin.post("/api/v2/tickets.json", {"ticket": {"subject": "s", "comment": {"body": "b"}, "tags": ["inside"], "status": "closed"}}).json["ticket"]["id"]
    staff_form = admin.post("/api/v2/ticket_forms.json", {"ticket_form": {"name": "Staff only", "end_user_visible": False, "ticket_field_ids": [1, 2]}}).json["ticket_form"]["id"]
    r = nobody.post("/api/v2/requests.json", body(comment={"body": "words", "author_id": 1, "public": False}, tags=["t"], status="solved", assignee_id=1, group_id=1, submitter_id=1, external_id="x",
        email_ccs=[{"user_email": "else@patients.example"}], followers=[{"user_id": 1}], via_followup_source_id=closed, custom_fields=[{"id": seen, "value": "7"}, {"id": hidden, "value": "h"}, {"id": phi, "value": "M"}]))
    check(r.status == 201, "asked: %r" % r)
    t = admin.get("/api/v2/tickets/%d.json?include=last_audits" % r.json["request"]["id"]).json
    audit, t = t["last_audits"][0], t["ticket"]
    vi = t["requester_id"]
    check(audit["author_id"] == vi and audit["events"][0]["author_id"] == vi and audit["events"][0]["public"] is True and t["submitter_id"] == vi, "in nobody else's name: %r" % audit)
    check([t[k] for k in ("tags", "status", "assignee_id", "group_id", "external_id", "email_cc_ids", "follower_ids")] == [[], "new", None, None, None, [], []] and t["via"]["channel"] == "web", "and no more than an end user says: %r" % t)
    check({x["id"]: x["value"] for x in t["custom_fields"]} == {seen: "7", hidden: None, phi: None}, "fields of the portal only: %r" % t["custom_fields"])
    check(nobody.post("/api/v2/requests.json", body(ticket_form_id=staff_form)).status == 422, "a form of the portal only")
    r = nobody.post("/api/v2/requests.json", body(requester=None))
    check(r.status == 422 and "requester" in r.json["details"] and nobody.get("/api/v2/requests.json").status == 401, "and somebody who asks: %r" % r)

    # Anybody may type anybody's address: what is said in the name of staff, or of who has proven an address, says so.
    def doubted(ticket):
        c = admin.get("/api/v2/tickets/%d/comments.json" % ticket).json["comments"][0]
        a = admin.get("/api/v2/tickets/%d/audits.json" % ticket).json["audits"][0]
        check(c["metadata"] == a["metadata"], "comment and audit say the same: %s" % a)
        return c["author_id"], (c["metadata"].get("flags"), c["metadata"].get("flags_options"), c["metadata"].get("trusted"))
    NOT, WELL = ([3], {"3": {"trusted": False}}, False), (None, None, None)
    agent, hers = desk.person(admin, "Mara Agent", "mara@clinic.example", "agent")
    known, _ = desk.person(admin, "Kim Known", "kim@patients.example", verified=True)
    by = lambda name, email: nobody.post("/api/v2/requests.json", body(requester={"name": name, "email": email})).json["request"]["id"]
    check(doubted(by("Mara", "Mara@clinic.example")) == (agent, NOT), "an agent's address typed by nobody")
    check(doubted(by("Kim", "kim@patients.example")) == (known, NOT), "a patient's that was proven")
    check(doubted(t["id"]) == (vi, WELL) and doubted(by("Vi", "vi@patients.example")) == (vi, WELL), "who has proven nothing passes for nobody")
    r = nobody.call("POST", "/help/ask", **form([("asked", seen), ("subject", "Open the door"), ("text", "It is me."), ("name", "Mara"), ("email", "mara@clinic.example")]))
    last = admin.get("/api/v2/tickets.json?sort_by=id&sort_order=desc&per_page=1").json["tickets"][0]
    check(r.status == 201 and last["subject"] == "Open the door" and doubted(last["id"]) == (agent, NOT), "by the help centre, too: %r" % r)
    check(doubted(hers.post("/api/v2/requests.json", {"request": {"subject": "s", "comment": {"body": "mine"}}}).json["request"]["id"]) == (agent, WELL), "signed in it is hers")
    r = nobody.get("/api/v2/requests/%d.json" % last["id"])
    check(r.status == 401, "and nobody reads it: %r" % r)
    # Held by the policy and let through: the doubt stays.
    r = admin.post("/api/ward/v1/phi/policies", {"policy": {"why": "for this test", "rules": [{"kinds": ["SSN"], "places": "any", "channels": ["form"], "treatment": "hold", "min_score": 0}]}})
    check(r.status == 201 and admin.post("/api/ward/v1/phi/policies/%d/activate" % r.json["policy"]["version"], {}).status == 200, "a policy that holds: %r" % r)
    nobody.post("/api/v2/requests.json", body(comment={"body": "SSN 219-09-9999"}, requester={"name": "Mara", "email": "mara@clinic.example"}))
    held = admin.get("/api/v2/suspended_tickets.json").json["suspended_tickets"]
    check(len(held) == 1, "held: %r" % held)
    r = admin.put("/api/v2/suspended_tickets/%d/recover.json" % held[0]["id"])
    got = r.json.get("ticket") if r.status == 200 else None
    got = got[0] if isinstance(got, list) else got
    check(got is not None and doubted(got["id"]) == (agent, NOT), "let through, the doubt stays: %r" % r)
done("ask")
