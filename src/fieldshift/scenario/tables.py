"""Tables: lists of parts and numbers by site and date, from CSV files inside the scenario's folder."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import Any

from pydantic import BaseModel

from fieldshift.errors import Problem
from fieldshift.scenario.identity import COUNTS_ONLY, personal_cell, personal_column
from fieldshift.scenario.marked import Marked, Path, decoded, dotted, marked, resolved
from fieldshift.scenario.paths import kinds, nearest, slots

__all__ = ["MAX_BYTES", "MAX_ROWS", "Table", "add_line", "parts_of", "read_table", "sites_of", "table_from", "whole"]

MAX_ROWS = 200_000
MAX_BYTES = 64_000_000
_CHUNK = 1 << 20
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NO_NUMBER = re.compile(r"[-+]?(nan|inf|infinity|#n/a|n/a|#(div/0|value|ref|num|null)!|#name\?)", re.IGNORECASE)


@dataclass
class Table:
    """The cells of a CSV file as text.

    Attributes:
        label: The file's name, for places.
        header: Names of the columns.
        rows: Line and cells of each row that is not blank, as many cells as the header.
        problems: What is wrong with the file; no rows where it could not be read.
    """

    label: str
    header: list[str] = field(default_factory=list)
    rows: list[tuple[int, list[str]]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def place(self, line: int, column: int) -> str:
        """Return the place of a cell: file, line, and column counted in cells."""
        return f"{self.label}:{line}:{column + 1}"

    def refuse(self, line: int, column: int, what: str, hint: str = "", path: str = "") -> None:
        """Note a problem at a cell."""
        self.problems.append(Problem(self.place(line, column), path, what, hint))


def read_table(folder: File, name: str, label: str, named_at: str, path: str = "") -> Table:
    """Read a CSV file.

    Args:
        folder: The folder that the file must lie in.
        name: Its name as the planner wrote it, relative to the folder.
        label: Its name for places.
        named_at: Where the planner wrote its name.
        path: Which part the planner gave it for.
    """
    table = Table(label)
    file = _inside(folder, name, table, named_at, path)
    if file is None:
        return table
    try:
        raw = _bytes(file, table)
    except OSError as error:
        table.problems.append(Problem(named_at, path, f"cannot read the table '{name}'", error.strerror or ""))
        return table
    text = decoded(raw, label) if raw is not None else None
    if isinstance(text, Problem):
        table.problems.append(text)
    elif text is not None:
        _fill(table, text)
    return table


def _inside(folder: File, name: str, table: Table, named_at: str, path: str) -> File | None:
    def refuse(what: str, hint: str) -> None:
        table.problems.append(Problem(named_at, path, what, hint))

    given = File(name)
    if given.suffix.lower() != ".csv":
        refuse(f"'{name}' is not a table", "tables are .csv files")
    elif "\0" in name or "\\" in name:
        refuse(f"'{name}' is not a file's name", "folders are separated by /")
    elif given.is_absolute() or ".." in given.parts:
        refuse(f"the table '{name}' is outside the scenario's folder", "give its name inside the folder")
    else:
        root, file = folder.resolve(), (folder / given)
        try:
            real = file.resolve()
            if not real.is_relative_to(root):
                refuse(f"the table '{name}' leads outside the scenario's folder", "copy the file into the folder")
            elif not real.is_file():
                there = [p.name for p in file.parent.glob("*.csv")] if file.parent.is_dir() else []
                refuse(f"there is no table '{name}'", nearest(given.name, there, "tables here"))
            else:
                return real
        except (OSError, RuntimeError):
            refuse(f"cannot find the table '{name}'", "is it a circle of links?")
    return None


def _bytes(file: File, table: Table) -> bytes | None:
    """Return the file's bytes, or nothing if it is too large; lines are counted before anything is kept."""
    lines = 0
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            lines += chunk.count(b"\n")
            if lines > MAX_ROWS + 1 or stream.tell() > MAX_BYTES:
                break
    if lines > MAX_ROWS + 1:
        table.refuse(
            MAX_ROWS + 2,
            0,
            f"more than {MAX_ROWS:,} rows",
            "tables hold counts by site and kind, not records",
        )
        return None
    if file.stat().st_size > MAX_BYTES:
        table.refuse(1, 0, f"too large ({file.stat().st_size:,} bytes)", f"at most {MAX_BYTES:,}")
        return None
    return file.read_bytes()


def table_from(text: str, label: str) -> Table:
    """Return the cells of a CSV text."""
    table = Table(label)
    _fill(table, text)
    return table


def _fill(table: Table, text: str) -> None:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for cells in reader:
            add_line(table, line, cells)
            line = reader.line_num + 1
    except csv.Error as error:
        table.refuse(reader.line_num, 0, f"not a table: {error}")
        return
    whole(table)


def add_line(table: Table, line: int, cells: list[str]) -> None:
    """Take a line of cells into a table: the first that is not blank as its header."""
    stripped = [cell.strip() for cell in cells]
    if any(stripped) and table.header:
        _take(table, line, stripped)
    elif any(stripped):
        _head(table, line, stripped)


def whole(table: Table) -> None:
    """Note it where a table whose lines have all been added holds nothing."""
    if not table.header:
        table.refuse(1, 0, "the table is empty", "the first line names the columns")
    elif not table.rows and not table.problems:
        table.refuse(2, 0, "the table has no rows below its header")


def _head(table: Table, line: int, cells: list[str]) -> None:
    table.header = cells
    for i, name in enumerate(cells):
        if not name:
            table.refuse(line, i, "a column without a name")
        elif name in cells[:i]:
            table.refuse(line, i, f"the column '{name}' stands here twice")
        elif personal_column(name):
            table.refuse(line, i, f"the column '{name}' looks like a person's identity", COUNTS_ONLY)
    if len(cells) == 1 and (";" in cells[0] or "\t" in cells[0]):
        table.refuse(line, 0, "one column only", "separate columns with commas")


def _take(table: Table, line: int, cells: list[str]) -> None:
    if len(cells) != len(table.header):
        hint = "a comma inside a value needs quotes around it" if len(cells) > len(table.header) else ""
        table.refuse(line, len(cells) - 1, f"{len(cells)} values in a table of {len(table.header)} columns", hint)
        return
    for i, cell in enumerate(cells):
        if personal_cell(cell):
            what = f"a value of '{table.header[i]}' looks like a person's identity"
            table.refuse(line, i, what, COUNTS_ONLY)
    table.rows.append((line, cells))


def sites_of(table: Table) -> Marked:
    """Return a list of sites, one a row; further columns are attributes, numbers where all are."""
    found = Marked([], problems=table.problems)
    if "id" not in table.header:
        if table.header:
            table.refuse(1, 0, "a table of sites needs a column 'id'", nearest("id", table.header, "columns here"))
        return found
    columns = [_attribute(table, i) for i in range(len(table.header))]
    named = [(i, name) for i, name in enumerate(table.header) if name and not personal_column(name)]
    first: dict[str, int] = {}
    for r, (line, cells) in enumerate(table.rows):
        row = {name: columns[i][r] for i, name in named if cells[i]}
        if "id" not in row:
            table.refuse(line, table.header.index("id"), "a site without an id")
        elif row["id"] in first:
            hint = f"first in line {first[row['id']]}"
            table.refuse(line, table.header.index("id"), f"the site '{row['id']}' stands here twice", hint)
        first.setdefault(str(row.get("id")), line)
        found.data.append(row)
        found.places[(r,)] = table.place(line, 0)
        for i, name in enumerate(table.header):
            found.places[(r, name)] = table.place(line, i)
    return found


def _attribute(table: Table, i: int) -> list[Any]:
    cells = [cells[i] for _, cells in table.rows]
    if table.header[i] in ("id", "name", "region"):
        return list(cells)
    given = [cell for cell in cells if cell]
    for line, row in table.rows:
        if _NO_NUMBER.fullmatch(row[i]):
            table.refuse(line, i, f"'{table.header[i]}' is {row[i]}", "leave the cell empty if it is not known")
    if not given or not all(_NUMBER.fullmatch(cell) for cell in given):
        return list(cells)
    whole = all(cell.lstrip("+-").isdigit() for cell in given) and max(map(len, given)) < 300
    return [(int(cell) if whole else float(cell)) if cell else None for cell in cells]


def parts_of(table: Table, model: type[BaseModel]) -> Marked:
    """Return parts by name, one a row; dotted columns are nested fields, an empty cell is not given."""
    found = Marked({}, problems=table.problems)
    if "name" not in table.header:
        if table.header:
            table.refuse(1, 0, "a table of parts needs a column 'name'", nearest("name", table.header, "columns here"))
        return found
    known = slots(model)
    first: dict[str, int] = {}
    columns = []
    for i, column in enumerate(table.header):
        if column == "name":
            continue
        if column.split(".")[0] in known:
            columns.append((i, tuple(column.split("."))))
        elif column and not personal_column(column):
            table.refuse(1, i, f"unknown column '{column}'", nearest(column.split(".")[0], known))
    at = table.header.index("name")
    for line, cells in table.rows:
        name = cells[at]
        if not name:
            table.refuse(line, at, "a part without a name")
        elif name in first:
            table.refuse(line, at, f"'{name}' stands here twice", f"first in line {first[name]}")
        else:
            first[name] = line
            found.data[name] = {}
            found.places[(name,)] = table.place(line, at)
            for i, path in columns:
                if cells[i]:
                    _put(table, found, (line, i), (name, *path), _cell(table, (line, i), cells[i], model, path))
    return found


def _cell(table: Table, at: tuple[int, int], text: str, model: type[BaseModel], path: Path) -> Any:
    types: tuple[Any, ...] = (model,)
    for key in path:
        types = tuple(t for kind in types for t in kinds(kind, key))
    if types and all(t in (str, type(None)) for t in types):
        return text
    if text[0] in "[{":
        inner = marked(text, table.label)
        for problem in inner.problems:
            table.refuse(*at, problem.what, problem.hint)
        return inner.data
    try:
        return resolved(text)
    except ValueError as error:
        table.refuse(*at, str(error))
        return None


def _put(table: Table, found: Marked, at: tuple[int, int], path: Path, value: Any) -> None:
    node = found.data
    column = dotted(path[1:])
    for i, key in enumerate(path[:-1]):
        node = node.setdefault(key, {})
        found.places.setdefault(path[: i + 1], table.place(*at))
        if not isinstance(node, dict):
            table.refuse(*at, f"the columns '{dotted(path[1 : i + 1])}' and '{column}' clash")
            return
    if isinstance(node.get(path[-1]), dict):
        table.refuse(*at, f"the column '{column}' clashes with one inside it")
        return
    node[path[-1]] = value
    found.places[path] = found.keys[path] = table.place(*at)
