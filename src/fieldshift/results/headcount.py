"""Measures of people: who is where, who came and who left.

Everybody on board is counted once: in a stock (by its duty), in training, on the move, or on a detail.
On-board, FTE, posts authorised and posts funded are four things, never added.
"""

from __future__ import annotations

import numpy as np

from fieldshift.network.graph import ChoiceBlock, Network, StockBlock
from fieldshift.results.register import WHOLE, Parts, Register
from fieldshift.results.tally import (
    Array,
    Group,
    Tally,
    crossings,
    people_of,
    ratio,
    strength,
    under_way_on,
)

__all__ = ["HEADCOUNT", "UNSTATED", "details", "stock_names", "stocks_of"]

UNSTATED = "unstated"
"""The duty of a stock that states none."""

HEADCOUNT = Register()


def stocks_of(network: Network, part: str = "") -> tuple[StockBlock, ...]:
    """Return the blocks of a stock of people, or of all; queues between stages are none."""
    return tuple(b for b in network.stocks if b.kind == "person" and not b.waiting and part in ("", b.part))


def stock_names(network: Network) -> tuple[str, ...]:
    """Return the names of all stocks of people."""
    return tuple(dict.fromkeys(b.part for b in stocks_of(network)))


def details(network: Network) -> list[ChoiceBlock]:
    """Return the choices whose people return."""
    return [c for c in network.choices if c.lasts and c.returns]


def _duty(block: StockBlock) -> str:
    return block.tags.get("duty", UNSTATED)


def _pools(network: Network) -> list[StockBlock]:
    """Return the queues of people on the move between sites."""
    return [b for b in network.stocks if b.waiting and b.name.endswith(".pool")]


def _queues(tally: Tally, on: bool) -> list[StockBlock]:
    """Return the queues between two stages, on strength or not."""
    queues = (b for b in tally.network.stocks if b.waiting and not b.name.endswith(".pool"))
    return [b for b in queues if bool(tally.strength[b.first]) is on]


def _from_pool(network: Network, leg: ChoiceBlock) -> bool:
    return any(b.cells.start <= cell < b.cells.stop for b in _pools(network) for cell in leg.tail.tolist())


def _legs(network: Network, on: bool) -> list[ChoiceBlock]:
    """Return the legs on which people are taught, vetted and the like, on strength or not."""
    lasting = (c for c in network.choices if c.lasts and not c.returns and c.on_strength is on)
    return [c for c in lasting if not _from_pool(network, c)]


def _words(network: Network) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_duty(b) for b in stocks_of(network) if b.on_strength))


def _anybody(network: Network) -> tuple[str, ...]:
    return WHOLE if stocks_of(network) else ()


def _where(word: str) -> Parts:
    def parts(network: Network) -> tuple[str, ...]:
        return WHOLE if word in _words(network) else ()

    return parts


def _where_detailed(network: Network) -> tuple[str, ...]:
    return WHOLE if details(network) else ()


def _where_trained(network: Network) -> tuple[str, ...]:
    return WHOLE if _legs(network, True) or "training" in _words(network) else ()


def _where_hired(network: Network) -> tuple[str, ...]:
    return WHOLE if _legs(network, False) else ()


def _where_moved(network: Network) -> tuple[str, ...]:
    on = strength(network)
    return WHOLE if any(on[b.first] for b in _pools(network)) else ()


def _where_away(network: Network) -> tuple[str, ...]:
    return WHOLE if _where_trained(network) or _where_moved(network) else ()


def _where_present(network: Network) -> tuple[str, ...]:
    """Return the whole where all who are detailed work in the field."""
    away = details(network)
    field = all(c.works_as >= 0 and _duty(network.stocks[c.works_as]) == "field" for c in away)
    return _where("field")(network) if field and away else ()


@HEADCOUNT.instant("On board", "person", _anybody)
def on_board(tally: Tally, _: str) -> Array:
    """People employed: all stocks on strength, and all under way on strength (courses, moves, details)."""
    employed = [b for b in tally.network.stocks if b.kind == "person" and tally.strength[b.first]]
    way = [c for c in tally.network.choices if c.lasts and c.on_strength]
    return tally.total([*people_of(employed), *under_way_on(way)], tally.instants)


def _on_duty(tally: Tally, word: str) -> Array:
    found = [b for b in stocks_of(tally.network) if b.on_strength and _duty(b) == word]
    return tally.total(people_of(found), tally.instants)


@HEADCOUNT.instant("In the field", "person", _where("field"))
def field(tally: Tally, _: str) -> Array:
    """People employed in stocks with the duty `field`, at home; guests on detail are not counted."""
    return _on_duty(tally, "field")


@HEADCOUNT.instant("At desks", "person", _where("desk"))
def desk(tally: Tally, _: str) -> Array:
    """People employed in stocks with the duty `desk`, at home; guests on detail are not counted."""
    return _on_duty(tally, "desk")


@HEADCOUNT.instant("In support", "person", _where("support"))
def support(tally: Tally, _: str) -> Array:
    """People employed in stocks with the duty `support`."""
    return _on_duty(tally, "support")


@HEADCOUNT.instant("On leave", "person", _where("leave"))
def leave(tally: Tally, _: str) -> Array:
    """People employed in stocks with the duty `leave`."""
    return _on_duty(tally, "leave")


@HEADCOUNT.instant("In training", "person", _where_trained)
def training(tally: Tally, _: str) -> Array:
    """People employed who are on a course or between its stages, or in stocks with the duty `training`."""
    students = [b for b in stocks_of(tally.network) if b.on_strength and _duty(b) == "training"]
    there = people_of([*students, *_queues(tally, True)])
    return tally.total([*there, *under_way_on(_legs(tally.network, True))], tally.instants)


@HEADCOUNT.instant("Being hired", "person", _where_hired)
def hiring(tally: Tally, _: str) -> Array:
    """People not yet employed who are under way or wait between stages: candidates, not staff."""
    there = people_of(_queues(tally, False))
    return tally.total([*there, *under_way_on(_legs(tally.network, False))], tally.instants)


@HEADCOUNT.instant("On the move between sites", "person", _where_moved)
def transit(tally: Tally, _: str) -> Array:
    """People employed who have left one site and not yet arrived at another."""
    network = tally.network
    pools = [b for b in _pools(network) if tally.strength[b.first]]
    legs = [c for c in network.choices if c.lasts and c.on_strength and not c.returns and _from_pool(network, c)]
    return tally.total([*people_of(pools), *under_way_on(legs)], tally.instants)


@HEADCOUNT.instant("Away on detail", "person", _where_detailed)
def detail(tally: Tally, _: str) -> Array:
    """People on a detail, at the site of their home post."""
    return tally.total(under_way_on(details(tally.network)), tally.instants)


@HEADCOUNT.period("Guests on detail", "person", _where_detailed)
def hosted(tally: Tally, _: str) -> Array:
    """People of other sites at work here in the period, at the host site."""
    sites = np.arange(len(tally.network.sites))
    return tally.total([Group("hosted", sites, sites)], tally.periods)


@HEADCOUNT.period("Present in the field", "person", _where_present)
def present(tally: Tally, _: str) -> Array:
    """People with the duty `field` at the period's end, plus guests on detail in the period."""
    return np.asarray(_on_duty(tally, "field")[:, 1:] + hosted(tally, ""))


@HEADCOUNT.instant("Individuals account", "person", _where_away)
def tths(tally: Tally, _: str) -> Array:
    """On strength and not in a unit post: in training plus on the move between sites (TTHS)."""
    return np.asarray(training(tally, "") + transit(tally, ""))


@HEADCOUNT.instant("Individuals account, share", "1", _where_away)
def tths_share(tally: Tally, _: str) -> Array:
    """Individuals account / on board."""
    return ratio(tths(tally, ""), on_board(tally, ""))


@HEADCOUNT.period("FTE employed", "fte", _anybody)
def fte(tally: Tally, _: str) -> Array:
    """Mean of opening and closing counts on board, each person at the stock's FTE: a rate over the period."""
    employed = [b for b in tally.network.stocks if b.kind == "person" and tally.strength[b.first]]
    legs = [c for c in tally.network.choices if c.lasts and c.on_strength]
    way = [g._replace(weight=c.fte) for g, c in zip(under_way_on(legs), legs, strict=True)]
    at = tally.total([*people_of(employed, lambda b: b.fte), *way], tally.instants)
    return np.asarray((at[:, :-1] + at[:, 1:]) / 2.0)


@HEADCOUNT.period("Entered strength", "person", _anybody)
def hires(tally: Tally, _: str) -> Array:
    """People who entered strength in the period, from anywhere."""
    return tally.total([c.group for c in tally.crossings if c.enters], tally.periods)


def _kinds_of_loss(network: Network) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(c.kind for c in crossings(network, strength(network)) if not c.enters))
    return (*found, "") if found else ()


@HEADCOUNT.period("Left strength", "person", _kinds_of_loss, of="kind")
def losses(tally: Tally, kind: str) -> Array:
    """People who left strength in the period, of all kinds or one: by chance, dropout, failure, decision."""
    out = [c.group for c in tally.crossings if not c.enters and kind in ("", c.kind)]
    return tally.total(out, tally.periods)


def _a_year(tally: Tally, lost: Array) -> Array:
    on = on_board(tally, "")
    return ratio(lost, (on[:, :-1] + on[:, 1:]) / 2.0 * tally.years)


@HEADCOUNT.period("Turnover", "1/year", _anybody, by_site=False)
def turnover(tally: Tally, _: str) -> Array:
    """All who left strength / mean of opening and closing on board, as a rate per year."""
    return _a_year(tally, losses(tally, ""))


@HEADCOUNT.period("Wastage", "1/year", _anybody, by_site=False)
def wastage(tally: Tally, _: str) -> Array:
    """Those who left strength by chance, not by decision / mean of opening and closing on board, per year."""
    out = [c.group for c in tally.crossings if not c.enters and not c.by_choice]
    return _a_year(tally, tally.total(out, tally.periods))


@HEADCOUNT.instant("People", "person", stock_names, of="stock")
def people(tally: Tally, part: str) -> Array:
    """People of the stock, new hands among them; those away on a detail or a course are not."""
    return tally.total(people_of(stocks_of(tally.network, part)), tally.instants)


@HEADCOUNT.instant("People by duty", "person", _words, of="duty")
def duty(tally: Tally, word: str) -> Array:
    """People employed in stocks with this duty, at home."""
    return _on_duty(tally, word)


def _new_hands(network: Network, part: str) -> list[StockBlock]:
    return [b for b in stocks_of(network, part) if b.name != b.part]


def _learning(network: Network) -> tuple[str, ...]:
    return tuple(n for n in stock_names(network) if _new_hands(network, n))


@HEADCOUNT.instant("New hands, share", "1", _learning, of="stock")
def new_share(tally: Tally, part: str) -> Array:
    """New hands / people of the stock."""
    return ratio(tally.total(people_of(_new_hands(tally.network, part)), tally.instants), people(tally, part))
