"""The fast engine equals the readable reference, draw for draw, and loses nobody."""

from __future__ import annotations

import dataclasses
import datetime as dt
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fieldshift.engines import chance, kernel
from fieldshift.engines.engine import Decision
from fieldshift.engines.kernel import Kernel
from fieldshift.engines.reference import Reference
from fieldshift.horizon import Periods
from fieldshift.network.graph import (
    OUTSIDE,
    ChanceBlock,
    ChoiceBlock,
    Dials,
    EntryBlock,
    Limit,
    Line,
    Network,
    ServeBlock,
    SiteTable,
    StockBlock,
)
from fieldshift.results.trace import Trace

T = 7


class Maker:
    """Makes a network with a bit of everything, from one number: cells, arcs, limits, money, dials."""

    def __init__(self, seed: int, sites: int | None = None) -> None:
        self.rng = np.random.default_rng(seed)
        self.s = int(self.rng.integers(1, 5)) if sites is None else sites
        self.stocks: list[StockBlock] = []
        self.cells = 0
        self.dials = int(self.rng.integers(0, 3))

    def some(self, share: float = 0.5) -> bool:
        return bool(self.rng.random() < share)

    def stock(self, kind: str, national: bool, top: float) -> StockBlock:
        sites = np.array([OUTSIDE]) if national else np.arange(self.s)
        if not national and self.s > 2 and self.some(0.2):
            sites = np.sort(self.rng.permutation(self.s)[: self.s - 1])
        n = len(sites)
        start = np.floor(self.rng.random(n) * top)
        hours = np.tile(self.rng.random(n) * 40.0, (T, 1)) if kind == "person" else np.zeros((T, n))
        name = f"{kind}{len(self.stocks)}"
        block = StockBlock(
            name, name, kind, self.cells, sites, start, {}, True, 1.0, float(self.rng.choice([1.0, 0.7])), hours, hours * 0.0,
        )  # fmt: skip
        self.cells += n
        self.stocks.append(block)
        return block

    def turns(self, share: float = 0.4) -> tuple[tuple[int, float], ...]:
        if not self.dials or not self.some(share):
            return ()
        return tuple(
            (int(self.rng.integers(self.dials)), float(self.rng.normal())) for _ in range(self.rng.integers(1, 3))
        )

    def heads(self, n: int, kind: str) -> np.ndarray:
        """Cells to go to: a stock of as many cells, one national cell for all, or OUTSIDE."""
        fitting = [b for b in self.stocks if b.kind == kind and len(b.sites) in (1, n)]
        if not fitting or self.some(0.3):
            return np.full(n, OUTSIDE)
        block = fitting[self.rng.integers(len(fitting))]
        return np.resize(np.arange(block.first, block.first + len(block.sites)), n)

    def probabilities(self, n: int) -> np.ndarray:
        scale = self.rng.choice([0.001, 0.05, 0.3, 1.0])
        p = np.tile(self.rng.random(n) * scale, (T, 1))
        return p * self.rng.random((T, 1)) if self.some(0.3) else p

    def chances(self, count: int) -> list[ChanceBlock]:
        found, first = [], 0
        for i in range(count):
            block = self.stocks[self.rng.integers(len(self.stocks))]
            tail = np.arange(block.first, block.first + len(block.sites))
            if len(tail) == 1 and self.some(0.4):
                tail = np.repeat(tail, self.s)
            n = len(tail)
            found.append(
                ChanceBlock(f"flow{i}", f"flow{i}", first, tail, self.heads(n, block.kind), self.probabilities(n),
                            self.some(0.3), self.turns(), "quit")
            )  # fmt: skip
            first += n
        return found

    def entries(self, count: int) -> list[EntryBlock]:
        found, first = [], 0
        for i in range(count):
            block = self.stocks[self.rng.integers(len(self.stocks))]
            head = np.arange(block.first, block.first + len(block.sites))
            mean = np.tile(self.rng.random(len(head)) * self.rng.choice([0.5, 8.0, 60.0, 900.0]), (T, 1))
            found.append(EntryBlock(f"enter{i}", f"enter{i}", first, head, mean, self.turns()))
            first += len(head)
        return found

    def choices(self, count: int) -> list[ChoiceBlock]:
        found, first = [], 0
        people = [b for b in self.stocks if b.kind == "person"]
        site_of = np.concatenate([b.sites for b in self.stocks])
        for i in range(count):
            block = people[self.rng.integers(len(people))]
            tail = np.arange(block.first, block.first + len(block.sites))
            if self.some(0.3):
                tail = np.full(self.s, OUTSIDE)
            elif len(tail) == 1 and self.some(0.6):
                tail = np.repeat(tail, self.s)
            n, lasts = len(tail), int(self.rng.choice([0, 1, 2, 4]))
            head = self.heads(n, "person")
            returns = lasts > 0 and tail[0] >= 0 and len(set(tail.tolist())) == n and self.some(0.4)
            head = tail if returns else head
            sites = np.where(tail >= 0, site_of[tail], np.where(head >= 0, site_of[head], OUTSIDE))
            sites = np.arange(self.s) if n == self.s and self.some(0.3) else sites
            hosts = (
                np.sort(self.rng.permutation(self.s)[: self.rng.integers(1, self.s + 1)])
                if returns
                else np.zeros(0, np.int64)
            )
            teacher = (
                int(self.rng.choice([b.first >= 0 and self.stocks.index(b) for b in people])) if self.some(0.3) else -1
            )
            works = self.stocks.index(people[0]) if returns and self.some(0.7) else -1
            found.append(
                ChoiceBlock(
                    f"choice{i}", f"choice{i}", first, tail, head, sites, lasts,
                    np.full(T, self.rng.choice([1.0, 0.9, 0.4])), self.heads(n, "person"),
                    np.full(T, self.rng.choice([0.0, 0.05, 0.4])), self.heads(n, "person"), self.turns(),
                    (self.rng.random(T) < 0.9).astype(float), bool(tail[0] >= 0 and not returns and self.some(0.3)),
                    returns, hosts, works, 0.9, teacher, 0.3, True, 1.0, int(self.rng.choice([1, 1, 3])), None, "move", "", "",
                    np.floor(self.rng.random((lasts, n)) * 5) if lasts and self.some(0.5) else None,
                )
            )  # fmt: skip
            first += n
        return found

    def serves(self, count: int) -> list[ServeBlock]:
        found, first = [], 0
        cases = [b for b in self.stocks if b.kind == "case"]
        people = [i for i, b in enumerate(self.stocks) if b.kind == "person"]
        for i in range(count):
            block = cases[self.rng.integers(len(cases))]
            tail = np.arange(block.first, block.first + len(block.sites))
            n = len(tail)
            by = tuple(
                (int(k), float(self.rng.choice([1.0, 0.5])))
                for k in self.rng.permutation(people)[: self.rng.integers(1, 3)]
            )
            shares = self.rng.choice([0.3, 0.5], int(self.rng.integers(0, 3)))
            heads = tuple((self.heads(n, "case"), float(share)) for share in shares)
            heads = tuple((h, share) for h, share in heads if h[0] >= 0)
            standard = np.tile(self.rng.random(n) * self.rng.choice([3.0, 40.0]), (T, 1))
            found.append(
                ServeBlock(f"serve{i}", first, tail, block.sites, heads, standard * self.rng.choice([1.0, 1.0, 0.0]), by,
                           int(self.rng.choice([1, 1, 7])), (self.rng.random(T) < 0.9).astype(float), None, self.turns(), i, "")
            )  # fmt: skip
            first += n
        return found

    def limits(self, count: int, arcs: int, serves: int) -> list[Limit]:
        found, first = [], 0
        rng = self.rng

        def terms(size: int, rows: int, low: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            if not size or self.some(0.3):
                return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
            k = int(rng.integers(1, size + 1))
            whole = rng.choice([1.0, 1.0, 1.0, 0.5, 2.0, low], k)
            return np.sort(rng.permutation(size)[:k]), rng.integers(0, rows, k), whole

        for i in range(count):
            national = self.some()
            sites = np.array([OUTSIDE]) if national else np.arange(self.s)
            n = len(sites)
            cap = np.tile(np.floor(rng.random(n) * 60.0) + 20.0, (T, 1))
            cap[:, rng.random(n) < 0.1] = np.inf
            rank = rng.permutation(self.s).astype(float) if self.some(0.3) else None
            found.append(
                Limit(f"limit{i}", "", first, sites, cap, terms(self.cells, n, 0.1), terms(arcs, n, 1.0), terms(arcs, n, -1.0),
                      terms(serves, n, 0.25), rank, "", "")
            )  # fmt: skip
            first += n
        return found

    def lines(self, count: int, arcs: int, serves: int, under_way: int) -> list[Line]:
        found, rng = [], self.rng
        window = (np.arange(T) >= T // 2).astype(np.int64)
        for i in range(count):
            cap = rng.random(2) * 20000.0 + 2000.0
            cap[rng.random(2) < 0.3] = np.inf

            def costs(width: int, low: float = 0.0) -> np.ndarray:
                row = np.round(low + rng.random(width) * 9.0, 1) * (rng.random(width) < 0.6)
                return np.tile(row, (T, 1)) * rng.random((T, 1)).round(2)

            ahead = np.tile(np.round(rng.random(under_way) * 5, 1), (T, 1))
            found.append(
                Line(f"line{i}", window, (2025, 2026), cap, cap, costs(self.cells), costs(arcs), costs(arcs), costs(serves),
                     (rng.random(T) < 0.9).astype(float), costs(self.cells), costs(arcs, -3.0), ahead, costs(serves),
                     np.zeros(T), "", "")
            )  # fmt: skip
        return found

    def network(self) -> Network:
        for _ in range(self.rng.integers(1, 4)):
            self.stock("person", self.some(0.3), float(self.rng.choice([3.0, 30.0, 400.0])))
        for _ in range(self.rng.integers(0, 3)):
            self.stock("case", self.some(0.3), float(self.rng.choice([30.0, 20000.0])))
        chances, entries = self.chances(int(self.rng.integers(0, 5))), self.entries(int(self.rng.integers(0, 3)))
        choices = self.choices(int(self.rng.integers(0, 5)))
        has_cases = any(b.kind == "case" for b in self.stocks)
        serves = self.serves(int(self.rng.integers(0, 4))) if has_cases else []
        a, b = sum(len(c.tail) for c in choices), sum(len(c.tail) for c in serves)
        under_way = sum(c.lasts * len(c.tail) for c in choices)
        limits = self.limits(int(self.rng.integers(0, 4)), a, b)
        lines = self.lines(int(self.rng.integers(0, 3)), a, b, under_way)
        k = self.dials
        turned = {s.name: t for s in self.stocks if s.kind == "person" and (t := self.turns(0.3))}
        ids = tuple(f"s{i}" for i in range(self.s))
        return Network(
            "made", Periods(dt.date(2025, 1, 6), T, "week"), SiteTable(ids, ids, np.arange(self.s), ({},) * self.s),
            tuple(self.stocks), tuple(chances), tuple(entries), tuple(choices), tuple(serves), tuple(limits), tuple(lines),
            Line("all", np.zeros(T, np.int64), (2025,), np.array([np.inf]), np.array([np.nan]), *(np.zeros((T, 0)),) * 4,
                 np.ones(T), *(np.zeros((T, 0)),) * 2, np.zeros((T, 0, 1)), np.zeros((T, 0)), np.zeros(T), "", ""),
            (), Dials(tuple(f"d{i}" for i in range(k)), np.full(k, 0.5), np.full(k, 1.5), np.ones(k)), {}, "USD", turned,
            np.concatenate([b.sites for b in self.stocks]).astype(np.int64),
        )  # fmt: skip


def decided(network: Network, period: int, futures: np.ndarray, seed: int) -> Decision:
    """What somebody might ask for, by the number of the future, whatever its batch."""

    def uniform(name: str, width: int) -> np.ndarray:
        cells = np.array([chance.stream_key(seed, str(i)) for i in range(width)], np.uint64)
        return chance.uniforms(chance.bases(chance.stream_key(seed, name), futures, cells, period))

    asked = np.floor(uniform("asked", network.n_choices) * 14.0) * (uniform("some", network.n_choices) < 0.7)
    hosts = {
        i: np.round(uniform(b.name, len(b.hosts) or len(b.tail)) * 3)
        for i, b in enumerate(network.choices)
        if (len(b.hosts) or len(b.tail) > 1) and (period + i) % 3
    }
    k, s = len(network.dials.names), len(network.sites) + 1
    dials = 0.4 + 1.2 * uniform("dials", k * s).reshape(-1, k, s) if k and period % 2 else None
    serve = np.floor(uniform("serve", network.n_serves) * 80.0) if network.n_serves and period % 4 == 1 else None
    return Decision(asked, hosts, dials, serve, auto=period != 3)


def lived(engine: Kernel | Reference, futures: np.ndarray, seed: int) -> Trace:
    for period in range(engine.network.periods.count):
        engine.begin(period)
        engine.finish(period, decided(engine.network, period, futures, seed))
    return engine.trace


def assert_equal(fast: Trace, slow: Trace) -> None:
    for item in dataclasses.fields(Trace):
        ours, theirs = np.asarray(getattr(fast, item.name)), np.asarray(getattr(slow, item.name))
        assert ours.shape == theirs.shape, item.name
        assert ours.dtype == theirs.dtype, item.name
        if ours.dtype.kind == "f":
            near = 1e-9 if ours.dtype == np.float64 else 2e-6
            scale = np.abs(theirs).max(initial=1.0)
            np.testing.assert_allclose(ours, theirs, rtol=near, atol=near * scale, err_msg=item.name)
        else:
            np.testing.assert_array_equal(ours, theirs, err_msg=item.name)


def balance(network: Network, trace: Trace) -> None:
    """In - out = change, in every cell and on every arc, in each future and period; nobody is below nothing."""
    net = np.zeros(np.diff(trace.people, axis=1).shape, np.int64)

    def put(cells: np.ndarray, amount: np.ndarray, sign: int) -> None:
        for k, cell in enumerate(cells.tolist()):
            if cell >= 0:
                net[:, :, cell] += sign * amount[:, :, k].astype(np.int64)

    for c in network.chances:
        put(c.tail, trace.flowed[:, :, c.arcs], -1)
        put(c.head, trace.flowed[:, :, c.arcs], 1)
    for e in network.entries:
        put(e.head, trace.entered[:, :, e.arcs], 1)
    for a in network.choices:
        put(a.tail, trace.moved[:, :, a.arcs], -1)
        put(a.head, trace.passed[:, :, a.arcs], 1)
        put(a.fail, trace.failed[:, :, a.arcs], 1)
        put(a.drop_to, trace.dropped[:, :, a.arcs], 1)
    for b in network.serves:
        put(b.tail, trace.served[:, :, b.arcs], -1)
    net += trace.became
    np.testing.assert_array_equal(net, np.diff(trace.people, axis=1))
    way = trace.moved - trace.passed - trace.failed - trace.dropped
    np.testing.assert_array_equal(way, np.diff(trace.under_way, axis=1))
    assert min(trace.people.min(initial=0), trace.under_way.min(initial=0)) >= 0


@pytest.mark.parametrize("seed", range(60))
def test_equals_the_reference(seed: int) -> None:
    network, futures = Maker(seed).network(), np.arange(5) * 3
    fast = lived(Kernel(network, seed, futures), futures, seed)
    assert_equal(fast, lived(Reference(network, seed, futures), futures, seed))
    balance(network, fast)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32 - 1), draws=st.integers(1, 12))
def test_equals_the_reference_on_any_network(seed: int, draws: int) -> None:
    network, futures = Maker(seed).network(), np.arange(draws) + seed % 7
    fast = lived(Kernel(network, seed, futures), futures, seed)
    assert_equal(fast, lived(Reference(network, seed, futures), futures, seed))
    balance(network, fast)


@pytest.mark.parametrize("seed", range(8))
def test_batches_change_nothing(seed: int) -> None:
    network, futures = Maker(seed, sites=3).network(), np.arange(64)
    whole = lived(Kernel(network, 5, futures), futures, 9)
    order = np.random.default_rng(seed).permutation(64)
    for part in (futures[:17], futures[17:], order):
        trace = lived(Kernel(network, 5, part), part, 9)
        for item in dataclasses.fields(Trace):
            ours, theirs = np.asarray(getattr(trace, item.name)), np.asarray(getattr(whole, item.name))
            assert np.array_equal(ours, theirs[part]), item.name


@pytest.mark.parametrize("record", [(), ("people",), ("served", "moved", "used")])
def test_only_what_is_wanted_is_recorded(record: Collection[str]) -> None:
    network, futures = Maker(3).network(), np.arange(6)
    whole = lived(Kernel(network, 1, futures), futures, 1)
    part = lived(Kernel(network, 1, futures, record), futures, 1)
    for item in dataclasses.fields(Trace):
        ours = np.asarray(getattr(part, item.name))
        if item.name in record:
            np.testing.assert_array_equal(ours, getattr(whole, item.name))
        else:
            assert ours.shape == (0,)


def test_a_field_that_no_trace_has_is_refused() -> None:
    with pytest.raises(ValueError, match="a trace has no moods"):
        Kernel(Maker(3).network(), 1, np.arange(2), {"moods"})


def test_what_a_policy_sees_cannot_be_written() -> None:
    engine = Kernel(Maker(3).network(), 1, np.arange(2))
    with pytest.raises(ValueError, match="read-only"):
        engine.people[0, 0] = 1.0


@pytest.mark.parametrize("case", ["academy", "ice-2024"])
def test_equals_the_reference_on_cases(case: str) -> None:
    from fieldshift.engines.policies import policy_of
    from fieldshift.engines.view import View
    from fieldshift.network.build import build
    from fieldshift.scenario.read import read

    scenario = read(case)
    network, futures = build(scenario), np.arange(3)
    name = list(scenario.policies)[-1]
    traces = []
    for make in (Kernel, Reference):
        engine, policy = make(network, 2, futures), policy_of(scenario, network, name)
        for period in range(30):
            engine.begin(period)
            engine.finish(period, policy.decide(View(engine, period)))
        traces.append(engine.trace)
    assert_equal(*traces)


def test_it_knows_that_it_is_compiled() -> None:
    network, futures = Maker(3).network(), np.arange(2)
    lived(Kernel(network, 1, futures), futures, 1)
    assert kernel.compiled()


def test_memory_is_used_again_only_when_nobody_sees_it() -> None:
    network, futures = Maker(3).network(), np.arange(6)
    first = lived(Kernel(network, 1, futures), futures, 1)
    kept, seen = first.people[1:, 2:], np.array(first.people[1:, 2:])
    del first
    for seed in range(4):
        lived(Kernel(network, seed, futures), futures, seed)
    np.testing.assert_array_equal(kept, seen)


def test_the_engine_is_compiled_where_nothing_can_be_written():
    """As for the user of a service: neither the installation nor a home."""
    code = (
        "import os; os.access = lambda *_: False; os.environ.pop('NUMBA_CACHE_DIR', None)\n"
        "import fieldshift, stat; room = os.environ['NUMBA_CACHE_DIR']\n"
        "print(room, oct(stat.S_IMODE(os.stat(room).st_mode)))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert told[1] == "0o700"
    assert not Path(told[0]).exists(), "it goes with the process"
