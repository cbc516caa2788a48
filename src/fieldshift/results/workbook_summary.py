"""The first sheets of a run's workbook: what it is, what the numbers say, the headlines and what policies change."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from fieldshift.results.report_about import about_section
from fieldshift.results.report_head import headline_section
from fieldshift.results.report_page import Facts, Prose
from fieldshift.results.report_words import human, unit
from fieldshift.results.summary import Band, Change, Outlook, Summary
from fieldshift.results.workbook_book import INK, LINE, PAPER, SOFT, Book, Field, Kind, Page
from fieldshift.results.workbook_tables import Told, cells

__all__ = ["changes_page", "headlines_page", "summary_page"]

_BAND = (("mean", "Mean"), ("low", "10 %"), ("middle", "Median"), ("high", "90 %"))
_HEADS = {"mean": "Mean", "q10": "10 %", "q50": "Median", "q90": "90 %"}
_WHAT = (
    "What this is: the results of a simulation by Fieldshift. {policies} policies lived through the same {draws} "
    "futures, which differ by luck and by what nobody knows. The sheet “How to read” says how to read the numbers."
)
_HIDING = "Small counts are hidden, so no sentence is made from the numbers, and no plan is told."

Row = tuple[str, str, str, str]
"""Measure, part, policy and `when`."""


def summary_page(book: Book, told: Told) -> None:
    """Write the first sheet."""
    result = told.result
    page = book.page("Summary", result.name, (), INK)
    page.widths([38.0, *([10.5] * 16)])
    about = result.scenario.about if result.scenario is not None else None
    page.lines([_WHAT.format(policies=len(result.policies), draws=human(result.draws))])
    page.lines([" ".join(about.split())] if about else [], font_color=SOFT)
    page.row += 1
    _facts(page, told)
    if told.suppress is None:
        page.heading("What the numbers say")
        section = headline_section(result)
        page.lines([p for b in section.blocks if isinstance(b, Prose) and b.style != "note" for p in b.paragraphs])
    else:
        page.lines([_HIDING, *told.hiding])
    page.row += 1
    found, breaks = told.summary, list[int]()
    for grid in (_figures, _changes, _ignorance):
        breaks.append(page.row)
        grid(page, told, found)
    page.sheet.set_h_pagebreaks(breaks[1:])
    page.sheet.activate()


def _facts(page: Page, told: Told) -> None:
    result = told.result
    blocks = [b for b in about_section(result).blocks if isinstance(b, Facts)]
    scenario = result.scenario
    rows: list[tuple[str, object]] = [
        ("Case", result.name),
        ("As of", scenario.as_of if scenario is not None else None),
        ("First date", result.axes.instants[0]),
        ("Last date", result.axes.instants[-1]),
        ("Policies, the base first", ", ".join(told.titles.values())),
    ]
    rows += [(name, words) for block in blocks for name, words in block.pairs]
    rows += [("To repeat it", block.command) for block in blocks]
    for name, value in rows:
        if value is not None:
            page.text(page.row, 0, name, font_color=SOFT)
            look: dict[str, Any] = {"font_name": "Consolas"} if name == "To repeat it" else {}
            kind: Kind = "date" if isinstance(value, dt.date) else "text"
            page.value(page.row, 1, value, kind, **look)
            page.row += 1
    page.row += 1


# ------------------------------------------------------------------------------------ the grids


def _shown(told: Told) -> dict[Row, dict[str, object]]:
    """Return mean and band of each headline as the tables tell them: hidden ones as text."""
    frame = told.frames["headlines"]
    found: dict[Row, dict[str, object]] = {}
    if frame.empty:
        return found
    columns = {name: cells(frame[name]) for name in _HEADS}
    keys = zip(*(frame[n].tolist() for n in ("measure", "of", "policy", "when")), strict=True)
    for i, key in enumerate(keys):
        found.setdefault(key, {name: columns[name][i] for name in _HEADS})
    return found


def _hidden(told: Told) -> set[Row]:
    """Return of which policy, measure and time the count is hidden."""
    return {row for row, band in _shown(told).items() if any(isinstance(v, str) for v in band.values())}


def _figures(page: Page, told: Told, found: Summary) -> None:
    shown = _shown(told)

    def numbers(one: Outlook | Change) -> list[tuple[object, Kind]]:
        band = shown.get(_row(one), {})
        return [(band.get(name), "number") for name in _HEADS]

    _grid(
        page,
        told,
        ("Headline figures, with the band of 80 % of futures", tuple(_HEADS.values())),
        found.outlooks,
        numbers,
    )


def _changes(page: Page, told: Told, found: Summary) -> None:
    changes = [c for c in found.changes if c.when != "now"]
    if not changes:
        return
    hidden = _hidden(told)
    base = told.result.base
    title = f"Difference from “{told.titles[base]}” on the same futures"

    def numbers(one: Outlook | Change) -> list[tuple[object, Kind]]:
        if _row(one) in hidden or _row(one, base) in hidden:
            return [("x", "number")] * 4
        good = one.for_the_better if isinstance(one, Change) else None
        return [(one.band.mean, "number"), (one.band.low, "number"), (one.band.high, "number"), (good, "ratio")]

    _grid(page, told, (title, ("Mean", "10 %", "90 %", "Better in")), changes, numbers)
    page.lines(
        ["“Better in” is the share of futures in which the difference is for the better; blank where neither side is."],
        font_color=SOFT,
    )
    page.row += 1


def _ignorance(page: Page, told: Told, found: Summary) -> None:
    outlooks = [o for o in found.outlooks if o.ignorance is not None or o.ignorance_of_band is not None]
    if not outlooks:
        return

    def numbers(one: Outlook | Change) -> list[tuple[object, Kind]]:
        parts = (one.ignorance, one.ignorance_of_band) if isinstance(one, Outlook) else (None, None)
        return [(part, "ratio") for part in parts]

    _grid(page, told, ("How much of the spread is ignorance", ("Of variance", "Of the band")), outlooks, numbers)
    page.lines(
        ["Ignorance is what nobody knows: ranges and rival estimates. The rest of the spread is luck."], font_color=SOFT
    )


def _row(one: Outlook | Change, policy: str = "") -> Row:
    return one.measure, one.of, policy or one.policy, one.when


def _grid(
    page: Page,
    told: Told,
    words: tuple[str, tuple[str, ...]],
    rows: Sequence[Outlook | Change],
    numbers: Callable[[Outlook | Change], list[tuple[object, Kind]]],
) -> None:
    """Write measures and policies down, dates across, with some numbers at each."""
    title, heads = words
    page.heading(title)
    whens = list(dict.fromkeys(row.when for row in rows))
    top, wide = page.row, len(heads)
    page.text(top + 1, 0, "Measure and policy", bold=True, bg_color=PAPER, bottom=1)
    page.text(top, 0, "", bg_color=PAPER)
    for i, when in enumerate(whens):
        first = 1 + i * wide
        look: dict[str, Any] = {"bold": True, "bg_color": PAPER, "align": "center", "left": 1, "left_color": LINE}
        page.sheet.merge_range(top, first, top, first + wide - 1, "", page.book.style(**look))
        page.text(top, first, when[:1].upper() + when[1:], **look)
        for j, head in enumerate(heads):
            edge = {"left": 1, "left_color": LINE} if j == 0 else {}
            page.text(top + 1, first + j, head, bg_color=PAPER, align="right", bottom=1, **edge)
    page.row = top + 2
    titles, known = told.titles, told.known
    for key in dict.fromkeys((row.measure, row.of) for row in rows):
        mine = [row for row in rows if (row.measure, row.of) == key]
        name, measured = known[key]
        page.text(page.row, 0, f"{name}, {unit(measured)}", bold=True)
        page.row += 1
        for policy in dict.fromkeys(row.policy for row in mine):
            page.text(page.row, 0, titles[policy], indent=1, align="left")
            for one in mine:
                if one.policy == policy:
                    first = 1 + whens.index(one.when) * wide
                    for j, (value, kind) in enumerate(numbers(one)):
                        edge = {"left": 1, "left_color": LINE} if j == 0 else {}
                        page.value(page.row, first + j, value, kind, measured, **edge)
            page.row += 1
    page.row += 1


# ------------------------------------------------------------------------------- the long tables


def headlines_page(book: Book, told: Told) -> None:
    """Write the headlines as a table, with how much of each spread is ignorance."""
    shown, titles, known = _shown(told), told.titles, told.known
    rows: dict[Row, Outlook] = {}
    for one in told.summary.outlooks:
        rows.setdefault(_row(one), one)
    if not rows:
        return
    columns = _named(rows.values(), titles, known)
    columns |= {head: [shown[row][name] for row in rows] for name, head in _HEADS.items()}
    columns["Ignorance of variance"] = [one.ignorance for one in rows.values()]
    columns["Ignorance of the band"] = [one.ignorance_of_band for one in rows.values()]
    columns["Better"] = [one.better for one in rows.values()]
    fields = [*_fields(), *(Field(head, "number", 12) for head in _HEADS.values())]
    fields += [
        Field("Ignorance of variance", "ratio", 13),
        Field("Ignorance of the band", "ratio", 13),
        Field("Better"),
    ]
    page = book.page("Headlines", "Headline measures by policy at the report's dates", told.hiding)
    page.table("Headlines", fields, columns, [known[o.measure, o.of][1] for o in rows.values()])


def changes_page(book: Book, told: Told) -> None:
    """Write the differences from the base as a table."""
    titles, known, hidden = told.titles, told.known, _hidden(told)
    rows: dict[Row, Change] = {}
    for one in told.summary.changes:
        rows.setdefault(_row(one), one)
    if not rows:
        return
    base = told.result.base
    secret = [row in hidden or (row[0], row[1], base, row[3]) in hidden for row in rows]
    columns = _named(rows.values(), titles, known)
    for name, head in _BAND:
        columns[head] = ["x" if s else _of(one.band, name) for s, one in zip(secret, rows.values(), strict=True)]
    shares = {"More than base": "more", "Less than base": "less", "For the better": "for_the_better"}
    for head, name in shares.items():
        columns[head] = ["x" if s else getattr(one, name) for s, one in zip(secret, rows.values(), strict=True)]
    fields = [*_fields(), *(Field(head, "number", 12) for _, head in _BAND)]
    notes = (
        f"The same future under a policy less the same future under “{titles[base]}”, the base.",
        "More, less, for the better: shares of futures.",
        *told.hiding,
    )
    page = book.page("Changes", "Differences from the base on the same futures", notes)
    page.table(
        "Changes",
        [*fields, *(Field(head, "ratio", 12) for head in shares)],
        columns,
        [known[c.measure, c.of][1] for c in rows.values()],
    )


def _of(band: Band, name: str) -> object:
    return getattr(band, name)


def _fields() -> list[Field]:
    return [
        Field("Measure", width=40),
        Field("Unit", width=11),
        Field("Policy", width=26),
        Field("When", width=14),
        Field("Date", "date", 13),
    ]


def _named(
    rows: Any, titles: dict[str, str], known: dict[tuple[str, str], tuple[str, str]]
) -> dict[str, Sequence[object]]:
    listed: list[Outlook | Change] = list(rows)
    return {
        "Measure": [known[one.measure, one.of][0] for one in listed],
        "Unit": [known[one.measure, one.of][1] for one in listed],
        "Policy": [titles[one.policy] for one in listed],
        "When": [one.when for one in listed],
        "Date": [pd.Timestamp(one.date) for one in listed],
    }
