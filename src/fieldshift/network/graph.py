"""What an engine reads: stocks and arcs as read-only arrays, and the limits on them.

Everything a planner writes is lowered to this. No engine knows a planner's part by name.

Axes and index spaces, used in every docstring below:

| letter | runs over |
|---|---|
| D | futures (draws) of one batch |
| T | periods; there are T + 1 instants |
| S | sites, in canonical order (sorted by id), so the order in a planner's file changes nothing |
| C | cells: one stock at one site, or one national stock |
| F | chance arcs, one per tail cell and head |
| E | entries: arrivals from OUTSIDE into a cell |
| A | choice arcs |
| B | serve arcs, one per work cell |
| R | rows of limits |
| K | dials |

`OUTSIDE` (-1) stands for the world outside as a tail or a head, and for "no site" (national) in a site index.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from fieldshift.horizon import Periods
from fieldshift.network.rows import Float, Int, Limit, Line, NeedBlock, Slack

__all__ = [
    "OUTSIDE",
    "Bool",
    "ChanceBlock",
    "ChoiceBlock",
    "Dials",
    "EntryBlock",
    "Float",
    "Int",
    "Limit",
    "Line",
    "NeedBlock",
    "Network",
    "ServeBlock",
    "SiteTable",
    "Slack",
    "StockBlock",
    "Turn",
]

Bool = npt.NDArray[np.bool_]

OUTSIDE = -1

Turn = tuple[int, float]
"""A dial's index and the slope with which it multiplies: 1 + slope * (setting - 1)."""


@dataclass(frozen=True)
class SiteTable:
    """The sites in canonical order.

    Attributes:
        ids: Site ids, sorted.
        names: Names for a reader, in the same order.
        planner_order: Index of each site in the planner's own order, shape (S,).
        attributes: All attributes of each site.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    planner_order: Int
    attributes: tuple[Mapping[str, object], ...]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class StockBlock:
    """One stock at all its sites: people of one state, or cases of one kind.

    Attributes:
        name: Its name; `field.new` for the new hands of `field`.
        part: The planner's part that it comes from (`field`).
        kind: `person` or `case`.
        first: Its first cell; its cells are `first .. first + len(sites)`.
        sites: Site of each cell, or OUTSIDE for a national stock, shape (n,).
        start: Count on the first day, whole, shape (n,).
        tags: `job`, `duty`, `qualification` and any other word of the planner.
        on_strength: Whether its people are employed here.
        fte: Full-time equivalent of one person.
        productivity: Work done in an hour against the standard.
        hours: Hours one person has for work in a period, shape (T, n) [hour/person].
        pay: Pay of one person in a period, shape (T, n) [currency/person].
        authorised: Posts approved, shape (T, n), or None.
        funded: Posts funded, shape (T, n), or None.
        waiting: True for a queue between two stages of a choice, made by the lowering.
        title: Its name for a reader.
    """

    name: str
    part: str
    kind: Literal["person", "case"]
    first: int
    sites: Int
    start: Float
    tags: Mapping[str, str]
    on_strength: bool
    fte: float
    productivity: float
    hours: Float
    pay: Float
    authorised: Float | None = None
    funded: Float | None = None
    waiting: bool = False
    title: str = ""

    @property
    def cells(self) -> slice:
        """Its cells in an array over C."""
        return slice(self.first, self.first + len(self.sites))

    @property
    def cell_of(self) -> dict[int, int]:
        """Its cell at each of its sites (OUTSIDE for the nation)."""
        return {site: self.first + k for k, site in enumerate(self.sites.tolist())}


@dataclass(frozen=True)
class ChanceBlock:
    """One flow out of one stock: each unit in the tail moves with a probability per period.

    Attributes:
        name: Its name, which names its random stream too.
        part: The planner's part.
        first: Its first arc in an array over F.
        tail: Tail cell of each arc, shape (n,).
        head: Head cell of each arc or OUTSIDE, shape (n,).
        p: Probability per period, shape (T, n).
        opening: True where it is drawn before anybody moves (step 2), else in step 8.
        turns: Dials that multiply it.
        kind: The planner's word for it (`quit`), or `learn`, `expire`, `leave`.
    """

    name: str
    part: str
    first: int
    tail: Int
    head: Int
    p: Float
    opening: bool
    turns: tuple[Turn, ...]
    kind: str

    @property
    def arcs(self) -> slice:
        """Its arcs in an array over F."""
        return slice(self.first, self.first + len(self.tail))


@dataclass(frozen=True)
class EntryBlock:
    """Arrivals from OUTSIDE: a Poisson number per period into each cell.

    Attributes:
        name: Its name, which names its random stream too.
        part: The planner's part.
        first: Its first entry in an array over E.
        head: Cell that they enter, shape (n,).
        mean: Mean number per period, shape (T, n).
        turns: Dials that multiply it.
    """

    name: str
    part: str
    first: int
    head: Int
    mean: Float
    turns: tuple[Turn, ...]

    @property
    def arcs(self) -> slice:
        """Its entries in an array over E."""
        return slice(self.first, self.first + len(self.head))


@dataclass(frozen=True)
class ChoiceBlock:
    """One leg of one choice out of one stock: units move because somebody decides.

    Attributes:
        name: Its name (`hire`, `hire.academy`, `retrain.desk`), which names its random streams too.
        part: The planner's choice.
        first: Its first arc in an array over A.
        tail: Tail cell of each arc or OUTSIDE, shape (n,).
        head: Head cell of each arc or OUTSIDE, shape (n,).
        sites: Site of each arc (of its tail, else of its head), or OUTSIDE, shape (n,).
        lasts: Periods under way; 0 moves at once.
        passing: Probability of passing at the end, by period of arrival, shape (T,).
        fail: Where those who fail go, shape (n,).
        drop: Probability of dropping out in a period under way, shape (T,).
        drop_to: Where those who drop out go, shape (n,).
        turns: Dials that multiply `drop`.
        open: 1 in periods in which it can be used, else 0, shape (T,).
        auto: True for a later leg: everybody who waits is asked for in every period.
        returns: A detail: back to the tail at the end.
        hosts: Sites that may receive details, shape (m,); empty unless it returns.
        works_as: Stock block whose hours a detailed person adds to at the host, or -1.
        serves: What a detailed person does at the host against one of its own.
        teacher: Stock block whose people teach, or -1.
        per_trainee: Teachers tied up by one person under way.
        on_strength: Whether those under way are employed here.
        fte: Full-time equivalent of one person under way.
        lump: Started in whole groups of this many.
        least: Least that must start (plans only), shape (T, n) or None.
        kind: The planner's word (`hire`, `retrain`, `detail`, ...) or the stage's name.
        stage: Name of the stage, or empty.
        title: Its name for a reader.
        begun: Those under way on the first day by slot (starting period modulo `lasts`), shape (lasts, n), or None.
        fixed: Charge of a period in which it is used at all (plans only), shape (T,), or None.
        batch: Least that start, at all sites, in a period in which any start (plans only), shape (T,), or None.
        whole: Whether a plan starts whole numbers only.
    """

    name: str
    part: str
    first: int
    tail: Int
    head: Int
    sites: Int
    lasts: int
    passing: Float
    fail: Int
    drop: Float
    drop_to: Int
    turns: tuple[Turn, ...]
    open: Float
    auto: bool
    returns: bool
    hosts: Int
    works_as: int
    serves: float
    teacher: int
    per_trainee: float
    on_strength: bool
    fte: float
    lump: int
    least: Float | None
    kind: str
    stage: str
    title: str
    begun: Float | None = None
    fixed: Float | None = None
    batch: Float | None = None
    whole: bool = False

    @property
    def arcs(self) -> slice:
        """Its arcs in an array over A."""
        return slice(self.first, self.first + len(self.tail))


@dataclass(frozen=True)
class ServeBlock:
    """One kind of work being served, at all its sites; blocks stand in order of priority.

    Attributes:
        name: The work's name.
        first: Its first arc in an array over B.
        tail: Backlog cell of each arc, shape (n,).
        sites: Site of each arc or OUTSIDE, shape (n,).
        heads: Cells that a served case becomes, each with its share; the rest leave.
        standard: Hours to serve one case, shape (T, n) [hour/case].
        by: Stock blocks that serve it, each with the work one of their hours does at it.
        crew: People work in whole crews of this many.
        open: 1 in periods in which it is served, else 0, shape (T,).
        target: Output asked for per period, shape (T, n), or None.
        turns: Dials that multiply the pace (divide the standard).
        priority: 1 is first.
        title: Its name for a reader.
    """

    name: str
    first: int
    tail: Int
    sites: Int
    heads: tuple[tuple[Int, float], ...]
    standard: Float
    by: tuple[tuple[int, float], ...]
    crew: int
    open: Float
    target: Float | None
    turns: tuple[Turn, ...]
    priority: int
    title: str

    @property
    def arcs(self) -> slice:
        """Its arcs in an array over B."""
        return slice(self.first, self.first + len(self.tail))


@dataclass(frozen=True)
class Dials:
    """Bounded multipliers, shape (K,) each."""

    names: tuple[str, ...]
    low: Float
    high: Float
    start: Float


@dataclass(frozen=True)
class Network:
    """Stocks, arcs and limits of one scenario for one draw of its unknowns.

    Attributes:
        name: The scenario's name.
        periods: The horizon.
        sites: The sites, in canonical order.
        stocks, chances, entries, choices, serves, limits, lines, needs: The blocks.
        dials: The dials.
        parts: Index of the first-leg choice blocks of each of the planner's choices (one block per tail).
        costs: All costs, whatever line pays them: never binding.
        currency: The currency of all money.
        hours_turns: Dials that multiply the hours of a stock block, by its name.
        cell_site: Site of each cell or OUTSIDE, shape (C,).
    """

    name: str
    periods: Periods
    sites: SiteTable
    stocks: tuple[StockBlock, ...]
    chances: tuple[ChanceBlock, ...]
    entries: tuple[EntryBlock, ...]
    choices: tuple[ChoiceBlock, ...]
    serves: tuple[ServeBlock, ...]
    limits: tuple[Limit, ...]
    lines: tuple[Line, ...]
    costs: Line
    needs: tuple[NeedBlock, ...]
    dials: Dials
    parts: Mapping[str, tuple[int, ...]]
    currency: str
    hours_turns: Mapping[str, tuple[Turn, ...]]
    cell_site: Int = field(repr=False)

    @property
    def n_cells(self) -> int:
        """Number of cells, C."""
        return len(self.cell_site)

    @property
    def n_chances(self) -> int:
        """Number of chance arcs, F."""
        return sum(len(b.tail) for b in self.chances)

    @property
    def n_entries(self) -> int:
        """Number of entries, E."""
        return sum(len(b.head) for b in self.entries)

    @property
    def n_choices(self) -> int:
        """Number of choice arcs, A."""
        return sum(len(b.tail) for b in self.choices)

    @property
    def n_serves(self) -> int:
        """Number of serve arcs, B."""
        return sum(len(b.tail) for b in self.serves)

    @property
    def n_rows(self) -> int:
        """Number of rows of limits, R."""
        return sum(len(b.sites) for b in self.limits)

    def stock(self, name: str) -> StockBlock:
        """Return the stock block of that name, or raise KeyError."""
        return next(b for b in self.stocks if b.name == name)

    def blocks_of(self, part: str) -> tuple[StockBlock, ...]:
        """Return all stock blocks of a planner's stock or work: the experienced and the new."""
        found = tuple(b for b in self.stocks if b.part == part and not b.waiting)
        if not found:
            raise KeyError(part)
        return found
