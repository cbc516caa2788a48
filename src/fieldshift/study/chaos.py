"""Which unknowns an answer's spread comes from: Sobol indices, read off a polynomial that is fitted to given points.

The polynomial is a sum of terms in one or two unknowns, each orthonormal under the unknowns' own distributions, so
the square of a coefficient is the variance that its term brings. Terms are picked one after the other, and how many
is decided by cross-validation. Its `fit` is what the polynomial foretells of points it has not seen.

Source:
    Indices: Sobol' (1993), Sensitivity estimates for nonlinear mathematical models, Mathematical Modelling and
    Computational Experiment 1; total effects: Homma & Saltelli (1996), Reliability Engineering & System Safety 52.
    From polynomials: Sudret (2008), Global sensitivity analysis using polynomial chaos expansions, Reliability
    Engineering & System Safety 93; sparse: Blatman & Sudret (2011), Journal of Computational Physics 230.
    Picking terms: Pati, Rezaiifar & Krishnaprasad (1993), Orthogonal matching pursuit, 27th Asilomar Conference.
    Products only where one of the two matters alone (weak heredity): Chipman (1996), Canadian J. of Statistics 24.
    Intervals: Rubin (1981), The Bayesian bootstrap, Annals of Statistics 9(1).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["Indices", "Terms", "indices", "terms_of"]

Float: TypeAlias = npt.NDArray[np.float64]
Int: TypeAlias = npt.NDArray[np.int64]

_FOLDS = 5
_PARENTS = 8
"""Unknowns that may stand in a product with any other one, where there are many."""

_FEW, _SOME = 6, 15
_DEGREES = ((10, 10), (6, 4), (4, 3))
"""Highest degree of one unknown and of a product: where unknowns are few, some, many."""


@dataclass(frozen=True)
class Terms:
    """Terms that a polynomial may have, at some points.

    Attributes:
        columns: Each term at each point, shape (n, terms).
        factors: Which one or two factors each term is made of, shape (terms, 2); twice the same for one.
        count: How many factors there are.
    """

    columns: Float
    factors: Int
    count: int


@dataclass(frozen=True)
class Indices:
    """How an answer's spread is shared out over its unknowns, each number with its 80 % interval.

    Attributes:
        first: Share of the spread that goes where the unknown alone is known, shape (factors,).
        total: Share that stays where everything but the unknown is known, shape (factors,).
        first_band, total_band: Their 10 % and 90 % ends over the bootstrap, shape (2, factors).
        fit: Share of the spread that the polynomial foretells of points left out; under 0 it knows nothing.
        predicted: The polynomial at the points, shape (n,).
    """

    first: Float
    total: Float
    first_band: Float
    total_band: Float
    fit: float
    predicted: Float


def terms_of(
    polynomials: Sequence[Callable[[int], Float]], answers: Float, factors: Sequence[int] | None = None
) -> Terms:
    """Return the terms that a polynomial for some answers may have.

    Args:
        polynomials: For each unknown, what returns its orthonormal polynomials up to a degree at the points, (n, k).
        answers: Answers at the points, shape (n, m): where unknowns are many, those that matter alone for one of
            these may stand in products.
        factors: Which factor each unknown belongs to; each is its own by default. Correlated unknowns are one.
    """
    own = list(range(len(polynomials))) if factors is None else list(factors)
    few = len(polynomials) <= _FEW
    highest, paired = _DEGREES[0 if few else 1 if len(polynomials) <= _SOME else 2]
    each = [np.asarray(made(highest)) for made in polynomials]
    parents = range(len(each)) if few else _parents(each, answers)
    columns: list[Float] = [one[:, k] for one in each for k in range(one.shape[1])]
    made_of = [(own[i], own[i]) for i, one in enumerate(each) for _ in range(one.shape[1])]
    for i in range(len(each)):
        for j in range(i + 1, len(each)):
            if i in parents or j in parents:
                degrees = [(a, b) for a in range(paired - 1) for b in range(paired - 1 - a)]
                columns += [each[i][:, a] * each[j][:, b] for a, b in degrees]
                made_of += [(own[i], own[j])] * len(degrees)
    kept = [k for k, column in enumerate(columns) if column.any()]
    stacked = np.stack([columns[k] for k in kept], axis=1) if kept else np.zeros((len(answers), 0))
    return Terms(stacked, np.array([made_of[k] for k in kept], np.int64).reshape(-1, 2), max(own, default=-1) + 1)


def _parents(each: Sequence[Float], answers: Float) -> set[int]:
    """Return the unknowns whose own curve explains most of any answer."""
    apart = answers - answers.mean(axis=0)
    size = np.where((apart**2).sum(axis=0) > 0, (apart**2).sum(axis=0), 1.0)
    explained = []
    for one in each:
        columns = one[:, :2] - one[:, :2].mean(axis=0)
        fit = columns @ np.linalg.lstsq(columns, apart, rcond=None)[0]
        explained.append(((fit**2).sum(axis=0) / size).max(initial=0.0))
    return set(np.argsort(explained)[::-1][:_PARENTS].tolist())


def _picked(columns: Float, answers: Float, weights: Float, most: int) -> list[tuple[list[int], Float]]:
    """Return the first terms, one more in each entry, with their coefficients; the constant's stands first.

    Orthogonal matching pursuit under weights: the next term is the one most like what is left over.
    """
    root = np.sqrt(weights / weights.sum())
    y, constant = answers * root, root
    norms = np.sqrt(((columns * root[:, None]) ** 2).sum(axis=0))
    norms = np.where(norms > 0, norms, 1.0)
    basis, triangle = [constant], np.zeros((most + 1, most + 1))
    triangle[0, 0] = 1.0
    left = y - constant * (constant @ y)
    shares, chosen = [float(constant @ y)], list[int]()
    found = [(list[int](), np.array(shares))]
    free = np.ones(columns.shape[1], np.bool_)
    for step in range(1, most + 1):
        alike = np.abs((left * root) @ columns) / norms
        alike[~free] = -1.0
        best = int(alike.argmax()) if len(alike) else -1
        if best < 0 or alike[best] <= 1e-12 * (1.0 + abs(shares[0])):
            break
        free[best] = False
        new = columns[:, best] * root
        along = np.array([q @ new for q in basis])
        new = new - np.stack(basis, axis=1) @ along
        size = float(np.linalg.norm(new))
        if size < 1e-8 * norms[best]:
            continue
        at = len(basis)
        triangle[:at, at], triangle[at, at] = along, size
        basis.append(new / size)
        shares.append(float(basis[-1] @ left))
        left = left - basis[-1] * shares[-1]
        chosen.append(best)
        found.append((list(chosen), np.linalg.solve(triangle[: at + 1, : at + 1], np.array(shares))))
        if at >= most or step >= most:
            break
    return found


def _at(columns: Float, picked: tuple[list[int], Float]) -> Float:
    return np.asarray(picked[1][0] + columns[:, picked[0]] @ picked[1][1:])


def _shares(terms: Terms, picked: tuple[list[int], Float]) -> tuple[Float, Float]:
    """Return the first and total index of each factor."""
    variance = picked[1][1:] ** 2
    first, total = np.zeros(terms.count), np.zeros(terms.count)
    for term, part in zip(picked[0], variance.tolist(), strict=True):
        i, j = terms.factors[term].tolist()
        total[i] += part
        if i == j:
            first[i] += part
        else:
            total[j] += part
    whole = float(variance.sum())
    return (first / whole, total / whole) if whole > 0 else (first, total)


def indices(terms: Terms, answers: Float, generator: np.random.Generator, resamples: int = 100) -> Indices:
    """Return how the spread of an answer over points is shared out over its factors.

    Args:
        terms: Terms that the polynomial may have.
        answers: The answer at each point, shape (n,).
        generator: What the intervals are drawn with.
        resamples: How often all is fitted again for the intervals.
    """
    n = len(answers)
    spread = float(answers.var())
    nothing = np.zeros(terms.count)
    if n < 2 * _FOLDS or spread <= 1e-18 * (1.0 + float(np.abs(answers).max(initial=0.0))) ** 2:
        band = np.zeros((2, terms.count))
        return Indices(nothing, nothing, band, band, float("nan"), np.full(n, answers.mean() if n else 0.0))
    most = max(1, min(n // 4, 60, terms.columns.shape[1]))
    errors = np.zeros(most + 1)
    fold = np.arange(n) % _FOLDS
    for k in range(_FOLDS):
        seen, unseen = fold != k, fold == k
        path = _picked(terms.columns[seen], answers[seen], np.ones(int(seen.sum())), most)
        for size in range(most + 1):
            told = _at(terms.columns[unseen], path[min(size, len(path) - 1)])
            errors[size] += float(((answers[unseen] - told) ** 2).sum())
    size = int(errors.argmin())
    if not size:  # no term foretells anything: each share may be anything
        band = np.stack([nothing, np.ones(terms.count)])
        return Indices(nothing, nothing, band, band, 0.0, np.full(n, answers.mean()))
    own = _picked(terms.columns, answers, np.ones(n), size)[-1]
    drawn = []
    for _ in range(resamples):
        again = _picked(terms.columns, answers, generator.exponential(size=n), size)
        drawn.append(_shares(terms, again[-1]))
    bands = [np.quantile(np.stack([d[i] for d in drawn]), (0.1, 0.9), axis=0) for i in (0, 1)]
    first, total = _shares(terms, own)
    return Indices(first, total, bands[0], bands[1], 1.0 - errors[size] / (n * spread), _at(terms.columns, own))
