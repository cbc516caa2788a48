"""Charts of places and limits: a map, and strips and grids of shares, as Vega-Lite specifications without data."""

from __future__ import annotations

from collections.abc import Sequence

from fieldshift.results.charts import chart, named
from fieldshift.results.charts_style import Spec, bounds, dates, tips

__all__ = ["TERRITORIES", "grid", "in_us", "office_map", "strip"]

_STATES = ((24.3, 49.6, -125.1, -66.6), (51.0, 71.6, -180.0, -129.0), (18.5, 22.6, -161.0, -154.0))
TERRITORIES = ((17.5, 18.7, -68.0, -64.3), (13.0, 20.7, 144.0, 146.2), (-15.0, -11.0, -171.3, -168.0))
"""Boxes (south, north, west, east) of United States territories, which the page's projection cannot show."""


def in_us(lat: float, lon: float, boxes: Sequence[tuple[float, float, float, float]] = _STATES) -> bool:
    """Return whether a point lies in the box of the fifty states, of Alaska or of Hawaii (or in other boxes)."""
    return any(south <= lat <= north and west <= lon <= east for south, north, west, east in boxes)


def _dot(title: str) -> Spec:
    return {
        "mark": {"type": "circle", "style": "edge", "strokeWidth": 0.8, "opacity": 0.95},
        "encoding": {
            "size": {
                "field": "people",
                "type": "quantitative",
                "legend": None,
                "scale": {"type": "sqrt", "rangeMin": 30, "rangeMax": {"expr": "max(160, width)"}, "zero": True},
            },
            "color": {
                "field": "value",
                "type": "quantitative",
                "scale": {
                    "range": "heatmap",
                    "interpolate": "rgb",
                    "domainMin": {"expr": "lo"},
                    "domainMax": {"expr": "hi"},
                },
                "legend": {
                    "title": None,
                    "orient": "bottom",
                    "gradientLength": {"expr": "min(width, 260)"},
                    "gradientThickness": 9,
                    "tickCount": 4,
                },
            },
            "tooltip": tips({"office": title, "value": "Value", "people": "People"}),
        },
    }


def office_map(outline: bool, title: str = "Office") -> Spec:
    """Return a map of sites: columns office, lat, lon, value, people.

    Args:
        outline: Whether the sites lie in the United States and its outline is drawn; else a plain plot of
            longitude and latitude. The page puts the outline in under the name `states`.
        title: What a site is called.
    """
    dot = _dot(title)
    if not outline:
        plain = {"type": "quantitative", "scale": {"zero": False, "nice": True}}
        dot["encoding"] |= {
            "x": {**plain, "field": "lon", "axis": {"title": "Longitude", "tickCount": 5}},
            "y": {**plain, "field": "lat", "axis": {"title": "Latitude", "tickCount": 5}},
        }
        return chart(400, params=bounds(), **dot)
    dot["encoding"] |= {
        "longitude": {"field": "lon", "type": "quantitative"},
        "latitude": {"field": "lat", "type": "quantitative"},
    }
    land = {
        "data": {"name": "states", "format": {"type": "topojson", "feature": "states"}},
        "mark": {"type": "geoshape", "style": "land", "strokeWidth": 0.7},
    }
    return chart(430, projection={"type": "albersUsa"}, params=bounds(), layer=[land, dot])


def _shade(title: str) -> Spec:
    scale = {"domain": [0, 1], "range": "heatmap", "interpolate": "rgb"}
    legend = {
        "title": title,
        "orient": "top",
        "format": ".0%",
        "gradientThickness": 9,
        "gradientLength": 160,
        "values": [0, 0.5, 1],
    }
    return {"field": "share", "type": "quantitative", "scale": scale, "legend": legend}


def strip(names: Sequence[str], months: int, field: str = "limit") -> Spec:
    """Return a strip by time for each limit: columns `field`, date, until, share.

    The page sets `lo` and `hi` to the first and last date, in milliseconds since 1970.

    Args:
        names: Limits from the top down.
        months: Months that it spans.
        field: The column of the limits.
    """
    x, y = dates(months, domain=False), named(field, names, 185)
    x["scale"] |= {"domainMin": {"expr": "lo"}, "domainMax": {"expr": "hi"}}
    y["scale"]["padding"] = 0.12
    encoding = {
        "x": x,
        "x2": {"field": "until"},
        "y": y,
        "color": _shade("Share of futures"),
        "tooltip": tips({field: field.capitalize(), "date": "From", "share": "Share of futures"}),
    }
    return chart(24 * len(names) + 8, params=bounds(), mark={"type": "rect"}, encoding=encoding)


def grid(rows: Sequence[str], columns: Sequence[str]) -> Spec:
    """Return a grid of shares: columns site, limit, share.

    Args:
        rows: Sites from the top down.
        columns: Limits from left to right.
    """
    x = named("limit", columns, 145)
    x["axis"] |= {"orient": "top", "labelAngle": 0 if len(columns) < 3 else -35}
    encoding = {
        "y": named("site", rows, 185),
        "x": x,
        "color": _shade("Share"),
        "tooltip": tips({"site": "Site", "limit": "Limit", "share": "Share of periods and futures"}),
    }
    found = chart(18 * len(rows) + 8, mark={"type": "rect", "style": "paper", "strokeWidth": 1}, encoding=encoding)
    return found if len(columns) > 2 else {**found, "width": 150 * len(columns), "autosize": "pad"}
