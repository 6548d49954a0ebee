"""A desk for the system tests: a data folder, a server, clients. Standard library only.

Each test script makes a Desk, uses it, and ends with done(). A failed check
prints one line and counts; the script's exit code is 1 when one failed.
"""
import base64, hashlib, hmac, http.client, json, os, shutil, signal, socket, ssl, subprocess, sys, tempfile, time, urllib.parse

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("B", "build")) if not os.path.isabs(os.environ.get("B", "build")) else os.environ["B"]
WARD = os.path.join(BUILD, "ward")
SLOW = 10 if os.environ.get("B", "").rstrip("/").endswith(("asan", "tsan")) else 1   # sanitizers take their time

failures = []


def check(ok, what):
    if not ok:
        failures.append(what)
        print("FAIL:", what, flush=True)
    return ok


def done(what):
    print("%s: %d failed" % (what, len(failures)), flush=True)
    sys.exit(1 if failures else 0)


def totp(secret, step=0, now=None):
    """What an authenticator app shows (RFC 6238), `step` steps of 30 s from now."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    d = hmac.new(key, (int((now or time.time()) // 30) + step).to_bytes(8, "big"), hashlib.sha1).digest()
    return "%06d" % ((int.from_bytes(d[d[19] & 15:][:4], "big") & 0x7fffffff) % 1000000)


def form(**fields):
    """A form as a browser posts it, for Client.post."""
    return dict(raw=urllib.parse.urlencode(fields).encode(), headers={"Content-Type": "application/x-www-form-urlencoded"})


def node_env(modules, **more):
    """What Node runs with: the tests' desks are on 127.0.0.1, and Node 18 takes ::1 for localhost and tries nothing else."""
    return dict(os.environ, NODE_PATH=modules, NODE_OPTIONS="--dns-result-order=ipv4first", **more)


def node_modules(folder="node"):
    """The npm packages of tests/system/node, installed when their lock file changed; without npm the script is skipped."""
    here, home = os.path.join(ROOT, "tests", "system", folder), os.path.join(BUILD, folder)
    lock = os.path.join(home, "package-lock.json")
    if not shutil.which("npm"):
        print("npm is not installed")
        sys.exit(77)
    if not (os.path.isdir(os.path.join(home, "node_modules")) and open(lock).read() == open(os.path.join(here, "package-lock.json")).read()):
        os.makedirs(home, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(os.path.join(here, name), home)
        r = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--omit=optional"], cwd=home, capture_output=True, text=True)
        if r.returncode:
            os.unlink(lock)
            print(r.stdout, r.stderr)
            sys.exit("npm's packages cannot be installed")
    return os.path.join(home, "node_modules")


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body) if self.body else None

    def __repr__(self):
        return "%d %s" % (self.status, self.body[:300])


class Client:
    """One keep-alive connection; auth is (email, token), a cookie, or nothing."""

    def __init__(self, desk, email=None, token=None, bearer=None, cookie=None, csrf=None):
        self.desk, self.conn, self.headers = desk, None, {}
        if email:
            self.headers["Authorization"] = "Basic " + base64.b64encode(("%s/token:%s" % (email, token)).encode()).decode()
        if bearer:
            self.headers["Authorization"] = "Bearer " + bearer
        if cookie:
            self.headers["Cookie"] = "ward_session=" + cookie
        if csrf:
            self.headers["X-CSRF-Token"] = csrf

    def call(self, method, path, body=None, headers=None, raw=None):
        head = dict(self.headers)
        data = raw
        if body is not None:
            data = json.dumps(body).encode()
            head["Content-Type"] = "application/json"
        head.update(headers or {})
        for again in (0, 1):
            if self.conn is not None and self.born is not getattr(self.desk, "proc", None):
                self.close()                   # the server was started anew
            if self.conn is not None and time.monotonic() - self.used > 30:
                self.close()                   # a server closes what is idle for a minute
            try:
                if self.conn is None:
                    self.conn = http.client.HTTPSConnection("localhost", self.desk.port, timeout=60 * SLOW, context=self.desk.tls)
                    self.conn.connect()
                    self.born = getattr(self.desk, "proc", None)
                    self.used = time.monotonic()
                self.conn.request(method, path, data, head)
                r = self.conn.getresponse()
                text = r.read()
                self.used = time.monotonic()
                if r.getheader("Connection") == "close":
                    self.close()
                return Reply(r.status, r.headers, text)
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
                # A connection that was idle may have been closed; a new one must work.
                self.close()
                if again or method not in ("GET",):
                    raise

    def get(self, path, **kw):
        return self.call("GET", path, **kw)

    def post(self, path, body=None, **kw):
        return self.call("POST", path, body, **kw)

    def put(self, path, body=None, **kw):
        return self.call("PUT", path, body, **kw)

    def delete(self, path, body=None, **kw):
        return self.call("DELETE", path, body, **kw)

    def close(self):
        if self.conn is not None:
            self.conn.close()
        self.conn = None


class Desk:
    ADMIN = "admin@clinic.example"
    PASSWORD = "a long enough password"

    def __init__(self, start=True, init=(), copy_of=None):
        """A new data folder, or one that begins as a copy of another."""
        self.dir = tempfile.mkdtemp(prefix="ward-test-")
        self.data = os.path.join(self.dir, "data")
        self.log = os.path.join(self.dir, "server.log")
        self.proc, self.port = None, 0
        if copy_of:
            subprocess.run(["cp", "-a", "--reflink=auto", copy_of, self.data], check=True)
            os.sync()                              # what is measured then is not the copying,
            with open(os.path.join(self.data, "ward.db"), "rb") as f:
                while f.read(1 << 24):             # nor the first reading
                    pass
        else:
            pw = os.path.join(self.dir, "pw")
            with open(pw, "w") as f:
                f.write(self.PASSWORD + "\n")
            r = self.ward("init", "--admin", self.ADMIN, "--password-file", pw, *init)
            if r.returncode:
                raise SystemExit("init failed: %s" % r.stderr)
            os.unlink(pw)
        self.tls = ssl.create_default_context(cafile=os.path.join(self.data, "tls.crt"))
        if start:
            self.start()

    def ward(self, *args, stdin=None, timeout=120):
        return subprocess.run([WARD, args[0]] + ([args[1]] if len(args) > 1 and not args[1].startswith("-") else []) + ["-d", self.data]
                              + list(args[2 if len(args) > 1 and not args[1].startswith("-") else 1:]),
                              input=stdin if stdin is not None else b"", capture_output=True, timeout=timeout * SLOW)

    def start(self, *extra, wait=True):
        if not self.port:
            s = socket.socket()
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
            s.close()
        out = open(self.log, "ab")
        self.proc = subprocess.Popen([WARD, "serve", "-d", self.data, "--listen", "127.0.0.1:%d" % self.port] + list(extra),
                                     stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        out.close()
        if wait:
            self.wait()
        return self

    def wait(self, seconds=20):
        end = time.time() + seconds * SLOW
        while time.time() < end:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self.proc.poll() is not None:
                    raise SystemExit("the server ended with %s: %s" % (self.proc.returncode, open(self.log, errors="replace").read()[-2000:]))
                time.sleep(0.02)
        raise SystemExit("the server did not start: " + open(self.log, errors="replace").read()[-2000:])

    def stop(self):
        if self.proc and self.proc.poll() is None:
            self.proc.send_signal(signal.SIGTERM)
            try:
                self.proc.wait(30 * SLOW)
            except subprocess.TimeoutExpired:
                check(False, "the server ends when it is told to")
                self.proc.kill()
                self.proc.wait()
        code = self.proc.returncode if self.proc else 0
        self.proc = None
        return code

    def kill(self):
        self.proc.kill()
        self.proc.wait()
        self.proc = None

    def token(self, email=None, *args):
        r = self.ward("token", "create", "--user", email or self.ADMIN, *args)
        if r.returncode:
            raise SystemExit("no token: %s" % r.stderr)
        return r.stdout.decode().strip()

    def factor(self, email=None):
        """A second factor for somebody: secret and recovery codes."""
        r = self.ward("user", "factor", "--email", email or self.ADMIN)
        if r.returncode:
            raise SystemExit("no second factor: %s" % r.stderr)
        words = [line.split() for line in r.stdout.decode().splitlines()]
        return words[0][1], [w[2] for w in words if w[0] == "recovery"]

    def admin(self):
        return Client(self, self.ADMIN, self.token())

    def person(self, admin, name, email, role="end-user", **fields):
        """Makes a user and a client that acts as them."""
        fields.setdefault("skip_verify_email", True)
        r = admin.post("/api/v2/users.json", {"user": dict(name=name, email=email, role=role, **fields)})
        if r.status != 201:
            raise SystemExit("no user: %r" % r)
        return r.json["user"]["id"], Client(self, email, self.token(email))

    def keep_all(self, admin):
        """A policy that lets every text in as it is, for tests of other things."""
        v = admin.post("/api/ward/v1/phi/policies", {"policy": {"rules": [], "why": "a test of something else"}}).json["policy"]["version"]
        if admin.post("/api/ward/v1/phi/policies/%d/activate" % v, {}).status != 200:
            raise SystemExit("the policy cannot be switched")

    def deliver(self, raw, *args):
        return self.ward("mail", "deliver", *args, stdin=raw)

    def files(self):
        for folder, _, names in os.walk(self.data):
            for n in names:
                p = os.path.join(folder, n)
                if os.path.isfile(p):
                    yield p

    def close(self):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None and os.path.exists(self.log):
            print(open(self.log, errors="replace").read()[-3000:])
        self.close()
