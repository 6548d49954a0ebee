#!/usr/bin/env python3
"""Who sees PHI: masked everywhere for those who may not, unmasking with a purpose, redaction of a finding, a span, a comment."""
import urllib.parse
from desk import Desk, Client, check, done

NAME, SSN, PHONE, MAIL = "Zorander", "219-09-9999", "(212) 555-0187", "quill@patients.example"
VALUES = [v.encode() for v in (NAME, NAME.lower(), SSN, PHONE, MAIL)]

with Desk() as desk:
    c = desk.admin()
    desk.keep_all(c)
    who, quill = desk.person(c, "Quill " + NAME, MAIL, phone=PHONE)
    aid, agent = desk.person(c, "Ana Agent", "ana@clinic.example", "agent")
    bid, boss = desk.person(c, "Bo Boss", "bo@clinic.example", "admin")
    field = c.post("/api/v2/ticket_fields.json", {"ticket_field": {"type": "text", "title": "Free text"}}).json["ticket_field"]["id"]
    up = c.call("POST", "/api/v2/uploads.json?filename=%s.txt" % NAME, raw=b"he is Quill Zorander, SSN 219-09-9999", headers={"Content-Type": "text/plain"}).json["upload"]
    clean = c.call("POST", "/api/v2/uploads.json?filename=b.txt", raw=b"nothing at all in here", headers={"Content-Type": "text/plain"}).json["upload"]
    image = c.call("POST", "/api/v2/uploads.json?filename=c.png", raw=b"\x89PNG\x00", headers={"Content-Type": "image/png"}).json["upload"]
    t = c.post("/api/v2/tickets.json", {"ticket": {
        "requester_id": who, "subject": "Quill %s asks" % NAME, "tags": [NAME.lower()], "external_id": "mrn %s" % SSN,
        "custom_fields": [{"id": field, "value": "call " + PHONE}],
        "comment": {"body": "My SSN is %s, says %s. Reach me at %s or %s" % (SSN, NAME, PHONE, MAIL), "uploads": [up["token"], clean["token"], image["token"]]}}}).json["ticket"]["id"]
    note = c.put("/api/v2/tickets/%d.json" % t, {"ticket": {"comment": {"body": "%s said %s again, not 2190999991" % (NAME, SSN), "public": False}}})
    desk.deliver(("From: Quill %s <%s>\nTo: help@clinic.example\nAuto-Submitted: auto-replied\nMessage-ID: <s@x>\nSubject: I am %s\n\nSSN %s\n" % (NAME, MAIL, NAME, SSN)).encode())
    pages = ["tickets/%d.json?include=users" % t, "tickets/%d/comments.json?include=users" % t, "tickets/%d/audits.json" % t, "tickets.json?include=users",
             "search.json?query=" + urllib.parse.quote("type:ticket asks"), "search.json?query=type:user", "requests/%d.json" % t, "requests/%d/comments.json" % t,
             "tickets/%d/tags.json" % t, "users/%d.json" % who, "users.json", "suspended_tickets.json", "attachments/%d.json" % up["attachment"]["id"]]
    macro = c.post("/api/v2/macros.json", {"macro": {"title": "m", "actions": [{"field": "subject", "value": "Re: {{ticket.title}}"}, {"field": "comment_value",
                   "value": "Dear {{ticket.requester.first_name}} {{ticket.requester.last_name}} ({{ticket.requester.email}}, {{ticket.requester.phone}}): {{ticket.title}} {{ticket.tags}} {{ticket.comments_formatted}}"}]}}).json["macro"]["id"]
    unsolved = [v["id"] for v in c.get("/api/v2/views.json").json["views"] if v["title"] == "All unsolved tickets"][0]
    pages += ["tickets/%d/macros/%d/apply.json" % (t, macro), "views/%d/execute.json" % unsolved, "views/%d/tickets.json?include=users" % unsolved]
    admin_pages = ["incremental/tickets/cursor.json?start_time=0", "incremental/users/cursor.json?start_time=0", "audit_logs.json?page[size]=100"]
    mine = ["/api/v2/requests/%d.json" % t, "/api/v2/requests/%d/comments.json" % t]

    # By default agents and administrators see, and so does everybody what is theirs.
    for client, what in ((c, "an administrator"), (agent, "an agent"), (quill, "the requester")):
        r = client.get("/api/v2/requests/%d/comments.json" % t)
        check(SSN.encode() in r.body, "%s sees the text: %r" % (what, r))
    check(c.get("/api/ward/v1/phi/users/%d" % aid).json == {"user_id": aid, "sees_phi": True, "setting": None}, "by the role")
    check(c.put("/api/ward/v1/phi/users/%d" % aid, {"setting": "no"}).status == 422, "a setting is true, false or null")
    check(c.get("/api/ward/v1/phi/users/%d" % who).status == 404, "of staff only")
    check(agent.put("/api/ward/v1/phi/users/%d" % aid, {"setting": True}).status == 403, "no agent gives it to himself")

    # Taken away, at once, from an agent and from an administrator.
    for uid in (aid, bid):
        check(c.put("/api/ward/v1/phi/users/%d" % uid, {"setting": False}).json["sees_phi"] is False, "it is taken away")
    for client, paths, what in ((agent, pages, "agent"), (boss, pages + admin_pages, "administrator")):
        for p in paths:
            r = client.get("/api/v2/" + p)
            check(r.status == 200, "%s gets %s: %r" % (what, p, r))
            r.json                                  # it is still JSON
            for v in VALUES:
                check(v not in r.body, "%s is shown %s in %s: %s" % (what, v, p, r.body[max(0, r.body.find(v) - 80):][:200]))
    r = agent.get("/api/v2/tickets/%d.json" % t).json["ticket"]
    check(r["subject"] == "[NAME] asks" and "[SSN]" in r["description"] and r["tags"] == ["[NAME]"] and r["custom_fields"][-1]["value"] == "call [PHONE]", "labels stand for what is masked: %r" % r)
    u = {x["id"]: x for x in agent.get("/api/v2/users.json").json["users"]}
    check(u[who]["name"] == "[NAME]" and u[who]["email"] == "[EMAIL]" and u[aid]["name"] == "Ana Agent" and u[bid]["email"] == "bo@clinic.example", "patients are masked, staff are not: %r" % u[who])
    check(agent.get("/api/v2/users/me.json").json["user"]["name"] == "Ana Agent", "oneself neither")
    for f, status in ((up, 403), (clean, 200), (image, 403)):
        r = agent.get("/api/v2/attachments/%d/content" % f["attachment"]["id"])
        check(r.status == status and SSN.encode() not in r.body, "a file only when it was scanned and is clean: %r" % r)
    f = agent.get("/api/ward/v1/tickets/%d/findings" % t)
    check(f.status == 200 and f.json["masked"] and not any(v in f.body for v in VALUES), "findings without values: %r" % f)
    check({x["kind"] for x in f.json["comments"][0]["findings"]} >= {"SSN", "NAME", "PHONE", "EMAIL"}, "with their kinds: %r" % f.json["comments"][0])
    check(sorted(a["scan"] for a in f.json["comments"][0]["attachments"]) == ["not_text", "scanned", "scanned"], "and what could not be scanned: %r" % f.json["comments"][0]["attachments"])
    check(SSN.encode() in quill.get(mine[1][7:].replace("/v2", "/api/v2") if False else mine[1]).body, "the requester still sees their own")
    # An idempotent answer is masked as well.
    k = {"Idempotency-Key": "again"}
    body = {"ticket": {"subject": "s", "comment": {"body": "SSN " + SSN}}}
    agent.post("/api/v2/tickets.json", body, headers=k)
    check(SSN.encode() not in agent.post("/api/v2/tickets.json", body, headers=k).body, "the kept answer is masked")

    # Unmasking: with a purpose, on record, of one ticket.
    check(agent.post("/api/ward/v1/tickets/%d/unmask" % t, {}).status == 422, "a purpose is needed")
    check(agent.post("/api/ward/v1/tickets/%d/unmask" % t, {"purpose": "call back", "x": 1}).status == 422, "and nothing else is known")
    check(agent.post("/api/ward/v1/tickets/999999/unmask", {"purpose": "call back"}).status == 404, "of a ticket that is there")
    check(quill.post("/api/ward/v1/tickets/%d/unmask" % t, {"purpose": "call back"}).status == 403, "not for end users")
    r = agent.post("/api/ward/v1/tickets/%d/unmask" % t, {"purpose": "to call her back about the refill"})
    check(r.status == 200 and SSN in r.json["comments"][0]["body"] and NAME in r.json["ticket"]["subject"], "then the clear text comes: %r" % r)
    check(SSN.encode() not in agent.get("/api/v2/tickets/%d/comments.json" % t).body, "once only")
    log = c.get("/api/v2/audit_logs.json?filter[source_type]=ticket&filter[source_id]=%d" % t).json["audit_logs"]
    check(any(e["ward_action"] == "ticket.unmask" and "about the refill" in e["change_description"] and e["actor_id"] == aid for e in log), "who and what for is in the trail")
    looks = c.get("/api/v2/access_logs.json?filter[user_id]=%d" % aid).json["access_logs"]
    check(any(e["summary"].startswith("unmasked:") and e["object_ids"] == [t] for e in looks), "and is an access event")
    c.put("/api/ward/v1/phi/users/%d" % aid, {"setting": None})
    check(SSN.encode() in agent.get("/api/v2/tickets/%d/comments.json" % t).body, "given back, at once")
    for on in (False, True):
        r = c.put("/api/v2/account/settings.json", {"settings": {"tickets": {"agents_see_phi": on}}})
        check(r.status == 200, "the account's setting: %r" % r)
        check((SSN.encode() in agent.get("/api/v2/tickets/%d/comments.json" % t).body) is on, "decides for agents: %s" % on)
        check(SSN.encode() in c.get("/api/v2/tickets/%d/comments.json" % t).body, "not for administrators")

    # Redaction: preview, a stale look, a span inside of a word, a finding, a whole comment.
    f = c.get("/api/ward/v1/tickets/%d/findings" % t).json
    first, second = f["comments"][0], f["comments"][1]
    ssn = [x for x in first["findings"] if x["kind"] == "SSN"][0]
    span = {"comment_id": first["comment_id"], "start": ssn["start"], "end": ssn["end"], "stamp": first["stamp"]}
    r = c.post("/api/ward/v1/tickets/%d/redactions/preview" % t, {"spans": [span]})
    places = {(p["place"], p["comment_id"]): p["occurrences"] for p in r.json["places"]}
    check(places.get(("comment", first["comment_id"])) == 1 and places.get(("comment", second["comment_id"])) == 1 and places.get(("attachments", first["comment_id"])) == 1,
          "the preview says where else it stands: %r" % r)
    check(r.json["files_not_looked_into"] == 1 and SSN.encode() not in r.body, "and what it cannot say")
    check(SSN.encode() in c.get("/api/v2/tickets/%d/comments.json" % t).body, "nothing is gone by looking")
    check(agent.post("/api/ward/v1/tickets/%d/redactions" % t, {"spans": [span]}).status == 403, "agents only where the account lets them")
    for bad in ({}, {"spans": []}, {"spans": [dict(span, stamp="")]}, {"spans": [dict(span, end=span["start"])]}, {"spans": [dict(span, end=10**6)]}, {"spans": [span], "x": 1},
                {"spans": [dict(span, start=-1)]}, {"comment_id": "x"}, {"spans": "x"}, {"spans": [1]}):
        check(c.post("/api/ward/v1/tickets/%d/redactions" % t, bad).status == 422, "wrong input is refused: %r" % bad)
    check(c.post("/api/ward/v1/tickets/%d/redactions" % t, {"spans": [dict(span, comment_id=999999)]}).status == 404, "a foreign comment is absent")
    r = c.post("/api/ward/v1/tickets/%d/redactions" % t, {"spans": [span]})
    check(r.status == 200 and r.json["done"], "it is done: %r" % r)
    check(c.post("/api/ward/v1/tickets/%d/redactions" % t, {"spans": [span]}).status == 409, "what was looked at before is another text")
    everything = b"".join(c.get("/api/v2/" + p).body for p in pages[:4] + admin_pages) + c.get("/api/v2/attachments/%d/content" % up["attachment"]["id"]).body
    shown = c.get("/api/v2/tickets/%d.json" % t).body + b"".join(c.get("/api/v2/tickets/%d/%s.json" % (t, p)).body for p in ("comments", "audits")) + c.get("/api/v2/attachments/%d/content" % up["attachment"]["id"]).body
    check(SSN.encode() not in shown, "the value is gone from texts, fields and files: %s" % shown[max(0, shown.find(SSN.encode()) - 60):][:160])
    check(b"not 2190999991" in shown, "a longer number is another one")
    check(b"Quill Zorander, SSN \xe2\x96\x87" in c.get("/api/v2/attachments/%d/content" % up["attachment"]["id"]).body, "the rest of the file stands")
    # Half a word.
    f = c.get("/api/ward/v1/tickets/%d/findings" % t).json["comments"][1]
    body = [m for m in c.get("/api/v2/tickets/%d/comments.json" % t).json["comments"] if m["id"] == f["comment_id"]][0]["body"]
    at = body.encode().index(b"2190999991") + 4
    r = c.post("/api/ward/v1/tickets/%d/redactions" % t, {"spans": [{"comment_id": f["comment_id"], "start": at, "end": at + 3, "stamp": f["stamp"]}]})
    check(r.status == 200 and "2190▇▇▇991" in c.get("/api/v2/tickets/%d/comments.json" % t).json["comments"][1]["body"], "a part of a word: %r" % r)
    # The whole of the first comment, its files too.
    r = c.post("/api/ward/v1/tickets/%d/redactions" % t, {"comment_id": first["comment_id"]})
    m = c.get("/api/v2/tickets/%d/comments.json" % t).json["comments"][0]
    check(r.status == 200 and set(m["body"]) == {"▇"} and all(a["deleted"] for a in m["attachments"]), "a whole comment with its files: %r" % m)
    check(set(c.get("/api/v2/tickets/%d.json" % t).json["ticket"]["description"]) == {"▇"}, "and the description, which is a copy of it")
    check(c.get("/api/v2/search.json?query=type:ticket%20reach").json["count"] == 0, "the index has forgotten it")
    check(desk.ward("trail", "verify").returncode == 0, "the trail verifies")
done("mask")
