"""A number's value that somebody typed: what was said beside the old value does not speak for the new one."""

from __future__ import annotations

import math
import re
from collections.abc import Container, Mapping
from typing import Any

import fieldshift as fs
from fieldshift.web.differences import Way

__all__ = ["ESTIMATED", "brought_back", "is_value", "number_of", "with_typed"]

ESTIMATED = ("value", "range", "shape", "estimates", "correlated", "source", "as_of", "assumption")
"""What a number says of its value: it goes and comes back with the value."""
_DOUBT = ("range", "shape", "estimates", "correlated")
_SPAN = re.compile(r"\s*([-+]?\d+\.?\d*(?:e[-+]?\d+)?)\s*\.\.\s*([-+]?\d+\.?\d*(?:e[-+]?\d+)?)\s*(.*)", re.IGNORECASE)
_PLAIN = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*([^\d()*+.]*)", re.IGNORECASE)


def number_of(text: str) -> float | None:
    """Return a text as a number, or None where it is none."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def is_value(draft: fs.Draft, way: Way) -> bool:
    """Return whether a way leads to the value of a number, not to that of one of its rival estimates."""
    return len(way) > 2 and way[-1] == "value" and not (isinstance(way[-2], int) and way[-3] == "estimates")


def with_typed(saved: fs.Draft, draft: fs.Draft, way: Way, text: str, said: Container[str]) -> fs.Draft:
    """Return a draft with a text as a number's value: outside its range it is exact, and it is an assumption.

    What is typed arrives letter by letter, so a number that only its value has changed is changed from its version.

    Args:
        saved: The version that the draft changes.
        draft: The draft.
        way: The way to the value.
        text: What was typed.
        said: What else of the number is said at the same time: that holds.
    """
    now = draft.text(way)
    if now != saved.text(way) and now:
        if _typed(saved, way, now, ()).at(way[:-1]) == draft.at(way[:-1]):
            draft = draft.with_value(way[:-1], saved.at(way[:-1]))
        if text == saved.text(way):
            return draft.with_text(way, text)
    return _typed(draft, way, text, said)


def _typed(draft: fs.Draft, way: Way, text: str, said: Container[str]) -> fs.Draft:
    whole = draft.at(way[:-1])
    number: Mapping[str, Any] = whole if isinstance(whole, Mapping) else {}
    changed = draft.with_text(way, text)
    if changed == draft or not text.strip() or not any(number.get(key) for key in ("range", "estimates", "source")):
        return changed
    if "range" not in said and (number.get("estimates") or number.get("range")) and _outside(changed, way[:-1]):
        for key in _DOUBT:
            changed = changed.with_value((*way[:-1], key), None)
    if "source" not in said and "assumption" not in said:
        for key in ("source", "as_of"):
            changed = changed.with_value((*way[:-1], key), None) if key not in said else changed
        changed = changed.with_value((*way[:-1], "assumption"), True)
    return changed


def _outside(draft: fs.Draft, way: Way) -> bool:
    """Return whether a number's value lies outside its range, or outside all of its rival estimates."""
    value, rivals = draft.at((*way, "value")), draft.at((*way, "estimates"))
    spans = [draft.at((*way, "range"))]
    if isinstance(rivals, list) and rivals:
        spans = [one.get("range") or one.get("value") for one in rivals if isinstance(one, Mapping)]
    plain = _PLAIN.fullmatch(str(value))
    ends = [_ends(span) for span in spans]
    if plain is None or any(end is None or end[2] != plain[2].strip() for end in ends):
        return bool(rivals) or _told_outside(draft, way)
    found = [end for end in ends if end is not None]
    return not min(end[0] for end in found) <= float(plain[1]) <= max(end[1] for end in found)


def _ends(span: Any) -> tuple[float, float, str] | None:
    if isinstance(span, list) and len(span) == 2 and all(isinstance(end, int | float) for end in span):
        return float(span[0]), float(span[1]), ""
    if (found := _SPAN.fullmatch(str(span))) is not None:
        return float(found[1]), float(found[2]), found[3].strip()
    one = _PLAIN.fullmatch(str(span))
    return (float(one[1]), float(one[1]), one[2].strip()) if one else None


def _told_outside(draft: fs.Draft, way: Way) -> bool:
    """Return whether a check finds the value outside: formulas and other units are its to read."""
    try:
        found = fs.problems(draft.scenario(), apart=False)
    except fs.ScenarioError:
        return False
    path = ".".join(map(str, way))
    return any(one.path.startswith(path) and "outside its range" in one.what for one in found)


def brought_back(draft: fs.Draft, old: fs.Draft, way: Way) -> fs.Draft:
    """Return a draft whose number says of its value what an older one does: range, estimates and source too."""
    for key in ESTIMATED:
        draft = draft.with_value((*way[:-1], key), old.at((*way[:-1], key)))
    return draft
