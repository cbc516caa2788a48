"""The horizon: dates, lengths, fiscal years, and rates that decay the same at any step."""

import datetime as dt
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fieldshift.horizon import Periods
from fieldshift.units import DAYS, UnitError

START = dt.date(2024, 11, 17)


def periods(step: str, count: int = 12, start: dt.date = START, fiscal: str = "10-01") -> Periods:
    return Periods(start, count, step, fiscal)


def test_instants_are_one_more_than_periods():
    weeks = periods("week", 3)
    assert [d.isoformat() for d in weeks.instants] == ["2024-11-17", "2024-11-24", "2024-12-01", "2024-12-08"]
    assert weeks.label(1) == "2024-11-24"


@pytest.mark.parametrize(
    ("step", "start", "last"),
    [
        ("month", dt.date(2024, 1, 31), ["2024-02-29", "2024-03-31", "2024-04-30"]),
        ("quarter", dt.date(2024, 11, 30), ["2025-02-28", "2025-05-30", "2025-08-30"]),
        ("year", dt.date(2024, 2, 29), ["2025-02-28", "2026-02-28", "2027-02-28"]),
        ("day", dt.date(2024, 2, 28), ["2024-02-29", "2024-03-01", "2024-03-02"]),
    ],
)
def test_instants_follow_the_calendar(step, start, last):
    assert [d.isoformat() for d in periods(step, 3, start).instants[1:]] == last


def test_leap_day_comes_back():
    assert periods("year", 4, dt.date(2024, 2, 29)).instants[4] == dt.date(2028, 2, 29)


def test_a_horizon_beyond_the_calendar_says_so():
    for step in ("year", "week"):
        with pytest.raises(UnitError, match="9999"):
            _ = periods(step, 6000, dt.date(9950, 1, 1)).instants


@pytest.mark.parametrize(
    ("step", "word", "length"),
    [
        ("month", "year", 1 / 12),
        ("quarter", "month", 3.0),
        ("year", "quarter", 4.0),
        ("week", "week", 1.0),
        ("week", "day", 7.0),
        ("week", "year", 7 / 365.25),
        ("day", "week", 1 / 7),
        ("month", "week", 365.25 / 84),
    ],
)
def test_lengths(step, word, length):
    assert periods(step).length(word) == length


def test_a_word_that_is_no_time():
    with pytest.raises(UnitError, match="fortnight"):
        periods("week").length("fortnight")


def test_fiscal_years_are_named_for_the_year_they_end_in():
    assert periods("month", 13, dt.date(2024, 9, 1)).fiscal_years.tolist() == [2024, *[2025] * 12]
    assert periods("month", 13, dt.date(2024, 9, 1), "01-01").fiscal_years.tolist() == [
        *[2024] * 4,
        *[2025] * 9,
    ]
    assert periods("day", 2, dt.date(2024, 9, 30)).fiscal_years.tolist() == [2024, 2025]
    assert periods("day", 2, dt.date(2024, 4, 5), "04-06").fiscal_years.tolist() == [2024, 2025]


def test_at_is_the_period_that_contains_a_date():
    weeks = periods("week", 3)
    for date, period in [
        ("2000-01-01", 0),
        ("2024-11-17", 0),
        ("2024-11-23", 0),
        ("2024-11-24", 1),
        ("2024-12-07", 2),
        ("2024-12-08", 3),
        ("2030-01-01", 3),
    ]:
        assert weeks.at(dt.date.fromisoformat(date)) == period


@pytest.mark.parametrize(
    ("first", "last", "active"),
    [
        (None, None, [1, 1, 1, 1]),
        ("2024-11-24", None, [0, 1, 1, 1]),
        ("2024-11-25", None, [0, 1, 1, 1]),
        ("2024-11-30", "2024-12-01", [0, 1, 1, 0]),
        (None, "2024-11-23", [1, 0, 0, 0]),
        (None, "2024-11-16", [0, 0, 0, 0]),
        ("2025-01-01", None, [0, 0, 0, 0]),
        ("2024-11-27", "2024-11-25", [0, 0, 0, 0]),
    ],
)
def test_active_periods_share_a_day_with_the_stretch(first, last, active):
    given_days = [None if day is None else dt.date.fromisoformat(day) for day in (first, last)]
    assert periods("week", 4).active(*given_days).astype(int).tolist() == active


@pytest.mark.parametrize(
    ("step", "value", "word", "count"),
    [
        ("week", 4, "week", 4),
        ("week", 4 * 7 / 365.25, "year", 4),
        ("week", 1, "month", 4),
        ("week", 10.5, "week", 11),
        ("week", 0.01, "day", 1),
        ("week", 0, "day", 0),
        ("month", 26, "week", 6),
        ("month", 0.5, "year", 6),
        ("month", 1, "week", 1),
        ("quarter", 1.5, "quarter", 2),
        ("week", 2.5, "week", 3),
        ("week", 2.4999, "week", 2),
        ("month", 18, "month", 18),
        ("month", 1.5, "year", 18),
        ("year", 1, "day", 1),
        ("week", -4, "week", 0),
    ],
)
def test_durations_are_whole_periods(step, value, word, count):
    assert periods(step).duration(value, word) == count


@given(st.floats(0, 1), st.sampled_from(sorted(DAYS)), st.sampled_from(sorted(DAYS)))
def test_a_closed_cohort_decays_the_same_at_any_step(rate, word, step):
    one = periods(step)
    n = 1 / one.length(word)
    stays = 1 - float(one.probability(rate, word))
    assume(stays > 1e-6)  # below, 1 - p itself has too few digits
    assert stays**n == pytest.approx(1 - rate, rel=1e-8)


@given(st.floats(0, 0.99))
def test_by_week_and_by_month_a_year_ends_the_same(rate):
    weeks = (1 - periods("week").probability(rate, "year")) ** (365.25 / 7)
    months = (1 - periods("month").probability(rate, "year")) ** 12
    assert weeks == pytest.approx(months, rel=1e-10)


def test_a_rate_of_one_empties_and_of_none_keeps():
    found = periods("week").probability(np.array([[0.0, 1.0, 1.5, -0.5]]), "year")
    assert found.tolist() == [[0.0, 1.0, 1.0, 0.0]]


def test_a_small_rate_is_exact():
    assert float(periods("week").probability(1e-12, "week")) == pytest.approx(1e-12, rel=1e-12)


def test_the_word_matters():
    days = periods("day")
    assert float(days.probability(1 / 44, "day")) == pytest.approx(1 / 44, rel=1e-14)
    assert float(days.probability(1 / 44 * 7, "week")) > 1 / 44


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 1e308])
def test_a_duration_that_cannot_be_counted(value):
    with pytest.raises(UnitError, match=r"too long to count \(no longer than the horizon\)"):
        periods("day").duration(value, "year")


@given(st.floats(0, 500), st.sampled_from(sorted(DAYS)), st.sampled_from(sorted(DAYS)))
def test_a_duration_is_the_nearest_whole_number_of_periods(value, word, step):
    exact = value * DAYS[word] / DAYS[step]
    found = periods(step).duration(value, word)
    assert found == 1 if 1e-9 < exact < 0.5 else abs(found - exact) <= 0.5 + 1e-6


@given(
    st.sampled_from(sorted(DAYS)),
    st.dates(dt.date(1990, 1, 1), dt.date(2090, 1, 1)),
    st.integers(1, 30),
    st.none() | st.integers(-400, 12_000),
    st.none() | st.integers(-400, 12_000),
)
def test_a_period_is_active_when_any_of_its_days_is(step, start, count, first, last):
    one = periods(step, count, start)
    days = [None if given_day is None else start + dt.timedelta(days=given_day) for given_day in (first, last)]
    low, high = days[0] or dt.date.min, days[1] or dt.date.max
    wanted = [
        low <= high and begin <= high and end - dt.timedelta(days=1) >= low for begin, end in pairwise(one.instants)
    ]
    assert one.active(*days).tolist() == wanted


@given(st.sampled_from(sorted(DAYS)), st.dates(dt.date(1990, 1, 1), dt.date(2090, 1, 1)), st.integers(1, 40))
def test_periods_cover_every_day_once(step, start, count):
    one = periods(step, count, start)
    assert len(one.instants) == count + 1
    assert all(a < b for a, b in pairwise(one.instants))
    for i, (begin, end) in enumerate(pairwise(one.instants)):
        assert one.at(begin) == one.at(end - dt.timedelta(days=1)) == i
    assert one.at(one.instants[-1]) == count


@settings(max_examples=40)
@given(st.dates(dt.date(1990, 1, 1), dt.date(2090, 1, 1)), st.integers(1, 12), st.integers(1, 28))
def test_a_fiscal_year_ends_in_the_year_it_is_named_for(start, month, day):
    one = periods("day", 400, start, f"{month:02}-{day:02}")
    for date, year in zip(one.instants[:-1], one.fiscal_years.tolist(), strict=True):
        ends = dt.date(year, month, day) - dt.timedelta(days=1) if (month, day) != (1, 1) else dt.date(year, 12, 31)
        assert dt.date(ends.year - 1, ends.month, min(ends.day, 28)) <= date <= ends


@given(st.floats(0, 0.999), st.sampled_from(sorted(DAYS)), st.integers(1, 20))
def test_a_cohort_after_a_common_span_is_the_yearly_rate_compounded(rate, step, years):
    one = periods(step)
    left = (1 - float(one.probability(rate, "year"))) ** (years / one.length("year"))
    assert left == pytest.approx((1 - rate) ** years, rel=1e-7, abs=1e-12)
