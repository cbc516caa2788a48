"""What went wrong, told in words: as a page, or as JSON to those who asked for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

import fieldshift as fs
from fieldshift.web.pages import rendered

__all__ = ["ANSWERS", "Told", "as_data", "told"]

_KEYS = ("where", "path", "what", "hint", "level")


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


ANSWERS: dict[int | str, dict[str, Any]] = {
    400: {"model": Told, "description": "It cannot be done, or is not understood"},
    401: {"model": Told, "description": "Nobody came in"},
    403: {"model": Told, "description": "Not allowed, or sent from elsewhere"},
    404: {"model": Told, "description": "There is nothing at this address"},
    413: {"model": Told, "description": "More than may be sent at once"},
    422: {"model": Told, "description": "The request or the scenario has problems"},
    503: {"model": Told, "description": "The desk is busy, or its database does not answer: ask again"},
}
"""What any address may answer besides what it is for."""


def as_data(request: Request) -> bool:
    """Return whether whoever asks wants JSON."""
    return request.url.path.endswith(".json") or "application/json" in request.headers.get("accept", "")


def told(
    request: Request,
    status: int,
    error: tuple[str, str],
    problems: Sequence[fs.Problem] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return an answer that tells an error.

    Args:
        request: What was asked.
        status: The HTTP status.
        error: What went wrong in a few words, and what can be done in a sentence.
        problems: Problems of a scenario.
        headers: More headers of the answer.
    """
    shown = Told(title=error[0], what=error[1], problems=[{k: getattr(p, k) for k in _KEYS} for p in problems])
    answer: Response
    if as_data(request):
        answer = JSONResponse(shown.model_dump(), status)
    else:
        answer = rendered(request, "error.html.j2", shown.model_dump() | {"back": _back(request)}, status)
    answer.headers.update(headers or {})
    return answer


def _back(request: Request) -> str:
    """Return the page of this desk that somebody came from, or nothing: no link may lead elsewhere."""
    try:
        came, here = urlsplit(request.headers.get("referer", "")), request.headers.get("host", "").lower()
    except ValueError:
        return ""
    if came.scheme not in ("http", "https") or came.netloc.lower() != here or not here:
        return ""
    if not came.path.startswith("/") or came.path.startswith("//") or "\\" in came.path:
        return ""
    return came.path + (f"?{came.query}" if came.query else "")
