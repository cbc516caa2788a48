"""Rows that belong to a part on another sheet: stages of choices, rules of policies, estimates of any number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fieldshift.errors import Problem
from fieldshift.scenario.marked import Marked, Path, dotted
from fieldshift.scenario.paths import nearest
from fieldshift.scenario.schema import Amount, Price, Scenario
from fieldshift.scenario.sheets import SETTINGS, SheetKind, types_at

__all__ = ["MOST_TOLD", "Owned", "belong", "moved"]

_LATER = {"steps": 1, "estimates": 2}
"""Sheets whose rows may belong to numbers in other lists: these lists come first."""

MOST_TOLD = 1_000
"""Problems after which no more are looked for: a sheet that is wrong throughout is wrong in one thing."""


@dataclass(frozen=True)
class Owned:
    """A row that belongs to something else.

    Attributes:
        kind: Its sheet.
        owner: What it belongs to, as written.
        inner: What it says.
        where: Its place.
        pointers: Numbers in it that say `estimates!`, each with its place.
    """

    kind: SheetKind
    owner: str
    inner: Marked
    where: str
    pointers: tuple[tuple[Path, str], ...] = ()


def moved(found: Marked, inner: Marked, path: Path) -> None:
    """Add the places of a part that was put at a path."""
    for places, more in ((found.places, inner.places), (found.keys, inner.keys)):
        places.update({(*path, *sub): at for sub, at in more.items()})


def belong(found: Marked, rows: Sequence[Owned], pointers: Sequence[tuple[Path, str]]) -> None:
    """Put each row where it belongs; note those that belong nowhere, and numbers whose estimates are not there.

    Args:
        found: The scenario so far, with all named parts.
        rows: The rows, in the order of their sheets.
        pointers: Numbers that say `estimates!`, each with its place.
    """
    waiting = list(pointers)
    for row in sorted(rows, key=lambda row: _LATER.get(row.kind.name, 0)):
        if len(found.problems) > MOST_TOLD:
            return
        if row.kind.name == SETTINGS:
            _setting(found, row)
            continue
        path = _path(found, row)
        node = _mapping(found, path) if path is not None else None
        if path is None or node is None:
            collection = row.owner.split(".")[0] if row.kind.key == "in" else row.kind.path[0]
            known = found.data.get(collection)
            names = [str(name) for name in known] if isinstance(known, dict) else []
            word = row.owner.split(".")[1] if row.owner.count(".") else row.owner
            what = f"there is no '{row.owner}' that this row could belong to"
            found.problems.append(Problem(row.where, "", what, nearest(word, names, f"{collection}")))
            continue
        items = node.setdefault(str(row.kind.path[-1]), [])
        if not isinstance(items, list):
            what = f"'{row.kind.path[-1]}' of '{row.owner}' stands on another sheet too"
            found.problems.append(Problem(row.where, dotted(path), what, "keep one"))
            continue
        full = (*path, str(row.kind.path[-1]), len(items))
        items.append(row.inner.data)
        found.places.setdefault(full[:-1], row.where)
        found.places[full] = row.where
        moved(found, row.inner, full)
        waiting += [((*full, *inside), at) for inside, at in row.pointers]
    for path, where in waiting:
        node = _mapping(found, path)
        if node is None or "estimates" not in node:
            what = "there are no rows for it on the sheet 'estimates'"
            found.problems.append(Problem(where, dotted(path), what, f"write {dotted(path)} in the column 'in' there"))


def _setting(found: Marked, row: Owned) -> None:
    """Put a setting into its policy."""
    policies = found.data.get("policies", {})
    node = policies.get(row.owner)
    path = row.inner.data.get("path")
    if node is None:
        what = f"there is no policy '{row.owner}'"
        found.problems.append(Problem(row.where, "", what, nearest(row.owner, policies, "policies")))
        return
    full: Path = ("policies", row.owner, "set", path or "")
    if path is None or "value" not in row.inner.data:
        what = "a setting needs a path and a value"
        found.problems.append(Problem(row.where, dotted(full[:3]), what, "`null` removes what the scenario says"))
        return
    settings = node.setdefault("set", {})
    if not isinstance(settings, dict) or path in settings:
        first = found.places.get(full, found.places.get(full[:3], ""))
        found.problems.append(Problem(row.where, dotted(full), f"'{path}' stands here twice", f"first at {first}"))
        return
    settings[path] = row.inner.data["value"]
    found.places[full] = found.keys[full] = row.inner.places[("value",)]


def _path(found: Marked, row: Owned) -> Path | None:
    """Return the path of what a row belongs to; its last key need not be there yet."""
    if row.kind.key != "in":
        collection = row.kind.path[0]
        return (collection, row.owner) if row.owner in found.data.get(collection, {}) else None
    node: Any = found.data
    path: list[str | int] = []
    parts = row.owner.split(".")
    while parts:
        used = 1
        key: str | int = parts[0]
        if isinstance(node, list):
            if not parts[0].isdigit() or int(parts[0]) >= len(node):
                return None
            key = int(parts[0])
            node = node[key]
        elif isinstance(node, dict):
            used = next((n for n in range(1, len(parts) + 1) if ".".join(parts[:n]) in node), 0)
            inner = types_at((Scenario,), (*path, key))
            if not used and (len(path) < 2 or not any(isinstance(kind, type) for kind in inner)):
                return None
            used = used or 1
            key = ".".join(parts[:used])
            node = node.get(key, {})
        else:
            return None
        path.append(key)
        parts = parts[used:]
    types = types_at((Scenario,), tuple(path))
    return tuple(path) if types_at(types, (row.kind.path[-1],)) else None


def _mapping(found: Marked, path: Path) -> dict[str, Any] | None:
    """Return the mapping at a path, made where there is none; a bare number becomes its value, a bare price too."""
    node: Any = found.data
    for i, key in enumerate(path):
        inner = node[int(key)] if isinstance(node, list) else node.get(str(key))
        if isinstance(node, dict) and not isinstance(inner, dict | list):
            types = types_at((Scenario,), path[: i + 1])
            word = "price" if Price in types else "value" if Amount in types else ""
            if inner is not None and not word:
                return None
            node[str(key)] = {} if inner is None else {word: inner}
            if inner is not None:
                found.places[(*path[: i + 1], word)] = found.places.get(path[: i + 1], "")
            inner = node[str(key)]
        node = inner
    return node if isinstance(node, dict) else None
