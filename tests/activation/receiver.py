"""A receiver of deliveries over real HTTP, that honours ids, counts, and misbehaves when it is told to."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = "s" * 40


class Receiver:
    """What arrived at it, and how it answers."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.answered: dict[str, bytes] = {}
        """Idempotency key -> the answer that was given."""
        self.requests = 0
        self.messages: Counter[tuple[str, str, str]] = Counter()
        """(campaign, plan, address) -> how often a message was taken."""
        self.members: dict[tuple[str, str], str] = {}
        """(campaign, member_id) -> address, of who is in an audience here."""
        self.misbehaves: list = []
        """What to do with the next requests: a status, (status, headers), or a word; nothing is to behave."""
        self.refuses: set[str] = set()
        """Addresses that are refused."""
        self.url = ""

    def take(self, key: str, body: bytes) -> bytes:
        """Take a batch once, whatever the number of times it comes."""
        with self.lock:
            if key not in self.answered:
                batch = json.loads(body)
                refused = []
                for message in batch["messages"]:
                    name = (batch["campaign"], message["member_id"])
                    if message.get("address") in self.refuses:
                        refused.append(message["delivery_id"])
                    elif batch["action"] == "add":
                        self.messages[batch["campaign"], batch["plan"], message["address"]] += 1
                        self.members[name] = message["address"]
                    else:
                        self.members.pop(name, None)
                self.answered[key] = json.dumps({"refused": refused}).encode()
            return self.answered[key]

    def audience(self, campaign: str) -> list[str]:
        return sorted(address for (name, _), address in self.members.items() if name == campaign)


@contextlib.contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on a port of this machine."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with receiver.lock:
                receiver.requests += 1
                odd = receiver.misbehaves.pop(0) if receiver.misbehaves else None
            moment, _, signature = self.headers["Nightshift-Signature"].partition(",v1=")
            signed = moment.removeprefix("t=").encode() + b"." + body
            if signature != hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest():
                odd = 401
            if odd == "silent":
                threading.Event().wait(0.5)
                return
            if odd == "took it and hung up":
                receiver.take(self.headers["Idempotency-Key"], body)
                self.close_connection = True
                return
            if odd == "half an answer":
                receiver.take(self.headers["Idempotency-Key"], body)
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n{")
                self.close_connection = True
                return
            if odd is not None:
                status, headers = odd if isinstance(odd, tuple) else (odd, {})
                self.answer(status, b"", headers)
                return
            self.answer(200, receiver.take(self.headers["Idempotency-Key"], body), {})

        def answer(self, status, content, headers):
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/take"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
