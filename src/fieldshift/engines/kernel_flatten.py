"""From a network to the flat arrays of `kernel_tables.py`, once per network and run."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Sequence
from threading import Lock

import numpy as np
import numpy.typing as npt

from fieldshift.engines.kernel_rows import Turns
from fieldshift.engines.kernel_tables import Entries, Flat, Flows, Legs, Lines, Plain, Rows, Serves
from fieldshift.engines.luck import cell_keys
from fieldshift.network.graph import OUTSIDE, ChoiceBlock, Float, Int, Network

__all__ = ["flatten"]

_TINY = 1e-9
_NO_TEACHER, _LOOSE = -2, -1


def _ints(values: Iterable[int] | Int) -> Int:
    return np.array(values if isinstance(values, np.ndarray) else list(values), np.int64)


def _joined(parts: Sequence[npt.ArrayLike], kind: type = np.int64) -> npt.NDArray[np.generic]:
    return np.concatenate([np.asarray(p, kind).reshape(-1) for p in parts] or [np.zeros(0, kind)])


def _pointers(sizes: Iterable[int]) -> Int:
    return np.concatenate([[0], np.cumsum(_ints(sizes))]).astype(np.int64)


def _by_period(parts: Sequence[Float], periods: int) -> tuple[Int, Float]:
    """Return which row holds in each period, and the different rows of the parts side by side."""
    changed = np.zeros(periods, np.bool_)
    for part in parts:
        changed[1:] |= (part[1:] != part[:-1]).any(axis=1)
    row = np.cumsum(changed)
    first = np.concatenate([[0], np.flatnonzero(changed)]) if periods else np.zeros(0, np.int64)
    width = sum(p.shape[1] for p in parts)
    rows = np.zeros((len(first), width))
    at = 0
    for part in parts:
        rows[:, at : at + part.shape[1]] = part[first]
        at += part.shape[1]
    return row.astype(np.int64), rows


def _sites(sites: Int, network: Network) -> Int:
    """Return the lane of each site; the nation is the last one."""
    return np.where(sites == OUTSIDE, len(network.sites), sites).astype(np.int64)


def _turns(network: Network) -> Turns:
    """Return all turns; owners are chance, entry, choice, serve and stock blocks, in this order."""
    given = [b.turns for b in (*network.chances, *network.entries, *network.choices, *network.serves)]
    given += [tuple(network.hours_turns.get(s.name, ())) for s in network.stocks]
    flat = [turn for turns in given for turn in turns]
    return Turns(
        _pointers(len(t) for t in given), _ints(d for d, _ in flat), np.array([s for _, s in flat], np.float64)
    )


def _apart(tail: Int) -> list[Int]:
    """Return arcs in groups with no tail twice in a group, each tail's arcs in order."""
    order = np.argsort(tail, kind="stable")
    first = np.concatenate([[True], np.diff(tail[order]) != 0]) if len(tail) else np.zeros(0, np.bool_)
    turn = np.arange(len(tail)) - np.maximum.accumulate(np.where(first, np.arange(len(tail)), 0))
    return [np.sort(order[turn == k]) for k in range(int(turn.max(initial=-1)) + 1)]


def _flows(network: Network) -> Flows:
    blocks, periods = network.chances, network.periods.count
    tail, head = _joined([b.tail for b in blocks]), _joined([b.head for b in blocks])
    block = _joined([np.full(len(b.tail), i) for i, b in enumerate(blocks)])
    opening = np.array([b.opening for b in blocks], np.uint8)[block]
    of_tail = network.cell_site[tail]
    of_head = np.where(head >= 0, network.cell_site[head] if len(head) else head, OUTSIDE)
    site = _sites(np.where(of_tail >= 0, of_tail, of_head), network)
    row, p = _by_period([b.p for b in blocks], periods)
    turned = np.array([bool(b.turns) for b in blocks], np.bool_)
    given, before, dialled = np.zeros_like(p), np.ones_like(p), np.zeros(len(tail), np.uint8)
    for when in (False, True):
        left, loose = np.ones((len(p), network.n_cells)), np.zeros(network.n_cells, np.bool_)
        for i, b in enumerate(blocks):
            for arcs in _apart(tail[b.arcs]) if b.opening is when else ():
                mine, cells = arcs + b.first, tail[b.first + arcs]
                before[:, mine] = left[:, cells]
                own = np.minimum(p[:, mine], left[:, cells])
                some = left[:, cells] > _TINY
                part = np.divide(own, left[:, cells], out=np.zeros_like(own), where=some)
                given[:, mine] = np.minimum(part, 1.0)
                left[:, cells] -= own
                dialled[mine] = np.where(loose[cells], 1, 2 * turned[i])
                loose[cells] |= turned[i]
    log = np.log1p(-np.minimum(given, 1.0 - given))
    first, then = np.flatnonzero(opening), np.flatnonzero(opening == 0)
    return Flows(tail, head, site, block, block.copy(), first, then, dialled, row, p, given, before, log)


def _entries(network: Network) -> Entries:
    blocks = network.entries
    head = _joined([b.head for b in blocks])
    block = _joined([np.full(len(b.head), i) for i, b in enumerate(blocks)])
    row, mean = _by_period([b.mean for b in blocks], network.periods.count)
    site = _sites(network.cell_site[head], network)
    return Entries(head, site, block, block + len(network.chances), row, mean)


def _tied(network: Network, block: ChoiceBlock) -> list[int]:
    """Return the cell that teaches each arc, or _LOOSE where all cells of the teachers share it."""
    if block.teacher < 0 or not block.lasts:
        return [_NO_TEACHER] * len(block.tail)
    cell = network.stocks[block.teacher].cell_of
    return [cell.get(site, _LOOSE) for site in block.sites.tolist()]


def _host_cells(network: Network, block: ChoiceBlock) -> list[int]:
    if block.works_as < 0:
        return [OUTSIDE] * len(block.hosts)
    cell = network.stocks[block.works_as].cell_of
    return [cell.get(site, OUTSIDE) for site in block.hosts.tolist()]


def _pooled(block: ChoiceBlock) -> bool:
    return bool(block.auto and len(block.tail) > 1 and block.tail[0] == block.tail[1])


def _legs(network: Network) -> tuple[Legs, tuple[int, int, int, int]]:
    blocks = network.choices
    count = [len(b.tail) for b in blocks]
    pooled = [_pooled(b) for b in blocks]
    weighed = [len(b.hosts) if len(b.hosts) else c if p else 0 for b, c, p in zip(blocks, count, pooled)]
    ring = _pointers(b.lasts * c for b, c in zip(blocks, count))
    slot = _pointers(b.lasts if len(b.hosts) else 0 for b in blocks)
    hosted = _pointers(b.lasts * len(b.hosts) for b in blocks)
    host_row = _pointers(weighed)
    stocks = network.stocks
    owner = len(network.chances) + len(network.entries)
    legs = Legs(
        _ints(b.first for b in blocks), _ints(count), _ints(b.lasts for b in blocks), ring, slot, hosted,
        _ints(b.lump for b in blocks), np.array([b.auto for b in blocks], np.uint8), _ints(pooled),
        _ints(len(b.hosts) for b in blocks), host_row, np.array([b.serves for b in blocks], np.float64),
        _ints(stocks[b.teacher].first if b.teacher >= 0 and b.lasts else _NO_TEACHER for b in blocks),
        _ints(len(stocks[b.teacher].sites) if b.teacher >= 0 else 0 for b in blocks),
        np.array([b.per_trainee for b in blocks], np.float64), _ints(owner + i for i in range(len(blocks))),
        _stacked([b.open for b in blocks], network), _stacked([b.passing for b in blocks], network),
        _stacked([b.drop for b in blocks], network), _joined([b.tail for b in blocks]),
        _joined([b.head for b in blocks]), _joined([b.fail for b in blocks]),
        _joined([b.drop_to for b in blocks]), _sites(_joined([b.sites for b in blocks]), network),
        _joined([_tied(network, b) for b in blocks]),
        _joined([b.hosts if len(b.hosts) else np.zeros(w) for b, w in zip(blocks, weighed)]),
        _joined([_host_cells(network, b) if len(b.hosts) else np.zeros(w) for b, w in zip(blocks, weighed)]),
    )  # fmt: skip
    return legs, (int(ring[-1]), int(slot[-1]), int(hosted[-1]), int(host_row[-1]))


def _stacked(columns: Sequence[Float], network: Network) -> Float:
    """Return one column per block, shape (T, blocks)."""
    return np.ascontiguousarray(
        np.stack(columns, axis=1) if columns else np.zeros((network.periods.count, 0)), np.float64
    )


class _Lists:
    """Collects lists of indices and uses, one after another."""

    def __init__(self) -> None:
        self._index: list[Int] = []
        self._use: list[Float] = []

    def add(self, index: Int, use: Float) -> None:
        self._index.append(index)
        self._use.append(use)

    def done(self) -> tuple[Int, Int, Float]:
        return (
            _pointers(len(i) for i in self._index), _joined(self._index), _joined(self._use, np.float64)
        )  # fmt: skip


def _by_row(terms: tuple[Int, Int, Float], n: int) -> list[tuple[Int, Float]]:
    index, row, use = terms
    order = np.argsort(row, kind="stable")
    edges = np.searchsorted(row[order], np.arange(n + 1))
    parts = [order[a:b] for a, b in zip(edges[:-1], edges[1:], strict=True)]
    return [(index[p], use[p]) for p in parts]


def _rows(network: Network) -> Rows:
    hold, way, use, free, ranked = _Lists(), _Lists(), _Lists(), _Lists(), []
    sites = _joined([b.sites for b in network.choices])
    for limit in network.limits:
        n = len(limit.sites)
        for lists, terms in ((hold, limit.hold), (way, limit.transit)):
            for index, amount in _by_row(terms, n):
                lists.add(index, amount)
        for arcs, amount in _by_row(limit.move, n):
            some = amount > _TINY
            mine, needs = arcs[some], amount[some]
            if limit.rank is not None:
                place = np.where(sites[mine] >= 0, limit.rank[sites[mine]], np.inf)
                order = np.argsort(place, kind="stable")
                mine, needs = mine[order], needs[order]
            use.add(mine, needs)
            free.add(arcs[amount < -_TINY], amount[amount < -_TINY])
            ranked.append(limit.rank is not None)
    row, cap = _by_period([m.most(True) for m in network.limits], network.periods.count)
    tails = _joined([b.tail for b in network.choices])
    inside = np.flatnonzero(tails >= 0)
    order = inside[np.argsort(tails[inside], kind="stable")]
    cells, starts = np.unique(tails[order], return_index=True)
    return Rows(
        row, cap, np.array(ranked, np.uint8), *hold.done(), *way.done(), *use.done(), *free.done(),
        np.append(starts, len(order)).astype(np.int64), order, cells.astype(np.int64),
    )  # fmt: skip


def _serves(network: Network) -> Serves:
    blocks = network.serves
    group_ptr, weights, cell_ptr, cells, cell_weight = [0], [], [0], [], []
    for b in blocks:
        own = {stock: network.stocks[stock].cell_of for stock, _ in b.by}
        for site in b.sites.tolist():
            for stock, productivity in b.by:
                cell = own[stock]
                mine = list(cell.values()) if site == OUTSIDE else [cell[site]] if site in cell else []
                weight = productivity * network.stocks[stock].productivity
                weights.append(weight)
                cells += mine
                cell_weight += [weight] * len(mine)
                cell_ptr.append(len(cells))
            group_ptr.append(len(weights))
    term_ptr, term_row, terms = [0], [], _Lists()
    of_limits = [(m.first, _by_row(m.serve, len(m.sites))) for m in network.limits if len(m.serve[0])]
    for b in blocks:
        for first, rows in of_limits:
            for r, (arcs, use) in enumerate(rows):
                mine = (arcs >= b.arcs.start) & (arcs < b.arcs.stop)
                if mine.any():
                    terms.add(arcs[mine], use[mine])
                    term_row.append(first + r)
        term_ptr.append(len(term_row))
    row, standard = _by_period([b.standard for b in blocks], network.periods.count)
    heads = [cells for b in blocks for cells, _ in b.heads]
    owner = len(network.chances) + len(network.entries) + len(network.choices)
    return Serves(
        _ints(b.first for b in blocks), _ints(len(b.tail) for b in blocks), _ints(b.crew for b in blocks),
        _ints(owner + i for i in range(len(blocks))), _stacked([b.open for b in blocks], network),
        _joined([b.tail for b in blocks]), _sites(_joined([b.sites for b in blocks]), network), row, standard,
        _ints(group_ptr), np.array(weights, np.float64), _ints(cell_ptr), _ints(cells),
        np.array(cell_weight, np.float64), _pointers(len(b.heads) for b in blocks),
        np.array([s for b in blocks for _, s in b.heads], np.float64), _pointers(len(h) for h in heads),
        _joined(heads), _ints(term_ptr), _ints(term_row), *terms.done(),
    )  # fmt: skip


def _lines(network: Network) -> tuple[Lines, npt.NDArray[np.bool_]]:
    lines, periods = network.lines, network.periods.count

    def wide(name: str, width: int) -> list[Float]:
        return [np.asarray(getattr(line, name)).reshape(periods, width) for line in lines]

    sizes = (network.n_cells, network.n_choices, network.n_choices, network.n_serves)
    parts = [wide(n, w) for n, w in zip(("cell", "transit", "move", "serve"), sizes, strict=True)]
    row, joined = _by_period([p for group in parts for p in group], periods)
    found, at = [], 0
    for width in sizes:
        block = joined[:, at : at + width * len(lines)]
        found.append(np.ascontiguousarray(block).reshape(len(joined), len(lines), width))
        at += width * len(lines)
    lapses = [(line.move.max(axis=0) > 0) | (line.transit.max(axis=0) > 0) for line in lines]
    flags = np.array(lapses, np.uint8).reshape(len(lines), network.n_choices)
    opened = _stacked([line.open for line in lines], network)
    finite = [np.isfinite(line.cap[line.window]) for line in lines]
    limited = np.stack(finite, axis=1) if finite else np.zeros((periods, 0), np.bool_)
    return Lines(row, found[0], found[1], found[2], found[3], opened, flags), limited


def _plain(network: Network) -> Plain:
    row, hours = _by_period([b.hours for b in network.stocks], network.periods.count)
    owner = len(network.chances) + len(network.entries) + len(network.choices) + len(network.serves)
    block = _joined([np.full(len(b.sites), owner + i) for i, b in enumerate(network.stocks)])
    person = _joined([np.full(len(b.sites), b.kind == "person") for b in network.stocks], np.uint8)
    return Plain(row, hours, block, person)


_KNOWN: dict[int, tuple[weakref.ref[Network], Flat]] = {}
_LOCK = Lock()


def flatten(network: Network) -> Flat:
    """Return the tables of a network; they are kept as long as the network lives."""
    with _LOCK:
        known = _KNOWN.get(id(network))
    if known is not None and known[0]() is network:
        return known[1]
    legs, (ring, slot, hosted, host) = _legs(network)
    lines, finite = _lines(network)
    streams = {
        "flow": tuple(b.name for b in network.chances),
        "enter": tuple(b.name for b in network.entries),
        "pass": tuple(b.name for b in network.choices),
        "drop": tuple(b.name for b in network.choices),
        "become": tuple(b.name for b in network.serves),
    }
    flat = Flat(
        _flows(network), _entries(network), legs, _rows(network), _serves(network), lines, _plain(network),
        _turns(network), cell_keys(np.append(np.arange(len(network.sites)), OUTSIDE), network),
        _sites(network.cell_site, network), finite,
        streams, ring, slot, hosted, host,
    )  # fmt: skip
    key = id(network)
    with _LOCK:
        _KNOWN[key] = (weakref.ref(network, lambda _: _KNOWN.pop(key, None)), flat)
    return flat
