"""A file that was changed elsewhere, such as a downloaded workbook, taken in as the next version of its case."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, UploadFile
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

import fieldshift as fs
from fieldshift.web import casebook, uploads
from fieldshift.web.desk import Desk, TheDesk
from fieldshift.web.doors import Analyst, Visitor
from fieldshift.web.telling import Told
from fieldshift.web.texts import CaseId, Text

__all__ = ["router"]

router = APIRouter()
_FORM = {
    "type": "object",
    "properties": {
        "file": {"type": "string", "contentMediaType": "application/octet-stream"},
        "note": {"type": "string"},
    },
    "required": ["file"],
    "additionalProperties": False,
}


class TakenIn(BaseModel):
    """The version that holds now, and whether it is a new one."""

    version: int
    saved: bool


def _take_in(desk: Desk, visitor: Visitor, case: str, file: UploadFile, note: str) -> TakenIn:
    """Save a file as the next version; one that says the same as the newest saves nothing."""
    there = casebook.case_of(desk, case)
    name, scenario = uploads.sent(desk.settings.limits, file)
    if fs.digest(scenario) == fs.digest(casebook.scenario_of(desk, case, there.newest)):
        return TakenIn(version=there.newest, saved=False)
    number = casebook.saved_next(desk, visitor, there, scenario, note.strip() or f"From {name}")
    return TakenIn(version=number, saved=True)


@router.post("/cases/{case}/upload", include_in_schema=False)
def upload_form(
    desk: TheDesk, visitor: Analyst, case: CaseId, file: UploadFile, note: Annotated[Text, Form()] = ""
) -> RedirectResponse:
    """Take in a file as the next version of a case."""
    taken = _take_in(desk, visitor, case, file, note)
    if not taken.saved:
        raise fs.UsageError(f"The file says the same as version {taken.version}, so nothing was saved.")
    return RedirectResponse(f"/cases/{case}/history", 303)


@router.post(
    "/cases/{case}/upload.json",
    openapi_extra={"requestBody": {"content": {"multipart/form-data": {"schema": _FORM}}}},
    responses={409: {"model": Told, "description": "Somebody else was quicker"}},
)
def upload_data(
    desk: TheDesk, visitor: Analyst, case: CaseId, file: UploadFile, note: Annotated[Text, Form()] = ""
) -> TakenIn:
    """Take in a file as the next version of a case; every problem is told with its place."""
    return _take_in(desk, visitor, case, file, note)
