"""Choices, lowered: a block for each tail and leg, with a queue before each later leg."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np

from fieldshift.network.graph import OUTSIDE, ChoiceBlock, Float, Int, StockBlock
from fieldshift.network.lowering import Charge, Lowering, Use, names, whole_start
from fieldshift.scenario.schema import Amount, Choice, Instructors, Stage

__all__ = ["lower_choice"]


class _Leg(NamedTuple):
    """One leg of a choice: what a planner's choice or stage says of it."""

    path: str
    given: Choice | Stage
    name: str
    stage: str
    last: bool


def lower_choice(desk: Lowering, name: str, choice: Choice) -> None:
    """Lower one choice to a block for each tail and leg, with a queue before each later leg."""
    tails = names(choice.tail)
    first: list[int] = []
    for tail in tails or (None,):
        label = name if len(tails) < 2 else f"{name}.{tail}"
        first.append(len(desk.choices))
        if choice.to is not None and not choice.returns:
            _lower_move(desk, name, label, choice)
            continue
        source = None if tail is None else desk.blocks(tail)[0][1]
        legs = _legs(name, label, choice)
        sites = _arc_sites(desk, source, choice)
        for i, leg in enumerate(legs):
            head = _head(desk, choice, source) if leg.last else None
            if not leg.last:
                head = _queue(desk, name, f"{legs[i + 1].name}.waiting", sites)
            _put_leg(desk, choice, leg, (source, head, sites), i > 0)
            source = head
    desk.parts[name] = tuple(first)


def _legs(name: str, label: str, choice: Choice) -> list[_Leg]:
    if not choice.stages:
        return [_Leg(f"choices.{name}", choice, label, "", True)]
    last = len(choice.stages) - 1
    return [
        _Leg(
            f"choices.{name}.stages.{i}",
            stage,
            label if i == 0 else f"{label}.{stage.name}",
            stage.name,
            i == last,
        )
        for i, stage in enumerate(choice.stages)
    ]


def _arc_sites(desk: Lowering, source: StockBlock | None, choice: Choice) -> Int:
    """Return the site of each arc: where the tail is; from outside or from the nation, where the head is."""
    usable = set(desk.where(choice.at).tolist())
    place = source
    if source is None or source.sites[0] == OUTSIDE:
        head = None if choice.head is None else desk.blocks(choice.head)[0][1]
        place = head if head is not None else source
    if place is None:
        return desk.where(choice.at)
    if place.sites[0] == OUTSIDE:
        return place.sites
    return np.array([s for s in place.sites.tolist() if s in usable], np.int64)


def _head(desk: Lowering, choice: Choice, source: StockBlock | None) -> StockBlock | None:
    """Return the block that the last leg enters: the new hands' where they come as new ones."""
    if choice.returns or choice.head is None:
        return source if choice.returns else None
    blocks = desk.blocks(choice.head)
    as_new = choice.arrive_as
    if as_new is None:
        tails = [desk.blocks(t)[0][1] for t in names(choice.tail)]
        as_new = "experienced" if tails and all(t.on_strength for t in tails) else "new"
    return blocks[-1][1] if as_new == "new" else blocks[0][1]


def _queue(desk: Lowering, part: str, name: str, sites: Int) -> StockBlock:
    """Make the queue before a later leg or between two offices."""
    n = len(sites)
    none = np.zeros((desk.count, n))
    block = StockBlock(
        name,
        part,
        "person",
        desk.n_cells,
        sites,
        np.zeros(n),
        {"duty": "waiting"},
        False,
        1.0,
        1.0,
        none,
        none,
        None,
        None,
        True,
        name.replace("_", " "),
    )
    desk.stocks.append(block)
    desk.n_cells += n
    return block


def _cells(desk: Lowering, block: StockBlock | None, sites: Int) -> Int:
    return np.full(len(sites), OUTSIDE, np.int64) if block is None else desk.cell_at(block, sites)


def _named_cells(desk: Lowering, stock: str | None, sites: Int) -> Int:
    return _cells(desk, None if stock is None else desk.blocks(stock)[0][1], sites)


def _put_leg(
    desk: Lowering,
    choice: Choice,
    leg: _Leg,
    ends: tuple[StockBlock | None, StockBlock | None, Int],
    auto: bool,
) -> None:
    """Make the block of one leg, with what it uses and costs."""
    source, head, sites = ends
    given, path, n = leg.given, leg.path, len(ends[2])
    drop = np.zeros(desk.count)
    if given.dropout is not None:
        drop = desk.probability_at(f"{path}.dropout", given.dropout, np.array([OUTSIDE]))[:, 0]
    strength, pay = _employment(desk, choice, leg, source)
    teacher, per_trainee = _teachers(desk, path, given.instructors)
    least = None
    if choice.least is not None and not auto:
        value = desk.values.per_period(f"choices.{path.split('.')[1]}.least", choice.least, "person/week")
        least = desk.over_time(desk.spread(value, "even", sites), n)
    passing = desk.at_sites(f"{path}.pass", _as_amount(given.pass_), "1", np.array([OUTSIDE]))[:, 0]
    works_as = -1
    hosts = np.zeros(0, np.int64)
    serves = 0.0
    if choice.returns:
        hosts = desk.where(choice.to if choice.to is not None else choice.at)
        hosts = hosts[hosts >= 0]
        works_as = next(i for i, b in enumerate(desk.stocks) if source is not None and b.name == source.name)
        serves = desk.values.number(f"{path}.serves", choice.serves, "1")
    open_ = desk.periods.active(choice.start_from, choice.until).astype(np.float64)
    part = path.split(".")[1]
    block = ChoiceBlock(
        leg.name,
        part,
        0,
        _cells(desk, source, sites),
        _cells(desk, head, sites),
        sites,
        desk.values.duration(f"{path}.lasts", _as_amount(given.lasts)),
        passing,
        _named_cells(desk, given.fail_to, sites),
        drop,
        _named_cells(desk, given.drop_to, sites),
        desk.turns.get(f"choices.{part}.dropout", ()),
        np.ones(desk.count) if auto else open_,
        auto,
        choice.returns,
        hosts,
        works_as,
        serves,
        teacher,
        per_trainee,
        strength,
        1.0,
        1 if auto else choice.lump,
        least,
        choice.kind or ("detail" if choice.returns else part),
        leg.stage,
        choice.title or part.replace("_", " "),
    )
    fixed = None
    if choice.fixed_cost is not None and not auto:
        fixed = desk.at_sites(f"{path}.fixed_cost", choice.fixed_cost, "USD", np.array([OUTSIDE]))[:, 0]
    batch = None
    if choice.batch is not None and not auto:
        batch = desk.at_sites(f"choices.{part}.batch", choice.batch, "person", np.array([OUTSIDE]))[:, 0]
    whole = choice.whole and not auto
    begun = _begun(desk, path, given, block)
    block = dataclasses.replace(block, begun=begun, fixed=fixed, batch=batch, whole=whole)
    _put_choice(desk, block, given, path)
    if strength and pay.any() and block.lasts:
        owner = source.part if source is not None and not source.waiting else (choice.head or part)
        desk.transit_costs.append(Charge(owner, "stocks", _own(desk, block), np.repeat(pay, n, axis=1)))


def _begun(desk: Lowering, path: str, given: Choice | Stage, block: ChoiceBlock) -> Float | None:
    """Return those under way on the first day by slot, whole, as even over the leg's length as whole people can be."""
    if given.begun is None or not block.lasts:
        return None
    value = desk.values.plain(f"{path}.begun", given.begun, "person")
    n = len(block.tail)
    there = whole_start(desk.over_time(desk.spread(value, given.spread, block.sites), n)[0])
    slots = np.arange(block.lasts)[:, None] + np.arange(n)[None, :] * (block.lasts // 3 + 1)
    steps = np.floor((slots % block.lasts + 1) * there / block.lasts) - np.floor(
        (slots % block.lasts) * there / block.lasts
    )
    return np.asarray(steps)


def _own(desk: Lowering, block: ChoiceBlock) -> Int:
    first = sum(len(b.tail) for b in desk.choices[:-1])
    return np.arange(len(block.tail), dtype=np.int64) + first


def _put_choice(desk: Lowering, block: ChoiceBlock, given: Choice | Stage, path: str) -> None:
    first = sum(len(b.tail) for b in desk.choices)
    block = dataclasses.replace(block, first=first)
    desk.choices.append(block)
    arcs = np.arange(len(block.tail), dtype=np.int64) + first
    desk.transits += [Use(resource, arcs, use) for resource, use in given.uses.items()]
    desk.takes += [Use(resource, arcs, use) for resource, use in given.takes.items()]
    if given.cost is not None:
        cost = desk.at_sites(f"{path}.cost", given.cost, "USD/person", block.sites)
        desk.move_costs.append(Charge(block.part, "choices", arcs, cost))
    if given.upkeep is not None:
        upkeep = desk.rate_at(f"{path}.upkeep", given.upkeep, "USD/day", block.sites)
        desk.transit_costs.append(Charge(block.part, "choices", arcs, upkeep))


def _employment(desk: Lowering, choice: Choice, leg: _Leg, source: StockBlock | None) -> tuple[bool, Float]:
    """Return whether those on a leg are employed, and their pay in a period, shape (T, 1)."""
    said = leg.given.on_strength if leg.given.on_strength is not None else choice.on_strength
    tail = next(iter(names(choice.tail)), None)
    if said is None:
        contract = tail is None and choice.head is None
        said = contract or (tail is not None and desk.scenario.stocks[tail].on_strength)
    pay_path, pay = f"{leg.path}.pay", leg.given.pay
    if pay is None and choice.pay is not None:
        pay_path, pay = f"choices.{leg.path.split('.')[1]}.pay", choice.pay
    owner = tail or choice.head
    if pay is None and owner is not None:
        pay_path, pay = f"stocks.{owner}.pay", desk.scenario.stocks[owner].pay
    nation = np.array([OUTSIDE], np.int64)
    if pay is None or not said:
        return said, np.zeros((desk.count, 1))
    return said, desk.rate_at(pay_path, pay, "USD/year", nation)


def _teachers(desk: Lowering, path: str, instructors: Instructors | None) -> tuple[int, float]:
    if instructors is None:
        return -1, 0.0
    index = desk.blocks(instructors.stock)[0][0]
    return index, desk.values.number(f"{path}.instructors.per_trainee", instructors.per_trainee, "1")


def _as_amount(given: object) -> Amount:
    return given if isinstance(given, Amount) else Amount.model_validate(given)


def _lower_move(desk: Lowering, name: str, label: str, choice: Choice) -> None:
    """Lower a move between sites: from each home to a national pool, and a period later from there to the hosts."""
    tail = label.removeprefix(f"{name}.") if label != name else names(choice.tail)[0]
    source = desk.blocks(tail)[0][1]
    pool = _queue(desk, name, f"{label}.pool", np.array([OUTSIDE], np.int64))
    pool = desk.stocks[-1] = dataclasses.replace(pool, on_strength=source.on_strength)
    head = desk.blocks(choice.head or tail)[0][1]
    leg = _Leg(f"choices.{name}", choice, label, "", True)
    homes = _arc_sites(desk, source, choice)
    here = choice.model_copy(update={"to": None, "lasts": Amount(value=0), "cost": choice.cost})
    _put_leg(desk, here, leg._replace(given=here), (source, pool, homes), False)
    hosts = desk.where(choice.to if choice.to is not None else "sites")
    there = choice.model_copy(update={"to": None, "cost": None, "takes": {}, "lump": 1, "least": None})
    _put_leg(
        desk,
        there,
        _Leg(f"choices.{name}", there, f"{label}.arrive", "arrive", True),
        (pool, head, hosts),
        True,
    )
    last = desk.choices[-1]
    desk.choices[-1] = dataclasses.replace(last, lasts=max(last.lasts - 1, 0))
