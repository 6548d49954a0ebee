#!/usr/bin/env python3
"""What an agent writes: HTML that was washed, drafts that are kept and sealed, placeholders that are resolved."""
import os, re, sqlite3, sys, time
from desk import Client, Desk, check, done

XSS = [
    "<b>x</b><script>alert(1)</script>", "<b>x</b><img src=x onerror=alert(1)>", "<b onclick=alert(1) style='color:red'>x</b>",
    "<a href=\"javascript:alert(1)\">x</a><i>y</i>", "<a href=\"java&#10;script:alert(1)\">x</a><b>y</b>", "<a href='data:text/html,x'>x</a><b>y</b>",
    "<svg><b>x</b><script>alert(1)</script></svg><b>y</b>", "<math><mtext><b>x</b></mtext></math><b>y</b>", "<b>x<!--</b>--><style>*{}</style></b>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe><b>x</b>", "<b>x</b><form action=//evil.example><input name=q></form>",
    "<a href=\"https://ok.example/?a=1&b=\\\"><script>alert(1)</script>\">x</a>", "<b>&lt;script&gt;alert(1)&lt;/script&gt;</b>",
    "<<b>script>alert(1)<</b>/script>", "<b>" * 40 + "deep", "</b></p></div><b>x", "<base href=//evil.example><b>x</b>", "<b>\u0000<scr\u0000ipt>x</b>",
]
ALLOWED = re.compile(r'<(/?(strong|em|u|s|p|div|ul|ol|li|blockquote|code|pre|h3|h4|table|thead|tbody|tfoot|tr|td|th|a)|br|hr|a href="(https?://|mailto:)[^"<>]*" rel="noopener noreferrer"|div class="zd-comment" dir="auto"|p dir="auto")>')

with Desk() as desk:
    admin = desk.admin()
    ana_id, ana = desk.person(admin, "Ana Agent", "ana@clinic.example", "agent")
    bo_id, bo = desk.person(admin, "Bo Agent", "bo@clinic.example", "agent")
    ines_id, ines = desk.person(admin, "Ines Masked", "ines@clinic.example", "agent")
    abe_id, abe = desk.person(admin, "Abe Assigned", "abe@clinic.example", "agent", ticket_restriction="assigned")
    nadia, eve = desk.person(admin, "Nadia Fairbanks", "nadia@patients.example")
    check(admin.put("/api/ward/v1/phi/users/%d" % ines_id, {"setting": False}).status == 200, "PHI is masked for one")
    t = admin.post("/api/v2/tickets.json", {"ticket": {"subject": "Refill", "comment": {"body": "Hello, my MRN is 00482913."}, "requester_id": nadia}}).json["ticket"]["id"]
    U = "/api/v2/tickets/%d" % t

    def say(html, **more):
        r = ana.put(U + ".json", {"ticket": {"comment": dict(html_body=html, **more)}})
        check(r.status == 200, "taken: %r" % r)
        return ana.get(U + "/comments.json?sort_order=desc&per_page=1").json["comments"][0]

    # ---- html
    c = say("<p>Take <b>two</b> <i>a day</i>:</p><ul><li>one</li><li>two</li></ul><blockquote>said</blockquote><p><a href='https://clinic.example/a?b=1&amp;c=2'>here</a> <code>x &lt; y</code></p>")
    check('<strong>two</strong> <em>a day</em>' in c["html_body"] and "<ul><li>one</li><li>two</li></ul>" in c["html_body"] and "<blockquote>said</blockquote>" in c["html_body"], "rich: %r" % c["html_body"])
    check('<a href="https://clinic.example/a?b=1&amp;c=2" rel="noopener noreferrer">here</a>' in c["html_body"] and "<code>x &lt; y</code>" in c["html_body"], "links and code: %r" % c["html_body"])
    check("two" in c["body"] and "- one" in c["body"] and "<" not in c["body"].replace("<https://", "").replace("x < y", ""), "and plain: %r" % c["body"])
    for x in XSS:
        c = say(x)
        check(not re.search("<", ALLOWED.sub("", c["html_body"])), "washed: %r -> %r" % (x[:80], c["html_body"][:300]))
        check(not re.search(r"(?i)<[^>]*(onerror|onclick|style|javascript:|srcdoc)", c["html_body"]), "nothing runs: %r" % c["html_body"][:300])
        again = say(c["html_body"])
        check(re.sub("^<div[^>]*>|</div>$", "", again["html_body"]).count("<strong>") == c["html_body"].count("<strong>"), "the same once more: %r" % again["html_body"][:200])
    c = say("<b>" * 200000 + "deep")
    check(c["html_body"].count("<strong>") <= 48 and "deep" in c["html_body"], "depth has an end")
    c = say("<p>plain only</p>")
    check(c["html_body"] == '<div class="zd-comment" dir="auto"><p dir="auto">plain only</p></div>', "paragraphs alone are plain text: %r" % c["html_body"])

    # Findings, masks and redactions reach it.
    c = say("<p>Her <b>MRN is 0048</b>2913 as said, call (312) 555-0148.</p>", public=False)
    check("555-0148" in c["html_body"], "seen in clear")
    seen = [x for x in ines.get(U + "/comments.json?per_page=100").json["comments"] if x["id"] == c["id"]][0]
    check("555-0148" not in seen["html_body"] and "2913" not in seen["html_body"], "masked for who may not: %r" % seen["html_body"])
    f = ana.get("/api/ward/v1/tickets/%d/findings" % t).json["comments"]
    check(any(x["comment_id"] == c["id"] and x["findings"] for x in f), "found through the tags")
    r = admin.put(U + "/comments/%d/redact.json" % c["id"], {"text": "00482913"})
    check(r.status == 200, "redacted: %r" % r)
    c = [x for x in ana.get(U + "/comments.json?per_page=100").json["comments"] if x["id"] == c["id"]][0]
    check("2913" not in c["html_body"] and "0048" not in c["html_body"] and "00482913" not in c["body"], "gone from the HTML too: %r" % c["html_body"])

    # ---- drafts
    D = "/api/ward/v1/tickets/%d/draft" % t
    check(ana.get(D).json == {"draft": None}, "nothing yet")
    r = ana.put(D, {"draft": {"html_body": "<p>Dear <b>Zanzibarova</b>, MRN 77120934<script>x</script></p>", "public": False, "version": 0}})
    check(r.status == 200 and r.json["draft"]["version"] > 0, "kept: %r" % r)
    v = r.json["draft"]["version"]
    d = ana.get(D).json["draft"]
    check(d["html_body"] == "<p>Dear <strong>Zanzibarova</strong>, MRN 77120934</p>" and d["public"] is False and d["version"] == v and "Zanzibarova" in d["body"], "as it was: %r" % d)
    check(bo.get(D).json == {"draft": None}, "it is its writer's alone")
    check(admin.get(D).json == {"draft": None}, "also from the administrator")
    check(eve.get(D).status == 403, "not for end users")
    a, b = abe.get(D), abe.get("/api/ward/v1/tickets/999999/draft")
    check(a.status == b.status == 404 and a.body == b.body, "a foreign ticket is an unknown one")
    check(abe.put(D, {"draft": {"body": "x"}}).status == 404, "nor written to")
    r = ana.put(D, {"draft": {"body": "another browser", "version": 0}})
    check(r.status == 409, "who did not see it does not write over it: %r" % r)
    r = ana.put(D, {"draft": {"body": "Going on. MRN 77120934", "version": v}})
    check(r.status == 200 and r.json["draft"]["version"] == v + 1, "who saw it does: %r" % r)
    for body, field in (({"draft": {"body": 5}}, "body"), ({"draft": {"body": "x", "public": "yes"}}, "public"), ({"draft": {"body": "x", "version": -3}}, "version"), ({"draft": {"public": True}}, "body"),
                        ({"draft": {"body": "x", "colour": 1}}, "base"), ({"draft": {"body": "x" * 300000}}, "body")):
        r = ana.put(D, body)
        check(r.status == 422 and field in r.json["details"], "refused with its field: %r" % r)
    for name in os.listdir(desk.data):
        p = os.path.join(desk.data, name)
        if os.path.isfile(p):
            check(b"Zanzibarova" not in open(p, "rb").read(), "sealed on disk: " + name)
    # Redaction of the ticket reaches the draft, under the new key.
    c = say("And again 77120934.", public=False)
    check(admin.put(U + "/comments/%d/redact.json" % c["id"], {"text": "77120934"}).status == 200, "redacted")
    d = ana.get(D).json["draft"]
    check(d is not None and "77120934" not in d["body"] and "Going on." in d["body"], "the draft loses it too: %r" % d)
    log = admin.get("/api/v2/audit_logs.json?per_page=100").json["audit_logs"]
    text = repr([x for x in log if "draft" in repr(x)])
    check("draft" in text and "Going" not in text and "Zanzibarova" not in text, "the trail knows that, not what: %s" % text[:300])
    looks = admin.get("/api/v2/access_logs.json?per_page=100").body
    check(b"draft" in looks, "opening it is a look")
    check(ana.delete(D).status == 204 and ana.get(D).json == {"draft": None} and ana.delete(D).status == 204, "dropped")
    # Sent from a session, it ends with the comment.
    mara_id, _ = desk.person(admin, "Mara Ostrov", "mara@clinic.example", "agent", password="a password for the browser")
    secret, codes = desk.factor("mara@clinic.example")
    r = Client(desk).post("/api/ward/v1/session", {"email": "mara@clinic.example", "password": "a password for the browser", "code": codes.pop()})
    mara = Client(desk, cookie=re.search("ward_session=([^;]+)", r.headers["Set-Cookie"]).group(1))
    mara.headers["X-CSRF-Token"] = mara.get("/api/v2/users/me.json").json["user"]["authenticity_token"]
    check(mara.put(D, {"draft": {"body": "half a sen"}}).status == 200, "begun")
    check(mara.put(U + ".json", {"ticket": {"priority": "high"}}).status == 200 and mara.get(D).json["draft"] is not None, "another change leaves it")
    check(mara.put(U + ".json", {"ticket": {"comment": {"body": "half a sentence"}}}).status == 200 and mara.get(D).json["draft"] is None, "sent: it is gone")
    r = mara.put(D, {"draft": {"body": "late", "version": v}})
    check(r.status == 409, "a late save of what was sent does not bring it back: %r" % r)

    # ---- files of a draft
    def upload(name, who=ana, data=b"some bytes"):
        r = who.post("/api/v2/uploads.json?filename=" + name, raw=data)
        check(r.status == 201, "uploaded: %r" % r)
        return r.json["upload"]["token"], r.json["upload"]["attachment"]["id"]

    def names(who, path=D):
        return [a["file_name"] for u in who.get(path).json["draft"]["uploads"] for a in u["attachments"]]

    one, one_id = upload("Zanzibarova-scan.txt")
    two, two_id = upload("two.txt")
    bos, bos_id = upload("bos.txt", bo)
    r = ana.put(D, {"draft": {"body": "", "uploads": [one, two]}})
    check(r.status == 200 and names(ana) == ["Zanzibarova-scan.txt", "two.txt"], "files alone are a draft: %r" % r)
    check(ana.put(D, {"draft": {"body": "with words"}}).status == 200 and len(names(ana)) == 2, "not spoken of, they stay")
    for bad in ([bos], ["no-such-token"], "x", [5], ["x"] * 101):
        r = ana.put(D, {"draft": {"body": "x", "uploads": bad}})
        check(r.status == 422 and "uploads" in r.json["details"], "somebody else's, unknown, nonsense: %r" % r)
    check(ana.get(D).json["draft"]["body"] == "with words" and len(names(ana)) == 2, "a refused one changes nothing")
    check(ana.put(D, {"draft": {"body": "x", "uploads": [two]}}).status == 200 and names(ana) == ["two.txt"], "one was taken out")
    check(ana.get("/api/v2/attachments/%d.json" % one_id).status == 404 and ana.get("/api/v2/attachments/%d.json" % two_id).status == 200, "and is gone")
    check(ana.delete("/api/v2/uploads/%s.json" % two).status == 204 and names(ana) == [], "deleted by itself it is not shown")
    three, three_id = upload("three.txt")
    check(ana.put(D, {"draft": {"body": "x", "uploads": [three]}}).status == 200, "another")
    check(ana.delete(D).status == 204 and ana.get("/api/v2/attachments/%d.json" % three_id).status == 404, "discarded with its draft")
    four, four_id = upload("four.txt", mara)
    check(mara.put(D, {"draft": {"body": "see file", "uploads": [four]}}).status == 200, "begun")
    r = mara.put(U + ".json", {"ticket": {"comment": {"body": "see file", "uploads": [four]}}})
    check(r.status == 200 and mara.get(D).json["draft"] is None, "sent: %r" % r)
    check(mara.get("/api/v2/attachments/%d.json" % four_id).status == 200, "and the file is the comment's")
    for name in os.listdir(desk.data):
        p = os.path.join(desk.data, name)
        if os.path.isfile(p):
            check(b"Zanzibarova" not in open(p, "rb").read(), "names of files are sealed: " + name)

    # ---- of a ticket that is not yet made
    N = "/api/ward/v1/draft"
    check(ana.get(N).json == {"draft": None}, "nothing yet")
    five, five_id = upload("five.txt")
    fields = {"subject": "Quagmirella asks", "requester_id": nadia, "tags": ["a", "b"], "custom": {"7": None}}
    r = ana.put(N, {"draft": {"html_body": "<p>Dear <b>Quagmirella</b></p>", "public": False, "version": 0, "fields": fields, "uploads": [five]}})
    check(r.status == 200 and "fields" not in r.json["draft"], "kept: %r" % r)
    d = ana.get(N).json["draft"]
    check(d["fields"] == fields and d["html_body"] == "<p>Dear <strong>Quagmirella</strong></p>" and d["public"] is False and names(ana, N) == ["five.txt"], "as it was: %r" % d)
    check(bo.get(N).json == {"draft": None} and admin.get(N).json == {"draft": None} and eve.get(N).status == 403, "its writer's alone")
    check(ana.put(N, {"draft": {"body": "x", "version": 0}}).status == 409, "a version here as well")
    for bad in ("x", ["x"], {"x": "y" * 70000}):
        r = ana.put(N, {"draft": {"body": "x", "fields": bad}})
        check(r.status == 422 and "fields" in r.json["details"], "refused: %r" % r)
    r = ana.put(D, {"draft": {"body": "x", "fields": {}}})
    check(r.status == 422, "a ticket's draft has no fields: %r" % r)
    for name in os.listdir(desk.data):
        p = os.path.join(desk.data, name)
        if os.path.isfile(p):
            check(b"Quagmirella" not in open(p, "rb").read(), "sealed on disk: " + name)
    check(b'"draft"' in admin.get("/api/v2/access_logs.json?per_page=100").body, "opening it is a look")
    check(ana.delete(N).status == 204 and ana.get(N).json == {"draft": None} and ana.get("/api/v2/attachments/%d.json" % five_id).status == 404, "dropped, its file too")

    # ---- placeholders
    P = "/api/ward/v1/tickets/%d/placeholders" % t
    r = ana.post(P, {"text": "Dear {{ticket.requester.first_name}}, #{{ticket.id}} {{nothing.at_all}}- {{current_user.name}}"})
    check(r.status == 200 and r.json["text"] == "Dear Nadia, #%d - Ana Agent" % t, "resolved: %r" % r)
    check({p["placeholder"]: p["value"] for p in r.json["placeholders"]}["{{ticket.requester.first_name}}"] == "Nadia", "each of them: %r" % r)
    r = ines.post(P, {"text": "{{ticket.requester.first_name}}|{{current_user.name}}"})
    check("Nadia" not in r.json["text"] and "Ines" in r.json["text"], "masked for who may not: %r" % r)
    check(ana.post(P, {"text": "{% if x %}"}).status == 422 and ana.post(P, {"text": 5}).status == 422 and ana.post(P, {}).status == 422, "Liquid and nonsense are refused")
    check(abe.post(P, {"text": "x"}).status == 404, "not of a foreign ticket")
    # Erased for good, the draft goes with the ticket.
    six, six_id = upload("six.txt")
    check(ana.put(D, {"draft": {"body": "last words", "uploads": [six]}}).status == 200, "begun once more")
    admin.delete(U + ".json")
    check(admin.delete("/api/v2/deleted_tickets/%d.json" % t).status in (200, 204), "for good")
    until = time.time() + 10
    while ana.get("/api/v2/attachments/%d.json" % six_id).status != 404 and time.time() < until:
        time.sleep(0.1)
    check(ana.get(D).status == 404 and ana.get("/api/v2/attachments/%d.json" % six_id).status == 404, "nothing of it")

    # What nobody claimed goes after three days; what a draft names stays for the draft's thirty.
    lone, lone_id = upload("lone.txt")
    kept, kept_id = upload("kept.txt")
    check(ana.put(N, {"draft": {"body": "slow", "uploads": [kept]}}).status == 200, "one is named")

    def later(days):
        desk.stop()
        db = sqlite3.connect(os.path.join(desk.data, "ward.db"))
        for table, column in (("attachment", "created_at"), ("draft", "updated_at")):
            db.execute("UPDATE %s SET %s = %s - ?" % (table, column, column), (days * 86400 * 1000000,))
        db.commit()
        db.close()
        desk.start()

    def left():
        db = sqlite3.connect("file:%s?mode=ro" % os.path.join(desk.data, "ward.db"), uri=True)
        rows = {r[0] for r in db.execute("SELECT id FROM attachment")}
        drafts = db.execute("SELECT COUNT(*) FROM draft").fetchone()[0]
        db.close()
        return rows, drafts

    def gone(i):
        until = time.time() + 15
        while i in left()[0] and time.time() < until:
            time.sleep(0.2)
        return i not in left()[0]

    later(4)
    check(gone(lone_id), "swept")
    check(kept_id in left()[0] and names(ana, N) == ["kept.txt"], "the draft's file stays")
    r = ana.post("/api/v2/tickets.json", {"ticket": {"subject": "s", "comment": {"body": "b", "uploads": [kept]}, "requester_id": nadia}})
    check(r.status == 201, "and can be sent after those days: %r" % r)
    last, last_id = upload("last.txt")
    check(ana.put(N, {"draft": {"body": "slow", "uploads": [last]}}).status == 200, "another")
    later(31)
    check(gone(last_id) and left()[1] == 0 and kept_id in left()[0], "after thirty days the draft goes, and its file: %r" % (left(),))
done("compose")
