"""A scenario as a workbook: what is written reads back equal, the same bytes each time, and nothing typed is a formula."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import zipfile
from pathlib import Path
from typing import Any, Literal, get_args, get_origin
from xml.etree import ElementTree

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

import fieldshift as fs
from fieldshift.scenario.cells import understood, written
from fieldshift.scenario.paths import fields_of, union_of
from fieldshift.scenario.schema import COLLECTIONS, Amount, Estimate, Horizon, Scenario, Site
from fieldshift.scenario.sheets import sheet_kinds, types_at

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
SMALL = Scenario(name="Small", horizon=Horizon(periods=4, start=dt.date(2025, 1, 6)))


def folder_of(scenario: Scenario, folder: Path) -> dict[str, bytes]:
    fs.write(scenario, folder)
    found = {file.name: file.read_bytes() for file in sorted(folder.iterdir())}
    shutil.rmtree(folder)
    return found


def again(scenario: Scenario, folder: Path) -> None:
    """Write a scenario as a workbook and read it back: nothing may differ, not a byte of the folder made of it."""
    book = fs.write(scenario, folder / "book.xlsx")
    back = fs.read(book)
    assert back == scenario
    assert fs.digest(back) == fs.digest(scenario)
    assert folder_of(back, folder / "one") == folder_of(scenario, folder / "other")


@pytest.mark.parametrize("name", fs.cases())
def test_shipped_cases_read_back_equal(tmp_path: Path, name: str) -> None:
    scenario = fs.read(name)
    again(scenario, tmp_path)
    assert [p.what for p in fs.problems(fs.read(tmp_path / "book.xlsx"))] == [p.what for p in fs.problems(scenario)]


@pytest.mark.parametrize("name", fs.cases())
def test_the_same_scenario_gives_the_same_bytes(tmp_path: Path, name: str) -> None:
    first = fs.write(fs.read(name), tmp_path / "first.xlsx").read_bytes()
    second = fs.write(fs.read(tmp_path / "first.xlsx"), tmp_path / "elsewhere" / "second.xlsx").read_bytes()
    assert first == second


# ------------------------------------------------------------------------------------ any scenario

HARD = [
    "", " ", " a ", "5", "007", "1e3", "2024-11", "2024-11-05", "60..70 %", "=1+1", "+1", "-1", "@x", "null", "true", "~",
    "a, b", "a: 1", "{a", "[a]", '"a"', '" a "', "'a", "x!", "estimates!", "_x0041_", "a\nb", "a\tb", "a\rb", "\x01", "\x85",
    "\u2028", "\ufeff", "\uffff", "\U0001f600", "#N/A", "nan", "inf", "http://a.b", "x" * 400,
]  # fmt: skip
TEXT = st.sampled_from(HARD) | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=9)
WORD = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,6}", fullmatch=True) | st.sampled_from(
    ["on", "null", "name", "a b", "x.y", "12"]
)
NUMBER = st.sampled_from([0, 1, 0.1 + 0.2, 1e22, 1e-9, 2**53 + 1, -0.5, 123456789.123456789]) | st.floats(-1e9, 1e9)
QUANTITY = NUMBER | st.sampled_from(
    ["5 person", "12 %/year", "a * b", "max(a, b)", "5", "007", "=a", "1 / 44 day", "x!"]
)
DATE = st.dates(dt.date(1890, 1, 1), dt.date(2100, 1, 1))
IDS = ("a", "b", "12", "on")


def value(annotation: Any, depth: int) -> st.SearchStrategy[Any]:
    """Return what may stand where a type of the data dictionary stands."""
    return st.one_of([_one(member, depth) for member in union_of(annotation) if member is not type(None)])


def _one(member: Any, depth: int) -> st.SearchStrategy[Any]:
    origin, inner = get_origin(member), get_args(member)
    if isinstance(member, type) and issubclass(member, BaseModel):
        return amounts() if member is Amount else part(member, depth + 1)
    if origin is Literal:
        return st.sampled_from(inner)
    if origin is tuple:
        several = st.lists(value(inner[0], depth), max_size=2).map(tuple)
        return several if Ellipsis in inner else st.tuples(*[NUMBER for _ in inner])
    if origin is dict:
        keys = st.integers(-9, 99) if inner[0] is int else WORD | TEXT
        return st.dictionaries(keys, value(inner[1], depth), min_size=1, max_size=2)
    plain: dict[Any, st.SearchStrategy[Any]] = {
        str: TEXT | WORD, float: NUMBER, int: st.integers(1, 9), bool: st.booleans(), dt.date: DATE,
        Any: st.none() | st.booleans() | TEXT | NUMBER | DATE | st.lists(TEXT, max_size=2)
        | st.dictionaries(TEXT, QUANTITY, max_size=2),
    }  # fmt: skip
    return plain[member]


@st.composite
def amounts(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a number in one of its forms, with or without evidence."""
    years = st.dictionaries(st.integers(2000, 2040), QUANTITY, min_size=1, max_size=15)
    form = draw(
        st.one_of(
            QUANTITY.map(lambda v: {"value": v}),
            st.tuples(QUANTITY, NUMBER).map(lambda v: {"value": v[0], "range": (v[1], v[1] + 1)}),
            st.lists(part(Estimate, 9), min_size=1, max_size=2).map(lambda v: {"estimates": v}),
            st.dictionaries(DATE.map(str), QUANTITY, min_size=1, max_size=9).map(lambda v: {"dates": v}),
            years.map(lambda v: {"years": v}),
            st.lists(QUANTITY, min_size=4, max_size=4).map(lambda v: {"sites": dict(zip(IDS, v, strict=True))}),
            st.lists(QUANTITY, min_size=4, max_size=4).map(
                lambda v: {"grid": {f"2025-0{m}-01": dict(zip(IDS, v, strict=True)) for m in range(1, 5)}}
            ),
            st.dictionaries(TEXT, QUANTITY, min_size=1, max_size=2).map(lambda v: {"by": "x", "of": v}),
        )
    )
    evidence = {
        "source": TEXT,
        "note": TEXT,
        "as_of": DATE | TEXT | st.integers(2000, 2030),
        "assumption": st.booleans(),
    }
    return {**form, **draw(st.fixed_dictionaries({}, optional=evidence))}


@st.composite
def part(draw: st.DrawFn, model: type[BaseModel], depth: int = 0) -> dict[str, Any]:
    """Draw a part as plain data: what it needs, and a few further fields."""
    found = {}
    for key, info, _ in fields_of(model):
        types = union_of(info.annotation)
        needed = info.is_required() or (Amount in types and info.default is None and type(None) not in types)
        if key == "rule":
            found[key] = info.default
        elif key not in ("table", "column") and (needed or draw(st.integers(0, 9)) == 0):
            found[key] = draw(value(info.annotation, depth))
    try:
        model.model_validate(found)
    except ValidationError:
        assume(False)
    return found


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """Draw a scenario of anything that the data dictionary takes."""
    data: dict[str, Any] = {
        "name": draw(TEXT),
        "about": draw(st.none() | TEXT),
        "as_of": draw(st.none() | DATE),
        "horizon": {"periods": 3, "start": draw(DATE)},
        "goals": draw(st.lists(part(fs.Goal), max_size=2)),
    }
    extra = draw(st.lists(st.none() | TEXT | NUMBER | st.booleans() | st.integers(), min_size=4, max_size=4))
    name = draw(st.sampled_from(["x", "load", "a.b", "=x", " x", "Id", "12"]))
    data["sites"] = [{"id": i, name: x} if x is not None else {"id": i} for i, x in zip(IDS, extra, strict=True)]
    for key in draw(st.lists(st.sampled_from(COLLECTIONS), max_size=3, unique=True)):
        models = union_of(get_args(Scenario.model_fields[key].annotation)[1])
        data[key] = draw(st.dictionaries(WORD | TEXT, _one(models[0], 0), min_size=1, max_size=2))
    return Scenario.model_validate(data)


@pytest.mark.slow
@settings(max_examples=50)
@given(scenario=scenarios())
def test_any_scenario_reads_back_equal(tmp_path_factory: pytest.TempPathFactory, scenario: Scenario) -> None:
    again(scenario, tmp_path_factory.mktemp("again"))


@pytest.mark.parametrize("text", HARD)
def test_hard_texts_survive_everywhere(tmp_path: Path, text: str) -> None:
    scenario = Scenario.model_validate(
        {
            "name": text,
            "about": text,
            "horizon": {"periods": 2},
            "sites": [{"id": "a", "name": text, "x": text}, {"id": "b", "x": 5}],
            "quantities": {"q": {"value": text, "as_of": text, "note": text}, "r": {"estimates": [{"value": text}]}},
            "stocks": {"s": {"tags": {"k": text, text: "v"}, "at": ("a", text), "spread": text}},
            "policies": {"p": {"title": text, "set": {"a.b": text, "c": [text, 1, None], "d": {text: text}}}},
            "headlines": [{"measure": text}],
        }
    )
    again(scenario, tmp_path)


@pytest.mark.parametrize(
    "number", [0.1 + 0.2, 5e-324, 1.7976931348623157e308, 1e22, -0.0, 2**53 + 1, 2**70, 10**30 + 1, 0.1]
)
def test_numbers_keep_every_digit(tmp_path: Path, number: float) -> None:
    scenario = SMALL.model_copy(
        update={
            "sites": (Site.model_validate({"id": "a", "x": number}), Site.model_validate({"id": "b", "x": "7"})),
            "quantities": {"q": Amount(value=float(number)), "t": Amount(value=str(number))},
        }
    )
    again(scenario, tmp_path)
    back = fs.read(tmp_path / "book.xlsx")
    assert repr(back.quantities["q"].value) in (repr(float(number)), "0.0")
    assert back.sites[0].attributes["x"] == number
    assert back.sites[1].attributes["x"] == "7"


def test_dates_before_excels_first_survive(tmp_path: Path) -> None:
    days = (dt.date(1, 1, 1), dt.date(1900, 2, 28), dt.date(1900, 3, 1), dt.date(9999, 12, 31))
    amounts = {f"q{i}": Amount(value=1, as_of=day) for i, day in enumerate(days)}
    texts = {f"t{i}": Amount(value=1, as_of=day.isoformat()) for i, day in enumerate(days)}
    again(SMALL.model_copy(update={"quantities": amounts | texts}), tmp_path)


def test_a_text_too_long_for_a_cell_is_refused_by_its_path(tmp_path: Path) -> None:
    with pytest.raises(fs.ScenarioError) as caught:
        fs.write(SMALL.model_copy(update={"about": "x" * 32_768}), tmp_path / "book.xlsx")
    assert [(p.path, p.what) for p in caught.value.problems] == [
        ("about", "too long for a cell of a workbook (32,768 characters)")
    ]
    assert list(tmp_path.iterdir()) == []
    again(SMALL.model_copy(update={"about": "x" * 32_767}), tmp_path)


def test_a_number_that_is_not_finite_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(fs.ScenarioError, match="not finite"):
        fs.write(SMALL.model_copy(update={"quantities": {"x": Amount(value=float("inf"))}}), tmp_path / "book.xlsx")
    assert list(tmp_path.iterdir()) == []


def test_numbers_anywhere_keep_their_estimates_and_tables(tmp_path: Path) -> None:
    rivals = {"estimates": [{"value": 1, "source": "one"}, {"range": (1, 2), "weight": 2}], "note": "two of them"}
    sites = {"sites": {"a": 1, "b": 2, "c": 3}}
    long = "a_name_that_is_far_too_long_for_a_sheet"
    scenario = Scenario.model_validate(
        {
            "name": "x",
            "horizon": {"periods": 2},
            "sites": [{"id": "a"}, {"id": "b"}, {"id": "c"}],
            "stocks": {"s": {"start": rivals, "learning": {"lasts": rivals, "productivity": 1}}, long: {"start": sites}},
            "choices": {"c": {"head": "s", "stages": [{"name": "t", "lasts": rivals, "pass": sites}, {"name": "u", "lasts": 1}]}},
            "needs": {"n": {"of": "s", "need": sites, "short": {"price": rivals, "steps": [{"price": rivals}]}, "over": 3}},
            "dials": {"d": {"from": 0, "to": 1, "turns": {"flows.f.rate": rivals, "work.w.pace": 1}}},
            "policies": {"p": {"rules": [{"rule": "schedule", "choice": "c", "amount": rivals, "to": {"a": 0.5}}]}},
            "resources": {long: {"cap": {"years": {year: year / 7 for year in range(2000, 2020)}}}},
        }
    )  # fmt: skip
    again(scenario, tmp_path)
    with zipfile.ZipFile(tmp_path / "book.xlsx") as inside:
        book = ElementTree.fromstring(inside.read("xl/workbook.xml"))
    names = [sheet.get("name") for sheet in book.iter(f"{MAIN}sheet")]
    assert names[1 + len(sheet_kinds()) :] == ["table 1", "choices.c.stages.0.pass", "table 2", "needs.n.need"]


CELLS = [
    (kind.name, field.path, tuple(t for t in types_at(kind.types, tuple(field.path.split("."))) if t is not type(None)))
    for kind in sheet_kinds()
    for field in kind.kind.fields
    if kind.path and field.kind not in ("list", "amount")
]


def listed(plain: Any) -> Any:
    """Return lists where there are tuples, and text for each key, as plain data have them."""
    if isinstance(plain, dict):
        return {str(key): listed(item) for key, item in plain.items()}
    return [listed(item) for item in plain] if isinstance(plain, tuple | list) else plain


@settings(max_examples=150)
@given(data=st.data(), cell=st.sampled_from(CELLS))
def test_a_cell_means_what_was_written_in_it(data: st.DataObject, cell: tuple[str, str, tuple[Any, ...]]) -> None:
    types = cell[2]
    plain = listed(data.draw(st.one_of([value(kind, 9) for kind in types])))
    assert understood(written(plain, types), types) == plain


# ------------------------------------------------------------------------------ what is in the file


@pytest.fixture(scope="module")
def academy(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files inside the tutorial's workbook."""
    file = fs.write(fs.read("academy"), tmp_path_factory.mktemp("book") / "academy.xlsx")
    with zipfile.ZipFile(file) as inside:
        return {name: inside.read(name) for name in inside.namelist()}


def sheet_of(inside: dict[str, bytes], name: str) -> tuple[int, ElementTree.Element]:
    book = ElementTree.fromstring(inside["xl/workbook.xml"])
    names = [sheet.get("name") for sheet in book.iter(f"{MAIN}sheet")]
    number = names.index(name) + 1
    return number, ElementTree.fromstring(inside[f"xl/worksheets/sheet{number}.xml"])


def test_every_kind_of_part_has_a_sheet_with_all_its_columns(academy: dict[str, bytes]) -> None:
    book = ElementTree.fromstring(academy["xl/workbook.xml"])
    names = [sheet.get("name") for sheet in book.iter(f"{MAIN}sheet")]
    assert names == ["Read me", *(kind.name for kind in sheet_kinds())]
    tables = [ElementTree.fromstring(text) for name, text in academy.items() if name.startswith("xl/tables/")]
    heads = {t.get("name"): [c.get("name") for c in t.iter(f"{MAIN}tableColumn")] for t in tables}
    assert len(heads) == len(sheet_kinds())
    for kind in sheet_kinds():
        if kind.name == "scenario":
            assert heads["t_scenario"] == ["field", "value", "default", "meaning"]
        else:
            assert set(kind.columns) <= set(heads[f"t_{kind.name}"])
            own = {f.path for f in kind.kind.fields if f.kind != "list"}
            left_out = {"sites", "grid", "dates", "years", "table"} if kind.name == "quantities" else {"set"}
            assert own - set(kind.columns) <= left_out
    assert "rate.range" in heads["t_flows"]


def test_headers_are_frozen_and_say_meaning_unit_and_default(academy: dict[str, bytes]) -> None:
    number, sheet = sheet_of(academy, "stocks")
    pane = next(sheet.iter(f"{MAIN}pane"))
    assert (pane.get("state"), pane.get("topLeftCell")) == ("frozen", "B2")
    rel = academy[f"xl/worksheets/_rels/sheet{number}.xml.rels"].decode()
    comments = ElementTree.fromstring(academy[f"xl/{re.search(r'comments[0-9]+.xml', rel)[0]}"])  # type: ignore[index]
    texts = {c.get("ref"): "".join(c.itertext()) for c in comments.iter(f"{MAIN}comment")}
    stocks = next(kind for kind in sheet_kinds() if kind.name == "stocks")
    assert len(texts) == len(stocks.columns)
    hours = texts[f"{chr(65 + stocks.columns.index('hours'))}1"]
    assert "Paid hours of one person." in hours
    assert "Unit of a bare number: hour/week." in hours
    assert "If empty: 40 hour/week." in hours


def test_drop_downs_offer_words_and_names_that_there_are(academy: dict[str, bytes]) -> None:
    def offered(name: str) -> dict[str, str]:
        kind = next(kind for kind in sheet_kinds() if kind.name == name)
        found = {}
        for one in sheet_of(academy, name)[1].iter(f"{MAIN}dataValidation"):
            column = int(re.fullmatch(r"[A-Z]+", one.get("sqref", "").split(":")[0].rstrip("0123456789")) is not None)
            assert column
            letters = re.match(r"[A-Z]+", one.get("sqref", ""))[0]  # type: ignore[index]
            index = 0
            for letter in letters:
                index = index * 26 + ord(letter) - 64
            found[kind.columns[index - 1]] = one.findtext(f"{MAIN}formula1") or ""
        return found

    assert offered("choices")["head"] == "stocks!$A$2:$A$2000"
    assert offered("choices")["at"] == "sites!$A$2:$A$2000"
    assert offered("stages")["choice"] == "choices!$A$2:$A$2000"
    assert offered("rules")["rule"] == '"schedule,fill,escalate,respond"'
    assert offered("rules")["policy"] == "policies!$A$2:$A$2000"
    assert offered("profiles")["event"] == "events!$A$2:$A$2000"
    assert offered("work")["vary"] == "sites!$B$1:$AZ$1"
    assert offered("goals")["at"] == '"all,end"'
    assert offered("stocks")["on_strength"] == '"TRUE,FALSE"'


def test_bare_numbers_show_their_unit(tmp_path: Path) -> None:
    scenario = Scenario.model_validate(
        {"name": "x", "currency": "GBP", "horizon": {"periods": 2}, "stocks": {"s": {"start": 7, "pay": 50000, "away": 0.2}},
         "resources": {"r": {"unit": 'be"d<', "cap": 5}, "q": {"unit": "\x01" * 300, "cap": 5}}}
    )  # fmt: skip
    again(scenario, tmp_path)
    with zipfile.ZipFile(tmp_path / "book.xlsx") as inside:
        styles = ElementTree.fromstring(inside.read("xl/styles.xml"))
    codes = {form.get("formatCode") for form in styles.iter(f"{MAIN}numFmt")}
    assert {'#,##0 "person"', '#,##0 "GBP/year"', "0%", '#,##0 "bed"', "yyyy-mm-dd"} <= codes


def test_nothing_that_was_typed_is_a_formula_a_link_or_markup(tmp_path: Path) -> None:
    bad = [
        "=1+1",
        '=HYPERLINK("http://a.b")',
        "+1",
        "@sum",
        "http://a.b",
        "<r><t>x</t></r>",
        "{=1}",
        "mailto:x",
        "=cmd|'/c'!A0",
    ]
    scenario = Scenario.model_validate(
        {
            "name": bad[0],
            "about": bad[5],
            "horizon": {"periods": 2},
            "sites": [{"id": text, "name": text, "=x": text} for text in bad],
            "quantities": {text: {"value": 1, "source": text} for text in bad},
            "stocks": {"s": {"start": {"sites": dict.fromkeys(bad, 1.0)}}},
        }
    )
    again(scenario, tmp_path)
    with zipfile.ZipFile(tmp_path / "book.xlsx") as inside:
        styles = ElementTree.fromstring(inside.read("xl/styles.xml")).find(f"{MAIN}cellXfs")
        assert styles is not None
        guarded = [str(i) for i, style in enumerate(styles) if style.get("quotePrefix") == "1"]
        strings = ["".join(s.itertext()) for s in ElementTree.fromstring(inside.read("xl/sharedStrings.xml"))]
        for name in inside.namelist():
            text = inside.read(name)
            if name.startswith("xl/worksheets/sheet"):
                for cell in ElementTree.fromstring(text).iter(f"{MAIN}c"):
                    held = strings[int(cell.findtext(f"{MAIN}v") or 0)] if cell.get("t") == "s" else ""
                    assert held[:1] not in ("=", "+", "-", "@") or cell.get("s") in guarded, held
            if name.startswith("xl/worksheets/sheet"):
                assert b"<f>" not in text
            assert b"http://a.b" not in text or name == "xl/sharedStrings.xml"
            if name.endswith((".xml", ".rels")):
                ElementTree.fromstring(text)


def test_no_user_machine_or_clock_is_in_the_file(academy: dict[str, bytes]) -> None:
    assert b"2000-01-01T00:00:00Z" in academy["docProps/core.xml"]
    assert b"<dc:creator></dc:creator>" in academy["docProps/core.xml"]
    assert all(b"file:" not in text for text in academy.values())
