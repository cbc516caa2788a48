"""The job table, on SQLite and on PostgreSQL: who takes which run, what becomes of it, and what a dead worker loses."""

import threading
from dataclasses import replace

import pytest
from stores import BOTH, desk_on

import fieldshift as fs
from fieldshift.web import casebook, jobs
from fieldshift.web.desk import NotHere
from fieldshift.web.doors import Visitor

ANN = Visitor(1, "ann", "analyst")
ASKED = {"policies": [], "draws": 10, "seed": 1}
TINY = {
    "name": "tiny",
    "horizon": {"periods": 2},
    "sites": [{"id": "one"}],
    "stocks": {"staff": {"start": 10, "spread": "even"}},
    "policies": {"stay": {}},
}


@pytest.fixture(params=BOTH)
def desk(request, tmp_path):
    with desk_on(request.param, tmp_path / "store") as made:
        yield made


@pytest.fixture
def case(desk):
    return casebook.added(desk, ANN, fs.Scenario.model_validate(TINY), "made here")


def put(desk, case, at=None, **more):
    order = jobs.Order(case, 1, "simulate", ASKED, **more)
    return jobs.queued(desk if at is None else replace(desk, now=lambda: at), "ann", order)


def at(desk, seconds):
    return replace(desk, now=lambda: seconds)


def test_a_run_from_the_queue_to_its_end(desk, case):
    run = put(desk, case, title="First")
    waits = jobs.get(desk, run)
    assert (waits.state, waits.title, waits.case_name, waits.asked) == ("queued", "First", "tiny", ASKED)
    assert not waits.over
    claim = jobs.claimed(desk, "w1")
    assert claim == jobs.Claim(run, "w1", 1)
    assert jobs.claimed(desk, "w2") is None
    assert jobs.beaten(desk, claim, jobs.HowFar("Simulating", 3, 9, 4.5)) == "go on"
    goes = jobs.get(desk, run)
    assert (goes.state, goes.phase, goes.done, goes.total, goes.remains) == ("running", "Simulating", 3, 9, 4.5)
    jobs.first_told(desk, claim, {"draws": 8})
    assert jobs.ended(desk, claim, "done", told={"draws": 10})
    done = jobs.get(desk, run)
    assert (done.state, done.first, done.told, done.attempts) == ("done", {"draws": 8}, {"draws": 10}, 1)
    assert done.over
    assert done.started <= done.ended
    assert not jobs.ended(desk, claim, "failed", "too late")
    assert jobs.get(desk, run).state == "done"


def test_the_oldest_is_taken_first_and_its_place_is_known(desk, case):
    late, early = put(desk, case, at=200.0), put(desk, case, at=100.0)
    assert [jobs.before(desk, jobs.get(desk, run)) for run in (early, late)] == [0, 1]
    assert jobs.claimed(desk, "w").run == early
    assert jobs.before(desk, jobs.get(desk, late)) == 1
    assert jobs.claimed(desk, "w").run == late


def test_four_workers_at_once_never_take_the_same_run(desk, case):
    runs = {put(desk, case) for _ in range(24)}
    taken, ready = [], threading.Barrier(4)

    def work(name):
        ready.wait()
        while (claim := jobs.claimed(desk, name)) is not None:
            taken.append(claim)

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while (claim := jobs.claimed(desk, "last")) is not None:  # one that lost every race of a look may have left early
        taken.append(claim)
    assert sorted(claim.run for claim in taken) == sorted(runs)
    assert all(claim.attempt == 1 for claim in taken)


def test_a_run_whose_worker_is_silent_is_taken_again_and_the_old_worker_says_no_more(desk, case):
    run = put(desk, case, at=0.0)
    old = jobs.claimed(at(desk, 10.0), "old")
    assert jobs.claimed(at(desk, 10.0 + jobs.STALE - 1), "new") is None
    new = jobs.claimed(at(desk, 10.0 + jobs.STALE + 1), "new")
    assert new == jobs.Claim(run, "new", 2)
    assert jobs.beaten(at(desk, 30.0), old, jobs.HowFar("still here")) == "lost"
    jobs.first_told(desk, old, {"draws": 1})
    assert not jobs.ended(desk, old, "done", told={"of": "the old one"})
    assert jobs.get(desk, run).first is None
    assert jobs.ended(desk, new, "done", told={"of": "the new one"})
    assert jobs.get(desk, run).told == {"of": "the new one"}


def test_after_three_dead_workers_a_run_is_given_up_with_a_sentence(desk, case):
    run = put(desk, case, at=0.0)
    for n in range(jobs.ATTEMPTS):
        assert jobs.claimed(at(desk, 100.0 * (n + 1)), f"w{n}").attempt == n + 1
    assert jobs.claimed(at(desk, 1000.0), "w") is None
    failed = jobs.get(desk, run)
    assert (failed.state, failed.message, failed.ended) == ("failed", jobs.DIED, 1000.0)


def test_a_worker_that_leaves_puts_its_run_back_and_one_that_died_is_counted(desk, case):
    run = put(desk, case)
    for n, (counts, attempts) in enumerate([(False, 1), (True, 1), (False, 2)]):
        assert jobs.claimed(desk, f"w{n}").attempt == attempts
        assert jobs.returned(desk, f"w{n}", counts) == 1
        back = jobs.get(desk, run)
        assert (back.state, back.attempts) == ("queued", attempts - (not counts))
    assert jobs.returned(desk, "w0", True) == 0


@pytest.mark.parametrize("how", ["waits", "goes on", "its worker is dead"])
def test_cancelled(desk, case, how):
    run = put(desk, case, at=0.0)
    claim = None if how == "waits" else jobs.claimed(at(desk, 1.0), "w")
    after = jobs.cancelled(desk, run)
    assert after.state == ("cancelled" if how == "waits" else "running")
    if how == "goes on":
        assert jobs.beaten(desk, claim, jobs.HowFar("x")) == "cancel"
        assert jobs.returned(desk, "w", counts=False) == 1
    assert jobs.claimed(at(desk, 100.0), "other") is None
    assert jobs.get(desk, run).state == "cancelled"
    assert jobs.cancelled(desk, run).state == "cancelled"


def test_a_run_that_is_done_cannot_be_cancelled(desk, case):
    run = put(desk, case)
    jobs.ended(desk, jobs.claimed(desk, "w"), "done", told={})
    assert jobs.cancelled(desk, run).state == "done"


def test_lists_are_narrowed_and_counted(desk, case):
    for n in range(5):
        put(desk, case, at=float(n))
    jobs.claimed(desk, "w")
    found, count = jobs.listed(desk, jobs.Listing(most=2, skip=1))
    assert ([run.created for run in found], count) == ([3.0, 2.0], 5)
    assert [run.created for run in jobs.listed(desk, jobs.Listing(state="running"))[0]] == [0.0]
    assert jobs.listed(desk, jobs.Listing(author="bert")) == ([], 0)
    assert jobs.listed(desk, jobs.Listing(case=case, kind="simulate", author="ann"))[1] == 5
    assert jobs.waiting(desk, "ann") == 5


@pytest.mark.parametrize("run", ["nosuchrun", "", "../../x", "a\x00b", "\ud800", "x" * 1000])
def test_no_such_run(desk, run):
    with pytest.raises(NotHere):
        jobs.get(desk, run)
