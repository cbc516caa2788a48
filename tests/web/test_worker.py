"""Workers as real processes: a run from the queue to its folder, killed, restarted, cancelled; nothing is lost."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time

import pandas as pd
import pytest
from sqlalchemy import insert
from stores import desk_on

import fieldshift as fs
from fieldshift.web import casebook, jobs
from fieldshift.web.doors import Visitor
from fieldshift.web.store.tables import versions
from fieldshift.web.supervisor import Supervisor
from fieldshift.web.work import EARLY, OUR_MISTAKE, Stopped, Telling, swept
from fieldshift.web.worker import Worker, main

pytestmark = pytest.mark.slow

ANN = Visitor(1, "ann", "analyst")
LONG = {"policies": [], "draws": 400, "seed": 7}
SHORT = ["horizon.periods=20"]
CLASH = {
    "name": "Clash",
    "horizon": {"start": "2025-01-06", "periods": 6, "step": "month"},
    "stocks": {"work": {"start": "0 person"}},
    "choices": {"hire": {"head": "work", "most": "3 person/month"}},
    "needs": {"work": {"of": "work", "need": {"dates": {"2025-01-06": "0 person", "2025-03-06": "20 person"}}}},
    "goals": [{"least": "cost"}],
    "policies": {"stay": {}},
}


def worker(desk):
    """Run a worker of its own until no run waits."""
    line = [sys.executable, "-m", "fieldshift.web.worker", "--store", desk.settings.store, "--once"]
    surroundings = os.environ | {"FIELDSHIFT_DATABASE_URL": desk.settings.url}
    return subprocess.run(line, env=surroundings, capture_output=True, text=True, check=False, timeout=400)


def until(desk, run, wanted, patience=300.0):
    """Wait until a run is as wanted, and return it."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        row = jobs.get(desk, run)
        if wanted(row):
            return row
        assert not row.over, f"{row.state}: {row.message}"
        time.sleep(0.03)
    raise AssertionError(f"it is {row.state}, {row.phase}, {row.done} of {row.total}, attempt {row.attempts}")


def goes_on(row):
    return row.state == "running" and row.phase.startswith("Simulating") and row.done > 0


def is_done(row):
    return row.state == "done"


def files(folder):
    """The bytes of a run by file; how many seconds it took differs each time, and is left out."""
    found = {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    told = json.loads(found["run.json"])
    assert told["facts"].pop("seconds") > 0
    return found | {"run.json": told}


@pytest.fixture
def desk(tmp_path):
    with desk_on("sqlite", tmp_path / "store") as made:
        yield made


@pytest.fixture
def case(desk):
    return casebook.added(desk, ANN, fs.read("academy"), "shipped: academy")


@pytest.fixture
def crew(desk):
    """Workers beside a server."""
    made = Supervisor(desk.settings)
    yield made
    made.stop()


# ------------------------------------------------------------------------------------ what is done


@pytest.fixture(scope="module")
def worked(tmp_path_factory):
    """A queue that one worker went through, and what it wrote on stderr."""
    with desk_on("sqlite", tmp_path_factory.mktemp("worked") / "store") as desk:
        case = casebook.added(desk, ANN, fs.read("academy"), "shipped: academy")
        with desk.db.begin() as store:
            for number, text in ((2, "name: nothing runs\n"), (3, "}{")):
                row = {"case_id": case, "number": number, "text": text, "digest": "", "author": "ann", "at": 0.0}
                store.execute(insert(versions).values(**row))
        short = casebook.added(desk, ANN, fs.read("academy", set=SHORT), "made here")
        clash = casebook.added(desk, ANN, fs.Scenario.model_validate(CLASH), "made here")
        put = [
            ("few", 1, "simulate", {"policies": ["both", "stay"], "draws": 12, "seed": 3}),
            ("early", 1, "simulate", {"policies": ["stay"], "draws": 10 * EARLY[0], "seed": 1}),
            ("explored", 1, "explore", {"policies": [], "points": 10, "futures": 2, "seed": 1, "quick": True}),
            ("broken", 2, "simulate", {"policies": [], "draws": 12, "seed": 3}),
            ("unread", 3, "simulate", {"policies": [], "draws": 12, "seed": 3}),
            ("mistaken", 1, "simulate", {"policies": [], "draws": "many", "seed": 3}),
        ]
        runs = {name: jobs.queued(desk, "ann", jobs.Order(case, v, kind, asked)) for name, v, kind, asked in put}
        for name, of in (("planned", short), ("clashing", clash)):
            runs[name] = jobs.queued(desk, "ann", jobs.Order(of, 1, "plan", {"draws": 10, "seed": 2}))
        said = worker(desk)
        assert said.returncode == 0, said.stderr
        yield desk, {name: jobs.get(desk, run) for name, run in runs.items()}, said.stderr


def test_a_run_is_what_python_makes_of_it_to_the_byte(worked, tmp_path):
    desk, runs, _ = worked
    assert runs["few"].state == "done"
    folder = desk.settings.runs / runs["few"].id
    mine = fs.simulate(fs.read("academy"), ["both", "stay"], 12, 3)
    assert files(folder / "run") == files(fs.save(mine, tmp_path / "run"))
    told = json.loads(json.dumps(fs.told(mine)))
    assert json.loads((folder / "told.json").read_text()) == told
    assert runs["few"].told["outlooks"] == told["outlooks"]
    assert "</html>" in (folder / "report.html").read_text()


def test_first_bands_are_those_of_a_small_run_of_the_same_seed(worked):
    _, runs, _ = worked
    assert runs["few"].first is None
    first = runs["early"].first
    small = fs.told(fs.simulate(fs.read("academy"), ["stay"], EARLY[0], 1, groups=5))
    assert (first["draws"], first["groups"]) == (EARLY[0], 5)
    assert first["outlooks"] == small["outlooks"]
    assert runs["early"].told["draws"] == 10 * EARLY[0]


def test_an_exploration_is_what_python_makes_of_it(worked):
    desk, runs, _ = worked
    mine = fs.explore(fs.read("academy"), points=10, futures=2, ends=False, levers=False)
    folder = desk.settings.runs / runs["explored"].id
    assert runs["explored"].state == "done", runs["explored"].message
    assert (folder / "told.json").read_text() == mine.as_json()
    assert runs["explored"].told["sentences"] == list(mine.sentences())


def test_a_plan_and_what_is_told_of_it_are_those_of_python(worked):
    desk, runs, _ = worked
    assert (runs["planned"].state, runs["planned"].message) == ("done", "")
    there = fs.load(desk.settings.runs / runs["planned"].id / "run")
    mine = fs.judged(fs.read("academy", set=SHORT), 10, 2)
    assert json.loads(json.dumps(fs.told(there))) == json.loads(json.dumps(fs.told(mine)))
    assert runs["planned"].told["plan"] is True
    assert list(there.policies) == ["stay", "move", "hire", "both", "plan"]
    assert set(there.planned.says) == {"plan", "shortages", "gaps", "judged"}
    assert there.planned.says == mine.planned.says
    for name, frame in mine.planned.tables().items():
        pd.testing.assert_frame_equal(there.planned.tables()[name], frame, check_dtype=False)


def test_a_run_without_a_feasible_plan_says_which_rules_clash_and_has_its_policies(worked):
    desk, runs, _ = worked
    run = runs["clashing"]
    assert run.state == "done", run.message
    assert "Feasible with most per period: hire 14 instead of 3 people a month" in run.message
    assert run.message.endswith("The policies were simulated without a plan.")
    assert tempfile.gettempdir() not in run.message
    assert run.told["plan"] is False
    assert fs.load(desk.settings.runs / run.id / "run").policies == ("stay",)


def test_a_run_that_cannot_be_is_told_in_words_and_our_mistakes_stand_in_the_log(worked):
    _, runs, log = worked
    assert {runs[name].state for name in ("broken", "unread", "mistaken")} == {"failed"}
    assert "policies" in runs["broken"].message or "horizon" in runs["broken"].message
    assert runs["unread"].message
    assert runs["mistaken"].message == OUR_MISTAKE
    assert f"run {runs['mistaken'].id} failed" in log
    for name in ("broken", "unread", "mistaken"):
        assert "Traceback" not in runs[name].message
        assert tempfile.gettempdir() not in runs[name].message
        assert runs[name].id not in log or name == "mistaken"


def test_nothing_is_left_of_what_was_being_made(worked):
    desk, runs, _ = worked
    done = {run.id for run in runs.values() if run.state == "done"}
    assert {folder.name for folder in desk.settings.runs.iterdir()} == done | {".going"}
    assert list((desk.settings.runs / ".going").iterdir()) == []


# ------------------------------------------------------------------------------- what may go wrong


def test_a_worker_is_killed_and_the_server_starts_again_in_mid_run_and_nothing_is_lost(desk, case, crew, tmp_path):
    run = jobs.queued(desk, "ann", jobs.Order(case, 1, "simulate", LONG))
    crew.start()

    def kept():
        return set((desk.settings.runs / ".going").glob(f"{run}-batches/batches/*.npz"))

    first = until(desk, run, lambda row: row.state == "running" and kept())
    (pid,) = crew.pids
    os.kill(pid, signal.SIGKILL)
    before = kept()
    second = until(desk, run, lambda row: row.state == "running" and row.attempts == 2 and kept() > before)
    assert second.worker != first.worker
    crew.stop()
    assert crew.pids == ()
    assert kept() > before, "what is finished waits for the next worker"
    back = jobs.get(desk, run)
    assert (back.state, back.attempts) == ("queued", 1)  # the one that died counts, the one that was told to leave not
    again = Supervisor(desk.settings)
    again.start()
    try:
        third = until(desk, run, is_done)
    finally:
        again.stop()
    assert third.attempts == 2
    assert third.worker not in (first.worker, second.worker)
    mine = fs.simulate(fs.read("academy"), None, LONG["draws"], LONG["seed"])
    assert files(desk.settings.runs / run / "run") == files(fs.save(mine, tmp_path / "run"))


def test_parts_of_another_edition_are_thrown_away_and_the_run_begins_anew(desk, case, tmp_path):
    run = jobs.queued(desk, "ann", jobs.Order(case, 1, "simulate", LONG | {"draws": 12}))
    old = desk.settings.runs / ".going" / f"{run}-batches"
    old.mkdir(parents=True)
    (old / "design.json").write_text('{"fieldshift": "0.0.1"}')
    said = worker(desk)
    assert jobs.get(desk, run).state == "done", said.stderr
    assert "begins anew" in said.stderr
    assert not old.exists()


def test_a_run_is_cancelled_in_its_midst_and_the_next_one_goes_on(desk, case, crew):
    run = jobs.queued(desk, "ann", jobs.Order(case, 1, "simulate", LONG | {"draws": 2000}))
    following = jobs.queued(desk, "ann", jobs.Order(case, 1, "simulate", LONG | {"draws": 4}))
    crew.start()
    until(desk, run, goes_on)
    jobs.cancelled(desk, run)
    until(desk, run, lambda row: row.state == "cancelled")
    until(desk, following, is_done)
    assert not (desk.settings.runs / run).exists()
    end = time.monotonic() + 60
    while list((desk.settings.runs / ".going").iterdir()):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_worker_leaves_when_whoever_started_it_is_gone(desk, case):
    run = jobs.queued(desk, "ann", jobs.Order(case, 1, "simulate", LONG))
    Worker(desk, "w", parent=os.getpid()).serve()  # whoever started this process, it was not this process
    assert jobs.get(desk, run).state == "queued"


# ------------------------------------------------------------------------------------- how far it is


def test_telling_knows_the_time_left_and_says_when_to_stop(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr("fieldshift.web.work.time.monotonic", lambda: clock[0])
    telling = Telling()
    telling.phase("Simulating")
    assert telling.how_far() == jobs.HowFar("Simulating")
    clock[0] = 110.0
    telling.step(4, 12)
    assert telling.how_far() == jobs.HowFar("Simulating", 4, 12, 20.0)
    clock[0] = 112.0
    assert telling.how_far() == jobs.HowFar("Simulating", 4, 12, 18.0)
    clock[0] = 170.0
    assert telling.how_far() == jobs.HowFar("Simulating", 4, 12), "a part that takes long says nothing of the others"
    telling.phase("Simulating again", 100)
    assert telling.how_far() == jobs.HowFar("Simulating again")
    for done in range(1, 101):  # finished before: they took no time
        telling.step(done, 200)
    assert telling.how_far() == jobs.HowFar("Simulating again", 100, 200)
    for done in (101, 102):
        clock[0] += 2.0
        telling.step(done, 200)
    assert telling.how_far() == jobs.HowFar("Simulating again", 102, 200, 196.0)
    telling.step(200, 200)
    assert telling.how_far() == jobs.HowFar("Simulating again", 200, 200)
    telling.stop.set()
    with pytest.raises(Stopped):
        telling.step(5, 12)


def test_what_was_kept_of_a_run_that_is_over_is_swept(desk, case):
    run = jobs.queued(desk, "ann", jobs.Order(case, 1, "simulate", LONG))
    over = jobs.queued(desk, "ann", jobs.Order(case, 1, "simulate", LONG))
    jobs.cancelled(desk, over)
    rooms = desk.settings.runs / ".going"
    for name in (f"{run}-1", f"{over}-1", f"{over}-batches", "unknown-1"):
        (rooms / name).mkdir(parents=True)
    swept(desk)
    assert [left.name for left in rooms.iterdir()] == [f"{run}-1"]


def test_the_worker_says_what_it_needs(capsys):
    with pytest.raises(SystemExit) as leaving:
        main([])
    assert leaving.value.code == 2
    assert "--store" in capsys.readouterr().err
