#!/usr/bin/env python3
"""The API as clients see it: envelopes, pages, errors, headers, conflicts, bad input."""
import json, ssl, socket, time
from desk import SLOW, Desk, Client, check, done, totp


def expect(what, reply, status, *words):
    ok = reply.status == status and all((w.encode() if isinstance(w, str) else w) in reply.body for w in words)
    return check(ok, "%s: wanted %d %s, got %r" % (what, status, words, reply))


def pages(c):
    """Cursor and offset pages meet each ticket once, in order, both ways."""
    made = [c.post("/api/v2/tickets.json", {"ticket": {"subject": "p%d" % i, "comment": {"body": "page"}, "external_id": "ext-%d" % i}}).json["ticket"]["id"] for i in range(23)]
    for query in ("page[size]=5", "page%5Bsize%5D=5&sort=-updated_at", "page[size]=5&sort=id", "page[size]=7&sort=status", "page[size]=5&sort=-id"):
        seen, url, back = [], "/api/v2/tickets.json?" + query, None
        while url:
            j = c.get(url).json
            check("count" not in j and set(j) >= {"tickets", "meta", "links"}, "a cursor page has meta and links and no count: " + query)
            seen += [t["id"] for t in j["tickets"]]
            back = j["links"]["prev"]
            url = j["links"]["next"].split("/", 3)[3] if j["meta"]["has_more"] else None
            url = url and "/" + url
        check(sorted(seen) == made and len(set(seen)) == len(seen), "each once, %s: %s" % (query, seen))
        j = c.get("/" + back.split("/", 3)[3]).json
        before = [t["id"] for t in j["tickets"]]
        check(before and before == seen[len(seen) - len(seen) % len(before or [1]) - len(before):][:len(before)] or before[-1] in seen,
              "back from the last page comes what stood before it, in the same order: %s" % query)
        last = seen.index(before[-1])
        check(seen[last - len(before) + 1:last + 1] == before, "in the same order: %s %s" % (query, before))
    seen, n = [], 1
    while True:
        j = c.get("/api/v2/tickets.json?per_page=10&page=%d" % n).json
        check("meta" not in j and j["count"] == 23, "an offset page has a count and no meta")
        seen += [t["id"] for t in j["tickets"]]
        if not j["next_page"]:
            break
        n += 1
    check(seen == made and n == 3, "offset pages meet each once: %s" % seen)
    expect("too deep", c.get("/api/v2/tickets.json?page=101&per_page=100"), 400, "InvalidPaginationDepth")
    expect("a foreign cursor", c.get("/api/v2/tickets.json?page[after]=bm9wZQ&page[size]=5"), 400, "InvalidPaginationParameter")
    expect("a cursor of another order", c.get("/api/v2/tickets.json?sort=-id&page[size]=5&page[after]=" + c.get("/api/v2/tickets.json?page[size]=5&sort=status").json["meta"]["after_cursor"]), 400, "InvalidPaginationParameter")
    expect("a sort that is none", c.get("/api/v2/tickets.json?page[size]=5&sort=subject"), 400, "InvalidPaginationParameter")
    for wrong in ("page[size]=0", "page[size]=x", "page=0", "per_page=-1"):
        expect("wrong page " + wrong, c.get("/api/v2/tickets.json?" + wrong), 400, "error")
    j = c.get("/api/v2/tickets.json?external_id=ext-7").json
    check([t["external_id"] for t in j["tickets"]] == ["ext-7"], "by external id")
    check(c.get("/api/v2/tickets/count.json").json["count"]["value"] == 23, "the count")
    j = c.get("/api/v2/tickets/show_many.json?ids=%d,%d,999999" % (made[3], made[1])).json
    check([t["id"] for t in j["tickets"]] == [made[3], made[1]] and j["count"] == 2, "show_many in the order of ids")
    expect("too many ids", c.get("/api/v2/tickets/show_many.json?ids=" + ",".join(str(i) for i in range(1, 102))), 400, "TooManyValues", "100")
    seen, url = [], "/api/v2/incremental/tickets/cursor.json?start_time=0&per_page=10"
    for _ in range(9):
        j = c.get(url).json
        seen += [t["id"] for t in j["tickets"]]
        if j["end_of_stream"]:
            break
        url = "/" + j["after_url"].split("/", 3)[3]
    check(sorted(seen) == made, "the incremental export has each: %s" % seen)
    c.put("/api/v2/tickets/%d.json" % made[0], {"ticket": {"priority": "low"}})
    c.delete("/api/v2/tickets/%d.json" % made[1])
    j = c.get("/api/v2/incremental/tickets/cursor.json?cursor=" + j["after_cursor"]).json
    check([(t["id"], t["status"]) for t in j["tickets"]] == [(made[0], "new"), (made[1], "deleted")], "and then what changed: %s" % [(t["id"], t["status"]) for t in j["tickets"]])
    expect("a start too new", c.get("/api/v2/incremental/tickets/cursor.json?start_time=%d" % time.time()), 400)
    return made


def errors(desk, c, tid):
    wrong = {"ticket": {"status": "often", "priority": 7, "type": "riddle", "requester_id": "me", "assignee_id": -4, "group_id": {}, "organization_id": [],
                        "due_at": "soon", "tags": 12, "custom_fields": "blue", "email_ccs": 3, "comment": {"body": 5}, "subject": ["a"]}}
    r = c.post("/api/v2/tickets.json", wrong)
    expect("every wrong field at once", r, 422, "RecordInvalid")
    if r.status == 422:
        missing = set(wrong["ticket"]) - set(r.json["details"])
        check(not missing, "each wrong field is named; not: %s" % missing)
    r = c.post("/api/v2/tickets.json", {"ticket": {"subject": "s", "comment": {"body": "b"}, "requester_id": 424242, "assignee_id": 424242, "group_id": 424242, "organization_id": 424242, "problem_id": 424242}})
    expect("unknown ids", r, 422)
    if r.status == 422:
        check({"requester_id", "assignee_id", "group_id", "organization_id", "problem_id"} <= set(r.json["details"]), "each unknown id is named: %s" % list(r.json["details"]))
    expect("no comment", c.post("/api/v2/tickets.json", {"ticket": {"subject": "s"}}), 422, "blank")
    for raw in (b"", b"{", b"[]", b"{\"ticket\":1}", b"{\"ticket\":{}", b"nonsense", b"{\"ticket\":{\"subject\":\"\xff\"}}", b"{\"a\":1,\"a\":2}", b"[" * 100000, b"{\"ticket\":" * 200 + b"1" + b"}" * 200):
        expect("broken JSON %r" % raw[:20], c.post("/api/v2/tickets.json", raw=raw, headers={"Content-Type": "application/json"}), 400, "error")
    try:
        expect("too large", Client(desk, None).call("POST", "/api/v2/tickets.json", raw=b"x" * (3 << 20), headers=c.headers), 413)
    except (ConnectionError, ssl.SSLError, OSError):
        pass                                   # refused while it was still being sent
    for path in ("/api/v2/tickets/999999.json", "/api/v2/tickets/999999/comments.json", "/api/v2/users/999999.json", "/api/v2/groups/999999.json", "/api/v2/organizations/999999.json",
                 "/api/v2/job_statuses/nothing.json", "/api/v2/requests/999999.json", "/api/v2/suspended_tickets/999999.json", "/api/v2/attachments/999999.json", "/api/v2/audit_logs/999999.json"):
        expect("unknown " + path, c.get(path), 404, "RecordNotFound")
    for path in ("/api/v2/nothing.json", "/api/v2/tickets/abc.json", "/api/v2/tickets/99999999999999999999.json", "/api/v3/tickets.json", "/api/v2/tickets/../tickets.json", "/api/v2//tickets.json"):
        expect("no such route " + path, c.get(path), 404, "InvalidEndpoint")
    expect("zero is no id", c.get("/api/v2/tickets/0.json"), 404)
    t = c.get("/api/v2/tickets/%d.json" % tid).json["ticket"]
    expect("safe update", c.put("/api/v2/tickets/%d.json" % tid, {"ticket": {"priority": "high", "safe_update": True, "updated_stamp": t["updated_at"]}}), 200)
    expect("of two who saw the same, in one second, one", c.put("/api/v2/tickets/%d.json" % tid, {"ticket": {"priority": "low", "safe_update": True, "updated_stamp": t["updated_at"]}}), 409, "UpdateConflict")
    t = c.get("/api/v2/tickets/%d.json" % tid).json["ticket"]
    expect("with the new stamp", c.put("/api/v2/tickets/%d.json" % tid, {"ticket": {"priority": "high", "safe_update": True, "updated_stamp": t["updated_at"]}}), 200)
    expect("stale", c.put("/api/v2/tickets/%d.json" % tid, {"ticket": {"priority": "low", "safe_update": "true", "updated_stamp": "2020-01-01T00:00:00Z"}}), 409, "UpdateConflict")
    check(c.get("/api/v2/tickets/%d.json" % tid).json["ticket"]["priority"] == "high", "a stale update changes nothing")
    expect("priority cannot be cleared", c.put("/api/v2/tickets/%d.json" % tid, {"ticket": {"priority": None}}), 422, "cannot be reset")
    c.put("/api/v2/tickets/%d.json" % tid, {"ticket": {"status": "open"}})
    expect("not back to new", c.put("/api/v2/tickets/%d.json" % tid, {"ticket": {"status": "new"}}), 422, "status")
    expect("closing", c.put("/api/v2/tickets/%d.json" % tid, {"ticket": {"status": "closed"}}), 200)
    expect("closed is closed", c.put("/api/v2/tickets/%d.json" % tid, {"ticket": {"comment": {"body": "more"}}}), 422, "closed prevents ticket update")
    expect("nobody", Client(desk).get("/api/v2/tickets.json"), 401, "Couldn't authenticate you")
    expect("a wrong token", Client(desk, desk.ADMIN, "nope").get("/api/v2/users/me.json"), 401)
    r = Client(desk).get("/api/v2/users/me.json")
    expect("nobody's me", r, 200, "Anonymous user")


def headers(desk, c, tid):
    r = c.get("/api/v2/tickets/%d.json" % tid)
    for name in ("X-Request-Id", "ETag", "X-Rate-Limit", "Strict-Transport-Security", "X-Content-Type-Options"):
        check(r.headers.get(name), "the header %s is there" % name)
    check(r.headers["Content-Type"] == "application/json; charset=utf-8", "the content type")
    r2 = c.get("/api/v2/tickets/%d.json" % tid, headers={"If-None-Match": r.headers["ETag"]})
    check(r2.status == 304 and not r2.body, "If-None-Match: %r" % r2)
    looks = c.get("/api/v2/access_logs.json?page[size]=10").json["access_logs"]
    check(sum(e["object"] == "ticket" and e["object_ids"] == [tid] for e in looks) >= 2, "a 304 is a look as well")
    r3 = c.get("/api/v2/tickets.json?page[size]=100", headers={"Accept-Encoding": "gzip"})
    check(r3.headers.get("Content-Encoding") == "gzip" and r3.body[:2] == b"\x1f\x8b", "gzip for who asks")
    r = c.call("HEAD", "/api/v2/tickets/%d.json" % tid)
    check(r.status == 200 and not r.body, "HEAD: %r" % r)
    r = c.post("/api/v2/tickets.json", {"ticket": {"subject": "loc", "comment": {"body": "b"}}})
    check(r.headers.get("Location", "").endswith("/api/v2/tickets/%d.json" % r.json["ticket"]["id"]), "Location of what was made")
    r = c.delete("/api/v2/tickets/%d.json" % r.json["ticket"]["id"])
    check(r.status == 204 and not r.body and not r.headers.get("Content-Type"), "204 is empty: %r" % r)
    body = {"ticket": {"subject": "once", "comment": {"body": "idempotent"}}}
    a = c.post("/api/v2/tickets.json", body, headers={"Idempotency-Key": "k1"})
    b = c.post("/api/v2/tickets.json", body, headers={"Idempotency-Key": "k1"})
    check(a.status == b.status == 201 and a.json["ticket"]["id"] == b.json["ticket"]["id"] and a.headers["x-idempotency-lookup"] == "miss" and b.headers["x-idempotency-lookup"] == "hit", "the same request twice makes one ticket")
    expect("another body under the same key", c.post("/api/v2/tickets.json", {"ticket": {"subject": "other", "comment": {"body": "x"}}}, headers={"Idempotency-Key": "k1"}), 400, "IdempotentRequestError")


def life(desk, c):
    """Users, tags, CCs, attachments, deletion and return, bulk jobs, requests."""
    uid, end = desk.person(c, "Lena Lifecycle", "lena@patients.example")
    gid = c.post("/api/v2/groups.json", {"group": {"name": "Life"}}).json["group"]["id"]
    aid, agent = desk.person(c, "Agnes Agent", "agnes@clinic.example", "agent")
    r = c.put("/api/v2/tickets/%d.json" % c.post("/api/v2/tickets.json", {"ticket": {"subject": "g", "comment": {"body": "b"}}}).json["ticket"]["id"], {"ticket": {"assignee_id": aid, "group_id": gid}})
    expect("an assignee outside the group", r, 422, "assignee_id")
    c.post("/api/v2/group_memberships.json", {"group_membership": {"user_id": aid, "group_id": gid}})
    up = c.post("/api/v2/uploads.json?filename=scan%20of%20form.pdf", raw=b"%PDF-1.4 not really", headers={"Content-Type": "application/pdf"})
    expect("upload", up, 201, "token")
    t = c.post("/api/v2/tickets.json", {"ticket": {"subject": "Life", "comment": {"body": "with a file", "uploads": [up.json["upload"]["token"]]}, "requester_id": uid, "group_id": gid, "assignee_id": aid,
               "tags": ["One two", "ONE"], "email_ccs": [{"user_email": "cc@patients.example", "user_name": "Cece"}], "followers": [{"user_id": aid}]}})
    expect("create with everything", t, 201)
    t = t.json["ticket"]
    check(t["status"] == "open" and t["tags"] == ["one", "two"] and len(t["email_cc_ids"]) == 1 and t["follower_ids"] == [aid], "as sent: %s" % t)
    at = c.get("/api/v2/tickets/%d/comments.json" % t["id"]).json["comments"][0]["attachments"]
    check(len(at) == 1 and at[0]["file_name"] == "scan of form.pdf" and at[0]["size"] == 19, "the attachment: %s" % at)
    path = "/" + at[0]["content_url"].split("/", 3)[3]
    r = c.get(path)
    check(r.status == 200 and r.body == b"%PDF-1.4 not really" and "attachment" in r.headers["Content-Disposition"], "its bytes: %r" % r)
    check(Client(desk).get(path.split("?")[0]).status == 401, "never without signing in or the link")
    check(end.get(path).status == 200, "the requester may read the file of a public comment")
    expect("a token once only", c.put("/api/v2/tickets/%d.json" % t["id"], {"ticket": {"comment": {"body": "again", "uploads": [up.json["upload"]["token"]]}}}), 422, "uploads")
    tags = "/api/v2/tickets/%d/tags.json" % t["id"]
    check(c.put(tags, {"tags": ["three"]}).json["tags"] == ["one", "three", "two"], "PUT adds tags")
    check(c.delete(tags, {"tags": ["one"]}).json["tags"] == ["three", "two"], "DELETE removes tags")
    check(c.post(tags, {"tags": ["four"]}).json["tags"] == ["four"], "POST sets tags")
    r = c.get("/api/v2/tickets/%d.json?include=users,groups,organizations,comment_count" % t["id"]).json
    check({u["id"] for u in r["users"]} >= {uid, aid} and [g["id"] for g in r["groups"]] == [gid] and r["organizations"] == [] and r["ticket"]["comment_count"] == 1, "sideloads")
    # The requester's door.
    c.put("/api/v2/tickets/%d.json" % t["id"], {"ticket": {"comment": {"body": "hush", "public": False}}})
    j = end.get("/api/v2/requests/%d/comments.json" % t["id"]).json
    check(len(j["comments"]) == 1 and j["count"] == 1, "no notes for the requester")
    expect("a request answered", end.put("/api/v2/requests/%d.json" % t["id"], {"request": {"comment": {"body": "any news?"}}}), 200)
    c.put("/api/v2/tickets/%d.json" % t["id"], {"ticket": {"status": "solved"}})
    end.put("/api/v2/requests/%d.json" % t["id"], {"request": {"comment": {"body": "not solved at all"}}})
    check(c.get("/api/v2/tickets/%d.json" % t["id"]).json["ticket"]["status"] == "open", "an answer opens it again")
    r = end.post("/api/v2/requests.json", {"request": {"subject": "Mine", "comment": {"body": "b"}, "requester": {"email": "other@patients.example", "name": "O"}, "assignee_id": aid}})
    check(r.status == 201 and r.json["request"]["requester_id"] == uid and r.json["request"]["assignee_id"] is None, "a request is one's own: %r" % r)
    past = lambda **f: c.post("/api/v2/tickets.json", {"ticket": dict(dict(subject="s", comment={"body": "b"}, requester_id=uid, status="closed"), **f)}).json["ticket"]["id"]
    again = lambda source: end.post("/api/v2/requests.json", {"request": {"subject": "Once more", "comment": {"body": "b"}, "via_followup_source_id": source}})
    source = past()
    r = again(source)
    check(r.status == 201 and r.json["request"]["followup_source_id"] == source and r.json["request"]["via"]["channel"] == "closed_ticket", "a closed request of one's own is followed up: %r" % r)
    for source in (past(requester_id=aid), past(comment={"body": "a note", "public": False}), past(status="solved"), 999999):
        expect("no other is", again(source), 422, "via_followup_source_id")
    expect("no anonymous requests unless switched on", Client(desk).post("/api/v2/requests.json", {"request": {"subject": "x", "comment": {"body": "b"}, "requester": {"name": "A", "email": "a@b.example"}}}), 401)
    # Gone, back, gone for good.
    expect("delete", c.delete("/api/v2/tickets/%d.json" % t["id"]), 204)
    expect("deleted", c.get("/api/v2/tickets/%d.json" % t["id"]), 404)
    check(t["id"] in [d["id"] for d in c.get("/api/v2/deleted_tickets.json").json["deleted_tickets"]], "it is among the deleted")
    expect("restore", c.put("/api/v2/deleted_tickets/%d/restore.json" % t["id"]), 200)
    expect("restored", c.get("/api/v2/tickets/%d.json" % t["id"]), 200, "Life")
    # Bulk.
    r = c.post("/api/v2/tickets/create_many.json", {"tickets": [{"subject": "b%d" % i, "comment": {"body": "bulk"}} for i in range(20)] + [{"subject": "bad", "priority": "x"}]})
    job = wait_job(c, r)
    check(job["status"] == "completed" and job["progress"] == job["total"] == 21, "the job is done: %s" % {k: job[k] for k in ("status", "progress", "total")})
    ids = [x["id"] for x in job["results"][:20]]
    check(len(set(ids)) == 20 and job["results"][20]["success"] is False and "priority" in job["results"][20]["details"].lower(), "each has its result: %s" % job["results"][-1])
    job = wait_job(c, c.put("/api/v2/tickets/update_many.json?ids=%s,999999" % ",".join(map(str, ids)), {"ticket": {"status": "solved", "additional_tags": ["bulk"]}}))
    check([x["success"] for x in job["results"]] == [True] * 20 + [False], "bulk update")
    check(c.get("/api/v2/tickets/%d.json" % ids[3]).json["ticket"]["tags"] == ["bulk"], "is applied")
    job = wait_job(c, c.call("DELETE", "/api/v2/tickets/destroy_many.json?ids=" + ",".join(map(str, ids[:5]))))
    check(job["status"] == "completed" and c.get("/api/v2/tickets/%d.json" % ids[0]).status == 404, "bulk delete")
    job = wait_job(c, c.post("/api/v2/tickets/create_many.json", {"tickets": []}))
    check(job["status"] == "completed" and job["results"] == [], "a job of nothing is done: %s" % job)
    expect("101 at once", c.post("/api/v2/tickets/create_many.json", {"tickets": [{}] * 101}), 400, "TooManyValues")
    # Users.
    r = c.post("/api/v2/users.json", {"user": {"name": "", "email": "not an address", "role": "king", "organization_id": 424242}})
    expect("a wrong user", r, 422)
    check({"name", "email", "role", "organization_id"} <= set(r.json["details"]), "each field is named: %s" % r.json["details"])
    expect("a double", c.post("/api/v2/users.json", {"user": {"name": "L", "email": "LENA@patients.example"}}), 422, "DuplicateValue")
    r = c.delete("/api/v2/users/%d.json" % uid)
    check(r.status == 200 and r.json["user"]["active"] is False, "deleting a user: %r" % r)
    check(end.get("/api/v2/requests.json").status == 401, "a deleted user's token ends")
    expect("the last admin stays", c.put("/api/v2/users/1.json", {"user": {"role": "agent"}}), 422)
    # Browser sign-in.
    # The first administrator has no second factor yet: the session sets one up and can do nothing else.
    r = Client(desk).post("/api/ward/v1/session", {"email": desk.ADMIN, "password": desk.PASSWORD})
    expect("sign in", r, 201, "second_factor_missing")
    s = Client(desk, cookie=r.headers["Set-Cookie"].split(";")[0].split("=", 1)[1], csrf=r.json["csrf"])
    expect("nothing without a second factor", s.get("/api/v2/tickets.json"), 403, "SecondFactorMissing")
    r = s.post("/api/ward/v1/factors/totp")
    expect("a factor is begun", r, 201, "otpauth://totp/Ward:")
    secret = r.json["totp"]["secret"]
    expect("a wrong code", s.post("/api/ward/v1/factors/totp/confirm", {"code": "12345"}), 422, "code")
    r = s.post("/api/ward/v1/factors/totp/confirm", {"code": totp(secret)})
    expect("a right one", r, 200, "recovery_codes")
    codes = r.json["recovery_codes"]
    expect("now it may", s.get("/api/v2/tickets.json"), 200)
    expect("the password alone no more", Client(desk).post("/api/ward/v1/session", {"email": desk.ADMIN, "password": desk.PASSWORD}), 401, "CodeNeeded")
    expect("a used code neither", Client(desk).post("/api/ward/v1/session", {"email": desk.ADMIN, "password": desk.PASSWORD, "code": totp(secret)}), 401, "CodeWrong")
    r = Client(desk).post("/api/ward/v1/session", {"email": desk.ADMIN, "password": desk.PASSWORD, "code": codes[0]})
    expect("a recovery code", r, 201, "csrf")
    cookie = r.headers["Set-Cookie"]
    check(all(w in cookie for w in ("HttpOnly", "Secure", "SameSite=Strict")), "the cookie is guarded: " + cookie)
    value, csrf = cookie.split(";")[0].split("=", 1)[1], r.json["csrf"]
    s = Client(desk, cookie=value)
    check(s.get("/api/v2/tickets.json").status == 200, "the session reads")
    expect("no change without the token", s.post("/api/v2/tickets.json", {"ticket": {"subject": "x", "comment": {"body": "b"}}}), 403, "CSRF")
    s = Client(desk, cookie=value, csrf=csrf)
    expect("with it", s.post("/api/v2/tickets.json", {"ticket": {"subject": "x", "comment": {"body": "b"}}}), 201)
    expect("sign out", s.delete("/api/ward/v1/session"), 204)
    check(s.get("/api/v2/tickets.json").status == 401, "the session is over")
    for _ in range(12):
        r = Client(desk).post("/api/ward/v1/session", {"email": "agnes@clinic.example", "password": "wrong"})
    check(r.status == 429 and int(r.headers["Retry-After"]) > 0, "guessing is slowed down: %r" % r)
    check(agent.get("/api/v2/tickets.json").status == 200, "the guessed agent's token still works")


def wait_job(c, r):
    check(r.status == 200 and "job_status" in r.json, "a job is queued: %r" % r)
    url = "/" + r.json["job_status"]["url"].split("/", 3)[3]
    end = time.time() + 30 * SLOW
    while time.time() < end:
        j = c.get(url).json["job_status"]
        if j["status"] in ("completed", "failed", "killed"):
            return j
        time.sleep(0.05)
    return j


def wire(desk, c):
    """Smuggling, nonsense and impatience do not reach a handler."""
    def raw(data, seconds=5):
        s = socket.create_connection(("127.0.0.1", desk.port), 10)
        s = desk.tls.wrap_socket(s, server_hostname="localhost")
        s.settimeout(seconds * SLOW)
        s.sendall(data)
        out = b""
        try:
            while len(out) < 65536:
                more = s.recv(65536)
                if not more:
                    break
                out += more
        except (socket.timeout, ssl.SSLError, OSError):
            pass
        s.close()
        return out
    for what, data in (("both lengths", b"POST /api/v2/tickets.json HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
                       ("two lengths", b"POST /api/v2/tickets.json HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
                       ("no host", b"GET /api/v2/tickets.json HTTP/1.1\r\n\r\n")):
        answer = raw(data)
        check(answer.startswith(b"HTTP/1.1 400"), "%s is refused: %r" % (what, answer[:60]))
    check(c.get("/healthz").status == 200, "the server is well after all that")


with Desk() as desk:
    c = desk.admin()
    made = pages(c)
    errors(desk, c, made[5])
    headers(desk, c, made[6])
    life(desk, c)
    wire(desk, c)
    r = desk.ward("status", "--json")
    check(r.returncode == 0 and json.loads(r.stdout)["running"] is True, "status: %s" % r.stdout)
    check(desk.ward("trail", "verify").returncode == 0, "the trail verifies")
    check(b"error" not in open(desk.log, "rb").read().split(b"serving")[-1], "no fault in the log: %s" % open(desk.log).read()[-600:])
done("api")
