"""Charts over time and charts of differences, as Vega-Lite specifications without data.

Each function returns a plain dictionary. The page puts the rows in under the name `rows`, in tidy form: the columns
are named in each docstring. Numbers come in the unit that the reader sees (shares times 100).
"""

from __future__ import annotations

from collections.abc import Sequence

from fieldshift.results.charts_style import DASHES, SCHEMA, Spec, bounds, dates, numbers, tips

__all__ = ["bullets", "chart", "dots", "fan", "lines", "named", "stack", "whiskered"]

_BANDS = (("q05", "q95", 0.16), ("q10", "q90", 0.20), ("q25", "q75", 0.28))
_QUANTILES = (("q95", "95 %"), ("q90", "90 %"), ("q50", "Median"), ("q10", "10 %"), ("q05", "5 %"))


def chart(height: int, **parts: object) -> Spec:
    """Return a chart as wide as its place on the page, over the rows that the page gives it."""
    fit = {"type": "fit-x", "contains": "padding"}
    return {
        "$schema": SCHEMA,
        "data": {"name": "rows"},
        "width": "container",
        "height": height,
        "autosize": fit,
        **parts,
    }


def _colour(names: Sequence[str], field: str, colours: str = "category") -> Spec:
    return {"field": field, "type": "nominal", "legend": None, "scale": {"domain": list(names), "range": colours}}


def _dash(names: Sequence[str]) -> Spec:
    dashes = [list(DASHES[i % len(DASHES)]) for i in range(len(names))]
    return {"field": "policy", "type": "nominal", "legend": None, "scale": {"domain": list(names), "range": dashes}}


def named(field: str, names: Sequence[str], limit: int) -> Spec:
    """Return the encoding of names from the top down; planners' words stand in the domain, never in an expression."""
    axis = {"title": None, "domain": False, "ticks": False, "labelLimit": limit}
    return {"field": field, "type": "nominal", "sort": None, "scale": {"domain": list(names)}, "axis": axis}


def stack(groups: Sequence[str], months: int) -> Spec:
    """Return a stacked area of people: columns date, group, rank, mean.

    Args:
        groups: Groups from the bottom up.
        months: Months that it spans.
    """
    encoding = {
        "x": dates(months),
        "y": {**numbers("mean"), "stack": "zero"},
        "order": {"field": "rank", "type": "quantitative"},
        "color": _colour(groups, "group", "ordinal"),
        "tooltip": tips({"date": "Date", "group": "Group", "mean": "People (mean)"}),
    }
    mark = {"type": "area", "style": "paper", "strokeWidth": 1, "interpolate": "linear"}
    return chart(340, params=bounds(), mark=mark, encoding=encoding)


def lines(policies: Sequence[str], months: int, height: int = 210) -> Spec:
    """Return a line of the median for each policy, the 80 % band of one: columns date, policy, q10, q50, q90.

    The page sets the parameter `banded` to the policy whose band is drawn.
    """
    x, colour = dates(months), _colour(policies, "policy")
    wide = {
        "transform": [{"filter": "datum.policy === banded"}],
        "mark": {"type": "area", "opacity": 0.18},
        "encoding": {"x": x, "y": numbers("q10"), "y2": {"field": "q90"}, "color": colour},
    }
    middle = {
        "mark": {"type": "line", "strokeWidth": 1.8, "strokeCap": "butt"},
        "encoding": {
            "x": x,
            "y": numbers("q50"),
            "color": colour,
            "strokeDash": _dash(policies),
        },
    }
    points = {
        "mark": {"type": "point", "opacity": 0, "size": 60},
        "encoding": {
            "x": x,
            "y": numbers("q50"),
            "tooltip": tips({"date": "Date", "policy": "Policy", "q90": "90 %", "q50": "Median", "q10": "10 %"}),
        },
    }
    return chart(height, params=[*bounds(), {"name": "banded", "value": policies[0]}], layer=[wide, middle, points])


def fan(months: int, luck: bool = False) -> Spec:
    """Return the median with bands of 50, 80 and 90 %: columns date, q05, q10, q25, q50, q75, q90, q95.

    Args:
        months: Months that it spans.
        luck: Whether the 80 % band that luck alone would leave is drawn too: columns luck_low, luck_high.
    """
    x = dates(months)
    layers: list[Spec] = [
        {
            "mark": {"type": "area", "style": "band", "opacity": opacity},
            "encoding": {"x": x, "y": numbers(low), "y2": {"field": high}},
        }
        for low, high, opacity in _BANDS
    ]
    layers += [
        {"mark": {"type": "line", "style": "middle", "strokeWidth": 2}, "encoding": {"x": x, "y": numbers("q50")}},
        {
            "mark": {"type": "point", "opacity": 0, "size": 60},
            "encoding": {"x": x, "y": numbers("q50"), "tooltip": tips({"date": "Date", **dict(_QUANTILES)})},
        },
    ]
    if luck:
        layers += [
            {
                "mark": {"type": "line", "style": "ink", "strokeWidth": 1.2, "strokeDash": [2, 3]},
                "encoding": {"x": x, "y": numbers(field)},
            }
            for field in ("luck_low", "luck_high")
        ]
    return chart(320, params=bounds(), layer=layers)


def dots(names: Sequence[str], field: str = "policy", zero: bool = True) -> Spec:
    """Return a dot at the median and a whisker over 80 % for each name: columns `field`, q10, q50, q90.

    Args:
        names: What stands on the left, from the top down.
        field: The column that holds it.
        zero: Whether a line at zero is drawn: no difference.
    """
    y = named(field, names, 185)
    told = tips({field: field.capitalize(), "q10": "10 %", "q50": "Median", "q90": "90 %"})
    layers: list[Spec] = []
    if zero:
        layers.append(
            {
                "data": {"values": [{"zero": 0}]},
                "mark": {"type": "rule", "style": "zero", "strokeWidth": 1},
                "encoding": {"x": numbers("zero", "x")},
            }
        )
    layers += [
        {
            "mark": {"type": "rule", "style": "middle", "strokeWidth": 2},
            "encoding": {"x": numbers("q10", "x"), "x2": {"field": "q90"}, "y": y},
        },
        {
            "mark": {"type": "point", "style": "middle", "filled": True, "size": 75, "opacity": 1},
            "encoding": {"x": numbers("q50", "x"), "y": y, "tooltip": told},
        },
    ]
    return chart(26 * len(names) + 8, params=bounds(), layer=layers)


def whiskered(middle: str, ends: tuple[str, str], y: Spec, told: Sequence[Spec]) -> tuple[Spec, Spec]:
    """Return the layers of a bar along x and of the interval around its end, by names of columns."""
    bar = {
        "mark": {"type": "bar", "style": "band", "opacity": 0.45, "height": 12},
        "encoding": {"x": numbers(middle, "x"), "y": y, "tooltip": told},
    }
    whisker = {
        "mark": {"type": "rule", "style": "ink", "strokeWidth": 1.5},
        "encoding": {"x": numbers(ends[0], "x"), "x2": {"field": ends[1]}, "y": y},
    }
    return bar, whisker


def bullets(labels: Sequence[str]) -> Spec:
    """Return what was spent against what was granted, in per cent: columns label, q10, q50, q90, granted.

    Args:
        labels: Lines of money and fiscal years, from the top down.
    """
    y = named("label", labels, 205)
    told = tips({"label": "Line", "q10": "Spent, 10 %", "q50": "Spent, median", "q90": "Spent, 90 %"})
    bar, whisker = whiskered("q50", ("q10", "q90"), y, told)
    grant = {
        "data": {"values": [{"all": 100}]},
        "mark": {"type": "rule", "style": "zero", "strokeDash": [3, 2]},
        "encoding": {"x": numbers("all", "x")},
    }
    return chart(24 * len(labels) + 8, params=bounds(), layer=[bar, whisker, grant])
