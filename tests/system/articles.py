#!/usr/bin/env python3
"""The help centre's articles: written by who may, washed, drafts, translations, who reads what, found without an address."""
import os, re, sys, urllib.parse
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from desk import Client, Desk, check, done, form


HC = "/api/v2/help_center"
HOSTILE = ["<p>Hi</p><script>document.title='owned'</script>", "<p onclick=x()>a</p><img src=x onerror=y()>", "<a href=\"javascript:alert(1)\">x</a><b>b</b>",
           "<svg><style><img src=x onerror=z()></style></svg><b>c</b>", "<form action=https://evil.example><button>go</button></form><b>d</b>", "<math><mtext><table><mglyph><style><img src=x onerror=q()></style></table></mtext></math><b>e</b>",
           "<base href=https://evil.example/><meta http-equiv=refresh content=0><b>f</b>", "<iframe srcdoc='<script>x</script>'></iframe><b>g</b>", "<div style='background:url(https://evil.example)'>h</div>", "<b>" * 5000]
with Desk() as desk:
    admin, nobody = desk.admin(), Client(desk)
    nadia, end = desk.person(admin, "Nadia Fairbanks", "nadia@patients.example", password="a password of hers")
    mara_id, mara = desk.person(admin, "Mara Ostrov", "mara@clinic.example", "agent")
    r = Client(desk).post("/api/ward/v1/session", {"email": "nadia@patients.example", "password": "a password of hers"})
    me = Client(desk, cookie=r.headers["Set-Cookie"].split(";")[0].split("=", 1)[1])
    check(b"There are no answers here yet" in nobody.get("/help/articles").body, "an empty help centre says so")
    check(nobody.post(HC + "/categories.json", {"category": {"name": "x"}}).status == 401 and end.post(HC + "/categories.json", {"category": {"name": "x"}}).status == 403
          and mara.post(HC + "/categories.json", {"category": {"name": "x"}}).status == 403, "not everybody writes")
    r = admin.post(HC + "/categories.json", {"category": {"name": "Visits", "description": "Before & after"}})
    check(r.status == 201 and r.json["category"]["locale"] == "en-us" and r.json["category"]["source_locale"] == "en-us", "a category: %r" % r)
    cat = r.json["category"]["id"]
    r = admin.post(HC + "/en-us/categories/%d/sections.json" % cat, {"section": {"name": "Parking"}})
    check(r.status == 201 and r.json["section"]["category_id"] == cat, "a section: %r" % r)
    sec = r.json["section"]["id"]
    art = lambda **f: admin.post(HC + "/en-us/sections/%d/articles.json" % sec, {"article": f, "notify_subscribers": False})
    r = art(title="Where may I park?", body="<h2>By car</h2><p>Level <b>B</b>, the <em>north</em> garage.</p><table><tr><td>Day</td><td>$3</td></tr></table>", label_names=["garage", "car"], user_segment_id=None, permission_group_id=1)
    check(r.status == 201, "an article: %r" % r)
    a = r.json["article"]
    for key in ("id", "url", "html_url", "title", "name", "body", "locale", "source_locale", "author_id", "draft", "promoted", "position", "section_id", "label_names", "created_at", "updated_at", "edited_at", "user_segment_id", "permission_group_id", "comments_disabled", "outdated", "vote_sum"):
        check(key in a, "an article has %s" % key)
    check("<b>B</b>" in a["body"] or "<strong>B</strong>" in a["body"], "its form stays: %r" % a["body"])
    for body, field in (({}, "title"), ({"title": " "}, "title"), ({"title": "x" * 256}, "title"), ({"title": "x", "locale": "tlh"}, "locale"), ({"title": "x", "user_segment_id": 7}, "user_segment_id"), ({"title": 5}, "title"),
                        ({"title": "x", "label_names": "a"}, "label_names"), ({"title": "x", "position": -1}, "position"), ({"title": "x", "body": 7}, "body"), ({"title": "x", "draft": "yes"}, "draft"), ({"title": "x", "brand_id": 99999}, "brand_id")):
        r = art(**body)
        check(r.status == 422 and field in r.json["details"], "%s is refused: %r" % (field, r))
    check(admin.post(HC + "/sections/99999/articles.json", {"article": {"title": "x"}}).status == 404, "in no section")
    check(admin.put(HC + "/articles/%d.json" % a["id"], {"article": {"section_id": 99999}}).status == 422, "nor moved to none")
    for i, html in enumerate(HOSTILE):
        r = art(title="Hostile %d" % i, body=html, draft=True)
        body = r.json["article"]["body"]
        check(r.status == 201 and not re.search(r"<(script|img|svg|style|form|button|math|base|meta|iframe|div)|\bon\w+=|javascript:|style=|evil", body), "it is washed: %r" % body[:200])
    # Drafts, and who is signed in.
    hidden = art(title="For patients", body="<p>Your portal.</p>", user_segment_id=1).json["article"]["id"]
    draft = art(title="Not yet", body="<p>soon</p>", draft=True).json["article"]["id"]
    ids = lambda c, where=HC + "/en-us/articles.json?per_page=100": [x["id"] for x in c.get(where).json["articles"]]
    check(ids(nobody) == [a["id"]], "nobody reads what is public: %r" % ids(nobody))
    check(sorted(ids(end)) == sorted([a["id"], hidden]), "who is signed in reads more")
    check(draft in ids(admin) and draft not in ids(mara), "drafts are for who writes")
    for c, n, want in ((nobody, hidden, 404), (nobody, draft, 404), (end, hidden, 200), (end, draft, 404), (mara, draft, 404), (admin, draft, 200), (nobody, 99999, 404)):
        check(c.get(HC + "/articles/%d.json" % n).status == want, "article %d: %d" % (n, want))
    check(nobody.get(HC + "/articles/%d.json" % hidden).body == nobody.get(HC + "/articles/99999.json").body, "what is not theirs is as unknown")
    check(nobody.get("/help/articles/%d" % hidden).body == nobody.get("/help/articles/99999").body and nobody.get("/help/articles/%d" % draft).status == 404, "on the pages too")
    check(b"Your portal." in me.get("/help/articles/%d" % hidden).body, "signed in, it opens")
    # Search, by the API and by the page.
    found = lambda c, q, loc="en-us": [x["id"] for x in c.get(HC + "/articles/search.json?locale=%s&query=%s" % (loc, urllib.parse.quote(q))).json["results"]]
    check(found(nobody, "north GARAGES") == [a["id"]] and found(nobody, "north zebra") == [] and found(nobody, "portal") == [] and found(end, "portal") == [hidden] and found(nobody, "soon") == [], "every word, folded, what they may read")
    check(nobody.get(HC + "/articles/search.json").status == 400, "words are needed")
    r = nobody.call("POST", "/help/articles/search", **form(words="north garage <i>"))
    check(r.status == 200 and b"Where may I park?" in r.body and b"&lt;i&gt;" in r.body, "the page finds it: %r" % r)
    check(b"Nothing was found" in nobody.call("POST", "/help/articles/search", **form(words="zebra")).body, "or says that it did not")
    page = nobody.get("/help/articles")
    check(page.status == 200 and b"Visits" in page.body and b"Before &amp; after" in page.body and b"Parking" in page.body and b"<script" not in page.body and b"Hostile" not in page.body, "the index: %r" % page)
    page = nobody.get("/help/articles/%d" % a["id"])
    check(b"<td>Day</td>" in page.body and b"script-src" not in page.headers["Content-Security-Policy"].encode(), "the article: %r" % page)
    check(b"Where may I park?" in nobody.get("/help/articles/sections/%d" % sec).body and b"Parking" in nobody.get("/help/articles/categories/%d" % cat).body, "section and category")
    csrf = re.search(rb'name="csrf" value="([^"]+)"', me.get("/help").body).group(1).decode()
    r = me.call("POST", "/help/ask", **form(csrf=csrf, subject="Is there parking in a garage?", text="", step="look"))
    check(r.status == 200 and b"/help/articles/%d" % a["id"] in r.body and b"Is there parking" in r.body, "asking suggests it: %r" % r)
    # Translations.
    tr = HC + "/articles/%d/translations" % a["id"]
    r = admin.post(tr + ".json", {"translation": {"locale": "es", "title": "¿Dónde aparco?", "body": "<p>Nivel <b>B</b></p><script>x</script>", "draft": True}})
    check(r.status == 201 and r.json["translation"]["locale"] == "es" and "<script" not in r.json["translation"]["body"], "a translation: %r" % r)
    check(admin.post(tr + ".json", {"translation": {"locale": "es", "title": "x"}}).status == 422, "once")
    es = {"Accept-Language": "es"}
    check(b"not yet" not in nobody.get("/help/articles/%d" % a["id"], headers=es).body and "aún no está traducida".encode() in nobody.get("/help/articles/%d" % a["id"], headers=es).body, "a draft is no translation yet")
    check(nobody.get(tr + "/es.json").status == 404 and nobody.get(HC + "/es/articles/%d.json" % a["id"]).status == 404, "nor by the API")
    r = admin.put(tr + "/es.json", {"translation": {"draft": False}})
    check(r.status == 200 and r.json["translation"]["title"] == "¿Dónde aparco?", "published: %r" % r)
    check("¿Dónde aparco?".encode() in nobody.get("/help/articles/%d" % a["id"], headers=es).body and "¿Dónde aparco?".encode() in nobody.get("/help/articles", headers=es).body, "read in Spanish")
    check(found(nobody, "donde APARCO", "es") == [a["id"]], "and found, without its marks")
    check([x["id"] for x in nobody.get(HC + "/es/articles.json").json["articles"]] == [a["id"]] and nobody.get(HC + "/es/articles/%d.json" % a["id"]).json["article"]["title"] == "¿Dónde aparco?", "lists in a language")
    check(nobody.get(HC + "/tlh/articles.json").status == 404, "an unknown language")
    check(admin.delete(tr + "/en-us.json").status == 422 and admin.delete(tr + "/es.json").status == 204 and admin.delete(tr + "/es.json").status == 404, "what it was written in stays")
    # Agents, when the account lets them; the trail; archive.
    admin.put("/api/v2/account/settings.json", {"settings": {"tickets": {"agents_write_articles": True}}})
    check("write_articles" in mara.get("/api/ward/v1/me").json["me"]["permissions"] and "write_articles" not in end.get("/api/ward/v1/me").json["me"]["permissions"], "their page is shown")
    r = mara.put(HC + "/articles/%d.json" % a["id"], {"article": {"title": "Where to park", "promoted": True, "position": 3}})
    check(r.status == 200 and r.json["article"]["title"] == "Where to park" and r.json["article"]["promoted"] is True and "north" in r.json["article"]["body"], "an agent writes: %r" % r)
    check(end.put(HC + "/articles/%d.json" % a["id"], {"article": {"title": "x"}}).status == 403, "requesters do not")
    check(admin.delete(HC + "/sections/%d.json" % sec).status == 422 and admin.delete(HC + "/categories/%d.json" % cat).status == 422, "not while something is in it")
    check(mara.delete(HC + "/articles/%d.json" % a["id"]).status == 204 and nobody.get(HC + "/articles/%d.json" % a["id"]).status == 404 and nobody.get("/help/articles/%d" % a["id"]).status == 404, "archived")
    log = admin.get("/api/v2/audit_logs.json?page%5Bsize%5D=100").json["audit_logs"]
    check(any("article" in str(x.get("source_type", "")) for x in log), "in the trail: %r" % [x.get("source_type") for x in log][:10])
    for x in ids(admin):
        admin.delete(HC + "/articles/%d.json" % x)
    check(admin.delete(HC + "/sections/%d.json" % sec).status == 204 and admin.delete(HC + "/categories/%d.json" % cat).status == 204, "empty, it goes")
    check(nobody.get(HC + "/locales.json").json["locales"] == ["en-us", "es"], "languages")
    # Branding: a name, a colour that white words can be read on, a logo of a safe type.
    brand = [b for b in admin.get("/api/v2/brands.json").json["brands"] if b["default"]][0]["id"]
    where = "/api/v2/brands/%d" % brand
    for color in ("#ffff00", "red", "#12345", "#gggggg", "url(x)", "#777;}*{"):
        r = admin.put(where + ".json", {"brand": {"color": color}})
        check(r.status == 422, "%s is no colour for a brand: %r" % (color, r))
    r = admin.put(where + ".json", {"brand": {"color": "#7a1f5c", "name": "Lakeside <i>"}})
    check(r.status == 200 and r.json["brand"]["color"] == "#7a1f5c", "a colour: %r" % r)
    check(nobody.get("/help/brand.css").body == b":root { --brand: #7a1f5c; }\n", "it is in the style")
    # Another brand has its own host: by its mapping, or by its first label.
    r = admin.post("/api/v2/brands.json", {"brand": {"name": "Eye Clinic", "subdomain": "eyes", "host_mapping": "help.eyes.example", "color": "#0b4f6c"}})
    check(r.status == 201, "another brand: %r" % r)
    eyes = r.json["brand"]["id"]
    for host, own in (("help.eyes.example", True), ("HELP.eyes.example:8443", True), ("eyes.clinic.example", True), ("eyes", False), ("other.example", False), ("x.help.eyes.example", False), ("eyes.", False), ("", False)):
        page, css = nobody.get("/help", headers={"Host": host}), nobody.get("/help/brand.css", headers={"Host": host})
        check(page.status in (200, 400) and (b"Eye Clinic" in page.body) == own and (b"#0b4f6c" in css.body) == own, "%r: %r %r" % (host, page.body[:300], css))
    check(admin.put("/api/v2/brands/%d.json" % eyes, {"brand": {"active": False}}).status == 200 and b"Eye Clinic" not in nobody.get("/help", headers={"Host": "help.eyes.example"}).body, "a brand that is switched off has none")
    check(admin.delete("/api/v2/brands/%d.json" % eyes).status == 204, "and goes")
    check(b"Lakeside &lt;i&gt;" in nobody.get("/help").body, "the name is on every page")
    png = b"\x89PNG\r\n\x1a\n" + bytes(100)
    for body in (b"<svg onload=x()>", b"GIF89a....", b"", png + bytes(70000)):
        check(admin.call("PUT", where + "/logo", raw=body, headers={"Content-Type": "image/png"}).status == 422, "no picture that is taken: %r" % body[:10])
    check(mara.call("PUT", where + "/logo", raw=png, headers={"Content-Type": "image/png"}).status == 403, "administrators only")
    r = admin.call("PUT", where + "/logo", raw=png, headers={"Content-Type": "image/png"})
    check(r.status == 200 and r.json["brand"]["logo"]["content_type"] == "image/png" and "logo_bytes" not in r.json["brand"], "a logo: %r" % r)
    r = nobody.get("/help/logo/%d" % brand)
    check(r.status == 200 and r.body == png and r.headers["Content-Type"] == "image/png" and "sandbox" in r.headers["Content-Security-Policy"] and r.headers["X-Content-Type-Options"] == "nosniff", "served with strict headers: %r" % r)
    check(b"/help/logo/" in nobody.get("/help").body, "and shown")
    check(admin.delete(where + "/logo").status == 204 and nobody.get("/help/logo/%d" % brand).status == 404, "taken away")
done("articles")
