#!/usr/bin/env python3
"""phi eval: its figures are those of the reference scorer where that is at hand; its page stands alone and quotes nothing raw."""
import json, os, re, subprocess, sys, tempfile

B = os.environ.get("B", "build")
PHI = os.path.join(B, "phi")
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCORE = os.path.join(ROOT, "..", "shared", "phi", "score.py")
bad = 0


def check(ok, what):
    global bad
    if not ok:
        bad += 1
        print("FAIL", what)


def rows(page):
    """{file: {class: [spans, findings, leak, recall, precision]}}"""
    out = {}
    for name, table in re.findall(r"<h2>([^<]*)</h2>\n<p>[^\n]*\n(<table>.*?</table>)", page, re.S):
        out[name] = {m[0]: [float(x) for x in m[1:]] for m in
                     re.findall(r"<tr(?: class=all)?><td>([^<]*)<td>(\d+)<td>(\d+)<td>([\d.]+)<td>([\d.]+)<td>([\d.]+)</tr>", table)}
    return out


with tempfile.TemporaryDirectory(prefix="phi-eval-") as tmp:
    page = os.path.join(tmp, "page.html")
    # A document of which all leaks and one that is all right, with what would break a page.
    docs = [{"id": "<script>1", "text": "<img src=x onerror=alert(1)> & \"quoted\" the 'q' \0", "spans": [{"start": 40, "end": 43, "label": "NAME"}]},
            {"id": 2, "text": "SSN 123-45-6789 of TX", "spans": [{"start": 4, "end": 15, "label": "SSN"}, {"start": 19, "end": 21, "label": "X_GPE"}]}]
    f = os.path.join(tmp, "a&b.jsonl")
    with open(f, "w") as o:
        o.write("\n".join(map(json.dumps, docs)) + "\n")
    p = subprocess.run([PHI, "eval", "--leaks", "5", "--html", page, f], capture_output=True, text=True, timeout=120)
    html = open(page).read()
    check(p.returncode == 0 and "leak  50.0 %" in p.stdout and "leak <script>1 NAME [the]" in p.stdout, p)
    check("<script" not in html and "<img" not in html and "&lt;img src=x onerror=alert(1)&gt; &amp; &quot;quoted&quot; <b>the</b> &#39;q&#39;" in html, "escaped")
    check(not re.search(r"(src|href)\s*=\s*[\"']?(http|//)", html) and "default-src 'none'" in html and html.count("<svg") == 1, "one page, alone")
    check(rows(html)["a&amp;b.jsonl"]["all"][:2] == [2, 1] and rows(html)["a&amp;b.jsonl"]["ID"] == [1, 1, 0, 100, 100], rows(html))
    check(len(re.findall("<circle", html)) == 11, "the curve")
    # What is malformed is named; the rest counts.
    with open(f, "a") as o:
        o.write('{"id": 3}\n{"text": "x", "spans": [{"start": 0, "end": 9, "label": "NAME"}]}\nsecret\n')
    p = subprocess.run([PHI, "eval", f], capture_output=True, text=True, timeout=120)
    check(p.returncode == 1 and re.findall(r":(\d+): ", p.stderr) == ["3", "4", "5"] and "secret" not in p.stderr, p)
    check(subprocess.run([PHI, "eval", os.path.join(tmp, "none")], capture_output=True, timeout=60).returncode == 1, "no such file")
    check(subprocess.run([PHI, "eval"], capture_output=True, timeout=60).returncode == 2, "no file")
    dev = os.path.join(ROOT, "..", "shared", "phi", "dev")
    if os.path.exists(SCORE):
        for name in ("tickets", "clinic_forms", "ambiguity"):
            gold, pred, out = os.path.join(dev, name + ".jsonl"), os.path.join(tmp, "pred"), os.path.join(tmp, "json")
            with open(pred, "wb") as o:
                subprocess.run([PHI, "scan", "--jsonl", gold], stdout=o, check=True, timeout=120)
            subprocess.run([sys.executable, SCORE, "--coarse", "--brief", "--json", out, gold, pred], stdout=subprocess.DEVNULL, check=True, timeout=120)
            want = json.load(open(out))[0]
            subprocess.run([PHI, "eval", "--html", page, gold], stdout=subprocess.DEVNULL, check=True, timeout=120)
            got = rows(open(page).read())[name + ".jsonl"]
            a = want["all"]
            near = lambda x, y: abs(x - 100 * (y or 0)) < 0.051
            check(got["all"][:2] == [a["gold"], a["pred"]] and near(got["all"][2], a["leak_rate"]) and near(got["all"][3], a["binary_recall"]) and
                  near(got["all"][4], want["char_any_label"]["p"]), (name, got["all"], a))
            for label, c in want["labels"].items():
                g = got.get(label)
                check(g and g[:2] == [c["gold"], c["pred"]] and near(g[2], c["leak_rate"]) and near(g[3], c["binary_recall"]) and
                      near(g[4], c["char"]["p"]), (name, label, g, c))
print("phi eval:", "failed" if bad else "ok")
sys.exit(bad > 0)
