"""Reading a plain table of stocks and flows: what is recognised, what is refused, what was known when."""

import datetime as dt

import numpy as np
import pytest

import fieldshift as fs
from fieldshift.study.columns import role_of
from fieldshift.study.spelled import day_of, period_of, when


def read(tmp_path, text, **how):
    file = tmp_path / "table.csv"
    file.write_text(text, encoding="utf-8")
    return fs.read_history(file, **how)


def problems(tmp_path, text, **how):
    with pytest.raises(fs.ScenarioError) as caught:
        read(tmp_path, text, **how)
    return [str(p) for p in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2025-01", "2025-01"),
        ("2025/1", "2025-01"),
        ("01/2025", "2025-01"),
        ("202501", "2025-01"),
        ("2025M01", "2025-01"),
        ("Jan-25", "2025-01"),
        ("January 2025", "2025-01"),
        ("Sept 2024", "2024-09"),
        ("2025-01-31", "2025-01"),
        ("31 Jan 2025", "2025-01"),
        ("31/12/2019", "2019-12"),
        ("2025Q1", "2025-Q1"),
        ("Q3 2024", "2024-Q3"),
        ("2018", "2018"),
        ("FY2018", "2018"),
        ("2018/19", "2019"),
        ("03/04/2019", None),
        ("2025-13", None),
        ("2025-02-30", None),
        ("2018/21", None),
        ("soon", None),
    ],
)
def test_periods_are_read_in_many_spellings(text, told):
    found = period_of(text)
    assert (None if found is None else str(found)) == told


def test_a_day_stands_for_itself_and_a_month_for_its_end():
    assert when("2025-06-15") == dt.date(2025, 6, 15)
    assert when("2025-06") == dt.date(2025, 6, 30)
    assert when("2024") == dt.date(2024, 12, 31)
    assert when("2025-02-30") is None
    with pytest.raises(fs.UsageError, match="soon"):
        day_of("soon")


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("headcount_end", "headcount"),
        ("Headcount (end)", "headcount"),
        ("n_employees", "headcount"),
        ("FTE", "fte"),
        ("headcount_fte", "fte"),
        ("new_hires", "hires"),
        ("number_of_hires", "hires"),
        ("transferIn", "in"),
        ("accessions", "in_total"),
        ("Resignations", "early"),
        ("retirement", "out"),
        ("separations", "out_total"),
        ("quits_ytd", "running"),
        ("opm_code", ""),
        ("budget", ""),
    ],
)
def test_columns_are_known_by_name(name, role):
    assert role_of(name) == role


FLOWS = """org,code,month,headcount_end,new_hire,transfer_in,quit,retirement,other,accessions,separations
A,x,2025-01,"1,000",10,2,5,3,1,12,9
A,x,2025-02,1005,10,,5,3,,12,9
A,x,2025-04,1010,8,1,..,2,0,9,
B,y,2025-01,50,1,0,1,0,0,1,1
"""


def test_a_table_of_flows(tmp_path):
    found = read(tmp_path, FLOWS)
    assert found.orgs == ("A", "B")
    roles = found.roles
    assert (roles.hires, roles.ins, roles.early, roles.outs) == (
        ("new_hire",),
        ("transfer_in",),
        ("quit",),
        ("retirement", "other"),
    )
    assert (roles.in_total, roles.out_total, roles.unused) == ("accessions", "separations", ("code",))
    unit = found.known()["A"]
    assert [str(p) for p in unit.periods] == ["2025-01", "2025-02", "2025-03", "2025-04"], "a gap is a period"
    np.testing.assert_array_equal(unit.stock, [1000, 1005, np.nan, 1010])
    np.testing.assert_array_equal(unit.entered, [12, 12, np.nan, 9], "the sum is not counted twice")
    np.testing.assert_array_equal(unit.left, [9, 9, np.nan, np.nan], "a blank is missing, not zero")
    assert unit.lines.tolist() == [2, 3, 0, 4]


def test_what_enters_and_leaves_can_be_declared(tmp_path):
    text = "team,month,people_there,arrived,gone,moved\n" + "A,2025-01,10,1,2,3\nA,2025-02,11,2,1,0\n"
    text = text.replace("team", "org")
    found = read(tmp_path, text, stock="people_there", ins=["arrived"], outs=["gone", "moved"]).known()["A"]
    np.testing.assert_array_equal(found.entered, [1, 2])
    np.testing.assert_array_equal(found.left, [5, 1])


def test_an_unknown_column_of_numbers_is_told(tmp_path):
    found = read(tmp_path, "org,month,headcount,sabbatical\nA,2025-01,10,1\nA,2025-02,10,0\n")
    assert [p.level for p in found.warnings] == ["warning"]
    assert "table.csv:1:4: warning: the column 'sabbatical' is not used" in str(found.warnings[0])


def test_headcount_and_fte_are_never_mixed(tmp_path):
    text = "org,month,headcount,fte,hires,leavers\nA,2025-01,10,9.5,1,1\nA,2025-02,10,9.5,1,1\n"
    assert read(tmp_path, text).roles.measure == "headcount"
    fte = read(tmp_path, text, stock="fte")
    assert (fte.roles.measure, fte.roles.hires, fte.roles.out_total) == ("fte", (), ""), "flows in heads are left out"
    (told,) = problems(tmp_path, text, stock="fte", ins=["hires"])
    assert "headcount and FTE" in told


def test_every_problem_is_told_at_once_with_its_place(tmp_path):
    text = "org,month,headcount,hires\nA,2025-01,10,1\nA,soon,10,1\nA,2025-03,-4,1\n,2025-04,x1,1\nA,2025-Q1,3,1\n"
    told = problems(tmp_path, text)
    assert [line.split(": ")[0] for line in told] == [f"table.csv:{at}" for at in ("3:2", "4:3", "5:1", "5:3", "6:2")]
    assert "'soon' is no month" in told[0]
    assert "below zero" in told[1]


def test_the_same_period_twice_needs_a_choice(tmp_path):
    text = "org,year,rank,headcount\nA,2010,high,1\nA,2010,low,5\nA,2011,high,2\nA,2011,low,\n"
    assert "--where rank=VALUE, or sum with --over rank" in problems(tmp_path, text)[0]
    np.testing.assert_array_equal(read(tmp_path, text, over=["rank"]).known()["A"].stock, [6, np.nan])
    np.testing.assert_array_equal(read(tmp_path, text, where={"rank": "low"}).known()["A"].stock, [5, np.nan])
    assert "no row is left where rank = none" in problems(tmp_path, text, where={"rank": "none"})[0]


def test_records_of_people_are_refused(tmp_path):
    told = problems(tmp_path, "org,month,headcount,last_name,hire_date\nA,2025-01,1,Smith,2020-01-01\n")
    assert any("identity" in line for line in told)
    assert any("records of people" in line for line in told)


def test_a_stock_at_the_start_ends_the_period_before(tmp_path):
    found = read(tmp_path, "org,month,headcount_start,hires,leavers\nA,2025-01,10,2,1\nA,2025-02,11,3,1\n").known()["A"]
    assert [str(p) for p in found.periods] == ["2024-12", "2025-01", "2025-02"]
    np.testing.assert_array_equal(found.stock, [10, 11, np.nan])


def test_revisions_are_known_from_their_day_on(tmp_path):
    text = (
        "org,month,headcount,as_of\nA,2025-01,100,2025-02-15\nA,2025-02,110,2025-03-15\n"
        "A,2025-01,104,2025-03-20\nA,2025-03,120,2025-04-15\n"
    )
    found = read(tmp_path, text)
    assert found.known(dt.date(2025, 1, 31)) == {}, "the month was over, but nothing was published"
    np.testing.assert_array_equal(found.known(dt.date(2025, 3, 16))["A"].stock, [100, 110])
    np.testing.assert_array_equal(found.known(dt.date(2025, 3, 31))["A"].stock, [104, 110])
    np.testing.assert_array_equal(found.known()["A"].stock, [104, 110, 120])


def test_year_and_month_may_stand_apart(tmp_path):
    found = read(tmp_path, "org,year,month,headcount\nA,2024,11,5\nA,2024,12,6\nA,2025,Jan,7\n").known()["A"]
    assert [str(p) for p in found.periods] == ["2024-11", "2024-12", "2025-01"]


def test_a_missing_file_is_a_wrong_name(tmp_path):
    with pytest.raises(fs.UsageError, match="cannot read"):
        fs.read_history(tmp_path / "none.csv")
