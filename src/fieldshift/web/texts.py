"""What may come in by a form: text that a database takes, and plain values of a sound size."""

from __future__ import annotations

import math
from typing import Annotated, Any

from fastapi import Path
from pydantic import AfterValidator, Field, JsonValue

__all__ = ["CaseId", "LongText", "PlainValue", "Text"]

_DEPTH, _NODES = 40, 200_000


def _sound(text: str) -> str:
    if "\x00" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise ValueError("holds a character that is none")
    return text


def _sound_value(value: Any) -> Any:
    """Refuse what no scenario could hold: too deep, too much, not finite, characters that are none."""
    todo, seen = [(value, 0)], 0
    while todo:
        node, depth = todo.pop()
        seen += 1
        if depth > _DEPTH or seen > _NODES:
            raise ValueError("nested too deep" if depth > _DEPTH else "too large")
        if isinstance(node, str):
            _sound(node)
        elif isinstance(node, float) and not math.isfinite(node):
            raise ValueError("not a finite number")
        elif isinstance(node, int) and abs(node) >= 10**300:
            raise ValueError("too large a number")
        elif isinstance(node, dict):
            todo.extend((item, depth + 1) for pair in node.items() for item in pair)
        elif isinstance(node, list):
            todo.extend((item, depth + 1) for item in node)
    return value


Text = Annotated[str, Field(max_length=2_000), AfterValidator(_sound)]
"""A line of text."""
LongText = Annotated[str, Field(max_length=200_000), AfterValidator(_sound)]
"""A text of any length that a field of a scenario may have."""
PlainValue = Annotated[JsonValue, AfterValidator(_sound_value)]
"""A value of a scenario as JSON."""
CaseId = Annotated[str, Path(pattern=r"^[a-z0-9]{1,20}$", description="A case's id.")]
"""A case's id in an address."""
