"""The versions of a case: who saved which when, what differs between two, and an old one once more."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field
from sqlalchemy import func, select

from fieldshift.web import casebook
from fieldshift.web.desk import Desk, TheDesk
from fieldshift.web.differences import Difference, differences
from fieldshift.web.doors import Analyst, Viewer
from fieldshift.web.pages import page, pages_of
from fieldshift.web.scenario_views import CaseView, case_view
from fieldshift.web.store.tables import runs
from fieldshift.web.texts import CaseId

__all__ = ["router"]

router = APIRouter()
_PER_PAGE = 50


class VersionView(BaseModel):
    """A version of a case.

    Attributes:
        number: Its number, from 1.
        note: What it was saved for.
        author: Who saved it.
        at: When, in seconds since 1970.
        changes: How many things differ from the version before.
        runs: How many runs it has.
    """

    number: int
    note: str
    author: str
    at: float
    changes: int
    runs: int


class HistoryPage(BaseModel):
    """The versions of a case, the newest first.

    Attributes:
        case: The case.
        versions: Those of this page.
        total: How many there are.
        page: Which page this is, from 1.
        pages: How many pages there are.
        editable: Whether the visitor may save versions.
        from_files: Whether it came as files, whose comments are not kept.
    """

    case: CaseView
    versions: list[VersionView]
    total: int
    page: int
    pages: int
    editable: bool
    from_files: bool


class DifferencesPage(BaseModel):
    """What differs between two versions of a case.

    Attributes:
        case: The case.
        old: The older version's number.
        new: The newer version's number.
        differences: What differs, in words.
        editable: Whether the visitor may save versions.
    """

    case: CaseView
    old: int
    new: int
    differences: list[Difference]
    editable: bool


class Which(BaseModel):
    """Which two versions; by default the newest and the one before."""

    old: int | None = Field(None, ge=1, le=1_000_000_000, description="The older version.")
    new: int | None = Field(None, ge=1, le=1_000_000_000, description="The newer version.")


class Restoring(BaseModel):
    """Which version to save once more."""

    number: int = Field(ge=1, le=1_000_000_000)


class Restored(BaseModel):
    """The version that holds now."""

    version: int


@page(router, "/cases/{case}/history", "case_history.html.j2")
def history(
    request: Request,
    desk: TheDesk,
    visitor: Viewer,
    case: CaseId,
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
) -> HistoryPage:
    """Return the versions of a case with author, time, note and number of changes."""
    found = casebook.case_of(desk, case)
    listed = casebook.history_of(desk, case)
    pages = pages_of(len(listed), _PER_PAGE)
    page = min(page, pages)
    ran = _runs(desk, case)
    return HistoryPage(
        case=case_view(found),
        versions=[
            VersionView(
                number=one.number,
                note=one.note,
                author=one.author,
                at=one.at,
                changes=_changes(desk, case, one.number),
                runs=ran.get(one.number, 0),
            )
            for one in listed[(page - 1) * _PER_PAGE : page * _PER_PAGE]
        ],
        total=len(listed),
        page=page,
        pages=pages,
        editable=visitor.may("analyst"),
        from_files=found.origin.startswith("uploaded: "),
    )


_COUNTED: dict[tuple[str, str, int], int] = {}


def _changes(desk: Desk, case: str, number: int) -> int:
    """Return how many things a version changed; versions never change, so it is counted once."""
    key = (str(desk.settings.store), case, number)
    if number < 2:
        return 0
    if key not in _COUNTED:
        if len(_COUNTED) > 20_000:
            _COUNTED.clear()
        old, new = casebook.version_draft(desk, case, number - 1), casebook.version_draft(desk, case, number)
        _COUNTED[key] = sum(1 for _ in new.differences(old))
    return _COUNTED[key]


def _runs(desk: Desk, case: str) -> dict[int, int]:
    asked = select(runs.c.version, func.count()).where(runs.c.case_id == case).group_by(runs.c.version)
    with desk.db.connect() as store:
        return {int(version): int(count) for version, count in store.execute(asked)}


@page(router, "/cases/{case}/diff", "case_diff.html.j2")
def diff(
    request: Request, desk: TheDesk, visitor: Viewer, case: CaseId, which: Annotated[Which, Query()]
) -> DifferencesPage:
    """Return what differs between two versions, in words that a person can read."""
    found = casebook.case_of(desk, case)
    new = which.new or found.newest
    old = which.old or max(1, new - 1)
    told = differences(casebook.version_draft(desk, case, old), casebook.version_draft(desk, case, new))
    return DifferencesPage(case=case_view(found), old=old, new=new, differences=told, editable=visitor.may("analyst"))


@router.post("/cases/{case}/restore", include_in_schema=False)
def restore_form(
    desk: TheDesk, visitor: Analyst, case: CaseId, number: Annotated[int, Form(ge=1, le=1_000_000_000)]
) -> RedirectResponse:
    """Save an old version once more as the newest."""
    casebook.restored(desk, visitor, case, number)
    return RedirectResponse(f"/cases/{case}/history", 303)


@router.post("/cases/{case}/restore.json")
def restore_data(desk: TheDesk, visitor: Analyst, case: CaseId, body: Restoring) -> Restored:
    """Save an old version once more as the newest; what was between stays in the history."""
    return Restored(version=casebook.restored(desk, visitor, case, body.number))
