"""A history of stocks and flows, read from a plain table: one row for each organisation and period."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fieldshift.errors import Problem, ScenarioError, UsageError
from fieldshift.scenario.marked import decoded
from fieldshift.scenario.tables import MAX_BYTES, Table, table_from
from fieldshift.study.assigned import Declared, assigned, told_unused
from fieldshift.study.columns import Roles
from fieldshift.study.spelled import Period, period_of, when

__all__ = ["ENTERED", "LEFT", "History", "Row", "Unit", "read_history"]

Float = npt.NDArray[np.float64]

ENTERED, LEFT = "all who entered", "all who left"
"""Names of the sums of all flows among running totals."""

_MISSING = {"", "..", "...", ":", "*", "-", "–", "na", "n/a", "x", "c", "z", "s", "null", "none", "."}
_NUMBER = re.compile(r"[-+]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?")


@dataclass(frozen=True)
class Row:
    """One row: an organisation's period as it was known from a day on.

    Attributes:
        org: The organisation.
        period: The period.
        known: The day from which the row was known: when it was published, or the period's last day.
        line: Its line in the file.
        values: Numbers by column; NaN is missing.
    """

    org: str
    period: Period
    known: dt.date
    line: int
    values: Mapping[str, float]


@dataclass(frozen=True)
class Unit:
    """One organisation's history over periods without a hole: what is missing is NaN.

    Attributes:
        org: The organisation.
        periods: Its periods, in order, each the next one.
        stock: The stock at each period's end, shape (T,).
        ins: Entries by kind, shape (T,) each.
        outs: Leavers by reason, shape (T,) each.
        hires: Kinds of entries that are new to the organisation.
        early: Reasons of leaving to which new hires give more than their share.
        in_total: All entries as the table gives them, shape (T,), or nothing.
        out_total: All leavers, likewise.
        running: Running totals by the flow that each sums, shape (T,) each.
        lines: Line of each period in the file; 0 where it has none.
    """

    org: str
    periods: tuple[Period, ...]
    stock: Float
    ins: Mapping[str, Float]
    outs: Mapping[str, Float]
    hires: tuple[str, ...]
    early: tuple[str, ...]
    in_total: Float | None
    out_total: Float | None
    running: Mapping[str, Float]
    lines: npt.NDArray[np.int64]

    @property
    def entered(self) -> Float:
        """All who entered in each period, shape (T,): the table's sum where it has one, else the sum of the parts."""
        return _all(self.ins, self.in_total, self.stock.size)

    @property
    def left(self) -> Float:
        """All who left in each period, shape (T,), likewise."""
        return _all(self.outs, self.out_total, self.stock.size)

    @property
    def hired(self) -> Float:
        """Those who were new to the organisation, shape (T,): all who entered, where that is not told apart."""
        parts = [self.ins[name] for name in self.hires if name in self.ins]
        return np.asarray(sum(parts), np.float64) if parts else self.entered


@dataclass(frozen=True)
class History:
    """A table of stocks and flows, as it was read.

    Attributes:
        label: The file's name.
        digest: SHA-256 of the file's bytes.
        roles: Which column holds what.
        months: Length of a period in months.
        rows: All rows, in the file's order.
        warnings: What was not used or not understood, without which the table can be read.
    """

    label: str
    digest: str
    roles: Roles
    months: int
    rows: tuple[Row, ...]
    warnings: tuple[Problem, ...] = field(default=())

    @property
    def orgs(self) -> tuple[str, ...]:
        """Its organisations, in the file's order."""
        return tuple(dict.fromkeys(row.org for row in self.rows))

    @property
    def last(self) -> dt.date:
        """The last day that any row is about."""
        return max(row.period.end for row in self.rows)

    def known(self, origin: dt.date | None = None) -> dict[str, Unit]:
        """Return each organisation's history as it was known on a day: no later row, no later revision.

        Args:
            origin: The day; None for all that the table holds, in its latest version.
        """
        latest: dict[tuple[str, Period], Row] = {}
        for row in self.rows:
            if origin is not None and (row.period.end > origin or row.known > origin):
                continue
            before = latest.get((row.org, row.period))
            if before is None or row.known >= before.known:
                latest[row.org, row.period] = row
        found: dict[str, list[Row]] = {}
        for row in latest.values():
            found.setdefault(row.org, []).append(row)
        return {org: _unit(found[org], self.roles) for org in self.orgs if org in found}


def _all(parts: Mapping[str, Float], total: Float | None, count: int) -> Float:
    summed = np.asarray(sum(parts.values()), np.float64) if parts else np.full(count, np.nan)
    return summed if total is None else np.where(np.isnan(total), summed, total)


def _unit(rows: Sequence[Row], roles: Roles) -> Unit:
    """Return one organisation's rows on a whole line of periods; a stock at a period's start ends the one before."""
    first, last = min(r.period for r in rows), max(r.period for r in rows)
    if roles.opening:
        first = first.later(-1)
    count = (last.last - first.last) // last.months + 1
    values = {name: np.full(count, np.nan) for name in roles.numbers}
    lines = np.zeros(count, np.int64)
    for row in rows:
        at = (row.period.last - first.last) // last.months
        lines[at] = row.line
        for name, value in row.values.items():
            values[name][at - 1 if roles.opening and name == roles.stock else at] = value
    sums = {roles.in_total: ENTERED, roles.out_total: LEFT}
    return Unit(
        org=rows[0].org,
        periods=tuple(first.later(i) for i in range(count)),
        stock=values[roles.stock],
        ins={name: values[name] for name in (*roles.hires, *roles.ins)},
        outs={name: values[name] for name in (*roles.early, *roles.outs)},
        hires=roles.hires,
        early=roles.early,
        in_total=values[roles.in_total] if roles.in_total else None,
        out_total=values[roles.out_total] if roles.out_total else None,
        running={sums.get(flow, flow): values[name] for name, flow in roles.running.items()},
        lines=lines,
    )


def read_history(
    path: str | Path,
    *,
    stock: str = "",
    ins: Iterable[str] = (),
    outs: Iterable[str] = (),
    where: Mapping[str, str] | None = None,
    over: Iterable[str] = (),
) -> History:
    """Read a history of stocks and flows from a plain CSV table.

    One row is one organisation in one month, quarter or year. Columns are recognised by name; `ins` and `outs` say
    themselves what enters and leaves. Sums of all flows (accessions, separations) are known as sums. A blank cell is
    missing, not zero. Headcount and FTE are never mixed. With a column such as `as_of`, a period may have several
    rows, each known from its day on.

    Args:
        path: The table.
        stock: The column of the stock at the period's end, if its name does not say so.
        ins: All columns of entries.
        outs: All columns of leavers.
        where: Rows to keep: a column and its value.
        over: Columns over whose values rows are summed.

    Raises:
        ScenarioError: The table cannot be used: every problem at once, each with its place.
        UsageError: There is no such file.
    """
    file = Path(path)
    try:
        if file.stat().st_size > MAX_BYTES:
            raise UsageError(f"'{file}' is too large: at most {MAX_BYTES:,} bytes")
        raw = file.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the table '{file}': {error.strerror or error}") from error
    text = decoded(raw, file.name)
    if isinstance(text, Problem):
        raise ScenarioError([text])
    declared = Declared(stock, tuple(ins), tuple(outs), tuple((where or {}).items()), tuple(over))
    table = table_from(text, file.name)
    roles = assigned(table, declared)
    rows = () if table.problems else _rows(table, roles, declared)
    if table.problems:
        raise ScenarioError(sorted(table.problems))
    missing = [p for p in table.problems if p.level == "warning"]
    warnings = (*told_unused(table, roles), *missing)
    return History(file.name, hashlib.sha256(raw).hexdigest(), roles, rows[0].period.months, rows, warnings)


def _rows(table: Table, roles: Roles, declared: Declared) -> tuple[Row, ...]:
    at = {name: i for i, name in enumerate(table.header)}
    found: dict[tuple[str, Period, dt.date], Row] = {}
    cells_of: dict[tuple[str, Period, dt.date], list[str]] = {}
    length = 0
    for line, cells in table.rows:
        if any(cells[at[name]] != value for name, value in declared.where):
            continue
        period = _period(table, line, cells, [at[name] for name in roles.period])
        values = {name: _number(table, line, at[name], cells[at[name]]) for name in roles.numbers}
        if period is None:
            continue
        length = length or period.months
        if period.months != length:
            table.refuse(line, at[roles.period[0]], f"{period} is of another length than the rows before", "one length")
        known = _known(table, line, at.get(roles.published), cells, period)
        org = cells[at[roles.org]] if roles.org else table.label.removesuffix(".csv")
        if not org:
            table.refuse(line, at[roles.org], "a row without an organisation")
        row, key = Row(org, period, known, line, values), (org, period, known)
        if key in found and declared.over:
            values = {name: found[key].values[name] + value for name, value in values.items()}
            row = Row(org, period, known, found[key].line, values)
        elif key in found:
            _twice(table, roles, line, cells, (found[key], cells_of[key]))
        found[key] = row
        cells_of.setdefault(key, cells)
    if not found and not table.problems:
        told = ", ".join(f"{name} = {value}" for name, value in declared.where)
        table.refuse(2, 0, f"no row is left where {told}" if told else "no row can be read")
    return tuple(found.values())


def _twice(table: Table, roles: Roles, line: int, cells: Sequence[str], first: tuple[Row, list[str]]) -> None:
    used = {roles.org, *roles.period, *roles.numbers}
    differ = [n for n, a, b in zip(table.header, cells, first[1], strict=True) if a != b and n not in used]
    hint = f"first in line {first[0].line}"
    if differ:
        hint += f"; say which with --where {differ[0]}=VALUE, or sum with --over {','.join(differ)}"
    table.refuse(line, 0, f"{first[0].org} has {first[0].period} twice", hint)


def _period(table: Table, line: int, cells: Sequence[str], at: Sequence[int]) -> Period | None:
    text = "-".join(cells[i] for i in at)
    if len(at) == 2:
        quarter = "quarter" in table.header[at[1]].casefold()
        text = f"{cells[at[0]]}-Q{cells[at[1]].lstrip('Qq')}" if quarter else f"{cells[at[0]]}-{cells[at[1]]}"
    found = period_of(text)
    if found is None:
        table.refuse(line, at[0], f"'{text}' is no month, quarter or year", "write 2025-01, 2025-Q1 or 2025")
    return found


def _known(table: Table, line: int, at: int | None, cells: Sequence[str], period: Period) -> dt.date:
    if at is None:
        return period.end
    day = when(cells[at])
    if day is None:
        table.refuse(line, at, f"'{cells[at]}' is no date from which the row was known", "write 2025-01-31")
    return day or period.end


def _number(table: Table, line: int, at: int, text: str) -> float:
    if text.casefold() in _MISSING:
        return float("nan")
    if _NUMBER.fullmatch(text) is None:
        table.refuse(line, at, f"'{table.header[at]}' is '{text}', not a number", "leave it empty if it is not known")
        return float("nan")
    value = float(text.replace(",", ""))
    if value < 0:
        table.refuse(line, at, f"'{table.header[at]}' is {text}: a count cannot be below zero")
    return value
