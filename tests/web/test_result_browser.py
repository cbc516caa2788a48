"""Results and comparisons in a real browser, under the desk's own policy: drawn, quiet, clear to axe, fit for phones."""

import time
from pathlib import Path

import finished
import pytest
from benched import Benched

import fieldshift as fs

pytestmark = [pytest.mark.browser, pytest.mark.slow]
AXE = (Path(__file__).parent.parent / "faces" / "vendor" / "axe.min.js").read_text(encoding="utf-8")
FIRST_LOAD = 350_000
"""Bytes that may come before a reader moves, compressed."""


class Bench(Benched):
    """A desk that is served, with finished runs, and a browser."""

    def page(self, path, until="load", **more):
        page = self.opened(("error", "warning"), **more)
        page.came = []
        page.on("requestfinished", lambda request: page.came.append(request))  # noqa: PLW0108 - a plain method is refused
        page.goto(f"{self.at}{path}", wait_until=until)
        return page


@pytest.fixture(scope="module")
def bench(browser, tmp_path_factory):
    made = Bench(tmp_path_factory.mktemp("desk") / "store", browser)
    case = finished.short_case(made)
    base = fs.overlaid(fs.read("academy"), finished.SHORT)
    more = finished.changed(made, case, {"resources.retrain_seats.cap": "16 seat"})
    made.one = finished.put(made, case, finished.simulated(base), title="As it is")
    made.two = finished.put(made, case, finished.simulated(more), version=2, title="More seats")
    yield made
    made.closed()


def drawn(page):
    """Bring every chart near, and return how many were drawn of how many."""
    page.wait_for_load_state("load")  # then the page's scripts have run
    page.evaluate(
        """async () => {
            const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
            for (const figure of document.querySelectorAll("figure[data-figure]")) {
                figure.scrollIntoView();
                await frame();
            }
        }"""
    )
    figures = page.locator("figure[data-figure]").count()
    page.wait_for_function("(n) => Number(document.documentElement.dataset.drawn) >= n", arg=figures)
    return page.locator("figure .plot:not([hidden]) svg").count(), page.locator("figure .plot:not([hidden])").count()


@pytest.mark.parametrize(
    "path", ["/runs/{one}", "/runs/{one}?measure=field&policy=stay&policy=move", "/compare?run={one}"]
)
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_every_chart_is_drawn_and_nothing_is_complained_of(bench, path, width, scheme):
    page = bench.page(path.format(one=bench.one), viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.locator(".report").wait_for()
    there, wanted = drawn(page)
    assert there == wanted > 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate(AXE)
    found = page.evaluate("axe.run(document.querySelector('main'))")
    assert [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found["violations"]] == []
    assert page.faults == []


def test_what_is_printed_has_its_charts(bench):
    page = bench.page(f"/runs/{bench.one}", viewport={"width": 1280, "height": 900})
    page.evaluate("window.print = () => { document.documentElement.dataset.printed = 'yes'; }")
    page.emulate_media(media="print")
    note = "getComputedStyle(document.querySelector('#lines-0 .plot'), '::before').content"
    assert "Print button" in page.evaluate(note)
    page.emulate_media(media="screen")
    page.keyboard.press("Control+p")
    page.wait_for_function("() => document.documentElement.dataset.printed === 'yes'")
    page.wait_for_function(
        "() => [...document.querySelectorAll('figure .plot:not([hidden])')].every((plot) => plot.querySelector('svg'))"
    )
    assert page.locator("figure .plot:not([hidden]) svg").count() > 5
    page.emulate_media(media="print")
    assert page.evaluate(note) in ("none", "normal")
    assert page.faults == []


def test_the_first_load_is_small(bench):
    page = bench.page(f"/runs/{bench.one}", "networkidle", viewport={"width": 1280, "height": 900})
    assert sum(request.sizes()["responseBodySize"] for request in page.came) < FIRST_LOAD
    assert page.faults == []


def test_controls_answer_and_policies_that_were_not_chosen_are_gone(bench):
    page = bench.page(f"/runs/{bench.one}?policy=stay&policy=hire", viewport={"width": 1280, "height": 900})
    policy = page.locator("#fan select[data-control=policy]")
    assert policy.locator("option").all_inner_texts() == ["Stay", "Hire"]
    said = page.locator("#fan .says").inner_text()
    policy.select_option("Hire")
    page.wait_for_function("(old) => document.querySelector('#fan .says').textContent !== old", arg=said)
    assert "Hire" in page.locator("#fan .says").inner_text()
    assert page.locator("#difference-0").get_by_text("Move and hire").count() == 0
    assert page.locator(".key li", has_text="Move and hire").first.is_hidden()
    slider = page.locator("#map input[type=range]")
    slider.scroll_into_view_if_needed()
    before = slider.evaluate("(input) => input.nextElementSibling.textContent")
    slider.focus()
    page.keyboard.press("Home")
    page.wait_for_function(
        "(old) => document.querySelector('#map input[type=range]').nextElementSibling.textContent !== old", arg=before
    )
    assert page.faults == []


def test_the_pointer_shows_values(bench):
    page = bench.page(f"/runs/{bench.one}", viewport={"width": 1280, "height": 900}, color_scheme="dark")
    page.locator("#lines-0").scroll_into_view_if_needed()
    points = page.locator("#lines-0 .plot svg .mark-symbol path")
    points.nth(12).wait_for(state="attached")
    tip = page.locator("#vg-tooltip-element.visible")
    end = time.monotonic() + 60
    while not tip.is_visible():  # a neighbour that is drawn at the moment may move the point away
        assert time.monotonic() < end
        page.mouse.move(0, 0)
        points.nth(12).hover(force=True)
        page.wait_for_timeout(100)
    assert "Median" in tip.inner_text()
    assert page.faults == []


def test_what_is_chosen_stands_in_the_address(bench):
    page = bench.page(f"/runs/{bench.one}", viewport={"width": 1280, "height": 900})
    page.get_by_text("Choose policies, measures and offices").click()
    page.get_by_label("Move and hire", exact=True).uncheck()
    page.get_by_label("Measures", exact=True).select_option(["field"])
    page.get_by_label("Offices", exact=True).select_option(["nation", "north"])
    page.get_by_role("button", name="Show", exact=True).click()
    page.locator("#chosen figure").nth(1).wait_for()
    assert page.url.endswith("?policy=stay&policy=move&policy=hire&measure=field&site=nation&site=north#chosen")
    assert page.locator("#chosen figure").count() == 2
    assert page.faults == []


def test_the_ledger_is_searched(bench):
    page = bench.page(f"/runs/{bench.one}#evidence", viewport={"width": 1280, "height": 900})
    rows = page.locator("#ledger tbody tr:visible")
    before = rows.count()
    page.locator("#ledger [data-filter-text]").fill("seats")
    assert 0 < rows.count() < before
    assert "of" in page.locator("#ledger .count").inner_text()


def test_a_comparison_comes_by_itself_and_shows_both_runs(bench):
    page = bench.page(f"/compare?run={bench.one}&run={bench.two}", viewport={"width": 1280, "height": 900})
    page.get_by_role("heading", name="What differs").wait_for()
    assert page.get_by_text("resources.retrain_seats.cap.value").count() == 1
    there, wanted = drawn(page)
    assert there == wanted > 0
    page.locator("#lines select[data-control=group]").select_option("Stay")
    page.wait_for_function("() => document.querySelector('#lines-0 .says').textContent.includes('on every side')")
    assert page.faults == []
