"""Are the intervals of a calibration as wide as they should be? Data are simulated from known unknowns and fitted again.

    python benchmarks/recovery.py [FITS] [--noise SHARE]

Unknowns are drawn from their declared ranges, one future of the bureau of `tests/study/bureau.py` is observed for 24
months, and the share of unknowns inside their 50, 80 and 95 % intervals is printed with its standard error. With
`--noise` each flow is multiplied by a random factor that the model does not know, as real series are.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from scipy.special import ndtr

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "study"))

from bureau import bureau, seen

import fieldshift as fs

UNKNOWNS = ("flows.quit.rate", "work.claims.arrive", "work.claims.standard")


def noisy(scenario, share, generator):
    """Return a scenario whose observed flows are off by random factors."""
    changed = {}
    for name in ("leavers", "decisions"):
        rows = []
        for row in scenario.history[name].rows:
            factor = np.exp(share * generator.standard_normal() - share**2 / 2)
            value = {} if row.value is None else {"value": float(round(row.value * factor))}
            rows.append({"date": row.date} | value)
        changed[name] = {"rows": rows}
    return fs.overlaid(scenario, {"history": changed})


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("fits", type=int, nargs="?", default=40)
    given.add_argument("--noise", type=float, default=0.0)
    asked = given.parse_args()
    began, inside = time.perf_counter(), []
    for fit in range(asked.fits):
        generator = np.random.default_rng(fit)
        draw = {path: float(u) for path, u in zip(UNKNOWNS, generator.random(3), strict=True)}
        scenario = seen(bureau(), draw, 100 + fit, 24)
        if asked.noise:
            scenario = noisy(scenario, asked.noise, generator)
        made = fs.calibrate(scenario, fit=UNKNOWNS, workers=1)
        where = [float((ndtr(made.fit.sample.scores[:, i]) < draw[p]).mean()) for i, p in enumerate(UNKNOWNS)]
        inside.append(where)
        print(fit, " ".join(f"{w:.2f}" for w in where), flush=True)
    ranks = np.array(inside)
    for level in (0.5, 0.8, 0.95):
        hit = np.abs(ranks - 0.5) <= level / 2
        error = np.sqrt(level * (1 - level) / ranks.size)
        each = ", ".join(f"{p} {h:.0%}" for p, h in zip(UNKNOWNS, hit.mean(axis=0), strict=True))
        print(f"{level:.0%} intervals hold {hit.mean():.1%} (standard error {error:.1%}): {each}")
    print(f"{asked.fits} fits in {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
