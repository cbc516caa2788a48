"""An Excel file opened with care: its size is known before anything is kept, and what no cell says is told.

Every entry is unpacked within limits and scanned; only what passed is handed to the reader of workbooks.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum

from fieldshift.errors import Problem

__all__ = ["MAX_BYTES", "MAX_CELLS", "Grid", "cell_name", "opened"]

MAX_BYTES = 20_000_000
MAX_ENTRIES = 2_000
MAX_UNPACKED = 100_000_000
MAX_CELLS = 500_000
MAX_AREA = 4_000_000
MAX_ROWS = 200_001
MAX_COLUMNS = 2_000
MAX_TEXT = 50_000_000
_COUNTS = "a scenario holds counts by site and kind, not records"
_CHUNK = 1 << 16
_SCANNED = ("worksheet", "sharedStrings", "styles")
_PLACE = re.compile(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})")


@dataclass
class Grid:
    """The cells of one sheet.

    Attributes:
        name: The sheet's name.
        cells: Rows of values from A1 on; an empty cell is ''.
        errors: Of each cell that holds an error, by row and column from 0, its text (`#N/A`).
        unknown: Cells with a formula whose value is not stored in the file.
        merged: Merged cells: first row and column, last row and column.
    """

    name: str
    cells: list[list[Any]] = field(default_factory=list)
    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    unknown: set[tuple[int, int]] = field(default_factory=set)
    merged: list[tuple[tuple[int, int], tuple[int, int]]] = field(default_factory=list)


class _Refused(Exception):
    def __init__(self, what: str, hint: str = "") -> None:
        self.what, self.hint = what, hint


def cell_name(row: int, column: int) -> str:
    """Return a cell's name, `E7`, from its row and column counted from 0."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row + 1}"


def opened(raw: bytes, label: str) -> tuple[list[Grid], list[Problem]]:
    """Return the sheets of an Excel file in order, or the problem that it cannot be read.

    Args:
        raw: The bytes of an `.xlsx` file.
        label: Its name, for the problem.
    """
    try:
        return _grids(raw), []
    except _Refused as refused:
        return [], [Problem(label, "", refused.what, refused.hint)]


def _grids(raw: bytes) -> list[Grid]:
    entries = _entries(raw)
    scans = {name: _scanned(name, content) for name, content in entries.items() if not name.lower().endswith(".vml")}
    if sum(scan.cells for scan in scans.values()) > MAX_CELLS:
        raise _Refused(f"more than {MAX_CELLS:,} cells", _COUNTS)
    shared = [scan.lengths for scan in scans.values() if scan.lengths]
    if len(shared) > 1:
        raise _Refused("a damaged workbook: its texts stand in two places", "open it in Excel and save it again")
    lengths = shared[0] if shared else []
    told = sum(lengths[i] if i < len(lengths) else 0 for scan in scans.values() for i in scan.shared)
    if told > MAX_TEXT:
        raise _Refused(f"more than {MAX_TEXT:,} characters of text", _COUNTS)
    sheets = _sheets(entries)
    if not sheets or not all(entry in scans for entry in sheets.values()):
        raise _Refused("a damaged workbook: a sheet is missing", "open it in Excel and save it again")
    return [_grid(name, cells, merged, scans[sheets[name]]) for name, cells, merged in _read(entries) if name in sheets]


def _grid(name: str, cells: list[list[Any]], merged: Any, scan: _Scan) -> Grid:
    return Grid(name, cells, scan.errors, scan.unknown, [tuple(area) for area in merged or ()])


def _read(entries: dict[str, bytes]) -> list[tuple[str, list[list[Any]], Any]]:
    """Return the name, the cells and the merged areas of each worksheet, as the library reads them."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as out:
        for name, content in entries.items():
            out.writestr(zipfile.ZipInfo(name), content)
    whole.seek(0)
    try:
        with CalamineWorkbook.from_filelike(whole) as book:
            names = [sheet.name for sheet in book.sheets_metadata if sheet.typ is SheetTypeEnum.WorkSheet]
            sheets = [(name, book.get_sheet_by_name(name)) for name in names]
            return [(name, sheet.to_python(skip_empty_area=False), sheet.merged_cell_ranges) for name, sheet in sheets]
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # noqa: BLE001 - the library's own panics are no `Exception`
        reason = str(error)[:200] if isinstance(error, CalamineError) else ""
        raise _Refused("a damaged workbook" + (f": {reason}" if reason else ""), "save it again as .xlsx") from None


def _entries(raw: bytes) -> dict[str, bytes]:
    """Return the unpacked entries of the file, never more than is allowed."""
    if raw.startswith(b"\xd0\xcf\x11\xe0"):
        raise _Refused("an old or a locked workbook", "save it as .xlsx, without a password")
    if len(raw) > MAX_BYTES:
        raise _Refused(f"too large ({len(raw):,} bytes or more)", f"at most {MAX_BYTES:,}")
    found: dict[str, bytes] = {}
    left = MAX_UNPACKED
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as file:
            infos = [info for info in file.infolist() if not info.is_dir()]
            if len(infos) > MAX_ENTRIES or len({info.filename for info in infos}) != len(infos):
                raise _Refused("not a workbook: too many files inside", "save it again as .xlsx")
            for info in infos:
                with file.open(info) as stream:
                    parts = []
                    while chunk := stream.read(_CHUNK):
                        left -= len(chunk)
                        if left < 0:
                            raise _Refused(f"unpacks to more than {MAX_UNPACKED:,} bytes", _COUNTS)
                        parts.append(chunk)
                found[info.filename] = b"".join(parts)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError):
        raise _Refused("not an Excel workbook, or a damaged one", "save it as .xlsx") from None
    if "[Content_Types].xml" not in found or "xl/workbook.bin" in found:
        raise _Refused("not an Excel workbook", "save it as .xlsx")
    return found


def _local(tag: str) -> str:
    return tag.rpartition(":")[2]


class _Scan:
    """What is in one entry: its cells are counted before they are kept."""

    def __init__(self) -> None:
        self.cells = 0
        self.errors: dict[tuple[int, int], str] = {}
        self.unknown: set[tuple[int, int]] = set()
        self.shared: list[int] = []
        self.lengths: list[int] = []
        self._row = self._column = -1
        self._most = (0, 0)
        self._kind = ""
        self._formula = False
        self._text: list[str] | None = None
        self._value = ""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = _local(tag)
        if name == "c":
            self._begin(attributes)
        elif name in ("v", "t"):
            self._text = []
        elif name == "f":
            self._formula = True
        elif name == "row":
            given = attributes.get("r", "")
            self._row = int(given) - 1 if given.isascii() and given.isdigit() and len(given) < 8 else self._row + 1
            self._column = -1
        elif name == "si":
            self.lengths.append(0)

    def _begin(self, attributes: dict[str, str]) -> None:
        place = _PLACE.fullmatch(attributes.get("r", ""))
        if place is not None:
            self._row = int(place[2]) - 1
            self._column = 0
            for letter in place[1].upper():
                self._column = self._column * 26 + ord(letter) - 64
            self._column -= 1
        else:
            self._column += 1
        self._kind, self._formula, self._value = attributes.get("t", "n"), False, ""
        self.cells += 1
        self._most = (max(self._most[0], self._row + 1), max(self._most[1], self._column + 1))
        if self.cells > MAX_CELLS:
            raise _Refused(f"more than {MAX_CELLS:,} cells", _COUNTS)
        if self._most[0] > MAX_ROWS or self._most[1] > MAX_COLUMNS or self._most[0] * self._most[1] > MAX_AREA:
            where = cell_name(self._row, self._column)
            hint = "delete the rows and columns that are not used"
            raise _Refused(f"a sheet that reaches to cell {where} is too large", hint)

    def text(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def end(self, tag: str) -> None:
        name = _local(tag)
        if name == "v":
            self._value = "".join(self._text or ())
            self._text = None
        elif name == "t":
            if self.lengths:
                self.lengths[-1] += sum(map(len, self._text or ()))
            elif self._kind == "inlineStr":
                self._value += "".join(self._text or ())
            self._text = None
        elif name == "c":
            place = (self._row, self._column)
            if self._kind == "e":
                self.errors[place] = self._value or "#VALUE!"
            elif self._kind == "s" and self._value.isascii() and self._value.isdigit():
                self.shared.append(int(self._value))
            if self._formula and not self._value and self._kind != "str":
                self.unknown.add(place)
            self._kind = ""

    def doctype(self, *_: object) -> None:
        raise _Refused("not an Excel workbook: it defines entities of its own", "save it again as .xlsx")


def _scanned(name: str, content: bytes) -> _Scan:
    scan = _Scan()
    if not name.lower().endswith((".xml", ".rels")):
        return scan
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = scan.start
    parser.EndElementHandler = scan.end
    parser.CharacterDataHandler = scan.text
    parser.StartDoctypeDeclHandler = scan.doctype
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, ValueError, LookupError):
        raise _Refused("a damaged workbook", "open it in Excel and save it again") from None
    return scan


def _elements(content: bytes, wanted: str) -> list[dict[str, str]]:
    """Return the attributes of every element of a name, without prefixes."""
    found: list[dict[str, str]] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        if _local(tag) == wanted:
            found.append({_local(key): value for key, value in attributes.items()})

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.Parse(content, True)
    return found


def _related(entries: dict[str, bytes], of: str) -> dict[str, tuple[str, str]]:
    """Return the kind and the entry of each relation of an entry, by id."""
    folder, base = posixpath.split(of)
    content = entries.get(posixpath.join(folder, "_rels", f"{base}.rels"))
    found = {}
    for relation in _elements(content, "Relationship") if content is not None else ():
        target = relation.get("Target", "")
        whole = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
        found[relation.get("Id", "")] = (relation.get("Type", "").rpartition("/")[2], whole)
    return found


def _sheets(entries: dict[str, bytes]) -> dict[str, str]:
    """Return the entry of each worksheet by its name."""
    main = [entry for kind, entry in _related(entries, "").values() if kind == "officeDocument"]
    if len(main) != 1 or main[0] not in entries:
        return {}
    related = _related(entries, main[0])
    if not all(entry.lower().endswith(".xml") for kind, entry in related.values() if kind in _SCANNED):
        return {}
    found = {}
    for sheet in _elements(entries[main[0]], "sheet"):
        kind, entry = related.get(sheet.get("id", ""), ("", ""))
        if kind == "worksheet":
            found[sheet.get("name", "")] = entry
    return found
