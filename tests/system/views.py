#!/usr/bin/env python3
"""Counters of views under load: four write at random while five actors of different sight ask; then every number is
what its actor can list."""
import random, threading, time
from desk import Desk, Client, SLOW, check, done

with Desk() as desk:
    admin = desk.admin()
    group = admin.post("/api/v2/groups.json", {"group": {"name": "Open"}}).json["group"]["id"]
    private = admin.post("/api/v2/groups.json", {"group": {"name": "Closed", "is_public": False}}).json["group"]["id"]
    agents, who = [], [(desk.ADMIN, desk.token())]
    for k, (sees, groups) in enumerate(((None, [group]), ("groups", [group]), ("assigned", []), (None, [private]))):
        email = "a%d@clinic.example" % k
        i, _ = desk.person(admin, "Agent %d" % k, email, "agent", **({"ticket_restriction": sees} if sees else {}))
        for g in groups:
            admin.post("/api/v2/group_memberships.json", {"group_membership": {"user_id": i, "group_id": g}})
        agents.append(i)
        who.append((email, desk.token(email)))
    admin.post("/api/v2/views.json", {"view": {"title": "Red", "all": [{"field": "status", "operator": "less_than", "value": "solved"}, {"field": "current_tags", "operator": "includes", "value": "red"}]}})
    admin.post("/api/v2/views.json", {"view": {"title": "Either", "all": [{"field": "status", "operator": "is_not", "value": "closed"}],
               "any": [{"field": "priority", "operator": "is", "value": "high"}, {"field": "assignee_id", "operator": "is", "value": "current_user"}]}})
    views = [v["id"] for v in admin.get("/api/v2/views.json").json["views"]]
    query = "/api/v2/views/count_many.json?ids=" + ",".join(map(str, views))
    tickets = [admin.post("/api/v2/tickets.json", {"ticket": {"subject": "t", "comment": {"body": "x"}}}).json["ticket"]["id"] for _ in range(60)]
    end, faults, reads, writes = time.time() + 5 * SLOW, [], [0], [0]

    def writer(seed):
        r, c = random.Random(seed), Client(desk, *who[0])
        while time.time() < end:
            t = "/api/v2/tickets/%d.json" % r.choice(tickets)
            change = [{"status": r.choice(["open", "pending", "hold", "solved"])}, {"assignee_id": r.choice([None] + agents[:3])}, {"group_id": r.choice([None, group, private])},
                      {"tags": r.choice([["red"], [], ["blue"]])}, {"followers": [{"user_id": r.choice(agents), "action": r.choice(["put", "delete"])}]},
                      {"priority": r.choice(["low", "high"])}, None][r.randrange(7)]
            if change is None:
                c.delete(t)
                c.put(t.replace("/tickets/", "/deleted_tickets/").replace(".json", "/restore.json"), {})
            else:
                rep = c.put(t, {"ticket": change})
                if rep.status >= 500:
                    faults.append(rep)
            writes[0] += 1

    def reader(k):
        c = Client(desk, *who[k])
        while time.time() < end:
            rep = c.get(query)
            if rep.status != 200:
                faults.append(rep)
            reads[0] += 1

    threads = [threading.Thread(target=writer, args=(s,)) for s in range(4)] + [threading.Thread(target=reader, args=(k,)) for k in range(5)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    check(not faults, "no fault under load: %r" % faults[:3])
    check(reads[0] > 100 and writes[0] > 100, "there was load (%d, %d)" % (reads[0], writes[0]))
    time.sleep(1.2 * SLOW)                    # a number that hours go into may be a little old, and says so
    for k, (email, token) in enumerate(who):
        c = Client(desk, email, token)
        counts = {x["view_id"]: x for x in c.get(query).json["view_counts"]}
        for v in views:
            listed = [t["id"] for t in c.get("/api/v2/views/%d/tickets.json?page[size]=100" % v).json["tickets"]]
            check(counts[v]["value"] == len(listed) and counts[v]["fresh"], "view %d of %s: %r, %d listed" % (v, email, counts[v], len(listed)))
    print("%d counts beside %d writes" % (reads[0], writes[0]))

    # Pages are kept as counters are: the same as a view that is only tried, which is read anew, shows.
    admin.close()                             # it slept meanwhile
    many = admin.post("/api/v2/tickets/create_many.json", {"tickets": [{"subject": "m", "comment": {"body": "x"}, "tags": ["red"] if k % 9 == 0 else []} for k in range(100)]})
    jobs = [many] + [admin.post("/api/v2/tickets/create_many.json", {"tickets": [{"subject": "m", "comment": {"body": "x"}, "priority": "high" if k % 3 else "low"} for k in range(100)]}) for _ in range(2)]
    for j in jobs:
        while admin.get("/api/v2/job_statuses/%s.json" % j.json["job_status"]["id"]).json["job_status"]["status"] in ("queued", "working"):
            time.sleep(0.05)
    tickets = [t["id"] for n in (1, 2, 3, 4) for t in admin.get("/api/v2/tickets.json?per_page=100&page=%d" % n).json["tickets"]]
    below = {"field": "status", "operator": "less_than", "value": "solved"}
    kept = []
    for sort in ("updated", "nice_id"):
        for way in ("asc", "desc"):
            for group in (None, "status"):
                for all in ([below], [below, {"field": "current_tags", "operator": "includes", "value": "red"}], [below, {"field": "assignee_id", "operator": "is", "value": ""}],
                            [below, {"field": "priority", "operator": "is", "value": "high"}]):
                    output = {"columns": ["status"], "sort_by": sort, "sort_order": way, "group_by": group, "group_order": "desc" if group is None else way}
                    v = admin.post("/api/v2/views.json", {"view": {"title": "K%d" % len(kept), "all": all, "output": output}}).json["view"]["id"]
                    kept.append((v, all, output))
    end, faults = time.time() + 4 * SLOW, []

    def pager(k):
        c, r = Client(desk, *who[k]), random.Random(k)
        while time.time() < end:
            rep = c.get("/api/v2/views/%d/tickets.json?page[size]=%d" % (r.choice(kept)[0], r.choice((3, 30, 100))))
            if rep.status != 200:
                faults.append(rep)

    compared = 0
    for turn in range(3):
        end = time.time() + 2 * SLOW
        threads = [threading.Thread(target=writer, args=(s,)) for s in range(3)] + [threading.Thread(target=pager, args=(k,)) for k in range(5)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        for k, (email, token) in enumerate(who):
            c = Client(desk, email, token)
            for v, all, output in kept[k % 2::2] if k else kept:
                for size in (7, 100):
                    got = [t["id"] for t in c.get("/api/v2/views/%d/tickets.json?per_page=%d" % (v, size)).json["tickets"]]
                    want = [x["ticket"]["id"] for x in c.post("/api/v2/views/preview.json?per_page=%d" % size, {"view": {"all": all, "output": output}}).json["rows"]]
                    compared += len(want)
                    check(got == want, "a page of view %d (%s) of %s: %r, wanted %r" % (v, output, email, got[:20], want[:20]))
                if output["group_by"] is None:
                    first = c.get("/api/v2/views/%d/tickets.json?page[size]=20" % v).json
                    if first["meta"]["has_more"]:
                        more = c.get("/" + first["links"]["next"].split("/", 3)[3]).json["tickets"]
                        check([t["id"] for t in first["tickets"] + more] == [t["id"] for t in c.get("/api/v2/views/%d/tickets.json?per_page=40" % v).json["tickets"]], "pages of view %d go on" % v)
    check(not faults, "no fault: %r" % faults[:3])
    check(compared > 10000, "pages were compared (%d)" % compared)
    print("%d places in pages compared" % compared)
done("views")
