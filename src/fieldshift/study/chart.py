"""Forecasts with bands beside outcomes, as a Vega-Lite chart in plain data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from fieldshift.results.charts_style import SCHEMA

__all__ = ["chart_of"]

_BANDS = (("q025", "q975"), ("q10", "q90"), ("q25", "q75"))


def chart_of(table: pd.DataFrame) -> dict[str, Any]:
    """Return a chart with a panel for each series and site.

    Args:
        table: The forecasts of a backtest: see `Backtest.forecasts`.
    """
    panel = table["series"] + table["site"].map(lambda site: f", {site}" if site else "")
    shown = table.assign(panel=panel, date=table["last"].astype(str), origin=table["origin"].astype(str))
    rows = shown.replace({np.nan: None}).drop(columns=["first", "last"]).to_dict(orient="records")
    x = {"field": "date", "type": "temporal", "title": None}
    y = {"type": "quantitative", "scale": {"zero": False}, "title": None}
    each = {"x": x, "detail": {"field": "origin"}}
    layers: list[dict[str, Any]] = [
        {
            "mark": {"type": "area", "opacity": 0.25},
            "encoding": each | {"y": y | {"field": low}, "y2": {"field": high}},
        }
        for low, high in _BANDS
    ]
    layers.append({"mark": {"type": "line"}, "encoding": each | {"y": y | {"field": "q50"}}})
    dots = {"type": "point", "filled": True, "color": "black"}
    layers.append({"mark": dots, "encoding": {"x": x, "y": y | {"field": "observed"}}})
    return {
        "$schema": SCHEMA,
        "data": {"values": rows},
        "facet": {"field": "panel", "type": "nominal", "title": None},
        "columns": 2,
        "resolve": {"scale": {"y": "independent"}},
        "spec": {"width": 360, "height": 200, "layer": layers},
    }
