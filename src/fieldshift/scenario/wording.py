"""What the data dictionary refuses, said in a planner's words: one message per place, with a hint."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from fieldshift.errors import Problem
from fieldshift.scenario import schema
from fieldshift.scenario.marked import Marked, Path, dotted
from fieldshift.scenario.paths import kinds, nearest, slots, union_of
from fieldshift.scenario.schema import Amount, Scenario

__all__ = ["worded"]

_PARTS = {name for name in schema.__all__ if isinstance(getattr(schema, name), type)}
_RULES = tuple(str(slots(member)["rule"].default) for member in union_of(get_args(schema.Rule)[0]))
_BRANCHES = {"str", "int", "float", "bool", "date", "none", "decimal", "any", *_PARTS}
_SCALARS = {
    "string_type": "text",
    "float_type": "a number",
    "float_parsing": "a number",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "date_type": "a date",
    "date_parsing": "a date",
    "date_from_datetime_parsing": "a date",
    "date_from_datetime_inexact": "a date",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "int_parsing_size": "a whole number",
    "date_past": "a date",
    "none_required": "nothing",
}
_BOUNDS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}
_SHAPES = {
    "fiscal_year_starts": "month and day, such as 10-01",
    "currency": "three capital letters, such as USD",
    "name": "letters, digits and _ only, and no digit first",
}


def worded(error: ValidationError, draft: Marked) -> list[Problem]:
    """Return the problems that pydantic found, each at the place where it was written."""
    grouped: dict[Path, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        grouped.setdefault(_written(detail, draft.data), []).append(detail)
    above = {path[:length] for path in grouped for length in range(len(path))}
    found = []
    for path, details in grouped.items():
        scalar = all(d["type"] in _SCALARS or d["type"] == "literal_error" for d in details)
        if not (scalar and path in above):
            found.append(_problem(path, details, draft))
    return found


def _written(detail: ErrorDetails, data: Any) -> Path:
    """Return the path as a planner wrote it: pydantic's without the branches of unions."""
    path: list[str | int] = []
    node = data
    places = detail["loc"]
    for i, part in enumerate(places):
        if isinstance(node, list) and isinstance(part, int) and part < len(node):
            node = node[part]
            path.append(part)
        elif isinstance(node, Mapping) and str(part) in node:
            node = node[str(part)]
            path.append(str(part))
        elif isinstance(part, str) and _is_branch(part, path):
            continue
        elif part != "[key]":
            node = None
            path.append(part if isinstance(part, int) else str(part))
        if i == len(places) - 1:
            break
    return tuple(path)


def _is_branch(part: str, path: list[str | int]) -> bool:
    in_rules = len(path) >= 2 and path[-2] == "rules"
    return part in _BRANCHES or "[" in part or (in_rules and part in _RULES)


def _problem(path: Path, details: list[ErrorDetails], draft: Marked) -> Problem:
    first = details[0]
    kind = first["type"]
    if kind == "extra_forbidden":
        return _unknown(path, draft)
    if kind == "missing" and isinstance(path[-1], int):
        what = "expected two numbers: the lowest and the highest"
        return Problem(_place(draft, path[:-1]), dotted(path[:-1]), what)
    if kind == "missing":
        where = _place(draft, path[:-1])
        return Problem(where, dotted(path[:-1]), f"'{path[-1]}' is missing", _meaning(path, draft))
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _no_rule(path, first, draft)
    if all(d["type"] in _SCALARS for d in details):
        what, hint = _wrong_type(path, details, draft)
    else:
        what, hint = _wrong_value(path, first)
    return Problem(_place(draft, path), dotted(path), what, hint)


def _wrong_value(path: Path, first: ErrorDetails) -> tuple[str, str]:
    kind, given = first["type"], _shown(first["input"])
    more = first.get("ctx", {})
    what, hint = f"{first['msg'][:1].lower()}{first['msg'][1:]}, got {given}", ""
    if kind in _BOUNDS:
        words, bound = _BOUNDS[kind]
        what = f"must be {words} {more[bound]:g}, got {given}"
    elif kind == "literal_error":
        options = [option.strip("'") for option in re.split(" or |, ", more["expected"])]
        what, hint = f"there is no {given} here", nearest(str(first["input"]), options, "one of")
    elif kind == "string_pattern_mismatch":
        what, hint = f"{given} does not fit", _SHAPES.get(str(path[-1]), "")
    elif kind == "value_error":
        what = first["msg"].removeprefix("Value error, ")
    elif kind == "finite_number":
        what = f"expected a finite number, got {given}"
    return what, hint


def _place(draft: Marked, path: Path) -> str:
    for length in range(len(path), -1, -1):
        if path[:length] in draft.places:
            return draft.places[path[:length]]
    return "scenario"


def _types_at(path: Path, draft: Marked) -> tuple[Any, ...]:
    types: tuple[Any, ...] = (Scenario,)
    node = draft.data
    for part in path:
        types = tuple(t for kind in types for t in kinds(kind, part, node))
        node = _below(node, part)
    return types


def _below(node: Any, part: str | int) -> Any:
    if isinstance(node, Mapping):
        return node.get(part)
    return node[part] if isinstance(node, list) and isinstance(part, int) and part < len(node) else None


def _node(path: Path, data: Any) -> Any:
    for part in path:
        data = _below(data, part)
    return data


def _unknown(path: Path, draft: Marked) -> Problem:
    where = draft.keys.get(path) or _place(draft, path)
    known = [
        key
        for kind in _types_at(path[:-1], draft)
        if isinstance(kind, type) and issubclass(kind, BaseModel)
        for key in slots(kind)
    ]
    hint = nearest(str(path[-1]), known)
    if " " in str(path[-1]) and _node(path, draft.data) is None:
        hint = "a text with a comma or a colon inside { } needs quotes around it"
    return Problem(where, dotted(path[:-1]), f"unknown key '{path[-1]}'", hint)


def _meaning(path: Path, draft: Marked) -> str:
    for kind in _types_at(path[:-1], draft):
        if isinstance(kind, type) and issubclass(kind, BaseModel) and path[-1] in slots(kind):
            text = slots(kind)[str(path[-1])].description or ""
            return text.rstrip(".")
    return ""


def _no_rule(path: Path, first: ErrorDetails, draft: Marked) -> Problem:
    listed = f"rules: {', '.join(_RULES)}"
    given = first["input"].get("rule") if isinstance(first["input"], Mapping) else None
    if given is None:
        return Problem(_place(draft, path), dotted(path), "'rule' is missing: the kind of rule", listed)
    hint = nearest(str(given), _RULES)
    where = _place(draft, (*path, "rule"))
    return Problem(
        where,
        dotted((*path, "rule")),
        f"there is no rule '{given}'",
        f"{hint} {listed}" if hint.startswith("did") else listed,
    )


def _wrong_type(path: Path, details: list[ErrorDetails], draft: Marked) -> tuple[str, str]:
    given = details[0]["input"]
    types = _types_at(path, draft)
    if Amount in types and str in types:
        wanted = ["a word", "a number"]
    elif Amount in types:
        wanted = ["a number", "text with a unit", "a table", "a mapping"]
    else:
        wanted = list(dict.fromkeys(_SCALARS[d["type"]] for d in details))
    said = " or ".join([", ".join(wanted[:-1]), wanted[-1]] if len(wanted) > 1 else wanted)
    return f"expected {said}, got {_shown(given)}", _type_hint(given, wanted)


def _type_hint(given: Any, wanted: list[str]) -> str:
    hint = ""
    if given is None:
        hint = "write {} if it is empty, or leave the key out" if "a mapping" in wanted else "leave the key out"
    elif "text" in wanted and "a mapping" not in wanted and isinstance(given, bool | int | float | dt.date):
        hint = "put it in quotes"
    elif "a date" in wanted:
        hint = "such as 2025-01-31"
    elif "a list" in wanted and isinstance(given, str) and given.endswith(".csv"):
        hint = "a table may stand here only for a whole list of parts"
    return hint


def _shown(given: Any) -> str:
    if given is None:
        return "nothing"
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, Mapping):
        return "a mapping"
    if isinstance(given, list | tuple):
        return "a list"
    text = str(given)
    text = text if len(text) <= 60 else f"{text[:57]}..."
    return f"'{text}'" if isinstance(given, str) else text
