"""Where a verb may write: a new folder, or one that it wrote before; never over anything else."""

from __future__ import annotations

from pathlib import Path

import fieldshift as fs

__all__ = ["PARQUET_MARK", "REPORT", "RUN", "for_a_run", "for_a_workbook", "for_tables", "is_run", "out_folder"]

RUN, REPORT = "run", "report.html"
"""What stands in the output folder of `run`."""

_MARK = "run.json"
_TABLES_MARK = "measures.csv"

PARQUET_MARK = "measures.parquet"
"""What every folder of tables as Parquet holds."""


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


def for_a_workbook(file: Path) -> Path:
    """Return a file that a workbook may be written to, before any time is spent on it.

    Raises:
        UsageError: It is not called as a workbook is, or it is a folder.
    """
    if file.suffix.lower() != ".xlsx":
        raise fs.UsageError(f"'{file}' does not end in .xlsx: try '{file.with_suffix('.xlsx')}'")
    if file.is_dir():
        raise fs.UsageError(f"'{file}' is a folder: name a file")
    return file


def for_tables(folder: Path, mark: str = _TABLES_MARK) -> Path:
    """Return a folder that tables may be written to.

    Args:
        folder: The folder.
        mark: The file by which one is known that holds such tables already.

    Raises:
        UsageError: Something else stands there.
    """
    known = (folder / mark).is_file()
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
