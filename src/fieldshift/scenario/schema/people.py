"""Who: sites, stocks of people, flows that happen and choices that somebody makes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ConfigDict, Field, model_validator

from fieldshift.scenario.schema.amount import Amount, Part, Shape, number

__all__ = ["Choice", "Flow", "Instructors", "Learning", "ShareLimit", "Site", "Stage", "Stock", "Where"]

Where = str | tuple[str, ...] | dict[str, Any]
"""Which sites: `sites` (all), `nation` (none), a site's id, a list of ids, or `{attribute: value or values}`."""

Names = str | tuple[str, ...]


class Site(Part):
    """A place of work. Any further column of its table is an attribute that other parts may name."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True, allow_inf_nan=False)

    id: str = Field(description="Short and lasting: draws belong to it, so renaming a site changes no result.")
    name: str | None = Field(None, description="Its name for a reader; the id where there is none.")
    lat: float | None = Field(None, description="Latitude in degrees, for the map.", ge=-90, le=90)
    lon: float | None = Field(None, description="Longitude in degrees, for the map.", ge=-180, le=180)
    region: str | None = Field(None, description="The group that it belongs to.")
    weight: float = Field(1.0, description="Its share when a national number is spread with `spread: weight`.", ge=0)

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, given: Any) -> Any:
        if isinstance(given, str):
            return {"id": given}
        if isinstance(given, Mapping) and isinstance(given.get("id"), int):
            return {**given, "id": str(given["id"])}
        return given

    @property
    def attributes(self) -> dict[str, Any]:
        """All that is known of it by name: the described fields and any further column."""
        return {**self.model_dump(exclude_none=True), **(self.model_extra or {})}


class Learning(Part):
    """New hands count at less until they are experienced."""

    lasts: Amount = number("week", "Mean time until a new hand is experienced (each leaves the state by chance).")
    productivity: Amount = number("1", "What a new hand does against an experienced one.")


class Stock(Part):
    """A whole number of people in one state, by site or for the nation."""

    title: str | None = Field(None, description="Its name for a reader.")
    job: str | None = Field(None, description="What they are employed as.")
    duty: str | None = Field(
        None,
        description="What they do now: `field`, `desk`, `training`, `support`, `leave` or a word of your own.",
    )
    qualification: str | None = Field(None, description="A licence or skill that gates work.")
    tags: dict[str, str] = Field(default_factory=dict, description="Any further words to select and group by.")
    at: Where = Field("sites", description="Where it is: `sites`, `nation`, a list of ids, or `{attribute: value}`.")
    start: Amount = number("person", "How many on the first day; a national number is spread over the sites.", 0)
    spread: str | dict[str, float] = Field(
        "weight",
        description="How a national number is spread: `even`, a numeric site attribute, or a share by site.",
    )
    authorised: Amount | None = number("post", "Posts approved, whether or not there is money for them.")
    funded: Amount | None = number("post", "Posts that there is money for; a limit on moves into the stock.")
    floor: Amount | None = number("person", "Choices may not take it below this number.")
    pay: Amount | None = number("USD/year", "Fully loaded pay of one person.")
    hours: Amount = number("hour/week", "Paid hours of one person.", "40 hour/week")
    away: Amount = number("1", "Share of paid hours not available for work: leave, sickness, own training.", 0)
    productivity: Amount = number("1", "Work done in an hour against the standard.", 1)
    fte: Amount = number("1", "Full-time equivalent of one person.", 1)
    on_strength: bool = Field(
        True, description="False for people not employed here, such as applicants or another agency's."
    )
    learning: Learning | None = Field(None, description="New hands, and how long they stay new.")
    source: str | None = Field(None, description="Where its numbers come from, unless a number says otherwise.")
    note: str | None = Field(None, description="What a reader must know.")
    assumption: bool = Field(False, description="True where its numbers are invented, unless a number says otherwise.")


class Flow(Part):
    """People move by chance: leavers, promotions by rate, arrivals from outside."""

    title: str | None = Field(None, description="Its name for a reader.")
    kind: str | None = Field(
        None, description="What it is: `quit`, `retirement`, `promotion`, ...: a word to group by."
    )
    tail: Names | None = Field(
        None,
        description="The stock or stocks that they leave; none is outside. Where a stock has `learning`, `STOCK.new` "
        "and `STOCK.experienced` are its two parts.",
    )
    head: str | None = Field(None, description="The stock that they enter; none is outside.")
    rate: Amount | None = number("1/year", "Share of the tail that moves, per any period.")
    arrive: Amount | None = number("person/week", "Mean number that arrives from outside, per any period.")
    spread: str | dict[str, float] = Field("weight", description="How national arrivals are spread over the sites.")
    timing: Literal["opening", "closing"] = Field(
        "closing",
        description="`opening`: before anybody moves, counted on the opening stock; `closing`: after.",
    )
    response: Names | None = Field(None, description="Response profiles that multiply it.")
    range: str | tuple[float, float] | None = Field(None, description="The range of its rate.")
    shape: Shape | None = Field(None, description="The shape of its rate's range.")
    source: str | None = Field(None, description="Where its rate comes from.")
    as_of: dt.date | str | int | None = Field(None, description="The date that its rate speaks of.")
    note: str | None = Field(None, description="What a reader must know.")
    assumption: bool = Field(False, description="True where its rate is invented.")

    @model_validator(mode="before")
    @classmethod
    def _fold_evidence(cls, given: Any) -> Any:
        """Let `range`, `source` and the like stand beside the rate, where a planner writes them."""
        if not isinstance(given, Mapping):
            return given
        main = "rate" if given.get("rate") is not None else "arrive"
        number = given.get(main)
        if given.get("range") is None or number is None or isinstance(number, Mapping):
            return given
        keys = ("range", "shape", "source", "as_of", "note", "assumption")
        evidence = {k: given[k] for k in keys if given.get(k) is not None}
        return {
            **{k: v for k, v in given.items() if k not in ("range", "shape")},
            main: {"value": number, **evidence},
        }

    @model_validator(mode="after")
    def _one_of(self) -> Flow:
        if (self.rate is None) == (self.arrive is None):
            raise ValueError("needs `rate` (share of its tail) or `arrive` (number from outside), and only one")
        if self.rate is not None and self.tail is None:
            raise ValueError("has a `rate` but no `tail` to take it of")
        if self.arrive is not None and (self.tail is not None or self.head is None):
            raise ValueError("`arrive` comes from outside: it needs a `head` and no `tail`")
        return self


class Instructors(Part):
    """People of a stock who teach instead of working, while others are on the course."""

    stock: str = Field(description="The stock that they come from.")
    per_trainee: Amount = number("1", "How many of them one trainee ties up.")


class Stage(Part):
    """One leg of a choice that lasts: vetting, academy, course, conversion."""

    name: str = Field(description="What it is called.", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    lasts: Amount = number("week", "How long it takes.")
    dropout: Amount | None = number("1/year", "Share of those on it who leave it, per any period.")
    pass_: Amount = Field(
        1,
        alias="pass",
        description="Share of those who reach its end that passes.",
        json_schema_extra={"unit": "1"},
        validate_default=True,
    )
    fail_to: str | None = Field(None, description="Where those who fail go; none is outside.")
    drop_to: str | None = Field(None, description="Where those who drop out go; none is outside.")
    uses: dict[str, float] = Field(default_factory=dict, description="Resources that one person holds while on it.")
    takes: dict[str, float] = Field(
        default_factory=dict, description="Resources that one person takes once, at its start."
    )
    most: Amount | None = number("person/week", "Most that may start it, per any period.")
    begun: Amount | None = number("person", "How many are under way on the first day, evenly over its length.")
    spread: str | dict[str, float] = Field(
        "weight", description="How those already under way are spread over the sites."
    )
    instructors: Instructors | None = Field(None, description="Who teaches, and how many a trainee ties up.")
    cost: Amount | None = number("USD/person", "Cost of one person who starts it.")
    upkeep: Amount | None = number("USD/day", "Cost of one person while on it, beside pay.")
    pay: Amount | None = number("USD/year", "Pay while on it; that of the stock left where none is given.")
    on_strength: bool | None = Field(None, description="Whether those on it are employed; as the stock that they left.")


class ShareLimit(Part):
    """A limit in proportion to a stock."""

    share: Amount = number("1|1/week", "The share, per period or per any period.")
    of: Names = Field(description="The stock or stocks (and choices: those under way on them).")
    at: Literal["opening", "closing"] = Field("opening", description="The stock's count before or after the moves.")


class Choice(Part):
    """People move because somebody decides: hire, retrain, convert, transfer, detail, lay off."""

    title: str | None = Field(None, description="Its name for a reader.")
    kind: str | None = Field(None, description="What it is: `hire`, `retrain`, `detail`, `move`, `layoff`, ...")
    tail: Names | None = Field(None, description="The stock or stocks that they leave; none is outside (a hire).")
    head: str | None = Field(
        None,
        description="The stock that they enter; none is outside (a lay-off). With neither `tail` nor `head` it is help "
        "for as long as it `lasts`: a contract of fixed length, overtime bought for a period.",
    )
    to: Where | None = Field(None, description="Sites that may receive people of other sites (moves and details).")
    at: Where = Field("sites", description="Sites where it can be used.")
    returns: bool = Field(False, description="A detail: they return to where they left; the home post counts them.")
    serves: Amount = number("1", "What a detailed person does at the host against one of its own.", 1)
    lasts: Amount = number("week", "How long until they arrive (or return).", 0)
    stages: tuple[Stage, ...] = Field((), description="Legs in order, instead of `lasts`.")
    dropout: Amount | None = number("1/year", "Share of those under way who leave it, per any period.")
    pass_: Amount = Field(
        1,
        alias="pass",
        description="Share of those who reach the end that passes.",
        json_schema_extra={"unit": "1"},
        validate_default=True,
    )
    fail_to: str | None = Field(None, description="Where those who fail go; none is outside.")
    drop_to: str | None = Field(None, description="Where those who drop out go; none is outside.")
    arrive_as: Literal["new", "experienced"] | None = Field(
        None,
        description="How they enter a stock with `learning`; new, unless they come from a stock on strength.",
    )
    most: Amount | None = number("person/week", "Most that may start, per any period; national unless `per site`.")
    least: Amount | None = number("person/week", "Least that must start (plans only).")
    batch: Amount | None = number("person", "Least that start in a period in which any start (plans only).")
    whole: bool = Field(False, description="Whether a plan starts whole numbers of people only.")
    share: ShareLimit | None = Field(None, description="Most that may start, as a share of a stock.")
    start_from: dt.date | None = Field(None, alias="from", description="First day on which it can be used.")
    until: dt.date | None = Field(None, description="Last day on which it can be used.")
    uses: dict[str, float] = Field(default_factory=dict, description="Resources that one person holds while under way.")
    takes: dict[str, float] = Field(
        default_factory=dict, description="Resources that one person takes once, at the start."
    )
    begun: Amount | None = number("person", "How many are under way on the first day, evenly over its length.")
    spread: str | dict[str, float] = Field(
        "weight", description="How those already under way are spread over the sites."
    )
    instructors: Instructors | None = Field(None, description="Who teaches, and how many a trainee ties up.")
    cost: Amount | None = number("USD/person", "Cost of one person who starts.")
    upkeep: Amount | None = number("USD/day", "Cost of one person while under way, beside pay: travel, lodging.")
    fixed_cost: Amount | None = number("USD", "Charge of a period in which it is used at all (plans only).")
    pay: Amount | None = number("USD/year", "Pay while under way; that of the stock left where none is given.")
    on_strength: bool | None = Field(
        None, description="Whether those under way are employed; as the stock that they left, true for a contract."
    )
    lump: int = Field(1, description="People start in whole groups of this many.", ge=1)
    note: str | None = Field(None, description="What a reader must know.")
    source: str | None = Field(None, description="Where its numbers come from, unless a number says otherwise.")
    assumption: bool = Field(False, description="True where its numbers are invented, unless a number says otherwise.")

    @model_validator(mode="after")
    def _fits(self) -> Choice:
        if self.tail is None and self.head is None and not self.stages and self.lasts.value == 0:
            raise ValueError("needs a `tail`, a `head`, or both; or it `lasts`: a contract, or help for a time")
        if self.returns and self.tail is None:
            raise ValueError("`returns` needs a `tail` to return to")
        if self.returns and self.head is not None and self.head != self.tail:
            raise ValueError("`returns` to its tail: leave `head` out")
        if self.to is not None and self.tail is None:
            raise ValueError("`to` moves people between sites: it needs a `tail`")
        return self
