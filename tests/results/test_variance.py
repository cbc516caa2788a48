"""Luck and ignorance told apart, on spreads whose parts are known."""

import numpy as np
import pytest

from fieldshift.results.variance import split


def drawn(groups, each, between, within, seed=0):
    made = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), each)
    return made.normal(scale=between, size=groups)[group] + made.normal(scale=within, size=len(group)), group


def test_both_parts_are_found_on_average():
    found = [split(*drawn(25, 40, 3.0, 4.0, seed)) for seed in range(200)]
    assert np.mean([f.luck[0] for f in found]) == pytest.approx(16.0, rel=0.02)
    assert np.mean([f.ignorance[0] for f in found]) == pytest.approx(9.0, rel=0.05)


def test_luck_alone_is_not_taken_for_ignorance():
    found = [split(*drawn(25, 8, 0.0, 4.0, seed)) for seed in range(200)]
    naive = [np.var([v[g == k].mean() for k in range(25)]) for v, g in (drawn(25, 8, 0.0, 4.0, s) for s in range(200))]
    assert np.mean(naive) > 1.8  # what the spread of group means would claim
    assert np.median([f.ignorance[0] for f in found]) < 0.3


def test_ignorance_alone():
    values = np.repeat([1.0, 2.0, 5.0], 4)
    found = split(values, np.repeat(np.arange(3), 4))
    assert found.share[0] == 1.0
    assert found.share_of_band[0] == 1.0
    assert found.luck[0] == 0.0


def test_the_parts_of_a_worked_example():
    # Groups (0, 2) and (4, 8): within 2 and 8 on one degree each, so 5; between 25 * 1 on one degree, so (25 - 5) / 2.
    found = split(np.array([0.0, 2.0, 4.0, 8.0]), np.array([0, 0, 1, 1]))
    assert found.luck[0] == pytest.approx(5.0)
    assert found.ignorance[0] == pytest.approx(10.0)
    assert found.share[0] == pytest.approx(10.0 / 15.0)


def test_widths_are_shared_out():
    values, group = drawn(400, 50, 3.0, 3.0, 7)
    found = split(values, group)
    assert found.width[0] == pytest.approx(2 * 1.2816 * np.sqrt(18.0), rel=0.05)
    assert found.width_known[0] == pytest.approx(2 * 1.2816 * 3.0, rel=0.03)
    assert found.share_of_band[0] == pytest.approx(0.5, abs=0.05)


def test_what_cannot_be_told_is_not_a_number():
    one_each = split(np.array([1.0, 2.0, 3.0]), np.arange(3))
    assert np.isnan(one_each.share[0])
    nothing = split(np.ones(6), np.repeat([0, 1], 3))
    assert np.isnan(nothing.share[0])
    one_group = split(np.array([1.0, 2.0, 3.0]), np.zeros(3, np.int64))
    assert one_group.share[0] == 0.0


def test_futures_without_a_value_are_left_out():
    values, group = drawn(6, 5, 1.0, 1.0)
    holed = np.stack([values, values], axis=1)
    holed[3, 1] = np.nan
    found = split(holed, group)
    again = split(np.delete(values, 3), np.delete(group, 3))
    assert found.luck[0] == split(values, group).luck[0]
    assert found.luck[1] == pytest.approx(again.luck[0])
    assert found.width[1] == pytest.approx(again.width[0])
