"""R1: 25 offices, 156 weeks. CPU of one future by each way of computing it, in turn, and whether they agree."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

import fieldshift as fs
from benchmarks import r1_numpy, r1_ours, r1_simpy
from benchmarks.timing import Contender, in_turn, table

Float = npt.NDArray[np.float64]
ROUNDS = 5
OURS = "Fieldshift, simulate(), three measures"
"""What a user calls: ratios are to it, not to the engine alone."""


def run() -> None:
    """Print CPU milliseconds a future with ratios, then the means with their standard errors."""
    fs.warm_up(print)
    speed()
    agreement()


def speed() -> None:
    """Print CPU milliseconds a future of each."""
    still = r1_ours.still()
    contenders = [
        Contender("Fieldshift, engine alone (requests given)", still, 1024),
        Contender("Fieldshift, engine and policy", r1_ours.lean, 1024),
        Contender("Fieldshift, engine and policy, all records", r1_ours.engine, 1024),
        Contender(OURS, r1_ours.headlines, 1024),
        Contender("Fieldshift, simulate(), all measures and quantiles", r1_ours.simulate, 1024),
        Contender("Fieldshift, readable reference", r1_ours.reference, 256),
        Contender("numpy by hand, a binomial a cell, 256 at once", lambda n: r1_numpy.measured(n, 1), 256),
        Contender("SimPy, by events", lambda n: r1_simpy.measured(n, 1), 8),
    ]
    taken = in_turn(contenders, ROUNDS)
    ours = taken[OURS]
    rows = [[name, seconds * 1e3, seconds / ours] for name, seconds in taken.items()]
    table(f"R1, CPU a future, median of {ROUNDS} rounds in turn", ["", "ms", "times ours"], rows)


def agreement() -> None:
    """Print means after each mark with standard errors, and how far they are apart in those."""
    ours = r1_ours.measured(2048)
    others = {"numpy": r1_numpy.measured(1024, 2), "SimPy": r1_simpy.measured(64, 2)}
    rows: list[list[object]] = []
    for (name, mark), values in ours.items():
        row: list[object] = [f"{name}, week {mark}", _mean(values)]
        for theirs in others.values():
            row += [_mean(theirs[name, mark]), round(_apart(values, theirs[name, mark]), 1)]
        rows.append(row)
    heads = ["mean (its standard error)", "Fieldshift", "numpy", "z", "SimPy", "z"]
    table("R1, do they agree? z is the difference in its standard errors", heads, rows)


def _mean(values: Float) -> str:
    return f"{values.mean():.1f} ({values.std() / np.sqrt(len(values)):.1f})"


def _apart(a: Float, b: Float) -> float:
    return float((a.mean() - b.mean()) / np.sqrt(a.var() / len(a) + b.var() / len(b)))
