"""Every measure against numbers that were added by hand, and the laws between them."""

import dataclasses
import inspect

import numpy as np
import pytest
from handmade import T, blank, lived, network

from fieldshift.engines.simulate import simulate
from fieldshift.errors import UsageError
from fieldshift.results.measures import MEASURES, available, default_keys, key_of, measure, titles
from fieldshift.results.tally import ratio
from fieldshift.scenario.schema import Scenario


def nation(trace, name, of=""):
    return measure(trace, network(), [(name, of)])[name, of]


def by_site(trace, name, of=""):
    return measure(trace, network(), [(name, of)], by_site=True)[name, of]


def first_day():
    """One future, on the first day only: cell c holds c + 1, the academy's queue none, arc a 10 (a + 1)."""
    trace = blank(1)
    trace.people[0, 0] = np.arange(1, 16)
    trace.people[0, 0, 12:14] = 0
    trace.under_way[0, 0] = 10 * np.arange(1, 15)
    return trace


@pytest.mark.parametrize(
    ("name", "of", "whole", "sites"),
    [
        # desk 1 + 2, street 3 + 4, new 5 + 6, legal 7, pool 15; away 10 + 20, academy 50 + 60,
        # arriving 110 + 120, retraining 130 + 140. Not: border 8, cases, files; vetting 30 + 40.
        ("on_board", "", 43 + 30 + 110 + 230 + 270, [9 + 10 + 50 + 110 + 130, 12 + 20 + 60 + 120 + 140]),
        ("field", "", 18, [8, 10]),
        ("desk", "", 3, [1, 2]),
        ("training", "", 50 + 60 + 130 + 140, [50 + 130, 60 + 140]),
        ("transit", "", 15 + 110 + 120, [110, 120]),
        ("hiring", "", 30 + 40, [30, 40]),
        ("detail", "", 30, [10, 20]),
        ("tths", "", 380 + 245, [180 + 110, 200 + 120]),
        ("people", "street", 18, [8, 10]),
        ("people", "border", 8, [0, 0]),
        ("duty", "desk", 3, [1, 2]),
        ("duty", "unstated", 7, [0, 0]),
        ("new_share", "street", 11 / 18, [5 / 8, 6 / 10]),
        ("funded", "street", 100, [60, 40]),
        ("funded", "", 120, [70, 50]),
        ("authorised", "street", 110, [65, 45]),
        ("fill_rate", "street", 48 / 100, [18 / 60, 30 / 40]),
        ("fill_rate", "", 51 / 120, [19 / 70, 32 / 50]),
        ("vacancies", "street", 100 - 48, [60 - 18, 40 - 30]),
        ("manning", "street", 48 / 110, [18 / 65, 30 / 45]),
        ("unfilled", "", 110 - 48, [65 - 18, 45 - 30]),
        ("under_way", "hire", 30 + 40 + 50 + 60, [30 + 50, 40 + 60]),
        ("backlog", "cases", 19, [9, 10]),
        ("backlog_per_head", "cases", 19 / 18, [9 / 8, 10 / 10]),
    ],
)  # fmt: skip
def test_counts_of_an_instant(name, of, whole, sites):
    trace = first_day()
    np.testing.assert_allclose(nation(trace, name, of)[0, 0], whole)
    np.testing.assert_allclose(by_site(trace, name, of)[0, 0], sites)
    assert nation(trace, name, of).shape == (1, T + 1)
    assert by_site(trace, name, of).shape == (1, T + 1, 2)


def test_those_who_wait_between_stages_are_staff_if_the_stage_before_was_on_strength():
    trace = first_day()
    trace.people[0, 0, 12:14] = [13, 14]
    assert nation(trace, "hiring")[0, 0] == 30 + 40 + 13 + 14
    made = network()
    vetting = dataclasses.replace(made.choices[1], on_strength=True)
    other = dataclasses.replace(made, choices=(made.choices[0], vetting, *made.choices[2:]))
    found = measure(trace, other, [("training", ""), ("on_board", "")])
    assert found["training", ""][0, 0] == 380 + 70 + 27
    assert found["on_board", ""][0, 0] == nation(trace, "on_board")[0, 0] + 70 + 27


def test_measures_of_a_period():
    trace = blank(2)
    trace.people[:, :, 2:6] = 10
    trace.people[:, :, 8:10] = [60, 30]
    trace.served[1, :] = [6, 4]
    trace.became[1, :, 10:12] = [6, 4]
    trace.entered[1, :] = [12, 8, 5]
    trace.flowed[1, :] = [1, 2, 3, 4, 5, 6, 7, 8, 9]
    trace.hours[:, :, 2:6] = 400
    trace.used[:, :, 2:6] = 100
    trace.hosted[:, :] = [2, 3]
    trace.spent[:, :] = [40, 7]
    trace.dials[:, :, 0] = [1.0, 1.5, 9.0]
    expected = {
        ("arrived", "cases"): 20, ("served", "cases"): 10, ("undone", "cases"): 3, ("ended", "cases"): 7,
        ("arrived", "files"): 10 + 7, ("served_per_week", "cases"): 10, ("age", "cases"): 9,
        ("served_per_crew", "cases"): 10 / 20, ("hours", "street"): 1600, ("hours_used", ""): 400,
        ("hours_lost", ""): 1200, ("utilisation", "street"): 0.25, ("wisn", "street"): 1200 / 80,
        ("hosted", ""): 5, ("present", ""): 45, ("need", "street"): 80, ("gap", "street"): 80 - 30,
        ("dial", "pace"): 1.25, ("spend", "pay"): 40, ("granted", "travel"): np.nan,
        ("losses", "quit"): 15, ("losses", "retire"): 9, ("losses", ""): 24, ("hires", ""): 5,
    }  # fmt: skip
    for (name, of), value in expected.items():
        if (name, of) == ("granted", "travel"):
            assert of not in MEASURES["granted"].parts(network())
            continue
        found = nation(trace, name, of)
        assert found.shape == (2, T), name
        np.testing.assert_allclose(found[1], value, err_msg=name)
    assert np.isnan(nation(trace, "age", "cases")[0]).all()
    np.testing.assert_allclose(nation(trace, "spend_to_date", "pay")[0], [40, 80, 40, 80])
    np.testing.assert_allclose(nation(trace, "money_left", "pay")[0], [60, 20, 160, 120])
    np.testing.assert_allclose(nation(trace, "served_to_date", "cases")[1], [10, 20, 10, 20])
    np.testing.assert_allclose(by_site(trace, "gap", "street")[0, 0], [50 - 15, 30 - 15])
    np.testing.assert_allclose(by_site(trace, "dial", "pace")[0, 0], [1.0, 1.5])
    np.testing.assert_allclose(by_site(trace, "arrived", "cases")[1, 0], [12, 8])
    np.testing.assert_allclose(by_site(trace, "wisn", "street")[1, 0], [600 / 48, 600 / 32])


def test_fte_is_a_rate_over_the_period():
    trace = blank(1)
    trace.people[0, :, 0] = [10, 20, 20, 20, 20]
    np.testing.assert_allclose(nation(trace, "fte")[0], [0.5 * 15, 10, 10, 10])
    np.testing.assert_allclose(nation(trace, "on_board")[0], [10, 20, 20, 20, 20])


def test_turnover_and_wastage_are_per_year():
    trace = blank(1)
    trace.people[0, :, 0] = 100
    trace.flowed[0, 0, 6] = 2
    trace.passed[0, 0, 6] = 3
    years = network().periods.length("year")
    np.testing.assert_allclose(nation(trace, "turnover")[0, 0], 5 / 100 / years)
    np.testing.assert_allclose(nation(trace, "wastage")[0, 0], 2 / 100 / years)


def test_everybody_on_board_is_counted_once():
    trace = lived(5)
    words = MEASURES["duty"].parts(network())
    parts = [nation(trace, "duty", w) for w in words]
    parts += [nation(trace, name) for name in ("training", "transit", "detail")]
    np.testing.assert_array_equal(sum(parts), nation(trace, "on_board"))


def test_strength_changes_by_those_who_enter_and_leave():
    trace = lived(8)
    change = np.diff(nation(trace, "on_board"), axis=1)
    np.testing.assert_array_equal(change, nation(trace, "hires") - nation(trace, "losses"))
    kinds = [k for k in MEASURES["losses"].parts(network()) if k]
    assert set(kinds) == {"quit", "retire", "dropout", "failed", "layoff"}
    np.testing.assert_array_equal(sum(nation(trace, "losses", k) for k in kinds), nation(trace, "losses"))


@pytest.mark.parametrize("work", ["cases", "files"])
def test_a_backlog_changes_by_what_came_and_what_went(work):
    trace = lived(8)
    out = sum(
        nation(trace, name, work) for name in ("served", "undone", "ended") if work in MEASURES[name].parts(network())
    )
    np.testing.assert_array_equal(np.diff(nation(trace, "backlog", work), axis=1), nation(trace, "arrived", work) - out)


def test_the_nation_is_the_sum_of_its_sites_and_of_what_is_national():
    trace = lived(4)
    national = {"on_board": trace.people[:, :, 6] + trace.people[:, :, 14], "transit": trace.people[:, :, 14]}
    for m, of in available(network()):
        if not m.by_site or m.unit not in ("person", "case", "post", "hour") or (m.name, of) in {
            ("people", "legal"), ("people", "border"), ("duty", "unstated"), ("under_way", "move"),
        }:  # fmt: skip
            continue
        rest = nation(trace, m.name, of) - by_site(trace, m.name, of).sum(axis=2)
        if m.name in ("hires", "losses"):
            assert (rest >= 0).all()
        elif m.name == "tths":
            np.testing.assert_allclose(rest, national["transit"])
        else:
            np.testing.assert_allclose(rest, national.get(m.name, 0), atol=1e-3, err_msg=m.name)


def test_whole_counts_stay_whole():
    for m, of in available(network()):
        values = nation(lived(2), m.name, of)
        if m.unit == "person" and m.name not in ("need", "gap", "hosted", "present"):
            assert values.dtype.kind == "i", m.name
        assert len(values) == 2


def test_every_measure_exists_somewhere_and_says_what_it_is():
    there = {m.name for m, _ in available(network())}
    assert set(MEASURES) - there <= {"support", "leave", "short_of_target"}
    for m in MEASURES.values():
        assert m.definition.endswith("."), m.name
        assert m.definition[0].isupper(), m.name
        assert "\n" not in m.definition
        assert inspect.isfunction(m.value)
    assert len(titles(network())) == len(available(network()))
    assert titles(network())["backlog", "cases"] == "Waiting: Cases"
    assert set(default_keys(network())) <= {(m.name, of) for m, of in available(network())}


def test_a_mean_path_has_the_same_measures():
    trace = blank(1, whole=False)
    trace.people[0, :, 2] = 10.5
    np.testing.assert_allclose(nation(trace, "field"), 10.5)


def test_keys_are_checked():
    assert key_of(network(), "field") == ("field", "")
    assert key_of(network(), "served") == ("served", "cases")
    with pytest.raises(UsageError, match="there is no measure 'fields'"):
        key_of(network(), "fields")
    with pytest.raises(UsageError, match="'backlog' is not of ''; it is of 'cases', 'files'"):
        key_of(network(), "backlog")
    with pytest.raises(UsageError, match="has no meaning"):
        key_of(network(), "support")


def test_nothing_divided_by_nothing_has_no_value():
    np.testing.assert_array_equal(ratio(np.array([0, 1, 2]), np.array([0, 0, 4])), [np.nan, np.nan, 0.5])


def test_output_asked_for_less_what_was_served():
    scenario = Scenario.model_validate(
        {
            "name": "target",
            "horizon": {"start": "2025-01-06", "periods": 4},
            "sites": ({"id": "a"}, {"id": "b"}),
            "stocks": {"staff": {"start": "3 person per site", "hours": "40 hour/week"}},
            "work": {
                "files": {
                    "start": "100 case per site", "standard": "4 hour/case", "by": "staff",
                    "target": "45 case/week per site",
                }
            },
            "policies": {"stay": {}},
        }
    )  # fmt: skip
    result = simulate(scenario, None, 2, 1, keys=[("short_of_target", "files")])
    assert result.values("stay", "short_of_target", "files").tolist() == [[30, 30, 30, 70]] * 2


def test_a_gap_counts_those_under_way_who_meet_the_need():
    """Five are on contract for three weeks: nobody is short while they are, though no stock holds them."""
    scenario = Scenario.model_validate({
        "name": "Lent", "horizon": {"start": "2025-01-06", "periods": 6, "step": "week"},
        "stocks": {"field": {"start": 0}}, "choices": {"lend": {"lasts": "3 week"}},
        "needs": {"posts": {"of": {"field": 1, "lend": 1}, "need": "5 person", "short": {"price": 1}}},
        "policies": {"go": {"rules": [{"rule": "schedule", "choice": "lend", "amount": "5 person/week", "total": "5 person"}]}},
    })  # fmt: skip
    frame = simulate(scenario, ["go"], draws=2, seed=1, keys=[("gap", "posts")]).table("gap")
    frame = frame[frame["of"] == "posts"] if "of" in frame else frame
    assert frame["mean"].tolist() == [0, 0, 0, 5, 5, 5]
