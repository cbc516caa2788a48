"""Forecasts of staffing against simple references: on invented organisations of several kinds, and on a table given.

python -m benchmarks.forecasts [TABLE.csv ORIGIN[,ORIGIN...] [HORIZON]]
"""

from __future__ import annotations

import csv
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from fieldshift.study.history import read_history
from fieldshift.study.staffing_backtest import backtest_staffing

KINDS = ("steady", "surge", "seasonal", "recalled", "shrinking", "cut", "leaning", "young")
MONTHS, FIRST = 60, 2018 * 12
HORIZON = 13
HEADER = ["org", "month", "headcount_end", "new_hire", "transfer_in", "quit", "retirement", "termination"]


def organisation(kind: str, rng: np.random.Generator) -> list[list[object]]:
    """Return the rows of an invented organisation: people with lengths of service, who leave by their own hazards."""
    size = int(np.exp(rng.uniform(np.log(400), np.log(40_000))))
    quit_rate, retire = rng.uniform(0.002, 0.012), rng.uniform(0.001, 0.004)
    early = rng.lognormal(0, 0.6)
    bands = np.repeat([0.02, 0.013, 0.008, 0.004], [3, 3, 6, 24]) * early
    new, old = np.full(36, size * 0.006), size * 0.8
    counted, rows = float(size), []
    for t in range(MONTHS):
        month = t % 12
        there = new.sum() + old
        base = (quit_rate + retire) * there + (bands * new).sum()
        hires = _hires(kind, t, month, base, size, rng)
        trend = np.exp(0.004 * (t - MONTHS / 2)) if kind == "shrinking" else 1.0
        wild = rng.gamma(25, 1 / 25)
        quits_new = rng.poisson(np.maximum(wild * trend * (quit_rate + bands) * new, 0))
        quits_old = rng.poisson(wild * trend * quit_rate * old)
        peak = 2.5 if month == 11 else 1.0
        retired = rng.poisson(peak * retire * old * (12 if kind == "cut" and t == MONTHS - 24 else 1))
        ended = rng.poisson(0.6 * new[4:8].sum() / 3) if kind == "seasonal" and month in (8, 9, 10) else 0
        new = np.maximum(new - quits_new, 0)
        new[4:8] *= max(1 - ended / max(new[4:8].sum(), 1), 0)
        old = max(old - quits_old - retired, 0) + new[-1]
        new = np.concatenate([[hires], new[:-1]])
        back = _unbooked(kind, month, size, t)
        counted += hires - quits_new.sum() - quits_old - retired - ended + back
        waits = rng.binomial(int(hires), 0.15) if rng.random() < 0.5 else 0
        seen = round(counted - waits)
        label = f"{(FIRST + t) // 12}-{(FIRST + t) % 12 + 1:02d}"
        rows.append([label, seen, int(hires), 0, int(quits_new.sum() + quits_old), int(retired), int(ended)])
    return rows


def _hires(kind: str, t: int, month: int, base: float, size: int, rng: np.random.Generator) -> int:
    mean = base
    if kind == "surge" and MONTHS - 11 <= t < MONTHS - 6:
        mean = 0.06 * size
    if kind == "seasonal":
        mean = 0.7 * base + (0.07 * size if month in (3, 4) else 0)
    if kind == "shrinking":
        mean = 0.4 * base
    if kind == "cut" and t >= MONTHS - 24:
        mean = 0.5 * base
    if kind == "young":
        mean = base + 0.012 * size
    return int(rng.poisson(mean * rng.gamma(10, 0.1)))


def _unbooked(kind: str, month: int, size: int, t: int) -> float:
    if kind == "recalled":
        return {0: 0.06, 1: 0.05, 5: -0.03, 6: -0.05, 8: -0.03}.get(month, 0.0) * size
    return 0.0015 * size if kind == "leaning" else 0.0


def table(folder: Path, seed: int, keep: int, kinds: tuple[str, ...] = KINDS, each: int = 3) -> Path:
    """Write a table of invented organisations whose last `keep` months are told."""
    rng, file = np.random.default_rng(seed), folder / f"invented-{seed}-{keep}.csv"
    with file.open("w", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(HEADER)
        for kind in kinds:
            for i in range(each):
                writer.writerows([f"{kind}-{i}", *row] for row in organisation(kind, rng)[-keep:])
    return file


def show(found: pd.DataFrame, by: str) -> str:
    """Return scores by something, as text."""
    columns = ["mape", "mape_constant", "mape_persistence", "mape_identity", "cover50", "cover80", "cover95"]
    return found.groupby(by, sort=False)[columns].mean().round(3).to_string()


def invented(histories: tuple[int, ...] = (2, 6, 15, 26, 47), repeats: int = 3) -> None:
    for history in histories:
        frames = []
        with tempfile.TemporaryDirectory() as folder:
            for seed in range(repeats):
                file = table(Path(folder), seed, history + HORIZON)
                origin = FIRST + MONTHS - HORIZON - 1
                day = f"{origin // 12}-{origin % 12 + 1:02d}"
                frames.append(backtest_staffing(read_history(file), [day], HORIZON).table())
        found = pd.concat(frames)
        found["kind"] = found["org"].str.split("-").str[0]
        print(f"\n{history} months of history, {HORIZON} ahead, true hires given")
        print(show(found, "kind"))
        print(show(found.assign(all="all"), "all").splitlines()[-1])


def given(path: str, origins: str, horizon: int = HORIZON) -> None:
    found = backtest_staffing(read_history(path), origins.split(","), horizon)
    print(show(found.table(), "org"))
    print(found.sentence)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        given(sys.argv[1], sys.argv[2], *(int(n) for n in sys.argv[3:4]))
    else:
        invented()
