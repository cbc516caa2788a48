"""Policies: what is decided in each period, by rules that see the present only.

A policy is anything with `decide(view) -> Decision`. Those of a scenario are made of rules; a user's own class does
as well. Each batch of futures gets a fresh copy, so a policy may keep notes between periods.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from fieldshift.engines.asking import Request
from fieldshift.engines.engine import Decision
from fieldshift.engines.rules import EscalateRule, FillRule, RespondRule, RuleParts, ScheduleRule
from fieldshift.engines.view import View
from fieldshift.errors import UsageError
from fieldshift.network.graph import Network
from fieldshift.scenario.schema import Escalate, Fill, Respond, Scenario, Schedule
from fieldshift.scenario.schema import Policy as PolicyPart
from fieldshift.scenario.values import Values

__all__ = ["Policy", "RulePolicy", "Stay", "chain", "fresh", "policy_of", "settings_of"]


class Policy(Protocol):
    """Decides what moves, seeing the present only."""

    def decide(self, view: View) -> Decision:
        """Return what is asked for in this period, in each future."""


class _Acts(Protocol):
    def act(self, request: Request) -> None: ...


class Stay:
    """Ask for nothing."""

    def decide(self, view: View) -> Decision:
        """Return an empty decision."""
        return Decision(np.zeros((view.draws, view.network.n_choices)))


class RulePolicy:
    """The rules of one of a scenario's policies, in order; what they ask for adds up."""

    def __init__(self, rules: Sequence[_Acts]) -> None:
        self._rules = rules

    def decide(self, view: View) -> Decision:
        """Return what the rules ask for together."""
        request = Request.fresh(view)
        for rule in self._rules:
            rule.act(request)
        return request.decision()


def chain(scenario: Scenario, name: str) -> tuple[PolicyPart, ...]:
    """Return a policy and those it extends, the furthest first."""
    found: list[PolicyPart] = []
    seen: set[str] = set()
    at: str | None = name
    while at is not None:
        if at not in scenario.policies:
            known = ", ".join(scenario.policies) or "none"
            raise UsageError(f"no policy named {at!r} (known: {known})")
        if at in seen:
            raise UsageError(f"policy {name!r} extends itself")
        seen.add(at)
        found.append(scenario.policies[at])
        at = scenario.policies[at].extends
    return tuple(reversed(found))


def settings_of(scenario: Scenario, name: str) -> dict[str, object]:
    """Return the parts of the scenario that differ under a policy, by path."""
    merged: dict[str, object] = {}
    for part in chain(scenario, name):
        merged.update(part.set)
    return merged


def policy_of(scenario: Scenario, network: Network, name: str, draw: Mapping[str, float] | None = None) -> Policy:
    """Return one of a scenario's policies, ready to decide on a network made for the same draw of unknowns."""
    sites = tuple(sorted(scenario.sites, key=lambda site: site.id))
    values = Values(scenario, network.periods, draw, sites)
    rules: list[_Acts] = []
    for link in chain(scenario, name):
        owner = next(n for n, p in scenario.policies.items() if p is link)
        for i, rule in enumerate(link.rules):
            parts = RuleParts(network, values, f"policies.{owner}.rules.{i}", _only(network, rule.only, scenario))
            match rule:
                case Schedule():
                    rules.append(ScheduleRule(rule, parts))
                case Fill():
                    rules.append(FillRule(rule, parts))
                case Escalate():
                    rules.append(EscalateRule(rule, parts))
                case Respond():
                    rules.append(RespondRule(rule, parts))
    return RulePolicy(rules)


def _only(network: Network, only: object, scenario: Scenario) -> np.ndarray:
    """Return at which sites a rule acts, shape (S + 1,); the last is the nation."""
    count = len(network.sites)
    mask = np.ones(count + 1, np.bool_)
    if only is None or only in ("sites", "nation"):
        return mask
    mask[:] = False
    for i, site in enumerate(network.sites.attributes):
        if isinstance(only, Mapping):
            fits = all(str(site.get(k)) in _options(v) for k, v in only.items())
        else:
            fits = network.sites.ids[i] in _options(only)
        mask[i] = fits
    return mask


def _options(value: object) -> set[str]:
    return {str(value)} if not isinstance(value, list | tuple) else {str(v) for v in value}


def fresh(policy: Policy) -> Policy:
    """Return a copy of a policy for a batch of its own."""
    return copy.deepcopy(policy)
