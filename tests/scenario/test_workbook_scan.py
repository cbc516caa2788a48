"""What is read of a workbook is what was measured: tricks that two readers understand in two ways, and honest oddities."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from fieldshift.scenario import workbook_file, workbook_scan
from fieldshift.scenario.workbook_file import Grid, opened

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
KINDS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
SHEET = "xl/worksheets/sheet1.xml"
RELATIONS = "xl/_rels/workbook.xml.rels"
FAR = '<row r="1"><c r="XFD1048576"><v>1</v></c></row>'
ODF = "application/vnd.oasis.opendocument.spreadsheet"
Change = str | bytes | None


def related(*parts: tuple[str, str]) -> str:
    one = '<Relationship Id="r{}" Type="{}/{}" Target="{}"/>'
    return "<Relationships>" + "".join(one.format(i, KINDS, *p) for i, p in enumerate(parts, 1)) + "</Relationships>"


def listed(*sheets: tuple[str, str], before: str = "") -> str:
    inside = "".join(f'<sheet name="{name}" sheetId="{i}" r:id="{ref}"/>' for i, (name, ref) in enumerate(sheets, 1))
    return f'<workbook xmlns="{MAIN}" xmlns:r="{KINDS}">{before}<sheets>{inside}</sheets></workbook>'


def sheet(rows: str, after: str = "", before: str = "") -> str:
    return f'<worksheet xmlns="{MAIN}">{before}<sheetData>{rows}</sheetData>{after}</worksheet>'


def packed(changes: dict[str, Change] | None = None, how: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a small workbook with one number and one shared text, and with some of its files replaced or added."""
    shared = ("sharedStrings", "sharedStrings.xml"), ("styles", "styles.xml")
    files: dict[str, Change] = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": related(("officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": listed(("one", "r1")),
        RELATIONS: related(("worksheet", "worksheets/sheet1.xml"), *shared),
        "xl/sharedStrings.xml": f"<sst><si><t>{'x' * 100_000}</t></si><si/><si><t>two</t></si></sst>",
        "xl/styles.xml": '<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>',
        SHEET: sheet('<row r="1"><c r="A1"><v>1</v></c><c r="B1" t="s"><v>2</v></c></row>'),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as file:
        for name, content in (files | (changes or {})).items():
            if content is not None:
                file.writestr(name, content)
    return out.getvalue()


def read(raw: bytes) -> list[Grid]:
    grids, problems = opened(raw, "x.xlsx")
    assert problems == []
    return grids


def cells(rows: str, **more: str) -> list[list[Any]]:
    return read(packed({SHEET: sheet(rows, **more)}))[0].cells


def refused(raw: bytes) -> str:
    grids, problems = opened(raw, "x.xlsx")
    assert grids == []
    return str(problems[0])


def test_the_workbook_that_the_tricks_are_played_on_is_sound() -> None:
    assert [(grid.name, grid.cells) for grid in read(packed())] == [("one", [[1.0, "two"]])]


@pytest.mark.parametrize(
    "place",
    ["XFD001048576", "A300000000000", "AAAA3", "A0", "A01", "$A$1", "A", "1", "", "A1 ", "A\u0663", "A-1", "A1:B2"],
)
def test_a_cell_whose_place_excel_would_not_write_is_refused(place: str) -> None:
    rows = f'<row r="2"><c r="A2"/><c r="{place}"><v>1</v></c></row>'
    assert "a damaged workbook" in refused(packed({SHEET: sheet(rows)}))


@pytest.mark.parametrize("number", ["00000300000", "x", "", "0", " 3", "3000000000000", "\u0663", "-1"])
def test_a_row_whose_number_excel_would_not_write_is_refused(number: str) -> None:
    rows = f'<row r="1"><c r="A1"/></row><row r="{number}"><c><v>1</v></c></row>'
    assert "a damaged workbook" in refused(packed({SHEET: sheet(rows)}))


def test_a_cell_without_a_place_stands_where_a_reader_puts_it() -> None:
    """The place of one cell moves neither its row nor the next one."""
    rows = '<row r="1048576"><c r="A1"/><c><v>1</v></c></row>'
    assert "reaches to cell B1048576" in refused(packed({SHEET: sheet(rows)}))
    rows = '<row r="300000"><c r="A1"/></row><row><c><v>1</v></c></row>'
    assert "reaches to cell A300001" in refused(packed({SHEET: sheet(rows)}))
    assert cells('<row><c r="A3"><v>3</v></c></row><row><c><v>1</v></c><c><v>2</v></c></row>') == [
        ["", ""],
        [1.0, 2.0],
        [3.0, ""],
    ]


@pytest.mark.parametrize(
    "value",
    [
        "+0",
        " 0",
        "0 ",
        "0.0",
        "0x0",
        "\u0660",
        "0<t>7</t>",
        "<b/>0",
        "0<!-- -->9",
        "0&#57;",
        "0<![CDATA[9]]>",
        "9",
        "-1",
    ],
)
def test_a_shared_text_is_named_by_its_number_or_the_workbook_is_refused(value: str) -> None:
    rows = f'<row r="1"><c r="A1" t="s"><v>{value}</v></c></row>'
    assert "a damaged workbook" in refused(packed({SHEET: sheet(rows)}))


@pytest.mark.parametrize("value", ["0", "00", "&#48;", "<![CDATA[0]]>", "<!-- -->0"])
def test_a_long_text_counts_each_time_however_its_number_is_spelled(value: str) -> None:
    rows = "".join(f'<row r="{r}"><c r="A{r}" t="s"><v>{value}</v></c></row>' for r in range(1, 502))
    assert "characters of text" in refused(packed({SHEET: sheet(rows)}))


@pytest.mark.parametrize(
    "name", ["XL/_rels/workbook.xml.rels", "xl\\_rels\\workbook.xml.rels", "xl/worksheets/SHEET1.xml"]
)
def test_no_file_has_a_double(name: str) -> None:
    raw = packed({name: related(("worksheet", "worksheets/far.dat")), "xl/worksheets/far.dat": sheet(FAR)})
    assert "the names of its files are mixed up" in refused(raw)


@pytest.mark.parametrize(
    "changes",
    [
        {RELATIONS: related(("worksheet", "worksheets/far.dat")), "xl/worksheets/far.dat": sheet(FAR)},
        {RELATIONS: related(("worksheet", "worksheets/&#102;ar.xml")), "xl/worksheets/far.xml": sheet(FAR)},
        {RELATIONS: related(("worksheet", "worksheets/../far.xml")), "xl/far.xml": sheet(FAR)},
        {"_rels/.rels": related(("officeDocument", "b/book.xml")), "b/book.xml": listed(("one", "r1")),
         "b/_rels/book.xml.rels": related(("worksheet", "far.xml")), "b/far.xml": sheet(FAR)},
        {SHEET: sheet(FAR).replace("<", "<x:").replace("<x:/", "</x:").replace("xmlns=", "xmlns:x=")},
        {SHEET: sheet('<row xmlns:q="u" q:r="3" r="1048576"><c q:r="A1" s="0"><v>1</v></c></row>')},
    ],
)  # fmt: skip
def test_a_sheet_is_measured_wherever_it_is_kept_and_however_it_is_spelled(changes: dict[str, Change]) -> None:
    assert "is too large" in refused(packed(changes))


def test_what_another_reader_would_follow_is_never_followed() -> None:
    """Beside a workbook in a folder of its own, the usual names hold something else."""
    raw = packed({
        "_rels/.rels": related(("officeDocument", "b/book.xml")),
        "b/book.xml": listed(("one", "r1")),
        "b/_rels/book.xml.rels": related(("worksheet", "s.xml")),
        "b/s.xml": sheet('<row r="1"><c r="A1"><v>5</v></c></row>'),
        SHEET: sheet(FAR),
    })  # fmt: skip
    assert [(grid.name, grid.cells) for grid in read(raw)] == [("one", [[5.0]])]


@pytest.mark.parametrize("names", [("one", "two"), ("one", "one")])
def test_a_sheet_is_read_once(names: tuple[str, str]) -> None:
    raw = packed({"xl/workbook.xml": listed((names[0], "r1"), (names[1], "r1"))})
    assert "two sheets are one" in refused(raw)


def test_sheets_are_measured_together() -> None:
    wide = sheet('<row r="1"><c r="A1"/></row><row r="200000"><c r="J200000"><v>1</v></c></row>')
    names = [f"s{i}" for i in range(1, 4)]
    raw = packed({
        "xl/workbook.xml": listed(*((name, f"r{i}") for i, name in enumerate(names, 1))),
        RELATIONS: related(*(("worksheet", f"{name}.xml") for name in names)),
        **{f"xl/{name}.xml": wide for name in names},
    })  # fmt: skip
    assert "its sheets reach over more than 4,000,000 cells together" in refused(raw)


@pytest.mark.parametrize("how", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_another_packing_is_refused_before_anything_is_unpacked(how: int, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = packed({"__MACOSX/x": "x"}, how)

    def unpacking(*_: object, **__: object) -> None:
        raise AssertionError("an entry was opened")

    monkeypatch.setattr(zipfile.ZipFile, "open", unpacking)
    assert "packed in another way" in refused(raw)


def test_a_locked_entry_is_refused() -> None:
    raw = bytearray(packed())
    at = raw.index(b"PK\x01\x02") + 8  # the flags of the first entry in the directory
    raw[at] |= 1
    assert "packed in another way" in refused(bytes(raw))


OTHERS: list[tuple[str, Callable[[], bytes], str]] = [
    ("xlsb", lambda: packed({"xl/workbook.bin": b"\x83\x01\x00"}), "not an Excel workbook"),
    ("ods", lambda: packed({"[Content_Types].xml": None, "mimetype": ODF, "content.xml": "<x/>"}), "not an Excel"),
    ("xls", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an old or a locked workbook"),
    ("utf-16", lambda: packed({SHEET: sheet(FAR).encode("utf-16")}), "is too large"),
    ("a named utf-16", lambda: packed({SHEET: f'<?xml version="1.0" encoding="UTF-16"?>{sheet(FAR)}'}), "is too large"),
    ("entities of the book", lambda: packed({"xl/workbook.xml": "<!DOCTYPE x [<!ENTITY a 'b'>]><x/>"}), "entities"),
    ("entities of relations", lambda: packed({RELATIONS: "<!DOCTYPE x [<!ENTITY a 'b'>]><x/>"}), "entities"),
    ("entities of styles", lambda: packed({"xl/styles.xml": "<!DOCTYPE x [<!ENTITY a 'b'>]><x/>"}), "entities"),
    ("deep", lambda: packed({SHEET: "<a>" * 2000 + "</a>" * 2000}), "a damaged workbook"),
    ("a long format", lambda: packed({"xl/styles.xml": '<styleSheet><numFmts><numFmt numFmtId="164" formatCode="'
                                      f'{"0" * 1001}"/></numFmts></styleSheet>'}), "a format of numbers is too long"),
    ("an odd kind", lambda: packed({SHEET: sheet('<row><c t="&quot;/&gt;"><v>1</v></c></row>')}), "a damaged workbook"),
    ("an odd style", lambda: packed({SHEET: sheet('<row><c s="1&quot;"><v>1</v></c></row>')}), "a damaged workbook"),
    ("an odd area", lambda: packed({SHEET: sheet("", '<mergeCells><mergeCell ref="A1:B03"/></mergeCells>')}), "damaged"),
    ("two tables of texts", lambda: packed({RELATIONS: related(("worksheet", "worksheets/sheet1.xml"), *[
        ("sharedStrings", "sharedStrings.xml")] * 2)}), "two parts of the kind sharedStrings"),
    ("no texts", lambda: packed({"xl/sharedStrings.xml": None}), "a text is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "expected"), [case[1:] for case in OTHERS], ids=[case[0] for case in OTHERS])
def test_what_is_no_plain_workbook_never_comes_to_the_reader(
    make: Callable[[], bytes], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook_file, "_read", lambda *_: pytest.fail("the reader saw it"))
    assert expected in refused(make())


def test_areas_and_texts_count_as_cells_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook_scan, "MAX_CELLS", 3)
    area = '<mergeCell ref="A1:B2"/>'
    assert "more than 3 cells" in refused(packed({SHEET: sheet("", f"<mergeCells>{area * 4}</mergeCells>")}))
    assert "more than 3 texts" in refused(packed({"xl/sharedStrings.xml": f"<sst>{'<si/>' * 4}</sst>"}))


@pytest.mark.parametrize(
    "cell",
    ['<c r="B2" t="inlineStr"><is><t>a_x0000_b</t></is></c>', '<c r="B2" t="str"><v>_x0000_</v></c>'],
)
def test_a_zero_character_is_refused_with_its_cell(cell: str) -> None:
    found = refused(packed({SHEET: sheet(f'<row r="2">{cell}</row>')}))
    assert found == "x.xlsx: a zero character (NUL) in cell B2 of the sheet 'one' (type the text again)"


def test_a_shared_zero_character_is_refused_and_one_that_is_only_spoken_of_is_not() -> None:
    rows = '<row r="1"><c r="A1" t="s"><v>0</v></c></row>'
    texts = "<sst><si><t>a_x{}_</t></si></sst>"
    assert "NUL" in refused(packed({SHEET: sheet(rows), "xl/sharedStrings.xml": texts.format("0000")}))
    raw = packed({SHEET: sheet(rows), "xl/sharedStrings.xml": texts.format("005F_x0000")})
    assert read(raw)[0].cells == [["a_x0000_"]]


def test_what_honest_programs_write_is_read() -> None:
    rows = (
        '<row r="1" spans="1:9"><c r="A1" t="s"><v>1</v></c><c r="B1" t="inlineStr"><is><r><t>a</t></r><r><t xml:space='
        '"preserve"> b&amp;&#13;</t></r><rPh><t>spoken</t></rPh></is></c><c r="C1" s="1"><v>45658</v></c>'
        '<c r="D1" t="b"><v>1</v></c><c r="E1" t="e"><f>X()</f><v>#SPILL!</v></c><c r="F1"><f t="shared" ref="F1:XFD9" '
        'si="999999999">1+1</f></c><c r="G1" t="str"><f>"a"</f><v> a </v></c><c r="H1" t="d"><v>2025-01-06</v></c></row>'
    )
    after = '<mergeCells><mergeCell ref="A2:B3"/></mergeCells><extLst><ext><row r="x"><c/></row></ext></extLst>'
    grid = read(packed({SHEET: sheet(rows, after, '<dimension ref="A1:XFD1048576"/>')}))[0]
    day = dt.date(2025, 1, 1)
    assert grid.cells == [["", "a b&\r", day, True, "", "", " a ", dt.date(2025, 1, 6)]]
    assert (grid.errors, grid.unknown, grid.merged) == ({(0, 4): "#SPILL!"}, {(0, 5)}, [((1, 0), (2, 1))])
    before = '<workbookPr date1904="1"/><definedNames><definedName name="a">x!$A$1</definedName></definedNames>'
    raw = packed({SHEET: sheet(rows), "xl/workbook.xml": listed(("one", "r1"), before=before)})
    assert read(raw)[0].cells[0][2] == dt.date(2029, 1, 2)


def test_formats_of_dates_come_over() -> None:
    styles = (
        '<styleSheet><numFmts><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/><numFmt numFmtId="165" formatCode='
        '"&quot;day&quot;\\ 0"/></numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/>'
        '<xf numFmtId="164"/><xf numFmtId="165"/></cellXfs></styleSheet>'
    )
    rows = (
        '<row r="1"><c r="A1" s="0"><v>45658</v></c><c r="B1" s="1"><v>45658</v></c><c r="C1" s="2"><v>3</v></c></row>'
    )
    raw = packed({SHEET: sheet(rows), "xl/styles.xml": styles})
    assert read(raw)[0].cells == [[45658.0, dt.date(2025, 1, 1), 3.0]]
