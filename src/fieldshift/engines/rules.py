"""The built-in rules: schedule, fill, escalate, respond."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fieldshift.engines.asking import Arcs, Request, arcs_of, site_weights
from fieldshift.engines.remainders import add_rows
from fieldshift.engines.view import View
from fieldshift.network.graph import OUTSIDE, Bool, ChoiceBlock, Float, Int, Network, StockBlock
from fieldshift.scenario.schema import Amount, Escalate, Fill, Respond, Schedule
from fieldshift.scenario.values import Value, Values

__all__ = ["EscalateRule", "FillRule", "RespondRule", "RuleParts", "ScheduleRule"]


@dataclass(frozen=True)
class RuleParts:
    """What every rule needs: the network, the scenario's numbers, its own path, and the sites at which it acts."""

    network: Network
    values: Values
    path: str
    only: Bool

    def at(self, arcs: Arcs) -> Bool:
        """Return at which arcs the rule acts, shape (n,)."""
        return np.asarray(self.only[arcs.sites])


def _row(value: Value, period: int) -> Float:
    return np.asarray(value.data[min(period, len(value.data) - 1)])


class _Carry:
    """Keeps fractions of people until they make a whole one; the mean keeps none."""

    def __init__(self) -> None:
        self._left: Float | None = None

    def take(self, wanted: Float, whole: bool) -> Float:
        """Return whole numbers that follow the wanted ones over time, within one of their running sum."""
        if not whole:
            return wanted
        total = wanted + (0.0 if self._left is None else self._left)
        now = np.floor(total + 1e-9)
        self._left = total - now
        return np.asarray(now)


class ScheduleRule:
    """Ask for stated amounts from a date, from a table, or as a share of the tail."""

    def __init__(self, rule: Schedule, parts: RuleParts) -> None:
        self._rule, self._parts = rule, parts
        self._arcs = arcs_of(parts.network, rule.choice)
        self._active = parts.network.periods.active(rule.start_from, rule.until)
        self._amount = self._given(rule.amount, "amount", "person/week")
        self._share = self._given(rule.share, "share", "1/week")
        self._total = None if rule.total is None else parts.values.number(f"{parts.path}.total", rule.total, "person")
        self._carry, self._asked = _Carry(), 0.0 * np.zeros(1)
        self._weight = None
        if rule.spread != "tail":
            self._weight = site_weights(parts.network, rule.spread, self._arcs.sites)
        everywhere = np.arange(len(parts.network.sites))
        self._to = None if rule.to is None else site_weights(parts.network, rule.to, everywhere)

    def _given(self, given: Amount | None, key: str, unit: str) -> Value | None:
        return None if given is None else self._parts.values.per_period(f"{self._parts.path}.{key}", given, unit)

    def act(self, request: Request) -> None:
        """Ask, while the rule is active and its total is not reached."""
        view, arcs = request.view, self._arcs
        if not self._active[view.period]:
            return
        where = self._parts.at(arcs)
        if self._amount is not None and self._amount.per_site:
            wanted = np.broadcast_to(_row(self._amount, view.period), (view.draws, len(view.sites)))
            wanted = np.where(self._parts.only[:-1], wanted, 0.0)
            request.each_site(arcs, self._carry.take(wanted, view.whole))
        else:
            wanted = np.zeros(view.draws)
            if self._amount is not None:
                wanted = wanted + _row(self._amount, view.period)[0]
            if self._share is not None:
                there = np.where(where, request.present(arcs).T, 0.0)
                wanted = wanted + (there * _row(self._share, view.period)[0]).sum(axis=1)
            total = self._carry.take(wanted, view.whole)
            if self._total is not None:
                total = np.minimum(total, np.maximum(self._total - self._asked, 0.0))
                self._asked = self._asked + total
            request.nation(arcs, total, where, self._weight)
        if self._to is not None:
            request.send(arcs, self._to)


class _Counted(NamedTuple):
    """What counts towards a goal: rows of people in some cells, then under way on some legs.

    Attributes:
        cells, legs: Which cells and legs.
        of: Which of those rows each term is, shape (k,).
        into: Which site's goal each term counts towards, shape (k,).
        use: What part of it counts, by period, shape (T, k).
        width: How many goals there are.
    """

    cells: Int
    legs: tuple[ChoiceBlock, ...]
    of: Int
    into: Int
    use: Float
    width: int


class FillRule:
    """Bring a stock up to its posts, a need or a number, counting those on their way and the losses until then."""

    def __init__(self, rule: Fill, parts: RuleParts) -> None:
        self._rule, self._parts = rule, parts
        network = parts.network
        self._arcs = arcs_of(network, rule.choice)
        self._active = network.periods.active(rule.start_from, rule.until)
        self._lead = self._arcs.lasts
        if rule.lead is not None:
            self._lead = parts.values.duration(f"{parts.path}.lead", rule.lead)
        self._blocks = network.blocks_of(rule.stock)
        self._target, self._by_site = self._goal()
        cells = [c for b in self._blocks for c in range(b.first, b.first + len(b.sites))]
        self._inside = np.array(cells, np.int64)
        self._most = None
        if rule.most is not None:
            self._most = parts.values.per_period(f"{parts.path}.most", rule.most, "person/week")
        self._legs = [b for b in network.choices if not b.returns and self._leads_here(b.part)]
        self._sources = self._counted()

    def _staying(self, block: StockBlock) -> Float:
        """Return the chance that somebody in a cell is still there after the lead, by period, shape (T, n)."""
        stay = np.ones((self._parts.network.periods.count, len(block.sites)))
        for arc in self._parts.network.chances:
            mine = (arc.tail >= block.first) & (arc.tail < block.first + len(block.sites))
            out = np.flatnonzero(mine & ~np.isin(arc.head, self._inside))
            np.subtract.at(stay.T, arc.tail[out] - block.first, arc.p[:, out].T)
        return np.asarray(np.maximum(stay, 0.0) ** self._lead)

    def _leads_here(self, part: str) -> bool:
        return any(np.isin(b.head, self._inside).any() for b in self._parts.network.choices if b.part == part)

    def _goal(self) -> tuple[Float, bool]:
        """Return the target in each period, by site (T, S) or national (T, 1)."""
        upto, block, network = self._rule.upto, self._blocks[0], self._parts.network
        by_site = bool(block.sites[0] != OUTSIDE)
        count = network.periods.count
        if isinstance(upto, str) and upto in ("funded", "authorised"):
            posts = block.funded if upto == "funded" else block.authorised
            return (np.zeros((count, 1)) if posts is None else self._wide(posts, block.sites, by_site)), by_site
        need = next((n for n in network.needs if n.name == upto), None)
        if need is not None:
            return self._wide(need.need, need.sites, bool(need.sites[0] != OUTSIDE)), bool(need.sites[0] != OUTSIDE)
        given = upto if isinstance(upto, Amount) else Amount.model_validate(upto)
        value = self._parts.values.plain(f"{self._parts.path}.upto", given, "person")
        return np.broadcast_to(value.data, (count, value.data.shape[1])), value.per_site and by_site

    def _wide(self, data: Float, sites: np.ndarray, by_site: bool) -> Float:
        if not by_site:
            return data
        wide = np.zeros((len(data), len(self._parts.network.sites)))
        wide[:, sites] = data
        return wide

    def act(self, request: Request) -> None:
        """Ask for what is missing, grossed up for those who will not arrive."""
        view = request.view
        if not self._active[view.period]:
            return
        goal = self._target[min(view.period + self._lead, len(self._target) - 1)]
        have = self._have(view)
        if not self._by_site:
            missing = np.maximum(goal[0] - have.sum(axis=1), 0.0) / max(self._arcs.passing, 1e-6)
            missing = self._bounded(missing[:, None], view)[:, 0]
            total = np.floor(missing + 1e-9) if view.whole else missing
            request.nation(self._arcs, total, self._parts.at(self._arcs))
            return
        missing = np.maximum(goal[None, :] - have, 0.0) / max(self._arcs.passing, 1e-6)
        missing = np.where(self._parts.only[:-1], self._bounded(missing, view), 0.0)
        wanted = np.floor(missing + 1e-9) if view.whole else missing
        request.each_site(self._arcs, wanted)

    def _bounded(self, missing: Float, view: View) -> Float:
        if self._most is None:
            return missing
        most = _row(self._most, view.period)
        if self._most.per_site:
            return np.minimum(missing, most if missing.shape[1] > 1 else most.sum())
        total = missing.sum(axis=1, keepdims=True)
        cut: Float = np.divide(np.minimum(total, most[0]), total, out=np.zeros_like(total), where=total > 0)
        return missing * cut

    def _counted(self) -> _Counted:
        """Return what counts towards the goal: who is there, and who is on the way or between two legs."""
        network = self._parts.network
        legs = [b for b in self._legs if not self._by_site or b.sites[0] != OUTSIDE]
        cells = np.unique(np.concatenate([self._inside, *(b.tail for b in legs if b.auto)]))
        into = [b.sites for b in self._blocks]
        of = [np.searchsorted(cells, np.arange(b.first, b.first + len(b.sites))) for b in self._blocks]
        use = [self._staying(block) for block in self._blocks]
        first = len(cells)
        for leg in legs:
            rest = np.full((network.periods.count, len(leg.sites)), self._rest(leg.part, leg.name))
            of += [first + np.arange(len(leg.sites)), *([np.searchsorted(cells, leg.tail)] if leg.auto else [])]
            into, use = into + [leg.sites] * (1 + leg.auto), use + [rest] * (1 + leg.auto)
            first += len(leg.sites)
        column = np.concatenate(into) if self._by_site else np.zeros(sum(map(len, into)), np.int64)
        width = len(network.sites) if self._by_site else 1
        return _Counted(cells, tuple(legs), np.concatenate(of), column, np.concatenate(use, axis=1), width)

    def _have(self, view: View) -> Float:
        """Return those there at the end of the lead and those on their way, by site (D, S) or national (D, 1)."""
        own = self._sources
        have = np.zeros((own.width, view.draws))
        there = np.ascontiguousarray(view.cells.T[own.cells])
        coming = [view.on_leg(leg).T for leg in own.legs]
        under = np.ascontiguousarray(np.concatenate(coming)) if coming else have[:0]
        add_rows(have, own.into, there, under, own.of, own.use[view.period])
        return have.T

    def _rest(self, part: str, name: str) -> float:
        """Return the chance that somebody on a leg arrives in the end."""
        legs = [b for b in self._parts.network.choices if b.part == part]
        at = next(i for i, b in enumerate(legs) if b.name == name)
        later = [b for b in legs[at + 1 :] if b.auto]
        return float(np.prod([b.passing[0] for b in (legs[at], *later)]))


class EscalateRule:
    """Watch an output over a window against a target; press first, then add people."""

    def __init__(self, rule: Escalate, parts: RuleParts) -> None:
        self._rule, self._parts = rule, parts
        network, values, path = parts.network, parts.values, parts.path
        self._works = [w.removesuffix(".served") for w in ([rule.watch] if isinstance(rule.watch, str) else rule.watch)]
        self._window = max(values.duration(f"{path}.window", rule.window), 1)
        self._cooldown = values.duration(f"{path}.cooldown", rule.cooldown)
        self._below = values.per_period(f"{path}.below", rule.below, "case/week")
        self._active = network.periods.active(rule.start_from, rule.until)
        self._dial = -1 if rule.first is None else network.dials.names.index(rule.first.dial)
        self._arcs = None if rule.then is None else arcs_of(network, rule.then.choice)
        self._add = None if rule.then is None else values.plain(f"{path}.then.add", rule.then.add, "person")
        self._by_site = self._below.per_site
        self._wait: Float | None = None
        self._carry = _Carry()

    def act(self, request: Request) -> None:
        """Press where output is short; where the dial is at its end already, add people."""
        view = request.view
        width = len(view.sites) if self._by_site else 1
        if self._wait is None:
            self._wait = np.zeros((view.draws, width))
        self._wait = np.maximum(self._wait - 1, 0)
        if not self._active[view.period] or view.period < self._window:
            return
        output = np.asarray(sum(self._output(view, work, width) for work in self._works))
        short = (output < _row(self._below, view.period) * self._window - 1e-9) & (self._wait <= 0)
        if self._by_site:
            short = short & self._parts.only[:-1]
        if not short.any():
            return
        pressed = self._press(request, short) if self._dial >= 0 else np.zeros_like(short)
        self._reinforce(request, short & ~pressed)
        self._wait = np.where(short, self._cooldown, self._wait)

    def _output(self, view: View, work: str, width: int) -> Float:
        served = view.served(work, self._window)
        if served.shape[1] == width:
            return served
        if width == 1:
            return np.asarray(served.sum(axis=1, keepdims=True))
        block = next(b for b in view.network.serves if b.name == work)
        wide = np.zeros((view.draws, width))
        wide[:, block.sites] = served
        return wide

    def _press(self, request: Request, short: Bool) -> Bool:
        """Turn the dial where output is short and the dial is not at its end yet; return where."""
        first, dials = self._rule.first, request.view.network.dials
        assert first is not None
        setting = request.settings()
        columns = slice(0, short.shape[1]) if self._by_site else slice(None)
        now = setting[:, self._dial, columns]
        aim = np.full_like(now, first.to) if first.to is not None else now + (first.by or 0.0)
        aim = np.clip(aim, dials.low[self._dial], dials.high[self._dial])
        pressed = short & (np.abs(aim - now) > 1e-12)
        setting[:, self._dial, columns] = np.where(pressed, aim, now)
        if self._by_site:
            setting[:, self._dial, -1] = setting[:, self._dial, :-1].mean(axis=1)
            return pressed
        return np.asarray(pressed.any(axis=1, keepdims=True))

    def _reinforce(self, request: Request, where: Bool) -> None:
        if self._arcs is None or self._add is None or not where.any():
            return
        view = request.view
        amount = where * _row(self._add, view.period)
        if self._by_site and self._arcs.hosts:
            total = self._carry.take(amount.sum(axis=1), view.whole)
            everywhere = np.ones(len(self._arcs.index), np.bool_)
            request.nation(self._arcs, total, everywhere, request.present(self._arcs))
            request.send(self._arcs, where.astype(np.float64))
        elif self._by_site:
            request.each_site(self._arcs, np.floor(amount + 1e-9) if view.whole else amount)
        else:
            total = self._carry.take(amount.sum(axis=1), view.whole)
            request.nation(self._arcs, total, self._parts.at(self._arcs))


class RespondRule:
    """What the system does by itself: a dial follows a load above a threshold."""

    def __init__(self, rule: Respond, parts: RuleParts) -> None:
        self._rule, self._parts = rule, parts
        network, values, path = parts.network, parts.values, parts.path
        self._dial = network.dials.names.index(rule.dial)
        self._active = network.periods.active(rule.start_from, rule.until)
        self._relax = max(values.duration(f"{path}.relax", rule.relax), 1)
        self._above = values.plain(f"{path}.above", rule.above, "1|case|case/person")

    def act(self, request: Request) -> None:
        """Move the dial a part of the way to where the load would have it."""
        view = request.view
        if not self._active[view.period]:
            return
        load, sites = self._load(view)
        above = np.maximum(_row(self._above, view.period), 1e-12)
        excess = np.maximum(load / (above[sites] if len(above) > 1 and sites[0] >= 0 else above[0]) - 1.0, 0.0)
        aim = view.network.dials.start[self._dial] + self._rule.gain * excess
        setting = request.settings()
        if sites[0] == OUTSIDE:
            now = setting[:, self._dial, :]
            setting[:, self._dial, :] = now + (aim - now) / self._relax
            return
        now = setting[:, self._dial, sites]
        mine = self._parts.only[sites]
        setting[:, self._dial, sites] = np.where(mine, now + (aim - now) / self._relax, now)
        setting[:, self._dial, -1] = setting[:, self._dial, :-1].mean(axis=1)

    def _load(self, view: View) -> tuple[Float, np.ndarray]:
        name, what = self._rule.watch.rsplit(".", 1)
        block = view.network.blocks_of(name)[0]
        if what == "used":
            return view.share_used(name), block.sites
        backlog = view.backlog(name)
        if what == "backlog":
            return backlog, block.sites
        serve = next(b for b in view.network.serves if b.name == name)
        heads = np.zeros_like(backlog)
        for index, _ in serve.by:
            stock = view.network.stocks[index]
            there = view.cells[:, stock.cells]
            if stock.sites.shape == block.sites.shape and (stock.sites == block.sites).all():
                heads += there
            else:
                heads += there.sum(axis=1, keepdims=True) / (1 if block.sites[0] == OUTSIDE else len(block.sites))
        return np.divide(backlog, heads, out=np.zeros_like(backlog), where=heads > 0), block.sites
