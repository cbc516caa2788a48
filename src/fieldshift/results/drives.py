"""What drives the answer of a run, as far as its own groups of futures can tell: each group believes one point.

A run has few groups (20 to 100), so this is a first look, told with its uncertainty; `fieldshift explore` looks closer.

Source:
    Interval of a correlation: Fisher (1921), On the probable error of a coefficient of correlation, Metron 1. Worth of
    knowing: see `worth`. Many unknowns, one of which looks telling by chance: Bonferroni's inequality.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import special

from fieldshift.results.axes import Entry
from fieldshift.results.curves import Axis
from fieldshift.results.report_words import scaled
from fieldshift.results.result import Result
from fieldshift.results.unknown_titles import unknown_titles
from fieldshift.results.worth import Worth, of_classes, of_one
from fieldshift.scenario.beliefs import believed
from fieldshift.scenario.schema import Estimate, Headline, Scenario
from fieldshift.scenario.streams import stream_key
from fieldshift.scenario.values import unknowns

__all__ = ["LEAST", "Drives", "Telling", "drives_of"]

Float: TypeAlias = npt.NDArray[np.float64]

LEAST = 12
"""Groups of futures from which on anything is told."""

_Z80 = 1.2815515655446004
_SURE = 0.1


@dataclass(frozen=True)
class Telling:
    """How much one unknown tells of the answer under one policy.

    Attributes:
        path, title: The unknown.
        share: Share of the spread between groups that goes along with it (a squared correlation).
        low, high: Its 80 % interval.
        up: Whether the answer rises with it.
        sure: Whether it is more than chance would show of one of all unknowns, 9 times in 10.
    """

    path: str
    title: str
    share: float
    low: float
    high: float
    up: bool
    sure: bool


@dataclass(frozen=True)
class Drives:
    """The answer of a run by what its groups believe.

    Attributes:
        scenario: The scenario.
        entry, headline: The measure that is asked about: the first headline with a better side.
        policies: The policies that kept it.
        answers: Its mean over the horizon and over a group's futures, as a reader sees it, shape (policies, groups).
        points: What each group believes of each unknown, by path.
        seed: Seed of the intervals.
    """

    scenario: Scenario
    entry: Entry
    headline: Headline
    policies: tuple[str, ...]
    answers: Float
    points: dict[str, Float]
    seed: int

    @property
    def sign(self) -> float:
        """1 where less is better, -1 where more is."""
        return 1.0 if self.headline.better == "less" else -1.0

    @cached_property
    def axes(self) -> dict[str, Axis]:
        """The unknowns as axes, by path."""
        return {unknown.path: Axis(unknown) for unknown in unknowns(self.scenario)}

    @cached_property
    def titles(self) -> dict[str, str]:
        """Titles of the unknowns by path."""
        return unknown_titles(self.scenario)

    @cached_property
    def _values(self) -> dict[str, Float]:
        """The value of each unknown in each group, by path."""
        return {path: self.axes[path].values(points) for path, points in self.points.items()}

    @property
    def policy(self) -> str:
        """The policy whose largest regret over the groups is least."""
        lost = self.sign * self.answers - (self.sign * self.answers).min(axis=0)
        return self.policies[int(lost.max(axis=1).argmin())]

    def telling(self, policy: str) -> list[Telling]:
        """Return how much each unknown tells of the answer under a policy, the most telling first."""
        mine = self.answers[self.policies.index(policy)]
        found = [self._one(path, mine) for path in self.points]
        return sorted(found, key=lambda one: (-one.share, one.path))

    def _one(self, path: str, answer: Float) -> Telling:
        values = self._values[path]
        n, flat = len(values), min(values.std(), answer.std()) <= 1e-12 * (1.0 + np.abs(answer).max())
        r = 0.0 if flat else float(np.clip(np.corrcoef(values, answer)[0, 1], -0.999999, 0.999999))
        z, half = np.arctanh(abs(r)), _Z80 / np.sqrt(n - 3)
        low, high = float(np.tanh(max(z - half, 0.0))) ** 2, float(np.tanh(z + half)) ** 2
        chance = float(special.betainc((n - 2) / 2, 0.5, 1.0 - r**2))  # of a larger r, where there is nothing
        return Telling(path, self.titles[path], r**2, low, high, r > 0, chance * len(self.points) < _SURE)

    def worth(self, path: str) -> Worth:
        """Return what knowing one unknown is worth, by straight lines: there are too few groups for curves.

        Rival estimates are no line: of them it is counted which policy is best where each is believed.
        """
        generator = np.random.Generator(np.random.PCG64(stream_key(self.seed, "drives", path)))
        if self.axes[path].unknown.amount.estimates:
            return of_classes(self._believes(path), self.sign * self.answers, generator)
        columns = self.axes[path].polynomials(self.points[path], 1)
        return of_one(columns, self.sign * self.answers, generator)

    def apart(self) -> set[str]:
        """Return the unknowns that surely change by how much one policy differs from the policy that is best."""
        best = int((self.sign * self.answers).mean(axis=1).argmin())
        found = set[str]()
        for other in range(len(self.policies)):
            if other != best:
                difference = self.answers[other] - self.answers[best]
                found |= {path for path in self.points if self._one(path, difference).sure}
        return found

    def _believes(self, path: str) -> npt.NDArray[np.int64]:
        """Return which of its rival estimates each group believes, shape (groups,)."""
        estimates = self.axes[path].unknown.amount.estimates
        edges = np.cumsum([e.weight for e in estimates]) / sum(e.weight for e in estimates)
        return np.minimum(np.searchsorted(edges, self.points[path], side="left"), len(estimates) - 1)

    def rivals(self, path: str) -> list[tuple[Estimate, Float]]:
        """Return each rival estimate of an unknown that some group believes, and the mean answers of those groups.

        Answers have the shape (policies,).
        """
        estimates, which = self.axes[path].unknown.amount.estimates, self._believes(path)
        return [
            (estimate, np.asarray(self.answers[:, which == i].mean(axis=1)))
            for i, estimate in enumerate(estimates)
            if (which == i).any()
        ]


def drives_of(result: Result) -> list[Drives]:
    """Return the answer of a run by what its groups believe: for each headline with a better side, the first one first.

    Where no headline has one it is the first headline; nothing where nothing can be told.
    """
    scenario, groups = result.scenario, result.facts.groups
    if scenario is None or groups < LEAST or not unknowns(scenario):
        return []
    chosen = result.chosen_headlines()
    points = believed(scenario, groups, result.seed)
    found = []
    for entry, headline in [one for one in chosen if one[1].better] or chosen[:1]:
        kept = tuple(p for p in result.policies if entry.key in result.part(p).draws)
        if kept:
            answers = np.stack([_by_group(result, policy, entry) for policy in kept])
            found.append(Drives(scenario, entry, headline, kept, answers, points, result.seed))
    return found


def _by_group(result: Result, policy: str, entry: Entry) -> Float:
    """Return a measure's mean over the horizon and over the futures of each group, shape (groups,)."""
    values = np.asarray(result.part(policy).draws[entry.key], np.float64)
    known = np.isfinite(values)
    mean = np.where(known, values, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    group, count = result.group_of, result.facts.groups
    return np.asarray(np.bincount(group, mean, count) / np.bincount(group, minlength=count) * scaled(entry.unit))
