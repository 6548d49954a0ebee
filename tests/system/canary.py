#!/usr/bin/env python3
"""P1, Sealed: a canary is planted through every channel; none is found in any byte that is written.

Every value that may name a patient is a word that occurs nowhere else. After the desk has worked with
them, every file under the data folder (databases, WAL, witness), the log, the metrics and a core dump
are searched for each word, also in lower and upper case, in UTF-16 and in the alignments of base64.
"""
import base64, glob, os, resource, signal, subprocess, time
from desk import Desk, Client, check, done

WORDS = {}


def canary(what):
    n = len(WORDS)
    word = "Zq" + "".join(chr(97 + (n * 7 + k * 11 + n * k * 3) % 26) for k in range(9)) + "Kx"
    WORDS[what] = word
    return word


def forms(word):
    for w in (word, word.lower(), word.upper()):
        b = w.encode()
        yield b
        yield w.encode("utf-16-le")
        yield b.hex().encode()
        for pad in range(3):
            e = base64.b64encode(b"\0" * pad + b)
            yield e[4 if pad else 0:-4]          # what is the same whatever stands around it


def plant(desk, c):
    f = c.post("/api/v2/ticket_fields.json", {"ticket_field": {"type": "text", "title": "Plan"}}).json["ticket_field"]["id"]
    c.post("/api/v2/user_fields.json", {"user_field": {"type": "text", "key": "dob", "title": "Born"}})
    t = c.post("/api/v2/tickets.json", {"ticket": {
        "subject": "Refill for " + canary("ticket subject"),
        "comment": {"body": "Dear all, " + canary("comment body") + " has SSN 078-05-1120"},
        "requester": {"name": canary("requester name") + " Roe", "email": canary("requester email") + "@patients.example"},
        "external_id": canary("external id"), "tags": [canary("tag").lower()], "recipient": canary("recipient") + "@clinic.example",
        "custom_fields": [{"id": f, "value": canary("custom field")}], "email_ccs": [
            {"user_email": canary("cc email") + "@patients.example", "user_name": canary("cc name")}],
        "metadata": {"note": canary("metadata")}}}, headers={"User-Agent": "clinic/1 " + canary("user agent")})
    check(t.status == 201, "the ticket is made: %r" % t)
    tid = t.json["ticket"]["id"]
    up = c.post("/api/v2/uploads.json?filename=" + canary("upload file name") + ".txt", raw=("scan of " + canary("upload bytes")).encode(),
                headers={"Content-Type": "text/plain"})
    check(up.status == 201, "the upload is taken: %r" % up)
    c.put("/api/v2/tickets/%d.json" % tid, {"ticket": {"comment": {"body": "note on " + canary("note"), "public": False,
          "uploads": [up.json["upload"]["token"]]}, "subject": "Now " + canary("second subject")}})
    c.post("/api/v2/uploads.json?filename=" + canary("unclaimed name") + ".txt", raw=canary("unclaimed bytes").encode())
    u = c.post("/api/v2/users.json", {"user": {"name": canary("user name"), "email": canary("user email") + "@patients.example",
               "phone": "+1 312 555 0142", "notes": canary("user notes"), "details": canary("user details"),
               "external_id": canary("user external id"), "alias": canary("alias"), "tags": [canary("user tag").lower()],
               "user_fields": {"dob": canary("user field")}, "signature": canary("signature")}})
    check(u.status == 201, "the user is made: %r" % u)
    c.put("/api/v2/users/%d.json" % u.json["user"]["id"], {"user": {"name": canary("second user name")}})
    o = c.post("/api/v2/organizations.json", {"organization": {"name": canary("organization"), "notes": canary("organization notes"),
               "domain_names": [canary("domain").lower() + ".example"], "external_id": canary("organization external id")}})
    check(o.status == 201, "the organization is made: %r" % o)
    c.post("/api/v2/tickets.json", {"ticket": {"subject": "x", "comment": {"body": canary("idempotent body")}}},
           headers={"Idempotency-Key": canary("idempotency key")})
    job = c.post("/api/v2/tickets/create_many.json", {"tickets": [{"subject": canary("bulk subject"), "comment": {"body": canary("bulk body")}}]})
    url = "/api/v2/job_statuses/%s.json" % job.json["job_status"]["id"]
    for _ in range(200):
        if c.get(url).json["job_status"]["status"] == "completed":
            break
        time.sleep(0.05)
    else:
        check(False, "the job completes")
    token = desk.token(WORDS["requester email"].lower() + "@patients.example")
    end = Client(desk, WORDS["requester email"].lower() + "@patients.example", token)
    r = end.post("/api/v2/requests.json", {"request": {"subject": canary("request subject"), "comment": {"body": canary("request body")}}})
    check(r.status == 201, "the request is made: %r" % r)
    mail = ("Received: from x by y\nFrom: %s <%s@patients.example>\nTo: help@clinic.example\nSubject: %s\nMessage-ID: <%s@mail.example>\n"
            "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nHello %s\n--b\n"
            "Content-Type: text/html\n\n<p>and %s</p>\n--b\nContent-Type: text/plain; name=%s.txt\nContent-Disposition: attachment; filename=%s.txt\n\n%s\n--b--\n"
            % (canary("mail from name"), canary("mail from address"), canary("mail subject"), canary("message id"), canary("mail text"),
               canary("mail html"), canary("mail file name"), WORDS["mail file name"], canary("mail attachment"))).encode()
    check(desk.deliver(mail).returncode == 0, "the mail is delivered")
    bounce = ("From: Mail Delivery <mailer-daemon@%s.example>\nTo: help@clinic.example\nSubject: Undelivered %s\nAuto-Submitted: auto-replied\n"
              "Message-ID: <b1@mail.example>\n\nabout %s\n" % (canary("bounce host"), canary("suspended subject"), canary("suspended body"))).encode()
    check(desk.deliver(bounce).returncode == 0, "the bounce is kept")
    # Wrong input, whose words must not come back in logs or errors.
    for body in ({"ticket": {"priority": canary("wrong priority"), "comment": {"body": "x"}}}, {"ticket": canary("wrong ticket")}):
        r = c.post("/api/v2/tickets.json", body)
        check(r.status in (400, 422), "wrong input is refused: %r" % r)
        check(WORDS["wrong priority"].encode() not in r.body, "an error does not repeat what was typed")
    c.get("/api/v2/search.json?query=" + canary("search query"))
    c.get("/api/v2/users/search.json?query=" + canary("user search"))
    Client(desk, canary("unknown user") + "@x.example", "no").get("/api/v2/tickets.json")
    c.post("/api/ward/v1/session", {"email": canary("sign-in name") + "@x.example", "password": canary("password")})
    c.post("/api/ward/v1/phi/scan", {"text": canary("scanned text") + " 078-05-1120"})
    c.get("/api/v2/" + canary("unknown path") + ".json")
    return tid


def search(desk, where, blobs):
    for name, data in blobs:
        for what, word in WORDS.items():
            for f in forms(word):
                if f in data:
                    check(False, "%s: the canary of the %s is in %s" % (where, what, name))
                    break


def blobs(desk):
    for p in desk.files():
        if os.path.basename(p) in ("tls.key",):
            continue
        with open(p, "rb") as f:
            yield os.path.basename(p), f.read()
    with open(desk.log, "rb") as f:
        yield "the log", f.read()


with Desk() as desk:
    before = set(glob.glob("/tmp/*") + glob.glob("/var/tmp/*"))
    c = desk.admin()
    tid = plant(desk, c)
    # The words are there for those who may read them: the search below is not looking at an empty desk.
    text = b"".join(c.get("/api/v2/" + p).body for p in ("tickets.json?include=users", "tickets/%d/comments.json" % tid, "suspended_tickets.json", "organizations.json", "users.json"))
    for what in ("ticket subject", "comment body", "custom field", "mail text", "suspended body", "organization", "user notes", "bulk body", "request body"):
        check(WORDS[what].encode() in text or what == "ticket subject", "the %s can be read through the API" % what)
    m = c.get("/metrics")
    check(m.status == 200 and b"ward_tickets" in m.body, "metrics are there")
    search(desk, "metrics", [("the metrics", m.body)])
    search(desk, "while running", blobs(desk))
    # Names of files, of the process and its environment.
    pid = desk.proc.pid
    search(desk, "proc", [(n, open("/proc/%d/%s" % (pid, n), "rb").read()) for n in ("cmdline", "environ")])
    for p in set(glob.glob("/tmp/*") + glob.glob("/var/tmp/*")) - before:
        if os.path.isfile(p):
            try:
                search(desk, "temporary files", [(p, open(p, "rb").read())])
            except OSError:
                pass
    # A crash leaves no core, even where the administrator allows cores.
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
    except (ValueError, OSError):
        pass
    desk.proc.send_signal(signal.SIGSEGV)
    desk.proc.wait(30)
    cores = [p for p in glob.glob(os.path.join(desk.dir, "core*")) + glob.glob("core*") + list(desk.files()) if os.path.basename(p).startswith("core")]
    check(not cores, "no core dump is written")
    desk.proc = None
    search(desk, "after a crash", blobs(desk))
    desk.start()
    c = desk.admin()
    check(c.get("/api/v2/tickets/%d.json" % tid).status == 200, "the desk is back")
    desk.stop()
    search(desk, "after the end", blobs(desk))
    print("%d canaries in %d files" % (len(WORDS), len(list(desk.files()))))
done("canary")
