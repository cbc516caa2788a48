"""The flow of a plan: bands from where people were to where they go, as a Vega-Lite specification without data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fieldshift.results.charts import chart
from fieldshift.results.charts_style import Spec, tips

__all__ = ["flow", "flow_rows"]

_STEPS = 17
_GAP = 0.06


def flow(height: int, names: Sequence[str]) -> Spec:
    """Return bands from left to right: the columns of `flow_rows`.

    Args:
        height: Height in pixels.
        names: What bands are coloured by, in order.
    """
    blank = {"axis": None, "scale": {"domain": [-0.02, 1.02]}}
    x = {"field": "x", "type": "quantitative", **blank}
    y = {"field": "low", "type": "quantitative", "axis": None, "scale": {"domain": [0, 1], "reverse": True}}
    colour = {
        "field": "group",
        "type": "nominal",
        "legend": None,
        "scale": {"domain": list(names), "range": "ordinal"},
    }
    band = {
        "transform": [{"filter": "datum.part === 'band'"}],
        "mark": {"type": "area", "opacity": 0.72, "style": "paper", "strokeWidth": 0.5},
        "encoding": {
            "x": x,
            "y": y,
            "y2": {"field": "high"},
            "detail": {"field": "band", "type": "nominal"},
            "color": colour,
            "tooltip": tips({"group": "Choice", "start": "From", "end": "To", "people": "People"}),
        },
    }
    ends = {
        "transform": [{"filter": "datum.part !== 'band'"}],
        "mark": {"type": "bar", "style": "ink", "width": 5},
        "encoding": {"x": x, "y": y, "y2": {"field": "high"}},
    }
    words = [
        {
            "transform": [{"filter": f"datum.part === '{side}'"}],
            "mark": {"type": "text", "align": align, "dx": 8 if align == "left" else -8, "limit": 220, "fontSize": 12},
            "encoding": {
                "x": x,
                "y": {**y, "field": "middle"},
                "text": {"field": "label", "type": "nominal"},
            },
        }
        for side, align in (("left", "left"), ("right", "right"))
    ]
    return chart(height, layer=[band, ends, *words])


def flow_rows(moves: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a flow: smooth bands as thick as what they carry, and the two columns of names.

    Args:
        moves: Columns group, start, end, people, a row for each band; names as a reader sees them.

    Returns:
        Columns part (`band`, `left`, `right`), band (a number), group, start, end, label, people, x, low, middle and
        high, all from 0 to 1.
    """
    total = float(moves["people"].sum())
    left, right = (_stacked(moves, side, total) for side in ("start", "end"))
    rows: list[dict[str, object]] = []
    for side, x, where in (("left", 0.0, left), ("right", 1.0, right)):
        for name, (low, high, people) in where.items():
            words = {"part": side, "band": -1, "group": "", "start": "", "end": "", "label": f"{name}: {people:,.0f}"}
            rows.append({**words, "people": people, "x": x, "low": low, "middle": (low + high) / 2, "high": high})
    used = {"start": dict.fromkeys(left, 0.0), "end": dict.fromkeys(right, 0.0)}
    along = np.linspace(0.0, 1.0, _STEPS)
    smooth = along * along * (3.0 - 2.0 * along)
    scale = _scale(max(len(left), len(right)))
    for number, move in enumerate(moves.to_dict("records")):
        thick = float(move["people"]) / total * scale
        a = left[move["start"]][0] + used["start"][move["start"]]
        b = right[move["end"]][0] + used["end"][move["end"]]
        used["start"][move["start"]] += thick
        used["end"][move["end"]] += thick
        words = {
            "part": "band",
            "band": number,
            "group": move["group"],
            "start": move["start"],
            "end": move["end"],
            "label": "",
        }
        for x, s in zip(along.tolist(), smooth.tolist(), strict=True):
            low = a + (b - a) * s
            more = {"people": float(move["people"]), "x": x, "low": low, "middle": low + thick / 2, "high": low + thick}
            rows.append({**words, **more})
    return pd.DataFrame(rows)


def _scale(count: int) -> float:
    return max(1.0 - _GAP * (count - 1), 0.3)


def _stacked(moves: pd.DataFrame, side: str, total: float) -> dict[str, tuple[float, float, float]]:
    """Return low end, high end and people of each name on one side, from the top down."""
    sums = moves.groupby(side, sort=False)["people"].sum()
    names = max(moves["start"].nunique(), moves["end"].nunique())
    scale = _scale(names)
    gap = (1.0 - scale) / max(len(sums) - 1, 1)
    found, at = {}, 0.0
    for name, people in sums.items():
        thick = float(people) / total * scale
        found[str(name)] = (at, at + thick, float(people))
        at += thick + gap
    return found
