"""One plan for many beliefs at once: sample average approximation, and the mean of the worst.

Unknowns are drawn for some scenarios, each of the same weight. What is decided first is the same in all of them, for
nobody knows yet which is true; serving and later moves are each scenario's own. With F what scenarios make of a goal,
the plan makes least

    (1 - risk) mean F  +  risk CVaR,     CVaR = min over t of  t + mean of max(F - t, 0) / (1 - alpha)

The programs of the scenarios stand side by side in one matrix and share the columns of the first choices.

Source:
    Rockafellar & Uryasev (2000), Optimization of conditional value-at-risk, Journal of Risk 2; Shapiro, Dentcheva &
    Ruszczynski (2009), Lectures on Stochastic Programming, SIAM, chapter 5; the values of the stochastic solution and
    of perfect information: Birge & Louveaux (2011), Introduction to Stochastic Programming, Springer, chapter 4.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from fieldshift.engines.futures import beliefs
from fieldshift.engines.joint import Joint
from fieldshift.engines.optimize import goal_vector, groups_for, plan_of
from fieldshift.engines.outcome import label_of, sign_of, unit_of
from fieldshift.engines.plan import Plan
from fieldshift.engines.program import write_program
from fieldshift.engines.program_rows import Program
from fieldshift.errors import NoPlan, UsageError
from fieldshift.network.build import build
from fieldshift.network.graph import Float, Int
from fieldshift.scenario.schema import Goal, Scenario

__all__ = ["Robust", "RobustGoal", "robust", "worst"]


@dataclass(frozen=True)
class RobustGoal:
    """What plans make of one goal in each scenario, in the goal's own unit, each on the scenario's mean.

    Attributes:
        goal: The goal.
        label: It in words.
        unit: Its unit.
        by_scenario: Under the robust plan, shape (scenarios,).
        mean_plan: Under the first choices of the plan for central values, later ones made anew, shape (scenarios,);
            infinite where they break a limit, or leave a need unmet that must be met.
        known: With the unknowns known beforehand (wait and see), shape (scenarios,).
        risk, alpha: Weight of the mean of the worst, and the share that is not among the worst.
    """

    goal: Goal
    label: str
    unit: str
    by_scenario: Float
    mean_plan: Float
    known: Float
    risk: float
    alpha: float

    @property
    def value(self) -> float:
        """Its mean over scenarios under the robust plan."""
        return float(self.by_scenario.mean())

    @property
    def worst(self) -> float:
        """Its mean over the worst scenarios under the robust plan."""
        return worst(self.by_scenario, self.alpha, sign_of(self.goal))

    @property
    def worth(self) -> float:
        """Value of the stochastic solution: by how much the robust plan is better than the mean plan, as judged."""
        return self._judged(self.mean_plan) - self._judged(self.by_scenario)

    @property
    def information(self) -> float:
        """Value of perfect information about the unknowns: what knowing them would add to it, as judged."""
        return self._judged(self.by_scenario) - self._judged(self.known)

    def _judged(self, values: Float) -> float:
        sign = sign_of(self.goal)
        mean = (1.0 - self.risk) * float(values.mean()) if self.risk < 1 else 0.0
        return sign * (mean + (self.risk * worst(values, self.alpha, sign) if self.risk > 0 else 0.0))


@dataclass(frozen=True)
class Robust:
    """A plan for many beliefs at once.

    Attributes:
        plan: The plan. Its first choices are the same for every belief; later moves, and serving, are the average of
            what the scenarios would do (see `plans`): they are for planning again when more is known.
        plans: The plan in each scenario.
        status: `optimal`, `time limit`, or what the solver says.
        gap: Relative distance from the best bound: 0 for a solved linear program.
        goals: What becomes of each goal. Of several goals in order, the values of information and of the stochastic
            solution are those of the first; of later ones they are what giving way to the earlier ones leaves.
        beliefs: The point of each unknown's distribution in each scenario.
        first_stage: Periods whose moves are the same in all scenarios.
        missed: Starts of the mean plan that could not be made in each scenario, shape (scenarios,).
        seconds: Seconds to build and to solve.
    """

    plan: Plan
    plans: tuple[Plan, ...]
    status: str
    gap: float
    goals: tuple[RobustGoal, ...]
    beliefs: tuple[Mapping[str, float], ...]
    first_stage: int
    missed: Float
    seconds: tuple[float, float]

    def table(self) -> pd.DataFrame:
        """Return each goal: mean and mean of the worst under the robust plan, and what it is worth.

        Columns are goal, unit, scenarios, mean, worst, mean_plan, known, worth (against the mean plan), information.
        """
        rows = [
            (g.label, g.unit, len(g.by_scenario), g.value, g.worst, float(g.mean_plan.mean()), float(g.known.mean()),
             g.worth, g.information)
            for g in self.goals
        ]  # fmt: skip
        names = ["goal", "unit", "scenarios", "mean", "worst", "mean_plan", "known", "worth", "information"]
        return pd.DataFrame(rows, columns=names)


def worst(values: Float, alpha: float, sign: float = 1.0) -> float:
    """Return the mean of the worst 1 - alpha of some equally likely values (CVaR), a part of one counted in part.

    Args:
        values: The values.
        alpha: Share that is not among the worst.
        sign: 1 where more is worse, -1 where less is.
    """
    ordered = np.sort(sign * np.asarray(values, np.float64))[::-1]
    size = (1.0 - alpha) * len(ordered)
    part = np.clip(size - np.arange(len(ordered)), 0.0, 1.0)
    return sign * float(ordered[part > 0] @ part[part > 0] / size)


def robust(  # noqa: PLR0913 - the public name: each is a question a user answers
    scenario: Scenario,
    goals: Sequence[Goal] = (),
    *,
    futures: int = 20,
    seed: int = 1,
    risk: float = 0.0,
    alpha: float = 0.9,
    first_stage: int | None = None,
    coarsen: str | Sequence[int] = "rolling",
    time_limit: float = 300.0,
) -> Robust:
    """Return one plan for many beliefs about the unknowns.

    Args:
        scenario: A checked scenario with unknowns.
        goals: What the plan is for, in order; the scenario's by default, least cost where it has none.
        futures: Number of beliefs that are drawn, one for each stratum of each unknown.
        seed: Seed of the draws.
        risk: Weight of the mean of the worst, from 0 (the mean of all) to 1.
        alpha: Share of the scenarios that are not among the worst.
        first_stage: Periods whose moves are decided before anything is known; all by default. Later legs of a choice
            go on by themselves, so they are each scenario's own.
        coarsen: How the horizon coarsens, as in `optimize`.
        time_limit: Seconds for the joint program.

    Raises:
        NoPlan: No first choices keep every limit in every scenario.
        UsageError: A number out of its range, or scenarios whose programs differ in shape.
    """
    for name, value, fits in (
        ("futures", futures, futures >= 2),
        ("risk", risk, 0 <= risk <= 1),
        ("alpha", alpha, 0 <= alpha < 1),
        ("first_stage", first_stage, first_stage is None or first_stage >= 1),
    ):
        if not fits:
            raise UsageError(f"{name} is {value}: at least 2 futures, risk in 0..1, alpha in 0..1, a first period")
    began = time.perf_counter()
    goals = tuple(goals) or scenario.goals or (Goal(least="cost"),)
    drawn = beliefs(scenario, futures, seed)
    base = build(scenario)
    groups = groups_for(base, coarsen)
    programs = [write_program(build(scenario, belief), groups) for belief in drawn]
    middle = write_program(base, groups)
    if {p.columns.count for p in programs} != {middle.columns.count}:
        raise UsageError("an unknown decides which choices there are: the scenarios have no plan in common")
    stage = base.periods.count if first_stage is None else min(first_stage, base.periods.count)
    shared = _shared(middle, stage)
    built = time.perf_counter()
    joint = Joint(programs, shared, time_limit)
    columns = _in_order(joint, programs, goals, (risk, alpha))
    alone = [_in_order(Joint([p], shared[:0], time_limit), [p], goals, (0.0, 0.0))[0] for p in programs]
    centre = _in_order(Joint([middle], shared[:0], time_limit), [middle], goals, (0.0, 0.0))[0]
    forced = [_with_first(p, goals, shared, centre[shared], time_limit) for p in programs]
    told = []
    for goal in goals:
        mine, mean_plan, known = (
            np.array([_value(p, goal, x) for p, x in zip(programs, found, strict=True)])
            for found in (columns, [x for x, _ in forced], alone)
        )
        told.append(RobustGoal(goal, label_of(goal), unit_of(goal, base), mine, mean_plan, known, risk, alpha))
    plans = tuple(plan_of(p, x) for p, x in zip(programs, columns, strict=True))
    return Robust(
        _average(plans),
        plans,
        joint.status,
        joint.gap,
        tuple(told),
        drawn,
        stage,
        np.array([missed for _, missed in forced]),
        (built - began, time.perf_counter() - built),
    )


def _shared(program: Program, stage: int) -> Int:
    """Return the columns of the moves of the first periods: first legs, and where details go."""
    network, layout = program.network, program.columns
    groups = np.flatnonzero(layout.groups[:-1] < stage)
    found = [np.zeros(0, np.int64)]
    for i, block in enumerate(network.choices):
        if not block.auto:
            arcs = np.arange(block.arcs.start, block.arcs.stop)
            found.append((layout.moved + groups[:, None] * network.n_choices + arcs).ravel())
        if i in layout.hosts:
            m = len(block.hosts)
            found.append((layout.hosts[i] + groups[:, None] * m + np.arange(m)).ravel())
    return np.concatenate(found)


def _in_order(joint: Joint, programs: Sequence[Program], goals: Sequence[Goal], how: tuple[float, float]) -> Float:
    """Make the goals least in order, each within its slack from then on; return the columns of each program."""
    for i, goal in enumerate(goals):
        found = [goal_vector(program, goal) for program in programs]
        constants = [constant for _, constant in found]
        vector = joint.objective([v for v, _ in found], constants, *how)
        value = joint.least(vector)
        if i + 1 < len(goals):
            joint.hold(vector, value, goal.slack, value + (1.0 - how[0]) * float(np.mean(constants)))
    return joint.columns()


def _with_first(
    program: Program, goals: Sequence[Goal], shared: Int, first: Float, time_limit: float
) -> tuple[Float, float]:
    """Return the best of a scenario after given first choices, and how many starts of these could not be made.

    Where not all can be made in this scenario, as many as possible are: what a limit cuts, it cuts. Where even that
    breaks a limit later, or leaves a need unmet that must be met, both are infinite.
    """
    low, high = program.low.copy(), program.high.copy()
    low[shared] = high[shared] = first
    fixed = replace(program, low=low, high=high)
    try:
        return _in_order(Joint([fixed], shared[:0], time_limit), [fixed], goals, (0.0, 0.0))[0], 0.0
    except NoPlan:
        least = program.low.copy()
        least[shared] = np.minimum(least[shared], first)
    try:
        return _with_fewer(replace(program, low=least, high=high), goals, (shared, first), time_limit)
    except NoPlan:
        return np.full(program.columns.count, np.inf), np.inf


def _with_fewer(
    loose: Program, goals: Sequence[Goal], stage: tuple[Int, Float], time_limit: float
) -> tuple[Float, float]:
    """Return the best of a scenario after as many of some first choices as can be made, and how many cannot."""
    shared, first = stage
    joint = Joint([loose], shared[:0], time_limit)
    starts = shared < loose.columns.moved + loose.columns.size * loose.network.n_choices
    asked = np.zeros(loose.columns.count)
    asked[shared[starts]] = -1.0
    made = joint.least(asked)
    joint.hold(asked, made, 0.0, made)
    return _in_order(joint, [loose], goals, (0.0, 0.0))[0], float(first[starts].sum() + made)


def _value(program: Program, goal: Goal, columns: Float) -> float:
    vector, constant = goal_vector(program, goal)
    if np.isinf(columns).any():
        return sign_of(goal) * np.inf
    return sign_of(goal) * (float(vector @ columns) + constant)


def _average(plans: Sequence[Plan]) -> Plan:
    hosts = {i: np.mean([plan.hosts[i] for plan in plans], axis=0) for i in plans[0].hosts}
    moved, served = (np.mean([getattr(plan, name) for plan in plans], axis=0) for name in ("moved", "served"))
    return Plan(moved, served, hosts, False)
