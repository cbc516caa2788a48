"""Smooth curves of an answer over one unknown: polynomials that fit the unknown's own distribution.

Source:
    Polynomials orthonormal under any distribution: Oladyshkin & Nowak (2012), Data-driven uncertainty quantification
    using the arbitrary polynomial chaos expansion, Reliability Engineering & System Safety 106.
    How many of them, by the error of leaving one out, corrected for their number: Blatman & Sudret (2011), Adaptive
    sparse polynomial chaos expansion based on least angle regression, Journal of Computational Physics 230.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from numpy.polynomial import legendre

from fieldshift.scenario.formula import FormulaError
from fieldshift.scenario.number import Reader
from fieldshift.scenario.values import Unknown, quantile
from fieldshift.units import Unit

__all__ = ["Axis", "best_degree", "fitted", "left_out"]

Float: TypeAlias = npt.NDArray[np.float64]

_FINE = 400
"""Points by which a distribution is known."""


def _no_quantities(name: str) -> tuple[float, Unit]:
    raise FormulaError(f"depends on the quantity {name!r}", "")


@dataclass(frozen=True)
class Axis:
    """One unknown as an axis: its value at each point of its distribution, and polynomials of that value.

    Attributes:
        unknown: The unknown.
    """

    unknown: Unknown

    @cached_property
    def _reads(self) -> bool:
        """Whether its value can be read alone; one that hangs on quantities stands for its point in (0, 1)."""
        try:
            self._value(0.5)
        except FormulaError:
            return False
        return True

    def _value(self, u: float) -> float:
        return Reader("", _no_quantities).one(self.unknown.amount, u).value

    def values(self, points: Float) -> Float:
        """Return its value at some points of its distribution, in base units."""
        return np.array([self._value(float(u)) for u in points]) if self._reads else np.asarray(points, np.float64)

    def written(self, point: float) -> str:
        """Return its value at a point as a planner writes it: `17.2 %`; a percentage of its spread if unreadable."""
        if not self._reads:
            return f"its {100 * point:.0f} % point"
        number = Reader("", _no_quantities).one(self.unknown.amount, point)
        unit, value = number.unit.text.strip(), quantile(self.unknown.amount, point)
        # Four digits of the greatest value: an end at 0 is 0, not the least number above it.
        size = float(np.abs(self._fine[1]).max()) / number.unit.factor
        value = round(value, 3 - math.floor(math.log10(size))) + 0.0 if size > 0 else value
        return f"{value:.4g} {'' if unit == '1' else unit}".strip()

    @cached_property
    def _fine(self) -> tuple[Float, Float]:
        """Evenly spaced points of the distribution, and the values there."""
        points = (np.arange(_FINE) + 0.5) / _FINE
        return points, self.values(points)

    @cached_property
    def ends(self) -> tuple[float, float]:
        """The points at which it is least and greatest; of a bell the ends of its range, which hold 90 %."""
        shapes = {self.unknown.amount.shape, *(estimate.shape for estimate in self.unknown.amount.estimates)}
        bell = not shapes.isdisjoint(("normal", "lognormal"))
        points = np.array([0.05, 0.95]) if bell else np.concatenate([[0.0], self._fine[0], [1.0]])
        if self.unknown.amount.estimates:
            points = np.concatenate([self._fine[0], *([e] for e in _edges(self.unknown))])
        values = self.values(points)
        return float(points[int(values.argmin())]), float(points[int(values.argmax())])

    def ranks(self, points: Float) -> Float:
        """Return which share of its distribution lies under its value at each point, in (0, 1)."""
        fine, mine = np.sort(self._fine[1]), self.values(points)
        low, high = np.searchsorted(fine, mine, "left"), np.searchsorted(fine, mine, "right")
        return np.asarray((low + high) / 2.0 / _FINE, np.float64)

    def at_rank(self, rank: float) -> float:
        """Return the point whose value has that share of the distribution under it."""
        if rank <= 0.0 or rank >= 1.0:
            return self.ends[int(rank >= 1.0)]
        order = np.argsort(self._fine[1], kind="stable")
        return float(self._fine[0][order[min(int(rank * _FINE), _FINE - 1)]])

    @cached_property
    def _scale(self) -> tuple[float, float]:
        values = self._fine[1]
        low, high = float(values.min()), float(values.max())
        return (low + high) / 2.0, max((high - low) / 2.0, 1e-300)

    def _raw(self, values: Float, degree: int) -> Float:
        middle, half = self._scale
        return np.asarray(legendre.legvander(np.clip((values - middle) / half, -1.05, 1.05), degree), np.float64)

    def most(self, degree: int) -> int:
        """Return the highest degree up to one that its values can tell apart; 0 where it takes one value only."""
        return min(degree, len(np.unique(np.round((self._fine[1] - self._scale[0]) / self._scale[1], 9))) - 1)

    def polynomials(self, points: Float, degree: int) -> Float:
        """Return the orthonormal polynomials of its value at some points, degrees 1 to `degree`, shape (n, degree).

        Each has mean 0 and variance 1 over its distribution; degrees that its values cannot tell apart are 0.
        """
        degree_here = self.most(degree)
        found = np.zeros((len(points), degree))
        if degree_here < 1:
            return found
        upper = np.linalg.qr(self._raw(self._fine[1], degree_here) / np.sqrt(_FINE), mode="r")
        upper *= np.sign(np.diag(upper))[:, None]
        raw = self._raw(self.values(points), degree_here)
        found[:, :degree_here] = np.linalg.solve(upper.T, raw.T).T[:, 1:]
        return found


def _edges(unknown: Unknown) -> list[float]:
    """Return the points just inside the ends of each rival estimate."""
    total = sum(estimate.weight for estimate in unknown.amount.estimates)
    edges = np.concatenate([[0.0], np.cumsum([e.weight / total for e in unknown.amount.estimates])])
    return [float(p) for low, high in pairwise(edges.tolist()) for p in (low + 1e-9, high - 1e-9)]


def fitted(columns: Float, answers: Float, weights: Float | None = None) -> tuple[Float, Float]:
    """Return the least squares fit of answers on a constant and some columns, and the leverage of each point.

    Args:
        columns: Shape (n, k).
        answers: Shape (n,) or (n, m).
        weights: Weight of each point, or all alike.
    """
    root = np.sqrt(np.ones(len(columns)) if weights is None else weights)
    design = np.column_stack([np.ones(len(columns)), columns])
    q, _ = np.linalg.qr(design * root[:, None])
    y = answers * (root if answers.ndim == 1 else root[:, None])
    fit = q @ (q.T @ y)
    safe = np.where(root > 0, root, 1.0)
    return np.asarray(fit / (safe if answers.ndim == 1 else safe[:, None])), np.asarray((q**2).sum(axis=1))


def left_out(answers: Float, fit: Float, leverage: Float) -> float:
    """Return the mean square error of leaving each point out in turn, corrected for the number of terms."""
    n, terms = len(answers), float(leverage.sum())
    if terms >= n - 1:
        return float("inf")
    apart = answers - fit
    apart = apart / np.maximum(1.0 - leverage, 1e-6).reshape(-1, *([1] * (apart.ndim - 1)))
    return float((apart**2).sum() / (n - terms) * (1.0 + terms / n))


def best_degree(columns: Float, answers: Float) -> int:
    """Return up to which of some ordered columns the error of leaving one out falls; 0 keeps the mean alone."""
    errors = []
    for degree in range(columns.shape[1] + 1):
        if degree and not columns[:, degree - 1].any():
            break
        errors.append(left_out(answers, *fitted(columns[:, :degree], answers)))
    return int(np.argmin(errors))
