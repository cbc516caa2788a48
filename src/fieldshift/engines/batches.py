"""Batches of futures: one group's beliefs under one policy, lived in any thread or process, in any order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import groupby, islice
from typing import Literal

import numpy as np

from fieldshift.engines.engine import Engine
from fieldshift.engines.futures import edges_of
from fieldshift.engines.keeping import kept
from fieldshift.engines.kernel import Kernel
from fieldshift.engines.live import live
from fieldshift.engines.outcome import Outcome, outcome
from fieldshift.engines.plan import Plan
from fieldshift.engines.policies import Policy, fresh, policy_of, settings_of
from fieldshift.engines.reference import MeanEngine, Reference
from fieldshift.engines.workers import pool_of
from fieldshift.errors import WorkerError
from fieldshift.network.build import build
from fieldshift.network.graph import Network
from fieldshift.results.collect import Collector, Taken
from fieldshift.results.measures import Key, keys_of
from fieldshift.results.trace import Trace, weight
from fieldshift.scenario.read import digest, overlaid
from fieldshift.scenario.schema import Goal, Scenario

__all__ = [
    "HEAVY",
    "Batches",
    "Draws",
    "EngineName",
    "Lived",
    "Task",
    "chosen_of",
    "ready",
    "run_all",
    "tasks_of",
    "under",
]

EngineName = Literal["numba", "reference"]

LOOKED_AT = frozenset({"served", "moved", "hours", "used"})
"""What a policy may look back at: see `view.View`."""

HEAVY = 2 << 30
"""Bytes of records above which a run is worth the start of worker processes."""

PIECE = 16
"""Batches of one group in one piece of work, at most: few enough to see how far a run is."""

TRACE_BYTES = 96 << 20
"""What the records of one batch may weigh."""


def chosen_of(
    scenario: Scenario, policies: Sequence[str] | Mapping[str, str | Policy] | None
) -> dict[str, str | Policy]:
    """Return policies by name; all of the scenario's where none are given.

    Raises:
        UsageError: A policy that does not exist.
    """
    given = list(scenario.policies) if policies is None else policies
    chosen: dict[str, str | Policy] = {}
    chosen.update(given if isinstance(given, Mapping) else {name: name for name in given})
    for policy in chosen.values():
        if isinstance(policy, str):
            settings_of(scenario, policy)
    return chosen


def under(scenario: Scenario, policy: str | Policy) -> Scenario:
    """Return a scenario as a policy of its own changes it; a policy that is an object changes nothing."""
    changes = settings_of(scenario, policy) if isinstance(policy, str) else {}
    return overlaid(scenario, changes) if changes else scenario


def ready(
    scenario: Scenario, network: Network, policy: str | Policy, belief: Mapping[str, float] | None = None
) -> Policy:
    """Return a policy ready to live one batch.

    Args:
        scenario: The scenario as the policy changes it.
        network: Its network.
        policy: A name, or an object, which is copied.
        belief: What the network's unknowns are.
    """
    return policy_of(scenario, network, policy, belief) if isinstance(policy, str) else fresh(policy)


@dataclass(frozen=True)
class Task:
    """One batch: futures of one group under one policy; or, of no futures, the policy's mean path.

    Attributes:
        policy: The policy's name.
        group: The group whose beliefs its futures hold.
        first, count: Its first future, and how many there are.
        given: What is lived under that name, where it was not known yet when the run began (a plan).
    """

    policy: str
    group: int
    first: int
    count: int
    given: Policy | None = None


@dataclass(frozen=True)
class Draws:
    """Which futures: how many, their seed, and what each group of them believes of the unknowns."""

    count: int
    seed: int
    beliefs: tuple[Mapping[str, float], ...]


@dataclass(frozen=True)
class Lived:
    """What is kept of one batch.

    Attributes:
        task: The batch.
        taken: Its measures; None of a mean path.
        outcome: What became of goals and needs, where goals were asked for.
    """

    task: Task
    taken: Taken | None
    outcome: Outcome | None


class Batches:
    """What it takes to live any batch of a run.

    Args:
        scenario: The scenario.
        chosen: Policies by name: names of the scenario's own, or policies.
        draws: The futures.
        keys: Measures to take; a default set otherwise.
        engine: Which engine.
        goals: Goals to judge each future by; with any, all is recorded.

    Attributes:
        base: The scenario's own network, its unknowns at their centres.
        variants: The scenario as each policy changes it.
        collectors: What takes the measures of each policy.
    """

    def __init__(
        self,
        scenario: Scenario,
        chosen: Mapping[str, str | Policy],
        draws: Draws,
        keys: Sequence[Key] | None,
        engine: EngineName,
        goals: Sequence[Goal] = (),
    ) -> None:
        self.given = scenario, chosen, draws, keys, engine, tuple(goals)
        self._goals = tuple(goals)
        self._draws, self._engine = draws, engine
        self.variants = {n: under(scenario, g) for n, g in chosen.items()}
        self._built = _Built(scenario, self.variants)
        self.base = self._built.base
        self._chosen = {n: kept(self.base, g, whole=True) if isinstance(g, Plan) else g for n, g in chosen.items()}
        self.collectors: dict[str, Collector] = {}
        for name in chosen:
            own = self.centre(name)
            self.collectors[name] = Collector(own, keys or keys_of(scenario, own), draws.count)
        everything = frozenset(f.name for f in fields(Trace)) if goals else LOOKED_AT
        self._record = {name: taker.reads | everything for name, taker in self.collectors.items()}

    def centre(self, policy: str) -> Network:
        """Return a policy's network, its unknowns at their centres."""
        return self._built.centre(policy)

    @cached_property
    def weight(self) -> int:
        """What the records of one future weigh, in bytes."""
        return 1 + max(weight(self.base, fields) for fields in self._record.values())

    def batch(self) -> int:
        """Return how many futures one batch holds, by what its records weigh."""
        return int(np.clip(TRACE_BYTES // self.weight, 8, 512))

    def take(self, task: Task) -> Lived:
        """Live one batch, and return what is kept of it."""
        if not task.count:
            return Lived(replace(task, given=None), None, self._on_mean(task))
        belief = self._draws.beliefs[task.group]
        own = self._built.network(task, belief)
        futures = np.arange(task.first, task.first + task.count)
        seed, fast = self._draws.seed, self._engine == "numba"
        record = self._record[task.policy]
        machine: Engine = Kernel(own, seed, futures, record) if fast else Reference(own, seed, futures)
        given = self._chosen[task.policy] if task.given is None else task.given
        trace = live(machine, ready(self.variants[task.policy], own, given, belief))
        judged = outcome(trace, own, self._goals) if self._goals else None
        return Lived(replace(task, given=None), self.collectors[task.policy].take(task.first, trace, own), judged)

    def _on_mean(self, task: Task) -> Outcome:
        """Return what becomes of the goals on a policy's mean path, a plan unrounded, its serving fixed too."""
        name = task.policy
        network, given = self.centre(name), self.given[1][name] if task.given is None else task.given
        if isinstance(given, Plan):
            given = replace(given, strict=True)
        policy = ready(self.variants[name], network, given)
        return outcome(live(MeanEngine(network), policy), network, self._goals)


class _Built:
    """Networks of a scenario and its policies, made once for each scenario that is the same under several.

    Attributes:
        base: The scenario's own network, its unknowns at their centres.
    """

    def __init__(self, scenario: Scenario, variants: Mapping[str, Scenario]) -> None:
        self._variants = variants
        self._same = {name: digest(variant) for name, variant in variants.items()}
        self.base = build(scenario)
        self._centre = {digest(scenario): self.base}
        self._group, self._made = -1, dict[str, Network]()

    def centre(self, policy: str) -> Network:
        """Return a policy's network, its unknowns at their centres."""
        key = self._same[policy]
        if key not in self._centre:
            self._centre[key] = build(self._variants[policy])
        return self._centre[key]

    def network(self, task: Task, belief: Mapping[str, float]) -> Network:
        """Return the network of a task's policy for its group's beliefs."""
        if not belief:
            return self.centre(task.policy)
        key = self._same[task.policy]
        group, made = self._group, self._made
        if group == task.group and key in made:
            return made[key]
        network = build(self._variants[task.policy], belief)
        self._group, self._made = task.group, {**(made if group == task.group else {}), key: network}
        return network


_WORKER: list[Batches] = []
"""In a worker process: what it lives batches of."""


def _start(*given: object) -> None:
    _WORKER[:] = [Batches(*given)]  # type: ignore[arg-type]


def _work(tasks: Sequence[Task]) -> list[Lived]:
    return [_WORKER[0].take(task) for task in tasks]


def run_all(batches: Batches, tasks: Iterable[Task], workers: int | None, processes: bool) -> Iterator[Lived]:
    """Live all batches, a few ahead of the one being collected, so that memory stays bounded.

    Args:
        batches: What to live.
        tasks: Which batches; asked for one by one. In processes, those of one group in a row are one piece of work:
            they share networks.
        workers: How many at a time; one for each core by default.
        processes: In processes, if no policy is the user's own object.

    Raises:
        WorkerError: A worker process ended by itself.
    """
    count = max(1, workers if workers is not None else (os.cpu_count() or 1))
    if count <= 1:
        yield from map(batches.take, tasks)
        return
    named = all(isinstance(given, str | Plan) for given in batches.given[1].values())
    if not (processes and named):
        with ThreadPoolExecutor(count) as threads:
            yield from _ahead(threads, lambda some: [batches.take(some[0])], ([task] for task in tasks), count + 1)
        return
    pool = pool_of(count, _start, batches.given)
    try:
        yield from _ahead(pool, _work, _pieces(tasks), count + 1)
    except BrokenProcessPool:
        raise WorkerError(
            "a worker process ended by itself, perhaps for want of memory: try fewer workers (--workers 1)"
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _pieces(tasks: Iterable[Task]) -> Iterator[list[Task]]:
    """Yield pieces of work: some batches in a row that are of one group."""
    for _, some in groupby(tasks, lambda task: task.group):
        while piece := list(islice(some, PIECE)):
            yield piece


def _ahead(
    pool: Executor, work: Callable[[Sequence[Task]], list[Lived]], pieces: Iterable[Sequence[Task]], ahead: int
) -> Iterator[Lived]:
    waiting = iter(pieces)
    pending: set[Future[list[Lived]]] = {pool.submit(work, piece) for piece in islice(waiting, ahead)}
    while pending:
        ready, pending = wait(pending, return_when=FIRST_COMPLETED)
        pending |= {pool.submit(work, piece) for piece in islice(waiting, len(ready))}
        for future in sorted(ready, key=lambda f: f.result()[0].task.first):
            yield from future.result()


def tasks_of(policies: Sequence[str], draws: int, groups: int, how: tuple[int, bool]) -> Iterator[Task]:
    """Return all batches: policies in turn, or, where there are many futures, one policy after the other."""
    batch, many = how
    edges = edges_of(draws, groups)
    batches = [
        (group, first, min(batch, edges[group + 1] - first))
        for group in range(groups)
        for first in range(edges[group], edges[group + 1], batch)
    ]
    if many:
        yield from (Task(policy, *one) for policy in policies for one in batches)
    else:
        yield from (Task(policy, *one) for one in batches for policy in policies)
