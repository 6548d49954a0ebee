#!/usr/bin/env python3
"""Keys: no key, no service; the wrong key, a lax key; rotation of root and account key while the desk works; a stolen disk."""
import os, shutil, subprocess, threading, time
from desk import SLOW, WARD, Desk, Client, check, done


def refused(desk, code, *words):
    p = subprocess.run([WARD, "serve", "-d", desk.data, "--listen", "127.0.0.1:0"], capture_output=True, timeout=60)
    text = p.stderr.decode() + p.stdout.decode()
    check(p.returncode == code if isinstance(code, int) else p.returncode in code, "exit %s, wanted %s: %s" % (p.returncode, code, text))
    for w in words:
        check(w in text, "the message says \"%s\": %s" % (w, text))
    return text


with Desk() as desk:
    c = desk.admin()
    tid = c.post("/api/v2/tickets.json", {"ticket": {"subject": "Keyed", "comment": {"body": "under lock"}}}).json["ticket"]["id"]
    key = os.path.join(desk.data, "root.key")
    check(os.stat(key).st_mode & 0o777 == 0o600, "the key file is private")
    check(oct(os.stat(desk.data).st_mode & 0o777) == "0o700", "the folder is private")
    # Rotation under load: nothing is refused meanwhile.
    stop, bad, n = threading.Event(), [], [0]

    def work():
        w = Client(desk, desk.ADMIN, c_token)
        while not stop.is_set():
            r = w.post("/api/v2/tickets.json", {"ticket": {"subject": "r", "comment": {"body": "while rotating"}}})
            if r.status != 201 or w.get("/api/v2/tickets/%d.json" % r.json["ticket"]["id"]).status != 200:
                bad.append(r)
            n[0] += 1

    c_token = desk.token()
    t = threading.Thread(target=work)
    t.start()
    for how in ("--account", "--root", "--account", "--root"):
        r = desk.ward("key", "rotate", how)
        check(r.returncode == 0, "rotate %s: %s %s" % (how, r.stdout, r.stderr))
    stop.set()
    t.join()
    check(not bad and n[0] > 0, "work goes on during rotation: %d done, %s" % (n[0], bad[:1]))
    check(b"Keyed" in c.get("/api/v2/tickets/%d.json" % tid).body, "read after rotation")
    desk.stop()
    desk.start()
    check(b"under lock" in c.get("/api/v2/tickets/%d.json" % tid).body, "read after rotation and restart")
    r = desk.ward("status", "--json")
    check(b'"key_rotation_pending":false' in r.stdout, "no rotation is left over: %s" % r.stdout)
    check(desk.ward("key", "rotate").returncode == 64, "rotate wants to know what")
    # Two servers do not share a folder.
    text = refused(desk, 75, "another ward uses this data folder")
    desk.stop()
    os.unlink(key + ".old") if os.path.exists(key + ".old") else None
    good = open(key).read()
    os.rename(key, key + ".away")
    refused(desk, range(1, 126), "key")
    r = desk.ward("status")
    check(r.returncode != 0 and b"tickets" not in r.stdout, "no command without the key")
    r = desk.deliver(b"From: a@b.example\nSubject: x\n\ny\n")
    check(r.returncode == 75, "mail is told to come again: %s" % r.returncode)
    open(key, "w").write("%064x\n" % 12345)
    os.chmod(key, 0o600)
    refused(desk, range(1, 126), "key")
    open(key, "w").write("nonsense")
    refused(desk, range(1, 126), "key")
    open(key, "w").write(good)
    os.chmod(key, 0o644)
    refused(desk, range(1, 126), "key")
    os.chmod(key, 0o600)
    # What others may write to could be another's by now; a certificate's key is read by nobody else.
    for name, mode, words in ((".", 0o777, "chmod go-w"), (".", 0o720, "the folder itself"), ("ward.db", 0o666, "ward.db: others may write"), ("keyring.db", 0o620, "keyring.db"), ("ward.conf", 0o622, "ward.conf"), ("tls.key", 0o644, "tls.key: others may read")):
        path = os.path.join(desk.data, name)
        before = os.stat(path).st_mode & 0o777
        os.chmod(path, mode)
        refused(desk, range(1, 126), words)
        os.chmod(path, before)
    os.chmod(desk.data, 0o755)                # to look into it is no harm: the files are closed
    os.chmod(os.path.join(desk.data, "tls.key"), 0o640)
    desk.start()
    check(b"under lock" in c.get("/api/v2/tickets/%d.json" % tid).body, "with the right key all is there")
    desk.stop()
    # Half of the data is no desk: an empty one is not made beside it.
    for name in ("ward.db", "keyring.db"):
        path = os.path.join(desk.data, name)
        os.rename(path, path + ".away")
        refused(desk, 66, name + ": is missing")
        open(path, "w").close()
        os.chmod(path, 0o600)
        refused(desk, 66, name + ": is missing or empty")
        os.rename(path + ".away", path)
    # A keyring older than the database, as a copy file by file makes it: said at once, what it lacks looks erased, no number is
    # given twice, and with the right one all is there.
    ring = os.path.join(desk.data, "keyring.db")
    shutil.copy(ring, ring + ".older")
    desk.start()
    made = [c.post("/api/v2/tickets.json", {"ticket": {"subject": "Between %d" % i, "comment": {"body": "b"}}}).json["ticket"]["id"] for i in range(5)]
    desk.stop()
    os.rename(ring, ring + ".right")
    os.rename(ring + ".older", ring)
    open(desk.log, "w").close()
    desk.start()
    check("keyring.db is older than ward.db" in open(desk.log).read(), "an older keyring is named")
    r = [c.post("/api/v2/tickets.json", {"ticket": {"subject": "Beside %d" % i, "comment": {"body": "b"}}}) for i in range(8)]
    check([x.status for x in r] == [201] * 8, "it serves: %r" % r[0])
    r = [c.get("/api/v2/tickets/%d.json" % i) for i in made]
    check(all(x.status == 200 and x.json["ticket"]["subject"] == "SCRUBBED" for x in r), "what has no key looks erased, and no other key is tried: %r" % r)
    check(c.get("/api/v2/tickets.json").status == 200, "lists go on")
    desk.stop()
    os.rename(ring + ".right", ring)
    desk.start()
    check(all(b"Between" in c.get("/api/v2/tickets/%d.json" % i).body for i in made + [made[0]]), "with the right one all is there")
    desk.stop()
    # A passphrase: nothing on the disk opens the data.
    other = os.path.join(desk.dir, "phrase")
    for name, text in (("pw", "a long enough password"), ("ph", "eleven blue herons at dawn"), ("ph2", "eleven blue herons at dusk"), ("short", "brief")):
        open(os.path.join(desk.dir, name), "w").write(text)
    pw, ph, ph2, short = (os.path.join(desk.dir, x) for x in ("pw", "ph", "ph2", "short"))
    run = lambda *a: subprocess.run([WARD] + list(a), capture_output=True, timeout=120)
    check(run("init", "-d", other + "0", "--admin", desk.ADMIN, "--password-file", pw, "--passphrase-file", short).returncode != 0, "a short passphrase is refused")
    check(not os.path.exists(os.path.join(other + "0", "ward.conf")), "and leaves no half data folder")
    r = run("init", "-d", other, "--admin", desk.ADMIN, "--password-file", pw, "--passphrase-file", ph)
    check(r.returncode == 0, "init with a passphrase: %s" % r.stderr)
    check(run("status", "-d", other).returncode != 0, "without the passphrase nothing")
    check(not any(open(os.path.join(other, f), "rb").read().find(b"herons") >= 0 for f in os.listdir(other) if os.path.isfile(os.path.join(other, f))), "the passphrase is on no file")
    p = subprocess.run([WARD, "serve", "-d", other, "--listen", "127.0.0.1:0", "--passphrase-file", ph2], capture_output=True, timeout=60)
    check(p.returncode != 0 and b"passphrase" in p.stderr, "a wrong passphrase is refused: %s" % p.stderr)
    open(os.path.join(other, "ward.conf"), "a").write("passphrase_file = %s\n" % ph)
    check(run("status", "-d", other).returncode == 0, "with it all is there")
    # A desk whose settings are lost is not made anew over its data, also where the root key is elsewhere.
    lone, away = os.path.join(desk.dir, "lone"), os.path.join(desk.dir, "away.key")
    check(run("init", "-d", lone, "--admin", desk.ADMIN, "--password-file", pw, "--root-key", away).returncode == 0, "a root key elsewhere")
    os.unlink(os.path.join(lone, "ward.conf"))
    before = {f: open(os.path.join(lone, f), "rb").read() for f in os.listdir(lone)}
    r = run("status", "-d", lone)
    check(r.returncode == 66 and b"ward.conf" in r.stderr and b"ward init" not in r.stderr, "what is missing is named, init is not advised: %s" % r.stderr)
    r = run("init", "-d", lone, "--admin", desk.ADMIN, "--password-file", pw)
    check(r.returncode == 73 and b"nothing was changed" in r.stderr, "init refuses: %s" % r.stderr)
    check(before == {f: open(os.path.join(lone, f), "rb").read() for f in os.listdir(lone)}, "and nothing was changed")
    open(os.path.join(lone, "ward.conf"), "w").write("root_key = %s\n" % away)
    check(run("status", "-d", lone).returncode == 0, "with settings written anew all is there")
    for name in ("root.key", "root.salt", "tls.key"):
        own = os.path.join(desk.dir, "own-" + name)
        os.mkdir(own)
        open(os.path.join(own, name), "w").write("mine")
        r = run("init", "-d", own, "--admin", desk.ADMIN, "--password-file", pw)
        check(r.returncode == 73 and os.listdir(own) == [name] and open(os.path.join(own, name)).read() == "mine", "nor over a file that was there: %s %s" % (r.stderr, os.listdir(own)))
    # What an init that was killed left is no desk; the next init begins again.
    for i in range(12):
        half = os.path.join(desk.dir, "half%d" % i)
        p = subprocess.Popen([WARD, "init", "-d", half, "--admin", desk.ADMIN, "--password-file", pw], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.02 * i * SLOW)
        p.kill()
        if p.wait() == 0:
            break
        r = run("status", "-d", half)
        check(r.returncode != 0 and b"ward init" in r.stderr, "half a folder says what to do: %s" % r.stderr)
        r = run("init", "-d", half, "--admin", desk.ADMIN, "--password-file", pw)
        check(r.returncode == 0 and run("status", "-d", half).returncode == 0, "and init does it: %s" % r.stderr)
        check(not any(".new-" in f or "unfinished" in f for f in os.listdir(half)), "nothing half is left: %s" % os.listdir(half))
    # Wrong use.
    check(run("init", "-d", other, "--admin", desk.ADMIN, "--password-file", pw).returncode == 73, "a data folder is not made twice")
    check(run("init", "-d", other + "1", "--admin", "nobody", "--password-file", pw).returncode == 65, "an admin is an address")
    check(run("serve", "-d", other + "2").returncode == 66, "no folder, no service")
    check(run("dance").returncode == 64 and run().returncode == 0 and run("--help").returncode == 0, "usage")
    open(os.path.join(other, "ward.conf"), "a").write("colour = red\n")
    r = run("conf", "check", "-d", other)
    check(r.returncode != 0 and b"ward.conf" in r.stderr, "an unknown setting is named: %s" % r.stderr)
done("keys")
