"""Measures of work: what waits, what came, what was done."""

from __future__ import annotations

import numpy as np

from fieldshift.network.graph import Int, Network, ServeBlock, StockBlock
from fieldshift.results.register import Parts, Register
from fieldshift.results.tally import Array, Group, Tally, people_of, ratio

__all__ = ["OUTPUT", "arrivals", "serving", "work_of"]

OUTPUT = Register()


def work_of(network: Network, name: str) -> StockBlock:
    """Return the block of a work."""
    return next(b for b in network.stocks if b.kind == "case" and b.part == name)


def serving(network: Network, name: str) -> ServeBlock:
    """Return the block that serves a work."""
    return next(b for b in network.serves if b.name == name)


def _works(network: Network) -> tuple[str, ...]:
    return tuple(b.part for b in network.stocks if b.kind == "case")


def _served(network: Network) -> tuple[str, ...]:
    return tuple(sorted(b.name for b in network.serves))


def _targeted(network: Network) -> tuple[str, ...]:
    return tuple(sorted(b.name for b in network.serves if b.target is not None))


def _in_crews(network: Network) -> tuple[str, ...]:
    return tuple(sorted(b.name for b in network.serves if b.crew > 1))


def arrivals(network: Network, block: StockBlock) -> list[Group]:
    """Return all that brings cases to a work: from outside, by being served elsewhere, by chance."""
    cells = np.arange(block.cells.start, block.cells.stop)
    found = [Group("became", cells, block.sites)]
    found += [_into(("entered", entry.first), entry.head, network, cells) for entry in network.entries]
    found += [_into(("flowed", chance.first), chance.head, network, cells) for chance in network.chances]
    return [group for group in found if len(group.where)]


def _into(record: tuple[str, int], head: Int, network: Network, cells: Int) -> Group:
    mine = np.flatnonzero(np.isin(head, cells))
    return Group(record[0], mine + record[1], network.cell_site[head[mine]])


def _exits(network: Network, work: str, undone: bool) -> list[Group]:
    block = work_of(network, work)
    cells = np.arange(block.cells.start, block.cells.stop)
    found = []
    for chance in network.chances:
        mine = np.flatnonzero(np.isin(chance.tail, cells))
        if len(mine) and (chance.kind == "expire") is undone:
            found.append(Group("flowed", mine + chance.first, network.cell_site[chance.tail[mine]]))
    return found


def _leaving(undone: bool) -> Parts:
    def parts(network: Network) -> tuple[str, ...]:
        return tuple(w for w in _works(network) if _exits(network, w, undone))

    return parts


@OUTPUT.instant("Waiting", "case", _works, of="work")
def backlog(tally: Tally, work: str) -> Array:
    """Cases received and not finished."""
    return tally.total(people_of([work_of(tally.network, work)]), tally.instants)


@OUTPUT.period("Arrived", "case", _works, of="work")
def arrived(tally: Tally, work: str) -> Array:
    """Cases that came in the period: from outside, from other work that was served, or by chance."""
    return tally.total(arrivals(tally.network, work_of(tally.network, work)), tally.periods)


@OUTPUT.period("Served", "case", _served, of="work")
def served(tally: Tally, work: str) -> Array:
    """Cases served in the period."""
    block = serving(tally.network, work)
    arcs = np.arange(block.arcs.start, block.arcs.stop)
    return tally.total([Group("served", arcs, block.sites)], tally.periods)


@OUTPUT.period("Short of the output asked for", "case", _targeted, of="work")
def short_of_target(tally: Tally, work: str) -> Array:
    """Cases that `target` asks for in the period less those served, 0 where it is reached; by site, where it is."""
    block = serving(tally.network, work)
    assert block.target is not None
    done = tally.total([Group("served", np.arange(block.arcs.start, block.arcs.stop), block.sites)], tally.periods)
    return np.asarray(np.maximum(tally.fixed([(block.target, block.sites)], tally.periods) - done, 0.0))


@OUTPUT.period("Served per week", "case/week", _served, of="work")
def served_per_week(tally: Tally, work: str) -> Array:
    """Cases served in the period / weeks of a period."""
    return np.asarray(served(tally, work) / tally.weeks)


@OUTPUT.period("Served this fiscal year", "case", _served, of="work")
def served_to_date(tally: Tally, work: str) -> Array:
    """Cases served from the start of the fiscal year, or from the first day."""
    return tally.to_date(served(tally, work), tally.network.periods.fiscal_years)


@OUTPUT.period("Lapsed undone", "case", _leaving(True), of="work")
def undone(tally: Tally, work: str) -> Array:
    """Cases that expired in the period without being served."""
    return tally.total(_exits(tally.network, work, True), tally.periods)


@OUTPUT.period("Ended otherwise", "case", _leaving(False), of="work")
def ended(tally: Tally, work: str) -> Array:
    """Cases that left in the period in the ordinary way, not by being served."""
    return tally.total(_exits(tally.network, work, False), tally.periods)


@OUTPUT.period("Age of what waits", "week", _served, of="work")
def age(tally: Tally, work: str) -> Array:
    """An approximation: cases waiting at the period's end / cases served per week; none if none is served."""
    return ratio(backlog(tally, work)[:, 1:], served_per_week(tally, work))


def _heads(tally: Tally, work: str) -> Array:
    """Return the people of the stocks that serve a work."""
    blocks = [tally.network.stocks[i] for i, _ in serving(tally.network, work).by]
    return tally.total(people_of(blocks), tally.instants)


@OUTPUT.instant("Waiting per head", "case/person", _served, of="work")
def backlog_per_head(tally: Tally, work: str) -> Array:
    """Cases that wait / people of the stocks that serve them."""
    return ratio(backlog(tally, work), _heads(tally, work))


@OUTPUT.period("Served per crew and week", "case/week", _in_crews, of="work")
def served_per_crew(tally: Tally, work: str) -> Array:
    """Cases served per week / crews, the people of the serving stocks at the period's end / crew size."""
    crews = _heads(tally, work)[:, 1:] / serving(tally.network, work).crew
    return ratio(served_per_week(tally, work), crews)
