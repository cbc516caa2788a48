"""Collecting batches: in any order, of any size, to the byte; and quantiles equal to numpy's."""

import dataclasses

import numpy as np
import pytest
from handmade import T, lived, network
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fieldshift.results.bound import ANYWHERE
from fieldshift.results.collect import Collector
from fieldshift.results.measures import available, default_keys
from fieldshift.results.quantiles import LEVELS, STATS, summarise
from fieldshift.results.trace import Trace

ALL = [(m.name, of) for m, of in available(network())]
BY_SITE = [(m.name, of) for m, of in available(network()) if m.by_site]


def part(trace, where):
    return Trace(**{f.name: getattr(trace, f.name)[where] for f in dataclasses.fields(trace)})


def collected(trace, edges, order, **more):
    collector = Collector(network(), ALL, len(trace.people), sites=BY_SITE, **more)
    pieces = list(zip(edges, [*edges[1:], len(trace.people)], strict=True))
    for i in order:
        first, last = pieces[i]
        collector.add(first, part(trace, slice(first, last)))
    return collector.done()


def raw(kept):
    arrays = [*kept.draws.values(), *kept.nation.values(), *kept.sites.values()]
    arrays += [kept.bound.share, kept.bound.first, kept.bound.lead]
    return [(a.dtype, a.shape, a.tobytes()) for a in arrays]


@pytest.mark.parametrize("site_futures", [None, 5])
def test_order_and_size_of_batches_change_no_byte(site_futures):
    trace = lived(23)
    trace.people[11, 2, 8] = 40_000
    trace.people[12, 3, 9] = 3_000_000_000 % 2**31
    once = raw(collected(trace, [0], [0], site_futures=site_futures))
    assert raw(collected(trace, list(range(23)), list(range(23))[::-1], site_futures=site_futures)) == once
    assert raw(collected(trace, [0, 7, 9, 20], [2, 0, 3, 1], site_futures=site_futures)) == once


def test_values_are_kept_in_the_smallest_exact_type():
    trace = lived(3)
    trace.people[1, 0, 10] = 40_000
    kept = collected(trace, [0], [0])
    assert kept.draws["field", ""].dtype == np.int16
    assert kept.draws["backlog", "files"].dtype == np.int32
    assert kept.draws["fill_rate", "street"].dtype == np.float32
    assert kept.draws["backlog", "files"].shape == (T + 1, 3)
    assert not kept.draws["field", ""].flags.writeable


def test_sites_stand_on_every_future_or_on_evenly_spaced_ones():
    trace = lived(20)
    every = collected(trace, [0], [0])
    assert every.site_futures == 20
    some = collected(trace, [0, 3, 10], [0, 1, 2], site_futures=7)
    assert some.site_futures == 7
    there = np.stack([trace.people[::3, :, 2 + s] + trace.people[::3, :, 4 + s] for s in (0, 1)], axis=2)
    np.testing.assert_allclose(some.sites["field", ""][0], there.mean(axis=0), rtol=1e-6)
    np.testing.assert_array_equal(some.nation["field", ""], every.nation["field", ""])


def test_futures_come_once_and_all():
    trace = lived(4)
    collector = Collector(network(), None, 6)
    collector.add(0, trace)
    with pytest.raises(ValueError, match="came twice"):
        collector.add(2, trace)
    with pytest.raises(ValueError, match="2 futures of 6 have not come"):
        collector.done()


def test_a_default_set_is_kept():
    collector = Collector(network(), None, 4)
    collector.add(0, lived(4))
    kept = collector.done()
    assert tuple(kept.draws) == default_keys(network())
    assert set(kept.sites) <= set(kept.nation)


def test_numbers_that_unknowns_change_are_those_of_the_network_lived_on():
    other = network()
    stocks = tuple(dataclasses.replace(b, funded=b.funded * 2) if b.funded is not None else b for b in other.stocks)
    collector = Collector(network(), [("funded", "street")], 2)
    collector.add(0, lived(1))
    collector.add(1, lived(1), dataclasses.replace(other, stocks=stocks))
    np.testing.assert_array_equal(collector.done().draws["funded", "street"][0], [100, 200])


def test_what_bound_is_counted_by_period_first_time_and_lead():
    trace = lived(4)
    trace.rows[:], trace.lines[:] = False, False
    trace.rows[0, 1:, 0] = True  # beds at alpha, from the second week
    trace.rows[1, 2, 1] = True  # beds at beta, once
    trace.rows[1, 3, 2] = True  # seats, later
    trace.lines[2, 0, 0] = True  # pay, at once
    bound = collected(trace, [0, 1, 2, 3], [3, 1, 0, 2]).bound
    names = [(t.limit, t.site) for t in bound.ties]
    assert names == [("beds", 0), ("beds", 1), ("seats", -1), ("pay", -1), ("travel", -1), ("beds", ANYWHERE)]
    np.testing.assert_allclose(bound.share[:, 0], [0, 0.25, 0.25, 0.25])
    np.testing.assert_allclose(bound.share[:, 5], [0, 0.25, 0.5, 0.25])
    np.testing.assert_allclose(bound.first.sum(axis=0), [0.25, 0.25, 0.25, 0.25, 0, 0.5])
    np.testing.assert_allclose(bound.lead.sum(axis=0), [0.25, 0.25, 0, 0.25, 0, 0.5])
    np.testing.assert_allclose(bound.first[:, 5], [0, 0.25, 0.25, 0])


@given(arrays(np.int16, st.tuples(st.integers(1, 3), st.integers(1, 40))))
def test_quantiles_of_counts_are_those_of_numpy(values):
    expected = np.quantile(values.astype(np.float64), LEVELS, axis=-1).astype(np.float32)
    found = summarise(values)
    np.testing.assert_array_equal(found[1:], expected)
    np.testing.assert_array_equal(found[0], (values.sum(axis=-1) / values.shape[-1]).astype(np.float32))


@given(arrays(np.float32, (2, 31), elements=st.floats(-1e6, 1e6, width=32)))
def test_quantiles_of_numbers_are_those_of_numpy(values):
    expected = np.quantile(values.astype(np.float64), LEVELS, axis=-1).astype(np.float32)
    np.testing.assert_array_equal(summarise(values)[1:], expected)


def test_futures_without_a_value_are_left_out():
    values = np.random.default_rng(1).normal(size=(3, 50)).astype(np.float32)
    values[0, ::3] = np.nan
    values[2] = np.nan
    found = summarise(values)
    expected = np.nanquantile(values[:2].astype(np.float64), LEVELS, axis=-1)
    np.testing.assert_allclose(found[1:, :2], expected, rtol=1e-6)
    np.testing.assert_allclose(found[0, :2], np.nanmean(values[:2], axis=-1), rtol=1e-5)
    assert np.isnan(found[:, 2]).all()
    assert STATS == ("mean", "q05", "q10", "q25", "q50", "q75", "q90", "q95")
