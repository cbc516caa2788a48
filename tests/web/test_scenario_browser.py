"""The page of a scenario in a real browser: by keyboard, as you type, with nothing lost when the window closes."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from benched import WAIT, Benched
from desked import account
from playwright.sync_api import Page, expect

import fieldshift as fs
from fieldshift.web import casebook

pytestmark = [pytest.mark.browser, pytest.mark.slow]
AXE = (Path(__file__).parent.parent / "faces" / "vendor" / "axe.min.js").read_text(encoding="utf-8")


class Bench(Benched):
    """A desk that is served, a browser, and the flagship opened by a local visitor."""

    def __init__(self, store: Path, browser) -> None:
        super().__init__(store, browser)
        self.case = casebook.added(self.desk, self.visitor, fs.read("ice-2024"), "shipped: ice-2024")

    def page(self, state: str = "", **more) -> Page:
        page = self.opened(**more)
        page.goto(f"{self.at}/cases/{self.case}{state}")
        return page

    def draft(self) -> fs.Draft:
        return casebook.draft_of(self.desk, self.visitor, self.case).draft

    def soon(self, path: str, text: str) -> None:
        """Wait until the draft in the database says something."""
        until = time.monotonic() + WAIT / 1000
        while self.draft().text(self.draft().way(path)) != text:
            assert time.monotonic() < until, (path, text, self.draft().text(self.draft().way(path)))
            time.sleep(0.1)


@pytest.fixture
def bench(browser, tmp_path) -> Iterator[Bench]:
    made = Bench(tmp_path / "store", browser)
    yield made
    made.closed()


def test_a_lever_is_moved_by_keyboard_and_undone(bench):
    page = bench.page()
    page.get_by_role("slider", name="Retraining seats, slider").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    bench.soon("resources.retrain_seats.cap.value", "300 seat")
    page.get_by_text("The base says 240 seat").wait_for()
    page.locator("#side").get_by_text("300 seat, assumption").wait_for()
    marks = page.locator('.parts-nav [data-tab="resources"]')
    expect(marks).to_have_text("1 changed", timeout=WAIT)
    page.get_by_role("button", name="undo Retraining seats", exact=True).click()
    bench.soon("resources.retrain_seats.cap.value", "240 seat")
    expect(marks).to_have_text("", timeout=WAIT)
    expect(page.get_by_role("spinbutton", name="Retraining seats")).to_have_value("240", timeout=WAIT)
    assert page.faults == []


def test_nonsense_in_a_lever_is_told_and_keeps_what_was_kept(bench):
    page = bench.page()
    box = page.get_by_role("spinbutton", name="Retraining seats")
    box.fill("300")
    bench.soon("resources.retrain_seats.cap.value", "300 seat")
    box.press("End")
    box.press_sequentially("e")
    wrong = page.locator('.lever[data-path="resources.retrain_seats.cap"] > .wrong')
    expect(wrong).to_have_text("not a number", timeout=WAIT)
    assert box.get_attribute("aria-invalid") == "true"
    assert page.locator('.lever[data-path="resources.retrain_seats.cap"] .now').inner_text() == "300 seat"
    box.press_sequentially("1")  # 300e1 is a number again
    bench.soon("resources.retrain_seats.cap.value", "300e1 seat")
    expect(wrong).to_contain_text("lies outside 60 to 600 seat", timeout=WAIT)
    assert box.get_attribute("aria-invalid") is None
    assert page.faults == []


def test_what_is_typed_is_kept_when_the_window_closes(bench):
    """The window goes before the page had time to send: the browser sends it all the same."""
    page = bench.page("?part=stocks")
    page.get_by_label("Street teams: start").fill("1234 person")
    page.close(run_before_unload=False)
    bench.soon("stocks.street.start.value", "1234 person")
    again = bench.page("?part=stocks")
    assert again.get_by_label("Street teams: start").input_value() == "1234 person"
    again.get_by_text("was street_officers").wait_for()


def test_a_mistake_is_told_beside_the_field_and_goes_when_mended(bench):
    page = bench.page("?part=stocks")
    field = page.get_by_label("Street teams: start")
    field.fill("street_oficers")
    page.locator('[data-path="stocks.street.start.value"] .wrong').get_by_text("street_oficers").wait_for()
    assert field.get_attribute("aria-invalid") == "true"
    described = field.get_attribute("aria-describedby")
    assert "street_oficers" in page.locator(f'[id="{described}"]').inner_text()
    assert page.get_by_role("button", name="Save as version 2").is_disabled()
    assert page.evaluate("document.activeElement.value") == "street_oficers", "whoever types is not interrupted"
    field.fill("street_officers")
    expect(page.locator('[data-path="stocks.street.start.value"] .wrong')).to_have_text("", timeout=WAIT)
    assert field.get_attribute("aria-invalid") is None
    assert page.faults == []


def test_a_version_is_saved_with_what_was_typed_last(bench):
    """Save is pressed while the last change is still on its way: it is in the version."""
    page = bench.page()
    page.get_by_role("spinbutton", name="Beds").fill("50000")
    page.get_by_label("What is this version for?").fill("More beds")
    page.get_by_role("spinbutton", name="Academy seats").fill("200")
    page.get_by_role("button", name="Save as version 2").click()
    page.get_by_text("Version 2 of 2, history").wait_for()
    saved = casebook.scenario_of(bench.desk, bench.case, 2)
    assert saved.resources["beds"].cap.value == "50000 bed"
    assert saved.resources["academy_seats"].cap.value == "200 seat"
    assert casebook.history_of(bench.desk, bench.case)[0].note == "More beds"
    assert page.faults == []


def test_it_works_without_scripts(bench):
    page = bench.page(java_script_enabled=False)
    page.get_by_role("spinbutton", name="Retraining seats").fill("300")
    page.get_by_role("button", name="Keep changes").click()
    page.get_by_text("The base says 240 seat").wait_for()
    assert bench.draft().text(("resources", "retrain_seats", "cap", "value")) == "300 seat"
    page.get_by_label("What is this version for?").fill("By hand")
    page.get_by_role("button", name="Save as version 2").click()
    page.get_by_text("Version 2 of 2, history").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_its_pages_can_be_used_by_everybody(bench, scheme):
    """No violation that axe finds, and no page wider than a phone."""
    states = (
        "",
        "?part=stocks",
        "?part=choices&open=choices.hire",
        "?part=policies&open=policies.announced",
        "/history",
    )
    for state in states:
        page = bench.page(state, color_scheme=scheme, viewport={"width": 390, "height": 844})
        if state != "/history":
            page.locator('#side[data-complete="yes"]').wait_for()
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        page.evaluate(AXE)
        found = page.evaluate("axe.run({exclude: ['.top']}, {resultTypes: ['violations']})")
        told = [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]]
        assert told == [], state
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, state
        page.context.close()


def test_two_windows_of_two_people(browser, tmp_path):
    """Bert saves while Anna's window is open: her next change tells her, and nothing of hers is lost."""
    bench = Bench(tmp_path / "store", browser)
    other = account(bench.desk, "bert", "analyst")
    page = bench.page()
    page.get_by_role("spinbutton", name="Beds").fill("50000")
    bench.soon("resources.beds.cap.value", "50000 bed")
    casebook.edited(bench.desk, other, bench.case, lambda work: work.draft.with_value(("name",), "His"))
    casebook.committed(bench.desk, other, bench.case)
    page.get_by_role("spinbutton", name="Academy seats").fill("200")
    page.get_by_role("heading", name="Version 2 was saved meanwhile").wait_for()
    page.get_by_role("button", name="Bring my changes over").click()
    page.get_by_text("Version 2 of 2, history").wait_for()
    assert bench.draft().text(("name",)) == "His"
    assert bench.draft().text(("resources", "beds", "cap", "value")) == "50000 bed"
    bench.server.should_exit = True
    bench.desk.db.dispose()
