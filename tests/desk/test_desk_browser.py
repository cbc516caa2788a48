"""The desk from end to end in a real Chromium: what an analyst, an auditor and an admin do in it."""

import datetime as dt
import json
import os
import signal
import time

import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook
from served import PATIENCE, Served
from xlsxwriter.utility import xl_rowcol_to_cell

import fieldshift as fs

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def opened(page, case):
    """Open a shipped case, and return its address."""
    page.locator("li.card", has_text=case).get_by_role("button").click()
    page.wait_for_url("**/cases/*")
    return page.url


def asked(page, case, draws, policies=()):
    """Ask for a run of a case on its run page, and return the run's address."""
    page.goto(f"{case}/run")
    page.get_by_label("Futures", exact=True).fill(str(draws))
    if policies:
        for box in page.locator("input[name=policies]").all():
            box.set_checked(box.get_attribute("value") in policies)
    page.get_by_role("button", name="Run version").click()
    page.wait_for_url("**/runs/*")
    return page.url


def told(page, address):
    """What the JSON twin of a page says."""
    answer = page.request.get(f"{address}.json")
    assert answer.status == 200, answer.text()
    return answer.json()


def until(page, run, wanted):
    """Wait until the JSON twin of a run is as wanted, and return it."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = told(page, run)
        if wanted(found):
            return found
        time.sleep(0.1)
    raise AssertionError(found)


def under_way(found):
    return found["run"]["phase"].startswith("Simulating") and found["run"]["done"] > 0


def finished(found):
    assert found["run"]["state"] not in ("failed", "cancelled"), found["run"]
    return found["run"]["state"] == "done"


def test_move_a_lever_run_compare_and_take_the_workbook_home(page, desk, tmp_path):
    case = opened(page, "ice-2024")
    policies = list(fs.read("ice-2024").policies)[1:2]
    before = asked(page, case, 80, policies)
    page.wait_for_selector("#progress", state="detached")

    page.goto(case)
    page.get_by_role("spinbutton", name="Retraining seats").fill("600")
    page.keyboard.press("Tab")
    page.locator("#side").get_by_text("600 seat").first.wait_for()
    page.reload()
    assert page.get_by_role("spinbutton", name="Retraining seats").input_value() == "600", "a draft outlives its page"
    after = asked(page, case, 80, policies)
    page.locator("#progress").get_by_text("First look, 8 futures").wait_for()
    assert page.locator("#progress svg.band .reach").count() > 0
    page.wait_for_selector("#progress", state="detached")

    first, second = told(page, before), told(page, after)
    assert [run["run"]["version"] for run in (first, second)] == [1, 2]
    scenario = fs.read("ice-2024", set="resources.retrain_seats.cap=600 seat")
    ours = fs.summary(fs.simulate(scenario, policies, draws=80, seed=second["run"]["asked"]["seed"]))
    shown = json.dumps(second)
    for outlook in ours.outlooks:
        assert json.dumps(outlook.band.mean) in shown, outlook
    assert first["result"]["told"] != second["result"]["told"]

    page.goto(f"{desk.address}/compare?run={before.rsplit('/', 1)[1]}&run={after.rsplit('/', 1)[1]}")
    page.get_by_text("600 seat").first.wait_for()
    page.locator("svg").first.wait_for()

    page.goto(after)
    page.locator("svg").first.wait_for()
    page.get_by_text("Download, and repeat this run").click()
    with page.expect_download() as taken:
        page.locator("a[href$='.xlsx']").first.click()
    file = tmp_path / "results.xlsx"
    taken.value.save_as(file)
    cells = numbers_in(file)
    for outlook in ours.outlooks:
        assert outlook.band.mean in cells, outlook


def numbers_in(file):
    """All numbers in a workbook."""
    book = CalamineWorkbook.from_path(str(file))
    rows = (row for name in book.sheet_names for row in book.get_sheet_by_name(name).to_python())
    return {cell for row in rows for cell in row if isinstance(cell, float)}


def test_a_broken_workbook_is_told_cell_by_cell(page, tmp_path):
    file, cells = broken(tmp_path)
    page.set_input_files("input[type=file]", file)
    page.get_by_role("button", name="Take it in").click()
    page.wait_for_selector("table.problems")
    shown = page.inner_text("table.problems")
    for cell in cells:
        assert cell in shown


def broken(folder):
    """A workbook of the academy case in which two cells were spoilt, and the places of these cells."""
    good = fs.write(fs.read("academy"), folder / "good.xlsx")
    file = folder / "broken.xlsx"
    found, places = CalamineWorkbook.from_path(str(good)), []
    with xlsxwriter.Workbook(str(file), {"strings_to_formulas": False}) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for name in found.sheet_names:
            sheet = book.add_worksheet(name)
            for r, row in enumerate(found.get_sheet_by_name(name).to_python(skip_empty_area=False)):
                for c, cell in enumerate(row):
                    sheet.write(r, c, cell, day if isinstance(cell, dt.date) else None)
            if name == "resources":
                head = found.get_sheet_by_name(name).to_python(skip_empty_area=False)[0]
                sheet.write_string(1, head.index("cap"), "plenty of seats")
                sheet.write_string(2, head.index("cap"), "12 parsecs")
                places = [f"{name}!{xl_rowcol_to_cell(r, head.index('cap'))}" for r in (1, 2)]
    assert places
    return file, places


def test_a_viewer_may_look_and_an_analyst_runs_and_the_log_tells(tmp_path, newcomer):
    desk = Served(tmp_path / "team", "--team")
    try:
        admin = newcomer()
        join(admin, desk.link, "ada", "a long enough password")
        links = {role: invited(admin, desk.address, role) for role in ("viewer", "analyst")}
        analyst, viewer = newcomer(), newcomer()
        join(analyst, links["analyst"], "ann", "another long password")
        join(viewer, links["viewer"], "vic", "a third long password")
        analyst.goto(f"{desk.address}/cases")
        case = opened(analyst, "academy")
        run = asked(analyst, case, 20)
        analyst.wait_for_selector("#progress", state="detached")

        viewer.goto(run)
        viewer.locator("svg").first.wait_for()
        viewer.goto(f"{case}/run")
        assert viewer.get_by_role("button", name="Run version").count() == 0
        refused = viewer.request.post(f"{case}/runs", form={"kind": "simulate"}, headers={"Origin": desk.address})
        assert refused.status == 403
        viewer.goto(case)
        assert viewer.locator("main input:not([disabled])").count() == 0
        assert viewer.request.get(f"{desk.address}/audit.json").status == 403

        admin.goto(f"{desk.address}/audit")
        log = admin.inner_text("main")
        assert "ann" in log
        assert run.rsplit("/", 1)[1] in log
        assert "password" not in "".join(desk.said)
    finally:
        desk.stop()


def join(page, link, name, password):
    page.goto(link)
    page.get_by_label("Name").fill(name)
    for box in page.locator("input[type=password]").all():
        box.fill(password)
    page.get_by_role("button", name="Join").click()
    page.wait_for_url("**/cases")


def invited(page, address, role):
    """Invite somebody, and return the link."""
    page.goto(f"{address}/people")
    page.get_by_label("Role", exact=True).select_option(role)
    page.get_by_role("button", name="Make a link").click()
    return page.locator("input.link").input_value()


def test_a_worker_is_killed_and_the_server_restarts_in_mid_run_and_nothing_is_lost(page, desk):
    case = opened(page, "academy")
    run = asked(page, case, 1600)
    page.locator("#progress").get_by_text("First look, 80 futures").wait_for()
    until(page, run, under_way)
    workers = desk.workers()
    assert workers
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    until(page, run, lambda found: found["run"]["attempts"] == 2 and under_way(found))
    page.locator("#progress").get_by_text("this is attempt 2").wait_for()
    page.goto("about:blank")
    desk.stop()
    assert desk.workers() == []
    desk.start()
    page.goto(run)
    page.wait_for_selector("#progress", state="detached")
    found = until(page, run, finished)
    assert found["run"]["attempts"] == 2, "the one that was told to leave does not count"
