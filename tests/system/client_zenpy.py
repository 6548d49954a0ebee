#!/usr/bin/env python3
"""The unmodified Python client zenpy, TLS verified against the generated certificate."""
import os, subprocess
from clients import client_env, desk_for_clients, environment
from desk import check, done

HERE = os.path.dirname(os.path.abspath(__file__))
bin = environment("zenpy", "zenpy==2.0.57")
with desk_for_clients() as desk:
    r = subprocess.run([os.path.join(bin, "python"), os.path.join(HERE, "zenpy_steps.py"), desk.ADMIN, desk.token()],
                       env=client_env(desk), capture_output=True, text=True, timeout=600)
    print(r.stdout[-6000:], r.stderr[-3000:])
    check(r.returncode == 0 and "steps" in r.stdout, "the client's steps all pass")
done("zenpy")
