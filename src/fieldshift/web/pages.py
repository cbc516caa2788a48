"""A page and its `.json` twin: one function gives plain data, and both are made from it."""

from __future__ import annotations

import datetime as dt
import functools
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import jinja2
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup
from pydantic import BaseModel

import fieldshift as fs
from fieldshift.web.assets import address_of
from fieldshift.web.doors import visitor_of

__all__ = ["XLSX", "environment", "fragment", "page", "pages_of", "rendered"]

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
"""The media type of a workbook."""

_Made = TypeVar("_Made", bound=Callable[..., Any])
_FOLDER = Path(__file__).parent / "templates"


def pages_of(count: int, each: int) -> int:
    """Return how many pages there are of so many entries, `each` on one: at least one."""
    return max(1, -(-count // each))


def page(router: APIRouter, path: str, template: str) -> Callable[[_Made], _Made]:
    """Serve what a function returns as a page at `path` and as JSON at `path` with `.json`.

    The function takes `request: Request` and returns a pydantic model, which the template reads as `page`.

    Args:
        router: Where the two addresses are added.
        path: The address of the page.
        template: The template's file.
    """

    def wrap(made: _Made) -> _Made:
        hints = get_type_hints(made, include_extras=True)
        model = hints["return"]
        router.add_api_route(f"{path}.json", made, response_model=model, methods=["GET"])

        @functools.wraps(made)
        def shown(*args: Any, **kwargs: Any) -> HTMLResponse:
            return rendered(kwargs["request"], template, made(*args, **kwargs))

        old = inspect.signature(made)
        shown.__signature__ = old.replace(  # type: ignore[attr-defined]
            parameters=[p.replace(annotation=hints.get(p.name, p.annotation)) for p in old.parameters.values()],
            return_annotation=HTMLResponse,
        )
        router.add_api_route(
            path, shown, response_model=None, response_class=HTMLResponse, methods=["GET"], include_in_schema=False
        )
        return made

    return wrap


def rendered(request: Request, template: str, model: BaseModel | Mapping[str, Any], status: int = 200) -> HTMLResponse:
    """Return a page made from plain data.

    Args:
        request: What was asked.
        template: The template's file; it extends `frame.html.j2`.
        model: What it tells, as `page`.
        status: The HTTP status.
    """
    return HTMLResponse(fragment(request, template, model), status)


def fragment(request: Request, template: str, model: BaseModel | Mapping[str, Any]) -> str:
    """Return a template's text, for a page or for a part that replaces one on it."""
    words = {"page": model, "request": request, "visitor": visitor_of(request), "desk": request.app.state.desk}
    return environment().get_template(template).render(words)


@functools.cache
def environment() -> jinja2.Environment:
    """Return the templates: whatever is put into one is escaped."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"static": address_of, "version": fs.__version__}
    made.filters |= {"moment": _moment, "ago": _ago, "human": _human}
    return made


def _moment(seconds: float | None) -> Markup | str:
    """Return a moment as a time element: the browser's script shows it in the reader's own zone."""
    if seconds is None:
        return "–"
    at = dt.datetime.fromtimestamp(seconds, dt.UTC)
    return Markup('<time datetime="{}">{} UTC</time>').format(
        at.isoformat(timespec="seconds"), at.strftime("%-d %b %Y, %H:%M")
    )


def _ago(seconds: float | None) -> str:
    """Return how long something takes or took, in words."""
    if seconds is None:
        return "–"
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _human(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.3g}"
