"""Measures of posts, which exist whether or not they are filled, and of what choices moved."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np

from fieldshift.network.graph import ChoiceBlock, Float, Int, Network
from fieldshift.results.headcount import details, stock_names, stocks_of
from fieldshift.results.register import Parts, Register
from fieldshift.results.tally import Array, Group, Tally, people_of, ratio, under_way_on

__all__ = ["POSTS"]

POSTS = Register()

_Kind = Literal["authorised", "funded"]


def _posts(network: Network, part: str, kind: _Kind) -> list[tuple[Float, Int]]:
    found = ((b.authorised if kind == "authorised" else b.funded, b.sites) for b in stocks_of(network, part))
    return [(posts, sites) for posts, sites in found if posts is not None]


def _with(kind: _Kind) -> Parts:
    def parts(network: Network) -> tuple[str, ...]:
        named = tuple(n for n in stock_names(network) if _posts(network, n, kind))
        return (*named, "") if named else ()

    return parts


def _given(tally: Tally, part: str, kind: _Kind) -> Array:
    return tally.fixed(_posts(tally.network, part, kind), tally.instants)


def _faces(tally: Tally, part: str, kind: _Kind) -> Array:
    """Return the people of the stocks that have such posts; the home post counts those on a detail."""
    network = tally.network
    named = [n for n in stock_names(network) if part in ("", n) and _posts(network, n, kind)]
    blocks = [b for n in named for b in stocks_of(network, n)]
    cells = np.concatenate([np.arange(b.cells.start, b.cells.stop) for b in blocks])
    away = [c for c in details(network) if bool(np.isin(c.tail, cells).all())]
    return tally.total([*people_of(blocks), *under_way_on(away)], tally.instants)


@POSTS.instant("Posts authorised", "post", _with("authorised"), of="stock")
def authorised(tally: Tally, part: str) -> Array:
    """Posts approved, whether or not there is money for them."""
    return _given(tally, part, "authorised")


@POSTS.instant("Posts funded", "post", _with("funded"), of="stock")
def funded(tally: Tally, part: str) -> Array:
    """Posts that there is money for."""
    return _given(tally, part, "funded")


@POSTS.instant("Fill rate", "1", _with("funded"), of="stock")
def fill_rate(tally: Tally, part: str) -> Array:
    """People of the stock / its posts funded; the home post counts those on a detail."""
    return ratio(_faces(tally, part, "funded"), _given(tally, part, "funded"))


@POSTS.instant("Vacancies", "post", _with("funded"), of="stock")
def vacancies(tally: Tally, part: str) -> Array:
    """Posts funded - people of the stock, those on a detail among them; negative where over strength."""
    return np.asarray(_given(tally, part, "funded") - _faces(tally, part, "funded"))


@POSTS.instant("Manning", "1", _with("authorised"), of="stock")
def manning(tally: Tally, part: str) -> Array:
    """People of the stock / its posts authorised; the home post counts those on a detail."""
    return ratio(_faces(tally, part, "authorised"), _given(tally, part, "authorised"))


@POSTS.instant("Authorised posts unfilled", "post", _with("authorised"), of="stock")
def unfilled(tally: Tally, part: str) -> Array:
    """Posts authorised - people of the stock, those on a detail among them."""
    return np.asarray(_given(tally, part, "authorised") - _faces(tally, part, "authorised"))


def _choices(network: Network) -> tuple[str, ...]:
    return tuple(network.parts)


def _legs(network: Network, part: str) -> list[ChoiceBlock]:
    return [c for c in network.choices if c.part == part]


def _arcs(record: str, legs: Iterable[ChoiceBlock]) -> list[Group]:
    return [Group(record, np.arange(c.arcs.start, c.arcs.stop), c.sites) for c in legs]


@POSTS.period("Started", "person", _choices, of="choice")
def started(tally: Tally, part: str) -> Array:
    """People who started on the choice in the period."""
    return tally.total(_arcs("moved", [c for c in _legs(tally.network, part) if not c.auto]), tally.periods)


@POSTS.period("Passed", "person", _choices, of="choice")
def passed(tally: Tally, part: str) -> Array:
    """People who came to the end of the choice in the period and passed (of a detail: who returned)."""
    waiting = [b for b in tally.network.stocks if b.waiting]
    cells = {cell for b in waiting for cell in range(b.cells.start, b.cells.stop)}
    last = [c for c in _legs(tally.network, part) if not cells & set(c.head.tolist())]
    return tally.total(_arcs("passed", last), tally.periods)


@POSTS.instant("Under way", "person", _choices, of="choice")
def under_way(tally: Tally, part: str) -> Array:
    """People on any leg of the choice, or waiting between two of them."""
    waiting = [b for b in tally.network.stocks if b.waiting and b.part == part]
    return tally.total([*people_of(waiting), *under_way_on(_legs(tally.network, part))], tally.instants)
