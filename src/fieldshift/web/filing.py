"""The large files of a run, made in a process of their own: whoever reads pages meanwhile does not wait for them."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import fieldshift as fs

__all__ = ["filed", "main"]

log = logging.getLogger("fieldshift.web.filing")


def _workbook(result: fs.Result, room: Path) -> None:
    fs.export_workbook(result, room / "results.xlsx")


def _tables(result: fs.Result, room: Path) -> None:
    fs.export(result, room)


def _parquet(result: fs.Result, room: Path) -> None:
    fs.export_parquet(result, room)


_FORMS: dict[str, Callable[[fs.Result, Path], None]] = {
    "workbook": _workbook,
    "tables": _tables,
    "parquet": _parquet,
}


def filed(run: Path, form: str, room: Path) -> list[Path]:
    """Return the files of a run in a form, made in another process.

    Args:
        run: The run, as `save` wrote it.
        form: `workbook`, `tables` or `parquet`.
        room: An empty folder to make them in.

    Raises:
        RunError: They were not made; why stands in the log.
    """
    line = [sys.executable, "-m", "fieldshift.web.filing", form, str(run), str(room)]
    done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        log.error("%s of %s was not made (code %s)\n%s", form, run.parent.name, done.returncode, done.stderr)
        raise fs.RunError("This file could not be made; why stands in the log of the server.")
    return sorted(room.iterdir())


def main(argv: Sequence[str] | None = None) -> int:
    """Make the files: `python -m fieldshift.web.filing FORM RUN ROOM`."""
    asked = argparse.ArgumentParser(prog="fieldshift.web.filing", description="Make the large files of a run.")
    asked.add_argument("form", choices=_FORMS)
    asked.add_argument("run", type=Path)
    asked.add_argument("room", type=Path)
    given = asked.parse_args(argv)
    with contextlib.suppress(OSError):
        os.nice(5)
    _FORMS[given.form](fs.load(given.run), given.room)
    return 0


if __name__ == "__main__":
    sys.exit(main())
