"""R1 with any number of offices: its stocks, work and limits grow in proportion."""

from __future__ import annotations

import re

import yaml

import fieldshift as fs
from benchmarks.r1_facts import FOLDER
from fieldshift.scenario.schema import Scenario

_GROWS = r"(\d+) (person|case|seat)\b(?!.*per site)"


def grown(offices: int) -> Scenario:
    """Return R1 with so many offices of the same sizes."""
    given = yaml.safe_load((FOLDER / "scenario.yaml").read_text())
    table = fs.read(FOLDER).sites
    given["sites"] = [
        {"id": f"o{i:04d}", "weight": table[i % len(table)].weight, "name": f"Office {i}"} for i in range(offices)
    ]
    return Scenario.model_validate(_times(given, offices / len(table)))


def _times(part: object, factor: float) -> object:
    """Return a part with every national count of people, cases and seats multiplied."""
    if isinstance(part, dict):
        return {key: _times(value, factor) for key, value in part.items()}
    if isinstance(part, list):
        return [_times(value, factor) for value in part]
    if isinstance(part, str):
        return re.sub(_GROWS, lambda m: f"{int(m[1]) * factor:g} {m[2]}", part)
    return part
