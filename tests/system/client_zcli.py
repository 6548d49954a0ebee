#!/usr/bin/env python3
"""The HTTP layer of the vendor's own command line tool, unmodified @zendesk/zcli-core, set up by its documented
environment variables alone; TLS is verified against the generated certificate. Once with an e-mail and API token
(Basic), once with a bearer token."""
import os, subprocess
from clients import HOST, desk_for_clients
from desk import check, done, node_modules

HERE = os.path.dirname(os.path.abspath(__file__))
modules = node_modules("node-zcli")
# The one host name leads to the desk, as an entry in /etc/hosts would have it.
HOSTS = """const dns = require("node:dns"), real = dns.lookup;
dns.lookup = (host, ...rest) => real(host === "%s" ? "127.0.0.1" : host, ...rest);
""" % HOST

with desk_for_clients() as desk:
    hosts = os.path.join(desk.dir, "hosts.cjs")
    with open(hosts, "w") as f:
        f.write(HOSTS)
    subdomain, domain = HOST.split(".", 1)
    env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy") and not k.startswith("ZENDESK_")}
    env.update(NODE_PATH=modules, NODE_EXTRA_CA_CERTS=os.path.join(desk.data, "tls.crt"), NODE_OPTIONS="--require " + hosts,
               HOME=desk.dir, ZENDESK_SUBDOMAIN=subdomain, ZENDESK_DOMAIN="%s:%d" % (domain, desk.port))
    for how, more in (("an API token", {"ZENDESK_EMAIL": desk.ADMIN, "ZENDESK_API_TOKEN": desk.token()}),
                      ("a bearer token", {"ZENDESK_OAUTH_TOKEN": desk.token(None, "--bearer")})):
        r = subprocess.run(["node", os.path.join(HERE, "zcli_steps.js"), desk.ADMIN], env=dict(env, **more), capture_output=True, text=True, timeout=600)
        print(r.stdout[-4000:], r.stderr[-2000:])
        check(r.returncode == 0 and "steps" in r.stdout, "with %s the client's steps all pass" % how)
done("zcli-core")
