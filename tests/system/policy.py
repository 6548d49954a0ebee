#!/usr/bin/env python3
"""The PHI policy: every treatment x every place x API and mail; versions; P1 and P6 for what is destroyed on arrival.

The value that is planted is a card number of its own for each case (Luhn-valid, invented), so that one search
through every byte of the data folder says which case left it behind.
"""
import base64, itertools, os, sys, time
from desk import Desk, Client, check, done

serial = itertools.count(1)


def card():
    """4 groups of four digits that nothing else here has, in the form most people type."""
    n = "49279%010d" % (next(serial) * 7919)
    for last in "0123456789":
        d = [int(c) for c in n + last]
        if sum(sum(divmod(v * 2, 10)) if i % 2 else v for i, v in enumerate(reversed(d))) % 10 == 0:
            n += last
            break
    return " ".join(n[i:i + 4] for i in range(0, 16, 4))


def forms(v):
    """As it may lie in a file: as typed, digits only, base64 at every phase."""
    plain = v.replace(" ", "")
    out = [v.encode(), plain.encode()]
    for t in (v, plain):
        for pad in range(3):
            out.append(base64.b64encode(b"\0" * pad + t.encode())[4 if pad else 0:-4])
    return out


PLACES = ("subject", "comment", "note", "custom_field", "attachment_name", "attachment_text")
gone, refused = [], []           # values that may be nowhere: destroyed on arrival, refused


def rule(kinds, treatment, places="any", channels="any", min_score=0):
    return dict(kinds=kinds, places=places, channels=channels, treatment=treatment, min_score=min_score)


def switch(c, rules, **more):
    r = c.post("/api/ward/v1/phi/policies", {"policy": dict(rules=rules, why="for this test", **more)})
    if not check(r.status == 201 and r.json["policy"]["state"] == "draft", "a draft is written: %r" % r):
        return None
    v = r.json["policy"]["version"]
    r = c.post("/api/ward/v1/phi/policies/%d/activate" % v, {})
    check(r.status == 200 and r.json["policy"]["state"] == "in_force", "it is switched on: %r" % r)
    return v


def by_api(desk, c, place, v):
    """Sends the value to a place; what came back, and the ticket as it is then ("" when there is none)."""
    t = {"subject": "A question", "comment": {"body": "hello there", "public": place != "note"}}
    if place == "subject":
        t["subject"] = "about %s please" % v
    elif place in ("comment", "note"):
        t["comment"]["body"] = "my card is %s please" % v
    elif place == "custom_field":
        t["custom_fields"] = [{"id": FIELD, "value": "card %s" % v}]
    else:
        name, data = ("card %s.txt" % v, b"x") if place == "attachment_name" else ("a.txt", b"the card %s here" % v.encode())
        u = c.call("POST", "/api/v2/uploads.json?filename=" + name.replace(" ", "%20"), raw=data, headers={"Content-Type": "text/plain"})
        if u.status != 201:
            return u, ""
        t["comment"]["uploads"] = [u.json["upload"]["token"]]
    r = c.post("/api/v2/tickets.json", {"ticket": t})
    return r, shown(c, r.json["ticket"]["id"]) if r.status == 201 else ""


def by_mail(desk, c, place, v, head=""):
    subject, text, name, data = "A question", "hello there", "a.txt", "x"
    if place == "subject":
        subject = "about %s please" % v
    elif place == "comment":
        text = "my card is %s please" % v
    elif place == "attachment_name":
        name = "card %s.txt" % v
    elif place == "attachment_text":
        data = "the card %s here" % v
    m = ("From: Pat Example <pat@patients.example>\nTo: help@clinic.example\nMessage-ID: <m%d@mail.example>\n%sSubject: %s\n"
         "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/alternative; boundary=c\n\n"
         "--c\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n%s\n--c\nContent-Type: text/html\n\n"
         "<p>%s</p>\n--c--\n--b\nContent-Type: text/plain; name=\"%s\"\nContent-Disposition: attachment; filename=\"%s\"\n"
         "Content-Transfer-Encoding: base64\n\n%s\n--b--\n" % (next(serial), head, subject, base64.b64encode(text.encode()).decode(), text,
                                                               name, name, base64.b64encode(data.encode()).decode())).encode()
    r = desk.deliver(m, "-v")
    word = r.stdout.decode().split()
    return r, word, shown(c, int(word[-1])) if word[:1] == ["ticket"] else ""


def shown(c, tid):
    """All that an administrator can read of a ticket, files too."""
    out = b"".join(c.get("/api/v2/tickets/%d%s" % (tid, p)).body for p in (".json", "/comments.json", "/audits.json"))
    for m in c.get("/api/v2/tickets/%d/comments.json" % tid).json["comments"]:
        for a in m["attachments"]:
            out += c.get("/api/v2/attachments/%d/content" % a["id"]).body
    return out.decode()


def last_suspended(c):
    return c.get("/api/v2/suspended_tickets.json").json["suspended_tickets"][-1]


def api_case(desk, c, treatment, place):
    v, name = card(), "%s x %s by API" % (treatment, place)
    r, text = by_api(desk, c, place, v)
    if treatment == "keep":
        check(r.status == 201 and v in text, "%s: it is there: %r" % (name, r))
    elif treatment == "redact":
        check(r.status == 201 and v not in text and "[CARD]" in text, "%s: a label stands for it: %r" % (name, r))
        gone.append((name, v))
    elif treatment == "move":
        if place != "subject":
            check(r.status == 201 and v in text, "%s: only subjects are moved: %r" % (name, r))
            return
        t = r.json["ticket"]
        check(t["subject"] == "about [CARD] please", "%s: a redacted subject stays: %r" % (name, t["subject"]))
        check(t["description"].startswith("Subject: about %s please\n\n" % v), "%s: the line is in the comment: %r" % (name, t["description"]))
        f = c.get("/api/ward/v1/tickets/%d/findings" % t["id"]).json["comments"][0]["findings"]
        check(any(t["description"].encode()[x["start"]:x["end"]].decode() == v for x in f), "%s: its finding stands where it is: %r" % (name, f))
    elif treatment == "hold":
        check(r.status == 202 and v not in r.body.decode(), "%s: it is held: %r" % (name, r))
        s = last_suspended(c)
        check(s["id"] == r.json["suspended_ticket"]["id"] and "policy" in s["cause"], "%s: with its cause: %r" % (name, s["cause"]))
        r = c.put("/api/v2/suspended_tickets/%d/recover.json" % s["id"])
        check(r.status == 200 and v in shown(c, r.json["ticket"]["id"]), "%s: a person lets it in, as it was: %r" % (name, r))
        check(c.get("/api/v2/suspended_tickets/%d.json" % s["id"]).status == 404, "%s: then it waits no more" % name)
    else:
        check(r.status == 422 and v not in r.body.decode() and "CARD" in r.body.decode(), "%s: refused, kind named, not quoted: %r" % (name, r))
        field = {"subject": "subject", "comment": "comment", "note": "comment", "custom_field": "custom_fields.%d" % FIELD,
                 "attachment_name": "attachment", "attachment_text": "attachment_text"}[place]
        check([d["error"] for d in r.json["details"].get(field, [])] == ["PolicyBlocked"], "%s: the field is named: %r" % (name, r))
        refused.append((name, v))


def mail_case(desk, c, treatment, place):
    v, name = card(), "%s x %s by mail" % (treatment, place)
    r, word, text = by_mail(desk, c, place, v)
    if treatment == "keep" or (treatment == "move" and place != "subject"):
        check(word[:1] == ["ticket"] and v in text, "%s: it is there: %r" % (name, r))
    elif treatment == "redact":
        check(word[:1] == ["ticket"] and v not in text and "[CARD]" in text, "%s: a label stands for it: %r" % (name, r))
        gone.append((name, v))
    elif treatment == "move":
        t = c.get("/api/v2/tickets/%s.json" % word[-1]).json["ticket"]
        check(t["subject"] == "about [CARD] please" and t["description"].startswith("Subject: about %s please" % v), "%s: moved: %r" % (name, t))
    elif treatment == "hold":
        check(word[:1] == ["suspended"], "%s: it is held: %r" % (name, r))
        s = last_suspended(c)
        check("policy" in s["cause"], "%s: with its cause: %r" % (name, s["cause"]))
        r = c.put("/api/v2/suspended_tickets/%d/recover.json" % s["id"])
        check(r.status == 200 and v in shown(c, r.json["ticket"]["id"]), "%s: a person lets it in: %r" % (name, r))
    else:
        check(r.returncode == 65, "%s: a permanent failure: %r" % (name, r))
        check(v.encode() not in r.stderr and b"CARD" in r.stderr and b"5.7.1" in r.stderr, "%s: told without quoting: %r" % (name, r.stderr))
        refused.append((name, v))


with Desk() as desk:
    c = desk.admin()
    # What a new desk has.
    d = c.get("/api/ward/v1/phi/policy").json["policy"]
    check(d["version"] == 0 and d["state"] == "in_force" and d["rules"][0]["treatment"] == "redact", "the defaults are in force: %r" % d)
    check({"SSN", "CARD", "PASSWORD"} == set(d["rules"][0]["kinds"]) and d["rules"][2] == rule(["URL", "OTHERID"], "move", ["subject"], "any", 85), "and say what they say")
    t = c.post("/api/v2/tickets.json", {"ticket": {"subject": "Refill for Jane Zimmermann", "comment": {
        "body": "SSN 219-09-9999, the password: Tiger42! and I was born 03/14/1962"}}}).json["ticket"]
    check(t["subject"] == "Refill for [NAME]", "a name is moved out of a subject: %r" % t["subject"])
    check(t["description"] == "Subject: Refill for Jane Zimmermann\n\nSSN [SSN], the [PASSWORD] and I was born 03/14/1962", "number and password are destroyed: %r" % t["description"])
    u = c.put("/api/v2/tickets/%d.json" % t["id"], {"ticket": {"subject": "Call Jane Zimmermann back"}}).json["ticket"]
    notes = c.get("/api/v2/tickets/%d/comments.json" % t["id"]).json["comments"]
    check(u["subject"] == "Call [NAME] back" and notes[-1]["body"] == "Subject: Call Jane Zimmermann back" and not notes[-1]["public"], "a changed subject leaves a note: %r" % notes[-1])
    t = c.post("/api/v2/tickets.json", {"ticket": {"comment": {"body": "Jane Zimmermann wants her results"}}}).json["ticket"]
    check("Zimmermann" not in t["subject"] and "Zimmermann" in t["description"], "a subject made of the body is looked at too: %r" % t["subject"])
    k = c.get("/api/ward/v1/phi/kinds").json
    check(len(k["kinds"]) == 22 and "CARD" in [x["name"] for x in k["kinds"]] and len(k["treatments"]) == 5, "the lists of words are there")

    FIELD = c.post("/api/v2/ticket_fields.json", {"ticket_field": {"type": "text", "title": "Free text"}}).json["ticket_field"]["id"]
    # Every treatment, every place, both ways in.
    for treatment in ("keep", "redact", "move", "hold", "block"):
        for place in PLACES:
            if treatment == "move" and place != "subject":
                r = c.post("/api/ward/v1/phi/policies", {"policy": {"why": "x", "rules": [rule(["CARD"], "move", [place])]}})
                check(r.status == 422, "move is for subjects only: %r" % r)
                continue
            switch(c, [rule(["CARD"], treatment, [place])])
            api_case(desk, c, treatment, place)
            if place not in ("note", "custom_field"):
                mail_case(desk, c, treatment, place)

    # Channels, scores, order.
    switch(c, [rule(["CARD"], "keep", "any", ["email"]), rule(["CARD"], "redact")], style="mask")
    v = card()
    check("X" * 19 in by_api(desk, c, "comment", v)[1], "another channel has its own rule, and a mask has the same length")
    gone.append(("mask", v))
    v = card()
    check(v in by_mail(desk, c, "comment", v)[2], "the first rule that fits counts")

    # Destroyed on arrival: in mails that become no ticket, and in the queue of a bulk job, too.
    switch(c, [rule(["CARD"], "redact")])
    for what, head in (("an automatic answer", "Auto-Submitted: auto-replied\n"), ("a bulk mail", "Precedence: bulk\nList-Id: <l.example>\n")):
        for place in ("comment", "attachment_text"):
            v = card()
            r, word, _ = by_mail(desk, c, place, v, head)
            check(word[:1] == ["suspended"], "%s is suspended: %r" % (what, r))
            gone.append((what + " " + place, v))
            s = last_suspended(c)
            check(v not in s["content"], "%s: its text is shown without: %r" % (what, s["content"]))
            r = c.put("/api/v2/suspended_tickets/%d/recover.json" % s["id"])
            text = shown(c, r.json["ticket"]["id"]) if r.status == 200 else ""
            check("[CARD]" in text and v not in text, "%s: and recovered without, files and all: %r" % (what, r))
    v = card()
    check(desk.deliver(b"no message at all " + v.encode()).returncode == 0, "bytes that are no message are kept")
    gone.append(("no message", v))
    v = card()
    r = c.post("/api/v2/tickets/create_many.json", {"tickets": [{"subject": "bulk", "comment": {"body": "card " + v}}] * 2})
    check(r.status == 200, "a bulk job is queued: %r" % r)
    gone.append(("bulk job", v))
    v = card()
    r = c.post("/api/v2/tickets.json", {"ticket": {"subject": "s", "comment": {"body": "card " + v}}}, headers={"Idempotency-Key": "k1"})
    check(r.status == 201 and v not in r.body.decode(), "an idempotent answer is kept without it")
    gone.append(("idempotency", v))
    # The thread of a redacted mail still works: its row is there, its bytes are another message.
    m = c.get("/api/v2/tickets.json?sort=-id&page[size]=1").json

    # Held inside a bulk job and behind an idempotency key.
    switch(c, [rule(["CARD"], "hold")])
    n = c.get("/api/v2/suspended_tickets.json").json["count"]
    r = c.post("/api/v2/tickets.json", {"ticket": {"subject": "s", "comment": {"body": "card " + card()}}}, headers={"Idempotency-Key": "k2"})
    check(r.status == 202, "held behind an idempotency key: %r" % r)
    r = c.post("/api/v2/tickets/create_many.json", {"tickets": [{"subject": "bulk", "comment": {"body": "card " + card()}}, {"subject": "bulk", "comment": {"body": "nothing"}}]})
    uid, end = r.json["job_status"]["id"], time.time() + 20
    while c.get("/api/v2/job_statuses/%s.json" % uid).json["job_status"]["status"] not in ("completed", "failed") and time.time() < end:
        time.sleep(0.05)
    res = c.get("/api/v2/job_statuses/%s.json" % uid).json["job_status"]["results"]
    check(res[0].get("status") == "Suspended" and c.get("/api/v2/suspended_tickets/%d.json" % res[0].get("suspended_ticket_id", 0)).status == 200 and res[1]["success"], "held in a bulk job, each by itself: %r" % res)
    n += 1
    two = [c.post("/api/v2/tickets.json", {"ticket": {"subject": "m", "comment": {"body": "m"}}}).json["ticket"]["id"] for _ in range(2)]
    r = c.post("/api/v2/tickets/%d/merge.json" % two[0], {"ids": [two[1]], "target_comment": "card " + card(), "source_comment": "x"})
    uid = r.json.get("job_status", {}).get("id")
    while uid and c.get("/api/v2/job_statuses/%s.json" % uid).json["job_status"]["status"] not in ("completed", "failed") and time.time() < end:
        time.sleep(0.05)
    check(c.get("/api/v2/tickets/%d.json" % two[1]).json["ticket"]["status"] != "closed", "where nothing can wait, it is refused: %r" % r)
    end, ec = desk.person(c, "Eva Endling", "eva@patients.example")
    r = ec.post("/api/v2/requests.json", {"request": {"subject": "s", "comment": {"body": "card " + card()}}})
    check(r.status == 202, "an end user's request is held: %r" % r)
    sid = r.json["suspended_ticket"]["id"]
    check(ec.get("/api/v2/suspended_tickets/%d.json" % sid).status == 403, "she cannot let it in herself")
    aid, ac = desk.person(c, "Ann Agent", "ann@clinic.example", "agent")
    c.put("/api/ward/v1/phi/users/%d" % aid, {"setting": False})
    check(ac.put("/api/v2/suspended_tickets/%d/recover.json" % sid).status == 403, "nor can an agent who may not see PHI")
    r = c.put("/api/v2/suspended_tickets/%d/recover.json" % sid)
    check(r.status == 200 and r.json["ticket"]["requester_id"] == end, "let in, it is hers: %r" % r)
    check(c.get("/api/v2/suspended_tickets.json").json["count"] == n + 1, "the others wait")
    r = c.delete("/api/v2/suspended_tickets/%d.json" % (sid - 1))
    check(r.status == 204, "or are thrown away: %r" % r)

    # Versions: who, when, why; drafts; two administrators at once; wrong input all at once.
    v1 = c.get("/api/ward/v1/phi/policy").json["policy"]
    check(v1["author_id"] and v1["activated_at"] and v1["why"] == "for this test", "a version says who, when and why")
    r = c.post("/api/ward/v1/phi/policies", {"policy": {"rules": [{"kinds": ["NOSE"], "treatment": "keep"}, {"treatment": "eat"}, {"treatment": "keep", "places": ["moon"]}], "why": ""}})
    check(r.status == 422 and {"rules.0", "rules.1", "rules.2"} <= set(r.json["details"]), "all wrong fields in one answer: %r" % r)
    r = c.post("/api/ward/v1/phi/policies", {"policy": {"rules": [], "why": "x", "colour": "red"}})
    check(r.status == 422, "unknown members are refused: %r" % r)
    r = c.post("/api/ward/v1/phi/policies", {"policy": {"rules": [], "why": "nothing is done"}})
    draft = r.json["policy"]["version"]
    check(c.post("/api/ward/v1/phi/policies/%d/activate" % draft, {"expected": v1["version"] - 1}).status == 409, "a stale look does not switch")
    check(c.post("/api/ward/v1/phi/policies/%d/activate" % draft, {"expected": v1["version"]}).status == 200, "a fresh one does")
    check(c.get("/api/ward/v1/phi/policies/%d" % v1["version"]).json["policy"]["state"] == "past", "the one before is past")
    check(c.delete("/api/ward/v1/phi/policies/%d" % v1["version"]).status == 409, "and stays on record")
    other = c.post("/api/ward/v1/phi/policies", {"policy": {"rules": [], "why": "a draft"}}).json["policy"]["version"]
    check(c.delete("/api/ward/v1/phi/policies/%d" % other).status == 204 and c.get("/api/ward/v1/phi/policies/%d" % other).status == 404, "a draft can go")
    for method, path in (("GET", "policy"), ("GET", "policies"), ("POST", "policies"), ("POST", "policies/%d/activate" % draft)):
        check(ac.call(method, "/api/ward/v1/phi/" + path, body={} if method == "POST" else None).status == 403, "%s %s is for administrators" % (method, path))
    log = c.get("/api/v2/audit_logs.json?filter[source_type]=phi_policy").json["audit_logs"]
    check({"phi_policy.draft", "phi_policy.activate"} <= {e["ward_action"] for e in log}, "each change is in the trail")
    check(any("for this test" in e["change_description"] for e in log) and any("redact CARD" in e["change_description"] for e in log), "with rules and reason")
    # An allowed value is no finding at all.
    switch(c, [rule("any", "redact")], allow=["help@clinic.example"])
    text = c.post("/api/v2/tickets.json", {"ticket": {"subject": "s", "comment": {"body": "write to help@clinic.example or joe@patients.example"}}}).json["ticket"]["description"]
    check("help@clinic.example" in text and "joe@" not in text, "the desk's own address is allowed: %r" % text)
    check(c.post("/api/ward/v1/phi/policy/defaults/activate", {}).json["policy"]["version"] == 0, "the defaults can be had again")

    # A restart knows what is in force.
    now = switch(c, [rule(["SSN"], "block")])
    desk.kill()
    desk.start()
    c = desk.admin()
    check(c.get("/api/ward/v1/phi/policy").json["policy"]["version"] == now, "a restart keeps the policy")
    check(c.post("/api/v2/tickets.json", {"ticket": {"comment": {"body": "SSN 219-09-9999"}}}).status == 422, "and what it says")
    check(desk.ward("trail", "verify").returncode == 0, "the trail verifies")
    desk.stop()

    # Nothing of what was destroyed or refused is anywhere, as it was typed or encoded; raw mail included.
    blobs = [(os.path.basename(p), open(p, "rb").read()) for p in desk.files()] + [("the log", open(desk.log, "rb").read())]
    for name, value in gone + refused:
        for f in forms(value):
            check(not any(f in data for _, data in blobs), "%s: its bytes are on the disk" % name)
    # And not sealed either: the database is opened with its keys, by its own program.
    desk.start()
    c = desk.admin()
    everything = b"".join(c.get("/api/v2/" + p).body for p in ("suspended_tickets.json", "incremental/tickets/cursor.json?start_time=0"))
    for name, value in gone + refused:
        check(value.encode() not in everything, "%s: it can still be read" % name)
    print("%d destroyed, %d refused" % (len(gone), len(refused)))
done("policy")
