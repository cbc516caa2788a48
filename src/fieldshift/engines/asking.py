"""How an amount that somebody asks for is shared among arcs, sites and hosts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from fieldshift.engines.engine import Decision
from fieldshift.engines.remainders import ask_nation, ask_sites
from fieldshift.engines.view import View
from fieldshift.network.graph import OUTSIDE, Bool, Float, Int, Network

__all__ = ["Arcs", "Request", "arcs_of", "site_weights"]


@dataclass(frozen=True)
class Arcs:
    """The first-leg arcs of one choice.

    Attributes:
        index: Arcs over A, shape (n,).
        tail: Tail cell of each, or OUTSIDE.
        sites: Site of each, or OUTSIDE.
        hosts: Block indices that take host weights, with the sites of their hosts.
        passing: Chance that one who starts arrives in the end (dropout and failure on all legs).
        lasts: Periods on all legs together.
        part: The planner's choice.
        tables: Sites with arcs, where the arcs of each begin in the last table, and the positions of their arcs.
        weight: The sites' weights where all come from OUTSIDE, shape (n,), else None: by who is present.
        outside: Whether any tail is OUTSIDE.
    """

    index: Int
    tail: Int
    sites: Int
    hosts: tuple[tuple[int, Int], ...]
    passing: float
    lasts: int
    part: str
    tables: tuple[Int, Int, Int]
    weight: Float | None
    outside: bool


def arcs_of(network: Network, choice: str) -> Arcs:
    """Return the first-leg arcs of a planner's choice."""
    blocks = [network.choices[i] for i in network.parts[choice]]
    legs = [b for b in network.choices if b.part == choice]
    own = [b for b in legs if b.name == blocks[0].name or b.name.startswith(f"{blocks[0].name}.")]
    own = [b for b in own if b is blocks[0] or b.auto]
    passing = float(np.prod([b.passing[0] * (1.0 - b.drop[0]) ** b.lasts for b in own]))
    hosts = [(i, b.hosts) for i, b in enumerate(network.choices) if b.part == choice and len(b.hosts)]
    hosts += [
        (i, b.sites)
        for i, b in enumerate(network.choices)
        if b.part == choice and b.auto and len(b.tail) > 1 and b.tail[0] == b.tail[1]
    ]
    tail, sites = np.concatenate([b.tail for b in blocks]), np.concatenate([b.sites for b in blocks])
    return Arcs(
        np.concatenate([np.arange(b.arcs.start, b.arcs.stop) for b in blocks]),
        tail,
        sites,
        tuple(hosts),
        passing,
        sum(b.lasts for b in own),
        choice,
        _by_site(sites),
        site_weights(network, "weight", sites) if (tail < 0).all() else None,
        bool((tail < 0).any()),
    )


def _by_site(sites: Int) -> tuple[Int, Int, Int]:
    """Return the sites in order, where the positions of each one's arcs begin, and the positions."""
    found, counts = np.unique(sites, return_counts=True)
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return found, first, np.argsort(sites, kind="stable").astype(np.int64)


def site_weights(network: Network, how: str | Mapping[str, float], sites: Int) -> Float:
    """Return weights of some sites: `even`, a numeric attribute, or a share by site id; OUTSIDE weighs 1."""
    table = network.sites

    def one(site: int) -> float:
        if site == OUTSIDE or how == "even":
            return 1.0
        if isinstance(how, Mapping):
            return float(how.get(table.ids[site], 0.0))
        value = table.attributes[site].get(how, 0.0)
        return float(value) if isinstance(value, int | float | str) else 0.0

    return np.array([one(int(s)) for s in sites])


@dataclass
class Request:
    """What the rules of a policy have asked for so far in one period."""

    view: View
    asked: Float
    hosts: dict[int, Float] = field(default_factory=dict)
    dials: Float | None = None

    @staticmethod
    def fresh(view: View) -> Request:
        """Return an empty request."""
        return Request(view, np.zeros((view.network.n_choices, view.draws)).T)

    def settings(self) -> Float:
        """Return the dials to be turned in place, shape (D, K, S + 1)."""
        if self.dials is None:
            self.dials = self.view.dials.copy()
        return self.dials

    def present(self, arcs: Arcs, outside: float = 0.0) -> Float:
        """Return those present at each arc's tail, shape (n, D), and a number where the tail is OUTSIDE."""
        there: Float = np.ascontiguousarray(self.view.cells.T[arcs.tail])
        if arcs.outside:
            there[arcs.tail < 0] = outside
        return there

    def nation(self, arcs: Arcs, total: Float, where: Bool, weight: Float | None = None) -> None:
        """Ask for a national total (D,), shared among arcs, only at some of them.

        Args:
            arcs: The arcs.
            total: What is asked for, shape (D,).
            where: At which arcs, shape (n,).
            weight: By what it is shared, shape (n,) or (n, D); by default by who is present, or from OUTSIDE by the
                sites' weights.
        """
        fixed = arcs.weight if weight is None else weight
        weights = self.present(arcs) if fixed is None else fixed.reshape(len(fixed), -1)
        ask_nation(self.asked.T, arcs.index, weights, where, np.array(total, np.float64), self.view.whole)

    def each_site(self, arcs: Arcs, amount: Float) -> None:
        """Ask for an amount at each site, (D, S), shared among the tails at the site by who is present."""
        amounts = np.ascontiguousarray(amount.T, np.float64)
        there = self.present(arcs, 1.0)
        ask_sites(self.asked.T, arcs.index, arcs.tables, there, amounts, self.view.whole)

    def send(self, arcs: Arcs, weight_of_sites: Float) -> None:
        """Share the starters of a move or detail among hosts by weights of sites, shape (S,) or (D, S)."""
        wide = np.broadcast_to(weight_of_sites, (self.view.draws, weight_of_sites.shape[-1]))
        for block, hosts in arcs.hosts:
            before = self.hosts.get(block, np.zeros((self.view.draws, len(hosts))))
            self.hosts[block] = before + wide[:, hosts]

    def decision(self) -> Decision:
        """Return the decision."""
        return Decision(np.maximum(self.asked, 0.0), self.hosts, self.dials)
