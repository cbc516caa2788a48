"""What binds a network: limits, lines of money, needs; letters as in `graph.py`."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

__all__ = ["Float", "Int", "Limit", "Line", "NeedBlock", "Slack"]

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Limit:
    """Linear limits of one kind, a row for the nation or one for each site.

    In every row: `hold . people + transit . under way + move . moved + serve . served <= cap`, where people and
    under way are counted before the moves of the period, and `move` is the net effect of one unit moved.

    Attributes:
        name: Its name: `seats`, `posts of field`, `most of retrain`.
        part: The planner's part and key, dotted (`resources.seats`).
        first: Its first row in an array over R.
        sites: Site of each row, or OUTSIDE for the nation, shape (n,).
        cap: Most, shape (T, n).
        hold: Cells, rows and coefficients of people, as three arrays of one length.
        transit: Arcs (over A), rows and coefficients of people under way.
        move: Arcs (over A), rows and net coefficients of people moved.
        serve: Arcs (over B), rows and coefficients of cases served.
        rank: Site ranks (lower first), shape (S,), or None: in proportion.
        unit: What is counted.
        title: Its name for a reader.
        floor: True where it keeps people from falling below a number; `cap` is then minus the floor.
        whole: Most where counts are whole, shape (T, n), or None: `cap`. A limit on moves alone of 1.4 a week lets one
            through in some weeks and two in others: as many by each date as its running total, whole, allows.
    """

    name: str
    part: str
    first: int
    sites: Int
    cap: Float
    hold: tuple[Int, Int, Float]
    transit: tuple[Int, Int, Float]
    move: tuple[Int, Int, Float]
    serve: tuple[Int, Int, Float]
    rank: Float | None
    unit: str
    title: str
    floor: bool = False
    whole: Float | None = None

    def most(self, whole: bool) -> Float:
        """Return what it allows in each period, where counts are whole or not, shape (T, n)."""
        return self.cap if self.whole is None or not whole else self.whole

    @property
    def rows(self) -> slice:
        """Its rows in an array over R."""
        return slice(self.first, self.first + len(self.sites))


@dataclass(frozen=True)
class Line:
    """One line of money, limited over windows of periods (fiscal years).

    Attributes:
        name: Its name.
        window: Which window each period belongs to, shape (T,).
        years: Fiscal year of each window.
        cap: Money granted in each window, shape (W,); infinite where nothing is granted or nothing binds.
        granted: Money granted in each window, for show, shape (W,); NaN where the planner gives none.
        cell: Cost of one unit in a cell for a period, shape (T, C).
        transit: Cost of one person under way for a period, shape (T, A).
        move: Cost of one person moved, shape (T, A).
        serve: Cost of one case served, shape (T, B).
        open: 0 in a lapse in appropriations, when nothing new starts on this line, shape (T,).
        ahead_cell: Expected cost from period t to its window's end of one unit in a cell at t, shape (T, C).
        ahead_move: The same for one who starts an arc in period t, less what leaving the tail saves, shape (T, A).
        ahead_transit: The same for one person under way, shape (T, W): block by block, arc by arc, by the periods to
            go, from 1.
        ahead_serve: The same for one case served in period t, shape (T, B).
        ahead_entry: Expected cost to the window's end of all who will enter from OUTSIDE from period t on, shape (T,).
        part: The planner's part.
        title: Its name for a reader.
    """

    name: str
    window: Int
    years: tuple[int, ...]
    cap: Float
    granted: Float
    cell: Float
    transit: Float
    move: Float
    serve: Float
    open: Float
    ahead_cell: Float
    ahead_move: Float
    ahead_transit: Float
    ahead_serve: Float
    ahead_entry: Float
    part: str
    title: str


@dataclass(frozen=True)
class Slack:
    """Being short of a need or over it, in a plan.

    Attributes:
        price: Price of one person in a period, shape (T, n) [currency/person].
        most: Most, shape (T, n).
        steps: Further prices, each with how many at it; the first price is for up to `first_most`.
        first_most: How many at `price`, where steps follow.
    """

    price: Float
    most: Float
    steps: tuple[tuple[float, float], ...] = ()
    first_most: float = np.inf


def _nobody() -> tuple[Int, Int, Float]:
    return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)


@dataclass(frozen=True)
class NeedBlock:
    """Posts that the work requires.

    Attributes:
        name: Its name.
        sites: Site of each row, or OUTSIDE, shape (n,).
        cells: Cells, rows and weights of the people who meet it.
        need: How many, shape (T, n).
        part: The planner's part.
        title: Its name for a reader.
        opening: True where it is met by those present before the moves, else after.
        short, over: What being short of it or over it costs a plan; short None must be met, over None is free.
        group: Needs of one group share their limits of short and over.
        transit: Choice arcs, rows and weights of those under way who meet it too (or, tied up, do not).
    """

    name: str
    sites: Int
    cells: tuple[Int, Int, Float]
    need: Float
    part: str
    title: str
    opening: bool = False
    short: Slack | None = None
    over: Slack | None = None
    group: str = ""
    transit: tuple[Int, Int, Float] = field(default_factory=_nobody)
