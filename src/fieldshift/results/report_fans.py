"""Fan charts: how wide the future is, measure by measure."""

from __future__ import annotations

import pandas as pd

from fieldshift.results.axes import Entry
from fieldshift.results.charts import fan
from fieldshift.results.report_data import choose, headline_titles, months, named, national, policy_titles, quoted
from fieldshift.results.report_page import Figure, Prose, Section, View, column, span
from fieldshift.results.report_words import band, date, rough, unit
from fieldshift.results.result import Result

__all__ = ["fan_section"]

_SHOWN = (
    "field",
    "desk",
    "training",
    "hiring",
    "detail",
    "on_board",
    "present",
    "turnover",
    "fill_rate",
    "manning",
    "vacancies",
    "gap",
    "backlog",
    "undone",
    "utilisation",
    "age",
    "spend_to_date",
)
_MOST = 24
_NUMBERS = 30_000
_QUANTILES = ["q05", "q10", "q25", "q50", "q75", "q90", "q95"]


def fan_section(result: Result) -> Section | None:
    """Return a fan chart with a choice of measure and policy."""
    entries = _entries(result)
    if not entries:
        return None
    policies = list(policy_titles(result).values())
    dates = max(14, min(53, _NUMBERS // (len(entries) * len(policies) * len(_QUANTILES))))
    frame = national(result, entries, dates)[["policy", "measure", "date", *_QUANTILES]]
    views = {}
    for entry, title in entries:
        mine = frame[frame["measure"] == title]
        ends = span(mine, "q05", "q95", zero=False)
        words = unit(entry.unit) + ("" if entry.instant else f", per {result.axes.step}")
        for policy in policies:
            views[f"{title}|{policy}"] = View(_says(mine[mine["policy"] == policy], title, policy), words, ends)
    figure = Figure(
        "fan",
        "One measure, one policy, all futures",
        fan(months(result)),
        ("fan", frame),
        column([("date", "Date", "date"), *((q, f"{int(q[1:])} %" if q != "q50" else "Median") for q in _QUANTILES)]),
        views,
        (choose("measure", "Measure", [title for _, title in entries]), choose("policy", "Policy", policies)),
        note="Dark band: the middle half of the futures. Next: 8 in 10. Palest: 9 in 10. Line: the median. The axis is "
        "the same for all policies. One future is a jagged path through the bands, never one of their edges.",
    )
    intro = "A forecast is a spread, and its width is part of the finding. Choose a measure and a policy."
    return Section("fans", "How wide the future is", (Prose((intro,)), figure), "Fan charts")


def _entries(result: Result) -> list[tuple[Entry, str]]:
    """Return the measures to choose from: headlines first, then the ones that most readers ask for."""
    chosen = headline_titles(result)
    seen = {entry.key for entry, _ in chosen}
    more = [e for name in _SHOWN for e in result.entries if e.key[0] == name and e.key not in seen]
    listed = [*chosen, *((e, e.title) for e in more)][:_MOST]
    titles = named((".".join(e.key), title) for e, title in listed)
    return [(e, titles[".".join(e.key)]) for e, _ in listed]


def _says(rows: pd.DataFrame, title: str, policy: str) -> str:
    known = rows.dropna(subset=["q50"])
    if known.empty:
        return f"{title} has no value under {quoted(policy)}."
    first, last = known.iloc[0], known.iloc[-1]
    wide = f"9 in 10 futures lie between {band(last['q05'], last['q95']).replace(' to ', ' and ')}"
    return (
        f"{title} under {quoted(policy)}: a median of {rough(first['q50'])} on {date(first['date'])} and "
        f"{rough(last['q50'])} on {date(last['date'])}, where {wide}."
    )
