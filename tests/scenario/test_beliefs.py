"""Points of the unknowns: stratified, correlated where that is declared, independent of other unknowns."""

import numpy as np
import pytest
from scipy import stats

import fieldshift as fs
from fieldshift.scenario.beliefs import believed, innovations, together

CASE = """\
name: Points
horizon: {{start: 2025-01-06, periods: 4, step: week}}
quantities:
  a: {{range: 1..2}}
  b: {{range: 10..20{b}}}
  c: {{range: 3..5{c}}}
stocks:
  staff: {{start: 10 person}}
policies: {{stay: {{}}}}
"""


def case(tmp_path, b="", c=""):
    file = tmp_path / "case.yaml"
    file.write_text(CASE.format(b=b, c=c), encoding="utf-8")
    return fs.read(file)


@pytest.mark.parametrize("spacing", ["latin", "sobol"])
@pytest.mark.parametrize("count", [20, 200])
def test_every_stratum_holds_one_point(tmp_path, spacing, count):
    scenario = case(tmp_path, b=", correlated: {quantities.a: 0.7}")
    count = count if spacing == "latin" else 2 ** (count - 1).bit_length()
    for points in believed(scenario, count, 3, spacing).values():
        assert (np.sort((points * count).astype(int)) == np.arange(count)).all()


@pytest.mark.parametrize("spacing", ["latin", "sobol"])
@pytest.mark.parametrize("rank", [-0.8, 0.3, 0.9])
def test_ranks_correlate_as_declared(tmp_path, spacing, rank):
    points = believed(case(tmp_path, b=f", correlated: {{quantities.a: {rank}}}"), 256, 1, spacing)
    assert stats.spearmanr(points["quantities.a"], points["quantities.b"])[0] == pytest.approx(rank, abs=0.03)
    assert abs(stats.spearmanr(points["quantities.a"], points["quantities.c"])[0]) < 0.25


def test_a_correlation_moves_the_one_that_declares_it_and_nobody_else(tmp_path):
    plain = believed(case(tmp_path), 40, 1)
    tied = believed(case(tmp_path, c=", correlated: {quantities.a: 0.8, quantities.b: -0.3}"), 40, 1)
    assert (plain["quantities.a"] == tied["quantities.a"]).all()
    assert (plain["quantities.b"] == tied["quantities.b"]).all()
    assert (plain["quantities.c"] != tied["quantities.c"]).any()
    assert (np.sort(plain["quantities.c"]) == np.sort(tied["quantities.c"])).all()


def test_an_unknown_more_changes_no_other_one(tmp_path):
    with_c = case(tmp_path)
    without = fs.overlaid(with_c, {"quantities.c": 4})
    assert set(believed(without, 30, 5)) == {"quantities.a", "quantities.b"}
    for path, points in believed(without, 30, 5).items():
        assert (points == believed(with_c, 30, 5)[path]).all()


def test_what_is_left_of_correlated_unknowns_is_independent(tmp_path):
    scenario = case(tmp_path, c=", correlated: {quantities.a: 0.8}")
    points = believed(scenario, 400, 1)
    free = innovations(scenario, points)
    assert (free["quantities.b"] == points["quantities.b"]).all()
    assert abs(stats.spearmanr(free["quantities.a"], free["quantities.c"])[0]) < 0.05
    assert stats.kstest(free["quantities.c"], "uniform").pvalue > 0.01


def test_sets_hold_those_that_hang_together(tmp_path):
    (one,) = together(case(tmp_path, c=", correlated: {quantities.a: 0.8}"))
    assert one.paths == ("quantities.a", "quantities.c")
    assert one.ranks[0, 1] == 0.8


def test_a_correlation_with_nobody_or_itself_is_told_with_its_line(tmp_path):
    scenario = case(tmp_path, b=", correlated: {quantities.bb: 0.5}", c=", correlated: {quantities.c: 0.5}")
    found = [p for p in fs.problems(scenario) if "correlated" in p.path]
    assert [p.path for p in found] == ["quantities.b.correlated.quantities.bb", "quantities.c.correlated.quantities.c"]
    assert [p.where.split(":")[-2] for p in found] == ["5", "6"]
    assert "did you mean 'quantities.b'?" in found[0].hint


def test_correlations_that_cannot_hold_together_are_told_with_their_line(tmp_path):
    scenario = case(
        tmp_path, b=", correlated: {quantities.a: 0.9}", c=", correlated: {quantities.a: 0.9, quantities.b: -0.9}"
    )
    (found,) = [p for p in fs.problems(scenario) if "correlated" in p.path]
    assert found.level == "error"
    assert "cannot hold together" in found.what
    assert found.where.split(":")[-2] == "6"


def test_two_that_contradict_each_other_are_told(tmp_path):
    scenario = case(tmp_path, b=", correlated: {quantities.a: 0.9}")
    changed = fs.overlaid(scenario, {"quantities.a.correlated": {"quantities.b": 0.5}})
    assert [p.what for p in fs.problems(changed) if "correlated" in p.path] == [
        "says 0.5 for 'quantities.b', which says 0.9 back"
    ]


@pytest.mark.parametrize("rank", [1, -1, 1.5])
def test_a_correlation_of_one_or_more_is_refused(tmp_path, rank):
    with pytest.raises(fs.ScenarioError, match=r"quantities\.b\.correlated"):
        case(tmp_path, b=f", correlated: {{quantities.a: {rank}}}")


def test_only_an_unknown_can_be_correlated(tmp_path):
    with pytest.raises(fs.ScenarioError, match="neither range nor estimates"):
        fs.overlaid(case(tmp_path), {"stocks.staff.start": {"value": 3, "correlated": {"quantities.a": 0.5}}})
