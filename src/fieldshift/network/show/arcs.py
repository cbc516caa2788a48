"""The arcs of a network in words: how people and cases move."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from fieldshift.network.graph import ChoiceBlock, Float, Int, Limit, Network
from fieldshift.network.words import (
    amount,
    between,
    count_of,
    course,
    ends,
    joined,
    lasting,
    listed,
    place,
    share,
    yearly,
)
from fieldshift.scenario.schema import Scenario

__all__ = ["arcs", "limits_on", "names_on"]

Record = dict[str, Any]


def arcs(network: Network, _: Scenario | None) -> Iterator[Record]:
    """Tell each block of arcs: where from, where to, and how it is moved."""
    step = network.periods.step
    for chance in network.chances:
        how = f"{between(chance.p, share)} a {step}"
        if chance.p.max() < 0.05 and step != "year":
            how += f" ({between(yearly(chance.p, network.periods), share)} a year)"
        first = "before anybody moves" if chance.opening else ""
        words = joined(how, first, _dials(network, chance.turns))
        yield _arc(network, (chance.name, "chance"), (chance.tail, chance.head), words)
    for entry in network.entries:
        how = f"{course(entry.mean.sum(axis=1), network.periods)} a {step} on average"
        words = joined(how, _dials(network, entry.turns))
        yield _arc(network, (entry.name, "chance"), (np.array([-1]), entry.head), words)
    for choice in network.choices:
        words = joined(*_said_of_choice(network, choice))
        head = choice.tail if choice.returns else choice.head
        yield _arc(network, (choice.name, "choice"), (choice.tail, head), words) | {
            "lasts": choice.lasts,
            "pass": float(choice.passing[0]),
            "returns": choice.returns,
            "limits": names_on(network, choice.arcs),
        }
    for serve in network.serves:
        by = listed(network.stocks[i].name for i, _ in serve.by)
        crew = f"in crews of {serve.crew}" if serve.crew > 1 else ""
        words = joined(
            f"{between(serve.standard)} hours each by {by}",
            f"priority {serve.priority}",
            crew,
            _dials(network, serve.turns),
        )
        heads = serve.heads[0][0] if serve.heads else np.array([-1])
        yield _arc(network, (serve.name, "served"), (serve.tail, heads), words)


def _arc(network: Network, what: tuple[str, str], cells: tuple[Int, Int], words: str) -> Record:
    route = ends(network, *cells)
    tail, head = route.split(" -> ")
    return {"name": what[0], "by": what[1], "tail": tail, "head": head, "ends": route, "words": words}


def _said_of_choice(network: Network, block: ChoiceBlock) -> Iterator[str]:
    yield f"takes {lasting(network, block.lasts)}" if block.lasts else "at once"
    if block.returns:
        yield f"then back; hosts: {place(network, block.hosts)}"
    yield f"from {place(network, block.sites)}" if block.returns else f"at {place(network, block.sites)}"
    if block.auto:
        yield "by itself for all who wait"
    if (block.passing < 1.0).any():
        passing = course(block.passing, network.periods, share)
        yield f"{passing} pass, the others go {_to(network, block.fail)}"
    if block.drop.any():
        yield f"{between(block.drop, share)} a {network.periods.step} drop out {_to(network, block.drop_to)}"
    if block.teacher >= 0:
        yield f"ties up {amount(block.per_trainee)} of {network.stocks[block.teacher].name} each"
    if block.lump > 1:
        yield f"in groups of {block.lump}"
    if not block.open.all():
        yield f"open in {int(block.open.sum())} of {count_of(len(block.open), network.periods.step)}"
    yield _dials(network, block.turns)
    limits = [limit.title for limit in limits_on(network, block.arcs)]
    yield f"limits: {', '.join(limits)}" if limits else ""


def _to(network: Network, cells: Int) -> str:
    head = ends(network, cells, cells).split(" -> ")[1]
    return f"to {head}" if head != "outside" else "outside"


def limits_on(network: Network, arcs: slice) -> list[Limit]:
    """Return the limits that somebody who starts one of some arcs uses."""

    def used(terms: tuple[Int, Int, Float]) -> bool:
        return bool(((terms[0] >= arcs.start) & (terms[0] < arcs.stop) & (terms[2] > 0)).any())

    return [limit for limit in network.limits if used(limit.transit) or used(limit.move)]


def names_on(network: Network, arcs: slice) -> list[str]:
    """Return the names of the limits that somebody who starts one of some arcs uses."""
    return [limit.name for limit in limits_on(network, arcs)]


def _dials(network: Network, turns: tuple[tuple[int, float], ...]) -> str:
    return f"turned by {listed(network.dials.names[k] for k, _ in turns)}" if turns else ""
