"""Sheets of a run's workbook on what it stands on: unknowns, the evidence ledger, sources, measures, how to read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fieldshift.results.drives import Drives, Telling, drives_of
from fieldshift.results.evidence import TRUSTS, Entry, Rival, counts, ledger
from fieldshift.results.report_about import about_section
from fieldshift.results.report_drives import drives_section
from fieldshift.results.report_page import Facts, Prose
from fieldshift.results.report_words import human, unit
from fieldshift.results.unknown_titles import unknown_titles
from fieldshift.results.workbook_book import SOFT, Book, Field
from fieldshift.results.workbook_tables import Told, as_day
from fieldshift.scenario.values import unknowns

__all__ = ["evidence_pages", "measures_page", "reading_page", "unknowns_page"]

_COUNTED = ("person", "case", "post")
_STATS = (
    ("Mean", "average over all futures"),
    ("Median", "the middle future: as many lie above as below"),
    ("5 %, 10 %, 25 %, 75 %, 90 %, 95 %", "so many futures lie below; from 10 % to 90 % is the band of 80 %"),
    ("Share, per cent", "cells hold the fraction (0.25) and show it as per cent (25.0%)"),
    ("Date", "of a stock the day itself; of a measure of a period its first day"),
    ("Blank", "there is no value, which is not zero"),
)


def unknowns_page(book: Book, told: Told) -> None:
    """Write every unknown: what was thought possible, what it stands on, how much it tells of the answer."""
    scenario = told.result.scenario
    listed = () if scenario is None else unknowns(scenario)
    if scenario is None or not listed:
        return
    titles, entries = unknown_titles(scenario), {entry.path: entry for entry in ledger(scenario)}
    drives = drives_of(told.result)
    telling = {one.path: one for one in drives[0].telling(drives[0].policy)} if drives else {}
    section = drives_section(told.result) if drives and told.suppress is None else None
    said = [p for b in section.blocks if isinstance(b, Prose) for p in b.paragraphs] if section is not None else []
    page = book.page("Unknowns", "What is not known: drawn once per future", ("Each is a number with a range.", *said))
    found = [entries.get(one.path) for one in listed]
    columns: dict[str, Sequence[object]] = {
        "Unknown": [titles[one.path] for one in listed],
        "Value": [_hidden(told, e) if e else one.text for one, e in zip(listed, found, strict=True)],
        "Range": [_hidden(told, e, "range") if e else one.text for one, e in zip(listed, found, strict=True)],
        "Unit": [e.unit if e else "" for e in found],
        "Trust": [e.trust if e else "" for e in found],
        "Source": [e.source if e else "" for e in found],
        "Path": [one.path for one in listed],
    }
    fields = [
        Field("Unknown", width=44),
        Field("Value", "wrapped", 22),
        Field("Range", "wrapped", 22),
        Field("Unit", width=12),
    ]
    fields += [Field("Trust", width=12)]
    if telling:
        mine = [telling.get(one.path) for one in listed]
        columns |= _told(drives[0], mine)
        fields += [
            Field("Share of the ignorance", "ratio", 12),
            Field("Share, 10 %", "ratio"),
            Field("Share, 90 %", "ratio"),
        ]
        fields += [Field("How", width=16), Field("Changes the best policy in", "ratio", 14)]
    page.table("Unknowns", [*fields, Field("Source", "wrapped", 60), Field("Path", width=44)], columns)


def _told(found: Drives, mine: Sequence[Telling | None]) -> dict[str, Sequence[object]]:
    """Return how much each unknown tells of the first headline, as the report does."""
    ways = {True: "rises with it", False: "falls with it"}
    return {
        "Share of the ignorance": [one and one.share for one in mine],
        "Share, 10 %": [one and one.low for one in mine],
        "Share, 90 %": [one and one.high for one in mine],
        "How": [(ways[one.up] if one.sure else "may be chance") if one else None for one in mine],
        "Changes the best policy in": [one and found.worth(one.path).changes for one in mine],
    }


def _hidden(told: Told, entry: Entry, name: str = "value") -> str:
    """Return an entry's value or range; where small counts are hidden, those of people, cases and posts show as x."""
    text: str = getattr(entry, name)
    return "x" if told.suppress is not None and text and entry.unit.startswith(_COUNTED) else text


def evidence_pages(book: Book, told: Told) -> None:
    """Write the evidence ledger, a row for each number and each rival estimate; and the sources it names."""
    scenario = told.result.scenario
    entries = [] if scenario is None else ledger(scenario)
    if not entries:
        return
    counted = {trust: n for trust, n in counts(entries).items() if n}
    said = [f"{trust.capitalize()} ({human(n)}): {TRUSTS[trust]}" for trust, n in counted.items()]
    page = book.page("Evidence", "Every number and what it stands on", said)
    rows = [row for entry in entries for row in _rows(told, entry)]
    heads = ("Number", "Unit", "Value", "Range", "Trust", "As of", "Source", "Note", "Rival", "Weight", "Source is of")
    columns = {head: [row[i] for row in rows] for i, head in enumerate(heads)}
    fields = [
        Field("Number", width=44),
        Field("Unit", width=12),
        Field("Value", "wrapped", 26),
        Field("Range", "wrapped", 22),
    ]
    fields += [Field("Trust", width=12), Field("As of", "date", 12), Field("Source", "wrapped", 56)]
    fields += [
        Field("Note", "wrapped", 44),
        Field("Rival", width=9),
        Field("Weight", "number", 9),
        Field("Source is of", width=14),
    ]
    page.table("Evidence", fields, columns)
    _sources(book, entries)


def _rows(told: Told, e: Entry) -> Iterator[tuple[object, ...]]:
    value, span = _hidden(told, e), _hidden(told, e, "range")
    around = ("the part around it" if e.inherited else "the number") if e.source else ""
    source = "see each rival" if e.rivals else e.source
    yield e.path, e.unit, value, span, e.trust, as_day(e.as_of), source, e.note, "", None, around
    secret = told.suppress is not None and e.unit.startswith(_COUNTED)
    for i, r in enumerate(e.rivals, start=1):
        shown = ("x", "x") if secret else (r.value, r.range)
        which = f"{i} of {len(e.rivals)}"
        yield e.path, e.unit, *shown, r.trust, as_day(r.as_of), r.source, r.note, which, r.weight, ""


def _sources(book: Book, entries: Sequence[Entry]) -> None:
    found: dict[str, list[tuple[Entry, Entry | Rival]]] = {}
    for e in entries:
        for one in e.rivals or (e,):
            if one.source:
                found.setdefault(one.source, []).append((e, one))
    if not found:
        return
    order = sorted(found, key=lambda source: (-len(found[source]), source))
    page = book.page("Sources", "Who says so", ("Each source as the planner wrote it, the most used first.",))
    columns: dict[str, Sequence[object]] = {
        "Source": order,
        "Numbers": [len(found[source]) for source in order],
        "Latest as of": [as_day(max(one.as_of for _, one in found[source])) for source in order],
        "Trust": [", ".join(dict.fromkeys(one.trust for _, one in found[source])) for source in order],
        "Where": [", ".join(dict.fromkeys(e.path for e, _ in found[source])) for source in order],
    }
    fields = [Field("Source", "wrapped", 80), Field("Numbers", "whole", 10), Field("Latest as of", "date", 13)]
    page.table("Sources", [*fields, Field("Trust", width=20), Field("Where", "wrapped", 60)], columns)


def measures_page(book: Book, told: Told) -> None:
    """Write what each measure means, in which unit, and whether it is of a day or of a period."""
    known, entries = told.known, told.result.entries
    said = [f"{name}: {meaning}." for name, meaning in _STATS]
    page = book.page("Measures", "What the measures mean, and their units", said)
    columns: dict[str, Sequence[object]] = {
        "Title": [known[e.key][0] for e in entries],
        "Unit": [e.unit for e in entries],
        "In words": [unit(e.unit) for e in entries],
        "Told of": ["a day" if e.instant else f"a {told.result.axes.step}" for e in entries],
        "Definition": [e.definition for e in entries],
        "Measure": [".".join(part for part in e.key if part) for e in entries],
    }
    fields = [
        Field("Title", width=44),
        Field("Unit", width=11),
        Field("In words", width=20),
        Field("Told of", width=10),
    ]
    fields += [Field("Definition", "wrapped", 80), Field("Measure", width=30)]
    page.table("Measures", fields, columns)


def reading_page(book: Book, told: Told) -> None:
    """Write how to read the numbers, what the model cannot say, and how it was made."""
    page = book.page("How to read", "How to read this, and how it was made", ())
    page.widths([34.0, 110.0])
    warnings = {str(problem) for problem in told.result.facts.problems}
    for block in about_section(told.result).blocks:
        if isinstance(block, Prose):
            if told.suppress is not None and warnings & set(block.paragraphs):
                continue
            points = [f"• {p}" for p in block.paragraphs] if block.style == "list" else list(block.paragraphs)
            page.lines(points)
            page.row += 1
        elif isinstance(block, Facts):
            for name, words in (*block.pairs, ("To repeat it", block.command)):
                page.text(page.row, 0, name, font_color=SOFT)
                page.text(page.row, 1, words, text_wrap=True)
                page.row += 1
