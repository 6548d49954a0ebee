#!/usr/bin/env python3
"""The help centre without script: asking, signing in by a link and a code, reading, replying, as a plain browser posts it."""
import html, os, quopri, re
from desk import Client, Desk, SLOW, check, done, form
from peers import Authority, Relay, until

SECRET = "Quibble<b>&\"'"


with Desk(start=False) as desk:
    with open(os.path.join(desk.data, "ward.conf"), "a") as f:
        f.write("base_url = https://desk.clinic.example\n")
    desk.start()
    admin = desk.admin()
    nadia, _ = desk.person(admin, "Nadia Fairbanks", "nadia@patients.example")
    otto, _ = desk.person(admin, "Otto Other", "otto@patients.example")
    mara, _ = desk.person(admin, "Mara Ostrov", "mara@clinic.example", "agent")

    def ticket(subject, body, requester, **more):
        r = admin.post("/api/v2/tickets.json", {"ticket": dict(subject=subject, comment={"body": body}, requester_id=requester, **more)})
        return r.json["ticket"]["id"]

    first = ticket("Refill " + SECRET, "My dose is 5 mg. " + SECRET, nadia)
    other = ticket("Otto's own", "Private to Otto.", otto)
    admin.put("/api/v2/tickets/%d.json" % first, {"ticket": {"status": "open", "comment": {"body": "a note for us", "public": False}}})
    web = Client(desk)
    page = web.get("/help")
    check(page.status == 200 and b"<form" not in page.body.replace(b"<form method=\"post\" action=\"/help/sign-out\">", b""), "the front page: %r" % page)
    check("script-src" not in page.headers["Content-Security-Policy"] and b"<script" not in page.body, "no script at all")
    check(web.get("/help.css").status == 200, "its style sheet")
    r = web.get("/help/requests/%d" % first)
    check(r.status == 303 and r.headers["Location"] == "/help/sign-in", "nobody is sent to the sign-in: %r" % r)
    r = web.call("POST", "/help/sign-in", **form(email="nadia@patients.example"))
    check(r.status == 503, "without mail it says so: %r" % r)
    ca = Authority(os.path.join(desk.dir, "ca"))
    relay = Relay(ca.sign("localhost", "DNS:localhost"))
    r = admin.put("/api/ward/v1/mail", {"mail": {"host": "localhost", "port": relay.port, "from": "help@clinic.example", "ca_pem": ca.pem(), "retry_seconds": 1}})
    admin.post("/api/ward/v1/destinations", {"destination": {"kind": "recipient", "pattern": "*"}})
    check(r.status == 200, "mail is set up: %r" % r)

    def link(email):
        r = web.call("POST", "/help/sign-in", **form(email=email))
        check(r.status == 200, "a link is asked for: %r" % r)
        code = re.search(rb"<strong>(\d{6})</strong>", r.body).group(1).decode()
        mails = lambda: [m for m in relay.got if email.encode() in b" ".join(x if isinstance(x, bytes) else str(x).encode() for x in m.values()) and b"/help/link/" in quopri.decodestring(m["data"])]
        if not until(lambda: len(mails()) > seen.get(email, 0), (5 if email in ("nadia@patients.example", "otto@patients.example") else 1) * SLOW):
            return code, None, r
        seen[email] = len(mails())
        return code, re.search(rb"/help/link/[\w-]+", quopri.decodestring(mails()[-1]["data"])), r

    seen = {}
    code, found, unknown = link("nobody-here@patients.example")
    check(found is None, "nobody gets no mail")
    code, found, staff = link("mara@clinic.example")
    check(found is None, "staff get no link")
    code, found, known = link("nadia@patients.example")
    if not check(found is not None, "the link comes by mail: %r" % admin.get("/api/ward/v1/outbox").json):
        done("help")
    strip = lambda b: re.sub(rb"\d{6}", b"", b)
    check(strip(unknown.body) == strip(known.body) == strip(staff.body), "the page reads the same whoever asked")
    url = found.group(0).decode()
    for _ in range(2):
        r = web.call("POST", url, **form(code="000000" if code != "000000" else "111111"))
        check(r.status == 400 and "Set-Cookie" not in r.headers, "a wrong code: %r" % r)
    check(web.get(url).status == 200, "the link's page")
    r = web.call("POST", url, **form(code=code))
    check(r.status == 303 and r.headers["Location"] == "/help", "signed in: %r" % r)
    cookie = r.headers["Set-Cookie"]
    check(all(w in cookie for w in ("HttpOnly", "Secure", "SameSite=Strict")), "the cookie is guarded: " + cookie)
    check(web.call("POST", url, **form(code=code)).status == 400, "a link works once")
    me = Client(desk, cookie=cookie.split(";")[0].split("=", 1)[1])
    home = me.get("/help")
    check(home.status == 200 and html.escape(SECRET, True).replace("&#x27;", "&#39;").encode() in home.body and b"Quibble<b>" not in home.body, "own requests, escaped")
    check(b"Otto" not in home.body, "not those of others")
    csrf = re.search(rb'name="csrf" value="([^"]+)"', home.body).group(1).decode()
    page = me.get("/help/requests/%d" % first)
    check(page.status == 200 and b"My dose" in page.body and b"a note for us" not in page.body and b"Quibble<b>" not in page.body, "reading, without the notes")
    check(me.get("/help/requests/%d" % other).status == 404 and me.get("/help/requests/99999").status == 404, "foreign reads as unknown")
    check(me.get("/help/requests/%d" % other).body == me.get("/help/requests/99999").body, "byte for byte")
    r = me.call("POST", "/help/requests/%d/reply" % first, **form(csrf="wrong", text="forged"))
    check(r.status == 400, "a forged form changes nothing: %r" % r)
    r = me.call("POST", "/help/requests/%d/reply" % first, **form(csrf=csrf, text="  "))
    check(r.status == 422 and b"cannot be blank" in r.body, "an empty reply is said: %r" % r)
    r = me.call("POST", "/help/requests/%d/reply" % other, **form(csrf=csrf, text="let me in"))
    check(r.status == 404, "no reply to what is foreign: %r" % r)
    r = me.call("POST", "/help/requests/%d/reply" % first, **form(csrf=csrf, text="Thank you. " + SECRET + " ü"))
    check(r.status == 303, "a reply: %r" % r)
    said = [(c["public"], c["body"], c["author_id"]) for c in admin.get("/api/v2/tickets/%d/comments.json" % first).json["comments"]]
    check((True, "Thank you. " + SECRET + " ü", nadia) in said and len(said) == 3, "it is a public comment of the requester: %r" % said)
    r = me.call("POST", "/help/requests/%d/solved" % first, **form(csrf=csrf))
    check(r.status == 303 and admin.get("/api/v2/tickets/%d.json" % first).json["ticket"]["status"] == "solved", "solved by the requester: %r" % r)
    r = me.call("POST", "/help/ask", **form(csrf=csrf, subject="School form", text="May I have the form?"))
    check(r.status == 303 and r.headers["Location"].startswith("/help/requests/"), "asking while signed in: %r" % r)
    t = admin.get("/api/v2/tickets/%s.json" % r.headers["Location"].rsplit("/", 1)[1].split("?")[0]).json["ticket"]
    check(t["requester_id"] == nadia and t["via"]["channel"] == "web", "it is theirs, from the web: %r" % t)
    es = Client(desk)
    check("Ayuda".encode() in es.get("/help", headers={"Accept-Language": "es-MX,es;q=0.9"}).body, "Spanish")
    # Looks are in the access log.
    looks = admin.get("/api/v2/access_logs.json?filter%%5Buser_id%%5D=%d" % nadia).json["access_logs"]
    check(any(first in l["object_ids"] and "comments" in l["summary"] for l in looks), "the look is in the access log")
    r = me.call("POST", "/help/sign-out", **form(csrf=csrf))
    check(r.status == 303 and me.get("/help/requests/%d" % first).status == 303, "signed out: %r" % r)
    # Five wrong codes end a link.
    code, found, _ = link("otto@patients.example")
    for i in range(5):
        web.call("POST", found.group(0).decode(), **form(code="%06d" % ((int(code) + i + 1) % 1000000)))
    check(web.call("POST", found.group(0).decode(), **form(code=code)).status == 400, "guessing ends the link")
    # Nobody asks unless the account lets them.
    r = web.call("POST", "/help/ask", **form(name="N", email="n@x.example", subject="s", text="t"))
    check(r.status == 303, "no anonymous request by default: %r" % r)
    log = open(desk.log, errors="replace").read()
    check("Quibble" not in log and url.rsplit("/", 1)[1] not in log, "nothing of it in the log")
done("help")
