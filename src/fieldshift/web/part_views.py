"""The parts of a scenario in work as tables and forms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

import fieldshift as fs
from fieldshift.web.casebook import Work
from fieldshift.web.differences import Way, dotted, title_of, words_of
from fieldshift.web.forms import TABLES, FieldView, field_view, kind_of_part, unit_words
from fieldshift.web.pages import pages_of

__all__ = ["Grid", "PartForm", "PartRow", "PartTable", "form_of", "grids_of", "table_of"]

PER_PAGE = 50
WIDE = 1_200
"""Inputs of a grid that stand on one page."""
_COLUMNS, _FEW = 6, 7
_BESIDE = frozenset({"source", "note", "assumption", "as_of", "about", "tags", "set", "shape", "table", "column"})
_CELL = fs.Field("value", "value", "", None, "The value there.")


class Column(BaseModel):
    """A column: its name in words, its unit and its meaning."""

    label: str
    unit: str = ""
    meaning: str = ""


class PartRow(BaseModel):
    """A part or an entry of a list, in a row.

    Attributes:
        path: Where it stands.
        name: Its name, its id, or its number.
        title: Its name for a reader.
        cells: Its fields, one for each column of the table.
        changed: Whether it differs from the first version.
        added: Whether the first version has none such.
    """

    path: str
    name: str
    title: str
    cells: list[FieldView]
    changed: bool
    added: bool


class PartTable(BaseModel):
    """Parts of one kind, or the entries of a list.

    Attributes:
        path: Where they stand.
        key: The kind of part, in the data dictionary.
        title: What they are called.
        meaning: What such a part is.
        named: Whether each has a name of its own; else it has a number.
        columns: What is shown of each.
        rows: Those of this page.
        gone: Parts of the first version that are not there any more.
        total: How many there are.
        page: Which page this is, from 1.
        pages: How many pages there are.
    """

    path: str
    key: str
    title: str
    meaning: str
    named: bool
    columns: list[Column]
    rows: list[PartRow]
    gone: list[str]
    total: int
    page: int
    pages: int


class GridRow(BaseModel):
    """A row of a grid: its name, its path, its cells."""

    label: str
    path: str
    cells: list[FieldView]


class Grid(BaseModel):
    """A number by site, by date, or by both.

    Attributes:
        path: Where the number stands.
        label: What it is.
        form: How it is said: `sites`, `dates`, `years`, `grid`, `of`.
        unit: The unit of a bare number.
        columns: Names of the columns.
        rows: Those of this page.
        total: How many rows there are.
        page: Which page this is, from 1.
        pages: How many pages there are.
    """

    path: str
    label: str
    form: str
    unit: str
    columns: list[str]
    rows: list[GridRow]
    total: int
    page: int
    pages: int


class PartForm(BaseModel):
    """One part, or one entry of a list, with all that may be written about it.

    Attributes:
        path: Where it stands.
        name: Its name.
        title: Its name for a reader.
        key: The kind of part.
        meaning: What such a part is.
        removable: Whether it can be removed.
        fields: What is written, and what should be.
        rare: All else that may be.
        lists: Its lists.
        grids: Its numbers by site or date.
    """

    path: str
    name: str
    title: str
    key: str
    meaning: str
    removable: bool
    fields: list[FieldView]
    rare: list[FieldView]
    lists: list[PartTable]
    grids: list[Grid]


def table_of(work: Work, key: str, at: Way, page: int = 1) -> PartTable:
    """Return the parts of a collection, or the entries of a list, as a table.

    Args:
        work: The scenario in work.
        key: Their kind.
        at: The way to the collection.
        page: Which page of them is wanted.
    """
    kind = kind_of_part(key)
    names = _names(work.draft.at(at), at)
    pages = pages_of(len(names), PER_PAGE)
    page = min(max(page, 1), pages)
    fields = _columns(work, kind, at, names)
    rows = [_row(work, at, name, fields) for name in names[(page - 1) * PER_PAGE : page * PER_PAGE]]
    named = kind.named or at == ("sites",)
    return PartTable(
        path=dotted(at),
        key=key,
        title=kind.title,
        meaning=kind.meaning,
        named=named,
        columns=[_column(field) for field in fields],
        rows=rows,
        gone=[str(name) for name in _names(work.base.at(at), at) if name not in names] if named else [],
        total=len(names),
        page=page,
        pages=pages,
    )


def _column(field: fs.Field) -> Column:
    return Column(label=words_of(field.path.replace(".", " ")), unit=unit_words(field.unit), meaning=field.meaning)


def _names(found: Any, at: Way) -> list[str | int]:
    if isinstance(found, Mapping):
        return [str(name) for name in found]
    if not isinstance(found, list):
        return []
    if at == ("sites",):
        return [str(site.get("id", i)) if isinstance(site, Mapping) else i for i, site in enumerate(found)]
    return list(range(len(found)))


def _columns(work: Work, kind: fs.PartKind, at: Way, names: Sequence[str | int]) -> list[fs.Field]:
    """Return the fields that are shown in a table: all where there are few, else the required and the most used."""
    fields = [field for field in _fields_of(work, kind, at) if field.path != "id"]
    if len(fields) <= _FEW or kind.key == "sites":
        return [field for field in fields if field.path != "table"]
    used = {field.path: 0 for field in fields}
    for name in names:
        for field in fields:
            used[field.path] += work.draft.at((*at, name, *field.path.split("."))) is not None
    first = [field.path for field in fields if field.path in ("title", "rule") or (field.required and not field.only)]
    best = sorted(fields, key=lambda field: (field.path not in first, -used[field.path]))
    chosen = [field for field in best if field.path not in _BESIDE and (field.path in first or used[field.path])]
    if not chosen:
        chosen = [field for field in fields if field.path not in _BESIDE]
    kept = {field.path for field in chosen[:_COLUMNS]}
    return [field for field in fields if field.path in kept]


def _fields_of(work: Work, kind: fs.PartKind, at: Way) -> list[fs.Field]:
    """Return the fields of a kind of part; sites have further attributes."""
    found = list(kind.fields)
    if kind.key == "sites":
        known, sites = {field.path for field in found}, work.draft.at(at)
        listed = [site for site in sites if isinstance(site, Mapping)] if isinstance(sites, list) else []
        more = dict.fromkeys(str(key) for site in listed for key in site if key not in known)
        found += [
            fs.Field(key, "value", "", None, "A further attribute of sites, which other parts may name.")
            for key in more
        ]
    return found


def _row(work: Work, at: Way, name: str | int, fields: Sequence[fs.Field]) -> PartRow:
    way = (*at, name)
    now, before = work.draft.at(way), work.base.at(way)
    title = now.get("title") or now.get("name") if isinstance(now, Mapping) else None
    return PartRow(
        path=dotted(way),
        name=str(name + 1) if isinstance(name, int) else name,
        title=str(title or ""),
        cells=[field_view(work, way, field) for field in fields],
        changed=now != before,
        added=before is None,
    )


def form_of(work: Work, key: str, way: Way, page: int = 1) -> PartForm:
    """Return one part with every field.

    Args:
        work: The scenario in work.
        key: Its kind.
        way: The way to it; empty for the scenario's own fields.
        page: Which page of its lists and grids is wanted.

    Raises:
        UsageError: There is no such part in the scenario.
    """
    kind = kind_of_part(key)
    now = work.draft.at(way)
    if now is None:
        raise fs.UsageError(f"there is no '{dotted(way)}' in this scenario")
    fields = [field for field in _fields_of(work, kind, way[:-1]) if not field.only or _sort(now) in field.only]
    shown: list[FieldView] = []
    rare: list[FieldView] = []
    lists: list[PartTable] = []
    grids: list[Grid] = []
    for field in fields:
        at = (*way, *field.path.split("."))
        if field.kind == "list":
            lists.append(table_of(work, field.lists, at, page))
            continue
        view = field_view(work, way, field, full=True)
        often = field.required or view.text or view.summary or view.base or field.path == "title"
        (shown if often or not way else rare).append(view)
        if field.kind == "amount" or (key == "quantities" and field.path == "value"):
            number = at if field.kind == "amount" else way
            grids += grids_of(work, number, field.unit, page)
            if work.draft.at((*number, "estimates")) and field.kind == "amount":
                lists.append(table_of(work, "estimates", (*number, "estimates"), page))
    return PartForm(
        path=dotted(way),
        name=_name(way),
        title=title_of(work.draft, way) if way else "The scenario",
        key=key,
        meaning=kind.meaning,
        removable=bool(way),
        fields=shown,
        rare=rare,
        lists=lists,
        grids=grids,
    )


def _name(way: Way) -> str:
    if not way:
        return "scenario"
    return f"{way[-1] + 1}" if isinstance(way[-1], int) else str(way[-1])


def _sort(part: Any) -> str:
    return str(part.get("rule", "schedule")) if isinstance(part, Mapping) else ""


def grids_of(work: Work, number: Way, unit: str, page: int = 1) -> Iterator[Grid]:
    """Yield a number's values by site, by date, or by both, where it is said so."""
    for form in TABLES:
        found = work.draft.at((*number, form))
        if form == "estimates" or not isinstance(found, Mapping) or not found:
            continue
        at = (*number, form)
        columns = list(dict.fromkeys(str(k) for row in found.values() if isinstance(row, Mapping) for k in row))
        per = max(5, WIDE // max(1, len(columns))) if form == "grid" else PER_PAGE * 2
        pages = pages_of(len(found), per)
        here = min(max(page, 1), pages)
        rows = [
            GridRow(
                label=_label(work, form, str(key)),
                path=dotted((*at, str(key))),
                cells=[_cell(work, (*at, str(key), column)) for column in columns]
                if form == "grid"
                else [_cell(work, (*at, str(key)))],
            )
            for key in list(found)[(here - 1) * per : here * per]
        ]
        yield Grid(
            path=dotted(number),
            label=title_of(work.draft, number),
            form=form,
            unit=unit,
            columns=columns or ["value"],
            rows=rows,
            total=len(found),
            page=here,
            pages=pages,
        )


def _label(work: Work, form: str, key: str) -> str:
    site = work.draft.at(("sites", key)) if form == "sites" else None
    name = site.get("name") if isinstance(site, Mapping) else None
    return f"{name} ({key})" if name and name != key else key


def _cell(work: Work, at: Way) -> FieldView:
    text, base = work.draft.text(at), work.base.text(at)
    return FieldView(
        path=dotted(at), label=title_of(work.draft, at), kind=_CELL.kind, text=text, base=base, changed=text != base
    )
