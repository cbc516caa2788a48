"""A run's tables for others as Parquet files: those of the CSV form, small counts hidden if asked."""

from __future__ import annotations

from pathlib import Path

from fieldshift.errors import RunError
from fieldshift.results import parquet
from fieldshift.results.publish import tables
from fieldshift.results.result import Result

__all__ = ["export_parquet"]


def export_parquet(result: Result, folder: str | Path, suppress: int | None = None) -> list[Path]:
    """Write a run's tables as Parquet files, named as those of `export`; numbers are in single precision as kept.

    Args:
        result: The run.
        folder: Where; files of the same names are replaced, each written whole and renamed into place.
        suppress: Hide counts under this number and what would give them away; numbers are then text, see `publish`.

    Returns:
        The files; a table without rows is left out.

    Raises:
        UsageError: `suppress` is below 2.
        RunError: The files cannot be written.
    """
    place = Path(folder)
    found = {name: frame for name, frame in tables(result, suppress).items() if len(frame)}
    written = []
    try:
        place.mkdir(parents=True, exist_ok=True)
        for name, frame in found.items():
            file, room = place / f"{name}.parquet", place / f".{name}.parquet"
            parquet.write(frame, room)
            written.append(room.replace(file))
    except (OSError, parquet.Damaged) as error:
        raise RunError(f"cannot write to {place}: {error}") from error
    return written
