#!/usr/bin/env python3
"""A day of a ten-agent clinic desk: 300 mails, web requests and API tickets, worked, merged, solved, reopened, rated, and
every number that the desk reports afterwards against a count of our own.

The script keeps a book (class Book) of what it did by the rules a reader of Zendesk's help knows, and never asks Ward
for a state to continue from. Time is simulated by documented means alone: tickets of the days before come through the
import endpoint with their times, a target of one second is missed by answering after two, and automations are run as of
a later hour. SEED=n is another day. What the desk reports and this cannot check is printed at the end.
"""
import collections, datetime, json, os, random, time, urllib.parse
from desk import SLOW, Client, Desk, check, done

SEED = int(os.environ.get("SEED", "7"))
rng = random.Random(SEED)
ARRIVALS, AGENTS, PATIENTS = 300, 10, 60
TOPICS = ["appointment", "portal", "referral", "invoice", "refill", "directions", "interpreter", "paperwork"]
DRUGS = ["lisinopril", "metformin", "atorvastatin", "albuterol"]
UNCHECKED = [
    "minutes of reply and solution of tickets that lived for seconds, beyond that they are below five; those of imported tickets are checked",
    "search counts of words under the tokenizer's folding other than the plain words used here",
    "counters of views by hours (`updated less than 24`), apart from agreeing with their own list",
    "what notifications say: no relay is set up here; outbox.py and postfix.py count those",
    "looks and sign-ins (api.py, canary.py) and what the PHI engine found (phi_tickets_test, scan.py)",
]


class T:
    """One ticket as this script believes it to be."""

    def __init__(self, **f):
        self.id = self.assignee = self.group = self.org = self.priority = self.type = self.rating = self.solved_on = None
        self.status, self.tags, self.deleted, self.imported = "new", set(), False, None
        self.replies = self.reopens = self.stations = self.group_stations = self.comments = 0
        self.words, self.sla, self.was_missed, self.by_staff, self.ended = collections.Counter(), None, False, False, False        # sla: None, "missed", "kept", "open"
        self.__dict__.update(f)

    unsolved = property(lambda t: t.status in ("new", "open", "pending", "hold"))


class Book:
    """What was done. Its rules are those of the day's triggers and of Zendesk's documentation."""

    def __init__(self):
        self.t, self.trail, self.users, self.held, self.fired = {}, collections.Counter(), {}, 0, collections.Counter()
        self.figures, self.sla, self.first_solved = collections.Counter(), collections.Counter(), {}
        self.today = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")

    def live(self, **want):
        return [t for t in self.t.values() if not t.deleted and all(getattr(t, k) == v for k, v in want.items())]

    def place(self, t, group=None, assignee=None):
        """A group and an agent are given; None leaves what is there."""
        if group is not None and group != t.group:
            t.group = group
            t.group_stations += 1
        if assignee is not None and assignee != t.assignee:
            t.assignee = assignee
            t.stations += 1
            if t.status == "new":
                t.status = "open"

    def turn(self, t, status):
        if status == t.status:
            return
        was, over = t.unsolved, status in ("solved", "closed")
        if not was and not over:
            t.reopens += 1
            self.figures["reopened", self.today] += 1
        if was and over:
            self.figures["solved", self.today] += 1
            self.first_solved.setdefault(t.id, self.today)
            self.reach(t)
        if status in ("solved", "closed"):
            t.solved_on = t.solved_on if t.status == "solved" else self.today
        else:
            t.solved_on = None
        t.status = status

    def fires(self, t, tag):
        self.fired[tag] += tag not in t.tags      # what changes nothing is no event
        t.tags.add(tag)

    def add(self, t, id):
        """A new ticket, after its triggers."""
        t.id = id
        self.t[id] = t
        self.trail["ticket.create"] += 1
        self.figures["created", self.today] += 1
        self.figures[{"email": "email", "web_or_api": "api", "api": "api"}[t.channel], self.today] += 1
        t.comments += 1
        if "refill" in t.words:
            self.place(t, group=nurses)
            self.fires(t, "refill")
            t.priority = "high"
        if "invoice" in t.words:
            self.place(t, group=billing)
            self.fires(t, "money")
        if "emergency" in t.words:
            self.fires(t, "triage")
            t.priority = "urgent"
        self.goal(t)
        return t

    def goal(self, t):
        """First replies: urgent in a second, high in a day; where staff wrote first, from what the patient then says."""
        if t.sla is None and t.priority in ("urgent", "high") and not t.replies and t.unsolved and not t.by_staff:
            t.sla = "open"

    def reach(self, t, replied=False):
        """The target of a first reply ends, by a reply or with the ticket."""
        if t.sla == "open" and not (t.ended and not replied):
            self.sla["late" if t.priority == "urgent" else "kept"] += 1
            t.ended = not replied

    def change_priority(self, t, to):
        """low and normal have no target: an open one ends, a missed one stays known as an event."""
        t.was_missed = t.was_missed or (t.sla in ("open", "missed") and t.priority == "urgent")
        self.sla["late"] += t.sla == "open" and t.priority == "urgent" and not t.ended
        t.sla, t.priority = None, to

    def comment(self, t, author, public=True):
        t.comments += 1
        if public and author in staff and author != t.requester:
            t.replies += 1
            self.figures["first_reply", self.today] += t.replies == 1
            if t.sla == "open":
                self.reach(t, True)
                t.sla = "missed" if t.priority == "urgent" else "kept"
        if author not in staff and author == t.requester and t.status in ("pending", "hold", "solved"):
            was, t.ended = t.status, False
            self.turn(t, "open")
            if was == "solved":
                self.fires(t, "came_back")
        if author == t.requester:
            t.by_staff = False
            self.goal(t)


def q(path, **args):
    return path + "?" + urllib.parse.urlencode(args)


def pages(c, url, key):
    out = []
    while url:
        j = c.get(url).json
        out += j[key]
        url = "/" + j["links"]["next"].split("/", 3)[3] if j["meta"]["has_more"] else None
    return out


def job(c, r):
    if not check(r.status == 200 and b"job_status" in r.body, "a job is taken: %r" % r):
        return {"results": []}
    url = "/" + r.json["job_status"]["url"].split("/", 3)[3]
    for _ in range(1500 * SLOW):
        j = c.get(url).json["job_status"]
        if j["status"] in ("completed", "failed", "killed"):
            check(j["status"] == "completed" and j["progress"] == j["total"], "the job completes: %s %s of %s" % (j["status"], j["progress"], j["total"]))
            return j
        time.sleep(0.02)
    check(False, "the job ends")
    return {"results": []}


def ok(r, *statuses):
    check(r.status in (statuses or (200, 201)), "an answer: %r" % r)
    return r.json


left = 86400 - time.time() % 86400
if left < 60 * SLOW:                            # a day is counted here, not two
    time.sleep(left + 1)

with Desk() as desk:
    admin = desk.admin()
    admin_id = admin.get("/api/v2/users/me.json").json["user"]["id"]
    desk.keep_all(admin)
    book = Book()
    book.users[admin_id] = "admin"

    # ---- the clinic opens: groups, agents, practices, patients, rules
    groups = [ok(admin.post("/api/v2/groups.json", {"group": {"name": n}}))["group"]["id"] for n in ("Front desk", "Nurses", "Billing")]
    front, nurses, billing = groups
    agents = []                                 # (id, client, groups)
    for i in range(AGENTS):
        mine = [groups[i % 3]] + ([groups[(i + 1) % 3]] if i % 4 == 0 else [])
        uid, client = desk.person(admin, "Agent Number%d" % i, "agent%d@clinic.example" % i, "agent", **({"ticket_restriction": "groups"} if i == 9 else {}))
        for g in mine:
            ok(admin.post("/api/v2/group_memberships.json", {"group_membership": {"user_id": uid, "group_id": g}}))
        agents.append((uid, client, mine))
        book.users[uid] = "agent"
    staff = {admin_id} | {a[0] for a in agents}
    of_group = {g: [a for a in agents if g in a[2]] for g in groups}
    orgs = [ok(admin.post("/api/v2/organizations.json", {"organization": {"name": "Practice %d" % i, "domain_names": ["practice%d.example" % i]}}))["organization"]["id"] for i in range(4)]
    patients = []                               # dict(id, email, org, client or None until first asked for)
    for i in range(PATIENTS - 20):
        org = i % 5
        email = "pat%d@%s" % (i, "practice%d.example" % org if org < 4 else "patients.example")
        uid, client = desk.person(admin, "Patient Number%d" % i, email)
        patients.append({"id": uid, "email": email, "org": orgs[org] if org < 4 else None, "client": client})
        book.users[uid] = "end-user"
    strangers = [{"email": "new%d@%s" % (i, "practice%d.example" % (i % 4) if i % 2 else "elsewhere.example"), "org": orgs[i % 4] if i % 2 else None, "id": None} for i in range(20)]
    book.trail["user.create"] += 1 + 10 + len(patients)
    triggers = {}

    def trigger(title, all, actions):
        tag = next(a["value"] for a in actions if a["field"] == "current_tags")
        triggers[tag] = ok(admin.post("/api/v2/triggers.json", {"trigger": {"title": title, "conditions": {"all": all}, "actions": actions}}))["trigger"]["id"]

    created = {"field": "update_type", "operator": "is", "value": "Create"}
    for word, actions in (("refill", [{"field": "group_id", "value": str(nurses)}, {"field": "current_tags", "value": "refill"}, {"field": "priority", "value": "high"}]),
                          ("invoice", [{"field": "group_id", "value": str(billing)}, {"field": "current_tags", "value": "money"}]),
                          ("emergency", [{"field": "priority", "value": "urgent"}, {"field": "current_tags", "value": "triage"}])):
        trigger("On " + word, [created, {"field": "subject_includes_word", "operator": "includes", "value": word}], actions)
    trigger("Came back", [{"field": "status", "operator": "value_previous", "value": "solved"}, {"field": "status", "operator": "is", "value": "open"},
                          {"field": "role", "operator": "is", "value": "end_user"}], [{"field": "current_tags", "value": "came_back"}])
    ok(admin.post("/api/v2/slas/policies.json", {"sla_policy": {"title": "First reply", "filter": {"all": []}, "policy_metrics": [
        {"priority": "urgent", "metric": "first_reply_time", "target_in_seconds": 1, "business_hours": False},
        {"priority": "high", "metric": "first_reply_time", "target": 1440, "business_hours": False}]}}))
    macro = ok(admin.post("/api/v2/macros.json", {"macro": {"title": "Refill is ready", "actions": [
        {"field": "status", "value": "pending"}, {"field": "current_tags", "value": "told"}, {"field": "comment_value", "value": "Your refill waits at the desk."}, {"field": "comment_mode_is_public", "value": "true"}]}}))["macro"]["id"]
    UNSOLVED = {"field": "status", "operator": "less_than", "value": "solved"}
    custom = {}

    def view(title, test, *all):
        custom[ok(admin.post("/api/v2/views.json", {"view": {"title": title, "all": list(all)}}))["view"]["id"]] = (title, test)

    view("Nurses", lambda t, u: t.unsolved and t.group == nurses, UNSOLVED, {"field": "group_id", "operator": "is", "value": str(nurses)})
    view("Urgent", lambda t, u: t.unsolved and t.priority == "urgent", UNSOLVED, {"field": "priority", "operator": "is", "value": "urgent"})
    view("Came back", lambda t, u: t.status != "closed" and "came_back" in t.tags, {"field": "status", "operator": "is_not", "value": "closed"}, {"field": "current_tags", "operator": "includes", "value": "came_back"})
    view("Practice 1", lambda t, u: t.unsolved and t.org == orgs[1], UNSOLVED, {"field": "organization_id", "operator": "is", "value": str(orgs[1])})
    view("Mails", lambda t, u: t.unsolved and t.channel == "email", UNSOLVED, {"field": "via_id", "operator": "is", "value": "4"})

    # ---- days before: an import with its times
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    stamp = lambda d: d.strftime("%Y-%m-%dT%H:%M:%SZ")
    for i in range(24):
        p = rng.choice(patients)
        made = now - datetime.timedelta(days=rng.randrange(3, 13), hours=rng.randrange(0, 5), minutes=rng.randrange(60))
        solved = made + datetime.timedelta(minutes=rng.randrange(30, 2000)) if i % 3 else None
        body = {"subject": "legacy %s" % TOPICS[i % 8].replace("invoice", "letter").replace("refill", "letter"), "requester_id": p["id"], "created_at": stamp(made), "tags": ["legacy"],
                "status": "closed" if solved and i % 2 else "solved" if solved else "open", "updated_at": stamp(solved or made), "assignee_id": agents[i % 10][0], "group_id": agents[i % 10][2][0],
                "comments": [{"author_id": p["id"], "value": "from before", "created_at": stamp(made)}]}
        if solved:
            body["solved_at"] = stamp(solved)
        t = T(requester=p["id"], org=p["org"], channel="api", tags={"legacy"}, status=body["status"], imported=(made, solved), solved_on=solved and solved.strftime("%Y-%m-%d"),
              assignee=body["assignee_id"], group=body["group_id"], stations=1, group_stations=1, comments=1, words=collections.Counter(body["subject"].split() + ["from", "before"]))
        t.id = ok(admin.post("/api/v2/imports/tickets.json", {"ticket": body}))["ticket"]["id"]
        book.t[t.id] = t
        book.trail["ticket.create"] += 1
        book.figures["created", made.strftime("%Y-%m-%d")] += 1
        book.figures["api", made.strftime("%Y-%m-%d")] += 1
        if solved:
            book.figures["solved", t.solved_on] += 1
            book.first_solved[t.id] = t.solved_on
        book.trail["ticket.update"] += solved is not None        # made, then solved, at their times

    # ---- 300 arrivals, mixed
    spammer = {"email": "lottery@spam.example", "id": None, "org": None}
    arrivals, mails = [], {}
    for n in range(ARRIVALS):
        how = "mail" if n in (20, 21, 22) else rng.choice(["mail", "mail", "web", "api"])
        topic, drug = rng.choice(TOPICS), rng.choice(DRUGS)
        subject = "%s %s%d" % (topic, "emergency " if rng.random() < 0.12 else "", n)
        text = "Good morning, this is about %s and visit%d." % (drug, n)
        words = collections.Counter(subject.split() + [drug, "visit%d" % n])
        if how == "mail":
            p = spammer if n in (20, 21, 22) else rng.choice(strangers) if rng.random() < 0.3 else rng.choice(patients)
            auto = rng.random() < 0.05 and n not in (20, 21, 22)
            mid = "<day%d@mail.example>" % n
            raw = "From: %s\nTo: help@clinic.example\nSubject: %s\nMessage-ID: %s\nDate: %s\n%s\n%s\n" % (
                p["email"], subject, mid, time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime()), "Auto-Submitted: auto-replied\n" if auto else "", text)
            r = desk.deliver(raw.encode(), "-v")
            got = r.stdout.decode().split()
            if auto:
                check(r.returncode == 0 and got and got[0] == "suspended", "an automatic answer is suspended: %s" % got)
                book.held += 1
                book.trail["suspended_ticket.create"] += 1
                continue
            if not check(r.returncode == 0 and got and got[0] == "ticket", "mail %d is a ticket: %s %s" % (n, got, r.stderr)):
                continue
            t = T(requester=p, org=p["org"], channel="email", words=words)
            if p["id"] is None:                  # the sender became a user
                p["id"] = admin.get(q("/api/v2/users/search.json", query="email:" + p["email"])).json["users"][0]["id"]
                book.users[p["id"]] = "end-user"
                book.trail["user.create"] += 1
            t.requester = p["id"]
            book.add(t, int(got[-1]))
            mails[t.id] = (p, mid)
        elif how == "web":
            p = rng.choice(patients)
            j = ok(p["client"].post("/api/v2/requests.json", {"request": {"subject": subject, "comment": {"body": text}}}))
            book.add(T(requester=p["id"], org=p["org"], channel="web_or_api", words=words), j["request"]["id"])
        else:
            p, (uid, client, mine) = rng.choice(patients), rng.choice(agents[:9])
            f = {"subject": subject, "comment": {"body": text}, "requester_id": p["id"], "external_id": "day-%d" % n}
            t = T(requester=p["id"], org=p["org"], channel="api", words=words, by_staff=True)
            if rng.random() < 0.3:
                f["tags"] = ["phoned"]
                t.tags.add("phoned")
            if rng.random() < 0.2:
                f["type"] = t.type = "question"
            j = ok(client.post("/api/v2/tickets.json", {"ticket": f}))
            book.add(t, j["ticket"]["id"])
        arrivals.append(n)
    check(len(book.t) == 24 + ARRIVALS - book.held, "as many tickets as arrivals that were no automatic mail")
    time.sleep(1.3)                             # now every open target of a second is missed

    # ---- the desk works
    def put(c, t, **f):
        r = c.put("/api/v2/tickets/%d.json" % t.id, {"ticket": f})
        check(r.status == 200, "ticket %d is changed: %r" % (t.id, r))
        book.trail["ticket.update"] += 1

    def solve(c, uid, t, say=None):
        f = {"status": "solved"}
        if say:
            f["comment"] = {"body": say, "public": True}
            book.comment(t, uid)
        if t.assignee is None:                  # who solves what nobody has takes it
            f.update(assignee_id=uid, group_id=t.group or front)
        put(c, t, **f)
        if t.assignee is None:
            book.place(t, group=t.group or front, assignee=uid)
        book.turn(t, "solved")

    today = [t for t in book.t.values() if not t.imported]
    rng.shuffle(today)
    worked = today[:int(len(today) * 0.8)]
    for i, t in enumerate(worked):              # taken by an agent of its group
        if t.group is None:
            g = rng.choice(groups)
        else:
            g = t.group
        uid, client, mine = rng.choice(of_group[g])
        actor = admin if uid == agents[9][0] else client     # the restricted one cannot take what is in no group
        put(actor, t, group_id=g, assignee_id=uid)
        book.place(t, group=g, assignee=uid)
        kind = rng.random()
        if "refill" in t.tags and kind < 0.7:   # by macro: what it would do is asked for, then done
            a = ok(client.get("/api/v2/tickets/%d/macros/%d/apply.json" % (t.id, macro)))["result"]["ticket"]
            check(a["status"] == "pending" and "told" in a["tags"] and set(a["tags"]) == t.tags | {"told"}, "the macro says what it does: %r" % a)
            put(client, t, status=a["status"], tags=a["tags"], comment={"body": a["comment"]["body"], "public": a["comment"]["public"]})
            book.comment(t, uid)
            book.turn(t, "pending")
            t.tags.add("told")
            t.words.update(["waits"])
        elif kind < 0.35:
            solve(client, uid, t, "Done for you, gladly.")
            t.words.update(["gladly"])
        elif kind < 0.5:
            put(client, t, comment={"body": "A note among us.", "public": False})
            book.comment(t, uid, public=False)
        elif kind < 0.65:
            put(client, t, status="hold", comment={"body": "We ask the laboratory.", "public": True})
            book.comment(t, uid)
            book.turn(t, "hold")
            t.words.update(["laboratory"])
        elif kind < 0.75:
            put(client, t, status="pending", priority="low", comment={"body": "Which day suits you?", "public": True})
            t.comments += 1                     # the comment and the new priority come together: no reply within a target
            t.replies += 1
            book.figures["first_reply", book.today] += t.replies == 1
            book.change_priority(t, "low")
            book.turn(t, "pending")
        # the others stay open

    # answers of patients: by mail to the thread, by the requests API
    for t in rng.sample([t for t in worked if t.status in ("pending", "hold", "solved")], 40):
        if t.id in mails and rng.random() < 0.7:
            p, mid = mails[t.id]
            if p is spammer:
                continue
            raw = "From: %s\nTo: help@clinic.example\nSubject: Re: it\nMessage-ID: <re%d@mail.example>\nIn-Reply-To: %s\n\nThursday at noon please.\n" % (p["email"], t.id, mid)
            r = desk.deliver(raw.encode(), "-v")
            check(r.returncode == 0 and r.stdout.startswith(b"comment"), "an answer by mail is a comment: %s" % r.stdout)
        else:
            p = next((p for p in patients if p["id"] == t.requester), None)
            if p is None:
                continue
            ok(p["client"].put("/api/v2/requests/%d.json" % t.id, {"request": {"comment": {"body": "Thursday at noon please."}}}))
        book.trail["ticket.update"] += 1
        book.comment(t, t.requester)
        t.words.update(["noon"])

    # merges: two tickets of one patient into a third
    by_patient = collections.defaultdict(list)
    for t in today:
        if t.status in ("new", "open", "pending") and not t.deleted and t.requester != spammer["id"]:
            by_patient[t.requester].append(t)
    for who in [w for w in sorted(by_patient) if len(by_patient[w]) >= 3][:6]:
        target, one, two = by_patient[who][:3]
        j = job(admin, admin.post("/api/v2/tickets/%d/merge.json" % target.id, {"ids": [one.id, two.id], "target_comment": "Joined here.", "source_comment": "Joined there.",
                                                                                 "target_comment_is_public": False, "source_comment_is_public": False}))
        check(j["results"] and j["results"][0]["success"], "merged: %s" % j)
        book.trail["ticket.merge"] += 1
        book.trail["ticket.update"] += 3
        target.comments += 1
        target.words.update(["joined"])
        for s in (one, two):
            s.comments += 1
            s.words.update(["joined"])
            s.tags.add("closed_by_merge")
            book.turn(s, "closed")

    # bulk solves through job statuses, both forms of them
    rest = [t for t in today if t.status in ("open", "pending", "new") and not t.deleted and t.requester != spammer["id"]]
    bulk, other = rest[:30], rest[30:42]
    j = job(admin, admin.put(q("/api/v2/tickets/update_many.json", ids=",".join(str(t.id) for t in bulk)), {"ticket": {"status": "solved", "assignee_id": agents[0][0], "group_id": agents[0][2][0], "additional_tags": ["bulk"]}}))
    check(all(r["success"] for r in j["results"]) and len(j["results"]) == len(bulk), "each was solved: %s" % j)
    for t in bulk:
        book.place(t, group=agents[0][2][0], assignee=agents[0][0])
        book.turn(t, "solved")
        t.tags.add("bulk")
    j = job(admin, admin.put("/api/v2/tickets/update_many.json", {"tickets": [{"id": t.id, "status": "hold", "priority": "normal", "comment": {"body": "Held for the audit.", "public": False}} for t in other]}))
    check(all(r["success"] for r in j["results"]), "each is on hold: %s" % j)
    for t in other:
        t.comments += 1
        t.words.update(["audit"])
        book.turn(t, "hold")
        book.change_priority(t, "normal")
    book.trail["ticket.update"] += len(bulk) + len(other)
    book.trail["job.create"] += 2 + book.trail["ticket.merge"]

    # patients rate what was solved, some come back afterwards
    solved = [t for t in today if t.status == "solved" and any(p["id"] == t.requester for p in patients)]
    for t in solved[:28]:
        p = next(p for p in patients if p["id"] == t.requester)
        t.rating = "good" if rng.random() < 0.75 else "bad"
        words = {"comment": "kindly"} if rng.random() < 0.4 else {}
        t.rated_with_words = bool(words)
        ok(p["client"].post("/api/v2/tickets/%d/satisfaction_rating.json" % t.id, {"satisfaction_rating": dict(score=t.rating, **words)}))
        book.trail["ticket.rate"] += 1
    for t in solved[28:36]:
        p = next(p for p in patients if p["id"] == t.requester)
        ok(p["client"].put("/api/v2/requests/%d.json" % t.id, {"request": {"comment": {"body": "It is not mended."}}}))
        book.trail["ticket.update"] += 1
        book.comment(t, t.requester)
        t.words.update(["mended"])

    # spam: one by one and many; its sender is suspended, what he sends then is held
    bad = [t for t in today if t.requester == spammer["id"]]
    if check(len(bad) >= 1, "there is spam (%d)" % len(bad)):
        ok(admin.put("/api/v2/tickets/%d/mark_as_spam.json" % bad[0].id, {}))
        if bad[1:]:
            job(admin, admin.put(q("/api/v2/tickets/mark_many_as_spam.json", ids=",".join(str(t.id) for t in bad[1:])), {}))
            book.trail["job.create"] += 1
        for t in bad:
            t.deleted = True
            book.trail["ticket.spam"] += 1
            book.trail["ticket.delete"] += 1
        raw = "From: %s\nTo: help@clinic.example\nSubject: again\nMessage-ID: <again@mail.example>\n\nyou have won\n" % spammer["email"]
        check(desk.deliver(raw.encode(), "-v").stdout.startswith(b"suspended"), "a suspended sender's mail is held")
        book.held += 1
        book.trail["suspended_ticket.create"] += 1
    # deleted and restored
    gone = [t for t in today if not t.deleted and t.status in ("new", "open")][:9]
    for t in gone[:4]:
        check(admin.delete("/api/v2/tickets/%d.json" % t.id).status == 204, "deleted")
    j = job(admin, admin.delete(q("/api/v2/tickets/destroy_many.json", ids=",".join(str(t.id) for t in gone[4:]))))
    book.trail["job.create"] += 1
    for t in gone:
        t.deleted = True
        book.trail["ticket.delete"] += 1
    ok(admin.put("/api/v2/deleted_tickets/%d/restore.json" % gone[0].id, {}))
    gone[0].deleted = False
    book.trail["ticket.restore"] += 1
    # one held mail is let in
    held = admin.get("/api/v2/suspended_tickets.json").json["suspended_tickets"]
    check(len(held) == book.held, "as many suspended tickets as held mails: %d, %d" % (len(held), book.held))

    time.sleep(1.3)                             # what was asked anew and is urgent is late again

    # ---- the count
    def counts(key):
        c = collections.Counter()
        for t in book.live():
            for k in (key(t) if isinstance(key(t), (set, list)) else [key(t)]):
                c[k] += 1
        return c

    def same(what, got, want):
        check(got == want, "%s: %r reported, %r counted" % (what, got, want))

    def found(query, c=admin):
        j = c.get(q("/api/v2/search/count.json", query=query)).json
        return j["count"]

    def report(when):
        """What the reports page, views, lists, search and the counters say."""
        live, all_ = book.live(), list(book.t.values())
        n = 0

        def eq(what, got, want):
            nonlocal n
            n += 1
            same("%s (%s)" % (what, when), got, want)

        # every ticket, field by field
        listed = {t["id"]: t for t in pages(admin, "/api/v2/tickets.json?page[size]=100&include=comment_count,slas,metric_sets", "tickets")}
        eq("tickets listed", sorted(listed), sorted(t.id for t in live))
        for t in live:
            g = listed.get(t.id)
            if g is None:
                continue
            eq("ticket %d" % t.id, (g["status"], g["priority"], g["group_id"], g["assignee_id"], g["requester_id"], g["organization_id"], sorted(g["tags"]), g["type"], g["comment_count"]),
               (t.status, t.priority, t.group, t.assignee, t.requester, t.org, sorted(t.tags), t.type, t.comments))
            if t.rating:
                eq("rating of %d" % t.id, g["satisfaction_rating"]["score"], t.rating)
        eq("tickets/count", admin.get("/api/v2/tickets/count.json").json["count"]["value"], len(live))
        # the reports page asks the search's counts
        for s in ("new", "open", "pending", "hold", "solved", "closed"):
            eq("status:" + s, found("type:ticket status:" + s), counts(lambda t: t.status)[s])
        for back in range(14):
            d = (now - datetime.timedelta(days=back)).strftime("%Y-%m-%d")
            eq("created:" + d, found("type:ticket created:" + d), sum((t.imported[0].strftime("%Y-%m-%d") if t.imported else book.today) == d for t in live))
            eq("solved:" + d, found("type:ticket solved:" + d), sum(t.solved_on == d for t in live))
        eq("unassigned", found("type:ticket status<solved assignee:none"), sum(t.unsolved and t.assignee is None for t in live))
        eq("urgent", found("type:ticket status<solved priority:urgent"), sum(t.unsolved and t.priority == "urgent" for t in live))
        eq("stale", found("type:ticket status<solved updated<" + (now - datetime.timedelta(days=2)).strftime("%Y-%m-%d")), sum(t.unsolved and t.imported is not None for t in live))
        # search
        for w in TOPICS + DRUGS + ["gladly", "laboratory", "noon", "joined", "mended", "audit", "waits", "legacy"]:
            want = sum(w in t.words or (w == "legacy" and "legacy" in t.tags) or w in t.tags for t in live)
            eq("word " + w, found("type:ticket " + w), want)
        eq("two words", found("type:ticket refill lisinopril"), sum("lisinopril" in t.words and ("refill" in t.words or "refill" in t.tags) for t in live))
        for tag, k in counts(lambda t: t.tags).items():
            eq("tags:" + tag, found("type:ticket tags:" + tag), k)
        for g in groups:
            eq("group:%d" % g, found("type:ticket group:%d" % g), counts(lambda t: t.group)[g])
        for o in orgs:
            eq("organization:%d" % o, found("type:ticket organization:%d" % o), counts(lambda t: t.org)[o])
        for uid, _, _ in agents:
            eq("assignee:%d" % uid, found("type:ticket assignee:%d" % uid), counts(lambda t: t.assignee)[uid])
        for p in ("low", "normal", "high", "urgent"):
            eq("priority:" + p, found("type:ticket priority:" + p), counts(lambda t: t.priority)[p])
        eq("via:mail", found("type:ticket via:mail"), sum(t.channel == "email" for t in live))
        eq("type:user", found("type:user"), len(book.users))
        eq("type:organization", found("type:organization"), len(orgs))
        # what an agent who sees only groups' tickets may count
        uid, client, mine = agents[9]
        theirs = [t for t in live if t.group in mine or t.assignee == uid]
        eq("the restricted agent's search", found("type:ticket status<closed", client), sum(t.status != "closed" for t in theirs))
        # tags
        tags = {t["name"]: t["count"] for t in pages(admin, "/api/v2/tags.json?page[size]=100", "tags")}
        eq("tags", tags, dict(counts(lambda t: t.tags)))
        eq("tags/count", admin.get("/api/v2/tags/count.json").json["count"]["value"], len(counts(lambda t: t.tags)))
        # views, for each agent
        standard = {"Your unsolved tickets": lambda t, u: t.unsolved and t.assignee == u, "Unassigned tickets": lambda t, u: t.unsolved and t.assignee is None,
                    "All unsolved tickets": lambda t, u: t.unsolved, "Pending tickets": lambda t, u: t.status == "pending", "Recently solved tickets": lambda t, u: t.status == "solved",
                    "New tickets in your groups": lambda t, u: t.status == "new" and t.group in next((a[2] for a in agents if a[0] == u), []),
                    "Unsolved tickets in your groups": lambda t, u: t.unsolved and t.group in next((a[2] for a in agents if a[0] == u), [])}
        views = {v["id"]: v["title"] for v in admin.get("/api/v2/views.json").json["views"]}
        for uid, client, mine in [(admin_id, admin, groups)] + agents:
            sees = [t for t in live if uid != agents[9][0] or t.group in mine or t.assignee == uid]
            got = {c["view_id"]: c for c in client.get(q("/api/v2/views/count_many.json", ids=",".join(map(str, views)))).json["view_counts"]}
            for v, title in views.items():
                test = custom[v][1] if v in custom else standard.get(title)
                if test is None:
                    if uid == admin_id:
                        eq("view " + title, got[v]["value"], len(pages(client, "/api/v2/views/%d/tickets.json?page[size]=100" % v, "tickets")))
                    continue
                if uid == admin_id and "your groups" in title:
                    continue                     # the administrator is in groups of his own making
                eq("view %s of %d" % (title, uid), got[v]["value"], sum(test(t, uid) for t in sees))
                if uid in (admin_id, agents[0][0], agents[9][0]):
                    eq("list of view %s of %d" % (title, uid), sorted(x["id"] for x in pages(client, "/api/v2/views/%d/tickets.json?page[size]=100" % v, "tickets")), sorted(t.id for t in sees if test(t, uid)))
        # people
        for uid, _, _ in agents:
            r = admin.get("/api/v2/users/%d/related.json" % uid).json["user_related"]
            eq("related of agent %d" % uid, (r["assigned_tickets"], r["requested_tickets"], r["ccd_tickets"]), (counts(lambda t: t.assignee)[uid], 0, 0))
            eq("assigned of %d" % uid, admin.get("/api/v2/users/%d/tickets/assigned/count.json" % uid).json["count"]["value"], counts(lambda t: t.assignee)[uid])
        for p in patients + [s for s in strangers + [spammer] if s["id"]]:
            r = admin.get("/api/v2/users/%d/related.json" % p["id"]).json["user_related"]
            eq("related of %d" % p["id"], (r["assigned_tickets"], r["requested_tickets"]), (0, counts(lambda t: t.requester)[p["id"]]))
        for p in patients[:10]:
            eq("own requests of %d" % p["id"], sorted(x["id"] for x in pages(p["client"], "/api/v2/requests.json?page[size]=100", "requests")), sorted(t.id for t in live if t.requester == p["id"]))
        for i, o in enumerate(orgs):
            r = admin.get("/api/v2/organizations/%d/related.json" % o).json["organization_related"]
            eq("related of organization %d" % o, (r["tickets_count"], r["users_count"]), (counts(lambda t: t.org)[o], sum(p["org"] == o for p in patients) + sum(s["org"] == o and s["id"] is not None for s in strangers)))
            eq("tickets of organization %d" % o, admin.get("/api/v2/organizations/%d/tickets/count.json" % o).json["count"]["value"], counts(lambda t: t.org)[o])
            eq("users of organization %d" % o, admin.get("/api/v2/organizations/%d/users/count.json" % o).json["count"]["value"], r["users_count"])
        eq("users/count", admin.get("/api/v2/users/count.json").json["count"]["value"], len(book.users))
        for role in ("end-user", "agent", "admin"):
            eq("users of role " + role, admin.get(q("/api/v2/users/count.json", role=role)).json["count"]["value"], sum(r == role for r in book.users.values()))
        eq("organizations/count", admin.get("/api/v2/organizations/count.json").json["count"]["value"], len(orgs))
        # metrics and targets
        metrics = {m["ticket_id"]: m for m in pages(admin, "/api/v2/ticket_metrics.json?page[size]=100", "ticket_metrics")}
        eq("metrics", sorted(metrics), sorted(t.id for t in live))
        for t in live:
            m = metrics.get(t.id)
            if m is None:
                continue
            eq("metrics of %d" % t.id, (m["replies"], m["reopens"], m["assignee_stations"], m["group_stations"], m["solved_at"] is not None), (t.replies, t.reopens, t.stations, t.group_stations, t.solved_on is not None))
            if t.imported is None:
                took = m["reply_time_in_minutes"]["calendar"]
                eq("minutes to the first reply of %d" % t.id, (took is None, (took or 0) < 5 * SLOW), (not t.replies, True))
            elif t.imported[1] and not t.reopens:
                minutes = int((t.imported[1] - t.imported[0]).total_seconds() // 60)
                eq("minutes to the solution of %d" % t.id, (m["full_resolution_time_in_minutes"]["calendar"], m["first_resolution_time_in_minutes"]["calendar"]), (minutes, minutes))
        missed = [t for t in all_ if t.sla == "missed" or (t.sla == "open" and t.priority == "urgent")]
        events_of = missed + [t for t in all_ if t.was_missed]
        for t in live:
            s = [x for x in (listed.get(t.id) or {}).get("slas", {}).get("policy_metrics", []) if x["metric"] == "first_reply_time"]
            eq("target of %d (%s)" % (t.id, t.sla), (len(s), any(x["breached"] for x in s)), (0 if t.sla is None else 1, t in missed))
        events = []
        url = "/api/v2/incremental/ticket_metric_events.json?start_time=1"
        while url:
            j = admin.get(url).json
            events += j["ticket_metric_events"]
            url = None if j["end_of_stream"] else "/" + j["next_page"].split("/", 3)[3]
        eq("breaches among the metric events", sorted(e["ticket_id"] for e in events if e["type"] == "breach" and e["metric"] == "reply_time"), sorted(t.id for t in events_of))
        # the reports that the dashboard draws, by day and as a whole
        def figures(name):
            j = ok(admin.get(q("/api/ward/v1/reports/" + name + ".json", **{"from": (now - datetime.timedelta(days=20)).strftime("%Y-%m-%d"), "to": book.today})))["report"]
            return {r["name"]: dict(zip([c["name"] for c in j["columns"]], r["values"])) for r in j["rows"]}, dict(zip([c["name"] for c in j["columns"]], j["whole"]))

        days, whole = figures("tickets")
        channels, _ = figures("channels")
        backlog, _ = figures("backlog")
        replies, _ = figures("first_reply")
        solutions, solved_whole = figures("resolution")
        eq("days of the report", len(days), 21)
        left = 0
        for d in sorted(days):
            for name in ("created", "solved", "reopened"):
                eq("report %s of %s" % (name, d), days[d][name], book.figures[name, d])
            for name in ("email", "api"):
                eq("report channel %s of %s" % (name, d), channels[d][name] + (channels[d]["form"] if name == "api" else 0), book.figures[name, d])
            left += book.figures["created", d] - book.figures["solved", d] + book.figures["reopened", d]
            eq("report backlog of " + d, backlog[d]["unsolved"], left - (sum(t.deleted and t.unsolved for t in all_) if d == book.today else 0))
            eq("report first replies of " + d, (replies[d]["tickets"], replies[d]["mean_minutes"] is None or replies[d]["mean_minutes"] < 5 * SLOW), (book.figures["first_reply", d], True))
            eq("report solutions of " + d, solutions[d]["tickets"], sum(x == d for x in book.first_solved.values()))
        eq("backlog at the end", backlog[book.today]["unsolved"], sum(t.unsolved for t in live))
        eq("report created", whole["created"], len(all_))
        eq("report solutions", solved_whole["tickets"], len(book.first_solved))
        _, sla = figures("sla")
        eq("report of targets", (sla["kept"], sla["late"]), (book.sla["kept"], book.sla["late"]))
        measures, _ = figures("sla_metrics")
        eq("report of metrics", measures, {"first_reply_time": {"kept": book.sla["kept"], "late": book.sla["late"]}})
        _, score = figures("satisfaction")
        good, every = sum(t.rating == "good" for t in all_), sum(t.rating is not None for t in all_)
        eq("satisfaction score", (score["good"], score["bad"], score["good_percent"]), (good, every - good, (good * 100 + every // 2) // every))
        # satisfaction
        rated = [t for t in live if t.rating]
        count = lambda **a: admin.get(q("/api/v2/satisfaction_ratings/count.json", **a)).json["count"]["value"]
        eq("ratings", (count(), count(score="good"), count(score="bad")), (len(rated), sum(t.rating == "good" for t in rated), sum(t.rating == "bad" for t in rated)))
        eq("ratings with words", count(score="good_with_comment"), sum(t.rating == "good" and t.rated_with_words for t in rated))
        rows = pages(admin, "/api/v2/satisfaction_ratings.json?page[size]=100", "satisfaction_ratings")
        eq("ratings listed", {r["ticket_id"]: r["score"] for r in rows}, {t.id: t.rating for t in rated})
        eq("ratings by agent", collections.Counter((r["assignee_id"], r["score"]) for r in rows), collections.Counter((t.assignee, t.rating) for t in rated))
        for score in ("good", "bad"):
            eq("satisfaction:" + score, found("type:ticket satisfaction:" + score), sum(t.rating == score for t in live))
            eq("satisfaction:%swithcomment" % score, found("type:ticket satisfaction:%swithcomment" % score), sum(t.rating == score and t.rated_with_words for t in live))
        eq("satisfaction:unoffered", found("type:ticket satisfaction:unoffered"), sum(t.rating is None for t in live))
        # exports
        got, url = {}, "/api/v2/incremental/tickets/cursor.json?start_time=1"
        total = 0
        while url:
            j = admin.get(url).json
            total += len(j["tickets"])
            got.update({t["id"]: t["status"] for t in j["tickets"]})
            url = None if j["end_of_stream"] else "/" + j["after_url"].split("/", 3)[3]
        eq("incremental export", got, {t.id: "deleted" if t.deleted else t.status for t in all_})
        eq("each once in the export", total, len(all_))
        got, url = set(), "/api/v2/incremental/users/cursor.json?start_time=1"
        while url:
            j = admin.get(url).json
            got |= {u["id"] for u in j["users"]}
            url = None if j["end_of_stream"] else "/" + j["after_url"].split("/", 3)[3]
        eq("users exported", got, set(book.users))
        j = admin.get("/api/v2/incremental/organizations.json?start_time=1").json
        eq("organizations exported", {o["id"] for o in j["organizations"]}, set(orgs))
        sx = pages(admin, q("/api/v2/search/export.json", query="status<solved") + "&filter[type]=ticket&page[size]=100", "results")
        eq("search export", sorted(t["id"] for t in sx), sorted(t.id for t in live if t.unsolved))
        eq("suspended", len(admin.get("/api/v2/suspended_tickets.json").json["suspended_tickets"]), book.held)
        eq("deleted tickets", sorted(t["id"] for t in pages(admin, "/api/v2/deleted_tickets.json?page[size]=100", "deleted_tickets")), sorted(t.id for t in all_ if t.deleted))
        status = json.loads(desk.ward("status", "--json").stdout)
        eq("ward status", (status["tickets"], status["suspended_tickets"]), (len(live), book.held))
        return n

    n = report("in the evening")

    # ---- the trail
    def trail():
        lines = desk.ward("trail", "export", "--format", "jsonl").stdout.decode().splitlines()
        events = [json.loads(json.loads(l)["canonical"]) for l in lines if '"canonical"' in l[:20]]
        c = collections.Counter(e.get("action") for e in events)
        for tag, id in triggers.items():         # what a trigger did stands in the change's event, with its cause
            c["by trigger " + tag] = sum(any(f.get("cause") == "trigger:%d" % id for f in e.get("fields", ())) for e in events)
        return c

    for tag in triggers:
        book.trail["by trigger " + tag] = book.fired[tag]
    got = trail()
    for action, want in sorted(book.trail.items()):
        same("trail events " + action, got[action], want)
        n += 1

    # ---- four days later the solved ones are closed
    later = [t for t in book.live(status="solved")]
    r = ok(admin.post("/api/ward/v1/automations/run", {"at": stamp(now + datetime.timedelta(hours=98))}))["automation_run"]
    same("closed by the automation", r["changed"], len(later))
    for t in later:
        book.turn(t, "closed")
        book.trail["ticket.update"] += 1
    n += report("after four days")
    got = trail()
    same("trail events ticket.update after it", got["ticket.update"], book.trail["ticket.update"])
    before = counts(lambda t: t.status)
    desk.kill()
    desk.start()
    n += report("after a kill")
    check(desk.ward("trail", "verify").returncode == 0, "the trail verifies")
    print("%d arrivals, %d tickets, %d numbers checked; by status %s" % (ARRIVALS, len(book.t), n, dict(before)))
    print("not checked: " + "; ".join(UNCHECKED))
    check(n > 3000, "so many numbers were compared (%d)" % n)
done("clinic_day")
