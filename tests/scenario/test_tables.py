"""Tables: each thing that can be wrong with one, told at its cell."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldshift.errors import Problem, ScenarioError
from fieldshift.scenario.grids import amount_of
from fieldshift.scenario.identity import personal_cell, personal_column
from fieldshift.scenario.read import read
from fieldshift.scenario.schema import Stock
from fieldshift.scenario.tables import MAX_ROWS, parts_of, read_table, sites_of, table_from

HEAD = "name: Small\nhorizon: {start: 2025-01-06, periods: 4}\n"


def problems_of(folder: Path) -> list[Problem]:
    with pytest.raises(ScenarioError) as caught:
        read(folder)
    return list(caught.value.problems)


def case(folder: Path, text: str, **tables: str) -> Path:
    (folder / "scenario.yaml").write_text(HEAD + text)
    for name, table in tables.items():
        (folder / f"{name}.csv").write_text(table)
    return folder


SITES = ("a", "b")


@pytest.mark.parametrize(
    ("text", "form", "data"),
    [
        ("site,value\na,1\nb,2 person\n", "sites", {"a": 1, "b": "2 person"}),
        ("date,value\n2025-01-06,1\n2025-02,2\n", "dates", {"2025-01-06": 1, "2025-02-01": 2}),
        ("value,year\n1,2025\n2,2026\n", "years", {"2025": 1, "2026": 2}),
        (
            "site,date,value\na,2025-01-06,1\nb,2025-01-06,2\nb,2025-02-01,4\na,2025-02-01,3\n",
            "grid",
            {"2025-01-06": {"a": 1, "b": 2}, "2025-02-01": {"b": 4, "a": 3}},
        ),
        (
            "date,b,a\n2025-01-06,2,1\n2025-02-01,4,3.5\n",
            "grid",
            {"2025-01-06": {"b": 2, "a": 1}, "2025-02-01": {"b": 4, "a": 3.5}},
        ),
        ("\ufeffsite , value\r\n a , 1 \r\n\r\n,\r\nb,2\r\n".lstrip("\ufeff"), "sites", {"a": 1, "b": 2}),
    ],
)
def test_the_four_forms_of_a_numbers_table(text: str, form: str, data: object) -> None:
    found = amount_of(table_from(text, "t.csv"), SITES)
    assert found.problems == []
    assert found.data == {form: data}


@pytest.mark.parametrize(
    ("text", "place", "what", "hint"),
    [
        ("site,value\na,1\n", "2:1", "no row for site b", "a table by site names every site"),
        ("site,value\na,1\nb,2\na,3\n", "4:1", "site a stands here twice", "first in line 2"),
        ("site,value\na,1\nb,2\nbb,3\n", "4:1", "there is no site 'bb'", "did you mean 'b'?"),
        ("site,value\na,x\nb,2\n", "2:2", "expected a number, got 'x'", ""),
        ('site,value\na,"1,200"\nb,2\n', "2:2", "expected a number, got '1,200'", "write 1200"),
        ("site,value\na,NaN\nb,2\n", "2:2", "expected a finite number, got NaN", ""),
        ("site,value\na,-inf\nb,2\n", "2:2", "expected a finite number, got -inf", ""),
        ("site,value\na,1e999\nb,2\n", "2:2", "expected a finite number, got 1e999", ""),
        ("site,value\na,\nb,2\n", "2:2", "no number here", "write 0 if it is none"),
        ("site,value,vlaue\na,1,1\nb,2,2\n", "1:3", "unknown column 'vlaue'", "did you mean 'value'?"),
        (
            "site,vlaue\na,1\nb,2\n",
            "1:1",
            "needs a column 'value', or 'date' and one column",
            "did you mean 'vlaue'?",
        ),
        ("value\n1\n", "1:1", "needs a column 'site', 'date' or 'year' beside 'value'", ""),
        ("site,year,value\na,2025,1\n", "1:1", "cannot be by site and year", "use 'date' for years too"),
        (
            "date,value\n2025-02-01,1\n2025-01-01,2\n",
            "3:1",
            "date 2025-01-01 stands after 2025-02-01",
            "put the rows",
        ),
        (
            "date,value\n2025-02-01,1\n2025-02-01,2\n",
            "3:1",
            "date 2025-02-01 stands here twice",
            "first in line 2",
        ),
        ("date,value\n2025-02-30,1\n", "2:1", "expected a date such as 2025-01-31, got '2025-02-30'", ""),
        ("date,value\n01/02/2025,1\n", "2:1", "expected a date such as 2025-01-31, got '01/02/2025'", ""),
        ("site,value\n,1\n", "2:1", "a row without a site", ""),
        ("date,value\n,1\n", "2:1", "a row without a date", ""),
        ("year,value\n25,1\n", "2:1", "expected a fiscal year such as 2025, got '25'", ""),
        ("year,value\n2026,1\n2025,1\n", "3:1", "year 2025 stands after 2026", "put the rows"),
        ("date,a\n2025-01-06,1\n", "1:1", "no column for site b", "a table by site names every site"),
        (
            "date,a,b,c\n2025-01-06,1,2,3\n",
            "1:4",
            "'c' is neither a site nor 'value'",
            "known here: a, b, value",
        ),
        ("date,a,b\n2025-01-06,1,\n", "2:3", "no number here", ""),
        ("date,a,b\n2025-02-06,1,2\n2025-01-06,1,2\n", "3:1", "date 2025-01-06 stands after 2025-02-06", ""),
        ("date,a,b\n2025-02-06,1,2\n2025-02-06,1,2\n", "3:1", "date 2025-02-06 stands here twice", ""),
        ("site,date,value\na,2025-01-06,1\n", "2:1", "no row for site b on 2025-01-06", ""),
        ("", "1:1", "the table is empty", "the first line names the columns"),
        ("\n\n", "1:1", "the table is empty", ""),
        ("site,value\n", "2:1", "the table has no rows below its header", ""),
        ("site,value,value\na,1,1\nb,2,2\n", "1:3", "the column 'value' stands here twice", ""),
        ("site,,value\na,,1\nb,,2\n", "1:2", "a column without a name", ""),
        ("site,value\na,1,2\nb,2\n", "2:3", "3 values in a table of 2 columns", "a comma inside a value"),
        ("site;value\na;1\nb;2\n", "1:1", "one column only", "separate columns with commas"),
        ('site,value\n"a"x,1\nb,2\n', "2:1", "not a table: ", ""),
        ('site,value\na,"1\nb,2\n', "3:1", "not a table: ", ""),
        ("site,value," + "x" * 140_000 + "\na,1,2\n", "1:1", "not a table: field larger than", ""),
        (
            "site,value,first_name\na,1,x\nb,1,y\n",
            "1:3",
            "the column 'first_name' looks like a person's",
            "Fieldshift",
        ),
        (
            "site,value\nb,1\na,1\njane.doe@x.org,1\n",
            "4:1",
            "a value of 'site' looks like a person's identity",
            "Field",
        ),
    ],
)
def test_what_is_wrong_with_a_numbers_table(text: str, place: str, what: str, hint: str) -> None:
    found = amount_of(table_from(text, "t.csv"), SITES).problems
    told = [p for p in found if p.where == f"t.csv:{place}" and p.what.startswith(what)]
    assert told, found
    assert told[0].hint.startswith(hint)


def test_all_missing_sites_are_named() -> None:
    many = [f"s{i:02}" for i in range(20)]
    found = amount_of(table_from("site,value\ns00,1\n", "t.csv"), many).problems
    assert found[0].what == "no row for sites s01, s02, s03, s04, s05, s06, s07, s08, s09, s10 and 9 more"


@pytest.mark.parametrize(
    ("text", "place", "what"),
    [
        ("id,lat\na,1\na,2\n", "3:1", "the site 'a' stands here twice"),
        ("id,lat\n,1\n", "2:1", "a site without an id"),
        ("name,lat\na,1\n", "1:1", "a table of sites needs a column 'id'"),
        ("id,beds\na,nan\n", "2:2", "'beds' is nan"),
        ("id,beds\na,#N/A\n", "2:2", "'beds' is #N/A"),
        ("id,ssn\na,1\n", "1:2", "the column 'ssn' looks like a person's identity"),
        ("id,note\na,123-45-6789\n", "2:2", "a value of 'note' looks like a person's identity"),
    ],
)
def test_what_is_wrong_with_a_table_of_sites(text: str, place: str, what: str) -> None:
    found = sites_of(table_from(text, "t.csv")).problems
    assert [(p.where, p.what) for p in found][:1] == [(f"t.csv:{place}", what)]


def test_a_column_of_sites_is_numbers_where_all_of_it_is() -> None:
    found = sites_of(table_from("id,name,a,b,c,d\n1,2,3,4,5,007\n2,x,3.5,y,,010\n", "t.csv")).data
    assert found == [
        {"id": "1", "name": "2", "a": 3.0, "b": "4", "c": 5, "d": "007"},
        {"id": "2", "name": "x", "a": 3.5, "b": "y", "d": "010"},
    ]


def test_parts_come_one_a_row_with_dotted_columns() -> None:
    text = (
        "name,title,start,duty,learning.lasts,learning.productivity,tags.team,at,on_strength,funded\n"
        'desk,2024,5 person,desk,,,7,"[a, b]",false,9\nfield,Field,3,field,26 week,0.6,,,,\n'
    )
    assert parts_of(table_from(text, "t.csv"), Stock).data == {
        "desk": {
            "title": "2024",
            "start": "5 person",
            "duty": "desk",
            "tags": {"team": "7"},
            "at": ["a", "b"],
            "on_strength": False,
            "funded": 9,
        },
        "field": {
            "title": "Field",
            "start": 3,
            "duty": "field",
            "learning": {"lasts": "26 week", "productivity": 0.6},
        },
    }


@pytest.mark.parametrize(
    ("text", "place", "what", "hint"),
    [
        ("name,strat\na,1\n", "1:2", "unknown column 'strat'", "did you mean 'start'?"),
        ("title,start\na,1\n", "1:1", "a table of parts needs a column 'name'", ""),
        ("name,start\na,1\na,2\n", "3:1", "'a' stands here twice", "first in line 2"),
        ("name,start\n,1\n", "2:1", "a part without a name", ""),
        ("name,start,start.value\na,1,2\n", "2:3", "the columns 'start' and 'start.value' clash", ""),
        ("name,start.value,start\na,1,2\n", "2:3", "the column 'start' clashes with one inside it", ""),
        ("name,at\na,[x\n", "2:2", "not YAML: ", ""),
        ("name,start\na,.nan\n", "2:2", "expected a finite number, got .nan", ""),
        (
            "name,start,badge\na,1,2\n",
            "1:3",
            "the column 'badge' looks like a person's identity",
            "Fieldshift holds",
        ),
    ],
)
def test_what_is_wrong_with_a_table_of_parts(text: str, place: str, what: str, hint: str) -> None:
    found = parts_of(table_from(text, "t.csv"), Stock).problems
    assert len(found) == 1, found
    assert found[0].where == f"t.csv:{place}"
    assert found[0].what.startswith(what)
    assert found[0].hint.startswith(hint)


def test_a_wrong_cell_of_a_part_is_told_at_the_cell(tmp_path: Path) -> None:
    case(tmp_path, "stocks: stocks.csv\n", stocks="name,start,learning.last\ndesk,5,4 week\nfield,true,\n")
    assert [(p.where, p.path, p.what) for p in problems_of(tmp_path)] == [
        (f"{tmp_path}/stocks.csv:2:3", "stocks.desk.learning", "unknown key 'last'"),
        (f"{tmp_path}/stocks.csv:3:2", "stocks.field.start", "expected a number, got true/false"),
    ]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("../out.csv", "the table '../out.csv' is outside the scenario's folder"),
        ("sub/../../out.csv", "the table 'sub/../../out.csv' is outside the scenario's folder"),
        ("link.csv", "the table 'link.csv' leads outside the scenario's folder"),
        ("linked/out.csv", "the table 'linked/out.csv' leads outside the scenario's folder"),
        ("circle.csv", "cannot find the table 'circle.csv'"),
        ("stes.csv", "there is no table 'stes.csv'"),
        ("sub.csv", "there is no table 'sub.csv'"),
        ("a\\b.csv", "'a\\b.csv' is not a file's name"),
    ],
)
def test_only_tables_inside_the_folder_are_read(tmp_path: Path, name: str, what: str) -> None:
    folder = tmp_path / "case"
    folder.mkdir()
    (tmp_path / "out.csv").write_text("id\na\n")
    (folder / "link.csv").symlink_to(tmp_path / "out.csv")
    (folder / "circle.csv").symlink_to(folder / "circle.csv")
    (folder / "linked").symlink_to(tmp_path)
    (folder / "sub.csv").mkdir()
    (folder / "sites.csv").write_text("id\na\n")
    case(folder, f"sites: '{name}'\n")
    found = problems_of(folder)
    assert [(p.where, p.path) for p in found] == [(f"{folder}/scenario.yaml:3:8", "sites")]
    assert found[0].what == what or (name == "circle.csv" and "circle.csv" in found[0].what)


def test_an_absolute_path_and_another_kind_of_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("site,value\na,1\n")
    (tmp_path / "t.txt").write_text("site,value\na,1\n")
    case(tmp_path, f"sites: [a]\nstocks: {{s: {{start: {tmp_path}/t.csv}}, u: {{start: {{table: t.txt}}}}}}\n")
    told = problems_of(tmp_path)
    assert [p.path for p in told] == ["stocks.s.start", "stocks.u.start"]
    assert told[0].what.endswith("is outside the scenario's folder")
    assert (told[1].what, told[1].hint) == ("'t.txt' is not a table", "tables are .csv files")


def test_a_table_inside_a_subfolder_or_linked_inside_is_read(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "real.csv").write_text("site,value\na,1\n")
    (tmp_path / "link.csv").symlink_to(tmp_path / "sub" / "real.csv")
    case(tmp_path, "sites: [a]\nstocks: {s: {start: sub/real.csv}, u: {start: {table: link.csv, note: n}}}\n")
    scenario = read(tmp_path)
    assert scenario.stocks["s"].start.sites == {"a": 1}
    assert scenario.stocks["u"].start.note == "n"


def test_a_price_and_a_rule_may_have_tables(tmp_path: Path) -> None:
    text = (
        "sites: [a]\nneeds: {n: {of: s, need: t.csv, short: t.csv, over: {most: t.csv}}}\n"
        "policies: {p: {rules: [{rule: schedule, choice: c, amount: t.csv}, "
        "{rule: fill, choice: c, stock: s, upto: t.csv}]}}\n"
    )
    scenario = read(case(tmp_path, text, t="site,value\na,1\n"))
    need = scenario.needs["n"]
    assert need.short is not None
    assert need.over is not None
    assert need.over.most is not None
    rules = scenario.policies["p"].rules
    upto = getattr(rules[1], "upto")  # noqa: B009 - a rule of one of four kinds
    for amount in (need.need, need.short.price, need.over.most, getattr(rules[0], "amount"), upto):  # noqa: B009
        assert amount.sites == {"a": 1}


def test_a_table_that_is_not_utf8(tmp_path: Path) -> None:
    case(tmp_path, "sites: sites.csv\n")
    (tmp_path / "sites.csv").write_bytes(b"id,name\na,caf\xe9\n")
    found = problems_of(tmp_path)
    assert (found[0].where, found[0].hint) == (f"{tmp_path}/sites.csv:2:6", "save the file as UTF-8")
    (tmp_path / "sites.csv").write_bytes("id,name\na,café\n".encode("utf-8-sig"))
    assert read(tmp_path).sites[0].name == "café"
    (tmp_path / "sites.csv").write_bytes("id\na\n".encode("utf-16"))
    assert "not UTF-8" in problems_of(tmp_path)[0].what


def test_ten_million_rows_are_refused_without_being_read(tmp_path: Path) -> None:
    with (tmp_path / "huge.csv").open("wb") as stream:
        stream.write(b"site,value\n")
        rows = b"a,1\n" * 250_000
        stream.write(rows)
        stream.truncate(10_000_000 * 4)
    table = read_table(tmp_path, "huge.csv", "huge.csv", "x:1:1")
    assert [(p.where, p.what) for p in table.problems] == [(f"huge.csv:{MAX_ROWS + 2}:1", "more than 200,000 rows")]
    assert table.rows == []


def test_a_huge_file_without_lines_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "huge.csv").open("wb") as stream:
        stream.truncate(10_000_000_000)
    assert read_table(tmp_path, "huge.csv", "h", "x").problems[0].what == "too large (10,000,000,000 bytes)"


@pytest.mark.parametrize(
    "header",
    [
        "first_name",
        "First Name",
        "surname",
        "Last name",
        "fullName",
        "full name",
        "email",
        "E-Mail",
        "e_mail_address",
        "ssn",
        "SSN",
        "Social Security Number",
        "badge",
        "Badge No.",
        "employee_id",
        "EmployeeID",
        "staff number",
        "dob",
        "date_of_birth",
        "birthDate",
        "address",
        "home address",
        "Street Address",
        "phone",
        "Mobile Phone",
        "phone_number",
        "passport",
        "passport_no",
        "a_number",
        "A-Number",
        "alien number",
        "Alien Registration Number",
        "officer_name",
        "detainee_id",
        "fingerprint",
        "username",
        "driver's license",
        "person",
        "Name of employee",
    ],
)
def test_columns_that_look_like_a_persons_identity(header: str) -> None:
    if header in ("driver's license", "person", "Name of employee"):
        assert personal_column(header) is (header != "person")
    else:
        assert personal_column(header)


@pytest.mark.parametrize(
    "header",
    [
        "name",
        "id",
        "site",
        "value",
        "date",
        "year",
        "lat",
        "lon",
        "region",
        "city",
        "state",
        "weight",
        "docket_share",
        "custody_share",
        "jail_hours_share",
        "cooperation",
        "border",
        "flood",
        "donor",
        "officers",
        "employees",
        "badges",
        "detainees",
        "beds",
        "seats",
        "phones",
        "number",
        "code",
        "title",
        "street",
        "passports_issued",
        "mail_cases",
        "person_hours",
        "staff",
        "note",
        "learning.lasts",
        "country",
        "capacity",
        "email_cases",
        "age_of_building",
    ],
)
def test_columns_that_are_fine(header: str) -> None:
    assert not personal_column(header)


def test_cells_that_look_like_a_persons_identity() -> None:
    assert all(map(personal_cell, ["jane@agency.gov", "123-45-6789", "A123 456 789"]))
    assert not any(map(personal_cell, ["Atlanta", "2025-01-31", "33.75", "A1", "5 person", "123-456"]))


@given(raw=st.binary(max_size=120))
def test_any_bytes_give_nothing_but_a_scenario_error(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    folder = tmp_path_factory.getbasetemp() / "any-table"
    folder.mkdir(exist_ok=True)
    case(folder, "sites: sites.csv\nstocks: {s: {start: t.csv}}\nflows: f.csv\n")
    for name in ("sites.csv", "t.csv", "f.csv"):
        (folder / name).write_bytes(raw)
    try:
        read(folder)
    except ScenarioError as error:
        found = error.problems
    else:
        return
    assert found


CELL = st.sampled_from(
    ["a", "b", "1", "2.5", "", "x", "2025-01-01", "2025", "nan", "5 person", "[", "{a: b}"]
) | st.text(max_size=4)
ROWS = st.lists(st.lists(CELL, min_size=1, max_size=4), max_size=5)
HEADER = st.lists(
    st.sampled_from(
        ["site", "date", "year", "value", "a", "b", "id", "name", "start", "learning.lasts", "tags.x", "x"]
    ),
    min_size=1,
    max_size=4,
)


@given(header=HEADER, rows=ROWS)
def test_any_table_is_read_or_told(header: list[str], rows: list[list[str]]) -> None:
    text = "\n".join(",".join(row) for row in [header, *rows])
    for found in (
        amount_of(table_from(text, "t"), ["a", "b"]),
        sites_of(table_from(text, "t")),
        parts_of(table_from(text, "t"), Stock),
    ):
        assert all(problem.where.startswith("t:") for problem in found.problems)
