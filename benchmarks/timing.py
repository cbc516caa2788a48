"""How time and memory are taken: CPU seconds, rounds in turn, medians; memory in a process of its own."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 300
"""Seconds that one process may take."""


@dataclass(frozen=True)
class Contender:
    """One way of doing a thing: `run(n)` does n of it; `count` is how many fit in a round."""

    name: str
    run: Callable[[int], object]
    count: int


def in_turn(contenders: Sequence[Contender], rounds: int) -> dict[str, float]:
    """Return the median CPU seconds of one unit of each contender, over rounds in which each has its turn."""
    taken: dict[str, list[float]] = {c.name: [] for c in contenders}
    for c in contenders:
        c.run(max(1, c.count // 8))
    for _ in range(rounds):
        for c in contenders:
            began = time.process_time()
            c.run(c.count)
            taken[c.name].append((time.process_time() - began) / c.count)
    return {name: statistics.median(values) for name, values in taken.items()}


def alone(code: str, settings: Mapping[str, Any] | None = None) -> dict[str, float]:
    """Run Python in a fresh process; return what it put into `answer`, with its CPU seconds and peak memory."""
    tail = """
import json, resource
from pathlib import Path
use = resource.getrusage(resource.RUSAGE_SELF)
peak = [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
answer |= {"process_cpu": use.ru_utime + use.ru_stime, "peak_mb": int(peak[0]) / 1024}
print(json.dumps(answer))
"""
    head = f"import json\ngiven = json.loads({json.dumps(json.dumps(settings or {}))!s})\nanswer = {{}}\n"
    env = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-c", head + code + tail]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env, cwd=ROOT, timeout=LIMIT)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table."""
    cells = [[f"{x:.4g}" if isinstance(x, float) else str(x) for x in row] for row in rows]
    wide = [max(len(h), *(len(row[i]) for row in cells)) for i, h in enumerate(heads)]
    print(f"\n{title}")
    print("  ".join(h.ljust(w) if i == 0 else h.rjust(w) for i, (h, w) in enumerate(zip(heads, wide, strict=True))))
    for row in cells:
        print("  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, wide, strict=True))))
    sys.stdout.flush()
