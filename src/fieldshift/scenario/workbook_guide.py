"""The first sheet of a scenario's workbook: how to use it, and what each sheet is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fieldshift.scenario.sheets import HEAD, sheet_kinds
from fieldshift.scenario.workbook_look import Look

__all__ = ["read_me"]

_HOW = (
    ("What this is", "One scenario of Fieldshift. Each sheet holds one kind of part, each row is one part."),
    ("Check it", "fieldshift check FILE.xlsx      tells every problem with its cell, such as stocks!E7"),
    ("Run it", "fieldshift run FILE.xlsx -o DIR      then open DIR/report.html"),
    ("Add a part", "Write in the first empty row under the table. A cell that is left empty takes its default."),
    ("Blue tabs", "These sheets have rows. The others are there to be filled, or left."),
    ("Remove a part", "Delete its row. The check tells who still uses its name."),
    ("Columns", "Rest the pointer on a header: its meaning, unit and default. Any order will do; unused ones may go."),
    ("Numbers", "40 takes the unit of its column. 12 %/year and 5 person per site say their own."),
    (
        "Formulas",
        "officers * desk_share is a formula over the sheet quantities. It has no = in front.",
    ),
    ("Ranges", "What is not known for sure has a column beside it: for rate a column rate.range with 5..6 %/year."),
    (
        "Evidence",
        "In the same way rate.source, rate.as_of, rate.note, rate.shape, rate.assumption, where needed.",
    ),
    ("By date", "2025-01-06: 150 person, 2025-07-28: 165 person      holds from each date on, all in one cell."),
    ("By year", "2025: 700 MUSD, 2026: 720 MUSD      holds in each fiscal year."),
    ("By site", "On a new sheet with the columns site and value, or date and one column for each site."),
    ("", "The number's cell names that sheet with ! behind it: seats!"),
    ("Rivals", "Several estimates of one number stand on the sheet estimates; the number's cell says estimates!"),
    ("Lists", "Several names in one cell: desk, field. Names with a share each: seats: 1, beds: 0.5"),
    ("Quotes", 'A text that would be read as something else stands in double quotes: "2024".'),
    ("Sites", "A further column on the sheet sites is an attribute that other parts may name."),
    ("Your notes", "Sheets whose name starts with _ are left alone. Formulas of Excel count by their values."),
    ("No persons", "Counts by site and kind only. A column that looks like a person's name or number is refused."),
)
_HEAD = "What it is called, when it starts, how long it runs."
_TABLE = "A number by site or date. The cell that it belongs to names this sheet."


def read_me(sheet: Any, look: Look, tables: Sequence[str]) -> None:
    """Write the first sheet.

    Args:
        sheet: An empty sheet.
        look: The formats of the workbook.
        tables: Names of the sheets that hold a number by site or date.
    """
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, 18)
    sheet.set_column(1, 1, 110)
    sheet.write_string(0, 0, "A Fieldshift scenario", look.title)
    row = 2
    for head, text in _HOW:
        sheet.write_string(row, 0, head, look.bold)
        sheet.write_string(row, 1, text, look.wrap)
        row += 1
    row += 1
    sheet.write_string(row, 0, "Sheets", look.title)
    listed = [(kind.name, _HEAD if kind.name == HEAD else kind.kind.meaning) for kind in sheet_kinds()]
    for name, meaning in [*listed, *((name, _TABLE) for name in tables)]:
        row += 1
        sheet.write_url(row, 0, f"internal:'{name}'!A1", string=name)
        sheet.write_string(row, 1, meaning, look.wrap)
