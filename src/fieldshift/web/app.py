"""The application: pages, doors and errors, put together."""

from __future__ import annotations

import logging

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware

import fieldshift as fs
from fieldshift.web import (
    assets,
    case_pages,
    compare_pages,
    door_pages,
    history_pages,
    incoming_pages,
    people_pages,
    result_pages,
    run_pages,
    scenario_pages,
)
from fieldshift.web.desk import Desk, NotHere
from fieldshift.web.doors import NotAllowed
from fieldshift.web.guard import GuardedApp, plain_path
from fieldshift.web.settings import Settings
from fieldshift.web.store.database import opened, up_to_date
from fieldshift.web.telling import ANSWERS, told

__all__ = ["ROUTERS", "create_app"]

log = logging.getLogger("fieldshift.web")

ROUTERS = (
    assets.router,
    case_pages.router,
    scenario_pages.router,
    history_pages.router,
    incoming_pages.router,
    door_pages.router,
    people_pages.router,
    run_pages.router,
    result_pages.router,
    compare_pages.router,
)


def create_app(settings: Settings) -> FastAPI:
    """Return a desk as an application; its store and its tables are made where they are missing."""
    settings.store.mkdir(parents=True, exist_ok=True)
    settings.runs.mkdir(exist_ok=True)
    db = opened(settings.url)
    up_to_date(db)
    app = GuardedApp(
        title="Fieldshift",
        version=fs.__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api.json",
        responses=ANSWERS,
    )
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
        return told(request, 404, ("Not found", str(error) or "There is nothing at this address."))

    async def not_allowed(request: Request, error: Exception) -> Response:
        return told(request, 403, ("Not allowed", str(error)))

    async def bad_scenario(request: Request, error: Exception) -> Response:
        found = error.problems if isinstance(error, fs.ScenarioError) else ()
        return told(request, 422, ("The scenario has problems", "Mend these and try again."), found)

    async def bad_usage(request: Request, error: Exception) -> Response:
        return told(request, 400, ("That cannot be done", str(error)))

    async def bad_request(request: Request, error: Exception) -> Response:
        found = error.errors() if isinstance(error, RequestValidationError) else []
        words = "; ".join(f"{'.'.join(str(part) for part in e['loc'][1:])}: {e['msg']}" for e in found)
        what = words or "The request has another form than expected."
        return told(request, 422, ("That is not understood", what))

    async def http(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        what = str(error.detail) if isinstance(error, HTTPException) else ""
        headers = error.headers if isinstance(error, HTTPException) else None
        return told(request, status, ({404: "Not found"}.get(status, "That did not work"), what), (), headers)

    async def unexpected(request: Request, error: Exception) -> Response:
        log.error("%s %s failed", request.method, plain_path(request.url.path), exc_info=error)
        return told(request, 500, ("Something went wrong", "It is our mistake, and it is in the server's log."))

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
