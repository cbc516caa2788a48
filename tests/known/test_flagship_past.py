"""The flagship's own past: what its page and its case say of it is what the tool says, and later rows reach nothing."""

import datetime as dt
import re
from pathlib import Path

import pytest

import fieldshift as fs

CASE = Path(fs.__file__).parent / "cases" / "ice-2024"
PAGE = Path(__file__).parents[2] / "docs" / "guides" / "the-flagship-backtest.md"
NOVEMBER, JUNE = dt.date(2024, 11, 30), dt.date(2025, 6, 30)


@pytest.mark.parametrize(("origin", "months", "given"), [(NOVEMBER, 9, False), (NOVEMBER, 16, False), (JUNE, 9, True)])
def test_the_page_says_what_the_tool_says(origin, months, given):
    tested = fs.backtest_staffing(fs.read_history(CASE / "history.csv"), [origin], months, given=given)
    row, last = tested.table().iloc[0], tested.paths().iloc[-1]
    told = f"{months} | {row.mape:.2f} % | {row.mape_persistence:.2f} % | {row.cover80:.0%} | ".replace("%  |", "% |")
    told = (
        re.sub(r"(\d)%", r"\1 %", told)
        + f"{last.q500:,.0f} ({last.q100:,.0f} to {last.q900:,.0f}) | {last.outcome:,.0f}"
    )
    assert told in PAGE.read_text("utf-8")


def test_the_case_says_what_its_backtest_said():
    history = fs.read_history(CASE / "history.csv")
    tested = fs.read("ice-2024").tested
    for months in (9, 16):
        row = fs.backtest_staffing(history, [NOVEMBER], months, given=False).table().iloc[0]
        assert f"{row.mape:.1f} %" in tested


def test_no_later_row_reaches_a_forecast(tmp_path):
    lines = (CASE / "history.csv").read_text("utf-8").splitlines()
    poisoned = [
        line
        if line.split(",")[1] <= "2024-11" or i == 0
        else re.sub(r"\d+", "7", line.split(",", 2)[2]).join([",".join(line.split(",", 2)[:2]) + ",", ""])
        for i, line in enumerate(lines)
    ]
    file = tmp_path / "history.csv"
    file.write_text("\n".join(poisoned) + "\n", "utf-8")
    assert poisoned != lines
    true, false = (
        fs.backtest_staffing(fs.read_history(f), [NOVEMBER], 9, given=False).paths()
        for f in (CASE / "history.csv", file)
    )
    bands = [c for c in true.columns if c.startswith("q")]
    assert true[bands].to_numpy().tobytes() == false[bands].to_numpy().tobytes()
    assert (true["outcome"] != false["outcome"]).any()


def test_the_surge_can_be_lived():
    scenario = fs.read("ice-2024", overlay=[CASE / "surge.yaml"])
    assert not [p for p in fs.problems(scenario) if p.level == "error"]
