"""What happened: observed series that a model can be fitted to and scored against."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from fieldshift.scenario.schema.amount import Part
from fieldshift.scenario.schema.people import Names

__all__ = ["Fit", "Row", "Series"]


class Row(Part):
    """One observed number."""

    date: str = Field(
        description="Its date: a day (`2021-03-31`), a month (`2021-03`), a quarter (`2021-Q1`) or a year (`2021`)."
    )
    value: float | None = Field(None, description="The number; nothing where it is missing, which is not 0.")
    site: str | None = Field(None, description="The site that it is of; of the whole where none is named.")
    published: dt.date | None = Field(None, description="When it became known; before that nothing may use it.")

    @model_validator(mode="before")
    @classmethod
    def _text(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and isinstance(given.get("date"), int | dt.date):
            return {**given, "date": str(given["date"])}
        return given


class Series(Part):
    """An observed series: what a measure of the model was in the world.

    Rows stand in a table (`table: decisions.csv`) or in the file itself (`rows:`).
    """

    title: str | None = Field(None, description="Its name for a reader.")
    of: Names = Field(
        description="The measure that it observed, with its part: `on_board`, `people.officers`, `losses.quit`, "
        "`served.decisions`, `backlog.claims`; several are added up."
    )
    table: str | None = Field(
        None,
        description="A CSV file with columns `date` (or `month`, `quarter`, `year`), `value`, and, where wanted, "
        "`site` and `published` (or `as_of`); an empty value is missing.",
    )
    column: str | None = Field(
        None, description="The column of the table that holds the number, where it is not `value`; others are ignored."
    )
    rows: tuple[Row, ...] = Field((), description="The observed numbers, where no table is named.")
    kind: Literal["stock", "flow", "average"] | None = Field(
        None,
        description="`stock`: a count at an instant; `flow`: a sum over the interval that ends there; `average`: a "
        "mean over it. By default what the measure is.",
    )
    every: Literal["day", "week", "month", "quarter", "year"] | None = Field(
        None, description="How long the interval of a row is; by default as its dates are written or spaced."
    )
    dated: Literal["first", "last"] | None = Field(
        None,
        description="Whether a day is the first or the last of its interval, and whether a stock is counted at that "
        "end of it. By default the last, but the first where every date is the first of a month.",
    )
    counts: Literal["headcount", "fte"] | None = Field(
        None, description="What people are counted in: heads or full-time equivalents; the two are never mixed."
    )
    site: str | None = Field(None, description="The site that all of it is of.")
    delay: int = Field(0, description="Days after its interval until a row is known, where no column says.", ge=0)
    drives: str | None = Field(
        None,
        description="The number of the scenario that it is the past of, by path: an input such as "
        "`work.claims.arrive` or `policies.as_was.rules.0.amount`. Observed values stand there as far as they are "
        "known, the scenario's own number after.",
    )
    source: str | None = Field(None, description="Where the numbers come from.")
    as_of: dt.date | str | int | None = Field(None, description="When they were taken from there.")
    note: str | None = Field(None, description="What a reader must know to judge them.")
    assumption: bool = Field(False, description="True where the numbers are invented, and marked as such.")

    @model_validator(mode="after")
    def _has_numbers(self) -> Series:
        if self.table is not None and self.rows:
            raise ValueError("says its numbers in 2 ways (table, rows): keep one")
        if self.table is None and not self.rows:
            raise ValueError("has no numbers: give `table` or `rows`")
        return self


class Fit(Part):
    """What is fitted to what."""

    fit: tuple[str, ...] = Field(
        (), description="Unknowns that are fitted, by path (`flows.quit.rate`); all that move the series by default."
    )
    by_site: tuple[str, ...] = Field(
        (),
        description="Of these, numbers with a range that get a value for each site, drawn towards each other as far "
        "as the data allow.",
    )
    to: tuple[str, ...] = Field((), description="Series that they are fitted to; all by default.")
    until: dt.date | None = Field(None, description="The last day whose rows, and rows known by then, are used.")
    policy: str | None = Field(None, description="The policy that was in force; the first by default.")
