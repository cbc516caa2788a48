"""Same seed, same bytes: whatever the engine, the workers, the batches, the names and the order in the file."""

from __future__ import annotations

import copy
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from planner import CHANCE, FIELDS, lived, plans, same, scenario_of

from fieldshift.engines import simulate as simulating
from fieldshift.engines.batches import Batches
from fieldshift.engines.kernel import Kernel
from fieldshift.engines.reference import MeanEngine, Reference
from fieldshift.network.build import build
from fieldshift.results.result import Result

FEW = 40
"""Sums of floats, which the readable engine adds up by matrix products: these round by the size of the batch."""


def bytes_of(result: Result) -> dict[str, bytes]:
    """All numbers of a run by name."""
    found: dict[str, bytes] = {}
    for policy, part in result.parts.items():
        for what in ("draws", "nation", "sites"):
            for key, values in getattr(part, what).items():
                found[f"{policy} {what} {key} {values.dtype} {values.shape}"] = np.ascontiguousarray(values).tobytes()
        found[f"{policy} bound"] = repr(part.bound).encode()
    return found


@pytest.mark.slow
@given(plan=plans(), seed=st.integers(0, 2**40))
@settings(max_examples=120)
def test_the_fast_engine_draws_what_the_readable_one_draws(plan, seed):
    scenario = scenario_of(plan)
    fast, slow = lived(scenario, Kernel, range(5), seed), lived(scenario, Reference, range(5), seed)
    same(fast, slow, [f for f in FIELDS if f not in ("hours", "used", "hosted", "dials", "spent")])
    for field in ("hours", "used", "hosted", "dials", "spent"):
        np.testing.assert_allclose(getattr(fast, field), getattr(slow, field), rtol=2e-6, atol=1e-4, err_msg=field)


@pytest.mark.parametrize("kind", CHANCE)
@given(plan=plans(), order=st.permutations(range(7)), cut=st.integers(1, 6))
@settings(max_examples=FEW)
def test_a_future_does_not_depend_on_its_batch(kind, plan, order, cut):
    scenario = scenario_of(plan)
    whole = lived(scenario, kind, range(7))
    for futures in (order[:cut], order[cut:]):
        part = lived(scenario, kind, futures)
        for field in FIELDS:
            ours, theirs = getattr(part, field), getattr(whole, field)[list(futures)]
            assert np.array_equal(ours, theirs), field


@pytest.mark.parametrize("kind", [Kernel, Reference])
def test_money_does_not_depend_on_the_batch_to_the_last_bit(kind):
    pay = {"pay": "52000 USD/year"}
    scenario = scenario_of(
        {
            "name": "Bits",
            "horizon": {"start": "2025-01-06", "periods": 1},
            "stocks": {"desk": {"start": 1, **pay}, "field": {"start": 6, **pay}, "pool": {"start": 0}},
            "budgets": {"money": {"pays": "stocks"}},
            "policies": {"stay": {}},
        }
    )
    assert np.array_equal(lived(scenario, kind, range(1)).spent, lived(scenario, kind, range(7)).spent[:1])


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["reference", "numba"])
@given(plan=plans())
@settings(max_examples=8)
def test_a_run_does_not_depend_on_workers_or_batches(engine, plan):
    scenario = scenario_of(plan)
    runs = []
    for workers, batch in ((1, 30), (2, 8), (7, 3)):
        with patch.object(Batches, "batch", lambda _, size=batch: size):
            runs.append(bytes_of(simulating.simulate(scenario, None, 30, 5, workers=workers, engine=engine)))
    assert runs[0] == runs[1] == runs[2]
    assert any("people" in name for name in runs[0])


@pytest.mark.slow
def test_a_run_with_unknowns_does_not_depend_on_workers_or_batches():
    scenario = scenario_of(
        {
            "name": "Unknown",
            "horizon": {"start": "2025-01-06", "periods": 20},
            "stocks": {"desk": {"start": 90}},
            "flows": {"leave": {"tail": "desk", "rate": {"value": "20 %/year", "range": "5..60 %/year"}}},
            "policies": {"stay": {}},
        }
    )
    runs = []
    for workers, batch in ((1, 64), (2, 5), (7, 2)):
        with patch.object(Batches, "batch", lambda _, size=batch: size):
            runs.append(bytes_of(simulating.simulate(scenario, None, 64, 5, groups=8, workers=workers)))
    with patch.object(simulating, "HEAVY", 0):
        runs.append(bytes_of(simulating.simulate(scenario, None, 64, 5, groups=8, workers=2, processes=True)))
    assert runs[0] == runs[1] == runs[2] == runs[3]


@pytest.mark.parametrize("kind", CHANCE)
def test_another_seed_draws_otherwise(kind):
    scenario = scenario_of(
        {
            "name": "Seeds",
            "horizon": {"start": "2025-01-06", "periods": 10},
            "stocks": {"desk": {"start": 400}},
            "flows": {"leave": {"tail": "desk", "rate": "2 %/week"}, "come": {"head": "desk", "arrive": 9}},
            "policies": {"stay": {}},
        }
    )
    one, two = lived(scenario, kind, range(20), 1), lived(scenario, kind, range(20), 2)
    same(one, lived(scenario, kind, range(20), 1))
    for field in ("flowed", "entered"):
        equal = np.mean(getattr(one, field) == getattr(two, field))
        assert equal < 0.4, "two seeds agree far more often than chance"
        ahead = np.mean(getattr(one, field)[:-1] == getattr(one, field)[1:])
        assert ahead < 0.4, "two futures agree far more often than chance"


# ---------------------------------------------------------------------- other parts beside it


def with_more(plan, first: str, second: str):
    """Add a stock with a flow, a choice nobody asks for, an entry and work: nothing else speaks of them."""
    more = copy.deepcopy(plan)
    at = "sites" if plan["sites"] else "nation"
    more["stocks"] |= {first: {"at": at, "start": "77 person"}, second: {"at": "nation", "start": "5 person"}}
    more["flows"] |= {
        first: {"tail": first, "rate": "30 %/month", "timing": "opening"},
        second: {"head": first, "arrive": "8 person/week"},
        f"{second}_go": {"tail": first, "head": second, "rate": "20 %/month"},
    }
    more["choices"] |= {
        first: {"tail": first, "head": second, "lasts": "11 week", "begun": "9 person", "dropout": "1 %/week"}
    }
    more["work"] |= {
        first: {"at": at, "arrive": "40 case/week", "standard": "9 hour/case", "by": first, "becomes": second},
        second: {"at": at, "leave": "1 / 3 week"},
    }
    return more


@pytest.mark.parametrize("kind", [*CHANCE, MeanEngine])
@given(plan=plans(), names=st.sampled_from([("aaa", "zzz"), ("zzz", "aaa"), ("digger", "bbb")]))
@settings(max_examples=FEW)
def test_adding_a_block_changes_no_other(kind, plan, names):
    alone, crowded = scenario_of(plan), scenario_of(with_more(plan, *names))
    before, after = lived(alone, kind), lived(crowded, kind)
    old, new = build(alone), build(crowded)
    assert new.n_cells > old.n_cells

    def where(network, blocks: str, span: str, keep) -> np.ndarray:
        found = [
            np.arange(s.start, s.stop) for b in getattr(network, blocks) if b.name in keep for s in [getattr(b, span)]
        ]
        return np.concatenate(found) if found else np.zeros(0, np.int64)

    for blocks, span, fields in (
        ("stocks", "cells", ("people", "became", "hours", "used")),
        ("chances", "arcs", ("flowed",)),
        ("entries", "arcs", ("entered",)),
        ("choices", "arcs", ("under_way", "moved", "passed", "failed", "dropped")),
        ("serves", "arcs", ("served",)),
    ):
        keep = {b.name for b in getattr(old, blocks)}
        mine, theirs = where(old, blocks, span, keep), where(new, blocks, span, keep)
        for field in fields:
            left, right = getattr(before, field)[:, :, mine], getattr(after, field)[:, :, theirs]
            assert np.array_equal(left, right), field
    assert np.array_equal(before.dials, after.dials)


# --------------------------------------------------------------------------- names and order


@pytest.mark.parametrize("kind", [*CHANCE, MeanEngine])
@given(plan=plans())
@settings(max_examples=FEW)
def test_a_renamed_site_changes_its_name_alone(kind, plan):
    assume(plan["sites"])
    renamed = copy.deepcopy(plan)
    for site in renamed["sites"]:
        site["name"] = f"New {site['id']}"
    same(lived(scenario_of(plan), kind), lived(scenario_of(renamed), kind))
    assert build(scenario_of(renamed)).sites.names == tuple(
        f"New {id}" for id in sorted(s["id"] for s in plan["sites"])
    )


@pytest.mark.parametrize("kind", [*CHANCE, MeanEngine])
@given(plan=plans(), data=st.data())
@settings(max_examples=FEW)
def test_reordered_sites_only_reorder_results(kind, plan, data):
    assume(len(plan["sites"]) > 1)
    moved = {**plan, "sites": data.draw(st.permutations(plan["sites"]))}
    same(lived(scenario_of(plan), kind), lived(scenario_of(moved), kind))


@given(plan=plans())
@settings(max_examples=6)
def test_results_stand_in_the_planner_s_order(plan):
    assume(len(plan["sites"]) > 1)
    turned = {**plan, "sites": plan["sites"][::-1]}
    one = simulating.simulate(scenario_of(plan), ["act"], 5, engine="reference")
    two = simulating.simulate(scenario_of(turned), ["act"], 5, engine="reference")
    left, right = one.table(by="site"), two.table(by="site")
    assert list(dict.fromkeys(right["site"])) == list(dict.fromkeys(left["site"]))[::-1]
    keys = ["policy", "measure", "of", "site", "date"]
    left, right = (t.sort_values(keys).reset_index(drop=True) for t in (left, right))
    assert left.equals(right)


@pytest.mark.parametrize("kind", [*CHANCE, MeanEngine])
@given(plan=plans(), data=st.data())
@settings(max_examples=FEW)
def test_reordered_parts_change_nothing(kind, plan, data):
    """The order of parts and of keys in the file; lists, such as rules, say their order."""

    def shuffled(given):
        if not isinstance(given, dict):
            return given
        keys = data.draw(st.permutations(sorted(given)))
        return {key: shuffled(given[key]) for key in keys}

    same(lived(scenario_of(plan), kind, policy="act"), lived(scenario_of(shuffled(plan)), kind, policy="act"))
