"""From a result to the small tables that a page carries: fewer dates, numbers in the unit that a reader sees."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from fieldshift.results.axes import Entry
from fieldshift.results.quantiles import STATS
from fieldshift.results.report_page import Control
from fieldshift.results.report_words import band, rough, scaled, unit
from fieldshift.results.result import Result

__all__ = [
    "choose",
    "headline_titles",
    "limit_title",
    "months",
    "named",
    "national",
    "of_part",
    "policy_titles",
    "quoted",
    "spread",
    "thin",
    "told",
    "top",
    "unit_of",
]

Titled = Sequence[tuple[Entry, str]]
"""Entries, each with its title for a reader."""


def named(titles: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return a title for each name; names with the same title are told apart by the name."""
    pairs = list(titles)
    listed = [title for _, title in pairs]
    return {name: title if listed.count(title) == 1 else f"{title} ({name})" for name, title in pairs}


def policy_titles(result: Result) -> dict[str, str]:
    """Return a title of its own for each policy, the base first."""
    return named((p, result.titles[p]) for p in result.policies)


def headline_titles(result: Result) -> list[tuple[Entry, str]]:
    """Return the headline measures, each with a title of its own."""
    chosen = list(
        dict.fromkeys((entry, headline.title or entry.title) for entry, headline in result.chosen_headlines())
    )
    titles = named((".".join(entry.key), title) for entry, title in chosen)
    return [(entry, titles[".".join(entry.key)]) for entry, _ in chosen]


def months(result: Result) -> int:
    """Return how many months a run spans."""
    first, last = result.axes.instants[0], result.axes.instants[-1]
    return max(1, round((last - first).days / 30.44))


def thin(count: int, most: int) -> list[int]:
    """Return evenly spaced indices, the first and the last among them, at most about so many."""
    if count <= most:
        return list(range(count))
    return sorted({round(i) for i in np.linspace(0, count - 1, most).tolist()})


def limit_title(title: str) -> str:
    """Return the name of a limit with what it is a name of in front: `Hiring (most per period)`."""
    kind, colon, name = title.partition(": ")
    return f"{name} ({kind})" if colon else title


def quoted(title: str) -> str:
    """Return a policy's title in quotation marks."""
    return f"“{title}”"


def unit_of(entry: Entry) -> str:
    """Return the unit of a measure for a reader; of a measure of periods it says so elsewhere."""
    return unit(entry.unit)


def national(result: Result, entries: Titled, most: int = 53) -> pd.DataFrame:
    """Return mean and quantiles of the nation: columns policy, measure (titles), date, and the statistics."""
    titles = policy_titles(result)
    pieces = []
    for policy in result.policies:
        for entry, title in entries:
            if entry.key not in result.part(policy).nation:
                continue
            stats = result.stats(policy, *entry.key)
            place = thin(stats.shape[1], most)
            piece = pd.DataFrame(stats[:, place].T.astype(np.float64) * scaled(entry.unit), columns=list(STATS))
            dates = pd.to_datetime([result.dates(entry.key[0])[i] for i in place])
            piece.insert(0, "date", dates)
            piece.insert(0, "measure", title)
            piece.insert(0, "policy", titles[policy])
            pieces.append(piece)
    return pd.concat(pieces, ignore_index=True)


def spread(values: np.ndarray[Any, Any]) -> dict[str, float]:
    """Return the median of some values and the ends of their 80 % band."""
    known = values[np.isfinite(values)]
    if not known.size:
        return dict.fromkeys(("q10", "q50", "q90"), float("nan"))
    low, middle, high = np.quantile(known, (0.1, 0.5, 0.9)).tolist()
    return {"q10": low, "q50": middle, "q90": high}


def of_part(result: Result, measure: str) -> dict[str, Entry]:
    """Return the kept entries of a measure by the part that they are of; empty if it was not kept."""
    return {e.key[1]: e for e in result.entries if e.key[0] == measure}


def choose(field: str, label: str, options: Mapping[str, str] | Iterable[str], start: int = 0) -> Control:
    """Return a list to choose from."""
    pairs = options.items() if isinstance(options, Mapping) else ((o, o) for o in options)
    return Control(field, label, tuple(pairs), start=start)


def top(rows: pd.DataFrame, column: str, least: bool = False) -> dict[str, Any]:
    """Return the first row with the largest value of a column, or with the smallest."""
    values = rows[column].to_numpy(np.float64)
    at = int(np.nanargmin(values) if least else np.nanargmax(values))
    return {str(name): value for name, value in rows.iloc[at].items()}


def told(value: float, low: float, high: float) -> str:
    """Return a median with its band in words."""
    return f"{rough(value)} (8 in 10 futures: {band(low, high)})"
