"""A desk: its settings, its database, its clock; every page is handed this one thing."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import Engine, insert

from fieldshift.web.settings import Settings
from fieldshift.web.store.tables import audit

__all__ = ["Desk", "NotHere", "TheDesk", "new_id"]

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


@dataclass(frozen=True)
class Desk:
    """A desk.

    Attributes:
        settings: What it was told when it started.
        db: Its database.
        now: Seconds since 1970.
    """

    settings: Settings
    db: Engine
    now: Callable[[], float] = time.time

    def note(self, who: str, did: str, what: str, **detail: object) -> None:
        """Write a line of the audit log: who changed or ran what. No secret may stand in it."""
        with self.db.begin() as store:
            store.execute(insert(audit).values(at=self.now(), who=who, did=did, what=what, detail=detail))


class NotHere(Exception):
    """There is no such case, version or run (or the visitor may not know of it): status 404."""


def new_id() -> str:
    """Return a short random word for a case or a run."""
    return "".join(secrets.choice(_LETTERS) for _ in range(10))


def _desk(request: Request) -> Desk:
    found: Desk = request.app.state.desk
    return found


TheDesk = Annotated[Desk, Depends(_desk)]
"""What a page's function takes to be handed the desk."""
