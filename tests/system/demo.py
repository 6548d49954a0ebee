#!/usr/bin/env python3
"""`make demo`: starts soon, prints its people, each of them may sign in, a clinic's tickets, forms, ratings and answers are there, Ctrl-C
ends it cleanly, a second start keeps the data; LIVE=1 keeps traffic coming until it is told to end."""
import errno, os, re, shutil, signal, socket, ssl, subprocess, tempfile, time
from desk import BUILD, ROOT, SLOW, Client, check, done, totp

s = socket.socket()
s.bind(("127.0.0.1", 0))
port = s.getsockname()[1]
s.close()
folder = tempfile.mkdtemp(prefix="ward-demo-")
data = os.path.join(folder, "data")


class Where:
    pass


def start(**env):
    p = subprocess.Popen([os.path.join(ROOT, "tools", "demo"), BUILD, data, str(port)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=dict(os.environ, **env))
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
        for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):    # some clients ask only one of what localhost is
            try:
                socket.create_connection((host, port), 5).close()
            except OSError as e:
                check(family == socket.AF_INET6 and e.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.ENETUNREACH), "%s answers: %s" % (host, e))
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
        check(n == 200, "there are two hundred tickets: %d" % n)
        if not again:
            check([x[0].split(" ")[0] for x in people] == ["administrator", "compliance", "agent", "light", "patient"], "five roles: %r" % people)
            tickets = []
            for k in (1, 2):
                tickets += admin.get("/api/v2/tickets.json?per_page=100&page=%d" % k).json["tickets"]
            for what, least, got in (("statuses", 5, {t["status"] for t in tickets}), ("groups", 3, {t["group_id"] for t in tickets}), ("forms", 4, {t["ticket_form_id"] for t in tickets}), ("tags", 10, {x for t in tickets for x in t["tags"]}),
                                     ("requesters", 30, {t["requester_id"] for t in tickets}), ("priorities", 4, {t["priority"] for t in tickets}), ("channels", 3, {t["via"]["channel"] for t in tickets})):
                check(len(got) >= least, "%d or more %s: %r" % (least, what, got))
            scores = {r["score"].split("_")[0] for r in admin.get("/api/v2/satisfaction_ratings.json?per_page=100").json["satisfaction_ratings"]}
            check(scores == {"good", "bad"}, "ratings of both kinds: %r" % scores)
            check(len(admin.get("/api/v2/slas/policies.json").json["sla_policies"]) == 1, "an SLA policy")
            check(admin.get("/api/v2/help_center/en-us/articles.json").json["count"] >= 8 and admin.get("/api/v2/help_center/es/articles.json").json["count"] >= 5, "answers in two languages")
            check(b"Lakeside Clinic" in Client(w).get("/help").body, "the help centre has the clinic's name")
            def figure(name):
                return admin.get("/api/ward/v1/reports/%s?days=30" % name).json
            days = [(x["values"][0], x["values"][1]) for x in figure("first_reply")["report"]["rows"] if x["values"][1]]
            mean = sum(m * n for m, n in days) / sum(n for _, n in days)
            check(len(days) > 10 and 20 < mean < 600 and all(4 <= m < 1700 for m, _ in days), "first replies take minutes to hours: %r" % days)
            kept, late = (sum(x["values"][i] for x in figure("sla")["report"]["rows"]) for i in (0, 1))
            check(5 < late < kept, "most targets are kept, some are not: %d, %d" % (kept, late))
            found = admin.post("/api/ward/v1/phi/scan", {"text": tickets[0]["description"]}).json["findings"]
            check(len(found) > 0, "there are identifiers to find: %r" % tickets[0]["description"])
            light = Client(w, people[3][1], people[3][3])
            mine = light.get("/api/v2/tickets.json?per_page=100").json["tickets"]
            check(0 < len(mine) < 100 and not any("XEH9" in t["description"] for t in mine), "the light agent sees a part, masked: %d" % len(mine))
            check(light.put("/api/v2/tickets/%d.json" % mine[0]["id"], {"ticket": {"comment": {"body": "a public word", "public": True}}}).status in (403, 422)
                  or light.get("/api/v2/tickets/%d/comments.json" % mine[0]["id"]).json["comments"][-1]["public"] is False, "and says nothing in public")
            check(Client(w, people[4][1], people[4][3]).get("/api/v2/requests.json").json["count"] >= 5, "the patient has requests")
        page = Client(w).get("/")
        check(page.status == 200 and b"<title>Ward" in page.body and "default-src 'none'" in page.headers["Content-Security-Policy"], "the page: %r" % page)
        p.send_signal(signal.SIGINT)
        code = p.wait(30 * SLOW)
        check(code == 0, "Ctrl-C ends it cleanly: %s" % code)
    p, text = start(LIVE="1", PACE="0.3")
    w.tls = ssl.create_default_context(cafile=os.path.join(data, "tls.crt"))
    people = [x for x in re.findall(r"^(\S.*?)  +(\S+@\S+) +(\S+) +(\S+) +(\S+)$", text, re.M) if x[1] != "e-mail"]
    admin, seen, end = Client(w, people[0][1], people[0][3]), set(), time.time() + 40 * SLOW
    while time.time() < end and len(seen) < 3:
        line = p.stdout.readline()
        for kind, words in (("mail", "a mail came in"), ("answer", ": an"), ("reply", "wrote back")):
            if words in line:
                seen.add(kind)
        if not line:
            break
    check(len(seen) == 3, "mails, answers and replies come: %r" % seen)
    check(admin.get("/api/v2/tickets/count.json").json["count"]["value"] > 200, "new tickets are there")
    p.send_signal(signal.SIGTERM)
    code = p.wait(30 * SLOW)
    check(code == 0, "it ends cleanly, all of it: %s" % code)
    check(socket.socket().connect_ex(("127.0.0.1", port)) != 0, "the desk has ended, too")
finally:
    shutil.rmtree(folder, ignore_errors=True)
done("demo")
