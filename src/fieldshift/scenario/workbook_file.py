"""An Excel file opened with care: its size is known before anything is kept, and what no cell says is told.

Every entry is unpacked within limits, and what is needed of it is scanned and written anew: the reader of workbooks
gets a file that was made here, never the one that was given.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from fieldshift.errors import Problem
from fieldshift.scenario.workbook_scan import (
    COUNTS,
    MAX_AREA,
    MAX_CELLS,
    SPARE,
    Area,
    Cells,
    Refused,
    Texts,
    cell_name,
    damaged,
    elements,
    styles,
)

__all__ = ["MAX_BYTES", "MAX_CELLS", "Grid", "cell_name", "opened"]

MAX_BYTES = 20_000_000
MAX_ENTRIES = 2_000
MAX_UNPACKED = 100_000_000
MAX_TEXT = 50_000_000
_CHUNK = 1 << 16
_SHEET, _TEXTS, _STYLES = "worksheet", "sharedStrings", "styles"
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_LINKS = "http://schemas.openxmlformats.org/package/2006/relationships"
_KINDS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


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
    merged: list[Area] = field(default_factory=list)


def opened(raw: bytes, label: str) -> tuple[list[Grid], list[Problem]]:
    """Return the sheets of an Excel file in order, or the problem that it cannot be read.

    Args:
        raw: The bytes of an `.xlsx` file.
        label: Its name, for the problem.
    """
    try:
        return _grids(raw), []
    except Refused as refused:
        return [], [Problem(label, "", refused.what, refused.hint)]


def _grids(raw: bytes) -> list[Grid]:
    entries = _entries(raw)
    main, parts = _parts(entries)
    sheets = _sheets(entries, main, parts)
    texts = Texts()
    for content in _one(entries, parts, _TEXTS):
        texts.over(content)
    shown = "".join(styles(content) for content in _one(entries, parts, _STYLES))
    scans = _scanned([entries[entry] for entry in sheets.values()], texts)
    since_1904 = any(one.get("date1904") in ("1", "true") for one in elements(entries[main], "/workbook/workbookPr"))
    cells = _read(_written(scans, texts, shown, since_1904), len(scans))
    grids = [
        Grid(name, rows, scan.errors, scan.unknown, scan.merged)
        for name, rows, scan in zip(sheets, cells, scans, strict=True)
    ]
    if texts.zeros or any(scan.zeros for scan in scans):
        _no_zeros(grids)
    return grids


def _scanned(sheets: Sequence[bytes], texts: Texts) -> list[Cells]:
    """Return what stands in the sheets, if it is not too much together."""
    scans: list[Cells] = []
    for content in sheets:
        scan = Cells()
        scan.over(content)
        scans.append(scan)
        if sum(scan.count for scan in scans) > MAX_CELLS:
            raise Refused(f"more than {MAX_CELLS:,} cells", COUNTS)
        if sum(scan.rows * scan.columns for scan in scans) > MAX_AREA:
            raise Refused(f"its sheets reach over more than {MAX_AREA:,} cells together", SPARE)
    if any(index >= len(texts.lengths) for scan in scans for index in scan.shared):
        raise damaged("a text is missing")
    told = sum(scan.told + sum(texts.lengths[index] for index in scan.shared) for scan in scans)
    if told > MAX_TEXT:
        raise Refused(f"more than {MAX_TEXT:,} characters of text", COUNTS)
    return scans


def _no_zeros(grids: Sequence[Grid]) -> None:
    """Refuse the character zero: a workbook can hold it, and a database cannot."""
    for grid in grids:
        for r, row in enumerate(grid.cells):
            for c, value in enumerate(row):
                if isinstance(value, str) and "\0" in value:
                    what = f"a zero character (NUL) in cell {cell_name(r, c)} of the sheet '{grid.name}'"
                    raise Refused(what, "type the text again")


def _written(scans: Sequence[Cells], texts: Texts, shown: str, since_1904: bool) -> io.BytesIO:
    """Return a workbook of what was scanned; its sheets are named 1, 2 and so on."""
    numbers = range(1, len(scans) + 1)
    listed = "".join(f'<sheet name="{i}" sheetId="{i}" r:id="r{i}"/>' for i in numbers)
    related = [(_SHEET, f"worksheets/sheet{i}.xml") for i in numbers]
    related += [(_TEXTS, "sharedStrings.xml"), (_STYLES, "styles.xml")]
    files = {
        "[Content_Types].xml": f'<Types xmlns="{_TYPES}"/>'.encode(),
        "_rels/.rels": _links([("officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_KINDS}"><workbookPr date1904="{since_1904:d}"/>'
        f"<sheets>{listed}</sheets></workbook>".encode(),
        "xl/_rels/workbook.xml.rels": _links(related),
        "xl/sharedStrings.xml": _root("sst", texts.out),
        "xl/styles.xml": _root("styleSheet", shown.encode()),
    }
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as out:
        for name, content in files.items():
            out.writestr(zipfile.ZipInfo(name), content)
        for i, scan in zip(numbers, scans, strict=True):
            sheet = _root("worksheet", b"<sheetData>" + scan.out + b"</sheetData>")
            out.writestr(zipfile.ZipInfo(f"xl/worksheets/sheet{i}.xml"), sheet)
    whole.seek(0)
    return whole


def _root(name: str, inside: bytes | bytearray) -> bytes:
    return f'<{name} xmlns="{_MAIN}">'.encode() + inside + f"</{name}>".encode()


def _links(parts: Sequence[tuple[str, str]]) -> bytes:
    one = '<Relationship Id="r{}" Type="{}/{}" Target="{}"/>'
    inside = "".join(one.format(i, _KINDS, kind, target) for i, (kind, target) in enumerate(parts, 1))
    return f'<Relationships xmlns="{_LINKS}">{inside}</Relationships>'.encode()


def _read(whole: io.BytesIO, count: int) -> list[list[list[Any]]]:
    """Return the cells of each sheet, as the library reads them."""
    try:
        with CalamineWorkbook.from_filelike(whole) as book:
            return [book.get_sheet_by_name(str(i)).to_python(skip_empty_area=False) for i in range(1, count + 1)]
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # noqa: BLE001 - the library's own panics are no `Exception`
        raise damaged(str(error)[:200] if isinstance(error, CalamineError) else "") from None


def _entries(raw: bytes) -> dict[str, bytes]:
    """Return the unpacked entries of the file, never more than is allowed, by their names in small letters."""
    if raw.startswith(b"\xd0\xcf\x11\xe0"):
        raise Refused("an old or a locked workbook", "save it as .xlsx, without a password")
    if len(raw) > MAX_BYTES:
        raise Refused(f"too large ({len(raw):,} bytes or more)", f"at most {MAX_BYTES:,}")
    found: dict[str, bytes] = {}
    left = MAX_UNPACKED
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as file:
            infos = [info for info in file.infolist() if not info.filename.endswith("/")]
            _no_odd_ones(infos)
            for info in infos:
                with file.open(info) as stream:
                    parts = []
                    while chunk := stream.read(_CHUNK):
                        left -= len(chunk)
                        if left < 0:
                            raise Refused(f"unpacks to more than {MAX_UNPACKED:,} bytes", COUNTS)
                        parts.append(chunk)
                found[info.filename.casefold()] = b"".join(parts)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError):
        raise Refused("not an Excel workbook, or a damaged one", "save it as .xlsx") from None
    if "[content_types].xml" not in found or "xl/workbook.bin" in found:
        raise Refused("not an Excel workbook", "save it as .xlsx")
    return found


def _no_odd_ones(infos: Sequence[zipfile.ZipInfo]) -> None:
    """Refuse what no workbook has, before anything is unpacked: other packings take any memory at one read."""
    if len(infos) > MAX_ENTRIES:
        raise Refused("not a workbook: too many files inside", "save it again as .xlsx")
    if any(i.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or i.flag_bits & 1 for i in infos):
        raise Refused("not a workbook: packed in another way", "save it again as .xlsx, without a password")
    names = {info.filename.casefold() for info in infos}
    if len(names) != len(infos) or any("\\" in name for name in names):
        raise damaged("the names of its files are mixed up")


def _related(entries: Mapping[str, bytes], of: str) -> dict[str, tuple[str, str]]:
    """Return the kind and the entry of each relation of an entry, by id."""
    folder, base = posixpath.split(of)
    content = entries.get(posixpath.join(folder, "_rels", f"{base}.rels"))
    found = {}
    for relation in elements(content, "/Relationships/Relationship") if content is not None else ():
        target = relation.get("Target", "").casefold()
        whole = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
        if relation.get("TargetMode") != "External":
            found[relation.get("Id", "")] = (relation.get("Type", "").rpartition("/")[2], whole)
    return found


def _parts(entries: Mapping[str, bytes]) -> tuple[str, dict[str, tuple[str, str]]]:
    """Return the entry of the workbook itself, and of its parts by id the kind and the entry of each."""
    main = [entry for kind, entry in _related(entries, "").values() if kind == "officeDocument"]
    if len(main) != 1 or main[0] not in entries:
        raise damaged("a sheet is missing")
    return main[0], _related(entries, main[0])


def _one(entries: Mapping[str, bytes], parts: Mapping[str, tuple[str, str]], kind: str) -> list[bytes]:
    """Return the one part of a kind, if there is one."""
    found = [entries[entry] for given, entry in parts.values() if given == kind and entry in entries]
    if len(found) > 1:
        raise damaged(f"two parts of the kind {kind}")
    return found


def _sheets(entries: Mapping[str, bytes], main: str, parts: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Return the entry of each worksheet by its name."""
    found: dict[str, str] = {}
    for sheet in elements(entries[main], "/workbook/sheets/sheet"):
        kind, entry = parts.get(sheet.get("id", ""), ("", ""))
        name = sheet.get("name", "")
        if kind == _SHEET and (name in found or entry in found.values()):
            raise damaged("two sheets are one")
        if kind == _SHEET:
            found[name] = entry
    if not found or not all(entry in entries for entry in found.values()):
        raise damaged("a sheet is missing")
    return found
