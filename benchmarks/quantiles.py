"""Ten thousand futures of R1 with mean and quantiles of every measure, by nation and office."""

from __future__ import annotations

from benchmarks.timing import alone, table

CODE = """
import time
from benchmarks.r1_facts import POLICY, scenario
import fieldshift as fs
fs.simulate(scenario(), [POLICY], draws=8, groups=1, workers=1)
began, wall = time.process_time(), time.perf_counter()
fs.simulate(scenario(), [POLICY], draws=10000, groups=1, workers=given["workers"], keys=given["keys"] and [tuple(k) for k in given["keys"]])
answer["cpu"], answer["wall"] = time.process_time() - began, time.perf_counter() - wall
"""


def run() -> None:
    """Print CPU seconds, wall seconds and peak memory."""
    few = [("field", ""), ("backlog", "docket"), ("served", "at_large")]
    rows = []
    for name, keys, workers in (("all measures", None, 1), ("all measures", None, 2), ("three measures", few, 1)):
        found = alone(CODE, {"keys": keys, "workers": workers})
        rows.append(
            [f"{name}, {workers} worker{'s' * (workers > 1)}", found["cpu"], found["wall"], round(found["peak_mb"])]
        )
    table("10,000 futures of R1 with quantiles", ["", "CPU s", "wall s", "peak MB"], rows)
