"""Forecasts that anybody could make, to be better than: the last value, the same season, the recent mean.

Source:
    Hyndman & Athanasopoulos (2021), Forecasting: Principles and Practice, 3rd ed., section 5.2.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fieldshift.scenario.observed import Span, longer
from fieldshift.scenario.schema import Scenario
from fieldshift.study.observing import Rows, last_known

__all__ = ["REFERENCES", "references"]

Float = npt.NDArray[np.float64]

REFERENCES = {
    "persistence": "the last value",
    "seasonal": "the same season a year before",
    "constant": "last year's mean rate",
}
"""The forecasts, and what each is, in words."""

_YEAR = 366


def references(scenario: Scenario, rows: Rows) -> dict[str, Float]:
    """Return what each reference says of rows to come, by name, shape (n,); NaN where it cannot say anything.

    `persistence` repeats the last known value; `seasonal` the one of the same interval in the last known year;
    `constant` goes on with the mean of the last year, of a level with its mean change.

    Args:
        scenario: The scenario, its history cut to what is known.
        rows: The rows to come.
    """
    found = {name: np.full(len(rows), np.nan) for name in REFERENCES}
    for x, name in enumerate(rows.names):
        seen: dict[str, list[tuple[Span, float]]] = {}
        for site, span, value in last_known(scenario.history[name]):
            seen.setdefault(site, []).append((span, value))
        for i in np.flatnonzero(rows.series == x):
            own = seen.get(rows.sites[i])
            if own:
                known = _said(own, rows.spans[i], bool(rows.stock[i]))
                for word, value in known.items():
                    found[word][i] = value
    return found


def _said(seen: list[tuple[Span, float]], span: Span, level: bool) -> dict[str, float]:
    last, value = seen[-1]
    recent = [(one, v) for one, v in seen if (last.after - one.after).days < _YEAR]
    by_end = {one.after: v for one, v in seen}
    back = span.after
    while back > last.after:
        back = longer(back, "year", -1)
    said = {"persistence": value, "seasonal": by_end.get(back, float("nan")), "constant": float("nan")}
    if not level:
        said["constant"] = float(np.mean([v for _, v in recent]))
    elif len(recent) > 1:
        days = (last.after - recent[0][0].after).days
        said["constant"] = max(value + (value - recent[0][1]) / days * (span.after - last.after).days, 0.0)
    return said
