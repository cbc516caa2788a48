"""Backtests written into a folder: tables, JSON, and a page; of a table of staff, or of a scenario."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from fieldshift.network.build import build
from fieldshift.results.report import report
from fieldshift.results.report_page import Cell, Control, Figure, Prose, Section, Table, View, column, span
from fieldshift.results.report_words import human
from fieldshift.results.result import Result
from fieldshift.scenario.schema import Scenario
from fieldshift.scenario.write import replaced
from fieldshift.study.backtest import Backtest
from fieldshift.study.outcome_chart import outcome_chart
from fieldshift.study.references import REFERENCES
from fieldshift.study.staffing_backtest import StaffingBacktest
from fieldshift.study.staffing_page import backtest_page

__all__ = ["scenario_sections", "write_backtest"]

_MOST = 12
"""Series that have a picture of their own."""

_METHODS = (
    """At each day the unknowns were fitted to the rows known by then, and futures were simulated with what the fit
    left open. Scores: the fair continuous ranked probability score (Gneiting and Raftery 2007, Ferro 2014) and the
    weighted interval score over bands of 50, 80 and 95 % (Bracher and others 2021). Skill: the share of a reference's
    absolute error that the forecast's median saves; below zero the reference was better.""",
)


def write_backtest(backtest: StaffingBacktest | Backtest, folder: str | Path) -> dict[str, Path]:
    """Write a backtest into a folder: scores and paths as CSV, all as JSON, and the page.

    Each file is written whole and renamed into place.

    Args:
        backtest: A backtest of a table of staff, or of a scenario.
        folder: The folder; files of the same names are replaced.

    Returns:
        The files by what they are: `scores`, `paths`, `data`, `page`.
    """
    place = Path(folder)
    if isinstance(backtest, StaffingBacktest):
        scores, paths = backtest.table(), backtest.paths()
    else:
        scores, paths = backtest.scores(("series", "site", "origin")), backtest.forecasts
    text = json.dumps(backtest.as_json(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    found = {
        "scores": replaced(place / "scores.csv", scores.to_csv(index=False, float_format="%.6g")),
        "paths": replaced(place / "paths.csv", paths.to_csv(index=False, float_format="%.6g")),
        "data": replaced(place / "backtest.json", text),
    }
    page = place / "report.html"
    found["page"] = backtest_page(backtest, page) if isinstance(backtest, StaffingBacktest) else _page(backtest, page)
    return found


def _page(backtest: Backtest, file: Path) -> Path:
    """Write the page of a scenario's backtest."""
    table = backtest.forecasts
    first, last = min(backtest.origins), max(table["last"])
    scenario = Scenario.model_validate(
        {
            "name": f"How wrong it was: {backtest.name}",
            "about": (
                f"Forecasts as if made on days of the past, under the policy '{backtest.policy}': each knew the rows "
                "that were known by its day"
                + (f", and {', '.join(backtest.given)} as they turned out." if backtest.given else ".")
            ),
            "horizon": {"start": first.isoformat(), "periods": max((last - first).days, 1), "step": "day"},
            "stocks": {"staff": {"start": "0 person"}},
            "policies": {"as_is": {"title": backtest.policy}},
        }
    )
    digest = next(iter(backtest.calibrations.values())).digest
    shown = Result.of(
        scenario,
        build(scenario),
        {},
        draws=backtest.draws,
        seed=backtest.seed,
        groups=1,
        engine="reference",
        digest=digest,
    )
    return report(shown, file, scenario_sections(backtest))


def scenario_sections(backtest: Backtest) -> list[Section]:
    """Return the sections of the page of a scenario's backtest."""
    later = []
    if backtest.later:
        words = ", ".join(backtest.later[:8]) + (" and others" if len(backtest.later) > 8 else "")
        later = [Prose((f"The forecasts knew numbers of a later day than the first origin: {words}.",), "note")]
    fits = [
        f"As if on {origin}: {sentence}"
        for origin, one in backtest.calibrations.items()
        for sentence in one.sentences()
    ]
    return [
        Section("answer", "How wrong it was", (Prose((backtest.sentence,), "lead"), *later)),
        Section("pictures", "Forecast and outcome", tuple(_pictures(backtest)), "Forecast and outcome"),
        Section("scores", "Scores", (_scores(backtest),)),
        Section("fits", "What was fitted", (Prose(tuple(fits), "list"),)),
        Section("methods", "Methods", (Prose(tuple(" ".join(text.split()) for text in _METHODS), "note"),)),
    ]


def _pictures(backtest: Backtest) -> list[Figure]:
    table = backtest.forecasts.copy()
    table["date"] = pd.to_datetime(table["last"])
    table["origin"] = table["origin"].astype(str)
    table["site"] = table["site"].astype(str).replace("", "all")
    renamed = {"observed": "outcome", "q10": "q100", "q25": "q250", "q50": "q500", "q75": "q750", "q90": "q900"}
    table = table.rename(columns=renamed | {"q975": "q975"}).drop(columns=["first", "last"])
    lines = [name for name in REFERENCES if name in table]
    ends = ["outcome", "q025", "q975"]
    table["low"], table["high"] = table[ends].min(axis=1), table[ends].max(axis=1)
    found = []
    for i, (series, mine) in enumerate(table.groupby("series", sort=False)):
        if i == _MOST:
            break
        found.append(_picture(f"fan-{i}", str(series), mine.reset_index(drop=True), lines))
    return found


def _picture(name: str, series: str, mine: pd.DataFrame, lines: Sequence[str]) -> Figure:
    asked = [("site", "Site"), ("origin", "As if on")]
    fields = [field for field, _ in asked if mine[field].nunique() > 1] or ["origin"]
    views = {}
    for key, rows in mine.groupby(fields, sort=False):
        views["|".join(str(k) for k in key)] = View(_says(rows), "", span(rows, "low", "high", zero=False))
    controls = [
        Control(field, label, tuple((str(v), str(v)) for v in dict.fromkeys(mine[field])))
        for field, label in asked
        if field in fields
    ]
    months = max(int(np.ptp(rows["date"].to_numpy()).astype("timedelta64[D]").astype(int) / 30) for rows in [mine])
    shown = [("date", "Date", "date"), ("outcome", "Outcome"), ("q500", "Median"), ("q100", "10 %"), ("q900", "90 %")]
    dashes = [line for line in lines if not mine[line].isna().all()][:2]
    told = " ".join(f"{kind}: {REFERENCES[line]}." for kind, line in zip(("Dashed", "Dotted"), dashes, strict=False))
    return Figure(
        name,
        series.replace("_", " ").capitalize(),
        outcome_chart(months, dashes),
        (name, mine),
        column(shown),  # type: ignore[arg-type]
        views,
        tuple(controls),
        note="Line with dots: what happened. Blue line: the median forecast; bands from dark to pale hold 50, 80 and "
        f"95 % of the futures. {told}",
    )


def _says(rows: pd.DataFrame) -> str:
    known = rows[rows["outcome"].notna()]
    if known.empty:
        return "What followed is not known."
    last = known.iloc[-1]
    inside = int(((known["outcome"] >= known["q100"]) & (known["outcome"] <= known["q900"])).sum())
    return (
        f"For {last['date']:%B %Y} {human(last['q500'])} were forecast ({human(last['q100'])} to "
        f"{human(last['q900'])} in 8 of 10 futures); there were {human(last['outcome'])}. "
        f"{inside} of {len(known)} outcomes lie in such bands."
    )


def _scores(backtest: Backtest) -> Table:
    frame = backtest.scores(("series", "origin"))
    rows = []
    for row in frame.to_dict("records"):
        held = [Cell(f"{100 * row[name]:.0f} %", row[name]) for name in ("cover50", "cover80", "cover95")]
        numbers = [_number(row[name]) for name in ("mape", "bias", "crps", "wis")]
        skills = [_number(row[f"skill_{name}"]) for name in REFERENCES]
        rows.append((Cell(f"{row['series']}, {row['origin']}"), *numbers, *held, *skills))
    skills_of = [f"Skill: {title}" for title in REFERENCES.values()]
    heads = ("Forecast of, on", "MAPE, %", "Bias", "CRPS", "WIS", "50 %", "80 %", "95 %", *skills_of)
    right = frozenset(range(1, len(heads)))
    return Table("all-scores", "Each forecast", heads, tuple(rows), right, sortable=True, tall=len(rows) > 30)


def _number(value: float | None) -> Cell:
    return (
        Cell("–", -1e9)
        if value is None or np.isnan(value)
        else Cell(human(value) if abs(value) >= 100 else f"{value:.2f}", float(value))
    )
