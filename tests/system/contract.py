#!/usr/bin/env python3
"""The API's own description: valid OpenAPI, complete, true; limits of rate; what every answer carries."""
import json, os, re, subprocess, time
from desk import ROOT, WARD, Desk, Client, check, done

text = subprocess.run([WARD, "api", "describe"], capture_output=True)
check(text.returncode == 0, "ward api describe needs no data folder: %s" % text.stderr)
api = json.loads(text.stdout)
check(api["openapi"].startswith("3.1"), "OpenAPI 3.1")
try:
    from openapi_spec_validator import validate
    validate(api)
except ImportError:
    print("(no openapi_spec_validator here: its verdict is left out)")
except Exception as e:
    check(False, "valid: %s" % str(e)[:500])
ids, shapes = set(), set()
for path, ops in api["paths"].items():
    shape = re.sub(r"\{[^}]*\}", "{}", path)
    check(shape not in shapes, "one path of that shape: " + path)
    shapes.add(shape)
    for m, op in ops.items():
        check(op["operationId"] not in ids, "its own id: " + op["operationId"])
        ids.add(op["operationId"])
        named = re.findall(r"\{([^}]*)\}", path)
        check(named == [p["name"] for p in op["parameters"] if p.get("in") == "path"] and len(set(named)) == len(named), "the path's parameters: " + path)
        check(op["x-ward-permission"] != "?", "a permission: " + path)


def refs(x):
    if isinstance(x, dict):
        if "$ref" in x:
            yield x["$ref"]
        for v in x.values():
            yield from refs(v)
    elif isinstance(x, list):
        for v in x:
            yield from refs(v)


for r in set(refs(api)):
    at = api
    for k in r[2:].split("/"):
        at = at.get(k, {})
    check(at, "a reference that leads somewhere: " + r)

with Desk(start=False) as desk:
    with open(os.path.join(desk.data, "ward.conf"), "a") as f:
        f.write("\nrate_limit = 60\n")
    desk.start()
    c = desk.admin()
    check(c.get("/api/ward/v1/openapi.json").json == api, "the server says the same")
    routes = c.get("/api/ward/v1/routes").json["routes"]
    for r in routes:
        shape = re.sub(r"\{[^}]*\}", "{}", r["path"])
        here = [p for p in api["paths"] if re.sub(r"\{[^}]*\}", "{}", p) == shape]
        check(here and r["method"].lower() in api["paths"][here[0]], "described: %s %s" % (r["method"], r["path"]))
    # A body that the description allows is read; one with a member that it does not know is refused under ward/v1.
    r = c.post("/api/ward/v1/destinations", {"destination": {"kind": "recipient", "pattern": "x.example", "unknown": 1}})
    check(r.status == 422, "additionalProperties: false is true: %r" % r)
    # The limit is the account's, per minute; who is above it waits.
    first = c.get("/api/v2/users/me.json")
    check(first.headers["X-Rate-Limit"] == "60" and first.headers["ratelimit-limit"] == "60", "the limit is said: %s" % dict(first.headers))
    left = int(first.headers["X-Rate-Limit-Remaining"])
    if int(first.headers["ratelimit-reset"]) < 15:
        time.sleep(int(first.headers["ratelimit-reset"]) + 1)
        left = 60
    got = [c.get("/api/v2/users/me.json") for _ in range(70)]
    over = [r for r in got if r.status == 429]
    check(over and 0 <= sum(r.status == 200 for r in got) <= 60, "above it: 429 (%d of 70)" % len(over))
    if over:
        check(0 < int(over[0].headers["Retry-After"]) <= 60 and over[0].headers["X-Rate-Limit-Remaining"] == "0" and over[0].json["error"], "with Retry-After: %r" % over[0])
    check(Client(desk).get("/healthz").status == 200, "probes are not counted")
    for r in (over[0] if over else first, c.get("/api/v2/nothing.json"), Client(desk).get("/api/v2/tickets.json")):
        check(re.fullmatch(r"[0-9a-f]{32}", r.headers.get("X-Request-Id", "")), "every answer names its request")

oas = os.path.join(ROOT, "..", "shared", "zendesk", "support-oas.yaml")
try:
    import yaml
except ImportError:
    yaml = None
if os.path.exists(oas) and yaml:
    r = subprocess.run([os.path.join(ROOT, "tools", "zendesk-compatibility"), oas, WARD], capture_output=True, text=True)
    check(r.returncode == 0, "tools/zendesk-compatibility: %s" % r.stderr[-500:])
    rows = [line.split("|") for line in r.stdout.splitlines() if line.startswith("| `")]
    check(len(rows) == 614, "every operation of Zendesk's description is judged (%d)" % len(rows))
    check(all(x[2].strip() == "works" or x[3].strip() for x in rows), "with how it differs, or why it is absent")
    print(re.search(r"Of 614 operations .*? absent", r.stdout).group(0))
done("contract")
