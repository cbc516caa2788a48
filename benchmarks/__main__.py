"""`python -m benchmarks [NAME ...]`: measure on this machine; without a name, all in turn."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from benchmarks import begin, desk, p1, quantiles, r1, scale

BENCHMARKS: dict[str, Callable[[], None]] = {
    "begin": begin.run,
    "r1": r1.run,
    "p1": p1.run,
    "scale": scale.run,
    "quantiles": quantiles.run,
    "desk": desk.run,
}


def main(names: list[str]) -> int:
    """Run some benchmarks by name."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"there is no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    load = ", ".join(f"{x:.1f}" for x in os.getloadavg())
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load {load}; ratios count, seconds do not")
    for name in names or BENCHMARKS:
        BENCHMARKS[name]()
    return 0


sys.exit(main(sys.argv[1:]))
