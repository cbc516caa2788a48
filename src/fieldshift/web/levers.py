"""Levers: the numbers that a reader may move, each with its ends and with what it stands on."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

import fieldshift as fs
from fieldshift.web.casebook import Work
from fieldshift.web.differences import Way, dotted

__all__ = ["Evidence", "LeverView", "levers_of"]

_NUMBER = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*)", re.DOTALL)
_NARROWEST = 1e-300
"""A hundredth of less than this has too few digits to be a number that others can be divided by."""


class Evidence(BaseModel):
    """What a number stands on.

    Attributes:
        source: Where it comes from.
        as_of: The date that it speaks of.
        note: What a reader must know.
        assumption: Whether it is invented.
        range: Lowest and highest value thought possible.
        rivals: Its rival estimates, each in a line.
    """

    source: str = ""
    as_of: str = ""
    note: str = ""
    assumption: bool = False
    range: str = ""
    rivals: list[str] = []


class LeverView(BaseModel):
    """A lever as a page shows it.

    Attributes:
        name: Its name in the scenario.
        title: Its name for a reader.
        path: The number that it moves.
        unit: The unit of `value`, `low` and `high`.
        low: One end.
        high: The other end.
        step: The step of its slider.
        value: Where it stands now, or None where that is no single number.
        text: What is written there now.
        base: What the first version says there.
        base_value: The same as a number, or None where it is no single number.
        changed: Whether the two differ.
        note: What a reader must know about the lever.
        evidence: What the number of the first version stands on.
    """

    name: str
    title: str
    path: str
    unit: str
    low: float
    high: float
    step: float
    value: float | None
    text: str
    base: str
    base_value: float | None
    changed: bool
    note: str
    evidence: Evidence


def levers_of(work: Work) -> list[LeverView]:
    """Return the levers of a scenario in work, in its own order.

    One that is broken, or that has an end beyond all numbers, is left to the table of levers.
    """
    given = work.draft.at(("levers",))
    found = []
    for name, lever in given.items() if isinstance(given, Mapping) else ():
        view = _view(work, str(name), lever) if isinstance(lever, Mapping) else None
        if view is not None:
            found.append(view)
    return found


def _view(work: Work, name: str, lever: Mapping[str, Any]) -> LeverView | None:
    low, high = _split(lever.get("from")), _split(lever.get("to"))
    try:
        path = work.draft.way(str(lever.get("path")))
    except fs.UsageError:
        return None
    if low is None or high is None or low[1] != high[1] or not math.isfinite(low[0]) or not math.isfinite(high[0]):
        return None
    ends = sorted((low[0], high[0]))
    text, base = _said(work.draft, path), _said(work.base, path)
    step = lever.get("step")
    return LeverView(
        name=name,
        title=str(lever.get("title") or name.replace("_", " ")),
        path=dotted(path),
        unit=low[1],
        low=ends[0],
        high=ends[1],
        step=float(step) if isinstance(step, int | float) and step > 0 else _step(ends[1] - ends[0]),
        value=_in_unit(text, low[1]),
        text=text,
        base=base,
        base_value=_in_unit(base, low[1]),
        changed=work.draft.at(path) != work.base.at(path),
        note=str(lever.get("note") or ""),
        evidence=evidence_of(work.base, path),
    )


def _split(end: Any) -> tuple[float, str] | None:
    """Return an end as number and unit."""
    if isinstance(end, int | float) and not isinstance(end, bool):
        return float(end), ""
    found = _NUMBER.fullmatch(str(end).strip()) if isinstance(end, str) else None
    return (float(found[1]), found[2].strip()) if found else None


def _in_unit(text: str, unit: str) -> float | None:
    found = _split(text)
    return found[0] if found is not None and found[1] == unit and math.isfinite(found[0]) else None


def _step(width: float) -> float:
    """Return a round step: about a hundredth of the way from end to end."""
    if not _NARROWEST <= width < math.inf:
        return 1.0
    power = math.floor(math.log10(width / 100))
    part = width / 100 / 10**power
    return float(f"{(1 if part < 1.5 else 2 if part < 3.5 else 5 if part < 7.5 else 10) * 10.0**power:.3g}")


def _said(draft: fs.Draft, path: Way) -> str:
    """Return what a number says, in words where it is no single value."""
    value = draft.at((*path, "value"))
    if isinstance(value, int | float | str):
        return draft.text((*path, "value"))
    rivals = draft.at((*path, "estimates"))
    if isinstance(rivals, list) and rivals:
        return f"{len(rivals)} rival estimates"
    span = draft.text((*path, "range"))
    for form, words in (("sites", "by site"), ("dates", "by date"), ("years", "by year"), ("grid", "by date and site")):
        if draft.at((*path, form)):
            return words
    return span or draft.text(path)


def evidence_of(draft: fs.Draft, path: Way) -> Evidence:
    """Return what a number stands on; where it says nothing itself, what its part says."""
    part = draft.at(path[:-1])
    around = part if isinstance(part, Mapping) and path[0] != "quantities" else {}

    def said(key: str) -> str:
        return draft.text((*path, key)) or (str(around[key]) if isinstance(around.get(key), str | int) else "")

    rivals = draft.at((*path, "estimates"))
    lines = [_rival(rival) for rival in rivals if isinstance(rival, Mapping)] if isinstance(rivals, list) else []
    assumption = draft.at((*path, "assumption")) is True or (not said("source") and around.get("assumption") is True)
    return Evidence(
        source=said("source"),
        as_of=said("as_of"),
        note=said("note"),
        assumption=assumption,
        range=draft.text((*path, "range")),
        rivals=lines,
    )


def _rival(rival: Mapping[str, Any]) -> str:
    said = rival.get("range") if rival.get("value") is None else rival.get("value")
    source = f" ({rival['source']})" if rival.get("source") else ""
    return f"{said}, weight {rival.get('weight', 1)}{source}"
