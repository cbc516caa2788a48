"""No limit is broken by a decision: not of seats, posts, floors or beds, not of money."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from planner import CHANCE, engine_of, plans, policy_for, scenario_of

from fieldshift.engines.fit import line_room
from fieldshift.engines.reference import MeanEngine, Reference
from fieldshift.engines.view import View
from fieldshift.network.build import build

ENGINES = (*CHANCE, MeanEngine)


def total(terms, counts: np.ndarray, rows: int) -> np.ndarray:
    """Add up `coefficient * count` into rows, one term at a time, (D, rows)."""
    found = np.zeros((len(counts), rows))
    for index, row, use in zip(*terms, strict=True):
        found[:, row] += use * counts[:, index]
    return found


@pytest.mark.parametrize("kind", ENGINES)
@given(plan=plans(), greedy=st.sampled_from([0, 6, 40]))
@settings(max_examples=80)
def test_no_row_is_used_above_its_cap(kind, plan, greedy):
    """After moves and serving a row is at most at its cap; one that was over it before got nothing new."""
    scenario = scenario_of(plan)
    network = build(scenario)
    assume(network.n_rows)
    engine, policy = engine_of(kind, network, range(4)), policy_for(scenario, network, greedy)
    for period in range(network.periods.count):
        engine.begin(period)
        people, way = np.array(engine.people, np.float64), np.array(engine.under_way, np.float64)
        engine.finish(period, policy.decide(View(engine, period)))
        moved, served = engine.trace.moved[:, period], engine.trace.served[:, period]
        for limit in network.limits:
            n, cap = len(limit.sites), limit.most(engine.whole)[period]
            before = total(limit.hold, people, n) + total(limit.transit, way, n)
            moves = before + total(limit.move, moved, n)
            after = moves + total(limit.serve, served, n)
            tolerance = 1e-6 * (1 + np.abs(np.where(np.isfinite(cap), cap, 0)))
            assert (moves <= np.maximum(cap, before) + tolerance).all(), limit.name
            assert (after <= np.maximum(cap, before) + tolerance).all(), limit.name


@pytest.mark.parametrize("kind", ENGINES)
@given(plan=plans(), greedy=st.sampled_from([6, 40]))
@settings(max_examples=60)
def test_nobody_starts_who_is_not_there_or_before_it_is_open(kind, plan, greedy):
    scenario = scenario_of(plan)
    network = build(scenario)
    engine, policy = engine_of(kind, network, range(4)), policy_for(scenario, network, greedy)
    for period in range(network.periods.count):
        engine.begin(period)
        people = np.array(engine.people, np.float64)
        engine.finish(period, policy.decide(View(engine, period)))
        leaving = np.zeros_like(people)
        for block in network.choices:
            moved = engine.trace.moved[:, period, block.arcs]
            for k in range(len(block.tail)):
                if block.tail[k] >= 0:
                    leaving[:, block.tail[k]] += moved[:, k]
            if engine.whole and block.lump > 1:
                assert (moved % block.lump == 0).all()
        assert (leaving <= people + 1e-9).all()


@st.composite
def paying_plans(draw):
    """A drawn scenario with a line of money that pays for starts only, so that nothing about it is expected."""
    plan = draw(plans())
    for choice in plan["choices"].values():
        legs = choice.get("stages", [choice])
        for leg in legs:
            leg.pop("upkeep", None)
            leg.pop("cost", None)
        legs[0]["cost"] = draw(st.sampled_from(["300 USD/person", "1000 USD/person"]))
    cap = draw(st.integers(0, 12)) * 1000
    plan["budgets"] = {"money": {"cap": f"{cap} USD", "pays": "choices"}}
    plan["horizon"] |= {"start": "2025-11-03", "periods": 16, "step": "week"}
    return plan


@pytest.mark.parametrize("kind", ENGINES)
@given(plan=paying_plans(), greedy=st.sampled_from([3, 40]))
@settings(max_examples=50)
def test_no_more_is_spent_than_was_granted(kind, plan, greedy):
    """A line that pays for starts alone is spent to at most its grant in each year; the year's part counts alone."""
    scenario = scenario_of(plan)
    network = build(scenario)
    engine, policy = engine_of(kind, network, range(3)), policy_for(scenario, network, greedy)
    line = network.lines[0]
    for period in range(network.periods.count):
        engine.begin(period)
        engine.finish(period, policy.decide(View(engine, period)))
    cost = sum(
        engine.trace.moved[:, :, block.first + k] * line.move[None, :, block.first + k]
        for block in network.choices
        for k in range(len(block.tail))
    )
    for window, cap in enumerate(line.cap):
        mine = line.window == window
        spent = engine.trace.spent[:, mine, 0].sum(axis=1)
        assert (spent <= cap + 1e-6).all()
        if network.choices:
            np.testing.assert_allclose(cost[:, mine].sum(axis=1), spent, atol=1e-3)


@pytest.mark.parametrize("kind", [Reference, MeanEngine])
@given(plan=plans(), greedy=st.sampled_from([0, 6, 40]))
@settings(max_examples=60)
def test_nothing_new_starts_when_the_committed_money_is_gone(kind, plan, greedy):
    """What starts commits no more than is left once all who are here are paid to the end of the fiscal year."""
    scenario = scenario_of(plan)
    network = build(scenario)
    assume(network.lines)
    # Only these say who is under way since when; the fast engine is held to the same draws in test_same_luck.
    engine = engine_of(kind, network, range(4))
    policy = policy_for(scenario, network, greedy)
    for period in range(network.periods.count):
        engine.begin(period)
        rooms = [
            line_room(line, period, engine.people.copy(), engine.state.rings, engine.spent[:, i], network)
            for i, line in enumerate(network.lines)
        ]
        engine.finish(period, policy.decide(View(engine, period)))
        moved = engine.trace.moved[:, period].astype(np.float64)
        served = engine.trace.served[:, period].astype(np.float64)
        for room, line in zip(rooms, network.lines, strict=True):
            if np.isfinite(line.cap[line.window[period]]):
                new = moved @ line.ahead_move[period]
                assert (new <= np.maximum(room, 0.0) + 1e-6 * (1 + np.abs(room))).all()
                work = np.where(line.ahead_serve[period] > 0, served * line.ahead_serve[period], 0.0).sum(axis=1)
                gone = room <= 0
                if not (line.ahead_move[period] < 0).any() and not (line.ahead_serve[period] < 0).any():
                    starts = moved[gone][:, line.ahead_move[period] > 1e-9]
                    assert (starts <= (1e-12 if kind is MeanEngine else 0)).all()  # a mean may leave a rounding error
                    assert (work[gone] <= 1e-6).all()
            if line.open[period] == 0:
                spends = (line.move.max(axis=0) > 0) | (line.transit.max(axis=0) > 0)
                assert (moved[:, spends] == 0).all()
