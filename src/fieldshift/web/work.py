"""What a worker does for a run: first bands, the run itself, and its folder, whole and renamed into place."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy.exc import OperationalError

import fieldshift as fs
from fieldshift.web import casebook, jobs, keeping
from fieldshift.web.desk import Desk

__all__ = ["EARLY", "OUR_MISTAKE", "Stopped", "Telling", "done_by", "patiently", "swept"]

log = logging.getLogger("fieldshift.web.worker")

_Answer = TypeVar("_Answer")

EARLY = (8, 80)
"""Futures of the first bands: a tenth of those asked for, at most the second number, none where under the first."""

_LONG = 30.0
"""Seconds that one part may take before the time left is not told any more: a plan that is still being found, say."""

_POINTS = 5
"""Points of what is not known that the first bands have, at most."""

OUR_MISTAKE = "Something went wrong. It is our mistake, and it is in the log of the worker."
_MEMORY = "There was not enough memory. Ask for fewer futures or fewer policies, and run it again."


class Stopped(Exception):
    """The run is to stop: it was cancelled, or its worker is to leave."""


@dataclass
class Telling:
    """How far a run is: its thread writes it, the worker's main thread reads it and says when to stop.

    Attributes:
        stop: Set where the run is to stop.
    """

    stop: threading.Event = field(default_factory=threading.Event)
    _now: tuple[str, int, int] = ("Starting", 0, 0)
    _began: tuple[float, int] = (0.0, 0)
    _last: float = 0.0

    def phase(self, words: str, before: int = 0) -> None:
        """Begin another phase.

        Args:
            words: What it does.
            before: How many of its parts were finished before: they take no time.

        Raises:
            Stopped: The run is to stop.
        """
        self._now, self._last = (words, 0, 0), time.monotonic()
        self._began = self._last, before
        self._go_on()

    def step(self, done: int, total: int) -> None:
        """Say how much of the phase is finished.

        Raises:
            Stopped: The run is to stop.
        """
        self._now, self._last = (self._now[0], done, total), time.monotonic()
        self._go_on()

    def _go_on(self) -> None:
        if self.stop.is_set():
            raise Stopped

    def how_far(self) -> jobs.HowFar:
        """Return how far the run is, with the time left where it can be reckoned."""
        (words, done, total), (began, before) = self._now, self._began
        made, took, idle = done - before, self._last - began, time.monotonic() - self._last
        if made < 1 or done >= total or took < 1.0 or idle > max(_LONG, 20 * took / made):
            return jobs.HowFar(words, done, total)
        return jobs.HowFar(words, done, total, max(0.0, took / made * (total - done) - idle))


def done_by(desk: Desk, claim: jobs.Claim, telling: Telling, workers: int | None = None) -> None:
    """Do what a run asks for, keep it, and say how it ended.

    Args:
        desk: The desk.
        claim: The worker's hold on the run.
        telling: How far it is; it says when to stop.
        workers: Threads or processes for the run; no number depends on it.

    Raises:
        Stopped: It is to stop; nobody is told yet.
    """
    room = _rooms(desk) / f"{claim.run}-{claim.attempt}"
    try:
        shutil.rmtree(room, ignore_errors=True)
        room.mkdir(parents=True)
        message, told = _Work(desk, claim, telling, room, workers).done()
        if patiently(lambda: jobs.beaten(desk, claim, telling.how_far())) != "go on":
            telling.stop.set()
            raise Stopped
        _put(room, desk.settings.runs / claim.run)
        patiently(lambda: jobs.ended(desk, claim, "done", message, told))
    except Stopped:
        raise
    except Exception as error:  # a run must end, whatever happens to it
        words = _words(error)
        if words == OUR_MISTAKE:
            log.exception("run %s failed", claim.run)
        patiently(lambda: jobs.ended(desk, claim, "failed", words))
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _words(error: Exception) -> str:
    """Return what is told of an error: its own words if it is one of ours."""
    if isinstance(error, MemoryError):
        return _MEMORY
    return str(error) if isinstance(error, fs.FieldshiftError) else OUR_MISTAKE


def patiently(do: Callable[[], _Answer], patience: float = 60.0) -> _Answer:
    """Ask the database again while it does not answer.

    Args:
        do: What to ask.
        patience: Seconds after which it is given up.

    Raises:
        OperationalError: It did not answer in time.
    """
    end = time.monotonic() + patience
    while True:
        try:
            return do()
        except OperationalError as error:
            if time.monotonic() > end:
                raise
            log.warning("the database does not answer (%s)", type(error).__name__)
            time.sleep(1.0)


def swept(desk: Desk) -> None:
    """Remove what was kept of unfinished attempts at runs that are over."""
    there = list(_rooms(desk).glob("*-*"))
    going = jobs.going(desk) if there else set()
    for left in there:
        if left.name.split("-")[0] not in going:
            shutil.rmtree(left, ignore_errors=True)


def _rooms(desk: Desk) -> Path:
    """Return the folder of what is being made; it stands beside the runs, so that a rename is all it takes."""
    return desk.settings.runs / ".going"


def _put(room: Path, place: Path) -> None:
    """Let a finished folder take its place; one that is there, of an attempt whose worker died, makes way."""
    old = room.with_name(f"{room.name}-old")
    if place.exists():
        place.replace(old)
    room.replace(place)
    shutil.rmtree(old, ignore_errors=True)


@dataclass(frozen=True)
class _Work:
    """A run as it is being done: its folder is `room` for now."""

    desk: Desk
    claim: jobs.Claim
    telling: Telling
    room: Path
    workers: int | None

    def done(self) -> tuple[str, dict[str, Any]]:
        """Return what a reader should know, and headlines; fills the folder."""
        run = jobs.get(self.desk, self.claim.run)
        self.telling.phase("Reading the case")
        scenario = casebook.scenario_of(self.desk, run.case_id, run.version)
        wrong = [problem for problem in fs.problems(scenario) if problem.level == "error"]
        if wrong:
            raise fs.ScenarioError(wrong)
        self.telling.phase("Loading the engine")
        fs.warm_up()
        if run.kind == "explore":
            return "", self._explored(scenario, run.asked)
        self._first(scenario, run)
        message, result = self._result(scenario, run)
        self.telling.phase("Writing the report")
        fs.save(result, self.room / keeping.RUN)
        keeping.kept(result, self.room)
        return message, _headlines(result) | {"plan": result.planned is not None}

    def _first(self, scenario: fs.Scenario, run: jobs.Run) -> None:
        """Tell first bands, from a small run."""
        draws = min(EARLY[1], int(run.asked["draws"]) // 10)
        if draws < EARLY[0] or run.first is not None:
            return
        self.telling.phase(f"First bands, from {draws} futures")
        # Few points of what is not known: each of them costs a network, and first bands are to be early.
        early = self._simulated(scenario, run.asked | {"draws": draws}, _POINTS)
        first = _headlines(early)
        patiently(lambda: jobs.first_told(self.desk, self.claim, first))

    def _result(self, scenario: fs.Scenario, run: jobs.Run) -> tuple[str, fs.Result]:
        """Return what a reader should know, and the result."""
        asked, message = run.asked, ""
        if run.kind == "plan":
            words = f"Planning, and simulating {_counted(len(scenario.policies))} and the plan"
            try:
                return "", self._again("judged", words, lambda folder: self._judged(scenario, asked, folder))
            except fs.NoPlan as error:
                message = f"{error!s}\nThe policies were simulated without a plan."
        count = len(asked.get("policies") or scenario.policies)
        words = f"Simulating {_counted(count)}"
        return message, self._again("batches", words, lambda folder: self._simulated(scenario, asked, folder=folder))

    def _again(self, word: str, words: str, do: Callable[[Path], _Answer]) -> _Answer:
        """Do something whose finished parts outlast a worker that dies, in a phase of its own.

        Args:
            word: What the folder of the parts is called.
            words: What the phase is called.
            do: What is done; it is given the folder. Where the parts there are of no use it begins anew.
        """
        folder = _rooms(self.desk) / f"{self.claim.run}-{word}"
        if folder.exists():
            try:
                self.telling.phase(words, sum(1 for _ in folder.rglob("[!.]*.npz")))
                return do(folder)
            except (fs.UsageError, fs.RunError) as error:  # of another edition, or broken
                log.warning("run %s begins anew (%s)", self.claim.run, error)
                shutil.rmtree(folder, ignore_errors=True)
        self.telling.phase(words)
        return do(folder)

    def _judged(self, scenario: fs.Scenario, asked: Mapping[str, Any], folder: Path) -> fs.Result:
        return fs.judged(
            scenario,
            int(asked["draws"]),
            int(asked["seed"]),
            workers=self.workers,
            processes=True,
            folder=folder,
            progress=self.telling.step,
        )

    def _simulated(
        self, scenario: fs.Scenario, asked: Mapping[str, Any], groups: int | None = None, folder: Path | None = None
    ) -> fs.Result:
        return fs.simulate(
            scenario,
            list(asked.get("policies") or ()) or None,
            int(asked["draws"]),
            int(asked["seed"]),
            groups=groups,
            workers=self.workers,
            processes=True,
            folder=folder,
            progress=self.telling.step,
        )

    def _explored(self, scenario: fs.Scenario, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Explore, and keep the page."""
        words = f"Exploring {asked['points']} points of what is not known"
        found = self._again(
            "points",
            words,
            lambda folder: fs.explore(
                scenario,
                asked.get("measure") or None,
                list(asked.get("policies") or ()) or None,
                points=int(asked["points"]),
                futures=int(asked["futures"]),
                seed=int(asked["seed"]),
                ends=not asked.get("quick"),
                levers=not asked.get("quick"),
                workers=self.workers,
                processes=True,
                folder=folder,
                progress=self.telling.step,
            ),
        )
        self.telling.phase("Writing the page")
        keeping.kept_exploration(found, scenario, self.room)
        return {"aim": found.aim.title, "unit": found.aim.unit, "sentences": list(found.sentences())}


def _counted(policies: int) -> str:
    return "1 policy" if policies == 1 else f"{policies} policies"


def _headlines(result: fs.Result) -> dict[str, Any]:
    told = fs.told(result)
    return {name: told[name] for name in ("draws", "seed", "groups", "policies", "outlooks")}
