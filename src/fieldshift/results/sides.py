"""Policies of one run or of several, side by side: differences from a base, on the futures that they share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fieldshift.errors import UsageError
from fieldshift.results.result import Result
from fieldshift.results.summary import told
from fieldshift.scenario.schema import Headline

__all__ = ["Side", "compared", "differences", "outlooks_of", "sides_of", "why_unpaired"]

Row = dict[str, Any]


@dataclass(frozen=True)
class Side:
    """One policy of one run.

    Attributes:
        label: Its name for a reader, with the run's where there are several.
        result: The run.
        policy: The policy.
    """

    label: str
    result: Result
    policy: str


def sides_of(given: Sequence[str], results: Sequence[Result], base: str | None = None) -> list[Side]:
    """Return all policies of all runs, the base first.

    Args:
        given: The runs' names, or their folders.
        results: The runs.
        base: The policy that the others are compared with; the first one of the first run otherwise.

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
        raise UsageError(f"there is no policy {base!r} to compare with (known: {known})")
    return [first, *(side for side in sides if side is not first)]


def why_unpaired(results: Sequence[Result]) -> str:
    """Return in what runs differ so that they do not share their futures, or nothing."""
    first, found = results[0], []
    for result in results[1:]:
        found += ["seed"] if result.facts.seed != first.facts.seed else []
        found += ["futures"] if result.draws != first.draws else []
        found += ["groups of futures"] if result.facts.groups != first.facts.groups else []
        found += ["dates"] if result.axes.instants != first.axes.instants else []
    return ", ".join(dict.fromkeys(found))


def compared(sides: Sequence[Side], headlines: Sequence[Headline] = ()) -> list[Row]:
    """Return for each headline the base's values and every other side's difference from it, as plain data.

    Args:
        sides: The sides, the base first. Their runs were kept with their futures.
        headlines: The measures; those of each run's scenario by default.

    Returns:
        Rows as the outlooks of `told`, each with `side` and `difference`: None for the base, and of the others mean,
        middle, low, high, and the shares of futures with more and with less; of runs that do not share their futures
        the difference of the means alone.
    """
    return differences(sides, outlooks_of(sides, headlines))


def outlooks_of(sides: Iterable[Side], headlines: Sequence[Headline] = ()) -> dict[int, list[Row]]:
    """Return the outlooks of the runs of some sides, by the id of the result."""
    found: dict[int, list[Row]] = {}
    for side in sides:
        if id(side.result) not in found:
            found[id(side.result)] = told(side.result, headlines)["outlooks"]
    return found


def differences(sides: Sequence[Side], outlooks: Mapping[int, Sequence[Row]]) -> list[Row]:
    """Return what `compared` tells, from the outlooks of the runs."""
    base = sides[0]
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
            "middle": None,
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
    low, middle, high = _quantiles(sorted(float(x) for x in apart), (0.1, 0.5, 0.9))
    return {
        "mean": round(float(apart.mean()), 6),
        "middle": round(middle, 6),
        "low": round(low, 6),
        "high": round(high, 6),
        "more": round(float((apart > 0).mean()), 6),
        "less": round(float((apart < 0).mean()), 6),
    }


def _quantiles(ordered: Sequence[float], levels: Sequence[float]) -> list[float]:
    """Return quantiles of ordered numbers with straight lines between them, as the tables have them."""
    found = []
    for level in levels:
        place = level * (len(ordered) - 1)
        low = int(place)
        high = min(low + 1, len(ordered) - 1)
        found.append(ordered[low] + (ordered[high] - ordered[low]) * (place - low))
    return found
