"""Writing a scenario: what is written reads back equal, whole or not at all."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldshift.errors import ScenarioError
from fieldshift.scenario import write as writing
from fieldshift.scenario.read import cases, digest, from_yaml, overlaid, read
from fieldshift.scenario.schema import Amount, Horizon, Scenario, Site, Stock
from fieldshift.scenario.write import to_yaml, write

SMALL = Scenario(name="Small", horizon=Horizon(periods=4, start=dt.date(2025, 1, 6)))


def again(scenario: Scenario, folder: Path) -> None:
    """Write a scenario both ways and read it back."""
    file = folder / "one.yaml"
    for target in (file, folder / "folder"):
        write(scenario, target)
        back = read(target)
        assert back == scenario
        assert digest(back) == digest(scenario)


def listed() -> tuple[str, ...]:
    """The shipped cases that read without an error; others are told by their own tests."""
    found = []
    for name in cases():
        try:
            read(name)
        except ScenarioError:
            continue
        found.append(name)
    return tuple(found)


@pytest.mark.parametrize("name", listed())
def test_shipped_cases_read_back_equal(tmp_path: Path, name: str) -> None:
    scenario = read(name)
    again(scenario, tmp_path)
    again(overlaid(scenario, {"about": "changed: with a colon, 'quotes'\nand lines"}), tmp_path)


def test_the_yaml_is_what_a_planner_would_write() -> None:
    scenario = SMALL.model_copy(
        update={
            "as_of": dt.date(2024, 12, 1),
            "sites": (Site.model_validate({"id": "no", "beds": 3, "weight": 0.5}), Site(id="b")),
            "quantities": {
                "x": Amount(value="5 person", source="S1: a report", as_of=dt.date(2024, 6, 1)),
                "y": Amount(years={2025: 1.0, 2026: 2.5}),
                "z": Amount(value=7),
            },
            "stocks": {"desk": Stock(at=("no", "b"), start=Amount(sites={"no": 3, "b": 4.0}), on_strength=False)},
        }
    )
    assert to_yaml(scenario) == (
        "name: Small\n"
        "as_of: 2024-12-01\n"
        "\nhorizon:\n  start: 2025-01-06\n  periods: 4\n"
        "\nsites:\n- id: no\n  weight: 0.5\n  beds: 3\n- id: b\n"
        "\nquantities:\n  x:\n    value: 5 person\n    source: 'S1: a report'\n    as_of: 2024-06-01\n"
        "  y:\n    2025: 1\n    2026: 2.5\n  z: 7\n"
        "\nstocks:\n  desk:\n    at: [no, b]\n    start:\n      sites:\n        no: 3\n        b: 4\n"
        "    on_strength: false\n"
    )


def test_sites_and_long_numbers_become_tables(tmp_path: Path) -> None:
    ids = ["a", "b", "c"]
    scenario = SMALL.model_copy(
        update={
            "sites": tuple(Site.model_validate({"id": i, "beds": k}) for k, i in enumerate(ids)),
            "stocks": {"desk": Stock(start=Amount(sites=dict.fromkeys(ids, 2.0), note="n"))},
            "quantities": {
                "x": Amount(grid={d: dict.fromkeys(ids, 1.5) for d in ("2025-01-06", "2025-02-03", "2025-03-03")})
            },
        }
    )
    again(scenario, tmp_path)
    folder = tmp_path / "folder"
    assert sorted(p.name for p in folder.iterdir()) == [
        "quantities.x.csv",
        "scenario.yaml",
        "sites.csv",
        "stocks.desk.start.csv",
    ]
    assert (folder / "sites.csv").read_text() == "id,beds\na,0\nb,1\nc,2\n"
    assert (folder / "quantities.x.csv").read_text().startswith("date,a,b,c\n2025-01-06,1.5,1.5,1.5\n")


@pytest.mark.parametrize(
    "sites",
    [
        [{"id": "a", "x": "007"}, {"id": "b", "x": "5"}],
        [{"id": "a", "x": " spaced "}],
        [{"id": "a", "x": True}],
        [{"id": "a", "x": ["list"]}],
        [{"id": "a", "x": ""}],
        [{"id": "a", "x": 1.0}, {"id": "b", "x": 2.5}],
        [{"id": "a", "x": "1"}, {"id": "b", "x": 2}],
        [{"id": "a,b", "name": 'say "so"\nnow'}],
        [
            {"id": "on"},
            {"id": "2025-01-01"},
            {"id": "12"},
            {"id": "<<"},
            {"id": "~"},
            {"id": "null"},
            {"id": "1e3"},
        ],
    ],
)
def test_sites_of_any_kind_read_back_equal(tmp_path: Path, sites: list[dict[str, Any]]) -> None:
    again(SMALL.model_copy(update={"sites": tuple(Site.model_validate(s) for s in sites)}), tmp_path)


TEXT = st.text(max_size=12).filter(lambda text: not text.strip().endswith(".csv") and "\0" not in text)
WORD = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,6}", fullmatch=True) | st.sampled_from(["on", "no", "true", "null", "y"])
NUMBER = (
    st.floats(-1e9, 1e9) | st.integers(-5, 10**6).map(float) | st.sampled_from(["5 person", "12 %/year", "a * b", "5"])
)
DATE = st.dates(dt.date(2020, 1, 1), dt.date(2030, 1, 1)).map(str)
IDS = ("a", "b", "12", "on")
AMOUNT = st.one_of(
    NUMBER.map(lambda v: Amount(value=v)),
    st.builds(Amount, value=NUMBER, source=TEXT, note=st.none() | TEXT, as_of=st.none() | st.dates() | TEXT),
    st.dictionaries(DATE, NUMBER, min_size=1, max_size=4).map(lambda v: Amount(dates=v)),
    st.dictionaries(st.integers(2000, 2040), NUMBER, min_size=1, max_size=3).map(lambda v: Amount(years=v)),
    st.lists(NUMBER, min_size=4, max_size=4).map(lambda v: Amount(sites=dict(zip(IDS, v, strict=True)))),
    st.lists(NUMBER, min_size=4, max_size=4).map(
        lambda v: Amount(grid={f"2025-0{m}-01": dict(zip(IDS, v, strict=True)) for m in (1, 2, 3)}, assumption=True)
    ),
)


@settings(max_examples=60)
@given(
    name=TEXT,
    quantities=st.dictionaries(WORD, AMOUNT, max_size=3),
    stocks=st.dictionaries(
        WORD,
        st.builds(Stock, title=st.none() | TEXT, start=AMOUNT, tags=st.dictionaries(TEXT, TEXT, max_size=2)),
        max_size=2,
    ),
    attributes=st.lists(
        st.none() | TEXT | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
        min_size=4,
        max_size=4,
    ),
)
def test_any_scenario_reads_back_equal(
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    quantities: dict[str, Amount],
    stocks: dict[str, Stock],
    attributes: list[object],
) -> None:
    sites = [{"id": i, "x": x} if x is not None else {"id": i} for i, x in zip(IDS, attributes, strict=True)]
    scenario = Scenario(
        name=name,
        horizon=Horizon(periods=3),
        sites=tuple(Site.model_validate(site) for site in sites),
        quantities=quantities,
        stocks=stocks,
    )
    again(scenario, tmp_path_factory.mktemp("again"))


def test_a_number_that_is_not_finite_is_not_written(tmp_path: Path) -> None:
    scenario = SMALL.model_copy(update={"quantities": {"x": Amount(value=float("inf"))}})
    with pytest.raises(ScenarioError, match=r"quantities\.x: a number that is not finite cannot be written"):
        write(scenario, tmp_path / "case")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = Path.write_text

    def breaks(self: Path, *args: Any, **more: Any) -> int:
        if self.name == "scenario.yaml":
            raise OSError("disk full")
        return full(self, *args, **more)

    monkeypatch.setattr(Path, "write_text", breaks)
    with pytest.raises(OSError, match="disk full"):
        write(read("academy"), tmp_path / "case")
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_replaced_whole_and_others_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "case"
    write(read("academy"), folder)
    (folder / "SOURCES.md").write_text("kept")
    write(SMALL, folder)
    assert read(folder) == SMALL
    assert (folder / "SOURCES.md").read_text() == "kept"

    def breaks(*_: object) -> None:
        raise OSError("gone")

    monkeypatch.setattr(writing.File, "replace", breaks)
    with pytest.raises(OSError, match="gone"):
        write(read("academy"), folder)
    assert read(folder) == SMALL
    assert not [p for p in folder.iterdir() if p.name.startswith(".")]


def test_a_scenario_is_one_text_and_back():
    scenario = read("academy")
    assert digest(from_yaml(to_yaml(scenario))) == digest(scenario)


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "scenario.yaml:1:1: the file is empty"), ("name: x\nhorizon: {periods: no}\n", "scenario.yaml:2:20: ")],
)
def test_what_is_wrong_with_a_text_has_a_place(text, said):
    with pytest.raises(ScenarioError) as caught:
        from_yaml(text)
    assert str(caught.value.problems[0]).startswith(said)
