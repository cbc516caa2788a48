"""The door, people and the log in a real Chromium: nothing for axe to find, no scrolling sideways, quiet, by keyboard."""

import signal
from pathlib import Path

import pytest
from test_serving import link_in, served, stopped

pytestmark = [pytest.mark.browser, pytest.mark.slow]

VIOLATIONS = """axe.run(document, {resultTypes: ['violations']}).then(found => found.violations.map(
    v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160)).join(' | ')))"""


@pytest.fixture
def looked(root: Path):
    """Look at a page on a desktop and a phone, light and dark."""
    axe = (root / "tests" / "faces" / "vendor" / "axe.min.js").read_text(encoding="utf-8")

    def look(page) -> None:
        page.evaluate(axe + "; true")
        for width, scheme in ((1280, "light"), (390, "dark")):
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url
            assert page.evaluate(VIOLATIONS) == [], page.url

    return look


def opened(browser, complaints: list[str]):
    page = browser.new_context().new_page()
    page.set_default_timeout(60_000)
    page.on("console", lambda told: complaints.append(told.text) if told.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda asked: asked.accept())
    return page


def filled(page, press: str, **fields: str) -> None:
    """Fill fields by their labels, press a button and wait for the page that answers."""
    for label, text in fields.items():
        page.get_by_label(label).fill(text)
    with page.expect_navigation():
        page.get_by_role("button", name=press).click()


def joined(page, link: str, name: str) -> None:
    """Join by keyboard alone."""
    page.goto(link)
    for text in (name, "three plain words") if page.get_by_label("Name").count() else ("three plain words",):
        page.get_by_label("Name" if text == name else "Password").focus()
        page.keyboard.type(text)
    page.keyboard.press("Enter")
    page.wait_for_url("**/cases")


def invited(admin, looked, name: str) -> str:
    admin.get_by_role("link", name="People").click()
    filled(admin, "Make a link", Name=name)
    looked(admin)
    return admin.get_by_label(f"Link for {name}").input_value()


def test_two_people_of_a_team(browser, looked, tmp_path):
    complaints: list[str] = []
    with served(tmp_path / "desk", "--team") as (process, root, log):
        admin, other = opened(browser, complaints), opened(browser, complaints)
        joined(admin, link_in(log.read_text()), "adam")
        link = invited(admin, looked, "vera")
        other.goto(link)
        assert "You will be a viewer" in other.content()
        looked(other)
        joined(other, link, "vera")
        assert other.get_by_role("link", name="People").count() == 0
        other.get_by_role("button", name="Leave").click()
        other.wait_for_url(f"{root}/enter")
        looked(other)
        assert complaints == []
        filled(other, "Come in", Name="vera", Password="not these words")
        other.get_by_role("alert").wait_for()
        looked(other)
        filled(other, "Come in", Name="vera", Password="three plain words")
        other.wait_for_url(f"{root}/cases")

        admin.goto(f"{root}/people")
        admin.get_by_role("button", name="Deactivate vera").click()
        admin.get_by_role("button", name="Let in again vera").wait_for()
        looked(admin)
        other.goto(f"{root}/runs?state=done")
        assert other.url == f"{root}/enter?then=%2Fruns%3Fstate%3Ddone"

        admin.get_by_role("link", name="Log").click()
        admin.get_by_label("Did").select_option("joined")
        admin.get_by_role("button", name="Show").click()
        admin.wait_for_url(f"{root}/audit?who=&did=joined")
        assert admin.locator("tbody th").all_inner_texts() == ["vera", "adam"]
        looked(admin)
        assert stopped(process, signal.SIGTERM) == 0
    assert [text for text in complaints if "401" not in text] == []


def test_the_door_of_a_local_desk(browser, looked, tmp_path):
    complaints: list[str] = []
    with served(tmp_path / "desk") as (process, root, log):
        page = opened(browser, complaints)
        page.goto(f"{root}/")
        assert page.url == f"{root}/enter"
        looked(page)
        page.goto(link_in(log.read_text()))
        assert page.url == f"{root}/cases"
        page.reload()
        assert page.get_by_role("link", name="Log").count() == 1
        assert stopped(process, signal.SIGINT) == 130
    assert complaints == []
