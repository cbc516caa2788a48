"""The job table: runs that wait, go on and are done; a run whose worker died is taken again.

A claim is one conditional UPDATE, so that several workers, on SQLite or PostgreSQL, never take the same run. The number
of attempts is the mark of a claim: what a worker tells counts only while the run still stands at its attempt.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, and_, case, false, func, insert, or_, select, update

from fieldshift.web.desk import Desk, NotHere, new_id
from fieldshift.web.store.tables import cases, runs

__all__ = [
    "ATTEMPTS",
    "GOING",
    "STALE",
    "Claim",
    "HowFar",
    "Kind",
    "Listing",
    "Order",
    "Run",
    "State",
    "beaten",
    "before",
    "cancelled",
    "claimed",
    "ended",
    "first_told",
    "get",
    "going",
    "listed",
    "queued",
    "returned",
    "waiting",
]

Kind = Literal["simulate", "plan", "explore"]
State = Literal["queued", "running", "done", "failed", "cancelled"]

GOING = ("queued", "running")
"""States of a run that is not over."""

STALE = 15.0
"""Seconds after which a worker that was not heard of is taken for dead."""

ATTEMPTS = 3
"""How often a run is taken before it is given up."""

DIED = (
    f"Its worker ended {ATTEMPTS} times while it went on, perhaps for want of memory. "
    "Ask for fewer futures or fewer policies, and run it again."
)

_ID = re.compile(r"[a-z0-9]{1,20}")


@dataclass(frozen=True)
class Run:
    """A row of the job table. Times are seconds since 1970.

    Attributes:
        id: Its id, and its folder's name.
        case_id, case_name, version: The case and the version that it is of.
        kind: `simulate`, `plan` (every policy and the best plan) or `explore`.
        asked: Policies, futures, seed, ...
        title: What its author calls it, or nothing.
        author: Who asked for it.
        state: `queued`, `running`, `done`, `failed` or `cancelled`.
        phase: What it does at the moment, in words.
        done, total: Parts that are finished, and all; no total where it is not known.
        remains: Seconds that the phase still takes, as its worker reckons, or None.
        first: The first bands, or None.
        message: Why it failed; of a finished run, what its reader should know.
        told: Headlines of the finished run, or None.
        created, started, ended, beat: When it was asked for, taken, over; when its worker was last heard of.
        worker: Its worker.
        attempts: How often it was taken.
        cancel: Whether it is to stop.
    """

    id: str
    case_id: str
    case_name: str
    version: int
    kind: Kind
    asked: dict[str, Any]
    title: str
    author: str
    state: State
    phase: str
    done: int
    total: int
    remains: float | None
    first: dict[str, Any] | None
    message: str
    told: dict[str, Any] | None
    created: float
    started: float | None
    ended: float | None
    beat: float | None
    worker: str | None
    attempts: int
    cancel: bool

    @property
    def over(self) -> bool:
        """Whether it is done, failed or cancelled."""
        return self.state not in GOING


_COLUMNS = [runs.c[f.name] if f.name != "case_name" else cases.c.name.label(f.name) for f in dataclasses.fields(Run)]
_ALL = select(*_COLUMNS).join(cases, cases.c.id == runs.c.case_id)
_BULKY = ("first", "told")
_BRIEF = select(*(c for c in _COLUMNS if c.name not in _BULKY)).join(cases, cases.c.id == runs.c.case_id)


@dataclass(frozen=True)
class Order:
    """What is asked for.

    Attributes:
        case: The case.
        version: Its version.
        kind: What kind of run.
        asked: Policies, futures, seed, ...
        title: What its author calls it, or nothing.
    """

    case: str
    version: int
    kind: Kind
    asked: Mapping[str, Any]
    title: str = ""


def queued(desk: Desk, author: str, order: Order) -> str:
    """Put a run into the queue, and return its id."""
    run = new_id()
    given = {"case_id": order.case, "version": order.version, "kind": order.kind, "title": order.title}
    with desk.db.begin() as store:
        store.execute(
            insert(runs).values(
                **given, id=run, asked=dict(order.asked), author=author, state="queued", created=desk.now()
            )
        )
    return run


def get(desk: Desk, run: str) -> Run:
    """Return a run.

    Raises:
        NotHere: There is none of this id.
    """
    if _ID.fullmatch(run):
        with desk.db.connect() as store:
            row = store.execute(_ALL.where(runs.c.id == run)).mappings().one_or_none()
        if row is not None:
            return Run(**row)
    raise NotHere("There is no such run.")


@dataclass(frozen=True)
class Listing:
    """Which runs to list, newest first.

    Attributes:
        case, state, kind, author: Only those of it; None for all.
        most: How many at most.
        skip: How many of the newest to leave out.
    """

    case: str | None = None
    state: State | None = None
    kind: Kind | None = None
    author: str | None = None
    most: int = 50
    skip: int = 0

    def narrow(self, wanted: Select[Any]) -> Select[Any]:
        """Return a query with what is asked for."""
        pairs = (
            (runs.c.case_id, self.case),
            (runs.c.state, self.state),
            (runs.c.kind, self.kind),
            (runs.c.author, self.author),
        )
        for column, value in pairs:
            if value is not None:
                wanted = wanted.where(column == value)
        return wanted


def listed(desk: Desk, which: Listing) -> tuple[Sequence[Run], int]:
    """Return runs, newest first, without what they tell, and how many there are in all."""
    rows = which.narrow(_BRIEF).order_by(runs.c.created.desc(), runs.c.id).limit(which.most).offset(which.skip)
    count = which.narrow(select(func.count()).select_from(runs))
    with desk.db.connect() as store:
        return [Run(**row, first=None, told=None) for row in store.execute(rows).mappings()], int(
            store.scalar(count) or 0
        )


def waiting(desk: Desk, author: str) -> int:
    """Return how many runs of somebody wait or go on."""
    with desk.db.connect() as store:
        wanted = select(func.count()).select_from(runs).where(runs.c.author == author, runs.c.state.in_(GOING))
        return int(store.scalar(wanted) or 0)


def going(desk: Desk) -> set[str]:
    """Return the ids of all runs that wait or go on."""
    with desk.db.connect() as store:
        return set(store.scalars(select(runs.c.id).where(runs.c.state.in_(GOING))))


def before(desk: Desk, run: Run) -> int:
    """Return how many runs are taken before one that waits: those that wait longer, and those that go on."""
    older = or_(runs.c.created < run.created, and_(runs.c.created == run.created, runs.c.id < run.id))
    ahead = or_(runs.c.state == "running", and_(runs.c.state == "queued", older))
    with desk.db.connect() as store:
        return int(store.scalar(select(func.count()).select_from(runs).where(ahead, runs.c.id != run.id)) or 0)


def cancelled(desk: Desk, run: str) -> Run:
    """Cancel a run: one that waits at once, one that goes on as soon as its worker hears of it.

    Raises:
        NotHere: There is none of this id.
    """
    get(desk, run)
    over = {"state": "cancelled", "cancel": True, "ended": desk.now(), "phase": ""}
    with desk.db.begin() as store:
        if not store.execute(update(runs).where(runs.c.id == run, runs.c.state == "queued").values(over)).rowcount:
            store.execute(update(runs).where(runs.c.id == run, runs.c.state == "running").values(cancel=True))
    return get(desk, run)


# --------------------------------------------------------------------------------------- for workers


@dataclass(frozen=True)
class Claim:
    """A worker's hold on a run: it lasts as long as the run stands at this attempt.

    Attributes:
        run: The run's id.
        worker: The worker.
        attempt: How many times the run was taken, this time included.
    """

    run: str
    worker: str
    attempt: int

    @property
    def holds(self) -> ColumnElement[bool]:
        """The condition that the run is still this worker's."""
        mine = and_(runs.c.id == self.run, runs.c.worker == self.worker, runs.c.attempts == self.attempt)
        return and_(mine, runs.c.state == "running")


def claimed(desk: Desk, worker: str) -> Claim | None:
    """Take the run that has waited longest, or one whose worker is not heard of any more; None if there is none.

    Of the latter those that were to be cancelled are cancelled, and those that were taken too often fail.
    """
    now = desk.now()
    dead = and_(runs.c.state == "running", func.coalesce(runs.c.beat, 0.0) < now - STALE)
    wanted = (
        select(runs.c.id, runs.c.state, runs.c.attempts, runs.c.cancel, runs.c.started)
        .where(or_(runs.c.state == "queued", dead))
        .order_by(runs.c.created, runs.c.id)
        .limit(20)
    )
    with desk.db.connect() as store:
        found = store.execute(wanted).all()
    for run, state, attempts, cancel, started in found:
        values: dict[str, Any]
        if cancel:
            values = {"state": "cancelled", "ended": now, "phase": ""}
        elif attempts >= ATTEMPTS:
            values = {"state": "failed", "ended": now, "phase": "", "message": DIED}
        else:
            values = {"state": "running", "worker": worker, "beat": now, "started": started or now}
            values |= {"attempts": attempts + 1, "message": "", **dataclasses.asdict(HowFar("Starting"))}
        same = and_(runs.c.id == run, runs.c.state == state, runs.c.attempts == attempts, runs.c.cancel == cancel)
        with desk.db.begin() as store:
            taken = store.execute(update(runs).where(same, or_(runs.c.state == "queued", dead)).values(values)).rowcount
        if taken and values["state"] == "running":
            return Claim(run, worker, attempts + 1)
    return None


def beaten(desk: Desk, claim: Claim, how_far: HowFar) -> Literal["go on", "cancel", "lost"]:
    """Say that a worker lives and how far it is; return whether its run goes on, is to stop, or is its no more."""
    values = {"beat": desk.now(), **dataclasses.asdict(how_far)}
    with desk.db.begin() as store:
        if not store.execute(update(runs).where(claim.holds).values(values)).rowcount:
            return "lost"
        return "cancel" if store.scalar(select(runs.c.cancel).where(runs.c.id == claim.run)) else "go on"


@dataclass(frozen=True)
class HowFar:
    """How far a run is.

    Attributes:
        phase: What it does at the moment, in words.
        done, total: Parts of the phase that are finished, and all; no total where it is not known.
        remains: Seconds that the phase still takes, or None.
    """

    phase: str
    done: int = 0
    total: int = 0
    remains: float | None = None


def first_told(desk: Desk, claim: Claim, first: Mapping[str, Any]) -> None:
    """Keep the first bands of a run that goes on."""
    with desk.db.begin() as store:
        store.execute(update(runs).where(claim.holds).values(first=dict(first)))


def ended(
    desk: Desk,
    claim: Claim,
    state: Literal["done", "failed", "cancelled"],
    message: str = "",
    told: Mapping[str, Any] | None = None,
) -> bool:
    """Say how a run ended; return whether it was still this worker's to say."""
    values: dict[str, Any] = {"state": state, "ended": desk.now(), "phase": "", "message": message}
    if told is not None:
        values["told"] = dict(told)
    with desk.db.begin() as store:
        return bool(store.execute(update(runs).where(claim.holds).values(values)).rowcount)


def returned(desk: Desk, worker: str, counts: bool) -> int:
    """Put back into the queue what a worker held that is gone, and return how many runs that were.

    Args:
        desk: The desk.
        worker: The worker.
        counts: Whether the attempt counts: it does if the worker died, not if it was told to leave.
    """
    mine = and_(runs.c.worker == worker, runs.c.state == "running")
    gone = {"state": "cancelled", "ended": desk.now(), "phase": ""}
    again = {"state": "queued", "beat": None, **dataclasses.asdict(HowFar(""))}
    less = case((runs.c.attempts > 0, runs.c.attempts - 1), else_=0)
    with desk.db.begin() as store:
        stopped = store.execute(update(runs).where(mine, runs.c.cancel != false()).values(gone)).rowcount
        values = again if counts else again | {"attempts": less}
        return stopped + store.execute(update(runs).where(mine).values(values)).rowcount
