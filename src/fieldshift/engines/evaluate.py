"""Policies and plans on the same futures: what they make of the goals, and what they miss of the best.

Every policy meets the same beliefs and the same luck, so that a difference is the policy's. A plan is rounded to whole
numbers before it meets chance. Policies that are dear (a rolling horizon) live a sample of the futures.

Source:
    Regret, and the value of knowing what is unknown: Birge & Louveaux (2011), Introduction to Stochastic Programming,
    Springer, chapter 4; Savage (1951), The theory of statistical decision, JASA 46.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from fieldshift.engines.batches import HEAVY, Batches, Draws, Task, chosen_of, ready, tasks_of
from fieldshift.engines.evaluation import Evaluation, Informed, Met
from fieldshift.engines.futures import beliefs, edges_of, groups_of
from fieldshift.engines.keeping import kept
from fieldshift.engines.kernel import Kernel
from fieldshift.engines.live import live
from fieldshift.engines.optimize import optimize
from fieldshift.engines.outcome import Outcome, outcome
from fieldshift.engines.plan import Plan
from fieldshift.engines.policies import Policy, Stay
from fieldshift.engines.reference import MeanEngine
from fieldshift.engines.remaining import raised
from fieldshift.engines.replan import Replan
from fieldshift.engines.shelved import Shelved, resumed
from fieldshift.errors import NoPlan, UsageError
from fieldshift.network.build import build
from fieldshift.network.graph import Float, Int, Network
from fieldshift.results.result import Result
from fieldshift.results.trace import Trace
from fieldshift.scenario.read import digest
from fieldshift.scenario.schema import Goal, Scenario

__all__ = ["Planned", "evaluate"]

_PLAN = "plan"

_In = TypeVar("_In")
_Out = TypeVar("_Out")


class Told(Protocol):
    """What a solution says of one goal."""

    @property
    def goal(self) -> Goal:
        """The goal."""

    @property
    def value(self) -> float:
        """What the solution makes of it."""


class Planned(Protocol):
    """A plan and what it promises: a `Solution` of `optimize`, or what `robust` returns."""

    @property
    def plan(self) -> Plan:
        """The plan."""

    @property
    def goals(self) -> Sequence[Told]:
        """What it makes of each goal."""


def evaluate(  # noqa: PLR0913 - the public name: each is a question a user answers
    scenario: Scenario,
    policies: Sequence[str] | Mapping[str, str | Policy] | None = None,
    *,
    plan: Planned | Callable[[], Planned] | None = None,
    goals: Sequence[Goal] = (),
    draws: int = 200,
    seed: int = 1,
    groups: int | None = None,
    workers: int | None = None,
    processes: bool = False,
    sample: int = 8,
    strict: bool = False,
    bound: str = "none",
    means: bool = True,
    folder: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Run policies, and a plan, on the same futures, and say what each makes of the goals.

    Args:
        scenario: A checked scenario.
        policies: Names of its policies, or a mapping from a name to one, to a plan (which is rounded here) or to a
            policy of your own; all of the scenario by default.
        plan: A solution of the scenario's own network, or a robust one; it is called `plan`, and the others are
            compared with it.
        goals: What is judged; the scenario's goals by default, least cost where it has none.
        draws: Number of futures.
        seed: Seed of all draws; the same futures as those of `simulate`.
        groups: Groups of futures that believe the same unknowns; 1 takes the centres.
        workers: Threads or processes; the evaluation does not depend on it.
        processes: Let a heavy evaluation use worker processes, as in `simulate`.
        sample: How many futures, evenly spaced, a `Replan` lives, and for whose beliefs the best with known unknowns
            is found; 0 for none.
        strict: Whether the plan fixes what is served too when it meets chance; otherwise it fixes who moves, and work
            is served by priority as it comes, as under every rule. On its mean path it always serves what it planned.
        bound: How the horizon of that best coarsens (`none`, or `auto` as in `optimize`): coarser is quicker, but then
            it is the best of coarse plans, and no bound.
        means: Whether each policy's mean path is walked too; if not, the plan's alone.
        folder: Where finished batches are kept, as in `simulate`; the plan and what is lived under it are made again.
        progress: Called with the batches done and all batches.

    Raises:
        UsageError: A policy that does not exist, a number of futures below 1, a goal that there is not.
    """
    if draws < 1:
        raise UsageError(f"draws is {draws}: at least 1 future is needed")
    began = time.perf_counter()
    goals = tuple(goals) or scenario.goals or (Goal(least="cost"),)
    chosen = _chosen(scenario, policies, plan is not None)
    count = groups_of(scenario, draws, groups)
    futures = Draws(draws, seed, beliefs(scenario, count, seed))
    sampled = np.unique(np.linspace(0, draws - 1, min(sample, draws)).round().astype(np.int64))
    threads = max(1, workers if workers is not None else (os.cpu_count() or 1))
    every = {name: given for name, given in chosen.items() if not isinstance(given, Replan)}
    run = Batches(scenario, every, futures, None, "numba", goals)
    case, tally = _Case(scenario, chosen, run, futures), _Tally(chosen, len(goals))
    tasks = list(tasks_of(list(every), draws, count, (run.batch(), False)))
    dear = [(n, f) for f in sampled.tolist() for n, g in chosen.items() if isinstance(g, Replan)]
    heavy = processes and len(every) * draws * run.weight > HEAVY
    how = (plan, means, strict)
    shelved = None if folder is None else Shelved(folder, run)
    beside = (workers, heavy), shelved, len(dear), progress
    solved, on_mean = _lived_by_all(case, run, (tally, tasks), how, beside)
    done_before = len(tasks) + len(on_mean)
    found = _each(lambda one: case.lived(one[0], one[1], goals), dear, threads)
    for done, ((name, future), judged) in enumerate(zip(dear, found, strict=True), start=done_before + 1):
        tally.put(name, np.array([future]), judged)
        if progress is not None:
            progress(done, done_before + len(dear))
    tally.close()
    names = tuple(case.chosen)
    walked = [name for name in names if means and name not in every]
    unknown = {name: np.full(len(goals), np.nan) for name in names if name not in on_mean}
    on_mean |= unknown | dict(
        zip(walked, _each(lambda name: case.on_mean(name, None, goals)[0], walked, threads), strict=True)
    )
    informed = _informed(case, goals, (np.unique(case.group_of(sampled)), bound, threads)) if len(sampled) else None
    promised = np.full(len(goals), np.nan)
    if solved:
        known = {_key(value.goal): value.value for value in solved[0].goals}
        promised = np.array([known.get(_key(goal), np.nan) for goal in goals])
    return Evaluation(
        Result.of(
            scenario,
            run.base,
            {name: collector.done() for name, collector in run.collectors.items()},
            draws=draws,
            seed=seed,
            groups=count,
            engine="numba",
            digest=digest(scenario),
            seconds=time.perf_counter() - began,
        ),
        run.base,
        goals,
        names,
        _PLAN if plan is not None else "",
        tally.futures,
        tally.values,
        on_mean,
        promised,
        tally.met(run.base),
        informed,
    )


def _lived_by_all(
    case: _Case,
    run: Batches,
    what: tuple[_Tally, Sequence[Task]],
    how: tuple[Planned | Callable[[], Planned] | None, bool, bool],
    beside: tuple[tuple[int | None, bool], Shelved | None, int, Callable[[int, int], None] | None],
) -> tuple[list[Planned], dict[str, Float]]:
    """Live all batches and mean paths, the plan's last, when it is known; return the plan, and goals on mean paths."""
    (tally, tasks), (plan, means, strict), (workers, shelved, dear, progress) = what, how, beside
    names = list(dict.fromkeys(task.policy for task in tasks))
    paths = [Task(name, -2 - i, -1, 0) for i, name in enumerate(names) if means and name != _PLAN]
    solved: list[Planned] = []
    on_mean: dict[str, Float] = {}

    def work() -> Iterator[Task]:
        yield from (task for task in (*paths, *tasks) if task.policy != _PLAN)
        if plan is not None:
            solved.append(plan() if callable(plan) else plan)
            given = case.chosen[_PLAN] = replace(solved[0].plan, strict=strict)
            whole = kept(run.base, given, whole=True)
            yield Task(_PLAN, -1, -1, 0, replace(given, strict=True))
            yield from (replace(task, given=whole) for task in tasks if task.policy == _PLAN)

    count = len(paths) + len(tasks) + (plan is not None) + dear
    for done, lived in enumerate(resumed(run, work(), workers, shelved), start=1):
        assert lived.outcome is not None
        name = lived.task.policy
        if lived.taken is None:
            on_mean[name] = lived.outcome.goals[:, 0]
        else:
            run.collectors[name].put(lived.taken)
            tally.put(name, np.arange(lived.task.first, lived.task.first + lived.task.count), lived.outcome)
        if progress is not None:
            progress(done, count)
    return solved, on_mean


def _key(goal: Goal) -> tuple[object, ...]:
    return goal.least, goal.most, goal.of, goal.at


def _chosen(
    scenario: Scenario,
    policies: Sequence[str] | Mapping[str, str | Policy] | None,
    plan: bool,
) -> dict[str, str | Policy]:
    """Return the policies by name, those that live a sample last."""
    chosen = chosen_of(scenario, policies)
    if plan:
        if _PLAN in chosen:
            raise UsageError("a policy is called 'plan', as the plan is: give it another name")
        chosen[_PLAN] = Stay()  # until it is known
    chosen = dict(sorted(chosen.items(), key=lambda item: isinstance(item[1], Replan)))
    if not chosen or isinstance(next(iter(chosen.values())), Replan):
        raise UsageError("there is no policy to evaluate beside a rolling horizon: name one, or give a plan")
    return chosen


class _Case:
    """Futures and mean paths of single policies, beside the batches of a run: what is dear, and what is sampled."""

    def __init__(self, scenario: Scenario, chosen: dict[str, str | Policy], run: Batches, draws: Draws) -> None:
        self.scenario, self.chosen, self.run, self.draws = scenario, chosen, run, draws
        self._edges = np.array(edges_of(draws.count, len(draws.beliefs)))
        self._made: dict[tuple[int, int], Network] = {}

    def group_of(self, futures: Int) -> Int:
        """Return the group of each of some futures."""
        return np.searchsorted(self._edges, futures, side="right") - 1

    def network(self, policy: str, group: int | None = None) -> Network:
        """Return a policy's network (the scenario's where it has none of its own) for a group's beliefs, or None."""
        centre = self.run.centre(policy) if policy in self.run.variants else self.run.base
        if group is None or not self.draws.beliefs[group]:
            return centre
        key = id(centre), group  # policies without settings share the network of the scenario
        if key not in self._made:
            made = build(self._variant(policy), self.draws.beliefs[group])
            self._made = {k: v for k, v in self._made.items() if abs(k[1] - group) < 3} | {key: made}
            return made
        return self._made[key]

    def _variant(self, policy: str) -> Scenario:
        return self.run.variants.get(policy, self.scenario)

    def policy(self, name: str, group: int | None, whole: bool) -> Policy:
        """Return a policy ready for one batch, a plan in whole numbers where counts are whole."""
        given, network = self.chosen[name], self.network(name, group)
        if isinstance(given, Plan):
            return kept(network, given, whole=True) if whole else replace(given, strict=given.strict or name == _PLAN)
        return ready(self._variant(name), network, given, {} if group is None else self.draws.beliefs[group])

    def lived(self, name: str, future: int, goals: Sequence[Goal]) -> Outcome:
        """Live one future of a policy that is dear."""
        group = int(self.group_of(np.array([future]))[0])
        network = self.network(name, group)
        trace = live(Kernel(network, self.draws.seed, np.array([future])), self.policy(name, group, True))
        return outcome(trace, network, goals)

    def on_mean(self, policy: str, group: int | None, goals: Sequence[Goal]) -> tuple[Float, Trace]:
        """Return a policy's mean path for a group's beliefs, and the value of each goal on it, shape (goals,)."""
        network = self.network(policy, group)
        trace = live(MeanEngine(network), self.policy(policy, group, False))
        return outcome(trace, network, goals).goals[:, 0], trace


class _Tally:
    """What is kept of all batches, in whatever order they come."""

    def __init__(self, policies: Iterable[str], goals: int) -> None:
        names = list(policies)
        self._met: dict[str, dict[str, dict[int, list[np.ndarray]]]] = {name: {} for name in names}
        self._parts: dict[str, list[tuple[Int, Float]]] = {name: [] for name in names}
        self.futures: dict[str, Int] = {name: np.zeros(0, np.int64) for name in names}
        self.values: dict[str, Float] = {name: np.zeros((goals, 0)) for name in names}

    def put(self, name: str, futures: Int, judged: Outcome) -> None:
        """Take one batch of a policy, in whatever order batches come."""
        self._parts[name].append((futures, judged.goals))
        for need, met in judged.met.items():
            now = [met.all(axis=2).sum(axis=0), met.sum(axis=0), judged.short[need].sum(axis=0)]
            self._met[name].setdefault(need, {})[int(futures[0])] = now

    def close(self) -> None:
        """Put what came in any order into the order of the futures, so that sums do not depend on it."""
        for name, parts in self._parts.items():
            ordered = sorted(parts, key=lambda part: int(part[0][0]))
            if ordered:
                self.futures[name] = np.concatenate([futures for futures, _ in ordered])
                self.values[name] = np.concatenate([values for _, values in ordered], axis=1)

    def met(self, network: Network) -> dict[str, dict[str, Met]]:
        """Return how often each need was met under each policy."""
        where = {need.name: need.sites for need in network.needs}
        found: dict[str, dict[str, Met]] = {}
        for name, needs in self._met.items():
            n = len(self.futures[name])
            found[name] = {}
            for need, batches in needs.items():
                every, each, short = (
                    np.sum([batches[first][i] for first in sorted(batches)], axis=0) for i in range(3)
                )
                found[name][need] = Met(n, every / n, each / n, where[need], short / n)
        return found


def _informed(case: _Case, goals: Sequence[Goal], how: tuple[Int, str, int]) -> Informed:
    """Return the best with known unknowns, and mean paths, for some beliefs: policies on the scenario's network."""
    groups, coarsen, threads = how
    every = [name for name, given in case.chosen.items() if not isinstance(given, Replan)]
    own = [name for name in every if case.network(name) is case.run.base]

    def best(group: int) -> tuple[Float, list[Float]]:
        network = case.network("", group)
        values = []
        for name in own:
            value, trace = case.on_mean(name, group, goals)
            network = raised(network, trace)
            values.append(value)
        return np.array([_least(network, goal, coarsen) for goal in goals]), values

    found = list(_each(best, groups.tolist(), threads))
    bounds = np.stack([bound for bound, _ in found], axis=1)
    paths = {name: np.stack([values[i] for _, values in found], axis=1) for i, name in enumerate(own)}
    return Informed(groups, bounds, paths, coarsen == "none")


def _least(network: Network, goal: Goal, coarsen: str) -> float:
    try:
        return optimize(network, (goal,), coarsen=coarsen).goals[0].value
    except NoPlan:
        return float("nan")


def _each(do: Callable[[_In], _Out], items: Sequence[_In], threads: int) -> Iterator[_Out]:
    """Return what is made of each item, in order, a few at a time ahead."""
    if threads == 1 or len(items) < 2:
        yield from map(do, items)
        return
    with ThreadPoolExecutor(threads) as pool:
        coming = iter(items)
        waiting = deque(pool.submit(do, item) for item in islice(coming, 2 * threads))
        while waiting:
            done = waiting.popleft().result()
            waiting.extend(pool.submit(do, item) for item in islice(coming, 1))
            yield done
