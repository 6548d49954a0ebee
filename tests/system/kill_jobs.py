#!/usr/bin/env python3
"""kill -9 in the middle of what takes longer than one request: bulk jobs (create, update, delete, delete for good,
import), a run of the automations, incremental exports, merges of users, redactions, scans. KILLS=10 rounds.

Each round starts all of them at once and kills the server at a random moment; what was answered is written down. After
the start, everything that was answered must come to its end by itself, each item exactly once; what was not answered is
there as a whole or not at all. An export goes on at the last cursor it was given and must have seen every ticket in the
end. SEED=n repeats a run as far as time can be repeated.
"""
import collections, json, os, random, re, threading, time, urllib.parse
from desk import SLOW, Client, Desk, check, done

ROUNDS = int(os.environ.get("KILLS", "10" if SLOW == 1 else "3"))
SEED = int(os.environ.get("SEED", str(random.randrange(10 ** 6))))
ITEMS = 60
rng = random.Random(SEED)
WORD = {"title": "Sweep", "conditions": {"all": [{"field": "status", "operator": "less_than", "value": "solved"}, {"field": "current_tags", "operator": "includes", "value": "sweep"},
                                                 {"field": "created_at", "operator": "greater_than", "value": "1"}]}, "actions": [{"field": "remove_tags", "value": "sweep"}]}


def path(url):
    return "/" + url.split("/", 3)[3]


def wait_job(c, uid):
    for _ in range(3000):
        j = c.get("/api/v2/job_statuses/%s.json" % uid).json["job_status"]
        if j["status"] in ("completed", "failed", "killed"):
            return j
        time.sleep(0.02)
    check(False, "job %s ends" % uid)
    return j


class Round:
    """What one round sent, and what of it was answered."""

    def __init__(self, desk, token, n, seed):
        self.desk, self.token, self.n, self.acked, self.sent, self.seed = desk, token, n, {}, set(), seed

    def send(self, what, method, url, body=None, statuses=(200, 201, 202)):
        c = Client(self.desk, Desk.ADMIN, self.token)
        self.sent.add(what)
        try:
            r = c.call(method, url, body)
            if r.status in statuses:
                self.acked[what] = r.json
            elif r.status != 503:
                check(False, "%s is answered: %r" % (what, r))
        except (OSError, ValueError, Exception):
            pass                                  # the server was killed before its answer

    def start(self, world):
        n = self.n
        ext = lambda k, i: "%s-%d-%d" % (k, n, i)
        u = lambda ids: ",".join(map(str, ids))
        jobs = [
            ("create", "POST", "/api/v2/tickets/create_many.json", {"tickets": [{"subject": "c", "comment": {"body": "made"}, "external_id": ext("c", i), "tags": ["sweep"]} for i in range(ITEMS)]}),
            ("import", "POST", "/api/v2/imports/tickets/create_many.json", {"tickets": [{"subject": "i", "external_id": ext("i", i), "created_at": "2024-02-03T04:05:06Z", "comments": [{"value": "old"}, {"value": "older"}]} for i in range(ITEMS)]}),
            ("update", "PUT", "/api/v2/tickets/update_many.json?ids=" + u(world["update"]), {"ticket": {"comment": {"body": "round%d" % n, "public": False}, "additional_tags": ["r%d" % n]}}),
            ("delete", "DELETE", "/api/v2/tickets/destroy_many.json?ids=" + u(world["delete"]), None),
            ("purge", "DELETE", "/api/v2/deleted_tickets/destroy_many.json?ids=" + u(world["purge"]), None),
            ("merge", "PUT", "/api/v2/users/%d/merge.json" % world["loser"], {"user": {"id": world["winner"]}}),
            ("redact", "PUT", "/api/v2/tickets/%d/comments/%d/redact.json" % world["secret"], {"text": "Quibblewort"}),
            ("automations", "POST", "/api/ward/v1/automations/run", {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 7200 + 60 * n))}),
            ("scan", "POST", "/api/ward/v1/phi/scans", None),
        ]
        random.Random(self.seed).shuffle(jobs)
        self.threads = [threading.Thread(target=self.send, args=(w, m, p, b), daemon=True) for w, m, p, b in jobs]
        for t in self.threads:
            t.start()


class Export:
    """An exporter that remembers its last cursor only, through every kill."""

    def __init__(self, desk, token):
        self.desk, self.token, self.seen, self.url, self.stop = desk, token, {}, "/api/v2/incremental/tickets/cursor.json?start_time=1&per_page=20", threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.pages = 0
        self.thread.start()

    def run(self):
        ended = False
        while not (self.stop.is_set() and ended):
            try:
                r = Client(self.desk, Desk.ADMIN, self.token).get(self.url)
                if r.status != 200:
                    time.sleep(0.05)
                    continue
                self.seen.update({t["id"]: t["status"] for t in r.json["tickets"]})
                self.pages += 1
                self.url, ended = path(r.json["after_url"]), r.json["end_of_stream"] and self.stop.is_set()
                if r.json["end_of_stream"]:
                    time.sleep(0.02)
            except (OSError, ValueError, Exception):
                time.sleep(0.02)


with Desk() as desk:
    token = desk.token()
    c = Client(desk, desk.ADMIN, token)
    desk.keep_all(c)
    auto = c.post("/api/v2/automations.json", {"automation": WORD}).json["automation"]["id"]
    swept = c.post("/api/v2/views.json", {"view": {"title": "Swept", "all": [WORD["conditions"]["all"][0], WORD["conditions"]["all"][1]]}}).json["view"]["id"]
    user = lambda e: c.post("/api/v2/users.json", {"user": {"name": "User " + e, "email": e + "@patients.example"}}).json["user"]["id"]

    def tickets(n, **f):
        uids = [c.post("/api/v2/tickets/create_many.json", {"tickets": [dict({"subject": "s", "comment": {"body": "b"}}, **f)] * k}).json["job_status"]["id"]
                for k in [100] * (n // 100) + ([n % 100] if n % 100 else [])]
        return [r["id"] for u in uids for r in wait_job(c, u)["results"]]

    pool = tickets((ITEMS + 5) * 3)
    updated, to_delete, comments = pool[:ITEMS], pool[ITEMS:2 * ITEMS], collections.Counter()
    to_purge = pool[2 * ITEMS:3 * ITEMS]
    wait_job(c, c.delete("/api/v2/tickets/destroy_many.json?ids=" + ",".join(map(str, to_purge[:ITEMS]))).json["job_status"]["id"])
    export, made, gone, erased, began, stats = Export(desk, token), {}, set(to_purge), set(), time.time(), collections.Counter()
    interrupted = 0
    rounds = []
    for n in range(ROUNDS):
        loser, winner = user("l%d" % n), user("w%d" % n)
        theirs = [c.post("/api/v2/tickets.json", {"ticket": {"subject": "of the loser", "comment": {"body": "x"}, "requester_id": loser}}).json["ticket"]["id"] for _ in range(5)]
        secret = c.post("/api/v2/tickets.json", {"ticket": {"subject": "s", "comment": {"body": "the Quibblewort is here"}}}).json["ticket"]["id"]
        world = {"update": updated, "delete": to_delete, "purge": to_purge, "loser": loser, "winner": winner,
                 "secret": (secret, c.get("/api/v2/tickets/%d/comments.json" % secret).json["comments"][0]["id"])}
        rd = Round(desk, token, n, rng.random())
        rd.start(world)
        time.sleep(rng.choice((rng.uniform(0, 0.02), rng.uniform(0.02, 0.5), rng.uniform(0.02, 0.5))) * (1 if SLOW == 1 else 4))
        desk.kill()
        for t in rd.threads:
            t.join(60)
        desk.start()
        stats.update(rd.acked.keys())
        # What runs in the background comes to its end by itself.
        for k in range(3000):
            states = [j["status"] for j in c.get("/api/v2/job_statuses.json").json["job_statuses"]] + [j["state"] for j in c.get("/api/ward/v1/phi/jobs").json["jobs"]]
            if k == 0:
                interrupted += sum(s in ("queued", "working") for s in states)
            if not {"queued", "working"} & set(states):
                break
            time.sleep(0.02)
        check(not {"queued", "working"} & set(states), "round %d: all jobs end: %s" % (n, collections.Counter(states)))
        for what in ("create", "import", "update", "delete", "purge"):
            if what in rd.acked:
                j = wait_job(c, rd.acked[what]["job_status"]["id"])
                check(j["status"] == "completed" and j["progress"] == j["total"] == ITEMS and len(j["results"]) == ITEMS and all(x["success"] for x in j["results"]),
                      "round %d: %s is done in full: %s" % (n, what, {k: j[k] for k in ("status", "progress", "total")}))
                ids = [x.get("id") for x in j["results"]]
                check(len(set(ids)) == ITEMS, "round %d: %s names each once" % (n, what))
                if what in ("create", "import"):
                    made.update({"%s-%d-%d" % (what[0], n, i): ids[i] for i in range(ITEMS)})
        if "scan" in rd.acked:
            j = c.get("/api/ward/v1/phi/jobs/%d" % rd.acked["scan"]["job"]["id"]).json["job"]
            check(j["state"] == "completed" and j["done"] == j["total"], "round %d: the scan saw each once: %s" % (n, {k: j[k] for k in ("state", "done", "total")}))
        # Many items of one job: all or, when it was never taken, none.
        deleted, page = set(), "/api/v2/deleted_tickets.json?page[size]=100"
        while page:
            j = c.get(page).json
            deleted |= {t["id"] for t in j["deleted_tickets"]}
            page = path(j["links"]["next"]) if j["meta"]["has_more"] else None
        hit = [t for t in to_delete if c.get("/api/v2/tickets/%d.json" % t).status == 404]
        check(len(hit) == ITEMS or (not hit and "delete" not in rd.acked), "round %d: deleted are all or none: %d" % (n, len(hit)))
        left = [t for t in to_purge if t in deleted]
        check(not left or (len(left) == ITEMS and "purge" not in rd.acked), "round %d: gone for good are all or none: %d left" % (n, len(left)))
        said = collections.Counter()
        for t in updated:
            k = sum(x["body"] == "round%d" % n for x in c.get("/api/v2/tickets/%d/comments.json?per_page=100" % t).json["comments"])
            said[k] += 1
        check(said == {1: ITEMS} or (said == {0: ITEMS} and "update" not in rd.acked), "round %d: each was updated once: %s" % (n, dict(said)))
        # A merge, a redaction: one transaction each.
        owners = {c.get("/api/v2/tickets/%d.json" % t).json["ticket"]["requester_id"] for t in theirs}
        there = c.get("/api/v2/users/%d.json" % loser)
        merged = there.status == 404 or not there.json["user"]["active"]
        check(owners == ({winner} if merged else {loser}) and (merged or "merge" not in rd.acked), "round %d: a merge is whole: %s, %s" % (n, owners, merged))
        body = c.get("/api/v2/tickets/%d/comments.json" % secret).json["comments"][0]["body"]
        check("Quibblewort" not in body or "redact" not in rd.acked, "round %d: what was redacted is" % n)
        found = c.get("/api/v2/search/count.json?query=" + urllib.parse.quote("type:ticket Quibblewort")).json["count"]
        check(found == sum("Quibblewort" in c.get("/api/v2/tickets/%d/comments.json" % r["secret"][0]).json["comments"][0]["body"] for r in rounds + [world]), "round %d: nor is it found" % n)
        rounds.append(world)
        erased |= set(to_purge) - deleted
        gone |= set(hit)
        if not left and hit:                       # what was deleted now is erased next
            to_purge, to_delete = hit, tickets(ITEMS)
        elif not left:
            to_purge = tickets(ITEMS)
            wait_job(c, c.delete("/api/v2/tickets/destroy_many.json?ids=" + ",".join(map(str, to_purge))).json["job_status"]["id"])
            gone |= set(to_purge)
        elif hit:
            wait_job(c, c.delete("/api/v2/deleted_tickets/destroy_many.json?ids=" + ",".join(map(str, to_purge))).json["job_status"]["id"])
            erased |= set(to_purge)
            to_purge, to_delete = hit, tickets(ITEMS)

    # ---- at the end: the automation has done each once, created and imported are there once, the exporter saw all
    for _ in range(2):
        r = c.post("/api/ward/v1/automations/run", {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 14400))})
        check(r.status == 200, "the automations run: %r" % r)
    waits, end = {"fresh": False}, time.time() + 20 * SLOW
    while not waits["fresh"] and time.time() < end:         # after the start it is counted behind, and says so
        waits = c.get("/api/v2/views/%d/count.json" % swept).json["view_count"]
    check(waits["fresh"] and waits["value"] == 0, "no ticket waits for the automation: %r" % waits)
    seen, by_ext, page = {}, collections.defaultdict(list), "/api/v2/tickets.json?page[size]=100&include=comment_count"
    while page:
        j = c.get(page).json
        for t in j["tickets"]:
            seen[t["id"]] = t
            if t["external_id"]:
                by_ext[t["external_id"]].append(t["id"])
        page = path(j["links"]["next"]) if j["meta"]["has_more"] else None
    for ext, tid in made.items():
        check(by_ext[ext] == [tid], "%s is there once: %s, answered %d" % (ext, by_ext[ext], tid))
    for kind in "ci":
        for n in range(ROUNDS):
            k = [len(by_ext["%s-%d-%d" % (kind, n, i)]) for i in range(ITEMS)]
            check(k in ([1] * ITEMS, [0] * ITEMS), "round %d: %s is whole or not there: %s" % (n, kind, collections.Counter(k)))
    check(all(seen[i]["comment_count"] == 2 for ext, (i, *_) in [x for x in by_ext.items() if x[1]] if ext[0] == "i"), "an imported ticket has its comments once")
    export.stop.set()
    export.thread.join(60 * SLOW)
    check(not export.thread.is_alive(), "the export ends")
    check(set(export.seen) == set(seen) | gone, "the export saw each ticket: %d not seen, %d too many" % (len((set(seen) | gone) - set(export.seen)), len(set(export.seen) - set(seen) - gone)))
    check({i for i, s in export.seen.items() if s == "deleted"} == gone, "and the last state of each")
    total = c.get("/api/v2/tickets/count.json").json["count"]["value"]
    check(total == len(seen), "the counter agrees: %d, %d listed" % (total, len(seen)))
    tags = {t["name"]: t["count"] for t in c.get("/api/v2/tags.json?per_page=100").json["tags"]}
    want = collections.Counter(x for t in seen.values() for x in t["tags"])
    check(tags == dict(want), "counts of tags agree: %s, %s" % (tags, dict(want)))
    check(desk.ward("trail", "verify").returncode == 0, "the trail verifies")
    events = [json.loads(json.loads(l)["canonical"]) for l in desk.ward("trail", "export", "--format", "jsonl").stdout.decode().splitlines() if '"canonical"' in l[:20]]
    by = collections.defaultdict(collections.Counter)
    for e in events:
        by[e.get("action")][e.get("id")] += 1
    check(set(by["ticket.create"]) == set(seen) | gone and set(by["ticket.create"].values()) == {1}, "one event for each creation")
    check(set(by["ticket.delete"]) == gone and set(by["ticket.delete"].values()) == {1}, "and for each deletion")
    check(set(by["ticket.purge"]) == erased and set(by["ticket.purge"].values()) <= {1}, "and for each end for good: %d, %d" % (len(by["ticket.purge"]), len(erased)))
    swept_by = collections.Counter(e["id"] for e in events if e.get("cause") == "automation:%d" % auto)
    created = {i for ext, ids in by_ext.items() for i in ids if ext[0] == "c"}
    check(set(swept_by) == created and set(swept_by.values()) <= {1}, "the automation changed each once: %d of %d" % (len(swept_by), len(created)))
    check(ROUNDS < 5 or (len(made) > 0 and export.pages > ROUNDS and interrupted > 0), "there were jobs to kill (%d were interrupted)" % interrupted)
    print("seed %d: %d kills in %.0f s, %d jobs interrupted; answered before the kill: %s; %d tickets, %d pages exported" % (SEED, ROUNDS, time.time() - began, interrupted, dict(sorted(stats.items())), len(seen), export.pages))
done("kill_jobs")
