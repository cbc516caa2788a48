"""Parts: does each say enough, nothing that is not used, and where its numbers come from?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from fieldshift.errors import Problem
from fieldshift.network.checks_names import each
from fieldshift.scenario.marked import Path
from fieldshift.scenario.paths import amounts, fields_of, problem_at
from fieldshift.scenario.schema import Amount, Choice, Escalate, Scenario, Schedule, Stage

__all__ = ["CHECKS", "check_sources"]

_OF_LEGS = (
    "lasts",
    "dropout",
    "pass",
    "fail_to",
    "drop_to",
    "uses",
    "takes",
    "begun",
    "instructors",
    "cost",
    "upkeep",
)
_LITERAL = re.compile(r"(?<![\w.])\.?\d")
_EVIDENCED = ("quantities", "stocks", "flows", "choices", "resources", "budgets", "work", "needs", "profiles")


def _given(part: Choice, key: str) -> bool:
    """Tell whether a choice says something, and not just what holds anyway."""
    name = next(name for label, _, name in fields_of(type(part)) if label == key)
    value, default = getattr(part, name), type(part).model_fields[name].default
    if isinstance(value, Amount):
        return value != Amount.model_validate(default) if default is not None else True
    return bool(value)


def check_stages(scenario: Scenario) -> Iterator[Problem]:
    """Does a choice with stages leave to them what is theirs, and is a number of stages used at all?"""
    for name, choice in scenario.choices.items():
        path: Path = ("choices", name)
        if choice.stages and choice.to is not None and not choice.returns:
            yield problem_at(scenario, (*path, "stages"), "a move between sites has no stages", "use `lasts`")
        elif choice.stages:
            for key in _OF_LEGS:
                if _given(choice, key):
                    what = f"has both `stages` and `{key}`"
                    hint = "each stage lasts" if key == "lasts" else f"put `{key}` into the stage that it belongs to"
                    yield problem_at(scenario, (*path, key), what, hint)


def check_service(scenario: Scenario) -> Iterator[Problem]:
    """Is work that takes hours given to somebody, and work given to somebody taking hours?"""
    for name, work in scenario.work.items():
        path: Path = ("work", name)
        by = [stock for _, stock in each(work.by, ())]
        if work.standard is not None and not by:
            what = "has a `standard` but nobody to serve it"
            yield problem_at(scenario, (*path, "standard"), what, "name the stocks that do in `by`")
        if by and work.standard is None:
            what = "is given to somebody but has no `standard`: it is never served"
            yield problem_at(scenario, (*path, "by"), what, "give the hours of one case", "warning")
        for key in ("becomes", "most", "target"):
            if getattr(work, key) is not None and work.standard is None:
                yield problem_at(scenario, (*path, key), f"has `{key}` but no `standard`: it is never served")


def check_shares_of_one(scenario: Scenario) -> Iterator[Problem]:
    """Are shares and uses at least 0, and do shares of one thing add up to no more than it?"""
    for name, work in scenario.work.items():
        path: Path = ("work", name)
        if isinstance(work.becomes, Mapping):
            yield from _positive(scenario, (*path, "becomes"), work.becomes)
            total = sum(work.becomes.values())
            if total > 1 + 1e-9:
                what = f"the shares add up to {total:.4g}, more than 1"
                yield problem_at(scenario, (*path, "becomes"), what, "what is left over leaves the system")
        yield from _positive(scenario, (*path, "uses"), work.uses)
        yield from _positive(scenario, (*path, "takes"), work.takes)
        if isinstance(work.by, Mapping):
            yield from _positive(scenario, (*path, "by"), work.by)
    for name, choice in scenario.choices.items():
        legs: list[tuple[Path, Choice | Stage]] = [(("choices", name), choice)]
        legs += [(("choices", name, "stages", i), stage) for i, stage in enumerate(choice.stages)]
        for path, leg in legs:
            yield from _positive(scenario, (*path, "uses"), leg.uses)
            yield from _positive(scenario, (*path, "takes"), leg.takes)
    for name, resource in scenario.resources.items():
        if isinstance(resource.hold, Mapping):
            yield from _positive(scenario, ("resources", name, "hold"), resource.hold)
    for name, profile in scenario.profiles.items():
        yield from _positive(scenario, ("profiles", name, "weeks"), profile.weeks)


def _positive(scenario: Scenario, path: Path, given: Mapping[str, float] | Mapping[int, float]) -> Iterator[Problem]:
    for key, value in given.items():
        if not 0 <= value < float("inf"):
            yield problem_at(scenario, (*path, key), f"must be at least 0 and finite, got {value:g}")


def check_dial_bounds(scenario: Scenario) -> Iterator[Problem]:
    """Do dials start between their ends, and do rules turn them within those?"""
    for name, dial in scenario.dials.items():
        path: Path = ("dials", name)
        if dial.start_from > dial.to:
            yield problem_at(
                scenario, path, f"goes from {dial.start_from:g} down to {dial.to:g}", "the lower end first"
            )
        elif not dial.start_from <= dial.start <= dial.to:
            what = f"starts at {dial.start:g}, outside {dial.start_from:g} to {dial.to:g}"
            yield problem_at(scenario, (*path, "start"), what)
    for name, policy in scenario.policies.items():
        for i, rule in enumerate(policy.rules):
            if isinstance(rule, Escalate) and rule.first is not None and rule.first.dial in scenario.dials:
                dial, to = scenario.dials[rule.first.dial], rule.first.to
                if to is not None and not dial.start_from <= to <= dial.to:
                    what = f"{to:g} is outside the dial's {dial.start_from:g} to {dial.to:g}"
                    yield problem_at(scenario, ("policies", name, "rules", i, "first", "to"), what)


def check_rules_say_what(scenario: Scenario) -> Iterator[Problem]:
    """Does every rule say what it does?"""
    for name, policy in scenario.policies.items():
        for i, rule in enumerate(policy.rules):
            path: Path = ("policies", name, "rules", i)
            if isinstance(rule, Schedule) and rule.amount is None and rule.share is None:
                yield problem_at(scenario, path, "asks for nothing", "give `amount` or `share`")
            if isinstance(rule, Escalate):
                if rule.first is None and rule.then is None:
                    yield problem_at(scenario, path, "does nothing", "give `first`, `then` or both")
                if rule.first is not None and (rule.first.to is None) == (rule.first.by is None):
                    yield problem_at(scenario, (*path, "first"), "needs `to` or `by`, and only one")


def check_sources(scenario: Scenario) -> Iterator[Problem]:
    """Does every part that states a number say where it comes from, or that it is an assumption?"""
    bare: dict[Path, int] = {}
    for found in amounts(scenario):
        if found.path[0] in _EVIDENCED and _written(scenario, found.path) and _states(found.amount):
            part = getattr(scenario, str(found.path[0]))[found.path[1]]
            if getattr(part, "source", None) is None and not getattr(part, "assumption", False):
                bare[found.path[:2]] = bare.get(found.path[:2], 0) + 1
    for path, count in bare.items():
        what = "states a number" if count == 1 else f"states {count} numbers"
        hint = "give `source`, or `assumption: true`"
        yield problem_at(scenario, path, f"{what} without saying where from", hint, "warning")


def _written(scenario: Scenario, path: Path) -> bool:
    """Tell whether a number was given, and is not just what holds when nothing is."""
    node: Any = scenario
    for key in path:
        if isinstance(node, BaseModel):
            name = next(name for label, _, name in fields_of(type(node)) if label == key)
            if name not in node.model_fields_set:
                return False
            node = getattr(node, name)
        else:
            node = node[key]
    return True


def _states(amount: Amount) -> bool:
    """Tell whether somebody must vouch for a number: one in digits, without evidence of its own."""
    if amount.source is not None or amount.assumption:
        return False
    if amount.estimates:
        return not all(estimate.source for estimate in amount.estimates)
    forms: tuple[Mapping[Any, float | str], ...] = (
        amount.of,
        amount.sites,
        amount.dates,
        amount.years,
        *amount.grid.values(),
    )
    values = [amount.value, amount.range, *(value for form in forms for value in form.values())]
    return any(_LITERAL.search(str(value)) for value in values if value is not None)


CHECKS = (
    check_stages,
    check_service,
    check_shares_of_one,
    check_dial_bounds,
    check_rules_say_what,
)
