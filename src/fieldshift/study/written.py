"""Fitted unknowns as a planner writes numbers: in the unit of their range, ready for an overlay."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from fieldshift.horizon import Periods
from fieldshift.scenario.number import Reader
from fieldshift.scenario.schema import Amount, Scenario
from fieldshift.scenario.values import Unknown, Values

__all__ = ["Written", "digits", "listed", "ranks"]

Float = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Written:
    """Reads the points of one unknown's distribution.

    Attributes:
        scenario: The scenario that it stands in.
        unknown: It.
    """

    scenario: Scenario
    unknown: Unknown

    @property
    def amount(self) -> Amount:
        """It, as written."""
        return self.unknown.amount

    @cached_property
    def _reader(self) -> Reader:
        given = self.scenario.horizon
        values = Values(self.scenario, Periods(given.start, given.periods, given.step))
        return Reader("", values.quantity, frozenset(self.scenario.quantities))

    def at(self, u: float) -> float:
        """Return the point below which a share u of its declared distribution lies, in its written unit."""
        number = self._reader.one(self.amount, u)
        return number.value / number.unit.factor

    @cached_property
    def unit(self) -> str:
        """Its unit as written, with `per site` where it says so; empty where it has none."""
        number = self._reader.one(self.amount, 0.5)
        text = "" if number.unit.text in ("", "1") and number.unit.bare else number.unit.text
        return f"{text} per site".strip() if number.per_site else text

    @property
    def ends(self) -> tuple[float, float]:
        """The ends of its declared range; of a bell, what it exceeds and stays under in 95 % of futures."""
        bell = self.amount.shape in ("normal", "lognormal")
        low, high = (self.at(0.05), self.at(0.95)) if bell else (self.at(1e-9), self.at(1 - 1e-9))
        places = 2 - math.floor(math.log10(high - low)) if high > low else 4
        return round(low, places), round(high, places)

    def text(self, value: float, width: float = 0.0) -> str | float:
        """Return a value as a planner writes it, to a hundredth of a width."""
        said = digits(value, _count(value, width))
        return f"{said} {self.unit}" if self.unit else float(said)

    def range_text(self, low: float, high: float) -> str:
        """Return a range as a planner writes it."""
        ends = (digits(end, _count(end, high - low)) for end in (low, high))
        return f"{'..'.join(ends)} {self.unit}".strip()


def _count(value: float, width: float) -> int:
    """Return with how many digits a value is told to a hundredth of a width; with at least four."""
    if value == 0 or width <= 0:
        return 4
    return max(4, min(3 + math.floor(math.log10(abs(value))) - math.floor(math.log10(width)), 12))


def digits(value: float, count: int = 4) -> str:
    """Return a number with so many digits that tell, without an exponent where it can be read without."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    places = count - 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, places)
    return f"{rounded:.{max(places, 0)}f}".rstrip("0").rstrip(".") if places > 0 else f"{rounded:.0f}"


def ranks(sample: Float) -> Float:
    """Return the rank correlations of the columns of a sample, shape (P, P)."""
    order = np.argsort(np.argsort(sample, axis=0, kind="stable"), axis=0, kind="stable")
    return np.asarray(np.corrcoef(order.T)) if sample.shape[1] > 1 else np.ones((1, 1))


def listed(texts: Sequence[str]) -> str:
    """Return names as a reader lists them: `a, b and c`."""
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else list(texts))
