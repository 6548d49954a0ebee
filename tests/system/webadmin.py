#!/usr/bin/env python3
"""The administrator's office in a real browser: from an empty desk to a safe one, then every page of it, by every role.

SHOTS=folder keeps a picture of each page in three widths, light and dark."""
import hashlib, json, os, shutil, subprocess, sys, tempfile
from desk import Client, Desk, check, done, node_env, node_modules
from peers import Authority, Relay

HERE = os.path.dirname(os.path.abspath(__file__))
chromium = shutil.which("chromium")
if not chromium:
    print("chromium is not installed (apt-get install chromium)")
    sys.exit(77)
modules = node_modules()
PASSWORD = "a password for the browser"
PROOF = ["policy", "trail", "looks", "keys", "health"]   # the pages of a compliance officer
with Desk() as desk:
    admin = desk.admin()
    ca = Authority(os.path.join(desk.dir, "ca"))
    relay = Relay(ca.sign("localhost", "DNS:localhost"))
    secret, codes = desk.factor()
    odd, _ = desk.person(admin, "Odd Patient", "odd@patients.example", password=PASSWORD)
    nadia, _ = desk.person(admin, "Nadia Fairbanks", "nadia@patients.example", password=PASSWORD)

    def ticket(subject, body, requester, **more):
        r = admin.post("/api/v2/tickets.json", {"ticket": dict(subject=subject, comment={"body": body}, requester_id=requester, **more)})
        check(r.status == 201, "a ticket is made: %r" % r)
        return r.json["ticket"]["id"]

    first = ticket("Refill before Friday", "Hello,\nmy date of birth is 03/14/1968 and my MRN is 00482913.\nPlease call (312) 555-0148.", nadia, priority="urgent")
    for i in range(8):
        ticket("Bill %d" % i, "Please send the bill to %d Elm Street, Springfield, IL 62704. My MRN is 00482%03d." % (i + 1, i), odd)
    doomed = [ticket("To be gone %d" % i, "A test.", odd) for i in range(2)]
    for t in doomed:
        admin.delete("/api/v2/tickets/%d.json" % t)
    field = admin.post("/api/v2/ticket_fields.json", {"ticket_field": {"type": "tagger", "title": "Reason", "custom_field_options": [{"name": "Billing", "value": "billing"}, {"name": "Clinical", "value": "clinical"}]}})
    check(field.status == 201, "a field with options: %r" % field)
    check(admin.post("/api/v2/ticket_fields.json", {"ticket_field": {"type": "text", "title": "Invoice"}}).status == 201, "a field")

    folder = tempfile.mkdtemp(prefix="ward-web-")
    shots = os.environ.get("SHOTS", "")
    if shots:
        os.makedirs(shots, exist_ok=True)
    facts = os.path.join(folder, "facts.json")

    def staff(name, email, **fields):
        uid, _ = desk.person(admin, name, email, "agent", password=PASSWORD, **fields)
        s, c = desk.factor(email)
        return {"id": uid, "email": email, "password": PASSWORD, "secret": s, "codes": c}

    with open(facts, "w") as f:
        json.dump({"port": desk.port, "cert": os.path.join(desk.data, "tls.crt"), "chromium": chromium, "folder": folder, "shots": shots, "first": first,
                   "print": hashlib.sha256(open(os.path.join(desk.data, "root.key"), "rb").read()).hexdigest(), "root": os.path.join(desk.data, "root.key"), "relay": relay.port, "ca": ca.pem(), "nadia": nadia,
                   "staff": {}, "end": {"email": "nadia@patients.example", "password": PASSWORD},
                   "admin": {"email": desk.ADMIN, "password": desk.PASSWORD, "secret": secret, "codes": codes}}, f)
    env = node_env(modules, HOME=folder)

    def steps(name):
        r = subprocess.run(["node", os.path.join(HERE, "webadmin.js"), facts, name], env=env, capture_output=True, text=True, timeout=900)
        print(r.stdout[-8000:], r.stderr[-3000:])
        check(r.returncode == 0 and "steps" in r.stdout, "the steps in the browser all pass: " + name)
        return r.returncode == 0

    try:
        # The first run is tried on a desk with one administrator and nobody else of the staff.
        if steps("first"):
            people = {"agent": staff("Mara Ostrov", "mara@clinic.example"), "assigned": staff("Paul Lindqvist", "paul@clinic.example", ticket_restriction="assigned"),
                      "officer": staff("Opal Quint", "opal@clinic.example", custom_role_id=[r for r in admin.get("/api/v2/custom_roles.json").json["custom_roles"] if r["ward_built_in"]][0]["id"])}
            check(Client(desk, "mara@clinic.example", desk.token("mara@clinic.example")).get("/api/v2/tickets/%d.json" % first).status == 200, "somebody looks")
            with open(facts) as f:
                all_facts = json.load(f)
            all_facts["proof"] = PROOF
            all_facts["staff"] = people
            _, all_facts["admin"]["codes"] = desk.factor()[1], desk.factor()[1]
            s, c = desk.factor()
            all_facts["admin"].update(secret=s, codes=c)
            with open(facts, "w") as f:
                json.dump(all_facts, f)
            steps("office")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    said = admin.get("/api/ward/v1/setup").json["setup"]
    check(said["open"] == 1 and {s["name"] for s in said["steps"] if s["state"] == "open"} == {"backup"}, "after a new root key its copy is asked for again: %r" % said)
    acts = [e["ward_action"] for e in admin.get("/api/v2/audit_logs.json?per_page=100").json["audit_logs"]]
    for act in ("key.rotate_account", "key.rotate_root", "trail.verified", "setup.defer"):
        r = admin.get("/api/v2/audit_logs.json?filter[ward_action]=" + act)
        check(len(r.json["audit_logs"]) >= 1, "in the trail: " + act)
    r = admin.get("/api/v2/slas/policies.json").json["sla_policies"]
    check([(m["metric"], m["priority"], m["target"]) for m in r[0]["policy_metrics"]] == [("first_reply_time", "urgent", 30), ("total_resolution_time", "urgent", 1440)], "the policy that was written: %r" % r)
    form = [x for x in admin.get("/api/v2/ticket_forms.json").json["ticket_forms"] if x["name"] == "Billing"][0]
    r = admin.get("/api/v2/group_slas/policies.json").json["group_sla_policies"]
    check([(m["metric"], m["priority"], m["target"]) for m in r[0]["policy_metrics"]] == [("group_ownership_time", "urgent", 60)], "the group's policy: %r" % r)
    check(len(form["agent_conditions"]) == 1 and form["agent_conditions"][0]["value"] == "billing" and form["agent_conditions"][0]["child_fields"][0]["is_required"], "the form's condition: %r" % form)
    role = admin.get("/api/v2/custom_roles.json").json["custom_roles"]
    role = [r for r in role if not r["ward_built_in"]][0]
    check(role["configuration"]["ticket_access"] == "assigned-only" and role["configuration"]["ticket_redaction"] is True, "the role: %r" % role)
    gone = admin.get("/api/v2/deleted_tickets.json").json
    check(gone["deleted_tickets"] == [], "what was destroyed is gone: %r" % gone)
done("webadmin")
