"""Receives webhooks of Postern: verifies each one, drops those that came
before, and prints one line of JSON per delivery. Standard library only.

    WEBHOOK_SECRET=whsec_… PORT=8082 python3 receiver.py
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import threading
import time
from collections import OrderedDict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MAX_BODY = 64 * 1024 * 1024
REMEMBERED_IDS = 10_000
TOLERANCE_SECONDS = 5 * 60


def verify_webhook(headers, raw_body, secret):
    signed_content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{raw_body}"
    secret_bytes = base64.b64decode(secret.removeprefix('whsec_'))
    expected = base64.b64encode(
        hmac.new(secret_bytes, signed_content.encode(), hashlib.sha256).digest()
    ).decode()

    return any(
        v == 'v1' and hmac.compare_digest(expected, val)
        for sig in headers['webhook-signature'].split(' ')
        for v, _, val in [sig.partition(',')]
    )


def problem_with(headers, raw_body, secret):
    """Returns why a webhook is not to be trusted, or None."""
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        # compare_digest takes ASCII text only.
        if not headers.get(name) or not headers[name].isascii():
            return f"{name} is missing or not ASCII"
    if not headers["webhook-timestamp"].isdecimal() or len(headers["webhook-timestamp"]) > 12:
        return "webhook-timestamp is not a number"
    # Without this, whoever recorded a webhook once could send it again for ever.
    if abs(time.time() - int(headers["webhook-timestamp"])) > TOLERANCE_SECONDS:
        return "webhook-timestamp is too old or too new"
    if not verify_webhook(headers, raw_body, secret):
        return "no matching signature"
    return None


class SeenIDs:
    """The last webhook-ids. Postern delivers at least once: an answer that was
    lost makes it send again, under the same webhook-id. An application would
    keep the ids where it keeps its data, and write both in one transaction."""

    def __init__(self):
        self.ids = OrderedDict()
        self.lock = threading.Lock()

    def add(self, webhook_id):
        """Returns whether the id is new."""
        with self.lock:
            if webhook_id in self.ids:
                return False
            self.ids[webhook_id] = True
            if len(self.ids) > REMEMBERED_IDS:
                self.ids.popitem(last=False)
            return True


def print_json(value):
    # One write, so that the lines of two threads do not mix.
    sys.stdout.write(json.dumps(value, separators=(",", ":")) + "\n")
    sys.stdout.flush()


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps connections open between deliveries
    timeout = 60  # seconds for a peer that says nothing
    secret = ""
    seen = SeenIDs()

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdecimal()):
            self.close_connection = True
            return self.answer(411)
        if len(length) > 9 or int(length) > MAX_BODY:
            self.close_connection = True
            return self.answer(413)
        # The signature is over these exact bytes: parse them first and print
        # them again, and it no longer matches.
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.close_connection = True
            return None  # the sender hung up
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            raw_body = body.decode("utf-8")
            problem = problem_with(headers, raw_body, self.secret)
        except UnicodeDecodeError:
            problem = "the body is not UTF-8"
        if problem is not None:
            print(f"refused: {problem}", file=sys.stderr)
            return self.answer(401)

        webhook_id = headers["webhook-id"]
        payload = json.loads(raw_body)
        if self.seen.add(webhook_id):
            subject = payload.get("message", {}).get("subject")
            print_json({"verified": True, "id": webhook_id, "subject": subject})
        return self.answer(204)  # for a duplicate too, or it would be sent again

    def answer(self, code):
        self.send_response(code)
        if code != 204:  # which never has a body, nor says so
            self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Keeps the standard library's access log off the output."""


def main():
    Receiver.secret = os.environ.get("WEBHOOK_SECRET", "")
    if not Receiver.secret:
        sys.exit("WEBHOOK_SECRET is not set: give it the signing secret of the endpoint (whsec_…)")
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8082"))), Receiver)
    server.daemon_threads = True
    print_json({"listening": server.server_address[1]})
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
