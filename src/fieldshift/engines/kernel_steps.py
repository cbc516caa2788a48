"""Compiled half-steps of a period: 1-2 in `begin`, 5-10 in `finish`. `step.py` says what they mean."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fieldshift.engines.chance import log_q, phase, pick, poisson, start
from fieldshift.engines.kernel_draws import arrive_row, draw_each, draw_row
from fieldshift.engines.kernel_moves import arrive, ask, fit, move, put_in
from fieldshift.engines.kernel_rows import (
    Scratch,
    Turns,
    add,
    alike,
    dial_one,
    dial_row,
    door,
    fill,
    inner,
    note,
    note_real,
)  # fmt: skip
from fieldshift.engines.kernel_state import Now, Records, Streams
from fieldshift.engines.kernel_tables import Entries, Flows, Legs, Lines, Plain, Rows, Serves
from fieldshift.engines.kernel_work import serve, spend, work_hours
from fieldshift.network.graph import Float, Int

__all__ = ["arrivals", "begin", "finish"]

Flags = npt.NDArray[np.uint8]
Keys = npt.NDArray[np.uint64]
Short = npt.NDArray[np.int32]
_TINY = 1e-9


@inner
def _flow(
    period: int, arcs: Int, draws: int, streams: Streams, flows: Flows, turns: Turns, now: Now, records: Records,
    room: Scratch,
) -> None:  # fmt: skip
    """Draw the chance arcs of one timing, competing per tail.

    Where no dial turns an arc or one that competes with it, or the dials stand alike in all futures, its chance is a
    number; else `now.left` keeps what part of the tail the earlier arcs left, in each future.
    """
    at = flows.row[period]
    for a in arcs:
        tail, own = now.people[flows.tail[a]], phase(streams.flow[flows.block[a]], period)
        lane, out = now.lanes[flows.site[a]], room.out
        p, log = flows.given[at, a], flows.log[at, a]
        if flows.dialled[a]:
            p = _turned(a, at, draws, flows, turns, now, room.one)
            log = log_q(p)
        if p < 0.0:
            some = draw_each(tail, room.one, own, lane, room, draws)
        else:
            some = draw_row(tail, p, log, own, lane, room, draws)
        if some:
            add(tail, out, -1.0, draws)
            put_in(now.incoming, now.touched, flows.head[a], out, draws)
            if len(records.flowed):
                note(records.flowed[period, a], out, draws)


@inner
def _turned(a: int, at: int, draws: int, flows: Flows, turns: Turns, now: Now, p: Float) -> float:
    """Return the chance on an arc that a dial turns, of those whom earlier arcs left; or -1: in each future, in `p`."""
    cell, owner, site = flows.tail[a], flows.owner[a], flows.site[a]
    left, same = now.left[cell], alike(owner, site, turns, now.same)
    if flows.dialled[a] == 2:
        left[0], now.even[cell] = flows.before[at, a], 1
    if now.even[cell] and same:
        part = min(dial_one(flows.p[at, a], owner, site, turns, now.dials), left[0])
        given = min(part / left[0], 1.0) if left[0] > _TINY else 0.0
        left[0] -= part
        return given
    if now.even[cell]:
        fill(left, left[0], draws)
        now.even[cell] = 0
    dial_row(flows.p[at, a], owner, site, turns, now.dials, p, draws)
    for d in range(draws):
        part = min(p[d], left[d])
        p[d] = min(part / left[d], 1.0) if left[d] > _TINY else 0.0
        left[d] -= part
    return -1.0


@inner
def _place(k: int, base: np.uint64, d: int, at: int, cohorts: int, step: int, total: int, now: Now) -> None:
    """Take k people off a pipeline one by one, without replacement, in one future."""
    for j in range(k):
        turn, h = pick(total - j, base, j), 0
        while h < cohorts - 1 and turn >= now.ring[at + h * step, d]:
            turn -= now.ring[at + h * step, d]
            h += 1
        now.ring[at + h * step, d] -= 1


@inner
def _drop(
    period: int, draws: int, streams: Streams, legs: Legs, turns: Turns, now: Now, records: Records, room: Scratch
) -> None:
    """Draw dropouts for each whole pipeline, and take them off its cohorts."""
    for b in range(len(legs.first)):
        lasts, count, p = legs.lasts[b], legs.count[b], legs.drop[period, b]
        if not lasts or p <= 0.0:
            continue
        own, each, owner = phase(streams.drop[b], period), room.one, legs.owner[b]
        log, turned = np.log1p(-min(p, 1.0 - p)), turns.ptr[owner] < turns.ptr[owner + 1]
        if turned:
            dial_row(p, owner, len(now.guests), turns, now.dials, each, draws)
            for d in range(draws):
                each[d] = min(each[d], 1.0)
        for k in range(count):
            a = legs.first[b] + k
            way, out, lane = now.way[a], room.out, now.lanes[legs.site[a]]
            if turned:
                some = draw_each(way, each, own, lane, room, draws)
            else:
                some = draw_row(way, p, log, own, lane, room, draws)
            if not some:
                continue
            at = legs.ring[b] + k
            for d in range(draws):
                if out[d] > 0.0:
                    lost, total = int(out[d]), int(way[d])
                    if legs.hosts[b]:
                        for h in range(lasts):
                            now.alive[legs.slot[b] + h, d] -= now.ring[at + h * count, d]
                    _place(lost, start(lane[d], own), d, at, lasts, count, total, now)
                    if legs.hosts[b]:
                        for h in range(lasts):
                            now.alive[legs.slot[b] + h, d] += now.ring[at + h * count, d]
                    way[d] -= out[d]
            put_in(now.incoming, now.touched, legs.drop_to[a], out, draws)
            if len(records.dropped):
                note(records.dropped[period, a], out, draws)


@door
def arrivals(stream: np.uint64, mean: Float, site: Int, lanes: Keys, came: Short, room: Scratch, draws: int) -> None:
    """Draw who arrives from OUTSIDE on some arcs in all periods, where no dial plays a part.

    Args:
        stream: The key of their block's stream.
        mean: How many are expected, shape (T, n).
        site: Lane of each arc, shape (n,).
        lanes: Random key of each site in each future.
        came: Who arrives, on return, shape (n, T, D).
        room: Room to work in.
        draws: Number of futures.
    """
    for t in range(len(mean)):
        own = phase(stream, t)
        for a in range(len(site)):
            if mean[t, a] > 0.0:
                arrive_row(mean[t, a], own, lanes[site[a]], room, draws)
                note(came[a, t], room.out, draws)
            else:
                came[a, t] = 0


@inner
def _enter(
    period: int, draws: int, streams: Streams, entries: Entries, came: Short, turns: Turns, now: Now,
    records: Records, room: Scratch,
) -> None:  # fmt: skip
    """Do step 9: arrivals from OUTSIDE; those of `came` (E, T, D) are drawn already."""
    out = room.out
    for a in range(len(entries.head)):
        mean, owner = entries.mean[entries.row[period], a], entries.owner[a]
        turned = turns.ptr[owner] < turns.ptr[owner + 1]
        if not (turned or mean > 0.0):
            continue
        own, lane = phase(streams.enter[entries.block[a]], period), now.lanes[entries.site[a]]
        if turned:
            dial_row(mean, owner, entries.site[a], turns, now.dials, room.one, draws)
            for d in range(draws):
                out[d] = poisson(room.one[d], start(lane[d], own))
        elif len(came):
            row = came[a, period]
            for d in range(draws):
                out[d] = row[d]
        else:
            arrive_row(mean, own, lane, room, draws)
        put_in(now.incoming, now.touched, entries.head[a], out, draws)
        if len(records.entered):
            note(records.entered[period, a], out, draws)


@inner
def _count(period: int, draws: int, turned: bool, plain: Plain, now: Now, records: Records) -> None:
    """Do step 10, so far as it is not done on the way: those who entered are there now, and all are counted."""
    for c in range(len(now.people)):
        if now.touched[c]:
            now.touched[c] = 0
            add(now.people[c], now.incoming[c], 1.0, draws)
        if len(records.people):
            note(records.people[period + 1, c], now.people[c], draws)
    if len(records.under_way):
        for a in range(len(now.way)):
            note(records.under_way[period + 1, a], now.way[a], draws)
    if turned and len(records.dials):
        for k in range(len(now.dials)):
            for s in range(now.dials.shape[1]):
                note_real(records.dials[period, k, s], now.dials[k, s], draws)


@door
def begin(
    period: int, draws: int, streams: Streams, flows: Flows, legs: Legs, turns: Turns, now: Now, records: Records,
    room: Scratch,
) -> None:  # fmt: skip
    """Do steps 1 and 2."""
    arrive(period, draws, streams, legs, now, records, room)
    if len(flows.opening):
        _flow(period, flows.opening, draws, streams, flows, turns, now, records, room)
        for c in range(len(now.people)):
            if now.touched[c]:
                now.touched[c] = 0
                add(now.people[c], now.incoming[c], 1.0, draws)


@door
def finish(
    period: int, draws: int, auto: bool, asked: Float, given: Float, finite: Flags, site: Int, streams: Streams,
    flows: Flows, entries: Entries, came: Short, legs: Legs, rows: Rows, serves: Serves, lines: Lines, plain: Plain,
    turns: Turns, now: Now, records: Records, room: Scratch,
) -> None:  # fmt: skip
    """Do steps 5 to 10.

    Args:
        period, draws: The period, and the futures in the batch.
        auto: Whether later legs ask by themselves.
        asked: Requests, shape (A, D).
        given: The most that may be served on each serve arc, shape (B, D), or no rows.
        finite: Which lines of money have a limit in this period.
        site: Lane of each cell.
        came: Who enters in each period, where no dial plays a part, shape (E, T, D); or of shape (0, 0, 0).
        streams, flows, entries, legs, rows, serves, lines, plain, turns: Tables of the network.
        now, records, room: The present, what is recorded, and room to work in.
    """
    for k in range(len(now.dials)):
        for s in range(now.dials.shape[1]):
            setting, other = now.dials[k, s], 0
            for d in range(draws):
                other |= setting[d] != setting[0]
            now.same[k, s] = other == 0
    ask(period, draws, auto, asked, legs, lines, now, records, room)
    fit(period, draws, legs, rows, serves.term_row, finite, now, records, room)
    move(period, draws, streams, legs, now, records, room)
    if len(serves.first) or len(records.hours) or len(records.hosted):
        work_hours(period, draws, legs, plain, turns, site, now, records, room)
        serve(period, draws, streams, serves, rows, finite, turns, given, now, records, room)
        if len(records.used):
            for c in range(len(plain.person)):
                if plain.person[c]:
                    hours, left, real = now.hours[c], now.left[c], records.used[period, c]
                    for d in range(draws):
                        real[d] = hours[d] - left[d]
    spend(period, draws, lines, serves, now, records, room)
    _flow(period, flows.closing, draws, streams, flows, turns, now, records, room)
    _drop(period, draws, streams, legs, turns, now, records, room)
    _enter(period, draws, streams, entries, came, turns, now, records, room)
    _count(period, draws, len(now.dials) > 0, plain, now, records)
