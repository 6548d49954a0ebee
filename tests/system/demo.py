#!/usr/bin/env python3
"""`make demo`: starts, prints its people, each of them may sign in, Ctrl-C ends it cleanly, a second start keeps the data."""
import os, re, shutil, signal, socket, ssl, subprocess, tempfile, time
from desk import BUILD, ROOT, SLOW, Client, check, done, totp

s = socket.socket()
s.bind(("127.0.0.1", 0))
port = s.getsockname()[1]
s.close()
folder = tempfile.mkdtemp(prefix="ward-demo-")
data = os.path.join(folder, "data")


class Where:
    pass


def start():
    p = subprocess.Popen([os.path.join(ROOT, "tools", "demo"), BUILD, data, str(port)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines, end = [], time.time() + 60 * SLOW
    while time.time() < end:
        line = p.stdout.readline()
        lines.append(line)
        if line.startswith("serving") or not line:
            break
    return p, "".join(lines)


try:
    for again in (False, True):
        p, text = start()
        people = re.findall(r"^(\S.*?)  +(\S+@\S+) +(\S+) +(\S+) +(\S+)$", text, re.M)
        people = [x for x in people if "@" in x[1] and x[1] != "e-mail"]
        check(len(people) >= 5, "people are printed: %s" % text)
        check("https://localhost:%d" % port in text, "addresses are printed")
        w = Where()
        w.port, w.tls = port, ssl.create_default_context(cafile=os.path.join(data, "tls.crt"))
        for role, email, password, token, secret in people:
            r = Client(w, email, token).get("/api/v2/users/me.json")
            check(r.status == 200 and r.json["user"]["email"] == email, "%s has a working token: %r" % (role, r))
            r = Client(w).post("/api/ward/v1/session", {"email": email, "password": password})
            if secret != "-":
                check(r.status == 401 and b"CodeNeeded" in r.body, "%s is asked for a code: %r" % (role, r))
                r = Client(w).post("/api/ward/v1/session", {"email": email, "password": password, "code": totp(secret, again)})
            check(r.status == 201, "%s signs in: %r" % (role, r))
        admin = Client(w, people[0][1], people[0][3])
        n = admin.get("/api/v2/tickets/count.json").json["count"]["value"]
        check(n >= 40, "there are tickets: %d" % n)
        page = Client(w).get("/")
        check(page.status == 200 and b"<title>Ward" in page.body and "default-src 'none'" in page.headers["Content-Security-Policy"], "the page: %r" % page)
        p.send_signal(signal.SIGINT)
        code = p.wait(30 * SLOW)
        check(code == 0, "Ctrl-C ends it cleanly: %s" % code)
finally:
    shutil.rmtree(folder, ignore_errors=True)
done("demo")
