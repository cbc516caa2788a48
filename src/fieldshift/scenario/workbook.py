"""A scenario as one Excel workbook: a sheet for each kind of part, made from the data dictionary."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping, Sequence
from typing import Any

import xlsxwriter

from fieldshift.scenario.cells import Cell, Exact, written
from fieldshift.scenario.sheet_rows import Book, Row, book_of
from fieldshift.scenario.sheets import HEAD, SheetKind, columns_for, sheet_kinds
from fieldshift.scenario.workbook_guide import read_me
from fieldshift.scenario.workbook_look import FILLED, Look

__all__ = ["workbook_bytes"]

_FORMULA = ("=", "+", "-", "@")
_CREATED = dt.datetime(2000, 1, 1)
_BLANK = 200
"""Empty rows under the last one that drop-downs and formats reach."""


def workbook_bytes(data: Mapping[str, Any], currency: str) -> bytes:
    """Return a scenario's plain data as the bytes of an Excel workbook.

    Args:
        data: What `plain` gives.
        currency: Its currency, for the units shown.

    Raises:
        ScenarioError: If a value is too long for a cell.
    """
    book = book_of(data)
    stream = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "default_date_format": "yyyy-mm-dd",
    }
    with xlsxwriter.Workbook(stream, options) as file:
        file.set_properties({"title": "Fieldshift scenario", "created": _CREATED, "author": "", "comments": ""})
        _Writer(file, book, currency).all()
    return stream.getvalue()


class _Writer:
    """Writes the sheets of one workbook."""

    def __init__(self, file: Any, book: Book, currency: str) -> None:
        self.file, self.book = file, book
        self.look = Look(file, currency)
        self._names: set[str] = set()

    def all(self) -> None:
        """Write every sheet, in order."""
        kinds = sheet_kinds()
        columns = {
            kind.name: columns_for(kind, (column for row in self.book.rows[kind.name] for column in row))
            for kind in kinds
            if kind.name != HEAD
        }
        read_me(self.file.add_worksheet("Read me"), self.look, list(self.book.tables))
        for kind in kinds:
            sheet = self.file.add_worksheet(kind.name)
            if self.book.rows[kind.name]:
                sheet.set_tab_color(FILLED)
            if kind.name == HEAD:
                self._head(sheet, kind, self.book.rows[HEAD][0])
            else:
                self._parts(sheet, kind, columns[kind.name], self.book.rows[kind.name])
        for name, lines in self.book.tables.items():
            sheet = self.file.add_worksheet(name)
            sheet.set_tab_color(FILLED)
            self._table(sheet, lines)

    def _put(self, sheet: Any, row: int, column: int, cell: Cell, form: Any = None) -> None:
        """Write one cell; a text is never anything but a text, not even when somebody edits the cell."""
        if cell is None:
            return
        if isinstance(cell, bool):
            sheet.write_boolean(row, column, cell, form)
        elif isinstance(cell, dt.date):
            sheet.write_datetime(row, column, dt.datetime.combine(cell, dt.time()), self.look.date)
        elif isinstance(cell, int | float):
            sheet.write_number(row, column, Exact(cell), form)
        else:
            sheet.write_string(row, column, cell, self.look.guarded if cell[:1] in _FORMULA else form)

    def _head(self, sheet: Any, kind: SheetKind, given: Row) -> None:
        """Write the scenario's own fields, one a row."""
        names = ["field", "value", "default", "meaning"]
        known = [field.path for field in kind.kind.fields]
        lines = [*known, *(name for name in given if name not in known)]
        self._named(sheet, "scenario", names, len(lines))
        sheet.set_column(0, 0, 26, self.look.key)
        sheet.set_column(1, 1, 60, self.look.text)
        sheet.set_column(2, 2, 14, self.look.quiet)
        sheet.set_column(3, 3, 90, self.look.quiet)
        for r, name in enumerate(lines, 1):
            field = kind.field(name)
            sheet.write_string(r, 0, name, self.look.key)
            self._put(sheet, r, 1, given.get(name), self.look.text)
            if field is not None:
                self.look.validate(sheet, (r, 1, r, 1), field)
                default = "" if field.default is None else str(field.default)
                sheet.write_string(r, 2, "required" if field.required else default, self.look.quiet)
                sheet.write_string(r, 3, field.meaning.replace("`", ""), self.look.quiet)
            lines_of_text = -(-_width(given.get(name)) // 64)
            if lines_of_text > 1:
                sheet.set_row(r, min(15 * lines_of_text, 400))

    def _parts(self, sheet: Any, kind: SheetKind, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Write parts of one kind, one a row."""
        heads = [str(written(column, (str,))) for column in columns]
        self._named(sheet, kind.name, heads, max(1, len(rows)))
        last = len(rows) + _BLANK
        for c, column in enumerate(columns):
            form = self.look.column(kind, column)
            width = max([len(heads[c]) + 3, *(_width(row.get(column)) for row in rows)])
            sheet.set_column(c, c, min(width, 44), form)
            sheet.write_comment(0, c, self.look.comment(kind, column), self.look.comment_size)
            self.look.validate_column(sheet, kind, column, (1, c, last, c))
            for r, row in enumerate(rows, 1):
                self._put(sheet, r, c, row.get(column), self.look.cell(kind, column, row.get(column), row))

    def _table(self, sheet: Any, lines: Sequence[Sequence[Cell]]) -> None:
        """Write a number by site or date."""
        heads = [str(cell) for cell in lines[0]]
        self._named(sheet, f"numbers {sheet.get_name()}", heads, len(lines) - 1)
        sheet.set_column(0, 0, 14)
        sheet.set_column(1, len(heads) - 1, 16 if len(heads) == 2 else 9)
        for r, line in enumerate(lines[1:], 1):
            for c, cell in enumerate(line):
                self._put(sheet, r, c, cell)

    def _named(self, sheet: Any, name: str, heads: Sequence[str], rows: int) -> None:
        """Write a header that stays in view, and make a named table of it and of the rows under it."""
        sheet.freeze_panes(1, 1)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        unique = len({head.casefold() for head in heads}) == len(heads)
        simple = all(0 < len(head) < 256 and head.isprintable() for head in heads)
        if unique and simple:
            word = "".join(char if char.isascii() and char.isalnum() else "_" for char in name)
            while word.casefold() in self._names:
                word += "_"
            self._names.add(word.casefold())
            columns = [{"header": head, "header_format": self.look.header} for head in heads]
            style = {"columns": columns, "name": f"t_{word}", "style": "Table Style Light 1", "autofilter": True}
            sheet.add_table(0, 0, rows, len(heads) - 1, style)
        for c, head in enumerate(heads):
            form = self.look.guarded_header if head[:1] in _FORMULA else self.look.header
            sheet.write_string(0, c, head, form)


def _width(cell: Cell) -> int:
    return len(str(cell)) + 2 if cell is not None else 0
