#!/usr/bin/env python3
"""OAuth 2.0: clients, consent, the four grants, PKCE, scopes, refresh, revocation (RFC 6749, 7009, 7636)."""
import base64, hashlib, os, re, time, urllib.parse
from desk import Desk, Client, check, done, totp

BACK = "https://app.example/callback"
VERIFIER = "aVerifierOfFortyThreeCharactersOrMore-12345678"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def form(client, path, fields, **kw):
    return client.call("POST", path, raw=urllib.parse.urlencode(fields).encode(), headers=dict({"Content-Type": "application/x-www-form-urlencoded"}, **kw))


with Desk() as desk:
    admin = desk.admin()
    nobody = Client(desk)
    ana_id, ana = desk.person(admin, "Ana Agent", "ana@clinic.example", "agent")
    eve_id, eve = desk.person(admin, "Eve Enduser", "eve@patients.example")

    # ---- clients
    r = admin.post("/api/v2/oauth/clients.json", {"client": {"name": "Reports", "identifier": "reports", "company": "Example Ltd", "redirect_uri": [BACK], "kind": "confidential"}})
    check(r.status == 201 and len(r.json["client"]["secret"]) > 40 and r.json["client"]["user_id"], "a client is made, its secret shown: %r" % r)
    reports, secret = r.json["client"]["id"], r.json["client"]["secret"]
    shown = admin.get("/api/v2/oauth/clients/%d.json" % reports).json["client"]
    check(len(shown["secret"]) == 10 and secret.startswith(shown["secret"]), "then only its first ten characters")
    check(admin.get("/api/v2/oauth/clients.json").json["clients"][0]["id"] == reports and admin.get("/api/v2/users/me/oauth/clients.json").json["count"] == 1, "lists")
    check(admin.get("/api/v2/oauth/clients.json?page[size]=1").json["meta"]["has_more"] is False, "by cursor")
    r = admin.post("/api/v2/oauth/clients.json", {"client": {"name": "", "identifier": "re ports", "redirect_uri": ["http://app.example/x"], "kind": "odd"}})
    check(r.status == 422 and "kind" in r.json["details"], "what is wrong is said: %r" % r)
    r = admin.post("/api/v2/oauth/clients.json", {"client": {"name": "", "identifier": "re ports", "redirect_uri": ["http://app.example/x"]}})
    check(r.status == 422 and {"name", "identifier", "redirect_uri"} <= set(r.json["details"]), "all of it: %r" % r)
    for bad in ("https://a.example/#x", "https://u@a.example/", "https:///x", "javascript:alert(1)", "http://localhost.evil.example/", "https://a.example/ x", "//a.example", 7):
        r = admin.post("/api/v2/oauth/clients.json", {"client": {"name": "B", "identifier": "b", "redirect_uri": [bad]}})
        check(r.status == 422, "no address for a code: %s %r" % (bad, r))
    check(admin.post("/api/v2/oauth/clients.json", {"client": {"name": "R2", "identifier": "reports"}}).json["details"]["identifier"][0]["error"] == "DuplicateValue", "an identifier is one client's")
    check(ana.get("/api/v2/oauth/clients.json").status == 403, "for administrators")
    r = admin.put("/api/v2/oauth/clients/%d.json" % reports, {"client": {"name": "Reports 2"}})
    check(r.status == 200 and r.json["client"]["name"] == "Reports 2" and r.json["client"]["redirect_uri"] == [BACK] and len(r.json["client"]["secret"]) == 10, "changed: %r" % r)
    old = secret
    secret = admin.put("/api/v2/oauth/clients/%d/generate_secret.json" % reports).json["client"]["secret"]
    check(secret != old, "a new secret")
    r = nobody.post("/oauth/tokens", {"grant_type": "client_credentials", "client_id": "reports", "client_secret": old, "scope": "read"})
    check(r.status == 401 and r.json["error"] == "invalid_client" and "WWW-Authenticate" in r.headers, "the old secret is over: %r" % r)
    public = admin.post("/api/v2/oauth/clients.json", {"client": {"name": "<b>Phone</b>", "identifier": "phone", "redirect_uri": [BACK, "http://localhost:8000/x"], "kind": "public"}}).json["client"]["id"]
    check(admin.get("/api/v2/oauth/global_clients.json").json["global_clients"] == [] and admin.get("/api/v2/oauth/global_clients/1.json").status == 404
          and admin.get("/api/v2/oauth/global_clients/token_summary.json").json["global_clients"] == [], "nobody else's clients")

    # ---- client credentials: acts as the client's administrator, within the scopes
    def cc(scope, **more):
        return nobody.post("/oauth/tokens", dict({"grant_type": "client_credentials", "client_id": "reports", "client_secret": secret, "scope": scope}, **more))
    r = cc("tickets:read")
    check(r.status == 200 and r.json["token_type"] == "bearer" and r.json["scope"] == "tickets:read" and r.json["expires_in"] == 1800 and "refresh_token" not in r.json
          and r.headers["Cache-Control"] == "no-store", "client_credentials: %r" % r)
    reader = Client(desk, bearer=r.json["access_token"])
    check(reader.get("/api/v2/tickets.json").status == 200, "tickets:read reads tickets")
    for path in ("/api/v2/users.json", "/api/v2/users/%d/tickets/requested.json" % eve_id, "/api/v2/search.json?query=x", "/api/v2/organizations.json", "/api/ward/v1/routes",
                 "/api/v2/tickets.json?include=users", "/api/v2/oauth/clients.json", "/api/v2/audit_logs.json", "/metrics"):
        r = reader.get(path)
        check(r.status in (403, 404) and b"Eve" not in r.body, "and nothing else: %s %r" % (path, r))
    check(reader.post("/api/v2/tickets.json", {"ticket": {"comment": {"body": "x"}}}).status == 403, "and writes none")
    check(reader.get("/api/v2/oauth/tokens/current.json").json["token"]["scopes"] == ["tickets:read"], "a token knows itself")
    writer = Client(desk, bearer=cc("tickets:write").json["access_token"])
    check(writer.post("/api/v2/tickets.json", {"ticket": {"comment": {"body": "x"}}}).status == 201 and writer.get("/api/v2/tickets.json").status == 403, "writing is not reading")
    both = Client(desk, bearer=cc("read write").json["access_token"])
    check(both.get("/api/v2/search.json?query=x").status == 200 and both.get("/api/ward/v1/routes").status == 200 and both.post("/api/v2/groups.json", {"group": {"name": "G"}}).status == 201, "read write is all")
    check(reader.post("/api/v2/oauth/tokens.json", {"token": {"client_id": reports, "scopes": ["read"]}}).status == 403, "a token makes none that may more")
    narrow = Client(desk, bearer=cc("write").json["access_token"])
    check(narrow.post("/api/v2/oauth/tokens.json", {"token": {"client_id": reports, "scopes": ["read"]}}).status == 403, "write alone makes none that reads")
    check(narrow.post("/api/v2/oauth/tokens.json", {"token": {"client_id": reports, "scopes": ["tickets:write"]}}).status == 201, "but a part of itself")
    for scope, error in (("", "invalid_scope"), ("nothing:read", "invalid_scope"), ("auditlogs:write", "invalid_scope")):
        r = cc(scope)
        check(r.status == 400 and r.json["error"] == error, "scope %r: %r" % (scope, r))
    check(cc("read", expires_in=299).json["error"] == "invalid_request" and cc("read", expires_in=172801).status == 400 and cc("read", expires_in=600).json["expires_in"] == 600, "spans are bounded")
    r = form(nobody, "/oauth/tokens", {"grant_type": "client_credentials", "scope": "read"}, Authorization="Basic " + base64.b64encode(("reports:" + secret).encode()).decode())
    check(r.status == 200, "the client in the header, the rest as a form: %r" % r)
    r = nobody.post("/oauth/tokens", {"grant_type": "client_credentials", "client_id": "phone", "scope": "read"})
    check(r.status == 400 and r.json["error"] == "unauthorized_client", "not for a public client: %r" % r)
    check(nobody.post("/oauth/tokens", {"grant_type": "odd", "client_id": "reports"}).json["error"] == "unsupported_grant_type", "an unknown grant")
    check(nobody.call("POST", "/oauth/tokens", raw=b"{").json["error"] == "invalid_request", "a broken body")

    # ---- consent: an administrator with a second factor, in a session
    key, _ = desk.factor()
    s = nobody.post("/api/ward/v1/session", {"email": desk.ADMIN, "password": desk.PASSWORD, "code": totp(key)})
    check(s.status == 201, "signed in: %r" % s)
    cookie = re.search("ward_session=([^;]*)", s.headers["Set-Cookie"]).group(1)
    browser = Client(desk, cookie=cookie)

    def ask(**change):
        q = {"response_type": "code", "client_id": "phone", "redirect_uri": BACK, "scope": "read write", "state": "s&t 1", "code_challenge": CHALLENGE, "code_challenge_method": "S256"}
        q.update(change)
        return {k: v for k, v in q.items() if v is not None}
    page = browser.get("/oauth/authorizations/new?" + urllib.parse.urlencode(ask()))
    check(page.status == 200 and b"&lt;b&gt;Phone" in page.body and b"<b>Phone" not in page.body and "https://app.example" in page.headers["Content-Security-Policy"], "the page of consent: %r" % page)
    check("frame-ancestors 'none'" in page.headers["Content-Security-Policy"], "in no frame")
    csrf = re.search(rb'name="csrf" value="([^"]+)"', page.body).group(1).decode()
    for change, status in (({"client_id": "none"}, 400), ({"redirect_uri": "https://evil.example/"}, 400), ({"redirect_uri": BACK + "/"}, 400), ({"redirect_uri": None}, 400)):
        r = browser.get("/oauth/authorizations/new?" + urllib.parse.urlencode(ask(**change)))
        check(r.status == status and not r.headers.get("Location"), "sent nowhere: %s %r" % (change, r))
    for change, error in (({"response_type": "token"}, "unsupported_response_type"), ({"scope": "odd"}, "invalid_scope"), ({"scope": None}, "invalid_scope"), ({"code_challenge": None}, "invalid_request"),
                          ({"code_challenge_method": "plain"}, "invalid_request"), ({"code_challenge_method": None}, "invalid_request")):
        r = browser.get("/oauth/authorizations/new?" + urllib.parse.urlencode(ask(**change)))
        check(r.status == 303 and r.headers["Location"].startswith(BACK + "?error=" + error) and "state=s%26t%201" in r.headers["Location"], "back with %s: %r %s" % (error, r, r.headers.get("Location")))
    stranger = nobody.get("/oauth/authorizations/new?" + urllib.parse.urlencode(ask()))
    check(stranger.status == 200 and b"again=1" in stranger.body, "without a cookie it asks once more, from here")
    r = nobody.get("/oauth/authorizations/new?again=1&" + urllib.parse.urlencode(ask()))
    check(b'name="password"' in r.body and b'name="csrf"' not in r.body, "then for a sign-in")
    r = form(nobody, "/oauth/authorizations/sign_in", dict(ask(), email=desk.ADMIN, password="wrong wrong wrong"))
    check(r.status == 403 and b'name="password"' in r.body and not r.headers.get("Set-Cookie"), "a wrong password: %r" % r)
    r = form(nobody, "/oauth/authorizations/sign_in", dict(ask(), email=desk.ADMIN, password=desk.PASSWORD, otp=totp(key)), Origin="https://evil.example")
    check(r.status == 400 and not r.headers.get("Set-Cookie"), "a form of another site signs nobody in: %r" % r)
    r = form(nobody, "/oauth/authorizations/sign_in", dict(ask(), email=desk.ADMIN, password=desk.PASSWORD, otp=totp(key, 1)))
    check(r.status == 200 and b'value="allow"' in r.body and "SameSite=Strict" in r.headers["Set-Cookie"], "a right one: the page of consent: %r" % r)

    def consent(decision="allow", token=csrf, who=browser, **change):
        return form(who, "/oauth/authorizations", dict(ask(**change), csrf=token, decision=decision))

    def code(**change):
        r = consent(**change)
        check(r.status == 303 and r.headers["Location"].startswith(BACK + "?code="), "a code: %r" % r)
        return urllib.parse.parse_qs(r.headers["Location"].split("?")[1])["code"][0]

    def trade(code, **change):
        body = {"grant_type": "authorization_code", "client_id": "phone", "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER}
        body.update(change)
        return nobody.post("/oauth/tokens", {k: v for k, v in body.items() if v is not None})
    check(consent(token="x").status == 400 and consent(who=nobody).status == 403, "no consent without the page's own token, or the session")
    r = consent("deny")
    check(r.headers["Location"].startswith(BACK + "?error=access_denied"), "refused: %r" % r)
    for change in ({"redirect_uri": "http://localhost:8000/x"}, {"code_verifier": None}, {"code_verifier": VERIFIER + "x"}, {"code_verifier": CHALLENGE}, {"client_id": "reports", "client_secret": secret}):
        c = code()
        r = trade(c, **change)
        check(r.status == 400 and r.json["error"] == "invalid_grant", "the code is bound: %s %r" % (change, r))
    c = code(scope="tickets:read users:read")
    check(trade(c, scope="read").json["error"] == "invalid_scope", "no more than was consented to")
    r = trade(c)
    check(r.status == 200 and r.json["refresh_token"] and r.json["scope"] == "tickets:read users:read" and r.json["refresh_token_expires_in"] == 2592000, "exchanged: %r" % r)
    first = Client(desk, bearer=r.json["access_token"])
    check(first.get("/api/v2/tickets.json").status == 200 and first.get("/api/v2/users/me.json").json["user"]["email"] == desk.ADMIN, "it acts as who consented")
    r2 = trade(c)
    check(r2.status == 400 and first.get("/api/v2/tickets.json").status == 401, "a second use ends what the first one got: %r" % r2)
    r = first.get("/api/v2/tickets.json")
    check(r.json["error"] == "invalid_token" and "invalid_token" in r.headers["WWW-Authenticate"], "and says so as RFC 6750 3.1: %r" % r)
    # A confidential client without PKCE; a verifier then is a downgrade that shows.
    c = code(client_id="reports", code_challenge=None, code_challenge_method=None)
    check(trade(c, client_id="reports", client_secret=secret).status == 400, "a verifier where none was announced")
    c = code(client_id="reports", code_challenge=None, code_challenge_method=None)
    check(trade(c, client_id="reports", client_secret=secret, code_verifier=None).status == 200, "its secret is enough")
    check(trade(c, client_id="reports", code_verifier=None).json["error"] == "invalid_client", "and needed")

    # ---- refresh: both tokens change; an old one coming back ends all
    got = trade(code(scope="read")).json

    def refresh(token, **more):
        return nobody.post("/oauth/tokens", dict({"grant_type": "refresh_token", "client_id": "phone", "refresh_token": token}, **more))
    check(refresh(got["refresh_token"], scope="read write").json["error"] == "invalid_scope", "no wider")
    r = refresh(got["refresh_token"])
    check(r.status == 200 and r.json["refresh_token"] != got["refresh_token"] and r.json["access_token"] != got["access_token"], "rotated: %r" % r)
    check(Client(desk, bearer=got["access_token"]).get("/api/v2/tickets.json").status == 401, "the old one is over")
    new = Client(desk, bearer=r.json["access_token"])
    check(new.get("/api/v2/tickets.json").status == 200, "the new one works")
    check(refresh(r.json["refresh_token"], client_id="reports", client_secret=secret).json["error"] == "invalid_grant", "another client's is none")
    check(refresh(got["refresh_token"]).json["error"] == "invalid_grant" and new.get("/api/v2/tickets.json").status == 401 and refresh(r.json["refresh_token"]).status == 400, "a used one that comes back ends the family")

    # ---- the password grant: off; on, it asks for the second factor as well
    r = nobody.post("/oauth/tokens", {"grant_type": "password", "client_id": "phone", "username": desk.ADMIN, "password": desk.PASSWORD, "scope": "read"})
    check(r.json["error"] == "unsupported_grant_type", "password: off: %r" % r)
    admin.put("/api/v2/account/settings.json", {"settings": {"api": {"oauth_password_grant": True}}})
    body = {"grant_type": "password", "client_id": "phone", "username": desk.ADMIN, "password": desk.PASSWORD, "scope": "read"}
    check(nobody.post("/oauth/tokens", body).json["error"] == "invalid_grant", "on: not without the code")
    check(nobody.post("/oauth/tokens", dict(body, otp="000000")).json["error"] == "invalid_grant", "nor with a wrong one")
    r = nobody.post("/oauth/tokens", dict(body, otp=totp(key, -1)))
    if r.status != 200:                            # the step was used to sign in; wait for a new one
        time.sleep(31)
        r = nobody.post("/oauth/tokens", dict(body, otp=totp(key, 1)))
    check(r.status == 200 and Client(desk, bearer=r.json["access_token"]).get("/api/v2/tickets.json").status == 200, "with it: %r" % r)

    # ---- tokens
    r = ana.post("/api/v2/oauth/tokens.json", {"token": {"client_id": reports, "scopes": ["tickets:read"]}})
    check(r.status == 201 and r.json["token"]["full_token"].startswith(r.json["token"]["token"]) and r.json["token"]["expires_at"] is None, "made for oneself: %r" % r)
    mine, full = r.json["token"]["id"], r.json["token"]["full_token"]
    check(Client(desk, bearer=full).get("/api/v2/tickets.json").status == 200, "it works")
    check([t["id"] for t in ana.get("/api/v2/oauth/tokens.json").json["tokens"]] == [mine] and "full_token" not in ana.get("/api/v2/oauth/tokens/%d.json" % mine).json["token"], "one's own are listed")
    check(ana.get("/api/v2/oauth/tokens.json?all=true").status == 403 and admin.get("/api/v2/oauth/tokens.json?all=true").json["count"] > 5, "all: for administrators")
    check(all(t["client_id"] == reports for t in admin.get("/api/v2/oauth/tokens.json?all=true&client_id=%d" % reports).json["tokens"]), "by client")
    check(eve.get("/api/v2/oauth/tokens/%d.json" % mine).status == 404 and eve.delete("/api/v2/oauth/tokens/%d.json" % mine).status == 404, "another's is none")
    for body, field in (({"client_id": 999999, "scopes": ["read"]}, "client_id"), ({"client_id": reports, "scopes": []}, "scopes"), ({"client_id": reports, "scopes": ["odd"]}, "scopes"), ({}, "client_id")):
        r = ana.post("/api/v2/oauth/tokens.json", {"token": body})
        check(r.status == 422 and field in r.json["details"], "%s: %r" % (body, r))
    check(Client(desk, bearer=full).delete("/api/v2/oauth/tokens/current.json").status == 204 and Client(desk, bearer=full).get("/api/v2/oauth/tokens/current.json").status == 401, "it ends itself, read only as it is")
    # RFC 7009: by the client, and without a word about whether there was one
    t = cc("read").json["access_token"]
    check(form(nobody, "/oauth/revoke", {"token": t, "client_id": "phone"}).status == 200 and Client(desk, bearer=t).get("/api/v2/tickets.json").status == 200, "another client ends nothing")
    check(form(nobody, "/oauth/revoke", {"token": t, "client_id": "reports", "client_secret": secret}).status == 200 and Client(desk, bearer=t).get("/api/v2/tickets.json").status == 401, "its own does")
    check(form(nobody, "/oauth/revoke", {"token": "x", "client_id": "reports", "client_secret": secret}).status == 200, "an unknown one: 200")
    # A client that is deleted takes its tokens along.
    t = cc("read").json["access_token"]
    check(Client(desk, bearer=t).get("/api/v2/tickets.json").status == 200 and admin.delete("/api/v2/oauth/clients/%d.json" % reports).status == 204
          and Client(desk, bearer=t).get("/api/v2/tickets.json").status == 401, "deleted with its tokens")
    # Somebody who is suspended has no token any more.
    t = ana.post("/api/v2/oauth/tokens.json", {"token": {"client_id": public, "scopes": ["read"]}}).json["token"]["full_token"]
    admin.put("/api/v2/users/%d.json" % ana_id, {"user": {"suspended": True}})
    check(Client(desk, bearer=t).get("/api/v2/tickets.json").status == 401, "suspended: at once")
    # Nothing of it lies in the files.
    desk.stop()
    for name in os.listdir(desk.data):
        text = open(os.path.join(desk.data, name), "rb").read() if os.path.isfile(os.path.join(desk.data, name)) else b""
        for what in (secret, t, got["refresh_token"], c):
            check(what.encode() not in text, "%s holds no secret in clear" % name)
done("oauth")
