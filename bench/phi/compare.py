#!/usr/bin/env python3
"""`make bench-phi`: phi and other tools on the same texts in one run; the table goes into docs/PERFORMANCE.md.

Leak (spans not wholly covered), recall (spans touched) and precision (any label, characters) are the reference scorer's
(../shared/phi/score.py --coarse); MB/s is by CPU time of one core in the tool alone, without loading; for phi by
`phi bench`'s clock on the texts one by one, in JSON."""
import datetime, json, os, platform, re, resource, subprocess, sys, tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
B = os.path.abspath(os.environ.get("B") or "build")
HERE = os.path.join(B, "bench-phi")
LOAD = os.getloadavg()[1]      # what else the machine did when this began
SCORE = os.path.join(ROOT, "..", "shared", "phi", "score.py")
DEV = os.path.join(ROOT, "..", "shared", "phi", "dev")
PAGE = os.path.join(ROOT, "docs", "PERFORMANCE.md")
files = (os.environ.get("FILES") or "").split() or sorted(os.path.join(DEV, f) for f in os.listdir(DEV) if f.endswith(".jsonl")) \
    if os.path.isdir(DEV) or os.environ.get("FILES") else []
if not files or not os.path.exists(SCORE):
    sys.exit("bench-phi: needs the development sets and their scorer")
SHOWN = [f for f in ("tickets", "clinical_queries", "emails_public", "pii_templates") if any(os.path.basename(x) == f + ".jsonl" for x in files)]
if not SHOWN:
    SHOWN = [os.path.basename(f)[:-6] for f in files][:4]
node, py = ["node", os.path.join(ROOT, "bench/phi/tools.mjs")], [os.path.join(HERE, "venv/bin/python"), os.path.join(ROOT, "bench/phi/tools.py")]


def version(mk, name):
    m = re.search(re.escape(name) + r"(?:@|==)(\S+)", open(os.path.join(ROOT, "bench", "phi.mk")).read())
    return m.group(1) if m else "?"


def phi(*opts):
    def run(docs, out):
        # The same texts many times over, so that the start does not count; one core.
        times = max(1, 20_000_000 // max(1, len(docs)))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        with tempfile.TemporaryFile() as many:
            many.write(docs * times)
            many.seek(0)
            subprocess.run([os.path.join(B, "phi"), "scan", "--jsonl", *opts], stdin=many, stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([os.path.join(B, "phi"), "scan", "--jsonl", *opts], input=docs, stdout=out, check=True)
        text = sum(len(json.loads(l)["text"].encode()) for l in docs.splitlines()) * times
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, text
    return run


def other(cmd, name):
    def run(docs, out):
        p = subprocess.run(cmd + [name], input=docs, capture_output=True, cwd=HERE, env=dict(os.environ, DATAFOG_TELEMETRY="0", DO_NOT_TRACK="1"))
        if p.returncode:
            raise RuntimeError(p.stderr.decode()[-300:])
        lines = p.stdout.splitlines()
        out.write(b"\n".join(lines[:-1]) + b"\n")
        out.flush()
        last = json.loads(lines[-1])
        return last["seconds"], last["bytes"]
    return run


tools = [("**phi**, all", phi(), None, ""), ("**phi**, rules and lexicon", phi("--no-tagger"), None, ""),
         ("presidio-analyzer %s, spaCy small model" % version(py, "presidio-analyzer"), other(py, "presidio"), "presidio", "--chars"),
         ("presidio-analyzer %s, patterns alone" % version(py, "presidio-analyzer"), other(py, "presidio-patterns"), "presidio", "--chars"),
         ("datafog %s, regex" % version(py, "datafog"), other(py, "datafog"), "generic", "--chars"),
         ("compromise %s" % version(node, "compromise"), other(node, "compromise"), None, "--chars"),
         ("openredaction %s" % version(node, "openredaction"), other(node, "openredaction"), "openredaction", "--chars"),
         ("@redactpii/node %s" % version(node, "@redactpii/node"), other(node, "redactpii"), None, "--chars")]
rows = []
for name, run, mapping, chars in tools:
    cells, seconds, size = [], 0.0, 0
    try:
        for f in files:
            # Only id and text go to a tool.
            docs = b"".join(json.dumps({"id": d["id"], "text": d["text"]}, ensure_ascii=False).encode() + b"\n"
                            for d in map(json.loads, open(f, "rb")))
            with tempfile.NamedTemporaryFile(suffix=".jsonl") as out, tempfile.NamedTemporaryFile() as scored:
                s, n = run(docs, out)
                seconds += s
                size += n
                args = [sys.executable, SCORE, "--coarse", "--brief", "--json", scored.name] + (["--tool", mapping] if mapping else []) + \
                    ([chars] if chars else []) + [f, out.name]
                subprocess.run(args, check=True, stdout=subprocess.DEVNULL)
                r = json.load(open(scored.name))[0]
            if os.path.basename(f)[:-6] in SHOWN:
                cells.append((SHOWN.index(os.path.basename(f)[:-6]), "%.1f / %.1f / %.1f" % (
                    100 * r["all"]["leak_rate"], 100 * r["all"]["binary_recall"], 100 * (r["char_any_label"]["p"] or 0))))
        rate = size / seconds / 1e6
        rows.append([name] + [c for _, c in sorted(cells)] + ["%.3f" % rate if rate < 0.1 else "%.2f" % rate if rate < 10 else "%.1f" % rate])
    except Exception as e:
        rows.append([name] + ["could not be run here"] + [""] * (len(SHOWN) - 1) + [""])
        print("bench-phi: %s: %s" % (name, str(e).strip().splitlines()[-1:] or e), file=sys.stderr)
    print(rows[-1], flush=True)
cpu = next((l.split(":", 1)[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.machine())
table = "Measured %s on one core of %s, in one run, load %.0f. Per file: leak / recall / precision, percent; MB/s over all %d files, by CPU time.\n\n" % (
    datetime.date.today(), re.sub(r"\s+\d+-Core.*| Processor.*", "", cpu), LOAD, len(files))
table += "| | %s | MB/s |\n|---|%s---|\n" % (" | ".join(SHOWN), "---|" * len(SHOWN))
table += "".join("| %s |\n" % " | ".join(r) for r in rows)
text = open(PAGE, encoding="utf-8").read()
begin, end = "<!-- phi -->", "<!-- /phi -->"
if begin not in text:
    sys.exit("bench-phi: no %s in %s" % (begin, PAGE))
text = text[:text.index(begin) + len(begin)] + "\n" + table + text[text.index(end):]
open(PAGE, "w", encoding="utf-8").write(text)
print("written to docs/PERFORMANCE.md")
