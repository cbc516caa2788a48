"""Serving a desk: what needs no web package, so that a plain install can say what it lacks."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import fieldshift as fs
from fieldshift.web.settings import Limits as DeskLimits
from fieldshift.web.settings import Settings as DeskSettings
from fieldshift.web.settings import default_store

__all__ = ["DeskLimits", "DeskSettings", "default_store", "new_link", "serve"]

_EXTRA = ("alembic", "argon2", "fastapi", "multipart", "psycopg", "python_multipart", "sqlalchemy", "uvicorn")


def serve(
    settings: DeskSettings | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 8311,
    opened: bool = False,
    say: Callable[[str], None] | None = None,
) -> None:
    """Serve a desk until it is stopped (SIGINT, SIGTERM), its workers beside it.

    Args:
        settings: What the desk is told; by default a local desk in the user's data folder.
        host: The address to listen at; a desk without accounts listens at this computer only.
        port: The port; 0 for any free one.
        opened: Whether to open a browser on this computer.
        say: Told where the desk is, and the link that lets the first visitor in; stderr by default. Nothing else
            learns this link.

    Raises:
        UsageError: The settings do not fit together, the port is taken, the database does not open, or the packages
            of the extra `web` are missing.
        KeyboardInterrupt: It was stopped from the keyboard; the server and its workers have ended.
    """
    _running().run(settings or DeskSettings(default_store()), host, port, opened, say or _on_stderr)


def new_link(settings: DeskSettings, port: int = 8311) -> str:
    """Return a new one-time link to a local desk, or for the first admin of one with accounts.

    Args:
        settings: Of the desk.
        port: Where a local desk listens, if none is running that says so itself.

    Raises:
        UsageError: The database does not open, or an admin is there already who can invite others.
    """
    return str(_running().new_link(settings, port))


def _on_stderr(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _running() -> Any:
    try:
        return import_module("fieldshift.web.running")
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in _EXTRA:
            raise
        raise fs.UsageError(
            f"the desk needs packages that a plain install leaves out ('{error.name}' is missing): "
            "python -m pip install 'fieldshift[web]'"
        ) from None
