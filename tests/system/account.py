#!/usr/bin/env python3
"""The account's settings and languages, satisfaction, skips, attachments by link."""
from desk import Desk, Client, check, done


def expect(what, reply, status, *words):
    ok = reply.status == status and all((w.encode() if isinstance(w, str) else w) in reply.body for w in words)
    return check(ok, "%s: wanted %d %s, got %r" % (what, status, words, reply))


def locales(c):
    j = c.get("/api/v2/locales.json").json
    check(j["count"] == len(j["locales"]) > 3 and j["locales"][0]["locale"] == "en-US", "the locales")
    expect("by number", c.get("/api/v2/locales/8.json"), 200, '"de"')
    expect("by name", c.get("/api/v2/locales/de.json"), 200, '"de"')
    expect("unknown", c.get("/api/v2/locales/xx.json"), 404)
    expect("mine", c.get("/api/v2/locales/current.json"), 200, "en-US")
    best = "/api/v2/locales/detect_best_locale.json"
    check(c.get(best, headers={"Accept-Language": "xx, fr-CA;q=0.8, de"}).json["locale"]["locale"] == "fr", "the first that is known")
    check(c.get(best + "?available_locales[]=de", headers={"Accept-Language": "fr, de;q=0.5"}).json["locale"]["locale"] == "de", "of those that are wanted")
    check(c.get(best, headers={"Accept-Language": ";;,-,"}).json["locale"]["locale"] == "en-US", "else the default")


def settings(desk, c):
    s = c.get("/api/v2/account/settings.json").json["settings"]
    check(s["tickets"]["agent_ticket_deletion"] is False and s["tickets"]["private_attachments"] is True and s["brands"]["default_brand_id"], "the settings: %s" % s["tickets"])
    _, agent = desk.person(c, "Ag Ent", "ag@clinic.example", "agent")
    t = c.post("/api/v2/tickets.json", {"ticket": {"comment": {"body": "x"}}}).json["ticket"]["id"]
    expect("agents delete nothing", agent.delete("/api/v2/tickets/%d.json" % t), 403)
    expect("allowed", c.put("/api/v2/account/settings.json", {"settings": {"tickets": {"agent_ticket_deletion": True}}}), 200, '"agent_ticket_deletion":true')
    expect("now they do", agent.delete("/api/v2/tickets/%d.json" % t), 204)
    expect("what always is so", c.put("/api/v2/account/settings.json", {"settings": {"tickets": {"private_attachments": False, "agent_ticket_deletion": False}}}), 422, "private_attachments")
    check(c.get("/api/v2/account/settings.json").json["settings"]["tickets"]["agent_ticket_deletion"] is True, "and then nothing was changed")
    expect("wrong types", c.put("/api/v2/account/settings.json", {"settings": {"tickets": {"agent_ticket_deletion": "yes"}}}), 422, "agent_ticket_deletion")
    expect("not by agents", agent.put("/api/v2/account/settings.json", {"settings": {}}), 403)
    put = lambda section, key, value: c.put("/api/v2/account/settings.json", {"settings": {section: {key: value}}})
    # Who solves what nobody has.
    for on in (False, True):
        check(put("tickets", "assign_tickets_upon_solve", on).json["settings"]["tickets"]["assign_tickets_upon_solve"] is on, "switched")
        t = c.post("/api/v2/tickets.json", {"ticket": {"comment": {"body": "x"}}}).json["ticket"]["id"]
        got = agent.put("/api/v2/tickets/%d.json" % t, {"ticket": {"status": "solved"}}).json["ticket"]["assignee_id"]
        check((got is not None) is on, "solved by whom: %s %s" % (on, got))
    note = {"ticket": {"comment": {"body": "x", "public": False}}}
    expect("a note first", c.post("/api/v2/tickets.json", note), 201)
    put("tickets", "is_first_comment_private_enabled", False)
    expect("no note first", c.post("/api/v2/tickets.json", note), 422, "comment")
    t = c.post("/api/v2/tickets.json", {"ticket": {"comment": {"body": "x"}}}).json["ticket"]["id"]
    expect("a note later", c.put("/api/v2/tickets/%d.json" % t, note), 200)
    expect("of the past", c.post("/api/v2/imports/tickets.json", {"ticket": {"subject": "x", "comments": [{"value": "x", "public": False}]}}), 201)
    put("tickets", "is_first_comment_private_enabled", True)
    group = lambda name: c.post("/api/v2/groups.json", {"group": {"name": name}})
    one = group("Lab").json["group"]["id"]
    expect("two of a name", group("Lab"), 201)
    put("groups", "check_group_name_uniqueness", True)
    expect("one of a name", group("lab"), 422, "DuplicateValue")
    other = group("Desk").json["group"]["id"]
    expect("nor by another way", c.put("/api/v2/groups/%d.json" % other, {"group": {"name": "LAB"}}), 422, "DuplicateValue")
    expect("what is so already stays", c.put("/api/v2/groups/%d.json" % one, {"group": {"description": "x"}}), 200)
    c.delete("/api/v2/groups/%d.json" % other)
    expect("a name that is free again", group("Desk"), 201)
    first = c.get("/api/v2/account/settings.json").json["settings"]["brands"]["default_brand_id"]
    b = c.post("/api/v2/brands.json", {"brand": {"name": "Other", "subdomain": "other-one"}}).json["brand"]["id"]
    r = put("brands", "default_brand_id", b)
    check(r.status == 200 and r.json["settings"]["brands"]["default_brand_id"] == b, "another default brand: %r" % r)
    check([x["id"] for x in c.get("/api/v2/brands.json").json["brands"] if x["default"]] == [b], "the only one")
    check(c.post("/api/v2/tickets.json", {"ticket": {"comment": {"body": "x"}}}).json["ticket"]["brand_id"] == b, "which new tickets get")
    for v in (999999, "x", True):
        expect("no such brand", put("brands", "default_brand_id", v), 422, "default_brand_id")
    expect("and back", put("brands", "default_brand_id", first), 200)
    check("setting" in str(c.get("/api/v2/audit_logs.json?page[size]=100").json), "in the trail")
    j = c.get("/api/v2/security_settings.json").json["security_settings"]
    check(j["maximum_session_duration"] == 720 and j["authentication"]["agent"]["two_factor_enforce"] is True, "security: %s" % j)
    expect("not for agents", agent.get("/api/v2/security_settings.json"), 403)
    return agent


def satisfaction(desk, c, agent):
    eid, end = desk.person(c, "Sat Isfied", "sat@patients.example")
    _, other = desk.person(c, "Oth Er", "oth@patients.example")
    t = c.post("/api/v2/tickets.json", {"ticket": {"subject": "s", "comment": {"body": "b"}, "requester_id": eid}}).json["ticket"]["id"]
    u = "/api/v2/tickets/%d/satisfaction_rating.json" % t
    expect("not before it is solved", end.post(u, {"satisfaction_rating": {"score": "good"}}), 422)
    c.put("/api/v2/tickets/%d.json" % t, {"ticket": {"status": "solved"}})
    expect("not by another", other.post(u, {"satisfaction_rating": {"score": "good"}}), 404)
    expect("nor by staff", c.post(u, {"satisfaction_rating": {"score": "good"}}), 403)
    expect("what it may be", end.post(u, {"satisfaction_rating": {"score": "meh", "comment": 5, "reason_code": 7}}), 422, "score", "comment", "reason_code")
    r = end.post(u, {"satisfaction_rating": {"score": "bad", "comment": "Nurse Quandrix was late", "reason_code": 1000}})
    expect("said", r, 200, '"score":"bad"', "Quandrix", "too long to resolve")
    expect("and thought over", end.post(u, {"satisfaction_rating": {"score": "good", "comment": "Nurse Quandrix was kind"}}), 200, '"score":"good"')
    check(c.get("/api/v2/tickets/%d.json" % t).json["ticket"]["satisfaction_rating"] == {"score": "good", "comment": "Nurse Quandrix was kind"}, "on the ticket")
    j = c.get("/api/v2/satisfaction_ratings.json").json
    check(j["count"] == 1 and j["satisfaction_ratings"][0]["score"] == "good", "one per ticket: %s" % j)
    rid = j["satisfaction_ratings"][0]["id"]
    expect("one", c.get("/api/v2/satisfaction_ratings/%d.json" % rid), 200, "Quandrix")
    for score, n in (("good", 1), ("bad", 0), ("good_with_comment", 1), ("good_without_comment", 0), ("offered", 0)):
        check(c.get("/api/v2/satisfaction_ratings/count.json?score=" + score).json["count"]["value"] == n == len(c.get("/api/v2/satisfaction_ratings.json?score=" + score).json["satisfaction_ratings"]), "of score %s" % score)
    check(c.get("/api/v2/satisfaction_ratings/count.json?end_time=1000").json["count"]["value"] == 0, "by time")
    expect("a wrong time", c.get("/api/v2/satisfaction_ratings.json?start_time=x"), 400)
    check(any(e["type"] == "SatisfactionRating" for a in c.get("/api/v2/tickets/%d/audits.json" % t).json["audits"] for e in a["events"]), "in the audits")
    check(b"Quandrix" not in b"".join(open(f, "rb").read() for f in desk.files()), "sealed")
    cid = c.get("/api/v2/tickets/%d/comments.json" % t).json["comments"][0]["id"]
    c.put("/api/v2/tickets/%d.json" % t, {"ticket": {"comment": {"body": "Quandrix"}}})
    cid = c.get("/api/v2/tickets/%d/comments.json" % t).json["comments"][-1]["id"]
    expect("a redaction", c.put("/api/v2/tickets/%d/comments/%d/redact.json" % (t, cid), {"text": "Quandrix"}), 200)
    r = c.get("/api/v2/satisfaction_ratings/%d.json" % rid)
    check(r.status == 200 and b"Quandrix" not in r.body and b"was kind" in r.body, "reaches the rating too: %r" % r)
    check(len(c.get("/api/v2/satisfaction_reasons.json").json["reasons"]) == 5, "the reasons")
    expect("one of them", c.get("/api/v2/satisfaction_reasons/1001.json"), 200, "not resolved")
    c.delete("/api/v2/tickets/%d.json" % t)
    check(c.get("/api/v2/satisfaction_ratings.json").json["satisfaction_ratings"] == [], "a deleted ticket's are not shown")
    t = c.post("/api/v2/tickets.json", {"ticket": {"subject": "s", "comment": {"body": "b"}}}).json["ticket"]["id"]
    r = agent.post("/api/v2/skips.json", {"skip": {"ticket_id": t, "reason": "Not mine"}})
    expect("a skip", r, 201, "Not mine")
    for path in ("skips.json", "tickets/%d/skips.json" % t, "users/%d/skips.json" % r.json["skip"]["user_id"]):
        check([s["reason"] for s in c.get("/api/v2/" + path).json["skips"]] == ["Not mine"], "listed: " + path)
    expect("of nothing", c.post("/api/v2/skips.json", {"skip": {}}), 422, "ticket_id")
    expect("of an unknown one", c.post("/api/v2/skips.json", {"skip": {"ticket_id": 999999}}), 404)


def bookmarks(desk, c, agent):
    t = [c.post("/api/v2/tickets.json", {"ticket": {"comment": {"body": "x"}}}).json["ticket"]["id"] for _ in range(3)]
    made = [agent.post("/api/v2/bookmarks.json", {"bookmark": {"ticket_id": k}}) for k in t + t[:1]]
    check(all(r.status == 201 for r in made) and made[3].json["bookmark"]["id"] == made[0].json["bookmark"]["id"], "kept at hand, once each: %s" % made)
    check([b["ticket"]["id"] for b in agent.get("/api/v2/bookmarks.json").json["bookmarks"]] == t[::-1], "newest first")
    check(c.get("/api/v2/bookmarks.json").json["bookmarks"] == [], "everybody has their own")
    b = made[0].json["bookmark"]["id"]
    expect("not another's", c.delete("/api/v2/bookmarks/%d.json" % b), 404)
    expect("gone", agent.delete("/api/v2/bookmarks/%d.json" % b), 204)
    expect("of nothing", agent.post("/api/v2/bookmarks.json", {"bookmark": {"ticket_id": 999999}}), 404)
    r = c.post("/api/v2/users/autocomplete.json", {"name": "sat is"})
    check(r.status == 200 and [u["name"] for u in r.json["users"]] == ["Sat Isfied"], "completed by a body: %r" % r)
    o = c.post("/api/v2/organizations.json", {"organization": {"name": "Asked"}}).json["organization"]["id"]
    _, mine = desk.person(c, "My Org", "myorg@patients.example", organization_id=o)
    c.post("/api/v2/tickets.json", {"ticket": {"comment": {"body": "x"}, "organization_id": o}})
    check(c.get("/api/v2/organizations/%d/requests.json" % o).json["count"] == 1, "an organization's requests")
    check(mine.get("/api/v2/organizations/%d/requests.json" % o).json["requests"] == [], "not shared, not seen")
    c.put("/api/v2/organizations/%d.json" % o, {"organization": {"shared_tickets": True}})
    check(len(mine.get("/api/v2/organizations/%d/requests.json" % o).json["requests"]) == 1, "shared, seen")
    q = "/api/v2/requests/search.json?query="
    mine.post("/api/v2/requests.json", {"request": {"subject": "Broken Crutch", "comment": {"body": "It hurts"}}})
    check([x["subject"] for x in mine.get(q + "hurts%20crutch").json["requests"]] == ["Broken Crutch"], "one's own are searched")
    check(mine.get(q + "hurts%20wheelchair").json["count"] == 0 and mine.get(q + "crutch&status=solved").json["count"] == 0, "by every word and the status")
    expect("for something", mine.get(q), 400)
    check(agent.get(q + "crutch").json["count"] == 0, "nobody else's")
    expect("another's", mine.get("/api/v2/organizations/%d/requests.json" % (o - 1)), 404)
    c.post("/api/v2/users.json", {"user": {"name": "Ex Tern", "email": "extern@patients.example", "external_id": "EX-1"}})
    r = c.put("/api/v2/users/update_many.json?external_ids=ex-1,nothing", {"user": {"notes": "by external id"}})
    check(r.status == 200 and r.json["job_status"]["total"] == 1, "by external ids: %r" % r)


PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64


def attachments(desk, c):
    eid, end = desk.person(c, "At Tach", "attach@patients.example")
    up = end.post("/api/v2/uploads.json?filename=x.html", raw=b"<script>alert(1)</script>", headers={"Content-Type": "text/html"}).json["upload"]
    expect("nobody sees it", c.get("/api/v2/attachments/%d.json" % up["attachment"]["id"]), 404)
    r = end.post("/api/v2/requests.json", {"request": {"subject": "s", "comment": {"body": "b", "uploads": [up["token"]]}}})
    t = r.json["request"]["id"]
    a = end.get("/api/v2/requests/%d/comments.json" % t).json["comments"][0]["attachments"][0]
    url = "/" + a["content_url"].split("/", 3)[3]
    nobody = Client(desk)
    r = nobody.get(url)
    check(r.status == 200 and r.body == b"<script>alert(1)</script>" and r.headers["Content-Type"] == "application/octet-stream" and r.headers["Content-Disposition"].startswith("attachment"), "by its link: %r %s" % (r, r.headers))
    check(r.headers["X-Content-Type-Options"] == "nosniff" and "sandbox" in r.headers["Content-Security-Policy"], "never run")
    plain = url.split("?")[0]
    check(nobody.get(plain).status == 401 and end.get(plain).status == 200, "without the link only when signed in")
    for wrong in ("x", "1.2.3", url.split("link=")[1][:-2] + "AA", url.split("link=")[1].replace(".", "0.", 1), "%00", "9" * 40 + ".1.a"):
        check(nobody.get(plain + "?link=" + wrong).status == 401, "a wrong link: %s" % wrong)
    check(nobody.get(plain.replace(str(a["id"]), str(a["id"] + 1)) + "?link=" + url.split("link=")[1]).status == 401, "a link is for one thing")
    looks = [e for e in c.get("/api/v2/access_logs.json").json["access_logs"] if "attachment" in str(e)]
    check(looks, "the look is in the log")
    c.put("/api/v2/users/%d.json" % eid, {"user": {"suspended": True}})
    check(nobody.get(url).status == 401, "a suspended user's link is nothing")
    c.put("/api/v2/users/%d.json" % eid, {"user": {"suspended": False}})
    same = end.get("/api/v2/requests/%d/comments.json" % t)
    again = end.get("/api/v2/requests/%d/comments.json" % t, headers={"If-None-Match": same.headers["ETag"]})
    check(again.status in (304, 200), "the same answer twice")
    expect("malware would be set aside", c.put("/api/v2/attachments/%d.json" % a["id"], {"attachment": {"malware_access_override": True}}), 200, '"malware_access_override":true')
    expect("which stays", c.get("/api/v2/attachments/%d.json" % a["id"]), 200, '"malware_access_override":true')
    expect("until it is taken back", c.put("/api/v2/attachments/%d.json" % a["id"], {"attachment": {"malware_access_override": False}}), 200, '"malware_access_override":false')
    expect("yes or no", c.put("/api/v2/attachments/%d.json" % a["id"], {"attachment": {"malware_access_override": "perhaps"}}), 422, "malware_access_override")
    expect("an agent without the right", end.delete("/api/v2/attachments/%d.json" % a["id"]), 403)
    expect("redacted", c.delete("/api/v2/attachments/%d.json" % a["id"]), 204)
    expect("it is", c.get("/api/v2/attachments/%d.json" % a["id"]), 200, "redacted.txt")
    up = end.post("/api/v2/uploads.json?filename=y.txt", raw=b"y").json["upload"]["attachment"]["id"]
    expect("one's own upload", end.delete("/api/v2/attachments/%d.json" % up), 204)
    expect("is gone", end.get("/api/v2/attachments/%d.json" % up), 404)
    mail = (b"From: attach@patients.example\nTo: help@clinic.example\nSubject: picture\nMessage-ID: <pic@x>\nMIME-Version: 1.0\nContent-Type: multipart/related; boundary=B\n\n--B\nContent-Type: text/html\n\n<p>see <img src=\"cid:a1\"></p>\n"
            b"--B\nContent-Type: image/png\nContent-ID: <a1>\nContent-Disposition: inline; filename=a.png\nContent-Transfer-Encoding: base64\n\niVBORw0KGgoAAAAAAAAAAAAAAAAAAAAA\n--B--\n")
    check(desk.deliver(mail).returncode == 0, "a mail with a picture")
    t = max(x["id"] for x in c.get("/api/v2/tickets.json?per_page=100").json["tickets"])
    atts = c.get("/api/v2/tickets/%d/comments.json" % t).json["comments"][0]["attachments"]
    check(c.get("/api/v2/tickets/%d/comments.json?include_inline_images=false" % t).json["comments"][0]["attachments"] == [], "left out when asked")
    check(len(c.get("/api/v2/tickets/%d/comments.json?include_inline_images=true" % t).json["comments"][0]["attachments"]) == 1, "or named")
    c.put("/api/v2/tickets/%d.json" % t, {"ticket": {"priority": "high"}})
    only = lambda q: [sorted({e["type"] for e in a["events"]}) for a in c.get("/api/v2/tickets/%d/audits.json?%s" % (t, q)).json["audits"]]
    check(only("filter_events[]=Comment") == [["Comment"]] and only("filter_events[]=Change") == [["Change"]] and only("filter_events[]=Comment&filter_events[]=Change") == [["Comment"], ["Change"]]
          and only("filter_events[]=Nothing") == [] and len(only("")) == 2, "audits by the type of their events: %s" % only(""))
    if check(len(atts) == 1 and atts[0]["inline"], "inline: %s" % atts):
        r = c.get("/" + atts[0]["content_url"].split("/", 3)[3])
        check(r.headers["Content-Type"] == "image/png" and r.headers["Content-Disposition"].startswith("inline"), "shown as the picture that it is: %s" % r.headers)


with Desk() as desk:
    admin = desk.admin()
    locales(admin)
    agent = settings(desk, admin)
    satisfaction(desk, admin, agent)
    attachments(desk, admin)
    bookmarks(desk, admin, agent)
    check(desk.ward("trail", "verify").returncode == 0, "the trail verifies")
with Desk() as desk:
    admin = desk.admin()
    uid, ana = desk.person(admin, "Ana Agent", "ana.settings@clinic.example", "agent")
    eid, eve = desk.person(admin, "Eve Enduser", "eve.settings@patients.example")
    at = "/api/v2/users/me/settings.json"
    s = ana.get(at).json["settings"]
    check(s["lotus"]["keyboard_shortcuts_enabled"] is True and s["lotus"]["agent_workspace_theme_preference"] == "0" and s["admin_center"] and s["shared_views_order"] is None, "settings of who set none: %s" % s)
    r = ana.put(at, {"settings": {"lotus": {"agent_workspace_theme_preference": "1", "keyboard_shortcuts_enabled": False, "a_new_one": True, "text": "x"}, "shared_views_order": [3, 1]}})
    s = r.json["settings"]
    check(r.status == 200 and s["lotus"]["agent_workspace_theme_preference"] == "1" and s["lotus"]["a_new_one"] is True and "text" not in s["lotus"] and s["shared_views_order"] == [3, 1], "changed: %r" % r)
    check(ana.put(at, {"settings": {"admin_center": {"has_admin_center_side_nav_open": False}}}).json["settings"]["lotus"]["keyboard_shortcuts_enabled"] is False and ana.get(at).json["settings"]["shared_views_order"] == [3, 1], "the others stay")
    check(admin.get(at).json["settings"]["lotus"]["keyboard_shortcuts_enabled"] is True, "each has their own")
    for body, status in (({}, 400), ({"settings": {}}, 400), ({"settings": 3}, 400), ({"settings": {"lotus": {"agent_workspace_theme_preference": "9"}}}, 422), ({"settings": {"lotus": {"keyboard_shortcuts_enabled": "x"}}}, 422),
                         ({"settings": {"lotus": 1}}, 422), ({"settings": {"shared_views_order": ["x"]}}, 422)):
        r = ana.put(at, body)
        check(r.status == status, "refused: %s %r" % (body, r))
    check(eve.get(at).status == 403 and eve.put(at, {"settings": {"lotus": {}}}).status == 403, "for staff")
    r = ana.post("/api/v2/users/request_create.json", {"user": {"name": "Roger Wilco", "email": "roge@example.org"}})
    check(r.status == 200 and r.body == b"", "another agent is asked for: %r" % r)
    check(ana.post("/api/v2/users/request_create.json", {"user": {"name": "", "email": "x"}}).status == 422 and eve.post("/api/v2/users/request_create.json", {"user": {"name": "R", "email": "r@example.org"}}).status == 403, "by whom, for whom")
    check(any(e["action_label"] or True for e in admin.get("/api/v2/audit_logs.json").json["audit_logs"]), "the trail has it")

with Desk() as desk:
    # How people sign in: never less than is safe, at once, in the trail.
    S = "/api/ward/v1/sign_in"
    admin = desk.admin()
    now = admin.get(S).json
    check(now["without_second_factor"] == {"staff": 1, "admins": 1}, "who has none yet: %s" % now)
    check(now["sign_in"] == {"idle_minutes": 15, "session_hours": 12, "password_characters": 8, "failures_allowed": 5, "invitation_days": 7, "second_factor": "staff", "admins_set_passwords": False}, "as it is at first: %s" % now)
    for change, rule in (({"idle_minutes": 0}, "164.312"), ({"idle_minutes": 31}, "800-63B"), ({"session_hours": 13}, "800-63B"), ({"password_characters": 7}, "5.1.1.2"), ({"password_characters": 65}, "5.1.1.2"),
                         ({"failures_allowed": 11}, "5.2.2"), ({"failures_allowed": 2}, "5.2.2"), ({"invitation_days": 31}, "30"), ({"second_factor": "nobody"}, "164.312(d)"), ({"idle_minutes": "5"}, "164.312"), ({"idle_minutes": None}, "164.312"), ({"admins_set_passwords": 1}, "true or false")):
        r = admin.put(S, {"sign_in": dict({"session_hours": 6}, **change)})
        check(r.status == 422 and rule in str(r.json["details"]), "refused, with the rule: %s %r" % (change, r))
    check(admin.put(S, {"sign_in": {"idle": 5}}).status == 422, "an unknown one")
    check(admin.get(S).json == now, "nothing has changed")
    eva, _ = desk.person(admin, "Eva Ende", "eva@patients.example", password="a password of hers")

    def sign_in(password, who="eva@patients.example"):
        return Client(desk).post("/api/ward/v1/session", {"email": who, "password": password})

    r = sign_in("a password of hers")
    s = Client(desk, cookie=r.headers["Set-Cookie"].split(";")[0].split("=", 1)[1], csrf=r.json["csrf"])
    check(s.get("/api/ward/v1/me").json["me"]["idle_minutes"] == 15, "a page knows when it ends")
    r = admin.put(S, {"sign_in": {"idle_minutes": 5, "session_hours": 8, "password_characters": 12, "failures_allowed": 3, "invitation_days": 2, "admins_set_passwords": True}})
    check(r.status == 200 and r.json["sign_in"]["idle_minutes"] == 5 and s.get("/api/ward/v1/me").json["me"]["idle_minutes"] == 5, "at once: %r" % r)
    z = admin.get("/api/v2/security_settings.json").json["security_settings"]
    check((z["agent_session_timeout"], z["maximum_session_duration"], z["authentication"]["agent"]["password"]["password_length"], z["authentication"]["agent"]["password"]["failed_attempts_allowed"], z["admins_can_set_user_passwords"]) == (5, 480, 12, 3, True), "where clients look: %s" % z)
    r = admin.put("/api/v2/users/%d.json" % eva, {"user": {"password": "elevenchars"}})
    check(r.status == 422 and "12 characters" in str(r.json["details"]), "a short password is refused: %r" % r)
    codes = [sign_in("wrong").status for _ in range(5)]
    check(codes.count(401) == 3 and codes.count(429) == 2, "locked after three: %s" % codes)
    events = [e for e in admin.get("/api/v2/audit_logs.json?filter[source_type]=setting").json["audit_logs"] if e["ward_action"] == "setting.update"]
    check(len(events) == 6 and any("failures_allowed" in e["change_description"] for e in events), "an event a change: %s" % [e["change_description"] for e in events])
    # Who needs a second factor: at the next request, in the trail; administrators never go without.
    annid, _ = desk.person(admin, "Ann Other", "other@clinic.example", "agent", password="a password of her own")
    r = sign_in("a password of her own", "other@clinic.example")
    t = Client(desk, cookie=r.headers["Set-Cookie"].split(";")[0].split("=", 1)[1], csrf=r.json["csrf"])
    check(t.get("/api/v2/tickets.json").status == 403, "an agent without one may only set it up")
    r = admin.put(S, {"sign_in": {"second_factor": "admins"}})
    check(r.status == 200 and r.json["sign_in"]["second_factor"] == "admins" and r.json["without_second_factor"] == {"staff": 2, "admins": 1}, "administrators only: %r" % r)
    check(t.get("/api/v2/tickets.json").status == 200, "at the next request an agent may work")
    adaid, _ = desk.person(admin, "Ada Admin", "ada@clinic.example", "admin", password="a password of Ada's")
    r = sign_in("a password of Ada's", "ada@clinic.example")
    u = Client(desk, cookie=r.headers["Set-Cookie"].split(";")[0].split("=", 1)[1], csrf=r.json["csrf"])
    check(u.get("/api/v2/tickets.json").status == 403, "an administrator never goes without")
    check(admin.put(S, {"sign_in": {"second_factor": "staff"}}).status == 200 and t.get("/api/v2/tickets.json").status == 403, "and back, at once")
    events = [e for e in admin.get("/api/v2/audit_logs.json?filter[source_type]=setting").json["audit_logs"] if "staff_second_factor" in e["change_description"]]
    check(len(events) == 2, "an event a change: %s" % [e["change_description"] for e in events])
    _, ann = desk.person(admin, "Ann Agent", "ann@clinic.example", "agent")
    check(ann.get(S).status == 403 and ann.put(S, {"sign_in": {"idle_minutes": 6}}).status == 403, "for administrators")
done("account")
