#!/usr/bin/env python3
"""libphi as others meet it: installed, its ABI as written down (tests/phi/abi.txt), a program in C and C++, Python, SQLite.

phi_library.py --write writes the ABI down anew, after a deliberate change.
"""
import json, os, re, shutil, subprocess, sys, tempfile

B = os.environ.get("B", "build")
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SO = os.path.abspath(os.path.join(B, "libphi.so.1"))
ABI = os.path.join(ROOT, "tests", "phi", "abi.txt")
CC, CXX = os.environ.get("CC", "cc"), os.environ.get("CXX", "c++")
bad = 0


def check(ok, what):
    global bad
    if not ok:
        bad += 1
        print("FAIL", what)


def run(*args, stdin=None, env=None, rc=0):
    p = subprocess.run(args, input=stdin, capture_output=True, text=True, env=dict(os.environ, **(env or {})), timeout=600, cwd=ROOT)
    check(p.returncode == rc, "%s: exit %d: %s%s" % (" ".join(args), p.returncode, p.stdout[-500:], p.stderr[-800:]))
    return p.stdout


if not os.path.exists(SO):
    print("no libphi.so (make libphi)")
    sys.exit(77)
symbols = subprocess.run(["nm", "-D", "--defined-only", SO], capture_output=True, text=True).stdout
if re.search(r"__(a|t|ub)san|__gcov", subprocess.run(["nm", "-D", SO], capture_output=True, text=True).stdout):
    print("a sanitizer's library cannot be loaded by others")
    sys.exit(77)
tmp = tempfile.mkdtemp(prefix="phi-library-")
try:
    # ---- the ABI
    strict = ["-Wall", "-Wextra", "-Werror", "-pedantic"]
    exe = os.path.join(tmp, "abi")
    have_cxx = shutil.which(CXX) is not None
    run(CC, "-std=c11", *strict, "-Iinclude", "tests/phi/abi.c", "-o", exe)
    sizes = run(exe)
    if have_cxx:
        run(CXX, "-x", "c++", "-std=c++11", *strict, "-Iinclude", "tests/phi/abi.c", "-o", exe + "++")
        check(run(exe + "++") == sizes, "C and C++ see the same")
    soname = re.search(r"SONAME\s+(\S+)", run("objdump", "-p", SO)).group(1)
    names = sorted(re.sub(r"^\S+ \S ", "", l) for l in symbols.splitlines())
    now = "soname %s\n%s\n%s" % (soname, "\n".join(names), sizes)
    if "--write" in sys.argv:
        open(ABI, "w").write(now)
    written = open(ABI).read()
    if now != written:
        import difflib
        check(False, "the ABI is not as in tests/phi/abi.txt:\n" + "".join(difflib.unified_diff(written.splitlines(True), now.splitlines(True))))
    header = set(re.findall(r"\b(phi_\w+)\(", re.sub(r"/\*.*?\*/", "", open(os.path.join(ROOT, "include/phi.h")).read(), flags=re.S))) - {"phi_found", "phi_write"}
    check(header == {re.sub("@.*", "", n) for n in names if n.startswith("phi_")}, "phi.h and libphi.so agree: %s" % (
        header ^ {re.sub("@.*", "", n) for n in names if n.startswith("phi_")}))
    # ---- installed, found by pkg-config, used in C and C++
    env = {"PKG_CONFIG_PATH": tmp + "/usr/lib/pkgconfig", "MAKEFLAGS": "", "MAKELEVEL": ""}
    run("make", "-s", "install-libphi", "B=" + B, "PREFIX=" + tmp + "/usr")
    flags = run("pkg-config", "--cflags", "--libs", "libphi", env=env).split()
    check(run("pkg-config", "--modversion", "libphi", env=env).strip() == "1.0", "version")
    for what, cc in (("c", [CC, "-std=c11"]), ("c++", [CXX, "-x", "c++", "-std=c++11"])):
        if what == "c++" and not have_cxx:
            continue
        out = os.path.join(tmp, "example-" + what)
        run(*cc, *strict, "bindings/example.c", "-x", "none", *flags, "-o", out)
        p = subprocess.run([out], input="SSN 123-45-6789", capture_output=True, text=True, env=dict(os.environ, LD_LIBRARY_PATH=tmp + "/usr/lib"))
        check(p.returncode == 0 and p.stdout == "SSN XXX-XX-XXXX" and "SSN at 4, 11 bytes" in p.stderr, (what, p))
    # ---- Python
    sys.path.insert(0, os.path.join(ROOT, "bindings"))
    import phi
    with phi.Phi(library=os.path.join(tmp, "usr/lib/libphi.so.1")) as p:
        text = "5 € paid, my SSN is 123-45-6789"
        f = p.scan(text)
        check([(x.kind, text.encode()[x.start:x.end]) for x in f] == [("SSN", b"123-45-6789")] and f[0].rule.startswith("ssn"), f)
        moves = []
        check(p.redact(text, style="mask", moves=moves) == "5 € paid, my SSN is XXX-XX-XXXX", "redact")
        check(len(moves) == 1 and (moves[0].start, moves[0].end) == (f[0].start, f[0].end), moves)
        check(p.redact(b"SSN 123-45-6789 \xff") == b"SSN [SSN] \xff", "bytes")
        k = p.known({"NAME": ["Quill Zorander"], "MRN": ["AB-12 34"]}, allow=["desk@clinic.example"])
        f = p.scan("then zorander has ab1234, desk@clinic.example", known=k)
        check([x.kind for x in f] == ["NAME", "MRN"] and len(k) > 3, f)
        check(p.scan(text, skip=["SSN"]) == [] and p.scan("") == [], "skip")
        a = p.redact(text, style="hash", secret=b"k" * 32)
        check(a != p.redact(text, style="hash") and a == p.redact(text, style="hash", secret=b"k" * 32), "keys")
        check(p.check_rules("rule x\n  kind NOSUCH\n") and p.check_rules("") is None, "rules")
        try:
            p.scan("x" * (17 << 20))
            check(False, "too large must raise")
        except phi.PhiError:
            pass
        try:
            phi.Phi(library=os.path.join(tmp, "usr/lib/libphi.so.1"), rules="/nonexistent")
            check(False, "no such folder must raise")
        except phi.PhiError:
            pass
    # ---- SQLite
    ext = os.path.abspath(os.path.join(B, "phi_sqlite.so"))
    if shutil.which("sqlite3") and os.path.exists(ext) and subprocess.run(
            ["sqlite3", ":memory:", ".load %s sqlite3_phisqlite_init" % ext], capture_output=True, text=True).stderr == "":
        sql = """.load %s sqlite3_phisqlite_init
.mode list
CREATE TABLE mail(id, body);
INSERT INTO mail VALUES (1, 'SSN 123-45-6789'), (2, NULL), (3, 'call 208-555-0117 or 208-555-0118');
SELECT id, phi_redact(body), phi_redact(body, 'mask') FROM mail;
SELECT m.id, f.kind, f.start, f.end, f.value FROM mail m, phi_findings(m.body) f;
SELECT json_extract(phi_scan(body), '$[0].kind') FROM mail WHERE id = 1;
SELECT phi_redact('x', 'nope');
SELECT phi_redact(body, 'surrogate', 5) = phi_redact(body, 'surrogate', 5) FROM mail WHERE id = 1;
SELECT count(*) FROM phi_findings;
SELECT length(phi_redact(zeroblob(20000000)));
""" % ext
        p = subprocess.run(["sqlite3", ":memory:"], input=sql, capture_output=True, text=True, timeout=120)
        check(p.stdout.splitlines() == ["1|SSN [SSN]|SSN XXX-XX-XXXX", "2||", "3|call [PHONE] or [PHONE]|call XXX-XXX-XXXX or XXX-XXX-XXXX",
                                        "1|SSN|4|15|123-45-6789", "3|PHONE|5|17|208-555-0117", "3|PHONE|21|33|208-555-0118", "SSN", "1", "0"], p.stdout)
        check("label, mask" in p.stderr and "too large" in p.stderr, p.stderr)
    else:
        print("sqlite3 cannot load extensions here: not tested")
finally:
    shutil.rmtree(tmp, ignore_errors=True)
print("libphi:", "failed" if bad else "ok")
sys.exit(bad > 0)
