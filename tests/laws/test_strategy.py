"""The strategy makes what a planner could write, and reaches every part of the model."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from planner import calm_plans, plans, scenario_of

from fieldshift.network.checks import problems


@given(plans())
@settings(max_examples=60)
def test_what_is_drawn_is_valid(plan):
    errors = [p for p in problems(scenario_of(plan)) if p.level == "error"]
    assert errors == []


@given(calm_plans())
@settings(max_examples=10)
def test_what_is_drawn_calm_is_valid(plan):
    assert [p for p in problems(scenario_of(plan)) if p.level == "error"] == []


@pytest.mark.slow
def test_the_strategy_reaches_every_part():
    """Without this, a law could hold because the strategy never writes what would break it."""
    seen: set[str] = set()

    @given(plans())
    @settings(max_examples=500, database=None, derandomize=True)
    def collect(plan):
        for choice in plan["choices"].values():
            seen.update(choice)
            seen.add("several tails" if isinstance(choice.get("tail"), list) else "one tail")
            for stage in choice.get("stages", ()):
                seen.update(f"stage {key}" for key in stage)
        for stock in plan["stocks"].values():
            seen.update(f"stock {key}" for key in stock)
        for flow in plan["flows"].values():
            seen.add(f"timing {flow.get('timing', 'closing')}")
        for work in plan["work"].values():
            seen.update(f"work {key}" for key in work)
        seen.update(rule["rule"] for rule in plan["policies"]["act"]["rules"])
        seen.update(plan)
        seen.add("no site" if not plan["sites"] else "sites")

    collect()
    wanted = {
        "returns", "to", "stages", "several tails", "one tail", "pass", "fail_to", "dropout", "drop_to", "uses",
        "takes",
        "most", "share", "lump", "begun", "instructors", "stage pass", "stage dropout", "stock learning", "stock floor",
        "stock funded", "timing opening", "timing closing", "work becomes", "work crew", "work takes", "work uses",
        "work most", "work leave_to", "schedule", "fill", "escalate", "respond", "budgets", "no site", "sites",
    }  # fmt: skip
    assert wanted - seen == set()
