"""R1 in SimPy, by events: each person has the time at which they leave; cases wait by office and are counted.

Weeks are days of a clock: courses end at t, decisions and work follow at t + 0.1, people leave at t + 0.5, cases come
at t + 0.6. Whoever leaves does so at a geometric time, drawn once when they enter a state.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import simpy

from benchmarks.r1_facts import FIRST_RETRAINING, MARKS, WATCHED, WEEKS, Facts, Marked, facts, split

Float = npt.NDArray[np.float64]


@dataclass(eq=False)
class Person:
    """One person: the office, the state, and a number that tells whether an event still holds."""

    office: int
    state: str = ""
    turn: int = field(default=0)


class Service:
    """One future."""

    def __init__(self, given: Facts, seed: int) -> None:
        self.f, self.env, self.rng = given, simpy.Environment(), random.Random(seed)
        self.numbers = np.random.default_rng(seed)
        n = self.offices = len(given.desk)
        self.people: dict[str, list[set[Person]]] = {
            state: [set() for _ in range(n)] for state in ("desk", "field", "waiting", "vetting", "academy", "course")
        }
        self.docket, self.jail, self.at_large = (np.array(x) for x in (given.docket, given.jail, given.at_large))
        self.served: list[Float] = []
        self.wait, self.asked = np.zeros(n), 0.0
        for state, counts in (("desk", given.desk), ("field", given.field)):
            for office, count in enumerate(counts):
                for _ in range(int(count)):
                    self.enter(Person(office), state, given.quit, 0.0)
        self.env.process(self.weeks())

    def at(self, time: float, what: Callable[[simpy.Event], None]) -> None:
        event = self.env.timeout(time - self.env.now)
        assert event.callbacks is not None
        event.callbacks.append(what)

    def enter(self, person: Person, state: str, leaves: float, week: float) -> None:
        """Let somebody enter a state, and find when chance will take them out of it."""
        self.move(person, state)
        if leaves > 0.0:
            weeks = int(math.log(1.0 - self.rng.random()) / math.log1p(-leaves))
            if week + weeks < WEEKS:
                turn = person.turn
                self.at(week + weeks + 0.5, lambda _: self.leave(person, turn))

    def move(self, person: Person, state: str) -> None:
        if person.state:
            self.people[person.state][person.office].discard(person)
        person.state, person.turn = state, person.turn + 1
        if state:
            self.people[state][person.office].add(person)

    def leave(self, person: Person, turn: int) -> None:
        if person.turn == turn:
            self.move(person, "")

    def begin(self, person: Person, state: str, lasts: int, ends: Callable[[Person], None], leaves: float) -> None:
        week = int(self.env.now)
        self.enter(person, state, leaves, week)
        turn = person.turn
        if week + lasts < WEEKS:
            self.at(week + lasts, lambda _: ends(person) if person.turn == turn else None)

    def end_vetting(self, person: Person) -> None:
        self.move(person, "waiting" if self.rng.random() < 0.9 else "")

    def end_academy(self, person: Person) -> None:
        if self.rng.random() < 0.85:
            self.enter(person, "field", self.f.quit, self.env.now)
        else:
            self.move(person, "")

    def end_course(self, person: Person) -> None:
        passed = self.rng.random() < 0.95
        self.enter(person, "field" if passed else "desk", self.f.quit, self.env.now)

    def count(self, state: str) -> Float:
        return np.array([len(people) for people in self.people[state]], np.float64)

    def weeks(self) -> simpy.events.ProcessGenerator:
        for t in range(WEEKS):
            yield self.env.timeout(t + 0.1 - self.env.now)
            self.decide(t)
            self.work()
            yield self.env.timeout(0.5)
            for name in ("docket", "jail", "at_large"):
                setattr(self, name, getattr(self, name) + self.numbers.poisson(getattr(self.f, f"{name}_in")))

    def decide(self, t: int) -> None:
        desk, waiting = self.count("desk"), self.count("waiting")
        amount = min(40.0, 1500.0 - self.asked) if t >= FIRST_RETRAINING else 0.0
        self.asked += amount
        retrain = split(amount, desk)
        self.wait = np.maximum(self.wait - 1, 0)
        if t >= 4:
            short = (sum(self.served[-4:]) < 4 * 43 - 1e-9) & (self.wait <= 0)
            retrain += 2.0 * (short & (desk > 0))
            self.wait = np.where(short, 4, self.wait)
        retrain = np.minimum(np.minimum(retrain, desk), np.floor(np.maximum(desk - self.f.floor, 0.0) + 1e-9))
        asked = np.concatenate([waiting, retrain])
        left = max(500.0 - float(self.count("academy").sum() + self.count("course").sum()), 0.0)
        if asked.sum() > left:
            asked = split(left, asked)
        for office in range(self.offices):
            for state, k in (("waiting", asked[office]), ("desk", asked[self.offices + office])):
                for person in [p for p, _ in zip(self.people[state][office], range(int(k)), strict=False)]:
                    if state == "waiting":
                        self.begin(person, "academy", 16, self.end_academy, self.f.drop_course)
                    else:
                        self.begin(person, "course", 8, self.end_course, self.f.drop_course)
        for office, k in enumerate(split(30.0, self.f.weight)):
            for _ in range(int(k)):
                self.begin(Person(office), "vetting", 26, self.end_vetting, self.f.drop_vetting)

    def work(self) -> None:
        hours = self.count("desk") * 32.0
        done = np.floor(np.minimum(self.docket, hours / 8.0) + 1e-9)
        self.docket = self.docket - done
        self.jail = self.jail - np.floor(np.minimum(self.jail, (hours - done * 8.0) / 24.0) + 1e-9)
        served = np.floor(np.minimum(self.at_large, self.count("field") * 32.0 / 60.0) + 1e-9)
        self.at_large = self.at_large - served
        self.served.append(served)

    def run(self) -> list[tuple[float, ...]]:
        """Return the watched numbers after each mark."""
        found = []
        for mark in MARKS:
            self.env.run(until=mark - 0.3)
            found.append(self.now())
        return found

    def now(self) -> tuple[float, ...]:
        way = sum(float(self.count(state).sum()) for state in ("vetting", "academy", "course"))
        arrests = float(sum(served.sum() for served in self.served))
        cases = (float(x.sum()) for x in (self.docket, self.jail, self.at_large))
        return (float(self.count("desk").sum()), float(self.count("field").sum()), way, *cases, arrests)


def measured(draws: int, seed: int) -> Marked:
    """Return each watched number after each mark, by future."""
    rows = np.array([Service(facts(), seed * 100_003 + i).run() for i in range(draws)])
    return {(name, mark): rows[:, m, k] for m, mark in enumerate(MARKS) for k, name in enumerate(WATCHED)}
