"""A plan: a policy that does not look. What moves, and what is served, is fixed beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fieldshift.engines.engine import Decision
from fieldshift.engines.view import View
from fieldshift.network.graph import Float

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
