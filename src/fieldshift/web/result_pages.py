"""What a finished run shows: the report's content, interactive; its numbers as data; its files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import FileResponse
from markupsafe import Markup
from pydantic import BaseModel

import fieldshift as fs
from fieldshift.web import jobs, keeping, orders, run_files
from fieldshift.web.desk import Desk, NotHere, TheDesk
from fieldshift.web.doors import Viewer, Visitor
from fieldshift.web.pages import rendered
from fieldshift.web.texts import Text

__all__ = ["Finished", "Series", "done", "finished", "finished_data", "router"]

router = APIRouter()

CHARTS = 12
"""Charts of chosen measures and sites on one page."""

_NONE: list[str] = []


class Series(BaseModel):
    """One measure under one policy over all its dates, of the nation or of a site.

    Attributes:
        policy, measure, of, site: What it is of; the site is `nation` or a site's id.
        title, unit: The measure's name for a reader, and its unit.
        dates: Dates, ISO; of a measure of periods, their first days.
        mean, low, middle, high: Mean, and 10 %, 50 % and 90 % quantiles over all futures; None where there is none.
    """

    policy: str
    measure: str
    of: str
    site: str
    title: str
    unit: str
    dates: list[str]
    mean: list[float | None]
    low: list[float | None]
    middle: list[float | None]
    high: list[float | None]


class Finished(BaseModel):
    """What a finished run tells.

    Attributes:
        told: Its headlines with their bands, changes from the base, and limits that bound, as `fieldshift run --json`
            tells them; of an exploration, its tables, as `fieldshift explore --json` does.
        series: The headline measures by policy over all dates.
        command: The command that repeats it where its files are.
        files: Names of its files; each is at `/runs/RUN/download/NAME`.
    """

    told: dict[str, Any]
    series: list[Series]
    command: str
    files: list[str]


@dataclass(frozen=True)
class Picks:
    """What a reader chose to see of a run; nothing of a kind means all of it, or the nation.

    Attributes:
        measures: Measures, such as `field` or `backlog.docket`.
        policies: Policies.
        sites: Ids of sites, `nation` among them.
    """

    measures: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()

    def known(self, kept: Mapping[str, Any]) -> None:
        """Raise UsageError for what the page of the run does not have, and for more than it shows."""
        choices = kept.get("choices", {"measures": [], "sites": {}})
        there: dict[str, tuple[tuple[str, ...], set[str]]] = {
            "policy": (self.policies, set(kept["policies"])),
            "measure": (self.measures, {measure["name"] for measure in choices["measures"]}),
            "office": (self.sites, {"nation", *choices["sites"]}),
        }
        for name, (asked, known) in there.items():
            missing = [value for value in asked if value not in known]
            if missing:
                raise fs.UsageError(f"This run has no {name} '{missing[0][:100]}'.")
        if len(self.measures) * max(1, len(self.sites)) > CHARTS:
            raise fs.UsageError(f"Choose fewer measures or offices: a page shows {CHARTS} charts of them.")


Named = Annotated[list[Text], Query(max_length=50)]


def _picks(measure: Named = _NONE, policy: Named = _NONE, site: Named = _NONE) -> Picks:
    return Picks(*(tuple(dict.fromkeys(names)) for names in (measure, policy, site)))


def finished_data(desk: Desk, row: jobs.Run) -> Finished:
    """Return what a finished run tells, as data."""
    folder = desk.settings.runs / row.id
    told = keeping.told_of(folder)
    return Finished(
        told=told,
        series=[Series(**one) for one in keeping.series_of(folder)],
        command=_command(desk, row, told),
        files=[file.name for file in run_files.files_of(desk, row)],
    )


def finished(request: Request, desk: Desk, visitor: Visitor, row: jobs.Run) -> Response:
    """Return the page of a finished run; what is chosen stands in its query: policy, measure, site, section."""
    folder = desk.settings.runs / row.id
    kept = keeping.page_of(folder)
    asked = {name: request.query_params.getlist(name) for name in ("measure", "policy", "site", "section")}
    picks = _picks(*(asked[name] for name in ("measure", "policy", "site")))
    picks.known(kept)
    # HTML of sections is made by `fs.report_parts` and `fs.picked_part`, which escape all that a planner wrote.
    sections = [section | {"html": Markup(section["html"])} for section in kept["sections"]]
    chosen = None
    if picks.measures:
        part = _part(folder, picks)
        chosen = {"id": part.id, "short": part.short, "html": Markup(part.html)}
    told = keeping.told_of(folder)
    others, _ = jobs.listed(desk, jobs.Listing(case=row.case_id, state="done", most=50))
    return rendered(
        request,
        "result.html.j2",
        {
            "run": row,
            "words": orders.sentence(row.kind, row.asked),
            "days": {name: _day(kept[name]) for name in ("as_of", "start", "end")},
            "kept": kept,
            "asked": asked,
            "sections": [s for s in sections if not asked["section"] or s["id"] in asked["section"]],
            "chosen": chosen,
            "query": request.url.query,
            "told": told,
            "files": run_files.files_of(desk, row),
            "command": _command(desk, row, told),
            "others": [other for other in others if other.id != row.id and other.kind != "explore"],
        },
    )


def _day(iso: str | None) -> str:
    """Return a date for a reader: `17 Nov 2024`."""
    if not iso:
        return ""
    day = dt.date.fromisoformat(iso)
    return f"{day.day} {day:%b} {day.year}"


def _command(desk: Desk, row: jobs.Run, told: dict[str, Any]) -> str:
    return run_files.command_of(desk, row, [int(told.get(name, 0)) for name in ("draws", "seed", "groups")])


@lru_cache(maxsize=32)
def _picked(folder: Path, picks: Picks) -> fs.Picked:
    return fs.picked(folder / keeping.RUN, picks.measures, picks.policies, picks.sites)


@lru_cache(maxsize=32)
def _part(folder: Path, picks: Picks) -> fs.Part:
    return fs.picked_part(_picked(folder, picks))


def _series(folder: Path, picks: Picks) -> list[Series]:
    found = _picked(folder, picks)
    entries = {entry.key: entry for entry in found.entries}
    made = []
    for words, rows in found.table.groupby(["policy", "measure", "of", "site"], sort=False):
        policy, measure, of, site = map(str, words)
        entry = entries[measure, of]
        numbers = {name: keeping.numbers_of(rows[stat].tolist()) for name, stat in keeping.STATS.items()}
        dates = rows["date"].dt.strftime("%Y-%m-%d").tolist()
        words_ = {"policy": policy, "measure": measure, "of": of, "site": site}
        made.append(Series(**words_, title=entry.title, unit=entry.unit, dates=dates, **numbers))
    return made


def done(desk: Desk, run: str) -> jobs.Run:
    """Return a run that is done.

    Raises:
        NotHere: There is none, or it is not done.
    """
    row = jobs.get(desk, run)
    if row.state != "done":
        raise NotHere("This run is not done.")
    return row


_KEPT = {"Cache-Control": "private, max-age=3600"}
"""What belongs to a finished run does not change."""


@router.get("/runs/{run}/data/{section}.json", response_model=dict[str, Any])
def data(run: str, section: str, desk: TheDesk, visitor: Viewer) -> Response:
    """Give what a section's charts are drawn from."""
    file = desk.settings.runs / done(desk, run).id / f"data-{section}.json"
    if not keeping.WORD.fullmatch(section) or not file.is_file():
        raise NotHere("There is no such section.")
    return FileResponse(file, media_type="application/json", headers=_KEPT)


@router.get("/runs/{run}/chosen.json", response_model=dict[str, Any])
def chosen_data(run: str, desk: TheDesk, visitor: Viewer, picks: Annotated[Picks, Depends(_picks)]) -> Response:
    """Give what the charts of chosen measures and sites are drawn from."""
    return Response(_part(_there(desk, run, picks), picks).data, media_type="application/json", headers=_KEPT)


@router.get("/runs/{run}/series.json")
def chosen_series(run: str, desk: TheDesk, visitor: Viewer, picks: Annotated[Picks, Depends(_picks)]) -> list[Series]:
    """Give chosen measures by policy and site over all dates."""
    return _series(_there(desk, run, picks), picks)


def _there(desk: Desk, run: str, picks: Picks) -> Path:
    """Return the folder of a run that has what is chosen."""
    folder = desk.settings.runs / done(desk, run).id
    picks.known(keeping.page_of(folder))
    if not picks.measures:
        raise fs.UsageError("Choose a measure.")
    return folder


@router.get("/runs/{run}/download/{name}", include_in_schema=False)
def download(run: str, name: str, desk: TheDesk, visitor: Viewer) -> Response:
    """Give a file of a run, to be kept by whoever asks."""
    row = done(desk, run)
    file = run_files.file_of(desk, row, name)
    plain = name in ("base.yaml", "overlay.yaml", "scenario.yaml")  # the command that repeats the run names them
    return FileResponse(
        file, media_type=run_files.FILES[name].kind, filename=name if plain else f"fieldshift-{row.id}-{name}"
    )
