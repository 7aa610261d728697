"""A server for one user: host port root user password default|allowed [certificate]."""

import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
from pyftpdlib.servers import FTPServer

host, port, root, user, password, third_party = sys.argv[1:7]
certificate = sys.argv[7:8]
authorizer = DummyAuthorizer()
authorizer.add_user(user, password, root, perm="elradfmwMT")
handler = TLS_FTPHandler if certificate else FTPHandler
if certificate:
    handler.certfile = certificate[0]
handler.authorizer = authorizer
if third_party == "allowed":
    handler.permit_foreign_addresses = True
FTPServer((host, int(port)), handler).serve_forever()
