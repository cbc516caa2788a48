"""A scenario in work: every value can be read as text, changed, compared and undone, to the digit."""

import json
from typing import Any

import pytest

import fieldshift as fs

CASES = fs.cases()


def ways(draft: fs.Draft) -> list[tuple[str | int, ...]]:
    """Return the way to everything that a draft holds."""
    found: list[tuple[str | int, ...]] = []

    def walk(node: Any, path: tuple[str | int, ...]) -> None:
        if path:
            found.append(path)
        if isinstance(node, dict):
            for key, item in node.items():
                walk(item, (*path, key))
        elif isinstance(node, list):
            for i, item in enumerate(node):
                walk(item, (*path, item["id"] if path == ("sites",) else i))

    walk(draft.data, ())
    return found


@pytest.fixture(scope="module", params=CASES)
def draft(request) -> fs.Draft:
    return fs.Draft.of(fs.read(request.param))


def test_it_says_what_the_scenario_says(draft):
    scenario = draft.scenario()
    assert fs.Draft.of(scenario) == draft
    assert json.loads(json.dumps(draft.data)) == draft.data


def test_every_value_is_found_by_its_dotted_path(draft):
    """The way of a short number in full goes by the key that it left out."""
    for path in ways(draft):
        way = draft.way(".".join(map(str, path)))
        assert draft.at(way) == draft.at(path)
        assert way == path or len(way) == len(path) + 1


def test_text_that_was_shown_changes_nothing(draft):
    for path in ways(draft):
        assert draft.with_text(path, draft.text(path)) is draft


def test_a_value_taken_out_comes_back_from_its_text(draft):
    """To the digit, for all that a form shows in one field; a list's entry has no way back once gone."""
    tried = 0
    for path in ways(draft):
        value, text = draft.at(path), draft.text(path)
        if isinstance(value, dict) or any(isinstance(key, int) for key in path) or len(path) < 2 or not text:
            continue
        back = draft.with_value(path, None).with_text(path, text)
        assert back.at(path) == value, (path, text)
        assert isinstance(back.at(path), bool) == isinstance(value, bool), (path, text)
        tried += 1
    assert tried > 50


def test_a_value_written_over_itself_changes_nothing(draft):
    for path in ways(draft):
        if draft.at(path) is not None:
            assert draft.with_value(path, draft.at(path)).data == draft.data


def test_changes_lead_from_one_case_to_another():
    """From any draft to any other and back, through JSON: the worst that two versions can differ by."""
    drafts = [fs.Draft.of(fs.read(case)) for case in CASES]
    for old in drafts:
        for new in drafts:
            changes = json.loads(json.dumps(new.changes(old)))
            assert old.changed(changes).data == new.data
            assert bool(changes) == (old.data != new.data)


@pytest.fixture
def academy() -> fs.Draft:
    return fs.Draft.of(fs.read("academy"))


def put(draft: fs.Draft, path: str, text: str) -> fs.Draft:
    return draft.with_text(draft.way(path), text)


def test_one_number_changes_and_its_evidence_stays():
    old = fs.Draft.of(fs.read("ice-2024"))
    new = put(old, "resources.retrain_seats.cap.value", "300.25 seat")
    cap = new.scenario().resources["retrain_seats"].cap
    assert (cap.value, cap.range, cap.assumption) == ("300.25 seat", "100..600 seat", True)
    assert new.changes(old) == {"resources.retrain_seats.cap.value": "300.25 seat"}
    assert list(new.differences(old)) == [(("resources", "retrain_seats", "cap", "value"), "240 seat", "300.25 seat")]


def test_a_short_number_grows_evidence_and_loses_it_again(academy):
    wide = put(academy, "resources.academy_seats.cap.range", "6..36 seat")
    assert wide.at(("resources", "academy_seats", "cap")) == {"value": "12 seat", "range": "6..36 seat"}
    assert wide.scenario().resources["academy_seats"].cap.range == "6..36 seat"
    assert put(wide, "resources.academy_seats.cap.range", "").data == academy.data


def test_what_only_repeats_a_default_is_left_out(academy):
    assert put(academy, "stocks.desk.hours.value", "40 hour/week").at(("stocks", "desk", "hours")) is None
    assert put(academy, "horizon.step", "week").data == academy.data
    assert put(academy, "stocks.field.on_strength", "true").data == academy.data
    assert put(academy, "sites.coast.weight", "1").at(("sites", "coast", "weight")) is None


def test_a_part_inside_a_part_comes_and_goes(academy):
    new = put(
        put(academy, "stocks.field.learning.lasts.value", "26 week"), "stocks.field.learning.productivity", "60 %"
    )
    assert new.scenario().stocks["field"].learning.lasts.value == "26 week"
    gone = put(put(new, "stocks.field.learning.lasts.value", ""), "stocks.field.learning.productivity.value", "")
    assert gone.data == academy.data


def test_entries_of_lists_are_changed_where_they_stand(academy):
    new = put(academy, "policies.move.rules.0.amount.value", "3 person/week")
    assert new.scenario().policies["move"].rules[0].amount.value == "3 person/week"
    assert list(new.changes(academy)) == ["policies.move.rules"]
    longer = new.with_value(new.way("policies.move.rules.1"), {"rule": "schedule", "choice": "hire", "amount": 1})
    assert [rule.choice for rule in longer.scenario().policies["move"].rules] == ["retrain", "hire"]
    assert longer.with_value(longer.way("policies.move.rules.1"), None).data == new.data


def test_a_site_is_told_by_its_id(academy):
    new = put(academy, "sites.coast.weight", "2.5")
    assert {site.id: site.weight for site in new.scenario().sites}["coast"] == 2.5
    assert new.changes(academy) == {"sites.coast.weight": 2.5}
    more = new.with_value(("sites", 4), {"id": "west"})
    assert [site.id for site in more.scenario().sites][-1] == "west"
    assert academy.changed(more.changes(academy)).data == more.data


def test_names_that_hold_dots_are_found():
    draft = fs.Draft.of(fs.read("ice-2024"))
    assert draft.way("policies.announced.set.work.worksite.until") == (
        "policies",
        "announced",
        "set",
        "work.worksite.until",
    )
    dotted = draft.with_value(("sites", 25), {"id": "st.paul"})
    assert dotted.way("sites.st.paul.weight") == ("sites", "st.paul", "weight")
    assert dotted.way("dials.pace.turns.work.worksite.pace")[:3] == ("dials", "pace", "turns")


@pytest.mark.parametrize(
    "path", ["nothing", "stocks.desk.colour", "horizon.start.year", "policies.move.rules.9.x", "."]
)
def test_a_path_that_leads_nowhere_is_refused(academy, path):
    with pytest.raises(fs.UsageError):
        academy.way(path)


def test_what_does_not_fit_is_kept_and_told(academy):
    wrong = put(put(academy, "horizon.periods", "many"), "stocks.desk.start.value", "100 persn")
    assert wrong.text(("horizon", "periods")) == "many"
    with pytest.raises(fs.ScenarioError) as told:
        wrong.scenario("my draft")
    assert [(p.where, p.path) for p in told.value.problems] == [("my draft", "horizon.periods")]
    assert put(wrong, "horizon.periods", "104").scenario().horizon.periods == 104


def test_true_is_not_one(academy):
    new = academy.with_value(("goals", 0, "weight"), 2)
    assert [path for path, _, _ in new.with_value(("goals", 0, "weight"), True).differences(new)] == [
        ("goals", 0, "weight")
    ]


def test_a_number_said_anew_is_one_difference():
    """A lever replaces a number: what was said about the old one goes with it, and the two are told as one."""
    old = fs.Draft.of(fs.read("ice-2024"))
    way = old.way("quantities.desk_share")
    new = old.with_value(way, {"value": "30 %", "assumption": True})
    assert [path for path, _, _ in new.differences(old)] == [way]
    assert old.changed(new.changes(old)).data == new.data


def test_the_order_of_parts_is_kept(academy):
    """The first policy is the base of every comparison: a part of another name stands where the old one stood."""
    parts = {("base" if name == "stay" else name): part for name, part in academy.at(("policies",)).items()}
    new = academy.with_value(("policies",), parts)
    changes = json.loads(json.dumps(new.changes(academy)))
    assert list(academy.changed(changes).scenario().policies) == ["base", "move", "hire", "both"]
    turned = academy.with_value(("policies",), dict(reversed(academy.at(("policies",)).items())))
    assert list(academy.changed(turned.changes(academy)).at(("policies",))) == ["both", "hire", "move", "stay"]
    assert academy.changes(academy) == {}
