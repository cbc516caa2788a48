"""When: the horizon, events with two dates, and how arrivals respond to them."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import Field

from fieldshift.scenario.schema.amount import Amount, Part, number

__all__ = ["Event", "Horizon", "Profile"]


class Horizon(Part):
    """The periods that a scenario covers."""

    start: dt.date = Field(dt.date(2000, 1, 1), description="The first day; counts given as `start` hold on it.")
    periods: int = Field(description="How many periods; there is one instant more.", ge=1, le=6000)
    step: Literal["day", "week", "month", "quarter", "year"] = Field("week", description="How long a period is.")
    fiscal_year_starts: str = Field(
        "01-01",
        description="Month and day on which a fiscal year starts; it is named for the year it ends in.",
        pattern=r"^\d{2}-\d{2}$",
    )


class Event(Part):
    """Something dated that others respond to. Announcement and effect are two dates."""

    title: str | None = Field(None, description="Its name for a reader.")
    announced: dt.date | None = Field(None, description="When it becomes known.")
    effect: dt.date | None = Field(None, description="When it takes effect.")
    source: str | None = Field(None, description="Where the dates come from.")
    note: str | None = Field(None, description="What a reader must know.")


class Profile(Part):
    """How arrivals or rates respond to an event: a multiplier by weeks before and after it."""

    event: str = Field(description="The event.")
    at: Literal["announced", "effect"] = Field("announced", description="Which of its two dates is week 0.")
    weeks: dict[int, float] = Field(
        description="Multiplier at a number of weeks after the date (negative: before); straight lines between, "
        "the first and last value beyond."
    )
    strength: Amount = number(
        "1",
        "How much of the response happens: 0 is none, 1 is all; a range that includes 0 includes no reaction.",
        1,
    )
    source: str | None = Field(None, description="Where the response comes from.")
    note: str | None = Field(None, description="What a reader must know.")
