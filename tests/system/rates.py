#!/usr/bin/env python3
"""Limits of single endpoints, as Zendesk has them: only where rate_limit is set, each counted for itself, said in a header."""
import os, re, time
from desk import Client, Desk, check, done


def room(seconds, of=60):
    """Waits for a window of the clock that will not end meanwhile."""
    if of - time.time() % of < seconds:
        time.sleep(of - time.time() % of + 0.2)


def told(r, name):
    m = re.fullmatch(r"total=(\d+); remaining=(\d+); resets=(\d+)", r.headers.get("Zendesk-RateLimit-" + name, ""))
    return tuple(map(int, m.groups())) if m else None


with Desk() as desk:                             # without rate_limit there are none
    admin = desk.admin()
    got = [admin.get("/api/v2/incremental/users/cursor.json?start_time=0") for _ in range(14)]
    check(all(r.status == 200 and told(r, "incremental-exports") is None for r in got), "off by default: %s" % [r.status for r in got])

with Desk(start=False) as desk:
    with open(os.path.join(desk.data, "ward.conf"), "a") as f:
        f.write("\nrate_limit = 100000\n")
    desk.start()
    admin = desk.admin()
    pat, _ = desk.person(admin, "Pat Ient", "pat@patients.example")
    _, ana = desk.person(admin, "Ana Agent", "ana@clinic.example", "agent")
    t = [admin.post("/api/v2/tickets.json", {"ticket": {"subject": "s%d" % i, "comment": {"body": "x"}, "requester_id": pat}}).json["ticket"]["id"] for i in range(2)]
    room(20)
    # Of the account: ten a minute, whichever of them.
    got = [admin.get("/api/v2/incremental/%s.json?start_time=0" % ("users", "users/cursor", "tickets", "organizations")[i % 4]) for i in range(12)]
    check([r.status for r in got] == [200] * 10 + [429] * 2, "ten incremental exports a minute: %s" % [r.status for r in got])
    check([told(r, "incremental-exports")[:2] for r in got] == [(10, 9 - i) for i in range(10)] + [(10, 0)] * 2, "and how many are left: %s" % [told(r, "incremental-exports") for r in got])
    check(0 < int(got[-1].headers["Retry-After"]) <= 60 and got[-1].json["error"] == "TooManyRequests", "with Retry-After: %r" % got[-1])
    check(admin.get("/api/v2/users.json").status == 200 and told(admin.get("/api/v2/search.json?query=x"), "search-index")[:2] == (2500, 2499), "others go on")
    check(told(admin.get("/api/v2/search/export.json?query=x&filter[type]=ticket&page[size]=1"), "search-export")[:2] == (100, 99), "the export of a search has its own")
    # Of a user and a thing: 5 views, 30 updates of one ticket in ten minutes.
    view = admin.get("/api/v2/views.json").json["views"][0]["id"]
    got = [ana.get("/api/v2/views/%d/execute.json" % view).status for _ in range(6)]
    check(got == [200] * 5 + [429] and admin.get("/api/v2/views/%d/execute.json" % view).status == 200, "a view, per person: %s" % got)
    room(30, 600)
    got = [ana.put("/api/v2/tickets/%d.json" % t[0], {"ticket": {"priority": "low"}}) for _ in range(31)]
    check([r.status for r in got] == [200] * 30 + [429] and int(got[-1].headers["Retry-After"]) <= 600, "thirty updates of a ticket: %s" % [r.status for r in got])
    check(ana.put("/api/v2/tickets/%d.json" % t[1], {"ticket": {"priority": "low"}}).status == 200, "another ticket is another")
    check(admin.put("/api/v2/tickets/%d.json" % t[0], {"ticket": {"priority": "high"}}).status == 200, "and so is another person")
    room(20)
    got = [admin.put("/api/v2/users/%d.json" % pat, {"user": {"notes": "n%d" % i}}).status for i in range(6)]
    check(got == [200] * 5 + [429] and admin.get("/api/v2/users/%d.json" % pat).json["user"]["notes"] == "n4", "five users a minute, and what is refused changes nothing: %s" % got)
    room(30)
    got = [admin.get("/api/v2/access_logs.json?page[size]=1") for _ in range(51)]
    check([r.status for r in got] == [200] * 50 + [429], "fifty looks at the access log: %s" % [r.status for r in got][-3:])
    check("Retry-After" not in got[-1].headers and int(got[-1].headers["ratelimit-reset"]) <= 60, "which says ratelimit-reset only")
    check(Client(desk).get("/api/v2/access_logs.json").status == 401, "who is not known is not counted")
done("rates")
