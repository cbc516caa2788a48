"""Scenarios told as a planner writes them: YAML text, read by the reader, checked, and lived."""

from __future__ import annotations

import tempfile
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fieldshift.engines.kernel import Kernel
from fieldshift.engines.policies import policy_of
from fieldshift.engines.reference import MeanEngine, Reference
from fieldshift.engines.view import View
from fieldshift.network.build import build
from fieldshift.network.checks import check
from fieldshift.network.graph import Network
from fieldshift.results.trace import Trace
from fieldshift.scenario.read import read
from fieldshift.scenario.schema import Scenario

CHANCE = (Reference, Kernel)
ALL = (*CHANCE, MeanEngine)
HEAD = "name: Known\nhorizon: {start: 2025-01-06, periods: %d, step: %s}\n"


def told(text: str, periods: int = 0, step: str = "week") -> Scenario:
    """Read a scenario from a planner's YAML text; with `periods` its name and horizon are put before it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scenario.yaml"
        file.write_text((HEAD % (periods, step) if periods else "") + textwrap.dedent(text), encoding="utf-8")
        scenario = read(file)
    check(scenario)
    return scenario


@dataclass(frozen=True)
class Lived:
    """What became of a scenario, by the planner's names, added up over its sites."""

    network: Network
    trace: Trace

    def people(self, stock: str) -> np.ndarray:
        """Count of a stock or work at each instant, (D, T + 1)."""
        cells = [self.trace.people[:, :, b.cells] for b in self.network.blocks_of(stock)]
        return np.asarray(sum(c.sum(axis=2, dtype=np.float64) for c in cells))

    def at(self, stock: str, site: str) -> np.ndarray:
        """Count of a stock or work at one site, (D, T + 1)."""
        place = self.network.sites.ids.index(site)
        blocks = self.network.blocks_of(stock)
        return np.asarray(sum(self.trace.people[:, :, b.first + b.sites.tolist().index(place)] for b in blocks), float)

    def on(self, choice: str, what: str = "moved", stage: str | None = None) -> np.ndarray:
        """What a choice did, (D, T): `moved`, `passed`, `failed`, `dropped`, or `under_way` at each instant."""
        legs = [b for b in self.network.choices if b.part == choice and (stage is None or b.stage == stage)]
        assert legs, f"no leg {stage} of {choice}"
        return np.asarray(sum(getattr(self.trace, what)[:, :, b.arcs].sum(axis=2, dtype=np.float64) for b in legs))

    def served(self, work: str) -> np.ndarray:
        block = next(b for b in self.network.serves if b.name == work)
        return self.trace.served[:, :, block.arcs].sum(axis=2, dtype=np.float64)

    def entered(self, name: str) -> np.ndarray:
        block = next(b for b in self.network.entries if b.name == name)
        return self.trace.entered[:, :, block.arcs].sum(axis=2, dtype=np.float64)

    def flowed(self, part: str) -> np.ndarray:
        blocks = [b for b in self.network.chances if b.part == part]
        return np.asarray(sum(self.trace.flowed[:, :, b.arcs].sum(axis=2, dtype=np.float64) for b in blocks))


def live(scenario: Scenario, kind: type, draws: int = 1, policy: str | None = None, seed: int = 7) -> Lived:
    network = build(scenario)
    engine = MeanEngine(network) if kind is MeanEngine else kind(network, seed, np.arange(draws))
    rules = policy_of(scenario, network, policy or next(iter(scenario.policies)))
    for period in range(network.periods.count):
        engine.begin(period)
        engine.finish(period, rules.decide(View(engine, period)))
    return Lived(network, engine.trace)


def agree_in_mean(
    drawn: np.ndarray, expected: float | Sequence[float] | np.ndarray, variance, most: float = 4.5
) -> None:
    """Hold the mean over futures (first axis) to an expectation whose variance is known."""
    error = np.sqrt(np.asarray(variance, np.float64) / len(drawn))
    z = (drawn.mean(axis=0) - expected) / error
    assert np.max(np.abs(z)) < most, f"mean {drawn.mean(axis=0)}, expected {expected}, z {z}"


def agree_in_variance(drawn: np.ndarray, variance, most: float = 4.5, kurtosis: float = 3.0) -> None:
    """Hold the variance over futures to a known one; its own error is that of a near-normal count."""
    n = len(drawn)
    error = np.asarray(variance) * np.sqrt((kurtosis - 1) / n)
    z = (drawn.var(axis=0, ddof=1) - variance) / error
    assert np.max(np.abs(z)) < most, f"variance {drawn.var(axis=0, ddof=1)}, expected {variance}, z {z}"
