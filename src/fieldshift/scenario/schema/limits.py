"""What binds: resources, budgets, needs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from fieldshift.scenario.schema.amount import Amount, Part, number
from fieldshift.scenario.schema.people import Names

__all__ = ["Budget", "Lapse", "Need", "Price", "PriceStep", "Resource"]


class Resource(Part):
    """A linear limit: seats, beds, vehicles, floors, posts, instructors, hours."""

    title: str | None = Field(None, description="Its name for a reader.")
    unit: str = Field("unit", description="What is counted: `seat`, `bed`, `vehicle`, `post`, `person`, ...")
    per: Literal["site", "nation"] | None = Field(
        None,
        description="Whether each site has its own; by its cap (`per site` or a table of sites), else the nation.",
    )
    cap: Amount | None = number("unit", "Most that may be in use (or taken in a period).")
    at_least: Amount | None = number("unit", "Least that must be kept, or taken in a period: a floor.")
    hold: Names | dict[str, float] = Field(
        (), description="Stocks (and choices under way) whose people each hold one, or so many."
    )
    supply: dict[str, Any] = Field(
        default_factory=dict, description="Stocks (and choices under way) whose people each bring so many more."
    )
    rank: str | None = Field(None, description="A site attribute: lower is served first; without it, in proportion.")
    source: str | None = Field(None, description="Where its numbers come from.")
    note: str | None = Field(None, description="What a reader must know.")
    assumption: bool = Field(False, description="True where its numbers are invented.")

    @model_validator(mode="after")
    def _limits(self) -> Resource:
        if self.cap is None and self.at_least is None and not self.supply:
            raise ValueError("limits nothing: give `cap`, `at_least` or `supply`")
        return self


class Lapse(Part):
    """Days on which a line of money may start nothing new: a lapse in appropriations."""

    start_from: dt.date = Field(alias="from", description="First day.")
    until: dt.date = Field(description="Last day.")


class Budget(Part):
    """A line of money, limited over a fiscal year."""

    title: str | None = Field(None, description="Its name for a reader.")
    cap: Amount | None = number("USD", "Money granted, by fiscal year; without it the line is only counted.")
    pays: Names = Field(description="What it pays: `stocks`, `choices`, `work`, or names of parts.")
    binding: bool = Field(True, description="False: spending is shown against the grant but nothing is cut to it.")
    lapses: tuple[Lapse, ...] = Field((), description="Days on which nothing new may start on this line.")
    source: str | None = Field(None, description="Where its numbers come from.")
    note: str | None = Field(None, description="What a reader must know.")
    assumption: bool = Field(False, description="True where its numbers are invented.")


class PriceStep(Part):
    """One step of a price that rises with the amount."""

    price: Amount = number("USD/person", "Price of each in this step, per period.")
    most: Amount | None = number("person", "How many at this price; without it, any number.")


class Price(Part):
    """What it costs a plan to be short of a need or over it, and how far it may be."""

    price: Amount = number("USD/person", "Price of each person short or over, per period.", 0)
    most: Amount | None = number("person", "Most that may be short or over.")
    steps: tuple[PriceStep, ...] = Field((), description="Further prices for more, in order.")

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, given: Any) -> Any:
        return given if isinstance(given, Mapping) else {"price": given}


class Need(Part):
    """Posts that the work requires by a date, before money is considered."""

    title: str | None = Field(None, description="Its name for a reader.")
    of: Names | dict[str, float] | dict[str, str] = Field(
        description="Who meets it: stocks, and choices (those under way on them), by name; at a share of a post each "
        "(`{officers: 1, cadets: 0.5}`); or stocks by tags (`{duty: field}`)."
    )
    productive: bool = Field(
        False,
        description="Count people at their productivity instead of by head, less those whom trainees tie up.",
    )
    need: Amount = number("person", "How many; national unless `per site` or a table of sites.")
    spread: str | dict[str, float] | None = Field(None, description="Spread a national need over the sites.")
    at: Literal["opening", "closing"] = Field(
        "closing", description="Whether it is met after the moves or at the period's start."
    )
    short: Price | None = Field(
        None, description="Price and limit of being short; without it, a plan must meet the need."
    )
    over: Price | None = Field(None, description="Price and limit of being over; without it, over is free.")
    group: str | None = Field(None, description="Needs of one group share their limits of short and over.")
    source: str | None = Field(None, description="Where the need comes from.")
    note: str | None = Field(None, description="What a reader must know.")
    assumption: bool = Field(False, description="True where it is invented.")

    @property
    def tagged(self) -> dict[str, str]:
        """The tags of the stocks that meet it; empty where they are named."""
        given = self.of if isinstance(self.of, Mapping) else {}
        return {key: value for key, value in given.items() if isinstance(value, str)}

    @property
    def shares(self) -> dict[str, float]:
        """The share of a post that one person of each named stock, or on each named choice, meets."""
        if isinstance(self.of, Mapping):
            return {key: float(value) for key, value in self.of.items() if not isinstance(value, str)}
        return dict.fromkeys((self.of,) if isinstance(self.of, str) else self.of, 1.0)
