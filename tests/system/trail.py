#!/usr/bin/env python3
"""P4, Trailed, from the command line: the database and both exports are altered in every way; `ward trail verify`
says so with exit 1 and names the place, with and without the server's help."""
import os, shutil, sqlite3, subprocess
from desk import WARD, Desk, check, done


def sql(desk, *statements):
    db = sqlite3.connect(os.path.join(desk.data, "ward.db"))
    for s in statements:
        db.execute(s)
    db.commit()
    n = db.execute("SELECT count(*) FROM trail").fetchone()[0]
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    return n


def verify_file(path):
    return subprocess.run([WARD, "trail", "verify", path], capture_output=True, timeout=120)


with Desk() as desk:
    c = desk.admin()
    for i in range(12):
        t = c.post("/api/v2/tickets.json", {"ticket": {"subject": "t%d" % i, "comment": {"body": "b"}}}).json["ticket"]["id"]
        c.put("/api/v2/tickets/%d.json" % t, {"ticket": {"priority": "high"}})
        c.get("/api/v2/tickets/%d.json" % t)
    desk.stop()
    good = os.path.join(desk.dir, "good")
    shutil.copytree(desk.data, good)
    r = desk.ward("trail", "verify")
    check(r.returncode == 0 and r.stdout.startswith(b"ok"), "an honest trail verifies: %s %s" % (r.stdout, r.stderr))
    cols = [x[1] for x in sqlite3.connect(os.path.join(good, "ward.db")).execute("PRAGMA table_info(trail)")]
    ways = {"a change of who": "UPDATE trail SET actor_id = 99 WHERE seq = 9",
            "an event deleted": "DELETE FROM trail WHERE seq = 9", "the first deleted": "DELETE FROM trail WHERE seq = 1",
            "the end cut off": "DELETE FROM trail WHERE seq > 20", "the last deleted": "DELETE FROM trail WHERE seq = (SELECT max(seq) FROM trail)",
            "all deleted": "DELETE FROM trail", "two exchanged": "UPDATE trail SET seq = CASE seq WHEN 9 THEN -10 WHEN 10 THEN -9 END WHERE seq IN (9, 10)",
            "another key for the values": "UPDATE trail SET vals_key = vals_key + 1 WHERE seq = (SELECT max(seq) FROM trail WHERE vals_key IS NOT NULL)",
            "an event of another time": "UPDATE trail SET at = at + 1 WHERE seq = 5"}
    for name in cols:
        if name in ("canonical", "hash", "vals"):
            ways["a byte of %s" % name] = "UPDATE trail SET %s = CAST('X' || substr(CAST(%s AS TEXT), 2) AS %s) WHERE seq = (SELECT max(seq) FROM trail WHERE %s IS NOT NULL)" % (name, name, "TEXT" if name == "canonical" else "BLOB", name)
    for what, statement in ways.items():
        shutil.rmtree(desk.data)
        shutil.copytree(good, desk.data)
        try:
            sql(desk, statement, *(["UPDATE trail SET seq = -seq WHERE seq < 0"] if "exchanged" in what else []))
        except sqlite3.Error as e:
            check(False, "%s: %s" % (what, e))
            continue
        r = desk.ward("trail", "verify")
        check(r.returncode == 1 and b"NOT ok" in r.stdout, "%s is found: exit %s %s %s" % (what, r.returncode, r.stdout, r.stderr))
    shutil.rmtree(desk.data)
    shutil.copytree(good, desk.data)
    for kind in ("jsonl", "csv"):
        path = os.path.join(desk.dir, "export." + kind)
        open(path, "wb").write(desk.ward("trail", "export", "--format", kind).stdout)
        r = verify_file(path)
        check(r.returncode == 0, "the %s export verifies offline: %s" % (kind, r.stdout))
        lines = open(path, "rb").read().splitlines(True)
        for what, changed in (("a line gone", lines[:8] + lines[9:]), ("a line twice", lines[:9] + lines[8:]), ("two exchanged", lines[:8] + [lines[9], lines[8]] + lines[10:]),
                              ("cut short", lines[:-1]), ("cut in the middle", lines[:15]), ("a word changed", lines[:8] + [lines[8].replace(b'\\"', b"'", 1) if kind == "jsonl" else lines[8].replace(b"1", b"2", 1)] + lines[9:]), ("empty", [])):
            open(path, "wb").write(b"".join(changed))
            r = verify_file(path)
            check(r.returncode != 0, "%s: %s is found: %s" % (kind, what, r.stdout))
    r = verify_file("/nowhere/at/all")
    check(r.returncode != 0 and r.stderr, "no file: %s" % r.stderr)
    print("%d ways" % len(ways))
done("trail")
