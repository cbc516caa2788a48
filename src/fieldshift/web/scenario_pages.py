"""The page of a scenario: its levers and parts, read by everybody, changed by analysts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, Field, ValidationError

import fieldshift as fs
from fieldshift.web import casebook, edits, renaming, saying
from fieldshift.web.desk import Desk, TheDesk
from fieldshift.web.doors import Analyst, Viewer, Visitor
from fieldshift.web.pages import fragment, page
from fieldshift.web.scenario_views import ScenarioPage, Shown, Side, page_of, side_of, where_shown
from fieldshift.web.telling import Told
from fieldshift.web.texts import CaseId, LongText, PlainValue, Text

__all__ = ["router"]

router = APIRouter()
_Kind = TypeVar("_Kind", bound=BaseModel)
_TOO_LATE: dict[int | str, dict[str, Any]] = {409: {"model": Told, "description": "Somebody else was quicker"}}
_MOST_FIELDS = 10_000


class Changes(BaseModel):
    """Changes to a draft: texts as a form has them, or values as a scenario has them, by path."""

    texts: dict[Text, LongText] = Field(default_factory=dict, max_length=_MOST_FIELDS)
    values: dict[Text, PlainValue] = Field(default_factory=dict, max_length=5_000)
    seen: float | None = Field(None, description="When the draft was last changed as far as the sender knows, or null.")


class Undo(BaseModel):
    """What to undo: a path, or everything; to the version that the draft changes, or to the first."""

    path: Text = ""
    to: Literal["saved", "base"] = "saved"


class New(BaseModel):
    """A new part: where, and its name; or a part, and its new name."""

    at: Text
    name: Text = ""


class Attribute(BaseModel):
    """A new attribute of sites, and what it is everywhere at first."""

    name: Text
    text: Text = "0"


class Place(BaseModel):
    """A part or an entry, by path."""

    path: Text


class Saying(BaseModel):
    """How a number is to be said."""

    path: Text
    form: saying.Said


class Nothing(BaseModel):
    """Nothing has to be said."""


class Note(BaseModel):
    """What a version is saved for."""

    note: Text = ""


class Saved(BaseModel):
    """The version that holds now."""

    version: int


@page(router, "/cases/{case}", "scenario.html.j2")
def scenario(
    request: Request,
    desk: TheDesk,
    visitor: Viewer,
    case: CaseId,
    shown: Annotated[Shown, Query()],
) -> ScenarioPage:
    """Return a scenario in work: its levers, or its parts of one kind, or one part."""
    return page_of(desk, casebook.draft_of(desk, visitor, case), visitor.may("analyst"), shown)


@router.get("/cases/{case}/side", include_in_schema=False)
def side(request: Request, desk: TheDesk, visitor: Viewer, case: CaseId) -> HTMLResponse:
    """Return what is told beside every form, every check made."""
    return _side(request, desk, visitor, case, full=True)


@router.get("/cases/{case}/side.json")
def side_data(desk: TheDesk, visitor: Viewer, case: CaseId) -> Side:
    """Return what is told beside every form: what is changed, and what is wrong, every check made."""
    return side_of(desk, casebook.draft_of(desk, visitor, case), visitor.may("analyst"), full=True)


@router.get("/cases/{case}/check", include_in_schema=False)
def check(desk: TheDesk, visitor: Viewer, case: CaseId) -> RedirectResponse:
    """Make every check, then show the scenario with what they found: for a browser without scripts."""
    side_of(desk, casebook.draft_of(desk, visitor, case), visitor.may("analyst"), full=True)
    return RedirectResponse(f"/cases/{case}#side", 303)


@router.get("/cases/{case}/at", include_in_schema=False)
def at(desk: TheDesk, visitor: Viewer, case: CaseId, path: Annotated[Text, Query()] = "") -> RedirectResponse:
    """Show the form on which a path stands."""
    shown = where_shown(casebook.draft_of(desk, visitor, case), path)
    spot = f"#f-{quote(path, safe='')}" if path else ""
    return RedirectResponse(f"/cases/{case}?{urlencode(shown)}{spot}", 303)


def _side(request: Request, desk: Desk, visitor: Visitor, case: str, full: bool = False) -> HTMLResponse:
    work = casebook.draft_of(desk, visitor, case)
    told = side_of(desk, work, visitor.may("analyst"), full)
    return HTMLResponse(fragment(request, "scenario_side.html.j2", {"side": told}))


async def _sent(request: Request) -> list[tuple[str, str]]:
    """Return the fields of a form in their order."""
    form = await request.form(max_files=0, max_fields=_MOST_FIELDS)
    return [(name, value) for name, value in form.multi_items() if isinstance(value, str)]


Sent = Annotated[list[tuple[str, str]], Depends(_sent)]


def _after(request: Request, desk: Desk, visitor: Visitor, case: str, sent: dict[str, str]) -> Response:
    """Answer a form: with what stands beside it where a script sent it, else with the page that it was on."""
    if request.headers.get("hx-request") == "true":
        return _side(request, desk, visitor, case)
    return RedirectResponse(f"/cases/{case}?{sent.get('back', '')}", 303)


def _read(kind: type[_Kind], sent: dict[str, str]) -> _Kind:
    """Return the fields of a form as a model: what does not fit is refused as in JSON."""
    try:
        return kind.model_validate({key: value for key, value in sent.items() if key in kind.model_fields})
    except ValidationError as error:
        raise RequestValidationError([found | {"loc": ("body", *found["loc"])} for found in error.errors()]) from None


def _action(path: str, kind: type[_Kind], do: Callable[[Desk, Visitor, str, _Kind], dict[str, str] | None]) -> None:
    """Let a form at a path and JSON at the same path with `.json` do the same.

    Args:
        path: The last part of the address.
        kind: What is sent.
        do: What is done with it; it may return words for the page's address, such as the part to open.
    """

    def by_form(request: Request, desk: TheDesk, visitor: Analyst, case: CaseId, sent: Sent) -> Response:
        fields = dict(sent)
        more = do(desk, visitor, case, _read(kind, fields))
        return _after(request, desk, visitor, case, fields if more is None else {"back": urlencode(more)})

    def by_data(desk: TheDesk, visitor: Analyst, case: CaseId, body: Any) -> Side:
        do(desk, visitor, case, body)
        return side_of(desk, casebook.draft_of(desk, visitor, case), editable=True)

    by_data.__annotations__["body"] = kind
    by_data.__doc__ = do.__doc__
    name = path.replace("-", "_")
    router.add_api_route(f"/cases/{{case}}/{path}", by_form, methods=["POST"], include_in_schema=False, name=name)
    router.add_api_route(
        f"/cases/{{case}}/{path}.json",
        by_data,
        methods=["POST"],
        name=f"{name}_data",
        response_model=Side,
        responses=_TOO_LATE,
    )


# ------------------------------------------------------------------------------------------- changes


@router.post("/cases/{case}/changes", include_in_schema=False)
def changes_form(request: Request, desk: TheDesk, visitor: Analyst, case: CaseId, sent: Sent) -> Response:
    """Keep what the fields of a form say."""
    fields = dict(sent)
    said = _read(Changes, {"seen": fields["seen"]} if fields.get("seen") else {})
    texts = Changes.model_validate({"texts": {name: text for name, text in sent if ":" in name}}).texts
    _keep(desk, visitor, case, Changes(texts=texts, seen=said.seen))
    return _after(request, desk, visitor, case, fields)


@router.post("/cases/{case}/changes.json", responses=_TOO_LATE)
def changes_data(desk: TheDesk, visitor: Analyst, case: CaseId, body: Changes) -> Side:
    """Keep changes in the visitor's draft, those that do not fit as well; the answer tells their problems."""
    texts = {name if name.startswith("lever:") else f"f:{name}": text for name, text in body.texts.items()}
    _keep(desk, visitor, case, body.model_copy(update={"texts": texts}))
    return side_of(desk, casebook.draft_of(desk, visitor, case), editable=True)


def _keep(desk: Desk, visitor: Visitor, case: str, said: Changes) -> None:
    def edit(work: casebook.Work) -> fs.Draft:
        if said.seen is not None and said.seen != (work.at or 0.0):
            raise HTTPException(
                409,
                "Your draft was changed in another window after this page was loaded, so nothing of this form was "
                "kept. Load the page again and make the change there.",
            )
        draft = edits.with_values(work, said.values)
        return edits.with_texts(dataclasses.replace(work, draft=draft), said.texts.items())

    casebook.edited(desk, visitor, case, edit)


def _undo(desk: Desk, visitor: Visitor, case: str, said: Undo) -> None:
    """Undo a change of the draft, or all."""
    casebook.edited(desk, visitor, case, lambda work: edits.undone(work, said.path, said.to))


def _add(desk: Desk, visitor: Visitor, case: str, said: New) -> dict[str, str] | None:
    """Add a part, an entry of a list, or a date to a number."""
    made = ""

    def edit(work: casebook.Work) -> fs.Draft:
        nonlocal made
        draft, made = edits.part_added(work, said.at, said.name)
        return draft

    work = casebook.edited(desk, visitor, case, edit)
    way = work.draft.way(made)
    if way[-2] in ("sites", "dates", "years", "grid", "of") and len(way) > 2:
        return None
    return {"part": str(way[0]), "open": made}


def _remove(desk: Desk, visitor: Visitor, case: str, said: Place) -> dict[str, str]:
    """Remove a part or an entry; it can be undone."""
    casebook.edited(desk, visitor, case, lambda work: edits.removed(work, said.path))
    parts = said.path.split(".")
    return {"part": parts[0]} | ({"open": ".".join(parts[:2])} if len(parts) > 2 else {})


def _attribute(desk: Desk, visitor: Visitor, case: str, said: Attribute) -> None:
    """Give every site one more attribute, which other parts may name."""
    casebook.edited(desk, visitor, case, lambda work: edits.attribute_added(work, said.name, said.text))


def _rename(desk: Desk, visitor: Visitor, case: str, said: New) -> dict[str, str]:
    """Give a part another name, and all that refer to it by name the new one."""
    casebook.edited(desk, visitor, case, lambda work: renaming.renamed(work, said.at, said.name))
    part = said.at.split(".")[0]
    return {"part": part, "open": f"{part}.{said.name.strip()}"}


def _say(desk: Desk, visitor: Visitor, case: str, said: Saying) -> None:
    """Say a number another way: one value, or one for each site, date or year."""
    casebook.edited(desk, visitor, case, lambda work: saying.said_by(work, said.path, said.form))


def _discard(desk: Desk, visitor: Visitor, case: str, said: Nothing) -> None:
    """Let the whole draft go."""
    casebook.thrown_away(desk, visitor, case)


def _bring_over(desk: Desk, visitor: Visitor, case: str, said: Nothing) -> None:
    """Let the draft change the newest version, which somebody else saved meanwhile."""
    casebook.brought_over(desk, visitor, case)


_action("undo", Undo, _undo)
_action("parts", New, _add)
_action("remove", Place, _remove)
_action("attributes", Attribute, _attribute)
_action("rename-part", New, _rename)
_action("say", Saying, _say)
_action("discard", Nothing, _discard)
_action("bring-over", Nothing, _bring_over)


# ------------------------------------------------------------------------------------------- versions


@router.post("/cases/{case}/save", include_in_schema=False)
def save_form(request: Request, desk: TheDesk, visitor: Analyst, case: CaseId, sent: Sent) -> Response:
    """Save the draft as the next version."""
    fields = dict(sent)
    casebook.committed(desk, visitor, case, _read(Note, fields).note)
    return RedirectResponse(f"/cases/{case}?{fields.get('back', '')}", 303)


@router.post("/cases/{case}/save.json", responses=_TOO_LATE)
def save_data(desk: TheDesk, visitor: Analyst, case: CaseId, body: Note) -> Saved:
    """Save the draft as the next version; without changes nothing is saved."""
    return Saved(version=casebook.committed(desk, visitor, case, body.note))
