#!/usr/bin/env python3
"""Secure links: an answer announced without content, opened by the link and a second proof, ended by time, by tries, by an agent."""
import os, quopri, re
from desk import Client, Desk, SLOW, check, done, form
from peers import Authority, Relay, until

SECRET = "Zyxwvut potassium 6.1"


with Desk(start=False) as desk:
    with open(os.path.join(desk.data, "ward.conf"), "a") as f:
        f.write("base_url = https://desk.clinic.example\n")
    desk.start()
    admin = desk.admin()
    desk.keep_all(admin)
    nadia, nadia_api = desk.person(admin, "Nadia Fairbanks", "nadia@patients.example")
    mara_id, mara = desk.person(admin, "Mara Ostrov", "mara@clinic.example", "agent")
    abe_id, abe = desk.person(admin, "Abe Assigned", "abe@clinic.example", "agent", ticket_restriction="assigned")
    t = admin.post("/api/v2/tickets.json", {"ticket": {"subject": "Lab result", "comment": {"body": "How was my lab?"}, "requester_id": nadia, "status": "open"}}).json["ticket"]["id"]
    links = "/api/ward/v1/tickets/%d/secure_links" % t
    r = mara.post(links, {"secure_link": {"comment": {"body": SECRET}}})
    check(r.status == 503 and admin.get("/api/v2/tickets/%d/comments.json" % t).json["count"] == 1, "without mail nothing is written: %r" % r)
    ca = Authority(os.path.join(desk.dir, "ca"))
    relay = Relay(ca.sign("localhost", "DNS:localhost"))
    admin.put("/api/ward/v1/mail", {"mail": {"host": "localhost", "port": relay.port, "from": "help@clinic.example", "ca_pem": ca.pem(), "retry_seconds": 1}})
    # Open for content: what a secure message says may not leave even there.
    admin.post("/api/ward/v1/destinations", {"destination": {"kind": "recipient", "pattern": "*", "content": True}})

    def texts():
        return [quopri.decodestring(m["data"]).decode(errors="replace") for m in list(relay.got)]

    def mail_with(words, n=1):
        found = lambda: [x for x in texts() if words in x]
        check(until(lambda: len(found()) >= n, 10 * SLOW), "a mail with %s comes" % words)
        return found()[n - 1] if len(found()) >= n else ""

    # What cannot be: every wrong member is named.
    for body, field in (({}, "comment"), ({"comment": {"body": "x"}, "comment_id": 5}, "comment"), ({"comment": {"body": " "}}, "comment"), ({"comment": {"body": "x", "public": False}}, "comment"),
                        ({"comment_id": 99999}, "comment_id"), ({"comment": {"body": "x"}, "proof": "shout"}, "proof"), ({"comment": {"body": "x"}, "proof": "known"}, "question"),
                        ({"comment": {"body": "x"}, "proof": "known", "question": "postal_code", "answer": "1"}, "answer"), ({"comment": {"body": "x"}, "expires_in_hours": 0}, "expires_in_hours"),
                        ({"comment": {"body": "x"}, "status": "closed"}, "status"), ({"comment": {"body": "x"}, "nonsense": 1}, "base")):
        r = mara.post(links, {"secure_link": body})
        check(r.status == 422 and field in r.json["details"], "%r is refused by %s: %r" % (body, field, r))
    note = admin.put("/api/v2/tickets/%d.json" % t, {"ticket": {"comment": {"body": "a note", "public": False}}}).json["audit"]["events"][0]["id"]
    check(mara.post(links, {"secure_link": {"comment_id": note}}).status == 422, "no link to a note")
    check(admin.get("/api/v2/tickets/%d/comments.json" % t).json["count"] == 2, "nothing was written by what was refused")
    check(abe.post(links, {"secure_link": {"comment": {"body": "x"}}}).body == abe.post("/api/ward/v1/tickets/99999/secure_links", {"secure_link": {"comment": {"body": "x"}}}).body, "foreign is as unknown")
    check(nadia_api.post(links, {"secure_link": {"comment": {"body": "x"}}}).status == 403 and nadia_api.get(links).status == 403, "not for requesters")

    before = len(texts())
    up = mara.post("/api/v2/uploads.json?filename=lab.txt", raw=b"potassium sheet").json["upload"]["token"]
    r = mara.post(links, {"secure_link": {"comment": {"body": SECRET, "uploads": [up]}, "status": "pending"}})
    check(r.status == 201 and r.json["secure_link"]["state"] == "active" and r.json["secure_link"]["proof"] == "code", "a secure answer: %r" % r)
    link = r.json["secure_link"]
    shown = [c for c in admin.get("/api/v2/tickets/%d/comments.json" % t).json["comments"] if c["id"] == link["comment_id"]]
    check(len(shown) == 1 and shown[0]["secure"] is True and shown[0]["public"] is True and shown[0]["author_id"] == mara_id, "it is a public comment, marked: %r" % shown)
    check(admin.get("/api/v2/tickets/%d.json" % t).json["ticket"]["status"] == "pending", "with its status")
    m = mail_with("/help/secure/")
    check("Zyxwvut" not in m and "Lab result" not in m and "Nadia" not in m.replace("\r", "").split("\n\n", 1)[-1] and "reply above" not in m, "the mail says nothing: %s" % m)
    until(lambda: len(texts()) > before + 1, 1)
    check(len([x for x in texts()[before:]]) == 1, "one mail, not two: %r" % texts()[before:])
    url = re.search(r"/help/secure/[\w-]+", m).group(0)

    web = Client(desk)
    page = web.get(url)
    check(page.status == 200 and b"Zyxwvut" not in page.body and b"Lab result" not in page.body and b"Send me a code" in page.body, "the link alone shows nothing: %r" % page)
    check(b"<script" not in page.body and "script-src" not in page.headers["Content-Security-Policy"], "no script")
    check(web.get(url[:-1] + ("A" if url[-1] != "A" else "B")).body == web.get("/help/secure/" + "A" * 32).body, "a wrong link is as none")
    r = web.call("POST", url + "/proof", **form(answer="000000"))
    check(r.status == 400, "no code was asked for yet: %r" % r)
    check(web.call("POST", url + "/code", **form()).status == 200, "a code is asked for")
    code = re.search(r"secure message is (\d{6})", mail_with("Your code for the secure message")).group(1)
    r = web.call("POST", url + "/proof", **form(answer="%06d" % ((int(code) + 1) % 1000000)))
    check(r.status == 400 and "Set-Cookie" not in r.headers, "a wrong code: %r" % r)
    r = web.call("POST", url + "/proof", **form(answer=code))
    check(r.status == 303 and "ward_secure=" in r.headers["Set-Cookie"], "the right one: %r" % r)
    for word in ("HttpOnly", "Secure", "SameSite=Strict", "Path=/help/secure"):
        check(word in r.headers["Set-Cookie"], "the cookie is guarded: " + word)
    pass1 = r.headers["Set-Cookie"].split(";")[0]
    check(web.call("POST", url + "/proof", **form(answer=code)).status == 400, "a code works once")
    mine = {"Cookie": pass1}
    page = web.get(url, headers=mine)
    check(page.status == 200 and SECRET.encode() in page.body and b"How was my lab" not in page.body and b"a note" not in page.body, "this message, nothing older, no note: %r" % page)
    files = re.search(rb"/help/secure/[\w-]+/files/\d+", page.body).group(0).decode()
    r = web.get(files, headers=mine)
    check(r.status == 200 and r.body == b"potassium sheet" and "attachment" in r.headers["Content-Disposition"], "its file: %r" % r)
    check(b"potassium" not in web.get(files).body, "the file only with the pass")
    mark = re.search(rb'name="mark" value="([^"]+)"', page.body).group(1).decode()
    f = form(mark="forged", text="let me")
    f["headers"].update(mine)
    check(web.call("POST", url + "/reply", **f).status == 400, "a forged reply")
    f = form(mark=mark, text="Thank you, understood.")
    check(b"Thank you" not in web.call("POST", url + "/reply", **f).body, "no reply without the pass")
    f["headers"].update(mine)
    r = web.call("POST", url + "/reply", **f)
    check(r.status == 303, "a reply: %r" % r)
    page = web.get(url + "?replied=1", headers=mine)
    check(b"Thank you, understood." in page.body, "it stands there: %r" % page)
    said = admin.get("/api/v2/tickets/%d/comments.json" % t).json["comments"]
    check(said[-1]["author_id"] == nadia and said[-1]["body"] == "Thank you, understood.", "by the requester: %r" % said[-1])
    # Counted, in the trail.
    l = mara.get(links).json["secure_links"][0]
    check(l["views"] == 2 and l["viewed_at"] and l["wrong_tries"] >= 0, "views are counted: %r" % l)
    looks = admin.get("/api/v2/access_logs.json?filter%%5Buser_id%%5D=%d" % nadia).json["access_logs"]
    check(any(t in x["object_ids"] and "comments" in x["summary"] for x in looks), "the look is in the access log")
    log = admin.get("/api/v2/audit_logs.json?page%5Bsize%5D=100").json["audit_logs"]
    actions = [x.get("action_label", "") + x.get("action", "") + x.get("source_type", "") for x in log]
    check(any("secure_link" in a for a in actions), "its life is in the trail: %r" % actions[:8])
    # An agent ends it: at once, for the open page too.
    check(abe.delete(links + "/%d" % l["id"]).status == 404, "not by who does not see the ticket")
    check(mara.delete(links + "/%d" % l["id"]).status == 204, "revoked")
    check(mara.delete(links + "/%d" % l["id"]).status == 204 and mara.delete(links + "/9999").status == 404, "again is fine, unknown is not")
    r = web.get(url, headers=mine)
    check(r.status == 404 and b"Zyxwvut" not in r.body, "the page is gone: %r" % r)
    check(mara.get(links).json["secure_links"][0]["state"] == "revoked", "and says so")

    # Something both know; five wrong answers end it.
    r = mara.post(links, {"secure_link": {"comment_id": link["comment_id"], "proof": "known", "question": "date_of_birth", "answer": "03/14/1968", "expires_in_hours": 2}})
    check(r.status == 201 and "answer" not in r.json["secure_link"], "by a known datum, on a comment that is there: %r" % r)
    url2 = re.search(r"/help/secure/[\w-]+", mail_with("/help/secure/", 2)).group(0)
    check(url2 != url, "a link of its own")
    page = web.get(url2)
    check(b'type="date"' in page.body and b"Send me a code" not in page.body, "it asks for the date: %r" % page)
    check(web.call("POST", url2 + "/code", **form()).status == 404, "no code for it")
    check(web.call("POST", url2 + "/proof", **form(answer="1968-03-15")).status == 400, "a wrong day")
    r = web.call("POST", url2 + "/proof", **form(answer="1968-03-14"))
    check(r.status == 303, "the same day, written another way: %r" % r)
    pass2 = r.headers["Set-Cookie"].split(";")[0]
    check(SECRET.encode() in web.get(url2, headers={"Cookie": pass2}).body, "opened")
    check(b"Zyxwvut" not in web.get(url2, headers=mine).body, "another link's pass opens nothing")
    for i in range(5):
        r = web.call("POST", url2 + "/proof", **form(answer="1950-01-0%d" % (i + 1)))
    check(web.call("POST", url2 + "/proof", **form(answer="1968-03-14")).status == 404, "five wrong answers lock it")
    check(mara.get(links).json["secure_links"][0]["state"] == "locked", "which an agent sees")
    # Suspended people read nothing.
    r = mara.post(links, {"secure_link": {"comment_id": link["comment_id"], "proof": "known", "question": "passphrase", "answer": "blue kettle"}})
    url3 = re.search(r"/help/secure/[\w-]+", mail_with("/help/secure/", 3)).group(0)
    r = web.call("POST", url3 + "/proof", **form(answer="Blue  KETTLE"))
    pass3 = {"Cookie": r.headers["Set-Cookie"].split(";")[0]}
    check(SECRET.encode() in web.get(url3, headers=pass3).body, "open")
    admin.put("/api/v2/users/%d.json" % nadia, {"user": {"suspended": True}})
    check(b"Zyxwvut" not in web.get(url3, headers=pass3).body, "not for who is suspended")
    admin.put("/api/v2/users/%d.json" % nadia, {"user": {"suspended": False}})
    admin.put("/api/v2/tickets/%d/comments/%d/make_private.json" % (t, link["comment_id"]), {})
    check(b"Zyxwvut" not in web.get(url3, headers=pass3).body, "not what was made a note")
    log = open(desk.log, errors="replace").read()
    check("Zyxwvut" not in log and url.rsplit("/", 1)[1] not in log and code not in log and pass1.split("=")[1] not in log, "nothing of it in the log")
    check(not any("Zyxwvut" in x for x in texts()), "and in no mail")
done("secure")
