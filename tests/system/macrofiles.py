#!/usr/bin/env python3
"""Files of macros: brought as a form, seen by who sees the macro, attached to a comment by who applies it."""
from desk import Client, Desk, check, done


def form(*parts, boundary="b0undary", cut=0):
    """(name, file name or None, type, bytes) as multipart/form-data."""
    out = b""
    for name, file_name, kind, data in parts:
        out += b"--" + boundary.encode() + b"\r\nContent-Disposition: form-data; name=\"" + name.encode() + b"\""
        if file_name is not None:
            out += b"; filename=\"" + file_name.encode() + b"\"\r\nContent-Type: " + kind.encode()
        out += b"\r\n\r\n" + data + b"\r\n"
    out += b"--" + boundary.encode() + b"--\r\n"
    return dict(raw=out[:len(out) - cut], headers={"Content-Type": "multipart/form-data; boundary=" + boundary})


with Desk() as desk:
    admin = desk.admin()
    ana_id, ana = desk.person(admin, "Ana Agent", "ana@clinic.example", "agent")
    ben_id, ben = desk.person(admin, "Ben Agent", "ben@clinic.example", "agent")
    pat_id, pat = desk.person(admin, "Pat Patient", "pat@patients.example")
    r = admin.post("/api/v2/macros.json", {"macro": {"title": "Directions", "actions": [{"field": "comment_value", "value": "See the map."}]}})
    shared = r.json["macro"]["id"]
    own = ana.post("/api/v2/macros.json", {"macro": {"title": "Mine", "actions": [{"field": "status", "value": "pending"}], "restriction": {"type": "User", "id": ana_id}}}).json["macro"]["id"]

    png = bytes(range(256)) * 700
    r = admin.post("/api/v2/macros/%d/attachments" % shared, **form(("attachment", "map.png", "image/png", png)))
    check(r.status == 201 and r.json["macro_attachment"]["filename"] == "map.png" and r.json["macro_attachment"]["size"] == len(png) and r.json["macro_attachment"]["content_type"] == "image/png", "a file of a macro: %r" % r)
    one = r.json["macro_attachment"]
    check(one["content_url"].endswith("/api/v2/macros/attachments/%d/content" % one["id"]), "its content_url")
    r = ana.get("/" + one["content_url"].split("/", 3)[3])
    check(r.status == 200 and r.body == png and r.headers["Content-Disposition"].startswith("attachment"), "byte for byte, as a download: %d" % r.status)
    check([f["id"] for f in ana.get("/api/v2/macros/%d/attachments" % shared).json["macro_attachments"]] == [one["id"]], "listed")
    check(ana.get("/api/v2/macros/attachments/%d" % one["id"]).json["macro_attachment"]["id"] == one["id"], "shown")
    check(pat.get("/api/v2/macros/attachments/%d" % one["id"]).status == 403 and Client(desk).get("/api/v2/macros/attachments/%d/content" % one["id"]).status == 401, "agents only")
    check(ana.post("/api/v2/macros/%d/attachments" % shared, **form(("attachment", "x", "text/plain", b"x"))).status == 403, "a shared macro is an administrator's to change")
    check(ana.get("/api/v2/attachments/%d" % one["id"]).status == admin.delete("/api/v2/attachments/%d" % one["id"]).status == 404, "there is no other door to it")

    # Uploaded first, a macro's later; nobody else sees it between.
    r = ana.post("/api/v2/macros/attachments", **form(("filename", None, None, "Größe.txt".encode()), ("attachment", "ignored.bin", "text/plain", b"hello")))
    check(r.status == 201 and r.json["macro_attachment"]["filename"] == "Größe.txt" and r.json["macro_attachment"]["size"] == 5, "a name beside the file: %r" % r)
    loose = r.json["macro_attachment"]["id"]
    check(ben.get("/api/v2/macros/attachments/%d" % loose).status == admin.get("/api/v2/macros/attachments/%d/content" % loose).status == 404, "it is nobody else's")
    check(admin.put("/api/v2/macros/%d.json" % shared, {"macro": {"attachments": [loose]}}).status == 422, "nor can anybody else give it to a macro")
    r = ana.put("/api/v2/macros/%d.json" % own, {"macro": {"title": "Mine too", "attachments": [loose]}})
    check(r.status == 200 and r.json["macro"]["title"] == "Mine too" and [f["id"] for f in ana.get("/api/v2/macros/%d/attachments" % own).json["macro_attachments"]] == [loose], "now it is the macro's: %r" % r)
    check(ben.get("/api/v2/macros/attachments/%d" % loose).status == 404, "a personal macro's files are personal")
    made = ana.post("/api/v2/macros.json", {"macro": {"title": "New", "actions": [{"field": "status", "value": "open"}], "restriction": {"type": "User", "id": ana_id},
                                                      "attachments": [ana.post("/api/v2/macros/attachments", **form(("attachment", "n.txt", "text/plain", b"n"))).json["macro_attachment"]["id"]]}})
    check(made.status == 201 and len(ana.get("/api/v2/macros/%d/attachments" % made.json["macro"]["id"]).json["macro_attachments"]) == 1, "or from the start: %r" % made)
    r = ana.post("/api/v2/macros.json", {"macro": {"title": "Never", "actions": [{"field": "status", "value": "open"}], "restriction": {"type": "User", "id": ana_id}, "attachments": [one["id"]]}})
    check(r.status == 422 and "Never" not in [m["title"] for m in ana.get("/api/v2/macros.json").json["macros"]], "all of it or nothing: %r" % r)

    # Applied: the comment that comes back attaches copies.
    t = admin.post("/api/v2/tickets.json", {"ticket": {"subject": "Where", "comment": {"body": "Where are you?"}, "requester_id": pat_id}}).json["ticket"]["id"]
    res = ana.get("/api/v2/tickets/%d/macros/%d/apply.json" % (t, shared)).json["result"]["ticket"]
    check(res["comment"]["body"] == "See the map." and len(res["comment"]["uploads"]) == 1, "what the macro brings: %r" % res)
    r = ana.put("/api/v2/tickets/%d.json" % t, {"ticket": {"comment": {"body": res["comment"]["body"], "uploads": res["comment"]["uploads"]}}})
    check(r.status == 200, "sent: %r" % r)
    c = ana.get("/api/v2/tickets/%d/comments.json" % t).json["comments"][-1]
    check([(f["file_name"], f["size"]) for f in c["attachments"]] == [("map.png", len(png))], "with its file: %r" % c["attachments"])
    f = c["attachments"][0]
    check(f["id"] != one["id"] and pat.get("/api/v2/attachments/%d/content" % f["id"]).body == png, "a copy, which the requester may read")
    check(len(ana.get("/api/v2/macros/%d/attachments" % shared).json["macro_attachments"]) == 1, "the macro keeps its own")
    check(ben.put("/api/v2/tickets/%d.json" % t, {"ticket": {"comment": {"body": "x", "uploads": ["macro-%d" % own]}}}).status == 422, "another's macro is no token")
    check(pat.put("/api/v2/requests/%d.json" % t, {"request": {"comment": {"body": "x", "uploads": ["macro-%d" % shared]}}}).status == 422, "nor is one for requesters")

    # At most five; what is no form.
    for k in range(4):
        check(admin.post("/api/v2/macros/%d/attachments" % shared, **form(("attachment", "f%d" % k, "text/plain", b"x"))).status == 201, "five fit")
    check(admin.post("/api/v2/macros/%d/attachments" % shared, **form(("attachment", "f", "text/plain", b"x"))).status == 422, "six do not")
    for why, kw in (("JSON", dict(body={"attachment": "x"})), ("nothing", {}), ("cut short", form(("attachment", "a", "text/plain", b"x" * 100), cut=60)), ("no file", form(("filename", None, None, b"a"))),
                    ("no boundary", dict(raw=b"x", headers={"Content-Type": "multipart/form-data"})), ("another boundary", dict(raw=form(("attachment", "a", "text/plain", b"x"))["raw"], headers={"Content-Type": "multipart/form-data; boundary=zz"})),
                    ("many parts", form(*[("x%d" % k, None, None, b"y") for k in range(100)]))):
        r = admin.post("/api/v2/macros/attachments", **kw)
        check(r.status == 400 and r.json["error"], "%s is refused: %r" % (why, r))
    check(admin.post("/api/v2/macros/attachments", **form(("attachment", "", "text/plain", b"x"))).status == 422, "a file has a name")
    big = b"m" * (5 << 20)
    r = admin.post("/api/v2/macros/attachments", **form(("attachment", "big.bin", "application/octet-stream", big)))
    check(r.status == 201 and admin.get("/api/v2/macros/attachments/%d/content" % r.json["macro_attachment"]["id"]).body == big, "5 MiB come back as they were")

    # Deleted with the macro.
    check(admin.delete("/api/v2/macros/%d.json" % shared).status == 204 and admin.get("/api/v2/macros/attachments/%d" % one["id"]).status == 404, "a macro takes its files along")
    check(pat.get("/api/v2/attachments/%d/content" % f["id"]).body == png, "copies stay")
    check(desk.ward("trail", "verify").returncode == 0, "the trail verifies")
done("macrofiles")
