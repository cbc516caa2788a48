"""The flagship's own past: tables as they were counted, forecasts that see no later row, numbers of the page re-made.

Sources: US personnel office, federal workforce data to March 2026; agency detention workbooks (SOURCES.md, section 7).
"""

from __future__ import annotations

import csv
import datetime as dt
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

import fieldshift as fs

CASE = resources.files("fieldshift") / "cases" / "ice-2024"
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "guides" / "the-flagship-backtest.md").read_text("utf-8")
FORECAST = ("q025", "q100", "q250", "q500", "q750", "q900", "q975", "persistence")


def table(name: str) -> list[dict[str, str]]:
    with (CASE / name).open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def scored(name: str, origin: str, horizon: int, *, stock: str = "", given: bool = False):
    history = fs.read_history(str(CASE / name), **({"stock": stock} if stock else {}))
    return fs.backtest_staffing(history, [origin], horizon, given=given)


def poisoned(name: str, after: str, tmp_path: Path) -> Path:
    """Write a table again, each number of a later month made three times as large and one more."""
    rows = table(name)
    for row in rows:
        for column, text in row.items():
            if row["month"] > after and text.replace(".", "", 1).isdigit():
                row[column] = str(round(3 * float(text) + 1))
    file = tmp_path / name
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return file


def test_months_add_up_to_years():
    years, months = {row["year"]: row for row in table("years.csv")}, table("history.csv")
    assert len(months) == 63
    for row in months:
        if row["month"].endswith("-12"):
            assert years[row["month"][:4]]["headcount_end"] == row["headcount_end"], row["month"]
    hired = sum(int(row["new_hire"]) for row in months if row["month"].startswith("2025"))
    assert hired == int(years["2025"]["new_hire"])


def test_entry_officers_who_left_are_at_least_those_told_by_reason():
    rows = table("entry_officers.csv")
    assert all(int(r["quits"]) + int(r["appointment_ended"]) <= int(r["departures"]) for r in rows)


def test_the_residual_is_told():
    found = fs.import_check(str(CASE / "history.csv"))
    told = " ".join(found.sentences())
    assert "+1,650 people are unexplained" in told
    assert "+1,650 people are unexplained" in PAGE
    checked = found.residuals[found.residuals["period"].astype(str) >= "2025-02"]
    assert checked["residual"].sum() == 1804


@pytest.mark.parametrize(
    ("name", "stock", "origin"),
    [
        ("history.csv", "", "2024-11"),
        ("history.csv", "", "2025-06"),
        ("workload.csv", "book_ins_ice", "2024-11"),
        ("workload.csv", "held_ice", "2024-11"),
    ],
)
def test_no_later_row_reaches_a_forecast(name, stock, origin, tmp_path):
    before = scored(name, origin, 7, stock=stock).paths()
    columns = {"stock": stock} if stock else {}
    history = fs.read_history(str(poisoned(name, origin, tmp_path)), **columns)
    after = fs.backtest_staffing(history, [origin], 7, given=False).paths()
    assert after[list(FORECAST)].to_numpy().tobytes() == before[list(FORECAST)].to_numpy().tobytes()
    assert not np.array_equal(after["outcome"], before["outcome"], equal_nan=True)


@pytest.mark.parametrize(("origin", "given"), [("2024-11", False), ("2025-06", False), ("2025-06", True)])
def test_headcount_scores_on_the_page(origin, given):
    found = scored("history.csv", origin, 16, given=given)
    score, last = found.table().iloc[0], found.paths().iloc[-1]
    assert f"{last['q500']:,.0f} ({last['q100']:,.0f} to {last['q900']:,.0f}) | {last['outcome']:,.0f}" in PAGE
    assert f"{score['mape']:.1f} % | {score['crps']:,.0f}" in PAGE
    bands = "/".join(f"{100 * score[name]:.0f}" for name in ("cover50", "cover80", "cover95"))
    assert f"{bands} % of {score['count']:.0f} | {score['skill_persistence']:.2f}" in PAGE
    if origin == "2025-06":
        left = found.paths()
        assert f"| {left['left_forecast'].sum():,.0f} | {left['left'].sum():,.0f} |" in PAGE


@pytest.mark.parametrize(
    ("stock", "origin", "horizon"),
    [
        ("book_ins_ice", "2024-11", 13),
        ("held_ice", "2024-11", 13),
        ("held_cbp", "2024-11", 13),
        ("book_ins_ice", "2025-06", 6),
        ("held_ice", "2025-06", 6),
    ],
)
def test_workload_scores_on_the_page(stock, origin, horizon):
    found = scored("workload.csv", origin, horizon, stock=stock)
    score, last = found.table().iloc[0], found.paths().iloc[-1]
    assert f"{last['q500']:,.0f} ({last['q100']:,.0f} to {last['q900']:,.0f})" in PAGE
    assert f"{last['outcome']:,.0f} | {score['mape']:.0f} % | {score['crps']:,.0f}" in PAGE


def test_the_overlay_adds_a_policy_and_moves_no_other():
    case, over = fs.read("ice-2024"), fs.read("ice-2024", overlay=[str(CASE / "surge.yaml")])
    assert set(over.policies) - set(case.policies) == {"surge"}
    before, after = (fs.mean(one, "announced").people for one in (case, over))
    assert before.tobytes() == after.tobytes()


@pytest.mark.slow
def test_what_happened_needs_more_than_the_announcement():
    """Own people in March 2026 and book-ins of June 2025: `surge` is within 5 %, `announced` a quarter or less."""
    over = fs.read("ice-2024", overlay=[str(CASE / "surge.yaml")])
    keys = [("on_board", ""), ("started", "transfer"), ("arrived", "custody_ice")]
    found = {}
    for policy in ("announced", "surge"):
        run = fs.simulate(over, [policy], 20, 1, groups=1, keys=keys)
        days = run.dates("on_board")
        june, march = days.index(dt.date(2025, 6, 29)), days.index(dt.date(2026, 3, 29))
        borrowed = run.values(policy, "started", "transfer").mean(0)[:march].sum()
        booked = run.values(policy, "arrived", "custody_ice").mean(0)[june - 4 : june].mean() / 7
        found[policy] = (run.values(policy, "on_board").mean(0)[march] - borrowed, booked)
    outcome = (int(table("history.csv")[-1]["headcount_end"]), 31597 / 30)
    assert found["surge"] == pytest.approx(outcome, rel=0.05)
    assert found["announced"][0] < 0.7 * outcome[0]
    assert found["announced"][1] < 0.25 * outcome[1]


def test_the_case_says_what_its_backtest_said():
    """The sentence that the report tells, against the tool: nine months and sixteen from November 2024."""
    case = Path(fs.__file__).parent / "cases" / "ice-2024"
    history, tested = fs.read_history(case / "history.csv"), fs.read("ice-2024").tested
    for months in (9, 16):
        row = fs.backtest_staffing(history, [dt.date(2024, 11, 30)], months, given=False).table().iloc[0]
        assert f"{row.mape:.1f} %" in tested
