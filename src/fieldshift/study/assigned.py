"""Each column of a table of stocks and flows given its role: declared by the caller, or recognised by its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fieldshift.errors import Problem
from fieldshift.scenario.paths import nearest
from fieldshift.scenario.tables import Table
from fieldshift.study.columns import EARLY, HIRES, Roles, flow_of_running, is_fte, plain, role_of

__all__ = ["Declared", "assigned"]

_AMBIGUOUS = ["other", "others", "misc", "unknown", "transfers", "transfer", "conversion", "conversions", "adjustment"]
_RECORD = "hire_date start_date entry_date exit_date end_date leaving_date separation_date termination_date hired_on"


@dataclass(frozen=True)
class Declared:
    """What a caller says of a table's columns; what is not said is recognised by name.

    Attributes:
        stock: The column of the stock.
        ins: All columns of entries.
        outs: All columns of leavers.
        where: Columns and the value that a row must have there.
        over: Columns over whose values rows are summed.
    """

    stock: str = ""
    ins: tuple[str, ...] = ()
    outs: tuple[str, ...] = ()
    where: tuple[tuple[str, str], ...] = ()
    over: tuple[str, ...] = ()


def assigned(table: Table, declared: Declared) -> Roles:
    """Return which column holds what; problems are noted in the table."""
    found: dict[str, list[str]] = {}
    aside = [*declared.over, *(name for name, _ in declared.where)]
    for name in table.header:
        role = role_of(name)
        if plain(name) in _RECORD.split():
            hint = "Fieldshift reads counts by organisation and month: count the rows first"
            table.refuse(1, table.header.index(name), f"the column '{name}' stands in records of people", hint)
        if name not in aside and name not in (declared.stock, *declared.ins, *declared.outs):
            found.setdefault(role, []).append(name)
    for name in (declared.stock, *declared.ins, *declared.outs, *aside):
        if name and name not in table.header:
            table.refuse(1, 0, f"there is no column '{name}'", nearest(name, table.header, "columns here"))
    roles = Roles(org=_one(table, found, "org"), published=_one(table, found, "published"))
    roles = replace(roles, period=_period(table, found))
    roles = _stock(table, found, declared, roles)
    roles = _flows(table, found, declared, roles)
    running = {name: _flow(name, roles) for name in found.get("running", [])}
    used = {roles.org, roles.published, *roles.period, *roles.numbers, *aside}
    unused = tuple(name for name in table.header if name not in used and name not in running)
    return replace(roles, running={k: v for k, v in running.items() if v}, unused=unused)


def _one(table: Table, found: dict[str, list[str]], role: str) -> str:
    names = found.get(role, [])
    if len(names) > 1:
        place = table.header.index(names[1])
        table.refuse(1, place, f"'{names[0]}' and '{names[1]}' could both be the {role}", "rename or take out one")
    return names[0] if names else ""


def _period(table: Table, found: dict[str, list[str]]) -> tuple[str, ...]:
    names = found.get("period", [])
    words = {plain(name): name for name in names}
    if "year" in words and len(names) == 2 and ("month" in words or "quarter" in words):
        return (words["year"], words.get("month") or words["quarter"])
    if len(names) > 1:
        what = f"'{names[0]}' and '{names[1]}' could both be the period"
        table.refuse(1, table.header.index(names[1]), what, "keep one of them, or a year and a month")
    if not names and table.header:
        hint = "a column such as month (2025-01), quarter (2025-Q1) or year"
        table.refuse(1, 0, "the table has no column of the period", hint)
    return tuple(names[:1])


def _stock(table: Table, found: dict[str, list[str]], declared: Declared, roles: Roles) -> Roles:
    if declared.stock:
        return replace(
            roles,
            stock=declared.stock,
            measure="fte" if is_fte(declared.stock) else "headcount",
            opening=role_of(declared.stock) == "opening",
        )
    for role, measure in (("headcount", "headcount"), ("opening", "headcount"), ("fte", "fte")):
        names = found.get(role, [])
        if len(names) > 1:
            what = f"'{names[0]}' and '{names[1]}' could both be the stock"
            table.refuse(1, table.header.index(names[1]), what, f"say which: --stock {names[0]}")
        if names:
            return replace(roles, stock=names[0], measure=measure, opening=role == "opening")
    if table.header:
        hint = "a column such as headcount_end, or --stock COLUMN"
        table.refuse(1, 0, "the table has no column of the stock at the period's end", hint)
    return roles


def _flows(table: Table, found: dict[str, list[str]], declared: Declared, roles: Roles) -> Roles:
    ins, outs = list(declared.ins), list(declared.outs)
    hires = [name for name in ins if plain(name) in HIRES] or ins[:1]
    early = [name for name in outs if plain(name) in EARLY]
    if not declared.ins:
        hires, ins = found.get("hires", []), [*found.get("hires", []), *found.get("in", [])]
    if not declared.outs:
        early, outs = found.get("early", []), [*found.get("early", []), *found.get("out", [])]
    for name in table.header:
        if plain(name) in _AMBIGUOUS and name not in (*ins, *outs) and not declared.outs:
            _place(table.header, name, ins if not declared.ins else [], outs)
    fte = roles.measure == "fte"
    for name in [*ins, *outs]:
        if is_fte(name) != fte and name in (*declared.ins, *declared.outs):
            what = f"the stock '{roles.stock}' and the flow '{name}' do not count the same: headcount and FTE"
            table.refuse(1, table.header.index(name) if name in table.header else 0, what, "never add the two")
    # A stock in FTE is not balanced by flows in heads: they are left out, and only its net change is used.
    ins, outs = [n for n in ins if is_fte(n) == fte], [n for n in outs if is_fte(n) == fte]
    in_total = "" if declared.ins else _total(table, found, "in_total", fte)
    out_total = "" if declared.outs else _total(table, found, "out_total", fte)
    keep = set(ins) | set(outs)
    return replace(
        roles,
        hires=tuple(n for n in hires if n in keep),
        ins=tuple(n for n in ins if n not in hires),
        early=tuple(n for n in early if n in keep),
        outs=tuple(n for n in outs if n not in early),
        in_total=in_total,
        out_total=out_total,
    )


def _total(table: Table, found: dict[str, list[str]], role: str, fte: bool) -> str:
    names = [n for n in found.get(role, []) if is_fte(n) == fte]
    if len(names) > 1:
        what = f"'{names[0]}' and '{names[1]}' could both be the sum of all flows"
        flag = "--in" if role == "in_total" else "--out"
        table.refuse(1, table.header.index(names[1]), what, f"say what is added: {flag} COLUMN,COLUMN")
    return names[0] if names else ""


def _place(header: Sequence[str], name: str, ins: list[str], outs: list[str]) -> None:
    """Put a column such as `other` with the flows it stands behind: among the leavers, it is one of them."""
    for before in reversed(header[: header.index(name)]):
        if before in outs or role_of(before) == "out_total":
            outs.append(name)
            return
        if before in ins or role_of(before) == "in_total":
            ins.append(name)
            return


def _flow(running: str, roles: Roles) -> str:
    word = flow_of_running(running)
    flows = [*roles.hires, *roles.ins, *roles.early, *roles.outs, roles.in_total, roles.out_total]
    return next((flow for flow in flows if flow and plain(flow) == word), "")


def told_unused(table: Table, roles: Roles) -> list[Problem]:
    """Return a warning for each column of numbers that is not used: it might be a flow."""
    found = []
    for name in roles.unused:
        at = table.header.index(name)
        cells = [cells[at] for _, cells in table.rows if cells[at]]
        if cells and all(cell.replace(",", "").replace(".", "").isdigit() for cell in cells):
            what = f"the column '{name}' is not used"
            hint = "if it counts people who enter or leave, say so: --in or --out"
            found.append(Problem(table.place(1, at), "", what, hint, "warning"))
    return found
