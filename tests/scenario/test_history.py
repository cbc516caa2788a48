"""Observed series: read from tables with every problem placed, checked, written and read back."""

import datetime as dt

import pytest

import fieldshift as fs
from fieldshift.network.build import build
from fieldshift.results.measures import MEASURES
from fieldshift.scenario.observed import INSTANTS, OBSERVABLE, ended, kind_of, known_on, spans
from fieldshift.scenario.schema import Series
from fieldshift.study.observing import operator, rows_inside

CASE = """
name: Past
horizon: {start: 2021-01-01, periods: 12, step: month}
sites: [north, south]
stocks: {staff: {start: 10 person, spread: even}}
flows: {quit: {tail: staff, rate: 10 %/year, range: 5..20 %/year, kind: quit}}
policies: {stay: {}}
"""


def folder(tmp_path, history, **tables):
    (tmp_path / "scenario.yaml").write_text(CASE + history)
    for name, text in tables.items():
        (tmp_path / f"{name}.csv").write_text(text)
    return tmp_path


def told(call):
    with pytest.raises(fs.ScenarioError) as raised:
        call()
    return [str(problem) for problem in raised.value.problems]


def days(series):
    return [(span.first.isoformat(), span.last.isoformat()) for span in spans(series)]


def one(*dates, **more):
    rows = [{"date": date, "value": 1} for date in dates]
    return Series.model_validate({"of": "losses.quit", "rows": rows, **more})


# ------------------------------------------------------------------------------------ reading


def test_a_table_is_read_with_what_is_missing_and_what_came_later(tmp_path):
    table = "month,value,published\n2021-01,4,2021-02-10\n2021-02,,\n2021-03,0,2021-04\n"
    scenario = fs.read(folder(tmp_path, "history: {left: {of: losses.quit, table: left.csv}}\n", left=table))
    rows = scenario.history["left"].rows
    assert [(row.date, row.value) for row in rows] == [("2021-01", 4.0), ("2021-02", None), ("2021-03", 0.0)]
    assert [row.published for row in rows] == [dt.date(2021, 2, 10), None, dt.date(2021, 4, 30)]


def test_a_column_of_a_wide_table_is_picked_and_the_others_are_ignored(tmp_path):
    table = "date,site,heads,fte\n2021-01-31,north,5,4.5\n2021-01-31,south,6,5.5\n"
    history = "history: {heads: {of: on_board, table: wide.csv, column: heads, counts: headcount}}\n"
    scenario = fs.read(folder(tmp_path, history, wide=table))
    assert [(row.site, row.value) for row in scenario.history["heads"].rows] == [("north", 5.0), ("south", 6.0)]


def test_every_problem_of_a_table_is_told_at_once_with_its_place(tmp_path):
    table = "date,value,other\n2021-13,1\nlast year,2,x\n2021-02,1 200,x\n"
    found = told(lambda: fs.read(folder(tmp_path, "history: {left: {of: losses.quit, table: left.csv}}\n", left=table)))
    assert any("left.csv:2:2: 2 values in a table of 3 columns" in text for text in found)
    assert any("left.csv:3:1: expected a date such as 2021-03-31 or 2021-03, got 'last year'" in text for text in found)
    assert any("left.csv:4:2: expected a number, got '1 200' (write 1200)" in text for text in found)
    assert any("left.csv:1:3: unknown column 'other'" in text for text in found)


def test_heads_and_full_time_equivalents_are_not_mixed(tmp_path):
    history = "history: {staff: {of: on_board, table: t.csv, column: staff_fte, counts: headcount}}\n"
    found = told(lambda: fs.read(folder(tmp_path, history, t="date,staff_fte\n2021-01-31,9.5\n")))
    assert any("t.csv:1:2: 'staff_fte' is in FTE" in text for text in found)
    history = "history: {staff: {of: on_board, counts: fte, rows: [{date: 2021-01, value: 9.5}], source: x}}\n"
    found = told(lambda: fs.check(fs.read(folder(tmp_path, history))))
    assert len(found) == 1
    assert "history.staff.counts" in found[0]


def test_a_scenario_with_a_past_is_written_and_read_back_equal(tmp_path):
    table = "month,site,value,published\n2021-01,north,4,2021-02-10\n2021-01,south,,\n2021-02,north,2.5,\n"
    history = "history: {left: {of: losses.quit, table: left.csv, source: x}}\ncalibrate: {until: 2021-06-30}\n"
    (tmp_path / "in").mkdir()
    scenario = fs.read(folder(tmp_path / "in", history, left=table))
    assert fs.read(fs.write(scenario, tmp_path / "out")) == scenario
    assert (tmp_path / "out" / "history.left.csv").is_file()
    assert fs.read(fs.write(scenario, tmp_path / "one.yaml")) == scenario


# ----------------------------------------------------------------------------------- checking


def test_what_is_not_there_is_told_with_its_place(tmp_path):
    history = """history:
  a: {of: lost.quit, rows: [{date: 2021-01, value: 1}], source: x}
  b: {of: people.stuff, rows: [{date: 2021-01, value: -1}], source: x}
  c: {of: losses, rows: [{date: 2021-01, value: 1, site: west}, {date: 2021-01, value: 1}], source: x}
  d: {of: losses, rows: [{date: 2021-01, value: 1}, {date: 2021-01, value: 2}], source: x}
  e: {of: losses, rows: [{date: 2021-Q1, value: 1}, {date: 2021-02, value: 2}], source: x}
  f: {of: losses, drives: flows.quit.rat, rows: [{date: 2021-01, value: 1}], source: x}
calibrate: {fit: [flows.quit.rates, stocks.staff.start], to: [z], policy: go}
"""
    found = told(lambda: fs.check(fs.read(folder(tmp_path, history))))
    for line, text in [
        (9, "there is no measure 'lost' to observe"),
        (10, "there is no 'stuff' in stocks (did you mean 'staff'?)"),
        (10, "must be at least 0 and finite, got -1"),
        (11, "there is no site 'west'"),
        (11, "1 of 2 rows name no site, the others do"),
        (12, "2021-01 stands here twice"),
        (13, "the interval of 2021-02 overlaps that of 2021-Q1"),
        (14, "there is no number at 'flows.quit.rat' (did you mean 'flows.quit.rate'?)"),
        (15, "there is no number at 'flows.quit.rates'"),
        (15, "'stocks.staff.start' has no range"),
        (15, "there is no series 'z'"),
        (15, "there is no policy 'go'"),
    ]:
        assert any(f"scenario.yaml:{line}:" in one and text in one for one in found), (line, text, found)


def test_the_measures_that_can_be_observed_are_measures():
    for name in OBSERVABLE:
        assert (name in INSTANTS) is (MEASURES[name].at == "instant"), name


# --------------------------------------------------------------------------------- dates and sums


@pytest.mark.parametrize(
    ("dates", "more", "expected"),
    [
        (["2021-02"], {}, [("2021-02-01", "2021-02-28")]),
        (["2021-Q3"], {}, [("2021-07-01", "2021-09-30")]),
        (["2021"], {}, [("2021-01-01", "2021-12-31")]),
        (["2021-01-31", "2021-02-28"], {}, [("2021-01-01", "2021-01-31"), ("2021-02-01", "2021-02-28")]),
        (["2021-01-01", "2021-02-01"], {}, [("2021-01-01", "2021-01-31"), ("2021-02-01", "2021-02-28")]),
        (["2021-03-31"], {"every": "year"}, [("2020-04-01", "2021-03-31")]),
        (["2021-01-10", "2021-01-17"], {}, [("2021-01-04", "2021-01-10"), ("2021-01-11", "2021-01-17")]),
        (["2021-01-10"], {"every": "week", "dated": "first"}, [("2021-01-10", "2021-01-16")]),
    ],
)
def test_a_date_stands_for_a_stretch_of_days(dates, more, expected):
    assert days(one(*dates, **more)) == expected


def test_a_row_is_known_when_it_was_published_or_after_its_delay():
    late = one("2021-02", delay=20)
    assert known_on(late, late.rows[0], spans(late)[0]) == dt.date(2021, 3, 20)
    told_of = Series.model_validate(
        {"of": "losses", "rows": [{"date": "2021-02", "published": "2021-05-01", "value": 1}]}
    )
    assert known_on(told_of, told_of.rows[0], spans(told_of)[0]) == dt.date(2021, 5, 1)
    first = one("2021-02-01", of="on_board")
    assert (kind_of(first), ended(first, spans(first)[0])) == ("stock", dt.date(2021, 2, 1))


def test_a_model_in_weeks_is_summed_over_months_and_read_between_instants(tmp_path):
    scenario = fs.overlaid(
        fs.read(folder(tmp_path, "")),
        {
            "horizon": {"step": "week", "periods": 20},
            "flows.quit": {"rate": "0 %/year", "range": None},
            "flows": {"join": {"head": "staff", "arrive": "7 person/week"}},
            "history": {
                "in": {"of": "hires", "rows": [{"date": "2021-02", "value": 28}, {"date": "2021-03", "value": 31}]},
                "heads": {"of": "on_board", "rows": [{"date": "2021-02-10", "value": 50}], "dated": "first"},
                "mean": {"of": "on_board", "kind": "average", "rows": [{"date": "2021-01", "value": 1}]},
            },
        },
    )
    network = build(scenario)
    rows = rows_inside(scenario, network, ["in", "heads", "mean"])
    made = operator(scenario, network, rows).of(fs.mean(scenario), network)[0]
    # One person a day: as many as the month has days; 40 days after ten on the first day; and their mean over January.
    assert made == pytest.approx([28.0, 31.0, 50.0, 10.0 + 31 / 2])
