#!/usr/bin/env python3
"""The desk on screen in a real browser: chromium through playwright-core, every console line and refused resource counted.

SHOTS=folder keeps a picture of each page in three widths."""
import json, os, shutil, subprocess, sys, tempfile
from desk import Client, Desk, check, done, node_env, node_modules

HERE = os.path.dirname(os.path.abspath(__file__))
chromium = shutil.which("chromium")
if not chromium:
    print("chromium is not installed (apt-get install chromium)")
    sys.exit(77)
modules = node_modules()
PASSWORD = "a password for the browser"
HOSTILE = "<img src=x onerror=document.title='owned'><script>document.title='owned'</script> \u202egnp.exe " + "W" * 300
with open(os.path.join(HERE, "hostile.json")) as f:
    XSS = json.load(f)                      # HTML of mails that would like to be more
with Desk(start=False) as desk:
    with open(os.path.join(desk.data, "ward.conf"), "a") as f:
        f.write("base_url = https://desk.clinic.example\n")
    desk.start()
    admin = desk.admin()

    def staff(name, email, **fields):
        uid, _ = desk.person(admin, name, email, "agent", password=PASSWORD, **fields)
        secret, codes = desk.factor(email)
        return {"id": uid, "email": email, "password": PASSWORD, "secret": secret, "codes": codes}

    mara, paul = staff("Mara Ostrov", "mara@clinic.example"), staff("Paul Lindqvist", "paul@clinic.example", ticket_restriction="assigned")
    ines = staff("Ines Masked", "ines@clinic.example")
    r = admin.put("/api/ward/v1/phi/users/%d" % ines["id"], {"setting": False})
    check(r.status == 200, "PHI is masked for one: %r" % r)
    fresh = {"email": "fresh@clinic.example", "password": PASSWORD}
    fresh["id"], _ = desk.person(admin, "Fresh Newcomer", fresh["email"], "agent", password=PASSWORD)
    nadia, _ = desk.person(admin, "Nadia Fairbanks", "nadia@patients.example", password=PASSWORD)
    odd, _ = desk.person(admin, "<b>Odd</b> \u202eeman", "odd@patients.example")
    secret, codes = desk.factor()

    def ticket(subject, body, requester, **more):
        r = admin.post("/api/v2/tickets.json", {"ticket": dict(subject=subject, comment={"body": body}, requester_id=requester, **more)})
        check(r.status == 201, "a ticket is made: %r" % r)
        return r.json["ticket"]["id"]

    first = ticket("Refill before Friday", "Hello,\nmy date of birth is 03/14/1968 and my MRN is 00482913.\nPlease call (312) 555-0148.", nadia, priority="high")
    hostile = ticket(HOSTILE, HOSTILE + "\n<a href='javascript:alert(1)'>here</a>", odd, status="open")
    chair = ticket("For Paul alone", "Please look at this chair.", odd, status="open", assignee_id=paul["id"])
    def define(kind, **fields):
        r = admin.post("/api/v2/%ss.json" % kind, {kind: fields})
        check(r.status == 201, "%s is defined: %r" % (kind, r))
        return r.json[kind]["id"]

    visit = define("ticket_field", type="tagger", title="Visit", custom_field_options=[{"name": "First visit", "value": "visit_first"}, {"name": "Follow-up", "value": "visit_again"}])
    diagnosis = define("ticket_field", type="text", title="Diagnosis", phi=True, phi_purpose="Triage of follow-ups")
    define("ticket_form", name="Clinic form", ticket_field_ids=[visit, diagnosis], agent_conditions=[
        {"parent_field_id": visit, "value": "visit_again", "child_fields": [{"id": diagnosis, "is_required": False}]}])
    r = admin.put("/api/ward/v1/mail.json", {"mail": {"host": "localhost", "port": 9, "from": "support@clinic.example"}})
    check(r.status == 200, "mail has a relay, which is away: %r" % r)
    ssn = ticket("My papers", "My SSN is 212-45-6789.", nadia, custom_fields=[{"id": diagnosis, "value": "Asthma, MRN 00482913"}])
    chair0 = ticket("Cushions for the waiting room", "Ours are worn.", odd)
    ticket("Portal outage since this morning", "Nobody can sign in to the portal.", odd, type="problem", status="open")
    for i in range(55):
        ticket("Parking question %d" % i, "Where may I park?", odd)
    for i, html in enumerate(XSS):
        raw = ("From: Odd <odd@patients.example>\r\nTo: help@clinic.example\r\nSubject: Hostile page %d\r\nMessage-ID: <x%d@patients.example>\r\n"
               "MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body>%s</body></html>\r\n" % (i, i, html)).encode()
        check(desk.deliver(raw).returncode == 0, "a hostile mail is taken")
    mails = [t["id"] for t in admin.get("/api/v2/tickets.json?per_page=100&sort_by=created_at&sort_order=desc").json["tickets"] if (t["subject"] or "").startswith("Hostile page")]
    check(len(mails) == len(XSS), "each hostile mail is a ticket: %d" % len(mails))

    folder = tempfile.mkdtemp(prefix="ward-web-")
    shots = os.environ.get("SHOTS", "")
    if shots:
        os.makedirs(shots, exist_ok=True)
    facts = os.path.join(folder, "facts.json")
    with open(facts, "w") as f:
        json.dump({"port": desk.port, "cert": os.path.join(desk.data, "tls.crt"), "chromium": chromium, "folder": folder, "shots": shots, "first": first, "hostile": hostile, "chair": chair, "chair0": chair0, "ssn": ssn, "bearer": desk.token(None, "--bearer"),
                   "hostileText": HOSTILE, "mails": mails, "mara": mara, "paul": paul, "ines": ines, "fresh": fresh, "nadia": {"email": "nadia@patients.example", "password": PASSWORD},
                   "admin": {"email": desk.ADMIN, "password": desk.PASSWORD, "secret": secret, "codes": codes}}, f)
    env = node_env(modules, HOME=folder)
    try:
        r = subprocess.run(["node", os.path.join(HERE, "web.js"), facts], env=env, capture_output=True, text=True, timeout=900)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(r.stdout[-6000:], r.stderr[-3000:])
    check(r.returncode == 0 and "steps" in r.stdout, "the steps in the browser all pass")

    said = admin.get("/api/v2/tickets/%d/comments.json" % first).json["comments"]
    texts = [(c["public"], c["body"]) for c in said]
    check(not any("00482913" in t for _, t in texts), "what was redacted in the page is gone")
    for want in ((False, "Asked the pharmacy."), (False, "Born 03/14/1968, verified."), (True, "Here is the form."),
                 (True, "Thank you, I wait for the call."), (True, "Still there after the sign-in.")):
        check(texts.count(want) == 1, "once, as it was meant: %r" % (want,))
    call = [b for p, b in texts if p and b.startswith("We will call you at ")]
    check(len(call) == 1 and "555" not in call[0], "what the bulk redaction took is gone: %r" % call)
    page = Client(desk).get("/")
    policy = page.headers["Content-Security-Policy"]
    check("require-trusted-types-for 'script'" in policy and "unsafe" not in policy, "the page forbids text as script")
done("web")
