"""R1's numbers, for the models that are written by hand: what the scenario says, by office and week."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

import fieldshift as fs

Float = npt.NDArray[np.float64]

FOLDER = Path(__file__).parent / "r1"
POLICY = "escalate"
WEEKS = 156
FIRST_RETRAINING = 9
"""The week that contains 2025-01-20."""
MARKS = (52, 156)
"""Weeks after which the models are compared."""
WATCHED = ("desk", "field", "under way", "docket", "jail", "at large", "arrests")


@dataclass(frozen=True)
class Facts:
    """Counts on the first day and chances per week."""

    desk: Float
    field: Float
    weight: Float
    floor: Float
    docket: Float
    jail: Float
    at_large: Float
    docket_in: Float
    jail_in: Float
    at_large_in: Float
    quit: float
    drop_vetting: float
    drop_course: float


@cache
def scenario() -> fs.Scenario:
    """Return R1."""
    return fs.read(FOLDER)


@cache
def facts() -> Facts:
    """Return R1's numbers."""
    network = fs.build(scenario())
    start = {b.name: b.start for b in network.stocks}
    mean = {e.name: e.mean[0] for e in network.entries}
    drop = {c.name: float(c.drop[0]) for c in network.choices}
    floor = next(m for m in network.limits if m.floor)
    weight = np.array([float(str(a["weight"])) for a in network.sites.attributes])
    return Facts(
        start["desk"], start["field"], weight, -floor.cap[0], start["docket"], start["jail"], start["at_large"],
        mean["docket"], mean["jail"], mean["at_large"], float(network.chances[0].p[0, 0]), drop["hire"], drop["retrain"],
    )  # fmt: skip


def split(total: float, weight: Float) -> Float:
    """Return a whole total shared by weights with largest remainders, ties in order."""
    if weight.sum() <= 0:
        return np.zeros_like(weight)
    wanted = weight / weight.sum() * total
    base = np.floor(wanted + 1e-9)
    rest = np.round((wanted - base) * 1e9)
    for k in np.argsort(-rest, kind="stable")[: round(total - base.sum())]:
        base[k] += 1
    return base


Marked = dict[tuple[str, int], Float]
"""Each watched number after each marked number of weeks, by future."""
Measured = Callable[[int, int], Marked]
"""A model: from a number of futures and a seed to what was watched."""
