"""A rule of a planner at one site and for some dates, and how one more or one less of it is said."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Any

from fieldshift.network.words import amount, count_of, units

__all__ = ["Rule", "number"]


def number(value: float) -> str:
    """Return a number for a sentence: to three digits under a thousand, else whole with thousands marked."""
    return amount(float(f"{value:.3g}") if abs(value) < 1000 else float(round(value)))


@dataclass(frozen=True)
class Rule:
    """A rule at one site over some dates.

    Attributes:
        kind: `limit`, `rate` (most in a period), `floor`, `money`, `need`, `short`, `over`, `group` or `least`.
        part: The planner's part, dotted.
        title: Its name for a reader.
        unit: What is counted.
        site: The site's name, or nothing for the nation.
        start: First day.
        end: The day after the last one.
        periods: How many periods that is.
        step: Length of a period in words.
        level: The number that the planner gave for its first period.
        place: `file:line` where it was written, or nothing.
    """

    kind: str
    part: str
    title: str
    unit: str
    site: str
    start: dt.date
    end: dt.date
    periods: int
    step: str
    level: float
    place: str = ""

    @property
    def when(self) -> str:
        """Its dates in words."""
        last = self.end - dt.timedelta(days=1)
        if self.periods == 1:
            return f"in the {self.step} from {self.start}"
        return f"{self.start} to {last} ({count_of(self.periods, self.step)})"

    @property
    def named(self) -> str:
        """What it is, and where."""
        words = {"need": "need", "short": "most short of", "over": "most over", "least": "least of", "rate": ""}
        word = words.get(self.kind, "")
        return f"{word} {self.title}".strip() + (f" at {self.site}" if self.site else "")

    def more(self, value: float) -> str:
        """Return so much more room under it: `one more seat`, `3 people fewer`."""
        return self._said(value, loosen=True)

    def less(self, value: float) -> str:
        """Return so much less room under it."""
        return self._said(value, loosen=False)

    def _said(self, value: float, *, loosen: bool) -> str:
        if self.kind == "money":
            return f"{number(value)} {self.unit} {'more' if loosen else 'less'}"
        up = loosen is (self.kind not in ("floor", "need", "least"))
        said, noun = _units(value, self.unit).split(" ", 1)
        said = "one" if value == 1 else said
        each = f" a {self.step}" if self.kind in ("rate", "least") else ""
        if up:
            return f"{said} more {noun}{each}"
        return f"{said} {noun} fewer{each}"

    def to(self, value: float) -> str:
        """Return its number after so much has been given up, beside the number before."""
        down = self.kind in ("floor", "need", "least")
        after = max(self.level - value, 0.0) if down else self.level + value
        per = f" a {self.step}" if self.kind in ("rate", "least") else ""
        return f"{number(after)} instead of {_units(self.level, self.unit)}{per}"

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values, dates as text."""
        return {k: v.isoformat() if isinstance(v, dt.date) else v for k, v in asdict(self).items()}


def _units(value: float, unit: str) -> str:
    """Return a number with its unit, to three digits."""
    near = round(value, 6)
    return f"{number(near)} {units(near, unit).split(' ', 1)[1]}"
