"""The only module of results that knows xlsxwriter: sheets with named tables, safe from formulas, byte-stable."""

from __future__ import annotations

import datetime as dt
import math
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import pandas as pd
import xlsxwriter
from xlsxwriter.utility import xl_rowcol_to_cell

from fieldshift.errors import RunError
from fieldshift.scenario.cells import Exact

__all__ = ["INK", "LINE", "PAPER", "SOFT", "Book", "Field", "Page", "number_format"]

INK, SOFT, LINE, PAPER = "#1D1D1B", "#595751", "#DDDAD2", "#EFEDE6"
"""Colours of text, of small print, of rules and of heads: those of the report on paper."""

_CREATED = dt.datetime(2000, 1, 1)
_LONGEST = 32_767
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_READABLE = 150.0
_LINE, _HIGHEST, _LETTERS = 15.75, 400.0, 1.1
_FIRST_DAY = dt.date(1900, 3, 1)
_MODES = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
_FORMATS = {
    "1": "0.0%",
    "1/year": "0.0%",
    "case/person": "#,##0.00",
    "date": "d mmm yyyy",
    "plain": "General",
    "whole": "#,##0",
    "ratio": "0.0%",
}
_LARGE, _SMALL = "#,##0", "#,##0.0"
_NUMERIC = ("number", "whole", "ratio")

Kind = Literal["text", "number", "whole", "ratio", "date", "wrapped"]


def number_format(unit: str, value: float) -> str:
    """Return how Excel shows a number in a unit: a share as per cent; others with decimals where they are small."""
    # By the number, not by conditions in the format: programs differ on the sign of what meets none.
    return _FORMATS.get(unit) or (_LARGE if abs(value) >= 100 else _SMALL)


def _format(kind: Kind, unit: str, value: float) -> str:
    return number_format(unit, value) if kind == "number" else _FORMATS.get(kind, _FORMATS["plain"])


def _high(words: str, wide: float, letters: float = _LETTERS) -> int:
    """Return how many lines some words take in a cell of a width in digits; most letters are narrower."""
    return sum(max(1, math.ceil(len(line) / (letters * wide))) for line in words.split("\n"))


def _writable(words: str) -> str:
    """Return words as a cell can hold them: no halves of characters, no more than Excel takes, and no markup.

    The library writes a text of the form `<r>...</r>` into the file as it is; a space in front keeps it text.
    """
    whole = words if words.isascii() else words.encode("utf-8", "replace").decode("utf-8")
    whole = f" {whole}" if whole.startswith("<r>") else whole
    return whole if len(whole) <= _LONGEST else whole[: _LONGEST - 1] + "…"


@dataclass(frozen=True)
class Field:
    """One column of a table.

    Attributes:
        head: Its head; heads of a table differ.
        kind: What its cells are: `number` by the unit of the row, `ratio` a share shown as per cent, `whole` a count.
        width: Its width in characters.
    """

    head: str
    kind: Kind = "text"
    width: float = 12.0


class Book:
    """A workbook that is written whole and renamed into place; the same content gives the same bytes."""

    def __init__(self, file: Path, title: str, about: str) -> None:
        """Begin a workbook.

        Args:
            file: The file.
            title: Its title, in its properties.
            about: What its properties say of it.
        """
        self._file = file
        self._properties = {"title": _writable(title[:255]), "comments": _writable(about[:255]), "created": _CREATED}

    def __enter__(self) -> Book:
        if self._file.is_dir():
            raise RunError(f"cannot write {self._file}: it is a folder")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._file.parent, prefix=f".{self._file.name}.", suffix=".xlsx")
        except OSError as error:
            raise RunError(f"cannot write to {self._file.parent}: {error.strerror or error}") from error
        os.close(handle)
        self._room = Path(name)
        self.made = xlsxwriter.Workbook(name, _MODES)
        self.made.set_properties(self._properties)
        self.made.set_size(2400, 1500)
        self._styles: dict[tuple[tuple[str, Any], ...], Any] = {}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.made.close()
                self._room.chmod(0o644)
                self._room.replace(self._file)
        except (OSError, xlsxwriter.exceptions.FileCreateError) as failed:
            raise RunError(f"cannot write {self._file}: {failed}") from failed
        finally:
            self._room.unlink(missing_ok=True)

    def style(self, **look: Any) -> Any:
        """Return a format, each made once."""
        key = tuple(sorted(look.items()))
        if key not in self._styles:
            self._styles[key] = self.made.add_format(
                {"font_name": "Arial", "font_size": 10, "font_color": INK, "valign": "top"} | look
            )
        return self._styles[key]

    def page(self, name: str, title: str, notes: Iterable[str] = (), colour: str = "") -> Page:
        """Add a sheet with a title and some lines of small print."""
        return Page(self, name, (title, tuple(notes)), colour)


class Page:
    """One sheet, filled from the top: `row` is the next free row."""

    def __init__(self, book: Book, name: str, head: tuple[str, tuple[str, ...]], colour: str = "") -> None:
        self.book, self.name = book, name
        self.sheet = book.made.add_worksheet(name)
        self.sheet.hide_gridlines(2)
        self.sheet.set_default_row(_LINE)
        self.sheet.set_landscape()
        self.sheet.set_paper(9)
        self.sheet.fit_to_pages(1, 0)
        self.sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
        self.sheet.set_footer("&L&8&F · &A&R&8&P / &N")
        if colour:
            self.sheet.set_tab_color(colour)
        self.row = 0
        title, self._notes = head
        self.text(0, 0, title, bold=True, font_size=15)
        self.sheet.set_row(0, 24)
        self.row = 1

    def text(self, row: int, column: int, words: object, **look: Any) -> None:
        """Write words; what looks like a formula is marked as text and stays it when somebody edits the cell."""
        said = _writable(str(words))
        if said.startswith(_FORMULA):
            look["quote_prefix"] = True
        self.sheet.write_string(row, column, said, self.book.style(**look))

    def number(self, row: int, column: int, value: float, **look: Any) -> None:
        """Write a number with all its digits; a blank cell where it has no value."""
        if math.isfinite(value):
            self.sheet.write_number(row, column, Exact(value), self.book.style(**look))
        else:
            self.sheet.write_blank(row, column, None, self.book.style(**look))

    def value(self, row: int, column: int, value: object, kind: Kind, unit: str = "", **look: Any) -> None:
        """Write a value of a kind; what is not of that kind, such as a hidden count, is written as text."""
        if value is None or value is pd.NaT or value == "":
            self.sheet.write_blank(row, column, None, self.book.style(**look))
        elif isinstance(value, bool):
            self.text(row, column, "yes" if value else "no", **look)
        elif isinstance(value, dt.date):
            day = value.date() if isinstance(value, dt.datetime) else value
            if day < _FIRST_DAY:
                self.text(row, column, day.isoformat(), **look)
            else:
                self.sheet.write_datetime(
                    row, column, day, self.book.style(**({"num_format": _FORMATS["date"], "align": "left"} | look))
                )
        elif isinstance(value, int | float) and kind not in ("text", "wrapped"):
            self.number(row, column, float(value), num_format=_format(kind, unit, float(value)), **look)
        elif kind in ("text", "wrapped"):
            self.text(row, column, value, **(look | ({"text_wrap": True} if kind == "wrapped" else {})))
        else:
            self.text(row, column, value, **({"align": "right" if kind in _NUMERIC else "left"} | look))

    def lines(self, said: Sequence[str], **look: Any) -> None:
        """Write paragraphs over the first columns, each in a row that is high enough for it."""
        across, wide = 0, 0.0
        while across < len(self._widths) and (across == 0 or wide + self._widths[across] <= _READABLE):
            wide += self._widths[across]
            across += 1
        for words in said:
            if across > 1:
                self.sheet.merge_range(self.row, 0, self.row, across - 1, "", self.book.style(text_wrap=True, **look))
            self.text(self.row, 0, words, text_wrap=True, **look)
            self.sheet.set_row(self.row, _LINE * _high(words, wide))
            self.row += 1

    def difference(self, cell: tuple[int, int], columns: tuple[int, int], unit: str, value: float) -> None:
        """Write a formula: of the same row, the cell of one column less that of another; with its value."""
        row, column = cell
        more, less = (xl_rowcol_to_cell(row, at) for at in columns)
        style = self.book.style(num_format=number_format(unit, value))
        self.sheet.write_formula(row, column, f"={more}-{less}", style, value)

    def heading(self, words: str) -> None:
        """Write a heading."""
        self.text(self.row, 0, words, bold=True, font_size=12)
        self.row += 1

    def widths(self, widths: Sequence[float]) -> None:
        """Set the widths of the first columns, in characters, and write the small print under the title."""
        self._widths = list(widths)
        for column, width in enumerate(widths):
            self.sheet.set_column(column, column, width)
        self.lines(self._notes, font_color=SOFT)
        self.row += 1

    def table(
        self, name: str, fields: Sequence[Field], columns: Mapping[str, Sequence[object]], units: Sequence[str] = ()
    ) -> None:
        """Write a named table with frozen heads that are printed on every page.

        Args:
            name: Its name in the workbook.
            fields: Its columns.
            columns: The cells of each column, by head.
            units: The unit of each row, for columns of the kind `number`.
        """
        self.widths([field.width for field in fields])
        top, count = self.row, len(next(iter(columns.values())))
        heads = []
        usual = {"valign": "top"} if any(field.kind == "wrapped" for field in fields) else {}
        for column, field in enumerate(fields):
            # Words that stand right of a number keep away from it.
            apart = field.kind not in _NUMERIC and column > 0 and fields[column - 1].kind in _NUMERIC
            look: dict[str, Any] = {"align": "left", "indent": 1} if apart else {}
            heads.append({"header": field.head, "header_format": self._head(field, look)})
            self._column((top + 1, column), field, (columns[field.head], units), usual | look)
        self.sheet.set_row(top, _LINE * max(_high(field.head, field.width, 0.9) for field in fields))
        self._heights(top + 1, fields, columns)
        last = top + max(count, 1)
        options = {"name": name, "columns": heads, "style": "Table Style Light 1", "banded_rows": False}
        self.sheet.add_table(top, 0, last, len(fields) - 1, options)
        self.sheet.freeze_panes(top + 1, 0)
        self.sheet.repeat_rows(top)
        self.row = last + 2

    def _heights(self, first: int, fields: Sequence[Field], columns: Mapping[str, Sequence[object]]) -> None:
        """Make rows high enough for wrapped words: not every program does so by itself."""
        wrapped = [field for field in fields if field.kind == "wrapped"]
        for i, words in enumerate(zip(*(columns[field.head] for field in wrapped), strict=True)):
            high = max(_high(str(said or ""), f.width) for said, f in zip(words, wrapped, strict=True))
            if high > 1:
                self.sheet.set_row(first + i, min(_LINE * high, _HIGHEST))

    def _column(
        self, place: tuple[int, int], field: Field, given: tuple[Sequence[object], Sequence[str]], look: dict[str, Any]
    ) -> None:
        """Write the cells of a column; the short ways are for tables with many rows."""
        first, column = place
        cells, units = given
        plain, numeric = self.book.style(**look), field.kind in _NUMERIC
        shown = {
            (unit, size): self.book.style(num_format=_format(field.kind, unit, size), **look)
            for unit in dict.fromkeys(["", *units])
            for size in (0.0, 100.0)
        }
        for i, value in enumerate(cells):
            unit = units[i] if units else ""
            if numeric and type(value) is float and math.isfinite(value):
                self.sheet.write_number(
                    first + i, column, Exact(value), shown[unit, 100.0 if abs(value) >= 100 else 0.0]
                )
            elif field.kind == "text" and type(value) is str and value and not value.startswith(_FORMULA):
                self.sheet.write_string(first + i, column, _writable(value), plain)
            else:
                self.value(first + i, column, value, field.kind, unit, **look)

    def _head(self, field: Field, look: dict[str, Any]) -> Any:
        right = {"align": "right"} if field.kind in _NUMERIC else look
        return self.book.style(bold=True, bottom=1, bg_color=PAPER, text_wrap=True, valign="bottom", **right)
