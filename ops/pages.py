"""A small server of the pages of the nights: files of one folder, read only, and no list of them.

python -m ops.pages --port 8090 --address 127.0.0.1
"""

from __future__ import annotations

import argparse
import re
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from contracts.entry_point import exit_with_sentence
from contracts.settings import Settings
from ops.ports import require_free

PORT = 8090

_PAGES = re.compile(r"/(?:index\.html|nightly-\d{4}-\d{2}-\d{2}\.html)?")
_NONE_YET = """<!doctype html><html lang=en><meta charset=utf-8><title>Nightshift</title>
<p>There is no page yet: the first night makes one. Until then: <code>make nightly</code>.</p></html>
"""
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


class Pages(SimpleHTTPRequestHandler):
    """Answers with a page of a night, `/` with the newest, and with nothing else that may lie there."""

    server_version, sys_version = "Nightshift", ""

    def send_head(self) -> Any:
        name = self.path.partition("?")[0]
        if not _PAGES.fullmatch(name):
            self.send_error(HTTPStatus.NOT_FOUND, "there is no such page")
            return None
        if name in ("/", "/index.html") and not (Path(self.directory) / "index.html").is_file():
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(_NONE_YET)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(_NONE_YET.encode())
            return None
        return super().send_head()

    def end_headers(self) -> None:
        for header, value in _HEADERS.items():
            self.send_header(header, value)
        super().end_headers()


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m ops.pages", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, default=PORT, help="%(default)s")
    parser.add_argument("--address", default="127.0.0.1", help="%(default)s")
    options = parser.parse_args()
    exit_with_sentence(lambda: serve(options.address, options.port))


def serve(address: str, port: int) -> None:
    """Serve until interrupted.

    Raises:
        SettingsError: the port cannot be listened on.
    """
    require_free(address, port, remedy="name another with --port")
    folder = Settings.from_env().home.pages
    with ThreadingHTTPServer((address, port), partial(Pages, directory=str(folder))) as server:
        server.serve_forever()


if __name__ == "__main__":
    exit_with_sentence(main)
