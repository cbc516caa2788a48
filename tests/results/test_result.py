"""What users ask of a result: tables, dates, differences, headlines, what bound, Arrow."""

import datetime as dt
import sys
import types

import duckdb
import numpy as np
import pandas as pd
import pytest
from handmade import T, collected, lived, network

from fieldshift.errors import RunError, UsageError
from fieldshift.results.measures import available
from fieldshift.results.quantiles import STATS
from fieldshift.results.result import Result
from fieldshift.results.summary import as_json, summary
from fieldshift.scenario.schema import Headline

DRAWS = 12


def trace_of(policy):
    trace = lived(DRAWS, seed=policy)
    trace.people[:, :, 2] += 5 * policy
    return trace


@pytest.fixture(scope="module")
def result():
    parts = {"stay": collected(trace_of(0)), "move": collected(trace_of(1))}
    return Result.of(None, network(), parts, seed=7, groups=3, engine="numba", digest="abc", seconds=1.5)


def test_it_says_what_it_is(result):
    assert result.policies == ("stay", "move")
    assert (result.base, result.draws, result.seed, result.engine) == ("stay", DRAWS, 7, "numba")
    assert result.facts.digest == "abc"
    assert result.site_futures == DRAWS
    assert list(result.group_of) == [0] * 4 + [1] * 4 + [2] * 4
    assert result.network.name == "handmade"
    with pytest.raises(AttributeError):
        result.name = "other"


def test_measures_are_listed_with_their_definitions(result):
    told = result.measures()
    assert list(told.columns) == ["measure", "of", "unit", "title", "definition"]
    assert len(told) == len(available(network()))
    spend = told[(told["measure"] == "spend") & (told["of"] == "pay")].iloc[0]
    assert (spend["unit"], spend["title"]) == ("USD", "Spending: Pay")


def test_values_and_dates(result):
    found = result.values("move", "field")
    assert (found.shape, found.dtype) == ((DRAWS, T + 1), np.float32)
    trace = trace_of(1)
    np.testing.assert_array_equal(found, trace.people[:, :, 2:6].sum(axis=2))
    assert result.dates("field")[0] == dt.date(2024, 9, 18)
    assert (len(result.dates("field")), len(result.dates("served"))) == (T + 1, T)
    frame = result.frame("stay", "backlog", "cases")
    assert frame.shape == (DRAWS, T + 1)
    assert (frame.index.name, frame.columns.name) == ("draw", "date")


def test_the_table_of_the_nation(result):
    table = result.table("field", ("backlog", "cases"), "served")
    assert list(table.columns) == ["policy", "measure", "of", "site", "date", *STATS]
    assert len(table) == 2 * (2 * (T + 1) + T)
    assert set(table["site"]) == {"nation"}
    row = table[(table["policy"] == "move") & (table["measure"] == "field")].iloc[2]
    values = result.values("move", "field")[:, 2].astype(np.float64)
    np.testing.assert_allclose(row["mean"], values.mean(), rtol=1e-6)
    np.testing.assert_allclose(row["q90"], np.quantile(values, 0.9), rtol=1e-6)
    assert len(result.table("backlog")) == 2 * 2 * (T + 1)
    pd.testing.assert_frame_equal(result.table("backlog.cases"), result.table(("backlog", "cases")))
    assert len(result.table()) == sum(2 * (T + 1 if m.at == "instant" else T) for m, _ in available(network()))


def test_the_table_by_site_is_in_the_planners_order(result):
    table = result.table("field", by="site", policies=["stay"])
    assert list(table["site"][:4]) == ["beta", "alpha", "beta", "alpha"]
    assert result.site_ids == ("beta", "alpha")
    trace = trace_of(0)
    beta = trace.people[:, 0, 3] + trace.people[:, 0, 5]
    np.testing.assert_allclose(table["mean"][0], beta.mean(), rtol=1e-6)
    np.testing.assert_allclose(result.site_stats("stay", "field")[0, 0, 0], beta.mean(), rtol=1e-6)
    with pytest.raises(UsageError, match=r"'spend\.pay' was not kept by site"):
        result.table("spend.pay", by="site")


def test_the_table_at_dates(result):
    table = result.table("field", policies=["stay"], at=dt.date(2024, 9, 20))
    assert list(table["date"]) == [pd.Timestamp("2024-09-18")]
    days = [dt.date(2024, 9, 18), dt.date(2030, 1, 1)]
    assert len(result.table("field", policies=["stay"], at=days)) == 2


def test_a_name_that_is_not_there_is_told(result):
    with pytest.raises(UsageError, match="there is no policy 'go' in this run; there are stay, move"):
        result.values("go", "field")
    with pytest.raises(UsageError, match="'fields' does not exist; kept are on_board, field"):
        result.table("fields")
    with pytest.raises(UsageError, match="'support' was not kept"):
        result.table("support")
    with pytest.raises(UsageError, match="not kept of 'x'; it was of 'cases', 'files'"):
        result.values("stay", "backlog", "x")
    with pytest.raises(UsageError, match="is of one of 'cases', 'files'"):
        result.values("stay", "backlog")


def test_paired_differences_are_on_the_same_futures(result):
    found = result.paired("move", "stay", "field")
    difference = result.values("move", "field") - result.values("stay", "field")
    np.testing.assert_allclose(found["q10"], np.quantile(difference.astype(np.float64), 0.1, axis=0), rtol=1e-5)
    np.testing.assert_allclose(found["more"], (difference > 0).mean(axis=0))
    np.testing.assert_allclose(result.paired("move", "move", "field")["mean"], 0)


def test_what_bound(result):
    table = result.bound_table()
    assert list(table.columns) == ["policy", "limit", "title", "part", "site", "date", "share"]
    assert set(table["site"]) == {"alpha", "beta", "nation", "any site"}
    row = table[(table["policy"] == "stay") & (table["limit"] == "seats")].iloc[0]
    t = list(result.axes.instants).index(row["date"].date())
    assert row["share"] == pytest.approx(trace_of(0).rows[:, t, 2].mean())
    first = result.bound_first()
    assert not first.duplicated(["policy", "limit"]).any()
    assert (first["led"] <= first["ever"]).all()
    assert set(first["site"]) <= {"alpha", "beta", "nation"}


def test_headlines_now_and_later_with_bands(result):
    chosen = [Headline(measure="field", better="more"), Headline(measure="served", title="Done")]
    found = result.headlines(chosen)
    assert list(found["when"][:2]) == ["now", "at the end"]
    assert list(found["title"].unique()) == ["In the field", "Done"]
    done = found[(found["measure"] == "served") & (found["policy"] == "stay")]
    assert [d.date() for d in done["date"]] == [result.dates("served")[0], result.dates("served")[-1]]
    assert ((found["q10"] <= found["q50"]) & (found["q50"] <= found["q90"])).all()
    assert list(result.headlines()["measure"].unique()) == [
        "field",
        "desk",
        "on_board",
        "backlog",
        "spend_to_date",
    ]


def test_the_summary_is_plain_data(result):
    told = summary(result, [Headline(measure="field", better="more"), Headline(measure="age", of="cases")])
    assert [o.when for o in told.outlooks[:2]] == ["now", "at the end"]
    change = next(c for c in told.changes if c.measure == "field" and c.when == "at the end")
    paired = result.paired("move", "stay", "field").iloc[-1]
    assert change.band.mean == pytest.approx(paired["mean"])
    assert change.for_the_better == change.more == pytest.approx(paired["more"])
    assert next(c for c in told.changes if c.measure == "age").for_the_better is None
    assert {b.policy for b in told.bindings} == {"stay", "move"}
    text = as_json(told)
    assert '"policies": [' in text
    assert "NaN" not in text


def test_it_is_an_arrow_stream(result):
    count = duckdb.connect().sql("select count(*), max(q50) from result").fetchall()[0]
    table = result.table()
    assert count == (len(table), pytest.approx(table["q50"].max()))


def test_xarray_is_asked_for_where_it_is_missing(result, monkeypatch):
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(UsageError, match="needs the package xarray"):
        result.to_xarray()


def test_a_dataset_has_named_axes(result, monkeypatch):
    made = types.SimpleNamespace(Dataset=lambda variables, coordinates, about: (variables, coordinates, about))
    monkeypatch.setitem(sys.modules, "xarray", made)
    variables, coordinates, about = result.to_xarray()
    dims, values, told = variables["backlog.cases by site"]
    assert dims == ("policy", "statistic", "instant", "site")
    assert values.shape == tuple(len(coordinates[dim]) for dim in dims)
    np.testing.assert_array_equal(values[1], result.site_stats("move", "backlog", "cases"))
    dims, values, told = variables["served.cases"]
    assert values.shape == tuple(len(coordinates[dim]) for dim in dims)
    assert (told["unit"], about["draws"]) == ("case", DRAWS)


def test_a_stored_run_without_a_scenario_has_no_network(result):
    bare = Result(result.name, result.policies, result.titles, result.parts, result.entries, result.axes, result.facts)
    assert bare.same(result)
    with pytest.raises(RunError, match="without its scenario"):
        _ = bare.network
