"""How long it takes to begin: help, a first answer, one mean run, and compiling from nothing."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

from benchmarks.timing import ROOT, alone, table

MEAN = """
import time
from benchmarks.r1_facts import POLICY, scenario
import fieldshift as fs
fs.mean(scenario(), POLICY)
began = time.process_time()
for _ in range(5):
    fs.mean(scenario(), POLICY)
answer["cpu"] = (time.process_time() - began) / 5
"""
FIRST = """
from benchmarks.r1_facts import POLICY, scenario
import fieldshift as fs
fs.simulate(scenario(), [POLICY], draws=1, groups=1, workers=1)
"""


def run() -> None:
    """Print CPU and wall seconds."""
    cpu, wall = _help()
    rows: list[list[object]] = [["fieldshift --help", cpu, wall]]
    rows.append(["one mean run, loaded", alone(MEAN)["cpu"], ""])
    alone(FIRST)
    rows.append(["one future from a fresh process, compiled before", *_timed(FIRST)])
    with tempfile.TemporaryDirectory() as cold:
        os.environ["NUMBA_CACHE_DIR"] = cold
        try:
            rows.append(["the same, compiling everything", *_timed(FIRST)])
        finally:
            del os.environ["NUMBA_CACHE_DIR"]
    table("To begin", ["", "CPU s", "wall s"], rows)


def _timed(code: str) -> tuple[float, float]:
    began = time.perf_counter()
    return alone(code)["process_cpu"], time.perf_counter() - began


def _help() -> tuple[float, float]:
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-c", "from fieldshift.cli import main; main()", "--help"]
    walls, cpus = [], []
    for _ in range(7):
        before, began = os.times(), time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env=env)
        after = os.times()
        walls.append(time.perf_counter() - began)
        cpus.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return statistics.median(cpus), statistics.median(walls)
