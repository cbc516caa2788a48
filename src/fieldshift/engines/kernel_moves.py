"""Compiled steps 1, 5 and 6 of a period: arrive, fit, move. `step.py` and `fit.py` say what they mean."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fieldshift.engines.chance import compiled, log_q, phase
from fieldshift.engines.kernel_rows import Scratch, draw_row, share_row, split_row
from fieldshift.engines.kernel_state import Now, Records, Streams
from fieldshift.engines.kernel_tables import Legs, Lines, Rows
from fieldshift.network.graph import Float, Int

__all__ = ["arrive", "ask", "fit", "move", "put", "put_in", "row_left"]

Flags = npt.NDArray[np.uint8]
_TINY = 1e-9
_PASSES = 3


@compiled
def put(counts: Float, at: int, amount: Float, draws: int) -> None:
    """Add a row to the row of a cell, unless it is OUTSIDE."""
    if at >= 0:
        row = counts[at]
        for d in range(draws):
            row[d] += amount[d]


@compiled
def put_in(now: Now, at: int, amount: Float, draws: int) -> None:
    """Let a row enter a cell at the end of the period."""
    if at < 0:
        return
    row = now.incoming[at]
    if now.touched[at]:
        for d in range(draws):
            row[d] += amount[d]
    else:
        now.touched[at] = 1
        for d in range(draws):
            row[d] = amount[d]


@compiled
def arrive(period: int, draws: int, streams: Streams, legs: Legs, now: Now, records: Records, room: Scratch) -> None:
    """Do step 1: transits that end now pass to their head or fail."""
    for b in range(len(legs.first)):
        lasts, count = legs.lasts[b], legs.count[b]
        if not lasts:
            continue
        slot = period % lasts
        if legs.hosts[b]:
            now.alive[legs.slot[b] + slot, :] = 0.0
        p = legs.passing[period, b]
        log, own = log_q(p), phase(streams.passing[b], period)
        for k in range(count):
            a = legs.first[b] + k
            row, way, due = now.ring[legs.ring[b] + slot * count + k], now.way[a], room.one
            some = 0
            for d in range(draws):
                some |= row[d]
            if not some:
                continue
            for d in range(draws):
                due[d] = row[d]
                way[d] -= row[d]
                row[d] = 0
            draw_row(due, p, log, own, now.lanes[legs.site[a]], room, draws)
            put(now.people, legs.head[a], room.out, draws)
            if len(records.passed):
                records.passed[period, a, :] = room.out[:draws]
            for d in range(draws):
                due[d] -= room.out[d]
            put(now.people, legs.fail[a], due, draws)
            if len(records.failed):
                records.failed[period, a, :] = due[:draws]


@compiled
def ask(
    period: int,
    draws: int,
    auto: bool,
    asked: Float,
    legs: Legs,
    lines: Lines,
    now: Now,
    records: Records,
    room: Scratch,
) -> None:
    """Turn the requests (D, A) into rows; later legs ask for all who wait; a lapse stops what it would pay for."""
    arcs = len(legs.tail)
    for a in range(arcs):
        if now.busy[a]:
            now.asked[a, :] = 0.0
            now.busy[a] = 0
    for d in range(draws):
        for a in range(arcs):
            if asked[d, a] > _TINY:
                now.asked[a, d] = np.floor(asked[d, a] + _TINY)
                now.busy[a] = 1
    for b in range(len(legs.first)):
        first, count = legs.first[b], legs.count[b]
        if auto and legs.auto[b]:
            if legs.pooled[b]:
                at = legs.host_row[b]
                weight = now.weights[at : at + count]
                split_row(weight, now.people[legs.tail[first]], now.asked, first, room, draws)
            else:
                for k in range(first, first + count):
                    now.asked[k, :] = now.people[legs.tail[k]]
            for k in range(first, first + count):
                now.busy[k] = 1
        if legs.open[period, b] == 0.0:
            for k in range(first, first + count):
                if now.busy[k]:
                    now.asked[k, :] = 0.0
    for i in range(len(lines.lapses)):
        if lines.open[period, i] == 0.0:
            for a in range(arcs):
                if now.busy[a] and lines.lapses[i, a]:
                    for d in range(draws):
                        if now.asked[a, d] > _TINY and len(records.lines):
                            records.lines[period, i, d] = True
                        now.asked[a, d] = 0.0
    for a in range(arcs):
        if now.busy[a]:
            row = now.asked[a]
            most = 0.0
            for d in range(draws):
                most = max(most, row[d])
            now.busy[a] = most > 0.0


@compiled
def row_left(r: int, cap: float, rows: Rows, now: Now, draws: int) -> None:
    """Write what is left of a row of limits before the moves."""
    left = now.room[r]
    for d in range(draws):
        left[d] = 0.0
    for i in range(rows.hold_ptr[r], rows.hold_ptr[r + 1]):
        row, use = now.people[rows.hold[i]], rows.hold_use[i]
        for d in range(draws):
            left[d] += row[d] * use
    for i in range(rows.way_ptr[r], rows.way_ptr[r + 1]):
        row, use = now.way[rows.way[i]], rows.way_use[i]
        for d in range(draws):
            left[d] += row[d] * use
    for d in range(draws):
        left[d] = cap - left[d]
    now.known[r] = 1


@compiled
def _busy(ptr: Int, index: Int, uses: Float, r: int, now: Now) -> int:
    """List the arcs of a row on which somebody asks, in `now.arcs` and `now.use`; return how many."""
    size = 0
    for i in range(ptr[r], ptr[r + 1]):
        if now.busy[index[i]]:
            now.arcs[size], now.use[size] = index[i], uses[i]
            size += 1
    return size


@compiled
def _marked(flags: Flags, record: npt.NDArray[np.bool_], draws: int) -> None:
    for d in range(draws):
        if flags[d]:
            record[d] = True
            flags[d] = 0


@compiled
def _cut_rows(period: int, credit: bool, draws: int, rows: Rows, now: Now, records: Records, room: Scratch) -> None:
    for r in range(len(rows.ranked)):
        cap = rows.cap[rows.row[period], r]
        if rows.use_ptr[r] == rows.use_ptr[r + 1] or cap == np.inf:
            continue
        size = _busy(rows.use_ptr, rows.use, rows.use_use, r, now)
        if not size:
            continue
        if not now.known[r]:
            row_left(r, cap, rows, now, draws)
        left = now.room[r]
        if credit and rows.free_ptr[r] < rows.free_ptr[r + 1]:
            left = room.two
            left[:] = now.room[r]
            for i in range(rows.free_ptr[r], rows.free_ptr[r + 1]):
                if now.busy[rows.free[i]]:
                    row, use = now.asked[rows.free[i]], rows.free_use[i]
                    for d in range(draws):
                        left[d] -= row[d] * use
        if share_row(now.asked, now.arcs[:size], now.use[:size], left, rows.ranked[r] != 0, room, draws):
            if len(records.rows):
                _marked(room.bound, records.rows[period, r], draws)
            else:
                room.bound[:] = 0


@compiled
def _cut_lines(period: int, credit: bool, draws: int, finite: Flags, now: Now, records: Records, room: Scratch) -> None:
    first = len(now.room) - len(finite)
    for i in range(len(finite)):
        if not finite[i]:
            continue
        left, size = room.two, 0
        left[:] = now.room[first + i]
        for a in range(len(now.busy)):
            use = now.ahead_move[i, a]
            if now.busy[a] and use > _TINY:
                now.arcs[size], now.use[size] = a, use
                size += 1
            elif credit and now.busy[a] and use < -_TINY:
                row = now.asked[a]
                for d in range(draws):
                    left[d] -= row[d] * use
        if size and share_row(now.asked, now.arcs[:size], now.use[:size], left, False, room, draws):
            if len(records.lines):
                _marked(room.bound, records.lines[period, i], draws)
            else:
                room.bound[:] = 0


@compiled
def _lumps(draws: int, legs: Legs, now: Now, room: Scratch) -> None:
    for b in range(len(legs.first)):
        lump = legs.lump[b]
        if lump > 1:
            for a in range(legs.first[b], legs.first[b] + legs.count[b]):
                if now.busy[a]:
                    for d in range(draws):
                        whole = np.floor(now.asked[a, d] / lump + _TINY) * lump
                        if whole != now.asked[a, d] and room.live[d]:
                            now.asked[a, d] = whole
                            room.changed[d] = 1


@compiled
def fit(
    period: int, draws: int, legs: Legs, rows: Rows, finite: Flags, now: Now, records: Records, room: Scratch
) -> None:
    """Do step 5: cut requests to people present, to limits and to money; a row that binds is shared."""
    now.known[:] = 0
    room.live[:] = 1
    room.bound[:] = 0
    some = False
    for a in range(len(now.busy)):
        some |= now.busy[a] != 0
    if not some:
        return
    for i in range(len(rows.tail_cell)):
        size = 0
        for j in range(rows.tail_ptr[i], rows.tail_ptr[i + 1]):
            if now.busy[rows.tail_arc[j]]:
                now.arcs[size], now.use[size] = rows.tail_arc[j], 1.0
                size += 1
        if size:
            people = now.people[rows.tail_cell[i]]
            share_row(now.asked, now.arcs[:size], now.use[:size], people, False, room, draws)
    room.bound[:] = 0
    for turn in range(_PASSES + 1):
        room.changed[:] = 0
        _cut_rows(period, turn < _PASSES, draws, rows, now, records, room)
        _cut_lines(period, turn < _PASSES, draws, finite, now, records, room)
        _lumps(draws, legs, now, room)
        again = 0
        for d in range(draws):
            again |= room.changed[d]
        if not again:
            return
        room.live[:] = room.changed


@compiled
def move(period: int, draws: int, streams: Streams, legs: Legs, now: Now, records: Records, room: Scratch) -> None:
    """Do step 6: those moved leave their tails and are under way; what lasts no time arrives at once."""
    for b in range(len(legs.first)):
        lasts, first, count = legs.lasts[b], legs.first[b], legs.count[b]
        for a in range(first, first + count):
            if not now.busy[a]:
                continue
            row, way = now.asked[a], now.way[a]
            if len(records.moved):
                records.moved[period, a, :] = row[:draws]
            if legs.tail[a] >= 0:
                people = now.people[legs.tail[a]]
                for d in range(draws):
                    people[d] -= row[d]
            if lasts:
                ring = now.ring[legs.ring[b] + (period % lasts) * count + a - first]
                for d in range(draws):
                    ring[d] = np.int32(row[d])
                    way[d] += row[d]
        if lasts and legs.hosts[b]:
            slot = legs.slot[b] + period % lasts
            total = now.began[slot]
            total[:] = 0.0
            for a in range(first, first + count):
                if now.busy[a]:
                    total[:] += now.asked[a]
            now.alive[slot, :] = total
            hosts, at = legs.hosts[b], legs.host_row[b]
            where = legs.hosted[b] + (period % lasts) * hosts
            split_row(now.weights[at : at + hosts], total, now.hosted, where, room, draws)
    for b in range(len(legs.first)):
        if legs.lasts[b]:
            continue
        p = legs.passing[period, b]
        log, own = log_q(p), phase(streams.passing[b], period)
        for a in range(legs.first[b], legs.first[b] + legs.count[b]):
            if not now.busy[a]:
                continue
            row = room.one
            row[:] = now.asked[a]
            draw_row(row, p, log, own, now.lanes[legs.site[a]], room, draws)
            put_in(now, legs.head[a], room.out, draws)
            if len(records.passed):
                records.passed[period, a, :] = room.out[:draws]
            for d in range(draws):
                row[d] -= room.out[d]
            put_in(now, legs.fail[a], row, draws)
            if len(records.failed):
                records.failed[period, a, :] = row[:draws]
