"""A browser for all tests of the desk, and a desk for each."""

import re

import pytest
from served import PATIENCE, Served


@pytest.fixture
def desk(tmp_path):
    """A desk of one visitor, served."""
    served = Served(tmp_path / "store")
    yield served
    served.stop()


@pytest.fixture
def newcomer(browser):
    """Open a page of somebody who was never here; what the browser complains of fails the test."""
    complaints, contexts = [], []

    def come(size=(1280, 900), **more):
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, **more)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield come
    for context in contexts:
        context.close()
    expected = re.compile(r"status of (4\d\d)")
    assert [said for said in complaints if not expected.search(said)] == []


@pytest.fixture
def page(desk, newcomer):
    """A page of the one visitor, who came in by the link."""
    made = newcomer()
    made.goto(desk.link)
    made.wait_for_url("**/cases")
    return made
