"""Verbs that plan: `optimize` finds the best plan, `needs` says what is short, `evaluate` tests policies against it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import click

import fieldshift as fs
from fieldshift.cli.options import Case, Futures, of_a_case, of_futures, that_talks
from fieldshift.cli.places import for_tables
from fieldshift.cli.talk import Talk, kept, long, table

__all__ = ["PLAN_TIME", "evaluate", "needs", "optimize", "planned"]

PLAN_TIME = 300.0
"""Seconds that a plan may take unless told otherwise."""

_coarse = click.option(
    "--coarsen",
    default="auto",
    show_default=True,
    metavar="HOW",
    help="How the horizon coarsens: auto, none, or lengths such as 1,1,4 (the last repeated).",
)
_limit = click.option(
    "--time-limit",
    type=click.FloatRange(0.1),
    default=PLAN_TIME,
    show_default=True,
    metavar="SECONDS",
    help="Then the best plan so far is told with its gap.",
)


def planned(scenario: fs.Scenario, coarsen: str, time_limit: float, talk: Talk) -> fs.Solution:
    """Find the plan; where there is none, say which rules clash."""
    began = time.monotonic()
    how = coarsen if coarsen in ("auto", "none") else _lengths(coarsen)
    talk.say("Planning" + (f" {len(scenario.goals)} goals in order" if len(scenario.goals) > 1 else ""))
    solution = fs.solved(scenario, coarsen=how, time_limit=time_limit, announce=talk.say)
    talk.say(f"Planned: {solution.status}, {long(time.monotonic() - began)}")
    return solution


def _lengths(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdigit() and int(part) for part in parts):
        raise fs.UsageError(f"--coarsen is {text!r}: expected auto, none, or lengths such as 1,1,4")
    return tuple(int(part) for part in parts)


def _goals(solution: fs.Solution) -> str:
    rows = [(g.label, fs.figure(g.value, g.unit), fs.figure(g.best, g.unit), g.unit) for g in solution.goals]
    return table(["goal, in order", "in the plan", "best it could be", "unit"], rows)


@click.command()
@of_a_case
@_coarse
@_limit
@click.option("--loss", is_flag=True, help="Also plan period by period, and say what the coarser horizon loses.")
@click.option("-o", "--out", type=click.Path(path_type=Path), metavar="DIR", help="Folder for moves.csv and goals.csv.")
@that_talks
def optimize(case: Case, coarsen: str, time_limit: float, loss: bool, out: Path | None, talk: Talk) -> None:
    """Find the best plan on the mean: who moves, from where to where, when."""
    scenario = case.checked(talk)
    if out is not None:
        out = for_tables(out)
    solution = planned(scenario, coarsen, time_limit, talk)
    if loss:
        talk.say("Planning period by period, to say what the coarser horizon loses ...")
        solution = fs.with_loss(solution, time_limit=time_limit)
    told = fs.planned(solution)
    if out is not None:
        for name in ("moves", "goals"):
            file = out / f"{name}.csv"
            out.mkdir(parents=True, exist_ok=True)
            frame = getattr(told, name)
            frame.to_csv(file, index=False, lineterminator="\n", float_format="%.6g", date_format="%Y-%m-%d")
            kept(f"the table {file}")
    sums = fs.arriving(told.moves).groupby(["title", "tail", "head"], sort=False)["people"].sum().reset_index()
    rows = [(r["title"], f"{r['tail']} to {r['head']}", f"{r['people']:,}") for r in sums.to_dict("records")]
    text = "\n\n".join([*told.says["plan"], _goals(solution), table(["choice", "between", "people"], rows)])
    moves = told.moves.assign(date=told.moves["date"].astype(str), arrives=told.moves["arrives"].astype(str))
    data = dict(told.facts) | {"goals": told.goals.to_dict("records"), "moves": moves.to_dict("records")}
    talk.tell(text if out is None else f"{text}\n\nTables  {out}", data)


@click.command()
@of_a_case
@_coarse
@_limit
@that_talks
def needs(case: Case, coarsen: str, time_limit: float, talk: Talk) -> None:
    """Say what is short under the best plan: what one more of each limit is worth, and which needs are not met."""
    scenario = case.checked(talk)
    solution = planned(scenario, coarsen, time_limit, talk)
    talk.say("Planning again with one more of each limit that binds")
    short, gap = fs.needed(solution, time_limit=time_limit)
    parts = ["What one more is worth", *short.sentences(), "", "Where needs are not met, on the plan's mean path"]
    text = "\n".join([*parts, *(gap.sentences() or ("Every need is met.",))])
    talk.tell(text, {"shortages": short.as_dict(), "gaps": gap.as_dict()})


@click.command()
@of_a_case
@click.option("--policy", "policies", multiple=True, metavar="NAME", help="A policy; repeatable. [all]")
@click.option("--no-plan", is_flag=True, help="Leave the plan out.")
@click.option(
    "--sample",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    metavar="N",
    help="Futures for whose unknowns the best with known unknowns is found.",
)
@_coarse
@_limit
@of_futures
@that_talks
def evaluate(  # noqa: PLR0913, PLR0917 - each is a question a user answers
    case: Case,
    policies: Sequence[str],
    no_plan: bool,
    sample: int,
    coarsen: str,
    time_limit: float,
    futures: Futures,
    talk: Talk,
) -> None:
    """Test policies and the plan on the same futures: goals, needs met, regret."""
    scenario = case.checked(talk)
    fs.warm_up(talk.say)
    solution = None if no_plan else planned(scenario, coarsen, time_limit, talk)
    with talk.progress("Evaluating") as step:
        found = fs.evaluate(
            scenario,
            list(policies) or None,
            plan=solution,
            draws=futures.draws,
            seed=futures.seed,
            groups=futures.groups,
            workers=futures.workers,
            processes=True,
            sample=sample,
            progress=step,
        )
    titles, rows = found.result.titles, []
    for goal, mine in found.table().groupby("goal", sort=False):
        unit = str(mine["unit"].iloc[0])
        rows.append([f"{goal} [{unit}]"])
        for row in mine.to_dict("records"):
            numbers = [fs.figure(float(row[name]), unit) for name in ("on_mean", "mean", "q10", "q90")]
            rows.append([titles.get(row["policy"], row["policy"]), *numbers])
    parts = [table(["", "on the mean", "under chance", "10 %", "90 %"], rows)]
    if solution is not None:
        parts += list(fs.planned(solution, found).says["judged"])
    talk.tell("\n\n".join(parts), found.as_dict())
