"""A number's table: by site, by date, by fiscal year, or by date and site."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from fieldshift.scenario.marked import Marked, Path
from fieldshift.scenario.paths import nearest
from fieldshift.scenario.tables import Table

__all__ = ["amount_of"]

_NUMBER = re.compile(r"([-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)(\s*[^\d\s,.].*)?")
_WORDS = re.compile(r"[-+]?(nan|inf|infinity)", re.IGNORECASE)
_YEAR = re.compile(r"\d{4}")
_MONTH = re.compile(r"\d{4}-\d{2}")


def amount_of(table: Table, sites: Sequence[str]) -> Marked:
    """Return `sites`, `dates`, `years` or `grid` of a number, by the columns of its table.

    Args:
        table: Columns `site` and/or `date`, or `year`, and `value`; or `date` and one column for each site.
        sites: Ids of all sites: each must be in the table, and no other.
    """
    found = Marked({}, problems=table.problems)
    if not table.header or not table.rows:
        return found
    if "value" in table.header:
        _long(table, sites, found)
    elif "date" in table.header:
        _wide(table, sites, found)
    else:
        hint = nearest("value", table.header, "columns here")
        table.refuse(1, 0, "needs a column 'value', or 'date' and one column for each site", hint)
    return found


def _long(table: Table, sites: Sequence[str], found: Marked) -> None:
    keys = [name for name in ("site", "date", "year") if name in table.header]
    readers: dict[str, Callable[[str], str]] = {"date": _date, "year": _year, "site": str}
    form = {("site",): "sites", ("date",): "dates", ("year",): "years", ("site", "date"): "grid"}.get(tuple(keys))
    for i, name in enumerate(table.header):
        if name and name not in ("site", "date", "year", "value"):
            table.refuse(1, i, f"unknown column '{name}'", nearest(name, ("site", "date", "year", "value")))
    if form is None:
        what = (
            f"cannot be by {' and '.join(keys)}" if keys else "needs a column 'site', 'date' or 'year' beside 'value'"
        )
        table.refuse(1, 0, what, "use 'date' for years too" if keys else "")
        return
    order = ["date", "site"] if form == "grid" else keys
    filled: dict[Path, int] = {}
    for line, cells in table.rows:
        path = tuple(
            _key(table, (line, table.header.index(k)), readers[k], cells[table.header.index(k)]) for k in order
        )
        at = (line, table.header.index("value"))
        value = _value(table, at, cells[at[1]])
        if "" in path:
            continue
        if path in filled:
            what = f"{' and '.join(f'{k} {v}' for k, v in zip(order, path, strict=True))} stands here twice"
            table.refuse(line, table.header.index(order[-1]), what, f"first in line {filled[path]}")
            continue
        filled[path] = line
        _put(found, (form, *path), value, table.place(*at))
    if form in ("sites", "grid"):
        _every_site(table, sites, found.data.get(form, {}), form == "grid", filled)
    if form != "sites":
        _in_order(table, order[0], [(str(path[0]), line) for path, line in filled.items()])


def _wide(table: Table, sites: Sequence[str], found: Marked) -> None:
    at = table.header.index("date")
    columns = []
    for i, name in enumerate(table.header):
        if name in sites:
            columns.append(i)
        elif i != at and name:
            table.refuse(1, i, f"'{name}' is neither a site nor 'value'", nearest(name, [*sites, "value"]))
    missing = [site for site in sites if site not in table.header]
    if missing:
        table.refuse(1, at, f"no column for {_listed(missing)}", "a table by site names every site")
    filled: dict[str, int] = {}
    for line, cells in table.rows:
        date = _key(table, (line, at), _date, cells[at])
        if date in filled:
            table.refuse(line, at, f"date {date} stands here twice", f"first in line {filled[date]}")
            continue
        filled[date] = line
        for i in columns:
            _put(
                found,
                ("grid", date, table.header[i]),
                _value(table, (line, i), cells[i]),
                table.place(line, i),
            )
    _in_order(table, "date", [(date, line) for date, line in filled.items() if date])


def _put(found: Marked, path: Path, value: Any, place: str) -> None:
    node = found.data
    for i, key in enumerate(path[:-1]):
        node = node.setdefault(key, {})
        found.places.setdefault(path[: i + 1], place)
    node[path[-1]] = value
    found.places[path] = place


def _key(table: Table, at: tuple[int, int], reader: Callable[[str], str], text: str) -> str:
    try:
        if not text:
            raise ValueError(f"a row without a {table.header[at[1]]}")
        return reader(text)
    except ValueError as error:
        table.refuse(*at, str(error))
        return ""


def _date(text: str) -> str:
    try:
        full = f"{text}-01" if _MONTH.fullmatch(text) else text
        return dt.datetime.strptime(full, "%Y-%m-%d").date().isoformat()
    except ValueError:
        raise ValueError(f"expected a date such as 2025-01-31, got '{text[:40]}'") from None


def _year(text: str) -> str:
    if not _YEAR.fullmatch(text):
        raise ValueError(f"expected a fiscal year such as 2025, got '{text[:40]}'")
    return text


def _value(table: Table, at: tuple[int, int], text: str) -> float | str:
    fits = _NUMBER.fullmatch(text)
    if fits and math.isfinite(float(fits[1])):
        return text if fits[2] else float(fits[1])
    if not text:
        table.refuse(*at, "no number here", "write 0 if it is none")
    elif fits or _WORDS.fullmatch(text):
        table.refuse(*at, f"expected a finite number, got {text[:40]}")
    else:
        plain = text.replace(",", "").replace(" ", "")
        hint = f"write {plain}" if plain != text and _NUMBER.fullmatch(plain) else ""
        table.refuse(*at, f"expected a number, got '{text[:40]}'", hint)
    return 0.0


def _every_site(
    table: Table, sites: Sequence[str], given: dict[str, Any], dated: bool, filled: dict[Path, int]
) -> None:
    known = set(sites)
    at = table.header.index("site")
    for path, line in filled.items():
        if path[-1] not in known:
            table.refuse(line, at, f"there is no site '{path[-1]}'", nearest(str(path[-1]), sites, "sites"))
    for key, row in given.items() if dated else [("", given)]:
        missing = [site for site in sites if site not in row]
        if missing:
            on = f" on {key}" if key else ""
            last = max((line for path, line in filled.items() if not key or path[0] == key), default=2)
            table.refuse(last, at, f"no row for {_listed(missing)}{on}", "a table by site names every site")


def _listed(names: Sequence[str]) -> str:
    what = "site" if len(names) == 1 else "sites"
    return f"{what} {', '.join(names[:10])}" + (f" and {len(names) - 10} more" if len(names) > 10 else "")


def _in_order(table: Table, name: str, keys: list[tuple[str, int]]) -> None:
    at = table.header.index(name)
    before = ""
    for key, line in keys:
        if before and key < before:
            table.refuse(line, at, f"{name} {key} stands after {before}", "put the rows in order of time")
            return
        before = key
