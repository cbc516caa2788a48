"""Changes laid over what a planner wrote: whole mappings, or single values by their dotted path."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from fieldshift.errors import Problem
from fieldshift.scenario.marked import Marked, Path, dotted
from fieldshift.scenario.paths import kinds, nearest, slots, union_of
from fieldshift.scenario.schema import COLLECTIONS, Amount, Price, Scenario

__all__ = ["lay", "lay_at", "placed"]

_YEAR = re.compile(r"\d{4}")
_DATE = re.compile(r"\d{4}-\d{2}(-\d{2})?")


def placed(value: Any, where: str) -> Marked:
    """Return a value that was not read from a file, all of it at one place such as `--set`."""
    found = Marked(value)
    _place(value, (), where, found)
    return found


def _place(value: Any, path: Path, where: str, found: Marked) -> None:
    found.places[path] = found.keys[path] = where
    if isinstance(value, Mapping):
        for key, item in value.items():
            _place(item, (*path, str(key)), where, found)
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            _place(item, (*path, i), where, found)


def lay(base: Marked, over: Marked) -> None:
    """Lay a mapping over what is there: mappings merge, anything else replaces, `null` removes.

    A key with dots that is not a key of the base is a path.
    """
    base.problems.extend(over.problems)
    if over.data is None:
        return
    if not isinstance(over.data, Mapping):
        place = over.places.get((), "overlay")
        base.problems.append(
            Problem(place, "", "an overlay must be a mapping", "such as `resources: {seats: {cap: 3 seat}}`")
        )
        return
    for key, value in over.data.items():
        key = str(key)
        if "." in key and key not in base.data:
            lay_at(base, key, _under(over, (key,), value))
        else:
            _merge(base, base.data, (), {key: value}, over, ())


def lay_at(base: Marked, text: str, over: Marked) -> None:
    """Lay a value at a dotted path, which must lead somewhere."""
    base.problems.extend(over.problems)
    where = over.places.get((), "--set")
    parts = text.strip().split(".")
    if not all(part.strip() for part in parts):
        base.problems.append(Problem(where, text, "not a path", "names with dots between: `resources.seats.cap`"))
        return
    way = _Way(base, where, text)
    if way.follow([part.strip() for part in parts]):
        _merge(base, way.node, way.path, {way.last: over.data}, _moved(over, way.last), ())


def _under(over: Marked, path: Path, value: Any) -> Marked:
    inner = Marked(value)
    for sub in _paths(value, ()):
        for known, added in ((inner.places, over.places), (inner.keys, over.keys)):
            if (*path, *sub) in added:
                known[sub] = added[(*path, *sub)]
    return inner


def _moved(over: Marked, key: str | int) -> Marked:
    return Marked(
        over.data,
        {(key, *p): at for p, at in over.places.items()},
        {(key, *p): at for p, at in over.keys.items()},
    )


def _merge(base: Marked, node: Any, path: Path, changes: Mapping[Any, Any], over: Marked, inside: Path) -> None:
    for key, value in changes.items():
        here, there = (*path, key), (*inside, key)
        present = _present(node, key)
        if value is not None and isinstance(value, Mapping) and isinstance(present, dict):
            for old in _replaced(present, value):
                _merge(base, present, here, {old: None}, over, there)
            _merge(base, present, here, value, over, there)
            continue
        for old in _paths(present, here):
            base.places.pop(old, None)
            base.keys.pop(old, None)
        if value is None:
            _remove(node, key)
            continue
        node[key] = _without_nulls(value, here)
        for new in _paths(node[key], ()):
            for known, added in ((base.places, over.places), (base.keys, over.keys)):
                if (*there, *new) in added:
                    known[(*here, *new)] = added[(*there, *new)]


_NUMBER = frozenset(Amount.model_fields)
_TABLES = frozenset({"by", "of", "sites", "dates", "years", "grid", "table"})


def _replaced(old: Mapping[Any, Any], new: Mapping[Any, Any]) -> list[Any]:
    """Return the keys of a number that do not hold once it is said in another way, its evidence among them.

    Of an observed series these are its rows or its table, whichever the other replaces.
    """
    if "of" in old and {"rows", "table"} & set(new):
        return [key for key in ("rows", "table", "column") if key in old and key not in new]
    if not old or not (set(old) | set(new)) <= _NUMBER:
        return []
    said = {key for key, value in new.items() if value is not None}
    if _TABLES & said:
        return [key for key in old if key not in _TABLES or key not in said]
    if {"value", "range", "estimates"} & said:
        return [key for key in old if key in _TABLES]
    return []


def _paths(value: Any, path: Path) -> Iterator[Path]:
    """Yield the path of a value and of everything in it."""
    yield path
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _paths(item, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield from _paths(item, (*path, i))


def _present(node: Any, key: Any) -> Any:
    return node[key] if isinstance(node, list) else node.get(key)


def _remove(node: Any, key: Any) -> None:
    if isinstance(node, dict):
        node.pop(key, None)
    else:
        del node[key]


def _without_nulls(value: Any, path: Path) -> Any:
    """Copy a value; a `null` in it means nothing, except in a policy's `set`, where it will remove."""
    if isinstance(value, Mapping):
        keep = path[:1] == ("policies",) and "set" in path
        return {str(k): _without_nulls(v, (*path, str(k))) for k, v in value.items() if v is not None or keep}
    if isinstance(value, list | tuple):
        return [_without_nulls(v, (*path, i)) for i, v in enumerate(value)]
    return copy.deepcopy(value)


class _Way:
    """The way along a dotted path, to the mapping or list that holds its last key."""

    def __init__(self, base: Marked, where: str, text: str) -> None:
        self.base, self.where, self.text = base, where, text
        self.node: Any = base.data
        self.types: tuple[Any, ...] = (Scenario,)
        self.path: Path = ()
        self.last: str | int = ""
        self._undo: list[tuple[Any, str | int, Any]] = []

    def follow(self, parts: list[str]) -> bool:
        """Go along the parts; on a wrong turn, note the problem and return False."""
        while parts:
            key, used = self._step(parts)
            if key is None:
                self.base.problems.append(self._lost(parts[0]))
                for node, at, before in reversed(self._undo):
                    if before is None:
                        _remove(node, at)
                    else:
                        node[at] = before
                return False
            parts = parts[used:]
            if not parts:
                self.last = key
                return True
            self._enter(key)
        return False

    def _step(self, parts: list[str]) -> tuple[str | int | None, int]:
        """Return the next key and how many parts of the text it takes."""
        if isinstance(self.node, list):
            return _position(self.node, parts[0]), 1
        for n in range(1, len(parts) + 1):
            if ".".join(parts[:n]) in self.node:
                return ".".join(parts[:n]), n
        if Amount in self.types and (inner := self._dated(parts[0])) is not None:
            return inner
        for kind in self.types:
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                if parts[0] in slots(kind):
                    return parts[0], 1
            elif get_origin(kind) is dict and not (len(self.path) == 1 and self.path[0] in COLLECTIONS):
                deep = any(get_origin(k) is dict for k in union_of(get_args(kind)[1]))
                return (parts[0], 1) if deep else (".".join(parts), len(parts))
        return None, 0

    def _dated(self, part: str) -> tuple[str, int] | None:
        form = "years" if _YEAR.fullmatch(part) else "dates" if _DATE.fullmatch(part) else None
        if form is None:
            return None
        pattern = _YEAR if form == "years" else _DATE
        if all(pattern.fullmatch(key) for key in self.node):
            return part, 1
        return form, 0

    def _enter(self, key: str | int) -> None:
        types = tuple(t for kind in self.types for t in kinds(kind, key, self.node))
        present = _present(self.node, key)
        if not isinstance(present, dict | list):
            bare = "value" if Amount in types else "price" if Price in types else None
            self._undo.append((self.node, key, present))
            present = {bare: present} if bare and present is not None else {}
            self.node[key] = present
        self.node, self.types, self.path = present, types, (*self.path, key)

    def _lost(self, part: str) -> Problem:
        known: list[str] = list(self.node) if isinstance(self.node, dict) else []
        for kind in self.types:
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                known.extend(slots(kind))
        if isinstance(self.node, list):
            known = [
                str(item.get("id", item.get("name", i))) for i, item in enumerate(self.node) if isinstance(item, dict)
            ]
        inside = f"in {dotted(self.path)}" if self.path else "in a scenario"
        return Problem(self.where, self.text, f"there is no '{part}' {inside}", nearest(part, known))


def _position(items: list[Any], part: str) -> int | None:
    for i, item in enumerate(items):
        if item == part or (isinstance(item, Mapping) and part in (item.get("id"), item.get("name"))):
            return i
    return int(part) if part.isdigit() and len(part) < 7 and int(part) < len(items) else None
