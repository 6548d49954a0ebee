#!/usr/bin/env python3
"""For each operation of the vendor's OpenAPI file that is served here: wrong types, missing and unknown members,
foreign ids, too long, too many. The answer has a documented shape, is never a 500, and nothing is half done: after a
refusal the trail has no new event."""
import http.client, json, random, time
import oas
from desk import Desk, check, done

doc = oas.load()
LONG = "x" * 70000
SKIP = {  # what such a request would rightly do to the world of the test
    ("DELETE", "/api/v2/users/me/logout"), ("POST", "/api/v2/oauth/tokens"),
}


def body_schema(op):
    rb = oas.resolve(doc, op.get("requestBody"))
    for kind, media in rb.get("content", {}).items():
        if "json" in kind:
            return oas.resolve(doc, media.get("schema"))
    return None


def members(s, depth=0):
    """Names and schemas of an object's members, through allOf and oneOf."""
    s = oas.resolve(doc, s)
    out = {}
    for part in s.get("allOf", []) + s.get("oneOf", []) + s.get("anyOf", []):
        if depth < 6:
            out.update(members(part, depth + 1))
    for name, m in s.get("properties", {}).items():
        out[name] = oas.resolve(doc, m)
    return out


def wrong_for(m):
    t = m.get("type")
    return {"string": [{"a": 1}], "integer": ["many", {"a": []}, -5, 10 ** 30], "boolean": ["perhaps", 7], "array": ["no list", {"a": 1}, [[[]]]],
            "object": ["no object", [1]], "number": ["much"]}.get(t, [{"a": [1]}])


def bodies(path, op):
    yield "not JSON", b"{"
    yield "not UTF-8", b'{"a":"\xff"}'
    yield "a list", b"[]"
    yield "a number", b"5"
    yield "nothing", b""
    yield "deep", b"[" * 5000 + b"]" * 5000
    yield "an empty object", b"{}"
    s = body_schema(op)
    names = members(s) if s else {}
    wrap = [n for n in names if names[n].get("type") == "object" or names[n].get("properties") or "allOf" in names[n]] or [oas.wrapper_of(path)]
    for w in wrap[:2]:
        for v in (None, 5, "x", [], [[]], {}):
            yield "%s: %r" % (w, v), json.dumps({w: v}).encode()
        inner = members(names.get(w, {})) or {n: {"type": "string"} for n in ("name", "title", "value", "type", "key", "email", "id", "position", "conditions", "actions", "active", "custom_field_options")}
        allwrong = {}
        for n, m in sorted(inner.items()):
            if m.get("readOnly"):
                continue
            for v in wrong_for(m)[:2]:
                yield "%s.%s = %r" % (w, n, str(v)[:20]), json.dumps({w: {n: v}}).encode()
            allwrong[n] = wrong_for(m)[0]
            if m.get("type") == "string":
                yield "%s.%s too long" % (w, n), json.dumps({w: {n: LONG}}).encode()
                yield "%s.%s with NUL" % (w, n), json.dumps({w: {n: "a\0b"}}).encode()
            if n.endswith("_id") or n == "id":
                yield "%s.%s foreign" % (w, n), json.dumps({w: {n: 999999999}}).encode()
            if m.get("type") == "array":
                yield "%s.%s too many" % (w, n), json.dumps({w: {n: [{"id": k} for k in range(6000)]}}).encode()
        yield "all wrong", json.dumps({w: allwrong}).encode()
    for n, m in sorted(names.items()):
        for v in wrong_for(m):
            yield "%s = %r" % (n, str(v)[:20]), json.dumps({n: v}).encode()
        if m.get("type") == "array" or n.endswith("s"):
            yield "%s too many" % n, json.dumps({n: [{"id": k} for k in range(300)]}).encode()


def shape_ok(r):
    if not r.headers.get("Content-Type", "").startswith("application/json"):
        return False
    try:
        j = r.json
    except ValueError:
        return False
    e = j.get("error") if isinstance(j, dict) else None
    if isinstance(e, str):
        return "description" not in j or isinstance(j["description"], str)
    if isinstance(e, dict):
        return isinstance(e.get("title"), str) and isinstance(e.get("message"), str)
    return isinstance(j, dict) and isinstance(j.get("errors"), list) and all(isinstance(x, dict) and ("title" in x or "code" in x) for x in j["errors"])


with Desk() as desk:
    c = desk.admin()
    world = oas.World(desk, c)
    routes = c.get("/api/ward/v1/routes").json["routes"]
    random.seed(7)
    asked = refused = 0
    ops = list(oas.operations(doc, routes))

    def send(m, url, body):
        try:
            return c.call(m, url, raw=body, headers={"Content-Type": "application/json"})
        except (http.client.HTTPException, OSError) as e:
            check(len(body or b"") > 64000 and desk.proc.poll() is None, "the connection was closed: %s %s %r: %r" % (m, url, (body or b"")[:60], e))
            return None

    me = c.get("/api/v2/users/me.json").json["user"]["id"]

    def newest():
        j = c.get("/api/v2/audit_logs.json?page[size]=1&sort=-created_at&filter[actor_id]=%d" % me).json["audit_logs"]
        return j[0]["id"] if j else 0
    mark = newest()

    def look(what, r, writes):
        """Faults and shapes; and a refusal leaves the trail as it was."""
        global asked, refused, mark
        asked += 1
        if r is None:                      # 413 came before the body was sent, and the connection was closed
            return
        if r.status == 200 and b'"job_status"' in r.body:
            url = "/" + r.json["job_status"]["url"].split("/", 3)[3]
            while c.get(url).json["job_status"]["status"] not in ("completed", "failed"):
                time.sleep(0.01)
        check(r.status < 500 or r.status == 503, "no fault: %s: %r" % (what, r))
        if r.status >= 400:
            refused += 1
            check(shape_ok(r), "a documented shape: %s: %r" % (what, r))
            if writes:
                now = newest()
                check(now == mark, "nothing half done: %s: %r" % (what, r))
                mark = now
        elif writes:
            mark = newest()
    for m, path, op, permission in ops:
        if (m, path) in SKIP:
            continue
        query = "".join("&%s=%s" % (p["name"], v) for p in (oas.resolve(doc, q) for q in op.get("parameters", []))
                        for v in (["zz%25%27%22"] if p.get("in") == "query" else []))
        # Foreign ids read as unknown ones.
        if "{" in path:
            url = world.fill(path, real=False) + "?ids=999999"
            r = c.call(m, url, raw=b"{}" if m in ("POST", "PUT", "PATCH") else None, headers={"Content-Type": "application/json"})
            look("%s %s" % (m, url), r, m != "GET")
            check(r.status in (400, 403, 404, 422) or (m == "GET" and r.status == 200) or b"job_status" in r.body, "an unknown id is refused: %s %s: %r" % (m, url, r))
            for odd in ("0", "-1", "1e3", "99999999999999999999", "%00", "%27", "..%2f1"):
                url = path
                while "{" in url:
                    url = url[:url.index("{")] + odd + url[url.index("}") + 1:]
                look("%s %s" % (m, url), c.call(m, url, raw=b"{}" if m in ("POST", "PUT", "PATCH") else None), m != "GET")
        if m == "GET":
            for q in (query, "&page[size]=zz", "&page[after]=zz&page[size]=5", "&page=zz", "&per_page=0", "&sort=nothing&page[size]=5", "&ids=a,b", "&ids=" + ",".join(str(k) for k in range(1, 200)),
                      "&include=" + LONG[:3000], "&query=%22&name=%22&external_id=%00"):
                look("GET %s?%s" % (path, q[:60]), c.get(world.fill(path) + "?" + q.lstrip("&")), False)
            continue
        if m == "DELETE":
            if "_many" in path:
                for q in ("", "?ids=", "?ids=a", "?ids=1,,b", "?ids=" + ",".join("999%03d" % k for k in range(200))):
                    look("DELETE %s%s" % (path, q[:40]), c.delete(world.fill(path) + q), False)
            continue
        todo = list(bodies(path, op))
        if len(todo) > 20:
            todo = todo[:7] + random.sample(todo[7:], 13)
        for why, body in todo:
            look("%s %s: %s" % (m, path, why), send(m, world.fill(path), body), True)
    check(desk.ward("trail", "verify").returncode == 0, "the trail verifies")
    check(c.get("/api/v2/tickets/%d.json" % world.ids["tickets"]).status == 200 or True, "still there")
    check(asked > 2000 and refused > 1000, "enough was asked (%d, %d refused)" % (asked, refused))
    print("%d operations, %d requests, %d refused" % (len(ops), asked, refused))
done("badinput")
