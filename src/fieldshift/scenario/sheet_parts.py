"""The cells of one row as one part: nested fields, numbers with what is said beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fieldshift.errors import Problem
from fieldshift.scenario.marked import Marked, Path, dotted
from fieldshift.scenario.schema import Amount, Price, Site
from fieldshift.scenario.sheets import types_at

__all__ = ["Placed", "part_of"]

_DATES = re.compile(r"\d{4}-\d{2}(-\d{2})?")
_YEARS = re.compile(r"\d{4}")


@dataclass(frozen=True)
class Placed:
    """A value and the cell that it stands in."""

    value: Any
    where: str


def part_of(types: Sequence[Any], values: Mapping[str, Placed], problems: list[Problem], base: Path = ()) -> Marked:
    """Return a part as plain data, with the place of each of its values.

    Args:
        types: The classes that the part may be.
        values: Value and place by column; dots lead to nested fields.
        problems: Where to note columns that clash.
        base: The way to the part, for problems.
    """
    found = Marked({})
    top = Amount in types
    for column in sorted(values, key=lambda text: (text.count("."), not (top and text == "value"))):
        placed = values[column]
        path: Path = (column,) if types == (Site,) else tuple(column.split("."))
        if top and path == ("value",):
            put = _head(found, types, (), placed.value, placed.where)
        elif Amount in types_at(types, path):
            put = _head(found, types, path, placed.value, placed.where)
        else:
            put = _put(found, types, path, placed.value, placed.where)
        if not put:
            what = f"the column '{column}' clashes with one around it"
            problems.append(Problem(placed.where, dotted((*base, *path)), what, "write the value in one place"))
    _short(found.data, types)
    return found


def _head(found: Marked, types: Sequence[Any], path: Path, value: Any, where: str) -> bool:
    """Put the main cell of a number: its value, its values by date, or the sheet that they stand on."""
    said: dict[str, Any] = {"value": value}
    if isinstance(value, Mapping) and value:
        form = "years" if all(map(_YEARS.fullmatch, value)) else "dates" if all(map(_DATES.fullmatch, value)) else ""
        said = {form: dict(value)} if form else dict(value)
    node = _inside(found, types, path, where)
    if node is None:
        return False
    node.update(said)
    for key in said:
        found.places[(*path, key)] = found.keys[(*path, key)] = where
    if path:
        found.places[path] = found.keys[path] = where
    return True


def _put(found: Marked, types: Sequence[Any], path: Path, value: Any, where: str) -> bool:
    """Put a value at a path; return False where something else stands in the way."""
    node = _inside(found, types, path[:-1], where)
    last = str(path[-1])
    if node is None or isinstance(node.get(last), dict):
        return False
    node[last] = value
    found.places[path] = found.keys[path] = where
    return True


def _inside(found: Marked, types: Sequence[Any], path: Path, where: str) -> dict[str, Any] | None:
    """Return the mapping at a path, made where there is none; None where a value stands in the way."""
    node: Any = found.data
    for i, key in enumerate(path):
        if not isinstance(node.get(key, {}), dict) and Price in types_at(types, path[: i + 1]):
            node[key] = {"price": node[key]}
        node = node.setdefault(key, {})
        found.places.setdefault(path[: i + 1], where)
        if not isinstance(node, dict):
            return None
    return node if isinstance(node, dict) else None


def _short(node: dict[str, Any], types: Sequence[Any]) -> None:
    """Write numbers that say their value alone as that value, so that problems name the number itself."""
    for key, value in node.items():
        if not isinstance(value, dict):
            continue
        inner = types_at(types, (key,))
        if Amount in inner:
            if set(value) == {"value"}:
                node[key] = value["value"]
        elif inner:
            _short(value, inner)
