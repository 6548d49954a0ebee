#!/usr/bin/env python3
"""The incremental exports: each changed record, to the end, by time and by cursor, while others write; and the outbox's sibling, failed jobs."""
import threading, time
from desk import SLOW, Desk, check, done


def path(url):
    return "/" + url.split("/", 3)[3]


def by_cursor(c, what, query="start_time=0"):
    out, url, pages = [], "/api/v2/incremental/%s/cursor.json?%s" % (what, query), 0
    while True:
        j = c.get(url).json
        out += j[what]
        pages += 1
        check(j["before_cursor"] is None and j["after_cursor"] and j["after_url"], "a cursor page's members: %s" % what)
        if j["end_of_stream"] or pages > 200:
            return out, j["after_cursor"]
        url = path(j["after_url"])


def by_time(c, what, query="start_time=0"):
    out, url, pages = [], "/api/v2/incremental/%s.json?%s" % (what, query), 0
    while url:
        j = c.get(url).json
        check(j["count"] == len(j[what]) and isinstance(j["end_time"], int), "a time page's members: %s" % what)
        out += j[what]
        pages += 1
        if j["end_of_stream"] or pages > 200:
            return out, j["end_time"], pages
        url = path(j["next_page"])


with Desk() as desk:
    c = desk.admin()
    org = c.post("/api/v2/organizations.json", {"organization": {"name": "Elm"}}).json["organization"]["id"]
    pat, _ = desk.person(c, "Pat", "pat@patients.example", organization_id=org)
    made = []
    for i in range(137):
        made.append(c.post("/api/v2/tickets.json", {"ticket": {"subject": "t%d" % i, "requester_id": pat, "comment": {"body": "b%d" % i}}}).json["ticket"]["id"])
    for i in made[:20]:
        c.put("/api/v2/tickets/%d.json" % i, {"ticket": {"status": "open", "comment": {"body": "again", "public": False}}})
    c.delete("/api/v2/tickets/%d.json" % made[3])

    got, cursor = by_cursor(c, "tickets", "start_time=0&per_page=50")
    check(sorted(t["id"] for t in got) == made, "each ticket once by cursor (%d)" % len(got))
    check([t["status"] for t in got if t["id"] == made[3]] == ["deleted"], "a deleted one says so")
    check([t["generated_timestamp"] for t in got] == sorted(t["generated_timestamp"] for t in got), "in the order of generated_timestamp")
    got, _ = by_cursor(c, "tickets", "start_time=0&per_page=50&exclude_deleted=true")
    check(sorted(t["id"] for t in got) == sorted(set(made) - {made[3]}), "without deleted ones")
    got, end, pages = by_time(c, "tickets", "start_time=0&per_page=25")
    check(sorted(t["id"] for t in got) == made and pages >= 6, "each once by time, following next_page (%d in %d pages)" % (len(got), pages))
    # Who asks on at once is not told to wait, by next_page or by end_time; next_page has nothing twice.
    last = c.get("/api/v2/incremental/tickets.json?start_time=0").json
    check(last["end_of_stream"] and c.get("/api/v2/incremental/tickets.json?start_time=%d" % last["end_time"]).status == 200, "the end's end_time is a start_time")
    r = c.get(path(last["next_page"]))
    check(r.status == 200 and r.json["tickets"] == [], "next_page of the end: %r" % r)
    c.put("/api/v2/tickets/%d.json" % made[9], {"ticket": {"type": "question"}})
    check([t["id"] for t in c.get(path(last["next_page"])).json["tickets"]] == [made[9]], "and then what changed since")
    _, cursor = by_cursor(c, "tickets", "start_time=0&per_page=50")
    # A client that builds the next start_time out of end_time alone still comes to the end.
    seen, start, rounds = set(), 0, 0
    while rounds < 100:
        j = c.get("/api/v2/incremental/tickets.json?start_time=%d&per_page=10" % start).json
        if "tickets" not in j:
            break                                    # newer than a minute: it has to wait
        seen |= {t["id"] for t in j["tickets"]}
        rounds += 1
        if j["end_of_stream"]:
            break
        check(j["end_time"] > start or rounds == 1, "it comes on")
        start = j["end_time"]
    check(len(seen) >= 10, "by end_time alone")
    c.put("/api/v2/tickets/%d.json" % made[7], {"ticket": {"priority": "high"}})
    j = c.get("/api/v2/incremental/tickets/cursor.json?cursor=" + cursor).json
    check([t["id"] for t in j["tickets"]] == [made[7]] and j["end_of_stream"], "what changed since, and nothing else: %s" % [t["id"] for t in j["tickets"]])
    # Metric events: each changed ticket's moments, page by page.
    c.put("/api/v2/tickets/%d.json" % made[50], {"ticket": {"status": "solved", "comment": {"body": "done", "public": True}}})
    events, _, pages = by_time(c, "ticket_metric_events", "start_time=0&per_page=1000")
    check({e["ticket_id"] for e in events} == set(made) and len({e["id"] for e in events}) == len(events), "moments of each ticket, each with its own id")
    mine = {(e["metric"], e["type"]): e for e in events if e["ticket_id"] == made[50]}
    check({k for m, k in mine if m in ("reply_time", "resolution_time", "requester_wait_time")} == {"measure", "activate", "fulfill", "update_status"}
          and {(m, k) for m in ("reply_time", "resolution_time", "requester_wait_time") for k in ("activate", "fulfill", "update_status")} <= set(mine), "what came to pass: %s" % sorted(mine))
    check(mine["reply_time", "update_status"]["status"] == {"calendar": 0, "business": 0} and mine["reply_time", "activate"]["time"] <= mine["reply_time", "fulfill"]["time"], "with its time")
    check({(e["metric"], e["type"]) for e in events if e["ticket_id"] == made[60]} == {(m, k) for m in ("reply_time", "resolution_time", "requester_wait_time", "agent_work_time") for k in ("activate", "measure")}, "what has not come to pass is absent")
    seen, url = [], "/api/v2/incremental/ticket_metric_events.json?start_time=0&page[size]=37"
    while url:
        j = c.get(url).json
        seen += j["ticket_metric_events"]
        check(len(j["ticket_metric_events"]) <= 37, "a page is no longer than was asked for")
        url = "/" + j["links"]["next"].split("/", 3)[3] if j["meta"]["has_more"] else None
    check(sorted(e["id"] for e in seen) == sorted(e["id"] for e in events), "the same by cursor: %d %d" % (len(seen), len(events)))
    check(not any(e.get("deleted") for e in by_time(c, "ticket_metric_events", "start_time=0&exclude_deleted=true")[0]), "without those of deleted tickets when asked")
    check(all(e.get("deleted") is True for e in events if e["ticket_id"] == made[3]), "a deleted ticket's say so")
    for start, status in (("1704067200.0", 200), ("2024-01-01T00:00:00Z", 200), ("x", 400), ("17.x", 400), ("", 400), ("-1", 400), (".5", 400), ("9" * 30, 400)):
        check(c.get("/api/v2/incremental/tickets/cursor.json?start_time=" + start).status == status, "start_time %s" % start)
    check(c.get("/api/v2/incremental/tickets/cursor.json?start_time=0&cursor=").status == 200, "an empty cursor is none")
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    check(c.get("/api/v2/incremental/organizations.json?start_time=" + now).status == 200, "this moment as ISO time is no error")
    j = c.get("/api/v2/incremental/tickets/cursor.json?start_time=0&include=users,groups,organizations").json
    check(any(u["id"] == pat for u in j["users"]) and [o["id"] for o in j["organizations"]] == [org], "side loads")

    users, _ = by_cursor(c, "users", "start_time=0&per_page=1")
    check(pat in [u["id"] for u in users] and len(users) == len({u["id"] for u in users}), "users by cursor")
    check({u["id"] for u in by_time(c, "users", "start_time=0&per_page=1")[0]} == {u["id"] for u in users}, "users by time")
    check([o["id"] for o in by_time(c, "organizations")[0]] == [org], "organizations")
    events, end, _ = by_time(c, "ticket_events", "start_time=0&per_page=40&include=comment_events")
    check(len(events) == len({e["id"] for e in events}) and {e["ticket_id"] for e in events} == set(made), "events of every ticket, each once (%d)" % len(events))
    kids = [k for e in events for k in e["child_events"]]
    check(any(k["event_type"] == "Comment" and k.get("body") == "again" and k["comment_public"] is False for k in kids), "comments when asked for")
    check(any(k["event_type"] == "Change" and k.get("status") == "open" and k["previous_value"] == "new" for k in kids), "a change of status")
    check(end <= time.time() - 59, "the last page's end_time stays a minute back")
    check(not any("body" in k for e in by_time(c, "ticket_events")[0] for k in e["child_events"]), "and no text when not")
    for what in ("tickets", "users", "organizations", "ticket_events"):
        j = c.get("/api/v2/incremental/%s/sample.json?start_time=0" % what).json
        check(0 < len(j[what]) <= 50, "a sample of %s" % what)
    check(c.get("/api/v2/incremental/pigeons/sample.json?start_time=0").status == 404, "no such export")
    for bad in ("", "start_time=x", "start_time=-1", "start_time=%d" % time.time(), "start_time=0&per_page=0", "start_time=99999999999999999999", "cursor=nonsense"):
        for what in ("tickets.json", "tickets/cursor.json", "users.json", "organizations.json", "ticket_events.json"):
            r = c.get("/api/v2/incremental/%s?%s" % (what, bad))
            check(r.status == 400, "refused: %s %s: %r" % (what, bad, r))
    _, agent = desk.person(c, "Al", "al@clinic.example", "agent")
    check(agent.get("/api/v2/incremental/tickets.json?start_time=0").status == 403, "administrators only")
    looks = c.get("/api/v2/access_logs.json?page[size]=5").json["access_logs"]
    check(looks, "and each page is a look")

    # Search, exported: all of it, oldest first, although more is made meanwhile.
    out, url = [], "/api/v2/search/export.json?query=status<closed&filter[type]=ticket&page[size]=20".replace("<", "%3C")
    while url:
        r = c.get(url)
        if not check(r.status == 200 and {"results", "facets", "meta", "links"} <= set(r.json), "an export of a search: %r" % r):
            break
        out += [t["id"] for t in r.json["results"]]
        if len(out) == 40:
            late = c.post("/api/v2/tickets.json", {"ticket": {"subject": "late", "comment": {"body": "late"}}}).json["ticket"]["id"]
        url = r.json["links"]["next"] and path(r.json["links"]["next"])
    want = sorted((set(made) - {made[3]}) | {late})
    check(out == want, "each found ticket once, in order, with what was made meanwhile: %s" % ((len(out), len(want), sorted(set(want) - set(out)), sorted(set(out) - set(want)), out == sorted(out)),))
    for q in ("query=x", "filter[type]=ticket", "query=x&filter[type]=pigeon", "query=type:user&filter[type]=ticket", "query=x&filter[type]=ticket&page[size]=1001", "query=x&filter[type]=ticket&page[after]=zz"):
        check(c.get("/api/v2/search/export.json?" + q).status in (400, 422), "refused: " + q)
    check(c.get("/api/v2/search/export.json?query=type:ticket%20b1&filter[type]=ticket").status == 200, "the same type in both places is no error")
    r = c.delete("/api/v2/tickets/%d.json" % made[90], {"ticket": {"subject": "x" * 200000}})
    check(r.status == 204, "a deletion that brings the ticket along")
    check(c.delete("/api/v2/tickets/%d.json" % made[91], {"ticket": {"subject": "x" * 2000000}}).status == 413, "within a limit")

    # Jobs: what failed waits for a person, and only that is kept.
    def finished(uid):
        while True:
            j = c.get("/api/ward/v1/jobs/%s.json" % uid).json["job"]
            if j["status"] not in ("queued", "working"):
                return j
            time.sleep(0.05)
    r = c.post("/api/v2/tickets/create_many.json", {"tickets": [{"subject": "ok", "comment": {"body": "Quuxword one"}}, {"subject": "bad", "requester_id": 424242, "comment": {"body": "Quuxword two"}}, {"subject": "no comment"}]})
    uid = r.json["job_status"]["id"]
    j = finished(uid)
    check(j["failed"] == 2 and j["status"] == "completed", "two items failed: %s" % j)
    check([x["id"] for x in c.get("/api/ward/v1/jobs.json?failed=true").json["jobs"]] == [uid], "they are listed")
    r = c.post("/api/ward/v1/jobs/%s/retry.json" % uid)
    check(r.status == 201 and r.json["job"]["total"] == 2, "tried again, those two: %r" % r)
    j2 = finished(r.json["job"]["id"])
    check(j2["failed"] == 2 and [x["id"] for x in c.get("/api/ward/v1/jobs.json?failed=true").json["jobs"]] == [j2["id"]], "they failed again: %s" % j2)
    check(c.post("/api/ward/v1/jobs/%s/retry.json" % uid).status == 409, "not from the first job a second time")
    check(c.delete("/api/ward/v1/jobs/%s.json" % j2["id"]).status == 204 and c.get("/api/ward/v1/jobs.json?failed=true").json["jobs"] == [], "given up")
    check(agent.get("/api/ward/v1/jobs/%s.json" % uid).status == 404 and agent.post("/api/ward/v1/jobs/%s/retry.json" % uid).status == 404, "another's job is unknown")
    check(sum(t["subject"] == "ok" for t in by_cursor(c, "tickets")[0]) == 1, "and what was done was done once")

    # While others write: nothing is missed.
    stop, fresh = threading.Event(), []

    def write(k):
        mine = desk.admin()
        while not stop.is_set():
            fresh.append(mine.post("/api/v2/tickets.json", {"ticket": {"subject": "w", "comment": {"body": "w"}}}).json["ticket"]["id"])
    threads = [threading.Thread(target=write, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    seen, end = [], time.time() + 3
    _, cursor = by_cursor(c, "tickets")
    before = {t["id"] for t in by_cursor(c, "tickets")[0]}
    while time.time() < end:
        j = c.get("/api/v2/incremental/tickets/cursor.json?cursor=%s&per_page=7" % cursor).json
        seen += [t["id"] for t in j["tickets"]]
        cursor = j["after_cursor"]
    stop.set()
    for t in threads:
        t.join()
    while True:
        j = c.get("/api/v2/incremental/tickets/cursor.json?cursor=%s" % cursor).json
        seen += [t["id"] for t in j["tickets"]]
        cursor = j["after_cursor"]
        if j["end_of_stream"]:
            break
    check(len(seen) == len(set(seen)), "none twice")
    check(set(fresh) <= before | set(seen), "none missed of %d while four wrote" % len(fresh))
done("exports")
