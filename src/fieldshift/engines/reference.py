"""The readable engines: the step of `step.py` with chance, and with the mean in its place."""

from __future__ import annotations

import numpy as np

from fieldshift.engines import state, step
from fieldshift.engines.engine import Decision
from fieldshift.engines.fit import tables
from fieldshift.engines.luck import Chance, Luck, Mean
from fieldshift.network.graph import Float, Int, Network
from fieldshift.results.trace import Trace

__all__ = ["MeanEngine", "Reference"]


class _Stepped:
    """A batch of futures stepped by `step.begin` and `step.finish`."""

    def __init__(self, network: Network, draws: int, luck: Luck) -> None:
        self.network, self.draws, self.whole = network, draws, luck.whole
        self.trace = Trace.empty(network, draws, luck.whole)
        self.state = state.start(network, draws)
        self._luck, self._lookup = luck, tables(network)
        self._begun: tuple[Float, Float, Float] | None = None
        self.trace.people[:, 0] = self.state.people
        self.trace.under_way[:, 0] = state.under_way(self.state, draws)

    @property
    def people(self) -> Float:
        """Count in each cell now, shape (D, C)."""
        return self.state.people

    @property
    def under_way(self) -> Float:
        """Count under way on each choice arc now, shape (D, A)."""
        return state.under_way(self.state, self.draws)

    @property
    def dials(self) -> Float:
        """Setting of each dial at each site now, shape (D, K, S + 1)."""
        return self.state.dials

    @property
    def spent(self) -> Float:
        """Money spent on each line in its present window, shape (D, lines)."""
        return self.state.spent

    def begin(self, period: int) -> None:
        """Do steps 1 and 2."""
        self._begun = step.begin(self.network, self.state, self._luck, period)

    def finish(self, period: int, decision: Decision) -> None:
        """Do steps 5 to 10 and record them."""
        assert self._begun is not None
        counts = step.finish(self.network, self.state, self._luck, (period, decision, self._lookup), self._begun)
        trace = self.trace
        trace.people[:, period + 1] = self.state.people
        trace.under_way[:, period + 1] = self.under_way
        for name in (
            "moved",
            "passed",
            "failed",
            "dropped",
            "flowed",
            "entered",
            "served",
            "hours",
            "used",
            "hosted",
            "spent",
        ):
            getattr(trace, name)[:, period] = getattr(counts, name)
        for block, parts in zip(self.network.serves, counts.became, strict=True):
            for part, (cells, _) in zip(parts, block.heads, strict=True):
                np.add.at(trace.became[:, period].T, cells, part.astype(trace.became.dtype).T)
        trace.dials[:, period] = self.state.dials
        trace.rows[:, period] = counts.rows > 0
        trace.lines[:, period] = counts.lines > 0


class Reference(_Stepped):
    """The oracle of the fast engine: the same draws, in plain numpy.

    Args:
        network: The network.
        seed: The run's seed.
        futures: Number of each future of the batch, shape (D,).
    """

    def __init__(self, network: Network, seed: int, futures: Int) -> None:
        super().__init__(network, len(futures), Chance(network, seed, futures))


class MeanEngine(_Stepped):
    """The mean: one path, no chance, counts not whole. It is the equation that `optimize` writes as constraints."""

    def __init__(self, network: Network) -> None:
        super().__init__(network, 1, Mean())
