"""The report in a real Chromium: drawn, quiet, offline, answering the keyboard, fit for small screens, clear to axe."""

import importlib.util
import json
import os
import subprocess
import sys
import time

import pytest

from fieldshift.results.report import report
from quiet import QUIET

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FLAGS = ["--headless", *QUIET, "--hide-scrollbars", "--remote-debugging-pipe"]
LAUNCH = """
import os, sys
inward, outward = (os.dup(os.dup(os.dup(int(fd)))) for fd in sys.argv[1:3])
os.dup2(inward, 3)
os.dup2(outward, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Chromium reads its orders from descriptor 3 and answers on descriptor 4."""
CHANGED = "new Event('input', {bubbles: true})"
WAIT = 60


class Browser:
    """A Chromium spoken to over its debugging pipe: JSON messages that end in a zero byte."""

    def __init__(self, program, profile):
        theirs_in, self.to = os.pipe()
        self.answers, theirs_out = os.pipe()
        command = [str(program), *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        self.process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, str(theirs_in), str(theirs_out), *command],
            pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self.rest, self.number, self.events, self.session = b"", 0, [], None
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def send(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            got = self.read()
            if got.get("id") == self.number:
                assert "error" not in got, got
                return got["result"]
            self.events.append(got)

    def read(self):
        while b"\0" not in self.rest:
            more = os.read(self.answers, 1 << 20)
            assert more, "the browser has gone"
            self.rest += more
        first, self.rest = self.rest.split(b"\0", 1)
        return json.loads(first)

    def run(self, code):
        got = self.send("Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in got, got
        return got["result"].get("value")

    def size(self, width, height, mobile=False):
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)

    def scheme(self, name):
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def open(self, path):
        self.events.clear()
        self.send("Page.navigate", url=path.as_uri())
        self.until(f"location.href === {json.dumps(path.as_uri())} && !!document.documentElement?.dataset.drawn")

    def until(self, code):
        end = time.monotonic() + WAIT
        while not self.run(code):
            assert time.monotonic() < end, f"it never came: {code}"
            time.sleep(0.05)

    def told(self, method):
        return [e["params"] for e in self.events if e.get("method") == method]

    def close(self):
        self.session = None
        try:
            self.send("Browser.close")
        except (AssertionError, OSError):
            self.process.terminate()
        self.process.wait(timeout=20)
        os.close(self.to)
        os.close(self.answers)


@pytest.fixture(scope="module")
def browser(chromium, tmp_path_factory):
    made = Browser(chromium, tmp_path_factory.mktemp("profile"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def pages(root, tmp_path_factory):
    """Reports of an invented result: in the United States, abroad, and with sites that have no place."""
    spec = importlib.util.spec_from_file_location("invented", root / "tests" / "results" / "invented.py")
    invented = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(invented)
    folder = tmp_path_factory.mktemp("reports")
    made = {"us": invented.SITES, "abroad": invented.ABROAD, "nowhere": invented.NOWHERE}
    return {name: report(invented.result(sites), folder / f"{name}.html") for name, sites in made.items()}


@pytest.fixture(scope="module")
def axe(root):
    return (root / "tests" / "faces" / "vendor" / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture
def page(browser, pages):
    browser.scheme("light")
    browser.size(1280, 900)
    browser.open(pages["us"])
    return browser


def complaints(browser):
    wrong = [e["exceptionDetails"]["text"] for e in browser.told("Runtime.exceptionThrown")]
    wrong += [
        str(e["args"]) for e in browser.told("Runtime.consoleAPICalled") if e["type"] in ("error", "warning", "assert")
    ]
    return wrong + [e["entry"]["text"] for e in browser.told("Log.entryAdded")]


@pytest.mark.parametrize("name", ["us", "abroad", "nowhere"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_chart_is_drawn_in_silence_and_offline(browser, pages, name, scheme):
    browser.size(1280, 900)
    browser.scheme(scheme)
    browser.open(pages[name])
    assert browser.run("document.documentElement.dataset.failed") == ""
    shown = "[...document.querySelectorAll('.plot')].filter(p => !p.hidden)"
    assert browser.run(f"{shown}.filter(p => !p.querySelector('svg path')).map(p => p.closest('figure').id)") == []
    assert browser.run("document.querySelectorAll('.plot svg').length") > 10
    asked = [e["request"]["url"] for e in browser.told("Network.requestWillBeSent")]
    assert [url for url in asked if not url.startswith("data:")] == [pages[name].as_uri()]
    assert complaints(browser) == []


def test_a_chart_is_one_picture_with_a_label(page):
    said = page.run(
        "[...document.querySelectorAll('.plot')].map(p => [p.role, p.ariaLabel,"
        " p.closest('figure').querySelector('.says').textContent])"
    )
    for role, label, says in said:
        assert role == "img"
        assert label.startswith("Chart: ")
        assert label.endswith(says)


def test_hostile_words_do_nothing(page):
    assert page.run("window.hit") is None
    assert page.run("document.querySelector('h1').textContent").startswith("Invented </script>")


@pytest.mark.parametrize("width", [320, 390, 768])
def test_nothing_runs_off_the_side(browser, pages, width):
    browser.scheme("light")
    browser.size(width, 844, mobile=True)
    browser.open(pages["us"])
    browser.run("for (const d of document.querySelectorAll('details')) d.open = true")
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert (
        browser.run(
            "Math.max(...[...document.querySelectorAll('.plot svg')].map(s => s.getBoundingClientRect().right))"
        )
        <= width
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing(browser, pages, axe, scheme, width):
    browser.scheme(scheme)
    browser.size(width, 900)
    browser.open(pages["us"])
    browser.run("for (const d of document.querySelectorAll('details')) d.open = true")
    browser.run(axe + "; true")
    found = browser.run(
        "axe.run(document, {resultTypes: ['violations']}).then(r => r.violations.map("
        "v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.target.join(' ') + ' ' + n.html.slice(0, 120)).join(' | ')))"
    )
    assert found == []


def test_a_choice_changes_chart_sentence_and_table(page):
    page.run("document.querySelector('#fan details').open = true")
    state = "[document.querySelector('#fan .says').textContent, document.querySelector('#fan tbody').textContent,"
    state += " document.querySelector('#fan svg').innerHTML, document.querySelector('#fan .plot').ariaLabel]"
    before = page.run(state)
    page.run("const s = document.querySelector('#fan [data-control=policy]'); s.focus(); s.selectedIndex = 2;"
             " s.dispatchEvent(new Event('input', {bubbles: true})); s.options[2].value")  # fmt: skip
    page.until(f"document.querySelector('#fan svg').innerHTML !== {json.dumps(before[2])}")
    after = page.run(state)
    assert [a != b for a, b in zip(before, after, strict=True)] == [True] * 4
    assert page.run("document.activeElement.dataset.control") == "policy", "the keyboard stays where it was"
    assert complaints(page) == []


def test_a_shared_choice_reaches_every_chart_of_its_section(page):
    svg = "[...document.querySelectorAll('#policies [id^=lines-] svg')].map(s => s.innerHTML)"
    before = page.run(svg)
    page.run("const b = document.querySelector('[data-shared] [data-control=banded]'); b.selectedIndex = 1;"
             " b.dispatchEvent(new Event('input', {bubbles: true}))")  # fmt: skip
    assert len(before) > 1
    page.until(f"(old => {svg}.every((s, i) => s !== old[i]))({json.dumps(before)})")


def test_the_slider_moves_by_keyboard(page):
    page.run("document.querySelector('#map input[type=range]').focus()")
    said = "document.querySelector('#map output').textContent + document.querySelector('#map input').ariaValueText"
    before = page.run(said)
    for kind in ("keyDown", "keyUp"):
        page.send("Input.dispatchKeyEvent", type=kind, key="ArrowLeft", code="ArrowLeft", windowsVirtualKeyCode=37)
    page.until(f"{said} !== {json.dumps(before)}")


def test_the_page_writes_numbers_as_the_file_does(page):
    """What the script writes into a table is what stood there before."""
    ids = page.run("[...document.querySelectorAll('figure')].map(f => f.id)")
    every = "[...document.querySelectorAll('figure')]"
    text = f"Object.fromEntries({every}.map(f => [f.id, f.querySelector('tbody').innerText]))"
    page.run("for (const d of document.querySelectorAll('details')) d.open = true")
    before = page.run(text)
    page.run(
        "for (const c of document.querySelectorAll('[data-control]'))"
        " c.dispatchEvent(new Event('input', {bubbles: true}))"
    )
    time.sleep(2)
    after = page.run(text)
    assert len(ids) > 12
    assert after == before


def test_tables_sort_and_the_ledger_filters(page):
    column = "[...document.querySelectorAll('#offices-table tbody tr')].map(r => r.children[2].textContent)"
    head = "document.querySelectorAll('#offices-table thead button')[2]"
    page.run(f"{head}.click()")
    up = page.run(column)
    page.run(f"{head}.click()")
    assert page.run(column) == up[::-1]
    assert page.run(f"{head}.closest('th').ariaSort") == "descending"
    page.run("const m = document.querySelector('[data-filter-mark]'); m.value = 'assumption';"
             " m.dispatchEvent(new Event('input', {bubbles: true}))")  # fmt: skip
    left = page.run("[...document.querySelectorAll('#ledger tbody tr:not([hidden])')].map(r => r.dataset.mark)")
    assert left
    assert set(left) == {"assumption"}
    assert str(len(left)) in page.run("document.querySelector('#evidence .count').textContent")


def test_every_control_can_be_reached_and_seen(page):
    wanted = page.run("document.querySelectorAll('select, input, summary, th button').length")
    reached = page.run(
        "[...document.querySelectorAll('select, input, summary, th button')].filter(e => {"
        " e.focus({focusVisible: true});"
        " return document.activeElement === e && getComputedStyle(e).outlineStyle !== 'none'; }).length"
    )
    assert reached == wanted


def test_paper_has_the_tables_open(page):
    closed = "document.querySelectorAll('details:not([open])').length"
    before = page.run(closed)
    page.run(f"window.addEventListener('beforeprint', () => {{ window.shut = {closed}; }})")
    page.send("Page.printToPDF", preferCSSPageSize=True, transferMode="ReturnAsStream")
    assert before > 10
    assert page.run("window.shut") == 0
    page.until(f"{closed} === {before}")
