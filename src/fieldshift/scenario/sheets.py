"""Which sheet of a workbook holds which kind of part, and which columns it has: made from the data dictionary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, get_args

from fieldshift.scenario.dictionary import Field, PartKind, dictionary
from fieldshift.scenario.marked import Path
from fieldshift.scenario.paths import kinds, union_of
from fieldshift.scenario.schema import Amount, Scenario

__all__ = ["ANY", "HEAD", "IGNORED", "READ_ME", "SETTINGS", "SheetKind", "columns_for", "sheet_kinds", "types_at"]

HEAD, SETTINGS, READ_ME = "scenario", "settings", "Read me"
ANY: tuple[Any, ...] = (Any,)
IGNORED = "_"
"""Sheets whose name starts so are the planner's own notes."""

_AMOUNT_FIELDS = tuple(Amount.model_fields)
_NOT_COLUMNS = ("dates", "years", "sites", "grid")


@dataclass(frozen=True)
class SheetKind:
    """A sheet of a workbook.

    Attributes:
        name: Its name.
        kind: The kind of part of which each row is one.
        key: The first column where it says to what a row belongs: the part's `name`, its `policy`, or `in`; else empty.
        path: The way to the parts in a scenario; for lists inside parts, the collection and the list's field.
        types: The classes of a row.
    """

    name: str
    kind: PartKind
    key: str
    path: Path
    types: tuple[Any, ...]

    @property
    def named(self) -> bool:
        """Whether each row is a part with a name of its own."""
        return self.kind.named

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it always has, in order."""
        own = tuple(field.path for field in self.kind.fields if self._is_column(field))
        return (self.key, *own) if self.key else own

    def field(self, column: str) -> Field | None:
        """Return the described field that a column holds, or None for its key and for what an amount says beside."""
        return next((field for field in self.kind.fields if field.path == column), None)

    def _is_column(self, field: Field) -> bool:
        if self.name == "policies" and field.path == "set":
            return False
        whole = self.kind.key == "quantities" and field.path in (*_NOT_COLUMNS, "table")
        return field.kind != "list" and not whole


_ORDER = (
    ("scenario", "scenario", ""),
    ("sites", "sites", ""),
    ("quantities", "quantities", "name"),
    ("estimates", "estimates", "in"),
    ("stocks", "stocks", "name"),
    ("flows", "flows", "name"),
    ("choices", "choices", "name"),
    ("stages", "choices.stages", "choice"),
    ("resources", "resources", "name"),
    ("budgets", "budgets", "name"),
    ("lapses", "budgets.lapses", "budget"),
    ("work", "work", "name"),
    ("needs", "needs", "name"),
    ("steps", "needs.steps", "in"),
    ("events", "events", "name"),
    ("profiles", "profiles", "name"),
    ("dials", "dials", "name"),
    ("policies", "policies", "name"),
    ("rules", "policies.rules", "policy"),
    ("settings", "", "policy"),
    ("goals", "goals", ""),
    ("levers", "levers", "name"),
    ("headlines", "headlines", ""),
    ("series", "history", "name"),
    ("observed", "history.rows", "series"),
)
_SETTING = PartKind(
    SETTINGS,
    "Settings of policies",
    "What differs in the scenario under a policy, one value a row.",
    (
        Field("path", "text", "", None, "The value that differs, by its path: `flows.quit.rate`.", required=True),
        Field("value", "value", "", None, "Its value under the policy; `null` removes it.", required=True),
    ),
    within="policies",
)


@cache
def sheet_kinds() -> tuple[SheetKind, ...]:
    """Return every sheet of a workbook, in order, without its first and without tables of numbers."""
    by_key = {kind.key: kind for kind in dictionary()}
    return tuple(_sheet(name, by_key.get(key, _SETTING), first) for name, key, first in _ORDER)


def _sheet(name: str, kind: PartKind, key: str) -> SheetKind:
    if name in (HEAD, SETTINGS):
        return SheetKind(name, kind, key, (), (Scenario,))
    if kind.key in ("estimates", "needs.steps"):
        path: Path = (kind.key.rpartition(".")[2],)
        start: tuple[Any, ...] = (Amount,) if path == ("estimates",) else types_at((Scenario,), ("needs", "x", "short"))
        return SheetKind(name, kind, key, path, _inner(types_at(start, path)))
    path = tuple(kind.key.split("."))
    sample = (path[0], "x", *path[1:]) if len(path) > 1 else path
    return SheetKind(name, kind, key, path, _inner(types_at((Scenario,), sample)))


def _inner(types: Iterable[Any]) -> tuple[Any, ...]:
    """Return what a list or a mapping holds."""
    inner = [arg for kind in types for arg in get_args(kind)[-1 if str(kind).startswith("dict") else 0 :][:1]]
    return tuple(member for kind in inner for member in union_of(kind))


def types_at(types: Sequence[Any], path: Path) -> tuple[Any, ...]:
    """Return what may stand at a path inside something of these types; empty where nothing may."""
    return _types_at(tuple(types), path)


@lru_cache(maxsize=16384)
def _types_at(found: tuple[Any, ...], path: Path) -> tuple[Any, ...]:
    for key in path:
        found = tuple(dict.fromkeys(inner for kind in found for inner in kinds(kind, key)))
    return found


def columns_for(kind: SheetKind, used: Iterable[str]) -> list[str]:
    """Return the columns of a sheet: those that it always has, and further ones that its rows use, beside their own."""
    found = list(kind.columns)
    more = [column for column in dict.fromkeys(used) if column not in found]
    order = {name: i for i, name in enumerate(_AMOUNT_FIELDS)}
    for column in sorted(more, key=lambda text: -order.get(text.rpartition(".")[2], len(order))):
        base = column.rpartition(".")[0]
        if base in found:
            found.insert(found.index(base) + 1, column)
    return found + [column for column in more if column not in found]
