"""The verb `explore`: what drives the answer, what to measure first, which policy is least regretted."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import click

import fieldshift as fs
from fieldshift.cli.options import Case, of_a_case, that_talks
from fieldshift.cli.talk import Talk, counted, kept, long, table

__all__ = ["explore"]

_SHOWN = 8
"""Unknowns that the summary names."""

LEAST_TOLD = 0.005
"""A share under this is not told."""


@click.command()
@of_a_case
@click.option("--goal", type=click.IntRange(1), metavar="N", help="Ask about the case's N-th goal. [1]")
@click.option("--measure", metavar="M", help="Ask about a measure instead, such as field or backlog.docket.")
@click.option(
    "--at",
    type=click.Choice(["mean", "end"]),
    default="mean",
    show_default=True,
    help="Of a measure: its mean over the horizon, or its value at the end.",
)
@click.option("--policy", "policies", multiple=True, metavar="NAME", help="A policy; repeatable. [all]")
@click.option(
    "--points",
    type=click.IntRange(10),
    default=200,
    show_default=True,
    metavar="N",
    help="Points of the unknowns.",
)
@click.option(
    "--futures", type=click.IntRange(2), default=50, show_default=True, metavar="N", help="Futures at each point."
)
@click.option(
    "--spacing",
    type=click.Choice(["latin", "sobol"]),
    default="latin",
    show_default=True,
    help="A Latin hypercube, or Sobol points.",
)
@click.option(
    "--fails", type=float, metavar="X", help="An answer worse than X is a failure. [the best policy's worst quarter]"
)
@click.option("--quick", is_flag=True, help="Leave out the ends of each unknown, and the levers.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, metavar="N", help="Seed of all draws.")
@click.option("--workers", type=click.IntRange(1), metavar="N", help="Processes; no number depends on it. [all cores]")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of the exploration and its page. If interrupted, the same command goes on from there.",
)
@that_talks
def explore(  # noqa: PLR0913, PLR0917 - each is a question a user answers
    case: Case,
    goal: int | None,
    measure: str | None,
    at: str,
    policies: Sequence[str],
    points: int,
    futures: int,
    spacing: str,
    fails: float | None,
    quick: bool,
    seed: int,
    workers: int | None,
    out: Path | None,
    talk: Talk,
) -> None:
    """Find what drives the answer, and what to measure first.

    Every policy is tried at many points of the unknowns. Told are: how much of the spread is luck, which unknowns the
    rest comes from, what knowing them is worth, where policies fail, and which one is least regretted.
    """
    if goal is not None and measure is not None:
        raise fs.UsageError("--goal and --measure exclude each other: ask about one of them")
    scenario = case.checked(talk)
    about = measure if goal is None else _goal(scenario, goal)
    began = time.monotonic()
    fs.warm_up(talk.say)
    if out is not None:
        kept(f"what is finished, in {out}")
    with talk.progress(f"Exploring {counted(points, 'point')}") as step:
        found = fs.explore(
            scenario,
            about,
            list(policies) or None,
            at="end" if at == "end" else "mean",
            points=points,
            futures=futures,
            seed=seed,
            spacing="sobol" if spacing == "sobol" else "latin",
            fails=fails,
            ends=not quick,
            levers=not quick,
            workers=workers,
            processes=True,
            folder=out,
            progress=step,
        )
    text = "\n\n".join([_says(found), _drivers(found), _worth(found), _regret(found)])
    data = found.as_dict()
    if out is not None:
        page = fs.exploration_page(found, scenario, out)
        kept(f"the page {page}")
        text = f"{text}\n\nPage    {page}\nPoints  {out}"
        data |= {"page": str(page)}
    talk.tell(text, data)
    talk.say(f"Done in {long(time.monotonic() - began)}.")


def _goal(scenario: fs.Scenario, number: int) -> fs.Goal:
    if number > len(scenario.goals):
        raise fs.UsageError(f"there is no goal {number}: the case has {len(scenario.goals)}")
    return scenario.goals[number - 1]


def _says(found: fs.Exploration) -> str:
    return "\n".join(f"- {line}" for line in found.sentences())


def _share(low: float, value: float, high: float) -> str:
    return f"{100 * value:.0f} % ({100 * low:.0f} to {100 * high:.0f})"


def _drivers(found: fs.Exploration) -> str:
    rows = [
        [
            row["title"],
            _share(row["first_low"], row["first"], row["first_high"]),
            _share(row["total_low"], row["total"], row["total_high"]),
        ]
        for row in found.drivers_of().head(_SHOWN).to_dict("records")
        if row["total"] >= LEAST_TOLD
    ]
    title = f"What drives “{found.policies[found.policy]}” (80 % intervals)"
    return f"{title}\n{table(['unknown', 'alone', 'with all it does'], rows)}"


def _worth(found: fs.Exploration) -> str:
    order = found.information[found.information["value"] > 0].sort_values("value", ascending=False, kind="stable")
    if not len(order):
        return "Nothing that could be known would change which policy is best."
    rows = [
        [row["title"], found.quantity(row["value"]), f"{100 * row['changes']:.0f} %"]
        for row in order.head(_SHOWN).to_dict("records")
    ]
    return f"What knowing is worth\n{table(['unknown', 'worth', 'changes the best policy in'], rows)}"


def _regret(found: fs.Exploration) -> str:
    rows = [
        [
            found.policies[row["policy"]],
            *(found.number(row[name]) for name in ("mean", "regret", "worst_tenth", "worst")),
            f"{100 * row['best_in']:.0f} %",
        ]
        for row in found.regret.sort_values(["worst", "policy"]).to_dict("records")
    ]
    heads = ["policy", "mean", "regret, mean", "worst tenth", "worst", "best in"]
    return f"{found.aim.title} [{found.aim.unit}], and what each policy misses of the best\n{table(heads, rows)}"
