"""Who comes in, and what they may do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends, Request

__all__ = ["Admin", "Analyst", "NotAllowed", "Role", "Viewer", "Visitor", "visitor_of"]

Role = Literal["viewer", "analyst", "admin"]
_ORDER = ("viewer", "analyst", "admin")


@dataclass(frozen=True)
class Visitor:
    """Whoever asks.

    Attributes:
        id: Their row in `users`.
        name: Their name.
        role: What they may do: a viewer reads, an analyst changes and runs, an admin invites too.
    """

    id: int
    name: str
    role: Role

    def may(self, role: Role) -> bool:
        """Return whether they may do what this role may."""
        return _ORDER.index(self.role) >= _ORDER.index(role)


class NotAllowed(Exception):
    """The visitor's role does not allow it: status 403."""


def visitor_of(request: Request) -> Visitor | None:
    """Return who asks, or None before anybody came in."""
    return getattr(request.state, "visitor", None)


def _need(role: Role) -> Callable[[Request], Visitor]:
    def needed(request: Request) -> Visitor:
        found = visitor_of(request)
        if found is None or not found.may(role):
            raise NotAllowed(f"this needs the role {role}")
        return found

    return needed


Viewer = Annotated[Visitor, Depends(_need("viewer"))]
"""What a page's function takes to be told who asks: anybody who came in."""
Analyst = Annotated[Visitor, Depends(_need("analyst"))]
"""The same, where a viewer may not."""
Admin = Annotated[Visitor, Depends(_need("admin"))]
"""The same, for admins alone."""
