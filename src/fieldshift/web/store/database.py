"""Opening a desk's database, and bringing its tables up to date."""

from __future__ import annotations

import time
from importlib import resources
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, IntegrityError

__all__ = ["opened", "up_to_date"]

_PATIENCE = 30.0
"""Seconds that a server waits for another one that brings the tables to the newest form."""


def opened(url: str) -> Engine:
    """Open a database: SQLite with write-ahead logging, or PostgreSQL. Its errors do not show what was written.

    Args:
        url: Its address, as SQLAlchemy writes it.
    """
    if not url.startswith("sqlite"):
        return create_engine(url, hide_parameters=True, pool_pre_ping=True, pool_size=10, max_overflow=20)
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": 30}, pool_size=10, max_overflow=20)
    event.listen(engine, "connect", _tuned)
    return engine


def _tuned(connection: Any, _: object) -> None:
    """Let readers read while somebody writes, and hold what the tables refer to."""
    cursor = connection.cursor()
    for line in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=30000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {line}")
    cursor.close()


def up_to_date(engine: Engine) -> None:
    """Bring the tables to the newest form; what is in them stays. Where another server does the same, wait for it."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            _upgraded(engine)
        except DBAPIError as error:
            # The other one made a table or a row first: SQLite and PostgreSQL say so in these ways.
            met = isinstance(error, IntegrityError) or "already exists" in str(error.orig)
            if not met or time.monotonic() > end:
                raise
            time.sleep(0.2)
        else:
            return


def _upgraded(engine: Engine) -> None:
    with resources.as_file(resources.files("fieldshift.web.store") / "migrations") as scripts:
        settings = Config()
        settings.set_main_option("script_location", str(scripts))
        with engine.begin() as connection:
            settings.attributes["connection"] = connection
            command.upgrade(settings, "head")
