"""The shell over workbooks: one is made, run, changed, broken; its problems are told by their cells."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import xlsxwriter

import fieldshift as fs
from fieldshift.cli import main

FEW = ["--draws", "8", "--groups", "1", "--engine", "reference", "--workers", "1", "-q"]


@dataclass
class Said:
    code: object
    out: str
    err: str


def say(*args: object) -> Said:
    """Run the shell in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as leaving:
        main([str(arg) for arg in args])
    said = Said(leaving.value.code, out.getvalue(), err.getvalue())
    assert "Traceback" not in said.err
    return said


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_new_makes_a_workbook_of_the_tutorial(here: Path) -> None:
    said = say("new", "mine", "--xlsx")
    assert said.code == 0, said.err
    assert said.out == "mine.xlsx: its first sheet says how to use it\n"
    assert said.err == "Next: fieldshift run mine.xlsx -o mine-out\n"
    assert [file.name for file in here.iterdir()] == ["mine.xlsx"]
    assert fs.read("mine.xlsx") == fs.read("academy")


def test_new_takes_a_name_that_ends_in_xlsx_as_it_is(here: Path) -> None:
    said = say("new", "deep/v1.2.xlsx", "--from", "uk-asylum", "--json")
    assert json.loads(said.out) == {"file": "deep/v1.2.xlsx", "from": "uk-asylum"}
    assert say("new", "v1.2", "--xlsx", "-q").code == 0
    assert sorted(file.name for file in here.iterdir()) == ["deep", "v1.2.xlsx"]
    assert fs.read("deep/v1.2.xlsx") == fs.read("uk-asylum")


def test_new_never_writes_over_a_file(here: Path) -> None:
    (here / "mine.xlsx").write_bytes(b"kept")
    said = say("new", "mine", "--xlsx")
    assert (said.code, said.out) == (2, "")
    assert said.err == "fieldshift: 'mine.xlsx' exists: name a new file\n"
    assert (here / "mine.xlsx").read_bytes() == b"kept"


def test_new_goes_from_a_workbook_to_a_folder_and_back(here: Path) -> None:
    assert say("new", "book.xlsx", "--from", "academy").code == 0
    assert say("new", "folder", "--from", "book.xlsx").code == 0
    assert sorted(file.name for file in (here / "folder").iterdir()) == ["scenario.yaml", "sites.csv"]
    assert say("new", "again", "--xlsx", "--from", "folder").code == 0
    assert (here / "again.xlsx").read_bytes() == (here / "book.xlsx").read_bytes()


def test_verbs_take_a_workbook_with_overlays_and_sets(here: Path) -> None:
    assert say("new", "book.xlsx").code == 0
    assert say("check", "book.xlsx").out == "book.xlsx: no problems; 0 warnings\n"
    (here / "over.yaml").write_text("stocks: {desk: {title: Laid over}}\n")
    shown = say("show", "book.xlsx", "stocks", "--with", "over.yaml", "--set", "stocks.field.title=Set")
    assert "Laid over" in shown.out
    assert "Set" in shown.out
    for source in ("book.xlsx", "academy"):
        assert say("run", source, "-o", f"{source}-out", "--set", "horizon.periods=20", *FEW).code == 0
    one, other = (fs.summary(fs.load(here / f"{source}-out" / "run")) for source in ("book.xlsx", "academy"))
    assert one == other


def broken(file: Path) -> None:
    with xlsxwriter.Workbook(file) as book:
        sheets = {
            "scenario": [["field", "value"], ["name", "Broken"], ["horizon.periods", 4]],
            "stocks": [["name", "start", "hous"], ["desk", "100 persns", 3], ["field", "", 5]],
            "flows": [["name", "tail", "rate"], ["quit", "dsk", "6 %/year"]],
        }
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for r, row in enumerate(rows):
                for c, cell in enumerate(row):
                    sheet.write(r, c, cell)
        book.get_worksheet_by_name("stocks").write_formula(2, 1, "=NA()", None, "#N/A")


def test_a_broken_workbook_is_told_cell_by_cell_and_no_more(here: Path) -> None:
    broken(here / "book.xlsx")
    said = say("check", "book.xlsx")
    assert (said.code, said.out) == (2, "book.xlsx: 2 errors; 0 warnings\n")
    assert said.err.splitlines() == [
        "stocks!C1: unknown column 'hous' (did you mean 'hours'?)",
        "stocks!B3: stocks.field.start: the cell holds an error, #N/A (mend its formula, or leave the cell empty)",
    ]


def test_a_file_that_is_no_workbook_is_told_in_a_sentence(here: Path) -> None:
    (here / "book.xlsx").write_text("name,value\n")
    said = say("run", "book.xlsx", "-o", "out")
    assert said.code == 2
    assert said.err.startswith("book.xlsx: not an Excel workbook, or a damaged one (save it as .xlsx)\n")
    assert not (here / "out").exists()


@pytest.mark.office
@pytest.mark.parametrize("name", ["academy", "ice-2024"])
def test_a_workbook_saved_by_libreoffice_reads_back_equal(here: Path, root: Path, name: str) -> None:
    found = subprocess.run([root / "tools" / "office.sh", "--find-only"], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    fs.write(fs.read(name), here / "book.xlsx")
    profile = f"-env:UserInstallation={(here / 'profile').as_uri()}"
    call = [found.stdout.strip(), "--headless", profile, "--convert-to", "xlsx", "--outdir", "saved", "book.xlsx"]
    done = subprocess.run(call, cwd=here, capture_output=True, text=True, timeout=240, check=False)
    assert (here / "saved" / "book.xlsx").is_file(), done.stderr
    assert (here / "saved" / "book.xlsx").read_bytes() != (here / "book.xlsx").read_bytes()
    assert fs.read(here / "saved" / "book.xlsx") == fs.read(name)
