"""The model as a function: what it says each observed row should be, on its mean and in many futures."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from fieldshift.engines.batches import LOOKED_AT, ready, under
from fieldshift.engines.kernel import Kernel
from fieldshift.engines.live import live
from fieldshift.engines.policies import Policy
from fieldshift.engines.reference import MeanEngine
from fieldshift.network.build import build
from fieldshift.network.graph import Network
from fieldshift.results.collect import Collector
from fieldshift.scenario.schema import Scenario
from fieldshift.study.observing import Operator, Rows, operator

__all__ = ["Model"]

Float = npt.NDArray[np.float64]


class Model:
    """A scenario under one policy, seen through the rows of observed series.

    Args:
        scenario: A checked scenario whose horizon covers the rows.
        policy: The name of a policy, or a policy.
        rows: The rows.

    Attributes:
        network: The network, its unknowns at their centres.
    """

    def __init__(self, scenario: Scenario, policy: str | Policy, rows: Rows) -> None:
        self.scenario, self._policy = under(scenario, policy), policy
        self.network: Network = build(self.scenario)
        self.rows = rows
        self._operator: Operator = operator(scenario, self.network, rows)
        whole, by_site = self._operator.needed
        self._record = Collector(self.network, whole, 1, sites=by_site).reads | LOOKED_AT
        self.runs = 0

    def mean(self, draw: Mapping[str, float]) -> Float:
        """Return what the mean path says each row should be, shape (n,).

        Args:
            draw: Points of the unknowns' distributions by path; centres otherwise.
        """
        self.runs += 1
        network = build(self.scenario, draw)
        trace = live(MeanEngine(network), ready(self.scenario, network, self._policy, draw))
        return np.asarray(self._operator.of(trace, network)[0])

    def futures(self, draws: Sequence[Mapping[str, float]], each: int, seed: int, workers: int | None = None) -> Float:
        """Return what each future says each row should be, shape (draws x each, n): the same for any workers.

        Args:
            draws: What the futures of each group believe.
            each: How many futures there are in a group.
            seed: Seed of all draws.
            workers: Threads; one for each core by default.
        """

        def lived(group: int) -> Float:
            network = build(self.scenario, draws[group]) if draws[group] else self.network
            futures = np.arange(group * each, (group + 1) * each)
            found = []
            for some in np.array_split(futures, max(1, each // 64)):
                policy = ready(self.scenario, network, self._policy, draws[group])
                trace = live(Kernel(network, seed, some, self._record), policy)
                found.append(self._operator.of(trace, network))
            return np.concatenate(found)

        count = max(1, workers if workers is not None else (os.cpu_count() or 1))
        if count == 1:
            return np.concatenate([lived(group) for group in range(len(draws))])
        with ThreadPoolExecutor(count) as threads:
            return np.concatenate(list(threads.map(lived, range(len(draws)))))
