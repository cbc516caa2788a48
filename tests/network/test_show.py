"""A network in words: what is said is what the engines do."""

import json
import re

import numpy as np
import pytest

import fieldshift as fs
from fieldshift.engines import step
from fieldshift.errors import UsageError
from fieldshift.network.show import ORDER, WHAT, show
from fieldshift.network.words import amount, between, columns, course, listed, share


@pytest.fixture(scope="module")
def academy():
    return fs.read("academy")


@pytest.fixture(scope="module")
def network(academy):
    return fs.build(academy)


def rows(given, what):
    return json.loads(show(given, what, form="json"))


def test_the_order_is_that_of_the_engines():
    assert ORDER in step.__doc__
    assert len(ORDER.splitlines()) == 10


@pytest.mark.parametrize("case", fs.cases())
def test_every_side_of_every_shipped_case_is_told(case):
    scenario = fs.read(case)
    network = fs.build(scenario)
    for what in WHAT:
        text = show(scenario if what == "policies" else network, what)
        assert "nan" not in text.split()
        assert max(map(len, text.splitlines())) <= 180


def test_an_unknown_side():
    with pytest.raises(UsageError, match=r"stokcs.*stocks"):
        show(fs.read("academy"), "stokcs")


def test_policies_are_the_scenarios(network):
    with pytest.raises(UsageError, match="scenario"):
        show(network, "policies")


def test_a_side_without_anything_says_so():
    bare = fs.overlaid(fs.read("academy"), {"needs": None})
    assert show(bare, "needs") == "Northmark inspectorate has no needs."


def test_every_stock_block_has_its_place_and_count(network):
    told = {row["name"]: row for row in rows(network, "stocks")}
    assert set(told) == {block.name for block in network.stocks}
    assert told["desk"]["start"] == 100
    assert told["desk"]["place"] == "4 sites"
    assert told["field"]["tags"] == {"duty": "field"}
    assert "190 posts funded" in told["field"]["words"]


def test_every_arc_goes_from_its_tail_to_its_head(network):
    told = {(row["name"], row["by"]): row for row in rows(network, "arcs")}
    blocks = len(network.chances) + len(network.entries) + len(network.choices) + len(network.serves)
    assert len(told) == blocks
    retrain = told["retrain", "choice"]
    assert retrain["ends"] == "desk -> field"
    assert retrain["lasts"] == 4
    assert "95 % pass, the others go to desk" in retrain["words"]
    assert "Retraining seats" in retrain["words"]
    assert told["leave.desk", "chance"]["ends"] == "desk -> outside"
    assert told["detail", "choice"]["ends"] == "field -> field"
    assert told["inspections", "served"]["words"].startswith("20 hours each by field")


def test_limits_and_money(network):
    told = {row["name"]: row for row in rows(network, "limits")}
    assert told["academy_seats"]["cap"] == 12
    assert told["floor of desk"]["words"].startswith("at least 75 people")
    assert "hire" in told["academy_seats"]["words"]
    assert "15,500,000" in told["pay"]["words"]
    assert "nothing is cut to it" in told["training"]["words"]


def test_needs_over_time(network):
    (row,) = rows(network, "needs")
    assert row["words"] == "150, 165 from 2025-07-28; met by field"


def test_policies_in_words(academy):
    told = {row["name"]: row["words"] for row in rows(academy, "policies")}
    assert told["stay"].startswith("the base\nNobody moves")
    assert "retrain: 2 person/week, until 20 person in all, from 2025-02-03" in told["move"]
    assert "all that move does" in told["both"]


def test_the_order_says_what_this_case_does(academy):
    told = {row["name"]: row["here"] for row in rows(academy, "order")}
    assert "retrain after 4 weeks" in told["arrive"]
    assert told["open"] == "nothing"
    assert told["look"] == "stay, move, hire and both"
    assert told["serve"] == "1. inspections and 1. reports"


# The equations are not only words: their terms, put to the mean engine's own path, give its next count.


def values_of(network, trace):
    """Sums over sites by the names that the equations use: moved, served, flowed, dropped, shape (T,)."""
    found = {}
    for block in network.choices:
        found[block.name] = trace.moved[0][:, block.arcs].sum(axis=1)
        found[f"{block.name}.dropped"] = trace.dropped[0][:, block.arcs].sum(axis=1)
    for block in network.serves:
        found[f"{block.name}.served"] = trace.served[0][:, block.arcs].sum(axis=1)
    for block in network.chances:
        found[f"{block.name}.flowed"] = trace.flowed[0][:, block.arcs].sum(axis=1)
    return found


def test_the_equations_are_what_the_mean_does(academy, network):
    trace = fs.mean(academy, "both")
    values = values_of(network, trace)
    start = 30  # longer than any course, so that every lag is inside the horizon
    times = np.arange(start, network.periods.count)
    for block, row in zip(network.stocks, rows(network, "equations"), strict=True):
        people = trace.people[0][:, block.cells].sum(axis=1)
        inner = people[times].copy()
        for term in (*row["arrive"], *row["move"]):
            inner += term["factor"] * values[term["of"]][times - term["lag"]]
        inner *= 1.0 - sum(term["factor"] for term in row["chance"])
        for term in row["enter"]:
            known = {**{n.removesuffix(".flowed"): v for n, v in values.items()}, **values}
            inner += term["factor"] * (known[term["of"]][times] if term["of"] in known else 1.0)
        assert row["open"] == []
        np.testing.assert_allclose(people[times + 1], inner, rtol=1e-9, atol=1e-9, err_msg=block.name)


def test_an_equation_reads_as_one(network):
    told = {row["name"]: row["words"] for row in rows(network, "equations")}
    assert re.search(
        r"^= \(field\(t\) .*0\.95 retrain\(t-4\).* - detail\(t\)\) \* \(1 - 0\.119 % leave",
        told["field(t+1)"],
    )
    assert told["reports(t+1)"] == "= (reports(t) - reports.served(t)) * (1 - 10 % reports.expire) + 500"


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234.0, "1,234"), (0.5, "0.5"), (0.11834, "0.118"), (12345.6, "12,346"), (np.inf, "no limit")],
)
def test_amounts(value, text):
    assert amount(value) == text


def test_words_of_many_numbers(network):
    assert between(np.array([1.0, 3.0, 2.0])) == "1 to 3"
    assert between(np.array([0.1, 0.1]), share) == "10 %"
    assert course(np.arange(network.periods.count, dtype=float), network.periods).startswith("0 at first, 0 to ")
    assert listed(["a", "b", "b", "c"]) == "a, b and c"


def test_the_last_column_is_wrapped_under_itself():
    text = columns([{"name": "a", "words": "word " * 60}], {"name": "arc", "words": "how"})
    first, *more = text.splitlines()[1:]
    assert first.startswith("a    word")
    assert more
    assert all(line.startswith("     word") for line in more)
