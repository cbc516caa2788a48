"""What lies between two scenarios, as an overlay: laid over the one, it gives the other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from fieldshift.errors import ScenarioError
from fieldshift.scenario.read import digest, overlaid
from fieldshift.scenario.schema import Amount, Scenario
from fieldshift.scenario.write import finite, yaml_text

__all__ = ["overlay_between"]

_NUMBER = frozenset(Amount.model_fields)


def overlay_between(base: Scenario, changed: Scenario) -> str | None:
    """Return the overlay that gives one scenario when it is laid over another, as YAML.

    Args:
        base: What it is laid over.
        changed: What comes out.

    Returns:
        The text, empty where nothing differs; None where no overlay can say it, such as a `null` in a policy's `set`.
    """
    over = _between(_dates_as_text(finite(base)), _dates_as_text(finite(changed)))
    try:
        found = overlaid(base, over) if over else base
    except ScenarioError:
        return None
    if digest(found) != digest(changed):
        return None
    return yaml_text(over) if over else ""


def _dates_as_text(value: Any) -> Any:
    """Return plain data with its dates as text: a form and a file may give the one or the other, and mean the same."""
    if isinstance(value, Mapping):
        return {key: _dates_as_text(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_dates_as_text(item) for item in value]
    return value.isoformat() if isinstance(value, dt.date) else value


def _between(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return what turns one mapping into another: mappings merge, anything else replaces, `null` removes."""
    over: dict[str, Any] = {}
    for key, value in new.items():
        before = old.get(key)
        if key in old and before == value and type(before) is type(value):
            continue
        if not isinstance(value, Mapping) or not isinstance(before, Mapping):
            over[key] = value
        elif set(before) | set(value) <= _NUMBER:  # a number said in another way takes its evidence away: say it whole
            over[key] = {**value, **{gone: None for gone in before if gone not in value}}
        elif inner := _between(before, value):
            over[key] = inner
    return over | {key: None for key in old if key not in new}
