"""Sentences of the report that summed up the wrong thing once: shares of a grant, and what binds first."""

import dataclasses

import invented
import numpy as np
import pytest

import fieldshift as fs
from fieldshift.results.quantiles import summarise
from fieldshift.results.report_about import about_section
from fieldshift.results.report_head import headline_section
from fieldshift.results.report_money import money_section


@pytest.fixture(scope="module")
def result():
    return invented.result()


def with_grants(result, futures=True):
    """The run with a grant that varies by future as the spending does: half of it is always spent."""
    parts = {}
    for policy, part in result.parts.items():
        draws, nation = dict(part.draws), dict(part.nation)
        draws["granted", "pay"] = draws["spend_to_date", "pay"] * np.float32(2)
        nation["granted", "pay"] = summarise(draws["granted", "pay"])
        kept = draws if futures else {}
        parts[policy] = dataclasses.replace(part, draws=kept, nation=nation)
    return dataclasses.replace(result, parts=parts)


def test_what_is_spent_is_set_against_the_grant_of_the_same_future(result):
    (figure,) = money_section(with_grants(result)).blocks
    rows = figure.data[1].dropna(subset=["granted"])
    assert len(rows)
    assert (rows["high"] > rows["low"]).any()
    for name in ("q10", "q50", "q90"):
        np.testing.assert_allclose(rows[name], 50, rtol=1e-6)
    assert all("No grant is used up" in view.says for view in figure.views.values())


def test_a_run_without_its_futures_tells_no_band_of_a_share_whose_grant_varies(result):
    (figure,) = money_section(with_grants(result, futures=False)).blocks
    rows = figure.data[1].dropna(subset=["granted"])
    assert rows[["q10", "q90", "used_up"]].isna().all(axis=None)
    for view in figure.views.values():
        assert "1 in 10" not in view.says
        assert "kept no single futures" in view.says


def led_by(result, lead):
    """The run in which, under each policy, ties lead in given shares of futures at week 50."""
    parts = {}
    for policy, part in result.parts.items():
        first, shares = np.zeros_like(part.bound.first), np.zeros_like(part.bound.first)
        for x, share in enumerate(lead.get(policy, ())):
            first[50, x], shares[50, x] = 1, share
        bound = dataclasses.replace(part.bound, first=first, lead=shares)
        parts[policy] = dataclasses.replace(part, bound=bound)
    return dataclasses.replace(result, parts=parts)


def test_what_binds_first_names_only_policies_under_which_it_does_and_says_ties(result):
    found = led_by(result, {"stay": (0.7, 0.3), "move": (0.4, 0.4), "hire": (0.2, 0.6)})
    said = next(text for text in headline_section(found).blocks[1].paragraphs if text.startswith("What binds first"))
    assert "under “Stay” (bound first in 70 % of futures; ever bound in 100 %" in said
    assert "Pay and Seats" in said
    assert ", equally often, under “Move" in said
    assert "(each bound first in 40 % of futures)" in said
    assert "Pay under “Hire” (bound first in 60 % of futures; ever bound in 100 %" in said


def test_the_command_repeats_the_very_run():
    """A run of some policies, of all without a plan, and of all with one are three commands."""
    case = fs.read("academy", set=["horizon.periods=8"])
    asked = {"draws": 4, "seed": 3, "groups": 1, "workers": 1}
    ends = "--draws 4 --seed 3 --groups 1"
    for result, words in (
        (
            fs.simulate(case, ["hire", "stay"], **asked),
            f"simulate SCENARIO --policy hire --policy stay {ends} -o FOLDER",
        ),
        (fs.simulate(case, **asked), f"run SCENARIO {ends} --no-plan -o FOLDER"),
        (fs.judged(case, **asked), f"run SCENARIO {ends} -o FOLDER"),
    ):
        assert any(f"fieldshift {words}" in str(block) for block in about_section(result).blocks), words
