"""R1 by Fieldshift: through the public API, by the engine alone, by the readable reference, and by the mean."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

import fieldshift as fs
from benchmarks.r1_facts import POLICY, WATCHED, scenario
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


def _batches(draws: int, record: tuple[str, ...] | None, make: type[Kernel] | type[Reference]) -> list[Trace]:
    network = fs.build(scenario())
    found = []
    for first in range(0, draws, BATCH):
        futures = np.arange(first, min(first + BATCH, draws))
        engine = Kernel(network, 1, futures, record) if make is Kernel else Reference(network, 1, futures)
        found.append(live(engine, policy_of(scenario(), network, POLICY)))
    return found


def engine(draws: int) -> object:
    """Step the engine under the policy, all records, no measures."""
    return _batches(draws, None, Kernel)


def lean(draws: int) -> object:
    """Step the engine under the policy, recording only what the policy looks back at."""
    return _batches(draws, ("served",), Kernel)


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


def reference(draws: int) -> object:
    """Step the readable reference under the policy."""
    return _batches(draws, None, Reference)


def mean(count: int) -> object:
    """Run the mean, `count` times."""
    return [fs.mean(scenario(), POLICY) for _ in range(count)]


def measured(draws: int) -> dict[str, Float]:
    """Return each watched number on the last day, by future."""
    network = fs.build(scenario())
    parts: dict[str, list[Float]] = {name: [] for name in WATCHED}
    cells = {b.name: b.cells for b in network.stocks}
    arcs = next(b.arcs for b in network.serves if b.name == "at_large")
    for trace in _batches(draws, ("people", "under_way", "served"), Kernel):
        last = trace.people[:, -1]
        rows = [last[:, cells[k]].sum(axis=1) for k in ("desk", "field", "docket", "jail", "at_large")]
        rows.insert(2, trace.under_way[:, -1].sum(axis=1))
        rows.append(trace.served[:, :, arcs].sum(axis=(1, 2)))
        for name, row in zip(WATCHED, rows, strict=True):
            parts[name].append(np.asarray(row, np.float64))
    return {name: np.concatenate(rows) for name, rows in parts.items()}
