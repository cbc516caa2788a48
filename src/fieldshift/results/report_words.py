"""Numbers, dates and units in words: the same on paper, in a table and in a sentence."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence

import pandas as pd

__all__ = ["band", "date", "human", "joined", "kept", "known", "rough", "scaled", "share", "signed", "unit"]

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UNITS = {
    "1": "per cent",
    "1/year": "per cent a year",
    "case": "cases",
    "case/person": "cases a head",
    "case/week": "cases a week",
    "fte": "full-time equivalents",
    "hour": "hours",
    "person": "people",
    "post": "posts",
    "week": "weeks",
}
_LARGE = ((1e12, " trillion"), (1e9, " billion"), (1e6, " million"))


def known(value: object) -> bool:
    """Return whether something is a number that has a value."""
    return isinstance(value, int | float) and math.isfinite(value)


def human(value: float) -> str:
    """Return a number for a reader: `1,234`, `7.5 million`, `−0.25`; a dash where it has no value."""
    if not known(value):
        return "–"
    size, word = abs(value), ""
    for edge, name in _LARGE:
        if size >= edge * 0.9995:
            size, word = size / edge, name
            break
    places = 0 if size >= 100 or (size >= 10 and not word) else 1 if size >= 10 else 2 if word or size < 1 else 1
    whole = math.floor(size * 10**places + 0.5) / 10**places
    text = f"{whole:,.{places}f}"
    if places:
        text = text.rstrip("0").rstrip(".")
    return ("−" if value < 0 and whole else "") + text + word


def signed(value: float) -> str:
    """Return a difference for a reader, to three digits, with its sign: `+1,230`."""
    text = rough(value)
    return f"+{text}" if known(value) and value > 0 and text != "0" else text


def rough(value: float) -> str:
    """Return a number for a sentence, to three digits: what a forecast knows."""
    if not known(value) or value == 0:
        return human(value)
    return human(round(value, 2 - math.floor(math.log10(abs(value)))))


def band(low: float, high: float, words: bool = True) -> str:
    """Return a band for a reader, to three digits: `1,900 to 2,900`, `7.1 to 7.8 million`, or `1,900–2,900`."""
    a, b = rough(low), rough(high)
    for _, word in _LARGE:
        if a.endswith(word) and b.endswith(word):
            a = a.removesuffix(word)
    return f"{a} to {b}" if low < 0 or words else f"{a}–{b}"


def share(value: float) -> str:
    """Return a share for a reader: `87 %`, `under 1 %`."""
    if not known(value):
        return "–"
    if 0 < value < 0.01:
        return "under 1 %"
    return "over 99 %" if 0.99 < value < 1 else f"{math.floor(value * 100 + 0.5)} %"


def date(day: object) -> str:
    """Return a date for a reader: `17 Nov 2024`; any other text as it is."""
    if isinstance(day, pd.Timestamp | dt.date):
        return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
    return "" if day is None else str(day)


def unit(name: str) -> str:
    """Return a unit for a reader: `people`, `cases a week`; of a currency its code."""
    return _UNITS.get(name, name)


def scaled(name: str) -> float:
    """Return what a value in a unit is multiplied by to be shown: 100 for shares."""
    return 100.0 if name in ("1", "1/year") else 1.0


def kept(value: float, digits: int = 5) -> float | int | None:
    """Return a number rounded to some significant digits for the page's data; None where it has no value."""
    if not known(value):
        return None
    if value == 0:
        return 0
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    short = round(float(value), places)
    return int(short) if short.is_integer() else short


def joined(words: Sequence[str]) -> str:
    """Return some words as a list in a sentence: `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""
