"""What became of a scenario's goals and needs in each future, from the records of a batch.

A goal's value here is the goal of `optimize`, taken from what was counted instead of from a program's columns: on the
mean path of a plan that decides in every period both are the same number. Chance is in it: the cost of a future is
the money that was spent in it, not its expectation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fieldshift.engines.fit import dot
from fieldshift.engines.sums import add_at, weighted
from fieldshift.errors import UsageError
from fieldshift.network.graph import Bool, Float, Network, StockBlock
from fieldshift.results.trace import Trace
from fieldshift.scenario.schema import Goal

__all__ = ["Outcome", "deciding", "label_of", "outcome", "present", "sign_of", "under_way", "unit_of"]

_TINY = 1e-6

_UNITS = {"short": "person-periods", "over": "person-periods", "backlog": "case-periods", "people": "person-periods"}


@dataclass(frozen=True)
class Outcome:
    """What became of one batch.

    Attributes:
        goals: Value of each goal in each future, in its own unit and direction, shape (goals, D).
        met: For each need, whether it was met at each of its sites, shape (D, T, n).
        short: For each need, people short of it in the nation, shape (D, T).
    """

    goals: Float
    met: dict[str, Bool]
    short: dict[str, Float]


def sign_of(goal: Goal) -> float:
    """Return 1 where less is better, -1 where more is."""
    return -1.0 if goal.most is not None else 1.0


def label_of(goal: Goal) -> str:
    """Return a goal in words: `least short of needs.field`."""
    word = f"least {goal.least}" if goal.least is not None else f"most {goal.most}"
    of = goal.of if isinstance(goal.of, str) else ", ".join(goal.of or ())
    return word + (f" of {of}" if of else "") + (" at the end" if goal.at == "end" else "")


def unit_of(goal: Goal, network: Network) -> str:
    """Return the unit of a goal's value."""
    word = goal.least or goal.most or ""
    unit = {"cost": network.currency, "served": "cases"}.get(word, _UNITS.get(word, ""))
    return unit.removesuffix("-periods") if goal.at == "end" else unit.replace("-periods", f"-{network.periods.step}s")


def outcome(trace: Trace, network: Network, goals: Sequence[Goal]) -> Outcome:
    """Return what became of goals and needs.

    Args:
        trace: All records of a batch.
        network: The network that it was lived on.
        goals: The goals.

    Raises:
        UsageError: A goal that there is not.
    """
    here = _Here(trace, network)
    met, missing = {}, {}
    for need in network.needs:
        gap = here.gap(need.name)
        met[need.name] = gap <= _TINY
        missing[need.name] = np.maximum(gap, 0.0).sum(axis=2)
    values = [here.value(goal) for goal in goals]
    return Outcome(np.stack(values) if values else np.zeros((0, len(trace.people))), met, missing)


def deciding(trace: Trace, network: Network) -> Float:
    """Return the count in each cell when a policy looks, after steps 1 and 2 of each period, shape (D, T, C)."""
    there = np.array(trace.people[:, :-1], np.float64)
    for block in network.choices:
        if block.lasts:
            _add(there, block.head, trace.passed[:, :, block.arcs], 1.0)
            _add(there, block.fail, trace.failed[:, :, block.arcs], 1.0)
    for chance in network.chances:
        if chance.opening:
            flowed = trace.flowed[:, :, chance.arcs]
            _add(there, chance.tail, flowed, -1.0)
            _add(there, chance.head, flowed, 1.0)
    return there


def under_way(trace: Trace, network: Network, before: bool) -> Float:
    """Return those under way on each choice arc in each period, before its moves or after them, shape (D, T, A)."""
    if not before:
        return np.asarray(np.array(trace.under_way[:, 1:], np.float64) + trace.dropped)
    way = np.array(trace.under_way[:, :-1], np.float64)
    for block in network.choices:
        if block.lasts:
            way[:, :, block.arcs] -= trace.passed[:, :, block.arcs] + trace.failed[:, :, block.arcs]
    return way


def present(trace: Trace, network: Network) -> Float:
    """Return the count in each cell after the moves and the serving of each period, shape (D, T, C).

    The closing count, with steps 8 and 9 taken back: who flowed goes back to the tail, who dropped out or entered goes
    out again.
    """
    there = np.array(trace.people[:, 1:], np.float64)
    for chance in network.chances:
        if not chance.opening:
            flowed = trace.flowed[:, :, chance.arcs]
            _add(there, chance.tail, flowed, 1.0)
            _add(there, chance.head, flowed, -1.0)
    for block in network.choices:
        if block.lasts and block.drop.any():
            _add(there, block.drop_to, trace.dropped[:, :, block.arcs], -1.0)
    for entry in network.entries:
        _add(there, entry.head, trace.entered[:, :, entry.arcs], -1.0)
    return there


class _Here:
    """The records of one batch, and who was present in its periods."""

    def __init__(self, trace: Trace, network: Network) -> None:
        self.trace, self.network = trace, network
        self.draws = len(trace.people)
        self.present = present(trace, network)
        self._gaps: dict[str, Float] = {}

    def gap(self, name: str) -> Float:
        """Return need minus those who meet it, at each of its sites, negative where there are more, (D, T, n)."""
        if name not in self._gaps:
            need = next(n for n in self.network.needs if n.name == name)
            people = deciding(self.trace, self.network) if need.opening else self.present
            shape = (*need.need.shape, self.draws)
            gap = np.moveaxis(np.array(np.broadcast_to(need.need[:, :, None], shape)), -1, 0)
            for cell, row, weight in zip(*need.cells, strict=True):
                gap[:, :, row] -= weight * people[:, :, cell]
            if len(need.transit[0]):
                way = under_way(self.trace, self.network, need.opening)
                for arc, row, weight in zip(*need.transit, strict=True):
                    gap[:, :, row] -= weight * way[:, :, arc]
            self._gaps[name] = gap
        return self._gaps[name]

    def value(self, goal: Goal) -> Float:
        """Return the value of a goal in each future, shape (D,)."""
        word = goal.least or goal.most
        named = () if goal.of is None else (goal.of,) if isinstance(goal.of, str) else goal.of
        names, end = {n.split(".", 1)[-1] for n in named}, goal.at == "end"
        if word == "cost":
            return self._cost()
        if word in ("short", "over"):
            sign = 1.0 if word == "short" else -1.0
            gaps = [self.gap(n.name) for n in self.network.needs if not names or n.name in names]
            return self._sum([np.maximum(sign * g, 0.0) for g in gaps], end)
        if word in ("backlog", "people"):
            kind = "case" if word == "backlog" else "person"
            counted = [b for b in self.network.stocks if _counts(b, kind, names)]
            return self._sum([self.trace.people[:, 1:, b.cells] for b in counted], end)
        if word == "served":
            serves = [b for b in self.network.serves if not names or b.name in names]
            return self._sum([self.trace.served[:, :, b.arcs] for b in serves], end)
        raise UsageError(f"no goal {word!r} (known: least short, over, backlog, cost, people; most served, people)")

    def _sum(self, parts: Sequence[np.ndarray], end: bool) -> Float:
        total = np.zeros(self.draws)
        for part in parts:
            kept = part[:, -1:] if end else part
            total += weighted(np.moveaxis(kept, 0, -1), np.ones(kept.shape[1:]))
        return total

    def _cost(self) -> Float:
        """Return all money spent, and the prices of what was short of needs and over them, shape (D,)."""
        trace, costs = self.trace, self.network.costs
        way = under_way(trace, self.network, False)
        total = np.zeros(self.draws)
        for counts, each in (
            (self.present, costs.cell),
            (way, costs.transit),
            (trace.moved, costs.move),
            (trace.served, costs.serve),
        ):
            if each.any():
                total += weighted(np.moveaxis(counts, 0, -1), np.ascontiguousarray(each, np.float64))
        for block in self.network.choices:
            if block.fixed is not None and block.fixed.any():
                used = np.asarray((trace.moved[:, :, block.arcs] > _TINY).any(axis=2), np.float64)
                total += dot(used, block.fixed)
        return total + self._prices()

    def _prices(self) -> Float:
        """Return what being short of needs and over them costs; each step of a price is filled up in turn."""
        total = np.zeros(self.draws)
        for need in self.network.needs:
            for slack, sign in ((need.short, 1.0), (need.over, -1.0)):
                if slack is None:
                    continue
                left = np.maximum(sign * self.gap(need.name), 0.0)
                widths = [slack.first_most, *(most for _, most in slack.steps)]
                widths[-1] = np.inf
                prices = [slack.price, *(np.full_like(slack.price, price) for price, _ in slack.steps)]
                for price, width in zip(prices, widths, strict=True):
                    now: Float = np.minimum(left, width)
                    total += weighted(np.moveaxis(now, 0, -1), np.ascontiguousarray(price, np.float64))
                    left = left - now
        return total


def _counts(block: StockBlock, kind: str, names: set[str]) -> bool:
    return block.kind == kind and not block.waiting and (not names or block.part in names)


def _add(there: Float, cells: np.ndarray, amount: np.ndarray, sign: float) -> None:
    """Add amounts (D, T, k) to cells (k,), skipping OUTSIDE; cells may repeat."""
    add_at(np.moveaxis(there, 0, -1), cells.astype(np.int64), np.moveaxis(amount, 0, -1), sign)
