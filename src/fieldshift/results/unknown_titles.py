"""What an unknown is called before a reader: `desk share`, `Hiring, academy: lasts`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from fieldshift.scenario.schema import Scenario
from fieldshift.scenario.values import unknowns

__all__ = ["unknown_titles"]


def unknown_titles(scenario: Scenario) -> dict[str, str]:
    """Return a title of its own for each unknown, by path."""
    titles = {unknown.path: _title(scenario, unknown.path) for unknown in unknowns(scenario)}
    listed = list(titles.values())
    return {path: title if listed.count(title) == 1 else f"{title} ({path})" for path, title in titles.items()}


def _title(scenario: Scenario, path: str) -> str:
    section, _, rest = path.partition(".")
    if section == "quantities":
        return rest.replace("_", " ")
    name, _, rest = rest.partition(".")
    part: Any = getattr(scenario, section, {})
    part = part.get(name) if isinstance(part, Mapping) else None
    said = getattr(part, "title", None) or name.replace("_", " ")
    keys = rest.split(".") if rest else []
    if len(keys) > 1 and isinstance(part, BaseModel):
        inner = getattr(part, keys[0], None)
        if isinstance(inner, Sequence) and keys[1].isdigit() and int(keys[1]) < len(inner):
            said = f"{said}, {getattr(inner[int(keys[1])], 'name', None) or keys[1]}"
            keys = keys[2:]
    return f"{said}: {' '.join(keys).replace('_', ' ')}" if keys else said
