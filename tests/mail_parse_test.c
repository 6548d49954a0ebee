/* What a message says: one row per thing that mail programs do, each with the
 * lines of its dump (mail_test.h) that have to be there. */
#include "mail_test.h"

#define H    "From: Ada Example <ada@clinic.example>\n"
#define B64  "Content-Transfer-Encoding: base64\n"
#define PLAIN "Content-Type: text/plain; charset=utf-8\n"
#define HTML "Content-Type: text/html; charset=utf-8\n"
#define MIXED "Content-Type: multipart/mixed; boundary=\"b\"\n\n"
#define ALT  "Content-Type: multipart/alternative; boundary=a\n\n"

static const struct {
	const char *why, *raw, *want;
} cases[] = {
	/* ---- the frame ---- */
	{ "the smallest message",
	  H "\nHello", "from=Ada Example <ada@clinic.example>\nkind=normal\ntext=Hello\n!problem\n!subject" },
	{ "header only, no empty line",
	  H "Subject: s", "subject=s\n!text" },
	{ "CRLF lines",
	  "From: ada@clinic.example\r\nSubject: a\r\n b\r\n\r\none\r\ntwo\r\n", "subject=a b\ntext=one\\ntwo" },
	{ "CR lines",
	  "From: ada@clinic.example\rSubject: a\r\rone\rtwo\r", "subject=a\ntext=one\\ntwo" },
	{ "mailbox line in front",
	  "From ada@clinic.example Mon Jan  5 10:00:00 2026\n" H "\nx", "from=Ada Example <ada@clinic.example>\ntext=x" },
	{ "empty lines and a byte order mark in front",
	  "\xEF\xBB\xBF\r\n\n" H "\nx", "from=Ada Example <ada@clinic.example>\ntext=x" },
	{ "blanks before the colon",
	  "From : ada@clinic.example\nSubject\t: s\n\nx", "from= <ada@clinic.example>\nsubject=s" },
	{ "a line that is no field begins the text",
	  H "Hello there\nNote: y\n", "text=Hello there\\nNote: y\nproblem=broken header line" },
	{ "mailbox line inside the header is skipped",
	  H ">From somewhere\nSubject: s\n\nx", "subject=s\ntext=x" },
	{ "NUL in header and text",
	  H "Subject: a\0b\n\nx\0y", "subject=a b\ntext=x y\nproblem=NUL bytes" },
	{ "bare CR in a header is no new field",
	  H "Subject: a\rBcc: evil@elsewhere.example\n\nx", "subject=a Bcc: evil@elsewhere.example" },

	/* ---- header texts ---- */
	{ "encoded words",
	  H "Subject: =?utf-8?q?Caf=C3=A9?= =?UTF-8?B?IMO8YmVy?= now\n\n", "subject=Café über now" },
	{ "encoded word cut within a character",
	  H "Subject: =?utf-8?B?w?= =?utf-8?B?6k=?=\n\n", "subject=é" },
	{ "padded words cut within a character",
	  H "Subject: =?utf-8?B?4oI=?=\n =?UTF-8?B?rCBvaw==?=\n =?utf-8?Q?_=E2?= =?utf-8?b?gqw?= now\n\n", "subject=€ ok € now" },
	{ "Shift_JIS cut within a character",
	  H "Subject: =?shift_jis?B?k/qWew==?= =?shift_jis?B?jA==?= =?shift_jis?B?6g==?=\n\n", "subject=日本語" },
	{ "a name cut within a character",
	  "From: =?utf-8?B?Ss0=?= x =?utf-8?B?SsM=?= =?utf-8?B?vHJn?= <ada@clinic.example>\n\n", "from=JÍ x Jürg <ada@clinic.example>" },
	{ "ISO-8859-1 means windows-1252",
	  H "Subject: =?iso-8859-1?q?It=92s?=\n\n", "subject=It’s\n!problem" },
	{ "unknown charset in an encoded word",
	  H "Subject: =?x-nonsense?q?caf=E9?=\n\n", "subject=café\nproblem=unknown charset" },
	{ "UTF-8 that is not, in an encoded word",
	  H "Subject: =?utf-8?q?caf=E9?=\n\n", "subject=café" },
	{ "raw UTF-8",
	  H "Subject: Käse\n\n", "subject=Käse\n!problem" },
	{ "raw windows-1252",
	  H "Subject: K\xE4se \x80\n\n", "subject=Käse €" },
	{ "controls and line breaks out of encoded words",
	  H "Subject: =?utf-8?q?a=0D=0ABcc:_x=00=1B[2J=E2=80=AEb=C2=85c?=\n\n", "subject=a Bcc: x [2Jb c" },
	{ "Shift_JIS subject",
	  H "Subject: =?shift_jis?B?k/qWe4zq?=\n\n", "subject=日本語" },
	{ "RFC 2231 language in an encoded word",
	  H "Subject: =?utf-8*en?q?hi?=\n\n", "subject=hi" },
	{ "the first of two subjects",
	  H "Subject: one\nSubject: two\n\n", "subject=one" },
	{ "empty subject", H "Subject:\n\nx", "!subject\ntext=x" },
	{ "dates",
	  H "Date: Mon, 5 Jan 2026 10:00:00 -0500\n\n", "date=2026-01-05T15:00:00Z" },
	{ "date, obsolete forms",
	  H "Date: 5 Jan 26 10:00 EST (Eastern)\n\n", "date=2026-01-05T15:00:00Z" },
	{ "date as ctime writes it",
	  H "Date: Mon Jan  5 10:00:00 2026\n\n", "date=2026-01-05T10:00:00Z" },
	{ "absurd dates: long ago", H "Date: Mon, 5 Jan 1970 10:00:00 +0000\n\n", "!date" },
	{ "absurd dates: far ahead", H "Date: Mon, 5 Jan 2086 10:00:00 +0000\n\n", "!date" },
	{ "absurd dates: no day", H "Date: Mon, 45 Jan 2026 10:00:00 +0000\n\n", "!date" },
	{ "absurd dates: words", H "Date: yesterday\n\n", "!date" },

	/* ---- ids ---- */
	{ "ids and references",
	  H "Message-ID: <a.1@x.example>\nIn-Reply-To: <b@x.example> (Ada's message)\n"
	  "References: <c@x.example>\n <b@x.example>\n\n",
	  "id=a.1@x.example\nreply-to-id=b@x.example\nref=c@x.example\nref=b@x.example" },
	{ "id without brackets", H "Message-ID: a@x.example\n\n", "id=a@x.example" },
	{ "id with a blank is none", H "Message-ID: <a b@x.example>\n\n", "!id" },
	{ "id of a megabyte's kind is none",
	  H "Message-ID: <" "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@x>\n\n", "!id" },
	{ "two message ids are noted",
	  H "Message-ID: <a@x.example>\nMessage-ID: <b@x.example>\n\n", "id=a@x.example\nproblem=several message ids" },

	/* ---- addresses ---- */
	{ "addresses, names, groups, comments",
	  H "To: \"Doe, Jane\" <Jane@X.Example>, team: b@x.example, c@x.example;, d@x.example (Dee)\n"
	  "Cc: =?utf-8?q?J=C3=BCrgen?= <j@x.example>\nReply-To: desk@clinic.example\n\n",
	  "to=Doe, Jane <Jane@x.example>\nto= <b@x.example>\nto= <c@x.example>\nto=Dee <d@x.example>\n"
	  "cc=Jürgen <j@x.example>\nreply-to= <desk@clinic.example>" },
	{ "syntax inside an encoded word stays text",
	  "From: =?utf-8?Q?Clinic:_Desk,_<x@y.example>?= <ada@clinic.example>\n\n",
	  "from=Clinic: Desk, <x@y.example> <ada@clinic.example>" },
	{ "an address as a name does not pass for one",
	  "From: \"admin@clinic.example\" <evil@elsewhere.example>\n\n",
	  "from=admin@clinic.example <evil@elsewhere.example>" },
	{ "line breaks in an encoded name",
	  "From: =?utf-8?q?x=0D=0ATo:_y?= <ada@clinic.example>\n\n", "from=x To: y <ada@clinic.example>" },
	{ "two From fields: nobody",
	  H "From: evil@elsewhere.example\n\nx", "from= <>\nproblem=several authors" },
	{ "two mailboxes without a sender: nobody",
	  "From: ada@clinic.example, evil@elsewhere.example\n\nx", "from= <>\nproblem=several authors" },
	{ "two mailboxes, and who sent it",
	  "From: ada@clinic.example, bo@clinic.example\nSender: bo@clinic.example\n\nx", "from= <bo@clinic.example>" },
	{ "two @ in an address: nobody",
	  "From: admin@clinic.example@elsewhere.example\n\nx", "from= <>" },
	{ "no From", "To: desk@clinic.example\n\nx", "from= <>\ntext=x" },
	{ "a word for an address", "From: nobody\n\nx", "from= <>" },
	{ "a quoted local part is not usable", "From: \"a b\"@clinic.example\n\nx", "from= <>" },
	{ "an address literal is not usable", "From: a@[192.0.2.1]\n\nx", "from= <>" },
	{ "dots where none may be", "From: a..b@clinic.example\n\nx", "from= <>" },
	{ "undisclosed recipients", H "To: undisclosed-recipients:;\n\nx", "!to\ntext=x" },
	{ "unusable recipients are left out", H "To: nobody, b@x.example\n\n", "to= <b@x.example>\n!to= <>" },
	{ "To in two fields", H "To: a@x.example\nTo: b@x.example\n\n", "to= <a@x.example>\nto= <b@x.example>" },
	{ "return path", "Return-Path: <ada@Clinic.example>\n" H "\n", "return-path= <ada@clinic.example>\nkind=normal" },

	/* ---- kinds ---- */
	{ "auto reply", H "Auto-Submitted: auto-replied (vacation)\n\n", "kind=auto" },
	{ "Auto-Submitted: no", H "Auto-Submitted: no; by=hand\n\n", "kind=normal" },
	{ "auto reply by its subject", H "Subject: Automatic reply: Out\n\n", "kind=auto" },
	{ "auto reply with a null return path", "Return-Path: <>\n" H "Auto-Submitted: auto-replied\n\n", "kind=auto" },
	{ "null return path", "Return-Path: <>\n" H "\n", "kind=bounce" },
	{ "mailer-daemon", "From: MAILER-DAEMON@mx.example (Mail System)\n\nSorry.\n\n<gone@x.example>:\nunknown user\n",
	  "kind=bounce\nfailed=gone@x.example" },
	{ "X-Failed-Recipients", H "X-Failed-Recipients: gone@x.example\n\n", "kind=bounce\nfailed=gone@x.example" },
	{ "list", H "List-Id: <news.x.example>\n\n", "kind=bulk" },
	{ "precedence", H "Precedence: Bulk\n\n", "kind=bulk" },
	{ "our own mark", H "X-Ward-Loop: 1\nAuto-Submitted: auto-generated\n\n", "kind=loop" },
	{ "delivery status",
	  "From: postmaster@mx.example\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
	  "--b\n\nIt failed.\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n"
	  "Original-Recipient: rfc822; fine@x.example\nFinal-Recipient: rfc822; fine@x.example\nAction: relayed\n\n"
	  "Original-Recipient: rfc822; Gone@X.example\nFinal-Recipient: rfc822; forwarded@y.example\nAction: failed\nStatus: 5.1.1\n"
	  "--b\nContent-Type: message/rfc822\n\nFrom: us@clinic.example\nSubject: Your visit\n\nOld text\n--b--\n",
	  "kind=bounce\nfailed=Gone@x.example\ntext=It failed.\nattachment=delivery-status.txt|message/delivery-status|||248\n"
	  "attachment=Your visit.eml|message/rfc822|||53\n!problem" },
	{ "delay is no bounce",
	  "From: postmaster@mx.example\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
	  "--b\n\nIt waits.\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n"
	  "Final-Recipient: rfc822; x@x.example\nAction: delayed\n--b--\n", "kind=auto\n!failed" },
	{ "read receipt",
	  H "Content-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n--b\n\nRead.\n--b--\n",
	  "kind=auto" },

	/* ---- bodies ---- */
	{ "quoted-printable", H PLAIN "Content-Transfer-Encoding: quoted-printable\n\nCaf=C3=A9 =\nau lait\n", "text=Café au lait" },
	{ "base64", H PLAIN B64 "\nSGVs\r\nbG8=\r\n", "text=Hello\n!problem" },
	{ "base64 with rubbish in it", H PLAIN B64 "\nSG!!Vs**bG8=", "text=Hello\nproblem=damaged transfer encoding" },
	{ "uuencode", H "Content-Transfer-Encoding: x-uuencode\n\nbegin 644 x\n%2&5L;&\\`\n`\nend\n", "text=Hello" },
	{ "HTML alone", H HTML "\n<p>Hello <b>you</b></p>", "text=Hello you\nhtml=<p>Hello <b>you</b></p>" },
	{ "no charset, UTF-8", H "\nKäse", "text=Käse\n!problem" },
	{ "no charset, windows-1252", H "\nK\xE4se \x93x\x94", "text=Käse “x”" },
	{ "declared UTF-8, is not", H PLAIN "\nK\xE4se, Käse", "text=Käse, Käse\nproblem=wrong charset" },
	{ "declared ISO-8859-1, is UTF-8", H "Content-Type: text/plain; charset=iso-8859-1\n\nKäse", "text=Käse\nproblem=wrong charset" },
	{ "unknown charset", H "Content-Type: text/plain; charset=x-klingon\n\nK\xE4se", "text=Käse\nproblem=unknown charset" },
	{ "UTF-7 is not read", H "Content-Type: text/plain; charset=utf-7\n\n+ADw-b+AD4-", "text=+ADw-b+AD4-\nproblem=unknown charset" },
	{ "HTML names its charset itself",
	  H "Content-Type: text/html\n\n<meta charset=\"koi8-r\"><p>\xF0\xD2\xC9\xD7\xC5\xD4</p>", "text=Привет" },
	{ "format=flowed",
	  H "Content-Type: text/plain; format=flowed\n\nOne line \nthat goes on.\n-- \nsig\n", "text=One line that goes on.\\n--\\nsig" },
	{ "format=flowed with DelSp",
	  H "Content-Type: text/plain; format=flowed; delsp=yes\n\nsplit \nword\n", "text=splitword" },
	{ "malformed content type is text", H "Content-Type: text\n\nx", "text=x" },
	{ "content type without its slash but with a name",
	  H "Content-Type: pdf; name=x.pdf\n\nx", "attachment=x.pdf|application/octet-stream|||1" },
	{ "controls in the text", H "\na\x1b[2Jb\x08\x7F c\fd", "text=a[2Jb c\\nd" },

	/* ---- multiparts ---- */
	{ "alternative: plain is preferred",
	  H ALT "--a\n" PLAIN "\nHello\n--a\n" HTML "\n<p>Hello</p>\n--a--\n", "text=Hello\nhtml=<p>Hello</p>\n!attachment" },
	{ "alternative: plain without substance",
	  H ALT "--a\n" PLAIN "\n  \n--a\n" HTML "\n<p>Hello</p>\n--a--\n", "text=Hello" },
	{ "alternative: plain that only says to look at the HTML",
	  H ALT "--a\n" PLAIN "\nPlease use an HTML reader.\n--a\n" HTML "\n<p>The appointment on Monday is moved to Tuesday at ten, "
	  "because the room on the second floor is being painted. Please bring the referral and the insurance card with you, and "
	  "come ten minutes early, so that there is time for the form. Kind regards from everybody at the front desk.</p>\n--a--\n",
	  "text=The appointment on Monday is moved to Tuesday at ten, because the room on the second floor is being painted. "
	  "Please bring the referral and the insurance card with you, and come ten minutes early, so that there is time for the form. "
	  "Kind regards from everybody at the front desk." },
	{ "alternative: HTML first",
	  H ALT "--a\n" HTML "\n<p>Hello</p>\n--a\n" PLAIN "\nHello plain\n--a--\n", "text=Hello plain" },
	{ "alternative with a calendar",
	  H ALT "--a\n" PLAIN "\nCome\n--a\nContent-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\n--a--\n",
	  "text=Come\nattachment=invite.ics|text/calendar|||15" },
	{ "alternative with related inside mixed",
	  H MIXED "--b\n" ALT "--a\n" PLAIN "\nHello\n--a\nContent-Type: multipart/related; boundary=r\n\n--r\n" HTML
	  "\n<img src=cid:1>\n--r\nContent-Type: image/png\nContent-ID: <1@x>\n" B64 "\nAAAA\n--r--\n--a--\n"
	  "--b\nContent-Type: application/pdf\nContent-Disposition: attachment; filename=\"r.pdf\"\n" B64 "\nJVBERg==\n--b--\n",
	  "text=Hello\nhtml=<img src=cid:1>\nattachment=attachment-1.png|image/png|1@x|inline|3\n"
	  "attachment=r.pdf|application/pdf|||4\nbytes=%PDF\n!problem" },
	{ "several texts in one mixed",
	  H MIXED "--b\n" PLAIN "\none\n--b\nContent-Type: image/png; name=a.png\n\nx\n--b\n" PLAIN "\ntwo\n--b--\n",
	  "text=one\\ntwo\nattachment=a.png|image/png|||1" },
	{ "preamble and epilogue are not read",
	  H MIXED "pre\n--b\n\none\n--b--\nepilogue\n", "text=one" },
	{ "a text with a name beside others is a file",
	  H MIXED "--b\n\none\n--b\nContent-Type: text/plain; name=notes.txt\n\nnotes\n--b--\n",
	  "text=one\nattachment=notes.txt|text/plain|||5" },
	{ "attached HTML stays closed",
	  H MIXED "--b\n\none\n--b\n" HTML "Content-Disposition: attachment; filename=a.html\n\n<p>x\n--b--\n",
	  "text=one\n!html\nattachment=a.html|text/html|||4" },
	{ "attached message",
	  H MIXED "--b\n\nsee\n--b\nContent-Type: message/rfc822\n\nFrom: x@y.example\nSubject: =?utf-8?q?a/b?=\n"
	  "Content-Type: multipart/mixed; boundary=c\n\n--c\n\ninner\n--c--\n\n--b--\n",
	  "text=see\nattachment=b.eml|message/rfc822|||103\n!problem" },
	{ "digest",
	  H "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: one\n\n1\n--b\n\nSubject: two\n\n2\n--b--\n",
	  "!text\nattachment=one.eml|message/rfc822|||15\nattachment=two.eml|message/rfc822|||15" },
	{ "winmail.dat",
	  H MIXED "--b\n\nsee\n--b\nContent-Type: application/ms-tnef\n" B64 "\neJ8+Ig==\n--b--\n",
	  "text=see\nattachment=winmail.dat|application/ms-tnef|||4" },
	{ "signed",
	  H "Content-Type: multipart/signed; boundary=b; protocol=\"application/pkcs7-signature\"\n\n--b\n\nsigned\n"
	  "--b\nContent-Type: application/pkcs7-signature\n" B64 "\nAAAA\n--b--\n",
	  "text=signed\nattachment=smime.p7s|application/pkcs7-signature|||3" },
	{ "only an attachment",
	  H "Content-Type: application/pdf; name=scan.pdf\n" B64 "\nJVBERg==\n", "!text\nattachment=scan.pdf|application/pdf|||4" },
	{ "a boundary that begins like another",
	  H "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=b2\n\n--b2\n\none\n--b2--\n--b\n\ntwo\n--b--\n",
	  "text=one\\ntwo\n!problem" },
	{ "blanks behind a boundary",
	  H MIXED "--b  \r\n\none\n--b--\t\n", "text=one\n!problem" },
	{ "a quoted boundary in the text is not one",
	  H MIXED "--b\n\n> --b\n --b\n--bc\n--b--\n", "text=> --b\\n --b\\n--bc" },

	/* ---- broken ones ---- */
	{ "truncated multipart", H MIXED "--b\n\none\n--b\nContent-Type: text/pl", "text=one\nproblem=truncated" },
	{ "missing boundary, found in the body",
	  H "Content-Type: multipart/mixed\n\n--xyz\nContent-Type: text/plain\n\none\n--xyz--\n", "text=one\nproblem=missing boundary" },
	{ "missing boundary, nowhere", H "Content-Type: multipart/mixed\n\njust text", "text=just text\nproblem=missing boundary" },
	{ "boundary that never comes", H MIXED "just text\n--c\n", "text=just text\\n--c\nproblem=missing boundary" },
	{ "inner boundary never comes",
	  H MIXED "--b\nContent-Type: multipart/alternative; boundary=c\n\nlost?\n--b\n\ntwo\n--b--\n",
	  "text=lost?\\ntwo\nproblem=missing boundary" },
	{ "inner multipart ended by the outer",
	  H MIXED "--b\n" ALT "--a\n\none\n--b\n\ntwo\n--b--\n", "text=one\\ntwo" },
	{ "part without a header", H MIXED "--b\none\n--b--\n", "text=one" },
	{ "part without anything", H MIXED "--b\n--b\n\n--b\n\none\n--b--\n", "text=one" },
	{ "inner boundary equal to the outer",
	  H MIXED "--b\n" MIXED "--b\n\none\n--b--\n--b--\n", "text=one" },

	/* ---- file names ---- */
	{ "path and controls in a file name",
	  H "Content-Disposition: attachment; filename=\"..\\\\..\\\\a/b/=?utf-8?q?=E2=80=AEfdp?=\x01.exe\"\nContent-Type: x/y\n\nx",
	  "attachment=fdp .exe|x/y|||1" },
	{ "hidden and reserved",
	  H "Content-Disposition: attachment; filename=\"..a:b?.txt \"\nContent-Type: x/y\n\nx", "attachment=a_b_.txt|x/y|||1" },
	{ "RFC 2231 file name",
	  H "Content-Disposition: attachment; filename*0*=iso-8859-15''Ros%e9; filename*1=\".pdf\"\nContent-Type: application/pdf\n\nx",
	  "attachment=Rosé.pdf|application/pdf|||1" },
	{ "RFC 2231 with a charset unknown here",
	  H "Content-Disposition: attachment; filename*=x-no''Ros%e9.pdf\nContent-Type: application/pdf\n\nx",
	  "attachment=Rosé.pdf|application/pdf|||1\nproblem=unknown charset" },
	{ "RFC 2047 file name, wrongly",
	  H "Content-Type: application/pdf; name=\"=?iso-8859-1?Q?Ros=E9=2Epdf?=\"\n\nx", "attachment=Rosé.pdf|application/pdf|||1" },
	{ "no name", H MIXED "--b\n\nx\n--b\nContent-Type: application/pdf\n\nx\n--b\nContent-Type: x/y\n\nx\n--b--\n",
	  "attachment=attachment-1.pdf|application/pdf|||1\nattachment=attachment-2.bin|x/y|||1" },
	{ "upper-case and odd types",
	  H "Content-Type: APPLICATION/PDF; NAME=a.pdf\n\nx", "attachment=a.pdf|application/pdf|||1" },

	/* ---- quotes ---- */
	{ "reply cut from its quote",
	  H "Subject: Re: x\n\nThanks!\n\nOn Mon, 5 Jan 2026 at 10:00, Bo <bo@x.example> wrote:\n> old\n> older\n",
	  "text=Thanks!\nquoted=On Mon, 5 Jan 2026 at 10:00, Bo <bo@x.example> wrote:\\n> old\\n> older" },
	{ "HTML reply cut from its quote",
	  H HTML "\n<div>Thanks!</div><div>On Mon, 5 Jan 2026 at 10:00, Bo &lt;bo@x.example&gt; wrote:<blockquote>old</blockquote></div>",
	  "text=Thanks!\nquoted=On Mon, 5 Jan 2026 at 10:00, Bo <bo@x.example> wrote:\\n\\n> old" },
	{ "a forward stays whole",
	  H "Subject: Fwd: x\n\nSee below.\n\nOn Mon, 5 Jan 2026 at 10:00, Bo <bo@x.example> wrote:\n> old\n",
	  "text=See below.\\n\\nOn Mon, 5 Jan 2026 at 10:00, Bo <bo@x.example> wrote:\\n> old\n!quoted" },
};

static const struct { const char *why, *raw; } not_mail[] = {
	{ "nothing", "" }, { "empty lines", "\n\n\n" }, { "prose", "Hello, this is no message.\n" },
	{ "a binary", "\x7F" "ELF\x02\x01\x01" }, { "an indented line first", " folded: x\n" },
	{ "only a mailbox line", "From ada@clinic.example\n" }, { "colon first", ": x\n\n" },
};

/* String literals here hold NULs; their length is up to the last byte before the end. */
static size_t
row_length(size_t i)
{
	/* Only one row does; its text ends in 'y'. */
	return strstr(cases[i].why, "NUL") != NULL ? strlen(H) + sizeof("Subject: a\0b\n\nx\0y") - 1 : strlen(cases[i].raw);
}

static void
parse(void **state)
{
	size_t i = ROW(state);
	struct ctx cx;
	struct mail m;

	ctx_init(&cx, NULL, 1);
	cx.now = time_of_civil(2026, 2, 1, 0, 0, 0);
	assert_int_equal(mail_parse(&cx, (str){ cases[i].raw, row_length(i) }, &m), OK);
	expect_lines(dump(cx.arena, &m), cases[i].want);
	ctx_done(&cx);
}

static void
refuse(void **state)
{
	size_t i = ROW(state);
	struct ctx cx;
	struct mail m = { .problem_count = 7 };

	ctx_init(&cx, NULL, 1);
	assert_int_equal(mail_parse(&cx, str_of(not_mail[i].raw), &m), E_INVALID);
	assert_non_null(cx.fail.why);
	assert_int_equal(m.problem_count, 7);
	ctx_done(&cx);
}

int
main(void)
{
	struct CMUnitTest t[COUNT(cases) + COUNT(not_mail)];
	size_t n = 0;

	ADD_ROWS(t, n, cases, parse);
	ADD_ROWS(t, n, not_mail, refuse);
	return RUN_ROWS("mail parse", t, n);
}
