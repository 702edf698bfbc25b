"""The server of the pages: the newest, one by its day, and nothing else that lies there."""

from __future__ import annotations

import http.client
import threading
from functools import partial
from http.server import ThreadingHTTPServer

import pytest

from ops.pages import Pages


@pytest.fixture
def ask(tmp_path):
    """Asks a server of the folder; answers with status, body and headers."""

    class Quiet(Pages):
        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "pages")))
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def answer(path: str, method: str = "GET"):
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
        connection.request(method, path)
        found = connection.getresponse()
        return found.status, found.read().decode(), found.headers

    yield answer
    server.shutdown()
    server.server_close()


def test_before_the_first_night_a_sentence_says_so(ask):
    status, body, _ = ask("/")
    assert status == 200 and "There is no page yet" in body


def test_pages_are_served_and_nothing_else(ask, tmp_path):
    (tmp_path / "secret.html").write_text("secret")
    (tmp_path / "pages" / "other").mkdir(parents=True)
    for name in ("index.html", "nightly-2026-11-19.html", ".nightly-2026-11-20.html.17", "notes.txt"):
        (tmp_path / "pages" / name).write_text(name)
    assert ask("/")[1] == ask("/index.html")[1] == "index.html"
    status, body, headers = ask("/nightly-2026-11-19.html")
    assert (status, body) == (200, "nightly-2026-11-19.html")
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers["X-Content-Type-Options"] == "nosniff"
    refused = ("/notes.txt", "/other/", "/../secret.html", "/%2e%2e/secret.html", "/.nightly-2026-11-20.html.17")
    assert {ask(path)[0] for path in (*refused, "/nightly-2026-11-18.html")} == {404}
    assert ask("/", method="POST")[0] == 501
