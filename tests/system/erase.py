#!/usr/bin/env python3
"""P6, Erased is erased: what was redacted, purged or deleted is gone from every channel, also from an older
copy of the database put back beside today's keyring.
"""
import os, shutil, time
from desk import SLOW, Desk, Client, check, done

SECRET = "Zebrafinch"
NUMBER = "078-05-1120"


def everywhere(c, tid):
    """All that the API says about the ticket and around it."""
    paths = ["/api/v2/tickets/%d.json?include=users" % tid, "/api/v2/tickets/%d/comments.json" % tid, "/api/v2/tickets/%d/audits.json" % tid,
             "/api/ward/v1/tickets/%d/findings" % tid, "/api/v2/tickets.json?page[size]=100", "/api/v2/incremental/tickets/cursor.json?start_time=0",
             "/api/v2/audit_logs.json?page[size]=100", "/api/v2/requests/%d.json" % tid, "/api/v2/deleted_tickets.json", "/api/v2/suspended_tickets.json"]
    return b"".join(c.get(p).body for p in paths)


def found(c, word):
    return [r["id"] for r in c.get("/api/v2/search.json?query=type:ticket%20" + word).json["results"]]


with Desk() as desk:
    c = desk.admin()
    desk.keep_all(c)
    raw = ("From: Rob Requester <rob@patients.example>\nTo: help@clinic.example\nSubject: About %s\nMessage-ID: <r1@x.example>\nMIME-Version: 1.0\n"
           "Content-Type: text/html\n\n<p>My number is %s, ask %s &amp; co</p>\n" % (SECRET, NUMBER, SECRET)).encode()
    check(desk.deliver(raw).returncode == 0, "the mail arrives")
    tid = c.get("/api/v2/tickets.json").json["tickets"][0]["id"]
    cid = c.get("/api/v2/tickets/%d/comments.json" % tid).json["comments"][0]["id"]
    field = c.post("/api/v2/ticket_fields.json", {"ticket_field": {"type": "text", "title": "Plan"}}).json["ticket_field"]["id"]
    c.put("/api/v2/tickets/%d.json" % tid, {"ticket": {"subject": "Now " + SECRET, "custom_fields": [{"id": field, "value": SECRET}], "tags": ["keep"]}})
    c.post("/api/v2/tickets.json", {"ticket": {"subject": "other", "comment": {"body": "%s stays here" % NUMBER}}})
    check(found(c, SECRET.lower()) == [tid], "it is found before")
    before = os.path.join(desk.dir, "older")
    check(SECRET.encode() in everywhere(c, tid), "it is read before")
    # An older backup of the database, without the keyring, as backups are kept.
    desk.stop()
    shutil.copytree(desk.data, before)
    desk.start()

    r = c.put("/api/v2/tickets/%d/comments/%d/redact.json" % (tid, cid), {"text": "not in it"})
    check(r.status == 422 and b"text" in r.body, "what is not there cannot be redacted: %r" % r)
    r = c.put("/api/v2/tickets/%d/comments/%d/redact.json" % (tid, cid), {"text": NUMBER})
    check(r.status == 200 and "▇".encode() in r.body and NUMBER.encode() not in r.body, "the number is redacted: %r" % r)
    r = c.put("/api/v2/comment_redactions/%d.json" % cid, {"ticket_id": tid, "html_body": "<p>My number, ask <redact>%s</redact></p>" % SECRET})
    check(r.status == 200 and SECRET.encode() not in r.body, "the name is redacted: %r" % r)
    text = everywhere(c, tid)
    check(SECRET.encode() not in text, "the name is nowhere in the API: %s" % text[max(0, text.find(SECRET.encode()) - 200):][:400])
    check(text.count(NUMBER.encode()) == c.get("/api/v2/tickets.json?page[size]=100").body.count(NUMBER.encode()) * 2 or NUMBER.encode() not in c.get("/api/v2/tickets/%d/comments.json" % tid).body, "the number is gone from this ticket")
    check(found(c, SECRET.lower()) == [], "it is not found any more")
    check(found(c, "ask") == [tid], "the rest is still found: %s" % found(c, "ask"))
    t = c.get("/api/v2/tickets/%d.json" % tid).json["ticket"]
    check("redacted_content" in t["tags"] and "keep" in t["tags"], "the ticket says that something was redacted")
    check(desk.deliver(raw).returncode == 0 and c.get("/api/v2/tickets/count.json").json["count"]["value"] == 2, "the same mail again is still known, and brings nothing back")
    check(SECRET.encode() not in everywhere(c, tid), "and its words stay away")
    check(desk.ward("trail", "verify").returncode == 0, "the trail verifies after a redaction")
    export = desk.ward("trail", "export", "--format", "jsonl", "--values").stdout
    check(SECRET.encode() not in export and NUMBER.encode() not in export.replace(b"stays here", b""), "the trail keeps neither")

    # Soft deletion can be undone, a purge cannot.
    other = c.post("/api/v2/tickets.json", {"ticket": {"subject": "Purge " + SECRET, "comment": {"body": "body " + SECRET}}}).json["ticket"]["id"]
    check(c.delete("/api/v2/deleted_tickets/%d.json" % other).status == 200, "a purge is a job")
    time.sleep(0.5 * SLOW)
    check(c.get("/api/v2/tickets/%d.json" % other).status == 200, "what was not deleted first is not purged")
    c.delete("/api/v2/tickets/%d.json" % other)
    c.delete("/api/v2/deleted_tickets/%d.json" % other)
    for _ in range(100 * SLOW):
        if not any(d["id"] == other for d in c.get("/api/v2/deleted_tickets.json").json["deleted_tickets"]):
            break
        time.sleep(0.1)
    check(SECRET.encode() not in everywhere(c, other), "a purged ticket says nothing")
    row = [t for t in c.get("/api/v2/incremental/tickets/cursor.json?start_time=0").json["tickets"] if t["id"] == other]
    check(row and row[0]["status"] == "deleted" and row[0]["subject"] == "SCRUBBED", "the export says that it is gone: %s" % row)
    check(c.put("/api/v2/deleted_tickets/%d/restore.json" % other).status == 404, "it does not come back")
    check(desk.ward("trail", "verify").returncode == 0, "the trail verifies after a purge")
    sus = desk.deliver(b"just some words about " + SECRET.encode())
    sid = c.get("/api/v2/suspended_tickets.json").json["suspended_tickets"][0]["id"]
    check(c.delete("/api/v2/suspended_tickets/%d.json" % sid).status == 204, "a suspended ticket is deleted")
    check(SECRET.encode() not in everywhere(c, tid), "and gone")

    # The older database beside today's keyring: what was erased stays erased.
    desk.stop()
    for name in os.listdir(desk.data):
        if name.startswith("ward.db") or name == "trail.witness":
            os.unlink(os.path.join(desk.data, name))
    for name in os.listdir(before):
        if name.startswith("ward.db"):
            shutil.copy(os.path.join(before, name), desk.data)
    desk.start()
    text = everywhere(c, tid)
    check(SECRET.encode() not in text and NUMBER.encode() not in c.get("/api/v2/tickets/%d/comments.json" % tid).body, "an older backup does not bring it back")
    check(b"stays here" in c.get("/api/v2/tickets.json").body, "while the rest of that backup is read")
done("erase")
