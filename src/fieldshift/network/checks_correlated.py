"""Correlated unknowns: do they name unknowns, agree with each other, and go together at all?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fieldshift.errors import Problem
from fieldshift.scenario.beliefs import together
from fieldshift.scenario.marked import Path, dotted
from fieldshift.scenario.paths import amounts, nearest, problem_at
from fieldshift.scenario.schema import Amount, Scenario

__all__ = ["CHECKS"]

_LEAST = 1e-6
"""The least eigenvalue of a matrix of correlations that counts as positive."""


def _unknown(scenario: Scenario) -> dict[str, tuple[Path, Amount]]:
    found = ((dotted(one.path), (one.path, one.amount)) for one in amounts(scenario))
    return {name: one for name, one in found if one[1].range is not None or one[1].estimates}


def check_named(scenario: Scenario) -> Iterator[Problem]:
    """Does each correlation name another unknown, and do both say the same of it?"""
    known = _unknown(scenario)
    for name, (path, amount) in known.items():
        for other, rank in amount.correlated.items():
            here = (*path, "correlated", other)
            if other == name:
                yield problem_at(scenario, here, f"'{other}' is this number itself", "name another unknown")
            elif other not in known:
                hint = nearest(other, known, "unknowns")
                yield problem_at(scenario, here, f"there is no unknown '{other}' to be correlated with", hint)
            elif (back := known[other][1].correlated.get(name)) is not None and back != rank and name < other:
                what = f"says {rank:g} for '{other}', which says {back:g} back"
                yield problem_at(scenario, here, what, "say it once, on either of them")


def check_together(scenario: Scenario) -> Iterator[Problem]:
    """Can the correlations of each set of unknowns hold at the same time?"""
    known = _unknown(scenario)
    for one in together(scenario):
        least = float(np.linalg.eigvalsh(one.scores)[0])
        if least < _LEAST:
            said = [p for p in one.paths if known[p][1].correlated]
            what = (
                f"the correlations of {', '.join(one.paths)} cannot hold together (their matrix has the eigenvalue "
                f"{least:.3g}; all must be above 0)"
            )
            yield problem_at(scenario, (*known[said[-1]][0], "correlated"), what, "weaken them, or state the rest too")


CHECKS = (check_named, check_together)
