#!/usr/bin/env python3
"""Everything at once while the disk fills, and while the server is killed with -9 again and again: tickets, uploads and their
claims, mails, bulk updates, merges, automations, incremental exports, redactions, deletions. Whatever was acknowledged is
there afterwards, once and whole; nothing else is; every counter agrees with a count. SEED=n repeats a run as far as time can
be repeated, SECS=n is how long each of the two parts lasts.
"""
import collections, os, random, subprocess, tempfile, threading, time
from desk import SLOW, Client, Desk, check, done

SEED = int(os.environ.get("SEED", str(random.randrange(10 ** 6))))
SECS = int(os.environ.get("SECS", "20"))
SWEEP = {"title": "Sweep", "conditions": {"all": [{"field": "status", "operator": "less_than", "value": "solved"}, {"field": "current_tags", "operator": "includes", "value": "sweep"},
                                                  {"field": "created_at", "operator": "greater_than", "value": "1"}]}, "actions": [{"field": "remove_tags", "value": "sweep"}]}


def path(url):
    return "/" + url.split("/", 3)[3]


class Day:
    """Who works, what they were told, and what of it must be there."""

    def __init__(self, desk):
        self.desk, self.token, self.stop, self.lock = desk, desk.token(), threading.Event(), threading.Lock()
        self.c = Client(desk, Desk.ADMIN, self.token)
        self.acked, self.said, self.odd = collections.defaultdict(list), collections.Counter(), []
        desk.keep_all(self.c)
        r = self.c.post("/api/v2/tickets/create_many.json", {"tickets": [{"subject": "p", "comment": {"body": "b"}, "tags": ["sweep"]}] * 100})
        self.pool = [x["id"] for x in self.job(r.json["job_status"]["id"])["results"]]
        check(self.c.post("/api/v2/automations.json", {"automation": SWEEP}).status == 201, "an automation")

    def job(self, uid):
        for _ in range(3000 * SLOW):
            r = self.c.get("/api/v2/job_statuses/%s.json" % uid)
            if r.status == 200 and r.json["job_status"]["status"] in ("completed", "failed", "killed"):
                return r.json["job_status"]
            time.sleep(0.02)
        check(False, "job %s ends" % uid)
        return {"status": "?", "progress": 0, "total": 0, "results": []}

    def ask(self, c, what, method, url, body=None, ok=200, **kw):
        """The answer, if it is the good one; what is neither that nor "not now" is noted."""
        r = c.call(method, url, body, **kw)
        with self.lock:
            self.said[what, r.status] += 1
            if r.status not in (ok, 503, 429):
                self.odd.append((what, r))
        return r if r.status == ok else None

    def ticket(self, c, body, **more):
        r = self.ask(c, "ticket", "POST", "/api/v2/tickets.json", {"ticket": {"subject": "s", "comment": dict(body=body, **more)}}, 201)
        if r:
            self.acked["ticket"].append(r.json["ticket"]["id"])
        return r and r.json["ticket"]["id"]

    def tickets(self, c, rng, k):
        self.ticket(c, "x" * rng.choice((100, 3000, 60000)))

    def uploads(self, c, rng, k):
        n = rng.choice((1000, 400000, 3 << 20))
        r = self.ask(c, "upload", "POST", "/api/v2/uploads.json?filename=u.bin", None, 201, raw=random.Random(k).randbytes(n), headers={"Content-Type": "application/octet-stream"})
        if r and self.ticket(c, "with a file", uploads=[r.json["upload"]["token"]]):
            self.acked["file"].append((r.json["upload"]["attachment"]["id"], k, n))

    def mails(self, c, rng, k):
        raw = b"From: p%d@patients.example\r\nTo: help@clinic.example\r\nSubject: mail %d\r\nMessage-ID: <w%d@patients.example>\r\n\r\nhello\r\n" % (k % 7, k, k) + b"y" * rng.choice((100, 50000, 500000))
        code = self.desk.deliver(raw).returncode
        with self.lock:
            self.said["mail", code] += 1
        if code == 0:
            self.acked["mail"].append(k)

    def bulk(self, c, rng, k):
        r = self.ask(c, "bulk", "PUT", "/api/v2/tickets/update_many.json?ids=" + ",".join(map(str, self.pool)), {"ticket": {"comment": {"body": "bulk %d." % k, "public": False}}})
        if r:
            self.acked["bulk"].append((k, r.json["job_status"]["id"]))
        time.sleep(0.3)

    def merges(self, c, rng, k):
        a, b = self.ticket(c, "a"), self.ticket(c, "b")
        r = a and b and self.ask(c, "merge", "POST", "/api/v2/tickets/%d/merge.json" % a, {"ids": [b], "target_comment": "into", "source_comment": "away"})
        if r:
            self.acked["merge"].append((a, b, r.json["job_status"]["id"]))

    def automations(self, c, rng, k):
        self.ask(c, "automations", "POST", "/api/ward/v1/automations/run", {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 7200 + 60 * k))})
        time.sleep(0.5)

    def exports(self, c, rng, k):
        self.ask(c, "export", "GET", "/api/v2/incremental/tickets/cursor.json?start_time=1&per_page=100")
        self.ask(c, "events", "GET", "/api/v2/incremental/ticket_events.json?start_time=1")

    def redactions(self, c, rng, k):
        t = self.ticket(c, "the Quibblewort%d is here" % k)
        r = t and self.ask(c, "comments", "GET", "/api/v2/tickets/%d/comments.json" % t)
        if r and self.ask(c, "redact", "PUT", "/api/v2/tickets/%d/comments/%d/redact.json" % (t, r.json["comments"][0]["id"]), {"text": "Quibblewort%d" % k}):
            self.acked["redact"].append((t, k))

    def deletions(self, c, rng, k):
        t = self.ticket(c, "to be deleted")
        if t:
            self.acked["ticket"].remove(t)       # without an answer it may be there or not
            r = self.ask(c, "delete", "DELETE", "/api/v2/tickets/%d.json" % t, None, 204)
            if r:
                self.acked["deleted"].append(t)

    def begin(self):
        def run(fn):
            rng, c, k = random.Random("%d %s" % (SEED, fn.__name__)), Client(self.desk, Desk.ADMIN, self.token), 0
            while not self.stop.is_set():
                try:
                    fn(c, rng, k)
                except Exception:                # the server was killed before its answer
                    c.close()
                    time.sleep(0.02)
                k += 1

        kinds = (self.tickets, self.uploads, self.mails, self.bulk, self.merges, self.automations, self.exports, self.redactions, self.deletions)
        self.threads = [threading.Thread(target=run, args=(fn,), daemon=True) for fn in kinds]
        [t.start() for t in self.threads]

    def end(self):
        self.stop.set()
        [t.join(60 * SLOW) for t in self.threads]
        check(not any(t.is_alive() for t in self.threads), "all who work come to an end")

    def pages(self, url, name):
        while url:
            j = self.c.get(url).json
            yield from j[name]
            url = path(j["links"]["next"]) if j["meta"]["has_more"] else None

    def account(self, what):
        """What was acknowledged against what is there."""
        c, acked = self.c, self.acked
        check(not self.odd, "%s: only what is documented is answered: %r" % (what, self.odd[:3]))
        for k, uid in acked["bulk"]:
            j = self.job(uid)
            check(j["status"] == "completed" and j["progress"] == j["total"] == len(self.pool) and all(x["success"] for x in j["results"]), "%s: bulk %d is done in full: %s %d" % (what, k, j["status"], j["progress"]))
        for a, b, uid in acked["merge"]:
            check(self.job(uid)["status"] == "completed", "%s: a merge ends" % what)
            said = [x["body"] for x in c.get("/api/v2/tickets/%d/comments.json" % a).json["comments"]]
            check(sum("into" in x for x in said) == 1 and c.get("/api/v2/tickets/%d.json" % b).json["ticket"]["status"] == "closed", "%s: %d is merged into %d once: %r" % (what, b, a, said))
        for t in self.pool[::9]:
            n = collections.Counter(x["body"] for x in self.pages("/api/v2/tickets/%d/comments.json?page[size]=100" % t, "comments") if x["body"].startswith("bulk"))
            check(set(n.values()) <= {1} and {"bulk %d." % k for k, _ in acked["bulk"]} <= set(n), "%s: each bulk update is on %d once: %r" % (what, t, n.most_common(2)))
        for i, k, n in acked["file"]:
            check(c.get("/api/v2/attachments/%d/content" % i).body == random.Random(k).randbytes(n), "%s: file %d of %d bytes is whole" % (what, i, n))
        for t, k in acked["redact"]:
            check("Quibblewort" not in c.get("/api/v2/tickets/%d/comments.json" % t).json["comments"][0]["body"]
                  and c.get("/api/v2/search/count.json?query=type:ticket%%20Quibblewort%d" % k).json["count"] == 0, "%s: what was redacted is" % what)
        seen = {t["id"]: t for t in self.pages("/api/v2/tickets.json?page[size]=100", "tickets")}
        check(len(set(acked["ticket"])) == len(acked["ticket"]) and set(acked["ticket"]) <= set(seen), "%s: no ticket is lost or was given twice: %r" % (what, sorted(set(acked["ticket"]) - set(seen))[:5]))
        check(not set(acked["deleted"]) & set(seen), "%s: what was deleted is" % what)
        mails = collections.Counter(t["subject"] for t in seen.values() if (t["subject"] or "").startswith("mail "))
        check(set(mails.values()) <= {1} and {"mail %d" % k for k in acked["mail"]} <= set(mails), "%s: each mail is there once" % what)
        n = c.get("/api/v2/tickets/count.json").json["count"]["value"]
        check(n == len(seen), "%s: the counter says %d of %d" % (what, n, len(seen)))
        tags = {t["name"]: t["count"] for t in c.get("/api/v2/tags.json?per_page=100").json["tags"]}
        want = collections.Counter(x for t in seen.values() for x in t["tags"])
        check(tags == dict(want), "%s: tags are counted: %r, %r" % (what, tags, dict(want)))
        exported, url = {}, "/api/v2/incremental/tickets/cursor.json?start_time=1&per_page=500"
        while url:
            j = c.get(url).json
            exported.update({t["id"]: t["status"] for t in j["tickets"]})
            url = None if j["end_of_stream"] else path(j["after_url"])
        check({i for i, s in exported.items() if s != "deleted"} == set(seen), "%s: the export has the same tickets" % what)
        check(self.desk.stop() == 0, "%s: it ends cleanly" % what)
        check(self.desk.ward("trail", "verify").returncode == 0, "%s: the trail holds" % what)
        print("seed %d, %s: %s" % (SEED, what, ", ".join("%d %s" % (len(v), k) for k, v in sorted(acked.items()))), flush=True)


def restart(desk):
    """A mail that finds no server takes the folder for a moment."""
    for _ in range(200 * SLOW):
        try:
            desk.start()
            return
        except SystemExit as e:
            if "another ward uses this data folder" not in str(e):
                raise
            time.sleep(0.05)
    raise SystemExit("the server cannot be started")


with Desk() as desk:
    day, rng, kills, end = Day(desk), random.Random(SEED), 0, time.time() + SECS * SLOW
    day.begin()
    while time.time() < end:
        time.sleep(rng.choice((rng.uniform(0, 0.3), rng.uniform(0.3, 2.5))) * SLOW)
        desk.kill()
        restart(desk)
        kills += 1
    day.end()
    day.account("%d kills" % kills)

where = tempfile.mkdtemp(prefix="ward-worst-")
if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=45m", "tmpfs", where], capture_output=True).returncode:
    os.rmdir(where)
    print("a small file system cannot be mounted here: the full disk was not tried")
    done("worst_day")
tempfile.tempdir = where
try:
    with Desk() as desk:
        day = Day(desk)
        day.begin()
        time.sleep(SECS * SLOW)
        day.end()
        check(day.said["ticket", 503] > 0, "the disk was full")
        desk.kill()
        desk.start()
        r = day.c.post("/api/v2/tickets.json", {"ticket": {"subject": "s", "comment": {"body": "x" * 60000}}})
        check(day.c.get("/api/v2/tickets/count.json").status == 200 and r.status in (201, 503), "it starts on a full disk, and reads: %r" % r)
        if r.status == 201:
            day.acked["ticket"].append(r.json["ticket"]["id"])
        desk.kill()
        check(subprocess.run(["mount", "-o", "remount,size=400m", where]).returncode == 0, "room is made")
        desk.start()
        check(day.ticket(day.c, "there is room"), "it works again")
        day.account("a full disk")
finally:
    tempfile.tempdir = None
    subprocess.run(["umount", "-l", where])
    os.rmdir(where)
done("worst_day")
