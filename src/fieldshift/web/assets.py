"""The files that pages load: style sheets and scripts, ours and the report's, each with its digest in its address."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request, Response

import fieldshift as fs
from fieldshift.web.desk import NotHere

__all__ = ["address_of", "router"]

router = APIRouter()
_FOLDER = Path(__file__).parent / "static"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True)
class _Asset:
    body: bytes
    packed: bytes
    kind: str
    digest: str


@cache
def _assets() -> dict[str, _Asset]:
    """Return all files by name, packed once."""
    files = {file.name: file.read_bytes() for file in sorted(_FOLDER.iterdir()) if file.suffix in _TYPES}
    found = {}
    for name, body in (fs.report_assets() | files).items():
        digest = hashlib.sha256(body).hexdigest()[:16]
        found[name] = _Asset(body, gzip.compress(body, 9, mtime=0), _TYPES[Path(name).suffix], digest)
    return found


def address_of(name: str) -> str:
    """Return the address of a file: it changes whenever the file does, so a browser may keep it for ever."""
    return f"/static/{_assets()[name].digest}/{name}"


@router.get("/static/{digest}/{name}", include_in_schema=False)
def asset(digest: str, name: str, request: Request) -> Response:
    """Give one file."""
    found = _assets().get(name)
    if found is None or digest != found.digest:
        raise NotHere(f"there is no file '{name}'")
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(found.packed, media_type=found.kind, headers=headers | {"Content-Encoding": "gzip"})
    return Response(found.body, media_type=found.kind, headers=headers)
