"""The top of the report: what the numbers say in sentences, and the headline figures with their bands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from fieldshift.results.report_data import headline_titles, limit_title, policy_titles, quoted, told
from fieldshift.results.report_page import Cell, Prose, Section, Table
from fieldshift.results.report_words import band, date, human, joined, known, rough, scaled, share, unit
from fieldshift.results.result import Result

__all__ = ["headline_section"]

_NOTE = (
    "Each figure is the median over all futures; the band under it holds 8 in 10 of them (from the 10th to the 90th "
    "percentile). Futures differ by luck and by what nobody knows; “How wide the future is” tells the two apart."
)


_RARE = 0.1
"""Share of futures under which it is not told what bound first."""


def headline_section(result: Result) -> Section:
    """Return the headline sentences and figures."""
    rows = _scaled(result)
    lead = [text for text in (_lead(result, rows), _price(result, rows)) if text]
    blocks = (
        Prose(tuple(lead), "lead"),
        Prose(tuple(_points(result, rows)), "list"),
        _figures(result, rows),
        Prose((_NOTE,), "note"),
    )
    return Section("headline", "What the numbers say", blocks)


def _scaled(result: Result) -> pd.DataFrame:
    """Return the headlines with policies and measures by their titles, in the unit that a reader sees."""
    rows = result.headlines()
    factor = rows["unit"].map(scaled)
    for column in ("mean", "q10", "q50", "q90"):
        rows[column] = rows[column].astype(float) * factor
    titles = {entry.key: title for entry, title in headline_titles(result)}
    rows["title"] = [titles[m, of] for m, of in zip(rows["measure"], rows["of"], strict=True)]
    rows["policy"] = rows["policy"].map(policy_titles(result))
    return rows


def _ends(rows: pd.DataFrame, policy: str, title: str) -> tuple[Any, Any]:
    mine = rows[(rows["policy"] == policy) & (rows["title"] == title)]
    return mine.iloc[0], mine.iloc[-1]


def _furthest(rows: pd.DataFrame, title: str, base: str) -> str | None:
    """Return the policy whose median is furthest from the base at the end."""
    last = {p: _ends(rows, p, title)[1]["q50"] for p in dict.fromkeys(rows["policy"])}
    others = {p: abs(v - last[base]) for p, v in last.items() if p != base and known(v - last[base])}
    return max(others, key=lambda p: others[p]) if others and max(others.values()) > 0 else None


def _lead(result: Result, rows: pd.DataFrame) -> str:
    if rows.empty:
        return "This run kept no headline measure."
    base, title = rows["policy"].iloc[0], rows["title"].iloc[0]
    now, end = _ends(rows, base, title)
    then = told(end["q50"], end["q10"], end["q90"])
    first = f"{title}: {rough(now['q50'])} now, {then} {end['when']} under {quoted(base)}"
    other = _furthest(rows, title, base)
    if other is None:
        return f"{first}."
    there = _ends(rows, other, title)[1]
    return f"{first}; {told(there['q50'], there['q10'], there['q90'])} under {quoted(other)}."


def _price(result: Result, rows: pd.DataFrame) -> str:
    """Return what the policy that moves the first headline most does to the measure that it makes worst."""
    if rows.empty:
        return ""
    base, first = rows["policy"].iloc[0], rows["title"].iloc[0]
    other = _furthest(rows, first, base)
    if other is None:
        return ""
    worst, loss = "", 0.0
    for title, better in dict(zip(rows["title"], rows["better"], strict=True)).items():
        here, there = (_ends(rows, p, title)[1]["q50"] for p in (base, other))
        if better is None or not known(here) or not known(there) or here == 0:
            continue
        change = (there - here) / abs(here) * (1 if better == "less" else -1)
        if change > loss + 0.005:
            worst, loss = title, change
    if not worst:
        return ""
    here, there = (_ends(rows, p, worst)[1] for p in (base, other))
    what = worst[0].lower() + worst[1:] if worst[1:2].islower() else worst
    then = told(there["q50"], there["q10"], there["q90"])
    against = f"against {rough(here['q50'])} under {quoted(base)}"
    return f"The price of {quoted(other)} shows in {what}: {then} {there['when']}, {against}."


def _points(result: Result, rows: pd.DataFrame) -> Iterator[str]:
    """Yield a sentence for each further headline, and one for what bound first."""
    policies = list(dict.fromkeys(rows["policy"]))
    for title in list(dict.fromkeys(rows["title"]))[1:]:
        last = {p: _ends(rows, p, title)[1] for p in policies}
        now = _ends(rows, policies[0], title)[0]
        middles = {p: float(row["q50"]) for p, row in last.items() if known(float(row["q50"]))}
        if not middles:
            continue
        low, high = min(middles, key=lambda p: middles[p]), max(middles, key=lambda p: middles[p])
        when = last[high]["when"]
        if rough(middles[low]) == rough(middles[high]):
            yield f"{title}: {rough(now['q50'])} now, {rough(middles[high])} {when} under every policy."
        else:
            yield (
                f"{title}: {rough(now['q50'])} now; {when} between {rough(middles[low])} under {quoted(low)} "
                f"and {rough(middles[high])} under {quoted(high)} (medians)."
            )
    text = _bound_first(result)
    if text:
        yield text


def _bound_first(result: Result) -> str:
    """Return which limit binds first most often, under which policies; ties are said as such.

    What binds from the first day in every future decides nothing: it is left out, and that is said.
    """
    first = result.bound_first()
    if first.empty:
        return "No limit and no line of money cut anything that a policy asked for."
    standing = (first["ever"] >= 1) & (first["date"] == pd.Timestamp(result.axes.instants[0]))
    leads: dict[tuple[str, ...], list[str]] = {}
    rows: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for policy, title in policy_titles(result).items():
        mine = first[(first["policy"] == policy) & ~standing]
        most = float(mine["led"].max()) if len(mine) else 0.0
        found = mine[mine["led"] >= most - 1e-6].to_dict("records")
        if most < _RARE:
            continue
        limits = tuple(limit_title(str(row["title"])) for row in found)
        leads.setdefault(limits, []).append(quoted(title))
        rows.setdefault(limits, []).extend({str(k): v for k, v in row.items()} for row in found)
    if not leads:
        return ""
    said = [_led(limits, names, rows[limits]) for limits, names in leads.items()]
    beside = " (beside what binds from the first day in every future)" if standing.any() else ""
    return f"What binds first most often{beside}: {'; '.join(said)}."


def _led(limits: tuple[str, ...], names: list[str], rows: list[dict[str, Any]]) -> str:
    led, ever = (_shares([row[name] for row in rows]) for name in ("led", "ever"))
    under = f"under {joined(names)}"
    if len(limits) > 1:
        return f"{joined(limits)}, equally often, {under} (each bound first in {led} of futures)"
    days = sorted(row["date"] for row in rows)
    when = f"around {date(days[0])}" if days[0] == days[-1] else f"around {date(days[0])} to {date(days[-1])}"
    return f"{limits[0]} {under} (bound first in {led} of futures; ever bound in {ever}, for the first time {when})"


def _shares(values: list[float]) -> str:
    low, high = share(min(values)), share(max(values))
    return low if low == high else f"{low} to {high}"


def _figures(result: Result, rows: pd.DataFrame) -> Table:
    whens = list(dict.fromkeys(rows["when"]))
    lines: list[tuple[Cell, ...]] = []
    for title in dict.fromkeys(rows["title"]):
        mine = rows[rows["title"] == title]
        lines.append((Cell(title, small=unit(mine["unit"].iloc[0])),))
        for policy in dict.fromkeys(mine["policy"]):
            cells = [Cell(policy)]
            for when in whens:
                found = mine[(mine["policy"] == policy) & (mine["when"] == when)]
                row = found.iloc[0] if len(found) else None
                cells.append(Cell("–") if row is None else _figure(row))
            lines.append(tuple(cells))
    heads = ("Policy", *(when[:1].upper() + when[1:] for when in whens))
    return Table("figures", "Headline figures, with 80 % bands", heads, tuple(lines), frozenset(range(1, len(heads))))


def _figure(row: Any) -> Cell:
    sure = not known(float(row["q10"])) or human(row["q10"]) == human(row["q90"])
    return Cell(human(row["q50"]), small="" if sure else band(row["q10"], row["q90"], words=False))
