"""What the client suites share: a Python client from the package index in its own
environment, and a desk that answers to the host name the client insists on.

The clients stay as they are: a sitecustomize.py in the test's folder sends the
one host name to the desk's port, the certificate is verified as everywhere.
"""
import os, subprocess, sys
from desk import BUILD, Desk

HOST = "clinic.zendesk.com"
SITE = """import socket
real = socket.getaddrinfo
def getaddrinfo(host, port, *args, **kw):
    if host in (%r, %r):
        host, port = "127.0.0.1", %d
    return real(host, port, *args, **kw)
socket.getaddrinfo = getaddrinfo
"""


def environment(name, *pins):
    """The environment's bin folder with the pinned packages in it; ends the script with 77 where they cannot be had."""
    home = os.path.join(BUILD, "clients", name)
    mark = os.path.join(home, "pins")
    if os.path.exists(mark) and open(mark).read() == " ".join(pins):
        return os.path.join(home, "bin")
    for command in ([sys.executable, "-m", "venv", "--clear", home],
                    [os.path.join(home, "bin", "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", "--retries", "1", *pins]):
        r = subprocess.run(command, capture_output=True, text=True)
        if r.returncode:
            print(" ".join(pins) + " cannot be had: " + ((r.stderr or r.stdout).strip().splitlines() or ["no reason given"])[-1])
            sys.exit(77)
    with open(mark, "w") as f:
        f.write(" ".join(pins))
    return os.path.join(home, "bin")


def desk_for_clients():
    return Desk(init=("--host", HOST))


def client_env(desk):
    folder = os.path.join(desk.dir, "site")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "sitecustomize.py"), "w") as f:
        f.write(SITE % (HOST, HOST.encode(), desk.port))
    crt = os.path.join(desk.data, "tls.crt")
    env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    return dict(env, PYTHONPATH=folder, REQUESTS_CA_BUNDLE=crt, SSL_CERT_FILE=crt, PYTHONDONTWRITEBYTECODE="1")
