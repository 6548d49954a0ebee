#!/usr/bin/env python3
"""A bulk scan measured: its rate end to end beside libphi's own on the same texts, and what it does to live requests.

    B=build bench/scan.py [TICKETS]

CPU seconds of the server are what counts on a machine that others use; wall clock is printed beside them.
"""
import json, os, subprocess, sys, tempfile, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests", "system"))
from desk import BUILD, Desk

N = int(sys.argv[1]) if len(sys.argv) > 1 else 3000


def cpu(pid):
    f = open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()
    return (int(f[11]) + int(f[12])) / os.sysconf("SC_CLK_TCK")


def texts(n):
    r = subprocess.run([os.path.join(BUILD, "phi"), "generate", "--count", str(n), "--seed", "5"], capture_output=True)
    out = [json.loads(l) for l in r.stdout.splitlines() if l.strip()]
    return [t["text"] for t in out if t.get("text")]


def pages(c, ids, n):
    took = []
    for i in range(n):
        t = time.perf_counter()
        r = c.get("/api/v2/tickets/%d/comments.json" % ids[i * 37 % len(ids)])
        assert r.status == 200
        took.append(time.perf_counter() - t)
        time.sleep(0.002)
    took.sort()
    return took


def until(c, jid, pause=0.05):
    while True:
        j = c.get("/api/ward/v1/phi/jobs/%d" % jid).json["job"]
        if j["state"] not in ("queued", "working"):
            return j
        time.sleep(pause)


pool = texts(400)
if not pool:
    print("phi generate gives no texts here")
    sys.exit(77)
with Desk() as desk:
    c = desk.admin()
    desk.keep_all(c)
    size = 0
    for i in range(N):
        body = "\n\n".join(pool[(i + k) % len(pool)] for k in range(16))
        size += len(body.encode())
        r = c.post("/api/v2/tickets.json", {"ticket": {"subject": "ticket %d" % i, "comment": {"body": body}}})
        assert r.status == 201, r
    ids = list(range(1, N + 1))
    # libphi alone: the same texts, one core.
    with tempfile.TemporaryDirectory(prefix="ward-bench-") as d:
        p = os.path.join(d, "texts.jsonl")
        with open(p, "w") as f:
            for i in range(N):
                f.write(json.dumps({"id": i, "text": "\n\n".join(pool[(i + k) % len(pool)] for k in range(16))}) + "\n")
        t0 = os.times()
        subprocess.run([os.path.join(BUILD, "phi"), "scan", "--jsonl", p], stdout=subprocess.DEVNULL)
        t1 = os.times()
        alone = (t1.children_user - t0.children_user) + (t1.children_system - t0.children_system)
    # The scan with nobody else about. The poll is rare, because a poll is a live request.
    pid = desk.proc.pid
    before, wall = cpu(pid), time.time()
    jid = c.post("/api/ward/v1/phi/scans").json["job"]["id"]
    j = until(c, jid, 1.0)
    used = cpu(pid) - before
    print("%d tickets, %.1f MB of texts" % (N, size / 1e6))
    print("libphi alone        %6.2f s CPU  %6.1f MB/s of a core" % (alone, size / 1e6 / max(alone, 0.01)))
    print("scan, end to end    %6.2f s CPU  %6.1f MB/s of a core   %.2f s of wall clock, %.1f MB/s, %s" % (
        used, size / 1e6 / max(used, 0.01), j["bytes"] / max(j["bytes_per_second"], 1), j["bytes_per_second"] / 1e6, j["state"]))
    # Live requests without and with a scan.
    pages(c, ids, 200)
    idle = pages(c, ids, 1000)
    jid = c.post("/api/ward/v1/phi/scans").json["job"]["id"]
    busy = pages(c, ids, 1000)
    j = c.get("/api/ward/v1/phi/jobs/%d" % jid).json["job"]
    for what, t in (("idle", idle), ("with a scan", busy)):
        print("a page, %-12s p50 %6.2f ms  p99 %6.2f ms  max %6.2f ms" % (what, t[len(t) // 2] * 1e3, t[len(t) * 99 // 100] * 1e3, t[-1] * 1e3))
    print("p99 with a scan / idle: %.2f; meanwhile %d of %d tickets were scanned" % (busy[990] / idle[990], j["done"], j["total"]))
