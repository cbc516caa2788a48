"""The page of cases: shipped ones to open, own ones with their versions and runs; what comes in and what goes out."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query, Request, Response, UploadFile
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field
from sqlalchemy import and_, func, select

import fieldshift as fs
from fieldshift.web import casebook, uploads
from fieldshift.web.desk import Desk, NotHere, TheDesk
from fieldshift.web.doors import Analyst, Viewer, Visitor
from fieldshift.web.pages import XLSX, page, pages_of
from fieldshift.web.store.tables import cases, drafts, runs, versions
from fieldshift.web.texts import CaseId, Text

__all__ = ["router"]

router = APIRouter()
_PER_PAGE = 50
_FORMS = {"zip": "application/zip", "yaml": "application/yaml", "xlsx": XLSX}


class Shipped(BaseModel):
    """A case that ships with Fieldshift: its id, its name, what it is about, and the date of what it knows."""

    id: str
    name: str
    about: str
    as_of: str


class LatestRun(BaseModel):
    """The latest run of a case: its id, its state, when it was asked for."""

    id: str
    state: str
    created: float


class Own(BaseModel):
    """A case of the casebook.

    Attributes:
        id: Its id.
        name: Its name.
        origin: Where it came from.
        owner: Who brought it in.
        changed: When its newest version was saved, in seconds since 1970.
        versions: How many versions it has.
        runs: How many runs.
        latest: The latest of them.
        draft: Whether the visitor has changes to it that are not saved.
    """

    id: str
    name: str
    origin: str
    owner: str
    changed: float
    versions: int
    runs: int
    latest: LatestRun | None
    draft: bool


class CasesPage(BaseModel):
    """The cases.

    Attributes:
        shipped: Cases that ship with Fieldshift.
        own: Cases of the casebook, the latest changed first: those of this page.
        total: How many there are, as far as they hold what is looked for.
        find: What is looked for in names, origins and owners.
        page: Which page this is, from 1.
        pages: How many pages there are.
        gone: Cases that were removed and can be brought back, where they are asked for.
        showing_gone: Whether they are.
        editable: Whether the visitor may open and change cases.
    """

    shipped: list[Shipped]
    own: list[Own]
    total: int
    find: str
    page: int
    pages: int
    gone: list[Own]
    showing_gone: bool
    editable: bool


class Looking(BaseModel):
    """What of the cases is shown: the state of the page."""

    find: Text = Field("", description="Words that the name, the origin or the owner holds.")
    page: int = Field(1, ge=1, le=100_000, description="Which page of them.")
    gone: bool = Field(False, description="Whether removed cases are shown too.")


class Opening(BaseModel):
    """Which shipped case to open."""

    shipped: Text


class Naming(BaseModel):
    """A case's new name."""

    name: Text = Field(min_length=1)


class Opened(BaseModel):
    """A case that is in the casebook now."""

    case: str


class Named(BaseModel):
    """A case: its id, its name, whether it was removed."""

    case: str
    name: str
    gone: bool


@page(router, "/cases", "cases.html.j2")
def all_cases(request: Request, desk: TheDesk, visitor: Viewer, looking: Annotated[Looking, Query()]) -> CasesPage:
    """Return the shipped cases and those of the casebook."""
    own, total = _own(desk, visitor, looking, gone=False)
    gone = _own(desk, visitor, looking, gone=True)[0] if looking.gone else []
    return CasesPage(
        shipped=[_shipped(name) for name in fs.cases()],
        own=own,
        total=total,
        find=looking.find,
        page=looking.page,
        pages=pages_of(total, _PER_PAGE),
        gone=gone,
        showing_gone=looking.gone,
        editable=visitor.may("analyst"),
    )


_READ: dict[str, Shipped] = {}


def _shipped(name: str) -> Shipped:
    if name not in _READ:
        scenario = fs.read(name)
        as_of = scenario.as_of.isoformat() if scenario.as_of else ""
        _READ[name] = Shipped(id=name, name=scenario.name, about=scenario.about or "", as_of=as_of)
    return _READ[name]


def _own(desk: Desk, visitor: Visitor, looking: Looking, gone: bool) -> tuple[list[Own], int]:
    """Return the cases of one page and how many there are in all."""
    text = func.lower(cases.c.name + " " + cases.c.origin + " " + cases.c.owner)
    words = (text.contains(word.lower(), autoescape=True) for word in looking.find.split()[:10])
    wanted = and_(cases.c.gone.is_(gone), *words)
    count = select(func.count()).where(versions.c.case_id == cases.c.id).scalar_subquery()
    ran = select(func.count()).where(runs.c.case_id == cases.c.id).scalar_subquery()
    mine = (drafts.c.case_id == cases.c.id) & (drafts.c.user_id == visitor.id)
    draft = select(func.count()).where(mine).scalar_subquery()
    columns = (cases, count.label("versions"), ran.label("runs"), draft.label("draft"))
    order = (cases.c.changed.desc(), cases.c.id)
    page = select(*columns).where(wanted).order_by(*order)
    with desk.db.connect() as store:
        total = store.scalar(select(func.count()).select_from(cases).where(wanted)) or 0
        rows = store.execute(page.limit(_PER_PAGE).offset((looking.page - 1) * _PER_PAGE)).all()
        ids = [row.id for row in rows]
        last = select(runs.c.case_id, func.max(runs.c.created).label("at")).where(runs.c.case_id.in_(ids))
        newest = last.group_by(runs.c.case_id).subquery()
        on = (runs.c.case_id == newest.c.case_id) & (runs.c.created == newest.c.at)
        found = store.execute(select(runs.c.case_id, runs.c.id, runs.c.state, runs.c.created).join(newest, on)).all()
    latest = {run.case_id: LatestRun(id=run.id, state=run.state, created=run.created) for run in found}
    return [
        Own(
            id=row.id,
            name=row.name,
            origin=row.origin,
            owner=row.owner,
            changed=row.changed,
            versions=row.versions,
            runs=row.runs,
            latest=latest.get(row.id),
            draft=bool(row.draft),
        )
        for row in rows
    ], total


# ------------------------------------------------------------------------------------------ coming in


def _open(desk: Desk, visitor: Visitor, shipped: str) -> str:
    if shipped not in fs.cases():
        raise NotHere(f"there is no shipped case '{shipped}'")
    return casebook.added(desk, visitor, fs.read(shipped), f"shipped: {shipped}")


@router.post("/cases", include_in_schema=False)
def open_form(desk: TheDesk, visitor: Analyst, shipped: Annotated[Text, Form()]) -> RedirectResponse:
    """Open a shipped case."""
    return RedirectResponse(f"/cases/{_open(desk, visitor, shipped)}", 303)


@router.post("/cases.json", status_code=201)
def open_data(desk: TheDesk, visitor: Analyst, body: Opening) -> Opened:
    """Open a shipped case: it stands in the casebook with its first version."""
    return Opened(case=_open(desk, visitor, body.shipped))


def _take_in(desk: Desk, visitor: Visitor, file: UploadFile) -> str:
    name, scenario = uploads.sent(desk.settings.limits, file)
    return casebook.added(desk, visitor, scenario, f"uploaded: {name}")


@router.post("/cases/upload", include_in_schema=False)
def upload_form(desk: TheDesk, visitor: Analyst, file: UploadFile) -> RedirectResponse:
    """Take in a zipped folder, a workbook or a YAML file."""
    return RedirectResponse(f"/cases/{_take_in(desk, visitor, file)}", 303)


_ONE_FILE = {
    "type": "object",
    "properties": {"file": {"type": "string", "contentMediaType": "application/octet-stream"}},
    "additionalProperties": False,
}
"""What an upload is: one file and nothing beside it."""


@router.post(
    "/cases/upload.json",
    status_code=201,
    openapi_extra={"requestBody": {"content": {"multipart/form-data": {"schema": _ONE_FILE}}}},
)
def upload_data(desk: TheDesk, visitor: Analyst, file: UploadFile) -> Opened:
    """Take in a zipped folder, a workbook or a YAML file; every problem is told with its place."""
    return Opened(case=_take_in(desk, visitor, file))


@router.post("/cases/{case}/duplicate", include_in_schema=False)
def duplicate_form(desk: TheDesk, visitor: Analyst, case: CaseId) -> RedirectResponse:
    """Make a case of its own from the newest version of another."""
    return RedirectResponse(f"/cases/{casebook.duplicated(desk, visitor, case)}", 303)


@router.post("/cases/{case}/duplicate.json", status_code=201)
def duplicate_data(desk: TheDesk, visitor: Analyst, case: CaseId) -> Opened:
    """Make a case of its own from the newest version of another."""
    return Opened(case=casebook.duplicated(desk, visitor, case))


# ------------------------------------------------------------------------------- names, coming and going


@router.post("/cases/{case}/rename", include_in_schema=False)
def rename_form(desk: TheDesk, visitor: Analyst, case: CaseId, name: Annotated[Text, Form()]) -> RedirectResponse:
    """Give a case another name."""
    casebook.name_given(desk, visitor, case, name)
    return RedirectResponse(f"/cases/{case}/history", 303)


@router.post("/cases/{case}/rename.json")
def rename_data(desk: TheDesk, visitor: Analyst, case: CaseId, body: Naming) -> Named:
    """Give a case another name in the casebook."""
    return _named(casebook.name_given(desk, visitor, case, body.name))


@router.post("/cases/{case}/gone", include_in_schema=False)
def gone_form(desk: TheDesk, visitor: Analyst, case: CaseId) -> RedirectResponse:
    """Remove a case; it can be brought back."""
    casebook.set_gone(desk, visitor, case, True)
    return RedirectResponse("/cases?gone=true#gone", 303)


@router.post("/cases/{case}/gone.json")
def gone_data(desk: TheDesk, visitor: Analyst, case: CaseId) -> Named:
    """Remove a case: it is not listed any more, its versions and runs stay in the store."""
    return _named(casebook.set_gone(desk, visitor, case, True))


@router.post("/cases/{case}/back", include_in_schema=False)
def back_form(desk: TheDesk, visitor: Analyst, case: CaseId) -> RedirectResponse:
    """Bring a removed case back."""
    casebook.set_gone(desk, visitor, case, False)
    return RedirectResponse(f"/cases/{case}", 303)


@router.post("/cases/{case}/back.json")
def back_data(desk: TheDesk, visitor: Analyst, case: CaseId) -> Named:
    """Bring a removed case back."""
    return _named(casebook.set_gone(desk, visitor, case, False))


def _named(case: casebook.Case) -> Named:
    return Named(case=case.id, name=case.name, gone=case.gone)


# ------------------------------------------------------------------------------------------ going out


@router.get("/cases/{case}/download/{form}", include_in_schema=False)
def download(
    desk: TheDesk,
    visitor: Viewer,
    case: CaseId,
    form: Literal["zip", "xlsx", "yaml"],
    version: Annotated[int | None, Query(ge=1, le=1_000_000)] = None,
) -> Response:
    """Give a version as a zipped folder, a workbook or one YAML file; the newest where none is named."""
    found = casebook.case_of(desk, case)
    number = version or found.newest
    scenario = casebook.scenario_of(desk, case, number)
    stem = "".join(char if char.isascii() and char.isalnum() else "-" for char in found.name.lower())[:60].strip("-")
    stem = f"{stem or 'case'}-{number}"
    with tempfile.TemporaryDirectory() as room:
        folder = Path(room)
        if form == "zip":
            fs.write(scenario, folder / "in" / stem)
            file = Path(shutil.make_archive(str(folder / stem), "zip", folder / "in", stem))
        else:
            file = fs.write(scenario, folder / f"{stem}.{form}")
        body = file.read_bytes()
    return Response(
        body, media_type=_FORMS[form], headers={"Content-Disposition": f'attachment; filename="{stem}.{form}"'}
    )
