"""A scenario as plain data, as short as a planner would write it; reading it gives the same scenario."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

from fieldshift.scenario.paths import fields_of
from fieldshift.scenario.schema import Amount, Price, Scenario

__all__ = ["plain", "repeats_default"]


def plain(scenario: Scenario) -> dict[str, Any]:
    """Return mappings, lists and scalars in the dictionary's order, without what only repeats a default.

    Keys are text and named as a planner writes them (`pass`, `from`).
    """
    return _fields(scenario)


def _plain(value: Any) -> Any:
    if isinstance(value, Amount):
        return _amount(value)
    if isinstance(value, Price):
        return _price(value)
    if isinstance(value, BaseModel):
        return _fields(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


@cache
def _defaults(model: type[BaseModel]) -> tuple[tuple[str, str, Any], ...]:
    """Return the planner's name, the attribute and the default of each field."""
    return tuple(
        (key, name, info.get_default(call_default_factory=True, validated_data={}))
        for key, info, name in fields_of(model)
    )


def repeats_default(part: BaseModel, name: str) -> bool:
    """Return whether a field, by its attribute's name, says only what holds anyway: plain data leaves it out."""
    default = next(default for _, attribute, default in _defaults(type(part)) if attribute == name)
    return _repeats(getattr(part, name), default)


def _repeats(value: Any, default: Any) -> bool:
    same = type(value) is type(default) and value == default
    return same or (isinstance(value, Amount) and _plain(value) == default)


def _fields(part: BaseModel) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, name, default in _defaults(type(part)):
        value = getattr(part, name)
        if name == "rule" or not _repeats(value, default):
            found[key] = _plain(value)
    for name, value in (part.model_extra or {}).items():
        if value is not None:
            found[name] = _plain(value)
    return found


def _amount(amount: Amount) -> Any:
    """A number that says one thing is that thing alone."""
    said = _fields(amount)
    if len(said) == 1:
        for form in ("value", "dates", "years"):
            if form in said:
                return said[form]
    return said


def _price(price: Price) -> Any:
    said = _fields(price)
    bare = said.get("price", 0)
    return bare if not isinstance(bare, Mapping) and set(said) <= {"price"} else said
