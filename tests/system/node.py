#!/usr/bin/env python3
"""The unmodified npm client node-zendesk, TLS verified against the generated certificate."""
import os, shutil, subprocess, sys
from desk import BUILD, Desk, check, done

HERE = os.path.dirname(os.path.abspath(__file__))
home = os.path.join(BUILD, "node")
if not shutil.which("npm"):
    print("npm is not installed")
    sys.exit(77)
if not os.path.isdir(os.path.join(home, "node_modules", "node-zendesk")):
    os.makedirs(home, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(os.path.join(HERE, "node", name), home)
    r = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=home, capture_output=True, text=True)
    if r.returncode:
        print(r.stdout, r.stderr)
        sys.exit(1)
with Desk() as desk:
    env = dict(os.environ, NODE_PATH=os.path.join(home, "node_modules"), NODE_EXTRA_CA_CERTS=os.path.join(desk.data, "tls.crt"))
    r = subprocess.run(["node", os.path.join(HERE, "node-zendesk.js"), str(desk.port), desk.ADMIN, desk.token()], env=env, capture_output=True, text=True, timeout=600)
    print(r.stdout[-4000:], r.stderr[-2000:])
    check(r.returncode == 0 and "steps" in r.stdout, "the client's steps all pass")
done("node-zendesk")
