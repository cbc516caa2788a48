"""Units: the only file that knows them.

A unit is a product of powers of dimensions: `person`, `case`, `money`, `time` (calendar), `hour` (working
time, which is not calendar time), and `place` (posts, seats, beds, ...). A share has no dimension. `per site`
is a scope, not a unit. A calendar year has 365.25 days, a month is a twelfth of it, a week has 7 days.

    quantity := number unit? ("/" number unit?)? scope?      12 person/week per site      1 / 44 day
    range    := end ".." end unit? scope?                    5..6 %/year                  1/56..1/43 1/day
    end      := number ("/" number)?
    number   := digits with `_` between them, point, exponent; then `thousand`, `million` or `billion`
    unit     := word (("/" | "per" | "*") word)*             USD/person/day               case per week

In a unit each `/` divides by the one word after it. `1,000` is refused: half of the world reads it as one.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping
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
    "is_unit",
    "nearest_unit",
    "number_at",
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

_DIGITS = r"[0-9]+(?:_[0-9]+)*"
_NUMBER = rf"(?:{_DIGITS}(?:\.(?!\.)(?:{_DIGITS})?)?|\.{_DIGITS})(?:[eE][+-]?[0-9]+)?"
_SIZES: Mapping[str, float] = {"thousand": 1e3, "million": 1e6, "billion": 1e9}
_SIZED = re.compile(rf"(?P<number>{_NUMBER})(?:(?<![A-Za-z])\s*(?P<size>{'|'.join(_SIZES)})\b)?")
_END = rf"[+-]?{_NUMBER}(?:\s*/\s*{_NUMBER})?"
_RANGE = re.compile(
    rf"\s*(?P<low>{_END})\s*\.\.(?!\.)\s*(?P<high>{_END})(?:\s*(?P<size>{'|'.join(_SIZES)})\b)?(?P<unit>.*)"
)
_SCOPE = re.compile(r"\s*(?:\bper\s+|/\s*)site\b(?=\s*(?:$|/|\bper\b))")
_PER = re.compile(r"\s*\bper\b\s*")

_PERSONS = "person persons people head heads"
_PLACES = "post seat bed vehicle desk room unit place team car licence license"
_MONEY = (
    "USD EUR GBP CHF CAD AUD NZD JPY CNY KRW SEK NOK DKK ISK PLN CZK HUF RON BGN TRY ILS INR IDR PHP THB SGD "
    "BRL ARS CLP COP MXN ZAR NGN KES EGP UAH"
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
    """A unit: its dimensions, its size, and the calendar word in it, as written.

    Attributes:
        dims: Power of each dimension, sorted.
        factor: Size in base units: person, case, whole currency, hour, year, place.
        word: The calendar word in it (`year` in `12 %/year`, `day` in `44 day`), or None.
        text: As written.
    """

    dims: tuple[tuple[str, int], ...] = ()
    factor: float = 1.0
    word: str | None = None
    text: str = "1"

    def __mul__(self, other: Unit) -> Unit:
        return self._with(other, 1, self.factor * other.factor)

    def __truediv__(self, other: Unit) -> Unit:
        return self._with(other, -1, self.factor / other.factor)

    def _with(self, other: Unit, sign: int, factor: float) -> Unit:
        dims = _merged(self.dims, other.dims, sign)
        timed = any(dim == "time" for dim, _ in dims)
        return Unit(dims, factor, (self.word or other.word) if timed else None, "")

    @property
    def power(self) -> Mapping[str, int]:
        """Power of each dimension."""
        return dict(self.dims)

    @property
    def per(self) -> str | None:
        """The calendar word that it is per (`year` in `12 %/year`), or None."""
        return self.word if dict(self.dims).get("time", 0) < 0 else None

    @property
    def bare(self) -> bool:
        """Whether there is no unit at all: such a number takes the unit of its field. `%` is a unit."""
        return not self.dims and self.factor == 1.0

    @property
    def plain(self) -> Unit:
        """The unit of the same kind that counts persons, cases and whole money, per its own calendar word."""
        if not self.dims:
            return self
        years = DAYS[self.word] / DAYS["year"] if self.word else 1.0
        return Unit(self.dims, years ** dict(self.dims).get("time", 0), self.word, self.text)


@lru_cache(maxsize=4096)
def _merged(a: tuple[tuple[str, int], ...], b: tuple[tuple[str, int], ...], sign: int) -> tuple[tuple[str, int], ...]:
    powers = dict(a)
    for dim, power in b:
        powers[dim] = powers.get(dim, 0) + sign * power
    return tuple(sorted((dim, power) for dim, power in powers.items() if power))


def _table() -> dict[str, Unit]:
    table = {"1": Unit()}

    def put(words: Iterable[str], dim: str, factor: float = 1.0, calendar: str | None = None) -> None:
        table.update({word: Unit(((dim, 1),), factor, calendar, word) for word in words})

    put(_PERSONS.split(), "person")
    put(("case", "cases"), "case")
    put(("hour", "hours"), "hour")
    put(("minute", "minutes"), "hour", 1 / 60)
    for word, days in DAYS.items():
        put((word, f"{word}s"), "time", days / DAYS["year"], word)
    for place in _PLACES.split():
        put((place, f"{place}s"), "place")
    for prefix, factor in (("", 1.0), ("k", 1e3), ("M", 1e6), ("B", 1e9)):
        put((prefix + code for code in _MONEY.split()), "money", factor)
    for share, size in (("%", 0.01), ("percent", 0.01), ("permille", 0.001)):
        table[share] = Unit((), size, None, share)
    return table


_UNITS = _table()


def is_unit(word: str) -> bool:
    """Return whether a word is a unit."""
    return word in _UNITS


def nearest_unit(word: str) -> str:
    """Return a hint with the unit nearest to a word that is none."""
    if word in ("site", "sites", "office", "force"):
        return "say `per site`, once"
    near = [known for known in _UNITS if known.casefold() == word.casefold()]
    near = near or difflib.get_close_matches(word, _UNITS, 1)
    return f"did you mean {near[0]!r}?" if near else ""


@lru_cache(maxsize=4096)
def parse_unit(text: str) -> Unit:
    """Return the unit that a text names: words joined by `/`, `per` or `*`; nothing and `1` are no unit.

    Raises:
        UnitError: A word that is no unit, with the nearest one, or words that are not joined.
    """
    body = _PER.sub("/", text.strip())
    if not body:
        return Unit()
    parts = [part.strip() for part in re.split(r"([/*])", f"1{body}" if body.startswith("/") else body)]
    unit, sign = Unit(), "*"
    for i, part in enumerate(parts):
        if i % 2:
            sign = part
            continue
        found = _UNITS.get(part)
        if found is None:
            raise _no_unit(part, text.strip())
        unit = unit * found if sign == "*" else unit / found
    return Unit(unit.dims, unit.factor, unit.word, "".join(parts))


def _no_unit(part: str, text: str) -> UnitError:
    if not part:
        return UnitError(f"a unit is missing in {text!r}", "such as `person/week`")
    if " " in part and all(map(is_unit, part.split())):
        return UnitError(f"{part!r} is two units side by side", "join them with `/` or `per`")
    return UnitError(f"{part!r} is not a unit", nearest_unit(part))


def split_scope(text: str) -> tuple[str, bool]:
    """Return a text without its `per site` or `/site`, and whether it had one."""
    cut = _SCOPE.sub("", text, count=1)
    return cut, cut != text


def number_at(text: str, at: int = 0) -> tuple[float, int] | None:
    """Return the unsigned number that begins at a place of a text, and where it ends; None if there is none.

    Raises:
        UnitError: It has a comma in it, or is not finite.
    """
    match = _SIZED.match(text, at)
    if match is None:
        return None
    if re.match(r",[0-9]{3}(?![0-9])", text[match.end() :]) and re.fullmatch(r"[1-9][0-9]{0,2}", match[0]):
        digits = re.match(r"[0-9,]+", text[at:])
        written = digits.group() if digits else match[0]
        plain = written.replace(",", "")
        raise UnitError(f"{written!r} has a comma in it", f"write {plain}; a blank after a comma between two numbers")
    value = float(match["number"].replace("_", "")) * _SIZES.get(match["size"] or "", 1.0)
    if not math.isfinite(value):
        raise UnitError(f"{match[0]!r} is not a finite number", "it is too large to compute with")
    return value, match.end()


@dataclass(frozen=True)
class Quantity:
    """A number with its unit. As text it is what a planner could write, and reads back as itself.

    Attributes:
        value: The number as written.
        unit: Its unit.
        per_site: Whether it holds for each site.
    """

    value: float
    unit: Unit = field(default_factory=Unit)
    per_site: bool = False

    def __str__(self) -> str:
        word = "" if self.unit.text in ("", "1") else f" {self.unit.text}"
        return f"{self.value!r}{word}{' per site' if self.per_site else ''}"


def _number(text: str) -> tuple[float, str]:
    """Return the number that a text begins with, and the rest of it."""
    body = text.strip()
    sign = body[:1] if body[:1] in ("+", "-") else ""
    found = number_at(body, len(sign))
    if found is None:
        raise UnitError(f"{body!r} is not a number", "a number, then its unit: `12 person/week`")
    value, end = found
    if re.match(r",[0-9]", body[end:]):
        raise UnitError(f"{body!r} has a comma in its number", "a point for decimals; nothing or _ for thousands")
    return -value if sign == "-" else value, body[end:]


@lru_cache(maxsize=4096)
def parse_quantity(text: str) -> Quantity:
    """Return the number and unit of a text such as `12 person/week per site` or `1 / 44 day`.

    Raises:
        UnitError: The text is not a number with a unit.
    """
    body, per_site = split_scope(text)
    value, rest = _number(body)
    over = re.search(r"(?:/|\bper\b)\s*(?=[0-9.])", rest)
    if over is None:
        return Quantity(value, parse_unit(rest), per_site)
    below, under = _number(rest[over.end() :])
    if below == 0:
        raise UnitError(f"{text.strip()!r} divides by zero", "a number above 0 below the line")
    if not math.isfinite(value / below):
        raise UnitError(f"{text.strip()!r} is not a finite number", "a larger number below the line")
    upper, lower = parse_unit(rest[: over.start()]), parse_unit(under)
    if lower.bare:
        return Quantity(value / below, upper, per_site)
    inverse = lower.text.translate(str.maketrans("/*", "*/"))
    return Quantity(value / below, parse_unit(f"{upper.text}/{inverse}"), per_site)


@lru_cache(maxsize=4096)
def parse_range(text: str) -> tuple[float, float, Unit, bool]:
    """Return the ends as written, the unit, and whether it is per site, of a range such as `5..6 %/year`.

    The low end may be above the high one: that is for whoever reads the whole scenario to tell.

    Raises:
        UnitError: The text is not a range.
    """
    body, per_site = split_scope(text)
    match = _RANGE.fullmatch(body)
    if match is None:
        if re.search(r"[0-9],[0-9]", body):
            raise UnitError(f"{text!r} has a comma in a number", "a point for decimals; nothing or _ for thousands")
        raise UnitError(f"{text!r} is not a range", "two numbers with two dots between: `5..6 %/year`")
    size = _SIZES.get(match["size"] or "", 1.0)
    low, high = (_ratio(match[end], text) * size for end in ("low", "high"))
    if not (math.isfinite(low) and math.isfinite(high)):
        raise UnitError(f"{text!r} is not finite", "it is too large to compute with")
    return low, high, parse_unit(match["unit"]), per_site


def _ratio(end: str, text: str) -> float:
    above, _, below = end.replace("_", "").partition("/")
    under = float(below) if below else 1.0
    if under == 0:
        raise UnitError(f"{text!r} divides by zero", "a number above 0 below the line")
    return float(above) / under


def compatible(unit: Unit, expected: str) -> bool:
    """Return whether a unit is of the kind that a field expects.

    What one person or case earns, costs or works in a time may be said with or without `/person` or `/case`:
    `USD/year/person` fits `USD/year`.

    Args:
        unit: The unit of what was written; for a number without unit, ask `unit.bare` first.
        expected: A unit; `a|b` are alternatives, and `unit` stands for any place, person or case.
    """
    return _takes(unit.dims, expected)


@lru_cache(maxsize=4096)
def _takes(dims: tuple[tuple[str, int], ...], expected: str) -> bool:
    return any(_fits(dict(dims), want) for option in expected.split("|") for want in _kinds(option))


def _kinds(option: str) -> list[Mapping[str, int]]:
    """Return the dimensions that an expected unit allows."""
    counted = ("post", "person", "case") if re.search(r"\bunit\b", option) else ("unit",)
    return [parse_unit(re.sub(r"\bunit\b", word, option)).power for word in counted]


def _fits(have: Mapping[str, int], want: Mapping[str, int]) -> bool:
    if have == want:
        return True
    earned = want.get("time", 0) < 0 and (want.get("money", 0) > 0 or want.get("hour", 0) > 0)
    return earned and any(have == {**want, each: -1} for each in ("person", "case") if each not in want)


def describe(unit: Unit) -> str:
    """Return a unit in words, from its dimensions: `person/time`; `1` for a share."""
    up = [dim for dim, power in unit.dims for _ in range(power) if power > 0]
    down = [dim for dim, power in unit.dims for _ in range(-power) if power < 0]
    return ("*".join(up) or "1") + "".join(f"/{dim}" for dim in down)
