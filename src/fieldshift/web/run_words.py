"""Runs as pages and programs get them: a row of the job table, and its first bands, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

import fieldshift as fs
from fieldshift.web import jobs, orders

__all__ = ["BandCell", "BandRow", "BandTable", "FirstBands", "RunTold", "first_bands", "told_of"]


class RunTold(BaseModel):
    """A run.

    Attributes:
        id, title: Its id, and what its author calls it.
        case, case_name, version: The case and the version that it is of.
        kind, asked: What kind of run, and what was asked.
        words: What was asked, in a line.
        author: Who asked for it.
        state: `queued`, `running`, `done`, `failed` or `cancelled`.
        phase: What it does at the moment.
        done, total: Parts of the phase that are finished, and all; no total where it is not known.
        remains: Seconds that the phase still takes, as its worker reckons, or None.
        message: Why it failed; of a finished run, what its reader should know.
        created, started, ended: When it was asked for, taken and over, in seconds since 1970.
        seconds: How long it took, or goes on already; None before it is taken.
        attempts: How often a worker took it.
        cancel: Whether it is to stop.
    """

    id: str
    title: str
    case: str
    case_name: str
    version: int
    kind: jobs.Kind
    asked: dict[str, Any]
    words: str
    author: str
    state: jobs.State
    phase: str
    done: int
    total: int
    remains: float | None
    message: str
    created: float
    started: float | None
    ended: float | None
    seconds: float | None
    attempts: int
    cancel: bool


def told_of(run: jobs.Run, now: float) -> RunTold:
    """Return a run as it is told.

    Args:
        run: The run.
        now: Seconds since 1970.
    """
    same = {name: getattr(run, name) for name in RunTold.model_fields if hasattr(run, name)}
    seconds = None if run.started is None else max(0.0, (run.ended or now) - run.started)
    return RunTold(**same, case=run.case_id, words=orders.sentence(run.kind, run.asked), seconds=seconds)


class BandCell(BaseModel):
    """A band at one date: the middle future, and in brackets what holds 80 % of futures.

    Attributes:
        words: It in words; empty where there is none.
        low, middle, high: Where it lies on its table's scale, from 0 to 100; None where there is none.
    """

    words: str
    low: float | None = None
    middle: float | None = None
    high: float | None = None


class BandRow(BaseModel):
    """A policy, and its band at each date."""

    policy: str
    cells: list[BandCell]


class BandTable(BaseModel):
    """A headline measure, by policy and date.

    Attributes:
        title, unit: What it is.
        rows: Its rows.
        scale: The two ends of the scale that all bands of the table are drawn on, in words; None where none is drawn.
    """

    title: str
    unit: str
    rows: list[BandRow]
    scale: tuple[str, str] | None


class FirstBands(BaseModel):
    """The first bands of a run that goes on.

    Attributes:
        draws, groups: Futures that they are from, and how many points of what is not known these have.
        dates: The dates, in words: `now`, `in 3 months`, ...
        tables: A table for each headline measure.
    """

    draws: int
    groups: int
    dates: list[str]
    tables: list[BandTable]


def first_bands(first: Mapping[str, Any] | None) -> FirstBands | None:
    """Return the first bands in words, or None where there are none."""
    if first is None:
        return None
    rows, titles = first["outlooks"], first["policies"]
    dates = list(dict.fromkeys(row["when"] for row in rows))
    tables = []
    for key in dict.fromkeys((row["measure"], row["of"]) for row in rows):
        mine = [row for row in rows if (row["measure"], row["of"]) == key]
        ends = _ends(mine)
        made = []
        for policy in dict.fromkeys(row["policy"] for row in mine):
            at = {row["when"]: _cell(row, ends) for row in mine if row["policy"] == policy}
            made.append(BandRow(policy=titles[policy], cells=[at.get(when, BandCell(words="")) for when in dates]))
        unit = mine[0]["unit"]
        shown = {"1": "", "1/year": "a year"}.get(unit, unit)
        scale = (fs.figure(ends[0], unit), fs.figure(ends[1], unit)) if ends[0] < ends[1] else None
        tables.append(BandTable(title=mine[0]["title"], unit=shown, rows=made, scale=scale))
    return FirstBands(draws=first["draws"], groups=first["groups"], dates=dates, tables=tables)


def _ends(rows: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """Return the ends of a scale that holds some bands, and 0 where they reach down to a good part of it."""
    values = [row[name] for row in rows for name in ("low", "high") if row[name] is not None]
    low, high = (min(values), max(values)) if values else (0.0, 0.0)
    return (min(0.0, low) if low < 0.5 * high else low), high


def _cell(row: Mapping[str, Any], ends: tuple[float, float]) -> BandCell:
    wide = ends[1] - ends[0]
    if row["middle"] is None or not wide:
        return BandCell(words=fs.band(row))
    low, middle, high = (round(100 * (row[name] - ends[0]) / wide, 1) for name in ("low", "middle", "high"))
    return BandCell(words=fs.band(row), low=low, middle=middle, high=high)
