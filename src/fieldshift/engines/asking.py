"""How an amount that somebody asks for is shared among arcs, sites and hosts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from fieldshift.engines.engine import Decision
from fieldshift.engines.remainders import share_whole, whole
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
        by_site: Positions of the arcs of each site, in tables of sites with equally many arcs, shape (sites, arcs).
        weight: The sites' weights where all come from OUTSIDE, shape (n,), else None: by who is present.
    """

    index: Int
    tail: Int
    sites: Int
    hosts: tuple[tuple[int, Int], ...]
    passing: float
    lasts: int
    part: str
    by_site: tuple[Int, ...]
    weight: Float | None


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
    )


def _by_site(sites: Int) -> tuple[Int, ...]:
    """Return tables of the positions of each site's arcs, one table for each number of arcs a site has."""
    found: dict[int, list[Int]] = {}
    for site in np.unique(sites):
        mine = np.flatnonzero(sites == site)
        found.setdefault(len(mine) if site >= 0 else -1, []).append(mine)
    return tuple(np.array(rows) for rows in found.values())


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
        return Request(view, np.zeros((view.draws, view.network.n_choices)))

    def settings(self) -> Float:
        """Return the dials to be turned in place, shape (D, K, S + 1)."""
        if self.dials is None:
            self.dials = self.view.dials.copy()
        return self.dials

    def present(self, arcs: Arcs) -> Float:
        """Return those present at each arc's tail, shape (D, n); 0 where the tail is OUTSIDE."""
        there = self.view.cells[:, np.maximum(arcs.tail, 0)].copy()
        there[:, arcs.tail < 0] = 0.0
        return there

    def by_tail(self, arcs: Arcs) -> Float:
        """Return by what a national total is shared: who is present (D, n), or from OUTSIDE the sites' weights (n,)."""
        return self.present(arcs) if arcs.weight is None else arcs.weight

    def nation(self, arcs: Arcs, total: Float, weight: Float, where: Bool) -> None:
        """Ask for a national total (D,), shared among arcs by weight (n,) or (D, n), only at some of them."""
        if weight.ndim == 1 and (total == total[0]).all():
            total, weight = total[:1], weight[None, :]  # alike in every future: shared out once
        weight = np.where(where, np.broadcast_to(weight, (len(total), len(where))), 0.0)
        if self.view.whole:
            self.asked[:, arcs.index] += share_whole(weight, np.array(total, np.float64))
            return
        sums = weight.sum(axis=1, keepdims=True)
        share = np.divide(weight, sums, out=np.zeros_like(weight), where=sums > 0)
        self.asked[:, arcs.index] += share * total[:, None]

    def each_site(self, arcs: Arcs, amount: Float) -> None:
        """Ask for an amount at each site, (D, S), shared among the tails at the site by who is present."""
        weight = np.where(arcs.tail < 0, 1.0, self.present(arcs))
        for mine in arcs.by_site:
            sites = arcs.sites[mine[:, 0]]
            total = amount.sum(axis=1, keepdims=True) if sites[0] < 0 else amount[:, sites]
            if mine.shape[1] == 1:
                there = weight[:, mine[:, 0]] > 0
                self.asked[:, arcs.index[mine[:, 0]]] += np.where(there, total, 0.0)
                continue
            heavy = weight[:, mine]
            sums = heavy.sum(axis=2, keepdims=True)
            share: Float = np.divide(heavy, sums, out=np.zeros_like(heavy), where=sums > 0)
            wanted = share * total[:, :, None]
            if self.view.whole:
                flat = wanted.reshape(-1, mine.shape[1])
                wanted = whole(np.ascontiguousarray(flat), np.round(flat.sum(axis=1))).reshape(wanted.shape)
            self.asked[:, arcs.index[mine].ravel()] += wanted.reshape(len(wanted), -1)

    def send(self, arcs: Arcs, weight_of_sites: Float) -> None:
        """Share the starters of a move or detail among hosts by weights of sites, shape (S,) or (D, S)."""
        wide = np.broadcast_to(weight_of_sites, (self.view.draws, weight_of_sites.shape[-1]))
        for block, hosts in arcs.hosts:
            before = self.hosts.get(block, np.zeros((self.view.draws, len(hosts))))
            self.hosts[block] = before + wide[:, hosts]

    def decision(self) -> Decision:
        """Return the decision."""
        return Decision(np.maximum(self.asked, 0.0), self.hosts, self.dials)
