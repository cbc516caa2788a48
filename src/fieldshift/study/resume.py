"""A folder of finished pieces: written one by one, so that a study that was interrupted goes on where it was."""

from __future__ import annotations

import io
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fieldshift.errors import RunError, UsageError

__all__ = ["Shelf", "written"]

Float: TypeAlias = npt.NDArray[np.float64]

_DESIGN = "design.json"


def written(file: Path, data: bytes) -> None:
    """Write a file whole and rename it into place: a reader sees the old one or the new one, never half of one.

    Raises:
        RunError: The folder cannot be written to.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(data)
            Path(name).chmod(0o644)
            Path(name).replace(file)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise RunError(f"'{file}' cannot be written: {error.strerror}") from None


class Shelf:
    """Finished pieces by name, in a folder or in memory.

    Args:
        folder: The folder; None keeps them in memory.
        design: What the pieces were made from. A folder made from another design is refused.

    Raises:
        UsageError: The folder holds something else, or pieces of another design.
    """

    def __init__(self, folder: Path | None, design: Mapping[str, Any]) -> None:
        self._folder, self._kept = folder, dict[str, Float]()
        if folder is None:
            return
        text = json.dumps(design, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        mark = folder / _DESIGN
        if mark.is_file():
            self._same(mark, json.loads(text))
            for left in folder.glob("*/.*"):  # half a file, of a run that was killed while it wrote
                left.unlink(missing_ok=True)
            return
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError(f"'{folder}' exists and is no exploration: name a new folder")
        written(mark, text.encode())

    @staticmethod
    def _same(mark: Path, design: Mapping[str, Any]) -> None:
        try:
            there = json.loads(mark.read_text(encoding="utf-8"))
        except ValueError:
            raise RunError(f"'{mark}' cannot be read: name a new folder") from None
        apart = sorted(key for key in {*there, *design} if there.get(key) != design.get(key))
        if apart:
            said = ", ".join(f"{key} {_short(there.get(key))}, not {_short(design.get(key))}" for key in apart)
            raise UsageError(f"'{mark.parent}' holds an exploration made with {said}: name a new folder")

    def _file(self, name: str) -> Path:
        assert self._folder is not None
        return self._folder / f"{name}.npy"

    def has(self, name: str) -> bool:
        """Return whether a piece is finished."""
        return name in self._kept if self._folder is None else self._file(name).is_file()

    def put(self, name: str, values: Float) -> None:
        """Keep a finished piece."""
        if self._folder is None:
            self._kept[name] = values
            return
        out = io.BytesIO()
        np.save(out, values, allow_pickle=False)
        written(self._file(name), out.getvalue())

    def get(self, name: str) -> Float:
        """Return a finished piece.

        Raises:
            RunError: Its file cannot be read.
        """
        if self._folder is None:
            return self._kept[name]
        try:
            return np.asarray(np.load(self._file(name), allow_pickle=False), np.float64)
        except (OSError, ValueError):
            raise RunError(f"'{self._file(name)}' cannot be read: delete it, and it is made again") from None


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:37]}..."
