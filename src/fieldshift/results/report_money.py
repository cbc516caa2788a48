"""Money against what was granted, by line and fiscal year."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from fieldshift.results.axes import Entry
from fieldshift.results.charts import bullets
from fieldshift.results.report_data import choose, named, of_part, policy_titles, quoted, spread, top
from fieldshift.results.report_page import Figure, Section, View, column, span
from fieldshift.results.report_words import band, joined, rough
from fieldshift.results.result import Result

__all__ = ["money_section"]

_ALL = 99.5
"""Per cent of a grant from which on it is told as used up: what is left is often less than one more step costs."""

_NAMED = 6
_UNKNOWN = "the grant differs by future, and this run kept no single futures of it."

_MONEY = [
    ("line", "Line", "text"),
    ("year", "Fiscal year", "text"),
    ("granted", "Granted, median"),
    ("spent", "Spent, median"),
    ("low", "10 %"),
    ("high", "90 %"),
    ("q50", "Spent / granted, %"),
]


def money_section(result: Result) -> Section | None:
    """Return spending by line and fiscal year against the grant."""
    if not of_part(result, "spend_to_date"):
        return None
    frame = pd.DataFrame(list(_spent(result)))
    if frame.empty:
        return None
    titles, currency = list(policy_titles(result).values()), result.axes.currency
    granted = frame.dropna(subset=["q50"])
    labels = list(dict.fromkeys(granted["label"]))
    ends = span(granted.assign(lo=0.0, hi=granted[["q50", "q90"]].max(axis=1).clip(lower=105.0)), "lo", "hi")
    measured = "spent, per cent of the grant; dashes: all of it"
    views = {t: View(_money_says(frame[frame["policy"] == t], t, currency), measured, ends) for t in titles}
    figure = Figure(
        "money",
        f"Spent against granted, {currency}",
        bullets(labels) if labels else None,
        ("money", frame),
        column(_MONEY),  # type: ignore[arg-type]
        views,
        (choose("policy", "Policy", titles),),
        note="Bar: median. Line: 8 in 10 futures. What is spent is set against the grant of the same future. "
        "A fiscal year that the horizon covers in part is granted in part. "
        "Lines may overlap and are never added up. A line without a grant is counted only.",
    )
    return Section("money", "Money against appropriations", (figure,), "Money")


def _spent(result: Result) -> Iterator[dict[str, object]]:
    years = np.array(result.axes.fiscal_years)
    ends = {int(year): int(np.flatnonzero(years == year)[-1]) for year in dict.fromkeys(years.tolist())}
    grants = of_part(result, "granted")
    lines = of_part(result, "spend_to_date")
    names = named((of, entry.title.partition(": ")[2] or of) for of, entry in lines.items())
    for policy, title in policy_titles(result).items():
        for of, entry in lines.items():
            stats = result.summary(policy, *entry.key)
            for year, t in ends.items():
                row = stats.iloc[t]
                whose = {"policy": title, "label": f"{year} {names[of]}", "line": names[of], "year": str(year)}
                spent = {"spent": float(row["q50"]), "low": float(row["q10"]), "high": float(row["q90"])}
                yield {**whose, **spent, **_shares(result, policy, (entry, grants.get(of)), t)}


def _shares(result: Result, policy: str, entries: tuple[Entry, Entry | None], t: int) -> dict[str, float]:
    """Return the grant, which part of it is spent, in per cent, and in which share of futures it is used up.

    A grant may differ by future too, so the part is taken in each future before anything is summed up. Where a run
    kept no single futures it is told with a band only if the grant is the same in all of them.
    """
    spent, granted = entries
    found = dict.fromkeys(("granted", "q10", "q50", "q90", "used_up"), float("nan"))
    if granted is None:
        return found
    grant = result.summary(policy, *granted.key).iloc[t]
    middle = float(grant["q50"])
    found["granted"] = middle if np.isfinite(middle) else float("nan")
    draws = result.part(policy).draws
    if spent.key in draws and granted.key in draws:
        each = np.asarray(draws[granted.key][t], np.float64)
        there = np.isfinite(each) & (each > 0)
        if there.any():
            parts = 100.0 * np.asarray(draws[spent.key][t], np.float64)[there] / each[there]
            return found | spread(parts) | {"used_up": float((parts >= _ALL).mean())}
    elif np.isfinite(middle) and middle > 0:
        row = result.summary(policy, *spent.key).iloc[t]
        found["q50"] = 100.0 * float(row["q50"]) / middle
        if grant["q05"] == grant["q95"] == grant["mean"]:
            found |= {q: 100.0 * float(row[q]) / middle for q in ("q10", "q90")}
            found["used_up"] = 0.1 if found["q90"] >= _ALL else 0.0
    return found


def _money_says(rows: pd.DataFrame, policy: str, currency: str) -> str:
    known = rows.dropna(subset=["q50"])
    if known.empty:
        most = rough(float(rows["spent"].max()))
        return f"No line has a grant; the most spent in a year under {quoted(policy)} is {currency} {most}."
    row = top(known, "q50")
    grant = f"{currency} {rough(row['granted'])}"
    first = f"Tightest under {quoted(policy)}: {row['label']}, where {rough(row['q50'])} per cent of {grant}"
    if np.isnan(row["q90"]):
        return f"{first} is spent, median against median: {_UNKNOWN}"
    full = sorted(set(known.loc[known["used_up"] >= 0.1, "label"]))
    tight = "No grant is used up in as many as 1 in 10 futures."
    if full:
        more = [f"{len(full) - _NAMED} more"] if len(full) > _NAMED else []
        tight = (
            f"The grant is used up (to {_ALL:g} per cent or more) in at least 1 in 10 futures in "
            f"{joined([*full[:_NAMED], *more])}."
        )
    if known["used_up"].isna().any():
        tight = f"In how many futures each grant is used up is not known of every line: {_UNKNOWN}"
    return f"{first} is spent (8 in 10 futures: {band(row['q10'], row['q90'])} per cent). {tight}"
