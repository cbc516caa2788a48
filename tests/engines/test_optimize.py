"""The plan replayed through the mean step is the program's trajectory."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import linprog

from fieldshift import build, cases, read
from fieldshift.engines.keeping import kept
from fieldshift.engines.live import live
from fieldshift.engines.optimize import goal_vector, groups_for, optimize, with_loss
from fieldshift.engines.outcome import outcome
from fieldshift.engines.program import write_program
from fieldshift.engines.program_reduce import reduce
from fieldshift.engines.reference import MeanEngine, Reference
from fieldshift.errors import NoPlan


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
    whole = kept(network, solution.plan, whole=True)
    assert np.array_equal(whole.moved, np.round(whole.moved))
    for block in network.choices:
        planned, got = solution.plan.moved[:, block.arcs].cumsum(axis=0), whole.moved[:, block.arcs].cumsum(axis=0)
        # Later legs take all who wait for them at once, as they do under chance: only their end is the plan's.
        apart = np.abs(planned.sum(axis=1) - got.sum(axis=1))
        assert (apart[-1] if block.auto else apart.max()) <= 1.0
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


def test_time_that_is_up_gives_no_plan_or_the_best_so_far_with_its_gap():
    scenario = read("academy")
    network = build(scenario)
    with pytest.raises(NoPlan, match="time limit"):
        optimize(network, scenario.goals, coarsen="none", time_limit=0.0)
    solved = optimize(network, scenario.goals, coarsen="none")
    assert (solved.status, solved.gap) == ("optimal", 0.0)


STOPPED = """
import os, signal, threading
import fieldshift as fs
from fieldshift.engines import solver
from fieldshift.engines.optimize import optimize
from fieldshift.errors import NoPlan

if __name__ == "__main__":
    scenario = fs.read("ice-2024")
    network = fs.build(scenario)
    run = solver._run

    def stopped(model):
        threading.Timer(2.5, os.kill, (os.getpid(), signal.SIGINT)).start()
        return run(model)

    solver._run = stopped
    try:
        found = optimize(network, scenario.goals, coarsen="none")
        print(found.status, found.gap > 0)
    except NoPlan as error:
        print(error)
"""


@pytest.mark.slow
def test_ctrl_c_stops_the_solver_and_says_so_and_nothing_else_is_printed():
    told = subprocess.run([sys.executable, "-c", STOPPED], capture_output=True, text=True, timeout=120, check=True)
    assert told.stdout.strip() in ("interrupted: there is no plan yet", "interrupted True")
    assert told.stderr == ""


def test_a_plan_from_the_plan_before_is_the_plan_from_nothing():
    scenario = read("academy")
    network = build(scenario)
    before = optimize(network, scenario.goals, coarsen="none")
    assert all(basis is not None for basis in before.bases)
    limits = tuple(replace(m, cap=m.cap * 0.7) if m.name == "academy_seats" else m for m in network.limits)
    changed = replace(network, limits=limits)
    cold = optimize(changed, scenario.goals, coarsen="none")
    warm = optimize(changed, scenario.goals, coarsen="none", start=before)
    for a, b in zip(cold.goals, warm.goals, strict=True):
        assert b.best == pytest.approx(a.best, rel=1e-6, abs=1e-6)
        assert b.value == pytest.approx(a.value, rel=1e-6, abs=1e-6)
    assert abs(cold.goals[1].value - before.goals[1].value) > 0.05
    other = optimize(changed, scenario.goals, coarsen=[2], start=before)
    assert other.goals[0].value == pytest.approx(
        optimize(changed, scenario.goals, coarsen=[2]).goals[0].value, rel=1e-6
    )


def test_what_a_coarser_plan_loses_is_measured_on_request():
    scenario = read("academy")
    network = build(scenario)
    coarse = optimize(network, scenario.goals, coarsen=[1] * 12 + [4])
    assert coarse.loss is None
    fine = optimize(network, scenario.goals, coarsen="none")
    measured = with_loss(coarse)
    lived = [outcome(live(MeanEngine(network), s.plan), network, scenario.goals).goals[:, 0] for s in (coarse, fine)]
    np.testing.assert_allclose(lived[1] * (1 + np.array(measured.loss)), lived[0], rtol=1e-9)
    assert lived[1] == pytest.approx([g.value for g in fine.goals], rel=1e-6)
    assert abs(measured.loss[1]) > 1e-6


def test_what_is_left_out_of_a_program_does_not_change_its_best():
    """Judged by a solver that is given the whole program."""
    scenario = read("academy")
    program = write_program(build(scenario), groups_for(build(scenario), [4]))
    vector, _ = goal_vector(program, scenario.goals[0])
    left = reduce(program, [vector])
    assert left.matrix.shape[1] < program.matrix.shape[1]
    equal = program.row_low == program.row_high
    above, below = np.isfinite(program.row_high) & ~equal, np.isfinite(program.row_low) & ~equal
    whole = linprog(
        vector,
        sp.vstack([program.matrix[above], -program.matrix[below]]),
        np.concatenate([program.row_high[above], -program.row_low[below]]),
        program.matrix[equal],
        program.row_low[equal],
        np.stack([program.low, program.high], axis=1),
    )
    found = optimize(build(scenario), scenario.goals[:1], coarsen=[4])
    constant = goal_vector(found.program, scenario.goals[0])[1]
    assert found.goals[0].value - constant == pytest.approx(whole.fun, rel=1e-6, abs=1e-6)
    assert found.columns @ vector == pytest.approx(whole.fun, rel=1e-6, abs=1e-6)
