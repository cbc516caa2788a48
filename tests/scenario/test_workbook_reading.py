"""Reading a workbook: each problem with its cell, all at once; what Excel does to a sheet; hostile files."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import os
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

import fieldshift as fs
from fieldshift.scenario import workbook_file

HEAD = [["field", "value"], ["name", "Small"], ["horizon.start", dt.date(2025, 1, 6)], ["horizon.periods", 4]]
SITES = [["id", "beds"], ["a", 3], ["b", 4]]
COUNTS = "(Fieldshift holds counts by site and kind only, no record of any person: take the column out)"
Rows = Sequence[Sequence[Any]]


def put(file: Path, merged: Mapping[str, str] | None = None, **sheets: Rows) -> Path:
    """Write a workbook as a planner might: a tuple is a formula with its value."""
    with xlsxwriter.Workbook(file, {"strings_to_formulas": False}) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        for name, rows in {"scenario": HEAD, **sheets}.items():
            sheet = book.add_worksheet(name)
            for r, row in enumerate(rows):
                for c, cell in enumerate(row):
                    if isinstance(cell, dt.date):
                        sheet.write_datetime(r, c, cell, day)
                    elif isinstance(cell, tuple):
                        sheet.write_formula(r, c, cell[0], None, cell[1])
                    elif isinstance(cell, str):
                        sheet.write_string(r, c, cell)
                    elif cell is not None:
                        sheet.write(r, c, cell)
            if merged and name in merged:
                sheet.merge_range(merged[name], "m")
    return file


def told(file: Path, **more: Any) -> list[str]:
    with pytest.raises(fs.ScenarioError) as caught:
        fs.read(file, **more)
    return [str(problem) for problem in caught.value.problems]


# ------------------------------------------------------------------------------------- what is taken


def test_a_planners_own_workbook_reads_as_a_folder_would(tmp_path: Path) -> None:
    file = put(
        tmp_path / "case.xlsx",
        sites=SITES,
        _scratch=[["anything", 1], [None, dt.date(2020, 1, 1)]],
        stocks=[
            ["start", "name", "at", "hours", "tags", "on_strength", "start.source", "title"],
            ["100 person", "desk", "a, b", 32, "team: x", False, "a report", 2025],
            [],
            [("=50*2", 100), "field", "[a]", "36 hour/week", None, "yes", None, None],
            ["seats!", "pool", None, None, None, None, None, dt.date(2025, 1, 6)],
        ],
        quantities=[["name", "value", "range"], ["x", "2025-01-06: 1, 2025-02-03: 2", None], ["y", None, "5..6 %"]],
        flows=[["name", "tail", "rate", "range"], ["quit", "desk", "6 %/year", "5..7 %/year"]],
        seats=[["site", "value"], ["b", 2], ["a", "3 person"]],
        budgets=[["name", "pays", "cap"], ["pay", "stocks", "2025: 7 MUSD, 2026: 8 MUSD"]],
    )
    scenario = fs.read(file)
    assert scenario.horizon.start == dt.date(2025, 1, 6)
    desk, field, pool = scenario.stocks.values()
    assert (desk.start.value, desk.start.source, desk.at, desk.hours.value) == (
        "100 person",
        "a report",
        ("a", "b"),
        32,
    )
    assert (desk.tags, desk.on_strength, desk.title) == ({"team": "x"}, False, "2025")
    assert (field.start.value, field.at, field.on_strength) == (100, ("a",), True)
    assert (pool.start.sites, pool.title) == ({"b": 2, "a": "3 person"}, "2025-01-06")
    assert scenario.quantities["x"].dates == {"2025-01-06": 1, "2025-02-03": 2}
    assert scenario.quantities["y"].range == "5..6 %"
    assert scenario.flows["quit"].rate is not None
    assert scenario.flows["quit"].rate.range == "5..7 %/year"
    assert scenario.budgets["pay"].cap is not None
    assert scenario.budgets["pay"].cap.years == {2025: "7 MUSD", 2026: "8 MUSD"}
    assert scenario._places[("stocks", "desk", "start")] == "stocks!A2"
    assert scenario._places[("stocks", "pool", "start", "sites", "b")] == "seats!B2"
    assert scenario._places[("sites", 1, "beds")] == "sites!B3"


def test_overlays_and_sets_lie_over_a_workbook_as_over_a_folder(tmp_path: Path) -> None:
    file = put(tmp_path / "case.xlsx", sites=SITES, stocks=[["name", "start"], ["desk", "nowhere!"]])
    (tmp_path / "over").mkdir()
    (tmp_path / "over" / "more.yaml").write_text("stocks: {desk: {start: desk.csv}, field: {start: 5}}\n")
    (tmp_path / "over" / "desk.csv").write_text("site,value\na,1\nb,2\n")
    scenario = fs.read(
        file, overlay=tmp_path / "over" / "more.yaml", set=["name=Other", "stocks.field.hours=30 hour/week"]
    )
    assert scenario.stocks["desk"].start.sites == {"a": 1, "b": 2}
    assert (scenario.name, scenario.stocks["field"].hours.value) == ("Other", "30 hour/week")
    assert told(file) == ["stocks!B2: stocks.desk.start: there is no sheet 'nowhere' (there are no further sheets)"]
    hint = "a workbook has no files beside it: put the table on a sheet, and write its name with ! behind it"
    assert told(file, set="stocks.desk.start=seats.csv") == [
        f"--set: stocks.desk.start: there is no sheet 'seats' ({hint})"
    ]


def test_lists_settings_and_estimates_find_their_owners(tmp_path: Path) -> None:
    file = put(
        tmp_path / "case.xlsx",
        stocks=[["name", "start"], ["desk", "estimates!"], ["field", 5]],
        choices=[["name", "head"], ["hire", "field"]],
        stages=[["choice", "name", "lasts"], ["hire", "vetting", "3 week"], ["hire", "academy", "9 week"]],
        estimates=[["in", "value", "weight"], ["stocks.desk.start", "5 person", 2], ["choices.hire.stages.1.pass", "90 %", 1],
                   ["stocks.desk.start", "9 person", None]],
        needs=[["name", "of", "need", "short.price"], ["n", "field", 5, "7 USD/person"]],
        steps=[["in", "price"], ["needs.n.short", 9]],
        policies=[["name", "extends"], ["a", None], ["b", "a"]],
        settings=[["policy", "path", "value"], ["b", "stocks.field.start", 7], ["b", "goals", "[{least: cost}]"], ["b", "work.x", "null"]],
        rules=[["policy", "rule", "choice", "amount"], ["b", "schedule", "hire", "2 person/week"], ["b", None, "hire", 3]],
    )  # fmt: skip
    scenario = fs.read(file, set="policies.b.rules.1.rule=schedule")
    assert [e.value for e in scenario.stocks["desk"].start.estimates] == ["5 person", "9 person"]
    assert [s.name for s in scenario.choices["hire"].stages] == ["vetting", "academy"]
    assert [e.value for e in scenario.choices["hire"].stages[1].pass_.estimates] == ["90 %"]
    short = scenario.needs["n"].short
    assert short is not None
    assert (short.price.value, short.steps[0].price.value) == ("7 USD/person", 9)
    assert scenario.policies["b"].set == {"stocks.field.start": 7, "goals": [{"least": "cost"}], "work.x": None}
    assert [r.rule for r in scenario.policies["b"].rules] == ["schedule", "schedule"]


# ---------------------------------------------------------------------------- problems, by their cells


def test_every_problem_is_told_at_once_with_its_cell(tmp_path: Path) -> None:
    file = put(
        tmp_path / "case.xlsx",
        {"work": "A3:A4"},
        scenario=[*HEAD[:3], ["horizon.periods", "ten"], ["horizen.step", "week"], ["name", "Twice"], [None, 5]],
        sites=[["id", "lat", "employee_name", "load"], ["a", 95, "x", 1], ["a", 50, "y", 2], [None, 51, None, 3],
               ["b", "north", None, ("=1/0", "#DIV/0!")], ["c", None, None, "j.doe@agency.gov"]],
        stocks=[["name", "start", "hours", "dutty", "start.range", "start.sauce"], ["desk", ("=NA()", "#N/A"), True, 1, None, None],
                ["desk", 5], [None, 7], ["pool", dt.date(2025, 1, 1), dt.datetime(2025, 1, 6, 12), None, None, 3],
                ["new", ("=1+1", ""), "inf"]],
        choices=[["name", "tail", "uses", "lump"], ["move", "desk", "seats: one", 1.5], ["hire", "desk", "[seats"]],
        stages=[["choice", "name", "lasts"], ["hier", "x", "3 week"], [None, "y", "2 week"]],
        work=[["name", "start"], ["x", 5]],
        resources=[["name", "cap"], ["seats", "caps!"], ["beds", "nothere!"]],
        caps=[["date", "vlaue", None], [dt.date(2025, 1, 6), 5, 6]],
        polices=[["name"], ["stay"]],
        rules=[["policy", "rule"], ["stay", "schedul"]],
        estimates=[["in", "value"], ["quantities.x", 3]],
    )  # fmt: skip
    assert told(file) == [
        "caps!A1: no column for sites a, b, c (a table by site names every site)",
        "caps!B1: 'vlaue' is neither a site nor 'value' (did you mean 'value'?)",
        "caps!C2: a value under no header",
        "choices!C2: choices.move.uses.seats: expected a number, got 'one'",
        "choices!D2: choices.move.lump: expected a whole number, got 1.5",
        "choices!C3: choices.hire.uses: cannot be read as names or a mapping, such as `desk, field` or `seats: 1`: '[seats'",
        "estimates!A2: there is no 'quantities.x' that this row could belong to (there are no quantities)",
        "polices!A1: nothing names the sheet 'polices' (did you mean 'policies'?; a name that starts with _ is left alone)",
        "resources!B3: resources.beds.cap: there is no sheet 'nothere' (further sheets: caps, polices)",
        "rules!A2: there is no 'stay' that this row could belong to (there are no policies)",
        "scenario!B4: horizon.periods: expected a whole number, got 'ten'",
        "scenario!A5: there is no field 'horizen.step' (did you mean 'horizon.step'?)",
        "scenario!A6: name: 'name' stands here twice (first in scenario!A2)",
        "scenario!B7: a value without the name of its field",
        "sites!C1: the column 'employee_name' looks like a person's identity " + COUNTS,
        "sites!B2: sites.0.lat: must be at most 90, got 95",
        "sites!A3: sites: 'a' stands here twice (first in sites!A2)",
        "sites!B4: a site without an id",
        "sites!B5: sites.1.lat: expected a number, got 'north'",
        "sites!D5: sites.b.load: the cell holds an error, #DIV/0! (mend its formula, or leave the cell empty)",
        "sites!D6: sites.c: a value of 'load' looks like a person's identity " + COUNTS,
        "stages!A2: there is no 'hier' that this row could belong to (did you mean 'hire'?)",
        "stages!B3: a row without a choice",
        "stocks!D1: unknown column 'dutty' (did you mean 'duty'?)",
        "stocks!F1: unknown column 'start.sauce' (did you mean 'start'?)",
        "stocks!B2: stocks.desk.start: the cell holds an error, #N/A (mend its formula, or leave the cell empty)",
        "stocks!C2: stocks.desk.hours: expected a number, got true/false",
        "stocks!A3: stocks: 'desk' stands here twice (first in stocks!A2)",
        "stocks!B4: a part without a name",
        "stocks!B5: stocks.pool.start: expected a number, text with a unit, a table or a mapping, got 2025-01-01",
        "stocks!C5: stocks.pool.hours: a date with a time of day, 2025-01-06 12:00 (write the date alone)",
        "stocks!B6: stocks.new.start: a formula whose value is not in the file (open the workbook in Excel and save it)",
        "stocks!C6: stocks.new.hours: expected a finite number, got inf",
        "work!A3: merged cells, A3:A4 (unmerge them)",
    ]


@pytest.mark.parametrize(
    ("sheets", "expected"),
    [
        ({"stocks": [["title"], ["x"]]}, "stocks!A1: the sheet needs a column 'name' (columns here: title)"),
        ({"stocks": [["name", None], ["x", 5]]}, "stocks!B1: a column without a name, and values below it"),
        ({"stocks": [["name", "start", "start"], ["x"]]}, "stocks!C1: the column 'start' stands here twice"),
        (
            {"stocks": [["name", "learning", "learning.lasts"], ["x", "{lasts: 3 week, productivity: 1}", 4]]},
            "stocks!C2: stocks.x.learning.lasts: the column 'learning.lasts' clashes",
        ),
        ({"sites": [["name"], ["x"]]}, "sites!A1: the sheet needs a column 'id' (columns here: name)"),
        ({"settings": [["policy", "path", "value"], ["p", "x", 1]]}, "settings!A2: there is no policy 'p'"),
        (
            {"policies": [["name"], ["p"]], "settings": [["policy", "path"], ["p", "x"]]},
            "settings!A2: policies.p.set: a setting needs a path and a value",
        ),
        (
            {"policies": [["name"], ["p"]], "settings": [["policy", "path", "value"], ["p", "x", 1], ["p", "x", 2]]},
            "settings!A3: policies.p.set.x: 'x' stands here twice (first at settings!C2)",
        ),
        (
            {"policies": [["name", "set"], ["p", "x: 1"]], "settings": [["policy", "path", "value"], ["p", "x", 2]]},
            "settings!A2: policies.p.set.x: 'x' stands here twice (first at policies!B2)",
        ),
        (
            {"quantities": [["name", "value"], ["q", "estimates!"]]},
            "quantities!B2: quantities.q: there are no rows for it on the sheet 'estimates'",
        ),
        (
            {"quantities": [["name", "value"], ["q", 1]], "estimates": [["in", "value"], ["quantities.q.note.x", 1]]},
            "estimates!A2: there is no 'quantities.q.note.x' that this row could belong to",
        ),
        ({"estimates": [["in", "value"], [None, 1]]}, "estimates!B2: a row that does not say what it belongs to"),
        ({"sites": [["id", "badge_no"], ["a", 1]]}, "sites!B1: the column 'badge_no' looks like a person's identity"),
        ({"x y": [["a"], [1]]}, "'x y'!A1: nothing names the sheet 'x y'"),
        (
            {"resources": [["name", "cap"], ["r", "'x y'!"]], "sites": SITES, "x y": [["site", "value"], ["a", 1], ["c", 2]]},
            "'x y'!A3: there is no site 'c'",
        ),
        (
            {"resources": [["name", "cap"], ["r", "t!"]], "t": [["year", "value"], [2025, dt.time(8)], [2026, ("=1/0", "#DIV/0!")]]},
            "t!B3: the cell holds an error, #DIV/0!",
        ),
    ],
)  # fmt: skip
def test_a_problem_stands_at_its_cell(tmp_path: Path, sheets: dict[str, Rows], expected: str) -> None:
    found = told(put(tmp_path / "case.xlsx", **sheets))
    assert any(problem.startswith(expected) for problem in found), found


def test_what_the_network_refuses_stands_at_its_cell_too(tmp_path: Path) -> None:
    file = put(
        tmp_path / "case.xlsx",
        stocks=[["name", "at", "start"], ["desk", "nation", "5 post"]],
        choices=[["name", "at", "tail", "head"], ["move", "nation", "desk", "feild"]],
        policies=[["name"], ["p"]],
        rules=[["policy", "rule", "choice", "amount"], ["p", "schedule", "mov", "2 person/week"]],
    )
    found = [(p.where, p.path) for p in fs.problems(fs.read(file)) if p.level == "error"]
    assert ("stocks!C2", "stocks.desk.start.value") in found
    assert ("choices!D2", "choices.move.head") in found
    assert ("rules!C2", "policies.p.rules.0.choice") in found


def test_numbers_stored_as_text_are_numbers_where_only_numbers_stand(tmp_path: Path) -> None:
    rows = [["id", "lat", "weight", "load"], ["a", "50.5", " 2 ", "1.5"], ["b", "1,000", "", "007"]]
    assert told(put(tmp_path / "case.xlsx", sites=rows)) == ["sites!B3: sites.1.lat: expected a number, got '1,000'"]
    rows[2][1] = "-7"
    sites = fs.read(put(tmp_path / "case.xlsx", sites=rows)).sites
    assert [(s.lat, s.weight, s.attributes["load"]) for s in sites] == [(50.5, 2, 1.5), (-7, 1, "007")]


def test_a_sheet_named_history_holds_series_too(tmp_path: Path) -> None:
    file = put(
        tmp_path / "case.xlsx",
        History=[["name", "of", "table", "column"], ["staff", "on_board", None, None], ["other", "on_board", "plain!", "heads"]],
        observed=[["series", "date", "value", "published"], ["staff", dt.date(2025, 1, 31), 5, dt.date(2025, 2, 9)], ["staff", "2025-02", None, None]],
        plain=[["month", "heads", "fte"], ["2025-01", 7, 6.5]],
    )  # fmt: skip
    history = fs.read(file).history
    assert [(r.date, r.value, r.published) for r in history["staff"].rows] == [
        ("2025-01-31", 5, dt.date(2025, 2, 9)),
        ("2025-02", None, None),
    ]
    assert [(r.date, r.value) for r in history["other"].rows] == [("2025-01", 7)]


def test_a_sheet_that_is_wrong_throughout_is_not_told_row_by_row_for_ever(tmp_path: Path) -> None:
    rows = [["policy", "rule"], *([f"p{i}", "schedule"] for i in range(3000))]
    assert len(told(put(tmp_path / "case.xlsx", policies=[["name"], ["p"]], rules=rows))) < 1100


def test_an_overlay_is_a_yaml_file(tmp_path: Path) -> None:
    with pytest.raises(fs.UsageError, match=r"an overlay is a \.yaml file"):
        fs.read("academy", overlay=put(tmp_path / "case.xlsx"))


def test_problems_stand_in_the_order_of_their_cells(tmp_path: Path) -> None:
    rows = [["name", "start"], *([f"s{i}", "inf"] for i in range(12))]
    assert [problem.split(":")[0] for problem in told(put(tmp_path / "case.xlsx", stocks=rows))] == [
        f"stocks!B{i}" for i in range(2, 14)
    ]


def test_workbooks_without_a_scenario_say_so(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as book:
        book.add_worksheet("Sheet1")
    assert told(tmp_path / "a.xlsx") == [
        f"{tmp_path}/a.xlsx: no sheet of a scenario here (`fieldshift new NAME --xlsx` makes a workbook to start from)"
    ]
    assert (
        told(put(tmp_path / "b.xlsx", scenario=[["field", "value"]]))[0] == "scenario!A1: 'name' is missing (Its name)"
    )
    with pytest.raises(fs.UsageError, match=r"a folder, a \.yaml file or an \.xlsx workbook"):
        fs.read(put(tmp_path / "c.xlsx").rename(tmp_path / "c.xlsm"))


# ------------------------------------------------------------------------------------ hostile files


def rewritten(file: Path, change: Mapping[str, bytes]) -> bytes:
    """Return a workbook with some of its files replaced."""
    out = io.BytesIO()
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change.get(name, old.read(name)))
        for name in change.keys() - set(old.namelist()):
            new.writestr(name, change[name])
    return out.getvalue()


def sheet(cells: str) -> bytes:
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>'.encode()


def unscanned(file: Path) -> bytes:
    """Return a workbook whose sheet hides under a name that no sheet has."""
    far = sheet('<row r="1"><c r="XFD1048576"><v>1</v></c></row>')
    with zipfile.ZipFile(file) as old:
        rels = old.read("xl/_rels/workbook.xml.rels").replace(b"sheet1.xml", b"sheet1.bin")
    return rewritten(file, {"xl/_rels/workbook.xml.rels": rels, "xl/worksheets/sheet1.bin": far})


SHEET = "xl/worksheets/sheet1.xml"
HOSTILE: list[tuple[str, Any, str]] = [
    ("nothing", lambda _: b"", "not an Excel workbook"),
    ("text", lambda _: b"name,value\n", "not an Excel workbook"),
    ("an old workbook", lambda _: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an old or a locked workbook"),
    ("cut off", lambda f: f.read_bytes()[:-700], "not an Excel workbook"),
    ("too large", lambda f: f.read_bytes() + bytes(workbook_file.MAX_BYTES), "too large"),
    ("a bomb", lambda f: rewritten(f, {"xl/media/x.bin": bytes(workbook_file.MAX_UNPACKED + 1)}), "unpacks to more than"),
    ("many files", lambda f: rewritten(f, {f"x/{i}.txt": b"" for i in range(2001)}), "too many files inside"),
    ("a far cell", lambda f: rewritten(f, {SHEET: sheet('<row r="1"><c r="XFD1048576"><v>1</v></c></row>')}), "reaches to cell XFD1048576"),
    ("many cells", lambda f: rewritten(f, {SHEET: sheet("<row>" + "<c/>" * 1500 + "</row>" + ("<row>" + "<c/>" * 1500 + "</row>") * 400)}),
     "more than 500,000 cells"),
    ("a text repeated", lambda f: rewritten(f, {
        "xl/sharedStrings.xml": f"<sst><si><t>{'x' * 32000}</t></si></sst>".encode(),
        SHEET: sheet("".join(f'<row r="{r}"><c r="A{r}" t="s"><v>0</v></c></row>' for r in range(1, 2000))),
     }), "characters of text"),
    ("entities", lambda f: rewritten(f, {SHEET: b'<!DOCTYPE x [<!ENTITY a "b">]>' + sheet("")}), "defines entities of its own"),
    ("broken", lambda f: rewritten(f, {SHEET: b"<worksheet><sheetData>"}), "a damaged workbook"),
    ("a sheet out of sight", unscanned, "reaches to cell XFD1048576"),
    ("no sheet", lambda f: rewritten(f, {"xl/_rels/workbook.xml.rels": b"<Relationships/>"}), "a damaged workbook"),
    ("no book", lambda f: rewritten(f, {"xl/workbook.xml": b"<x/>"}), "a damaged workbook"),
    ("bad numbers", lambda f: rewritten(f, {SHEET: sheet('<row r="x"><c r="A1" s="99" t="d"><v>never</v></c></row>')}), ""),
]  # fmt: skip


@pytest.mark.parametrize(("make", "expected"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE])
def test_hostile_files_are_refused_in_a_sentence(tmp_path: Path, make: Any, expected: str) -> None:
    raw = make(put(tmp_path / "case.xlsx"))
    (tmp_path / "bad.xlsx").write_bytes(raw)
    found = told(tmp_path / "bad.xlsx")
    assert any(expected in problem for problem in found), found
    if expected:
        assert found[0].startswith(f"{tmp_path}/bad.xlsx: ")


def test_a_sheet_that_states_less_than_it_unpacks_to_is_measured_all_the_same(tmp_path: Path) -> None:
    raw = rewritten(put(tmp_path / "case.xlsx"), {"xl/media/x.bin": bytes(2_000_000)})
    lie = re.sub(re.escape((2_000_000).to_bytes(4, "little")), (20).to_bytes(4, "little"), raw)
    assert lie != raw
    (tmp_path / "lie.xlsx").write_bytes(lie)
    assert "not an Excel workbook, or a damaged one" in told(tmp_path / "lie.xlsx")[0]


@settings(max_examples=120)
@given(data=st.data())
def test_a_damaged_workbook_is_read_or_refused_never_worse(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    whole = put(
        folder / "case.xlsx", sites=SITES, stocks=[["name", "start"], ["desk", ("=1+1", 2)], ["field", "5 person"]]
    )
    name = data.draw(
        st.sampled_from([SHEET, "xl/worksheets/sheet3.xml", "xl/sharedStrings.xml", "xl/workbook.xml", "xl/styles.xml"])
    )
    with zipfile.ZipFile(whole) as inside:
        text = bytearray(inside.read(name))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + data.draw(st.integers(0, 9))] = data.draw(
            st.binary(max_size=4) | st.sampled_from([b"9", b"<", b"Z9", b'"'])
        )
    (folder / "bad.xlsx").write_bytes(rewritten(whole, {name: bytes(text)}))
    with contextlib.suppress(fs.ScenarioError):
        fs.read(folder / "bad.xlsx")


@settings(max_examples=60)
@given(raw=st.binary(max_size=200), at=st.integers(0, 10**6))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, raw: bytes, at: int) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    whole = put(folder / "case.xlsx").read_bytes()
    at %= len(whole)
    (folder / "bad.xlsx").write_bytes(whole[:at] + raw + whole[at + len(raw) :])
    with contextlib.suppress(fs.ScenarioError):
        fs.read(folder / "bad.xlsx")


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = put(tmp_path / "case.xlsx")

    def denied(*_: Any, **__: Any) -> Any:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr(Path, "open", denied)
    assert told(file) == [f"{file}: cannot be read (Permission denied)"]
