"""Which unknowns each future believes: futures are dealt to groups that share a belief.

Unknowns are drawn once per future and do not average out over weeks; chance is drawn every period. Futures are
dealt to groups; all futures of a group believe the same values and differ by luck alone, so the spread between
groups is ignorance and the spread within them is luck.
"""

from __future__ import annotations

from collections.abc import Mapping

from fieldshift.scenario.beliefs import Spacing, believed
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


def beliefs(scenario: Scenario, groups: int, seed: int, spacing: Spacing = "latin") -> tuple[Mapping[str, float], ...]:
    """Return for each group the point in (0, 1) of each unknown's distribution, by path.

    One group takes every unknown at its centre. See `scenario.beliefs` for how points are drawn.

    Args:
        scenario: A checked scenario.
        groups: How many groups.
        seed: Seed of all draws.
        spacing: A Latin hypercube, or Sobol points.
    """
    if groups == 1:
        return ({},)
    columns = believed(scenario, groups, seed, spacing)
    return tuple({path: float(column[g]) for path, column in columns.items()} for g in range(groups))
