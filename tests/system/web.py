#!/usr/bin/env python3
"""The page of web/ in a real browser: chromium through playwright-core, every console line and refused resource counted."""
import os, shutil, subprocess, sys, tempfile
from desk import BUILD, Client, Desk, check, done

HERE = os.path.dirname(os.path.abspath(__file__))
home = os.path.join(BUILD, "node")
chromium = shutil.which("chromium")
if not chromium:
    print("chromium is not installed (apt-get install chromium)")
    sys.exit(77)
if not shutil.which("npm"):
    print("npm is not installed")
    sys.exit(77)
if not os.path.isdir(os.path.join(home, "node_modules", "playwright-core")):
    os.makedirs(home, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(os.path.join(HERE, "node", name), home)
    r = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=home, capture_output=True, text=True)
    if r.returncode:
        print(r.stdout, r.stderr)
        print("playwright-core cannot be installed")
        sys.exit(77)

PASSWORD = "a password for the browser"
HOSTILE = "<img src=x onerror=document.title='owned'><script>document.title='owned'</script> \u202egnp.exe " + "W" * 300
with Desk() as desk:
    admin = desk.admin()
    mara, _ = desk.person(admin, "Mara Ostrov", "mara@clinic.example", "agent", password=PASSWORD)
    paul, _ = desk.person(admin, "Paul Lindqvist", "paul@clinic.example", "agent", password=PASSWORD, ticket_restriction="assigned")
    nadia, _ = desk.person(admin, "Nadia Fairbanks", "nadia@patients.example", password=PASSWORD)
    odd, _ = desk.person(admin, "<b>Odd</b> \u202eeman", "odd@patients.example")

    def ticket(subject, body, requester, **more):
        r = admin.post("/api/v2/tickets.json", {"ticket": dict(subject=subject, comment={"body": body}, requester_id=requester, **more)})
        check(r.status == 201, "a ticket is made: %r" % r)
        return r.json["ticket"]["id"]

    first = ticket("Refill before Friday", "Hello,\nmy date of birth is 03/14/1968 and my MRN is 00482913.\nPlease call (312) 555-0148.", nadia)
    hostile = ticket(HOSTILE, HOSTILE + "\n<a href='javascript:alert(1)'>here</a>", odd, status="open")
    ticket("For Paul alone", "Please look at this chair.", odd, status="open", assignee_id=paul)
    for i in range(55):
        ticket("Parking question %d" % i, "Where may I park?", odd)

    folder = tempfile.mkdtemp(prefix="ward-web-")
    env = dict(os.environ, NODE_PATH=os.path.join(home, "node_modules"), HOME=folder)
    try:
        r = subprocess.run(["node", os.path.join(HERE, "web.js"), str(desk.port), os.path.join(desk.data, "tls.crt"), chromium, folder, PASSWORD,
                            str(first), str(hostile), HOSTILE, desk.PASSWORD], env=env, capture_output=True, text=True, timeout=600)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(r.stdout[-4000:], r.stderr[-3000:])
    check(r.returncode == 0 and "steps" in r.stdout, "the steps in the browser all pass")

    said = admin.get("/api/v2/tickets/%d/comments.json" % first).json["comments"]
    texts = [(c["public"], c["body"]) for c in said]
    check(not any("00482913" in t for _, t in texts), "what was redacted in the page is gone: %r" % texts)
    check((False, "Asked the pharmacy.") in texts, "the note is a note")
    check((True, "We will call you at (312) 555-0148.") in texts, "what was sent all the same is public")
    check((False, "Born 03/14/1968, verified.") in texts, "what was turned into a note is a note")
    check((True, "Thank you, I wait for the call.") in texts, "the requester's reply is there")
    check((True, "Still there after the sign-in.") in texts, "what was typed when the session ended was sent")
    check(len(texts) == 6, "nothing was sent twice: %d" % len(texts))
    page = Client(desk).get("/")
    check("require-trusted-types-for 'script'" in page.headers["Content-Security-Policy"], "the page forbids text as script")
done("web")
