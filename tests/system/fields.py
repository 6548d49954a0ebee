#!/usr/bin/env python3
"""Ticket, user and organization fields, forms, custom statuses, and the other things that administrators define."""
import re
import time
from desk import Desk, Client, check, done


def expect(what, reply, status, *words):
    ok = reply.status == status and all((w.encode() if isinstance(w, str) else w) in reply.body for w in words)
    return check(ok, "%s: wanted %d %s, got %r" % (what, status, words, reply))


def field(c, **f):
    r = c.post("/api/v2/ticket_fields.json", {"ticket_field": f})
    expect("a field %s" % f, r, 201)
    return r.json["ticket_field"]["id"] if r.status == 201 else 0


def value(t, fid):
    return {f["id"]: f["value"] for f in t["custom_fields"]}.get(fid, "absent")


def ticket(c, values, status=201, **more):
    r = c.post("/api/v2/tickets.json", {"ticket": dict({"subject": "s", "comment": {"body": "b"}, "custom_fields": [{"id": k, "value": v} for k, v in values]}, **more)})
    check(r.status == status, "wanted %d for %s %s: %r" % (status, values, more, r))
    return r.json["ticket"] if r.status == 201 else r


VALUES = [  # type, given, kept (None: refused)
    ("text", "abc", "abc"), ("text", 12, "12"), ("text", ["a"], None), ("textarea", "a\nb", "a\nb"),
    ("checkbox", True, True), ("checkbox", "true", True), ("checkbox", "0", False), ("checkbox", "perhaps", None),
    ("date", "2026-02-28", "2026-02-28"), ("date", "2026-02-30", None), ("date", "soon", None), ("date", "2026-02-28T10:00:00Z", "2026-02-28"),
    ("integer", 5, 5), ("integer", "-17", -17), ("integer", "5.5", None), ("integer", "9" * 30, None), ("integer", True, None),
    ("decimal", "19.99", 19.99), ("decimal", 3, 3), ("decimal", "1.2.3", None), ("decimal", "1e5", None),
    ("regexp", "AB-12", "AB-12"), ("regexp", "nope", None),
    ("partialcreditcard", "4111 1111 1111 1111", "XXXXXXXXXXXX1111"), ("partialcreditcard", "XXXXXXXXXXXX1111", "XXXXXXXXXXXX1111"), ("partialcreditcard", "12", None),
    ("tagger", "blue", "blue"), ("tagger", "pink", None), ("multiselect", ["blue", "red"], ["blue", "red"]), ("multiselect", ["blue", "pink"], None), ("multiselect", "red", ["red"]),
    ("lookup", "1", "1"), ("lookup", "424242", None),
]


def types(c):
    ids = {}
    for t in ("text", "textarea", "checkbox", "date", "integer", "decimal", "partialcreditcard"):
        ids[t] = field(c, type=t, title="A " + t)
    ids["regexp"] = field(c, type="regexp", title="A regexp", regexp_for_validation=r"\A[A-Z]{2}-\d+\z")
    for t in ("tagger", "multiselect"):
        ids[t] = field(c, type=t, title="A " + t, custom_field_options=[{"name": "Blue", "value": "blue"}, {"name": "Red", "value": "red"}])
    ids["lookup"] = field(c, type="lookup", title="A lookup", relationship_target_type="zen:user")
    for t, given, kept in VALUES:
        r = ticket(c, [(ids[t], given)], 201 if kept is not None else 422)
        if kept is not None:
            check(value(r, ids[t]) == kept and value({"custom_fields": r["fields"]}, ids[t]) == kept, "%s %r is kept as %r: %r" % (t, given, kept, value(r, ids[t])))
            check(value(c.get("/api/v2/tickets/%d.json" % r["id"]).json["ticket"], ids[t]) == kept, "and read again")
        else:
            check(b"A " + t.encode() in r.body and b"details" in r.body, "the field is named: %r" % r)
    t = ticket(c, [(424242, "x"), (ids["text"], "y")])
    check(value(t, 424242) == "absent" and value(t, ids["text"]) == "y", "an unknown field is passed over")
    t = ticket(c, [(ids["tagger"], "blue")], tags=["one"])
    check(t["tags"] == ["blue", "one"], "an option is a tag: %s" % t["tags"])
    u = c.put("/api/v2/tickets/%d.json" % t["id"], {"ticket": {"custom_fields": [{"id": ids["tagger"], "value": "red"}]}}).json
    check(u["ticket"]["tags"] == ["one", "red"], "the old one goes: %s" % u["ticket"]["tags"])
    check({"id": u["audit"]["events"][0]["id"], "type": "Change", "field_name": str(ids["tagger"]), "value": "red", "previous_value": "blue"} in u["audit"]["events"] or
          any(e.get("field_name") == str(ids["tagger"]) and e["value"] == "red" and e["previous_value"] == "blue" for e in u["audit"]["events"]), "the audit names the field: %s" % u["audit"]["events"])
    u = c.put("/api/v2/tickets/%d.json" % t["id"], {"ticket": {"custom_fields": [{"id": ids["tagger"], "value": None}]}}).json["ticket"]
    check(u["tags"] == ["one"] and value(u, ids["tagger"]) is None, "null clears")
    check(not re.search(rb"4111[ -]?1111", b"".join(open(f, "rb").read() for f in c.desk.files())), "no card number on disk")
    # A pattern that would take forever is over soon, and the server lives.
    slow = field(c, type="regexp", title="Slow", regexp_for_validation="^(a+)+$")
    ticket(c, [(slow, "a" * 40 + "!")], 422)
    return ids


def by_tags(desk, c):
    """Options are tags: whoever sets the tag sets the field."""
    drop = field(c, type="tagger", title="Where", custom_field_options=[{"name": "East", "value": "east"}, {"name": "West", "value": "West_Wing"}])
    many = field(c, type="multiselect", title="What", custom_field_options=[{"name": "One", "value": "w1"}, {"name": "Two", "value": "w2"}, {"name": "Three", "value": "w3"}])
    box = field(c, type="checkbox", title="Seen", tag="was_seen")
    secret = field(c, type="tagger", title="Why", phi=True, phi_purpose="treatment", custom_field_options=[{"name": "Ill", "value": "ill"}])
    held = lambda t: [value(t, f) for f in (drop, many, box)]
    t = ticket(c, [], tags=["east", "w2", "plain", "ill"])
    check(held(t) == ["east", ["w2"], False] and value(t, secret) is None, "a new ticket's tags: %r" % t)
    check({x["id"] for x in c.get("/api/v2/search.json?query=custom_field_%d:east" % drop).json["results"]} == {t["id"]}, "and found by the field")
    found = lambda q: {x["id"] for x in c.get("/api/v2/search.json?query=" + q).json["results"]}
    other = ticket(c, [(drop, "West_Wing"), (many, ["w1", "w3"])], comment={"body": "east w2 stands in a text"})["id"]
    third = ticket(c, [])["id"]
    check(found("custom_field_%d:*" % drop) == found("custom_field_%d:*" % many) == {t["id"], other} and found("type:ticket+custom_field_%d:*+custom_field_%d:w2" % (drop, many)) == {t["id"]}, "any of its options")
    check(third in found("type:ticket+custom_field_%d:none" % drop) and not {t["id"], other} & found("type:ticket+-custom_field_%d:*" % drop), "and none")
    expect("any of a text cannot be asked", c.get("/api/v2/search.json?query=custom_field_%d:*" % field(c, type="text", title="Words")), 422, "options only")
    expect("nor of a person's notes", c.get("/api/v2/search.json?query=type:user+notes:*"), 422, "alone")
    put = lambda **f: c.put("/api/v2/tickets/%d.json" % t["id"], {"ticket": f}).json
    r = put(additional_tags=["west_wing", "was_seen"])
    check(held(r["ticket"]) == ["West_Wing", ["w2"], True] and r["ticket"]["tags"] == ["ill", "plain", "w2", "was_seen", "west_wing"], "another option takes its place: %r" % r["ticket"])
    check({(e["field_name"], str(e["value"]), str(e["previous_value"])) for e in r["audit"]["events"] if e["field_name"] != "tags"} == {(str(drop), "West_Wing", "east"), (str(box), "True", "None")}, "each in the audit: %r" % r["audit"])
    r = put(tags=["w1", "w3", "plain"])
    check(held(r["ticket"]) == [None, ["w1", "w3"], False] and r["ticket"]["tags"] == ["plain", "w1", "w3"], "what is not among the tags is cleared: %r" % r["ticket"])
    r = put(tags=["plain"], custom_fields=[{"id": drop, "value": "east"}])
    check(held(r["ticket"]) == ["east", None, False] and r["ticket"]["tags"] == ["east", "plain"], "a field that is named is as named: %r" % r["ticket"])
    r = c.delete("/api/v2/tickets/%d/tags.json" % t["id"], {"tags": ["east"]})
    check(r.status == 200 and held(c.get("/api/v2/tickets/%d.json" % t["id"]).json["ticket"]) == [None, None, False], "the tags' own endpoint: %r" % r)
    r = c.post("/api/v2/triggers.json", {"trigger": {"title": "West", "conditions": {"all": [{"field": "current_tags", "operator": "includes", "value": "gowest"}]}, "actions": [{"field": "current_tags", "value": "west_wing w1"}]}})
    check(r.status == 201, "a trigger: %r" % r)
    r = put(additional_tags=["gowest"])
    check(held(r["ticket"]) == ["West_Wing", ["w1"], False], "a trigger's tags, too: %r" % r)
    c.delete("/api/v2/triggers/%d.json" % c.get("/api/v2/triggers.json").json["triggers"][-1]["id"])


def bad_fields(c):
    for why, f, word in (("no type", {"title": "x"}, "type"), ("no title", {"type": "text"}, "title"), ("an unknown type", {"type": "riddle", "title": "x"}, "type"),
                         ("options missing", {"type": "tagger", "title": "x"}, "custom_field_options"), ("two alike", {"type": "tagger", "title": "x", "custom_field_options": [{"name": "a", "value": "v"}, {"name": "b", "value": "v"}]}, "DuplicateValue"),
                         ("no pattern", {"type": "regexp", "title": "x"}, "regexp_for_validation"), ("a wrong pattern", {"type": "regexp", "title": "x", "regexp_for_validation": "("}, "regexp_for_validation"),
                         ("PHI without purpose", {"type": "text", "title": "x", "phi": True}, "phi_purpose"), ("a wrong access", {"type": "text", "title": "x", "phi_access": {"agent": "sometimes"}}, "phi_access"),
                         ("too long", {"type": "text", "title": "x" * 300}, "title"), ("wrong types", {"type": 5, "title": ["x"], "active": "maybe", "position": "first"}, "position"), ("lookup of nothing", {"type": "lookup", "title": "x"}, "relationship_target_type")):
        expect(why, c.post("/api/v2/ticket_fields.json", {"ticket_field": f}), 422, "RecordInvalid", word)
    r = c.post("/api/v2/ticket_fields.json", {"ticket_field": {"type": 5, "title": ["x"], "active": "maybe", "position": "first"}})
    check(set(r.json["details"]) == {"type", "title", "active", "position"}, "all wrong members at once: %r" % r)
    system = [f for f in c.get("/api/v2/ticket_fields.json").json["ticket_fields"] if not f["removable"]]
    check({f["type"] for f in system} == {"subject", "description", "status", "tickettype", "priority", "group", "assignee", "custom_status"}, "the system's own fields")
    expect("a system field stays", c.delete("/api/v2/ticket_fields/%d.json" % system[0]["id"]), 422)
    expect("unknown", c.get("/api/v2/ticket_fields/999999.json"), 404, "RecordNotFound")


def options(c, ids):
    f = "/api/v2/ticket_fields/%d/options" % ids["tagger"]
    j = c.get(f + ".json").json
    check([o["value"] for o in j["custom_field_options"]] == ["blue", "red"] and j["count"] == 2, "the options")
    before = {o["value"]: o["id"] for o in j["custom_field_options"]}
    r = c.post(f + ".json", {"custom_field_option": {"name": "Green", "value": "green"}})
    expect("one more", r, 201, "green")
    g = r.json["custom_field_option"]["id"]
    expect("the same again", c.post(f + ".json", {"custom_field_option": {"name": "Green", "value": "green"}}), 422, "Duplicate")
    expect("renamed", c.post(f + ".json", {"custom_field_option": {"id": g, "name": "Grass", "value": "green"}}), 200, "Grass")
    after = {o["value"]: o["id"] for o in c.get(f + ".json").json["custom_field_options"]}
    check(all(after[k] == before[k] for k in before) and after["green"] == g, "ids of options stay")
    expect("one gone", c.delete(f + "/%d.json" % g), 204)
    expect("gone", c.get(f + "/%d.json" % g), 404)


def phi(desk, c):
    _, agent = desk.person(c, "Ana Agent", "ana@clinic.example", "agent")
    eid, end = desk.person(c, "Eve", "eve@patients.example")
    secret = field(c, type="text", title="Diagnosis", phi=True, phi_purpose="Treatment", phi_access={"agent": "none"})
    ro = field(c, type="text", title="Chart", phi=True, phi_purpose="Treatment", phi_access={"agent": "read"})
    portal = field(c, type="text", title="Allergies", visible_in_portal=True, editable_in_portal=True)
    t = ticket(c, [(secret, "glioblastoma"), (ro, "chart-77"), (portal, "penicillin")], requester_id=eid)
    url = "/api/v2/tickets/%d.json" % t["id"]
    r = agent.get(url)
    check(value(r.json["ticket"], secret) == "absent" and b"glioblastoma" not in r.body and value(r.json["ticket"], ro) == "chart-77", "none and read: %r" % r)
    r = agent.get("/api/v2/tickets/%d/audits.json" % t["id"])
    check(b"glioblastoma" not in r.body and b"chart-77" in r.body, "nor in the audits")
    check(agent.get("/api/v2/search.json?query=glioblastoma").json["count"] == 0, "nor by a search")
    check(agent.get("/api/v2/search.json?query=custom_field_%d:glioblastoma" % secret).json["count"] == 0, "nor by a search of the field")
    r = agent.put(url, {"ticket": {"custom_fields": [{"id": secret, "value": "flu"}, {"id": ro, "value": "chart-77"}], "priority": "low"}})
    check(r.status == 200 and value(c.get(url).json["ticket"], secret) == "glioblastoma", "what is not known is not written; the same value is no write: %r" % r)
    expect("what may only be read", agent.put(url, {"ticket": {"custom_fields": [{"id": ro, "value": "chart-78"}]}}), 422, "may only be read")
    check(value(c.get(url).json["ticket"], ro) == "chart-77", "nothing was written")
    # Access that is taken away is taken from the index, too, and from whoever asks another way.
    open_field = field(c, type="text", title="Later secret")
    t2 = ticket(c, [(open_field, "xylograph")])
    check(agent.get("/api/v2/search.json?query=xylograph").json["count"] == 1, "found while it may be read")
    v = c.post("/api/v2/views.json", {"view": {"title": "All", "all": [{"field": "status", "operator": "less_than", "value": "closed"}]}})
    m = c.post("/api/v2/macros.json", {"macro": {"title": "Say it", "actions": [{"field": "comment_value", "value": "It is {{ticket.ticket_field_%d}}" % open_field}]}})
    if v.status in (200, 201) and m.status in (200, 201):
        rows, said = "/api/v2/views/%d/execute.json" % v.json["view"]["id"], "/api/v2/tickets/%d/macros/%d/apply.json" % (t2["id"], m.json["macro"]["id"])
        check(b"xylograph" in agent.get(rows).body and b"xylograph" in agent.get(said).body, "in views and macros")
    c.put("/api/v2/ticket_fields/%d.json" % open_field, {"ticket_field": {"phi_access": {"agent": "none"}}})
    for _ in range(200):
        if agent.get("/api/v2/search.json?query=xylograph").json["count"] == 0:
            break
        time.sleep(0.05)
    check(agent.get("/api/v2/search.json?query=xylograph").json["count"] == 0, "and not when it may not")
    if v.status in (200, 201) and m.status in (200, 201):
        check(b"xylograph" not in agent.get(rows).body and b"xylograph" not in agent.get(said).body, "nor in views and macros: %r" % agent.get(said))
    r = end.get("/api/v2/requests/%d.json" % t["id"])
    check(b"penicillin" in r.body and b"glioblastoma" not in r.body and b"chart-77" not in r.body, "the requester sees the portal's fields: %r" % r)
    listed = end.get("/api/v2/ticket_fields.json").json["ticket_fields"]
    check({f["id"] for f in listed} & {secret, ro, portal} == {portal} and all("phi_purpose" not in f and "agent_description" not in f for f in listed), "and knows of no others")
    expect("not one either", end.get("/api/v2/ticket_fields/%d.json" % secret), 404)
    check(b"glioblastoma" not in b"".join(open(f, "rb").read() for f in desk.files()), "sealed on disk")
    r = end.post("/api/v2/requests.json", {"request": {"subject": "s", "comment": {"body": "b"}, "custom_fields": [{"id": portal, "value": "nuts"}, {"id": secret, "value": "mine"}]}})
    check(r.status == 201 and value(r.json["request"], portal) == "nuts" and value(c.get("/api/v2/tickets/%d.json" % r.json["request"]["id"]).json["ticket"], secret) is None, "a request writes what the portal lets: %r" % r)


def solving(c):
    must = field(c, type="text", title="Order number", required=True)
    t = ticket(c, [])
    url = "/api/v2/tickets/%d.json" % t["id"]
    expect("solving asks for it", c.put(url, {"ticket": {"status": "solved"}}), 422, "Order number: is required when solving a ticket", "base")
    check(c.get(url).json["ticket"]["status"] == "new", "and nothing changed")
    expect("with it", c.put(url, {"ticket": {"status": "solved", "custom_fields": [{"id": must, "value": "7"}]}}), 200)
    expect("no more required", c.put("/api/v2/ticket_fields/%d.json" % must, {"ticket_field": {"required": False}}), 200)
    expect("it goes", c.delete("/api/v2/ticket_fields/%d.json" % must), 204)
    check(value(c.get(url).json["ticket"], must) == "absent", "its values are shown no more")


def forms(c, ids):
    j = c.get("/api/v2/ticket_forms.json").json["ticket_forms"]
    check(len(j) == 1 and j[0]["default"] and ids["tagger"] in j[0]["ticket_field_ids"], "a default form with the new fields: %s" % j)
    cond = [{"parent_field_id": ids["tagger"], "value": "red", "child_fields": [{"id": ids["text"], "is_required": True, "required_on_statuses": {"type": "SOME_STATUSES", "statuses": ["pending", "solved"]}}]}]
    r = c.post("/api/v2/ticket_forms.json", {"ticket_form": {"name": "Refill", "end_user_visible": True, "ticket_field_ids": [ids["tagger"], ids["text"]], "agent_conditions": cond}})
    expect("a form", r, 201, "Refill")
    form = r.json["ticket_form"]["id"]
    check(r.json["ticket_form"]["display_name"] == "Refill", "its display name")
    expect("unknown fields", c.post("/api/v2/ticket_forms.json", {"ticket_form": {"name": "x", "ticket_field_ids": [999999]}}), 422, "ticket_field_ids")
    expect("a broken condition", c.put("/api/v2/ticket_forms/%d.json" % form, {"ticket_form": {"agent_conditions": [{"parent_field_id": 1}]}}), 422, "agent_conditions")
    t = ticket(c, [(ids["tagger"], "red")], ticket_form_id=form)
    url = "/api/v2/tickets/%d.json" % t["id"]
    check(t["ticket_form_id"] == form, "the form is on the ticket")
    expect("open asks nothing", c.put(url, {"ticket": {"status": "open"}}), 200)
    expect("pending asks", c.put(url, {"ticket": {"status": "pending"}}), 422, "A text: is required")
    expect("another value does not", c.put(url, {"ticket": {"status": "pending", "custom_fields": [{"id": ids["tagger"], "value": "blue"}]}}), 200)
    expect("an unknown form", c.put(url, {"ticket": {"ticket_form_id": 999999}}), 422, "ticket_form_id")
    r = c.post("/api/v2/ticket_forms/%d/clone.json" % form, {})
    expect("a clone", r, 200, "Copy of Refill")
    clone = r.json["ticket_form"]["id"]
    r = c.put("/api/v2/ticket_forms/reorder.json", {"ticket_form_ids": [clone, form]})
    expect("in another order", r, 200)
    check([f["id"] for f in r.json["ticket_forms"]][:2] == [clone, form], "as told")
    check([f["id"] for f in c.get("/api/v2/ticket_forms/show_many.json?ids=%d,%d" % (form, clone)).json["ticket_forms"]] == [form, clone], "show_many")
    expect("it goes", c.delete("/api/v2/ticket_forms/%d.json" % clone), 204)
    default = [f["id"] for f in c.get("/api/v2/ticket_forms.json").json["ticket_forms"] if f["default"]][0]
    expect("the default stays", c.delete("/api/v2/ticket_forms/%d.json" % default), 422)
    r = c.put("/api/v2/ticket_forms/%d.json" % form, {"ticket_form": {"default": True}})
    check([f["id"] for f in c.get("/api/v2/ticket_forms.json").json["ticket_forms"] if f["default"]] == [form], "one default: %r" % r)
    c.put("/api/v2/ticket_forms/%d.json" % default, {"ticket_form": {"default": True}})
    return form


def statuses(c, form):
    j = c.get("/api/v2/custom_statuses.json").json["custom_statuses"]
    check([s["status_category"] for s in j] == ["new", "open", "pending", "hold", "solved"] and all(s["default"] for s in j), "a status per category")
    r = c.post("/api/v2/custom_statuses.json", {"custom_status": {"status_category": "pending", "agent_label": "Waiting for lab"}})
    expect("one more", r, 201, "Waiting for lab")
    lab = r.json["custom_status"]["id"]
    expect("the same label", c.post("/api/v2/custom_statuses.json", {"custom_status": {"status_category": "open", "agent_label": "waiting for lab"}}), 422, "agent_label")
    expect("no such category", c.post("/api/v2/custom_statuses.json", {"custom_status": {"status_category": "late", "agent_label": "x"}}), 422, "status_category")
    t = ticket(c, [], custom_status_id=lab)
    check(t["status"] == "pending" and t["custom_status_id"] == lab, "it brings its category: %s %s" % (t["status"], t["custom_status_id"]))
    u = c.put("/api/v2/tickets/%d.json" % t["id"], {"ticket": {"status": "open"}}).json["ticket"]
    check(u["custom_status_id"] == j[1]["id"], "a status brings its default")
    u = c.put("/api/v2/tickets/%d.json" % t["id"], {"ticket": {"custom_status_id": lab}}).json
    check(u["ticket"]["status"] == "pending" and any(e.get("field_name") == "custom_status_id" for e in u["audit"]["events"]), "and back")
    expect("unknown", c.put("/api/v2/tickets/%d.json" % t["id"], {"ticket": {"custom_status_id": 999999}}), 422, "custom_status_id")
    expect("the new default", c.put("/api/v2/custom_status/default.json", {"ids": str(lab)}), 200)
    check([s["id"] for s in c.get("/api/v2/custom_statuses.json?status_categories=pending&default=true").json["custom_statuses"]] == [lab], "is one")
    expect("a default stays", c.delete("/api/v2/custom_statuses/%d.json" % lab), 422)
    r = c.post("/api/v2/ticket_forms/%d/ticket_form_statuses.json" % form, {"ticket_form_statuses": [{"custom_status_id": lab}]})
    expect("a status of a form", r, 200, str(lab))
    expect("not twice", c.post("/api/v2/ticket_forms/%d/ticket_form_statuses.json" % form, {"ticket_form_statuses": [{"custom_status_id": lab}]}), 422)
    pair = r.json["ticket_form_statuses"][0]["id"]
    u = "/api/v2/ticket_forms/%d/ticket_form_statuses.json" % form
    r = c.put(u, {"ticket_form_statuses": [{"custom_status_id": lab}, {"custom_status_id": j[1]["id"]}]})
    check(r.status == 200 and [p["custom_status_id"] for p in r.json["ticket_form_statuses"]] == [lab, j[1]["id"]] and r.json["ticket_form_statuses"][0]["id"] == pair, "these and no others: %r" % r)
    expect("an unknown one", c.put(u, {"ticket_form_statuses": [{"custom_status_id": 999999}]}), 422)
    check(len(c.get(u).json["ticket_form_statuses"]) == 2, "and nothing was lost by it")
    r = c.put(u.replace(".json", "/%s.json" % r.json["ticket_form_statuses"][1]["id"]), {"ticket_form_status": {"custom_status_id": j[2]["id"]}})
    check(r.status == 200 and [p["custom_status_id"] for p in r.json["ticket_form_statuses"]] == [lab, j[2]["id"]], "one becomes another: %r" % r)
    expect("without one", c.delete(u, {"id": [r.json["ticket_form_statuses"][1]["id"]]}), 204)
    expect("removed", c.delete("/api/v2/ticket_forms/%d/ticket_form_statuses/%s.json" % (form, pair)), 204)


def people(c):
    r = c.post("/api/v2/user_fields.json", {"user_field": {"type": "date", "key": "born", "title": "Born"}})
    expect("a user field", r, 201, "born")
    c.post("/api/v2/user_fields.json", {"user_field": {"type": "dropdown", "key": "plan", "title": "Plan", "custom_field_options": [{"name": "Gold", "value": "gold"}]}})
    c.post("/api/v2/organization_fields.json", {"organization_field": {"type": "integer", "key": "beds", "title": "Beds"}})
    for key in ("born", "12", "a b", ""):
        expect("the key %r" % key, c.post("/api/v2/user_fields.json", {"user_field": {"type": "text", "key": key, "title": "x"}}), 422, "key")
    u = c.post("/api/v2/users.json", {"user": {"name": "P Q", "email": "pq@patients.example", "user_fields": {"born": "1980-02-03", "plan": "gold", "unknown": "z"}}})
    expect("values", u, 201)
    check(u.json["user"]["user_fields"] == {"born": "1980-02-03", "plan": "gold"}, "kept, the unknown not: %s" % u.json["user"]["user_fields"])
    uid = u.json["user"]["id"]
    expect("wrong values", c.put("/api/v2/users/%d.json" % uid, {"user": {"user_fields": {"born": "x", "plan": "tin"}}}), 422, "user_fields", "Born", "Plan")
    r = c.put("/api/v2/users/%d.json" % uid, {"user": {"user_fields": {"plan": None}}})
    check(r.json["user"]["user_fields"] == {"born": "1980-02-03", "plan": None}, "one changed, the other stays: %r" % r)
    o = c.post("/api/v2/organizations.json", {"organization": {"name": "Ward 9", "organization_fields": {"beds": "12"}}})
    check(o.status == 201 and o.json["organization"]["organization_fields"] == {"beds": 12}, "an organization's: %r" % o)
    expect("wrong", c.put("/api/v2/organizations/%d.json" % o.json["organization"]["id"], {"organization": {"organization_fields": {"beds": "many"}}}), 422, "organization_fields")
    expect("by key", c.get("/api/v2/user_fields/born.json"), 200, "Born")


def others(c):
    b = c.get("/api/v2/brands.json").json["brands"]
    check(len(b) == 1 and b[0]["default"], "a brand")
    r = c.post("/api/v2/brands.json", {"brand": {"name": "Dental", "subdomain": "dental"}})
    expect("another", r, 201)
    brand = r.json["brand"]["id"]
    expect("the same subdomain", c.post("/api/v2/brands.json", {"brand": {"name": "D", "subdomain": "Dental"}}), 422, "subdomain", "Duplicate")
    check(ticket(c, [], brand_id=brand)["brand_id"] == brand, "on a ticket")
    expect("an unknown one", c.post("/api/v2/tickets.json", {"ticket": {"comment": {"body": "b"}, "brand_id": 999999}}), 422, "brand_id")
    r = c.post("/api/v2/dynamic_content/items.json", {"item": {"name": "Snow day", "default_locale_id": 1, "variants": [{"locale_id": 1, "default": True, "content": "Closed"}]}})
    expect("a text", r, 201, "{{dc.snow_day}}")
    item = "/api/v2/dynamic_content/items/%d" % r.json["item"]["id"]
    r = c.post(item + "/variants.json", {"variant": {"locale_id": 8, "content": "Geschlossen"}})
    expect("a variant", r, 201, "Geschlossen")
    v = r.json["variant"]["id"]
    expect("changed", c.put(item + "/variants/%d.json" % v, {"variant": {"content": "Zu"}}), 200, "Zu")
    expect("the same locale", c.post(item + "/variants.json", {"variant": {"locale_id": 8, "content": "x"}}), 422)
    check(len(c.get(item + "/variants.json").json["variants"]) == 2, "both")
    expect("gone", c.delete(item + "/variants/%d.json" % v), 204)
    r = c.post("/api/v2/custom_roles.json", {"custom_role": {"name": "Nurse", "configuration": {"ticket_access": "within-groups", "ticket_merge": True}}})
    expect("a role", r, 200, "within-groups")
    check(r.json["custom_role"]["configuration"]["ticket_deletion"] is False, "what is not said is no")
    expect("no such value", c.post("/api/v2/custom_roles.json", {"custom_role": {"name": "x", "configuration": {"ticket_access": "everything"}}}), 422, "ticket_access")
    expect("a deletion schedule", c.post("/api/v2/deletion_schedules.json", {"deletion_schedule": {"title": "Old", "object": "zen:ticket", "conditions": {"all": [{"field": "updated_at", "operator": "greater_than", "value": "365"}]}}}), 201)
    j = c.get("/api/v2/ticket_fields.json?page[size]=5").json
    check(len(j["ticket_fields"]) == 5 and j["meta"]["has_more"] and "count" not in j, "pages by cursor")
    seen, url = [], "/api/v2/ticket_fields.json?page[size]=5"
    while url:
        j = c.get(url).json
        seen += [f["id"] for f in j["ticket_fields"]]
        url = "/" + j["links"]["next"].split("/", 3)[3] if j["meta"]["has_more"] else None
    check(len(seen) == len(set(seen)) == c.get("/api/v2/ticket_fields/count.json").json["count"]["value"], "each once")


with Desk() as desk:
    admin = desk.admin()
    ids = types(admin)
    by_tags(desk, admin)
    bad_fields(admin)
    options(admin, ids)
    phi(desk, admin)
    solving(admin)
    form = forms(admin, ids)
    statuses(admin, form)
    people(admin)
    others(admin)
    before = admin.get("/api/v2/ticket_fields.json").json
    desk.kill()
    desk.start()
    check(admin.get("/api/v2/ticket_fields.json").json == before, "all of it is there after a kill")
    r = desk.ward("trail", "verify")
    check(r.returncode == 0, "the trail verifies: %s %s" % (r.stdout, r.stderr))
    log = [e["event_type"] if "event_type" in e else e["source_type"] for e in admin.get("/api/v2/audit_logs.json?filter[source_type]=ticket_field").json["audit_logs"]]
    check(len(log) > 10, "each change is in the trail: %d" % len(log))
done("fields")
