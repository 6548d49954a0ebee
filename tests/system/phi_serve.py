#!/usr/bin/env python3
"""phi serve: the requests of Presidio's API documentation, on loopback and on a unix socket, malformed and hostile clients, new rules."""
import http.client, json, os, signal, socket, stat, subprocess, sys, tempfile, threading, time

B = os.environ.get("B", "build")
PHI = os.path.join(B, "phi")
bad = 0


def check(ok, what):
    global bad
    if not ok:
        bad += 1
        print("FAIL", what)


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(self.path)


def start(*args):
    p = subprocess.Popen([PHI, "serve", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    line = p.stdout.readline().decode().strip()
    return p, line


def ask(conn, method, path, body=None, raw=None):
    conn.request(method, path, raw if raw is not None else json.dumps(body) if body is not None else None,
                 {"Content-Type": "application/json"} if method == "POST" else {})
    r = conn.getresponse()
    data = r.read()
    try:
        return r.status, json.loads(data)
    except ValueError:
        return r.status, data.decode()


tmp = tempfile.mkdtemp(prefix="phi-serve-")
sock = os.path.join(tmp, "s")
rules = os.path.join(tmp, "rules")
os.mkdir(rules)
tcp, line = start("--listen", "127.0.0.1:0", "--rules", rules)
port = int(line.rsplit(":", 1)[1])
uds, uline = start("--unix", sock)
try:
    check(uline == "listening on unix:" + sock, uline)
    check(stat.S_IMODE(os.stat(sock).st_mode) == 0o600, "the socket is its owner's alone")
    for conn in (http.client.HTTPConnection("127.0.0.1", port, timeout=60), Unix(sock)):
        check(ask(conn, "GET", "/health")[0] == 200, "health")
        s, names = ask(conn, "GET", "/supportedentities?language=en")
        check(s == 200 and {"PERSON", "PHONE_NUMBER", "US_SSN", "CREDIT_CARD", "EMAIL_ADDRESS"} <= set(names), names)
        s, r = ask(conn, "GET", "/recognizers?language=en")
        check(s == 200 and len(r) > 20 and all(isinstance(x, str) for x in r), r)
        check(ask(conn, "GET", "/supportedentities?language=de")[0] == 400, "another language")
        # The analyzer's documented example.
        s, r = ask(conn, "POST", "/analyze", {"text": "hello world, my name is Jane Doe. My number is: 034453334", "language": "en"})
        check(s == 200 and any(f["entity_type"] == "PERSON" and (f["start"], f["end"]) == (24, 32) for f in r), r)
        s, r = ask(conn, "POST", "/analyze", {"text": "John Smith drivers license is AC432223", "language": "en", "return_decision_process": True,
                                              "correlation_id": "123e4567-e89b-12d3-a456-426614174000", "score_threshold": 0.3})
        check(s == 200 and {"PERSON", "US_DRIVER_LICENSE"} & {f["entity_type"] for f in r} and
              all(f["analysis_explanation"]["recognizer"] and f["recognition_metadata"] for f in r), r)
        s, r = ask(conn, "POST", "/analyze", {"text": "Jane Roe, jane@mail.example", "language": "en", "entities": ["EMAIL_ADDRESS"]})
        check(s == 200 and [f["entity_type"] for f in r] == ["EMAIL_ADDRESS"] and r[0]["analysis_explanation"] is None, r)
        s, r = ask(conn, "POST", "/analyze", {"text": "Patient: Jane Roe, jane@mail.example", "language": "en", "entities": ["NAME"]})
        check(s == 200 and [f["entity_type"] for f in r] == ["PERSON"], "our own names as well: %s" % r)
        s, r = ask(conn, "POST", "/analyze", {"text": "jane@mail.example or desk@mail.example", "language": "en", "allow_list": ["desk@mail.example"]})
        check(s == 200 and [(f["start"], f["end"]) for f in r] == [(0, 17)], r)
        s, r = ask(conn, "POST", "/analyze", {"text": ["SSN 123-45-6789", "nothing here"], "language": "en"})
        check(s == 200 and len(r) == 2 and r[0][0]["entity_type"] == "US_SSN" and r[1] == [], r)
        s, r = ask(conn, "POST", "/analyze", {"text": "Grüße \U0001f600 an jane@mail.example", "language": "en"})
        check(s == 200 and r[-1]["start"] == 11 and r[-1]["end"] == 28, "offsets are code points: %s" % r)
        s, r = ask(conn, "POST", "/analyze", {"text": "card 4111 1111 1111 1111 please", "language": "en"})
        check(s == 200 and [f["entity_type"] for f in r] == ["CREDIT_CARD"], r)
        # The anonymizer's documented example.
        body = {"text": "hello world, my name is Jane Doe. My number is: 034453334",
                "anonymizers": {"DEFAULT": {"type": "replace", "new_value": "ANONYMIZED"},
                                "PHONE_NUMBER": {"type": "mask", "masking_char": "*", "chars_to_mask": 4, "from_end": True}},
                "analyzer_results": [{"start": 24, "end": 32, "score": 0.8, "entity_type": "NAME"},
                                     {"start": 24, "end": 28, "score": 0.8, "entity_type": "FIRST_NAME"},
                                     {"start": 29, "end": 32, "score": 0.6, "entity_type": "LAST_NAME"},
                                     {"start": 48, "end": 57, "score": 0.95, "entity_type": "PHONE_NUMBER"}]}
        s, r = ask(conn, "POST", "/anonymize", body)
        check(s == 200 and r["text"] == "hello world, my name is ANONYMIZED. My number is: 03445****", r)
        check(r["items"] == [{"operator": "mask", "entity_type": "PHONE_NUMBER", "start": 50, "end": 59, "text": "03445****"},
                             {"operator": "replace", "entity_type": "NAME", "start": 24, "end": 34, "text": "ANONYMIZED"}], r["items"])
        one = [{"start": 8, "end": 16, "score": 1, "entity_type": "PERSON"}]
        for how, want in (({}, "name is <PERSON>!"), ({"DEFAULT": {"type": "redact"}}, "name is !"), ({"PERSON": {"type": "keep"}}, "name is Jane Doe!"),
                          ({"DEFAULT": {"type": "hash"}}, None),
                          ({"DEFAULT": {"type": "mask", "masking_char": "#", "chars_to_mask": 4}}, "name is #### Doe!")):
            s, r = ask(conn, "POST", "/anonymize", {"text": "name is Jane Doe!", "analyzer_results": one, "anonymizers": how})
            if how.get("DEFAULT", {}).get("type") == "hash":
                import hashlib
                want = "name is %s!" % hashlib.sha256(b"Jane Doe").hexdigest()
            check(s == 200 and r["text"] == want, (how, r))
        s, r = ask(conn, "POST", "/anonymize", {"text": "SSN 123-45-6789", "analyzer_results": None})
        check(s == 200 and r["text"] == "SSN <US_SSN>", r)
        # What is wrong says so in {"error"}.
        for path, body, code in (
                ("/analyze", {"language": "en"}, 400), ("/analyze", {"text": "x"}, 400), ("/analyze", {"text": "x", "language": "xx"}, 400),
                ("/analyze", {"text": 5, "language": "en"}, 400), ("/analyze", {"text": "x", "language": "en", "entities": ["NO_SUCH"]}, 400),
                ("/analyze", {"text": "x", "language": "en", "score_threshold": "high"}, 400),
                ("/analyze", {"text": "x", "language": "en", "ad_hoc_recognizers": [{"name": "Zip"}]}, 400),
                ("/analyze", {"text": "x", "language": "en", "allow_list": ["x"], "allow_list_match": "regex"}, 400),
                ("/anonymize", {"analyzer_results": []}, 422), ("/anonymize", {"text": "abc", "analyzer_results": [{"start": 1, "end": 9, "entity_type": "X"}]}, 422),
                ("/anonymize", {"text": "abc", "analyzer_results": [], "anonymizers": {"DEFAULT": {"type": "encrypt", "key": "k" * 16}}}, 422),
                ("/anonymize", {"text": "abc", "analyzer_results": [], "anonymizers": {"DEFAULT": {"type": "none"}}}, 422),
                ("/anonymize", {"text": "abc", "analyzer_results": [], "anonymizers": {"DEFAULT": {"type": "mask"}}}, 422),
                ("/deanonymize", {"text": "abc"}, 422), ("/nowhere", {}, 404)):
            s, r = ask(conn, "POST", path, body)
            check(s == code and isinstance(r, dict) and r.get("error"), (path, body, s, r))
        for raw in ("", "{", "[]", "null", '{"text":"a","text":"b","language":"en"}', '{"text":"\\ud800","language":"en"}', "[" * 100000):
            s, r = ask(conn, "POST", "/analyze", raw=raw)
            check(s == 400 and r["error"] == "Invalid request json", (raw[:20], s, r))
        check(ask(conn, "GET", "/analyze")[0] == 405, "method")
        s, r = ask(conn, "POST", "/analyze", {"text": "a\0b SSN 123-45-6789", "language": "en"})
        check(s == 200 and (r[-1]["start"], r[-1]["end"]) == (8, 19), "a NUL in the text: %s" % r)
        conn.close()

    def talk(data, wait=True):
        c = socket.create_connection(("127.0.0.1", port), 60)
        c.sendall(data)
        out = b""
        while wait:
            k = c.recv(65536)
            if not k:
                break
            out += k
        c.close()
        return out.split(b"\r\n")[0]

    for data, code in ((b"BREW / HTTP/1.1\r\n\r\n", b"405"), (b"GET /health\r\n\r\n", b"400"), (b"POST /analyze HTTP/1.1\r\n\r\n", b"411"),
                       (b"POST /analyze HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
                       (b"POST /analyze HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", b"400"),
                       (b"POST /analyze HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", b"413"),
                       (b"POST /analyze HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"501"),
                       (b"GET /health HTTP/1.1\r\nX: " + b"a" * 20000, b"431"), (b"GET /\0health HTTP/1.1\r\n\r\n", b"400")):
        check(code in talk(data), (data[:60], talk(data)))
    # Two at once on one connection; Expect; a slow one does not hold up the others; many results on a long text.
    check(b"200" in talk(b"GET /health HTTP/1.1\r\n\r\nGET /health HTTP/1.1\r\nConnection: close\r\n\r\n"), "pipelined")
    body = b'{"text":"x","language":"en"}'
    c = socket.create_connection(("127.0.0.1", port), 60)
    c.sendall(b"POST /analyze HTTP/1.1\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body))
    check(c.recv(100).startswith(b"HTTP/1.1 100"), "expect")
    c.sendall(body)
    check(c.recv(100).startswith(b"HTTP/1.1 200"), "expect, then the body")
    c.close()
    slow = [socket.create_connection(("127.0.0.1", port), 60) for _ in range(20)]
    for c in slow:
        c.sendall(b"POST /analyze HTTP/1.1\r\nContent-Length: 1000\r\n\r\n{")
    conn = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    check(ask(conn, "GET", "/health")[0] == 200, "while others are slow")
    n = 20000
    t = time.time()
    s, r = ask(conn, "POST", "/anonymize", {"text": "ä" * 300000, "analyzer_results": [{"start": i, "end": 300000 - i, "entity_type": "X"} for i in range(n)]})
    check(s == 200 and r["text"] == "<X>" and time.time() - t < 30, "many results that overlap: %s" % s)
    s, r = ask(conn, "POST", "/analyze", {"text": "x" * (5 << 20), "language": "en"})
    check(s == 413, s)
    conn.close()
    for c in slow:
        c.close()
    # New rules while it serves.
    errors = []

    def load():
        c = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        for _ in range(100):
            s, r = ask(c, "POST", "/analyze", {"text": "SSN 123-45-6789, our ref CR-2210-07", "language": "en"})
            if s != 200 or not r:
                errors.append((s, r))
        c.close()

    threads = [threading.Thread(target=load) for _ in range(4)]
    for t in threads:
        t.start()
    with open(os.path.join(rules, "house.rules"), "w") as f:
        f.write('rule house.case\n  kind OTHERID\n  pattern CR-[0-9]{4}-[0-9]{2}\n  start code\n  score 97\n')
    tcp.send_signal(signal.SIGHUP)
    for t in threads:
        t.join()
    check(not errors, errors[:1])
    conn = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for _ in range(50):
        s, r = ask(conn, "POST", "/analyze", {"text": "our ref CR-2210-07", "language": "en", "return_decision_process": True})
        if r and r[-1]["analysis_explanation"]["recognizer"] == "house.case":
            break
        time.sleep(0.1)
    check(r and r[-1]["analysis_explanation"]["recognizer"] == "house.case", r)
    conn.close()
    # A stale socket is taken over, a live one is not; others than loopback are refused.
    p = subprocess.run([PHI, "serve", "--unix", sock], capture_output=True, timeout=60)
    check(p.returncode == 3, "the socket of a living server")
    uds.kill()
    uds.wait()
    uds, uline = start("--unix", sock)
    check(ask(Unix(sock), "GET", "/health")[0] == 200, "the socket of a killed server")
    uds.terminate()
    check(uds.wait(20) == 0 and not os.path.exists(sock), "ends, and takes its socket along")
    for where in ("0.0.0.0:0", "192.168.1.1:80", "127.0.0.1", "127.0.0.1:x"):
        check(subprocess.run([PHI, "serve", "--listen", where], capture_output=True, timeout=60).returncode == 2, where)
    tcp.terminate()
    check(tcp.wait(20) == 0, "ends on SIGTERM")
    err = tcp.stderr.read()
    check(b"123-45-6789" not in err, "no text in what it says")
finally:
    for p in (tcp, uds):
        if p.poll() is None:
            p.kill()
        p.wait()
    subprocess.run(["rm", "-rf", tmp])
print("phi serve:", "failed" if bad else "ok")
sys.exit(bad > 0)
