"""Named random numbers: the laws they must follow, and the names they must keep."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from fieldshift.engines import chance

DRAWS = 100_000
UNLIKELY = 1e-5  # keys are fixed, so a test that passes once passes always; about 100 such tests are made
SIGMAS = 4.5
WORDS = st.integers(0, 2**64 - 1)


def some_bases(name, futures=DRAWS // 25, cells=25, period=3):
    return chance.bases(chance.stream_key(7, name), np.arange(futures), np.arange(cells), period)


def fits(draws, law):
    """The p-value of Pearson's test in about 30 bins of alike chance."""
    edges = np.unique(law.ppf(np.linspace(0.0, 1.0, 32)[1:-1]))
    chances = np.diff(np.concatenate([[0.0], law.cdf(edges), [1.0]]))
    seen = np.bincount(np.searchsorted(edges, draws.ravel()), minlength=len(chances))
    wide = chances * draws.size >= 5.0  # bins too thin for Pearson go together
    chances = np.append(chances[wide], chances[~wide].sum())
    seen = np.append(seen[wide], seen[~wide].sum())
    if chances[-1] * draws.size < 5.0:
        assert seen[-1] <= 30, "far too many in bins that should be almost empty"
        chances, seen = chances[:-1], seen[:-1]
    if len(seen) < 2:
        return 1.0
    return stats.chisquare(seen, chances / chances.sum() * seen.sum()).pvalue


def moments_agree(draws, law):
    mean, variance, kurtosis = (float(x) for x in law.stats("mvk"))
    off = (draws.mean() - mean) / np.sqrt(variance / draws.size)
    spread = (draws.var() / variance - 1.0) / np.sqrt((kurtosis + 2.0) / draws.size)
    return abs(off) < SIGMAS and abs(spread) < SIGMAS


# ------------------------------------------------------------------------------------------ laws


@pytest.mark.parametrize("n", [1, 5, 30, 1000, 1_000_000])
@pytest.mark.parametrize("p", [1e-6, 0.01, 0.3, 0.5, 0.7, 0.99])
def test_binomial_follows_its_law(n, p):
    draws = chance.binomials(n, p, some_bases(f"{n} {p}"))
    law = stats.binom(n, p)
    assert fits(draws, law) > UNLIKELY
    if n > 1 and n * p * (1 - p) > 0.1:
        assert moments_agree(draws, law)


@pytest.mark.parametrize(
    ("n", "p"),
    [
        (19, 0.5),  # 9.5, inverted
        (20, 0.5),  # 10, rejected: the smallest n of all
        (21, 0.5),
        (21, 0.52),
        (1000, 0.00999),
        (1000, 0.01),
        (1000, 0.0101),
        (1000, 0.99),
        (10_000_000, 0.99e-6),
        (10_000_000, 1.1e-6),
    ],
)
def test_the_two_methods_meet_without_a_seam(n, p):
    draws = chance.binomials(n, p, some_bases(f"seam {n} {p}", futures=16_000))
    law = stats.binom(n, p)
    assert fits(draws, law) > UNLIKELY
    assert moments_agree(draws, law)


@pytest.mark.parametrize(("n", "p"), [(10_000_000, 0.3), (10_000_000, 2e-5), (3_000_000_000, 0.9)])
def test_large_numbers_of_cases_are_exact(n, p):
    draws = chance.binomials(n, p, some_bases(f"large {n} {p}"))
    assert fits(draws, stats.binom(n, p)) > UNLIKELY
    assert moments_agree(draws, stats.binom(n, p))


@pytest.mark.parametrize("mean", [1e-3, 0.5, 3.0, 9.99, 10.0, 10.5, 40.0, 20_000.0, 1e7])
def test_poisson_follows_its_law(mean):
    draws = chance.poissons(mean, some_bases(f"poisson {mean}"))
    assert fits(draws, stats.poisson(mean)) > UNLIKELY
    assert moments_agree(draws, stats.poisson(mean))


@pytest.mark.parametrize("law", [stats.binom(20, 0.5), stats.poisson(10.0)], ids=["binomial", "poisson"])
def test_where_rejection_begins_millions_of_draws_fit(law):
    bases = some_bases("millions", futures=200_000)
    draws = chance.binomials(*law.args, bases) if len(law.args) == 2 else chance.poissons(*law.args, bases)
    assert fits(draws, law) > UNLIKELY
    assert moments_agree(draws, law)


def test_stirling_is_mended_for_small_numbers():
    k = np.arange(2000.0)
    short = special.gammaln(k + 1) - 0.5 * np.log(2 * np.pi) - (k + 0.5) * np.log(k + 1) + k + 1
    np.testing.assert_allclose([chance._tail(x) for x in k], short, atol=2e-8)


@pytest.mark.parametrize(("n", "p"), [(20, 0.5), (60, 0.21), (1000, 0.3), (10_000_000, 2e-5)])
def test_the_rejection_weighs_every_number_by_its_chance(n, p):
    law, mode, odds = stats.binom(n, p), np.floor((n + 1) * p), p / (1 - p)
    x = np.unique(law.ppf(np.linspace(1e-12, 1.0 - 1e-12, 400)))
    ratio = [chance._ratio(k, mode, n, odds) for k in x]
    np.testing.assert_allclose(ratio, law.logpmf(x) - law.logpmf(mode), atol=1e-6)


def test_a_slightly_wrong_law_is_noticed():
    draws = chance.binomials(1000, 0.0505, some_bases("wrong"))
    assert fits(draws, stats.binom(1000, 0.0505)) > UNLIKELY
    assert fits(draws, stats.binom(1000, 0.05)) < UNLIKELY
    assert not moments_agree(draws, stats.binom(1000, 0.05))


@pytest.mark.parametrize(("n", "p"), [(1, 0.3), (1, 0.7), (100, 0.001), (100, 0.05), (15, 0.6), (30, 0.9)])
def test_below_ten_the_draw_is_the_quantile_of_its_first_uniform(n, p):
    bases = some_bases("quantile")
    draws = chance.binomials(n, p, bases)
    np.testing.assert_array_equal(draws, stats.binom(n, p).ppf(chance.uniforms(bases)))


def test_poisson_below_ten_is_the_quantile_of_its_first_uniform():
    bases = some_bases("quantile")
    np.testing.assert_array_equal(chance.poissons(3.5, bases), stats.poisson(3.5).ppf(chance.uniforms(bases)))


@pytest.mark.parametrize(
    ("n", "p", "answer"),
    [
        (0, 0.5, 0),
        (-3, 0.5, 0),
        (7, 0.0, 0),
        (7, -0.1, 0),
        (7, 1.0, 7),
        (7, 1.1, 7),
        (7, np.nan, 0),
        (-3, -1, 0),
    ],
)
def test_edges_of_the_binomial(n, p, answer):
    assert np.all(chance.binomials(n, p, some_bases("edges", 40)) == answer)


def test_edges_of_poisson():
    for mean in (0.0, -1.0, np.nan):
        assert np.all(chance.poissons(mean, some_bases("edges", 40)) == 0)


@pytest.mark.parametrize("word", [0, 2**64 - 1])
def test_the_ends_of_the_uniform_are_harmless(word):
    base = np.uint64(word)
    u = chance.uniform(base, np.uint64(0))
    assert 0.0 < u < 1.0
    assert u in (2.0**-53, 1.0 - 2.0**-53)
    assert 0 <= chance.binomial(10_000_000, 1e-9, base) <= 12
    assert 0 <= chance.binomial(100, 0.09, base) <= 60
    assert 0 <= chance.poisson(9.9, base) <= 60
    assert chance.binomial(1, 0.5, base) == (word > 0)


@given(n=st.integers(-5, 20_000_000), p=st.floats(0.0, 1.0), word=WORDS)
def test_no_more_are_hit_than_there_are(n, p, word):
    base = np.uint64(word)
    draw = chance.binomial(n, p, base)
    assert 0 <= draw <= max(n, 0)
    assert draw == chance.binomial(n, p, base)
    assert draw == chance.binomial_log(n, p, chance.log_q(p), base)
    assert draw == chance.binomials(n, p, np.array([base]))[0]


@given(mean=st.floats(0.0, 1e9), word=WORDS)
def test_arrivals_are_whole_and_near_their_mean(mean, word):
    draw = chance.poisson(mean, np.uint64(word))
    assert abs(draw - mean) <= 10.0 * np.sqrt(mean) + 20.0
    assert draw == chance.poissons(mean, np.array([word], np.uint64))[0]


@given(n=st.integers(0, 18), p=st.floats(0.0, 1.0), word=st.integers(2**20, 2**64 - 2**20))
def test_more_people_or_more_chance_never_mean_fewer_hits(n, p, word):
    base = np.uint64(word)  # not within 1e-13 of 0 or 1, where the sum of the terms is rounded
    assert chance.binomial(n, p, base) <= chance.binomial(n + 1, p, base)
    assert chance.binomial(n, p * 0.9, base) <= chance.binomial(n, p, base)


# ----------------------------------------------------------------------------------------- names


def test_streams_have_the_keys_they_always_had():
    assert chance.stream_key(1, "people", "quit") == GOLDEN_STREAM
    assert chance.stream_key(0) == GOLDEN_EMPTY
    keys = {chance.stream_key(s, *names) for s in (-1, 0, 1, 10**30) for names in NAMES}
    assert len(keys) == 4 * len(NAMES)


NAMES = [(), ("",), ("ab",), ("a", "b"), ("b", "a"), ("a", "b", ""), ("straße",)]
GOLDEN_STREAM = 13540426784108626480
GOLDEN_EMPTY = 17226155009460466878


def test_mix_is_splitmix64():
    # The first outputs of SplitMix64 from state 0, as in S. Vigna's reference code.
    known = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert [int(chance.mix(np.uint64(0), np.uint64(k))) for k in (1, 2, 3)] == known
    assert int(chance.mix(np.uint64(12345), np.uint64(0))) == 12345


def test_bases_and_draws_are_the_ones_they_always_were():
    bases = chance.bases(chance.stream_key(1, "people", "quit"), [0, 9999], [5, 2**64 - 1], 155)
    assert [int(b) for b in bases.ravel()] == GOLDEN_BASES
    assert chance.binomials([[100, 100], [1000, 1000]], [[0.05, 0.9], [0.05, 0.5]], bases).tolist() == GOLDEN_HITS
    assert chance.poissons([[2.0, 9.0], [50.0, 1e6]], bases).tolist() == GOLDEN_ARRIVALS
    assert chance.place(np.full((2, 3, 2), 4), np.full((2, 2), 5), bases).tolist() == GOLDEN_PLACES


GOLDEN_BASES = [16180763530610988790, 10142895536150050503, 1736376536861382846, 13153465837078012056]
GOLDEN_HITS = [[8, 91], [49, 510]]
GOLDEN_ARRIVALS = [[4, 9], [49, 1000632]]
GOLDEN_PLACES = [[[2, 0], [0, 3], [3, 2]], [[2, 2], [1, 0], [2, 3]]]


def test_a_draw_depends_on_its_name_alone():
    stream, cells = chance.stream_key(1, "quit"), np.array([11, 2**63 + 5, 7], np.uint64)
    n = np.array([[100, 400, 3]])
    whole = chance.binomials(n, 0.05, chance.bases(stream, np.arange(50), cells, 8))
    order, some = np.array([2, 0, 1]), np.array([31, 4])
    part = chance.binomials(n[:, order], 0.05, chance.bases(stream, some, cells[order], 8))
    np.testing.assert_array_equal(part, whole[some][:, order])
    for d in (0, 49):
        place, moment = np.uint64(chance.lane(d, cells[1])), np.uint64(chance.phase(np.uint64(stream), 8))
        assert chance.binomial(400, 0.05, np.uint64(chance.start(place, moment))) == whole[d, 1]


def test_arrays_broadcast_and_may_be_empty_or_read_only():
    bases = some_bases("shapes", 6, 4)
    n, p = np.arange(24).reshape(6, 4), np.linspace(0.0, 1.0, 6)[:, None]
    n.flags.writeable = bases.flags.writeable = False
    draws = chance.binomials(n, p, bases)
    assert draws.dtype == np.int64
    alone = [[chance.binomial(n[d, c], p[d, 0], bases[d, c]) for c in range(4)] for d in range(6)]
    np.testing.assert_array_equal(draws, alone)
    np.testing.assert_array_equal(chance.binomials(n.T, p.T, bases.T), draws.T)
    assert chance.binomials(np.empty((0, 4)), 0.5, bases[:0]).shape == (0, 4)
    assert chance.poissons(2.0, some_bases("none", 6, 0)).shape == (6, 0)


@pytest.mark.parametrize("k", [0, 1, 7])
def test_uniforms_of_arrays_are_those_of_scalars(k):
    bases = some_bases("uniforms", 3, 2)
    alone = [[chance.uniform(b, np.uint64(k)) for b in row] for row in bases]
    np.testing.assert_array_equal(chance.uniforms(bases, k), alone)


# ----------------------------------------------------------------------------------- neighbours


def cube():
    """Words for neighbouring streams, periods, futures, cells and counters, the keys as plain as can be."""
    words = np.array([[chance.bases(s, np.arange(64), np.arange(16), t) for t in range(8)] for s in range(4)])
    counted = [[chance.mix(w, np.uint64(k)) for k in range(8)] for w in words.ravel()[:8192]]
    return words, np.array(counted, np.uint64)


WORDS_BY_NAME, WORDS_BY_COUNT = cube()


def neighbours():
    for axis, name in enumerate(("stream", "period", "future", "cell")):
        end = WORDS_BY_NAME.shape[axis]
        yield pytest.param(WORDS_BY_NAME.take(range(end - 1), axis), WORDS_BY_NAME.take(range(1, end), axis), id=name)
    yield pytest.param(WORDS_BY_COUNT[:, :-1], WORDS_BY_COUNT[:, 1:], id="counter")


@pytest.mark.parametrize(("one", "other"), list(neighbours()))
def test_neighbours_have_nothing_in_common(one, other):
    one, other = one.ravel(), other.ravel()
    x, y = chance.uniforms(one), chance.uniforms(other)
    assert abs(np.corrcoef(x, y)[0, 1]) * np.sqrt(len(x)) < SIGMAS
    pairs = np.bincount((x * 16).astype(int) * 16 + (y * 16).astype(int), minlength=256)
    assert stats.chisquare(pairs).pvalue > UNLIKELY
    bits = np.unpackbits((one ^ other).view(np.uint8)).reshape(-1, 64)
    assert np.abs(bits.mean(axis=0) - 0.5).max() * 2.0 * np.sqrt(len(bits)) < SIGMAS
    assert abs(bits.sum(axis=1).var() / 16.0 - 1.0) * np.sqrt(len(bits) / 2.0) < SIGMAS


@pytest.mark.parametrize("words", [WORDS_BY_NAME, WORDS_BY_COUNT], ids=["name", "counter"])
def test_bits_are_balanced_and_uniforms_even(words):
    bits = np.unpackbits(words.ravel().view(np.uint8)).reshape(-1, 64)
    assert np.abs(bits.mean(axis=0) - 0.5).max() * 2.0 * np.sqrt(len(bits)) < SIGMAS
    assert stats.kstest(chance.uniforms(words).ravel(), "uniform").pvalue > UNLIKELY
    assert len(np.unique(words)) == words.size


def test_sums_over_futures_cells_and_periods_scatter_as_independent_draws_do():
    stream = chance.stream_key(3, "sums")
    draws = np.array(
        [chance.binomials(50, 0.02, chance.bases(stream, np.arange(400), range(25), t)) for t in range(60)]
    )
    for axes in ((0, 1), (0, 2), (1, 2), (0,), (1,), (2,)):
        sums = draws.sum(axis=axes).ravel()
        terms = draws.size / sums.size
        ratio = sums.var(ddof=1) / (terms * 50 * 0.02 * 0.98)
        assert abs(ratio - 1.0) < SIGMAS * np.sqrt((2.0 + 1.0 / terms) / (len(sums) - 1))


# ------------------------------------------------------------------------------------- pipelines


def test_placed_hits_fall_on_people_who_are_there():
    whole = np.tile(np.array([5, 0, 40, 1, 4])[None, :, None], (4000, 1, 5))
    bases = some_bases("place", 4000, 5)
    k = chance.binomials(whole.sum(axis=1), 0.2, bases)
    placed = chance.place(whole, k, bases)
    np.testing.assert_array_equal(placed.sum(axis=1), k)
    assert np.all(placed >= 0)
    assert np.all(placed <= whole)
    for h in (0, 2, 3, 4):
        assert fits(placed[:, h], stats.binom(whole[0, h, 0], 0.2)) > UNLIKELY
    assert abs(np.corrcoef(placed[:, 0].ravel(), placed[:, 2].ravel())[0, 1]) * np.sqrt(20_000) < SIGMAS
    np.testing.assert_array_equal(chance.place(whole, whole.sum(axis=1), bases), whole)


def test_picks_of_a_given_number_are_hypergeometric():
    bases = some_bases("pick", 4000, 5)
    placed = chance.place(np.tile(np.array([12, 30])[None, :, None], (4000, 1, 5)), np.full((4000, 5), 10), bases)
    assert fits(placed[:, 0], stats.hypergeom(42, 12, 10)) > UNLIKELY


# -------------------------------------------------------------------------------------- plain Python

PLAIN = """
import numpy as np
from fieldshift.engines import chance
bases = chance.bases(chance.stream_key(2, "plain"), range(40), range(5), 3)
for n, p in ((100, 0.001), (100, 0.05), (1000, 0.05), (1000, 0.7), (7, 0.6)):
    print(chance.binomials(n, p, bases).sum(axis=0).tolist())
print(chance.poissons(4.0, bases).sum(axis=0).tolist(), chance.poissons(40.0, bases).sum(axis=0).tolist())
print(chance.place(np.full((40, 3, 5), 6), np.full((40, 5), 7), bases).sum(axis=0).tolist())
print(chance.lane(3, np.uint64(4)), chance.mix(bases[0, 0], np.uint64(2)))
"""


def test_without_the_compiler_the_numbers_are_the_same():
    said = [
        subprocess.run(
            [sys.executable, "-W", "error", "-c", PLAIN],
            env={**os.environ, "NUMBA_DISABLE_JIT": off},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for off in ("0", "1")
    ]
    assert said[0] == said[1]
    assert said[0].count("\n") == 8
