"""Workbooks before an independent judge: LibreOffice opens, recalculates and converts them, and every cell survives."""

import csv
import dataclasses
import datetime as dt
import math
import re
import subprocess
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from python_calamine import CalamineWorkbook

import fieldshift as fs

pytestmark = [pytest.mark.office, pytest.mark.slow]

ALWAYS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load">
<prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item>
</oor:items>
"""
"""A profile that recalculates every workbook when it is opened, instead of trusting the values in it."""

PDF = 'pdf:calc_pdf_Export:{"PageRange":{"type":"string","value":"1-4"}}'
CSV = "csv:Text - txt - csv (StarCalc):44,34,76"
"""Commas, quotation marks, and 76 for UTF-8."""

TITLES = {"stay": "=1+1", "move": "@SUM(A1)", "hire": '=HYPERLINK("https://example.org","x")'}
ERRORS = re.compile(r"#(REF!|NAME\?|VALUE!|DIV/0!|NUM!|N/A|NULL!)|Err:\d+")


@pytest.fixture(scope="session")
def office(root, tmp_path_factory):
    """A function that converts a file with an installed LibreOffice; `make test` has put one there where it can."""
    found = subprocess.run([root / "tools" / "office.sh", "--find-only"], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    profile = tmp_path_factory.mktemp("office")
    (profile / "user").mkdir()
    (profile / "user" / "registrymodifications.xcu").write_text(ALWAYS, encoding="utf-8")

    def converted(file, to, out):
        program = [found.stdout.strip(), f"-env:UserInstallation={profile.as_uri()}", "--headless", "--norestore"]
        done = subprocess.run(
            [*program, "--convert-to", to, "--outdir", str(out), str(file)],
            capture_output=True, text=True, check=False, timeout=240,
        )  # fmt: skip
        written = Path(out) / f"{Path(file).stem}.{to.partition(':')[0]}"
        assert done.returncode == 0, done.stderr
        assert written.is_file(), done.stdout + done.stderr
        return written

    return converted


@pytest.fixture(scope="module")
def result():
    """A short run of the tutorial whose policies have names that look like formulas."""
    scenario = fs.overlaid(fs.read("academy"), {"horizon.periods": 12})
    found = fs.simulate(scenario, list(TITLES), 8, 1, groups=4, engine="reference")
    return dataclasses.replace(found, titles=TITLES)


@pytest.fixture(scope="module")
def book(result, tmp_path_factory):
    return fs.export_workbook(result, tmp_path_factory.mktemp("ours") / "run.xlsx")


@pytest.fixture(scope="module")
def judged(book, office, tmp_path_factory):
    """The workbook as LibreOffice writes it again, recalculated."""
    return office(book, "xlsx", tmp_path_factory.mktemp("theirs"))


def cells(file):
    read = CalamineWorkbook.from_path(file)
    return {name: read.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in read.sheet_names}


def parts(file):
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def same(ours, theirs):
    """Whether two cells are the same; LibreOffice writes 15 digits of a number, we write all."""
    if isinstance(ours, float) and isinstance(theirs, float):
        return math.isclose(ours, theirs, rel_tol=1e-14, abs_tol=0.0)
    return ours == theirs and type(ours) is type(theirs)


def assert_same_cells(ours, theirs):
    one, two = cells(ours), cells(theirs)
    assert list(one) == list(two)
    different = [
        (name, i, j, a, b)
        for name, rows in one.items()
        for i, (left, right) in enumerate(zip(rows, two[name], strict=True))
        for j, (a, b) in enumerate(zip(left, right, strict=True))
        if not same(a, b)
    ]
    assert different == []


def assert_no_errors(file):
    for name, rows in cells(file).items():
        wrong = [cell for row in rows for cell in row if isinstance(cell, str) and ERRORS.search(cell)]
        assert wrong == [], name
    for name, raw in parts(file).items():
        if name.startswith("xl/worksheets/"):
            assert b' t="e"' not in raw, name


def test_every_part_is_sound_xml(book):
    for name, raw in parts(book).items():
        assert ElementTree.fromstring(raw) is not None, name


def test_it_is_opened_without_loss(book, judged):
    assert_same_cells(book, judged)
    assert_no_errors(judged)


def test_what_is_read_back_is_the_run_to_the_digit(result, judged):
    rows = cells(judged)["Nation"]
    top = next(i for i, row in enumerate(rows) if row[0] == "Policy")
    frame = result.table()
    heads = {"Mean": "mean", "10 %": "q10", "Median": "q50", "90 %": "q90"}
    assert len(rows) - top - 1 == len(frame)
    for head, stat in heads.items():
        at = rows[top].index(head)
        read = np.array([math.nan if row[at] == "" else row[at] for row in rows[top + 1 :]], np.float32)
        assert np.array_equal(read, frame[stat].to_numpy(np.float32), equal_nan=True), head
    at = rows[top].index("Date")
    assert [row[at] for row in rows[top + 1 :]] == [day.date() for day in frame["date"]]
    assert all(type(row[at]) is dt.date for row in rows[top + 1 :])


def test_names_that_look_like_formulas_are_still_text(judged):
    policies = {row[0] for row in cells(judged)["Nation"]}
    assert set(TITLES.values()) <= policies
    found = parts(judged)
    sheets = re.findall(rb'<sheet name="([^"]*)"', found["xl/workbook.xml"])
    for i, name in enumerate(sheets, start=1):
        formulas = re.findall(rb"<f[^>]*>([^<]*)</f>", found[f"xl/worksheets/sheet{i}.xml"])
        assert all(re.fullmatch(rb"[A-Z]+\d+-[A-Z]+\d+", formula) for formula in formulas), name
        assert bool(formulas) == (name == b"Chart data"), name
    assert not any(b"<hyperlink " in raw for raw in found.values())


def test_tables_charts_and_their_titles_survive(book, judged):
    ours, theirs = parts(book), parts(judged)
    for kind in ("xl/tables/", "xl/charts/chart"):
        count = sum(name.startswith(kind) for name in ours)
        assert count == sum(name.startswith(kind) for name in theirs) > 0, kind
    titles = [sum(raw.count(b"<c:title>") for name, raw in book.items() if "chart" in name) for book in (ours, theirs)]
    assert titles[0] == titles[1] > 0


def test_formulas_are_worked_out_again(book, office, tmp_path):
    """With every stored result of a formula made wrong, what comes out is right: it was recalculated."""
    wrong, found = tmp_path / "wrong.xlsx", parts(book)
    sheets = re.findall(rb'<sheet name="([^"]*)"', found["xl/workbook.xml"])
    name = f"xl/worksheets/sheet{sheets.index(b'Chart data') + 1}.xml"
    found[name], changed = re.subn(rb"(</f>)<v>[^<]*</v>", rb"\1<v>-777</v>", found[name])
    assert changed > 100
    with zipfile.ZipFile(wrong, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, raw in found.items():
            archive.writestr(part, raw)
    assert -777.0 in {cell for row in cells(wrong)["Chart data"] for cell in row}
    again = office(wrong, "xlsx", tmp_path / "out")
    for mine, theirs in zip(cells(book)["Chart data"], cells(again)["Chart data"], strict=True):
        for a, b in zip(mine, theirs, strict=True):
            # A difference of two numbers of 15 digits each.
            assert same(a, b) or math.isclose(a, b, abs_tol=1e-9), (a, b)


def test_other_formats_come_out_of_it(result, book, office, tmp_path):
    first = office(book, CSV, tmp_path).read_text(encoding="utf-8").splitlines()
    assert first[0].startswith(result.name)
    shown = list(csv.reader(first))
    negative = [
        (value, shown[i][j])
        for i, row in enumerate(cells(book)["Summary"])
        for j, value in enumerate(row)
        if isinstance(value, float) and value <= -0.05
    ]
    assert negative
    assert all(words.startswith("-") for _, words in negative), negative
    page = office(book, PDF, tmp_path)
    assert page.read_bytes().startswith(b"%PDF-")
    assert page.stat().st_size > 20_000


def test_hidden_counts_are_still_hidden(result, office, tmp_path):
    book = fs.export_workbook(result, tmp_path / "few.xlsx", suppress=25)
    judged = office(book, "xlsx", tmp_path / "out")
    assert_same_cells(book, judged)
    assert_no_errors(judged)
    assert {"<25", "x"} <= {cell for row in cells(judged)["Sites"] for cell in row if isinstance(cell, str)}


@pytest.mark.parametrize("case", ["academy", "ice-2024"])
def test_a_case_goes_through_an_office_and_comes_back_equal(case, office, tmp_path):
    scenario = fs.read(case)
    book = fs.write(scenario, tmp_path / f"{case}.xlsx")
    for name, raw in parts(book).items():
        assert ElementTree.fromstring(raw) is not None, name
    judged = office(book, "xlsx", tmp_path / "out")
    assert_no_errors(judged)
    again = fs.read(judged)
    assert fs.digest(again) == fs.digest(scenario)
