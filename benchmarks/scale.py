"""Time and memory as offices and futures grow tenfold, each in a process of its own."""

from __future__ import annotations

from benchmarks.timing import alone, table

CODE = """
import time
from benchmarks.grown import grown
from benchmarks.r1_facts import POLICY
import fieldshift as fs
scenario = grown(given["offices"])
fs.simulate(grown(2), [POLICY], draws=8, groups=1, workers=1)
began = time.process_time()
network = fs.build(scenario)
answer["build"] = time.process_time() - began
began = time.process_time()
keys = [("field", ""), ("backlog", "docket"), ("served", "at_large")]
fs.simulate(scenario, [POLICY], draws=given["draws"], groups=1, workers=1, keys=keys)
answer["cpu"] = time.process_time() - began
"""


def run() -> None:
    """Print CPU seconds, peak memory and growth over the row above."""
    _grow("offices", [(25, 64), (250, 64), (2500, 64)], "R1 with more offices, 64 futures")
    _grow("draws", [(25, 100), (25, 1000), (25, 10000)], "R1 with more futures, 25 offices")


def _grow(what: str, sizes: list[tuple[int, int]], title: str) -> None:
    rows: list[list[object]] = []
    before = 0.0
    for offices, draws in sizes:
        found = alone(CODE, {"offices": offices, "draws": draws})
        cpu = found["cpu"]
        size = offices if what == "offices" else draws
        growth: object = cpu / before if before else ""
        rows.append([f"{size:,}", cpu, growth, found["build"], round(found["peak_mb"]), cpu / draws / offices * 1e6])
        before = cpu
    heads = [what, "CPU s", "growth", "build s", "peak MB", "us an office and future"]
    table(title, heads, rows)
