"""Fitting the unknowns of a scenario to its observed series, as far as they were known on a day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import linalg, optimize
from scipy.special import ndtr, ndtri

from fieldshift.errors import UsageError
from fieldshift.network.build import build
from fieldshift.scenario.beliefs import believed
from fieldshift.scenario.observed import span_of
from fieldshift.scenario.paths import nearest
from fieldshift.scenario.schema import Fit, Scenario
from fieldshift.scenario.streams import stream_key
from fieldshift.scenario.values import Unknown, unknowns
from fieldshift.study.fitting import Peak, Question, Sampled, climbed, sampled, slopes
from fieldshift.study.observing import Rows, last_known, rows_inside
from fieldshift.study.past import Pool, as_known, by_site, covering, each_site, known_part
from fieldshift.study.paths import Model
from fieldshift.study.spread import Extra, Unexplained, chained, chol, estimated

__all__ = ["Fitted", "Wanted", "fitted", "wanted"]

Float = npt.NDArray[np.float64]

FEWEST, MOST = 400, 2000
"""Futures from which the covariance of the rows is taken: as many as a small model can afford, fewer of a large one."""

_ROOM = 2e7
"""Counts (cells and arcs by periods by futures) that may be lived for one covariance."""

SAMPLE = 1000
"""Points of the posterior."""

_STILL = 0.02
"""What the rows must say of an unknown, against 1 that its prior says, for it to be fitted unasked."""


@dataclass(frozen=True)
class Wanted:
    """What is to be fitted.

    Attributes:
        until: The last day that is known.
        fit: Unknowns by path; all that move the series where empty.
        by_site: Of these, the numbers that get a value for each site.
        to: The series.
        policy: The policy that was in force.
        seed: Seed of all draws.
    """

    until: dt.date
    fit: tuple[str, ...]
    by_site: tuple[str, ...]
    to: tuple[str, ...]
    policy: str
    seed: int


@dataclass(frozen=True)
class Fitted:
    """What came of a fit.

    Attributes:
        wanted: What was to be fitted.
        scenario: The scenario as it was known, its horizon ending with the rows.
        rows: The rows that it was fitted to.
        fitted: The unknowns, in the order of all arrays here.
        left: Unknowns that were not fitted, and why.
        pools: Numbers with a value for each site, and how far the sites differ: 0 not at all, 1 as the prior.
        peak: The likeliest point, its rows as levels and flows with the mean's own error taken off, and slopes.
        sample: Points of the posterior.
        information: What the rows say, (P, P): the Fisher information of the scores.
        unexplained: What each series shows beyond the model's chance.
        cover: Covariance of the differenced rows around the mean, (n, n).
        chance: Covariance of the rows themselves from chance and unexplained parts, its diagonal, (n,).
        runs: How often the model was run for its mean.
    """

    wanted: Wanted
    scenario: Scenario
    rows: Rows
    fitted: tuple[Unknown, ...]
    left: Mapping[str, str]
    pools: tuple[tuple[Pool, float], ...]
    peak: Peak
    sample: Sampled
    information: Float
    unexplained: tuple[Unexplained, ...]
    cover: Float
    chance: Float
    runs: int


def wanted(scenario: Scenario, given: Fit, seed: int) -> Wanted:
    """Return what is to be fitted, with what holds where nothing was said.

    Raises:
        UsageError: A name that does not exist, or nothing to fit to.
    """
    if not scenario.history:
        raise UsageError("the scenario has no observed series: write them under `history`")
    found = {unknown.path: unknown for unknown in unknowns(scenario)}
    for path in (*given.fit, *given.by_site):
        if path not in found:
            raise UsageError(f"there is no unknown '{path}' to fit ({nearest(path, found, 'unknowns')})")
        if found[path].amount.estimates:
            raise UsageError(f"'{path}' has rival estimates, which cannot be fitted: give it one range")
    for name in given.to:
        if name not in scenario.history:
            raise UsageError(f"there is no series '{name}' ({nearest(name, scenario.history, 'series')})")
    policy = given.policy or next(iter(scenario.policies), "")
    if policy not in scenario.policies:
        raise UsageError(f"there is no policy '{policy}' ({nearest(policy, scenario.policies, 'policies')})")
    ends = [span.last for series in scenario.history.values() if (span := span_of(series)) is not None]
    if not ends:
        raise UsageError("no observed series has a number in it")
    until = given.until or min(scenario.as_of or dt.date.max, max(ends))
    names = given.to or tuple(name for name, series in scenario.history.items() if series.drives is None)
    return Wanted(until, given.fit, given.by_site, names, policy, seed)


def fitted(scenario: Scenario, asked: Wanted, workers: int | None = None) -> Fitted:
    """Return the unknowns of a scenario fitted to its series.

    Raises:
        UsageError: No row was known by then inside the horizon, or no unknown moves the series.
    """
    known = as_known(known_part(scenario, asked.until))
    known, made = each_site(known, asked.by_site)
    names = tuple(name for name in asked.to if name in known.history)
    ends = [span.last for name in names for _, span, _ in last_known(known.history[name])]
    known = covering(known, max([*ends, known.horizon.start]))
    network = build(known)
    rows = rows_inside(known, network, names)
    if not len(rows):
        first, last = network.periods.instants[0], network.periods.instants[-1]
        raise UsageError(f"no row known by {asked.until} lies inside the horizon, {first} to {last}")
    paths = tuple(path for path in asked.fit if path not in asked.by_site)
    paths += tuple(path for pool in made for path in pool.paths)
    search = _Search(known, Model(known, asked.policy, rows), asked, workers)
    return search.done(paths if asked.fit or asked.by_site else None, made or by_site(known))


class _Search:
    """The way to the likeliest point.

    The covariance of the rows and their slopes are found anew as the point moves, three times.
    """

    def __init__(self, scenario: Scenario, model: Model, asked: Wanted, workers: int | None) -> None:
        self.scenario, self.model, self.asked, self.workers = scenario, model, asked, workers
        self.rows = model.rows
        self.target = self.rows.differenced(self.rows.values)
        self.paths: tuple[str, ...] = ()
        self.off: Float = np.zeros(len(self.rows))
        self.unexplained = tuple(Unexplained(0.05, 0.0) for _ in self.rows.names)
        network = model.network
        size = network.periods.count * (network.n_cells + network.n_choices + network.n_chances + network.n_serves)
        self.count = int(np.clip(_ROOM / max(size, 1), FEWEST, MOST)) // 100 * 100

    def function(self, scores: Float) -> Float:
        """Return the differenced rows at a point: of the mean path, its known error taken off."""
        draw = {path: float(u) for path, u in zip(self.paths, ndtr(scores), strict=True)}
        return self.rows.differenced(self.model.mean(draw)) + self.off

    def chance(self, scores: Float) -> tuple[Float, Float]:
        """Return what futures say the rows are, (D, n): their mean, and the futures; unfitted unknowns are drawn."""
        fixed = {path: float(u) for path, u in zip(self.paths, ndtr(scores), strict=True)}
        other = [unknown.path for unknown in unknowns(self.scenario) if unknown.path not in fixed]
        groups = 100 if other else 1
        points = believed(self.scenario, groups, self.asked.seed) if other else {}
        draws = [{path: float(points[path][g]) for path in other} | fixed for g in range(groups)]
        found = self.model.futures(draws, self.count // groups, self.asked.seed, self.workers)
        return found.mean(axis=0), found

    def picked(self, given: tuple[str, ...] | None) -> tuple[dict[str, str], Float]:
        """Choose what is fitted, and return what is not and why, and the slopes of what is at the middle."""
        found = {unknown.path: unknown for unknown in unknowns(self.scenario)}
        left = {p: "rival estimates cannot be fitted" for p, unknown in found.items() if unknown.amount.estimates}
        self.paths = given if given is not None else tuple(p for p in found if p not in left)
        if not self.paths:
            raise UsageError("the scenario has no unknown to fit: give a number a `range`")
        slope = slopes(self.function, np.zeros(len(self.paths)), 0.5)
        if given is not None:
            left |= {p: "not asked for" for p in found if p not in given}
            return left, slope
        factor = chol(self._own(self.chance(np.zeros(len(self.paths)))[1]) + self._unexplained())
        told = (linalg.solve_triangular(factor, slope, lower=True) ** 2).sum(axis=0)
        moving = told > _STILL
        if not moving.any():
            raise UsageError("no unknown moves the series: nothing can be fitted to them")
        left |= {p: "the series do not tell" for p, moves in zip(self.paths, moving, strict=True) if not moves}
        self.paths = tuple(p for p, moves in zip(self.paths, moving, strict=True) if moves)
        return left, slope[:, moving]

    def _own(self, futures: Float) -> Float:
        """Return the covariance of differenced rows from chance, (n, n)."""
        half = self.rows.differenced(chained(futures, self.rows))
        return self.rows.differenced(half.T)

    def _unexplained(self) -> Float:
        return Extra(self.rows).cover(self.unexplained)

    def done(self, given: tuple[str, ...] | None, pools: Sequence[Pool]) -> Fitted:
        """Go all the way."""
        left, slope = self.picked(given)
        mine = [
            (pool, [self.paths.index(p) for p in pool.paths]) for pool in pools if set(pool.paths) <= set(self.paths)
        ]
        width = [1.0 for _ in mine]
        peak = Peak(np.zeros(len(self.paths)), self.function(np.zeros(len(self.paths))), slope)
        for turn in range(3):
            mean, futures = self.chance(peak.scores)
            off = self.rows.differenced(mean) - peak.rows + self.off
            peak, self.off = replace(peak, rows=peak.rows - self.off + off), off
            own = self._own(futures)
            gap = self.target - peak.rows + peak.slope @ peak.scores
            prior = _prior(len(self.paths), mine, width)
            self.unexplained = estimated(self.rows, gap, own + peak.slope @ prior @ peak.slope.T, self.unexplained)
            cover = own + self._unexplained()
            width = _widths(gap, cover, peak.slope, mine, width)
            prior = _prior(len(self.paths), mine, width)
            question = Question(self.function, self.target, chol(cover), linalg.inv(prior))
            if turn:
                peak = replace(peak, slope=slopes(self.function, peak.scores))
            peak = climbed(question, peak)
        peak = replace(peak, slope=slopes(self.function, peak.scores))
        generator = np.random.Generator(np.random.PCG64(stream_key(self.asked.seed, "calibrate", "sample")))
        sample = sampled(question, peak, SAMPLE, generator)
        down = question.white(peak.slope)
        found = {unknown.path: unknown for unknown in unknowns(self.scenario)}
        spread = futures.var(axis=0) + np.diag(_levels(self.rows, self._unexplained()))
        return Fitted(
            self.asked,
            self.scenario,
            self.rows,
            tuple(found[path] for path in self.paths),
            left,
            tuple((pool, tau) for (pool, _), tau in zip(mine, width, strict=True)),
            replace(peak, rows=self.rows.summed(peak.rows)),
            sample,
            down.T @ down,
            self.unexplained,
            cover,
            spread,
            self.model.runs,
        )


def _levels(rows: Rows, cover: Float) -> Float:
    """Return a covariance of differenced rows as that of levels and flows."""
    half = rows.summed(cover)
    return rows.summed(half.T)


def _prior(count: int, pools: Sequence[tuple[Pool, list[int]]], widths: Sequence[float]) -> Float:
    """Return the prior covariance of the scores: each a standard normal, those of one pool alike.

    The share of its variance that a site has for itself is the square of the pool's width; the rest is the nation's.

    Source:
        Efron & Morris (1975), Data analysis using Stein's estimator and its generalizations, JASA 70.
    """
    prior = np.eye(count)
    for (_, at), width in zip(pools, widths, strict=True):
        prior[np.ix_(at, at)] = (1 - width**2) + width**2 * np.eye(len(at))
    return prior


def _widths(
    gap: Float, cover: Float, slope: Float, pools: Sequence[tuple[Pool, list[int]]], start: Sequence[float]
) -> list[float]:
    """Return how far the sites of each pool differ, under which the rows are likeliest."""
    found = list(start)
    for x in range(len(found)):

        def loss(width: float, x: int = x) -> float:
            trial = [*found[:x], float(width), *found[x + 1 :]]
            factor = chol(cover + slope @ _prior(slope.shape[1], pools, trial) @ slope.T)
            white = linalg.solve_triangular(factor, gap, lower=True)
            return float(white @ white / 2 + np.log(np.diag(factor)).sum())

        best = optimize.minimize_scalar(loss, bounds=(0.05, 1.0), method="bounded", options={"xatol": 0.02})
        found[x] = float(best.x)
    return found


def normal_scores(points: Float) -> Float:
    """Return points of (0, 1) as normal scores."""
    return np.asarray(ndtri(np.clip(points, 1e-9, 1 - 1e-9)))
