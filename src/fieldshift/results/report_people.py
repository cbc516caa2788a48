"""Where the people are over time, by what they do."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from fieldshift.results.charts import stack
from fieldshift.results.report_data import choose, months, of_part, policy_titles, quoted, thin
from fieldshift.results.report_page import Figure, Key, Prose, Section, View, column, span
from fieldshift.results.report_words import date, joined, rough
from fieldshift.results.result import Result

__all__ = ["people_section"]

_DUTIES = {
    "desk": "At desks",
    "field": "In the field",
    "training": "In training",
    "leave": "On leave",
    "support": "Support",
}
_FIRST = ("At desks", "In the field")
_MOST = 8


def people_section(result: Result) -> Section | None:
    """Return the stacked area of people by duty, policy by policy."""
    sums = {policy: dict(_groups(result, policy)) for policy in result.policies}
    if not any(sums.values()):
        return None
    order = _order(sums[result.base])
    frame = _frame(result, sums, order)
    titles = policy_titles(result)
    total = frame.groupby(["policy", "date"], sort=False)["mean"].sum().reset_index()
    ends = span(total, "mean", "mean")
    views = {titles[p]: View(_says(frame, titles[p]), "people", ends) for p in result.policies}
    figure = Figure(
        "people",
        "People by what they do",
        stack(order, months(result)),
        ("people", frame),
        column([("date", "Date", "date"), ("group", "Group", "text"), ("mean", "People (mean)")]),
        views,
        (choose("policy", "Policy", list(titles.values())),),
        key=Key(tuple(order), "area"),
        note="Means over all futures, because medians do not add up. Everybody is counted once, at the home post; "
        "“being hired” are candidates, not staff.",
    )
    intro = Prose(
        ("Nobody is in two places. Whoever is on a course, on the move or not yet hired is not in the field.",)
    )
    return Section("people", "Where the people are", (intro, figure), "Where the people are")


def _groups(result: Result, policy: str) -> Iterator[tuple[str, np.ndarray[tuple[int], np.dtype[np.float64]]]]:
    """Yield the mean number of people of each group over time."""
    stocks = {} if result.scenario is None else result.scenario.stocks
    kept = of_part(result, "people")
    found: dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]] = {}
    on_strength = {name: stock for name, stock in stocks.items() if stock.on_strength and name in kept}
    for name, stock in on_strength.items():
        duty = stock.duty or "other"
        if duty == "training":
            continue
        group = _DUTIES.get(duty, duty.replace("_", " ").capitalize())
        mean = result.stats(policy, *kept[name].key)[0].astype(np.float64)
        found[group] = found[group] + mean if group in found else mean
    whole = {e.key[0]: e for e in result.entries if not e.key[1]}
    duties = () if found else ("desk", "field", "support", "leave")
    titles = {**_DUTIES, "transit": "On the move", "detail": "On detail", "hiring": "Being hired"}
    for name in (*duties, "training", "transit", "detail", "hiring"):
        if name in whole and whole[name].key in result.part(policy).nation:
            found[titles[name]] = result.stats(policy, *whole[name].key)[0].astype(np.float64)
    yield from found.items()


def _order(groups: dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]) -> list[str]:
    """Return the groups from the bottom up: desks and field first, then as they come, candidates on top."""
    first = [g for g in _FIRST if g in groups]
    return [*first, *(g for g in groups if g not in first)][: 2 * _MOST]


def _frame(
    result: Result, sums: dict[str, dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]], order: list[str]
) -> pd.DataFrame:
    titles = policy_titles(result)
    place = thin(len(result.axes.instants), 53)
    days = pd.to_datetime([result.axes.instants[i] for i in place])
    pieces = [
        pd.DataFrame(
            {"policy": titles[policy], "group": group, "rank": rank, "date": days, "mean": groups[group][place]}
        )
        for policy, groups in sums.items()
        for rank, group in enumerate(order)
        if group in groups
    ]
    return pd.concat(pieces, ignore_index=True)


def _says(frame: pd.DataFrame, policy: str) -> str:
    mine = frame[frame["policy"] == policy]
    first, last = mine["date"].min(), mine["date"].max()
    start = mine[mine["date"] == first].set_index("group")["mean"]
    end = mine[mine["date"] == last].set_index("group")["mean"]
    moved = (end - start).abs().sort_values(ascending=False).index
    groups = [*(g for g in _FIRST if g in start), *(g for g in moved if g not in _FIRST)]
    parts = [
        f"{g[0].lower()}{g[1:]} from {rough(start[g])} to {rough(end[g])}"
        for g in groups
        if rough(start[g]) != rough(end[g])
    ][:3]
    if not parts:
        return f"Under {quoted(policy)} the numbers hardly change until {date(last)}."
    return f"Under {quoted(policy)}, by {date(last)}: {joined(parts)}."
