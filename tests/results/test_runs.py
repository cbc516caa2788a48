"""A run on disk: whole or not at all, equal when read again, the same bytes for the same run."""

import json

import numpy as np
import pandas as pd
import pytest
from handmade import collected, lived, network

from fieldshift.errors import Problem, RunError, UsageError
from fieldshift.results import parquet
from fieldshift.results.result import Result
from fieldshift.results.runs import FORMAT, load, save
from fieldshift.scenario.schema import Scenario

SCENARIO = Scenario.model_validate({
    "name": "handmade",
    "horizon": {"start": "2024-09-18", "periods": 4, "step": "week", "fiscal_year_starts": "10-01"},
    "sites": [{"id": "beta", "name": "Beta"}, {"id": "alpha", "lat": 40.5}],
    "stocks": {"desk": {"start": {"value": "100 person", "range": "80..120 person", "source": "a – b"}}},
    "policies": {"stay": {"title": "Stay"}, "move": {}},
    "headlines": [{"measure": "field", "better": "more"}],
})  # fmt: skip


@pytest.fixture(scope="module")
def result():
    trace = lived(9)
    trace.people[2, 1, 10] = 40_000
    parts = {"stay": collected(trace), "move": collected(lived(9, seed=1))}
    problems = (Problem("scenario.yaml:3:1", "flows.quit", "has no source", "", "warning"),)
    return Result.of(SCENARIO, network(), parts, seed=7, engine="numba", digest="abc", problems=problems)


def test_a_run_is_read_back_equal(result, tmp_path):
    back = load(save(result, tmp_path / "run"))
    assert back.same(result)
    assert result.same(back)
    assert back.scenario == SCENARIO
    assert back.titles["stay"] == "Stay"
    pd.testing.assert_frame_equal(back.table(by="site"), result.table(by="site"))
    pd.testing.assert_frame_equal(back.bound_table(), result.bound_table())
    np.testing.assert_array_equal(back.values("move", "age", "cases"), result.values("move", "age", "cases"))


def test_the_same_run_is_the_same_bytes(result, tmp_path):
    one, two = save(result, tmp_path / "one"), save(load(tmp_path / "one"), tmp_path / "two")
    names = sorted(p.name for p in one.iterdir())
    assert names == sorted(p.name for p in two.iterdir())
    tables = ["bound", "draws-0", "draws-1", "national", "sites"]
    assert names == sorted(["run.json", *(f"{table}.parquet" for table in tables)])
    for name in names:
        assert (one / name).read_bytes() == (two / name).read_bytes(), name


def test_futures_of_the_headlines_alone(result, tmp_path):
    back = load(save(result, tmp_path / "run", draws="headlines"))
    pd.testing.assert_frame_equal(back.table(), result.table())
    np.testing.assert_array_equal(back.values("move", "field"), result.values("move", "field"))
    with pytest.raises(UsageError, match="'desk' was not kept with all futures"):
        back.values("move", "desk")


def test_a_run_replaces_a_run_and_nothing_else(result, tmp_path):
    run = save(result, tmp_path / "run")
    (run / "left.txt").write_text("old")
    assert load(save(result, run)).same(result)
    assert not (run / "left.txt").exists()
    other = tmp_path / "mine"
    other.mkdir()
    save(result, other)
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("all of it")
    with pytest.raises(RunError, match="holds something that is not a run"):
        save(result, precious)
    assert (precious / "thesis.txt").read_text() == "all of it"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_a_run_that_is_interrupted_leaves_what_was_there(result, tmp_path, monkeypatch, error):
    run = save(result, tmp_path / "run")
    before = {p.name: p.read_bytes() for p in run.iterdir()}
    calls = []

    def write(frame, path):
        calls.append(path)
        if len(calls) == 3:
            raise error
        path.write_bytes(b"half")

    monkeypatch.setattr(parquet, "write", write)
    with pytest.raises((KeyboardInterrupt, RunError)):
        save(result, run)
    calls.clear()
    with pytest.raises((KeyboardInterrupt, RunError)):
        save(result, tmp_path / "new")
    assert [p.name for p in tmp_path.iterdir()] == ["run"]
    assert {p.name: p.read_bytes() for p in run.iterdir()} == before


def test_other_formats_and_damage_are_told(result, tmp_path):
    with pytest.raises(RunError, match="holds no run"):
        load(tmp_path / "nowhere")
    run = save(result, tmp_path / "run")
    told = json.loads((run / "run.json").read_text(encoding="utf-8"))
    assert told["facts"]["seed"] == 7
    for number, age in ((FORMAT + 1, "a newer"), (0, "an older"), (None, "an older")):
        (run / "run.json").write_text(json.dumps({**told, "format": number}))
        with pytest.raises(RunError, match=f"stored by {age} Fieldshift"):
            load(run)
    (run / "run.json").write_text("{")
    with pytest.raises(RunError, match="damaged"):
        load(run)
    (run / "run.json").write_text(json.dumps(told))
    (run / "national.parquet").write_bytes(b"PAR1")
    with pytest.raises(RunError, match="damaged"):
        load(run)
