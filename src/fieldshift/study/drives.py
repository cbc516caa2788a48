"""From the answers at many points to tables: luck and ignorance, indices, information, regret, boxes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from fieldshift.results.curves import Axis
from fieldshift.results.variance import split
from fieldshift.results.worth import Worth, of_all, of_one
from fieldshift.scenario.beliefs import innovations, together
from fieldshift.scenario.schema import Scenario
from fieldshift.scenario.streams import stream_key
from fieldshift.scenario.values import unknowns
from fieldshift.study.aims import Aim
from fieldshift.study.chaos import Indices, indices, terms_of
from fieldshift.study.discovery import discover
from fieldshift.study.exploration import KNOWN_ALL

__all__ = ["Answers", "boxes", "drivers", "information", "luck"]

Float: TypeAlias = npt.NDArray[np.float64]

_CURVED = 4
"""Highest degree of the curve by which one unknown foretells an answer."""

_SEGMENTS = 4
"""Stretches of an unknown in which one policy is best: more of them are no rule that a reader could follow."""


@dataclass(frozen=True)
class Answers:
    """Every aim in every future at every point.

    Attributes:
        scenario: The scenario.
        aims: The aims.
        policies: Names of the policies.
        columns: For each unknown its points, by path, shape (n,) each.
        titles: Titles of the unknowns by path.
        values: Shape (n, policies, aims, futures).
        seed: Seed of the intervals.
    """

    scenario: Scenario
    aims: tuple[Aim, ...]
    policies: tuple[str, ...]
    columns: Mapping[str, Float]
    titles: Mapping[str, str]
    values: Float
    seed: int

    @cached_property
    def axes(self) -> dict[str, Axis]:
        """The unknowns as axes, by path."""
        return {axis.unknown.path: axis for axis in axes_of(self.scenario)}

    @property
    def means(self) -> Float:
        """The mean answer at each point, shape (n, policies, aims)."""
        return np.asarray(self.values.mean(axis=3))

    def generator(self, *names: str) -> np.random.Generator:
        """Return what an interval is drawn with, by its name."""
        return np.random.Generator(np.random.PCG64(stream_key(self.seed, "explore", *names)))


def axes_of(scenario: Scenario) -> list[Axis]:
    """Return the unknowns of a scenario as axes."""
    return [Axis(unknown) for unknown in unknowns(scenario)]


def luck(given: Answers) -> pd.DataFrame:
    """Return how each policy's spread of each aim splits into luck and ignorance."""
    n, _, _, futures = given.values.shape
    group = np.repeat(np.arange(n), futures)
    rows = []
    for p, policy in enumerate(given.policies):
        for a, aim in enumerate(given.aims):
            mine = given.values[:, p, a].ravel()
            parts = split(mine, group)
            low, high = np.quantile(mine, (0.1, 0.9)).tolist()
            shares = float(parts.share[0]), float(parts.share_of_band[0])
            rows.append((policy, aim.name, aim.unit, float(mine.mean()), low, high, *shares))
    return pd.DataFrame(rows, columns=["policy", "aim", "unit", "mean", "q10", "q90", "ignorance", "band"])


def drivers(given: Answers, policy: str) -> pd.DataFrame:
    """Return the indices of the main aim under every policy, and of the other aims under one policy."""
    free = innovations(given.scenario, given.columns)
    paths = list(given.columns)
    sets = {path: tuple(one.paths) for one in together(given.scenario) for path in one.paths}
    factors = list(dict.fromkeys(sets.get(path, (path,)) for path in paths))
    polynomials = [lambda k, p=path: given.axes[p].polynomials(free[p], k) for path in paths]
    own = [factors.index(sets.get(path, (path,))) for path in paths]
    asked = [(p, 0) for p in range(len(given.policies))]
    asked += [(given.policies.index(policy), a) for a in range(1, len(given.aims))]
    answers = np.stack([given.means[:, p, a] for p, a in asked], axis=1)
    terms = terms_of(polynomials, answers, own)
    rows = []
    for i, (p, a) in enumerate(asked):
        words = given.policies[p], given.aims[a].name
        found = indices(terms, answers[:, i], given.generator("indices", *words))
        rows += list(_rows(given, factors, found, words))
    shares = [f"{kind}{end}" for kind in ("first", "total") for end in ("", "_low", "_high")]
    return pd.DataFrame(rows, columns=["policy", "aim", "unknown", "title", *shares, "fit"])


def _rows(
    given: Answers, factors: Sequence[tuple[str, ...]], found: Indices, words: tuple[str, str]
) -> Iterator[tuple[Any, ...]]:
    for f, paths in enumerate(factors):
        title = " with ".join(given.titles[path] for path in paths)
        shares = [
            float(x)
            for own, band in ((found.first, found.first_band), (found.total, found.total_band))
            for x in (own[f], band[0][f], band[1][f])
        ]
        yield *words, " ".join(paths), title, *shares, found.fit


def information(given: Answers, titles: Mapping[str, str]) -> pd.DataFrame:
    """Return what knowing every unknown, and each of them, is worth in the main aim.

    Knowing all is worth at least what knowing one is: where the estimates say less, the larger one is told of both.

    Args:
        given: The answers.
        titles: Titles of the policies by name.
    """
    sign = given.aims[0].sign
    half = max(1, given.values.shape[3] // 2)
    parts = [given.values[:, :, 0, :half], given.values[:, :, 0, half:]]
    halves = np.stack([sign * part.mean(axis=2).T for part in parts])
    every = of_all(halves, given.generator("worth", KNOWN_ALL))
    answers = sign * given.means[:, :, 0].T
    rows = []
    for path, points in given.columns.items():
        axis = given.axes[path]
        found = of_one(axis.polynomials(points, _CURVED), answers, given.generator("worth", path))
        rule = _rule(axis, points, found, [titles[p] for p in given.policies])
        rows.append((path, given.titles[path], found.value, found.low, found.high, found.changes, rule))
    value, low, high = (
        max(own, *(row[i] for row in rows)) for i, own in ((2, every.value), (3, every.low), (4, every.high))
    )
    first = (KNOWN_ALL, KNOWN_ALL, value, low, high, every.changes, "")
    return pd.DataFrame([first, *rows], columns=["unknown", "title", "value", "low", "high", "changes", "rule"])


def _rule(axis: Axis, points: Float, found: Worth, titles: Sequence[str]) -> str:
    """Return which policy to choose where, in a sentence; nothing where that is no rule to follow."""
    order = np.argsort(axis.values(points), kind="stable")
    chosen = found.chosen[order]
    starts = [0, *(np.flatnonzero(np.diff(chosen)) + 1).tolist()]
    if not 1 < len(starts) <= _SEGMENTS:
        return ""
    said = []
    for i, start in enumerate(starts):
        edge = axis.written(float(points[order[starts[max(i, 1)]]]))
        said.append(f"“{titles[int(chosen[start])]}” {f'from {edge} on' if i else f'under {edge}'}")
    return f"Best by that alone: {', '.join(said)}."


def boxes(given: Answers, threshold: float) -> pd.DataFrame:
    """Return where in the unknowns each policy fails: where its mean answer is worse than a threshold."""
    ranks = np.stack([given.axes[path].ranks(points) for path, points in given.columns.items()], axis=1)
    paths = list(given.columns)
    rows: list[tuple[Any, ...]] = []
    for p, policy in enumerate(given.policies):
        sign = given.aims[0].sign
        fails = sign * given.means[:, p, 0] > sign * threshold
        box = discover(ranks, fails)
        if box is None:
            nothing = float("nan")
            rows.append((policy, float(fails.mean()), nothing, nothing, nothing, "", "", "", "", nothing))
            continue
        for side in box.sides:
            axis = given.axes[paths[side.unknown]]
            ends = [axis.written(axis.at_rank(rank)) for rank in (side.low, side.high)]
            told = box.failing, box.coverage, box.density, box.mass
            rows.append((policy, *told, paths[side.unknown], given.titles[paths[side.unknown]], *ends, side.chance))
    names = ["policy", "failing", "coverage", "density", "mass", "side", "title", "low", "high", "chance"]
    return pd.DataFrame(rows, columns=names)
