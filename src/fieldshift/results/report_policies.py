"""Each policy against the others, and the differences from the base on the same futures."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from fieldshift.results.charts import dots, lines
from fieldshift.results.report_data import choose, headline_titles, months, national, policy_titles, quoted, top
from fieldshift.results.report_page import Block, Control, Figure, Key, Prose, Section, View, column, span
from fieldshift.results.report_words import band, rough, scaled, share, signed, unit
from fieldshift.results.result import Result

__all__ = ["lines_say", "policies_section"]

_LINES = [("date", "Date", "date"), ("policy", "Policy", "text"), ("q10", "10 %"), ("q50", "Median"), ("q90", "90 %")]
_PAIRS = [
    ("policy", "Policy", "text"),
    ("q50", "Median", "signed"),
    ("q10", "10 %", "signed"),
    ("q90", "90 %", "signed"),
    ("more", "More than base", "percent"),
    ("less", "Less than base", "percent"),
]


def policies_section(result: Result) -> Section | None:
    """Return a chart of all policies for each headline, and of their differences from the base."""
    titles = list(policy_titles(result).values())
    if not headline_titles(result):
        return None
    blocks: list[Block] = [
        Prose(("All policies live through the same futures: the same leavers, the same arrivals, the same unknowns.",)),
        choose("banded", "80 % band of", titles),
        Key(tuple(titles)),
        *_line_figures(result, titles),
    ]
    if len(titles) > 1:
        blocks += _differences(result)
    return Section("policies", "Each policy against the others", tuple(blocks), "The policies compared")


def _line_figures(result: Result, titles: list[str]) -> Iterator[Figure]:
    chosen = headline_titles(result)
    frame = national(result, chosen)[["policy", "measure", "date", "q10", "q50", "q90"]]
    banded = choose("banded", "80 % band of", titles)
    for i, (entry, title) in enumerate(chosen):
        mine = frame[frame["measure"] == title]
        ends = span(mine, "q10", "q90", zero=False)
        yield Figure(
            f"lines-{i}",
            title,
            lines(titles, months(result)),
            ("lines", frame),
            column(_LINES),  # type: ignore[arg-type]
            {
                "": View(
                    lines_say(mine, titles),
                    unit(entry.unit) + ("" if entry.instant else f", per {result.axes.step}"),
                    ends,
                )
            },
            (banded,),
            where={"measure": title},
            shared=frozenset({"banded"}),
            sets=frozenset({"banded"}),
            half=True,
        )


def lines_say(mine: pd.DataFrame, titles: list[str]) -> str:
    """Return what to see in lines of medians: which is the highest at the end, and which the lowest."""
    last = mine[mine["date"] == mine["date"].max()].set_index("policy")["q50"].dropna()
    if last.empty:
        return "There is no value at the end under any policy."
    high, low = str(last.idxmax()), str(last.idxmin())
    if len(titles) == 1 or rough(last[high]) == rough(last[low]):
        return f"{rough(last[high])} at the end" + (" under every policy." if len(titles) > 1 else ".")
    return f"At the end: most under {quoted(high)}, {rough(last[high])}; least under {quoted(low)}, {rough(last[low])}."


def _paired(result: Result) -> pd.DataFrame:
    titles, rows = policy_titles(result), []
    for entry, title in headline_titles(result):
        for policy in result.policies[1:]:
            if not all(entry.key in result.part(p).draws for p in (policy, result.base)):
                continue
            found = result.paired(policy, result.base, *entry.key)
            for when, i in result.points(entry):
                if when == "now":
                    continue
                row = found.iloc[i]
                numbers = {q: float(row[q]) * scaled(entry.unit) for q in ("q10", "q50", "q90")}
                more, less = float(row["more"]), float(row["less"])
                rows.append(
                    {"measure": title, "policy": titles[policy], "when": when, **numbers, "more": more, "less": less}
                )
    return pd.DataFrame(rows)


def _differences(result: Result) -> Iterator[Block]:
    frame = _paired(result)
    if frame.empty:
        return
    base, others = next(iter(policy_titles(result).values())), list(policy_titles(result).values())[1:]
    whens = list(dict.fromkeys(frame["when"]))
    control = choose("when", "Difference from the base", {w: w for w in whens}, len(whens) - 1)
    intro = (
        "What a policy changes is best seen future by future: the same future under the policy less the same future "
        f"under {quoted(base)}. Dots are medians, lines hold 8 in 10 futures; a line that does not touch zero is a "
        "difference that luck and ignorance do not hide."
    )
    yield Prose((intro,))
    yield control
    for i, (entry, title) in enumerate(headline_titles(result)):
        if title in set(frame["measure"]):
            yield _difference(frame, (i, title, unit(entry.unit)), (base, others), control)


def _difference(
    frame: pd.DataFrame, what: tuple[int, str, str], names: tuple[str, list[str]], control: Control
) -> Figure:
    i, title, measured = what
    base, others = names
    mine = frame[frame["measure"] == title]
    ends = span(mine, "q10", "q90")
    views = {
        when: View(_differs(mine[mine["when"] == when], base), f"{measured}, difference from {quoted(base)}", ends)
        for when, _ in control.options
    }
    return Figure(
        f"difference-{i}",
        f"{title}: difference",
        dots(others),
        ("paired", frame),
        column(_PAIRS),  # type: ignore[arg-type]
        views,
        (control,),
        where={"measure": title},
        shared=frozenset({"when"}),
        half=True,
    )


def _differs(rows: pd.DataFrame, base: str) -> str:
    rows = rows[rows["q50"].notna()]
    if rows.empty or not (rows[["q10", "q90"]] != 0).any(axis=None):
        return f"No policy differs from {quoted(base)}."
    row = top(rows.assign(size=rows["q50"].abs()), "size")
    way, part = ("more", row["more"]) if row["q50"] > 0 else ("less", row["less"])
    wide = f"{signed(row['q50'])} (8 in 10 futures: {band(row['q10'], row['q90'])})"
    return f"{quoted(row['policy'])} differs most: {wide}, {way} than {quoted(base)} in {share(part)} of futures."
