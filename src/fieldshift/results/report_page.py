"""What a page is made of: sections of prose, figures, tables and facts; plain data, no HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from fieldshift.results.charts_style import Spec

__all__ = [
    "Block",
    "Cell",
    "Column",
    "Control",
    "Facts",
    "Figure",
    "Key",
    "Prose",
    "Section",
    "Table",
    "View",
    "column",
    "span",
]

_LISTED = 14

Kind = Literal["text", "number", "signed", "percent", "date"]


@dataclass(frozen=True)
class Prose:
    """Paragraphs, as plain text.

    Attributes:
        paragraphs: The paragraphs.
        style: `lead` for the sentences on top, `list` for a list of points, `note` for small print.
    """

    paragraphs: tuple[str, ...]
    style: Literal["lead", "text", "list", "note"] = "text"


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Attributes:
        text: What it says.
        sort: What it is sorted by; its text if None.
        small: A second line in small print: a band, a note.
        mark: A word that the style sheet knows (a degree of trust).
    """

    text: str
    sort: float | str | None = None
    small: str = ""
    mark: str = ""


@dataclass(frozen=True)
class Table:
    """A table with ready cells.

    Attributes:
        id: Its id in the page.
        title: Its caption.
        heads: Heads of the columns; those in `right` hold numbers.
        rows: Its rows; the first cell of each names the row. A row of one cell is a heading within the table.
        right: Indices of columns of numbers.
        sortable: Whether the heads are buttons that sort it.
        filters: Words by which rows can be filtered, each with a label; a row's word is the mark of its last cell.
        search: Whether rows can be searched.
        tall: Whether it scrolls in a window of its own.
    """

    id: str
    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    right: frozenset[int] = frozenset()
    sortable: bool = False
    filters: Mapping[str, str] = field(default_factory=dict)
    search: bool = False
    tall: bool = False


@dataclass(frozen=True)
class Facts:
    """Pairs of a name and what it is; a command is set in type of its own."""

    pairs: tuple[tuple[str, str], ...]
    command: str = ""


@dataclass(frozen=True)
class Key:
    """What the marks of a chart stand for: names in the order of their colours."""

    names: tuple[str, ...]
    kind: Literal["line", "area", "dot"] = "line"


@dataclass(frozen=True)
class Control:
    """Something that a reader chooses; it works by keyboard.

    Attributes:
        field: The column of the data that it filters, or a parameter of the chart (see `Figure.sets`).
        label: What it asks.
        options: Values, each with a label.
        kind: A list to choose from, or a slider over the options.
        start: Index of the option that is chosen at first.
    """

    field: str
    label: str
    options: tuple[tuple[str, str], ...]
    kind: Literal["select", "range"] = "select"
    start: int = 0


@dataclass(frozen=True)
class View:
    """What belongs to one choice of a figure's controls.

    Attributes:
        says: What to see, in words made from the data.
        unit: What the numbers are, under the title.
        params: Parameters of the chart: the ends of its axis.
    """

    says: str
    unit: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Column:
    """A column of a figure's data table."""

    field: str
    title: str
    kind: Kind = "number"


@dataclass(frozen=True)
class Figure:
    """A chart with its sentence and its data table; or, without a chart, a table of data to choose from.

    Attributes:
        id: Its id in the page.
        title: Its title.
        spec: The chart, without data; None for a table alone.
        data: Name of its data in the page, shared by all figures with that name, and the data itself.
        columns: Columns of its table.
        views: What belongs to each choice: keys are the controls' values joined by `|`, or the first of them.
        controls: What a reader chooses.
        where: Rows that it is about: column and value.
        shared: Controls that stand in the section, not in the figure: a block of their own.
        sets: Controls that set a parameter of the chart instead of choosing rows.
        key: What its marks stand for.
        outline: Whether the page gives it the outline of the states.
        half: Whether it may stand beside another one.
        note: Small print under it.
    """

    id: str
    title: str
    spec: Spec | None
    data: tuple[str, pd.DataFrame]
    columns: tuple[Column, ...]
    views: Mapping[str, View]
    controls: tuple[Control, ...] = ()
    where: Mapping[str, str] = field(default_factory=dict)
    shared: frozenset[str] = frozenset()
    sets: frozenset[str] = frozenset()
    key: Key | None = None
    outline: bool = False
    half: bool = False
    note: str = ""

    @property
    def own(self) -> tuple[Control, ...]:
        """Controls that stand in the figure."""
        return tuple(c for c in self.controls if c.field not in self.shared)

    @property
    def view(self) -> View:
        """What is shown at first: the view of all chosen values, or of the first ones of them."""
        chosen = [c.options[c.start][0] for c in self.controls]
        keys = ("|".join(chosen[:length]) for length in range(len(chosen), -1, -1))
        return next(self.views[key] for key in keys if key in self.views)

    def rows(self) -> pd.DataFrame:
        """Return the rows that are shown at first."""
        frame = self.data[1]
        chosen = {c.field: c.options[c.start][0] for c in self.controls if c.field not in self.sets}
        for name, value in {**self.where, **chosen}.items():
            frame = frame[frame[name].astype(str) == value]
        return frame

    @property
    def dates(self) -> list[pd.Timestamp]:
        """Dates that the data table lists: evenly spaced ones, where the chart has more than a reader wants to read."""
        frame = self.data[1]
        if self.spec is None or "date" not in frame or any(c.field == "date" for c in self.controls):
            return []
        days = sorted(set(frame["date"]))
        if len(days) <= _LISTED or "until" in frame:
            return []
        return [days[round(i * (len(days) - 1) / (_LISTED - 1))] for i in range(_LISTED)]

    def listed(self) -> pd.DataFrame:
        """Return the rows of the data table at first."""
        rows, dates = self.rows(), self.dates
        return rows[rows["date"].isin(dates)] if dates else rows


Block = Prose | Figure | Table | Facts | Key | Control


@dataclass(frozen=True)
class Section:
    """A numbered part of the page.

    Attributes:
        id: Its id in the page, for links.
        title: Its title.
        blocks: What it holds, in order.
        short: Its title in the contents; the title if empty.
    """

    id: str
    title: str
    blocks: tuple[Block, ...]
    short: str = ""


def column(columns: Sequence[tuple[str, str] | tuple[str, str, Kind]]) -> tuple[Column, ...]:
    """Return columns from pairs of field and title, or triples with a kind."""
    return tuple(Column(*given) for given in columns)


def span(values: pd.DataFrame, low: str, high: str, zero: bool = True) -> dict[str, float]:
    """Return the ends of an axis that holds some data; zero is on it unless all lies far from it."""
    low_end, high_end = float(values[low].min()), float(values[high].max())
    if not (low_end <= high_end):
        return {"lo": 0.0, "hi": 1.0}
    if (zero or low_end < 0.6 * high_end) and low_end > 0:
        low_end = 0.0
    if high_end < 0:
        high_end = 0.0
    if high_end == low_end:
        high_end = low_end + 1.0
    return {"lo": low_end, "hi": high_end}
