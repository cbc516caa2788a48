"""A scenario's plain data as the rows of a workbook's sheets."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from fieldshift.errors import Problem, ScenarioError
from fieldshift.scenario.cells import MAX_TEXT, Cell, number_text, written
from fieldshift.scenario.grids import amount_of
from fieldshift.scenario.marked import Path, dotted
from fieldshift.scenario.schema import Amount, Price, Scenario
from fieldshift.scenario.sheets import ANY, HEAD, SETTINGS, SheetKind, sheet_kinds, types_at
from fieldshift.scenario.tables import table_from

__all__ = ["Book", "book_of"]

_LONG = {"sites": 3, "grid": 3, "dates": 7, "years": 13}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,30}")
_TABLE_CELL = re.compile(r"[\x21-\x7e\xa1-\ud7ff]([\x20-\x7e\xa1-\ud7ff]*[\x21-\x7e\xa1-\ud7ff])?")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?")

Row = dict[str, Cell]


@dataclass
class Book:
    """The cells of a workbook.

    Attributes:
        rows: Of each sheet by its name, the cells of each row by column; of the head sheet one row.
        tables: Of each table of numbers by the name of its sheet, its lines, the header first.
    """

    rows: dict[str, list[Row]] = field(default_factory=dict)
    tables: dict[str, list[list[Cell]]] = field(default_factory=dict)


def book_of(data: Mapping[str, Any]) -> Book:
    """Return the cells that plain data are written in.

    Raises:
        ScenarioError: If a value is too long for a cell.
    """
    book = Book({kind.name: [] for kind in sheet_kinds()})
    writer = _Writer(book, [str(site["id"]) for site in data.get("sites", ())])
    kinds = {kind.path[0]: kind for kind in sheet_kinds() if len(kind.path) == 1 and not kind.key.startswith("in")}
    head: Row = {}
    for key, value in data.items():
        if key not in kinds:
            writer.put(value, types_at((Scenario,), (key,)), (key,), key, head)
        elif isinstance(value, Mapping):
            for name, part in value.items():
                row: Row = {"name": written(str(name), (str,))}
                writer.whole(part, kinds[key], (key, name), row)
        else:
            for i, part in enumerate(value):
                writer.whole(part, kinds[key], (key, i), {})
    book.rows[HEAD].append(head)
    if writer.problems:
        raise ScenarioError(writer.problems)
    return book


class _Writer:
    """Fills a book, part by part."""

    def __init__(self, book: Book, sites: Sequence[str]) -> None:
        self.book, self.sites = book, sites
        self.problems: list[Problem] = []
        self.lists = {kind.path[-1]: kind for kind in sheet_kinds() if kind.key not in ("", "name") and kind.path}

    def whole(self, part: Any, kind: SheetKind, path: Path, row: Row) -> None:
        """Write one part as a row of its sheet."""
        self.book.rows[kind.name].append(row)
        if Amount in kind.types:
            self.amount(part, kind.types, path, "value", row)
        else:
            self.fields(part, kind.types, path, "", row)
        if not row:
            empty = next(found for found in kind.kind.fields if found.default is not None)
            row[empty.path] = written(empty.default, types_at(kind.types, (empty.path,)))

    def fields(self, part: Mapping[str, Any], types: Sequence[Any], path: Path, prefix: str, row: Row) -> None:
        """Write the fields of a part, and of those inside it, into its row."""
        for key, value in part.items():
            inner = types_at(types, (key,)) or ANY
            self.put(value, inner, (*path, key), f"{prefix}{key}", row)

    def put(self, value: Any, types: Sequence[Any], path: Path, column: str, row: Row) -> None:
        """Write one value into a row, or into rows of another sheet."""
        parts = [kind for kind in types if isinstance(kind, type) and issubclass(kind, BaseModel)]
        if Amount in types:
            self.amount(value, types, path, column, row)
        elif Price in types and not isinstance(value, Mapping):
            self.put(value, types_at(types, ("price",)), (*path, "price"), f"{column}.price", row)
        elif parts and isinstance(value, Mapping) and value:
            self.fields(value, parts, path, f"{column}.", row)
        elif path[0] == "policies" and len(path) == 3 and path[2] == "set":
            for key, item in value.items():
                setting: Row = {"policy": written(path[1], (str,)), "path": written(key, (str,))}
                self.cell(item, ANY, (*path, key), "value", setting)
                self.book.rows[SETTINGS].append(setting)
        elif not self.listed(value, path):
            self.cell(value, types, path, column, row)

    def listed(self, value: Any, path: Path) -> bool:
        """Write a list of parts onto the sheet of its kind; return False where it has none."""
        kind = self.lists.get(str(path[-1]))
        if kind is None or not isinstance(value, list) or not value:
            return False
        if kind.key == "in":
            if any("." in str(key) for key in path):
                return False
            owner: Cell = dotted(path[:-1])
        elif (path[0], path[-1]) == kind.path and len(path) == 3:
            owner = written(str(path[1]), (str,))
        else:
            return False
        for i, part in enumerate(value):
            row = {kind.key: owner}
            self.book.rows[kind.name].append(row)
            self.fields(part, kind.types, (*path, i), "", row)
        return True

    def amount(self, value: Any, types: Sequence[Any], path: Path, column: str, row: Row) -> None:
        """Write a number: its value in its column, what it says beside in columns or on sheets of their own."""
        if not isinstance(value, Mapping):
            self.cell(value, types, path, column, row)
            return
        form = "years" if all(re.fullmatch(r"\d{4}", key) for key in value) else "dates"
        if form not in value and value and all(re.fullmatch(r"\d{4}(-\d{2}(-\d{2})?)?", key) for key in value):
            value = {form: value}
        prefix = "" if len(path) == 2 and path[0] == "quantities" else f"{column}."
        for key, item in value.items():
            if key == "value":
                self.cell(item, types, path, column, row)
            elif key in _LONG:
                row[column] = self.by_site_or_date(key, item, types, path)
            elif key != "estimates" or not self.listed(item, (*path, key)):
                inner = types_at((Amount,), (key,))
                self.cell(item, inner, (*path, key), f"{prefix}{key}", row)
            elif "value" not in value:
                row[column] = "estimates!"

    def by_site_or_date(self, form: str, given: Mapping[str, Any], types: Sequence[Any], path: Path) -> Cell:
        """Return the cell for a number by site or date: the name of its table's sheet where it is long."""
        rows = _table(form, given, self.sites) if len(given) >= _LONG[form] else None
        if rows is not None:
            name = self._sheet_name(path)
            self.book.tables[name] = rows
            return f"{name}!"
        return self._fits(written(given if form in ("dates", "years") else {form: given}, types), path)

    def cell(self, value: Any, types: Sequence[Any], path: Path, column: str, row: Row) -> None:
        """Write one value into its cell."""
        row[column] = self._fits(written(value, types), path)

    def _fits(self, cell: Cell, path: Path) -> Cell:
        if isinstance(cell, str) and len(cell.encode("utf-16-le")) // 2 > MAX_TEXT:
            what = f"too long for a cell of a workbook ({len(cell):,} characters)"
            self.problems.append(Problem("workbook", dotted(path), what, f"at most {MAX_TEXT:,}; write a folder"))
        return cell

    def _sheet_name(self, path: Path) -> str:
        taken = {name.casefold() for name in (*self.book.rows, *self.book.tables)}
        for name in (dotted(path), dotted(path[1:])):
            if _NAME.fullmatch(name) and name.casefold() not in taken:
                return name
        number = 1
        while f"table {number}" in taken:
            number += 1
        return f"table {number}"


def _table(form: str, given: Mapping[str, Any], sites: Sequence[str]) -> list[list[Cell]] | None:
    """Return the lines of a number's table, or None where a table would not read back the same."""
    word = {"sites": "site", "dates": "date", "years": "year"}.get(form)
    if word is not None:
        lines = [[word, "value"], *([key, _text(value)] for key, value in given.items())]
    elif all(isinstance(row, Mapping) and list(row) == list(sites) for row in given.values()):
        lines = [["date", *sites], *([date, *map(_text, row.values())] for date, row in given.items())]
    else:
        return None
    if not all(_TABLE_CELL.fullmatch(cell) and not cell.startswith("<") for line in lines for cell in line):
        return None
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n").writerows(lines)
    table = table_from(stream.getvalue(), "")
    found = amount_of(table, sites)
    if found.problems or found.data != {form: given}:
        return None
    return [list(lines[0]), *([_first(line[0], form), *map(_cell, line[1:])] for line in lines[1:])]


def _text(value: Any) -> str:
    return number_text(value) if isinstance(value, int | float) else str(value)


def _first(text: str, form: str) -> Cell:
    if form == "sites":
        return text
    return int(text) if form == "years" else written(dt.date.fromisoformat(text), (dt.date,))


def _cell(text: str) -> Cell:
    return float(text) if _NUMBER.fullmatch(text) else text
