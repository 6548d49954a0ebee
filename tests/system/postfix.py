#!/usr/bin/env python3
"""Mail through a real Postfix: TLS, refusals, later and never, delivery reports, and either side killed in the middle.

Postfix runs by itself under a folder of its own, on loopback; that needs root, and the package that tools/setup installs.
"""
import email, email.policy, glob, os, pwd, re, shutil, signal, socket, subprocess, sys, tempfile, time
from desk import SLOW, Desk, check, done
from peers import Authority, Relay, until

if os.geteuid() != 0 or not os.path.exists("/usr/sbin/postfix"):
    print("postfix: skipped, needs root and the package postfix")
    sys.exit(77)
try:
    owner = pwd.getpwnam("postfix")
except KeyError:
    print("postfix: skipped, there is no user postfix")
    sys.exit(77)
BOX = 5000                                   # who owns the mailboxes


def free_port():
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    p = s.getsockname()[1]
    s.close()
    return p


class Postfix:
    def __init__(self, cert, key, beyond):
        self.dir = tempfile.mkdtemp(prefix="ward-postfix-")
        os.chmod(self.dir, 0o755)
        self.conf, self.boxes, self.port = self.dir + "/etc", self.dir + "/boxes", free_port()
        for d in (self.conf, self.boxes, self.dir + "/queue", self.dir + "/data"):
            os.mkdir(d)
        os.chown(self.boxes, BOX, BOX)
        os.chown(self.dir + "/data", owner.pw_uid, owner.pw_gid)
        shutil.copy(cert, self.conf + "/cert.pem")
        shutil.copy(key, self.conf + "/key.pem")
        open(self.conf + "/boxes", "w").write("".join("%s@patients.example %s/\n" % (n, n) for n in ("pat", "cora", "grey", "late")) + "support@clinic.example support/\n")
        self.access({"grey@patients.example": "450 4.2.0 greylisted, come back"}, False)
        open(self.conf + "/transport", "w").write("gone@patients.example smtp:[127.0.0.1]:%d\n" % beyond)
        main = {
            "compatibility_level": "3.6", "queue_directory": self.dir + "/queue", "data_directory": self.dir + "/data", "mail_owner": "postfix",
            "command_directory": "/usr/sbin", "daemon_directory": "/usr/lib/postfix/sbin", "inet_interfaces": "127.0.0.1", "inet_protocols": "ipv4",
            "myhostname": "relay.clinic.example", "mydestination": "", "mynetworks": "127.0.0.0/8", "maillog_file": self.dir + "/queue/maillog", "maillog_file_prefixes": self.dir,
            "smtpd_tls_cert_file": self.conf + "/cert.pem", "smtpd_tls_key_file": self.conf + "/key.pem", "smtpd_tls_security_level": "encrypt",
            "virtual_mailbox_domains": "patients.example, clinic.example", "virtual_mailbox_base": self.boxes, "virtual_mailbox_maps": "texthash:%s/boxes, texthash:%s/transport" % (self.conf, self.conf),
            "virtual_uid_maps": "static:%d" % BOX, "virtual_gid_maps": "static:%d" % BOX, "transport_maps": "texthash:%s/transport" % self.conf, "recipient_delimiter": "+",
            "smtpd_recipient_restrictions": "check_recipient_access texthash:%s/access, permit_mynetworks, reject" % self.conf, "alias_maps": "", "alias_database": "",
            "smtpd_client_connection_rate_limit": "0", "smtpd_client_message_rate_limit": "0", "in_flow_delay": "0", "default_process_limit": "20",
        }
        open(self.conf + "/main.cf", "w").write("".join("%s = %s\n" % i for i in main.items()))
        open(self.conf + "/master.cf", "w").write("127.0.0.1:%d inet n - n - - smtpd\n" % self.port + """\
postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
showq unix n - n - - showq
""")
        self.start()

    def command(self, *args):
        return subprocess.run(["/usr/sbin/postfix", "-c", self.conf] + list(args), capture_output=True, timeout=60)

    def start(self):
        r = self.command("start")
        if not until(self.up, 20 * SLOW):
            raise SystemExit("postfix does not start: %s %s" % (r.stderr, self.log()[-2000:]))

    def up(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 2) as s:
                s.settimeout(5)
                return s.recv(100).startswith(b"220")
        except OSError:
            return False

    def access(self, rows, reload=True):
        open(self.conf + "/access", "w").write("".join("%s %s\n" % i for i in rows.items()))
        if reload:
            self.command("reload")
            until(self.up, 20 * SLOW)

    def log(self):
        try:
            return open(self.dir + "/queue/maillog", errors="replace").read()
        except OSError:
            return ""

    def kill(self):
        """All of it at once, as if the machine had lost power; only our own."""
        ours = {int(open(self.dir + "/queue/pid/master.pid").read())}
        for p in glob.glob("/proc/[0-9]*/stat"):
            try:
                f = open(p).read()
                pid, ppid = int(f.split()[0]), int(f.rsplit(")", 1)[1].split()[1])
            except (OSError, ValueError):
                continue
            if ppid in ours:
                ours.add(pid)
        for pid in ours:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass

    def mails(self, box):
        return [email.message_from_bytes(open(p, "rb").read(), policy=email.policy.default)
                for sub in ("new", "cur") for p in glob.glob("%s/%s/%s/*" % (self.boxes, box, sub))]

    def close(self):
        self.command("stop")
        if until(self.up, 0):
            self.kill()
        shutil.rmtree(self.dir, ignore_errors=True)


with Desk() as desk:
    ca = Authority(os.path.join(desk.dir, "ca"))
    beyond = Relay()                         # the next server, where a recipient turns out not to exist
    beyond.says = lambda step, arg: "550 5.1.1 no such mailbox" if step == "RCPT" else None
    post = Postfix(*ca.sign("localhost", "DNS:localhost", "IP:127.0.0.1"), beyond=beyond.port)
    try:
        c = desk.admin()

        def rows(**q):
            out, url = [], "/api/ward/v1/outbox.json?page[size]=100&" + "&".join("%s=%s" % i for i in q.items())
            while url:
                j = c.get(url).json
                out += j["outbox"]
                url = "/" + j["links"]["next"].split("/", 3)[3] if j["meta"]["has_more"] else None
            return out

        def message(i):
            return c.get("/api/ward/v1/outbox/%d.json" % i).json["message"]

        r = c.put("/api/ward/v1/mail.json", {"mail": {"host": "localhost", "port": post.port, "tls": "starttls", "ca_pem": ca.pem(), "from": "support@clinic.example", "name": "Elm Clinic", "retry_seconds": 1}})
        check(r.status == 200, "set up: %r" % r)
        c.post("/api/ward/v1/destinations.json", {"destination": {"kind": "recipient", "pattern": "*"}})
        who = {n: desk.person(c, n.title() + " Example", n + "@patients.example")[0] for n in ("pat", "cora", "grey", "gone", "late", "nobody")}

        def ticket(name, **kw):
            r = c.post("/api/v2/tickets.json", {"ticket": dict(subject="Lithium", requester_id=who[name], comment={"body": "Dear Zebedee Quux"}, **kw)})
            assert r.status == 201, r
            tid = r.json["ticket"]["id"]
            return tid, rows(ticket_id=tid)[0]["id"] if rows(ticket_id=tid) else 0

        # It arrives, over TLS, without content; the answer to it lands in the ticket.
        t, i = ticket("pat", email_ccs=[{"user_id": who["cora"]}])
        got = until(lambda: post.mails("pat") and post.mails("cora"), 30 * SLOW)
        check(got, "delivered: %s %s" % (rows(ticket_id=t), post.log()[-1500:]))
        m = post.mails("pat")[0]
        check("with ESMTPS" in m["Received"] and "Zebedee" not in m.as_string() and m["Subject"] == "[Elm Clinic] Request #%d updated" % t, "over TLS, clean: %s" % m.as_string())
        answer = "From: pat@patients.example\r\nTo: %s\r\nSubject: Re: %s\r\nMessage-ID: <1@patients.example>\r\nIn-Reply-To: %s\r\n\r\nThank you\r\n" % (m["Reply-To"], m["Subject"], m["Message-ID"])
        out = desk.deliver(answer.encode(), "-v", "--rcpt", m["Reply-To"].addresses[0].addr_spec).stdout.decode().strip()
        check(out == "comment on ticket %d" % t, "the answer finds its ticket: %r" % out)

        # Greylisting: later, then taken, once.
        t, i = ticket("grey")
        m = until(lambda: message(i)["state"] == "retry" and message(i), 20 * SLOW)
        check(m and m["status_code"] == 450 and "later" in m["reason"], "greylisted: %s" % m)
        post.access({})
        check(until(lambda: message(i)["state"] == "sent" and post.mails("grey"), 30 * SLOW) and len(post.mails("grey")) == 1, "and taken later: %s" % message(i))
        # Nobody of that name: refused at once.
        t, i = ticket("nobody")
        m = until(lambda: message(i)["state"] == "dead" and message(i), 20 * SLOW)
        check(m and m["status_code"] == 550 and "RCPT" in m["reason"] and "nobody@" not in m["reason"], "refused: %s" % m)
        # Taken and then undeliverable: Postfix's own report comes back and marks the address.
        t, i = ticket("gone")
        report = until(lambda: post.mails("support"), 30 * SLOW)
        check(report and message(i)["state"] == "sent", "a report comes back: %s" % post.log()[-1500:])
        if report:
            raw = report[0]
            check(re.match(r"support\+b%d-" % i, raw["Delivered-To"] or raw["X-Original-To"] or raw["To"].addresses[0].addr_spec), "to the message's own address")
            out = desk.deliver(raw.as_bytes(), "-v", "--rcpt", raw["Delivered-To"]).stdout.decode().strip()
            m = message(i)
            check(out.startswith("suspended") and m["state"] == "dead" and "came back" in m["reason"], "which marks message and address: %s %s" % (out, m))
        t, i = ticket("gone")
        check(message(i)["state"] == "dead", "no second one goes there: %s" % message(i))

        # A certificate that is not the host's: nothing is sent.
        c.put("/api/ward/v1/mail.json", {"mail": {"ca_pem": Authority(os.path.join(desk.dir, "ca2")).pem()}})
        t, i = ticket("late")
        m = until(lambda: message(i)["state"] == "retry" and message(i), 20 * SLOW)
        check(m and "certificate" in m["reason"], "a certificate of nobody: %s" % m)
        c.put("/api/ward/v1/mail.json", {"mail": {"ca_pem": ca.pem()}})
        check(until(lambda: message(i)["state"] == "sent", 20 * SLOW), "and goes when it fits: %s" % message(i))

        # The relay is killed in the middle, and again; then the desk is. Nothing is lost, nothing twice unmarked.
        sent, t = 0, ticket("pat")[0]
        before = len(post.mails("pat"))
        for round_ in range(8):
            for k in range(5):
                try:
                    sent += c.put("/api/v2/tickets/%d.json" % t, {"ticket": {"comment": {"body": "round %d %d" % (round_, k)}}}).status == 200
                except OSError:
                    break
            time.sleep(0.03 * round_)
            if round_ % 2:
                desk.kill()
                c.close()
                desk.start()
            else:
                post.kill()
                until(lambda: not post.up(), 5)
                post.start()
        until(lambda: all(x["state"] == "sent" for x in rows(ticket_id=t)), 90 * SLOW)
        mine = rows(ticket_id=t)
        check(all(x["state"] == "sent" for x in mine), "all are sent at the end: %s" % [(x["state"], x["reason"]) for x in mine if x["state"] != "sent"])
        check(len(mine) >= sent + 1, "each acknowledged comment has its mail (%d, %d)" % (sent, len(mine)))

        def arrived():
            """How often Postfix took each; what it took once and put into the mailbox twice, when it was killed in between, is its own."""
            taken = {}
            for m in post.mails("pat"):
                if "+t%d-" % t in m["Message-ID"]:
                    taken.setdefault(m["Message-ID"], set()).add(re.search(r"\(Postfix\) with \S+ id (\w+)", m["Received"]).group(1))
            return {i: len(ids) for i, ids in taken.items()}
        post.command("flush")
        until(lambda: len(arrived()) == len(mine), 60 * SLOW)
        seen, unsure = arrived(), sum(x["uncertain"] for x in mine)
        check(len(seen) == len(mine), "every mail is in the mailbox (%d of %d)" % (len(seen), len(mine)))
        check(sum(seen.values()) - len(seen) <= unsure, "none twice that is not marked uncertain (%s, %d)" % ([v for v in seen.values() if v > 1], unsure))
        print("%d mails over 4 kills of each side: %d in doubt, %d twice" % (len(mine), unsure, sum(seen.values()) - len(seen)))
        desk.stop()
        log = open(desk.log, "rb").read()
        check(b"patients.example" not in log and b"Zebedee" not in log, "no recipient in the log")
    finally:
        post.close()
done("postfix")
