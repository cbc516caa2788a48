"""One number as a planner writes it: read, drawn where it is unknown, or at its centre.

Base units are person, case, whole currency, working hour, place and calendar year.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from scipy import special

from fieldshift.scenario.formula import Expr, FormulaError, evaluate, parse, unit_of, unit_words
from fieldshift.scenario.marked import dotted
from fieldshift.scenario.paths import amounts
from fieldshift.scenario.schema import Amount, Estimate, Scenario
from fieldshift.units import Unit, compatible, describe, parse_range, parse_unit, split_scope

__all__ = [
    "Number",
    "Reader",
    "Unknown",
    "central",
    "expected_unit",
    "point",
    "quantile",
    "read_text",
    "unknowns",
]

_NINETY = 1.6448536269514722
"""Half the width of a standard normal's central 90 %."""
_EDGE = 1e-9
"""The nearest that a draw comes to an end of (0, 1)."""


@dataclass(frozen=True)
class Unknown:
    """A number that is not known: drawn once per future.

    Attributes:
        path: Where it stands, dotted, by the keys that a planner writes.
        amount: It, with its range or rival estimates.
    """

    path: str
    amount: Amount

    @property
    def text(self) -> str:
        """What is known of it, as written: `5..6 %/year`, or that there are rival estimates."""
        if self.amount.estimates:
            return f"{len(self.amount.estimates)} estimates"
        given = self.amount.range
        return f"{given[0]:g}..{given[1]:g}" if isinstance(given, tuple) else str(given)


def expected_unit(unit: str) -> str:
    """Return the unit that a bare number takes: the first of the alternatives."""
    return unit.split("|", maxsplit=1)[0]


def unknowns(scenario: Scenario) -> tuple[Unknown, ...]:
    """Return every number with a range or with rival estimates, sorted by path."""
    found = ((dotted(one.path), one.amount) for one in amounts(scenario))
    kept = [Unknown(path, amount) for path, amount in found if amount.range is not None or amount.estimates]
    return tuple(sorted(kept, key=lambda unknown: unknown.path))


def read_text(text: float | str) -> tuple[Expr, bool]:
    """Return the tree of a number, text or formula, and whether it said `per site`.

    Raises:
        FormulaError: The text cannot be read.
    """
    if isinstance(text, int | float):
        if not math.isfinite(text):
            raise FormulaError(f"{text} is not a finite number")
        return Expr("number", value=float(text)), False
    return _parsed(text)


@lru_cache(maxsize=8192)
def _parsed(text: str) -> tuple[Expr, bool]:
    body, per_site = split_scope(text)
    return parse(body), per_site


def point(shape: str, ends: tuple[float, float], mode: float | None, u: float) -> float:
    """Return the point of a distribution below which a share u lies.

    `triangle` and `pert` (lambda 4) have their peak at the mode, or in the middle. `normal` and
    `lognormal` have the ends as their central 90 % and know no mode; a normal one never falls below 0
    where its range does not.

    Args:
        shape: `uniform`, `triangle`, `pert`, `normal` or `lognormal`.
        ends: Lowest and highest value.
        mode: The value thought most likely; cut to the ends.
        u: A share in (0, 1).

    Source:
        `pert`: Malcolm, Roseboom, Clark & Fazar (1959), Application of a Technique for Research and
        Development Program Evaluation, Operations Research 7(5).
    """
    low, high = ends
    if high <= low:
        return low
    u = min(max(u, _EDGE), 1 - _EDGE)
    peak = (low + high) / 2 if mode is None else min(max(mode, low), high)
    if shape == "triangle":
        turn = (peak - low) / (high - low)
        if u < turn:
            return low + math.sqrt(u * (high - low) * (peak - low))
        return high - math.sqrt((1 - u) * (high - low) * (high - peak))
    if shape == "pert":
        a = 1 + 4 * (peak - low) / (high - low)
        return float(low + (high - low) * special.betaincinv(a, 6 - a, u))
    if shape in ("normal", "lognormal"):
        return _bell(shape, ends, float(special.ndtri(u)))
    return low + (high - low) * u


def _bell(shape: str, ends: tuple[float, float], z: float) -> float:
    """Return the point of a normal or lognormal distribution at z standard deviations."""
    low, high = ends
    if shape == "normal":
        found = (low + high) / 2 + (high - low) / (2 * _NINETY) * z
        return max(found, 0.0) if low >= 0 else found
    if low <= 0:
        raise FormulaError("a lognormal range must be above 0", "another shape, or a higher low end")
    return math.exp((math.log(low) + math.log(high)) / 2 + math.log(high / low) / (2 * _NINETY) * z)


@dataclass(frozen=True)
class Number:
    """One number.

    Attributes:
        value: In base units.
        unit: Its unit as written; the expected one where it has none.
        per_site: Whether it says that it holds for each site.
    """

    value: float
    unit: Unit
    per_site: bool = False


@dataclass(frozen=True)
class Reader:
    """Reads the numbers of one place.

    Attributes:
        expected: The unit that the place expects; nothing takes any.
        quantity: A named quantity in base units, and its unit.
        names: The names of all quantities.
    """

    expected: str
    quantity: Callable[[str], tuple[float, Unit]]
    names: frozenset[str] = frozenset()

    def number(self, text: float | str) -> Number:
        """Return one number, text or formula; a bare one takes the expected unit."""
        tree, per_site = read_text(text)
        if tree.kind == "number":
            value, unit = tree.value * tree.unit.factor, tree.unit
        else:
            value = evaluate(tree, lambda name: self.quantity(name)[0])
            unit = unit_of(tree, lambda name: self.quantity(name)[1])
        if self.names:
            for word in sorted(unit_words(tree) & self.names):
                raise FormulaError(f"{word!r} is a unit and a quantity", "give the quantity another name")
        return self._fitted(Number(value, unit, per_site), text)

    def _fitted(self, number: Number, text: object) -> Number:
        """Return a number with the expected unit where it has none, or raise where it has a wrong one."""
        if not self.expected:
            return number
        if number.unit.bare:
            wanted = parse_unit(expected_unit(self.expected))
            return Number(number.value * wanted.factor, wanted, number.per_site)
        if "unit" not in self.expected and not compatible(number.unit, self.expected):
            kind = describe(number.unit) if number.unit.dims else "a share"
            raise FormulaError(f"expected {self.expected.replace('|', ' or ')}, got {text!r}, which is {kind}")
        return number

    def one(self, given: Amount | Estimate, u: float | None) -> Number:
        """Return a single number: drawn at u where it is unknown, else its centre."""
        if not isinstance(given, Amount):
            return self._of_one(given, u)
        if any((given.of, given.sites, given.dates, given.years, given.grid, given.table)):
            raise FormulaError("must be one number here", "`value`, `range` or `estimates`")
        if given.estimates and not (u is None and given.value is not None):
            return self._believed(given.estimates, u)
        return self._of_one(given, u)

    def _believed(self, estimates: Sequence[Estimate], u: float | None) -> Number:
        """Return what one estimate says, picked by weight with u, or the weighted mean of their centres."""
        total = sum(estimate.weight for estimate in estimates)
        if u is None:
            found = [self._of_one(estimate, None) for estimate in estimates]
            for other in found[1:]:
                self._alike(found[0].unit, other.unit, "estimates")
            mean = sum(n.value * e.weight / total for n, e in zip(found, estimates, strict=True))
            return Number(mean, found[0].unit, any(n.per_site for n in found))
        before = 0.0
        for estimate in estimates[:-1]:
            weight = estimate.weight / total
            if u <= before + weight:
                return self._of_one(estimate, (u - before) / weight)
            before += weight
        return self._of_one(estimates[-1], (u - before) / (1 - before))

    def _of_one(self, given: Amount | Estimate, u: float | None) -> Number:
        centre = None if given.value is None else self.number(given.value)
        if given.range is None or (u is None and centre is not None):
            if centre is None:
                raise FormulaError("has neither value nor range")
            return centre
        ends, unit, per_site = self._ends(given.range, centre)
        per_site = per_site or (centre is not None and centre.per_site)
        if u is None:
            return Number(sum(ends) / 2, unit, per_site)
        shape = given.shape or ("uniform" if centre is None else "triangle")
        return Number(point(shape, ends, None if centre is None else centre.value, u), unit, per_site)

    def _ends(self, given: str | tuple[float, float], beside: Number | None) -> tuple[tuple[float, float], Unit, bool]:
        """Return both ends in base units; bare ones take the value's unit, else the expected one."""
        unit, per_site = Unit(), False
        if isinstance(given, str):
            low, high, unit, per_site = parse_range(given)
        else:
            low, high = given
        if unit.bare and beside is not None:
            unit = beside.unit
        number = self._fitted(Number(1.0, unit), given)
        if beside is not None:
            self._alike(beside.unit, number.unit, "a value and a range")
        factor = number.unit.factor
        return (low * factor, high * factor), number.unit, per_site

    @staticmethod
    def _alike(a: Unit, b: Unit, what: str) -> None:
        if a.dims != b.dims:
            raise FormulaError(f"{what} of {describe(a)} and {describe(b)}", "both must be of one kind")


def _no_quantities(name: str) -> tuple[float, Unit]:
    raise FormulaError(f"depends on the quantity {name!r}", "read it with `Values`")


def quantile(given: Amount | Estimate, u: float) -> float:
    """Return the point of a number's distribution below which a share u lies, in its written unit.

    Where its range has a unit, that one; of rival estimates, that of the one which u picks.

    Raises:
        FormulaError: It cannot be read, or depends on quantities.
    """
    number = Reader("", _no_quantities).one(given, u)
    return number.value / number.unit.factor


def central(given: Amount | Estimate) -> float | str:
    """Return the centre of a number as written: its value or formula, else the middle of its range.

    Of rival estimates without a value beside them it is the weighted mean of their centres, in the
    first's unit.

    Raises:
        FormulaError: It cannot be read, or its estimates depend on quantities.
    """
    if given.value is not None:
        return given.value
    number = Reader("", _no_quantities).one(given, None)
    return number.value / number.unit.factor
