"""Verbs that simulate: `simulate` writes a run; `run` checks, simulates every policy, and reports."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import click

import fieldshift as fs
from fieldshift.cli.figures import state
from fieldshift.cli.options import Case, Futures, of_a_case, of_futures, that_talks
from fieldshift.cli.places import REPORT, RUN, for_a_run, out_folder
from fieldshift.cli.talk import Talk, counted, kept, long

MANY = 2000
"""Futures above which a run does without the plan: it is judged in every future."""

__all__ = ["run", "simulate", "simulated"]


def simulated(scenario: fs.Scenario, policies: Sequence[str], futures: Futures, talk: Talk) -> fs.Result:
    """Simulate with progress; all policies where none is named."""
    count = counted(len(policies or scenario.policies), "policy", "policies")
    began = time.monotonic()
    if futures.engine == "numba":
        fs.warm_up(talk.say)
    with talk.progress(f"Simulating {count}") as step:
        result = fs.simulate(
            scenario,
            list(policies) or None,
            futures.draws,
            futures.seed,
            groups=futures.groups,
            workers=futures.workers,
            processes=True,
            engine=futures.engine,
            progress=step,
        )
    talk.say(f"Simulated {count} in {counted(futures.draws, 'future')} each: {long(time.monotonic() - began)}")
    return result


def judged(scenario: fs.Scenario, futures: Futures, talk: Talk) -> fs.Result:
    """Plan, and simulate every policy and the plan, with progress; what is told of the plan stands in the result."""
    began, count = time.monotonic(), len(scenario.policies)
    fs.warm_up(talk.say)
    what = f"{counted(count, 'policy', 'policies')} and the plan"
    with talk.progress(f"Simulating {what}") as step:
        result = fs.judged(
            scenario,
            futures.draws,
            futures.seed,
            groups=futures.groups,
            workers=futures.workers,
            processes=True,
            progress=step,
        )
    talk.say(f"Simulated {what} in {counted(futures.draws, 'future')} each: {long(time.monotonic() - began)}")
    return result


@click.command()
@of_a_case
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, metavar="DIR", help="Folder to fill.")
@click.option("--no-plan", is_flag=True, help="Leave the plan out; so it is where the case names no goals.")
@of_futures
@that_talks
def run(case: Case, out: Path, no_plan: bool, futures: Futures, talk: Talk) -> None:
    """Check a case, plan, simulate every policy and the plan, and write the report.

    Fills DIR with `run` (the run itself) and `report.html`.
    """
    began = time.monotonic()
    scenario = case.checked(talk)
    out = out_folder(out)
    result = None
    if scenario.goals and not no_plan and futures.engine == "numba" and futures.draws <= MANY:
        try:
            result = judged(scenario, futures, talk)
        except fs.NoPlan as error:
            talk.say(f"{error}\nThe policies are simulated without a plan.")
    if result is None:
        result = simulated(scenario, (), futures, talk)
    fs.save(result, out / RUN)
    kept(f"the run {out / RUN}")
    report = fs.report(result, out / REPORT)
    kept(f"the report {report}")
    seconds = time.monotonic() - began
    data = fs.told(result) | {"run": str(out / RUN), "report": str(report), "seconds": round(seconds, 3)}
    talk.tell(f"{state(data)}\n\nReport  {report}\nRun     {out / RUN}", data)
    talk.say(f"Done in {long(seconds)}.")


@click.command()
@of_a_case
@click.option("--policy", "policies", multiple=True, metavar="NAME", help="A policy to simulate; repeatable. [all]")
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, metavar="RUN", help="Folder of the run.")
@of_futures
@that_talks
def simulate(case: Case, policies: Sequence[str], out: Path, futures: Futures, talk: Talk) -> None:
    """Simulate policies on the same futures, and keep the run."""
    scenario = case.checked(talk)
    out = for_a_run(out)
    result = simulated(scenario, policies, futures, talk)
    fs.save(result, out)
    kept(f"the run {out}")
    data = fs.told(result) | {"run": str(out)}
    talk.tell(state(data), data)
    talk.say(f"Run: {out}. Next: fieldshift report {out} -o report.html")
