"""What is short, solved by hand: limits with one unit more and one less, and the gap of a need by date."""

from __future__ import annotations

import datetime as dt

import pytest

from fieldshift import build, read
from fieldshift.engines.gaps import gaps
from fieldshift.engines.live import live
from fieldshift.engines.optimize import Solution, optimize
from fieldshift.engines.prices import shortages
from fieldshift.engines.reference import MeanEngine

REDEPLOY = """
name: Redeployment
horizon: {periods: 4, step: week, start: 2024-01-01}
stocks: {desk: {start: 30, floor: 10}, field: {start: 20}}
choices: {retrain: {tail: desk, head: field, lasts: 1 week, uses: {seats: 1}}}
resources: {seats: {unit: seat, cap: 6 seat}}
needs: {field: {of: field, need: 40 person, short: {price: 10}}}
"""

WIDE = REDEPLOY.replace("desk: {start: 30, floor: 10}", "desk: {start: 90}").replace("need: 40", "need: 100")


def solved(text: str, tmp_path) -> Solution:
    """Return the best plan of a planner's text."""
    file = tmp_path / "case.yaml"
    file.write_text(text, encoding="utf-8")
    scenario = read(file)
    return optimize(build(scenario), scenario.goals)


def with_seats(text: str, seats: int) -> str:
    """Return the text with other seats in the first three weeks, where they bind."""
    return text.replace("cap: 6 seat", f"cap: {{dates: {{2024-01-01: {seats} seat, 2024-01-22: 6 seat}}}}")


@pytest.mark.parametrize(("text", "more", "less"), [(WIDE, 60, 60), (REDEPLOY, 50, 60)])
def test_a_seat_more_and_a_seat_less_are_what_solving_again_says(text, more, less, tmp_path):
    """A seat more in weeks 1, 2, 3 has one more in the field for three, two and one weeks at 10: 60.

    Where the desk has a floor of 10, twenty may go in all: 7, 7 and 6, which is worth 30 and 20; with a seat less 5, 5
    and 5 go, and all 60 are lost: a kink.
    """
    solution = solved(text, tmp_path)
    (seats,) = [s for s in shortages(solution).found if s.rule.part == "resources.seats"]
    assert (seats.rule.start, seats.rule.end) == (dt.date(2024, 1, 1), dt.date(2024, 1, 22))
    assert seats.price.loosen == pytest.approx(more, abs=1e-6)
    assert seats.price.tighten == pytest.approx(less, abs=1e-6)
    assert seats.price.kinked == (more != less)
    base = solution.goals[0].value
    assert base - solved(with_seats(text, 7), tmp_path).goals[0].value == pytest.approx(more, abs=1e-6)
    assert solved(with_seats(text, 5), tmp_path).goals[0].value - base == pytest.approx(less, abs=1e-6)


def test_the_gap_of_a_need_by_hand(tmp_path):
    """The field has 20, 26, 32, 38 of 40."""
    solution = solved(REDEPLOY, tmp_path)
    network = solution.program.network
    found = gaps(network, live(MeanEngine(network), solution.plan))
    (gap,) = found.found
    assert (gap.first, gap.worst, gap.periods) == (dt.date(2024, 1, 1), dt.date(2024, 1, 1), 4)
    assert (gap.largest, gap.end) == (pytest.approx(20), pytest.approx(2))
    assert found.rows["gap"].tolist() == pytest.approx([20, 14, 8, 2])
