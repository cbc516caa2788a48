"""Do 80 % intervals of a staffing fit hold the truth in about 80 % of fits? Tables simulated from known numbers.

python -m benchmarks.recovery_staffing [FITS]
"""

from __future__ import annotations

import sys

import numpy as np

from fieldshift.study.levels import Counts, filtered, prior_of
from fieldshift.study.tenure import carried, extra_hazard


def truth(rng: np.random.Generator) -> dict[str, float]:
    """Return known numbers: a rate, early attrition, overdispersion, drift, and hires with a surge."""
    return {
        "rate": float(np.exp(rng.normal(np.log(0.006), 0.6))),
        "extra": float(np.exp(rng.normal(0, 0.6))),
        "spread": float(rng.choice([0.0, 0.01, 0.04])),
        "drift": float(rng.choice([0.0, 0.02, 0.05])),
        "stock": float(np.exp(rng.uniform(np.log(1000), np.log(30_000)))),
        "months": int(rng.integers(18, 60)),
    }


def simulated(known: dict[str, float], rng: np.random.Generator) -> tuple[Counts, float]:
    """Return the counts of leavers of a table with these numbers, and the last log rate."""
    months, stock = int(known["months"]), known["stock"]
    hired = rng.poisson(
        np.where((np.arange(months) > months // 2) & (np.arange(months) < months // 2 + 4), 0.03, 0.008) * stock
    )
    log, count = np.log(known["rate"]), np.zeros(months)
    cohorts, hazard = np.full(36, 0.008 * stock), extra_hazard(1)
    cohorts = cohorts * np.concatenate([[1], np.cumprod(1 - known["extra"] * hazard[:-1] - 0.004)])
    for t in range(months):
        if t:
            log += known["drift"] * rng.standard_normal()
        cohorts = np.concatenate([[hired[t]], cohorts[:-1]])
        mean = np.exp(log) * stock + known["extra"] * float(hazard @ cohorts)
        wild = rng.gamma(1 / known["spread"], known["spread"]) if known["spread"] else 1.0
        count[t] = rng.poisson(mean * wild)
        cohorts = cohorts * (1 - known["extra"] * hazard - 0.004)
    early = carried(hired.astype(float), 1, 0.008 * stock, known["extra"])[0]
    return Counts(count, np.full(months, stock), early, np.ones(months)), float(log)


def held(fits: int, seed: int = 0) -> dict[str, float]:
    """Return the share of fits whose 80 % interval holds the truth, by number."""
    rng, inside = np.random.default_rng(seed), {"rate": 0, "early attrition": 0, "leavers of next month": 0}
    for _ in range(fits):
        known = truth(rng)
        counts, last = simulated(known, rng)
        rate, extra, _, _ = filtered(counts, prior_of((np.log(0.006), 1.8), early=True)).drawn(rng, 2000)
        mean = np.exp(rate) * known["stock"] + extra * counts.early[-1]
        true = np.exp(last) * known["stock"] + known["extra"] * counts.early[-1]
        for name, draws, value in (
            ("rate", rate, last),
            ("early attrition", extra, known["extra"]),
            ("leavers of next month", mean, true),
        ):
            low, high = np.quantile(draws, [0.1, 0.9])
            inside[name] += bool(low <= value <= high)
    return {name: number / fits for name, number in inside.items()}


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    for name, share in held(count).items():
        print(f"{name:<24} 80 % intervals hold the truth in {share:.0%} of {count} fits")
