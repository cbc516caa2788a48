"""What a worker does for a run: first bands, the run itself, and its folder, whole and renamed into place."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections import deque
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

LATELY = 60
"""Parts that the time left is reckoned from: the latest ones, since earlier ones may have been finished before."""

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
    _lately: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=LATELY))

    def phase(self, words: str) -> None:
        """Begin another phase.

        Raises:
            Stopped: The run is to stop.
        """
        self._now = words, 0, 0
        self._lately = deque([(time.monotonic(), 0)], LATELY)
        self._go_on()

    def step(self, done: int, total: int) -> None:
        """Say how much of the phase is finished.

        Raises:
            Stopped: The run is to stop.
        """
        self._now = self._now[0], done, total
        self._lately.append((time.monotonic(), done))
        self._go_on()

    def _go_on(self) -> None:
        if self.stop.is_set():
            raise Stopped

    def how_far(self) -> jobs.HowFar:
        """Return how far the run is, with the time left where it can be reckoned from the last parts."""
        words, done, total = self._now
        parts = tuple(self._lately)
        if len(parts) < 2 or done >= total:
            return jobs.HowFar(words, done, total)
        (began, first), (last, latest) = parts[0], parts[-1]
        took, each = last - began, (last - began) / max(1, latest - first)
        idle = time.monotonic() - last
        if took < 1.0 or idle > max(5.0, 5 * each):  # a part that takes longer than others: who knows how long
            return jobs.HowFar(words, done, total)
        return jobs.HowFar(words, done, total, max(0.0, each * (total - done) - idle))


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
        for left in _rooms(desk).glob(f"{claim.run}-*"):
            shutil.rmtree(left, ignore_errors=True)
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
            self.telling.phase(f"Planning, and simulating {_counted(len(scenario.policies))} and the plan")
            try:
                draws, seed = int(asked["draws"]), int(asked["seed"])
                return "", fs.judged(
                    scenario,
                    draws,
                    seed,
                    workers=self.workers,
                    processes=True,
                    folder=self._before("judged"),
                    progress=self.telling.step,
                )
            except fs.NoPlan as error:
                message = f"{error!s}\nThe policies were simulated without a plan."
        count = len(asked.get("policies") or scenario.policies)
        self.telling.phase(f"Simulating {_counted(count)}")
        return message, self._simulated(scenario, asked, folder=self._before("batches"))

    def _before(self, word: str) -> Path:
        """Return where finished parts outlast a worker that dies; another edition of Fieldshift makes its own."""
        return _rooms(self.desk) / f"{self.claim.run}-{fs.__version__}-{word}"

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
        self.telling.phase(f"Exploring {asked['points']} points of what is not known")
        found = fs.explore(
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
            folder=self._before("points"),
            progress=self.telling.step,
        )
        self.telling.phase("Writing the page")
        keeping.kept_exploration(found, scenario, self.room)
        return {"aim": found.aim.title, "unit": found.aim.unit, "sentences": list(found.sentences())}


def _counted(policies: int) -> str:
    return "1 policy" if policies == 1 else f"{policies} policies"


def _headlines(result: fs.Result) -> dict[str, Any]:
    told = fs.told(result)
    return {name: told[name] for name in ("draws", "seed", "groups", "policies", "outlooks")}
