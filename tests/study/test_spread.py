"""What rows may differ by: chance told from few futures, and what the model does not explain."""

import datetime as dt

import numpy as np
import pytest

from fieldshift.scenario.observed import Span
from fieldshift.study.observing import Rows
from fieldshift.study.spread import Extra, Unexplained, chained, estimated

DAY = dt.timedelta(days=1)


def months(count, series=1, stock=False, sites=("",)):
    spans = [
        Span(dt.date(2020 + i // 12, i % 12 + 1, 1), dt.date(2020 + (i + 1) // 12, (i + 1) % 12 + 1, 1))
        for i in range(count)
    ]
    n = series * len(sites) * count
    return Rows(
        tuple(f"s{x}" for x in range(series)),
        np.repeat(np.arange(series), n // series),
        tuple(site for _ in range(series) for site in sites for _ in range(count)),
        tuple(span for _ in range(series * len(sites)) for span in spans),
        np.full(n, 100.0),
        np.full(n, stock),
    )


def test_differences_and_sums_undo_each_other():
    rows = months(6, series=2, stock=True)
    values = np.random.default_rng(1).normal(size=(3, 12))
    changes = rows.differenced(values)
    assert changes[:, 0] == pytest.approx(values[:, 0])
    assert changes[:, 7] == pytest.approx(values[:, 7] - values[:, 6])
    assert rows.summed(changes) == pytest.approx(values)


def test_the_covariance_of_a_random_walk_is_found_from_few_futures():
    rows = months(24, stock=True)
    steps = np.random.default_rng(2).normal(size=(400, 24))
    found = chained(np.cumsum(steps, axis=1), rows)
    exact = np.minimum.outer(np.arange(1, 25), np.arange(1, 25)).astype(float)
    assert np.abs(found - exact).max() / 24 < 0.15
    # What the walk does next does not depend on where it was: the plain sample covariance cannot say so.
    plain = np.cov(np.cumsum(steps, axis=1).T)
    off = ~np.eye(24, dtype=bool)
    assert np.abs(rows.differenced(rows.differenced(found).T)[off]).max() < 0.08
    assert np.abs(rows.differenced(rows.differenced(plain).T)[off]).max() > 0.12


def test_what_follows_from_what_stays_exact():
    rows = months(12, series=2)
    one = np.random.default_rng(3).normal(size=(400, 12)) * 10
    found = chained(np.hstack([one, 3 * one]), rows)
    gap = found[12:, 12:] - 9 * found[:12, :12]
    assert np.abs(gap).max() < 0.02 * np.abs(found).max()


def test_spread_between_groups_that_believe_otherwise_is_not_chance():
    rows = months(4)
    generator = np.random.default_rng(4)
    sample = generator.normal(size=(400, 4)) + np.repeat(np.arange(100) * 5.0, 4)[:, None]
    assert np.diag(chained(sample, rows, groups=100)) == pytest.approx(np.ones(4), rel=0.25)


def test_what_is_unexplained_is_estimated_where_there_is_some_and_not_where_there_is_none():
    rows = months(48)
    generator = np.random.default_rng(5)
    chance = np.eye(48) * 9.0
    none = estimated(rows, 3 * generator.normal(size=48), chance, (Unexplained(0.05, 0.0),))
    assert none[0].share < 1e-3
    carried = np.zeros(48)
    for i in range(48):
        carried[i] = 0.8 * carried[i - 1] * (i > 0) + 0.6 * 20 * generator.normal()
    some = estimated(rows, 3 * generator.normal(size=48) + carried, chance, (Unexplained(0.05, 0.0),))
    assert some[0].share == pytest.approx(0.2, rel=0.5)
    assert some[0].carried == pytest.approx(0.8, abs=0.25)


def test_unexplained_changes_of_a_level_add_up_and_sites_may_share_them():
    rows = months(3, stock=True, sites=("a", "b"))
    cover = Extra(rows).cover((Unexplained(0.1, 0.0, 0.5),))
    assert np.diag(cover) == pytest.approx(np.full(6, 100.0), rel=0.1)
    assert cover[0, 3] == pytest.approx(50.0)
    assert cover[0, 1] == cover[0, 4] == 0.0
