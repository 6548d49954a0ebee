"""The other side of what leaves: a mail relay and an HTTPS receiver, written without anything of ours.

Both record what they got. Their behaviour is set from outside: a function that
is asked at each step and may answer otherwise, or an exception to hang up.
"""
import contextlib, http.server, os, quopri, socket, ssl, subprocess, threading, time


class HangUp(Exception):
    pass


def run(*args, **kw):
    return subprocess.run(args, check=True, capture_output=True, **kw)


class Authority:
    """A certificate authority and what it signs, made with the openssl command."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        self.ca = os.path.join(folder, "ca.pem")
        self.key = os.path.join(folder, "ca.key")
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.key, "-out", self.ca,
            "-days", "2", "-subj", "/CN=Test CA", "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")

    def sign(self, name, *alt):
        path = os.path.join(self.folder, name.replace("*", "_"))
        run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", path + ".key", "-out", path + ".csr", "-subj", "/CN=" + name)
        with open(path + ".ext", "w") as f:
            f.write("subjectAltName=" + ",".join(alt or ("DNS:" + name,)) + "\n")
        run("openssl", "x509", "-req", "-in", path + ".csr", "-CA", self.ca, "-CAkey", self.key, "-CAcreateserial", "-days", "2", "-extfile", path + ".ext", "-out", path + ".pem")
        return path + ".pem", path + ".key"

    def pem(self):
        return open(self.ca).read()


class Relay:
    """An SMTP server. `says(step, argument)` may return a reply line, or raise HangUp; None: the usual."""

    def __init__(self, cert=None, implicit=False, user=None, port=0):
        self.got, self.says, self.steps = [], lambda step, arg: None, []
        self.cert, self.implicit, self.user = cert, implicit, user
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind(("127.0.0.1", port))
        self.sock.listen(16)
        self.port = self.sock.getsockname()[1]
        self.tls = None
        if cert:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*cert)
        self.open = set()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                c, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(c,), daemon=True).start()

    def serve(self, c):
        self.open.add(c)
        try:
            c.settimeout(60)
            if self.implicit:
                c = self.tls.wrap_socket(c, server_side=True)
            self.talk(c)
        except (OSError, HangUp, ValueError):
            pass
        finally:
            self.open.discard(c)
            c.close()

    def talk(self, c):
        f, secure, signed, sender, rcpt = c.makefile("rb"), self.implicit, False, None, []

        def say(step, arg, usual):
            self.steps.append(step)
            reply = self.says(step, arg) or usual
            c.sendall(reply.encode() + b"\r\n")
            return reply[0] in "23"

        if not say("GREETING", "", "220 relay.test ESMTP"):
            return
        while True:
            line = f.readline(4096)
            if not line:
                return
            line = line.decode("utf-8", "replace").rstrip("\r\n")
            verb, _, arg = line.partition(" ")
            verb = verb.upper()
            if verb == "EHLO":
                ext = ["relay.test", "SIZE 50000000", "8BITMIME"]
                if self.tls and not secure:
                    ext.append("STARTTLS")
                if self.user:
                    ext.append("AUTH PLAIN LOGIN")
                self.steps.append("EHLO")
                c.sendall("".join("250%s%s\r\n" % ("-" if i < len(ext) - 1 else " ", e) for i, e in enumerate(ext)).encode())
            elif verb == "STARTTLS" and self.tls:
                say("STARTTLS", "", "220 go ahead")
                c = self.tls.wrap_socket(c, server_side=True)
                f, secure = c.makefile("rb"), True
            elif verb == "AUTH":
                import base64
                mech, _, first = arg.partition(" ")
                if not first:
                    c.sendall(b"334 \r\n")
                    first = f.readline().decode().strip()
                signed = base64.b64decode(first).split(b"\0")[1:] == [x.encode() for x in (self.user or ("", ""))]
                say("AUTH", "", "235 in" if signed else "535 5.7.8 no such user ann@patients.example")
            elif verb == "MAIL":
                if self.user and not signed:
                    say("MAIL", arg, "530 5.7.0 authenticate first")
                elif say("MAIL", arg, "250 ok"):
                    sender, rcpt = arg[arg.index("<") + 1:arg.index(">")], []
            elif verb == "RCPT":
                if say("RCPT", arg, "250 ok"):
                    rcpt.append(arg[arg.index("<") + 1:arg.index(">")])
            elif verb == "DATA":
                if not rcpt:
                    c.sendall(b"503 no recipient\r\n")
                    continue
                if not say("DATA", "", "354 end with a dot"):
                    continue
                data = b""
                while True:
                    line = f.readline()
                    if not line:
                        return
                    if line == b".\r\n":
                        break
                    data += line[1:] if line.startswith(b"..") else line
                message = {"from": sender, "to": rcpt, "data": data, "secure": secure}
                self.steps.append("END")
                reply = self.says("END", message)                 # may raise: taken or not is then the test's business
                if not reply or reply[0] == "2":
                    self.got.append(message)
                c.sendall((reply or "250 taken").encode() + b"\r\n")
            elif verb == "RSET" or verb == "NOOP":
                c.sendall(b"250 ok\r\n")
            elif verb == "QUIT":
                c.sendall(b"221 bye\r\n")
                return
            else:
                c.sendall(b"502 what\r\n")

    def close(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()
        for c in list(self.open):
            try:
                c.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    @contextlib.contextmanager
    def carried(self, box):
        """While it lasts, what is taken stands in the folder `box` as 0000.txt and on, decoded, for a browser's side to read."""
        over = threading.Event()

        def carry():
            n = 0
            while not over.is_set():
                for m in list(self.got)[n:]:
                    with open(os.path.join(box, "%04d.tmp" % n), "wb") as f:
                        f.write(quopri.decodestring(m["data"]))
                    os.rename(os.path.join(box, "%04d.tmp" % n), os.path.join(box, "%04d.txt" % n))
                    n += 1
                time.sleep(0.05)

        carrier = threading.Thread(target=carry)
        carrier.start()
        try:
            yield
        finally:
            over.set()
            carrier.join()


class Receiver:
    """An HTTPS server that records requests; `answers(request)` gives (status, headers, body), or raises."""

    def __init__(self, cert=None, host="127.0.0.1"):
        me = self
        self.got, self.answers = [], lambda rq: (200, {}, b"thanks")

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def one(self):
                n = int(self.headers.get("Content-Length") or 0)
                rq = {"method": self.command, "path": self.path, "headers": dict(self.headers.items()), "body": self.rfile.read(n)}
                me.got.append(rq)
                try:
                    status, heads, body = me.answers(rq)
                except HangUp:
                    self.close_connection = True
                    self.connection.close()
                    return
                self.send_response(status)
                for k, v in heads.items():
                    self.send_header(k, v)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = one

            def log_message(self, *a):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *a):
                pass

        self.server = Server((host, 0), Handler)
        self.port = self.server.server_address[1]
        if cert:
            ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            ctx.load_cert_chain(*cert)
            self.server.socket = ctx.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def until(what, seconds=20):
    """Waits for what() to be true; returns its last value."""
    end = time.time() + seconds
    while True:
        v = what()
        if v or time.time() > end:
            return v
        time.sleep(0.05)
