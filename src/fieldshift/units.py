"""Units: the only file that knows them.

A unit is a product of powers of dimensions: `person`, `case`, `money`, `time` (calendar), `hour` (working time, not
calendar time), and `place` (posts, seats, beds, ...). A share has no dimension. `per site` is a scope, not a unit.
A calendar year has 365.25 days, a month a twelfth of it.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from fieldshift.errors import FieldshiftError

__all__ = [
    "DAYS",
    "Quantity",
    "Unit",
    "UnitError",
    "compatible",
    "describe",
    "parse_quantity",
    "parse_range",
    "parse_unit",
    "split_scope",
]

DAYS: Mapping[str, float] = {
    "day": 1.0,
    "week": 7.0,
    "month": 365.25 / 12,
    "quarter": 365.25 / 4,
    "year": 365.25,
}
"""Days in each calendar unit."""

_NUMBER = re.compile(r"[+-]?(\d[\d_]*\.?[\d_]*|\.\d+)([eE][+-]?\d+)?")
_WORD = re.compile(r"[A-Za-z%][A-Za-z0-9_]*|%|1")
_SCOPE = re.compile(r"\s*(?:\bper\s+|/\s*)(site|office|force|unit site)\s*$")
_MONEY = (
    "USD",
    "EUR",
    "GBP",
    "CHF",
    "CAD",
    "AUD",
    "NZD",
    "JPY",
    "SEK",
    "NOK",
    "DKK",
    "PLN",
    "INR",
    "BRL",
    "ZAR",
    "MXN",
)
_PLACES = (
    "post",
    "seat",
    "bed",
    "vehicle",
    "desk",
    "room",
    "unit",
    "place",
    "team",
    "car",
    "licence",
    "posts",
)


class UnitError(FieldshiftError):
    """A text that is no number with a unit, or a unit that does not fit.

    Attributes:
        what: What is wrong.
        hint: What would be right.
    """

    exit_code = 2

    def __init__(self, what: str, hint: str = "") -> None:
        self.what, self.hint = what, hint
        super().__init__(f"{what} ({hint})" if hint else what)


@dataclass(frozen=True)
class Unit:
    """A unit: its dimensions, its size, and the calendar word that it is per, as written.

    Attributes:
        dims: Power of each dimension, sorted.
        factor: Size in base units: person, case, whole currency, hour, year, place.
        per: The calendar word it is per (`year` in `12 %/year`), or None.
        text: As written.
    """

    dims: tuple[tuple[str, int], ...] = ()
    factor: float = 1.0
    per: str | None = None
    text: str = "1"

    def __mul__(self, other: Unit) -> Unit:
        return Unit(_merge(self.dims, other.dims, 1), self.factor * other.factor, self.per or other.per, "")

    def __truediv__(self, other: Unit) -> Unit:
        per = self.per or (_calendar(other) if dict(other.dims).get("time") == 1 else None)
        return Unit(_merge(self.dims, other.dims, -1), self.factor / other.factor, per, "")

    @property
    def power(self) -> Mapping[str, int]:
        """Power of each dimension."""
        return dict(self.dims)


def _calendar(unit: Unit) -> str | None:
    return next((word for word, days in DAYS.items() if math.isclose(unit.factor, days / DAYS["year"])), None)


def _merge(
    a: tuple[tuple[str, int], ...], b: tuple[tuple[str, int], ...], sign: int
) -> tuple[tuple[str, int], ...]:
    powers = dict(a)
    for dim, power in b:
        powers[dim] = powers.get(dim, 0) + sign * power
    return tuple(sorted((d, p) for d, p in powers.items() if p))


def _table() -> dict[str, Unit]:
    table: dict[str, Unit] = {}
    for word in (
        "person",
        "persons",
        "people",
        "head",
        "heads",
        "officer",
        "officers",
        "trainee",
        "trainees",
    ):
        table[word] = Unit((("person", 1),), 1.0, None, word)
    for word in ("case", "cases"):
        table[word] = Unit((("case", 1),), 1.0, None, word)
    for word in ("hour", "hours"):
        table[word] = Unit((("hour", 1),), 1.0, None, word)
    table["minute"] = table["minutes"] = Unit((("hour", 1),), 1 / 60, None, "minute")
    for word, days in DAYS.items():
        for form in (word, f"{word}s"):
            table[form] = Unit((("time", 1),), days / DAYS["year"], None, form)
    for place in _PLACES:
        for form in (place, f"{place}s"):
            table[form] = Unit((("place", 1),), 1.0, None, form)
    for code in _MONEY:
        for prefix, factor in (("", 1.0), ("k", 1e3), ("M", 1e6), ("B", 1e9)):
            table[prefix + code] = Unit((("money", 1),), factor, None, prefix + code)
    table["1"] = Unit()
    for share, size in (("%", 0.01), ("percent", 0.01), ("permille", 0.001)):
        table[share] = Unit((), size, None, share)
    return table


_UNITS = _table()


def is_unit(word: str) -> bool:
    """Return whether a word is a unit."""
    return word in _UNITS


@lru_cache(maxsize=4096)
def parse_unit(text: str) -> Unit:
    """Return the unit a text names: words joined by `*`, `/`, `per` or blanks.

    Raises:
        UnitError: A word that is no unit, with the nearest one.
    """
    cleaned = re.sub(r"\bper\b", "/", text.strip())
    if not cleaned:
        return Unit()
    unit, sign, first = Unit(), 1, True
    for token in re.findall(r"[^\s/*]+|/|\*", cleaned):
        if token == "/":
            sign = -1
            continue
        if token == "*":
            sign = 1
            continue
        found = _UNITS.get(token)
        if found is None:
            near = difflib.get_close_matches(token, _UNITS, 1)
            raise UnitError(f"{token!r} is not a unit", f"did you mean {near[0]!r}?" if near else "")
        unit = unit * found if sign > 0 else unit / found
        if first and sign > 0:
            first = False
    return Unit(unit.dims, unit.factor, unit.per, text.strip())


def split_scope(text: str) -> tuple[str, bool]:
    """Return a text without its `per site`, and whether it had one."""
    cut = _SCOPE.sub("", text)
    return cut, cut != text


@dataclass(frozen=True)
class Quantity:
    """A number with its unit.

    Attributes:
        value: The number as written.
        unit: Its unit.
        per_site: Whether it holds for each site.
    """

    value: float
    unit: Unit = field(default_factory=Unit)
    per_site: bool = False


def _number(text: str) -> tuple[float, str]:
    match = _NUMBER.match(text.strip())
    if match is None:
        raise UnitError(f"{text!r} is not a number", "a number, then its unit: `12 person/week`")
    rest = text.strip()[match.end() :]
    if re.match(r",\d", rest):
        raise UnitError(f"{text!r} has a comma in its number", "write 1000 or 1_000")
    value = float(match.group().replace("_", ""))
    if not math.isfinite(value):
        raise UnitError(f"{text!r} is not a finite number")
    return value, rest


def parse_quantity(text: str) -> Quantity:
    """Return the number and unit of a text such as `12 person/week per site` or `1 / 44 day`.

    Raises:
        UnitError: The text is not a number with a unit.
    """
    body, per_site = split_scope(text)
    value, rest = _number(body)
    under = re.match(r"\s*/\s*(?=[\d.])", rest)
    if under:
        below, rest = _number(rest[under.end() :])
        if below == 0:
            raise UnitError(f"{text!r} divides by zero")
        return Quantity(value / below, Unit() / parse_unit(rest), per_site)
    return Quantity(
        value,
        parse_unit(rest.strip().removeprefix("/").strip())
        if not rest.strip().startswith("/")
        else Unit() / parse_unit(rest.strip()[1:]),
        per_site,
    )


def parse_range(text: str) -> tuple[float, float, Unit, bool]:
    """Return the ends and unit of a range such as `5..6 %/year` or `1/56..1/43 1/day`.

    Raises:
        UnitError: The text is not a range.
    """
    body, per_site = split_scope(text)
    match = re.match(r"\s*([^\s.]*(?:\.\d+)?[^\s.]*)\s*\.\.\s*(\S+)\s*(.*)$", body)
    if match is None:
        raise UnitError(f"{text!r} is not a range", "two numbers with two dots between: `5..6 %/year`")
    low, high = (_ratio(match.group(i), text) for i in (1, 2))
    rest = match.group(3).strip()
    unit = parse_unit(rest) if not rest.startswith("/") else Unit() / parse_unit(rest[1:])
    return low, high, unit, per_site


def _ratio(text: str, whole: str) -> float:
    above, _, below = text.partition("/")
    try:
        value = float(above.replace("_", "")) / (float(below) if below else 1.0)
    except (ValueError, ZeroDivisionError):
        raise UnitError(
            f"{whole!r} is not a range", "two numbers with two dots between: `5..6 %/year`"
        ) from None
    if not math.isfinite(value):
        raise UnitError(f"{whole!r} is not finite")
    return value


def _fits(have: Mapping[str, int], want: Mapping[str, int]) -> bool:
    if dict(have) == dict(want):
        return True
    # What one person does or gets may be said with or without `/person`; so for a case and a place.
    for loose in ("person", "case", "place"):
        a, b = dict(have), dict(want)
        if a.pop(loose, 0) - b.pop(loose, 0) in (-1, 0) and a == b:
            return loose not in want or want[loose] < 0
    return False


def compatible(unit: Unit, expected: str) -> bool:
    """Return whether a unit is one that a field expects (`a|b` are alternatives; `unit` takes any place or person)."""
    for option in expected.split("|"):
        want = dict(parse_unit(option).dims)
        have = dict(unit.dims)
        if _fits(have, want):
            return True
        if option == "unit" and have in ({"person": 1}, {"case": 1}, {"place": 1}):
            return True
        if option == "post" and have == {"person": 1}:
            return False
        if set(want) == {"place", "person"} and not have:
            return True
    return False


def describe(unit: Unit) -> str:
    """Return a unit in words, from its dimensions."""
    up = [d for d, p in unit.dims for _ in range(p) if p > 0]
    down = [d for d, p in unit.dims for _ in range(-p) if p < 0]
    return ("*".join(up) or "1") + "".join(f"/{d}" for d in down)
