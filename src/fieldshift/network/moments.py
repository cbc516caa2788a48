"""How events reach the periods: response profiles as multipliers."""

from __future__ import annotations

import numpy as np

from fieldshift.network.graph import Float
from fieldshift.network.lowering import Lowering

__all__ = ["response"]


def response(desk: Lowering, profiles: tuple[str, ...]) -> Float:
    """Return the product of some response profiles in each period, shape (T, 1).

    A profile gives a multiplier m at weeks after its event's date, with straight lines between; with strength s the
    multiplier is 1 + s (m - 1). It is read at each period's first day.
    """
    total = np.ones((desk.count, 1))
    for name in profiles:
        profile = desk.scenario.profiles[name]
        event = desk.scenario.events[profile.event]
        date = event.announced if profile.at == "announced" else event.effect
        if date is None:
            continue
        weeks = np.array([(day - date).days / 7.0 for day in desk.periods.instants[:-1]])
        points = sorted(profile.weeks.items())
        shape = np.interp(weeks, [w for w, _ in points], [m for _, m in points])
        strength = desk.values.plain(f"profiles.{name}.strength", profile.strength, "1").data[:, :1]
        total = total * np.maximum(1.0 + strength * (shape[:, None] - 1.0), 0.0)
    return total
