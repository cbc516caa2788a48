"""What a fitted scenario says of the rows to come, given those that were known.

Futures are simulated from the horizon's start with the posterior's unknowns and conditioned on every known row: given
the unknowns, chance and unexplained parts are Gaussian, so each future is moved by what its own past missed. A level
goes on from where it was last seen.

Source:
    Matheron's rule, as in Journel & Huijbregts (1978), Mining Geostatistics, and Evensen (2003), The ensemble Kalman
    filter, Ocean Dynamics 53 (the smoother, with perturbed observations).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg
from scipy.special import ndtr

from fieldshift.scenario.beliefs import believed
from fieldshift.scenario.observed import Span, ended, longer
from fieldshift.scenario.schema import Scenario, Series
from fieldshift.scenario.streams import stream_key
from fieldshift.scenario.values import unknowns
from fieldshift.study.fitted import Fitted
from fieldshift.study.observing import Rows
from fieldshift.study.past import as_known, covering, each_site, known_part
from fieldshift.study.paths import Model
from fieldshift.study.spread import Extra, chained, chol, scales

__all__ = ["Foreseen", "foreseen"]

Float = npt.NDArray[np.float64]

_GROUPS = 100
"""Points of the posterior that futures believe, at most."""

_EACH = 4
"""Futures of one point, at least: chance is told from unknowns by what they differ in."""


@dataclass(frozen=True)
class Foreseen:
    """Futures of the rows to come.

    Attributes:
        rows: The rows to come; their values are not known.
        futures: What each future says of them, shape (draws, n).
    """

    rows: Rows
    futures: Float


def foreseen(
    scenario: Scenario, fit: Fitted, end: dt.date, given: Sequence[str], draws: int, workers: int | None = None
) -> Foreseen:
    """Return futures of the fitted series until a day.

    Args:
        scenario: The scenario that the fit is of.
        fit: The fit; its day is the origin, and nothing that was not known then is used beside what is given.
        end: The last day.
        given: Inputs that are known until then.
        draws: How many futures.
        workers: Threads; the result does not depend on it.
    """
    origin, seed = fit.wanted.until, fit.wanted.seed
    whole = as_known(known_part(scenario, origin, given, end))
    whole, _ = each_site(whole, fit.wanted.by_site)
    whole = covering(whole, end)
    rows = _joined(whole, fit.rows, end)
    model = Model(whole, fit.wanted.policy, rows)
    groups = max(1, min(_GROUPS, draws // _EACH))
    each = -(-draws // groups)
    lived = model.futures(_believed(whole, fit, groups), each, seed, workers)
    known = ~np.isnan(rows.values)
    half = rows.differenced(chained(lived, rows, groups))
    extra = Extra(rows, np.maximum(scales(rows), _levels(rows, lived))).cover(fit.unexplained)
    cover = rows.differenced(half.T) + extra
    generator = np.random.Generator(np.random.PCG64(stream_key(seed, "backtest", "unexplained")))
    changes = rows.differenced(lived) + generator.standard_normal(lived.shape) @ chol(extra).T
    if known.any():
        seen = rows.differenced(rows.values)[known]
        gain = linalg.cho_solve((chol(cover[np.ix_(known, known)]), True), (seen - changes[:, known]).T)
        changes[:, ~known] += (cover[np.ix_(~known, known)] @ gain).T
        changes[:, known] = seen
    levels = np.maximum(rows.summed(changes), 0.0)
    return Foreseen(rows.take(~known), levels[:draws, ~known])


def _levels(rows: Rows, lived: Float) -> Float:
    """Return what the model says of flows to come, where their level may be another than before; 0 elsewhere."""
    return np.where(np.isnan(rows.values) & ~rows.stock, np.abs(lived.mean(axis=0)), 0.0)


def _believed(scenario: Scenario, fit: Fitted, groups: int) -> list[dict[str, float]]:
    """Return what each group believes: a point of the posterior, and of the declared ranges of what was not fitted."""
    paths = [unknown.path for unknown in fit.fitted]
    points = ndtr(fit.sample.scores)
    picked = points[np.linspace(0, len(points) - 1, groups).astype(int)]
    other = [unknown.path for unknown in unknowns(scenario) if unknown.path not in paths]
    drawn = believed(scenario, groups, fit.wanted.seed) if other else {}
    fitted = ({path: float(u) for path, u in zip(paths, row, strict=True)} for row in picked)
    return [{path: float(drawn[path][g]) for path in other} | one for g, one in enumerate(fitted)]


def _joined(scenario: Scenario, past: Rows, end: dt.date) -> Rows:
    """Return the known rows and, after those of each series and site, the rows to come until a day."""
    pieces: list[tuple[int, str, Span, float, bool]] = []
    for x, name in enumerate(past.names):
        mine = np.flatnonzero(past.series == x).tolist()
        for site in dict.fromkeys(past.sites[i] for i in mine):
            own = [i for i in mine if past.sites[i] == site]
            level = bool(past.stock[own[0]])
            pieces += [(x, site, past.spans[i], float(past.values[i]), level) for i in own]
            coming = _coming(scenario.history[name], [past.spans[i] for i in own], end)
            pieces += [(x, site, span, float("nan"), level) for span in coming]
    return Rows(
        past.names,
        np.array([p[0] for p in pieces], np.int64),
        tuple(p[1] for p in pieces),
        tuple(p[2] for p in pieces),
        np.array([p[3] for p in pieces], np.float64),
        np.array([p[4] for p in pieces], np.bool_),
    )


def _coming(series: Series, known: Sequence[Span], end: dt.date) -> list[Span]:
    """Return the intervals that follow the last known one until a day, each as long as that one."""
    last = known[-1]
    word = _word(last)
    found: list[Span] = []
    while True:
        first = last.after
        after = longer(first, word, 1)
        span = Span(first, after)
        if ended(series, span) > end or len(found) > 6000:
            return found
        found.append(span)
        last = span


def _word(span: Span) -> str:
    days = (span.after - span.first).days
    limits = (("day", 3), ("week", 20), ("month", 60), ("quarter", 200))
    return next((word for word, most in limits if days <= most), "year")
