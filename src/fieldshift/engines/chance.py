"""Random numbers that are found by name, and exact binomial and Poisson draws from them.

A draw belongs to a stream (seed and block), a future, a cell (a site) and a period, not to an order of calls:
threads, batches, other blocks, other policies cannot change it. Both engines use the same compiled scalars,
the reference through the plural names: equal keys, equal whole numbers. In a loop:

    stream = stream_key(seed, "people", "quit"): once per block, in Python.
    lane(future, cell): once per run, for all blocks and periods; keep it in an array.
    phase(stream, period): once per block and period, outside the loop over cells.
    base = start(lane, phase): in the loop, one addition and one mix.
    uniform(base, 0): the base itself; every further uniform is one more mix.

Called from Python, compiled code hands a key back as an int: wrap it in np.uint64 before it is passed on.

Draws are exact up to the rounding of float64 and of the uniform (2**-53). The machine's own `exp`, `log` and
`log1p` may differ from another's in the last bit, which moves a count about once in 1e15 draws.

Source:
    Salmon, Moraes, Dror & Shaw (2011), Parallel random numbers: as easy as 1, 2, 3, SC11: no states.
    Steele, Lea & Flood (2014), Fast splittable pseudorandom number generators, OOPSLA: SplitMix64, its step
    GOLDEN and its mix with D. Stafford's multipliers.
    Kachitvichyanukul & Schmeiser (1988), Binomial random variate generation, CACM 31(2): BINV.
    Hoermann (1993), The generation of binomial random variates, J. Statist. Comput. Simul. 46: BTRS.
    Hoermann (1993), The transformed rejection method for generating Poisson random variables, Insurance:
    Mathematics and Economics 12(1): PTRS.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numba
import numpy as np
import numpy.typing as npt

from fieldshift.scenario.streams import stream_key

__all__ = [
    "bases",
    "binomial",
    "binomial_log",
    "binomials",
    "compiled",
    "lane",
    "lanes",
    "log_q",
    "mix",
    "phase",
    "pick",
    "place",
    "poisson",
    "poissons",
    "start",
    "stream_key",
    "uniform",
    "uniforms",
]

P = ParamSpec("P")
R = TypeVar("R")
Kind = TypeVar("Kind", np.int64, np.uint64, np.float64)
Word = TypeVar("Word", np.uint64, npt.NDArray[np.uint64])
Counts = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.float64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2**64 divided by the golden ratio, odd
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_12, _27, _30, _31 = np.uint64(12), np.uint64(27), np.uint64(30), np.uint64(31)
_ONE = np.uint64(1)
_PICKS = np.uint64(1 << 32)  # picks count from here, far above the uniforms any draw takes
_ULP = 2.0**-52

_SWITCH = 10.0  # means from here on are drawn by rejection: the methods are stated for 10 and more
_NOTHING = 1e-18  # a term below this is under the grain of a uniform
_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)
# What Stirling's formula lacks for small k: log k! - (log(2 pi)/2 + (k + 1/2) log(k + 1) - (k + 1)).
_TAILS = np.array([math.lgamma(k + 1.0) - _HALF_LOG_2PI - (k + 0.5) * math.log(k + 1.0) + (k + 1.0) for k in range(10)])


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function for the engines: cached on disk, without the lock, arithmetic in the order written.

    With NUMBA_DISABLE_JIT=1 it stays Python, and 64-bit products wrap as silently as they do compiled. numba
    does not see a change in a compiled function of another module: after editing this one, delete the caches
    (`__pycache__/*.nb?`) of the modules that call it.
    """
    if getattr(numba.config, "DISABLE_JIT", 0):
        quiet: Callable[P, R] = np.errstate(over="ignore")(function)
        return quiet
    fast: Callable[P, R] = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    return fast


# --------------------------------------------------------------------------------------- names


def _scrambled(x: Word) -> Word:
    """Return SplitMix64's mix of x: one to one, and every bit of x moves every bit of the answer."""
    x = (x ^ (x >> _30)) * _FIRST
    x = (x ^ (x >> _27)) * _SECOND
    return x ^ (x >> _31)


_scramble: Callable[[np.uint64], np.uint64] = compiled(_scrambled)


@compiled
def lane(future: int, cell: np.uint64) -> np.uint64:
    """Return the key of one cell in one future; it holds for all blocks and periods, so compute it once."""
    return _scramble(cell + _scramble(np.uint64(future) * _GOLDEN + _GOLDEN))


@compiled
def phase(stream: np.uint64, period: int) -> np.uint64:
    """Return the key of one stream in one period; compute it outside the loop over futures and cells."""
    return _scramble(stream + np.uint64(period) * _GOLDEN + _GOLDEN)


@compiled
def start(lane: np.uint64, phase: np.uint64) -> np.uint64:
    """Return the base of a draw, from which all its uniforms come."""
    return _scramble(lane + phase)


@compiled
def mix(base: np.uint64, k: np.uint64) -> np.uint64:
    """Return the k-th 64 random bits of a draw: the base itself, then SplitMix64 started from it."""
    if k == np.uint64(0):
        return base
    return _scramble(base + k * _GOLDEN)


@compiled
def uniform(base: np.uint64, k: np.uint64) -> float:
    """Return the k-th uniform: an odd multiple of 2**-53, so neither 0 nor 1, and 1 - u is exact."""
    return (float(np.int64(mix(base, k) >> _12)) + 0.5) * _ULP


@compiled
def pick(left: int, base: np.uint64, j: int) -> int:
    """Return which of the `left` who remain is the j-th hit, from 0; independent of the draw itself."""
    return int(uniform(base, _PICKS + np.uint64(j)) * left)


# --------------------------------------------------------------------------------------- draws


@compiled
def _tail(k: float) -> float:
    """Return what Stirling's formula lacks for log k! (Hoermann 1993)."""
    if k < 10.0:
        return float(_TAILS[int(k)])
    x = k + 1.0
    return (1.0 / 12.0 - (1.0 / 360.0 - 1.0 / 1260.0 / (x * x)) / (x * x)) / x


@compiled
def log_q(p: float) -> float:
    """Return the logarithm that `binomial_log` wants for p: of one minus the smaller of p and 1 - p."""
    return math.log1p(-min(p, 1.0 - p))


@compiled
def _invert(n: int, p: float, log_q: float, u: float) -> int:
    """Return the binomial number that u stands for, by summing terms from 0 up (BINV); n p < 10, p <= 1/2.

    The first term is q**n >= 1e-6, so a term under the grain of u lies beyond the mode and ends the search.
    """
    term = math.exp(n * log_q)
    odds = p / (1.0 - p)
    all_odds = (n + 1) * odds
    x = 0
    while u > term and x < n and term > _NOTHING:
        u -= term
        x += 1
        term *= all_odds / x - odds
    return x


@compiled
def _ratio(x: float, mode: float, n: int, odds: float) -> float:
    """Return the log of the chance of x over the chance of the mode, without large terms (Hoermann 1993)."""
    ratio = (mode + 0.5) * math.log((mode + 1.0) / (odds * (n - mode + 1.0)))
    ratio += (n + 1.0) * math.log((n - mode + 1.0) / (n - x + 1.0))
    ratio += (x + 0.5) * math.log(odds * (n - x + 1.0) / (x + 1.0))
    return ratio + _tail(mode) + _tail(n - mode) - _tail(x) - _tail(n - x)


@compiled
def _reject(n: int, p: float, base: np.uint64) -> int:
    """Return a binomial number by transformed rejection with squeeze (BTRS); n p >= 10, p <= 1/2."""
    odds = p / (1.0 - p)
    spread = math.sqrt(n * p * (1.0 - p))
    b = 1.15 + 2.53 * spread
    a = -0.0873 + 0.0248 * b + 0.01 * p
    squeeze = 0.92 - 4.2 / b
    mode = math.floor((n + 1) * p)
    k = np.uint64(0)
    while True:
        u = uniform(base, k) - 0.5
        v = uniform(base, k + _ONE)
        k += np.uint64(2)
        edge = 0.5 - abs(u)
        x = math.floor((2.0 * a / edge + b) * u + n * p + 0.5)
        if edge >= 0.07 and v <= squeeze:
            return int(x)
        if x < 0 or x > n:
            continue
        v *= (2.83 + 5.1 / b) * spread / (a / (edge * edge) + b)
        if math.log(v) <= _ratio(x, mode, n, odds):
            return int(x)


@compiled
def _some(n: int, p: float, log_q: float, base: np.uint64) -> int:
    """Return a binomial number where the screen did not settle it at 0."""
    if n <= 0 or not p > 0.0:
        return 0
    if p >= 1.0:
        return n
    u = uniform(base, np.uint64(0))
    if p <= 0.5:
        return _invert(n, p, log_q, u) if n * p < _SWITCH else _reject(n, p, base)
    # Who stays, of the mirrored uniform: a larger u still means more hits, as the screen supposes.
    q = 1.0 - p
    return n - (_invert(n, q, log_q, 1.0 - u) if n * q < _SWITCH else _reject(n, q, base))


@compiled
def binomial(n: int, p: float, base: np.uint64) -> int:
    """Return how many of n are hit, each with chance p.

    Most cells lose nobody in a period: as (1 - p)**n >= 1 - n p (Bernoulli), u < 1 - n p settles that without
    a power. Otherwise the same u is inverted: more people, more chance or a larger u never mean fewer hits.
    From n p = 10 on (n (1 - p), where p > 1/2) a rejection takes over, with further uniforms.

    Args:
        n: People or cases; none are hit where n <= 0.
        p: Chance; outside 0..1 it counts as the nearer end, and NaN as 0.
        base: The draw's base, from `start`.
    """
    if uniform(base, np.uint64(0)) < 1.0 - n * p:
        return 0
    return _some(n, p, log_q(p), base)


@compiled
def binomial_log(n: int, p: float, log_q: float, base: np.uint64) -> int:
    """Return the same as `binomial`, where `log_q(p)` of this module is already known."""
    if uniform(base, np.uint64(0)) < 1.0 - n * p:
        return 0
    return _some(n, p, log_q, base)


@compiled
def _arrive(mean: float, base: np.uint64) -> int:
    """Return a Poisson number by transformed rejection with squeeze (PTRS); mean >= 10."""
    b = 0.931 + 2.53 * math.sqrt(mean)
    a = -0.059 + 0.02483 * b
    squeeze = 0.9277 - 3.6224 / (b - 2.0)
    k = np.uint64(0)
    while True:
        u = uniform(base, k) - 0.5
        v = uniform(base, k + _ONE)
        k += np.uint64(2)
        edge = 0.5 - abs(u)
        x = math.floor((2.0 * a / edge + b) * u + mean + 0.43)
        if edge >= 0.07 and v <= squeeze:
            return int(x)
        if x < 0 or (edge < 0.013 and v > edge):
            continue
        v *= (1.1239 + 1.1328 / (b - 3.4)) / (a / (edge * edge) + b)
        # log of the chance of x
        bound = x * math.log(mean / (x + 1.0)) - 0.5 * math.log(x + 1.0) + (x + 1.0 - mean)
        if math.log(v) <= bound - _HALF_LOG_2PI - _tail(float(x)):
            return int(x)


@compiled
def poisson(mean: float, base: np.uint64) -> int:
    """Return how many arrive where `mean` are expected; inverted below 10, rejection from there on."""
    if not mean > 0.0:
        return 0
    if mean >= _SWITCH:
        return _arrive(mean, base)
    u = uniform(base, np.uint64(0))
    term = math.exp(-mean)
    x = 0
    while u > term > _NOTHING:
        u -= term
        x += 1
        term *= mean / x
    return x


# -------------------------------------------------------------------------------------- arrays


@compiled
def _fill_binomials(n: Counts, p: Numbers, bases: Keys, out: Counts) -> None:
    for i in range(len(out)):
        out[i] = binomial(n[i], p[i], bases[i])


@compiled
def _fill_poissons(mean: Numbers, bases: Keys, out: Counts) -> None:
    for i in range(len(out)):
        out[i] = poisson(mean[i], bases[i])


@compiled
def _fill_places(left: Counts, k: Counts, bases: Keys, out: Counts) -> None:
    futures, cohorts, cells = left.shape
    for d in range(futures):
        for c in range(cells):
            total = left[d, :, c].sum()
            for j in range(min(k[d, c], total)):
                turn = pick(total - j, bases[d, c], j)
                h = 0
                while h < cohorts - 1 and turn >= left[d, h, c]:
                    turn -= left[d, h, c]
                    h += 1
                left[d, h, c] -= 1
                out[d, h, c] += 1


def _flat(array: npt.ArrayLike, kind: type[Kind], shape: tuple[int, ...]) -> npt.NDArray[Kind]:
    """Return an own, flat, writable copy, so that each loop is compiled for one kind of array only."""
    return np.array(np.broadcast_to(np.asarray(array), shape), kind, order="C").reshape(-1)


def lanes(futures: npt.ArrayLike, cells: npt.ArrayLike) -> Keys:
    """Return the `lane` of each future (D,) and cell key (S,), shape (D, S)."""
    rows = _scrambled(np.asarray(futures).astype(np.uint64) * _GOLDEN + _GOLDEN)
    return _scrambled(np.asarray(cells, np.uint64) + rows[:, None])


def bases(stream: int | np.uint64, futures: npt.ArrayLike, cells: npt.ArrayLike, period: int) -> Keys:
    """Return the base of each draw of a stream in a period, for futures (D,) and cells (S,), shape (D, S)."""
    return _scrambled(lanes(futures, cells) + phase(np.uint64(stream), period))


def uniforms(bases: Keys, k: int = 0) -> Numbers:
    """Return the k-th uniform of each base, same shape."""
    bits = _scrambled(bases + np.asarray(k, np.uint64) * _GOLDEN) if k else bases
    return ((bits >> _12).astype(np.float64) + 0.5) * _ULP


def binomials(n: npt.ArrayLike, p: npt.ArrayLike, bases: Keys) -> Counts:
    """Return `binomial` of each n, p and base, all broadcast together."""
    shape = np.broadcast_shapes(np.shape(n), np.shape(p), bases.shape)
    out = np.empty(math.prod(shape), np.int64)
    people, chances = _flat(n, np.int64, shape), _flat(p, np.float64, shape)
    _fill_binomials(people, chances, _flat(bases, np.uint64, shape), out)
    return out.reshape(shape)


def poissons(mean: npt.ArrayLike, bases: Keys) -> Counts:
    """Return `poisson` of each mean and base, broadcast together."""
    shape = np.broadcast_shapes(np.shape(mean), bases.shape)
    out = np.empty(math.prod(shape), np.int64)
    _fill_poissons(_flat(mean, np.float64, shape), _flat(bases, np.uint64, shape), out)
    return out.reshape(shape)


def place(whole: npt.ArrayLike, k: npt.ArrayLike, bases: Keys) -> Counts:
    """Return the hits on each cohort of a pipeline, (D, cohorts, S), drawn one by one among all who are left.

    So a binomial number of the whole pipeline becomes one of each cohort. The work is hits times cohorts.

    Args:
        whole: People on each cohort, shape (D, cohorts, S); a pick depends on the order of the cohorts.
        k: Hits in all, shape (D, S), at most the people there are.
        bases: The bases that drew k, shape (D, S); picks take other uniforms.
    """
    left = np.array(whole, np.int64, order="C")
    out = np.zeros_like(left)
    _fill_places(left, np.array(k, np.int64, order="C"), np.array(bases, np.uint64, order="C"), out)
    return out
