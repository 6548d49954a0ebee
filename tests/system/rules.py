#!/usr/bin/env python3
"""Rules over the API: views, triggers, macros, automations, trials; what they do to tickets, what is refused."""
import json, time
from desk import Desk, Client, check, done

with Desk() as desk:
    admin = desk.admin()
    agent_id, agent = desk.person(admin, "Ana Agent", "ana@clinic.example", "agent")
    other_id, other = desk.person(admin, "Oda Other", "oda@clinic.example", "agent")
    end_id, end = desk.person(admin, "Eve Enduser", "eve@patients.example")
    group = admin.post("/api/v2/groups.json", {"group": {"name": "Billing"}}).json["group"]["id"]
    closed = admin.post("/api/v2/groups.json", {"group": {"name": "Closed", "is_public": False}}).json["group"]["id"]
    admin.post("/api/v2/group_memberships.json", {"group_membership": {"user_id": agent_id, "group_id": group}})

    def ticket(client=admin, **fields):
        r = client.post("/api/v2/tickets.json", {"ticket": dict({"subject": "s", "comment": {"body": "hello"}}, **fields)})
        check(r.status == 201, "a ticket is made: %r" % r)
        return r.json["ticket"]

    def update(tid, client=admin, **fields):
        r = client.put("/api/v2/tickets/%d.json" % tid, {"ticket": fields})
        check(r.status == 200, "a ticket is changed: %r" % r)
        return r.json

    def view(client=admin, **v):
        r = client.post("/api/v2/views.json", {"view": v})
        check(r.status == 201 and r.headers["Location"], "a view is made: %r" % r)
        return r.json["view"]

    def ids(client, vid, query=""):
        r = client.get("/api/v2/views/%d/tickets.json%s" % (vid, query))
        check(r.status == 200, "a view answers: %r" % r)
        return [t["id"] for t in r.json["tickets"]]

    def count(client, vid):
        r = client.get("/api/v2/views/%d/count.json" % vid)
        check(r.status == 200, "a view counts: %r" % r)
        return r.json["view_count"]["value"]

    # ---- what is there from the beginning
    r = admin.get("/api/v2/views/active.json").json
    titles = [v["title"] for v in r["views"]]
    for t in ("Your unsolved tickets", "Unassigned tickets", "All unsolved tickets", "Pending tickets", "Recently solved tickets"):
        check(t in titles, "the view %s is there" % t)
    by_title = {v["title"]: v for v in r["views"]}
    check(all(v["default"] for v in r["views"]), "they are defaults")
    r = admin.get("/api/v2/triggers.json").json
    check(len(r["triggers"]) >= 7 and all(t["category_id"] for t in r["triggers"]), "default triggers, in a category")
    check(all("ticket.description" not in str(t["actions"]) and "comment" not in str(t["actions"]).replace("comment_", "") for t in r["triggers"]), "their texts carry no content")

    # ---- views
    unsolved, unassigned, mine = (by_title[t]["id"] for t in ("All unsolved tickets", "Unassigned tickets", "Your unsolved tickets"))
    made = [ticket(subject="t%d" % i)["id"] for i in range(5)]
    check(sorted(ids(admin, unsolved)) == made and count(admin, unsolved) == 5, "all unsolved tickets")
    check(count(admin, unassigned) == 5, "unassigned tickets")
    update(made[0], assignee_id=agent_id)
    check(ids(agent, mine) == [made[0]] and count(agent, mine) == 1 and count(other, mine) == 0, "your tickets are yours")
    check(count(admin, unassigned) == 4 and made[0] not in ids(admin, unassigned), "an assigned one left the other view")
    update(made[1], status="solved", assignee_id=agent_id)
    check(count(admin, unsolved) == 4 and count(agent, mine) == 1, "counters follow")
    admin.delete("/api/v2/tickets/%d.json" % made[2])
    check(count(admin, unsolved) == 3 and made[2] not in ids(admin, unsolved), "a deleted one is in no view")
    admin.put("/api/v2/deleted_tickets/%d/restore.json" % made[2], {})
    check(count(admin, unsolved) == 4, "a restored one is again")
    hidden = ticket(group_id=closed)["id"]
    check(count(admin, unsolved) == 5 and count(agent, unsolved) == 4 and hidden not in ids(agent, unsolved), "a private group's ticket is not seen, not counted")
    r = admin.get("/api/v2/views/count_many.json?ids=%d,%d,999999" % (unsolved, mine)).json["view_counts"]
    check([c["view_id"] for c in r] == sorted([unsolved, mine]) and all(c["fresh"] for c in r), "count_many, unknown ones left out: %r" % r)

    tagged = view(title="Tagged", all=[{"field": "status", "operator": "less_than", "value": "solved"}, {"field": "current_tags", "operator": "includes", "value": "vip gold"}],
                  output={"columns": ["status", "subject", 77], "sort_by": "updated", "sort_order": "asc"})
    check(tagged["execution"]["columns"][0] == {"id": "status", "title": "Status"} and tagged["execution"]["custom_fields"][0]["id"] == 77, "columns are shown: %r" % tagged["execution"])
    check(tagged["conditions"]["all"][1] == {"field": "current_tags", "operator": "includes", "value": "vip gold"}, "conditions come back as sent")
    check(ids(admin, tagged["id"]) == [] and count(admin, tagged["id"]) == 0, "nothing is tagged yet")
    update(made[3], tags=["vip"])
    update(made[4], tags=["silver", "gold"])
    check(ids(admin, tagged["id"]) == [made[3], made[4]] and count(admin, tagged["id"]) == 2, "sealed tags are looked at")
    update(made[3], tags=["x"])
    check(count(admin, tagged["id"]) == 1, "and counters follow tags")
    r = admin.get("/api/v2/views/%d/execute.json" % tagged["id"]).json
    check(r["rows"][0]["ticket"]["id"] == made[4] and r["columns"][2]["id"] == 77 and r["view"]["id"] == tagged["id"] and r["count"] == 1, "a view is executed: %r" % r)

    # every page once, in the order asked for
    many = [ticket(subject="p%d" % i, priority=("low", "high", "urgent", "normal")[i % 4])["id"] for i in range(12)]
    for sort in ("updated", "nice_id", "priority", "assignee"):
        for way in ("asc", "desc"):
            seen, query = [], "?page[size]=5&sort_by=%s&sort_order=%s" % (sort, way)
            while True:
                r = admin.get("/api/v2/views/%d/tickets.json%s" % (unsolved, query)).json
                seen += [t["id"] for t in r["tickets"]]
                if not r["meta"]["has_more"]:
                    break
                query = r["links"]["next"].split("tickets.json")[1]
            back = [t["id"] for t in r["tickets"]]
            while True:
                r = admin.get("/api/v2/views/%d/tickets.json%s" % (unsolved, r["links"]["prev"].split("tickets.json")[1])).json
                back = [t["id"] for t in r["tickets"]] + back
                if not r["meta"]["has_more"]:
                    break
            check(back == seen, "and backward the same by %s %s: %s %s" % (sort, way, back, seen))
            check(len(seen) == len(set(seen)) == count(admin, unsolved), "each ticket once by %s %s: %d %d" % (sort, way, len(seen), len(set(seen))))
            offs = []
            for page in (1, 2, 3, 4):
                offs += [t["id"] for t in admin.get("/api/v2/views/%d/tickets.json?per_page=5&page=%d&sort_by=%s&sort_order=%s" % (unsolved, page, sort, way)).json["tickets"]]
            check(offs == seen, "offset and cursor pages agree by %s %s" % (sort, way))
    walk = lambda q: admin.get("/api/v2/views/%d/tickets.json%s" % (unsolved, q)).json
    one = walk("?page[size]=4&group_by=priority&group_order=asc")
    two = walk(one["links"]["next"].split("tickets.json")[1])
    again = walk(two["links"]["prev"].split("tickets.json")[1])
    check([t["id"] for t in again["tickets"]] == [t["id"] for t in one["tickets"]] and not again["meta"]["has_more"], "grouped pages go back, too")
    check(walk(one["links"]["prev"].split("tickets.json")[1])["tickets"] == [], "in front of the first is nothing")
    r = agent.get("/api/v2/views/%d/export.json" % unsolved)
    check(r.status == 200 and r.json["export"]["view_id"] == unsolved and r.json["export"]["status"] == "completed", "an agent exports a view: %r" % r)
    sheet = agent.get("/" + r.json["export"]["url"].split("/", 3)[3])
    check(sheet.headers["Content-Type"].startswith("text/csv") and sheet.body.count(b"\r\n") == 1 + count(agent, unsolved), "its file has what the agent sees")
    grouped = admin.post("/api/v2/views/preview.json", {"view": {"all": [{"field": "status", "operator": "less_than", "value": "solved"}],
                         "output": {"columns": ["priority"], "group_by": "priority", "group_order": "desc", "sort_by": "nice_id", "sort_order": "asc"}}}).json
    order = [r["ticket"]["priority"] for r in grouped["rows"]]
    rank = {None: 0, "low": 1, "normal": 2, "high": 3, "urgent": 4}
    check([rank[p] for p in order] == sorted((rank[p] for p in order), reverse=True), "grouped by priority: %r" % order)
    r = admin.post("/api/v2/views/preview/count.json", {"view": {"all": [{"field": "priority", "operator": "is", "value": "urgent"}]}}).json
    check(r["view_count"]["value"] == 3, "a preview counts: %r" % r)
    mygroups = by_title["Unsolved tickets in your groups"]["id"]
    update(many[0], group_id=group)
    check(ids(agent, mygroups) == [] or many[0] in ids(agent, mygroups), "your groups' tickets")
    check(many[0] in ids(agent, mygroups) and many[0] not in ids(other, mygroups), "a member sees the group's, another does not")
    check(count(agent, mygroups) == len(ids(agent, mygroups)), "and they are counted")

    r = admin.get("/api/ward/v1/views/%d/csv" % unsolved)
    check(r.status == 200 and r.headers["Content-Type"].startswith("text/csv") and len(r.body.decode().splitlines()) == count(admin, unsolved) + 1, "a view as CSV")
    evil = ticket(subject="=cmd()")["id"]
    check(b",\"'=cmd()\"," in admin.get("/api/ward/v1/views/%d/csv" % unsolved).body, "without formulas")
    check(admin.get("/api/v2/views/%d/export.json" % unsolved).json["export"]["status"] == "completed", "it is there at once")

    # whose views are whose
    r = agent.post("/api/v2/views.json", {"view": {"title": "Own", "all": [{"field": "status", "operator": "is", "value": "open"}]}})
    own = r.json["view"]
    check(r.status == 201 and own["restriction"] == {"type": "User", "id": agent_id}, "an agent's view is his own: %r" % r)
    check(other.get("/api/v2/views/%d.json" % own["id"]).status == 404 and admin.get("/api/v2/views/%d.json" % own["id"]).status == 404, "and nobody else's")
    check(agent.put("/api/v2/views/%d.json" % unsolved, {"view": {"title": "x"}}).status == 403, "a shared one is not an agent's to change")
    check(agent.post("/api/v2/views.json", {"view": {"title": "Own", "restriction": None, "all": [{"field": "status", "operator": "is", "value": "open"}]}}).status == 403, "nor to make")
    limited = view(title="Billing only", restriction={"type": "Group", "id": group, "ids": [group]}, all=[{"field": "status", "operator": "is", "value": "open"}])
    check(agent.get("/api/v2/views/%d.json" % limited["id"]).status == 200 and other.get("/api/v2/views/%d.json" % limited["id"]).status == 404, "a group's view is its members'")
    check(agent.delete("/api/v2/views/%d.json" % own["id"]).status == 204, "an agent deletes his own")
    check(admin.put("/api/v2/views/update_many.json", {"views": [{"id": limited["id"], "active": False}]}).json["views"][0]["active"] is False, "update_many")
    check(admin.delete("/api/v2/views/destroy_many.json?ids=%d" % limited["id"]).status == 204, "destroy_many")

    # ---- triggers
    def trigger(**t):
        r = admin.post("/api/v2/triggers.json", {"trigger": t})
        check(r.status == 201, "a trigger is made: %r" % r)
        return r.json["trigger"]

    t1 = trigger(title="Urgent words", conditions={"all": [{"field": "update_type", "operator": "is", "value": "Create"}], "any": [
        {"field": "subject_includes_word", "operator": "includes", "value": "chest pain"}, {"field": "comment_includes_word", "operator": "includes", "value": "emergency"}]},
        actions=[{"field": "priority", "value": "urgent"}, {"field": "current_tags", "value": "triage"}, {"field": "group_id", "value": str(group)}])
    r = admin.post("/api/v2/tickets.json", {"ticket": {"subject": "Pain since Monday", "comment": {"body": "no"}}}).json
    check(r["ticket"]["priority"] == "urgent" and r["ticket"]["tags"] == ["triage"] and r["ticket"]["group_id"] == group, "the trigger ran: %r" % r["ticket"])
    done_by = [e for e in r["audit"]["events"] if e.get("via", {}).get("channel") == "rule"]
    check({e["field_name"] for e in done_by} == {"priority", "tags", "group_id"} and all(e["via"]["source"]["from"] == {"id": t1["id"], "title": "Urgent words"}
          and e["via"]["source"]["rel"] == "trigger" for e in done_by), "its events name it: %r" % done_by)
    check(admin.get("/api/v2/search.json?query=type:ticket%20tags:triage").json["count"] == 1, "the tag it set is found")
    check(ticket(subject="painful")["priority"] is None, "words are whole")
    check(ticket(subject="x", comment={"body": "An EMERGENCY!"})["priority"] == "urgent", "words are folded")
    # an order and a chain: the second reacts to the first, an earlier one to a later one
    t2 = trigger(title="Escalate", position=1, conditions={"all": [{"field": "priority", "operator": "is", "value": "urgent"}, {"field": "assignee_id", "operator": "is", "value": ""}]},
                 actions=[{"field": "assignee_id", "value": str(agent_id)}])
    t = ticket(subject="pain")
    check(t["assignee_id"] == agent_id and t["status"] == "open", "a trigger reacts to what another one did: %r" % t)
    check(admin.get("/api/v2/triggers.json").json["triggers"][0]["id"] == t2["id"], "it is the first now")
    # a cycle ends and is named
    a = trigger(title="On", conditions={"all": [{"field": "current_tags", "operator": "not_includes", "value": "flip"}, {"field": "current_tags", "operator": "includes", "value": "loop"}]}, actions=[{"field": "current_tags", "value": "flip"}])
    b = trigger(title="Off", conditions={"all": [{"field": "current_tags", "operator": "includes", "value": "flip"}]}, actions=[{"field": "remove_tags", "value": "flip"}])
    r = admin.post("/api/v2/tickets.json", {"ticket": {"subject": "c", "comment": {"body": "x"}, "tags": ["loop"]}}).json
    errors = [e for e in r["audit"]["events"] if e["type"] == "Error"]
    check(errors and errors[0]["via"]["source"]["from"]["id"] == a["id"], "a cycle is ended and named: %r" % r["audit"]["events"])
    # changed from, changed to, current user
    trigger(title="Reopened", conditions={"all": [{"field": "status", "operator": "value_previous", "value": "solved"}, {"field": "status", "operator": "value", "value": "open"},
            {"field": "role", "operator": "is", "value": "end_user"}]}, actions=[{"field": "current_tags", "value": "reopened"}])
    t = ticket(requester_id=end_id)["id"]
    update(t, status="solved", assignee_id=agent_id)
    update(t, status="open")
    check("reopened" not in admin.get("/api/v2/tickets/%d.json" % t).json["ticket"]["tags"], "an agent reopened it: not the end user")
    update(t, status="solved")
    end.put("/api/v2/requests/%d.json" % t, {"request": {"comment": {"body": "still"}}})
    check("reopened" in admin.get("/api/v2/tickets/%d.json" % t).json["ticket"]["tags"], "the requester reopened it")
    # what the trail says
    trail = desk.ward("trail", "export", "--format", "jsonl").stdout.decode()
    made = [e for e in (json.loads(json.loads(l)["canonical"]) for l in trail.splitlines() if '"canonical"' in l[:20]) if any(f.get("cause") == "trigger:%d" % t1["id"] for f in e.get("fields", ()))]
    check(made and all(e["action"] in ("ticket.create", "ticket.update") and not e["fields"][0].get("cause") for e in made), "the trail names the trigger as the cause of what it changed: %r" % made[:1])
    check("trigger.create" in trail and "Urgent words" not in trail, "rules' changes are in the trail, their words are not")
    # custom fields
    color = admin.post("/api/v2/ticket_fields.json", {"ticket_field": {"type": "tagger", "title": "Color", "custom_field_options": [{"name": "Blue", "value": "blue"}, {"name": "Red", "value": "red"}]}}).json["ticket_field"]["id"]
    size = admin.post("/api/v2/ticket_fields.json", {"ticket_field": {"type": "integer", "title": "Size"}}).json["ticket_field"]["id"]
    trigger(title="Field", conditions={"all": [{"field": "custom_fields_%d" % color, "operator": "is", "value": "blue"}]}, actions=[{"field": "current_tags", "value": "is_blue"}, {"field": "custom_fields_%d" % size, "value": "7"}])
    t = ticket(custom_fields=[{"id": color, "value": "blue"}])
    check("is_blue" in t["tags"] and {"id": size, "value": 7} in t["custom_fields"], "custom fields are asked and set, typed: %r" % t)
    trigger(title="Recolor", conditions={"all": [{"field": "subject_includes_word", "operator": "includes", "value": "recolor"}]}, actions=[{"field": "custom_fields_%d" % color, "value": "red"}, {"field": "custom_fields_%d" % size, "value": "huge"}])
    t = ticket(subject="recolor")
    check({"id": color, "value": "red"} in t["custom_fields"] and "red" in t["tags"] and {"id": size, "value": None} in t["custom_fields"], "with the option's tag, and without what does not fit: %r" % t)
    r = admin.post("/api/v2/triggers.json", {"trigger": {"title": "x", "conditions": {"all": [{"field": "custom_fields_999999", "operator": "is", "value": "a"}]}, "actions": [{"field": "status", "value": "open"}]}})
    check(r.status == 422, "a field that is not there: %r" % r)
    sv = admin.get("/api/v2/custom_statuses.json").json["custom_statuses"]
    lab = admin.post("/api/v2/custom_statuses.json", {"custom_status": {"status_category": "pending", "agent_label": "At the lab"}}).json["custom_status"]["id"]
    trigger(title="Lab", conditions={"all": [{"field": "subject_includes_word", "operator": "includes", "value": "labwork"}, {"field": "update_type", "operator": "is", "value": "Create"}]}, actions=[{"field": "custom_status_id", "value": str(lab)}])
    t = ticket(subject="labwork")
    check(t["status"] == "pending" and t["custom_status_id"] == lab, "a custom status brings its category: %r" % t)
    inlab = view(title="Lab", all=[{"field": "status", "operator": "less_than", "value": "solved"}, {"field": "custom_status_id", "operator": "is", "value": str(lab)}])
    check(ids(admin, inlab["id"]) == [t["id"]] and count(admin, inlab["id"]) == 1, "and is found by a view")
    update(t["id"], status="open")
    check(count(admin, inlab["id"]) == 0 and admin.get("/api/v2/tickets/%d.json" % t["id"]).json["ticket"]["custom_status_id"] != lab, "it goes with the category")

    # ---- refused
    for what, t in (("no title", {"conditions": {"all": [{"field": "status", "operator": "is", "value": "new"}]}, "actions": [{"field": "status", "value": "open"}]}),
                    ("no actions", {"title": "x", "conditions": {"all": [{"field": "status", "operator": "is", "value": "new"}]}}),
                    ("an unknown field", {"title": "x", "conditions": {"all": [{"field": "phase_of_moon", "operator": "is", "value": "new"}]}, "actions": [{"field": "status", "value": "open"}]}),
                    ("an unknown operator", {"title": "x", "conditions": {"all": [{"field": "status", "operator": "smells", "value": "new"}]}, "actions": [{"field": "status", "value": "open"}]}),
                    ("a wrong value", {"title": "x", "conditions": {"all": [{"field": "status", "operator": "is", "value": "fresh"}]}, "actions": [{"field": "status", "value": "open"}]}),
                    ("a wrong action value", {"title": "x", "conditions": {"all": [{"field": "status", "operator": "is", "value": "new"}]}, "actions": [{"field": "status", "value": "dead"}]}),
                    ("Liquid", {"title": "x", "conditions": {"all": [{"field": "status", "operator": "is", "value": "new"}]}, "actions": [{"field": "notification_user", "value": ["requester_id", "a", "{% if x %}y{% endif %}"]}]}),
                    ("hours in a trigger", {"title": "x", "conditions": {"all": [{"field": "NEW", "operator": "greater_than", "value": "1"}]}, "actions": [{"field": "status", "value": "open"}]}),
                    ("an action of macros", {"title": "x", "conditions": {"all": [{"field": "status", "operator": "is", "value": "new"}]}, "actions": [{"field": "comment_value", "value": "x"}]}),
                    ("conditions of another shape", {"title": "x", "conditions": [1, 2], "actions": [{"field": "status", "value": "open"}]}),
                    ("an unknown category", {"title": "x", "category_id": "99999", "conditions": {"all": [{"field": "status", "operator": "is", "value": "new"}]}, "actions": [{"field": "status", "value": "open"}]})):
        r = admin.post("/api/v2/triggers.json", {"trigger": t})
        check(r.status == 422 and r.json["error"] == "RecordInvalid" and r.json["details"], "refused: %s: %r" % (what, r))
    r = admin.post("/api/v2/triggers.json", {"trigger": {"conditions": {"all": [{"field": "nothing"}]}, "actions": [{"field": "nowhere"}]}})
    check(r.status == 422 and {"title", "conditions", "actions"} <= set(r.json["details"]), "all that is wrong at once: %r" % r)
    check(admin.post("/api/v2/views.json", {"view": {"title": "x", "all": [{"field": "current_tags", "operator": "includes", "value": "a"}]}}).status == 422, "a view needs a condition with an index")
    check(admin.post("/api/v2/views.json", {"view": {"title": "x", "all": [{"field": "status", "operator": "is", "value": "new"}], "output": {"sort_by": "subject"}}}).status == 422, "a sealed column is no order")
    check(agent.post("/api/v2/triggers.json", {"trigger": {}}).status == 403, "triggers are an administrator's")
    check(end.get("/api/v2/views.json").status == 403, "an end user has no views")

    # ---- reorder, revisions, categories, definitions
    order = [t["id"] for t in admin.get("/api/v2/triggers.json").json["triggers"]]
    admin.put("/api/v2/triggers/reorder.json", {"trigger_ids": order[::-1]})
    check([t["id"] for t in admin.get("/api/v2/triggers.json").json["triggers"]] == order[::-1], "reordered")
    admin.put("/api/v2/triggers/%d.json" % t1["id"], {"trigger": {"title": "Urgent", "active": False}})
    r = admin.get("/api/v2/triggers/%d/revisions.json" % t1["id"]).json
    check([v["snapshot"]["title"] for v in r["trigger_revisions"]] == ["Urgent", "Urgent words"], "revisions are kept: %r" % r)
    check(ticket(subject="pain")["priority"] is None, "an inactive trigger rests")
    c = admin.post("/api/v2/trigger_categories.json", {"trigger_category": {"name": "Triage"}}).json["trigger_category"]
    check(isinstance(c["id"], str), "a category's id is a string")
    admin.put("/api/v2/triggers/%d.json" % t1["id"], {"trigger": {"category_id": c["id"]}})
    check(admin.delete("/api/v2/trigger_categories/%s.json" % c["id"]).status == 422, "a category in use stays")
    check([t["id"] for t in admin.get("/api/v2/triggers.json?category_id=%s" % c["id"]).json["triggers"]] == [t1["id"]], "triggers of a category")
    d = admin.get("/api/v2/triggers/definitions.json").json["definitions"]
    check({"status", "comment_is_public", "current_tags"} <= {x["subject"] for x in d["conditions_all"]} and any(x["subject"] == "notification_user" for x in d["actions"]), "definitions list the table")
    check(admin.get("/api/v2/triggers/search.json?query=urgent").json["count"] == 1, "searched by title")

    # ---- what rules send waits in the outbox
    def outbox():
        return admin.get("/api/ward/v1/outbox.json?limit=100").json

    r = admin.put("/api/ward/v1/mail.json", {"mail": {"host": "localhost", "port": 9, "from": "support@clinic.example", "name": "Clinic", "retry_seconds": 3000}})
    check(r.status == 200, "mail is set up: %r" % r)
    check(admin.put("/api/ward/v1/rules/settings", {"rules": {"builtin_notifications": False}}).json["rules"]["builtin_notifications"] is False, "the built-in notifications are off")
    check(agent.put("/api/ward/v1/rules/settings", {"rules": {"builtin_notifications": True}}).status == 403, "which only an administrator may")
    before = str(outbox())
    received = [t for t in admin.get("/api/v2/triggers.json").json["triggers"] if t["title"] == "Notify requester of received request"][0]["id"]
    q = end.post("/api/v2/requests.json", {"request": {"subject": "hello", "comment": {"body": "secret words"}}}).json["request"]["id"]
    check("trigger:%d" % received not in str(outbox()), "an inactive trigger tells nobody")
    admin.put("/api/v2/triggers/%d.json" % received, {"trigger": {"active": True}})
    q = end.post("/api/v2/requests.json", {"request": {"subject": "hello", "comment": {"body": "secret words"}}}).json["request"]["id"]
    check("trigger:%d" % received in str(outbox()), "the requester is told by the trigger: %r" % outbox())
    r = admin.get("/api/v2/tickets/%d/audits.json" % q).json["audits"][0]
    n = [e for e in r["events"] if e["type"] == "Notification"]
    check(n and n[0]["recipients"] == [end_id] and "secret" not in n[0]["body"] and str(q) in n[0]["body"] and n[0]["via"]["source"]["from"]["id"] == received, "which the audit says: %r" % n)
    hook = admin.post("/api/v2/webhooks", {"webhook": {"name": "h", "endpoint": "https://hooks.example/x", "http_method": "POST", "request_format": "json", "status": "active", "subscriptions": ["conditional_ticket_events"]}})
    check(hook.status == 201, "a webhook: %r" % hook)
    w = trigger(title="Hook", conditions={"all": [{"field": "subject_includes_word", "operator": "includes", "value": "hookme"}]}, actions=[{"field": "notification_webhook", "value": [hook.json["webhook"]["id"], "{\"id\": {{ticket.id}}}"]}])
    ticket(subject="hookme")
    check("trigger:%d" % w["id"] in str(outbox()), "a webhook is called by the trigger")
    admin.put("/api/v2/triggers/%d.json" % received, {"trigger": {"active": False}})

    # ---- trials
    t = ticket(subject="quiet", requester_id=end_id)
    update(t["id"], priority="high")
    r = admin.post("/api/ward/v1/rules/dry_run", {"kind": "trigger", "ticket_id": t["id"], "rule": {"conditions": {"all": [
        {"field": "priority", "operator": "changed"}, {"field": "priority", "operator": "value", "value": "high"}, {"field": "subject_includes_word", "operator": "includes", "value": "loud"}]},
        "actions": [{"field": "status", "value": "pending"}]}})
    check(r.status == 200 and [c["holds"] for c in r.json["conditions"]] == [True, True, False] and not r.json["matches"] and "quiet" not in str(r.json), "a trial says what held: %r" % r)
    r = admin.post("/api/ward/v1/rules/dry_run", {"kind": "trigger", "ticket_id": t["id"], "rule": {"conditions": {"all": [{"field": "priority", "operator": "changed"}]},
        "actions": [{"field": "status", "value": "pending"}, {"field": "notification_user", "value": ["requester_id", "s {{ticket.id}}", "b"]}]}}).json
    check(r["matches"] and {"type": "Change", "field_name": "status", "value": "pending", "previous_value": "open"} in [dict(w, previous_value="open") for w in r["would"]]
          and {"type": "Mail", "recipients": [end_id]} in r["would"], "and what it would do: %r" % r)
    check(admin.get("/api/v2/tickets/%d.json" % t["id"]).json["ticket"]["status"] != "pending", "and does not do it")
    check(agent.post("/api/ward/v1/rules/dry_run", {"kind": "view", "ticket_id": hidden, "rule_id": unsolved}).status == 404, "not on a ticket that one may not see")

    t = ticket(requester_id=end_id, status="solved", assignee_id=agent_id)["id"]
    bad_ones = view(title="Bad", all=[{"field": "status", "operator": "is", "value": "solved"}, {"field": "satisfaction_score", "operator": "includes", "value": ["bad"]}])
    check(t not in ids(admin, bad_ones["id"]), "not rated yet")
    r = end.post("/api/v2/tickets/%d/satisfaction_rating.json" % t, {"satisfaction_rating": {"score": "bad"}})
    check(r.status in (200, 201) and t in ids(admin, bad_ones["id"]), "rated tickets: %r" % r)

    # ---- macros
    def macro(client=admin, **m):
        r = client.post("/api/v2/macros.json", {"macro": m})
        check(r.status == 201, "a macro is made: %r" % r)
        return r.json["macro"]

    m = macro(title="Billing::Ask", actions=[{"field": "status", "value": "pending"}, {"field": "assignee_id", "value": "current_user"}, {"field": "current_tags", "value": "asked"},
              {"field": "comment_value", "value": ["channel:all", "Dear {{ticket.requester.first_name}}, about {{ticket.title}} ({{ticket.id}}){{nothing.here}}: {{ current_user.name }}"]}, {"field": "comment_mode_is_public", "value": "false"}])
    t = ticket(subject="Invoice", requester_id=end_id, tags=["old"])
    r = agent.get("/api/v2/tickets/%d/macros/%d/apply.json" % (t["id"], m["id"])).json["result"]["ticket"]
    check(r["status"] == "pending" and r["assignee_id"] == agent_id and r["tags"] == ["asked", "old"] and r["comment"]["public"] is False
          and r["comment"]["body"] == "Dear Eve, about Invoice (%d): Ana Agent" % t["id"], "a macro applied to a ticket: %r" % r)
    check(admin.get("/api/v2/tickets/%d.json" % t["id"]).json["ticket"]["status"] != "pending", "is shown, not done")
    r = agent.get("/api/v2/macros/%d/apply.json" % m["id"]).json["result"]["ticket"]
    check(r["comment"]["body"].startswith("Dear , about  ():") and "id" not in r, "and without a ticket: %r" % r)
    for name, usual, spanish in (("Hours", "Open, {{ticket.requester.first_name}} {{dc.hours}}", "Abierto, {{ticket.requester.first_name}}"), ("Fee", "{% if x %}{{ticket.id}}", "{{ticket.id | upcase}}")):
        r = admin.post("/api/v2/dynamic_content/items.json", {"item": {"name": name, "default_locale_id": 1, "variants": [
            {"locale_id": 1, "default": True, "content": usual}, {"locale_id": 2, "content": spanish}]}})
        check(r.status == 201, "dynamic content: %r" % r)
    d = macro(title="Dynamic", actions=[{"field": "comment_value", "value": "{{dc.hours}}. {{dc.fee}}"}])
    said = lambda: agent.get("/api/v2/tickets/%d/macros/%d/apply.json" % (t["id"], d["id"])).json["result"]["ticket"]["comment"]["body"]
    check(said() == "Open, Eve . {% if x %}{{ticket.id}}", "its placeholders are filled in; Liquid stays as it was written: %r" % said())
    admin.put("/api/v2/users/%d.json" % end_id, {"user": {"locale_id": 2}})
    check(said() == "Abierto, Eve. {{ticket.id | upcase}}", "in the requester's language: %r" % said())
    admin.put("/api/v2/users/%d.json" % end_id, {"user": {"locale_id": 1}})
    check(agent.get("/api/v2/tickets/%d/macros/%d/apply.json" % (hidden, m["id"])).status == 404, "not to a ticket that one may not see")
    check(admin.get("/api/v2/macros/categories.json").json["categories"] == ["Billing"], "categories")
    check([x["id"] for x in admin.get("/api/v2/macros.json?category=Billing").json["macros"]] == [m["id"]], "macros of a category")
    p = macro(agent, title="Mine", actions=[{"field": "priority", "value": "low"}])
    check(p["restriction"]["type"] == "User" and other.get("/api/v2/macros/%d.json" % p["id"]).status == 404, "an agent's macro is his own")
    check(agent.get("/api/v2/macros/active.json?access=personal").json["count"] == 1, "personal ones alone")
    check(admin.get("/api/v2/macros/new.json?macro_id=%d" % m["id"]).json["macro"]["actions"] == m["actions"], "a replica")
    check(admin.get("/api/v2/macros/search.json?query=ask").json["count"] == 2, "searched by title: %r" % admin.get("/api/v2/macros/search.json?query=ask").json["count"])
    check({"comment_value", "status"} <= {x["subject"] for x in admin.get("/api/v2/macros/actions.json").json["actions"]}, "actions are listed")

    # ---- automations
    def at(hours):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + hours * 3600))

    def run(hours):
        r = admin.post("/api/ward/v1/automations/run", {"at": at(hours)})
        check(r.status == 200 and r.json["automation_run"]["status"] == "completed", "the automations ran: %r" % r)
        return r.json["automation_run"]["changed"]

    t = ticket(assignee_id=agent_id, status="solved", subject="done")["id"]
    run(95)
    check(admin.get("/api/v2/tickets/%d.json" % t).json["ticket"]["status"] == "solved", "not closed before its time")
    run(97)
    r = admin.get("/api/v2/tickets/%d/audits.json?sort_order=desc" % t).json["audits"][0]
    check(admin.get("/api/v2/tickets/%d.json" % t).json["ticket"]["status"] == "closed" and r["author_id"] == -1 and r["via"]["channel"] == "rule"
          and r["events"][0]["via"]["source"]["rel"] == "automation", "closed after four days, by the rule: %r" % r)
    check(admin.put("/api/v2/tickets/%d.json" % t, {"ticket": {"status": "open"}}).status == 422, "and closed it is")
    r = admin.post("/api/v2/automations.json", {"automation": {"title": "x", "conditions": {"all": [{"field": "status", "operator": "is", "value": "open"}]}, "actions": [{"field": "priority", "value": "low"}]}})
    check(r.status == 422 and "conditions" in r.json["details"], "an automation needs hours: %r" % r)
    r = admin.post("/api/v2/automations.json", {"automation": {"title": "x", "conditions": {"all": [{"field": "OPEN", "operator": "greater_than", "value": "1"}]}, "actions": [{"field": "priority", "value": "low"}]}})
    check(r.status == 422 and "actions" in r.json["details"], "and an end: %r" % r)
    a = admin.post("/api/v2/automations.json", {"automation": {"title": "Nag", "conditions": {"all": [{"field": "status", "operator": "is", "value": "pending"}, {"field": "PENDING", "operator": "is", "value": "48"}]},
                   "actions": [{"field": "current_tags", "value": "nagged"}]}})
    check(a.status == 201, "an automation is made: %r" % a)
    t = ticket(status="pending", subject="waits")["id"]
    check(run(47) == 0 and run(48.5) == 1 and run(48.6) == 0, "once in its hour, not twice")
    update(t, status="open", tags=[])
    update(t, status="pending")
    check(run(48.5) == 1, "and again when the ticket waits anew")
    check("nagged" in admin.get("/api/v2/tickets/%d.json" % t).json["ticket"]["tags"], "it did what it does")
    r = admin.post("/api/v2/automations.json", {"automation": {"title": "Escalate", "conditions": {"all": [{"field": "status", "operator": "less_than", "value": "solved"}, {"field": "current_tags", "operator": "not_includes", "value": "late"},
                   {"field": "created_at", "operator": "greater_than", "value": "72"}]}, "actions": [{"field": "current_tags", "value": "late"}]}})
    n = count(admin, unsolved)
    check(run(73) == n and run(74) == 0, "all that fit, each once (%d)" % n)
    # kill -9 in the middle: nothing is lost, nothing done twice
    x = admin.post("/api/v2/automations.json", {"automation": {"title": "Sweep", "conditions": {"all": [{"field": "status", "operator": "less_than", "value": "solved"}, {"field": "current_tags", "operator": "includes", "value": "sweep"},
                   {"field": "created_at", "operator": "greater_than", "value": "1"}]}, "actions": [{"field": "remove_tags", "value": "sweep"}, {"field": "priority", "value": "urgent"}]}}).json["automation"]["id"]
    j = [admin.post("/api/v2/tickets/create_many.json", {"tickets": [{"subject": "k", "comment": {"body": "x"}, "tags": ["sweep"]}] * 100}).json["job_status"]["id"] for _ in range(3)]
    while any(admin.get("/api/v2/job_statuses/%s.json" % u).json["job_status"]["status"] != "completed" for u in j):
        time.sleep(0.05)
    swept = view(title="Swept", all=[{"field": "status", "operator": "less_than", "value": "solved"}, {"field": "current_tags", "operator": "includes", "value": "sweep"}])
    check(count(admin, swept["id"]) == 300, "300 tickets wait")
    import threading
    for wait in (0.1, 0.25):
        def go():
            try:
                Client(desk, desk.ADMIN, tok).post("/api/ward/v1/automations/run", {"at": at(2)})
            except OSError:
                pass
            except Exception:
                pass
        tok = desk.token()
        th = threading.Thread(target=go)
        th.start()
        time.sleep(wait)
        desk.kill()
        th.join()
        desk.start()
    left = count(admin, swept["id"])
    asked = at(3)
    ran = admin.post("/api/ward/v1/automations/run", {"at": asked}).json["automation_run"]
    check(ran["at"] == asked and ran["status"] == "completed", "what was under way ends first, then the one asked for runs: %s, %r" % (asked, ran))
    check(count(admin, swept["id"]) == 0, "all are done after two kills (%d were left)" % left)
    trail = desk.ward("trail", "export", "--format", "jsonl").stdout.decode()
    check(trail.count('automation:%d\\"' % x) == 300, "each once (%d)" % trail.count('automation:%d\\"' % x))
    check(admin.get("/api/v2/automations/active.json").json["count"] >= 3 and admin.delete("/api/v2/automations/%d.json" % r.json["automation"]["id"]).status == 204, "listed and deleted")
    check(agent.post("/api/ward/v1/automations/run", {}).status == 403, "not an agent's to run")

    # ---- schedules, SLA policies, metrics
    r = admin.post("/api/v2/business_hours/schedules.json", {"schedule": {"name": "Always", "time_zone": "Eastern Time (US & Canada)", "intervals": [{"start_time": 0, "end_time": 10080}]}})
    check(r.status == 201 and r.json["schedule"]["intervals"] == [{"start_time": 0, "end_time": 10080}], "a schedule is made: %r" % r)
    sid = r.json["schedule"]["id"]
    r = admin.post("/api/v2/business_hours/schedules.json", {"schedule": {"time_zone": "Mars", "intervals": [{"start_time": 5, "end_time": 2}]}})
    check(r.status == 422 and {"time_zone", "intervals", "title"} <= set(r.json["details"]), "all that is wrong with one: %r" % r)
    r = admin.post("/api/v2/business_hours/schedules/%d/holidays.json" % sid, {"holiday": {"name": "New Year", "start_date": "2027-01-01", "end_date": "2027-01-01"}})
    check(r.status == 201, "a holiday: %r" % r)
    hid = r.json["holiday"]["id"]
    check(admin.put("/api/v2/business_hours/schedules/%d/holidays/%d.json" % (sid, hid), {"holiday": {"end_date": "2026-01-01"}}).status == 422, "not one that ends before it begins")
    check(admin.get("/api/v2/business_hours/schedules/%d/holidays.json" % sid).json["holidays"][0]["end_date"] == "2027-01-01", "it is as it was")
    check(admin.delete("/api/v2/business_hours/schedules/%d/holidays/%d.json" % (sid, hid)).status == 204, "deleted")
    r = admin.put("/api/v2/business_hours/schedules/%d/workweek.json" % sid, {"workweek": {"intervals": [{"start_time": 0, "end_time": 10080}]}})
    check(r.status == 200 and r.json["workweek"]["intervals"], "the week is set: %r" % r)

    def policy(**p):
        r = admin.post("/api/v2/slas/policies.json", {"sla_policy": p})
        check(r.status == 201, "a policy is made: %r" % r)
        return r.json["sla_policy"]

    gold = policy(title="Gold", filter={"all": [{"field": "current_tags", "operator": "includes", "value": "gold"}]}, policy_metrics=[
        {"priority": "high", "metric": "first_reply_time", "target": 60, "business_hours": False}, {"priority": "high", "metric": "next_reply_time", "target": 30, "business_hours": False},
        {"priority": "high", "metric": "requester_wait_time", "target": 600, "business_hours": True}, {"priority": "high", "metric": "agent_work_time", "target": 240, "business_hours": False},
        {"priority": "urgent", "metric": "first_reply_time", "target_in_seconds": 1, "business_hours": False}])
    rest = policy(title="All", filter={"all": []}, policy_metrics=[{"priority": "high", "metric": "total_resolution_time", "target": 2880, "business_hours": False}])
    r = admin.post("/api/v2/slas/policies.json", {"sla_policy": {"title": "x", "filter": {"all": []}, "policy_metrics": [{"priority": "soon", "metric": "patience", "target": -1}]}})
    check(r.status == 422 and len(r.json["details"]["policy_metrics"]) == 3, "refused with each fault: %r" % r)

    def slas(tid):
        t = admin.get("/api/v2/tickets/%d.json?include=slas,dates,metric_sets" % tid).json
        return {m["metric"]: m for m in t["ticket"]["slas"]["policy_metrics"]}, t

    t = ticket(subject="sla", requester_id=end_id, submitter_id=end_id, priority="high", tags=["gold"], assignee_id=agent_id)["id"]
    end.post("/api/v2/requests.json", {"request": {"subject": "by the patient", "comment": {"body": "x"}}})
    s, whole = slas(t)
    check(set(s) == {"requester_wait_time", "agent_work_time"} or set(s) == {"first_reply_time", "requester_wait_time", "agent_work_time"}, "targets of the first policy that fits: %r" % s)
    r = end.post("/api/v2/requests.json", {"request": {"subject": "help", "comment": {"body": "please"}, "priority": "high"}})
    q = r.json["request"]["id"]
    update(q, tags=["gold"], priority="high")
    s, whole = slas(q)
    check(s["first_reply_time"]["stage"] == "active" and s["first_reply_time"]["minutes"] in (59, 60) and "next_reply_time" not in s, "the first reply is awaited: %r" % s)
    update(q, client=admin, comment={"body": "we look into it", "public": True}, status="pending")
    s, whole = slas(q)
    check(s["first_reply_time"]["stage"] == "achieved" and s["requester_wait_time"]["stage"] == "paused" and s["agent_work_time"]["stage"] == "paused", "replied, waiting for the patient: %r" % s)
    end.put("/api/v2/requests/%d.json" % q, {"request": {"comment": {"body": "and now?"}}})
    s, whole = slas(q)
    check(s["next_reply_time"]["stage"] == "active" and s["next_reply_time"]["minutes"] in (29, 30) and s["requester_wait_time"]["stage"] == "active", "a new question: %r" % s)
    update(q, client=admin, comment={"body": "done", "public": True}, status="solved", assignee_id=agent_id)
    s, whole = slas(q)
    check({m["stage"] for m in s.values()} == {"achieved"}, "solved: all reached: %r" % s)
    d, m = whole["ticket"]["dates"], whole["metric_sets"][0]
    check(d["solved_at"] and d["latest_comment_added_at"] and d["requester_updated_at"] and m["replies"] == 2 and m["reopens"] == 0 and m["reply_time_in_minutes"]["calendar"] == 0, "dates and metrics: %r %r" % (d, m))
    end.put("/api/v2/requests/%d.json" % q, {"request": {"comment": {"body": "not quite"}}})
    m = admin.get("/api/v2/tickets/%d/metrics.json" % q).json["ticket_metric"]
    check(m["reopens"] == 1 and m["assignee_stations"] == 1 and m["solved_at"] is None, "reopened once: %r" % m)
    check(admin.get("/api/v2/ticket_metrics.json?per_page=5").json["ticket_metrics"][0]["ticket_id"] >= q, "metrics of all tickets")
    u = end.post("/api/v2/requests.json", {"request": {"subject": "now", "comment": {"body": "please"}}}).json["request"]["id"]
    update(u, tags=["gold"], priority="urgent")
    time.sleep(1.2)
    s, whole = slas(u)
    check(s["first_reply_time"]["breached"] and s["first_reply_time"]["stage"] == "active", "a breach is seen: %r" % s)
    breaches = [e for e in admin.get("/api/v2/incremental/ticket_metric_events.json?start_time=1").json["ticket_metric_events"] if e["type"] == "breach"]
    check([e["metric"] for e in breaches if e["time"] == s["first_reply_time"]["breach_at"]] == ["reply_time"], "and is an event: %r" % breaches)
    # A whole life: paused, taken up again, answered, solved, opened again; what had a number keeps it.
    life = lambda t: [e for e in admin.get("/api/v2/incremental/ticket_metric_events.json?start_time=1").json["ticket_metric_events"] if e["ticket_id"] == t]
    w = end.post("/api/v2/requests.json", {"request": {"subject": "life", "comment": {"body": "please"}}}).json["request"]["id"]
    update(w, tags=["gold"], priority="high", group_id=group)
    before = life(w)
    apply = [e for e in before if e["type"] == "apply_sla" and e["metric"] == "reply_time"]
    check(len(apply) == 1 and apply[0]["sla"]["target"] == 60 and apply[0]["sla"]["policy"]["id"] and apply[0]["instance_id"] == 1, "the policy's target: %r" % apply)
    update(w, client=admin, comment={"body": "answered", "public": True}, status="pending")
    end.put("/api/v2/requests/%d.json" % w, {"request": {"comment": {"body": "thanks, but"}}})
    update(w, client=admin, comment={"body": "well", "public": True}, status="solved")
    end.put("/api/v2/requests/%d.json" % w, {"request": {"comment": {"body": "no"}}})
    after = life(w)
    steps = lambda m: [(e["type"], e["instance_id"]) for e in after if e["metric"] == m and e["type"] not in ("apply_sla", "breach")]
    check(steps("reply_time") == [("activate", 1), ("measure", 0), ("fulfill", 1), ("update_status", 1), ("activate", 2), ("fulfill", 2), ("update_status", 2), ("activate", 3)], "replies: %r" % steps("reply_time"))
    check(steps("requester_wait_time") == [("activate", 1), ("measure", 0), ("pause", 1), ("update_status", 1), ("activate", 1), ("fulfill", 1), ("update_status", 1), ("activate", 2)], "waiting: %r" % steps("requester_wait_time"))
    check(steps("resolution_time") == [("activate", 1), ("measure", 0), ("fulfill", 1), ("update_status", 1), ("activate", 2)], "solutions: %r" % steps("resolution_time"))
    check([k for k, n in steps("group_ownership_time")][:2] == ["activate", "measure"] and ("pause", 1) in steps("group_ownership_time"), "groups: %r" % steps("group_ownership_time"))
    check([k for k, n in steps("periodic_update_time") if k in ("activate", "fulfill")] == ["activate", "fulfill"] and ("pause", 1) not in steps("periodic_update_time"), "updates: %r" % steps("periodic_update_time"))
    check({e["id"]: e["time"] for e in before if e["type"] not in ("apply_sla",)}.items() <= {e["id"]: e["time"] for e in after}.items() and len({e["id"] for e in after}) == len(after), "numbers stay, and are one each")
    check([e["time"] for e in after] == sorted(e["time"] for e in after), "in the order of time")
    late = view(title="Breached", all=[{"field": "status", "operator": "less_than", "value": "solved"}, {"field": "sla_breach_at", "operator": "less_than", "value": "1"}],
                output={"columns": ["sla_next_breach_at"], "sort_by": "sla_next_breach_at", "sort_order": "asc"})
    check(u in ids(admin, late["id"]) and count(admin, late["id"]) == len(ids(admin, late["id"])), "and found by a view")
    v = ticket(priority="high")["id"]
    s, whole = slas(v)
    check(set(s) == {"total_resolution_time"} and s["total_resolution_time"]["policy_id"] == rest["id"], "another ticket, another policy: %r" % s)
    check(admin.put("/api/v2/slas/policies/reorder.json?sla_policy_ids=%d,%d" % (rest["id"], gold["id"])).status == 200 and
          [p["id"] for p in admin.get("/api/v2/slas/policies.json").json["sla_policies"]] == [rest["id"], gold["id"]], "policies are reordered")
    check(admin.get("/api/v2/slas/policies/definitions.json").json["definitions"]["all"][0]["value"] == "status", "definitions")
    r = admin.post("/api/v2/group_slas/policies.json", {"group_sla_policy": {"title": "Tier 1", "filter": {"all": [{"field": "group_id", "operator": "includes", "value": [str(group)]}]},
                   "policy_metrics": [{"priority": "low", "metric": "group_ownership_time", "target": 60, "business_hours": False}]}})
    check(r.status == 201 and isinstance(r.json["group_sla_policy"]["id"], str), "a group's policy: %r" % r)
    w = ticket(priority="low", group_id=group)["id"]
    s, whole = slas(w)
    check(s["group_ownership_time"]["stage"] == "active", "the group's time runs: %r" % s)
    update(w, group_id=closed)
    s, whole = slas(w)
    check("group_ownership_time" not in s, "and ends when it is another's: %r" % s)
    check(agent.post("/api/v2/slas/policies.json", {"sla_policy": {}}).status == 403 and agent.get("/api/v2/slas/policies.json").status == 200, "policies are an administrator's to write")
    r = admin.get("/api/v2/incremental/tickets/cursor.json?start_time=1&include=metric_sets")
    exported = (r.json or {}).get("tickets", [])
    check(exported and all(x["metric_set"]["ticket_id"] == x["id"] for x in exported), "metric sets in the export: %r" % r)

    # ---- how often rules are used
    some = macro(title="Used", actions=[{"field": "priority", "value": "low"}])
    other_macro = macro(title="Unused", actions=[{"field": "priority", "value": "low"}])
    fires = trigger(title="Fires", conditions={"all": [{"field": "current_tags", "operator": "includes", "value": "\u00c4RZTE"}]}, actions=[{"field": "priority", "value": "high"}])
    t = ticket(subject="used", tags=["\u00c4rzte"])
    check(t["tags"] == ["\u00e4rzte"] and t["priority"] == "high", "tags beyond ASCII are lowered, in conditions too: %r" % t["tags"])
    r = update(t["id"], macro_ids=[some["id"], some["id"]])
    event = [e for e in r["audit"]["events"] if e["type"] == "AgentMacroReference"]
    check([(e["macro_id"], e["macro_title"], e["macro_deleted"]) for e in event] == [(str(some["id"]), "Used", False)], "a macro that was used stands in the audit: %r" % r["audit"]["events"])
    check("macro_ids" not in r["ticket"], "and not in the ticket")
    update(t["id"], macro_id=some["id"], comment={"body": "x"})
    for wrong_ids in ([999999], ["x"], "x", [{}]):
        check(admin.put("/api/v2/tickets/%d.json" % t["id"], {"ticket": {"macro_ids": wrong_ids}}).status == 422, "macro_ids %r" % wrong_ids)
    r = admin.get("/api/v2/macros.json?include=usage_1h,usage_24h,usage_7d,usage_30d&sort_by=usage_7d&sort_order=desc").json["macros"]
    check(r[0]["id"] == some["id"] and [r[0][k] for k in ("usage_1h", "usage_24h", "usage_7d", "usage_30d")] == [2, 2, 2, 2], "a macro's uses are counted: %r" % r[0])
    check([m["usage_1h"] for m in r if m["id"] == other_macro["id"]] == [0], "of another there are none")
    r = admin.get("/api/v2/triggers/%d.json?include=usage_24h" % fires["id"]).json["trigger"]
    check(r["usage_24h"] == 3 and "usage_1h" not in r, "a trigger's, too; only what was asked for: %r" % r)
    check("usage_1h" not in admin.get("/api/v2/macros/%d.json" % some["id"]).json["macro"], "without asking there is none")
    admin.delete("/api/v2/macros/%d.json" % other_macro["id"])
    admin.delete("/api/v2/triggers/%d.json" % fires["id"])

    # ---- what is known of the requester and the organization
    def person_field(kind, **f):
        r = admin.post("/api/v2/%s_fields.json" % kind, {kind + "_field": f})
        check(r.status == 201, "a field is made: %r" % r)
    person_field("user", type="tagger", key="plan", title="Plan", custom_field_options=[{"name": "Gold", "value": "gold_plan"}, {"name": "Basic", "value": "basic_plan"}])
    person_field("user", type="integer", key="calls", title="Calls")
    person_field("user", type="text", key="illness", title="Illness", phi=True, phi_purpose="care", phi_access={"admin": "write", "agent": "none"})
    person_field("organization", type="text", key="region", title="Region")
    house = admin.post("/api/v2/organizations.json", {"organization": {"name": "Northern", "organization_fields": {"region": "north"}}}).json["organization"]["id"]
    rita = admin.post("/api/v2/users.json", {"user": {"name": "Rita Rich", "email": "rita@patients.example", "organization_id": house, "locale_id": 2,
                      "user_fields": {"plan": "gold_plan", "calls": 3, "illness": "flu"}}}).json["user"]
    check(rita["locale_id"] == 2 and rita["user_fields"]["plan"] == "gold_plan", "the requester: %r" % rita)
    fields = [trigger(title="About %s" % tag, conditions={"all": [{"field": f, "operator": op, "value": v}]}, actions=[{"field": "current_tags", "value": tag}])["id"] for f, op, v, tag in (
        ("requester.custom_fields.plan", "is", "gold_plan", "f_gold"), ("requester.custom_fields.calls", "greater_than", "2", "f_calls"), ("requester.custom_fields.illness", "present", None, "f_ill"),
        ("organization.custom_fields.region", "is", "north", "f_north"), ("locale_id", "is", "2", "f_spanish"), ("attachment", "is", "present", "f_file"))]
    offered = {d["subject"]: d for d in admin.get("/api/v2/triggers/definitions.json").json["definitions"]["conditions_all"]}
    check([v["value"] for v in offered["requester.custom_fields.plan"]["values"]] == ["gold_plan", "basic_plan"] and "organization.custom_fields.region" in offered
          and offered["attachment"]["values"][0]["value"] == "present", "they are offered: %r" % sorted(offered))
    check("requester.custom_fields.illness" in offered and "requester.custom_fields.illness" not in {d["subject"] for d in agent.get("/api/v2/views/definitions.json").json["definitions"]["conditions_all"]},
          "to who may read them")
    t = ticket(subject="of Rita", requester_id=rita["id"])
    check({"f_gold", "f_calls", "f_ill", "f_north", "f_spanish"} <= set(t["tags"]) and "f_file" not in t["tags"], "their fields and language are asked: %r" % t["tags"])
    check(not any(x.startswith("f_") for x in ticket(subject="of Eve", requester_id=end_id)["tags"]), "another requester has none of it")
    token = admin.post("/api/v2/uploads.json?filename=a.txt", raw=b"a", headers={"Content-Type": "text/plain"}).json["upload"]["token"]
    check("f_file" in update(t["id"], comment={"body": "see", "uploads": [token]})["ticket"]["tags"], "a file that came")
    rich = view(title="Gold", all=[{"field": "status", "operator": "less_than", "value": "solved"}, {"field": "requester.custom_fields.plan", "operator": "is", "value": "gold_plan"}])
    ill = view(title="Ill", all=[{"field": "status", "operator": "less_than", "value": "solved"}, {"field": "requester.custom_fields.illness", "operator": "is", "value": "flu"}])
    check(ids(agent, rich["id"]) == [t["id"]] and count(agent, rich["id"]) == 1, "a view asks for them")
    check(ids(admin, ill["id"]) == [t["id"]] and ids(agent, ill["id"]) == [] and count(agent, ill["id"]) == 0, "who may not read a field is not told by a view")
    hidden_view = {"view": {"title": "x", "all": [{"field": "status", "operator": "is", "value": "open"}, {"field": "requester.custom_fields.illness", "operator": "is", "value": "flu"}]}}
    check(agent.post("/api/v2/views.json", hidden_view).status == 422 and agent.post("/api/v2/views/preview/count.json", hidden_view).status == 422, "nor may they ask for it")
    check(admin.post("/api/v2/triggers.json", {"trigger": {"title": "x", "conditions": {"all": [{"field": "requester.custom_fields.nothing", "operator": "present"}]}, "actions": [{"field": "priority", "value": "low"}]}}).status == 422,
          "a field that is not there")
    writes = trigger(title="Writes", conditions={"all": [{"field": "current_tags", "operator": "includes", "value": "upgrade"}, {"field": "requester.custom_fields.plan", "operator": "is_not", "value": "gold_plan"}]},
                     actions=[{"field": "requester.custom_fields.plan", "value": "gold_plan"}, {"field": "requester.custom_fields.calls", "value": "no number"},
                              {"field": "organization.custom_fields.region", "value": "south"}, {"field": "locale_id", "value": "8"}])
    t = ticket(subject="upgrade", requester_id=end_id, tags=["upgrade"])
    u = admin.get("/api/v2/users/%d.json" % end_id).json["user"]
    check(u["user_fields"]["plan"] == "gold_plan" and u["user_fields"]["calls"] is None and u["locale_id"] == 8, "what does not fit a field is passed over: %r" % u)
    check("f_gold" in t["tags"], "and other triggers of the same update see it: %r" % t["tags"])
    ticket(subject="basic", requester_id=rita["id"], tags=["x"])
    admin.put("/api/v2/users/%d.json" % rita["id"], {"user": {"user_fields": {"plan": "basic_plan"}}})
    ticket(subject="upgrade", requester_id=rita["id"], tags=["upgrade"])
    check(admin.get("/api/v2/organizations/%d.json" % house).json["organization"]["organization_fields"]["region"] == "south", "the organization's field")
    for i in fields + [writes["id"]]:
        admin.delete("/api/v2/triggers/%d.json" % i)

    # ---- at rest nothing of a rule can be read: it may name somebody
    canary = "Zyxwquopple"
    trigger(title=canary, description=canary, conditions={"all": [{"field": "subject_includes_word", "operator": "includes", "value": canary}]}, actions=[{"field": "current_tags", "value": canary}])
    macro(title=canary, actions=[{"field": "comment_value", "value": "Dear " + canary}])
    view(title=canary, all=[{"field": "status", "operator": "is", "value": "open"}])
    policy(title=canary, filter={"all": []}, policy_metrics=[{"priority": "low", "metric": "first_reply_time", "target": 60}])
    gone = trigger(title=canary + "2", conditions={"all": [{"field": "status", "operator": "is", "value": "new"}]}, actions=[{"field": "current_tags", "value": "x"}])["id"]
    check(admin.delete("/api/v2/triggers/%d.json" % gone).status == 204 and admin.get("/api/v2/triggers/%d/revisions.json" % gone).status == 404, "a deleted trigger is gone, revisions too")
    desk.stop()
    for f in desk.files():
        data = open(f, "rb").read()
        check(canary.encode() not in data and canary.lower().encode() not in data, "%s holds no word of a rule" % f)
    check(canary not in open(desk.log, errors="replace").read(), "nor does the log")
done("rules")
