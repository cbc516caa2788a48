"""Measures of what work takes: hours, needs, dials and money."""

from __future__ import annotations

import numpy as np

from fieldshift.network.graph import Float, NeedBlock, Network, ServeBlock
from fieldshift.results.output import arrivals, work_of
from fieldshift.results.register import Register
from fieldshift.results.tally import Array, Group, Tally, people_of, ratio

__all__ = ["MEANS"]

MEANS = Register()


def _stocks_serving(network: Network, block: ServeBlock) -> set[str]:
    return {network.stocks[i].part for i, _ in block.by}


def _workers(network: Network) -> tuple[str, ...]:
    found = set[str]().union(*(_stocks_serving(network, b) for b in network.serves))
    return tuple(dict.fromkeys(b.part for b in network.stocks if b.part in found))


def _workers_and_all(network: Network) -> tuple[str, ...]:
    found = _workers(network)
    return (*found, "") if found else ()


def _hours(record: str, tally: Tally, stock: str) -> Array:
    parts = (stock,) if stock else _workers(tally.network)
    blocks = [b for b in tally.network.stocks if b.part in parts and not b.waiting]
    return tally.total([group._replace(record=record) for group in people_of(blocks)], tally.periods)


@MEANS.period("Hours available", "hour", _workers_and_all, of="stock")
def hours(tally: Tally, stock: str) -> Array:
    """Hours for work of the people present; those of guests on detail count at their host."""
    return _hours("hours", tally, stock)


@MEANS.period("Hours used", "hour", _workers_and_all, of="stock")
def hours_used(tally: Tally, stock: str) -> Array:
    """Hours available that served work."""
    return _hours("used", tally, stock)


@MEANS.period("Hours not used", "hour", _workers_and_all, of="stock")
def hours_lost(tally: Tally, stock: str) -> Array:
    """Hours available - hours used."""
    return np.asarray(hours(tally, stock) - hours_used(tally, stock))


@MEANS.period("Hours used, share", "1", _workers_and_all, of="stock")
def utilisation(tally: Tally, stock: str) -> Array:
    """Hours used / hours available."""
    return ratio(hours_used(tally, stock), hours(tally, stock))


def _cadre(network: Network, stock: str) -> tuple[set[str], list[ServeBlock]]:
    """Return the stocks that share work with one, directly or through others, and that work."""
    stocks = {stock}
    while True:
        serves = [b for b in network.serves if stocks & _stocks_serving(network, b)]
        wider = stocks.union(*(_stocks_serving(network, b) for b in serves))
        if wider == stocks:
            return stocks, serves
        stocks = wider


@MEANS.period("WISN ratio", "1", _workers, of="stock")
def wisn(tally: Tally, stock: str) -> Array:
    """Hours available, at the stocks' productivity / hours that the period's arrivals need by standard.

    Over all stocks that share work with this one; under 1 is pressure. Source: WHO (2010), Workload
    Indicators of Staffing Need.
    """
    network = tally.network
    stocks, serves = _cadre(network, stock)
    blocks = [b for b in network.stocks if b.part in stocks and not b.waiting]
    groups = people_of(blocks, lambda b: b.productivity)
    have = tally.total([group._replace(record="hours") for group in groups], tally.periods)
    needed = np.zeros(have.shape)
    for block in serves:
        place = {int(site): k for k, site in enumerate(block.sites)}
        for group in arrivals(network, work_of(network, block.name)):
            columns = np.array([place[int(site)] for site in group.sites])
            needed = needed + tally.weighted(group, block.standard[:, columns])
    return ratio(have, needed)


def _need_names(network: Network) -> tuple[str, ...]:
    return tuple(block.name for block in network.needs)


def _need(tally: Tally, name: str) -> NeedBlock:
    return next(block for block in tally.network.needs if block.name == name)


@MEANS.period("Needed", "person", _need_names, of="need")
def need(tally: Tally, name: str) -> Array:
    """People that the work requires in the period, before money is considered."""
    block = _need(tally, name)
    return tally.fixed([(block.need, block.sites)], tally.periods)


@MEANS.period("Gap", "person", _need_names, of="need")
def gap(tally: Tally, name: str) -> Array:
    """People required - people who meet the need at the period's end (or opening), under way too; negative is over."""
    block = _need(tally, name)
    there = np.zeros(tally.zeros(tally.instants).shape)
    for record, (cells, rows, weights) in (("people", block.cells), ("under_way", block.transit)):
        for weight in np.unique(weights).tolist():
            mine = weights == weight
            there = there + tally.total([Group(record, cells[mine], block.sites[rows[mine]], weight)], tally.instants)
    return np.asarray(need(tally, name) - (there[:, :-1] if block.opening else there[:, 1:]))


def _dials(network: Network) -> tuple[str, ...]:
    return network.dials.names


@MEANS.period("Setting", "1", _dials, of="dial")
def dial(tally: Tally, name: str) -> Array:
    """Setting of the dial in the period; for the nation, the mean of the sites."""
    k, sites = tally.network.dials.names.index(name), len(tally.network.sites)
    setting: Float = np.asarray(tally.trace.dials[:, :, k, :], np.float64)
    if tally.by_site:
        return setting[:, :, :sites]
    return np.asarray(setting[:, :, :sites].mean(axis=-1)) if sites else setting[:, :, 0]


def _lines(network: Network) -> tuple[str, ...]:
    return tuple(line.name for line in network.lines)


def _granting(network: Network) -> tuple[str, ...]:
    return tuple(line.name for line in network.lines if np.isfinite(line.granted).any())


@MEANS.period("Spending", "currency", _lines, of="line", by_site=False)
def spend(tally: Tally, name: str) -> Array:
    """Money spent on the line in the period. Two lines may pay for the same thing: they are never added."""
    return np.asarray(tally.trace.spent[:, :, _lines(tally.network).index(name)], np.float64)


@MEANS.period("Spent this fiscal year", "currency", _lines, of="line", by_site=False)
def spend_to_date(tally: Tally, name: str) -> Array:
    """Money spent from the start of the fiscal year, or from the first day."""
    return tally.to_date(spend(tally, name), tally.network.periods.fiscal_years)


@MEANS.period("Granted", "currency", _granting, of="line", by_site=False)
def granted(tally: Tally, name: str) -> Array:
    """Money granted for the fiscal year, as far as the horizon covers it."""
    line = next(line for line in tally.network.lines if line.name == name)
    return np.broadcast_to(line.granted[line.window], (tally.draws, tally.periods))


@MEANS.period("Money left", "currency", _granting, of="line", by_site=False)
def money_left(tally: Tally, name: str) -> Array:
    """Money granted - money spent this fiscal year."""
    return np.asarray(granted(tally, name) - spend_to_date(tally, name))
