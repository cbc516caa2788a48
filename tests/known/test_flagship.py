"""The flagship case: every policy differs from `stay` for its own reason, and a doubled limit changes what it should."""

from __future__ import annotations

import numpy as np
import pytest

from fieldshift import build, mean, overlaid, read
from fieldshift.engines.policies import settings_of

pytestmark = pytest.mark.slow

SCENARIO = read("ice-2024")
NETWORK = build(SCENARIO)


def started(trace, choice: str) -> float:
    return sum(float(trace.moved[0][:, b.arcs].sum()) for b in NETWORK.choices if b.part == choice)


def served(trace, work: str) -> np.ndarray:
    block = next(b for b in NETWORK.serves if b.name == work)
    return trace.served[0][:, block.arcs].sum(axis=1)


@pytest.fixture(scope="module")
def stay():
    return mean(SCENARIO, "stay")


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ("announced", lambda t, s: started(t, "retrain") > 500 and served(t, "worksite").sum() > 0),
        ("escalation", lambda t, s: t.dials.max() > 1.0 and started(t, "transfer") > 50),
        ("flood", lambda t, s: started(t, "detail") > 500 and t.hosted.max() > 0),
        ("hire_only", lambda t, s: started(t, "hire") > 2 * started(s, "hire") and started(t, "retrain") == 0),
        ("cooperation", lambda t, s: served(t, "jail_cases").sum() > 1.03 * served(s, "jail_cases").sum()),
        ("restrain", lambda t, s: served(t, "other_arrests")[20:].sum() == 0),
    ],
)
def test_a_policy_differs_from_stay_for_its_own_reason(policy, reason, stay):
    assert policy in SCENARIO.policies
    trace = mean(SCENARIO, policy)
    assert reason(trace, stay), settings_of(SCENARIO, policy)
    assert not reason(stay, stay)


def test_leaving_the_desks_leaves_their_work_undone(stay):
    trace = mean(SCENARIO, "announced")
    assert served(trace, "docket_actions")[60:].sum() < 0.6 * served(stay, "docket_actions")[60:].sum()
    assert served(trace, "jail_cases")[60:].sum() < 0.6 * served(stay, "jail_cases")[60:].sum()
    at_large = served(trace, "other_arrests")[60:].sum() + served(trace, "security_arrests")[60:].sum()
    assert at_large > 1.5 * (served(stay, "other_arrests")[60:].sum() + served(stay, "security_arrests")[60:].sum())


def test_doubled_seats_change_hiring_and_not_the_investigators(stay):
    trace = mean(overlaid(SCENARIO, {"resources.academy_seats.cap": "320 seat"}), "stay")
    academy = next(b for b in NETWORK.choices if b.name == "hire.academy")
    assert trace.moved[0][:, academy.arcs].sum() > stay.moved[0][:, academy.arcs].sum() + 1
    np.testing.assert_array_equal(served(trace, "investigations"), served(stay, "investigations"))


def test_doubled_beds_change_nothing_where_beds_do_not_bind(stay):
    trace = mean(overlaid(SCENARIO, {"resources.beds.cap": "83000 bed"}), "stay")
    np.testing.assert_allclose(trace.people, stay.people, atol=1e-6)


def test_more_money_lets_more_be_hired_where_money_binds():
    poor = mean(overlaid(SCENARIO, {"quantities.payroll": "900 MUSD"}), "stay")
    rich = mean(overlaid(SCENARIO, {"quantities.payroll": "1800 MUSD"}), "stay")
    academy = next(b for b in NETWORK.choices if b.name == "hire.academy")
    assert poor.lines.any()
    assert poor.moved[0][:, academy.arcs].sum() < 0.7 * rich.moved[0][:, academy.arcs].sum()
