"""A scenario in work: plain data that need not be sound yet, read and changed by path, one value at a time as text."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_origin

from pydantic import BaseModel

from fieldshift.errors import UsageError
from fieldshift.scenario.cells import number_text, understood, written
from fieldshift.scenario.marked import Path, dotted
from fieldshift.scenario.paths import kinds, slots
from fieldshift.scenario.plain import plain
from fieldshift.scenario.read import overlaid
from fieldshift.scenario.schema import COLLECTIONS, Amount, Price, Scenario

__all__ = ["Draft"]

_YEAR = re.compile(r"\d{4}")
_DATE = re.compile(r"\d{4}-\d{2}(-\d{2})?")
_NOTHING: Any = None
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_EMPTY = Scenario.model_construct(name=_NOTHING, horizon=_NOTHING)
_LEAF = (str, int, float, bool, type(None))


@dataclass(frozen=True)
class Draft:
    """A scenario in work. It never changes: every change gives a new one.

    Attributes:
        data: What is written, as `plain` gives it but with dates as text, so that it may be kept as JSON. It may hold
            values that no scenario takes.
    """

    data: Mapping[str, Any]

    @classmethod
    def of(cls, scenario: Scenario) -> Draft:
        """Return a draft that says what a scenario says."""
        return cls(_textual(plain(scenario)))

    def scenario(self, place: str = "draft") -> Scenario:
        """Return the scenario that is written.

        Args:
            place: Where it is written, for messages.

        Raises:
            ScenarioError: With every problem; each names the path that it stands at.
        """
        return overlaid(_EMPTY, self.data, place)

    def way(self, text: str) -> Path:
        """Return a dotted path as keys; sites are told by their ids, other items of lists by their positions.

        A key that holds dots itself is found where it stands; in a free mapping the rest of the text is a new key.

        Raises:
            UsageError: No scenario has anything there.
        """
        parts = text.split(".")
        node: Any = self.data
        types: tuple[Any, ...] = (Scenario,)
        path: Path = ()
        while parts:
            node = _opened(node, types, parts[0])
            key, used = _step(node, types, parts, path)
            node = _opened(node, types, key)
            types = _kinds(types, key, node)
            if not types and not (path[:1] == ("sites",) and len(path) == 2):
                raise UsageError(f"there is no '{parts[0]}' in {dotted(path) or 'a scenario'}")
            node, path, parts = _below(node, key), (*path, key), parts[used:]
        return path

    def at(self, path: Path) -> Any:
        """Return what is written at a path, or None; a number written short is read as one written in full."""
        node: Any = self.data
        types: tuple[Any, ...] = (Scenario,)
        for key in path:
            node = _opened(node, types, key)
            types, node = _kinds(types, key, node), _below(node, key)
        return node

    def text(self, path: Path) -> str:
        """Return what is written at a path as text for a form; empty where nothing is."""
        value, types = self.at(path), self._types(path)
        if value is None:
            return ""
        cell = written(_dated(value) if dt.date in types else value, types)
        if isinstance(cell, bool):
            return "true" if cell else "false"
        return number_text(cell) if isinstance(cell, int | float) else str(cell)

    def with_text(self, path: Path, text: str) -> Draft:
        """Return a draft with what a form's text means at a path; an empty text removes it.

        A text that `text` gave changes nothing. One that cannot be read is kept as it is.
        """
        text = text.replace("\r\n", "\n")
        if text == self.text(path):
            return self
        try:
            value = _textual(understood(text, self._types(path))) if text.strip() else None
        except ValueError:
            value = text
        return self.with_value(path, value)

    def with_value(self, path: Path, value: Any) -> Draft:
        """Return a draft with another value at a path; None removes it, and what only repeats a default is left out."""
        if not path:
            return Draft(value)
        return Draft(_put(self.data, path, _textual(value), (Scenario,), 0))

    def changes(self, since: Draft) -> dict[str, Any]:
        """Return what differs from another draft as values by dotted path; None where something is gone.

        Lists stand there whole, but for sites that are the same ones; so do settings of which one is nothing, and parts
        of a kind that stand in another order.
        `since.changed(...)` gives this draft back.
        """
        return {".".join(map(str, path)): new for path, _, new in self.differences(since, whole=True)}

    def changed(self, changes: Mapping[str, Any]) -> Draft:
        """Return a draft with changes as `changes` gives them."""
        found = self
        for text, value in changes.items():
            found = found.with_value(found.way(text), value)
        return found

    def differences(self, since: Draft, whole: bool = False) -> Iterator[tuple[Path, Any, Any]]:
        """Yield path, old and new value of everything that differs; None is not there.

        Args:
            since: What it is set against.
            whole: Whether a list that differs is one difference, instead of what differs in it; else a number that is
                said anew, and says less, is one.
        """
        yield from _differences(since.data, self.data, (), (Scenario,), whole)

    def _types(self, path: Path) -> tuple[Any, ...]:
        node: Any = self.data
        types: tuple[Any, ...] = (Scenario,)
        for key in path:
            node = _opened(node, types, key)
            types, node = _kinds(types, key, node), _below(node, key)
        return types or (float, str)


def _textual(value: Any) -> Any:
    """Return plain data with dates as text and keys as text."""
    if isinstance(value, Mapping):
        return {str(key): _textual(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_textual(item) for item in value]
    return value.isoformat() if isinstance(value, dt.date) else value


def _dated(value: Any) -> Any:
    """Return a date for the text of one."""
    try:
        return dt.date.fromisoformat(value) if isinstance(value, str) and _DAY.fullmatch(value) else value
    except ValueError:
        return value


def _kinds(types: tuple[Any, ...], key: str | int, node: Any) -> tuple[Any, ...]:
    """Return what may stand under a key; anything may under what may be anything."""
    if isinstance(node, list):
        at = _position(node, key)
        if at is None or at > len(node):
            return ()
        key = at
    found = tuple(found for kind in types for found in kinds(kind, key, node))
    return (*found, Any) if Any in types and Any not in found else found


def _position(items: list[Any], key: str | int) -> int | None:
    """Return where an item stands that is named by its id or by its position."""
    name = str(key)
    for i, item in enumerate(items):
        if isinstance(item, dict) and "id" in item and str(item["id"]) == name:
            return i
    if isinstance(key, int) or (key.isdigit() and len(key) < 7):
        return int(key)
    return None


def _below(node: Any, key: str | int) -> Any:
    if isinstance(node, Mapping):
        return node.get(str(key))
    if isinstance(node, list):
        at = _position(node, key)
        return node[at] if at is not None and at < len(node) else None
    return None


def _opened(node: Any, types: tuple[Any, ...], key: str | int) -> Any:
    """Return a number or a price written in full, where its key is one that is written in full only."""
    if Amount in types and str(key) in slots(Amount):
        if isinstance(node, Mapping):
            form = _short_form(node)
            return {form: node} if form else node
        return {"value": node} if node is not None and not isinstance(node, list) else node
    if Price in types and str(key) in slots(Price) and node is not None:
        full = isinstance(node, Mapping) and set(node) <= set(slots(Price))
        return node if full or isinstance(node, list) else {"price": node}
    return node


def _short_form(node: Mapping[str, Any]) -> str:
    for form, pattern in (("years", _YEAR), ("dates", _DATE)):
        if node and all(pattern.fullmatch(str(key)) for key in node):
            return form
    return ""


def _shortened(node: dict[str, Any], types: tuple[Any, ...]) -> Any:
    """Return a number or a price as short as `plain` gives it."""
    if len(node) == 1:
        ((key, value),) = node.items()
        if Amount in types and (key == "value" or (key in ("dates", "years") and _short_form(value) == key)):
            return value
        if Price in types and key == "price" and not isinstance(value, Mapping):
            return value
    return node


def _step(node: Any, types: tuple[Any, ...], parts: list[str], path: Path) -> tuple[str | int, int]:
    """Return the next key of a way, and how many parts of its text it takes."""
    if Amount in types and (form := _short_form({parts[0]: None})):
        return form, 0
    joined = [".".join(parts[:n]) for n in range(1, len(parts) + 1)]
    if isinstance(node, list):
        for n, text in enumerate(joined, 1):
            at = _position(node, text)
            if at is not None and at < len(node):
                here = node[at]
                return (str(here["id"]) if isinstance(here, Mapping) and "id" in here else at), n
        return (int(parts[0]) if parts[0].isdigit() and len(parts[0]) < 7 else parts[0]), 1
    for n, text in enumerate(joined, 1):
        if isinstance(node, Mapping) and text in node:
            return text, n
    if any(isinstance(kind, type) and issubclass(kind, BaseModel) and parts[0] in slots(kind) for kind in types):
        return parts[0], 1
    free = any(get_origin(kind) is dict for kind in types) and not (len(path) == 1 and path[0] in COLLECTIONS)
    deep = any(get_origin(inner) is dict for inner in _kinds(types, parts[0], node))
    return (joined[-1], len(parts)) if free and not deep else (parts[0], 1)


def _put(node: Any, path: Path, value: Any, types: tuple[Any, ...], depth: int) -> Any:
    key, rest = path[0], path[1:]
    inside = _opened(node, types, key)
    inner = _kinds(types, key, inside)
    if isinstance(inside, list) or (inside is None and isinstance(key, int)):
        return _put_in_list(list(inside or ()), path, value, inner, depth)
    found = dict(inside) if isinstance(inside, Mapping) else {}
    key = str(key)
    if rest:
        value = _put(found.get(key), rest, value, inner, depth + 1)
        named = depth == 1 and any(get_origin(kind) is dict for kind in types)
        if value in ({}, []) and not named:
            value = None
    if value is None or _repeats(types, key, value):
        found.pop(key, None)
    else:
        found[key] = value
    return _shortened(found, types)


def _put_in_list(items: list[Any], path: Path, value: Any, inner: tuple[Any, ...], depth: int) -> list[Any]:
    at = _position(items, path[0])
    at = len(items) if at is None else min(at, len(items))
    old = items[at] if at < len(items) else None
    if path[1:]:
        value = _put(old, path[1:], value, inner, depth + 1)
    items[at : at + 1] = [] if value is None else [value]
    return items


def _repeats(types: tuple[Any, ...], key: str, value: Any) -> bool:
    """Return whether a value says no more than its field's default."""
    for kind in types:
        info = slots(kind).get(key) if isinstance(kind, type) and issubclass(kind, BaseModel) else None
        if info is not None and key != "rule":
            default = _textual(info.get_default(call_default_factory=True, validated_data={}))
            return _same(value, default)
    return False


def _differences(
    old: Any, new: Any, path: Path, types: tuple[Any, ...], whole: bool
) -> Iterator[tuple[Path, Any, Any]]:
    if whole and len(path) == 1 and _reordered(old, new):
        yield path, old, new
        return
    if _same(old, new) and not (whole and not path):
        return
    if Amount in types and _amounts(old, new):
        full, other = _in_full(old), _in_full(new)
        if set(full) - set(other) and not whole and full.get("value") != other.get("value"):
            yield path, old, new
            return
        old, new = full, other
    if isinstance(old, Mapping) and isinstance(new, Mapping) and None not in (*old.values(), *new.values()):
        for key in dict.fromkeys((*old, *new)):
            inner = _kinds(types, key, new)
            yield from _differences(old.get(key), new.get(key), (*path, key), inner, whole)
    elif isinstance(old, list) and isinstance(new, list) and _alike(old, new, path, whole):
        for i, (one, other) in enumerate(zip(old, new, strict=True)):
            key = str(one["id"]) if path == ("sites",) else i
            yield from _differences(one, other, (*path, key), _kinds(types, i, new), whole)
    else:
        yield path, old, new


def _reordered(old: Any, new: Any) -> bool:
    """Return whether parts stand in another order than what is left of the old ones, then the new ones."""
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return False
    return list(new) != [key for key in old if key in new] + [key for key in new if key not in old]


def _same(old: Any, new: Any) -> bool:
    """Return whether two values are the same; true is not 1."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return old.keys() == new.keys() and all(_same(old[key], new[key]) for key in old)
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_same, old, new))
    return bool(old == new) and isinstance(old, bool) == isinstance(new, bool)


def _alike(old: list[Any], new: list[Any], path: Path, whole: bool) -> bool:
    """Return whether two lists differ in their items only, so that they can be told item by item."""
    if len(old) != len(new) or not all(isinstance(item, Mapping) for item in (*old, *new)):
        return False
    if path == ("sites",):
        ids = [str(item.get("id")) for item in old]
        return len(set(ids)) == len(ids) and ids == [str(item.get("id")) for item in new]
    return not whole


def _amounts(old: Any, new: Any) -> bool:
    return all(isinstance(value, (*_LEAF, Mapping)) and value is not None for value in (old, new))


def _in_full(value: Any) -> Any:
    if isinstance(value, Mapping):
        form = _short_form(value)
        return {form: value} if form else value
    return {"value": value}
