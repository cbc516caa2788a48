"""Finished batches in a folder, so that a run that was interrupted goes on where it was."""

from __future__ import annotations

import json
import shutil
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fieldshift.engines.batches import Batches, Lived, Task, run_all
from fieldshift.engines.outcome import Outcome, label_of
from fieldshift.errors import RunError
from fieldshift.results.axes import versions
from fieldshift.results.collect import Taken
from fieldshift.results.measures import Key
from fieldshift.results.shelf import Shelf
from fieldshift.results.tally import Array
from fieldshift.scenario.read import digest

__all__ = ["SPARE", "Shelved", "resumed"]

SPARE = 1 << 30
"""Bytes of the disk that are left free: others need it too."""


class Shelved:
    """The finished batches of a run: those of the scenario's own policies, since an object has no name to know it by.

    Args:
        folder: Where they are; made if it is not there.
        run: What lives the batches.

    Raises:
        UsageError: The folder holds something else, or another run.
    """

    def __init__(self, folder: str | Path, run: Batches) -> None:
        scenario, chosen, draws, keys, engine, goals = run.given
        design = {
            "case": digest(scenario),
            "policies": {name: given if isinstance(given, str) else None for name, given in chosen.items()},
            "fieldshift": dict(versions())["fieldshift"],
            "futures": int(draws.count),
            "seed": int(draws.seed),
            "groups": len(draws.beliefs),
            "batch": run.batch(),
            "measures": None if keys is None else [".".join(key) for key in keys],
            "engine": engine,
            "goals": [label_of(goal) for goal in goals],
        }
        self._run, self._room, self._full = run, Path(folder), False
        self._shelf = Shelf(self._room, design, "run")
        named = sorted(name for name, given in chosen.items() if isinstance(given, str))
        self._numbers = {name: number for number, name in enumerate(named)}

    def _name(self, task: Task) -> str:
        return f"batches/{self._numbers[task.policy]:03d}-{task.first:07d}"

    def has(self, task: Task) -> bool:
        """Return whether a batch is finished; neither mean paths nor what is lived under a plan are kept."""
        return self._keeps(task) and self._shelf.has(self._name(task))

    def _keeps(self, task: Task) -> bool:
        return bool(task.count) and task.given is None and task.policy in self._numbers

    def put(self, lived: Lived) -> None:
        """Keep a finished batch, unless the disk is about to be full: then the run goes on, and no more is kept."""
        if self._full or lived.taken is None or not self._keeps(lived.task):
            return
        try:
            self._full = shutil.disk_usage(self._room).free < SPARE
            if not self._full:
                self._shelf.put(self._name(lived.task), _arrays(lived.taken, lived.outcome))
        except (OSError, RunError):
            self._full = True

    def get(self, task: Task) -> Lived:
        """Return a finished batch; one whose file is broken is lived again."""
        try:
            return Lived(task, *_read(self._shelf.get(self._name(task))))
        except (RunError, KeyError, ValueError):
            lived = self._run.take(task)
            self.put(lived)
            return lived


def resumed(
    run: Batches, tasks: Iterable[Task], how: tuple[int | None, bool], shelved: Shelved | None
) -> Iterator[Lived]:
    """Live all batches as `run_all` does, but for those that were finished before.

    Args:
        run: What lives them.
        tasks: Which batches; asked for one by one.
        how: How many at a time; whether in processes.
        shelved: The finished ones; what is lived here is kept there too.
    """
    if shelved is None:
        yield from run_all(run, tasks, *how)
        return
    before: deque[Task] = deque()

    def left() -> Iterator[Task]:
        for task in tasks:
            if shelved.has(task):
                before.append(task)
            else:
                yield task

    for lived in run_all(run, left(), *how):
        while before:
            yield shelved.get(before.popleft())
        shelved.put(lived)
        yield lived
    while before:
        yield shelved.get(before.popleft())


def _arrays(taken: Taken, judged: Outcome | None) -> dict[str, Array]:
    """Return what is kept of a batch as arrays by name; `about` says which is which, as JSON."""
    groups: dict[str, Mapping[Key, Array]] = {"nation": taken.nation, "sites": taken.sites}
    arrays = {"cut": taken.cut}
    about: dict[str, Any] = {name: int(getattr(taken, name)) for name in ("first", "count", "place")} | {"needs": None}
    about |= {group: list(values) for group, values in groups.items()}
    for group, values in groups.items():
        arrays |= {f"{group}-{i}": array for i, array in enumerate(values.values())}
    if judged is not None:
        about["needs"] = list(judged.met)
        arrays["goals"] = judged.goals
        arrays |= {f"met-{i}": array for i, array in enumerate(judged.met.values())}
        arrays |= {f"short-{i}": judged.short[need] for i, need in enumerate(judged.met)}
    return arrays | {"about": np.frombuffer(json.dumps(about).encode(), np.uint8)}


def _read(arrays: Mapping[str, Array]) -> tuple[Taken, Outcome | None]:
    about = json.loads(arrays["about"].tobytes())
    nation, sites = (
        {(key[0], key[1]): arrays[f"{group}-{i}"] for i, key in enumerate(about[group])}
        for group in ("nation", "sites")
    )
    taken = Taken(about["first"], about["count"], nation, about["place"], sites, arrays["cut"])
    if about["needs"] is None:
        return taken, None
    met, short = ({need: arrays[f"{word}-{i}"] for i, need in enumerate(about["needs"])} for word in ("met", "short"))
    return taken, Outcome(arrays["goals"], met, short)
