#!/usr/bin/env python3
"""Custom roles: what a role's settings take away, at once, on every way; and that none gives what the base role has not."""
from desk import Desk, Client, check, done

FULL = {"end_user_profile_access": "full", "macro_access": "full", "view_access": "full", "report_access": "full", "ticket_deletion": True, "ticket_merge": True, "ticket_redaction": True,
        "assign_tickets_to_any_group": True, "manage_suspended_tickets": True, "view_deleted_tickets": True, "manage_business_rules": True, "manage_groups": True, "organization_editing": True,
        "manage_roles": "all", "view_audit_logs": True, "group_access": True, "manage_ticket_fields": True}

with Desk() as desk:
    admin = desk.admin()
    role = admin.post("/api/v2/custom_roles.json", {"custom_role": {"name": "Nurse", "configuration": FULL}}).json["custom_role"]
    check(role["team_member_count"] == 0 and role["configuration"]["ticket_editing"] is True, "a role: %s" % role)
    rid = role["id"]
    uid, c = desk.person(admin, "Nia Nurse", "nia@clinic.example", "agent", custom_role_id=rid)
    u = admin.get("/api/v2/users/%d.json" % uid).json["user"]
    check(u["custom_role_id"] == rid and u["role_type"] == 0, "a user has it: %s" % u)
    check(admin.get("/api/v2/custom_roles/%d.json" % rid).json["custom_role"]["team_member_count"] == 1, "and is counted")
    group = admin.post("/api/v2/groups.json", {"group": {"name": "Far"}}).json["group"]["id"]
    org = admin.post("/api/v2/organizations.json", {"organization": {"name": "Ward 3"}}).json["organization"]["id"]
    pat, _ = desk.person(admin, "Pat Ient", "pat@patients.example")
    inn, _ = desk.person(admin, "Ina Inside", "ina@patients.example", organization_id=org)
    admin.put("/api/v2/account/settings.json", {"settings": {"tickets": {"agent_ticket_deletion": True, "agent_ticket_redaction": True}}})

    def ticket(**f):
        return admin.post("/api/v2/tickets.json", {"ticket": dict({"subject": "s", "comment": {"body": "the body"}, "requester_id": pat}, **f)}).json["ticket"]["id"]

    def set_(**conf):
        r = admin.put("/api/v2/custom_roles/%d.json" % rid, {"custom_role": {"configuration": conf}})
        check(r.status == 200, "the role is changed: %r" % r)

    # ---- the type that Zendesk gives a role: it names one, or is refused; nobody becomes a full agent by it
    def made(name, **f):
        return admin.post("/api/v2/users.json", {"user": dict({"name": name, "email": name.replace(" ", ".").lower() + "@clinic.example", "role": "agent"}, **f)})

    for f, why in (({"role_type": 1}, "no custom role is of this type"), ({"role_type": 1, "custom_role_id": rid}, "not the one of the custom role"), ({"role_type": 0}, "custom_role_id must say"),
                   ({"role_type": 4}, "role is admin"), ({"role_type": 5}, "no billing"), ({"role_type": 6}, "from 0 to 4"), ({"role_type": "light"}, "from 0 to 4"), ({"role_type": 3}, "no custom role is")):
        r = made("Nobody New", **f)
        check(r.status == 422 and why in r.json["details"]["role_type"][0]["description"], "role_type %s: %r" % (f, r))
    light = admin.post("/api/v2/custom_roles.json", {"custom_role": {"name": "Light", "role_type": 1, "configuration": {}}}).json["custom_role"]["id"]
    r = made("Lio Light", role_type=1)
    check(r.status == 201 and (r.json["user"]["custom_role_id"], r.json["user"]["role_type"]) == (light, 1), "a light agent: %r" % r)
    lio = r.json["user"]
    r = admin.put("/api/v2/users/%d.json" % lio["id"], {"user": dict(lio, alias="lio")})
    check(r.status == 200 and (r.json["user"]["custom_role_id"], r.json["user"]["alias"]) == (light, "lio"), "what was shown may be sent back: %r" % r)
    r = admin.put("/api/v2/users/%d.json" % uid, {"user": dict(u, alias="nia")})
    check(r.status == 200 and r.json["user"]["custom_role_id"] == rid, "of a custom agent, too: %r" % r)
    boss = admin.get("/api/v2/users/me.json").json["user"]["id"]
    r = admin.put("/api/v2/users/%d.json" % boss, {"user": dict(admin.get("/api/v2/users/%d.json" % boss).json["user"], alias="me")})
    check(r.status == 200 and (r.json["user"]["role"], r.json["user"]["role_type"]) == ("admin", 4), "and of an administrator: %r" % r)
    second = admin.post("/api/v2/custom_roles.json", {"custom_role": {"name": "Lighter", "configuration": {"light_agent": True}}}).json["custom_role"]["id"]
    check(made("Nobody New", role_type=1).status == 422, "which of two must be said")
    r = made("Lia Light", role_type=1, custom_role_id=second)
    check(r.status == 201 and r.json["user"]["custom_role_id"] == second, "and may be: %r" % r)

    # ---- it gives nothing
    for m, path, body in (("POST", "/api/v2/groups.json", {"group": {"name": "X"}}), ("POST", "/api/v2/triggers.json", {"trigger": {"title": "t", "conditions": {"all": []}, "actions": []}}), ("GET", "/api/v2/audit_logs.json", None),
                          ("POST", "/api/v2/organizations.json", {"organization": {"name": "O"}}), ("POST", "/api/v2/custom_roles.json", {"custom_role": {"name": "Mine"}}), ("POST", "/api/v2/ticket_fields.json", {"ticket_field": {"type": "text", "title": "x"}}),
                          ("PUT", "/api/v2/users/%d.json" % uid, {"user": {"custom_role_id": None}}), ("GET", "/api/v2/oauth/clients.json", None)):
        r = c.call(m, path, body)
        check(r.status in (403, 422), "a role gives nothing: %s %s %r" % (m, path, r))

    # ---- each setting, on and off
    t = ticket()
    check(c.put("/api/v2/tickets/%d.json" % t, {"ticket": {"priority": "high"}}).status == 200, "edits")
    set_(ticket_editing=False)
    r = c.put("/api/v2/tickets/%d.json" % t, {"ticket": {"priority": "low"}})
    check(r.status == 403 and admin.get("/api/v2/tickets/%d.json" % t).json["ticket"]["priority"] == "high", "ticket_editing: %r" % r)
    check(c.put("/api/v2/tickets/%d.json" % t, {"ticket": {"comment": {"body": "a word"}}}).status == 200, "but comments")
    check(c.put("/api/v2/tickets/%d.json" % t, {"ticket": {"comment": {"body": "a word"}, "custom_fields": [{"id": 1, "value": "x"}]}}).status == 403, "without fields beside it")
    r = c.put("/api/v2/tickets/update_many.json?ids=%d" % t, {"ticket": {"priority": "low"}})
    desk.job(admin, r) if hasattr(desk, "job") else None
    set_(ticket_editing=True)
    check(c.put("/api/v2/tickets/%d.json" % t, {"ticket": {"tags": ["a"]}}).status == 200, "tags")
    set_(ticket_tag_editing=False)
    check(c.put("/api/v2/tickets/%d.json" % t, {"ticket": {"tags": ["b"]}}).status == 403 and c.put("/api/v2/tickets/%d/tags.json" % t, {"tags": ["c"]}).status == 403
          and admin.get("/api/v2/tickets/%d.json" % t).json["ticket"]["tags"] == ["a"], "ticket_tag_editing")
    set_(ticket_tag_editing=True, ticket_comment_access="none")
    c.put("/api/v2/tickets/%d.json" % t, {"ticket": {"comment": {"body": "for us", "public": True}}})
    check(admin.get("/api/v2/tickets/%d/comments.json" % t).json["comments"][-1]["public"] is False, "ticket_comment_access: notes only")
    set_(ticket_comment_access="public")
    other, third = ticket(), ticket()
    check(c.post("/api/v2/tickets/%d/merge.json" % t, {"ids": [other]}).status == 200, "merges")
    set_(ticket_merge=False)
    check(c.post("/api/v2/tickets/%d/merge.json" % t, {"ids": [third]}).status == 403, "ticket_merge")
    com = admin.get("/api/v2/tickets/%d/comments.json" % third).json["comments"][0]["id"]
    set_(ticket_redaction=False)
    check(c.put("/api/v2/tickets/%d/comments/%d/redact.json" % (third, com), {"text": "body"}).status == 403, "ticket_redaction")
    set_(ticket_redaction=True)
    check(c.put("/api/v2/tickets/%d/comments/%d/redact.json" % (third, com), {"text": "body"}).status == 200, "allowed again")
    set_(ticket_deletion=False)
    check(c.delete("/api/v2/tickets/%d.json" % third).status == 403, "ticket_deletion")
    set_(ticket_deletion=True)
    check(c.delete("/api/v2/tickets/%d.json" % third).status == 204, "allowed again")
    admin.put("/api/v2/account/settings.json", {"settings": {"tickets": {"agent_ticket_deletion": False}}})
    check(c.delete("/api/v2/tickets/%d.json" % t).status == 403, "the account's setting comes first")
    check(c.put("/api/v2/tickets/%d.json" % t, {"ticket": {"group_id": group}}).status == 200, "assigns anywhere")
    set_(assign_tickets_to_any_group=False)
    r = c.put("/api/v2/tickets/%d.json" % ticket(), {"ticket": {"group_id": group}})
    check(r.status == 422 and "group_id" in r.json["details"], "assign_tickets_to_any_group: %r" % r)
    # tickets
    mine, ours = ticket(assignee_id=uid), ticket(group_id=group)
    check(c.get("/api/v2/tickets/%d.json" % ours).status == 200, "sees all")
    set_(ticket_access="assigned-only")
    check(c.get("/api/v2/tickets/%d.json" % ours).status == 404 and c.get("/api/v2/tickets/%d.json" % mine).status == 200, "ticket_access: assigned-only")
    check([x["id"] for x in c.get("/api/v2/tickets.json").json["tickets"]] == [mine], "in lists as well")
    found = c.get("/api/v2/search.json?query=type:ticket").json
    check([x["id"] for x in found["results"]] == [mine] and found["count"] == 1, "and in search")
    set_(ticket_access="within-groups")
    check(c.get("/api/v2/tickets/%d.json" % ours).status == 404, "within-groups: not that group")
    admin.post("/api/v2/group_memberships.json", {"group_membership": {"user_id": uid, "group_id": group}})
    check(c.get("/api/v2/tickets/%d.json" % ours).status == 200, "now it is theirs")
    admin.put("/api/v2/users/%d.json" % uid, {"user": {"ticket_restriction": "assigned"}})
    check(c.get("/api/v2/tickets/%d.json" % ours).status == 404, "the user's own restriction holds, too")
    admin.put("/api/v2/users/%d.json" % uid, {"user": {"ticket_restriction": None}})
    set_(ticket_access="all")
    # people
    check(c.put("/api/v2/users/%d.json" % pat, {"user": {"notes": "n"}}).status == 200, "writes people")
    set_(end_user_profile_access="readonly")
    check(c.put("/api/v2/users/%d.json" % pat, {"user": {"notes": "m"}}).status == 403 and c.post("/api/v2/users.json", {"user": {"name": "N"}}).status == 403 and c.delete("/api/v2/users/%d.json" % pat).status == 403
          and c.post("/api/v2/users/%d/identities.json" % pat, {"identity": {"type": "email", "value": "q@q.example"}}).status == 403, "end_user_profile_access: readonly")
    check(c.put("/api/v2/users/%d.json" % uid, {"user": {"alias": "N"}}).status == 200, "but themselves")
    set_(end_user_profile_access="edit-within-org")
    admin.put("/api/v2/users/%d.json" % uid, {"user": {"organization_id": org}})
    check(c.put("/api/v2/users/%d.json" % pat, {"user": {"notes": "m"}}).status == 403 and c.put("/api/v2/users/%d.json" % inn, {"user": {"notes": "m"}}).status == 200, "edit-within-org")
    check(c.get("/api/v2/users.json").status == 200, "lists people")
    set_(end_user_list_access="none")
    check(c.get("/api/v2/users.json").status == 403 and c.get("/api/v2/users/search.json?query=pat").status == 403, "end_user_list_access")
    for p in ("/api/v2/organization_memberships.json", "/api/v2/organizations/%d/organization_memberships.json" % org):
        check(c.get(p).status == 200 and c.get(p + "?include=users").status == 403, "nor by way of what they belong to: " + p)
    check(c.get("/api/v2/users/%d/organization_memberships.json?include=users" % uid).status == 200, "one person's are no list of people")
    # rules and reports
    view = {"view": {"title": "Mine", "conditions": {"all": [{"field": "status", "operator": "is", "value": "open"}]}, "restriction": {"type": "User", "id": uid}}}
    macro = {"macro": {"title": "Mine", "actions": [{"field": "status", "value": "solved"}], "restriction": {"type": "User", "id": uid}}}
    check(c.post("/api/v2/views.json", view).status == 201 and c.post("/api/v2/macros.json", macro).status in (200, 201), "own views and macros")
    set_(view_access="readonly")
    check(c.post("/api/v2/views.json", view).status == 403 and c.post("/api/v2/macros.json", macro).status in (200, 201), "view_access")
    set_(macro_access="readonly")
    check(c.post("/api/v2/macros.json", macro).status == 403 and c.get("/api/v2/macros.json").status == 200, "macro_access")
    check(c.get("/api/v2/suspended_tickets.json").status == 200, "suspended tickets")
    set_(manage_suspended_tickets=False)
    check(c.get("/api/v2/suspended_tickets.json").status == 403, "manage_suspended_tickets")
    # ---- a view is no way to a field that one may not read
    field = admin.post("/api/v2/ticket_fields.json", {"ticket_field": {"type": "tagger", "title": "Result", "phi": True, "phi_purpose": "a test", "phi_access": {"agent": "none", "end_user": "none", "admin": "write"},
                       "custom_field_options": [{"name": "Yes", "value": "result_yes"}, {"name": "No", "value": "result_no"}]}}).json["ticket_field"]["id"]
    marked = ticket(custom_fields=[{"id": field, "value": "result_yes"}])
    cond = {"all": [{"field": "status", "operator": "less_than", "value": "closed"}, {"field": "custom_fields_%d" % field, "operator": "is", "value": "result_yes"}]}
    shared = admin.post("/api/v2/views.json", {"view": {"title": "Yes", "all": cond["all"]}})
    check(shared.status == 201, "a shared view on it: %r" % shared)
    sid = shared.json["view"]["id"]
    check([x["id"] for x in admin.get("/api/v2/views/%d/tickets.json" % sid).json["tickets"]] == [marked], "an administrator sees what it finds")
    for path in ("/api/v2/views/%d/tickets.json", "/api/v2/views/%d/execute.json", "/api/v2/views/%d/count.json"):
        r = c.get(path % sid)
        n = r.json.get("tickets", r.json.get("rows")) if r.status == 200 else []
        n = r.json["view_count"]["value"] if r.status == 200 and "view_count" in r.json else len(n or [])
        check(n == 0, "an agent without the field finds nothing by it: %s %r" % (path, r))
    r = c.post("/api/v2/views/preview.json", {"view": {"all": cond["all"]}})
    check(r.status == 422 or r.json.get("count", 0) == 0, "nor by a preview: %r" % r)
    # a light agent
    set_(light_agent=True)
    check(c.put("/api/v2/tickets/%d.json" % t, {"ticket": {"status": "solved"}}).status == 403, "light_agent changes nothing")
    set_(light_agent=False)

    # ---- who has none, who may set it, and when it ends
    r = admin.put("/api/v2/users/%d.json" % pat, {"user": {"custom_role_id": rid}})
    check(r.status == 422 and "custom_role_id" in r.json["details"], "for agents only: %r" % r)
    check(admin.put("/api/v2/users/%d.json" % uid, {"user": {"custom_role_id": 999999}}).status == 422, "an unknown role")
    r = admin.delete("/api/v2/custom_roles/%d.json" % rid)
    check(r.status == 422, "a role that somebody has stays: %r" % r)
    check(admin.put("/api/v2/users/%d.json" % uid, {"user": {"custom_role_id": None}}).json["user"]["custom_role_id"] is None and c.get("/api/v2/users.json").status == 200, "without it: at once as before")
    check(admin.delete("/api/v2/custom_roles/%d.json" % rid).status == 204, "then it goes")
    logs = admin.get("/api/v2/audit_logs.json?filter[source_type]=user&filter[source_id]=%d" % uid)
    check(b"custom_role_id" in logs.body or logs.status == 200, "the trail has it")

    # ---- the built-in role: a compliance officer proves and changes nothing
    roles = admin.get("/api/v2/custom_roles.json").json["custom_roles"]
    officer = [r for r in roles if r["ward_built_in"] == "compliance_officer"]
    check(len(officer) == 1 and officer[0]["name"] == "Compliance officer", "one role is built in: %s" % [(r["name"], r["ward_built_in"]) for r in roles])
    fid = officer[0]["id"]
    check(admin.put("/api/v2/custom_roles/%d.json" % fid, {"custom_role": {"name": "Mine"}}).status == 422 and admin.delete("/api/v2/custom_roles/%d.json" % fid).status == 422, "it stays as it is")
    check(admin.post("/api/v2/custom_roles.json", {"custom_role": {"name": "Sly", "ward_built_in": "compliance_officer"}}).json["custom_role"]["ward_built_in"] is None, "nobody makes another")
    desk.stop()
    desk.start()
    check(len([r for r in admin.get("/api/v2/custom_roles.json").json["custom_roles"] if r["ward_built_in"]]) == 1, "and no start does")
    oid, o = desk.person(admin, "Opal Officer", "opal@clinic.example", "agent", custom_role_id=fid)
    check(admin.get("/api/v2/users/%d/group_memberships.json" % oid).json["group_memberships"] == [], "in no group, so nothing is assigned to them")
    r = admin.post("/api/v2/group_memberships.json", {"group_membership": {"user_id": oid, "group_id": group}})
    check(r.status == 422, "and none takes them: %r" % r)
    may = o.get("/api/ward/v1/me").json["me"]["permissions"]
    check({"read_trail", "read_posture", "read_reports", "read_ticket"} <= set(may) and not {"update_ticket", "create_ticket", "admin", "write_user", "see_phi", "search", "export", "redact"} & set(may), "what the page shows: %s" % may)
    t = admin.post("/api/v2/tickets.json", {"ticket": {"subject": "about Thelma", "comment": {"body": "My MRN is 00482913, call (312) 555-0148."}, "requester_id": pat}}).json["ticket"]["id"]
    for what in ("/api/v2/tickets/%d.json" % t, "/api/v2/tickets/%d/comments.json" % t, "/api/v2/audit_logs.json?filter[source_type]=ticket&filter[source_id]=%d" % t, "/api/ward/v1/trail/csv?filter[source_type]=ticket&filter[source_id]=%d" % t,
                 "/api/v2/users/%d.json" % pat):
        r = o.get(what)
        check(r.status == 200 and b"00482913" not in r.body and b"555-0148" not in r.body and b"Pat Ient" not in r.body, "masked: %s %r" % (what, r))
    check(admin.put("/api/ward/v1/phi/users/%d" % oid, {"setting": True}).status == 200 and b"00482913" not in o.get("/api/v2/tickets/%d/comments.json" % t).body, "also when somebody lets them see it all")
    r = o.post("/api/ward/v1/tickets/%d/unmask" % t, {"purpose": "complaint 12: was the number sent to anybody"})
    check(r.status == 200 and b"00482913" in r.body, "unmasked for a purpose: %r" % r)
    r = o.get("/api/v2/access_logs.json?filter[person_id]=%d" % pat)
    seen = r.json["access_logs"]
    check(any(e["user_id"] == oid and "unmasked" in e["summary"] for e in seen) and all(e["ip_address"] == "127.0.0.1" for e in seen if e["user_id"] == oid), "who saw the person, and from where: %r" % r)
    admin.put("/api/v2/tickets/%d.json" % t, {"ticket": {"group_id": admin.post("/api/v2/groups.json", {"group": {"name": "Shut", "is_public": False}}).json["group"]["id"]}})
    check(o.get("/api/v2/tickets/%d.json" % t).status == 404, "a private group's ticket is not theirs to read")
    check(len(o.get("/api/v2/access_logs.json?filter[person_id]=%d" % pat).json["access_logs"]) >= len(seen), "who looked at it is")
    check(o.post("/api/ward/v1/trail/verifications", {}).status == 202, "verifies the trail")
    for path in ("trail/export", "trail/verifications", "trail", "phi/policy", "phi/policies", "phi/policy/defaults", "keys", "reports", "reports/looks_people"):
        r = o.get("/api/ward/v1/" + path)
        check(r.status == 200, "proof: %s %r" % (path, r))
    for m, path, body in (("PUT", "/api/v2/tickets/%d.json" % mine, {"ticket": {"comment": {"body": "x", "public": False}}}),
                          ("PUT", "/api/v2/users/%d.json" % oid, {"user": {"custom_role_id": None}}), ("PUT", "/api/v2/users/%d.json" % oid, {"user": {"role": "admin"}}), ("POST", "/api/v2/users.json", {"user": {"name": "N"}}),
                          ("POST", "/api/ward/v1/phi/policies", {"policy": {}}), ("POST", "/api/ward/v1/keys/rotations", {"key": "root", "expected_version": 1}), ("PUT", "/api/v2/account/settings.json", {"settings": {}}),
                          ("GET", "/api/v2/incremental/tickets.json?start_time=0", None), ("GET", "/api/v2/search.json?query=thelma", None), ("POST", "/api/v2/custom_roles.json", {"custom_role": {"name": "z"}})):
        r = o.call(m, path, body)
        check(r.status == 403, "not a compliance officer's: %s %s %r" % (m, path, r))
    admin.put("/api/v2/users/%d.json" % oid, {"user": {"custom_role_id": None}})
    check(o.get("/api/v2/audit_logs.json").status == 403 and o.get("/api/v2/search.json?query=thelma").status == 200 and len(admin.get("/api/v2/users/%d/group_memberships.json" % oid).json["group_memberships"]) == 1, "an agent again, at once, in a group")
    admin.put("/api/v2/tickets/%d.json" % mine, {"ticket": {"assignee_id": oid}})
    check(admin.get("/api/v2/tickets/%d.json" % mine).json["ticket"]["assignee_id"] == oid, "works a ticket")
    admin.put("/api/v2/users/%d.json" % oid, {"user": {"custom_role_id": fid}})
    check(admin.get("/api/v2/tickets/%d.json" % mine).json["ticket"]["assignee_id"] is None and o.get("/api/v2/audit_logs.json").status == 200, "an officer again: works none")
done("roles")
