"""A run that was interrupted goes on where it was, and gives what one gives that never stopped."""

import subprocess
import sys
import time
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from planner import scenario_of

import fieldshift as fs
from fieldshift.engines import shelved
from fieldshift.engines.batches import Batches
from fieldshift.engines.plan import Plan

PLAN = {
    "name": "Stopped",
    "horizon": {"start": "2025-01-06", "periods": 20},
    "sites": [{"id": "one"}, {"id": "two"}],
    "stocks": {
        "desk": {"start": 90, "spread": "even"},
        "field": {"start": "4 person", "spread": "even", "duty": "field"},
    },
    "flows": {"leave": {"tail": "desk", "rate": {"value": "20 %/year", "range": "5..60 %/year"}}},
    "choices": {"move": {"tail": "desk", "head": "field", "most": "5 person/week"}},
    "needs": {"field": {"of": "field", "need": "20 person", "short": {}}},
    "goals": [{"least": "short", "of": "needs.field"}],
    "policies": {"stay": {}, "move": {"rules": [{"rule": "schedule", "choice": "move", "amount": "2 person/week"}]}},
}


class _Enough(Exception):
    pass


def stopping(after):
    """A progress that stops the run after so many batches."""

    def step(done, total):
        if done == after:
            raise _Enough

    return step


@pytest.fixture
def lived():
    """The batches that are lived, and not read from a folder."""
    taken, whole = [], Batches.take

    def take(self, task):
        taken.append(task)
        return whole(self, task)

    with patch.object(Batches, "take", take), patch.object(Batches, "batch", lambda _: 8):
        yield taken


def files(result, folder):
    fs.save(result, folder)
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.name != "run.json"}


@pytest.mark.parametrize("draws", [60, 2_100])
def test_a_stopped_run_goes_on_and_gives_the_same_bytes(lived, tmp_path, draws):
    scenario, asked = scenario_of(PLAN), {"draws": draws, "seed": 5, "groups": 4, "workers": 1}
    whole = files(fs.simulate(scenario, **asked), tmp_path / "whole")
    count, kept = len(lived), tmp_path / "kept"
    lived.clear()
    with pytest.raises(_Enough):
        fs.simulate(scenario, **asked, folder=kept, progress=stopping(7))
    assert 7 <= len(lived) < count
    before = len(lived)
    lived.clear()
    steps = []
    again = fs.simulate(scenario, **asked, folder=kept, progress=lambda done, total: steps.append((done, total)))
    assert len(lived) == count - before
    assert steps == [(done, count) for done in range(1, count + 1)]
    assert files(again, tmp_path / "again") == whole
    lived.clear()
    assert files(fs.simulate(scenario, **asked, folder=kept), tmp_path / "third") == whole
    assert lived == []


def test_a_stopped_judgement_goes_on_and_tells_the_same(lived, tmp_path):
    scenario, asked = scenario_of(PLAN), {"draws": 60, "seed": 5, "groups": 4, "workers": 2}
    whole = fs.judged(scenario, **asked)
    lived.clear()
    with pytest.raises(_Enough):
        fs.judged(scenario, **asked, folder=tmp_path / "kept", progress=stopping(9))
    lived.clear()
    again = fs.judged(scenario, **asked, folder=tmp_path / "kept")
    rules = [task for task in lived if task.policy != "plan"]
    assert len(rules) < 8, "most batches were kept"
    assert fs.told(again) == fs.told(whole)
    for name, table in whole.planned.tables().items():
        pd.testing.assert_frame_equal(again.planned.tables()[name], table)


def test_the_order_of_policies_is_of_no_account(lived, tmp_path):
    scenario = scenario_of(PLAN)
    once = fs.simulate(scenario, ["stay", "move"], 10, 1, groups=1, folder=tmp_path / "kept")
    lived.clear()
    again = fs.simulate(scenario, ["move", "stay"], 10, 1, groups=1, folder=tmp_path / "kept")
    assert lived == []
    for policy in ("stay", "move"):
        pd.testing.assert_frame_equal(again.frame(policy, "field"), once.frame(policy, "field"))
    assert not again.frame("move", "field").equals(again.frame("stay", "field"))


def test_a_folder_is_of_one_run(tmp_path):
    scenario = scenario_of(PLAN)
    fs.simulate(scenario, ["stay"], 10, 1, folder=tmp_path / "kept")
    with pytest.raises(fs.UsageError, match="holds a part of another run, made with seed 1, not 2"):
        fs.simulate(scenario, ["stay"], 10, 2, folder=tmp_path / "kept")
    with pytest.raises(fs.UsageError, match="policies"):
        fs.simulate(scenario, ["move"], 10, 1, folder=tmp_path / "kept")
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(fs.UsageError, match="exists and is no run"):
        fs.simulate(scenario, ["stay"], 10, 1, folder=tmp_path)


def test_a_policy_of_ones_own_is_lived_again(lived, tmp_path):
    scenario = scenario_of(PLAN)
    given = {"stay": "stay", "mine": fs.Stay()}
    for expected in ({"stay", "mine"}, {"mine"}):
        lived.clear()
        fs.simulate(scenario, given, 10, 1, groups=1, folder=tmp_path / "kept")
        assert {task.policy for task in lived} == expected
    assert not isinstance(given["mine"], Plan)


def test_a_broken_piece_is_made_again(lived, tmp_path):
    scenario, asked = scenario_of(PLAN), {"draws": 24, "seed": 1, "groups": 1, "workers": 1}
    whole = files(fs.simulate(scenario, ["stay"], **asked, folder=tmp_path / "kept"), tmp_path / "whole")
    pieces = sorted((tmp_path / "kept" / "batches").iterdir())
    before = [piece.read_bytes() for piece in pieces]
    pieces[0].write_bytes(before[0][:100])
    pieces[1].write_bytes(b"")
    lived.clear()
    again = fs.simulate(scenario, ["stay"], **asked, folder=tmp_path / "kept")
    assert sorted(task.first for task in lived) == [0, 8]
    assert files(again, tmp_path / "again") == whole
    assert [piece.read_bytes() for piece in pieces] == before


def test_a_disk_that_is_nearly_full_keeps_nothing_more_and_the_run_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(shelved, "SPARE", 1 << 60)
    scenario = scenario_of(PLAN)
    found = fs.simulate(scenario, ["stay"], 24, 1, groups=1, folder=tmp_path / "kept")
    assert files(found, tmp_path / "a") == files(fs.simulate(scenario, ["stay"], 24, 1, groups=1), tmp_path / "b")
    assert not (tmp_path / "kept" / "batches").exists()


def test_half_a_folder_is_no_hindrance_and_numbers_of_any_kind_are_taken(tmp_path):
    scenario = scenario_of(PLAN)
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / ".design.json-abc").write_bytes(b"")
    fs.simulate(scenario, ["stay"], np.int64(10), np.int64(1), groups=1, folder=tmp_path / "kept")
    fs.simulate(scenario, ["stay"], 10, 1, groups=1, folder=tmp_path / "kept")


@pytest.mark.slow
def test_worker_processes_end_with_a_run_that_is_killed(tmp_path):
    """The main process has no time to end them: they notice."""
    code = (
        "import fieldshift as fs, fieldshift.engines.simulate as s; s.HEAVY = 0\n"
        "if __name__ == '__main__': fs.simulate(fs.read('academy'), draws=2000, workers=2, processes=True)\n"
    )
    file = tmp_path / "heavy.py"
    file.write_text(code)
    main = subprocess.Popen([sys.executable, str(file)])

    def children():
        told = subprocess.run(
            ["ps", "-ww", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True
        ).stdout
        rows = [line.split(None, 2) for line in told.splitlines()]
        return [int(pid) for pid, parent, words in rows if int(parent) == main.pid and "spawn_main" in words]

    def until(wanted):
        end = time.monotonic() + 300
        while not wanted():
            assert time.monotonic() < end
            time.sleep(0.05)

    def gone(pid):
        told = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
        return not told.strip() or told.strip().startswith("Z")

    try:
        until(lambda: len(children()) == 2)
        workers = children()
    finally:
        main.kill()
        main.wait()
    until(lambda: all(gone(pid) for pid in workers))
