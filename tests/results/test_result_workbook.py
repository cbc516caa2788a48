"""A run as a workbook: the numbers of the run to the digit, the same bytes each time, no formula from a planner's words."""

import dataclasses
import datetime as dt
import math
import re
import zipfile

import invented
import numpy as np
import pandas as pd
import pytest
from handmade import collected, lived, network
from python_calamine import CalamineWorkbook

import fieldshift as fs
from fieldshift.errors import RunError, UsageError
from fieldshift.results import workbook_tables
from fieldshift.results.evidence import ledger
from fieldshift.results.parquet import read
from fieldshift.results.parquet_tables import export_parquet
from fieldshift.results.planned import MOVES, Planned
from fieldshift.results.publish import tables
from fieldshift.results.quantiles import STATS
from fieldshift.results.report_data import headline_titles
from fieldshift.results.result import Result
from fieldshift.results.summary import summary
from fieldshift.results.workbook import export_workbook
from fieldshift.results.workbook_book import Book, Field

HEADS = dict(zip(("Mean", "5 %", "10 %", "25 %", "Median", "75 %", "90 %", "95 %"), STATS, strict=True))
FORMULAS = (
    "=1+1",
    "@SUM(A1)",
    "+1",
    "-1",
    '=HYPERLINK("https://example.org","x")',
    "\t=1",
    "{=1}",
    "http://example.org",
)


def plan():
    """A plan that nobody made, with a price that has no end and names that look like formulas."""
    days = pd.to_datetime(["2024-11-17", "2024-12-01"])
    moves = pd.DataFrame(
        [("hire", "=1+1", "hire", "outside", "field", "nation", "sea", days[0], days[1], 7)], columns=list(MOVES)
    )
    goals = pd.DataFrame({"goal": ["least cost"], "unit": ["USD"], "best": [1 / 3], "value": [2 / 3]})
    short = pd.DataFrame(
        {
            "limit": ["Seats"], "site": ["nation"], "part": ["resources.seats"], "from": days[:1], "to": days[1:],
            "step": ["one more seat"], "goal": ["least cost"], "unit": ["USD"], "one_more": [1 / 7],
            "one_less": [math.inf], "up_to": [math.nan], "worth": [2.5], "worth_unit": ["USD"],
        }
    )  # fmt: skip
    gaps = pd.DataFrame(
        {"need": ["Officers"], "site": ["sea"], "date": days[:1], "needed": [9.0], "there": [7.5], "gap": [1.5],
         "fill_rate": [7.5 / 9]}
    )  # fmt: skip
    band = {"mean": [0.1], "q10": [0.0], "q50": [0.1], "q90": [0.2]}
    judged = pd.DataFrame(
        {"policy": ["stay"], "goal": ["least cost"], "unit": ["USD"], "futures": [30], "promised": [math.nan],
         "on_mean": [0.3], **band, "hidden": [-0.2]}
    )  # fmt: skip
    regret = pd.DataFrame(
        {"policy": ["stay"], "goal": ["least cost"], "unit": ["USD"], "futures": [30], **band, "better": [0.25]}
    )
    met = pd.DataFrame(
        {"policy": ["stay"], "need": ["n"], "site": ["nation"], "date": days[:1], "met": [0.4], "short": [1.2]}
    )
    says = {
        "plan": ("=It is the best there is.",),
        "shortages": ("Seats.",),
        "gaps": ("Officers.",),
        "judged": ("Well.",),
    }
    return Planned({"status": "optimal"}, says, moves, goals, short, gaps, judged, regret, met)


def hostile():
    """The invented run with a plan, and with names that Excel would take for formulas or for links."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(invented, "WEEKS", 60)
        made = invented.result()
    titles = dict(zip(made.policies, FORMULAS, strict=False))
    places = tuple(f"{formula} {i}" for i, formula in enumerate(FORMULAS[-3:]))
    axes = dataclasses.replace(made.axes, site_names=places, currency="=USD")
    entries = tuple(dataclasses.replace(e, title=f"={e.title}", definition=f"-{e.definition}") for e in made.entries)
    return dataclasses.replace(made, name="=2+2", titles=titles, axes=axes, entries=entries, planned=plan())


@pytest.fixture(scope="module")
def made():
    return hostile()


@pytest.fixture(scope="module")
def book(made, tmp_path_factory):
    return export_workbook(made, tmp_path_factory.mktemp("book") / "run.xlsx")


def sheet(file, name):
    """The rows of a sheet's table as mappings by head."""
    rows = CalamineWorkbook.from_path(file).get_sheet_by_name(name).to_python(skip_empty_area=False)
    first = {"Nation": "Policy", "Sites": "Policy", "Headlines": "Measure", "Changes": "Measure"}.get(name, rows[0][0])
    top = next(i for i, row in enumerate(rows) if row[0] == first and row[1] != "")
    return [dict(zip(rows[top], row, strict=True)) for row in rows[top + 1 :]]


def cells(file, name):
    return CalamineWorkbook.from_path(file).get_sheet_by_name(name).to_python(skip_empty_area=False)


def parts(file):
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def same(cell, value):
    return cell == value or (cell == "" and (value is None or math.isnan(value)))


@pytest.mark.parametrize("name", ["Nation", "Sites"])
def test_every_number_of_the_tables_to_the_last_digit(made, book, name):
    frame = made.table(by="site" if name == "Sites" else "nation")
    rows = sheet(book, name)
    assert len(rows) == len(frame)
    for head, stat in HEADS.items():
        assert all(same(row[head], float(v)) for row, v in zip(rows, frame[stat], strict=True)), head
    assert [row["Date"] for row in rows] == [day.date() for day in frame["date"]]
    assert [row["Policy"] for row in rows] == [made.titles[p] for p in frame["policy"]]
    keys = [".".join(k for k in key if k) for key in zip(frame["measure"], frame["of"], strict=True)]
    assert [row["Measure"] for row in rows] == keys


def test_headlines_and_changes_are_those_of_the_summary(made, book):
    told = summary(made)
    names = {"Mean": "mean", "10 %": "low", "Median": "middle", "90 %": "high"}
    for name, listed in (("Headlines", told.outlooks), ("Changes", told.changes)):
        rows = sheet(book, name)
        assert len(rows) == len(listed) > 0
        for row, one in zip(rows, listed, strict=True):
            assert all(same(row[head], getattr(one.band, field)) for head, field in names.items())
            assert row["Date"] == dt.date.fromisoformat(one.date)
            assert row["Policy"] == made.titles[one.policy]
    shares = [(r["Ignorance of variance"], r["Ignorance of the band"]) for r in sheet(book, "Headlines")]
    assert all(
        same(a, o.ignorance) and same(b, o.ignorance_of_band) for (a, b), o in zip(shares, told.outlooks, strict=True)
    )
    assert any(a != "" for a, _ in shares)
    better = [row["For the better"] for row in sheet(book, "Changes")]
    assert all(same(cell, one.for_the_better) for cell, one in zip(better, told.changes, strict=True))


def test_the_summary_sheet_holds_the_headlines_and_says_what_it_is(made, book):
    rows = cells(book, "Summary")
    said = [str(cell) for row in rows for cell in row]
    numbers = {cell for row in rows for cell in row if isinstance(cell, float)}
    told = summary(made)
    assert {o.band.mean for o in told.outlooks} | {o.band.low for o in told.outlooks} <= numbers
    assert {c.band.high for c in told.changes if c.when != "now"} <= numbers
    assert rows[0][0] == "=2+2"
    assert any(made.facts.digest in text for text in said)
    assert any(text.startswith("fieldshift run SCENARIO --draws 30 --seed 7 --groups 3") for text in said)
    assert dt.date(2024, 11, 17) in {row[1] for row in rows}


def test_the_same_run_gives_the_same_bytes_and_names_nobody(made, book, tmp_path):
    again = export_workbook(hostile(), tmp_path / "other.xlsx")
    assert again.read_bytes() == book.read_bytes()
    core = parts(book)["docProps/core.xml"]
    assert set(re.findall(r">(\d{4}-[^<]*)<", core)) == {"2000-01-01T00:00:00Z"}
    assert "<dc:creator></dc:creator>" in core
    assert [p.name for p in tmp_path.iterdir()] == ["other.xlsx"]


def test_no_word_becomes_a_formula_or_a_link(book):
    found = parts(book)
    formulas = {
        name: re.findall(r"<f>([^<]*)</f>", text) for name, text in found.items() if name.startswith("xl/worksheets/")
    }
    sheets = re.findall(r'<sheet name="([^"]*)"', found["xl/workbook.xml"])
    with_formulas = [name for name, listed in formulas.items() if listed]
    assert with_formulas == [f"xl/worksheets/sheet{sheets.index('Chart data') + 1}.xml"]
    assert all(re.fullmatch(r"[A-Z]+\d+-[A-Z]+\d+", text) for text in formulas[with_formulas[0]])
    assert not any("<hyperlink" in text or "TargetMode" in text for text in found.values())
    for name, text in found.items():
        if name.startswith("xl/charts/"):
            assert all(
                re.fullmatch(r"'Chart data'!\$[A-Z]+\$\d+(:\$[A-Z]+\$\d+)?", ref)
                for ref in re.findall(r"<c:f>([^<]*)</c:f>", text)
            )


def test_what_looks_like_a_formula_stays_text_when_somebody_edits_it(book):
    found = parts(book)
    strings = re.findall(r"<si><t[^>]*>([^<]*)</t></si>", found["xl/sharedStrings.xml"])
    prefixed = [
        i
        for i, xf in enumerate(re.findall(r"<xf [^>]*>", found["xl/styles.xml"].split("<cellXfs")[1]))
        if "quotePrefix" in xf
    ]
    looks = {i for i, text in enumerate(strings) if text.startswith(("=", "+", "-", "@", "\t"))}
    assert looks
    for name, text in found.items():
        if name.startswith("xl/worksheets/"):
            # Heads of tables are our own words.
            for style, string in re.findall(r'<c r="[A-Z]+\d+" s="(\d+)" t="s"><v>(\d+)</v>', text):
                assert int(string) not in looks or int(style) in prefixed, strings[int(string)]


def test_charts_are_native_have_titles_and_words_and_show_the_medians(made, book):
    found = parts(book)
    charts = [text for name, text in found.items() if name.startswith("xl/charts/chart")]
    headlines = headline_titles(made)
    assert len(charts) == len(headlines) * (1 + len(made.policies))
    drawing = found["xl/drawings/drawing1.xml"]
    words = re.findall(r'<xdr:cNvPr [^>]*descr="([^"]+)"', drawing)
    assert len(words) == len(charts)
    assert all("Chart data" in text for text in words)
    assert all("<c:title>" in text for text in charts)
    wide = [text for text in charts if "<c:areaChart>" not in text]
    assert len(wide) == len(headlines)
    assert all(text.count("<c:title>") == 3 for text in wide)
    entry = headlines[0][0]
    middle = made.summary("stay", *entry.key)["q50"]
    cached = re.findall(r"<c:val>.*?</c:val>", wide[0])[0]
    assert [float(v) for v in re.findall(r"<c:v>([^<]*)</c:v>", cached)] == [float(v) for v in middle]


def test_chart_data_holds_medians_bands_and_widths(made, book):
    rows = cells(book, "Chart data")
    top = next(i for i, row in enumerate(rows) if row[0] == "Date") + 1
    entry = headline_titles(made)[0][0]
    for p, policy in enumerate(made.policies):
        told = made.summary(policy, *entry.key)
        for i, (low, middle, high) in enumerate(told[["q10", "q50", "q90"]].to_numpy(float).tolist()):
            assert rows[top + i][1 + 4 * p : 5 + 4 * p] == [low, middle, high, high - low]


def test_tables_are_named_and_heads_are_frozen_and_printed_again(book):
    found = parts(book)
    names = {re.search(r' name="([^"]*)"', text)[1] for name, text in found.items() if name.startswith("xl/tables/")}
    assert names >= {
        "Headlines",
        "Changes",
        "Nation",
        "Sites",
        "Limits",
        "Evidence",
        "Sources",
        "Measures",
        "PlanMoves",
    }
    sheets = re.findall(r'<sheet name="([^"]*)"', found["xl/workbook.xml"])
    for i, name in enumerate(sheets, start=1):
        text = found[f"xl/worksheets/sheet{i}.xml"]
        assert 'orientation="landscape"' in text, name
        if "<tableParts" in text:
            assert 'state="frozen"' in text, name
            assert f'<definedName name="_xlnm.Print_Titles" localSheetId="{i - 1}">' in found["xl/workbook.xml"], name


def test_formats_follow_units(book):
    styles = parts(book)["xl/styles.xml"]
    codes = set(re.findall(r'formatCode="([^"]*)"', styles))
    assert {"0.0%", "d mmm yyyy", "#,##0.0"} <= codes
    assert not any("[" in code or ";" in code for code in codes), "a condition may hide the sign of a number"


def test_the_evidence_lists_every_number_and_every_rival(made, book):
    entries = ledger(made.scenario)
    rows = sheet_by(book, "Evidence", "Number")
    assert [r["Number"] for r in rows if r["Rival"] == ""] == [e.path for e in entries]
    assert sum(r["Rival"] != "" for r in rows) == sum(len(e.rivals) for e in entries)
    assert {r["Trust"] for r in rows} == {"sourced", "derived", "assumption", "unsourced"}
    sources = sheet_by(book, "Sources", "Source")
    assert {"S2", "S3", "Assumption: ours"} <= {r["Source"] for r in sources}
    assert [r["Unknown"] for r in sheet_by(book, "Unknowns", "Unknown")] == ["officers", "share"]


def sheet_by(file, name, first):
    rows = cells(file, name)
    top = next(i for i, row in enumerate(rows) if row[0] == first)
    return [dict(zip(rows[top], row, strict=True)) for row in rows[top + 1 :]]


def test_the_plan_and_what_is_short(book):
    assert sheet_by(book, "Plan", "Goal")[0] == {
        "Goal": "least cost", "In the plan": 2 / 3, "Best it could be": 1 / 3, "Unit": "USD"
    }  # fmt: skip
    move = sheet_by(book, "Plan moves", "Choice")[0]
    assert (move["Choice"], move["People"], move["Starts"]) == ("=1+1", 7.0, dt.date(2024, 11, 17))
    assert (move["From"], move["To"]) == ("The nation", "{=1} 1")
    short = sheet_by(book, "What is short", "Limit")[0]
    assert (short["One more: better by"], short["One less: worse by"], short["As good up to"]) == (1 / 7, "no end", "")
    assert sheet_by(book, "Needs", "Need")[0]["There of needed"] == 7.5 / 9
    assert sheet_by(book, "Needs met", "Policy")[0]["Met in"] == 0.4
    judged = sheet_by(book, "Plan judged", "Policy")[0]
    assert (judged["Promised"], judged["What the mean hid"], judged["Better than the plan in"]) == ("", -0.2, 0.25)


def test_a_long_table_tells_fewer_dates_and_says_so(made, tmp_path, monkeypatch):
    monkeypatch.setattr(workbook_tables, "MOST", 1000)
    file = export_workbook(made, tmp_path / "run.xlsx")
    rows = sheet(file, "Nation")
    assert len(rows) < 1500
    told = {o.date for o in summary(made).outlooks}
    assert told <= {row["Date"].isoformat() for row in rows}
    said = [str(row[0]) for row in cells(file, "Nation")[:5]]
    assert any("61 dates" in text and "fieldshift export RUN -o FOLDER" in text for text in said)
    frame = made.table()
    kept = frame[frame["date"].isin(pd.to_datetime([row["Date"] for row in rows]))]
    assert [row["Median"] for row in rows] == [float(v) for v in kept["q50"]]


def test_no_table_outgrows_excel_whatever_the_run(made, tmp_path, monkeypatch):
    monkeypatch.setattr(workbook_tables, "MOST", 10)
    monkeypatch.setattr(workbook_tables, "_END", 30)
    file = export_workbook(made, tmp_path / "run.xlsx")
    assert 0 < len(sheet(file, "Nation")) <= 30
    assert 0 < len(sheet(file, "Sites")) <= 30


def test_words_of_every_kind_are_kept_or_cut_to_what_a_cell_holds(tmp_path):
    words = [
        "_x0041_",
        "a\x00b",
        "x\ry",
        "=1",
        "  lead",
        "\n=1",
        "\ufeffz",
        " ",
        "'quoted",
        "é😀",
        "x" * 40_000,
        "\ud800x",
    ]
    file = tmp_path / "words.xlsx"
    with Book(file, "\ud800", words[-2]) as book:
        page = book.page("Words", "=1", words)
        page.table("Words", [Field("A"), Field("B", "wrapped")], {"A": words, "B": words})
    rows = cells(file, "Words")[-len(words) :]
    assert [row[0] for row in rows] == [row[1] for row in rows] == [*words[:-2], "x" * 32_766 + "…", "?x"]
    assert "<f>" not in parts(file)["xl/worksheets/sheet1.xml"]


# ------------------------------------------------------------------------------------- suppressed


def few():
    """A run without a scenario, in which three people stand at one of two sites and 80 at the other."""
    trace = lived(3)
    for record in (trace.people, trace.under_way, trace.hosted, trace.served, trace.entered, trace.flowed):
        record[:] = 0
    for record in (trace.moved, trace.passed, trace.failed, trace.dropped, trace.became):
        record[:] = 0
    trace.people[:, :, 2], trace.people[:, :, 3] = 3, 0
    trace.people[:, :, 0:2] = 50
    return Result.of(None, network(), {"stay": collected(trace), "move": collected(trace)})


@pytest.fixture(scope="module")
def hidden(tmp_path_factory):
    return export_workbook(few(), tmp_path_factory.mktemp("hidden") / "run.xlsx", suppress=5)


def test_small_counts_are_hidden_as_in_the_tables(hidden):
    file, frames = hidden, tables(few(), 5)
    for name, key in (("Nation", "national"), ("Sites", "sites")):
        rows = sheet(file, name)
        for head, stat in HEADS.items():
            for row, text in zip(rows, frames[key][stat], strict=True):
                assert row[head] == text if text in ("x", "<5", "") else row[head] == float(text)
    seen = {row["Mean"] for row in sheet(file, "Nation")} | {row["Mean"] for row in sheet(file, "Sites")}
    assert {"<5", "x"} <= seen
    field = [row for row in sheet(file, "Headlines") if row["Measure"] == "In the field"]
    assert {row["Median"] for row in field} == {"<5"}


def test_nothing_else_gives_a_hidden_count_away(hidden):
    file = hidden
    field = {row["Mean"] for row in sheet(file, "Changes") if row["Measure"] == "In the field"}
    assert field == {"x"}
    rows = cells(file, "Chart data")
    top = next(i for i, row in enumerate(rows) if row[0] == "Date") + 1
    first = next(i for i, cell in enumerate(rows[top - 4]) if cell == "In the field")
    assert {cell for row in rows[top:] for cell in row[first : first + 8]} == {""}
    said = " ".join(str(cell) for row in cells(file, "Summary") for cell in row)
    assert "Counts under 5" in said
    assert not re.search(r"In the field: 3", said)


def test_hidden_counts_of_the_planner_are_not_in_the_evidence(made, tmp_path):
    file = export_workbook(made, tmp_path / "run.xlsx", suppress=5)
    names = CalamineWorkbook.from_path(file).sheet_names
    assert not {"Plan", "Plan moves", "Needs", "What is short"} & set(names)
    values = {r["Number"]: r["Value"] for r in sheet_by(file, "Evidence", "Number") if r["Unit"] in ("person", "case")}
    assert values
    assert set(values.values()) == {"x"}


# ----------------------------------------------------------------------------------------- errors


def test_bad_usage(made, tmp_path):
    with pytest.raises(UsageError, match="suppress is 1"):
        export_workbook(made, tmp_path / "run.xlsx", suppress=1)
    with pytest.raises(UsageError, match=r"does not end in \.xlsx"):
        export_workbook(made, tmp_path / "run.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_workbook_that_fails_half_way_leaves_the_old_one(made, tmp_path):
    file = tmp_path / "run.xlsx"
    file.write_bytes(b"old")
    broken = dataclasses.replace(made, planned=dataclasses.replace(made.planned, goals=pd.DataFrame({"goal": ["x"]})))
    with pytest.raises(KeyError):
        export_workbook(broken, file)
    assert file.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["run.xlsx"]


def test_a_place_that_cannot_be_written_is_told(made, tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(RunError, match="cannot write"):
        export_workbook(made, tmp_path / "file" / "run.xlsx")
    (tmp_path / "run.xlsx").mkdir()
    with pytest.raises(RunError, match="cannot write"):
        export_workbook(made, tmp_path / "run.xlsx")


# ---------------------------------------------------------------------------------------- Parquet


def test_parquet_tables_are_those_of_the_csv_form(made, tmp_path):
    for suppress in (None, 5):
        files = export_parquet(made, tmp_path / str(suppress), suppress)
        frames = {name: frame for name, frame in tables(made, suppress).items() if len(frame)}
        assert [f.stem for f in files] == list(frames)
        for file, (name, frame) in zip(files, frames.items(), strict=True):
            found = read(file)
            assert list(found.columns) == list(frame.columns)
            for column in ("mean", "q50", "share"):
                if column in frame:
                    assert found[column].tolist() == frame[column].tolist() or np.array_equal(
                        found[column].to_numpy(float), frame[column].to_numpy(float), equal_nan=True
                    ), (name, column)
    again = export_parquet(made, tmp_path / "again", 5)
    assert [a.read_bytes() for a in files] == [b.read_bytes() for b in again]


def test_no_words_become_markup(tmp_path):
    markup = "<r><t>x</t></r><evil/></r>"
    scenario = fs.overlaid(
        fs.read("academy"), {"name": markup, "stocks.desk.title": markup, "policies.move.title": markup}
    )
    file = fs.export_workbook(fs.simulate(scenario, draws=2), tmp_path / "x.xlsx")
    found = parts(file)
    assert not any("<evil" in text for text in found.values())
    assert "&lt;evil/&gt;" in found["xl/sharedStrings.xml"]
