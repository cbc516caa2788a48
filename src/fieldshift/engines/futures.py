"""Which unknowns each future believes: a Latin hypercube over groups of futures, drawn by name.

Unknowns are drawn once per future and do not average out over weeks; chance is drawn every period. Futures are
dealt to groups; all futures of a group believe the same values and differ by luck alone, so the spread between
groups is ignorance and the spread within them is luck.

Source:
    McKay, Beckman & Conover (1979), A comparison of three methods for selecting values of input variables,
    Technometrics 21(2).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fieldshift.engines import chance
from fieldshift.scenario.schema import Scenario
from fieldshift.scenario.values import unknowns

__all__ = ["beliefs", "edges_of", "groups_of"]


def groups_of(scenario: Scenario, draws: int, groups: int | None) -> int:
    """Return how many groups of futures there are: 1 where nothing is unknown, else draws / 40, 20 to 100."""
    if not unknowns(scenario):
        return 1
    wanted = groups if groups is not None else max(min(draws, 20), min(draws // 40, 100))
    return max(1, min(wanted, draws))


def edges_of(draws: int, groups: int) -> tuple[int, ...]:
    """Return the first future of each group, and the number of futures at the end."""
    return tuple(draws * g // groups for g in range(groups + 1))


def beliefs(scenario: Scenario, groups: int, seed: int) -> tuple[Mapping[str, float], ...]:
    """Return for each group the point in (0, 1) of each unknown's distribution, by path.

    One group takes every unknown at its centre. Each unknown is stratified over the groups by a stream of its own
    name, so adding an unknown changes no other one's draws.
    """
    if groups == 1:
        return ({},)
    columns: dict[str, np.ndarray] = {}
    for unknown in unknowns(scenario):
        generator = np.random.Generator(np.random.PCG64(chance.stream_key(seed, "unknown", unknown.path)))
        order = generator.permutation(groups)
        columns[unknown.path] = (order + generator.random(groups)) / groups
    return tuple({path: float(column[g]) for path, column in columns.items()} for g in range(groups))
