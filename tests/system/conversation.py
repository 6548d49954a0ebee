#!/usr/bin/env python3
"""What was said and sent about a ticket: the conversation log, e-mail notifications, a suspended mail's files, an end user's search."""
import os, re
from desk import SLOW, Desk, check, done
from peers import Authority, Relay, until

with Desk() as desk:
    admin = desk.admin()
    desk.keep_all(admin)
    pat_id, pat = desk.person(admin, "Pat Patient", "pat@patients.example")
    ana_id, ana = desk.person(admin, "Ana Agent", "ana@clinic.example", "agent")
    ben_id, ben = desk.person(admin, "Ben Agent", "ben@clinic.example", "agent", ticket_restriction="assigned")

    # ---- conversation_log
    t = pat.post("/api/v2/requests.json", {"request": {"subject": "Knee", "comment": {"body": "It hurts"}}}).json["request"]["id"]
    up = ana.post("/api/v2/uploads.json?filename=plan.txt", raw=b"plan").json["upload"]["token"]
    ana.put("/api/v2/tickets/%d.json" % t, {"ticket": {"comment": {"body": "Rest <b>it</b>", "uploads": [up]}}})
    ana.put("/api/v2/tickets/%d.json" % t, {"ticket": {"comment": {"body": "a note", "public": False}}})
    r = ana.get("/api/v2/tickets/%d/conversation_log" % t)
    ev = r.json["events"]
    check([e["type"] for e in ev] == ["Comment"] * 3 and [e["author"]["type"] for e in ev] == ["user", "agent", "agent"], "three, of whom: %r" % r)
    check(ev[0]["author"]["zen:support:user_id"] == pat_id and ev[0]["author"]["display_name"] == "Pat Patient", "the author: %r" % ev[0]["author"])
    check([e["metadata"]["public"] for e in ev] == [True, True, False] and ev[1]["content"]["type"] == "html" and "Rest &lt;b&gt;it" in ev[1]["content"]["body"], "the content: %r" % ev[1]["content"])
    comments = ana.get("/api/v2/tickets/%d/comments.json" % t).json["comments"]
    check([e["reference"] for e in ev] == ["zen:ticket_event:%d" % c["id"] for c in comments], "each refers to its event")
    check([a["file_name"] for a in ev[1]["attachments"]] == ["plan.txt"] and ev[0]["attachments"] == [], "files")
    seen, url = [], "/api/v2/tickets/%d/conversation_log?page[size]=2" % t
    while url:
        j = ana.get(url).json
        seen += [e["id"] for e in j["events"]]
        url = j["links"]["next"][j["links"]["next"].index("/api/"):] if j["meta"]["has_more"] else None
    check(seen == [e["id"] for e in ev], "pages: %s" % seen)
    check([e["id"] for e in ana.get("/api/v2/tickets/%d/conversation_log?page[size]=9&sort=-created_at" % t).json["events"]] == seen[::-1], "newest first when asked")
    check(ben.get("/api/v2/tickets/%d/conversation_log" % t).status == 404 and pat.get("/api/v2/tickets/%d/conversation_log" % t).status == 403, "who sees the ticket")

    # ---- e-mail notifications
    ca = Authority(os.path.join(desk.dir, "ca"))
    relay = Relay(ca.sign("localhost", "DNS:localhost"))
    check(admin.get("/api/v2/email_notifications?filter[ticket_id]=%d" % t).json["email_notifications"] == [], "no mail, no notification")
    admin.put("/api/ward/v1/mail.json", {"mail": {"host": "localhost", "port": relay.port, "from": "support@clinic.example", "name": "Elm Clinic", "ca_pem": ca.pem(), "retry_seconds": 1}})
    cid = ana.put("/api/v2/tickets/%d.json" % t, {"ticket": {"comment": {"body": "Come on Monday"}}}).json["audit"]["events"][0]["id"]
    r = ana.get("/api/v2/email_notifications?filter[ticket_id]=%d" % t)
    n = r.json["email_notifications"]
    check(len(n) == 1 and n[0]["recipients"][0]["delivery_status"] == {"id": 0, "name": "none", "code": "0", "message": "No delivery response has been received."}, "held: no response yet: %r" % r)
    check(b"Monday" not in r.body and b"Knee" not in r.body, "no word of the mail is in it")
    desk.ward("destination", "add", "recipient", "*")
    until(lambda: relay.got, 20 * SLOW)
    until(lambda: ana.get("/api/v2/email_notifications?filter[ticket_id]=%d" % t).json["email_notifications"][0]["recipients"][0]["delivery_status"]["id"] == 5, 20 * SLOW)
    n = ana.get("/api/v2/email_notifications?filter[ticket_id]=%d" % t).json["email_notifications"][0]
    check(n["recipients"][0]["delivery_status"]["name"] == "delivered" and n["recipients"][0]["user_id"] == pat_id and n["recipients"][0]["email_address"] == "pat@patients.example", "delivered: %r" % n)
    mid = re.search(rb"(?im)^Message-ID:\s*(<[^>]+>)", relay.got[0]["data"]).group(1).decode()
    check(n["message_id"] == mid and n["ticket_id"] == t and n["comment_id"] == cid and len(n["email_id"]) == 26, "its Message-ID: %r %r" % (n, mid))
    check(ana.get("/api/v2/email_notifications/%d" % n["notification_id"]).json["email_notification"] == n, "one of them")
    for q in ("filter[comment_id]=%d" % cid, "filter[notification_id]=%d" % n["notification_id"], "filter[ticket_id]=%d&sort=-updated_at" % t, "filter[ticket_id]=%d&page[size]=5&sort=created_at" % t):
        check([x["notification_id"] for x in ana.get("/api/v2/email_notifications?" + q).json["email_notifications"]] == [n["notification_id"]], q)
    for q in ("ids=%d" % n["notification_id"], "comment_ids=%d" % cid, "ticket_ids=%d,999999" % t):
        check([x["notification_id"] for x in ana.get("/api/v2/email_notifications/show_many?" + q).json["email_notifications"]] == [n["notification_id"]], q)
    for q in ("", "?filter[ticket_id]=x", "?filter[ticket_id]=1&filter[comment_id]=2", "?filter[ticket_id]=%d&sort=size" % t):
        check(ana.get("/api/v2/email_notifications" + q).status == 400, "a filter is needed: " + q)
    check(ana.get("/api/v2/email_notifications/show_many").status == 400, "ids are needed")
    check(ben.get("/api/v2/email_notifications?filter[ticket_id]=%d" % t).json["email_notifications"] == [] and ben.get("/api/v2/email_notifications/%d" % n["notification_id"]).status == 404
          and ben.get("/api/v2/email_notifications/show_many?ids=%d" % n["notification_id"]).json["email_notifications"] == [], "of a ticket out of sight there is none")
    relay.close()

    # ---- files of a suspended mail
    mail = (b"From: stranger@x.example\nTo: support@clinic.example\nSubject: Out of office\nAuto-Submitted: auto-replied\nMessage-ID: <ooo@x>\nMIME-Version: 1.0\n"
            b"Content-Type: multipart/mixed; boundary=cut\n\n--cut\nContent-Type: text/plain\n\nsee files\n--cut\nContent-Type: text/csv; name=a.csv\nContent-Disposition: attachment; filename=a.csv\n\n1,2\n"
            b"--cut\nContent-Type: application/pdf\nContent-Disposition: attachment; filename=b.pdf\n\n%PDF-1\n--cut--\n")
    desk.deliver(mail)
    sus = admin.get("/api/v2/suspended_tickets.json").json["suspended_tickets"][-1]["id"]
    for url, body in (("/api/v2/suspended_tickets/attachments", {"id": sus}), ("/api/v2/suspended_tickets/attachments?id=%d" % sus, None), ("/api/v2/suspended_tickets/%d/attachments.json" % sus, None)):
        r = ana.post(url, body)
        check(r.status == 200 and [a["file_name"] for a in r.json["upload"]["attachments"]] == ["a.csv", "b.pdf"] and r.json["upload"]["token"], "%s: %r" % (url, r))
    new = ana.post("/api/v2/tickets.json", {"ticket": {"subject": "By hand", "comment": {"body": "from the mail", "uploads": [r.json["upload"]["token"]]}}}).json["ticket"]["id"]
    files = ana.get("/api/v2/tickets/%d/comments.json" % new).json["comments"][0]["attachments"]
    check([f["file_name"] for f in files] == ["a.csv", "b.pdf"] and ana.get("/api/v2/attachments/%d/content" % files[0]["id"]).body.strip() == b"1,2", "copies on the new ticket")
    check(admin.get("/api/v2/suspended_tickets/%d.json" % sus).status == 200, "the mail is still there")
    check(ana.post("/api/v2/suspended_tickets/attachments", {}).status == 400 and ana.post("/api/v2/suspended_tickets/999999/attachments").status == 404, "one that is named, and is there")
    check(ben.post("/api/v2/suspended_tickets/%d/attachments" % sus).status == 403, "agents who see all")

    # ---- requests/search: over all of one's own
    for k in range(30):
        desk.deliver(b"From: pat@patients.example\nTo: support@clinic.example\nSubject: Matter %d\nMessage-ID: <m%d@x>\n\nThe blue printer number %d of the ward\n" % (k, k, k))
    j = pat.get("/api/v2/requests/search.json?query=blue&per_page=10&page=2").json
    check(j["count"] == 30 and len(j["requests"]) == 10, "all of them, in pages: %r" % j["count"])
    find = lambda q: [x["subject"] for x in pat.get("/api/v2/requests/search.json?query=" + q).json["requests"]]
    check(find("printer%20number%207") == ["Matter 27", "Matter 17", "Matter 7"], "every word: %s" % find("printer%20number%207"))
    check(find("%22number%207%20%22") == ["Matter 7"] and find("number%207%20-17%20-27") == ["Matter 7"], "a phrase; without a word")
    check(find("Monday") == ["Knee"] and find("note") == [], "comments, but no notes")
    check(find("knee%20status:solved") == [] and find("knee%20status:open") == ["Knee"] or find("knee%20status:pending") == ["Knee"], "by status")
    check(ana.get("/api/v2/requests/search.json?query=blue").json["count"] == 0, "one's own")
    other = admin.post("/api/v2/tickets.json", {"ticket": {"subject": "Copied", "comment": {"body": "blue moon"}, "email_ccs": [{"user_id": pat_id}]}}).json["ticket"]["id"]
    check([x["id"] for x in pat.get("/api/v2/requests/search.json?query=moon&cc_id=true").json["requests"]] == [other], "or one is copied on")
    check(pat.get("/api/v2/requests/search.json?query=blue&page=11").status == 422, "a thousand and no further")
    check(desk.ward("trail", "verify").returncode == 0, "the trail verifies")
done("conversation")
