"""The casebook: cases, their versions, and drafts of the next one."""

from __future__ import annotations

import tempfile
from functools import lru_cache
from pathlib import Path

from sqlalchemy import insert, select

import fieldshift as fs
from fieldshift.web.desk import Desk, NotHere, new_id
from fieldshift.web.doors import Visitor
from fieldshift.web.store.tables import cases, versions

__all__ = ["added", "scenario_of", "text_of", "yaml_of"]


def added(desk: Desk, visitor: Visitor, scenario: fs.Scenario, origin: str) -> str:
    """Put a scenario into the casebook as a case with its first version, and return the case's id."""
    case, now, text = new_id(), desk.now(), yaml_of(scenario)
    with desk.db.begin() as store:
        store.execute(
            insert(cases).values(
                id=case, name=scenario.name, origin=origin, owner=visitor.name, created=now, changed=now, gone=False
            )
        )
        store.execute(
            insert(versions).values(
                case_id=case,
                number=1,
                text=text,
                digest=fs.digest(scenario),
                note="As it came in",
                author=visitor.name,
                at=now,
            )
        )
    desk.note(visitor.name, "opened a case", f"case {case}", origin=origin)
    return case


def yaml_of(scenario: fs.Scenario) -> str:
    """Return a whole scenario as one YAML text."""
    with tempfile.TemporaryDirectory() as room:
        return fs.write(scenario, Path(room) / "scenario.yaml").read_text(encoding="utf-8")


def text_of(desk: Desk, case: str, number: int) -> str:
    """Return a version's text.

    Raises:
        NotHere: There is no such version.
    """
    with desk.db.connect() as store:
        found = store.scalar(select(versions.c.text).where(versions.c.case_id == case, versions.c.number == number))
    if found is None:
        raise NotHere(f"case {case} has no version {number}")
    return str(found)


def scenario_of(desk: Desk, case: str, number: int) -> fs.Scenario:
    """Return a version's scenario; the last few that were asked for are kept at hand."""
    return _read(text_of(desk, case, number))


@lru_cache(maxsize=32)
def _read(text: str) -> fs.Scenario:
    with tempfile.TemporaryDirectory() as room:
        file = Path(room) / "scenario.yaml"
        file.write_text(text, encoding="utf-8")
        return fs.read(file)
