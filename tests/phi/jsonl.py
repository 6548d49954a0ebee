#!/usr/bin/env python3
"""jsonl.py FILE.txt...: the hand-written tickets as lines of {"id","text","spans"}.

A file: "== id channel" begins a ticket, [[KIND:text]] is a span, \\u{200b} a character.
"""
import json
import re
import sys

HEAD = re.compile(r"^== (\S+) (\S+)$")
MARK = re.compile(r"\[\[([A-Z0-9]+):(.*?)\]\]", re.S)


def ticket(name, channel, raw):
    raw = re.sub(r"\\u\{([0-9a-fA-F]+)\}", lambda m: chr(int(m[1], 16)), raw.rstrip("\n"))
    text, spans, at = "", [], 0
    for m in MARK.finditer(raw):
        text += raw[at:m.start()]
        start = len(text.encode())
        text += m[2]
        spans.append({"start": start, "end": len(text.encode()), "label": m[1]})
        at = m.end()
    return {"id": name + "-" + channel, "text": text + raw[at:], "spans": spans}


def read(path):
    name = channel = None
    lines = []
    for line in open(path, encoding="utf-8"):
        m = HEAD.match(line)
        if m:
            if name:
                yield ticket(name, channel, "".join(lines))
            name, channel, lines = m[1], m[2], []
        elif name:
            lines.append(line)
    if name:
        yield ticket(name, channel, "".join(lines))


if __name__ == "__main__":
    for path in sys.argv[1:]:
        for t in read(path):
            print(json.dumps(t, ensure_ascii=False))
