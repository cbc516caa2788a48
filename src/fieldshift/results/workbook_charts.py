"""Native charts of a run's workbook: medians of all policies, and each policy's band, fed by cells of a sheet."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fieldshift.results.charts_style import colours
from fieldshift.results.report_data import headline_titles, months
from fieldshift.results.report_words import unit
from fieldshift.results.workbook_book import INK, LINE, SOFT, Book, Page
from fieldshift.results.workbook_tables import Told, cells

__all__ = ["chart_data_page", "charts_page"]

_CHARTS, _DATA = "Charts", "Chart data"
_TOP = 6
_ROW = 21
_WIDE, _SMALL, _PER_ROW = 1020, 255, 4
_HIGH, _LOW = 315, 210
_DASHES = ("solid", "dash", "round_dot", "dash_dot", "square_dot", "long_dash", "long_dash_dot")


@dataclass(frozen=True)
class _Strand:
    """One headline under one policy.

    Attributes:
        title: The policy's title.
        column: The first of its four columns in the sheet of data: 10 %, median, 90 %, width of the band.
        band: Ends and median at each date; None where there is no value, or where it is hidden.
    """

    title: str
    column: int
    band: tuple[tuple[float, float, float] | None, ...]

    @property
    def last(self) -> int:
        """Its last row."""
        return _TOP + len(self.band) - 1


@dataclass(frozen=True)
class _Panel:
    """One headline: its title for a reader, its unit in words and as it is, its policies."""

    title: str
    measured: str
    unit: str
    strands: tuple[_Strand, ...]

    @property
    def column(self) -> int:
        """The first of its columns in the sheet of data."""
        return self.strands[0].column

    @property
    def ends(self) -> tuple[float, float] | None:
        """The ends of its axis; None where nothing varies."""
        return _ends([value for strand in self.strands for band in strand.band if band for value in band])


def charts_page(book: Book, told: Told) -> None:
    """Write the sheet of charts: for each headline the medians of all policies, and the band of each."""
    panels = _panels(told)
    if not panels:
        return
    said = (
        "Lines are medians over futures; bands hold 8 in 10 of them. The small charts of a measure share one scale. "
        f"The numbers are in the sheet “{_DATA}”."
    )
    page = book.page(_CHARTS, "The headline measures over time", (said, *told.hiding))
    page.widths([9.3] * 15)
    breaks = []
    for i, panel in enumerate(panels):
        if i:
            breaks.append(page.row)
        _draw(page, panel, told)
    page.sheet.set_h_pagebreaks(breaks)


def chart_data_page(book: Book, told: Told) -> None:
    """Write the cells that the charts are drawn from."""
    panels = _panels(told)
    if not panels:
        return
    data = book.page(_DATA, "What the charts are drawn from. Width: 90 % less 10 %, worked out by the sheet")
    data.sheet.fit_to_pages(0, 1)
    for i, day in enumerate(told.result.axes.instants):
        data.value(_TOP + i, 0, day, "date")
    data.text(_TOP - 1, 0, "Date", bold=True, bottom=1)
    for panel in panels:
        data.text(_TOP - 4, panel.column, panel.title, bold=True)
        data.text(_TOP - 3, panel.column, panel.measured, font_color=SOFT)
        for strand in panel.strands:
            _cells(data, strand, panel.unit)
    data.sheet.set_column(0, 0, 13)
    data.sheet.set_column(1, panels[-1].strands[-1].column + 3, 11)
    data.sheet.freeze_panes(_TOP, 1)
    data.sheet.repeat_rows(0, _TOP - 1)
    data.sheet.repeat_columns(0)


def _cells(data: Page, strand: _Strand, unit: str) -> None:
    data.text(_TOP - 2, strand.column, strand.title, bold=True)
    for i, head in enumerate(("10 %", "Median", "90 %", "Width")):
        data.text(_TOP - 1, strand.column + i, head, align="right", bottom=1)
    for i, band in enumerate(strand.band):
        if band is not None:
            for j, value in enumerate(band):
                data.value(_TOP + i, strand.column + j, value, "number", unit)
            ends = (strand.column + 2, strand.column)
            data.difference((_TOP + i, strand.column + 3), ends, unit, band[2] - band[0])


def _panels(told: Told) -> list[_Panel]:
    """Return each headline with its numbers as the tables tell them."""
    result, frame = told.result, told.frames["national"]
    chosen = headline_titles(result)
    mine = frame[frame["measure"].isin({entry.key[0] for entry, _ in chosen})]
    groups = dict(list(mine.groupby(["policy", "measure", "of"], sort=False)))
    found, column = [], 1
    for entry, title in chosen:
        strands = []
        for policy, name in told.titles.items():
            rows = groups.get((policy, *entry.key))
            if rows is not None:
                strands.append(_Strand(name, column, tuple(_bands(rows))))
                column += 4
        if strands:
            measured = unit(entry.unit) + ("" if entry.instant else f", per {result.axes.step}")
            found.append(_Panel(title, measured, entry.unit, tuple(strands)))
    return found


def _bands(rows: pd.DataFrame) -> Iterator[tuple[float, float, float] | None]:
    for low, middle, high in zip(*(cells(rows[name]) for name in ("q10", "q50", "q90")), strict=True):
        known = isinstance(low, float) and isinstance(middle, float) and isinstance(high, float)
        yield (low, middle, high) if known else None


def _ends(values: Sequence[float]) -> tuple[float, float] | None:
    """Return round ends of an axis that holds some values, zero where it is near; None where they are all the same."""
    if not values or min(values) == max(values):
        return None
    low, high = min(values), max(values)
    if 0 < low < 0.4 * high:
        low = 0.0
    raw = (high - low) / 4
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * k for k in (1, 2, 2.5, 5, 10) if size * k >= raw * 0.999)
    return math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step


# ------------------------------------------------------------------------------------ the charts


def _draw(page: Page, panel: _Panel, told: Told) -> None:
    page.text(page.row, 0, f"{panel.title}, {panel.measured}", bold=True, font_size=13)
    top = page.row + 1
    last = panel.strands[0].last
    names = ", ".join(strand.title for strand in panel.strands)
    words = (
        f"Line chart of {panel.title}, in {panel.measured}, by date: the median under each policy ({names}). "
        f"The numbers are in the sheet {_DATA}."
    )
    _put(page, (top, 0), _medians(page.book, panel, told), words)
    top += _HIGH // _ROW + 1
    for i, strand in enumerate(panel.strands):
        chart = _band(page.book, panel, strand, told)
        words = (
            f"{panel.title} under {strand.title}, in {panel.measured}, by date: the median, and the band that holds 8 "
            f"in 10 futures, in rows {_TOP + 1} to {last + 1} of the sheet {_DATA}."
        )
        down, across = divmod(i, _PER_ROW)
        _put(page, (top + down * (_LOW // _ROW), across * _SMALL), chart, words)
    rows = math.ceil(len(panel.strands) / _PER_ROW)
    page.row = top + rows * (_LOW // _ROW) + 1


def _put(page: Page, place: tuple[int, int], chart: Any, words: str) -> None:
    row, offset = place
    options = {"x_offset": offset, "description": words, "object_position": 1}
    page.sheet.insert_chart(row, 0, chart, options)


def _medians(book: Book, panel: _Panel, told: Told) -> Any:
    chart = book.made.add_chart({"type": "line"})
    for i, strand in enumerate(panel.strands):
        chart.add_series(_series(strand, 1) | {"line": _line(i, 2.25)})
    chart.set_title(_title([_DATA, _TOP - 4, panel.column], 12))
    _axes(chart, panel, told, small=False)
    chart.set_legend({"position": "right", "font": {"size": 9, "color": INK}})
    _frame(chart, _WIDE, _HIGH)
    return chart


def _band(book: Book, panel: _Panel, strand: _Strand, told: Told) -> Any:
    """Return a chart of a band: an area that is not seen up to its lower end, the width on it, the median over both."""
    place = panel.strands.index(strand)
    colour = _colour(place)
    chart = book.made.add_chart({"type": "area", "subtype": "stacked"})
    chart.add_series(_series(strand, 0) | {"fill": {"none": True}, "border": {"none": True}})
    fill = {"color": colour, "transparency": 75}
    chart.add_series(_series(strand, 3) | {"fill": fill, "border": {"none": True}})
    line = book.made.add_chart({"type": "line"})
    line.add_series(_series(strand, 1) | {"line": {"color": colour, "width": 1.75}})
    chart.combine(line)
    chart.set_title(_title([_DATA, _TOP - 2, strand.column], 10))
    _axes(chart, panel, told, small=True)
    chart.set_legend({"none": True})
    _frame(chart, _SMALL, _LOW)
    return chart


def _series(strand: _Strand, offset: int) -> dict[str, Any]:
    """Return where the numbers of a series stand; its name is the policy's."""
    column = strand.column + offset
    return {
        "name": [_DATA, _TOP - 2, strand.column],
        "categories": [_DATA, _TOP, 0, strand.last, 0],
        "values": [_DATA, _TOP, column, strand.last, column],
    }


def _colour(place: int) -> str:
    return colours()[place % len(colours())]


def _line(place: int, width: float) -> dict[str, Any]:
    return {"color": _colour(place), "width": width, "dash_type": _DASHES[place % len(_DASHES)]}


def _title(cell: list[Any], size: int) -> dict[str, Any]:
    """Return a title that a cell gives: words that a planner wrote are never read as a formula."""
    return {"name": cell, "name_font": {"size": size, "bold": True, "color": INK}, "overlay": False}


def _axes(chart: Any, panel: _Panel, told: Told, small: bool) -> None:
    size = 8 if small else 9
    font = {"size": size, "color": SOFT}
    instants = told.result.axes.instants
    every = max(1, math.ceil(months(told.result) / (3 if small else 12)))
    chart.set_x_axis(
        {
            "date_axis": True,
            "num_format": "mmm yy" if instants[-1] - instants[0] > dt.timedelta(days=60) else "d mmm",
            "major_unit": every,
            "major_unit_type": "months",
            "num_font": font,
            "line": {"color": LINE},
            "label_position": "low",
            **({} if small else {"name": "Date", "name_font": font | {"bold": False}}),
        }
    )
    ends = {} if panel.ends is None else {"min": panel.ends[0], "max": panel.ends[1]}
    chart.set_y_axis(
        {
            "num_font": font,
            "num_format": "0%" if panel.measured.startswith("per cent") else "#,##0.##" if _fine(panel) else "#,##0",
            "major_gridlines": {"visible": True, "line": {"color": LINE, "width": 0.75}},
            "line": {"none": True},
            **ends,
            **({} if small else {"name": [_DATA, _TOP - 3, panel.column], "name_font": font | {"bold": False}}),
        }
    )


def _fine(panel: _Panel) -> bool:
    return panel.ends is not None and panel.ends[1] - panel.ends[0] < 8


def _frame(chart: Any, wide: int, high: int) -> None:
    chart.set_size({"width": wide, "height": high})
    chart.set_chartarea({"border": {"none": True}, "fill": {"color": "#FFFFFF"}})
    chart.show_blanks_as("gap")
