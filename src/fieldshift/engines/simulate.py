"""Many futures of a scenario under each of its policies, on the same luck."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import numpy as np

from fieldshift.engines.engine import Engine
from fieldshift.engines.futures import beliefs, groups_of
from fieldshift.engines.kernel import Kernel, compiled
from fieldshift.engines.live import live
from fieldshift.engines.policies import Policy, fresh, policy_of, settings_of
from fieldshift.engines.reference import MeanEngine, Reference
from fieldshift.errors import UsageError
from fieldshift.network.build import build
from fieldshift.network.graph import Network
from fieldshift.results.collect import Collector, PolicyResult, Taken
from fieldshift.results.measures import headline_keys, keys_of
from fieldshift.results.result import Result
from fieldshift.results.trace import Trace, weight
from fieldshift.scenario.read import digest, overlaid
from fieldshift.scenario.schema import Scenario

__all__ = ["EngineName", "Progress", "mean", "simulate", "warm_up"]

EngineName = Literal["numba", "reference"]
Progress = Callable[[int, int], None]

MANY = 2000
"""Futures above which policies are simulated one after the other, and only headlines keep each future's value."""

LOOKED_AT = frozenset({"served", "moved", "hours", "used"})
"""What a policy may look back at: see `view.View`."""

TRACE_BYTES = 96 << 20
"""What the records of one batch may weigh."""


def mean(scenario: Scenario, policy: str | Policy | None = None, draw: Mapping[str, float] | None = None) -> Trace:
    """Return the mean path of a scenario under a policy: one future without chance, counts not whole.

    Args:
        scenario: A checked scenario.
        policy: The name of one of its policies, or a policy; its first by default.
        draw: Points of the unknowns' distributions by path; centres by default.
    """
    name = policy if policy is not None else next(iter(scenario.policies), None)
    if isinstance(name, str):
        varied = _under(scenario, name)
        network = build(varied, draw)
        return live(MeanEngine(network), policy_of(varied, network, name, draw))
    network = build(scenario, draw)
    if name is None:
        raise UsageError("the scenario has no policy")
    return live(MeanEngine(network), fresh(name))


def _under(scenario: Scenario, policy: str) -> Scenario:
    changes = settings_of(scenario, policy)
    return overlaid(scenario, changes) if changes else scenario


def warm_up(announce: Callable[[str], None] | None = None) -> None:
    """Compile the fast engine if this machine has not done so yet; later starts load it from a cache.

    Args:
        announce: Called with a sentence before it takes a while.
    """
    if compiled():
        return
    if announce is not None:
        announce("Compiling the engine, once on this machine: it takes up to a minute.")
    hire = {"rule": "schedule", "choice": "hire", "amount": "2 person/week"}
    tiny = {
        "name": "warm up",
        "horizon": {"periods": 1},
        "sites": ({"id": "one"}, {"id": "two"}),
        "stocks": {"staff": {"start": 1, "spread": "even"}},
        "choices": {"hire": {"head": "staff", "cost": "1 USD/person"}},
        "budgets": {"pay": {"cap": "1 USD", "pays": ["hire"]}},
        "policies": {"grow": {"rules": [hire]}},
    }
    scenario = Scenario.model_validate(tiny)
    network = build(scenario)
    live(Kernel(network, 0, np.arange(1)), policy_of(scenario, network, "grow"))


@dataclass(frozen=True)
class _Task:
    """One batch: futures of one group under one policy."""

    policy: str
    group: int
    first: int
    count: int


def simulate(  # noqa: PLR0913 - the public name: each is a question a user answers
    scenario: Scenario,
    policies: Sequence[str] | Mapping[str, str | Policy] | None = None,
    draws: int = 1000,
    seed: int = 1,
    *,
    groups: int | None = None,
    workers: int | None = None,
    engine: EngineName = "numba",
    keys: Sequence[tuple[str, str]] | None = None,
    progress: Progress | None = None,
) -> Result:
    """Simulate a scenario under some policies, each on the same futures.

    Args:
        scenario: A checked scenario.
        policies: Names of its policies, or a mapping from a name to one or to a policy of your own; all by default.
        draws: Number of futures; above 2,000 only the headline measures keep their value in every future.
        seed: Seed of all draws; the same seed gives the same result to the byte.
        groups: Groups of futures that believe the same unknowns; 1 takes the centres, by default about draws / 40.
        workers: Threads; the result does not depend on it.
        engine: `numba`, or `reference` for the readable one (same draws, slower).
        keys: Measures to keep, as pairs of measure and part; a default set otherwise.
        progress: Called with the batches done and all batches.

    Raises:
        UsageError: A policy that does not exist, or a number of futures below 1.
    """
    if draws < 1:
        raise UsageError(f"draws is {draws}: at least 1 future is needed")
    began = time.perf_counter()
    chosen = _chosen(scenario, policies)
    count, many = groups_of(scenario, draws, groups), draws > MANY
    drawn = beliefs(scenario, count, seed)
    variants = {name: _under(scenario, given) if isinstance(given, str) else scenario for name, given in chosen.items()}
    built = _Built(scenario, variants)
    network = built.base
    collectors = {}
    for name in chosen:
        own = built.centre(name)
        collectors[name] = Collector(own, keys or keys_of(scenario, own), draws)
    record = {name: taker.reads | LOOKED_AT for name, taker in collectors.items()}
    batch = min(_batch(network, fields) for fields in record.values())
    tasks = list(_tasks(list(chosen), draws, count, (batch, many)))
    left = Counter(task.policy for task in tasks)
    keep = headline_keys(scenario, network) if many else None
    parts: dict[str, PolicyResult] = {}

    def run(task: _Task) -> tuple[_Task, Taken]:
        belief = drawn[task.group]
        own = built.network(task, belief)
        futures = np.arange(task.first, task.first + task.count)
        fast = engine == "numba"
        machine: Engine = Kernel(own, seed, futures, record[task.policy]) if fast else Reference(own, seed, futures)
        given = chosen[task.policy]
        policy = policy_of(variants[task.policy], own, given, belief) if isinstance(given, str) else fresh(given)
        return task, collectors[task.policy].take(task.first, live(machine, policy), own)

    for done, (task, taken) in enumerate(_run_all(run, tasks, workers), start=1):
        collectors[task.policy].put(taken)
        left[task.policy] -= 1
        if not left[task.policy]:
            parts[task.policy] = collectors.pop(task.policy).done(keep)
        if progress is not None:
            progress(done, len(tasks))
    parts = {name: parts[name] for name in chosen}
    return Result.of(
        scenario,
        network,
        parts,
        draws=draws,
        seed=seed,
        groups=count,
        engine=engine,
        digest=digest(scenario),
        seconds=time.perf_counter() - began,
    )


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

    def network(self, task: _Task, belief: Mapping[str, float]) -> Network:
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


def _chosen(scenario: Scenario, policies: Sequence[str] | Mapping[str, str | Policy] | None) -> dict[str, str | Policy]:
    if policies is None:
        policies = list(scenario.policies)
    chosen: dict[str, str | Policy] = {}
    chosen.update(policies if isinstance(policies, Mapping) else {name: name for name in policies})
    if not chosen:
        raise UsageError("there is no policy to simulate: write one under `policies`, such as `stay: {}`")
    for given in chosen.values():
        if isinstance(given, str):
            settings_of(scenario, given)
    return chosen


def _batch(network: Network, fields: Collection[str]) -> int:
    """Return how many futures one batch holds, by what its records weigh."""
    return int(np.clip(TRACE_BYTES // (weight(network, fields) + 1), 8, 512))


def _tasks(policies: Sequence[str], draws: int, groups: int, how: tuple[int, bool]) -> Iterator[_Task]:
    """Return all batches: policies in turn, or, where there are many futures, one policy after the other."""
    batch, many = how
    edges = [draws * g // groups for g in range(groups + 1)]
    batches = [
        (group, first, min(batch, edges[group + 1] - first))
        for group in range(groups)
        for first in range(edges[group], edges[group + 1], batch)
    ]
    if many:
        yield from (_Task(policy, *one) for policy in policies for one in batches)
    else:
        yield from (_Task(policy, *one) for one in batches for policy in policies)


def _run_all(
    run: Callable[[_Task], tuple[_Task, Taken]], tasks: Sequence[_Task], workers: int | None
) -> Iterator[tuple[_Task, Taken]]:
    """Run tasks in threads, a few ahead of the one being collected, so that memory stays bounded."""
    threads = max(1, workers if workers is not None else (os.cpu_count() or 1))
    if threads == 1 or len(tasks) == 1:
        yield from map(run, tasks)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting = iter(tasks)
        pending = {pool.submit(run, task) for task in islice(waiting, threads + 1)}
        while pending:
            ready = next(as_completed(pending))
            pending.remove(ready)
            following = next(waiting, None)
            if following is not None:
                pending.add(pool.submit(run, following))
            yield ready.result()
