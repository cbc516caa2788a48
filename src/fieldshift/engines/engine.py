"""What every engine offers to the loop over periods and to policies: the present, and two half-steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from fieldshift.network.graph import Float, Network
from fieldshift.results.trace import Trace

__all__ = ["Decision", "Engine"]


@dataclass(frozen=True)
class Decision:
    """What a policy asks for in one period.

    Attributes:
        asked: Requests on each choice arc, shape (D, A); later legs of a choice ask by themselves.
        hosts: For choice blocks with hosts, weights by which starters are shared among them, shape (D, m).
        dials: Settings from now on, shape (D, K, S + 1), or None: unchanged.
        serve: Cases to serve on each serve arc, shape (D, B), or None: by priority.
        auto: Whether later legs of a choice ask by themselves for all who wait; False for a plan, which says all,
            and which on the mean keeps the year's money by itself.
    """

    asked: Float
    hosts: Mapping[int, Float] = field(default_factory=dict)
    dials: Float | None = None
    serve: Float | None = None
    auto: bool = True


class Engine(Protocol):
    """One batch of futures under one policy, stepped period by period."""

    network: Network
    draws: int
    whole: bool
    """Whether units are whole: false for the mean."""
    trace: Trace
    """What has been counted so far; periods not yet lived are zero."""

    @property
    def people(self) -> Float:
        """Count in each cell now, shape (D, C)."""

    @property
    def under_way(self) -> Float:
        """Count under way on each choice arc now, shape (D, A)."""

    @property
    def dials(self) -> Float:
        """Setting of each dial at each site now, the last column for the nation, shape (D, K, S + 1)."""

    @property
    def spent(self) -> Float:
        """Money spent on each line in its present window so far, shape (D, lines)."""

    def begin(self, period: int) -> None:
        """Do steps 1 and 2: arrive, open."""

    def finish(self, period: int, decision: Decision) -> None:
        """Do steps 5 to 10: fit, move, serve, chance, enter, count."""
