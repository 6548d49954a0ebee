#!/usr/bin/env python3
"""The second half of `make bench` (alone: `make bench-busy`): a desk with everything that a team sets up: 20 views,
30 triggers, 10 automations, 5 SLA policies, 40 custom fields, and 0.3 requesters a ticket; filled to 10,000 tickets and
measured, filled to N (1,000,000) and measured again, with the load of a real desk (60 % reads, 25 % lists, 10 %
updates, 5 % creates). Writes its table into docs/PERFORMANCE.md between its own marks.

N=, SECONDS= and MINUTES= (40, to fill) come from make. KEEP=folder: the filled desk is left there, and a later run (of
bench/web.py, too) begins with a copy of what is there instead of filling. Everything is asked through the API over HTTPS; tickets to fill
with are made by the same creates that are measured, four of five of them already solved.
"""
import base64, datetime, http.client, json, os, random, re, shutil, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from ward import LOAD, PAGE, WORDS, body, cpu, cpu_seconds, fdatasync_ms, metrics, rss, settle
from desk import Client, Desk

N = int(os.environ.get("N", "1000000"))
FIRST = min(N, int(os.environ.get("FIRST", "10000")))
SECONDS = float(os.environ.get("SECONDS", "5"))
MINUTES = float(os.environ.get("MINUTES", "40"))
PACE = int(os.environ.get("PACE", "500"))           # view pages a second where their time is asked, not their number
COLORS = ["red", "amber", "green", "blue", "white", "grey", "black", "pink", "brown", "teal"]
KEEP = os.environ.get("KEEP", "")
FACTS = ("users", "made", "groups", "agents", "fields", "views")


class Busy:
    """A desk with its rules, and what requests to it are made of. `known`: what facts() said of the desk that this is a copy of."""

    def __init__(self, desk, folder, known=None):
        self.desk, self.folder, self.rng = desk, folder, random.Random(11)
        self.token = desk.token()
        self.c = Client(desk, desk.ADMIN, self.token)
        self.users = (0, 0)
        self.made = 1000
        if known:
            for name in FACTS:
                setattr(self, name, known[name])
            self.users = tuple(self.users)
        else:
            self.rules()

    def facts(self):
        return {name: getattr(self, name) for name in FACTS}

    def post(self, path, what, **fields):
        r = self.c.post("/api/v2/%s.json" % path, {what: fields})
        if r.status not in (200, 201):
            raise SystemExit("%s: %r" % (path, r))
        return r.json[what]["id"]

    def rules(self):
        post, rng = self.post, self.rng
        self.groups = [post("groups", "group", name="Team %d" % i) for i in range(6)]
        self.agents = []
        for i in range(30):
            uid = post("users", "user", name="Agent Number%d" % i, email="agent%d@clinic.example" % i, role="agent")
            post("group_memberships", "group_membership", user_id=uid, group_id=self.groups[i % 6])
            self.agents.append((uid, self.groups[i % 6]))
        self.fields = []
        for i in range(40):
            kind = ("text", "tagger", "checkbox", "integer", "decimal", "date", "tagger", "text", "multiselect", "text")[i % 10]
            more = {"custom_field_options": [{"name": c.title(), "value": "%s_%d" % (c, i)} for c in COLORS]} if kind in ("tagger", "multiselect") else {"tag": "box_%d" % i} if kind == "checkbox" else {}
            self.fields.append((post("ticket_fields", "ticket_field", type=kind, title="Field %d" % i, **more), kind, i))
        taggers = [f for f in self.fields if f[1] == "tagger"]
        unsolved = {"field": "status", "operator": "less_than", "value": "solved"}
        tests = ([{"field": "group_id", "operator": "is", "value": str(g)} for g in self.groups] + [{"field": "priority", "operator": "is", "value": p} for p in ("urgent", "high")] +
                 [{"field": "current_tags", "operator": "includes", "value": "bench"}, {"field": "custom_fields_%d" % taggers[0][0], "operator": "is", "value": "red_%d" % taggers[0][2]},
                  {"field": "assignee_id", "operator": "is", "value": str(self.agents[0][0])}, {"field": "type", "operator": "is", "value": "incident"}])
        for i, test in enumerate(tests):                 # beside the 8 that are there from the beginning
            post("views", "view", title="View %d" % i, all=[unsolved, test])
        self.views = [v["id"] for v in self.c.get("/api/v2/views.json?per_page=100").json["views"]]
        created = {"field": "update_type", "operator": "is", "value": "Create"}
        have = sum(t["active"] for t in self.c.get("/api/v2/triggers.json?per_page=100").json["triggers"])
        for i in range(30 - have):
            when = [{"field": "subject_includes_word", "operator": "includes", "value": WORDS[i]} if i % 3 == 0 else
                    {"field": "custom_fields_%d" % taggers[i % len(taggers)][0], "operator": "is", "value": "green_%d" % taggers[i % len(taggers)][2]} if i % 3 == 1 else
                    {"field": "comment_includes_word", "operator": "includes", "value": WORDS[i] + " " + WORDS[-i]}]
            post("triggers", "trigger", title="Trigger %d" % i, conditions={"all": [created if i % 2 else unsolved, {"field": "current_tags", "operator": "not_includes", "value": "t%d" % i}] + when},
                 actions=[{"field": "current_tags", "value": "t%d" % i}] + ([{"field": "priority", "value": "high"}] if i % 5 == 0 else []))
        have = sum(a["active"] for a in self.c.get("/api/v2/automations.json?per_page=100").json["automations"])
        for i in range(10 - have):
            post("automations", "automation", title="Automation %d" % i, conditions={"all": [unsolved, {"field": "created_at", "operator": "greater_than", "value": str(240 + i)}, {"field": "current_tags", "operator": "not_includes", "value": "old%d" % i}]},
                 actions=[{"field": "current_tags", "value": "old%d" % i}])
        for i, p in enumerate(("urgent", "high", "normal", "low", "low")):
            post("slas/policies", "sla_policy", title="Policy %d" % i, filter={"all": [{"field": "group_id", "operator": "includes", "value": [str(self.groups[i])]}] if i < 4 else []},
                 policy_metrics=[{"priority": q, "metric": m, "target": 60 * (i + 1), "business_hours": False} for q in ("urgent", "high", "normal", "low") for m in ("first_reply_time", "next_reply_time", "requester_wait_time")])

    def values(self):
        """Eight of the forty fields."""
        rng, out = self.rng, []
        for f, kind, i in rng.sample(self.fields, 8):
            v = {"text": lambda: "answer " + rng.choice(WORDS), "tagger": lambda: "%s_%d" % (rng.choice(COLORS), i), "checkbox": lambda: True, "integer": lambda: rng.randrange(1000),
                 "decimal": lambda: rng.randrange(1000) / 8, "date": lambda: "2026-%02d-%02d" % (rng.randrange(1, 13), rng.randrange(1, 29)), "multiselect": lambda: ["%s_%d" % (rng.choice(COLORS), i)]}[kind]()
            out.append({"id": f, "value": v})
        return out

    def file(self, name, value):
        path = os.path.join(self.folder, name)
        with open(path, "w") as f:
            f.write(json.dumps(value).replace('"%r"', "%r"))
        return path

    def creates(self, name, fill):
        """A ticket's file: a requester picked at random, eight fields; when filling, four of five are over already."""
        rng = self.rng
        t = {"subject": "Question %d about " + " ".join(rng.choice(WORDS) for _ in range(3)), "comment": {"body": body(rng)}, "requester_id": "%r",
             "tags": ["bench", rng.choice(WORDS)], "custom_fields": self.values(), "priority": rng.choice(["low", "normal", "normal", "high", "urgent"]), "type": rng.choice(["question", "incident", "task"])}
        if rng.random() < 0.5 or fill:
            t["assignee_id"], t["group_id"] = rng.choice(self.agents)
        if fill and rng.random() < 0.8:
            t["status"] = "solved"
        return self.file(name, {"ticket": t})

    def update(self, name, i):
        rng = self.rng
        t = [{"comment": {"body": "We look into it: " + " ".join(rng.choice(WORDS) for _ in range(40)), "public": True}, "status": "pending"},
             {"priority": rng.choice(["low", "normal", "high", "urgent"]), "custom_fields": self.values()[:2]},
             {"comment": {"body": "A note: " + " ".join(rng.choice(WORDS) for _ in range(25)), "public": False}},
             {"assignee_id": self.agents[i % 30][0], "group_id": self.agents[i % 30][1], "status": "open"},
             {"additional_tags": ["up%d" % rng.randrange(50)], "status": "solved", "comment": {"body": "Done: " + " ".join(rng.choice(WORDS) for _ in range(20)), "public": True}},
             {"status": "open", "comment": {"body": "Once more: " + " ".join(rng.choice(WORDS) for _ in range(30)), "public": True}}][i % 6]
        return self.file(name, {"ticket": t})

    def mix(self, name, rows):
        """rows: (weight, method, path, ids, body file)."""
        path = os.path.join(self.folder, name)
        with open(path, "w") as f:
            for w, method, url, ids, data in rows:
                f.write("%d %s %s %s%s\n" % (w, method, url, ids or "-", " " + data if data else ""))
        return path

    def load(self, conns, seconds, *args):
        r = subprocess.run([LOAD, "--connect", "127.0.0.1:%d" % self.desk.port, "--conns", str(conns), "--seconds", str(seconds), "--auth", "%s/token:%s" % (self.desk.ADMIN, self.token),
                            "--counter", str(self.made), "--pick", "%d-%d" % self.users] + list(args), capture_output=True, text=True)
        if r.returncode:
            raise SystemExit("load: %s %s" % (r.stdout, r.stderr))
        j = json.loads(r.stdout)
        self.made += 2 * j["requests"] + 200
        bad = {k: v for k, v in j["status"].items() if not k.startswith("2")}
        if bad or j["errors"]:
            print("  not all answered 2xx: %s, %d broken" % (bad, j["errors"]), flush=True)
        j["bad"] = bad
        return j

    def count(self, what):
        return self.c.get("/api/v2/%s/count.json" % what).json["count"]["value"]

    def fill(self, tickets, people, mix):
        """Requesters first, then tickets of them."""
        data = self.file("user.json", {"user": {"name": "Pat Number%d", "email": "pat.%d@patients.example", "skip_verify_email": True}})
        began, rate = time.time(), 4000
        low = self.users[0]
        while (n := self.count("users")) < people + 31 and time.time() - began < MINUTES * 60:
            at = time.time()
            self.load(64, max(0.3, min(20, (people + 31 - n) / rate)), "--warmup", "0", "--method", "POST", "--path-template", "/api/v2/users.json", "--body-file", data)
            rate = max(100, (self.count("users") - n) / (time.time() - at))
        newest = self.c.get("/api/v2/users.json?page[size]=1&sort=-id").json["users"][0]["id"]
        self.users = (low or self.agents[-1][0] + 1, newest)
        print("  %d users, %.0f s" % (self.count("users"), time.time() - began), flush=True)
        began, rate, have = time.time(), 3000, self.count("tickets")
        while have < tickets and time.time() - began < MINUTES * 60:
            before, at = have, time.time()
            self.load(64, max(0.5, min(20, (tickets - have) / rate)), "--warmup", "0", "--mix", mix)
            have = self.count("tickets")
            rate = max(100, (have - before) / (time.time() - at))
            print("  filled %d of %d, %.0f s, %.0f/s" % (have, tickets, time.time() - began, rate), flush=True)
        return have

    def export(self, seconds):
        """Tickets a second through the cursor export, as its reader gets them: bytes read, not parsed."""
        conn = http.client.HTTPSConnection("localhost", self.desk.port, context=self.desk.tls)
        head = {"Authorization": "Basic " + base64.b64encode(("%s/token:%s" % (self.desk.ADMIN, self.token)).encode()).decode()}
        url, n, size, began = "/api/v2/incremental/tickets/cursor.json?start_time=1&per_page=1000", 0, 0, time.time()
        while time.time() - began < seconds:
            conn.request("GET", url, headers=head)
            r = conn.getresponse()
            data = r.read()
            if r.status != 200:
                raise SystemExit("export: %d %s" % (r.status, data[:300]))
            n += data.count(b'"generated_timestamp":')
            size += len(data)
            tail = data[-600:].decode()
            url = "/" + re.search(r'"after_url":"([^"]*)"', tail).group(1).replace("\\/", "/").split("/", 3)[3]
            if '"end_of_stream":true' in tail:           # once more from the beginning
                url = "/api/v2/incremental/tickets/cursor.json?start_time=1&per_page=1000"
        took = time.time() - began
        conn.close()
        return {"rate": n / took, "bytes_per_s": size / took, "p50_ms": took * 1e6 / n, "p99_ms": None}


def measure(b, have, sync_ms):
    rng, out = b.rng, {"tickets": have, "users": b.count("users")}
    ids, people = "1-%d" % have, "%d-%d" % b.users
    creates = [(1, "POST", "/api/v2/tickets.json", None, b.creates("create%d.json" % i, False)) for i in range(24)]
    updates = [(1, "PUT", "/api/v2/tickets/%d.json", ids, b.update("update%d.json" % i, i)) for i in range(12)]
    views = [(1, "GET", "/api/v2/views/%d/tickets.json?page[size]=30" % v, None, None) for v in b.views]
    pairs = [(1, "GET", "/api/v2/search.json?query=type:ticket+%s+%s&per_page=25" % tuple(rng.sample(WORDS, 2)), None, None) for _ in range(40)]
    scale = lambda rows, total: [(max(1, round(total / len(rows))),) + r[1:] for r in rows]
    day = ([(3500, "GET", "/api/v2/tickets/%d.json", ids, None), (1500, "GET", "/api/v2/tickets/%d/comments.json", ids, None), (1000, "GET", "/api/v2/users/%d.json", people, None)] +
           scale(views, 1300) + [(700, "GET", "/api/v2/views/count_many.json?ids=" + ",".join(map(str, b.views)), None, None), (300, "GET", "/api/v2/users/%d/tickets/requested.json?page[size]=25", people, None)] +
           scale(rng.sample(pairs, 4), 200) + scale(updates[:8], 1000) + scale(creates[:8], 500))
    count_many = "/api/v2/views/count_many.json?ids=" + ",".join(map(str, b.views))
    kinds = [
        ("create, 64 connections", 64, ["--mix", b.mix("c.mix", creates)]),
        ("update, 64 connections", 64, ["--mix", b.mix("u.mix", updates)]),
        ("show, 64 connections", 64, ["--path-template", "/api/v2/tickets/%d.json", "--ids", ids]),
        ("load of a desk, 64 connections", 64, ["--mix", b.mix("day.mix", day), "--warmup", "5"]),
        ("view page of 30, 32 connections", 32, ["--mix", b.mix("v.mix", views)]),
        ("view page of 30, 32 connections, %s/s asked" % f"{PACE:,}", 32, ["--mix", b.mix("v.mix", views), "--rate", str(PACE)]),
        ("counters of 20 views, 1 connection", 1, ["--path-template", count_many]),
        ("search of two words, 1 connection", 1, ["--mix", b.mix("s.mix", pairs), "--warmup", "2"]),
    ]
    # What is kept of a view is made at its first reading after a start: once, and apart.
    at = time.time()
    while any(not v["fresh"] for v in b.c.get(count_many).json["view_counts"]) and time.time() - at < 120:
        time.sleep(0.05)
    out["first"] = time.time() - at
    print("  counters of 20 views, the first time %.2f s" % out["first"], flush=True)
    for name, conns, args in kinds:
        m, u = metrics(b.c), cpu_seconds(b.desk)
        r = b.load(conns, SECONDS, *args)
        n, v = metrics(b.c), cpu_seconds(b.desk)
        done = max(1, r["requests"], n["ward_store_transactions_total"] - m["ward_store_transactions_total"])   # with those of the warming up
        r["server_us"], r["writer_us"] = (v[0] - u[0]) * 1e6 / done, (v[1] - u[1]) * 1e6 / done
        out[name] = r
        print("  %-48s %9.0f/s  p50 %.2f  p99 %.2f ms; %.0f us CPU a request (writer %.0f)" % (name, r["rate"], r["p50_ms"], r["p99_ms"], r["server_us"], r["writer_us"]), flush=True)
    b.export(1)
    r = out["incremental export, 1 connection"] = b.export(SECONDS)
    print("  incremental export %.0f tickets/s, %.1f MB/s" % (r["rate"], r["bytes_per_s"] / 1e6), flush=True)
    out["rss"] = rss(b.desk)
    print("  resident %.0f MB" % out["rss"], flush=True)
    return out


GOALS = {"create, 64 connections": ("2,500/s", lambda r: r["rate"] >= 2500), "update, 64 connections": ("2,500/s", lambda r: r["rate"] >= 2500), "show, 64 connections": ("8,000/s", lambda r: r["rate"] >= 8000),
         "view page of 30, 32 connections": ("p99 < 5 ms", lambda r: r["p99_ms"] < 5), "counters of 20 views, 1 connection": ("< 1 ms", lambda r: r["p99_ms"] < 1),
         "search of two words, 1 connection": ("p99 < 10 ms", lambda r: r["p99_ms"] < 10), "incremental export, 1 connection": ("20,000 tickets/s", lambda r: r["rate"] >= 20000)}


def write(first, last, sync_ms):
    ms = lambda r: "%.2f ms" % r["p99_ms"] if r["p99_ms"] is not None else ""
    out = ["Measured %s on %d cores of %s: server and load client on the same machine, HTTPS keep-alive, durable commit, everything on, 2 KB bodies, %g s each (a sync took %.2f ms). 20 views, 30 triggers, "
           "10 automations, 5 SLA policies, 40 custom fields (8 of them in each ticket), %s users." % (datetime.date.today(), os.cpu_count(), cpu(), SECONDS, sync_ms, f"{last['users']:,}"), "",
           "| | goal | %s tickets | p50 | p99 | %s tickets | p50 | p99 | cost, ratio | |" % (f"{first['tickets']:,}", f"{last['tickets']:,}"), "|---|---|---|---|---|---|---|---|---|---|"]
    for name in first:
        if name in ("tickets", "users", "rss", "first"):
            continue
        a, z = first[name], last[name]
        goal, met = GOALS.get(name, ("", None))
        unit = " tickets/s" if "export" in name else "/s"
        p50 = lambda r: "" if "export" in name else "%.2f ms" % r["p50_ms"]
        out.append("| %s | %s | %s%s | %s | %s | %s%s | %s | %s | %.2f | %s |" % (name, goal, f"{a['rate']:,.0f}", unit, p50(a), ms(a), f"{z['rate']:,.0f}", unit, p50(z), ms(z), z["p50_ms"] / a["p50_ms"] if a["p50_ms"] else 0,
                   "" if met is None else "reached" if met(z) else "missed"))
    out.append("| resident memory, all processes, after it | 300 MB | %.0f MB | | | %.0f MB | | | | %s |" % (first["rss"], last["rss"], "reached" if last["rss"] < 300 else "missed"))
    out += ["", "CPU of the server a request, of which the writer thread's: " + "; ".join("%s %.0f us, %.0f" % (n.split(",")[0], last[n]["server_us"], last[n]["writer_us"]) for n in last if isinstance(last[n], dict) and "server_us" in last[n]) + ".",
            "", "The counters of the 20 views took %.2f s when they were asked for the first time after a start, and %.2f s; meanwhile they are answered as not fresh." % (first["first"], last["first"]),
            "", "The load of a desk: of 100 requests 35 show a ticket, 15 its comments, 10 a user; 13 are pages of a view, 7 the counters of all views, 3 a requester's tickets, 2 searches of two words; 10 update a ticket "
            "(fields, comments, solving) and 5 create one. Where requests are asked at a fixed rate, their time counts from the moment they were due; elsewhere each connection asks again as soon as it was answered, so both cores "
            "are busy and the times hold the waiting for each other."]
    text = open(PAGE).read()
    if "<!-- busy -->" not in text:
        at = text.index("## The PHI engine") if "## The PHI engine" in text else len(text)
        text = text[:at] + "## The desk with its rules\n\n<!-- busy -->\n<!-- /busy -->\n\n" + text[at:]
    begin, end = text.index("<!-- busy -->"), text.index("<!-- /busy -->")
    open(PAGE, "w").write(text[:begin] + "<!-- busy -->\n" + "\n".join(out) + "\n" + text[end:])
    print("\n".join(out))


def filled(b, size):
    """Fills up to `size`; how many tickets there are then."""
    print("%d tickets" % size, flush=True)
    mix = b.mix("fill.mix", [(1, "POST", "/api/v2/tickets.json", None, b.creates("fill%d.json" % i, True)) for i in range(500)])
    have = b.fill(size, int(size * 0.3), mix)
    settle(b.desk)
    return have


def kept():
    """What the kept desk's facts are; None: there is none."""
    path = os.path.join(KEEP, "desk.json")
    return json.load(open(path)) if KEEP and os.path.exists(path) else None


def keep(b):
    """Leaves the desk, which is stopped for it, in the folder KEEP; its facts come last."""
    b.desk.stop()
    os.makedirs(KEEP, mode=0o700, exist_ok=True)
    shutil.copytree(b.desk.data, os.path.join(KEEP, "data"), ignore=shutil.ignore_patterns("ward.sock", "lock"))
    with open(os.path.join(KEEP, "desk.json"), "w") as f:
        json.dump(b.facts(), f)
    b.desk.start()


def verified(desk):
    print(desk.ward("trail", "verify", timeout=3600).stdout.decode().strip())


def main():
    rows, known = [], kept()
    with tempfile.TemporaryDirectory(prefix="ward-bench-") as folder:
        with Desk() as desk:
            b, sync_ms = Busy(desk, folder), fdatasync_ms(desk.dir)
            rows.append(measure(b, filled(b, FIRST), sync_ms))
            if N > FIRST and not known:
                have = filled(b, N)
                if KEEP:
                    keep(b)
                rows.append(measure(b, have, sync_ms))
            verified(desk)
        if known:
            with Desk(copy_of=os.path.join(KEEP, "data")) as desk:
                b = Busy(desk, folder, known)
                print("%d tickets, kept" % b.count("tickets"), flush=True)
                rows.append(measure(b, b.count("tickets"), sync_ms))
                verified(desk)
    write(rows[0], rows[-1], sync_ms)


if __name__ == "__main__":
    main()
