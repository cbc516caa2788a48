"""Every number that a planner wrote, read once: what it is worth, in which unit, and what cannot be read."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from fieldshift.errors import Problem
from fieldshift.horizon import Periods
from fieldshift.scenario.formula import Expr, FormulaError, evaluate, names, unit_of
from fieldshift.scenario.marked import Path
from fieldshift.scenario.paths import Found, amounts, nearest, problem_at
from fieldshift.scenario.schema import Amount, Estimate, Fill, Scenario
from fieldshift.scenario.values import Values, expected_unit, read_text
from fieldshift.units import DAYS, Unit, UnitError, compatible, describe, parse_range, parse_unit

__all__ = ["Reading", "Readings", "periods_of", "readings"]

Written = float | str


@dataclass(frozen=True)
class Reading:
    """One number as written, and what it says.

    Attributes:
        path: Where it stands.
        text: As written.
        value: In base units, unknowns at their centre.
        unit: Its unit; the expected one where it has none.
        expected: The unit that its field expects, or nothing.
        per_site: Whether it says `per site`.
        ends: Both ends in base units, where it is a range.
    """

    path: Path
    text: Written
    value: float
    unit: Unit
    expected: str
    per_site: bool = False
    ends: tuple[float, float] | None = None

    @property
    def of_own_time(self) -> float:
        """The number per the calendar word that it is written in: 0.06 for `6 %/year`."""
        return self.value if self.unit.per is None else self.value * DAYS[self.unit.per] / DAYS["year"]


@dataclass
class Readings:
    """All numbers of a scenario.

    Attributes:
        all: Those that can be read.
        problems: What is wrong with the others.
        broken: Quantities that cannot be read, or that need one which cannot.
        known: The names of all quantities.
        values: The numbers at their centre.
    """

    values: Values
    all: list[Reading] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    known: frozenset[str] = frozenset()


def periods_of(scenario: Scenario) -> Periods:
    """Return the periods of a scenario."""
    given = scenario.horizon
    return Periods(given.start, given.periods, given.step, given.fiscal_year_starts)


class _Same:
    """A scenario as a key: the very same one."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario

    def __hash__(self) -> int:
        return id(self.scenario)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.scenario is self.scenario


def readings(scenario: Scenario) -> Readings:
    """Return all numbers of a scenario, read once."""
    return _readings(_Same(scenario))


@lru_cache(maxsize=2)
def _readings(same: _Same) -> Readings:
    scenario = same.scenario
    found = Readings(Values(scenario, periods_of(scenario)), known=frozenset(scenario.quantities))
    found.problems.extend(_unknown_names(scenario))
    found.broken = _broken(scenario, found)
    for one in _numbers(scenario):
        for path, text, own in _texts(one.amount, one.path):
            _read(scenario, found, one, (path, text, own))
    return found


def _numbers(scenario: Scenario) -> Iterator[Found]:
    """Yield every number, with the unit that its place expects."""
    for one in amounts(scenario):
        if one.path[0] == "resources" and one.unit == "unit":
            yield Found(one.path, one.amount, _counted(scenario, str(one.path[1])))
        else:
            yield one
    for name, resource in scenario.resources.items():
        unit = _counted(scenario, name)
        for stock, given in resource.supply.items():
            amount = _amount(given)
            if amount is not None:
                yield Found(("resources", name, "supply", stock), amount, f"{unit}/person|1" if unit else "")
    for name, policy in scenario.policies.items():
        for i, rule in enumerate(policy.rules):
            given = rule.upto if isinstance(rule, Fill) else None
            if isinstance(given, str) and given not in ("funded", "authorised", *scenario.needs):
                path: Path = ("policies", name, "rules", i, "upto")
                yield Found(path, Amount(value=given), "person")


def _counted(scenario: Scenario, resource: str) -> str:
    """Return the unit of a resource, or nothing where it is none."""
    unit = scenario.resources[resource].unit
    try:
        parse_unit(unit)
    except UnitError:
        return ""
    return unit


def _amount(given: Any) -> Amount | None:
    try:
        return Amount.model_validate(given)
    except ValueError:
        return None


def _texts(amount: Amount, path: Path) -> Iterator[tuple[Path, Written | tuple[float, float], Written | None]]:
    """Yield each number and range, with the number that a bare range takes its unit from."""
    yield from _of_one(amount, path)
    for i, estimate in enumerate(amount.estimates):
        yield from _of_one(estimate, (*path, "estimates", i))
    for form in ("of", "sites", "dates", "years"):
        given: Mapping[str | int, Written] = getattr(amount, form)
        yield from (((*path, form, key), value, None) for key, value in given.items())
    for date, row in amount.grid.items():
        yield from (((*path, "grid", date, key), value, None) for key, value in row.items())


def _of_one(
    given: Amount | Estimate, path: Path
) -> Iterator[tuple[Path, Written | tuple[float, float], Written | None]]:
    if given.value is not None:
        yield (*path, "value"), given.value, None
    if given.range is not None:
        yield (*path, "range"), given.range, given.value


def _tree(text: Written | tuple[float, float] | None) -> Expr | None:
    """Return the tree of a number or formula; nothing where it is a range or cannot be read."""
    try:
        return read_text(text)[0] if isinstance(text, int | float | str) else None
    except (FormulaError, UnitError):
        return None


def _needs(scenario: Scenario) -> dict[str, frozenset[str]]:
    """Return the names that each quantity uses."""
    found = {}
    for name, amount in scenario.quantities.items():
        trees = [_tree(text) for path, text, _ in _texts(amount, ()) if path[-1] != "range"]
        found[name] = frozenset().union(*(names(tree) for tree in trees if tree is not None))
    return found


def _unknown_names(scenario: Scenario) -> Iterator[Problem]:
    for one in _numbers(scenario):
        for path, text, _ in _texts(one.amount, one.path):
            tree = _tree(text) if path[-1] != "range" else None
            for name in sorted(names(tree)) if tree is not None else ():
                if name not in scenario.quantities:
                    hint = nearest(name, scenario.quantities, "quantities")
                    yield problem_at(scenario, path, f"there is no quantity '{name}'", hint)


def _broken(scenario: Scenario, found: Readings) -> set[str]:
    """Return the quantities that cannot be read, and tell of circles."""
    needs = _needs(scenario)
    broken = {name for name, used in needs.items() if used - set(needs)}
    told: set[str] = set()
    for name in needs:
        circle = _circle(name, needs)
        if circle and not told & set(circle):
            what = f"is defined by itself: {' -> '.join(circle)}"
            found.problems.append(problem_at(scenario, ("quantities", name), what))
        told |= set(circle)
    broken |= told
    for name, amount in scenario.quantities.items():
        for path, text, _ in _texts(amount, ()):
            if path[-1] != "range" and isinstance(text, str) and _tree(text) is None:
                broken.add(name)
    while more := {name for name, used in needs.items() if used & broken} - broken:
        broken |= more
    return broken


def _circle(start: str, needs: Mapping[str, frozenset[str]]) -> list[str]:
    """Return a way from a quantity back to itself, or nothing."""
    seen: set[str] = set()
    ways = [[start]]
    while ways:
        way = ways.pop()
        for name in sorted(needs.get(way[-1], ()), reverse=True):
            if name == start:
                return [*way, start]
            if name not in seen:
                seen.add(name)
                ways.append([*way, name])
    return []


def _read(
    scenario: Scenario, found: Readings, one: Found, given: tuple[Path, Written | tuple[float, float], Written | None]
) -> None:
    path, text, own = given
    try:
        if path[-1] == "range":
            reading = _range(found, one, path, text, own)
        else:
            reading = _one(found, one, path, text) if isinstance(text, int | float | str) else None
    except (FormulaError, UnitError) as error:
        found.problems.append(problem_at(scenario, path, error.what, error.hint))
        if one.path[0] == "quantities":
            found.broken.add(str(one.path[1]))
        return
    if reading is None:
        return
    found.all.append(reading)
    if one.unit and not _fits(reading.unit, one.unit):
        what = f"expected {_expected(one.unit)}, got {_described(reading)}"
        found.problems.append(problem_at(scenario, path, what, _example(one.unit)))


def _one(found: Readings, one: Found, path: Path, text: Written) -> Reading | None:
    if isinstance(text, float) and not math.isfinite(text):
        return None
    tree, per_site = read_text(text)
    used = names(tree)
    if used & found.broken or used - found.known:
        return None
    unit = unit_of(tree, lambda name: found.values.quantity(name)[1])
    value = evaluate(tree, lambda name: found.values.quantity(name)[0])
    if not unit.dims and unit.factor == 1.0 and one.unit:
        wanted = parse_unit(expected_unit(one.unit))
        return Reading(path, text, value * wanted.factor, wanted, one.unit, per_site)
    return Reading(path, text, value, unit, one.unit, per_site)


def _range(
    found: Readings, one: Found, path: Path, given: Written | tuple[float, float], own: Written | None
) -> Reading | None:
    beside = _one(found, one, path, own) if own is not None else None
    if own is not None and beside is None:
        return None
    wanted = parse_unit(expected_unit(one.unit)) if one.unit else Unit()
    unit = beside.unit if beside is not None else wanted
    per_site = False
    if isinstance(given, str):
        low, high, said, per_site = parse_range(given)
        unit = said if said.dims or said.factor != 1.0 else unit
    else:
        low, high = given if isinstance(given, tuple) else (float(given), float(given))
    if beside is not None and unit.dims != beside.unit.dims:
        raise UnitError(f"a range of {describe(unit)} beside a value of {describe(beside.unit)}", "both of one kind")
    ends = (low * unit.factor, high * unit.factor)
    value = beside.value if beside is not None else sum(ends) / 2
    text = given if isinstance(given, str) else f"{low:g}..{high:g}"
    return Reading(path, text, value, unit, one.unit, per_site, ends)


def _fits(unit: Unit, expected: str) -> bool:
    if not unit.dims and unit.factor != 1.0:
        return any(not parse_unit(option).dims for option in expected.split("|"))
    return compatible(unit, expected)


def _expected(expected: str) -> str:
    words = ["a share" if option == "1" else option for option in expected.split("|")]
    return " or ".join(words)


def _described(reading: Reading) -> str:
    kind = "a share" if not reading.unit.dims else describe(reading.unit)
    return f"'{reading.text}', which is {kind}"


def _example(expected: str) -> str:
    first = expected_unit(expected)
    return "such as `6 %/year`" if first == "1/year" else "" if first == "1" else f"such as `12 {first}`"
