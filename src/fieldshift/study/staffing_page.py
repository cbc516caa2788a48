"""The page of a backtest: forecast against outcome, one picture for each organisation, and the scores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fieldshift.network.build import build
from fieldshift.results.report import report
from fieldshift.results.report_page import Cell, Control, Figure, Prose, Section, Table, View, column, span
from fieldshift.results.report_words import human
from fieldshift.results.result import Result
from fieldshift.scenario.schema import Scenario
from fieldshift.study.ledger import import_check
from fieldshift.study.outcome_chart import outcome_chart
from fieldshift.study.staffing_backtest import REFERENCES, StaffingBacktest, Tested

__all__ = ["backtest_page"]

_OWN = 12
"""Organisations that have a picture of their own; of more, one picture shows the chosen one."""

_BEFORE = 12
"""Periods of the past that a picture begins with."""

_TITLES = {"persistence": "Persistence", "constant": "Constant attrition", "identity": "Identity"}

_METHODS = (
    """Leavers by reason are counts of those exposed, a rate that wanders, followed by an exact filter on a grid
    (Kitagawa 1987), with factors of the season pulled to one (Efron and Morris 1975), more leavers among new hires, and
    organisations that learn from each other (Laird 1978); a rate far from the usual comes back. What the flows do not
    explain is a term of its own, pulled to zero, beside those who reach the stock a period late. Where only stocks are
    known, their damped trend is carried on (Gardner and McKenzie 1985).""",
    """Scores: the continuous ranked probability score (Gneiting and Raftery 2007), fair (Ferro 2014); the weighted
    interval score over bands of 50, 80 and 95 % (Bracher and others 2021). Skill: the share of a reference's mean
    absolute error that the forecast saves. Persistence: the last stock stays. Constant attrition: the last year's share
    of leavers goes on. Identity: the last stock, and those who truly entered and left: what it misses is in the
    records, not in the forecast.""",
)


def backtest_page(backtest: StaffingBacktest, file: str | Path) -> Path:
    """Write the page of a backtest: one HTML file that needs nothing else.

    Args:
        backtest: The backtest.
        file: The file.
    """
    first, last = min(t.origin for t in backtest.tests), max(t.forecast.periods[-1].end for t in backtest.tests)
    history = backtest.history
    days = (last - first).days
    scenario = Scenario.model_validate(
        {
            "name": f"How wrong it was: {history.label}",
            "about": _about(backtest),
            "horizon": {"start": first.isoformat(), "periods": max(days, 1), "step": "day"},
            "stocks": {"staff": {"start": "0 person"}},
            "policies": {"as_is": {"title": "As it was"}},
        }
    )
    shown = Result.of(
        scenario,
        build(scenario),
        {},
        draws=int(backtest.tests[0].forecast.stock.shape[0]),
        seed=backtest.seed,
        groups=1,
        engine="reference",
        digest=history.digest,
    )
    return report(shown, Path(file), sections(backtest))


def _about(backtest: StaffingBacktest) -> str:
    known = "the true hires and nothing else of what followed" if backtest.given else "nothing of what followed"
    return (
        f"Forecasts of headcount as if made on days of the past: each knew the table's rows up to its day, and {known}."
    )


def sections(backtest: StaffingBacktest) -> list[Section]:
    """Return the sections of the page."""
    table, paths = backtest.table(), _shown(backtest)
    orgs = list(dict.fromkeys(test.org for test in backtest.tests))
    pictures: list[Figure] = []
    if len(orgs) <= _OWN:
        pictures = [_picture(backtest, paths, [org], f"fan-{i}") for i, org in enumerate(orgs)]
    else:
        pictures = [_picture(backtest, paths, orgs, "fan")]
    checked = import_check(backtest.history)
    return [
        Section("answer", "How wrong it was", (Prose((backtest.sentence,), "lead"), _summary(table, orgs))),
        Section("pictures", "Forecast and outcome", tuple(pictures), "Forecast and outcome"),
        Section("scores", "Scores", (_scores(table),)),
        Section(
            "ledger",
            "What stocks and flows leave unexplained",
            (Prose(tuple(line.strip() for line in checked.sentences()), "list"),),
            "Unexplained",
        ),
        Section("methods", "Methods", (Prose(tuple(" ".join(text.split()) for text in _METHODS), "note"),)),
    ]


def _shown(backtest: StaffingBacktest) -> pd.DataFrame:
    """Return what the pictures show: the past before each day, then bands, references and outcome."""
    truth, found = backtest.history.known(), []
    paths = backtest.paths()
    names = [str(name) for name in paths if str(name).startswith("q")]
    for test in backtest.tests:
        unit = truth[test.org]
        past = [i for i, p in enumerate(unit.periods) if p.end <= test.origin and not np.isnan(unit.stock[i])]
        lines: list[dict[str, Any]] = [{"date": unit.periods[i].end, "outcome": unit.stock[i]} for i in past[-_BEFORE:]]
        start = dict.fromkeys([*names, *test.references], test.forecast.start)
        if lines:
            lines[-1] |= start
        mine = paths[(paths["origin"] == test.origin.isoformat()) & (paths["org"] == test.org)]
        frame = pd.concat([pd.DataFrame(lines), mine[["date", "outcome", *names, *test.references]]], ignore_index=True)
        found.append(frame.assign(org=test.org, origin=_day(test)))
    made = pd.concat(found, ignore_index=True)
    made["date"] = pd.to_datetime(made["date"])
    for name in REFERENCES:
        made[name] = made.get(name, np.nan)
    made["low"] = made[["outcome", "q025", "constant", "persistence"]].min(axis=1)
    made["high"] = made[["outcome", "q975", "constant", "persistence"]].max(axis=1)
    return made


def _day(test: Tested) -> str:
    return f"{test.origin:%B} {test.origin.year}"


def _picture(backtest: StaffingBacktest, paths: pd.DataFrame, orgs: Sequence[str], name: str) -> Figure:
    tests = [test for test in backtest.tests if test.org in orgs]
    origins = list(dict.fromkeys(_day(test) for test in tests))
    mine = paths[paths["org"].isin(orgs)].reset_index(drop=True)
    views = {}
    for test in tests:
        rows = mine[(mine["org"] == test.org) & (mine["origin"] == _day(test))]
        key = _day(test) if len(orgs) == 1 else f"{test.org}|{_day(test)}"
        views[key] = View(_says(test), "people at the period's end", span(rows, "low", "high", zero=False))
    controls = [Control("origin", "As if on", tuple((o, o) for o in origins))]
    if len(orgs) > 1:
        controls.insert(0, Control("org", "Organisation", tuple((o, o) for o in orgs)))
    spans = mine.groupby(["org", "origin"])["date"].agg(np.ptp)
    months = int(spans.max().days / 30)
    title = orgs[0] if len(orgs) == 1 else "Forecast and outcome by organisation"
    return Figure(
        name,
        title,
        outcome_chart(months, ("constant", "identity")),
        (name, mine),
        column(
            [
                ("date", "Date", "date"),
                ("outcome", "Outcome"),
                ("q500", "Median"),
                ("q100", "10 %"),
                ("q900", "90 %"),
                ("constant", "Constant attrition"),
            ]
        ),
        views,
        tuple(controls),
        note="Line with dots: what happened. Blue line: the median forecast; bands from dark to pale hold 50, 80 and "
        "95 % of the futures. Dashed: constant attrition. Dotted: the last stock, with true hires and leavers.",
    )


def _says(test: Tested) -> str:
    """Return what a picture shows, in words made from its numbers."""
    known = np.flatnonzero(~np.isnan(test.outcome))
    last = int(known[-1])
    middle = float(np.median(test.forecast.stock[:, last]))
    low, high = np.quantile(test.forecast.stock[:, last], [0.1, 0.9])
    truth = float(test.outcome[last])
    where = "inside" if low <= truth <= high else "outside"
    words = (
        f"For {test.forecast.periods[last]} {human(middle)} were forecast ({human(low)} to {human(high)} in 8 of 10 "
        f"futures); there were {human(truth)}, {where} that band. The stock was missed by {test.scores.mape:.2f} % on "
        "average"
    )
    constant = test.errors["constant"]
    return f"{words}." if np.isnan(constant) else f"{words}, by constant attrition {constant:.2f} %."


def _summary(table: pd.DataFrame, orgs: Sequence[str]) -> Table:
    """Return a row for each organisation, over all days."""
    rows, told = [], _told_of(table)
    for org in orgs:
        mine = table[table["org"] == org]
        cells = [_number(mine[name].mean()) for name in ("mape", *(f"mape_{name}" for name in told))]
        held = float(np.average(mine["cover80"], weights=mine["count"]))
        bias = float(np.average(mine["bias"], weights=mine["count"]))
        rows.append((Cell(org), *cells, Cell(f"{100 * held:.0f} %", held), Cell(f"{bias:+,.0f}", bias)))
    heads = ("Organisation", "Forecast", *(_TITLES[name] for name in told), "80 % held", "Bias, people")
    right = frozenset(range(1, len(heads)))
    return Table("summary", "Mean absolute error, % of headcount", heads, tuple(rows), right, sortable=True)


def _told_of(table: pd.DataFrame) -> list[str]:
    """Return the references that are known for any organisation."""
    return [name for name in REFERENCES if table[f"mape_{name}"].notna().any()]


def _scores(table: pd.DataFrame) -> Table:
    """Return a row for each day and organisation."""
    rows, told = [], _told_of(table)
    for row in table.to_dict("records"):
        covered = [Cell(f"{100 * row[name]:.0f} %", row[name]) for name in ("cover50", "cover80", "cover95")]
        saved = [_number(row[f"skill_{name}"]) for name in told]
        rows.append(
            (
                Cell(f"{row['org']}, {row['origin']}"),
                _number(row["mape"]),
                Cell(f"{row['bias']:+,.0f}", row["bias"]),
                Cell(f"{row['crps']:,.0f}", row["crps"]),
                Cell(f"{row['wis']:,.0f}", row["wis"]),
                *covered,
                *saved,
            )
        )
    skills = [f"Skill: {_TITLES[name].lower()}" for name in told]
    heads = ("Forecast of, on", "MAPE, %", "Bias", "CRPS", "WIS", "50 %", "80 %", "95 %", *skills)
    right = frozenset(range(1, len(heads)))
    return Table("all-scores", "Each forecast", heads, tuple(rows), right, sortable=True, tall=len(rows) > 30)


def _number(value: float | None) -> Cell:
    return Cell("–", -1e9) if value is None or np.isnan(value) else Cell(f"{value:.2f}", float(value))
