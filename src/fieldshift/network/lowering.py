"""The desk on which a scenario is taken apart: its numbers, its places, and the blocks made so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from fieldshift.horizon import Periods
from fieldshift.network.graph import (
    OUTSIDE,
    ChanceBlock,
    ChoiceBlock,
    EntryBlock,
    Float,
    Int,
    StockBlock,
    Turn,
)
from fieldshift.scenario.schema import Amount, Scenario, Site, Where
from fieldshift.scenario.values import Value, Values

__all__ = ["Charge", "Lowering", "Use", "names", "whole_start"]


def names(given: str | Iterable[str] | Mapping[str, float] | None) -> tuple[str, ...]:
    """Return one name or several as a tuple."""
    if given is None:
        return ()
    return (given,) if isinstance(given, str) else tuple(given)


def whole_start(amounts: Float) -> Float:
    """Return whole numbers that add up to the rounded total, by largest remainders."""
    base = np.floor(amounts + 1e-9)
    missing = round(float(amounts.sum())) - int(base.sum())
    turn = np.argsort(-np.round((amounts - base) * 1e9), kind="stable")
    base[turn[: max(missing, 0)]] += 1.0
    return np.asarray(base)


@dataclass(frozen=True)
class Use:
    """A resource that something holds or takes: filled by people and work, read by limits.

    Attributes:
        resource: The resource.
        index: Arcs (over A or B) or cells that use it.
        coefficient: Use by one unit.
    """

    resource: str
    index: Int
    coefficient: float


@dataclass(frozen=True)
class Charge:
    """A cost that lines of money may pay.

    Attributes:
        owner: The planner's part that causes it.
        group: `stocks`, `choices` or `work`.
        index: Cells or arcs that it falls on.
        cost: Cost of one unit in a period, or of one move, shape (T, n).
    """

    owner: str
    group: str
    index: Int
    cost: Float


@dataclass
class Lowering:
    """What is being lowered, and what has been made of it so far."""

    scenario: Scenario
    periods: Periods
    values: Values
    sites: tuple[Site, ...]
    turns: dict[str, tuple[Turn, ...]] = field(default_factory=dict)
    stocks: list[StockBlock] = field(default_factory=list)
    chances: list[ChanceBlock] = field(default_factory=list)
    entries: list[EntryBlock] = field(default_factory=list)
    choices: list[ChoiceBlock] = field(default_factory=list)
    parts: dict[str, tuple[int, ...]] = field(default_factory=dict)
    n_cells: int = 0
    holds: list[Use] = field(default_factory=list)
    transits: list[Use] = field(default_factory=list)
    takes: list[Use] = field(default_factory=list)
    serve_takes: list[Use] = field(default_factory=list)
    cell_costs: list[Charge] = field(default_factory=list)
    transit_costs: list[Charge] = field(default_factory=list)
    move_costs: list[Charge] = field(default_factory=list)
    serve_costs: list[Charge] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Number of periods, T."""
        return self.periods.count

    def where(self, at: Where) -> Int:
        """Return the sites that a planner's words select, in canonical order, or OUTSIDE for the nation."""
        if at == "nation" or not self.sites:
            return np.array([OUTSIDE], np.int64)
        if at == "sites":
            return np.arange(len(self.sites), dtype=np.int64)
        if isinstance(at, Mapping):
            picked = [i for i, site in enumerate(self.sites) if _matches(site, at)]
        else:
            picked = [i for i, site in enumerate(self.sites) if site.id in names(at)]
        return np.array(picked, np.int64)

    def spread(self, value: Value, spread: str | Mapping[str, float], sites: Int) -> Float:
        """Return a number at each of some sites, shape (1 or T, n): each its own, or the nation's spread over them."""
        if len(sites) == 1 and sites[0] == OUTSIDE:
            own = value.data if value.data.shape[1] == 1 else value.data.sum(axis=1, keepdims=True)
            return np.asarray(own)
        if value.per_site:
            wide = np.broadcast_to(value.data, (len(value.data), len(self.sites)))
            return np.asarray(wide[:, sites])
        return np.asarray(value.data * self.weights(spread, sites)[None, :])

    def weights(self, spread: str | Mapping[str, float], sites: Int) -> Float:
        """Return the share of each of some sites, adding up to 1."""
        if isinstance(spread, Mapping):
            raw = [float(spread.get(self.sites[i].id, 0.0)) for i in sites]
        elif spread == "even":
            raw = [1.0] * len(sites)
        elif spread == "weight":
            raw = [self.sites[i].weight for i in sites]
        else:
            raw = [float(self.sites[i].attributes[spread]) for i in sites]
        weight = np.array(raw, np.float64)
        return np.asarray(weight / weight.sum()) if weight.sum() > 0 else np.full(len(sites), 1.0 / max(len(sites), 1))

    def over_time(self, data: Float, n: int) -> Float:
        """Return an array of shape (1 or T, 1 or n) as (T, n)."""
        return np.ascontiguousarray(np.broadcast_to(data, (self.count, n)))

    def at_sites(self, path: str, given: Amount, unit: str, sites: Int) -> Float:
        """Return a plain number at each of some sites and periods, shape (T, n)."""
        return self._everywhere(self.values.plain(path, given, unit), sites)

    def rate_at(self, path: str, given: Amount, unit: str, sites: Int) -> Float:
        """Return a number per time, for one period at each of some sites, shape (T, n)."""
        return self._everywhere(self.values.per_period(path, given, unit), sites)

    def probability_at(self, path: str, given: Amount, sites: Int) -> Float:
        """Return a rate as the exact probability of each period at each of some sites, shape (T, n)."""
        return self._everywhere(self.values.probability(path, given), sites)

    def _everywhere(self, value: Value, sites: Int) -> Float:
        data = value.data
        if data.shape[1] > 1:
            data = data[:, sites] if sites[0] != OUTSIDE else data.mean(axis=1, keepdims=True)
        return self.over_time(data, len(sites))

    def blocks(self, part: str) -> tuple[tuple[int, StockBlock], ...]:
        """Return the stock blocks of a planner's stock or work, with their indices."""
        return tuple((i, b) for i, b in enumerate(self.stocks) if b.part == part and not b.waiting)

    def cell_at(self, block: StockBlock, sites: Int) -> Int:
        """Return the block's cell at each of some sites; a national block gives its one cell for every site."""
        if block.sites[0] == OUTSIDE:
            return np.full(len(sites), block.first, np.int64)
        place = block.cell_of
        return np.array([place.get(int(s), OUTSIDE) for s in sites], np.int64)


def _matches(site: Site, wanted: Mapping[str, object]) -> bool:
    for attribute, value in wanted.items():
        options = [value] if isinstance(value, str | int | float | bool) else list(value)  # type: ignore[call-overload]
        if str(site.attributes.get(attribute)) not in {str(o) for o in options}:
            return False
    return True
