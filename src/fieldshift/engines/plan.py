"""A plan: a policy that does not look. What moves, and what is served, is fixed beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fieldshift.engines.engine import Decision
from fieldshift.engines.fit import whole_sum
from fieldshift.engines.view import View
from fieldshift.network.graph import Float, Network

__all__ = ["Plan"]


@dataclass(frozen=True)
class Plan:
    """What a plan decides in each period.

    Attributes:
        moved: Starts on each choice arc, later legs included, shape (T, A).
        served: Cases to serve on each serve arc, shape (T, B); where chance leaves more hours they go by priority.
        hosts: For choice blocks with hosts, how many go to each, shape (T, m).
        strict: Serve what was planned and no more; otherwise work is served by priority as it comes.
    """

    moved: Float
    served: Float
    hosts: Mapping[int, Float]
    strict: bool = True

    def decide(self, view: View) -> Decision:
        """Return the plan's numbers for this period, in each future; later legs ask by themselves in whole counts."""
        t, d = view.period, view.draws
        hosts = {i: np.tile(part[t], (d, 1)) for i, part in self.hosts.items()}
        served = np.tile(self.served[t], (d, 1)) if self.strict else None
        return Decision(np.tile(self.moved[t], (d, 1)), hosts, None, served, auto=view.whole)

    def whole(self, network: Network) -> Plan:
        """Return the plan in whole numbers: each arc follows its running sum, and each period keeps its total.

        For every block of arcs the whole total of each period follows the running total of the plan; the arcs share
        it by what each of them is owed so far (largest remainders), so no arc is ever more than one from its plan.
        """
        moved = np.zeros_like(self.moved)
        for block in network.choices:
            moved[:, block.arcs] = _rounded(self.moved[:, block.arcs], block.lump)
        served = _rounded(self.served, 1) if self.served.size else self.served
        hosts = {i: _rounded(part, 1) for i, part in self.hosts.items()}
        return Plan(moved, served, hosts, self.strict)


def _rounded(plan: Float, lump: int) -> Float:
    """Return whole multiples of `lump` that follow the running sums of a plan, shape (T, n)."""
    owed = np.zeros(plan.shape[1])
    result = np.zeros_like(plan)
    left = 0.0
    for t in range(len(plan)):
        owed = owed + plan[t] / lump
        left += float(plan[t].sum()) / lump
        total = np.floor(left + 0.5)
        give = np.maximum(owed, 0.0)
        if total > 0 and give.sum() > 0:
            share = give * min(total / give.sum(), 1.0)
            now = whole_sum(share[None, :], np.array([min(total, np.ceil(give.sum()))]))[0]
        else:
            now = np.zeros_like(owed)
        result[t] = now * lump
        owed = owed - now
        left -= float(now.sum())
    return result
