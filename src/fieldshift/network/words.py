"""How numbers, places, dates and rules are said, and how lines of them are laid out."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from fieldshift.horizon import Periods
from fieldshift.network.graph import Float, Int, Network
from fieldshift.scenario.schema import Amount, Escalate, Fill, Respond, Rule, Schedule

__all__ = [
    "amount",
    "between",
    "columns",
    "count_of",
    "course",
    "ends",
    "joined",
    "lasting",
    "listed",
    "place",
    "rule_words",
    "share",
    "units",
    "yearly",
]

WIDTH = 110
MOST_CHANGES = 3
MOST_SITES = 4


def amount(value: float) -> str:
    """Return a number for a reader: whole with thousands marked, else to three digits."""
    if not np.isfinite(value):
        return "no limit"
    if abs(value - round(value)) < 1e-9 or abs(value) >= 1000:
        return f"{round(value):,}"
    return f"{value:.3g}"


def share(value: float) -> str:
    """Return a share or a probability as a percentage."""
    return f"{amount(100.0 * value)} %"


def between(values: Float, say: Callable[[float], str] = amount) -> str:
    """Return numbers as one where they are alike, else as the least and the most of them."""
    low, high = say(float(np.min(values))), say(float(np.max(values)))
    return low if low == high else f"{low} to {high}"


def course(values: Float, periods: Periods, say: Callable[[float], str] = amount) -> str:
    """Return how a number, shape (T,), goes over the periods: its first value and when it changes."""
    turns = np.flatnonzero(np.abs(np.diff(values)) > 1e-12) + 1
    if len(turns) > MOST_CHANGES:
        return f"{say(float(values[0]))} at first, {between(values, say)} later"
    changes = [f"{say(float(values[t]))} from {periods.instants[t]}" for t in turns]
    return ", ".join([say(float(values[0])), *changes])


def count_of(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun: `1 week`, `4 weeks`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def units(value: float, unit: str) -> str:
    """Return a number with its unit: `1 seat`, `12 seats`, `75 people`."""
    many = {"person": "people"}.get(unit, f"{unit}s" if unit.isalpha() and unit.islower() else unit)
    return f"{amount(value)} {unit if value == 1.0 else many}"


def yearly(p: Float, periods: Periods) -> Float:
    """Return probabilities per period as probabilities per year."""
    return np.asarray(1.0 - (1.0 - p) ** (1.0 / periods.length("year")))


def lasting(network: Network, lasts: int) -> str:
    """Return how long something takes."""
    return count_of(lasts, network.periods.step)


def listed(words: Iterable[str], empty: str = "nothing") -> str:
    """Return words as a list in a sentence."""
    found = list(dict.fromkeys(words))
    if len(found) < 2:
        return found[0] if found else empty
    return f"{', '.join(found[:-1])} and {found[-1]}"


def joined(*words: str) -> str:
    """Return phrases as one line, leaving out the empty ones."""
    return "; ".join(word for word in words if word)


def rule_words(rule: Rule) -> str:
    """Return what a policy's rule does, as the planner wrote its numbers."""
    match rule:
        case Schedule():
            how = written(rule.amount) if rule.amount else f"{written(rule.share)} of the tail"
            total = f"until {written(rule.total)} in all" if rule.total else ""
            return _dated(rule, f"{rule.choice}: {how}", total, f"shared {rule.to}" if rule.to else "")
        case Fill():
            upto = rule.upto if isinstance(rule.upto, str) else written(rule.upto)
            lead = f"ordered {written(rule.lead)} ahead" if rule.lead else "ordered ahead by its length"
            most = f"at most {written(rule.most)}" if rule.most else ""
            return _dated(rule, f"{rule.choice}: fill {rule.stock} up to {upto}", lead, most)
        case Escalate():
            watch = rule.watch if isinstance(rule.watch, str) else " + ".join(rule.watch)
            first, press = "", rule.first
            if press is not None:
                to = f"to {amount(press.to)}" if press.to is not None else f"by {amount(press.by or 0.0)}"
                first = f"first turn {press.dial} {to}"
            then = f"then {rule.then.choice}: {written(rule.then.add)}" if rule.then else ""
            when = f"when {watch} over {written(rule.window)} is below {written(rule.below)}"
            return _dated(rule, when, first, then, f"wait {written(rule.cooldown)} after acting")
        case Respond():
            when = f"when {rule.watch} is above {written(rule.above)}"
            return _dated(rule, when, f"turn {rule.dial} by {amount(rule.gain)} for each whole excess")


def _dated(rule: Rule, *words: str) -> str:
    start = f"from {rule.start_from}" if rule.start_from else ""
    until = f"until {rule.until}" if rule.until else ""
    only = f"only at {rule.only}" if rule.only else ""
    return ", ".join(word for word in (*words, start, until, only) if word)


def written(given: Amount | None) -> str:
    """Return an amount as the planner wrote it."""
    if given is None:
        return ""
    if given.table is not None:
        return f"as in {given.table}"
    for name in ("dates", "years", "of", "sites"):
        entries = getattr(given, name)
        if len(entries) > MOST_SITES:
            return f"{len(entries)} values by {given.by or name}"
        if entries:
            return ", ".join(f"{key}: {value}" for key, value in entries.items())
    if given.value is None:
        return str(given.range if given.range is not None else "as in a table")
    return str(given.value)


def place(network: Network, sites: Int) -> str:
    """Return where something is: the nation, some named sites, all sites, or how many."""
    here = sorted({int(s) for s in sites})
    if not here:
        return "nowhere"
    if here[0] < 0:
        return "nation"
    if len(here) == len(network.sites):
        return count_of(len(here), "site")
    if len(here) <= MOST_SITES:
        return ", ".join(network.sites.ids[s] for s in here)
    return f"{len(here)} of {len(network.sites)} sites"


def ends(network: Network, tail: Int, head: Int) -> str:
    """Return `tail -> head` of arcs by the names of their stocks."""
    return f"{_owner(network, tail)} -> {_owner(network, head)}"


def _owner(network: Network, cells: Int) -> str:
    inside = cells[cells >= 0]
    if not len(inside):
        return "outside"
    return next(b.name for b in network.stocks if b.cells.start <= inside[0] < b.cells.stop)


def columns(rows: Sequence[Mapping[str, object]], heads: Mapping[str, str]) -> str:
    """Return rows under their heads, in columns; the last column is wrapped, and breaks its lines where it says so.

    Args:
        rows: The rows, by key.
        heads: The key of each column, and what stands above it.
    """
    keys = list(heads)
    cells = [[_cell(row.get(key)) for key in keys] for row in rows]
    right = [all(isinstance(row.get(key), int | float) for row in rows) and bool(rows) for key in keys]
    head = [heads[key] for key in keys]
    wide = [max(len(line[i]) for line in [head, *cells]) for i in range(len(keys) - 1)]
    margin = sum(wide) + 2 * len(wide)
    found = []
    for line in [head, *cells]:
        start = "  ".join(
            text.rjust(w) if r else text.ljust(w) for text, w, r in zip(line[:-1], wide, right, strict=False)
        )
        wrapped = [
            piece
            for part in line[-1].split("\n")
            for piece in textwrap.wrap(part, max(WIDTH - margin, 40), break_long_words=False) or [""]
        ]
        found.append(f"{start}  {wrapped[0]}".rstrip())
        found += [" " * margin + more for more in wrapped[1:]]
    return "\n".join(found)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return amount(value) if isinstance(value, int | float) else str(value)
