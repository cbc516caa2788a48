"""The data dictionary: the only place where something a planner writes is named and described.

Checks, the reference page, JSON Schema, forms and workbooks are all made from these classes.
"""

from __future__ import annotations

import datetime as dt

from pydantic import Field, PrivateAttr

from fieldshift.scenario.schema.amount import Amount, Estimate, Part
from fieldshift.scenario.schema.history import Fit, Row, Series
from fieldshift.scenario.schema.limits import Budget, Lapse, Need, Price, PriceStep, Resource
from fieldshift.scenario.schema.people import (
    Choice,
    Flow,
    Instructors,
    Learning,
    ShareLimit,
    Site,
    Stage,
    Stock,
    Where,
)
from fieldshift.scenario.schema.policy import (
    Add,
    Dial,
    Escalate,
    Fill,
    Goal,
    Headline,
    Lever,
    Policy,
    Press,
    Respond,
    Rule,
    Schedule,
)
from fieldshift.scenario.schema.time import Event, Horizon, Profile
from fieldshift.scenario.schema.work import Work

__all__ = [
    "COLLECTIONS",
    "Add",
    "Amount",
    "Budget",
    "Choice",
    "Dial",
    "Escalate",
    "Estimate",
    "Event",
    "Fill",
    "Fit",
    "Flow",
    "Goal",
    "Headline",
    "Horizon",
    "Instructors",
    "Lapse",
    "Learning",
    "Lever",
    "Need",
    "Part",
    "Policy",
    "Press",
    "Price",
    "PriceStep",
    "Profile",
    "Resource",
    "Respond",
    "Row",
    "Rule",
    "Scenario",
    "Schedule",
    "Series",
    "ShareLimit",
    "Site",
    "Stage",
    "Stock",
    "Where",
    "Work",
]


class Scenario(Part):
    """All that a planner writes. Frozen: `overlaid` returns a new one."""

    name: str = Field(description="Its name.")
    about: str | None = Field(None, description="What it is about, in a few sentences.")
    tested: str | None = Field(
        None, description="How forecasts from days of the past did where the outcome is known; the report tells it."
    )
    as_of: dt.date | None = Field(None, description="The date of what it knows: no fact in it is later.")
    currency: str = Field("USD", description="The currency of all its money.", pattern=r"^[A-Z]{3}$")
    horizon: Horizon = Field(description="Which periods it covers.")
    sites: tuple[Site, ...] = Field((), description="Places of work; without any, everything is national.")
    quantities: dict[str, Amount] = Field(default_factory=dict, description="Named numbers that formulas use.")
    stocks: dict[str, Stock] = Field(default_factory=dict, description="People, by state.")
    flows: dict[str, Flow] = Field(default_factory=dict, description="Moves by chance.")
    choices: dict[str, Choice] = Field(default_factory=dict, description="Moves that somebody decides.")
    resources: dict[str, Resource] = Field(default_factory=dict, description="Limits.")
    budgets: dict[str, Budget] = Field(default_factory=dict, description="Lines of money.")
    work: dict[str, Work] = Field(default_factory=dict, description="Kinds of work.")
    needs: dict[str, Need] = Field(default_factory=dict, description="Posts that the work requires.")
    events: dict[str, Event] = Field(default_factory=dict, description="Dated events.")
    profiles: dict[str, Profile] = Field(default_factory=dict, description="Responses to events.")
    dials: dict[str, Dial] = Field(default_factory=dict, description="Bounded multipliers.")
    policies: dict[str, Policy] = Field(default_factory=dict, description="Policies to compare; the first is the base.")
    goals: tuple[Goal, ...] = Field((), description="What a plan is for, in order.")
    levers: dict[str, Lever] = Field(default_factory=dict, description="Numbers that a reader may move.")
    headlines: tuple[Headline, ...] = Field((), description="Measures on top of the summary and the report.")
    history: dict[str, Series] = Field(default_factory=dict, description="Observed series: what happened.")
    calibrate: Fit | None = Field(None, description="Which unknowns are fitted to which of these series.")

    _places: dict[tuple[str | int, ...], str] = PrivateAttr(default_factory=dict)
    """Where each path was written, `file:line:column`; filled by the reader, for messages."""


COLLECTIONS = tuple(name for name, field in Scenario.model_fields.items() if str(field.annotation).startswith("dict["))
"""The parts of a scenario that are mappings from a name."""
