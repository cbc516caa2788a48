"""Units: what a planner writes is read as meant, or refused with the right word."""

import math
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldshift.units import (
    DAYS,
    Quantity,
    Unit,
    UnitError,
    compatible,
    describe,
    is_unit,
    number_at,
    parse_quantity,
    parse_range,
    parse_unit,
    split_scope,
)

YEAR = 365.25


def base(text: str) -> float:
    quantity = parse_quantity(text)
    return quantity.value * quantity.unit.factor


@pytest.mark.parametrize(
    ("text", "value", "dims"),
    [
        ("12 person", 12, {"person": 1}),
        ("12 people", 12, {"person": 1}),
        ("3 heads", 3, {"person": 1}),
        ("7.6e6 case", 7.6e6, {"case": 1}),
        ("1_000 cases", 1000, {"case": 1}),
        ("7.4 million case", 7.4e6, {"case": 1}),
        ("4 week", 28 / YEAR, {"time": 1}),
        ("6 months", 0.5, {"time": 1}),
        ("2 quarter", 0.5, {"time": 1}),
        ("90 minute", 1.5, {"hour": 1}),
        ("0.4 hour/case", 0.4, {"hour": 1, "case": -1}),
        ("40 hour/week", 40 * YEAR / 7, {"hour": 1, "time": -1}),
        ("12 %/year", 0.12, {"time": -1}),
        ("5 permille", 0.005, {}),
        ("17 percent", 0.17, {}),
        ("700 MUSD", 7e8, {"money": 1}),
        ("700 million USD", 7e8, {"money": 1}),
        ("2 BEUR", 2e9, {"money": 1}),
        ("60 kGBP/person", 60_000, {"money": 1, "person": -1}),
        ("178 USD/person/day", 178 * YEAR, {"money": 1, "person": -1, "time": -1}),
        ("3 bed", 3, {"place": 1}),
        ("12 person per week", 12 * YEAR / 7, {"person": 1, "time": -1}),
        ("1 / 44 day", YEAR / 44, {"time": -1}),
        ("2 case / 4 week", 0.5 * YEAR / 7, {"case": 1, "time": -1}),
        ("0.5 /year", 0.5, {"time": -1}),
        ("5", 5, {}),
        ("-.5", -0.5, {}),
    ],
)
def test_quantities_in_base_units(text, value, dims):
    assert base(text) == pytest.approx(value, rel=1e-15)
    assert parse_quantity(text).unit.power == dims


@pytest.mark.parametrize(
    ("text", "per"),
    [
        ("12 %/year", "year"),
        ("1 / 44 day", "day"),
        ("3 person per months", "month"),
        ("32 hour/week/person", "week"),
        ("4 week", None),
        ("5 %", None),
    ],
)
def test_a_unit_knows_the_calendar_word_that_it_is_per(text, per):
    assert parse_quantity(text).unit.per == per


def test_the_calendar_word_goes_when_time_cancels():
    flow, week, year = parse_unit("person/week"), parse_unit("week"), parse_unit("year")
    assert (flow * week).per is None
    assert (flow * year).power == {"person": 1}
    assert (Unit() / week).per == "week"
    assert (week / year).per is None
    assert (Unit() / (parse_unit("kUSD") * week)).per == "week"


@pytest.mark.parametrize("text", ["9 person per site", "9 person/site", "9 person /  site"])
def test_per_site_is_a_scope(text):
    assert parse_quantity(text) == Quantity(9, parse_unit("person"), True)


def test_per_site_may_stand_before_the_time():
    assert parse_quantity("5 person per site per week") == parse_quantity("5 person/week per site")
    assert split_scope("sites / websites") == ("sites / websites", False)
    assert split_scope("a per sites") == ("a per sites", False)


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("1,000 person", "'1,000' has a comma in it", "write 1000"),
        ("12,000,000", "'12,000,000' has a comma in it", "write 12000000"),
        ("1,5 person", "has a comma in its number", "a point for decimals"),
        ("12 persn", "'persn' is not a unit", "did you mean 'person'?"),
        ("12 usd", "'usd' is not a unit", "did you mean 'USD'?"),
        ("12 person/wek", "'wek' is not a unit", "did you mean 'week'?"),
        ("12 officers", "'officers' is not a unit", ""),
        ("12 person week", "'person week' is two units side by side", "join them"),
        ("12 person/", "a unit is missing", "person/week"),
        ("12 person//week", "a unit is missing", ""),
        ("12 person per office", "'office' is not a unit", "per site"),
        ("1e999 person", "is not a finite number", ""),
        ("1 / 0 day", "divides by zero", "above 0"),
        ("1 / 1e-320 day", "is not a finite number", "a larger number"),
        ("1e308 million person", "is not a finite number", "too large"),
        ("12 person per site per site", "'site' is not a unit", "say `per site`, once"),
        ("12 PERSON", "'PERSON' is not a unit", "did you mean 'person'?"),
        ("12 Week", "'Week' is not a unit", "did you mean 'week'?"),
        ("many", "'many' is not a number", "12 person/week"),
        ("", "is not a number", ""),
        ("\u0661\u0662 person", "is not a number", ""),
        ("1__0", "is not a unit", ""),
        ("nan", "is not a number", ""),
    ],
)
def test_what_is_wrong_and_what_would_be_right(text, what, hint):
    with pytest.raises(UnitError) as caught:
        parse_quantity(text)
    assert what in caught.value.what
    assert hint in caught.value.hint
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "low", "high", "unit"),
    [
        ("5..6 %/year", 5, 6, "%/year"),
        ("5..6%/year", 5, 6, "%/year"),
        ("5.5 .. 6.5 %", 5.5, 6.5, "%"),
        (".5..1", 0.5, 1, ""),
        ("1/56..1/43 1/day", 1 / 56, 1 / 43, "1/day"),
        ("0.5..2 /year", 0.5, 2, "1/year"),
        ("-1..2 case", -1, 2, "case"),
        ("1e-3..2e-3", 1e-3, 2e-3, ""),
        ("7.4..7.8 million case", 7.4e6, 7.8e6, "case"),
        ("6..5 person", 6, 5, "person"),
    ],
)
def test_ranges(text, low, high, unit):
    assert parse_range(text) == (pytest.approx(low), pytest.approx(high), parse_unit(unit), False)
    assert parse_range(f"{text} per site")[3] is True


@pytest.mark.parametrize(
    "text", ["5", "5..", "..6", "5...6", "5 to 6", "1,000..2,000", "1/0..2", "a..b", "1e999..2", ""]
)
def test_what_is_no_range(text):
    with pytest.raises(UnitError):
        parse_range(text)


@pytest.mark.parametrize(
    ("unit", "expected", "fits"),
    [
        ("person/week", "person/week", True),
        ("person/year", "person/week", True),
        ("person", "person/week", False),
        ("case/week", "person/week", False),
        ("hour/week", "1", False),
        ("hour", "week", False),
        ("post", "person", False),
        ("person", "post", False),
        ("seat", "bed", True),
        ("person", "unit", True),
        ("bed", "unit", True),
        ("case", "unit", True),
        ("week", "unit", False),
        ("case/person", "unit/person|1", True),
        ("%", "unit/person|1", True),
        ("case/person", "1|case|case/person", True),
        ("%/year", "1/year", True),
        ("%", "1/year", False),
        ("USD/year/person", "USD/year", True),
        ("USD/day/case", "USD/day", True),
        ("hour/week/person", "hour/week", True),
        ("USD/person", "USD", False),
        ("USD", "USD/person", False),
        ("person/case", "person", False),
        ("1/person", "1", False),
        ("EUR", "USD", True),
    ],
)
def test_what_a_field_takes(unit, expected, fits):
    assert compatible(parse_unit(unit), expected) is fits


def test_describe():
    assert describe(parse_unit("person/week")) == "person/time"
    assert describe(parse_unit("%")) == "1"
    assert describe(parse_unit("1/day")) == "1/time"
    assert describe(parse_unit("kUSD/person/day")) == "money/person/time"


def test_working_hours_are_no_calendar_time():
    assert parse_unit("hour").power != parse_unit("day").power
    assert not is_unit("officer")


def test_number_at_reads_where_it_is_told():
    assert number_at("a * 3.5 million case", 4) == (3.5e6, 15)
    assert number_at("a * 3", 0) is None
    assert number_at("5..6", 0) == (5.0, 1)


UNITS = st.lists(
    st.sampled_from(["person", "case", "hour", "USD", "kEUR", "seat", "%", *DAYS]), min_size=1, max_size=4
).map("/".join)


@given(st.floats(allow_nan=False, allow_infinity=False), UNITS, st.booleans())
def test_what_is_written_reads_back(value, unit, per_site):
    quantity = Quantity(value, parse_unit(unit), per_site)
    again = parse_quantity(str(quantity))
    assert again == quantity
    assert math.copysign(1, again.value) == math.copysign(1, value)


@given(UNITS, UNITS)
def test_units_multiply_and_divide_back(a, b):
    left, right = parse_unit(a), parse_unit(b)
    back = (left * right) / right
    assert back.dims == left.dims
    assert back.factor == pytest.approx(left.factor)


@given(st.text(alphabet="0123456789.,_eE+-/*% perpersonwkydUSDcasit1()", max_size=30))
def test_no_text_raises_anything_but_a_unit_error(text):
    for reader in (parse_unit, split_scope):
        with suppress(UnitError):
            reader(text)
    with suppress(UnitError):
        assert math.isfinite(parse_quantity(text).value)
    with suppress(UnitError):
        low, high, _, _ = parse_range(text)
        assert math.isfinite(low)
        assert math.isfinite(high)


NUMBERS = st.floats(1e-9, 1e9)


@given(NUMBERS, NUMBERS, UNITS)
def test_one_number_over_another_is_their_ratio_in_the_unit_turned_over(above, below, unit):
    found = parse_quantity(f"{above!r} / {below!r} {unit.replace('%', 'case')}")
    turned = Unit() / parse_unit(unit.replace("%", "case"))
    assert found.value == above / below
    assert found.unit.dims == turned.dims
    assert found.unit.factor == pytest.approx(turned.factor, rel=1e-14)


@given(NUMBERS, NUMBERS, UNITS, st.sampled_from(["..", " .. ", " ..", ".. "]))
def test_a_range_has_the_ends_of_its_two_quantities(low, high, unit, dots):
    found = parse_range(f"{low!r}{dots}{high!r} {unit}")
    assert found[:2] == (low, high)
    assert found[2].dims == parse_quantity(f"{low!r} {unit}").unit.dims


@settings(max_examples=40)
@given(st.integers(1, 999), st.lists(st.integers(0, 999), min_size=1, max_size=3))
def test_a_comma_for_thousands_is_refused_and_the_hint_reads_as_meant(first, groups):
    written = ",".join([str(first), *(f"{group:03}" for group in groups)])
    with pytest.raises(UnitError, match="comma") as caught:
        parse_quantity(f"{written} person")
    said = caught.value.hint.removeprefix("write ").partition(";")[0]
    assert float(said) == float(written.replace(",", ""))
    with pytest.raises(UnitError, match="comma"):
        parse_range(f"{written}..{written}1 person")


@given(st.sampled_from(sorted(DAYS)), st.sampled_from(sorted(DAYS)), NUMBERS)
def test_a_rate_is_the_same_in_any_calendar_word(one, other, number):
    per_one, per_other = base(f"{number!r} case/{one}"), base(f"{number!r} case/{other}")
    assert per_one / per_other == pytest.approx(DAYS[other] / DAYS[one], rel=1e-12)
