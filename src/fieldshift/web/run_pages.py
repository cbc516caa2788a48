"""The pages of runs: ask for one, see how far it is, find it again."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, BeforeValidator, Field, ValidationError
from starlette.datastructures import FormData

import fieldshift as fs
from fieldshift.web import casebook, jobs, orders, result_pages
from fieldshift.web.desk import Desk, TheDesk
from fieldshift.web.doors import Analyst, NotAllowed, Viewer, Visitor
from fieldshift.web.orders import Asked, Choice
from fieldshift.web.pages import fragment, page, rendered
from fieldshift.web.run_words import FirstBands, RunTold, first_bands, told_of
from fieldshift.web.telling import told
from fieldshift.web.texts import CaseId, Text

__all__ = ["router"]

router = APIRouter()

SHOWN = 50
"""Runs on one page."""


# ------------------------------------------------------------------------------------ ask for a run


class RunForm(BaseModel):
    """What a run of a case can be asked for, and the runs that there are.

    Attributes:
        case, case_name: The case.
        version: Its newest version; with changes in work, the one that they would be saved as.
        changes: How many changes the visitor has in work: they are saved as a version before the run.
        problems: What is wrong with these changes: nothing can be run before it is mended.
        kinds, policies, measures: What can be chosen.
        most: Futures at most.
        asked: What stands in the form.
        wrong: What is wrong in the form, by field.
        last: How long the last run of each kind took, in words.
        runs: The newest runs of the case.
        count: How many there are in all.
    """

    case: str
    case_name: str
    version: int
    changes: int
    problems: list[str]
    kinds: list[Choice]
    policies: list[Choice]
    measures: list[Choice]
    most: int
    asked: dict[str, Any]
    wrong: dict[str, str]
    last: dict[str, str]
    runs: list[RunTold]
    count: int


@page(router, "/cases/{case}/run", "run_form.html.j2")
def run_form(case: CaseId, request: Request, desk: TheDesk, visitor: Viewer) -> RunForm:
    """Return what a run of this case can be asked for, and its newest runs."""
    return _form(desk, visitor, case, Asked().model_dump(), {})


def _form(desk: Desk, visitor: Visitor, case: str, asked: dict[str, Any], wrong: dict[str, str]) -> RunForm:
    work = casebook.draft_of(desk, visitor, case)
    scenario, problems = _scenario(desk, work)
    found, count = jobs.listed(desk, jobs.Listing(case=case, most=20))
    return RunForm(
        case=case,
        case_name=work.case.name,
        version=work.case.newest + bool(work.changes),
        changes=len(work.changes),
        problems=problems,
        kinds=orders.kinds_of(scenario),
        policies=[
            Choice(name=name, title=policy.title or name.replace("_", " "), about=policy.about or "")
            for name, policy in scenario.policies.items()
        ],
        measures=orders.measures_of(scenario),
        most=desk.settings.limits.draws,
        asked=asked,
        wrong=wrong,
        last=_last(found),
        runs=[told_of(run, desk.now()) for run in found],
        count=count,
    )


def _scenario(desk: Desk, work: casebook.Work) -> tuple[fs.Scenario, list[str]]:
    """Return what would be run, and what is wrong with it; then it is the version that was saved."""
    saved = casebook.scenario_of(desk, work.case.id, work.number)
    if not work.changes:
        return saved, []
    if work.behind:
        return saved, [casebook.Behind(work.case.newest).detail]
    try:
        scenario = work.draft.scenario()
    except fs.ScenarioError as error:
        return saved, [f"{problem.path or problem.where}: {problem.what}" for problem in error.problems]
    return scenario, []


def _last(runs: Any) -> dict[str, str]:
    """Return how long the newest finished run of each kind took: the only estimate that is not a guess."""
    found: dict[str, str] = {}
    for run in runs:
        if run.state == "done" and run.started and run.ended and run.kind not in found:
            took = max(1, round(run.ended - run.started))
            long = f"{took} s" if took < 90 else f"{took // 60} min {took % 60} s"
            found[run.kind] = f"The last one took {long} ({orders.in_words(run.kind, run.asked)})."
    return found


async def _sent(request: Request) -> FormData:
    return await request.form()


Sent = Annotated[FormData, Depends(_sent)]


@router.post("/cases/{case}/runs", include_in_schema=False)
def run_asked(case: CaseId, request: Request, desk: TheDesk, visitor: Analyst, sent: Sent) -> Response:
    """Put into the queue what a form asks for; a form with mistakes comes back with them beside the fields."""
    given: dict[str, Any] = {k: v for k, v in sent.items() if k != "policies"} | {"policies": sent.getlist("policies")}
    try:
        asked = Asked.model_validate(given)
    except ValidationError as error:
        return _back(request, desk, visitor, case, (given, orders.mistakes_in(error)))
    run, problems = _queued(desk, visitor, case, asked)
    if run is not None:
        return RedirectResponse(f"/runs/{run}", 303)
    wrong: dict[str, str] = {}
    for problem in problems:
        wrong.setdefault(problem.where, f"{problem.what} {problem.hint}".strip())
    return _back(request, desk, visitor, case, (asked.model_dump(), wrong))


def _back(
    request: Request, desk: Desk, visitor: Visitor, case: str, form: tuple[dict[str, Any], dict[str, str]]
) -> HTMLResponse:
    shown = Asked().model_dump() | {k: v for k, v in form[0].items() if isinstance(v, str | int | list)}
    return rendered(request, "run_form.html.j2", _form(desk, visitor, case, shown, form[1]), 422)


@router.get("/cases/{case}/runs", include_in_schema=False)
def run_asked_once(case: CaseId, visitor: Viewer) -> Response:
    """Lead back to the form whoever opens the address that it was sent to."""
    return RedirectResponse(f"/cases/{case}/run", 303)


@router.post("/cases/{case}/runs.json", status_code=201, response_model=RunTold)
def run_asked_data(case: CaseId, request: Request, desk: TheDesk, visitor: Analyst, asked: Asked) -> Any:
    """Put a run into the queue."""
    run, problems = _queued(desk, visitor, case, asked)
    if run is None:
        return told(request, 422, ("That cannot be run", "Mend these and try again."), problems)
    return told_of(jobs.get(desk, run), desk.now())


def _queued(desk: Desk, visitor: Visitor, case: str, asked: Asked) -> tuple[str | None, list[fs.Problem]]:
    """Return the run that is in the queue now, or what is wrong; a visitor's changes become a version first."""
    casebook.case_of(desk, case)
    _not_too_many(desk, visitor)
    work = casebook.draft_of(desk, visitor, case)
    scenario, _ = _scenario(desk, work)
    problems = orders.wrong_with(asked, scenario, desk.settings.limits)
    if problems:
        return None, problems
    version, given = casebook.committed(desk, visitor, case), orders.asked_of(asked, scenario)
    return _into_queue(desk, visitor, jobs.Order(case, version, asked.kind, given, asked.title.strip())), []


def _not_too_many(desk: Desk, visitor: Visitor) -> None:
    if jobs.waiting(desk, visitor.name) >= desk.settings.limits.waiting:
        raise fs.UsageError(f"You have {desk.settings.limits.waiting} runs that wait or go on: let some of them end.")


def _into_queue(desk: Desk, visitor: Visitor, order: jobs.Order) -> str:
    run = jobs.queued(desk, visitor.name, order)
    words = orders.in_words(order.kind, order.asked)
    desk.note(visitor.name, "ran", f"run {run}", case=order.case, version=order.version, kind=order.kind, asked=words)
    return run


# ------------------------------------------------------------------------------------------- a list


class Runs(BaseModel):
    """Runs, newest first.

    Attributes:
        runs: The runs.
        count: How many there are in all.
        skip: How many newer ones were left out.
        state, kind, case, author: Only those of it; None for all.
        case_name: The name of that case.
        newer, older: The query of the page before and of the next one, or nothing.
    """

    runs: list[RunTold]
    count: int
    skip: int
    state: jobs.State | None
    kind: jobs.Kind | None
    case: str | None
    author: str | None
    case_name: str
    newer: str
    older: str


_Id = Annotated[str, Field(pattern="^[a-z0-9]{1,20}$")]
_Name = Annotated[Text, Field(max_length=200)]
_OrAll = BeforeValidator(lambda given: given or None)
"""A field of a form that is left empty asks for all."""


def _wanted(
    state: Annotated[jobs.State | None, _OrAll] = None,
    kind: Annotated[jobs.Kind | None, _OrAll] = None,
    case: Annotated[_Id | None, _OrAll] = None,
    author: Annotated[_Name | None, _OrAll] = None,
    skip: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> jobs.Listing:
    return jobs.Listing(case, state, kind, author, SHOWN, skip)


_Which = Annotated[jobs.Listing, Depends(_wanted)]


@page(router, "/runs", "runs.html.j2")
def run_list(request: Request, desk: TheDesk, visitor: Viewer, which: _Which) -> Runs:
    """Return runs, newest first."""
    found, count = jobs.listed(desk, which)
    only = {"state": which.state, "kind": which.kind, "case": which.case, "author": which.author}
    query = urlencode({name: value for name, value in only.items() if value})
    after = which.skip + len(found)
    return Runs(
        runs=[told_of(run, desk.now()) for run in found],
        count=count,
        skip=which.skip,
        state=which.state,
        kind=which.kind,
        case=which.case,
        author=which.author,
        case_name=casebook.case_of(desk, which.case, gone=True).name if which.case else "",
        newer=f"{query}&skip={max(0, which.skip - SHOWN)}" if which.skip else "",
        older=f"{query}&skip={after}" if found and after < count else "",
    )


# --------------------------------------------------------------------------------------------- a run


class RunShown(BaseModel):
    """A run and what it tells so far.

    Attributes:
        run: The run.
        ahead: How many runs are taken before it, while it waits.
        first: The first bands, while it goes on.
        result: What it tells when it is done.
    """

    run: RunTold
    ahead: int | None = None
    first: FirstBands | None = None
    result: result_pages.Finished | None = None


def _shown(desk: Desk, row: jobs.Run) -> RunShown:
    ahead = jobs.before(desk, row) if row.state == "queued" else None
    first = first_bands(row.first) if row.state in ("running", "cancelled", "failed") else None
    return RunShown(run=told_of(row, desk.now()), ahead=ahead, first=first)


@router.get("/runs/{run}.json", response_model=RunShown)
def run_data(run: str, desk: TheDesk, visitor: Viewer) -> RunShown:
    """Return a run: how far it is, its first bands, and what it tells when it is done."""
    row = jobs.get(desk, run)
    shown = _shown(desk, row)
    if row.state == "done":
        shown.result = result_pages.finished_data(desk, row)
    return shown


@router.get("/runs/{run}", include_in_schema=False)
def run_page(run: str, request: Request, desk: TheDesk, visitor: Viewer) -> Response:
    """Return the page of a run: how far it is, or what it tells."""
    row = jobs.get(desk, run)
    if row.state == "done":
        return result_pages.finished(request, desk, visitor, row)
    return rendered(request, "run.html.j2", _shown(desk, row))


@router.get("/runs/{run}/progress", include_in_schema=False)
def run_progress(run: str, request: Request, desk: TheDesk, visitor: Viewer) -> Response:
    """Return how far a run is, to take its place on its page; when it is over the page is loaded again."""
    row = jobs.get(desk, run)
    if row.over:
        return Response(headers={"HX-Refresh": "true"})
    return HTMLResponse(fragment(request, "run_progress.html.j2", _shown(desk, row)))


@router.post("/runs/{run}/cancel", include_in_schema=False)
def run_cancelled(run: str, desk: TheDesk, visitor: Analyst) -> Response:
    """Cancel a run."""
    _cancel(desk, visitor, run)
    return RedirectResponse(f"/runs/{run}", 303)


@router.post("/runs/{run}/cancel.json", response_model=RunTold)
def run_cancelled_data(run: str, desk: TheDesk, visitor: Analyst) -> RunTold:
    """Cancel a run."""
    return told_of(_cancel(desk, visitor, run), desk.now())


def _cancel(desk: Desk, visitor: Visitor, run: str) -> jobs.Run:
    row = jobs.get(desk, run)
    if row.author != visitor.name and not visitor.may("admin"):
        raise NotAllowed("Only whoever asked for a run, or an admin, may cancel it.")
    if row.over or row.cancel:
        return row
    after = jobs.cancelled(desk, run)
    desk.note(visitor.name, "cancelled", f"run {run}", case=row.case_id)
    return after


@router.post("/runs/{run}/again", include_in_schema=False)
def run_again(run: str, desk: TheDesk, visitor: Analyst) -> Response:
    """Put what a run asked for into the queue once more."""
    return RedirectResponse(f"/runs/{_again(desk, visitor, run)}", 303)


@router.post("/runs/{run}/again.json", status_code=201, response_model=RunTold)
def run_again_data(run: str, desk: TheDesk, visitor: Analyst) -> RunTold:
    """Put what a run asked for into the queue once more, of the same version."""
    return told_of(jobs.get(desk, _again(desk, visitor, run)), desk.now())


def _again(desk: Desk, visitor: Visitor, run: str) -> str:
    row = jobs.get(desk, run)
    _not_too_many(desk, visitor)
    return _into_queue(desk, visitor, jobs.Order(row.case_id, row.version, row.kind, row.asked, row.title))
