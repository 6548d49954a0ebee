#!/usr/bin/env python3
"""Answers against the schemas of the vendor's OpenAPI file, for every GET that is served here and for what was made.

The file says of almost no member whether it may be null, and the live service sends null for what is absent; so null
passes everywhere. All else has to fit: types, enumerations, required members, times.
"""
import json, re
import oas
from desk import Desk, check, done

doc = oas.load()
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")

# Where the file itself is wrong about the wire (zendesk/API.md says how it really is).
KNOWN = [  # path, part of what does not fit
    ("/api/v2/tickets/{ticket_id}/metrics", "not array"),    # one ticket has one metric, and clients read an object
    ("/api/v2/ticket_metrics/{ticket_metric_id}", "not array"),
    ("/api/v2/automations", "not string"),                   # actions with lists: section 20, "array-valued actions missing"
    ("/api/v2/incremental/tickets", '"deleted"'),            # section 7: an export row of a deleted ticket says so
    ("/api/v2/tickets/{ticket_id}/metrics", "not array"),    # one ticket has one: clients read an object
    ("/api/v2/email_notifications/show_many", "has none of"),   # many are not one
    ("/api/v2/suspended_tickets/{id}", "has none of"),       # one is not a list
]


def fits(s, v, at, out, depth=0):
    s = oas.resolve(doc, s)
    if v is None or depth > 12:
        return
    for part in s.get("allOf", []):
        fits(part, v, at, out, depth + 1)
    for word in ("oneOf", "anyOf"):
        if s.get(word):
            best = None
            for part in s[word]:
                o = []
                fits(part, v, at, o, depth + 1)
                if best is None or len(o) < len(best):
                    best = o
            out += best
    t = s.get("type")
    kinds = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict}
    if t in kinds and (not isinstance(v, kinds[t]) or (t in ("integer", "number") and isinstance(v, bool))):
        out.append("%s is %s, not %s" % (at, json.dumps(v)[:40], t))
        return
    if "enum" in s and v not in s["enum"] and str(v) not in [str(x) for x in s["enum"]]:
        out.append("%s is %s, not one of %s" % (at, json.dumps(v)[:40], s["enum"]))
    if s.get("format") == "date-time" and not TIME.match(str(v)):
        out.append("%s is no time: %s" % (at, v))
    if isinstance(v, dict):
        for n in s.get("required", []):
            if n not in v:
                out.append("%s has no %s" % (at, n))
        for n, m in s.get("properties", {}).items():
            if n in v:
                fits(m, v[n], at + "." + n, out, depth + 1)
        if isinstance(s.get("additionalProperties"), dict) and s["additionalProperties"]:
            for n in v:
                if n not in s.get("properties", {}):
                    fits(s["additionalProperties"], v[n], at + "." + n, out, depth + 1)
    if isinstance(v, list) and "items" in s:
        for k, one in enumerate(v[:20]):
            fits(s["items"], one, "%s[%d]" % (at, k), out, depth + 1)


def members_of(s, depth=0):
    s = oas.resolve(doc, s)
    out = set(s.get("properties", {}))
    for part in s.get("allOf", []) + s.get("oneOf", []) + s.get("anyOf", []):
        if depth < 6:
            out |= members_of(part, depth + 1)
    return out


def schema_of(op, status):
    r = oas.resolve(doc, op.get("responses", {}).get(str(status)))
    for kind, media in r.get("content", {}).items():
        if "json" in kind:
            return oas.resolve(doc, media.get("schema"))
    return None


QUERY = {"/api/v2/ticket_content_pins": None, "/api/v2/incremental": "start_time=0", "/api/v2/search": "query=world&filter[type]=ticket", "autocomplete": "name=wan&text=wor", "show_many": None, "count_many": None,
         "/api/v2/users/search": "query=wanda", "/api/v2/macros/new": None, "check_host_mapping": "host_mapping=x&subdomain=y"}

with Desk() as desk:
    c = desk.admin()
    world = oas.World(desk, c)
    routes = c.get("/api/ward/v1/routes").json["routes"]
    seen = tried = 0
    nothing = []
    for m, path, op, permission in oas.operations(doc, routes):
        if m != "GET":
            continue
        url = world.fill(path)
        q = [v for k, v in QUERY.items() if k in path and v]
        if path.endswith("_many"):
            kind = path.split("/")[-2]
            q = ["ids=%s" % world.ids.get(kind, 1)]
        if path.endswith("/macros/new"):
            q = ["macro_id=%s&ticket_id=%s" % (world.ids.get("macros", 1), world.ids["tickets"])]
        if path.endswith("/ticket_content_pins"):
            q = ["ticket_id=%d" % world.ids["tickets"]]
        if path.startswith("/api/v2/email_notifications"):
            q = ["ticket_ids=%d&filter[ticket_id]=%d" % (world.ids["tickets"], world.ids["tickets"])]
        tried += 1
        for extra in ("", "page[size]=10"):
            r = c.get(url + "?" + "&".join(q + ([extra] if extra else [])))
            if r.status != 200:
                if not extra:
                    nothing.append("%s %d" % (url, r.status))
                continue
            s = schema_of(op, 200)
            if not s:
                continue
            wrong = []
            j = r.json
            fits(s, j, path, wrong)
            have = members_of(s)
            # The envelope's own name, where the file names one.
            lists = [n for n in have if n not in ("count", "next_page", "previous_page", "meta", "links", "after_cursor", "after_url", "before_cursor", "before_url", "end_of_stream", "end_time", "facets")]
            if lists and isinstance(j, dict) and not set(lists) & set(j):
                wrong.append("%s has none of %s but %s" % (path, sorted(lists)[:6], sorted(j)[:6]))
            wrong = [w for w in wrong if not any(path.startswith(p) and part in w for p, part in KNOWN)]
            check(not wrong, "GET %s: %s" % (path, "; ".join(wrong[:4])))
            seen += not extra
    print("%d GETs tried, %d checked; without an object: %s" % (tried, seen, ", ".join(nothing)))
    check(seen > 100, "enough was seen (%d)" % seen)
done("schema")
