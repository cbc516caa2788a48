"""The plan replayed through the mean step is the program's trajectory."""

from __future__ import annotations

import numpy as np
import pytest

from fieldshift import build, cases, read
from fieldshift.engines.live import live
from fieldshift.engines.optimize import groups_for, optimize
from fieldshift.engines.reference import MeanEngine, Reference


def _replayed(case: str, coarsen):
    scenario = read(case)
    network = build(scenario)
    solution = optimize(network, scenario.goals, coarsen=coarsen)
    layout = solution.program.columns
    size = layout.size * network.n_cells
    planned = solution.columns[layout.people : layout.people + size].reshape(layout.size, -1)
    trace = live(MeanEngine(network), solution.plan)
    return network, solution, planned, trace


def test_the_tutorial_is_among_the_cases():
    assert "academy" in cases()


def test_the_plan_replayed_through_the_mean_step_is_the_programs_trajectory():
    _, solution, planned, trace = _replayed("academy", "none")
    np.testing.assert_allclose(trace.people[0, solution.program.columns.groups[1:]], planned, atol=1e-6)
    np.testing.assert_allclose(trace.moved[0], solution.plan.moved, atol=1e-6)
    np.testing.assert_allclose(trace.served[0], solution.plan.served, atol=1e-6)
    assert solution.plan.moved.sum() > 10


def test_a_whole_plan_follows_the_plan_and_keeps_its_totals():
    network, solution, _, _ = _replayed("academy", "none")
    whole = solution.plan.whole(network)
    assert np.array_equal(whole.moved, np.round(whole.moved))
    for block in network.choices:
        planned, got = solution.plan.moved[:, block.arcs].cumsum(axis=0), whole.moved[:, block.arcs].cumsum(axis=0)
        assert np.abs(planned.sum(axis=1) - got.sum(axis=1)).max() <= 1.0
    trace = live(Reference(network, 1, np.arange(5)), whole)
    assert (trace.people >= 0).all()


@pytest.mark.parametrize(("coarsen", "edges"), [("none", list(range(105))), ([1, 3], [0, 1, *range(4, 105, 3), 104])])
def test_groups_cover_the_horizon(coarsen, edges):
    network = build(read("academy"))
    groups = groups_for(network, coarsen)
    assert groups.tolist() == sorted(set(edges))


def test_a_coarser_plan_is_no_better():
    fine = _replayed("academy", "none")[1].goals[0].value
    coarse = _replayed("academy", [1] * 12 + [4])[1]
    assert coarse.program.columns.size < 104
    assert coarse.goals[0].value >= 0
    assert fine >= 0
