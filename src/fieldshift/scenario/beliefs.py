"""Where futures believe the unknowns to be: points of their distributions, drawn by name.

Each unknown is stratified over the points by a stream of its own name, so adding an unknown changes no other one's
points. Declared rank correlations are made by putting the points of one unknown in another order: each keeps its own
distribution. The unknown that declares a correlation is the one that is put in order, after those it names.

Source:
    Latin hypercube: McKay, Beckman & Conover (1979), A comparison of three methods for selecting values of input
    variables, Technometrics 21(2).
    Rank correlation: Iman & Conover (1982), A distribution-free approach to inducing rank correlation among input
    variables, Communications in Statistics B11(3). Its normal scores correlate by 2 sin(pi r / 6) where ranks
    correlate by r: Kruskal (1958), Ordinal measures of association, JASA 53.
    Sobol points, scrambled: Owen (1998), Scrambling Sobol' and Niederreiter-Xing points, Journal of Complexity 14.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import special
from scipy.stats import qmc

from fieldshift.scenario.schema import Scenario
from fieldshift.scenario.streams import stream_key
from fieldshift.scenario.values import Unknown, unknowns

__all__ = ["Spacing", "Together", "believed", "innovations", "scores_of", "together"]

Spacing = Literal["latin", "sobol"]
"""How points are spread: a Latin hypercube, or Sobol points."""

Float: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Together:
    """Unknowns that are correlated with each other, directly or through others.

    Attributes:
        paths: They, each after those it names where that can be.
        ranks: Their rank correlations, shape (n, n); pairs of which nothing is said are 0.
    """

    paths: tuple[str, ...]
    ranks: Float

    @property
    def scores(self) -> Float:
        """The correlations of their normal scores, shape (n, n)."""
        found: Float = np.asarray(2.0 * np.sin(np.pi / 6.0 * self.ranks))
        np.fill_diagonal(found, 1.0)
        return found


def together(scenario: Scenario) -> tuple[Together, ...]:
    """Return the sets of unknowns that are correlated, sorted by their first path; names of no unknown are skipped."""
    found = {unknown.path: unknown for unknown in unknowns(scenario)}
    pairs: dict[tuple[str, str], float] = {}
    for path, unknown in found.items():
        for other, rank in unknown.amount.correlated.items():
            if other in found and other != path:
                pairs[path, other] = rank
    near: dict[str, set[str]] = {}
    for one, other in pairs:
        near.setdefault(one, set()).add(other)
        near.setdefault(other, set()).add(one)
    sets: list[Together] = []
    left = set(near)
    while left:
        whole, edge = set[str](), {min(left)}
        while edge:
            whole |= edge
            edge = {path for one in edge for path in near[one]} - whole
        left -= whole
        sets.append(_together(_in_order(whole, found), pairs))
    return tuple(sorted(sets, key=lambda one: min(one.paths)))


def _in_order(whole: set[str], found: Mapping[str, Unknown]) -> tuple[str, ...]:
    """Return some unknowns, each after those it names; in a circle the first by name goes first."""
    order: list[str] = []
    left = sorted(whole)
    while left:
        free = [p for p in left if not (set(found[p].amount.correlated) & set(left)) - {p}]
        order.append((free or left)[0])
        left.remove(order[-1])
    return tuple(order)


def _together(paths: tuple[str, ...], pairs: Mapping[tuple[str, str], float]) -> Together:
    ranks = np.eye(len(paths))
    for (one, other), rank in pairs.items():
        if one in paths:
            i, j = paths.index(one), paths.index(other)
            ranks[i, j] = ranks[j, i] = rank
    return Together(paths, ranks)


def believed(scenario: Scenario, count: int, seed: int, spacing: Spacing = "latin") -> dict[str, Float]:
    """Return for each unknown, by path, the points in (0, 1) of its distribution that `count` groups believe.

    Args:
        scenario: A checked scenario.
        count: How many points.
        seed: Seed of all draws.
        spacing: `latin`; or `sobol`, where the points of an unknown depend on which others there are.
    """
    paths = [unknown.path for unknown in unknowns(scenario)]
    columns = _sobol(paths, count, seed) if spacing == "sobol" else {p: _stratified(p, count, seed) for p in paths}
    for one in together(scenario):
        columns |= _reordered(one, columns)
    return columns


def _stratified(path: str, count: int, seed: int) -> Float:
    generator = np.random.Generator(np.random.PCG64(stream_key(seed, "unknown", path)))
    order = generator.permutation(count)
    return np.asarray((order + generator.random(count)) / count, np.float64)


def _sobol(paths: list[str], count: int, seed: int) -> dict[str, Float]:
    if not paths:
        return {}
    generator = np.random.Generator(np.random.PCG64(stream_key(seed, "unknowns", "sobol")))
    points = qmc.Sobol(len(paths), scramble=True, rng=generator)
    # Points come in powers of two; the first of them are as even as any number of points can be.
    drawn = points.random_base2(max(0, (count - 1).bit_length()))[:count]
    return {path: np.ascontiguousarray(drawn[:, i]) for i, path in enumerate(paths)}


def scores_of(points: Float) -> Float:
    """Return the normal scores of points in (0, 1), the ends kept away from infinity."""
    return np.asarray(special.ndtri(np.clip(points, 1e-12, 1.0 - 1e-12)), np.float64)


def _reordered(one: Together, columns: Mapping[str, Float]) -> dict[str, Float]:
    """Return the points of some unknowns, put in the order that gives their rank correlations.

    One by one: who is correlated with nobody before it stays as it is.
    """
    found = dict[str, Float]()
    for j, path in enumerate(one.paths):
        wanted = one.scores[j, :j]
        found[path] = columns[path]
        if wanted.any():
            before = scores_of(np.stack([found[p] for p in one.paths[:j]], axis=1))
            own = _towards(before, scores_of(columns[path]), wanted, one.scores[:j, :j])
            ranks = np.argsort(np.argsort(own, kind="stable"), kind="stable")
            found[path] = np.sort(columns[path])[ranks]
    return found


def _towards(before: Float, own: Float, wanted: Float, among: Float) -> Float:
    """Return scores that correlate as wanted with those before, made from them and from scores of its own.

    With enough points, what correlation there is by accident is taken out, as Iman & Conover do.
    """
    before, own = (scores - scores.mean(axis=0) for scores in (before, own))
    weights = np.linalg.solve(among, wanted)
    if len(own) > 2 * before.shape[1] + 4:
        before = before / before.std(axis=0)
        own = own - before @ np.linalg.lstsq(before, own, rcond=None)[0]
        own = own / own.std()
        exact = np.linalg.solve(np.corrcoef(before, rowvar=False).reshape(len(wanted), -1), wanted)
        weights = exact if exact @ wanted < 1.0 else weights
    left = max(1.0 - float(weights @ wanted), 0.0)
    return np.asarray(before @ weights + np.sqrt(left) * own)


def innovations(scenario: Scenario, columns: Mapping[str, Float]) -> dict[str, Float]:
    """Return what is left of each correlated unknown's points once those before it are known, in (0, 1).

    They are independent, so that a spread can be split among them (Rosenblatt's transformation of a Gaussian copula).
    """
    found = dict(columns)
    for one in together(scenario):
        scores = scores_of(np.stack([columns[path] for path in one.paths], axis=1))
        free = np.linalg.solve(np.linalg.cholesky(one.scores), scores.T)
        found |= {path: np.asarray(special.ndtr(free[i]), np.float64) for i, path in enumerate(one.paths)}
    return found
