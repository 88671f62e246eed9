"""A real SMTP server (aiosmtpd) for the tests: prints its port, then each message as one JSON line.

usage: smtp_server.py [--starttls | --implicit] [--cert FILE --key FILE] [--login USER:PASSWORD] [--without MECHANISM]
                      [--port PORT]

A message is printed before it is accepted, with what Python's own email package reads in it. Ends with its
standard input.
"""

import argparse
import asyncio
import base64
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


class Printer:
    async def handle_DATA(self, server, session, envelope):
        parsed = email.message_from_bytes(envelope.content, policy=email.policy.SMTP)
        parts = [part for part in parsed.walk() if not part.is_multipart()]
        seen = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "bytes": base64.b64encode(envelope.content).decode(),
            "tls": server.transport.get_extra_info("cipher") is not None,
            "login": session.auth_data.login.decode() if session.authenticated else None,
            "type": parsed.get_content_type(),
            "headers": {name: str(value) for name, value in parsed.items()},
            "defects": [repr(d) for part in parsed.walk() for d in part.defects],
            "parts": [[part.get_content_type(), part.get_content()] for part in parts],
        }
        print(json.dumps(seen), flush=True)
        return "250 2.0.0 taken"


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--starttls", action="store_true")
    parser.add_argument("--implicit", action="store_true")
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--login")
    parser.add_argument("--without", action="append", default=[])
    parser.add_argument("--port", type=int, default=0)
    args = parser.parse_args()

    context = None
    if args.cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(args.cert, args.key)

    def authenticate(server, session, envelope, mechanism, data):
        given = f"{data.login.decode()}:{data.password.decode()}"
        return AuthResult(success=given == args.login, handled=False, auth_data=data)

    def protocol():
        return SMTP(
            Printer(),
            hostname="relay.test",
            tls_context=context if args.starttls else None,
            require_starttls=args.starttls,
            auth_required=args.login is not None,
            auth_require_tls=False,
            auth_exclude_mechanism=args.without,
            authenticator=authenticate,
            loop=asyncio.get_running_loop(),
        )

    loop = asyncio.get_running_loop()
    wrapped = context if args.implicit else None
    server = await loop.create_server(protocol, "127.0.0.1", args.port, ssl=wrapped)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.buffer.read)


asyncio.run(main())
