"""From a scenario to a network: one small function per kind of part, called in this order."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from fieldshift.horizon import Periods
from fieldshift.network.choices import lower_choice
from fieldshift.network.graph import Dials, Network, ServeBlock, SiteTable, Turn
from fieldshift.network.limits import lower_limits
from fieldshift.network.lowering import Lowering
from fieldshift.network.money import lower_lines
from fieldshift.network.people import learners_who_stay, lower_flow, lower_stock
from fieldshift.network.work import lower_need, lower_serving, lower_waiting
from fieldshift.scenario.schema import Budget, Scenario
from fieldshift.scenario.values import Values

__all__ = ["build", "periods_of"]


def periods_of(scenario: Scenario) -> Periods:
    """Return the periods of a scenario's horizon."""
    given = scenario.horizon
    return Periods(given.start, given.periods, given.step, given.fiscal_year_starts)


def build(scenario: Scenario, draw: Mapping[str, float] | None = None) -> Network:
    """Lower a scenario to the network that engines read.

    Args:
        scenario: A scenario without errors (see `check`).
        draw: For unknowns by path, the point of their distribution in (0, 1); others take their central value.
    """
    periods = periods_of(scenario)
    sites = tuple(sorted(scenario.sites, key=lambda site: site.id))
    desk = Lowering(scenario, periods, Values(scenario, periods, draw, sites), sites)
    desk.turns = _turns(desk)
    for name, stock in sorted(scenario.stocks.items()):
        lower_stock(desk, name, stock)
    for name, work in sorted(scenario.work.items()):
        lower_waiting(desk, name, work)
    for name, flow in sorted(scenario.flows.items()):
        lower_flow(desk, name, flow)
    for name, choice in sorted(scenario.choices.items()):
        lower_choice(desk, name, choice)
    serves = _serves(desk)
    learners_who_stay(desk)
    _number(desk)
    limits = lower_limits(desk, serves)
    lines = lower_lines(desk, serves, dict(sorted(scenario.budgets.items())))
    everything = Budget(pays=("stocks", "choices", "work"), binding=False)
    (costs,) = lower_lines(desk, serves, {"all costs": everything})
    needs = tuple(lower_need(desk, n, need) for n, need in sorted(scenario.needs.items()))
    cell_site = np.concatenate([b.sites for b in desk.stocks] or [np.zeros(0, np.int64)])
    hours = {b.name: turns for b in desk.stocks if (turns := desk.turns.get(f"stocks.{b.part}.hours"))}
    return Network(
        scenario.name,
        periods,
        _site_table(scenario, sites),
        tuple(desk.stocks),
        tuple(desk.chances),
        tuple(desk.entries),
        tuple(desk.choices),
        serves,
        limits,
        lines,
        costs,
        needs,
        _dials(scenario),
        desk.parts,
        scenario.currency,
        hours,
        cell_site,
    )


def _turns(desk: Lowering) -> dict[str, tuple[Turn, ...]]:
    found: dict[str, list[Turn]] = {}
    for k, (name, dial) in enumerate(sorted(desk.scenario.dials.items())):
        for path, slope in dial.turns.items():
            value = desk.values.number(f"dials.{name}.turns.{path}", slope, "1")
            found.setdefault(path, []).append((k, value))
    return {path: tuple(turns) for path, turns in found.items()}


def _dials(scenario: Scenario) -> Dials:
    dials = sorted(scenario.dials.items())
    return Dials(
        tuple(name for name, _ in dials),
        np.array([d.start_from for _, d in dials]),
        np.array([d.to for _, d in dials]),
        np.array([d.start for _, d in dials]),
    )


def _serves(desk: Lowering) -> tuple[ServeBlock, ...]:
    found: list[ServeBlock] = []
    first = 0
    for name, work in sorted(desk.scenario.work.items(), key=lambda item: (item[1].priority, item[0])):
        block = lower_serving(desk, name, work, first)
        if block is not None:
            found.append(block)
            first += len(block.tail)
    return tuple(found)


def _number(desk: Lowering) -> None:
    """Put chance arcs and entries in order of name and number them."""
    first = 0
    for i, block in enumerate(sorted(desk.chances, key=lambda b: b.name)):
        desk.chances[i] = dataclasses.replace(block, first=first)
        first += len(block.tail)
    first = 0
    for i, entry in enumerate(sorted(desk.entries, key=lambda b: b.name)):
        desk.entries[i] = dataclasses.replace(entry, first=first)
        first += len(entry.head)


def _site_table(scenario: Scenario, sites: tuple[object, ...]) -> SiteTable:
    ordered = sorted(scenario.sites, key=lambda site: site.id)
    place = {site.id: i for i, site in enumerate(ordered)}
    return SiteTable(
        tuple(s.id for s in ordered),
        tuple(s.name or s.id for s in ordered),
        np.array([place[s.id] for s in scenario.sites], np.int64),
        tuple(s.attributes for s in ordered),
    )
