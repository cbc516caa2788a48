"""One batch of futures lived under one policy, period by period."""

from __future__ import annotations

from fieldshift.engines.engine import Engine
from fieldshift.engines.policies import Policy
from fieldshift.engines.view import View
from fieldshift.results.trace import Trace

__all__ = ["live"]


def live(engine: Engine, policy: Policy) -> Trace:
    """Live all periods of one batch under a policy, and return what was counted."""
    for period in range(engine.network.periods.count):
        engine.begin(period)
        engine.finish(period, policy.decide(View(engine, period)))
    return engine.trace
