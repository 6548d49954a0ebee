#!/usr/bin/env python3
"""What happens now: one stream of events, for those who may see the ticket, ended with the session, bounded for slow readers."""
import http.client, json, re, socket, ssl, sys, threading, time
from desk import Client, Desk, check, done, SLOW


class Stream:
    """An open stream of server-sent events; events are (id, event, data)."""

    def __init__(self, desk, client, last=None):
        self.events, self.beats, self.closed, self.text = [], 0, False, b""
        self.conn = http.client.HTTPSConnection("localhost", desk.port, timeout=60 * SLOW, context=desk.tls)
        head = dict(client.headers, Accept="text/event-stream")
        if last is not None:
            head["Last-Event-ID"] = str(last)
        self.conn.request("GET", "/api/ward/v1/events", headers=head)
        self.r = self.conn.getresponse()
        self.status = self.r.status
        if self.status != 200:
            self.body = self.r.read()
            self.closed = True
            return
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()
        check(self.until(lambda: any(e[1] == "hello" for e in self.events)), "the stream says hello")

    def read(self):
        try:
            one = {}
            for line in self.r:
                self.text += line
                line = line.decode().rstrip("\r\n")
                if line.startswith(":"):
                    self.beats += 1
                elif line:
                    k, _, v = line.partition(": ")
                    one[k] = v
                elif "event" in one:
                    self.events.append((int(one.get("id", 0)), one["event"], json.loads(one.get("data", "{}"))))
                    one = {}
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            pass
        self.closed = True

    def until(self, what, seconds=8):
        end = time.time() + seconds * SLOW
        while time.time() < end:
            if what():
                return True
            time.sleep(0.02)
        return False

    def tickets(self):
        return [(e[2]["type"], e[2]["ticket_id"]) for e in self.events if e[1] == "ticket"]

    def close(self):
        try:
            self.conn.sock and self.conn.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.conn.close()


SECRET = "Quillfeather"
with Desk() as desk:
    admin = desk.admin()
    group = admin.post("/api/v2/groups.json", {"group": {"name": "Closed", "is_public": False}}).json["group"]["id"]
    ana_id, ana = desk.person(admin, "Ana Agent", "ana@clinic.example", "agent")
    abe_id, abe = desk.person(admin, "Abe Assigned", "abe@clinic.example", "agent", ticket_restriction="assigned")
    eve_id, eve = desk.person(admin, "Eve Enduser", "eve@patients.example")

    check(Client(desk).get("/api/ward/v1/events").status == 401, "nobody is told nothing")
    check(eve.get("/api/ward/v1/events").status == 403, "an end user is told nothing")
    check(Stream(desk, eve).status == 403, "nor by a stream")
    r = ana.get("/api/ward/v1/events?since=nonsense")
    check(r.status == 422 and "since" in r.json["details"], "since must be an id: %r" % r)

    s_admin, s_ana, s_abe = Stream(desk, admin), Stream(desk, ana), Stream(desk, abe)
    check(s_admin.r.getheader("Content-Type").startswith("text/event-stream"), "it is a stream of events")
    mark = ana.get("/api/ward/v1/events").json["last_event_id"]

    def ticket(**fields):
        r = admin.post("/api/v2/tickets.json", {"ticket": dict({"subject": SECRET, "comment": {"body": SECRET + " body"}}, **fields)})
        assert r.status == 201, r
        return r.json["ticket"]["id"]

    open_one, closed, his = ticket(), ticket(group_id=group), ticket(assignee_id=abe_id)
    r = admin.put("/api/v2/tickets/%d.json" % open_one, {"ticket": {"comment": {"body": SECRET + " note", "public": False}}})
    check(r.status == 200, "a note: %r" % r)
    admin.delete("/api/v2/tickets/%d.json" % open_one)
    want = [("ticket.created", open_one), ("ticket.created", closed), ("ticket.created", his), ("ticket.updated", open_one), ("ticket.deleted", open_one)]
    check(s_admin.until(lambda: len(s_admin.tickets()) >= 5), "the administrator is told: %r" % s_admin.tickets())
    check(s_admin.tickets() == want, "of everything, in order: %r" % s_admin.tickets())
    check(s_ana.until(lambda: len(s_ana.tickets()) >= 4), "the agent is told")
    time.sleep(0.3)
    check(s_ana.tickets() == [w for w in want if w[1] != closed], "of all but the private group's: %r" % s_ana.tickets())
    check(s_abe.tickets() == [("ticket.created", his)], "of what is assigned only: %r" % s_abe.tickets())
    note = [e[2] for e in s_admin.events if e[2].get("type") == "ticket.updated"][0]
    check(note["comment_id"] and note["public"] is False and note["actor_id"], "a note is a note: %r" % note)
    check(SECRET.encode() not in s_admin.text and b"Ana" not in s_admin.text, "no words in it")
    ids = [e[0] for e in s_admin.events]
    check(ids == sorted(ids), "ids ascend")

    # Asked instead of told.
    r = ana.get("/api/ward/v1/events?since=%d" % mark).json
    check([(e["type"], e["ticket_id"]) for e in r["events"]] == [w for w in want if w[1] != closed] and not r["reset"], "the same by asking: %r" % r)
    check(ana.get("/api/ward/v1/events?since=%d" % r["last_event_id"]).json["events"] == [], "nothing twice")
    check(ana.get("/api/ward/v1/events?since=5").json["reset"] is True, "of what is too old nothing is known")

    # Going on after a break.
    third = [e[0] for e in s_admin.events if e[1] == "ticket"][1]
    again = Stream(desk, admin, last=third)
    check(again.until(lambda: len(again.tickets()) >= 3), "what was missed comes: %r" % again.events)
    check(again.tickets() == want[2:], "from there on: %r" % again.tickets())
    old = Stream(desk, admin, last=5)
    check(old.until(lambda: any(e[1] == "reset" for e in old.events)), "too old an id: load anew")
    again.close(), old.close()

    # Rights change at once.
    r = admin.put("/api/v2/users/%d.json" % ana_id, {"user": {"ticket_restriction": "assigned"}})
    check(r.status == 200, "restricted: %r" % r)
    n = len(s_ana.tickets())
    after = ticket()
    check(s_admin.until(lambda: ("ticket.created", after) in s_admin.tickets()), "the administrator hears")
    time.sleep(0.5)
    check(len(s_ana.tickets()) == n, "who may not any more does not")
    resets = lambda s: len([e for e in s.events if e[1] == "reset" and e[2].get("rights")])
    check(resets(s_ana) == 1 and resets(s_admin) == 0, "who lost a right, and nobody else, is told to load anew: %r" % s_ana.events[-3:])

    def told_anew(what, seconds=1):
        n, at = resets(s_ana), time.time()
        check(what().status < 300, "it changes")
        check(s_ana.until(lambda: resets(s_ana) > n, seconds), "told within %d s: %r" % (seconds, s_ana.events[-3:]))

    told_anew(lambda: admin.put("/api/v2/users/%d.json" % ana_id, {"user": {"ticket_restriction": None}}))
    told_anew(lambda: admin.post("/api/v2/group_memberships.json", {"group_membership": {"user_id": ana_id, "group_id": group}}))
    m = [x["id"] for x in admin.get("/api/v2/users/%d/group_memberships.json" % ana_id).json["group_memberships"] if x["group_id"] == group][0]
    told_anew(lambda: admin.delete("/api/v2/group_memberships/%d.json" % m))
    told_anew(lambda: admin.put("/api/ward/v1/phi/users/%d" % ana_id, {"setting": False}))
    told_anew(lambda: admin.put("/api/ward/v1/phi/users/%d" % ana_id, {"setting": None}))
    told_anew(lambda: admin.put("/api/v2/account/settings.json", {"settings": {"tickets": {"agent_ticket_deletion": True}}}))
    told_anew(lambda: admin.put("/api/v2/account/settings.json", {"settings": {"tickets": {"agent_ticket_deletion": False}}}))
    n = resets(s_ana)
    admin.put("/api/v2/users/%d.json" % eve_id, {"user": {"notes": "Prefers mornings."}})
    time.sleep(0.6)
    check(resets(s_ana) == n, "what changes nothing for them is not told")
    check(s_ana.until(lambda: not s_ana.closed, 0.1), "the stream stays")
    r = admin.put("/api/v2/users/%d.json" % abe_id, {"user": {"suspended": True}})
    check(s_abe.until(lambda: s_abe.closed), "the stream of who was suspended ends")
    check(s_abe.events[-1][1] == "ended", "and says so: %r" % s_abe.events[-1:])

    # A session's stream ends with the session, and does not keep it alive.
    mara_id, _ = desk.person(admin, "Mara Ostrov", "mara@clinic.example", "agent", password="a password for the browser")
    secret, codes = desk.factor("mara@clinic.example")
    r = Client(desk).post("/api/ward/v1/session", {"email": "mara@clinic.example", "password": "a password for the browser", "code": codes.pop()})
    check(r.status in (200, 201), "signed in: %r" % r)
    cookie = re.search("ward_session=([^;]+)", r.headers["Set-Cookie"]).group(1)
    mara = Client(desk, cookie=cookie)
    mara.headers["X-CSRF-Token"] = mara.get("/api/v2/users/me.json").json["user"]["authenticity_token"]
    s_mara, s_mara2 = Stream(desk, mara), Stream(desk, mara)
    check(mara.delete("/api/ward/v1/session").status in (200, 204), "signed out")
    check(s_mara.until(lambda: s_mara.closed and s_mara2.closed), "both streams of the session end")
    check(s_mara.events[-1][1] == "ended", "and say so")
    r = Client(desk).post("/api/ward/v1/session", {"email": "mara@clinic.example", "password": "a password for the browser", "code": codes.pop()})
    cookie = re.search("ward_session=([^;]+)", r.headers["Set-Cookie"]).group(1)
    s_mara = Stream(desk, Client(desk, cookie=cookie))
    r = admin.delete("/api/v2/users/%d/sessions.json" % mara_id)
    check(r.status == 204, "all sessions taken away: %r" % r)
    check(s_mara.until(lambda: s_mara.closed), "the stream of a revoked session ends")

    # Presence.
    P = "/api/ward/v1/tickets/%d/presence"
    check(ana.put(P % after, {"state": "viewing"}).json["presence"] == [], "nobody else is there")
    r = admin.put(P % after, {"state": "viewing"})
    check(r.json["presence"] == [{"user_id": ana_id, "state": "viewing"}], "Ana is there: %r" % r)
    seen = lambda s: [e[2] for e in s.events if e[1] == "presence" and e[2]["ticket_id"] == after]
    check(s_ana.until(lambda: seen(s_ana) and len(seen(s_ana)[-1]["presence"]) == 1), "Ana is told of the other: %r" % seen(s_ana))
    ana.put(P % after, {"state": "replying"})
    check(s_admin.until(lambda: seen(s_admin) and seen(s_admin)[-1]["presence"] == [{"user_id": ana_id, "state": "replying"}]), "who writes is shown: %r" % seen(s_admin))
    ana.put(P % after, {"state": "gone"})
    check(s_admin.until(lambda: seen(s_admin)[-1]["presence"] == []), "and who left")
    check(admin.get(P % after).json["presence"] == [], "asked: nobody")
    a, b = ana.put(P % closed, {"state": "viewing"}), ana.put(P % 999999, {"state": "viewing"})
    check(a.status == b.status == 404 and a.body == b.body, "a foreign ticket is an unknown one: %r %r" % (a, b))
    r = ana.put(P % after, {"state": "dancing"})
    check(r.status == 422 and "state" in r.json["details"], "states are three: %r" % r)
    check(eve.put(P % after, {"state": "viewing"}).status == 403, "not for end users")

    # Five hundred idle listeners, and what it costs the others.
    many = []
    for i in range(500):
        s = socket.create_connection(("127.0.0.1", desk.port), 20)
        s = desk.tls.wrap_socket(s, server_hostname="localhost")
        s.sendall(("GET /api/ward/v1/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nAuthorization: %s\r\n\r\n" % admin.headers["Authorization"]).encode())
        many.append(s)
    good = 0
    for s in many:
        s.settimeout(20 * SLOW)
        text = b""
        while b"hello" not in text:
            got = s.recv(4096)
            if not got:
                break
            text += got
        good += b"200 OK" in text and b"hello" in text
    check(good == 500, "500 streams are open: %d" % good)
    worst = 0
    for i in range(40):
        began = time.time()
        check(ana.get("/api/v2/tickets/%d.json" % after).status == 200, "others are served")
        worst = max(worst, time.time() - began)
    check(worst < 2 * SLOW, "quickly: %.3f s at worst" % worst)
    one = ticket()
    heard = 0
    for s in many:
        s.settimeout(20 * SLOW)
        text = b""
        try:
            while b'"ticket_id":%d' % one not in text:
                got = s.recv(4096)
                if not got:
                    break
                text += got
        except (TimeoutError, ssl.SSLError):
            pass
        heard += b'"ticket_id":%d' % one in text
    check(heard == 500, "all of them hear: %d" % heard)

    # Who reads nothing is dropped and takes no memory for ever; the others do not wait for them.
    for i in range(60):
        admin.put("/api/v2/tickets/%d.json" % one, {"ticket": {"priority": ("low", "high")[i % 2]}})
    check(s_admin.until(lambda: len([1 for t in s_admin.tickets() if t == ("ticket.updated", one)]) == 60), "who reads hears all: %d" % len([1 for t in s_admin.tickets() if t == ("ticket.updated", one)]))
    check(any(e for e in [s_admin.beats]) or s_admin.until(lambda: s_admin.beats > 0, 20), "a heartbeat comes")
    for s in many[:250]:
        s.close()
    began = time.time()
    check(desk.stop() == 0, "the server ends with streams open")
    check(time.time() - began < 8 * SLOW, "without waiting for them: %.1f s" % (time.time() - began))
    check(s_admin.until(lambda: s_admin.closed), "they are closed")
done("live")
