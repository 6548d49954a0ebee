#!/usr/bin/env python3
"""Bulk scan, trial of a policy, bulk redaction: pause, resume, cancel, kill -9 in the middle, never twice, by API and command."""
import json, os, random, time
from desk import SLOW, Desk, Client, check, done

N, WORDS = 120, "the patient called about the refill and asked when the office would be open again ".split()
random.seed(7)


def text(n):
    return " ".join(random.choice(WORDS) for _ in range(n))


def job(c, jid):
    return c.get("/api/ward/v1/phi/jobs/%d" % jid).json


def until(c, jid, fits, seconds=60):
    end = time.time() + seconds * SLOW
    while time.time() < end:
        j = job(c, jid)["job"]
        if fits(j):
            return j
        time.sleep(0.02)
    check(False, "the job comes to it in time: %r" % j)
    return j


ENDED = ("completed", "cancelled", "failed")

with Desk() as desk:
    c = desk.admin()
    desk.keep_all(c)
    field = c.post("/api/v2/ticket_fields.json", {"ticket_field": {"type": "text", "title": "Free text"}}).json["ticket_field"]["id"]
    for i in range(N):
        ssn = "219-09-%04d" % (1000 + i)
        body = text(7000) + (" SSN %s said Qorvax Blimdorf. " % ssn if i % 3 == 0 else " nothing. ") + text(100)
        t = {"subject": "ticket %d" % i, "comment": {"body": body}}
        if i % 6 == 0:
            t["custom_fields"] = [{"id": field, "value": "SSN " + ssn}]
        if i == 3:
            u = c.call("POST", "/api/v2/uploads.json?filename=a.csv", raw=("name,ssn\nx,%s\n" % ssn).encode(), headers={"Content-Type": "text/csv"}).json["upload"]["token"]
            t["comment"]["uploads"] = [u]
        check(c.post("/api/v2/tickets.json", {"ticket": t}).status == 201, "a ticket")
    desk.deliver(b"From: Pat <pat@patients.example>\nTo: help@clinic.example\nMessage-ID: <m1@x>\nSubject: hello\n\nmy SSN is 219-09-2000 ok\n")
    total = N + 1
    with_ssn = N // 3 + 1

    # The list of people: keyed hashes only, from a file of the caller's; a bad file changes nothing.
    csv = os.path.join(desk.dir, "people.csv")
    open(csv, "w").write('Last name,First name,MRN,Note\n"Blimdorf","Qorvax",ZXQ-77812,"a, b"\nVantongeren,Abelia,,\n,,,\n')
    r = desk.ward("phi", "known", "import", csv, "--json")
    check(r.returncode == 0 and json.loads(r.stdout)["people"] == 2, "people are imported: %r" % r)
    open(csv, "w").write("colour,size\nred,1\n")
    check(desk.ward("phi", "known", "import", csv).returncode == 65, "columns that mean nothing are refused")
    check(desk.ward("phi", "known", "import", csv + ".no").returncode == 66, "a file that is not there")
    check(c.get("/api/ward/v1/phi/known").json["people"] == 2, "the list is what it was")

    # Wrong input.
    check(c.post("/api/ward/v1/phi/scans", {"query": 1}).status == 422 and c.post("/api/ward/v1/phi/scans", {"x": 1}).status == 422, "wrong input is refused")
    check(c.post("/api/ward/v1/phi/scans", {"query": "created>>nonsense:"}).status in (201, 422), "a query is checked")
    check(c.get("/api/ward/v1/phi/jobs/9999").status == 404, "no such job")

    # Pause, resume, kill -9 in the middle.
    r = c.post("/api/ward/v1/phi/scans")
    scan = r.json["job"]["id"]
    check(r.status == 201 and r.json["job"]["total"] == total, "a scan of all: %r" % r)
    j = until(c, scan, lambda j: j["done"] > 0)
    check(j["done"] < total and j["seconds_left"] is not None and j["tickets_per_second"] >= 0, "it is under way: %r" % j)
    j = c.post("/api/ward/v1/phi/jobs/%d/pause" % scan).json["job"]
    check(j["state"] == "paused", "it pauses: %r" % j)
    a = job(c, scan)["job"]["done"]
    time.sleep(0.5)
    b = job(c, scan)["job"]["done"]
    check(a == b < total, "and stays where it is: %d, %d" % (a, b))
    kills = 0
    while True:
        c.post("/api/ward/v1/phi/jobs/%d/resume" % scan)
        at = job(c, scan)["job"]["done"]
        j = until(c, scan, lambda j: j["done"] > at or j["state"] in ENDED)
        if j["state"] in ENDED or kills == 4:
            break
        desk.kill()
        kills += 1
        desk.start()
        j = job(c, scan)["job"]
        check(j["done"] >= at, "a restart loses nothing that was done")
    check(kills >= 1, "it was killed in the middle (%d times)" % kills)
    j = until(c, scan, lambda j: j["state"] in ENDED)
    first = job(c, scan)
    check(j["state"] == "completed" and j["done"] == total and j["tickets_failed"] == 0, "it ends by itself: %r" % j)
    check(first["by_kind"].get("SSN") == with_ssn + N // 6 + 1, "each number is counted once: %r" % first["by_kind"])
    check(first["by_place"].get("custom_field", 0) >= N // 6 and first["by_place"].get("attachment_text", 0) == 1 and first["by_channel"]["email"] >= 1, "by place and channel: %r %r" % (first["by_place"], first["by_channel"]))
    check(sum(x["count"] for x in first["counts"]) == j["findings"] == sum(first["by_age"].values()), "the sums agree")
    check(j["tickets_changed"] >= N // 3, "what the list taught is new: %r" % j)
    f = c.get("/api/ward/v1/tickets/1/findings").json["comments"][0]["findings"]
    check("Qorvax Blimdorf" in [x["value"] for x in f], "the person of the list is a finding now: %r" % f)
    again = c.post("/api/ward/v1/phi/scans").json["job"]["id"]
    until(c, again, lambda j: j["state"] in ENDED)
    second = job(c, again)
    check(second["counts"] == first["counts"] and second["job"]["tickets_changed"] == 0, "a second scan sees the same and changes nothing")
    r = c.post("/api/ward/v1/phi/scans", {"query": 'subject:"ticket 3"'}).json["job"]
    check(r["total"] == 1, "a scan of what a query finds: %r" % r)
    x = c.post("/api/ward/v1/phi/scans").json["job"]["id"]
    check(c.post("/api/ward/v1/phi/jobs/%d/cancel" % x).json["job"]["state"] == "cancelled", "cancelled")
    check(c.post("/api/ward/v1/phi/jobs/%d/resume" % x).status == 409, "what was cancelled does not go on")
    check(c.post("/api/ward/v1/phi/scans/%d/redactions" % x, {"kinds": "any", "confirm": 1}).status == 409, "nor is it redacted from")

    # A policy is tried on what is there; nothing is changed.
    v = c.post("/api/ward/v1/phi/policies", {"policy": {"why": "try", "rules": [{"kinds": ["SSN"], "treatment": "redact"}, {"kinds": ["NAME"], "places": ["comment"], "treatment": "hold"}]}}).json["policy"]["version"]
    t = c.post("/api/ward/v1/phi/policies/%d/trial" % v).json["job"]
    until(c, t["id"], lambda j: j["state"] in ENDED)
    t = job(c, t["id"])
    ssn = [x for x in t["counts"] if x["kind"] == "SSN"]
    check({x["treatment"] for x in ssn} == {"redact"} and {x["treatment_now"] for x in ssn} == {"keep"} and sum(x["count"] for x in ssn) == with_ssn + N // 6 + 1, "what the policy would do: %r" % ssn)
    check(t["findings_that_change"] > 0 and 1 in t["sample_ticket_ids"], "with tickets to look at")
    check("219-09-1000" in c.get("/api/v2/tickets/1.json").json["ticket"]["description"], "nothing is changed by trying")

    # Bulk redaction: preview, the number typed, kill -9 in the middle.
    p = c.post("/api/ward/v1/phi/scans/%d/redactions/preview" % scan, {"kinds": ["SSN"], "min_score": 60}).json
    check(p["tickets"] == with_ssn and p["findings"] == with_ssn + N // 6 + 1, "the preview counts: %r" % p)
    for bad in ({}, {"kinds": ["NOSE"]}, {"kinds": ["SSN"]}, {"kinds": ["SSN"], "confirm": 1}, {"kinds": ["SSN"], "confirm": p["tickets"], "places": ["moon"]}):
        check(c.post("/api/ward/v1/phi/scans/%d/redactions" % scan, bad).status == 422, "refused: %r" % bad)
    r = desk.ward("redact", "--scan", str(scan), "--kinds", "SSN", "--min-score", "60")
    check(r.returncode == 0 and b"--yes %d" % with_ssn in r.stdout and "219-09-1000" in c.get("/api/v2/tickets/1.json").json["ticket"]["description"], "the command previews by default: %r" % r)
    r = c.post("/api/ward/v1/phi/scans/%d/redactions" % scan, {"kinds": ["SSN"], "min_score": 60, "confirm": p["tickets"]})
    red = r.json["job"]["id"]
    check(r.status == 201, "it is confirmed: %r" % r)
    j = until(c, red, lambda j: j["done"] > 2)
    desk.kill()
    desk.start()
    j = until(c, red, lambda j: j["state"] in ENDED)
    check(j["state"] == "completed" and j["done"] == with_ssn and j["tickets_failed"] == 0, "it goes on after the kill: %r" % j)
    left = []
    for i in range(1, total + 1):
        b = b"".join(c.get("/api/v2/tickets/%d%s" % (i, p)).body for p in (".json", "/comments.json", "/audits.json"))
        if b"219-09-" in b:
            left.append(i)
    check(left == [], "no number is left in any ticket: %s" % left)
    check(b"219-09-" not in c.get("/api/v2/attachments/1/content").body and b"name,ssn" in c.get("/api/v2/attachments/1/content").body, "nor in a text file")
    check("Qorvax Blimdorf" in c.get("/api/v2/tickets/1.json").json["ticket"]["description"], "other kinds stay")
    check(len(c.get("/api/v2/audit_logs.json?filter[source_type]=ticket&filter[source_id]=1&page[size]=100").json["audit_logs"]) >= 2, "each has its event")
    check(c.get("/api/v2/search.json?query=219-09-1000").json["count"] == 0, "the index has forgotten them")
    check(desk.ward("trail", "verify").returncode == 0, "the trail verifies")
    eid, end = desk.person(c, "Eve Enduser", "eve@patients.example", "agent")
    check(end.post("/api/ward/v1/phi/scans").status == 403 and end.get("/api/ward/v1/phi/jobs").status == 403, "all this is for administrators")

    # Without a server the command does the work itself.
    desk.stop()
    r = desk.ward("scan", "--json")
    d = json.loads(r.stdout) if r.returncode == 0 else {}
    check(r.returncode == 0 and d["job"]["state"] == "completed" and d["job"]["done"] == total and "SSN" not in d["by_kind"], "the command scans without a server: %r" % r)
    r = desk.ward("redact", "--scan", str(d["job"]["id"]), "--kinds", "NAME", "--places", "comment", "--yes", str([x for x in (json.loads(desk.ward("redact", "--scan", str(d["job"]["id"]), "--kinds", "NAME", "--places", "comment", "--json").stdout),)][0]["tickets"]))
    check(r.returncode == 0 and b"completed" in r.stdout, "and redacts: %r" % r)
    check(b"completed" in desk.ward("scan", "--list").stdout, "and lists")
    desk.start()
    check("Blimdorf" not in desk.admin().get("/api/v2/tickets/1.json").json["ticket"]["description"], "for good")
    r = desk.ward("scan", "--query", "subject:hello")
    check(r.returncode == 0 and b"1 of 1 tickets" in r.stdout, "with a server it watches: %r" % r)
    check(desk.ward("phi", "known", "--clear").returncode == 0 and desk.admin().get("/api/ward/v1/phi/known").json["people"] == 0, "the list can go")
done("scan")
