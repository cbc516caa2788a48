"""What a desk is told when it starts: where it keeps things, who may come in, how much it takes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["Limits", "Settings", "default_store"]


@dataclass(frozen=True)
class Limits:
    """How much a visitor may send or ask for.

    Attributes:
        upload: Bytes of one upload.
        expanded: Bytes of all that an upload unpacks to.
        entries: Files in an upload.
        draws: Futures of one run.
        waiting: Runs of one visitor that wait or go on.
    """

    upload: int = 20_000_000
    expanded: int = 80_000_000
    entries: int = 200
    draws: int = 20_000
    waiting: int = 50


@dataclass(frozen=True)
class Settings:
    """What a desk is told when it starts.

    Attributes:
        store: The folder of runs, and of the database unless another is named. Nothing is written outside it.
        database: The address of the database; SQLite in the store by default.
        team: Whether visitors have accounts; without them, whoever has the link is the one visitor. True wherever a
            proxy names who comes in.
        workers: Worker processes that run jobs beside the server; 0 where they run elsewhere.
        header: The header by which a proxy names who comes in, or None.
        proxies: Addresses from which this header is believed.
        sso_role: What somebody whom the proxy names for the first time may do.
        address: The address under which visitors see the desk, such as `https://desk.example.org`; the Origin of
            whoever sends something must be it. By default the host that the request names.
        limits: How much a visitor may send or ask for.
    """

    store: Path
    database: str = ""
    team: bool = False
    workers: int = 1
    header: str | None = None
    proxies: tuple[str, ...] = ()
    sso_role: Literal["viewer", "analyst", "admin"] = "viewer"
    address: str | None = None
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        if self.header:
            object.__setattr__(self, "team", True)

    @property
    def url(self) -> str:
        """The address of the database, in the form that the store opens."""
        given = self.database or os.environ.get("FIELDSHIFT_DATABASE_URL", "")
        if not given:
            return f"sqlite:///{self.store.resolve() / 'desk.sqlite'}"
        for plain in ("postgres://", "postgresql://"):
            if given.startswith(plain):
                return "postgresql+psycopg://" + given.removeprefix(plain)
        return given

    @property
    def kind(self) -> Literal["sqlite", "postgresql"]:
        """Which database it is."""
        return "sqlite" if self.url.startswith("sqlite") else "postgresql"

    @property
    def runs(self) -> Path:
        """The folder of runs: one folder for each."""
        return self.store / "runs"


def default_store() -> Path:
    """Return the folder that a desk keeps things in unless told otherwise: the user's data folder."""
    given = os.environ.get("FIELDSHIFT_STORE")
    if given:
        return Path(given)
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "fieldshift"
