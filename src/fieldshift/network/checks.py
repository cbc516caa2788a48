"""What can be wrong with a scenario that reads well: every check asks one question."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence

from fieldshift.errors import Problem, ScenarioError
from fieldshift.network import (
    checks_correlated,
    checks_dates,
    checks_history,
    checks_names,
    checks_numbers,
    checks_parts,
    checks_places,
    checks_spreads,
)
from fieldshift.scenario.marked import Path
from fieldshift.scenario.paths import place
from fieldshift.scenario.read import overlaid
from fieldshift.scenario.schema import Scenario

__all__ = ["CHECKS", "check", "problems"]

_Check = Callable[[Scenario], Iterator[Problem]]
_OF_PARTS: tuple[_Check, ...] = (
    *checks_parts.CHECKS,
    *checks_places.CHECKS,
    *checks_spreads.CHECKS,
    *checks_dates.CHECKS,
    *checks_numbers.CHECKS,
)


def check_policies_apart(scenario: Scenario) -> Iterator[Problem]:
    """Does the scenario stay sound under the settings of each policy?"""
    for name, policy in scenario.policies.items():
        if policy.set:
            path: Path = ("policies", name, "set")
            yield from _changed(scenario, path, policy.set, f"under the policy '{name}'", _OF_PARTS)


def check_levers_apart(scenario: Scenario) -> Iterator[Problem]:
    """Do the numbers stay sound at both ends of each lever?"""
    for name, lever in scenario.levers.items():
        for key, end in (("from", lever.start_from), ("to", lever.to)):
            said = f"at {end} of the lever '{name}'"
            yield from _changed(scenario, ("levers", name, key), {lever.path: end}, said, checks_numbers.CHECKS)


def _changed(
    scenario: Scenario, path: Path, changes: Mapping[str, object], said: str, checks: Sequence[_Check]
) -> Iterator[Problem]:
    """Yield the problems that a change brings; one that leads nowhere is told elsewhere."""
    try:
        changed = overlaid(scenario, changes, place(scenario, path))
    except ScenarioError:
        return
    before = {(problem.path, problem.what) for one in checks for problem in one(scenario)}
    for one in checks:
        for problem in one(changed):
            if (problem.path, problem.what) not in before:
                yield dataclasses.replace(problem, what=f"{said}: {problem.what}")


CHECKS: tuple[_Check, ...] = (
    *checks_names.CHECKS,
    *_OF_PARTS,
    *checks_correlated.CHECKS,
    checks_parts.check_sources,
    *checks_history.CHECKS,
    check_policies_apart,
    check_levers_apart,
)
"""All checks, one question each, in the order in which they are asked."""

_APART = (checks_names.check_settings, check_policies_apart, check_levers_apart)


def problems(scenario: Scenario, apart: bool = True) -> list[Problem]:
    """Return everything that is wrong with a scenario or looks odd, each with its place.

    Args:
        scenario: Any scenario.
        apart: Whether it is checked under the settings of each policy and at both ends of each lever too: nearly all
            of the time goes there, so a form may leave it for later.
    """
    asked = CHECKS if apart else [one for one in CHECKS if one not in _APART]
    found = dict.fromkeys(problem for one in asked for problem in one(scenario))
    return sorted(found, key=_order)


def check(scenario: Scenario) -> None:
    """Say nothing if a scenario can be run.

    Raises:
        ScenarioError: With every error found; warnings stop nothing, see `problems`.
    """
    errors = [problem for problem in problems(scenario) if problem.level == "error"]
    if errors:
        raise ScenarioError(errors)


def _order(problem: Problem) -> tuple[str, int, int, str, str]:
    file, _, rest = problem.where.rpartition(":")
    name, _, line = file.rpartition(":")
    if line.isdigit() and rest.isdigit():
        return name, int(line), int(rest), problem.path, problem.what
    return problem.where, 0, 0, problem.path, problem.what
