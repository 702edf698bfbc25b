"""What stands before every question: a key, a rate, a limit on bodies; and what no answer ever is: an error's trace."""

from __future__ import annotations

import time
from typing import Any

import orjson

from contracts.entry_point import in_a_sentence
from contracts.report import say
from serving.online.service import Refused, Service

OPEN = frozenset({"/healthz", "/readyz", "/docs", "/openapi.json", "/"})
"""Paths that need no key: they say nothing of people and items."""

MOST_BYTES = 256 * 1024
"""Of a body."""


class Guard:
    """An ASGI application around the API."""

    def __init__(self, app: Any, service: Service) -> None:
        self._app, self._service = app, service

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, metrics = time.perf_counter(), self._service.metrics
        status, caller_name, begun, received, too_large = 500, "", False, 0, False

        async def limited() -> dict[str, Any]:
            nonlocal received, too_large
            message = await receive()
            received += len(message.get("body", b""))
            if received > MOST_BYTES:
                too_large = True
                raise _TooLarge
            return message

        async def noted(message: dict[str, Any]) -> None:
            nonlocal status, begun
            if too_large and not begun:
                return  # what reads the body takes its end for a mistake in it
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
            await send(message)

        try:
            headers = dict(scope["headers"])
            if scope["path"] not in OPEN:
                caller_name = self._admitted(headers)
            length = headers.get(b"content-length", b"0")
            if length.isdigit() and int(length) > MOST_BYTES:
                raise _TooLarge
            await self._app(scope, limited, noted)
            if too_large and not begun:
                raise _TooLarge
        except Refused as refused:
            status = refused.status
            await _answer(send, status, str(refused))
        except _TooLarge:
            status = 413
            words = f"expected a body of at most {MOST_BYTES} bytes, but received more; send fewer acts"
            await _answer(send, status, words, close=True)
        except Exception as error:
            sentence = str(in_a_sentence(error))
            say(f"online: alert: {sentence}")
            if not begun:
                await _answer(send, 500, sentence)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            metrics.requests.labels(route, str(status), caller_name).inc()
            metrics.seconds.labels(route).observe(time.perf_counter() - started)

    def _admitted(self, headers: dict[bytes, bytes]) -> str:
        """The caller's name.

        Raises:
            Refused: there is no key, a wrong one, or more requests came with it than may.
        """
        key = headers.get(b"x-api-key") or headers.get(b"authorization", b"").removeprefix(b"Bearer ")
        caller = self._service.callers.of(key.decode("latin-1")) if key else None
        if caller is None:
            raise Refused(
                401,
                "the key of a caller in the header X-API-Key, or as Authorization: Bearer",
                "another one" if key else "none",
                "ask who runs this for one (secrets/online_callers.json)",
            )
        if not caller.may_ask():
            raise Refused(
                429,
                f"at most {caller.requests_per_second:g} requests a second from {caller.name}",
                "more",
                "wait a second",
            )
        return caller.name


class _TooLarge(Exception):  # noqa: N818
    pass


async def _answer(send: Any, status: int, sentence: str, *, close: bool = False) -> None:
    body = orjson.dumps({"error": sentence})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if status == 429:
        headers.append((b"retry-after", b"1"))
    if close:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
