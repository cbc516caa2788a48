"""The evidence ledger: every number that a planner wrote, with its range, its rivals, its source and its trust."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from fieldshift.scenario.paths import Found, amounts, slots
from fieldshift.scenario.plain import repeats_default
from fieldshift.scenario.schema import Amount, Estimate, Scenario

__all__ = ["TRUSTS", "Entry", "Rival", "Trust", "counts", "ledger"]

Trust = Literal["sourced", "derived", "assumption", "unsourced"]

TRUSTS: Mapping[Trust, str] = {
    "sourced": "Somebody is named who says so.",
    "derived": "Worked out from other numbers of the ledger.",
    "assumption": "Nobody has published it: invented, and marked as such.",
    "unsourced": "Nothing is said of where it comes from.",
}
"""What each degree of trust means."""

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SHOWN = 4


@dataclass(frozen=True)
class Rival:
    """One of several estimates of the same number, as written.

    Attributes:
        value, range: Its value and its range, or empty.
        weight: How much it counts against its rivals.
        source, as_of, note: Who says so, of which date, and what a reader must know, or empty.
        trust: What it stands on.
    """

    value: str
    range: str
    weight: float
    source: str
    as_of: str
    note: str
    trust: Trust


@dataclass(frozen=True)
class Entry:
    """One number of a scenario and what it stands on.

    Attributes:
        path: Its path, dotted, keys as a planner writes them.
        value: Its value as written; a table, dates or sites in short.
        range: Lowest and highest value thought possible, or empty.
        rivals: Rival estimates.
        unit: The unit that a bare number has.
        source: Who says so, or empty.
        as_of: The date that it speaks of, or empty.
        note: What a reader must know to judge it, or empty.
        trust: What it stands on.
        inherited: True where source or mark are those of the part around it.
    """

    path: str
    value: str
    range: str
    rivals: tuple[Rival, ...]
    unit: str
    source: str
    as_of: str
    note: str
    trust: Trust
    inherited: bool


def ledger(scenario: Scenario) -> list[Entry]:
    """Return every number that the planner wrote, in the order of the dictionary.

    Defaults are left out, written or not: a stored scenario does not hold them.
    """
    names = frozenset(scenario.quantities)
    found = []
    for number in amounts(scenario):
        around = list(_around(scenario, number.path))
        if around and not around[-1][1]:
            continue
        found.append(_entry(number, [part for part, _ in around], names))
    return found


def counts(entries: Iterable[Entry]) -> dict[Trust, int]:
    """Return how many numbers there are of each degree of trust."""
    listed = [entry.trust for entry in entries]
    return {trust: listed.count(trust) for trust in TRUSTS}


def _around(scenario: Scenario, path: tuple[Any, ...]) -> Iterator[tuple[BaseModel, bool]]:
    """Yield the parts around a number, outermost first, each with whether the planner wrote its key on the way."""
    at: Any = scenario
    for key in path:
        if isinstance(at, BaseModel):
            info = slots(type(at))[str(key)]
            name = next(n for n, field in type(at).model_fields.items() if field is info)
            if not isinstance(at, Scenario):
                yield at, name in at.model_fields_set and not repeats_default(at, name)
            at = getattr(at, name)
        else:
            at = at[key]


def _entry(number: Found, parts: list[BaseModel], names: frozenset[str]) -> Entry:
    amount = number.amount
    own = amount.source or _of_rivals(amount.estimates)
    marked = amount.assumption or own.lower().startswith("assumption")
    near = next((p for p in reversed(parts) if getattr(p, "source", None) or getattr(p, "assumption", False)), None)
    inherited = not own and not marked and near is not None
    source = own or (str(getattr(near, "source", None) or "") if inherited else "")
    if inherited:
        marked = bool(getattr(near, "assumption", False))
    return Entry(
        path=".".join(str(key) for key in number.path),
        value=_value(amount),
        range=_range(amount.range),
        rivals=tuple(_rival(estimate) for estimate in amount.estimates),
        unit="" if number.unit == "1" else number.unit.split("|")[0],
        source=source,
        as_of=_text(amount.as_of) or (_text(getattr(near, "as_of", None)) if inherited else ""),
        note=amount.note or (str(getattr(near, "note", None) or "") if inherited else ""),
        trust=_trust(source, marked, _formula(amount, names)),
        inherited=inherited,
    )


def _trust(source: str, marked: bool, formula: bool) -> Trust:
    if marked:
        return "assumption"
    if source.lower().startswith("derived"):
        return "derived"
    if source:
        return "sourced"
    return "derived" if formula else "unsourced"


def _formula(amount: Amount, names: frozenset[str]) -> bool:
    """Return whether a number is worked out from named quantities."""
    values = [amount.value, *amount.of.values(), *amount.dates.values(), *amount.years.values(), *amount.sites.values()]
    return any(isinstance(v, str) and names & set(_WORD.findall(v)) for v in values)


def _of_rivals(estimates: Iterable[Estimate]) -> str:
    """Return the sources of rival estimates; one that is an assumption does not make all of them one."""
    sources = [e.source for e in estimates if e.source]
    solid = [s for s in sources if not s.lower().startswith("assumption")]
    return "; ".join([*solid, *(s for s in sources if s not in solid)])


def _rival(estimate: Estimate) -> Rival:
    source = estimate.source or ""
    marked = source.lower().startswith("assumption")
    return Rival(
        _text(estimate.value),
        _range(estimate.range),
        estimate.weight,
        source,
        _text(estimate.as_of),
        estimate.note or "",
        _trust(source, marked, formula=False),
    )


def _value(amount: Amount) -> str:
    if amount.estimates:
        return f"{len(amount.estimates)} rival estimates"
    if amount.table:
        return f"table {amount.table}"
    if amount.grid:
        return f"{len(amount.grid)} dates by site"
    for entries, how in ((amount.of, f" by {amount.by}"), (amount.sites, ""), (amount.dates, ""), (amount.years, "")):
        if entries:
            shown = [f"{key}: {_text(value)}" for key, value in list(entries.items())[:_SHOWN]]
            more = f"; and {len(entries) - _SHOWN} more" if len(entries) > _SHOWN else ""
            return "; ".join(shown) + more + how
    return _text(amount.value)


def _range(given: str | tuple[float, float] | None) -> str:
    if isinstance(given, tuple):
        return f"{given[0]:g} to {given[1]:g}"
    return (given or "").replace("..", " to ")


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.10g}"
    return "" if value is None else str(value)
