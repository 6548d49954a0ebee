#!/usr/bin/env python3
"""The unmodified npm client node-zendesk, TLS verified against the generated certificate."""
import os, subprocess
from desk import Desk, check, done, node_env, node_modules

HERE = os.path.dirname(os.path.abspath(__file__))
modules = node_modules()
with Desk() as desk:
    env = node_env(modules, NODE_EXTRA_CA_CERTS=os.path.join(desk.data, "tls.crt"))
    r = subprocess.run(["node", os.path.join(HERE, "node-zendesk.js"), str(desk.port), desk.ADMIN, desk.token()], env=env, capture_output=True, text=True, timeout=600)
    print(r.stdout[-4000:], r.stderr[-2000:])
    check(r.returncode == 0 and "steps" in r.stdout, "the client's steps all pass")
done("node-zendesk")
