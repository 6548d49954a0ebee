#!/usr/bin/env python3
"""The help centre in a real browser: without JavaScript from the question to the answer, with it where it helps, on a phone, in
Spanish, against hostile mails and articles. SHOTS=folder keeps pictures."""
import json, os, shutil, subprocess, sys, tempfile
from desk import Desk, check, done, node_env, node_modules
from peers import Authority, Relay

HERE = os.path.dirname(os.path.abspath(__file__))
chromium = shutil.which("chromium")
if not chromium:
    print("chromium is not installed (apt-get install chromium)")
    sys.exit(77)
modules = node_modules()
with open(os.path.join(HERE, "hostile.json")) as f:
    HOSTILE = json.load(f)
with Desk(start=False) as desk:
    with open(os.path.join(desk.data, "ward.conf"), "a") as f:
        f.write("base_url = https://localhost\n")
    desk.start()
    admin = desk.admin()
    nadia, _ = desk.person(admin, "Nadia Fairbanks", "nadia@patients.example")
    odd, _ = desk.person(admin, "<b>Odd</b> \u202eeman", "odd@patients.example")
    mara, agent = desk.person(admin, "Mara Ostrov", "mara@clinic.example", "agent")
    ca = Authority(os.path.join(desk.dir, "ca"))
    relay = Relay(ca.sign("localhost", "DNS:localhost"))
    admin.put("/api/ward/v1/mail", {"mail": {"host": "localhost", "port": relay.port, "from": "help@clinic.example", "ca_pem": ca.pem(), "retry_seconds": 1}})
    admin.post("/api/ward/v1/destinations", {"destination": {"kind": "recipient", "pattern": "*"}})
    admin.put("/api/v2/account/settings.json", {"settings": {"active_features": {"customer_satisfaction_survey": True}}})
    brand = [b for b in admin.get("/api/v2/brands.json").json["brands"] if b["default"]][0]["id"]
    admin.put("/api/v2/brands/%d.json" % brand, {"brand": {"name": "Lakeside Clinic", "color": "#1f4e79"}})

    def field(title, type, **more):
        return admin.post("/api/v2/ticket_fields.json", {"ticket_field": dict(title=title, type=type, visible_in_portal=True, editable_in_portal=True, **more)}).json["ticket_field"]["id"]

    topic = field("What do you need?", "tagger", required_in_portal=True, custom_field_options=[{"name": "A bill", "value": "bill"}, {"name": "A refill", "value": "refill"}])
    number = field("Invoice number", "text", description="It stands at the top right.")
    system = [f["id"] for f in admin.get("/api/v2/ticket_fields.json").json["ticket_fields"] if f["type"] in ("subject", "description")]
    form = admin.post("/api/v2/ticket_forms.json", {"ticket_form": {"name": "Bills and refills", "end_user_visible": True, "ticket_field_ids": system + [topic, number],
        "end_user_conditions": [{"parent_field_id": topic, "value": "bill", "child_fields": [{"id": number, "is_required": True}]}]}}).json["ticket_form"]["id"]
    cat = admin.post("/api/v2/help_center/categories.json", {"category": {"name": "Your visit", "description": "Before, during and after."}}).json["category"]["id"]
    sec = admin.post("/api/v2/help_center/categories/%d/sections.json" % cat, {"section": {"name": "Getting here"}}).json["section"]["id"]

    def article(title, body, **more):
        return admin.post("/api/v2/help_center/sections/%d/articles.json" % sec, {"article": dict(title=title, body=body, **more)}).json["article"]["id"]

    parking = article("Where to park", "<h2>By car</h2><p>Level <b>B</b> of the north garage. <a href=\"https://maps.example\">Map</a></p><table><tr><th>Hours</th><th>Price</th></tr><tr><td>1</td><td>$3</td></tr></table><ul><li>Bring the ticket.</li></ul>")
    admin.post("/api/v2/help_center/articles/%d/translations.json" % parking, {"translation": {"locale": "es", "title": "Dónde aparcar", "body": "<p>Nivel B del garaje norte.</p>"}})
    hostile = [article("Hostile %d" % i, html) for i, html in enumerate(HOSTILE)]
    mails = []
    for i, html in enumerate(HOSTILE):
        raw = ("From: Nadia <nadia@patients.example>\r\nTo: help@clinic.example\r\nSubject: Hostile page %d\r\nMessage-ID: <h%d@patients.example>\r\n"
               "MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body>%s</body></html>\r\n" % (i, i, html)).encode()
        check(desk.deliver(raw).returncode == 0, "a hostile mail is taken")
    for n in (1, 2):
        mails += [t["id"] for t in admin.get("/api/v2/tickets.json?per_page=100&page=%d" % n).json["tickets"] if t["requester_id"] == nadia]
    check(len(mails) == len(HOSTILE), "each is a request of hers: %d" % len(mails))
    first = admin.post("/api/v2/tickets.json", {"ticket": {"subject": "School form", "comment": {"body": "May I have the form for school sports?"}, "requester_id": nadia, "status": "open", "assignee_id": mara}}).json["ticket"]["id"]
    r = agent.post("/api/ward/v1/tickets/%d/secure_links" % first, {"secure_link": {"comment": {"body": "Your result is normal: potassium 4.1."}, "status": "pending"}})
    check(r.status == 201, "a secure answer: %r" % r)
    # Rows of what the relay took, for the browser's side to read.
    folder = tempfile.mkdtemp(prefix="ward-web-help-")
    box = os.path.join(folder, "mails")
    os.makedirs(box)
    facts = os.path.join(folder, "facts.json")
    shots = os.environ.get("SHOTS", "")
    if shots:
        os.makedirs(shots, exist_ok=True)
    with open(facts, "w") as f:
        json.dump({"port": desk.port, "cert": os.path.join(desk.data, "tls.crt"), "chromium": chromium, "folder": folder, "shots": shots, "box": box, "first": first, "form": form, "topic": topic, "number": number,
                   "parking": parking, "section": sec, "category": cat, "hostile": hostile, "mails": mails,
                   "admin": {"email": desk.ADMIN, "password": desk.PASSWORD, "codes": desk.factor()[1]}}, f)
    env = node_env(modules, HOME=folder)
    try:
        with relay.carried(box):
            r = subprocess.run(["node", os.path.join(HERE, "web_help.js"), facts], env=env, capture_output=True, text=True, timeout=600)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(r.stdout[-6000:], r.stderr[-3000:])
    check(r.returncode == 0 and "steps" in r.stdout, "the steps in the browser all pass")
    asked = [t for t in admin.get("/api/v2/tickets.json?per_page=100&sort_by=created_at&sort_order=desc").json["tickets"] if t["subject"] == "About my bill"]
    check(len(asked) == 1 and asked[0]["ticket_form_id"] == form and {f["id"]: f["value"] for f in asked[0]["custom_fields"] if f["value"]} == {topic: "bill", number: "A-17"}, "what was asked without script arrived: %r" % asked)
    said = [c["body"] for c in admin.get("/api/v2/tickets/%d/comments.json" % first).json["comments"]]
    check(said.count("Thank you, read it.") == 1 and said.count("One more thing.") == 1, "the replies arrived once: %r" % said)
    ratings = admin.get("/api/v2/satisfaction_ratings.json").json["satisfaction_ratings"]
    check(len(ratings) == 1 and ratings[0]["score"].startswith("good"), "the rating too: %r" % ratings)
done("web_help")
