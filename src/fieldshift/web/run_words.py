"""Runs as pages and programs get them: a row of the job table, and its first bands, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

import fieldshift as fs
from fieldshift.web import jobs, orders

__all__ = ["BandRow", "BandTable", "FirstBands", "RunTold", "first_bands", "told_of"]


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


class BandRow(BaseModel):
    """A policy, and its band at each date: the middle future, and in brackets what holds 80 % of futures."""

    policy: str
    cells: list[str]


class BandTable(BaseModel):
    """A headline measure, by policy and date."""

    title: str
    unit: str
    rows: list[BandRow]


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
        made = []
        for policy in dict.fromkeys(row["policy"] for row in mine):
            at = {row["when"]: fs.band(row) for row in mine if row["policy"] == policy}
            made.append(BandRow(policy=titles[policy], cells=[at.get(when, "") for when in dates]))
        unit = {"1": "", "1/year": "a year"}.get(mine[0]["unit"], mine[0]["unit"])
        tables.append(BandTable(title=mine[0]["title"], unit=unit, rows=made))
    return FirstBands(draws=first["draws"], groups=first["groups"], dates=dates, tables=tables)
