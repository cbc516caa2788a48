"""The numbers of a run as a reader and a program get them: the same rows, once as a table, once as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import fieldshift as fs
from fieldshift.cli.talk import counted, table

__all__ = ["Row", "signed", "state"]

BOUND_SHOWN = 3
"""How many limits of a policy the summary names."""

Row = dict[str, Any]


def _headlines(rows: Sequence[Row], titles: Mapping[str, str]) -> str:
    """Return headlines as a table: a part for each measure, a line for each policy, a column a date."""
    dates = list(dict.fromkeys(row["when"] for row in rows))
    made: list[list[str]] = []
    for key in dict.fromkeys((row["measure"], row["of"]) for row in rows):
        mine = [row for row in rows if (row["measure"], row["of"]) == key]
        made.append([_headed(mine[0])])
        for policy in dict.fromkeys(row["policy"] for row in mine):
            by_date = {row["when"]: row for row in mine if row["policy"] == policy}
            made.append([titles[policy], *(fs.band(by_date[when]) if when in by_date else "" for when in dates)])
    return table(["", *dates], made)


def _headed(row: Row) -> str:
    unit = {"1": "", "1/year": "a year"}.get(row["unit"], row["unit"])
    return f"{row['title']} [{unit}]" if unit else str(row["title"])


def signed(value: float, unit: str) -> str:
    """Return a difference for a reader, with its sign."""
    text = fs.figure(abs(value), unit)
    mark = "" if not any(c in "123456789" for c in text) else "+" if value > 0 else "-"
    return f"{mark}{text}"


def _bindings(rows: Sequence[Row], titles: Mapping[str, str]) -> str:
    """Return a line for each policy: what cut a request first, where, when and how often."""
    wide = max(map(len, titles.values()))
    lines = []
    for policy, title in titles.items():
        mine = [row for row in rows if row["policy"] == policy and row["led"] > 0]
        said = [
            f"{row['title']} ({_where(row)}{row['date']}, bound first in {fs.figure(row['led'], '1')} "
            f"of futures, ever bound in {fs.figure(row['ever'], '1')})"
            for row in mine[:BOUND_SHOWN]
        ]
        lines.append(f"  {title.ljust(wide)}   {'; '.join(said) or 'nothing'}")
    return "\n".join(lines)


def _where(row: Row) -> str:
    return "" if row["place"] == "nation" else f"{row['place']}, "


def state(data: Row) -> str:
    """Return what an analyst reads in ten seconds: headlines by policy, and what bound first."""
    titles = data["policies"]
    count = counted(len(titles), "policy", "policies")
    head = f"{data['name']}: {count}, {counted(data['draws'], 'future')}, seed {data['seed']}"
    note = "The middle future; in brackets, the band that holds 80 % of futures."
    bound = f"What bound first\n{_bindings(data['bindings'], titles)}"
    return "\n\n".join([f"{head}\n{note}", _headlines(data["outlooks"], titles), bound])
