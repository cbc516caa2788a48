"""What is decided: policies and their rules, dials, goals, levers, headlines."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import Field

from fieldshift.scenario.schema.amount import Amount, Part, number
from fieldshift.scenario.schema.people import Names, Where

__all__ = [
    "Add",
    "Dial",
    "Escalate",
    "Fill",
    "Goal",
    "Headline",
    "Lever",
    "Policy",
    "Press",
    "Respond",
    "Rule",
    "Schedule",
]


class Dial(Part):
    """A bounded multiplier that a policy may turn, and what else turns with it."""

    title: str | None = Field(None, description="Its name for a reader.")
    start_from: float = Field(alias="from", description="Lowest setting.", ge=0)
    to: float = Field(description="Highest setting.", ge=0)
    start: float = Field(1.0, description="Setting on the first day.", ge=0)
    turns: dict[str, Amount] = Field(
        description="What it multiplies: `work.NAME.pace`, `work.NAME.arrive`, `stocks.NAME.hours`, "
        "`flows.NAME.rate` or `choices.NAME.dropout`, each with a slope: the multiplier is 1 + slope * (setting - 1).",
        json_schema_extra={"unit": "1"},
    )
    note: str | None = Field(None, description="What a reader must know.")


class _Dated(Part):
    start_from: dt.date | None = Field(None, alias="from", description="First day on which the rule acts.")
    until: dt.date | None = Field(None, description="Last day on which the rule acts.")
    only: Where | None = Field(None, description="Sites at which the rule acts.")


class Schedule(_Dated):
    """Ask for stated amounts from a date, from a table, or as a share of the tail."""

    rule: Literal["schedule"] = Field("schedule", description="Kind of rule.")
    choice: str = Field(description="The choice that it asks for.")
    amount: Amount | None = number("person/week", "How many, per any period; national unless `per site` or a table.")
    share: Amount | None = number("1/week", "Share of the tail, per any period.")
    total: Amount | None = number("person", "Stop when so many have been asked for in all.")
    spread: str | dict[str, float] = Field(
        "tail",
        description="How a national amount is spread over sites: by the `tail` present, `even`, or an attribute.",
    )
    to: str | dict[str, float] | None = Field(
        None,
        description="Moves and details: how they are shared among hosts: `even`, an attribute, or a share by site.",
    )


class Fill(_Dated):
    """Bring a stock up to its posts or to a need, ordering ahead by the lead time."""

    rule: Literal["fill"] = Field("fill", description="Kind of rule.")
    choice: str = Field(description="The choice that fills it.")
    stock: str = Field(description="The stock to fill.")
    upto: str | Amount = Field(
        "funded",
        description="`funded`, `authorised`, a need's name, or a number of people.",
        json_schema_extra={"unit": "person"},
    )
    lead: Amount | None = number("week", "Order for the losses expected over this time; by the choice's length.")
    most: Amount | None = number("person/week", "Most to ask for, per any period.")


class Press(Part):
    """Turn a dial."""

    dial: str = Field(description="The dial.")
    to: float | None = Field(None, description="The setting to go to.")
    by: float | None = Field(None, description="Or the change of the setting, within the dial's bounds.")


class Add(Part):
    """Add people through a choice."""

    choice: str = Field(description="The choice.")
    add: Amount = number("person", "How many each time; national unless `per site` (then for each site that is short).")


class Escalate(_Dated):
    """Watch an output over a window against a target; press first, then add people."""

    rule: Literal["escalate"] = Field("escalate", description="Kind of rule.")
    watch: Names = Field(description="The output: `WORK.served`, or several added up.")
    window: Amount = number("week", "The time over which it is added up.", "4 week")
    below: Amount = number("case/week", "The target, per any period: national unless `per site`.")
    first: Press | None = Field(None, description="The first press: a dial.")
    then: Add | None = Field(None, description="If output is still short: people.")
    cooldown: Amount = number("week", "Time to wait after acting.", "4 week")


class Respond(_Dated):
    """What the system does by itself when a load is high: overtime, slower work, more leavers."""

    rule: Literal["respond"] = Field("respond", description="Kind of rule.")
    watch: str = Field(
        description="The load: `WORK.backlog_per_head`, `WORK.backlog`, or `STOCK.used` (share of hours used)."
    )
    above: Amount = number("1|case|case/person", "The load above which it acts.")
    dial: str = Field(description="The dial that it turns.")
    gain: float = Field(description="Setting change for each whole excess over `above` (relative).")
    relax: Amount = number("week", "Time over which the dial follows the load.", "4 week")


Rule = Annotated[Schedule | Fill | Escalate | Respond, Field(discriminator="rule")]


class Policy(Part):
    """What is decided in each period by rules that see the present only."""

    title: str | None = Field(None, description="Its name for a reader.")
    about: str | None = Field(None, description="What it stands for, in a sentence.")
    extends: str | None = Field(None, description="A policy whose rules and settings it takes over first.")
    rules: tuple[Rule, ...] = Field((), description="Its rules, in order; what they ask for adds up.")
    set: dict[str, Any] = Field(
        default_factory=dict, description="Parts of the scenario that differ under it, by path."
    )


class Goal(Part):
    """What a plan is for; goals stand in order."""

    least: str | None = Field(None, description="Make least: `short`, `over`, `backlog`, `cost`, or `people`.")
    most: str | None = Field(None, description="Make most: `served`, `people`.")
    of: Names | None = Field(
        None, description="Of what: `needs.NAME`, `work.NAME`, `stocks.NAME`, `budgets.NAME`; of all."
    )
    at: Literal["all", "end"] = Field("all", description="Over all periods, or at the end.")
    weight: float = Field(1.0, description="Its weight, where goals are weighed instead of ordered.", ge=0)
    slack: float = Field(0.0, description="How much of it later goals may give up, as a share.", ge=0)


class Lever(Part):
    """A number that a reader may move, between two ends."""

    title: str | None = Field(None, description="Its name for a reader.")
    path: str = Field(description="The number: `resources.seats.cap`.")
    start_from: float | str = Field(alias="from", description="One end.")
    to: float | str = Field(description="The other end.")
    step: float | None = Field(None, description="The step of the slider.", gt=0)
    note: str | None = Field(None, description="What a reader must know.")


class Headline(Part):
    """A measure that stands in the summary and on top of the report."""

    measure: str = Field(description="The measure: `field`, `desk`, `backlog`, `served`, `spend`, `fill_rate`, ...")
    of: str | None = Field(None, description="Of what, where the measure has parts: a work, a stock, a line of money.")
    title: str | None = Field(None, description="Its name for a reader.")
    better: Literal["more", "less"] | None = Field(None, description="Which way is better, if either is.")
