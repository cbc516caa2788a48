"""R1 by Fieldshift: through the public API, by the engine alone, by the readable reference, and by the mean."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

import fieldshift as fs
from benchmarks.r1_facts import MARKS, POLICY, WATCHED, Marked, scenario
from fieldshift.engines.kernel import Kernel
from fieldshift.engines.live import live
from fieldshift.engines.policies import policy_of
from fieldshift.engines.reference import Reference
from fieldshift.results.trace import Trace

Float = npt.NDArray[np.float64]

HEADLINES = [("field", ""), ("backlog", "docket"), ("served", "at_large")]
"""What a run keeps where only headlines are asked for."""
BATCH = 256


def simulate(draws: int) -> object:
    """Simulate with everything that a run keeps by default."""
    return fs.simulate(scenario(), [POLICY], draws=draws, groups=1, workers=1)


def headlines(draws: int) -> object:
    """Simulate and keep three measures."""
    return fs.simulate(scenario(), [POLICY], draws=draws, groups=1, workers=1, keys=HEADLINES)


def _batches(draws: int, record: tuple[str, ...] | None, make: type[Kernel] | type[Reference]) -> Iterator[Trace]:
    network = fs.build(scenario())
    for first in range(0, draws, BATCH):
        futures = np.arange(first, min(first + BATCH, draws))
        engine = Kernel(network, 1, futures, record) if make is Kernel else Reference(network, 1, futures)
        yield live(engine, policy_of(scenario(), network, POLICY))


def _all(batches: Iterator[Trace]) -> None:
    """Live all batches, keeping none."""
    deque(batches, maxlen=0)


def engine(draws: int) -> None:
    """Step the engine under the policy, all records, no measures."""
    _all(_batches(draws, None, Kernel))


def lean(draws: int) -> None:
    """Step the engine under the policy, recording only what the policy looks back at."""
    _all(_batches(draws, ("served",), Kernel))


class _Still:
    """What the policy asked in one batch, repeated: a policy that costs nothing."""

    def __init__(self) -> None:
        network = fs.build(scenario())
        self.network = network
        engine, policy = Kernel(network, 1, np.arange(BATCH)), policy_of(scenario(), network, POLICY)
        self.decisions = []
        for t in range(network.periods.count):
            engine.begin(t)
            decision = policy.decide(fs.View(engine, t))
            self.decisions.append(decision)
            engine.finish(t, decision)

    def __call__(self, draws: int) -> object:
        for first in range(0, draws, BATCH):
            engine = Kernel(self.network, 1, np.arange(first, first + BATCH), ("served",))
            for t, decision in enumerate(self.decisions):
                engine.begin(t)
                engine.finish(t, decision)
        return None


def still() -> _Still:
    """Return a run of the engine alone: requests are there already."""
    return _Still()


def reference(draws: int) -> None:
    """Step the readable reference under the policy."""
    _all(_batches(draws, None, Reference))


def mean(count: int) -> object:
    """Run the mean, `count` times."""
    return [fs.mean(scenario(), POLICY) for _ in range(count)]


def measured(draws: int) -> Marked:
    """Return each watched number after each mark, by future."""
    network = fs.build(scenario())
    parts: dict[tuple[str, int], list[Float]] = {(name, mark): [] for mark in MARKS for name in WATCHED}
    cells = {b.name: b.cells for b in network.stocks}
    arcs = next(b.arcs for b in network.serves if b.name == "at_large")
    for trace in _batches(draws, ("people", "under_way", "served"), Kernel):
        for mark in MARKS:
            people = trace.people[:, mark]
            rows = [people[:, cells[k]].sum(axis=1) for k in ("desk", "field", "docket", "jail", "at_large")]
            rows.insert(2, trace.under_way[:, mark].sum(axis=1))
            rows.append(trace.served[:, :mark, arcs].sum(axis=(1, 2)))
            for name, row in zip(WATCHED, rows, strict=True):
                parts[name, mark].append(np.asarray(row, np.float64))
    return {key: np.concatenate(rows) for key, rows in parts.items()}
