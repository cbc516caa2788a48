"""What an exploration asks about: one number of each future, and which way is better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from fieldshift.engines.outcome import label_of, outcome, sign_of, unit_of
from fieldshift.errors import UsageError
from fieldshift.network.graph import Network
from fieldshift.results.measures import MEASURES, Key, key_of, measure, titles
from fieldshift.results.measures import unit_of as measured_in
from fieldshift.results.report_words import scaled
from fieldshift.results.trace import Trace
from fieldshift.scenario.schema import Goal, Scenario

__all__ = ["Aim", "aims_of", "reads", "taken"]

Float: TypeAlias = npt.NDArray[np.float64]
When = Literal["mean", "end"]

_LESS = frozenset({"backlog", "undone", "gap", "vacancies", "turnover", "losses", "age", "spend", "spend_to_date"})
"""Measures of which less is better where a case says nothing."""


@dataclass(frozen=True)
class Aim:
    """One number of each future.

    Attributes:
        name: As one asks for it: `least short of needs.field`, `field`, `backlog.docket`.
        title: Its name for a reader.
        unit: Its unit.
        sign: 1 where less is better, -1 where more is.
        stated: Whether the case says which way is better; if not it is a guess by the kind of measure.
        at: Of a measure: its mean over the horizon, or its value at the end.
        goal: The goal that it is, if it is one.
        key: The measure that it is, if it is one.
    """

    name: str
    title: str
    unit: str
    sign: float
    stated: bool = True
    at: When = "mean"
    goal: Goal | None = None
    key: Key | None = None


def aims_of(scenario: Scenario, network: Network, main: str | Goal | None, at: When) -> tuple[Aim, ...]:
    """Return what is asked about: the main aim, then the other goals, and the headlines as they are at the end.

    Args:
        scenario: The scenario.
        network: Its network.
        main: A goal; a measure such as `field` or `backlog.docket`; the first goal by default, the first headline
            with a better side where there is none.
        at: Of a measure: `mean` over the horizon, or `end`.

    Raises:
        UsageError: There is no such measure, or nothing to ask about.
    """
    if main is None:
        better = [h for h in scenario.headlines if h.better] or list(scenario.headlines)
        if not scenario.goals and not better:
            raise UsageError("the case names no goal and no headline: say what to explore, such as --measure on_board")
        first = (
            _of_goal(scenario.goals[0], network)
            if scenario.goals
            else _of_measure(scenario, network, ".".join(p for p in (better[0].measure, better[0].of) if p), at)
        )
    else:
        first = _of_goal(main, network) if isinstance(main, Goal) else _of_measure(scenario, network, main, at)
    others = [_of_goal(goal, network) for goal in scenario.goals]
    others += [
        _of_measure(scenario, network, ".".join(p for p in (h.measure, h.of) if p), "end") for h in scenario.headlines
    ]
    found = {first.name: first} | {aim.name: aim for aim in others if aim.name != first.name}
    return tuple(found.values())


def _of_goal(goal: Goal, network: Network) -> Aim:
    label = label_of(goal)
    return Aim(label, label[:1].upper() + label[1:], unit_of(goal, network), sign_of(goal), goal=goal)


def _of_measure(scenario: Scenario, network: Network, name: str, at: When) -> Aim:
    word, _, part = name.partition(".")
    key = key_of(network, word, part)
    headline = next((h for h in scenario.headlines if (h.measure, h.of or "") in (key, (word, part))), None)
    better = headline.better if headline is not None else None
    sign = {"less": 1.0, "more": -1.0}.get(better or "", 1.0 if word in _LESS else -1.0)
    title = (headline.title if headline is not None else None) or titles(network).get(key, MEASURES[word].title)
    when = "on average" if at == "mean" else "at the end"
    unit = measured_in(word, network.currency)
    full = ".".join(part for part in key if part)
    return Aim(f"{full} {when}", f"{title}, {when}", unit, sign, better is not None, at, key=key)


class _Noting:
    """A trace of one future that notes which of its fields are read."""

    def __init__(self, network: Network) -> None:
        self._trace = Trace.empty(network, 1, True)
        self.read: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.read.add(name)
        return getattr(self._trace, name)


def reads(aims: Sequence[Aim], network: Network) -> frozenset[str]:
    """Return the fields of a trace that some aims are taken from; others need not be recorded."""
    trace = _Noting(network)
    taken(aims, cast(Trace, trace), network)
    return frozenset(trace.read)


def taken(aims: Sequence[Aim], trace: Trace, network: Network) -> Float:
    """Return each aim in each future of a batch, shape (aims, D); shares in per cent."""
    goals = [aim.goal for aim in aims if aim.goal is not None]
    keys = list(dict.fromkeys(aim.key for aim in aims if aim.key is not None))
    judged = list(outcome(trace, network, goals).goals) if goals else []
    measured = measure(trace, network, keys)
    found = np.empty((len(aims), len(trace.people)))
    for i, aim in enumerate(aims):
        if aim.key is None:
            found[i] = judged.pop(0)
            continue
        values = np.asarray(measured[aim.key], np.float64)
        found[i] = (values[:, -1] if aim.at == "end" else values.mean(axis=1)) * scaled(aim.unit)
    return found
