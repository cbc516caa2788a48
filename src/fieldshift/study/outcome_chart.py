"""The chart of a forecast against its outcome: bands, median, references, and what happened."""

from __future__ import annotations

from collections.abc import Sequence

from fieldshift.results.charts import chart
from fieldshift.results.charts_style import Spec, bounds, dates, numbers, tips

__all__ = ["outcome_chart"]

_BANDS = (("q025", "q975", 0.14), ("q100", "q900", 0.22), ("q250", "q750", 0.34))
_DASHES = ([7, 3], [2, 2])


def outcome_chart(months: int, references: Sequence[str]) -> Spec:
    """Return the chart: columns date, outcome, q025, q100, q250, q500, q750, q900, q975 and those of the references.

    Args:
        months: Months that it spans.
        references: Columns of one or two further forecasts: the first is dashed, the second dotted.
    """
    x = dates(months)
    layers: list[Spec] = [
        {
            "mark": {"type": "area", "style": "band", "opacity": opacity},
            "encoding": {"x": x, "y": numbers(low), "y2": {"field": high}},
        }
        for low, high, opacity in _BANDS
    ]
    for field, dash in zip(references, _DASHES, strict=False):
        mark = {"type": "line", "style": "ink", "strokeDash": dash, "strokeWidth": 1.2}
        layers.append({"mark": mark, "encoding": {"x": x, "y": numbers(field)}})
    tip = tips({"date": "Date", "value": "Outcome", "q900": "90 %", "q500": "Median", "q100": "10 %"})
    dots = {"type": "point", "style": "ink", "filled": True, "size": 34, "opacity": 1}
    layers += [
        {
            "mark": {"type": "line", "style": "middle", "strokeWidth": 2},
            "encoding": {"x": x, "y": numbers("q500")},
        },
        {"mark": {"type": "line", "style": "ink", "strokeWidth": 1.6}, "encoding": {"x": x, "y": numbers("outcome")}},
        {
            "transform": [{"calculate": "datum.outcome", "as": "value"}, {"filter": "isValid(datum.outcome)"}],
            "mark": dots,
            "encoding": {"x": x, "y": numbers("outcome"), "tooltip": tip},
        },
    ]
    return chart(300, params=bounds(), layer=layers)
