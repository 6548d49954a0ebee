#!/usr/bin/env python3
"""Writes some 350 mails, plain to hostile, into a folder, with what is expected of each.

usage: generate.py FOLDER [SEED]

FOLDER/manifest.json: {"seed": N, "mails": [...]}, to be delivered in that order. Each mail has
  file       its name in FOLDER
  expect     ticket | comment | suspended | duplicate
  subject    the ticket's subject; null where it is not the mail's point, "" where there is none
  canary     a word that is in this mail and (but for its duplicates and quotes of it) in no other
  canary_in  where: body, subject, attachment (decoded), raw (nowhere a person would see it)
  why        what kind of mail this is, in a sentence
  of         for comments, duplicates and some suspended mails: the file they answer or repeat

The rules behind `expect`, which the desk keeps:
  a message with one usable author that is neither automatic, bounced, bulk nor looping is a ticket;
  one that answers (In-Reply-To, then References from the newest) a message of a ticket is a comment
  there, when its author is the requester or in its CC, else it is suspended; automatic replies,
  bounces, bulk mail, loops, messages without a usable author and what is no message are suspended;
  the same bytes again, whatever their Received lines, are a duplicate; another message under a known
  Message-ID is suspended.

The same seed gives the same bytes. Standard library only. All people, clinics and events are invented;
all addresses are in .example (RFC 2606).
"""
import base64
import io
import json
import os
import quopri
import random
import struct
import sys
import zipfile
import zlib

DESK = "desk@lindenhof-clinic.example"
FIRST = ("Ada Bruno Carla Dmitri Edda Farid Greta Hanne Ivo Jorun Kaito Lena Milan Nadja Oskar Petra Quentin Rosa "
         "Selma Tariq Ursel Viktor Wanda Xenia Yusuf Zita").split()
LAST = ("Albrecht Bosmans Castellan Dvorzak Eklund Fontaine Grabow Halvorsen Ibarra Jankow Kestrel Lindqvist "
        "Marchetti Novotna Ostrava Pellier Quistgaard Rademacher Soltani Tamsin Ulvang Vanterpool Wexler Yardley Zoric").split()
DOMAINS = ["post.example", "inbox.example", "lindenhof-clinic.example", "birchwood-practice.example",
           "harbor-dental.example", "northfield-imaging.example", "mail.riverside.example"]
SUBJECTS = ["Appointment question", "Cannot open the portal", "Invoice copy", "Referral missing", "Change of address",
            "Prescription refill", "Form for the insurance", "Waiting for the report", "Thank you", "Opening hours",
            "Password does not work", "Lab results not visible", "Vaccination record", "Transport to the clinic",
            "Complaint about the bill", "Question about fasting", "Interpreter needed", "Parking at the clinic",
            "Second opinion", "Records for my new practice"]
TEXTS = [
    "I called twice this week and nobody could tell me when my next appointment is. Could you please have a look?",
    "the portal shows an empty page after I sign in. I tried two browsers and my phone, always the same.",
    "please send me a copy of the invoice for my visit in the autumn, the insurance wants to see it again.",
    "my practice says they never received the referral. It was supposed to be faxed on Monday.",
    "we have moved to the other side of the river; the new address is on the attached form.",
    "the tablets will last until Friday. Can the prescription be renewed without a visit?",
    "the report of the imaging is still missing in my file, and the surgeon asks for it every day.",
    "I only wanted to say thank you to everybody on the third floor, you were wonderful.",
    "is the front desk open between the holidays? The page says yes, the machine on the phone says no.",
    "the new password is refused although it has all the letters and signs that the page asks for.",
    "may I drink coffee before the blood is taken, or does fasting mean only food?",
    "my mother needs somebody who speaks Polish with her at the examination; how do I ask for that?",
    "the amount on the bill is not the one that we agreed on, please check before the reminder goes out.",
]


class Corpus:
    def __init__(self, folder, seed):
        self.folder, self.rng, self.mails, self.serial = folder, random.Random(seed), [], 0
        self.canaries = set()

    # ---- words and people ----

    def canary(self):
        """Letters only, so that nothing takes it for a number, a code or a name."""
        while True:
            word = "zq" + "".join(self.rng.choice("bcdfghjklmnprstvw") + self.rng.choice("aeiou") for _ in range(6))
            if word not in self.canaries:
                self.canaries.add(word)
                return word

    def person(self):
        first, last = self.rng.choice(FIRST), self.rng.choice(LAST)
        self.serial += 1
        return ("%s %s" % (first, last), "%s.%s%d@%s" % (first.lower(), last.lower(), self.serial, self.rng.choice(DOMAINS)))

    def message_id(self):
        return "%08x.%08x@mx%d.example" % (self.rng.getrandbits(32), self.rng.getrandbits(32), self.rng.randrange(9))

    def date(self):
        days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
        n = self.rng.randrange(28)                       # February 2026 began on a Sunday
        return "%s, %d Feb 2026 %02d:%02d:%02d %s" % (days[(n + 6) % 7], n + 1, self.rng.randrange(7, 19), self.rng.randrange(60),
                                                      self.rng.randrange(60), self.rng.choice(["+0000", "+0100", "-0500"]))

    def text(self, canary, who):
        return "Hello,\n\n%s\n\nMy reference is %s.\n\nKind regards\n%s\n" % (self.rng.choice(TEXTS), canary, who)

    # ---- putting together ----

    def head(self, who, subject, **more):
        """The usual fields, in order; more: name="value" with _ for -, None leaves one out."""
        fields = {"From": "%s <%s>" % who, "To": DESK, "Subject": subject, "Date": self.date(),
                  "Message-ID": "<%s>" % self.message_id(), "MIME-Version": "1.0"}
        for k, v in more.items():
            fields[k.replace("_", "-")] = v
        return "".join("%s: %s\n" % (k, v) for k, v in fields.items() if v is not None)

    def add(self, kind, raw, expect, why, canary=None, where="body", subject=None, of=None, crlf=None):
        if isinstance(raw, str):
            raw = raw.encode()
        if crlf is None:
            crlf = len(self.mails) % 3 != 0              # as it comes from the wire, or from a file
        if crlf:
            raw = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        name = "%03d-%s.eml" % (len(self.mails) + 1, kind)
        with open(os.path.join(self.folder, name), "wb") as f:
            f.write(raw)
        row = {"file": name, "expect": expect, "subject": subject, "canary": canary, "canary_in": where, "why": why}
        if of:
            row["of"] = of["file"]
        self.mails.append(row)
        row = dict(row, raw=raw)
        return row


def word(text, charset="utf-8", how="q"):
    """An encoded word, RFC 2047."""
    raw = text.encode(charset)
    if how == "b":
        return "=?%s?B?%s?=" % (charset, base64.b64encode(raw).decode())
    return "=?%s?Q?%s?=" % (charset, "".join(chr(b) if chr(b).isalnum() and b < 128 else "_" if b == 32 else "=%02X" % b for b in raw))


def b64(data):
    return base64.encodebytes(data).decode()


def part(kind, body, *fields):
    return "Content-Type: %s\n%s\n%s\n" % (kind, "".join(f + "\n" for f in fields), body)


def multipart(kind, boundary, parts, close=True):
    """Header field and body of a multipart."""
    return "Content-Type: multipart/%s; boundary=\"%s\"\n\n" % (kind, boundary) + "".join(
        "--%s\n%s" % (boundary, p) for p in parts) + ("--%s--\n" % boundary if close else "")


def file_part(kind, name, data, disposition="attachment", *fields):
    return part('%s; name="%s"' % (kind, name), b64(data), 'Content-Disposition: %s; filename="%s"' % (disposition, name),
                "Content-Transfer-Encoding: base64", *fields)


def html(text):
    for a, b in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(a, b)
    return text


def page(text):
    return ("<html><head><meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\"><style>p { margin: 0 }</style>"
            "<title>Message</title></head><body>\n" + "".join("<p>%s</p>\n" % html(p) for p in text.split("\n\n")) + "</body></html>\n")


# ---- files ----

def png(rng, side=8):
    rows = b"".join(b"\0" + bytes(rng.randrange(256) for _ in range(3 * side)) for _ in range(side))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def pdf(text):
    stream = b"BT /F1 12 Tf 72 720 Td (" + text.encode("latin-1") + b") Tj ET"
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
               b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
               b"<</Length %d>>stream\n" % len(stream) + stream + b"\nendstream", b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    out, at = b"%PDF-1.4\n", []
    for i, o in enumerate(objects):
        at.append(len(out))
        out += b"%d 0 obj" % (i + 1) + o + b"endobj\n"
    xref = len(out)
    return (out + b"xref\n0 6\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % a for a in at) +
            b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % xref)


def zipped(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in files:
            z.writestr(zipfile.ZipInfo(name, (2026, 1, 5, 10, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def docx(text):
    return zipped([("[Content_Types].xml", "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>"),
                   ("word/document.xml", "<w:document xmlns:w=\"x\"><w:body><w:p><w:r><w:t>%s</w:t></w:r></w:p></w:body></w:document>" % text)])


# ---- what people send ----

def plain(c):
    mails = []
    for i in range(56):
        who, canary = c.person(), c.canary()
        subject = c.rng.choice(SUBJECTS)
        more = {}
        if i % 4 == 1:
            more = {"Content_Type": "text/plain; charset=utf-8", "Content_Transfer_Encoding": "quoted-printable"}
        elif i % 4 == 2:
            more = {"Content_Type": "text/plain; charset=\"UTF-8\"", "Content_Transfer_Encoding": "base64"}
        elif i % 4 == 3:
            more = {"Content_Type": "text/plain; charset=us-ascii; format=flowed"}
        cc = [c.person() for _ in range(i % 3)]
        if cc:
            more["Cc"] = ", ".join("%s <%s>" % p for p in cc)
        where = "body"
        text = c.text(canary, who[0])
        if i % 7 == 6:
            where, subject, text = "subject", subject + " " + canary, c.text("on the form", who[0])
        if i % 4 == 1:
            text = quopri.encodestring((text + "Grüße aus Köln – bis bald\n").encode()).decode()
        elif i % 4 == 2:
            text = b64(text.encode())
        m = c.add("plain", c.head(who, subject, **more) + "\n" + text, "ticket", "plain text", canary, where, subject)
        m.update(who=who, cc=cc, text=text if i % 4 in (0, 3) else c.text(canary, who[0]))
        mails.append(m)
    return mails


def html_only(c):
    styles = [
        lambda t: page(t),
        lambda t: "<div dir=\"ltr\">%s</div>\n" % "<br>".join(html(t).split("\n")),
        lambda t: "<html xmlns:o=\"urn:schemas-microsoft-com:office:office\"><head><!--[if gte mso 9]><xml></xml><![endif]-->"
                  "<style><!-- p.MsoNormal { } --></style></head><body lang=EN-US><div class=WordSection1>%s</div></body></html>\n"
                  % "".join("<p class=MsoNormal>%s<o:p></o:p></p>" % html(p) for p in t.split("\n")),
        lambda t: "<table width=100%%><tr><td><table><tr><td>&nbsp;</td><td>%s</td></tr></table></td></tr></table>\n"
                  % html(t).replace("\n", "<br/>\n"),
        lambda t: "<BODY><P>%s</P><UL><LI>first<LI>second</UL><A HREF=\"https://portal.lindenhof-clinic.example/?a=1&amp;b=2\">"
                  "the portal</A></BODY>\n" % html(t),
        lambda t: "<p>%s</p>" % "".join("&#%d;" % ord(ch) if ch in "aeiou" and not t[max(0, i - 12):i + 12].count("zq") else html(ch)
                                      for i, ch in enumerate(t)),
    ]
    mails = []
    for i in range(28):
        who, canary = c.person(), c.canary()
        subject, body = c.rng.choice(SUBJECTS), styles[i % len(styles)](c.text(canary, who[0]))
        more = {"Content_Type": "text/html; charset=utf-8"}
        if i % 3 == 1:
            more["Content_Transfer_Encoding"], body = "quoted-printable", quopri.encodestring(body.encode()).decode()
        elif i % 3 == 2:
            more["Content_Transfer_Encoding"], body = "base64", b64(body.encode())
        m = c.add("html", c.head(who, subject, **more) + "\n" + body, "ticket", "HTML alone", canary, "body", subject)
        m.update(who=who, cc=[], text=c.text(canary, who[0]))
        mails.append(m)
    return mails


def alternative(c):
    mails = []
    for i in range(34):
        who, canary = c.person(), c.canary()
        subject, text = c.rng.choice(SUBJECTS), c.text(canary, who[0])
        boundary = "----=_Part_%d_%08x" % (i, c.rng.getrandbits(32))
        as_plain = part("text/plain; charset=utf-8", text)
        why = "plain text and HTML"
        if i % 6 == 4:
            as_plain, why = part("text/plain; charset=utf-8", "\n"), "an empty plain text and HTML"
        elif i % 6 == 5:
            as_plain, why = part("text/plain", "Please enable HTML.\n"), "a plain text that is none, and HTML"
        body = multipart("alternative", boundary, [as_plain, part("text/html; charset=utf-8", page(text))])
        if i % 5 == 3:
            body = multipart("mixed", "mixed" + boundary[8:], [body, file_part("application/pdf", "form.pdf", pdf("empty form"))])
            why += ", and a file"
        m = c.add("alternative", c.head(who, subject) + body, "ticket", why, canary, "body", subject)
        m.update(who=who, cc=[], text=text)
        mails.append(m)
    return mails


def attachments(c):
    kinds = [
        ("application/pdf", "report.pdf", lambda w: pdf(w)),
        ("image/png", "photo.png", lambda w: png(c.rng) + w.encode()),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "letter.docx", lambda w: docx(w)),
        ("text/csv", "list.csv", lambda w: ("day,what\nMonday,%s\n" % w).encode()),
        ("application/zip", "scans.zip", lambda w: zipped([("a.txt", w), ("b.txt", "b")])),
        ("text/plain", "notes.txt", lambda w: ("Notes: %s\n" % w).encode()),
        ("application/octet-stream", "scan.dcm", lambda w: b"\0" * 128 + b"DICM" + w.encode()),
    ]
    for i in range(30):
        who, canary = c.person(), c.canary()
        subject = c.rng.choice(SUBJECTS)
        kind, name, make = kinds[i % len(kinds)]
        inside = i % 3 == 2
        data = make(canary if inside else "nothing of note")
        where = "body"
        if inside:
            where = "attachment" if kind not in ("application/zip",) and not name.endswith("docx") else "raw"
        text = c.text("attached" if inside else canary, who[0])
        parts = [part("text/plain; charset=utf-8", text), file_part(kind, name, data)]
        if i % 4 == 3:
            parts.append(file_part("image/png", "second.png", png(c.rng)))
        m = c.add("attachment", c.head(who, subject) + multipart("mixed", "=_%d" % i, parts), "ticket", "with %s" % name, canary, where, subject)
        m.update(who=who, cc=[], text=text)
    names = [('filename*=utf-8\'\'Befund%20K%C3%B6ln.pdf', "RFC 2231 name"), ('filename="=?utf-8?Q?Befund_K=C3=B6ln.pdf?="', "RFC 2047 name"),
             ('filename*0="a very long "; filename*1="name.pdf"', "name in two pieces"), ("filename=no quotes here.pdf", "name without quotes"),
             ('filename=""', "empty name")]
    for field, why in names:
        who, canary = c.person(), c.canary()
        c.add("attachment-name", c.head(who, "Scan") + multipart("mixed", "b1", [part("text/plain", c.text(canary, who[0])),
              part("application/pdf", b64(pdf("x")), "Content-Disposition: attachment; " + field, "Content-Transfer-Encoding: base64")]),
              "ticket", why, canary, "body", "Scan")
    who, canary = c.person(), c.canary()
    invite = "BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nSUMMARY:Consultation\nDTSTART:20260302T090000Z\nEND:VEVENT\nEND:VCALENDAR\n"
    c.add("calendar", c.head(who, "Invitation") + multipart("alternative", "cal", [part("text/plain", c.text(canary, who[0])),
          part("text/html", page("See the invitation.")), part("text/calendar; method=REQUEST; charset=utf-8", invite)]),
          "ticket", "a calendar as a third choice", canary, "body", "Invitation")
    who, canary = c.person(), c.canary()
    c.add("tnef", c.head(who, "From Outlook") + multipart("mixed", "tnef", [part("text/plain", c.text(canary, who[0])),
          file_part("application/ms-tnef", "winmail.dat", b"\x78\x9f\x3e\x22" + b"\0" * 40)]),
          "ticket", "winmail.dat", canary, "body", "From Outlook")
    who, canary = c.person(), c.canary()
    c.add("signed", c.head(who, "Signed") + "Content-Type: multipart/signed; micalg=sha-256; protocol=\"application/pkcs7-signature\"; "
          "boundary=sig\n\n--sig\n" + part("text/plain; charset=utf-8", c.text(canary, who[0])) + "--sig\n" +
          file_part("application/pkcs7-signature", "smime.p7s", b"0\x82\x01\x00" + b"\1" * 60) + "--sig--\n",
          "ticket", "S/MIME signed", canary, "body", "Signed")
    who, canary = c.person(), c.canary()
    c.add("only-file", c.head(who, "Scan of the form", Content_Type='application/pdf; name="form.pdf"', Content_Transfer_Encoding="base64") +
          "\n" + b64(pdf(canary)), "ticket", "nothing but a file", canary, "attachment", "Scan of the form")


def inline_images(c):
    for i in range(10):
        who, canary = c.person(), c.canary()
        subject, cid = c.rng.choice(SUBJECTS), "image%03d.png@%08x" % (i, c.rng.getrandbits(32))
        text = c.text(canary, who[0])
        related = multipart("related", "rel%d" % i, [
            part("text/html; charset=utf-8", page(text).replace("</body>", "<img src=\"cid:%s\" alt=\"\"></body>" % cid)),
            file_part("image/png", "image%03d.png" % i, png(c.rng), "inline", "Content-ID: <%s>" % cid)])
        body = related if i % 2 else multipart("alternative", "alt%d" % i, [part("text/plain; charset=utf-8", text), related])
        c.add("inline", c.head(who, subject) + body, "ticket", "an image in the text", canary, "body", subject)


def charsets(c):
    rows = [
        ("iso-8859-1", "iso-8859-1", "Grüße aus Köln"), ("iso-8859-2", "iso-8859-2", "Łódź, dziękuję"), ("iso-8859-15", "iso-8859-15", "Œuvre 5 €"),
        ("windows-1250", "cp1250", "Příliš žluťoučký"), ("windows-1251", "cp1251", "Здравствуйте"), ("windows-1252", "cp1252", "“Grüße” – 5 €"),
        ("koi8-r", "koi8-r", "Здравствуйте"), ("Shift_JIS", "cp932", "こんにちは、予約の件"), ("iso-2022-jp", "iso-2022-jp", "予約の件"),
        ("euc-jp", "euc-jp", "予約の件"), ("gb2312", "gb18030", "您好，预约"), ("gb18030", "gb18030", "您好，预约"), ("big5", "big5", "您好，預約"),
        ("euc-kr", "cp949", "안녕하세요 예약"), ("utf-8", "utf-8", "Ελληνικά, עברית, ไทย, 😀"), ("iso-8859-7", "iso-8859-7", "Καλημέρα"),
        ("iso-8859-9", "cp1254", "Teşekkürler"), ("windows-1256", "cp1256", "مرحبا"),
    ]
    for i, (name, codec, greeting) in enumerate(rows):
        who, canary = c.person(), c.canary()
        raw = (c.head(who, word(greeting, codec, "bq"[i % 2]).replace(codec, name, 1), Content_Type="text/plain; charset=%s" % name,
                      Content_Transfer_Encoding="base64").encode() + b"\n" +
               base64.encodebytes((greeting + "\n\n" + c.text(canary, who[0])).encode(codec)))
        c.add("charset", raw, "ticket", "in " + name, canary, "body", greeting)
    wrong = [
        ("utf-8", "cp1252", "Grüße aus Köln", "says UTF-8, is windows-1252"), ("iso-8859-1", "utf-8", "Grüße aus Köln", "says ISO-8859-1, is UTF-8"),
        ("us-ascii", "utf-8", "Grüße aus Köln", "says US-ASCII, is UTF-8"), ("x-unknown", "cp1252", "Grüße", "a charset nobody knows"),
        ("utf-7", "ascii", "plain", "UTF-7, which is not read"), ("utf-16", "ascii", "plain", "says UTF-16, is ASCII"),
        ("", "utf-8", "Grüße aus Köln", "an empty charset"), ("utf-8; charset=koi8-r", "utf-8", "Grüße", "two charsets"),
        ("../../etc/passwd", "utf-8", "Grüße", "a path for a charset"),
    ]
    for name, codec, greeting, why in wrong:
        who, canary = c.person(), c.canary()
        raw = (c.head(who, "Wrong charset", Content_Type="text/plain; charset=%s" % name, Content_Transfer_Encoding="8bit").encode() +
               b"\n" + (greeting + "\n\n" + c.text(canary, who[0])).encode(codec))
        c.add("charset-wrong", raw, "ticket", why, canary, "body", "Wrong charset")
    who, canary = c.person(), c.canary()
    c.add("charset", c.head(who, "Wide", Content_Type="text/plain; charset=utf-16", Content_Transfer_Encoding="base64").encode() + b"\n" +
          base64.encodebytes(c.text(canary, who[0]).encode("utf-16")), "ticket", "in UTF-16 with its mark", canary, "body", "Wide")
    who, canary = c.person(), c.canary()
    c.add("charset", c.head(who, "Käse roh", From="Jürgen <%s>" % who[1]).encode("latin-1") + b"\n" + c.text(canary, "Jürgen").encode("latin-1"),
          "ticket", "eight bits everywhere, nothing declared", canary, "body", "Käse roh")


# ---- replies ----

def quote_gmail(c, m, new):
    old = "".join("> %s\n" % l if l else ">\n" for l in m["text"].rstrip("\n").split("\n"))
    line = "On %s %s <%s> wrote:" % (c.date()[:-9], m["who"][0], m["who"][1])
    plain_text = "%s\n\n%s\n\n%s" % (new, line, old)
    as_html = "<div dir=\"ltr\">%s</div><br><div class=\"gmail_quote\"><div class=\"gmail_attr\">%s<br></div><blockquote class=\"gmail_quote\">%s</blockquote></div>" % (
        html(new), html(line), html(m["text"]).replace("\n", "<br>\n"))
    return multipart("alternative", "000000000000%08x" % c.rng.getrandbits(32), [part("text/plain; charset=\"UTF-8\"", plain_text),
                                                                                 part("text/html; charset=\"UTF-8\"", as_html)])


def quote_outlook(c, m, new):
    block = "From: %s <%s>\nSent: Monday, February 2, 2026 10:00\nTo: %s\nSubject: Question\n\n%s" % (m["who"] + (DESK, m["text"]))
    return "Content-Type: text/plain; charset=\"us-ascii\"\n\n%s\n\n________________________________\n%s" % (new, block)


def quote_outlook_html(c, m, new):
    return ("Content-Type: text/html; charset=\"utf-8\"\n\n<html><body><div class=WordSection1><p class=MsoNormal>%s</p><div style='border-top:solid'>"
            "<p class=MsoNormal><b>From:</b> %s &lt;%s&gt;<br><b>Sent:</b> Monday, February 2, 2026 10:00<br><b>To:</b> %s<br><b>Subject:</b> Question</p></div>"
            "<p class=MsoNormal>%s</p></div></body></html>\n" % (html(new), m["who"][0], m["who"][1], DESK, html(m["text"])))


def quote_apple(c, m, new):
    old = "".join("> %s\n" % l for l in m["text"].rstrip("\n").split("\n"))
    return ("Content-Type: text/plain; charset=utf-8; format=flowed; delsp=yes\n\n%s\n\n> On 2 Feb 2026, at 10:00, %s <%s> wrote:\n> \n%s"
            % ((new,) + m["who"] + (old,)))


def quote_original(c, m, new):
    return "\n%s\n\n-----Original Message-----\nFrom: %s <%s>\nSubject: Question\n\n%s" % ((new,) + m["who"] + (m["text"],))


def quote_between(c, m, new):
    lines = m["text"].rstrip("\n").split("\n")
    return "\nOn 2 Feb 2026, %s wrote:\n> %s\n%s\n> %s\nThat is all.\n" % (m["who"][0], lines[0], new, lines[2])


def quote_below(c, m, new):
    return "\n%s\n%s\n" % ("".join("> %s\n" % l for l in m["text"].rstrip("\n").split("\n")), new)


def quote_nothing(c, m, new):
    return "\n%s\n" % new


QUOTES = [("Gmail", quote_gmail), ("Outlook", quote_outlook), ("Outlook, HTML", quote_outlook_html), ("Apple Mail", quote_apple),
          ("old Outlook", quote_original), ("answers between the lines", quote_between), ("an answer below", quote_below), ("no quote", quote_nothing)]


def replies(c, mails):
    answered = []
    for i in range(44):
        m = mails[(i * 5) % len(mails)]
        canary = c.canary()
        name, quote = QUOTES[i % len(QUOTES)]
        mid = message_id_of(m)
        refs = {"In_Reply_To": "<%s>" % mid, "References": "<%s>" % mid}
        why = "a reply as %s writes it" % name
        if i % 6 == 3:
            refs, why = {"In_Reply_To": None, "References": "<%s> <%s>" % (c.message_id(), mid)}, why + ", by References alone"
        elif i % 6 == 4:
            refs, why = {"In_Reply_To": "<%s>" % c.message_id(), "References": "<%s>" % mid}, why + ", to an answer that never came here"
        elif i % 6 == 5:
            refs["References"] = None
            why += ", by In-Reply-To alone"
        who = m["who"]
        if i % 7 == 2 and m["cc"]:
            who, why = m["cc"][0], why + ", from somebody in CC"
        body = quote(c, m, "Thank you, this helps. My new reference is %s." % canary)
        head = c.head(who, c.rng.choice(["Re: ", "RE: ", "AW: ", "Sv: "]) + "Question", **refs)
        r = c.add("reply", head + body, "comment", why, canary, "body", None, m)
        r.update(who=who, cc=[], text="Thank you.\n\nIt worked.\n", root=m)
        answered.append(r)
    for r in answered[:8]:
        canary = c.canary()
        mid = message_id_of(r)
        c.add("reply-again", c.head(r["root"]["who"], "Re: Re: Question", In_Reply_To="<%s>" % mid,
              References="<%s>\n\t<%s>" % (message_id_of(r["root"]), mid)) + "\nOne more thing: %s.\n" % canary,
              "comment", "a reply to a reply", canary, "body", None, r)
    for i in range(6):
        m = mails[3 + 5 * i]
        stranger, canary = c.person(), c.canary()
        c.add("stranger", c.head(stranger, "Re: Question", In_Reply_To="<%s>" % message_id_of(m)) + "\nI would like to know more: %s\n" % canary,
              "suspended", "a reply from somebody who is no party", canary, "body", None, m)
    for i in range(4):
        who, canary = c.person(), c.canary()
        c.add("reply-unknown", c.head(who, "Re: Something else", In_Reply_To="<%s>" % c.message_id()) + "\n" + c.text(canary, who[0]),
              "ticket", "a reply to what never came here", canary, "body", "Re: Something else")


def message_id_of(m):
    for line in m["raw"].replace(b"\r\n", b"\n").split(b"\n\n")[0].split(b"\n"):
        if line.lower().startswith(b"message-id:"):
            return line.split(b"<")[1].split(b">")[0].decode()
    raise ValueError(m["file"])


def forwards(c):
    for i in range(8):
        who, other, canary = c.person(), c.person(), c.canary()
        text = "Please see below.\n\n---------- Forwarded message ---------\nFrom: %s <%s>\nDate: Mon, 2 Feb 2026\nSubject: Findings\nTo: <%s>\n\n%s" % (
            other + (who[1], c.text(canary, other[0])))
        if i % 2:
            text = text.replace("---------- Forwarded message ---------", "-----Original Message-----")
        prefix = ["Fwd: ", "FW: ", "WG: ", "TR: "][i % 4]
        c.add("forward", c.head(who, prefix + "Findings") + "\n" + text, "ticket", "forwarded in the text", canary, "body", prefix + "Findings")
    for i in range(3):
        who, other, canary = c.person(), c.person(), c.canary()
        inner = c.head(other, "Findings") + "\n" + c.text(canary, other[0])
        c.add("forward-attached", c.head(who, "Fwd: Findings") + multipart("mixed", "fw%d" % i, [part("text/plain", "See the message.\n"),
              part("message/rfc822", inner)]), "ticket", "forwarded as a file", canary, "attachment", "Fwd: Findings")


# ---- what machines send ----

def automatic(c, mails):
    rows = [
        ({"Auto_Submitted": "auto-replied"}, "Re: Question"), ({"Auto_Submitted": "auto-replied (vacation)"}, "Out of office"),
        ({"Auto_Submitted": "auto-generated"}, "Backup finished"), ({"Auto_Submitted": "auto-notified; owner-email=\"x@post.example\""}, "Notice"),
        ({"X_Autoreply": "yes"}, "I am away"), ({"X_Autorespond": "vacation"}, "Away"), ({"Precedence": "auto_reply"}, "Away until Monday"),
        ({}, "Automatic reply: Question"), ({}, "Automatische Antwort: Frage"), ({}, "Out of Office: Question"),
        ({"Return_Path": "<>", "Auto_Submitted": "auto-replied"}, "Re: Question"),
    ]
    for i, (fields, subject) in enumerate(rows):
        m, canary = mails[i], c.canary()
        who = m["who"] if i % 2 else c.person()
        c.add("auto-reply", c.head(who, subject, In_Reply_To="<%s>" % message_id_of(m), **fields) + "\nI am away until the first of March. %s\n" % canary,
              "suspended", "an automatic reply", canary, "body", None, m)
    who, canary = c.person(), c.canary()
    c.add("read-receipt", c.head(who, "Read: Question") + "Content-Type: multipart/report; report-type=disposition-notification; boundary=r\n\n--r\n" +
          part("text/plain", "Your message was displayed. %s\n" % canary) + "--r\n" +
          part("message/disposition-notification", "Final-Recipient: rfc822; %s\nDisposition: manual-action/MDN-sent-manually; displayed\n" % who[1]) +
          "--r--\n", "suspended", "a read receipt", canary)


def bounces(c):
    for i in range(8):
        gone, canary = c.person(), c.canary()
        status = "Reporting-MTA: dns; mx%d.example\n\nFinal-Recipient: rfc822; %s\nAction: %s\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 no such user\n" % (
            i, gone[1], "failed" if i != 5 else "delayed")
        returned = c.head(("Front desk", DESK), "Your visit", To=gone[1], Message_ID="<%s>" % c.message_id()) + "\nOld text %s\n" % canary
        head = c.head(("Mail Delivery System", ["MAILER-DAEMON@mx%d.example" % i, "postmaster@mx%d.example" % i][i % 2]),
                      "Undelivered Mail Returned to Sender", Auto_Submitted="auto-replied" if i % 3 else None, Return_Path="<>" if i % 2 else None)
        c.add("bounce", head + "Content-Type: multipart/report; report-type=delivery-status; boundary=\"dsn%d\"\n\n--dsn%d\n" % (i, i) +
              part("text/plain", "I'm sorry to have to inform you that your message could not be delivered.\n") + "--dsn%d\n" % i +
              part("message/delivery-status", status) + "--dsn%d\n" % i + part("message/rfc822", returned) + "--dsn%d--\n" % i,
              "suspended", "a delivery report", canary, "attachment")
    gone, canary = c.person(), c.canary()
    c.add("bounce-qmail", c.head(("", "MAILER-DAEMON@mx9.example"), "failure notice", From="MAILER-DAEMON@mx9.example") +
          "\nHi. This is the qmail-send program.\n\n<%s>:\nSorry, no mailbox here by that name. %s\n" % (gone[1], canary), "suspended", "a bounce as text", canary)
    who, canary = c.person(), c.canary()
    c.add("bounce-null-path", "Return-Path: <>\n" + c.head(who, "Returned") + "\nIt came back. %s\n" % canary, "suspended", "a null return path", canary)
    gone, canary = c.person(), c.canary()
    c.add("bounce-exim", c.head(("Mail Delivery System", "noreply@mx8.example"), "Mail delivery failed", X_Failed_Recipients=gone[1]) +
          "\nThis message was created automatically. %s\n" % canary, "suspended", "a bounce by its field", canary)


def bulk(c):
    rows = [{"List_Id": "Clinic news <news.lists.example>"}, {"Precedence": "bulk"}, {"Precedence": "list"}, {"Precedence": "junk"},
            {"List_Id": "<talk.lists.example>", "Precedence": "list", "List_Unsubscribe": "<mailto:leave@lists.example>"},
            {"List_Id": "<talk.lists.example>", "Sender": "talk-bounces@lists.example", "Reply_To": "talk@lists.example"}]
    for i in range(9):
        who, canary = c.person(), c.canary()
        c.add("list", c.head(who, "[talk] Newsletter", **rows[i % len(rows)]) + "\nNews of the month: %s\n" % canary, "suspended", "bulk mail", canary)
    who, canary = c.person(), c.canary()
    c.add("loop-mark", c.head(who, "Re: Question", X_Ward_Loop="1") + "\n%s\n" % canary, "suspended", "our own mark came back", canary)
    who, canary = c.person(), c.canary()
    c.add("loop-received", "".join("Received: from mx%d.example by mx%d.example; %s\n" % (i, i + 1, c.date()) for i in range(60)) +
          c.head(who, "Round and round") + "\n%s\n" % canary, "suspended", "60 Received fields", canary)
    who, canary = c.person(), c.canary()
    c.add("not-auto", c.head(who, "Written by hand", Auto_Submitted="no") + "\n" + c.text(canary, who[0]), "ticket", "Auto-Submitted: no", canary, "body", "Written by hand")


# ---- what is missing, and what comes twice ----

def missing(c):
    for i in range(4):
        who, canary = c.person(), c.canary()
        c.add("no-subject", c.head(who, ["", None, " ", "=?utf-8?q??="][i]) + "\n" + c.text(canary, who[0]), "ticket", "no subject", canary, "body", "" if i < 3 else None)
    for i, body in enumerate(["", "\n", "\n \n\t\n\n", "Content-Type: text/html\n\n<html><body></body></html>\n"]):
        who, canary = c.person(), c.canary()
        c.add("no-body", c.head(who, "See subject " + canary) + body, "ticket", "no text", canary, "subject", "See subject " + canary)
    for i in range(6):
        who, canary = c.person(), c.canary()
        c.add("no-message-id", c.head(who, "Without id", Message_ID=[None, "", "<>", "garbage", "< a b >", "<no-end"][i]) + "\n" + c.text(canary, who[0]),
              "ticket", "no usable Message-ID", canary, "body", "Without id")


def twice(c, mails):
    for i in range(10):
        m = mails[2 + 6 * i]
        raw = m["raw"]
        why = "the same bytes again"
        if i % 3 == 2:
            end = b"\r\n" if b"\r\n" in raw else b"\n"
            raw, why = b"Received: from a.example by b.example; " + c.date().encode() + end + raw, "the same message over another way"
        c.add("duplicate", raw, "duplicate", why, m["canary"], m["canary_in"], None, m, crlf=False)
    for i in range(5):
        m, canary = mails[4 + 7 * i], c.canary()
        c.add("same-id", c.head(m["who"], "Another text", Message_ID="<%s>" % message_id_of(m)) + "\n" + c.text(canary, m["who"][0]),
              "suspended", "another message under a known id", canary, "body", None, m)


# ---- what is hostile ----

def hostile(c):
    def ticket(kind, raw, why, canary, subject=None, where="body", crlf=False):
        c.add("hostile-" + kind, raw, "ticket", why, canary, where, subject, crlf=crlf)

    def suspended(kind, raw, why, canary=None, where="body", crlf=False):
        c.add("hostile-" + kind, raw, "suspended", why, canary, where, None, crlf=crlf)

    def start(subject="Hostile", **more):
        who, canary = c.person(), c.canary()
        return who, canary, c.head(who, subject, **more), c.text(canary, who[0])

    # too much of everything
    who, canary, head, text = start()
    deep = "".join("Content-Type: multipart/mixed; boundary=b%d\n\n%s--b%d\n" % (i, "--b0\n\n" + text if i == 0 else "", i) for i in range(1000))
    ticket("deep", head + deep + "Content-Type: text/plain\n\nbottom\n" + "".join("--b%d--\n" % i for i in range(999, -1, -1)), "1,000 multiparts in each other", canary, "Hostile")
    who, canary, head, text = start()
    ticket("deep-messages", head + multipart("mixed", "m", [part("text/plain", text), "Content-Type: message/rfc822\n\n" * 1000 + "From: x@post.example\n\nx\n"]),
           "1,000 messages in each other", canary, "Hostile")
    who, canary, head, text = start()
    ticket("parts", head + multipart("mixed", "p", [part("text/plain", text)] + ["\npart %d\n" % i for i in range(10000)]), "10,000 parts", canary, "Hostile")
    who, canary, head, text = start()
    ticket("files", head + multipart("mixed", "p", [part("text/plain", text)] + [part("image/png; name=a%d.png" % i, "x") for i in range(10000)]),
           "10,000 files", canary, "Hostile")
    who, canary, head, text = start()
    ticket("boundaries", head + multipart("mixed", "p", [part("text/plain", text)]) + "--p\n" * 200000, "200,000 boundaries behind the end", canary, "Hostile")
    who, canary, head, text = start()
    ticket("header-field", head + "X-Big: " + "x" * (1 << 20) + "\n\n" + text, "a header field of a megabyte", canary, "Hostile")
    who, canary, head, text = start("S" * (1 << 20))
    ticket("subject", head + "\n" + text, "a subject of a megabyte", canary)
    who, canary, head, text = start()
    ticket("header-fields", head + "".join("X-F%d: v\n" % i for i in range(100000)) + "\n" + text, "100,000 header fields", canary, "Hostile")
    who, canary, head, text = start()
    ticket("header-folded", head + "X-Long: a" + "\n b" * 100000 + "\n\n" + text, "a field folded 100,000 times", canary, "Hostile")
    who, canary, head, text = start()
    suspended("from-late", "".join("X-F%d: %s\n" % (i, "v" * 60) for i in range(6000)) + head + "\n" + text, "its From field comes behind 256 KiB of others", canary)
    who, canary, head, text = start(To=", ".join("r%d@post.example" % i for i in range(20000)))
    ticket("to", head + "\n" + text, "20,000 recipients", canary, "Hostile")
    who, canary, head, text = start(References=" ".join("<%s>" % c.message_id() for _ in range(3000)))
    ticket("references", head + "\n" + text, "3,000 references", canary, "Hostile")
    who, canary, head, text = start("=?utf-8?q?=C3=A9?= " * 3000)
    ticket("words", head + "\n" + text, "3,000 encoded words", canary)
    who, canary, head, text = start()
    ticket("text", head + "\n" + text + "0123456789 abcdefghijklmnopqrstuvwxyz\n" * 80000, "3 MB of text", canary, "Hostile")
    who, canary, head, text = start(Content_Type="text/html; charset=utf-8")
    ticket("html-deep", head + "\n<p>" + html(text) + "</p>" + "<div>" * 100000 + "x", "100,000 tags in each other", canary, "Hostile")
    who, canary, head, text = start(Content_Type="text/html; charset=utf-8")
    ticket("html-table", head + "\n<p>" + html(text) + "</p>" + "<table><tr><td>" * 30000, "30,000 tables in each other", canary, "Hostile")
    who, canary, head, text = start(Content_Type="text/html; charset=utf-8")
    ticket("html-comments", head + "\n<p>" + html(text) + "</p>" + "<!--" * 100000, "100,000 comments without an end", canary, "Hostile")
    who, canary, head, text = start(Content_Type="text/html; charset=utf-8")
    ticket("html-quotes", head + "\n<p>" + html(text) + "</p>" + "<a href=\"'" * 50000, "50,000 attributes without an end", canary, "Hostile")
    who, canary, head, text = start(Content_Type="text/html; charset=utf-8")
    ticket("html-entities", head + "\n<p>" + html(text) + "</p>" + "&#x1F600;&amp;&nosuch;" * 20000, "60,000 entities", canary, "Hostile")
    bomb = b"\0" * (1 << 20)
    for level in range(6):
        bomb = zipped([("%d-%d.zip" % (level, i), bomb) for i in range(4)])
    who, canary, head, text = start()
    ticket("zip", head + multipart("mixed", "z", [part("text/plain", text), file_part("application/zip", "photos.zip", bomb)]), "zips in zips in zips", canary, "Hostile")

    # bytes that do not belong there
    who, canary, head, text = start()
    ticket("nul", (head + "X-Nul: a\0b\n\n" + text).replace("Hello", "He\0llo"), "NUL bytes", canary, "Hostile")
    who, canary, head, text = start()
    ticket("nul-subject", head.replace("Subject: Hostile", "Subject: Hos\0tile") + "\n" + text, "a NUL in the subject", canary)
    who, canary, head, text = start()
    ticket("controls", head.encode() + b"\n\x1b[2J\x1b]0;title\x07\x08\x08" + text.encode() + bytes(range(1, 32)), "terminal controls", canary, "Hostile")
    who, canary, head, text = start(word("Hostile\r\nBcc: x@post.example\0\x1b[2J"))
    ticket("subject-lines", head + "\n" + text, "line breaks in an encoded subject", canary)
    who, canary, head, text = start()
    ticket("bytes", head.encode() + b"\n" + text.encode() + bytes(c.rng.randrange(256) for _ in range(20000)), "random bytes behind the text", canary, "Hostile")
    who, canary, head, text = start(Content_Transfer_Encoding="base64")
    ticket("base64", head + "\n" + b64(text.encode()) + "!!! this is #not# base64 %%% ----\n", "base64 with rubbish behind it", canary, "Hostile")
    who, canary, head, text = start(Content_Transfer_Encoding="quoted-printable")
    ticket("quoted", head + "\n" + text + "=ZZ=\n=G1 =\n=", "quoted-printable with rubbish in it", canary, "Hostile")
    who, canary, head, text = start(Content_Transfer_Encoding="x-nonsense")
    ticket("encoding", head + "\n" + text, "an encoding nobody knows", canary, "Hostile")
    who, canary, head, text = start()
    ticket("cr", (head + "\n" + text).replace("\n", "\r"), "lines end in CR", canary, "Hostile")
    who, canary, head, text = start()
    ticket("crcrlf", (head + "\n" + text).replace("\n", "\r\r\n"), "lines end in CR CR LF", canary)
    who, canary, head, text = start()
    ticket("mbox", "From %s Mon Feb  2 10:00:00 2026\n" % who[1] + head + "\n" + text, "a mailbox line in front", canary, "Hostile")
    who, canary, head, text = start()
    ticket("bom", b"\xef\xbb\xbf" + (head + "\n" + text).encode(), "a byte order mark in front", canary, "Hostile")
    who, canary, head, text = start()
    ticket("blank-front", "\n\n\n" + head + "\n" + text, "empty lines in front", canary, "Hostile")

    # broken structure
    who, canary, head, text = start()
    ticket("truncated", head + multipart("mixed", "t", [part("text/plain", text), file_part("application/pdf", "a.pdf", pdf("x"))], close=False)[:-100],
           "ends within a file", canary, "Hostile")
    who, canary, head, text = start()
    ticket("truncated-head", head + multipart("mixed", "t", [part("text/plain", text)], close=False) + "--t\nContent-Type: applic", "ends within a part's header", canary, "Hostile")
    who, canary, head, text = start()
    ticket("no-boundary", head + "Content-Type: multipart/mixed\n\n--q\n" + part("text/plain", text) + "--q--\n", "a multipart that names no boundary", canary, "Hostile")
    who, canary, head, text = start()
    ticket("other-boundary", head + "Content-Type: multipart/mixed; boundary=right\n\n--wrong\n" + part("text/plain", text) + "--wrong--\n", "its boundary never comes", canary, "Hostile")
    who, canary, head, text = start()
    ticket("same-boundary", head + multipart("mixed", "s", [multipart("mixed", "s", [part("text/plain", text)])]), "an inner boundary equal to the outer", canary, "Hostile")
    who, canary, head, text = start()
    ticket("empty-parts", head + multipart("mixed", "e", ["", "", part("text/plain", text), ""]), "parts without anything", canary, "Hostile")
    who, canary, head, text = start()
    ticket("types", head + "Content-Type: text/plain\nContent-Type: image/png\nContent-Type: multipart/mixed; boundary=x\n\n" + text, "three content types", canary, "Hostile")
    who, canary, head, text = start(Content_Type="text/plain" + "".join("; a%d=b" % i for i in range(20000)))
    ticket("parameters", head + "\n" + text, "20,000 parameters", canary, "Hostile")
    who, canary, head, text = start(Content_Type=";;;===///")
    ticket("type", head + "\n" + text, "a content type of punctuation", canary, "Hostile")
    who, canary, head, text = start()
    ticket("partial", head + multipart("mixed", "e", [part("text/plain", text), part("message/partial; id=x; number=1; total=9", "a"),
           part("message/external-body; access-type=local-file; name=\"/etc/passwd\"", "Content-Type: text/plain\n\n")]), "fragments and references to files", canary, "Hostile")
    who, canary, head, text = start(Date="Mon, 99 Foo 99999 99:99:99 +9999")
    ticket("date", head + "\n" + text, "a date that is none", canary, "Hostile")
    who, canary, head, text = start(Date="Tue, 1 Jan 2126 00:00:00 +0000")
    ticket("date-ahead", head + "\n" + text, "a date in the next century", canary, "Hostile")

    # what should become something else further on
    for name, why in (("../../../../etc/cron.d/x", "a path for a file name"), ("..\\\\..\\\\windows\\\\x.dll", "a Windows path"), ("CON", "a device"),
                      (".htaccess", "a hidden file"), ("a" * 5000 + ".pdf", "a name of 5,000 letters")):
        who, canary, head, text = start()
        ticket("name", head + multipart("mixed", "n", [part("text/plain", text), part("application/octet-stream; name=\"%s\"" % name, "x",
               "Content-Disposition: attachment; filename=\"%s\"" % name)]), why, canary, "Hostile")
    who, canary, head, text = start(Content_Type="text/html; charset=utf-8")
    ticket("script", head + "\n<script>alert(1)</script><p onclick=alert(2)>" + html(text) + "<img src=x onerror=alert(3)><a href=\"javascript:alert(4)\">x</a></p>",
           "scripts in HTML", canary, "Hostile")
    for subject, why in (("=cmd|' /C calc'!A0", "a spreadsheet formula for a subject"), ("'; DROP TABLE ticket; --", "SQL for a subject"),
                         ("<script>alert(1)</script>", "HTML for a subject"), ("{{ticket.requester}} ${jndi:ldap://x.example}", "placeholders for a subject"),
                         ("%s%s%n%n", "format signs for a subject")):
        who, canary, head, text = start(subject)
        ticket("subject-of", head + "\n" + text, why, canary, subject)

    # who wrote it?
    for value, why in ((None, "no From"), ("", "an empty From"), ("nobody", "a word for a From"), ("<>", "an empty address"), ("@", "a lone @"),
                       ("Ada <ada@>", "no domain"), ("Ada <@post.example>", "no local part"), ("a@b@post.example", "two @"), ("\"a b\"@post.example", "a quoted local part"),
                       ("ada@[192.0.2.1]", "an address literal"), ("ada..b@post.example", "two dots"), ("((((((((((ada@post.example", "open comments"),
                       ("ada@post.example, eve@post.example", "two authors and no sender"), ("undisclosed:;", "an empty group"),
                       ("ada@post.example\nFrom: eve@post.example", "two From fields"), ("x" * 300 + "@post.example", "300 letters in front of the @"),
                       ("=?utf-8?q?ada=40post.example?=", "an address in an encoded word")):
        who, canary, head, text = start(From=value)
        suspended("from", head + "\n" + text, why, canary)
    first, second = c.person(), c.person()
    who, canary, head, text = start(From="%s, %s" % (first[1], second[1]), Sender=second[1])
    ticket("from-sender", head + "\n" + text, "two authors, and which of them sent it", canary, "Hostile")
    for value, why in (("=?utf-8?q?Ada=0D=0ABcc:_eve=40post.example?= <%s>", "line breaks in an encoded name"), ("\"admin@lindenhof-clinic.example\" <%s>", "an address for a name"),
                       ("Ada\r Bcc: eve@post.example <%s>", "a bare CR in the name"), ("=?utf-8?q?Clinic:_desk,_front?= <%s>", "syntax in an encoded name"),
                       ("\"Ada \\\" <eve@post.example>\" <%s>", "an address within quotes")):
        who, canary, head, text = start()
        head = head.replace("From: %s <%s>" % who, "From: " + value % who[1])
        # An unquoted colon before the address makes the rest a group of its own (RFC 5322 3.4): nobody's.
        if "\r" in value:
            c.add("hostile-from-name", head + "\n" + text, "ticket", why, canary, "body", "Hostile", crlf=False)
        else:
            ticket("from-name", head + "\n" + text, why, canary, "Hostile")

    # no messages at all
    for raw, why in ((b"", None), (b"\n\n\n\n", "empty lines"), (b"Hello, this is just some text without any header.\n", "prose"),
                     (png(c.rng), "an image"), (zipped([("a", "b")]), "a zip"), (bytes(c.rng.randrange(256) for _ in range(5000)).replace(b":", b";"), "random bytes"),
                     (b"<!DOCTYPE html><html><body>hello</body></html>\n", "a web page"), (b"{\"ticket\": {\"subject\": \"x\"}}\n", "JSON"),
                     (b"\0" * 10000, "NULs"), (b" folded: before anything\n\nx\n", "a folded line first")):
        if why:
            suspended("no-mail", raw, why + ", no message", None, "raw")
    canary = c.canary()
    suspended("no-author", "Note: milk\nAlso: bread\n\n%s\n" % canary, "two fields that no mail has", canary)


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    folder, seed = sys.argv[1], int(sys.argv[2]) if len(sys.argv) == 3 else 20260105
    os.makedirs(folder, exist_ok=True)
    c = Corpus(folder, seed)
    mails = plain(c) + html_only(c) + alternative(c)
    attachments(c)
    inline_images(c)
    charsets(c)
    replies(c, mails)
    forwards(c)
    automatic(c, mails)
    bounces(c)
    bulk(c)
    missing(c)
    twice(c, mails)
    hostile(c)
    with open(os.path.join(folder, "manifest.json"), "w") as f:
        json.dump({"seed": seed, "mails": c.mails}, f, indent=1, ensure_ascii=False)
        f.write("\n")
    counts = {}
    for m in c.mails:
        counts[m["expect"]] = counts.get(m["expect"], 0) + 1
    print("%d mails: %s" % (len(c.mails), ", ".join("%d %s" % (n, k) for k, n in sorted(counts.items()))))


if __name__ == "__main__":
    main()
