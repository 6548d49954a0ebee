#!/usr/bin/env python3
"""`make bench`: the whole desk over HTTPS, everything on, server and client on one machine.

A desk is filled to 10,000 tickets, measured, filled to N (default 1,000,000), measured again; beside it, in
the same run, the storage floor (bench/store: the same rows by hand) and what the disk's fdatasync takes.
Writes the table into docs/PERFORMANCE.md between its marks. N=, SECONDS= and SKIP_BIG=1 come from make.
"""
import datetime, json, os, platform, random, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests", "system"))
from desk import BUILD, ROOT, Desk, Client

N = int(os.environ.get("N", "1000000"))
SECONDS = float(os.environ.get("SECONDS", "5"))
LOAD = os.path.join(BUILD, "bench", "load")
PAGE = os.path.join(ROOT, "docs", "PERFORMANCE.md")

WORDS = ("appointment refill portal invoice doctor nurse pharmacy insurance referral lab result morning evening question phone "
         "letter record clinic waiting room form copy signature tablet inhaler dose card payment balance statement visit week "
         "reschedule cancel confirm message reply upload picture insulin pump sensor battery charger delivery address parking "
         "entrance wheelchair interpreter translation consent release authorization request urgent follow up therapy exercise").split()


def body(rng, rare=True):
    """About 2 KB of support text with a handful of identifiers, as a template: %d is the counter."""
    text = []
    while sum(map(len, text)) < 1750:
        text.append(" ".join(rng.choice(WORDS) for _ in range(rng.randrange(6, 14))).capitalize() + ".")
    text.insert(2, "My date of birth is 03/14/19%02d and my MRN is 00%06d." % (rng.randrange(40, 99), rng.randrange(10 ** 6)))
    text.insert(5, "Call me at (312) 555-01%02d or write to pat.%d@patients.example." % (rng.randrange(100), rng.randrange(10 ** 5)))
    return " ".join(text) + " word%d"


def ticket_file(folder, rng, name, users):
    path = os.path.join(folder, name)
    with open(path, "w") as f:
        json.dump({"ticket": {"subject": "Question %d about " + " ".join(rng.choice(WORDS) for _ in range(3)), "comment": {"body": body(rng)},
                              "requester_id": rng.choice(users), "tags": ["bench", rng.choice(WORDS)]}}, f)
    return path


def load(desk, token, conns, seconds, *args):
    r = subprocess.run([LOAD, "--connect", "127.0.0.1:%d" % desk.port, "--conns", str(conns), "--seconds", str(seconds),
                        "--auth", "%s/token:%s" % (desk.ADMIN, token)] + list(args), capture_output=True, text=True)
    if r.returncode:
        raise SystemExit("load: %s %s" % (r.stdout, r.stderr))
    return json.loads(r.stdout)


def rss(desk):
    total = 0
    pids = [desk.proc.pid] + [int(p) for p in subprocess.run(["pgrep", "-P", str(desk.proc.pid)], capture_output=True, text=True).stdout.split()]
    for p in pids:
        try:
            for line in open("/proc/%d/status" % p):
                if line.startswith("VmRSS"):
                    total += int(line.split()[1])
        except OSError:
            pass
    return total / 1024


def mix_file(folder, rng, users, count):
    path = os.path.join(folder, "creates.mix")
    with open(path, "w") as f:
        for i in range(count):
            f.write("1 POST /api/v2/tickets.json - %s\n" % ticket_file(folder, rng, "t%d.json" % i, users))
    return path


def fill(desk, token, mix, target, c):
    have = c.get("/api/v2/tickets/count.json").json["count"]["value"]
    began = time.time()
    while have < target:
        left = target - have
        load(desk, token, 64, max(0.5, min(20, left / 4500)), "--mix", mix)
        have = c.get("/api/v2/tickets/count.json").json["count"]["value"]
        print("  filled %d of %d, %.0f s" % (have, target, time.time() - began), flush=True)
    return have


def measure(desk, token, mix, have, c):
    out = {"tickets": have}
    kinds = [
        ("create, 64 connections", 64, ["--mix", mix]),
        ("show, 64 connections", 64, ["--path-template", "/api/v2/tickets/%d.json", "--ids", "1-%d" % have]),
        ("list of 25, 64 connections", 64, ["--path-template", "/api/v2/tickets.json?page[size]=25&page[after]=" + cursor(c, have)]),
        ("create, 1 connection", 1, ["--mix", mix]),
        ("show, 1 connection", 1, ["--path-template", "/api/v2/tickets/%d.json", "--ids", "1-%d" % have]),
        ("list of 25, 1 connection", 1, ["--path-template", "/api/v2/tickets.json?page[size]=25&page[after]=" + cursor(c, have)]),
        ("search one rare word, 1 connection", 1, ["--path-template", "/api/v2/search.json?query=type:ticket+word%d&per_page=25", "--ids", "1-1000"]),
        ("search two common words, 1 connection", 1, ["--path-template", "/api/v2/search.json?query=type:ticket+insulin+parking&per_page=25"]),
    ]
    for name, conns, args in kinds:
        r = load(desk, token, conns, SECONDS, *args)
        bad = {k: v for k, v in r.get("status", {}).items() if not k.startswith("2")}
        if bad:
            print("  %s: not all answered 2xx: %s" % (name, bad), flush=True)
        out[name] = r
        print("  %-40s %9.0f/s  p50 %.2f  p99 %.2f ms" % (name, r["rate"], r["p50_ms"], r["p99_ms"]), flush=True)
    out["rss"] = rss(desk)
    return out


def cursor(c, have):
    """A place in the middle of the list."""
    import base64
    return base64.urlsafe_b64encode(("1a%d,%d" % (have // 2, have // 2)).encode()).decode().rstrip("=")


def storage_floor():
    tool = os.path.join(BUILD, "bench", "store")
    r = subprocess.run([tool, "-d", tempfile.gettempdir(), "-t", "2", "-k"], capture_output=True, text=True)
    return r.stdout.strip()


def main():
    rng = random.Random(7)
    rows, folder = [], tempfile.mkdtemp(prefix="ward-bench-")
    with Desk(start=False) as desk:
        began = time.time()
        desk.start()
        cold = (time.time() - began) * 1000
        idle = rss(desk)
        token, c = desk.token(), None
        c = Client(desk, desk.ADMIN, token)
        users = [c.post("/api/v2/users.json", {"user": {"name": "Pat Number%d" % i, "email": "pat.%d@patients.example" % i}}).json["user"]["id"] for i in range(300)]
        mix = mix_file(folder, rng, users, 48)
        sizes = [10000] + ([N] if N > 10000 and not os.environ.get("SKIP_BIG") else [])
        for size in sizes:
            print("%d tickets" % size, flush=True)
            have = fill(desk, token, mix, size, c)
            time.sleep(3)
            rows.append(measure(desk, token, mix, have, c))
        desk.stop()
        began = time.time()
        desk.start()
        warm = (time.time() - began) * 1000
        c = Client(desk, desk.ADMIN, token)
        c.get("/api/v2/tickets.json?per_page=1")
        after = rss(desk)
        verify = time.time()
        v = desk.ward("trail", "verify", timeout=3600)
        verify = time.time() - verify
        events = json.loads(desk.ward("status", "--json").stdout)
    floor = storage_floor()
    write(rows, idle, cold, warm, after, floor, v.stdout.decode().strip(), verify, events)


def write(rows, idle, cold, warm, after, floor, verdict, verify, status):
    goals = {"create, 64 connections": 4000, "show, 64 connections": 10000, "list of 25, 64 connections": 3000}
    first, last = rows[0], rows[-1]
    out = ["Measured %s on %d cores of %s, server and load client on the same machine, HTTPS keep-alive, durable commit, sealing, scan, "
           "index and trail on, 2 KB bodies, %g s each." % (datetime.date.today(), os.cpu_count(), cpu(), SECONDS), "",
           "| | goal | %s tickets | p99 | %s tickets | p99 | ratio of p50 |" % (f"{first['tickets']:,}", f"{last['tickets']:,}"), "|---|---|---|---|---|---|---|"]
    for name in first:
        if name in ("tickets", "rss"):
            continue
        a, b = first[name], last[name]
        out.append("| %s | %s | %s/s | %.2f ms | %s/s | %.2f ms | %.2f |" % (name, f"{goals[name]:,}/s" if name in goals else "", f"{a['rate']:,.0f}", a["p99_ms"],
                   f"{b['rate']:,.0f}", b["p99_ms"], b["p50_ms"] / a["p50_ms"] if a["p50_ms"] else 0))
    out += ["", "| | goal | measured |", "|---|---|---|",
            "| resident memory, idle, all processes | 64 MB | %.0f MB |" % idle,
            "| resident memory after the load, %s tickets | 200 MB | %.0f MB |" % (f"{last['tickets']:,}", last["rss"]),
            "| resident memory after a restart, %s tickets | 200 MB | %.0f MB |" % (f"{last['tickets']:,}", after),
            "| start, empty, to the first connection | 300 ms | %.0f ms |" % cold,
            "| start, %s tickets, to the first connection | 300 ms | %.0f ms |" % (f"{last['tickets']:,}", warm),
            "| trail verified | | %.0f s (%s) |" % (verify, verdict.split(",")[0]),
            "| database | | %.2f GB, %.1f KB a ticket |" % (status["database_bytes"] / 1e9, status["database_bytes"] / max(1, status["tickets"]) / 1e3), "",
            "The storage floor in the same run (`bench/store`: the same rows inserted by hand, a commit every 64):", "", "```", floor, "```"]
    text = open(PAGE).read() if os.path.exists(PAGE) else "# Performance\n\n<!-- desk -->\n<!-- /desk -->\n"
    begin, end = text.index("<!-- desk -->"), text.index("<!-- /desk -->")
    open(PAGE, "w").write(text[:begin] + "<!-- desk -->\n" + "\n".join(out) + "\n" + text[end:])
    print("\n".join(out))


def cpu():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.machine()


main()
