"""Nobody is lost: in - out = change, exactly, in each draw and each period, counted again from the records."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planner import CHANCE, engine_of, plans, policy_for, scenario_of

from fieldshift.engines.reference import MeanEngine
from fieldshift.engines.view import View
from fieldshift.network.build import build
from fieldshift.network.graph import Network
from fieldshift.results.trace import Trace

ENGINES = (*CHANCE, MeanEngine)


def live(plan, kind: type, greedy: int, each=lambda engine: None) -> tuple[Network, Trace]:
    scenario = scenario_of(plan)
    network = build(scenario)
    engine = engine_of(kind, network, range(4))
    policy = policy_for(scenario, network, greedy)
    each(engine)
    for period in range(network.periods.count):
        engine.begin(period)
        each(engine)
        engine.finish(period, policy.decide(View(engine, period)))
        each(engine)
    return network, engine.trace


def ins_and_outs(network: Network, trace: Trace) -> np.ndarray:
    """What the records say came into each cell less what left it, (D, T, C); the last column is the world outside."""
    draws, periods = trace.moved.shape[:2]
    net = np.zeros((draws, periods, network.n_cells + 1))

    def shift(amount: np.ndarray, tail: int, head: int) -> None:
        net[:, :, tail] -= amount
        net[:, :, head] += amount

    for block in network.choices:
        for k in range(len(block.tail)):
            arc = block.first + k
            net[:, :, block.tail[k]] -= trace.moved[:, :, arc]
            net[:, :, block.head[k]] += trace.passed[:, :, arc]
            net[:, :, block.fail[k]] += trace.failed[:, :, arc]
            net[:, :, block.drop_to[k]] += trace.dropped[:, :, arc]
    for flow in network.chances:
        for k in range(len(flow.tail)):
            shift(trace.flowed[:, :, flow.first + k], flow.tail[k], flow.head[k])
    for entry in network.entries:
        for k in range(len(entry.head)):
            shift(trace.entered[:, :, entry.first + k], -1, entry.head[k])
    for serve in network.serves:
        for k in range(len(serve.tail)):
            shift(trace.served[:, :, serve.first + k], serve.tail[k], -1)
    net[:, :, :-1] += trace.became
    net[:, :, -1] -= trace.became.sum(axis=2)
    return net


@pytest.mark.parametrize("kind", ENGINES)
@given(plan=plans(), greedy=st.sampled_from([0, 0, 20]))
@settings(max_examples=60)
def test_every_cell_changes_by_what_came_and_went(kind, plan, greedy):
    network, trace = live(plan, kind, greedy)
    net = ins_and_outs(network, trace)
    change = np.diff(trace.people.astype(np.float64), axis=1)
    way = np.diff(trace.under_way.astype(np.float64), axis=1)
    expected = (trace.moved - trace.passed - trace.failed - trace.dropped).astype(np.float64)
    total = change.sum(axis=2) + way.sum(axis=2)
    if kind is MeanEngine:
        np.testing.assert_allclose(change, net[:, :, :-1], atol=1e-8)
        np.testing.assert_allclose(way, expected, atol=1e-8)
        np.testing.assert_allclose(total, -net[:, :, -1], atol=1e-8)
    else:
        assert np.array_equal(change, net[:, :, :-1])
        assert np.array_equal(way, expected)
        assert np.array_equal(total, -net[:, :, -1])
    at_once = np.array([not b.lasts for b in network.choices for _ in b.tail], bool)
    assert np.array_equal(trace.under_way[:, :, at_once], np.zeros_like(trace.under_way[:, :, at_once]))


@pytest.mark.parametrize("kind", ENGINES)
@given(plan=plans(), greedy=st.sampled_from([0, 20]))
@settings(max_examples=50)
def test_no_count_is_negative_and_counts_are_whole(kind, plan, greedy):
    def look(engine) -> None:
        for now in (engine.people, engine.under_way):
            counts = np.asarray(now, np.float64)
            assert counts.min(initial=0.0) >= (0.0 if engine.whole else -1e-9)
            if engine.whole:
                assert np.array_equal(counts, np.round(counts))

    _, trace = live(plan, kind, greedy, look)
    for field in ("moved", "passed", "failed", "dropped", "flowed", "entered", "served", "became", "hours", "used"):
        assert np.asarray(getattr(trace, field)).min(initial=0) >= -1e-9, field
    assert (trace.used <= trace.hours * (1 + 1e-6) + 1e-6).all()


@pytest.mark.parametrize("kind", ENGINES)
@given(plan=plans())
@settings(max_examples=40)
def test_served_cases_become_their_shares(kind, plan):
    """Each whole part is within one case of its share, and never more cases come than were served."""
    network, trace = live(plan, kind, 0)
    for block in network.serves:
        for k in range(len(block.tail)):
            served = trace.served[:, :, block.first + k].astype(np.float64)
            for cells, share in block.heads:
                alone = [o for b in network.serves for heads, _ in b.heads for o in heads.tolist() if o == cells[k]]
                if len(alone) == 1:
                    came = trace.became[:, :, cells[k]]
                    assert (np.abs(came - share * served) < 1).all()
                    assert (came <= served + 1e-9).all()


@pytest.mark.parametrize("kind", CHANCE)
@given(plan=plans())
@settings(max_examples=25)
def test_the_start_is_what_the_planner_wrote(kind, plan):
    """A national start is spread over the sites to the last person."""
    network, trace = live(plan, kind, 0)
    for name, stock in plan["stocks"].items():
        cells = np.concatenate([np.arange(b.first, b.first + len(b.sites)) for b in network.blocks_of(name)])
        written = int(stock["start"].split()[0])
        assert (trace.people[:, 0, cells].sum(axis=1) == written).all()
