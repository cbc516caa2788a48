"""What can be wrong with a scenario that reads well: every check asks one question."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fieldshift.errors import Problem, ScenarioError
from fieldshift.network import checks_dates, checks_names, checks_numbers, checks_parts, checks_places, checks_spreads
from fieldshift.scenario.read import overlaid
from fieldshift.scenario.schema import Scenario

__all__ = ["CHECKS", "check", "problems"]

_OF_PARTS: tuple[Callable[[Scenario], Iterator[Problem]], ...] = (
    *checks_parts.CHECKS,
    *checks_places.CHECKS,
    *checks_spreads.CHECKS,
    *checks_dates.CHECKS,
    *checks_numbers.CHECKS,
)


def check_policies_apart(scenario: Scenario) -> Iterator[Problem]:
    """Does the scenario stay sound under the settings of each policy?"""
    before = {(problem.path, problem.what) for one in _OF_PARTS for problem in one(scenario)}
    for name, policy in scenario.policies.items():
        if not policy.set:
            continue
        place = scenario._places.get(("policies", name, "set"), f"policies.{name}.set")
        try:
            changed = overlaid(scenario, policy.set, place)
        except ScenarioError:
            continue
        for one in _OF_PARTS:
            for problem in one(changed):
                if (problem.path, problem.what) not in before:
                    what = f"under the policy '{name}': {problem.what}"
                    yield Problem(problem.where, problem.path, what, problem.hint, problem.level)


CHECKS: tuple[Callable[[Scenario], Iterator[Problem]], ...] = (
    *checks_names.CHECKS,
    *_OF_PARTS,
    checks_parts.check_sources,
    check_policies_apart,
)
"""All checks, one question each, in the order in which they are asked."""


def problems(scenario: Scenario) -> list[Problem]:
    """Return everything that is wrong with a scenario or looks odd, each with its place."""
    found = dict.fromkeys(problem for one in CHECKS for problem in one(scenario))
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
