"""The plan as people see it: every move once, whole, at the right place and date."""

import numpy as np
import pandas as pd
import pytest

import fieldshift as fs
from fieldshift.engines.keeping import kept
from fieldshift.results.charts_flow import flow_rows
from fieldshift.results.planned import MOVES, arriving, moves_of


@pytest.fixture(scope="module")
def solved():
    scenario = fs.read("academy", set=["horizon.periods=52"])
    return fs.optimize(scenario)


def test_moves_hold_everybody_once(solved):
    network = solved.program.network
    whole = kept(network, solved.plan, whole=True)
    moves = moves_of(network, whole.moved, whole.hosts)
    assert tuple(moves.columns) == MOVES
    assert moves["people"].sum() == whole.moved.sum() > 0
    assert (moves["people"] > 0).all()
    assert (moves["arrives"] >= moves["date"]).all()
    for block in network.choices:
        mine = moves[(moves["choice"] == block.part) & (moves["tail"] != moves["head"])]
        if not block.returns and not block.stage:
            assert mine["people"].sum() >= whole.moved[:, block.arcs].sum()


def test_who_comes_out_of_a_queue_comes_from_outside(solved):
    moves = fs.planned(solved).moves
    found = arriving(moves)
    assert not found["head"].str.endswith(".waiting").any()
    assert not found["tail"].str.endswith(".waiting").any()
    hired = found[found["choice"] == "hire"]
    assert (hired["tail"] == "outside").all()
    assert hired["people"].sum() == moves.loc[moves["tail"] == "hire.academy.waiting", "people"].sum()


def test_bands_are_as_thick_as_what_they_carry():
    moves = pd.DataFrame(
        [("g", "a", "c", 30.0), ("g", "a", "d", 10.0), ("h", "b", "d", 60.0)],
        columns=["group", "start", "end", "people"],
    )
    rows = flow_rows(moves)
    bands = rows[rows["part"] == "band"]
    thick = (bands["high"] - bands["low"]).groupby(bands["band"]).first()
    assert np.allclose(thick / thick.sum(), [0.3, 0.1, 0.6])
    assert rows["low"].min() >= -1e-9
    assert rows["high"].max() <= 1 + 1e-9
    for side, names in (("left", 2), ("right", 2)):
        ends = rows[rows["part"] == side].sort_values("low")
        assert len(ends) == names
        assert (ends["low"].to_numpy()[1:] >= ends["high"].to_numpy()[:-1] - 1e-9).all()
