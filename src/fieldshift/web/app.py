"""The application: pages, doors and errors, put together."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware

import fieldshift as fs
from fieldshift.web import assets
from fieldshift.web.desk import Desk, NotHere
from fieldshift.web.doors import NotAllowed
from fieldshift.web.pages import rendered
from fieldshift.web.settings import Settings
from fieldshift.web.store.database import opened, up_to_date

__all__ = ["ROUTERS", "create_app"]

log = logging.getLogger("fieldshift.web")

ROUTERS = (assets.router,)


class Told(BaseModel):
    """An error as a page or as JSON.

    Attributes:
        title: What went wrong, in a few words.
        what: What can be done, in a sentence.
        problems: Problems of a scenario, each with its place.
    """

    title: str
    what: str
    problems: list[dict[str, str]] = []


def create_app(settings: Settings) -> FastAPI:
    """Return a desk as an application; its store and its tables are made where they are missing."""
    settings.store.mkdir(parents=True, exist_ok=True)
    settings.runs.mkdir(exist_ok=True)
    db = opened(settings.url)
    up_to_date(db)
    app = FastAPI(title="Fieldshift", version=fs.__version__, docs_url=None, redoc_url=None, openapi_url="/api.json")
    app.state.desk = Desk(settings, db)
    for router in ROUTERS:
        app.include_router(router)
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)
    _tell_errors(app)

    @app.get("/", include_in_schema=False)
    def first() -> RedirectResponse:
        return RedirectResponse("/cases", 303)

    return app


def _tell_errors(app: FastAPI) -> None:
    """Let every error be told in words, as JSON to those who asked for it: no traceback leaves the house."""

    async def not_here(request: Request, error: Exception) -> Response:
        return _told(request, 404, "Not found", str(error) or "There is nothing at this address.")

    async def not_allowed(request: Request, error: Exception) -> Response:
        return _told(request, 403, "Not allowed", str(error))

    async def bad_scenario(request: Request, error: Exception) -> Response:
        found = error.problems if isinstance(error, fs.ScenarioError) else ()
        return _told(request, 422, "The scenario has problems", "Mend these and try again.", found)

    async def bad_usage(request: Request, error: Exception) -> Response:
        return _told(request, 400, "That cannot be done", str(error))

    async def bad_request(request: Request, error: Exception) -> Response:
        found = error.errors() if isinstance(error, RequestValidationError) else []
        words = "; ".join(f"{'.'.join(str(part) for part in e['loc'][1:])}: {e['msg']}" for e in found)
        return _told(request, 422, "That is not understood", words or "The request has another form than expected.")

    async def http(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        what = str(error.detail) if isinstance(error, HTTPException) else ""
        headers = error.headers if isinstance(error, HTTPException) else None
        return _told(request, status, {404: "Not found"}.get(status, "That did not work"), what, (), headers)

    async def unexpected(request: Request, error: Exception) -> Response:
        log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return _told(request, 500, "Something went wrong", "It is our mistake, and it is in the server's log.")

    for kind, handler in (
        (NotHere, not_here),
        (NotAllowed, not_allowed),
        (fs.ScenarioError, bad_scenario),
        (fs.FieldshiftError, bad_usage),
        (RequestValidationError, bad_request),
        (HTTPException, http),
        (Exception, unexpected),
    ):
        app.add_exception_handler(kind, handler)


def _told(
    request: Request, status: int, title: str, what: str, problems: Sequence[fs.Problem] = (), headers: Any = None
) -> Response:
    keys = ("where", "path", "what", "hint", "level")
    told = Told(title=title, what=what, problems=[{key: getattr(p, key) for key in keys} for p in problems])
    as_data = request.url.path.endswith(".json") or "application/json" in request.headers.get("accept", "")
    if as_data:
        answer: Response = JSONResponse(told.model_dump(), status)
    else:
        answer = rendered(request, "error.html.j2", told, status)
    answer.headers.update(headers or {})
    return answer
