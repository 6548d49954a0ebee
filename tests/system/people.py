#!/usr/bin/env python3
"""People: addresses, sessions, passwords, merging, deletion for good; organizations with members, domains, merging."""
import http.client, json, time
from desk import Desk, Client, check, done


def expect(what, reply, status, *words):
    ok = reply.status == status and all((w.encode() if isinstance(w, str) else w) in reply.body for w in words)
    return check(ok, "%s: wanted %d %s, got %r" % (what, status, words, reply))


def user(c, name, email, **f):
    r = c.post("/api/v2/users.json", {"user": dict(name=name, email=email, **f)})
    check(r.status == 201, "a user: %r" % r)
    return r.json["user"]["id"]


def show(c, uid):
    return c.get("/api/v2/users/%d.json" % uid).json["user"]


def org(c, name, **f):
    r = c.post("/api/v2/organizations.json", {"organization": dict(name=name, **f)})
    check(r.status == 201, "an organization: %r" % r)
    return r.json["organization"]["id"]


def job(c, reply):
    if not check(reply.status == 200 and b"job_status" in reply.body, "a job: %r" % reply):
        return {"results": []}
    url = "/" + reply.json["job_status"]["url"].split("/", 3)[3]
    for _ in range(400):
        j = c.get(url).json["job_status"]
        if j["status"] in ("completed", "failed", "killed"):
            return j
        time.sleep(0.02)
    return {"results": []}


def side_loads(desk, c):
    role = c.post("/api/v2/custom_roles.json", {"custom_role": {"name": "Light", "configuration": {"ticket_access": "all"}}}).json["custom_role"]["id"]
    who, agent = desk.person(c, "Sid Sideload", "sid@clinic.example", "agent")
    c.put("/api/v2/users/%d.json" % who, {"user": {"custom_role_id": role}})
    asks = user(c, "Una Asks", "una@patients.example")
    for status in ("open", "pending", "solved"):
        r = c.post("/api/v2/tickets.json", {"ticket": {"subject": "s", "comment": {"body": "x"}, "requester_id": asks, "assignee_id": who, "status": status}})
        check(r.status == 201, "a ticket: %r" % r)
    j = c.get("/api/v2/users/show_many.json?ids=%d,%d&include=roles,abilities,open_ticket_count" % (who, asks)).json
    check([r["id"] for r in j["roles"]] == [role] and j["roles"][0]["name"] == "Light", "roles: %r" % j)
    check(j["open_ticket_count"] == {str(who): 2, str(asks): 2}, "open tickets of each: %r" % j["open_ticket_count"])
    check({a["id"]: a["can"]["edit"] for a in j["abilities"]} == {who: True, asks: True}, "what an administrator may do: %r" % j["abilities"])
    other = c.post("/api/v2/users.json", {"user": {"name": "Olga Other", "email": "olga@clinic.example", "role": "agent"}}).json["user"]["id"]
    j = agent.get("/api/v2/users/%d.json?include=abilities,open_ticket_count" % other).json
    check(not j["abilities"][0]["can"]["edit"] and "roles" not in j, "an agent may not, and only what was asked for comes: %r" % j)


def identities(desk, c):
    uid = user(c, "Ida Ident", "ida@patients.example")
    u = "/api/v2/users/%d/identities" % uid
    j = c.get(u + ".json").json
    check([(i["value"], i["primary"], i["type"]) for i in j["identities"]] == [("ida@patients.example", True, "email")], "one, primary: %s" % j)
    r = c.post(u + ".json", {"identity": {"type": "email", "value": "ida2@patients.example", "verified": True}})
    expect("a second", r, 201, "ida2@patients.example")
    second = r.json["identity"]["id"]
    check(r.json["identity"]["verified"] and not r.json["identity"]["primary"], "verified, not primary")
    for why, body, word in (("taken", {"value": "ida@patients.example"}, "DuplicateValue"), ("no address", {"value": "ida"}, "value"), ("nothing", {}, "value"), ("another type", {"type": "carrier_pigeon", "value": "x"}, "type"), ("no telephone number", {"type": "phone_number", "value": "call me"}, "value"), ("wrong types", {"value": ["x"], "verified": "maybe"}, "verified")):
        expect(why, c.post(u + ".json", {"identity": body}), 422, "RecordInvalid", word)
    r = c.put(u + "/%d/make_primary.json" % second, {})
    check(r.status == 200 and r.json["identities"][0]["value"] == "ida2@patients.example" and show(c, uid)["email"] == "ida2@patients.example", "primary: %r" % r)
    expect("the primary stays", c.delete(u + "/%d.json" % second), 422)
    first = [i["id"] for i in r.json["identities"] if not i["primary"]][0]
    expect("verified", c.put(u + "/%d/verify.json" % first, {}), 200, '"verified":true')
    expect("no mail is set up", c.put(u + "/%d/request_verification.json" % first, {}), 503)
    r = c.put(u + "/%d.json" % first, {"identity": {"value": "ida3@patients.example"}})
    expect("another address", r, 200, "ida3@patients.example")
    third = r.json["identity"]["id"]
    check(third == first and not r.json["identity"]["verified"], "it is the same identity, to be verified anew")
    check(desk.deliver(b"From: ida3@patients.example\nTo: help@clinic.example\nSubject: x\nMessage-ID: <q1@x>\n\nhello\n").returncode == 0, "mail of a secondary address")
    check(c.get("/api/v2/users/%d/tickets/requested.json" % uid).json["count"] == 1, "is hers")
    expect("gone", c.delete(u + "/%d.json" % third), 204)
    expect("a foreign one", c.get("/api/v2/users/%d/identities/%d.json" % (c.get("/api/v2/users/me.json").json["user"]["id"], second)), 404, "RecordNotFound")
    aid, agent = desk.person(c, "Ag Ent", "agent@clinic.example", "agent")
    expect("an agent adds none to himself", agent.post("/api/v2/users/%d/identities.json" % aid, {"identity": {"value": "own@clinic.example"}}), 403)
    eid, end = desk.person(c, "End Er", "ender@patients.example")
    expect("an end user sees the own", end.get("/api/v2/end_users/%d/identities.json" % eid), 200, "ender@")
    expect("and no other's", end.get("/api/v2/end_users/%d/identities.json" % uid), 404)
    # Other types: kept as they are written there, never an address, never primary.
    for kind, given, kept in (("phone_number", "+1 (555) 010-4477", "+15550104477"), ("twitter", "@ida_ident", "ida_ident"), ("facebook", "855769377321", "855769377321"),
                              ("google", "ida@gmail.example", "ida@gmail.example"), ("agent_forwarding", "+1 555 010 4478", "+15550104478")):
        r = c.post(u + ".json", {"identity": {"type": kind, "value": given}})
        check(r.status == 201 and r.json["identity"]["type"] == kind and r.json["identity"]["value"] == kept and not r.json["identity"]["primary"] and "deliverable_state" not in r.json["identity"], "%s: %r" % (kind, r))
        expect(kind + " once", c.post("/api/v2/users/%d/identities.json" % eid, {"identity": {"type": kind, "value": given}}), 422, "DuplicateValue")
    check([i["value"] for i in c.get(u + ".json?type=phone_number").json["identities"]] == ["+15550104477"], "by type")
    check([i["type"] for i in c.get(u + ".json?type[]=google&type[]=twitter").json["identities"]] == ["twitter", "google"], "by types")
    check(show(c, uid)["phone"] == "+15550104477", "the first number is the user's")
    phone = c.get(u + ".json?type=phone_number").json["identities"][0]["id"]
    expect("no number is primary", c.put(u + "/%d/make_primary.json" % phone, {}), 422)
    expect("nor verified by mail", c.put(u + "/%d/request_verification.json" % phone, {}), 422)
    r = c.put(u + "/%d.json" % phone, {"identity": {"verification_method": "low"}})
    check(r.status == 200 and r.json["identity"]["verified"] and r.json["identity"]["verification_method"] == "low", "but by an agent: %r" % r)
    expect("a type stays", c.put(u + "/%d.json" % phone, {"identity": {"type": "email", "value": "x@x.example"}}), 422, "type")
    check(c.get("/api/v2/users/search.json?query=email:ida@gmail.example").json["count"] == 0, "an account elsewhere is no address")
    seen, url = [], u + ".json?page[size]=2"
    while url:
        j = c.get(url).json
        seen += [i["type"] for i in j["identities"]]
        url = j["links"]["next"][j["links"]["next"].index("/api/"):] if j["meta"]["has_more"] else None
    check(len(seen) == 6 and seen[0] == "email", "pages: %s" % seen)
    # An end user's own, when verified.
    mine = "/api/v2/end_users/%d/identities" % eid
    own = end.get(mine + ".json").json["identities"]
    c.put("/api/v2/users/%d/identities/%d.json" % (eid, own[0]["id"]), {"identity": {"verified": False}})
    expect("who is not verified adds none", end.post(mine + ".json", {"identity": {"type": "email", "value": "ender2@patients.example"}}), 403)
    c.put("/api/v2/users/%d/identities/%d/verify.json" % (eid, own[0]["id"]), {})
    r = end.post(mine + ".json", {"identity": {"type": "email", "value": "ender2@patients.example", "verified": True, "primary": True}})
    check(r.status == 201 and not r.json["identity"]["verified"] and not r.json["identity"]["primary"], "an address of one's own, to be verified: %r" % r)
    new = r.json["identity"]["id"]
    expect("not primary before", end.put(mine + "/%d/make_primary.json" % new, {}), 422)
    expect("nor verified by oneself", end.put(mine + "/%d/verify.json" % new, {}), 403)
    c.put("/api/v2/users/%d/identities/%d/verify.json" % (eid, new), {})
    expect("then it is", end.put(mine + "/%d/make_primary.json" % new, {}), 200, "ender2@")
    expect("a number", end.post(mine + ".json", {"identity": {"type": "phone_number", "value": "+15550104499"}}), 201, "+15550104499")
    expect("nothing else", end.post(mine + ".json", {"identity": {"type": "google", "value": "e@gmail.example"}}), 422, "type")
    c.post("/api/v2/users/%d/identities.json" % eid, {"identity": {"type": "facebook", "value": "77"}})
    check([i["type"] for i in end.get(mine + ".json").json["identities"]] == ["email", "email", "phone_number"], "of other types they know nothing")
    expect("removed", end.delete(mine + "/%d.json" % own[0]["id"]), 204)
    end = Client(desk, "ender2@patients.example", desk.token("ender2@patients.example"))
    expect("another's do not exist", end.post("/api/v2/end_users/%d/identities.json" % uid, {"identity": {"type": "email", "value": "z@z.example"}}), 404)
    expect("nor go", end.delete("/api/v2/end_users/%d/identities/%d.json" % (uid, phone)), 404)
    expect("a made-up link", Client(desk).get("/api/ward/v1/verify/1.9999999999999999." + "A" * 43), 404)
    return agent


def sessions(desk, c):
    def login(email, password):
        r = Client(desk).call("POST", "/api/ward/v1/session", {"email": email, "password": password})
        cookie = (r.headers.get("Set-Cookie") or "").split("ward_session=")[-1].split(";")[0]
        return r, cookie
    me = c.get("/api/v2/users/me.json").json["user"]["id"]
    who = user(c, "Brow Ser", "browser@patients.example", password="quite a long one")
    r, cookie = login("browser@patients.example", "quite a long one")
    check(r.status in (200, 201) and cookie, "signed in: %r" % r)
    browser = Client(desk, cookie=cookie)
    browser.headers["X-CSRF-Token"] = browser.get("/api/v2/users/me.json").json["user"]["authenticity_token"]
    expect("my session", browser.get("/api/v2/users/me/session.json"), 200, "authenticated_at")
    expect("renewed", browser.get("/api/v2/users/me/session/renew.json"), 200, "authenticity_token")
    j = c.get("/api/v2/sessions.json").json
    check(len(j["sessions"]) == 1 and j["sessions"][0]["user_id"] == who and "meta" in j, "all sessions: %s" % j)
    sid = j["sessions"][0]["id"]
    expect("one", c.get("/api/v2/users/%d/sessions/%d.json" % (who, sid)), 200)
    expect("ended", c.delete("/api/v2/users/%d/sessions/%d.json" % (who, sid)), 204)
    check(browser.get("/api/v2/requests.json").status == 401, "at once")
    eid, end = desk.person(c, "Sess Ion", "session@patients.example")
    expect("another's are not there", end.get("/api/v2/users/%d/sessions.json" % me), 404)
    expect("one's own are", end.get("/api/v2/users/%d/sessions.json" % eid), 200)
    u = "/api/v2/users/%d/password.json" % eid
    expect("administrators set no passwords", c.post(u, {"password": "long enough words"}), 403)
    expect("the rules", c.get("/api/v2/users/%d/password/requirements.json" % eid), 200, "8 characters")
    expect("wrong before", c.put("/api/v2/users/%d/password.json" % me, {"previous_password": "nope", "password": "another long one"}), 422, "previous_password")
    expect("too short", c.put("/api/v2/users/%d/password.json" % me, {"previous_password": desk.PASSWORD, "password": "x"}), 422, "password")
    expect("one's own", c.put("/api/v2/users/%d/password.json" % me, {"previous_password": desk.PASSWORD, "password": "another long one"}), 200)
    check(login(desk.ADMIN, "another long one")[0].status in (200, 201) and login(desk.ADMIN, desk.PASSWORD)[0].status == 401, "the new one is the one")
    expect("not another's", c.put(u, {"previous_password": "x", "password": "another long one"}), 404)


def merging(desk, c, agent):
    a, b = user(c, "Mer Ge", "merge1@patients.example"), user(c, "Mer Geinto", "merge2@patients.example")
    t = c.post("/api/v2/tickets.json", {"ticket": {"subject": "mine", "comment": {"body": "x"}, "requester_id": a}}).json["ticket"]["id"]
    t2 = c.post("/api/v2/tickets.json", {"ticket": {"subject": "copied", "comment": {"body": "x"}, "email_ccs": [{"user_id": a}]}}).json["ticket"]["id"]
    expect("staff are not merged", c.put("/api/v2/users/%d/merge.json" % a, {"user": {"id": c.get("/api/v2/users/me.json").json["user"]["id"]}}), 422)
    expect("nor with nobody", c.put("/api/v2/users/%d/merge.json" % a, {"user": {"id": 999999}}), 422, "id")
    expect("nor with oneself", c.put("/api/v2/users/%d/merge.json" % a, {"user": {"id": a}}), 422)
    r = agent.put("/api/v2/users/%d/merge.json" % a, {"user": {"id": b}})
    expect("merged", r, 200, "Geinto")
    check(c.get("/api/v2/tickets/%d.json" % t).json["ticket"]["requester_id"] == b, "the ticket moved")
    check(c.get("/api/v2/tickets/%d/comments.json" % t).json["comments"][0]["author_id"] in (b, 1), "and its words")
    check(c.get("/api/v2/tickets/%d.json" % t2).json["ticket"]["email_cc_ids"] == [b], "and the copies")
    check({i["value"] for i in c.get("/api/v2/users/%d/identities.json" % b).json["identities"]} == {"merge1@patients.example", "merge2@patients.example"}, "and the addresses")
    check(show(c, a)["active"] is False, "the other is deleted")
    check([x["id"] for x in c.get("/api/v2/search.json?query=type:ticket%20requester:merge1@patients.example").json["results"]] == [t], "found by both addresses")


def deletion(desk, c):
    secret = "Zyzzyva"
    uid = user(c, secret + " Gone", "zyzzyva@patients.example", notes=secret, phone="+15550100")
    c.delete("/api/v2/users/%d.json" % uid)
    d = c.get("/api/v2/deleted_users.json").json
    check(uid in [u["id"] for u in d["deleted_users"]] and d["count"] == len(d["deleted_users"]) == c.get("/api/v2/deleted_users/count.json").json["count"]["value"], "listed: %s" % d["count"])
    expect("shown", c.get("/api/v2/deleted_users/%d.json" % uid), 200, secret)
    check(c.get("/api/v2/users/%d/compliance_deletion_statuses.json" % uid).json["compliance_deletion_statuses"] == [], "not asked for yet")
    expect("an active one is not there", c.delete("/api/v2/deleted_users/1.json"), 404)
    r = c.delete("/api/v2/deleted_users/%d.json" % uid)
    expect("for good", r, 200, "Permanently Deleted User")
    check(secret.encode() not in r.body and r.json["deleted_user"]["email"] is None, "nothing is left")
    check(secret.encode() not in c.get("/api/v2/deleted_users/%d.json" % uid).body, "nor shown again")
    check(secret.encode() not in c.get("/api/v2/audit_logs.json").body, "nor in the trail")
    check([x["action"] for x in c.get("/api/v2/users/%d/compliance_deletion_statuses.json" % uid).json["compliance_deletion_statuses"]][-1] == "complete", "and says so")
    expect("once", c.delete("/api/v2/deleted_users/%d.json" % uid), 404)


def organizations(desk, c):
    a = org(c, "North Clinic", domain_names=["north.example"], external_id="N1")
    b = org(c, "South Clinic")
    u = user(c, "Dom Ain", "dom@North.example")
    check(show(c, u)["organization_id"] == a, "the domain brings the organization")
    desk.deliver(b"From: Mail Er <mailer@north.example>\nTo: help@clinic.example\nSubject: x\nMessage-ID: <q2@x>\n\nhello\n")
    m = c.get("/api/v2/users/search.json?query=mailer@north.example").json["users"][0]
    check(m["organization_id"] == a, "also by mail")
    c.put("/api/v2/organizations/%d.json" % a, {"organization": {"domain_names": []}})
    check(show(c, user(c, "No Dom", "nodom@north.example"))["organization_id"] is None, "no longer")
    j = c.get("/api/v2/users/%d/organization_memberships.json" % u).json
    check([(x["organization_id"], x["default"], x["organization_name"]) for x in j["organization_memberships"]] == [(a, True, "North Clinic")], "a membership: %s" % j)
    r = c.post("/api/v2/organization_memberships.json", {"organization_membership": {"user_id": u, "organization_id": b}})
    expect("a second", r, 201, "South Clinic")
    mid = r.json["organization_membership"]["id"]
    expect("not twice", c.post("/api/v2/organization_memberships.json", {"organization_membership": {"user_id": u, "organization_id": b}}), 422, "DuplicateValue")
    expect("unknown", c.post("/api/v2/organization_memberships.json", {"organization_membership": {"user_id": 999999, "organization_id": 999999}}), 422, "user_id", "organization_id")
    check({o["id"] for o in c.get("/api/v2/users/%d/organizations.json" % u).json["organizations"]} == {a, b} and c.get("/api/v2/users/%d/organizations/count.json" % u).json["count"]["value"] == 2, "both")
    expect("the default", c.put("/api/v2/users/%d/organization_memberships/%d/make_default.json" % (u, mid), {}), 200)
    check(show(c, u)["organization_id"] == b and c.get("/api/v2/users/%d/organization_memberships.json" % u).json["count"] == 2, "is another")
    expect("it goes", c.delete("/api/v2/organization_memberships/%d.json" % mid), 204)
    check(show(c, u)["organization_id"] == a, "and the one that is left is the default: %s" % show(c, u)["organization_id"])
    c.put("/api/v2/users/%d.json" % u, {"user": {"organization_id": b}})
    check([x["organization_id"] for x in c.get("/api/v2/users/%d/organization_memberships.json" % u).json["organization_memberships"]] == [b], "set on the user, the membership follows")
    expect("left", c.delete("/api/v2/users/%d/organizations/%d.json" % (u, b)), 204)
    check(show(c, u)["organization_id"] is None, "none")
    j = job(c, c.post("/api/v2/organization_memberships/create_many.json", {"organization_memberships": [{"user_id": u, "organization_id": b}, {"user_id": 0}]}))
    check([x["success"] for x in j["results"]] == [True, False], "many: %s" % j)
    check([o["name"] for o in c.get("/api/v2/organizations/autocomplete.json?name=nor").json["organizations"]] == ["North Clinic"], "completed")
    expect("signs only", c.get("/api/v2/organizations/autocomplete.json?name=%22%28%29"), 200)
    expect("too short", c.get("/api/v2/organizations/autocomplete.json?name=n"), 400)
    t = c.post("/api/v2/tickets.json", {"ticket": {"subject": "org", "comment": {"body": "x"}, "organization_id": a}}).json["ticket"]["id"]
    check(c.get("/api/v2/organizations/%d/related.json" % a).json["organization_related"] == {"tickets_count": 2, "users_count": 1}, "related: %r" % c.get("/api/v2/organizations/%d/related.json" % a))
    r = c.post("/api/v2/organization_subscriptions.json", {"organization_subscription": {"user_id": 1, "organization_id": a}})
    expect("followed", r, 200)
    sid = r.json["organization_subscription"]["id"]
    check(c.get("/api/v2/organizations/%d/subscriptions.json" % a).json["organization_subscriptions"][0]["id"] == sid, "listed")
    expect("no more", c.delete("/api/v2/organization_subscriptions/%d.json" % sid), 204)
    expect("with itself", c.post("/api/v2/organizations/%d/merge.json" % a, {"organization_merge": {"winner_id": a}}), 422, "winner_id")
    expect("with nothing", c.post("/api/v2/organizations/%d/merge.json" % a, {"organization_merge": {}}), 422, "winner_id")
    r = c.post("/api/v2/organizations/%d/merge.json" % a, {"organization_merge": {"winner_id": b}})
    expect("merged", r, 200, "complete")
    check(c.get("/api/v2/organizations/%d.json" % a).status == 404 and show(c, m["id"])["organization_id"] == b, "the users moved")
    check(c.get("/api/v2/tickets/%d.json" % t).json["ticket"]["organization_id"] == b, "and the tickets")
    check(c.get("/api/v2/organizations/%d/users/count.json" % b).json["count"]["value"] == 2 == c.get("/api/v2/organizations/%d/users.json" % b).json["count"], "the counts too: %r" % c.get("/api/v2/organizations/%d/users/count.json" % b))
    expect("its record", c.get("/api/v2/organization_merges/%s.json" % r.json["organization_merge"]["id"]), 200, "winner_id")
    check(len(c.get("/api/v2/organizations/%d/merges.json" % b).json["organization_merges"]) == 1, "listed")
    x, y = org(c, "Ex"), org(c, "Why")
    j = job(c, c.put("/api/v2/organizations/update_many.json?ids=%d,%d" % (x, y), {"organization": {"notes": "both"}}))
    check(all(k["success"] for k in j["results"]) and c.get("/api/v2/organizations/%d.json" % y).json["organization"]["notes"] == "both", "many changed: %s" % j)
    j = job(c, c.delete("/api/v2/organizations/destroy_many.json?ids=%d,%d" % (x, y)))
    check(all(k["success"] for k in j["results"]) and c.get("/api/v2/organizations/%d.json" % y).status == 404, "many gone: %s" % j)


def groups(c):
    g = c.post("/api/v2/groups.json", {"group": {"name": "Lab"}}).json["group"]["id"]
    a = user(c, "Gro Up", "group@clinic.example", role="agent")
    j = job(c, c.post("/api/v2/group_memberships/create_many.json", {"group_memberships": [{"user_id": a, "group_id": g}, {"user_id": a, "group_id": g}]}))
    check([x["success"] for x in j["results"]] == [True, False], "memberships: %s" % j)
    check(c.get("/api/v2/groups/%d/users/count.json" % g).json["count"]["value"] == 1 and c.get("/api/v2/users/%d/groups/count.json" % a).json["count"]["value"] == 2, "counted")
    m = c.get("/api/v2/groups/%d/memberships.json" % g).json["group_memberships"][0]["id"]
    j = job(c, c.delete("/api/v2/group_memberships/destroy_many.json?ids=%d" % m))
    check(j["results"][0]["success"] and c.get("/api/v2/groups/%d/users/count.json" % g).json["count"]["value"] == 0, "gone: %s" % j)


def kept_as(c):
    """What other systems send of a person, and how it is kept."""
    r = c.post("/api/v2/users.json", {"user": {"name": "Ida Many", "external_id": "Hub-7", "tags": ["VIP", "a b", "c,d"], "identities": [
        {"type": "email", "value": "many1@patients.example"}, {"type": "email", "value": "many2@patients.example", "verified": True}, {"type": "phone_number", "value": "+15550100188"}]}})
    check(r.status == 201 and r.json["user"]["email"] == "many1@patients.example" and r.json["user"]["tags"] == ["a", "b", "c", "d", "vip"], "one person, all at once: %r" % r)
    u = r.json["user"]["id"]
    check([(i["value"], i["primary"], i["verified"]) for i in c.get("/api/v2/users/%d/identities.json" % u).json["identities"]]
          == [("many1@patients.example", True, False), ("many2@patients.example", False, True), ("+15550100188", False, False)], "the identities")
    n = c.get("/api/v2/users/count.json").json["count"]["value"]
    r = c.post("/api/v2/users.json", {"user": {"name": "Twin", "email": "twin@patients.example", "identities": [{"type": "email", "value": "many2@patients.example"}]}})
    check(r.status == 422 and c.get("/api/v2/users/count.json").json["count"]["value"] == n and not c.get("/api/v2/users/search.json?query=twin@patients.example").json["users"], "all or nothing: %r" % r)
    r = c.put("/api/v2/users/%d.json" % u, {"user": {"email": "many3@patients.example"}})
    check(r.json["user"]["email"] == "many1@patients.example" and len(c.get("/api/v2/users/%d/identities.json" % u).json["identities"]) == 4, "another address is a secondary one: %r" % r)
    r = c.put("/api/v2/users/%d.json" % u, {"user": {"locale_id": 2, "time_zone": "Pacific Time (US & Canada)"}}).json["user"]
    check([r[k] for k in ("locale", "locale_id", "time_zone", "iana_time_zone")] == ["es", 2, "Pacific Time (US & Canada)", "America/Los_Angeles"], "language and zone, both ways of each: %r" % r)
    check(c.put("/api/v2/users/%d.json" % u, {"user": {"locale_id": 77777}}).status == 422, "a language that is not known")
    r = c.get("/api/v2/users/%d.json?include=identities" % u).json
    check([i["value"] for i in r["identities"]] == [i["value"] for i in c.get("/api/v2/users/%d/identities.json" % u).json["identities"]], "identities beside a person: %r" % r)
    r = c.get("/api/v2/users.json?role=end-user&include=identities,groups,organizations").json
    check({i["user_id"] for i in r["identities"]} == {x["id"] for x in r["users"] if x["email"]} and r["groups"] == [] and r["organizations"] == [], "and beside many: %r" % r)
    o = c.post("/api/v2/organizations.json", {"organization": {"name": "Hub", "external_id": "Hub-O", "tags": ["Gold Plus"]}}).json["organization"]
    check(o["tags"] == ["gold", "plus"], "an organization's tags: %r" % o)
    j = job(c, c.put("/api/v2/users/update_many.json", {"users": [{"external_id": "hub-7", "notes": "by its other name"}, {"external_id": "nobody", "notes": "x"}, {"notes": "y"}]}))
    check([x["success"] for x in j["results"]] == [True, False, False] and c.get("/api/v2/users/%d.json" % u).json["user"]["notes"] == "by its other name", "people by external id: %r" % j)
    j = job(c, c.put("/api/v2/organizations/update_many.json", {"organizations": [{"external_id": "Hub-O", "notes": "n"}]}))
    check(j["results"][0]["success"] and c.get("/api/v2/organizations/%d.json" % o["id"]).json["organization"]["notes"] == "n", "organizations, too: %r" % j)


with Desk() as desk:
    admin = desk.admin()
    kept_as(admin)
    agent = identities(desk, admin)
    side_loads(desk, admin)
    sessions(desk, admin)
    merging(desk, admin, agent)
    deletion(desk, admin)
    organizations(desk, admin)
    groups(admin)
    check(desk.ward("trail", "verify").returncode == 0, "the trail verifies")
done("people")
