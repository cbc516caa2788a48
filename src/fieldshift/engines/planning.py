"""From a scenario to its plan, and to what is told of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from fieldshift.engines.evaluate import evaluate
from fieldshift.engines.evaluation import Evaluation
from fieldshift.engines.explain import explain
from fieldshift.engines.gaps import gaps
from fieldshift.engines.keeping import kept
from fieldshift.engines.live import live
from fieldshift.engines.optimize import Solution
from fieldshift.engines.optimize import optimize as solve
from fieldshift.engines.outcome import sign_of
from fieldshift.engines.prices import shortages
from fieldshift.engines.reference import MeanEngine
from fieldshift.engines.simulate import MANY, Progress
from fieldshift.errors import NoPlan, UsageError
from fieldshift.network.build import build
from fieldshift.results.planned import Planned, arriving, moves_of
from fieldshift.results.report_words import human, joined, rough, share
from fieldshift.results.result import Result
from fieldshift.results.shortage import Gaps, Shortages
from fieldshift.scenario.schema import Goal, Scenario

__all__ = ["judged", "needed", "optimize", "plan_table", "planned", "solved", "with_plan"]

NEEDS_TIME = 10.0
"""Seconds in which a run prices what is short; `needed` alone takes its time."""


def optimize(
    scenario: Scenario,
    goals: Sequence[Goal] = (),
    *,
    draw: Mapping[str, float] | None = None,
    weighted: bool = False,
    coarsen: str | Sequence[int] = "auto",
    time_limit: float = 300.0,
) -> Solution:
    """Return the best plan of a scenario on the mean.

    Args:
        scenario: A checked scenario.
        goals: What the plan is for, in order; the scenario's goals by default, least cost where it has none.
        draw: Points of the unknowns' distributions by path; centres by default.
        weighted: Weigh the goals into one instead of taking them in order.
        coarsen: How the horizon coarsens: `auto`, `none`, or lengths such as `(1, 1, 4)`, the last one repeated.
        time_limit: Seconds after which the best plan so far is returned with its gap; so it is on Ctrl-C.

    Raises:
        NoPlan: No plan keeps every limit, or none was found in time.
    """
    return solve(
        build(scenario, draw),
        tuple(goals) or scenario.goals,
        weighted=weighted,
        coarsen=coarsen,
        time_limit=time_limit,
    )


def solved(
    scenario: Scenario,
    *,
    coarsen: str | Sequence[int] = "auto",
    time_limit: float = 300.0,
    announce: Callable[[str], None] | None = None,
) -> Solution:
    """Return the best plan of a scenario, as `optimize` does; where there is none, find the rules that clash.

    Args:
        scenario: A checked scenario.
        coarsen: How the horizon coarsens, as in `optimize`.
        time_limit: Seconds, as in `optimize`.
        announce: Called with a sentence before the search for what clashes, which takes a while.

    Raises:
        NoPlan: No plan keeps every limit: the message names the rules that clash; or none was found in time.
    """
    try:
        return optimize(scenario, coarsen=coarsen, time_limit=time_limit)
    except NoPlan as error:
        if error.unfinished:
            raise
        if announce is not None:
            announce("There is no plan that keeps every limit; looking for the rules that clash")
        clash = explain(build(scenario), scenario)
        raise NoPlan("\n".join([f"{error}", *clash.sentences()])) from None


def judged(  # noqa: PLR0913 - a public name: each is a question a user answers
    scenario: Scenario,
    draws: int = 1000,
    seed: int = 1,
    *,
    groups: int | None = None,
    workers: int | None = None,
    processes: bool = False,
    time_limit: float = 300.0,
    folder: str | Path | None = None,
    progress: Progress | None = None,
) -> Result:
    """Plan, and simulate every policy and the plan on the same futures; what is told of the plan stands in the result.

    The plan is found, and what is short under it, while the policies are simulated.

    Args:
        scenario: A checked scenario with goals.
        draws: Number of futures, at most 2,000: every one of them is judged.
        seed: Seed of all draws; the same futures as those of `simulate`.
        groups: Groups of futures that believe the same unknowns, as in `simulate`.
        workers: Threads or processes; the result does not depend on it.
        processes: Let a heavy run use worker processes, as in `simulate`.
        time_limit: Seconds for the plan; then the best so far is taken.
        folder: Where finished batches are kept, as in `evaluate`.
        progress: Called with the batches done and all batches.

    Raises:
        NoPlan: No plan keeps every limit, or none was found in time.
        UsageError: The scenario has no goals, or there are too many futures.
    """
    if not scenario.goals:
        raise UsageError("the case names no goals, so there is nothing to plan for: write some under `goals`")
    if draws > MANY:
        raise UsageError(f"draws is {draws}: a plan is judged in every future, in at most {MANY:,}")
    with ThreadPoolExecutor(1) as aside:
        solution = aside.submit(solved, scenario, time_limit=time_limit)
        short = aside.submit(lambda: needed(solution.result(), NEEDS_TIME))
        found = evaluate(
            scenario,
            plan=solution.result,
            draws=draws,
            seed=seed,
            groups=groups,
            workers=workers,
            processes=processes,
            sample=0,
            means=False,
            folder=folder,
            progress=progress,
        )
    return with_plan(found.result, planned(solution.result(), found, short.result()))


def plan_table(solution: Solution) -> pd.DataFrame:
    """Return who moves under a plan, in whole numbers: see `moves_of`."""
    network = solution.program.network
    whole = kept(network, solution.plan, whole=True)
    return moves_of(network, whole.moved, whole.hosts)


def needed(solution: Solution, time_limit: float = 40.0) -> tuple[Shortages, Gaps]:
    """Return what is short under a plan: the price of each limit that binds, and where needs are not met on its mean.

    Args:
        solution: The plan.
        time_limit: Seconds for plans solved again with one more of each limit.
    """
    network = solution.program.network
    path = live(MeanEngine(network), dataclasses.replace(solution.plan, strict=True))
    return shortages(solution, time_limit=time_limit), gaps(network, path)


def planned(
    solution: Solution, evaluation: Evaluation | None = None, needs: tuple[Shortages, Gaps] | None = None
) -> Planned:
    """Return what is told of a plan.

    Args:
        solution: The plan.
        evaluation: It and other policies on the same futures.
        needs: What is short under it, as `needed` returns it.
    """
    program = solution.program
    goals = pd.DataFrame(
        [(g.label, g.unit, g.best, g.value) for g in solution.goals], columns=["goal", "unit", "best", "value"]
    )
    moves = plan_table(solution)
    groups = _groups(program.columns.groups, str(program.network.periods.step))
    facts = {
        "status": solution.status,
        "gap": solution.gap,
        "loss": None if solution.loss is None else [float(value) for value in solution.loss],
        "columns": int(program.matrix.shape[1]),
        "rows": int(program.matrix.shape[0]),
        "seconds": [float(part) for part in solution.seconds],
        "groups": groups,
    }
    says = {"plan": _plan_says(solution, moves, groups)}
    tables: dict[str, pd.DataFrame] = {}
    if needs is not None:
        says |= {"shortages": needs[0].sentences(), "gaps": needs[1].sentences()}
        tables |= {"shortages": needs[0].table(), "gaps": needs[1].table()}
    if evaluation is not None and evaluation.plan:
        says["judged"] = _judged_says(evaluation)
        judged, regret, met = evaluation.table(), evaluation.regret_table(), evaluation.needs_table()
        tables |= {"judged": judged, "regret": regret, "met": met}
    return Planned(facts, says, moves, goals, **tables)


def with_plan(result: Result, planned: Planned) -> Result:
    """Return a result with what is told of a plan."""
    return dataclasses.replace(result, planned=planned)


def _groups(edges: np.ndarray[tuple[int], np.dtype[np.int64]], step: str) -> str:
    """Return in words how a horizon coarsens: `the first 8 weeks one by one, later up to 13 weeks at a time`."""
    lengths = np.diff(edges)
    single = int(np.argmax(lengths > 1)) if (lengths > 1).any() else len(lengths)
    if single == len(lengths):
        return f"{single} {step}s one by one"
    return f"the first {single} {step}s one by one, later up to {int(lengths.max())} {step}s at a time"


def _plan_says(solution: Solution, moves: pd.DataFrame, groups: str) -> tuple[str, ...]:
    network = solution.program.network
    first = solution.goals[0]
    status = "the best there is" if solution.status == "optimal" else f"not proved best ({solution.status})"
    gap = f", at most {share(solution.gap)} from it" if solution.gap > 1e-6 else ""
    labels = joined([g.label for g in solution.goals])
    first_says = f"On the mean it leaves {human(first.value)} {first.unit} ({first.label})."
    said = [
        f"The plan decides on the mean path, {groups}; it is {status}{gap}. Its goals in order: {labels}. {first_says}",
    ]
    if solution.loss is not None:
        lost = [f"{g.label} {100 * part:+.1f} %" for g, part in zip(solution.goals, solution.loss, strict=True)]
        said.append(f"Against the plan that decides in every {network.periods.step}, both lived: {joined(lost)}.")
    if len(moves):
        sums = arriving(moves).groupby("title", sort=False)["people"].sum().sort_values(ascending=False)
        told = [f"{human(float(n))} by {title}" for title, n in list(sums.items())[:5]]
        span = (moves["date"].min(), moves["date"].max())
        said.append(
            f"It moves {joined(told)}, from {span[0]:%-d %b %Y} to {span[1]:%-d %b %Y}. Whole numbers; the mean path "
            f"is of {network.name}, its unknowns at their centres."
        )
    return tuple(said)


def _judged_says(evaluation: Evaluation) -> tuple[str, ...]:
    """Return how the plan does against the rules, goal by goal: on the mean, and after chance."""
    said: list[str] = []
    rows = evaluation.table().to_dict("records")
    for goal, label in zip(evaluation.goals, evaluation.labels, strict=True):
        mine = {str(row["policy"]): row for row in rows if row["goal"] == label}
        plan = mine.pop(evaluation.plan)
        low, high = rough(float(plan["q10"])), rough(float(plan["q90"]))
        words = [f"{label}: the plan promised {rough(float(plan['promised']))} {plan['unit']}"]
        if np.isfinite(float(plan["on_mean"])):
            words.append(f"replayed period by period it makes {rough(float(plan['on_mean']))}")
        words.append(f"under chance {rough(float(plan['mean']))} ({low} to {high} in 8 of 10 futures)")
        if mine:
            made = {name: sign_of(goal) * float(row["mean"]) for name, row in mine.items()}
            best = min(made, key=made.__getitem__)
            lost = evaluation.regret(best)[evaluation.goals.index(goal)]
            value, better = rough(float(mine[best]["mean"])), share(float((lost < 0).mean()))
            title = evaluation.result.titles.get(best, best)
            words.append(f"the best rule, “{title}”, makes {value} and is better than the plan in {better} of futures")
        said.append("; ".join(words) + ".")
    return tuple(said)
