"""Many futures of a scenario under each of its policies, on the same luck."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from fieldshift.engines.batches import HEAVY, Batches, Draws, EngineName, chosen_of, ready, tasks_of, under
from fieldshift.engines.futures import beliefs, groups_of
from fieldshift.engines.kernel import Kernel, compiled
from fieldshift.engines.live import live
from fieldshift.engines.policies import Policy, policy_of
from fieldshift.engines.reference import MeanEngine
from fieldshift.engines.shelved import Shelved, resumed
from fieldshift.errors import UsageError
from fieldshift.network.build import build
from fieldshift.results.collect import PolicyResult
from fieldshift.results.measures import headline_keys
from fieldshift.results.result import Result
from fieldshift.results.trace import Trace
from fieldshift.scenario.read import digest
from fieldshift.scenario.schema import Scenario

__all__ = ["EngineName", "Progress", "mean", "simulate", "warm_up"]

Progress = Callable[[int, int], None]

MANY = 2000
"""Futures above which policies are simulated one after the other, and only headlines keep each future's value."""


def mean(scenario: Scenario, policy: str | Policy | None = None, draw: Mapping[str, float] | None = None) -> Trace:
    """Return the mean path of a scenario under a policy: one future without chance, counts not whole.

    Args:
        scenario: A checked scenario.
        policy: The name of one of its policies, or a policy; its first by default.
        draw: Points of the unknowns' distributions by path; centres by default.
    """
    name = policy if policy is not None else next(iter(scenario.policies), None)
    if name is None:
        raise UsageError("the scenario has no policy")
    varied = under(scenario, name)
    network = build(varied, draw)
    return live(MeanEngine(network), ready(varied, network, name, draw))


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


def simulate(  # noqa: PLR0913 - the public name: each is a question a user answers
    scenario: Scenario,
    policies: Sequence[str] | Mapping[str, str | Policy] | None = None,
    draws: int = 1000,
    seed: int = 1,
    *,
    groups: int | None = None,
    workers: int | None = None,
    processes: bool = False,
    engine: EngineName = "numba",
    keys: Sequence[tuple[str, str]] | None = None,
    folder: str | Path | None = None,
    progress: Progress | None = None,
) -> Result:
    """Simulate a scenario under some policies, each on the same futures.

    Args:
        scenario: A checked scenario.
        policies: Names of its policies, or a mapping from a name to one or to a policy of your own; all by default.
        draws: Number of futures; above 2,000 only the headline measures keep their value in every future.
        seed: Seed of all draws; the same seed gives the same result to the byte.
        groups: Groups of futures that believe the same unknowns; 1 takes the centres, by default about draws / 40.
        workers: Threads or processes; the result does not depend on it.
        processes: Let a heavy run use worker processes: faster, but each takes memory, and a script must guard its
            main module as `multiprocessing` asks. Policies of your own run in threads all the same.
        engine: `numba`, or `reference` for the readable one (same draws, slower).
        keys: Measures to keep, as pairs of measure and part; a default set otherwise.
        folder: Where finished batches are kept; a run that was interrupted goes on from there. Batches of
            policies of your own are lived again.
        progress: Called with the batches done and all batches.

    Raises:
        UsageError: A policy that does not exist, a number of futures below 1, or a folder that holds another run.
    """
    if draws < 1:
        raise UsageError(f"draws is {draws}: at least 1 future is needed")
    began = time.perf_counter()
    chosen = chosen_of(scenario, policies)
    if not chosen:
        raise UsageError("there is no policy to simulate: write one under `policies`, such as `stay: {}`")
    count = groups_of(scenario, draws, groups)
    run = Batches(scenario, chosen, Draws(draws, seed, beliefs(scenario, count, seed)), keys, engine)
    network = run.base
    tasks = list(tasks_of(list(chosen), draws, count, (run.batch(), draws > MANY)))
    left = Counter(task.policy for task in tasks)
    keep = headline_keys(scenario, network) if draws > MANY else None
    parts: dict[str, PolicyResult] = {}
    heavy = len(chosen) * draws * run.weight > HEAVY and draws <= MANY
    shelved = None if folder is None else Shelved(folder, run)
    for done, lived in enumerate(resumed(run, tasks, (workers, processes and heavy), shelved), start=1):
        name = lived.task.policy
        assert lived.taken is not None
        run.collectors[name].put(lived.taken)
        left[name] -= 1
        if not left[name]:
            parts[name] = run.collectors[name].done(keep)
        if progress is not None:
            progress(done, len(tasks))
    return Result.of(
        scenario,
        network,
        {name: parts[name] for name in chosen},
        draws=draws,
        seed=seed,
        groups=count,
        engine=engine,
        digest=digest(scenario),
        seconds=time.perf_counter() - began,
    )
