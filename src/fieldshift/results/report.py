"""The report: one HTML file that needs nothing else, and reaches for nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from fieldshift.results.charts_style import areas, colours, legend_dash, theme
from fieldshift.results.report_about import about_section, evidence_section
from fieldshift.results.report_bound import bound_section
from fieldshift.results.report_drives import drives_section
from fieldshift.results.report_fans import fan_section
from fieldshift.results.report_head import headline_section
from fieldshift.results.report_money import money_section
from fieldshift.results.report_page import Figure, Section
from fieldshift.results.report_people import people_section
from fieldshift.results.report_places import map_section, offices_section
from fieldshift.results.report_plan import plan_section, shortages_section
from fieldshift.results.report_policies import policies_section
from fieldshift.results.report_undone import undone_section
from fieldshift.results.report_words import date, human, kept, share, signed
from fieldshift.results.result import Result

__all__ = ["MAKERS", "render", "report", "sections_of"]

MAKERS: tuple[Callable[[Result], Section | None], ...] = (
    headline_section,
    people_section,
    policies_section,
    plan_section,
    shortages_section,
    fan_section,
    drives_section,
    map_section,
    money_section,
    undone_section,
    bound_section,
    offices_section,
    evidence_section,
    about_section,
)
"""What makes the sections of a report, in their order; one that has nothing to say returns None."""

_ASSETS = Path(__file__).parent / "assets"
_SCRIPTS = ("vendor/vega.min.js", "vendor/vega-lite.min.js", "vendor/vega-embed.min.js", "templates/report.js")
_FORMATS: dict[str, Callable[[Any], str]] = {
    "text": str,
    "number": human,
    "signed": signed,
    "percent": share,
    "date": date,
}


def sections_of(result: Result) -> list[Section]:
    """Return the sections that a report of a run has unless told otherwise."""
    return [section for section in (make(result) for make in MAKERS) if section is not None]


def report(result: Result, path: str | Path, sections: Iterable[Section] | None = None) -> Path:
    """Write the report of a run as one HTML file that works offline.

    The file is written whole and renamed into place: a reader sees the old one or the new one.

    Args:
        result: The run.
        path: The file.
        sections: What stands in it; `sections_of(result)` otherwise.

    Returns:
        The file.
    """
    file = Path(path)
    text = render(result, sections_of(result) if sections is None else list(sections))
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as out:
            out.write(text)
        Path(name).chmod(0o644)
        Path(name).replace(file)
    finally:
        Path(name).unlink(missing_ok=True)
    return file


def render(result: Result, sections: Sequence[Section]) -> str:
    """Return the page as text: the same result gives the same text."""
    figures = [b for s in sections for b in s.blocks if isinstance(b, Figure)]
    scripts = [_script(name) for name in _SCRIPTS] if figures or sections else []
    about = result.scenario.about if result.scenario is not None else None
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            title=result.name,
            about=" ".join((about or "").split()),
            as_of=result.scenario.as_of if result.scenario is not None else None,
            draws=result.draws,
            start=result.axes.instants[0],
            end=result.axes.instants[-1],
            sections=sections,
            policy=_policy(scripts),
            style=Markup(_asset("templates/report.css") + _palette()),
            scripts=[Markup(script) for script in scripts],
            data=Markup(_json(_page_data(figures))),
        )
    )


def _page_data(figures: Sequence[Figure]) -> dict[str, Any]:
    """Return what the page's script reads: each data set once, and what each figure does with it."""
    shared: dict[str, pd.DataFrame] = {}
    for figure in figures:
        name, frame = figure.data
        if shared.setdefault(name, frame) is not frame:
            raise ValueError(f"two different data sets are called {name!r}")
    outline = json.loads(_asset("vendor/us-states.json")) if any(f.outline for f in figures) else None
    return {
        "datasets": {name: _encoded(frame) for name, frame in shared.items()},
        "figures": {f.id: _figure_data(f) for f in figures},
        "themes": {"light": theme(), "dark": theme(dark=True)},
        "states": outline,
    }


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


def _json(value: object) -> str:
    """Return JSON that can stand inside a script element whatever words are in it."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


@cache
def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


def _script(name: str) -> str:
    """Return a script of ours or a vendored one, unable to end its element early."""
    return _asset(name).replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _policy(scripts: Iterable[str]) -> str:
    """Return the content security policy: no network at all, and no script but those in the page."""
    digests = (base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _palette() -> str:
    """Return the colours of policies and groups as style sheet variables, for paper and for the dark."""
    kinds = (("c", colours), ("a", areas))
    light, dark = (
        ";".join(f"--{letter}{i}:{c}" for letter, made in kinds for i, c in enumerate(made(night)))
        for night in (False, True)
    )
    return f":root{{{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"


@cache
def _environment() -> jinja2.Environment:
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
