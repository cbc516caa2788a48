"""Reading a scenario: places, values and hints; hostile files; several problems at once."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldshift.errors import Problem, ScenarioError, UsageError
from fieldshift.scenario.marked import marked, resolved
from fieldshift.scenario.read import cases, digest, overlaid, read

HEAD = "name: Small\nhorizon: {start: 2025-01-06, periods: 4}\n"


def put(folder: Path, text: str, **tables: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "scenario.yaml").write_text(HEAD + text)
    for name, table in tables.items():
        (folder / f"{name}.csv").write_text(table)
    return folder


def refused(path: Path, *args: object, **more: object) -> list[Problem]:
    with pytest.raises(ScenarioError) as caught:
        read(path, *args, **more)  # type: ignore[arg-type]
    return list(caught.value.problems)


def only(path: Path, **more: object) -> Problem:
    found = refused(path, **more)
    assert len(found) == 1, found
    return found[0]


def test_a_folder_reads_whole(tmp_path: Path) -> None:
    folder = put(
        tmp_path / "case",
        "sites: sites.csv\nquantities: {a: 5 person}\nstocks: {desk: {start: desk.csv}}\n",
        sites="id,lat,beds,note\na,1.5,3,x\nb,,4,007\n",
        desk="site,value\na,3\nb,4\n",
    )
    scenario = read(folder)
    shutil.rmtree(folder)
    assert scenario.horizon.start == dt.date(2025, 1, 6)
    assert scenario.sites[0].attributes["beds"] == 3
    assert scenario.sites[1].lat is None
    assert scenario.sites[1].attributes["note"] == "007"
    assert scenario.stocks["desk"].start.sites == {"a": 3, "b": 4}
    assert scenario._places[("stocks", "desk", "start", "sites", "b")] == f"{folder}/desk.csv:3:2"
    assert scenario._places[("quantities", "a")] == f"{folder}/scenario.yaml:4:17"
    assert scenario._places[("sites", 1, "beds")] == f"{folder}/sites.csv:3:3"


def test_several_files_are_one_scenario_and_may_not_overlap(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(HEAD)
    (tmp_path / "b.yaml").write_text("quantities: {x: 1}\n")
    assert read(tmp_path).quantities["x"].value == 1
    (tmp_path / "c.yaml").write_text("about: more\nquantities: {y: 1}\n")
    found = only(tmp_path)
    assert found.where == f"{tmp_path}/c.yaml:2:1"
    assert found.what == "the key 'quantities' stands in two files"
    assert found.hint == f"first at {tmp_path}/b.yaml:1:1"


def test_shipped_cases_are_read_by_name() -> None:
    assert "academy" in cases()
    assert read("academy").name == "Northmark inspectorate"
    with pytest.raises(UsageError, match=r"no scenario 'acadmy' .did you mean 'academy'"):
        read("acadmy")


@pytest.mark.parametrize(
    ("text", "place", "what", "hint"),
    [
        ("stocks: {desk: {strat: 5}}", "3:17", "unknown key 'strat'", "did you mean 'start'?"),
        ("overtme: 5", "3:1", "unknown key 'overtme'", ""),
        ("stokcs: {}", "3:1", "unknown key 'stokcs'", "did you mean 'stocks'?"),
        ("choices: {x: {head: a, pas: 1}}", "3:24", "unknown key 'pas'", "did you mean 'pass'?"),
        ("profiles: {p: {weeks: {0: 1}}}", "3:12", "'event' is missing", "The event"),
        (
            "quantities: {a: []}",
            "3:14",
            "expected a number, text with a unit, a table or a mapping, got a list",
            "",
        ),
        ("quantities: {a: true}", "3:17", "expected a number, got true/false", ""),
        (
            "quantities:\n  a:\n",
            "4:5",
            "expected a number, text with a unit, a table or a mapping, got nothing",
            "",
        ),
        ("quantities: {a: .nan}", "3:17", "expected a finite number, got .nan", ""),
        ("quantities: {a: 1e999}", "3:17", "the number 1e999 is too large", ""),
        ("quantities: {a: {range: [1]}}", "3:18", "expected two numbers", ""),
        ("as_of: 2025-02-30", "3:8", "there is no date 2025-02-30", ""),
        ("about: 2025", "3:8", "expected text, got 2025", "put it in quotes"),
        ("stocks: [a]", "3:1", "expected a mapping, got a list", ""),
        ("work: {w: {crew: 0}}", "3:18", "must be at least 1, got 0", ""),
        ("work: {w: {crew: 1.5}}", "3:18", "expected a whole number, got 1.5", ""),
        ("work: {w: {by: 3}}", "3:16", "expected text, a list or a mapping, got 3", ""),
        ("sites: [{id: a, weight: -1}]", "3:25", "must be at least 0, got -1", ""),
        ("sites: [{id: a, lat: north}]", "3:22", "expected a number, got 'north'", ""),
        (
            "sites: [{id: a, e-mail: x@y.org}]",
            "3:17",
            "'e-mail' looks like a person's identity",
            "Fieldshift holds",
        ),
        (
            "needs: {n: {of: a, need: 1, at: opning}}",
            "3:33",
            "there is no 'opning' here",
            "did you mean 'opening'?",
        ),
        ("policies: {p: {rules: [{rule: fil}]}}", "3:31", "there is no rule 'fil'", "did you mean 'fill'?"),
        (
            "policies: {p: {rules: [{choice: x}]}}",
            "3:24",
            "'rule' is missing: the kind of rule",
            "rules: schedule, fill",
        ),
        (
            "policies: {p: {rules: [{rule: fill, choice: x, stok: y, stock: z}]}}",
            "3:48",
            "unknown key 'stok'",
            "did",
        ),
        (
            "policies: {p: {rules: [{rule: fill, choice: x, stock: y, upto: []}]}}",
            "3:58",
            "expected a word or a num",
            "",
        ),
        (
            "flows: {f: {tail: a, rate: 1, arrive: 2, head: b}}",
            "3:9",
            "needs `rate` (share of its tail) or `arrive`",
            "",
        ),
        ("quantities: {a: {value: 1, note: one, two}}", "3:39", "unknown key 'two'", ""),
        (
            "quantities: {a: {value: 1, note: one, two more}}",
            "3:39",
            "unknown key 'two more'",
            "a text with a comma",
        ),
        ("stocks: {desk: {}, desk: {}}", "3:20", "the key 'desk' stands here twice", "first at "),
        ("stocks: {desk: {}", "4:1", "not YAML: ", ""),
        ("stocks:\n\tdesk: {}", "4:1", "not YAML: ", ""),
        (
            "stocks: !!python/object:os.system {}",
            "3:9",
            "the tag 'tag:yaml.org,2002:python/object:os.system'",
            "leave",
        ),
        ("stocks: {desk: *nobody}", "3:16", "the alias *nobody names nothing", ""),
        ("stocks: &a {desk: *a}", "3:19", "the alias *a stands inside what it names", ""),
        ("---\nname: x", "3:1", "more than one document", ""),
        ("stocks: {? [a]: 1}", "3:12", "a key must be a word or a number", ""),
        ("about: " + "[" * 60 + "]" * 60, "3:47", "nested more than 40 deep", ""),
    ],
)
def test_one_problem_is_told_once_with_its_place(tmp_path: Path, text: str, place: str, what: str, hint: str) -> None:
    folder = put(tmp_path / "case", text)
    found = refused(folder)
    assert len(found) == 1, found
    assert found[0].where == f"{folder}/scenario.yaml:{place}", found
    assert found[0].what.startswith(what), found
    assert found[0].hint.startswith(hint)


def test_a_horizon_of_no_periods_is_refused(tmp_path: Path) -> None:
    (tmp_path / "scenario.yaml").write_text("name: x\nhorizon: {periods: 0}\n")
    assert str(only(tmp_path)) == f"{tmp_path}/scenario.yaml:2:20: horizon.periods: must be at least 1, got 0"


def test_several_problems_are_all_told_in_the_order_of_their_places(tmp_path: Path) -> None:
    folder = put(
        tmp_path / "case",
        "sites: sites.csv\nstocks: {desk: {strat: 5, start: desk.csv}}\nflows: 7\nbudgets: {b: {}}\n",
        sites="id,first_name\na,x\n",
        desk="site,value\nb,x\n",
    )
    (folder / "over.yaml").write_text("wrok: {}\n")
    found = refused(folder, overlay=folder / "over.yaml", set=["quantities.x=1", "nonsense"])
    assert [(p.where.removeprefix(f"{folder}/"), p.what) for p in found] == [
        ("--set", "expected path=value, got 'nonsense'"),
        ("--set", "there is no 'x' in quantities"),
        ("desk.csv:2:1", "there is no site 'b'"),
        ("desk.csv:2:1", "no row for site a"),
        ("desk.csv:2:2", "expected a number, got 'x'"),
        ("over.yaml:1:1", "unknown key 'wrok'"),
        ("scenario.yaml:4:17", "unknown key 'strat'"),
        ("scenario.yaml:5:8", "expected a mapping, got 7"),
        ("scenario.yaml:6:11", "'pays' is missing"),
        ("sites.csv:1:2", "the column 'first_name' looks like a person's identity"),
    ]


def test_an_empty_file_and_other_files_that_are_no_mapping(tmp_path: Path) -> None:
    for text, what in [
        ("", "the file is empty"),
        ("# nothing\n", "the file is empty"),
        ("- a\n", "must be a mapping"),
    ]:
        (tmp_path / "scenario.yaml").write_text(text)
        found = refused(tmp_path)
        assert found[0].where in (f"{tmp_path}/scenario.yaml:1:1", f"{tmp_path}/scenario.yaml:1:1")
        assert what in found[0].what


def test_a_folder_without_a_scenario(tmp_path: Path) -> None:
    assert only_first(refused(tmp_path)).what == "there is no scenario in this folder"
    with pytest.raises(UsageError, match="no scenario"):
        read(tmp_path / "nowhere")
    (tmp_path / "x.txt").write_text("x")
    with pytest.raises(UsageError, match=r"a folder, a \.yaml file or an \.xlsx workbook"):
        read(tmp_path / "x.txt")


def only_first(problems: list[Problem]) -> Problem:
    return problems[0]


def test_not_utf8(tmp_path: Path) -> None:
    folder = put(tmp_path / "case", "")
    (folder / "scenario.yaml").write_bytes(b"name: x\nabout: caf\xe9\n")
    assert str(only_first(refused(folder))) == (
        f"{folder}/scenario.yaml:2:11: not UTF-8 text (byte 0xe9) (save the file as UTF-8)"
    )


def test_scalars_are_those_of_yaml_1_2() -> None:
    text = (
        "{a: 10-01, b: on, c: no, d: 12:30, e: true, f: 2025-01-31, g: 7.5e6, h: 010, i: '5', j: 2024-06, k: ~, no: 1}"
    )
    assert marked(text, "x").data == {
        "a": "10-01",
        "b": "on",
        "c": "no",
        "d": "12:30",
        "e": True,
        "f": dt.date(2025, 1, 31),
        "g": 7.5e6,
        "h": "010",
        "i": "5",
        "j": "2024-06",
        "k": None,
        "no": 1,
    }


@pytest.mark.parametrize(
    ("text", "place"), [('name: "a\\0b"', "x:1:7"), ('a: [1, "\\x00"]', "x:1:8"), ('"\\u0000": 1', "x:1:1")]
)
def test_a_zero_character_is_refused_with_its_place(text: str, place: str) -> None:
    """No database keeps one, so a case that held one could be read and never opened on a desk."""
    assert [str(problem) for problem in marked(text, "x").problems] == [
        f"{place}: a text with a zero character (NUL) in it (leave `\\0` out)"
    ]


def test_merge_keys_and_small_aliases_are_taken(tmp_path: Path) -> None:
    text = "stocks:\n  desk: &it {start: 5, duty: desk}\n  field: {<<: *it, duty: field}\n  third: *it\n"
    scenario = read(put(tmp_path / "case", text))
    assert scenario.stocks["field"].start.value == 5
    assert scenario.stocks["field"].duty == "field"
    assert scenario.stocks["third"] == scenario.stocks["desk"]


def test_an_alias_bomb_is_refused_at_once(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 30)]
    found = only_first(refused(put(tmp_path / "case", "\n".join(lines))))
    assert found.what == "more than 200,000 values once its aliases are written out"
    assert found.where == f"{tmp_path}/case/scenario.yaml:8:58"
    many = "about: &a x\ntags: [" + ", ".join(["*a"] * 1001) + "]\n"
    assert "more than 1,000 aliases" in only_first(refused(put(tmp_path / "case", many))).what


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    folder = put(tmp_path / "case", "# " + "x" * 2_000_001)
    assert only_first(refused(folder)).what.startswith("too large")


def test_deep_nesting_is_refused_without_recursion(tmp_path: Path) -> None:
    assert "nested more than" in only_first(refused(put(tmp_path / "case", "about: " + "[" * 300_000))).what


def test_overlays_merge_mappings_replace_lists_and_remove(tmp_path: Path) -> None:
    folder = put(tmp_path / "case", "sites: [a, b]\nquantities: {x: {value: 1, note: n}, y: 2}\nabout: t\n")
    (folder / "over.yaml").write_text("sites: [c]\nquantities: {x: {value: 3}, y: null, z: 4}\nabout:\n")
    scenario = read(folder, overlay=[folder / "over.yaml", {"quantities": {"w": 5}}], set="quantities.w=6 person")
    assert [site.id for site in scenario.sites] == ["c"]
    assert {k: v.value for k, v in scenario.quantities.items()} == {"x": 3, "z": 4, "w": "6 person"}
    assert scenario.quantities["x"].note == "n"
    assert scenario.about is None
    assert scenario._places[("quantities", "x", "value")] == f"{folder}/over.yaml:2:25"
    assert scenario._places[("quantities", "x", "note")] == f"{folder}/scenario.yaml:4:34"
    assert scenario._places[("quantities", "w")] == "--set"
    assert ("quantities", "y") not in scenario._places


def test_an_overlay_may_bring_its_own_tables(tmp_path: Path) -> None:
    folder = put(tmp_path / "case", "sites: [a]\nstocks: {desk: {start: 1}}\n")
    other = tmp_path / "other"
    other.mkdir()
    (other / "desk.csv").write_text("site,value\na,7\n")
    (other / "over.yaml").write_text("stocks: {desk: {start: desk.csv}}\n")
    assert read(folder, overlay=other / "over.yaml").stocks["desk"].start.sites == {"a": 7}


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("resources.seat.cap=3", "there is no 'seat' in resources", "did you mean 'seats'?"),
        ("resources.seats.cpa=3", "there is no 'cpa' in resources.seats", "did you mean 'cap'?"),
        ("resorces.seats=3", "there is no 'resorces' in a scenario", "did you mean 'resources'?"),
        ("resources..cap=3", "not a path", ""),
        ("=3", "not a path", ""),
        ("stocks.desk.start=[", "not YAML: ", ""),
        ("horizon.periods=x", "expected a whole number, got 'x'", ""),
        ("sites.c.weight=1", "there is no 'c' in sites", ""),
        ("name.x=1", "there is no 'x' in name", ""),
    ],
)
def test_a_setting_that_leads_nowhere(tmp_path: Path, text: str, what: str, hint: str) -> None:
    folder = put(tmp_path / "case", "sites: [a, b]\nstocks: {desk: {}}\nresources: {seats: {cap: 1}}\n")
    found = only(folder, set=[text])
    assert found.where == "--set"
    assert found.what.startswith(what)
    assert found.hint.startswith(hint)


def test_settings_reach_every_kind_of_place(tmp_path: Path) -> None:
    text = (
        "sites: [{id: a}]\nstocks: {desk: {}}\nbudgets: {pay: {cap: {2025: 1}, pays: stocks}}\n"
        "policies: {p: {rules: [{rule: schedule, choice: c, amount: 1}]}}\nneeds: {n: {of: desk, need: 1, short: 5}}\n"
        "dials: {d: {from: 1, to: 2, turns: {work.w.pace: 1}}}\nwork: {w: {}}\n"
    )
    scenario = read(
        put(tmp_path / "case", text),
        set=[
            "sites.a.weight=3",
            "stocks.desk.start.note=guess",
            "stocks.desk.start.value=4 person",
            "stocks.desk.tags.kind=x",
            "budgets.pay.cap.2026=7",
            "policies.p.rules.0.amount=2",
            "policies.p.rules.0.from=2025-02-01",
            "needs.n.short.most=9",
            "dials.d.turns.work.w.pace=0.5",
            "work.w.arrive={dates: {2025-01-01: 3}}",
        ],
    )
    assert scenario.sites[0].weight == 3
    assert scenario.stocks["desk"].start.note == "guess"
    assert scenario.stocks["desk"].tags == {"kind": "x"}
    assert scenario.budgets["pay"].cap is not None
    assert scenario.budgets["pay"].cap.years == {2025: 1, 2026: 7}
    rule = scenario.policies["p"].rules[0]
    assert rule.start_from == dt.date(2025, 2, 1)
    assert scenario.needs["n"].short is not None
    assert scenario.needs["n"].short.price.value == 5
    assert scenario.dials["d"].turns["work.w.pace"].value == 0.5
    assert scenario.work["w"].arrive is not None
    assert scenario.work["w"].arrive.dates == {"2025-01-01": 3}


def test_a_policys_settings_keep_their_nulls_and_remove_when_laid_over(tmp_path: Path) -> None:
    text = (
        "work: {w: {most: {dates: {2025-01-06: 0}, note: n}}}\n"
        "policies: {p: {set: {work.w.most: {value: 33 case/week, dates: null}}}}\n"
    )
    scenario = read(put(tmp_path / "case", text))
    changed = overlaid(scenario, scenario.policies["p"].set, "here")
    most = changed.work["w"].most
    assert most is not None
    assert (most.value, most.dates, most.note) == ("33 case/week", {}, "n")
    assert changed._places[("work", "w", "most", "value")] == "here"
    assert scenario.work["w"].most is not None
    assert scenario.work["w"].most.dates


def test_a_number_said_in_another_way_leaves_nothing_of_the_old_one(tmp_path: Path) -> None:
    text = (
        "resources: {seats: {cap: {value: 9, range: 1..20, source: old}}}\n"
        "policies: {p: {set: {resources.seats.cap: {dates: {2025-01-06: 3}}}}}\n"
    )
    scenario = read(put(tmp_path / "case", text))
    cap = overlaid(scenario, scenario.policies["p"].set).resources["seats"].cap
    assert cap is not None
    assert (cap.value, cap.range, cap.source, cap.dates) == (None, None, None, {"2025-01-06": 3})


def test_overlaid_gives_a_new_scenario_or_all_problems(tmp_path: Path) -> None:
    scenario = read("academy")
    assert overlaid(scenario, {}) == scenario
    assert digest(overlaid(scenario, {})) == digest(scenario)
    more = overlaid(scenario, {"resources.academy_seats.cap": "30 seat", "stocks": {"desk": {"start": 5}}})
    assert more.resources["academy_seats"].cap is not None
    assert more.resources["academy_seats"].cap.value == "30 seat"
    assert more.stocks["desk"].start.value == 5
    assert digest(more) != digest(scenario)
    with pytest.raises(ScenarioError) as caught:
        overlaid(scenario, {"resources.academy_seat.cap": 1, "stocks.desk.strt": 2})
    assert [p.hint for p in caught.value.problems] == [
        "did you mean 'academy_seats'?",
        "did you mean 'start'?",
    ]


def test_the_digest_says_what_is_said_and_nothing_else(tmp_path: Path) -> None:
    one = read(put(tmp_path / "a", "sites: [{id: a, x: 1}]\nstocks: {desk: {start: 5}, field: {}}\n"))
    same = read(
        put(
            tmp_path / "b",
            "# else\nstocks: {field: {}, desk: {start: {value: 5.0}}}\nsites: [{id: a, x: 1.0}]\n",
        )
    )
    other = read(put(tmp_path / "c", "sites: [{id: a, x: 1}]\nstocks: {desk: {start: 6}, field: {}}\n"))
    assert digest(one) == digest(same)
    assert len({digest(one), digest(other)}) == 2
    assert len(digest(one)) == 64


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real.yaml").write_text(HEAD)
    (tmp_path / "case").mkdir()
    (tmp_path / "case" / "scenario.yaml").symlink_to(tmp_path / "real.yaml")
    assert only_first(refused(tmp_path / "case")).what == "leads outside the scenario's folder"


def test_words_that_mean_no_number() -> None:
    with pytest.raises(ValueError, match="too large"):
        resolved("1" * 400)
    assert resolved("1_000") == "1_000"
    assert resolved("0x1F") == "0x1F"


def tried(path: Path) -> None:
    try:
        read(path)
    except ScenarioError as error:
        found = error.problems
    else:
        return
    assert found
    assert all(problem.where and problem.what for problem in found)


@given(raw=st.binary(max_size=200))
def test_any_bytes_give_nothing_but_a_scenario_error(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_bytes(raw)
    tried(file)


KEYS = st.sampled_from(
    [
        "name",
        "horizon",
        "sites",
        "stocks",
        "flows",
        "choices",
        "work",
        "needs",
        "policies",
        "quantities",
        "periods",
        "start",
        "rules",
        "rule",
        "set",
        "at",
        "of",
        "by",
        "tail",
        "head",
        "short",
        "steps",
        "price",
        "pass",
        "table",
        "dates",
        "years",
        "grid",
        "value",
        "range",
        "supply",
        "weeks",
        "id",
        "lat",
        "rate",
        "<<",
    ]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=6),
    st.dates(),
    st.sampled_from(["x.csv", "../x.csv", "fill", "schedule", "2025-01-01", "3 person"]),
)
DATA = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=4),
    max_leaves=25,
)


@given(data=st.dictionaries(KEYS, DATA, max_size=6))
def test_any_yaml_gives_nothing_but_a_scenario_error(
    tmp_path_factory: pytest.TempPathFactory, data: dict[str, object]
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8", errors="replace")
    tried(file)


@settings(max_examples=40)
@given(changes=st.dictionaries(st.text(max_size=8) | KEYS, DATA, max_size=3))
def test_any_change_gives_nothing_but_a_scenario_error(changes: dict[str, object]) -> None:
    try:
        overlaid(read("academy"), changes)
    except ScenarioError as error:
        found = error.problems
    else:
        return
    assert found


def test_the_rest_is_checked_beside_an_entry_that_cannot_be_read(tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text("name: Bad\nhorizon: {periods: 2}\nstocks:\n  desk: {start: 10, dutty: desk}\n", encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        read(file)
    assert len(caught.value.problems) == 1
    assert caught.value.readable.stocks["desk"].start.value == 10
