"""Finished runs at a desk without a worker: what a worker would have put there."""

import shutil
import tempfile
from pathlib import Path

from sqlalchemy import insert

import fieldshift as fs
from fieldshift.web import casebook, keeping
from fieldshift.web.desk import new_id
from fieldshift.web.store.tables import runs

SHORT = {"horizon.periods": 26}
_FOLDERS = {}


def short_case(client, changes=None):
    """Open the academy case over half a year."""
    scenario = fs.overlaid(fs.read("academy"), SHORT | (changes or {}))
    return casebook.added(client.desk, client.visitor, scenario, "shipped: academy")


def simulated(scenario, seed=1, policies=None):
    """Simulate a few futures."""
    return fs.simulate(scenario, policies, 8, seed, groups=2, workers=1, engine="reference")


def put(client, case, result=None, version=1, kind="simulate", title="", **asked):
    """Put a finished run of a case at the desk, and return its id."""
    desk, run = client.desk, new_id()
    told = {"draws": 8, "seed": 1} | asked
    row = {"case_id": case, "version": version, "kind": kind, "asked": told, "title": title}
    with desk.db.begin() as store:
        store.execute(
            insert(runs).values(
                **row, id=run, author="anna", state="done", created=1e9, started=1e9 + 2, ended=1e9 + 9, attempts=1
            )
        )
    folder = desk.settings.runs / run
    if result is None:
        folder.mkdir()
    else:
        shutil.copytree(_kept(result), folder)
    return run


def _kept(result):
    """Return a folder with what a worker keeps of a result; it is made once for all tests of a result."""
    if id(result) not in _FOLDERS:
        room = tempfile.TemporaryDirectory()
        folder = Path(room.name) / "kept"
        fs.save(result, folder / keeping.RUN)
        keeping.kept(result, folder)
        _FOLDERS[id(result)] = (room, folder, result)
    return _FOLDERS[id(result)][1]


def changed(client, case, changes):
    """Save the next version of a case with some values changed, and return its scenario."""
    work = casebook.draft_of(client.desk, client.visitor, case)
    scenario = fs.overlaid(casebook.scenario_of(client.desk, case, work.number), changes)
    casebook.saved_next(client.desk, client.visitor, work.case, scenario, "changed")
    return scenario
