"""The numbers of a run as a reader and a program get them: the same rows, once as a table, once as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import fieldshift as fs
from fieldshift.cli.talk import counted, table

__all__ = ["Row", "band", "figure", "signed", "state", "told"]

BOUND_SHOWN = 3
"""How many limits of a policy the summary names."""

Row = dict[str, Any]


def told(result: fs.Result) -> Row:
    """Return the summary of a run as plain data: `outlooks`, `bindings`, `changes`; no value is null."""
    data = asdict(fs.summary(result))
    flat = {name: [_flat(row) for row in data[name]] for name in ("outlooks", "changes")}
    facts = {name: getattr(result.facts, name) for name in ("groups", "engine", "digest")}
    return data | facts | {"policies": dict(result.titles)} | flat


def _flat(row: Row) -> Row:
    """Return a row with the values of its band beside its other ones."""
    return {key: value for key, value in row.items() if key != "band"} | dict(row["band"])


def _headlines(rows: Sequence[Row], titles: Mapping[str, str]) -> str:
    """Return headlines as a table: a part for each measure, a line for each policy, a column a date."""
    dates = list(dict.fromkeys(row["when"] for row in rows))
    made: list[list[str]] = []
    for key in dict.fromkeys((row["measure"], row["of"]) for row in rows):
        mine = [row for row in rows if (row["measure"], row["of"]) == key]
        made.append([_headed(mine[0])])
        for policy in dict.fromkeys(row["policy"] for row in mine):
            by_date = {row["when"]: row for row in mine if row["policy"] == policy}
            made.append([titles[policy], *(band(by_date[when]) if when in by_date else "" for when in dates)])
    return table(["", *dates], made)


def _headed(row: Row) -> str:
    unit = {"1": "", "1/year": "a year"}.get(row["unit"], row["unit"])
    return f"{row['title']} [{unit}]" if unit else str(row["title"])


def band(row: Row) -> str:
    """Return the middle future with the 80 % band: `150 (145 to 155)`."""
    if row["middle"] is None:
        return "-"
    low, middle, high = (figure(row[key], row["unit"]) for key in ("low", "middle", "high"))
    return middle if low == high == middle else f"{middle} ({low} to {high})"


def figure(value: float, unit: str) -> str:
    """Return a number for a reader: shares in per cent, millions and more with their name."""
    if unit in ("1", "1/year"):
        return f"{_digits(100.0 * value, 99.95)} %"
    for size, name in ((1e9, "bn"), (1e6, "m")):
        if abs(value) >= 10 * size or (abs(value) >= size and unit.isupper()):
            return f"{_digits(value / size, 99.95)} {name}"
    return _digits(value, 9.95)


def _digits(value: float, whole_from: float) -> str:
    if abs(value) >= whole_from or abs(value - round(value)) < 1e-6:
        return f"{round(value) + 0:,}"
    return f"{value:.1f}"


def signed(value: float, unit: str) -> str:
    """Return a difference for a reader, with its sign."""
    text = figure(abs(value), unit)
    mark = "" if not any(c in "123456789" for c in text) else "+" if value > 0 else "-"
    return f"{mark}{text}"


def _bindings(rows: Sequence[Row], titles: Mapping[str, str]) -> str:
    """Return a line for each policy: what cut a request first, where, when and how often."""
    wide = max(map(len, titles.values()))
    lines = []
    for policy, title in titles.items():
        mine = [row for row in rows if row["policy"] == policy and row["led"] > 0]
        said = [
            f"{row['title']} ({_where(row)}{row['date']}, {figure(row['led'], '1')} of futures)"
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
