#!/usr/bin/env python3
"""The command phi: formats, folders, workers, kill -9 and going on, streams, maps, what is refused and with which status."""
import csv, io, json, os, random, re, subprocess, sys, tempfile, time

B = os.environ.get("B", "build")
PHI = os.path.abspath(os.path.join(B, "phi"))
bad = 0
rnd = random.Random(5)


def check(ok, what):
    global bad
    if not ok:
        bad += 1
        print("FAIL", what)


def phi(*args, stdin=b"", rc=0):
    p = subprocess.run([PHI, *args], input=stdin if isinstance(stdin, bytes) else stdin.encode(), capture_output=True, timeout=300)
    check(p.returncode == rc, "phi %s: exit %d, wanted %d: %s" % (" ".join(args), p.returncode, rc, p.stderr.decode()[:300]))
    return p.stdout, p.stderr.decode()


tmp = tempfile.mkdtemp(prefix="phi-command-")
here = lambda *n: os.path.join(tmp, *n)


def put(name, data):
    os.makedirs(os.path.dirname(here(name)), exist_ok=True)
    with open(here(name), "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())
    return here(name)


NOTE = "Please call Ana Lopez at 208-555-0117 about SSN 123-45-6789.\nNothing else is of interest here, the office opens at nine.\n"
# Plain text, lines, standard input.
out, _ = phi("scan", stdin=NOTE * 2)
rows = [l.split("\t") for l in out.decode().splitlines()]
check([(r[0], r[3]) for r in rows] == [("standard input:%d" % n, k) for n in (1, 3) for k in ("NAME", "PHONE", "SSN")], rows)
check(all((NOTE * 2)[int(r[1]):int(r[2])] in ("Ana Lopez", "208-555-0117", "123-45-6789") for r in rows), rows)
j = [json.loads(l) for l in phi("scan", "--json", stdin=NOTE)[0].splitlines()]
check([x["label"] for x in j] == ["NAME", "PHONE", "SSN"] and j[0]["line"] == 1, j)
check(phi("redact", stdin=NOTE)[0].decode().startswith("Please call [NAME] at [PHONE] about SSN [SSN].\n"), "redact")
check(phi("scan", stdin="")[0] == b"" and phi("redact", stdin="")[0] == b"", "nothing")
# JSONL: order, ids, bad lines with their number and nothing of their text.
lines = [json.dumps({"id": "t-%d" % i, "text": NOTE, "other": "Ana Lopez"}) for i in range(300)]
lines[7] = '{"id": "x", "text": "secret Lopez'
lines[9] = '["secret Lopez"]'
lines[11] = json.dumps({"id": 5, "body": "secret Lopez"})
lines[13] = json.dumps({"text": NOTE})
lines[15] = ""
doc = put("in.jsonl", "\n".join(lines) + "\n")
one, err = phi("redact", "--jsonl", doc, rc=1)
check(re.findall(r":(\d+): ", err) == ["8", "10", "12"] and "secret" not in err and "Lopez" not in err, err)
check(b"Lopez" not in one and b"other" not in one, "only id and text go on")
ids = [json.loads(l)["id"] for l in one.splitlines()]
check(ids == [14 if i == 13 else "t-%d" % i for i in range(300) if i not in (7, 9, 11, 15)], "in their order")
for n in ("2", "5", "16"):
    check(phi("redact", "--jsonl", "-j", n, doc, rc=1)[0] == one, "-j %s" % n)
check(json.loads(phi("redact", "--jsonl", "--field", "body", stdin='{"id":1,"body":"SSN 123-45-6789"}')[0]) == {"id": 1, "body": "SSN [SSN]"}, "--field")
# CSV: quoting, chosen columns, no header, what is malformed.
table = [["name", "phone", "note", "n"], ["Lopez, Ana", "208-555-0117", 'said "hi" to\r\nDr. Webster', "1"], ["Bob Tyler", "", "ok", "2"]]
text = io.StringIO()
csv.writer(text).writerows(table)
got = list(csv.reader(io.StringIO(phi("redact", "--csv", stdin=text.getvalue())[0].decode(), newline="")))
check(got[0] == table[0] and got[1][:2] == ["[NAME]", "[PHONE]"] and got[1][2].endswith("[NAME]") and got[1][3] == "1" and got[2][0] == "[NAME]", got)
got = list(csv.reader(io.StringIO(phi("redact", "--csv", "--columns", "note,phone", stdin=text.getvalue())[0].decode(), newline="")))
check(got[1][0] == "Lopez, Ana" and got[1][1] == "[PHONE]" and got[2][0] == "Bob Tyler", got)
out = phi("scan", "--csv", "--no-header", "--delimiter", ";", "--columns", "2", stdin="1;SSN 123-45-6789\n2;\"a;b\"\n")[0].decode()
check(out.split("\t")[:4] == ["standard input:1", "2", "4", "15"], out)
out, err = phi("redact", "--csv", stdin='a,b\n1,2,3\nAna Lopez"s,x\n"y",z\n', rc=1)
check(":2: not as many cells" in err and "Lopez" not in err, err)
phi("redact", "--csv", "--columns", "nope", stdin="a,b\n1,2\n", rc=1)
check("never closed" in phi("scan", "--csv", stdin='a,b\n"open,2\n', rc=1)[1], "a quote never closed")
# mbox: encoded words, quoted-printable, base64, a part that is no text, lines that look like a separator.
mbox = b"""From ana@mail.example Mon Mar  4 10:00:00 2024
From: =?utf-8?B?%s?= <ana@mail.example>
Subject: =?iso-8859-1?Q?SSN_123=2D45=2D6789_in_the_caf=E9?=
Content-Type: multipart/mixed; boundary="b"

--b
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

My number is 208=2D555=2D01=
17, the caf=E9 is open

=46rom here on nothing.
--b
Content-Type: text/plain
Content-Transfer-Encoding: base64

%s
--b
Content-Type: image/png
Content-Transfer-Encoding: base64

%s
--b--

From bob@mail.example Tue Mar  5 10:00:00 2024
From: bob@mail.example

Plain, SSN 987-65-4320.
""" % tuple(__import__("base64").b64encode(x) for x in (b"Ana Lopez", b"her SSN is 123-45-6789\n", b"\x89PNG secret"))
out, err = phi("redact", "--mbox", stdin=mbox, rc=1)
check("1 parts that are no text" in err, err)
check(out.count(b"\nFrom ") == 1 and out.startswith(b"From ") and b">From here on" in out, out)
check(not re.search(rb"Lopez|123-45|555-01|987-65|ana@|bob@|secret|c2VjcmV0", out) and out.count("the café".encode()) == 2 and b"[SSN]" in out, out)
check(phi("scan", "--mbox", stdin=mbox, rc=1)[0].count(b"standard input:2\t") >= 2, "findings by message")
# A folder to a folder; what is no text; what cannot be read.
for n in ("a.txt", "sub/b.txt", "sub/deep/c.txt"):
    put("tree/" + n, NOTE + n)
put("tree/.hidden", NOTE)
put("tree/bin", b"\x7fELF\0\0" + NOTE.encode())
out, err = phi("redact", "-j", "3", "-o", here("red"), here("tree"), rc=1)
check("bin: looks like no text" in err, err)
check(sorted(os.path.relpath(os.path.join(d, f), here("red")) for d, _, fs in os.walk(here("red")) for f in fs) ==
      ["a.txt", "sub/b.txt", "sub/deep/c.txt"], list(os.walk(here("red"))))
check(open(here("red/sub/b.txt")).read().startswith("Please call [NAME]"), "a file of the folder")
check("No such file" in phi("scan", here("none"), doc, rc=1)[1], "a missing file")
for i in range(60):
    put("leaves/d%d/%02d.txt" % (i % 7, i), NOTE * (1 + i * 20 % 900))
phi("redact", "--once", "-o", here("leaves.1"), here("leaves"))
for turn in range(60):
    try:
        if subprocess.run([PHI, "redact", "--once", "-j", "2", "-o", here("leaves.2"), "--resume", here("leaves.state"), here("leaves")],
                          timeout=0.15 + turn * 0.05, stderr=subprocess.DEVNULL).returncode == 0:
            break
    except subprocess.TimeoutExpired:
        pass
check(subprocess.run(["diff", "-r", here("leaves.1"), here("leaves.2")], capture_output=True).stdout == b"", "a folder after kills")
check(phi("scan", here("tree"), rc=1)[0].count(b"SSN") == 3, "scan of a folder")
# Wrong use, said before any work.
for args, word in ((["scan", "--nope"], "unknown option"), (["scan", "--style", "mask"], "no option of phi scan"), (["redact", "--style", "x"], "label, mask"),
                   (["redact", "--resume", "x"], "-o"), (["redact", here("tree")], "-o FOLDER"), (["scan", "-j", "0"], "1 to 64"),
                   (["scan", "--csv", "--jsonl"], "exclude"), (["nope"], "no command"), (["redact", "--map"], "needs a value"),
                   (["redact", "--sealed-map", "x"], "go together"), (["redact", "--resume", "x", "-o", "y"], "standard input"), (["scan", "--jsonl=1"], "takes no value")):
    check(word in phi(*args, rc=2)[1], args)
for c in ("scan", "redact", "explain", "eval", "serve", "train", "generate", "kinds", "key", "restore", "bench"):
    check(b"usage: phi " + c.encode() in phi(c, "--help")[0], c + " --help")
check(b"usage: phi rules check" in phi("rules", "check", "--help")[0], "rules check --help")
check(phi("scan", "--rules", here("none"), rc=3)[0] == b"", "rules that are not there")
# A full disk: an error, no output file.
if os.path.exists("/dev/full"):
    with open("/dev/full", "wb") as f:
        p = subprocess.run([PHI, "redact", doc], stdout=f, stderr=subprocess.PIPE)
        check(p.returncode == 1 and b"No space" in p.stderr, p.stderr)
# Styles: nothing of the values is left, last four apart; keys.
key = here("key")
phi("key", key)
check(os.stat(key).st_mode & 0o777 == 0o600, "a key is private")
phi("key", key, rc=1)
for style in ("label", "mask", "hash", "surrogate"):
    out = phi("redact", "--style", style, "--key-file", key, stdin=NOTE * 3)[0].decode()
    check(not re.search("Lopez|Ana|0117|6789|123-45", out), (style, out))
check("6789" in phi("redact", "--style", "last4", stdin=NOTE)[0].decode(), "last4")
a, b = (phi("redact", "--style", "hash", *k, stdin=NOTE)[0] for k in (["--key-file", key], ["--key", "7"]))
check(a != b and a == phi("redact", "--style", "hash", "--key-file", key, stdin=NOTE)[0], "keys")
# What the output still holds of what was found: nothing, by the same rules.
again = phi("scan", stdin=phi("redact", stdin=NOTE * 5)[0])[0]
check(again == b"", again)
# Above 16 MiB: a stream; the same as the parts one by one; maps lead back; a line of 20 MB.
big = put("big.txt", b"".join((b"line %d of plain text without anything to find in it\n" % i) + (NOTE.encode() if i % 50 == 0 else b"") for i in range(330000)))
check(os.path.getsize(big) > 16 << 20, "large")
out, _ = phi("redact", "--once", "--no-tagger", "--map", here("map"), "--sealed-map", here("sealed"), "--map-key", key, big)
red = put("big.red", out)
left = re.search(rb".{60}(Lopez|555-0117|45-6789)", out, re.S)
check(not left and out.count(b"[SSN]") == 6600, "a stream is redacted: %s, %d" % (left and left.group(), out.count(b"[SSN]")))
src = open(big, "rb").read()
at = to = 0
for l in open(here("map")):
    m = json.loads(l)
    if src[at:m["start"]] != out[to:m["new_start"]] or src[m["start"]:m["end"]] in (b"",):
        check(False, m)
        break
    at, to = m["end"], m["new_end"]
check(src[at:] == out[to:], "offsets of what stays")
check(not re.search(rb"Lopez|555-0117", open(here("sealed"), "rb").read()), "sealed")
check(phi("restore", "--sealed-map", here("sealed"), "--map-key", key, red)[0] == src, "restored")
phi("key", here("other"))
phi("restore", "--sealed-map", here("sealed"), "--map-key", here("other"), red, rc=1)
damaged = bytearray(open(here("sealed"), "rb").read())
damaged[len(damaged) // 2] ^= 1
phi("restore", "--sealed-map", put("damaged", bytes(damaged)), "--map-key", key, red, rc=1)
phi("restore", "--sealed-map", put("short", bytes(damaged[:-30])), "--map-key", key, red, rc=1)
small = here("small.sealed")
out = phi("redact", "--jsonl", "--sealed-map", small, "--map-key", key, "-j", "4", put("ok.jsonl", "\n".join(l for l in lines if l.startswith('{"id": "t') and "other" in l) + "\n"))[0]
back = phi("restore", "--jsonl", "--sealed-map", small, "--map-key", key, put("ok.red", out))[0]
check(all(json.loads(l)["text"] == NOTE for l in back.splitlines()) and len(back.splitlines()) == 295, "JSONL restored")
line = b"SSN 123-45-6789 and words without end, " * 550000
out = phi("redact", "--no-tagger", stdin=line)[0]
check(b"6789" not in out and out.count(b"[SSN]") == 550000, "a line of 20 MB")
# kill -9, again and again: the same bytes as without.
many = put("many.jsonl", "".join(json.dumps({"id": i, "text": NOTE * (1 + i % 9)}) + "\n" for i in range(20000)))
whole = phi("redact", "--jsonl", "--once", many)[0]
rows = put("many.csv", "name,note\r\n" + "".join('"Tyler, Bob %d","%s"\r\n' % (i, NOTE.replace("\n", "\r\n")) for i in range(8000)))
whole_csv = phi("redact", "--csv", "--once", rows)[0]
for fmt, src, want in (("--jsonl", many, whole), ("--csv", rows, whole_csv)):
    kills = 0
    for turn in range(40):
        p = subprocess.Popen([PHI, "redact", fmt, "--once", "-j", "3", "-o", here("out"), "--resume", here("state"), src], stderr=subprocess.PIPE)
        try:
            p.wait(0.25 + rnd.random() * 1.2 + turn * 0.2)
        except subprocess.TimeoutExpired:
            p.kill()
            kills += 1
        p.communicate()
        if p.returncode == 0:
            break
    check(p.returncode == 0 and open(here("out"), "rb").read() == want, "%s: after %d kills the same bytes" % (fmt, kills))
    check(not os.path.exists(here("state")) and not os.path.exists(here("out.part")), "nothing is left over")
    os.unlink(here("out"))
p = subprocess.Popen([PHI, "redact", "--jsonl", "-o", here("out"), "--resume", here("state"), many], stderr=subprocess.PIPE)
deadline = time.time() + 60
while not os.path.exists(here("state")) and time.time() < deadline and p.poll() is None:
    time.sleep(0.02)
p.terminate()
err = p.communicate()[1]
if p.returncode != 0:
    check(p.returncode == 4 and b"start it again" in err, (p.returncode, err))
    check("of another run" in phi("redact", "--jsonl", "--style", "mask", "-o", here("out"), "--resume", here("state"), many, rc=2)[1], "other options")
subprocess.run(["rm", "-rf", tmp])
print("phi:", "failed" if bad else "ok")
sys.exit(bad > 0)
