"""What all charts share: colours that work for the colour-blind and in grey, dashes, axes, light and dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = [
    "DASHES",
    "HEAT",
    "SCHEMA",
    "Spec",
    "areas",
    "bounds",
    "colours",
    "dates",
    "legend_dash",
    "numbers",
    "theme",
    "tips",
]

Spec = dict[str, Any]
"""A Vega-Lite specification, or a part of one."""

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
"""The name of the language; nothing is ever fetched from there."""

_LIGHT = ("#1d1d1b", "#0072b2", "#c44e00", "#00805c", "#b0508e", "#8a6d00", "#2b93cc")
_DARK = ("#f2f0ea", "#5cb3ec", "#f0894a", "#3dc39b", "#e39bc9", "#d8b73c", "#9bd3f5")
_AREAS = ("#205d86", "#e69f00", "#00543d", "#9fc8e6", "#8a3b6e", "#d9d5cb", "#5f5d58", "#f0d9a8")
_AREAS_DARK = ("#3a7fb0", "#f4c25c", "#1f7d60", "#b5dcf5", "#a8578b", "#e3e0d8", "#6b6f73", "#e8cf9a")
DASHES = ((1, 0), (7, 3), (2, 2), (9, 3, 2, 3), (4, 4), (12, 3), (1, 4), (9, 2, 2, 2, 2, 2))
"""Dash patterns, so that lines are told apart without colour; there are more of them than colours."""

HEAT = {
    "light": ("#efede6", "#bccfdf", "#6c9fc9", "#2766a0", "#08264f"),
    "dark": ("#262b31", "#2f4d68", "#3f7aa8", "#72aedb", "#d3ebff"),
}
"""The scale from none to all, from paper to ink."""

_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_LARGE_NUMBER = (
    "abs(datum.value) >= 1e9 ? format(datum.value / 1e9, ',') + ' bn' : "
    "abs(datum.value) >= 1e6 ? format(datum.value / 1e6, ',') + ' m' : format(datum.value, ',')"
)


def colours(dark: bool = False) -> tuple[str, ...]:
    """Return the colours of policies and groups in order; the first is ink."""
    return _DARK if dark else _LIGHT


def areas(dark: bool = False) -> tuple[str, ...]:
    """Return the colours of areas that lie on each other: dark and light in turn, so that grey keeps them apart."""
    return _AREAS_DARK if dark else _AREAS


def legend_dash(i: int) -> str:
    """Return the dash pattern of the i-th policy as SVG writes it."""
    return " ".join(str(step) for step in DASHES[i % len(DASHES)])


def theme(dark: bool = False) -> Spec:
    """Return the configuration of all charts."""
    ink, soft, line = ("#e8e6e0", "#b4b1a9", "#3a4047") if dark else ("#1d1d1b", "#595751", "#dddad2")
    paper = "#14171a" if dark else "#ffffff"
    return {
        "background": None,
        "font": _FONT,
        "aria": False,
        "padding": {"left": 0, "right": 8, "top": 6, "bottom": 5},
        "view": {"stroke": None},
        "axis": {
            "labelColor": soft,
            "labelFontSize": 12,
            "titleColor": soft,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "gridColor": line,
            "domainColor": soft,
            "tickColor": soft,
            "labelLimit": 190,
            "labelPadding": 5,
        },
        "legend": {
            "labelColor": soft,
            "titleColor": soft,
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
        },
        "range": {
            "category": list(colours(dark)),
            "ordinal": list(areas(dark)),
            "heatmap": list(HEAT["dark" if dark else "light"]),
        },
        "rule": {"color": ink},
        "text": {"color": ink, "fontSize": 12},
        "style": {
            "ink": {"color": ink},
            "zero": {"color": ink},
            "land": {"color": line, "stroke": paper},
            "edge": {"stroke": ink},
            "paper": {"stroke": paper},
            "band": {"color": colours(dark)[1]},
            "middle": {"color": colours(dark)[1]},
        },
    }


def dates(months: int, **more: Any) -> Spec:
    """Return the encoding of dates along the bottom.

    Args:
        months: How many months the chart spans; short spans name the year with each month.
        more: Further settings of the axis.
    """
    short = "'%b %Y'" if months < 14 else "utcmonth(datum.value) == 0 ? '%Y' : '%b'"
    axis = {
        "title": None,
        "grid": False,
        "tickCount": {"expr": "max(2, floor(width / 75))"},
        "labelFlush": True,
        "labelExpr": f"utcFormat(datum.value, {short})",
    }
    return {"field": "date", "type": "temporal", "scale": {"type": "utc"}, "axis": axis | more}


def numbers(field: str, channel: str = "y", **more: Any) -> Spec:
    """Return the encoding of a number on an axis whose ends are the parameters `lo` and `hi`."""
    axis: Spec = {"title": None, "labelExpr": _LARGE_NUMBER}
    axis |= {"domain": False, "ticks": False, "tickCount": 5} if channel == "y" else {"tickCount": 5}
    scale = {"domainMin": {"expr": "lo"}, "domainMax": {"expr": "hi"}, "nice": True, "zero": False}
    return {"field": field, "type": "quantitative", "axis": axis, "scale": scale, **more}


def bounds() -> list[Spec]:
    """Return the parameters `lo` and `hi`, set by the page for what is chosen."""
    return [{"name": "lo", "value": 0}, {"name": "hi", "value": 1}]


def tips(fields: Mapping[str, str] | Sequence[tuple[str, str]]) -> list[Spec]:
    """Return what the pointer shows: a field and its title each; fields that start with `q` or `mean` are numbers."""
    found: list[Spec] = []
    for field, title in dict(fields).items():
        if field == "date":
            found.append({"field": field, "title": title, "timeUnit": "utcyearmonthdate", "format": "%-d %b %Y"})
        elif field.startswith(("q", "mean", "value", "people", "granted")):
            found.append({"field": field, "title": title, "type": "quantitative", "format": ",.4~r"})
        elif field == "share":
            found.append({"field": field, "title": title, "type": "quantitative", "format": ".0%"})
        else:
            found.append({"field": field, "title": title, "type": "nominal"})
    return found
