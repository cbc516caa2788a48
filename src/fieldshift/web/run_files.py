"""The files of a finished run that a visitor can take: some lie in its folder, others are made when first asked for."""

from __future__ import annotations

import shlex
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fastapi import HTTPException

import fieldshift as fs
from fieldshift.web import casebook, filing, jobs, keeping
from fieldshift.web.desk import Desk, NotHere
from fieldshift.web.pages import XLSX

__all__ = ["FILES", "RunFile", "command_of", "file_of", "files_of"]

_ONE_BY_ONE = threading.Lock()
"""Large files are made one at a time: a desk has few cores, and two visitors may ask for the same one."""

_PATIENCE = 60.0
"""Seconds that a visitor waits for another one's file."""


@dataclass(frozen=True)
class RunFile:
    """A file that a visitor can take.

    Attributes:
        name: Its name, which is the end of its address too.
        title: What it is.
        kind: Its media type.
        what: What is in it, in a sentence.
        of: Whether only runs, or only explorations, have it.
    """

    name: str
    title: str
    kind: str
    what: str
    of: str = ""

    def there(self, row: jobs.Run) -> bool:
        """Return whether a run has it."""
        return self.of in ("", "explore" if row.kind == "explore" else "run")


FILES = {
    file.name: file
    for file in (
        RunFile("report.html", "Report", "text/html; charset=utf-8", "The whole page as one file that works offline."),
        RunFile("results.xlsx", "Workbook", XLSX, "Tables, charts, sources: for Excel and LibreOffice.", "run"),
        RunFile("tables.zip", "Tables as CSV", "application/zip", "Every measure, policy, date and site.", "run"),
        RunFile("parquet.zip", "Tables as Parquet", "application/zip", "The same for other programs.", "run"),
        RunFile("run.zip", "The run itself", "application/zip", "All its futures: fieldshift report reads it.", "run"),
        RunFile("numbers.json", "Numbers as JSON", "application/json", "What fieldshift --json tells."),
        RunFile("scenario.yaml", "Scenario", "application/yaml", "The version that was run, in one file."),
        RunFile("base.yaml", "Base", "application/yaml", "The first version of the case."),
        RunFile("overlay.yaml", "Overlay", "application/yaml", "What this version changes of the base."),
    )
}
"""All there are, by name: no other name reaches the disk."""


def files_of(desk: Desk, row: jobs.Run) -> list[RunFile]:
    """Return the files that a run has."""
    changed = overlay_of(desk, row)
    left_out = {"overlay.yaml"} if not changed else set()
    return [file for file in FILES.values() if file.there(row) and file.name not in left_out]


def file_of(desk: Desk, row: jobs.Run, name: str) -> Path:
    """Return a file of a run; it is made if nobody asked for it before.

    Raises:
        NotHere: There is no such file.
    """
    known = FILES.get(name)
    if known is None or not known.there(row):
        raise NotHere("There is no such file.")
    folder = desk.settings.runs / row.id
    if name == "numbers.json":
        file = folder / "told.json"
    elif name in _TEXTS:
        file = _text_of(folder / name, lambda: _TEXTS[name](desk, row))
    elif name in _LARGE:
        file = _large(folder / name)
    else:
        file = folder / name
    if not file.is_file():
        raise NotHere("The files of this run are gone.")
    return file


def overlay_of(desk: Desk, row: jobs.Run) -> str | None:
    """Return what a run's version changes of the first one, as YAML: empty where it is the first or says the same.

    Returns:
        None where no overlay can say it.
    """
    if row.version == 1:
        return ""
    folder = desk.settings.runs / row.id
    file = _text_of(folder / "overlay.yaml", lambda: _overlay(desk, row))
    text = file.read_text(encoding="utf-8")
    return None if text == _CANNOT else text


def command_of(desk: Desk, row: jobs.Run, told: Sequence[int]) -> str:
    """Return the command that repeats a run where its files are: `base.yaml`, and `overlay.yaml` if it has one.

    Args:
        desk: The desk.
        row: The run.
        told: Its futures, its seed, and its groups of futures.
    """
    overlay = overlay_of(desk, row)
    policies = list(row.asked.get("policies") or ())
    verb = {"plan": "run", "explore": "explore"}.get(row.kind, "simulate" if policies else "run")
    words = ["fieldshift", verb, "scenario.yaml" if overlay is None else "base.yaml"]
    words += ["--with", "overlay.yaml"] if overlay else []
    for policy in policies:
        words += ["--policy", policy]
    if row.kind == "explore":
        words += ["--measure", str(row.asked["measure"])] if row.asked.get("measure") else []
        words += ["--points", str(row.asked["points"]), "--futures", str(row.asked["futures"])]
        words += ["--quick"] if row.asked.get("quick") else []
        words += ["--seed", str(row.asked["seed"])]
    else:
        draws, seed, groups = told
        words += ["--draws", str(draws), "--seed", str(seed), "--groups", str(groups)]
        words += ["--no-plan"] if verb == "run" and row.kind == "simulate" else []
    return shlex.join([*words, "-o", "FOLDER"])


_CANNOT = "# No overlay says what differs from the base: take scenario.yaml.\n"


def _overlay(desk: Desk, row: jobs.Run) -> bytes:
    base, mine = (casebook.scenario_of(desk, row.case_id, number) for number in (1, row.version))
    text = fs.overlay_between(base, mine)
    return (_CANNOT if text is None else text).encode()


_TEXTS: dict[str, Callable[[Desk, jobs.Run], bytes]] = {
    "scenario.yaml": lambda desk, row: casebook.text_of(desk, row.case_id, row.version).encode(),
    "base.yaml": lambda desk, row: casebook.text_of(desk, row.case_id, 1).encode(),
    "overlay.yaml": _overlay,
}
_LARGE = {"results.xlsx": "workbook", "tables.zip": "tables", "parquet.zip": "parquet", "run.zip": "run"}
"""Large files, and in what form each holds its run."""


def _text_of(file: Path, make: Callable[[], bytes]) -> Path:
    if not file.parent.is_dir():
        raise NotHere("The files of this run are gone.")
    if not file.is_file():
        keeping.written(file, make())
    return file


def _large(file: Path) -> Path:
    """Return a large file of a run's folder; it is made, in a process of its own, if nobody asked for it before."""
    if not file.parent.is_dir():
        raise NotHere("The files of this run are gone.")
    if file.is_file():
        return file
    if not _ONE_BY_ONE.acquire(timeout=_PATIENCE):
        raise HTTPException(503, "Other files are being made. Try again in a minute.", {"Retry-After": "30"})
    try:
        if not file.is_file():
            with tempfile.TemporaryDirectory(dir=file.parent) as room:
                filing.filed(file.parent / keeping.RUN, _LARGE[file.name], Path(room)).replace(file)
    finally:
        _ONE_BY_ONE.release()
    return file
