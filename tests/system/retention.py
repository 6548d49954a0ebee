#!/usr/bin/env python3
"""Deletion schedules: what they refuse, what they would delete, what they delete, also through a kill -9; P6 afterwards."""
import datetime, json, os, shutil, sqlite3, threading, time
from desk import SLOW, Client, Desk, check, done

SECRET = "Quokkabloom"
KEPT = "Wombatstays"


def ago(days):
    return (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def cond(field, operator, value):
    return {"field": field, "operator": operator, "value": value}


OLD = cond("duration_since_last_update", "greater_than", "P1Y")

with Desk() as desk:
    c = desk.admin()
    desk.keep_all(c)
    _, agent = desk.person(c, "Ana Agent", "ana@clinic.example", "agent")
    eve, _ = desk.person(c, "Eve Enduser", "eve@patients.example")

    def imported(days, status="closed", word=KEPT, **fields):
        t = dict({"subject": word + " subject", "requester_id": eve, "status": status, "created_at": ago(days), "updated_at": ago(days),
                  "comments": [{"value": word + " body", "created_at": ago(days)}]}, **fields)
        r = c.post("/api/v2/imports/tickets.json", {"ticket": t})
        if r.status != 201:
            raise SystemExit("no import: %r" % r)
        return r.json["ticket"]["id"]

    def schedule(all_=(OLD,), active=True, **fields):
        return c.post("/api/v2/deletion_schedules.json", {"deletion_schedule": dict({"title": "s", "active": active, "object": "zen:ticket",
                                                                                    "conditions": {"all": list(all_), "any": []}}, **fields)})

    def preview(i):
        r = c.get("/api/ward/v1/deletion_schedules/%d/preview" % i)
        check(r.status == 200 and r.json["deletion_preview"]["complete"], "a preview: %r" % r)
        return r.json["deletion_preview"]

    def run():
        r = c.post("/api/ward/v1/deletion_schedules/run", {})
        check(r.status == 200 and r.json["deletion_run"]["status"] == "completed", "a run: %r" % r)
        return r.json["deletion_run"]["deleted"]

    def there(ids):
        return {i for i in ids if c.get("/api/v2/tickets/%d.json" % i).status == 200}

    # ---- what is refused, and why
    for o in ("zen:attachment", "zen:bot_only_conversation", "zen:custom_object:boat", "ticket", ""):
        for active in (True, False):
            r = schedule(active=active, object=o)
            check(r.status == 422 and "object" in r.json["details"], "%r cannot be deleted by a schedule: %r" % (o, r))
    for all_ in ([], [cond("current_tags", "includes", "x")], [cond("updated_at", "less_than", "5")], [cond("updated_at", "greater_than", "0")],
                 [cond("priority", "is", "low"), cond("exact_updated_at", "less_than", "2020-01-01T00:00:00Z")]):
        r = schedule(all_)
        check(r.status == 422 and "conditions" in r.json["details"], "an active one says how old: %r" % r)
    for v in ("P", "1Y", "P1", "P0D", "PT0H", "P1Y ", "P1D1Y", "PT5M", "P101Y", "P-1Y", "P1.5Y", "P9999999999D", "", None, 5, [], {}, ["P1Y", "P2Y"]):
        r = schedule([cond("duration_since_last_update", "greater_than", v)], active=False)
        check(r.status == 422 and "conditions" in r.json["details"], "no duration: %r: %r" % (v, r))
    for x in (cond("duration_since_last_update", "less_than", "P1Y"), cond("duration_since_last_update", "is", "P1Y"), cond("nonsense", "is", "1"),
              cond("status", "is", "nonsense"), cond("assignee_id", "is", "current_user"), cond("group_id", "is", "current_groups"),
              cond("custom_fields_999999", "is", "x"), {"field": "status"}, "x", 7, None):
        r = schedule([OLD, x])
        check(r.status == 422 and "conditions" in r.json["details"], "refused: %r: %r" % (x, r))
    check(c.get("/api/v2/deletion_schedules.json").json["deletion_schedules"] == [], "nothing of it was kept")
    for v in ("P1Y", "P18M", "P52W", "P365D", "P1Y6M2W3DT4H", "PT12H"):
        r = schedule([cond("duration_since_last_update", "greater_than", v)], active=False)
        check(r.status == 201 and r.json["deletion_schedule"]["conditions"]["all"][0]["value"] == v, "kept as it came: %s: %r" % (v, r))
        check(c.delete("/api/v2/deletion_schedules/%d.json" % r.json["deletion_schedule"]["id"]).status == 204, "and deleted")
    r = c.post("/api/v2/deletion_schedules.json", {"deletion_schedule": {"active": False, "title": "some schedule", "description": "Delete tickets older than 1 year",
                                                                        "conditions": {"all": [OLD], "any": []}}})
    check(r.status == 201 and r.json["deletion_schedule"]["object"] == "zen:ticket", "Zendesk's example, without an object: %r" % r)
    c.delete("/api/v2/deletion_schedules/%d.json" % r.json["deletion_schedule"]["id"])
    for who, path in ((agent, "/api/ward/v1/deletion_schedules/run"), (agent, "/api/ward/v1/deletion_schedules/1/preview")):
        check(who.get(path).status == 403, "not an agent's: " + path)
    check(agent.post("/api/ward/v1/deletion_schedules/run", {}).status == 403, "not an agent's to run")
    check(c.get("/api/ward/v1/deletion_schedules/999999/preview").status == 404, "an unknown one")

    # ---- people: of whom nothing was heard
    def person(name, **fields):
        r = c.post("/api/v2/users.json", {"user": dict({"name": name, "email": name.lower().replace(" ", ".") + "@patients.example"}, **fields)})
        check(r.status == 201, "a person: %r" % r)
        return r.json["user"]["id"]

    def heard(ids, days):
        """They were made and changed so long ago; nobody can say that but the file."""
        desk.stop()
        db = sqlite3.connect(os.path.join(desk.data, "ward.db"))
        at = int((time.time() - days * 86400) * 1000000)
        for i in ids:
            db.execute("UPDATE users SET created_at = ?, updated_at = ?, last_login_at = NULL WHERE id = ?", (at, at, i))
        db.commit()
        db.close()
        desk.start()

    QUIET = cond("duration_since_last_activity", "greater_than", "P2Y")
    people = lambda all_=(QUIET,), **f: schedule(all_, **dict({"object": "zen:user"}, **f))
    for all_, active in (([], True), ([cond("current_tags", "includes", "x")], True), ([cond("status", "is", "closed")], False), ([QUIET, cond("duration_since_last_update", "greater_than", "P1Y")], False),
                         ([cond("duration_since_last_activity", "greater_than", "2")], False), ([cond("organization_id", "is", "x")], False), ([cond("current_tags", "is", "x")], False)):
        r = people(all_, active=active)
        check(r.status == 422 and "conditions" in r.json["details"], "refused for people: %r: %r" % (all_, r))
    r = c.post("/api/v2/deletion_schedules.json", {"deletion_schedule": {"title": "s", "object": "zen:user", "conditions": {"all": [QUIET], "any": [QUIET]}}})
    check(r.status == 422, "under all only: %r" % r)
    house = c.post("/api/v2/organizations.json", {"organization": {"name": "House"}}).json["organization"]["id"]
    quiet, busy, open_, copied, binned_one, young, tagged, housed = [person((SECRET if n == "Quiet" else KEPT) + " " + n, **f) for n, f in (("Quiet", {}), ("Busy", {}), ("Open", {}), ("Copied", {}), ("Binned", {}), ("Young", {}), ("Tagged", {"tags": ["keep"]}), ("Housed", {"organization_id": house}))]
    staff, _ = desk.person(c, "Sid Staff", "sid@clinic.example", "agent")
    imported(900, requester_id=quiet)
    imported(100, requester_id=busy)
    imported(900, "open", requester_id=open_)
    r = c.post("/api/v2/tickets.json", {"ticket": {"subject": "s", "comment": {"body": "x"}, "email_ccs": [{"user_id": copied}]}})
    copied_on = r.json["ticket"]["id"]
    r = c.delete("/api/v2/tickets/%d.json" % imported(900, requester_id=binned_one))
    heard([quiet, busy, open_, copied, binned_one, tagged, housed, staff, eve], 800)
    heard([young], 700)
    r = people([QUIET, cond("current_tags", "not_includes", "Keep"), cond("organization_id", "is_not", str(house))])
    psid = r.json["deletion_schedule"]["id"]
    check(r.status == 201 and r.json["deletion_schedule"]["object"] == "zen:user" and c.put("/api/v2/deletion_schedules/%d.json" % psid, {"deletion_schedule": {"active": False}}).status == 200, "made: %r" % r)
    p = preview(psid)
    check(p["object"] == "zen:user" and set(p["user_ids"]) == {quiet, eve} and p["count"] == 2 and p["can_be_active"] and "ticket_ids" not in p, "who would go: %r, not %r" % (p, [busy, open_, copied, binned_one, young, tagged, housed, staff]))
    check(run() == 0 and c.get("/api/v2/users/%d.json" % quiet).json["user"]["active"], "one that is off deletes nobody")
    c.put("/api/v2/users/%d.json" % eve, {"user": {"notes": "heard of again"}})
    c.put("/api/v2/deletion_schedules/%d.json" % psid, {"deletion_schedule": {"active": True}})
    check(run() == 1 and run() == 0, "one is deleted, once")
    gone = c.get("/api/v2/users/%d.json" % quiet)
    check(SECRET.encode() not in gone.body and quiet not in {u["id"] for u in c.get("/api/v2/users.json?per_page=100").json["users"]}, "for good: %r" % gone)
    check(all(c.get("/api/v2/users/%d.json" % i).json["user"]["active"] for i in (busy, open_, copied, binned_one, young, tagged, housed, staff, eve)), "and nobody else")
    check(c.get("/api/v2/search.json?query=type:user%20quiet").json["results"] == [], "not found any more")
    export = desk.ward("trail", "export", "--format", "jsonl", "--values").stdout.decode().splitlines()
    check(any('"user.retire"' in x.replace("\\", "") and "deletion_schedule:%d" % psid in x for x in export) and any('"user.purge"' in x.replace("\\", "") for x in export), "the trail says which schedule did it")
    c.delete("/api/v2/deletion_schedules/%d.json" % psid)
    c.put("/api/v2/tickets/%d.json" % copied_on, {"ticket": {"status": "solved"}})
    for i in [t["id"] for t in c.get("/api/v2/tickets.json?per_page=100").json["tickets"]] + [t["id"] for t in c.get("/api/v2/deleted_tickets.json").json["deleted_tickets"]]:
        c.delete("/api/v2/tickets/%d.json" % i)
        c.delete("/api/v2/deleted_tickets/%d.json" % i)

    # ---- the exact set
    go = {imported(400, word=SECRET, tags=["x"]), imported(366 * 2, word=SECRET, tags=["x"]), imported(2000, word=SECRET, tags=["x", "y"])}
    stay = {imported(400), imported(400, tags=["keep"]),                                     # no tag, another
            imported(364, tags=["x"]), imported(10, tags=["x"]),                             # too young
            imported(400, "solved", tags=["x"]), imported(400, "open", tags=["x"]), imported(400, "pending", tags=["x"]), imported(400, "hold", tags=["x"]),
            imported(400, tags=["x", "never"])}
    binned = imported(400, tags=["x"])
    check(c.delete("/api/v2/tickets/%d.json" % binned).status == 204, "one is deleted already")
    raw = c.get("/api/v2/tickets/%d.json" % min(go)).json["ticket"]
    check(raw["status"] == "closed" and raw["updated_at"][:10] == ago(400)[:10], "imported with its times: %s" % raw)
    r = schedule([OLD, cond("current_tags", "includes", "x"), cond("current_tags", "not_includes", "never")], active=False)
    sid = r.json["deletion_schedule"]["id"]
    url = "/api/v2/deletion_schedules/%d.json" % sid
    p = preview(sid)
    check(p["count"] == 3 and set(p["ticket_ids"]) == go and p["can_be_active"], "a preview counts before it is switched on: %s" % p)
    check(run() == 0 and there(go | stay) == go | stay, "one that is not active deletes nothing")
    desk.stop()
    before = os.path.join(desk.dir, "older")
    shutil.copytree(desk.data, before)
    desk.start()
    check(c.put(url, {"deletion_schedule": {"object": "zen:user", "active": True}}).json["deletion_schedule"]["object"] == "zen:ticket", "the object never changes")
    check(run() == 3, "three are deleted")
    check(there(go | stay) == stay, "these and no others: left %s" % (there(go | stay) ^ stay))
    check(preview(sid)["count"] == 0 and run() == 0, "and not again")
    check(c.put("/api/v2/deleted_tickets/%d/restore.json" % binned).status == 200, "what was deleted before can still come back")
    stay.add(binned)
    check(not {d["id"] for d in c.get("/api/v2/deleted_tickets.json").json["deleted_tickets"]} & go, "none can be restored")
    rows = {t["id"]: t for t in c.get("/api/v2/incremental/tickets/cursor.json?start_time=0").json["tickets"]}
    check(all(rows[i]["status"] == "deleted" and rows[i]["subject"] == "SCRUBBED" for i in go), "the export says that they are gone")
    check(c.get("/api/v2/tickets/count.json").json["count"]["value"] == len(stay), "the count is right: %r" % c.get("/api/v2/tickets/count.json"))
    check(c.get("/api/v2/search.json?query=type:ticket%20" + SECRET.lower()).json["results"] == [], "they are not found")
    export = desk.ward("trail", "export", "--format", "jsonl", "--values").stdout
    for i in go:
        mine = [x for x in export.decode().splitlines() if '"ticket.purge"' in x.replace("\\", "") and "deletion_schedule:%d" % sid in x]
    check(len(mine) == 3, "the trail says which schedule did it (%d)" % len(mine))
    check(b"deletion_schedule.update" in export and b"deletion_schedule.create" in export and b"deletion_schedule.run" in export, "and who made, changed and ran it")
    check(SECRET.encode() not in export, "the trail keeps no word of them")
    check(desk.ward("trail", "verify").returncode == 0, "the trail verifies")

    # ---- P6: not in a file, and not by an older database beside today's keyring
    desk.stop()
    for path in desk.files():
        with open(path, "rb") as f:
            data = f.read()
        check(SECRET.encode() not in data and SECRET.lower().encode() not in data, "no word in " + os.path.basename(path))
    now = os.path.join(desk.dir, "now")
    shutil.copytree(desk.data, now)

    def swap(source):
        for name in os.listdir(desk.data):
            if name.startswith("ward.db") or name == "trail.witness":
                os.unlink(os.path.join(desk.data, name))
        for name in os.listdir(source):
            if name.startswith("ward.db") or (source == now and name == "trail.witness"):
                shutil.copy(os.path.join(source, name), desk.data)
    swap(before)
    desk.start()
    text = b"".join(c.get(p % i).body for i in go for p in ("/api/v2/tickets/%d.json", "/api/v2/tickets/%d/comments.json", "/api/v2/tickets/%d/audits.json"))
    text += c.get("/api/v2/tickets.json?page[size]=100").body
    check(SECRET.encode() not in text and KEPT.encode() in text, "an older database does not bring them back, and the rest is read")
    desk.stop()
    swap(now)
    desk.start()
    check(there(go | stay) == stay, "back to today")

    # ---- kill -9 in between: every one goes once, none of the others
    n = 240
    jobs = []
    for k in range(0, n, 60):
        r = c.post("/api/v2/imports/tickets/create_many.json", {"tickets": [{"subject": "k", "requester_id": eve, "status": "closed", "created_at": ago(800), "updated_at": ago(800), "tags": ["x"],
                                                                           "comments": [{"value": "k", "created_at": ago(800)}]} for _ in range(60)]})
        jobs.append(r.json["job_status"]["id"])
    c.put(url, {"deletion_schedule": {"active": False}})
    for j in jobs:
        for _ in range(600 * SLOW):
            if c.get("/api/v2/job_statuses/%s.json" % j).json["job_status"]["status"] == "completed":
                break
            time.sleep(0.05)
    check(preview(sid)["count"] == n, "%d wait: %s" % (n, preview(sid)["count"]))
    c.put(url, {"deletion_schedule": {"active": True}})
    token, lefts = desk.token(), []

    def left():                                       # without the server, so that nothing goes on meanwhile
        return json.loads(desk.ward("status", "--json").stdout)["tickets"] - len(stay)
    for _ in range(2):
        def begin():
            try:
                Client(desk, desk.ADMIN, token).post("/api/ward/v1/deletion_schedules/run", {})
            except Exception:
                pass                                  # the server was killed before its answer
        had = left()
        th = threading.Thread(target=begin)
        th.start()
        watch = Client(desk, desk.ADMIN, token)
        for _ in range(4000 * SLOW):                  # killed as soon as some are gone
            if watch.get("/api/v2/tickets/count.json").json["count"]["value"] - len(stay) < had:
                break
        desk.kill()
        th.join()
        lefts.append(left())
        desk.start()
    check(any(0 < x < n for x in lefts), "some were deleted before the kill, some not: %s" % lefts)
    for _ in range(200 * SLOW):                       # the run that was under way goes on by itself
        if preview(sid)["count"] == 0:
            break
        time.sleep(0.2)
    check(preview(sid)["count"] == 0, "the run that was killed ends by itself: %s left" % preview(sid)["count"])
    check(run() == 0 and there(stay) == stay, "all are gone after two kills, the others are there (left after each: %s)" % lefts)
    lines = desk.ward("trail", "export", "--format", "jsonl").stdout.decode().replace("\\", "").splitlines()
    check(sum('"ticket.purge"' in x and "deletion_schedule:%d" % sid in x for x in lines) == n + 3, "each once")
    check(c.get("/api/v2/tickets/count.json").json["count"]["value"] == len(stay), "the count is right")

    # ---- switched off, deleted, or with a field that is gone: nothing
    f = c.post("/api/v2/ticket_fields.json", {"ticket_field": {"type": "text", "title": "Case"}}).json["ticket_field"]["id"]
    s2 = schedule([OLD, cond("custom_fields_%d" % f, "is_not", "kept")], active=False).json["deletion_schedule"]["id"]
    check(preview(s2)["count"] > 0, "it would delete some")
    c.delete("/api/v2/ticket_fields/%d.json" % f)
    c.put("/api/v2/deletion_schedules/%d.json" % s2, {"deletion_schedule": {"active": True}})
    check(run() == 0 and there(stay) == stay, "a schedule that names a field that is gone deletes nothing")
    check(c.get("/api/ward/v1/deletion_schedules/%d/preview" % s2).status == 422, "and its preview says why")
    check(c.delete("/api/v2/deletion_schedules/%d.json" % s2).status == 204 and c.delete(url).status == 204, "deleted")
    check(run() == 0 and there(stay) == stay, "without schedules nothing goes")
    check(desk.ward("trail", "verify").returncode == 0, "the trail verifies at the end")

# ---- schedules that were on in a data folder from before they deleted wait for somebody to look
with Desk() as desk:
    c = desk.admin()
    on, off = (c.post("/api/v2/deletion_schedules.json", {"deletion_schedule": {"title": "s", "active": a, "object": "zen:ticket", "conditions": {"all": [OLD], "any": []}}}).json["deletion_schedule"]["id"] for a in (True, False))
    one = lambda i: c.get("/api/v2/deletion_schedules/%d.json" % i).json["deletion_schedule"]
    check(one(on)["active"] and one(on)["ward_paused"] is None, "one is on")
    desk.stop()
    desk.start()
    check(one(on)["active"], "a start alone pauses nothing")
    desk.stop()
    db = sqlite3.connect(os.path.join(desk.data, "ward.db"))
    db.execute("UPDATE schema_version SET applied_at = ? WHERE number = 160", (int(time.time() * 1000000),))
    db.commit()
    db.close()
    desk.start()
    check(not one(on)["active"] and one(on)["ward_paused"] == "upgrade" and one(off)["ward_paused"] is None, "after the upgrade it is paused: %s" % one(on))
    check(any(e["ward_action"] == "deletion_schedule.update" and e["actor_id"] is None or e["actor_id"] == 0 for e in c.get("/api/v2/audit_logs.json?filter[source_type]=deletion_schedule").json["audit_logs"]), "in the trail")
    r = c.put("/api/v2/deletion_schedules/%d.json" % on, {"deletion_schedule": {"ward_paused": "x"}})
    check(one(on)["ward_paused"] == "upgrade", "nobody says otherwise: %r" % r)
    check(c.put("/api/v2/deletion_schedules/%d.json" % on, {"deletion_schedule": {"active": True}}).status == 200 and one(on)["ward_paused"] is None, "switched on by somebody who looked")
    desk.stop()
    desk.start()
    check(one(on)["active"], "and it stays on")
    run = c.get("/api/ward/v1/deletion_schedules/run").json["deletion_run"]
    check(run["next_at"].endswith(":00:00Z") or run["status"] == "working", "when the next run begins: %s" % run)
done("retention")
