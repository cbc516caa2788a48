"""Runs, or policies of one run, on the same axes: lines with their bands, and differences from the first of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fieldshift.errors import UsageError
from fieldshift.results.axes import Entry
from fieldshift.results.charts import dots, lines
from fieldshift.results.quantiles import STATS
from fieldshift.results.report_data import choose, months, named, quoted, thin
from fieldshift.results.report_html import Parts, parts_of
from fieldshift.results.report_page import Block, Cell, Control, Figure, Key, Prose, Section, Table, View, column, span
from fieldshift.results.report_words import band, human, joined, rough, scaled, share, signed, unit
from fieldshift.results.result import Result
from fieldshift.results.sides import Side, differences, outlooks_of, why_unpaired
from fieldshift.scenario.schema import Headline

__all__ = ["Comparison", "comparison", "comparison_parts"]

_POINTS = 53
"""Dates of a line in a chart."""

_LINES = [("date", "Date", "date"), ("policy", "Side", "text"), ("q10", "10 %"), ("q50", "Median"), ("q90", "90 %")]
_APART = [
    ("side", "Side", "text"),
    ("q50", "Mean", "signed"),
    ("q10", "10 %", "signed"),
    ("q90", "90 %", "signed"),
    ("more", "More than the first", "percent"),
    ("less", "Less than the first", "percent"),
]

Row = dict[str, Any]


@dataclass(frozen=True)
class Comparison:
    """Sides and how they differ.

    Attributes:
        groups: Sides that are set side by side, the first of each being what the others are compared with: by the
            title of a policy the runs that have it, or under an empty title the policies of one run.
        rows: What `compared` tells of each group.
        unpaired: In what the runs differ so that they do not share their futures; nothing where they do.
    """

    groups: Mapping[str, Sequence[Side]]
    rows: Mapping[str, Sequence[Row]]
    unpaired: str

    @property
    def labels(self) -> list[str]:
        """The labels of all sides, each once, the first ones first."""
        return list(dict.fromkeys(side.label for sides in self.groups.values() for side in sides))

    @property
    def measures(self) -> dict[tuple[str, str], Row]:
        """The first row of each measure that is told, by measure and part."""
        found: dict[tuple[str, str], Row] = {}
        for row in (row for own in self.rows.values() for row in own):
            found.setdefault((row["measure"], row["of"]), row)
        return found


def comparison(groups: Mapping[str, Sequence[Side]], measures: Sequence[str] = ()) -> Comparison:
    """Return how sides differ, on their shared futures where they share them.

    Args:
        groups: Groups of two sides or more, see `Comparison`; within a group no two sides have the same label.
        measures: Measures such as `field` or `backlog.docket`; the headlines of each run's scenario by default.

    Raises:
        UsageError: There is nothing to compare, or a measure was not kept.
    """
    sides = [side for own in groups.values() for side in own]
    if not groups or any(len(own) < 2 for own in groups.values()):
        raise UsageError("a comparison takes two sides or more")
    entries = [entry for name in measures for entry in _entries(sides[0].result, name)]
    headlines = [Headline(measure=e.key[0], of=e.key[1] or None, title=e.title) for e in dict.fromkeys(entries)]
    outlooks = outlooks_of(sides, headlines)
    rows = {title: differences(own, outlooks) for title, own in groups.items()}
    return Comparison(groups, rows, why_unpaired([side.result for side in sides]))


def _entries(result: Result, name: str) -> list[Entry]:
    """Return what a name stands for: the measure as a whole where it was kept so, else its parts."""
    measure, _, of = name.partition(".")
    found = result.find(name)
    return [entry for entry in found if entry.key == (measure, of)] or found


def comparison_parts(found: Comparison) -> Parts:
    """Return a comparison as the content of a page: a table of differences, lines, and differences as charts."""
    first = next(iter(found.groups.values()))[0].result
    sections = [_table_section(found), _lines_section(found)]
    apart = _apart_section(found)
    axes = first.axes.instants
    made = parts_of([*sections, *([apart] if apart else [])])
    return Parts(" and ".join(found.labels), "", None, axes[0], axes[-1], first.draws, {}, made)


def _titles(found: Comparison) -> dict[tuple[str, str], str]:
    """Return a title of its own for each measure, in the order in which they are told."""
    titles = named((".".join(key), str(row["title"])) for key, row in found.measures.items())
    return {key: titles[".".join(key)] for key in found.measures}


# -------------------------------------------------------------------------------------- the table


def _table_section(found: Comparison) -> Section:
    whens = list(dict.fromkeys(r["when"] for rows in found.rows.values() for r in rows if r["when"] != "now"))
    lines_: list[tuple[Cell, ...]] = []
    for key, title in _titles(found).items():
        lines_.append((Cell(title, small=unit(found.measures[key]["unit"])),))
        for group, sides in found.groups.items():
            mine = [r for r in found.rows[group] if (r["measure"], r["of"]) == key]
            for side in sides:
                at = {r["when"]: r for r in mine if r["side"] == side.label}
                if at:
                    lines_.append((_side_cell(side, group), *(_cell(at.get(when)) for when in whens)))
    first = found.labels[0]
    heads = ("Policy" if len(found.groups) > 1 else "Side", *whens)
    title = f"Differences from {quoted(first)}"
    table = Table("differences-table", title, heads, tuple(lines_), frozenset(range(1, len(heads))))
    blocks: tuple[Block, ...] = (Prose((_how(found),)), table, Prose((_NOTE,), "note"))
    return Section("differences", "What differs", blocks)


_NOTE = (
    "The first side is told in full: its median, and under it the band that holds 8 in 10 futures. Of the others the "
    "middle difference is told, and the band of the differences, where the futures are shared; where not, that of the "
    "means."
)


def _how(found: Comparison) -> str:
    if found.unpaired:
        return (
            f"The runs differ in {found.unpaired}, so they do not share their futures: only the differences of their "
            "means are told, without a band. Ask for the same futures and seed to see differences future by future."
        )
    facts = next(iter(found.groups.values()))[0].result.facts
    return (
        f"All sides meet the same {human(facts.draws)} futures (seed {facts.seed}): the same leavers, arrivals and "
        "unknowns. A difference is taken in each future; a band that does not hold zero is one that luck does not hide."
    )


def _side_cell(side: Side, group: str) -> Cell:
    return Cell(group, small=side.label) if group else Cell(side.label)


def _cell(row: Row | None) -> Cell:
    if row is None:
        return Cell("")
    factor = scaled(row["unit"])
    apart = row["difference"]
    if apart is None:
        if row["middle"] is None:
            return Cell("–")
        low, middle, high = (factor * row[name] for name in ("low", "middle", "high"))
        return Cell(human(middle), middle, band(low, high))
    told = factor * (apart["mean"] if apart["middle"] is None else apart["middle"])
    if apart["low"] is None or apart["low"] == apart["high"] == apart["middle"]:
        return Cell(signed(told), told)
    return Cell(signed(told), told, f"{signed(factor * apart['low'])} to {signed(factor * apart['high'])}")


# -------------------------------------------------------------------------------------- the lines


def _lines_section(found: Comparison) -> Section:
    frame, labels = _series(found), found.labels
    controls = _controls(found)
    banded = choose("banded", "80 % band of", labels)
    blocks: list[Block] = [*controls, banded, Key(tuple(labels))]
    longest = max(months(side.result) for sides in found.groups.values() for side in sides)
    for i, (key, title) in enumerate(_titles(found).items()):
        mine = frame[frame["measure"] == title]
        if mine.empty:
            continue
        ends = span(mine, "q10", "q90", zero=False)
        measured = _measured(found, key)
        views = {}
        for group in found.groups:
            own = mine[mine["group"] == group]
            views[group if controls else ""] = View(_lines_say(own), measured, ends)
        blocks.append(
            Figure(
                f"lines-{i}",
                title,
                lines(labels, longest),
                ("lines", frame),
                column(_LINES),  # type: ignore[arg-type]
                views,
                (*controls, banded),
                where={"measure": title} | ({} if controls else {"group": next(iter(found.groups))}),
                shared=frozenset({"group", "banded"}),
                sets=frozenset({"banded"}),
                half=True,
            )
        )
    return Section("lines", "On the same axes", tuple(blocks))


def _lines_say(rows: pd.DataFrame) -> str:
    last = rows.dropna(subset=["q50"]).groupby("policy", sort=False)["q50"].last()
    if last.empty:
        return "No side has a value."
    high, low = str(last.idxmax()), str(last.idxmin())
    if rough(last[high]) == rough(last[low]):
        about = "" if last[high] == last[low] else "About "
        return f"{about}{rough(last[high])} at the end on {'every side' if len(last) > 1 else quoted(high)}."
    return f"At the end: most in {quoted(high)}, {rough(last[high])}; least in {quoted(low)}, {rough(last[low])}."


def _controls(found: Comparison) -> tuple[Control, ...]:
    """Return the choice of a policy, where there are several; at first the one that differs in most ways."""
    if len(found.groups) == 1:
        return ()
    apart = [sum(1 for r in rows if r["difference"] and r["difference"]["mean"]) for rows in found.rows.values()]
    return (choose("group", "Policy", list(found.groups), apart.index(max(apart))),)


def _measured(found: Comparison, key: tuple[str, str]) -> str:
    result = next(iter(found.groups.values()))[0].result
    entry = result.entry(*key)
    return unit(entry.unit) + ("" if entry.instant else f", per {result.axes.step}")


def _series(found: Comparison) -> pd.DataFrame:
    """Return the lines of all sides: columns measure, group, policy (the side's label), date, q10, q50, q90."""
    pieces = []
    for key, title in _titles(found).items():
        for group, sides in found.groups.items():
            for side in sides:
                if key not in side.result.part(side.policy).nation:
                    continue
                stats = side.result.stats(side.policy, *key)
                place = thin(stats.shape[1], _POINTS)
                factor = scaled(side.result.entry(*key).unit)
                numbers = stats[:, place].T.astype(np.float64) * factor
                piece = pd.DataFrame(numbers, columns=list(STATS))[["q10", "q50", "q90"]]
                dates = side.result.dates(key[0])
                piece.insert(0, "date", pd.to_datetime([dates[i] for i in place]))
                piece.insert(0, "policy", side.label)
                piece.insert(0, "group", group)
                piece.insert(0, "measure", title)
                pieces.append(piece)
    return pd.concat(pieces, ignore_index=True)


# -------------------------------------------------------------------------------- the differences


def _apart_section(found: Comparison) -> Section | None:
    frame = _apart(found)
    if frame.empty:
        return None
    whens = list(dict.fromkeys(frame["when"]))
    controls = (*_controls(found), choose("when", "Date", {w: w for w in whens}, len(whens) - 1))
    first = found.labels[0]
    blocks: list[Block] = [
        Prose((f"Dots are the middle differences from {quoted(first)}, lines hold 8 in 10 futures.",)),
        *controls,
    ]
    blocks += _apart_figures(found, frame, controls)
    return Section("apart", "Differences, future by future", tuple(blocks), "Differences as charts")


def _apart_figures(found: Comparison, frame: pd.DataFrame, controls: tuple[Control, ...]) -> Iterator[Figure]:
    first, others = found.labels[0], found.labels[1:]
    for i, (key, title) in enumerate(_titles(found).items()):
        mine = frame[frame["measure"] == title]
        if mine.empty:
            continue
        ends = span(mine, "q10", "q90")
        words = f"{_measured(found, key)}, difference from {quoted(first)}"
        views = {}
        for group in found.groups if len(controls) > 1 else ("",):
            own = mine[mine["group"] == group] if group else mine
            for when in dict.fromkeys(frame["when"]):
                views["|".join(filter(None, (group, when)))] = View(_says(own[own["when"] == when], first), words, ends)
        yield Figure(
            f"apart-{i}",
            f"{title}: difference",
            dots(others, "side"),
            ("apart", frame),
            column(_APART),  # type: ignore[arg-type]
            views,
            controls,
            where={"measure": title},
            shared=frozenset({"group", "when"}),
            half=True,
        )


def _apart(found: Comparison) -> pd.DataFrame:
    """Return the paired differences: columns measure, group, side, when, q10, q50, q90, more, less."""
    titles, rows = _titles(found), []
    for group, own in found.rows.items():
        for row in own:
            apart = row["difference"]
            if apart is None or apart["low"] is None or row["when"] == "now":
                continue
            factor = scaled(row["unit"])
            numbers = {q: factor * apart[name] for q, name in (("q10", "low"), ("q50", "middle"), ("q90", "high"))}
            words = {"measure": titles[row["measure"], row["of"]], "group": group, "side": row["side"]}
            rows.append({**words, "when": row["when"], **numbers, "more": apart["more"], "less": apart["less"]})
    return pd.DataFrame(rows)


def _says(rows: pd.DataFrame, first: str) -> str:
    """Return what to see: which side differs most, and in how many futures."""
    if rows.empty:
        return "No other side has it."
    records = rows.to_dict("records")
    most = max(records, key=lambda row: abs(row["q50"]))
    same = [str(row["side"]) for row in records if row["q10"] == row["q90"] == 0]
    if len(same) == len(rows):
        often = "" if all(row["more"] == row["less"] == 0 for row in records) else " in at least 8 in 10 futures"
        return f"No difference from {quoted(first)}{often}."
    more = most["q50"] > 0
    way, part = ("more", most["more"]) if more else ("less", most["less"])
    text = (
        f"{quoted(str(most['side']))} differs most: {signed(most['q50'])} (8 in 10 futures: "
        f"{rough(most['q10'])} to {rough(most['q90'])}), {way} than {quoted(first)} in {share(part)} of futures."
    )
    return text + (f" No difference: {joined([quoted(side) for side in same])}." if same else "")
