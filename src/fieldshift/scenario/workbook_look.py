"""How a scenario's workbook looks: formats by unit, comments on headers, drop-downs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fieldshift.scenario.cells import Cell
from fieldshift.scenario.dictionary import Field
from fieldshift.scenario.schema import Amount, Site
from fieldshift.scenario.sheet_rows import Row
from fieldshift.scenario.sheets import SheetKind, sheet_kinds, types_at

__all__ = ["FILLED", "Look"]

FILLED = "#2F6DB5"
"""The colour of a sheet's tab where the sheet has rows."""

_REACH = 2_000
"""Rows of a sheet whose names a drop-down offers."""

_KEYS = {
    "name": "The name by which other parts call it: letters, digits and _. Renaming it here does not rename it there.",
    "in": "The number that this row belongs to, by its path: `quantities.desk_share`, `needs.field.short`.",
    "choice": "The choice that this stage belongs to; stages stand in order.",
    "budget": "The budget that this lapse belongs to.",
    "policy": "The policy that this row belongs to; rows of one policy stand in order.",
    "series": "The series that this number belongs to.",
}
_OWNERS = {"choice": "choices", "budget": "budgets", "policy": "policies", "series": "series"}
_SHEET_OF = {"history": "series"}
_FREE = re.compile(r"[^A-Za-z0-9 /%.*_-]")


class Look:
    """The formats of one workbook."""

    comment_size: Mapping[str, Any] = {"x_scale": 2.6, "y_scale": 1.6, "author": ""}

    def __init__(self, file: Any, currency: str) -> None:
        self._file, self._currency = file, currency
        self._forms: dict[str, Any] = {}
        head = {"bold": True, "bottom": 1, "bg_color": "#E7ECF1"}
        self.header = file.add_format(head)
        self.guarded_header = file.add_format({**head, "quote_prefix": True})
        self.key = file.add_format({"bold": True, "num_format": "@", "valign": "top"})
        self.text = file.add_format({"num_format": "@", "valign": "top", "text_wrap": True, "align": "left"})
        self.words = file.add_format({"num_format": "@"})
        self.guarded = file.add_format({"num_format": "@", "quote_prefix": True})
        self.quiet = file.add_format({"font_color": "#5B6670", "valign": "top", "text_wrap": True})
        self.date = file.add_format({"num_format": "yyyy-mm-dd", "align": "left"})
        self.title = file.add_format({"bold": True, "font_size": 16})
        self.wrap = file.add_format({"text_wrap": True, "valign": "top"})
        self.bold = file.add_format({"bold": True, "valign": "top"})

    def _form(self, code: str) -> Any:
        if code not in self._forms:
            self._forms[code] = self._file.add_format({"num_format": code, "align": "left"})
        return self._forms[code]

    def _unit(self, unit: str, row: Row) -> str:
        """Return a unit as it is shown: in the scenario's currency, and what a resource counts by its name."""
        found = str(row.get("unit") or "unit") if unit == "unit" else unit.replace("USD", self._currency)
        return _FREE.sub("", found)[:40]

    def cell(self, kind: SheetKind, column: str, cell: Cell, row: Row) -> Any:
        """Return the format of a filled cell: a bare number shows the unit that it takes."""
        if isinstance(cell, bool) or not isinstance(cell, int | float):
            return self.column(kind, column)
        field = kind.field(column)
        if field is None or field.kind not in ("amount", "value"):
            return None
        if "|" in field.unit or not field.unit:
            return self._form("General")
        if field.unit == "1":
            return self._form("0.######%" if cell != round(cell, 2) else "0%")
        unit = self._unit(field.unit, row)
        return self._form(f'#,##0 "{unit}"' if float(cell).is_integer() else f'General "{unit}"')

    def column(self, kind: SheetKind, column: str) -> Any:
        """Return the format of a column's empty cells: texts stay texts as they are typed."""
        if column == kind.key:
            return self.key
        field = kind.field(column)
        if field is None:
            return None if kind.types == (Site,) else self.words
        if field.kind == "date" and str not in types_at(kind.types, tuple(column.split("."))):
            return self.date
        if field.kind == "amount" and field.unit not in ("", "1", "unit") and "|" not in field.unit:
            return self._form(f'General "{self._unit(field.unit, {})}"')
        return None if field.kind in ("number", "value", "flag", "amount") else self.words

    def comment(self, kind: SheetKind, column: str) -> str:
        """Return the comment on a header: meaning, unit, default, and what may stand there."""
        field = kind.field(column)
        if field is None and column == kind.key:
            return _KEYS[column]
        if field is None:
            return self._beside(kind, column)
        lines = [field.meaning.replace("`", "")]
        if field.unit:
            shown = " or ".join("share" if u == "1" else self._unit(u, {}) for u in field.unit.split("|"))
            lines.append(f"Unit of a bare number: {shown}.")
        if field.required:
            lines.append("Required.")
        elif field.default is not None:
            lines.append(f"If empty: {field.default}.")
        if field.choices:
            lines.append(f"One of: {', '.join(field.choices)}.")
        if field.refers:
            lines.append(f"Names from: {', '.join(_SHEET_OF.get(name, name) for name in field.refers)}.")
        if field.only:
            lines.append(f"For rules of the sort: {', '.join(field.only)}.")
        return "\n".join(lines)

    def _beside(self, kind: SheetKind, column: str) -> str:
        base, _, last = column.rpartition(".")
        about = Amount.model_fields.get(last)
        if about is not None and base:
            return f"{about.description}\nOf the number {base}.".replace("`", "")
        return "A further attribute of sites." if kind.types == (Site,) else "Further."

    def validate_column(self, sheet: Any, kind: SheetKind, column: str, area: tuple[int, int, int, int]) -> None:
        """Give a column its drop-down."""
        field = kind.field(column)
        if field is None and column == kind.key and column in _OWNERS:
            self._listed(sheet, area, _OWNERS[column], strict=True)
        elif field is None and column.rpartition(".")[2] in ("shape", "assumption"):
            words = ["uniform", "triangle", "pert", "normal", "lognormal"] if column.endswith("shape") else _FLAGS
            sheet.data_validation(*area, {"validate": "list", "source": words})
        elif field is not None:
            self.validate(sheet, area, field)

    def validate(self, sheet: Any, area: tuple[int, int, int, int], field: Field) -> None:
        """Give the cells of a field their drop-down: its words, or the names that there are."""
        if field.choices or field.kind == "flag":
            sheet.data_validation(*area, {"validate": "list", "source": list(field.choices or _FLAGS)})
        elif field.refers == ("attributes",):
            how = {"validate": "list", "source": _ATTRIBUTES, "show_error": False}
            sheet.data_validation(*area, how)
        elif field.refers and field.refers[0] in {kind.path[0] for kind in sheet_kinds() if kind.path}:
            single = field.kind == "name" and len(field.refers) == 1
            self._listed(sheet, area, _SHEET_OF.get(field.refers[0], field.refers[0]), strict=single)

    def _listed(self, sheet: Any, area: tuple[int, int, int, int], of: str, strict: bool) -> None:
        """Offer the names on another sheet; where several may stand, or a word, others are taken too."""
        source = f"={of}!$A$2:$A${_REACH}"
        how = {"validate": "list", "source": source, "show_error": strict, "error_type": "warning"}
        more = {"error_title": "No such name", "error_message": f"The sheet '{of}' has no such name. Use it anyway?"}
        sheet.data_validation(*area, {**how, **(more if strict else {})})


_FLAGS = ["TRUE", "FALSE"]
_ATTRIBUTES = "=sites!$B$1:$AZ$1"
