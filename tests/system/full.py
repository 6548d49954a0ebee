#!/usr/bin/env python3
"""A full disk: what was acknowledged is there, what was refused says so and did nothing, and room makes it all work again."""
import os, sqlite3, subprocess, sys, tempfile, threading
from desk import Client, Desk, check, done

where = tempfile.mkdtemp(prefix="ward-full-")
if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", where], capture_output=True).returncode:
    os.rmdir(where)
    print("a small file system cannot be mounted here")
    sys.exit(77)
tempfile.tempdir = where


def fill():
    with open(os.path.join(where, "filler"), "wb", 0) as f:
        try:
            while True:
                f.write(bytes(4096))
        except OSError:
            pass


try:
    with Desk() as desk:
        admin = desk.admin()
        good, bad, lock = [], {}, threading.Lock()

        def work(i):
            c = Client(desk, desk.ADMIN, token)
            for k in range(3000):
                r = c.post("/api/v2/tickets.json", {"ticket": {"subject": "s%d-%d" % (i, k), "comment": {"body": "x" * 1500}}})
                with lock:
                    if r.status == 201:
                        good.append(r.json["ticket"]["id"])
                    else:
                        bad.setdefault(r.status, []).append(r)
                        if sum(map(len, bad.values())) > 40:
                            return

        token = desk.token()
        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        check(len(good) > 100 and set(bad) == {503}, "full, and said so: %d made, %r" % (len(good), {k: len(v) for k, v in bad.items()}))
        r = bad.get(503, [None])[0]
        check(r is not None and b"disk is full" in r.body and r.headers["Retry-After"] == "60", "in words, with when to come back: %r" % r)
        mail = b"From: pat@patients.example\r\nTo: help@clinic.example\r\nSubject: hello\r\nMessage-ID: <1@patients.example>\r\n\r\nhello\r\n" + b"y" * 200000
        check(desk.deliver(mail).returncode == 75, "a mail is to be tried again")
        check(subprocess.run(["mount", "-o", "remount,size=200m", where]).returncode == 0, "room is made")
        check(admin.post("/api/v2/tickets.json", {"ticket": {"subject": "after", "comment": {"body": "room"}}}).status == 201, "it works again by itself")
        check(desk.deliver(mail).returncode == 0, "the mail is taken now")
        check(len(set(good)) == len(good), "no number twice")
        n = admin.get("/api/v2/tickets/count.json").json["count"]["value"]
        check(n == len(good) + 2, "what was acknowledged is there, once, and nothing else: %d of %d" % (n, len(good) + 2))
        check(all(admin.get("/api/v2/tickets/%d.json" % i).status == 200 for i in good[-50:]), "and can be read")
        # An erasure was noted, and the process died before it; then the disk filled.
        desk.kill()
        # Twice, so that what is shared in memory is as small as the emptied WALs: nothing makes room at the start.
        code = ("import os, sqlite3, sys\nopen = [sqlite3.connect(os.path.join(sys.argv[1], n)) for n in ('keyring.db', 'ward.db')]\n"
                "open[1].execute('INSERT OR IGNORE INTO erase_key (account_id, key_id) VALUES (1, 999999999)')\nopen[1].commit()\n"
                "for db in open: db.execute('PRAGMA wal_checkpoint(TRUNCATE)')\nos._exit(0)")
        for _ in range(2):
            check(subprocess.run([sys.executable, "-c", code, desk.data]).returncode == 0, "noted, and no room in the WALs that a crash left")
        fill()
        log, desk.log = desk.log, os.path.join("/tmp", os.path.basename(where) + ".log")
        desk.start()
        check(admin.get("/api/v2/tickets/count.json").status == 200, "it starts on a full disk")
        r = admin.post("/api/v2/tickets.json", {"ticket": {"subject": "s", "comment": {"body": "x" * 60000}}})
        check(r.status == 503 and b"disk is full" in r.body, "and says so: %r" % r)
        desk.kill()
        check("will be tried again: the disk is full" in open(desk.log).read(), "what is to be erased waits, and the log says it")
        os.unlink(os.path.join(where, "filler"))
        os.unlink(desk.log)
        desk.log = log
        desk.start()
        db = sqlite3.connect("file:%s?mode=ro" % os.path.join(desk.data, "ward.db"), uri=True)
        check(db.execute("SELECT count(*) FROM erase_key").fetchone()[0] == 0, "with room it is erased")
        db.close()
        check(desk.stop() == 0, "it ends cleanly")
        fill()                                    # not even room for what is shared in memory
        r = desk.ward("trail", "verify")
        check(r.returncode == 74 and b"the disk is full; nothing is lost: make room" in r.stderr, "what cannot start says what to do: %r" % r)
        os.unlink(os.path.join(where, "filler"))
        check(desk.ward("trail", "verify").returncode == 0, "the trail holds")
finally:
    tempfile.tempdir = None
    subprocess.run(["umount", "-l", where])
    os.rmdir(where)
done("full")
