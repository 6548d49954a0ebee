#!/usr/bin/env python3
"""P7, Acknowledged is durable: the server is killed with -9 at random moments under load; nothing that was
acknowledged is lost or there twice. KILLS=200 rounds (make torture runs thousands).

Clients create tickets over HTTP, each with an external id of its own, and deliver mails, each with its own
Message-ID; what was answered 201 (exit 0) is written down here. At the end every one is there exactly once,
nothing is there that was never sent, the trail verifies, and tickets and trail events agree in number.
"""
import json, os, random, subprocess, threading, time
from desk import Desk, Client, WARD, check, done

ROUNDS = int(os.environ.get("KILLS", "200"))
acked, sent, mails, lock = {}, set(), {}, threading.Lock()
counter = [0]


def client(desk, token, stop):
    while not stop.is_set():
        with lock:
            counter[0] += 1
            n = counter[0]
            ext = "k-%d" % n
            sent.add(ext)
        try:
            c = Client(desk, desk.ADMIN, token)
            while not stop.is_set():
                r = c.post("/api/v2/tickets.json", {"ticket": {"subject": "kill", "external_id": ext, "comment": {"body": "round of killing " + ext}}})
                if r.status == 201:
                    with lock:
                        acked[ext] = r.json["ticket"]["id"]
                        counter[0] += 1
                        ext = "k-%d" % counter[0]
                        sent.add(ext)
                elif not stop.is_set():
                    check(r.status in (503,), "a create under load is answered 201: %r" % r)
                    break
        except (OSError, ValueError, Exception):
            time.sleep(0.005)


def deliver(desk, n):
    mid = "<kill-%d@mail.example>" % n
    raw = ("From: Sam Example <sam@patients.example>\nTo: help@clinic.example\nSubject: mail %d\nMessage-ID: %s\n\nmail number %d\n" % (n, mid, n)).encode()
    r = subprocess.run([WARD, "mail", "deliver", "-d", desk.data], input=raw, capture_output=True)
    with lock:
        mails.setdefault(n, False)
        if r.returncode == 0:
            mails[n] = True
    return r.returncode


with Desk() as desk:
    token = desk.token()
    begun = time.time()
    for round in range(ROUNDS):
        stop = threading.Event()
        threads = [threading.Thread(target=client, args=(desk, token, stop), daemon=True) for _ in range(4)]
        for t in threads:
            t.start()
        post = None
        if round % 10 == 0:
            post = threading.Thread(target=deliver, args=(desk, round))
            post.start()
        time.sleep(random.uniform(0.0, 0.12))
        desk.kill()
        stop.set()
        if post:
            post.join(60)
        for t in threads:
            t.join(60)
        desk.start()
    # Mails that were not acknowledged are delivered again, as a mail server does; acknowledged ones too.
    for n in sorted(mails):
        check(deliver(desk, n) == 0, "mail %d is taken in the end" % n)
    c = Client(desk, desk.ADMIN, token)
    seen, page, subjects = {}, "/api/v2/tickets.json?page[size]=100", {}
    while page:
        j = c.get(page).json
        for t in j["tickets"]:
            if t["external_id"]:
                seen.setdefault(t["external_id"], []).append(t["id"])
            else:
                subjects[t["subject"]] = subjects.get(t["subject"], 0) + 1
        page = j["links"]["next"].split("localhost:%d" % desk.port)[1] if j["meta"]["has_more"] else None
    for ext, tid in acked.items():
        check(seen.get(ext) == [tid], "acknowledged ticket %s is there once (%s)" % (ext, seen.get(ext)))
    for ext, ids in seen.items():
        check(len(ids) == 1 and ext in sent, "ticket %s is there once and was sent (%s)" % (ext, ids))
    for n in mails:
        check(subjects.get("mail %d" % n) == 1, "mail %d is there once (%s)" % (n, subjects.get("mail %d" % n)))
    total = c.get("/api/v2/tickets/count.json").json["count"]["value"]
    check(total == len(seen) + sum(subjects.values()), "the counter agrees: %d" % total)
    ids = sorted(i for v in seen.values() for i in v)
    v = desk.ward("trail", "verify")
    check(v.returncode == 0, "the trail verifies: %s" % v.stdout.decode())
    made = [json.loads(json.loads(l)["canonical"]) for l in desk.ward("trail", "export", "--format", "jsonl").stdout.decode().splitlines() if '"canonical"' in l[:20]]
    creates = [e["id"] for e in made if e.get("action") == "ticket.create"]
    check(sorted(creates) == sorted(ids + [0] * 0 + [i for i in creates if i not in set(ids)]) and len(creates) == len(set(creates)) == total,
          "one ticket.create event per ticket: %d events, %d tickets" % (len(creates), total))
    print("%d kills in %.0f s, %d tickets acknowledged, %d there, %d mails" % (ROUNDS, time.time() - begun, len(acked), len(seen), len(mails)))
done("kill")
