"""Policies of one run or of several, side by side: differences from a base."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import fieldshift as fs
from fieldshift.cli.figures import Row, band, signed, told
from fieldshift.cli.talk import table

__all__ = ["Side", "compared", "compared_text", "sides_of", "why_unpaired"]


@dataclass(frozen=True)
class Side:
    """One policy of one run.

    Attributes:
        label: Its name for a reader, with the run's where there are several.
        result: The run.
        policy: The policy.
    """

    label: str
    result: fs.Result
    policy: str


def sides_of(given: Sequence[str], results: Sequence[fs.Result], base: str | None) -> list[Side]:
    """Return all policies of all runs, the base first.

    Raises:
        UsageError: No run has the base.
    """
    several = len(results) > 1
    alike = len({Path(name).name for name in given}) < len(given)
    sides = [
        Side(
            f"{name if alike else Path(name).name}: {result.titles[policy]}" if several else result.titles[policy],
            result,
            policy,
        )
        for name, result in zip(given, results, strict=True)
        for policy in result.policies
    ]
    if base is None:
        return sides
    first = next((side for side in sides if side.policy == base), None)
    if first is None:
        known = ", ".join(dict.fromkeys(side.policy for side in sides))
        raise fs.UsageError(f"there is no policy {base!r} to compare with (known: {known})")
    return [first, *(side for side in sides if side is not first)]


def why_unpaired(results: Sequence[fs.Result]) -> str:
    """Return in what runs differ so that they do not share their futures, or nothing."""
    first, found = results[0], []
    for result in results[1:]:
        found += ["seed"] if result.facts.seed != first.facts.seed else []
        found += ["futures"] if result.draws != first.draws else []
        found += ["groups of futures"] if result.facts.groups != first.facts.groups else []
        found += ["dates"] if result.axes.instants != first.axes.instants else []
    return ", ".join(dict.fromkeys(found))


def compared(sides: Sequence[Side]) -> list[Row]:
    """Return for each headline the base's values and every other side's difference from it, as plain data."""
    base = sides[0]
    outlooks = {id(side.result): told(side.result)["outlooks"] for side in sides}
    paired = not why_unpaired([side.result for side in sides])
    rows: list[Row] = []
    for own in (row for row in outlooks[id(base.result)] if row["policy"] == base.policy):
        rows.append({"side": base.label} | own | {"difference": None})
        for side in sides[1:]:
            row = _same(outlooks[id(side.result)], own | {"policy": side.policy})
            if row is not None:
                apart = _difference(base, side, (own, row), paired)
                rows.append({"side": side.label} | row | {"difference": apart})
    return rows


def _same(rows: Sequence[Row], wanted: Row) -> Row | None:
    keys = ("policy", "measure", "of", "when")
    return next((row for row in rows if all(row[key] == wanted[key] for key in keys)), None)


def _difference(base: Side, side: Side, rows: tuple[Row, Row], paired: bool) -> Row | None:
    own, row = rows
    if own["mean"] is None or row["mean"] is None:
        return None
    if not paired:
        return {
            "mean": round(row["mean"] - own["mean"], 6),
            "low": None,
            "high": None,
            "more": None,
            "less": None,
        }
    key = (own["measure"], own["of"])
    at = [day.isoformat() for day in base.result.dates(own["measure"])].index(own["date"])
    apart = side.result.values(side.policy, *key)[:, at] - base.result.values(base.policy, *key)[:, at]
    apart = apart[apart == apart]  # noqa: PLR0124 - a future without a value there is left out
    if not len(apart):
        return None
    low, high = quantiles(sorted(float(x) for x in apart), (0.1, 0.9))
    return {
        "mean": round(float(apart.mean()), 6),
        "low": round(low, 6),
        "high": round(high, 6),
        "more": round(float((apart > 0).mean()), 6),
        "less": round(float((apart < 0).mean()), 6),
    }


def quantiles(ordered: Sequence[float], levels: Sequence[float]) -> list[float]:
    """Return quantiles of ordered numbers with straight lines between them, as the tables have them."""
    found = []
    for level in levels:
        place = level * (len(ordered) - 1)
        low = int(place)
        high = min(low + 1, len(ordered) - 1)
        found.append(ordered[low] + (ordered[high] - ordered[low]) * (place - low))
    return found


def compared_text(sides: Sequence[Side], rows: Sequence[Row]) -> str:
    """Return the comparison as a table: the base in full, the others as differences from it."""
    dates = list(dict.fromkeys(row["when"] for row in rows if row["when"] != "now"))
    made: list[list[str]] = []
    for key in dict.fromkeys((row["measure"], row["of"]) for row in rows):
        mine = [row for row in rows if (row["measure"], row["of"]) == key]
        made.append([str(mine[0]["title"])])
        for side in dict.fromkeys(row["side"] for row in mine):
            by_date = {row["when"]: row for row in mine if row["side"] == side}
            made.append([side, *(_cell(by_date.get(when)) for when in dates)])
    paired = any(row["difference"] and row["difference"]["low"] is not None for row in rows)
    note = "on the same futures, mean and 80 % band" if paired else "of the means"
    return f"Difference from {sides[0].label}, {note}\n\n{table(['', *dates], made)}"


def _cell(row: Row | None) -> str:
    if row is None:
        return ""
    apart = row["difference"]
    if apart is None:
        return band(row)
    middle = signed(apart["mean"], row["unit"])
    if apart["low"] is None:
        return middle
    if apart["low"] == apart["high"] == apart["mean"]:
        return middle
    return f"{middle} ({signed(apart['low'], row['unit'])} to {signed(apart['high'], row['unit'])})"
