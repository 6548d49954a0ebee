#!/usr/bin/env python3
"""eval.py PHI [--leaks N]: what leaks, file by file, with the goals that are met and missed.

The development sets lie outside of the project, in ../shared/phi/dev; without them their rows say so. The hand-written
tickets beside this script are always measured.

touched    spans of which some letter or digit is in a finding, whatever kind
leak       spans of which some letter or digit is in none
precision  letters and digits in findings that lie in a span; spans whose label begins with X_ do not count either way
           ("names": only findings of the kinds that the file labels count, since it labels few)
clean      tickets without a span in which something was found
"""
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
DEV = os.path.join(HERE, "..", "..", "..", "shared", "phi", "dev")
sys.path.insert(0, HERE)
import jsonl  # noqa: E402

# file, kinds that it labels (None: all), leak at most, touched at least, precision at least (percent)
GOALS = [
    ("tickets.jsonl", None, 4, None, 93),
    ("clinical_queries.jsonl", None, 5, None, 97),
    ("emails_public.jsonl", {"NAME", "EMAIL", "PHONE", "DATE"}, 3, None, None),
    ("clinic_forms.jsonl", None, 3, None, None),
    ("pii_templates.jsonl", None, 12, None, None),
    ("ambiguity.jsonl", {"NAME", "PHONE", "LICENSE"}, None, 96, 65),
    ("pii_mixed.jsonl", None, None, None, None),
]


def counts(b):
    return bytearray(48 <= c <= 57 or 65 <= c <= 90 or 97 <= c <= 122 or c >= 128 for c in b)


def measure(phi, docs, kinds, show):
    lines = "".join(json.dumps({"id": d["id"], "text": d["text"]}) + "\n" for d in docs)
    run = subprocess.run([phi, "scan", "--jsonl"], input=lines.encode(), stdout=subprocess.PIPE, check=True)
    found = [json.loads(line) for line in run.stdout.decode().splitlines()]
    assert [f["id"] for f in found] == [d["id"] for d in docs], "a document without an answer"
    s = dict(docs=len(docs), spans=0, touched=0, leak=0, chars=0, right=0, some=0, some_right=0, clean=0, dirty=0)
    for d, f in zip(docs, found):
        text = d["text"].encode()
        mask, cover, gold = counts(text), bytearray(len(text)), bytearray(len(text))
        for x in f["spans"]:
            one = kinds is None or x["label"] in kinds
            cover[x["start"]:x["end"]] = bytes([1 + one]) * (x["end"] - x["start"])
        for x in d["spans"]:
            care = not x["label"].startswith("X_")
            gold[x["start"]:x["end"]] = bytes([1 if care else 2]) * (x["end"] - x["start"])
            if not care:
                continue
            at = [i for i in range(x["start"], x["end"]) if mask[i]] or range(x["start"], x["end"])
            hit = sum(cover[i] > 0 for i in at)
            s["spans"] += 1
            s["touched"] += hit > 0
            s["leak"] += hit < len(at)
            if hit < len(at) and show > 0:
                show -= 1
                print("  leak %s %s [%s]" % (d["id"], x["label"], text[x["start"]:x["end"]].decode()))
        any_found = False
        for i in range(len(text)):
            if mask[i] and cover[i] and gold[i] != 2:
                s["chars"] += 1
                s["right"] += gold[i] == 1
                s["some"] += cover[i] == 2
                s["some_right"] += cover[i] == 2 and gold[i] == 1
                any_found = True
        if not any(not x["label"].startswith("X_") for x in d["spans"]):
            s["clean"] += 1
            s["dirty"] += any_found
    return s


def percent(a, b):
    return 100.0 * a / b if b else float("nan")


def row(name, s, kinds=None, leak=None, touched=None, precise=None):
    got = {"touched": percent(s["touched"], s["spans"]), "leak": percent(s["leak"], s["spans"]),
           "precision": percent(s["right"], s["chars"])}
    names = percent(s["some_right"], s["some"]) if kinds else None
    line = "%-24s %5d %6d" % (name, s["docs"], s["spans"])
    line += "  %5.1f  %5.1f  %5.1f" % (got["touched"], got["leak"], got["precision"]) if s["spans"] else "      -      -      -"
    line += "  %5.1f" % names if names is not None else "      -"
    line += "  %3d/%-3d" % (s["dirty"], s["clean"]) if s["clean"] else "    -   "
    goals = []
    if leak is not None:
        goals.append(("leak <= %g" % leak, got["leak"] <= leak))
    if touched is not None:
        goals.append(("touched >= %g" % touched, got["touched"] >= touched))
    if precise is not None:
        goals.append(("precision >= %g" % precise, (got["precision"] if names is None else names) >= precise))
    line += "".join("  %s %s" % (text, "met" if ok else "MISSED") for text, ok in goals)
    print(line)
    return [ok for _, ok in goals]


def main(argv):
    phi, show, met = argv[1], int(argv[3]) if len(argv) > 3 and argv[2] == "--leaks" else 0, []
    print("%-24s %5s %6s  %5s  %5s  %5s  %5s  %7s" % ("percent", "docs", "spans", "touch", "leak", "prec", "names", "clean"))
    for name, kinds, leak, touched, precise in GOALS:
        path = os.path.join(DEV, name)
        if not os.path.exists(path):
            print("%-24s not here: the development sets are not part of the project" % name)
            continue
        with open(path, encoding="utf-8") as f:
            docs = [json.loads(line) for line in f if line.strip()]
        met += row(name, measure(phi, docs, kinds, show), kinds, leak, touched, precise)
    folder = os.path.join(HERE, "tickets")
    for name in sorted(os.listdir(folder)):
        if name.endswith(".txt"):
            row("tickets/" + name[:-4], measure(phi, list(jsonl.read(os.path.join(folder, name))), None, show))
    if met:
        print("goals: %d of %d met" % (sum(met), len(met)))


main(sys.argv)
