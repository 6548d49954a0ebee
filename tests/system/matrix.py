#!/usr/bin/env python3
"""P3, Gated: every route of the table x every role x own and foreign objects.

The routes come from the server's own table, so a new route is in the matrix by itself; a permission that
this table does not know fails. What a role may do at all is written down here a second time, on purpose.
"""
import re, sys
from desk import Desk, Client, check, done

STAFF, ADMIN, PROOF, ALL = {"agent", "assigned", "groups", "limited", "admin"}, {"admin"}, {"admin", "officer"}, None
READS = STAFF | {"officer"}                    # a compliance officer reads, and changes nothing
SIGNED = READS | {"end", "other"}
WIDE = STAFF - {"limited"}                     # what the custom role of "limited" takes away
MAY = {
    "anyone": ALL, "signed_in": SIGNED, "create_ticket": STAFF, "read_ticket": READS, "update_ticket": STAFF,
    "delete_ticket": ADMIN, "write_articles": ADMIN, "redact": ADMIN, "read_request": SIGNED, "create_request": SIGNED, "list_users": WIDE | {"officer"},
    "read_user": SIGNED, "write_user": STAFF, "read_groups": READS, "write_groups": ADMIN, "read_orgs": READS,
    "write_orgs": ADMIN, "search": STAFF, "export": ADMIN, "read_trail": PROOF, "read_posture": PROOF, "read_jobs": READS,
    "suspended": {"admin", "agent"}, "admin": ADMIN, "own_factor": READS,
    "read_reports": {"admin", "agent", "officer"},
    "read_rules": READS, "write_rules": STAFF, "manage_rules": ADMIN,
}
BODY = {"ticket": {"comment": {"body": "x"}}, "user": {"name": "N N"}, "group": {"name": "g"}, "request": {"subject": "s", "comment": {"body": "x"}},
        "organization": {"name": "o"}, "group_membership": {}, "text": "x", "tags": ["x"], "tickets": [], "users": [], "organizations": [],
        "html_body": "<redact>x</redact>", "email": "e", "password": "p"}
SECRET = "QuxLadder"

with Desk() as desk:
    admin = desk.admin()
    group = admin.post("/api/v2/groups.json", {"group": {"name": "Closed", "is_public": False}}).json["group"]["id"]
    other_group = admin.post("/api/v2/groups.json", {"group": {"name": "Elsewhere"}}).json["group"]["id"]
    who = {"admin": admin, "nobody": Client(desk)}
    ids = {}
    ids["agent"], who["agent"] = desk.person(admin, "Ana Agent", "ana@clinic.example", "agent")
    ids["assigned"], who["assigned"] = desk.person(admin, "Abe Assigned", "abe@clinic.example", "agent", ticket_restriction="assigned")
    ids["groups"], who["groups"] = desk.person(admin, "Gil Groups", "gil@clinic.example", "agent", ticket_restriction="groups")
    admin.post("/api/v2/group_memberships.json", {"group_membership": {"user_id": ids["groups"], "group_id": other_group}})
    role = admin.post("/api/v2/custom_roles.json", {"custom_role": {"name": "Little", "configuration": {"end_user_list_access": "none", "ticket_access": "assigned-only"}}}).json["custom_role"]["id"]
    ids["limited"], who["limited"] = desk.person(admin, "Lia Limited", "lia@clinic.example", "agent", custom_role_id=role)
    officer = [r for r in admin.get("/api/v2/custom_roles.json").json["custom_roles"] if r["ward_built_in"] == "compliance_officer"][0]["id"]
    ids["officer"], who["officer"] = desk.person(admin, "Opal Officer", "opal@clinic.example", "agent", custom_role_id=officer)
    ids["end"], who["end"] = desk.person(admin, "Eve Enduser", "eve@patients.example")
    ids["other"], who["other"] = desk.person(admin, "Otto Other", "otto@patients.example")
    who["read_only"] = Client(desk, bearer=desk.token(None, "--bearer", "--read-only"))

    def ticket(**fields):
        r = admin.post("/api/v2/tickets.json", {"ticket": dict({"subject": SECRET, "comment": {"body": SECRET + " body"}}, **fields)})
        assert r.status == 201, r
        return r.json["ticket"]["id"]

    closed = ticket(group_id=group, requester_id=ids["end"])
    comment = admin.get("/api/v2/tickets/%d/comments.json" % closed).json["comments"][0]["id"]
    audit = admin.get("/api/v2/tickets/%d/audits.json" % closed).json["audits"][0]["id"]
    note = admin.put("/api/v2/tickets/%d.json" % closed, {"ticket": {"comment": {"body": SECRET + " note", "public": False}}}).json["audit"]["events"][0]["id"]
    upload = admin.post("/api/v2/uploads.json?filename=a.txt", raw=b"x").json["upload"]["attachment"]["id"]
    gone = ticket(requester_id=ids["end"])
    admin.delete("/api/v2/tickets/%d.json" % gone)

    def fill(path, own):
        """Ids in the order of the path: of the closed ticket, or of nothing."""
        n = [0]

        def one(m):
            n[0] += 1
            before = path[:m.start()].rstrip("/").split("/")[-1]
            if m.group(0) == "{word}":
                return "requested" if "tickets" in before else "nothing"
            if not own:
                return "999999"
            return str({"tickets": closed, "comments": comment, "audits": audit, "requests": closed, "users": ids["end"], "groups": group,
                        "deleted_tickets": gone, "comment_redactions": comment, "attachments": upload}.get(before, 999999))
        return re.sub(r"\{(id|word)\}", one, path)

    routes = admin.get("/api/ward/v1/routes").json["routes"]
    check(len(routes) > 90, "the table has its routes (%d)" % len(routes))
    cells = 0
    for r in routes:
        m, path, permission = r["method"], r["path"], r["permission"]
        if not check(permission in MAY, "%s %s: permission %s is known here" % (m, path, permission)):
            continue
        allowed = MAY[permission]
        query = "?ids=%d&query=%s&start_time=0&name=%s&external_id=x&filename=f" % (closed, SECRET.lower(), SECRET.lower())
        for role, client in who.items():
            if role == "admin" and m != "GET":
                continue                       # would change what the others are tried on
            for suffix in (".json", ""):
                for own in (True, False):
                    if "{" not in path and not own:
                        continue
                    if own and m == "DELETE" and path == "/api/v2/users/{id}":
                        continue               # agents may: the requester would be gone
                    if m == "DELETE" and path.endswith("/oauth/tokens/current"):
                        continue               # the client would be without its own
                    url = fill(path, own) + (suffix if path.startswith("/api/v2") else "") + query
                    rep = client.call(m, url, body=BODY if m in ("POST", "PUT") else None)
                    cells += 1
                    name = "%s %s as %s, %s: %r" % (m, url, role, "real" if own else "unknown", rep)
                    check(rep.status < 500, "no fault: " + name)
                    if allowed is ALL:
                        check(rep.status not in (403,) or role == "read_only", "anybody may: " + name)
                        if role == "nobody":
                            check(SECRET.encode() not in rep.body, "nothing for nobody: " + name)
                    elif role == "nobody":
                        check(rep.status == 401, "nobody is asked to sign in: " + name)
                    elif role == "read_only":
                        check(rep.status == 403 if m != "GET" else rep.status != 401, "a reading token only reads: " + name)
                    elif role not in allowed:
                        check(rep.status == 403 and SECRET.encode() not in rep.body, "not this role: " + name)
                    else:
                        check(rep.status != 401, "signed in: " + name)
                        if role in ("agent", "assigned", "groups", "limited", "officer", "other"):
                            # The closed ticket is nobody's of these: not even its existence shows.
                            check(SECRET.encode() not in rep.body, "nothing of a closed ticket: " + name)
                        if role == "end" and m == "GET":
                            check((SECRET + " note").encode() not in rep.body, "no note for the requester: " + name)
        # A foreign ticket and one that does not exist read the same, byte for byte.
        if ("/tickets/{id}" in path or "/requests/{id}" in path) and m == "GET":
            for role in ("assigned", "groups", "agent", "limited") if allowed is STAFF else ("assigned", "groups", "agent", "limited", "officer") if allowed is READS else ("other",):
                a, b = who[role].get(fill(path, True)), who[role].get(fill(path, False))
                check(a.status == b.status == 404 and a.body == b.body, "foreign reads as unknown: %s as %s: %r %r" % (path, role, a, b))
    # What they may: their own.
    r = who["end"].get("/api/v2/requests/%d.json" % closed)
    check(r.status == 200 and SECRET.encode() in r.body, "the requester reads the request: %r" % r)
    r = who["end"].get("/api/v2/requests/%d/comments.json" % closed)
    check(r.status == 200 and b"note" not in r.body, "without the notes: %r" % r)
    check(who["end"].get("/api/v2/requests/%d/comments/%d.json" % (closed, note)).status == 404, "a note does not exist for the requester")
    mine = ticket(assignee_id=ids["assigned"])
    check(who["assigned"].get("/api/v2/tickets/%d.json" % mine).status == 200, "the assignee reads")
    theirs = ticket(group_id=other_group)
    check(who["groups"].get("/api/v2/tickets/%d.json" % theirs).status == 200, "the group's member reads")
    check(who["agent"].get("/api/v2/tickets/%d.json" % theirs).status == 200, "an agent who sees all reads")
    for role in ("assigned", "groups", "agent", "limited"):
        listed = [t["id"] for t in who[role].get("/api/v2/tickets.json").json["tickets"]]
        check(closed not in listed, "%s does not list what is closed" % role)
        n = who[role].get("/api/v2/tickets/count.json").json["count"]["value"]
        check(n == len(listed), "%s: the count is of what is listed (%d, %d)" % (role, n, len(listed)))
    check(who["agent"].put("/api/v2/users/%d.json" % ids["agent"], {"user": {"role": "admin"}}).status in (403, 422), "nobody makes himself admin")
    check(who["agent"].post("/api/v2/users.json", {"user": {"name": "X", "email": "x1@x.example", "role": "admin"}}).status in (403, 422), "an agent makes no admin")
    # Taken away at once.
    admin.put("/api/v2/users/%d.json" % ids["agent"], {"user": {"suspended": True}})
    r = who["agent"].get("/api/v2/tickets.json")
    check(r.status in (401, 429), "a suspended agent is out at once: %r" % r)      # 429: wrong clients were tried from here
    admin.put("/api/v2/users/%d.json" % ids["groups"], {"user": {"role": "end-user"}})
    check(who["groups"].get("/api/v2/tickets.json").status == 403, "a demoted agent is out at once")
    print("%d routes, %d answers" % (len(routes), cells))
done("matrix")
