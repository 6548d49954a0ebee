#!/usr/bin/env python3
"""What the administrator's office stands on: the first-run guide, keys, verifying the trail, reports."""
import csv, hashlib, io, json, os, sqlite3, subprocess, time
from desk import WARD, Client, Desk, check, done
from peers import Authority, Relay, until

with Desk() as desk:
    admin = desk.admin()

    def steps():
        s = admin.get("/api/ward/v1/setup").json["setup"]
        return {x["name"]: x for x in s["steps"]}, s

    # ---- the guide: what is so decides, not what was clicked ----
    by, whole = steps()
    check([by[n]["state"] for n in ("factor", "backup", "mail", "team", "policy")] == ["open"] * 5 and not whole["finished"] and whole["open"] == 5, "an empty desk has all to do: %r" % whole)
    check("fingerprint" not in json.dumps(whole).replace("digits", ""), "the guide does not give the fingerprint away")
    desk.factor()
    check(steps()[0]["factor"]["state"] == "done", "a second factor is a fact")
    for whom in ("admins", "staff"):
        check(admin.put("/api/ward/v1/sign_in", {"sign_in": {"second_factor": whom}}).status == 200 and steps()[0]["factor"]["state"] == "done", "whoever else needs one: " + whom)

    key = os.path.join(desk.data, "root.key")
    printed = hashlib.sha256(open(key, "rb").read()).hexdigest()
    for wrong in ("", printed[:15], "0" * 16, printed[:16] + "zz", "x" * 300, 7, None, ["a"]):
        r = admin.put("/api/ward/v1/setup/backup", {"fingerprint": wrong})
        check(r.status == 422, "not the fingerprint: %r %r" % (wrong, r))
    r = admin.put("/api/ward/v1/setup/backup", {"fingerprint": " ".join(printed[:20].upper()[i:i + 4] for i in range(0, 20, 4))})
    check(r.status == 200 and steps()[0]["backup"]["state"] == "done", "the copy's fingerprint, in groups: %r" % r)

    for body, words in (({"reason": "later"}, "10"), ({"reason": 5}, "string"), ({}, "reason"), ({"reopen": "yes"}, "true"), ({"nonsense": 1}, "not known"), ({"version": 99}, "in force")):
        r = admin.put("/api/ward/v1/setup/policy", body)
        check(r.status == 422 and words.lower() in r.body.decode().lower(), "refused with words: %r %r" % (body, r))
    check(admin.put("/api/ward/v1/setup/nothing", {"reopen": True}).status == 404, "an unknown step")
    r = admin.put("/api/ward/v1/setup/policy", {"version": 0})
    check(r.status == 200 and steps()[0]["policy"]["state"] == "done", "the defaults, chosen: %r" % r)
    r = admin.put("/api/ward/v1/setup/team", {"reason": "Ana begins on Monday, I invite her then."})
    check(r.status == 200 and steps()[0]["team"]["state"] == "deferred" and steps()[0]["team"]["deferred"]["reason"].startswith("Ana begins"), "put off with a reason")
    check(admin.put("/api/ward/v1/setup/backup", {"reason": "there is nothing to put off here"}).status == 422, "what is done is not put off")
    r = admin.get("/api/v2/audit_logs.json?filter[source_type]=setup")
    said = [(e["ward_action"], {c["field"]: c["after"] for c in e["ward_changes"]}) for e in r.json["audit_logs"]]
    check(("setup.defer", {"step": "team", "reason": "Ana begins on Monday, I invite her then."}) in said and [a for a, _ in said].count("setup.prove") == 2, "in the trail: %r" % said)
    ana, ana_client = desk.person(admin, "Ana Agent", "ana@clinic.example", "agent", password="a password for ana")
    check(steps()[0]["team"]["state"] == "done", "a colleague is a fact, whatever was put off")

    ca = Authority(desk.dir)
    relay = Relay(ca.sign("localhost", "DNS:localhost"))
    admin.put("/api/ward/v1/mail", {"mail": {"host": "localhost", "port": relay.port, "from": "help@clinic.example", "ca_pem": ca.pem(), "retry_seconds": 1}})
    check(admin.put("/api/ward/v1/setup/mail", {"outbox_id": 999}).status == 422, "no such message")
    admin.post("/api/ward/v1/destinations", {"destination": {"kind": "recipient", "pattern": "clinic.example"}})
    r = admin.post("/api/ward/v1/mail/test", {})
    test = r.json["message"]["id"]
    check(until(lambda: admin.get("/api/ward/v1/outbox/%d" % test).json["message"]["state"] == "sent"), "the test goes: %r" % admin.get("/api/ward/v1/outbox/%d" % test))
    r = admin.put("/api/ward/v1/setup/mail", {"outbox_id": test})
    by, whole = steps()
    check(r.status == 200 and by["mail"]["state"] == "done" and whole["finished"], "a test that the relay took: %r" % r)
    admin.put("/api/ward/v1/mail", {"mail": {"from": "desk@clinic.example"}})
    check(steps()[0]["mail"]["state"] == "open", "another sender is to be tested again")
    check(ana_client.get("/api/ward/v1/setup").status == 403, "an agent has no guide")

    # ---- keys ----
    k = admin.get("/api/ward/v1/keys").json["keys"]
    check(k["root"]["kind"] == "file" and k["root"]["in_data_folder"] and k["root"]["copy_checked_at"] and k["account"] == {"version": 1, "versions": 1, "rotated_at": None} and k["made_at"], "the keys: %r" % k)
    check(printed[:16] not in json.dumps(k), "the keys page does not give the fingerprint away")
    for i in range(40):
        admin.post("/api/v2/tickets.json", {"ticket": {"subject": "Ticket %d" % i, "comment": {"body": "My number is 212-555-01%02d and my MRN is 00482%03d." % (i, i)}}})
    for body in ({"key": "account"}, {"key": "nothing", "expected_version": 1}, {"key": 4, "expected_version": "1"}, {"key": "root", "expected_version": 1, "more": 1}):
        check(admin.post("/api/ward/v1/keys/rotations", body).status == 422, "refused: %r" % body)
    check(admin.post("/api/ward/v1/keys/rotations", {"key": "account", "expected_version": 7}).status == 409, "somebody else's picture of the keys")
    r = admin.post("/api/ward/v1/keys/rotations", {"key": "account", "expected_version": 1})
    check(r.status == 202, "the account key is rotated: %r" % r)
    check(until(lambda: admin.get("/api/ward/v1/keys").json["keys"]["rotation"]["state"] == "done"), "to its end: %r" % admin.get("/api/ward/v1/keys"))
    k = admin.get("/api/ward/v1/keys").json["keys"]
    check(k["account"]["version"] == 2 and k["account"]["versions"] == 1 and k["account"]["rotated_at"] and k["rotation"]["percent"] == 100 and k["rotation"]["left"] == 0, "all hangs on the new one: %r" % k)
    r = admin.post("/api/ward/v1/keys/rotations", {"key": "root", "expected_version": 2})
    check(r.status == 202 and r.json["keys"]["root"]["rotated_at"] and not r.json["keys"]["root"]["copy_checked_at"], "the root key too; its copy is to be made again: %r" % r)
    check(hashlib.sha256(open(key, "rb").read()).hexdigest() != printed and os.path.exists(key + ".old"), "another file, the old one beside it")
    check(steps()[0]["backup"]["state"] == "open", "the guide asks for the new copy")
    fresh = hashlib.sha256(open(key, "rb").read()).hexdigest()
    check(admin.put("/api/ward/v1/setup/backup", {"fingerprint": printed[:16]}).status == 422 and admin.put("/api/ward/v1/setup/backup", {"fingerprint": fresh}).status == 200, "the old copy is not enough")
    check(ana_client.get("/api/ward/v1/keys").status == 403, "keys are no agent's")

    # ---- tokens, made over the API, shown once ----
    for body in ({}, {"api_token": {}}, {"api_token": {"description": " "}}, {"api_token": {"description": "x", "user_id": 99999}}, {"api_token": {"description": "x", "bearer": "yes"}}, {"api_token": {"description": "x", "more": 1}}):
        check(admin.post("/api/ward/v1/api_tokens", body).status in (400, 422), "refused: %r" % body)
    r = admin.post("/api/ward/v1/api_tokens", {"api_token": {"description": "nightly export", "user_id": ana, "bearer": True, "read_only": True}})
    check(r.status == 201 and r.json["api_token"]["token"], "a token: %r" % r.status)
    bot = Client(desk, bearer=r.json["api_token"]["token"])
    check(bot.get("/api/v2/users/me.json").json["user"]["id"] == ana and bot.post("/api/v2/tickets.json", {"ticket": {"comment": {"body": "x"}}}).status == 403, "acts as Ana, reading only")
    check(r.json["api_token"]["token"] not in admin.get("/api/ward/v1/api_tokens").body.decode(), "and is not shown again")
    check(ana_client.post("/api/ward/v1/api_tokens", {"api_token": {"description": "x"}}).status == 403, "an agent makes none")

    # ---- verifying ----
    t = admin.get("/api/ward/v1/trail").json["trail"]
    check(t["events"] > 50 and len(t["public_key"]) == 44, "the trail: %r" % t)
    r = admin.post("/api/ward/v1/trail/verifications", {})
    check(r.status == 202, "asked for: %r" % r)
    v = r.json["verification"]["id"]
    check(until(lambda: admin.get("/api/ward/v1/trail/verifications/%d" % v).json["verification"]["state"] != "running"), "it ends")
    one = admin.get("/api/ward/v1/trail/verifications/%d" % v).json["verification"]
    check(one["state"] == "good" and one["events"] >= t["events"] and len(one["head"]) == 64 and one["why"] is None and one["ended_at"], "nothing was altered: %r" % one)
    check(admin.get("/api/ward/v1/trail/verifications/999").status == 404, "an unknown one")
    check(Client(desk, bearer=desk.token(None, "--bearer", "--read-only")).post("/api/ward/v1/trail/verifications", {}).status == 403, "a reading token starts nothing")
    check(ana_client.get("/api/ward/v1/trail").status == 403, "the trail is no agent's")
    r = admin.get("/api/ward/v1/trail/export")
    path = os.path.join(desk.dir, "trail.jsonl")
    open(path, "wb").write(r.body)
    off = subprocess.run([WARD, "trail", "verify", path, "--public-key", t["public_key"]], capture_output=True, text=True)
    check(r.status == 200 and off.returncode == 0, "the export verifies without the server: %r" % off)
    check(b"212-555-01" not in r.body, "without values")
    check(admin.get("/api/ward/v1/trail/export?format=xml").status == 400, "no other format")
    r = admin.get("/api/ward/v1/trail/csv?filter[source_type]=key")
    rows = list(csv.DictReader(io.StringIO(r.body.decode())))
    check(r.headers["Content-Type"].startswith("text/csv") and {x["action"] for x in rows} == {"key.rotate_account", "key.rotate_root"}, "filtered, as CSV: %r" % rows)
    r = admin.get("/api/v2/audit_logs.json?filter[ward_action]=key.rotate_root")
    check([e["ward_action"] for e in r.json["audit_logs"]] == ["key.rotate_root"], "filtered by what was done")
    check(admin.get("/api/ward/v1/looks/csv?filter[object_id]=x").status == 400, "a wrong filter")

    # Who saw a person: the record and the tickets, each look once.
    pat, _ = desk.person(admin, "Pat Ient", "pat@patients.example")
    theirs = [admin.post("/api/v2/tickets.json", {"ticket": {"subject": "Mine %d" % i, "requester_id": pat, "comment": {"body": "Hello"}}}).json["ticket"]["id"] for i in range(2)]
    ana_client.get("/api/v2/tickets/%d.json" % theirs[0])
    ana_client.get("/api/v2/tickets/%d.json" % theirs[1])
    ana_client.get("/api/v2/tickets/show_many.json?ids=%d,%d" % tuple(theirs))
    ana_client.get("/api/v2/users/%d.json" % pat)
    logs = [l for l in admin.get("/api/v2/access_logs.json?filter[person_id]=%d&page[size]=100" % pat).json["access_logs"] if l["user_id"] == ana]
    check(sorted((l["object"], sorted(l["object_ids"])) for l in logs) == sorted([("ticket", [theirs[0]]), ("ticket", [theirs[1]]), ("ticket", theirs), ("user", [pat])]), "who saw Pat: %r" % logs)
    check(len({l["id"] for l in logs}) == 4, "each once")
    rows = list(csv.DictReader(io.StringIO(admin.get("/api/ward/v1/looks/csv?filter[person_id]=%d&filter[user_id]=%d" % (pat, ana)).body.decode())))
    check(len(rows) == 4 and {r["actor"] for r in rows} == {"Ana Agent"}, "and as CSV: %r" % rows)
    check(admin.get("/api/v2/access_logs.json?filter[person_id]=%d&filter[object]=ticket" % pat).status == 400, "not both")
    for t in theirs:
        admin.delete("/api/v2/tickets/%d.json" % t)

    # ---- reports ----
    odd, _ = desk.person(admin, "=HYPERLINK(1)", "odd@clinic.example", "agent", password="a password for odd")
    odd_client = Client(desk, "odd@clinic.example", desk.token("odd@clinic.example"))
    first = admin.get("/api/v2/tickets.json").json["tickets"][0]["id"]
    odd_client.get("/api/v2/tickets/%d.json" % first)
    odd_client.put("/api/v2/tickets/%d.json" % first, {"ticket": {"comment": {"body": "We call you.", "public": True}, "status": "solved"}})
    odd_client.put("/api/v2/tickets/%d.json" % first, {"ticket": {"status": "open"}})
    gone = admin.post("/api/v2/tickets.json", {"ticket": {"subject": "to go", "comment": {"body": "My SSN is 536-22-1234."}}}).json["ticket"]["id"]
    admin.delete("/api/v2/tickets/%d.json" % gone)

    def report(name, who=admin, more=""):
        r = who.get("/api/ward/v1/reports/%s?x=1%s" % (name, more))
        check(r.status == 200, "report %s: %r" % (name, r))
        return r.json["report"]

    def last(name):
        r = report(name)
        return dict(zip([c["name"] for c in r["columns"]], r["rows"][-1]["values"]))

    check(last("tickets") == {"created": 43, "solved": 1, "reopened": 1}, "tickets today: %r" % last("tickets"))
    check(last("backlog") == {"unsolved": 40}, "and what is left: %r" % last("backlog"))
    check(last("channels") == {"email": 0, "form": 0, "chat": 0, "api": 43}, "by channel")
    check(last("first_reply")["tickets"] == 1 and last("resolution")["tickets"] == 1, "one was answered and solved")
    check(report("first_reply_spans")["rows"] == [{"name": "15m", "values": [1]}], "at once")
    check(last("satisfaction") == {"good": 0, "bad": 0, "good_percent": None}, "a share of nothing is not 0")
    found = {r["name"]: r["values"] for r in report("phi_found_kinds")["rows"]}
    check(found["MRN"][3] >= 40 and found["PHONE"][3] >= 40, "what came with them: %r" % found)
    check(last("phi_removed")["on_arrival"] == 1 and [r["name"] for r in report("phi_removed_kinds")["rows"]] == ["SSN"], "one was destroyed on arrival: %r" % report("phi_removed_kinds"))
    c = admin.get("/api/v2/tickets/%d/comments.json" % first).json["comments"][0]
    f = [x for x in admin.get("/api/ward/v1/tickets/%d/findings" % first).json["comments"] if x.get("comment_id") == c["id"]][0]
    m = [x for x in f["findings"] if x["label"] == "MRN"][0]
    r = admin.post("/api/ward/v1/tickets/%d/redactions" % first, {"spans": [{"comment_id": c["id"], "start": m["start"], "end": m["end"], "stamp": f["stamp"]}]})
    check(r.status == 200 and last("phi_removed")["by_hand"] >= 1, "one by hand: %r %r" % (r, last("phi_removed")))
    check(until(lambda: report("looks")["events_behind"] == 0 or any(x.get("user_id") == odd for x in report("looks_people")["rows"])), "looks are counted")
    looks = {r["user_id"]: r for r in report("looks_people")["rows"]}
    check(looks[odd]["values"][0] >= 1 and looks[odd]["name"] == "=HYPERLINK(1)", "who looked: %r" % looks)
    r = admin.get("/api/ward/v1/reports/looks_people?format=csv")
    rows = list(csv.reader(io.StringIO(r.body.decode())))
    check(rows[0] == ["person", "id", "looks", "unmasked"] and "'=HYPERLINK(1)" in [x[0] for x in rows], "no formula in a CSV: %r" % rows)
    c = Client(desk)
    for pw, want in (("wrong password", 401), (desk.PASSWORD, 401)):
        c.post("/api/ward/v1/session", {"email": desk.ADMIN, "password": pw})
    check(until(lambda: last("sign_ins")["refused"] >= 1), "a refused sign-in is counted: %r" % last("sign_ins"))
    for bad in ("from=x", "to=2026-13-01", "from=2020-01-01&to=2026-01-01", "from=2026-02-02&to=2026-02-01", "format=pdf", "from=2026-1-1"):
        check(admin.get("/api/ward/v1/reports/tickets?" + bad).status == 400, "refused: " + bad)
    check(admin.get("/api/ward/v1/reports/nothing").status == 404, "no such report")
    check(len(report("tickets", more="&from=2026-01-01&to=2026-01-31")["rows"]) == 31, "a month has its days")
    names = [x["name"] for x in admin.get("/api/ward/v1/reports").json["reports"]]
    check(len(names) >= 18 and all(admin.get("/api/ward/v1/reports/%s?format=csv" % n).status == 200 for n in names), "each is a CSV")
    check(ana_client.get("/api/ward/v1/reports/tickets").status == 200 and ana_client.get("/api/ward/v1/reports/looks").status == 403, "an agent sees the work, not who looked")
    check("looks" not in [x["name"] for x in ana_client.get("/api/ward/v1/reports").json["reports"]], "and is not offered it")
    _, few = desk.person(admin, "Few", "few@clinic.example", "agent", ticket_restriction="assigned")
    check(few.get("/api/ward/v1/reports/tickets").status == 403, "who sees few tickets sees no figures of all")

    # ---- over a restart, and with an altered trail ----
    desk.stop()
    desk.start()
    check(report("tickets")["rows"][-1]["values"] == [43, 1, 1], "the figures stay")
    check(admin.get("/api/ward/v1/trail/verifications").json["verifications"][0]["state"] == "good", "so does what was verified")
    desk.stop()
    db = sqlite3.connect(os.path.join(desk.data, "ward.db"))
    bad, = db.execute("SELECT MIN(seq) FROM trail WHERE action = 'ticket.create'").fetchone()
    db.execute("UPDATE trail SET canonical = replace(canonical, 'ticket.create', 'ticket.creatE') WHERE seq = ?", (bad,))
    db.commit()
    db.close()
    desk.start()
    v = admin.post("/api/ward/v1/trail/verifications", {}).json["verification"]["id"]
    check(until(lambda: admin.get("/api/ward/v1/trail/verifications/%d" % v).json["verification"]["state"] != "running"), "it ends")
    one = admin.get("/api/ward/v1/trail/verifications/%d" % v).json["verification"]
    check(one["state"] == "wrong" and one["wrong_from"] == bad and one["why"], "an altered event is found: %r" % one)
done("office")
