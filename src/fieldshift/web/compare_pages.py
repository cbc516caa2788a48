"""Runs side by side: which ones, on the same axes, and in what their inputs differ."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request, Response
from fastapi.responses import FileResponse
from markupsafe import Markup
from pydantic import BaseModel

import fieldshift as fs
from fieldshift.web import comparing, jobs, keeping, orders
from fieldshift.web.desk import Desk, NotHere, TheDesk
from fieldshift.web.differences import Difference
from fieldshift.web.doors import Viewer
from fieldshift.web.pages import rendered
from fieldshift.web.texts import Text

__all__ = ["router"]

router = APIRouter()

_WAIT = 0.3
_PATIENCE = 30.0
"""Seconds that a page waits for a comparison that is being made."""

_RUNS: list[str] = []

Runs = Annotated[list[Text], Query(alias="run", max_length=20, description="Runs, the base first.")]
Policies = Annotated[list[Text], Query(alias="policy", max_length=50, description="Policies; none means all.")]
Measures = Annotated[
    list[Text], Query(alias="measure", max_length=50, description="Measures; none means the headlines.")
]


def _sides(
    desk: TheDesk, visitor: Viewer, run: Runs = _RUNS, policy: Policies = _RUNS, measure: Measures = _RUNS
) -> comparing.Sides | None:
    """Return what is to be set side by side, or None where no run was named."""
    return comparing.sides_of(desk, run, policy, measure) if run else None


TheSides = Annotated[comparing.Sides | None, Depends(_sides)]


class RunSide(BaseModel):
    """A run of a comparison.

    Attributes:
        id, label: Its id, and its label in the comparison.
        case, case_name, version: The case and the version that it is of.
        words: What was asked of it, in a line.
        author, created: Who asked for it, and when, in seconds since 1970.
    """

    id: str
    label: str
    case: str
    case_name: str
    version: int
    words: str
    author: str
    created: float


class Inputs(BaseModel):
    """In what a run's inputs differ from those of the first.

    Attributes:
        label: The run's label.
        same_case: Whether both are versions of one case.
        count: How many differences there are.
        differences: The first of them.
    """

    label: str
    same_case: bool
    count: int
    differences: list[Difference]


class Compared(BaseModel):
    """Runs side by side.

    Attributes:
        runs: The runs, the first being the one that the others are compared with.
        policies: The policies that are compared, by name with their titles.
        paired: Whether all meet the same futures; then differences have bands.
        unpaired: In what the runs differ if not.
        differences: By policy (of one run: under an empty title) the rows that `fieldshift compare --json` tells.
        inputs: In what their inputs differ.
    """

    runs: list[RunSide]
    policies: dict[str, str]
    paired: bool
    unpaired: str
    differences: dict[str, list[dict[str, Any]]]
    inputs: list[Inputs]


@router.get("/compare.json")
def compared_data(desk: TheDesk, visitor: Viewer, sides: TheSides) -> Compared:
    """Set runs side by side."""
    if sides is None:
        raise fs.UsageError(f"Choose two to {comparing.MOST} runs, or one run with several policies.")
    kept = comparing.made(desk, sides, _PATIENCE)
    if kept is None:
        raise HTTPException(503, "The comparison is being made. Ask again in a minute.", {"Retry-After": "10"})
    return Compared(
        runs=_runs(sides),
        policies=dict(sides.policies),
        paired=not kept["unpaired"],
        unpaired=kept["unpaired"],
        differences=kept["rows"],
        inputs=kept["inputs"],
    )


@router.get("/compare", include_in_schema=False)
def compare_page(request: Request, desk: TheDesk, visitor: Viewer, sides: TheSides) -> Response:
    """Show runs side by side, or the runs to choose from."""
    if sides is None:
        return rendered(request, "compare_choose.html.j2", {"runs": _choice(desk)})
    kept = comparing.made(desk, sides, _WAIT)
    shown: dict[str, Any] = {"runs": _runs(sides), "policies": dict(sides.policies), "kept": kept, "key": sides.key}
    if kept is None:
        return rendered(request, "compare_wait.html.j2", shown)
    # HTML of sections is made by `fs.comparison_parts`, which escapes all that a planner wrote.
    shown["sections"] = [section | {"html": Markup(section["html"])} for section in kept["sections"]]
    shown["all_policies"] = dict(sides.shared)
    shown |= {"measures": sides.measures, "choice": sides.choice}
    return rendered(request, "compare.html.j2", shown)


@router.get("/compare/data/{key}/{section}.json", response_model=dict[str, Any])
def compare_section(
    key: Annotated[str, Path(pattern=comparing.WORD)], section: str, desk: TheDesk, visitor: Viewer
) -> Response:
    """Give what a section's charts are drawn from."""
    file = comparing.folder_of(desk, key) / f"data-{section}.json"
    if not keeping.WORD.fullmatch(section) or not file.is_file():
        raise NotHere("There is no such section.")
    return FileResponse(file, media_type="application/json", headers={"Cache-Control": "private, max-age=3600"})


def _runs(sides: comparing.Sides) -> list[RunSide]:
    return [
        RunSide(
            id=row.id,
            label=label,
            case=row.case_id,
            case_name=row.case_name,
            version=row.version,
            words=orders.in_words(row.kind, row.asked),
            author=row.author,
            created=row.created,
        )
        for row, label in zip(sides.rows, sides.labels, strict=True)
    ]


def _choice(desk: Desk) -> list[jobs.Run]:
    found, _ = jobs.listed(desk, jobs.Listing(state="done", most=100))
    return [row for row in found if row.kind != "explore"]
