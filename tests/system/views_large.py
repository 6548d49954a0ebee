#!/usr/bin/env python3
"""Views of a desk that is too large to be counted while somebody waits (view_pass.c): they are counted behind, again and
again because the views are changed, while four write; then every number and every page is what its actor can list, and
for the administrator what the tickets themselves say. Nobody who sees everything waits for it after a start."""
import random, threading, time
from desk import Desk, Client, SLOW, check, done


def job(c, r):
    while (s := c.get("/api/v2/job_statuses/%s.json" % r.json["job_status"]["id"]).json["job_status"])["status"] in ("queued", "working"):
        time.sleep(0.02)
    check(s["status"] == "completed", "a job ends well: %r" % s)


def listed(c, v):
    """All of a view, page by page."""
    out, url = [], "/api/v2/views/%d/tickets.json?page[size]=100" % v
    while url:
        r = c.get(url).json
        out += [t["id"] for t in r["tickets"]]
        url = "/" + r["links"]["next"].split("/", 3)[3] if r["meta"]["has_more"] else None
    return out


def fresh(c, query):
    """The numbers, once all of them are of now."""
    end = time.time() + 60 * SLOW
    while True:
        got = {x["view_id"]: x for x in c.get(query).json["view_counts"]}
        for x in got.values():
            check((x["value"] is None) <= (not x["fresh"]), "only a number that is not there yet is null: %r" % x)
        if all(x["fresh"] for x in got.values()) or time.time() > end:
            return got
        time.sleep(0.05)


with Desk() as desk:
    admin = desk.admin()
    desk.keep_all(admin)
    for n in range(21):
        job(admin, admin.post("/api/v2/imports/tickets/create_many.json?archive_immediately=true", {"tickets": [{"subject": "past", "status": "closed", "comments": [{"value": "x"}]} for _ in range(100)]}))
    group = admin.post("/api/v2/groups.json", {"group": {"name": "Open"}}).json["group"]["id"]
    private = admin.post("/api/v2/groups.json", {"group": {"name": "Closed", "is_public": False}}).json["group"]["id"]
    field = admin.post("/api/v2/ticket_fields.json", {"ticket_field": {"type": "integer", "title": "Room"}}).json["ticket_field"]["id"]
    agents, who = [], [(desk.ADMIN, desk.token())]
    for k, (sees, groups) in enumerate(((None, [group]), ("groups", [group]), (None, [private]))):
        email = "a%d@clinic.example" % k
        i, _ = desk.person(admin, "Agent %d" % k, email, "agent", **({"ticket_restriction": sees} if sees else {}))
        for g in groups:
            admin.post("/api/v2/group_memberships.json", {"group_membership": {"user_id": i, "group_id": g}})
        agents.append(i)
        who.append((email, desk.token(email)))
    rng = random.Random(5)
    for n in range(6):
        job(admin, admin.post("/api/v2/tickets/create_many.json", {"tickets": [{"subject": "t", "comment": {"body": "x"}, "tags": rng.choice([["red"], [], ["blue", "red"]]), "group_id": rng.choice([group, private]),
            "custom_fields": [{"id": field, "value": rng.choice([1, 2, None])}]} for _ in range(100)]}))
    tickets = [t["id"] for n in range(1, 7) for t in admin.get("/api/v2/tickets.json?per_page=100&sort_by=created_at&sort_order=desc&page=%d" % n).json["tickets"]]

    below = {"field": "status", "operator": "less_than", "value": "solved"}
    red = {"field": "current_tags", "operator": "includes", "value": "red"}
    holds = {}
    for title, every, some, fits in (("Red", [below, red], [], lambda t: "red" in t["tags"]),
                                  ("High", [below, {"field": "priority", "operator": "is", "value": "high"}], [], lambda t: t["priority"] == "high"),
                                  ("Room", [below], [{"field": "custom_fields_%d" % field, "operator": "is", "value": "2"}, {"field": "priority", "operator": "is", "value": "low"}],
                                   lambda t: t["priority"] == "low" or [f["value"] for f in t["custom_fields"] if f["id"] == field] == [2]),
                                  ("Nobody's", [below, {"field": "assignee_id", "operator": "is", "value": ""}, red], [], lambda t: t["assignee_id"] is None and "red" in t["tags"])):
        v = admin.post("/api/v2/views.json", {"view": {"title": title, "all": every, "any": some}}).json["view"]["id"]
        holds[v] = fits
    query = "/api/v2/views/count_many.json?ids=" + ",".join(map(str, holds))
    first = {x["view_id"]: x for x in admin.get(query).json["view_counts"]}
    check(not any(first[v]["fresh"] for v in holds), "a new view of a large desk is not counted by who asks: %r" % first)
    faults, counts = [], [0, 0, 0]
    end = time.time() + 8 * SLOW

    def writer(seed):
        r, c = random.Random(seed), Client(desk, *who[0])
        while time.time() < end:
            t = "/api/v2/tickets/%d.json" % r.choice(tickets)
            change = [{"status": r.choice(["open", "pending", "hold", "solved"])}, {"assignee_id": r.choice([None] + agents)}, {"group_id": r.choice([None, group, private])},
                      {"tags": r.choice([["red"], [], ["blue"]])}, {"custom_fields": [{"id": field, "value": r.choice([1, 2, None])}]}, {"priority": r.choice(["low", "high"])}, None][r.randrange(7)]
            if change is None:
                c.delete(t)
                c.put(t.replace("/tickets/", "/deleted_tickets/").replace(".json", "/restore.json"), {})
            elif (rep := c.put(t, {"ticket": change})).status >= 500:
                faults.append(rep)
            counts[0] += 1

    def changer():
        c, n = Client(desk, *who[0]), 0
        while time.time() < end:
            for v in holds:
                n += 1
                c.put("/api/v2/views/%d.json" % v, {"view": {"title": "View %d.%d" % (v, n)}})
                time.sleep(0.02)

    def reader(k):
        c = Client(desk, *who[k])
        while time.time() < end:
            for url in (query, "/api/v2/views/%d/tickets.json?per_page=30" % random.choice(list(holds))):
                rep = c.get(url)
                if rep.status != 200:
                    faults.append(rep)
            counts[1] += 1
            counts[2] += sum(x["fresh"] for x in c.get(query).json["view_counts"])

    threads = [threading.Thread(target=writer, args=(s,)) for s in range(4)] + [threading.Thread(target=changer)] + [threading.Thread(target=reader, args=(k,)) for k in range(len(who))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    check(not faults, "no fault under load: %r" % faults[:3])
    check(counts[0] > 100 and counts[1] > 50, "there was load (%r)" % counts)
    print("%d writes, %d readings, %d fresh numbers while the views were changed" % tuple(counts))

    def compare(when):
        for k, (email, token) in enumerate(who):
            c = Client(desk, email, token)
            for v, x in fresh(c, query).items():
                ids = listed(c, v)
                check(x["fresh"] and x["value"] == len(ids) == len(set(ids)), "%s, view %d of %s: %r, %d listed" % (when, v, email, x, len(ids)))
                got = [t["id"] for t in c.get("/api/v2/views/%d/tickets.json?per_page=50" % v).json["tickets"]]
                check(got == ids[:50], "%s, a page of view %d of %s: %r, listed %r" % (when, v, email, got[:9], ids[:9]))
        now = [t for n in range(1, 8) for t in admin.get("/api/v2/tickets.json?per_page=100&sort_by=created_at&sort_order=desc&page=%d" % n).json["tickets"]]
        for v, fits in holds.items():
            want = sorted((t["id"] for t in now if t["status"] in ("new", "open", "pending") + ("hold",) and fits(t)), reverse=True)
            check(listed(admin, v) == want, "%s, view %d is what the tickets say (%d)" % (when, v, len(want)))

    compare("after the writing")
    # A start counts by itself, whoever asks or not.
    desk.stop()
    desk.start()
    admin = Client(desk, *who[0])
    compare("after a start")
    for _ in range(2):
        desk.kill()
        desk.start()
    admin = Client(desk, *who[0])
    compare("after a crash")
done("views of a large desk")
