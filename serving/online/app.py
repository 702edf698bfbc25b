"""The API itself: its routes, and the page that explains them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any
from urllib.parse import unquote

import orjson
from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from serving.online.guard import OPEN, Guard
from serving.online.questions import (
    Accepted,
    Act,
    Count,
    Decision,
    Error,
    Kind,
    Ready,
    Recommendations,
    Session,
    Similar,
    Why,
)
from serving.online.recommending import TOP
from serving.online.service import Refused, Service

_ABOUT = """
What a shop asks between nights. Each answer is from one night's store and says which (`night`), who ranked
(`model_version`), and which link of the chain of fallbacks spoke: `session` (the sequence model on what was done until
now), `sequence` or `taste` (the night's list), `segment`, `popularity`. Consent is asked at every request; who did not
agree, withdrew, or is not known gets what is popular with everybody.

People are named by the shop's own account id (or as `kind` says), which is hashed here and never kept. In a path, ids
are percent-encoded, also a slash in them (`%2F`).

Every request needs the key of a caller, in `X-API-Key` or as `Authorization: Bearer`.
"""

_ERRORS: dict[int | str, dict[str, Any]] = {
    401: {"model": Error, "description": "no key, or a wrong one"},
    422: {"model": Error, "description": "the request is not as this page says"},
    429: {"model": Error, "description": "more requests than this caller may"},
    503: {"model": Error, "description": "no store answers, or nothing can be written"},
}
_ERRORS_OF_BODIES = _ERRORS | {
    400: {"model": Error, "description": "no JSON"},
    413: {"model": Error, "description": "a body that is too large"},
}
_UNKNOWN_ITEM = {404: {"model": Error, "description": "the night does not know the item"}}


class _StrictRequest(Request):
    """A request whose JSON is JSON: NaN, infinities and broken text are none."""

    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            self._json = orjson.loads(await self.body())
        return self._json


class _StrictRoute(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Any]:
        handler = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handler(_StrictRequest(request.scope, request.receive))

        return strict


def app_of(service: Service) -> Any:
    """The API of a service, guarded; it looks for changes while it runs."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        watching = asyncio.create_task(service.watch())
        yield
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
        service.close()

    app = FastAPI(
        title="Nightshift online",
        version="1",
        description=_ABOUT,
        lifespan=lifespan,
        redoc_url=None,
        docs_url=None,
        openapi_tags=[
            {"name": "recommend", "description": "What to show, and why."},
            {"name": "take in", "description": "What people do and decide; it is in tonight's delivery."},
            {"name": "look", "description": "How the service is."},
        ],
    )
    app.router.route_class = _StrictRoute
    _add_questions(app, service)
    _add_deliveries(app, service)
    _add_looks(app, service)
    _add_errors(app)
    _describe(app)
    return Guard(app, service)


def _add_questions(app: FastAPI, service: Service) -> None:
    @app.get(
        "/recommendations/{person:path}",
        tags=["recommend"],
        summary="The list of a person",
        responses={200: {"model": Recommendations}, **_ERRORS},
    )
    async def recommendations(
        person: str, request: Request, kind: Kind = "account", count: Count = TOP, category: str | None = None
    ) -> Response:
        """Acts that came in by `POST /events` during the last half hour are the person's session."""
        [person] = _parts(request, [person], after="recommendations")
        return _json(service.list_of(kind, person, count, category))

    @app.post(
        "/recommendations",
        tags=["recommend"],
        summary="The list of a session",
        responses={200: {"model": Recommendations}, **_ERRORS_OF_BODIES},
    )
    async def recommendations_of_session(session: Session) -> Response:
        """The sequence model on the person's history and these acts, behind those that came in as events."""
        return _json(service.list_of_session(session))

    @app.get(
        "/items/{item_id:path}/similar",
        tags=["recommend"],
        summary="Items that are like one",
        responses={200: {"model": Similar}, **_ERRORS, **_UNKNOWN_ITEM},
    )
    async def similar(
        item_id: str,
        request: Request,
        count: Annotated[int, Query(ge=1, le=100)] = TOP,
        kind: Annotated[str | None, Query(max_length=40, description="behaviour or content; by default both")] = None,
    ) -> Response:
        """Where the night found none, popular ones of the same category."""
        [item_id] = _parts(request, [item_id], after="items", before="similar")
        return _json(service.similar(item_id, count, kind))

    @app.get(
        "/people/{person:path}/why/{item_id:path}",
        tags=["recommend"],
        summary="Why an item is in a person's list",
        responses={200: {"model": Why}, **_ERRORS, **_UNKNOWN_ITEM},
    )
    async def why(person: str, item_id: str, request: Request, kind: Kind = "account") -> Response:
        person, item_id = _parts(request, [person, item_id], after="people", between="why")
        return _json(service.why(kind, person, item_id))


def _add_deliveries(app: FastAPI, service: Service) -> None:
    @app.post(
        "/events",
        tags=["take in"],
        summary="An act",
        status_code=202,
        responses={202: {"model": Accepted}, **_ERRORS_OF_BODIES},
    )
    async def events(act: Act) -> Response:
        """Counted at once, in the person's session, and in tonight's delivery."""
        return _json(service.act(act), status=202)

    @app.post(
        "/consents",
        tags=["take in"],
        summary="A decision on consent",
        status_code=202,
        responses={202: {"model": Accepted}, **_ERRORS_OF_BODIES},
    )
    async def consents(decision: Decision) -> Response:
        """A withdrawal holds from the next request on, for all that is known of the person; a grant from tonight on."""
        return _json(service.decision(decision), status=202)


def _add_looks(app: FastAPI, service: Service) -> None:
    @app.get("/healthz", tags=["look"], summary="Whether the process lives")
    async def healthz() -> dict[str, bool]:
        return {"alive": True}

    @app.get(
        "/readyz",
        tags=["look"],
        summary="Whether a night answers",
        responses={200: {"model": Ready}, 503: {"model": Ready}},
    )
    async def readyz() -> Response:
        found = service.ready()
        return _json(found, status=200 if found["ready"] else 503)

    @app.get("/metrics", tags=["look"], summary="Figures for Prometheus")
    async def metrics() -> Response:
        return Response(service.metrics.text(), media_type="text/plain; version=0.0.4")


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            words = "expected JSON (without NaN), but received something else; correct the body"
            return _json({"error": words}, status=400)
        place = ".".join(str(part) for part in first["loc"] if part != "body")
        words = f"expected a request as /docs says, but received one that does not fit at {place or 'its body'}: "
        return _json({"error": f"{words}{first['msg']}; correct it"}, status=422)

    @app.exception_handler(Refused)
    async def refused(_: Request, error: Refused) -> Response:
        return _json({"error": str(error)}, status=error.status)

    @app.exception_handler(404)
    async def unknown(_: Request, __: Exception) -> Response:
        return _json({"error": "expected a path of /docs, but received another one; look there"}, status=404)

    @app.exception_handler(405)
    async def method(_: Request, __: Exception) -> Response:
        return _json({"error": "expected a method of /docs, but received another one; look there"}, status=405)


def _describe(app: FastAPI) -> None:
    """The page: the schema with its keys, and a page of our own that asks nothing of other servers."""
    make = app.openapi

    def described() -> dict[str, Any]:
        schema = make()
        schema["components"]["securitySchemes"] = {
            "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            "bearer": {"type": "http", "scheme": "bearer"},
        }
        schema["security"] = [{"key": []}, {"bearer": []}]
        for path in OPEN & set(schema["paths"]):
            for operation in schema["paths"][path].values():
                operation["security"] = []
        return schema

    app.openapi = described

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        from serving.online.page import page_of

        return Response(page_of(app.openapi()), media_type="text/html; charset=utf-8")

    @app.get("/", include_in_schema=False)
    async def root() -> Response:
        return Response(status_code=307, headers={"location": "docs"})


def _parts(request: Request, matched: list[str], *, after: str, between: str = "", before: str = "") -> list[str]:
    """Ids as they stood in the path, where each was one part of it; what was matched otherwise.

    Args:
        after, between, before: the parts around them, if there are any.
    """
    raw = request.scope.get("raw_path", b"").partition(b"?")[0].decode("latin-1").split("/")
    length = len(matched) + bool(between) + bool(before) + 1
    tail = raw[-length:]
    frame = [after, *([None, between, None] if between else [None]), *([before] if before else [])]
    if len(raw) != length + 1 or any(
        wanted is not None and part != wanted for wanted, part in zip(frame, tail, strict=False)
    ):
        return matched
    return [unquote(part) for wanted, part in zip(frame, tail, strict=True) if wanted is None]


def _json(content: dict[str, Any], *, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status_code=status, media_type="application/json")
