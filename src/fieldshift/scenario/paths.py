"""The data dictionary, asked by path: what may stand where, and which name is nearest to a wrong one."""

from __future__ import annotations

import datetime as dt
import difflib
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from fieldshift.errors import Problem
from fieldshift.scenario.marked import Path, dotted
from fieldshift.scenario.schema import Amount, Price, Scenario

__all__ = [
    "Found",
    "Places",
    "amounts",
    "fields_of",
    "kinds",
    "nearest",
    "place",
    "problem_at",
    "slots",
    "table_paths",
    "union_of",
    "unsaid",
]


_PLAIN = (str, int, float, dt.date, type(None))


class Places(dict[Path, str]):
    """Where things were written. It says nothing about a scenario: any two are equal."""

    __hash__ = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, dict)

    def __ne__(self, other: object) -> bool:
        return not self == other


@dataclass(frozen=True)
class Found:
    """A number in a scenario.

    Attributes:
        path: The way to it, keys as a planner writes them (`pass`, `from`).
        amount: The number.
        unit: The unit that its field expects; `unit` in a resource stands for what the resource counts.
    """

    path: Path
    amount: Amount
    unit: str


def nearest(word: str, known: Iterable[str], what: str = "") -> str:
    """Return a hint with the known name nearest to a wrong one, or the names that are known."""
    names = sorted(set(known))
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    close = close or [n for n in names if n.casefold() == word.casefold()]
    if close:
        return f"did you mean '{close[0]}'?"
    if not names:
        return f"there are no {what}" if what else ""
    listed = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"{what or 'known here'}: {listed}"


@cache
def slots(model: type[BaseModel]) -> Mapping[str, FieldInfo]:
    """Return the fields of a part by the name that a planner writes."""
    return {info.alias or name: info for name, info in model.model_fields.items()}


@cache
def fields_of(model: type[BaseModel]) -> tuple[tuple[str, FieldInfo, str], ...]:
    """Return the planner's name, the description and the attribute of each field of a part, in order."""
    return tuple((info.alias or name, info, name) for name, info in model.model_fields.items())


@cache
def union_of(annotation: Any) -> tuple[Any, ...]:
    """Return the members of a union, or the annotation alone."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, types.UnionType):
        return tuple(member for arg in get_args(annotation) for member in union_of(arg))
    return (annotation,)


def _of(info: FieldInfo) -> tuple[Any, ...]:
    annotation: Any = info.annotation
    return union_of(annotation)


def kinds(annotation: Any, key: str | int, data: Any = None) -> tuple[Any, ...]:
    """Return what may stand under a key of something with this annotation; empty where nothing may.

    Args:
        annotation: A type of the data dictionary.
        key: A key of a mapping or a position in a list.
        data: What a planner wrote there, to tell kinds of rules apart.
    """
    found: list[Any] = []
    for member in union_of(annotation):
        origin, inner = _inside(member)
        if origin is dict or (origin is tuple and (isinstance(key, int) or key.isdigit())):
            found.extend(inner)
        elif isinstance(member, type) and issubclass(member, BaseModel):
            info = slots(member).get(str(key))
            if info is not None and _is_this(member, data):
                found.extend(_of(info))
    return tuple(found)


@cache
def _inside(member: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return what a mapping or list is, and what may stand in it."""
    origin, args = get_origin(member), get_args(member)
    return origin, union_of(args[-1 if origin is dict else 0]) if origin in (dict, tuple) else ()


def _is_this(member: type[BaseModel], data: Any) -> bool:
    rule = slots(member).get("rule")
    return rule is None or not isinstance(data, Mapping) or data.get("rule", rule.default) == rule.default


def amounts(scenario: Scenario) -> Iterator[Found]:
    """Yield every number of a scenario with its path and unit, in the order of the dictionary."""
    yield from _amounts(scenario, (), "1")


def _amounts(value: Any, path: Path, unit: str) -> Iterator[Found]:
    if isinstance(value, Amount):
        yield Found(path, value, unit)
    elif isinstance(value, BaseModel):
        for key, info, name in fields_of(type(value)):
            item = getattr(value, name)
            if not isinstance(item, _PLAIN):
                extra = info.json_schema_extra
                own = str(extra["unit"]) if isinstance(extra, dict) and "unit" in extra else ""
                yield from _amounts(item, (*path, key), own)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _amounts(item, (*path, key), unit)
    elif isinstance(value, tuple):
        for i, item in enumerate(value):
            yield from _amounts(item, (*path, i), unit)


def place(scenario: Scenario, path: Path) -> str:
    """Return where a path of a scenario was written: itself, or the nearest thing around it."""
    places = scenario._places
    for length in range(len(path), -1, -1):
        for trial in (path[:length], tuple(p if isinstance(p, int) else str(p) for p in path[:length])):
            if trial in places:
                return places[trial]
        as_text = tuple(str(p) for p in path[:length])
        if as_text in places:
            return places[as_text]
    return places.get((), "scenario")


def table_paths(data: Any, annotation: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield each place in plain data where a number is given as a table, with the table's name.

    A price given as a table has the path of its key `price`, though the planner left that key out.
    """
    types = union_of(annotation)
    if Price in types and isinstance(data, str) and data.strip().lower().endswith(".csv"):
        yield (*path, "price"), data.strip()
        return
    if Amount in types:
        name = data.get("table") if isinstance(data, Mapping) else data
        if isinstance(name, str) and (isinstance(data, Mapping) or name.strip().lower().endswith(".csv")):
            yield path, name.strip()
        return
    if isinstance(data, list):
        items: Iterable[tuple[Any, Any]] = list(enumerate(data))
    else:
        items = list(data.items()) if isinstance(data, Mapping) else ()
    for key, item in items:
        for kind in types:
            for inner in kinds(kind, key, data):
                yield from table_paths(item, inner, (*path, key))


def problem_at(
    scenario: Scenario, path: Path, what: str, hint: str = "", level: Literal["error", "warning"] = "error"
) -> Problem:
    """Return a problem with a part of a scenario, at the place where it was written."""
    return Problem(place(scenario, path), dotted(path), what, hint, level)


@cache
def _needed(model: type[BaseModel]) -> frozenset[str]:
    """Return the numbers without which a part means nothing."""
    found = {name: _of(info) for name, info in model.model_fields.items()}
    return frozenset(name for name, kinds in found.items() if Amount in kinds and type(None) not in kinds)


def unsaid(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield the path and meaning of every number that a part needs and that was not given."""
    if isinstance(value, Amount):
        return
    if isinstance(value, BaseModel):
        needed = _needed(type(value))
        for key, info, name in fields_of(type(value)):
            item = getattr(value, name)
            if item is None and name in needed:
                yield (*path, key), (info.description or "").rstrip(".")
            elif not isinstance(item, _PLAIN):
                yield from unsaid(item, (*path, key))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from unsaid(item, (*path, key))
    elif isinstance(value, tuple):
        for i, item in enumerate(value):
            yield from unsaid(item, (*path, i))
