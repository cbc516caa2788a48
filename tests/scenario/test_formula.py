"""Formulas: a small language that is read, checked and evaluated, and never run."""

import math
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fieldshift.scenario.formula import FormulaError, evaluate, names, parse, unit_of, unit_words
from fieldshift.units import DAYS, Unit, UnitError, parse_quantity, parse_unit

NUMBERS = {
    "officers": 6000.0,
    "desk_share": 0.6,
    "docket": 7.5e6,
    "hours": 32.6 * 365.25 / 7,
    "nothing": 0.0,
    "a.b": 2.0,
}
UNITS = {
    "officers": parse_unit("person"),
    "desk_share": parse_unit("%"),
    "docket": parse_unit("case"),
    "hours": parse_unit("hour/week/person"),
    "nothing": Unit(),
    "a.b": Unit(),
}


def value(text: str) -> float:
    return evaluate(parse(text), NUMBERS)


def unit(text: str) -> Unit:
    return unit_of(parse(text), UNITS)


@pytest.mark.parametrize(
    ("text", "number", "dims"),
    [
        ("officers * desk_share", 3600, {"person": 1}),
        ("officers * (1 - desk_share)", 2400, {"person": 1}),
        ("officers * 60 %", 3600, {"person": 1}),
        ("60%*officers", 3600, {"person": 1}),
        ("docket / 7000 case/person", 7.5e6 / 7000, {"person": 1}),
        ("officers / 7000 case/person", 6000 / 7000, {"person": 2, "case": -1}),
        ("1 / 44 day", 365.25 / 44, {"time": -1}),
        ("1 / 44 day / person", 365.25 / 44, {"time": -1, "person": 1}),
        ("12 person per week", 12 * 365.25 / 7, {"person": 1, "time": -1}),
        ("0.4 hour/case * docket", 3e6, {"hour": 1}),
        ("docket * 1 /year * 1 week", 7.5e6 * 7 / 365.25, {"case": 1}),
        ("1080 MUSD + 2 million USD * 20 %", 1_080_400_000, {"money": 1}),
        ("min(officers, 5000 person, 7000 person)", 5000, {"person": 1}),
        ("max(0, officers - 7000 person)", 0, {"person": 1}),
        ("max(officers - 7000 person, 0)", 0, {"person": 1}),
        ("2 - 3 - 4", -5, {}),
        ("24 / 4 / 2", 3, {}),
        ("2 + 3 * 4", 14, {}),
        ("-2 * -3", 6, {}),
        ("--2", 2, {}),
        ("-(1 + 2)", -3, {}),
        ("a.b * 1_000", 2000, {}),
        ("7.6e6", 7.6e6, {}),
    ],
)
def test_what_formulas_mean(text, number, dims):
    assert value(text) == pytest.approx(number, rel=1e-14)
    assert unit(text).power == dims


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("officers + docket", "adds person and case"),
        ("officers - 5", "subtracts person and 1"),
        ("min(officers, 3 case)", "compares person and case"),
        ("officers + 1 person/week", "adds person and person/time"),
        ("1 week + 1 hour", "adds time and hour"),
    ],
)
def test_unlike_things_do_not_add(text, what):
    with pytest.raises(FormulaError, match=what):
        unit(text)


def test_what_is_computed_is_in_plain_units_of_its_own_calendar_word():
    assert unit("officers * 3 %/week").per == "week"
    assert unit("officers * 3 %/week").factor == pytest.approx(365.25 / 7)
    assert unit("officers * 60 %").factor == 1.0
    assert unit("60 % * 50 %").bare is False
    assert unit("1 - desk_share").bare is False
    assert unit("2 * 3").bare is True
    assert unit("docket / (1 / 44 day)").per is None


def test_division_by_zero_says_where():
    with pytest.raises(FormulaError, match=r"divides by zero \('nothing' is 0\)") as caught:
        value("officers / nothing")
    assert caught.value.position == 9
    with pytest.raises(FormulaError, match="divides by zero"):
        value("1 / (2 - 2)")


@pytest.mark.parametrize("text", ["1e308 * 1e308", "1e308 / 1e-308", "1e308 + 1e308", "-1e308 - 1e308"])
def test_what_is_not_finite(text):
    with pytest.raises(FormulaError, match="finite"):
        value(text)


def test_arrays_go_through_elementwise():
    env = {"a": np.array([1.0, 4.0]), "b": np.array([2.0, 2.0])}
    np.testing.assert_array_equal(evaluate(parse("max(a, b, 3) - a / b"), env), [2.5, 2.0])
    with pytest.raises(FormulaError, match="divides by zero"):
        evaluate(parse("a / (b - 2)"), env)
    with pytest.raises(FormulaError, match="finite"):
        evaluate(parse("a * 1e308 * 10"), env)


def test_names():
    assert names(parse("min(a, b.c) * -d + 5 person")) == {"a", "b.c", "d"}
    assert names(parse("1 / 44 day")) == frozenset()
    assert unit_words(parse("5 case/people + 3 desk")) == {"people"}
    with pytest.raises(FormulaError, match="there is no quantity 'who'"):
        value("who")


@pytest.mark.parametrize(
    ("text", "position", "hint"),
    [
        ("__import__('os')", 11, "only + - * /"),
        ("__import__(os)", 0, "only min and max"),
        ("eval(x)", 0, "only min and max"),
        ("abs(x)", 0, "only min and max"),
        ("officers (2)", 0, "only min and max"),
        ("2 ** 3", 2, "only + - * /"),
        ("7 // 2", 2, "only + - * /"),
        ("7 % x", 4, ""),
        ("x % 2", 2, "only + - * /"),
        ("x[0]", 1, "only + - * /"),
        ("x.__class__ + ().y", 16, ""),
        ("lambda: 1", 6, "only + - * /"),
        ("'text'", 0, "only + - * /"),
        ("a if b else c", 2, "where an operator"),
        ("a; b", 1, "only + - * /"),
        ("a = 1", 2, "only + - * /"),
        ("a\x00b", 1, "only + - * /"),
        ("12 persn", 3, "did you mean 'person'?"),
        ("12 person week", 10, "where an operator"),
        ("1,000 person", 0, "write 1000"),
        ("max(1,000 person, x)", 4, "blank after a comma"),
        ("5..6 %", 1, "`range`"),
        ("(1 + 2", 0, ""),
        ("(1 2)", 3, ""),
        ("1 +", 3, ""),
        ("* 2", 0, ""),
        ("min()", 4, ""),
        ("min(1,)", 6, ""),
        ("a..b", 0, ""),
        ("", 0, ""),
        ("1e999", 0, ""),
    ],
)
def test_what_cannot_stand_says_where_and_what_could(text, position, hint):
    with pytest.raises(FormulaError) as caught:
        parse(text)
    assert caught.value.position == position
    assert hint in caught.value.hint
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "text",
    [
        "(" * 500 + "1" + ")" * 500,
        "-" * 1999 + "1",
        "1" + "+1" * 999,
        "min(" * 400 + "1",
        "1 " * 5000,
        "x" * 3000,
    ],
)
def test_long_and_deep_ones_stop_early(text):
    with pytest.raises(FormulaError):
        parse(text)


def test_the_deepest_and_the_longest_can_be_evaluated():
    assert value("(" * 39 + "1" + ")" * 39) == 1
    tree = parse("1" + "+1" * 100)
    assert evaluate(tree, {}) == 101
    assert unit_of(tree, {}).bare
    assert names(tree) == frozenset()
    assert hash(tree) == hash(parse("1" + "+1" * 100))


@given(st.one_of(st.text(max_size=60), st.text(alphabet="ab1.5,_e%+-*/() minmaxperson week day", max_size=60)))
@example("1e400")
@example("((((")
@example("5 / 0")
def test_no_text_raises_anything_but_a_formula_error(text):
    with suppress(FormulaError):
        tree = parse(text)
        unit_of(tree, dict.fromkeys(names(tree), Unit()))
        assert math.isfinite(evaluate(tree, dict.fromkeys(names(tree), 2.0)))


def _written(tree) -> str:
    if tree.kind == "number":
        return f"{tree.value!r} {'' if tree.unit.bare else tree.unit.text}"
    if tree.kind == "name":
        return tree.name
    parts = [_written(part) for part in tree.parts]
    if tree.kind == "neg":
        return f"-({parts[0]})"
    if tree.kind in ("min", "max"):
        return f"{tree.kind}({', '.join(parts)})"
    return f"({parts[0]}) {tree.kind} ({parts[1]})"


TERMS = st.recursive(
    st.one_of(
        st.sampled_from(sorted(NUMBERS)),
        st.builds("{:.3f} {}".format, st.floats(0, 1e6), st.sampled_from(["", "%", "person", "case/week", "1/day"])),
    ),
    lambda inner: st.one_of(
        st.builds("{} {} {}".format, inner, st.sampled_from("+-*/"), inner),
        st.builds("({})".format, inner),
        st.builds("-{}".format, inner),
        st.builds("min({}, {})".format, inner, inner),
    ),
    max_leaves=8,
)


@given(TERMS)
def test_a_tree_written_out_again_is_worth_the_same(text):
    tree = parse(text)
    again = parse(_written(tree))
    assert names(again) == names(tree)
    try:
        worth = evaluate(tree, NUMBERS)
    except FormulaError:
        return
    assert evaluate(again, NUMBERS) == worth


@given(
    st.floats(0, 1e12),
    st.sampled_from(["person/week", "% / year", "hour/case", "USD/person/day", "million case", "per 4 week", "/year"]),
)
def test_a_quantity_is_a_formula(number, words):
    text = f"{number!r} {words}"
    quantity = parse_quantity(text)
    tree = parse(text)
    assert evaluate(tree, {}) == pytest.approx(quantity.value * quantity.unit.factor, rel=1e-14)
    assert unit_of(tree, {}).dims == quantity.unit.dims
    assert unit_of(tree, {}).per == quantity.unit.per


def test_a_formula_error_is_no_unit_error():
    assert not issubclass(FormulaError, UnitError)


ATTACKS = [
    "__import__('os').system('true')",
    "__import__('os')",
    "().__class__.__bases__",
    "a.__class__()",
    "(a).__class__",
    "lambda: 1",
    "(lambda x: x)(1)",
    "2 ** 3",
    "9**9**9",
    "7 // 2",
    "a[0]",
    "[1][0]",
    "{1: 2}",
    "'text'",
    '"text"',
    "`x`",
    "f'{a}'",
    "a := 1",
    "a = 1",
    "a; b",
    "a @ b",
    "a & b",
    "~a",
    "a < b",
    "not a",
    "a or b",
    "a if b else c",
    "[x for x in a]",
    "yield a",
    "exec(a)",
    "getattr(a, b)",
    "a\\b",
    "$(ls)",
    "a # b",
    "min",
    "a.__class__",
    "lambda",
    "__builtins__",
    "True",
    "os.system",
]


@pytest.mark.parametrize("text", ATTACKS)
def test_nothing_is_ever_run(text):
    with pytest.raises(FormulaError) as caught:
        evaluate(parse(text), {"a": 1.0, "b": 2.0, "c": 3.0})
    assert caught.value.what


@pytest.mark.parametrize("text", ["٣ + 1", "½", "a²", "é", "1 × 2", "5 – 3", "1\u200b2"])
def test_only_plain_letters_digits_and_signs(text):
    with pytest.raises(FormulaError, match=r"cannot stand in a formula"):
        parse(text)


@pytest.mark.parametrize("deep", [40, 41, 400])
@pytest.mark.parametrize(("opens", "closes"), [("(", ")"), ("min(", ")"), ("-", ""), ("+", ""), ("2 * (", ")")])
def test_what_is_too_deep_says_how_deep_it_may_be(opens, closes, deep):
    with pytest.raises(FormulaError, match=r"nested too deeply|characters long") as caught:
        parse(opens * deep + "1" + closes * deep)
    assert caught.value.hint.startswith("at most")
    assert parse(opens * 39 + "1" + closes * 39)


@settings(max_examples=40)
@given(st.integers(1, 60), st.sampled_from("+-*/"))
def test_equal_operators_go_from_left_to_right(count, sign):
    numbers = [float(i + 1) for i in range(count + 1)]
    left = numbers[0]
    for number in numbers[1:]:
        left = {"+": left + number, "-": left - number, "*": left * number, "/": left / number}[sign]
    assert evaluate(parse(f" {sign} ".join(map(repr, numbers))), {}) == left


@given(st.floats(1, 1e4), st.sampled_from(sorted(DAYS)))
def test_one_per_a_time_is_a_rate_of_its_calendar_word(number, word):
    tree = parse(f"1 / {number!r} {word}")
    assert evaluate(tree, {}) == pytest.approx(DAYS["year"] / DAYS[word] / number, rel=1e-14)
    assert unit_of(tree, {}).per == word


@given(st.permutations(["person", "case", "hour", "USD", "day"]))
def test_unlike_things_never_add_whatever_they_are(units):
    for sign in ("+", "-", ","):
        text = f"min(1 {units[0]}{sign}2 {units[1]})"
        with pytest.raises(FormulaError, match=r"(adds|subtracts|compares) \w+ and \w+ \(both must be of one kind\)"):
            unit_of(parse(text), {})
