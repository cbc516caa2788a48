"""Fan charts: how wide the future is, measure by measure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from fieldshift.results.axes import Entry
from fieldshift.results.charts import fan
from fieldshift.results.report_data import choose, headline_titles, months, named, national, policy_titles, quoted, thin
from fieldshift.results.report_page import Block, Cell, Figure, Prose, Section, Table, View, column, span
from fieldshift.results.report_words import band, date, known, rough, scaled, share, unit
from fieldshift.results.result import Result
from fieldshift.results.variance import split_of

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
_PARTED = (
    "Futures that believe the same unknowns differ by luck alone; groups of them differ by what they believe. The "
    "share is of the variance; under it stands that of the band’s width, which holds 8 in 10."
)
_QUANTILES = ["q05", "q10", "q25", "q50", "q75", "q90", "q95"]


def fan_section(result: Result) -> Section | None:
    """Return a fan chart with a choice of measure and policy."""
    entries = _entries(result)
    if not entries:
        return None
    policies = list(policy_titles(result).values())
    dates = max(14, min(53, _NUMBERS // (len(entries) * len(policies) * (len(_QUANTILES) + 2))))
    frame = national(result, entries, dates)[["policy", "measure", "date", *_QUANTILES]]
    frame = _with_luck(result, entries, frame)
    parted = result.facts.groups > 1
    views = {}
    for entry, title in entries:
        mine = frame[frame["measure"] == title]
        ends = span(mine, "q05", "q95", zero=False)
        words = unit(entry.unit) + ("" if entry.instant else f", per {result.axes.step}")
        for policy in policies:
            says = _says(mine[mine["policy"] == policy], title, policy)
            views[f"{title}|{policy}"] = View(says, words, ends)
    frame = frame.drop(columns=["share", "share_of_band"])
    columns = [(q, f"{int(q[1:])} %" if q != "q50" else "Median") for q in _QUANTILES]
    columns += [("luck_low", "Luck alone, 10 %"), ("luck_high", "Luck alone, 90 %")] if parted else []
    frame = frame if parted else frame.drop(columns=["luck_low", "luck_high"])
    figure = Figure(
        "fan",
        "One measure, one policy, all futures",
        fan(months(result), parted),
        ("fan", frame),
        column([("date", "Date", "date"), *columns]),
        views,
        (choose("measure", "Measure", [title for _, title in entries]), choose("policy", "Policy", policies)),
        note="Dark band: the middle half of the futures. Next: 8 in 10. Palest: 9 in 10. Line: the median. The axis is "
        "the same for all policies. One future is a jagged path through the bands, never one of their edges."
        + (" Dotted: what would be left of the 8 in 10 were every unknown known: luck alone." if parted else ""),
    )
    intro = "A forecast is a spread, and its width is part of the finding. Choose a measure and a policy."
    blocks: tuple[Block, ...] = (Prose((intro,)), figure)
    if parted:
        blocks += (_luck(result), Prose((_PARTED,), "note"))
    return Section("fans", "How wide the future is", blocks, "Fan charts")


def _luck(result: Result) -> Table:
    """Return how much of the spread of each headline is ignorance at the last date, under each policy."""
    rows = []
    for entry, title in headline_titles(result):
        cells = [Cell(title, small=unit(entry.unit))]
        last = [len(result.dates(entry.key[0])) - 1]
        for policy in result.policies:
            parts = split_of(result, policy, entry.key, last)
            part = float("nan") if parts is None else float(parts.share[0])
            band_ = "" if parts is None or not known(part) else f"band: {share(float(parts.share_of_band[0]))}"
            cells.append(Cell(share(part), part if known(part) else None, band_))
        rows.append(tuple(cells))
    titles = tuple(policy_titles(result).values())
    title = "Ignorance, as a share of the spread at the last date; the rest is luck"
    return Table("ignorance", title, ("Measure", *titles), tuple(rows), frozenset(range(1, len(titles) + 1)))


def _entries(result: Result) -> list[tuple[Entry, str]]:
    """Return the measures to choose from: headlines first, then the ones that most readers ask for."""
    chosen = headline_titles(result)
    seen = {entry.key for entry, _ in chosen}
    more = [e for name in _SHOWN for e in result.entries if e.key[0] == name and e.key not in seen]
    listed = [*chosen, *((e, e.title) for e in more)][:_MOST]
    titles = named((".".join(e.key), title) for e, title in listed)
    return [(e, titles[".".join(e.key)]) for e, _ in listed]


def _with_luck(result: Result, entries: list[tuple[Entry, str]], frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with the band that luck alone would leave, and how much of the spread is ignorance."""
    found = frame.assign(luck_low=np.nan, luck_high=np.nan, share=np.nan, share_of_band=np.nan)
    titles = policy_titles(result)
    for policy in result.policies:
        for entry, title in entries:
            mine = (frame["policy"] == titles[policy]) & (frame["measure"] == title)
            place = thin(len(result.dates(entry.key[0])), int(mine.sum()))
            parts = split_of(result, policy, entry.key, place) if mine.any() else None
            if parts is None:
                continue
            middle = frame.loc[mine, "q50"].to_numpy()
            factor = scaled(entry.unit)
            found.loc[mine, "luck_low"] = middle + factor * parts.low
            found.loc[mine, "luck_high"] = middle + factor * parts.high
            found.loc[mine, "share"] = parts.share
            found.loc[mine, "share_of_band"] = parts.share_of_band
    return found


def _says(rows: pd.DataFrame, title: str, policy: str) -> str:
    known = rows.dropna(subset=["q50"])
    if known.empty:
        return f"{title} has no value under {quoted(policy)}."
    first, last = known.iloc[0], known.iloc[-1]
    wide = f"9 in 10 futures lie between {band(last['q05'], last['q95']).replace(' to ', ' and ')}"
    return (
        f"{title} under {quoted(policy)}: a median of {rough(first['q50'])} on {date(first['date'])} and "
        f"{rough(last['q50'])} on {date(last['date'])}, where {wide}.{_of_which(last)}"
    )


def _of_which(last: pd.Series[Any]) -> str:
    """Return how the spread on the last day splits, in a sentence."""
    part = last["share"]
    if not known(part):
        return ""
    of_band = f"of the width of the 8 in 10, {share(last['share_of_band'])} is ignorance"
    return f" Of that spread {share(part)} is ignorance and {share(1.0 - part)} luck; {of_band}."
