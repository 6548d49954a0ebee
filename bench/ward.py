#!/usr/bin/env python3
"""`make bench`: the whole desk over HTTPS, everything on, server and client on one machine.

A desk is filled to 10,000 tickets, measured, filled to N (default 1,000,000), measured again; beside it, in
the same run, the storage floor (bench/store: the same rows by hand) and what the disk's fdatasync takes.
Writes the table into docs/PERFORMANCE.md between its marks. N=, SECONDS= and SKIP_BIG=1 come from make. Filling stops
after MINUTES= (12) with what is there by then, and says so.
"""
import datetime, json, os, platform, random, re, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests", "system"))
from desk import BUILD, ROOT, Desk, Client

N = int(os.environ.get("N", "1000000"))
SECONDS = float(os.environ.get("SECONDS", "5"))
MINUTES = float(os.environ.get("MINUTES", "12"))
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


def pids(desk):
    return [desk.proc.pid] + [int(p) for p in subprocess.run(["pgrep", "-P", str(desk.proc.pid)], capture_output=True, text=True).stdout.split()]


def cpu_seconds(desk):
    """Of all processes of the server; of its writer thread alone."""
    total, writer, tick = 0, 0, os.sysconf("SC_CLK_TCK")
    for p in pids(desk):
        for t in os.listdir("/proc/%d/task" % p):
            try:
                name, rest = open("/proc/%d/task/%s/stat" % (p, t)).read().split("(", 1)[1].rsplit(")", 1)
                used = sum(map(int, rest.split()[11:13])) / tick
                total += used
                writer += used if name == "store-writer" else 0
            except OSError:
                pass
    return total, writer


def metrics(c):
    rows = (line.split() for line in c.get("/metrics").body.decode().splitlines() if line and line[0] != "#")
    return {r[0]: float(r[1]) for r in rows}


def fdatasync_ms(folder):
    """What the disk takes to make 16 KB behind a file's end durable: the median of 200."""
    took = []
    with open(os.path.join(folder, "sync"), "wb", buffering=0) as f:
        for _ in range(200):
            f.write(bytes(16384))
            began = time.perf_counter()
            os.fdatasync(f.fileno())
            took.append(time.perf_counter() - began)
    os.unlink(os.path.join(folder, "sync"))
    return sorted(took)[100] * 1000


def rss(desk):
    total = 0
    for p in pids(desk):
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
    began, rate = time.time(), 4000
    while have < target and time.time() - began < MINUTES * 60:
        before, at = have, time.time()
        load(desk, token, 64, max(0.5, min(20, (target - have) / rate)), "--warmup", "0", "--mix", mix, "--counter", str(have + 1000))
        have = c.get("/api/v2/tickets/count.json").json["count"]["value"]
        rate = max(100, (have - before) / (time.time() - at))
        print("  filled %d of %d, %.0f s, %.0f/s" % (have, target, time.time() - began, rate), flush=True)
    if have < target:
        print("  this machine fills too slowly for %d tickets in %g minutes: going on with %d" % (target, MINUTES, have), flush=True)
    return have


def settle(desk):
    """Until the work in the background (segments, copying back) has ended, or half a minute."""
    for _ in range(30):
        before = cpu_seconds(desk)[0]
        time.sleep(1)
        if cpu_seconds(desk)[0] - before < 0.1:
            break


def limit_of(r, conns, syncs, sync_ms):
    """What keeps this figure from being higher, by what was busy meanwhile."""
    cores = os.cpu_count()
    if conns == 1:
        return "one request at a time, in half of all cases %.2f ms: on average %.2f ms CPU of server and client, and a commit with %d sync%s (one took %.2f ms)" % (
            r["p50_ms"], (r["server_us"] + r["client_cpu_us"]) / 1000, syncs, "s" * (syncs > 1), sync_ms)
    busy = r["rate"] * (r["server_us"] + r["client_cpu_us"]) / 1e6
    text = "%.2f of %d cores busy: %.0f us CPU a request in the server (writer thread %.0f), %.0f in the client; %.0f requests a commit" % (
        busy, cores, r["server_us"], r["writer_us"], r["client_cpu_us"], 1 / r["commits"] if r["commits"] else 0)
    if busy > 0.85 * cores:
        return "the cores. " + text
    if r["rate"] * (r["writer_us"] / 1e6 + r["commits"] * syncs * sync_ms / 1000) > 0.85:
        return "the writer thread and its syncs. " + text
    return "waiting for each other. " + text


def measure(desk, token, mix, have, c, sync_ms):
    out = {"tickets": have}
    kinds = [
        ("create, 64 connections", 64, ["--mix", mix, "--counter", str(have + 1000)]),
        ("show, 64 connections", 64, ["--path-template", "/api/v2/tickets/%d.json", "--ids", "1-%d" % have]),
        ("list of 25, 64 connections", 64, ["--path-template", "/api/v2/tickets.json?page[size]=25&page[after]=" + cursor(c, have)]),
        ("create, 1 connection", 1, ["--mix", mix, "--counter", str(have + 1000000)]),
        ("show, 1 connection", 1, ["--path-template", "/api/v2/tickets/%d.json", "--ids", "1-%d" % have]),
        ("list of 25, 1 connection", 1, ["--path-template", "/api/v2/tickets.json?page[size]=25&page[after]=" + cursor(c, have)]),
        # Each in one ticket, among the first ones: the counter of the bodies never goes back.
        ("search one rare word, 1 connection", 1, ["--path-template", "/api/v2/search.json?query=type:ticket+word%d&per_page=25", "--ids", "1001-4000"]),
        ("search two common words, 1 connection", 1, ["--path-template", "/api/v2/search.json?query=type:ticket+insulin+parking&per_page=25"]),
    ]
    for name, conns, args in kinds:
        m, u = metrics(c), cpu_seconds(desk)
        r = load(desk, token, conns, SECONDS, *args)
        n, v = metrics(c), cpu_seconds(desk)
        done = max(1, n["ward_store_transactions_total"] - m["ward_store_transactions_total"])   # one a request here
        r["commits"] = (n["ward_store_commits_total"] - m["ward_store_commits_total"]) / done
        r["server_us"], r["writer_us"] = (v[0] - u[0]) * 1e6 / done, (v[1] - u[1]) * 1e6 / done
        r["limit"] = limit_of(r, conns, 2 if name.startswith("create") else 1, sync_ms)   # only a new ticket has a new key
        bad = {k: v for k, v in r.get("status", {}).items() if not k.startswith("2")}
        if bad:
            print("  %s: not all answered 2xx: %s" % (name, bad), flush=True)
        out[name] = r
        print("  %-40s %9.0f/s  p50 %.2f  p99 %.2f ms; %s" % (name, r["rate"], r["p50_ms"], r["p99_ms"], r["limit"]), flush=True)
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
        token, sync_ms = desk.token(), fdatasync_ms(desk.dir)
        c = Client(desk, desk.ADMIN, token)
        users = [c.post("/api/v2/users.json", {"user": {"name": "Pat Number%d" % i, "email": "pat.%d@patients.example" % i}}).json["user"]["id"] for i in range(300)]
        mix = mix_file(folder, rng, users, 48)
        sizes = [10000] + ([N] if N > 10000 and not os.environ.get("SKIP_BIG") else [])
        for size in sizes:
            print("%d tickets" % size, flush=True)
            have = fill(desk, token, mix, size, c)
            settle(desk)
            rows.append(measure(desk, token, mix, have, c, sync_ms))
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
    write(rows, idle, cold, warm, after, floor, v.stdout.decode().strip(), verify, events, sync_ms)


def floor_rates(floor):
    """Commits of 64 by hand; what store_write() reached with 64 threads."""
    hand = re.search(r"by hand, 64 a commit\s+(\d+)", floor)
    through = re.search(r"^key\s+64\s+(\d+)", floor, re.M)
    return float(hand.group(1)) if hand else 0, float(through.group(1)) if through else 0


def write(rows, idle, cold, warm, after, floor, verdict, verify, status, sync_ms):
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
            "What limits each, at %s tickets:" % f"{last['tickets']:,}", ""]
    out += ["- %s: %s" % (name, last[name]["limit"]) for name in last if name not in ("tickets", "rss")]
    hand, through = floor_rates(floor)
    created = last["create, 64 connections"]["rate"]
    if hand:
        out += ["", "The storage floor in the same run (`bench/store`: six rows of a ticket inserted by hand, a commit every 64, beside two "
                "databases; a sync took %.2f ms): a created ticket is %.2f of it, and %.2f of what the store's own queue reaches with the "
                "same rows. The rest is TLS, JSON, the scan, the search terms, sealing, the trail and nine more indexes." % (sync_ms, created / hand,
                created / through if through else 0), "", "```", floor, "```"]
    text = open(PAGE).read() if os.path.exists(PAGE) else "# Performance\n\n<!-- desk -->\n<!-- /desk -->\n"
    begin, end = text.index("<!-- desk -->"), text.index("<!-- /desk -->")
    open(PAGE, "w").write(text[:begin] + "<!-- desk -->\n" + "\n".join(out) + "\n" + text[end:])
    print("\n".join(out))


def cpu():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.machine()


if __name__ == "__main__":
    main()
