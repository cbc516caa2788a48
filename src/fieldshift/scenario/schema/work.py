"""What is done: kinds of work, their standards, priorities and what they become."""

from __future__ import annotations

import datetime as dt

from pydantic import Field

from fieldshift.scenario.schema.amount import Amount, Part, number
from fieldshift.scenario.schema.people import Names, Where

__all__ = ["Work"]


class Work(Part):
    """Cases that arrive, wait, are served by people's hours, leave, or become other work."""

    title: str | None = Field(None, description="Its name for a reader.")
    kind: str | None = Field(None, description="A word to group by.")
    tags: dict[str, str] = Field(default_factory=dict, description="Any further words to select and group by.")
    at: Where = Field("sites", description="Where it is: `sites`, `nation`, a list of ids, or `{attribute: value}`.")
    start: Amount = number("case", "How many wait on the first day; a national number is spread over the sites.", 0)
    spread: str | dict[str, float] = Field("weight", description="How national numbers are spread over the sites.")
    arrive: Amount | None = number("case/week", "Mean number that arrives, per any period; spread over the sites.")
    response: Names | None = Field(None, description="Response profiles that multiply the arrivals.")
    expire: Amount | None = number("1/year", "Share of those waiting that lapses undone, per any period.")
    leave: Amount | None = number("1/year", "Share that ends in the ordinary way, per any period (`1 / 44 day`).")
    leave_to: str | None = Field(None, description="The work that those which leave become; none is outside.")
    standard: Amount | None = number("hour/case", "Hours of stated people to serve one; without it, it is not served.")
    by: Names | dict[str, float] = Field(
        (), description="The stocks that serve it, or each with its productivity at it."
    )
    vary: str | None = Field(None, description="A numeric site attribute that multiplies the standard.")
    crew: int = Field(1, description="People work on it in whole crews of this many.", ge=1)
    priority: int = Field(1, description="1 is served first.", ge=1)
    most: Amount | None = number("case/week", "Most that may be served, per any period; national unless `per site`.")
    target: Amount | None = number("case/week", "Output that is asked for, per any period.")
    start_from: dt.date | None = Field(None, alias="from", description="First day on which it is served.")
    until: dt.date | None = Field(None, description="Last day on which it is served.")
    becomes: str | dict[str, float] | None = Field(
        None, description="The work that a served case becomes, or shares of it."
    )
    uses: dict[str, float] = Field(default_factory=dict, description="Resources that one case holds while it is here.")
    takes: dict[str, float] = Field(default_factory=dict, description="Resources that serving one case takes.")
    cost: Amount | None = number("USD/case", "Cost of serving one, beside pay.")
    upkeep: Amount | None = number("USD/day", "Cost of one while it is here.")
    source: str | None = Field(None, description="Where its numbers come from, unless a number says otherwise.")
    note: str | None = Field(None, description="What a reader must know.")
    assumption: bool = Field(False, description="True where its numbers are invented, unless a number says otherwise.")
