"""Lines of money, lowered: what each pays for, and its grant by fiscal year."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from fieldshift.network.ahead import Ahead
from fieldshift.network.graph import Float, Line, ServeBlock
from fieldshift.network.lowering import Charge, Lowering, names
from fieldshift.scenario.schema import Budget

__all__ = ["lower_lines"]


def lower_lines(desk: Lowering, serves: Sequence[ServeBlock], budgets: Mapping[str, Budget]) -> tuple[Line, ...]:
    """Lower budgets to lines, those that bind with the cost ahead of each state."""
    lines = [_line(desk, serves, name, budget) for name, budget in budgets.items()]
    binding = [i for i, line in enumerate(lines) if np.isfinite(line.cap).any()]
    if binding:
        ahead = Ahead(desk, serves, [lines[i] for i in binding])
        for m, i in enumerate(binding):
            lines[i] = dataclasses.replace(
                lines[i],
                ahead_cell=ahead.cell[m],
                ahead_move=ahead.move[m],
                ahead_transit=ahead.transit[m],
                ahead_serve=ahead.serve[m],
                ahead_entry=ahead.entry[m],
            )
    return tuple(lines)


def _line(desk: Lowering, serves: Sequence[ServeBlock], name: str, budget: Budget) -> Line:
    count, cells = desk.count, desk.n_cells
    arcs, served = sum(len(b.tail) for b in desk.choices), sum(len(b.tail) for b in serves)
    pays = set(names(budget.pays))
    year = desk.periods.fiscal_years
    years = sorted(set(year.tolist()))
    granted = np.full(len(years), np.nan)
    if budget.cap is not None:
        by_year = desk.values.yearly(f"budgets.{name}.cap", budget.cap, "USD")
        granted = np.array([by_year.get(y, np.nan) for y in years]) * _part_of_year(desk, years)
    open_ = np.ones(count)
    for lapse in budget.lapses:
        open_[desk.periods.active(lapse.start_from, lapse.until)] = 0.0
    under_way = sum(b.lasts * len(b.tail) for b in desk.choices)
    return Line(
        name,
        np.searchsorted(np.array(years), year),
        tuple(years),
        np.where(np.isnan(granted), np.inf, granted) if budget.binding else np.full(len(years), np.inf),
        granted,
        _charged(desk.cell_costs, pays, (count, cells)),
        _charged(desk.transit_costs, pays, (count, arcs)),
        _charged(desk.move_costs, pays, (count, arcs)),
        _charged(desk.serve_costs, pays, (count, served)),
        open_,
        np.zeros((count, cells)),
        np.zeros((count, arcs)),
        np.zeros((count, under_way)),
        np.zeros((count, served)),
        np.zeros(count),
        f"budgets.{name}",
        budget.title or name.replace("_", " "),
    )


def _part_of_year(desk: Lowering, years: Sequence[int]) -> Float:
    """Return the share of each fiscal year that the horizon covers: a grant is for the whole year.

    A year that began before the first day has spent its part of the grant already; a year that goes on after the
    last day keeps the rest. A year covered to within two periods counts as whole.
    """
    length = desk.periods.length("year")
    fiscal = desk.periods.fiscal_years
    covered = np.array([(fiscal == y).sum() * length for y in years])
    return np.asarray(np.where(covered > 1.0 - 2.0 * length, 1.0, covered))


def _charged(charges: Sequence[Charge], pays: set[str], shape: tuple[int, int]) -> Float:
    total = np.zeros(shape)
    for charge in charges:
        if charge.group in pays or charge.owner in pays:
            total[:, charge.index] += charge.cost
    return total
