"""A workbook read as a scenario: plain data with the place of each value, `stocks!E7`, and its tables of numbers."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fieldshift.errors import Problem
from fieldshift.scenario.cells import number_text, understood
from fieldshift.scenario.identity import COUNTS_ONLY, personal_cell, personal_column
from fieldshift.scenario.marked import Marked, Path, dotted
from fieldshift.scenario.paths import nearest
from fieldshift.scenario.schema import Amount
from fieldshift.scenario.sheet_owners import MOST_TOLD, Owned, belong, moved
from fieldshift.scenario.sheet_parts import Placed, part_of
from fieldshift.scenario.sheets import ANY, HEAD, IGNORED, READ_ME, SETTINGS, SheetKind, sheet_kinds, types_at
from fieldshift.scenario.tables import Table, add_line, whole
from fieldshift.scenario.workbook_file import Grid, cell_name, opened

__all__ = ["in_order", "sheet_named", "workbook_of"]

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_CELL = re.compile(r"(.+)!([A-Z]{1,3})([0-9]+)")
_REFERENCE = re.compile(r"'?([^!]+?)'?!")


def _place(sheet: str, row: int, column: int) -> str:
    """Return the place of a cell as Excel writes it; row and column count from 0."""
    quoted = sheet if _PLAIN_NAME.fullmatch(sheet) else f"'{sheet}'"
    return f"{quoted}!{cell_name(row, column)}"


@dataclass
class SheetTable(Table):
    """The cells of a sheet as text, to be read as a table of numbers."""

    def place(self, line: int, column: int) -> str:
        """Return the place of a cell: `seats!B3`."""
        return _place(self.label, line - 1, column)


def workbook_of(raw: bytes, label: str) -> tuple[Marked, dict[str, Table]]:
    """Return a workbook as plain data with places, and its further sheets as tables by name.

    Args:
        raw: The bytes of an `.xlsx` file.
        label: Its name for places.
    """
    grids, problems = opened(raw, label)
    found = Marked({}, {(): label}, problems=problems)
    if problems:
        return found, {}
    kinds = {kind.name: kind for kind in sheet_kinds()}
    ours = {_sheet(grid.name): grid for grid in grids if _sheet(grid.name) in kinds}
    others = [grid for grid in grids if _sheet(grid.name) not in kinds and not _ignored(grid.name)]
    reader = _Reader(found)
    if not ours:
        what = "no sheet of a scenario here"
        found.problems.append(Problem(label, "", what, "`fieldshift new NAME --xlsx` makes a workbook to start from"))
    elif HEAD in ours:
        found.places[()] = _place(ours[HEAD].name, 0, 0)
    for name, kind in kinds.items():
        if name in ours:
            reader.sheet(ours[name], kind)
    belong(found, reader.rows, reader.pointers)
    for grid in others:
        if grid.name.casefold() not in reader.named and _used(grid):
            hint = nearest(grid.name, kinds, "sheets")
            more = f"{hint}; a name that starts with _ is left alone"
            where = _place(grid.name, 0, 0)
            found.problems.append(Problem(where, "", f"nothing names the sheet '{grid.name}'", more))
    return found, {grid.name.casefold(): _Lazy(grid).table() for grid in others}


def sheet_named(sheets: Mapping[str, Table], name: str, place: str, path: str) -> Table:
    """Return the sheet that a number names as its table, `seats!`, or a table that tells what is wrong with that."""
    word = name.strip().removesuffix("!").removesuffix(".csv").strip("'")
    found = sheets.get(word.casefold())
    if found is not None:
        return found
    hint = nearest(word, sheets, "further sheets")
    if name.endswith(".csv"):
        hint = "a workbook has no files beside it: put the table on a sheet, and write its name with ! behind it"
    return Table(name, problems=[Problem(place, path, f"there is no sheet '{word}'", hint)])


def in_order(problem: Problem) -> tuple[str, int, int, str]:
    """Return what sorts problems by place: lines as numbers, and cells by row and column."""
    parts = problem.where.rsplit(":", 2)
    if len(parts) == 3 and parts[1].isdigit() and parts[2].isdigit():
        return parts[0], int(parts[1]), int(parts[2]), problem.path
    cell = _CELL.fullmatch(problem.where)
    if cell is not None:
        column = 0
        for letter in cell[2]:
            column = column * 26 + ord(letter) - 64
        return cell[1], int(cell[3]), column, problem.path
    return problem.where, 0, 0, problem.path


def _sheet(name: str) -> str:
    """Return which sheet a name stands for: capitals do not matter, and Excel keeps the word `history` for itself."""
    return {"history": "series"}.get(name.casefold(), name.casefold())


def _ignored(name: str) -> bool:
    return name.startswith(IGNORED) or name.casefold().replace(" ", "") == READ_ME.casefold().replace(" ", "")


def _used(grid: Grid) -> bool:
    return any(value != "" for row in grid.cells for value in row)


@dataclass
class _Lazy:
    """A sheet that some number may name as its table."""

    grid: Grid

    def table(self) -> Table:
        """Return its cells as text."""
        table = SheetTable(self.grid.name)
        width = 0
        for r, row in enumerate(self.grid.cells):
            texts = [self._text(table, r, c, value) for c, value in enumerate(row)]
            if not table.header:
                while texts and not texts[-1].strip():
                    texts.pop()
                width = len(texts)
            elif any(text.strip() for text in texts[width:]):
                table.refuse(r + 1, width, "a value under no header")
            line = [*texts[:width], *[""] * (width - len(texts))]
            add_line(table, r + 1, line)
        whole(table)
        return table

    def _text(self, table: Table, row: int, column: int, value: Any) -> str:
        problem = _unreadable(self.grid, row, column, value)
        if problem is not None:
            table.refuse(row + 1, column, *problem)
            return ""
        value = _day(value)
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, dt.date):
            return value.isoformat()
        return number_text(value) if isinstance(value, int | float) else str(value)


def _day(value: Any) -> Any:
    """Return a date without its time of day, which is midnight."""
    return value.date() if isinstance(value, dt.datetime) else value


def _unreadable(grid: Grid, row: int, column: int, value: Any) -> tuple[str, str] | None:
    """Return what is wrong with a cell before anything is asked of it, with a hint."""
    place = (row, column)
    if place in grid.errors:
        return f"the cell holds an error, {grid.errors[place][:20]}", "mend its formula, or leave the cell empty"
    if place in grid.unknown:
        return "a formula whose value is not in the file", "open the workbook in Excel and save it"
    if isinstance(value, dt.datetime) and value.time() != dt.time():
        return f"a date with a time of day, {value:%Y-%m-%d %H:%M}", "write the date alone"
    if isinstance(value, dt.time | dt.timedelta):
        return f"a time of day or a length of time, {value}", "write a number with its unit, such as 8 hour"
    return None


class _Reader:
    """Collects the parts of a scenario from its sheets."""

    def __init__(self, found: Marked) -> None:
        self.found = found
        self.named: set[str] = set()
        self.rows: list[Owned] = []
        self.pointers: list[tuple[Path, str]] = []
        self.pending: list[tuple[Path, str]] = []

    def refuse(self, where: str, path: Path, what: str, hint: str = "") -> None:
        """Note a problem at a cell."""
        self.found.problems.append(Problem(where, dotted(path), what, hint))

    def sheet(self, grid: Grid, kind: SheetKind) -> None:
        """Read one sheet of parts."""
        start = next(
            (r for r, row in enumerate(grid.cells) if any(_given(grid, r, c, v) for c, v in enumerate(row))), -1
        )
        if start < 0:
            return
        columns = self._header(grid, kind, start)
        self._no_merged(grid, start, columns)
        if kind.path and kind.key in ("", "name"):
            self.found.places.setdefault(kind.path, _place(grid.name, start, 0))
        first: dict[str, str] = {}
        for r in range(start + 1, len(grid.cells)):
            if len(self.found.problems) > MOST_TOLD:
                return
            row = grid.cells[r]
            cells = {name: (c, row[c]) for name, c in columns.items() if c < len(row) and _given(grid, r, c, row[c])}
            if cells and kind.name == HEAD:
                self._head_row(grid, r, cells, first)
            elif cells:
                self._row(grid, kind, r, cells, first)

    def _header(self, grid: Grid, kind: SheetKind, start: int) -> dict[str, int]:
        """Return the place of each column that can be read."""
        columns: dict[str, int] = {}
        known = ["field", "value"] if kind.name == HEAD else list(kind.columns)
        for c, value in enumerate(grid.cells[start]):
            where = _place(grid.name, start, c)
            name = str(understood(_day(value), (str,)) or "") if _unreadable(grid, start, c, value) is None else ""
            if not name:
                if any(_given(grid, r, c, grid.cells[r][c]) for r in range(start + 1, len(grid.cells))):
                    self.refuse(where, (), "a column without a name, and values below it")
            elif name in columns:
                self.refuse(where, (), f"the column '{name}' stands here twice")
            elif personal_column(name) and name not in known:
                self.refuse(where, (), f"the column '{name}' looks like a person's identity", COUNTS_ONLY)
            elif self._takes(kind, name):
                columns[name] = c
            elif kind.name != HEAD:
                self.refuse(where, (), f"unknown column '{name}'", nearest(name, known))
        needed = "field" if kind.name == HEAD else "id" if kind.name == "sites" else kind.key
        if needed and needed not in columns and columns:
            hint = nearest(needed, [str(value) for value in grid.cells[start] if value != ""], "columns here")
            self.refuse(_place(grid.name, start, 0), (), f"the sheet needs a column '{needed}'", hint)
            return {}
        return columns

    def _takes(self, kind: SheetKind, name: str) -> bool:
        if kind.name == HEAD:
            return name in ("field", "value")
        if kind.name in ("sites", SETTINGS) or name == kind.key:
            return kind.name == "sites" or name in kind.columns
        return bool(types_at(kind.types, tuple(name.split("."))))

    def _no_merged(self, grid: Grid, start: int, columns: Mapping[str, int]) -> None:
        for (top, left), (bottom, right) in grid.merged[:MOST_TOLD]:
            if bottom >= start and any(left <= c <= right for c in columns.values()):
                area = f"{cell_name(top, left)}:{cell_name(bottom, right)}"
                self.refuse(_place(grid.name, top, left), (), f"merged cells, {area}", "unmerge them")

    def _cell(self, grid: Grid, row: int, column: int, value: Any, types: Iterable[Any], path: Path) -> Placed | None:
        """Return what a cell means, or nothing where that is not known; the problem is noted."""
        where = _place(grid.name, row, column)
        problem = _unreadable(grid, row, column, value)
        if problem is None:
            try:
                return Placed(understood(_day(value), tuple(types)), where)
            except ValueError as error:
                problem = str(error), ""
        self.refuse(where, path, *problem)
        return None

    def _head_row(self, grid: Grid, r: int, cells: dict[str, tuple[int, Any]], first: dict[str, str]) -> None:
        """Read one field of the scenario itself."""
        if "field" not in cells:
            c = next(iter(cells.values()))[0]
            self.refuse(_place(grid.name, r, c), (), "a value without the name of its field")
            return
        name = str(understood(_day(cells["field"][1]), (str,)))
        where = _place(grid.name, r, cells["field"][0])
        path = tuple(name.split("."))
        kind = sheet_kinds()[0]
        types = types_at(kind.types, path)
        own = {field.path for field in kind.kind.fields} | {"horizon", "calibrate"}
        if not types or not any(name == field or name.startswith(f"{field}.") for field in own):
            self.refuse(where, (), f"there is no field '{name}'", nearest(name, own))
        elif name in first:
            self.refuse(where, path, f"'{name}' stands here twice", f"first in {first[name]}")
        elif "value" in cells:
            first[name] = where
            placed = self._cell(grid, r, *cells["value"], types, path)
            if placed is not None:
                inner = part_of(kind.types, {name: placed}, self.found.problems)
                self._lay(inner, (), self.found.data)

    def _row(
        self, grid: Grid, kind: SheetKind, r: int, cells: dict[str, tuple[int, Any]], first: dict[str, str]
    ) -> None:
        """Read one part, or one item of a list."""
        key = "id" if kind.name == "sites" else kind.key
        owner = ""
        where = _place(grid.name, r, next(iter(cells.values()))[0])
        if key:
            if key not in cells:
                what = "a site without an id" if key == "id" else f"a row without a {key}" if key != "in" else _NOWHERE
                self.refuse(where, (), what if key != "name" else "a part without a name")
                return
            where = _place(grid.name, r, cells[key][0])
            placed = self._cell(grid, r, *cells[key], (str,), kind.path[:1])
            if placed is None:
                return
            owner = str(placed.value)
            if key in ("name", "id"):
                if owner in first:
                    self.refuse(where, kind.path, f"'{owner}' stands here twice", f"first in {first[owner]}")
                    return
                first[owner] = where
        base: Path = (*kind.path[:1], owner, *kind.path[1:]) if key and key != "in" else kind.path
        self.pending.clear()
        values = dict(self._values(grid, kind, r, cells, base))
        inner = part_of(kind.types, values, self.found.problems, base)
        self._keep(kind, owner, inner, where)

    def _values(
        self, grid: Grid, kind: SheetKind, r: int, cells: dict[str, tuple[int, Any]], base: Path
    ) -> Iterator[tuple[str, Placed]]:
        """Yield what the cells of a row mean, by column, without its key and without mere pointers."""
        for column, (c, value) in cells.items():
            if column == kind.key:
                continue
            path = (column,) if kind.name == "sites" else tuple(column.split("."))
            types = types_at(kind.types, path) or ANY
            if kind.name == "quantities" and column == "value":
                types = kind.types
            elif kind.name == SETTINGS:
                types = (str,) if column == "path" else ANY
            if isinstance(value, str) and kind.name == "sites" and personal_cell(value.strip()):
                what = f"a value of '{column}' looks like a person's identity"
                self.refuse(_place(grid.name, r, c), base, what, COUNTS_ONLY)
                continue
            placed = self._cell(grid, r, c, value, types, (*base, *path))
            named = _REFERENCE.fullmatch(value.strip()) if isinstance(value, str) else None
            if placed is not None and named is not None and (Amount in types or column == "table"):
                if named[1] == "estimates":
                    self.pending.append((() if kind.name == "quantities" else path, placed.where))
                    continue
                self.named.add(named[1].casefold())
                placed = Placed({"table": value} if column != "table" else value, placed.where)
            if placed is not None:
                yield column, placed

    def _keep(self, kind: SheetKind, owner: str, inner: Marked, where: str) -> None:
        """Put a part in its place; rows that belong to other parts wait until all parts are known."""
        data = self.found.data
        if kind.key not in ("", "name"):
            self.rows.append(Owned(kind, owner, inner, where, tuple(self.pending)))
            return
        collection = kind.path[0]
        if kind.named:
            data.setdefault(collection, {})[owner] = inner.data
            path: Path = (collection, owner)
        else:
            listed = data.setdefault(collection, [])
            listed.append(inner.data)
            path = (collection, len(listed) - 1)
        self.found.places[path] = where
        self.pointers += [((*path, *inside), at) for inside, at in self.pending]
        moved(found=self.found, inner=inner, path=path)

    def _lay(self, inner: Marked, path: Path, node: dict[str, Any]) -> None:
        for key, value in inner.data.items():
            old = node.get(key)
            if isinstance(old, dict) and isinstance(value, dict):
                old.update(value)
            else:
                node[key] = value
        moved(found=self.found, inner=inner, path=path)


_NOWHERE = "a row that does not say what it belongs to"


def _given(grid: Grid, row: int, column: int, value: Any) -> bool:
    """Tell whether anything stands in a cell."""
    if isinstance(value, str) and not value.strip():
        return (row, column) in grid.errors or (row, column) in grid.unknown
    return value is not None
