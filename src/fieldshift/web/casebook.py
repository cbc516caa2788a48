"""The casebook: cases, their versions, and drafts of the next one."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fastapi import HTTPException
from sqlalchemy import ColumnElement, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

import fieldshift as fs
from fieldshift.web.desk import Desk, NotHere, new_id
from fieldshift.web.doors import Visitor
from fieldshift.web.store.tables import cases, drafts, versions

__all__ = [
    "Behind",
    "Case",
    "Version",
    "Work",
    "added",
    "brought_over",
    "case_of",
    "committed",
    "draft_of",
    "duplicated",
    "edited",
    "history_of",
    "name_given",
    "restored",
    "saved_next",
    "scenario_of",
    "set_gone",
    "text_of",
    "thrown_away",
    "version_draft",
]

_LONG = 200_000
"""Characters of a scenario's text above which it is made sure that it can be read again."""
_DRAFT = 1_000_000
"""Bytes of the changes of a draft, at most."""


class Behind(HTTPException):
    """Somebody saved a version while a draft changed the one before: status 409."""

    def __init__(self, number: int) -> None:
        super().__init__(
            409,
            f"Version {number} was saved while you were editing. Nothing of yours is lost: open the scenario, look at "
            "what was changed, and bring your changes over.",
        )


@dataclass(frozen=True)
class Case:
    """A case.

    Attributes:
        id: Its short random word.
        name: Its name in the casebook.
        origin: Where it came from, such as `shipped: ice-2024`.
        owner: Who brought it in.
        created: When, in seconds since 1970.
        changed: When its newest version was saved.
        gone: Whether it was removed; it can be brought back.
        newest: The number of its newest version.
    """

    id: str
    name: str
    origin: str
    owner: str
    created: float
    changed: float
    gone: bool
    newest: int


@dataclass(frozen=True)
class Version:
    """A version of a case: its number from 1, what it digests to, a note, and who saved it when."""

    number: int
    digest: str
    note: str
    author: str
    at: float


@dataclass(frozen=True)
class Work:
    """What a visitor has in work on a case.

    Attributes:
        case: The case.
        number: The version that it changes.
        base: What the first version says.
        saved: What that version says.
        draft: What it says with the changes.
        changes: The changes, values by dotted path.
        at: When the last change was made, or None where there is none.
    """

    case: Case
    number: int
    base: fs.Draft
    saved: fs.Draft
    draft: fs.Draft
    changes: Mapping[str, Any]
    at: float | None

    @property
    def lost(self) -> dict[str, Any]:
        """The changes that lead nowhere in the version that they change: they are kept."""
        return {path: value for path, value in self.changes.items() if not _leads(self.draft, path)}

    @property
    def behind(self) -> bool:
        """Whether a newer version was saved meanwhile."""
        return self.number != self.case.newest


def added(desk: Desk, visitor: Visitor, scenario: fs.Scenario, origin: str) -> str:
    """Put a scenario into the casebook as a case with its first version, and return the case's id."""
    case, now, text = new_id(), desk.now(), _text(scenario)
    values = {"name": scenario.name[:300], "origin": origin[:300], "owner": visitor.name}
    with desk.db.begin() as store:
        store.execute(insert(cases).values(id=case, created=now, changed=now, gone=False, **values))
        row = _row(case, 1, text, fs.digest(scenario), "As it came in")
        store.execute(insert(versions).values(author=visitor.name, at=now, **row))
    desk.note(visitor.name, "opened a case", f"case {case}", origin=origin)
    return case


def _text(scenario: fs.Scenario) -> str:
    """Return a scenario as the text that is kept; raises ScenarioError where it could not be read again."""
    text = fs.to_yaml(scenario)
    if len(text) > _LONG:
        fs.from_yaml(text, "the scenario in one file")
    return text


def _row(case: str, number: int, text: str, digest: str, note: str) -> dict[str, Any]:
    return {"case_id": case, "number": number, "text": text, "digest": digest, "note": note}


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
    return fs.from_yaml(text)


def version_draft(desk: Desk, case: str, number: int) -> fs.Draft:
    """Return what a version says as plain data."""
    return _drafted(text_of(desk, case, number))


@lru_cache(maxsize=32)
def _drafted(text: str) -> fs.Draft:
    return fs.Draft.of(_read(text))


@lru_cache(maxsize=64)
def _in_work(text: str, changes: str) -> fs.Draft:
    """Return a version with changes; what leads nowhere in it is left out."""
    draft = _drafted(text)
    for path, value in json.loads(changes).items():
        try:
            draft = draft.with_value(draft.way(path), value)
        except fs.UsageError:
            continue
    return draft


# --------------------------------------------------------------------------------------------- cases


def case_of(desk: Desk, case: str, gone: bool = False) -> Case:
    """Return a case.

    Args:
        desk: The desk.
        case: Its id.
        gone: Whether one that was removed is wanted too.

    Raises:
        NotHere: There is no such case, or it was removed.
    """
    newest = select(func.max(versions.c.number)).where(versions.c.case_id == case).scalar_subquery()
    with desk.db.connect() as store:
        row = store.execute(select(cases, newest.label("newest")).where(cases.c.id == case)).first()
    if row is None or (row.gone and not gone):
        raise NotHere("this case was removed; it can be brought back from the page of cases" if row else "no such case")
    return Case(**row._mapping)


def name_given(desk: Desk, visitor: Visitor, case: str, name: str) -> Case:
    """Give a case another name in the casebook; what its scenario calls itself stays."""
    old = case_of(desk, case)
    name = name.strip()[:300]
    if name and name != old.name:
        with desk.db.begin() as store:
            store.execute(update(cases).where(cases.c.id == case).values(name=name))
        desk.note(visitor.name, "renamed a case", f"case {case}", old=old.name, new=name)
    return case_of(desk, case)


def set_gone(desk: Desk, visitor: Visitor, case: str, gone: bool) -> Case:
    """Remove a case from the casebook or bring it back; its versions and runs stay in the store."""
    old = case_of(desk, case, gone=True)
    if old.gone != gone:
        with desk.db.begin() as store:
            store.execute(update(cases).where(cases.c.id == case).values(gone=gone))
        desk.note(visitor.name, "removed a case" if gone else "brought a case back", f"case {case}", name=old.name)
    return case_of(desk, case, gone=True)


def duplicated(desk: Desk, visitor: Visitor, case: str) -> str:
    """Put the newest version of a case into the casebook as a case of its own, and return that one's id."""
    old = case_of(desk, case)
    new = added(desk, visitor, scenario_of(desk, case, old.newest), f"copy of {old.name}, version {old.newest}")
    name_given(desk, visitor, new, f"{old.name[:290]} (copy)")
    return new


def history_of(desk: Desk, case: str) -> list[Version]:
    """Return the versions of a case, the newest first."""
    columns = (versions.c.number, versions.c.digest, versions.c.note, versions.c.author, versions.c.at)
    with desk.db.connect() as store:
        rows = store.execute(select(*columns).where(versions.c.case_id == case).order_by(versions.c.number.desc()))
        return [Version(**row._mapping) for row in rows]


# -------------------------------------------------------------------------------------------- drafts


def draft_of(desk: Desk, visitor: Visitor, case: str) -> Work:
    """Return what a visitor has in work on a case; without a draft of theirs, its newest version unchanged."""
    return _work(desk, case_of(desk, case), _draft_row(desk, visitor, case))


def _mine(visitor: Visitor, case: str) -> ColumnElement[bool]:
    return (drafts.c.case_id == case) & (drafts.c.user_id == visitor.id)


def _draft_row(desk: Desk, visitor: Visitor, case: str) -> Row[Any] | None:
    with desk.db.connect() as store:
        return store.execute(select(drafts).where(_mine(visitor, case))).first()


def _work(desk: Desk, case: Case, row: Row[Any] | None) -> Work:
    number = row.version if row else case.newest
    changes = row.changes if row else {}
    text = text_of(desk, case.id, number)
    base = _drafted(text if number == 1 else text_of(desk, case.id, 1))
    draft = _in_work(text, json.dumps(changes))
    return Work(case, number, base, _drafted(text), draft, changes, row.at if row else None)


def edited(desk: Desk, visitor: Visitor, case: str, edit: Callable[[Work], fs.Draft]) -> Work:
    """Change a visitor's draft and keep it: it is there again when they come back.

    Args:
        desk: The desk.
        visitor: Whose draft it is.
        case: The case.
        edit: What is done to it; done again where another window of theirs was quicker.
    """
    for _ in range(20):
        row = _draft_row(desk, visitor, case)
        work = _work(desk, case_of(desk, case), row)
        changes = edit(work).changes(work.saved)
        if _keep(desk, visitor, work, work.lost | changes):
            return draft_of(desk, visitor, case)
    raise HTTPException(409, "Several windows change this draft at once. Try again.")


def _leads(draft: fs.Draft, path: str) -> bool:
    try:
        draft.way(path)
    except fs.UsageError:
        return False
    return True


def _keep(desk: Desk, visitor: Visitor, work: Work, changes: Mapping[str, Any]) -> bool:
    """Write a draft if nobody wrote it meanwhile; one without changes goes."""
    if len(json.dumps(dict(changes))) > _DRAFT:
        raise HTTPException(413, f"A draft holds up to {_DRAFT / 1e6:,.0f} MB of changes. Save a version in between.")
    at = max(desk.now(), math.nextafter(work.at or 0.0, math.inf))
    values = {"version": work.number, "changes": dict(changes), "at": at}
    try:
        with desk.db.begin() as store:
            if work.at is None:
                if changes:
                    store.execute(insert(drafts).values(case_id=work.case.id, user_id=visitor.id, **values))
                return True
            same = _mine(visitor, work.case.id) & (drafts.c.at == work.at)
            done = store.execute(update(drafts).where(same).values(**values) if changes else delete(drafts).where(same))
            return done.rowcount == 1
    except IntegrityError:
        return False


def thrown_away(desk: Desk, visitor: Visitor, case: str) -> Work:
    """Let a visitor's draft go."""
    work = draft_of(desk, visitor, case)
    if work.at is not None:
        with desk.db.begin() as store:
            store.execute(delete(drafts).where(_mine(visitor, case)))
        desk.note(visitor.name, "undid a draft", f"case {case}", changes=len(work.changes))
    return draft_of(desk, visitor, case)


def brought_over(desk: Desk, visitor: Visitor, case: str) -> Work:
    """Let a visitor's draft change the newest version instead of the one that it was begun on."""
    for _ in range(20):
        work = draft_of(desk, visitor, case)
        if not work.behind:
            return work
        with desk.db.begin() as store:
            same = _mine(visitor, case) & (drafts.c.at == work.at)
            store.execute(update(drafts).where(same).values(version=work.case.newest))
        edited(desk, visitor, case, lambda work: work.draft)
    raise HTTPException(409, "Versions are being saved faster than yours can follow. Try again.")


# ------------------------------------------------------------------------------------------- versions


def committed(desk: Desk, visitor: Visitor, case: str, note: str = "") -> int:
    """Save a visitor's draft as the next version, and return the number of the version that then holds for them.

    Without changes nothing is saved, and it is the newest version's number.

    Raises:
        ScenarioError: The draft has problems; it stays as it is.
        Behind: A newer version was saved meanwhile; the draft stays as it is.
    """
    work = draft_of(desk, visitor, case)
    if not work.changes:
        return work.case.newest
    if work.behind:
        raise Behind(work.case.newest)
    scenario = work.draft.scenario()
    fs.check(scenario)
    if fs.digest(scenario) == fs.digest(scenario_of(desk, case, work.number)):
        thrown_away(desk, visitor, case)
        return work.number
    number = saved_next(desk, visitor, work.case, scenario, note)
    with desk.db.begin() as store:
        store.execute(delete(drafts).where(_mine(visitor, case) & (drafts.c.at == work.at)))
    return number


def restored(desk: Desk, visitor: Visitor, case: str, number: int) -> int:
    """Save an old version once more as the newest, and return its number; what was between stays in the history."""
    scenario, old = scenario_of(desk, case, number), case_of(desk, case)
    if number == old.newest:
        return number
    return saved_next(desk, visitor, old, scenario, f"Version {number} once more")


def saved_next(desk: Desk, visitor: Visitor, case: Case, scenario: fs.Scenario, note: str) -> int:
    """Save a scenario as the next version of a case, and return its number."""
    number, now = case.newest + 1, desk.now()
    row = _row(case.id, number, _text(scenario), fs.digest(scenario), note.strip()[:2000])
    name = scenario.name[:300] if scenario_of(desk, case.id, case.newest).name == case.name else case.name
    try:
        with desk.db.begin() as store:
            store.execute(insert(versions).values(author=visitor.name, at=now, **row))
            store.execute(update(cases).where(cases.c.id == case.id).values(changed=now, name=name))
    except IntegrityError:
        raise Behind(number) from None
    desk.note(visitor.name, "saved a version", f"case {case.id}", version=number, note=note.strip()[:200])
    return number
