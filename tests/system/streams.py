#!/usr/bin/env python3
"""Files go in and out in pieces: memory stays, and a client that breaks off, is slow, or a kill -9 in the middle leaves
nothing behind, loses nothing that was acknowledged, and holds up nobody."""
import base64, hashlib, os, random, socket, sqlite3, subprocess, tempfile, threading, time, urllib.parse
from desk import Client, Desk, SLOW, check, done

MB = 1 << 20
SANITIZED = SLOW > 1


def rss(desk, what="VmRSS"):
    for line in open("/proc/%d/status" % desk.proc.pid):
        if line.startswith(what + ":"):
            return int(line.split()[1]) // 1024


class Watch(threading.Thread):
    """The most that was resident while it ran."""
    def __init__(self, desk):
        super().__init__(daemon=True)
        self.desk, self.most, self.end = desk, 0, threading.Event()

    def run(self):
        while not self.end.wait(0.02):
            self.most = max(self.most, rss(self.desk))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *a):
        self.end.set()
        self.join()


def data(seed, n):
    return random.Random(seed).randbytes(n)


def upload(c, name, body, type="application/octet-stream", token=None, chunked=False):
    path = "/api/v2/uploads.json?filename=" + urllib.parse.quote(name) + ("&token=" + token if token else "")
    head = {"Content-Type": type}
    if chunked:
        head["Transfer-Encoding"] = "chunked"
        body = iter([b"%x\r\n" % len(p) + p + b"\r\n" for p in (body[i:i + chunked] for i in range(0, len(body), chunked))] + [b"0\r\n\r\n"])
    return c.call("POST", path, raw=body, headers=head)


def content(r):
    return "/api/v2/attachments/%d/content" % r.json["upload"]["attachment"]["id"]


def rows(desk, sql):
    db = sqlite3.connect("file:%s?mode=ro" % os.path.join(desk.data, "ward.db"), uri=True)
    try:
        return db.execute(sql).fetchone()[0]
    finally:
        db.close()


def wait_for(fn, seconds=30):
    end = time.time() + seconds * SLOW
    while time.time() < end:
        if fn():
            return True
        time.sleep(0.1)
    return False


def parts(desk):
    return rows(desk, "SELECT count(*) FROM attachment_part")


def orphans(desk):
    """Chunks that are nobody's."""
    return rows(desk, "SELECT count(*) FROM attachment_chunk c WHERE NOT EXISTS (SELECT 1 FROM attachment a WHERE a.id = c.attachment_id)")


def line(desk, head):
    """A connection with a request begun on it."""
    s = desk.tls.wrap_socket(socket.create_connection(("localhost", desk.port), 10), server_hostname="localhost")
    s.sendall(head.encode())
    return s


def head(auth, n, name="x.bin", more=""):
    return ("POST /api/v2/uploads.json?filename=%s HTTP/1.1\r\nHost: localhost\r\n%s\r\nContent-Type: application/octet-stream\r\n%sContent-Length: %d\r\n\r\n"
            % (name, auth, more, n))


def answer(s, seconds=20):
    s.settimeout(seconds * SLOW)
    got = b""
    try:
        while b"\r\n\r\n" not in got:
            more = s.recv(4096)
            if not more:
                break
            got += more
    except OSError:
        pass
    return got


with Desk() as desk:
    admin = desk.admin()
    auth = "Authorization: " + admin.headers["Authorization"]

    # ---- what comes back is what went in, whatever its size
    for n in (0, 1, 255, 65535, 65536, 65537, 262143, 262144, 262145, 524288, 1000003):
        for type in ("application/octet-stream", "text/plain"):
            body = data(n, n) if type != "text/plain" else (b"All is well here. " * (n // 18 + 1))[:n]
            r = upload(admin, "f", body, type)
            check(r.status == 201 and r.json["upload"]["attachment"]["size"] == n, "%d bytes of %s are taken: %r" % (n, type, r.json["upload"]["attachment"]["size"]))
            got = admin.get(content(r))
            check(got.status == 200 and got.body == body, "%d bytes of %s come back" % (n, type))
    for piece in (1000, 70000, 262144, 300001):
        body = data(piece, 1500000)
        r = upload(admin, "c", body, chunked=piece)
        check(r.status == 201 and admin.get(content(r)).body == body, "chunks of %d: %r" % (piece, r))
    def envelope(*parts, cut=0):
        """A form: (name, file name or None, bytes)."""
        text = b"".join(b"--gap77\r\nContent-Disposition: form-data; name=\"%s\"%s\r\n\r\n%s\r\n" % (
            n.encode(), b'; filename="%s"\r\nContent-Type: application/pdf' % f.encode() if f else b"", b) for n, f, b in parts) + b"--gap77--\r\n"
        return dict(raw=text[:len(text) - cut], headers={"Content-Type": "Multipart/form-data; boundary=gap77"})

    # ---- a form: its file is what is kept, not the envelope
    for n in (0, 1, 70000, 262144, 6 * MB + 5):
        body = data("form%d" % n, n)
        r = admin.post("/api/v2/uploads.json?filename=asked.pdf", **envelope(("note", None, b"x"), ("uploaded_data", "part.pdf", body)))
        a = r.json["upload"]["attachment"] if r.status == 201 else {}
        check(r.status == 201 and (a["file_name"], a["size"], a["content_type"]) == ("asked.pdf", n, "application/pdf"), "a form with %d bytes: %r" % (n, r))
        check(admin.get(content(r)).body == body, "%d bytes of a form come back" % n)
    r = admin.post("/api/v2/uploads", **envelope(("uploaded_data", "part.pdf", b"one")))
    check(r.status == 201 and r.json["upload"]["attachment"]["file_name"] == "part.pdf", "its own name: %r" % r)
    token = r.json["upload"]["token"]
    r = admin.post("/api/v2/uploads", **envelope(("filename", None, b"said.pdf"), ("token", None, token.encode()), ("file", "c.pdf", b"two")))
    check(r.status == 201 and [a["file_name"] for a in r.json["upload"]["attachments"]] == ["part.pdf", "said.pdf"], "name and token of parts: %r" % r)
    r = admin.post("/api/v2/tickets", {"ticket": {"subject": "s", "comment": {"body": "b", "uploads": [token]}}})
    check(r.status == 201 and [e for e in r.json["audit"]["events"] if e["type"] == "Comment"][0]["attachments"][1]["size"] == 3, "a ticket takes them: %r" % r)
    for form, status, why in ((envelope(("note", None, b"x")), 400, "no file"), (envelope(("uploaded_data", "a.pdf", data(1, 5000)), cut=40), 400, "cut short"),
                              (dict(raw=b"xyz", headers={"Content-Type": "multipart/form-data"}), 400, "no boundary"),
                              (envelope(("uploaded_data", None, b"x")), 422, "no name"), (envelope(("uploaded_data", "n" * 501, b"x")), 422, "a long name"),
                              (envelope(("uploaded_data", "a.pdf", b"x"), ("token", None, b"nobodys")), 404, "another's token")):
        r = admin.post("/api/v2/uploads", **form)
        check(r.status == status, "%s is refused: %r" % (why, r))
    check(Client(desk).post("/api/v2/uploads", **envelope(("uploaded_data", "a.pdf", b"x"))).status == 401, "a stranger's form")
    check(admin.post("/api/v2/uploads", **envelope(("uploaded_data", "a.pdf", bytes(50 * MB)))).status == 413, "a form above the limit")
    r = admin.post("/api/v2/uploads?filename=a.bin", raw=bytes(50 * MB + 1), headers={"Content-Type": "application/binary"})
    check(r.status == 413 and "at most %d bytes" % (50 * MB) in r.json["description"], "what is too large is told the limit: %r" % r)

    big = (b"Nothing to see. " * (5 * MB // 16))
    r = upload(admin, "long.txt", big, "text/plain")
    check(r.status == 201 and admin.get(content(r)).body == big, "a text that is too long to be scanned")
    edge = big[:4 * MB]
    r = upload(admin, "edge.txt", edge, "text/plain")
    check(r.status == 201 and admin.get(content(r)).body == edge, "a text as long as a scanned one may be")

    # ---- ranges
    body = data("range", 600001)
    r = upload(admin, "r.bin", body)
    at = content(r)
    for spec, want in (("0-0", (0, 1)), ("262140-262150", (262140, 262151)), ("600000-", (600000, 600001)), ("-5", (599996, 600001)),
                       ("100-999999999", (100, 600001)), ("-999999999", (0, 600001))):
        g = admin.get(at, headers={"Range": "bytes=" + spec})
        check(g.status == 206 and g.body == body[want[0]:want[1]] and g.headers["Content-Range"] == "bytes %d-%d/600001" % (want[0], want[1] - 1), "bytes=%s: %d %r" % (spec, g.status, g.headers["Content-Range"]))
    g = admin.get(at, headers={"Range": "bytes=600001-"})
    check(g.status == 416 and g.headers["Content-Range"] == "bytes */600001", "behind the end: %r" % g)
    for spec in ("bytes=0-1,5-6", "lines=1-2", "bytes=5-2", "bytes=-", "bytes=x-3"):
        g = admin.get(at, headers={"Range": spec})
        check(g.status == 200 and g.body == body, "%s is not heeded: %d" % (spec, g.status))
    tag = admin.get(at).headers["ETag"]
    check(admin.get(at, headers={"If-None-Match": tag}).status == 304, "unchanged")
    check(admin.get(at, headers={"If-Range": tag, "Range": "bytes=1-2"}).status == 206, "If-Range with its tag")
    check(admin.get(at, headers={"If-Range": '"other"', "Range": "bytes=1-2"}).status == 200, "If-Range with another one")
    h = admin.call("HEAD", at)
    check(h.status == 200 and h.headers["Content-Length"] == "600001" and h.body == b"", "HEAD says how long it is: %r" % h.headers.items())

    # ---- chunks are bound to their place and the last one to being the last
    def tampered(change, what):
        r = upload(admin, "bound.bin", data(what, 700000))
        i = r.json["upload"]["attachment"]["id"]
        desk.stop()
        db = sqlite3.connect(os.path.join(desk.data, "ward.db"))
        for sql in change:
            db.execute(sql.replace("ID", str(i)))
        db.commit()
        db.close()
        desk.start()
        try:
            g = admin.get("/api/v2/attachments/%d/content" % i)
            check(g.status == 500, "%s: refused: %d, %d bytes" % (what, g.status, len(g.body)))
        except Exception:
            pass                               # cut off in the middle: refused as well
    tampered(["UPDATE attachment_chunk SET n = 9 WHERE attachment_id = ID AND n = 0", "UPDATE attachment_chunk SET n = 0 WHERE attachment_id = ID AND n = 1",
              "UPDATE attachment_chunk SET n = 1 WHERE attachment_id = ID AND n = 9"], "two chunks change places")
    tampered(["DELETE FROM attachment_chunk WHERE attachment_id = ID AND n > 0", "UPDATE attachment SET size = 262144 WHERE id = ID"], "the end is cut off")
    tampered(["DELETE FROM attachment_chunk WHERE attachment_id = ID", "UPDATE attachment SET size = 0 WHERE id = ID"], "all is cut off")
    tampered(["UPDATE attachment SET bound = 0 WHERE id = ID"], "taken for one of an older version")

    # ---- what is refused, is before the body was sent
    for what, h, status in (("too large", head(auth, 60 * MB), b"413"), ("no name", head(auth, 40 * MB, ""), b"422"), ("nobody", head("X-Nobody: 1", 40 * MB), b"401"),
                            ("nobody, who asked first", head("X-Nobody: 1", 40 * MB, more="Expect: 100-continue\r\n"), b"401"),
                            ("a token of nobody", head(auth, 40 * MB, "a&token=nope"), b"404")):
        s = line(desk, h)
        a = answer(s)
        check(a.startswith(b"HTTP/1.1 " + status), "%s: %r" % (what, a[:80]))
        s.close()
    s = line(desk, head(auth, 300000, more="Expect: 100-continue\r\n"))
    check(answer(s).startswith(b"HTTP/1.1 100"), "who may send is told to go on")
    s.sendall(bytes(300000))
    check(answer(s).startswith(b"HTTP/1.1 201"), "and is served")
    s.close()

    # ---- the policy sees text of every size that it may have to change
    secret = b"The SSN is 219-09-9999 as always. "
    v = admin.post("/api/ward/v1/phi/policies", {"policy": {"rules": [{"kinds": ["SSN"], "treatment": "redact"}], "why": "a test"}})
    check(v.status == 201 and admin.post("/api/ward/v1/phi/policies/%d/activate" % v.json["policy"]["version"], {}).status == 200, "a policy that redacts: %r" % v)
    for n in (100, 300000, 3 * MB):
        body = b"x" * (n // 2) + b"\n" + secret + b"\n" + b"y" * (n // 2)
        r = upload(admin, "note.txt", body, "text/plain")
        g = admin.get(content(r))
        check(r.status == 201 and b"219-09-9999" not in g.body and b"[SSN]" in g.body and g.body.endswith(b"yyy"), "redacted on arrival in %d bytes: %r" % (n, r.status))
    desk.keep_all(admin)

    # ---- redaction in the middle of a download cuts it
    body = data("gone", 20 * MB)
    r = upload(admin, "gone.bin", body)
    t = admin.post("/api/v2/tickets.json", {"ticket": {"subject": "s", "comment": {"body": "b", "uploads": [r.json["upload"]["token"]]}}}).json
    c = t["audit"]["events"][0]["id"]
    c = admin.get("/api/v2/tickets/%d/comments.json" % t["ticket"]["id"]).json["comments"][0]
    a = c["attachments"][0]["id"]
    s = line(desk, "GET /api/v2/attachments/%d/content HTTP/1.1\r\nHost: localhost\r\n%s\r\n\r\n" % (a, auth))
    got = s.recv(65536)
    check(admin.put("/api/v2/tickets/%d/comments/%d/attachments/%d/redact.json" % (t["ticket"]["id"], c["id"], a), {}).status == 200, "it is redacted")
    s.settimeout(30 * SLOW)
    try:
        while True:
            more = s.recv(1 << 20)
            if not more:
                break
            got += more
    except OSError:
        pass
    s.close()
    check(len(got) < 19 * MB, "the rest of a redacted file does not come: %d" % len(got))
    check(admin.get("/api/v2/attachments/%d/content" % a).body == b"", "nothing is left of it")

    # ---- memory
    body = data("mem", 50 * MB)
    sum_ = hashlib.sha256(body).hexdigest()
    upload(admin, "warm.bin", body[:2 * MB])
    before = rss(desk)
    with Watch(desk) as w:
        begun = time.time()
        r = upload(admin, "one.bin", body)
        took = time.time() - begun
    check(r.status == 201, "50 MB: %r" % r)
    print("one upload of 50 MB: %.1f s, resident %d MB before, %d MB at most" % (took, before, w.most))
    check(SANITIZED or w.most - before <= 24, "an upload of 50 MB costs %d MB" % (w.most - before))
    before = rss(desk)
    with Watch(desk) as w:
        begun = time.time()
        g = admin.get(content(r))
        took = time.time() - begun
    check(hashlib.sha256(g.body).hexdigest() == sum_, "50 MB come back")
    print("one download of 50 MB: %.1f s, resident %d MB before, %d MB at most" % (took, before, w.most))
    check(SANITIZED or w.most - before <= 12, "a download of 50 MB costs %d MB" % (w.most - before))
    bad = []

    def both(i):
        try:
            c = Client(desk, desk.ADMIN, admin_token)
            r = upload(c, "many%d.bin" % i, body)
            g = c.get(content(r))
            if r.status != 201 or hashlib.sha256(g.body).hexdigest() != sum_:
                bad.append((i, r.status, g.status))
        except Exception as e:
            bad.append((i, repr(e)))

    admin_token = desk.token()
    with Watch(desk) as w:
        begun = time.time()
        threads = [threading.Thread(target=both, args=(i,)) for i in range(10)]
        [t.start() for t in threads]
        slowest = 0
        while any(t.is_alive() for t in threads):
            t0 = time.time()
            check(admin.post("/api/v2/tickets.json", {"ticket": {"subject": "between", "comment": {"body": "b"}}}).status == 201, "tickets are made meanwhile")
            slowest = max(slowest, time.time() - t0)
            time.sleep(0.05)
        took = time.time() - begun
    print("ten of 50 MB in and out at once: %.1f s, %d MB at most; a ticket meanwhile took %.2f s at most" % (took, w.most, slowest))
    check(not bad, "all ten came whole: %r" % bad[:3])
    check(SANITIZED or w.most < 300, "ten at once: %d MB resident" % w.most)
    check(parts(desk) == 0 and orphans(desk) == 0, "nothing but attachments is left")

    # ---- mails are whole while they are taken, but few large ones at once
    def mail(i, n):
        return (b"From: pat@patients.example\r\nTo: help@clinic.example\r\nSubject: big %d\r\nMessage-ID: <%d@patients.example>\r\nMIME-Version: 1.0\r\n"
                b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b\r\nContent-Type: application/octet-stream\r\n"
                b"Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=a.bin\r\n\r\n" % (i, i) + base64.encodebytes(data(i, n)) + b"\r\n--b--\r\n")

    codes = []
    with Watch(desk) as w:
        threads = [threading.Thread(target=lambda m=mail(i, 27 * MB): codes.append(desk.deliver(m).returncode)) for i in range(6)]
        [t.start() for t in threads]
        [t.join() for t in threads]
    print("six mails of 37 MB at once: %d MB at most" % w.most)
    check(codes == [0] * 6, "all are taken: %r" % codes)
    check(SANITIZED or w.most < 400, "six large mails at once: %d MB resident" % w.most)
    found = [t for t in admin.get("/api/v2/tickets.json?sort_by=id&sort_order=desc&per_page=20").json["tickets"] if t["subject"].startswith("big ")]
    ok = [admin.get("/api/v2/tickets/%d/comments.json" % t["id"]).json["comments"][0]["attachments"][0]["id"] for t in found]
    check(sorted(hashlib.sha256(admin.get("/api/v2/attachments/%d/content" % a).body).hexdigest() for a in ok)
          == sorted(hashlib.sha256(data(i, 27 * MB)).hexdigest() for i in range(6)), "and their files are whole: %d" % len(ok))

    # ---- a client that breaks off
    for n in (100, 300000, 5 * MB):
        s = line(desk, head(auth, 20 * MB))
        s.sendall(body[:n])
        if n > MB:
            check(wait_for(lambda: parts(desk) == 1), "it is on its way")
        s.close()
    check(wait_for(lambda: parts(desk) == 0 and orphans(desk) == 0), "what was broken off is gone: %d parts, %d chunks" % (parts(desk), orphans(desk)))
    s = line(desk, head(auth, 0).replace("Content-Length: 0", "Transfer-Encoding: chunked"))
    s.sendall(b"%x\r\n" % (3 * MB) + body[:3 * MB] + b"\r\nnonsense\r\n")
    answer(s)
    s.close()
    check(wait_for(lambda: parts(desk) == 0 and orphans(desk) == 0), "so is a body that is not well formed")

    # ---- clients that are slow hold up nobody, and are cut off
    lines = [line(desk, head(auth, 20 * MB)) for _ in range(80)]
    for s in lines:
        s.sendall(body[:1000])
    begun = time.time()
    for k in range(20):
        for s in lines[:40]:
            try:
                s.send(b"x")
            except OSError:
                pass
        t0 = time.time()
        ok = admin.post("/api/v2/tickets.json", {"ticket": {"subject": "quick", "comment": {"body": "b"}}}).status == 201
        check(ok and time.time() - t0 < 5 * SLOW, "a ticket is made beside 80 slow uploads")
        time.sleep(1)
    cut = 0
    for s in lines:
        s.settimeout(1)
        try:
            cut += s.recv(10) == b""
        except socket.timeout:
            pass
        except OSError:
            cut += 1
        s.close()
    check(cut == 80, "a byte a second is too slow: %d of 80 are cut" % cut)
    readers = [line(desk, "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n\r\n" % (content(r), auth)) for _ in range(80)]
    time.sleep(1)
    t0 = time.time()
    check(admin.post("/api/v2/tickets.json", {"ticket": {"subject": "quick", "comment": {"body": "b"}}}).status == 201 and time.time() - t0 < 5 * SLOW, "nor do 80 who do not read")
    [s.close() for s in readers]
    check(wait_for(lambda: parts(desk) == 0 and orphans(desk) == 0), "nothing of them is left")

    # ---- kill -9
    acked = {}
    for round in range(6):
        stop = threading.Event()

        def work(i):
            c = Client(desk, desk.ADMIN, admin_token)
            k = 0
            while not stop.is_set():
                seed = "%d-%d-%d" % (round, i, k)
                n = random.Random(seed).choice((1000, 300000, 2 * MB, 6 * MB))
                try:
                    r = upload(c, "k.bin", data(seed, n))
                except Exception:
                    return
                if r.status == 201:
                    acked[r.json["upload"]["attachment"]["id"]] = (seed, n)
                k += 1

        threads = [threading.Thread(target=work, args=(i,), daemon=True) for i in range(4)]
        [t.start() for t in threads]
        time.sleep(random.Random(round).uniform(0.3, 2.5))
        desk.kill()
        stop.set()
        [t.join() for t in threads]
        desk.start()
        check(wait_for(lambda: parts(desk) == 0 and orphans(desk) == 0), "round %d: the start sweeps what was under way" % round)
    for i, (seed, n) in acked.items():
        g = admin.get("/api/v2/attachments/%d/content" % i)
        check(g.status == 200 and g.body == data(seed, n), "what was acknowledged is whole after a kill: %d, %d bytes" % (i, n))
    print("%d uploads were acknowledged in 6 rounds of kill -9" % len(acked))
    check(len(acked) > 6, "something was acknowledged at all")

    # ---- an upload that nobody claimed in three days goes, with its key
    r = upload(admin, "old.bin", data("old", 400000))
    old = r.json["upload"]["attachment"]["id"]
    desk.stop()
    db = sqlite3.connect(os.path.join(desk.data, "ward.db"))
    key = db.execute("SELECT key_id FROM attachment WHERE id = %d" % old).fetchone()[0]
    db.execute("UPDATE attachment SET created_at = created_at - %d WHERE id = %d" % (73 * 3600 * 1000000, old))
    db.commit()
    db.close()
    desk.start()
    check(wait_for(lambda: rows(desk, "SELECT count(*) FROM attachment WHERE id = %d" % old) == 0), "an upload that is not claimed goes after three days")
    check(admin.get("/api/v2/attachments/%d.json" % old).status == 404, "and cannot be seen")
    desk.stop()
    ring = sqlite3.connect("file:%s?mode=ro" % os.path.join(desk.data, "keyring.db"), uri=True)
    check(ring.execute("SELECT count(*) FROM data_key WHERE id = %d" % key).fetchone()[0] == 0, "nor is its key there any more")
    ring.close()
    check(desk.ward("trail", "verify").returncode == 0, "the trail holds")
    check("withheld" not in open(desk.log, errors="replace").read(), "every look was recorded")

# ---- a disk that is full
where = tempfile.mkdtemp(prefix="ward-streams-")
if os.geteuid() == 0 and subprocess.run(["mount", "-t", "tmpfs", "-o", "size=60m", "tmpfs", where], capture_output=True).returncode == 0:
    tempfile.tempdir = where
    try:
        with Desk() as desk:
            admin, body, kept, full = desk.admin(), data("full", 7 * MB), [], None
            for i in range(20):
                r = upload(admin, "f%d.bin" % i, body)
                if r.status != 201:
                    full = r
                    break
                kept.append(content(r))
            check(full is not None and full.status == 503 and b"disk is full" in full.body and full.headers["Retry-After"] == "60", "full, in words: %r" % full)
            check(subprocess.run(["mount", "-o", "remount,size=300m", where]).returncode == 0, "room is made")
            check(upload(admin, "after.bin", body).status == 201, "it works again by itself")
            check(len(kept) > 0 and all(admin.get(k).body == body for k in kept), "what was taken is there: %d" % len(kept))
            check(wait_for(lambda: parts(desk) == 0 and orphans(desk) == 0, 90), "and what was refused is swept")
            check(desk.stop() == 0 and desk.ward("trail", "verify").returncode == 0, "the trail holds")
    finally:
        tempfile.tempdir = None
        subprocess.run(["umount", "-l", where])
        os.rmdir(where)
else:
    os.rmdir(where)
    print("a small file system cannot be mounted here: the full disk was not tried")
done("streams")
