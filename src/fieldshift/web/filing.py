"""The large files of a run, made in a process of their own: whoever reads pages meanwhile does not wait for them."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import fieldshift as fs

__all__ = ["filed", "main"]

log = logging.getLogger("fieldshift.web.filing")


def _workbook(run: Path, room: Path) -> Path:
    return fs.export_workbook(fs.load(run), room / "results.xlsx")


def _tables(run: Path, room: Path) -> Path:
    return _zipped(fs.export(fs.load(run), room / "tables"), room)


def _parquet(run: Path, room: Path) -> Path:
    return _zipped(fs.export_parquet(fs.load(run), room / "tables"), room)


def _whole(run: Path, room: Path) -> Path:
    return _zipped(sorted(run.iterdir()), room, "run/")


_FORMS: dict[str, Callable[[Path, Path], Path]] = {
    "workbook": _workbook,
    "tables": _tables,
    "parquet": _parquet,
    "run": _whole,
}


def _zipped(files: Sequence[Path], room: Path, under: str = "") -> Path:
    """Return files as a zip whose bytes depend on nothing but theirs."""
    made = room / "made.zip"
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            entry = zipfile.ZipInfo(f"{under}{file.name}")
            entry.external_attr = 0o644 << 16
            packed = file.suffix == ".parquet"
            entry.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
            with file.open("rb") as stream, archive.open(entry, "w", force_zip64=True) as inside:
                shutil.copyfileobj(stream, inside, 1 << 20)
    return made


def filed(run: Path, form: str, room: Path) -> Path:
    """Return a run as one file in some form, made in another process.

    Args:
        run: The run, as `save` wrote it.
        form: `workbook`, `tables` or `parquet` (of its tables, zipped), or `run` (itself, zipped).
        room: An empty folder to make it in.

    Raises:
        RunError: It was not made; why stands in the log.
    """
    line = [sys.executable, "-m", "fieldshift.web.filing", form, str(run), str(room)]
    done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        log.error("%s of %s was not made (code %s)\n%s", form, run.parent.name, done.returncode, done.stderr)
        raise fs.RunError("This file could not be made; why stands in the log of the server.")
    return Path(done.stdout.strip())


def main(argv: Sequence[str] | None = None) -> int:
    """Make the files: `python -m fieldshift.web.filing FORM RUN ROOM`."""
    asked = argparse.ArgumentParser(prog="fieldshift.web.filing", description="Make the large files of a run.")
    asked.add_argument("form", choices=_FORMS)
    asked.add_argument("run", type=Path)
    asked.add_argument("room", type=Path)
    given = asked.parse_args(argv)
    with contextlib.suppress(OSError):
        os.nice(5)
    sys.stdout.write(f"{_FORMS[given.form](given.run, given.room)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
