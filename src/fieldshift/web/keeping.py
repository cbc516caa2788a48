"""What a finished run's folder holds beside the run itself, so that its pages are quick.

| file | what is in it |
|---|---|
| `report.html` | the report, for a reader without a desk |
| `page.json` | titles, and the report's sections as HTML |
| `data-SECTION.json` | what a section's charts are drawn from |
| `told.json` | the headlines, as `fieldshift run --json` tells them; of an exploration, all of it |
| `series.json` | the headline measures by policy over all dates |
"""

from __future__ import annotations

import json
import math
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import fieldshift as fs
from fieldshift.web.desk import NotHere

__all__ = [
    "RUN",
    "STATS",
    "WORD",
    "kept",
    "kept_exploration",
    "numbers_of",
    "page_of",
    "parts_kept",
    "series_of",
    "told_of",
    "written",
]

RUN = "run"
"""The folder of the run itself, as `save` writes it, in the run's folder at the desk."""

WORD = re.compile(r"[a-z][a-z0-9-]{0,40}")
"""What a section may be called."""


def kept(result: fs.Result, folder: Path) -> dict[str, Any]:
    """Keep what the pages of a run need beside the run, each file written whole.

    Args:
        result: The run.
        folder: Its folder at the desk; it is there.

    Returns:
        What is told of it.
    """
    told, sections = fs.told(result), fs.sections_of(result)
    parts_kept(fs.report_parts(result, sections), folder, {"choices": _choices(result)})
    written(folder / "told.json", _text(told))
    written(folder / "series.json", _text({"series": list(_series(result))}))
    fs.report(result, folder / "report.html", sections)
    return told


def kept_exploration(exploration: fs.Exploration, scenario: fs.Scenario, folder: Path) -> dict[str, Any]:
    """Keep what the page of an exploration needs, each file written whole.

    Args:
        exploration: The exploration.
        scenario: The scenario that it is of.
        folder: Its folder at the desk; it is there.

    Returns:
        What is told of it.
    """
    text = exploration.as_json()
    parts_kept(fs.exploration_parts(exploration, scenario), folder)
    written(folder / "told.json", text)
    fs.exploration_page(exploration, scenario, folder)
    told: dict[str, Any] = json.loads(text)
    return told


def parts_kept(parts: fs.Parts, folder: Path, more: Mapping[str, Any] | None = None) -> None:
    """Keep the content of a page: its sections, and the data of each.

    Args:
        parts: The content.
        folder: Where.
        more: What stands beside it in `page.json`.
    """
    sections = []
    for part in parts.sections:
        if part.data:
            written(folder / f"data-{part.id}.json", part.data)
        shown = {"id": part.id, "title": part.title, "short": part.short, "html": part.html, "data": bool(part.data)}
        sections.append(shown)
    page = {
        "title": parts.title,
        "about": parts.about,
        "as_of": parts.as_of.isoformat() if parts.as_of else None,
        "start": parts.start.isoformat(),
        "end": parts.end.isoformat(),
        "draws": parts.draws,
        "policies": dict(parts.policies),
        "sections": sections,
    }
    written(folder / "page.json", _text({**page, **(more or {})}))


def _choices(result: fs.Result) -> dict[str, Any]:
    """Return what a reader can choose to see: measures, and sites by id."""
    by_site = {key for part in result.parts.values() for key in part.sites}
    names = dict(zip(result.axes.site_ids, result.axes.site_names, strict=True))
    measures = [
        {"name": ".".join(k for k in e.key if k), "title": e.title, "by_site": e.key in by_site} for e in result.entries
    ]
    return {"measures": measures, "sites": {site: names[site] for site in result.site_ids}}


STATS = {"mean": "mean", "low": "q10", "middle": "q50", "high": "q90"}
"""What a series has of each date, by the name that the desk gives it, and by that of its column."""


def _series(result: fs.Result) -> Iterator[dict[str, Any]]:
    """Yield the headline measures by policy over all dates."""
    chosen = dict.fromkeys(entry for entry, _ in result.chosen_headlines())
    for policy in result.policies:
        for entry in chosen:
            if entry.key not in result.part(policy).nation:
                continue
            table = result.summary(policy, *entry.key)
            words = {"policy": policy, "measure": entry.key[0], "of": entry.key[1], "site": "nation"}
            dates = [day.isoformat() for day in result.dates(entry.key[0])]
            numbers = {name: numbers_of(table[column].tolist()) for name, column in STATS.items()}
            yield {**words, "title": entry.title, "unit": entry.unit, "dates": dates, **numbers}


def numbers_of(values: Sequence[float]) -> list[float | None]:
    """Return numbers as JSON has them: None where there is no value."""
    return [value if math.isfinite(value) else None for value in values]


def series_of(folder: Path) -> list[dict[str, Any]]:
    """Return the headline measures of a run by policy over all dates; an exploration has none."""
    if not (folder / "series.json").is_file():
        return []
    found: list[dict[str, Any]] = _read(folder / "series.json")["series"]
    return found


def page_of(folder: Path) -> dict[str, Any]:
    """Return what was kept of a page.

    Raises:
        NotHere: Nothing was.
    """
    return _read(folder / "page.json")


def told_of(folder: Path) -> dict[str, Any]:
    """Return what is told of a run.

    Raises:
        NotHere: Nothing was kept.
    """
    return _read(folder / "told.json")


def written(file: Path, content: str | bytes) -> None:
    """Write a file whole and rename it into place."""
    data = content.encode() if isinstance(content, str) else content
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
        Path(name).replace(file)
    finally:
        Path(name).unlink(missing_ok=True)


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _read(file: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise NotHere("The files of this run are gone.") from error
    return found
