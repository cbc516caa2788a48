"""Compiled steps 1, 5 and 6 of a period: arrive, fit, move. `step.py` and `fit.py` say what they mean."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fieldshift.engines.chance import log_q, phase
from fieldshift.engines.kernel_draws import draw_row
from fieldshift.engines.kernel_rows import Scratch, add, copy, fill, flag, inner, note
from fieldshift.engines.kernel_shares import rank_row, share_row, split_row
from fieldshift.engines.kernel_state import Now, Records, Streams
from fieldshift.engines.kernel_tables import Legs, Lines, Rows
from fieldshift.network.graph import Float, Int

__all__ = ["arrive", "ask", "fit", "move", "put", "put_in", "row_left"]

Flags = npt.NDArray[np.uint8]
_TINY = 1e-9
_PASSES = 3


@inner
def put(counts: Float, at: int, amount: Float, draws: int) -> None:
    """Add a row to the row of a cell, unless it is OUTSIDE."""
    if at >= 0:
        add(counts[at], amount, 1.0, draws)


@inner
def put_in(incoming: Float, touched: Flags, at: int, amount: Float, draws: int) -> None:
    """Let a row enter a cell at the end of the period, unless it is OUTSIDE."""
    if at < 0:
        return
    if touched[at]:
        add(incoming[at], amount, 1.0, draws)
    else:
        touched[at] = 1
        copy(amount, incoming[at], draws)


@inner
def arrive(period: int, draws: int, streams: Streams, legs: Legs, now: Now, records: Records, room: Scratch) -> None:
    """Do step 1: transits that end now pass to their head or fail."""
    for b in range(len(legs.first)):
        lasts, count = legs.lasts[b], legs.count[b]
        if not lasts:
            continue
        slot = period % lasts
        if legs.hosts[b]:
            fill(now.alive[legs.slot[b] + slot], 0.0, draws)
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
                note(records.passed[period, a], room.out, draws)
            for d in range(draws):
                due[d] -= room.out[d]
            put(now.people, legs.fail[a], due, draws)
            if len(records.failed):
                note(records.failed[period, a], due, draws)


@inner
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
    """Make the requests (A, D) whole; later legs ask for all who wait; a lapse stops what it would pay for."""
    arcs = len(legs.tail)
    for a in range(arcs):
        if now.busy[a]:
            fill(now.asked[a], 0.0, draws)
            now.busy[a] = 0
    for a in range(arcs):
        row, wanted, some = now.asked[a], asked[a], 0
        for d in range(draws):
            some |= wanted[d] > _TINY
        if some:
            now.busy[a] = 1
            for d in range(draws):
                row[d] = np.floor(wanted[d] + _TINY) if wanted[d] > _TINY else 0.0
    for b in range(len(legs.first)):
        first, count = legs.first[b], legs.count[b]
        if auto and legs.auto[b]:
            if legs.pooled[b]:
                at = legs.host_row[b]
                weight = now.weights[at : at + count]
                split_row(weight, now.people[legs.tail[first]], now.asked, first, room, draws)
            else:
                for k in range(first, first + count):
                    copy(now.people[legs.tail[k]], now.asked[k], draws)
            for k in range(first, first + count):
                now.busy[k] = 1
        if legs.open[period, b] == 0.0:
            for k in range(first, first + count):
                if now.busy[k]:
                    fill(now.asked[k], 0.0, draws)
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
            row, some = now.asked[a], 0
            for d in range(draws):
                some += row[d] > 0.0
            now.busy[a] = some > 0


@inner
def row_left(r: int, cap: float, rows: Rows, now: Now, draws: int) -> None:
    """Write what is left of a row of limits before the moves."""
    left = now.room[r]
    fill(left, 0.0, draws)
    for i in range(rows.hold_ptr[r], rows.hold_ptr[r + 1]):
        add(left, now.people[rows.hold[i]], rows.hold_use[i], draws)
    for i in range(rows.way_ptr[r], rows.way_ptr[r + 1]):
        add(left, now.way[rows.way[i]], rows.way_use[i], draws)
    for d in range(draws):
        left[d] = cap - left[d]
    now.known[r] = 1


@inner
def _busy(ptr: Int, index: Int, uses: Float, r: int, now: Now) -> int:
    """List the arcs of a row on which somebody asks, in `now.arcs` and `now.use`; return how many."""
    size = 0
    for i in range(ptr[r], ptr[r + 1]):
        if now.busy[index[i]]:
            now.arcs[size], now.use[size] = index[i], uses[i]
            size += 1
    return size


@inner
def _marked(flags: Flags, record: npt.NDArray[np.bool_], draws: int) -> None:
    for d in range(draws):
        if flags[d]:
            record[d] = True
            flags[d] = 0


@inner
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
            copy(now.room[r], left, draws)
            for i in range(rows.free_ptr[r], rows.free_ptr[r + 1]):
                if now.busy[rows.free[i]]:
                    add(left, now.asked[rows.free[i]], -rows.free_use[i], draws)
        if rows.ranked[r]:
            cut = rank_row(now.asked, now.arcs[:size], now.use[:size], left, room, draws)
        else:
            cut = share_row(now.asked, now.arcs[:size], now.use[:size], left, room, draws)
        if cut:
            if len(records.rows):
                _marked(room.bound, records.rows[period, r], draws)
            else:
                flag(room.bound, 0, draws)


@inner
def _cut_lines(period: int, credit: bool, draws: int, finite: Flags, now: Now, records: Records, room: Scratch) -> None:
    first = len(now.room) - len(finite)
    for i in range(len(finite)):
        if not finite[i]:
            continue
        left, size = room.two, 0
        copy(now.room[first + i], left, draws)
        for a in range(len(now.busy)):
            use = now.ahead_move[i, a]
            if now.busy[a] and use > _TINY:
                now.arcs[size], now.use[size] = a, use
                size += 1
            elif credit and now.busy[a] and use < -_TINY:
                add(left, now.asked[a], -use, draws)
        if size and share_row(now.asked, now.arcs[:size], now.use[:size], left, room, draws):
            if len(records.lines):
                _marked(room.bound, records.lines[period, i], draws)
            else:
                flag(room.bound, 0, draws)


@inner
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


@inner
def fit(
    period: int, draws: int, legs: Legs, rows: Rows, terms: Int, finite: Flags, now: Now, records: Records,
    room: Scratch,
) -> None:  # fmt: skip
    """Do step 5: cut requests to people present, to limits and to money; a row that binds is shared.

    What is left of the rows `terms` is found in any case: work uses them later.
    """
    flag(now.known, 0, len(now.known))
    for i in range(len(terms)):
        if not now.known[terms[i]]:
            row_left(terms[i], rows.cap[rows.row[period], terms[i]], rows, now, draws)
    flag(room.live, 1, draws)
    flag(room.bound, 0, draws)
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
            share_row(now.asked, now.arcs[:size], now.use[:size], people, room, draws)
    flag(room.bound, 0, draws)
    for turn in range(_PASSES + 1):
        flag(room.changed, 0, draws)
        _cut_rows(period, turn < _PASSES, draws, rows, now, records, room)
        _cut_lines(period, turn < _PASSES, draws, finite, now, records, room)
        _lumps(draws, legs, now, room)
        again = 0
        for d in range(draws):
            again |= room.changed[d]
        if not again:
            return
        for d in range(draws):
            room.live[d] = room.changed[d]


@inner
def move(period: int, draws: int, streams: Streams, legs: Legs, now: Now, records: Records, room: Scratch) -> None:
    """Do step 6: those moved leave their tails and are under way; what lasts no time arrives at once."""
    for b in range(len(legs.first)):
        lasts, first, count = legs.lasts[b], legs.first[b], legs.count[b]
        for a in range(first, first + count):
            if not now.busy[a]:
                continue
            row, way = now.asked[a], now.way[a]
            if len(records.moved):
                note(records.moved[period, a], row, draws)
            if legs.tail[a] >= 0:
                add(now.people[legs.tail[a]], row, -1.0, draws)
            if lasts:
                ring = now.ring[legs.ring[b] + (period % lasts) * count + a - first]
                note(ring, row, draws)
                add(way, row, 1.0, draws)
        if lasts and legs.hosts[b]:
            slot = legs.slot[b] + period % lasts
            total = now.began[slot]
            fill(total, 0.0, draws)
            for a in range(first, first + count):
                if now.busy[a]:
                    add(total, now.asked[a], 1.0, draws)
            copy(total, now.alive[slot], draws)
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
            copy(now.asked[a], row, draws)
            draw_row(row, p, log, own, now.lanes[legs.site[a]], room, draws)
            put_in(now.incoming, now.touched, legs.head[a], room.out, draws)
            if len(records.passed):
                note(records.passed[period, a], room.out, draws)
            for d in range(draws):
                row[d] -= room.out[d]
            put_in(now.incoming, now.touched, legs.fail[a], row, draws)
            if len(records.failed):
                note(records.failed[period, a], row, draws)
