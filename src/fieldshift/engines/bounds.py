"""Which bounds of a program a planner set: each rule at each site, with its rows, dates and unit.

Bounds of columns (the least of a choice, how far a need may be short) become rows first, so that all rules are rows
that can be moved, priced, and left out alike. What is not here is no rule: people do not appear from nowhere, nobody
leaves who is not there, and work takes hours.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from fieldshift.engines.program_rows import Program, RowBlock
from fieldshift.network.graph import OUTSIDE, Bool, Float, Int, Network
from fieldshift.results.rule import Rule

__all__ = ["Bound", "bounded", "rule_of"]


@dataclass(frozen=True)
class Bound:
    """One rule at one site: parallel arrays over its rows, by date.

    Attributes:
        kind: `limit`, `rate` (most in a period), `floor`, `money`, `need`, `short`, `over`, `group` or `least`.
        part: The planner's part, dotted.
        title: Its name for a reader.
        unit: What is counted.
        site: The site, or OUTSIDE for the nation.
        rows: Rows of the program.
        first, until: First period of each row, and the one after its last.
        each: How far one unit more moves the row's bound.
        level: The number that the planner gave (a floor of 31 is 31).
        sign: 1 where the rows have a most, -1 where they have a least. The rows of a need move both ends.
    """

    kind: str
    part: str
    title: str
    unit: str
    site: int
    rows: Int
    first: Int
    until: Int
    each: Float
    level: Float
    sign: int = 1

    def only(self, which: Bool) -> Bound:
        """Return it for some of its rows."""
        kept = {name: getattr(self, name)[which] for name in ("rows", "first", "until", "each", "level")}
        return dataclasses.replace(self, **kept)


@dataclass(frozen=True)
class _Columns:
    """Bounds of columns that become rows; arrays of shape (G, n)."""

    kind: str
    part: str
    title: str
    sites: Int
    columns: Int
    level: Float
    each: Float
    sign: int = 1


def bounded(program: Program) -> tuple[Program, tuple[Bound, ...]]:
    """Return the program with the planner's bounds of columns as rows, and every bound that the planner set."""
    low, high = program.low.copy(), program.high.copy()
    matrices, lows, highs = [program.matrix], [program.row_low], [program.row_high]
    rows, count, found = list(program.rows), program.matrix.shape[0], list(_of_rows(program))
    starts, ends = program.columns.groups[:-1], program.columns.groups[1:]
    for new in _of_columns(program):
        bound = program.high[new.columns] if new.sign > 0 else program.low[new.columns]
        size, n = bound.shape
        flat = new.columns.ravel()
        one = sp.coo_array((np.ones(len(flat)), (np.arange(len(flat)), flat)), shape=(len(flat), len(low)))
        matrices.append(one.tocsr())
        lows.append(bound.ravel() if new.sign < 0 else np.full(len(flat), -np.inf))
        highs.append(bound.ravel() if new.sign > 0 else np.full(len(flat), np.inf))
        (high if new.sign > 0 else low)[flat] = np.inf if new.sign > 0 else 0.0
        index = np.stack([np.repeat(np.arange(size), n), np.tile(np.arange(n), size)], axis=1)
        rows.append(RowBlock(f"{new.kind} of {new.part}", "bound", count, index))
        for k, site in enumerate(new.sites.tolist()):
            own, here = count + np.arange(size) * n + k, np.isfinite(bound[:, k])
            here &= (new.sign > 0) | (bound[:, k] > 0)
            made = Bound(
                *(new.kind, new.part, new.title, "person", site, own, starts, ends),
                *(new.each[:, k], new.level[:, k], new.sign),
            )
            if here.any():
                found.append(made.only(here))
        count += len(flat)
    more = dataclasses.replace(
        program,
        matrix=sp.vstack(matrices).tocsr(),
        row_low=np.concatenate(lows),
        row_high=np.concatenate(highs),
        low=low,
        high=high,
        rows=rows,
    )
    return more, tuple(found)


def _of_rows(program: Program) -> Iterator[Bound]:
    """Yield limits, lines of money and common limits of needs, which are rows already."""
    merged: dict[tuple[str, str], list[RowBlock]] = {}
    for block in program.rows:
        if block.kind in ("limit", "money", "group", "need"):
            merged.setdefault((block.kind, block.name), []).append(block)
    for (kind, name), blocks in merged.items():
        index = np.concatenate([b.index for b in blocks])
        rows = np.concatenate([b.first + np.arange(len(b.index)) for b in blocks])
        if kind == "limit":
            yield from _limits(program, name, index, rows)
        elif kind == "money":
            yield from _money(program, name, index, rows)
        elif kind == "need":
            yield from _need(program, name, index, rows)
        else:
            word, _, group = name.partition(" of ")
            need = next(n for n in program.network.needs if n.group == group)
            starts, ends = program.columns.groups[index[:, 0]], program.columns.groups[index[:, 0] + 1]
            title = f"{word} in all of the needs {group}"
            part = f"{need.part}.{word}.most"
            yield Bound(
                *("group", part, title, "person", OUTSIDE, rows, starts, ends),
                *(np.ones(len(rows)), program.row_high[rows]),
            )


def _limits(program: Program, name: str, index: Int, rows: Int) -> Iterator[Bound]:
    limit = next(m for m in program.network.limits if m.name == name)
    groups, lengths = program.columns.groups, program.columns.lengths()
    rate = not len(limit.hold[0]) and not len(limit.transit[0])
    kind = "floor" if limit.floor else "rate" if rate else "limit"
    order = np.lexsort((rows, index[:, 0]))
    index, rows = index[order], rows[order]
    for k, site in enumerate(limit.sites.tolist()):
        mine = index[:, 1] == k
        group = index[mine, 0]
        each = lengths[group].astype(np.float64) if rate else np.ones(len(group))
        level = np.abs(limit.cap[groups[group], k]) if limit.floor else limit.cap[groups[group], k]
        if mine.any():
            yield Bound(
                *(kind, limit.part, limit.title, limit.unit, site, rows[mine]),
                *(groups[group], groups[group + 1], each, level),
            )


def _need(program: Program, name: str, index: Int, rows: Int) -> Iterator[Bound]:
    """Yield a need that must be met at each of its sites: its rows move as a whole, both of their ends."""
    need = next(n for n in program.network.needs if n.name == name)
    groups = program.columns.groups
    if need.short is not None:
        return
    order = np.lexsort((rows, index[:, 0]))
    index, rows = index[order], rows[order]
    for k, site in enumerate(need.sites.tolist()):
        mine = index[:, 1] == k
        group = index[mine, 0]
        if mine.any():
            yield Bound(
                *("need", f"{need.part}.need", need.title, "person", site, rows[mine]),
                *(groups[group], groups[group + 1], np.ones(len(group)), need.need[groups[group], k], -1),
            )


def _money(program: Program, name: str, index: Int, rows: Int) -> Iterator[Bound]:
    line = next(m for m in program.network.lines if m.name == name)
    for window, row in zip(index[:, 0].tolist(), rows.tolist(), strict=True):
        if np.isfinite(line.cap[window]):
            periods = np.flatnonzero(line.window == window)
            title = f"{line.title} in fiscal year {line.years[window]}"
            yield Bound(
                *("money", line.part, title, program.network.currency, OUTSIDE, np.array([row])),
                *(periods[:1], periods[-1:] + 1, np.ones(1), line.cap[[window]]),
            )


def _of_columns(program: Program) -> Iterator[_Columns]:
    """Yield the least of each choice, and how far each need may be short or over."""
    network, columns = program.network, program.columns
    starts, lengths = columns.groups[:-1], columns.lengths()
    for choice in network.choices:
        if choice.least is not None:
            at = columns.moved + np.arange(columns.size)[:, None] * network.n_choices
            at = at + np.arange(choice.arcs.start, choice.arcs.stop)
            each = np.repeat(lengths[:, None], len(choice.tail), axis=1).astype(np.float64)
            least = choice.least[starts]
            yield _Columns("least", f"choices.{choice.part}.least", choice.title, choice.sites, at, least, each, -1)
    for need in network.needs:
        for side, slack in enumerate((need.short, need.over)):
            first, n = columns.needs[need.name][side][-1], len(need.sites)
            at = first + np.arange(columns.size * n).reshape(columns.size, n)
            if slack is not None and np.isfinite(program.high[at]).any():
                word = ("short", "over")[side]
                one = np.ones(at.shape)
                yield _Columns(word, f"{need.part}.{word}.most", need.title, need.sites, at, program.high[at], one)


def rule_of(network: Network, bound: Bound, place: str = "") -> Rule:
    """Return a bound in a reader's terms: its dates from the first of its rows to the last."""
    first, last = int(bound.first.min()), int(bound.until.max())
    instants = network.periods.instants
    return Rule(
        kind=bound.kind,
        part=bound.part,
        title=bound.title,
        unit=bound.unit,
        site=network.sites.names[bound.site] if bound.site >= 0 else "",
        start=instants[first],
        end=instants[last],
        periods=last - first,
        step=network.periods.step,
        level=float(bound.level[int(np.argmin(bound.first))]),
        place=place,
    )
