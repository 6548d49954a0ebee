"""The operations of the vendor's OpenAPI file that this server has, with something real behind every id.

Used by badinput.py and schema.py; without the file, or without PyYAML, both are skipped.
"""
import os, re, sys, time
from desk import Client, ROOT

FILE = os.path.join(ROOT, "..", "shared", "zendesk", "support-oas.yaml")
METHODS = ("get", "post", "put", "patch", "delete")


def load():
    try:
        import yaml
    except ImportError:
        print("skipped: no PyYAML")
        sys.exit(77)
    if not os.path.exists(FILE):
        print("skipped: no support-oas.yaml")
        sys.exit(77)
    base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):
        pass
    Loader.add_constructor("tag:yaml.org,2002:value", lambda l, n: n.value)       # a bare "=" in an example
    with open(FILE) as f:
        return yaml.load(f, Loader=Loader)


def resolve(doc, s):
    while isinstance(s, dict) and "$ref" in s:
        at = doc
        for part in s["$ref"].lstrip("#/").split("/"):
            at = at[part]
        s = at
    return s or {}


def operations(doc, routes):
    """(method, path of the file, operation, our permission) for what both have."""
    ours = {}
    for r in routes:
        if r["path"].startswith("/api/v2/"):
            ours.setdefault(r["method"], []).append((re.compile("^" + r["path"].replace("{id}", "[0-9]+").replace("{word}", "[^/]+") + "$"), r["permission"]))
    for path, item in sorted(doc["paths"].items()):
        for m in METHODS:
            if m in item:
                probe = re.sub(r"\{[^}]+\}", "7", path)
                hit = [p for rx, p in ours.get(m.upper(), []) if rx.match(probe)]
                if hit:
                    yield m.upper(), path, item[m], hit[0]


class World:
    """One of everything; `fill` puts its ids into a path."""

    def __init__(self, desk, c):
        self.c, self.ids = c, {}
        post = lambda p, b: c.post("/api/v2/" + p + ".json", b)

        def made(reply, *keys):
            j = reply.json
            if reply.status not in (200, 201):
                raise SystemExit("the world is not made: %r" % reply)
            for k in keys:
                j = j[k]
            return j
        i = self.ids
        i["organizations"] = made(post("organizations", {"organization": {"name": "Org", "external_id": "o1"}}), "organization", "id")
        i["organizations2"] = made(post("organizations", {"organization": {"name": "Org 2"}}), "organization", "id")
        i["groups"] = made(post("groups", {"group": {"name": "Group"}}), "group", "id")
        i["users"] = made(post("users", {"user": {"name": "Wanda World", "email": "wanda@patients.example", "organization_id": i["organizations"], "external_id": "w1"}}), "user", "id")
        i["end_users"] = i["users"]
        i["agent"] = made(post("users", {"user": {"name": "Al Agent", "email": "al@clinic.example", "role": "agent"}}), "user", "id")
        i["group_memberships"] = made(post("group_memberships", {"group_membership": {"user_id": i["agent"], "group_id": i["groups"]}}), "group_membership", "id")
        i["organization_memberships"] = made(c.get("/api/v2/users/%d/organization_memberships.json" % i["users"]), "organization_memberships", 0, "id")
        i["organization_subscriptions"] = made(post("organization_subscriptions", {"organization_subscription": {"user_id": i["agent"], "organization_id": i["organizations"]}}), "organization_subscription", "id")
        i["identities"] = made(c.get("/api/v2/users/%d/identities.json" % i["users"]), "identities", 0, "id")
        for kind, f in (("ticket_fields", {"type": "tagger", "title": "Color", "custom_field_options": [{"name": "Blue", "value": "blue"}]}),
                        ("user_fields", {"type": "dropdown", "key": "plan", "title": "Plan", "custom_field_options": [{"name": "Gold", "value": "gold"}]}),
                        ("organization_fields", {"type": "text", "key": "code", "title": "Code"})):
            one = made(post(kind, {kind[:-1]: f}), kind[:-1])
            i[kind] = one["id"]
            if "custom_field_options" in one:
                i[kind + "/options"] = one["custom_field_options"][0]["id"]
        i["ticket_forms"] = made(post("ticket_forms", {"ticket_form": {"name": "Form", "ticket_field_ids": [i["ticket_fields"]]}}), "ticket_form", "id")
        i["custom_statuses"] = made(post("custom_statuses", {"custom_status": {"status_category": "open", "agent_label": "Lab"}}), "custom_status", "id")
        i["ticket_form_statuses"] = made(post("ticket_forms/%d/ticket_form_statuses" % i["ticket_forms"], {"ticket_form_statuses": [{"custom_status_id": i["custom_statuses"]}]}), "ticket_form_statuses", 0, "id")
        i["brands"] = made(post("brands", {"brand": {"name": "Brand", "subdomain": "brand"}}), "brand", "id")
        i["custom_roles"] = made(post("custom_roles", {"custom_role": {"name": "Role"}}), "custom_role", "id")
        i["deletion_schedules"] = made(post("deletion_schedules", {"deletion_schedule": {"title": "Old", "object": "zen:ticket"}}), "deletion_schedule", "id")
        item = made(post("dynamic_content/items", {"item": {"name": "Text", "default_locale_id": 1, "variants": [{"locale_id": 1, "content": "x"}]}}), "item")
        i["items"], i["variants"] = item["id"], item["variants"][0]["id"]
        up = c.post("/api/v2/uploads.json?filename=a.txt", raw=b"x").json["upload"]["token"]
        t = made(post("tickets", {"ticket": {"subject": "World", "comment": {"body": "Hello world", "uploads": [up]}, "tags": ["one", "two"], "type": "problem", "requester_id": i["users"], "group_id": i["groups"],
                                  "custom_fields": [{"id": i["ticket_fields"], "value": "blue"}], "external_id": "t1", "email_ccs": [{"user_id": i["agent"]}]}}))
        i["tickets"] = i["requests"] = i["imports"] = t["ticket"]["id"]
        i["audits"] = t["audit"]["id"]
        com = c.get("/api/v2/tickets/%d/comments.json" % i["tickets"]).json["comments"][0]
        i["comments"] = i["comment_redactions"] = com["id"]
        i["attachments"] = com["attachments"][0]["id"]
        c.put("/api/v2/tickets/%d.json" % i["tickets"], {"ticket": {"comment": {"body": "a note", "public": False}, "priority": "high"}})
        gone = made(post("tickets", {"ticket": {"comment": {"body": "gone"}}}), "ticket", "id")
        c.delete("/api/v2/tickets/%d.json" % gone)
        i["deleted_tickets"] = gone
        du = made(post("users", {"user": {"name": "De Leted", "email": "deleted@patients.example"}}), "user", "id")
        c.delete("/api/v2/users/%d.json" % du)
        i["deleted_users"] = du
        m = made(c.post("/api/v2/organizations/%d/merge.json" % i["organizations2"], {"organization_merge": {"winner_id": i["organizations"]}}), "organization_merge", "id")
        i["organization_merges"] = m
        i["job_statuses"] = made(c.post("/api/v2/tickets/create_many.json", {"tickets": []}), "job_status", "id")
        desk.deliver(b"From: nobody@x.example\nTo: help@clinic.example\nSubject: Out of office\nAuto-Submitted: auto-replied\nMessage-ID: <ooo@x>\n\nI am out\n")
        s = c.get("/api/v2/suspended_tickets.json").json["suspended_tickets"]
        if s:
            i["suspended_tickets"] = s[0]["id"]
        logs = c.get("/api/v2/audit_logs.json").json["audit_logs"]
        i["audit_logs"] = logs[0]["id"]
        i["locales"] = 1
        i["recipient_addresses"] = made(post("recipient_addresses", {"recipient_address": {"email": "help@clinic.example"}}), "recipient_address", "id")
        c.put("/api/ward/v1/mail.json", {"mail": {"host": "localhost", "port": 9, "from": "support@clinic.example"}})
        c.put("/api/v2/tickets/%d.json" % i["tickets"], {"ticket": {"comment": {"body": "by mail"}}})
        i["email_notifications"] = made(c.get("/api/v2/email_notifications?filter[ticket_id]=%d" % i["tickets"]), "email_notifications", 0, "notification_id")
        i["clients"] = made(post("oauth/clients", {"client": {"name": "App", "identifier": "app", "redirect_uri": ["https://app.example/"]}}), "client", "id")
        i["tokens"] = made(post("oauth/tokens", {"token": {"client_id": i["clients"], "scopes": ["read"]}}), "token", "id")
        for kind, key in (("views", "views"), ("triggers", "triggers"), ("macros", "macros"), ("automations", "automations"), ("trigger_categories", "trigger_categories"), ("policies", "sla_policies"),
                          ("satisfaction_ratings", "satisfaction_ratings"), ("satisfaction_reasons", "reasons")):
            path = "slas/policies" if kind == "policies" else kind
            r = c.get("/api/v2/%s.json" % path)
            if r.status == 200 and r.json.get(key):
                i[kind] = r.json[key][0]["id"]
        made(post("tickets", {"ticket": {"comment": {"body": "second"}}}), "ticket", "id")
        i["saved_searches"] = made(post("saved_searches", {"saved_search": {"name": "Open", "type": "ticket", "query": "status:open"}}), "saved_search", "id")
        i["ticket_content_pins"] = made(post("ticket_content_pins", {"ticket_content_pin": {"ticket_id": str(i["tickets"]), "content_id": "x1", "content_type": "external_content"}}), "id")
        i["task_list_templates"] = made(post("task_list_templates", {"task_list_template": {"name": "Steps", "tasks": [{"name": "First"}]}}), "task_list_template", "id")
        made(post("tickets/%d/task_lists" % i["tickets"], {"task_list": {"task_list_template_id": i["task_list_templates"]}}), "task_lists")
        boss = c.get("/api/v2/users/me.json").json["user"]["id"]
        theirs = made(post("tickets", {"ticket": {"comment": {"body": "mine"}, "requester_id": i["users"], "assignee_id": boss}}), "ticket", "id")
        Client(desk, "wanda@patients.example", desk.token("wanda@patients.example")).put("/api/v2/requests/%d.json" % theirs, {"request": {"comment": {"body": "another word"}}})
        form = b'--edge\r\nContent-Disposition: form-data; name="attachment"; filename="m.txt"\r\nContent-Type: text/plain\r\n\r\nx\r\n--edge--\r\n'
        i["macros/attachments"] = made(c.post("/api/v2/macros/%d/attachments" % i["macros"], raw=form, headers={"Content-Type": "multipart/form-data; boundary=edge"}), "macro_attachment", "id")
        i["attributes"] = made(post("routing/attributes", {"attribute": {"name": "Languages"}}), "attribute", "id")
        i["values"] = made(post("routing/attributes/%s/values" % i["attributes"], {"attribute_value": {"name": "Spanish"}}), "attribute_value", "id")
        made(post("routing/agents/%d/instance_values" % i["agent"], {"attribute_value_ids": [i["values"]]}), "attribute_values")
        made(post("routing/tickets/%d/instance_values" % i["tickets"], {"attribute_value_ids": [i["values"]]}), "attribute_values")
        i["agents"] = i["agent"]
        i["workspaces"] = made(post("workspaces", {"workspace": {"title": "Work", "ticket_form_id": i["ticket_forms"], "macros": [i["macros"]], "conditions": {"all": [{"field": "status", "operator": "is", "value": "open"}], "any": []}}}), "workspace", "id")
        i["activities"] = made(c.get("/api/v2/activities.json"), "activities", 0, "id")

    def fill(self, path, real=True):
        def one(m):
            before = [s for s in path[:m.start()].split("/") if s and "{" not in s][-2:]
            last = before[-1] if before else ""
            if not real:
                return "999999"
            if last == "options" or before == ["macros", "attachments"]:
                last = before[0] + "/" + last
            return str(self.ids.get(last, 999999))
        return re.sub(r"\{[^}]+\}", one, path)


def wrapper_of(path):
    """ticket_fields/{id} takes {"ticket_field": {...}}: the singular of the last plain word."""
    word = [s for s in path.split("/") if "{" not in s][-1]
    odd = {"policies": "sla_policy", "categories": "category", "identities": "identity", "custom_statuses": "custom_status", "items": "item", "settings": "settings",
           "create_or_update": None, "satisfaction_rating": "satisfaction_rating", "options": "custom_field_option"}
    if word in odd and odd[word]:
        return odd[word]
    if word in ("create_or_update", "create_many", "update_many", "create_or_update_many"):
        word = [s for s in path.split("/") if "{" not in s][-2]
        return word if path.endswith("many") else word[:-1]
    return word[:-3] + "y" if word.endswith("ies") else word[:-2] if word.endswith("uses") else word[:-1] if word.endswith("s") else word
