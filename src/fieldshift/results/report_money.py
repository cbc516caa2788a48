"""Money against what was granted, by line and fiscal year."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from fieldshift.results.charts import bullets
from fieldshift.results.report_data import choose, named, of_part, policy_titles, quoted, top
from fieldshift.results.report_page import Figure, Section, View, column, span
from fieldshift.results.report_words import band, joined, rough
from fieldshift.results.result import Result

__all__ = ["money_section"]

_MONEY = [
    ("line", "Line", "text"),
    ("year", "Fiscal year", "text"),
    ("granted", "Granted"),
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
    granted = frame.dropna(subset=["granted"])
    labels = list(dict.fromkeys(granted["label"]))
    ends = span(granted.assign(lo=0.0, hi=granted["q90"].clip(lower=105.0)), "lo", "hi")
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
        note="Bar: median. Line: 8 in 10 futures. A fiscal year that the horizon covers in part is granted in part. "
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
            grant = result.summary(policy, *grants[of].key)["q50"] if of in grants else None
            for year, t in ends.items():
                row = stats.iloc[t]
                given = float(grant.iloc[t]) if grant is not None else float("nan")
                given = given if np.isfinite(given) else float("nan")
                part = {q: 100 * float(row[q]) / given if given else float("nan") for q in ("q10", "q50", "q90")}
                whose = {"policy": title, "label": f"{year} {names[of]}", "line": names[of], "year": str(year)}
                spent = {"spent": float(row["q50"]), "low": float(row["q10"]), "high": float(row["q90"])}
                yield {**whose, "granted": given, **spent, **part}


def _money_says(rows: pd.DataFrame, policy: str, currency: str) -> str:
    known = rows.dropna(subset=["q50"])
    if known.empty:
        most = rough(float(rows["spent"].max()))
        return f"No line has a grant; the most spent in a year under {quoted(policy)} is {currency} {most}."
    row = top(known, "q50")
    full = sorted(set(known.loc[known["q90"] >= 99.5, "label"]))
    tight = "No grant is used up in as many as 1 in 10 futures."
    if full:
        tight = f"The grant is used up in at least 1 in 10 futures in {joined(full[:6])}."
    return (
        f"Tightest under {quoted(policy)}: {row['label']}, where {rough(row['q50'])} per cent of {currency} "
        f"{rough(row['granted'])} is spent (8 in 10 futures: {band(row['q10'], row['q90'])} per cent). {tight}"
    )
