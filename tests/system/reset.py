#!/usr/bin/env python3
"""A forgotten password: the ask tells nothing, the link comes by mail, works once and not for long, and the second factor stays."""
import email, email.policy, os, re, sqlite3, time
from desk import Client, Desk, SLOW, check, done, form, totp
from peers import Authority, Relay, until

ASK, PAGE = "/api/ward/v1/password_resets", "/password/reset"
NEW = " correct horse battery "


with Desk(start=False) as desk:
    with open(os.path.join(desk.data, "ward.conf"), "a") as f:
        f.write("base_url = https://desk.clinic.example\n")
    desk.start()
    admin = desk.admin()
    old = "an old password of hers"
    nadia, _ = desk.person(admin, "Nadia Fairbanks", "nadia@patients.example", password=old, locale="es")
    mara, _ = desk.person(admin, "Mara Ostrov", "mara@clinic.example", "agent", password=old)
    sue, _ = desk.person(admin, "Sue Spended", "sue@patients.example", password=old)
    nopw, _ = desk.person(admin, "Ned Newcomer", "ned@patients.example")
    lara, _ = desk.person(admin, "Lara Later", "lara@patients.example", password=old)
    check(admin.put("/api/v2/users/%d.json" % sue, {"user": {"suspended": True}}).status == 200, "one is suspended")

    def sign_in(who, password, **more):
        return Client(desk).post("/api/ward/v1/session", dict(email=who, password=password, **more))

    def session(r):
        return Client(desk, cookie=r.headers["Set-Cookie"].split(";")[0].split("=", 1)[1], csrf=r.json["csrf"])

    web = Client(desk)
    r = web.call("POST", PAGE, **form(email="nadia@patients.example"))
    check(r.status == 503, "without mail the page says so: %r" % r)
    ca = Authority(os.path.join(desk.dir, "ca"))
    relay = Relay(ca.sign("localhost", "DNS:localhost"))
    admin.put("/api/ward/v1/mail", {"mail": {"host": "localhost", "port": relay.port, "from": "help@clinic.example", "ca_pem": ca.pem(), "retry_seconds": 1}})
    admin.post("/api/ward/v1/destinations", {"destination": {"kind": "recipient", "pattern": "*"}})

    def mails(to, what="/password/reset?token="):
        all = [email.message_from_bytes(m["data"], policy=email.policy.default) for m in list(relay.got) if m["to"] == [to]]
        return [m for m in all if what in m.get_content()]

    def link(to, ask=None):
        n = len(mails(to))
        r = ask() if ask else web.post(ASK, {"email": to})
        check(r.status == 202, "a link is asked for: %r" % r)
        if not until(lambda: len(mails(to)) > n, 30 * SLOW):
            return None
        return re.search(r"https://desk\.clinic\.example(/password/reset\?token=([\w-]+))\s", mails(to)[-1].get_content()).groups()

    # Asking tells nothing.
    for body, status in (({}, 422), ({"email": ""}, 422), ({"email": 5}, 422), ({"email": ["x"]}, 422), ({"email": "no address"}, 422)):
        r = web.post(ASK, body)
        check(r.status == status and "email" in r.json["details"], "a wrong ask is named: %s %r" % (body, r))
    check(web.post(ASK, raw=b"{}", headers={"Content-Type": "text/plain"}).status == 415, "JSON only")
    gone = [web.post(ASK, {"email": e}) for e in ("nobody@patients.example", "sue@patients.example")]
    first = link("nadia@patients.example")
    known = web.post(ASK, {"email": "lara@patients.example"})
    check(all(r.status == 202 and r.body == known.body and set(r.headers) == set(known.headers) for r in gone), "the answer is the same: %r %r" % (gone, known))
    check(first and until(lambda: mails("lara@patients.example"), 30 * SLOW), "who is known gets a link")
    check(not mails("nobody@patients.example") and not mails("sue@patients.example") and len(relay.got) == 2, "who is not known, or suspended, gets none")
    m = mails("nadia@patients.example")[0]
    check("Restablezca" in m["Subject"] and "30 minutos" in m.get_content(), "in the language of the person: %r" % m["Subject"])
    check("Nadia" not in m.get_content() and m["Auto-Submitted"] == "auto-generated", "without a name")

    # The page.
    path, token = first
    page = web.get(path)
    check(page.status == 200 and b'name="password"' in page.body and b'name="code"' not in page.body and b"<script" not in page.body, "the page: %r" % page)
    csp = page.headers["Content-Security-Policy"]
    check("default-src 'none'" in csp and "frame-ancestors 'none'" in csp and "script-src" not in csp and page.headers["Referrer-Policy"] == "no-referrer" and page.headers["Cache-Control"] == "no-store", "strict: " + csp)
    check("Una contraseña nueva".encode() in web.get(path, headers={"Accept-Language": "es"}).body, "in Spanish")
    check("Cookie" not in page.headers and web.get(PAGE).status == 200 and b'name="email"' in web.get(PAGE).body, "without a token it asks for the address")
    bad = [web.get(PAGE + "?token=" + t) for t in ("x", "A" * 43, "A" * 5000, "%00", token[:-1])]
    check(all(r.status == 404 and r.body == bad[0].body for r in bad[:2]) and all(r.status < 500 and r.status != 200 for r in bad), "a wrong link is over: %r" % bad)
    for fields, what in ((dict(password="short", again="short"), b"8 characters"), (dict(password="x" * 1025, again="x" * 1025), b"1024"), (dict(password=NEW, again=NEW + "x"), b"not the same"), ({}, b"8 characters")):
        r = web.call("POST", PAGE, **form(token=token, **fields))
        check(r.status == 422 and what in r.body and NEW.encode() not in r.body, "a wrong one is said: %s %r" % (what, r))
    before = sign_in("nadia@patients.example", old)
    check(before.status == 201, "the old password still works: %r" % before)
    her = session(before)
    check(her.get("/api/v2/users/me.json").json["user"]["id"] == nadia, "and she is signed in")
    r = web.call("POST", PAGE, **form(token=token, password=NEW, again=NEW))
    check(r.status == 200 and b"Your password was changed" in r.body and "Set-Cookie" not in r.headers, "a new password: %r" % r)
    check(sign_in("nadia@patients.example", old).status == 401, "the old one is over")
    check(sign_in("nadia@patients.example", NEW.strip()).status == 401 and sign_in("nadia@patients.example", NEW).status == 201, "the new one works as it was typed")
    check((her.get("/api/v2/users/me.json").json or {"user": {}})["user"].get("id") != nadia, "her sessions have ended")
    check(web.get(path).status == 404 and web.call("POST", PAGE, **form(token=token, password=old, again=old)).status == 404 and sign_in("nadia@patients.example", NEW).status == 201, "a link works once")
    check(until(lambda: mails("nadia@patients.example", "fue cambiada"), 30 * SLOW), "she is told by mail")
    check("?token" not in mails("nadia@patients.example", "fue cambiada")[0].get_content(), "without a link")

    # A newer link, another password, another address: each ends the link.
    one = mails("lara@patients.example")[0].get_content()
    one = re.search(r"token=([\w-]+)", one).group(1)
    two = link("lara@patients.example", lambda: web.call("POST", PAGE, **form(email="LARA@patients.example")))
    check(two and web.get(PAGE + "?token=" + one).status == 404 and web.get(two[0]).status == 200, "a newer link ends the older")
    r = session(sign_in("lara@patients.example", old)).put("/api/v2/users/%d/password.json" % lara, {"previous_password": old, "password": "another one of hers"})
    check(r.status == 200 and web.get(two[0]).status == 404, "a changed password ends the link: %r" % r)
    three = link("lara@patients.example")
    check(web.get(three[0]).status == 200, "a new link")
    check(admin.put("/api/v2/users/%d.json" % lara, {"user": {"email": "lara@elsewhere.example"}}).status == 200 and web.get(three[0]).status == 200, "a second address ends nothing")
    second = [i["id"] for i in admin.get("/api/v2/users/%d/identities.json" % lara).json["identities"] if not i["primary"]][0]
    check(admin.put("/api/v2/users/%d/identities/%d/make_primary.json" % (lara, second), {}).status == 200 and web.get(three[0]).status == 404, "a changed address ends the link")
    four = link("ned@patients.example")
    check(four and web.call("POST", PAGE, **form(token=four[1], password=NEW, again=NEW)).status == 200 and sign_in("ned@patients.example", NEW).status == 201, "who had none gets a first one")
    five = link("ned@patients.example")
    admin.put("/api/v2/users/%d.json" % nopw, {"user": {"suspended": True}})
    check(web.get(five[0]).status == 404 and web.call("POST", PAGE, **form(token=five[1], password=old, again=old)).status == 404, "a suspended person's link is over")

    # Staff: the second factor stays.
    s = session(sign_in("mara@clinic.example", old))
    key = s.post("/api/ward/v1/factors/totp").json["totp"]["secret"]
    codes = s.post("/api/ward/v1/factors/totp/confirm", {"code": totp(key, -1)}).json["recovery_codes"]
    path, token = link("mara@clinic.example")
    check(b'name="code"' in web.get(path).body, "the code is asked for")
    for more in ({}, {"code": "000000"}, {"code": totp(key, -1)}):
        r = web.call("POST", PAGE, **form(token=token, password=NEW, again=NEW, **more))
        check(r.status == 422 and b"code is missing" in r.body and "WWW-Authenticate" not in r.headers, "not without the right code: %s %r" % (more, r))
    check(sign_in("mara@clinic.example", NEW).json["error"] != "CodeNeeded", "and nothing has changed")
    r = web.call("POST", PAGE, **form(token=token, password=NEW, again=NEW, code=codes[0]))
    check(r.status == 200 and b'href="/agent"' in r.body, "with it: %r" % r)
    r = sign_in("mara@clinic.example", NEW)
    check(r.status == 401 and r.json["error"] == "CodeNeeded", "the factor is still set: %r" % r)
    check(sign_in("mara@clinic.example", NEW, code=codes[0]).status == 401 and sign_in("mara@clinic.example", NEW, code=codes[1]).status == 201, "a recovery code works once")
    path, token = link("mara@clinic.example")
    for i in range(12):
        r = web.call("POST", PAGE, **form(token=token, password=NEW, again=NEW, code="%06d" % i))
    check(r.status == 429 and int(r.headers["Retry-After"]) > 0, "guessing codes is locked: %r" % r)

    # Told by mail, whoever changes it; what applications hold in the person's name ends with a forgotten password, the account's tokens stay.
    def told(to):
        return len(mails(to, "was changed")) + len(mails(to, "fue cambiada"))

    before = told("lara@elsewhere.example")
    S = "/api/ward/v1/sign_in.json"
    r = admin.put("/api/v2/users/%d.json" % lara, {"user": {"password": "set by the administrator"}})
    check(r.status == 422 and "may not set passwords" in r.json["details"]["password"][0]["description"], "an administrator sets none unless the account lets them: %r" % r)
    r = admin.post("/api/v2/users/create_or_update.json", {"user": {"email": "lara@elsewhere.example", "name": "Lara", "password": "set by the administrator"}})
    check(r.status == 422 and "password" in r.json["details"] and sign_in("lara@elsewhere.example", "set by the administrator").status == 401, "by no other way: %r" % r)
    check(admin.put(S, {"sign_in": {"admins_set_passwords": True}}).status == 200, "it lets them")
    check(admin.put("/api/v2/users/%d.json" % lara, {"user": {"password": "set by the administrator"}}).status == 200 and until(lambda: told("lara@elsewhere.example") == before + 1, 30 * SLOW), "set by an administrator: told")
    hers = session(sign_in("lara@elsewhere.example", "set by the administrator"))
    check(hers.put("/api/v2/users/%d/password.json" % lara, {"previous_password": "set by the administrator", "password": "her own again"}).status == 200 and until(lambda: told("lara@elsewhere.example") == before + 2, 30 * SLOW), "by herself, too")
    check(not any("set by the administrator" in m.get_content() or "Lara" in m.get_content() for m in mails("lara@elsewhere.example", "was changed")), "without content")
    oauth = admin.post("/api/v2/oauth/clients.json", {"client": {"name": "App", "identifier": "app", "kind": "public", "redirect_uri": ["https://app.example/cb"]}})
    check(oauth.status in (200, 201), "an application: %r" % oauth)
    hers = session(sign_in("lara@elsewhere.example", "her own again"))
    t = hers.post("/api/v2/oauth/tokens.json", {"token": {"client_id": oauth.json["client"]["id"], "scopes": ["read"]}})
    check(t.status in (200, 201), "a token of hers: %r" % t)
    app = Client(desk, bearer=t.json["token"]["full_token"])
    own = Client(desk, "lara@elsewhere.example", desk.token("lara@elsewhere.example"))
    check(app.get("/api/v2/users/me.json").json["user"]["id"] == lara and own.get("/api/v2/users/me.json").json["user"]["id"] == lara, "both work")
    six = link("lara@elsewhere.example")
    check(web.call("POST", PAGE, **form(token=six[1], password=NEW, again=NEW)).status == 200, "the password is forgotten, and set anew")
    check(app.get("/api/v2/users/me.json").status == 401 and own.get("/api/v2/users/me.json").json["user"]["id"] == lara, "the application's token has ended, the API token not")

    # Invitations: the same link for days, for staff without a password; by mail here.
    INV = "/api/ward/v1/invitations"
    ana, _ = desk.person(admin, "Ana Afresh", "ana@clinic.example", "agent")

    def invite(uid, **more):
        return admin.post(INV, {"invitation": dict(user_id=uid, **more)})

    def state(uid):
        return {v["user_id"]: v["state"] for v in admin.get(INV).json["invitations"]}.get(uid)

    def invited(to, n=0):
        found = lambda: [re.search(r"token=([\w-]+)", m.get_content()).group(1) for m in mails(to) if "30 minut" not in m.get_content()]
        until(lambda: len(found()) > n, 30 * SLOW)
        return found()[n] if len(found()) > n else ""

    for uid, why in ((nadia, "an end user"), (mara, "who has a password"), (999999, "nobody"), (sue, "suspended")):
        r = invite(uid)
        check(r.status == 422 and "user_id" in r.json["details"], "not for %s: %r" % (why, r))
    check(invite(ana, by="pigeon").status == 422 and admin.post(INV, {"invitation": {}}).status == 422 and admin.post(INV, {"invitation": {"user_id": ana, "x": 1}}).status == 422, "wrong ones are named")
    check(state(ana) is None, "nobody was invited")
    r = invite(ana)
    check(r.status == 201 and r.json["invitation"]["state"] == "invited" and r.json["invitation"]["by"] == "mail" and "url" not in r.json["invitation"] and b"token" not in r.body, "invited by mail: %r" % r)
    one = invited("ana@clinic.example")
    m = mails("ana@clinic.example")[0]
    check(one and "Ana" not in m.get_content() and "Your account at the help desk" in m["Subject"], "a mail without a name: %r" % m["Subject"])
    page = web.get(PAGE + "?token=" + one)
    check(page.status == 200 and b"Welcome to the help desk" in page.body and b"<script" not in page.body and b"Ana" not in page.body, "its page: %r" % page)
    check(link("ana@clinic.example") and web.get(PAGE + "?token=" + one).status == 200 and state(ana) == "invited", "what an outsider asks for does not end it")
    check(invite(ana).status == 201, "sent again")
    two = invited("ana@clinic.example", 1)
    check(two and web.get(PAGE + "?token=" + one).status == 404 and web.get(PAGE + "?token=" + two).status == 200, "which ends the older link")
    check(admin.delete(INV + "/%d" % ana).status == 204 and web.get(PAGE + "?token=" + two).status == 404 and state(ana) is None and admin.delete(INV + "/%d" % ana).status == 404, "withdrawn")
    r = invite(ana, by="hand")
    url = r.json["invitation"]["url"]
    check(r.json["invitation"]["by"] == "hand" and PAGE + "?token=" in url, "handed over: %r" % r)
    three = url.split("token=")[1]
    admin.put("/api/v2/users/%d.json" % ana, {"user": {"email": "ana.afresh@clinic.example"}})
    check(state(ana) == "expired" and web.get(PAGE + "?token=" + three).status == 404, "another address ends the link, and the list says so")
    check(Client(desk, "mara@clinic.example", desk.token("mara@clinic.example")).get(INV).status == 403, "for administrators")
    four = invite(ana, by="hand").json["invitation"]["url"].split("token=")[1]
    n = len(relay.got)
    r = web.call("POST", PAGE, **form(token=four, password=NEW, again=NEW))
    check(r.status == 200 and b"Your password is set" in r.body and b'href="/agent"' in r.body, "the password is set: %r" % r)
    check(web.get(PAGE + "?token=" + four).status == 404 and state(ana) is None, "the link works once, the person is no longer invited")
    s = sign_in("ana.afresh@clinic.example", NEW)
    check(s.status == 201 and session(s).get("/api/v2/tickets.json").status == 403 and session(s).post("/api/ward/v1/factors/totp").status < 300, "signs in, and may only set up a second factor: %r" % s)
    check(invite(ana).status == 422, "an account that works is not invited")
    acts = [e["ward_action"] for e in admin.get("/api/v2/audit_logs.json?filter[source_type]=user&filter[source_id]=%d" % ana).json["audit_logs"]]
    check(acts.count("user.invite") == 4 and acts.count("user.invite_withdraw") == 1, "the trail has them: %s" % acts)

    # Who is made as staff is invited where mail goes out; skip_verify_email, as Zendesk names it, and a password leave it out.
    def made(name, **fields):
        r = admin.post("/api/v2/users.json", {"user": dict({"name": "Nia " + name, "email": name + "@clinic.example", "role": "agent"}, **fields)})
        return r.json["user"]["id"] if r.status == 201 else r.status

    none = lambda: admin.get(INV).json["uninvited_user_ids"]
    fresh = made("fresh")
    check(state(fresh) == "invited" and invited("fresh@clinic.example"), "a new agent gets a mail with a link")
    silent, able, eve = made("silent", skip_verify_email=True), made("able", password=NEW), made("eve", role="end-user")
    check(state(silent) is None and silent in none(), "not when it is left out; the list says so: %r" % none())
    check(state(able) is None and able not in none() and state(eve) is None and eve not in none(), "nor who has a password, nor an end user")
    check(made("wrong", skip_verify_email="x") == 422, "a flag is true or false")
    check(invite(silent).status == 201 and state(silent) == "invited" and silent not in none(), "invited later")
    late, _ = desk.person(admin, "Lena Late", "lena@clinic.example", "agent")
    five = invite(late, by="hand").json["invitation"]["url"].split("token=")[1]
    desk.stop()
    db = sqlite3.connect(os.path.join(desk.data, "ward.db"))
    db.execute("UPDATE password_reset SET expires_at = expires_at - 8 * 86400 * 1000000 WHERE user_id = ?", (late,))
    db.commit()
    db.close()
    desk.start()
    check(state(late) == "expired" and web.get(PAGE + "?token=" + five).status == 404, "after seven days it is over, and the list says so")

    # Trail, limits, silence.
    log = admin.get("/api/v2/audit_logs.json?page[size]=100").json["audit_logs"]
    text = str(log)
    check("password_reset" in text, "the trail says so")
    check(desk.ward("trail", "verify").returncode == 0, "and is whole")
    got = {}
    for who in ("zoe@patients.example", "nadia@patients.example"):
        c = Client(desk)
        got[who] = [c.post(ASK, {"email": who}).status for _ in range(8)]
    check(all(429 in x for x in got.values()), "asking is limited, known or not: %s" % got)
    r = Client(desk).post(ASK, {"email": "zoe@patients.example"})
    check(r.status == 429 and int(r.headers["Retry-After"]) > 0, "and says when: %r" % r)
    check(sign_in("nadia@patients.example", NEW).status == 201, "which locks nobody out of signing in")
    log = open(desk.log, errors="replace").read()
    check(token not in log and "patients.example" not in log and NEW.strip() not in log, "nothing of it in the log")
done("reset")
