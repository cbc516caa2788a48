"""Compiled step 7 of a period, and the money: hours, serving by priority. `serving.py` says what they mean."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fieldshift.engines.chance import phase, start, uniform
from fieldshift.engines.kernel_moves import put_in
from fieldshift.engines.kernel_rows import (
    Scratch,
    Turns,
    add,
    alike,
    copy,
    dial_one,
    dial_row,
    fill,
    flag,
    inner,
    note,
    note_real,
)  # fmt: skip
from fieldshift.engines.kernel_shares import share_row
from fieldshift.engines.kernel_state import Now, Records, Streams
from fieldshift.engines.kernel_tables import Legs, Lines, Plain, Rows, Serves
from fieldshift.network.graph import Float, Int

__all__ = ["serve", "spend", "work_hours"]

Flags = npt.NDArray[np.uint8]
_TINY = 1e-9
_FIRST = np.uint64(0)
_LOOSE = -1


@inner
def _tie(b: int, draws: int, legs: Legs, now: Now, room: Scratch) -> None:
    """Take the teachers whom trainees tie up from those at work (heads stand in `now.hours`)."""
    loose, some = room.one, False
    fill(loose, 0.0, draws)
    each = legs.per_trainee[b]
    for a in range(legs.first[b], legs.first[b] + legs.count[b]):
        way = now.way[a]
        if legs.tied[a] >= 0:
            add(now.hours[legs.tied[a]], way, -each, draws)
        elif legs.tied[a] == _LOOSE:
            some = True
            add(loose, way, each, draws)
    if not some:
        return
    total = room.two
    fill(total, 0.0, draws)
    first, last = legs.teacher[b], legs.teacher[b] + legs.teachers[b]
    for c in range(first, last):
        row = now.hours[c]
        for d in range(draws):
            total[d] += max(row[d], 0.0)
    for c in range(first, last):
        row = now.hours[c]
        for d in range(draws):
            if total[d] > 0.0:
                row[d] -= loose[d] * (max(row[d], 0.0) / total[d])


@inner
def _host(b: int, draws: int, legs: Legs, now: Now, room: Scratch) -> None:
    """Put details to work at their hosts."""
    hosts, share = legs.hosts[b], room.one
    for slot in range(legs.lasts[b]):
        alive, began = now.alive[legs.slot[b] + slot], now.began[legs.slot[b] + slot]
        some = False
        for d in range(draws):
            share[d] = alive[d] / began[d] if began[d] > 0.0 else 0.0
            some |= share[d] > 0.0
        if not some:
            continue
        for m in range(hosts):
            sent = now.hosted[legs.hosted[b] + slot * hosts + m]
            guests = now.guests[legs.host_site[legs.host_row[b] + m]]
            cell = legs.host_cell[legs.host_row[b] + m]
            for d in range(draws):
                guests[d] += share[d] * sent[d]
            if cell >= 0:
                row, serves = now.hours[cell], legs.serves[b]
                for d in range(draws):
                    row[d] += share[d] * sent[d] * serves


@inner
def work_hours(
    period: int, draws: int, legs: Legs, plain: Plain, turns: Turns, site: Int, now: Now, records: Records,
    room: Scratch,
) -> None:  # fmt: skip
    """Find the hours of all people, where teachers give none and details give theirs at the host."""
    for s in range(len(now.guests)):
        fill(now.guests[s], 0.0, draws)
    for c in range(len(plain.person)):
        if plain.person[c]:
            copy(now.people[c], now.hours[c], draws)
            if now.touched[c]:
                add(now.hours[c], now.incoming[c], 1.0, draws)
    for b in range(len(legs.first)):
        if legs.teacher[b] >= 0:
            _tie(b, draws, legs, now, room)
        if legs.hosts[b]:
            _host(b, draws, legs, now, room)
    for c in range(len(plain.person)):
        if not plain.person[c]:
            continue
        each, row, left = plain.hours[plain.row[period], c], now.hours[c], now.left[c]
        if turns.ptr[plain.owner[c]] < turns.ptr[plain.owner[c] + 1]:
            dial_row(each, plain.owner[c], site[c], turns, now.dials, room.one, draws)
            for d in range(draws):
                row[d] = max(row[d], 0.0) * room.one[d]
                left[d] = row[d]
        else:
            for d in range(draws):
                row[d] = max(row[d], 0.0) * each
                left[d] = row[d]
        if len(records.hours):
            note_real(records.hours[period, c], row, draws)
    if len(records.hosted):
        for s in range(len(now.guests)):
            note_real(records.hosted[period, s], now.guests[s], draws)


@inner
def _wanted(period: int, b: int, draws: int, serves: Serves, turns: Turns, now: Now, room: Scratch) -> None:
    """Write how many cases of each arc of a block can be served by the people there into `now.served`."""
    pool, there, owner, crew = room.one, room.two, serves.owner[b], float(serves.crew[b])
    open_, turned = serves.open[period, b], turns.ptr[owner] < turns.ptr[owner + 1]
    for a in range(serves.first[b], serves.first[b] + serves.count[b]):
        fill(pool, 0.0, draws)
        for g in range(serves.group_ptr[a], serves.group_ptr[a + 1]):
            lo, hi = serves.cell_ptr[g], serves.cell_ptr[g + 1]
            if hi - lo == 1:
                add(pool, now.left[serves.cell[lo]], serves.group_weight[g], draws)
            elif hi > lo:
                fill(there, 0.0, draws)
                for i in range(lo, hi):
                    add(there, now.left[serves.cell[i]], 1.0, draws)
                add(pool, there, serves.group_weight[g], draws)
        if crew > 1.0:
            fill(there, 0.0, draws)
            for i in range(serves.cell_ptr[serves.group_ptr[a]], serves.cell_ptr[serves.group_ptr[a + 1]]):
                add(there, now.people[serves.cell[i]], 1.0, draws)
                if now.touched[serves.cell[i]]:
                    add(there, now.incoming[serves.cell[i]], 1.0, draws)
            for d in range(draws):
                whole = np.floor(there[d] / crew + _TINY) * crew
                pool[d] *= whole / there[d] if there[d] > 0.0 else 0.0
        if turned:
            _turn(pool, owner, serves.site[a], draws, turns, now, there)
        standard, want, cases = serves.standard[serves.row[period], a], now.served[a], now.people[serves.tail[a]]
        if standard > 0.0:
            for d in range(draws):
                want[d] = np.floor(min(cases[d], pool[d] / standard) * open_ + _TINY)
        else:
            for d in range(draws):
                want[d] = np.floor(cases[d] * open_ + _TINY)


@inner
def _turn(hours: Float, owner: int, site: int, draws: int, turns: Turns, now: Now, there: Float) -> None:
    """Multiply hours by what the dials make of a block's standard at a site."""
    if alike(owner, site, turns, now.same):
        turn = dial_one(1.0, owner, site, turns, now.dials)
        for d in range(draws):
            hours[d] *= turn
        return
    dial_row(1.0, owner, site, turns, now.dials, there, draws)
    for d in range(draws):
        hours[d] *= there[d]


@inner
def _limited(
    period: int, b: int, draws: int, serves: Serves, rows: Rows, finite: Flags, now: Now, records: Records,
    room: Scratch,
) -> None:  # fmt: skip
    """Cut what is served to the rows of limits and lines of money that it uses, and take it from them."""
    for t in range(serves.term_ptr[b], serves.term_ptr[b + 1]):
        r, size = serves.term_row[t], 0
        for i in range(serves.term_arc_ptr[t], serves.term_arc_ptr[t + 1]):
            if serves.term_use[i] > _TINY:
                now.arcs[size], now.use[size] = serves.term_arc[i], serves.term_use[i]
                size += 1
        if size and share_row(now.served, now.arcs[:size], now.use[:size], now.room[r], room, draws):
            for d in range(draws):
                if room.bound[d] and len(records.rows):
                    records.rows[period, r, d] = True
                room.bound[d] = 0
    first, lo, hi = len(now.room) - len(finite), serves.first[b], serves.first[b] + serves.count[b]
    for line in range(len(finite)):
        if not finite[line]:
            continue
        size = 0
        for a in range(lo, hi):
            if now.ahead_serve[line, a] > _TINY:
                now.arcs[size], now.use[size] = a, now.ahead_serve[line, a]
                size += 1
        left = now.room[first + line]
        if size and share_row(now.served, now.arcs[:size], now.use[:size], left, room, draws):
            for d in range(draws):
                if room.bound[d] and len(records.lines):
                    records.lines[period, line, d] = True
                room.bound[d] = 0
    for line in range(len(finite)):
        for a in range(lo, hi):
            if finite[line] and now.ahead_serve[line, a] != 0.0:
                add(now.room[first + line], now.served[a], -now.ahead_serve[line, a], draws)
    for t in range(serves.term_ptr[b], serves.term_ptr[b + 1]):
        left = now.room[serves.term_row[t]]
        for i in range(serves.term_arc_ptr[t], serves.term_arc_ptr[t + 1]):
            add(left, now.served[serves.term_arc[i]], -serves.term_use[i], draws)


@inner
def _use_hours(period: int, b: int, draws: int, serves: Serves, turns: Turns, now: Now, room: Scratch) -> None:
    """Take the hours of a block's arcs from the people who gave them, in proportion to what they have left."""
    need, there, owner = room.one, room.two, serves.owner[b]
    turned = turns.ptr[owner] < turns.ptr[owner + 1]
    for a in range(serves.first[b], serves.first[b] + serves.count[b]):
        standard, want = serves.standard[serves.row[period], a], now.served[a]
        if standard <= 0.0:
            continue
        for d in range(draws):
            need[d] = want[d] * standard
        if turned and alike(owner, serves.site[a], turns, now.same):
            turn = dial_one(1.0, owner, serves.site[a], turns, now.dials)
            for d in range(draws):
                need[d] /= turn if turn > 0.0 else 1.0
        elif turned:
            dial_row(1.0, owner, serves.site[a], turns, now.dials, there, draws)
            for d in range(draws):
                need[d] /= there[d] if there[d] > 0.0 else 1.0
        lo, hi = serves.cell_ptr[serves.group_ptr[a]], serves.cell_ptr[serves.group_ptr[a + 1]]
        fill(there, 0.0, draws)
        for i in range(lo, hi):
            add(there, now.left[serves.cell[i]], serves.cell_weight[i], draws)
        for d in range(draws):
            need[d] = min(need[d] / there[d], 1.0) if there[d] > 0.0 else 0.0
        for i in range(lo, hi):
            left = now.left[serves.cell[i]]
            for d in range(draws):
                left[d] -= left[d] * need[d]


@inner
def _become(
    period: int, b: int, draws: int, streams: Streams, serves: Serves, now: Now, records: Records, room: Scratch
) -> None:
    """Turn served cases into others by one uniform, whole parts each within one of its share."""
    own = phase(streams.become[b], period)
    u, part = room.one, room.two
    for k in range(serves.count[b]):
        a = serves.first[b] + k
        n, lane = now.served[a], now.lanes[serves.site[a]]
        for d in range(draws):
            u[d] = uniform(start(lane[d], own), _FIRST)
        low = 0.0
        for h in range(serves.head_ptr[b], serves.head_ptr[b + 1]):
            high = low + serves.head_share[h]
            for d in range(draws):
                most = max(n[d], u[d])
                below = np.floor(min(low * n[d] + u[d] + _TINY, most))
                part[d] = np.floor(min(high * n[d] + u[d] + _TINY, most)) - below
            cell = serves.head[serves.head_at[h] + k]
            put_in(now.incoming, now.touched, cell, part, draws)
            if cell >= 0 and len(records.became):
                row = records.became[period, cell]
                for d in range(draws):
                    row[d] += np.int32(part[d])
            low = high


@inner
def serve(
    period: int, draws: int, streams: Streams, serves: Serves, rows: Rows, finite: Flags, turns: Turns,
    given: Float, now: Now, records: Records, room: Scratch,
) -> None:  # fmt: skip
    """Do step 7: each kind of work in order of priority; `given` (B, D) is the most a policy lets be served."""
    _after_moves(draws, serves, rows, finite, now)
    flag(room.live, 1, draws)
    for b in range(len(serves.first)):
        lo, hi = serves.first[b], serves.first[b] + serves.count[b]
        _wanted(period, b, draws, serves, turns, now, room)
        for a in range(lo, hi if len(given) else lo):
            row, most = now.served[a], given[a]
            for d in range(draws):
                row[d] = np.floor(min(row[d], most[d]) + _TINY)
        _limited(period, b, draws, serves, rows, finite, now, records, room)
        _use_hours(period, b, draws, serves, turns, now, room)
        for a in range(lo, hi):
            add(now.people[serves.tail[a]], now.served[a], -1.0, draws)
            if len(records.served):
                note(records.served[period, a], now.served[a], draws)
        if serves.head_ptr[b] < serves.head_ptr[b + 1]:
            _become(period, b, draws, streams, serves, now, records, room)


@inner
def _after_moves(draws: int, serves: Serves, rows: Rows, finite: Flags, now: Now) -> None:
    """Take the moves from what was left before them, in rows and lines that work uses."""
    for t in range(len(serves.term_row)):
        r = serves.term_row[t]
        if now.known[r] == 1:
            now.known[r] = 2
            left = now.room[r]
            for i in range(rows.use_ptr[r], rows.use_ptr[r + 1]):
                if now.busy[rows.use[i]]:
                    add(left, now.asked[rows.use[i]], -rows.use_use[i], draws)
            for i in range(rows.free_ptr[r], rows.free_ptr[r + 1]):
                if now.busy[rows.free[i]]:
                    add(left, now.asked[rows.free[i]], -rows.free_use[i], draws)
    first = len(now.room) - len(finite)
    for line in range(len(finite)):
        if finite[line]:
            left = now.room[first + line]
            for a in range(len(now.busy)):
                use = now.ahead_move[line, a]
                if now.busy[a] and use != 0.0:
                    add(left, now.asked[a], -use, draws)


@inner
def spend(period: int, draws: int, lines: Lines, serves: Serves, now: Now, records: Records, room: Scratch) -> None:
    """Count the money spent in this period on each line."""
    at, spent = lines.row[period], room.one
    for line in range(len(now.spent)):
        fill(spent, 0.0, draws)
        for c in range(len(now.people)):
            cost = lines.cell[at, line, c]
            if cost != 0.0:
                add(spent, now.people[c], cost, draws)
                if now.touched[c]:
                    add(spent, now.incoming[c], cost, draws)
        for a in range(len(now.way)):
            cost, more = lines.way[at, line, a], lines.move[at, line, a]
            if cost != 0.0:
                add(spent, now.way[a], cost, draws)
            if more != 0.0 and now.busy[a]:
                add(spent, now.asked[a], more, draws)
        for a in range(len(now.served)):
            cost = lines.serve[at, line, a]
            if cost != 0.0:
                add(spent, now.served[a], cost, draws)
        add(now.spent[line], spent, 1.0, draws)
        if len(records.spent):
            copy(spent, records.spent[period, line], draws)
