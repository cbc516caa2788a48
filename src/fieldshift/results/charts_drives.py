"""Charts of what drives an answer: a tornado, and shares with their intervals; specifications without data."""

from __future__ import annotations

from collections.abc import Sequence

from fieldshift.results.charts import chart, named, whiskered
from fieldshift.results.charts_style import Spec, bounds, numbers, tips

__all__ = ["shares", "tornado"]


def tornado(names: Sequence[str], label: str) -> Spec:
    """Return a bar for each unknown from its one end to its other: columns unknown, end, value, value_centre, written.

    Args:
        names: Unknowns from the top down.
        label: What the ends are called on the legend's title.
    """
    y = named("unknown", names, 260)
    told = tips({"unknown": "Unknown", "end": "End", "written": "There it is", "value": label})
    kinds = {"domain": ["low end", "high end"], "range": "ordinal"}
    bar = {
        "mark": {"type": "bar", "height": 13},
        "encoding": {
            "x": {**numbers("value", "x"), "stack": None},
            "x2": {"field": "value_centre"},
            "y": y,
            "color": {"field": "end", "type": "nominal", "legend": None, "scale": kinds},
            "tooltip": told,
        },
    }
    middle = {
        "mark": {"type": "rule", "style": "zero", "strokeWidth": 1},
        "encoding": {"x": {**numbers("value_centre", "x"), "aggregate": "mean"}},
    }
    return chart(24 * len(names) + 8, params=bounds(), layer=[bar, middle])


def shares(names: Sequence[str]) -> Spec:
    """Return a bar for each unknown with its interval, in per cent: columns unknown, value, value_low, value_high."""
    y = named("unknown", names, 260)
    told = tips({"unknown": "Unknown", "value": "Share, %", "value_low": "At least, %", "value_high": "At most, %"})
    layer = list(whiskered("value", ("value_low", "value_high"), y, told))
    return chart(24 * len(names) + 8, params=bounds(), layer=layer)
