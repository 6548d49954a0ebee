#!/usr/bin/env python3
"""An agent's working day on screen, in a real browser: tickets made for others, one after the next, what happens when the net is bad.

SHOTS=folder keeps pictures."""
import base64, json, os, shutil, struct, subprocess, sys, tempfile, zlib
from desk import Desk, check, done, node_env, node_modules

HERE = os.path.dirname(os.path.abspath(__file__))
chromium = shutil.which("chromium")
if not chromium:
    print("chromium is not installed (apt-get install chromium)")
    sys.exit(77)
modules = node_modules()


def png(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + b"\x20\x80\xc0" * width for _ in range(height))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


PASSWORD = "a password for the browser"
with Desk() as desk:
    admin = desk.admin()

    def staff(name, email):
        uid, _ = desk.person(admin, name, email, "agent", password=PASSWORD)
        secret, codes = desk.factor(email)
        return {"id": uid, "email": email, "password": PASSWORD, "secret": secret, "codes": codes}

    def make(path, kind, **fields):
        r = admin.post("/api/v2/%s.json" % path, {kind: fields})
        check(r.status == 201, "%s is made: %r" % (kind, r))
        return r.json[kind]["id"]

    mara, bo = staff("Mara Ostrov", "mara@clinic.example"), staff("Bo Agent", "bo@clinic.example")
    nadia, _ = desk.person(admin, "Nadia Fairbanks", "nadia@patients.example")
    school = make("organizations", "organization", name="Prairie School", domain_names=["prairie.example"])
    front = make("groups", "group", name="Front desk")
    for who in (mara["id"], bo["id"]):
        r = admin.post("/api/v2/group_memberships.json", {"group_membership": {"user_id": who, "group_id": front}})
        check(r.status == 201, "in the group: %r" % r)
    visit = make("ticket_fields", "ticket_field", type="tagger", title="Visit", custom_field_options=[{"name": "First visit", "value": "visit_first"}, {"name": "Follow-up", "value": "visit_again"}])
    when = make("ticket_fields", "ticket_field", type="text", title="Wished day")
    make("ticket_forms", "ticket_form", name="Clinic form", ticket_field_ids=[visit, when], agent_conditions=[{"parent_field_id": visit, "value": "visit_again", "child_fields": [{"id": when, "is_required": False}]}])
    make("macros", "macro", title="Greeting", actions=[{"field": "comment_value", "value": "Dear {{ticket.requester.first_name}}, thank you."}, {"field": "priority", "value": "high"}, {"field": "current_tags", "value": "greeted"}])
    bill = make("macros", "macro", title="Bill", actions=[{"field": "priority", "value": "low"}])
    form = [f["id"] for f in admin.get("/api/v2/ticket_forms.json").json["ticket_forms"] if f["name"] == "Clinic form"][0]
    make("workspaces", "workspace", title="Billing desk", ticket_form_id=form, macros=[bill], conditions={"all": [{"field": "current_tags", "operator": "includes", "value": "bills"}], "any": []})
    tickets = [make("tickets", "ticket", subject="Chair %d" % i, comment={"body": "Chair %d wobbles." % i}, requester_id=nadia, tags=["furniture"]) for i in range(4)]
    picture = png(64, 32)
    raw = ("From: Nadia <nadia@patients.example>\r\nTo: help@clinic.example\r\nSubject: A picture\r\nMessage-ID: <p1@patients.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=B\r\n\r\n"
           "--B\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Here it is:</p><img src=\"cid:a%%40b\"><img src=https://evil.example/pixel.gif><img src=cid:none@b><p>Nadia</p><blockquote><p>Please send a picture.</p></blockquote>\r\n"
           "--B\r\nContent-Type: image/png\r\nContent-ID: <a@b>\r\nContent-Disposition: inline; filename=knee.png\r\nContent-Transfer-Encoding: base64\r\n\r\n%s\r\n--B--\r\n" % base64.encodebytes(picture).decode().replace("\n", "\r\n")).encode()
    check(desk.deliver(raw).returncode == 0, "a mail with a picture is taken")
    mail = [t["id"] for t in admin.get("/api/v2/tickets.json?per_page=100").json["tickets"] if t["subject"] == "A picture"][0]
    folder = tempfile.mkdtemp(prefix="ward-work-")
    facts = os.path.join(folder, "facts.json")
    shots = os.environ.get("SHOTS", "")
    if shots:
        os.makedirs(shots, exist_ok=True)
    with open(facts, "w") as f:
        json.dump({"port": desk.port, "cert": os.path.join(desk.data, "tls.crt"), "chromium": chromium, "folder": folder, "shots": shots, "bearer": desk.token(None, "--bearer"), "mara": mara, "bo": bo, "nadia": nadia,
                   "front": front, "visit": visit, "when": when, "tickets": tickets, "mail": mail, "school": school}, f)
    try:
        r = subprocess.run(["node", os.path.join(HERE, "web_work.js"), facts], env=node_env(modules, HOME=folder), capture_output=True, text=True, timeout=600)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(r.stdout[-6000:], r.stderr[-3000:])
    check(r.returncode == 0 and "steps" in r.stdout, "the steps in the browser all pass")
done("web_work")
