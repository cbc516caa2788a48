"""The corner in which a policy fails, on failures that are put there."""

import numpy as np
import pytest

from fieldshift.study.discovery import discover


@pytest.mark.parametrize("seed", range(5))
def test_a_corner_of_two_unknowns_among_sixty_is_found(seed):
    made = np.random.default_rng(seed)
    ranks = made.random((200, 60))
    fails = ((ranks[:, 3] > 0.7) & (ranks[:, 10] < 0.5)) | (made.random(200) < 0.03)
    box = discover(ranks, fails)
    assert {side.unknown for side in box.sides} == {3, 10}
    by = {side.unknown: side for side in box.sides}
    assert by[3].low == pytest.approx(0.7, abs=0.06)
    assert by[10].high == pytest.approx(0.5, abs=0.06)
    assert box.coverage > 0.7
    assert box.density > 0.85
    assert all(side.chance < 0.001 for side in box.sides)


def test_coverage_and_density_are_those_of_the_box():
    made = np.random.default_rng(9)
    ranks = made.random((300, 4))
    fails = ranks[:, 1] < 0.3
    box = discover(ranks, fails)
    (side,) = box.sides
    inside = (ranks[:, side.unknown] >= side.low) & (ranks[:, side.unknown] <= side.high)
    assert side.unknown == 1
    assert box.coverage == fails[inside].sum() / fails.sum() == 1.0
    assert box.density == fails[inside].mean()
    assert box.mass == inside.mean()
    assert box.failing == fails.mean()


def test_failures_by_chance_have_no_corner():
    found = []
    for seed in range(20):
        made = np.random.default_rng(seed)
        found.append(discover(made.random((200, 30)), made.random(200) < 0.25))
    assert sum(box is not None for box in found) <= 2


@pytest.mark.parametrize("fails", [np.zeros(50, bool), np.ones(50, bool)])
def test_never_and_always_have_no_corner(fails):
    assert discover(np.random.default_rng(0).random((50, 3)), fails) is None
