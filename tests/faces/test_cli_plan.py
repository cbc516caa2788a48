"""The planning verbs at the shell: the plan, what is short, policies against it, and why there is no plan."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from test_cli import say

import fieldshift as fs

pytestmark = pytest.mark.slow

SHORT = ["--set", "horizon.periods=40"]

CLASH = """\
name: Clash
horizon: {start: 2025-01-06, periods: 6, step: month}
stocks: {work: {start: 0 person}}
choices: {hire: {head: work, most: 3 person/month}}
needs: {work: {of: work, need: {dates: {2025-01-06: 0 person, 2025-03-06: 20 person}}}}
goals: [{least: cost}]
policies: {stay: {}}
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    out = tmp_path_factory.mktemp("plan") / "out"
    return say("run", "academy", "-o", out, *SHORT, "--draws", "24", "--groups", "2", "--workers", "1"), out


def test_optimize_tells_goals_and_moves_and_writes_them(tmp_path):
    said = say("optimize", "academy", *SHORT, "-o", tmp_path / "plan")
    assert said.code == 0
    assert "least short of needs.field" in said.out
    assert "Planned: optimal" in said.err
    moves = pd.read_csv(tmp_path / "plan" / "moves.csv")
    data = say("optimize", "academy", *SHORT, "--json", "-q").data
    assert data["status"] == "optimal"
    assert sum(row["people"] for row in data["moves"]) == moves["people"].sum() > 0
    assert (moves["people"] == moves["people"].round()).all()


def test_a_shorter_list_of_decisions_is_never_better():
    free, coarse = (
        say("optimize", "academy", *SHORT, "--json", "-q", *how).data for how in ((), ("--coarsen", "1,1,8"))
    )
    assert coarse["goals"][0]["value"] >= free["goals"][0]["value"] - 1e-6
    assert "later up to 8 weeks at a time" in coarse["groups"]
    wrong = say("optimize", "academy", "--coarsen", "weekly")
    assert wrong.code == 2
    assert "expected auto, none, or lengths" in wrong.err


def test_needs_says_what_one_more_is_worth_and_where_needs_are_not_met():
    said = say("needs", "academy", *SHORT)
    assert said.code == 0
    assert re.search(r"one more seat, .* \(\d+ weeks\)", said.out)
    assert "Depleted first: " in said.out
    data = say("needs", "academy", *SHORT, "--json", "-q").data
    assert data["shortages"]
    assert data["gaps"]["found"]


def test_evaluate_sets_the_plan_beside_the_rules():
    how = [*SHORT, "--draws", "24", "--groups", "2", "--workers", "1"]
    said = say("evaluate", "academy", *how)
    assert said.code == 0
    assert "the plan promised" in said.out
    data = say("evaluate", "academy", *how, "--json", "-q").data
    rows = {row["policy"]: row for row in data["goals"] if row["goal"] == "least short of needs.field"}
    assert rows["plan"]["on_mean"] <= min(row["on_mean"] for row in rows.values()) + 1e-6
    alone = say("evaluate", "academy", *how, "--no-plan", "--policy", "move", "--json", "-q").data
    assert {row["policy"] for row in alone["goals"]} == {"move"}


def test_run_has_the_plan_in_its_summary_its_report_and_its_folder(ran):
    said, out = ran
    assert said.code == 0
    assert "The plan" in said.out
    page = (out / "report.html").read_text(encoding="utf-8")
    assert 'id="plan"' in page
    assert 'id="short"' in page
    assert "From where to where" in page
    result = fs.load(out / "run")
    assert result.policies[-1] == "plan"
    assert result.planned is not None
    assert set(result.planned.says) == {"plan", "shortages", "gaps", "judged"}
    moves = result.planned.moves
    assert np.issubdtype(moves["people"].dtype, np.integer)
    started = result.values("plan", "started", "retrain").sum(axis=1)
    asked = moves.loc[moves["choice"] == "retrain", "people"].sum()
    assert (started <= asked).all()


def test_run_may_leave_the_plan_out(tmp_path):
    said = say("run", "academy", "-o", tmp_path / "out", *SHORT, "--draws", "8", "--no-plan", "--workers", "1")
    assert said.code == 0
    assert fs.load(tmp_path / "out" / "run").planned is None
    assert 'id="plan"' not in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("verb", ["optimize", "needs", "evaluate"])
def test_no_plan_is_exit_3_with_the_rules_that_clash_and_what_would_help(verb, tmp_path):
    file = tmp_path / "clash.yaml"
    file.write_text(CLASH, encoding="utf-8")
    said = say(verb, file)
    assert said.code == 3
    assert "clash.yaml:4)" in said.err
    assert "clash.yaml:5)" in said.err
    assert "Feasible with most per period: hire 14 instead of 3 people a month" in said.err
    fine = say("optimize", file, "--set", "choices.hire.most=14 person/month", "--json", "-q")
    assert fine.code == 0
    assert json.loads(fine.out)["status"] == "optimal"


def test_a_run_without_a_feasible_plan_says_so_and_goes_on(tmp_path):
    file = tmp_path / "clash.yaml"
    file.write_text(CLASH, encoding="utf-8")
    said = say("run", file, "-o", tmp_path / "out", "--draws", "8", "--workers", "1")
    assert said.code == 0
    assert "simulated without a plan" in said.err
    assert (tmp_path / "out" / "report.html").is_file()
