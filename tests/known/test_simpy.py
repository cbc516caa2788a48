"""The same small model written again, person by person, as a discrete-event simulation in SimPy.

It shares no code with the engines: every person and every case is a process or an item with a clock of its own.
Source of the method: Law (2015), Simulation Modeling and Analysis, 5th edition, section 9.4 (comparison of means).
"""

from __future__ import annotations

import random

import numpy as np
import pytest
import simpy
from told import CHANCE, Reference, live, told

WEEKS = 26
TEXT = """
stocks:
  desk: {start: 30 person, hours: 40 hour/week}
  field: {start: 12 person, hours: 40 hour/week}
flows: {leave: {tail: [desk, field], rate: 1.5 %/week}}
choices:
  retrain: {tail: desk, head: field, lasts: 4 week, pass: 80 %, fail_to: desk}
  hire: {head: desk, lasts: 6 week, dropout: 4 %/week, pass: 90 %}
work: {cases: {start: 20 case, arrive: 26 case/week, expire: 3 %/week, standard: 20 hour/case, by: field}}
policies:
  go:
    rules:
      - {rule: schedule, choice: retrain, amount: 2 person/week, until: 2025-04-30}
      - {rule: schedule, choice: hire, amount: 1 person/week}
"""
LAST_RETRAINING = 16  # the week of 28 April is the seventeenth


class Office:
    """One future. Within a week: arrivals at .0, decisions at .2, work at .3, chance at .5, entries at .6."""

    def __init__(self, seed: int) -> None:
        self.dice, self.env = random.Random(seed), simpy.Environment()
        self.place: dict[int, str] = {}
        self.cases: dict[int, float] = {}
        self.names = iter(range(10**9))
        self.seen: list[tuple[int, int, int, int, int]] = []
        self.finished = 0
        for place, count in (("desk", 30), ("field", 12)):
            for _ in range(count):
                self.env.process(self.career(place))
        for _ in range(20):
            self.env.process(self.case(0.0))
        self.env.process(self.manager())
        self.env.process(self.door())
        self.env.process(self.crews())
        self.env.process(self.clerk())
        self.env.run(until=WEEKS + 0.95)

    def count(self, place: str) -> list[int]:
        return [who for who, where in self.place.items() if where == place]

    def career(self, place: str):
        """A person: each week in which they have not just moved, they may leave."""
        me = next(self.names)
        self.place[me] = place
        yield from self.stay(me)

    def stay(self, me: int):
        while True:
            now = self.env.now
            yield self.env.timeout(np.floor(now) + (0.5 if now % 1 < 0.5 else 1.5) - now)
            if self.place.get(me) in ("desk", "field") and self.dice.random() < 0.015:
                del self.place[me]
            if me not in self.place:
                return

    def course(self, me: int):
        self.place[me] = "course"
        yield self.env.timeout(np.floor(self.env.now) + 4 - self.env.now)
        self.place[me] = "field" if self.dice.random() < 0.8 else "desk"

    def recruit(self):
        me = next(self.names)
        self.place[me] = "hiring"
        week = np.floor(self.env.now)
        for k in range(6):
            yield self.env.timeout(week + k + 0.5 - self.env.now)
            if self.dice.random() < 0.04:
                del self.place[me]
                return
        yield self.env.timeout(week + 6 - self.env.now)
        if self.dice.random() >= 0.9:
            del self.place[me]
            return
        self.place[me] = "desk"
        yield from self.stay(me)

    def manager(self):
        for week in range(WEEKS):
            yield self.env.timeout(week + 0.2 - self.env.now)
            if week <= LAST_RETRAINING:
                for me in self.count("desk")[:2]:
                    self.env.process(self.course(me))
            self.env.process(self.recruit())

    def case(self, since: float):
        me = next(self.names)
        self.cases[me] = since
        while me in self.cases:
            now = self.env.now
            yield self.env.timeout(np.floor(now) + (0.5 if now % 1 < 0.5 else 1.5) - now)
            if me in self.cases and self.dice.random() < 0.03:
                del self.cases[me]

    def door(self):
        """Cases arrive with exponential gaps through the week, and are taken in at its end."""
        waiting, clock = 0, self.dice.expovariate(26)
        for week in range(WEEKS):
            yield self.env.timeout(week + 0.6 - self.env.now)
            while clock < week + 1:
                waiting += 1
                clock += self.dice.expovariate(26)
            for _ in range(waiting):
                self.env.process(self.case(self.env.now))
            waiting = 0

    def crews(self):
        for week in range(WEEKS):
            yield self.env.timeout(week + 0.3 - self.env.now)
            done = sorted(self.cases, key=self.cases.__getitem__)[: len(self.count("field")) * 40 // 20]
            for me in done:
                del self.cases[me]
            self.finished += len(done)

    def clerk(self):
        for week in range(WEEKS):
            yield self.env.timeout(week + 0.9 - self.env.now)
            way = len(self.count("course")) + len(self.count("hiring"))
            self.seen.append((len(self.count("desk")), len(self.count("field")), way, len(self.cases), self.finished))


@pytest.fixture(scope="module")
def events() -> np.ndarray:
    return np.array([Office(seed).seen for seed in range(400)], np.float64)


@pytest.mark.slow
@pytest.mark.parametrize("kind", CHANCE)
def test_an_independent_event_simulation_agrees(kind, events):
    """Means of five counts at six dates, two independent samples, |z| < 4; and variances within 4.5 errors."""
    n = 2000
    found = live(told(TEXT, WEEKS), kind, n, seed=11)
    way = found.on("retrain", "under_way") + found.on("hire", "under_way")
    ours = np.stack([found.people("desk"), found.people("field"), way, found.people("cases")], axis=2)[:, 1:]
    ours = np.concatenate([ours, found.served("cases").cumsum(axis=1)[:, :, None]], axis=2)
    assert ours.shape[1:] == events.shape[1:]
    for week in (0, 3, 5, 9, 17, 25):
        a, b = ours[:, week], events[:, week]
        spread = a.var(axis=0, ddof=1)
        error = np.sqrt(np.maximum(spread / n + b.var(axis=0, ddof=1) / len(b), 1e-12))
        z = (a.mean(axis=0) - b.mean(axis=0)) / error
        assert np.abs(z).max() < 4, (week, z, a.mean(axis=0), b.mean(axis=0))
        wide = spread > 0.5
        ratio = b.var(axis=0, ddof=1)[wide] / spread[wide]
        assert (np.abs(np.log(ratio)) < 4.5 * np.sqrt(2 / n + 2 / len(b))).all(), (week, ratio)


@pytest.mark.slow
def test_the_comparison_can_fail(events):
    """An engine that lets 2 % leave instead of 1.5 % is told apart."""
    other = live(told(TEXT.replace("1.5 %/week", "2 %/week"), WEEKS), Reference, 1000).people("desk")[:, 1:]
    a, b = other[:, 17], events[:, 17, 0]
    assert abs(a.mean() - b.mean()) / np.sqrt(a.var() / len(a) + b.var() / len(b)) > 4
