#!/usr/bin/env python3
"""A folder of some hundred mails, plain to hostile: each is exactly one ticket, comment or suspended ticket, none is lost,
none doubles, the server stays well. The mails are made by tests/mails/generate.py with what is expected of each."""
import json, os, subprocess, sys, time
from desk import ROOT, SLOW, Desk, check, done

with Desk() as desk:
    folder = os.path.join(desk.dir, "mails")
    subprocess.run([sys.executable, os.path.join(ROOT, "tests", "mails", "generate.py"), folder], check=True)
    manifest = json.load(open(os.path.join(folder, "manifest.json")))
    mails = manifest["mails"] if isinstance(manifest, dict) else manifest
    c = desk.admin()
    desk.keep_all(c)                          # what a policy does to subjects is another test
    counts, began, slowest = {}, time.time(), 0
    for m in mails:
        raw = open(os.path.join(folder, m["file"]), "rb").read()
        t0 = time.time()
        r = desk.deliver(raw, "-v")
        slowest = max(slowest, time.time() - t0)
        got = r.stdout.decode().split()
        kind = {"ticket": "ticket", "comment": "comment", "suspended": "suspended", "duplicate": "duplicate"}.get(got[0] if got else "", "nothing")
        counts[kind] = counts.get(kind, 0) + 1
        if check(r.returncode == 0, "%s is taken: exit %s %s" % (m["file"], r.returncode, r.stderr)):
            check(kind == m["expect"], "%s becomes a %s, wanted %s (%s)" % (m["file"], kind, m["expect"], m.get("why", "")))
        m["got"], m["id"] = kind, int(got[-1]) if got and got[-1].isdigit() else 0
    took = time.time() - began
    # Independent count through the API.
    tickets, comments, page = {}, {}, "/api/v2/tickets.json?page[size]=100&include=comment_count"
    while page:
        j = c.get(page).json
        for t in j["tickets"]:
            tickets[t["id"]] = t
        page = "/" + j["links"]["next"].split("/", 3)[3] if j["meta"]["has_more"] else None
    suspended, page = {}, "/api/v2/suspended_tickets.json?page[size]=100"
    while page:
        j = c.get(page).json
        for s in j["suspended_tickets"]:
            suspended[s["id"]] = s
        page = "/" + j["links"]["next"].split("/", 3)[3] if j["meta"]["has_more"] else None
    want = {k: sum(m["expect"] == k for m in mails) for k in ("ticket", "comment", "suspended", "duplicate")}
    check(len(tickets) == want["ticket"], "as many tickets as mails that make one: %d, wanted %d" % (len(tickets), want["ticket"]))
    check(sum(t["comment_count"] for t in tickets.values()) == want["ticket"] + want["comment"], "as many comments: %d" % sum(t["comment_count"] for t in tickets.values()))
    check(len(suspended) == want["suspended"], "as many suspended tickets: %d, wanted %d" % (len(suspended), want["suspended"]))
    r = desk.ward("status", "--json")
    check(json.loads(r.stdout)["suspended_tickets"] == len(suspended), "status counts them")
    # Every mail's own word is where it should be, in one place.
    texts = {}
    for tid in tickets:
        texts[tid] = tickets[tid]["subject"].encode() + c.get("/api/v2/tickets/%d/comments.json?per_page=100" % tid).body
    for m in mails:
        word = m.get("canary")
        if not word or m["expect"] in ("suspended", "duplicate") or m.get("canary_in") in ("attachment", "raw"):
            continue
        at = [tid for tid, text in texts.items() if word.encode() in text]
        check(len(at) == 1, "%s is in one ticket: %s" % (m["file"], at))
        if m.get("subject") is not None and m["expect"] == "ticket" and at:
            check(tickets[at[0]]["subject"] == m["subject"] or not m["subject"], "%s has its subject: %r, wanted %r" % (m["file"], tickets[at[0]]["subject"], m["subject"]))
    # Once more, all of them: nothing new.
    for m in mails[::7]:
        r = desk.deliver(open(os.path.join(folder, m["file"]), "rb").read(), "-v")
        check(r.returncode == 0 and r.stdout.startswith(b"duplicate"), "%s again is a duplicate: %s" % (m["file"], r.stdout))
    check(c.get("/api/v2/tickets/count.json").json["count"]["value"] == len(tickets), "no ticket more than before")
    # A suspended ticket is recovered into a ticket.
    for sid, s in suspended.items():
        if s["author"]["email"] and s["cause"].startswith("Mailing list"):
            r = c.put("/api/v2/suspended_tickets/%d/recover.json" % sid)
            check(r.status == 200 and r.json["ticket"]["id"] not in tickets or r.status == 200, "recovered: %r" % r)
            check(c.get("/api/v2/suspended_tickets/%d.json" % sid).status == 404, "and no longer suspended")
            break
    check(desk.ward("mail", "deliver", stdin=b"").returncode == 65, "nothing at all is no mail")
    check(desk.ward("mail", "deliver", stdin=b"From: a@b.example\n\n" + b"x" * (41 << 20)).returncode == 65, "a mail above the limit is refused")
    check(desk.ward("trail", "verify").returncode == 0, "the trail verifies")
    print("%d mails in %.0f s, slowest %.1f s: %s" % (len(mails), took, slowest, counts))
done("mail")
