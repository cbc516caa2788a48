"""Policies of one run or of several, side by side, as text."""

from __future__ import annotations

from collections.abc import Sequence

import fieldshift as fs
from fieldshift.cli.figures import Row, signed
from fieldshift.cli.talk import table

__all__ = ["compared_text"]


def compared_text(sides: Sequence[fs.Side], rows: Sequence[Row]) -> str:
    """Return the comparison as a table: the base in full, the others as differences from it."""
    dates = list(dict.fromkeys(row["when"] for row in rows if row["when"] != "now"))
    made: list[list[str]] = []
    for key in dict.fromkeys((row["measure"], row["of"]) for row in rows):
        mine = [row for row in rows if (row["measure"], row["of"]) == key]
        made.append([str(mine[0]["title"])])
        for side in dict.fromkeys(row["side"] for row in mine):
            by_date = {row["when"]: row for row in mine if row["side"] == side}
            made.append([side, *(_cell(by_date.get(when)) for when in dates)])
    paired = any(row["difference"] and row["difference"]["low"] is not None for row in rows)
    note = "on the same futures, middle future and 80 % band" if paired else "of the means"
    return f"Difference from {sides[0].label}, {note}\n\n{table(['', *dates], made)}"


def _cell(row: Row | None) -> str:
    if row is None:
        return ""
    apart = row["difference"]
    if apart is None:
        return fs.band(row)
    if apart["low"] is None:
        return signed(apart["mean"], row["unit"])
    middle = signed(apart["middle"], row["unit"])
    if apart["low"] == apart["high"] == apart["middle"]:
        return middle
    return f"{middle} ({signed(apart['low'], row['unit'])} to {signed(apart['high'], row['unit'])})"
