#!/usr/bin/env python3
"""The ten most used paths by keyboard alone: what has the focus can be seen, is named, and is never lost; what opened closes with
Escape; what was done is said; nothing that is open on the way breaks WCAG 2.2 AA, light or dark, at 320 px. SHOTS=folder keeps pictures."""
import hashlib, json, os, shutil, subprocess, sys, tempfile
from desk import SLOW, Desk, check, done, node_env, node_modules
from peers import Authority, Relay

HERE = os.path.dirname(os.path.abspath(__file__))
chromium = shutil.which("chromium")
if not chromium:
    print("chromium is not installed (apt-get install chromium)")
    sys.exit(77)
modules = node_modules()
PASSWORD = "a password for the browser"
with Desk(start=False) as desk:
    with open(os.path.join(desk.data, "ward.conf"), "a") as f:
        f.write("base_url = https://localhost\n")
    desk.start()
    admin = desk.admin()
    ca = Authority(os.path.join(desk.dir, "ca"))
    relay = Relay(ca.sign("localhost", "DNS:localhost"))
    admin.put("/api/ward/v1/mail", {"mail": {"host": "localhost", "port": relay.port, "from": "help@clinic.example", "ca_pem": ca.pem(), "retry_seconds": 1}})
    admin.post("/api/ward/v1/destinations", {"destination": {"kind": "recipient", "pattern": "*"}})

    def staff(name, email, **fields):
        uid, client = desk.person(admin, name, email, "agent", password=PASSWORD, **fields)
        secret, codes = desk.factor(email)
        return {"id": uid, "email": email, "password": PASSWORD, "secret": secret, "codes": codes}, client

    mara, agent = staff("Mara Ostrov", "mara@clinic.example")
    ines, _ = staff("Ines Masked", "ines@clinic.example")
    paul, _ = staff("Paul Lindqvist", "paul@clinic.example")
    check(admin.put("/api/ward/v1/phi/users/%d" % ines["id"], {"setting": False}).status == 200, "PHI is masked for one")
    fresh = {"email": "fresh@clinic.example", "password": PASSWORD}
    desk.person(admin, "Fresh Newcomer", fresh["email"], "agent", password=PASSWORD)
    nadia, _ = desk.person(admin, "Nadia Fairbanks", "nadia@patients.example")

    def ticket(subject, body, **more):
        r = admin.post("/api/v2/tickets.json", {"ticket": dict(subject=subject, comment={"body": body}, requester_id=nadia, **more)})
        check(r.status == 201, "a ticket is made: %r" % r)
        return r.json["ticket"]["id"]

    chair = ticket("A chair by the window", "Please look at this chair.", status="open")
    for i in range(3):
        ticket("Bill %d" % i, "Please call me at (312) 555-01%02d about the bill." % i)
    first = ticket("Refill before Friday", "Hello,\nmy date of birth is 03/14/1968 and my MRN is 00482913.\nPlease call (312) 555-0148.", priority="high")

    folder = tempfile.mkdtemp(prefix="ward-web-keys-")
    box = os.path.join(folder, "mails")
    os.makedirs(box)
    shots = os.environ.get("SHOTS", "")
    if shots:
        os.makedirs(shots, exist_ok=True)
    facts = os.path.join(folder, "facts.json")
    with open(facts, "w") as f:
        json.dump({"port": desk.port, "cert": os.path.join(desk.data, "tls.crt"), "chromium": chromium, "folder": folder, "shots": shots, "box": box, "bearer": desk.token("mara@clinic.example", "--bearer"), "slow": SLOW, "first": first, "chair": chair,
                   "print": hashlib.sha256(open(os.path.join(desk.data, "root.key"), "rb").read()).hexdigest(),
                   "admin": {"email": desk.ADMIN, "password": desk.PASSWORD}, "mara": mara, "ines": ines, "paul": paul, "fresh": fresh}, f)
    env = node_env(modules, HOME=folder)
    try:
        with relay.carried(box):
            r = subprocess.run(["node", os.path.join(HERE, "web_keys.js"), facts], env=env, capture_output=True, text=True, timeout=900 * SLOW)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(r.stdout[-8000:], r.stderr[-4000:])
    if not check(r.returncode == 0 and "paths" in r.stdout, "the paths are gone to their ends"):
        done("web_keys")
    # What the keys did is so.
    said = [(c["public"], c["body"]) for c in admin.get("/api/v2/tickets/%d/comments.json" % first).json["comments"]]
    check(not any("00482913" in b for _, b in said), "what was redacted is gone: %r" % said)
    check(said.count((True, "We will call you at [PHONE].")) == 1 and said.count((False, "Asked the pharmacy.")) == 1, "what was written is there, once: %r" % said)
    trigger = [t for t in admin.get("/api/v2/triggers.json").json["triggers"] if t["title"] == "Chairs to the carpenter"]
    check(len(trigger) == 1 and trigger[0]["actions"] == [{"field": "current_tags", "value": "carpenter"}], "the trigger: %r" % trigger)
    asked = [t for t in admin.get("/api/v2/tickets.json?per_page=100").json["tickets"] if t["subject"] == "A form for school"]
    check(len(asked) == 1, "what the patient asked: %r" % asked)
    if asked:
        said = [c["body"] for c in admin.get("/api/v2/tickets/%d/comments.json" % asked[0]["id"]).json["comments"]]
        check(said.count("Thank you, read it.") == 1, "what the patient replied: %r" % said)
done("web_keys")
