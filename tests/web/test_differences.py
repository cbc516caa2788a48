"""What differs, in words that a person can read."""

import pytest

import fieldshift as fs
from fieldshift.web.differences import differences


def told(case, changes):
    """Return title, old and new of all that some texts and values change in a case."""
    old = fs.Draft.of(fs.read(case))
    new = old
    for path, value in changes.items():
        way = new.way(path)
        new = new.with_text(way, value) if isinstance(value, str) else new.with_value(way, value)
    return [(one.title, one.old, one.new) for one in differences(old, new)]


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("resources.academy_seats.cap", "60 seat", ("Academy seats: cap", "12 seat", "60 seat")),
        ("resources.academy_seats.cap.range", "6..36 seat", ("Academy seats: cap range", "", "6..36 seat")),
        ("sites.coast.weight", "0.2", ("Coast: weight", "0.1", "0.2")),
        ("horizon.periods", "52", ("Horizon: periods", "104", "52")),
        ("name", "X", ("Name", "Northmark inspectorate", "X")),
        ("needs.field.need.dates.2025-07-28", "170 person", (
            "Inspectors needed in the field: need from 2025-07-28", "165 person", "170 person"
        )),
        ("policies.move.rules.0.amount", "3 person/week", ("Move, rule 1: amount", "2 person/week", "3 person/week")),
        ("choices.hire.stages.1.pass", "80 %", ("Hiring, academy: pass", "90 %", "80 %")),
        ("choices.hire.stages.1.uses", "academy_seats: 2", ("Hiring, academy: uses academy seats", "1", "2")),
        ("needs.field.short.price", "200", ("Inspectors needed in the field: short", "100", "200")),
        ("goals.1.weight", 2, ("Goal 2: weight", "", "2")),
    ],
)  # fmt: skip
def test_a_change_says_what_it_is_of(path, value, words):
    assert told("academy", {path: value}) == [words]


def test_parts_that_come_and_go_are_said_whole():
    found = told("academy", {"stocks.new": {"title": "New hands", "start": "3 person"}, "budgets.training": None})
    assert found == [
        ("Stock “New hands”", "", "title: New hands, start: 3 person"),
        ("Budget “Training and travel”", "title: Training and travel, pays: choices, assumption: true", ""),
    ]


def test_entries_that_come_and_go_are_said_in_words():
    found = told("academy", {"policies.both.rules.2": {"rule": "fill", "choice": "hire", "stock": "field"}})
    assert found == [("Move and hire: rules", "2 entries", "rule fill, choice hire, stock field")]


def test_a_lever_moved_is_told_as_one_change():
    found = told("ice-2024", {"quantities.desk_share": {"value": "30 %", "assumption": True}})
    assert [(title, new) for title, _, new in found] == [("Desk share", "30 %, assumption")]
    assert found[0][1].startswith("4 rival estimates")


def test_a_case_does_not_differ_from_itself():
    for case in fs.cases():
        draft = fs.Draft.of(fs.read(case))
        assert differences(draft, fs.Draft.of(draft.scenario())) == []


def test_very_long_lists_are_not_compared_one_by_one(monkeypatch):
    monkeypatch.setattr("fieldshift.web.differences._FINELY", 3)
    old = fs.Draft({"policies": {"stay": {"rules": [{"rule": "a"}, {"rule": "b"}]}}})
    new = fs.Draft({"policies": {"stay": {"rules": [{"rule": "c"}, {"rule": "a"}, {"rule": "d"}]}}})
    (found,) = differences(old, new)
    assert (found.old, found.new) == ("2 entries", "3 other entries")
