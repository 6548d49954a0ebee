#!/usr/bin/env python3
"""Single operations of the API: the trail as CSV, who works for which brand, what somebody is entitled to, counts beside a
person, searches for what is sealed with a ticket."""
import csv, io, time, urllib.parse
from desk import Client, Desk, check, done


def path(url):
    return "/" + url.split("/", 3)[3]


def rows(r):
    return list(csv.DictReader(io.StringIO(r.body.decode())))


with Desk() as desk:
    c = desk.admin()
    desk.keep_all(c)
    me = c.get("/api/v2/users/me.json").json["user"]["id"]
    ana_id, ana = desk.person(c, "Ana Agent", "ana@clinic.example", "agent")
    abe_id, abe = desk.person(c, "Abe Assigned", "abe@clinic.example", "agent", ticket_restriction="assigned")
    eve_id, eve = desk.person(c, "Eve Enduser", "eve@patients.example")

    def ticket(**fields):
        r = c.post("/api/v2/tickets.json", {"ticket": dict({"subject": "s", "comment": {"body": "hello"}}, **fields)})
        check(r.status == 201, "a ticket: %r" % r)
        return r.json["ticket"]["id"]

    # ---- POST audit_logs/export
    secret = "Quincequark"
    t = ticket(subject=secret, requester_id=eve_id)
    c.put("/api/v2/tickets/%d.json" % t, {"ticket": {"subject": "=2+2", "priority": "high"}})
    export = lambda query="": c.post("/api/v2/audit_logs/export.json" + query)
    r = export()
    check(r.status == 202 and r.body == b"" and r.headers["Location"].startswith("https://"), "accepted, and where: %r" % r)
    url = path(r.headers["Location"])
    later = ticket()
    got = c.get(url)
    all_ = rows(got)
    listed = c.get("/api/v2/audit_logs.json?page[size]=100&filter[source_type]=ticket&filter[source_id]=%d" % t).json["audit_logs"]
    mine = [x for x in all_ if x["object"] == "ticket" and x["object_id"] == str(t)]
    check(got.status == 200 and got.headers["Content-Type"].startswith("text/csv") and [int(x["event"]) for x in mine] == [x["id"] for x in listed], "all that the list has: %r" % [x["event"] for x in mine])
    check([int(x["event"]) for x in all_] == sorted((int(x["event"]) for x in all_), reverse=True), "newest first")
    check(not [x for x in all_ if x["object"] == "ticket" and x["object_id"] == str(later)], "up to when it was asked for")
    check(all_[0]["action"] == "audit_log.export", "which is an event: %r" % all_[0])
    check(secret in got.body.decode() and "=2+2" in got.body.decode() and "\n=" not in got.body.decode() and ',"=' not in got.body.decode(), "with what changed, no formula")
    narrow = lambda **f: rows(c.get(path(export("?" + urllib.parse.urlencode([("filter[%s]" % k, x) for k, v in f.items() for x in (v if isinstance(v, list) else [v])])).headers["Location"])))
    check({x["object"] for x in narrow(source_type="user")} == {"user"}, "of one kind of thing")
    check([int(x["event"]) for x in narrow(source_type="ticket", source_id=t)] == [x["id"] for x in listed], "of one thing")
    check({x["actor_id"] for x in narrow(actor_id=me)} == {str(me)}, "of one person")
    made = narrow(action="create")
    check(made and all(x["action"].split(".")[1].startswith(("create", "upload")) for x in made), "by Zendesk's word for what was done: %r" % {x["action"] for x in made})
    check(narrow(action="create", ip_address="192.0.2.77") == [] and {x["address"] for x in narrow(ip_address="127.0.0.1")} == {"127.0.0.1"}, "from where")
    check(narrow(created_at=["2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z"]) == [], "by time")
    for query, why in (("?filter[actor_id]=x", "who"), ("?filter[source_id]=3", "a thing of no kind"), ("?filter[created_at]=soon", "when")):
        check(export(query).status == 400, "refused: " + why)
    check(c.get("/api/ward/v1/trail/csv?before=0").status == 400, "and from nowhere on")
    for who in (ana, eve):
        check(who.post("/api/v2/audit_logs/export.json").status == 403 and who.get(url).status == 403, "not theirs")
    check(Client(desk).get(url).status == 401, "its address alone opens nothing")
    c.delete("/api/v2/tickets/%d.json" % t)
    c.delete("/api/v2/deleted_tickets/%d.json" % t)
    for _ in range(100):
        left = c.get(url).body.decode()
        if secret not in left:
            break
        time.sleep(0.1)
    check(secret not in left and "(erased)" in left, "what is erased is not in it any more")

    # ---- brand_agents
    brands = [b["id"] for b in c.get("/api/v2/brands.json").json["brands"]]
    r = c.post("/api/v2/brands.json", {"brand": {"name": "Second", "subdomain": "second"}})
    check(r.status == 201, "another brand: %r" % r)
    second = r.json["brand"]["id"]
    off = c.post("/api/v2/brands.json", {"brand": {"name": "Off", "subdomain": "off", "active": False}}).json["brand"]["id"]
    check(c.put("/api/v2/brands/%d.json" % off, {"brand": {"active": False}}).json["brand"]["active"] is False, "one that rests")
    brands = sorted(brands + [second])
    staff = sorted([me, ana_id, abe_id])
    want = [(u, b) for u in staff for b in brands]
    pairs = lambda r: [(x["user_id"], x["brand_id"]) for x in r.json["brand_agents"]]
    r = c.get("/api/v2/brand_agents.json")
    check(pairs(r) == want and r.json["count"] == len(want), "every agent, every active brand: %r" % r)
    check(all(isinstance(x["id"], str) and x["created_at"] for x in r.json["brand_agents"]), "with their ids")
    one = r.json["brand_agents"][1]
    check(c.get("/api/v2/brand_agents/%s.json" % one["id"]).json["brand_agent"] == one, "one of them")
    check(pairs(c.get("/api/v2/brands/%d/agents.json" % second)) == [(u, second) for u in staff], "of a brand")
    check(pairs(c.get("/api/v2/users/%d/brand_agents.json" % ana_id)) == [(ana_id, b) for b in brands] and pairs(c.get("/api/v2/users/%d/brand_agents.json" % eve_id)) == [], "of a person")
    check(c.get("/api/v2/users/%d/brand_agents/%d-%d.json" % (ana_id, ana_id, second)).json["brand_agent"]["brand_id"] == second, "one of theirs")
    for bad in ("brand_agents/%d-%d.json" % (eve_id, second), "brand_agents/%d-%d.json" % (ana_id, off), "brand_agents/x-1.json", "brand_agents/%d.json" % ana_id, "brands/%d/agents.json" % off,
                "users/%d/brand_agents/%d-%d.json" % (abe_id, ana_id, second), "users/999999/brand_agents.json"):
        check(c.get("/api/v2/" + bad).status == 404, "there is none: " + bad)
    for size in range(1, 8):
        seen, at = [], "/api/v2/brand_agents.json?page[size]=%d" % size
        while at:
            r = c.get(at)
            seen += pairs(r)
            at = path(r.json["links"]["next"]) if r.json["meta"]["has_more"] else None
        check(seen == want, "by pages of %d, each once: %r" % (size, seen))
        back = pairs(c.get(path(r.json["links"]["prev"])))
        check(back == want[len(want) - len(pairs(r)) - len(back):len(want) - len(pairs(r))], "and back: %r" % back)
        seen = [x for n in range(1, len(want) // size + 2) for x in pairs(c.get("/api/v2/brand_agents.json?per_page=%d&page=%d" % (size, n)))]
        check(seen == want, "by numbered pages of %d: %r" % (size, seen))
    c.put("/api/v2/users/%d.json" % abe_id, {"user": {"role": "end-user"}})
    check(pairs(c.get("/api/v2/brand_agents.json")) == [(u, b) for u in staff if u != abe_id for b in brands], "who is no agent any more is in none")
    c.put("/api/v2/users/%d.json" % abe_id, {"user": {"role": "agent", "ticket_restriction": "assigned"}})
    check(ana.get("/api/v2/brand_agents.json").status == 403, "for administrators")

    # ---- entitlements
    has = lambda u, client=c: {k: v["name"] for k, v in client.get("/api/v2/users/%d/entitlements/full.json" % u).json["entitlements"].items() if v["is_active"]}
    check(has(me) == {"explore": "admin", "guide": "admin"}, "an administrator's: %r" % has(me))
    check(has(ana_id, ana) == {"explore": "viewer"}, "an agent's: %r" % has(ana_id))
    check(has(abe_id) == {} and has(eve_id) == {}, "who sees a part only, and a patient: none")
    r = c.put("/api/v2/account/settings.json", {"settings": {"tickets": {"agents_write_articles": True}}})
    check(r.status == 200 and has(ana_id) == {"explore": "viewer", "guide": "editor"}, "what the settings open: %r" % has(ana_id))
    check(ana.get("/api/v2/users/me.json").json["user"]["id"] == ana_id and c.get("/api/v2/users/me.json").json["user"]["id"] == me, "asking makes nobody another")
    c.put("/api/v2/users/%d.json" % ana_id, {"user": {"suspended": True}})
    check(has(ana_id) == {}, "who is suspended has none")
    c.put("/api/v2/users/%d.json" % ana_id, {"user": {"suspended": False}})
    check(c.get("/api/v2/users/999999/entitlements/full.json").status == 404 and eve.get("/api/v2/users/%d/entitlements/full.json" % eve_id).status == 403, "of nobody, for a patient")

    # ---- related
    orgs = [c.post("/api/v2/organizations.json", {"organization": {"name": n, "shared_tickets": True}}).json["organization"]["id"] for n in ("North", "South")]
    for n, o in enumerate(orgs):
        check(c.get("/api/v2/users/%d/related.json" % ana_id).json["user_related"]["organization_subscriptions"] == n, "subscriptions are counted")
        r = ana.post("/api/v2/organization_subscriptions.json", {"organization_subscription": {"user_id": ana_id, "organization_id": o}})
        check(r.status in (200, 201), "subscribed: %r" % r)
    check(c.get("/api/v2/users/%d/related.json" % ana_id).json["user_related"]["organization_subscriptions"] == 2 and c.get("/api/v2/users/%d/related.json" % me).json["user_related"]["organization_subscriptions"] == 0, "each their own")

    # ---- search for what is sealed with a ticket
    found = lambda q, client=c: [x["id"] for x in client.get("/api/v2/search.json?query=" + urllib.parse.quote(q)).json["results"]]
    statuses = {s["status_category"]: s["id"] for s in c.get("/api/v2/custom_statuses.json").json["custom_statuses"] if s["default"]}
    lab = c.post("/api/v2/custom_statuses.json", {"custom_status": {"status_category": "pending", "agent_label": "Waiting for lab"}}).json["custom_status"]["id"]
    plain, waits = ticket(status="pending", subject="kumquat"), ticket(custom_status_id=lab, subject="kumquat")
    check(found("type:ticket kumquat custom_status_id:%d" % lab) == [waits], "by a custom status")
    check(found("type:ticket kumquat custom_status_id:%d" % statuses["pending"]) == [plain], "a status's default is of those that have none of their own")
    check(sorted(found("type:ticket kumquat custom_status_id:%d custom_status_id:%d" % (lab, statuses["pending"]))) == [plain, waits], "one or the other")
    check(found("kumquat -custom_status_id:%d" % lab) == [plain] and found("custom_status_id:999999") == [], "not that one, no such one")
    c.put("/api/v2/tickets/%d.json" % waits, {"ticket": {"status": "solved", "assignee_id": ana_id}})
    check(found("type:ticket kumquat custom_status_id:%d" % lab) == [] and found("kumquat custom_status_id:%d" % statuses["solved"]) == [waits], "as it is now")
    desk.deliver(b"From: Pat <pat@patients.example>\nTo: Help@Clinic.example\nSubject: loquat\nMessage-ID: <l1@x>\n\nhello\n")
    mail = found("loquat")
    check(len(mail) == 1 and c.get("/api/v2/tickets/%d.json" % mail[0]).json["ticket"]["recipient"], "a mail's ticket: %r" % mail)
    to = c.get("/api/v2/tickets/%d.json" % mail[0]).json["ticket"]["recipient"]
    check(found("recipient:" + to) == mail and found('loquat recipient:"%s"' % to.upper()) == mail, "by whom it was written to: " + to)
    check(found("loquat recipient:else@clinic.example") == [] and found("loquat -recipient:" + to) == [] and found("kumquat recipient:none status:pending") == [plain] and found("recipient:*") == mail, "another, none, any")
    check(c.get("/api/v2/search.json?query=recipient:help*").status == 422, "as a whole")
    check(found("recipient:" + to, abe) == [], "who may not see it does not find it")

    # ---- who names a thing in a lookup field
    def field(kind, target, **more):
        r = c.post("/api/v2/%s_fields.json" % kind, {"%s_field" % kind: dict({"type": "lookup", "title": "Named", "relationship_target_type": target}, **more)})
        check(r.status == 201, "a lookup field: %r" % r)
        return r.json["%s_field" % kind]["id"]

    pal_id, pal = desk.person(c, "Pal Ient", "pal@patients.example")
    tf, other = field("ticket", "zen:user"), field("ticket", "zen:user")
    uf, of_, ot = field("user", "zen:organization", key="clinic"), field("organization", "zen:user", key="lead"), field("ticket", "zen:ticket")
    named = [ticket(custom_fields=[{"id": tf, "value": ana_id}]) for _ in range(5)]
    elsewhere = ticket(custom_fields=[{"id": other, "value": ana_id}], subject="number %d" % ana_id)
    child = ticket(custom_fields=[{"id": ot, "value": named[0]}])
    for p, o in ((eve_id, orgs[0]), (pal_id, orgs[1])):
        r = c.put("/api/v2/users/%d.json" % p, {"user": {"user_fields": {"clinic": orgs[0] if p == eve_id else o}, "notes": "number %d" % orgs[0]}})
        check(r.status == 200, "a person's: %r" % r)
    check(c.put("/api/v2/organizations/%d.json" % orgs[0], {"organization": {"organization_fields": {"lead": ana_id}}}).status == 200, "an organization's")
    rel = lambda target, i, f, source, query="", client=c: client.get("/api/v2/%s/%d/relationship_fields/%d/%s%s" % (target, i, f, source, query))
    ids = lambda r, what: [x["id"] for x in r.json[what]]
    r = rel("zen:user", ana_id, tf, "zen:ticket")
    check(r.status == 200 and ids(r, "tickets") == named[::-1] and r.json["count"] == 5, "tickets that name a person in this field: %r" % r)
    check(ids(rel("zen:user", ana_id, other, "zen:ticket"), "tickets") == [elsewhere] and ids(rel("zen:user", abe_id, tf, "zen:ticket"), "tickets") == [], "in another, another person")
    check(ids(rel("zen:ticket", named[0], ot, "zen:ticket"), "tickets") == [child], "tickets that name a ticket")
    check(ids(rel("zen:organization", orgs[0], uf, "zen:user"), "users") == [eve_id], "people that name an organization, not those that only mention its number")
    check(ids(rel("zen:user", ana_id, of_, "zen:organization.json"), "organizations") == [orgs[0]], "organizations that name a person")
    seen, at = [], "?page[size]=2"
    while at:
        r = rel("zen:user", ana_id, tf, "zen:ticket", at)
        seen += ids(r, "tickets")
        at = "?" + r.json["links"]["next"].split("?")[1] if r.json["meta"]["has_more"] else None
    check(seen == named[::-1], "page by page: %r" % seen)
    check(ids(rel("zen:user", ana_id, tf, "zen:ticket", client=abe), "tickets") == [], "what one may see")
    for bad in (("zen:user", ana_id, ot, "zen:ticket"), ("zen:organization", orgs[0], tf, "zen:ticket"), ("zen:user", ana_id, 999999, "zen:ticket"), ("zen:user", 999999, tf, "zen:ticket"),
                ("zen:user", ana_id, uf, "zen:ticket"), ("zen:custom_object:flat", 1, tf, "zen:ticket"), ("zen:user", ana_id, tf, "zen:bot")):
        check(rel(*bad).status == 404, "there is none: %r" % (bad,))
    check(rel("zen:user", ana_id, tf, "zen:ticket", client=eve).status == 403, "not for patients")
    c.put("/api/v2/ticket_fields/%d.json" % tf, {"ticket_field": {"phi": True, "phi_purpose": "care", "phi_access": {"admin": "write", "agent": "none"}}})
    check(rel("zen:user", ana_id, tf, "zen:ticket", client=ana).status == 404 and rel("zen:user", ana_id, tf, "zen:ticket").status == 422, "who may not read it, and what is not indexed")
    # ---- contextual workspaces
    form = c.post("/api/v2/ticket_forms.json", {"ticket_form": {"name": "Billing"}}).json["ticket_form"]["id"]
    macros = [c.post("/api/v2/macros.json", {"macro": {"title": "M%d" % i, "actions": [{"field": "priority", "value": "low"}]}}).json["macro"]["id"] for i in range(3)]
    space = lambda **w: c.post("/api/v2/workspaces.json", {"workspace": w})
    r = space(title="Urgent", description="Of what is urgent", ticket_form_id=form, macros=macros[:2], conditions={"all": [{"field": "priority", "operator": "is", "value": "urgent"}], "any": []})
    w = r.json["workspace"]
    check(r.status == 201 and path(r.headers["Location"]).endswith("/workspaces/%d.json" % w["id"]), "made: %r" % r)
    check(w["activated"] and w["apps"] == [] and w["macro_ids"] == macros[:2] and [m["title"] for m in w["selected_macros"]] == ["M0", "M1"] and w["ticket_form_id"] == form
          and w["conditions"]["all"][0]["field"] == "priority" and w["position"] == 1 and w["prefer_workspace_app_order"], "as it was said: %r" % w)
    for why, bad_one in (("an unknown form", {"ticket_form_id": 999999}), ("an unknown macro", {"macros": [999999]}), ("no list", {"macros": "x"}), ("no title", {"title": ""}),
                         ("an unknown condition", {"conditions": {"all": [{"field": "mood", "operator": "is", "value": "x"}]}}), ("one of triggers only", {"conditions": {"all": [{"field": "update_type", "operator": "is", "value": "Create"}]}})):
        r = space(**dict({"title": "x"}, **bad_one))
        check(r.status == 422, "%s: %r" % (why, r))
    rest = space(title="Rest", macros=[macros[2]]).json["workspace"]["id"]
    hot, cold = ticket(priority="urgent"), ticket(priority="low")
    of = lambda who, t: who.get("/api/ward/v1/tickets/%d/workspace" % t).json["workspace"]
    check(of(ana, hot)["id"] == w["id"] and of(ana, hot)["ticket_form_id"] == form and of(ana, cold)["id"] == rest and of(ana, cold)["ticket_form_id"] is None, "the first that fits")
    check(abe.get("/api/ward/v1/tickets/%d/workspace" % hot).status == 404 and eve.get("/api/ward/v1/tickets/%d/workspace" % hot).status == 403, "of a ticket that one may see")
    r = c.put("/api/v2/workspaces/%d.json" % w["id"], {"workspace": {"macros": [macros[1]], "title": "Hot"}}).json["workspace"]
    check(r["macro_ids"] == [macros[1]] and r["ticket_form_id"] == form and r["title"] == "Hot", "what is not said stays: %r" % r)
    c.delete("/api/v2/macros/%d.json" % macros[1])
    check(of(ana, hot)["selected_macros"] == [] and c.put("/api/v2/workspaces/%d.json" % w["id"], {"workspace": {"description": "x"}}).status == 200, "a macro that went is shown no more, and stands in no way")
    r = c.put("/api/v2/workspaces/reorder.json", {"ids": [rest, w["id"]]})
    check(r.status == 200 and [x["id"] for x in ana.get("/api/v2/workspaces.json").json["workspaces"]] == [rest, w["id"]] and of(ana, hot)["id"] == rest, "another order: %r" % r)
    c.put("/api/v2/workspaces/%d.json" % rest, {"workspace": {"activated": False}})
    check(of(ana, cold) is None and of(ana, hot)["id"] == w["id"], "one that is off is none")
    check(ana.post("/api/v2/workspaces.json", {"workspace": {"title": "x"}}).status == 403 and ana.get("/api/v2/workspaces/%d.json" % rest).status == 403 and eve.get("/api/v2/workspaces.json").status == 403, "an administrator's to write")
    third = space(title="Third").json["workspace"]["id"]
    check(c.delete("/api/v2/workspaces/%d.json" % third).status == 204, "deleted")
    check(c.delete("/api/v2/workspaces/destroy_many.json?ids=%d,%d" % (rest, w["id"])).status == 200 and c.get("/api/v2/workspaces.json").json["workspaces"] == [], "many at once")
    check({e["event_type"] if "event_type" in e else e["action"] for e in c.get("/api/v2/audit_logs.json?page[size]=100&filter[source_type]=workspace").json["audit_logs"]} != set(), "in the trail")

    # ---- skills
    attr = lambda name: c.post("/api/v2/routing/attributes.json", {"attribute": {"name": name}})
    r = attr("Languages")
    lang = r.json["attribute"]["id"]
    check(r.status == 201 and isinstance(lang, str) and r.json["attribute"]["name"] == "Languages", "an attribute: %r" % r)
    check(attr("").status == 422 and ana.post("/api/v2/routing/attributes.json", {"attribute": {"name": "x"}}).status == 403, "an administrator's, with a name")
    at = "/api/v2/routing/attributes/%s" % lang
    value = lambda name, where=at, **f: c.post(where + "/values.json", {"attribute_value": dict({"name": name}, **f)})
    r = value("Spanish", conditions={"all": [{"field": "current_tags", "operator": "includes", "value": "spanish"}], "any": []})
    es = r.json["attribute_value"]
    check(r.status == 201 and es["attribute_id"] == lang and es["conditions"]["all"][0]["value"] == "spanish", "a value: %r" % r)
    de = value("German").json["attribute_value"]
    check(value("", ).status == 422 and value("x", conditions={"all": [{"field": "mood", "operator": "is", "value": "x"}]}).status == 422 and value("x", "/api/v2/routing/attributes/999999").status == 404, "refused")
    check([v["name"] for v in ana.get(at + "/values.json").json["attribute_values"]] == ["Spanish", "German"] and ana.get(at + "/values/%s.json" % de["id"]).json["attribute_value"]["name"] == "German", "listed")
    j = ana.get("/api/v2/routing/attributes.json?include=attribute_values").json
    check([a["id"] for a in j["attributes"]] == [lang] and len(j["attribute_values"]) == 2 and j["count"] == 1, "beside their values: %r" % j)
    check(any(d["subject"] == "current_tags" for d in c.get("/api/v2/routing/attributes/definitions.json").json["definitions"]["conditions_all"]), "what may be asked of a ticket")
    r = c.call("PATCH", at + "/values/%s.json" % de["id"], {"attribute_value": {"name": "Deutsch"}})
    check(r.status == 200 and r.json["attribute_value"]["name"] == "Deutsch" and r.json["attribute_value"]["attribute_id"] == lang, "renamed: %r" % r)
    check(c.put(at + ".json", {"attribute": {"name": "Tongues"}}).json["attribute"]["name"] == "Tongues", "the attribute, too")
    asks, plain = ticket(tags=["spanish"]), ticket()
    names = lambda r: sorted(v["name"] for v in r.json["attribute_values"])
    of_ticket = lambda who, t: who.get("/api/v2/routing/tickets/%d/instance_values.json" % t)
    check(names(of_ticket(ana, asks)) == ["Spanish"] and names(of_ticket(ana, plain)) == [], "a new ticket asks for what fits it")
    check(abe.get("/api/v2/routing/tickets/%d/instance_values.json" % asks).status == 404 and abe.post("/api/v2/routing/tickets/%d/instance_values.json" % asks, {"attribute_value_ids": []}).status == 404
          and eve.get("/api/v2/routing/tickets/%d/instance_values.json" % asks).status == 403, "of tickets that one may see")
    agent_values = "/api/v2/routing/agents/%d/instance_values.json" % ana_id
    done_for = lambda who, *t: who.get("/api/v2/routing/requirements/fulfilled.json?ticket_ids=" + ",".join(map(str, t))).json["fulfilled_ticket_ids"]
    check(done_for(ana, asks, plain, 999999) == [plain], "Ana does not speak it")
    r = c.post(agent_values, {"attribute_value_ids": [es["id"], de["id"], es["id"]]})
    check(r.status == 200 and names(r) == ["Deutsch", "Spanish"] and all(v["agent_skill_priority"] == "NORMAL" for v in r.json["attribute_values"]), "now she does: %r" % r)
    check(done_for(ana, asks, plain) == [asks, plain] and done_for(abe, asks) == [], "and fulfils both")
    check(ana.post(agent_values, {"attribute_value_ids": []}).status == 403 and c.post(agent_values, {"attribute_value_ids": ["999999"]}).status == 422 and c.post(agent_values, {}).status == 400
          and c.post("/api/v2/routing/agents/%d/instance_values.json" % eve_id, {"attribute_value_ids": []}).status == 404, "refused for agents")
    check(names(c.post(agent_values, {"attribute_value_ids": [es["id"]]})) == ["Spanish"], "what is said is the whole")
    check(names(ana.post("/api/v2/routing/tickets/%d/instance_values.json" % plain, {"attribute_value_ids": [de["id"]]})) == ["Deutsch"] and done_for(ana, plain) == [], "a ticket's by hand")
    r = c.post("/api/v2/routing/agents/instance_values/jobs.json", {"job": {"action": "upsert", "attributes": {"attribute_values": [{"id": de["id"], "agent_skill_priority": "HIGH"}]}, "items": [ana_id, abe_id, eve_id]}})
    job = r.json["job_status"]
    for _ in range(200):
        job = c.get("/api/v2/job_statuses/%s.json" % job["id"]).json["job_status"]
        if job["status"] in ("completed", "failed"):
            break
        time.sleep(0.02)
    check([bool(x.get("success")) for x in job["results"]] == [True, True, False], "many at once: %r" % job)
    j = c.get("/api/v2/routing/agents/instance_values.json?filter[agent_ids]=%d,%d,999999" % (ana_id, abe_id)).json
    check([(v["agent_id"], v["name"], v["agent_skill_priority"]) for v in j["instance_values"]] == [(ana_id, "Spanish", "NORMAL"), (ana_id, "Deutsch", "HIGH"), (abe_id, "Deutsch", "HIGH")] and j["count"] == 3, "of many agents: %r" % j)
    check(c.get("/api/v2/routing/agents/instance_values.json").status == 400, "whose is said")
    export = lambda what, q="": c.get("/api/v2/incremental/routing/%s.json%s" % (what, q)).json
    j = export("attributes")
    check([(a["id"], a["name"], a["type"]) for a in j["attributes"]] == [(lang, "Tongues", "update")] and j["count"] == 1 and abs(j["end_time"] - time.time()) < 60, "attributes are exported: %r" % j)
    check(export("attributes", "?" + j["next_page"].split("?")[1])["attributes"] == j["attributes"], "what is of the last minute comes again")
    check(sorted((v["name"], v["type"], v["attribute_id"]) for v in export("attribute_values")["attribute_values"]) == [("Deutsch", "update", lang), ("Spanish", "create", lang)], "values")
    told = [(v["type"], v["instance_id"], v["attribute_value_id"]) for v in export("instance_values")["instance_values"]]
    check(("associate_ticket", str(asks), es["id"]) in told and ("associate_agent", str(ana_id), de["id"]) in told and ("unassociate_agent", str(ana_id), de["id"]) in told
          and told.index(("associate_agent", str(ana_id), de["id"])) < told.index(("unassociate_agent", str(ana_id), de["id"])), "who got and lost them, in order: %r" % told)
    far = int((time.time() + 60) * 1000000)
    check(export("instance_values", "?cursor=%d-0" % far)["instance_values"] == [] and c.get("/api/v2/incremental/routing/attributes.json?cursor=x").status == 400
          and ana.get("/api/v2/incremental/routing/attributes.json").status == 403, "behind the last is nothing; an administrator's")
    check(c.call("DELETE", at + "/values/%s.json" % de["id"]).status == 204 and names(c.get(agent_values)) == ["Spanish"], "a value that goes is taken from all")
    check(c.call("DELETE", at + ".json").status == 204 and names(c.get(agent_values)) == [] and c.get("/api/v2/routing/attributes.json").json["attributes"] == [] and c.get(at + ".json").status == 404, "and an attribute with all of its own")
    check([(a["id"], a["type"], a["name"]) for a in export("attributes")["attributes"]] == [(lang, "delete", "")] and {v["type"] for v in export("attribute_values")["attribute_values"]} == {"delete"}, "the export says that they went")

    # ---- a brand's own host
    eyes = c.post("/api/v2/brands.json", {"brand": {"name": "Eyes", "subdomain": "eyes", "host_mapping": "help.eyes.example"}}).json["brand"]["id"]
    for host in ("help", "help..example", "-help.example", "help.example.", "he lp.example", "help.example/x", "HELP.eyes.example"):
        r = c.post("/api/v2/brands.json", {"brand": {"name": "Ears", "subdomain": "ears", "host_mapping": host}})
        check(r.status == 422 and "host_mapping" in r.json["details"], "no host of a brand, or another's: %r: %r" % (host, r))
    ask = lambda p: c.get("/api/v2/brands/" + p).json
    j = ask("%d/check_host_mapping.json" % eyes)
    check(j == {"cname": "help.eyes.example", "expected_cnames": ["localhost"], "is_valid": True, "reason": ""}, "its own is fine: %r" % j)
    check(ask("check_host_mapping.json?host_mapping=help.eyes.example&subdomain=ears")["reason"] == "already_taken" and not ask("check_host_mapping.json?host_mapping=help&subdomain=ears")["is_valid"]
          and ask("check_host_mapping.json?host_mapping=help.ears.example&subdomain=ears")["is_valid"], "of another, it is said before")
    check(c.put("/api/v2/brands/%d.json" % eyes, {"brand": {"host_mapping": "help.eyes.example", "name": "Eyes"}}).status == 200 and c.put("/api/v2/brands/%d.json" % eyes, {"brand": {"host_mapping": None}}).status == 200, "kept, and taken away")

done("operations")
