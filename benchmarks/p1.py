"""P1: 25 offices, 156 weeks. What it takes to build its program, to solve it, and to plan again after a change."""

from __future__ import annotations

import importlib.metadata
import statistics

from benchmarks.timing import alone, table

WEEKS = 156
SMALL = 16
"""Weeks over which every builder's model is solved, to see that they are the same program."""
ROUNDS = 3
ONCE = ("pyomo",)
"""Takes about a minute: it has its turn in the first round only."""
FEWER_SEATS = 0.8
"""The change after which P1 is planned again: so much of its retraining seats."""

BUILD = """
from benchmarks import p1_peers
p1_peers.BUILDERS[given["name"]](p1_peers.problem(p1_peers.network(4)))
asked = p1_peers.problem(p1_peers.network(given["weeks"]))
built, answer["cpu"] = p1_peers.BUILDERS[given["name"]](asked)
answer["columns"], answer["rows"], answer["entries"] = p1_peers.size(given["name"], built)
"""
LEAST = """
from benchmarks import p1_peers
answer["least"] = p1_peers.least(given["name"], given["weeks"])
"""
PLAN = """
from benchmarks import p1_peers
answer |= p1_peers.planned(given["weeks"], given["seats"])
"""


def run() -> None:
    """Print what building takes, whether the models agree, and what planning and planning again take."""
    building()
    agreement()
    planning()


def building() -> None:
    """Print CPU seconds to a loaded HiGHS model, each in a process of its own that has built a small one before."""
    names = _names()
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for i in range(ROUNDS):
        for name in names:
            if i == 0 or name not in ONCE:
                taken[name].append(alone(BUILD, {"name": name, "weeks": WEEKS}))
    cpu = {name: statistics.median(each["cpu"] for each in found) for name, found in taken.items()}
    rows: list[list[object]] = []
    for name, title in names.items():
        found = taken[name]
        sizes = [f"{int(found[0][what]):,}" for what in ("columns", "rows", "entries")]
        peak = round(max(each["peak_mb"] for each in found))
        rows.append([title, len(found), *sizes, cpu[name], cpu[name] / cpu["ours"], cpu[name] / cpu["rows"], peak])
    heads = ["", "rounds", "columns", "rows", "entries", "CPU s", "times ours", "times rows alone", "peak MB"]
    table(f"P1, {WEEKS} weeks, to a loaded HiGHS model: CPU, median of rounds in turn", heads, rows)
    print("Peers are given the finished rows: compare them with the third line; a user of Fieldshift pays the first.")


def agreement() -> None:
    """Print the optimum of a short horizon from each builder's model; refuse to go on where they differ."""
    found = {name: alone(LEAST, {"name": name, "weeks": SMALL}) for name in ("optimize", "rows", "linopy", "pyomo")}
    best = found["optimize"]["least"]
    apart = {name: abs(each["least"] - best) / abs(best) for name, each in found.items()}
    titles = {"optimize": "Fieldshift, optimize()", **_names()}
    rows = [[titles[n], f"{each['least']:.6f}", f"{apart[n]:.1e}"] for n, each in found.items()]
    table(
        f"P1, the first {SMALL} weeks week by week, optimum from each model", ["", "least", "relative difference"], rows
    )
    if max(apart.values()) > 1e-6:
        raise RuntimeError("the models' optima differ: they are not the same program")
    print("All equal to 1e-6.")


def planning() -> None:
    """Print CPU seconds of the plan on the coarsened horizon, and of planning again with fewer seats."""
    found = alone(PLAN, {"weeks": WEEKS, "seats": FEWER_SEATS})
    titles = {
        "first": "the plan",
        "again": f"seats -{1 - FEWER_SEATS:.0%}, from the plan before (start=)",
    }
    rows: list[list[object]] = []
    for name, title in titles.items():
        cpu, least = found[f"{name}_cpu"], f"{found[f'{name}_least']:.8g}"
        rows.append([title, cpu, cpu / found["first_cpu"], found[f"{name}_status"], found[f"{name}_gap"], least])
    size = f"{int(found['groups'])} groups, {int(found['columns']):,} columns, {int(found['rows']):,} rows"
    heads = ["", "CPU s", "times the plan", "status", "gap", "least"]
    table(f"P1, {WEEKS} weeks, coarsen=rolling ({size}): optimize(), build and solve", heads, rows)


def _names() -> dict[str, str]:
    """Return the builders with their titles."""
    linopy, pyomo = (importlib.metadata.version(name) for name in ("linopy", "pyomo"))
    return {
        "ours": "Fieldshift, network to model, as optimize() does",
        "whole": "Fieldshift, network to model, nothing left out",
        "rows": "Fieldshift, finished rows to model",
        "linopy": f"linopy {linopy}, finished rows to model (to_highspy)",
        "pyomo": f"Pyomo {pyomo}, finished rows to model (appsi)",
    }
