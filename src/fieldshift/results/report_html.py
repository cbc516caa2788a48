"""Sections as HTML, what their charts are drawn from as JSON, and the files that a page of them loads."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from fieldshift.results.charts_style import areas, colours, legend_dash, theme
from fieldshift.results.report_page import Figure, Section
from fieldshift.results.report_words import date, human, kept, share, signed

__all__ = [
    "Part",
    "Parts",
    "asset",
    "embedded",
    "figures_of",
    "page_data",
    "palette",
    "parts_of",
    "report_assets",
    "templates",
]

SCRIPTS = ("vendor/vega.min.js", "vendor/vega-lite.min.js", "vendor/vega-embed.min.js", "templates/report.js")
"""The scripts of a page with charts, in the order in which they run."""

_ASSETS = Path(__file__).parent / "assets"
_FORMATS: dict[str, Callable[[Any], str]] = {
    "text": str,
    "number": human,
    "signed": signed,
    "percent": share,
    "date": date,
}


@dataclass(frozen=True)
class Part:
    """A section of a report for another page.

    Attributes:
        id: Its id in the page, for links.
        title: Its title.
        short: Its title in the contents.
        html: The section, from `<section>` to `</section>`: escaped, without scripts and without inline styles.
        data: What the page's script draws its charts from, as JSON; empty where it has no charts.
    """

    id: str
    title: str
    short: str
    html: str
    data: str


@dataclass(frozen=True)
class Parts:
    """The content of a report for another page.

    Attributes:
        title: Its title.
        about: What it is about, in a few sentences; may be empty.
        as_of: The day as of which things were known, if the scenario says it.
        start, end: The first day and the last.
        draws: Futures.
        policies: The policies' titles in it, each of its own, by name.
        sections: Its sections, in order.
    """

    title: str
    about: str
    as_of: dt.date | None
    start: dt.date
    end: dt.date
    draws: int
    policies: Mapping[str, str]
    sections: tuple[Part, ...]

    @property
    def body_html(self) -> str:
        """All sections."""
        return "\n".join(part.html for part in self.sections)


def parts_of(sections: Sequence[Section]) -> tuple[Part, ...]:
    """Return sections as HTML and data, each with a number in front of its title."""
    template = templates().get_template("section.html.j2")
    found = []
    for number, section in enumerate(sections, start=1):
        html = template.render(section=section, number=number, inline=False)
        figures = figures_of([section])
        data = embedded(page_data(figures)) if figures else ""
        found.append(Part(section.id, section.title, section.short or section.title, html, data))
    return tuple(found)


@cache
def report_assets() -> dict[str, bytes]:
    """Return the files by name that a page with parts of a report loads.

    `report.css` is for an element of the class `report`; the page sets the variables `--paper`, `--ink`, `--soft`,
    `--line`, `--faint`, `--link`, `--warn`, `--serif` and `--sans`. The scripts run in this order: vega, vega-lite,
    vega-embed, report. None of them needs `unsafe-eval` or `unsafe-inline`.
    """
    found = {name.rpartition("/")[2]: asset(name).encode() for name in SCRIPTS}
    style = f"{palette()}{_painted()}\n.report {{\n{asset('templates/report.css')}}}\n"
    return found | {"report.css": style.encode()}


def figures_of(sections: Iterable[Section]) -> list[Figure]:
    """Return the figures of some sections, in order."""
    return [block for section in sections for block in section.blocks if isinstance(block, Figure)]


def page_data(figures: Sequence[Figure]) -> dict[str, Any]:
    """Return what the page's script reads: each data set once, and what each figure does with it."""
    shared: dict[str, pd.DataFrame] = {}
    for figure in figures:
        name, frame = figure.data
        if shared.setdefault(name, frame) is not frame:
            raise ValueError(f"two different data sets are called {name!r}")
    outline = json.loads(asset("vendor/us-states.json")) if any(f.outline for f in figures) else None
    return {
        "datasets": {name: _encoded(frame) for name, frame in shared.items()},
        "figures": {f.id: _figure_data(f) for f in figures},
        "themes": {"light": theme(), "dark": theme(dark=True)},
        "states": outline,
    }


def embedded(value: object) -> str:
    """Return JSON that can stand inside a script element whatever words are in it."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


@cache
def asset(name: str) -> str:
    """Return a file of the folder `assets` as text."""
    return (_ASSETS / name).read_text(encoding="utf-8")


def palette() -> str:
    """Return the colours of policies and groups as style sheet variables, for paper and for the dark."""
    kinds = (("c", colours), ("a", areas))
    light, dark = (
        ";".join(f"--{letter}{i}:{c}" for letter, made in kinds for i, c in enumerate(made(night)))
        for night in (False, True)
    )
    return f":root{{{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"


@cache
def templates() -> jinja2.Environment:
    """Return the templates of pages; whatever is put into one is escaped."""
    loader = jinja2.FileSystemLoader(_ASSETS / "templates")
    made = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters |= {"day": date, "human": human}
    made.globals |= {
        "kind": lambda block: type(block).__name__,
        "shown": _shown,
        "dash": legend_dash,
        "n_colours": len(colours()),
        "n_areas": len(areas()),
    }
    return made


def _painted() -> str:
    """Return classes for the marks of a legend: what the report itself says by inline styles."""
    strokes = "".join(f".key .c{i}{{stroke:var(--c{i})}}" for i in range(len(colours())))
    return strokes + "".join(f".key .a{i}{{fill:var(--a{i})}}" for i in range(len(areas())))


def _figure_data(figure: Figure) -> dict[str, Any]:
    return {
        "spec": figure.spec,
        "data": figure.data[0],
        "where": dict(figure.where),
        "controls": [c.field for c in figure.controls],
        "sets": sorted(figure.sets),
        "outline": figure.outline,
        "title": figure.title,
        "columns": [[c.field, c.kind] for c in figure.columns],
        "listed": [d.date().isoformat() for d in figure.dates],
        "views": {key: [v.says, v.unit, dict(v.params)] for key, v in figure.views.items()},
    }


def _encoded(frame: pd.DataFrame) -> dict[str, Any]:
    """Return a table by column: numbers rounded; what repeats itself as a list with codes."""
    found: dict[str, Any] = {"length": len(frame), "columns": {}}
    for name in frame.columns:
        values = frame[name]
        if pd.api.types.is_numeric_dtype(values):
            numbers = [kept(float(v)) for v in values.tolist()]
            codes, unique = pd.factorize(pd.Series(numbers, dtype=object), use_na_sentinel=False)
            if 4 * len(unique) > len(numbers):
                found["columns"][name] = {"n": numbers}
                continue
            words = [kept(v) for v in unique.tolist()]
            found["columns"][name] = {"v": words, "date": False, **_coded(codes.tolist())}
            continue
        day = pd.api.types.is_datetime64_any_dtype(values)
        codes, named = pd.factorize(values.dt.strftime("%Y-%m-%d") if day else values.astype(str))
        found["columns"][name] = {"v": list(named), "date": day, **_coded(codes.tolist())}
    return found


def _coded(codes: list[int]) -> dict[str, Any]:
    """Return codes in the shortest of three ways: one round over and over, runs, or one by one."""
    size = max(codes, default=-1) + 1
    if size > 1 and len(codes) % size == 0 and codes == list(range(size)) * (len(codes) // size):
        return {"t": size}
    runs = _runs(codes)
    return {"r": runs} if len(runs) < len(codes) else {"c": codes}


def _runs(codes: list[int]) -> list[int]:
    """Return codes as pairs of a code and how often it stands in a row."""
    runs: list[int] = []
    for code in codes:
        if runs and runs[-2] == code:
            runs[-1] += 1
        else:
            runs += [code, 1]
    return runs


def _shown(figure: Figure) -> list[list[tuple[str, Any]]]:
    """Return the first view's data table: each cell's text and what it is sorted by."""
    return [[_cell(record[c.field], c.kind) for c in figure.columns] for record in figure.listed().to_dict("records")]


def _cell(value: Any, kind: str) -> tuple[str, Any]:
    """Return what a cell says and what it is sorted by; numbers as rounded as those in the page's data."""
    if isinstance(value, pd.Timestamp):
        return date(value), value.date().isoformat()
    if isinstance(value, float | int):
        number = kept(value)
        return _FORMATS[kind](float("nan") if number is None else number), number
    return str(value), str(value)
