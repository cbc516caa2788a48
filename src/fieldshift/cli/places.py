"""Where a verb may write: a new folder, or one that it wrote before; never over anything else."""

from __future__ import annotations

from pathlib import Path

import fieldshift as fs

__all__ = ["REPORT", "RUN", "for_a_run", "for_tables", "is_run", "out_folder"]

RUN, REPORT = "run", "report.html"
"""What stands in the output folder of `run`."""

_MARK = "run.json"
_TABLES_MARK = "measures.csv"


def is_run(folder: Path) -> bool:
    """Return whether a folder is a stored run."""
    return (folder / _MARK).is_file()


def for_a_run(folder: Path) -> Path:
    """Return a folder that a run may be written to, before any time is spent on the run.

    Raises:
        UsageError: Something else stands there.
    """
    if folder.exists() and not is_run(folder) and (not folder.is_dir() or any(folder.iterdir())):
        raise fs.UsageError(f"'{folder}' exists and is not a run: name a new folder")
    return folder


def for_tables(folder: Path) -> Path:
    """Return a folder that tables may be written to.

    Raises:
        UsageError: Something else stands there.
    """
    known = (folder / _TABLES_MARK).is_file()
    if folder.exists() and not known and (not folder.is_dir() or any(folder.iterdir())):
        raise fs.UsageError(f"'{folder}' exists and holds no exported tables: name a new folder")
    return folder


def out_folder(folder: Path) -> Path:
    """Return a folder that `run` may fill: a new or empty one, or one that it filled before.

    Raises:
        UsageError: Something else stands there.
    """
    if folder.exists() and not folder.is_dir():
        raise fs.UsageError(f"'{folder}' is a file: name a new folder")
    if folder.is_dir():
        strange = sorted(p.name for p in folder.iterdir() if p.name not in (RUN, REPORT))
        if strange:
            raise fs.UsageError(f"'{folder}' holds other things ({', '.join(strange[:3])}): name a new folder")
        for_a_run(folder / RUN)
    return folder
