#!/usr/bin/env python3
"""Tickets in full: tags and their counts, merge, split, spam, problems, follow-ups, import, audits of the account, deleted ones."""
import os, time, urllib.parse
from desk import Desk, Client, check, done, totp


def expect(what, reply, status, *words):
    ok = reply.status == status and all((w.encode() if isinstance(w, str) else w) in reply.body for w in words)
    return check(ok, "%s: wanted %d %s, got %r" % (what, status, words, reply))


def ticket(c, **f):
    r = c.post("/api/v2/tickets.json", {"ticket": dict({"subject": "s", "comment": {"body": "b"}}, **f)})
    check(r.status == 201, "a ticket %s: %r" % (f, r))
    return r.json["ticket"]


def get(c, tid):
    return c.get("/api/v2/tickets/%d.json" % tid).json["ticket"]


def job(c, reply):
    if not check(reply.status == 200 and b"job_status" in reply.body, "a job: %r" % reply):
        return {}
    url = "/" + reply.json["job_status"]["url"].split("/", 3)[3]
    for _ in range(400):
        j = c.get(url).json["job_status"]
        if j["status"] in ("completed", "failed", "killed"):
            return j
        time.sleep(0.02)
    check(False, "the job ends")
    return {}


def counts(c):
    return {t["name"]: t["count"] for t in c.get("/api/v2/tags.json").json["tags"]}


def tags(desk, c):
    before = counts(c)
    a = ticket(c, tags=["Alpha", "beta"])
    b = ticket(c, tags=["alpha"])
    check(counts(c) == dict(before, alpha=2, beta=1), "counted: %s" % counts(c))
    u = "/api/v2/tickets/%d/tags.json" % a["id"]
    expect("set", c.post(u, {"tags": ["gamma", "alpha"]}), 201, "gamma")
    expect("added", c.put(u, {"tags": ["delta"]}), 200, "delta")
    expect("removed", c.delete(u, {"tags": ["alpha"]}), 200)
    expect("removed by query", c.delete(u + "?tags=delta"), 200)
    check(get(c, a["id"])["tags"] == ["gamma"] and counts(c) == dict(before, alpha=1, gamma=1), "the counts follow: %s" % counts(c))
    stamp = get(c, a["id"])["updated_at"]
    expect("a stale stamp", c.put(u, {"tags": ["x"], "safe_update": "true", "updated_stamp": "2001-01-01T00:00:00Z"}), 409, "UpdateConflict")
    expect("a fresh one", c.put(u, {"tags": ["x"], "safe_update": "true", "updated_stamp": stamp}), 200)
    for wrong in (None, 5, [5], {"a": 1}, ["x" * 300]):
        expect("tags %r" % (wrong,), c.put(u, {"tags": wrong}), 422, "tags")
    check(c.get("/api/v2/autocomplete/tags.json?name=al").json["tags"] == ["alpha"], "completed")
    expect("too short", c.get("/api/v2/autocomplete/tags.json?name=a"), 400)
    c.delete("/api/v2/tickets/%d.json" % b["id"])
    check("alpha" not in counts(c), "a deleted ticket counts no more")
    c.put("/api/v2/deleted_tickets/%d/restore.json" % b["id"], {})
    check(counts(c)["alpha"] == 1, "a restored one does")
    n = c.get("/api/v2/tags/count.json").json["count"]["value"]
    seen, url = [], "/api/v2/tags.json?page[size]=1"
    while url:
        j = c.get(url).json
        seen += [t["name"] for t in j["tags"]]
        url = "/" + j["links"]["next"].split("/", 3)[3] if j["meta"]["has_more"] else None
    check(len(seen) == len(set(seen)) == n, "each once by cursor: %s %d" % (seen, n))
    uid = c.post("/api/v2/users.json", {"user": {"name": "T T", "email": "tt@patients.example", "tags": ["one"]}}).json["user"]["id"]
    oid = c.post("/api/v2/organizations.json", {"organization": {"name": "Tagged", "tags": ["one"]}}).json["organization"]["id"]
    for u in ("/api/v2/users/%d/tags.json" % uid, "/api/v2/organizations/%d/tags.json" % oid):
        check(c.get(u).json == {"tags": ["one"]}, "read " + u)
        check(c.put(u, {"tags": ["two three"]}).json == {"tags": ["one", "three", "two"]}, "added " + u)
        check(c.delete(u, {"tags": ["one"]}).json == {"tags": ["three", "two"]}, "removed " + u)
        check(c.post(u, {"tags": []}).json == {"tags": []}, "set " + u)
    lid, limited = desk.person(c, "Lim Ited", "limited@clinic.example", "agent", ticket_restriction="assigned")
    check(limited.get("/api/v2/tags.json").json["tags"] == [] and limited.get("/api/v2/tags/count.json").json["count"]["value"] == 0, "who sees no ticket sees no tag")
    for k, tags in enumerate((["seen_by_limited", "night"], ["night"], ["set_by_this_trigger"])):
        ticket(c, tags=tags, assignee_id=lid)
    ticket(c, tags=["night", "hidden_tag"])
    check([(t["name"], t["count"]) for t in limited.get("/api/v2/tags.json").json["tags"]][0] == ("night", 2), "who sees a part sees its tags, as often: %r" % limited.get("/api/v2/tags.json"))
    check(sorted(t["name"] for t in limited.get("/api/v2/tags.json").json["tags"]) == ["night", "seen_by_limited", "set_by_this_trigger"], "and no others")
    seen, url = [], "/api/v2/tags.json?page[size]=1"
    while url:
        j = limited.get(url).json
        seen += [t["name"] for t in j["tags"]]
        url = "/" + j["links"]["next"].split("/", 3)[3] if j["meta"]["has_more"] else None
    check(len(seen) == 3 == len(set(seen)), "each once by cursor: %s" % seen)
    for who in (c, limited):
        check(who.get("/api/v2/autocomplete/tags.json?name=trig").json["tags"] == ["set_by_this_trigger"] and who.post("/api/v2/autocomplete/tags.json", {"name": "this"}).json["tags"] == ["set_by_this_trigger"], "any word of a tag is completed")
        check(who.get("/api/v2/autocomplete/tags.json?name=rigger").json["tags"] == [], "from its beginning")
    check(limited.get("/api/v2/autocomplete/tags.json?name=hidden").json["tags"] == [] and c.get("/api/v2/autocomplete/tags.json?name=hidden").json["tags"] == ["hidden_tag"], "of tickets that one sees")


def merging(c):
    up = c.post("/api/v2/uploads.json?filename=scan.txt", raw=b"scan " * 1000).json["upload"]["token"]
    target = ticket(c, subject="target")
    one = ticket(c, subject="one", comment={"body": "look", "uploads": [up]}, tags=["old"])
    two = ticket(c, subject="two")
    j = job(c, c.post("/api/v2/tickets/%d/merge.json" % target["id"], {"ids": [one["id"], two["id"]], "target_comment": "Merged words", "source_comment": "Gone there", "target_comment_is_public": False}))
    check(j["status"] == "completed" and j["results"][0]["success"], "merged: %s" % j)
    for t in (one, two):
        now = get(c, t["id"])
        check(now["status"] == "closed" and "closed_by_merge" in now["tags"], "a source is closed: %s" % now["status"])
    last = c.get("/api/v2/tickets/%d/comments.json" % target["id"]).json["comments"][-1]
    check(last["body"] == "Merged words" and last["public"] is False and len(last["attachments"]) == 1, "the target's comment: %s" % last)
    check(last["via"]["source"]["rel"] == "merge" and set(last["via"]["source"]["from"]["ticket_ids"]) == {one["id"], two["id"]}, "says what: %s" % last["via"])
    content = "/" + last["attachments"][0]["content_url"].split("/", 3)[3]
    check(c.get(content).body == b"scan " * 1000, "the attachment was copied")
    j = job(c, c.post("/api/v2/tickets/%d/merge.json" % target["id"], {"ids": [one["id"]]}))
    check(j["results"][0]["success"] is False and "closed" in j["results"][0]["details"], "a closed one is not merged: %s" % j)
    j = job(c, c.post("/api/v2/tickets/%d/merge.json" % target["id"], {"ids": [ticket(c)["id"], 999999]}))
    check(j["results"][0]["success"] is False, "with one unknown none is")
    n = c.get("/api/v2/tickets/%d/comments/count.json" % target["id"]).json["count"]["value"]
    check(n == 2, "and the target has nothing of it: %d" % n)
    for wrong in ({}, {"ids": []}, {"ids": "1"}, {"ids": [{}]}, {"ids": [1], "target_comment": 5, "source_comment_is_public": "x"}):
        expect("merge %s" % wrong, c.post("/api/v2/tickets/%d/merge.json" % target["id"], wrong), 422, "RecordInvalid")
    expect("closed takes nothing", c.put("/api/v2/tickets/%d.json" % one["id"], {"ticket": {"priority": "low"}}), 422, "closed prevents ticket update")
    f = ticket(c, via_followup_source_id=one["id"], comment={"body": "again"})
    check(f["via"]["channel"] == "closed_ticket" and f["via"]["source"]["rel"] == "follow_up" and get(c, one["id"])["followup_ids"] == [f["id"]], "a follow-up: %s" % f["via"])
    check(c.get("/api/v2/tickets/%d/related.json" % f["id"]).json["followup_source_ids"] == [str(one["id"])], "related knows")
    expect("only of a closed one", c.post("/api/v2/tickets.json", {"ticket": {"comment": {"body": "x"}, "via_followup_source_id": target["id"]}}), 422, "via_followup_source_id")
    cid = last["id"]
    r = c.post("/api/ward/v1/tickets/%d/split" % target["id"], {"comment_id": cid, "subject": "Split off"})
    expect("split", r, 201, "Split off")
    s = r.json["ticket"]["id"]
    cs = c.get("/api/v2/tickets/%d/comments.json" % s).json["comments"]
    check(cs[0]["body"] == "Merged words" and cs[0]["public"] is False and len(cs[0]["attachments"]) == 1, "with words and attachments: %s" % cs)


def spam(c):
    u = c.post("/api/v2/users.json", {"user": {"name": "Spam Mer", "email": "spam@bad.example"}}).json["user"]["id"]
    t = ticket(c, requester_id=u)
    expect("spam", c.put("/api/v2/tickets/%d/mark_as_spam.json" % t["id"], {}), 200)
    check(c.get("/api/v2/tickets/%d.json" % t["id"]).status == 404 and c.get("/api/v2/users/%d.json" % u).json["user"]["suspended"], "gone, and who sent it is suspended")
    a, b = ticket(c), ticket(c)
    j = job(c, c.put("/api/v2/tickets/mark_many_as_spam.json?ids=%d,%d,999999" % (a["id"], b["id"]), {}))
    check([r.get("success") for r in j["results"]] == [True, True, False], "many: %s" % j["results"])
    check(c.get("/api/v2/users/me.json").json["user"]["suspended"] is False, "staff are not suspended by it")
    d = c.get("/api/v2/deleted_tickets.json?sort_order=desc").json["deleted_tickets"]
    check({a["id"], b["id"], t["id"]} <= {x["id"] for x in d} and d[0]["actor"]["id"], "in the list of deleted ones: %s" % d[0])
    expect("restored", c.put("/api/v2/deleted_tickets/restore_many.json?ids=%d" % a["id"], {}), 200)
    check(get(c, a["id"])["id"] == a["id"], "it is back")
    j = job(c, c.delete("/api/v2/deleted_tickets/destroy_many.json?ids=%d,%d" % (b["id"], t["id"])))
    check(all(r["success"] for r in j["results"]), "for good: %s" % j["results"])
    check(not {b["id"], t["id"]} & {x["id"] for x in c.get("/api/v2/deleted_tickets.json").json["deleted_tickets"]}, "then they leave the list")


def problems(c):
    p = ticket(c, subject="Printer on fire", type="problem")
    inc = [ticket(c, type="incident", problem_id=p["id"])["id"] for _ in range(3)]
    done_already = ticket(c, type="incident", problem_id=p["id"], status="solved")["id"]
    check([t["id"] for t in c.get("/api/v2/problems.json").json["tickets"]] == [p["id"]], "problems are listed")
    r = c.get("/api/v2/tickets/%d/incidents.json" % p["id"]).json
    check([t["id"] for t in r["tickets"]] == inc + [done_already] and r["count"] == 4, "and their incidents")
    check(get(c, p["id"])["has_incidents"] and c.get("/api/v2/tickets/%d/related.json" % p["id"]).json["incidents"] == 4, "counted")
    r = c.post("/api/v2/problems/autocomplete.json", {"text": "printer"})
    check(r.status == 200 and [t["id"] for t in r.json["tickets"]] == [p["id"]], "found by words: %r" % r)
    check(c.get("/api/v2/tickets/show_many.json?ids=%d&include=incident_counts,last_audits,ticket_forms" % p["id"]).json["incident_counts"] == [{"ticket_id": p["id"], "count": 4}], "side load")
    c.put("/api/v2/tickets/%d.json" % p["id"], {"ticket": {"status": "solved"}})
    for _ in range(300):
        if all(get(c, i)["status"] == "solved" for i in inc):
            break
        time.sleep(0.02)
    check(all(get(c, i)["status"] == "solved" for i in inc), "solving the problem solves them: %s" % [get(c, i)["status"] for i in inc])


def imports(c):
    uid = c.post("/api/v2/users.json", {"user": {"name": "Im Port", "email": "import@patients.example"}}).json["user"]["id"]
    body = {"ticket": {"subject": "Old", "requester_id": uid, "status": "closed", "created_at": "2020-01-01T10:00:00Z", "updated_at": "2020-01-03T10:00:00Z", "solved_at": "2020-01-02T10:00:00Z", "tags": ["legacy"],
            "comments": [{"author_id": uid, "value": "first", "created_at": "2020-01-01T10:00:00Z"}, {"value": "second", "public": False, "created_at": "2020-01-01T11:00:00Z"}]}}
    r = c.post("/api/v2/imports/tickets.json", body)
    expect("an import", r, 201)
    t = get(c, r.json["ticket"]["id"])
    check((t["status"], t["created_at"], t["updated_at"]) == ("closed", "2020-01-01T10:00:00Z", "2020-01-03T10:00:00Z"), "its times: %s" % [t[k] for k in ("status", "created_at", "updated_at")])
    cs = c.get("/api/v2/tickets/%d/comments.json" % t["id"]).json["comments"]
    check([(x["body"], x["public"], x["created_at"]) for x in cs] == [("first", True, "2020-01-01T10:00:00Z"), ("second", False, "2020-01-01T11:00:00Z")], "its comments: %s" % cs)
    for wrong in ({"created_at": "2999-01-01T00:00:00Z", "comment": {"body": "x"}}, {"comments": 5}, {"comments": [{"value": ""}]}, {"comments": [5]}, {"created_at": "never", "comment": {"body": "x"}}):
        expect("import %s" % wrong, c.post("/api/v2/imports/tickets.json", {"ticket": wrong}), 422, "RecordInvalid")
    j = job(c, c.post("/api/v2/imports/tickets/create_many.json", {"tickets": [body["ticket"], {"comments": 5}]}))
    check([x["success"] for x in j["results"]] == [True, False], "many: %s" % j["results"])


def audits(desk, c):
    seen, url = [], "/api/v2/ticket_audits.json?page[size]=7"
    while url:
        j = c.get(url).json
        seen += [a["id"] for a in j["audits"]]
        url = "/" + j["links"]["next"].split("/", 3)[3] if j["meta"]["has_more"] else None
    check(seen == sorted(seen, reverse=True) and len(seen) == len(set(seen)) > 30, "all audits, newest first: %d" % len(seen))
    t = ticket(c)
    a = c.get("/api/v2/tickets/%d/audits.json" % t["id"]).json["audits"][0]["id"]
    expect("private by its audit", c.put("/api/v2/tickets/%d/audits/%d/make_private.json" % (t["id"], a), {}), 200)
    check(c.get("/api/v2/tickets/%d/comments.json" % t["id"]).json["comments"][0]["public"] is False, "it is")
    g = c.post("/api/v2/groups.json", {"group": {"name": "Shut", "is_public": False}}).json["group"]["id"]
    hidden = ticket(c, group_id=g, subject="hiddenword")
    _, agent = desk.person(c, "Al L", "all@clinic.example", "agent")
    r = agent.get("/api/v2/ticket_audits.json?limit=1000")
    check(r.status == 200 and b"hiddenword" not in r.body and hidden["id"] not in {x["ticket_id"] for x in r.json["audits"]}, "an agent's are of what the agent sees")


def indexed(c):
    """What an update adds is found, what it takes away is not: where it only adds, only that goes into the index."""
    def found(query):
        return [x["id"] for x in c.get("/api/v2/search.json?query=" + urllib.parse.quote("type:ticket " + query)).json["results"]]

    f = [c.post("/api/v2/ticket_fields.json", {"ticket_field": {"type": "text", "title": "Found %d" % i}}).json["ticket_field"]["id"] for i in range(2)]
    color = c.post("/api/v2/ticket_fields.json", {"ticket_field": {"type": "tagger", "title": "Found color", "custom_field_options": [{"name": "Mauve", "value": "mauvefound"}, {"name": "Teal", "value": "tealfound"}]}}).json["ticket_field"]["id"]
    rule = c.post("/api/v2/triggers.json", {"trigger": {"title": "Found", "conditions": {"all": [{"field": "comment_includes_word", "operator": "includes", "value": "xebec"}]}, "actions": [{"field": "current_tags", "value": "byrulefound"}]}}).json["trigger"]["id"]
    t = ticket(c, subject="Findable", tags=["onefound"], custom_fields=[{"id": f[0], "value": "zebrafound"}])
    t, url = t["id"], "/api/v2/tickets/%d.json" % t["id"]

    def turn(what, has, hasnt, **fields):
        r = c.put(url, {"ticket": fields})
        check(r.status == 200, "%s: %r" % (what, r))
        for q in has:
            check(found(q) == [t], "%s: %s is found" % (what, q))
        for q in hasnt:
            check(found(q) == [], "%s: %s is not found" % (what, q))

    turn("a tag more", ["tags:twofound", "tags:onefound", "zebrafound"], ["tags:threefound"], additional_tags=["twofound"])
    turn("a tag taken that was not there", ["tags:onefound"], ["tags:threefound", "threefound"], remove_tags=["threefound"])
    turn("a value more", ["yakfound", "zebrafound", "tags:mauvefound", "custom_field_%d:yakfound" % f[1]], ["tags:tealfound"], custom_fields=[{"id": f[1], "value": "yakfound"}, {"id": color, "value": "mauvefound"}])
    turn("a comment that a rule tags", ["xebec", "tags:byrulefound", "zebrafound", "tags:twofound"], [], comment={"body": "a xebec"})
    turn("another value", ["gnufound", "xebec", "tags:byrulefound"], ["zebrafound"], custom_fields=[{"id": f[0], "value": "gnufound"}])
    turn("another option", ["tags:tealfound", "gnufound"], ["tags:mauvefound"], custom_fields=[{"id": color, "value": "tealfound"}])
    turn("a tag fewer", ["tags:onefound", "xebec"], ["tags:twofound"], remove_tags=["twofound"])
    turn("another subject", ["Renamed", "xebec", "tags:tealfound"], ["Findable"], subject="Renamed")
    c.delete("/api/v2/triggers/%d.json" % rule)


def counts_of(c):
    uid = c.get("/api/v2/users/me.json").json["user"]["id"]
    for what in ("requested", "assigned", "ccd", "followed"):
        n = c.get("/api/v2/users/%d/tickets/%s.json" % (uid, what)).json["count"]
        check(c.get("/api/v2/users/%d/tickets/%s/count.json" % (uid, what)).json["count"]["value"] == n, "the count of " + what)
    o = c.post("/api/v2/organizations.json", {"organization": {"name": "Counted"}}).json["organization"]["id"]
    ticket(c, organization_id=o)
    check(c.get("/api/v2/organizations/%d/tickets/count.json" % o).json["count"]["value"] == 1, "an organization's")


def both_ways(c):
    """Tags that come and go in one request, as the vendor's own example of a bulk update has them."""
    t = ticket(c, tags=["one", "keep"], comment={"value": "said by its old name"})
    check(get(c, t["id"])["description"] == "said by its old name", "comment.value is a body: %r" % t)
    j = job(c, c.put("/api/v2/tickets/update_many.json?ids=%d" % t["id"], {"ticket": {"additional_tags": ["bulk", "b,c D"], "remove_tags": ["ONE"]}}))
    check(j["results"][0]["success"] and get(c, t["id"])["tags"] == ["b", "bulk", "c", "d", "keep"], "added and removed: %r" % get(c, t["id"])["tags"])
    c.put("/api/v2/tickets/%d.json" % t["id"], {"ticket": {"tags": ["set", "x"], "additional_tags": ["more"], "remove_tags": ["x"]}})
    check(get(c, t["id"])["tags"] == ["more", "set"], "set, added, removed: %r" % get(c, t["id"])["tags"])
    check({x["id"] for x in c.get("/api/v2/search.json?query=tags:more").json["results"]} == {t["id"]}, "and found")
    check(c.put("/api/v2/tickets/%d.json" % t["id"], {"ticket": {"status": "closed"}}).status == 200, "closed")
    f = ticket(c, via_followup_source_id=t["id"])
    check(f["tags"] == ["more", "set"] and ticket(c, via_followup_source_id=t["id"], tags=["own"])["tags"] == ["own"], "a follow-up has the tags, or its own: %r" % f)
    check({x["id"] for x in c.get("/api/v2/search.json?query=tags:more").json["results"]} == {t["id"], f["id"]}, "and is found by them")


def written_back(desk, c):
    """A client that writes a ticket back as it read it changes nothing and says nothing."""
    u, _ = desk.person(c, "Wri Back", "back@patients.example")
    t = ticket(c, requester_id=u, comment={"body": "the first words"}, priority="high", tags=["x"], email_ccs=[{"user_email": "beside@patients.example"}])
    r = c.put("/api/v2/tickets/%d.json" % t["id"], {"ticket": get(c, t["id"])})
    check(r.status == 200 and r.json["audit"]["events"] == [], "one: %r" % r)
    j = job(c, c.put("/api/v2/tickets/update_many.json", {"tickets": [get(c, t["id"])]}))
    check(j["results"][0]["success"] and len(c.get("/api/v2/tickets/%d/comments.json" % t["id"]).json["comments"]) == 1, "many: %r" % j)
    check([x["body"] for x in c.get("/api/v2/tickets/%d/comments.json" % ticket(c, comment=None, description="only this")["id"]).json["comments"]] == ["only this"], "of a new one it is the first comment")


def files(desk, c):
    """A token that several files are given to names them all."""
    send = lambda name, token="": c.call("POST", "/api/v2/uploads.json?filename=%s%s" % (name, token and "&token=" + token), raw=name.encode(), headers={"Content-Type": "text/plain"}).json["upload"]
    one = send("a.txt")
    two = send("b.txt", one["token"])
    check([f["file_name"] for f in one["attachments"]] == ["a.txt"] and [f["file_name"] for f in two["attachments"]] == ["a.txt", "b.txt"] and two["attachment"]["file_name"] == "b.txt", "both: %r" % two)
    t = ticket(c, comment={"body": "with both", "uploads": [two["token"]]})
    check([f["file_name"] for f in c.get("/api/v2/tickets/%d/comments.json" % t["id"]).json["comments"][0]["attachments"]] == ["a.txt", "b.txt"], "and the comment has them")


def beside(desk, c):
    """Side loads of a search, in the form that searches have."""
    o = c.post("/api/v2/organizations.json", {"organization": {"name": "Beside"}}).json["organization"]["id"]
    u, _ = desk.person(c, "Bea Side", "bea@patients.example", organization_id=o)
    t = ticket(c, requester_id=u, subject="besidesword")["id"]
    r = c.get("/api/v2/search.json?query=type:ticket+besidesword&include=tickets(users,organizations,comment_count)").json
    check([x["id"] for x in r["results"]] == [t] and r["results"][0]["comment_count"] == 1 and {x["id"] for x in r["users"]} >= {u} and [x["id"] for x in r["organizations"]] == [o], "of tickets: %r" % r)
    r = c.get("/api/v2/search.json?query=type:user+bea&include=users(organizations)").json
    check([x["id"] for x in r["results"]] == [u] and [x["id"] for x in r["organizations"]] == [o], "of people: %r" % r)
    check("users" not in c.get("/api/v2/search.json?query=type:ticket+besidesword").json, "and none unasked")


def copies(desk, c):
    """Who else reads a ticket: whole lists and changes of them, each in the audit and in the trail."""
    fan, _ = desk.person(c, "Fan", "fan@clinic.example", "agent")
    t = ticket(c)["id"]
    put = lambda **f: c.put("/api/v2/tickets/%d.json" % t, {"ticket": f}).json
    r = put(collaborators=["a@patients.example", {"name": "Bee", "email": "b@patients.example"}], followers=[{"user_id": fan, "action": "put"}])
    one, two = r["ticket"]["email_cc_ids"]
    e = {x["type"]: x for x in r["audit"]["events"]}
    check(e["EmailCcChange"]["current_email_ccs"] == ["a@patients.example", "b@patients.example"] and e["EmailCcChange"]["previous_email_ccs"] == [], "the CCs in the audit: %r" % r["audit"])
    check(e["FollowerChange"]["current_followers"] == ["fan@clinic.example"] and e["FollowerChange"]["previous_followers"] == [], "the followers: %r" % r["audit"])
    check(len(put(additional_collaborators=["c@patients.example"])["ticket"]["email_cc_ids"]) == 3, "one more")
    r = put(collaborator_ids=[two])
    check(r["ticket"]["email_cc_ids"] == [two] and [x["type"] for x in r["audit"]["events"]] == ["EmailCcChange"], "the whole list: %r" % r)
    check(put(email_ccs=[{"user_id": one, "action": "put"}])["ticket"]["email_cc_ids"] == [two, one] and put(collaborator_ids=[])["ticket"]["email_cc_ids"] == [], "put, and nobody")
    r = c.get("/api/v2/tickets/%d/audits.json" % t).json["audits"][-1]
    check(r["events"][0]["previous_email_ccs"] == ["b@patients.example", "a@patients.example"] and r["events"][0]["current_email_ccs"] == [], "read again: %r" % r)
    events = [x for x in c.get("/api/v2/incremental/ticket_events.json?start_time=0").json["ticket_events"] if x["ticket_id"] == t]
    check(events[-1]["child_events"][0]["current_email_ccs"] == [] and all("" not in y for x in events for y in x["child_events"]), "exported: %r" % events[-1])
    found = c.get("/api/v2/audit_logs.json?filter[source_type]=ticket&filter[source_id]=%d" % t).json["audit_logs"]
    check(sum("email_cc_ids" in x["change_description"] for x in found) == 5 and sum("follower_ids" in x["change_description"] for x in found) == 1, "each in the trail: %r" % found)


def by_screen(desk, c):
    """What is written on the screen comes from "web", as in Zendesk; the PHI policy treats it as before, as what comes by the API."""
    r = c.post("/api/v2/triggers.json", {"trigger": {"title": "web", "conditions": {"all": [{"field": "via_id", "operator": "is", "value": "0"}, {"field": "update_type", "operator": "is", "value": "Create"}]},
                                                     "actions": [{"field": "current_tags", "value": "fromscreen"}]}})
    check(r.status == 201, "a trigger: %r" % r)
    desk.person(c, "Dana Desk", "dana@clinic.example", "agent", password="a password of hers")
    r = Client(desk).post("/api/ward/v1/session", {"email": "dana@clinic.example", "password": "a password of hers", "code": totp(desk.factor("dana@clinic.example")[0])})
    check(r.status == 201, "signed in: %r" % r)
    dana = Client(desk, cookie=r.headers["Set-Cookie"].split(";")[0].split("=", 1)[1], csrf=r.json["csrf"])
    r = c.post("/api/ward/v1/phi/policies", {"policy": {"why": "for this test", "rules": [{"kinds": ["SSN"], "places": "any", "channels": [ch], "treatment": does, "min_score": 0} for ch, does in (("form", "keep"), ("api", "redact"))]}})
    check(r.status == 201 and c.post("/api/ward/v1/phi/policies/%d/activate" % r.json["policy"]["version"], {}).status == 200, "a policy by channels: %r" % r)
    one, two = ticket(dana, comment={"body": "by hand, SSN 219-09-9999"}), ticket(c, comment={"body": "by a program"})
    check((one["via"]["channel"], two["via"]["channel"]) == ("web", "api"), "who is signed in is web: %s %s" % (one["via"], two["via"]))
    check("219-09-9999" not in one["description"], "treated as what comes by the API: %s" % one["description"])
    check("fromscreen" in get(c, one["id"])["tags"] and "fromscreen" not in get(c, two["id"])["tags"], "rules see it")
    for who in (dana, c):
        check(who.put("/api/v2/tickets/%d.json" % one["id"], {"ticket": {"comment": {"body": "more"}}}).status == 200, "more")
    said = c.get("/api/v2/tickets/%d/comments.json" % one["id"]).json["comments"]
    check([x["via"]["channel"] for x in said] == ["web", "web", "api"], "each comment by its own way: %s" % [x["via"] for x in said])
    check([a["via"]["channel"] for a in c.get("/api/v2/tickets/%d/audits.json" % one["id"]).json["audits"]] == ["web", "web", "api"], "audits, too")
    check(c.get("/api/v2/search.json?query=type:ticket+via:web+tags:fromscreen").json["count"] == 1 and c.get("/api/v2/search.json?query=type:ticket+via:api+tags:fromscreen").json["count"] == 0, "search says the same")
    dana.delete("/api/ward/v1/session")


def by_update(c):
    """The whole desk by last update, whatever the statuses: by cursor, there and back, and by number."""
    made = [ticket(c, status=("new", "open", "pending", "hold", "solved", "closed")[k % 6])["id"] for k in range(18)]
    for k in (3, 10, 0, 7, 15, 6):
        c.put("/api/v2/tickets/%d.json" % made[k], {"ticket": {"priority": "high"}})
    c.delete("/api/v2/tickets/%d.json" % made[8])
    rows = c.get("/api/v2/tickets.json?per_page=100").json["tickets"]
    check(len(rows) < 100 and len({r["status"] for r in rows}) == 6 and made[8] not in [r["id"] for r in rows], "one page, all statuses")
    for sort in ("updated_at", "-updated_at"):
        seen, back, url = [], [], "/api/v2/tickets.json?page[size]=7&sort=" + sort
        path = lambda link: link[link.index("/api/"):]
        while url:
            j = c.get(url).json
            seen += [(r["updated_at"], r["id"]) for r in j["tickets"]]
            url = path(j["links"]["next"]) if j["meta"]["has_more"] else None
        check(sorted(i for _, i in seen) == sorted(r["id"] for r in rows), "%s: each once" % sort)
        check([u for u, _ in seen] == sorted([u for u, _ in seen], reverse=sort[0] == "-"), "%s: in order" % sort)
        url = path(j["links"]["prev"])
        while url:
            j = c.get(url).json
            back = [(r["updated_at"], r["id"]) for r in j["tickets"]] + back
            url = path(j["links"]["prev"]) if j["tickets"] and j["meta"]["has_more"] else None
        check(back == seen[:len(back)] and len(seen) - len(back) <= 7, "%s: and back: %d of %d" % (sort, len(back), len(seen)))
        pages = [r["id"] for n in range(1, 20) for r in c.get("/api/v2/tickets.json?per_page=5&page=%d&sort_by=updated_at&sort_order=%s" % (n, "desc" if sort[0] == "-" else "asc")).json["tickets"]]
        check(pages == [i for _, i in seen], "%s: by number of page" % sort)


with Desk() as desk:
    admin = desk.admin()
    tags(desk, admin)
    both_ways(admin)
    copies(desk, admin)
    beside(desk, admin)
    files(desk, admin)
    written_back(desk, admin)
    merging(admin)
    spam(admin)
    problems(admin)
    imports(admin)
    audits(desk, admin)
    indexed(admin)
    counts_of(admin)
    by_update(admin)
    by_screen(desk, admin)
    _, light = desk.person(admin, "Li Ght", "light@clinic.example", "agent", only_private_comments=True)
    t = ticket(admin)
    r = light.put("/api/v2/tickets/%d.json" % t["id"], {"ticket": {"comment": {"body": "loud", "public": True}}})
    check(r.status == 200 and [x["public"] for x in admin.get("/api/v2/tickets/%d/comments.json" % t["id"]).json["comments"]] == [True, False], "who writes notes only writes notes: %r" % r)
    check(admin.get("/api/v2/tickets/%d/comments.json" % ticket(light)["id"]).json["comments"][0]["public"] is False, "in a new ticket, too")
    check(desk.ward("trail", "verify").returncode == 0, "the trail verifies")
    before = counts(admin)
    desk.kill()
    with open(os.path.join(desk.data, "ward.db"), "rb") as f:
        os.fdatasync(f.fileno())
        os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    desk.start()
    r = admin.put("/api/v2/tickets/%d.json" % t["id"], {"ticket": {"status": "pending", "comment": {"body": "from the disk"}}})
    check(r.status == 200 and r.json["ticket"]["status"] == "pending", "a ticket that is only on the disk is changed: %r" % r)
    check(counts(admin) == before, "the counts are there after a kill")
done("tickets")
