#!/usr/bin/env python3
"""What agents keep beside tickets: saved searches, pinned content, task lists; activities; the tickets opened last."""
import os, sqlite3, time
from desk import Desk, check, done

with Desk() as desk:
    admin = desk.admin()
    me = admin.get("/api/v2/users/me.json").json["user"]["id"]
    ana_id, ana = desk.person(admin, "Ana Agent", "ana@clinic.example", "agent")
    ben_id, ben = desk.person(admin, "Ben Agent", "ben@clinic.example", "agent", ticket_restriction="assigned")
    pat_id, pat = desk.person(admin, "Pat Patient", "pat@patients.example")

    def ticket(by=admin, **fields):
        r = by.post("/api/v2/tickets.json", {"ticket": dict({"subject": "Lab result", "comment": {"body": "Please call"}, "requester_id": pat_id}, **fields)})
        assert r.status == 201, r
        return r.json["ticket"]["id"]

    # ---- saved searches: one's own, twenty, names apart
    one = {"name": "Open ones", "type": "ticket", "query": "status:open"}
    r = ana.post("/api/v2/saved_searches", {"saved_search": one})
    check(r.status == 201 and set(r.json["saved_search"]) == {"id", "name", "type", "query", "created_at"}, "made: %r" % r)
    sid = r.json["saved_search"]["id"]
    check(len(sid) == 36 and sid.count("-") == 4, "its id is a UUID: %s" % sid)
    check([s["name"] for s in ana.get("/api/v2/saved_searches.json").json["saved_searches"]] == ["Open ones"], "listed")
    check(ben.get("/api/v2/saved_searches").json == {"saved_searches": []}, "not to another")
    check(ben.put("/api/v2/saved_searches/" + sid, {"saved_search": one}).status == 404, "nor changed by another")
    check(ben.delete("/api/v2/saved_searches/" + sid).status == 404, "nor removed")
    r = ana.post("/api/v2/saved_searches", {"saved_search": one})
    check(r.status == 422 and r.json["error"] == "Create Failed" and "name" in r.json["details"], "one name once: %r" % r)
    check(ben.post("/api/v2/saved_searches", {"saved_search": one}).status == 201, "another may have the same")
    r = ana.post("/api/v2/saved_searches", {"saved_search": {"type": "moon", "query": 5}})
    check(r.status == 422 and set(r.json["details"]) == {"name", "type", "query"} and r.json["details"]["name"][0] == {"description": "Name is required", "error": "NameRequired"}, "all that is wrong: %r" % r)
    r = ana.put("/api/v2/saved_searches/" + sid, {"saved_search": {"query": "status:pending", "filters": "[\"assignee\"]"}})
    check(r.status == 200 and r.json["saved_search"]["query"] == "status:pending" and r.json["saved_search"]["name"] == "Open ones" and r.json["saved_search"]["updated_at"] and r.json["saved_search"]["filters"] == "[\"assignee\"]", "changed: %r" % r)
    r = ana.put("/api/v2/saved_searches/" + sid, {"saved_search": {"filters": "{"}})
    check(r.status == 422 and r.json["error"] == "Update Failed", "filters are an array: %r" % r)
    for k in range(19):
        check(ana.post("/api/v2/saved_searches", {"saved_search": dict(one, name="n%d" % k)}).status == 201, "twenty fit")
    check(ana.post("/api/v2/saved_searches", {"saved_search": dict(one, name="too many")}).status == 422, "twenty-one do not")
    check(ana.delete("/api/v2/saved_searches/" + sid).status == 204 and ana.delete("/api/v2/saved_searches/" + sid).status == 404, "removed once")
    check(pat.get("/api/v2/saved_searches").status == 403, "agents only")

    # ---- pins
    t = ticket()
    r = admin.post("/api/v2/ticket_content_pins", {"ticket_content_pin": {"ticket_id": str(t), "content_id": "01HFS5", "content_type": "article", "locale": "en-us"}})
    check(r.status == 201 and r.json["ticket_id"] == str(t) and r.json["content_type"] == "article" and r.json["url"].endswith("/hc/en-us/articles/01HFS5"), "pinned: %r" % r)
    pin = r.json["id"]
    r = admin.post("/api/v2/ticket_content_pins", {"ticket_content_pin": {"ticket_id": str(t), "content_id": "01HFS5", "content_type": "article", "locale": "en-us"}})
    check(r.status == 422 and r.json["error"] == "ContentAlreadyPinned", "once: %r" % r)
    check(admin.post("/api/v2/ticket_content_pins", {"ticket_content_pin": {"ticket_id": str(t), "content_id": "x", "content_type": "article"}}).status == 400, "an article has a locale")
    check(admin.post("/api/v2/ticket_content_pins", {"ticket_content_pin": {"content_id": "x", "content_type": "external_content"}}).json["error"]["title"] == "Invalid attribute", "and a ticket")
    check(ben.post("/api/v2/ticket_content_pins", {"ticket_content_pin": {"ticket_id": t, "content_id": "x", "content_type": "external_content"}}).status == 404, "a ticket out of sight does not exist")
    check(ben.get("/api/v2/ticket_content_pins?ticket_id=%d" % t).status == 404 and ben.delete("/api/v2/ticket_content_pins/" + pin).status == 404, "nor what hangs on it")
    r = ana.get("/api/v2/ticket_content_pins?ticket_id=%d" % t)
    check(r.json["count"] == 1 and r.json["ticket_content_pins"][0]["id"] == pin, "listed: %r" % r)
    r = ana.delete("/api/v2/ticket_content_pins/" + pin)
    check(r.status == 200 and r.json["id"] == pin and admin.get("/api/v2/ticket_content_pins?ticket_id=%d" % t).json["count"] == 0, "unpinned: %r" % r)

    # ---- task lists
    r = admin.post("/api/v2/task_list_templates", {"task_list_template": {"name": "Intake", "description": "New patients", "is_required": True,
                                                                          "tasks": [{"name": "Consent", "required": True}, {"name": "Insurance", "description": "Copy the card"}]}})
    check(r.status == 201 and r.json["task_list_template"]["task_count"] == 2 and [x["position"] for x in r.json["task_list_template"]["tasks"]] == [1, 2], "a template: %r" % r)
    tpl = r.json["task_list_template"]
    check(isinstance(tpl["id"], str) and tpl["tasks"][0]["required"] is True and tpl["tasks"][1]["required"] is False and tpl["is_active"], "as documented: %r" % tpl)
    check(ana.post("/api/v2/task_list_templates", {"task_list_template": {"name": "x"}}).status == 403, "agents make none")
    check("tasks" not in ana.get("/api/v2/task_list_templates/" + tpl["id"]).json["task_list_template"], "shown without its tasks")
    check([x["name"] for x in ana.get("/api/v2/task_list_templates/%s/tasks" % tpl["id"]).json["tasks"]] == ["Consent", "Insurance"], "which have a list of their own")
    a, b = tpl["tasks"]
    r = admin.put("/api/v2/task_list_templates/" + tpl["id"], {"task_list_template": {"tasks": [{"id": a["id"], "description": "Signed"}, {"id": b["id"], "_destroy": True}, {"name": "Call", "position": 1}]}})
    check(r.status == 200 and [(x["name"], x["position"]) for x in r.json["task_list_template"]["tasks"]] == [("Call", 1), ("Consent", 2)], "changed, removed, added: %r" % r)
    check(r.json["task_list_template"]["tasks"][1]["id"] == a["id"] and r.json["task_list_template"]["tasks"][1]["description"] == "Signed" and r.json["task_list_template"]["name"] == "Intake", "what is not named stays")
    check(admin.put("/api/v2/task_list_templates/" + tpl["id"], {"task_list_template": {"tasks": [{"id": "424242", "name": "x"}]}}).status == 422, "a task of another is refused")
    r = admin.post("/api/v2/task_list_templates", {"task_list_template": {"tasks": [{"description": "no name"}]}})
    check(r.status == 422 and set(r.json["details"]) == {"name", "tasks"}, "names are needed: %r" % r)
    for k in range(3):
        admin.post("/api/v2/task_list_templates", {"task_list_template": {"name": "T%d" % k, "is_active": k > 0}})
    seen, url = [], "/api/v2/task_list_templates?page[size]=2"
    while url:
        j = ana.get(url).json
        seen += [x["name"] for x in j["task_list_templates"]]
        url = j["links"]["next"][j["links"]["next"].index("/api/"):] if j["meta"]["has_more"] else None
    check(seen == ["Intake", "T0", "T1", "T2"], "pages: %s" % seen)
    off = [x for x in ana.get("/api/v2/task_list_templates").json["task_list_templates"] if not x["is_active"]][0]
    check(admin.get("/api/v2/tickets/%d/task_lists" % t).json["task_lists"] == [], "none at first")
    r = ana.post("/api/v2/tickets/%d/task_lists" % t, {"task_list": {"task_list_template_id": tpl["id"]}})
    check(r.status == 201 and r.json["count"] == 1 and r.json["task_lists"][0]["name"] == "Intake" and r.json["task_lists"][0]["task_count"] == 2 and r.json["task_lists"][0]["ticket_id"] == str(t)
          and r.json["task_lists"][0]["task_list_template_id"] == tpl["id"], "added: %r" % r)
    check(ana.post("/api/v2/tickets/%d/task_lists" % t, {"task_list": {"task_list_template_id": tpl["id"]}}).status == 422, "once")
    check(ana.post("/api/v2/tickets/%d/task_lists" % t, {"task_list": {"task_list_template_id": off["id"]}}).status == 422, "of an active template")
    check(ben.post("/api/v2/tickets/%d/task_lists" % t, {"task_list": {"task_list_template_id": tpl["id"]}}).status == 404, "on a ticket that one sees")
    r = ana.put("/api/v2/tickets/%d.json" % t, {"ticket": {"status": "solved"}})
    check(r.status == 422 and "status" in r.json["details"], "a required list must be done first: %r" % r)
    own = ana.get("/api/ward/v1/tickets/%d/task_lists" % t).json["task_lists"][0]
    for x in own["tasks"]:
        r = ana.put("/api/ward/v1/tickets/%d/task_lists/%s/tasks/%s" % (t, own["id"], x["id"]), {"task": {"completed": True}})
        check(r.status == 200, "a task is done: %r" % r)
    check(all(x["completed"] for x in ana.get("/api/ward/v1/tickets/%d/task_lists" % t).json["task_lists"][0]["tasks"]), "all are")
    check(ana.put("/api/v2/tickets/%d.json" % t, {"ticket": {"status": "solved"}}).status == 200, "then it is solved")
    check(admin.delete("/api/v2/task_list_templates/" + tpl["id"]).status == 204 and ana.get("/api/v2/tickets/%d/task_lists" % t).json["task_lists"][0]["name"] == "Intake", "the list outlives its template")

    # ---- activities: what others did to my tickets
    check(ana.get("/api/v2/activities.json").json["activities"] == [], "nothing yet")
    mine = ticket(assignee_id=ana_id, priority="low")
    admin.put("/api/v2/tickets/%d.json" % mine, {"ticket": {"comment": {"body": "A note for Ana", "public": False}}})
    admin.put("/api/v2/tickets/%d.json" % mine, {"ticket": {"priority": "urgent"}})
    admin.put("/api/v2/tickets/%d.json" % mine, {"ticket": {"priority": "normal"}})
    ana.put("/api/v2/tickets/%d.json" % mine, {"ticket": {"comment": {"body": "My own", "public": False}, "priority": "high"}})
    r = ana.get("/api/v2/activities.json")
    got = r.json["activities"]
    check([x["verb"] for x in got] == ["tickets.priority_increase", "tickets.comment", "tickets.assignment"], "newest first, not one's own: %r" % [x["verb"] for x in got])
    check(got[2]["title"].endswith("assigned ticket #%d to you." % mine) and got[2]["target"] == {"ticket": {"id": mine, "subject": "Lab result"}}, "its words: %r" % got[2])
    check(got[1]["object"]["comment"]["value"] == "A note for Ana" and got[1]["object"]["comment"]["public"] is False, "the comment: %r" % got[1]["object"])
    check(got[0]["object"]["change"]["value"] == "urgent" and got[0]["actor_id"] == me and got[0]["actor"]["id"] == me and got[0]["user_id"] == ana_id and got[0]["user"]["id"] == ana_id, "who did it to whom")
    check([u["id"] for u in r.json["actors"]] == [me] and {u["id"] for u in r.json["users"]} == {me, ana_id} and r.json["count"] == 3, "people beside it: %r" % r.json["count"])
    check(ana.get("/api/v2/activities/count.json").json["count"]["value"] == 3, "counted")
    check(ana.get("/api/v2/activities/%d.json" % got[0]["id"]).json["activity"]["id"] == got[0]["id"], "one of them")
    check(admin.get("/api/v2/activities/%d.json" % got[0]["id"]).status == 404, "another's does not exist")
    check(ana.get("/api/v2/activities.json?since=2100-01-01T00:00:00Z").json["activities"] == [] and ana.get("/api/v2/activities.json?since=x").status == 400, "since")
    seen, url = [], "/api/v2/activities.json?page[size]=2"
    while url:
        j = ana.get(url).json
        seen += [x["id"] for x in j["activities"]]
        url = j["links"]["next"][j["links"]["next"].index("/api/"):] if j["meta"]["has_more"] else None
    check(seen == [x["id"] for x in got], "pages: %s" % seen)
    check([x["id"] for x in ana.get("/api/v2/activities.json?sort=created_at").json["activities"]] == seen[::-1], "oldest first when asked")
    followed = ticket(followers=[{"user_id": ana_id}])
    pat.put("/api/v2/requests/%d.json" % followed, {"request": {"comment": {"body": "Any news?"}}})
    a = ana.get("/api/v2/activities.json").json["activities"][0]
    check(a["verb"] == "tickets.comment" and a["actor_id"] == pat_id and a["object"]["comment"]["value"] == "Any news?", "what one follows: %r" % a)
    bens = ticket(assignee_id=ben_id)
    check(len(ben.get("/api/v2/activities.json").json["activities"]) == 1, "Ben's")
    admin.put("/api/v2/tickets/%d.json" % bens, {"ticket": {"assignee_id": ana_id}})
    check(ben.get("/api/v2/activities.json").json["activities"] == [], "a ticket out of sight takes its activities along")

    # ---- recent: what I opened
    tickets = [ticket() for _ in range(7)]
    check(ana.get("/api/v2/tickets/recent.json").json["tickets"] == [] or mine in [t["id"] for t in ana.get("/api/v2/tickets/recent.json").json["tickets"]], "nothing of these")
    for k in (0, 1, 2, 3, 4, 5, 2):
        ana.get("/api/v2/tickets/%d.json" % tickets[k])
    ana.get("/api/v2/tickets.json")
    check([t["id"] for t in ana.get("/api/v2/tickets/recent.json").json["tickets"]] == [tickets[k] for k in (2, 5, 4, 3, 1)], "the last five that were opened: %s of %s"
          % ([t["id"] for t in ana.get("/api/v2/tickets/recent.json").json["tickets"]], tickets))
    new = ticket(by=ana)
    check(ana.get("/api/v2/tickets/recent.json").json["tickets"][0]["id"] == new, "one that was made counts")
    admin.delete("/api/v2/tickets/%d.json" % new)
    check(new not in [t["id"] for t in ana.get("/api/v2/tickets/recent.json").json["tickets"]], "one that is deleted does not")
    check(ben.get("/api/v2/tickets/recent.json").json["tickets"] == [], "each has their own")

    # ---- erased is erased
    check(admin.delete("/api/v2/tickets/%d.json" % t).status == 204 and admin.delete("/api/v2/deleted_tickets/%d.json" % t).status in (200, 204), "the ticket goes for good")
    check(admin.get("/api/v2/tickets/%d/task_lists" % t).status == 404, "with its task list")
    db = sqlite3.connect("file:%s?mode=ro" % os.path.join(desk.data, "ward.db"), uri=True)
    about = lambda: {n: k for n, k in db.execute("SELECT ticket_id, count(*) FROM activity GROUP BY 1")}
    was = about()
    check(was.get(mine) == 3 and len(was) > 2, "activities of several: %s" % was)
    admin.delete("/api/v2/tickets/%d.json" % mine), admin.delete("/api/v2/deleted_tickets/%d.json" % mine)
    end = time.time() + 5
    while mine in about() and time.time() < end:
        time.sleep(0.05)
    check(about() == {n: k for n, k in was.items() if n != mine}, "its activities go, and no others: %s" % about())
    db.close()
    check(desk.ward("trail", "verify").returncode == 0, "the trail verifies")
done("asides")
