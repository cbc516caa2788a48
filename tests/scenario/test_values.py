"""The numbers of a scenario: every form of a number, in base units, at the centre and drawn."""

import math
import re
from contextlib import suppress
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from fieldshift.horizon import Periods
from fieldshift.scenario.formula import FormulaError
from fieldshift.scenario.schema import Amount, Estimate, Scenario, Site
from fieldshift.scenario.values import Values, central, point, quantile, read_text, unknowns
from fieldshift.units import DAYS, UnitError

SITES = (
    {"id": "north", "weight": 2, "cooperation": "sanctuary"},
    {"id": "south", "weight": 1, "cooperation": "mixed"},
    {"id": "west", "weight": 1, "cooperation": "mixed"},
)
QUANTITIES = {
    "officers": {"value": "6000 person", "range": "5000..6500"},
    "desk_share": {"estimates": [{"range": "60..70 %", "weight": 3}, {"value": "17 %"}]},
    "desks": "officers * desk_share",
    "quit": "6 %/year",
    "stay": "44 day",
    "some": 0.5,
}


def scenario(**parts) -> Scenario:
    given_parts = {
        "name": "x",
        "horizon": {"start": "2024-11-18", "periods": 60, "step": "week", "fiscal_year_starts": "10-01"},
        "sites": SITES,
        "quantities": QUANTITIES,
    }
    return Scenario.model_validate({**given_parts, **parts})


def values(draw=None, sites=None, step="week", **parts) -> Values:
    made = scenario(**parts)
    return Values(made, Periods(made.horizon.start, made.horizon.periods, step, "10-01"), draw, sites)


def amount(given) -> Amount:
    return Amount.model_validate(given)


def plain(given, unit, draw=None, **parts) -> list[list[float]]:
    return values(draw, **parts).plain("p", amount(given), unit).data.tolist()


# ------------------------------------------------------------------------------------------ one number


@pytest.mark.parametrize(
    ("text", "unit", "number"),
    [
        (12, "person", 12),
        (0, "person", 0),
        ("12", "person", 12),
        ("12 person", "person", 12),
        ("7.6e6 case", "case", 7.6e6),
        ("700 MUSD", "USD", 7e8),
        (90, "hour/case", 90),
        ("90 minute/case", "hour/case", 1.5),
        ("35 %", "1", 0.35),
        ("officers * 10 %", "person", 600),
        ("officers", "person", 6000),
        ("some", "hour/case", 0.5),
        ("max(0, officers - 7000 person)", "person", 0),
        ("3 seat", "unit", 3),
        ("3 case/person", "unit/person|1", 3),
    ],
)
def test_plain_numbers_in_base_units(text, unit, number):
    assert plain(text, unit) == [[number]]


@pytest.mark.parametrize(
    ("text", "unit", "what"),
    [
        ("12 case", "person", "expected person, got '12 case', which is case"),
        ("12 %", "person", "which is a share"),
        ("12 person", "person/week", "expected person/week"),
        ("officers + 3 case", "person", "adds person and case"),
        ("nobody", "person", "there is no quantity 'nobody'"),
        ("officers / person", "1", "there is no quantity 'person'"),
        ("officers / (some - 0.5)", "person", "divides by zero"),
        (float("nan"), "person", "nan is not a finite number"),
        ("1,000 person", "person", "comma"),
    ],
)
def test_what_is_wrong_is_said(text, unit, what):
    given_values = values()
    for method in (given_values.plain, given_values.per_period):
        with pytest.raises(FormulaError, match=re.escape(what)):
            method("p", amount(text), unit)


def test_a_unit_word_that_is_a_quantity_too_is_not_guessed():
    quantities = {**QUANTITIES, "people": "10 person"}
    assert plain("5 people", "person", quantities=quantities) == [[5]]
    assert plain("100 case / (people)", "case/person", quantities=quantities) == [[10]]
    with pytest.raises(FormulaError, match="'people' is a unit and a quantity"):
        plain("100 case / people", "case/person", quantities=quantities)
    with pytest.raises(FormulaError, match="'people' is a unit and a quantity"):
        plain("load", "case/person", quantities={**quantities, "load": "100 case / people"})


def test_quantities_that_go_in_a_circle():
    quantities = {"a": "b + 1", "b": "2 * c", "c": "a"}
    with pytest.raises(FormulaError, match="is defined by itself: a -> b -> c -> a"):
        plain("a", "1", quantities=quantities)
    found = values(quantities={"a": "a"})
    for _ in range(2):
        with pytest.raises(FormulaError, match="a -> a"):
            found.quantity("a")


def test_quantities_are_one_number():
    for form in (
        {"dates": {"2025-01-01": 1}},
        {"sites": {"north": 1, "south": 2, "west": 3}},
        {"years": {2025: 1}},
    ):
        with pytest.raises(FormulaError, match="must be one number"):
            plain("q", "1", quantities={"q": form})


def test_a_table_that_was_not_read():
    with pytest.raises(FormulaError, match=r"the table 'seats\.csv'"):
        plain("seats.csv", "unit")


# ------------------------------------------------------------------------------------------ per period


def test_per_period_is_times_the_length():
    v = values()
    assert v.per_period("p", amount("12 person/week"), "person/week").data.tolist() == [[12.0]]
    assert v.per_period("p", amount(12), "person/week").data.tolist() == [[12.0]]
    assert v.per_period("p", amount("365.25 USD/year"), "USD/year").data[0, 0] == pytest.approx(7)
    assert v.per_period("p", amount("178 USD/day"), "USD/day").data.tolist() == [[1246.0]]
    assert v.per_period("p", amount("1 / 4 week"), "1/week").data.tolist() == [[0.25]]
    assert v.per_period("p", amount("10 %"), "1|1/week").data.tolist() == [[0.1]]
    assert v.per_period("p", amount(0.1), "1|1/week").data.tolist() == [[0.1]]
    month = values(step="month")
    assert month.per_period("p", amount("1200 USD/year"), "USD/year").data.tolist() == [[100.0]]
    assert month.per_period("p", amount("32 hour/week/person"), "hour/week").data[0, 0] == pytest.approx(139.142857)


def test_a_number_without_time_is_refused_where_a_rate_is_expected():
    with pytest.raises(FormulaError, match="expected person/week"):
        values().per_period("p", amount("officers"), "person/week")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("6 %/year", 1 - 0.94 ** (7 / 365.25)),
        ("quit", 1 - 0.94 ** (7 / 365.25)),
        ("quit * 2", 1 - 0.88 ** (7 / 365.25)),
        ("1 / 44 day", 1 - (43 / 44) ** 7),
        ("1 / stay", 1 - (43 / 44) ** 7),
        ("10 %/week", 0.1),
        ("10 %", 0.1),
        (0.06, 1 - 0.94 ** (7 / 365.25)),
        ("100 %/year", 1.0),
        (0, 0.0),
    ],
)
def test_rates_become_the_exact_probability_of_a_period(text, expected):
    assert values().probability("p", amount(text)).data[0, 0] == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_a_rate_that_is_none():
    with pytest.raises(FormulaError, match="expected 1/year or 1"):
        values().probability("p", amount("5 person/year"))


def test_each_rate_of_a_list_keeps_its_own_calendar_word():
    given_rates = {"dates": {"2024-11-18": "12 %/year", "2025-01-06": "1 %/month", "2025-06-02": "1 / 44 day"}}
    data = values().probability("p", amount(given_rates)).data
    assert data.shape == (60, 1)
    assert data[0, 0] == pytest.approx(1 - 0.88 ** (7 / 365.25))
    assert data[10, 0] == pytest.approx(1 - 0.99 ** (12 * 7 / 365.25))
    assert data[59, 0] == pytest.approx(1 - (43 / 44) ** 7)


@given(st.floats(0.001, 0.95))
def test_a_closed_cohort_ends_the_year_the_same_by_week_and_by_month(rate):
    given_rate = amount(f"{rate!r} /year")
    week = values().probability("p", given_rate).data[0, 0]
    month = values(step="month").probability("p", given_rate).data[0, 0]
    assert (1 - week) ** (365.25 / 7) == pytest.approx(1 - rate, rel=1e-9)
    assert (1 - month) ** 12 == pytest.approx(1 - rate, rel=1e-9)


def test_durations():
    v = values()
    assert v.duration("p", amount("4 week")) == 4
    assert v.duration("p", amount(4)) == 4
    assert v.duration("p", amount("6 month")) == 26
    assert v.duration("p", amount("stay")) == 6
    assert v.duration("p", amount("1 day")) == 1
    assert v.duration("p", amount(0)) == 0
    with pytest.raises(FormulaError, match="expected week"):
        v.duration("p", amount("4 hour"))
    with pytest.raises(FormulaError, match="must be one number"):
        v.duration("p", amount({"dates": {"2025-01-01": "4 week"}}))


# ------------------------------------------------------------------------------------- by site and date


def test_per_site_text():
    found = values().plain("p", amount("40 person per site"), "person")
    assert (found.data.tolist(), found.per_site) == ([[40]], True)
    assert values().plain("p", amount("40 person"), "person").per_site is False
    assert values().plain("p", amount({"range": "5..7 person per site"}), "person").per_site is True
    est = {"estimates": [{"value": "5 person per site"}, {"value": "7 person"}]}
    assert values().plain("p", amount(est), "person").per_site is True


def test_by_attribute():
    found = values().plain(
        "p", amount({"by": "cooperation", "of": {"sanctuary": "90 hour/case", "mixed": 60}}), "hour/case"
    )
    assert (found.data.tolist(), found.per_site) == ([[90, 60, 60]], True)
    with pytest.raises(FormulaError, match="says nothing for cooperation 'mixed' of site 'south'"):
        plain({"by": "cooperation", "of": {"sanctuary": 1}}, "1")


def test_by_site_in_the_order_asked_for():
    given_sites = amount({"sites": {"south": 2, "north": "officers / 6000", "west": 3}})
    assert values().plain("p", given_sites, "person").data.tolist() == [[1, 2, 3]]
    turned = tuple(Site.model_validate(site) for site in reversed(SITES))
    found = values(sites=turned).plain("p", given_sites, "person")
    assert (found.data.tolist(), found.per_site) == ([[3, 2, 1]], True)


def test_exactly_all_sites():
    with pytest.raises(FormulaError, match="says nothing for site 'west'"):
        plain({"sites": {"north": 1, "south": 2}}, "1")
    with pytest.raises(FormulaError, match="there is no site 'east'"):
        plain({"sites": {"north": 1, "south": 2, "west": 3, "east": 4}}, "1")
    with pytest.raises(FormulaError, match="there are no sites"):
        plain({"by": "region", "of": {"x": 1}}, "1", sites=())


def test_dates_hold_from_their_day_and_the_first_one_before_it():
    data = values().plain("p", amount({"dates": {"2025-01": 5, "2024-12-04": 3, "2030-01-01": 9}}), "person").data
    assert data.shape == (60, 1)
    # 4 December is in the third week, 1 January in the seventh.
    assert data[:, 0].tolist() == [3.0] * 6 + [5.0] * 54


def test_of_several_dates_before_the_start_the_last_holds():
    data = values().plain("p", amount({"dates": {"2020-01-01": 1, "2021-01-01": 2, "2024-12-02": 3}}), "person").data
    assert data[:, 0].tolist() == [2.0] * 2 + [3.0] * 58


def test_a_date_that_is_none():
    with pytest.raises(UnitError, match="2025-02-30"):
        plain({"dates": {"2025-02-30": 1}}, "person")


def test_a_grid():
    grid = {
        "2025-01-06": {"north": 1, "south": 2, "west": 3},
        "2025-01-13": {"west": 6, "south": "5 person", "north": 4},
    }
    found = values().plain("p", amount({"grid": grid}), "person")
    assert found.per_site is True
    assert found.data.shape == (60, 3)
    assert found.data[[0, 7, 8, 59]].tolist() == [[1, 2, 3], [1, 2, 3], [4, 5, 6], [4, 5, 6]]


def test_years_hold_in_their_fiscal_year():
    v = values()
    given_years = amount({2025: "700 MUSD", 2026: "720 MUSD"})
    data = v.plain("p", given_years, "USD").data
    assert data[0, 0] == 7e8
    assert data[-1, 0] == 7.2e8
    assert data.shape == (60, 1)
    assert v.yearly("p", given_years, "USD") == {2025: 7e8, 2026: 7.2e8}
    assert v.yearly("p", amount(5), "USD") == {2025: 5.0, 2026: 5.0}
    assert v.yearly("p", amount({"dates": {"2024-11-18": 1, "2025-10-06": 2}}), "USD") == {
        2025: 1.0,
        2026: 2.0,
    }
    with pytest.raises(FormulaError, match="not one for each site"):
        v.yearly("p", amount("5 USD per site"), "USD")


def test_a_single_number_does_not_pick_one_of_many():
    v = values()
    assert v.number("p", amount("officers"), "person") == 6000
    assert v.number("p", amount({"sites": {"north": 2, "south": 2, "west": 2}}), "1") == 2
    for form in (
        {"sites": {"north": 1, "south": 2, "west": 2}},
        {"dates": {"2024-11-18": 1, "2025-06-01": 2}},
    ):
        with pytest.raises(FormulaError, match="must be one number"):
            v.number("p", amount(form), "1")


# -------------------------------------------------------------------------------------------- unknowns


def test_unknowns_have_the_planner_s_paths():
    made = scenario(
        stocks={"field": {"start": 5}},
        flows={"quit": {"tail": "field", "rate": "5.5 %/year", "range": "5..6 %/year"}},
        choices={
            "hire": {
                "head": "field",
                "stages": [{"name": "x", "lasts": 4, "pass": {"value": 0.9, "range": [0.8, 1]}}],
            }
        },
        needs={"n": {"of": "field", "need": 5, "short": {"price": {"value": 3, "range": "1..4"}}}},
    )
    found = unknowns(made)
    assert [u.path for u in found] == [
        "choices.hire.stages.0.pass",
        "flows.quit.rate",
        "needs.n.short.price",
        "quantities.desk_share",
        "quantities.officers",
    ]
    assert [u.text for u in found] == ["0.8..1", "5..6 %/year", "1..4", "2 estimates", "5000..6500"]


def test_the_centre_is_the_value_or_the_middle_or_the_weighted_mean():
    assert plain({"value": "10 person", "range": "5..30 person"}, "person") == [[10]]
    assert plain({"range": "5..30 person"}, "person") == [[17.5]]
    assert plain({"range": [5, 30]}, "person") == [[17.5]]
    assert plain("desk_share", "1")[0][0] == pytest.approx((3 * 0.65 + 0.17) / 4)
    assert plain({"value": "20 %", "estimates": [{"value": "10 %"}, {"value": "90 %"}]}, "1") == [[0.2]]
    assert central(amount({"value": "a * b", "range": "1..2"})) == "a * b"
    assert central(amount({"range": "60..70 %"})) == 65
    assert central(amount(QUANTITIES["desk_share"])) == pytest.approx((3 * 65 + 17) / 4)
    assert central(Estimate(value=3)) == 3


def test_a_draw_takes_the_place_of_the_centre():
    assert plain({"range": "10..20 person"}, "person", {"p": 0.25}) == [[12.5]]
    assert plain({"value": 10, "range": [10, 20]}, "person", {"other": 0.25}) == [[10]]
    assert plain("desks", "person", {"quantities.officers": 0.999999999, "quantities.desk_share": 0.999})[0][0] == (
        pytest.approx(6500 * 0.17, rel=1e-3)
    )


@pytest.mark.parametrize(
    ("given_amount", "unit", "low", "high"),
    [
        ({"value": "17 %", "range": "12..25"}, "1", 0.12, 0.25),
        ({"value": "17 %", "range": [12, 25]}, "1", 0.12, 0.25),
        ({"value": 0.17, "range": "12..25 %"}, "1", 0.12, 0.25),
        ({"value": "officers * 10 %", "range": [500, 700]}, "person", 500, 700),
        ({"value": "1 kUSD", "range": "500..2000 USD"}, "USD", 500, 2000),
        ({"range": "5..7"}, "hour/case", 5, 7),
    ],
)
def test_a_bare_range_takes_the_unit_beside_it(given_amount, unit, low, high):
    assert plain(given_amount, unit, {"p": 1e-12})[0][0] == pytest.approx(low, rel=1e-3)
    assert plain(given_amount, unit, {"p": 1 - 1e-12})[0][0] == pytest.approx(high, rel=1e-3)


def test_a_range_of_another_kind_is_refused():
    with pytest.raises(FormulaError, match="a value and a range of person and case"):
        plain(
            "q",
            "person",
            {"quantities.q": 0.5},
            quantities={"q": {"value": "3 person", "range": "2..4 case"}},
        )
    with pytest.raises(FormulaError, match="estimates of person and case"):
        plain("q", "person", quantities={"q": {"estimates": [{"value": "3 person"}, {"value": "2 case"}]}})


def test_a_rate_drawn_from_a_range_in_another_word_is_exact_in_that_word():
    given_rate = amount({"value": "6 %/year", "range": "1..3 %/month", "shape": "uniform"})
    p = values({"p": 0.5}).probability("p", given_rate).data[0, 0]
    assert p == pytest.approx(1 - 0.98 ** (12 * 7 / 365.25))


def test_estimates_are_a_mixture_with_one_draw():
    est = amount({"estimates": [{"range": "0..1", "weight": 1}, {"range": "10..14", "weight": 3}]})
    assert quantile(est, 0.125) == pytest.approx(0.5)
    assert quantile(est, 0.25) == pytest.approx(1)
    assert quantile(est, 0.625) == pytest.approx(12)
    draws = [quantile(est, (i + 0.5) / 4000) for i in range(4000)]
    assert np.mean(np.array(draws) < 5) == pytest.approx(0.25)
    assert np.mean(draws) == pytest.approx(0.25 * 0.5 + 0.75 * 12, rel=1e-6)


def test_quantiles_are_in_the_written_unit():
    assert quantile(amount({"range": "60..70 %"}), 0.5) == pytest.approx(65)
    assert quantile(amount({"value": "17 %", "range": "12..22 %"}), 0.5) == pytest.approx(17)
    assert quantile(amount({"value": "3 kUSD"}), 0.5) == pytest.approx(3)
    with pytest.raises(FormulaError, match="depends on the quantity 'a'"):
        quantile(amount({"value": "2 * a", "range": "1..2"}), 0.5)


SHAPES = ["uniform", "triangle", "pert", "normal", "lognormal"]


@pytest.mark.parametrize(
    ("shape", "mean"),
    [("uniform", 4.0), ("triangle", (2 + 3 + 6) / 3), ("pert", (2 + 4 * 3 + 6) / 6), ("normal", 4.0)],
)
def test_shapes_have_their_mean(shape, mean):
    drawn = [point(shape, (2.0, 6.0), 3.0, (i + 0.5) / 20_000) for i in range(20_000)]
    assert np.mean(drawn) == pytest.approx(mean, rel=2e-4)


@pytest.mark.parametrize("shape", ["normal", "lognormal"])
def test_the_range_is_the_central_ninety_percent(shape):
    assert point(shape, (2.0, 6.0), None, 0.05) == pytest.approx(2.0)
    assert point(shape, (2.0, 6.0), None, 0.95) == pytest.approx(6.0)


def test_a_lognormal_starts_above_nothing_and_a_normal_stops_there():
    with pytest.raises(FormulaError, match="above 0"):
        point("lognormal", (0.0, 6.0), None, 0.5)
    assert point("normal", (0.0, 6.0), None, 0.001) == 0.0
    assert point("normal", (-1.0, 6.0), None, 0.001) < -1


@given(
    st.sampled_from(SHAPES),
    st.floats(0.01, 1e6),
    st.floats(0, 1e6),
    st.none() | st.floats(0, 2e6),
    st.lists(st.floats(0, 1), min_size=2, max_size=6),
)
def test_more_u_is_never_less(shape, low, width, mode, us):
    ends = (low, low + width)
    drawn = [point(shape, ends, mode, u) for u in sorted(us)]
    assert all(b >= a - 1e-9 * max(abs(a), 1) for a, b in pairwise(drawn))
    assert np.isfinite(drawn).all()
    if shape in ("uniform", "triangle", "pert"):
        assert all(low - 1e-9 * low <= x <= ends[1] * (1 + 1e-9) for x in drawn)


Z = stats.norm.ppf(0.95)


def _scipy(shape, low, high, mode):
    wide = high - low
    return {
        "uniform": stats.uniform(low, wide),
        "triangle": stats.triang((mode - low) / wide, low, wide),
        "pert": stats.beta(1 + 4 * (mode - low) / wide, 1 + 4 * (high - mode) / wide, low, wide),
        "normal": stats.norm((low + high) / 2, wide / (2 * Z)),
        "lognormal": stats.lognorm(math.log(high / low) / (2 * Z), 0, math.sqrt(low * high)),
    }[shape]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("ends", [(2.0, 6.0), (100.0, 101.0), (0.01, 5.0)])
@pytest.mark.parametrize("at", [0.0, 0.2, 0.5, 1.0])
def test_each_shape_is_scipy_s(shape, ends, at):
    low, high = ends
    mode = low + at * (high - low)
    us = [0.001, 0.05, 0.2, 0.37, 0.5, 0.8, 0.95, 0.999]
    wanted = _scipy(shape, low, high, mode).ppf(us)
    if shape == "normal":
        wanted = np.maximum(wanted, 0)
    np.testing.assert_allclose([point(shape, ends, mode, u) for u in us], wanted, rtol=1e-9)


@pytest.mark.parametrize("shape", ["triangle", "pert"])
def test_without_a_mode_the_peak_is_in_the_middle_and_one_outside_is_cut(shape):
    us = [0.1, 0.5, 0.9]
    drawn = {mode: [point(shape, (2.0, 6.0), mode, u) for u in us] for mode in (None, 4.0, 6.0, 60.0, 2.0, -3.0)}
    assert drawn[None] == drawn[4.0]
    assert drawn[60.0] == drawn[6.0]
    assert drawn[-3.0] == drawn[2.0]


def test_a_number_s_shape_is_the_one_it_says():
    for shape in SHAPES:
        given_amount = amount({"value": "30 person", "range": "20..60", "shape": shape})
        wanted = _scipy(shape, 20, 60, 30).ppf(0.3)
        assert quantile(given_amount, 0.3) == pytest.approx(wanted)
        assert values({"p": 0.3}).plain("p", given_amount, "person").data[0, 0] == pytest.approx(wanted)
    assert quantile(amount({"value": 30, "range": "20..60"}), 0.3) == pytest.approx(
        _scipy("triangle", 20, 60, 30).ppf(0.3)
    )
    assert quantile(amount({"range": "20..60"}), 0.3) == pytest.approx(32)


@given(st.lists(st.tuples(st.floats(0.01, 100), st.floats(0, 10)), min_size=2, max_size=6))
def test_rival_estimates_get_their_weight_and_rise_within_themselves(rivals):
    # The i-th estimate lies in 100 i .. 100 i + its width, so that a draw tells whose it is.
    given_amount = amount(
        {"estimates": [{"range": [100 * i, 100 * i + wide], "weight": w} for i, (w, wide) in enumerate(rivals)]}
    )
    total, before = sum(w for w, _ in rivals), 0.0
    for i, (weight, wide) in enumerate(rivals):
        share = weight / total
        drawn = [quantile(given_amount, before + share * inside) for inside in (0.01, 0.25, 0.5, 0.75, 0.99)]
        assert all(100 * i <= x <= 100 * i + wide for x in drawn)
        assert all(a <= b for a, b in pairwise(drawn))
        assert drawn[2] == pytest.approx(100 * i + wide / 2, abs=1e-6)
        before += share


# --------------------------------------------------------------------------------------------- exactness


@pytest.mark.parametrize("step", sorted(DAYS))
@pytest.mark.parametrize("word", sorted(DAYS))
@pytest.mark.parametrize("number", [0.1, 0.3, 0.7, 1.1, 12, 240, 98700])
def test_a_rate_in_the_period_s_own_word_stays_exactly_itself(step, word, number):
    found = values(step=step).per_period("p", amount(f"{number} person/{word}"), "person/week")
    if word == step:
        assert found.data.tolist() == [[number]]
    assert found.data[0, 0] == pytest.approx(number * DAYS[step] / DAYS[word], rel=1e-12)


@pytest.mark.parametrize(
    ("step", "text", "number"),
    [
        ("week", "0.1 person/day", 0.7),
        ("week", "0.3 person/day", 2.1),
        ("quarter", "0.1 person/month", 0.3),
        ("year", "0.7 person/month", 8.4),
        ("year", "0.1 person/quarter", 0.4),
        ("month", "1.2 person/year", 0.1),
        ("month", "3 person/quarter", 1.0),
        ("week", "12 person/week per site", 12.0),
        ("week", "12 person per week per site", 12.0),
    ],
)
def test_tenths_come_out_as_a_planner_would_write_them(step, text, number):
    assert values(step=step).per_period("p", amount(text), "person/week").data.tolist() == [[number]]


def test_tenths_add_up():
    assert plain("0.1 + 0.2", "1") == [[0.3]]
    assert plain("3 * 0.1 person", "person") == [[0.3]]
    assert plain("30 % - 20 %", "1") == [[0.1]]


@pytest.mark.parametrize(
    "given_amount",
    [
        "1e308 MUSD/year",
        "1e308 USD/day",
        "1 USD/day * 1e300 * 1e300",
        {"range": "1e308..1.7e308 USD/year"},
        {"dates": {"2025-01-01": "1 USD/day", "2025-02-01": "1e308 USD/day"}},
    ],
)
def test_what_is_too_large_is_refused_before_an_engine_sees_it(given_amount):
    with pytest.raises(FormulaError, match="is not a finite number"):
        values(step="year").per_period("p", amount(given_amount), "USD/year")
    with pytest.raises(FormulaError, match="is not a finite number"):
        values().yearly("p", amount({2025: "1e308 MUSD"}), "USD")
    with pytest.raises(UnitError, match="too long"):
        values(step="day").duration("p", amount("1e308 year"))


# --------------------------------------------------------------------------------------------- the rest


@pytest.mark.parametrize(
    ("given_amount", "unit", "hint"),
    [
        ("officer * 2", "person", "did you mean 'officers'?"),
        ("officers / person", "1", "a unit stands after a number: `1 person`"),
        ({"sites": {"north": 1, "south": 2, "west": 3, "wset": 4}}, "1", "did you mean 'west'?"),
        ({"sites": {"north": 1}}, "1", "name every site"),
        ({"by": "cooperation", "of": {"sanctuary": 1, "mixd": 2}}, "1", "did you mean 'mixd'?"),
        ({"dates": {"2025-01": 5, "2025-01-01": 7}}, "1", "leave one of them out"),
        ({"grid": {"2025-01": {"north": 1}, "2025-01-01": {"north": 1}}}, "1", "leave one of them out"),
        ({"dates": {"soon": 5}}, "1", "such as 2025-01-31"),
        ("officers + 3 case", "person", "both must be of one kind"),
    ],
)
def test_what_is_wrong_says_what_would_be_right(given_amount, unit, hint):
    with pytest.raises((FormulaError, UnitError)) as caught:
        plain(given_amount, unit)
    assert hint in caught.value.hint


def test_a_circle_says_how_to_break_it():
    with pytest.raises(FormulaError, match=r"a -> b -> a \(give one of them a number\)"):
        plain("1 + a", "1", quantities={"a": "b", "b": {"value": "a", "range": "1..2"}})


@pytest.mark.parametrize(
    "text", ["__import__('os')", "a.__class__", "lambda", "2 ** 3", "officers[0]", "eval(officers)"]
)
def test_no_text_is_ever_run(text):
    with pytest.raises(FormulaError):
        plain(text, "person")


def test_every_form_has_its_shape():
    for given_amount, shape, per_site in [
        (5, (1, 1), False),
        ("5 person per site", (1, 1), True),
        ({"dates": {"2025-01": 5}}, (60, 1), False),
        ({"dates": {"2025-01": "5 person per site"}}, (60, 1), True),
        ({2025: 5}, (60, 1), False),
        ({"sites": {"north": 1, "south": 2, "west": 3}}, (1, 3), True),
        ({"by": "cooperation", "of": {"sanctuary": 1, "mixed": 2}}, (1, 3), True),
        ({"grid": {"2025-01": {"north": 1, "south": 2, "west": 3}}}, (60, 3), True),
        ({"range": "1..2 person"}, (1, 1), False),
        ({"estimates": [{"value": 1}, {"range": "2..3"}]}, (1, 1), False),
    ]:
        for method in ("plain", "per_period"):
            found = getattr(values(), method)("p", amount(given_amount), "person")
            assert (found.data.shape, found.per_site) == (shape, per_site)
            assert found.data.dtype == np.float64


def test_a_fiscal_year_without_a_number_takes_the_nearest():
    data = values().plain("p", amount({2020: 1, 2028: 9}), "person").data[:, 0]
    # Fiscal 2025 is nearer to 2028 than to 2020.
    assert set(data.tolist()) == {9.0}
    assert set(values().plain("p", amount({2024: 1, 2027: 9}), "person").data[:, 0].tolist()) == {1.0, 9.0}


@given(st.text(max_size=40))
def test_no_text_raises_anything_but_ours(text):
    with suppress(FormulaError, UnitError):
        read_text(text)
        plain({"value": text}, "person")


@pytest.mark.parametrize("beside", [{"value": 3}, {"range": "1..5"}])
@pytest.mark.parametrize("form", [{"dates": {"2025-01-06": 1}}, {"sites": {"a": 1}}, {"years": {2025: 1}}])
def test_a_number_said_in_two_ways_is_refused(form, beside):
    with pytest.raises(ValidationError, match="only one can hold"):
        amount({**form, **beside})
