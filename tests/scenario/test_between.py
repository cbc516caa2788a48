"""What lies between two scenarios, as an overlay that gives the one when it is laid over the other."""

import itertools

import pytest
import yaml

import fieldshift as fs

CASES = {name: fs.read(name) for name in ("academy", "uk-police-uplift")}


def again(base, changed, tmp_path):
    """Return what the overlay gives when it is read from a file, as a planner would."""
    text = fs.overlay_between(base, changed)
    assert text is not None
    file, over = tmp_path / "base.yaml", tmp_path / "overlay.yaml"
    fs.write(base, file)
    over.write_text(text, encoding="utf-8")
    return fs.read(file, overlay=[over] if text else [])


@pytest.mark.parametrize("pair", list(itertools.permutations(CASES, 2)))
def test_any_scenario_can_be_said_over_any_other(pair, tmp_path):
    base, changed = (CASES[name] for name in pair)
    assert fs.digest(again(base, changed, tmp_path)) == fs.digest(changed)


def test_nothing_differs():
    assert fs.overlay_between(CASES["academy"], CASES["academy"]) == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"resources.academy_seats.cap": "30 seat"},
        {"resources.academy_seats.cap": {"value": "30 seat", "range": "20..40 seat", "source": "S1"}},
        {"levers": None},
        {"policies.hire.title": "Hire at once"},
        {"headlines": [{"measure": "field"}]},
        {"sites.0.weight": 3},
        {"about": None, "name": "Another"},
    ],
)
def test_a_change_comes_back_and_goes_away_again(changes, tmp_path):
    base = CASES["academy"]
    changed = fs.overlaid(base, changes)
    assert fs.digest(changed) != fs.digest(base)
    assert fs.digest(again(base, changed, tmp_path)) == fs.digest(changed)
    assert fs.digest(again(changed, base, tmp_path)) == fs.digest(base)


def test_a_number_said_in_another_way_is_said_whole(tmp_path):
    base = CASES["academy"]
    ranged = fs.overlaid(
        base, {"resources.academy_seats.cap": {"value": "30 seat", "range": "20..40 seat", "note": "n"}}
    )
    dated = fs.overlaid(base, {"resources.academy_seats.cap": {"dates": {"2025-06-01": "40 seat"}, "note": "n"}})
    assert fs.digest(again(ranged, dated, tmp_path)) == fs.digest(dated)
    assert fs.digest(again(dated, ranged, tmp_path)) == fs.digest(ranged)


def test_what_an_overlay_cannot_say_is_none():
    """A `null` that is laid over a policy's own changes removes the change; it does not become one."""
    base = fs.overlaid(CASES["academy"], {"policies.hire.set": {"resources.academy_seats.cap": "20 seat"}})
    more = {"resources.academy_seats.cap": "20 seat", "resources.retrain_seats": None}
    changed = fs.overlaid(CASES["academy"], {"policies.hire.set": more})
    assert fs.digest(changed) != fs.digest(base)
    assert fs.overlay_between(base, changed) is None


def test_a_date_and_the_same_date_as_text_do_not_differ():
    """A form gives text where a file gave a date: the overlay of one changed number says that number alone."""
    base = fs.read("ice-2024")
    draft = fs.Draft.of(base)
    changed = draft.with_text(draft.way("resources.retrain_seats.cap.value"), "340 seat").scenario()
    assert yaml.safe_load(fs.overlay_between(base, changed)) == {
        "resources": {"retrain_seats": {"cap": {"value": "340 seat", "range": "100..600 seat", "assumption": True}}}
    }
