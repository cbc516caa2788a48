"""A folder of finished pieces: written one by one, so that what was interrupted goes on where it was."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from fieldshift.errors import RunError, UsageError
from fieldshift.results.tally import Array
from fieldshift.scenario.write import replaced

__all__ = ["Shelf", "written"]

_DESIGN = "design.json"
_HALF = 60.0
"""Seconds after which half a file is taken for left behind: another process may be writing it."""


def written(file: Path, data: bytes) -> None:
    """Write a file whole and rename it into place: a reader sees the old one or the new one, never half of one.

    Raises:
        RunError: The folder cannot be written to.
    """
    try:
        replaced(file, data)
    except OSError as error:
        raise RunError(f"'{file}' cannot be written: {error.strerror}") from None


class Shelf:
    """Finished pieces by name, each some arrays by name, in a folder or in memory.

    Args:
        folder: The folder; None keeps them in memory.
        design: What the pieces were made from. A folder made from another design is refused.
        what: What they are pieces of, for messages.

    Raises:
        UsageError: The folder holds something else, or pieces of another design.
    """

    def __init__(self, folder: Path | None, design: Mapping[str, Any], what: str) -> None:
        self._folder, self._what, self._kept = folder, what, dict[str, Mapping[str, Array]]()
        if folder is None:
            return
        text = json.dumps(design, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        mark = folder / _DESIGN
        if mark.is_file():
            self._same(mark, json.loads(text))
            for left in folder.glob("*/.*"):  # half a file, of a process that was killed while it wrote
                with suppress(OSError):
                    if time.time() - left.stat().st_mtime > _HALF:
                        left.unlink()
            return
        if folder.exists() and (not folder.is_dir() or any(not f.name.startswith(".") for f in folder.iterdir())):
            raise UsageError(f"'{folder}' exists and is no {what}: name a new folder")
        written(mark, text.encode())

    def _same(self, mark: Path, design: Mapping[str, Any]) -> None:
        try:
            there = json.loads(mark.read_text(encoding="utf-8"))
        except ValueError:
            raise RunError(f"'{mark}' cannot be read: name a new folder") from None
        apart = sorted(key for key in {*there, *design} if there.get(key) != design.get(key))
        if apart:
            said = ", ".join(f"{key} {_short(there.get(key))}, not {_short(design.get(key))}" for key in apart)
            raise UsageError(
                f"'{mark.parent}' holds a part of another {self._what}, made with {said}: name a new folder"
            )

    def _file(self, name: str) -> Path:
        assert self._folder is not None
        return self._folder / f"{name}.npz"

    def has(self, name: str) -> bool:
        """Return whether a piece is finished."""
        return name in self._kept if self._folder is None else self._file(name).is_file()

    def put(self, name: str, arrays: Mapping[str, Array]) -> None:
        """Keep a finished piece."""
        if self._folder is None:
            self._kept[name] = arrays
            return
        out = io.BytesIO()
        np.savez(out, allow_pickle=False, **arrays)
        written(self._file(name), out.getvalue())

    def get(self, name: str) -> Mapping[str, Array]:
        """Return a finished piece.

        Raises:
            RunError: Its file cannot be read.
        """
        if self._folder is None:
            return self._kept[name]
        file = self._file(name)
        try:
            with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as there:
                return dict(there)
        except (OSError, ValueError, zipfile.BadZipFile, EOFError):
            raise RunError(f"'{file}' cannot be read: delete it, and it is made again") from None


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:37]}..."
