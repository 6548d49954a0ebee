#!/usr/bin/env python3
"""`make bench-web`: what an agent waits for, on a filled desk, by Chromium's own clock.

A desk is filled to N tickets (default 1,000,000; MINUTES=12 at most, as bench/ward.py fills it), or KEEP=folder is copied as
`make bench-busy KEEP=folder` left it; then bench/web.js signs
in, shows lists, opens tickets and types, ROUNDS= times each. Writes its table into docs/PERFORMANCE.md between its marks.
Without chromium or npm it says so and ends with 77.
"""
import datetime, json, os, random, shutil, subprocess, sys, tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from busy import KEEP, kept
from ward import N, PAGE, cpu, fill, mix_file, rss, settle
from desk import Client, Desk, ROOT, node_env, node_modules

ROUNDS = int(os.environ.get("ROUNDS", "8"))
GOALS = [("sign-in to a list that can be used", "sign_in", 1000), ("list of 100 tickets", "list", 200), ("opening a ticket", "open", 150), ("a key in the composer to the next frame", "key", None)]


def main():
    chromium = shutil.which("chromium")
    if not chromium:
        print("chromium is not installed (apt-get install chromium)")
        sys.exit(77)
    modules, rng, folder = node_modules(), random.Random(7), tempfile.mkdtemp(prefix="ward-bench-web-")
    try:
        with Desk(copy_of=os.path.join(KEEP, "data") if kept() else None) as desk:
            token = desk.token()
            c = Client(desk, desk.ADMIN, token)
            if kept():
                have = c.get("/api/v2/tickets/count.json").json["count"]["value"]
            else:
                users = [c.post("/api/v2/users.json", {"user": {"name": "Pat Number%d" % i, "email": "pat.%d@patients.example" % i}}).json["user"]["id"] for i in range(300)]
                have = fill(desk, token, mix_file(folder, rng, users, 48), N, c)
            mara, _ = desk.person(c, "Mara Ostrov", "mara@clinic.example", "agent", password="a password for the bench")
            secret, codes = desk.factor("mara@clinic.example")
            # What she has is what her first view shows.
            for i in range(100):
                c.put("/api/v2/tickets/%d.json" % (have - i), {"ticket": {"assignee_id": mara, "status": "open"}})
            # From where the list is opened anew.
            c.post("/api/v2/views.json", {"view": {"title": "Nothing at all", "all": [{"field": "assignee_id", "operator": "is", "value": "current_user"}, {"field": "status", "operator": "is", "value": "hold"}]}})
            settle(desk)
            facts = os.path.join(folder, "facts.json")
            with open(facts, "w") as f:
                json.dump({"port": desk.port, "cert": os.path.join(desk.data, "tls.crt"), "chromium": chromium, "folder": folder, "rounds": min(ROUNDS, len(codes)),
                           "who": {"email": "mara@clinic.example", "password": "a password for the bench", "codes": codes}}, f)
            r = subprocess.run(["node", os.path.join(ROOT, "bench", "web.js"), facts], env=node_env(modules, HOME=folder), capture_output=True, text=True, timeout=900)
            if r.returncode:
                raise SystemExit("the browser: %s %s" % (r.stdout[-2000:], r.stderr[-2000:]))
            write(json.loads(r.stdout), have, rss(desk))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def at(list, share):
    return sorted(list)[min(len(list) - 1, int(len(list) * share))]


def write(got, have, memory):
    out = ["Measured %s on %d cores of %s: desk, Chromium %s and its driver on the same machine, HTTPS, cold caches of the page only at the first sign-in; a time "
           "ends with the frame that shows it. %s tickets, %d rounds." % (datetime.date.today(), os.cpu_count(), cpu(), got["version"], f"{have:,}", got["rounds"]), "",
           "| | goal | half of all | 95 of 100 | worst | measured |", "|---|---|---|---|---|---|"]
    for name, key, goal in GOALS:
        t = got[key]
        out.append("| %s | %s | %.0f ms | %.0f ms | %.0f ms | %d |" % (name, "%s ms" % f"{goal:,}" if goal else "not blocked", at(t, 0.5), at(t, 0.95), max(t), len(t)))
    out += ["", "The list had %d rows. While %d keys were typed the page's thread was busy for longer than 50 ms %d times (worst %.0f ms). First load: %.0f KB over the wire, "
            "first contentful paint after %.0f ms. The server had %.0f MB resident." % (got["rows"], len(got["key"]), got["long"], got["longest"], got["kilobytes"], got["paint"], memory)]
    text = open(PAGE).read()
    if "<!-- web -->" not in text:
        text = text.replace("\n## The PHI engine\n", "\n## On screen\n\n`make bench-web N=1000000` measures what an agent waits for in Chromium.\n\n<!-- web -->\n<!-- /web -->\n\n## The PHI engine\n", 1)
    begin, end = text.index("<!-- web -->"), text.index("<!-- /web -->")
    open(PAGE, "w").write(text[:begin] + "<!-- web -->\n" + "\n".join(out) + "\n" + text[end:])
    print("\n".join(out))


if __name__ == "__main__":
    main()
