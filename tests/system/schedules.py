#!/usr/bin/env python3
"""Several schedules: which one a ticket goes by, what targets, conditions and metrics make of it, and what follows when
hours change, also through a kill -9. Moments are checked against a second calendar, written here in Python."""
import datetime as dt, threading, time, zoneinfo
from desk import Client, Desk, check, done

UTC = dt.timezone.utc
NINE_TO_FIVE = [{"start_time": d * 1440 + 540, "end_time": d * 1440 + 1020} for d in range(1, 6)]
ALWAYS = [{"start_time": 0, "end_time": 10080}]


def moment(text):
    return dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def is_open(at, zone, week, holidays=()):
    local = at.astimezone(zoneinfo.ZoneInfo(zone))
    minute = (local.weekday() + 1) % 7 * 1440 + local.hour * 60 + local.minute
    return local.date().isoformat() not in holidays and any(i["start_time"] <= minute < i["end_time"] for i in week)


def after(at, minutes, *hours):
    """When so many minutes of work have gone by since `at`: minute by minute."""
    step = at.replace(second=0, microsecond=0)
    left = minutes * 60
    if is_open(step, *hours):
        left -= 60 - at.second
    while left > 0:
        step += dt.timedelta(minutes=1)
        if is_open(step, *hours):
            left -= 60
    return step + dt.timedelta(seconds=60 + left)


def between(a, b, *hours):
    """Minutes of work from a to b, both whole minutes."""
    n = 0
    while a < b:
        n += is_open(a, *hours)
        a += dt.timedelta(minutes=1)
    return n


with Desk() as desk:
    c = desk.admin()
    desk.keep_all(c)
    agent_id, agent = desk.person(c, "Ana Agent", "ana@clinic.example", "agent")
    eve, end = desk.person(c, "Eve Enduser", "eve@patients.example")

    def schedule(name, zone, week):
        r = c.post("/api/v2/business_hours/schedules.json", {"schedule": {"name": name, "time_zone": zone, "intervals": week}})
        check(r.status == 201, "a schedule is made: %r" % r)
        return r.json["schedule"]["id"]

    def change(sid, **fields):
        r = c.put("/api/v2/business_hours/schedules/%d.json" % sid, {"schedule": fields})
        check(r.status == 200, "a schedule is changed: %r" % r)

    def trigger(title, all_, actions, status=201):
        r = c.post("/api/v2/triggers.json", {"trigger": {"title": title, "conditions": {"all": [dict(zip(("field", "operator", "value"), x)) for x in all_], "any": []},
                                                         "actions": [dict(zip(("field", "value"), x)) for x in actions]}})
        check(r.status == status, "a trigger: %r" % r)
        return r.json

    def ask(subject, tags=()):
        """A request of Eve's that begins with its tags; "ask" comes in an update of its own."""
        r = c.post("/api/v2/tickets.json", {"ticket": {"subject": subject, "comment": {"body": "please"}, "priority": "high", "requester_id": eve, "submitter_id": eve,
                                                       "tags": [x for x in tags if x != "ask"]}})
        check(r.status == 201, "a request: %r" % r)
        if "ask" in tags:
            check(c.put("/api/v2/tickets/%d.json" % r.json["ticket"]["id"], {"ticket": {"additional_tags": ["ask"]}}).status == 200, "and its question")
        return r.json["ticket"]["id"]

    def target(tid):
        t = c.get("/api/v2/tickets/%d.json?include=slas" % tid).json["ticket"]
        return {m["metric"]: m for m in t["slas"]["policy_metrics"]}.get("first_reply_time"), moment(t["created_at"])

    def due(tid):
        return moment(target(tid)[0]["breach_at"])

    def near(a, b):
        return abs((a - b).total_seconds()) <= 2

    def wait(what, ok):
        for _ in range(200):
            if ok():
                return check(True, what)
            time.sleep(0.1)
        return check(False, what)

    def settled():
        trail = desk.ward("trail", "export", "--format", "jsonl").stdout.decode()
        return trail.count("schedule.recount")

    def tags(tid):
        return set(c.get("/api/v2/tickets/%d.json" % tid).json["ticket"]["tags"])

    r = c.post("/api/v2/slas/policies.json", {"sla_policy": {"title": "All", "filter": {"all": []}, "policy_metrics": [
        {"priority": "high", "metric": "first_reply_time", "target": 600, "business_hours": True}]}})
    check(r.status == 201, "a policy: %r" % r)

    # ---- the first schedule is everybody's; until it is there, all hours count
    early = ask("early")
    check(near(due(early), target(early)[1] + dt.timedelta(minutes=600)), "without a schedule all hours count")
    york = schedule("York hours", "America/New_York", NINE_TO_FIVE)
    YORK, VIENNA = ("America/New_York", NINE_TO_FIVE), ("Europe/Vienna", NINE_TO_FIVE)
    wait("the first schedule is at once the one of tickets that are there", lambda: near(due(early), after(target(early)[1], 600, *YORK)))
    vienna = schedule("Vienna hours", "Europe/Vienna", NINE_TO_FIVE)
    nonstop = schedule("Round the clock", "UTC", ALWAYS)
    check([s["id"] for s in c.get("/api/v2/business_hours/schedules.json").json["schedules"]] == [york, vienna, nonstop], "in their order, the default first")
    check(near(due(early), after(target(early)[1], 600, *YORK)), "more schedules change nothing for it")

    # ---- a trigger gives a ticket another
    for tag, sid in (("vienna", vienna), ("nonstop", nonstop)):
        trigger("to " + tag, [("current_tags", "includes", tag)], [("set_schedule", str(sid))])
    a, b, d = ask("york"), ask("vienna", tags=["vienna"]), ask("nonstop", tags=["nonstop"])
    check(near(due(a), after(target(a)[1], 600, *YORK)), "the default's hours: %s" % due(a))
    check(near(due(b), after(target(b)[1], 600, *VIENNA)), "the hours of the one that it was given: %s" % due(b))
    check(near(due(d), target(d)[1] + dt.timedelta(minutes=600)), "round the clock: %s" % due(d))
    events = [e for x in c.get("/api/v2/tickets/%d/audits.json" % b).json["audits"] for e in x["events"] if e["type"] == "ScheduleAssignment"]
    check(len(events) == 1 and events[0]["previous_schedule_id"] is None and str(events[0]["new_schedule_id"]) == str(vienna)
          and events[0]["via"]["source"]["rel"] == "trigger", "its audit says so, and which trigger: %r" % events)
    c.put("/api/v2/tickets/%d.json" % b, {"ticket": {"priority": "high", "tags": ["nonstop"]}})
    check(due(b) <= target(b)[1] + dt.timedelta(minutes=600, seconds=30), "another: the rest of its time is counted by that: %s" % due(b))
    check(b"schedule_id" in desk.ward("trail", "export", "--format", "jsonl").stdout, "and the trail knows")
    r = trigger("nowhere", [("status", "is", "new")], [("set_schedule", "999999")], 422)
    check("actions" in r["details"], "a schedule that is not there is refused: %r" % r)
    r = trigger("nowhere", [("schedule_id", "is", "999999")], [("current_tags", "x")], 422)
    check("conditions" in r["details"], "in conditions, too: %r" % r)
    r = c.post("/api/v2/macros.json", {"macro": {"title": "m", "actions": [{"field": "set_schedule", "value": str(york)}]}})
    check(r.status == 422, "a macro gives none: %r" % r)
    words = {x["subject"]: x for x in c.get("/api/v2/triggers/definitions.json").json["definitions"]["actions"]}
    check([v["title"] for v in words["set_schedule"]["values"]] == ["York hours", "Vienna hours", "Round the clock"], "the builder offers them by name: %r" % words["set_schedule"])
    r = c.post("/api/ward/v1/rules/dry_run", {"kind": "trigger", "ticket_id": a, "rule": {"title": "x", "conditions": {"all": [
        {"field": "schedule_id", "operator": "is", "value": str(york)}], "any": []}, "actions": [{"field": "set_schedule", "value": str(nonstop)}]}})
    check(r.status == 200 and r.json["matches"] and [w["type"] for w in r.json["would"]] == ["ScheduleAssignment"], "a trial says what it would do: %r" % r)

    # ---- conditions
    today = dt.datetime.now(zoneinfo.ZoneInfo("Europe/Vienna")).date()
    closed = schedule("Never now", "UTC", [{"start_time": (dt.datetime.now(UTC).weekday() + 3) % 7 * 1440, "end_time": (dt.datetime.now(UTC).weekday() + 3) % 7 * 1440 + 60}])
    trigger("to closed", [("current_tags", "includes", "closed")], [("set_schedule", str(closed))])
    asked = [("update_type", "is", "Change"), ("current_tags", "includes", "ask")]
    trigger("open", asked + [("in_business_hours", "is", "true")], [("current_tags", "is_open")])
    trigger("shut", asked + [("in_business_hours", "is_not", "true")], [("current_tags", "is_shut")])
    trigger("open there", asked + [("in_business_hours", "is", str(nonstop))], [("current_tags", "open_there")])
    trigger("shut there", asked + [("in_business_hours", "is_not", str(closed))], [("current_tags", "shut_there")])
    trigger("off", asked + [("on_a_holiday", "is", "true")], [("current_tags", "is_off")])
    trigger("off there", asked + [("on_a_holiday", "is", str(vienna))], [("current_tags", "off_there")])
    trigger("default", asked + [("schedule_id", "is", str(york))], [("current_tags", "by_york")])
    trigger("not default", asked + [("schedule_id", "is_not", str(york))], [("current_tags", "by_other")])
    r = c.post("/api/v2/business_hours/schedules/%d/holidays.json" % vienna, {"holiday": {"name": "Today", "start_date": str(today), "end_date": str(today)}})
    check(r.status == 201, "a holiday: %r" % r)
    t = ask("c", tags=["nonstop", "ask"])
    check(tags(t) >= {"is_open", "open_there", "shut_there", "off_there", "by_other"} and not tags(t) & {"is_shut", "is_off", "by_york"}, "round the clock is open: %r" % tags(t))
    t = ask("c", tags=["closed", "ask"])
    check(tags(t) >= {"is_shut", "by_other"} and not tags(t) & {"is_open", "is_off"}, "the other is shut: %r" % tags(t))
    t = ask("c", tags=["vienna", "ask"])
    check(tags(t) >= {"is_shut", "is_off", "by_other"} and "is_open" not in tags(t), "a holiday: %r" % tags(t))
    t = ask("c", tags=["ask"])
    check("by_york" in tags(t) and "by_other" not in tags(t) and "is_off" not in tags(t), "the default: %r" % tags(t))

    # ---- hours of automations, and minutes of metrics, are those of the ticket's schedule
    opened = dt.datetime.now(UTC).replace(second=0, microsecond=0) - dt.timedelta(days=9)
    solved = opened + dt.timedelta(days=5, hours=3, minutes=7)
    z = lambda x: x.strftime("%Y-%m-%dT%H:%M:%SZ")

    def imported(tag, **more):
        r = c.post("/api/v2/imports/tickets.json", {"ticket": dict({"subject": "old", "requester_id": eve, "priority": "high", "created_at": z(opened), "comments": [{"value": "x", "created_at": z(opened)}]}, **more)})
        check(r.status == 201, "an import: %r" % r)
        tid = r.json["ticket"]["id"]
        if tag:
            check(c.put("/api/v2/tickets/%d.json" % tid, {"ticket": {"additional_tags": [tag]}}).status == 200, "it is given its schedule")
        return tid

    old = {tag: imported(tag) for tag in ("", "closed", "nonstop")}
    for tid in old.values():
        check(c.put("/api/v2/tickets/%d.json" % tid, {"ticket": {"status": "solved", "assignee_id": agent_id}}).status == 200, "solved")
    got = {tag: c.get("/api/v2/tickets/%d/metrics.json" % tid).json["ticket_metric"]["full_resolution_time_in_minutes"] for tag, tid in old.items()}
    now = dt.datetime.now(UTC).replace(second=0, microsecond=0)
    check(got["nonstop"]["business"] == got["nonstop"]["calendar"] >= 9 * 1440, "round the clock every minute counts: %r" % got)
    check(abs(got[""]["business"] - between(opened, now, *YORK)) <= 2, "by the default: %r, %d" % (got[""], between(opened, now, *YORK)))
    check(60 <= got["closed"]["business"] <= 120, "an hour a week: %r" % got["closed"])
    r = c.post("/api/v2/automations.json", {"automation": {"title": "late", "conditions": {"all": [{"field": "created_at", "operator": "greater_than_business_hours", "value": "120"},
               {"field": "current_tags", "operator": "includes", "value": "sweep"}], "any": []}, "actions": [{"field": "remove_tags", "value": "sweep"}]}})
    check(r.status == 201, "an automation in hours of work: %r" % r)
    pair = {tag: imported(tag) for tag in ("closed", "nonstop")}
    for tag, tid in pair.items():
        c.put("/api/v2/tickets/%d.json" % tid, {"ticket": {"additional_tags": ["sweep"]}})
    c.post("/api/ward/v1/automations/run", {})
    check("sweep" in tags(pair["closed"]) and "sweep" not in tags(pair["nonstop"]), "hours since, by the ticket's schedule: %r" % {k: tags(v) for k, v in pair.items()})

    # ---- hours change: what runs is counted anew, what was missed stays missed
    n = 2
    wait("the first schedule and the holiday are settled", lambda: settled() == n)
    was = {x: due(x) for x in (a, b, d)}
    change(york, time_zone="Asia/Tokyo")
    wait("the default's tickets are counted by the new hours", lambda: near(due(a), after(target(a)[1], 600, "Asia/Tokyo", NINE_TO_FIVE)) or due(a) != was[a])
    wait("and it ends", lambda: settled() == n + 1)
    # What it used of its target by the old hours it keeps: nothing, or these few seconds.
    check(near(due(a), after(target(a)[1], 600, "Asia/Tokyo", NINE_TO_FIVE)) or abs((due(a) - after(target(a)[1], 600, "Asia/Tokyo", NINE_TO_FIVE)).total_seconds()) < 120, "to the minute: %s" % due(a))
    check(due(b) == was[b] and due(d) == was[d], "another schedule's are left alone")
    change(york, name="Other name")
    check(c.get("/api/v2/business_hours/schedules/%d.json" % york).json["schedule"]["name"] == "Other name", "a name is changed")
    time.sleep(2.2)
    check(settled() == n + 1, "which counts nothing anew")
    missed = c.post("/api/v2/slas/policies.json", {"sla_policy": {"title": "Soon", "filter": {"all": [{"field": "current_tags", "operator": "includes", "value": "soon"}]}, "policy_metrics": [
        {"priority": "high", "metric": "first_reply_time", "target_in_seconds": 1, "business_hours": True}]}}).json["sla_policy"]["id"]
    c.put("/api/v2/slas/policies/reorder.json?sla_policy_ids=%d" % missed)
    late = ask("late", tags=["nonstop", "soon"])
    time.sleep(1.5)
    at = due(late)
    check(target(late)[0]["breached"], "a target is missed")
    change(nonstop, intervals=[{"start_time": (dt.datetime.now(UTC).weekday() + 3) % 7 * 1440, "end_time": (dt.datetime.now(UTC).weekday() + 3) % 7 * 1440 + 60}])
    wait("hours that are shut now", lambda: due(d) > was[d])
    wait("which ends, too", lambda: settled() == n + 2)
    check(due(late) == at and target(late)[0]["breached"], "do not undo it")
    check(c.put("/api/v2/tickets/%d.json" % late, {"ticket": {"comment": {"body": "sorry", "public": True}, "status": "pending"}}).status == 200, "it is answered")
    check(target(late)[0]["stage"] == "achieved" and target(late)[0]["breached"], "late, whatever the hours are now: %r" % target(late)[0])

    # ---- a written ticket is counted anew at once, whether or not its turn has come; a kill loses nothing
    many = [ask("m%d" % i, tags=["vienna"]) for i in range(120)]
    first = {x: due(x) for x in many}
    for round_ in range(3):
        zone = ("Asia/Tokyo", "America/New_York", "Europe/Vienna")[round_]
        before, n = {x: due(x) for x in many}, settled()

        def go(zone=zone, token=desk.token()):
            try:
                Client(desk, Desk.ADMIN, token).put("/api/v2/business_hours/schedules/%d.json" % vienna, {"schedule": {"time_zone": zone}})
            except OSError:
                pass
        th = threading.Thread(target=go)
        th.start()
        time.sleep((0.02, 0.3, 0.9)[round_])
        desk.kill()
        th.join()
        desk.start()
        there = c.get("/api/v2/business_hours/schedules/%d.json" % vienna).json["schedule"]["time_zone"] == zone
        if there:
            wait("it goes on after the kill", lambda: settled() == n + 1)
        right = [x for x in many if abs((due(x) - after(target(x)[1], 600, zone if there else "Europe/Vienna", NINE_TO_FIVE, (str(today),))).total_seconds()) < 120]
        check(len(right) == len(many), "every target is right after it, in %s (%d of %d)" % (zone, len(right), len(many)))
        if not there:
            change(vienna, time_zone=zone)
            wait("again", lambda: settled() == n + 1)

    # ---- deleted: its tickets fall to the default
    n = settled()
    check(c.delete("/api/v2/business_hours/schedules/%d.json" % vienna).status == 204, "a schedule that is in use is deleted")
    wait("its tickets are counted by the default", lambda: settled() == n + 1)
    right = [x for x in many if abs((due(x) - after(target(x)[1], 600, "Asia/Tokyo", NINE_TO_FIVE)).total_seconds()) < 120]
    check(len(right) == len(many), "all of them (%d)" % len(right))
    t = ask("after", tags=["vienna", "ask"])
    check("by_york" in tags(t) and near(due(t), after(target(t)[1], 600, "Asia/Tokyo", NINE_TO_FIVE)), "a trigger that names it does nothing: %r" % tags(t))
    check(agent.post("/api/v2/business_hours/schedules.json", {"schedule": {"name": "x"}}).status == 403, "not an agent's to make")
    for s in c.get("/api/v2/business_hours/schedules.json").json["schedules"]:
        c.delete("/api/v2/business_hours/schedules/%d.json" % s["id"])
    wait("without schedules all hours count again", lambda: due(t) < target(t)[1] + dt.timedelta(minutes=602))
done("schedules")
