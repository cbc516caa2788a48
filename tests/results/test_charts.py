"""The charts as data: what they draw, from which columns, and nothing that reaches out."""

import json
from itertools import pairwise

import pytest

from fieldshift.results import charts, charts_places, charts_style

NAMES = ("Stay", "Move", "Hire")
ALL = {
    "stack": charts.stack(("At desks", "In the field"), 36),
    "lines": charts.lines(NAMES, 36),
    "fan": charts.fan(8),
    "dots": charts.dots(NAMES),
    "bullets": charts.bullets(("2025 Pay", "2026 Pay")),
    "map": charts_places.office_map(outline=True),
    "plot": charts_places.office_map(outline=False),
    "strip": charts_places.strip(NAMES, 36),
    "grid": charts_places.grid(("North", "South"), NAMES),
}


def fields(spec):
    """Every column that a chart reads."""
    if isinstance(spec, dict):
        own = {spec["field"]} if isinstance(spec.get("field"), str) else set()
        return own.union(*(fields(each) for each in spec.values()))
    return set().union(*(fields(each) for each in spec)) if isinstance(spec, list) else set()


@pytest.mark.parametrize("spec", ALL.values(), ids=ALL)
def test_a_chart_is_plain_data_without_data(spec):
    assert json.loads(json.dumps(spec, allow_nan=False)) == spec
    assert spec["data"] == {"name": "rows"}
    assert "url" not in json.dumps(spec)
    assert "href" not in json.dumps(spec)
    assert "datasets" not in spec


@pytest.mark.parametrize("spec", ALL.values(), ids=ALL)
def test_a_chart_is_as_wide_as_its_place(spec):
    assert spec["width"] == "container"
    assert spec["autosize"]["type"] == "fit-x"


@pytest.mark.parametrize("spec", ALL.values(), ids=ALL)
def test_words_of_planners_never_stand_in_an_expression(spec):
    """A list as `sort` and a value as `filter` would be compiled into one."""

    def walk(part):
        if isinstance(part, dict):
            assert not isinstance(part.get("sort"), list)
            for key, value in part.items():
                if key in {"expr", "filter", "labelExpr", "calculate"}:
                    assert not any(name in str(value) for name in NAMES)
                walk(value)
        for each in part if isinstance(part, list) else ():
            walk(each)

    walk(spec)


def test_columns_are_those_of_the_docstrings():
    quantiles = {"q05", "q10", "q25", "q50", "q75", "q90", "q95"}
    assert fields(ALL["stack"]) == {"date", "group", "rank", "mean"}
    assert fields(ALL["lines"]) == {"date", "policy", "q10", "q50", "q90"}
    assert fields(ALL["fan"]) == {"date", *quantiles}
    assert fields(ALL["dots"]) == {"policy", "q10", "q50", "q90", "zero"}
    assert fields(ALL["bullets"]) == {"label", "q10", "q50", "q90", "all"}
    assert fields(ALL["map"]) >= {"lat", "lon", "value", "people", "office"}
    assert fields(ALL["strip"]) == {"limit", "date", "until", "share"}
    assert fields(ALL["grid"]) == {"site", "limit", "share"}


def test_a_fan_has_three_bands_and_a_median():
    areas = [layer["encoding"] for layer in ALL["fan"]["layer"] if layer["mark"]["type"] == "area"]
    assert [(a["y"]["field"], a["y2"]["field"]) for a in areas] == [("q05", "q95"), ("q10", "q90"), ("q25", "q75")]
    lines = [layer["encoding"] for layer in ALL["fan"]["layer"] if layer["mark"]["type"] == "line"]
    assert [line["y"]["field"] for line in lines] == ["q50"]


def test_lines_are_told_apart_by_colour_and_by_dash():
    line = next(layer for layer in ALL["lines"]["layer"] if layer["mark"]["type"] == "line")
    assert line["encoding"]["color"]["scale"]["domain"] == list(NAMES)
    dashes = line["encoding"]["strokeDash"]["scale"]["range"]
    assert len({tuple(dash) for dash in dashes}) == len(NAMES)


def test_many_policies_are_still_told_apart():
    marks = {(charts_style.colours()[i % len(charts_style.colours())], charts_style.legend_dash(i)) for i in range(56)}
    assert len(marks) == 56


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("dark", "paper"), [(False, "#ffffff"), (True, "#14171a")])
def test_lines_stand_out_from_the_paper(dark, paper):
    assert min(contrast(colour, paper) for colour in charts_style.colours(dark)) >= 3


@pytest.mark.parametrize("dark", [False, True])
def test_neighbouring_areas_differ_in_grey(dark):
    tones = charts_style.areas(dark)
    assert min(contrast(a, b) for a, b in pairwise(tones)) >= 1.6


@pytest.mark.parametrize("dark", [False, True])
def test_the_scale_of_shares_goes_one_way_in_grey(dark):
    tones = [luminance(colour) for colour in charts_style.HEAT["dark" if dark else "light"]]
    assert tones == sorted(tones, reverse=not dark)


def test_light_and_dark_have_the_same_settings():
    light, dark = charts_style.theme(), charts_style.theme(dark=True)
    assert light.keys() == dark.keys()
    assert light != dark
    assert light["aria"] is False, "the page's own label speaks for the chart"


def test_only_the_map_of_the_states_asks_for_their_outline():
    assert [name for name, spec in ALL.items() if "topojson" in json.dumps(spec)] == ["map"]


@pytest.mark.parametrize(
    ("place", "inside"),
    [
        ((40.7, -74.0), True),
        ((61.2, -149.9), True),
        ((21.3, -157.9), True),
        ((51.5, -0.1), False),
        ((18.4, -66.1), False),
    ],
)
def test_the_outline_is_for_the_fifty_states(place, inside):
    assert charts_places.in_us(*place) is inside


def test_territories_have_boxes_of_their_own():
    assert charts_places.in_us(18.4, -66.1, charts_places.TERRITORIES)
    assert not charts_places.in_us(51.5, -0.1, charts_places.TERRITORIES)
