"""Stocks, limits, needs and policies in words."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from fieldshift.network.graph import Limit, Network, StockBlock
from fieldshift.network.show.arcs import names_on
from fieldshift.network.show.equations import holds
from fieldshift.network.words import amount, between, course, joined, listed, place, rule_words, share, units
from fieldshift.scenario.schema import Scenario

__all__ = ["limits", "needs", "policies", "stocks"]

Record = dict[str, Any]


def stocks(network: Network, _: Scenario | None) -> Iterator[Record]:
    """Tell each stock: what it counts, where, how many on the first day, and what is known of its people."""
    for block in network.stocks:
        yield {
            "name": block.name,
            "title": block.title,
            "of": block.kind,
            "place": place(network, block.sites),
            "start": float(block.start.sum()),
            "tags": dict(block.tags),
            "words": "; ".join(_said_of_stock(network, block)),
        }


def _said_of_stock(network: Network, block: StockBlock) -> Iterator[str]:
    if block.waiting:
        yield "waits here between two stages"
        return
    if block.tags:
        yield ", ".join(f"{key} {value}" for key, value in block.tags.items())
    if block.kind == "case":
        return
    step = network.periods.step
    if block.hours.any():
        yield f"{between(block.hours)} hours a {step}"
    if block.productivity != 1.0:
        yield f"work at {share(block.productivity)}"
    if block.fte != 1.0:
        yield f"{amount(block.fte)} FTE each"
    if block.pay.any():
        yearly = block.pay / network.periods.length("year")
        yield f"pay {between(yearly)} {network.currency} a year"
    for posts, word in ((block.authorised, "authorised"), (block.funded, "funded")):
        if posts is not None:
            yield f"{course(posts.sum(axis=1), network.periods)} posts {word}"
    if not block.on_strength:
        yield "not on strength"


def limits(network: Network, _: Scenario | None) -> Iterator[Record]:
    """Tell each limit, who holds and uses it, and each line of money."""
    for limit in network.limits:
        cap = (-limit.cap if limit.floor else limit.cap).sum(axis=1)
        where = "nation" if limit.sites[0] < 0 else f"{len(limit.sites)} sites, each its own"
        bound = "at least" if limit.floor else "at most"
        yield {
            "name": limit.name,
            "title": limit.title,
            "place": where,
            "words": joined(
                f"{bound} {course(cap, network.periods, partial(units, unit=limit.unit))}", *_who_uses(network, limit)
            ),
            "cap": float(cap[0]),
            "unit": limit.unit,
            "at_least": limit.floor,
        }
    for line in network.lines:
        grants = [
            f"{year}: {amount(granted) if np.isfinite(granted) else 'counted only'}"
            for year, granted in zip(line.years, line.granted, strict=True)
        ]
        counted = "" if np.isfinite(line.cap).any() else "; nothing is cut to it"
        yield {
            "name": line.name,
            "title": line.title,
            "place": "nation",
            "words": f"{network.currency} by fiscal year: {', '.join(grants)}{counted}",
            "unit": network.currency,
            "granted": {str(y): float(g) for y, g in zip(line.years, line.granted, strict=True) if np.isfinite(g)},
        }


def _who_uses(network: Network, limit: Limit) -> Iterator[str]:
    """Tell which stocks hold a limit, which widen it, and which choices and work use it."""
    cells, _, each = limit.hold
    taking, giving = (cells[each < 0], cells[each > 0]) if limit.floor else (cells[each > 0], cells[each < 0])
    users = [c.name for c in network.choices if limit.name in names_on(network, c.arcs)]
    served = limit.serve[0][limit.serve[2] > 0]
    users += [s.name for s in network.serves if ((served >= s.arcs.start) & (served < s.arcs.stop)).any()]
    for word, names in (
        ("held by", [b.name for b in network.stocks if holds(b, taking)]),
        ("more with", [b.name for b in network.stocks if holds(b, giving)]),
        ("used by", users),
    ):
        yield f"{word} {listed(names)}" if names else ""


def needs(network: Network, _: Scenario | None) -> Iterator[Record]:
    """Tell each need: how many posts, and which stocks meet it."""
    for need in network.needs:
        who = [b.name for b in network.stocks if holds(b, need.cells[0])]
        meets = need.transit[0][need.transit[2] > 0]
        who += [b.name for b in network.choices if np.isin(meets, np.arange(b.arcs.start, b.arcs.stop)).any()]
        total = need.need.sum(axis=1)
        yield {
            "name": need.name,
            "title": need.title,
            "place": place(network, need.sites),
            "words": f"{course(total, network.periods)}; met by {listed(who)}",
            "need": float(total[0]),
            "met_by": who,
        }


def policies(_: Network, scenario: Scenario | None) -> Iterator[Record]:
    """Tell each of a scenario's policies by its rules; the first is the base."""
    given = {} if scenario is None else scenario.policies
    for i, (name, policy) in enumerate(given.items()):
        rules = [rule_words(rule) for rule in policy.rules]
        words = [
            "the base" if i == 0 else "",
            (policy.about or "").rstrip("."),
            f"all that {policy.extends} does" if policy.extends else "",
            *rules,
            *(f"with {path} = {_value(value)}" for path, value in policy.set.items()),
        ]
        yield {
            "name": name,
            "title": policy.title or name,
            "words": "\n".join(word for word in words if word) or "asks for nothing",
            "about": policy.about or "",
            "extends": policy.extends,
            "rules": rules,
            "set": {path: str(value) for path, value in policy.set.items()},
        }


def _value(given: object) -> object:
    """Return a value as it was set, without its evidence."""
    return given.get("value", given) if isinstance(given, dict) else given
